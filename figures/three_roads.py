"""From the same noise by three roads: the reverse SDE's steps, DDIM's, and the ODE solved finely."""

import torch
from matplotlib.figure import Figure

from figures._scene import D, planes, start
from toycore import plots, samplers, sigmas
from toycore.frames import VP
from toycore.style import LIGHT
from toycore.types import seeded

SIZE = (9.6, 3.6)
CAPTION = (
    "The same 8 starts, drawn in the VP frame: DDPM (a discrete reverse "
    "SDE), DDIM in 12 steps, Heun's method on the ODE."
)
ALT = "Three panels of paths from a cloud to the spiral: jagged random ones, a few straight segments, smooth curves."


def draw(fig: Figure) -> None:
    x = start(8, seed=3)
    walks = {
        "DDPM, 60 steps": (sigmas.log_linear(60), lambda g: samplers.ddpm(D, x, g, rng=seeded(1))),
        "DDIM, 12 steps": (sigmas.log_linear(12, 0.02), lambda g: samplers.ddim(D, x, g)),
        "Heun, 100 steps": (sigmas.log_linear(100), lambda g: samplers.heun(D, x, g)),
    }
    for ax, (grid, walk) in zip(planes(fig, list(walks), 1.7), walks.values(), strict=True):
        path = torch.cat([x[None], samplers.stack(walk(grid))]) * VP.scale(grid).float()[:, None, None]
        plots.paths(ax, path, LIGHT.predicted, alpha=0.8)
        plots.points(ax, path[0], color=LIGHT.data, size=8)
        plots.points(ax, path[-1], color=LIGHT.sample, size=14, zorder=4)
