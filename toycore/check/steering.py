"""Exercises of notebook 12c, Steering right."""

import torch
from torch import Tensor

from toycore import exact, metrics, mixtures, sigmas
from toycore.check import Exercise, Verdicts, close, normal
from toycore.check.ask import ask_number
from toycore.lessons import steering
from toycore.types import seeded

LOG_W = normal(50, seed=1) * 1.5

def _effective(log_w: Tensor) -> Tensor:
    w = log_w.softmax(0)
    return 1 / (w**2).sum()

def _bounds(effective) -> Verdicts:
    even, one = float(effective(torch.zeros(8).double())), float(effective(torch.tensor([0.0, -800, -800]).double()))
    yield close(even, 8.0), f"eight equal weights are worth eight; yours says {even:.3g}: which sum is squared?"
    yield close(one, 1.0), f"one weight and two of nearly 0 are worth one; yours says {one:.3g}: what if w is tiny?"

effective = Exercise(
    "Write effective(log_w): the effective size (sum w)^2 / sum w^2 of weights whose logs are given, a tensor [n]. The"
    " logs may be large: 900 is one of them.",
    answer=_effective,
    more="Only ratios of the weights matter. softmax subtracts the largest log before it takes exp.",
    why="With weights that sum to 1 it is 1 over the sum of their squares.",
    asks=[(LOG_W,), (LOG_W + 900,), (3 * LOG_W - 900,)],
    mistakes=lambda log_w: [
        ((log_w.softmax(0) ** 2).sum(), "yours is below 1: which way round is the fraction?"),
        (1 / log_w.softmax(0).max(), "the largest weight alone? All of them count, squared"),
        (log_w.sum() ** 2 / (log_w**2).sum(), "these are the logs; which numbers are the weights?"),
        (torch.tensor(float(len(log_w))), "that many particles there are; how many are they worth?"),
        (1 / (log_w.softmax(0) ** 2).sum().sqrt(), "yours is a root too small: is the sum of squares under one?")],
    properties=_bounds,
    caught=[
        (lambda log_w: log_w.exp().sum() ** 2 / (log_w.exp() ** 2).sum(), "NaN or infinite"),
        (lambda log_w: 1 / ((log_w - log_w.mean()).exp() ** 2).sum(), "eight equal weights")],
    otherwise="50 random weights are worth {right}, yours says {yours}: (sum w)^2 / sum w^2",
    elsewhere="right for small logs, wrong when 900 is added to all: does the size depend on a common factor?")

def _weight(x_new: Tensor, m: Tensor, mean: Tensor, var: float, psi_new: Tensor, psi: Tensor) -> Tensor:
    return (((x_new - mean) ** 2).sum(1) - ((x_new - m) ** 2).sum(1)) / (2 * var) + psi_new - psi

def _not_weight(
    x_new: Tensor, m: Tensor, mean: Tensor, var: float, psi_new: Tensor, psi: Tensor
) -> list[tuple[Tensor, str]]:
    wanted, drawn = (-((x_new - center) ** 2).sum(1) / (2 * var) for center in (m, mean))
    return [
        (drawn - wanted + psi_new - psi, "a place that the proposal likes too much must weigh less: who is divided?"),
        (wanted - drawn, "where does the value function come in?"),
        (wanted - drawn + psi_new, "psi was counted at the step before, too: what is taken back?"),
        (wanted - drawn + psi - psi_new, "a particle that gains value must gain weight: which psi is subtracted?"),
        (psi_new - psi, "and that the step was not drawn from DDPM's own law?"),
        (2 * (wanted - drawn) + psi_new - psi, "does the exponent of a Gaussian have a 2 below?"),
        (var**0.5 * (wanted - drawn) + psi_new - psi, "is var a variance or a standard deviation?"),
        ((wanted - drawn + psi_new - psi).exp(), "that is the weight itself; its log is asked for")]

weight = Exercise(
    "Repair weight = log N(x_new; mean, var) - log N(x_new; m, var) + log psi(x_new). DDPM would have drawn x_new from"
    " N(m, var), the steered proposal drew it from N(mean, var). Write weight(x_new, m, mean, var, psi_new, psi): the"
    " log of what the weight is multiplied by, [b]; psi_new and psi are the logs at the new and the old place.",
    answer=_weight,
    more="Importance weights are wanted over drawn. Over a whole walk the psi must cancel, all but the last.",
    why="Wanted over drawn corrects the proposal; psi_new - psi telescopes to the last psi, the reward itself.",
    asks=[(normal(6, 2), normal(6, 2, seed=1), normal(6, 2, seed=2), 0.3, normal(6, seed=3), normal(6, seed=4)),
          (normal(4, 2), normal(4, 2, seed=5), normal(4, 2, seed=5), 2.0, normal(4, seed=6), normal(4, seed=7))],
    mistakes=_not_weight,
    otherwise="one of the parts is still wrong: which of m and mean was drawn from, and which psi came before?")

POINTS, REWARDS = normal(20, 2, seed=8), normal(20, seed=9)

def _value(points: Tensor, r: Tensor, x: Tensor, sigma: float) -> Tensor:
    log_p = (-((x[:, None] - points) ** 2).sum(2) / (2 * sigma**2)).log_softmax(1)
    return (log_p + r).logsumexp(1)

def _not_value(points: Tensor, r: Tensor, x: Tensor, sigma: float) -> list[tuple[Tensor, str]]:
    joint = -((x[:, None] - points) ** 2).sum(2) / (2 * sigma**2)
    return [
        (joint.softmax(1) @ r, "that is the mean of r, and it is too small: where does exp stand in V?"),
        (r.exp().mean().log().expand(len(x)), "yours does not look at x: which points could x have come from?"),
        ((joint + r).logsumexp(1), "do the weights of the points sum to 1 in yours?"),
        (joint.softmax(1) @ r.exp(), "that is E[exp(r)]; V is its log"),
        (r[joint.argmax(1)], "the nearest point alone? At high noise every point may be the one"),
        (((joint * sigma).log_softmax(1) + r).logsumexp(1), "is the distance divided by sigma, or by its square?")]

value = Exercise(
    "Write value(points, r, x, sigma): V = log E[exp(r(x0)) | x] for n bare points [n, 2] with rewards r [n], at"
    " places x [b, 2]. Return [b].",
    answer=_value,
    more="Notebook 2: x came from point k with a probability proportional to exp(-|x - point_k|^2 / (2 sigma^2)).",
    why="For bare points the expectation is a sum: the weights of notebook 2 times exp(r).",
    asks=[(POINTS, REWARDS, normal(5, 2), 0.4), (POINTS[:7], 3 * REWARDS[:7], normal(4, 2, seed=2), 1.5)],
    mistakes=_not_value,
    otherwise="another number is right at the first place: log of the sum over k of p(k | x) exp(r_k)")

SPIRAL = mixtures.spiral(60, 0.04, classes=3)
D, GRID = exact.posterior_mean(SPIRAL), sigmas.log_linear(60, 0.01, 10.0)
LAW = steering.tilted(SPIRAL, 1, 8.0)

def _smallest_size(exponent) -> tuple[float, float]:
    """The smallest effective share on a walk of 300 particles at s = 8, and the distance to the tilted law."""

    def guess(x: Tensor, sigma: Tensor | float) -> Tensor:
        return ask_number(exponent, 8.0, float(sigma)) * SPIRAL.class_log_posterior(x, sigma)[:, 1]

    steps = list(steering.populations(D, 10 * torch.randn(300, 2, generator=seeded()), GRID, guess, seeded(1)))
    off = metrics.sliced_wasserstein(steps[-1].state.x, LAW.sample(1000, seeded(2))[0], rng=seeded())
    return min(float(step.size) / 300 for step in steps), off

def _walks(exponent) -> Verdicts:
    end, high = ask_number(exponent, 8.0, 0.0), ask_number(exponent, 8.0, 10.0)
    yield (close(end, 8.0) and close(ask_number(exponent, 3.0, 0.0), 3.0),
           f"at sigma = 0 the exponent must be s, or the walk ends in another law; yours is {end:.3g} for s = 8: why?")
    yield (high < 4,
           f"at sigma = 10 yours is {high:.3g}; the value function pushes about as s = 1 there: what must it fall to?")
    share, off = _smallest_size(exponent)
    yield (share > 0.4,
           f"the effective size falls to {share:.2f} of the particles; 0.4 is asked for: where is the push too large?")
    yield off < 0.15, f"the particles end {off:.2f} from the tilted law; below 0.15 is asked for: does it stay above 0?"

exponent = Exercise(
    "No value function at hand. Write exponent(s, sigma): the number a in a log p(c | x, sigma) that keeps at least 0.4"
    " of 300 particles effective at every step of a walk at s = 8, and still ends in the tilted law. Many answers are"
    " right.",
    answer=lambda s, sigma: 1 + (s - 1) * (sigma < 0.02),
    more="At sigma = 0 it must be s. At high noise V pushes about like s = 1. Try a step between the two, or a slope.",
    why="V lies between s log p(c | x) and log p(c | x), and on this spiral near the second at nearly all levels.",
    properties=_walks,
    caught=[
        (lambda s, sigma: s, "at sigma = 10 yours is 8"),
        (lambda s, sigma: 1.0, "the exponent must be s"),
        (lambda s, sigma: s / (1 + sigma), "the effective size falls to"),
        (lambda s, sigma: ..., "replace the dots")])
