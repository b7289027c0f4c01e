"""Exercises of notebook 08b, Flow maps."""

import torch
from torch import Tensor

from toycore.check import Exercise, Verdicts, close, normal

V, DU = normal(40, 2), normal(40, 2, seed=1)
T = 0.3 + 0.7 * normal(40, seed=2).sigmoid()
R = T * normal(40, seed=3).sigmoid()

def _target(v: Tensor, du: Tensor, t: Tensor, r: Tensor) -> Tensor:
    return v - (t - r)[:, None] * du

target = Exercise(
    "Write target(v, du, t, r): what the mean velocity u(z, t, r) must be, from the velocity v [b, 2] at (z, t) and the"
    " derivative du [b, 2] of u along the path; t and r are [b], r <= t.",
    answer=_target,
    more="Differentiate (t - r) u = (integral of v from r to t) with respect to t, by the product rule.",
    why="u + (t - r) du/dt = v, the derivative of an integral by its upper end.",
    asks=[(V, DU, T, R), (V, DU, T, 0 * R)],
    mistakes=lambda v, du, t, r: [
        (v + (t - r)[:, None] * du, "the product rule gives u + (t - r) du = v; which sign has du beside v?"),
        (v - du, "how long is the stretch over which u is a mean? It multiplies du"),
        (v - t[:, None] * du, "that is right for r = 0 only: where does the path end?"),
        (v - r[:, None] * du, "over no time at all, r = t, u must be v itself; is it, in yours?"),
        (v, "that is the velocity of one place; what does u see of the places further down?"),
        ((t - r)[:, None] * du, "where is the velocity itself?"),
        ((t - r)[:, None] * v, "that is a distance, velocity times time; a mean velocity is asked for")],
    caught=[
        (lambda v, du, t, r: v - (t - r) * du, "column"),
        (lambda v, du, t, r: _target(v, du, t, r) / 2, "r = t")],
    otherwise="take r = t first: yours must be v; then move r away from t. Which term grows?",
    tolerance=1e-4)

X0, EPS = normal(30, 2, seed=4), normal(30, 2, seed=5)
HIGH = 1 + normal(30, seed=6).exp()
LOW = 0.6 * HIGH

def _pair(x0: Tensor, eps: Tensor, high: Tensor, low: Tensor) -> tuple[Tensor, Tensor]:
    return x0 + high[:, None] * eps, x0 + low[:, None] * eps

pair = Exercise(
    "A friend trains a consistency model without a teacher, on the points x0 + high eps and x0 + low eps', and gets the"
    " mean of the data for every noise: eps' is fresh noise. Repair it: write pair(x0, eps, high, low), two points at"
    " the levels high and low [b] whose ends may be compared; x0 and eps are [b, 2].",
    answer=_pair,
    more="The two points must lie on one path, at least on average. What do all points of the line through x0 share?",
    why="Given x_high, x0 + low eps is x_high + (low - high) eps, on average one Euler step of it. With fresh noise"
    " the lower point is no neighbour of the upper one, and f must give one answer to all of them.",
    asks=[(X0, EPS, HIGH, LOW), (X0, EPS, HIGH, 0 * LOW)],
    mistakes=lambda x0, eps, high, low: [
        (_pair(x0, eps, low, high), "first the point at the level high, then the one at low: are yours turned?"),
        ((x0 + high[:, None] * eps, x0 + (high - low)[:, None] * eps),
         "the second point must have the level low; how much noise has yours?"),
        ((x0 + high[:, None] * eps, x0), "that compares with the clean point: then f learns the posterior mean, a dot"),
        ((x0 + high[:, None] * eps,) * 2, "two times the same point: every f passes; where is the lower level?"),
        ((x0 + high[:, None] * eps, (low / high)[:, None] * (x0 + high[:, None] * eps)),
         "you shrink the whole point, the clean part with it; what belongs to eps alone?"),
        ((x0 + high[:, None] * eps, x0 - low[:, None] * eps), "your second noise has the other sign; why?")],
    caught=[
        (lambda x0, eps, high, low: (x0 + high[:, None] * eps, x0 + low[:, None] * torch.randn_like(eps)), "fresh"),
        (lambda x0, eps, high, low: x0 + high[:, None] * eps, "2 values"),
        (lambda x0, eps, high, low: (x0 + high * eps, x0 + low * eps), "column"),
        (lambda x0, eps, high, low: (x0 + high[:, None] * eps, x0 + low[:, None] * eps + 1), "of one path")],
    again="the same x0 and eps twice give two answers: do you still draw fresh noise?",
    otherwise="both must be points of one path: which x0, and which eps, do they share?",
    tolerance=1e-4)

def _cross(v0: float, v1: float, entropy: float) -> float:
    return 2 * v0 * v1 / ((4 * v0 * v1 + entropy**2) ** 0.5 + entropy)

def _limits(cross) -> Verdicts:
    yield (close(cross(0.5, 0.8, 1e-9), 0.4**0.5, 1e-4),
           "without entropy it is optimal transport, x1 = sqrt(v1/v0) x0: which covariance is that?")
    yield abs(float(cross(0.5, 0.8, 1e4))) < 1e-3, "with much entropy the ends are independent: is yours near 0 there?"

cross = Exercise(
    "Write cross(v0, v1, entropy): the covariance of x0 and x1 in the Schroedinger bridge between N(0, v0) and N(0, v1)"
    " on the line. It minimises E|x0 - x1|^2 / 2 + entropy KL(coupling || independent), and for Gaussians the KL is"
    " -log(1 - c^2 / (v0 v1)) / 2.",
    answer=_cross,
    more="Set the derivative of -c - (entropy/2) log(1 - c^2/(v0 v1)) to 0: you get c^2 + entropy c = v0 v1.",
    why="The positive root of c^2 + entropy c - v0 v1 = 0.",
    asks=[(0.5, 0.8, 0.3), (1.5, 0.2, 2.0)],
    mistakes=lambda v0, v1, entropy: [
        ((v0 * v1) ** 0.5, "that is optimal transport, entropy = 0; what does the second term of the cost do?"),
        (0.0, "that is the independent coupling; is it worth the long way?"),
        (-(entropy + (4 * v0 * v1 + entropy**2) ** 0.5) / 2, "that is the other root; may a covariance be so low?"),
        (((4 * v0 * v1 + entropy**2) ** 0.5 - entropy), "twice too large: is the root divided by 2?"),
        (v0 * v1 / entropy, "right for large entropy only; which term of the quadratic equation have you left out?"),
        (((v0 * v1 + entropy**2) ** 0.5 - entropy), "your entropy counts twice: the cost has |x0 - x1|^2 / 2")],
    properties=_limits,
    caught=[
        (lambda v0, v1, entropy: (v0 * v1) ** 0.5 + entropy, "with much entropy"),
        (lambda v0, v1, entropy: 0.5 * _cross(v0, v1, entropy), "without entropy"),
        (lambda v0, v1, entropy: (v0 * v1) ** 0.5 / (1 + entropy), "it should be")],
    otherwise="at {where} it should be {right}; yours is {yours}: does it solve c^2 + entropy c = v0 v1?",
    tolerance=1e-4)
