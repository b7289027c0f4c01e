"""Many clean points could lie behind one noisy point; the network learns the average direction."""

import torch
from matplotlib.figure import Figure

from figures._scene import DATA, SPIRAL, D, planes
from toycore import exact, plots
from toycore.style import LIGHT
from toycore.types import seeded

SIZE = (9.6, 3.5)
POINT = torch.tensor([[0.15, 0.75]])
CAPTION = (
    "Where could the noisy point (black) have come from? Grey arrows: samples of x0 given x. Blue: their mean, D(x, σ)."
)
ALT = "Three panels for falling noise: grey arrows fan out from one point to the arms, a blue arrow is their average."


def draw(fig: Figure) -> None:
    levels = 1.0, 0.3, 0.12
    for ax, sigma in zip(planes(fig, [f"σ = {s:g}" for s in levels]), levels, strict=True):
        weight = exact.responsibilities(DATA, POINT, sigma)[0]
        plots.points(ax, DATA.x, color=LIGHT.data, size=400 * weight.clamp(max=0.1) + 1)
        many = POINT.expand(40, 2)
        plots.arrows(
            ax, many, exact.posterior_sample(SPIRAL, many, sigma, seeded()) - many, LIGHT.random, alpha=0.5, width=0.004
        )
        plots.arrows(ax, POINT, D(POINT, sigma) - POINT, LIGHT.predicted, width=0.012)
        plots.points(ax, POINT, color=LIGHT.ink, size=30, zorder=5)
