"""What the stills of several views share: the plane with density and data behind, and a cloud of particles.

A still is drawn with matplotlib, for print and for readers without scripts; matplotlib is imported on use.
"""

from typing import Any

from torch import Tensor

from toycore import frames
from toycore.style import LIGHT
from toycore.types import Label, seeded


def label_of(view: Any) -> Label:
    """Return the class a view shows, None for all."""
    label = getattr(view, "label", -1)
    return None if label < 0 else label


def plane(
    ax: Any, view: Any, sigma: float, title: str = "", frame: str = "", field: str = ""
) -> tuple[Tensor, float]:  # fmt: skip
    """Draw density and data behind, those of one field where it has its own; return the places of arrows in the VE
    frame and the frame's scale.
    """
    from toycore import plots

    frame = frame or getattr(view, "frame", "VE")
    c, extent = float(getattr(frames, frame.upper()).scale(sigma)), 1.4 if frame == "VE" else 2.0
    mixture, label = view.payload.own.get(field, view.payload.mixture), label_of(view)
    plots.plane(ax, extent, title)
    if view.density:
        x = plots.grid(64, extent) / c
        plots.density(ax, mixture.log_density(x, max(sigma, 0.01), label).exp().sqrt(), extent)
    if view.points:
        x0, own = mixture.sample(400, seeded())
        plots.points(ax, c * (x0 if label is None else x0[own == label]), size=3)
    return plots.grid(21, 0.96 * extent) / c, c


def cloud(ax: Any, x: Tensor) -> None:
    """Draw the particles of a view, in frame coordinates."""
    from toycore import plots

    plots.points(ax, x, color=LIGHT.sample, size=4)
