"""Exercises of notebook 02, The score, exactly."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from toycore import data, exact, fields
from toycore.check import Verdicts, call, close, exercise


def _weights(x: Tensor, points: Tensor, sigma: float) -> Tensor:
    return exact.responsibilities(points, x[None], sigma)[0]


@exercise(
    answer=_weights,
    mistakes={
        "sum to 1": lambda x, points, sigma: (-((points - x) ** 2).sum(1) / (2 * sigma**2)).exp(),
        "prefers the points far away": lambda x, points, sigma: (((points - x) ** 2).sum(1) / (2 * sigma**2)).softmax(
            0
        ),
        "halves": lambda x, points, sigma: (-((points - x) ** 2).sum(1) / sigma**2).softmax(0),
        "squared distance": lambda x, points, sigma: (-(points - x).norm(dim=1) / (2 * sigma**2)).softmax(0),
        "do not depend on sigma": lambda x, points, sigma: (-((points - x) ** 2).sum(1) / 2).softmax(0),
    },
)
def weights(attempt: Callable[[Tensor, Tensor, float], Tensor]) -> Verdicts:
    """Write weights(x, points, sigma): how probable is each of the data points [n, 2] as the origin of the noisy point
    x [2]?
    """
    x, points = torch.tensor([0.3, 0.2]), data.spiral(50).x
    r = torch.as_tensor(call(attempt, x, points, 0.3))
    near = int(((points - x) ** 2).sum(1).argmin())
    yield r.shape == (50,), f"50 points need 50 weights, [50]; you return {list(r.shape)}"
    yield close(r.sum(), 1.0), "they are probabilities, so they must sum to 1: divide by what?"
    yield (
        not close(r, call(attempt, x, points, 1.0)),
        "your weights do not depend on sigma: how far does noise of level sigma reach?",
    )
    yield (
        int(r.argmax()) == near,
        "your answer prefers the points far away: which sign does the squared distance carry?",
    )
    ratio = (r[near] / r[0]).log() / (_weights(x, points, 0.3)[near] / _weights(x, points, 0.3)[0]).log()
    yield (
        not close(ratio, 2.0, 0.01),
        "log weights twice too large: a Gaussian halves the squared distance over sigma^2",
    )
    yield (
        close(r, _weights(x, points, 0.3)),
        "a Gaussian's exponent is the squared distance over 2 sigma^2; yours is not",
    )
    yield close(call(attempt, x, points, 0.05), _weights(x, points, 0.05)), "right at sigma = 0.3, wrong at 0.05"


def _score(x: Tensor, points: Tensor, sigma: float) -> Tensor:
    return fields.score(exact.posterior_mean(points), x, sigma)


@exercise(
    answer=_score,
    mistakes={
        "downhill": lambda x, points, sigma: -_score(x, points, sigma),
        "noise prediction": lambda x, points, sigma: sigma * _score(x, points, sigma),
        "length of the step": lambda x, points, sigma: sigma**2 * _score(x, points, sigma),
        "nearest point": lambda x, points, sigma: (points[torch.cdist(x, points).argmin(1)] - x) / sigma**2,
        "mean of all": lambda x, points, sigma: (points.mean(0) - x) / sigma**2,
    },
)
def score(attempt: Callable[[Tensor, Tensor, float], Tensor]) -> Verdicts:
    """Write score(x, points, sigma): the gradient of log p_sigma at x [b, 2], for data points [n, 2]. The weights of
    exercise 1, or toycore's, may be used.
    """
    x, points = torch.tensor([[0.3, 0.2], [-0.5, 0.6], [1.0, -1.0]]), data.spiral(50).x
    s, right = torch.as_tensor(call(attempt, x, points, 0.3)), _score(x, points, 0.3)
    yield s.shape == x.shape, f"a score is one arrow per point, [3, 2]; you return {list(s.shape)}"
    yield not close(s, -right), "your arrows run downhill, away from the data: which end of the arrow is x?"
    yield (
        not close(s, 0.3 * right),
        "you are a factor sigma short: this is minus the noise prediction; what is the score?",
    )
    yield not close(s, 0.09 * right), "that is x0_hat - x, the length of the step; the score divides it by what?"
    nearest = points[torch.cdist(x, points).argmin(1)]
    yield not close(s, (nearest - x) / 0.09), "you aim at the nearest point; at sigma = 0.3 others have their say too"
    yield not close(s, (points.mean(0) - x) / 0.09), "you aim at the mean of all points; near points must weigh more"
    yield close(s, right, 1e-4), "the arrows differ from the gradient of log p: compare with (x0_hat - x) / sigma^2"


@exercise(
    answer=lambda f, x: torch.func.grad(lambda x: f(x).log().sum())(x),
    mistakes={
        "the gradient of f": lambda f, x: torch.func.grad(lambda x: f(x).sum())(x),
        "same score": lambda f, x: torch.func.grad(lambda x: f(x).log().sum())(x) / f(x)[:, None],
        "downhill": lambda f, x: -torch.func.grad(lambda x: f(x).log().sum())(x),
    },
)
def unnormalised(attempt: Callable[[Callable[[Tensor], Tensor], Tensor], Tensor]) -> Verdicts:
    """Write unnormalised(f, x): the score at x [b, 2] of the density f(x) / Z, where nobody knows Z. f maps [b, 2] to
    [b]; torch.func.grad may help.
    """
    x = torch.tensor([[0.3, 0.2], [-0.5, 0.6], [1.0, -1.0]], dtype=torch.float64)

    def bell(x: Tensor) -> Tensor:
        return (-(x**2).sum(1) / 2).exp()

    s = torch.as_tensor(call(attempt, bell, x)).detach()
    yield not close(s, x), "for a bell around 0 your arrows run downhill, outwards: check the sign"
    yield (
        not close(s, -x * bell(x)[:, None]),
        "that is the gradient of f, which grows with f; the score is that of log f",
    )
    tall = torch.as_tensor(call(attempt, lambda x: 7 * bell(x), x)).detach()
    yield (
        close(s, tall),
        "7 f has the same score as f, since log 7 is a constant; yours changes: did you divide by f twice?",
    )
    yield close(s, -x), "for the bell exp(-|x|^2/2) the score is -x; yours is not"


GAP, TURN = 4 / 17, 0.087  # of the spiral below: between its arms, and where its field turns (tests/test_exercises.py)


@exercise(
    answer=0.36 * GAP,
    mistakes={
        "a noise level, not a distance": GAP,
        "the spacing of the arms has changed": 0.142,
        "one number": "small",
        "far too": 1.5,
    },
)
def threshold(attempt: Any) -> Verdicts:
    """Predict the level sigma at which the field of a tighter spiral, theta (cos, sin) / (8.5 pi), turns from the mean
    to the arms; within 25 %.
    """
    yield isinstance(attempt, (int, float)), f"one number is needed, a noise level; you gave {attempt!r}"
    yield abs(attempt - GAP) > 0.01, "that is the gap between the arms; what is asked is a noise level, not a distance"
    yield abs(attempt - 0.142) > 0.012, "that holds for the first spiral; the spacing of the arms has changed: to what?"
    yield attempt < GAP, "far too large: noise as wide as the gap has long mixed the arms"
    yield (
        abs(attempt - TURN) <= 0.25 * TURN,
        "more than 25 % off: which share of the gap was the level on the first spiral?",
    )
