"""What every floor asks of its input: each check returns its value, or says what is wrong, needed, and to be done.

Written by hand, not as annotations that are checked at run time: of nine likely slips, jaxtyping with beartype caught
five, in 11 to 26 lines that name the type expected but not what to do. It cannot say that levels decrease, that sigma
is above 0, or that a Denoiser must not broadcast. It cost 22 microseconds a call of `fields.noise`, these checks 14.
"""

import math
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import partial
from inspect import signature
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from toycore.types import Denoiser, Label, Rng, column

FLOATS = (torch.float32, torch.float64)


def level(sigma: Tensor | float, x: Tensor) -> Tensor:
    """Shape a noise level, a number or `[b]`, like `column`; refuse a value below 0, infinite, or NaN."""
    shaped = column(sigma, x)
    if shaped.device.type == "cpu":  # to look at a number on a GPU is to wait for it
        low, high = shaped.detach().aminmax()
        if not 0 <= float(low) <= float(high) < math.inf:
            raise ValueError(f"sigma is {sigma}; a noise level is a finite number >= 0")
    return shaped


def denoiser(D: Denoiser, what: str = "D") -> Denoiser:
    """Return D, its answers checked by `denoise`; refuse what cannot be called."""
    if not callable(D) or isinstance(D, type):
        given = f"{D.__name__}, which is a class; make one of it:" if isinstance(D, type) else f"a {type(D).__name__};"
        raise TypeError(
            f"{what} is {given} it must be a Denoiser, a function D(x, sigma, label) -> x0_hat:"
            " exact.posterior_mean makes one from data, training.fit learns one, toycore.load reads one"
        )
    return partial(denoise, D)


def denoise(D: Denoiser, x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
    """Return x0_hat = D(x, sigma, label) if it is shaped like x; anything else would broadcast into nonsense."""
    try:
        x0_hat = D(x, sigma, label)
    except TypeError:
        _takes_three(D)
        raise  # D's own error
    return shaped_like(x0_hat, x, "D(x, sigma, label)", "a Denoiser returns x0_hat, one clean point per noisy one")


def shaped_like(y: Any, x: Tensor, what: str, need: str) -> Tensor:
    """Return y if it holds floats and is shaped like x; otherwise say what is needed."""
    if not isinstance(y, Tensor) or y.shape != x.shape or not y.is_floating_point():
        given = f"{y.dtype} of shape {tuple(y.shape)}" if isinstance(y, Tensor) else named(y)
        raise ValueError(f"{what} is {given} for x of shape {tuple(x.shape)}; {need}, as floats shaped like x")
    return y


def alike(what: str, x: Tensor, y: Tensor, need: str) -> None:
    """Refuse two tensors of different shapes; `what` names both, "x0 and eps"."""
    if x.shape != y.shape:
        raise ValueError(f"{what} have the shapes {tuple(x.shape)} and {tuple(y.shape)}; {need}")


def network(net: Any, what: str, need: str) -> Any:
    """Return net if it is a network, a torch module; otherwise say what is needed."""
    if not isinstance(net, nn.Module):
        raise TypeError(f"{what} is {named(net)}; {need}")
    return net


def _takes_three(D: Denoiser) -> None:
    denoiser(D)
    if not _takes(D, 3):
        raise TypeError(
            f"D takes {signature(D)}; a Denoiser is called as D(x, sigma, label): write it as"
            " lambda x, sigma, label=None: ..."
        )


def function(f: Any, what: str, need: str, inputs: int = 0) -> Any:
    """Return f if it can be called, and with so many inputs if given; otherwise say what is needed."""
    if not callable(f):
        raise TypeError(f"{what} is {named(f)}; it must be {need}")
    if inputs and not _takes(f, inputs):
        raise TypeError(f"{what} takes {signature(f)}; it must be {need}")
    return f


def _takes(f: Any, inputs: int) -> bool:
    try:
        signature(f).bind(*[None] * inputs)
    except TypeError:
        return False
    except ValueError:
        return True  # the signatures of some functions written in C are unknown
    return True


def stream(rng: Rng) -> Rng:
    """Return rng if it is a generator, or None for torch's own stream; a bare seed is the likeliest slip."""
    if rng is not None and not isinstance(rng, torch.Generator):
        seed = rng if isinstance(rng, Integral) else 0
        raise TypeError(
            f"rng is {named(rng)}; it must be a torch.Generator, or None: give rng=toycore.seeded({seed}), which is"
            f" torch.Generator().manual_seed({seed})"
        )
    return rng


def label_rows(label: Label, b: int, classes: float = math.inf) -> Tensor:
    """Spread a label over b rows as integers `[b]` in [-1, classes), None as -1; otherwise say what is wrong."""
    if isinstance(label, str):
        raise ValueError(f"label is {label!r}; give its number, names.index({label!r})")
    rows = numbers(-1 if label is None else label, "label", f"None, an int, or integers [{b}]")
    if rows.dtype.is_floating_point or rows.dtype == torch.bool or rows.shape not in ((), (b,)):
        raise ValueError(
            f"label has dtype {rows.dtype} and shape {tuple(rows.shape)}; need None, an int, or integers [{b}]"
        )
    if rows.numel() and rows.device.type == "cpu" and (int(rows.min()) < -1 or int(rows.max()) >= classes):
        known = "a class is 0 or more" if classes == math.inf else f"this model has the classes 0..{classes - 1}"
        low, high = int(rows.min()), int(rows.max())
        given = f"is {low}" if low == high else f"runs from {low} to {high}"
        raise ValueError(f"label {given}, but {known}; use one, or None")
    return rows.long().expand(b)


def as_batch(x: Tensor, what: str = "x", dim: int | None = None) -> Tensor:
    """Return x if it is a finite tensor `[b, ...]`, b >= 1, of float32 or float64; otherwise say what is wrong."""
    return finite(batched(x, what, dim), what)


def batched(x: Tensor, what: str = "x", dim: int | None = None) -> Tensor:
    """Return x if it is `[b, d]` or `[b, c, h, w]` of float32 or float64, with d = dim if given; no look at values."""
    if not isinstance(x, Tensor):
        points = f"{what}.x" if hasattr(x, "x") else f"data.load({x!r}).x" if isinstance(x, str) else ""
        what_to_do = f"give {points}" if points else f"use torch.as_tensor({what})"
        what_to_do = f": {what_to_do}" if points or hasattr(x, "__len__") else ", one row per point"
        raise TypeError(f"{what} is {named(x)}; it must be a torch tensor [b, ...]{what_to_do}")
    if x.ndim not in (2, 4) or len(x) < 1 or not x[0].numel():
        raise ValueError(f"{what} has shape {tuple(x.shape)}; it must be [b, 2] or [b, c, h, w] with b >= 1")
    if dim and x.shape[1:] != (dim,):
        raise ValueError(f"{what} has shape {tuple(x.shape)}; it must be points [b, {dim}], one row per point")
    if x.dtype not in FLOATS:
        raise TypeError(f"{what} has dtype {x.dtype}; it must be float32 or float64: use {what}.float()")
    return x


def finite(x: Tensor, what: str = "x") -> Tensor:
    """Return x if no row holds NaN or infinity; otherwise say how many do. One sum where all is well."""
    values = x.detach()
    if not math.isfinite(values if values.numel() == 1 else values.sum()) and not torch.isfinite(x).all():
        bad = int((~torch.isfinite(x.flatten(1) if x.ndim > 1 else x[:, None]).all(1)).sum())
        raise ValueError(f"{what} holds NaN or infinity in {bad} of {len(x)} rows; remove them first")
    return x


def numbers(value: Any, what: str, need: str = "a number or a tensor of numbers", dtype: Any = None) -> Tensor:
    """Return value as a tensor; otherwise say what is needed."""
    try:
        return torch.as_tensor(value, dtype=dtype)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{what} is {named(value)}; it must be {need}") from None


def listed(values: Any, what: str, need: str, least: int = 2, dtype: Any = None) -> Tensor:
    """Return values as a tensor `[n]` of n >= least finite numbers; otherwise say what is needed."""
    values = numbers(values, what, need, dtype)
    if values.ndim != 1 or len(values) < least or not torch.isfinite(values).all():
        some = f"shape {tuple(values.shape)}" if values.ndim != 1 or len(values) < least else "NaN or infinity in it"
        raise ValueError(f"{what} has {some}; it must be {need}")
    return values


def texts(values: Any, what: str, need: str) -> list[str]:
    """Return values as a list of strings, one string alone as a list of one; otherwise say what is needed."""
    if not isinstance(values, Iterable):
        raise TypeError(f"{what} is {named(values)}; it must be {need}")
    many = [values] if isinstance(values, str) else list(values)
    other = next((named(value) for value in many if not isinstance(value, str)), None)
    if other or not many:
        raise TypeError(f"{what} {f'holds {other}' if other else 'is empty'}; it must be {need}")
    return many


def positive(n: int, what: str = "n") -> int:
    """Return n if it is a whole number of at least 1; otherwise say what is needed."""
    return at_least(1, n, what)


def at_least(least: int, n: int, what: str) -> int:
    """Return n if it is a whole number of at least `least`; otherwise say what is needed."""
    if not isinstance(n, Integral) or isinstance(n, bool) or n < least:
        raise ValueError(f"{what} is {n!r}; it must be a whole number of at least {least}")
    return int(n)


def number(value: float, what: str, low: float = -math.inf, high: float = math.inf) -> float:
    """Return value if it is one finite number in [low, high]; otherwise say what is needed."""
    if not (_real(value) and low <= value <= high):
        need = "a finite number" if low == -math.inf else "0 or more" if high == math.inf and low == 0 else ""
        raise ValueError(f"{what} is {_value(value)}; it must be {need or _between(low, high)}")
    return value


def above(value: float, what: str, bound: float = 0.0) -> float:
    """Return value if it is one finite number above the bound; otherwise say what is needed."""
    if not (_real(value) and value > bound):
        raise ValueError(f"{what} is {_value(value)}; it must be a finite number above {bound:g}")
    return value


def share(value: float, what: str) -> float:
    """Return value if it lies in [0, 1]; otherwise say what is needed."""
    return number(value, what, 0, 1)


def one_of(name: str, known: Iterable[str], what: str) -> str:
    """Return name if it is known; otherwise list the near ones."""
    known = sorted(known)
    if name not in known:
        near = get_close_matches(str(name), known, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
        raise ValueError(f"there is no {what} named {name!r}; {hint}known: {', '.join(known)}")
    return name


def file_path(path: str | Path, what: str) -> Path:
    """Return the path if a file is there; otherwise say what is needed."""
    if not isinstance(path, (str, Path)):
        raise TypeError(f"path is {named(path)}; it must be the path of {what}")
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}; give the path of {what}")
    return Path(path)


def path_to_write(path: str | Path, example: str) -> Path:
    """Return path as a Path; otherwise say what is needed."""
    if not isinstance(path, (str, Path)):
        raise TypeError(f"path is {named(path)}; it must say where to write: {example!r}")
    return Path(path)


def keywords(given: dict[str, Any], f: Callable[..., Any], what: str) -> dict[str, Any]:
    """Return the keywords given for f if it takes them all; otherwise say which it takes."""
    known = list(signature(f).parameters)
    for name in given:
        if name not in known:
            raise TypeError(f"{what} takes no {name}={given[name]!r}; it takes {', '.join(known) or 'no options'}")
    return given


def _real(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.ndim == 0 and not value.is_complex() and bool(torch.isfinite(value))
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _between(low: float, high: float) -> str:
    return f"a finite number of at least {low:g}" if high == math.inf else f"a number between {low:g} and {high:g}"


def named(value: Any) -> str:
    """Return "a list", "None", "'moons'", "7": what a person calls the value."""
    short = value is None or isinstance(value, (str, int, float))
    kind = {"ndarray": "array of NumPy", "Generator": f"generator of {type(value).__module__.split('.')[0]}"}.get(
        type(value).__name__, type(value).__name__
    )
    return repr(value)[:60] if short else f"{'an' if kind[0] in 'aeiouAEIO' else 'a'} {kind}"


def _value(value: Any) -> str:
    return repr(value)[:60] if named(value) == repr(value)[:60] or isinstance(value, Tensor) else named(value)
