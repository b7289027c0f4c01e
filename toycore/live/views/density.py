"""The density view: one density, three processes."""

from typing import Any

from toycore import fields, samplers
from toycore.live import formula, lattice, payload, stills
from toycore.live.controls import FRAME, LAYERS, SIGMA, choice
from toycore.live.engine import View
from toycore.mixtures import Source
from toycore.types import seeded

PROCESS = choice("process", "process", {"forward": "forward SDE", "reverse": "reverse SDE", "ode": "flow ODE"})
BACKWARD = {"reverse": samplers.sde, "ode": samplers.heun}
ARROWS = choice("show", "arrows", ["score", "drift", "both", "none"])


def density(data: Source | None = None, **start: Any) -> View:
    """Show the exact density and a particle cloud under forward SDE, reverse SDE and probability-flow ODE.

    Values: sigma, process ("forward", "reverse", "ode"), show ("score", "drift", "both", "none"), frame, seed,
    points. Play runs the process in its own direction.
    """
    shown = payload.of(data=data, checkpoint="").with_fields()
    controls = [SIGMA.at(0.5), PROCESS.at("reverse"), ARROWS, FRAME.at("VP"), *LAYERS]
    meta = {"steps": 120, "n": 600, "rules": {name: formula.rule(walk) for name, walk in BACKWARD.items()}}
    return View("density", "One density, three processes", shown, controls, still, start, **meta)


def still(view: View) -> Any:
    """Draw the exact density at the view's level with a sample of it, and the score."""
    from toycore import plots

    fig, ax = plots.figure()
    x, scale = stills.plane(ax, view, view.sigma, f"\u03c3 = {view.sigma:.3g}")
    x0, _ = view.payload.mixture.sample(500, seeded(1))
    stills.cloud(ax, scale * (x0 + view.sigma * lattice.normals(view.seed, 1, 500)))
    if view.show in ("score", "both"):
        plots.field(ax, scale * x, -fields.noise(view.payload.fields["exact"], x, view.sigma), scale=1.0)
    return fig
