"""Pictures of pictures, without matplotlib: a sheet of samples, a curve of losses."""

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from toycore.checks import at_least, named, positive
from toycore.types import State

if TYPE_CHECKING:
    from PIL.Image import Image


def tile(images: Tensor, columns: int, gap: int = 1) -> Tensor:
    """Lay pictures `[n, c, h, w]` row by row on one, `[c, rows (h + gap) - gap, columns (w + gap) - gap]`; rest 0."""
    if not isinstance(images, Tensor) or images.ndim != 4 or not len(images):
        given = tuple(images.shape) if isinstance(images, Tensor) else named(images)
        raise ValueError(f"images are {given}; they must be a tensor of pictures [n, c, h, w], n >= 1")
    positive(columns, "columns"), at_least(0, gap, "gap")
    n, c, h, w = images.shape
    rows = -(-n // columns)
    page = images.new_zeros(c, rows * (h + gap) - gap, columns * (w + gap) - gap)
    for i, image in enumerate(images):
        y, x = (i // columns) * (h + gap), (i % columns) * (w + gap)
        page[:, y : y + h, x : x + w] = image
    return page


def film(walks: Iterable[Iterable[State]], columns: int = 10) -> Tensor:
    """Lay out what the denoiser predicts at every step of walks of grey pictures, as bytes `[steps, walks, h, w]`."""

    def page(x: Tensor) -> Tensor:
        return tile((127.5 * (x.clamp(-1, 1) + 1)).round().to(torch.uint8), columns)[0]

    return torch.stack([torch.stack([page(state.x0_hat) for state in walk]) for walk in walks], 1)


def sheet(images: Tensor, columns: int = 10, side: int = 640) -> "Image":
    """Return bytes `[n, 1 or 3, h, w]` as one image, magnified by whole steps to at most about `side` pixels."""
    from PIL import Image

    page = tile(images, columns).permute(1, 2, 0).squeeze(-1).contiguous()
    image = Image.fromarray(page.numpy())
    zoom = max(1, side // image.width)
    return image.resize((zoom * image.width, zoom * image.height), Image.Resampling.NEAREST)


def loss_plot(losses: Sequence[float], size: tuple[int, int] = (640, 320), points: int = 200) -> "Image":
    """Draw the loss against the step: means over stretches of steps, a logarithmic axis, its ends in figures."""
    from PIL import Image, ImageDraw

    if not len(losses):
        raise ValueError("there is no loss to draw yet; train one step or more")
    wide, high = size
    page = Image.new("L", size, 255)
    pen = ImageDraw.Draw(page)
    means = [float(part.mean()) for part in torch.tensor(losses, dtype=torch.float64).chunk(points)]
    ys = [math.log(max(value, 1e-12)) for value in means]
    low, span = min(ys), max(max(ys) - min(ys), 1e-9)
    xs = [50 + (wide - 70) * i / max(1, len(ys) - 1) for i in range(len(ys))]
    pen.line([(x, high - 30 - (high - 50) * (y - low) / span) for x, y in zip(xs, ys)], fill=0, width=2)
    pen.text((5, 15), f"{max(means):.3g}", fill=90)
    pen.text((5, high - 36), f"{min(means):.3g}", fill=90)
    pen.text((50, high - 16), f"loss over {len(losses)} steps", fill=90)
    return page
