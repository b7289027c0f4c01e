"""How the 19 shipped models are made: `course.py weights [names]` trains them anew, cards and all."""

import argparse
import copy
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from torch import nn

from toycore import checkpoints, data, metrics, mixtures, training
from toycore.checks import one_of
from toycore.images import recipes as pictures
from toycore.types import seeded


class Recipe(NamedTuple):
    """A model of 2-D data: a line for people, the data, the options of `training.fit`, expected CPU seconds, a seed."""

    title: str
    source: Callable[[], mixtures.Source]
    fit: dict[str, Any]
    seconds: int
    seed: int = 0


RECIPES = {
    "spiral": Recipe("the spiral, one class", mixtures.spiral, dict(steps=6000, batch=1024, width=128, lr=1e-2), 60),
    "spiral3": Recipe(
        "the spiral in three classes, with the unconditional field",
        lambda: mixtures.spiral(classes=3),
        dict(steps=8000, batch=1024, width=128, lr=1e-2, label_dropout=0.2),
        80,
    ),
    "moons": Recipe(
        "two moons, two classes, 200 points",
        lambda: data.moons(200),
        dict(steps=6000, batch=1024, width=128, lr=1e-2),
        60,
    ),
}
NAMES = [*RECIPES, *pictures.MAKERS]


def make(name: str, steps: int | None = None, progress: bool = False) -> tuple[nn.Module, dict[str, Any]]:
    """Train a shipped model to its end (or a shorter one) and return it with its card.

    Ctrl-C ends it with KeyboardInterrupt, as a model half trained is none to ship.
    """

    def watch(walk: Iterator[Any], total: int) -> Iterator[Any]:
        from tqdm.auto import tqdm

        return iter(tqdm(walk, total=total, disable=not progress, desc=name, unit="step"))

    if one_of(name, NAMES, "recipe") in pictures.MAKERS:
        D, card = pictures.make(name, steps, watch=watch)
        return copy.deepcopy(D).half(), card
    return plane(RECIPES[name], steps, watch)


def plane(recipe: Recipe, steps: int | None, watch: pictures.Watch) -> pictures.Made:
    """Train a model of 2-D data; its card holds the measured field error."""
    begun, rng, source = time.process_time(), seeded(recipe.seed), recipe.source()
    options = recipe.fit | ({"steps": steps} if steps else {})
    D = training.model(source, options["width"], rng=rng)
    walk = training.train(D, source, **{key: value for key, value in options.items() if key != "width"}, rng=rng)
    *_, last = watch(walk, options["steps"])
    D = last.D.eval().requires_grad_(False)
    FE = float(metrics.field_error(D, source, rng=seeded(1)).mean())
    card = {"title": f"{recipe.title}; field error {FE:.4f}", "data": recipe.title, "recipe": options}
    spent = round(time.process_time() - begun, 1)
    return D, card | {"seed": recipe.seed, "field_error": FE, "cpu_seconds": spent}


def seconds(name: str) -> float:
    """Return the CPU seconds that a model is expected to take: what the shipped one took."""
    return checkpoints.card_of(name).get("cpu_seconds") or RECIPES[name].seconds


def main(arguments: list[str]) -> None:
    """Train the named checkpoints (default: all) and write them where `toycore.load` finds them."""
    parser = argparse.ArgumentParser(prog="course.py weights", description="train shipped checkpoints again")
    parser.add_argument("names", nargs="*", help=f"default: all of {', '.join(NAMES)}")
    parser.add_argument("--list", action="store_true", help="list the models with the CPU time they need")
    options = parser.parse_args(arguments)
    if wrong := set(options.names) - set(NAMES):
        parser.error(f"there is no recipe {min(wrong)}; there are {', '.join(NAMES)}")
    for name in options.names or NAMES:
        print(line(name)) if options.list else replace(name)


def line(name: str) -> str:
    """Return a model's name, the time it is expected to take, and its title."""
    return f"{name:20} {seconds(name):4.0f} s   {checkpoints.card_of(name)['title']}"


def replace(name: str) -> None:
    """Train a model, then put it in the shipped one's place; one that is stopped, or has no data, changes nothing."""
    try:
        D, card = make(name, progress=True)
    except KeyboardInterrupt:
        sys.exit(f"\n{name}: stopped before its training ended; the shipped model is unchanged")
    except ConnectionError as error:
        print(f"{name}: skipped, {str(error).splitlines()[0]}")
        return
    path = checkpoints.save(D, checkpoints.SHIPPED / f"{name}.safetensors", card)
    print(f"{path.name}: {card['title']}, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
