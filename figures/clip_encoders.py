"""CLIP: two encoders into one space, and the table of cosines that its loss reads. All numbers are our network's."""

import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from figures._machine import CONDITION, LEARNED, arrow, box, count, note, page, picture, strip
from toycore import load
from toycore.images import sets
from toycore.images.sets import shapes as captioned
from toycore.style import LIGHT

SIZE = (9.6, 4.1)
SHOWN = (220, 49, 320, 130, 24)  # captions, by their numbers
CAPTION = (
    "CLIP. Each encoder turns its input into a vector of length 1. The table holds all cosines, white is 1: training "
    "raises the diagonal (the pairs that belong together) against the rest of its row and its column."
)
ALT = (
    "Left, five pictures go through an image encoder and five captions through a text encoder; each ends in a strip of "
    "greys. Right, a table of 5 x 5 cosines whose diagonal is white and framed."
)


@torch.no_grad()
def draw(fig: Figure) -> None:
    clip, ax = load("shapes-clip"), page(fig)
    pictures, labels = sets.load("shapes", n=4000, seed=5)[:2]
    x = sets.to_unit(torch.cat([pictures[labels == c][:1] for c in SHOWN]))
    image, text = clip.image(x), clip.text(torch.tensor(SHOWN))
    n, dim = len(SHOWN), image.shape[1]
    left, side, foot = 6.35, 0.56, 0.3  # the table
    for i, c in enumerate(SHOWN):
        y = foot + (n - 0.5 - i) * side
        note(ax, (0.12, y), captioned.CAPTIONS[c], CONDITION, ha="left")
        note(ax, (left - 0.1, y), f"text {i + 1}", ha="right")
        picture(fig, (left + (i + 0.5) * side, foot + n * side + 0.45), x[i], 0.5)
    box(ax, (3.55, foot + n * side / 2), f"text encoder\n{count(clip.encoder)} weights", LEARNED, (1.3, 0.7), 9)
    strip(fig, (4.85, foot + n * side / 2), text[0], (0.2, 1.5), f"{dim} numbers each")
    arrow(ax, (2.6, foot + n * side / 2), (2.88, foot + n * side / 2))
    arrow(ax, (4.22, foot + n * side / 2), (4.72, foot + n * side / 2))
    arrow(ax, (4.98, foot + n * side / 2), (5.75, foot + n * side / 2))
    box(ax, (3.55, foot + n * side + 0.45), f"image encoder\n{count(clip.picture)} weights", LEARNED, (1.3, 0.7), 9)
    picture(fig, (1.5, foot + n * side + 0.45), x[0], 0.8)
    arrow(ax, (1.95, foot + n * side + 0.45), (2.88, foot + n * side + 0.45))
    arrow(ax, (4.22, foot + n * side + 0.45), (6.25, foot + n * side + 0.45))
    cells = fig.add_axes((left / SIZE[0], foot / SIZE[1], n * side / SIZE[0], n * side / SIZE[1]))
    cosine = text @ image.T
    cells.imshow(cosine.numpy(), cmap="gray", vmin=-1, vmax=1)
    cells.set_axis_off()
    for i in range(n):
        cells.add_patch(Rectangle((i - 0.47, i - 0.47), 0.94, 0.94, fill=False, ec=LIGHT.accent, lw=2))
        for j in range(n):
            color = "black" if cosine[i, j] > 0 else "white"
            cells.text(
                j,
                i,
                f"{float(cosine[i, j]) + 0.0:.1f}".replace("-0.0", "0.0"),
                ha="center",
                va="center",
                fontsize=8,
                color=color,
            )
