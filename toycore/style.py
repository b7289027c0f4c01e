"""The only place with a colour: one palette for figures and live views, light and dark, safe for colour-blind readers.

The hues are those of Okabe & Ito (2008), with lightness adjusted per theme. A meaning keeps its colour in the course.
"""

from typing import Any, NamedTuple


class Theme(NamedTuple):
    """What each colour means: `classes` for labels 0, 1, 2, ...; `ramp` and `density` are matplotlib colour maps."""

    background: str
    ink: str  # text and axes
    faint: str  # grid, frames, things of the second rank
    arrow: str  # a field in a live view: quieter than the particles
    data: str  # the clean points
    sample: str  # what a sampler made
    exact: str  # the closed form
    learned: str  # the network
    predicted: str  # the deterministic part of a step
    random: str  # the fresh noise of a step
    condition: str  # the field with a label, before guidance
    accent: str  # the one thing to look at
    classes: tuple[str, ...]
    ramp: tuple[str, float, float]  # arrow lengths: a colour map and the part of it in use
    density: tuple[str, float, float]

    @property
    def lines(self) -> tuple[str, ...]:
        """Colours of curves that stand for none of these: those of `classes` that mean nothing else."""
        return tuple(color for color in self.classes if color not in (self.exact, self.sample, self.learned))


LIGHT = Theme(
    background="#ffffff", ink="#22252b", faint="#c9cdd4", arrow="#46678a", data="#2b3440", sample="#d55e00",
    exact="#0072b2", learned="#b8860b", predicted="#0072b2", random="#8a919c", condition="#5a3fc0", accent="#c2185b",
    classes=("#0072b2", "#d55e00", "#009e73", "#a05195", "#b8860b", "#2f9fd0", "#7a4a1f", "#5b5f97"),
    ramp=("viridis", 0.0, 0.85), density=("PuBu", 0.0, 0.27),
)
DARK = Theme(
    background="#14161a", ink="#e8eaee", faint="#3d434d", arrow="#7d9ab5", data="#e9eef5", sample="#ff9e4a",
    exact="#58b7f0", learned="#f0d05a", predicted="#58b7f0", random="#9aa3b0", condition="#a394ff", accent="#ff6fa5",
    classes=("#58b7f0", "#ff9e4a", "#3ddc97", "#d59bf6", "#f0d05a", "#8fd3ff", "#c49a6c", "#a9aef5"),
    ramp=("viridis", 0.35, 1.0), density=("bone", 0.08, 0.32),
)


def rc(theme: Theme = LIGHT) -> Any:
    """Return the matplotlib settings of the theme, for `with matplotlib.rc_context(style.rc())`."""
    return {
        "figure.facecolor": theme.background, "axes.facecolor": theme.background, "savefig.facecolor": theme.background,
        "text.color": theme.ink, "axes.labelcolor": theme.ink, "axes.titlecolor": theme.ink,
        "axes.edgecolor": theme.faint,
        "xtick.color": theme.faint, "ytick.color": theme.faint, "xtick.labelcolor": theme.ink,
        "ytick.labelcolor": theme.ink, "grid.color": theme.faint, "grid.linewidth": 0.6, "axes.axisbelow": True,
        "axes.spines.top": False, "axes.spines.right": False, "font.size": 11, "axes.titlesize": 11,
        "axes.labelsize": 11, "legend.frameon": False, "legend.fontsize": 10, "lines.linewidth": 2,
        "svg.hashsalt": "toycore",
    }


def colormap(part: tuple[str, float, float]) -> Any:
    """Return a matplotlib colour map cut to the part (name, low, high) of itself."""
    import matplotlib as mpl
    import numpy as np

    name, low, high = part
    return mpl.colors.LinearSegmentedColormap.from_list(
        f"{name} {low} {high}", mpl.colormaps[name](np.linspace(low, high, 256))
    )
