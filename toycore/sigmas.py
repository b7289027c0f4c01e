"""Noise levels: a schedule is a list of numbers, strictly decreasing, that ends in 0.

Every grid has n + 1 values in float64 (n steps). A discrete DDPM schedule is a grid too: betas -> alpha_bar -> sigma,
with alpha_bar = 1 / (1 + sigma^2).
"""

import math

import torch
from torch import Tensor

from toycore.checks import above, listed, number, numbers, positive, stream
from toycore.types import Rng


def karras(n: int, low: float = 0.002, high: float = 80.0, rho: float = 7.0) -> Tensor:
    """Return (high^(1/rho) + i/(n-1) (low^(1/rho) - high^(1/rho)))^rho, i = 0..n-1, then 0; large rho: more near 0.

    Karras et al. 2022, eq. 5.
    """
    level_range(low, high)
    above(rho, "rho")
    ramp = torch.linspace(high ** (1 / rho), low ** (1 / rho), positive(n), dtype=torch.float64)
    return _end_in_zero(ramp**rho)


def log_linear(n: int, low: float = 0.01, high: float = 10.0) -> Tensor:
    """Return n levels from high to low in equal ratios, then 0."""
    level_range(low, high)
    return _end_in_zero(torch.linspace(math.log(high), math.log(low), positive(n), dtype=torch.float64).exp())


def ddpm(n: int | None = None, T: int = 1000, beta_start: float = 1e-4, beta_end: float = 0.02) -> Tensor:
    """Return the levels of DDPM's linear betas, all T or n of them evenly strided, then 0 (Ho et al. 2020, sec. 4)."""
    number(beta_start, "beta_start"), number(beta_end, "beta_end")
    betas = torch.linspace(beta_start, beta_end, positive(T, "T"), dtype=torch.float64)
    return from_betas(betas, n)


def cosine(n: int | None = None, T: int = 1000) -> Tensor:
    """Return the levels of the cosine schedule, betas capped at .999 (Nichol & Dhariwal 2021, eq. 17), then 0."""
    i = torch.arange(positive(T, "T") + 1, dtype=torch.float64)
    f = ((i / T + 0.008) / 1.008 * math.pi / 2).cos() ** 2
    return from_betas((1 - f[1:] / f[:-1]).clamp(max=0.999), n)


def stable_diffusion(n: int | None = None, T: int = 1000) -> Tensor:
    """Return Stable Diffusion's levels: the roots of beta run linearly from sqrt(.00085) to sqrt(.012), then 0."""
    roots = torch.linspace(0.00085**0.5, 0.012**0.5, positive(T, "T"), dtype=torch.float64)
    return from_betas(roots**2, n)


def flow(n: int, high: float = 80.0) -> Tensor:
    """Return n + 1 levels even in flow time t = sigma / (1 + sigma), from sigma = high down to 0."""
    above(high, "high")
    t = torch.linspace(high / (1 + high), 0, positive(n) + 1, dtype=torch.float64)
    return t / (1 - t)


def from_betas(betas: Tensor, n: int | None = None) -> Tensor:
    """Return sigma_i = sqrt((1 - alpha_bar_i) / alpha_bar_i), largest first, then 0.

    alpha_bar_i = prod_{j<=i} (1 - beta_j); n: that many of the levels, evenly strided.
    """
    alpha_bar = (1 - _betas(betas).double()).cumprod(0)
    return _end_in_zero(stride((1 / alpha_bar - 1).sqrt().flip(0), n))


def elbo_weight(betas: Tensor) -> Tensor:
    """Return the weight of |eps_hat - eps|^2 in the bound on the likelihood, for the steps t = 2..T of a DDPM chain.

        beta_t^2 / (2 s_t^2 alpha_t (1 - alpha_bar_t)),   s_t^2 = beta_t (1 - alpha_bar_(t-1)) / (1 - alpha_bar_t)

    with s_t^2 the variance of q(x_(t-1) | x_t, x0). Ho et al. 2020, eq. 12; L_simple (eq. 14) replaces it by 1.
    """
    betas = _betas(betas)
    alpha, alpha_bar = (1 - betas)[1:], (1 - betas).cumprod(0)
    variance = betas[1:] * (1 - alpha_bar[:-1]) / (1 - alpha_bar[1:])
    return betas[1:] ** 2 / (2 * variance * alpha * (1 - alpha_bar[1:]))


def step_weights(betas: Tensor) -> Tensor:
    """Return w `[T]` with eps = sum_i w_i z_i: how the noises z_i of T small steps make the one noise of the jump.

    x_i = sqrt(1 - beta_i) x_(i-1) + sqrt(beta_i) z_i shrinks earlier noise, so w_i^2 = (alpha_bar_T / alpha_bar_i)
    beta_i / (1 - alpha_bar_T); the squares sum to 1.
    """
    betas = _betas(betas)
    alpha_bar = (1 - betas).cumprod(0)
    return (alpha_bar[-1] / alpha_bar * betas / (1 - alpha_bar[-1])).sqrt()


def stride(levels: Tensor, n: int | None) -> Tensor:
    """Keep n evenly spaced entries of a list, the first and the last among them (n = 1: the first)."""
    levels = numbers(levels, "levels", "a list of noise levels")
    if n is None:
        return levels
    if positive(n) > len(levels):
        raise ValueError(f"n is {n}, but there are only {len(levels)} levels to choose from; ask for n <= T")
    return levels[torch.linspace(0, len(levels) - 1, n, dtype=torch.float64).round().long()]


def log_uniform(n: int, low: float, high: float, rng: Rng = None) -> Tensor:
    """Draw n levels `[n]` with log sigma uniform in [log low, log high], float32: the random levels of training."""
    level_range(low, high)
    return low * (high / low) ** torch.rand(positive(n), generator=stream(rng))


def decreasing(sigmas: Tensor) -> Tensor:
    """Return sigmas if they are two or more finite numbers >= 0, strictly decreasing; otherwise say which are not."""
    sigmas = listed(sigmas, "sigmas", "a list of two or more finite levels that decrease, as sigmas.karras(40) is")
    bad = (~(sigmas[1:] < sigmas[:-1])).nonzero().flatten()
    if len(bad):
        i = int(bad[0])
        raise ValueError(
            f"sigmas must decrease: sigmas[{i}] = {sigmas[i]:.4g} is followed by {sigmas[i + 1]:.4g}; try .flip(0)"
        )
    if sigmas[-1] < 0:
        raise ValueError(f"sigmas must be finite and >= 0; they run from {sigmas[0]:.4g} to {sigmas[-1]:.4g}")
    return sigmas


def upwards(sigmas: Tensor) -> list[float]:
    """Return the levels of a decreasing grid from its lowest up; at a lowest level of 0 eps_hat would be 0/0."""
    levels = decreasing(sigmas).flip(0).tolist()
    if levels[0] == 0:
        raise ValueError("the grid ends at sigma = 0, where eps_hat is 0/0; leave the last level out: sigmas[:-1]")
    return levels


def _end_in_zero(levels: Tensor) -> Tensor:
    return torch.cat([levels, levels.new_zeros(1)])


def _betas(betas: Tensor) -> Tensor:
    betas = numbers(betas, "betas", "a list of numbers between 0 and 1")
    if betas.ndim != 1 or not len(betas) or not ((betas > 0) & (betas < 1)).all():
        raise ValueError(f"betas must be a list of numbers between 0 and 1; got {betas}")
    return betas


def level_range(low: float, high: float) -> None:
    """Refuse what is no range of noise levels, 0 < low < high."""
    if not 0 < number(low, "low") < number(high, "high"):
        raise ValueError(f"low = {low} and high = {high}; noise levels need 0 < low < high (the last level 0 is added)")
