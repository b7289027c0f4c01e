"""A small U-Net: residual blocks on a coarse-to-fine ladder, each conditioned on the noise level and the label.

net = UNet(channels=1, width=32, classes=10)
D = precondition.from_velocity(net)              # now a Denoiser like any other
"""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from toycore.checks import positive, share
from toycore.images.nets import divides, labelling, levels, pictures, sizes
from toycore.images.nets.text import CrossAttention, TextEncoder
from toycore.networks import class_vector, initialise, waves
from toycore.types import Label, Rng


class UNet(nn.Module):
    """F(u, sigma, label) -> `[b, c, h, w]`: down the ladder of widths, through the middle, up again with shortcuts.

    width: channels at the finest rung; rungs: the factor of each rung, every rung halves the side. unshuffle = 2 first
    folds 2x2 pixels into channels, which makes every convolution four times cheaper. Attention in the middle. With
    captions, the label is a caption's number and its words are read by cross-attention; else it is a learned vector.
    dropout: the share of features set to 0 inside each block while it is trained.
    Ronneberger et al. 2015; for diffusion, Ho et al. 2020 (appendix B).
    """

    def __init__(
        self,
        channels: int = 1,
        width: int = 32,
        rungs: tuple[int, ...] = (1, 2),
        unshuffle: int = 1,
        classes: int = 0,
        captions: tuple[str, ...] = (),
        dropout: float = 0.0,
        rng: Rng = None,
    ) -> None:
        super().__init__()
        _check(channels, width, rungs, unshuffle, classes, captions)
        self.config: dict[str, Any] = dict(channels=channels, width=width, rungs=tuple(rungs), unshuffle=unshuffle)
        self.config |= dict(classes=classes, captions=tuple(captions), dropout=share(dropout, "dropout"))
        self.classes, self.multiple = len(captions) or classes, unshuffle * 2 ** (len(rungs) - 1)
        dim = 4 * width  # of the condition, the vector that every block sees
        inner = channels * unshuffle**2
        self.level = nn.Sequential(nn.Linear(16, dim), nn.SiLU(), nn.Linear(dim, dim))
        self.label = nn.Embedding(classes + 1, dim) if classes else None
        self.text = TextEncoder(captions, 64) if captions else None
        self.fold, self.unfold = nn.PixelUnshuffle(unshuffle), nn.PixelShuffle(unshuffle)
        self.first = nn.Conv2d(inner, width, 3, padding=1)
        block = partial(Block, dim=dim, dropout=dropout)
        self._ladder([width, *(width * rung for rung in rungs)], block, 64 if captions else 0)
        self.norm, self.last = nn.GroupNorm(8, width), nn.Conv2d(width, inner, 3, padding=1)
        initialise(self, rng)
        start_as_identity(self)
        nn.init.zeros_(self.last.weight)

    def _ladder(self, widths: list[int], block: Callable[..., nn.Module], text: int) -> None:
        """Build the blocks: down the widths, through the coarsest, up again with a shortcut beside each input."""
        down, coarsest = widths[1:], widths[-1]
        self.down = nn.ModuleList(block(a, b, text=text) for a, b in pairwise(widths))
        self.middle = nn.ModuleList([block(coarsest, coarsest), Attention(coarsest)])
        up = zip([coarsest, *down[:0:-1]], down[::-1])
        self.up = nn.ModuleList(block(a + b, b, text=text) for a, b in up)

    def forward(self, u: Tensor, sigma: Tensor, label: Label = None) -> Tensor:
        """Return F, shaped like u `[b, c, h, w]`; sigma (or flow time) is `[1]` or `[b]`."""
        pictures(u, self, self.config["channels"], multiple=self.multiple)
        condition = self.level(waves(levels(sigma, u))).expand(len(u), -1)
        condition = condition + class_vector(self.label, label, len(u), self.classes)
        text = self.text(label, len(u)) if self.text else None
        h, shortcuts = self.first(self.fold(u)), []
        for rung, block in enumerate(self.down):
            h = block(nn.functional.avg_pool2d(h, 2) if rung else h, condition, text)
            shortcuts.append(h)
        block, attention = self.middle
        h = attention(block(h, condition))
        for rung, block in enumerate(self.up):
            h = nn.functional.interpolate(h, scale_factor=2.0) if rung else h
            h = block(torch.cat([h, shortcuts.pop()], 1), condition, text)
        return self.unfold(self.last(nn.functional.silu(self.norm(h))))


def _check(
    channels: int, width: int, rungs: tuple[int, ...], unshuffle: int, classes: int, captions: tuple[str, ...]
) -> None:
    sizes(channels=channels, width=width, unshuffle=unshuffle)
    if not rungs:
        raise ValueError("rungs are (); give the factor of each, such as (1, 2)")
    for rung in rungs:
        positive(rung, "a rung")
    divides(8, width, "width", "since channels are normalised in 8 groups")
    labelling(classes, captions)


class Block(nn.Module):
    """h + conv(norm(conv(norm(h)))), the second norm scaled and shifted by the condition; then it reads the text."""

    def __init__(self, inside: int, outside: int, dim: int, text: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(8, inside), nn.Conv2d(inside, outside, 3, padding=1)
        self.norm2, self.conv2 = nn.GroupNorm(8, outside), nn.Conv2d(outside, outside, 3, padding=1)
        self.modulate = nn.Linear(dim, 2 * outside)
        self.skip = nn.Conv2d(inside, outside, 1) if inside != outside else nn.Identity()
        self.cross = CrossAttention(outside, text) if text else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, h: Tensor, condition: Tensor, text: Tensor | None = None) -> Tensor:
        """Return the block's output `[b, outside, h, w]`."""
        scale, shift = self.modulate(nn.functional.silu(condition))[:, :, None, None].chunk(2, 1)
        out = self.conv1(nn.functional.silu(self.norm1(h)))
        out = self.conv2(self.dropout(nn.functional.silu(self.norm2(out) * (1 + scale) + shift)))
        out = self.skip(h) + out
        return out if self.cross is None else self.cross(out, text)


class Attention(nn.Module):
    """h + attention(h): every place of the picture reads every other place."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads, self.norm = heads, nn.GroupNorm(8, width)
        self.qkv, self.out = nn.Conv2d(width, 3 * width, 1), nn.Conv2d(width, width, 1)

    def forward(self, h: Tensor) -> Tensor:
        """Return h plus what each place has read, `[b, c, h, w]`."""
        b, c, high, wide = h.shape
        q, k, v = self.qkv(self.norm(h)).reshape(b, 3, self.heads, c // self.heads, -1).transpose(-1, -2).unbind(1)
        read = nn.functional.scaled_dot_product_attention(q, k, v)  # [b, heads, places, c / heads]
        return h + self.out(read.transpose(-1, -2).reshape(b, c, high, wide))


def start_as_identity(net: nn.Module) -> None:
    """Set to zero the last layer of each branch: then every block starts as h + 0."""
    for module in net.modules():
        if isinstance(module, Block):
            nn.init.zeros_(module.conv2.weight)
        elif isinstance(module, (Attention, CrossAttention)):
            nn.init.zeros_(module.out.weight)
