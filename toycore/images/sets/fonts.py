"""Printed digits, 28x28, in the fonts that ship with matplotlib."""

from importlib.util import find_spec
from pathlib import Path

import torch

from toycore.checks import at_least, positive
from toycore.images.sets import DIGITS, Pictures
from toycore.types import seeded

FONTS = "DejaVuSans DejaVuSans-Bold DejaVuSans-Oblique DejaVuSansMono DejaVuSansMono-Bold DejaVuSerif DejaVuSerif-Bold"
FONTS += " DejaVuSerif-Italic STIXGeneral STIXGeneralBol STIXGeneralItalic STIXGeneralBolIta cmr10 cmss10 cmtt10 cmb10"


def load(n: int = 10_000, seed: int = 0) -> Pictures:
    """Return n printed digits 28x28: the 16 text fonts that ship with matplotlib, at random sizes, places and turns."""
    from PIL import Image, ImageDraw, ImageFont

    positive(n), at_least(0, seed, "seed")
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("the fonts come with matplotlib, which is not installed: pip install matplotlib")
    folder, rng = Path(spec.origin).parent / "mpl-data/fonts/ttf", seeded(seed)
    pens = [ImageFont.truetype(str(folder / f"{name}.ttf"), size) for name in FONTS.split() for size in (20, 23, 26)]
    choice = torch.randint(len(pens), (n,), generator=rng).tolist()
    moves = torch.randn(n, 3, generator=rng).clamp(-2, 2).tolist()
    images = torch.empty(n, 1, 28, 28, dtype=torch.uint8)
    for i, (pen, (right, down, turn)) in enumerate(zip(choice, moves, strict=True)):
        page = Image.new("L", (28, 28))
        ImageDraw.Draw(page).text((14 + right, 14 + down), DIGITS[i % 10], 255, pens[pen], anchor="mm")
        page = page.rotate(5 * turn, Image.Resampling.BILINEAR)
        images[i, 0] = torch.frombuffer(bytearray(page.tobytes()), dtype=torch.uint8).reshape(28, 28)
    return Pictures(images, torch.arange(n) % 10, DIGITS)
