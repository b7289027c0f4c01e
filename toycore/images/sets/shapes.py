"""Coloured shapes, 32x32, with captions such as "a large red star at the upper left"."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from toycore import checks
from toycore.images.sets import Pictures, labelled
from toycore.types import seeded

SIZES = {"small": 6.0, "large": 9.0}  # radius in pixels
COLOURS = {
    "red": (230, 40, 40),
    "orange": (245, 140, 20),
    "yellow": (245, 230, 50),
    "green": (40, 180, 60),
    "cyan": (60, 210, 220),
    "blue": (50, 80, 230),
    "purple": (160, 60, 200),
    "white": (245, 245, 245),
}
PLACES = {
    "in the centre": (0, 0),
    "at the upper left": (-6, -6),
    "at the upper right": (6, -6),
    "at the lower left": (-6, 6),
    "at the lower right": (6, 6),
}


def circle(x: Tensor, y: Tensor) -> Tensor:
    """Signed distance to a circle of radius 1 (below 0 inside), as all shapes here."""
    return (x**2 + y**2).sqrt() - 1


def square(x: Tensor, y: Tensor) -> Tensor:
    """Signed distance to a square of half width .85."""
    return torch.maximum(x.abs(), y.abs()) - 0.85


def triangle(x: Tensor, y: Tensor) -> Tensor:
    """Signed distance to an upright triangle of circumradius 1.15, moved down a little."""
    y = y - 0.2
    return torch.maximum(y, 0.866 * x.abs() - 0.5 * y) - 0.575


def cross(x: Tensor, y: Tensor) -> Tensor:
    """Signed distance to a plus sign with arms of half width .32."""
    far, near = torch.maximum(x.abs(), y.abs()), torch.minimum(x.abs(), y.abs())
    return torch.maximum(far - 1, near - 0.32)


def star(x: Tensor, y: Tensor) -> Tensor:
    """Signed distance to a five-pointed star: one edge, folded by the symmetry of 36 degrees."""
    fifth = 2 * math.pi / 5
    angle = ((torch.atan2(x, -y) + fifth / 2) % fifth - fifth / 2).abs()
    radius, tip, dent = (x**2 + y**2).sqrt(), 1.2, 0.46
    edge = torch.tensor([dent * math.cos(fifth / 2) - tip, dent * math.sin(fifth / 2)])
    normal = torch.stack([edge[1], -edge[0]]) / edge.norm()
    return (radius * angle.cos() - tip) * normal[0] + radius * angle.sin() * normal[1]


SHAPES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {f.__name__: f for f in (circle, square, triangle, cross, star)}
PARTS = tuple(SIZES), tuple(COLOURS), tuple(SHAPES), tuple(PLACES)
CAPTIONS = tuple(f"a {s} {c} {f} {p}" for s in PARTS[0] for c in PARTS[1] for f in PARTS[2] for p in PARTS[3])

PAIRS = tuple(f"{c} {f}" for c in PARTS[1] for f in PARTS[2])
PROMPTS = (*CAPTIONS, *(name for part in PARTS for name in part), *PAIRS)  # what a model of shapes understands


def with_short_prompts(pictures: Pictures, share: float = 0.25, seed: int = 0) -> Pictures:
    """Add a share of the shapes again under a short prompt that fits them, such as "red" or "red star"."""
    if labelled(pictures).names != CAPTIONS:
        raise ValueError(
            f"short prompts fit shapes only; these pictures are called {', '.join(pictures.names[:3])}, ..."
        )
    rng, n = seeded(seed), len(pictures.labels)
    rows = torch.randperm(n, generator=rng)[: round(checks.share(share, "share") * n)]
    indices = parts(pictures.labels[rows])
    start = torch.tensor([0, *(len(part) for part in PARTS)]).cumsum(0) + len(CAPTIONS)
    choice = torch.randint(5, (len(rows),), generator=rng)
    pair = start[4] + indices[:, 1] * len(SHAPES) + indices[:, 2]
    short = torch.cat([indices + start[:4], pair[:, None]], 1).gather(1, choice[:, None])[:, 0]
    return Pictures(torch.cat([pictures.images, pictures.images[rows]]), torch.cat([pictures.labels, short]), PROMPTS)


def complete(prompt: str, n: int, seed: int = 0) -> Tensor:
    """Return the numbers of n whole captions that have all the words of a prompt, each as likely as any other, `[n]`.

    Text-to-image systems rewrite short prompts so, since most of their training captions were long (Betker et al. 2023,
    Improving image generation with better captions).
    """
    words = f" {checks.one_of(prompt, PROMPTS, 'prompt of shapes')} "
    fit = torch.tensor([i for i, caption in enumerate(CAPTIONS) if words in f" {caption} "])
    return fit[torch.randint(len(fit), (checks.positive(n),), generator=seeded(seed))]


def parts(labels: Tensor) -> Tensor:
    """Split caption labels into the numbers of size, colour, shape and place, `[n, 4]`."""
    if not isinstance(labels, Tensor) or labels.is_floating_point():
        raise TypeError(f"labels are {labels!r}; they must be a tensor of captions' numbers")
    if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < len(CAPTIONS):
        raise ValueError(
            f"labels run from {int(labels.min())} to {int(labels.max())}; captions have 0..{len(CAPTIONS) - 1}"
        )
    return torch.stack(torch.unravel_index(labels, [len(part) for part in PARTS]), -1)


def load(n: int = 10_000, seed: int = 0) -> Pictures:
    """Return n coloured shapes 32x32 with captions such as "a large red star at the upper left"; 400 captions.

    Place, size and turn are jittered; edges are soft (one pixel wide), the ground is nearly black.
    """
    checks.positive(n), checks.at_least(0, seed, "seed")
    rng = seeded(seed)
    labels = torch.randint(len(CAPTIONS), (n,), generator=rng)
    size, colour, shape, place = parts(labels).unbind(-1)
    radius = torch.tensor(list(SIZES.values()))[size] * (1 + 0.05 * torch.randn(n, generator=rng))
    centre = torch.tensor(list(PLACES.values()))[place] + 15.5 + 0.7 * torch.randn(n, 2, generator=rng)
    turn = 0.1 * torch.randn(n, generator=rng).clamp(-2, 2)
    cover = torch.empty(n, 1, 32, 32)
    for i, distance in enumerate(SHAPES.values()):
        rows = (shape == i).nonzero().flatten()
        cover[rows, 0] = _cover(distance, centre[rows], radius[rows], turn[rows])
    paint = torch.tensor(list(COLOURS.values()))[colour] * (1 - 0.1 * torch.rand(n, 1, generator=rng))
    ground = 30 * torch.rand(n, 1, generator=rng).expand(n, 3)
    picture = cover * paint[:, :, None, None] + (1 - cover) * ground[:, :, None, None]
    return Pictures(picture.round().to(torch.uint8), labels, CAPTIONS)


def _cover(distance: Callable[[Tensor, Tensor], Tensor], centre: Tensor, radius: Tensor, turn: Tensor) -> Tensor:
    """Return the share of each pixel that a shape covers, `[n, 32, 32]`, from its signed distance."""
    line = torch.arange(32.0)
    x = line - centre[:, 0, None, None]
    y = line[:, None] - centre[:, 1, None, None]
    c, s, r = (value[:, None, None] for value in (turn.cos(), turn.sin(), radius))
    return (0.5 - r * distance((c * x + s * y) / r, (c * y - s * x) / r)).clamp(0, 1)
