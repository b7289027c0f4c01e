"""Live views: pictures that answer at once, also while Python is busy, also with no Python at all.

    from toycore import live
    live.field()                                the spiral's field, exact and learned: drag sigma, press play, click
    live.field({"exact": D1, "trained": D2})    linked panes
    live.field(sigma=1.0, presets=[dict(sigma=5), dict(sigma=0.1)])     keys 1 and 2 glide there

Every view is an ordinary widget with synced values (`view.sigma`, `view.steps`, ...); `view.save("name.html")` writes one
file that works offline, `view.still()` draws it with matplotlib. Keys are shown by "?" in the view.

Each function takes as its first argument nothing (the spiral), a mixture, Points, a tensor [n, 2], a Denoiser, or a
dictionary of those; `data` names the distribution that a Denoiser was made for, where it is not the spiral. What else is
given by name sets the values at the start: `live.walk(steps=20, noise=0.0)`.
"""

from typing import Any

from toycore.live import lattice, sources, stills
from toycore.live.engine import View, choice, slider, toggle, view
from toycore.live.sources import Source

__all__ = ["View", "density", "field", "forward", "frames", "guidance", "lattice", "training", "walk"]

FRAMES = choice("frame", "frame", [("VE", "VE"), ("VP", "VP"), ("flow", "flow")])
LAYERS = [toggle("arrows", "arrows"), toggle("density", "density behind"), toggle("points", "data points")]
SIGMA = slider("sigma", "noise level \u03c3", 0.01, 10.0, 0.005, log=True)


def _classes(classes: int, words: str = "class") -> list[dict]:
    names = [(-1, "all"), *((c, str(c)) for c in range(classes))]
    return [choice("label", words, names)] if classes > 1 else []


def field(D: Any = None, data: Source | None = None, **start: Any) -> View:  # noqa: N803
    """Show the field of one or more Denoisers at a noise level: arrows -eps_hat, density and data behind, particles.

    Values: sigma, frame ("VE", "VP", "flow"), show ("exact", "learned", "error"; one Denoiser at a time, a dictionary has
    linked panes instead), label, arrows, density, points, seed; presets, a list of such values for the number keys.
    Play walks 1,000 particles down by DDIM; a click shows the posterior weights on the data and the mean they make.
    """
    mixture, fields = sources.resolve(D, data)
    geometry, arrays = sources.lattices(mixture, fields)
    known, more = sources.about(mixture)
    cosines = sources.crossover(mixture)
    linked = isinstance(D, dict) and len(fields) > 1
    names = list(fields)
    errors = [("error", "error")] if names[:1] == ["exact"] and len(names) == 2 else []
    pick = [choice("show", "field", [*((name, name) for name in names), *errors])] if len(names) > 1 and not linked else []
    controls = [SIGMA, *pick, FRAMES, *_classes(mixture.classes), *LAYERS]
    return view(
        "field", "The field at one noise level", controls, lattice.pack(arrays | more | {"crossover": cosines}),
        play=dict(role="sigma", **{"from": 10.0, "to": 0.01, "by": 1.15, "seconds": 6}), still=stills.field, start=start,
        defaults=dict(sigma=0.3, show=names[0]), layout="below" if linked else "side", geometry=geometry, fields=names,
        linked=linked, steps=60, n=1000 if not linked else 500, high=10.0, low=0.01, probe=True,
        switch=sources.switch(cosines), **known,
    )  # fmt: skip


def forward(data: Source | None = None, schedules: dict[str, Any] | None = None, **start: Any) -> View:
    """Show data dissolving into noise along a schedule, its signal-to-noise curve, and the 2-pixel image beside its point.

    schedules: {name: levels}, grids as of `toycore.sigmas`; default linear (DDPM), cosine, log-linear, flow, Stable
    Diffusion. Values: time (share of the way, 0 data .. 1 noise), schedule, seed, points.
    """
    raise NotImplementedError


def walk(D: Any = None, data: Source | None = None, samplers: Any = None, **start: Any) -> View:  # noqa: N803
    """Show sampling step by step: play, pause, single steps, scrub back; predicted and random part of a step apart.

    samplers: one or more of "ddpm", "no noise", "ddim", "heun", "sde" side by side from the same noise, e.g.
    samplers=["ddpm", "no noise", "ddim"]; default one pane with a selector. Values: step, steps, sampler, noise (0 to 1.2),
    eta, schedule ("log-linear", "karras", "ddpm"), frame, show, label, seed.
    """
    raise NotImplementedError


def guidance(D: Any = None, data: Source | None = None, **start: Any) -> View:  # noqa: N803
    """Show classifier-free guidance: three arrows at a point and over the field, samples, own-class share, coverage.

    Values: guidance (s, -2 to 10), label, sigma, avoid (negative class, -1 none), push (s_neg), form ("two-term" or
    "replace"), low and high (the interval of noise levels with guidance), seed. Default: the spiral in three classes.
    """
    raise NotImplementedError


def density(data: Source | None = None, **start: Any) -> View:
    """Show the exact density and a particle cloud under forward SDE, reverse SDE and probability-flow ODE.

    Values: sigma, process ("forward", "reverse", "ode"), frame, seed, points. Drift and score arrows are drawn apart.
    """
    raise NotImplementedError


def training(data: Source | None = None, walk: Any = None, **start: Any) -> View:
    """Show field and loss of a network as they evolve; scrub over snapshots.

    walk: an iterator of `training.Progress`, followed at once; default trains a good model for 1,000 steps (seconds). With
    walk=() nothing is followed yet: show the view, then `D = view.follow(training.train(...))` in the next cell, and the
    picture moves while that cell runs. Values: snapshot, sigma, seed.
    """
    raise NotImplementedError


def frames(images: Any, captions: list[str] | None = None, names: tuple[str, ...] = ("step",), **start: Any) -> View:
    """Show precomputed pictures under one slider or two: images [a, h, w], [a, h, w, 3], or with a second axis [a, b, ...].

    Values in [0, 1], or uint8. names: what the sliders mean; captions: one line per picture. Values: step, second.
    """
    raise NotImplementedError
