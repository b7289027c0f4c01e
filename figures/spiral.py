"""The picture of the README: the same walk down the exact field and down the shipped learned one."""

import io
from pathlib import Path

from PIL import Image

import toycore
from toycore import demo, exact, mixtures, plots

if __name__ == "__main__":
    fig = demo.picture(exact.posterior_mean(mixtures.spiral()), toycore.load("spiral"))
    small = Image.open(io.BytesIO(plots.png(fig))).convert("RGB").quantize(128)
    small.save(Path(__file__).with_suffix(".png"), optimize=True)
