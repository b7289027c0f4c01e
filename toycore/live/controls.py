"""The values of a view: what each of them may be, how the page offers it, and the trait that keeps both in step."""

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, NamedTuple

import traitlets as t

from toycore.checks import at_least, number, one_of
from toycore.mixtures import GaussianMixture

LOW, HIGH = 0.01, 10.0  # the noise levels between which walks run
FRAMES = [  # scale(sigma) = (1 + sigma^p)^(-1/p) with p = power, and 1 for p = 0: frames.VE, frames.VP, frames.FLOW
    {"name": "VE", "label": "VE", "power": 0, "clock": "\u03c3"},
    {"name": "VP", "label": "VP", "power": 2, "clock": "\u03b1\u0304 = 1/(1+\u03c3\u00b2)"},
    {"name": "flow", "label": "flow", "power": 1, "clock": "t = \u03c3/(1+\u03c3)"},
]
CLOCKS = {  # what the readouts call a noise level on the other clocks
    "alpha_bar": FRAMES[1]["clock"],
    "step": "DDPM step of 1000",
    "flow": f"flow {FRAMES[2]['clock']}",
}
Values = dict[str, Any]


class Control(NamedTuple):
    """A value of a view: its name, its start, the check that returns or refuses it, and what the page needs to offer
    it ({}: the page does not).
    """

    role: str
    start: Any
    check: Callable[[Any], Any]
    page: Values

    def at(self, start: Any) -> "Control":
        """Return the control with another start."""
        return self._replace(start=start)

    def hidden(self) -> "Control":
        """Return the value alone, which the page does not offer."""
        return self._replace(page={})

    def shown_if(self, **allowed: list[Any]) -> "Control":
        """Return a control that is shown only while each value named is one of those allowed."""
        return self._replace(page=self.page | {"when": allowed})


class Value(t.TraitType[Any, Any]):
    """The synced trait of a control, whose check every value goes through."""

    def __init__(self, control: Control) -> None:
        super().__init__(control.start)
        self.tag(sync=True, check=control.check)

    def validate(self, view: Any, value: Any) -> Any:
        return self.metadata["check"](value)


# ---- the three kinds, and what each of them may be ------------------------------------------------


def slider(
    role: str, label: str, low: float, high: float | str, step: float, start: float, most: float = math.inf, **more: Any
) -> Control:
    """Return a number between low and high; high may name another value ("steps"), which is `most` at the most.

    more: texts (shown in place of 0, 1, 2, ...), log (then `step` is in decades), digits (shown after the point),
    names (an array: what is shown for whole values), whole, below (the value that this one pushes up rather than
    exceed).
    """
    page = dict(type="range", role=role, label=label, low=low, high=high, step=step, log=False, digits=2) | more
    check = partial(whole if "whole" in more else real, role, low, most if isinstance(high, str) else high)
    return Control(role, start, check, page)


def choice(role: str, label: str, options: Mapping[Any, str] | Iterable[Any]) -> Control:
    """Return one of the options {value: label}, at the start the first; the page offers two or more."""
    labels = options if isinstance(options, Mapping) else {option: option for option in options}
    named = {str(value): value for value in labels}
    page = dict(type="choice", role=role, label=label, options=[list(pair) for pair in labels.items()])
    return Control(role, next(iter(labels)), partial(known, role, named), page if len(named) > 1 else {})


def toggle(role: str, label: str, start: bool = True) -> Control:
    """Return a value that is on or off."""
    return Control(role, start, partial(switch, role), dict(type="toggle", role=role, label=label))


def real(role: str, low: float, high: float, value: Any) -> float:
    """Return value if it is a number from low to high, which a page's rounding may pass by one part in 10^9."""
    near = float(number(value, role, low - 1e-9 * abs(low), high + 1e-9 * abs(high)))
    return min(max(near, low), high)


def whole(role: str, low: float, high: float, value: Any) -> int:
    """Return value if it is a whole number from low to high."""
    return int(number(at_least(int(low), value, role), role, low, high))


def known(role: str, options: Mapping[str, Any], value: Any) -> Any:
    """Return the option that value names; otherwise list the near ones."""
    return options[one_of(str(value), options, f"value of {role}")]


def switch(role: str, value: Any) -> bool:
    """Return value if it is True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"{role} is {value!r}; it must be True or False")
    return value


# ---- what a view makes of its controls ------------------------------------------------------------


def starts(kind: str, controls: Iterable[Control], given: Values) -> Values:
    """Return all values at the start, checked: those given, and of the others each control's own."""
    own = {control.role: control for control in controls}
    for name in given:
        one_of(name, own, f"value of live.{kind}")
    values = {role: control.check(given.get(role, control.start)) for role, control in own.items()}
    for role, control in own.items():
        if control.page.get("high") in own:  # the last step is where the steps end
            real(role, control.page["low"], values[control.page["high"]], values[role])
    return values


def presets(kind: str, controls: list[Control], start: Values, wanted: Any) -> list[Values]:
    """Return the values of every preset, each checked as it will stand among those of the start."""
    if not isinstance(wanted, Iterable) or not all(isinstance(preset, dict) for preset in wanted):
        raise TypeError(f"presets is {wanted!r}; give a list of dictionaries, such as [dict(sigma=5), dict(sigma=0.1)]")
    return [{name: starts(kind, controls, start | preset)[name] for name in preset} for preset in wanted]


def offered(controls: list[Control], values: Values) -> Values:
    """Return the controls of the page, the names of all values, and the values at the start."""
    return {
        "controls": [control.page for control in controls if control.page],
        "traits": list(values),
        "start": {role: value for role, value in values.items() if role != "playing"},
    }


# ---- controls of several views --------------------------------------------------------------------

SIGMA = slider("sigma", "noise level \u03c3", LOW, HIGH, 0.005, 0.1, log=True)
SWEEP = {"role": "sigma", "from": HIGH, "to": LOW, "by": 1.15, "seconds": 6}  # how play moves it
FRAME = choice("frame", "frame", {frame["name"]: str(frame["label"]) for frame in FRAMES})
ARROWS = toggle("arrows", "arrows")
LAYERS = [toggle("density", "density behind"), toggle("points", "data points")]
SEED = Control("seed", 0, partial(whole, "seed", 0, 2**53 - 1), {})
PLAYING = toggle("playing", "playing", False).hidden()
BUTTONS = ["play", "more", "fullscreen", "back", "next", "reset", "renew", "link", "help"]  # three are always seen


MARKS: dict[str, Values] = {  # of the text, written as [$x$](#see:x): what each points at in a view
    "sigma": {"label": "the noise level", "roles": ["sigma", "time", "step"]},
    "x": {"label": "noisy points, the particles", "roles": []},
    "x0": {"label": "the data", "roles": ["points"]},
    "eps": {"label": "the arrows, along the predicted noise", "roles": ["arrows"]},
    "D": {"label": "where the denoiser's answer lies", "roles": ["show"]},
    "p": {"label": "the density", "roles": ["density"]},
    "s": {"label": "guidance", "roles": ["guidance"]},
    "z": {"label": "the fresh noise", "roles": ["noise", "eta"]},
}
COMMON: Values = dict(
    layout="side",
    aspect=1.0,
    wide=1.03,
    front=1,
    hint="",
    buttons=BUTTONS,
    play=SWEEP,
    low=LOW,
    high=HIGH,
    frames=FRAMES,
    clocks=list(CLOCKS.items()),
    marks=MARKS,
)


def classes(mixture: GaussianMixture) -> Control:
    """Return the choice of a class of the data, or of all of them."""
    own = range(mixture.classes) if mixture.classes > 1 else []
    return choice("label", "class", {-1: "all", **{c: str(c) for c in own}})
