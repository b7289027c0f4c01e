"""How the shipped checkpoints are made: `course.py weights [names]` trains them anew, cards and all."""

import argparse
import sys
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn

from toycore import checkpoints, data, metrics, mixtures, training
from toycore.checks import one_of


class Recipe(NamedTuple):
    """A line for people, the data, and the words of `training.fit`."""

    title: str
    source: Callable[[], mixtures.Source]
    fit: dict[str, int | float]
    seed: int = 0


RECIPES = {
    "spiral": Recipe("the spiral, one class", mixtures.spiral, dict(steps=6000, batch=1024, width=128, lr=1e-2)),
    "spiral3": Recipe(
        "the spiral in three classes, with the unconditional field", lambda: mixtures.spiral(classes=3),
        dict(steps=8000, batch=1024, width=128, lr=1e-2, label_dropout=0.2),
    ),
    "moons": Recipe(
        "two moons, two classes, 200 points", lambda: data.moons(200),
        dict(steps=6000, batch=1024, width=128, lr=1e-2),
    ),
}  # fmt: skip


def make(name: str, steps: int | None = None, progress: bool = False) -> tuple[nn.Module, dict]:
    """Train the model of a recipe (or a shorter one) and return it with its card, the measured field error included."""
    title, source, words, seed = RECIPES[one_of(name, RECIPES, "recipe")]
    words = words | ({} if steps is None else {"steps": steps})
    made = source()
    D = training.fit(made, **words, rng=torch.Generator().manual_seed(seed), progress=progress)  # type: ignore[arg-type]
    FE = float(metrics.field_error(D, made, rng=torch.Generator().manual_seed(1)).mean())
    card = {"title": f"{title}; field error {FE:.4f}", "data": title, "recipe": words, "seed": seed, "field_error": FE}
    return D, card


def main(arguments: list[str]) -> None:
    """Train the named checkpoints (default: all) and write them where `toycore.load` finds them."""
    parser = argparse.ArgumentParser(prog="toycore.programs.recipes", description="train shipped checkpoints again")
    known = ", ".join(RECIPES)
    parser.add_argument("names", nargs="*", help=f"default: all of {known}")
    names = parser.parse_args(arguments).names
    if wrong := set(names) - set(RECIPES):
        parser.error(f"there is no recipe {min(wrong)}; there are {known}")
    for name in names or RECIPES:
        D, card = make(name, progress=True)
        path = checkpoints.save(D, checkpoints.SHIPPED / f"{name}.safetensors", card)
        print(f"{path.name}: {card['title']}, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
