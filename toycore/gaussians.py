"""Gaussians with independent axes in closed form: what VAEs and diffusion chains are made of.

Means and variances broadcast; the last axis is summed. All values are in nats.
"""

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from toycore.checks import batched, function, number, numbers
from toycore.sigmas import decreasing

Value = Tensor | float


def log_density(x: Tensor, mean: Value, var: Value) -> Tensor:
    """Return log N(x; mean, diag var), the last axis summed."""
    var, mean = _above_zero(var, x), _fits(mean, x, "mean")
    return (-0.5 * (x - mean) ** 2 / var - 0.5 * (2 * math.pi * var).log()).sum(-1)


def _above_zero(var: Value, x: Tensor) -> Tensor:
    if not isinstance(x, Tensor) or not x.ndim or not x.is_floating_point():
        raise TypeError(f"x is a {type(x).__name__}; it must be a tensor of floats [..., d]: use torch.as_tensor(x)")
    var = _fits(var, x, "a variance")
    if not (var > 0).all():
        raise ValueError(f"a variance is {float(var.min())}; variances must be above 0 for a density")
    return var


def _fits(value: Value, x: Tensor, what: str) -> Tensor:
    """Return a mean or a variance as a tensor that broadcasts with x."""
    value = numbers(value, what, "a number, or a tensor that broadcasts with x", x.dtype).to(x.device)
    try:
        torch.broadcast_shapes(value.shape, x.shape)
    except RuntimeError:
        raise ValueError(
            f"{what} has shape {tuple(value.shape)} and x {tuple(x.shape)}; give a number, or one per coordinate"
        ) from None
    return value


def expected_log_density(mean: Tensor, var: Value, m: Value, v: Value) -> Tensor:
    """Return the mean of log N(x; m, v) over x ~ N(mean, var): log N(mean; m, v) - sum var / (2 v)."""
    var = numbers(var, "var", "a number or a tensor", mean.dtype)
    if (var < 0).any():
        raise ValueError(f"var is {float(var.min())} somewhere; a variance is 0 or more")
    return log_density(mean, m, v) - (var / torch.as_tensor(v, dtype=mean.dtype) / 2 + 0 * mean).sum(-1)


def kl(mean: Tensor, var: Value, m: Value = 0.0, v: Value = 1.0) -> Tensor:
    """Return KL(N(mean, var) || N(m, v)) = sum (var/v - 1 - log var/v + (mean - m)^2 / v) / 2, which is never negative.

    Kingma & Welling 2013 (1312.6114), appendix B, for m = 0 and v = 1.
    """
    ratio = _above_zero(var, mean) / _above_zero(v, mean)
    return 0.5 * (ratio - 1 - ratio.log() + (mean - m) ** 2 / v).sum(-1)


def true_variance(v: float) -> Callable[[float, float], float]:
    """Return R(sigma, sigma') = V' (1 - V'/V), V = v + sigma^2: the variance of q(x'|x) for data N(0, v)."""
    number(v, "v", 0)

    def variance(sigma: float, below: float) -> float:
        _goes_down(sigma, below)
        return (v + below**2) * (1 - (v + below**2) / (v + sigma**2))

    return variance


def small_variance(sigma: float, below: float) -> float:
    """Return sigma'^2 (1 - sigma'^2/sigma^2): the variance of q(x'|x, x0), DDPM's smaller choice (Ho et al. 2020, eq.
    7).
    """
    _goes_down(sigma, below)
    return below**2 * (1 - (below / sigma) ** 2)


def large_variance(sigma: float, below: float) -> float:
    """Return sigma^2 - sigma'^2: the variance of one noising step, in the VE frame.

    DDPM's larger choice, beta of its VP frame, is `true_variance(1)` here (Ho et al. 2020, section 3.2).
    """
    _goes_down(sigma, below)
    return sigma**2 - below**2


def _goes_down(sigma: float, below: float) -> None:
    if not 0 <= number(below, "below") < number(sigma, "sigma"):
        raise ValueError(f"sigma = {sigma} and below = {below}; a reverse step goes down, 0 <= below < sigma")


def chain_elbo(x0: Tensor, v: float, sigmas: Tensor, variance: Callable[[float, float], float]) -> Tensor:
    """Return the ELBO of a denoising chain at x0 `[b, d]`, data N(0, v I) seen at the lowest level, with exact means.

        ELBO = E[log p(x_T) + sum log p(x'|x) - sum log q(x|x')]

    over q(x_1..x_T | x0); p(x'|x) = N(V'/V x, variance(sigma, sigma')), V = v + sigma^2, and p(x_T) = N(0, V_T).
    It is at most the chain's own log p(x0), and on average over the data at most log N(x0; 0, v + sigma_low^2), which
    `true_variance` attains. Sohl-Dickstein et al. 2015, eq. 12; Ho et al. 2020, eq. 3.
    """
    batched(x0, "x0"), number(v, "v", 0), function(variance, "variance", "a function (sigma, below) -> variance")
    levels = decreasing(sigmas).tolist()
    added = [sigma**2 - levels[-1] ** 2 for sigma in levels]  # x_i | x0 ~ N(x0, added_i)
    total = expected_log_density(x0, added[0], 0.0, v + levels[0] ** 2)
    for (sigma, below), (s, s_below) in zip(pairwise(levels), pairwise(added), strict=True):
        shrink = (v + below**2) / (v + sigma**2)
        spread = s_below - 2 * shrink * s_below + shrink**2 * s  # of x' - shrink x, given x0
        total = total + expected_log_density((1 - shrink) * x0, spread, 0.0, variance(sigma, below))
        total = total + x0.shape[-1] / 2 * math.log(2 * math.pi * math.e * (sigma**2 - below**2))
    return total
