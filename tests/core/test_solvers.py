"""The samplers of notebooks 06 and 07: reverse SDE, DPM-Solver++(2M), Langevin, and the flow walked upwards."""

import math
from itertools import pairwise

import pytest
import torch

from tests.support import contracts, problems
from tests.support.problems import alike, close, within
from toycore import exact, mixtures, samplers, sigmas
from toycore.types import seeded

SOLVERS = {
    "sde": contracts.Walker(samplers.sde, random=True),
    "sde, churn 3": contracts.Walker(lambda *a, **k: samplers.sde(*a, **{"churn": 3.0} | k), random=True),
    "sde, churn 0": contracts.Walker(lambda *a, **k: samplers.sde(*a, **{"churn": 0.0} | k), order=1),
    "dpmpp_2m": contracts.Walker(samplers.dpmpp_2m, order=2),
}


@pytest.mark.parametrize("check", contracts.SAMPLER, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", SOLVERS)
def test_contract(name, check):
    check(SOLVERS[name])


def _start(n, high, seed=0):
    return high * torch.randn(n, 2, generator=seeded(seed), dtype=torch.float64)


@pytest.mark.parametrize("name", [name for name, walker in SOLVERS.items() if walker.order])
def test_order_on_the_gaussian_flow(name):
    """Error against the closed form of the flow, both ends above 0: slope in log-log."""
    D, x, counts = exact.posterior_mean(problems.gaussian().mixture), _start(20, 5.0), [40, 80, 160]
    right = problems.gaussian_flow(x, 5.0, 0.05)
    grids = [sigmas.log_linear(n + 1, 0.05, 5.0)[:-1] for n in counts]
    errors = [float((samplers.final(SOLVERS[name].walk(D, x, grid)) - right).norm()) for grid in grids]
    slope = math.log2(errors[-2] / errors[-1])
    assert abs(slope - SOLVERS[name].order) < 0.15, (errors, slope)


def test_2m_as_printed():
    """Algorithm 2 of 2211.01095 in its own letters (alpha, sigma, lambda = ln alpha/sigma, r), in the VP frame."""
    D, x, grid = exact.posterior_mean(problems.uneven()), _start(50, 8.0), sigmas.karras(9, 0.02, 8.0)[:-1]
    a, s = (1 + grid**2).rsqrt(), grid * (1 + grid**2).rsqrt()
    y, lam, answers = x * a[0], (a / s).log(), []
    for i, j in pairwise(range(len(grid))):
        answers.append(D(y / a[i], grid[i]))
        h = lam[j] - lam[i]
        r = (lam[i] - lam[i - 1]) / h if i else None
        answer = (1 + 1 / (2 * r)) * answers[-1] - 1 / (2 * r) * answers[-2] if i else answers[-1]
        y = s[j] / s[i] * y - a[j] * torch.expm1(-h) * answer
    close(samplers.final(samplers.dpmpp_2m(D, x, grid)), y / a[-1], rtol=1e-11, atol=1e-11)


def test_sde_between_ddim_and_ddpm():
    D, x, grid = exact.posterior_mean(problems.uneven()), _start(50, 8.0), sigmas.karras(9, 0.02, 8.0)
    close(samplers.stack(samplers.sde(D, x, grid, churn=0.0)), samplers.stack(samplers.ddim(D, x, grid)))
    close(next(samplers.sde(D, x, grid)).mean, next(samplers.ddpm(D, x, grid)).mean)


def test_noise_multiplies_the_random_part_of_the_sde():
    D, x, grid = exact.posterior_mean(problems.uneven()), _start(50, 8.0), sigmas.karras(9, 0.02, 8.0)
    none, half, whole = (next(samplers.sde(D, x, grid, rng=seeded(1), noise=k)) for k in (0.0, 0.5, 1.0))
    close(none.x, whole.mean)
    close(half.x, whole.mean + whole.noise / 2)


@pytest.mark.parametrize("churn", [0.5, 1.0, 2.0])
def test_every_churn_keeps_the_marginal(churn, rng):
    """Many steps from the exact law at sigma = 3 down to 0.1: the variance is v + 0.1^2, the mean stays."""
    problem, n = problems.gaussian(), 20_000
    v = problem.variance.double()
    x = problem.mean + (v + 9).sqrt() * torch.randn(n, 2, generator=rng, dtype=torch.float64)
    grid = sigmas.log_linear(401, 0.1, 3.0)[:-1]
    end = samplers.final(samplers.sde(exact.posterior_mean(problem.mixture), x, grid, rng=rng, churn=churn))
    right = v + 0.01
    within(end.mean(0), problem.mean.double(), (right / n).sqrt())
    within(end.var(0), right, right * math.sqrt(2 / n) + 0.01 * right / 4)  # and 1 % for the finite steps


def test_langevin_finds_its_stationary_law(rng):
    """On a Gaussian a step is x' = (1 - h/2V) x + sqrt(h) z, with the stationary variance h / (1 - (1 - h/2V)^2)."""
    problem, sigma, rate, n = problems.gaussian(), 0.5, 0.4, 20_000
    h, V = rate * sigma**2, problem.variance.double() + sigma**2
    levels = torch.full((300,), sigma)
    walk = samplers.langevin(exact.posterior_mean(problem.mixture), _start(n, 1.0), levels, rng=rng, rate=rate)
    x, var = samplers.final(walk), h / (1 - (1 - h / (2 * V)) ** 2)
    within(x.mean(0), problem.mean.double(), (var / n).sqrt())
    within(x.var(0), var, var * math.sqrt(2 / n))


def test_langevin_states_are_steps(rng):
    D, levels = exact.posterior_mean(problems.two_modes().mixture), torch.tensor([1.0, 1.0, 0.5])
    states = list(samplers.langevin(D, _start(10, 1.0), levels, rng=rng))
    assert [s.sigma for s in states] == levels.tolist()
    for s in states:
        alike(s.x, s.mean + s.noise)


UNENDING = {  # walks of their own kind of grid, which the contract does not know
    "langevin": lambda D, x, levels, label: samplers.langevin(D, x, levels, label),
    "invert": lambda D, x, levels, label: samplers.invert(D, x, levels, label),
}


@pytest.mark.parametrize("name", UNENDING)
def test_langevin_and_invert_pass_the_label_on_keep_no_graph_and_check_their_start(name):
    heard, weight = [], torch.ones((), dtype=torch.float64, requires_grad=True)

    def D(x, sigma, label=None):
        heard.append(label)
        return weight * x / 2

    x, levels = _start(5, 1.0), torch.tensor([2.0, 1.0, 0.5])
    before = x.clone()
    states = list(UNENDING[name](D, x, levels, 2))
    assert set(heard) == {2} and not any(part.requires_grad for s in states for part in (s.x, s.x0_hat, s.mean))
    assert torch.equal(x, before)
    with pytest.raises(ValueError, match="NaN"):
        UNENDING[name](D, x * math.nan, levels, 2)


def test_annealing_finds_the_weights_that_one_level_misses(rng):
    """Two far modes with weights .8 and .2: one low level keeps the start's halves, annealing finds .8."""
    places = torch.tensor([[-0.8, 0.0], [0.8, 0.0]])
    D = exact.posterior_mean(mixtures.GaussianMixture(places, 0.1, torch.tensor([0.8, 0.2])))
    x = 2 * torch.randn(2000, 2, generator=rng)
    falling = sigmas.log_linear(20, 0.05, 5.0)[:-1].repeat_interleave(40)
    stuck, found = (
        (samplers.final(samplers.langevin(D, x, levels, rng=rng))[:, 0] < 0).double().mean()
        for levels in (torch.full((800,), 0.05), falling)
    )
    assert abs(stuck - 0.5) < 0.06 and abs(found - 0.8) < 0.06


@pytest.mark.parametrize(("walk", "order"), [(samplers.ddim, 1), (samplers.heun, 2)])
def test_invert_has_the_walks_order_and_comes_home(walk, order):
    """Upwards against the closed form: order 1 and 2. Down again: the miss falls at least as fast."""
    D, x = exact.posterior_mean(problems.gaussian().mixture), 0.3 * _start(20, 1.0)
    right, misses, errors = problems.gaussian_flow(x, 0.05, 5.0), [], []
    for n in (80, 160):
        grid = sigmas.log_linear(n + 1, 0.05, 5.0)[:-1]
        up = samplers.final(samplers.invert(D, x, grid, walk=walk))
        errors.append(float((up - right).norm()))
        misses.append(float((samplers.final(walk(D, up, grid)) - x).norm()))
    assert abs(math.log2(errors[0] / errors[1]) - order) < 0.15
    assert math.log2(misses[0] / misses[1]) > order - 0.15
