"""How the shipped picture models are made; `course.py weights [names]` trains them anew, cards and all.

The same recipes, by name, are what `python -m toycore.images.train NAME` trains at leisure on your own machine.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from toycore import checkpoints, networks, precondition
from toycore.checks import one_of
from toycore.images import judge, sets
from toycore.images.loop import train
from toycore.images.nets import autoencoder, clip, tokens
from toycore.images.nets.dit import DiT
from toycore.images.nets.unet import UNet
from toycore.images.plan import Plan
from toycore.images.sets import shapes
from toycore.types import seeded

Net = Callable[[tuple[int, ...], tuple[str, ...], torch.Generator], nn.Module]
HELD = 500  # digits kept for judging


class Recipe(NamedTuple):
    """A title, the set, the network for (shape, names, rng), the plan, an autoencoder for latents, what to expect."""

    title: str
    data: str
    net: Net
    plan: Plan
    latent: str = ""
    expect: str = ""


def mlp(width: int = 512, depth: int = 4) -> Net:
    """Return a maker of MLPs on all pixels (or latent numbers) at once."""
    return lambda shape, names, rng: networks.MLP(
        int(torch.Size(shape).numel()), width, depth, len(names), features=0, rng=rng
    )


def unet(width: int, unshuffle: int = 1, rungs: tuple[int, ...] = (1, 2), dropout: float = 0.0) -> Net:
    """Return a maker of U-Nets with a learned vector per class."""
    return lambda shape, names, rng: UNet(shape[0], width, rungs, unshuffle, len(names), dropout=dropout, rng=rng)


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
    "mnist": Recipe(
        "MNIST, U-Net of 0.9M",
        "mnist",
        unet(48, 2),
        Plan(3090, 64, average=0.999, decay=0.03),
        expect="most digits can be read after 1,000 steps",
    ),
    "mnist-10M": Recipe("MNIST, U-Net of 10M", "mnist", unet(160, 2), Plan(20_000, 512, 5e-4, average=0.999)),
    "cifar10": Recipe(
        "CIFAR-10, U-Net of 2.6M",
        "cifar10",
        unet(80, 2),
        Plan(20_000, 64, 1e-3, average=0.999, flip=True),
        expect="colours and rough forms, hardly an animal: for more, a GPU and cifar10-35M",
    ),
    "cifar10-35M": Recipe(
        "CIFAR-10, U-Net of 35M",
        "cifar10",
        unet(192, 1, (1, 2, 3), dropout=0.1),
        Plan(60_000, 512, 3e-4, average=0.9995, flip=True),
    ),
    "folder": Recipe("your pictures at 32x32, U-Net of 0.9M", "", unet(48, 2), Plan(5000, 64, average=0.999)),
}


LARGE = {"mnist": "mnist-10M", "cifar10": "cifar10-35M"}  # what a GPU is for


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
        parts = [coder.encode(sets.to_unit(part)) for part in pictures.images.split(500)]  # type: ignore[operator]
    return torch.cat(parts), pictures.labels, pictures.names


def real(name: str) -> sets.Pictures:
    """Return the pictures that models of this set learn from: digits without those held out, shapes with prompts."""
    pictures = sets.load(name)
    if name == "digits":
        return sets.split(pictures, HELD)[0]
    return shapes.with_short_prompts(pictures) if name == "shapes" else pictures


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
Watch = Callable[[Iterator[Any], int], Iterator[Any]]  # shows how far a walk of so many steps has come
Maker = Callable[[int | None, torch.Generator, Watch], Made]


def make(name: str, steps: int | None = None, seed: int = 0, watch: Watch = lambda walk, steps: walk) -> Made:
    """Train a shipped model (or a shorter one) and return it with its card: title, recipe, seed, CPU seconds."""
    begun = time.process_time()
    D, card = MAKERS[one_of(name, MAKERS, "picture model")](steps, seeded(seed), watch)
    return D, card | {"seed": seed, "cpu_seconds": round(time.process_time() - begun, 1)}


def denoiser(name: str) -> Maker:
    """Return a maker of the model that `python -m toycore.images.train NAME` trains."""

    def made(steps: int | None, rng: torch.Generator, watch: Watch) -> Made:
        recipe = find(name)
        plan = recipe.plan._replace(seed=rng.initial_seed(), steps=steps or recipe.plan.steps)
        x, labels, names = source(recipe)
        D = precondition.from_velocity(recipe.net(tuple(x.shape[1:]), names, rng))
        *_, last = watch(train(D, x, labels, plan), plan.steps)
        return last.D, {"title": recipe.title, "data": recipe.data, "plan": plan._asdict(), "loss": last.loss}

    return made


def coder(title: str, name: str, net: dict[str, Any], options: dict[str, Any]) -> Maker:
    """Return a maker of an autoencoder for a set of pictures."""

    def made(steps: int | None, rng: torch.Generator, watch: Watch) -> Made:
        plan = options | ({"steps": steps} if steps else {})
        A = autoencoder.Autoencoder(**net, rng=rng)
        *_, loss = watch(autoencoder.train(A, sets.load(name), **plan, rng=rng), plan["steps"])
        return A, {"title": title, "data": name, "plan": plan, "loss": loss}

    return made


def judging(name: str, steps: int, width: int = 32) -> Maker:
    """Return a maker of the judge of a set of pictures."""

    def made(fewer: int | None, rng: torch.Generator, watch: Watch) -> Made:
        pictures = sets.split(sets.load("digits"), HELD)[0] if name == "digits" else sets.load(name)
        kinds = tuple(map(len, shapes.PARTS)) if name == "shapes" else (10,)
        J = judge.Judge(pictures.images.shape[1], pictures.images.shape[2], kinds, width, rng=rng)
        n, answers = fewer or steps, questions(name, pictures.labels)
        *_, loss = watch(judge.train(J, pictures, answers, n, rng=rng), n)
        return J, {"title": f"judge of {name}", "data": name, "loss": loss}

    return made


def captions_to_pictures(steps: int | None, rng: torch.Generator, watch: Watch) -> Made:
    """Train the CLIP of captioned shapes."""
    pictures, n = real("shapes"), steps or 500
    model = clip.Clip(pictures.names, pictures.images.shape[1], pictures.images.shape[2], rng=rng)
    *_, last = watch(clip.train(model, pictures, n, rng=rng), n)
    return last.D, {"title": "32x32 captioned shapes, CLIP", "data": "shapes", "steps": n, "loss": last.loss}


def binary_digits(steps: int | None, rng: torch.Generator, watch: Watch) -> Made:
    """Train the transformer that fills in the pixels of black and white digits: masked diffusion."""
    x, labels, names = real("digits")
    net = tokens.Filler(2, 64, width=48, depth=3, classes=len(names), rng=rng)
    plan: dict[str, Any] = {"steps": steps or 2000, "batch": 64, "lr": 3e-3}
    *_, last = watch(tokens.train(net, tokens.binary(x), labels, **plan, rng=rng), plan["steps"])
    return last.D, {"title": "8x8 binary digits, masked diffusion", "data": "digits", "plan": plan, "loss": last.loss}


def questions(name: str, labels: Tensor) -> Tensor:
    """Return the right answers to the questions of a set's judge, `[n, questions]`."""
    return shapes.parts(labels) if name == "shapes" else labels[:, None]


PIXELS_AND_LATENTS = "digits-mlp", "digits", "digits-dit", "strokes", "strokes-latent", "shapes", "mnist"
STROKES = {"channels": 1, "side": 28, "width": 32}
SHAPES = {"channels": 3, "side": 32, "latent": (8, 8, 8), "width": 32}
MAKERS: dict[str, Maker] = {
    "digits-judge": judging("digits", 600),
    "strokes-judge": judging("strokes", 600),
    "shapes-judge": judging("shapes", 800),
    "mnist-judge": judging("mnist", 1200, 24),
    "strokes-autoencoder": coder(
        "28x28 pen strokes, autoencoder, 16 latents",
        "strokes",
        STROKES | {"latent": (16,)},
        {"steps": 1000, "batch": 64},
    ),
    "strokes-vae": coder(
        "28x28 pen strokes, VAE, 8 latents",
        "strokes",
        STROKES | {"latent": (8,), "classes": 10, "width": 24},
        {"steps": 1000, "batch": 64, "beta": 1.0},
    ),
    "shapes-autoencoder": coder(
        "32x32 shapes, autoencoder, 8x8x8 latents", "shapes", SHAPES, {"steps": 1200, "batch": 64, "edges": 1.0}
    ),
    "shapes-clip": captions_to_pictures,
    "digits-tokens": binary_digits,
    **{name: denoiser(name) for name in PIXELS_AND_LATENTS},
}
