"""The score: at each point, the direction in which the noised density grows fastest."""

import torch
from matplotlib.figure import Figure

from figures._scene import SPIRAL, D, planes
from toycore import fields, plots
from toycore.frames import FLOW

SIZE = (9.6, 3.5)
LEVELS = 0.5, 0.15, 0.05
CAPTION = "The score of the noised spiral, times σ so that the panels compare: arrows climb the density behind them."
ALT = "Three panels of arrows over a grey density, for a high, a middle and a low noise level."


def draw(fig: Figure) -> None:
    at, behind = plots.grid(21, 1.2), plots.grid(121, 1.3)
    for ax, sigma in zip(
        planes(fig, [f"σ = {s:g}   (flow t = {FLOW.time(s):.2f})" for s in LEVELS]), LEVELS, strict=True
    ):
        plots.density(ax, SPIRAL.log_density(behind, sigma).exp(), 1.3)
        plots.field(ax, at, sigma * fields.score(D, at, torch.tensor(sigma)), scale=0.5)
