"""Exercises of notebook 00, Start here."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore.check import Verdicts, call, close, exercise
from toycore.types import randn_like


@exercise(
    answer=lambda x0, sigma, eps: x0 + sigma * eps,
    mistakes={
        "does not depend on sigma": lambda x0, sigma, eps: x0 + eps,
        "clean point is missing": lambda x0, sigma, eps: sigma * eps,
        "sigma is a standard deviation": lambda x0, sigma, eps: x0 + sigma**2 * eps,
        "wrong side": lambda x0, sigma, eps: x0 - sigma * eps,
    },
)
def noisy(attempt: Callable[[Tensor, float, Tensor], Tensor]) -> Verdicts:
    """Write noisy(x0, sigma, eps): the point x0 with the noise eps added at level sigma."""
    rng = torch.Generator().manual_seed(0)
    x0, eps = torch.randn(4, 2, generator=rng), torch.randn(4, 2, generator=rng)
    x = call(attempt, x0, 0.5, eps)
    yield torch.as_tensor(x).shape == x0.shape, "the noisy points must have the shape of x0, [4, 2]; yours differ"
    yield not close(x, call(attempt, x0, 2.0, eps)), "your answer does not depend on sigma: where does the level enter?"
    yield (
        close(call(attempt, x0, 0.5, 0 * eps), x0),
        "with eps = 0 the clean point is missing: what does noise get added to?",
    )
    yield (
        not close(x, x0 + 0.25 * eps),
        "at level 0.5 the noise came out half as large as it should: sigma is a standard deviation, did you square it?",
    )
    yield not close(x, x0 - 0.5 * eps), "the noise lands on the wrong side of x0: which sign does it carry?"
    yield close(x, x0 + 0.5 * eps), "at sigma = 0.5 your points are not x0 plus half of eps"


@exercise(
    answer=lambda x, x0, sigma: (x - x0) / sigma,
    mistakes={
        "points from the noisy": lambda x, x0, sigma: (x0 - x) / sigma,
        "in units of sigma": lambda x, x0, sigma: x - x0,
        "divided by the variance": lambda x, x0, sigma: (x - x0) / sigma**2,
    },
)
def noise_in(attempt: Callable[[Tensor, Tensor, float], Tensor]) -> Verdicts:
    """Write noise_in(x, x0, sigma): the noise eps that leads from the clean x0 to the noisy x."""
    rng = torch.Generator().manual_seed(1)
    x0, eps = torch.randn(4, 2, generator=rng), torch.randn(4, 2, generator=rng)
    got = call(attempt, x0 + 0.5 * eps, x0, 0.5)
    yield not close(got, -eps), "your arrow points from the noisy to the clean point: which way did the noise push?"
    yield not close(got, 0.5 * eps), "that is the displacement; eps is measured in units of sigma: what is missing?"
    yield not close(got, eps / 0.5), "you divided by the variance: which power of sigma is a length?"
    yield close(got, eps), "x = x0 + sigma eps, solved for eps: yours does not give back the eps that went in"


def _cloud(seed: int) -> Tensor:
    return randn_like(torch.empty(1000, 2), torch.Generator().manual_seed(seed))


@exercise(
    answer=_cloud,
    mistakes={
        "differ from call to call": lambda seed: torch.randn(1000, 2),
        "every seed": lambda seed: _cloud(0),
        "from 0 to 1": lambda seed: torch.rand(1000, 2, generator=torch.Generator().manual_seed(seed)),
        "1000 points": lambda seed: _cloud(seed)[:100],
    },
)
def cloud(attempt: Callable[[int], Tensor]) -> Verdicts:
    """Write cloud(seed): 1000 points of the plane from the standard normal distribution, the same for the same seed."""
    x = torch.as_tensor(call(attempt, 3))
    yield x.shape == (1000, 2), f"a cloud of 1000 points of the plane has shape [1000, 2]; yours has {list(x.shape)}"
    yield close(x, call(attempt, 3)), "two clouds of seed 3 differ from call to call: did you hand the generator over?"
    yield not close(x, call(attempt, 4)), "every seed gives the same cloud: where does the seed enter?"
    yield float(x.min()) < 0, "your numbers lie evenly from 0 to 1: which function draws normal ones?"
    yield (
        (x.mean(0).abs() < 0.15).all() and ((x.std(0) - 1).abs() < 0.1).all(),
        "mean 0 and standard deviation 1, please",
    )
