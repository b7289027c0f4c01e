"""Exercises of notebook 00, Start here."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore.check import Verdicts, ask, close, exercise, unlike
from toycore.types import randn_like


def _two(seed: int) -> tuple[Tensor, Tensor]:
    """Four clean points and four noises."""
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(4, 2, generator=rng), torch.randn(4, 2, generator=rng)


@exercise(
    answer=lambda x0, sigma, eps: x0 + sigma * eps,
    mistakes={
        "does not depend on sigma": lambda x0, sigma, eps: x0 + eps,
        "clean point is missing": lambda x0, sigma, eps: sigma * eps,
        "sigma is a standard deviation": lambda x0, sigma, eps: x0 + sigma**2 * eps,
        "wrong side": lambda x0, sigma, eps: x0 - sigma * eps,
        "0.71 of eps": lambda x0, sigma, eps: x0 + sigma**0.5 * eps,
        "at the clean point's place": lambda x0, sigma, eps: eps + sigma * x0,
        "must stay whole": lambda x0, sigma, eps: (1 - sigma) * x0 + sigma * eps,
        "twice eps": lambda x0, sigma, eps: x0 + eps / sigma,
        "new noise": lambda x0, sigma, eps: x0 + sigma * torch.randn_like(x0),
    },
)
def noisy(attempt: Callable[[Tensor, float, Tensor], Tensor]) -> Verdicts:
    """Write noisy(x0, sigma, eps): the point x0 with the noise eps added at level sigma."""
    x0, eps = _two(0)
    x = ask(attempt, x0, 0.5, eps, shape=(4, 2))
    yield close(x, ask(attempt, x0, 0.5, eps)), "twice the same question, two answers: is there new noise beside eps?"
    yield not close(x, ask(attempt, x0, 2.0, eps)), "your answer does not depend on sigma: where does the level enter?"
    yield from unlike(
        x,
        {
            "the clean point is missing: what does noise get added to?": 0.5 * eps,
            "the noise stands at the clean point's place: which of the two does sigma make smaller?": eps + 0.5 * x0,
            "at level 0.5 the noise came out half as large as it should: sigma is a standard deviation, did you square"
            " it?": x0 + 0.25 * eps,
            "at level 0.5 you add 0.71 of eps: is sigma a variance, or already its root?": x0 + 0.5**0.5 * eps,
            "at level 0.5 you add twice eps: should more noise come from a larger or a smaller sigma?": x0 + 2 * eps,
            "the noise lands on the wrong side of x0: which sign does it carry?": x0 - 0.5 * eps,
            "your clean point shrinks; here it must stay whole: what multiplies it?": 0.5 * x0 + 0.5 * eps,
        },
    )
    yield (
        close(ask(attempt, x0, 0.5, 0 * eps), x0),
        "without noise, eps = 0, x0 must come back; what else do you do to it?",
    )
    yield close(x, x0 + 0.5 * eps), "at sigma = 0.5 half of eps should be added to x0; what does yours add?"
    x0, eps = _two(7)
    yield (
        close(ask(attempt, x0, 1.7, eps), x0 + 1.7 * eps),
        "right at sigma = 0.5, but not at 1.7: is every level the same?",
    )


@exercise(
    answer=lambda x, x0, sigma: (x - x0) / sigma,
    mistakes={
        "points from the noisy": lambda x, x0, sigma: (x0 - x) / sigma,
        "in units of sigma": lambda x, x0, sigma: x - x0,
        "divided by the variance": lambda x, x0, sigma: (x - x0) / sigma**2,
        "a bracket": lambda x, x0, sigma: x - x0 / sigma,
        "both points": lambda x, x0, sigma: x / sigma - x0,
        "twice": lambda x, x0, sigma: sigma * (x - x0),
        "what x0 has to do with it": lambda x, x0, sigma: x / sigma,
        "a difference": lambda x, x0, sigma: (x + x0) / sigma,
    },
)
def noise_in(attempt: Callable[[Tensor, Tensor, float], Tensor]) -> Verdicts:
    """Write noise_in(x, x0, sigma): the noise eps that leads from the clean x0 to the noisy x."""
    x0, eps = _two(1)
    x = x0 + 0.5 * eps
    got = ask(attempt, x, x0, 0.5, shape=(4, 2))
    yield from unlike(
        got,
        {
            "your arrow points from the noisy to the clean point: which way did the noise push?": -eps,
            "that is the displacement; eps is measured in units of sigma: what is missing?": 0.5 * eps,
            "you divided by the variance: which power of sigma is a length?": eps / 0.5,
            "sigma is used twice to shrink: x - x0 is sigma eps already, so what undoes it?": 0.25 * eps,
            "is there a bracket missing? What is divided by sigma, x0 or the difference?": x - x0 / 0.5,
            "you divide one of them by sigma; should it not be both points, or their difference?": x / 0.5 - x0,
            "you do not say what x0 has to do with it: where did the noise start?": x / 0.5,
            "you add the points, but a way from one to the other is a difference: which?": (x + x0) / 0.5,
        },
    )
    yield close(got, eps), "put your eps into x0 + sigma eps: do you get x back?"
    x0, eps = _two(8)
    yield close(ask(attempt, x0 + 1.7 * eps, x0, 1.7), eps), "right at sigma = 0.5, but not at 1.7: where is sigma?"


def _cloud(seed: int) -> Tensor:
    return randn_like(torch.empty(1000, 2), torch.Generator().manual_seed(seed))


@exercise(
    answer=_cloud,
    mistakes={
        "differ from call to call": lambda seed: torch.randn(1000, 2),
        "every seed": lambda seed: _cloud(0),
        "from 0 to 1": lambda seed: torch.rand(1000, 2, generator=torch.Generator().manual_seed(seed)),
        "1000 points": lambda seed: _cloud(seed)[:100],
        "no number beyond": lambda seed: (
            12**0.5 * (torch.rand(1000, 2, generator=torch.Generator().manual_seed(seed)) - 0.5)
        ),
        "two coordinates": lambda seed: _cloud(seed)[:, :1].repeat(1, 2),
        "moved or stretched": lambda seed: _cloud(0) + 0.01 * seed,
        "makes a generator": lambda seed: torch.randn(1000, 2, generator=seed),
        "variance": lambda seed: 2 * _cloud(seed),
    },
)
def cloud(attempt: Callable[[int], Tensor]) -> Verdicts:
    """Write cloud(seed): 1000 points of the plane from the standard normal distribution, the same for the same seed."""
    x = ask(attempt, 3)
    yield (
        x.shape == (1000, 2),
        f"a cloud of 1000 points of the plane has shape [1000, 2]; yours has {list(x.shape)}: why?",
    )
    yield close(x, ask(attempt, 3)), "two clouds of seed 3 differ from call to call: did you hand the generator over?"
    other = ask(attempt, 4, shape=(1000, 2))
    yield not close(x, other), "every seed gives the same cloud: where does the seed enter?"
    yield x.min() < 0, "your numbers lie evenly from 0 to 1: which function draws normal ones?"
    mean, std = x.mean(0), x.std(0)
    yield mean.abs().max() < 0.15, f"the middle of your cloud is {_pair(mean)}; where is that of a standard normal one?"
    yield (
        (std - 1).abs().max() < 0.1,
        f"your spreads are {_pair(std)}; what variance does a standard normal number have?",
    )
    yield x.abs().max() > 2.5, f"no number beyond {x.abs().max():.2f} among 2000: do normal numbers end anywhere?"
    alike = torch.corrcoef(torch.cat([x, other], 1).T).abs()
    yield alike[0, 1] < 0.2, "your two coordinates tell the same: is each of them drawn?"
    yield (
        alike[:2, 2:].max() < 0.2,
        "seed 4 gives the cloud of seed 3, moved or stretched: does the seed reach the generator?",
    )


def _pair(x: Tensor) -> str:
    return f"({x[0]:.2f}, {x[1]:.2f})"
