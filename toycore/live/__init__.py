"""Live views: pictures that answer at once, also while Python is busy, also with no Python at all.

    from toycore import live
    live.field()                                the spiral's field, exact and learned: drag sigma, press play, click
    live.field({"exact": D1, "trained": D2})    linked panes
    live.field(sigma=1.0, presets=[dict(sigma=5), dict(sigma=0.1)])     keys 1 and 2 glide there

Every view is an ordinary widget with synced values (`view.sigma`, `view.steps`, ...); `view.save("name.html")`
writes one file that works offline, `view.still()` draws it with matplotlib. Keys are shown by "?" in the view.

Each function takes as its first argument nothing (the spiral), a mixture, Points, a tensor [n, 2], a Denoiser,
or a dictionary of those; `data` names the distribution that a Denoiser was made for, where it is not the
spiral. What else is given by name sets the values at the start: `live.walk(steps=20, noise=0.0)`.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

from toycore import sigmas
from toycore.checks import one_of
from toycore.live import lattice, sources, stills
from toycore.live.engine import View, choice, shown_if, slider, toggle, view
from toycore.live.record import training
from toycore.mixtures import GaussianMixture, Source

__all__ = ["View", "density", "field", "forward", "frames", "guidance", "lattice", "training", "walk"]

FRAMES = choice("frame", "frame", [("VE", "VE"), ("VP", "VP"), ("flow", "flow")])
LAYERS = [toggle("arrows", "arrows"), toggle("density", "density behind"), toggle("points", "data points")]
SIGMA = slider("sigma", "noise level \u03c3", 0.01, 10.0, 0.005, log=True)
SCHEDULES = {
    "linear": sigmas.ddpm,
    "cosine": sigmas.cosine,
    "log-linear": lambda: sigmas.log_linear(1000),
    "flow": lambda: sigmas.flow(1000),
    "Stable Diffusion": sigmas.stable_diffusion,
}
FRAME_OF = {"log-linear": "VE", "flow": "flow"}  # the others are VP
STEP = slider("step", "step", 0, "steps", 1, digits=0)
STEPS = slider("steps", "number of steps", 5, 200, 1, digits=0, whole=True)
NOISE = slider("noise", "noise multiplier", 0.0, 1.2, 0.05)
ETA = slider("eta", "DDIM's \u03b7", 0.0, 1.0, 0.05)
LEVELS = choice("schedule", "noise levels", [(name, name) for name in ("log-linear", "karras", "ddpm")])
PROCESS = choice("process", "process", [("forward", "forward SDE"), ("reverse", "reverse SDE"), ("ode", "flow ODE")])
PULLS = choice("show", "arrows", [("score", "score"), ("drift", "drift"), ("both", "both"), ("none", "none")])
RULES = [
    {"name": "ddpm", "label": "DDPM", "rule": {"sampler": "ddpm", "noise": 1, "eta": 0}, "values": ["noise"]},
    {
        "name": "no noise",
        "label": "DDPM without noise",
        "rule": {"sampler": "ddpm", "noise": 0, "eta": 0},
        "values": [],
    },
    {"name": "ddim", "label": "DDIM", "rule": {"sampler": "ddim", "noise": 1, "eta": 0}, "values": ["eta"]},
    {"name": "heun", "label": "Heun (ODE)", "rule": {"sampler": "heun", "noise": 1, "eta": 0}, "values": []},
    {"name": "sde", "label": "reverse SDE", "rule": {"sampler": "sde", "noise": 1, "eta": 0}, "values": ["noise"]},
]
SAMPLERS = {rule["name"]: str(rule["label"]) for rule in RULES}
LEVEL_GRIDS = [
    {"name": "log-linear", "low": 0.01, "high": 10.0},
    {"name": "karras", "low": 0.002, "high": 80.0},
    {"name": "ddpm", "low": 0.01, "high": 157.4},
]
SWEEP = {"role": "sigma", "from": 10.0, "to": 0.01, "by": 1.15, "seconds": 6}


def _pick(fields: Iterable[str], *more: str) -> list[dict]:
    """Offer the choice of a field where there is more than one."""
    names = [*fields, *more]
    return [choice("show", "field", [(name, name) for name in names])] if len(names) > 1 else []


def _shown(fields: Iterable[str]) -> list[dict]:
    """Offer the choice of a field, and of its error where an exact one leads."""
    names = list(fields)
    return _pick(names, *["error"] * (names[0] == "exact" and len(names) == 2))


def _classes(mixture: GaussianMixture) -> list[dict]:
    """Offer the choice of a class where there is more than one."""
    names = [(-1, "all"), *((c, str(c)) for c in range(mixture.classes))]
    return [choice("label", "class", names)] if mixture.classes > 1 else []


def field(D: Any = None, data: Source | None = None, **start: Any) -> View:
    """Show the field of one or more Denoisers at a noise level: arrows -eps_hat, density and data behind,
    particles.

    Values: sigma, frame ("VE", "VP", "flow"), show ("exact", "learned", "error"; one Denoiser at a time, a
    dictionary has linked panes instead), label, arrows, density, points, seed; presets, a list of such values
    for the number keys. Play walks 1,000 particles down by DDIM; a click shows the posterior weights on the
    data and the mean they make.
    """
    mixture, fields = sources.resolve(D, data)
    known, arrays = sources.described(mixture, fields)
    cosines = sources.crossover(mixture)
    linked = isinstance(D, dict) and len(fields) > 1
    return view(
        "field",
        "The field at one noise level",
        [SIGMA, *([] if linked else _shown(fields)), FRAMES, *_classes(mixture), *LAYERS],
        lattice.pack(arrays | {"crossover": cosines}),
        SWEEP,
        partial(stills.field, mixture, fields),
        start,
        dict(sigma=0.3, show=next(iter(fields))),
        layout="below" if linked else "side",
        linked=linked,
        steps=60,
        n=500 if linked else 1000,
        high=10.0,
        low=0.01,
        probe=True,
        switch=sources.switch(cosines),
        **known,
    )


def forward(data: Source | None = None, schedules: dict[str, Any] | None = None, **start: Any) -> View:
    """Show data dissolving into noise along a schedule, its signal-to-noise curve, and the 2-pixel image
    beside its point.

    schedules: {name: levels}, grids as of `toycore.sigmas`; default linear (DDPM), cosine, log-linear, flow,
    Stable Diffusion. Values: time (share of the way, 0 data .. 1 noise), schedule, seed, points, density.
    """
    plans = schedules or {name: make() for name, make in SCHEDULES.items()}
    levels = {f"S/{name}": sources.increasing(grid) for name, grid in plans.items()}
    mixture, _ = sources.resolve(data, data)
    known, more = sources.about(mixture)
    controls = [
        slider("time", "share of the way to noise", 0.0, 1.0, 0.002, digits=3),
        choice("schedule", "schedule", [(name, name) for name in plans]),
        *LAYERS[1:],
    ]
    return view(
        "forward",
        "Data dissolve into noise",
        controls,
        lattice.pack(levels | more),
        {"role": "time", "from": 0.0, "to": 1.0, "by": 0.02, "seconds": 7},
        partial(stills.forward, mixture, levels),
        start,
        dict(time=0.3, schedule=next(iter(plans))),
        layout="below",
        aspect=1.7,
        schedules=[{"name": name, "frame": FRAME_OF.get(name, "VP")} for name in plans],
        **known,
    )


def walk(D: Any = None, data: Source | None = None, samplers: Any = None, **start: Any) -> View:
    """Show sampling step by step: play, pause, single steps, scrub back; predicted and random part of a
    step apart.

    samplers: one or more of "ddpm", "no noise", "ddim", "heun", "sde" side by side from the same noise, e.g.
    samplers=["ddpm", "no noise", "ddim"]; default one pane with a selector. Values: step, steps, sampler, noise
    (0 to 1.2), eta, schedule ("log-linear", "karras", "ddpm"), frame, show, label, seed. A click follows
    another particle.
    """
    lanes = _lanes(samplers)
    many = len(lanes) > 1
    mixture, fields = sources.resolve(D, data)
    known, arrays = sources.described(mixture, fields)
    return view(
        "walk",
        "From noise to data, step by step",
        [STEP, *_knobs(lanes), STEPS, LEVELS, *_pick(fields), *_classes(mixture), FRAMES, *LAYERS],
        lattice.pack(arrays),
        {"role": "step", "from": 0, "to": "steps", "by": 1, "seconds": 7},
        partial(stills.walk, mixture, fields),
        start,
        dict(step=0.0, frame="VP", show=next(iter(fields)), arrows=False) | ({} if many else _alone(*lanes)),
        layout="below" if many else "side",
        aspect=0.85,
        samplers=lanes if many else [None],
        rules=RULES,
        levels=LEVEL_GRIDS,
        n=500 if many else 1000,
        high=10.0,
        **known,
    )


def _lanes(samplers: Any) -> list[str]:
    """Return the samplers asked for, one lane each."""
    names = [samplers] if isinstance(samplers, str) else list(samplers or [])
    return [one_of(name, SAMPLERS, "sampler") for name in names]


def _alone(lane: str = "ddpm") -> dict[str, Any]:
    """Return the values with which a single pane shows this sampler."""
    return {"sampler": "ddpm", "noise": 0.0} if lane == "no noise" else {"sampler": lane}


def _knobs(lanes: list[str]) -> list[dict]:
    """Return noise and eta where a sampler of the lanes has them; a single pane can choose among all samplers."""
    if len(lanes) > 1:
        return [NOISE] * bool({"ddpm", "sde"} & set(lanes)) + [ETA] * ("ddim" in lanes)
    names = [(name, words) for name, words in SAMPLERS.items() if name != "no noise"]
    return [
        choice("sampler", "sampler", names),
        shown_if(NOISE, sampler=["ddpm", "sde"]),
        shown_if(ETA, sampler=["ddim"]),
    ]


def guidance(D: Any = None, data: Source | None = None, **start: Any) -> View:
    """Show classifier-free guidance: three arrows at a point and over the field, samples, own-class share,
    coverage.

    Values: guidance (s, -2 to 10), label, sigma, vectors ("guided", "three", "none"), avoid (negative class, -1
    none), push (s_neg), form ("two-term" or "replace"), low and high (the interval of levels with guidance),
    frame, show, seed. Default: the spiral in three classes.
    """
    mixture, fields = sources.labelled(D, data)
    known, arrays = sources.described(mixture, fields)
    return view(
        "guidance",
        "Guidance: from one field to another, and beyond",
        _steering(mixture, fields),
        lattice.pack(arrays),
        SWEEP,
        partial(stills.guide, mixture, fields),
        start,
        dict(label=mixture.classes - 1, guidance=2.0, sigma=0.3, show=next(iter(fields))),
        aspect=0.9,
        steps=40,
        n=500,
        names=[str(c) for c in range(mixture.classes)],
        probe=True,
        conventions=[["Ho & Salimans w", -1], ["smalldiffusion scale", -1], ["diffusers, EDM2, MIT labs", 0]],
        high=10.0,
        **known,
    )


def _steering(mixture: GaussianMixture, fields: Iterable[str]) -> list[dict]:
    """Return the controls of guidance: how much, to which class, away from which, at which levels."""
    classes = [(c, str(c)) for c in range(mixture.classes)]
    avoided = list(range(mixture.classes))
    return [
        slider("guidance", "guidance s (0 none, 1 conditional)", -2.0, 10.0, 0.1, digits=1),
        choice("label", "class wanted", classes),
        SIGMA,
        choice("vectors", "arrows", [("guided", "guided"), ("three", "all three"), ("none", "none")]),
        *_pick(fields),
        choice("avoid", "negative class", [(-1, "none"), *classes]),
        shown_if(choice("form", "its formula", [("two-term", "two terms"), ("replace", "replace")]), avoid=avoided),
        shown_if(slider("push", "s of the negative", 0.0, 5.0, 0.1, digits=1), avoid=avoided, form=["two-term"]),
        slider("low", "guide from \u03c3", 0.01, 10.0, 0.01, log=True),
        slider("high", "up to \u03c3", 0.01, 10.0, 0.01, log=True),
        FRAMES,
    ]


def density(data: Source | None = None, **start: Any) -> View:
    """Show the exact density and a particle cloud under forward SDE, reverse SDE and probability-flow ODE.

    Values: sigma, process ("forward", "reverse", "ode"), show ("score", "drift", "both", "none"), frame, seed,
    points. Play runs the process in its own direction.
    """
    mixture, fields = sources.resolve(data, data)
    known, arrays = sources.described(mixture, {"exact": fields["exact"]})
    return view(
        "density",
        "One density, three processes",
        [SIGMA, PROCESS, PULLS, FRAMES, *LAYERS[1:]],
        lattice.pack(arrays),
        SWEEP,
        partial(stills.density, mixture),
        start,
        dict(sigma=0.5, process="reverse", show="score", frame="VP"),
        steps=120,
        n=600,
        high=10.0,
        **known,
    )


def frames(images: Any, captions: list[str] | None = None, names: tuple[str, ...] = ("step",), **start: Any) -> View:
    """Show precomputed pictures under one slider or two: images [a, h, w], [a, h, w, 3], or with a second
    axis [a, b, ...].

    Values in [0, 1], or uint8. names: what the sliders mean, one or two; captions: one line per picture (of the
    first axis). Values: step, second. Play runs through the first axis.
    """
    pixels = sources.pictures(images, len(names))
    a, b = pixels.shape[:2]
    axes = [
        slider(role, name, 0, max(1, n - 1), 1, digits=0) for role, name, n in zip(("step", "second"), names, (a, b))
    ]
    return view(
        "frames",
        " and ".join(names),
        axes,
        lattice.pack({"images": pixels}),
        {"role": "step", "from": 0, "to": a - 1, "by": 1, "seconds": max(2, a / 10)},
        partial(stills.pictures, pixels),
        start,
        dict(step=0.0, second=0.0),
        layout="below",
        aspect=1.5,
        buttons="play back next reset fullscreen help",
        captions=list(captions or []),
        axes=list(names),
    )
