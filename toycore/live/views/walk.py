"""The walk view: sampling step by step, one sampler or several side by side from the same noise."""

from collections.abc import Callable
from inspect import signature
from typing import Any, NamedTuple

from torch import Tensor

from toycore import samplers, sigmas
from toycore.checks import one_of, texts
from toycore.live import formula, lattice, payload, stills
from toycore.live.controls import ARROWS, FRAME, LAYERS, Control, choice, classes, slider
from toycore.live.engine import View
from toycore.mixtures import Source
from toycore.types import seeded


class Sampler(NamedTuple):
    """An entry of the menu: its label, its sampler, and what is fixed of it."""

    label: str
    walk: Callable[..., samplers.Walk]
    fixed: dict[str, float]

    @property
    def values(self) -> list[str]:
        """Which of the view's values the sampler takes."""
        own = signature(self.walk).parameters.keys() - self.fixed
        return [knob.role for knob in KNOBS if knob.role in own]


SAMPLERS = {walk.__name__: Sampler(label, walk, {}) for label, walk in samplers.MENU.items()}
SAMPLERS["no noise"] = Sampler("DDPM without noise", samplers.ddpm, {"noise": 0.0})
GRIDS: dict[str, Callable[[int], Tensor]] = {
    "log-linear": sigmas.log_linear,
    "karras": sigmas.karras,
    "ddpm": sigmas.ddpm,
}
STEP = slider("step", "step", 0, "steps", 1, 0.0, 200, digits=0)
STEPS = slider("steps", "number of steps", 1, 200, 1, 50, digits=0, whole=True)
KNOBS = [slider("noise", "noise multiplier", 0.0, 1.2, 0.05, 1.0), slider("eta", "DDIM's \u03b7", 0.0, 1.0, 0.05, 0.0)]
SYMBOLS = {"noise": "noise \u00d7", "eta": "\u03b7 ="}  # what the number of a knob is written with
SCHEDULE = choice("schedule", "noise levels", [*GRIDS])
PLAY = {"role": "step", "from": 0, "to": "steps", "by": 1, "seconds": 7}


def walk(D: Any = None, data: Source | None = None, samplers: Any = None, **start: Any) -> View:
    """Show sampling step by step: play, pause, single steps, scrub back; predicted and random part of a
    step apart.

    samplers: one or more names side by side from the same noise, "no noise" or those of `samplers.MENU`, e.g.
    samplers=["ddpm", "no noise", "ddim"]; default one pane with a selector. Values: step, steps, sampler, noise
    (0 to 1.2), eta, schedule ("log-linear", "karras", "ddpm"), frame, show, label, seed. A click follows
    another particle.
    """
    need = "the name of a sampler or a list of names: samplers=['ddpm', 'ddim']"
    lanes = [one_of(name, SAMPLERS, "sampler") for name in texts(samplers, "samplers", need)] if samplers else []
    many = len(lanes) > 1
    shown = payload.of(D, data).with_fields()
    fields = [
        choice("show", "field", [*shown.fields]),
        classes(shown.mixture),
        FRAME.at("VP"),
        ARROWS.at(False),
        *LAYERS,
    ]
    controls = [STEP, *(knobs(lanes) if many else selector()), STEPS, SCHEDULE, *fields]
    look = {
        "layout": "below" if many else "side",
        "aspect": 0.85,
        "wide": 1.5,
        "n": 500 if many else 1000,
        "hint": "Click a particle to follow it",
    }
    meta = look | {"samplers": lanes if many else [None]} | vocabularies()
    start = start if many or not lanes else alone(*lanes) | start
    return View("walk", "From noise to data, step by step", shown, controls, still, start, play=PLAY, **meta)


def knobs(lanes: list[str]) -> list[Control]:
    """Return the values that samplers side by side take."""
    return [knob for knob in KNOBS if any(knob.role in SAMPLERS[lane].values for lane in lanes)]


def selector() -> list[Control]:
    """Return the choice among all samplers, and the values of each, shown with it."""
    free = {name: sampler for name, sampler in SAMPLERS.items() if not sampler.fixed}
    takers = [[name for name in free if knob.role in free[name].values] for knob in KNOBS]
    which = choice("sampler", "sampler", {name: sampler.label for name, sampler in free.items()})
    return [which, *(knob.shown_if(sampler=names) for knob, names in zip(KNOBS, takers))]


def alone(lane: str) -> dict[str, Any]:
    """Return the values with which a single pane shows this sampler."""
    return {"sampler": SAMPLERS[lane].walk.__name__} | SAMPLERS[lane].fixed


def vocabularies() -> dict[str, Any]:
    """Return samplers and grids of levels as the page needs them."""
    ends = {name: grid(2).tolist() for name, grid in GRIDS.items()}
    return {
        "rules": [entry(name, *sampler) | {"values": sampler.values} for name, sampler in SAMPLERS.items()],
        "symbols": SYMBOLS,
        "levels": [dict(name=name, low=low, high=high) for name, (high, low, _) in ends.items()],
    }


def entry(name: str, label: str, walk: Callable[..., samplers.Walk], fixed: dict[str, float]) -> dict[str, Any]:
    """Return a sampler as the page needs it."""
    return {"name": name, "sampler": walk.__name__, "label": label, "rule": formula.rule(walk, **fixed)}


def still(view: View) -> Any:
    """Draw where each sampler's walk stands at the view's step, from the same noise; where it ends if it has not begun.

    Before its first step a walk shows nothing but noise.
    """
    from toycore import plots

    lanes = [name or view.sampler for name in view.meta["samplers"]]
    fig, axes = plots.figure(1, len(lanes), squeeze=False)
    grid = GRIDS[view.schedule](view.steps)
    for ax, name in zip(axes[0], lanes, strict=True):
        xs = run(view, SAMPLERS[name], grid)
        k = min(round(view.step) or len(xs) - 1, len(xs) - 1)
        _, scale = stills.plane(ax, view, float(grid[k]), f"{SAMPLERS[name].label}, step {k} of {len(xs) - 1}")
        stills.cloud(ax, scale * xs[k])
    return fig


def run(view: View, sampler: Sampler, grid: Tensor, n: int = 500) -> list[Tensor]:
    """Walk n particles down from the view's own start noise; fresh noise comes from torch, seeded alike."""
    x = float(grid[0]) * lattice.normals(view.seed, 0, n)
    knobs = sampler.fixed | {name: getattr(view, name) for name in sampler.values}
    rng = {"rng": seeded(view.seed)} if "rng" in signature(sampler.walk).parameters else {}
    walk = sampler.walk(view.payload.fields[view.show], x, grid, stills.label_of(view), **rng, **knobs)
    return [x, *(state.x for state in walk)]
