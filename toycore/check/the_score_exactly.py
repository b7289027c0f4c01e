"""Exercises of notebook 02, The score, exactly."""

import torch
from torch import Tensor

from toycore import data
from toycore.check import Exercise, Refused, Verdicts, close

X = torch.tensor([[0.3, 0.2], [-0.5, 0.6], [1.0, -1.0]], dtype=torch.float64)
POINTS, OTHERS = data.spiral(50).x.double(), data.spiral(20).x.flip(0).double()

def _not_weights(x: Tensor, points: Tensor, s: float) -> list[tuple[Tensor, str]]:
    d = (points - x).norm(dim=1)
    return [
        ((-(d**2) / (2 * s**2)).exp(), "they are probabilities, so they must sum to 1: divide by what?"),
        ((-(d**2) / 2).softmax(0), "your weights do not depend on sigma: how far does noise of level sigma reach?"),
        ((-(d**2) / (2 * s**2)).log_softmax(0), "a probability is not negative; yours are: are these logs?"),
        ((-((points - x) ** 2) / (2 * s**2)).softmax(0),
         "50 points need 50 weights, [50]; yours are [50, 2]: which axis counts the points?"),
        ((d**2 / (2 * s**2)).softmax(0), "your weights prefer points far away: which sign has the squared distance?"),
        ((-(d**2) / s**2).softmax(0), "a Gaussian halves the squared distance over sigma^2: which factor is missing?"),
        ((-d / (2 * s**2)).softmax(0), "the exponent holds a squared distance; is yours a plain one?"),
        ((-(d**2) / (2 * s)).softmax(0), "you divide by sigma where a variance belongs: which power is that?"),
        ((-(d**2) * s**2 / 2).softmax(0),
         "yours multiply by sigma^2; should a larger sigma make them more alike, or less?"),
        ((-(d**2) / (4 * s**2)).softmax(0), "the squared distance sums over the two coordinates; is yours a mean?"),
        ((-(d**2) / (2 * s**2)).exp().softmax(0), "softmax takes the exponential itself; did you take it twice?")]

def _far_away(weights) -> Verdicts:
    try:
        total = weights(torch.tensor([3.0, 0.0]).double(), POINTS, 0.01).sum()
    except Refused:
        total = torch.tensor(torch.nan)
    yield (close(total, 1.0),
           "at sigma = 0.01 every exp underflows to 0, and 0 / 0 is NaN: which function divides before that happens?")

weights = Exercise(
    "Write weights(x, points, sigma): how probable is each of the points [n, 2] as the origin of the noisy x [2]?",
    answer=lambda x, points, sigma: (-((points - x) ** 2).sum(1) / (2 * sigma**2)).softmax(0),
    more="The Gaussian of point i has the exponent -|x - x_i|^2 / (2 sigma^2); softmax over the points does the rest.",
    why="Bayes' rule, equal priors: each point's Gaussian at x over their sum. Softmax does it without underflow.",
    asks=[(X[0], POINTS, 0.3), (X[1], OTHERS, 0.1)],
    mistakes=_not_weights,
    properties=_far_away,
    caught=[
        (lambda x, points, s: (k := (-((points - x) ** 2).sum(1) / (2 * s**2)).exp()) / k.sum(), "underflows"),
        (lambda x, points, s: (-(points - x).norm(dim=1) / s).softmax(0), "fall with the distance"),
        (lambda x, points, s: (-((POINTS - X[0]) ** 2).sum(1) / 0.18).softmax(0), "these points")],
    otherwise="how does a Gaussian fall with the distance from x to a point? Yours falls otherwise",
    elsewhere="right for these points, wrong for 20 others: what in yours is fixed?")

def _score(x: Tensor, points: Tensor, sigma: float) -> Tensor:
    weights = (-(torch.cdist(x, points) ** 2) / (2 * sigma**2)).softmax(1)  # [b, n]
    x0_hat = weights @ points
    return (x0_hat - x) / sigma**2

def _not_scores(x: Tensor, points: Tensor, s: float) -> list[tuple[Tensor, str]]:
    right, distance = _score(x, points, s), torch.cdist(x, points)
    kernel, x0_hat = (-(distance**2) / (2 * s**2)).exp(), x + s**2 * right
    return [
        (-right, "your arrows run downhill, away from the data: which end of the arrow is x?"),
        (s * right, "you are a factor sigma short: this is minus the noise prediction; what is the score?"),
        (-s * right, "this is the noise prediction: which way does the score point, and what is it divided by?"),
        (s**2 * right, "that is x0_hat - x, the length of the step; the score divides it by what?"),
        (-(s**2) * right, "that is x - x0_hat: which way is uphill, and what divides the step?"),
        (x0_hat, "this is a place, x0_hat; a score is an arrow: from where?"),
        (x0_hat - x / s**2, "is there a bracket missing? sigma^2 divides the whole arrow"),
        (right / s, "sigma divides once too often: a step over which power of sigma?"),
        (right / 2, "half as long as they should be: is there a 2 from the Gaussian's exponent left?"),
        ((points[distance.argmin(1)] - x) / s**2,
         "you aim at the nearest point; at sigma = 0.3 others have their say too: how much?"),
        ((points.mean(0) - x) / s**2, "you aim at the mean of all points; near points must weigh more: how much?"),
        (right / right.norm(dim=1, keepdim=True), "your arrows have length 1; is log p equally steep everywhere?"),
        (right * kernel.mean(1, keepdim=True), "that is the gradient of p; the score is log p's: divide by what?"),
        ((kernel / kernel.sum(0) @ points - x) / s**2,
         "for each row of x the weights sum to 1 over the points; over which axis do yours?"),
        (right[0], "a score is one arrow per point, [3, 2]; yours is [2]: what is lost?")]

score = Exercise(
    "Write score(x, points, sigma): the gradient of log p_sigma at x [b, 2], for data points [n, 2]. The weights of"
    " exercise 1, or toycore's, may be used.",
    answer=_score,
    more="x0_hat is the points' mean with the weights of each row of x; the score is the way there over a variance.",
    why="Tweedie: score = (x0_hat - x) / sigma^2.",
    asks=[(X, POINTS, 0.3), (X, OTHERS, 0.5)],
    mistakes=_not_scores,
    caught=[(lambda x, points, sigma: _score(x, POINTS, 0.3), "for other points")],
    otherwise="a small step along your arrows is not the steepest way up log p: how do you weigh points?",
    elsewhere="right here, wrong for other points and sigma: what in yours is fixed?",
    tolerance=1e-4)

def _bell(x: Tensor) -> Tensor:
    return (-(x**2).sum(1) / 2).exp()

def _two_bells(x: Tensor) -> Tensor:
    return _bell(x - 1) + 3 * _bell(2 * x + 1)

def _unnormalised(f, x: Tensor) -> Tensor:
    return torch.func.grad(lambda x: f(x).log().sum())(x)

def _differences(f, x: Tensor, h: float = 1e-3) -> Tensor:
    return torch.stack([(f(x + step).log() - f(x).log()) / h for step in h * torch.eye(2, dtype=x.dtype)], 1)

def _of_a_bell(score) -> Verdicts:
    tall = score(lambda x: 7 * _bell(x), X)
    yield (close(score(_bell, X), tall),
           "7 f has the same score as f, since log 7 is a constant; yours changes: do you divide twice?")
    yield (not close(score(_bell, X), _differences(_bell, X), 1e-7),
           "right to two or three digits, as small differences are; which function of torch is exact?")

unnormalised = Exercise(
    "Write unnormalised(f, x): the score at x [b, 2] of the density f(x) / Z, where nobody knows Z. f maps [b, 2] to"
    " [b]; torch.func.grad may help.",
    answer=_unnormalised,
    more="torch.func.grad(g)(x) is the gradient of a g that gives one number: sum log f(x) over the rows.",
    why="log(f / Z) = log f - log Z, and a constant has no gradient; rows do not meet in the sum.",
    asks=[(_bell, X), (_two_bells, X)],
    mistakes=lambda f, x: [
        (-_unnormalised(f, x), "for a bell around 0 your arrows run downhill, outwards: which sign?"),
        (_unnormalised(f, x) * f(x)[:, None],
         "that is the gradient of f; the score is that of log f: how do they differ?"),
        (_unnormalised(f, x) / 3, "a third of what it should be: is there a mean over 3 rows where a sum belongs?"),
        (_unnormalised(f, x) * f(x)[:, None] / f(x).sum(),
         "your rows depend on each other: did you take the log of a sum?")],
    properties=_of_a_bell,
    caught=[
        (lambda f, x: _unnormalised(f, x) / f(x)[:, None], "same score"),
        (lambda f, x: -x, "for every f"),
        (lambda f, x: torch.func.grad(lambda x: f(x).log())(x), "which sum makes one"),
        (lambda f, x: torch.autograd.grad(f(x).log().sum(), x)[0], "its gradient, x.requires"),
        (lambda f, x: torch.autograd.grad(f(y := x.clone().requires_grad_()).log().sum(), y), "a [0] too few"),
        (_differences, "three digits")],
    otherwise="for the bell exp(-|x|^2/2), what is the gradient of the exponent? Yours differs",
    elsewhere="right for one bell, but not for every f: where do you ask f?",
    tolerance=1e-4)

GAP, TURN = 4 / 17, 0.087  # of the spiral below: between its arms, and where its field turns (tests/test_exercises.py)

FIRST = "which share of the gap was the level on the first spiral?"

threshold = Exercise(
    "Predict the level sigma at which the field of a tighter spiral, theta (cos, sin) / (8.5 pi), turns from the mean"
    " to the arms; within 25 %.",
    answer=0.36 * GAP,
    more="On the first spiral the arms are 0.4 apart and the field turns at 0.142. How far apart are they here, one"
         " turn of 2 pi on?",
    why="The turn scales with the gap between the arms: 0.142 / 0.4 of 2 pi / (8.5 pi).",
    properties=lambda sigma: [
        (sigma > 0, f"a noise level is more than 0; yours is {sigma:g}: how wide is a gap between the arms?"),
        (abs(sigma - GAP) > 0.01,
         "that is the gap between the arms; what is asked is a noise level, not a distance: which share of it?"),
        (abs(sigma - 0.142) > 0.012, "that holds for the first spiral; the spacing of the arms has changed: to what?"),
        (sigma < GAP, "far too large: noise as wide as the gap has long mixed the arms; how wide is the gap?"),
        (sigma >= 0.75 * TURN, f"too small, by more than 25 %: {FIRST}"),
        (sigma <= 1.25 * TURN, f"a bit too large, by more than 25 %: {FIRST}")],
    caught=[
        (GAP, "a noise level, not a distance"),
        (0.142, "the spacing of the arms has changed"),
        ("small", "numbers are needed"),
        (1.5, "far too large"),
        (-0.1, "more than 0"),
        (0.02, "too small"),
        (0.12, "a bit too large")])
