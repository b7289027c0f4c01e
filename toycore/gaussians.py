"""Gaussians with independent axes in closed form: what VAEs and diffusion chains are made of.

Means and variances broadcast; the last axis is summed. All values are in nats.
"""

import math

import torch
from torch import Tensor

from toycore.checks import named, numbers

Value = Tensor | float


def log_density(x: Tensor, mean: Value, var: Value) -> Tensor:
    """Return log N(x; mean, diag var), the last axis summed."""
    var, mean = _above_zero(var, x), _fits(mean, x, "mean")
    return (-0.5 * (x - mean) ** 2 / var - 0.5 * (2 * math.pi * var).log()).sum(-1)


def _above_zero(var: Value, x: Tensor) -> Tensor:
    if not isinstance(x, Tensor) or not x.ndim or not x.is_floating_point():
        given = str(x.dtype) if isinstance(x, Tensor) else named(x)
        raise TypeError(f"x is {given}; it must be floats [..., d]: use torch.as_tensor(x).float()")
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
