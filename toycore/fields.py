"""One Denoiser, three fields: noise, score and velocity are views of x0_hat = D(x, sigma).

    noise     eps_hat = (x - x0_hat) / sigma
    score     grad log p_sigma(x) = (x0_hat - x) / sigma^2           (Tweedie's formula, Efron 2011)
    velocity  d x_t / dt = eps_hat - x0_hat  of the flow x_t = (1 - t) x0 + t eps, t = sigma / (1 + sigma)

x is always in the VE frame, x = x0 + sigma eps.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from toycore.checks import batched, denoise, function, positive, shaped_like, stream
from toycore.types import Denoiser, Label, Rng, column


def noise(D: Denoiser, x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
    """Return eps_hat = (x - D(x, sigma, label)) / sigma, shaped like x."""
    above_zero = _above_zero(sigma, x)
    return (x - denoise(D, x, sigma, label)) / above_zero


def score(D: Denoiser, x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
    """Return the score (D(x, sigma, label) - x) / sigma^2 of the density noised to level sigma, shaped like x."""
    above_zero = _above_zero(sigma, x)
    return (denoise(D, x, sigma, label) - x) / above_zero**2


def velocity(D: Denoiser, x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
    """Return the flow's velocity eps_hat - x0_hat at x = x_t / (1 - t), shaped like x."""
    above_zero = _above_zero(sigma, x)
    x0_hat = denoise(D, x, sigma, label)
    return (x - x0_hat) / above_zero - x0_hat


def divergence(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return sum_i d f_i / d x_i as `[b]`, exactly, by one backward pass per coordinate; f works row by row."""
    with torch.enable_grad():
        x = batched(x).detach().requires_grad_()
        y = _differentiable(f, x).flatten(1)
        rows = (torch.autograd.grad(y[:, i].sum(), x, retain_graph=True)[0].flatten(1)[:, i] for i in range(y.shape[1]))
        return torch.stack(list(rows)).sum(0)


def hutchinson(f: Callable[[Tensor], Tensor], x: Tensor, rng: Rng = None, probes: int = 1) -> Tensor:
    """Return the mean of v . J v over `probes` random sign vectors v, `[b]`: the divergence on average.

    One backward pass per probe, whatever the dimension. With S = (J + J^T)/2 its variance is 2 sum_{i != j} S_ij^2 /
    probes: none comes from the diagonal. Hutchinson 1989; Grathwohl et al. 2018 (1810.01367), eq. 7.
    """
    with torch.enable_grad():
        x, rng = batched(x).detach().requires_grad_(), stream(rng)
        y, total = _differentiable(f, x), x.new_zeros(len(x))
        for _ in range(positive(probes, "probes")):
            v = torch.randint(2, x.shape, generator=rng).to(x) * 2 - 1
            total = total + (v * torch.autograd.grad(y, x, v, retain_graph=True)[0]).flatten(1).sum(1)
        return (total / probes).detach()


def _differentiable(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    function(f, "f", "a function of x, such as lambda x: fields.noise(D, x, 1.0)", 1)
    y = shaped_like(f(x), x, "f(x)", "a field has a vector per point")
    if not y.requires_grad:
        raise ValueError(
            "f(x) carries no gradient: f does not use x, or works under no_grad; its divergence is unknown"
        )
    return y


def _above_zero(sigma: Tensor | float, x: Tensor) -> Tensor:
    shown, sigma = sigma, column(sigma, batched(x))
    if not ((sigma > 0) & (sigma < math.inf)).all():
        raise ValueError(
            f"sigma is {shown}; noise, score and velocity are 0/0 at sigma = 0: ask for finite levels with sigma > 0"
            " (the smallest in use is 0.002)"
        )
    return sigma
