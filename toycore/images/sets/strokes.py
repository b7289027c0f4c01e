"""Digits of our own pen, 28x28: Catmull-Rom curves through a few control points."""

import math

import torch
from torch import Tensor

from toycore.checks import at_least, positive
from toycore.images.sets import DIGITS, Pictures
from toycore.types import seeded

GLYPHS: list[tuple[int, list[str]]] = [  # (digit, strokes): two decimal digits per point, x right and y down, of 10
    (0, ["51 22 15 28 49 69 86 84 72 51"]),
    (1, ["50 53 56 59"]),
    (1, ["33 50 50 54 59"]),
    (2, ["23 41 71 83 56 29 29 59 89"]),
    (3, ["22 50 72 64 44 44 75 77 59 28"]),
    (4, ["30 23 26 26 56 96", "72 75 79"]),
    (4, ["60 43 16 16 56 96", "60 65 69"]),
    (5, ["80 50 30 30 24 24 53 75 78 49 28"]),
    (6, ["70 42 26 28 59 78 76 54 26"]),
    (7, ["21 51 81 81 64 46 49"]),
    (7, ["21 51 81 81 64 46 49", "35 55 75"]),
    (8, ["72 50 31 34 65 77 59 28 36 64 72"]),
    (9, ["73 60 31 24 55 73 71 75 69"]),
]


def load(n: int = 10_000, seed: int = 0) -> Pictures:
    """Return n digits 28x28 as a pen would write them: our own stand-in for MNIST, drawn anew for every seed.

    Each is a Catmull-Rom curve through jittered control points, bent, sheared, turned and scaled, drawn with a
    soft pen. Digits take turns, so classes are even.
    """
    positive(n), at_least(0, seed, "seed")
    rng = seeded(seed)
    labels = torch.arange(n) % 10
    images = torch.empty(n, 1, 28, 28, dtype=torch.uint8)
    style = torch.rand(n, generator=rng)
    for digit in range(10):
        variants = [lines for d, lines in GLYPHS if d == digit]
        for i, lines in enumerate(variants):
            rows = ((labels == digit) & ((style * len(variants)).long() == i)).nonzero().flatten()
            for part in rows.split(500):
                images[part] = _ink(_pen(lines, len(part), rng), rng)
    return Pictures(images, labels, DIGITS)


def _pen(lines: list[str], n: int, rng: torch.Generator) -> Tensor:
    """Return n jittered and bent versions of a glyph as dots along its strokes, `[n, dots, 2]`, about the origin."""
    strokes = [torch.tensor([[int(p[0]), int(p[1])] for p in line.split()]) / 10 - 0.5 for line in lines]
    dots = [catmull_rom(stroke + 0.028 * torch.randn(n, *stroke.shape, generator=rng)) for stroke in strokes]
    x = torch.cat(dots, 1)
    wave = 2 * math.pi * torch.rand(n, 1, 2, generator=rng)
    x = x + 0.035 * torch.randn(n, 1, 2, generator=rng) * (4 * x.flip(-1) + wave).sin()
    turn = 0.12 * torch.randn(n, generator=rng)
    shear = 0.18 * torch.randn(n, generator=rng)
    wide, high = (1 + 0.1 * torch.randn(2, n, generator=rng)).clamp(0.75, 1.2)
    c, s = turn.cos(), turn.sin()
    rows = torch.stack([c * wide, (c * shear - s) * high, s * wide, (s * shear + c) * high], -1).reshape(n, 2, 2)
    return x @ rows.mT


def catmull_rom(control: Tensor, dots: int = 12) -> Tensor:
    """Return a smooth curve through control points `[n, k, 2]`: `dots` places per piece, `[n, (k - 1) dots, 2]`.

    p(u) = (2 p1 + (p2 - p0) u + (2 p0 - 5 p1 + 4 p2 - p3) u^2 + (3 p1 - p0 - 3 p2 + p3) u^3) / 2 (Catmull & Rom 1974);
    a control point given twice makes a corner.
    """
    p = torch.cat([control[:, :1], control, control[:, -1:]], 1)
    p0, p1, p2, p3 = (p[:, i : p.shape[1] - 3 + i, None] for i in range(4))
    u = torch.linspace(0, 1, dots)[:, None]
    curve = 2 * p1 + (p2 - p0) * u + (2 * p0 - 5 * p1 + 4 * p2 - p3) * u**2 + (3 * p1 - p0 - 3 * p2 + p3) * u**3
    return (curve / 2).flatten(1, 2)


def _ink(dots: Tensor, rng: torch.Generator) -> Tensor:
    """Draw dots `[n, dots, 2]` with a soft pen of random width as bytes `[n, 1, 28, 28]`."""
    n = len(dots)
    place = 13.5 + 0.7 * torch.randn(n, 1, 2, generator=rng) + 20 * dots
    width = 1.0 + 0.3 * torch.rand(n, 1, 1, generator=rng)
    line = torch.arange(28.0)
    far = (place[..., 0, None] - line) ** 2  # [n, dots, 28]
    high = (place[..., 1, None] - line) ** 2
    nearest = torch.stack([(far + high[:, :, i, None]).amin(1) for i in range(28)], 1)  # [n, 28, 28]
    return (255 * torch.sigmoid((width - nearest.sqrt()) / 0.3)).round().to(torch.uint8)[:, None]
