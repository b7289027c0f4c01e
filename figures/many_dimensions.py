"""What the plane does not show: with the dimension, a noisy point knows its origin at ever higher noise."""

import torch
from matplotlib.figure import Figure

from toycore import plots
from toycore.lessons import dimension
from toycore.style import LIGHT
from toycore.types import seeded

SIZE = (9.6, 3.6)
DIMS = 2, 8, 32, 128
CAPTION = (
    "1000 points of N(0, I) in d dimensions, noised. Left: their lengths gather on a shell. Right: the weight of a "
    "noisy point's likeliest origin; dashed, the level that a pencil predicts."
)
ALT = (
    "Left: four histograms of length over root d, narrower with d. Right: four falling curves of the largest posterior "
    "weight against sigma, further right with d, each crossing one half at its dashed line."
)


def draw(fig: Figure) -> None:
    left, right = fig.subplots(1, 2)
    levels = torch.logspace(-2, 1, 24)
    for i, d in enumerate(DIMS):
        x, color = torch.randn(1000, d, generator=seeded()), LIGHT.classes[i]
        left.hist((x.norm(dim=1) / d**0.5).numpy(), 40, range=(0, 2.5), histtype="step", color=color, linewidth=1.5)
        plots.curve(right, levels, dimension.certainty(x, levels, seeded(1), 60), f"d = {d}", color)
        right.axvline(dimension.turning_level(1000, d), color=color, linestyle="--", linewidth=1)
    left.set(title="length / √d", ylabel="points")
    right.set(xscale="log", title="weight of the likeliest origin", xlabel="σ")
    plots.legend(right)
