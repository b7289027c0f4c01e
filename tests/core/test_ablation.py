"""What the preconditioned network has to learn, against closed forms; and the table of two by two."""

import pytest
import torch

from toycore import exact, metrics, mixtures, sigmas
from toycore.lessons import ablation
from toycore.types import seeded

SPIRAL = mixtures.spiral()


@pytest.mark.parametrize("sigma", [0.01, 0.3, 5.0])
def test_the_inner_target_is_the_exact_denoiser_solved_for_F(sigma: float) -> None:
    m, s = SPIRAL.to(torch.float64), 0.47
    u, norm = torch.randn(50, 2, generator=seeded(), dtype=torch.float64), (sigma**2 + s**2) ** 0.5
    D = m.mean + (s / norm) ** 2 * u + sigma * s / norm * ablation.inner_target(m, s)(u, sigma)  # eq. 7
    torch.testing.assert_close(D, exact.posterior_mean(m)(u + m.mean, sigma), rtol=0, atol=1e-9)


@pytest.mark.parametrize("sigma", [0.1, 1.0])
def test_steepness_of_one_gaussian(sigma: float) -> None:
    """N(0, v): eps* = sigma x / (v + sigma^2); with s^2 = v nothing is left for F."""
    v = 0.25
    m = mixtures.GaussianMixture(torch.zeros(1, 2, dtype=torch.float64), v**0.5)
    of_eps, of_F = ablation.steepness(m, v**0.5, sigma)
    assert of_eps == pytest.approx(sigma / (v + sigma**2), rel=1e-9)
    assert of_F < 1e-9


def test_steepness_of_the_spiral_is_alike_at_low_noise_and_not_at_high() -> None:
    m = SPIRAL.to(torch.float64)
    for sigma, of_eps, ratio in (0.01, 20.0, 1.0), (3.0, 0.33, 0.015):
        eps, F = ablation.steepness(m, 0.468, sigma)
        assert eps == pytest.approx(of_eps, rel=0.05)
        assert F / eps == pytest.approx(ratio, rel=0.3)


def test_the_chain_ends_at_the_mixture_noised() -> None:
    betas = torch.linspace(1e-4, 0.02, 100, dtype=torch.float64)
    x, z = ablation.chain(SPIRAL, betas, 20_000, seeded())
    eps = torch.tensordot(sigmas.step_weights(betas).float(), z, 1)
    level = sigmas.ddpm(T=100)[0].float()
    x0 = (1 + level**2).sqrt() * x - level * eps
    assert metrics.distance(x0, SPIRAL.means).max() < 0.1


def test_two_by_two() -> None:
    """Fourier features decide at low noise, preconditioning at high noise: 500 steps show it."""
    low, high = {}, {}
    for cell in [(True, True), (True, False), (False, True), (False, False)]:
        error = metrics.field_error(ablation.network(SPIRAL, *cell, steps=500), SPIRAL, rng=seeded())
        low[cell], high[cell] = error[metrics.LEVELS < 0.1].mean(), error[metrics.LEVELS > 1].mean()
    assert max(low[True, True], low[False, True]) < 0.5 < 0.8 < min(low[True, False], low[False, False])
    assert high[False, True] > 5 * high[True, True] and high[False, False] > 2 * high[True, False]
