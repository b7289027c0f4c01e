"""How the shipped picture models are made: `python -m toycore.images.recipes [names]` trains them anew, cards and all.

The same recipes, by name, are what `python -m toycore.images.train NAME` trains at leisure on your own machine.
"""

import copy
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from toycore import checkpoints, networks, precondition
from toycore.checks import one_of
from toycore.images import autoencoder, clip, data, judge
from toycore.images.dit import DiT
from toycore.images.loop import Plan, train
from toycore.images.unet import UNet

Net = Callable[[tuple[int, ...], tuple[str, ...], torch.Generator], nn.Module]
HELD = 500  # digits kept for judging


class Recipe(NamedTuple):
    """A line for people, the set, the network for (shape, names, rng), the plan; latents need an autoencoder's name."""

    title: str
    data: str
    net: Net
    plan: Plan
    latent: str = ""


def mlp(width: int = 512, depth: int = 4) -> Net:
    """Return a maker of MLPs on all pixels (or latent numbers) at once."""
    return lambda shape, names, rng: networks.MLP(
        int(torch.Size(shape).numel()), width, depth, len(names), features=0, rng=rng
    )


def unet(width: int, unshuffle: int = 1, rungs: tuple[int, ...] = (1, 2)) -> Net:
    """Return a maker of U-Nets with a learned vector per class."""
    return lambda shape, names, rng: UNet(shape[0], width, rungs, unshuffle, len(names), rng=rng)


def captioned(width: int, unshuffle: int = 1, rungs: tuple[int, ...] = (1, 2)) -> Net:
    """Return a maker of U-Nets that read captions."""
    return lambda shape, names, rng: UNet(shape[0], width, rungs, unshuffle, captions=names, rng=rng)


def dit(width: int, depth: int, patch: int) -> Net:
    """Return a maker of diffusion transformers."""
    return lambda shape, names, rng: DiT(shape[0], shape[1], patch, width, depth, classes=len(names), rng=rng)


RECIPES = {
    "digits-mlp": Recipe("8x8 digits, MLP", "digits", mlp(320), Plan(3000, 128, 3e-3)),
    "digits": Recipe("8x8 digits, U-Net", "digits", unet(40), Plan(400, 128)),
    "digits-dit": Recipe("8x8 digits, transformer", "digits", dit(80, 5, 2), Plan(500, 128)),
    "strokes": Recipe("28x28 pen strokes, U-Net", "strokes", unet(32, 2), Plan(4000, 32)),
    "strokes-latent": Recipe(
        "28x28 pen strokes, MLP on 16 latents", "strokes", mlp(384), Plan(3000, 128), "strokes-autoencoder"
    ),
    "shapes": Recipe(
        "32x32 captioned shapes, U-Net on latents", "shapes", captioned(48), Plan(1500, 64), "shapes-autoencoder"
    ),
    "mnist": Recipe("MNIST, U-Net of 10M", "mnist", unet(160, 2), Plan(20_000, 512, 5e-4, average=0.999)),
    "cifar10": Recipe(
        "CIFAR-10, U-Net of 35M", "cifar10", unet(192, 1, (1, 2, 3)), Plan(60_000, 512, 3e-4, average=0.9995)
    ),
}


def find(name: str) -> Recipe:
    """Return a recipe by its name."""
    return RECIPES[one_of(name, RECIPES, "recipe")]


def source(recipe: Recipe, other: str | None = None) -> tuple[Tensor, Tensor, tuple[str, ...]]:
    """Return what a recipe trains on: pictures as bytes, or their latents; labels; names. Some digits are held out."""
    pictures = real(other or recipe.data)
    if not recipe.latent:
        return pictures
    coder = checkpoints.load(recipe.latent)
    with torch.no_grad():
        parts = [coder.encode(data.to_unit(part)) for part in pictures.images.split(500)]  # type: ignore[operator]
    return torch.cat(parts), pictures.labels, pictures.names


def real(name: str) -> data.Pictures:
    """Return the pictures that models of this set learn from: digits without those held out, shapes with prompts."""
    pictures = data.load(name)
    if name == "digits":
        return data.split(pictures, HELD)[0]
    return data.with_short_prompts(pictures) if name == "shapes" else pictures


class Decoder(nn.Module):
    """An autoencoder's way back, from latents to pictures."""

    def __init__(self, coder: nn.Module) -> None:
        super().__init__()
        self.coder = coder

    def forward(self, z: Tensor) -> Tensor:
        """Return the pictures of z."""
        with torch.no_grad():
            return self.coder.decode(z)  # type: ignore[operator]


def decoder(recipe: Recipe) -> nn.Module:
    """Return what turns a recipe's samples into pictures: nothing, or its autoencoder's decoder."""
    return Decoder(checkpoints.load(recipe.latent)) if recipe.latent else nn.Identity()


# ---- what is shipped -----------------------------------------------------------------------------

Made = tuple[nn.Module, dict[str, Any]]  # a model and its card


def make(name: str, steps: int | None = None, seed: int = 0) -> Made:
    """Train a shipped model (or a shorter one) and return it with its card: title, recipe, seed, CPU seconds."""
    begun = time.process_time()
    D, told = MAKERS[one_of(name, MAKERS, "picture model")](steps, torch.Generator().manual_seed(seed))
    return D, told | {"seed": seed, "cpu_seconds": round(time.process_time() - begun, 1)}


def denoiser(name: str) -> Callable[[int | None, torch.Generator], Made]:
    """Return a maker of the model that `python -m toycore.images.train NAME` trains."""

    def made(steps: int | None, rng: torch.Generator) -> Made:
        recipe = find(name)
        plan = recipe.plan._replace(seed=rng.initial_seed(), steps=steps or recipe.plan.steps)
        x, labels, names = source(recipe)
        *_, last = train(precondition.from_velocity(recipe.net(tuple(x.shape[1:]), names, rng)), x, labels, plan)
        return last.D, {"title": recipe.title, "data": recipe.data, "plan": plan._asdict(), "loss": last.loss}

    return made


def coder(
    title: str, name: str, net: dict[str, Any], words: dict[str, Any]
) -> Callable[[int | None, torch.Generator], Made]:
    """Return a maker of an autoencoder for a set of pictures."""

    def made(steps: int | None, rng: torch.Generator) -> Made:
        plan = words | ({"steps": steps} if steps else {})
        A = autoencoder.Autoencoder(**net, rng=rng)
        *_, loss = autoencoder.train(A, data.load(name), **plan, rng=rng)
        return A, {"title": title, "data": name, "plan": plan, "loss": loss}

    return made


def judging(name: str, **words: Any) -> Callable[[int | None, torch.Generator], Made]:
    """Return a maker of the judge of a set of pictures."""

    def made(steps: int | None, rng: torch.Generator) -> Made:
        pictures = data.split(data.digits(), HELD)[0] if name == "digits" else data.load(name)
        answers = questions(name, pictures.labels)
        kinds = tuple(map(len, data.PARTS)) if name == "shapes" else (10,)
        J = judge.Judge(pictures.images.shape[1], pictures.images.shape[2], kinds, rng=rng)
        *_, loss = judge.train(J, pictures, answers, **(words | ({"steps": steps} if steps else {})), rng=rng)
        return J, {"title": f"judge of {name}", "data": name, "loss": loss}

    return made


def questions(name: str, labels: Tensor) -> Tensor:
    """Return what a judge of this set is asked, with the right answers, `[n, questions]`."""
    return data.parts(labels) if name == "shapes" else labels[:, None]


STROKES = {"channels": 1, "side": 28, "width": 32}
MAKERS: dict[str, Callable[[int | None, torch.Generator], Made]] = {
    "digits-judge": judging("digits", steps=600),
    "strokes-judge": judging("strokes", steps=600),
    "shapes-judge": judging("shapes", steps=800),
    "strokes-autoencoder": coder(
        "28x28 pen strokes, autoencoder, 16 latents", "strokes", STROKES | {"latent": (16,)},
        {"steps": 1000, "batch": 64},
    ),
    "strokes-vae": coder(
        "28x28 pen strokes, VAE, 8 latents", "strokes", STROKES | {"latent": (8,), "classes": 10, "width": 24},
        {"steps": 1000, "batch": 64, "beta": 1.0},
    ),
    "shapes-autoencoder": coder(
        "32x32 shapes, autoencoder, 8x8x8 latents", "shapes",
        {"channels": 3, "side": 32, "latent": (8, 8, 8), "width": 32}, {"steps": 1200, "batch": 64, "edges": 1.0},
    ),
    "shapes-clip": lambda steps, rng: clip.made(real("shapes"), steps or 500, rng),
    **{name: denoiser(name) for name in ("digits-mlp", "digits", "digits-dit", "strokes", "strokes-latent", "shapes")},
}  # fmt: skip


def main(names: list[str]) -> None:
    """Train the named models (default: all) and write them as fp16 where `toycore.load` finds them."""
    for name in names or MAKERS:
        D, card = make(name)
        path = checkpoints.save(copy.deepcopy(D).half(), checkpoints.SHIPPED / f"{name}.safetensors", card)
        print(f"{path.name}: {card['title']}, {path.stat().st_size / 1e3:.0f} kB, {card['cpu_seconds']} CPU s")


if __name__ == "__main__":
    main(sys.argv[1:])
