"""Steering: tilted laws and their normalisers, weights and resampling, value functions, and the weighted walk."""

import math
from collections.abc import Iterator
from itertools import pairwise

import pytest
import torch

from tests.support import contracts
from tests.support.problems import close, uneven, within
from toycore import exact, fields, guidance, metrics, mixtures, plots, samplers, sigmas
from toycore.lessons import steering
from toycore.types import Denoiser, seeded

GOAL = torch.tensor([0.4, 0.3], dtype=torch.float64)
GRID = sigmas.log_linear(40, 0.01, 10.0)


def square(extent: float = 3.0, n: int = 400) -> tuple[torch.Tensor, float]:
    """A lattice that holds all of `uneven`, and the area of its cells."""
    return plots.grid(n, extent).double(), (2 * extent / (n - 1)) ** 2


def two() -> mixtures.GaussianMixture:
    """Two broad classes that overlap: a tilt bends each of them."""
    means = torch.tensor([[-0.5, 0.0], [0.5, 0.2]], dtype=torch.float64)
    return mixtures.GaussianMixture(means, 0.4, label=torch.tensor([0, 1]))


# ---- the tilted law -----------------------------------------------------------------------------------


@pytest.mark.parametrize("s", [0.0, 0.5, 1.0, 4.0, 8.0])
@pytest.mark.parametrize("mixture", [two, uneven])
def test_the_tilted_density_integrates_to_one(mixture, s):
    x, area = square()
    q = steering.tilted(mixture(), 1, s)
    close(q.log_density(x).exp().sum() * area, 1.0, rtol=0, atol=2e-4)
    tilt = (mixture().log_density(x) + s * mixture().class_log_posterior(x, 0.0)[:, 1]).exp()
    close(tilt.sum() * area / math.exp(q.log_z), 1.0, rtol=0, atol=2e-4)


def test_s_0_is_the_law_itself_and_s_1_its_class(x):
    close(steering.tilted(uneven(), 1, 0.0).log_density(x), uneven().log_density(x), atol=1e-12)
    q = steering.tilted(two(), 1, 1.0)
    close(q.log_density(x), two().log_density(x, 0.0, 1), rtol=0, atol=1e-6)
    close(torch.tensor(q.log_z), math.log(0.5), rtol=0, atol=1e-6)


def test_two_gaussians_on_the_line_lean_as_the_formula_says():
    """p = (N(-m, v) + N(m, v)) / 2: p(1 | x) = 1 / (1 + exp(-2 m x / v)), so q is known up to one integral."""
    m, v, s = 0.6, 0.25, 3.0
    q = steering.tilted(mixtures.GaussianMixture(torch.tensor([[-m], [m]]).double(), v**0.5, label=[0, 1]), 1, s)
    x = torch.linspace(-4, 5, 20_001, dtype=torch.float64)
    normal = ((-((x + m) ** 2) / (2 * v)).exp() + (-((x - m) ** 2) / (2 * v)).exp()) / 2 / (2 * math.pi * v) ** 0.5
    law = normal / (1 + (-2 * m * x / v).exp()) ** s
    z = float(law.sum() * (x[1] - x[0]))
    close(torch.tensor(q.log_z), math.log(z), rtol=0, atol=1e-5)
    close(q.log_density(x[:, None]).exp(), law / z, rtol=0, atol=1e-5)


def test_samples_follow_the_density():
    """Shares of samples in the four quadrants around a point, against the density summed there."""
    q, (lattice, area) = steering.tilted(two(), 1, 4.0), square()
    x, label = q.sample(20_000, seeded())
    middle = torch.tensor([0.6, 0.2])
    quadrant, at = ((y > middle).long() @ torch.tensor([1, 2]) for y in (x, lattice))
    truth = torch.zeros(4, dtype=torch.float64).index_add_(0, at, q.log_density(lattice).exp() * area)
    share = quadrant.bincount(minlength=4) / len(x)
    within(share, truth, (truth * (1 - truth) / len(x)).sqrt() + 2e-4)
    posterior = two().class_log_posterior(x, 0.0)[:, 1].exp()
    within(label.double().mean(), posterior.mean(), (posterior * (1 - posterior)).mean().sqrt() / len(x) ** 0.5)


def test_a_quadratic_reward_leaves_a_mixture(x):
    """Two routes to one law: the closed form, and quadrature for Z beside the product of p and exp(r)."""
    q, log_z = steering.rewarded(uneven(), GOAL, 5.0)
    by_quadrature = steering.Tilted(uneven(), steering.reward(GOAL, 5.0))
    close(torch.tensor(log_z), by_quadrature.log_z, rtol=0, atol=1e-6)
    close(q.log_density(x), by_quadrature.log_density(x), rtol=0, atol=1e-6)
    same, nothing = steering.rewarded(uneven(), GOAL, 0.0)
    close(same.log_density(x), uneven().log_density(x), atol=1e-12)
    assert abs(nothing) < 1e-12


# ---- value functions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [0.05, 0.3, 2.0])
def test_the_value_is_the_log_of_the_mean_of_exp_r(sigma):
    p, at = uneven(), torch.tensor([[0.2, 0.4]], dtype=torch.float64)
    q, log_z = steering.rewarded(p, GOAL, 5.0)
    x0 = exact.posterior_sample(p, at.expand(100_000, 2), sigma, seeded())
    gain = steering.reward(GOAL, 5.0)(x0).exp()
    V = steering.value(p, q, log_z)(at, sigma).exp()
    within(gain.mean(), V[0], gain.std() / len(gain) ** 0.5)


def test_at_level_0_the_value_is_the_reward(x):
    p, (q, log_z) = uneven(), steering.rewarded(uneven(), GOAL, 5.0)
    close(steering.value(p, q, log_z)(x, 0.0), steering.reward(GOAL, 5.0)(x), rtol=0, atol=1e-6)
    lean = steering.tilted(p, 1, 3.0)
    close(lean.value(x, 0.0), 3 * p.class_log_posterior(x, 0.0)[:, 1])


@pytest.mark.parametrize("sigma", [0.05, 0.3, 2.0])
def test_steered_by_the_value_is_the_denoiser_of_the_tilted_law(x, sigma):
    p, (q, log_z) = uneven(), steering.rewarded(uneven(), GOAL, 5.0)
    D = steering.steered(exact.posterior_mean(p), steering.value(p, q, log_z))
    close(D(x, sigma), exact.posterior_mean(q)(x, sigma), atol=1e-9)


@pytest.mark.parametrize("s", [1.0, 3.0])
def test_steered_by_s_log_posterior_is_classifier_free_guidance(x, s):
    D = exact.posterior_mean(uneven())
    by_weight = steering.steered(D, lambda x, sigma: s * uneven().class_log_posterior(x, sigma)[:, 1])
    close(by_weight(x, 0.4), guidance.free(D, s)(x, 0.4, 1), atol=1e-9)


@pytest.mark.parametrize("sigma", [0.05, 0.3, 2.0])
def test_bare_points_have_the_value_as_a_sum(x, sigma):
    points, r = torch.randn(30, 2, generator=seeded(1), dtype=torch.float64), steering.reward(GOAL, 2.0)
    weight = (-((x[:, None] - points) ** 2).sum(2) / (2 * sigma**2)).softmax(1)
    close(steering.Tilted(points, r).value(x, sigma), (weight @ r(points).exp()).log(), atol=1e-9)


@pytest.mark.parametrize("sigma", [0.1, 0.3])
def test_on_narrow_components_the_value_is_nearly_exact(sigma):
    """Against draws from the posterior; and E[p]^s <= E[p^s] <= E[p]: guidance takes the left end."""
    spiral, s = mixtures.spiral(200, classes=3).to(torch.float64), 4.0
    x = spiral.sample(6, seeded(2))[0] + sigma * torch.randn(6, 2, generator=seeded(3), dtype=torch.float64)
    x0 = exact.posterior_sample(spiral, x.repeat(2000, 1), sigma, seeded())
    gain = (s * spiral.class_log_posterior(x0, 0.0)[:, 1]).exp().reshape(2000, 6)
    V, log_p = steering.tilted(spiral, 1, s).value(x, sigma), spiral.class_log_posterior(x, sigma)[:, 1]
    within(gain.mean(0), V.exp(), gain.std(0) / 2000**0.5 + 2e-3)
    assert (s * log_p <= V + 1e-2).all() and (log_p + 1e-2 >= V).all()


def test_the_plug_in_is_the_reward_of_the_mean(x):
    D, r = exact.posterior_mean(uneven()), steering.reward(GOAL, 2.0)
    close(steering.plug_in(D, r)(x, 0.5), r(D(x, 0.5)))
    close(steering.plug_in(D, r)(x, 0.0), r(x))


def test_steered_keeps_the_contract():
    p, (q, log_z) = uneven(), steering.rewarded(uneven(), GOAL, 5.0)
    case = contracts.Case(steering.steered(exact.posterior_mean(p), steering.value(p, q, log_z)), 3, torch.float64)
    for check in contracts.DENOISER:
        check(case)


# ---- weights --------------------------------------------------------------------------------------------


def test_effective_size():
    close(steering.effective_size(torch.zeros(7)), 7.0)
    close(steering.effective_size(torch.tensor([0.0] + [-math.inf] * 6)), 1.0)
    w = torch.tensor([[0.1, 0.2, 0.3, 0.4], [1.0, 1.0, 0.0, 0.0]], dtype=torch.float64)
    close(steering.effective_size(w.log() + 5), torch.tensor([1 / 0.3, 2.0], dtype=torch.float64))


def test_resampling_keeps_n_w_of_each_to_within_one():
    log_w = 2 * torch.randn(3, 500, generator=seeded(), dtype=torch.float64)
    rows = steering.resample(log_w, seeded(1))
    for row, w in zip(rows, log_w.softmax(1), strict=True):
        assert ((row.bincount(minlength=500) - 500 * w).abs() < 1).all()
    several = torch.stack([steering.resample(log_w[0], seeded(i)).bincount(minlength=500) for i in range(400)])
    within(several.double().mean(0)[:50], 500 * log_w[0].softmax(0)[:50], 0.5 / 400**0.5)


def test_equal_weights_change_nothing():
    assert (steering.resample(torch.zeros(2, 50), seeded()) == torch.arange(50)).all()


# ---- the walk ---------------------------------------------------------------------------------------------


def start(n: int, seed: int = 0) -> torch.Tensor:
    return float(GRID[0]) * torch.randn(n, 2, generator=seeded(seed), dtype=torch.float64)


def by_hand(D: Denoiser, x: torch.Tensor, rng: torch.Generator) -> Iterator[torch.Tensor]:
    """DDPM with D; beside its noise it draws the one number per step that a resampling would take."""
    for sigma, below in pairwise(GRID.tolist()):
        keep, x0_hat = (below / sigma) ** 2, D(x, sigma)
        x = x0_hat + keep * (x - x0_hat) + below * (1 - keep) ** 0.5 * torch.randn(x.shape, generator=rng).to(x)
        torch.rand(1, 1, generator=rng, dtype=torch.float64)
        yield x


def test_a_constant_weight_leaves_the_law_alone():
    """It is DDPM with D, step for step with the same noise, and Z = exp(constant)."""
    D = exact.posterior_mean(uneven(torch.float32))
    x = start(50).float()
    steps = steering.populations(D, x, GRID, lambda x, sigma: 0 * x[:, 0] + 0.7, seeded(1))
    for step, mine in zip(steps, by_hand(D, x, seeded(1)), strict=True):
        close(step.state.x, mine, rtol=0, atol=2e-3)
        close(step.log_z, 0.7, rtol=0, atol=1e-6)


def test_weights_that_come_late_are_plain_importance_weights():
    """With psi = 1 until the end: exp(r(x0)) of the points that DDPM draws."""
    D, r = exact.posterior_mean(two().to(torch.float32)), steering.reward(GOAL, 1.0)
    late = lambda x, sigma: r(x) if sigma == 0 else 0 * r(x)  # noqa: E731
    *_, last = steering.populations(D, start(50).float(), GRID, late, seeded(1), proposal=D)
    *_, x0 = by_hand(D, start(50).float(), seeded(1))
    close(last.log_w[0], r(x0).double(), rtol=0, atol=2e-3)
    close(last.log_z[0], r(x0).double().exp().mean().log(), rtol=0, atol=2e-3)
    close(last.state.x, x0[last.rows], rtol=0, atol=2e-3)


def test_states_add_up_and_rows_name_the_parents():
    D, q = exact.posterior_mean(two()), steering.tilted(two(), 1, 4.0)
    for step in steering.populations(D, start(60), GRID, q.value, seeded(1), 20):
        close(step.state.x, step.state.mean + step.state.noise)
        assert step.log_w.shape == (3, 20) and step.size.shape == step.log_z.shape == (3,)
        assert (step.rows // 20 == torch.arange(60) // 20).all()  # nobody moves to another population
        assert ((step.size >= 10) | (step.rows.reshape(3, 20) != torch.arange(60).reshape(3, 20)).any(1)).all()


@pytest.mark.parametrize("strength", [3.0, 20.0])
def test_the_estimate_of_z_is_unbiased_whatever_proposes(strength):
    """On average it is E[exp(r(x0))] under DDPM with D, resampled on the way (strength 20) or not."""
    p, r = two(), steering.reward(GOAL, strength)
    D, (q, log_z) = exact.posterior_mean(p), steering.rewarded(p, GOAL, strength)
    x = start(40 * 500)
    truth = r(samplers.final(samplers.ddpm(D, x, GRID, rng=seeded(9)))).exp()
    V = steering.value(p, q, log_z)
    for log_weight, proposal in [(V, None), (V, D), (steering.plug_in(D, r), None)]:
        steps = list(steering.populations(D, x, GRID, log_weight, seeded(1), 500, proposal))
        assert strength == 3 or proposal is None or any((step.size < 250).any() for step in steps[:-1])
        Z = steps[-1].log_z.exp()
        error = (Z.var() / len(Z) + truth.var() / len(truth)).sqrt()
        within(Z.mean(), truth.mean(), error)
        assert float(error) < 0.1 * float(Z.mean())


def off(x: torch.Tensor, sets: list[torch.Tensor]) -> float:
    """The sliced distance to exact sets, on average over them."""
    return sum(metrics.sliced_wasserstein(x, y, rng=seeded()) for y in sets) / len(sets)


@pytest.mark.parametrize("s", [0.0, 4.0])
def test_the_walk_ends_in_the_tilted_law(s):
    """Also where guidance itself stands for the value: then it is the weights that make it right."""
    p, n = two(), 2000
    q, D = steering.tilted(p, 1, s), exact.posterior_mean(p)
    sets = [q.sample(n, seeded(i))[0] for i in range(2, 6)]
    floor = (off(sets[0], sets[1:]) + off(sets[1], sets[2:])) / 2
    guide = lambda x, sigma: s * p.class_log_posterior(x, sigma)[:, 1]  # noqa: E731
    for log_weight, times in ((q.value, 2), (guide, 3)):  # s = 4: uncorrected, guidance is 6 times as far off
        x = samplers.final(steering.smc(D, start(n), sigmas.log_linear(100), log_weight, seeded(1), n))
        assert off(x, sets) < times * floor


def test_the_spiral_at_s_4_is_within_twice_the_noise_floor():
    """With 2,000 particles and 100 steps; plain guidance is more than four times as far off as two exact sets are."""
    spiral, n = mixtures.spiral(classes=3), 2000
    D, q = exact.posterior_mean(spiral), steering.tilted(spiral, 1, 4.0)
    x, grid = 40 * torch.randn(n, 2, generator=seeded()), sigmas.karras(100, 0.005, 40)
    sets = [q.sample(n, seeded(i))[0] for i in range(1, 6)]
    floor = sum(off(y, [z for z in sets if z is not y]) for y in sets) / 5
    plain = samplers.final(samplers.ddim(guidance.free(D, 4.0), x, grid[::2], 1))
    corrected = samplers.final(steering.smc(D, x, grid, q.value, seeded(1), n))
    assert off(corrected, sets) < 2 * floor and off(plain, sets) > 4 * floor


def test_log_weights_that_carry_no_gradient_only_weigh():
    D = exact.posterior_mean(two())
    right = lambda x, sigma: (x[:, 0] > 0).double().log()  # noqa: E731
    x = samplers.final(steering.smc(D, start(200), GRID, right, seeded(1)))
    assert (x[:, 0] > 0).all()


def test_the_score_of_the_middle_law_is_the_guided_one(x):
    """q_sigma = p_sigma exp(V) / Z at every level: its score is that of p plus the slope of V."""
    p, (q, log_z) = uneven(), steering.rewarded(uneven(), GOAL, 5.0)
    D = steering.steered(exact.posterior_mean(p), steering.value(p, q, log_z))
    point = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(q.log_density(point, 0.4).sum(), point)
    close(fields.score(D, x, 0.4), slope, atol=1e-8)
