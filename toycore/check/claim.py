"""Claims of the course, each held by a measured number."""

from typing import Any

import torch
from torch import Tensor


class ClaimError(AssertionError):
    """A sentence of the course that the measurement does not support."""


def claim(
    text: str,
    measured: Any,
    *,
    below: float | None = None,
    above: float | None = None,
    near: float | None = None,
    within: float | None = None,
) -> None:
    """Print "ok: text (measured ...)" if the measured number keeps the bounds (or the condition is true), else raise.

    near and within go together: |measured - near| <= within.
    """
    if (near is None) != (within is None):
        raise TypeError("near= and within= go together: claim(text, value, near=0.5, within=0.01)")
    value = _single(measured)
    if all(bound is None for bound in (below, above, near)):
        if torch.as_tensor(measured).dtype != torch.bool:
            raise TypeError(f"{value:.3g} needs a bound: claim(text, value, below=0.06); without one, give a condition")
        holds, shown = bool(measured), ""
    else:
        holds = (below is None or value < below) and (above is None or value > above)
        holds = holds and (near is None or within is None or abs(value - near) <= within)
        shown = f" (measured {value:.3g})"
    if not holds:
        raise ClaimError(f"the claim does not hold: {text}{shown}")
    print(f"ok: {text}{shown}")


def _single(measured: Any) -> float:
    try:
        return float(measured)
    except (TypeError, ValueError, RuntimeError):
        given = f"of shape {tuple(measured.shape)}" if isinstance(measured, Tensor) else repr(measured)
        raise TypeError(
            f"measured is {given}; a claim is about one number, or a condition: use .mean() or .all()"
        ) from None
