"""Flow matching: paths, conversions, the loss and its minimiser, Euler and DDIM, reflow."""

import math

import pytest
import torch

from tests.support import problems
from tests.support.problems import close, within
from toycore import exact, fields, flow, frames, metrics, mixtures, samplers, sigmas, training
from toycore.types import seeded

PATHS = pytest.mark.parametrize("path", [flow.LINEAR, flow.VP], ids=lambda path: path.name)


def _places(n=100, seed=0):
    rng = seeded(seed)
    t = 0.03 + 0.94 * torch.rand(n, generator=rng, dtype=torch.float64)
    return torch.randn(n, 2, generator=rng, dtype=torch.float64), t


@PATHS
def test_paths_run_from_data_to_noise_with_their_derivatives(path):
    ends = torch.tensor([0.0, 1.0], dtype=torch.float64)
    close(path.a(ends), torch.tensor([1.0, 0.0]), atol=1e-12), close(path.b(ends), torch.tensor([0.0, 1.0]), atol=1e-12)
    t = torch.linspace(0.1, 0.9, 9, dtype=torch.float64, requires_grad=True)
    for f, df in ((path.a, path.da), (path.b, path.db)):
        close(torch.autograd.grad(f(t).sum(), t)[0], df(t).detach())


@PATHS
def test_score_and_velocity_convert_both_ways(path):
    """The score is autograd's of the mixture's log-density of x_t, not one made from D."""
    m, (x, t) = problems.uneven(), _places()
    a, b = path.a(t), path.b(t)
    x.requires_grad_()
    log_p = m.log_density(x / a[:, None], b / a)
    score = torch.autograd.grad(log_p.sum(), x)[0]
    x = x.detach()
    u = flow.velocity(exact.posterior_mean(m), x, t, path)
    close(flow.velocity_of_score(score, x, t, path), u)
    close(flow.score_of_velocity(u, x, t, path), score, rtol=1e-9, atol=1e-9)


@PATHS
def test_velocity_moves_the_density(path):
    """The continuity equation d(log p)/dt + div u + u . grad log p = 0, by central differences in t."""
    m, x, t, h = problems.uneven(), _places()[0], 0.4, 1e-5
    D = exact.posterior_mean(m)

    def log_p(t):
        t = torch.tensor(t, dtype=torch.float64)
        return m.log_density(x / path.a(t), path.b(t) / path.a(t)) - 2 * path.a(t).log()

    def u(y):
        return flow.velocity(D, y, t, path)

    rate, v = (log_p(t + h) - log_p(t - h)) / (2 * h), u(x)
    score = flow.score_of_velocity(v, x, t, path)
    close(rate, -fields.divergence(u, x) - (v * score).sum(1), rtol=1e-6, atol=1e-6)


def test_linear_velocity_is_the_courses_field():
    D, (x, t) = exact.posterior_mean(problems.uneven()), _places()
    sigma = t / (1 - t)
    close(flow.velocity(D, x, t), fields.velocity(D, x / (1 - t)[:, None], sigma), rtol=1e-9, atol=1e-9)


def test_label_is_passed_on():
    D, (x, t) = exact.posterior_mean(problems.uneven()), _places()
    given = exact.posterior_mean(problems.uneven().given(1))
    close(flow.velocity(D, x, t, label=1), flow.velocity(given, x, t))


def test_minimiser_is_the_marginal_velocity(rng):
    """At one place, the mean of the lines that pass through it; any other answer has a larger loss."""
    m, x, t, n = mixtures.spiral(), torch.tensor([[0.25, 0.1]]), 0.3, 100_000
    x0 = exact.posterior_sample(m, (x / (1 - t)).expand(n, 2), t / (1 - t), rng)
    v = (x - (1 - t) * x0) / t - x0  # eps - x0 of each line
    within(v.mean(0), flow.velocity(exact.posterior_mean(m), x, t)[0], v.std(0) / math.sqrt(n))


def test_loss_is_the_weighted_denoising_loss(rng):
    D = flow.fit(flow.independent(mixtures.spiral()), steps=3, batch=32, rng=rng)
    x0, eps = (torch.randn(200, 2, generator=rng) for _ in range(2))
    t = 0.1 + 0.8 * torch.rand(200, generator=rng)
    close(flow.loss(D.net, x0, eps, t), training.weighted_error(D, x0, eps, t / (1 - t)), rtol=1e-4, atol=1e-6)


def test_loss_by_hand():
    """v = 0 costs the mean of |eps - x0|^2 over rows and axes; v = eps - x0 costs nothing."""
    x0, eps = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    zero = flow.loss(lambda x, t, label: 0 * x, x0, eps, torch.tensor([0.5]))
    right = flow.loss(lambda x, t, label: eps - x0, x0, eps, torch.tensor([0.5]))
    close(zero, 2.5, atol=1e-6), close(right, 0.0)


def test_euler_on_the_flow_is_ddim():
    D, grid = exact.posterior_mean(problems.uneven()), sigmas.flow(17)
    x = 80 * _places()[0]
    times = frames.FLOW.time(grid)
    *_, end = flow.euler(lambda x, t: flow.velocity(D, x, t), x * frames.FLOW.scale(grid[0]), times)
    close(end, samplers.final(samplers.ddim(D, x, grid)), rtol=1e-12, atol=1e-12)


def test_times_stay_inside(rng):
    for times in (flow.uniform, flow.log_uniform):
        t = times(10_000, rng)
        assert t.shape == (10_000,) and float(t.min()) > 0 and float(t.max()) < 1
    t = flow.uniform(100_000, rng)
    assert float(t.min()) == pytest.approx(1e-4, rel=1e-3) and 1 - float(t.max()) == pytest.approx(1e-4, rel=1e-3)
    log_sigma = frames.FLOW.sigma(flow.log_uniform(10_000, rng)).log()
    within(log_sigma.mean(), 0.0, log_sigma.std() / 100)
    assert [float(end) for end in log_sigma.aminmax()] == pytest.approx([math.log(0.01), math.log(100)], abs=0.02)


def test_pairs_are_the_flows_own(rng):
    """On a Gaussian at the origin the flow scales: x0 = eps sigma_high sqrt(v / (v + sigma_high^2))."""
    m = mixtures.GaussianMixture(torch.zeros(1, 2), 0.3)
    pairs = flow.coupled(exact.posterior_mean(m), 50, sigmas.karras(60, 0.002, 80.0), rng)
    x0, eps = pairs(40, rng)
    close(x0, eps * 80 * math.sqrt(0.09 / (0.09 + 6400)), rtol=2e-2, atol=1e-3)


def test_independent_pairs_are_independent(rng):
    x0, eps = flow.independent(mixtures.spiral())(20_000, rng)
    corr = torch.corrcoef(torch.cat([x0, eps], 1).T)[:2, 2:]
    assert float(corr.abs().max()) < 4 / math.sqrt(20_000)
    within(eps.var(0), 1.0, math.sqrt(2 / 20_000))


def test_straightness():
    corner = torch.tensor([[[0.0, 0.0]], [[1.0, 0.0]], [[1.0, 1.0]]])
    close(flow.straightness(corner), torch.tensor([math.sqrt(0.5)]), atol=1e-6)
    close(flow.straightness(torch.linspace(0, 1, 9)[:, None, None].expand(9, 1, 2)), 1.0, atol=1e-6)


def test_flow_matching_finds_the_field():
    spiral = mixtures.spiral()
    D = flow.fit(flow.independent(spiral), steps=400, times=flow.log_uniform, rng=seeded())
    error = metrics.field_error(D, spiral, torch.tensor([0.3, 1.0, 3.0]), rng=seeded(1))
    assert float(error[0]) < 0.3 and float(error[1:].max()) < 0.05


def test_one_round_of_reflow_helps_two_steps():
    spiral, rng = mixtures.spiral(), seeded()
    D, eps = exact.posterior_mean(spiral), torch.randn(1000, 2, generator=rng)
    student = flow.fit(flow.coupled(D, 4000, sigmas.karras(16, 0.01, 80.0), rng), steps=400, rng=rng)
    real = spiral.sample(2000, rng)[0]
    two, one = sigmas.flow(2), sigmas.flow(12)
    ends = [samplers.final(samplers.ddim(net, 80 * eps, two)) for net in (D, student)]
    errors = [metrics.sliced_wasserstein(x, real, rng=seeded(1)) for x in ends]
    assert errors[1] < errors[0] / 3
    bends = []
    for net in (D, student):
        xs = torch.cat([80 * eps[None], samplers.stack(samplers.ddim(net, 80 * eps, one))])
        bends.append(float(flow.straightness(xs * frames.FLOW.scale(one)[:, None, None].float()).mean()))
    assert bends[1] > 0.97 > bends[0]
