"""Discrete diffusion on a table: denoiser, both noisings, samplers and their cost, against sums done by hand."""

import itertools
import math

import pytest
import torch

from toycore.lessons import discrete
from toycore.lessons import discrete_laws as laws
from toycore.lessons.discrete import HIDDEN, masked, uniform
from toycore.types import seeded

WORDS = discrete.joint()
D, K, L = WORDS.posterior, len(WORDS.symbols), 3
NOISES = pytest.mark.parametrize("noise", [masked, uniform], ids=lambda noise: noise.name)
BLANK = torch.full((1, L), HIDDEN)


def grid(steps: int) -> torch.Tensor:
    return torch.linspace(1, 0, steps + 1, dtype=torch.float64)


def exact(noise):
    return lambda tokens, time: D(tokens, time, noise)


# ---- noise -----------------------------------------------------------------------------------------


@NOISES
def test_a_kernel_is_the_product_of_its_steps(noise) -> None:
    """q(x_t | x_0) against 50 one-step matrices, written out from the definition with beta = dt / (1 - t)."""
    product, times = torch.eye(K + 1, dtype=torch.float64), torch.linspace(0, 0.9, 51, dtype=torch.float64).tolist()
    for a, b in itertools.pairwise(times):
        beta, step = (b - a) / (1 - a), torch.eye(K + 1, dtype=torch.float64)
        for i, j in itertools.product(range(K), range(K + 1)):
            new = float(j == K) if noise.hides else float(j < K) / K
            step[i, j] = (1 - beta) * (i == j) + beta * new
        product = product @ step
    torch.testing.assert_close(product, noise.kernel(0, 0.9, K), rtol=0, atol=1e-12)


@NOISES
def test_noised_words_follow_the_kernel(noise) -> None:
    """200,000 places at time 0.3, within 4 standard errors of the kernel's row."""
    clean = torch.full((1000, 200), 2)
    noisy = noise(clean, 0.3, K, seeded(1)).flatten()
    share = torch.bincount(noisy % (K + 1), minlength=K + 1) / len(noisy)
    p = noise.kernel(0, 0.3, K)[2]
    assert ((share - p).abs() <= 4 * (p * (1 - p) / len(noisy)).sqrt()).all()
    each = noise(clean[:2], torch.tensor([0.0, 1.0]), K, seeded(2))
    assert torch.equal(each[0], clean[0]) and not torch.equal(each[1], clean[1])


# ---- the exact denoiser ------------------------------------------------------------------------------


@NOISES
def test_the_posterior_is_that_of_brute_force(noise) -> None:
    """p(x_0^i = k | x_t) by a loop over all completions and the entries of the kernel, at every x_t that can occur."""
    time, q = 0.6, noise.kernel(0, 0.6, K)
    states = laws.spellings(L, K, hidden=noise.hides)
    got = exact(noise)(states, time)
    for x_t, answer in zip(states.tolist(), got, strict=True):
        want = torch.zeros(L, K, dtype=torch.float64)
        for word, p in zip(WORDS.words.tolist(), WORDS.p.tolist(), strict=True):
            like = math.prod(float(q[a, b]) for a, b in zip(word, x_t, strict=True))
            for i, k in enumerate(word):
                want[i, k] += p * like
        if want.sum():
            torch.testing.assert_close(answer, want / want[0].sum(), rtol=0, atol=1e-12)
        else:
            torch.testing.assert_close(answer, D(BLANK)[0])


def test_a_conditional_by_hand() -> None:
    """Of the words te_, tea has 10, ten 6 and tee 3 of 19 shares, at any time; uniform noise leaves nothing at 1."""
    open_end = WORDS.tokens("te_")
    for time in (0.1, 1.0):
        assert D(open_end, time)[0, 2].tolist() == pytest.approx([10 / 19, 3 / 19, 6 / 19, 0, 0])
    torch.testing.assert_close(D(WORDS.tokens("tea"), 1.0, uniform), D(BLANK))
    assert WORDS.text(WORDS.tokens(["te_", "sea"])) == ["te_", "sea"]
    torch.testing.assert_close(discrete.posterior(open_end, 0.3), D(open_end))


def test_a_sentence_is_a_word_of_words() -> None:
    two = discrete.joint(["a cat purrs", "a dog barks"])
    assert two.symbols == ("a", "barks", "cat", "dog", "purrs") and two.text(two.words) == [
        "a cat purrs",
        "a dog barks",
    ]
    assert two.posterior(two.tokens("a _ barks"))[0, 1].tolist() == [0, 0, 0, 1, 0]


# ---- the samplers ------------------------------------------------------------------------------------


def test_one_at_a_time_is_exact_in_law() -> None:
    torch.testing.assert_close(laws.law_in_turn(D, L, K), WORDS.table, rtol=0, atol=1e-12)


def test_all_at_once_is_the_product_of_marginals() -> None:
    """And what that costs, its KL divergence, is the total correlation: sums over the table's own axes."""
    p = WORDS.table
    product = torch.einsum("a,b,c->abc", p.sum((1, 2)), p.sum((0, 2)), p.sum((0, 1)))
    torch.testing.assert_close(laws.law(D, grid(1), L, K), product, rtol=0, atol=1e-12)
    KL = float((torch.xlogy(p, p) - torch.xlogy(p, product)).sum())
    assert laws.total_correlation(WORDS) == pytest.approx(KL, abs=1e-12)
    torch.testing.assert_close(laws.law(exact(uniform), grid(1), L, K, uniform), product, rtol=0, atol=1e-12)


@NOISES
def test_the_error_of_steps_falls_like_one_over_their_number(noise) -> None:
    off = [laws.total_variation(laws.law(exact(noise), grid(n), L, K, noise), WORDS.table) for n in (16, 32, 64)]
    assert 1.8 < off[0] / off[1] < 2.2 and 1.9 < off[1] / off[2] < 2.1


def test_twenty_thousand_draws_reproduce_the_table() -> None:
    """The floor is .02; 20,000 draws from 12 words differ from their table by .009 on average, all by themselves."""
    n, p = 20_000, WORDS.table
    alone = float((2 / math.pi * p * (1 - p) / n).sqrt().sum()) / 2  # mean of sum |share - p| / 2, shares being normal
    assert alone == pytest.approx(0.009, abs=0.0005)
    made = discrete.table(discrete.sample(D, BLANK.expand(n, -1), rng=seeded()), K)
    assert laws.total_variation(made, p) < 2 * alone < 0.02
    at_once = discrete.table(discrete.sample(D, BLANK.expand(n, -1), 1, seeded()), K)
    assert laws.total_variation(at_once, p) > 0.5


@NOISES
@pytest.mark.parametrize("steps", [1, 3])
def test_a_walk_follows_its_law(noise, steps: int) -> None:
    n = 20_000
    *_, x = discrete.walk(exact(noise), noise.noise((n, L), K, seeded(1)), grid(steps), noise, seeded(2))
    law = laws.law(exact(noise), grid(steps), L, K, noise)
    error = (law * (1 - law) / n).sqrt()
    assert ((discrete.table(x, K) - law).abs() <= 4.5 * error).all()


def test_portions_and_given_places() -> None:
    """Two portions of three places: the law by hand; places that are given stay."""
    n = 40_000
    x = discrete.sample(D, BLANK.expand(n, -1), 2, seeded(3))
    law = torch.zeros(K, K, K, dtype=torch.float64)  # first two places at once, then the third
    for pair in itertools.combinations(range(3), 2):
        states = laws.spellings(L, K)
        p = D(BLANK)[0]
        two = torch.stack([p[i, states[:, i]] for i in pair]).prod(0)
        (last,) = set(range(3)) - set(pair)
        hidden = states.clone()
        hidden[:, last] = HIDDEN
        rest = D(hidden)[torch.arange(len(states)), last, states[:, last]]
        law += (two * rest / 3).reshape(K, K, K)
    assert ((discrete.table(x, K) - law).abs() <= 4.5 * (law * (1 - law) / n).sqrt()).all()
    given = discrete.sample(D, WORDS.tokens("_ea").expand(500, -1), rng=seeded(4))
    assert set(WORDS.text(given)) == {"sea", "tea"}


# ---- the bound ---------------------------------------------------------------------------------------


def test_the_bound_of_the_exact_model_is_the_entropy() -> None:
    assert laws.bound(D, WORDS) == pytest.approx(WORDS.entropy, abs=1e-12)
    assert laws.bound(D, WORDS, 1) - WORDS.entropy == pytest.approx(laws.total_correlation(WORDS), abs=1e-12)
    lost = [laws.bound(D, WORDS, n) - WORDS.entropy for n in (1, 2, 4, 1000)]
    assert lost == sorted(lost, reverse=True) and lost[-1] < 2e-3


def test_the_bound_bounds_the_cross_entropy() -> None:
    """-sum p ln q_n of the law q_n of n steps is at most the bound of n steps, for a model that is wrong as well."""

    def wrong(tokens, time):
        return 0.8 * D(tokens, time) + 0.2 / K

    for model, n in itertools.product((D, wrong), (1, 3, 10)):
        cross = -float(torch.xlogy(WORDS.table, laws.law(model, grid(n), L, K)).sum())
        assert cross <= laws.bound(model, WORDS, n) + 1e-12
    assert laws.bound(wrong, WORDS) > WORDS.entropy + 0.1


def test_weights_are_integrals_over_time() -> None:
    t = (torch.arange(100_000, dtype=torch.float64) + 0.5) / 100_000
    for m, places in ((1, 1), (1, 3), (2, 3), (5, 8)):
        assert laws.weight(m, places) == pytest.approx(float((t ** (m - 1) * (1 - t) ** (places - m)).mean()), rel=1e-4)


# ---- guidance ----------------------------------------------------------------------------------------


def test_the_tilted_table_and_the_guided_model() -> None:
    """p(x) p(c | x)^s, normalised; the token-wise model agrees at s = 0 and 1 only."""
    sailor = discrete.joint(discrete.SAILOR)
    assert torch.equal(sailor.words, WORDS.words)
    s = 3.0
    p_c = discrete.joint(discrete.SAILOR).p / (sailor.p + discrete.joint(discrete.COOK).p)  # classes equally likely
    mix = (sailor.p + discrete.joint(discrete.COOK).p) / 2
    want = mix * p_c**s
    torch.testing.assert_close(discrete.tilted(sailor, WORDS, s).p, want / want.sum())
    off = {}
    for s in (0.0, 1.0, 3.0):
        law = laws.law_in_turn(discrete.guided(sailor.posterior, D, s), L, K)
        off[s] = laws.total_variation(law, discrete.tilted(sailor, WORDS, s).table)
    assert off[0.0] < 1e-12 and off[1.0] < 1e-12 and off[3.0] > 0.03
