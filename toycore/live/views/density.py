"""The density view: one density, three processes."""

from typing import Any

import torch
from torch import Tensor

from toycore import fields, frames, samplers, sigmas
from toycore.live import formula, lattice, payload, stills
from toycore.live.controls import FRAME, HIGH, LAYERS, LOW, SIGMA, choice
from toycore.live.engine import View
from toycore.mixtures import Source
from toycore.style import LIGHT
from toycore.types import seeded

PROCESSES = {"forward": "forward SDE", "reverse": "reverse SDE", "ode": "probability-flow ODE"}
BACKWARD = {"reverse": samplers.sde, "ode": samplers.heun}
PROCESS = choice("process", "process", {"all": "all three", **PROCESSES})
ARROWS = choice("show", "arrows", ["none", "score", "drift", "both"])


def density(data: Source | None = None, **start: Any) -> View:
    """Show the particles of forward SDE, reverse SDE and probability-flow ODE side by side over the exact density.

    The data become noise by the forward SDE, and from that noise the other two start; a few paths are drawn in the
    plane and, under it, against ln sigma. Values: sigma, process ("all", "forward", "reverse", "ode"), show ("none",
    "score", "drift", "both"), frame, seed, points. A click follows another particle; the forward process alone is
    played upwards.
    """
    shown = payload.of(data=data, checkpoint="").with_fields()
    controls = [SIGMA.at(0.2), PROCESS, ARROWS, FRAME.at("VP"), *LAYERS]
    meta: dict[str, Any] = {
        "steps": 120,
        "n": 600,
        "layout": "below",
        "aspect": 2.0,
        "hint": "Click a particle to follow it",
    }
    meta |= {"rules": {name: formula.rule(walk) for name, walk in BACKWARD.items()}}
    return View("density", "One density, three processes", shown, controls, still, start, **meta)


def still(view: View) -> Any:
    """Draw the processes at the view's level, with the paths of a few particles, over the exact density."""
    from toycore import plots

    names = list(PROCESSES) if view.process == "all" else [view.process]
    fig, axes = plots.figure(1, len(names), squeeze=False)
    frame = getattr(frames, view.frame.upper())
    for ax, name in zip(axes[0], names, strict=True):
        x, scale = stills.plane(ax, view, view.sigma, f"{PROCESSES[name]}, \u03c3 = {view.sigma:.3g}")
        levels, xs = run(view, name)
        stills.cloud(ax, scale * xs[-1])
        plots.paths(ax, (frame.scale(levels)[:, None, None] * xs)[:, :5], LIGHT.accent)
        if view.show in ("score", "both"):
            plots.field(ax, scale * x, -fields.noise(view.payload.fields["exact"], x, view.sigma), scale=1.0)
    return fig


def run(view: View, process: str, n: int = 500, steps: int = 80) -> tuple[Tensor, Tensor]:
    """Return the levels `[k]` that a process has passed when it is at the view's level, and its particles
    `[k, n, 2]` there; the backward processes start where the forward one ends.
    """
    sigma, D, rng = min(view.sigma, 0.99 * HIGH), view.payload.fields["exact"], seeded(view.seed)
    up = torch.cat([torch.zeros(1), sigmas.log_linear(steps, min(LOW, sigma / 2), sigma)[:-1].flip(0)])
    x0, _ = view.payload.mixture.sample(n, rng)
    xs = forward(x0, up, rng)
    if process == "forward":
        return up, xs
    down = sigmas.log_linear(steps, sigma, HIGH)[:-1]
    start = xs[-1] + (HIGH**2 - sigma**2) ** 0.5 * lattice.normals(view.seed, 0, n)
    walk = samplers.heun(D, start, down) if process == "ode" else samplers.sde(D, start, down, rng=rng)
    return down, torch.cat([start[None], samplers.stack(walk)])


def forward(x0: Tensor, levels: Tensor, rng: torch.Generator) -> Tensor:
    """Return x(sigma_k) = x(sigma_{k-1}) + sqrt(sigma_k^2 - sigma_{k-1}^2) z at increasing levels from 0."""
    size = (levels**2).diff().sqrt()
    z = torch.randn(len(size), *x0.shape, generator=rng)
    return torch.cat([x0[None], x0 + (size[:, None, None] * z).cumsum(0)])
