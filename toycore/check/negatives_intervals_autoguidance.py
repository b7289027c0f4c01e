"""Exercises of notebook 12, Negatives, intervals, autoguidance."""

import torch
from torch import Tensor

from toycore import exact, guidance, metrics, mixtures, samplers, sigmas
from toycore.check import Exercise, Refused, Verdicts, ask, call, close
from toycore.types import Denoiser, Label, column, seeded

agree = Exercise(
    "Give agree(s_pos): the s_neg for which u + s_pos (p - u) - s_neg (n - u) equals n + s_pos (p - n).",
    answer=lambda s_pos: s_pos - 1,
    more="Write down the share of u in each formula: 1 - s_pos + s_neg on the left, none on the right.",
    why="With s_neg = s_pos - 1 the shares of p, of n and of u are the same in both formulas.",
    asks=[(2.0,), (1.0,), (5.0,), (3.7,)],
    mistakes=lambda s: [
        (1 - s, "right but for a minus sign: is s_neg not subtracted already?"),
        (s + 1, "u must drop out: how many u stand in the first formula? One comes from u itself"),
        (s, "close, but one unit off: how many u stand in u + s_pos (p - u) - s_neg (n - u)?"),
        (s - 2, "one unit too far: how many u stand in u + s_pos (p - u) - s_neg (n - u)?"),
        ((s - 1) / 2, "half of it; which share of n has each formula?"),
        (2 * (s - 1), "twice as much; which share of n has each formula?"),
        (s / 2, "at s_pos = 1 the second formula is p alone; which negative does the first need there?"),
        (s**2 - 1, "that is no straight line in s_pos; are the shares of n and u in the formulas?"),
        (1.0, "the answer depends on s_pos; which share of u has each formula at s_pos = 2, and at 5?")],
    properties=lambda agree: [(not close(agree(0.3), 0.7), "right above 1, wrong below 1: must s_neg be positive?")],
    caught=[(lambda s_pos: abs(s_pos - 1), "below 1"), (lambda s_pos: 1 - 1 / s_pos, "still differ")],
    otherwise="at s_pos = 2 they still differ; which shares of p, n and u has each?",
    elsewhere="at s_pos = 2 they agree, at others they still differ; which shares of p, n and u has each?")

X, LABEL = torch.tensor([[1.0, 2.0], [-1.0, 0.5], [0.3, -2.0]]), torch.tensor([0, 2, 1])

def _inner(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
    """Any Denoiser that depends on all of its arguments."""
    own = torch.zeros(len(x)) if label is None else torch.as_tensor(label).expand(len(x))
    return x / (1 + column(sigma, x)) + own[:, None]

def _outer(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
    return 3 - 2 * _inner(x, sigma, label)

def _asked(D: Denoiser, x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
    """Ask the student's Denoiser."""
    try:
        return ask(D, x, sigma, label, shape=x.shape)
    except Refused as refusal:
        kind = "one per row" if isinstance(sigma, Tensor) and sigma.ndim else "a number"
        raise Refused(f"{refusal} (your Denoiser was asked as D(x, sigma, label), sigma {kind})") from None

def _inside_and_outside(within) -> Verdicts:
    D = call(within, 0.2, 1.0, _inner, _outer)
    yield callable(D), "a Denoiser is asked for, a function D(x, sigma, label); does yours return one?"
    middle, above, below, edge = (_asked(D, X, sigma, LABEL) for sigma in (0.5, 2.0, 0.1, 0.2))
    yield not close(middle, _outer(X, 0.5, LABEL)), "at sigma = 0.5 you used `outside`: is it the wrong way round?"
    yield not close(middle, _inner(X, 0.5)), "`inside` was asked without the label; which one was your D given?"
    yield close(middle, _inner(X, 0.5, LABEL)), "at sigma = 0.5 the answer must be what `inside` says; do you ask it?"
    yield close(above, _outer(X, 2.0, LABEL)), "above high the answer must be that of `outside`; what do you ask there?"
    yield (close(below, _outer(X, 0.1, LABEL)),
           "below low the answer must be that of `outside`; did you check one end only?")
    yield close(edge, _inner(X, 0.2, LABEL)), "at sigma = low, `inside` must answer: do both ends belong to it?"
    levels, inner = torch.tensor([0.1, 0.5, 2.0]), torch.tensor([[False], [True], [False]])
    yield (close(_asked(D, X, levels, LABEL), torch.where(inner, _inner(X, levels, LABEL), _outer(X, levels, LABEL))),
           "sigma may differ per row, as 0.1, 0.5, 2 here: what chooses row by row?")

def _within(low: float, high: float, inside: Denoiser, outside: Denoiser) -> Denoiser:
    def D(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        level = torch.as_tensor(sigma).reshape(-1, 1)  # a column, or one number
        chosen = (low <= level) & (level <= high)
        return torch.where(chosen, inside(x, sigma, label), outside(x, sigma, label))

    return D

def _with_if(low: float, high: float, inside: Denoiser, outside: Denoiser) -> Denoiser:
    return lambda x, sigma, label=None: (inside if low <= sigma <= high else outside)(x, sigma, label)

within = Exercise(
    "Write within(low, high, inside, outside): a Denoiser that is inside(...) at low <= sigma <= high, else"
    " outside(...). sigma may be a number or one level per row.",
    answer=_within,
    more="Return a function D(x, sigma, label=None). Make sigma a column, and let torch.where choose between the two.",
    why="torch.where chooses row by row, and a number is a column of length 1.",
    properties=_inside_and_outside,
    caught=[
        (lambda low, high, inside, outside: _within(low, high, outside, inside), "the wrong way round"),
        (lambda low, high, inside, outside: _within(0.0, high, inside, outside), "check one end only"),
        (lambda low, high, inside, outside: lambda x, sigma, label=None: (
            _with_if(low, high, inside, outside)(x, torch.as_tensor(sigma).max(), label)), "what chooses row by row"),
        (lambda low, high, inside, outside: inside(torch.zeros(1, 2), low), "Denoiser"),
        (lambda low, high, inside, outside: _within(low + 1e-6, high - 1e-6, inside, outside), "belong to it"),
        (lambda low, high, inside, outside: lambda x, sigma, label=None: (
            _within(low, high, inside, outside)(x, sigma)), "the label"),
        (lambda low, high, inside, outside: _within(low, high, lambda x, *_: 1 + 0 * x, lambda x, *_: 0 * x),
         "what `inside` says"),
        (lambda low, high, inside, outside: inside, "above high"),
        (_with_if, "an if asks once"),
        (lambda low, high, inside, outside: lambda x, sigma: _with_if(low, high, inside, outside)(x, sigma),
         "D(x, sigma, label)")])

UPRIGHT = mixtures.spiral(300, classes=3)
TURNED = mixtures.GaussianMixture(-UPRIGHT.means, 0.02, label=UPRIGHT.label)  # by 180 degrees
EXACT: Denoiser = exact.posterior_mean(TURNED)

def _avoid(D: Denoiser) -> Denoiser:
    away = guidance.negative(D, None, 1, 0.0, 3.0)  # push hard away from class 1 ...
    return guidance.within(0.3, 1.0, away, D)  # ... while the noise decides between the arms

def _samples(avoid) -> Verdicts:
    D = call(avoid, EXACT)
    yield callable(D), "your Denoiser must be a function D(x, sigma, label), made of D; what does yours return?"
    noise = 40 * torch.randn(300, 2, generator=seeded())
    yield (not all(close(_asked(D, noise, s), EXACT(noise, s)) for s in (0.5, 5.0)),
           "at sigma = 0.5 and at 5 your Denoiser changes nothing: what do you push away from, and where?")
    x = samplers.final(samplers.ddim(lambda *ask: _asked(D, *ask).float(), noise, sigmas.karras(30, 0.005, 40)))
    share = [metrics.own_share(x, TURNED, c) for c in range(3)]
    off = float((metrics.distance(x, TURNED.means) > 0.1).double().mean())
    yield ((metrics.distance(x, UPRIGHT.means) < 0.1).double().mean() < 0.8,
           "your samples lie on the spiral of the course, but here it is turned: did you ask the D you were given?")
    yield share[1] < 0.4, f"class 1 has {share[1]:.0%} of the samples, more of it than without guidance: which sign?"
    yield share[1] < 0.12, f"class 1 still holds {share[1]:.0%} of the samples: where, and how hard, should you push?"
    yield off <= 0.04, f"{off:.0%} of the samples lie off the curve: at which noise levels does the push do harm?"
    yield min(share[0], share[2]) > 0.1, "only one class is left; how do you avoid 1 without choosing among the others?"

avoid = Exercise(
    "Write avoid(D): a Denoiser made of D that brings the middle class (1) below 12 percent of the samples, with at"
    " most 4 percent of the samples farther than 0.1 from the curve. Classes 0 and 2 must both remain.",
    answer=_avoid,
    more="The levels of 12.3 are right for this class too: there the walk chooses its arm. A strength of 1 is too"
         " little here; raise it, and leave the lower levels out if samples leave the curve.",
    why="Early all arms look alike, and late a push only leads off the curve: the middle levels decide.",
    properties=_samples,
    caught=[
        (lambda D: guidance.negative(D, None, 1, 0.0, 0.1), "still holds"),
        (lambda D: guidance.within(0.2, 1.0, guidance.negative(D, None, 1, 0.0, 1.0), D), "still holds"),
        (lambda D: guidance.within(0.05, 1.0, guidance.negative(D, None, 1, 0.0, 3.0), D), "off the curve"),
        (lambda D: guidance.negative(D, None, 1, 0.0, -1.0), "more of it"),
        (lambda D: guidance.labelled(D, 2), "only one class"),
        (lambda D: D, "changes nothing"),
        (lambda D: torch.zeros(300, 2), "your Denoiser"),
        (lambda D: _avoid(exact.posterior_mean(UPRIGHT)), "did you ask the D")])
