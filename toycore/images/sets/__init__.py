"""Pictures with one interface: `load(name) -> Pictures(images uint8 [n, c, h, w], labels [n], names)`.

digits (scikit-learn, 8x8), mnist-test (a thousand of MNIST's, 28x28), strokes (our own pen, 28x28), fonts (28x28) and
shapes (32x32, in colour, with captions) need no network; mnist and cifar10 are downloaded once. Each file of this
folder is a set and has a function `load(...)`, so a new set is a new file: mnist_test.py is "mnist-test". `folder`
reads pictures of your own.
"""

import importlib
import pkgutil
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from toycore.checks import at_least, finite, keywords, named, one_of
from toycore.data import Points
from toycore.types import seeded

DIGITS = tuple("0123456789")
MODULES = {module.name.replace("_", "-"): module.name for module in pkgutil.iter_modules(__path__)}
NAMES = tuple(sorted(name for name in MODULES if name != "folder"))


class Pictures(NamedTuple):
    """Labelled pictures: images uint8 `[n, c, h, w]`, labels int64 `[n]`, one name (or caption) per label."""

    images: Tensor
    labels: Tensor
    names: tuple[str, ...]


def labelled(pictures: Pictures, what: str = "pictures") -> Pictures:
    """Return pictures if they are Pictures of bytes with a label each; otherwise say what is needed."""
    if not isinstance(pictures, Pictures):
        raise TypeError(f"{what} is {named(pictures)}; it must be Pictures, as sets.load gives them")
    images, labels, _ = pictures
    if images.ndim != 4 or images.dtype != torch.uint8 or labels.shape != (len(images),) or not len(images):
        raise ValueError(
            f"{what} holds images {images.dtype} {tuple(images.shape)} and labels {tuple(labels.shape)}; it must be"
            " uint8 [n, c, h, w] and [n]"
        )
    return pictures


def take(pictures: Pictures, rows: Tensor) -> Pictures:
    """Return the chosen rows as another set of pictures."""
    labelled(pictures)
    if not isinstance(rows, Tensor) or rows.dtype not in (torch.int64, torch.bool):
        raise TypeError(f"rows are {rows!r}; they must be a tensor of row numbers, or of True and False")
    if rows.numel() and not -len(pictures.labels) <= int(rows.min()) <= int(rows.max()) < len(pictures.labels):
        raise ValueError(f"rows run to {int(rows.max())}; there are {len(pictures.labels)} pictures, from 0")
    return Pictures(pictures.images[rows], pictures.labels[rows], pictures.names)


def to_unit(images: Tensor) -> Tensor:
    """Map bytes 0..255 to floats in [-1, 1], where the models live."""
    if not isinstance(images, Tensor) or images.dtype != torch.uint8:
        given = images.dtype if isinstance(images, Tensor) else named(images)
        raise TypeError(f"images are {given}; to_unit takes a tensor of bytes 0..255, uint8")
    return images.float() / 127.5 - 1


def to_bytes(x: Tensor) -> Tensor:
    """Map floats in [-1, 1] (clipped) to bytes 0..255."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        raise TypeError(f"x is {x.dtype if isinstance(x, Tensor) else named(x)}; to_bytes takes floats in [-1, 1]")
    finite(x)
    return (127.5 * (x.float() + 1)).round().clamp(0, 255).to(torch.uint8)


def points(pictures: Pictures) -> Points:
    """Return pictures as `Points` in [-1, 1], which `training.train` and the metrics take."""
    images, labels, names = labelled(pictures)
    return Points(to_unit(images), labels, names)


def split(pictures: Pictures, held: int, seed: int = 0) -> tuple[Pictures, Pictures]:
    """Hold out `held` pictures, the same number per class as far as it goes; return (the rest, those held out)."""
    labels = labelled(pictures).labels
    at_least(0, seed, "seed")
    if not isinstance(held, int) or not 0 < held < len(labels):
        raise ValueError(f"{held} of {len(labels)} pictures cannot be held out; ask for 1..{len(labels) - 1}")
    order = torch.randperm(len(labels), generator=seeded(seed))
    turn = torch.empty_like(order)  # the picture is its class's turn-th in this order
    for c in labels.unique():
        mine = order[labels[order] == c]
        turn[mine] = torch.arange(len(mine))
    first = order[turn[order].argsort(stable=True)]
    return take(pictures, first[held:]), take(pictures, first[:held])


def load(name: str | Path, **options: Any) -> Pictures:
    """Return a set by its name, one of NAMES, or the pictures of a folder of your own: a Path, or a str with a slash.

    A set's name comes before a folder of the same name; `load("./digits")` is the folder. Options are those of the
    set's own `load`, such as n and seed. Errors: an unknown name or option, no such folder, no network.
    """
    if not isinstance(name, (str, Path)):
        raise TypeError(f"name is {name!r}; give a set's name ({', '.join(NAMES)}) or the path of a folder")
    own = name not in NAMES and bool(str(name)) and Path(name).is_dir()
    module = "folder" if own else one_of(str(name), NAMES, "set or folder of pictures")
    make = importlib.import_module(f"{__name__}.{MODULES[module]}").load
    make = partial(make, name) if own else make
    return make(**keywords(options, make, str(name)))
