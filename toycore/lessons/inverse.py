"""Inverse problems: which clean points x0 may a measurement y = A x0 + std n come from?

For a Gaussian mixture the answer is a Gaussian mixture, `posterior`; beside it stand the methods that need no more than
a Denoiser. y: `[m]`, or one per row `[b, m]`; A: `[m, d]` with d numbers per point or pixels per picture; n ~ N(0, I).
"""

from collections.abc import Callable, Iterable
from itertools import pairwise

import torch
from torch import Tensor

from toycore import samplers
from toycore.checks import above, as_batch, batched, denoiser, finite, named, number, positive, stream
from toycore.mixtures import FullMixture, GaussianMixture, Source, of
from toycore.sigmas import decreasing
from toycore.types import Denoiser, Label, Rng, column, randn_like


def posterior(mixture: Source, A: Tensor, y: Tensor, std: float) -> GaussianMixture:
    """Return p(x0 | y): component k is conditioned like one Gaussian N(m_k, C_k), and weighed by how it predicted y.

        S_k = A C_k A^T + std^2 I,     K_k = C_k A^T S_k^-1
        weights  w_k N(y; A m_k, S_k)      means  m_k + K_k (y - A m_k)      covariances  (I - K_k A) C_k

    Bare points stay where they are and are weighed. std = 0 is an exact measurement, of a mixture that has no bare
    points. Weights below the least float32 are raised to it, so that no class is lost. Bishop 2006, eq. 2.113-2.117.
    """
    prior = of(mixture).to(torch.float64)
    A, y = _measurement(A, y, std, prior.means.shape[1])
    if y.ndim != 1:
        raise ValueError(f"y has shape {tuple(y.shape)}; a posterior belongs to one measurement [{len(A)}]")
    gap, dtype = y - prior.means @ A.T, of(mixture).means.dtype  # [k, m]
    if _bare(prior):
        log_w = prior.weights.log() - (gap**2).sum(1) / (2 * above(std, "std") ** 2)
        return GaussianMixture(prior.means, 0.0, _weights(log_w), prior.label).to(dtype)
    C = _covariance(prior)  # [k, d, d]
    L, failed = torch.linalg.cholesky_ex(A @ C @ A.T + std**2 * torch.eye(len(A), dtype=A.dtype))  # S_k = L L^T
    if failed.any():
        raise ValueError("std is 0 where A repeats a row, or some data are bare points: give the measurement a std > 0")
    white = torch.linalg.solve_triangular(L, gap[..., None], upper=False)[..., 0]
    log_w = prior.weights.log() - (white**2).sum(1) / 2 - L.diagonal(dim1=1, dim2=2).log().sum(1)
    gain = torch.cholesky_solve(A @ C, L).mT  # K_k, [k, d, m]
    means, rest = prior.means + (gain @ gap[..., None])[..., 0], torch.eye(A.shape[1], dtype=A.dtype) - gain @ A
    C = rest @ C @ rest.mT + std**2 * gain @ gain.mT  # = (I - K A) C, but never below 0
    return FullMixture(means, (C + C.mT) / 2, _weights(log_w), prior.label).to(dtype)


def _bare(mixture: GaussianMixture) -> bool:
    return not isinstance(mixture, FullMixture) and not mixture.std.any()


def _weights(log_w: Tensor) -> Tensor:
    return log_w.softmax(0).clamp(min=torch.finfo(torch.float32).tiny)


def _covariance(mixture: GaussianMixture) -> Tensor:
    if isinstance(mixture, FullMixture):
        return mixture.covariance
    return mixture.std[:, None, None] ** 2 * torch.eye(mixture.means.shape[1], dtype=mixture.means.dtype)


def dps(D: Denoiser, A: Tensor, y: Tensor, std: float, s: float = 1.0) -> Denoiser:
    """Return D + s sigma^2 grad_x log N(y; A D(x), std^2 I): the mean E[x0 | x] stands for every x0 it averages.

    Exact where x0 is certain (sigma -> 0); elsewhere too sure, since log E[N(y; A x0, std^2)] is not the same with the
    mean inside (the Jensen gap). Chung et al. 2022 (2209.14687), eq. 16; s multiplies their gradient.
    """
    s = number(s, "s", 0)
    return _pulled(D, A, y, std, lambda sigma: torch.zeros_like(sigma), s)


def pigdm(D: Denoiser, A: Tensor, y: Tensor, std: float, spread: float = 1.0) -> Denoiser:
    """Return D + sigma^2 J^T A^T (r^2 A A^T + std^2 I)^-1 (y - A D(x)), J = dD/dx: p(x0 | x) taken for N(D, r^2 I).

    r^2 = sigma^2 spread^2 / (sigma^2 + spread^2) is exact for data N(m, spread^2 I). Song et al. 2023 (PiGDM, ICLR),
    eq. 5-7, where spread = 1.
    """
    v = above(spread, "spread") ** 2
    return _pulled(D, A, y, std, lambda sigma: sigma**2 * v / (sigma**2 + v), 1.0)


def _pulled(D: Denoiser, A: Tensor, y: Tensor, std: float, doubt: Callable[[Tensor], Tensor], s: float) -> Denoiser:
    """Return D + s sigma^2 J^T A^T S^-1 (y - A D(x)) with S = doubt(sigma) A A^T + std^2 I."""
    D, (A, y) = denoiser(D), _measurement(A, y, std)
    lam, U = torch.linalg.eigh(A @ A.T)  # S^-1 = U diag(1 / (r^2 lam + std^2)) U^T
    above(std, "std")

    def pulled(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        with torch.enable_grad():
            x = _measured(batched(x), A, y).detach().requires_grad_()
            x0_hat = D(x, sigma, label)
            if not x0_hat.requires_grad:
                raise ValueError("D(x, sigma) carries no gradient; it must use x, and not under no_grad")
            a, u, level = A.to(x), U.to(x), column(sigma, x).reshape(-1, 1)
            gap = y.to(x) - x0_hat.detach().flatten(1) @ a.T
            force = (gap @ u / (doubt(level) * lam.to(x) + std**2)) @ u.T @ a
            pull = torch.autograd.grad(x0_hat, x, force.reshape(x.shape))[0]  # J^T force
        return (x0_hat + s * column(sigma, x) ** 2 * pull).detach()

    return pulled


def replacement(
    D: Denoiser, A: Tensor, y: Tensor, std: float, x: Tensor, sigmas: Tensor, label: Label = None, rng: Rng = None,
    times: int = 1,
) -> samplers.Walk:  # fmt: skip
    """Walk down by DDPM, and after each step put the measurement, noised to the same level, into its place.

        x <- x + A^T (y + sqrt(sigma^2 - std^2) z - A x)        where sigma >= std; A has orthonormal rows

    times: each step is taken so often, each time back up by fresh noise, so that the rest can adapt to what was put in.
    Lugmayr et al. 2022 (RePaint, 2201.09865), eq. 8 and algorithm 1.
    """
    D, (A, y), rng = denoiser(D), _measurement(A, y, std), stream(rng)
    if not torch.allclose(A @ A.T, torch.eye(len(A)).to(A), atol=1e-6):
        raise ValueError("the rows of A are not orthonormal; what is replaced are coordinates: give rows of torch.eye")
    levels, times = pairwise(decreasing(sigmas).tolist()), positive(times, "times")
    return _replacing(D, A.to(_measured(as_batch(x), A, y)), y.to(x), std, x, levels, label, rng, times)


def _replacing(
    D: Denoiser, A: Tensor, y: Tensor, std: float, x: Tensor, levels: Iterable[tuple[float, float]], label: Label,
    rng: Rng, times: int,
) -> samplers.Walk:  # fmt: skip
    for high, low in levels:
        step = torch.tensor([high, low], dtype=torch.float64)
        for again in range(times if low >= std else 1):
            if again:  # back up: noise of variance high^2 - low^2
                x = x + (high**2 - low**2) ** 0.5 * randn_like(x, rng)
            state = next(samplers.ddpm(D, x, step, label, rng))
            x = state.x
            if low >= std:
                measured = x.flatten(1) @ A.T
                noised = y + (low**2 - std**2) ** 0.5 * randn_like(measured, rng)
                x = x + ((noised - measured) @ A).reshape(x.shape)
        yield state._replace(x=x, mean=x - state.noise)


def sdedit(D: Denoiser, guide: Tensor, sigmas: Tensor, label: Label = None, rng: Rng = None) -> samplers.Walk:
    """Noise a guide `[b, ...]` to the first level of the grid and walk down from there by DDPM.

    Low levels keep the guide, high ones forget it: the start level trades faithfulness for realism. A guide
    that is itself x0 + std n needs no more noise: `samplers.ddpm(D, guide, sigmas)` from the level std draws from the
    posterior. Meng et al. 2022 (2108.01073), algorithm 1.
    """
    sigma = float(decreasing(sigmas)[0])
    return samplers.ddpm(D, as_batch(guide, "guide") + sigma * randn_like(guide, stream(rng)), sigmas, label, rng)


def _measurement(A: Tensor, y: Tensor, std: float, d: int = 0) -> tuple[Tensor, Tensor]:
    """Return A `[m, d]` and y `[m]` or `[b, m]` as float64; otherwise say what is wrong."""
    number(std, "std", 0)
    A, y = (_floats(value, what) for value, what in ((A, "A"), (y, "y")))
    if A.ndim != 2 or not A.numel() or (d and A.shape[1] != d):
        size = d or "d"
        raise ValueError(
            f"A has shape {tuple(A.shape)}; what measures points of {size} numbers is a tensor [m, {size}]"
        )
    if y.ndim not in (1, 2) or y.shape[-1] != len(A):
        raise ValueError(
            f"y has shape {tuple(y.shape)}; A measures {len(A)} numbers, so y is [{len(A)}] or a row of them per point"
        )
    return A, y


def _measured(x: Tensor, A: Tensor, y: Tensor) -> Tensor:
    """Return x `[b, ...]` if A measures such rows, and y is one for all or one per row; otherwise say what is wrong."""
    if A.shape[1] != x[0].numel():
        raise ValueError(f"A has {A.shape[1]} columns, and x {x[0].numel()} numbers per row; they must be as many")
    if y.ndim == 2 and len(y) != len(x):
        raise ValueError(f"y holds {len(y)} measurements for {len(x)} rows of x; give one [{len(A)}], or one per row")
    return x


def _floats(value: Tensor, what: str) -> Tensor:
    if not isinstance(value, Tensor) or not value.is_floating_point():
        given = str(value.dtype) if isinstance(value, Tensor) else named(value)
        raise TypeError(f"{what} is {given}; it must be a tensor of floats: torch.tensor([[1.0, 0.0]]) measures x1")
    return finite(value, what).double()
