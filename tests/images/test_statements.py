"""Sentences of the notebooks about pictures that have no claim beside them, because it would cost too much there."""

import torch

import toycore
from toycore import samplers, sigmas
from toycore.images import judge, recipes, sets
from toycore.types import seeded

TEN_EACH = torch.arange(100) % 10  # ten starts for each digit


def sharpness(x: torch.Tensor, real: torch.Tensor) -> float:
    return float(judge.sharpness(x.clamp(-1, 1)) / judge.sharpness(real))


def test_without_noise_digits_are_not_blurred() -> None:
    """Notebook 16, statement 2: sharpness without noise over with it, beside that of a true blur, the class means."""
    real = sets.points(sets.load("digits"))
    means = torch.stack([real.x[real.label == c].mean(0) for c in range(10)])
    assert sharpness(means, real.x) < 0.5
    start, grid = 80 * torch.randn(100, 1, 8, 8, generator=seeded(2)), sigmas.karras(20, 0.02, 80)
    for name, low, high in (("digits-mlp", 0.85, 1.05), ("digits", 1.04, 1.25)):
        D = toycore.load(name)
        walks = (samplers.ddpm(D, start, grid, TEN_EACH, seeded(3), noise) for noise in (0, 1))
        without, noisy = (sharpness(samplers.final(walk), real.x) for walk in walks)
        assert low < without / noisy < high, name
        assert without > 1.3 * sharpness(means, real.x), name


def test_u_net_and_transformer_were_trained_for_as_long_as_notebook_15_says() -> None:
    assert recipes.find("digits").plan.steps == 400
    assert recipes.find("digits-dit").plan.steps == 500
