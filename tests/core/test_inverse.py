"""Inverse problems: the posterior against Bayes' rule by brute force, the methods where they are known to be right."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from tests.support.problems import close, gaussian, slanted, uneven, within
from toycore import exact, fields, metrics, mixtures, samplers, sigmas
from toycore.lessons import inverse
from toycore.mixtures import FullMixture, GaussianMixture
from toycore.types import seeded

A = torch.tensor([[0.9, -0.5]], dtype=torch.float64)  # no axis, no unit length
Y = torch.tensor([0.4], dtype=torch.float64)
STD = 0.2
EYE = torch.eye(2, dtype=torch.float64)
SIDE = torch.linspace(-2.5, 2.5, 501, dtype=torch.float64)
LATTICE, CELL = torch.cartesian_prod(SIDE, SIDE), 0.01**2
PRIORS: dict[str, Callable[[], GaussianMixture]] = {"uneven": uneven, "slanted": slanted}


def log_likelihood(x0: Tensor, y: Tensor = Y, std: float = STD) -> Tensor:
    """Log N(y; A x0, std^2), up to a constant, as printed."""
    return -((y - x0 @ A.T) ** 2).sum(-1) / (2 * std**2)


@pytest.fixture(params=PRIORS)
def prior(request) -> GaussianMixture:
    return PRIORS[request.param]()


def test_density_is_bayes_rule_on_a_lattice(prior):
    """p(x0 | y) = p(x0) N(y; A x0, std^2) / sum of it over the lattice."""
    product = prior.log_density(LATTICE) + log_likelihood(LATTICE)
    bayes = product - product.logsumexp(0) - math.log(CELL)
    post = inverse.posterior(prior, A, Y, STD)
    seen = bayes > -20
    close(post.log_density(LATTICE[seen]), bayes[seen], rtol=1e-6, atol=1e-6)
    assert float((post.log_density(LATTICE).exp() * CELL).sum()) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("sigma", [0.1, 0.5, 3.0])
def test_the_exact_conditional_denoiser_by_integration(prior, x, sigma):
    """E[x0 | x, y] = sum x0 p(x0) N(y; A x0, std^2) N(x; x0, sigma^2 I) over the lattice, normalised."""
    noise = -((x[:, None] - LATTICE) ** 2).sum(2) / (2 * sigma**2)
    weight = (prior.log_density(LATTICE) + log_likelihood(LATTICE) + noise).softmax(1)
    D = exact.posterior_mean(inverse.posterior(prior, A, Y, STD))
    close(D(x, sigma), weight @ LATTICE, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("sigma", [0.05, 0.5, 3.0])
def test_the_score_is_the_slope_of_the_density(prior, x, sigma):
    post = inverse.posterior(prior, A, Y, STD)
    steps = 1e-5 * EYE
    slope = [(post.log_density(x + e, sigma) - post.log_density(x - e, sigma)) / 2e-5 for e in steps]
    close(fields.score(exact.posterior_mean(post), x, sigma), torch.stack(slope, 1), rtol=1e-5, atol=1e-5)


def test_a_useless_measurement_leaves_the_prior(prior, x):
    post = inverse.posterior(prior, A, Y, 1e6)
    close(post.log_density(x), prior.log_density(x), atol=1e-9)
    close(post.weights, prior.weights, atol=1e-9)


def test_an_exact_measurement_leaves_the_line(prior):
    """std -> 0: all mass on A x0 = y, components weighed by N(y; A m_k, A C_k A^T); std = 0 is the limit itself."""
    C = prior.covariance if isinstance(prior, FullMixture) else prior.std[:, None, None] ** 2 * EYE
    v, gap = (A @ C @ A.T).flatten(), (Y - prior.means @ A.T).flatten()
    weights = (prior.weights.log() - gap**2 / (2 * v) - v.log() / 2).softmax(0)
    for std, tolerance in ((1e-6, 1e-5), (0.0, 1e-10)):
        post = inverse.posterior(prior, A, Y, std)
        close(post.weights, weights, atol=tolerance)
        x0 = post.sample(1000, seeded())[0]
        close(x0 @ A.T, Y.expand(1000, 1), rtol=0, atol=max(6 * std, 1e-9))
    with pytest.raises(ValueError, match="bare points have no density"):
        post.log_density(x0)


def test_measuring_everything_is_denoising(x):
    """With A = a I the measurement is a noisy point at level std / a: the posterior mean is D(y / a, std / a)."""
    D = exact.posterior_mean(uneven())
    means = torch.stack([inverse.posterior(uneven(), 2 * EYE, y, 0.6).mean for y in x])
    close(means, D(x / 2, 0.3), atol=1e-12)


def test_a_square_measurement_in_information_form():
    """One Gaussian: covariance (C^-1 + A^T A / std^2)^-1, mean of the two sources weighed by their precisions."""
    square, y = torch.tensor([[2.0, 1.0], [-0.5, 1.5]], dtype=torch.float64), torch.tensor([0.3, -0.8]).double()
    C, m = torch.tensor([[0.5, 0.2], [0.2, 0.3]], dtype=torch.float64), torch.tensor([[0.1, -0.4]]).double()
    precision = C.inverse() + square.T @ square / 0.3**2
    post = inverse.posterior(FullMixture(m, C), square, y, 0.3)
    assert isinstance(post, FullMixture)
    close(post.covariance[0], precision.inverse(), atol=1e-12)
    close(post.means[0], precision.inverse() @ (C.inverse() @ m[0] + square.T @ y / 0.3**2), atol=1e-12)
    sharp = inverse.posterior(FullMixture(m, C), square, y, 0.0)
    close(sharp.means[0], square.inverse() @ y, atol=1e-12)


def test_two_measurements_one_after_the_other_or_at_once(prior, x):
    B, z = torch.tensor([[0.2, 1.1]], dtype=torch.float64), torch.tensor([-0.1], dtype=torch.float64)
    both = inverse.posterior(prior, torch.cat([A, B]), torch.cat([Y, z]), STD)
    then = inverse.posterior(inverse.posterior(prior, A, Y, STD), B, z, STD)
    close(then.log_density(x), both.log_density(x), rtol=1e-9)


def test_the_class_given_a_measurement(prior):
    """p(c | y) by Bayes on the lattice is the posterior's weight of the class."""
    post = inverse.posterior(prior, A, Y, STD)
    for c in range(3):
        joint = prior.log_density(LATTICE, label=c) + log_likelihood(LATTICE)
        evidence = torch.stack([(prior.log_density(LATTICE, label=k) + log_likelihood(LATTICE)).logsumexp(0)
                                for k in range(3)])  # fmt: skip
        share = (evidence + prior.label.bincount(prior.weights).log()).softmax(0)[c]
        assert float(post.weights[post.label == c].sum()) == pytest.approx(float(share), abs=1e-6)
        close(post.given(c).log_density(LATTICE[::997]),
              (joint - joint.logsumexp(0) - math.log(CELL))[::997], rtol=1e-5, atol=1e-5)  # fmt: skip


def test_against_importance_sampling_of_the_prior(rng):
    """A million draws of the spiral, weighed by the likelihood, drawn again: the same points up to sampling noise."""
    spiral, a, y = mixtures.spiral(), torch.tensor([[1.0, 0.0]]), torch.tensor([0.3])
    x0 = spiral.sample(1_000_000, rng)[0]
    for std in (0.05, 0.2):
        weight = (-((y - x0[:, 0]) ** 2) / (2 * std**2)).exp()
        brute = x0[torch.multinomial(weight, 20_000, replacement=True, generator=rng)]
        drawn = inverse.posterior(spiral, a, y, std).sample(20_000, rng)[0]
        assert metrics.sliced_wasserstein(drawn, brute, rng=rng) < 0.02


def test_bare_points_are_weighed_and_stay(rng):
    points, std = torch.randn(50, 2, generator=rng, dtype=torch.float64), 0.3
    post = inverse.posterior(points, A, Y, std)
    close(post.means, points)
    close(post.weights, log_likelihood(points, std=std).softmax(0), atol=1e-12)
    thin = inverse.posterior(GaussianMixture(points, 1e-5), A, Y, std)
    x = torch.randn(9, 2, generator=rng, dtype=torch.float64)
    close(exact.posterior_mean(thin)(x, 0.2), exact.posterior_mean(post)(x, 0.2), atol=1e-6)


def test_dtype_and_rows_of_levels(x):
    post = inverse.posterior(uneven(torch.float32), A, Y, STD)
    D = exact.posterior_mean(post)
    assert post.means.dtype == torch.float32 and D(x.float(), 0.5).dtype == torch.float32
    levels = torch.linspace(0.1, 3, len(x), dtype=torch.float64)
    one_by_one = torch.cat([D(row[None], float(sigma)) for row, sigma in zip(x, levels)])
    close(D(x, levels), one_by_one, atol=1e-12)
    close(D(x.float(), levels.float()), one_by_one.float(), rtol=1e-4, atol=1e-4)


def test_a_round_full_mixture_is_the_plain_one(rng, x):
    plain = uneven()
    full = FullMixture(plain.means, plain.std[:, None, None] ** 2 * EYE, plain.weights, plain.label)
    for label in (None, 1):
        close(full.log_density(x, 0.3, label), plain.log_density(x, 0.3, label), rtol=1e-10)
        close(exact.posterior_mean(full)(x, 0.3, label), exact.posterior_mean(plain)(x, 0.3, label), atol=1e-12)
    close(full.class_log_posterior(x, 0.3), plain.class_log_posterior(x, 0.3), rtol=1e-9, atol=1e-12)


def test_samples_have_the_mean_and_the_covariance(rng):
    m = slanted().given(1)
    x, n = m.sample(100_000, rng)[0], 100_000
    off = m.means - m.mean
    true = torch.einsum("k,kde->de", m.weights, m.covariance + off[:, :, None] * off[:, None])
    within(x.mean(0), m.mean, x.std(0) / n**0.5)
    products = (x - m.mean)[:, :, None] * (x - m.mean)[:, None]
    within(products.mean(0), true, products.std(0) / n**0.5)


# ---- the methods -----------------------------------------------------------------------------------


def test_dps_adds_the_gradient_as_printed(x, D):
    sigma, s = 0.4, 0.7
    z = x.clone().requires_grad_()
    slope = torch.autograd.grad(log_likelihood(D(z, sigma)).sum(), z)[0]
    close(inverse.dps(D, A, Y, STD, s)(x, sigma), D(x, sigma) + s * sigma**2 * slope, atol=1e-10)
    close(inverse.dps(D, A, Y, STD, 0.0)(x, sigma), D(x, sigma))


@pytest.mark.parametrize("sigma", [0.1, 1.0, 10.0])
def test_pigdm_is_exact_for_one_round_gaussian_and_dps_is_not(x, sigma):
    m, wide = gaussian().mixture, torch.tensor([[0.9, -0.5], [0.3, 1.2], [0.1, 0.7]], dtype=torch.float64)
    y, D = torch.tensor([0.4, -0.1, 0.2]).double(), exact.posterior_mean(m)
    truth = exact.posterior_mean(inverse.posterior(m, wide, y, STD))(x, sigma)
    close(inverse.pigdm(D, wide, y, STD, float(m.std[0]))(x, sigma), truth, atol=1e-10)
    assert float((inverse.dps(D, wide, y, STD)(x, sigma) - truth).norm(dim=1).max()) > 0.01


def test_where_the_clean_point_is_certain_all_agree(prior):
    """At sigma much below the components' width, E[x0 | x] has no doubt left: DPS and PiGDM are exact."""
    D, post = exact.posterior_mean(prior), inverse.posterior(prior, A, Y, STD)
    x, sigma = post.sample(50, seeded())[0], 1e-4
    truth = exact.posterior_mean(post)(x, sigma) - x
    for method in (inverse.dps(D, A, Y, STD), inverse.pigdm(D, A, Y, STD)):
        close(method(x, sigma) - x, truth, rtol=1e-2, atol=1e-9)


def test_without_doubt_pigdm_is_dps(x, D):
    close(inverse.pigdm(D, A, Y, STD, 1e-9)(x, 0.5), inverse.dps(D, A, Y, STD)(x, 0.5), atol=1e-9)


def test_a_measurement_per_row_and_pictures(rng):
    data = torch.randn(20, 1, 3, 3, generator=rng, dtype=torch.float64)
    half, y = torch.eye(9, dtype=torch.float64)[:4], torch.randn(5, 4, generator=rng, dtype=torch.float64)
    x, D = torch.randn(5, 1, 3, 3, generator=rng, dtype=torch.float64), exact.posterior_mean(data)
    for method in (inverse.dps, inverse.pigdm):
        together = method(D, half, y, 0.5)(x, 0.7)
        alone = [method(D, half, y[i], 0.5)(x[i : i + 1], 0.7) for i in range(5)]
        close(together, torch.cat(alone), atol=1e-12)


BELT = FullMixture(torch.zeros(1, 2), torch.tensor([[[0.25, 0.24], [0.24, 0.25]]]))  # x1 says nearly all about x2
X1 = torch.tensor([[1.0, 0.0]])


def replaced(mixture: mixtures.Source, std: float, times: int, n: int = 2000, steps: int = 60) -> Tensor:
    D, noise = exact.posterior_mean(mixture), 10 * torch.randn(n, 2, generator=seeded(1))
    walk = inverse.replacement(
        D, X1, torch.tensor([0.5]), std, noise, sigmas.karras(steps, 0.01, 10), None, seeded(2), times
    )
    return samplers.final(walk)


def test_replacement_keeps_the_measurement():
    assert torch.equal(replaced(mixtures.spiral(50), 0.0, 1, 20, 9)[:, 0], torch.full((20,), 0.5))


def test_replacement_is_right_where_the_coordinates_are_independent():
    round_ = GaussianMixture(torch.zeros(1, 2), 0.5)
    x, post = replaced(round_, 0.2, 1), inverse.posterior(round_, X1, torch.tensor([0.5]), 0.2)
    v = torch.tensor([0.25 * 0.04 / 0.29, 0.25])
    within(x.mean(0), post.mean, x.std(0) / len(x) ** 0.5)
    close(x.var(0), v, rtol=0.15)


def test_repeating_steps_lets_replacement_adapt():
    """Given x1, x2 is known to 0.14; replacement leaves it too wide or off, repeated steps repair most of it."""
    truth = inverse.posterior(BELT, X1, torch.tensor([0.5]), 0.1).sample(2000, seeded(3))[0]
    once, often = (metrics.sliced_wasserstein(replaced(BELT, 0.1, times), truth, rng=seeded()) for times in (1, 8))
    assert often < 0.6 * once


def test_denoising_starts_at_the_measurement():
    """y = x0 + std n is a noisy point: DDPM from x = y at level std, without more noise, draws from the posterior."""
    m, std, y = uneven(torch.float32), 0.5, torch.tensor([0.3, 0.1])
    D, grid = exact.posterior_mean(m), sigmas.karras(400, 0.01, std)
    x = samplers.final(samplers.ddpm(D, y.expand(4000, 2), grid, rng=seeded()))
    post = inverse.posterior(m, torch.eye(2), y, std)
    assert metrics.sliced_wasserstein(x, post.sample(4000, seeded(1))[0], rng=seeded()) < 0.025


def test_sdedit_forgets_the_guide_as_the_start_rises():
    """From far above the data it draws from the prior, whatever the guide; from just above 0 it returns the guide."""
    m, guide = uneven(torch.float32), torch.tensor([[1.5, -1.5]]).expand(4000, 2)
    D = exact.posterior_mean(m)
    high, low = (samplers.final(inverse.sdedit(D, guide, sigmas.karras(60, 0.002, s), rng=seeded()))
                 for s in (80.0, 0.01))  # fmt: skip
    assert metrics.sliced_wasserstein(high, m.sample(4000, seeded(1))[0], rng=seeded()) < 0.06
    assert float((low - guide).norm(dim=1).max()) < 0.3
