"""Claims that are measured, and exercises that answer back.

    claim("without noise the spread stays below 0.06", spread, below=0.06)
    adding_noise.alpha_bar(my_alpha_bar)          # prints "well done" or says which property fails

The modules of this package hold the exercises of the notebook of the same name, with the answer and the typical
mistakes beside each check; the tests feed every check all of them.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import torch

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
    value = float(measured)
    if all(bound is None for bound in (below, above, near)):
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

    Called with the student's attempt (a function or a value) it prints a verdict and never raises.
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
            for holds, message in self.check(attempt):
                if not bool(holds):
                    return f"not yet: {message}"
        except Exception as error:
            if _empty(error):
                return "not yet: your function returns nothing so far; replace the dots by your answer"
            return f"not yet: your code stopped with {type(error).__name__}: {error}"
        return "well done: every property holds"

    def __call__(self, attempt: Any) -> None:
        """Print the verdict on an attempt."""
        print(self.verdict(attempt))


class NothingReturned(Exception):
    """The student's function is still a stub."""


def _empty(error: Exception) -> bool:
    return isinstance(error, NothingReturned)


def call(f: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """Call the student's function; a stub that returns None or ... is recognised as such."""
    if not callable(f):
        raise TypeError(f"a function is needed here, not a {type(f).__name__}")
    value = f(*args, **named)
    if value is None or value is ...:
        raise NothingReturned
    return value


def close(a: Any, b: Any, tolerance: float = 1e-5) -> bool:
    """Whether two arrays or numbers have the same shape and agree to the tolerance, relative to the larger of 1 and
    |b|.
    """
    a, b = torch.as_tensor(a, dtype=torch.float64), torch.as_tensor(b, dtype=torch.float64)
    return a.shape == b.shape and bool(((a - b).abs() <= tolerance * b.abs().clamp(min=1)).all())


def exercise(answer: Any, mistakes: dict[str, Any]) -> Callable[[Callable[[Any], Verdicts]], Exercise]:
    """Make an Exercise of a generator check(attempt) that yields (holds, message) pairs, most basic property first."""
    return lambda check: Exercise(check, answer, mistakes)
