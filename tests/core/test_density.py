"""The density through time: formula, equation, lattice, likelihood; Gaussians and reverse steps in closed form."""

import math
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from torchdiffeq import odeint

from tests.support import problems
from tests.support.problems import close, within
from toycore import data, density, exact, fields, frames, gaussians, mixtures, sigmas


def _spiral():
    return mixtures.spiral(60, std=0.05).to(torch.float64)


def _points(n=200, scale=0.7, seed=0):
    return scale * torch.randn(n, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# ---- the equation ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("frame", [frames.VE, frames.VP, frames.FLOW], ids=lambda f: f.name)
def test_frames_see_one_density(frame):
    """In a frame the noised mixture is the mixture with scaled means and stds."""
    m, sigma, x = problems.uneven(), 0.6, _points()
    c = float(frame.scale(torch.tensor(sigma, dtype=torch.float64)))
    scaled = mixtures.GaussianMixture(c * m.means, c * (m.std**2 + sigma**2).sqrt(), m.weights)
    close(density.log_density(m, x, sigma, frame), scaled.log_density(x))


def _processes(m):
    """(log p(x, t), drift at t, g2, t) of processes that carry the noised mixture; D is exact."""
    D = exact.posterior_mean(m)
    ve = lambda x, v: density.log_density(m, x, v.sqrt())  # noqa: E731
    vp = lambda x, s: density.log_density(m, x, (s.exp() - 1).sqrt(), frames.VP)  # noqa: E731
    in_sigma = lambda x, sigma: density.log_density(m, x, sigma)  # noqa: E731
    return {
        "VE": (ve, lambda x: 0 * x, 1.0, 0.09),
        "VP": (vp, density.shrink, 1.0, 0.2),
        "ODE": (in_sigma, lambda x: fields.noise(D, x, 0.3), 0.0, 0.3),
        "churn": (in_sigma, lambda x: fields.noise(D, x, 0.3) + 0.6 * fields.score(D, x, 0.3), 1.2, 0.3),
    }


@pytest.mark.parametrize("name", ["VE", "VP", "ODE", "churn"])
def test_exact_density_solves_its_equation(name):
    log_p, drift, g2, t = _processes(_spiral())[name]
    assert float(density.residual(log_p, drift, g2, _points(), t).abs().max()) < 1e-9


@pytest.mark.parametrize("name", ["VE", "VP", "ODE", "churn"])
def test_residual_sees_a_wrong_process(name):
    log_p, drift, g2, t = _processes(_spiral())[name]
    assert float(density.residual(log_p, lambda x: drift(x) - 0.1 * x, g2, _points(), t).abs().max()) > 0.01
    assert float(density.residual(log_p, drift, g2 + 0.1, _points(), t).abs().max()) > 0.01


# ---- the lattice -------------------------------------------------------------------------------------------


def _gaussian_on(cells, mean, var):
    return gaussians.log_density(cells, mean, var).exp()


def test_histogram_and_cells_share_their_places():
    u = density.cells(10, 1.0)
    close(u[0, 0], torch.tensor([-0.9, -0.9]), atol=1e-6), close(u[0, -1], torch.tensor([0.9, -0.9]), atol=1e-6)
    h = density.histogram(torch.cat([u.reshape(-1, 2), u[3, 7].expand(100, 2), torch.full((50, 2), 9.0)]), 10, 1.0)
    assert int(h.argmax()) == 37
    close(h.sum() * 0.2**2, 200 / 250, rtol=1e-6)


@pytest.mark.parametrize("frame", ["VE", "VP"])
def test_lattice_follows_a_gaussian_to_second_order(frame):
    """Heat and Ornstein-Uhlenbeck from variance .1: mean and variance are known; halve the cells, quarter the error."""
    drift, t, mean = (density.shrink, 0.7, 0.4) if frame == "VP" else (lambda x, t: 0 * x, 0.3, 0.4)
    decay = math.exp(-t) if frame == "VP" else 1.0
    var = 0.1 * decay + (1 - math.exp(-t) if frame == "VP" else t)
    errors = []
    for n in (32, 64):
        u = density.cells(n, 4.0)
        times = torch.tensor([0.0, t / 3, t])
        *_, p = density.fokker_planck(_gaussian_on(u, mean, 0.1), drift, 1.0, times, 4.0)
        errors.append(density.total_variation(p, _gaussian_on(u, mean * decay**0.5, var), 4.0))
    assert errors[1] < 5e-3 and 3 < errors[0] / errors[1] < 5, errors


def test_lattice_keeps_the_mass_and_stays_positive():
    """Also without diffusion, where central fluxes would oscillate: upwind."""
    u = density.cells(40, 2.0)
    p = (u.abs().amax(-1) < 0.5).double()
    spin = lambda x, t: torch.stack([-x[:, 1], x[:, 0]], 1)  # noqa: E731
    for g2 in (0.0, 1.0):
        (q,) = density.fokker_planck(p, spin, g2, torch.tensor([0.0, 0.5]), 2.0)
        close(q.sum(), p.sum(), rtol=1e-12)
        assert float(q.min()) > -1e-12 and not torch.equal(q, p)


def test_lattice_reads_the_drift_at_the_middle_of_each_interval():
    """A wind (t, 0) carries everything by 1/2 in one unit of time, also when that is one interval."""
    u = density.cells(64, 3.0)
    (p,) = density.fokker_planck(
        _gaussian_on(u, -0.3, 0.1), lambda x, t: t * torch.tensor([[1.0, 0.0]]).expand_as(x), 0.2,
        torch.tensor([0.0, 1.0]), 3.0,
    )  # fmt: skip
    mean = (p[..., None] * u).sum((0, 1)) / p.sum()
    close(mean, torch.tensor([0.2, -0.3]), rtol=0, atol=1e-3)


def test_lattice_refuses_falling_times():
    with pytest.raises(ValueError, match="times must increase"):
        list(density.fokker_planck(torch.ones(4, 4), density.shrink, 1.0, torch.tensor([1.0, 0.5])))


def test_three_roads_agree(rng):
    m, s, n = mixtures.spiral(), torch.tensor([0.02, 0.1], dtype=torch.float64), 80
    u = density.cells(n, 2.0).reshape(-1, 2)
    first, right = (density.log_density(m, u, (t.exp() - 1).sqrt(), frames.VP).exp().reshape(n, n) for t in s)
    (solved,) = density.fokker_planck(first, density.shrink, 1.0, s, 2.0)
    assert density.total_variation(solved, right, 2.0) < 0.005
    x0 = m.sample(200_000, rng)[0]
    x = math.exp(-0.05) * x0 + math.sqrt(1 - math.exp(-0.1)) * torch.randn(x0.shape, generator=rng)
    p = right * (4.0 / n) ** 2
    counting = float((p * (1 - p) / len(x)).sqrt().sum() * math.sqrt(2 / math.pi) / 2)  # mean |error| of the counts
    assert density.total_variation(density.histogram(x, n, 2.0), right, 2.0) < 1.2 * counting


# ---- likelihood --------------------------------------------------------------------------------------------


def test_likelihood_of_the_spiral():
    m = mixtures.spiral()
    x = m.to(torch.float64).sample(100, torch.Generator().manual_seed(0))[0]
    grid = sigmas.log_linear(201, 0.01, 80.0)[:-1]
    error = density.log_likelihood(exact.posterior_mean(m), x, grid) - m.log_density(x, 0.01)
    assert float(error.abs().mean()) < 5e-3


def test_likelihood_of_a_label():
    m = problems.uneven()
    D, grid = exact.posterior_mean(m), sigmas.log_linear(301, 0.01, 200.0)[:-1]
    x = m.means[m.label == 1] + 0.05
    close(density.log_likelihood(D, x, grid, label=1), m.log_density(x, 0.01, 1), rtol=0, atol=0.01)


def test_likelihood_is_of_second_order_and_agrees_with_an_adaptive_solver():
    D, x = exact.posterior_mean(problems.gaussian().mixture), _points(5)
    state, ends = (x, x.new_zeros(5)), torch.tensor([0.05, 20.0], dtype=torch.float64)
    up, gain = odeint(density.with_divergence(D), state, ends, rtol=1e-9, atol=1e-9)
    best = gain[-1] + gaussians.log_density(up[-1], 0.0, 400.0)
    grids = [sigmas.log_linear(n + 1, 0.05, 20.0)[:-1] for n in (100, 200)]
    errors = [float((density.log_likelihood(D, x, grid) - best).abs().mean()) for grid in grids]
    assert abs(math.log2(errors[0] / errors[1]) - 2) < 0.2
    m = problems.gaussian().mixture
    start = m.log_density(up[-1], 20.0) - gaussians.log_density(
        up[-1], 0.0, 400.0
    )  # what the prior at 20 does not know
    close(best + start, m.log_density(x, 0.05), rtol=0, atol=1e-5)


def test_likelihood_by_hutchinson(rng):
    """Unbiased: many draws of one point average to the exact answer."""
    D, grid = exact.posterior_mean(problems.uneven()), sigmas.log_linear(31, 0.1, 50.0)[:-1]
    x = torch.tensor([[0.2, 0.1]], dtype=torch.float64)
    some = density.log_likelihood(D, x.expand(2000, 2), grid, divergence=partial(fields.hutchinson, rng=rng))
    within(some.mean(), density.log_likelihood(D, x, grid)[0], some.std() / math.sqrt(2000))


def test_hutchinson_is_unbiased_with_its_variance(rng):
    """2 sum_{i != j} S_ij^2 for random signs; nothing for a diagonal matrix; probes divide it."""
    A = torch.tensor([[1.0, 2.0, 0.5], [0.0, -1.0, 1.0], [0.3, 0.2, 2.0]], dtype=torch.float64)
    x, S = torch.zeros(40_000, 3, dtype=torch.float64), (A + A.T) / 2
    right = 2 * (S**2).sum() - 2 * (S.diagonal() ** 2).sum()
    for probes in (1, 4):
        draws = fields.hutchinson(lambda x: x @ A.T, x, rng, probes)
        within(draws.mean(), A.trace(), (right / probes / len(x)).sqrt())
        assert float((draws.var() / (right / probes) - 1).abs()) < 0.05
    close(fields.hutchinson(lambda x: x * torch.tensor([1.0, 2.0, 3.0]), x[:9], rng), 6.0)


# ---- one reverse step --------------------------------------------------------------------------------------


def test_reverse_kernel_against_the_noising(rng):
    """Noise data to .2, then on to .5; of the pairs, those that end near x: their law at .2 is the kernel's."""
    m = problems.uneven()
    x0 = m.sample(2_000_000, rng)[0]
    low = x0 + 0.2 * torch.randn(x0.shape, generator=rng, dtype=x0.dtype)
    high = low + math.sqrt(0.5**2 - 0.2**2) * torch.randn(x0.shape, generator=rng, dtype=x0.dtype)
    x = torch.tensor([[0.4, 0.1]], dtype=torch.float64)
    near = low[(high - x).abs().amax(1) < 0.03]
    weights, means, var = density.reverse_kernel(m, x, 0.5, 0.2)
    mean = (weights[..., None] * means).sum(1)[0]
    total = (weights[0, :, None] * (var[:, None] + (means[0] - mean) ** 2)).sum(0)
    within(near.mean(0), mean, (total / len(near)).sqrt() + 1e-3)
    within(near.var(0), total, total * math.sqrt(3 / len(near)) + 1e-3)


def test_reverse_kernels_mean_is_ddpms_mean():
    m, x = problems.uneven(), _points(20)
    weights, means, _ = density.reverse_kernel(m, x, 0.5, 0.2)
    x0_hat = exact.posterior_mean(m)(x, 0.5)
    close((weights[..., None] * means).sum(1), x0_hat + 0.16 * (x - x0_hat))


def test_gaussian_gap():
    """Zero for one Gaussian; the whole way down for two narrow modes, ln sqrt((m^2 + s^2)/s^2) - ln 2; falls with T."""
    one = mixtures.GaussianMixture(torch.tensor([[0.3]]), 0.2)
    assert abs(density.gaussian_gap(one, 1.0, 0.1)) < 1e-12
    two = mixtures.GaussianMixture(torch.tensor([[-0.9], [0.9]]), 0.1)
    right = 0.5 * math.log((0.81 + 0.01) / 0.01) - math.log(2)
    assert abs(density.gaussian_gap(two, 1e4, 1e-6) - right) < 1e-3
    gaps = [density.chain_gap(two, sigmas.log_linear(2**k + 1, 0.01, 20.0)[:-1]) for k in range(7)]
    assert gaps == sorted(gaps, reverse=True) and gaps[5] < 0.04


def test_reverse_densities_integrate_to_one():
    two = mixtures.GaussianMixture(torch.tensor([[-0.9], [0.9]]), 0.1)
    line = torch.linspace(-6, 6, 4001, dtype=torch.float64)
    true, bell = density.reverse_densities(two, torch.tensor([[0.3]], dtype=torch.float64), 0.8, 0.2, line)
    for p in (true, bell):
        close(torch.trapezoid(p, line), 1.0, rtol=1e-6)
    moments = [[float(torch.trapezoid(p * line**k, line)) for k in (1, 2)] for p in (true, bell)]
    assert np.allclose(*moments, atol=1e-6)


# ---- Gaussians in closed form ------------------------------------------------------------------------------


def _two(seed=0):
    rng = torch.Generator().manual_seed(seed)
    mean, m = (torch.randn(30, 3, generator=rng, dtype=torch.float64) for _ in range(2))
    var, v = (0.1 + torch.rand(30, 3, generator=rng, dtype=torch.float64) for _ in range(2))
    return mean, var, m, v


def test_gaussians_against_torch():
    mean, var, m, v = _two()
    p, q = torch.distributions.Normal(mean, var.sqrt()), torch.distributions.Normal(m, v.sqrt())
    close(gaussians.log_density(m, mean, var), p.log_prob(m).sum(-1))
    close(gaussians.kl(mean, var, m, v), torch.distributions.kl_divergence(p, q).sum(-1))
    close(gaussians.expected_log_density(mean, var, m, v), -gaussians.kl(mean, var, m, v) - p.entropy().sum(-1))
    close(gaussians.expected_log_density(mean, 0.3, 0.0, 2.0), gaussians.log_density(mean, 0.0, 2.0) - 3 * 0.3 / 4)


def test_the_two_variances_of_ddpm():
    """Large: of the step x - x'. Small: of x' given x and x0, where the precisions of both neighbours add."""
    assert gaussians.large_variance(0.5, 0.3) == pytest.approx(0.16)
    assert gaussians.small_variance(0.5, 0.3) == pytest.approx(1 / (1 / 0.3**2 + 1 / 0.16))


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
        "true": gaussians.true_variance(v),
        "small": gaussians.small_variance,
        "large": gaussians.large_variance,
    }[kind]
    x0 = _points(50, scale=0.5)
    bound, own = gaussians.chain_elbo(x0, v, grid, variance), _own_log_p(x0, v, grid.tolist(), variance)
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
        close(tilde / a[t - 1], gaussians.small_variance(*steps))
        close(beta[t] / a[t - 1], gaussians.true_variance(1.0)(*steps))


def test_chain_elbo_against_monte_carlo(rng):
    """The definition, term by term, on simulated chains."""
    v, grid, x0 = 0.25, sigmas.log_linear(5, 0.05, 4.0)[:-1], torch.tensor([[0.4]], dtype=torch.float64)
    levels, n = grid.flip(0).tolist(), 200_000
    x, total = x0.expand(n, 1), torch.zeros(n, dtype=torch.float64)
    for below, sigma in pairwise(levels):
        added = sigma**2 - below**2
        up = x + math.sqrt(added) * torch.randn(n, 1, generator=rng, dtype=torch.float64)
        mean = (v + below**2) / (v + sigma**2) * up
        total += gaussians.log_density(x, mean, gaussians.large_variance(sigma, below)) - gaussians.log_density(
            up, x, added
        )
        x = up
    total += gaussians.log_density(x, 0.0, v + levels[-1] ** 2)
    bound = gaussians.chain_elbo(x0, v, grid, gaussians.large_variance)[0]
    within(total.mean(), bound, total.std() / math.sqrt(n))


def test_bare_points_are_sources_too():
    weights, means, var = density.reverse_kernel(data.spiral(20), _points(3), 0.5, 0.2)
    close(weights.sum(1), torch.ones(3)), close(var, 0.04 * (1 - 0.16) * torch.ones(20), atol=1e-7)
    assert means.shape == (3, 20, 2)
