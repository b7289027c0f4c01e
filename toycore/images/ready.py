"""All that a lesson needs of a set of pictures: the pictures, a denoiser, a judge. One name changes all three."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from toycore import checkpoints, precondition, training
from toycore.checks import positive
from toycore.images import judge, loop, recipes, sets
from toycore.images.plan import Plan
from toycore.types import seeded

STEPS = 400  # of a training on the spot
MODEL = {"mnist-test": "mnist"}  # whose model and judge a set shares
RUNS = checkpoints.SHIPPED.parents[1] / "runs"  # where `course.py train` writes


class Ready(NamedTuple):
    """A set's name, its pictures, a denoiser that draws such pictures, and a judge that reads them."""

    name: str
    pictures: sets.Pictures
    D: Any
    judge: Any


def load(name: str | Path, otherwise: str = "mnist-test") -> Ready:
    """Return a set by its name (or your folder) with denoiser and judge: shipped, from runs/NAME, or trained now.

    A set that cannot be downloaded is skipped with a warning that says why, and the other takes its place.
    """
    try:
        pictures = sets.load(name)
    except ConnectionError as error:
        warnings.warn(f"{name} is skipped and {otherwise} shown: {str(error).splitlines()[0]}", stacklevel=2)
        return load(otherwise)
    known = str(name) if str(name) in sets.NAMES and not isinstance(name, Path) else ""
    label = known or Path(name).resolve().name  # of a folder, the last part
    return Ready(label, pictures, denoiser(label, pictures, bool(known)), reader(known, pictures))


def denoiser(name: str, pictures: sets.Pictures, known: bool = True) -> nn.Module:
    """Return the shipped denoiser of a known set's pixels, that of runs/NAME, or a U-Net trained for STEPS steps."""
    name = MODEL.get(name, name)
    shipped, run = checkpoints.SHIPPED / f"{name}.safetensors", RUNS / name / "model.safetensors"
    if known and shipped.is_file() and not recipes.find(name).latent:
        return checkpoints.load(shipped)
    if run.is_file():
        return checkpoints.load(run)
    net = recipes.unet(32, 2)(tuple(pictures.images.shape[1:]), pictures.names, seeded())
    return trained(precondition.from_velocity(net), pictures, STEPS, batch=32)


def trained(D: nn.Module, pictures: sets.Pictures, steps: int, batch: int = 128) -> nn.Module:
    """Train D on the pictures, with a bar; return its average, or what the stop button has left of it."""
    walk = loop.train(D, pictures.images, pictures.labels, Plan(steps, batch))
    return training.run(walk, steps, D)


def reader(name: str, pictures: sets.Pictures) -> nn.Module:
    """Return the shipped judge of digits, strokes or MNIST, or one that learns the classes in STEPS steps."""
    images, labels, names = pictures
    name = MODEL.get(name, name)
    if name in ("digits", "strokes", "mnist"):
        return checkpoints.load(f"{name}-judge")
    rng = seeded()
    J = judge.Judge(images.shape[1], images.shape[2], (len(names),), rng=rng)
    list(judge.train(J, pictures, labels[:, None], STEPS, rng=rng))
    return J.eval().requires_grad_(False)


def beside(real: sets.Pictures, J: judge.Judge, x: Tensor) -> tuple[judge.Scores, judge.Scores]:
    """Return the scores of samples x, whose classes come in turn, and of as many real pictures, against the other ones.

    The second is what a perfect generator would get: FD is not 0 between two sets of real pictures.
    """
    others, held = sets.split(real, len(x))
    X, asked = sets.to_unit(others.images), torch.arange(len(x)) % len(real.names)
    return judge.score(J, x, asked[:, None], X), judge.score(J, sets.to_unit(held.images), held.labels[:, None], X)


def targets(x: Tensor) -> dict[str, Callable[[nn.Module], nn.Module]]:
    """Return what a raw network may predict, as wrappers that make it a Denoiser of data like x.

    "v" is Salimans & Ho's (2202.00512) for data of spread 1, "EDM" the preconditioning for the data's own spread.
    """
    mean, spread = x.mean(), float(x.std())
    return {
        "flow velocity": precondition.from_velocity,
        "noise": precondition.from_noise,
        "v": lambda net: precondition.Preconditioned(net, 1.0),
        "EDM": lambda net: precondition.Preconditioned(net, spread, mean),
    }


def by_class(pictures: sets.Pictures, rows: int = 3, columns: int = 10) -> Tensor:
    """Return pictures in [-1, 1] for a sheet with one class per column, `[rows columns, c, h, w]`; classes in turn."""
    sets.labelled(pictures), positive(rows, "rows"), positive(columns, "columns")
    kinds = torch.arange(columns) % len(pictures.names)
    mine = [(pictures.labels == kind).nonzero()[:, 0] for kind in kinds]
    chosen = torch.stack([found[torch.arange(rows) % len(found)] for found in mine], 1)
    return sets.to_unit(pictures.images[chosen.flatten()])
