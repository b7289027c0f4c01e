"""The two parts of a DDPM step: where the model sends the point, and the fresh noise that is added."""

import torch
from matplotlib.figure import Figure

from figures._scene import D, planes, start
from toycore import plots, samplers, sigmas
from toycore.frames import VP
from toycore.style import LIGHT
from toycore.types import seeded

SIZE = (9.6, 4.9)
CAPTION = (
    "One walk, step by step, in the VP frame. Blue: the predicted part of "
    "each step. Grey: the fresh noise. Right: no noise."
)
ALT = (
    "Two panels with a path of blue and grey arrows ending on an arm; "
    "without noise the path is a smooth curve to the middle."
)


def draw(fig: Figure) -> None:
    titles = ["DDPM: predicted part and fresh noise", "the same walk with the noise left out"]
    for ax, noise in zip(planes(fig, titles, 1.6), (1.0, 0.0), strict=True):
        grid = sigmas.log_linear(24, 0.03, 10.0)
        x, sigma = start(1, seed=7), float(grid[0])
        for state in samplers.ddpm(D, x, grid, rng=seeded(2), noise=noise):
            here, middle, there = (
                VP.scale(s) * p for s, p in ((sigma, x), (state.sigma, state.mean), (state.sigma, state.x))
            )
            plots.arrows(ax, here, middle - here, LIGHT.predicted, width=0.004)
            if noise:
                plots.arrows(ax, middle, there - middle, LIGHT.random, width=0.004)
            x, sigma = state.x, state.sigma
        plots.points(ax, torch.as_tensor(x), color=LIGHT.sample, size=50, zorder=6)
