"""Exercises of notebook 02, The score, exactly."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from toycore import data, exact, fields
from toycore.check import Verdicts, ask, close, exercise, number, unlike


def _weights(x: Tensor, points: Tensor, sigma: float) -> Tensor:
    return exact.responsibilities(points, x[None], sigma)[0]


def _soft(power: Callable[[Tensor, float], Tensor]) -> Callable[[Tensor, Tensor, float], Tensor]:
    """Weights by another exponent than -d^2 / (2 sigma^2)."""
    return lambda x, points, sigma: power((points - x).norm(dim=1), sigma).softmax(0)


WEIGHTS = {  # what students take for the weights, by what to ask them
    "your weights prefer the points far away: which sign does the squared distance carry?": _soft(
        lambda d, s: d**2 / (2 * s**2)
    ),
    "a Gaussian halves the squared distance over sigma^2: which factor is missing?": _soft(lambda d, s: -(d**2) / s**2),
    "the exponent holds a squared distance; is yours a plain one?": _soft(lambda d, s: -d / (2 * s**2)),
    "you divide by sigma where a variance belongs: which power is that?": _soft(lambda d, s: -(d**2) / (2 * s)),
    "should a larger sigma make the weights more alike, or less? Yours multiply by sigma^2": _soft(
        lambda d, s: -(d**2) * s**2 / 2
    ),
    "the squared distance is a sum over the two coordinates; is yours a mean?": _soft(
        lambda d, s: -(d**2) / (4 * s**2)
    ),
    "softmax takes the exponential itself; did you take it twice?": _soft(lambda d, s: (-(d**2) / (2 * s**2)).exp()),
}


@exercise(
    answer=_weights,
    mistakes={
        "sum to 1": lambda x, points, sigma: (-((points - x) ** 2).sum(1) / (2 * sigma**2)).exp(),
        "do not depend on sigma": lambda x, points, sigma: (-((points - x) ** 2).sum(1) / 2).softmax(0),
        "are these logs": lambda x, points, sigma: _weights(x, points, sigma).log(),
        "50 points need 50 weights": lambda x, points, sigma: (-((points - x) ** 2) / (2 * sigma**2)).softmax(0),
        **WEIGHTS,
        "fall with the distance": _soft(lambda d, s: -d / s),
        "these points": lambda x, points, sigma: _weights(torch.tensor([0.3, 0.2]), data.spiral(50).x, sigma),
    },
)
def weights(attempt: Callable[[Tensor, Tensor, float], Tensor]) -> Verdicts:
    """Write weights(x, points, sigma): how probable is each of the data points [n, 2] as the origin of the noisy point
    x [2]?
    """
    x, points = torch.tensor([0.3, 0.2]), data.spiral(50).x
    r = ask(attempt, x, points, 0.3)
    yield r.shape == (50,), f"50 points need 50 weights, [50]; yours are {list(r.shape)}: which axis counts the points?"
    yield r.min() >= 0, "a probability is not negative; yours are: are these logs?"
    yield close(r.sum(), 1.0), "they are probabilities, so they must sum to 1: divide by what?"
    other = ask(attempt, x, points, 1.0)
    yield not close(r, other), "your weights do not depend on sigma: how far does noise of level sigma reach?"
    yield from unlike(r, {message: wrong(x, points, 0.3) for message, wrong in WEIGHTS.items()})
    yield (
        close(r, _weights(x, points, 0.3)),
        "how does a Gaussian fall with the distance from x to a point? Yours falls otherwise",
    )
    x, points, sigma = torch.tensor([-0.6, 0.1]), data.spiral(20).x.flip(0), 0.1
    yield (
        close(ask(attempt, x, points, sigma), _weights(x, points, sigma)),
        "right for these points, wrong for 20 others: what in yours is fixed?",
    )


def _score(x: Tensor, points: Tensor, sigma: float) -> Tensor:
    return fields.score(exact.posterior_mean(points), x, sigma)


def _aims(x: Tensor, points: Tensor, s: float) -> dict[str, Tensor]:
    """What students take for the score, by what to ask them."""
    right, square = _score(x, points, s), torch.cdist(x, points) ** 2
    x0_hat = x + s**2 * right
    across = (-square / (2 * s**2)).softmax(0) @ points
    return {
        "your arrows run downhill, away from the data: which end of the arrow is x?": -right,
        "you are a factor sigma short: this is minus the noise prediction; what is the score?": s * right,
        "this is the noise prediction: which way does the score point, and what is it divided by?": -s * right,
        "that is x0_hat - x, the length of the step; the score divides it by what?": s**2 * right,
        "that is x - x0_hat: which way is uphill, and what divides the step?": -(s**2) * right,
        "this is a place, x0_hat; a score is an arrow: from where?": x0_hat,
        "is there a bracket missing? sigma^2 divides the whole arrow": x0_hat - x / s**2,
        "sigma divides once too often: a step over which power of sigma?": right / s,
        "half as long as they should be: is there a 2 from the Gaussian's exponent left?": right / 2,
        "you aim at the nearest point; at sigma = 0.3 others have their say too: how much?": (
            points[square.argmin(1)] - x
        )
        / s**2,
        "you aim at the mean of all points; near points must weigh more: how much?": (points.mean(0) - x) / s**2,
        "your arrows have length 1; is the slope of log p the same everywhere?": right
        / right.norm(dim=1, keepdim=True),
        "that is the gradient of p; the score is that of log p: what do you divide by?": right
        * (-square / (2 * s**2)).exp().mean(1, keepdim=True),
        "for each row of x the weights sum to 1 over the points; over which axis do yours?": (across - x) / s**2,
    }


@exercise(
    answer=_score,
    mistakes={
        "downhill": lambda x, points, sigma: -_score(x, points, sigma),
        "factor sigma short": lambda x, points, sigma: sigma * _score(x, points, sigma),
        "which way does the score point": lambda x, points, sigma: -sigma * _score(x, points, sigma),
        "length of the step": lambda x, points, sigma: sigma**2 * _score(x, points, sigma),
        "a place, x0_hat": lambda x, points, sigma: exact.posterior_mean(points)(x, sigma),
        "nearest point": lambda x, points, sigma: (points[torch.cdist(x, points).argmin(1)] - x) / sigma**2,
        "mean of all": lambda x, points, sigma: (points.mean(0) - x) / sigma**2,
        "over which axis": lambda x, points, sigma: (
            ((-(torch.cdist(x, points) ** 2) / (2 * sigma**2)).softmax(0) @ points - x) / sigma**2
        ),
        "one arrow per point": lambda x, points, sigma: _score(x, points, sigma)[0],
        "for other points": lambda x, points, sigma: _score(x, data.spiral(50).x, 0.3),
    },
)
def score(attempt: Callable[[Tensor, Tensor, float], Tensor]) -> Verdicts:
    """Write score(x, points, sigma): the gradient of log p_sigma at x [b, 2], for data points [n, 2]. The weights of
    exercise 1, or toycore's, may be used.
    """
    x, points = torch.tensor([[0.3, 0.2], [-0.5, 0.6], [1.0, -1.0]]), data.spiral(50).x
    s, right = ask(attempt, x, points, 0.3), _score(x, points, 0.3)
    yield s.shape == x.shape, f"a score is one arrow per point, [3, 2]; yours is {list(s.shape)}: what is lost?"
    yield from unlike(s, _aims(x, points, 0.3))
    yield (
        close(s, right, 1e-4),
        "a small step along your arrows is not the steepest way up log p: how do you weigh points?",
    )
    points = data.spiral(20).x.flip(0)
    yield (
        close(ask(attempt, x, points, 0.5), _score(x, points, 0.5), 1e-4),
        "right here, wrong for other points and sigma: what in yours is fixed?",
    )


def _bell(x: Tensor) -> Tensor:
    return (-(x**2).sum(1) / 2).exp()


def _two_bells(x: Tensor) -> Tensor:
    return _bell(x - 1) + 3 * _bell(2 * x + 1)


@exercise(
    answer=lambda f, x: torch.func.grad(lambda x: f(x).log().sum())(x),
    mistakes={
        "the gradient of f": lambda f, x: torch.func.grad(lambda x: f(x).sum())(x),
        "same score": lambda f, x: torch.func.grad(lambda x: f(x).log().sum())(x) / f(x)[:, None],
        "downhill": lambda f, x: -torch.func.grad(lambda x: f(x).log().sum())(x),
        "a third": lambda f, x: torch.func.grad(lambda x: f(x).log().mean())(x),
        "know of each other": lambda f, x: torch.func.grad(lambda x: f(x).sum().log())(x),
        "for every f": lambda f, x: -x,
        "which sum makes one": lambda f, x: torch.func.grad(lambda x: f(x).log())(x),
        "its gradient, x.requires": lambda f, x: torch.autograd.grad(f(x).log().sum(), x)[0],
        "a [0] too few": lambda f, x: torch.autograd.grad(f(y := x.clone().requires_grad_()).log().sum(), y),
        "three digits": lambda f, x: torch.stack(
            [(f(x + step).log() - f(x).log()) / 1e-3 for step in 1e-3 * torch.eye(2, dtype=x.dtype)], 1
        ),
    },
)
def unnormalised(attempt: Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]) -> Verdicts:
    """Write unnormalised(f, x): the score at x [b, 2] of the density f(x) / Z, where nobody knows Z. f maps [b, 2] to
    [b]; torch.func.grad may help.
    """
    x = torch.tensor([[0.3, 0.2], [-0.5, 0.6], [1.0, -1.0]], dtype=torch.float64)
    s = ask(attempt, _bell, x, shape=x.shape)
    yield from unlike(s, {
        "for a bell around 0 your arrows run downhill, outwards: which sign?": x,
        "that is the gradient of f; the score is that of log f: how do they differ?": -x * _bell(x)[:, None],
        "a third of what it should be: is there a mean over 3 rows where a sum belongs?": -x / 3,
        "your rows know of each other: did you take the log of a sum?": -x * (_bell(x) / _bell(x).sum())[:, None],
    })  # fmt: skip
    tall = ask(attempt, lambda x: 7 * _bell(x), x, shape=x.shape)
    yield close(s, tall), "7 f has the same score as f, since log 7 is a constant; yours changes: do you divide twice?"
    yield close(s, -x, 1e-2), "for the bell exp(-|x|^2/2), what is the gradient of the exponent? Yours differs"
    yield (
        close(s, -x, 1e-4),
        "right to two or three digits, as small differences are; which function of torch is exact?",
    )
    y = x.clone().requires_grad_()
    right = torch.autograd.grad(_two_bells(y).log().sum(), y)[0]
    yield (
        close(ask(attempt, _two_bells, x), right, 1e-4),
        "right for one bell, but not for every f: where do you ask f?",
    )


GAP, TURN = 4 / 17, 0.087  # of the spiral below: between its arms, and where its field turns (tests/test_exercises.py)


@exercise(
    answer=0.36 * GAP,
    mistakes={
        "a noise level, not a distance": GAP,
        "the spacing of the arms has changed": 0.142,
        "numbers are needed": "small",
        "far too large": 1.5,
        "more than 0": -0.1,
        "too small": 0.02,
        "a bit too large": 0.12,
    },
)
def threshold(attempt: Any) -> Verdicts:
    """Predict the level sigma at which the field of a tighter spiral, theta (cos, sin) / (8.5 pi), turns from the mean
    to the arms; within 25 %.
    """
    sigma = number(attempt)
    yield sigma > 0, f"a noise level is more than 0; yours is {sigma:g}: how wide is a gap between the arms?"
    yield (
        abs(sigma - GAP) > 0.01,
        "that is the gap between the arms; what is asked is a noise level, not a distance: which share of it?",
    )
    yield abs(sigma - 0.142) > 0.012, "that holds for the first spiral; the spacing of the arms has changed: to what?"
    yield sigma < GAP, "far too large: noise as wide as the gap has long mixed the arms; how wide is the gap?"
    yield (
        sigma >= 0.75 * TURN,
        "too small, by more than 25 %: which share of the gap was the level on the first spiral?",
    )
    yield sigma <= 1.25 * TURN, "a bit too large, by more than 25 %: which share of the gap was it on the first spiral?"
