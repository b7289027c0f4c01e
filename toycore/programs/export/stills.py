"""Still pictures of a notebook's live views, for paper and for readers without scripts; drawn in its kernel."""

import base64
import io
import textwrap
from typing import Any

STILLS = "application/vnd.toycore.stills+json"  # an output of its own: nbclient is slow with long printed lines


def show() -> None:
    """Display the still of every view in this kernel as data: {id of the view: PNG in base64}."""
    from IPython.display import display
    from ipywidgets.widgets.widget import _instances

    from toycore.live import View

    views = {key: widget for key, widget in _instances.items() if isinstance(widget, View)}
    display({STILLS: {key: base64.b64encode(still(view)).decode() for key, view in views.items()}}, raw=True)


def still(view: Any) -> bytes:
    """Return the still of a view as a PNG, with a line below it that says how the view is moved."""
    from toycore import plots

    fig = view.still()
    fig.set_figwidth(min(fig.get_figwidth(), 9.9))  # a page is 1,000 pixels wide
    lines = textwrap.wrap(invitation(view.meta), int(14 * fig.get_figwidth()))
    fig.set_figheight(fig.get_figheight() + 0.25 * (1 + len(lines)))
    fig.supxlabel("\n".join(lines), fontsize=9, style="italic")
    return small(plots.png(fig))


def small(png: bytes) -> bytes:
    """Return a PNG with 128 colours, which are enough for a still and take a third of the bytes."""
    from PIL import Image

    out = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(128, dither=Image.Dither.NONE).save(out, "png", optimize=True)
    return out.getvalue()


def invitation(meta: dict[str, Any]) -> str:
    """Return what a reader of the still should do to see it move."""
    sliders = [control["label"] for control in meta["controls"] if control["type"] == "range"]
    drag = f" Run the cell and drag the slider \u201c{sliders[0]}\u201d." if sliders else " Run the cell."
    hint = meta.get("hint", "")
    return f"A still of a live view.{drag} {hint}{'' if hint.endswith('?') else '.' if hint else ''}".strip()


def read(outputs: list[Any]) -> dict[str, str]:
    """Return what `show` displayed."""
    return next((out["data"][STILLS] for out in outputs if STILLS in out.get("data", {})), {})
