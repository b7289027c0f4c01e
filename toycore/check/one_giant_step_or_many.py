"""Exercises of notebook 05, One giant step or many."""

import math

import torch
from torch import Tensor

from toycore.check import Exercise, Verdicts


def _kept(v: float, sigma: float) -> float:
    return v**2 / (v + sigma**2)

kept = Exercise(
    "Write kept(v, sigma): the variance of the answers x0_hat of one best step from level sigma, for data N(0, v) on"
    " the line.",
    answer=_kept,
    more="The best step multiplies x by v / (v + sigma^2), and x has the variance v + sigma^2. What does a factor do to"
         " a variance?",
    why="A factor c = v / (v + sigma^2) multiplies the variance v + sigma^2 by c^2; what is lost is the rest of v.",
    asks=[(0.25, 2.0), (1.5, 0.4)],
    mistakes=lambda v, sigma: [
        (v, "that is the variance of the data; at high noise the answers are nearly a dot: what is lost?"),
        (v + sigma**2, "that is the variance of the noisy points; the step shrinks them: by which factor?"),
        (v * sigma**2 / (v + sigma**2), "that is the part that is lost, the smallest error; what is left of v?"),
        (v / (v + sigma**2), "that is the factor by which the step shrinks x; what does it do to a variance?"),
        ((v / (v + sigma**2)) ** 2, "that is the factor on the variance; which variance has x before the step?"),
        ((v**2 / (v + sigma**2)) ** 0.5, "that is a standard deviation; the variance is asked for"),
        (v**2 / (v + sigma), "noise of level sigma has the variance sigma^2: is yours a level?")],
    caught=[
        (lambda v, sigma: 0.0625 / 4.25, "other numbers"),
        (lambda v, sigma: v + v**2, "half-way")],
    otherwise="kept and lost add up to v; half-way there, what is yours and what is the rest?",
    elsewhere="right for v = 0.25 and sigma = 2, wrong for other numbers: where are they?")

def _slope(m: float, s: float) -> float:
    return s * math.exp(m**2 / (2 * s**2))

slope = Exercise(
    "Write slope(m, s): the slope at z = 0 of the map from noise N(0, 1) to two clusters N(-m, s^2) and N(m, s^2), half"
    " of the data each, that keeps the order.",
    answer=_slope,
    more="By symmetry z = 0 is sent to 0. There phi is 1 / sqrt(2 pi), and p is the mean of two equal Gaussians, each"
         " at a distance m from its centre.",
    why="phi(0) / p(0): the roots of 2 pi cancel, and s exp(m^2 / 2 s^2) is left.",
    asks=[(0.9, 0.25), (0.6, 0.3)],
    mistakes=lambda m, s: [
        (1 / _slope(m, s), "that is p / phi: is the map steep where data are many, or where they are few?"),
        (math.exp(m**2 / (2 * s**2)), "a Gaussian of width s has 1 / s in front; where is it in yours?"),
        (s * math.exp(m**2 / s**2), "the exponent of a Gaussian has a 2 below; is yours without it?"),
        (s * math.exp(m**2 / (2 * s)), "the exponent has the variance below, not the width; which is yours?"),
        (s / 2 * math.exp(m**2 / (2 * s**2)), "two clusters, half of the data each: is one of them left out?"),
        (2 * s * math.exp(m**2 / (2 * s**2)), "each cluster holds half of the data, and both reach the middle: what"
                                              " do two halves give?"),
        (s, "that would be the slope with both clusters at 0; what does their distance do?")],
    properties=lambda slope: [
        (abs(float(slope(0.0, 0.5)) - 0.5) < 1e-6,
         "with m = 0 there is one cluster of width s, and the map is z times s; what is yours?")],
    caught=[
        (lambda m, s: s + math.exp(m**2 / (2 * s**2)) - 1, "phi(0) over p(0)"),
        (lambda m, s: 1 + _slope(m, s), "one cluster"),
        (lambda m, s: 0.5 if m == 0 else _slope(0.9, 0.25), "other clusters")],
    otherwise="phi(0) over p(0): what is the density of the noise at 0, and what is that of the data at 0?",
    elsewhere="right for m = 0.9 and s = 0.25, wrong for other clusters: do both stand in yours?")

Z = torch.special.ndtri((torch.arange(600, dtype=torch.float64) + 0.5) / 600)  # as normal as 600 points can be
FROM_WIDE, FROM_NARROW = (4.25**0.5 * Z, 0.25, 2.0), (1.66**0.5 * Z, 1.5, 0.4)

def _sharp_map(x: Tensor, v: float, sigma: float) -> Tensor:
    return (v / (v + sigma**2)) ** 0.5 * x

def _width(sharp_map) -> Verdicts:
    made = sharp_map(*FROM_WIDE)
    scale, middle = float(made.std() / Z.std()), float(made.mean())
    yield made[0] <= made[-1], "the order is lost: what was left must stay left; which sign has your factor?"
    yield abs(middle) < 0.05, f"its middle has moved to {middle:.2f}; where is that of the data?"
    yield scale < 0.505, f"the result is too wide: spread {scale:.3f}, and 0.5 is right; which factor narrows it?"
    yield scale > 0.495, f"the result is too narrow: spread {scale:.3f}, and 0.5 is right; which power is too many?"

sharp_map = Exercise(
    "Write sharp_map(x, v, sigma): one step that turns samples x of N(0, v + sigma^2) into samples of N(0, v), keeps"
    " their order, and is not blurred.",
    answer=_sharp_map,
    more="Multiply x by one number. Which, if the variance is to go from v + sigma^2 to v?",
    why="A factor c multiplies the variance by c^2; the posterior mean uses c^2 itself, and is too narrow.",
    asks=[FROM_WIDE, FROM_NARROW],
    mistakes=lambda x, v, sigma: [
        (v / (v + sigma**2) * x,
         "this is the posterior mean, the blurred answer: spread 0.121, and 0.5 is right; whose mean is it?"),
        (v**0.5 * x / x.std(), "you measure the spread of this one sample; what do v and sigma say of every sample?"),
        (_sharp_map(x, v, sigma)[:10], "600 points went in, 10 came out: do you treat only some?")],
    properties=_width,
    caught=[
        (lambda x, v, sigma: x, "too wide"),
        (lambda x, v, sigma: -_sharp_map(x, v, sigma), "order"),
        (lambda x, v, sigma: 0.5 * _sharp_map(x, v, sigma), "too narrow"),
        (lambda x, v, sigma: v**0.5 * torch.randn_like(x), "no map"),
        (lambda x, v, sigma: _sharp_map(x, v, sigma) + 1, "its middle"),
        (lambda x, v, sigma: _sharp_map(x, 0.25, 2.0), "other widths"),
        (lambda x, v, sigma: 0.5 * Z + 0.001 * Z**2, "single points")],
    again="the same x twice gives two answers: a step with chance in it is no map; why draw?",
    otherwise="the spread is right, but single points are off: is it one factor for all?",
    elsewhere="right for v = 0.25 and sigma = 2, wrong for other widths: where are they?")
