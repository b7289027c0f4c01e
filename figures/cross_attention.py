"""Cross-attention: how a place of the picture reads the words of a caption. Maps and sizes are those of our network."""

import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from figures._machine import CONDITION, FIXED, LEARNED, arrow, box, lines, note, page, picture
from toycore import load, samplers, sigmas
from toycore.images.nets.text import CrossAttention
from toycore.images.sets import shapes as captioned
from toycore.types import seeded

SIZE = (9.6, 4.6)
READ, LEVEL = "a large red star in the centre", 1.0
CAPTION = (
    "Cross-attention in the network of the shapes. Every place of the picture asks, every word answers, and the "
    "weights of one place sum to 1. Below, who reads which word: light places read it most. "
    "Here “red” is read where the star is. One layer, mean of its heads."
)
ALT = (
    "Left, 64 places give queries; right, seven words give keys and values; a softmax joins them. Below, one map of "
    "8 x 8 greys per word."
)


@torch.no_grad()
def read(layer: CrossAttention, D: nn.Module, x: Tensor, label: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return queries, keys and the weights `[places, words]`, a mean over heads, of a layer while D looks at x."""
    kept: list[tuple[Tensor, Tensor, Tensor]] = []
    hook = layer.register_forward_hook(lambda module, given, out: kept.append(module.parts(*given)))
    D(x, LEVEL, label)
    hook.remove()
    q, k, _ = kept[0]
    return q[0], k[0], (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1)[0].mean(0)


def draw(fig: Figure) -> None:
    D, coder, ax = load("shapes"), load("shapes-autoencoder"), page(fig)
    label, grid = captioned.CAPTIONS.index(READ), sigmas.karras(20, 0.02, 80.0)
    walk = list(samplers.ddim(D, 80 * torch.randn(1, 8, 8, 8, generator=seeded(12)), grid, label))
    x = next(state.x for state in walk if state.sigma < LEVEL)
    q, k, weights = read(D.net.up[1].cross, D, x, label)
    side, words = round(q.shape[1] ** 0.5), [*READ.split(), *["(no word)"] * (k.shape[1] - len(READ.split()))]
    picture(fig, (0.85, 3.5), coder.decode(walk[-1].x)[0].detach().clamp(-1, 1), 1.1, "what is being drawn")
    box(ax, (2.75, 3.5), f"{side} × {side} = {side**2} places\nof the latent picture", FIXED, (1.75, 0.62), 9)
    box(ax, (8.3, 3.5), f"“{READ}”:\n{len(words)} places for words", CONDITION, (2.35, 0.62), 9)
    heads = f"{q.shape[0]} heads × {q.shape[2]} numbers"
    box(ax, (2.75, 2.35), f"queries Q: {q.shape[1]} rows\n{heads}", LEARNED, (1.75, 0.62), 9)
    box(ax, (8.3, 2.35), f"keys K and values V: {k.shape[1]} rows\n{heads}", LEARNED, (2.35, 0.62), 9)
    box(ax, (5.4, 2.35), r"$\mathrm{softmax}(Q K^T / \sqrt{d})\; V$", FIXED, (2.1, 0.62), 11.5)
    for a, b in (
        ((2.75, 3.18), (2.75, 2.68)),
        ((8.3, 3.18), (8.3, 2.68)),
        ((3.64, 2.35), (4.33, 2.35)),
        ((7.1, 2.35), (6.47, 2.35)),
        ((1.42, 3.5), (1.85, 3.5)),
    ):
        arrow(ax, a, b)
    lines(ax, (5.4, 2.67), (5.4, 3.5), (3.66, 3.5), color=LEARNED)
    note(ax, (5.5, 3.1), "added to the places", ha="left")
    note(ax, (4.8, 1.72), f"the weights of all {side**2} places, word by word", fontsize=9.5)
    for i, (word, column) in enumerate(zip(words, weights.T, strict=True)):
        picture(
            fig,
            (0.75 + i * 8.1 / (len(words) - 1), 0.72),
            2 * column.reshape(1, side, side) / weights.max() - 1,
            0.95,
            word,
        )
