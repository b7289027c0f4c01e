"""What the drawings of machines share: a page measured in inches, boxes, arrows, pictures, and the sizes of networks.

Gold is learned, purple is the condition, grey is fixed: nothing there is trained. Sizes come from the networks.
"""

from typing import Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from torch import Tensor, nn

from toycore import plots
from toycore.style import LIGHT

Place = tuple[float, float]
LEARNED, FIXED, CONDITION = LIGHT.learned, LIGHT.random, LIGHT.condition


def page(fig: Figure) -> Axes:
    """Return axes that fill the figure, in inches from its lower left corner."""
    fig.set_layout_engine("none")
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, fig.get_figwidth()), ylim=(0, fig.get_figheight()))
    ax.set_axis_off()
    return ax


def box(ax: Axes, at: Place, text: str, color: str = LEARNED, size: Place = (1.0, 0.55), font: float = 10) -> None:
    """Draw a box around `at`, tinted by its kind, with a text inside."""
    (x, y), (width, height) = at, size
    look = dict(boxstyle="round,pad=0,rounding_size=0.07", edgecolor=color, linewidth=1.4)
    for face, alpha in ((LIGHT.background, 1.0), (color, 0.16)):
        patch = FancyBboxPatch((x - width / 2, y - height / 2), width, height, facecolor=face, **look)
        patch.set_alpha(None if alpha == 1.0 else alpha)
        ax.add_patch(patch)
    ax.text(x, y, text, ha="center", va="center", fontsize=font)


def arrow(ax: Axes, start: Place, end: Place, color: str = LIGHT.ink) -> None:
    """Draw a straight arrow."""
    ax.annotate("", end, start, arrowprops=dict(arrowstyle="-|>", color=color, linewidth=1.3, shrinkA=0, shrinkB=0))


def lines(ax: Axes, *corners: Place, color: str = LIGHT.ink) -> None:
    """Draw a line through corners, with an arrow's head at the last."""
    ax.plot(*zip(*corners[:-1], strict=True), color=color, lw=1.3, solid_capstyle="butt")
    arrow(ax, corners[-2], corners[-1], color)


def note(ax: Axes, at: Place, text: str, color: str = LIGHT.ink, **more: Any) -> None:
    """Write a small text around `at`."""
    ax.text(*at, text, color=color, **{"ha": "center", "va": "center", "fontsize": 9, **more})


def picture(fig: Figure, at: Place, pixels: Tensor, side: float = 0.9, title: str = "") -> None:
    """Put a picture `[c, h, w]` in [-1, 1] around `at`, with a name above it."""
    wide, high = fig.get_figwidth(), fig.get_figheight()
    ax = fig.add_axes(((at[0] - side / 2) / wide, (at[1] - side / 2) / high, side / wide, side / high))
    plots.image(ax, pixels)
    ax.set_title(title, fontsize=9, pad=3)


def strip(fig: Figure, at: Place, z: Tensor, size: Place = (0.2, 1.2), title: str = "") -> None:
    """Draw the numbers z `[n]` as a column of greys, the least black and the greatest white."""
    wide, high = fig.get_figwidth(), fig.get_figheight()
    ax = fig.add_axes(((at[0] - size[0] / 2) / wide, (at[1] - size[1] / 2) / high, size[0] / wide, size[1] / high))
    ax.imshow(z[:, None].numpy(), cmap="gray", aspect="auto", interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=9, pad=3)


def count(net: nn.Module) -> str:
    """Return the number of a network's weights, as 930,000."""
    n = sum(p.numel() for p in net.parameters())
    return f"{round(n, -4):,}"


@torch.no_grad()
def shapes(net: nn.Module, *inputs: Any) -> dict[str, tuple[int, ...]]:
    """Return the shape of what each module of a network gives for these inputs, without the batch."""
    found: dict[str, tuple[int, ...]] = {}

    def seen(name: str) -> Any:
        return lambda module, given, out: found.update({name: tuple(out.shape[1:])} if isinstance(out, Tensor) else {})

    hooks = [module.register_forward_hook(seen(name)) for name, module in net.named_modules()]
    net(*inputs)
    for hook in hooks:
        hook.remove()
    return found


def times(shape: tuple[int, ...]) -> str:
    """Return a shape as 48 x 14 x 14."""
    return " × ".join(map(str, shape))
