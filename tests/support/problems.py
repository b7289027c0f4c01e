"""Distributions whose answers are known by hand, each with its exact answer beside it.

Everything here is float64 and written without toycore's own formulas, so that it can judge them.
"""

import io
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from toycore import mixtures


class Problem(NamedTuple):
    """A mixture and its posterior mean E[x0 | x] at level sigma, derived by hand."""

    mixture: mixtures.GaussianMixture
    posterior_mean: Callable[[Tensor, float], Tensor]
    mean: Tensor
    variance: Tensor  # of x0, per axis


POINT = torch.tensor([[0.3, -0.2]], dtype=torch.float64)
MODE = torch.tensor([0.6, 0.0], dtype=torch.float64)  # the two modes sit at +-MODE
STD = 0.25


def dirac() -> Problem:
    """All mass at one point: whatever x is, the answer is the point."""
    mixture = mixtures.GaussianMixture(POINT, 0.0)
    return Problem(mixture, lambda x, sigma: POINT.expand_as(x), POINT[0], torch.zeros(2))


def gaussian() -> Problem:
    """One Gaussian N(m, s^2): the answer is the precision-weighted mean of m and x."""
    mixture = mixtures.GaussianMixture(POINT, STD)

    def answer(x: Tensor, sigma: float) -> Tensor:
        return (x / sigma**2 + POINT / STD**2) / (1 / sigma**2 + 1 / STD**2)

    return Problem(mixture, answer, POINT[0], torch.full((2,), STD**2))


def two_modes() -> Problem:
    """Two equal Gaussians at +-m: shrink towards m tanh(m.x / v), v the noised variance."""
    mixture = mixtures.GaussianMixture(torch.stack([-MODE, MODE]), STD)

    def answer(x: Tensor, sigma: float) -> Tensor:
        v = STD**2 + sigma**2
        side = torch.tanh(x @ MODE / v)[:, None] * MODE
        return (STD**2 * x + sigma**2 * side) / v

    return Problem(mixture, answer, torch.zeros(2), STD**2 + MODE**2)


PROBLEMS = {"dirac": dirac, "gaussian": gaussian, "two modes": two_modes}


def gaussian_flow(x: Tensor, sigma: float, sigma_next: float) -> Tensor:
    """Where the probability-flow ODE of `gaussian` carries x: (x - m) scales with the noised std."""
    return POINT + (x - POINT) * math.sqrt((STD**2 + sigma_next**2) / (STD**2 + sigma**2))


def uneven(dtype: torch.dtype = torch.float64) -> mixtures.GaussianMixture:
    """A mixture with nothing equal: five means, five stds, five weights, three classes."""
    means = torch.tensor([[0.0, 0.0], [1.0, 0.2], [-0.7, 0.5], [0.1, -0.9], [0.6, 0.8]], dtype=dtype)
    std = torch.tensor([0.05, 0.3, 0.1, 0.2, 0.15])
    weights = torch.tensor([1.0, 3.0, 2.0, 0.5, 1.5])
    return mixtures.GaussianMixture(means, std, weights, torch.tensor([0, 1, 2, 0, 1]))


def slanted() -> mixtures.FullMixture:
    """The means, weights and classes of `uneven`, each with a covariance of its own, none of them along the axes."""
    m = uneven()
    turn = torch.tensor([[0.8, -0.6], [0.6, 0.8]], dtype=torch.float64)
    long, short = m.std[:, None], 0.3 * m.std[:, None]
    root = turn * torch.stack([long, short], 2)  # U diag(std)
    return mixtures.FullMixture(m.means, root @ root.mT, m.weights, m.label)


def within(value: Tensor, truth: Tensor | float, standard_error: Tensor | float) -> None:
    """Assert that a statistic lies in its band of four standard errors."""
    off = (value - truth).abs() / standard_error
    assert (off < 4).all(), f"{value} is {float(off.max()):.1f} standard errors from {truth}"


def close(a: Tensor, b: Tensor | float, rtol: float = 1e-10, atol: float = 1e-10) -> None:
    """Assert equality up to rounding, with torch's message."""
    b = torch.as_tensor(b, dtype=a.dtype)
    torch.testing.assert_close(a, b.expand_as(a), rtol=rtol, atol=atol)


def alike(a: Tensor, b: Tensor) -> None:
    """Assert that two computations of one value agree to 100 units in the last place of the largest entry.

    Kernels add in another order on another processor, in another memory layout, with other threads or `requires_grad`;
    a sum of n terms moves by about sqrt(n) units, and our widest sums have some thousand terms.
    """
    eps = torch.finfo(a.dtype).eps
    torch.testing.assert_close(a, b, rtol=0, atol=100 * eps * max(1.0, float(b.detach().abs().max())))


def pictures_alike(first: bytes, second: bytes) -> None:
    """Assert that two PNG files show one picture: on average their pixels differ by less than .05 of 255 levels.

    Rounding moves a line by a millionth of a pixel, some pixels by one level; other random points move many by 100.
    """
    a, b = (np.asarray(Image.open(io.BytesIO(file)).convert("RGB")).astype(float) for file in (first, second))
    assert a.shape == b.shape and np.abs(a - b).mean() < 0.05, "the two pictures differ"


def twins(a: nn.Module, b: nn.Module) -> bool:
    """Say whether two trainings of some steps had the same start and the same draws: mean |a - b| < 1e-4 over weights.

    Not the largest difference: Adam divides a slope by its size, so that rounding may turn the sign of a whole step
    where the slope is about 0. Other draws move the mean by 5e-4 in three steps, another start by .3.
    """
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    gaps = [(p.double() - q.double()).abs().flatten() for p, q in pairs]
    return float(torch.cat(gaps).mean()) < 1e-4
