"""The exact posterior mean: the contract, hand-derived answers, and the identities of the course."""

import math
import subprocess
import sys

import pytest
import torch

from tests.support import contracts
from tests.support.problems import PROBLEMS, close, two_modes, uneven, within
from toycore import data, exact, fields, metrics, mixtures
from toycore.types import seeded


@pytest.mark.parametrize("check", contracts.DENOISER + contracts.EXACT_ONLY, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", contracts.EXACT)
def test_contract(name, check):
    check(contracts.EXACT[name]())


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("sigma", [0.05, 0.5, 5.0])
def test_answers_derived_by_hand(rng, name, sigma):
    problem = PROBLEMS[name]()
    x = torch.randn(50, 2, generator=rng, dtype=torch.float64)
    close(exact.posterior_mean(problem.mixture)(x, sigma), problem.posterior_mean(x, sigma), atol=1e-12)


def test_posterior_mean_by_integration(rng):
    """E[x0 | x] = int x0 p(x0) N(x; x0, sigma^2) / int p(x0) N(x; x0, sigma^2), on a lattice."""
    m, sigma = uneven(), 0.3
    side = torch.linspace(-3, 3, 601, dtype=torch.float64)
    x0 = torch.cartesian_prod(side, side)
    x = 0.7 * torch.randn(5, 2, generator=rng, dtype=torch.float64)
    log_weight = m.log_density(x0) - ((x[:, None] - x0) ** 2).sum(2) / (2 * sigma**2)
    close(exact.posterior_mean(m)(x, sigma), log_weight.softmax(1) @ x0, rtol=1e-6, atol=1e-6)


def test_points_are_pulled_by_their_posterior_weights(rng):
    """The arrow from x leads to the data's mean under the softmax of -|x - x_i|^2 / 2 sigma^2."""
    points, sigma = data.spiral(60), 0.2
    x = torch.randn(20, 2, generator=rng, dtype=torch.float64)
    w = torch.softmax(-(((x[:, None] - points.x.double()) ** 2).sum(2)) / (2 * sigma**2), 1)
    close(exact.responsibilities(points, x, sigma), w)
    for source in (points, points.x):
        close(exact.posterior_mean(source)(x, sigma), w @ points.x.double())


def test_points_at_sigma_zero_answer_with_the_nearest_point():
    points = data.spiral(60)
    x = points.x.double() + 1e-3
    close(exact.posterior_mean(points)(x, 0.0), points.x.double())


def test_pictures_keep_their_shape(rng):
    pictures = torch.randn(10, 1, 4, 4, generator=rng, dtype=torch.float64)
    x = torch.randn(3, 1, 4, 4, generator=rng, dtype=torch.float64)
    flat = exact.posterior_mean(pictures.flatten(1))(x.flatten(1), 0.7)
    close(exact.posterior_mean(pictures)(x, 0.7), flat.reshape(x.shape))


def test_score_is_autograds_gradient(rng):
    m, x = uneven(), torch.randn(30, 2, generator=rng, dtype=torch.float64).requires_grad_()
    (slope,) = torch.autograd.grad(m.log_density(x, 0.3).sum(), x)
    close(fields.score(exact.posterior_mean(m), x.detach(), 0.3), slope)


def test_score_is_zero_between_symmetric_modes():
    """Points are not pulled to a mode where two pull equally."""
    D = exact.posterior_mean(two_modes().mixture)
    x = torch.tensor([[0.0, 0.0]], dtype=torch.float64)
    close(fields.score(D, x, 0.1), 0.0, atol=1e-12)


def test_marginal_score_is_the_mean_of_conditional_scores(rng):
    """E[(x0 - x) / sigma^2 | x] over the posterior = grad log p_sigma(x)."""
    m, sigma, n = uneven(), 0.4, 40_000
    x = torch.tensor([[0.3, 0.1]], dtype=torch.float64)
    conditional = (exact.posterior_sample(m, x.expand(n, 2), sigma, rng) - x) / sigma**2
    truth = fields.score(exact.posterior_mean(m), x, sigma)[0]
    within(conditional.mean(0), truth, conditional.std(0) / math.sqrt(n))


@pytest.mark.parametrize("sigma", [0.1, 0.6])
def test_posterior_sample_has_the_posteriors_moments(rng, sigma):
    """Mean D(x) and, by the second-order Tweedie formula, covariance trace sigma^2 div D(x)."""
    m, n = uneven(), 100_000
    D, x = exact.posterior_mean(m), torch.tensor([[0.4, 0.3]], dtype=torch.float64)
    draws = exact.posterior_sample(m, x.expand(n, 2), sigma, rng)
    within(draws.mean(0), D(x, sigma)[0], draws.std(0) / math.sqrt(n))
    squares = ((draws - D(x, sigma)) ** 2).sum(1)
    trace = sigma**2 * fields.divergence(lambda x: D(x, sigma), x)[0]
    within(squares.mean(), trace, squares.std() / math.sqrt(n))


def test_posterior_sample_of_bare_points_at_zero_is_the_nearest_point(rng):
    points = data.spiral(60)
    x = points.x.double() + 1e-3
    close(exact.posterior_sample(points, x, 0.0, rng), points.x.double())


def test_posterior_sample_of_pictures_keeps_their_shape():
    """And rows may have their own level: at 1e-3 each noisy picture knows its origin, at 100 none does."""
    pictures = torch.randn(10, 1, 4, 4, generator=seeded(1), dtype=torch.float64)
    x, sigma = pictures[[3, 4]], torch.tensor([1e-3, 100.0], dtype=torch.float64)
    draws = [exact.posterior_sample(pictures, x, sigma, seeded(i)) for i in range(9)]
    assert all(torch.equal(draw[0], pictures[3]) for draw in draws)
    assert draws[0].shape == x.shape and len({float(draw[1].sum()) for draw in draws}) > 1
    close(exact.posterior_mean(pictures)(x, sigma)[1], pictures.mean(0), rtol=0, atol=0.01)


def test_tweedie_in_ddpms_letters(rng):
    """x0_hat = (x_t + (1 - alpha_bar) score_t(x_t)) / sqrt(alpha_bar), the score by autograd in the VP frame."""
    m, sigma = uneven(), 0.8
    alpha_bar = 1 / (1 + sigma**2)
    x = torch.randn(9, 2, generator=rng, dtype=torch.float64)
    x_t = (alpha_bar**0.5 * x).requires_grad_()
    (score,) = torch.autograd.grad(m.log_density(x_t / alpha_bar**0.5, sigma).sum(), x_t)
    close((x_t.detach() + (1 - alpha_bar) * score) / alpha_bar**0.5, exact.posterior_mean(m)(x, sigma))


def test_denoising_loss_is_explicit_loss_plus_a_constant(rng):
    """Vincent 2011: |s - s_conditional|^2 - |s - s_marginal|^2 has one mean for every model s."""
    m, sigma, n = uneven(), 0.5, 200_000
    x0 = m.sample(n, rng)[0]
    eps = torch.randn(n, 2, generator=rng, dtype=torch.float64)
    x = x0 + sigma * eps
    truth, target = fields.score(exact.posterior_mean(m), x, sigma), -eps / sigma
    gap = [((s - target) ** 2 - (s - truth) ** 2).sum(1) for s in (0 * x, -x, torch.sin(3 * x) - 1)]
    for other in gap[1:]:
        difference = other - gap[0]
        within(difference.mean(), 0.0, difference.std() / math.sqrt(n))


def test_irreducible_loss(rng):
    """A29b: the exact model's |eps_hat - eps|^2 is .881 per point, log-uniform sigma in .01..10."""
    m, n = mixtures.spiral(), 20_000
    sigma = 0.01 * 1000 ** ((torch.arange(n) + 0.5) / n)
    eps = torch.randn(n, 2, generator=rng)
    x = m.sample(n, rng)[0] + sigma[:, None] * eps
    loss = ((fields.noise(exact.posterior_mean(m), x, sigma) - eps) ** 2).sum(1)
    within(loss.mean(), 0.881, loss.std() / math.sqrt(n))


def _cosines(sigma, rng):
    """Mean cosine of the exact field to the data mean and to the nearest point of the curve."""
    m = mixtures.spiral().to(torch.float64)
    x = m.sample(4000, rng)[0]
    x = x + sigma * torch.randn(x.shape, generator=rng, dtype=x.dtype)
    arrow = exact.posterior_mean(m)(x, sigma) - x
    nearest = m.means[torch.cdist(x, m.means).argmin(1)]
    return metrics.alignment(arrow, m.mean - x), metrics.alignment(arrow, nearest - x)


def test_field_turns_from_mean_to_arm_at_0142():
    """Below sigma = .142 the arrows follow the nearest arm, above it the mean (a root by bisection)."""
    low, high = 0.05, 0.4
    for _ in range(12):
        middle = math.sqrt(low * high)
        to_mean, to_arm = _cosines(middle, seeded())
        low, high = (middle, high) if to_arm > to_mean else (low, middle)
    assert math.sqrt(low * high) == pytest.approx(0.142, abs=0.01)


@pytest.mark.parametrize("sigma, to_mean, to_arm", [(0.1, 0.28, 0.86), (0.15, 0.72, 0.43), (0.2, 0.98, 0.15)])
def test_field_directions(rng, sigma, to_mean, to_arm):
    assert _cosines(sigma, rng) == pytest.approx((to_mean, to_arm), abs=0.08)


def test_one_giant_step_gives_the_mean(rng):
    """From sigma = 10 one step gives a blob of std about .02 at the data mean."""
    m = mixtures.spiral()
    x = m.sample(4000, rng)[0] + 10 * torch.randn(4000, 2, generator=rng)
    out = exact.posterior_mean(m)(x, 10.0)
    assert 0.015 < out.std(0).mean() < 0.03
    close(out.mean(0), m.mean, rtol=0, atol=2e-3)


MEMORY = """
import resource, sys, torch
from toycore import exact, mixtures
from toycore.types import seeded
torch.set_num_threads(1)
D, x = exact.posterior_mean(mixtures.spiral()), torch.randn(200_000, 2)
D(x[:100], 0.1)
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
before = peak()
assert D(x, 0.1).shape == x.shape
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no resource module")
def test_200_000_queries_stay_far_below_1_gb():
    """About 100 MB; the whole [200000, 400] matrices would take 960 MB."""
    out = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, check=True)
    assert int(out.stdout) < 3e8
