"""Noise levels and the three zooms, against EDM's formula, diffusers' schedules and closed forms."""

import math

import pytest
import torch

from tests.support.external import library
from tests.support.problems import alike, close
from toycore import frames, sigmas

GRIDS = {
    "karras": sigmas.karras,
    "log_linear": sigmas.log_linear,
    "ddpm": sigmas.ddpm,
    "cosine": sigmas.cosine,
    "stable_diffusion": sigmas.stable_diffusion,
    "flow": sigmas.flow,
}
STEPS = torch.arange(1, 1001, dtype=torch.float64)
BETAS = 1e-4 + (0.02 - 1e-4) * (STEPS - 1) / 999  # DDPM's, written out
ALPHA_BAR = torch.cumprod(1 - BETAS, 0)
LEVELS = torch.logspace(-4, 3, 50, dtype=torch.float64)


@pytest.mark.parametrize("n", [1, 2, 7, 40, 1000])
@pytest.mark.parametrize("name", GRIDS)
def test_every_grid_falls_to_zero_in_n_steps(name, n):
    grid = GRIDS[name](n)
    assert grid.shape == (n + 1,) and grid.dtype == torch.float64
    assert (grid.diff() < 0).all() and grid[-1] == 0 and torch.isfinite(grid).all()
    assert grid[0] == pytest.approx(float(GRIDS[name](1000)[0]))


@pytest.mark.parametrize("n, low, high, rho", [(18, 0.002, 80.0, 7.0), (5, 0.01, 10.0, 3.0)])
def test_karras_is_edms_equation_5(n, low, high, rho):
    formula = [(high ** (1 / rho) + i / (n - 1) * (low ** (1 / rho) - high ** (1 / rho))) ** rho for i in range(n)]
    close(sigmas.karras(n, low, high, rho), torch.tensor([*formula, 0.0], dtype=torch.float64), rtol=1e-12)


def test_log_linear_has_equal_ratios():
    grid = sigmas.log_linear(31, 0.01, 10.0)[:-1]
    close(grid[1:] / grid[:-1], 1e-3 ** (1 / 30))
    assert (grid[0], grid[-1]) == (pytest.approx(10), pytest.approx(0.01))


def test_flow_is_even_in_t():
    close(frames.FLOW.time(sigmas.flow(20)), torch.linspace(80 / 81, 0, 21, dtype=torch.float64))


@pytest.mark.parametrize(
    "grid, options",
    [
        (sigmas.ddpm(), {}),
        (sigmas.ddpm(None, 100, 1e-3, 0.1), dict(num_train_timesteps=100, beta_start=1e-3, beta_end=0.1)),
        (sigmas.cosine(), dict(beta_schedule="squaredcos_cap_v2")),
        (sigmas.stable_diffusion(), dict(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012)),
    ],
    ids=["linear", "linear, T = 100", "cosine", "stable diffusion"],
)
def test_discrete_schedules_are_diffusers(grid, options):
    diffusers = library("diffusers", "the discrete schedules against another implementation")
    alpha_bar = diffusers.DDPMScheduler(**options).alphas_cumprod.double()  # computed in float32 there
    close(1 / (1 + grid[:-1].flip(0) ** 2), alpha_bar, rtol=2e-4, atol=1e-8)


def test_ddpm_is_the_papers_product():
    """alpha_bar_t = prod (1 - beta_i), strictly decreasing; its last value for three T."""
    close(1 / (1 + sigmas.ddpm()[:-1].flip(0) ** 2), ALPHA_BAR, rtol=1e-12, atol=0)
    assert (ALPHA_BAR.diff() < 0).all()
    for T, last in ((100, 0.364), (200, 0.132), (1000, 4.04e-5)):
        assert float(frames.alpha_bar(sigmas.ddpm(T=T)[0])) == pytest.approx(last, rel=5e-3)
    top = frames.alpha_bar(sigmas.stable_diffusion()[0]) ** 0.5
    assert float(top) == pytest.approx(0.0683, abs=1e-4)  # Lin et al. 2305.08891


def test_linear_betas_are_not_linear_noise():
    """The noise std sqrt(1 - alpha_bar) is .32, .71, .96 at t = 100, 260, 500; alpha_bar crosses .5 at 260."""
    std = (1 - ALPHA_BAR).sqrt()
    close(std[[99, 259, 499]], torch.tensor([0.32, 0.71, 0.96]), rtol=0, atol=5e-3)
    assert int((ALPHA_BAR < 0.5).nonzero()[0]) + 1 == 260


def test_strides_keep_the_ends():
    whole = sigmas.ddpm()
    grid = sigmas.ddpm(50)
    places = (grid[:-1, None] - whole).abs().argmin(1)
    alike(grid[:-1], whole[places])
    assert places[0] == 0 and places[-1] == len(whole) - 2
    assert places.diff().max() - places.diff().min() <= 1


def test_total_noise_is_a_weighted_sum_not_an_average(rng):
    """x_t holds sum_i w_i eps_i with sum w_i^2 = 1; a plain mean of 100 has variance .01, correlation .90."""
    t = 100
    w = (ALPHA_BAR[t - 1] / ALPHA_BAR[:t]).sqrt() * BETAS[:t].sqrt() / (1 - ALPHA_BAR[t - 1]).sqrt()
    close((w**2).sum(), 1.0, rtol=1e-12)
    x0, x = torch.tensor(0.7, dtype=torch.float64), torch.tensor(0.7, dtype=torch.float64)
    eps = torch.randn(t, generator=rng, dtype=torch.float64)
    for beta, e in zip(BETAS, eps):
        x = (1 - beta).sqrt() * x + beta.sqrt() * e  # the chain of Ho et al., eq. 2
    close(x, ALPHA_BAR[t - 1].sqrt() * x0 + (1 - ALPHA_BAR[t - 1]).sqrt() * (w @ eps))
    short = torch.linspace(1e-4, 0.02, t, dtype=torch.float64)  # the same betas squeezed into T = 100
    short_bar = (1 - short).cumprod(0)
    w = (short_bar[-1] / short_bar).sqrt() * short.sqrt() / (1 - short_bar[-1]).sqrt()
    close(w[[0, -1]], torch.tensor([0.0076, 0.177]), rtol=0.02, atol=0)
    assert float(w.sum() / t**0.5) == pytest.approx(0.90, abs=0.01)  # correlation with the plain mean


def test_elbo_weight_is_not_alpha():
    """beta^2 / (2 s^2 alpha (1 - alpha_bar)) falls from .600 (t = 2) or .500 (t = 1) to .0102."""
    alpha, last = 1 - BETAS, torch.cat([torch.ones(1).double(), ALPHA_BAR[:-1]])
    posterior = (1 - last) / (1 - ALPHA_BAR) * BETAS
    small = BETAS**2 / (2 * posterior * alpha * (1 - ALPHA_BAR))
    large = BETAS / (2 * alpha * (1 - ALPHA_BAR))
    grid = sigmas.ddpm().flip(0)  # the same weights from our levels: half the growth of 1/sigma^2 per step
    snr_gap = (1 / grid[1:-1] ** 2 - 1 / grid[2:] ** 2) / 2 * grid[2:] ** 2
    close(snr_gap, small[1:], rtol=1e-8)
    ends = torch.stack([small[1], small[-1], large[0], large[-1]])
    close(ends, torch.tensor([0.600, 0.0102, 0.500, 0.0102]), rtol=0.01)


# ---- frames --------------------------------------------------------------------------------------

FRAMES = [frames.VE, frames.VP, frames.FLOW]


@pytest.mark.parametrize("frame", FRAMES, ids=lambda f: f.name)
def test_clocks_round_trip(frame):
    close(frame.sigma(frame.time(LEVELS)), LEVELS, rtol=1e-6)
    order = frame.time(LEVELS).diff().sign()
    assert (order == order[0]).all()
    for sigma in (0, 1, 2.0):
        assert float(frame.sigma(frame.time(sigma))) == pytest.approx(sigma)


def test_zooms_are_the_papers_marginals():
    """VP: sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) eps; flow: (1 - t) x0 + t eps; noise = scale times sigma."""
    alpha_bar, t = frames.VP.time(LEVELS), frames.FLOW.time(LEVELS)
    close(frames.VP.scale(LEVELS), alpha_bar.sqrt())
    close(frames.VP.scale(LEVELS) * LEVELS, (1 - alpha_bar).sqrt(), rtol=1e-6)
    close(frames.FLOW.scale(LEVELS), 1 - t)
    close(frames.FLOW.scale(LEVELS) * LEVELS, t)
    close(frames.VE.scale(LEVELS), 1.0)
    close(frames.VP.scale(3), 10**-0.5, rtol=1e-6)


@pytest.mark.parametrize("grid", [sigmas.ddpm(), sigmas.cosine(T=50)], ids=["linear", "cosine"])
def test_ddpm_step_counts_levels(grid):
    T = len(grid) - 1
    close(frames.ddpm_step(grid, grid), torch.arange(T, -1, -1).double(), atol=1e-9)
    between = (grid[3:-2] * grid[4:-1]).sqrt()  # half-way in log sigma
    close(frames.ddpm_step(between, grid), torch.arange(T - 3, 1, -1) - 0.5, atol=1e-9)
    assert float(frames.ddpm_step(1e9, grid)) == T and float(frames.ddpm_step(0.0, grid)) == 0


def test_where_the_field_turns_on_each_clock():
    """sigma = .142 is t = 40-41 of 1000 (linear), .095 (cosine), .39 (log-linear .01..10)."""
    assert 40 <= float(frames.ddpm_step(0.142, sigmas.ddpm())) <= 41
    assert float(frames.ddpm_step(0.15, sigmas.cosine())) / 1000 == pytest.approx(0.087, abs=0.01)
    assert math.log(0.15 / 0.01) / math.log(1000) == pytest.approx(0.39, abs=0.005)


def test_log_uniform_is_even_in_log_sigma(rng):
    """Kolmogorov-Smirnov's distance of 10,000 draws: 1.95 / sqrt(n) is passed once in 1,000."""
    draws = sigmas.log_uniform(10_000, 0.01, 10.0, rng)
    share = (draws.double() / 0.01).log().sort().values / math.log(1000)
    assert (share - torch.arange(10_000) / 10_000).abs().max() < 0.0195
    assert draws.min() >= 0.01 and draws.max() <= 10


def test_decreasing_lets_good_grids_through():
    for good in (sigmas.karras(5), [3, 1, 0], torch.tensor([2.0, 0.5]), torch.tensor([5, 1])):
        assert torch.equal(sigmas.decreasing(good), torch.as_tensor(good))
