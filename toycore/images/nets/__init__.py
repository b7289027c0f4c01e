"""Networks for pictures: U-Net, transformer, autoencoder, CLIP; and what each needs as input."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from toycore.checks import at_least, batched, finite, level, positive


def pictures(x: Tensor, net: nn.Module, channels: int, side: int = 0, multiple: int = 1, what: str = "x") -> Tensor:
    """Return x if it is a batch of pictures that the network can take; otherwise say what is needed."""
    need = f"this network takes pictures [b, {channels}, {side or 'height'}, {side or 'width'}]"
    if isinstance(x, Tensor) and x.dtype == torch.uint8:
        raise TypeError(f"{what} holds bytes; {need} in [-1, 1]: use sets.to_unit({what})")
    shape = tuple(batched(x, what).shape)
    if x.ndim != 4 or shape[1] != channels or (side and shape[2:] != (side, side)):
        raise ValueError(f"{what} has shape {shape}; {need}")
    if shape[2] % multiple or shape[3] % multiple:
        raise ValueError(f"{what} has shape {shape}; {need} whose sides are multiples of {multiple}")
    weights = next(net.parameters()).dtype
    if x.dtype != weights:
        raise TypeError(f"{what} has dtype {x.dtype}; this network has weights of {weights}: use {what}.to({weights})")
    return finite(x, what) if x.device.type == "cpu" else x  # to look at a number on a GPU is to wait for it


def levels(sigma: Tensor | float, u: Tensor) -> Tensor:
    """Return noise levels (or flow times) as `[1]` or `[b]`."""
    return level(sigma, u).flatten()


def sizes(**named: int) -> None:
    """Check that each number is whole and at least 1."""
    for what, value in named.items():
        positive(value, what)


def divides(part: int, whole: int, of: str, need: str) -> None:
    """Check that a number is a multiple of another."""
    if whole % part:
        raise ValueError(f"{of} is {whole}; it must be a multiple of {part}, {need}")


def labelling(classes: int, captions: Iterable[str] = ()) -> None:
    """Check that a network has classes or captions, not both, and that captions are a tuple of texts."""
    at_least(0, classes, "classes")
    if isinstance(captions, str) or not all(isinstance(caption, str) for caption in captions):
        raise TypeError(f"captions are {captions!r}; they must be a tuple of texts, such as ('a red star',)")
    if classes and captions:
        raise ValueError(f"there are {classes} classes and captions; a network reads one or the other")
