"""Four ways to give a network its condition."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from toycore.style import LIGHT

SIZE = (9.6, 2.4)
CAPTION = (
    "The features h of a layer and a condition c. Add and append are the same up to a matrix; modulate sets gain and "
    "offset of each feature; attend lets each place of the picture weigh the words on its own."
)
ALT = (
    "Four diagrams of boxes: c added to h; c appended to h; c giving a factor and an offset for h; "
    "h asking three word boxes by cross-attention."
)
WAYS = {
    "add": ("c", "h + A c"),
    "append": ("c", "B [h, c]"),
    "modulate (FiLM, adaLN)": ("c", "(1 + S c) h + T c"),
    "attend": ("word 1, word 2, word 3", "h + attention"),
}


def box(ax: Axes, y: float, text: str, color: str) -> None:
    frame = dict(boxstyle="round,pad=0.45", facecolor=color, edgecolor=color, linewidth=1.5)
    ax.text(0.5, y, text, ha="center", va="center", bbox=frame, fontsize=10, color=LIGHT.background)


def draw(fig: Figure) -> None:
    for ax, (title, (condition, rule)) in zip(fig.subplots(1, 4), WAYS.items(), strict=True):
        ax.set(xlim=(0, 1), ylim=(0, 1), title=title)
        ax.set_axis_off()
        for start, end in ((0.82, 0.58), (0.42, 0.18)):
            look = dict(arrowstyle="-|>", color=LIGHT.data, linewidth=1.5)
            ax.annotate("", (0.5, end), (0.5, start), arrowprops=look)
        box(ax, 0.88, condition, LIGHT.sample)
        box(ax, 0.5, rule, LIGHT.exact)
        box(ax, 0.1, "next layer", LIGHT.ink)
        ax.annotate("h", (0.2, 0.5), (0.0, 0.5), va="center", arrowprops=dict(arrowstyle="-|>", color=LIGHT.data))
