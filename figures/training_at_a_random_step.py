"""One batch of training: every clean point gets a noise level of its own."""

import torch
from matplotlib.figure import Figure

from figures._scene import DATA, SPIRAL, D
from toycore import plots, sigmas
from toycore.style import LIGHT
from toycore.types import seeded

SIZE = (9.6, 4.6)
CAPTION = (
    "One batch of training. Each clean point (blue) is sent out by noise of its own random level (grey line) to "
    "where the network sees it (orange). The answer asked for is the line. The best answer (pink) is the mean of all "
    "lines that end there."
)
ALT = (
    "Left: eight blue points on a spiral joined by grey lines of different lengths to orange points. Right: the same "
    "orange points with pink arrows to the means of their possible origins."
)


def draw(fig: Figure) -> None:
    x0 = SPIRAL.sample(8, seeded(6))[0]
    sigma = sigmas.log_uniform(8, 0.05, 0.7, seeded(2))[:, None]
    x = x0 + sigma * torch.randn(8, 2, generator=seeded(9))
    axes = fig.subplots(1, 2)
    for ax, title in zip(axes, ("what is shown: x, and the line", "what can be learned: the mean line"), strict=True):
        plots.points(plots.plane(ax, 1.35, title), DATA.x, size=3, color=LIGHT.faint)
    plots.paths(axes[0], torch.stack([x0, x]), color=LIGHT.random, linewidths=1.5)
    plots.points(axes[0], x0, color=LIGHT.exact, size=30)
    plots.arrows(axes[1], x, D(x, sigma[:, 0]) - x, LIGHT.accent)
    for ax in axes:
        plots.points(ax, x, color=LIGHT.sample, size=30)
