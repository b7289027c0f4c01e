"""Exercises of notebook 11, Classifier-free guidance."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore import exact, guidance, mixtures, samplers, sigmas
from toycore.check import Verdicts, call, close, exercise
from toycore.types import Label


def _mixed(weight: Callable[[float], float]) -> Callable[..., Tensor]:
    """Guidance in one call, with another weight in place of s."""
    return lambda D, x, sigma, label, s: guidance.free(D, weight(s))(x, sigma, label)


@exercise(
    answer=lambda D, x, sigma, label, s: guidance.free(D, s)(x, sigma, label),
    mistakes={
        "without its label": _mixed(lambda s: 1 - s),
        "Ho and Salimans": _mixed(lambda s: 1 + s),
        "stops at the conditional": _mixed(lambda s: min(s, 1.0)),
        "called 2 times": lambda D, x, sigma, label, s: guidance.guided(D, guidance.unlabelled(D), s)(x, sigma, label),
        "forgot the difference": lambda D, x, sigma, label, s: s * guidance.free(D, 1.0)(x, sigma, label),
    },
)
def guided(attempt: Callable[..., Tensor]) -> Verdicts:
    """Write guided(D, x, sigma, label, s): classifier-free guidance with ONE call of D on a batch of twice the size.

    x is [b, 2], sigma a number, label an integer tensor [b]; -1 in a label means "no label".
    """
    mixture, calls = mixtures.spiral(60, classes=3), []
    exact_D = exact.posterior_mean(mixture)

    def D(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        calls.append(len(x))
        return exact_D(x, sigma, label)

    x = torch.randn(6, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    label, sigma = torch.tensor([0, 1, 2, 2, 1, 0]), 0.3
    weak, strong = exact_D(x, sigma), exact_D(x, sigma, label)
    at_0, at_1, at_3 = (call(attempt, D, x, sigma, label, s) for s in (0.0, 1.0, 3.0))
    yield at_0.shape == x.shape, f"the answer must have the shape of x, {list(x.shape)}; yours has {list(at_0.shape)}"
    yield not close(at_0, 0 * x), "s = 0 must give the unconditional answer, not 0: have you forgot the difference?"
    yield (
        not (close(at_0, strong) and close(at_1, weak)),
        "at s = 0 the answer must be the one without its label; which of the two did you start from?",
    )
    yield (
        not close(at_0, strong),
        "s = 0 gives the conditional answer: that is the convention of Ho and Salimans, w = s - 1; ours starts lower",
    )
    yield close(at_0, weak), "at s = 0 the answer must be D without label; it is not"
    yield close(at_1, strong), "at s = 1 the answer must be D with its label; it is not"
    yield not close(at_3, strong), "your scale stops at the conditional answer; is guidance an interpolation?"
    yield close(at_3, weak + 3 * (strong - weak)), "at s = 3 the answer is three differences away from the weak one"
    yield len(calls) == 3, f"right, but D was called {len(calls) // 3} times; put both questions into one batch"
    yield calls[0] == 12, f"one call of 12 rows is asked for; yours had {calls[0]}: which rows are missing?"


def _ode_variance(v: float, u: float, s: float) -> float:
    return u * (v / u) ** s


@exercise(
    answer=_ode_variance,
    mistakes={
        "tilted": lambda v, u, s: 1 / ((1 - s) / u + s / v),
        "the wrong way round": lambda v, u, s: v * (u / v) ** s,
        "standard deviation": lambda v, u, s: (u * (v / u) ** s) ** 0.5,
        "straight line": lambda v, u, s: u + s * (v - u),
    },
)
def ode_variance(attempt: Callable[[float, float, float], float]) -> Verdicts:
    """All points ~ N(0, u), those of the class ~ N(0, v). Give the variance of what the guided flow ODE draws at
    scale s, as a formula in v, u and s.
    """
    at_0, at_1, at_3 = (float(call(attempt, 1.0, 2.0, s)) for s in (0.0, 1.0, 3.0))
    yield (
        not (close(at_0, 1.0) and close(at_1, 2.0)),
        "s = 0 must give u and s = 1 must give v: yours goes the wrong way round",
    )
    yield not close(at_0, 2**0.5), "s = 0 must give the variance u; did you give a standard deviation?"
    yield close(at_0, 2.0) and close(at_1, 1.0), f"s = 0 must give u = 2 and s = 1 v = 1; yours: {at_0:.3g}, {at_1:.3g}"
    yield (
        at_3 > 0,
        "a straight line in s becomes negative at s = 3; log x is what moves on a straight line here: see the ODE",
    )
    yield (
        not close(at_3, 0.5),
        "this is the variance of the tilted law p(x) p(c|x)^s; the ODE does not draw from it: integrate it",
    )
    measured = _measured_variance(0.5, 3.0, 2.0)
    yield (
        close(call(attempt, 0.5, 3.0, 2.0), measured, 0.05),
        f"walked by Heun's method, v = 0.5, u = 3, s = 2 gives {measured:.3f}; your formula gives something else",
    )


def _measured_variance(v: float, u: float, s: float) -> float:
    strong, weak = (exact.posterior_mean(mixtures.GaussianMixture(torch.zeros(1, 1), w**0.5)) for w in (v, u))
    x = torch.full((1, 1), 100.0)
    walk = samplers.heun(guidance.guided(strong, weak, s), x, sigmas.karras(60, 0.002, 100))
    return float(samplers.final(walk)) ** 2


def _choose(scales: list[float], precision: list[float], recall: list[float], floor: float) -> float:
    return max((p, s) for s, p, r in zip(scales, precision, recall, strict=True) if r >= floor)[1]


@exercise(
    answer=_choose,
    mistakes={
        "recall of that scale": lambda s, p, r, floor: s[p.index(max(p))],
        "position": lambda s, p, r, floor: s.index(_choose(s, p, r, floor)),
        "least guided": lambda s, p, r, floor: s[r.index(max(r))],
        "largest scale": lambda s, p, r, floor: max(a for a, b in zip(s, r, strict=True) if b >= floor),
    },
)
def choose(attempt: Callable[..., float]) -> Verdicts:
    """Write choose(scales, precision, recall, floor): the scale with the best precision among those whose recall is
    at least floor. The three are lists of equal length.
    """
    scales, precision, recall = [1.5, 2.5, 3.5, 5.0, 8.0], [0.80, 0.93, 0.90, 0.97, 0.99], [0.98, 0.95, 0.91, 0.7, 0.4]
    picked = call(attempt, scales, precision, recall, 0.9)
    yield picked != 8.0, "the best precision of all is at s = 8, but look at the recall of that scale: 0.4"
    yield picked in scales, "a scale is asked for, not its position in the list"
    yield picked != 1.5, "you chose the best recall, the least guided; recall only has to reach the floor"
    yield picked != 3.5, "not the largest scale that is allowed: which of the allowed ones is the most precise?"
    yield picked == 2.5, f"with a floor of 0.9 the answer is another scale than {picked}"
    low = call(attempt, scales, precision, recall, 0.0)
    yield low == 8.0, f"without a floor (floor = 0) the most precise scale wins; yours is {low}"
