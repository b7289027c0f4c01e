"""Point sets in the plane, small enough to look at every point.

Each returns `Points(x, label, names)`: x `[n, 2]` float32, label `[n]` int64 and one name per class.
"""

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from toycore.checks import above, as_batch, at_least, file_path, keywords, number, numbers, one_of, positive
from toycore.types import seeded

LOW, HIGH = 0.5 * math.pi, 5.5 * math.pi  # the spiral's angle theta


class Points(NamedTuple):
    """A labelled set of points."""

    x: Tensor
    label: Tensor
    names: tuple[str, ...]


def _points(x: Tensor, label: Tensor | None = None, names: tuple[str, ...] = ("all",)) -> Points:
    label = torch.zeros(len(x), dtype=torch.int64) if label is None else label.long()
    return Points(x.float(), label, names)


def spiral_curve(theta: Tensor) -> Tensor:
    """Return the point of the spiral at angle theta: theta (cos theta, sin theta) / (5 pi)."""
    theta = numbers(theta, "theta", "angles, a tensor of floats")
    return theta[..., None] * torch.stack([theta.cos(), theta.sin()], -1) / (5 * math.pi)


def arc_classes(n: int, classes: int) -> Tensor:
    """Cut n places along a curve into equal consecutive classes 0..classes-1."""
    if positive(classes, "classes") > positive(n):
        raise ValueError(f"{n} points cannot be cut into {classes} classes; ask for n >= classes")
    return torch.arange(n) * classes // n


def spiral(n: int = 100, classes: int = 1) -> Points:
    """Return n points on the spiral theta (cos, sin) / (5 pi), theta even in [pi/2, 5.5 pi]; classes are arcs from
    the inside out.
    """
    label = arc_classes(n, classes)
    names = ("all",) if classes == 1 else ("inner", "middle", "outer") if classes == 3 else _arcs(classes)
    return _points(spiral_curve(torch.linspace(LOW, HIGH, n, dtype=torch.float64)), label, names)


def _arcs(classes: int) -> tuple[str, ...]:
    return tuple(f"arc {i}" for i in range(classes))


def moons(n: int = 100, noise: float = 0.05, seed: int = 0) -> Points:
    """Return two interleaved half circles (scikit-learn's make_moons), centred and scaled into [-1, 1]^2."""
    from sklearn.datasets import make_moons

    number(noise, "noise", 0), at_least(0, seed, "seed")
    x, label = make_moons(positive(n), noise=noise, random_state=seed)
    return _points(into_box(torch.from_numpy(x)), torch.from_numpy(label), ("upper", "lower"))


def rings(n: int = 100, noise: float = 0.02, seed: int = 0) -> Points:
    """Return two concentric circles (scikit-learn's make_circles), radii 1 and 0.5."""
    from sklearn.datasets import make_circles

    number(noise, "noise", 0), at_least(0, seed, "seed")
    x, label = make_circles(positive(n), noise=noise, factor=0.5, random_state=seed)
    return _points(torch.from_numpy(x), torch.from_numpy(label), ("outer", "inner"))


def eight(n: int = 100) -> Points:
    """Return a figure of eight, the lemniscate of Gerono (sin a, sin a cos a), one class per loop."""
    a = torch.arange(positive(n)) * (2 * math.pi / n)
    return _points(torch.stack([a.sin(), a.sin() * a.cos()], -1), (a >= math.pi), ("right", "left"))


def tree(n: int = 100, depth: int = 5) -> Points:
    """Return a binary tree drawn as branches; classes are the two limbs with their twigs (the trunk is the left's)."""
    if positive(depth, "depth") > 12:
        raise ValueError(f"depth is {depth}; a tree has 2^depth branches, too many to draw: ask for at most 12")
    segments = _branches(torch.tensor([0.0, -0.9]), math.pi / 2, 0.55, depth)
    start, end = (torch.stack(ends) for ends in zip(*segments, strict=True))
    length = (end - start).norm(dim=1)
    place = (torch.arange(positive(n)) + 0.5) / n * length.sum()  # even along the total length
    which = torch.searchsorted(length.cumsum(0), place).clamp(max=len(length) - 1)
    along = 1 - (length.cumsum(0)[which] - place) / length[which]
    x = start[which] + along[:, None] * (end - start)[which]
    return _points(x, which > len(length) // 2, ("left", "right"))  # the trunk, the left limb, the right limb


def _branches(root: Tensor, angle: float, length: float, depth: int) -> list[tuple[Tensor, Tensor]]:
    tip = root + length * torch.tensor([math.cos(angle), math.sin(angle)])
    if depth == 1:
        return [(root, tip)]
    grow = [_branches(tip, angle + turn, 0.72 * length, depth - 1) for turn in (0.45, -0.45)]
    return [(root, tip), *grow[0], *grow[1]]


def checkerboard(n: int = 100, seed: int = 0) -> Points:
    """Return points uniform on the dark squares of a 4 x 4 board on [-1, 1]^2; classes are the board's two halves."""
    rng = seeded(at_least(0, seed, "seed"))
    square = torch.randint(8, (positive(n),), generator=rng)
    row = square // 2
    column = 2 * (square % 2) + row % 2
    x = torch.stack([column, row], -1) + torch.rand(n, 2, generator=rng)
    return _points(x / 2 - 1, column >= 2, ("left", "right"))


def into_box(x: Tensor) -> Tensor:
    """Move the mean to 0 and scale so that the largest coordinate is 1; the shape is kept."""
    x = as_batch(x) - x.mean(0)
    return x / x.abs().max().clamp(min=1e-12)


def from_csv(path: str | Path) -> Points:
    """Read x, y and an optional third column of class names from a CSV file; centred and scaled by `into_box`.

    A first line without a number is taken as the header. Errors name the file, the line and what stands there.
    """
    rows = _csv_rows(file_path(path, "a CSV file with the columns x,y[,class]"))
    x = torch.tensor([[float(r[0]), float(r[1])] for r in rows], dtype=torch.float64)
    if x.std(0, correction=0).max() == 0:
        raise ValueError(f"{path} holds {len(x)} times the same point; at least two different points are needed")
    named = [r[2] if len(r) > 2 else "all" for r in rows]
    names = tuple(dict.fromkeys(named))
    return _points(into_box(x), torch.tensor([names.index(c) for c in named]), names)


def _csv_rows(path: Path) -> list[list[str]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = [(i, [cell.strip() for cell in row]) for i, row in enumerate(csv.reader(file), 1) if any(row)]
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text file ({error.reason}); save it as CSV in UTF-8") from None
    if lines and not any(map(_number, lines[0][1][:2])):
        lines = lines[1:]  # header
    for i, row in lines:
        if len(row) not in (2, 3) or not all(map(_number, row[:2])):
            raise ValueError(
                f"{path}, line {i} reads {','.join(row)!r}; it must be two numbers x,y and at most a class name"
            )
        if not all(math.isfinite(float(cell)) for cell in row[:2]):
            raise ValueError(f"{path}, line {i} reads {','.join(row)!r}, which holds NaN or infinity; remove it")
    if len(lines) < 2:
        raise ValueError(f"{path} holds {len(lines)} points; at least two are needed, one x,y per line")
    return [row for _, row in lines]


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def from_image(path: str | Path, n: int = 1000, dark: float = 0.5, seed: int = 0) -> Points:
    """Draw n points from the dark pixels of a picture (PNG), up is up; centred and scaled by `into_box`.

    A pixel is dark when its grey value (0 black, 1 white, transparent = white) is below `dark`; points are jittered
    within their pixel.
    """
    positive(n), above(dark, "dark")
    grey = _grey(file_path(path, "a picture"))
    ink = (grey < dark).nonzero().double()
    if len(ink) == 0:
        raise ValueError(
            f"{path} has no pixel darker than {dark} (darkest: {float(grey.min()):.2f}); raise dark=, or invert it"
        )
    rng = seeded(at_least(0, seed, "seed"))
    pixel = ink[torch.randint(len(ink), (positive(n),), generator=rng)] + torch.rand(
        n, 2, generator=rng, dtype=torch.float64
    )
    return _points(into_box(torch.stack([pixel[:, 1], -pixel[:, 0]], -1)))


def _grey(path: Path) -> Tensor:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            deep = image.mode.startswith("I;16")  # convert would cut 16 bits per pixel off at 255
            picture = (image.convert("I").point(lambda v: v / 257).convert("L") if deep else image).convert("RGBA")
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError) as error:
        raise ValueError(
            f"{path} cannot be read as a picture ({type(error).__name__}); save it as PNG or JPEG"
        ) from None
    canvas = Image.new("RGBA", picture.size, "white")
    canvas.alpha_composite(picture)
    rows = torch.frombuffer(bytearray(canvas.convert("L").tobytes()), dtype=torch.uint8)
    return rows.reshape(picture.height, picture.width).double() / 255


SHAPES: dict[str, Callable[..., Points]] = {f.__name__: f for f in (spiral, moons, rings, eight, tree, checkerboard)}


def load(name: str, **options: int) -> Points:
    """Return a shape by its name: spiral, moons, rings, eight, tree, checkerboard."""
    shape = SHAPES[one_of(name, SHAPES, "data set")]
    return shape(**keywords(options, shape, f"data.{name}"))
