"""Exercises of notebook 11, Classifier-free guidance."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore import exact, guidance, mixtures, samplers, sigmas
from toycore.check import Verdicts, ask, ask_number, close, exercise, unlike
from toycore.types import Denoiser, Label


def _mixed(weight: Callable[[float], float]) -> Callable[..., Tensor]:
    """Guidance in one call, with another weight in place of s."""
    return lambda D, x, sigma, label, s: guidance.free(D, weight(s))(x, sigma, label)


_SPIRAL: Denoiser = exact.posterior_mean(mixtures.spiral(60, classes=3))


def _labels(blank: int) -> Callable[..., Tensor]:
    """Guidance in one call, with another number for "no label"."""

    def guided(D: Denoiser, x: Tensor, sigma: float, label: Tensor, s: float) -> Tensor:
        strong, weak = D(torch.cat([x, x]), sigma, torch.cat([label, 0 * label + blank])).chunk(2)
        return weak + s * (strong - weak)

    return guided


@exercise(
    answer=lambda D, x, sigma, label, s: guidance.free(D, s)(x, sigma, label),
    mistakes={
        "without its label": _mixed(lambda s: 1 - s),
        "Ho and Salimans' w": _mixed(lambda s: 1 + s),
        "stops at the conditional": _mixed(lambda s: min(s, 1.0)),
        "2 times": lambda D, x, sigma, label, s: guidance.guided(D, guidance.unlabelled(D), s)(x, sigma, label),
        "forgot the difference": lambda D, x, sigma, label, s: s * guidance.free(D, 1.0)(x, sigma, label),
        "class 0": _labels(0),
        "whole stack": lambda D, x, sigma, label, s: D(torch.cat([x, x]), sigma, torch.cat([label, 0 * label - 1])),
        "counts the weak answer twice": lambda D, x, sigma, label, s: (
            guidance.free(D, 0.0)(x, sigma, label) + s * guidance.free(D, 1.0)(x, sigma, label)
        ),
        "predicted noise": lambda D, x, sigma, label, s: (x - guidance.free(D, s)(x, sigma, label)) / sigma,
        "s itself": _mixed(lambda s: s**2),
        "D that you were given": lambda D, x, sigma, label, s: guidance.free(_SPIRAL, s)(x, sigma, label),
        "too many": lambda D, x, sigma, label, s: guidance.free(D, s)(x.repeat(2, 1), sigma, label.repeat(2))[: len(x)],
    },
)
def guided(attempt: Callable[..., Tensor]) -> Verdicts:
    """Write guided(D, x, sigma, label, s): classifier-free guidance with ONE call of D on a batch of twice the size.

    x is [b, 2], sigma a number, label an integer tensor [b]; -1 in a label means "no label".
    """
    calls: list[int] = []

    def D(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        """Not quite the exact denoiser, so that it cannot be had elsewhere."""
        calls.append(len(x))
        return 0.9 * _SPIRAL(x, sigma, label)

    x = torch.randn(6, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    label, sigma = torch.tensor([0, 1, 2, 2, 1, 0]), 0.3
    at_0, at_1, at_3 = (ask(attempt, D, x, sigma, label, s) for s in (0.0, 1.0, 3.0))
    weak, strong = 0.9 * _SPIRAL(x, sigma), 0.9 * _SPIRAL(x, sigma, label)
    yield at_0.shape != (12, 2), "yours is the whole stack of 12 rows; which half is which, and how do they combine?"
    yield (
        at_0.shape == x.shape,
        f"the answer must have the shape of x, {list(x.shape)}; yours has {list(at_0.shape)}: what is lost?",
    )
    elsewhere = not close(at_1, _SPIRAL(x, sigma, label))
    yield elsewhere, "these are the exact field's answers; did you ask the D that you were given?"
    yield from _scales(at_0, at_1, at_3, weak, strong, (x - weak) / sigma)
    n = f"right, but D was called {len(calls) / 3:.3g} times; how do both questions fit into one batch?"
    yield len(calls) == 3, n
    yield (
        calls[0] == 12,
        f"one call of 12 rows is asked for; yours had {calls[0]}: which rows are too many, or missing?",
    )


def _scales(at_0: Tensor, at_1: Tensor, at_3: Tensor, weak: Tensor, strong: Tensor, eps: Tensor) -> Verdicts:
    """Judge the answers at s = 0, 1 and 3."""
    swapped = close(at_0, strong) and close(at_1, weak)
    yield not swapped, "at s = 0 the answer must be the one without its label; which of the two did you start from?"
    yield from unlike(at_0, {
        "s = 0 must give the unconditional answer, not 0: have you forgot the difference?": 0 * weak,
        "s = 0 gives the conditional answer, as Ho and Salimans' w = s - 1 does; where does ours start?": strong,
        "that is the predicted noise; which part of it is asked for, x0_hat?": eps,
    })  # fmt: skip
    yield close(at_0, weak) or not close(at_1, strong), "0 is class 0; which number stands for no label?"
    yield close(at_0, weak), "at s = 0 the answer must be D without label; what does yours ask?"
    yield (
        not close(at_1, weak + strong),
        "yours counts the weak answer twice; what is the difference of the two at s = 1?",
    )
    yield close(at_1, strong), "at s = 1 the answer must be D with its label; what does yours ask?"
    yield not close(at_3, strong), "your scale stops at the conditional answer; is guidance an interpolation?"
    yield (
        close(at_3, weak + 3 * (strong - weak)),
        "at s = 3, how many differences away from the weak one? Is it s itself?",
    )


def _ode_variance(v: float, u: float, s: float) -> float:
    return u * (v / u) ** s


VARIANCES = {  # what students give for the variance, by what to ask them
    "s = 0 must give u and s = 1 must give v: is yours the wrong way round?": lambda v, u, s: v * (u / v) ** s,
    "that is a standard deviation; which is its variance?": lambda v, u, s: _ode_variance(v, u, s) ** 0.5,
    "this is the variance of the tilted law p(x) p(c|x)^s; does the ODE draw from it? Integrate it": lambda v, u, s: (
        1 / ((1 - s) / u + s / v)
    ),
    "a straight line in s becomes negative; what moves on a straight line here, x or log x?": lambda v, u, s: (
        u + s * (v - u)
    ),
    "the widths lie on a straight line in yours; what does, x or log x? See the ODE": lambda v, u, s: (
        (u**0.5 + s * (v**0.5 - u**0.5)) ** 2
    ),
    "yours is the variance of the class, whatever s; what does guidance do?": lambda v, u, s: v,
    "yours is v to the power s; what is left of u at s = 0?": lambda v, u, s: v**s,
    "the law moves twice as fast as s in yours; do widths or variances multiply?": lambda v, u, s: (
        u * (v / u) ** (2 * s)
    ),
    "the law moves half as fast as s in yours; do widths or variances multiply?": lambda v, u, s: (
        u * (v / u) ** (s / 2)
    ),
    "s = 0 gives v: that is the convention w = s - 1; where does ours start?": lambda v, u, s: u * (v / u) ** (1 + s),
}


@exercise(
    answer=_ode_variance,
    mistakes={
        **VARIANCES,
        "s = 0 must give u =": lambda v, u, s: 1 / (1 / u + s / v),
        "walked by Heun": lambda v, u, s: u + (v - u) * (1 - 0.5**s) * 2,
        "other numbers": lambda v, u, s: _ode_variance(0.5, 3.0, s) if s == 1.5 else _ode_variance(1.0, 2.0, s),
    },
)
def ode_variance(attempt: Callable[[float, float, float], float]) -> Verdicts:
    """All points ~ N(0, u), those of the class ~ N(0, v). Give the variance of what the guided flow ODE draws at
    scale s, as a formula in v, u and s.
    """
    said = ask_number(attempt, 0.5, 3.0, 1.5)
    yield from unlike(said, {message: wrong(0.5, 3.0, 1.5) for message, wrong in VARIANCES.items()})
    at_0, at_1 = (ask_number(attempt, 1.0, 2.0, s) for s in (0.0, 1.0))
    ends = close(at_0, 2.0) and close(at_1, 1.0)
    yield ends, f"s = 0 must give u = 2 and s = 1 v = 1; yours: {at_0:.3g}, {at_1:.3g}: which power of v / u?"
    measured = _measured_variance(0.5, 3.0, 1.5)
    told = f"walked by Heun's method, v = 0.5, u = 3, s = 1.5 gives {measured:.4f}, yours {said:.4f}: what is d log x?"
    yield abs(said / measured - 1) < 0.03, told
    for v, u, s in (0.5, 3.0, 1.5), (1.0, 2.0, 3.0), (2.0, 1.5, 0.5), (0.3, 0.9, 2.0):
        near = abs(ask_number(attempt, v, u, s) / _ode_variance(v, u, s) - 1) < 1e-3
        yield (
            near,
            f"right where it was measured, wrong for other numbers, v = {v}, u = {u}, s = {s}: do all stand in yours?",
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
        "one number is needed": lambda s, p, r, floor: [a for a, b in zip(s, r, strict=True) if b >= floor],
        "exactly at the floor": lambda s, p, r, floor: _choose(s, p, [b - 1e-9 for b in r], floor),
        "precision itself": lambda s, p, r, floor: max(a for a, b in zip(p, r, strict=True) if b >= floor),
        "what else do you weigh": lambda s, p, r, floor: max(
            (b, a) for a, b, c in zip(s, r, p, strict=True) if c >= floor
        )[1],
        "in a shorter one": lambda s, p, r, floor: s[
            (q := [a for a, b in zip(p, r, strict=True) if b >= floor]).index(max(q))
        ],
        "with other lists": lambda s, p, r, floor: {0.9: 2.5, 0.0: 8.0}.get(floor, 2.5),
    },
)
def choose(attempt: Callable[..., float]) -> Verdicts:
    """Write choose(scales, precision, recall, floor): the scale with the best precision among those whose recall is
    at least floor. The three are lists of equal length.
    """
    scales, precision, recall = [1.5, 2.5, 3.5, 5.0, 8.0], [0.80, 0.93, 0.90, 0.97, 0.99], [0.98, 0.95, 0.91, 0.7, 0.4]
    picked = ask_number(attempt, scales, precision, recall, 0.9)
    yield picked != 8.0, "the best precision of all is at s = 8, but look at the recall of that scale: is 0.4 enough?"
    yield picked not in precision, "that is the precision itself; which scale has it?"
    yield picked in scales, "a scale is asked for; did you give its position in the list?"
    yield (
        picked != 1.5,
        "you chose the best recall, the least guided; recall only has to reach the floor: what then counts?",
    )
    yield picked != 3.5, "not the largest scale that is allowed: which of the allowed ones is the most precise?"
    yield picked == 2.5, f"with a floor of 0.9 the answer is another scale than {picked:g}: which ones are allowed?"
    low = ask_number(attempt, scales, precision, recall, 0.0)
    yield (
        low == 8.0,
        f"without a floor (floor = 0) the most precise scale wins, yours is {low:g}: what else do you weigh?",
    )
    yield from _with_other_lists(attempt)


def _with_other_lists(attempt: Callable[..., float]) -> Verdicts:
    scales, precision, recall = [1.0, 2.0, 3.0, 4.0], [0.5, 0.6, 0.9, 0.8], [0.6, 0.95, 0.7, 0.8]
    edge = ask_number(attempt, scales, precision, recall, 0.7)
    yield edge != 4.0, "a scale whose recall lies exactly at the floor is allowed, too: is it in yours?"
    yield edge != 2.0, "you leave some out; do you then count in the whole list, or in a shorter one?"
    high = ask_number(attempt, scales, precision, recall, 0.75)
    yield (
        edge == 3.0 and high == 4.0,
        "right in one list, wrong with other lists: is a number of the first one fixed in yours?",
    )
