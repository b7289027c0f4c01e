"""The letters of the course: Denoiser, State, Label, and the shape algebra that every floor shares.

A model is a function `D(x, sigma, label=None) -> x0_hat`: given a noisy point x = x0 + sigma eps it returns the mean of
the clean points that it may come from. Arrays are `[b, 2]` or `[b, c, h, w]`; `label` is an integer tensor `[b]`, an
int, or None (unconditional; -1 inside a tensor means None for that row).
"""

from collections.abc import Callable
from numbers import Integral
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

Label = Tensor | int | None
Rng = torch.Generator | None  # None: torch's own stream


class Denoiser(Protocol):
    """Anything that can be called like this: exact, learned, guided."""

    def __call__(self, x: Tensor, sigma: Tensor | float, label: Label = None, /) -> Tensor:
        """Return x0_hat, shaped like x; sigma is a number or `[b]`."""
        ...


class State(NamedTuple):
    """One step of a walk: x = mean + noise is where the step ends, at level sigma.

    x0_hat is the Denoiser's answer at the step's start, `mean` the deterministic part of the step and
    `noise` the fresh random part (zeros for a deterministic sampler).
    """

    x: Tensor
    sigma: float
    x0_hat: Tensor
    mean: Tensor
    noise: Tensor


def column(value: Tensor | float, x: Tensor, what: str = "sigma") -> Tensor:
    """Shape a number or `[b]` so that it multiplies x `[b, ...]`, in x's dtype."""
    try:
        value = torch.as_tensor(value, dtype=x.dtype, device=x.device).reshape(-1, *[1] * (x.ndim - 1))
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{what} is {value!r}; it must be a number, or a tensor of one number per row of x") from None
    if len(value) not in (1, len(x)):
        raise ValueError(f"{what} has {len(value)} values for {len(x)} rows of x; give one number, or one per row")
    return value


def randn_like(x: Tensor, rng: Rng = None) -> Tensor:
    """Draw z ~ N(0, I) shaped like x from rng (None: torch's own stream)."""
    return torch.randn(x.shape, generator=rng, dtype=x.dtype).to(x.device)


def seeded(seed: int = 0) -> torch.Generator:
    """Return a stream of random numbers of its own that starts at `seed`: what every `rng` of the course takes."""
    if not isinstance(seed, Integral) or isinstance(seed, bool):
        raise TypeError(f"seed is {seed!r}; it must be a whole number")
    return torch.Generator().manual_seed(int(seed))


def squared_distance(x: Tensor, y: Tensor) -> Tensor:
    """Return |x_i - y_k|^2 as `[b, k]`, coordinate by coordinate (no cancellation as in x.x - 2 x.y + y.y)."""
    total = (x[:, :1] - y[:, 0]) ** 2
    for i in range(1, x.shape[1]):
        total = total + (x[:, i, None] - y[:, i]) ** 2
    return total


def in_chunks(f: Callable[..., Tensor], rows: int, *columns: Tensor | None) -> Tensor:
    """Apply f to at most `rows` rows of the columns at a time; a column that is None or has one row stays whole."""
    b = max(len(c) for c in columns if c is not None)
    if b <= rows:
        return f(*columns)
    cut = [[c] * -(-b // rows) if c is None or len(c) == 1 else c.split(rows) for c in columns]
    return torch.cat([f(*part) for part in zip(*cut, strict=True)])
