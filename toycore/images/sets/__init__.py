"""Pictures with one interface: `load(name) -> Pictures(images uint8 [n, c, h, w], labels [n], names)`.

digits (scikit-learn, 8x8), strokes (our own pen, 28x28), fonts (28x28) and shapes (32x32, in colour, with captions)
need no network; mnist and cifar10 are downloaded once. Each file of this folder is a set and has a function
`load(...)`, so a new set is a new file. `folder` reads pictures of your own.
"""

import importlib
import inspect
import pkgutil
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from toycore.checks import one_of
from toycore.data import Points
from toycore.types import seeded

DIGITS = tuple("0123456789")
NAMES = tuple(sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "folder"))


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
    path = "folder" if own else one_of(str(name), NAMES, "set or folder of pictures")
    make = importlib.import_module(f"{__name__}.{path}").load
    known = [key for key in inspect.signature(make).parameters if key != "path"]
    if wrong := set(options) - set(known):
        raise TypeError(f"{name} knows no option {min(wrong)!r}; {_list(known)}")
    return make(name, **options) if own else make(**options)


def _list(known: list[str]) -> str:
    return f"its options are {', '.join(known)}" if known else "it takes no options"
