"""The README's picture, one walk down two fields; run as a script, this file writes it as a small PNG beside itself."""

import io
from pathlib import Path

from matplotlib.figure import Figure

import toycore
from figures._scene import D
from toycore.programs import demo

SIZE = demo.SIZE
CAPTION = "The same noise, the same steps: above with the exact answer, below with a small network."
ALT = (
    "Two rows of four panels. Above, the exact field carries 500 points from noise to a spiral; below, a learned field"
    " carries the same noise to nearly the same points."
)


def draw(fig: Figure) -> None:
    demo.draw(fig, D, toycore.load("spiral"))


if __name__ == "__main__":
    from PIL import Image

    image = Image.open(io.BytesIO(demo.picture(D, toycore.load("spiral"))))
    image.convert("RGB").quantize(128).save(Path(__file__).with_suffix(".png"), optimize=True)
