"""Chains of Gaussian steps: the exact reverse step, what a Gaussian step loses, and the bound."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from tests.support.problems import close, uneven, within
from toycore import data, exact, gaussians, mixtures, samplers, sigmas
from toycore.lessons import chains
from toycore.types import seeded


def _points(n=200, scale=0.7, seed=0):
    return scale * torch.randn(n, 2, generator=seeded(seed), dtype=torch.float64)


# ---- the equation ------------------------------------------------------------------------------------------


def test_reverse_kernel_against_the_noising(rng):
    """Noise data to .2, then on to .5; of the pairs, those that end near x: their law at .2 is the kernel's."""
    m = uneven()
    x0 = m.sample(2_000_000, rng)[0]
    low = x0 + 0.2 * torch.randn(x0.shape, generator=rng, dtype=x0.dtype)
    high = low + math.sqrt(0.5**2 - 0.2**2) * torch.randn(x0.shape, generator=rng, dtype=x0.dtype)
    x = torch.tensor([[0.4, 0.1]], dtype=torch.float64)
    near = low[(high - x).abs().amax(1) < 0.03]
    weights, means, var = chains.reverse_kernel(m, x, 0.5, 0.2)
    mean = (weights[..., None] * means).sum(1)[0]
    total = (weights[0, :, None] * (var[:, None] + (means[0] - mean) ** 2)).sum(0)
    within(near.mean(0), mean, (total / len(near)).sqrt() + 1e-3)
    within(near.var(0), total, total * math.sqrt(3 / len(near)) + 1e-3)


def test_reverse_kernels_mean_is_ddpms_mean():
    m, x = uneven(), _points(20)
    weights, means, _ = chains.reverse_kernel(m, x, 0.5, 0.2)
    x0_hat = exact.posterior_mean(m)(x, 0.5)
    close((weights[..., None] * means).sum(1), x0_hat + 0.16 * (x - x0_hat))


def test_gaussian_gap():
    """Zero for one Gaussian; the whole way down for two narrow modes, ln sqrt((m^2 + s^2)/s^2) - ln 2; falls with T."""
    one = mixtures.GaussianMixture(torch.tensor([[0.3]]), 0.2)
    assert abs(chains.gaussian_gap(one, 1.0, 0.1)) < 1e-12
    two = mixtures.GaussianMixture(torch.tensor([[-0.9], [0.9]]), 0.1)
    right = 0.5 * math.log((0.81 + 0.01) / 0.01) - math.log(2)
    assert abs(chains.gaussian_gap(two, 1e4, 1e-6) - right) < 1e-3
    gaps = [chains.chain_gap(two, sigmas.log_linear(2**k + 1, 0.01, 20.0)[:-1]) for k in range(7)]
    assert gaps == sorted(gaps, reverse=True) and gaps[5] < 0.04


def test_reverse_densities_integrate_to_one():
    two = mixtures.GaussianMixture(torch.tensor([[-0.9], [0.9]]), 0.1)
    line = torch.linspace(-6, 6, 4001, dtype=torch.float64)
    true, bell = chains.reverse_densities(two, torch.tensor([[0.3]], dtype=torch.float64), 0.8, 0.2, line)
    for p in (true, bell):
        close(torch.trapezoid(p, line), 1.0, rtol=1e-6)
    moments = [[float(torch.trapezoid(p * line**k, line)) for k in (1, 2)] for p in (true, bell)]
    assert np.allclose(*moments, atol=1e-6)


# ---- Gaussians in closed form ------------------------------------------------------------------------------


def test_the_two_variances_of_ddpm():
    """Large: of the step x - x'. Small: of x' given x and x0, where the precisions of both neighbours add."""
    assert chains.large_variance(0.5, 0.3) == pytest.approx(0.16)
    assert chains.small_variance(0.5, 0.3) == pytest.approx(1 / (1 / 0.3**2 + 1 / 0.16))


def _own_log_p(x0, v, levels, variance):
    """The chain's own law of x0: linear-Gaussian, its variance by recursion."""
    P = v + levels[0] ** 2
    for sigma, below in pairwise(levels):
        P = ((v + below**2) / (v + sigma**2)) ** 2 * P + variance(sigma, below)
    return gaussians.log_density(x0, 0.0, P)


@pytest.mark.parametrize("kind", ["small", "true", "large"])
def test_chain_elbo_is_a_bound(kind):
    v, grid = 0.25, sigmas.log_linear(9, 0.05, 10.0)[:-1]
    variance = {
        "true": chains.true_variance(v),
        "small": chains.small_variance,
        "large": chains.large_variance,
    }[kind]
    x0 = _points(50, scale=0.5)
    bound, own = chains.chain_elbo(x0, v, grid, variance), _own_log_p(x0, v, grid.tolist(), variance)
    gap = own - bound
    if kind == "true":
        assert float((gaussians.log_density(x0, 0.0, v + 0.05**2) - bound).abs().max()) < 1e-12
    assert float(gap.min()) > -1e-12 and (kind == "true") == (float(gap.max()) < 1e-6)


def test_ddpms_two_variances_are_exact_for_a_point_and_for_a_standard_normal():
    """Ho et al. 2020, section 3.2, in their betas; a variance of their frame is divided by alpha_bar_(t-1) in ours."""
    beta = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    a = (1 - beta).cumprod(0)
    level = ((1 - a) / a).sqrt().tolist()
    for t in (1, 40, 500, 999):
        steps, tilde = (level[t], level[t - 1]), (1 - a[t - 1]) / (1 - a[t]) * beta[t]
        close(tilde / a[t - 1], chains.small_variance(*steps))
        close(beta[t] / a[t - 1], chains.true_variance(1.0)(*steps))


def test_chain_elbo_against_monte_carlo(rng):
    """The definition, term by term, on simulated chains."""
    v, grid, x0 = 0.25, sigmas.log_linear(5, 0.05, 4.0)[:-1], torch.tensor([[0.4]], dtype=torch.float64)
    levels, n = grid.flip(0).tolist(), 200_000
    x, total = x0.expand(n, 1), torch.zeros(n, dtype=torch.float64)
    for below, sigma in pairwise(levels):
        added = sigma**2 - below**2
        up = x + math.sqrt(added) * torch.randn(n, 1, generator=rng, dtype=torch.float64)
        mean = (v + below**2) / (v + sigma**2) * up
        total += gaussians.log_density(x, mean, chains.large_variance(sigma, below)) - gaussians.log_density(
            up, x, added
        )
        x = up
    total += gaussians.log_density(x, 0.0, v + levels[-1] ** 2)
    bound = chains.chain_elbo(x0, v, grid, chains.large_variance)[0]
    within(total.mean(), bound, total.std() / math.sqrt(n))


def test_bare_points_are_sources_too():
    weights, means, var = chains.reverse_kernel(data.spiral(20), _points(3), 0.5, 0.2)
    close(weights.sum(1), torch.ones(3)), close(var, 0.04 * (1 - 0.16) * torch.ones(20), atol=1e-7)
    assert means.shape == (3, 20, 2)


@pytest.mark.parametrize("steps", [2, 5, 40])
@pytest.mark.parametrize("d", [1, 3])
def test_widened_steps_are_exact_for_a_gaussian_in_any_number_of_steps(steps, d, rng):
    """From the law at the highest level, the law of the data; DDPM itself ends too narrow."""
    D = exact.posterior_mean(mixtures.GaussianMixture(torch.full((1, d), 0.3, dtype=torch.float64), 0.5))
    x = 0.3 + math.sqrt(0.25 + 100) * torch.randn(40_000, d, generator=rng, dtype=torch.float64)
    grid = sigmas.log_linear(steps)
    ends = chains.ddpm_widened(D, x, grid, rng)
    within(ends.std(0), 0.5, 0.5 / math.sqrt(2 * len(x)))
    within(ends.mean(0), 0.3, 0.5 / math.sqrt(len(x)))
    assert samplers.final(samplers.ddpm(D, x, grid, rng=rng)).std() < 0.49


def test_what_ddpm_widened_refuses():
    X = _points(4)
    with pytest.raises(ValueError, match="must decrease"):
        chains.ddpm_widened(exact.posterior_mean(X), X, [0.1, 1.0])
    with pytest.raises(TypeError, match="must be a Denoiser"):
        chains.ddpm_widened(X, X, [1.0, 0.1])
