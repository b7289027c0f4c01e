"""Every exercise, fed with its stub, its answer and the mistakes in its table."""

import importlib
import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from toycore import check, data, embeddings, exact, fields, frames, guidance, metrics, mixtures, samplers, sigmas
from toycore.check import ClaimError, claim, exercises_of, source
from toycore.check import start_here as any_module
from toycore.check import the_score_exactly as score_exercises
from toycore.types import seeded

MODULES = check.TABLES


def module_of(name: str) -> ModuleType:
    return importlib.import_module(f"toycore.check.{name.split('.')[0]}")


ALL = {f"{name}.{key}": value for name in MODULES for key, value in exercises_of(module_of(name)).items()}
every = pytest.mark.parametrize("name", ALL)


@pytest.mark.parametrize("module", MODULES)
def test_three_exercises_or_more(module: str) -> None:
    assert sum(name.startswith(module + ".") for name in ALL) >= 3


@every
def test_question_hint_and_three_mistakes(name: str) -> None:
    exercise = ALL[name]
    assert min(len(exercise.question), len(exercise.more), len(exercise.why)) > 20
    assert len(list(exercise.wrong())) >= 3


@every
def test_stub_is_not_yet(name: str) -> None:
    for stub in (..., None, lambda *a, **k: ..., lambda *a, **k: None):
        assert ALL[name].verdict(stub).startswith("not yet: ")
        assert "stopped with" not in ALL[name].verdict(stub) or not callable(ALL[name].answer)


@every
def test_answer_is_well_done(name: str) -> None:
    assert ALL[name].verdict(ALL[name].answer).startswith("well done")


@every
def test_solution_solves(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The printed Python, run by itself in the table's module, is the answer."""
    exercise, key = ALL[name], name.split(".")[1]
    exercise.solution()
    exercise.hint()
    assert capsys.readouterr().out == f"{source(exercise)}\n\n{exercise.why}\nhint: {exercise.more}\n"
    names: dict[str, Any] = {}
    exec(source(exercise), dict(vars(module_of(name))), names)
    assert exercise.verdict(names.get(key, list(names.values())[-1])).startswith("well done")


@every
def test_its_own_answer_is_recognised(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    ALL[name](ALL[name].answer)
    assert "the answer of the course itself" in capsys.readouterr().out


@every
def test_mistakes_are_named(name: str) -> None:
    """One sentence per mistake: a check with the same message for all of them names none."""
    exercise = ALL[name]
    named = len(list(exercise.wrong())) - len(exercise.caught)
    verdicts = [(exercise.verdict(attempt), message) for attempt, message in exercise.wrong()]
    assert [pair for pair in verdicts[:named] if pair[0] != f"not yet: {pair[1]}"] == []
    assert [pair for pair in verdicts[named:] if not pair[0].startswith("not yet: ") or pair[1] not in pair[0]] == []
    assert len({verdict for verdict, _ in verdicts}) == len(verdicts)
    assert all(len(verdict) > 30 for verdict, _ in verdicts)


@every
def test_an_attempt_that_breaks_is_not_yet(name: str) -> None:
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
def test_other_forms_are_refused_in_one_line(name: str) -> None:
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
    ("attempt", "message"),
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
def test_what_is_wrong_with_a_form_is_named(attempt: Any, message: str) -> None:
    assert message in NOISY.verdict(attempt)


def test_dots_and_a_missing_return_have_messages_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert "replace the dots" in NOISY.verdict(lambda x0, sigma, eps: ...)
    assert "is there a return?" in NOISY.verdict(lambda x0, sigma, eps: None)
    NOISY()
    assert capsys.readouterr().out == "not yet: replace the dots by your answer\n"
    assert repr(NOISY) == NOISY.question


def test_a_number_is_a_tensor_for_functions_of_torch() -> None:
    """torch.sqrt refuses floats, math.sqrt does not: both are right."""
    level = ALL["adding_noise.level"]
    for root in (math.sqrt, torch.sqrt, np.sqrt, lambda x: x.sqrt()):
        assert level.verdict(lambda a, root=root: root(1 / a - 1)).startswith("well done")
    assert "must be Tensor, not float" in level.verdict(lambda a: torch.sqrt(0.5))


def test_verdict_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    any_module.noisy(lambda x0, sigma, eps: x0 + sigma * eps)
    assert capsys.readouterr().out == "well done: every property holds\n"


# ---- right answers in other forms ---------------------------------------------------------------


def by_exp(x: Tensor, points: Tensor, sigma: float) -> Tensor:
    kernel = (-((points - x) ** 2).sum(1) / (2 * sigma**2)).exp()
    return kernel / kernel.sum()


def test_naive_exp_underflows_and_softmax_does_not() -> None:
    weights = ALL["the_score_exactly.weights"]
    assert "underflows" in weights.verdict(by_exp)
    assert "underflows" in weights.verdict(lambda x, points, sigma: by_exp(x.float(), points.float(), sigma))

    def shifted(x: Tensor, points: Tensor, sigma: float) -> Tensor:
        d = ((points - x) ** 2).sum(1) / (2 * sigma**2)
        kernel = (d.min() - d).exp()
        return kernel / kernel.sum()

    assert weights.verdict(shifted).startswith("well done")


@pytest.mark.parametrize(
    ("name", "attempt"),
    [
        ("vae_and_elbo.encoder", lambda x, w, s: (w * x / (w**2 + s**2), 0 * x + s**2 / (w**2 + s**2))),
        ("vae_and_elbo.encoder", lambda x, w, s: torch.stack([w * x, 0 * x + s**2]) / (w**2 + s**2)),
        (
            "vae_and_elbo.kl",
            lambda m, v: torch.distributions.kl_divergence(
                torch.distributions.Normal(m, v.sqrt()), torch.distributions.Normal(0.0, 1.0)
            ).sum(-1),
        ),
        ("adding_noise.alpha_bar", lambda betas: (1 - betas).log().cumsum(0).exp()),
        ("adding_noise.level", lambda a: torch.tensor([((1 - a) / a) ** 0.5])),
        ("adding_noise.shortest", torch.tensor([ALL["adding_noise.shortest"].answer])),
        ("vae_and_elbo.encoder", lambda x, w, s: np.stack([w * x, 0 * x + s**2]) / (w**2 + s**2)),
        ("sde_ode_fokker_planck.drifts", {"VP": lambda x, t: -0.5 * x, "VE": lambda x, t: 0}),
        ("sde_ode_fokker_planck.drifts", {"VP": lambda x, t: -0.5 * x, "VE": lambda x, t: torch.zeros(2)}),
        (
            "flow_matching.euler",
            lambda v, x, n: [x := x - v(x, torch.full((len(x),), i / n)) / n for i in range(n, 0, -1)][-1],
        ),
        ("embeddings_and_conditioning.split", lambda B, width: list(B.split([width, B.shape[1] - width], 1))),
        ("embeddings_and_conditioning.split", lambda B, width: torch.split(B, (width, B.shape[1] - width), 1)),
        ("learning_the_field.irreducible", lambda v, sigma: 2 / (1 + sigma**2 / v)),
        ("latents_and_transformers.tokens", lambda side, down, patch: side * side / (down * patch) ** 2),
        (
            "classifier_guidance.posterior",
            lambda x, m, v, s: torch.softmax(torch.stack([-((x - m) ** 2), -((x + m) ** 2)]) / (2 * (v + s**2)), 0)[0],
        ),
        (
            "negatives_intervals_autoguidance.within",
            lambda low, high, a, b: (
                lambda x, s, c=None: torch.where(
                    ((torch.as_tensor(s) >= low) & (torch.as_tensor(s) <= high)).reshape(-1, 1), a(x, s, c), b(x, s, c)
                )
            ),
        ),
        ("images.fold", lambda x: torch.nn.functional.unfold(x, 2, stride=2).unflatten(2, (4, 4))),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_another_form_of_the_answer_is_right(name: str, attempt: Any) -> None:
    assert ALL[name].verdict(attempt).startswith("well done")


def test_the_guided_ode_ends_with_the_variance_of_the_formula() -> None:
    """Heun's method on two Gaussians, against what the exercise calls right."""
    for v, u, s in (0.5, 3.0, 1.5), (2.0, 1.5, 0.5):
        strong, weak = (exact.posterior_mean(mixtures.GaussianMixture(torch.zeros(1, 1), w**0.5)) for w in (v, u))
        walk = samplers.heun(guidance.guided(strong, weak, s), torch.full((1, 1), 100.0), sigmas.karras(60, 0.002, 100))
        assert float(samplers.final(walk)) ** 2 == pytest.approx(u * (v / u) ** s, rel=0.03)


def test_formulas_of_the_answers_agree_with_the_library() -> None:
    """What the tables write out, toycore computes by itself: DDIM's step, DDPM's end without noise, step weights."""
    rng = seeded()
    x, D = torch.randn(7, 2, generator=rng, dtype=torch.float64), exact.posterior_mean(mixtures.spiral(40))
    for a, b in (0.2, 0.6), (0.5, 0.9):
        levels = frames.VP.sigma(torch.tensor([a, b], dtype=torch.float64))
        y = x * a**-0.5  # the same point in the VE frame
        end = samplers.final(samplers.ddim(D, y, levels)) * b**0.5
        step = ALL["ddim_and_fewer_steps.step"].answer(x, fields.noise(D, y, levels[0]), a, b)
        assert torch.allclose(step, end, atol=1e-9)
    v, high = 2.0, 3.0
    D = exact.posterior_mean(mixtures.GaussianMixture(torch.zeros(1, 1, dtype=torch.float64), v**0.5))
    levels, start = sigmas.log_linear(5, high / 100, high), torch.full((1, 1), high, dtype=torch.float64)
    end = samplers.final(samplers.ddpm(D, start, levels, noise=0.0))
    assert float(end) == pytest.approx(ALL["ddpm_with_and_without_noise.final_std"].answer(v, high), rel=1e-6)
    betas = torch.linspace(0.01, 0.4, 20, dtype=torch.float64)
    assert torch.allclose(ALL["learning_the_field.step_weights"].answer(betas), sigmas.step_weights(betas))
    image, text = torch.nn.functional.normalize(torch.randn(2, 6, 4, generator=rng), dim=2)
    loss = ALL["embeddings_and_conditioning.info_nce"].answer(image, text, torch.tensor(1.5))
    assert torch.allclose(loss, embeddings.info_nce(image, text, torch.tensor(1.5)))


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
    """A root by bisection of cosine to the mean = cosine to the nearest point."""
    m, low, high = tighter(), 0.04, 0.2
    D, rng = exact.posterior_mean(m), seeded()
    x0, eps = m.sample(3000, rng)[0], torch.randn(3000, 2, generator=rng)
    for _ in range(10):
        sigma = math.sqrt(low * high)
        x = x0 + sigma * eps
        nearest = m.means[torch.cdist(x, m.means).argmin(1)]
        to_mean, to_arm = (metrics.alignment(D(x, sigma) - x, to - x) for to in (m.mean, nearest))
        low, high = (sigma, high) if to_arm > to_mean else (low, sigma)
    assert math.sqrt(low * high) == pytest.approx(score_exercises.TURN, abs=0.004)
    assert pytest.approx(2 / 8.5) == score_exercises.GAP
