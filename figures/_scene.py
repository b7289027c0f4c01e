"""What several figures share: the spiral, its exact Denoiser, seeded noise, one plane per panel."""

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from toycore import data, exact, mixtures, plots
from toycore.style import LIGHT

SPIRAL = mixtures.spiral()
THREE = mixtures.spiral(classes=3)
D = exact.posterior_mean(SPIRAL)
D3 = exact.posterior_mean(THREE)
DATA = data.spiral(300)
DATA3 = data.spiral(300, classes=3)


def rng(seed: int = 0) -> torch.Generator:
    """Return a generator of its own."""
    return torch.Generator().manual_seed(seed)


def start(n: int, sigma: float = 10.0, seed: int = 0) -> Tensor:
    """Return n points of pure noise at level sigma."""
    return sigma * torch.randn(n, 2, generator=rng(seed))


def planes(fig: Figure, titles: Sequence[str], extent: float = 1.3, three: bool = False) -> list[Axes]:
    """Return one square panel per title, the spiral faintly behind (in class colours if three)."""
    axes = fig.subplots(1, len(titles), squeeze=False)[0]
    for ax, title in zip(axes, titles, strict=True):
        plots.plane(ax, extent, title)
        if three:
            plots.points(ax, DATA3.x, DATA3.label, size=3, alpha=0.35)
        else:
            plots.points(ax, DATA.x, size=3, color=LIGHT.faint)
    return list(axes)
