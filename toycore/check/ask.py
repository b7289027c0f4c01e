"""Asking a student's function: its arguments are copied, what it returns is read, and what goes wrong is explained."""

import contextlib
import math
import re
import traceback
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from toycore.types import seeded


class Refused(Exception):
    """An attempt that cannot be judged any further; the message is for the student."""


class WrongShape(Refused):
    """Numbers of a shape that the answer does not have."""


EMPTY = {  # what an unfinished function returned -> what to say
    ...: "your function returns nothing so far; replace the dots by your answer",
    None: "your function ends without giving anything back; is there a return?",
}
HINTS = {  # a part of Python's or torch's message -> what to ask the student
    "ellipsis": "are there dots left in it?",
    "generator=int": "torch.Generator().manual_seed(seed) makes a generator of a seed",
    "division by zero": "which of the arguments is 0 here?",
    "must match the size of tensor": "which of the two must become a column, [:, None]?",
    "cannot be multiplied": "which of the two must be turned, .T?",
    "method'": "is there a pair of brackets () missing?",
    "could not be broadcast": "which of the two must become a column, [:, None]?",
    "only one element tensors can be converted": "a function of math takes one number; does torch have it for tensors?",
    "only 0-dimensional arrays": "a function of math takes one number; does numpy have it for arrays?",
    "Boolean value of Tensor": "an if asks once for all rows; what asks row by row?",
    "the same dtype": "float32 met float64; what does x.dtype say?",
    "does not require grad": "does x know that you want its gradient, x.requires_grad_()?",
    "only for scalar outputs": "a gradient is that of one number; which sum makes one?",
    "to return a scalar": "a gradient is that of one number; which sum makes one?",
    "Can't call numpy() on Tensor that requires grad": "the check differentiates your function: write it in torch",
}


def explained(error: BaseException, file: str | None = None) -> str:
    """An exception in one line: its kind, the line of the student's file, its message, a question about it."""
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    message = re.sub(r"\S*<locals>\.", "", str(error)).strip()
    hint = next((f" ({hint})" for part, hint in HINTS.items() if part in message), "")
    where = f" in line {lines[-1]}" if lines else ""
    return f"{type(error).__name__}{where}" + (f": {message.splitlines()[0][:160]}{hint}" if message else "")


def _copied(value: Any) -> Any:
    """What the student changes in place must not change what the check compares with."""
    return value.clone() if isinstance(value, Tensor) else list(value) if isinstance(value, list) else value


def _as_tensor(value: Any) -> Any:
    return torch.tensor(value, dtype=torch.float64) if isinstance(value, float) else value


def call(f: Callable[..., Any], *args: Any) -> Any:
    """Call the student's function with copies of the arguments, or say why it gives no answer.

    A number is handed over as a float, and as a tensor to a function that needs one, such as torch.sqrt.
    """
    if not callable(f):
        raise Refused(f"a function is needed here, not a {type(f).__name__}: its name without brackets, or a lambda")
    try:
        value = f(*map(_copied, args))
    except (Exception, SystemExit) as error:
        tensor_wanted = "Tensor, not float" in str(error) or "'float' object has no attribute" in str(error)
        if tensor_wanted and any(isinstance(value, float) for value in args):
            return call(f, *map(_as_tensor, args))
        file = getattr(getattr(f, "__code__", None), "co_filename", None)
        raise Refused(f"your code stopped with {explained(error, file)}") from error
    return _present(value)


def _present(value: Any) -> Any:
    if value is None or value is ...:
        raise Refused(EMPTY[value])
    return value


def as_numbers(value: Any, _: Any = None) -> Tensor:
    """Return what a student gave (tensor, array, number, list of these) as float64 without gradient, NaN included."""
    _present(value)
    if isinstance(value, tuple) and any(getattr(part, "ndim", 0) for part in value):
        raise Refused(f"one tensor is needed, not a tuple of {len(value)}: a comma too many, or a [0] too few?")
    if isinstance(value, list | tuple):
        return _stacked(value)
    try:
        x = torch.as_tensor(value, dtype=torch.float64 if isinstance(value, float) else None).detach().cpu()
    except Exception:
        raise Refused(f"numbers are needed here, not a {type(value).__name__}") from None
    if x.is_complex():
        raise Refused("some of your numbers are complex: where do you take the root of something negative?")
    return x.double()


def _stacked(rows: Sequence[Any]) -> Tensor:
    """A list, or a list of lists, as one tensor; plain numbers all at once, since a thousand rows are common."""
    first: Any = rows
    while isinstance(first, list | tuple) and first:
        first = first[0]
    if isinstance(first, float):
        with contextlib.suppress(TypeError, ValueError):
            return torch.tensor(rows, dtype=torch.float64)
    parts = [as_numbers(part) for part in rows]
    if not parts or len({part.shape for part in parts}) > 1:
        raise Refused("your list is empty, or its rows differ in length")
    return torch.stack(parts)


def numbers(value: Any, shape: Sequence[int] | None = None) -> Tensor:
    """Return what a student gave as finite float64 of this shape, or refuse it; one number may stand repeated."""
    x = as_numbers(value)
    if not x.isfinite().all():
        raise Refused("some of your numbers are NaN or infinite: where is a division by 0, or a root or log of less?")
    if shape is None or x.shape == tuple(shape):
        return x
    if math.prod(shape) == 1 and x.numel() and close(x, x.flatten()[0].expand(x.shape)):
        return x.flatten()[0].reshape(tuple(shape))
    if math.prod(shape) == 1:
        raise WrongShape(
            f"one number is needed here; you gave {x.numel()}, of shape {list(x.shape)}: which one, or which mean?"
        )
    thin = ", with an axis of length 1 too many" if x.squeeze().shape == tuple(shape) else ""
    raise WrongShape(f"the shape must be {list(shape)}; yours is {list(x.shape)}{thin}: where does it change?")


def ask(f: Callable[..., Any], *args: Any, shape: Sequence[int] | None = None) -> Tensor:
    """Return the numbers that the student's function gives."""
    return numbers(call(f, *args), shape)


def number(value: Any) -> float:
    """Return the one number that a student gave."""
    if isinstance(value, bool) or callable(value):
        raise Refused(f"one number is needed here, not a {type(value).__name__}")
    x = numbers(value)
    if x.numel() != 1:
        raise Refused(f"one number is needed here; you gave {x.numel()}, of shape {list(x.shape)}: which one?")
    return float(x)


def ask_number(f: Callable[..., Any], *args: Any) -> float:
    """Return the one number that the student's function gives."""
    return number(call(f, *args))


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Return standard normal numbers in float64, the same for the same seed."""
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64)


def close(a: Any, b: Any, tolerance: float = 1e-5) -> bool:
    """Whether arrays or numbers of one shape agree to the tolerance, relative to 1 or |b|; NaN is NaN."""
    a, b = torch.as_tensor(a, dtype=torch.float64), torch.as_tensor(b, dtype=torch.float64)
    if a.shape != b.shape:
        return False
    near = (a - b).abs() <= tolerance * b.abs().clamp(min=1)
    return bool((near | (a.isnan() & b.isnan())).all())
