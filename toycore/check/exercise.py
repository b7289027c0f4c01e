"""An exercise as data, and the one loop that judges an attempt at it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from inspect import signature
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from toycore.check.ask import Refused, WrongShape, as_numbers, call, close, explained, number, numbers
from toycore.check.source import source

Verdicts = Iterable[tuple[Any, str]]  # does the property hold, and what to say if it does not
AGAIN = "asked twice the same, your function gives two answers: where does chance come in?"
ELSEWHERE = (
    "right for the first numbers tried, wrong for others: which of the arguments is missing, or fixed, in yours?"
)


@dataclass(frozen=True, repr=False, eq=False)
class Exercise:
    """A question, its answer and the mistakes it knows by name.

    Called with the student's attempt (a function or a value) it prints a verdict and never raises, not even at Ctrl-C.
    In `otherwise` and `elsewhere`, {where} stands for the arguments, {right} and {yours} for the two answers to them.
    """

    question: str
    answer: Any
    more: str  # a second hint, more concrete than the messages
    why: str  # the sentence that comes with the solution
    asks: Sequence[tuple[Any, ...]] = ()  # arguments on which an attempt is compared with mistakes and answer
    mistakes: Callable[..., Sequence[tuple[Any, str]]] = lambda *ask: ()  # wrong answers to an ask, each with a message
    properties: Callable[[Any], Verdicts] = lambda f: ()  # in order; of the attempt itself where there are no asks
    caught: Sequence[tuple[Any, str]] = ()  # wrong answers that only a property finds, each with a part of its message
    again: str = AGAIN  # for two answers to the same ask
    otherwise: str = ""  # for any other answer to asks[0]; empty where many answers are right
    elsewhere: str = ELSEWHERE  # for one that is right there, but not on all of asks
    tolerance: float = 1e-5

    def verdict(self, attempt: Any) -> str:
        """Return "well done ..." or "not yet: ..." with the first message that applies."""
        if attempt is None or attempt is ...:
            return "not yet: replace the dots by your answer"
        try:
            message = next((message for holds, message in judged(self, attempt) if not bool(holds)), None)
        except Refused as refusal:
            message = str(refusal)
        except KeyboardInterrupt:
            message = "you stopped the check; does every loop in your function come to an end?"
        except Exception as error:
            message = f"the check cannot read your answer, it met {explained(error)}"
        return "well done: every property holds" if message is None else f"not yet: {message}"

    def __call__(self, attempt: Any = None) -> None:
        """Print the verdict on an attempt."""
        own = "that is the answer of the course itself, and it is right; now what does yours look like?"
        print(own if attempt is self.answer else self.verdict(attempt))

    def hint(self) -> None:
        """Print a second hint, more concrete than the verdicts."""
        print(f"hint: {self.more}")

    def solution(self) -> None:
        """Print the answer as Python, and why it is right."""
        print(f"{source(self)}\n\n{self.why}")

    def wrong(self) -> Iterator[tuple[Any, str]]:
        """Yield every wrong answer the exercise knows, as an attempt, with its message or a part of it."""
        for i, (value, message) in enumerate(self.mistakes(*(self.asks[0] if self.asks else ()))):
            yield (lambda *ask, i=i: self.mistakes(*ask)[i][0]) if callable(self.answer) else value, message
        yield from self.caught

    def __repr__(self) -> str:
        """The question: what a cell shows that names the exercise without calling it."""
        return self.question


def exercises_of(module: ModuleType) -> dict[str, Exercise]:
    """Return the exercises of a table, in its order."""
    return {name: value for name, value in vars(module).items() if isinstance(value, Exercise)}


def judged(exercise: Exercise, attempt: Any) -> Iterator[tuple[Any, str]]:
    """Yield (holds, message): is it a known mistake, does it give one answer, the properties, is it the answer?"""
    if isinstance(exercise.answer, int | float):
        value = number(attempt)
        yield from ((value != wrong, message) for wrong, message in exercise.mistakes())
        yield from exercise.properties(value)
        return
    if not exercise.asks:
        yield from exercise.properties(attempt)
        return
    yield from _known(exercise, attempt)
    f = asking(attempt, exercise.answer if exercise.otherwise else None)
    yield _same(f(*exercise.asks[0]), f(*exercise.asks[0]), exercise.tolerance), exercise.again
    yield from exercise.properties(f)
    if exercise.otherwise:
        yield from _right(exercise, f)


def _right(exercise: Exercise, f: Callable[..., Any]) -> Iterator[tuple[bool, str]]:
    """Yield, for each of the asks, whether f gives what the answer gives."""
    answer, message = asking(exercise.answer, exercise.answer), exercise.otherwise
    for args in exercise.asks:
        right = answer(*args)
        try:
            yours = f(*args)
        except WrongShape:  # only after the first of the asks, where f has had the right one
            yours = torch.tensor(torch.nan)
        where = dict(zip(signature(exercise.answer).parameters, args))
        yield _same(yours, right, exercise.tolerance), _quoting(message, where, right, yours)
        message = exercise.elsewhere


def _quoting(message: str, where: dict[str, Any], right: Any, yours: Any) -> str:
    """Put the numbers into a message: where it was asked, what is right, and what the attempt gives."""
    if "{" not in message:
        return message
    numbers = ", ".join(f"{name} = {value:g}" for name, value in where.items() if isinstance(value, int | float))
    return message.format(where=numbers, right=f"{float(right):.4g}", yours=f"{float(yours):.4g}")


def _known(exercise: Exercise, attempt: Callable[..., Any]) -> Iterator[tuple[bool, str]]:
    """Yield, for each known mistake, whether the attempt differs from it on one of the asks, and its message."""
    given = cache(lambda k: _read(call(attempt, *exercise.asks[k]), exercise.answer(*exercise.asks[k]), as_numbers))
    wrong = cache(lambda k: exercise.mistakes(*exercise.asks[k]))
    for i in range(len(wrong(0))):
        same = (
            _same(given(k), _read(wrong(k)[i][0], given(k), as_numbers), exercise.tolerance)
            for k in range(len(exercise.asks))
        )
        yield not all(same), wrong(0)[i][1]


def asking(f: Any, answer: Callable[..., Any] | None = None) -> Callable[..., Any]:
    """Return the student's function, as one that gives finite numbers, of the same shapes as the answer's."""

    def asked(*args: Any) -> Any:
        value = call(f, *args)
        return numbers(value) if answer is None else _read(value, answer(*args), _fitted)

    return asked


def _read(value: Any, like: Any, read: Callable[..., Tensor]) -> Any:
    """Read a tensor, or a tuple of them where the answer is one."""
    if not isinstance(like, tuple):
        return read(value, like)
    several = isinstance(value, list | tuple) or getattr(value, "ndim", 0) > 0
    if not several or len(value) != len(like):
        given = str(len(value)) if isinstance(value, list | tuple) else f"one, of shape {list(as_numbers(value).shape)}"
        raise Refused(f"{len(like)} values are asked for, as in return a, b; you gave {given}: what does each hold?")
    return tuple(map(read, value, like))


def _fitted(value: Any, like: Any) -> Tensor:
    return numbers(value, torch.as_tensor(like).shape)


def _same(a: Any, b: Any, tolerance: float) -> bool:
    if isinstance(a, tuple):
        return all(_same(*pair, tolerance) for pair in zip(a, b, strict=True))
    return close(*((a.reshape(()), b.reshape(())) if a.numel() == b.numel() == 1 else (a, b)), tolerance)
