"""Chains of Gaussian steps: the exact reverse step, DDPM's variances, what both cost in nats (notebooks 4, 5)."""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from toycore import exact, fields, mixtures
from toycore.checks import as_batch, batched, denoiser, function, number, numbers, positive, stream
from toycore.gaussians import expected_log_density
from toycore.sigmas import decreasing
from toycore.types import Denoiser, Rng, column


def reverse_kernel(source: mixtures.Source, x: Tensor, sigma: float, below: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return the exact q(x' | x) down to the level `below`: weights `[b, k]`, means `[b, k, d]`, variances `[k]`.

    For each component it is a Gaussian with mean m_k + (V'/V)(x - m_k) and variance V' (1 - V'/V), V = std_k^2 +
    sigma^2; the whole is their mixture, weighted by p(k | x). DDPM replaces it by one Gaussian.
    """
    _goes_down(sigma, below)
    m = mixtures.of(source).to(batched(x).dtype)
    V, V_below = m.std**2 + sigma**2, m.std**2 + below**2
    means = m.means + (V_below / V)[:, None] * (x[:, None] - m.means)
    return exact.responsibilities(m, x, sigma), means, V_below * (1 - V_below / V)


def reverse_densities(
    source: mixtures.Source, x: Tensor, sigma: float, below: float, line: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the density of q(x'|x) for one x `[1, 1]` on the points `line`, and of the Gaussian of its moments."""
    if as_batch(x).shape != (1, 1):
        raise ValueError(f"x has shape {tuple(x.shape)}; one place of the line is [1, 1]")
    weights, means, var = (part.reshape(-1, 1) for part in reverse_kernel(source, x, sigma, below))
    line = numbers(line, "line", "places on the line, [n]", x.dtype)
    true = (weights * _normal(line, means, var).exp()).sum(0)
    center = (weights * means).sum()
    return true, _normal(line, center, (weights * (var + (means - center) ** 2)).sum()).exp()


def gaussian_gap(mixture: mixtures.GaussianMixture, sigma: float, below: float, nodes: int = 64) -> float:
    """Return E_x KL(q(x'|x) || the Gaussian of the same mean and variance) in nats, for a mixture on the line, d = 1.

    KL = log(2 pi e Var)/2 - entropy; both expectations by Gauss-Hermite quadrature, component by component.
    """
    mixture = mixtures.of(mixture)
    if mixture.means.shape[1] != 1:
        raise ValueError(
            f"the mixture has {mixture.means.shape[1]} dimensions; quadrature is for the line, means [k, 1]"
        )
    node, weight = (torch.from_numpy(part) for part in np.polynomial.hermite_e.hermegauss(positive(nodes, "nodes")))
    weight, m = weight / weight.sum(), mixture.to(torch.float64)
    x = m.means + (m.std**2 + sigma**2).sqrt()[:, None] * node  # [k, nodes]: x ~ p_sigma, by its component
    r, mean, var = reverse_kernel(m, x.reshape(-1, 1), sigma, below)
    mean = mean[..., 0]  # [b, k]
    y = mean[..., None] + var.sqrt()[:, None] * node  # [b, k, nodes]: x' ~ q(x'|x), by its component
    log_q = (r[:, None, None].log() + _normal(y[..., None], mean[:, None, None], var)).logsumexp(-1)
    entropy = -(r * (log_q @ weight)).sum(1)
    center = (r * mean).sum(1, keepdim=True)
    matched = 0.5 * (2 * math.pi * math.e * (r * (var + (mean - center) ** 2)).sum(1)).log()
    return float(((matched - entropy).reshape(len(m.means), -1) @ weight) @ m.weights)


def chain_gap(mixture: mixtures.GaussianMixture, sigmas: Tensor) -> float:
    """Return the sum of `gaussian_gap` over the steps of a grid: what a chain of Gaussian steps loses, in nats."""
    return sum(gaussian_gap(mixture, *step) for step in pairwise(decreasing(sigmas).tolist()))


def _normal(y: Tensor, mean: Tensor, var: Tensor) -> Tensor:
    return -((y - mean) ** 2) / (2 * var) - 0.5 * (2 * math.pi * var).log()


def true_variance(v: float) -> Callable[[float, float], float]:
    """Return R(sigma, sigma') = V' (1 - V'/V), V = v + sigma^2: the variance of q(x'|x) for data N(0, v)."""
    number(v, "v", 0)

    def variance(sigma: float, below: float) -> float:
        _goes_down(sigma, below)
        return (v + below**2) * (1 - (v + below**2) / (v + sigma**2))

    return variance


def small_variance(sigma: float, below: float) -> float:
    """Return sigma'^2 (1 - sigma'^2/sigma^2), the variance of q(x'|x, x0): DDPM's smaller choice.

    Ho et al. 2020, eq. 7.
    """
    _goes_down(sigma, below)
    return below**2 * (1 - (below / sigma) ** 2)


def large_variance(sigma: float, below: float) -> float:
    """Return sigma^2 - sigma'^2: the variance of one noising step, in the VE frame.

    DDPM's larger choice, beta of its VP frame, is `true_variance(1)` here (Ho et al. 2020, section 3.2).
    """
    _goes_down(sigma, below)
    return sigma**2 - below**2


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


def ddpm_widened(D: Denoiser, x: Tensor, sigmas: Tensor, rng: Rng = None) -> Tensor:
    """Return where DDPM ends when each step has the variance of q(x'|x), the best that a Gaussian step can have.

        x' = x0_hat + keep (x - x0_hat) + sqrt(sigma'^2 (1 - keep) + (1 - keep)^2 Var(x0 | x)) z

    keep = (sigma'/sigma)^2, and Var(x0 | x) = sigma^2 div D / d per coordinate, at each x. Bao et al. 2022
    (Analytic-DPM, 2201.06503), theorem 1, take its mean over x.
    """
    D, rng = denoiser(D), stream(rng)
    for sigma, below in pairwise(decreasing(sigmas).tolist()):
        x0_hat, keep = D(x, sigma), (below / sigma) ** 2
        std = (below**2 * (1 - keep) + (1 - keep) ** 2 * _unsure(D, x, sigma)).sqrt()
        x = x0_hat + keep * (x - x0_hat) + column(std, x) * torch.randn(x.shape, generator=rng, dtype=x.dtype)
    return x


def _unsure(D: Denoiser, x: Tensor, sigma: float) -> Tensor:
    """Return Var(x0 | x) per coordinate, `[b]`: sigma^2 times the derivative of D, on average over its diagonal."""
    return (sigma**2 * fields.divergence(lambda u: D(u, sigma), x) / x[0].numel()).clamp(min=0)


def _goes_down(sigma: float, below: float) -> None:
    if not 0 <= number(below, "below") < number(sigma, "sigma"):
        raise ValueError(f"sigma = {sigma} and below = {below}; a reverse step goes down, 0 <= below < sigma")
