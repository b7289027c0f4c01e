"""Guidance takes the two forces apart: the unconditional field, the conditional one, and their difference."""

import torch
from matplotlib.figure import Figure

from figures._scene import D3, planes
from toycore import plots

SIZE = (9.6, 3.6)
CAPTION = (
    "At σ = 0.3: the way to the data (unconditional), to the outer arc "
    "(conditional), and the difference that guidance scales."
)
ALT = (
    "Three arrow fields over a spiral in three colours; the difference "
    "points from the rest of the spiral to the outer arc."
)


def draw(fig: Figure) -> None:
    at, sigma = plots.grid(19, 1.2), torch.tensor(0.3)
    free, given = D3(at, sigma), D3(at, sigma, 2)
    for ax, v in zip(
        planes(fig, ["unconditional", "given class 2", "difference"], three=True),
        (free - at, given - at, given - free),
        strict=True,
    ):
        plots.field(ax, at, v, scale=0.35)
