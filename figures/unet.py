"""The U-Net that draws MNIST: what each block makes of a picture, and how level and label reach it."""

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from figures._machine import CONDITION, FIXED, LEARNED, arrow, box, count, lines, note, page, picture, shapes, times
from toycore import load
from toycore.images import sets
from toycore.style import LIGHT
from toycore.types import seeded

SIZE = (9.6, 4.5)
CAPTION = (
    "The U-Net that draws MNIST. Going down, a place knows more of the picture and less about where; the shortcuts "
    "hand the fine detail across. Without them the network would have to redraw from 7 x 7 places."
)
ALT = (
    "A U of gold blocks: from a noisy 4 down to half the side and twice the channels, through attention, and up again; "
    "grey shortcuts join both arms, purple arrows bring noise level and label to every block."
)
LEVEL = 0.8


def block(ax: Axes, x: float, y: float, shape: tuple[int, ...]) -> tuple[float, float]:
    """Draw features as a slab: as high as the side, as wide as the number of channels; return half of both."""
    wide, high = 0.11 + shape[0] / 200, shape[1] / 11
    for face, alpha in ((LIGHT.background, 1.0), (LEARNED, 0.25)):
        look = dict(facecolor=face, alpha=alpha, edgecolor=LEARNED, linewidth=1.4)
        ax.add_patch(Rectangle((x - wide / 2, y - high / 2), wide, high, **look))
    note(ax, (x, y - high / 2 - 0.12), times(shape), fontsize=8.5)
    ax.plot(x, y + high / 2 - 0.12, "o", color=CONDITION, ms=6)
    return wide / 2, high / 2


def draw(fig: Figure) -> None:
    D, ax = load("mnist"), page(fig)
    real = sets.load("mnist-test")
    x0 = sets.to_unit(real.images[real.labels == 4][:1])
    x = x0 + LEVEL * torch.randn(x0.shape, generator=seeded(4))
    with torch.no_grad():
        x0_hat = D(x, LEVEL, 4)
    size = shapes(D.net, x, torch.tensor([LEVEL]), 4)
    top, low = 2.85, 1.15
    picture(fig, (0.62, top), x[0], 0.95, "x, noisy")
    picture(fig, (8.98, top), x0_hat[0].clamp(-1, 1), 0.95, "x0_hat, from F")
    box(ax, (1.72, top), f"fold\n{times(size['fold'])}", FIXED, (0.95, 0.6), 9)
    box(ax, (7.88, top), f"unfold: F\n{times(size['unfold'])}", FIXED, (0.95, 0.6), 9)
    arrow(ax, (1.12, top), (1.24, top)), arrow(ax, (8.36, top), (8.48, top))
    places = {"down.0": (2.85, top), "down.1": (3.75, low), "up.0": (5.85, low), "up.1": (6.75, top)}
    half = {name: block(ax, *place, size[name]) for name, place in places.items()}
    box(ax, (4.8, low), f"block, then\nattention over\n{size['middle.1'][1] ** 2} places", LEARNED, (0.98, 0.66), 8.5)
    arrow(ax, (2.2, top), (2.85 - half["down.0"][0], top)), arrow(ax, (6.75 + half["up.1"][0], top), (7.4, top))
    lines(ax, (2.85 + half["down.0"][0], top - 0.3), (3.75, top - 0.3), (3.75, low + half["down.1"][1]))
    lines(ax, (5.85, low + half["up.0"][1]), (5.85, top - 0.3), (6.75 - half["up.1"][0], top - 0.3))
    arrow(ax, (3.75 + half["down.1"][0], low), (4.31, low)), arrow(ax, (5.29, low), (5.85 - half["up.0"][0], low))
    note(ax, (3.83, 2.1), "halve", ha="left"), note(ax, (5.77, 2.1), "double", ha="right")
    arrow(ax, (2.85 + half["down.0"][0], top + 0.35), (6.75 - half["up.1"][0], top + 0.35), FIXED)
    note(ax, (4.8, top + 0.47), f"shortcut, {times(size['down.0'])}")
    lines(ax, (3.95, low + half["down.1"][1]), (3.95, 1.72), (5.65, 1.72), (5.65, low + half["up.0"][1]), color=FIXED)
    note(ax, (4.8, 1.84), f"shortcut, {times(size['down.1'])}")
    box(ax, (4.8, 4.12), f"noise level + label: {size['level'][0]} numbers", CONDITION, (2.8, 0.36), 9.5)
    for x_, y in ((2.85, top + half["down.0"][1]), (6.75, top + half["up.1"][1])):
        lines(ax, (4.8 + (1.4 if x_ > 4.8 else -1.4), 4.12), (x_, 4.12), (x_, y), color=CONDITION)
    note(ax, (0.15, 0.62), "gold: learned", LEARNED, ha="left", weight="bold")
    note(ax, (0.15, 0.4), "purple dot: scale and shift from the condition", CONDITION, ha="left", weight="bold")
    note(ax, (0.15, 0.18), "grey: nothing to learn", FIXED, ha="left", weight="bold")
    note(ax, (9.45, 0.18), f"{count(D.net)} weights; sizes are channels × height × width", ha="right")
