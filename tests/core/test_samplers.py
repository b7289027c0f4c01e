"""Samplers: the contract, closed forms, orders, the papers' steps as printed, diffusers' step for step, the lessons."""

import math
from itertools import pairwise

import pytest
import torch

from tests.support import contracts, problems
from tests.support.external import library
from tests.support.problems import POINT, STD, alike, close, gaussian, gaussian_flow, uneven, within
from toycore import exact, fields, frames, metrics, mixtures, networks, precondition, samplers, sigmas
from toycore.types import seeded


@pytest.mark.parametrize("check", contracts.SAMPLER, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", contracts.WALKERS)
def test_contract(name, check):
    check(contracts.WALKERS[name])


# ---- closed forms --------------------------------------------------------------------------------


def _start(n, high, rng):
    return high * torch.randn(n, 2, generator=rng, dtype=torch.float64)


def _gaussian_moments(walker, steps, high=20.0, n=20_000):
    """Mean and variance that a walk down reaches on one Gaussian, from x ~ N(0, high^2)."""
    rng = seeded()
    D, grid = exact.posterior_mean(gaussian().mixture), sigmas.log_linear(steps, 0.01, high)
    x = samplers.final(walker.walk(D, _start(n, high, rng), grid, **({"rng": rng} if walker.random else {})))
    return x.mean(0), x.var(0), grid


@pytest.mark.parametrize("name", ["ddim", "heun"])
def test_deterministic_walk_reaches_the_gaussian_of_the_ode(name):
    """Exact flow: variance v (high^2) / (v + high^2), mean off by m std / sqrt(v + high^2); order 1 and 2 of it."""
    walker, n, high = contracts.WALKERS[name], 20_000, 20.0
    mean, var, _ = _gaussian_moments(walker, 400 if name == "ddim" else 60, high, n)
    truth = gaussian_flow(torch.zeros(1, 2, dtype=torch.float64), high, 0.0)[0]
    scale = STD / math.sqrt(STD**2 + high**2) * high
    within(mean, truth, scale / math.sqrt(n) + 1e-3 / 4)
    within(var, scale**2, scale**2 * math.sqrt(2 / n) + 4e-3 * STD**2)


@pytest.mark.parametrize("name", ["ddpm", "ddim, eta 1"])
def test_random_walk_keeps_the_variance_of_its_recursion(name):
    """Each step is linear in x on one Gaussian, so mean and variance obey a recursion in closed form."""
    n = 20_000
    mean, var, grid = _gaussian_moments(contracts.WALKERS[name], 50, n=n)
    v, variance, bias = STD**2, 20.0**2, -POINT[0]  # about the data's mean m
    for s, s_next in pairwise(grid.tolist()):
        g, keep = s**2 / (v + s**2), (s_next / s) ** 2
        factor = (1 - g) + keep * g  # x0_hat - m = (1 - g)(x - m)
        variance = factor**2 * variance + s_next**2 * (1 - keep)
        bias = factor * bias
    within(var, variance, variance * math.sqrt(2 / n))
    within(mean, POINT[0] + bias, math.sqrt(variance / n))


def test_ddpm_of_many_steps_reaches_the_gaussian():
    """The law of the reverse SDE: std within 1 % of the data's at 500 steps."""
    walker = contracts.WALKERS["ddpm"]
    _, var, _ = _gaussian_moments(walker, 500, n=10_000)
    within(var, STD**2, STD**2 * (math.sqrt(2 / 10_000) + 0.01 / 4))


@pytest.mark.parametrize("high", [1.0, 10.0])
def test_gain_without_noise_ve(high):
    """With z = 0, fine steps shrink a Gaussian start by v / (v + high^2): .2000 and .0249 for v = .25."""
    v = 0.25
    D = exact.posterior_mean(mixtures.GaussianMixture(torch.zeros(1, 2, dtype=torch.float64), v**0.5))
    x = torch.ones(1, 2, dtype=torch.float64)
    gain = samplers.final(samplers.ddpm(D, x, sigmas.log_linear(4000, 1e-4, high), noise=0.0)) * high
    close(gain, v / (v + high**2) * high, rtol=5e-3)


def test_gain_without_noise_vp():
    """DDPM's 1000 betas, z = 0, v = .25: v sqrt(alpha_bar_T) = .001588 instead of .5."""
    v, grid = 0.25, sigmas.ddpm()
    D = exact.posterior_mean(mixtures.GaussianMixture(torch.zeros(1, 2, dtype=torch.float64), v**0.5))
    alpha_bar = 1 / (1 + grid[0] ** 2)
    x = torch.ones(1, 2, dtype=torch.float64) / alpha_bar.sqrt()  # one unit in the VP frame
    gain = samplers.final(samplers.ddpm(D, x, grid, noise=0.0))
    close(gain, v * float(alpha_bar.sqrt()), rtol=5e-3)
    close(gain, 0.001588, rtol=5e-3)


@pytest.mark.parametrize("name", [k for k, w in contracts.WALKERS.items() if w.order])
def test_order(name):
    """Slope of log error against log step on the flow of one Gaussian, sigma 4 to .25, known in closed form."""
    walker, counts = contracts.WALKERS[name], [20, 40, 80, 160]
    D, x = exact.posterior_mean(gaussian().mixture), torch.tensor([[3.0, -2.0]], dtype=torch.float64)
    error = []
    for n in counts:
        grid = torch.linspace(4, 0.25, n + 1, dtype=torch.float64)
        error.append(float((samplers.final(walker.walk(D, x, grid)) - gaussian_flow(x, 4, 0.25)).norm()))
    slopes = [math.log2(a / b) for a, b in pairwise(error)]
    assert slopes[-1] == pytest.approx(walker.order, abs=0.1), slopes


def test_order_on_a_curved_field():
    """The same on two modes, against Heun in 20,000 steps: no closed form, but no straight line either."""
    D, x = exact.posterior_mean(problems.two_modes().mixture), torch.tensor([[1.0, 0.4], [-0.2, 0.7]]).double()

    def end(walk, n):
        return samplers.final(walk(D, x, torch.linspace(2, 0.2, n + 1, dtype=torch.float64)))

    truth = end(samplers.heun, 2_000)
    for walk, order in ((samplers.ddim, 1), (samplers.heun, 2)):
        errors = [float((end(walk, n) - truth).norm()) for n in (100, 200)]
        assert math.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.1)


# ---- the papers, as printed ----------------------------------------------------------------------

GRID = sigmas.ddpm()[::50]  # 20 steps of the 1000, by fives of ten, down to 0


def _alpha_bars():
    return [1 / (1 + s**2) for s in GRID.tolist()]


def _noise_net():
    """A seeded eps network of the VP frame in float64, and the Denoiser that reads it."""
    net = networks.NoiseMLP(rng=seeded(3)).double()
    return net, precondition.from_noise(net)


def _eps(net, x_t, abar):
    step = frames.ddpm_step(math.sqrt(1 / abar - 1), sigmas.ddpm())
    with torch.no_grad():
        return net(x_t, step.reshape(1).double(), None)


def _vp_start(rng):
    x_t = torch.randn(16, 2, generator=rng, dtype=torch.float64)
    return x_t, x_t / math.sqrt(_alpha_bars()[0])


def _in_vp(walk):
    return [(s.x / math.sqrt(1 + s.sigma**2), s) for s in walk]


def test_ddpm_as_printed(rng):
    """Ho et al. 2020, eq. 6-7: mu~ and beta~ in alpha_bar, x0 from eps (eq. 15), shared noise, to 1e-10."""
    net, D = _noise_net()
    x_t, x = _vp_start(rng)
    states = _in_vp(samplers.ddpm(D, x, GRID, rng=seeded(1)))
    z = seeded(1)
    for (abar, abar_prev), (ours, _) in zip(pairwise(_alpha_bars()), states, strict=True):
        alpha = abar / abar_prev
        beta = 1 - alpha
        x0 = (x_t - math.sqrt(1 - abar) * _eps(net, x_t, abar)) / math.sqrt(abar)
        mu = math.sqrt(abar_prev) * beta / (1 - abar) * x0 + math.sqrt(alpha) * (1 - abar_prev) / (1 - abar) * x_t
        beta_tilde = (1 - abar_prev) / (1 - abar) * beta
        x_t = mu + math.sqrt(beta_tilde) * torch.randn(x_t.shape, generator=z, dtype=x_t.dtype)
        close(ours, x_t)


def test_ddpm_mean_from_eps(rng):
    """mu = (x_t - beta / sqrt(1 - alpha_bar) eps) / sqrt(alpha), Ho et al. eq. 11, is our `mean`."""
    net, D = _noise_net()
    x_t, x = _vp_start(rng)
    states = list(samplers.ddpm(D, x, GRID, rng=rng))
    for (abar, abar_prev), state in zip(pairwise(_alpha_bars()), states, strict=True):
        alpha = abar / abar_prev
        mu = (x_t - (1 - alpha) / math.sqrt(1 - abar) * _eps(net, x_t, abar)) / math.sqrt(alpha)
        close(state.mean * math.sqrt(abar_prev), mu)
        x_t = state.x * math.sqrt(abar_prev)


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_ddim_as_printed(rng, eta):
    """Song et al. 2020, eq. 12 with the sigma of eq. 16, shared noise, to 1e-10."""
    net, D = _noise_net()
    x_t, x = _vp_start(rng)
    states = _in_vp(samplers.ddim(D, x, GRID, rng=seeded(1), eta=eta))
    z = seeded(1)
    for (a, a_prev), (ours, _) in zip(pairwise(_alpha_bars()), states, strict=True):
        eps = _eps(net, x_t, a)
        s = eta * math.sqrt((1 - a_prev) / (1 - a)) * math.sqrt(1 - a / a_prev)
        x0 = (x_t - math.sqrt(1 - a) * eps) / math.sqrt(a)
        x_t = math.sqrt(a_prev) * x0 + math.sqrt(1 - a_prev - s**2) * eps
        x_t = x_t + s * torch.randn(x_t.shape, generator=z, dtype=x_t.dtype)
        close(ours, x_t)


def test_ddim_with_eta_1_is_ddpm(rng):
    D, x, grid = exact.posterior_mean(uneven()), _start(9, 10, rng), sigmas.log_linear(20)
    a, b = (
        samplers.stack(walk(D, x, grid, rng=seeded(1), **knobs))
        for walk, knobs in ((samplers.ddpm, {}), (samplers.ddim, {"eta": 1.0}))
    )
    close(a, b)


def test_ddim_is_eulers_method_on_the_flow(rng):
    """Euler on dx_t/dt = eps - x0 in flow time is DDIM in sigma, to 1e-12."""
    D, grid = exact.posterior_mean(uneven()), sigmas.flow(25, high=10.0)
    x = _start(9, 10, rng)
    x_t, t = x / 11, (grid / (1 + grid)).tolist()
    for state, (now, then) in zip(samplers.ddim(D, x, grid), pairwise(t), strict=True):
        sigma = now / (1 - now)
        v = fields.velocity(D, x_t / (1 - now), sigma)
        x_t = x_t + (then - now) * v
        close(x_t / (1 - then), state.x, rtol=1e-12, atol=1e-12)


def test_heun_in_two_clocks_disagrees(rng):
    """A lesson, not a bug: Heun's average of slopes is not the same in sigma and in t; both have order 2."""
    D, x = exact.posterior_mean(gaussian().mixture), _start(9, 4, rng)

    def in_flow_time(grid):
        x_t = x / (1 + grid[0])
        for s, s_next in pairwise(grid.tolist()):
            now, then = s / (1 + s), s_next / (1 + s_next)
            v = fields.velocity(D, x_t / (1 - now), s)
            x_e = x_t + (then - now) * v
            x_t = x_t + (then - now) / 2 * (v + fields.velocity(D, x_e / (1 - then), s_next))
        return x_t * (1 + grid[-1])

    truth, off = gaussian_flow(x, 4, 0.25), []
    for n in (10, 20):
        grid = torch.linspace(4, 0.25, n + 1, dtype=torch.float64)
        a, b = samplers.final(samplers.heun(D, x, grid)), in_flow_time(grid)
        assert (a - b).abs().max() > 1e-6
        off.append(float((b - truth).norm()))
    assert math.log2(off[0] / off[1]) == pytest.approx(2, abs=0.4)


def test_heun_is_edms_algorithm_1(rng):
    """x_e, the averaged slope, and one evaluation in the last step to 0."""
    D, x, grid = exact.posterior_mean(uneven()), _start(5, 10, rng), sigmas.karras(8, 0.01, 10)
    calls = []

    def counted(x, sigma, label=None):
        calls.append(float(sigma))
        return D(x, sigma, label)

    states = list(samplers.heun(counted, x, grid))
    assert len(calls) == 2 * 8 - 1 and min(calls) > 0
    for t, t_next, state in zip(grid[:-1].tolist(), grid[1:].tolist(), states, strict=True):
        d = (x - D(x, t)) / t
        x_next = x + (t_next - t) * d
        if t_next != 0:
            d_next = (x_next - D(x_next, t_next)) / t_next
            x_next = x + (t_next - t) * (d / 2 + d_next / 2)
        close(state.x, x_next)
        x = x_next


# ---- diffusers, step for step --------------------------------------------------------------------


def _scheduler(kind: str, **options):
    """A scheduler on our 20 trailing steps, its float32 alpha_bar replaced by the float64 one."""
    diffusers = library("diffusers", "DDPM and DDIM against another implementation")
    scheduler = getattr(diffusers, kind)(clip_sample=False, timestep_spacing="trailing", **options)
    scheduler.set_timesteps(20)
    assert scheduler.timesteps.tolist() == list(range(999, 0, -50))
    scheduler.alphas_cumprod = 1 / (1 + sigmas.ddpm()[:-1].flip(0) ** 2)
    return scheduler


@pytest.mark.parametrize("kind", ["ddpm", "ddim eta 0", "ddim eta .7"])
def test_diffusers_step_for_step(rng, kind):
    """The same seeded network and the same noise: every x equal to 1e-8."""
    net, D = _noise_net()
    x_t, x = _vp_start(rng)
    ours, theirs = seeded(1), seeded(1)
    if kind == "ddpm":
        scheduler, knobs = _scheduler("DDPMScheduler", variance_type="fixed_small"), {}
        walk = samplers.ddpm(D, x, GRID, rng=ours)
    else:
        knobs = {"eta": float(kind.split()[-1])}
        scheduler = _scheduler("DDIMScheduler")
        walk = samplers.ddim(D, x, GRID, rng=ours, **knobs)
    for t, (state, _) in zip(scheduler.timesteps, _in_vp(walk), strict=True):
        eps = _eps(net, x_t, float(scheduler.alphas_cumprod[t]))
        x_t = scheduler.step(eps, t, x_t, generator=theirs, **knobs).prev_sample
        close(state, x_t, rtol=1e-8, atol=1e-8)


# ---- lessons -------------------------------------------------------------------------------------


@pytest.fixture
def spiral():
    return mixtures.spiral()


def _spread(walk, m, seed, **knobs):
    """Walk 2,000 points down from sigma = 10 in 64 steps; return their spread and where they end."""
    x = 10 * torch.randn(2000, 2, generator=seed)
    x = samplers.final(walk(exact.posterior_mean(m), x, sigmas.log_linear(64), **knobs))
    return metrics.spread(x, m.sample(4000, seed)[0]), x


def test_without_noise_ddpm_collapses_and_ddim_does_not(spiral, rng):
    """Spread <= .06 with z = 0 from sigma = 10, on the curve, near its mean; DDIM keeps >= .9."""
    spread, x = _spread(samplers.ddpm, spiral, rng, noise=0.0)
    assert spread <= 0.06
    assert metrics.distance(x, spiral.means).max() < 0.05  # on the nearest arm, no blur
    assert (x - spiral.mean).norm(dim=1).max() < 0.3
    assert _spread(samplers.ddim, spiral, rng)[0] >= 0.9


def test_spread_grows_with_the_noise(spiral, rng):
    measured = [_spread(samplers.ddpm, spiral, rng, noise=k / 4, rng=rng)[0] for k in range(5)]
    assert measured == pytest.approx([0.04, 0.25, 0.53, 0.80, 0.99], abs=0.06)


def test_collapse_is_hidden_by_a_low_start(spiral, rng):
    x = torch.randn(2000, 2, generator=rng)
    x = samplers.final(samplers.ddpm(exact.posterior_mean(spiral), x, sigmas.log_linear(64, 0.01, 1.0), noise=0.0))
    assert 0.3 < metrics.spread(x, spiral.sample(4000, rng)[0]) < 0.55


def test_collapse_follows_the_mean_not_the_origin(spiral, rng):
    """The spiral moved to (2, -1) collapses near its own mean (1.92, -1.01)."""
    shift = torch.tensor([2.0, -1.0])
    moved = mixtures.GaussianMixture(spiral.means + shift, 0.02)
    spread, x = _spread(samplers.ddpm, moved, rng, noise=0.0)
    assert spread <= 0.06 and (x - moved.mean).norm(dim=1).max() < 0.3
    assert x.norm(dim=1).min() > 1.5


def test_ddpm_with_noise_samples_the_spiral(spiral, rng):
    x = _spread(samplers.ddpm, spiral, rng, rng=rng)[1]
    data = spiral.sample(4000, rng)[0]
    assert metrics.energy_distance(x, data) < 0.004
    assert float((metrics.distance(x, spiral.means) < 0.08).double().mean()) > 0.98


def test_noise_multiplies_only_the_fresh_part(rng):
    D, x, grid = exact.posterior_mean(uneven()), _start(5, 10, rng), sigmas.log_linear(4)
    first = [next(samplers.ddpm(D, x, grid, rng=seeded(1), noise=k)) for k in (0.0, 0.5, 1.0)]
    close(first[0].x, first[2].mean)
    close(first[1].noise, first[2].noise / 2)
    alike(first[0].mean, first[1].mean)
    assert (first[0].noise == 0).all()


def test_final_and_stack(rng):
    D, x, grid = exact.posterior_mean(uneven()), _start(5, 10, rng), sigmas.log_linear(4)
    xs = samplers.stack(samplers.ddim(D, x, grid))
    assert xs.shape == (4, 5, 2)
    alike(samplers.final(samplers.ddim(D, x, grid)), xs[-1])
    walk = samplers.ddim(D, x, grid)
    samplers.final(walk)
    for use in (samplers.final, samplers.stack):
        with pytest.raises(ValueError, match="used up"):
            use(walk)
