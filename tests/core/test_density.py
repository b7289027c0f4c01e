"""The density through time: formula, equation, lattice, likelihood; Gaussians and reverse steps in closed form."""

import math
from functools import partial

import pytest
import torch

from tests.support import problems
from tests.support.external import library
from tests.support.problems import close, within
from toycore import density, exact, fields, frames, gaussians, mixtures, sigmas
from toycore.types import seeded


def _spiral():
    return mixtures.spiral(60, std=0.05).to(torch.float64)


def _points(n=200, scale=0.7, seed=0):
    return scale * torch.randn(n, 2, generator=seeded(seed), dtype=torch.float64)


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
    in_sigma = partial(density.log_density, m)
    return {
        "VE": (lambda x, v: in_sigma(x, v.sqrt()), lambda x: 0 * x, 1.0, 0.09),
        "VP": (lambda x, s: in_sigma(x, (s.exp() - 1).sqrt(), frames.VP), density.shrink, 1.0, 0.2),
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

    def spin(x, t):
        return torch.stack([-x[:, 1], x[:, 0]], 1)

    for g2 in (0.0, 1.0):
        (q,) = density.fokker_planck(p, spin, g2, torch.tensor([0.0, 0.5]), 2.0)
        close(q.sum(), p.sum(), rtol=1e-12)
        assert float(q.min()) > -1e-12 and not torch.equal(q, p)


def test_lattice_reads_the_drift_at_the_middle_of_each_interval():
    """A wind (t, 0) carries everything by 1/2 in one unit of time, also when that is one interval."""
    u = density.cells(64, 3.0)
    start, times = _gaussian_on(u, -0.3, 0.1), torch.tensor([0.0, 1.0])
    (p,) = density.fokker_planck(start, lambda x, t: t * torch.tensor([[1.0, 0.0]]).expand_as(x), 0.2, times, 3.0)
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
    x = m.to(torch.float64).sample(100, seeded())[0]
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
    solver = library("torchdiffeq", "the likelihood against an adaptive solver")
    up, gain = solver.odeint(density.with_divergence(D), state, ends, rtol=1e-9, atol=1e-9)
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


def _two(seed=0):
    rng = seeded(seed)
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
