"""Sentences of the notebooks about pictures that have no claim beside them, because it would cost too much there."""

import pytest
import torch

import toycore
from toycore import samplers, sigmas
from toycore.images import judge, recipes, sets
from toycore.types import seeded

TEN_EACH = torch.arange(100) % 10  # ten starts for each digit


def sharpness(x: torch.Tensor, real: torch.Tensor) -> float:
    return float(judge.sharpness(x.clamp(-1, 1)) / judge.sharpness(real))


@pytest.mark.parametrize(
    ("name", "label", "low", "high"),
    [
        ("digits-mlp", TEN_EACH, 0.85, 1.05),  # notebook 16: each digit is asked for
        ("digits", TEN_EACH, 1.04, 1.25),
        ("digits-mlp", None, 0.85, 1.05),  # notebook 4: no label, so without noise a few digits are left
        ("digits", None, 1.1, 1.4),
    ],
)
def test_without_noise_digits_are_not_blurred(name: str, label: torch.Tensor | None, low: float, high: float) -> None:
    """Sharpness without noise over with it; and a true blur, the mean of each class, is much softer than both."""
    real = sets.points(sets.load("digits"))
    means = torch.stack([real.x[real.label == c].mean(0) for c in range(10)])
    assert sharpness(means, real.x) < 0.5
    start, grid = 80 * torch.randn(100, 1, 8, 8, generator=seeded(2)), sigmas.karras(20, 0.02, 80)
    walks = (samplers.ddpm(toycore.load(name), start, grid, label, seeded(3), noise) for noise in (0, 1))
    without, noisy = (sharpness(samplers.final(walk), real.x) for walk in walks)
    assert low < without / noisy < high
    assert without > 1.3 * sharpness(means, real.x)


def test_u_net_and_transformer_were_trained_for_as_long_as_notebook_15_says() -> None:
    assert recipes.find("digits").plan.steps == 400
    assert recipes.find("digits-dit").plan.steps == 500
