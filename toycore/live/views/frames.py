"""The frames view: precomputed pictures under one slider or two."""

from collections.abc import Iterable, Sequence, Sized
from typing import Any

import numpy as np
import torch
from torch import Tensor

from toycore.checks import named, texts
from toycore.live.controls import BUTTONS, slider
from toycore.live.engine import View
from toycore.live.payload import Payload


def frames(
    images: Any,
    captions: list[str] | None = None,
    names: str | Sequence[str] = "step",
    values: Sequence[Any] | None = None,
    **start: Any,
) -> View:
    """Show precomputed pictures under one slider or two: images [a, h, w], [a, h, w, 3], or with a second
    axis [a, b, ...].

    Values in [0, 1], or uint8. names: what the sliders mean, one or two; captions: one line per picture, or per
    picture of the first axis; values: what the sliders show in place of 0, 1, 2, ..., one list per slider. Values of
    the view: step, second. Play runs through the first axis.
    """
    names = tuple(texts(names, "names", "what the slider shows, or two such names: names=('step', 'scale')"))
    pixels = as_bytes(shaped(np.asarray(images.detach().cpu() if isinstance(images, Tensor) else images), len(names)))
    axes = zip(("step", "second"), (*names, ""), pixels.shape)
    captions = lines(captions, len(pixels), pixels.shape[1])
    places = shown(values, captions, pixels.shape[: len(names)])
    step, second = (
        slider(role, name, 0, max(1, n - 1), 1, 0.0, digits=0, **own) for (role, name, n), own in zip(axes, places)
    )
    last = len(pixels) - 1
    play = {"role": "step", "from": 0, "to": last, "by": 1, "seconds": max(2, (last + 1) / 10)}
    meta = {
        "play": play,
        "layout": "below",
        "front": len(names),
        "aspect": 1.5,
        "captions": captions,
        "axes": list(names),
    }
    meta["buttons"] = [button for button in BUTTONS if button != "renew"]  # there is no noise to renew
    controls = [step, second if names[1:] else second.hidden()]
    return View("frames", " and ".join(names), Payload(arrays={"images": pixels}), controls, still, start, **meta)


def lines(captions: list[str] | None, n: int, second: int) -> list[str]:
    """Return captions if there is one per picture, or per picture of the first axis, or none at all."""
    if captions is None:
        return []
    captions = texts(captions, "captions", "a list of strings, one per picture")
    if len(captions) not in (n, n * second):
        each = f"{n} pictures" if second == 1 else f"{n} x {second} pictures"
        raise ValueError(f"captions has {len(captions)} line(s) for {each}; give one per picture, or none")
    return captions


def shown(values: Sequence[Any] | None, captions: list[str], counts: Sequence[int]) -> list[dict[str, Any]]:
    """Return what each of two sliders shows for its places: the values given, the captions of a single one, or
    indices.
    """
    if values is None:
        return [{"texts": captions} if captions and len(counts) == 1 else {}, {}]
    lists = [values] if len(counts) == 1 else list(values) if isinstance(values, Iterable) else [values]
    if any(isinstance(own, str) or not isinstance(own, Sized) for own in lists):
        raise TypeError(
            f"values is {named(values)}; give a list of one value per picture, and two such lists for two sliders"
        )
    if [len(own) for own in lists] != list(counts):
        raise ValueError(
            f"values have {[len(own) for own in lists]} entries for {list(counts)} pictures; give one value per"
            " picture of each slider"
        )
    return [{"texts": [str(value) for value in own]} for own in lists] + [{}]


def shaped(pixels: np.ndarray, axes: int) -> np.ndarray:
    """Return pictures under one or two sliders as `[a, b, h, w, channels]` with one or three channels."""
    colour = pixels.ndim == axes + 3 and pixels.shape[-1] in (1, 3)
    if not pixels.size or axes not in (1, 2) or not (colour or pixels.ndim == axes + 2):
        raise ValueError(
            f"images have shape {pixels.shape} for {axes} slider(s); give [a, h, w] or [a, h, w, 3], with"
            " names=(first, second) and [a, b, ...] for two sliders"
        )
    pixels = pixels if colour else pixels[..., None]
    return pixels if axes == 2 else pixels[:, None]


def as_bytes(pixels: np.ndarray) -> np.ndarray:
    """Return pictures as uint8: floats are read in [0, 1], a little beyond is cut off."""
    if pixels.dtype == np.uint8:
        return pixels
    if not np.issubdtype(pixels.dtype, np.floating):
        raise ValueError(f"images have dtype {pixels.dtype}; give floats in [0, 1], or bytes 0..255 as uint8")
    if not np.isfinite(pixels).all():
        raise ValueError("images hold NaN or infinity; give values in [0, 1]")
    if pixels.size and (pixels.min() < -1 or pixels.max() > 2):
        raise ValueError(f"images run from {pixels.min():.3g} to {pixels.max():.3g}; give values in [0, 1], or uint8")
    return (255 * pixels.clip(0, 1)).round().astype(np.uint8)


def still(view: View, most: int = 8) -> Any:
    """Draw up to eight pictures of the first axis in a row, at the second axis' place."""
    from toycore import plots

    pixels = view.payload.arrays["images"]
    column = min(round(view.second), pixels.shape[1] - 1)
    rows = np.unique(np.linspace(0, len(pixels) - 1, most).round().astype(int))
    texts = view.meta["controls"][0].get("texts", range(1, len(pixels) + 1))
    fig, axes = plots.figure(1, len(rows), size=(1.4, 1.7), squeeze=False)
    for ax, row in zip(axes[0], rows, strict=True):
        plots.image(ax, torch.from_numpy(pixels[row, column]).permute(2, 0, 1), 0, 255)
        ax.set_title(f"{texts[row]}")
    return fig
