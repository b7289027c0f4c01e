"""Notebook 01: the chain is the jump, what a chain that is too short costs, pictures of two pixels."""

import math

import pytest
import torch

from tests.support.problems import alike
from toycore import data, exact, frames, mixtures, samplers, sigmas
from toycore.types import seeded

BETAS = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
ALPHA_BAR = frames.alpha_bar(sigmas.ddpm()[:-1].flip(0))


def test_chain_has_the_moments_of_the_jump() -> None:
    """The factor on x0 and the variance of the noise, step by step, are those of Ho et al. 2020, eq. 4."""
    signal, variance = torch.tensor(1.0, dtype=torch.float64), torch.tensor(0.0, dtype=torch.float64)
    for beta, alpha_bar in zip(BETAS, ALPHA_BAR, strict=True):
        signal, variance = (1 - beta).sqrt() * signal, (1 - beta) * variance + beta
        assert float(signal - alpha_bar.sqrt()) == pytest.approx(0, abs=1e-12)
        assert float(variance - (1 - alpha_bar)) == pytest.approx(0, abs=1e-12)


def test_beta_in_place_of_its_root_shrinks_the_cloud() -> None:
    """The bug hunt: with beta z instead of sqrt(beta) z the noise ends with a standard deviation of about 0.14."""
    variance = torch.tensor(0.0, dtype=torch.float64)
    for beta in BETAS:
        variance = (1 - beta) * variance + beta**2
    assert float(variance.sqrt()) == pytest.approx(0.138, abs=0.003)


@pytest.mark.parametrize("mean", [(0.0, 0.0), (2.0, -1.0)])
def test_a_chain_too_short_misses_place_and_width(mean: tuple[float, float]) -> None:
    """Data N(m, v I), walked down from N(0, (1 + sigma^2) I) instead of N(m, (v + sigma^2) I) by the flow ODE,
    whose map is x -> m + (x - m) sqrt(v / (v + sigma^2)).
    """
    m, v, top = torch.tensor([mean], dtype=torch.float64), 0.22, float(sigmas.ddpm(T=100)[0])
    shrink = math.sqrt(v / (v + top**2))
    start = torch.randn(2000, 2, generator=seeded(), dtype=torch.float64)
    start = math.sqrt(1 + top**2) * (start - start.mean(0)) / start.std(0)
    D = exact.posterior_mean(mixtures.GaussianMixture(m, math.sqrt(v)))
    x = samplers.final(samplers.heun(D, start, sigmas.karras(200, 0.002, top)))
    torch.testing.assert_close(x.mean(0), (1 - shrink) * m[0], rtol=0, atol=2e-3)
    torch.testing.assert_close(x.std(0), torch.full((2,), shrink * math.sqrt(1 + top**2)).double(), rtol=2e-3, atol=0)


def test_pictures_of_two_pixels_are_points(rng: torch.Generator) -> None:
    """The field of [b, 1, 1, 2] pictures is that of the points they are."""
    points = data.spiral(30).x
    x = points + 0.1 * torch.randn(points.shape, generator=rng)
    pictures = exact.posterior_mean(points.reshape(-1, 1, 1, 2))(x.reshape(-1, 1, 1, 2), 0.1)
    alike(pictures.reshape(-1, 2), exact.posterior_mean(points)(x, 0.1))


@pytest.mark.parametrize("schedule", [sigmas.ddpm, sigmas.cosine, sigmas.stable_diffusion])
def test_schedules_are_formulas(schedule) -> None:
    """Nothing random, nothing to fit: two calls agree, and no gradient is asked for."""
    torch.manual_seed(0)
    first = schedule()
    torch.manual_seed(1)
    alike(first, schedule())
    assert not first.requires_grad
