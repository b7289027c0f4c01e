"""Steering that is exact: tilted laws, value functions, and walks that weigh and resample (notebook 12c).

q(x) = p(x) exp(r(x)) / Z            the tilted law; r(x) = s log p(c | x), or any reward
V(x, sigma) = log E[exp(r(x0)) | x]  its value function: q_sigma = p_sigma exp(V) / Z at every level
"""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from toycore import mixtures
from toycore.checks import as_batch, denoise, denoiser, function, label_rows, named, number, numbers, positive
from toycore.checks import stream as checked_stream
from toycore.samplers import Walk
from toycore.sigmas import decreasing
from toycore.types import Denoiser, Rng, State, column, randn_like

Reward = Callable[[Tensor], Tensor]  # r(x) -> [b]
LogWeight = Callable[[Tensor, Tensor | float], Tensor]  # (x, sigma) -> [b]
REWARD = "a function r(x) -> [b], a reward per point"
POINTS = 2**15  # of the quadrature, over all components
LOG_WEIGHT = "a function (x, sigma) -> [b], the log of a weight per particle"


# ---- the law that we want ---------------------------------------------------------------------------


class Tilted:
    """q(x) = p(x) exp(r(x)) / Z of a mixture p on the line or in the plane, for a reward r(x) <= 0.

    log_z is log Z = log sum_k w_k g_k, gains g_k = E[exp(r(x0))] over component k, by Gauss-Hermite quadrature.
    """

    def __init__(self, mixture: mixtures.Source, r: Reward) -> None:
        self.mixture, self.r = mixtures.of(mixture), function(r, "r", REWARD, 1)
        self.gains = _gains(self.mixture, r)
        self.log_z = float((self.mixture.weights.double() @ self.gains).log())

    def log_density(self, x: Tensor) -> Tensor:
        """Return log q(x) = log p(x) + r(x) - log Z as `[b]`."""
        return self.mixture.log_density(x) + self.r(x) - self.log_z

    def sample(self, n: int, rng: Rng = None) -> tuple[Tensor, Tensor]:
        """Draw x `[n, d]` and label `[n]` by rejection: x ~ p is kept with probability exp(r(x)), a share Z of them."""
        kept: list[tuple[Tensor, Tensor]] = []
        most = math.ceil(1.1 * positive(n) / math.exp(max(self.log_z, -9.0)))
        while sum(len(label) for _, label in kept) < n:
            x, label = self.mixture.sample(most, rng)
            log_keep = self.r(x)
            if (log_keep > 1e-4).any():
                raise ValueError(
                    f"r(x) reaches {float(log_keep.max()):.3g}; rejection needs r <= 0: subtract its maximum"
                )
            keep = torch.rand(most, generator=checked_stream(rng), dtype=x.dtype).log() < log_keep
            kept.append((x[keep], label[keep]))
        xs, labels = zip(*kept, strict=True)
        return torch.cat(xs)[:n], torch.cat(labels)[:n]

    def value(self, x: Tensor, sigma: Tensor | float) -> Tensor:
        """Return V(x, sigma) = log sum_k p(k | x) g_k as `[b]`, and r(x) at sigma = 0.

        Exact where r is constant across each component (always for bare points): then E[exp(r(x0)) | x, k] = g_k.
        """
        if not torch.as_tensor(sigma).any():
            return self.r(x)

        def rows(x: Tensor, sigma: Tensor, label: Tensor | None) -> Tensor:
            joint = self.mixture.log_joint(x, sigma)
            return (joint + self.gains.log().to(x.dtype)).logsumexp(1) - joint.logsumexp(1)

        return self.mixture.by_rows(rows, x, sigma)


def tilted(mixture: mixtures.Source, label: int, s: float) -> Tilted:
    """Return p(x) p(label | x)^s / Z: the law that guidance at scale s seems to draw from, and does not for s > 1."""
    mixture, s = mixtures.of(mixture), number(s, "s", 0)
    c = int(label_rows(_one(label), 1, mixture.classes))
    return Tilted(mixture, lambda x: s * mixture.class_log_posterior(x, 0.0)[:, c])


def _one(label: int) -> int:
    if label is None or (isinstance(label, Tensor) and label.ndim) or label == -1:
        raise ValueError(f"label is {label}; give the one class to lean to, a whole number from 0 on")
    return label


def _gains(mixture: mixtures.GaussianMixture, r: Reward) -> Tensor:
    """Return E[exp(r(m_k + std_k z))] as `[k]`, z ~ N(0, I), by Gauss-Hermite quadrature along each axis.

    The fewer components, the wider they are, as a rule, and the more nodes each of them gets.
    """
    k, d = mixture.means.shape
    if d > 2:
        raise ValueError(f"the mixture has {d} dimensions; the quadrature for Z is for the line and the plane")
    nodes = min(64, max(1, int((POINTS / k) ** (1 / d))))
    m = mixture.to(torch.float64)
    node, weight = (torch.from_numpy(part) for part in np.polynomial.hermite_e.hermegauss(nodes))
    z, w = torch.cartesian_prod(*[node] * d).reshape(-1, d), torch.cartesian_prod(*[weight / weight.sum()] * d)
    x = m.means[:, None] + m.std[:, None, None] * z  # [k, nodes^d, d]
    return _rewards(r, x.reshape(-1, d)).exp().reshape(k, -1) @ w.reshape(len(z), -1).prod(1)


def reward(goal: Tensor, strength: float) -> Reward:
    """Return r(x) = -strength |x - goal|^2 / 2: the nearer to the goal `[d]`, the better."""
    goal, strength = numbers(goal, "goal", "one point [d]"), number(strength, "strength", 0)
    return lambda x: -strength / 2 * ((x - goal.to(x)) ** 2).flatten(1).sum(1)


def rewarded(mixture: mixtures.Source, goal: Tensor, strength: float) -> tuple[mixtures.GaussianMixture, float]:
    """Return p(x) exp(r(x)) / Z, which is again a mixture, and log Z, for r = reward(goal, strength).

    With v = std_k^2, a = strength and n = 1 + a v: means (m_k + a v goal) / n, variances v / n, and weights
    w_k n^(-d/2) exp(-a |m_k - goal|^2 / (2 n)), whose sum is Z.
    """
    m, a = mixtures.of(mixture), number(strength, "strength", 0)
    goal = numbers(goal, "goal", "one point [d]").to(m.means)
    n = 1 + a * m.std**2
    log_w = m.weights.log() + reward(goal, a)(m.means) / n - m.means.shape[1] / 2 * n.log()
    means = (m.means + (n - 1)[:, None] * goal) / n[:, None]
    q = mixtures.GaussianMixture(means, m.std / n.sqrt(), log_w.softmax(0))
    return q, float(log_w.logsumexp(0))


def value(p: mixtures.GaussianMixture, q: mixtures.GaussianMixture, log_z: float) -> LogWeight:
    """Return V(x, sigma) = log Z + log q_sigma(x) - log p_sigma(x), exact where the tilted law q is a mixture.

    Since E[exp(r(x0)) | x] = int p(x0) exp(r(x0)) N(x; x0, sigma^2 I) dx0 / p_sigma(x) = Z q_sigma(x) / p_sigma(x).
    """
    return lambda x, sigma: log_z + q.log_density(x, sigma) - p.log_density(x, sigma)


def plug_in(D: Denoiser, r: Reward) -> LogWeight:
    """Return r(D(x, sigma)), the reward of the mean instead of the mean of exp(reward): what DPS puts for V.

    Chung et al. 2022 (2209.14687), section 3, with a reward in the place of the log-likelihood.
    """
    D, r = denoiser(D), function(r, "r", REWARD, 1)
    return lambda x, sigma: r(D(x, sigma) if torch.as_tensor(sigma).any() else x)


def steered(D: Denoiser, log_weight: LogWeight) -> Denoiser:
    """Return D + sigma^2 grad log_weight(x, sigma); with log_weight = V this is the denoiser of the tilted law.

    With log_weight = s log p(c | x, sigma) it is classifier guidance, and classifier-free guidance if the two agree.
    """
    D, log_weight = denoiser(D), function(log_weight, "log_weight", LOG_WEIGHT, 2)
    return lambda x, sigma, label=None: (
        D(x, sigma, label) + column(sigma, x) ** 2 * _with_slope(log_weight, x, sigma)[1]
    )


# ---- weights ----------------------------------------------------------------------------------------


def effective_size(log_w: Tensor) -> Tensor:
    """Return (sum w)^2 / sum w^2 over the last axis: as good as so many equal weights; between 1 and n.

    Kong 1992; Liu 2001, section 2.5.3.
    """
    w = _weights(log_w)
    return 1 / (w**2).sum(-1)


def resample(log_w: Tensor, rng: Rng = None) -> Tensor:
    """Return the rows that survive, `[..., n]`: row i about n w_i times, never off by one or more.

    Systematic resampling: n equally spaced points, shifted by one random number, fall on the line of summed weights.
    Kitagawa 1996, appendix.
    """
    w = _weights(log_w)
    n = w.shape[-1]
    shift = torch.rand(*w.shape[:-1], 1, generator=checked_stream(rng), dtype=w.dtype)
    return torch.searchsorted(w.cumsum(-1), (torch.arange(n) + shift) / n).clamp(max=n - 1)


def _weights(log_w: Tensor) -> Tensor:
    log_w = numbers(log_w, "log_w", "log weights [..., n]").double()
    if not log_w.ndim or not log_w.numel():
        raise ValueError(f"log_w has shape {tuple(log_w.shape)}; it must be log weights [..., n], n >= 1")
    if not (log_w.amax(-1) > -math.inf).all():
        raise ValueError("no particle of a population has a weight above 0; start with more, or weigh less harshly")
    return log_w.softmax(-1)


# ---- the walk ---------------------------------------------------------------------------------------


class Population(NamedTuple):
    """One step of a weighted walk; g populations of n particles, b = g n rows."""

    state: State  # after resampling: equal weights where rows is not 0, 1, 2, ...
    log_w: Tensor  # [g, n], before resampling
    size: Tensor  # [g], the effective size of log_w
    rows: Tensor  # [b], the row of each particle's parent
    log_z: Tensor  # [g], the estimate of log Z so far


def smc(
    D: Denoiser,
    x: Tensor,
    sigmas: Tensor,
    log_weight: LogWeight,
    rng: Rng = None,
    particles: int | None = None,
    proposal: Denoiser | None = None,
) -> Walk:
    """Walk down as a population that ends in p(x) exp(log_weight(x, 0)) / Z, p being what DDPM draws with D.

    `populations` says how, and gives the weights; here are their States alone.
    """
    return (step.state for step in populations(D, x, sigmas, log_weight, rng, particles, proposal))


def populations(
    D: Denoiser,
    x: Tensor,
    sigmas: Tensor,
    log_weight: LogWeight,
    rng: Rng = None,
    particles: int | None = None,
    proposal: Denoiser | None = None,
) -> Iterator[Population]:
    """Walk by guided DDPM steps, weigh each particle by what the step gets wrong, and resample.

    A step draws x' from N(mean, var) with the proposal (default: `steered(D, log_weight)`), where DDPM with D has
    N(m, var); with psi = exp(log_weight),

        w' = w N(x'; m, var) / N(x'; mean, var) psi(x', sigma') / psi(x, sigma).

    Each `particles` rows of x (default: all) are one population; one with an effective size below a half is resampled,
    and every one at the end. Any psi gives the same law as particles grow, the one at sigma = 0; one near exp(V) needs
    few. Wu et al. 2023 (2306.17775), algorithm 1; Skreta et al. 2025 (2503.02819) for continuous time.
    """
    x, levels = as_batch(x), decreasing(sigmas).tolist()
    n = len(x) if particles is None else positive(particles, "particles")
    if len(x) % n:
        raise ValueError(f"x has {len(x)} rows for populations of {n} particles; give a multiple of {n} rows")
    D, log_weight = denoiser(D), function(log_weight, "log_weight", LOG_WEIGHT, 2)
    guide = None if proposal is None else denoiser(proposal, "proposal")
    return _populations(D, x, levels, log_weight, checked_stream(rng), n, guide)


@torch.no_grad()
def _populations(
    D: Denoiser, x: Tensor, levels: list[float], log_weight: LogWeight, rng: Rng, n: int, guide: Denoiser | None
) -> Iterator[Population]:
    log_psi, slope = _with_slope(log_weight, x, levels[0])
    log_w, done = log_psi.double().reshape(-1, n), torch.zeros(len(x) // n).double()
    for sigma, below in pairwise(levels):
        x0_hat, keep = denoise(D, x, sigma), (below / sigma) ** 2
        var = below**2 * (1 - keep)
        aim = x0_hat if not var else x0_hat + sigma**2 * slope if guide is None else denoise(guide, x, sigma)
        mean, fresh = aim + keep * (x - aim), var**0.5 * randn_like(x, rng)
        ratio = _log_ratio(fresh, (1 - keep) * (aim - x0_hat), var)
        before, (log_psi, slope) = log_psi, _with_slope(log_weight, mean + fresh, below)
        gained = (ratio + log_psi - before).double().reshape(-1, n)
        log_w = torch.where(log_w == -math.inf, log_w, log_w + gained)  # a weight of 0 stays 0
        size, log_z = effective_size(log_w), done + log_w.logsumexp(1) - math.log(n)
        again = ((size < n / 2) | (below == levels[-1]))[:, None]
        rows = torch.where(again, resample(log_w, rng), torch.arange(n)) + n * torch.arange(len(log_w))[:, None]
        rows = rows.flatten()
        state = State(*((mean + fresh)[rows], below, aim[rows], mean[rows], fresh[rows]))
        yield Population(state, log_w, size, rows, log_z)
        x, log_psi, slope = state.x, log_psi[rows], slope[rows]
        done, log_w = torch.where(again[:, 0], log_z, done), torch.where(again, 0.0, log_w)


def _log_ratio(fresh: Tensor, push: Tensor, var: float) -> Tensor | float:
    """Return log N(x'; m, var) - log N(x'; m + push, var) at x' = m + push + fresh, `[b]`; without noise, 0."""
    return -((2 * fresh + push) * push).flatten(1).sum(1) / (2 * var) if var else 0.0


def _with_slope(log_weight: LogWeight, x: Tensor, sigma: Tensor | float) -> tuple[Tensor, Tensor]:
    """Return log_weight(x, sigma) `[b]` and its gradient in x; a weight that carries none only weighs."""
    with torch.enable_grad():
        x = as_batch(x).detach().requires_grad_()
        log_psi = _rewards(lambda x: log_weight(x, sigma), x, "log_weight(x, sigma)")
        slope = torch.autograd.grad(log_psi.sum(), x)[0] if log_psi.requires_grad else torch.zeros_like(x)
    return log_psi.detach(), slope


def _rewards(r: Reward, x: Tensor, what: str = "r(x)") -> Tensor:
    """Return r(x) if it is one number per row, none of them NaN; otherwise say what is needed."""
    values = r(x)
    if not isinstance(values, Tensor) or values.shape != x.shape[:1] or not values.is_floating_point():
        given = f"of shape {tuple(values.shape)}" if isinstance(values, Tensor) else named(values)
        raise ValueError(f"{what} is {given} for {len(x)} rows; it must be floats [{len(x)}], one per row")
    if not (values < math.inf).all():
        raise ValueError(f"{what} holds NaN or infinity; the log of a weight is finite, or -infinity for none")
    return values
