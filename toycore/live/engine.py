"""The widget behind every view: one canvas, a few synced values, arrays sent once as bytes, one plain ES module.

`meta` is what the page is given as JSON beside the bytes. In every view: kind, title, controls, index (of the arrays),
play, layout, aspect, buttons, traits (the names of the values), presets, palette, start (the values at the start), and
low and high, the noise levels between which walks run. Vocabularies, written in Python alone:

    frames       [{name, label, power, clock}], x_frame = (1 + sigma^p)^(-1/p) x with p = power, and x itself for p = 0
    rules        [{name, label, rule: {sampler, noise, eta}, values}], the samplers of the walk view: `rule` is what a
                 step takes (maths.js), with the view's own value for each name in `values` (such as "noise")
    levels       [{name, low, high}], the grids of noise levels of the walk view
    schedules    [{name, frame}], those of the forward view

Whatever a choice can be stands in its control: options [[value, label], ...].
"""

import base64
import json
from functools import cache
from pathlib import Path
from typing import Any

import anywidget
import traitlets as t

from toycore import style
from toycore.checkpoints import write_whole
from toycore.checks import one_of

HERE = Path(__file__).parent
SCRIPTS = "maths.js", "paint.js", "scenes.js", "view.js"


@cache
def module() -> str:
    """Return the ES module: its source files one after the other, no imports, no build."""
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in SCRIPTS)


@cache
def css() -> str:
    """Return the style sheet; its colours are variables that the module sets from the palette."""
    return (HERE / "style.css").read_text(encoding="utf-8")


FRAMES = [
    {"name": "VE", "label": "VE", "power": 0, "clock": "\u03c3"},
    {"name": "VP", "label": "VP", "power": 2, "clock": "\u03b1\u0304 = 1/(1+\u03c3\u00b2)"},
    {"name": "flow", "label": "flow", "power": 1, "clock": "t = \u03c3/(1+\u03c3)"},
]


@cache
def palette() -> dict[str, dict[str, Any]]:
    """Return the colours of both themes as the page needs them: ramps as lists of hex colours."""
    from matplotlib.colors import to_hex

    def ramp(part: tuple[str, float, float], n: int) -> list[str]:
        return [to_hex(style.colormap(part)(i / (n - 1))) for i in range(n)]

    def theme(colours: style.Theme) -> dict[str, Any]:
        return colours._asdict() | {"ramp": ramp(colours.ramp, 16), "density": ramp(colours.density, 32)}

    return {"light": theme(style.LIGHT), "dark": theme(style.DARK)}


class View(anywidget.AnyWidget):
    """A live view. Its values are synced traits: set them, `observe` them, `link` them to other widgets.

    Which values a view uses is in `view.meta["traits"]`. The page writes them when a slider is released, not
    per frame.
    """

    _css = t.Unicode("").tag(sync=True)  # without this line anywidget keeps a style given at construction to itself
    kind = t.Unicode("field").tag(sync=True)
    meta = t.Dict().tag(sync=True)
    buffer = t.Bytes(b"").tag(sync=True)

    sigma = t.Float(0.3, min=0.0).tag(sync=True)
    frame = t.Enum(("VE", "VP", "flow"), "VE").tag(sync=True)
    show = t.Unicode("exact").tag(sync=True)
    label = t.Int(-1).tag(sync=True)
    seed = t.Int(0).tag(sync=True)
    playing = t.Bool(False).tag(sync=True)
    arrows = t.Bool(True).tag(sync=True)
    points = t.Bool(True).tag(sync=True)
    density = t.Bool(True).tag(sync=True)
    step = t.Float(0.0).tag(sync=True)
    steps = t.Int(50, min=1).tag(sync=True)
    noise = t.Float(1.0, min=0.0).tag(sync=True)
    eta = t.Float(0.0, min=0.0, max=1.0).tag(sync=True)
    sampler = t.Unicode("ddpm").tag(sync=True)
    schedule = t.Unicode("log-linear").tag(sync=True)
    time = t.Float(0.0).tag(sync=True)
    guidance = t.Float(1.0).tag(sync=True)
    avoid = t.Int(-1).tag(sync=True)
    push = t.Float(1.0).tag(sync=True)
    form = t.Enum(("two-term", "replace"), "two-term").tag(sync=True)
    low = t.Float(0.01, min=0.0).tag(sync=True)
    high = t.Float(10.0, min=0.0).tag(sync=True)
    process = t.Unicode("ode").tag(sync=True)
    snapshot = t.Float(0.0).tag(sync=True)
    second = t.Float(0.0).tag(sync=True)
    vectors = t.Unicode("guided").tag(sync=True)

    def __init__(self, still: Any = None, **values: Any) -> None:
        self._draw_still = still
        super().__init__(_esm=module(), _css=css(), **values)

    def __repr__(self) -> str:
        return f"<live.{self.kind}: {self.meta.get('title', '')}>"

    def save(self, path: str | Path) -> Path:
        """Write the view as it stands to one HTML file that works offline, from a disk, without Python."""
        return write_whole(Path(path), lambda beside: Path(beside).write_text(self.html(), encoding="utf-8"))

    def html(self) -> str:
        """Return the page that `save` writes: module, style and state in one text, no request to anywhere."""
        return page(self.meta["title"], [self.plain()])

    def plain(self) -> dict[str, Any]:
        """Return the state that the page needs as JSON-ready values, the bytes as base64."""
        names = ["kind", "meta", *self.meta["traits"]]
        return {name: getattr(self, name) for name in names} | {"buffer": base64.b64encode(self.buffer).decode()}

    def still(self) -> Any:
        """Return a matplotlib Figure of the view as it stands, for print and for readers without scripts."""
        return self._draw_still(self)


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,"><title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0 auto; max-width: 1240px; padding: 8px; background: {light}; }}
@media (prefers-color-scheme: dark) {{ body {{ background: {dark}; }} }}
{css}
</style></head><body>
<main id="views"></main>
<noscript>This page draws with JavaScript, which is switched off in this browser.</noscript>
<script type="module">
{module}
{shim}
for (const state of {states}) {{
  render({{ model: modelOf(state), el: document.getElementById("views").appendChild(document.createElement("div")) }});
}}
{keys}
</script></body></html>
"""


def page(title: str, states: list[dict[str, Any]]) -> str:
    """Return one HTML page with the views of these states, alive without a kernel."""
    return PAGE.format(
        title=_escape(title),
        light=style.LIGHT.background,
        dark=style.DARK.background,
        css=css(),
        module=module(),
        shim=(HERE / "shim.js").read_text(encoding="utf-8"),
        keys=(HERE / "keys.js").read_text(encoding="utf-8") if len(states) == 1 else "",
        states=json.dumps(states).replace("</", "<\\/"),
    )


def _escape(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


# ---- controls -----------------------------------------------------------------------------------


def slider(
    role: str, label: str, low: float, high: float | str, step: float, log: bool = False, **more: Any
) -> dict[str, Any]:
    """Describe a range input bound to the trait `role`; on a log axis `step` is in decades.

    high may name another value ("steps"). more: digits (shown after the point), names (words for whole values),
    whole (rounded in Python), when (see `shown_if`).
    """
    return dict(type="range", role=role, label=label, low=low, high=high, step=step, log=log, **{"digits": 2} | more)


def choice(role: str, label: str, options: list[tuple[Any, str]], **more: Any) -> dict[str, Any]:
    """Describe a row of radio buttons (value, words) bound to the trait `role`."""
    return dict(type="choice", role=role, label=label, options=[list(pair) for pair in options], **more)


def toggle(role: str, label: str, **more: Any) -> dict[str, Any]:
    """Describe a check box bound to the trait `role`."""
    return dict(type="toggle", role=role, label=label, **more)


def shown_if(control: dict[str, Any], **allowed: list[Any]) -> dict[str, Any]:
    """Show a control only while each trait named has one of the allowed values."""
    return control | {"when": allowed}


def view(
    kind: str,
    title: str,
    controls: list[dict[str, Any]],
    packed: tuple[list[dict], bytes],
    play: dict[str, Any],
    still: Any,
    start: dict[str, Any],
    defaults: dict[str, Any],
    layout: str = "side",
    aspect: float = 1.0,
    buttons: str = "play back next reset renew fullscreen help",
    cls: type[View] = View,
    **meta: Any,
) -> Any:
    """Make a View: check the starting values, gather what the page needs in `meta`, hand over the bytes."""
    presets = [dict(preset) for preset in start.pop("presets", [])]
    defaults = {"label": -1} | defaults
    roles = [control["role"] for control in controls]
    traits = list(dict.fromkeys([*roles, *defaults, "arrows", "points", "density", "seed", "playing"]))
    for name in [*start, *(name for preset in presets for name in preset)]:
        one_of(name, traits, f"value of live.{kind}")
    values = defaults | start
    index, buffer = packed
    about = dict(
        kind=kind,
        title=title,
        controls=controls,
        index=index,
        play=play,
        layout=layout,
        aspect=aspect,
        buttons=buttons.split(),
        traits=traits,
        presets=presets,
        palette=palette(),
        frames=FRAMES,
        low=0.01,
        high=10.0,
    )
    known = View.class_traits()
    first = {name: values.get(name, known[name].default_value) for name in traits if name != "playing"}
    return cls(still, kind=kind, buffer=buffer, meta=about | meta | {"start": first}, **values)
