"""The guidance view: from one field to another, and beyond."""

from typing import Any

from toycore import fields, samplers, sigmas
from toycore import guidance as rules
from toycore.live import formula, lattice, payload, stills
from toycore.live.controls import ARROWS, FRAME, HIGH, LAYERS, LOW, SIGMA, Control, choice, slider
from toycore.live.engine import View
from toycore.live.payload import Payload
from toycore.mixtures import Source
from toycore.types import Denoiser

CONVENTIONS = {  # what the readouts call the conventions of `toycore.guidance`
    "Ho & Salimans w": "ho-salimans",
    "smalldiffusion scale": "smalldiffusion",
    "diffusers, EDM2, MIT labs": "edm2",
}


def guidance(D: Any = None, data: Source | None = None, **start: Any) -> View:
    """Show classifier-free guidance: three arrows at a point and over the field, samples, own-class share,
    coverage.

    Values: guidance (s, -2 to 10), label, sigma, vectors ("guided", "three", "none"), avoid (negative class, -1
    none), push (s_neg), form ("two-term" or "replace"), low and high (the interval of levels with guidance),
    frame, show, seed. Default: the spiral in three classes.
    """
    shown = payload.of(D, data, classes=3, checkpoint="spiral3")
    if shown.mixture.classes < 2:
        raise ValueError(
            "guidance needs labelled data of at least two classes; give data with labels, such as"
            " data.spiral(classes=3)"
        )
    names = [str(c) for c in range(shown.mixture.classes)]
    conventions = [[label, -rules.CONVENTIONS[name]] for label, name in CONVENTIONS.items()]
    meta = {
        "names": names,
        "conventions": conventions,
        "aspect": 0.9,
        "wide": 1.45,
        "steps": 40,
        "rule": formula.rule(samplers.ddim),
        "n": 500,
        "probe": True,
        "hint": "Click the picture: the three arrows there",
    }
    title = "Guidance: from one field to another, and beyond"
    return View("guidance", title, shown.with_fields(), controls(shown), still, start, **meta)


def controls(shown: Payload) -> list[Control]:
    """Return how much is guided, to which class, away from which, and at which levels."""
    classes = {c: str(c) for c in range(shown.mixture.classes)}
    form, push = (
        choice("form", "its formula", rules.FORMS),
        slider("push", "s of the negative", 0.0, 5.0, 0.1, 1.0, digits=1),
    )
    return [
        slider("guidance", "guidance s (0 none, 1 conditional)", -2.0, 10.0, 0.1, 2.0, digits=1),
        choice("label", "class wanted", classes).at(len(classes) - 1),
        SIGMA,
        choice("vectors", "arrows", {"guided": "guided", "three": "all three", "none": "none"}),
        choice("show", "field", [*shown.fields]),
        choice("avoid", "negative class", {-1: "none", **classes}),
        form.shown_if(avoid=list(classes)),
        push.shown_if(avoid=list(classes), form=["two-term"]),
        slider("low", "guide from \u03c3", LOW, HIGH, 0.01, LOW, log=True, below="high"),
        slider("high", "up to \u03c3", LOW, HIGH, 0.01, HIGH, log=True),
        FRAME,
        *(layer.hidden() for layer in (ARROWS, *LAYERS)),
    ]


def guided(view: View) -> Denoiser:
    """Return the Denoiser that the view shows: s, negative class and interval of levels included."""
    D, s = view.payload.fields[view.show], view.guidance
    strong = rules.labelled(D, view.label)
    inside = rules.guided(strong, rules.unlabelled(D), s)
    if view.avoid not in (-1, view.label):
        inside = rules.negative(D, view.label, view.avoid, s, view.push, view.form)
    low, high = view.low * 0.9999, view.high * 1.0001  # a level on the border is inside, whatever its rounding
    return rules.within(low, high, inside, strong) if low < high else strong


def still(view: View) -> Any:
    """Draw the guided field and where its samples end."""
    from toycore import plots

    fig, (left, right) = plots.figure(1, 2)
    D, grid = guided(view), sigmas.log_linear(view.meta["steps"])
    x, scale = stills.plane(left, view, view.sigma, f"s = {view.guidance:g}, \u03c3 = {view.sigma:.3g}")
    plots.field(left, scale * x, -fields.noise(D, x, view.sigma), scale=1.0)
    stills.plane(right, view, LOW, "samples")
    stills.cloud(right, samplers.final(samplers.ddim(D, HIGH * lattice.normals(view.seed, 0, 500), grid)))
    return fig
