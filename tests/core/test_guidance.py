"""Guided Denoisers: the papers' forms, one batched call, negatives, intervals, conventions, and what is sampled."""

from itertools import pairwise

import pytest
import torch

from tests.support import contracts
from tests.support.problems import close, uneven
from toycore import exact, fields, guidance, metrics, mixtures, samplers, sigmas
from toycore.types import Denoiser, seeded

SIGMA = 0.4


def counted(D: Denoiser) -> tuple[Denoiser, list[int]]:
    """Return D and a list that grows by the number of rows of each call."""
    rows: list[int] = []

    def counting(x, sigma, label=None):
        rows.append(len(x))
        return D(x, sigma, label)

    return counting, rows


def rules() -> dict[str, contracts.Case]:
    mixture = mixtures.spiral(components=99, classes=3)
    D, float64 = exact.posterior_mean(mixture), torch.float64
    made = {
        "guided": guidance.guided(D, guidance.unlabelled(D), 2.0),
        "free": guidance.free(D, 2.0),
        "classifier": guidance.classifier(D, mixture.class_log_posterior, 1, 2.0),
        "within": guidance.within(0.05, 1.0, guidance.free(D, 3.0), D),
    }
    return {name: contracts.Case(made_of, 3, float64) for name, made_of in made.items()}


@pytest.mark.parametrize("name", ["guided", "free", "classifier", "within"])
@pytest.mark.parametrize("check", contracts.DENOISER, ids=lambda f: f.__name__)
def test_contract(check, name):
    check(rules()[name])


def test_ends(D, x):
    weak = guidance.unlabelled(D)
    close(guidance.guided(D, weak, 0.0)(x, 0.3, 1), D(x, 0.3), atol=1e-12)
    close(guidance.guided(D, weak, 1.0)(x, 0.3, 1), D(x, 0.3, 1), atol=1e-12)
    close(guidance.guided(D, weak, 5.0)(x, 0.3, None), D(x, 0.3), atol=1e-12)


@pytest.mark.parametrize("s", [-1.0, 0.5, 1.0, 3.0])
def test_is_ho_and_salimans_equation_6(D, x, s):
    """(1 + w) eps(x, c) - w eps(x) with w = s - 1."""
    w, sigma = s - 1, 0.4
    mixed = (1 + w) * fields.noise(D, x, sigma, 2) - w * fields.noise(D, x, sigma)
    close(fields.noise(guidance.guided(D, guidance.unlabelled(D), s), x, sigma, 2), mixed)


@pytest.mark.parametrize("s", [0.0, 1.0, 2.5])
def test_adds_the_gradient_of_the_class_posterior(D, x, s):
    """score + s grad log p(c | x): Bayes' rule on scores, the gradient by autograd."""
    sigma, label = 0.4, 1
    point = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(uneven().class_log_posterior(point, sigma)[:, label].sum(), point)
    guided = guidance.guided(D, guidance.unlabelled(D), s)
    close(fields.score(guided, x, sigma, label), fields.score(D, x, sigma) + s * slope, atol=1e-9)


def test_labelled_and_unlabelled_fix_the_condition(D, x):
    close(guidance.labelled(D, 2)(x, 0.3), D(x, 0.3, 2))
    close(guidance.labelled(D, 2)(x, 0.3, 0), D(x, 0.3, 2))
    close(guidance.unlabelled(D)(x, 0.3, 0), D(x, 0.3))


# ---- one call for both predictions ----------------------------------------------------------------


@pytest.mark.parametrize("label", [None, 2, "rows"])
@pytest.mark.parametrize("sigma", [SIGMA, "rows"])
def test_free_is_guided_in_one_call_of_twice_the_rows(D, x, label, sigma):
    label = torch.tensor([0, 1, 2, -1, 0, 1, 2, -1, 0]) if label == "rows" else label
    sigma = torch.linspace(0.05, 3, 9, dtype=torch.float64) if sigma == "rows" else sigma
    counting, rows = counted(D)
    together = guidance.free(counting, 2.5)(x, sigma, label)
    close(together, guidance.guided(D, guidance.unlabelled(D), 2.5)(x, sigma, label))
    assert rows == [18]


# ---- negatives, intervals ---------------------------------------------------------------------------


@pytest.mark.parametrize("s", [0.0, 1.0, 2.5, 7.5])
def test_the_negative_formulas_agree_if_and_only_if_s_neg_is_s_pos_minus_1(D, x, s):
    replace = guidance.negative(D, 0, 2, s, form="replace")(x, SIGMA)
    close(guidance.negative(D, 0, 2, s, s - 1)(x, SIGMA), replace, atol=1e-12)
    for s_neg in (s - 1.5, s):
        off = guidance.negative(D, 0, 2, s, s_neg)(x, SIGMA) - replace
        close(off, (s - 1 - s_neg) * (D(x, SIGMA, 2) - D(x, SIGMA)), atol=1e-12)
        assert float(off.abs().max()) > 0.1


def test_negative_as_printed(D, x):
    """Of source note 3: eps_u + s_pos (eps_p - eps_u) - s_neg (eps_n - eps_u), on noise predictions."""
    u, p, n = (fields.noise(D, x, SIGMA, label) for label in (None, 0, 2))
    close(fields.noise(guidance.negative(D, 0, 2, 3.0, 1.2), x, SIGMA), u + 3 * (p - u) - 1.2 * (n - u))
    close(fields.noise(guidance.negative(D, None, 2, 0.0, 1.2), x, SIGMA), u - 1.2 * (n - u))
    with pytest.raises(ValueError, match=r"did you mean 'two-term'"):
        guidance.negative(D, 0, 2, 1.0, form="two-terms")


def test_within_calls_only_the_denoiser_it_needs(D, x):
    inside, asked = counted(guidance.free(D, 5.0))
    outside, asked_outside = counted(D)
    both = guidance.within(0.2, 1.0, inside, outside)
    for sigma in (0.1, 1.1):
        close(both(x, sigma, 1), D(x, sigma, 1))
    assert not asked and len(asked_outside) == 2
    for sigma in (0.2, 1.0):
        close(both(x, sigma, 1), guidance.free(D, 5.0)(x, sigma, 1))
    assert len(asked) == 2 and len(asked_outside) == 2
    mixed = torch.tensor([0.1, 0.3, 5.0] * 3, dtype=torch.float64)
    close(both(x, mixed, 1)[1::3], guidance.free(D, 5.0)(x, mixed, 1)[1::3])
    close(both(x, mixed, 1)[::3], D(x, mixed, 1)[::3])
    with pytest.raises(ValueError, match="0 <= low < high"):
        guidance.within(1.0, 0.2, D, D)


# ---- conventions ------------------------------------------------------------------------------------


def test_conventions_are_their_papers_formulas(D, x):
    u, c, value = D(x, SIGMA), D(x, SIGMA, 1), 1.7
    printed = {
        "toycore": u + value * (c - u),
        "ho-salimans": (1 + value) * c - value * u,
        "teapearce": (1 + value) * c - value * u,
        "smalldiffusion": c + value * (c - u),
        "mit-6.s184": (1 - value) * u + value * c,
        "imagen": value * c + (1 - value) * u,
        "edm2": u + value * (c - u),  # ref_Dx.lerp(Dx, guidance)
        "diffusers": u + value * (c - u),
    }
    assert set(printed) == set(guidance.CONVENTIONS)
    for name, right in printed.items():
        close(guidance.free(D, guidance.convert(value, name))(x, SIGMA, 1), right)
        assert guidance.convert(guidance.convert(value, name), "toycore", name) == pytest.approx(value)


def test_diffusers_has_no_scale_below_conditional():
    assert guidance.convert(0.0, "diffusers") == guidance.convert(1.0, "diffusers") == 1.0
    assert guidance.convert(7.5, "diffusers", "ho-salimans") == 6.5
    with pytest.raises(ValueError, match="does not exist in diffusers"):
        guidance.convert(-1.0, "ho-salimans", "diffusers")
    with pytest.raises(ValueError, match="did you mean 'ho-salimans'"):
        guidance.convert(1.0, "ho-saliman")


# ---- what guidance samples ---------------------------------------------------------------------------


@pytest.mark.parametrize("s", [1.0, 2.0, 3.0])
def test_gaussian_counterexample(s):
    """p = N(0, 2), p(.|c) = N(0, 1): the tilted law has variance 2/(s+1), the guided ODE gives 2^(1-s)."""
    strong, weak = (
        exact.posterior_mean(mixtures.GaussianMixture(torch.zeros(1, 1, dtype=torch.float64), v**0.5)) for v in (1, 2)
    )
    x = torch.tensor([[1000.0]], dtype=torch.float64)
    end = samplers.final(samplers.heun(guidance.guided(strong, weak, s), x, sigmas.karras(400, 0.002, 1000)))
    assert float((end / x) ** 2 * 1000**2) == pytest.approx(2 ** (1 - s), rel=2e-3)


def test_gaussian_counterexample_sde():
    """The reverse SDE gives (2 - 2^(2-2s)) / (2s - 1): not the tilted law, nor the ODE's."""
    s, levels = 3.0, sigmas.karras(20000, 0.0005, 1000).tolist()
    v = levels[0] ** 2
    for sigma, below in pairwise(levels):
        slope = sigma * ((1 - s) / (2 + sigma**2) + s / (1 + sigma**2))  # eps_hat = slope x
        gain = 1 + 2 * (below - sigma) * slope
        v = gain**2 * v + 2 * below * (sigma - below)
    assert v == pytest.approx((2 - 2 ** (2 - 2 * s)) / (2 * s - 1), rel=5e-3)


def test_own_share_counts_the_exact_classifiers_verdicts():
    mixture = uneven()
    x = mixture.sample(2000, seeded())[0]
    shares = [metrics.own_share(x, mixture, c) for c in range(3)]
    assert sum(shares) == pytest.approx(1)
    best = torch.stack([exact.responsibilities(mixture, x, 0.0)[:, mixture.label == c].sum(1) for c in range(3)], 1)
    assert shares[2] == pytest.approx(float((best.argmax(1) == 2).double().mean()))
