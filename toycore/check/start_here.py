"""Exercises of notebook 00, Start here."""

import torch
from torch import Tensor

from toycore.check import Exercise, Verdicts, close, normal
from toycore.types import randn_like, seeded

X0, EPS = normal(4, 2), normal(4, 2, seed=1)

noisy = Exercise(
    "Write noisy(x0, sigma, eps): the point x0 with the noise eps added at level sigma.",
    answer=lambda x0, sigma, eps: x0 + sigma * eps,
    more="Start at x0 and go sigma times the arrow eps.",
    why="The level is the length of the noise, measured in the units of the picture.",
    asks=[(X0, 0.5, EPS), (X0, 1.7, EPS)],
    mistakes=lambda x0, sigma, eps: [
        (x0 + eps, "your answer does not depend on sigma: where does the level enter?"),
        (sigma * eps, "the clean point is missing: what does noise get added to?"),
        (eps + sigma * x0, "the noise stands at the clean point's place: which of the two does sigma make smaller?"),
        (x0 + sigma**2 * eps, "at level 0.5 the noise is half as large as it should be: sigma is a standard deviation,"
                              " did you square it?"),
        (x0 + sigma**0.5 * eps, "at level 0.5 you add 0.71 of eps: is sigma a variance, or already its root?"),
        (x0 + eps / sigma, "at level 0.5 you add twice eps: should more noise come from a larger or a smaller sigma?"),
        (x0 - sigma * eps, "the noise lands on the wrong side of x0: which sign does it carry?"),
        ((1 - sigma) * x0 + sigma * eps, "your clean point shrinks; here it must stay whole: what multiplies it?")],
    properties=lambda noisy: [
        (close(noisy(X0, 0.5, 0 * EPS), X0), "without noise, eps = 0, x0 must come back; what else do you do to it?")],
    caught=[
        (lambda x0, sigma, eps: x0 + sigma * torch.randn_like(x0), "new noise beside eps"),
        (lambda x0, sigma, eps: x0 + sigma * eps + 1, "what else do you do"),
        (lambda x0, sigma, eps: x0 + 0.5 * eps, "not at 1.7")],
    again="asked twice, your function gives two answers: is there new noise beside eps?",
    otherwise="at sigma = 0.5 half of eps should be added to x0; what does yours add?",
    elsewhere="right at sigma = 0.5, but not at 1.7: is every level the same?")

noise_in = Exercise(
    "Write noise_in(x, x0, sigma): the noise eps that leads from the clean x0 to the noisy x.",
    answer=lambda x, x0, sigma: (x - x0) / sigma,
    more="Solve x = x0 + sigma eps for eps.",
    why="The way from x0 to x is sigma eps, so eps is that way in units of sigma.",
    asks=[(X0 + 0.5 * EPS, X0, 0.5), (X0 + 1.7 * EPS, X0, 1.7)],
    mistakes=lambda x, x0, sigma: [
        ((x0 - x) / sigma, "your arrow points from the noisy to the clean point: which way did the noise push?"),
        (x - x0, "that is the displacement; eps is measured in units of sigma: what is missing?"),
        ((x - x0) / sigma**2, "you divided by the variance: which power of sigma is a length?"),
        (sigma * (x - x0), "sigma is used twice to shrink: x - x0 is sigma eps already, so what undoes it?"),
        (x - x0 / sigma, "is there a bracket missing? What is divided by sigma, x0 or the difference?"),
        (x / sigma - x0, "you divide one of them by sigma; should it not be both points, or their difference?"),
        (x / sigma, "yours does not say what x0 has to do with it: where did the noise start?"),
        ((x + x0) / sigma, "you add the points, but the way from one to the other is a difference: which?")],
    caught=[(lambda x, x0, sigma: (x - x0) * 2.0, "not at 1.7")],
    otherwise="put your eps into x0 + sigma eps: do you get x back?",
    elsewhere="right at sigma = 0.5, but not at 1.7: where is sigma?")

def _cloud(seed: int) -> Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(1000, 2, generator=rng)

def _standard_normal(cloud) -> Verdicts:
    x, other = cloud(3), cloud(4)
    yield x.shape == (1000, 2), f"a cloud of 1000 points has shape [1000, 2]; yours has {list(x.shape)}: why?"
    yield not close(x, other), "every seed gives the same cloud: where does the seed enter?"
    yield x.min() < 0, "your numbers lie evenly from 0 to 1: which function draws normal ones?"
    mean, std = x.mean(0), x.std(0)
    yield mean.abs().max() < 0.15, f"the middle of your cloud is {_pair(mean)}; where is that of a standard normal one?"
    yield ((std - 1).abs().max() < 0.1,
           f"your spreads are {_pair(std)}; what variance does a standard normal number have?")
    yield x.abs().max() > 2.5, f"no number beyond {x.abs().max():.2f} among 2000: do normal numbers end anywhere?"
    alike = torch.corrcoef(torch.cat([x, other], 1).T).abs()
    yield alike[0, 1] < 0.2, "your two coordinates say the same: is each of them drawn?"
    yield (alike[:2, 2:].max() < 0.2,
           "seed 4 gives the cloud of seed 3, moved or stretched: does the seed reach the generator?")

def _pair(x: Tensor) -> str:
    return f"({x[0]:.2f}, {x[1]:.2f})"

def _uniform(seed: int) -> Tensor:
    return torch.rand(1000, 2, generator=seeded(seed))

cloud = Exercise(
    "Write cloud(seed): 1000 points of the plane from the standard normal distribution, the same for the same seed.",
    answer=_cloud,
    more="torch.randn takes a generator; torch.Generator().manual_seed(seed) makes one.",
    why="A generator of one's own gives the same numbers each time, whatever else draws.",
    asks=[(3,)],
    properties=_standard_normal,
    caught=[
        (_uniform, "evenly from 0 to 1"),
        (lambda seed: torch.randn(1000, 2), "hand the generator over"),
        (lambda seed: _cloud(0), "every seed"),
        (lambda seed: _cloud(seed)[:100], "1000 points"),
        (lambda seed: 12**0.5 * (_uniform(seed) - 0.5), "no number beyond"),
        (lambda seed: _cloud(seed)[:, :1].repeat(1, 2), "two coordinates"),
        (lambda seed: randn_like(torch.empty(1000, 2), seeded(0)) + 0.01 * seed, "moved or stretched"),
        (lambda seed: torch.randn(1000, 2, generator=seed), "makes a generator"),
        (lambda seed: 2 * _cloud(seed), "variance")],
    again="two clouds of seed 3 differ from call to call: did you hand the generator over?")
