"""Exercises of notebook 11, Classifier-free guidance."""

import torch
from torch import Tensor

from toycore import exact, guidance, mixtures
from toycore.check import Exercise, Verdicts, close, normal
from toycore.types import Denoiser, Label

SPIRAL: Denoiser = exact.posterior_mean(mixtures.spiral(60, classes=3))
X, LABEL, SIGMA = normal(6, 2), torch.tensor([0, 1, 2, 2, 1, 0]), 0.3

def _nearly(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
    """Not quite the exact denoiser, so that it cannot be had elsewhere."""
    return 0.9 * SPIRAL(x, sigma, label)

def _guided(D: Denoiser, x: Tensor, sigma: float, label: Tensor, s: float) -> Tensor:
    both = D(torch.cat([x, x]), sigma, torch.cat([label, torch.full_like(label, -1)]))
    strong, weak = both.chunk(2)
    return weak + s * (strong - weak)

def _not_guided(D: Denoiser, x: Tensor, sigma: float, label: Tensor, s: float) -> list[tuple[Tensor, str]]:
    weak, strong, right = D(x, sigma), D(x, sigma, label), _guided(D, x, sigma, label, s)
    return [
        (strong + s * (weak - strong),
         "at s = 0 the answer must be the one without its label; which of the two did you start from?"),
        (strong + s * (strong - weak),
         "s = 0 gives the conditional answer, as Ho and Salimans' w = s - 1 does; where does ours start?"),
        (weak + min(s, 1.0) * (strong - weak), "yours stops at the conditional answer; is guidance an interpolation?"),
        (s * strong, "s = 0 must give the unconditional answer, not 0: have you forgotten the difference?"),
        (D(x, sigma, 0 * label) + s * (strong - D(x, sigma, 0 * label)),
         "0 is class 0; which number stands for no label?"),
        (torch.cat([strong, weak]),
         "that is the whole stack of 12 rows; which half is which, and how do they combine?"),
        (weak + s * strong, "yours counts the weak answer twice; what is the difference of the two at s = 1?"),
        ((x - right) / sigma, "that is the predicted noise; which part of it is asked for, x0_hat?"),
        (weak + s**2 * (strong - weak), "at s = 3, how many differences away from the weak one? Is it s itself?"),
        (right / 0.9, "these are the exact field's answers; did you ask the D that you were given?")]

def _one_call(guided) -> Verdicts:
    calls: list[int] = []

    def D(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        calls.append(len(x))
        return _nearly(x, sigma, label)

    at_0, at_1, at_3 = (guided(D, X, SIGMA, LABEL, s) for s in (0.0, 1.0, 3.0))
    yield at_0.shape == X.shape, f"the answer must have the shape of x, [6, 2]; yours {list(at_0.shape)}: what is lost?"
    yield close(at_0, D(X, SIGMA)), "at s = 0 the answer must be D without label; what does yours ask?"
    yield close(at_1, D(X, SIGMA, LABEL)), "at s = 1 the answer must be D with its label; what does yours ask?"
    yield (close(at_3, _guided(D, X, SIGMA, LABEL, 3.0)),
           "right at s = 0 and 1; at s = 3, how many differences away from the weak answer should it be?")
    mine = len(calls) - 3  # without the three calls of this check
    yield mine == 3, f"right, but D was called {mine / 3:.3g} times; how do both questions fit into one batch?"
    yield (calls[0] == 12,
           f"one call of 12 rows is asked for; yours had {calls[0]}: which rows are too many, or missing?")

guided = Exercise(
    "Write guided(D, x, sigma, label, s): classifier-free guidance with ONE call of D on a batch of twice the size. x"
    ' is [b, 2], sigma a number, label an integer tensor [b]; -1 in a label means "no label".',
    answer=_guided,
    more="Stack x on x, and label on a column of -1 of the same length; call D; .chunk(2) gives both answers back.",
    why="The scale goes from the weak answer (s = 0) through the strong one (s = 1) and on.",
    asks=[(_nearly, X, SIGMA, LABEL, s) for s in (0.0, 1.0, 3.0)],
    mistakes=_not_guided,
    properties=_one_call,
    caught=[
        (lambda D, x, sigma, label, s: guidance.guided(D, guidance.unlabelled(D), s)(x, sigma, label), "2 times"),
        (lambda D, x, sigma, label, s: _guided(D, x.repeat(2, 1), sigma, label.repeat(2), s)[: len(x)], "too many"),
        (lambda D, x, sigma, label, s: _guided(D, x, sigma, label, s)[:5], "what is lost")])

def _both_ends(variance) -> Verdicts:
    at_0, at_1 = float(variance(1.0, 2.0, 0.0)), float(variance(1.0, 2.0, 1.0))
    yield (close(at_0, 2.0) and close(at_1, 1.0),
           f"s = 0 must give u = 2, and s = 1 v = 1; yours give {at_0:.3g} and {at_1:.3g}: which power of v / u?")

ode_variance = Exercise(
    "All points ~ N(0, u), those of the class ~ N(0, v). Give the variance of what the guided flow ODE draws at scale"
    " s, as a formula in v, u and s.",
    answer=lambda v, u, s: u * (v / u) ** s,
    more="For one Gaussian log x moves by half the log of the ratio of variances. Guidance adds these movements up,"
         " as weak + s (strong - weak).",
    why="log x moves (1 - s) times as for N(0, u) plus s times as for N(0, v), so variances multiply: u^(1-s) v^s.",
    asks=[(0.5, 3.0, 1.5), (1.0, 2.0, 3.0), (2.0, 1.5, 0.5), (0.3, 0.9, 2.0)],
    mistakes=lambda v, u, s: [
        (v * (u / v) ** s, "s = 0 must give u and s = 1 must give v: is yours the wrong way round?"),
        ((u * (v / u) ** s) ** 0.5, "that is a standard deviation; which is its variance?"),
        (1 / ((1 - s) / u + s / v),
         "this is the variance of the tilted law p(x) p(c|x)^s; does the ODE draw from it? Integrate it"),
        (u + s * (v - u), "a straight line in s becomes negative; what moves on a straight line here, x or log x?"),
        ((u**0.5 + s * (v**0.5 - u**0.5)) ** 2, "your widths lie on a straight line; what should, x or log x?"),
        (v, "yours is the variance of the class, whatever s; what does guidance do?"),
        (v**s, "yours is v to the power s; what is left of u at s = 0?"),
        (u * (v / u) ** (2 * s), "the law moves twice as fast as s in yours; do widths or variances multiply?"),
        (u * (v / u) ** (s / 2), "the law moves half as fast as s in yours; do widths or variances multiply?"),
        (u * (v / u) ** (1 + s), "s = 0 gives v: that is the convention w = s - 1; where does ours start?")],
    properties=_both_ends,
    caught=[
        (lambda v, u, s: 1 / (1 / u + s / v), "s = 0 must give u ="),
        (lambda v, u, s: u + (v - u) * (1 - 0.5**s) * 2, "walked in fine steps"),
        (lambda v, u, s: 3 * 6**-1.5 if s == 1.5 else 2 * 0.5**s, "wrong at v = 2, u = 1.5, s = 0.5")],
    otherwise="at {where} the ODE, walked in fine steps, ends with {right}, yours with {yours}: what is d log x?",
    elsewhere="right where it was measured, wrong at {where}: do v, u and s all stand in yours?",
    tolerance=1e-3)

def _choose(scales: list[float], precision: list[float], recall: list[float], floor: float) -> float:
    return max((p, s) for s, p, r in zip(scales, precision, recall) if r >= floor)[1]

def _argmax(values: list[float]) -> int:
    return values.index(max(values))

def _not_chosen(s: list[float], p: list[float], r: list[float], floor: float) -> list[tuple[object, str]]:
    right = _choose(s, p, r, floor)
    allowed = [(a, b, c) for a, b, c in zip(s, p, r) if c >= floor]
    above = [c - 1e-9 for c in r]
    return [
        (s[_argmax(p)], "the best precision of all is at s = 8, but look at the recall of that scale: is 0.4 enough?"),
        (s.index(right), "a scale is asked for; did you give its position in the list?"),
        (s[_argmax(r)],
         "you chose the best recall, the least guided; recall only has to reach the floor: what counts then?"),
        (max(allowed)[0], "not the largest scale that is allowed: which of the allowed ones is the most precise?"),
        (p[s.index(right)], "that is the precision itself; which scale has it?"),
        (_choose(s, p, above, floor),
         "a scale whose recall lies exactly at the floor is allowed, too: is it in yours?"),
        (max((c, a) for a, b, c in zip(s, p, r) if b >= floor)[1],
         "without a floor (floor = 0) the most precise scale wins, yours is 1.5: what else do you weigh?"),
        (max((b, a) for a, b in zip(s, [b for _, b, _ in allowed]))[1],
         "you leave some out; do you then count in the whole list, or in a shorter one?"),
        ([a for a, _, _ in allowed], "one number is needed here; you gave 3, all that are allowed: which one?")]

SCALES, PRECISION, RECALL = [1.5, 2.5, 3.5, 5.0, 8.0], [0.80, 0.93, 0.90, 0.97, 0.99], [0.98, 0.95, 0.91, 0.7, 0.4]
LISTS = [1.0, 2.0, 3.0, 4.0], [0.5, 0.6, 0.9, 0.8], [0.6, 0.95, 0.7, 0.8]

choose = Exercise(
    "Write choose(scales, precision, recall, floor): the scale with the best precision among those whose recall is at"
    " least floor. The three are lists of equal length.",
    answer=_choose,
    more="Walk through the three lists with zip, keep the pairs (precision, scale) whose recall is >= floor, take max.",
    why="The floor decides who may compete; precision decides who wins.",
    asks=[(SCALES, PRECISION, RECALL, 0.9), (SCALES, PRECISION, RECALL, 0.0), (*LISTS, 0.7), (*LISTS, 0.75)],
    mistakes=_not_chosen,
    caught=[
        (lambda s, p, r, floor: {0.9: 2.5, 0.0: 8.0}.get(floor, 2.5), "with other lists"),
        (lambda s, p, r, floor: s[3], "which ones are allowed")],
    otherwise="with a floor of 0.9 the answer is another scale than yours: which ones are allowed?",
    elsewhere="right in one list, wrong with other lists: is a number of the first one fixed in yours?")
