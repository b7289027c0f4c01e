"""Measure pictures: `python -m tools.bench_images [WHAT ...] [--names ...] [--seeds 3] [--quick]`.

quality: train each small recipe and judge 500 samples. guidance: FD and recall against s. latents: a VAE, and diffusion
in latents. large: FD at n = infinity. steps: `tools/bench_steps.py`. --quick, two minutes: no training, the shipped
models are judged (seed 0), and CPU s are those of their cards. MNIST has `tools/bench_mnist.py`, a GPU
`tools/gpu_day.py`.

CPU seconds, one thread; "at best pace" corrects for neighbours on the machine: a product of two matrices, timed every
few steps, says how much slower than at its fastest it was. Nothing passes or fails: what issue and reference ask for
stands beside the numbers.
"""

import argparse
import statistics
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from tools.bench_steps import cpu, step_times
from toycore import checkpoints, guidance, metrics, precondition, samplers, sigmas
from toycore.images import judge, loop, recipes, sets
from toycore.images.sets import shapes
from toycore.types import seeded


class Aim(NamedTuple):
    """A recipe, its steps, the guidance of its samples, and what issue 6 asks of it, FD in the issue's units."""

    recipe: str
    steps: int
    s: float = 1.0
    seconds: float = float("nan")
    accuracy: tuple[float, ...] = ()
    FD: float = float("nan")


UNIT = 1.6 / 0.455  # the judge saw two real sets of digits 1.6 apart, ours sees them .455 apart
AIMS = {
    "digits-mlp": Aim("digits-mlp", 3000, 1.0, 20, (0.97,), 4),
    "digits": Aim("digits", 300, 1.0, 40, (0.96,), 2.5),
    "digits-dit": Aim("digits-dit", 500),
    "strokes, short": Aim("strokes", 1200, 1.25, 80, (0.92,), 4),
    "strokes": Aim("strokes", 4000, 1.1, 240, (0.98,), 1.5),
    "strokes-latent": Aim("strokes-latent", 3000, 1.0, 130, (0.98,), 2),
    "shapes": Aim("shapes", 1500, 1.0, float("nan"), (0.97, 0.97, 0.90, 0.97)),
}


def paced(walk: Iterator[Any]) -> tuple[Any, float, float]:
    """Walk to the end; return the last item, CPU seconds, and CPU seconds at the machine's best pace."""
    A, steps, marks = torch.randn(512, 512), [], []
    for i in range(1_000_000):
        if i % 10 == 0:
            marks.append(cpu(lambda: A @ A @ A @ A)[1])
        item, spent = cpu(lambda: next(walk, None))
        steps.append(spent)
        if item is None:
            break
        last = item
    best = min(marks)
    return last, sum(steps), sum(spent * best / marks[i // 10] for i, spent in enumerate(steps))


# ---- quality -------------------------------------------------------------------------------------


def references(name: str) -> tuple[judge.Judge, Tensor, Tensor, Tensor]:
    """The judge of a set, 1,297 real pictures, 500 others and what these show."""
    if name == "digits":
        known, other = sets.split(sets.load("digits"), recipes.HELD)
    else:
        known, other = sets.load(name, n=1297, seed=7), sets.load(name, n=500, seed=8)
    J = checkpoints.load(f"{name}-judge")
    assert isinstance(J, judge.Judge)
    return J, sets.to_unit(known.images), sets.to_unit(other.images), recipes.questions(name, other.labels)


def labels_for(name: str, n: int = 500) -> Tensor:
    return torch.randint(len(shapes.CAPTIONS), (n,), generator=seeded(3)) if name == "shapes" else torch.arange(n) % 10


def samples(D: nn.Module, recipe: recipes.Recipe, shape: torch.Size, s: float = 1.0, n: int = 500, seed: int = 0):
    """Draw n pictures in 20 steps of DDIM, guided by s."""
    want, start = labels_for(recipe.data, n), 80 * torch.randn(n, *shape, generator=seeded(5 + seed))
    G = D if s == 1 else guidance.guided(D, guidance.unlabelled(D), s)
    return recipes.decoder(recipe)(samplers.final(samplers.ddim(G, start, sigmas.karras(20, 0.02, 80.0), want)))


NAMES = f"{'accuracy':>23} {'FD':>6} {'/floor':>6} {'issue':>5} {'prec':>5} {'recall':>6} {'IS':>5}"
HEAD = f"{'':34} {NAMES}  CPU s, at best pace"


def row(title: str, scores: judge.Scores, floor: float, *more: str) -> None:
    text = " ".join(f"{a:.3f}" for a in scores.accuracy)
    line = f"{title:34} {text:>23} {scores.frechet:6.3f} {scores.frechet / floor:6.2f} {UNIT * scores.frechet:5.2f}"
    print(line, f"{scores.precision:5.2f} {scores.recall:6.2f} {scores.inception:5.2f} ", *more, flush=True)


def asked_row(aim: Aim) -> None:
    text = " ".join(f"{a:.3f}" for a in aim.accuracy)
    FD, seconds = ("" if value != value else f"{value:g}" for value in (aim.FD, aim.seconds))
    print(f"{'  asked: at least, at most':34} {text:>23} {'':13} {FD:>5} {'':18}  {seconds}")


def quality(names: list[str], seeds: int, quick: bool) -> None:
    """Train, sample, judge; FD has the distance of 500 other real pictures beside it, the floor."""
    how = "the shipped models, CPU s of their cards" if quick else "each trained here"
    text = "/floor: FD over that of 500 other real pictures; issue: FD in the issue's units"
    print(f"500 samples, {how}\n{text}\n{HEAD}")
    for name in names:
        aim = AIMS[name]
        recipe = recipes.find(aim.recipe)
        J, real, other, asked = references(recipe.data)
        floor, want = judge.score(J, other, asked, real), recipes.questions(recipe.data, labels_for(recipe.data))
        row(f"real {recipe.data}, held out", floor, floor.frechet)
        if aim.accuracy:
            asked_row(aim)
        for seed in range(1 if quick else seeds):
            D, text = shipped(aim) if quick else learned(aim, recipe, seed)
            scores = judge.score(
                J, samples(D, recipe, recipes.source(recipe)[0].shape[1:], aim.s, seed=seed), want, real
            )
            size = f"{sum(p.numel() for p in D.parameters()) / 1e6:.2f}M" + (f", s = {aim.s}" if aim.s != 1 else "")
            row(f"{name}, seed {seed}, {size}", scores, floor.frechet, text)


def shipped(aim: Aim) -> tuple[nn.Module, str]:
    D = checkpoints.load(aim.recipe)
    card: Any = D.card
    return D, f"{card['cpu_seconds']} ({card['plan']['steps']} steps)"


def learned(aim: Aim, recipe: recipes.Recipe, seed: int) -> tuple[nn.Module, str]:
    plan = recipe.plan._replace(steps=aim.steps, seed=seed)
    x, labels, names = recipes.source(recipe)
    D = precondition.from_velocity(recipe.net(tuple(x.shape[1:]), names, seeded(seed)))
    last, spent, best = paced(loop.train(D, x, labels, plan))
    more = f" + {checkpoints.load(recipe.latent).card['cpu_seconds']} autoencoder" if recipe.latent else ""
    return last.D, f"{spent:.0f}, {best:.0f}{more} ({plan.steps} steps)"


def guided(names: list[str], seeds: int) -> None:
    """8x8 digits: recall falls with s; FD has its least value at an s the higher, the worse the model is without."""
    J, real = references("digits")[:2]
    grid = (1, 1.1, 1.25, 1.5, 1.75, 2, 3, 5)
    print("\n" + " ".join([f"{'guidance, 8x8 digits, s':>30}", *(f"{s:7}" for s in grid)]))
    for name, seed in ((name, seed) for name in names for seed in range(seeds)):
        recipe, D = recipes.find(name), checkpoints.load(name)
        made = [samples(D, recipe, real.shape[1:], s, seed=seed) for s in grid]
        scores = [judge.score(J, x, labels_for("digits")[:, None], real) for x in made]
        for title, values in {
            "FD": [one.frechet for one in scores],
            "recall": [one.recall for one in scores],
            "accuracy": [one.accuracy[0] for one in scores],
        }.items():
            print(" ".join([f"{name:>14}, {seed}, {title:10}", *(f"{value:7.3f}" for value in values)]), flush=True)


def latents(seeds: int) -> None:
    """A conditional VAE's samples beside those of diffusion in an autoencoder's latents: asked is a quarter of FD."""
    J, real, other, asked = references("strokes")
    floor, want = judge.score(J, other, asked, real).frechet, labels_for("strokes")
    coder, vae, D = (checkpoints.load(f"strokes-{part}") for part in ("autoencoder", "vae", "latent"))
    print(f"\nlatents, strokes\n{'':34} {NAMES}  share of the real Laplacian")
    for seed in range(seeds):
        made = {
            "VAE, z = 8": vae.generate(torch.randn(500, 8, generator=seeded(2 + seed)), want),
            "diffusion in 16 latents": samples(D, recipes.find("strokes-latent"), torch.Size([16]), seed=seed),
            "the autoencoder alone": coder(other),
        }
        for title, x in made.items():
            sharp = float(judge.sharpness(x.clamp(-1, 1)) / judge.sharpness(other))
            answers = asked if "alone" in title else want[:, None]
            row(f"{title}, seed {seed}", judge.score(J, x, answers, real), floor, f"{sharp:.2f}")


def large(n: int = 2000) -> None:
    """FD falls with the number of pictures, also between real ones: a + b / n, of which a is what counts."""
    recipe, D, J = recipes.find("strokes"), checkpoints.load("strokes"), references("strokes")[0]
    real, other = (sets.to_unit(sets.load("strokes", n=n, seed=seed).images) for seed in (7, 8))
    sizes = (n // 4, n // 2, n)
    print(f"\n{'FD of n strokes against n real ones':40}" + " ".join(f"{k:7}" for k in sizes) + "  infinity")
    rows = {"other real ones": other}
    for s in (1.0, 1.1):
        rows[f"the shipped U-Net, s = {s}"] = samples(D, recipe, real.shape[1:], s, n).clamp(-1, 1)
    for title, x in rows.items():
        FD = [frechet_of_blocks(J.features(x), J.features(real), k) for k in sizes]
        print(f"{title:40}" + " ".join(f"{value:7.3f}" for value in (*FD, continued(sizes, FD))), flush=True)


def frechet_of_blocks(x: Tensor, y: Tensor, n: int) -> float:
    """The mean over blocks of n rows, digits in turn in each. Random rows would have other shares of the digits, and
    the whole sets would not: that leads the line below 0, also between real sets.
    """
    return statistics.mean(metrics.frechet(*pair) for pair in zip(x.split(n), y.split(n)))


def continued(sizes: tuple[int, ...], FD: list[float]) -> float:
    """The a of FD = a + b / n, by least squares, rows weighed as n."""
    n, y = torch.tensor(sizes, dtype=torch.float64), torch.tensor(FD, dtype=torch.float64)
    return float(torch.linalg.lstsq(torch.stack([n, torch.ones_like(n)], 1), (y * n)[:, None]).solution[0])


def main() -> None:
    parts = ("quality", "guidance", "latents", "large", "steps")
    parser = argparse.ArgumentParser(prog="python -m tools.bench_images", description=__doc__.split("\n")[0])
    parser.add_argument("what", nargs="*", help=", ".join(parts) + " (default: all)")
    parser.add_argument("--names", nargs="*", choices=AIMS, default=list(AIMS), help="of quality: which recipes")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="the shipped models, one seed, one round: two minutes")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    what = asked.what or (("quality", "latents", "steps") if asked.quick else parts)
    if "quality" in what:
        names = [name for name in asked.names if not (asked.quick and "short" in name)]
        quality(names, asked.seeds, asked.quick)
    if "guidance" in what:
        guided(["digits-mlp", "digits"], 1 if asked.quick else asked.seeds)
    if "latents" in what:
        latents(1 if asked.quick else asked.seeds)
    if "large" in what:
        large(1000 if asked.quick else 2000)
    if "steps" in what:
        step_times(1 if asked.quick else 7)


if __name__ == "__main__":
    main()
