"""What several figures share: the spiral, its exact Denoiser, seeded noise, one plane per panel."""

from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from toycore import data, exact, mixtures, plots
from toycore.style import LIGHT
from toycore.types import seeded

SPIRAL = mixtures.spiral()
THREE = mixtures.spiral(classes=3)
D = exact.posterior_mean(SPIRAL)
D3 = exact.posterior_mean(THREE)
DATA = data.spiral(300)
DATA3 = data.spiral(300, classes=3)


def start(n: int, sigma: float = 10.0, seed: int = 0) -> Tensor:
    """Return n points of pure noise at level sigma."""
    return sigma * torch.randn(n, 2, generator=seeded(seed))


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


def table(fig: Figure, columns: Sequence[str], rows: dict[str, tuple[Tensor, Sequence[str]]]) -> None:
    """Draw a table: per row a name, a small picture of its samples, and one entry per column."""
    widths = [1.9, 1.1] + [1.5] * len(columns)
    grid = fig.add_gridspec(len(rows), len(widths), width_ratios=widths)
    for i, (name, (samples, entries)) in enumerate(rows.items()):
        picture = fig.add_subplot(grid[i, 1])
        plots.points(plots.plane(picture, 1.3), DATA.x, size=1, color=LIGHT.faint)
        plots.points(picture, samples, color=LIGHT.sample, size=1.5), picture.set_axis_off()
        for j, word in enumerate([name, "", *entries]):
            if j != 1:
                ax = fig.add_subplot(grid[i, j])
                ax.set_axis_off(), ax.set(xlim=(0, 1), ylim=(0, 1))
                ax.text(0 if j == 0 else 0.5, 0.5, word, va="center", ha="left" if j == 0 else "center")
                if i == 0 and j > 1:
                    ax.set_title(columns[j - 2])
