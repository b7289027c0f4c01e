"""A diffusion transformer: a picture as tokens, and one block of the network with its gates."""

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures._machine import CONDITION, FIXED, LEARNED, arrow, box, count, lines, note, page, picture
from toycore import load
from toycore.images import sets
from toycore.images.nets.dit import DiT
from toycore.style import LIGHT
from toycore.types import seeded

SIZE = (9.6, 3.7)
CAPTION = (
    "One block of the DiT that draws 8 x 8 digits. Each branch is normalised, scaled and shifted before it acts and "
    "multiplied by a gate after it: noise level and label reach the picture only through these six vectors. With all "
    "gates at 0 the block passes its tokens on unchanged, and that is how training starts."
)
ALT = (
    "A digit cut into 16 patches; a row of boxes: norm, scale and shift, attention, gate, plus; the same with an MLP; "
    "a grey line passes over each branch; purple arrows lead from the condition to scale, shift and gate."
)
ROW, GAP = 2.25, 0.11


def branch(ax: Axes, x: float, name: str, width: float) -> float:
    """Draw h + gate f(norm(h) (1 + scale) + shift) from x on and return where the sum stands."""
    steps = {"norm": (FIXED, 0.5), "× (1 + scale)\n+ shift": (CONDITION, 0.98), name: (LEARNED, width)}
    end, start = x, x - 0.16
    for text, (color, wide) in {**steps, "× gate": (CONDITION, 0.56)}.items():
        arrow(ax, (end, ROW), (end + GAP, ROW))
        box(ax, (end + GAP + wide / 2, ROW), text, color, (wide, 0.6), 8.5)
        if color == CONDITION:
            arrow(ax, (end + GAP + wide / 2, 1.16), (end + GAP + wide / 2, ROW - 0.32), CONDITION)
        end += GAP + wide
    arrow(ax, (end, ROW), (end + GAP, ROW))
    lines(ax, (start, ROW), (start, ROW + 0.62), (end + 0.26, ROW + 0.62), (end + 0.26, ROW + 0.12), color=FIXED)
    ax.plot(end + 0.26, ROW, "o", ms=15, mfc=LIGHT.background, mec=LIGHT.ink)
    note(ax, (end + 0.26, ROW), "+", fontsize=12)
    return end + 0.38


def draw(fig: Figure) -> None:
    D, ax = load("digits-dit"), page(fig)
    net: DiT = D.net
    side, patch, width = (int(net.config[key]) for key in ("side", "patch", "width"))
    digits = sets.load("digits")
    x0 = sets.to_unit(digits.images[digits.labels == 6][:1])
    x = (x0 + 0.5 * torch.randn(x0.shape, generator=seeded(5))) / 1.5
    n, heads = (side // patch) ** 2, net.config["heads"]
    picture(fig, (0.85, ROW), x[0], 1.0)
    for edge in range(patch, side, patch):
        (
            fig.axes[-1].axhline(edge - 0.5, color=LIGHT.accent, lw=1),
            fig.axes[-1].axvline(edge - 0.5, color=LIGHT.accent, lw=1),
        )
    note(ax, (0.85, ROW + 0.82), f"{n} patches of {patch} × {patch}:\n{n} tokens of {width} numbers")
    ax.plot([1.38, 1.7], [ROW, ROW], color=LIGHT.ink, lw=1.3)
    middle = branch(ax, 1.68, f"attention,\n{heads} heads", 0.78)
    ax.plot([middle - 0.02, middle + 0.16], [ROW, ROW], color=LIGHT.ink, lw=1.3)
    last = branch(ax, middle + 0.14, f"MLP,\n{width}–{4 * width}–{width}", 0.78)
    arrow(ax, (last - 0.02, ROW), (last + 0.25, ROW))
    note(ax, (3.4, ROW + 0.78), "every token reads every other one"), note(ax, (7.2, ROW + 0.78), "each token alone")
    box(ax, (5.4, 0.95), f"6 × {width} numbers, by one learned matrix", LEARNED, (7.2, 0.42), 9.5)
    box(ax, (5.4, 0.3), "noise level + label", CONDITION, (2.2, 0.36), 9.5)
    arrow(ax, (5.4, 0.5), (5.4, 0.72), CONDITION)
    note(ax, (5.4, 3.45), f"one of {len(net.blocks)} blocks, all alike; {count(net)} weights in all", fontsize=10)
