"""A diffusion transformer: the picture cut into patches, each a token, and the label by adaLN-zero.

Peebles & Xie 2022 (2212.09748), section 3.2 and figure 3.
"""

import math

import torch
from torch import Tensor, nn

from toycore.images.nets import divides, labelling, levels, pictures, sizes
from toycore.networks import class_vector, initialise, waves
from toycore.types import Label, Rng


class DiT(nn.Module):
    """F(u, sigma, label) -> `[b, c, side, side]`: patches -> tokens -> blocks -> patches.

    A patch of p x p pixels is one token, so there are (side / p)^2; attention costs the square of that. The last layer
    and every gate start at zero, so that the network starts as 0 and every block as the identity (adaLN-zero).
    """

    places: Tensor

    def __init__(
        self,
        channels: int = 1,
        side: int = 8,
        patch: int = 2,
        width: int = 128,
        depth: int = 6,
        heads: int = 4,
        classes: int = 0,
        rng: Rng = None,
    ) -> None:
        super().__init__()
        sizes(channels=channels, side=side, patch=patch, width=width, depth=depth, heads=heads)
        divides(4, width, "width", "half a sine and cosine for either axis")
        divides(heads, width, "width", "one part per head")
        divides(patch, side, "side", "which patches fill")
        labelling(classes)
        self.config = dict(
            channels=channels, side=side, patch=patch, width=width, depth=depth, heads=heads, classes=classes
        )
        self.classes, self.patch = classes, patch
        self.first = nn.Linear(channels * patch**2, width)
        self.register_buffer("places", places(side // patch, width), persistent=False)
        self.level = nn.Sequential(nn.Linear(16, width), nn.SiLU(), nn.Linear(width, width))
        self.label = nn.Embedding(classes + 1, width) if classes else None
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm, self.modulate = nn.LayerNorm(width, elementwise_affine=False), nn.Linear(width, 2 * width)
        self.last = nn.Linear(width, channels * patch**2)
        initialise(self, rng)
        nn.init.zeros_(self.last.weight)
        for module in self.modules():
            if isinstance(module, Block):
                nn.init.zeros_(module.modulate.weight)

    def forward(self, u: Tensor, sigma: Tensor, label: Label = None) -> Tensor:
        """Return F, shaped like u; sigma (or flow time) is `[1]` or `[b]`."""
        pictures(u, self, self.config["channels"], self.config["side"])
        condition = self.level(waves(levels(sigma, u))).expand(len(u), -1)
        condition = condition + class_vector(self.label, label, len(u), self.classes)
        condition = nn.functional.silu(condition)[:, None]  # [b, 1, width]
        h = self.first(to_patches(u, self.patch)) + self.places
        for block in self.blocks:
            h = block(h, condition)
        scale, shift = self.modulate(condition).chunk(2, -1)
        return from_patches(self.last(self.norm(h) * (1 + scale) + shift), self.patch, u)


class Block(nn.Module):
    """h + gate * attention(norm(h)), then h + gate * mlp(norm(h)); scale, shift and gate come from level and label."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = (nn.LayerNorm(width, elementwise_affine=False) for _ in range(2))
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.modulate = nn.Linear(width, 6 * width)

    def forward(self, h: Tensor, condition: Tensor) -> Tensor:
        """Return the tokens `[b, n, width]` after this block."""
        scale1, shift1, gate1, scale2, shift2, gate2 = self.modulate(condition).chunk(6, -1)
        q, k, v = self.parts(self.norm1(h) * (1 + scale1) + shift1)
        read = nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        h = h + gate1 * self.out(read)
        return h + gate2 * self.mlp(self.norm2(h) * (1 + scale2) + shift2)

    def parts(self, h: Tensor) -> list[Tensor]:
        """Return queries, keys and values, each `[b, heads, n, width / heads]`."""
        return [part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in self.qkv(h).chunk(3, -1)]


def to_patches(x: Tensor, p: int) -> Tensor:
    """Cut `[b, c, h, w]` into patches, row by row: `[b, (h / p)(w / p), c p p]`."""
    return nn.functional.pixel_unshuffle(x, p).flatten(2).transpose(1, 2)


def from_patches(tokens: Tensor, p: int, x: Tensor) -> Tensor:
    """Put patches back together, into the shape of x; the inverse of `to_patches`."""
    return nn.functional.pixel_shuffle(tokens.transpose(1, 2).unflatten(2, (x.shape[2] // p, x.shape[3] // p)), p)


def places(side: int, width: int) -> Tensor:
    """Return fixed sine-cosine vectors for the places of a side x side grid, `[side^2, width]`: half y, half x."""
    rate = torch.exp(-math.log(10_000) * torch.arange(width // 4) / (width // 4))
    phase = torch.arange(side)[:, None] * rate
    line = torch.cat([phase.sin(), phase.cos()], 1)  # [side, width / 2]
    y, x = line[:, None].expand(-1, side, -1), line[None].expand(side, -1, -1)
    return torch.cat([y, x], 2).flatten(0, 1)


def attention_map(net: DiT, u: Tensor, sigma: Tensor, label: Label = None, block: int = -1) -> Tensor:
    """Return how strongly each token reads each other in a block, `[b, heads, n, n]`, rows that sum to 1."""
    seen: list[Tensor] = []
    if not -len(net.blocks) <= block < len(net.blocks):
        raise ValueError(f"block is {block}; this transformer has {len(net.blocks)}, counted from 0")
    chosen = net.blocks[block]
    assert isinstance(chosen, Block)
    handle = chosen.qkv.register_forward_hook(lambda module, inputs, output: seen.append(output))
    try:
        net(u, sigma, label)
    finally:
        handle.remove()
    q, k, _ = (part.unflatten(2, (chosen.heads, -1)).transpose(1, 2) for part in seen[0].chunk(3, -1))
    return (q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5).softmax(-1)
