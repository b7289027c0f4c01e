"""Distributions whose answers are known by hand, each with its exact answer beside it.

Everything here is float64 and written without toycore's own formulas, so that it can judge them.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

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


def within(value: Tensor, truth: Tensor | float, standard_error: Tensor | float) -> None:
    """Assert that a statistic lies in its band of four standard errors."""
    off = (value - truth).abs() / standard_error
    assert (off < 4).all(), f"{value} is {float(off.max()):.1f} standard errors from {truth}"


def close(a: Tensor, b: Tensor | float, rtol: float = 1e-10, atol: float = 1e-10) -> None:
    """Assert equality up to rounding, with torch's message."""
    b = torch.as_tensor(b, dtype=a.dtype)
    torch.testing.assert_close(a, b.expand_as(a), rtol=rtol, atol=atol)
