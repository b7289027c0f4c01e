"""Train on pictures, on a CPU, a GPU, or several: `course.py train NAME` or a folder of your own.

    python3 course.py train digits           # 8x8 digits, under a minute
    python3 course.py train mnist --resume   # goes on where it was stopped
    python3 course.py train my/photos        # one folder per class, or just pictures
    torchrun --nproc_per_node=4 -m toycore.images.train cifar10   # one process per GPU, in the course's environment

On a GPU mnist and cifar10 are the large recipes, mnist-10M and cifar10-35M. Recipes are in recipes.py, the loop itself
is in loop.py.
"""

import argparse
import json
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from toycore import checkpoints, precondition, samplers, sigmas
from toycore.checks import positive
from toycore.images import devices, recipes, sets
from toycore.images.loop import train
from toycore.images.pages import loss_plot, sheet
from toycore.images.plan import PRECISIONS, Plan, checked
from toycore.images.runs import Run, begin, held, resume, save
from toycore.networks import count_params
from toycore.types import seeded


class Job(NamedTuple):
    """A run with what it works on and where it writes."""

    run: Run
    plan: Plan
    x: Tensor
    labels: Tensor
    decode: nn.Module
    out: Path
    card: dict[str, Any]
    expect: str


def main(arguments: list[str]) -> None:
    """Train by the command line; the folder `--out` then holds model, checkpoint, samples, loss plot and card."""
    options = parser().parse_args(arguments)
    with devices.processes() as device:
        job = prepared(options, device)
        with held(job.out) if devices.place()[0] == 0 else nullcontext():
            start_or_resume(job, options.resume)
            if not work(job, options.every):
                sys.exit(130)


def parser() -> argparse.ArgumentParser:
    """Return the reader of the command line."""
    made = argparse.ArgumentParser(prog="course.py train", description=__doc__.split("\n")[0])
    made.add_argument("name", help=f"recipe ({', '.join(recipes.RECIPES)}), or a folder of your pictures")
    made.add_argument("--data", help=f"another set ({', '.join(sets.NAMES)}) or your folder")
    for name, kind in {"steps": int, "batch": int, "lr": float, "seed": int}.items():
        made.add_argument(f"--{name}", type=kind, help=f"another {name} than the recipe's")
    made.add_argument("--precision", choices=PRECISIONS, help="default: auto, what is faster here")
    made.add_argument("--out", help="folder of the run (default: runs/NAME)")
    made.add_argument("--every", type=int, default=200, help="steps between checkpoints (default: 200)")
    made.add_argument("--resume", action="store_true", help="go on from the last checkpoint, if there is one")
    return made


def chosen(name: str, data: str | None, device: torch.device) -> tuple[str, str | None]:
    """Return the names of recipe and data: a folder's pictures have a recipe, and a GPU has the large ones."""
    if name not in recipes.RECIPES and Path(name).expanduser().is_dir():
        return "folder", str(Path(name).expanduser().resolve())
    return (recipes.LARGE.get(name, name) if device.type == "cuda" else name), data


def prepared(options: argparse.Namespace, device: torch.device) -> Job:
    """Find recipe and data, check the plan, and return the job, not yet begun."""
    name, data = chosen(options.name, options.data, device)
    recipe = recipes.find(name)
    if name == "folder" and not data:
        raise ValueError("folder is the recipe for pictures of your own: give their folder's path in its place")
    plan = recipe.plan._replace(**{k: v for k in Plan._fields if (v := getattr(options, k, None)) is not None})
    checked(plan), positive(options.every, "every")
    if plan.batch % devices.place()[1]:
        raise ValueError(f"a batch of {plan.batch} cannot be shared by {devices.place()[1]} processes; use a multiple")
    x, labels, names = recipes.source(recipe, data)
    D = precondition.from_velocity(recipe.net(tuple(x.shape[1:]), names, seeded(plan.seed))).to(device)
    if device.type == "cuda" and x.ndim == 4:
        D = D.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    card = {"title": recipe.title, "data": data or recipe.data, "pictures": len(x), "plan": plan._asdict()}
    card["precision"] = devices.precision(D, device, plan.precision)
    out = Path(options.out or f"runs/{Path(data).name if data else name}")
    tensors = x.to(device), labels.to(device), recipes.decoder(recipe).to(device)
    return Job(begin(D, plan), plan, *tensors, out, card, recipe.expect)


def start_or_resume(job: Job, again: bool) -> None:
    """Resume with `again`; refuse to write over a run that is there."""
    path = job.out / "checkpoint.safetensors"
    if path.exists() and not again:
        raise FileExistsError(f"{job.out} holds a run already; add --resume to go on with it, or name another --out")
    if path.exists():
        resume(job.run, job.plan, path)


def work(job: Job, every: int) -> bool:
    """Train to the end, or to Ctrl-C, and return which; report every so many steps. Only the first process writes."""
    from tqdm.auto import tqdm

    run, plan, first, whole = job.run, job.plan, devices.place()[0] == 0, True
    done, begun = len(run.losses), time.time()
    counts = {"total": plan.steps * plan.batch, "initial": done * plan.batch}
    with tqdm(**counts, unit=" images", unit_scale=True, disable=not first) as bar:
        try:
            for step, loss, _ in train(run.D, job.x, job.labels, plan, run):
                if first and step == min(done + 5, plan.steps):
                    bar.write(outlook(job, (time.time() - begun) / (step - done)))
                bar.set_postfix(step=step, loss=f"{loss:.3f}", refresh=False)
                bar.update(plan.batch)
                if first and step % every == 0 and step < plan.steps:
                    report(job)
        except KeyboardInterrupt:
            whole = False
            bar.write(f"stopped after {len(run.losses)} of {plan.steps} steps; --resume goes on from here")
    if first and run.losses:
        job.card["images per second"] = round((len(run.losses) - done) * plan.batch / (time.time() - begun))
        report(job)
        finish(job)
    return whole


def outlook(job: Job, seconds: float) -> str:
    """Return the line that says what to expect, from the seconds that a step takes here."""
    run, plan, (n, *shape) = job.run, job.plan, job.x.shape
    left = seconds * (plan.steps - len(run.losses))
    time_left = f"{left / 60:.0f} minutes" if left > 90 else f"{left:.0f} seconds"
    return (
        f"{job.card['title']}: {n:,} pictures {'x'.join(map(str, shape))}, {plan.steps:,} steps of {plan.batch}, about"
        f" {time_left} at this pace; {job.expect + '; ' if job.expect else ''}samples come to {job.out}; Ctrl-C keeps"
        " what is learned"
    )


def report(job: Job) -> None:
    """Write the checkpoint, then the averaged model, a sheet of samples and the loss plot; nothing of what diverged."""
    run, out, write = job.run, job.out, checkpoints.write_whole
    step, tail = len(run.losses), run.losses[-100:]
    try:
        drawn = sample(run.average, job.x.shape[1:], job.labels)
    except ValueError:  # a sampler refuses what is no number
        raise ValueError(
            f"the samples after {step} steps are no numbers: with lr {job.plan.lr} the training diverges; try a"
            " smaller lr"
        ) from None
    save(run, job.plan, out / "checkpoint.safetensors")
    card = job.card | {"steps": step, "loss": sum(tail) / max(1, len(tail))}
    checkpoints.save(run.average, out / "model.safetensors", card)
    pictures = sets.to_bytes(job.decode(drawn)).cpu()
    write(out / f"samples-{step:06d}.png", lambda beside: sheet(pictures, 10).save(beside, "png"))
    write(out / "loss.png", lambda beside: loss_plot(run.losses).save(beside, "png"))


def sample(D: nn.Module, shape: torch.Size, labels: Tensor, n: int = 50, steps: int = 12) -> Tensor:
    """Return n samples of the labels in turn, by Heun's method from fixed noise."""
    kinds = labels.unique()
    grid = sigmas.karras(steps, 0.02, 80.0)
    x = float(grid[0]) * torch.randn(n, *shape, generator=seeded()).to(labels.device)
    return samplers.final(samplers.heun(D, x, grid, kinds[torch.arange(n, device=labels.device) % len(kinds)]))


def finish(job: Job) -> None:
    """Write the run card: what was trained, on what, how fast, how far."""
    losses = job.run.losses
    here: dict[str, Any] = {"processes": devices.place()[1], "device": str(job.x.device), "torch": torch.__version__}
    here["peak memory, GB"] = round(devices.peak_memory(job.x.device) / 1e9, 2)
    done = {"parameters": count_params(job.run.D), "steps": len(losses), "loss": losses[-1] if losses else None}
    text = json.dumps(job.card | done | here, indent=2)
    checkpoints.write_whole(job.out / "card.json", lambda beside: Path(beside).write_text(text + "\n"))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (ValueError, TypeError, OSError) as error:
        sys.exit(f"{type(error).__name__}: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped; what was written before is whole")
