"""Every exercise check, fed with its stub, its answer and the mistakes it claims to know."""

import importlib
import math
import pkgutil
from collections.abc import Iterator

import pytest
import torch

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
MISTAKES = [(name, told) for name, exercise in ALL.items() for told in exercise.mistakes]
every = pytest.mark.parametrize("name", ALL)


@pytest.mark.parametrize("module", MODULES)
def test_three_exercises_or_more(module: str) -> None:
    assert sum(name.startswith(module + ".") for name in ALL) >= 3


@every
def test_question_and_three_mistakes(name: str) -> None:
    assert len(ALL[name].question) > 20
    assert len(ALL[name].mistakes) >= 3


@every
@pytest.mark.parametrize("stub", [..., None, lambda *a, **k: ..., lambda *a, **k: None], ids=["...", "None", "f", "g"])
def test_stub_is_not_yet(name: str, stub: object) -> None:
    assert ALL[name].verdict(stub).startswith("not yet: ")
    assert "stopped with" not in ALL[name].verdict(stub) or not callable(ALL[name].answer)


@every
def test_answer_is_well_done(name: str) -> None:
    assert ALL[name].verdict(ALL[name].answer).startswith("well done")


@pytest.mark.parametrize(("name", "told"), MISTAKES, ids=[f"{name}: {told}" for name, told in MISTAKES])
def test_mistake_is_named(name: str, told: str) -> None:
    verdict = ALL[name].verdict(ALL[name].mistakes[told])
    assert verdict.startswith("not yet: ") and told in verdict


@every
def test_messages_are_whole_and_differ(name: str) -> None:
    """One sentence per mistake: a check that says the same to all of them names none."""
    said = {ALL[name].verdict(attempt) for attempt in ALL[name].mistakes.values()}
    assert len(said) == len(ALL[name].mistakes)
    assert all(len(sentence) > 30 for sentence in said)


@every
def test_an_attempt_that_breaks_is_told_so(name: str) -> None:
    def breaks(*args: object, **named: object) -> None:
        raise RuntimeError("broken on purpose")

    assert ALL[name].verdict(breaks).startswith("not yet: ")


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
