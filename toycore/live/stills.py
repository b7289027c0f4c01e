"""Still twins of the views, drawn with matplotlib for print and for readers without scripts.

Each function gets what the view was made of, then the view, and draws it as its values stand. matplotlib is
imported on use.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from toycore import fields as three_fields
from toycore import frames, guidance, samplers, sigmas
from toycore.live import lattice
from toycore.mixtures import GaussianMixture
from toycore.style import LIGHT
from toycore.types import Denoiser, Label

FRAMES = {"VE": frames.VE, "VP": frames.VP, "flow": frames.FLOW}


def plane(
    ax: Any, mixture: GaussianMixture, view: Any, sigma: float, title: str = "", label: Label = None
) -> tuple[Tensor, float]:
    """Draw density and data behind; return the places of arrows in the VE frame and the frame's scale."""
    from toycore import plots

    extent = 1.4 if view.frame == "VE" else 2.0
    scale = float(FRAMES[view.frame].scale(sigma))
    plots.plane(ax, extent, title)
    x = plots.grid(64, extent) / scale
    if view.density:
        plots.density(ax, mixture.log_density(x, max(sigma, 0.01), label).exp().sqrt(), extent)
    if view.points:
        x0, own = mixture.sample(400, torch.Generator().manual_seed(0))
        plots.points(ax, scale * (x0 if label is None else x0[own == label]), size=3)
    return plots.grid(21, 0.96 * extent) / scale, scale


def label_of(view: Any) -> Label:
    """Return the class a view shows, None for all."""
    return None if view.label < 0 else view.label


def field(mixture: GaussianMixture, fields: dict[str, Denoiser], view: Any) -> Any:
    """Draw the field, one panel per linked Denoiser."""
    from toycore import plots

    names = view.meta["fields"] if view.meta["linked"] else [view.show]
    fig, axes = plots.figure(1, len(names), squeeze=False)
    label, sigma = label_of(view), view.sigma
    for ax, name in zip(axes[0], names, strict=True):
        x, scale = plane(ax, mixture, view, sigma, f"{name}, \u03c3 = {sigma:.3g}", label)
        eps = [three_fields.noise(D, x, sigma, label) for key, D in fields.items() if name in (key, "error")]
        plots.field(
            ax, scale * x, eps[1] - eps[0] if name == "error" else -eps[0], scale=0.2 if name == "error" else 1.0
        )
    return fig


def forward(mixture: GaussianMixture, plans: dict[str, Any], view: Any) -> Any:
    """Draw the noised cloud beside the signal-to-noise ratio of every schedule."""
    from toycore import plots

    levels = torch.from_numpy(plans[f"S/{view.schedule}"])
    sigma = float(levels[round(view.time * (len(levels) - 1))])
    fig, (left, right) = plots.figure(1, 2)
    x0, _ = mixture.sample(500, torch.Generator().manual_seed(0))
    _, scale = plane(left, mixture, view, sigma, f"\u03c3 = {sigma:.3g}")
    plots.points(left, scale * (x0 + sigma * lattice.normals(view.seed, 0, 500)), color=LIGHT.sample, size=4)
    for name, grid in plans.items():
        plots.curve(right, torch.linspace(0, 1, len(grid)), torch.from_numpy(grid) ** -2.0, name.removeprefix("S/"))
    right.set(yscale="log", title="signal-to-noise ratio", xlabel="share of the way to noise")
    plots.legend(right)
    return fig


def walk(mixture: GaussianMixture, fields: dict[str, Denoiser], view: Any) -> Any:
    """Draw where each sampler's walk stands at the view's step, from the same noise."""
    from toycore import plots

    lanes = [name or view.sampler for name in view.meta["samplers"]]
    fig, axes = plots.figure(1, len(lanes), squeeze=False)
    grid = levels_of(view)
    for ax, name in zip(axes[0], lanes, strict=True):
        xs = run(name, fields[view.show], grid, view)
        k = min(round(view.step), len(xs) - 1)
        _, scale = plane(ax, mixture, view, float(grid[k]), f"{name}, step {k} of {len(xs) - 1}", label_of(view))
        plots.points(ax, scale * xs[k], color=LIGHT.sample, size=4)
    return fig


def levels_of(view: Any) -> Tensor:
    """Return the noise levels that a walk view walks down."""
    make: dict[str, Callable[[int], Tensor]] = {
        "log-linear": sigmas.log_linear,
        "karras": sigmas.karras,
        "ddpm": sigmas.ddpm,
    }
    return make[view.schedule](view.steps)


def run(name: str, D: Denoiser, grid: Tensor, view: Any, n: int = 500) -> list[Tensor]:
    """Walk n particles down from the view's own start noise; fresh noise comes from torch, seeded alike."""
    x, label = float(grid[0]) * lattice.normals(view.seed, 0, n), label_of(view)
    rng = torch.Generator().manual_seed(view.seed)
    walks: dict[str, Callable[[], samplers.Walk]] = {
        "ddpm": lambda: samplers.ddpm(D, x, grid, label, rng, view.noise),
        "no noise": lambda: samplers.ddpm(D, x, grid, label, rng, 0.0),
        "ddim": lambda: samplers.ddim(D, x, grid, label, rng, view.eta),
        "heun": lambda: samplers.heun(D, x, grid, label),
        "sde": lambda: samplers.sde(D, x, grid, label, rng),
    }
    return [x, *(state.x for state in walks[name]())]


def guided(fields: dict[str, Denoiser], view: Any) -> Denoiser:
    """Return the Denoiser that a guidance view shows: s, negative class and interval of levels included."""
    D, s = fields[view.show], view.guidance
    strong, free = guidance.labelled(D, view.label), guidance.unlabelled(D)
    avoid = view.avoid >= 0 and view.avoid != view.label
    weak = guidance.labelled(D, view.avoid) if avoid and view.form == "replace" else free
    inside = guidance.guided(strong, weak, s)
    if avoid and view.form == "two-term":
        away = guidance.labelled(D, view.avoid)
        inside = lambda x, sigma, label=None: (  # noqa: E731
            free(x, sigma) + s * (strong(x, sigma) - free(x, sigma)) - view.push * (away(x, sigma) - free(x, sigma))
        )
    return lambda x, sigma, label=None: (inside if view.low * 0.9999 <= float(sigma) <= view.high * 1.0001 else strong)(
        x, sigma
    )


def guide(mixture: GaussianMixture, fields: dict[str, Denoiser], view: Any) -> Any:
    """Draw the guided field and where its samples end."""
    from toycore import plots

    fig, (left, right) = plots.figure(1, 2)
    D, grid = guided(fields, view), sigmas.log_linear(view.meta["steps"])
    x, scale = plane(
        left, mixture, view, view.sigma, f"s = {view.guidance:g}, \u03c3 = {view.sigma:.3g}", label_of(view)
    )
    plots.field(left, scale * x, -three_fields.noise(D, x, view.sigma), scale=1.0)
    plane(right, mixture, view, 0.01, "samples", label_of(view))
    plots.points(
        right,
        samplers.final(samplers.ddim(D, 10 * lattice.normals(view.seed, 0, 500), grid)),
        color=LIGHT.sample,
        size=4,
    )
    return fig


def density(mixture: GaussianMixture, view: Any) -> Any:
    """Draw the exact density at the view's level with a sample of it, and the score."""
    from toycore import exact, plots

    fig, ax = plots.figure()
    x, scale = plane(ax, mixture, view, view.sigma, f"\u03c3 = {view.sigma:.3g}")
    x0, _ = mixture.sample(500, torch.Generator().manual_seed(1))
    plots.points(ax, scale * (x0 + view.sigma * lattice.normals(view.seed, 1, 500)), color=LIGHT.sample, size=4)
    plots.field(ax, scale * x, -three_fields.noise(exact.posterior_mean(mixture), x, view.sigma), scale=1.0)
    return fig


def training(mixture: GaussianMixture, view: Any) -> Any:
    """Draw the loss of every snapshot, with the data beside it."""
    from toycore import plots

    steps, losses = view.history
    fig, (left, right) = plots.figure(1, 2)
    plane(left, mixture, view, view.sigma, "what is learned")
    plots.curve(right, torch.tensor(steps), torch.tensor(losses), color=LIGHT.learned)
    right.set(title="training loss", xlabel="step", xscale="log")
    return fig


def pictures(pixels: np.ndarray, view: Any, most: int = 8) -> Any:
    """Draw up to eight pictures of the first axis in a row, at the second axis' place."""
    from toycore import plots

    column = min(round(view.second), pixels.shape[1] - 1)
    rows = np.unique(np.linspace(0, len(pixels) - 1, most).round().astype(int))
    fig, axes = plots.figure(1, len(rows), size=(1.4, 1.7), squeeze=False)
    for ax, row in zip(axes[0], rows, strict=True):
        plots.image(ax, torch.from_numpy(pixels[row, column]).permute(2, 0, 1), 0, 255)
        ax.set_title(f"{row + 1}")
    return fig
