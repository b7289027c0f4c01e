"""The course without Jupyter: train on the spiral, measure, draw: `course.py demo` writes spiral.png here."""

import argparse
import importlib.util
import sys
import tempfile
import warnings
from pathlib import Path

import matplotlib as mpl
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from toycore import checkpoints, exact, metrics, mixtures, plots, samplers, sigmas, style, training
from toycore.frames import VP
from toycore.types import Denoiser, State, seeded

SHOWN = 10.0, 0.25, 0.08, 0.0  # the noise levels in the picture: far, where the arms appear, near, done
SIZE = 9.2, 4.9  # inches


def walk(D: Denoiser, n: int = 500, levels: int = 64) -> list[State]:
    """Walk n points from noise to data with DDPM; the same start and the same fresh noise for every D."""
    grid = sigmas.log_linear(levels, 0.01, 10.0)
    x = grid[0] * torch.randn(n, 2, generator=seeded(1))
    start = State(x, float(grid[0]), x, x, torch.zeros_like(x))
    return [start, *samplers.ddpm(D, x, grid, rng=seeded(2))]


def towards(D: Denoiser, at: Tensor, sigma: float) -> Tensor:
    """Return the arrows from `at` (VP frame) towards what D predicts: x0_hat - at."""
    return D((at / VP.scale(sigma)).float(), sigma) - at


def draw(fig: Figure, truth: Denoiser, D: Denoiser) -> None:
    """Draw both walks in the VP frame, x / sqrt(1 + sigma^2), over their fields: exact above, learned below."""
    rows = fig.subplots(2, len(SHOWN))
    for axes, model, name in zip(rows, (truth, D), ("exact", "learned"), strict=True):
        states = walk(model)
        for ax, level in zip(axes, SHOWN, strict=True):
            state = min(states, key=lambda state: abs(state.sigma - level))
            panel(ax, model, state, f"{name}, $\\sigma$ = {state.sigma:.2g}")


def picture(truth: Denoiser, D: Denoiser) -> bytes:
    """Return the two walks as the bytes of a PNG file."""
    with mpl.rc_context(style.rc()):
        fig = Figure(SIZE, dpi=plots.DPI, layout="constrained")
        draw(fig, truth, D)
        return plots.png(fig)


@torch.no_grad()
def panel(ax: Axes, D: Denoiser, state: State, title: str) -> None:
    """Draw one moment of a walk over the field that moves it."""
    at = plots.grid(15, 1.1)
    plots.plane(ax, 1.2, title=title).set_axis_off()
    plots.points(ax, VP.scale(state.sigma) * state.x, color=style.LIGHT.sample, size=4, alpha=0.7)
    if state.sigma:
        plots.field(ax, at, towards(D, at, state.sigma), scale=0.3, zorder=3)


def save_view(spiral: mixtures.GaussianMixture, D: Denoiser, path: Path) -> None:
    """Write the live view of both fields as one HTML file, where the widgets are installed."""
    if all(map(importlib.util.find_spec, ("ipywidgets", "anywidget"))):
        from toycore import live

        live.field({"exact": exact.posterior_mean(spiral), "learned": D}, data=spiral).save(path)
        print(f"wrote {path}: open it in a browser and move the slider")


def trained(spiral: mixtures.GaussianMixture) -> Denoiser:
    """Train for some seconds with a bar. Ctrl-C ends the demo: a field half learned would show the wrong thing."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "training was stopped")
        return training.fit(spiral, steps=2000, rng=seeded(0), progress=True)


def main(folder: Path) -> None:
    """Train, print how good the field is, and write the pictures into folder."""
    spiral = mixtures.spiral()
    D = trained(spiral)
    FE = float(metrics.field_error(D, spiral, rng=seeded(3)).mean())
    print(f"error of the learned field against the exact one: {FE:.3f} (0: exact, 1: nothing learned)")
    image = picture(exact.posterior_mean(spiral), D)
    path = checkpoints.write_whole(folder / "spiral.png", lambda beside: Path(beside).write_bytes(image))
    print(f"wrote {path}")
    save_view(spiral, D, folder / "spiral.html")


def folder(arguments: list[str]) -> Path:
    """Read the command line: the folder to write into, this one if none is named."""
    parser = argparse.ArgumentParser(prog="toycore.programs.demo", description="train on the spiral, measure, draw")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), help="where spiral.png goes (default: here)")
    place = parser.parse_args(arguments).folder
    if not place.is_dir():
        parser.error(f"there is no folder {place}")
    try:
        with tempfile.TemporaryFile(dir=place) as trial:  # before the training, not after it
            trial.write(bytes(1_000_000))
    except OSError as error:
        parser.error(
            f"cannot write into {place.resolve()}: {error.strerror}; name another folder: course.py demo FOLDER"
        )
    return place


if __name__ == "__main__":
    place = folder(sys.argv[1:])
    try:
        main(place)
    except OSError as error:
        sys.exit(f"\nthe demo: {error}")
