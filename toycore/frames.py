"""VE, VP and flow are three zooms of one picture: x_frame = scale(sigma) x, each with a clock of its own.

frame   scale              clock
VE      1                  sigma
VP      1/sqrt(1+sigma^2)  alpha_bar = 1/(1+sigma^2)
FLOW    1/(1+sigma)        t = sigma/(1+sigma)
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from toycore.checks import numbers
from toycore.sigmas import decreasing

Function = Callable[[Tensor | float], Tensor]


class Frame(NamedTuple):
    """One zoom: the factor scale(sigma), the clock time(sigma) and its inverse sigma(time)."""

    name: str
    scale: Function
    time: Function
    sigma: Function


def _of(what: str, low: float, high: float, f: Callable[[Tensor], Tensor]) -> Function:
    """Let f take numbers as well as tensors, all in [low, high]; numbers are read as float64."""

    def g(value: Tensor | float) -> Tensor:
        if not (isinstance(value, Tensor) and value.dtype.is_floating_point):
            value = numbers(value, what, dtype=torch.float64)
        if value.device.type == "cpu" and not ((value >= low) & (value <= high)).all():
            need = f"be a number of at least {low:g}" if high == torch.inf else f"lie in [{low:g}, {high:g}]"
            raise ValueError(f"{what} is {value.tolist()}; it must {need}")
        return f(value)

    return g


def _level(f: Callable[[Tensor], Tensor]) -> Function:
    return _of("sigma", 0, torch.inf, f)


def alpha_bar(sigma: Tensor | float) -> Tensor:
    """Return the share of signal variance alpha_bar = 1 / (1 + sigma^2)."""
    return VP.time(sigma)


VE = Frame("VE", _level(torch.ones_like), _level(lambda s: s), _level(lambda s: s))
VP = Frame(
    "VP",
    scale=_level(lambda s: (1 + s**2).rsqrt()),
    time=_level(lambda s: 1 / (1 + s**2)),
    sigma=_of("alpha_bar", 0, 1, lambda alpha_bar: (1 / alpha_bar - 1).sqrt()),
)
FLOW = Frame(
    "FLOW",
    scale=_level(lambda s: 1 / (1 + s)),
    time=_level(lambda s: s / (1 + s)),
    sigma=_of("t", 0, 1, lambda t: t / (1 - t)),
)


def ddpm_step(sigma: Tensor | float, grid: Tensor) -> Tensor:
    """Return the place of sigma on a discrete schedule as a real number in [0, T]: step i has level grid[T - i].

    grid: a decreasing list of T + 1 levels that ends in 0, such as `sigmas.ddpm()`; linear in log sigma between steps.
    """
    levels, sigma = decreasing(grid).flip(0).double(), VE.sigma(sigma).double()
    sigma = sigma.clamp(max=float(levels[-1]))
    i = torch.searchsorted(levels, sigma.reshape(-1)).clamp(1, len(levels) - 1)
    below, above = levels[i - 1], levels[i]
    part = torch.where(i > 1, (sigma.reshape(-1) / below).log() / (above / below).log(), sigma.reshape(-1) / above)
    return (i - 1 + part).reshape(sigma.shape)
