"""The inverse view: one coordinate is measured; the exact posterior beside three methods that look for it."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from toycore import exact, metrics, mixtures, samplers, sigmas
from toycore.lessons import inverse as lesson
from toycore.live import formula, lattice, payload, stills
from toycore.live.controls import HIGH, LAYERS, slider
from toycore.live.engine import View
from toycore.mixtures import GaussianMixture, Source
from toycore.types import seeded

LOW, STEPS, N = 0.005, 25, 160  # the last level of the walks, their steps and particles
MOST = 400  # Gaussians that the page walks through at the pace of a hand
METHODS = {"exact": "exact posterior", "DPS": "DPS", "PiGDM": "PiGDM", "replacement": "replacement"}
A = torch.tensor([[1.0, 0.0]])  # what is measured: x1
SIGMA = slider("sigma", "noise level \u03c3", LOW, HIGH, 0.005, HIGH, log=True)
PLAY = {"role": "sigma", "from": HIGH, "to": LOW, "by": 1.15, "seconds": 6}


def inverse(data: Source | None = None, **start: Any) -> View:
    """Show where a point may be whose first coordinate was measured, y = x1 + tau n, and what three methods find.

    data: a distribution or points, of at most 400 Gaussians; at the start `mixtures.spiral(100, 0.04)`. Four walks
    from one noise, all with the exact field of the data: with the exact posterior, DPS, PiGDM (spread: the data's) and
    replacement, as in `lessons.inverse`. Drag the measured line. Values: sigma (where the walks stand), y, tau.
    """
    shown = payload.of(data=mixtures.spiral(100, 0.04) if data is None else data, checkpoint="")
    if len(shown.mixture.means) > MOST:
        raise ValueError(
            f"data has {len(shown.mixture.means)} Gaussians; the page walks through all of them while you drag, so"
            f" give at most {MOST}, such as mixtures.spiral(100, 0.04)"
        )
    (x, _), half = shown.meta["box"]["centre"], shown.meta["box"]["half"]
    low, high = (round(x + side * half / 1.15, 2) for side in (-1, 1))
    controls = [
        SIGMA,
        slider("y", "measured: y = x\u2081 + \u03c4n", low, high, 0.01, round(min(max(0.2, low), high), 2)),
        slider("tau", "error \u03c4 of the measurement", 0.02, 1.0, 0.01, 0.05, log=True),
        *LAYERS,
    ]
    meta = {"methods": list(METHODS.items()), "spread": spread(shown.mixture), "rule": formula.rule(samplers.ddpm)}
    meta |= {"play": PLAY, "low": LOW, "steps": STEPS, "n": N, "layout": "below", "aspect": 1.0, "wide": 1.5}
    meta |= {"hint": "Press play, then drag the measured line"}
    return View("inverse", "One coordinate was measured: where is the point?", shown, controls, still, start, **meta)


def spread(mixture: GaussianMixture) -> float:
    """Return the standard deviation of the data, pooled over both axes."""
    squares = ((mixture.means - mixture.mean) ** 2).mean(1) + mixture.std**2
    return math.sqrt(float(squares @ mixture.weights))


def walks(view: View) -> dict[str, Callable[..., samplers.Walk]]:
    """Return every method at the view's measurement as a function of (start, grid, rng=)."""
    prior, y, tau = view.payload.mixture, torch.tensor([view.y]), view.tau
    D = exact.posterior_mean(prior)
    fields = {
        "exact": exact.posterior_mean(lesson.posterior(prior, A, y, tau)),
        "DPS": lesson.dps(D, A, y, tau),
        "PiGDM": lesson.pigdm(D, A, y, tau, view.meta["spread"]),
    }
    made: dict[str, Callable[..., samplers.Walk]] = {
        name: partial(samplers.ddpm, field) for name, field in fields.items()
    }
    return made | {"replacement": partial(lesson.replacement, D, A, y, tau)}


def ends(view: View) -> dict[str, Tensor]:
    """Return where the walks of all methods end, `[n, 2]` each, from the view's own start noise."""
    noise, grid = HIGH * lattice.normals(view.seed, 0, N), sigmas.karras(STEPS, LOW, HIGH)
    return {name: samplers.final(walk(noise, grid, rng=seeded(view.seed))) for name, walk in walks(view).items()}


def still(view: View) -> Any:
    """Draw where the walks end, with their coverage of the exact posterior, and the measured line."""
    from toycore import plots
    from toycore.style import LIGHT

    fig, axes = plots.figure(1, len(METHODS), size=(2.6, 3.0))
    post = lesson.posterior(view.payload.mixture, A, torch.tensor([view.y]), view.tau)
    real = post.sample(N, seeded(view.seed + 1))[0]
    for ax, (name, x) in zip(axes, ends(view).items(), strict=True):
        stills.plane(ax, view, LOW, f"{METHODS[name]}: {metrics.coverage(x, real):.2f}")
        ax.axvline(view.y, color=LIGHT.accent, linewidth=1)
        plots.points(ax, x, color=LIGHT.exact if name == "exact" else LIGHT.sample, size=4)
    return fig
