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

Function = Callable[[Tensor | float], Tensor]


class Frame(NamedTuple):
    """One zoom: the factor scale(sigma), the clock time(sigma) and its inverse sigma(time)."""

    name: str
    scale: Function
    time: Function
    sigma: Function


def _real(f: Callable[[Tensor], Tensor]) -> Function:
    """Let f take numbers as well as tensors; numbers are read as float64."""

    def g(value: Tensor | float) -> Tensor:
        if not (isinstance(value, Tensor) and value.dtype.is_floating_point):
            value = torch.as_tensor(value, dtype=torch.float64)
        return f(value)

    return g


def alpha_bar(sigma: Tensor | float) -> Tensor:
    """Return the share of signal variance alpha_bar = 1 / (1 + sigma^2)."""
    return VP.time(sigma)


VE = Frame("VE", _real(torch.ones_like), _real(lambda s: s), _real(lambda s: s))
VP = Frame(
    "VP", _real(lambda s: (1 + s**2).rsqrt()), _real(lambda s: 1 / (1 + s**2)), _real(lambda a: (1 / a - 1).sqrt())
)
FLOW = Frame("FLOW", _real(lambda s: 1 / (1 + s)), _real(lambda s: s / (1 + s)), _real(lambda t: t / (1 - t)))


def ddpm_step(sigma: Tensor | float, grid: Tensor) -> Tensor:
    """Return the place of sigma on a discrete schedule as a real number in [0, T]: step i has level grid[T - i].

    grid: a decreasing list of T + 1 levels that ends in 0, such as `sigmas.ddpm()`; linear in log sigma between steps.
    """
    levels = grid.flip(0).double()
    sigma = torch.as_tensor(sigma, dtype=torch.float64).clamp(max=float(levels[-1]))
    i = torch.searchsorted(levels, sigma.reshape(-1)).clamp(1, len(levels) - 1)
    below, above = levels[i - 1], levels[i]
    part = torch.where(i > 1, (sigma.reshape(-1) / below).log() / (above / below).log(), sigma.reshape(-1) / above)
    return (i - 1 + part).reshape(sigma.shape)
