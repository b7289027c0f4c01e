"""What every floor asks of its input: each check returns its value, or says what is wrong, needed, and to be done."""

import math
from collections.abc import Iterable
from difflib import get_close_matches
from numbers import Integral

import torch
from torch import Tensor

from toycore.types import Label, column


def level(sigma: Tensor | float, x: Tensor) -> Tensor:
    """Shape a noise level, a number or `[b]`, like `column`; refuse what is none: below 0, infinite, or NaN."""
    shaped = column(sigma, x)
    if shaped.device.type == "cpu":  # to look at a number on a GPU is to wait for it
        low, high = shaped.aminmax()
        if not 0 <= float(low) <= float(high) < math.inf:
            raise ValueError(f"sigma is {sigma}; a noise level is a finite number >= 0")
    return shaped


def label_rows(label: Label, b: int, classes: float = math.inf) -> Tensor:
    """Spread a label over b rows as integers `[b]` in [-1, classes), None as -1; otherwise say what is wrong."""
    if isinstance(label, str):
        raise ValueError(f"label is {label!r}; give its number, names.index({label!r})")
    rows = torch.as_tensor(-1 if label is None else label)
    if rows.dtype.is_floating_point or rows.dtype == torch.bool or rows.shape not in ((), (b,)):
        raise ValueError(
            f"label has dtype {rows.dtype} and shape {tuple(rows.shape)}; need None, an int, or integers [{b}]"
        )
    if rows.numel() and rows.device.type == "cpu" and (int(rows.min()) < -1 or int(rows.max()) >= classes):
        raise ValueError(
            f"label runs from {int(rows.min())} to {int(rows.max())}, but this model knows the classes"
            f" 0..{classes - 1:.0f}; use one of them, or None"
        )
    return rows.long().expand(b)


def label_column(label: Label, b: int, classes: int) -> Tensor | None:
    """Return `label_rows`, or None without a label; -1 means unconditional."""
    return None if label is None else label_rows(label, b, classes)


def as_batch(x: Tensor, what: str = "x") -> Tensor:
    """Return x if it is a finite tensor `[b, ...]`, b >= 1, of float32 or float64; otherwise say what is wrong."""
    if not isinstance(x, Tensor):
        points = f"{what}.x" if hasattr(x, "x") else f"data.load({x!r}).x" if isinstance(x, str) else ""
        what_to_do = f"give {points}" if points else f"use torch.as_tensor({what})"
        raise TypeError(f"{what} is a {type(x).__name__}; it must be a torch tensor [b, ...]: {what_to_do}")
    if x.ndim < 2 or len(x) < 1:
        raise ValueError(f"{what} has shape {tuple(x.shape)}; it must be [b, 2] or [b, c, h, w] with b >= 1")
    if x.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{what} has dtype {x.dtype}; it must be float32 or float64: use {what}.float()")
    if not torch.isfinite(x).all():
        bad = int((~torch.isfinite(x.flatten(1)).all(1)).sum())
        raise ValueError(f"{what} holds NaN or infinity in {bad} of {len(x)} rows; remove them first")
    return x


def positive(n: int, what: str = "n") -> int:
    """Return n if it is a whole number of at least 1; otherwise say what is needed."""
    if not isinstance(n, Integral) or isinstance(n, bool) or n < 1:
        raise ValueError(f"{what} is {n!r}; it must be a whole number of at least 1")
    return int(n)


def share(value: float, what: str) -> float:
    """Return value if it lies in [0, 1]; otherwise say what is needed."""
    if not 0 <= value <= 1:
        raise ValueError(f"{what} is {value}; it must lie between 0 and 1")
    return value


def one_of(name: str, known: Iterable[str], what: str) -> str:
    """Return name if it is known; otherwise list the near ones."""
    known = sorted(known)
    if name not in known:
        near = get_close_matches(str(name), known, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
        raise ValueError(f"there is no {what} named {name!r}; {hint}known: {', '.join(known)}")
    return name
