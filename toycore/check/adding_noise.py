"""Exercises of notebook 01, Adding noise."""

from bisect import bisect_left

import torch
from torch import Tensor

from toycore import frames, sigmas
from toycore.check import Exercise, Verdicts, normal

BETAS = torch.linspace(0.02, 0.4, 12, dtype=torch.float64)
LINEAR = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
FEW = torch.tensor([0.3, 0.1, 0.2, 0.05], dtype=torch.float64)

def _before_any_step(betas: Tensor) -> Tensor:
    return torch.cat([torch.ones(1), (1 - betas).cumprod(0)[:-1]])

def _shares(alpha_bar) -> Verdicts:
    left = alpha_bar(BETAS)
    yield left.min() > 0, "a share of variance fell to 0 or below: did you add losses, where shares must be multiplied?"
    yield (left.diff() < 0).all(), "each step loses signal, so the list must fall strictly; yours does not: what grows?"
    yield abs(left[0] - 0.98) < 1e-5, "after step 1 the share must be 1 - betas[0]; yours is not: what does it do?"

alpha_bar = Exercise(
    "Write alpha_bar(betas): the share of signal variance after each step, `[T]`, from the T step variances.",
    answer=lambda betas: (1 - betas).cumprod(0),
    more="One step keeps the share 1 - beta of the variance. Two steps keep the product of two shares; torch has"
         " cumprod for all the products at once.",
    why="Shares multiply, so alpha_bar is the running product of 1 - beta.",
    asks=[(BETAS,), (FEW,)],
    mistakes=lambda betas: [
        (1 - betas, "this is what only the last step leaves; what have the steps before it left?"),
        ((1 - betas).prod(),
         "one number per step is needed, [T]; yours is []: how much is left after 1, 2, 3, ... steps?"),
        (betas.cumprod(0), "this is a product of the betas; each step keeps which share of the variance?"),
        (1 - betas.cumsum(0), "your shares fall below 0: were the losses added, where shares must be multiplied?"),
        ((1 - betas).sqrt().cumprod(0),
         "this is the factor on the signal; which power of it is the share of variance?"),
        ((1 - betas).flip(0).cumprod(0), "is the order reversed? Which beta comes first?"),
        (1 - (1 - betas).cumprod(0), "this is the share of the noise; which share is left to the signal?"),
        (_before_any_step(betas), "your list starts before any step, with 1: what is left after the first?"),
        ((1 / (1 - betas).cumprod(0) - 1).sqrt(),
         "this is the noise level, sigma; which share of the variance is signal?"),
        (1 / (1 / (1 - betas).cumprod(0) - 1),
         "this is the ratio of signal to noise; which share of the whole is signal?"),
        ((1 - betas) ** torch.arange(1, len(betas) + 1), "every step has its own beta; why use the last one for all?"),
        ((-betas.cumsum(0)).exp(),
         "exp(-beta) is nearly 1 - beta, but the difference adds up: what does one step leave?")],
    properties=_shares,
    caught=[
        (lambda betas: 0.98 - 0 * betas, "fall strictly"),
        (lambda betas: (1 - betas).cumprod(0) * 0.9, "after step 1"),
        (lambda betas: 1 / betas.cumsum(0) - 5, "0 or below"),
        (lambda betas: (1 - BETAS).cumprod(0), "four other betas")],
    otherwise="the beginning is right; which beta do the later steps multiply by?",
    elsewhere="right for these betas, wrong for four other betas: where do they enter?")

def _shortest(limit: float = 1e-3) -> int:
    return bisect_left(range(5000), True, lo=1, key=lambda T: bool(frames.alpha_bar(sigmas.ddpm(T=T)[0]) < limit))

SHORTEST = _shortest()
CROSSING = int(((1 - LINEAR).cumprod(0) >= 1e-3).sum()) + 1  # of the chain of 1000

def _long_enough(T: float) -> Verdicts:
    yield int(T) == T and T > 0, f"T counts steps, so it is a whole number above 0; what would {T:g} steps be?"
    yield T <= 1000, "the chain of 1000 is long enough already, so why any T above 1000?"
    left = float(frames.alpha_bar(sigmas.ddpm(T=int(T))[0]))
    yield T >= SHORTEST, f"too few: T = {T:g} leaves alpha_bar_T = {left:.2e}; how much signal do more steps take?"
    yield T <= SHORTEST, f"too many: T = {T:g} leaves alpha_bar_T = {left:.2e}; is a shorter chain enough?"

shortest = Exercise(
    "Give the smallest T for which linear betas from 1e-4 to 0.02 in T steps leave alpha_bar_T < 1e-3.",
    answer=_shortest(),
    more="frames.alpha_bar(sigmas.ddpm(T=T)[0]) is what T steps leave. It falls with T: try 600 and 700, and halve.",
    why="Whatever T is, the betas have the mean 0.01, so alpha_bar_T is about exp(-0.01 T); a search does the rest.",
    mistakes=lambda: [
        (CROSSING, "that is the step where the chain of 1000 crosses 1e-3; where must the betas be after T steps?"),
        (_shortest(1e-6), "alpha_bar is a variance; is it its root that you brought below 1e-3?")],
    properties=_long_enough,
    caught=[(682, "too few"), (1000, "too many"), (0.5, "whole number"), (10**6, "any T above 1000")])

X, Z = normal(3, 2), normal(3, 2, seed=1)

def _one_step(step) -> Verdicts:
    signal = step(X, 0.19, 0 * Z)
    noise = step(X, 0.19, Z) - signal
    right = abs((signal / X).mean() - 0.9) < 1e-5
    yield right, "at beta = 0.19 the signal must be multiplied by 0.9: which power of 1 - beta is that?"
    yield (abs((noise / Z).mean() - 0.19**0.5) < 1e-5,
           "the squares of both factors must add up to 1: what is left for z beside 0.9?")

step = Exercise(
    "Repair step(x, beta, z): one step of DDPM's chain, which keeps points of variance 1 at variance 1.",
    answer=lambda x, beta, z: (1 - beta) ** 0.5 * x + beta**0.5 * z,
    more="beta is the fresh noise's variance, 1 - beta the share kept; a point is multiplied by a variance's root.",
    why="Variances add: (1 - beta) 1 + beta = 1.",
    asks=[(X, 0.19, Z), (X, 0.36, Z)],
    mistakes=lambda x, beta, z: [
        ((1 - beta) ** 0.5 * x, "your step adds no noise: where does z enter?"),
        ((1 - beta) * x + beta * z, "1 - beta and beta add up, but both are variances: what multiplies a point?"),
        (beta**0.5 * x + (1 - beta) ** 0.5 * z,
         "signal and noise are the wrong way round: beta is small, and which part is small?"),
        ((1 - beta) ** 0.5 * x + beta * z, "you multiply z by a variance, beta: what is its standard deviation?"),
        ((1 - beta) ** 0.5 * x - beta**0.5 * z,
         "minus z is as probable as z, so no harm is done; but z is to be added here: which sign?"),
        (beta**0.5 * z, "where has the point itself gone? A step keeps most of it"),
        (x + beta**0.5 * z,
         "the step keeps all of the signal, so the cloud grows with every step: what makes room for the noise?"),
        ((1 - beta) * x + beta**0.5 * z,
         "the signal shrinks too much: its variance, not its size, must fall to 1 - beta; so its size to?"),
        ((1 + beta) ** 0.5 * x + beta**0.5 * z, "your factors make it grow: which must be less than 1?")],
    properties=_one_step,
    caught=[
        (lambda x, beta, z: (1 - beta) ** 0.5 * x + beta**0.5 * torch.randn_like(x), "with the same z"),
        (lambda x, beta, z: 0.7 * x + 0.3 * z, "multiplied by 0.9"),
        (lambda x, beta, z: 0.9 * x + 0.3 * z, "squares of both"),
        (lambda x, beta, z: 0.9 * x + 0.19**0.5 * z, "for every beta")],
    again="two steps with the same z differ: do you draw other noise, where z is given?",
    otherwise="which factor stands before x, and which before z? Together they must keep a variance of 1",
    elsewhere="right at beta = 0.19, but not for every beta: where is it?")

level = Exercise(
    "Write level(alpha_bar): the noise level sigma of x0 + sigma eps that has the same signal-to-noise ratio.",
    answer=lambda alpha_bar: (1 / alpha_bar - 1) ** 0.5,
    more="In sqrt(a) x0 + sqrt(1 - a) eps divide everything by sqrt(a): what then stands before eps?",
    why="Dividing by sqrt(a) makes the signal whole and the noise sqrt((1 - a) / a).",
    asks=[(0.2,), (0.9,), (0.5,), (0.04,), (0.7,)],
    mistakes=lambda a: [
        ((1 - a) ** 0.5, "that is the noise in the VP frame, where the signal has shrunk too: divide by what?"),
        (1 / a - 1, "that is a variance, sigma^2 = 1/SNR; what is sigma?"),
        ((a / (1 - a)) ** 0.5, "it is upside down: should less signal give a larger or a smaller sigma?"),
        (1 - a, "that is the share of the noise variance; in which units is sigma?"),
        (a / (1 - a), "that is the signal-to-noise ratio itself; how does sigma follow from it?"),
        (a**-0.5, "that factor scales the signal back up; how large is the noise then?"),
        ((1 - a) ** 0.5 / a, "you divide by alpha_bar, a variance; by how much has the signal's size shrunk?"),
        ((1 - a) / a**0.5, "you divide a variance by a size; which root is missing?"),
        (-((1 / a - 1) ** 0.5), "a noise level is a length: can it be negative?")],
    caught=[(lambda a: (1 - 1 / a) ** 0.5, "complex"), (lambda a: 2.0, "wrong at alpha_bar = 0.9")],
    otherwise="at alpha_bar = 0.2 the variances of signal and noise are 1 to 4: so how wide is the noise?",
    elsewhere="right at alpha_bar = 0.2, wrong at {where}: does your formula hold for both?")
