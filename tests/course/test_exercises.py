"""Every exercise check, fed with its stub, its answer and the mistakes it claims to know."""

import importlib
import math
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from toycore import check, data, exact, metrics, mixtures
from toycore.check import ClaimError, Exercise, claim
from toycore.check import start_here as any_module
from toycore.check import the_score_exactly as score_exercises

MODULES = sorted(module.name for module in pkgutil.iter_modules(check.__path__))


def exercises() -> Iterator[tuple[str, Exercise]]:
    for name in MODULES:
        module = importlib.import_module(f"toycore.check.{name}")
        found = {key: value for key, value in vars(module).items() if isinstance(value, Exercise)}
        yield from ((f"{name}.{key}", exercise) for key, exercise in found.items())


ALL = dict(exercises())
every = pytest.mark.parametrize("name", ALL)


@pytest.mark.parametrize("module", MODULES)
def test_three_exercises_or_more(module: str) -> None:
    assert sum(name.startswith(module + ".") for name in ALL) >= 3


@every
def test_question_and_three_mistakes(name: str) -> None:
    assert len(ALL[name].question) > 20
    assert len(ALL[name].mistakes) >= 3


@every
def test_stub_is_not_yet(name: str) -> None:
    for stub in (..., None, lambda *a, **k: ..., lambda *a, **k: None):
        assert ALL[name].verdict(stub).startswith("not yet: ")
        assert "stopped with" not in ALL[name].verdict(stub) or not callable(ALL[name].answer)


@every
def test_answer_is_well_done(name: str) -> None:
    assert ALL[name].verdict(ALL[name].answer).startswith("well done")


@every
def test_mistakes_are_named(name: str) -> None:
    """One sentence per mistake: a check that says the same to all of them names none."""
    said = {told: ALL[name].verdict(attempt) for told, attempt in ALL[name].mistakes.items()}
    assert {told: words for told, words in said.items() if not (words.startswith("not yet: ") and told in words)} == {}
    assert len(set(said.values())) == len(said)
    assert all(len(sentence) > 30 for sentence in said.values())


@every
def test_an_attempt_that_breaks_is_told_so(name: str) -> None:
    def breaks(*args: object, **named: object) -> None:
        raise RuntimeError("broken on purpose")

    assert ALL[name].verdict(breaks).startswith("not yet: ")


# ---- forms in which students answer ---------------------------------------------------------------

FUNCTIONS = [name for name, exercise in ALL.items() if callable(exercise.answer)]
by_function = pytest.mark.parametrize("name", FUNCTIONS)


def in_form(answer: Callable[..., Any], form: Callable[[Tensor], Any]) -> Callable[..., Any]:
    """The same answer, its tensors in another form; functions that it returns stay as they are."""

    def attempt(*args: Any) -> Any:
        value = answer(*args)
        if isinstance(value, tuple) and not hasattr(value, "_fields"):
            return [form(torch.as_tensor(part)) for part in value]
        return form(torch.as_tensor(value)) if isinstance(value, Tensor | float) else value

    return attempt


@by_function
@pytest.mark.parametrize(
    "form",
    [
        lambda x: np.asarray(x.detach(), dtype=np.float32),
        lambda x: x.detach().double().requires_grad_().clone().tolist(),
    ],
    ids=["float32 array", "list"],
)
def test_arrays_and_lists_are_accepted(name: str, form: Callable[[Tensor], Any]) -> None:
    verdict = ALL[name].verdict(in_form(ALL[name].answer, form))
    assert verdict.startswith("well done")


@by_function
def test_gradients_and_changes_in_place_are_accepted(name: str) -> None:
    """What a student does to the arguments must not reach the numbers that the check compares with."""

    def attempt(*args: Any) -> Any:
        value = in_form(ALL[name].answer, lambda x: x.detach().double().requires_grad_() * 1.0)(*args)
        for argument in args:
            if isinstance(argument, Tensor):
                argument.detach().zero_()
        return value

    assert ALL[name].verdict(attempt).startswith("well done")


def raises(error: type[BaseException]) -> Callable[..., None]:
    def attempt(*args: Any) -> None:
        raise error

    return attempt


@by_function
def test_other_forms_are_told_so_in_one_line(name: str) -> None:
    """NaN, text, a comma too many, ragged rows, complex numbers, a dictionary, no arguments, no function."""
    forms = (
        math.nan,
        "x0 + sigma eps",
        (torch.ones(3),),
        [torch.ones(2), torch.ones(3)],
        1j * torch.ones(2),
        {"x": 1.0},
    )
    for attempt in (*(lambda *a, form=form: form for form in forms), lambda: 1.0, 3.0):
        verdict = ALL[name].verdict(attempt)
        assert verdict.startswith("not yet: ")
        assert "cannot read" not in verdict and "\n" not in verdict and len(verdict) < 330


@by_function
def test_ctrl_c_and_exit_stop_the_attempt_alone(name: str) -> None:
    assert "come to an end" in ALL[name].verdict(raises(KeyboardInterrupt))
    assert "stopped with SystemExit in line" in ALL[name].verdict(raises(SystemExit))


NOISY = any_module.noisy


@pytest.mark.parametrize(
    ("attempt", "told"),
    [
        (lambda x0, sigma, eps: x0 + math.nan * eps, "NaN or infinite"),
        (lambda x0, sigma, eps: x0 + (-sigma) ** 0.5 * eps, "complex"),
        (lambda x0, sigma, eps: "x0", "not a str"),
        (lambda x0, sigma, eps: (x0 + sigma * eps,), "a comma too many"),
        (lambda x0, sigma, eps: [x0[0], x0[0, :1]], "differ in length"),
        (lambda x0, sigma, eps: (x0 + sigma * eps).T, "the shape must be [4, 2]; yours is [2, 4]"),
        (lambda x0, sigma, eps: x0 + ... * eps, "are there dots left in it?"),
        (lambda x0, sigma, eps: x0 + sigma * eps[:, 0].expand(3, 4), "become a column"),
        (lambda x0, sigma, eps: x0 + sigma * eps @ eps, "which of the two must be turned"),
        (lambda x0, sigma, eps: x0 - x0.mean, "brackets () missing"),
        (lambda x0, sigma: x0, "2 positional arguments but 3 were given"),
        (torch.zeros(4, 2), "not a Tensor: its name without brackets"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_what_is_wrong_with_a_form_is_said(attempt: Any, told: str) -> None:
    assert told in NOISY.verdict(attempt)


def test_dots_and_a_missing_return_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    assert "replace the dots" in NOISY.verdict(lambda x0, sigma, eps: ...)
    assert "is there a return?" in NOISY.verdict(lambda x0, sigma, eps: None)
    NOISY()
    assert capsys.readouterr().out == "not yet: replace the dots by your answer\n"
    assert repr(NOISY) == NOISY.question


def test_a_number_is_a_tensor_to_those_who_want_one() -> None:
    """torch.sqrt refuses floats, math.sqrt does not: both are right."""
    level = ALL["adding_noise.level"]
    for root in (math.sqrt, torch.sqrt, np.sqrt, lambda x: x.sqrt()):
        assert level.verdict(lambda a, root=root: root(1 / a - 1)).startswith("well done")
    assert "must be Tensor, not float" in level.verdict(lambda a: torch.sqrt(0.5))


def test_verdict_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    any_module.noisy(any_module.noisy.answer)
    assert capsys.readouterr().out == "well done: every property holds\n"


# ---- claims -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bounds", [dict(below=1.0), dict(above=0.1), dict(near=0.5, within=0.01), dict(above=0.4, below=0.6)], ids=str
)
def test_claim_holds_or_raises(bounds: dict[str, float], capsys: pytest.CaptureFixture[str]) -> None:
    claim("half", torch.tensor(0.5), **bounds)
    assert capsys.readouterr().out == "ok: half (measured 0.5)\n"
    for wrong in (float("nan"), -2.0 if "above" in bounds else 2.0):
        with pytest.raises(ClaimError, match="half"):
            claim("half", wrong, **bounds)


def test_claim_of_a_fact(capsys: pytest.CaptureFixture[str]) -> None:
    claim("two is two", torch.tensor(True))
    assert capsys.readouterr().out == "ok: two is two\n"
    with pytest.raises(ClaimError):
        claim("two is three", False)
    with pytest.raises(TypeError, match="together"):
        claim("half", 0.5, near=0.5)
    for number in (0.5, float("nan"), torch.tensor(3)):
        with pytest.raises(TypeError, match=r"needs a bound: .*give a condition"):
            claim("a number by itself claims nothing", number)


# ---- constants that checks rely on ----------------------------------------------------------------


def tighter() -> mixtures.GaussianMixture:
    """The spiral of the exercise `threshold`: four turns, arms GAP apart."""
    theta = torch.linspace(0.5 * math.pi, 8.5 * math.pi, 600)
    return mixtures.GaussianMixture(data.spiral_curve(theta) * 5 / 8.5, 0.02)


def test_the_tighter_spiral_turns_where_the_check_says() -> None:
    """A20: a root by bisection of cosine to the mean = cosine to the nearest point."""
    m, low, high = tighter(), 0.04, 0.2
    D, rng = exact.posterior_mean(m), torch.Generator().manual_seed(0)
    x0, eps = m.sample(3000, rng)[0], torch.randn(3000, 2, generator=rng)
    for _ in range(10):
        sigma = math.sqrt(low * high)
        x = x0 + sigma * eps
        nearest = m.means[torch.cdist(x, m.means).argmin(1)]
        to_mean, to_arm = (metrics.alignment(D(x, sigma) - x, to - x) for to in (m.mean, nearest))
        low, high = (sigma, high) if to_arm > to_mean else (low, sigma)
    assert math.sqrt(low * high) == pytest.approx(score_exercises.TURN, abs=0.004)
    assert pytest.approx(2 / 8.5) == score_exercises.GAP
