"""Exercises of notebook 04, DDPM, with and without noise."""

from functools import cache

import torch
from torch import Tensor

from toycore import data, exact, mixtures, samplers, sigmas
from toycore.check import Exercise, Verdicts, close, normal
from toycore.types import seeded

X, X0_HAT, Z = normal(8, 2), normal(8, 2, seed=1), normal(8, 2, seed=2)

def _step(x: Tensor, x0_hat: Tensor, sigma: float, sigma_next: float, z: Tensor) -> Tensor:
    keep = (sigma_next / sigma) ** 2
    return x0_hat + keep * (x - x0_hat) + sigma_next * (1 - keep) ** 0.5 * z

def _not_the_step(x: Tensor, x0_hat: Tensor, s: float, t: float, z: Tensor) -> list[tuple[Tensor, str]]:
    keep, fresh = (t / s) ** 2, t * (1 - (t / s) ** 2) ** 0.5 * z
    mean = x0_hat + keep * (x - x0_hat)
    return [
        (mean, "z changes nothing: there is no noise at all in your step; where does it enter?"),
        (mean - fresh, "the fresh noise is subtracted; that is as probable, but here it is to be added: which sign?"),
        (mean + t**2 * (1 - keep) * z,
         "z is multiplied by a variance where a standard deviation belongs: which root is missing?"),
        (mean + (1 - keep) ** 0.5 * z,
         "the noise that is left is measured in sigma', and yours in 1: which level must it make?"),
        (mean + t * (1 - keep) * z, "variances add up; did you take a root too few of 1 - keep?"),
        (mean + t * (1 - t / s) ** 0.5 * z, "is keep the share sigma'/sigma, or its square?"),
        (mean + t * z, "you add all the noise of level sigma'; a part is in the kept noise already: how much?"),
        (mean + (s**2 - t**2) ** 0.5 * z,
         "that much noise leads from sigma' up to sigma, forward; how much is fresh on the way down?")]

def _keeps(step) -> Verdicts:
    x, x0_hat = X, X0_HAT
    mean = step(x, x0_hat, 0.5, 0.25, 0 * Z)
    yield (not close(mean, x0_hat + 0.5 * (x - x0_hat)),
           "with z = 0 that is the step of DDIM: it keeps sigma'/sigma of the old noise; how much does DDPM keep?")
    yield (not close(mean, x + 0.25 * (x0_hat - x)),
           "you go the share keep from x to x0_hat; keep is what stays: measured from x0_hat, where must you end?")
    yield not close(mean, x0_hat), "with z = 0 your step forgets x; which share of the old noise stays?"
    yield not close(mean, x), "with z = 0 your step stays where it is; how far towards x0_hat must it go?"
    yield (not close(mean, x0_hat + (x - x0_hat) / 0.25),
           "with z = 0 yours goes away from x0_hat: is the ratio of the levels upside down?")
    yield (close(mean, x0_hat + 0.25 * (x - x0_hat)),
           "with z = 0, where between x0_hat and x must the step end, if keep of x - x0_hat stays?")
    yield (close(step(x, x0_hat, 0.5, 0.0, Z), x0_hat),
           "the last step, to sigma' = 0, must land on x0_hat without noise; which factor makes it vanish there?")
    total = 0.125**2 + ((step(x, x0_hat, 0.5, 0.25, Z) - mean) / Z).mean() ** 2
    yield (close(total, 0.0625), f"kept and fresh noise must make level sigma' = 0.25: the squares sum to {total:.4f},"
                                 " not 0.0625; what is left?")

step = Exercise(
    "Write one DDPM step: (x, x0_hat, sigma, sigma_next, z) -> x', with z ~ N(0, I) given. x' is drawn from"
    " q(x' | x, x0_hat): keep = (sigma'/sigma)^2 of the old noise stays, fresh noise makes up the rest.",
    answer=_step,
    more="The mean is x0_hat + keep (x - x0_hat), whose noise has level keep sigma. Fresh noise of what level makes"
         " the squares sum to sigma'^2?",
    why="(keep sigma)^2 = keep sigma'^2, so sigma'^2 (1 - keep) is left for fresh noise.",
    asks=[(X, X0_HAT, 0.5, 0.25, Z), (X, X0_HAT, 1.5, 1.0, Z)],
    mistakes=_not_the_step,
    properties=_keeps,
    caught=[
        (lambda x, x0_hat, s, t, z: x0_hat + t / s * (x - x0_hat) + t * (1 - (t / s) ** 2) ** 0.5 * z, "step of DDIM"),
        (lambda x, x0_hat, s, t, z: x + (t / s) ** 2 * (x0_hat - x) + t * (1 - (t / s) ** 2) ** 0.5 * z, "what stays"),
        (lambda x, x0_hat, s, t, z: x0_hat + t * z, "forgets"),
        (lambda x, x0_hat, s, t, z: x + t * z, "stays where it is"),
        (lambda x, x0_hat, s, t, z: x0_hat + (s / max(t, 1e-3)) ** 2 * (x - x0_hat) + t * z, "upside down"),
        (lambda x, x0_hat, s, t, z: x0_hat + torch.randn_like(x), "with the same z"),
        (lambda x, x0_hat, s, t, z: _step(x, x0_hat, s, t, z) + 0.1 * z, "last step"),
        (lambda x, x0_hat, s, t, z: _step(x, x0_hat, s, t, 0.7 * z), "the squares sum"),
        (lambda x, x0_hat, s, t, z: x0_hat + (t / s) ** 2 * (x - x0_hat) + t * 0.75**0.5 * z, "for other levels")],
    again="two steps with the same z differ: do you draw noise yourself, where z is given?",
    otherwise="kept and fresh noise must make level sigma': the squares of which two levels must sum to sigma'^2?",
    elsewhere="right from 0.5 to 0.25, wrong for other levels: where are they?")

final_std = Exercise(
    "Data ~ N(0, v I), start ~ N(0, high^2 I), DDPM steps with the noise left out, down to sigma = 0. Give the standard"
    " deviation (per coordinate) at the end, as a formula in v and high.",
    answer=lambda v, high: high * v / (v + high**2),
    more="One step multiplies by (v + sigma'^2) / (v + sigma^2). In the product of all steps nearly all cancels.",
    why="What is left of the product is v / (v + high^2), and the walk starts with width high.",
    asks=[(2.0, 3.0), (0.25, 1.0), (0.04, 0.5), (0.25, 10.0)],
    mistakes=lambda v, high: [
        (v**0.5, "sqrt(v) is what you get with noise; what is left when it is left out?"),
        (high * (v / (v + high**2)) ** 0.5, "that is what DDIM reaches in many small steps: a small step of DDPM"
                                            " shrinks twice as much, so which power?"),
        (v / (v + high**2), "v / (v + high^2) is the factor it shrinks by; how wide was the cloud at the start?"),
        (v**0.5 * high / (v**0.5 + high**2), "variances add: v is a variance, is it squared or under a root in yours?"),
        (v**2 * high / (v**2 + high**2), "v is a variance already: why square it?"),
        (v * high / (v + high), "variances add, but high is no variance: what is?"),
        (v * high**2 / (v + high**2), "the factor shrinks a width; have you multiplied a variance by it?"),
        ((v * high / (v + high**2)) ** 2, "that is a variance; the standard deviation is asked for: which root?"),
        ((v * high / (v + high**2)) ** 0.5, "that is its root; is the factor one of widths or of variances?"),
        (v / high, "v / high is near, where high is far above sqrt(v); what is exact?"),
        (high, "the start is that wide; by how much has the walk shrunk it?"),
        (high * (v + high**2) / v, "your cloud grows; is the factor upside down?")],
    properties=lambda std: [
        (not 1e-4 < abs(float(std(2.0, 3.0)) * 11 / 6 - 1) < 0.04,
         "within 4 % of 0.545, but not equal: did you draw a sample, or leave something small out?")],
    caught=[
        (lambda v, high: 1.01 * high * v / (v + high**2), "a sample"),
        (lambda v, high: 1 / high, "what is the product"),
        (lambda v, high: 6 / 11, "but not at v = 0.25, high = 1")],
    otherwise="at {where} the walk ends with {right}, and you say {yours}: one step multiplies by"
              " (v + sigma'^2) / (v + sigma^2), where v is a variance; what is the product of all of them?",
    elsewhere="right at v = 2, high = 3, but not at {where}: do both stand in your formula?",
    tolerance=1e-4)

SPIRAL, SHIFT, TURN = data.spiral(400).x, torch.tensor([2.0, -1.0]), torch.tensor([[0.0, 1.0], [-1.0, 0.0]])

def _end_point(x: Tensor) -> Tensor:
    return x[(x - x.mean(0)).norm(dim=1).argmin()]

@cache
def _where_walks_end() -> Tensor:
    """Where DDPM without noise ends for the spiral at its own place, started at sigma = 80."""
    D = exact.posterior_mean(mixtures.GaussianMixture(SPIRAL, 0.02))
    start = 80 * torch.randn(50, 2, generator=seeded())
    return samplers.final(samplers.ddpm(D, start, sigmas.log_linear(100, 0.01, 80.0), noise=0.0)).mean(0)

def _one_place(end_point) -> Verdicts:
    place, end = end_point(SPIRAL + SHIFT), (_where_walks_end() + SHIFT).double()
    yield place.numel() == 2, f"one point [2] is asked for; yours has shape {list(place.shape)}: which one?"
    place, off = place.reshape(2), (place.reshape(2) - end).norm()
    yield ((place - (SPIRAL + SHIFT).mean(0)).norm() < 0.4,
           "too far out: what pulls at high noise is the centre of mass of the data; where is it?")
    yield off < 0.06, f"{off:.2f} away from the end: which data point is nearest to the mean?"
    moved = end_point(SPIRAL - 3 * SHIFT).reshape(2)
    yield close(moved - place, -4 * SHIFT, 1e-2), "move the data and the end must move along; why does yours not?"
    turned = end_point((SPIRAL + SHIFT).flip(0) @ TURN).reshape(2)
    yield (turned - end @ TURN.double()).norm() < 0.06, "turn the data and the end must turn along; why does yours not?"

end_point = Exercise(
    "Given the points x [n, 2] of a spiral that was moved somewhere, say where DDPM without noise ends (started at"
    " sigma = 80), to within 0.06. Do not sample: point at one place.",
    answer=_end_point,
    more="All walks first shrink to the mean of the data. From there, as sigma falls, the nearest data point wins.",
    why="The end is the data point nearest to the mean: one place for every start.",
    asks=[(SPIRAL + SHIFT,)],
    mistakes=lambda x: [
        (torch.zeros(2), "that is the origin, but does anything in the formulas know where the origin is?"),
        (x.mean(0),
         "the mean is where the walk goes first, but it lies off the curve; where does it go when sigma gets small?"),
        ((x - x.mean(0)).norm(dim=1).argmin(),
         "that is one number; is it the place that is asked for, or its number in the list?")],
    properties=_one_place,
    caught=[
        (lambda x: x, "one point"),
        (lambda x: x[0], "nearest to the mean"),
        (lambda x: x[-1], "the centre of mass"),
        (lambda x: x.mean(0) + _end_point(SPIRAL) - SPIRAL.mean(0), "turn the data"),
        (lambda x: _end_point(SPIRAL + SHIFT), "move the data")])
