"""The forward view: data dissolve into noise along a schedule."""

from itertools import cycle
from typing import Any

import numpy as np
import torch

from toycore import sigmas
from toycore.checks import named
from toycore.live import lattice, payload, stills
from toycore.live.controls import LAYERS, choice, slider
from toycore.live.engine import View
from toycore.mixtures import Source
from toycore.style import LIGHT
from toycore.types import seeded

SCHEDULES = {  # name: (its levels, the frame it is drawn in)
    "linear": (sigmas.ddpm, "VP"),
    "cosine": (sigmas.cosine, "VP"),
    "log-linear": (lambda: sigmas.log_linear(1000), "VE"),
    "flow": (lambda: sigmas.flow(1000), "flow"),
    "Stable Diffusion": (sigmas.stable_diffusion, "VP"),
}
TIME = slider("time", "share of the way to noise", 0.0, 1.0, 0.002, 0.3, digits=3)
PLAY = {"role": "time", "from": 0.0, "to": 1.0, "by": 0.02, "seconds": 7}


def forward(data: Source | None = None, schedules: dict[str, Any] | None = None, **start: Any) -> View:
    """Show data dissolving into noise along a schedule, its signal-to-noise curve, and the 2-pixel image
    beside its point.

    schedules: {name: levels}, grids as of `toycore.sigmas`; default linear (DDPM), cosine, log-linear, flow,
    Stable Diffusion. Values: time (share of the way, 0 data .. 1 noise), schedule, seed, points, density.
    """
    plans = given(schedules) if schedules is not None else {name: levels() for name, (levels, _) in SCHEDULES.items()}
    shown = payload.of(data=data, checkpoint="")
    shown.arrays |= {f"S/{name}": increasing(grid) for name, grid in plans.items()}
    frames = {name: SCHEDULES[name][1] if name in SCHEDULES else "VP" for name in plans}
    controls = [TIME, choice("schedule", "schedule", [*plans]), *LAYERS]
    meta: dict[str, Any] = {"schedules": [{"name": name, "frame": frame} for name, frame in frames.items()]}
    meta |= {"play": PLAY, "layout": "below", "aspect": 1.7, "hint": "Click a point to read it as two pixels"}
    return View("forward", "Data dissolve into noise", shown, controls, still, start, **meta)


def given(schedules: Any) -> dict[str, Any]:
    """Return schedules if they are {name: levels}; otherwise say what is needed."""
    if not isinstance(schedules, dict) or not schedules or not all(isinstance(name, str) for name in schedules):
        what = named(schedules) if schedules else "empty"
        raise TypeError(f"schedules is {what}; give levels by name: {{'karras': sigmas.karras(40)}}")
    return schedules


def increasing(grid: Any) -> np.ndarray:
    """Return a decreasing grid of levels as the page wants it: increasing, without the 0, float32."""
    levels = sigmas.decreasing(grid).double().flip(0)
    return levels[levels > 0].float().numpy()


def still(view: View) -> Any:
    """Draw the noised cloud beside the signal-to-noise ratio of every schedule."""
    from toycore import plots

    frames = {plan["name"]: plan["frame"] for plan in view.meta["schedules"]}
    plans = {name: torch.from_numpy(view.payload.arrays[f"S/{name}"]) for name in frames}
    levels = plans[view.schedule]
    sigma = float(levels[round(view.time * (len(levels) - 1))])
    fig, (left, right) = plots.figure(1, 2)
    x0, _ = view.payload.mixture.sample(500, seeded())
    _, scale = stills.plane(left, view, sigma, f"\u03c3 = {sigma:.3g}", frames[view.schedule])
    stills.cloud(left, scale * (x0 + sigma * lattice.normals(view.seed, 0, 500)))
    for (name, grid), color in zip(plans.items(), cycle(LIGHT.lines)):
        plots.curve(right, torch.linspace(0, 1, len(grid)), grid**-2.0, name, color)
    right.set(yscale="log", title="signal-to-noise ratio", xlabel="share of the way to noise")
    plots.legend(right)
    return fig
