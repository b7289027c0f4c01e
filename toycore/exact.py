"""The perfect denoiser: for a mixture or a set of points, E[x0 | x] in closed form."""

import torch
from torch import Tensor

from toycore import mixtures
from toycore.checks import stream
from toycore.types import Denoiser, Label, Rng, randn_like


def posterior_mean(source: mixtures.Source) -> Denoiser:
    """Return the Denoiser D(x, sigma, label) = E[x0 | x0 + sigma eps = x, label] of a mixture or of bare points.

    With v_k = std_k^2 and responsibilities r_k proportional to w_k N(x; m_k, (v_k + sigma^2) I):

        D = sum_k r_k (sigma^2 m_k + v_k x) / (v_k + sigma^2)

    For bare points v = 0 and D is a weighted mean of the data, the weights of `responsibilities`; for a covariance per
    component, v_k is C_k. x: `[b, d]`, or the shape of the points. Differentiable; 200,000 queries stay far below 1 GB.
    """
    mixture = mixtures.of(source)

    def rows(x: Tensor, sigma: Tensor, label: Tensor | None) -> Tensor:
        m = mixture.to(x.dtype)
        r = m.log_joint(x, sigma, label).softmax(1)  # [b, k]
        if isinstance(m, mixtures.FullMixture):  # the same along the axes U_k of each C_k: m_k + U_k g U_k^T (x - m_k)
            g = m.v / m.variance(sigma)  # [1 or b, k, d]
            return m.back(r, g * m.along(x))
        if (m.std == m.std[0]).all():  # one std for all: D = x + g (sum_k r_k m_k - x), g = sigma^2 / (v + sigma^2)
            g = m.squared(sigma) / m.variance(sigma)[:, :1]
            return x + g * (r @ m.means - x)
        g = m.squared(sigma) / m.variance(sigma)  # [1 or b, k]
        return (r * g) @ m.means + (r * (1 - g)).sum(1, keepdim=True) * x

    def D(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        return mixture.by_rows(rows, x, sigma, label).reshape(x.shape)

    return D


def responsibilities(source: mixtures.Source, x: Tensor, sigma: float, label: Label = None) -> Tensor:
    """Return the posterior weights p(component k | x) as `[b, k]`: which data points could x have come from?"""
    mixture = mixtures.of(source)
    return mixture.by_rows(lambda *row: mixture.log_joint(*row).softmax(1), x, sigma, label)


def posterior_sample(source: mixtures.Source, x: Tensor, sigma: float, rng: Rng = None) -> Tensor:
    """Draw one x0 per row from p(x0 | x): a component by its responsibility, then its Gaussian posterior."""
    weights = responsibilities(source, x, sigma)
    k, z = torch.multinomial(weights, 1, generator=stream(rng))[:, 0], randn_like(x, rng).flatten(1)
    m = mixtures.of(source).to(x.dtype)
    v = m.std[k, None] ** 2
    g = m.squared(sigma) / (v + m.squared(sigma))
    return (g * m.means[k] + (1 - g) * x.flatten(1) + (v * g).sqrt() * z).reshape(x.shape)
