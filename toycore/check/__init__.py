"""Claims that are measured, and exercises that answer back.

    claim("without noise the spread stays below 0.06", spread, below=0.06)
    adding_noise.alpha_bar(my_alpha_bar)          # prints "well done" or says which property fails

The modules of this package hold the exercises of the notebook of the same name, with the answer and the typical
mistakes beside each check; the tests feed every check all of them.
"""

import contextlib
import math
import re
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

Verdicts = Iterator[tuple[Any, str]]


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


class Exercise(NamedTuple):
    """A question with its check, its answer and the mistakes the check knows by name.

    Called with the student's attempt (a function or a value) it prints a verdict and never raises, not even at Ctrl-C.
    """

    check: Callable[[Any], Verdicts]
    answer: Any
    mistakes: dict[str, Any]  # a part of the expected message -> a wrong attempt that must be told so

    @property
    def question(self) -> str:
        """The exercise in words."""
        return (self.check.__doc__ or "").strip()

    def verdict(self, attempt: Any) -> str:
        """Return "well done ..." or "not yet: ..." with the first property that fails."""
        if attempt is None or attempt is ...:
            return "not yet: replace the dots by your answer"
        try:
            failed = (message for holds, message in self.check(attempt) if not bool(holds))
            message = next(failed, None)
        except Refused as refusal:
            message = str(refusal)
        except KeyboardInterrupt:
            message = "you stopped the check; does every loop in your function come to an end?"
        except Exception as error:
            message = f"the check cannot read your answer, it met {_words(error)}"
        return "well done: every property holds" if message is None else f"not yet: {message}"

    def __call__(self, attempt: Any = None) -> None:
        """Print the verdict on an attempt."""
        print(self.verdict(attempt))

    def __repr__(self) -> str:
        """The exercise in words: what a cell shows that names it without calling it."""
        return self.question


class Refused(Exception):
    """An attempt that a check cannot go on with; the message is for the student."""


EMPTY = {  # what a function that gives no answer returned -> what to say
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


def _words(error: BaseException, file: str | None = None) -> str:
    """An exception in one line: its kind, the line of the student's file, what it says, a question about it."""
    lines = [line for frame, line in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    said = re.sub(r"\S*<locals>\.", "", str(error)).strip()
    hint = next((f" ({hint})" for part, hint in HINTS.items() if part in said), "")
    where = f" in line {lines[-1]}" if lines else ""
    return f"{type(error).__name__}{where}" + (f": {said.splitlines()[0][:160]}{hint}" if said else "")


def _own(value: Any) -> Any:
    """A copy to keep: what the student changes in place must not change what the check compares with."""
    return value.clone() if isinstance(value, Tensor) else list(value) if isinstance(value, list) else value


def _as_tensor(value: Any) -> Any:
    return torch.tensor(value, dtype=torch.float64) if isinstance(value, float) else value


def _single(measured: Any) -> float:
    try:
        return float(measured)
    except (TypeError, ValueError, RuntimeError):
        given = f"of shape {tuple(measured.shape)}" if isinstance(measured, Tensor) else repr(measured)
        raise TypeError(
            f"measured is {given}; a claim is about one number, or a condition: use .mean() or .all()"
        ) from None


def call(f: Callable[..., Any], *args: Any) -> Any:
    """Call the student's function, with its own copies of the arguments; a stub that returns None or ... is recognised.

    A number is handed over as a float, and as a tensor to a function that wants one, such as torch.sqrt.
    """
    if not callable(f):
        raise Refused(f"a function is needed here, not a {type(f).__name__}: its name without brackets, or a lambda")
    try:
        value = f(*map(_own, args))
    except (Exception, SystemExit) as error:
        tensor_wanted = "Tensor, not float" in str(error) or "'float' object has no attribute" in str(error)
        if tensor_wanted and any(isinstance(value, float) for value in args):
            return call(f, *map(_as_tensor, args))
        file = getattr(getattr(f, "__code__", None), "co_filename", None)
        raise Refused(f"your code stopped with {_words(error, file)}") from error
    if value is None or value is ...:
        raise Refused(EMPTY[value])
    return value


def numbers(value: Any, shape: Sequence[int] | None = None) -> Tensor:
    """Return what a student gave (tensor, array, number, list of these) as float64 without gradient, or refuse it."""
    if value is None or value is ...:
        raise Refused(EMPTY[value])
    if isinstance(value, tuple) and any(getattr(part, "ndim", 0) for part in value):
        raise Refused(f"one tensor is needed, not a tuple of {len(value)}: a comma too many, or a [0] too few?")
    if isinstance(value, list | tuple):
        return numbers(_stacked(value), shape)
    try:
        x = torch.as_tensor(value, dtype=torch.float64 if isinstance(value, float) else None).detach().cpu()
    except Exception:
        raise Refused(f"numbers are needed here, not a {type(value).__name__}") from None
    if x.is_complex():
        raise Refused("some of your numbers are complex: where do you take the root of something negative?")
    if not x.isfinite().all():
        raise Refused("some of your numbers are NaN or infinite: where is a division by 0, or a root or log of less?")
    if shape is None:
        return x.double()
    if x.shape != tuple(shape) and not x.numel() == 1 == math.prod(shape):
        thin = ", with an axis of length 1 too many" if x.squeeze().shape == tuple(shape) else ""
        raise Refused(f"the shape must be {list(shape)}; yours is {list(x.shape)}{thin}: where does it change?")
    return x.double().reshape(tuple(shape))


def _stacked(rows: Sequence[Any]) -> Tensor:
    """A list, or a list of lists, as one tensor; plain numbers all at once, since a thousand rows are common."""
    first: Any = rows
    while isinstance(first, list | tuple) and first:
        first = first[0]
    if isinstance(first, float):
        with contextlib.suppress(TypeError, ValueError):
            return torch.tensor(rows, dtype=torch.float64)
    parts = [numbers(part) for part in rows]
    if not parts or len({part.shape for part in parts}) > 1:
        raise Refused("your list is empty, or its rows differ in length")
    return torch.stack(parts)


def ask(f: Callable[..., Any], *args: Any, shape: Sequence[int] | None = None) -> Tensor:
    """Return the numbers that the student's function gives."""
    return numbers(call(f, *args), shape)


def ask_number(f: Callable[..., Any], *args: Any) -> float:
    """Return the one number that the student's function gives."""
    return number(call(f, *args))


def number(value: Any) -> float:
    """Return the one number that a student gave."""
    if isinstance(value, bool) or callable(value):
        raise Refused(f"one number is needed here, not a {type(value).__name__}")
    x = numbers(value)
    if x.numel() != 1:
        raise Refused(f"one number is needed here; you gave {x.numel()}, of shape {list(x.shape)}: which one?")
    return float(x)


def close(a: Any, b: Any, tolerance: float = 1e-5) -> bool:
    """Whether two arrays or numbers have the same shape and agree to the tolerance, relative to the larger of 1 and
    |b|.
    """
    a, b = torch.as_tensor(a, dtype=torch.float64), torch.as_tensor(b, dtype=torch.float64)
    return a.shape == b.shape and bool(((a - b).abs() <= tolerance * b.abs().clamp(min=1)).all())


def unlike(got: Any, wrong: dict[str, Any], tolerance: float = 1e-5) -> Verdicts:
    """Yield, for each message, that the answer is not the wrong one that the message speaks of."""
    yield from ((not close(got, value, tolerance), message) for message, value in wrong.items())


def exercise(answer: Any, mistakes: dict[str, Any]) -> Callable[[Callable[[Any], Verdicts]], Exercise]:
    """Make an Exercise of a generator check(attempt) that yields (holds, message) pairs, most basic property first."""
    return lambda check: Exercise(check, answer, mistakes)
