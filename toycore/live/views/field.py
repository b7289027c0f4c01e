"""The field view: arrows, density and particles at one noise level, exact beside learned."""

import math
from typing import Any

import numpy as np
import torch

from toycore import exact, fields, samplers, sigmas
from toycore.live import formula, payload, stills
from toycore.live.controls import ARROWS, FRAME, HIGH, LAYERS, LOW, SIGMA, Control, choice, classes
from toycore.live.engine import View
from toycore.mixtures import GaussianMixture, Source
from toycore.types import seeded

LEVELS = sigmas.log_linear(60, LOW, HIGH)[:-1].flip(0).float()  # where the crossover is measured


def field(D: Any = None, data: Source | None = None, **start: Any) -> View:
    """Show the field of one or more Denoisers at a noise level: arrows -eps_hat, density and data behind,
    particles. Two linked fields have their difference beside them.

    Values: sigma, frame ("VE", "VP", "flow"), show ("exact", "learned", "error"; one Denoiser at a time, a
    dictionary has linked panes instead), label, arrows, density, points, seed; presets, a list of such values
    for the number keys. Play walks 1,000 particles down by DDIM; a click shows the posterior weights on the
    data and the mean they make.
    """
    shown = payload.of(D, data).with_fields()
    shown.arrays["crossover"] = cosines = crossover(shown.mixture)
    linked = isinstance(D, dict) and len(shown.fields) > 1
    which = choices([*shown.fields])
    controls = [which.hidden() if linked else which, FRAME, classes(shown.mixture), ARROWS, *LAYERS]
    look = {
        "linked": linked,
        "n": 500 if linked else 1000,
        "layout": "below" if linked else "side",
        "hint": "Click a point: where did it come from?",
    }
    meta = look | {"steps": 60, "rule": formula.rule(samplers.ddim), "probe": True, "switch": switch(cosines)}
    return View("field", "The field at one noise level", shown, [SIGMA, *controls], still, start, **meta)


def choices(names: list[str]) -> Control:
    """Return the choice of a field, and of the learned one's error beside an exact one."""
    return choice("show", "field", [*names, "error"] if names[0] == "exact" and len(names) == 2 else names)


@torch.no_grad()
def crossover(mixture: GaussianMixture, n: int = 400) -> np.ndarray:
    """Return, at 60 levels from .01 to 10, the mean cosine between the score and the way to the data's mean, float32.

    Near 1 the arrows aim at the mean of all data; where it falls below cos 45 degrees they aim at the data nearby.
    """
    D, rng = exact.posterior_mean(mixture), seeded(1)
    x0 = mixture.sample(n, rng)[0].float()
    z = torch.randn(n, 2, generator=rng)

    def at(sigma: float) -> float:
        x = x0 + sigma * z
        return float(torch.cosine_similarity(D(x, sigma) - x, mixture.mean.float() - x).mean())

    return np.array([at(float(sigma)) for sigma in LEVELS], dtype=np.float32)


def switch(cosines: np.ndarray) -> float:
    """Return the level where the mean cosine crosses cos 45 degrees: below it the arrows aim at the data nearby."""
    i = max(1, int(np.argmax(cosines > math.sqrt(0.5))))
    part = (math.sqrt(0.5) - cosines[i - 1]) / (cosines[i] - cosines[i - 1])
    return float(LEVELS[i - 1] * (LEVELS[i] / LEVELS[i - 1]) ** part)


def still(view: View) -> Any:
    """Draw the field, one panel per linked Denoiser."""
    from toycore import plots

    names = list(view.payload.fields) if view.meta["linked"] else [view.show]
    fig, axes = plots.figure(1, len(names), squeeze=False)
    for ax, name in zip(axes[0], names, strict=True):
        x, scale = stills.plane(ax, view, view.sigma, f"{name}, \u03c3 = {view.sigma:.3g}", field=name)
        eps = [fields.noise(D, x, view.sigma, stills.label_of(view)) for D in compared(view, name)]
        plots.field(ax, scale * x, eps[1] - eps[0] if name == "error" else -eps[0], scale=0.2 if eps[1:] else 1.0)
    return fig


def compared(view: View, name: str) -> list[Any]:
    """Return the Denoiser of this name, or both whose difference is the error."""
    return list(view.payload.fields.values()) if name == "error" else [view.payload.fields[name]]
