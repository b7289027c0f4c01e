"""The widget behind every view: one canvas, a few synced values, arrays sent once as bytes, one plain ES module.

`meta` is what the page is given as JSON beside the bytes. In every view: kind, title, controls, index (of the arrays),
play, layout, aspect (of the picture; wide: the same on a stage), front (how many controls are always seen, the others
open with "more"), hint (what a click on the picture does), buttons, traits (the names of the values), presets, palette,
start (the values at the start), and low and high, the noise levels between which walks run. Vocabularies, written in
Python alone:

    frames       [{name, label, power, clock}], x_frame = (1 + sigma^p)^(-1/p) x with p = power, and x itself for p = 0
    clocks       [[name, label]], a noise level on the other clocks, as the readouts show it
    rules        [{name, sampler, label, rule, values}], the samplers of the walk view: `rule` is a step's formula
                 (formula.py), with the view's own value for each name in `values` (such as "noise")
    levels       [{name, low, high}], the grids of noise levels of the walk view
    schedules    [{name, frame}], those of the forward view

Whatever a choice can be stands in its control: options [[value, label], ...].
"""

import base64
import json
from collections.abc import Callable
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

import anywidget
import traitlets as t

from toycore import style
from toycore.checkpoints import write_whole
from toycore.checks import path_to_write
from toycore.live import lattice, modules, notes
from toycore.live.controls import COMMON, PLAYING, SEED, Control, Value, Values, offered, presets, starts
from toycore.live.payload import Payload


@cache
def module(kind: str) -> str:
    """Return the ES module of a kind of view: its scene and whatever that imports, in one text."""
    return f"{modules.joined(_scene(kind))}\nexport default {modules.name(_scene(kind))}.default;\n"


def _scene(kind: str) -> Path:
    return modules.ROOT / "scenes" / f"{kind}.js"


@cache
def css() -> str:
    """Return the style sheet; its colours are variables that the module sets from the palette."""
    return (modules.ROOT / "style.css").read_text(encoding="utf-8")


@cache
def palette() -> dict[str, dict[str, Any]]:
    """Return the colours of both themes as the page needs them: ramps as lists of hex colours."""
    from matplotlib.colors import to_hex

    def ramp(part: tuple[str, float, float], n: int) -> list[str]:
        return [to_hex(style.colormap(part)(i / (n - 1))) for i in range(n)]

    def theme(colours: style.Theme) -> dict[str, Any]:
        return colours._asdict() | {"ramp": ramp(colours.ramp, 16), "density": ramp(colours.density, 32)}

    return {"light": theme(style.LIGHT), "dark": theme(style.DARK)}


Still = Callable[[Any], Any]  # from a view to a matplotlib Figure


class View(anywidget.AnyWidget):
    """A live view. Its values are synced traits made from its controls: set them, `observe` them, `link` them to
    other widgets.

    `view.meta["traits"]` names them. The page writes them when a slider is released, not per frame.
    """

    _css = t.Unicode("").tag(sync=True)  # without this line anywidget keeps a style given at construction to itself
    kind = t.Unicode("field").tag(sync=True)
    meta = t.Dict().tag(sync=True)
    buffer = t.Bytes(b"").tag(sync=True)
    saved = t.Unicode("").tag(sync=True)  # the address of the page that links lead to

    def __init__(
        self, kind: str, title: str, payload: Payload, controls: list[Control], still: Still, start: Values, **meta: Any
    ) -> None:
        self.payload, self._still = payload, still
        controls, wanted = [*controls, SEED, PLAYING], start.pop("presets", [])
        values = starts(kind, controls, start)
        meta = COMMON | {"kind": kind, "title": title, "palette": palette()} | payload.meta | meta
        meta |= offered(controls, values) | {"presets": presets(kind, controls, start, wanted)}
        meta["index"], buffer = lattice.pack(payload.arrays)
        self.add_traits(**{control.role: Value(control) for control in controls})
        super().__init__(_esm=module(kind), _css=css(), kind=kind, buffer=buffer, meta=meta, **values)

    def __repr__(self) -> str:
        return f"<live.{self.kind}: {self.meta.get('title', '')}>"

    def save(self, path: str | Path) -> Path:
        """Write the view as it stands to one HTML file that works offline, from a disk, without Python.

        From then on "Copy link" in the notebook copies links to that page.
        """
        path = path_to_write(path, "field.html")
        written = write_whole(path, lambda beside: Path(beside).write_text(self.html(), encoding="utf-8"))
        self.saved = written.resolve().as_uri()
        return written

    def html(self) -> str:
        """Return the page that `save` writes: module, style and state in one text, no request to anywhere."""
        return page(self.meta["title"], [self.plain()])

    def plain(self) -> dict[str, Any]:
        """Return the state that the page needs as JSON-ready values, the bytes as base64."""
        names = ["kind", "meta", *self.meta["traits"]]
        return {name: getattr(self, name) for name in names} | {"buffer": base64.b64encode(self.buffer).decode()}

    def still(self) -> Any:
        """Return a matplotlib Figure of the view as it stands, for print and for readers without scripts."""
        return self._still(self)


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="{policy}">
<link rel="icon" href="data:,"><title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0 auto; max-width: 1240px; padding: 8px; background: {light}; }}
body.tc-alone {{ max-width: none; padding: 0; }}
@media (prefers-color-scheme: dark) {{ :root:not([data-theme=light]) body {{ background: {dark}; }} }}
:root[data-theme=dark] body {{ background: {dark}; }}
{css}
</style></head><body>
<main id="views"></main>
<noscript>This page draws with JavaScript, which is switched off in this browser.</noscript>
<script type="application/json" id="notes">{notes}</script>
<script type="module">
{modules}
$standalone.open({{ {widgets} }}, {states});
</script></body></html>
"""


def policy(text: str) -> str:
    """Return what a page with these modules may do: nothing but draw; one that trains may start a worker and compile
    WebAssembly.
    """
    wasm, worker = (" 'wasm-unsafe-eval'", "; worker-src blob:") if "new Worker(" in text else ("", "")
    script = f"script-src 'unsafe-inline'{wasm}"
    return f"default-src 'none'; {script}; style-src 'unsafe-inline'; img-src data:{worker}"


def page(title: str, states: list[dict[str, Any]]) -> str:
    """Return one HTML page with the views of these states, alive without a kernel."""
    kinds = sorted({state["kind"] for state in states})
    text = modules.joined(modules.ROOT / "standalone.js", *map(_scene, kinds))
    return PAGE.format(
        policy=policy(text),
        title=escape(title),
        light=style.LIGHT.background,
        dark=style.DARK.background,
        css=css(),
        notes=notes.of_views(kinds),
        modules=text,
        widgets=", ".join(f"{kind}: {modules.name(_scene(kind))}.default" for kind in kinds),
        states=json.dumps(states).replace("<", "\\u003c"),  # "<!--<script>" would swallow the page
    )
