"""Pictures with one interface: `load(name) -> Pictures(images uint8 [n, c, h, w], labels [n], names)`.

digits (scikit-learn, 8x8), strokes (our own pen, 28x28), fonts (28x28) and shapes (32x32, in colour, with captions)
need no network; mnist and cifar10 are fetched once (toycore/images/download.py); `from_folder` reads your own.
"""

import math
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from toycore.checks import one_of, positive
from toycore.data import Points
from toycore.images.download import cifar10, mnist

DIGITS = tuple("0123456789")


class Pictures(NamedTuple):
    """Labelled pictures: images uint8 `[n, c, h, w]`, labels int64 `[n]`, one name (or caption) per label."""

    images: Tensor
    labels: Tensor
    names: tuple[str, ...]


def take(pictures: Pictures, rows: Tensor) -> Pictures:
    """Return the chosen rows as another set of pictures."""
    return Pictures(pictures.images[rows], pictures.labels[rows], pictures.names)


def to_unit(images: Tensor) -> Tensor:
    """Map bytes 0..255 to floats in [-1, 1], where the models live."""
    return images.float() / 127.5 - 1


def to_bytes(x: Tensor) -> Tensor:
    """Map floats in [-1, 1] (clipped) to bytes 0..255."""
    return (127.5 * (x.float() + 1)).round().clamp(0, 255).to(torch.uint8)


def points(pictures: Pictures) -> Points:
    """Return pictures as `Points` in [-1, 1], which `training.train` and the metrics take."""
    images, labels, names = pictures
    return Points(to_unit(images), labels, names)


def split(pictures: Pictures, held: int, seed: int = 0) -> tuple[Pictures, Pictures]:
    """Hold out `held` pictures, the same number per class as far as it goes; return (the rest, those held out)."""
    labels = pictures.labels
    if not 0 < held < len(labels):
        raise ValueError(f"{held} of {len(labels)} pictures cannot be held out; ask for 1..{len(labels) - 1}")
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    turn = torch.empty_like(order)  # the picture is its class's turn-th in this order
    for c in labels.unique():
        mine = order[labels[order] == c]
        turn[mine] = torch.arange(len(mine))
    first = order[turn[order].argsort(stable=True)]
    return take(pictures, first[held:]), take(pictures, first[:held])


def digits() -> Pictures:
    """Return 1,797 handwritten digits, 8x8, grey: those that ship with scikit-learn."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = torch.from_numpy(found.images).mul(255 / 16).round().to(torch.uint8)[:, None]
    return Pictures(images, torch.from_numpy(found.target).long(), DIGITS)


# ---- pen strokes ---------------------------------------------------------------------------------

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


def strokes(n: int = 10_000, seed: int = 0) -> Pictures:
    """Return n digits 28x28 as a pen would write them: our own stand-in for MNIST, drawn anew for every seed.

    Each is a Catmull-Rom curve through jittered control points, bent, sheared, turned and scaled, drawn with a
    soft pen. Digits take turns, so classes are even.
    """
    rng = torch.Generator().manual_seed(seed)
    labels = torch.arange(positive(n)) % 10
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


# ---- printed digits ------------------------------------------------------------------------------

FONTS = "DejaVuSans DejaVuSans-Bold DejaVuSans-Oblique DejaVuSansMono DejaVuSansMono-Bold DejaVuSerif DejaVuSerif-Bold"
FONTS += " DejaVuSerif-Italic STIXGeneral STIXGeneralBol STIXGeneralItalic STIXGeneralBolIta cmr10 cmss10 cmtt10 cmb10"


def fonts(n: int = 10_000, seed: int = 0) -> Pictures:
    """Return n printed digits 28x28: the 16 text fonts that ship with matplotlib, at random sizes, places and turns."""
    from PIL import Image, ImageDraw, ImageFont

    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the fonts come with matplotlib, which is not installed: pip install matplotlib")
    folder, rng = Path(spec.origin).parent / "mpl-data/fonts/ttf", torch.Generator().manual_seed(seed)
    pens = [ImageFont.truetype(str(folder / f"{name}.ttf"), size) for name in FONTS.split() for size in (20, 23, 26)]
    choice = torch.randint(len(pens), (positive(n),), generator=rng).tolist()
    moves = torch.randn(n, 3, generator=rng).clamp(-2, 2).tolist()
    images = torch.empty(n, 1, 28, 28, dtype=torch.uint8)
    for i, (pen, (right, down, turn)) in enumerate(zip(choice, moves, strict=True)):
        page = Image.new("L", (28, 28))
        ImageDraw.Draw(page).text((14 + right, 14 + down), DIGITS[i % 10], 255, pens[pen], anchor="mm")
        page = page.rotate(5 * turn, Image.Resampling.BILINEAR)
        images[i, 0] = torch.frombuffer(bytearray(page.tobytes()), dtype=torch.uint8).reshape(28, 28)
    return Pictures(images, torch.arange(n) % 10, DIGITS)


# ---- captioned shapes ----------------------------------------------------------------------------

SIZES = {"small": 6.0, "large": 9.0}  # radius in pixels
COLOURS = {
    "red": (230, 40, 40), "orange": (245, 140, 20), "yellow": (245, 230, 50), "green": (40, 180, 60),
    "cyan": (60, 210, 220), "blue": (50, 80, 230), "purple": (160, 60, 200), "white": (245, 245, 245),
}  # fmt: skip
PLACES = {
    "in the centre": (0, 0), "at the upper left": (-6, -6), "at the upper right": (6, -6),
    "at the lower left": (-6, 6), "at the lower right": (6, 6),
}  # fmt: skip


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
PROMPTS = (*CAPTIONS, *(word for part in PARTS for word in part), *PAIRS)  # what a model of shapes understands


def with_short_prompts(pictures: Pictures, share: float = 0.25, seed: int = 0) -> Pictures:
    """Add a share of the shapes again under a short prompt that fits them, such as "red" or "red star"."""
    rng = torch.Generator().manual_seed(seed)
    rows = torch.randperm(len(pictures.labels), generator=rng)[: round(share * len(pictures.labels))]
    said = parts(pictures.labels[rows])
    start = torch.tensor([0, *(len(part) for part in PARTS)]).cumsum(0) + len(CAPTIONS)
    choice = torch.randint(5, (len(rows),), generator=rng)
    pair = start[4] + said[:, 1] * len(SHAPES) + said[:, 2]
    short = torch.cat([said + start[:4], pair[:, None]], 1).gather(1, choice[:, None])[:, 0]
    return Pictures(torch.cat([pictures.images, pictures.images[rows]]), torch.cat([pictures.labels, short]), PROMPTS)


def parts(labels: Tensor) -> Tensor:
    """Split caption labels into the numbers of size, colour, shape and place, `[n, 4]`."""
    return torch.stack(torch.unravel_index(labels, [len(part) for part in PARTS]), -1)


def shapes(n: int = 10_000, seed: int = 0) -> Pictures:
    """Return n coloured shapes 32x32 with captions such as "a large red star at the upper left"; 400 captions.

    Place, size and turn are jittered; edges are soft (one pixel wide), the ground is nearly black.
    """
    rng = torch.Generator().manual_seed(seed)
    labels = torch.randint(len(CAPTIONS), (positive(n),), generator=rng)
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


# ---- your own ------------------------------------------------------------------------------------

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"}


def from_folder(path: str | Path, size: int = 32) -> Pictures:
    """Read a folder of pictures, cut to the central square and scaled to size x size, RGB; subfolders are classes."""
    folder = Path(path)
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder}; give one with pictures, or with one folder per class")
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    if not files:
        raise ValueError(f"{folder} holds no picture; it needs files that end in {', '.join(sorted(SUFFIXES))}")
    kinds = [file.relative_to(folder).parts[0] if file.parent != folder else "all" for file in files]
    names = tuple(dict.fromkeys(kinds))
    images = torch.stack([_picture(file, positive(size, "size")) for file in files])
    return Pictures(images, torch.tensor([names.index(kind) for kind in kinds]), names)


def _picture(file: Path, size: int) -> Tensor:
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as image:
            page = ImageOps.fit(image.convert("RGB"), (size, size))
    except OSError as error:
        raise ValueError(f"{file} cannot be read as a picture ({type(error).__name__}); mend or remove it") from None
    return torch.frombuffer(bytearray(page.tobytes()), dtype=torch.uint8).reshape(size, size, 3).permute(2, 0, 1)


def _mnist() -> Pictures:
    return Pictures(*mnist(), DIGITS)


def _cifar10() -> Pictures:
    return Pictures(*cifar10())


SETS: dict[str, Callable[[], Pictures]] = {
    "digits": digits, "strokes": strokes, "fonts": fonts, "shapes": shapes, "mnist": _mnist, "cifar10": _cifar10,
}  # fmt: skip


def load(name: str | Path, **options: Any) -> Pictures:
    """Return pictures by name (digits, strokes, fonts, shapes, mnist, cifar10), or of a folder of your own."""
    if Path(name).is_dir():
        return from_folder(name, **options)
    return SETS[one_of(str(name), SETS, "set of pictures")](**options)
