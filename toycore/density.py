"""The density through time: exact, on a lattice by the Fokker-Planck equation, along a path by the flow's divergence.

A process dx = f(x, t) dt + g dw carries its density by the Fokker-Planck equation

    dp/dt = -div(f p) + g^2/2 Laplace p.

VE: f = 0, g = 1 in the clock sigma^2.   VP: f = -x/2, g = 1 in the clock s = -log alpha_bar = log(1 + sigma^2).
"""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from torch import Tensor

from toycore import fields, gaussians
from toycore.checks import above, alike, as_batch, batched, denoiser, function, listed, number, numbers, positive
from toycore.frames import VE, Frame
from toycore.mixtures import GaussianMixture
from toycore.mixtures import of as mixture_of
from toycore.sigmas import upwards
from toycore.types import Denoiser, Label

Drift = Callable[[Tensor, float], Tensor]


def log_density(mixture: GaussianMixture, x: Tensor, sigma: Tensor | float, frame: Frame = VE) -> Tensor:
    """Return log p of the noised mixture at x in a frame's own coordinates, `[b]`: log p_sigma(x / c) - d log c."""
    mixture, x = mixture_of(mixture), batched(x)
    scale = _frame(frame).scale(numbers(sigma, "sigma", "a noise level", x.dtype)).reshape(-1, 1)
    return mixture.log_density(x / scale, sigma) - x.shape[1] * scale.log()[:, 0]


def _frame(frame: Frame) -> Frame:
    if not isinstance(frame, Frame):
        raise TypeError(f"frame is {frame!r}; it must be one of frames.VE, frames.VP, frames.FLOW")
    return frame


def shrink(x: Tensor, t: float = 0.0) -> Tensor:
    """Return -x/2, the drift of the VP process in the clock s = -log alpha_bar (Song et al. 2020, eq. 11)."""
    return -x / 2


def residual(
    log_p: Callable[[Tensor, Tensor], Tensor], drift: Callable[[Tensor], Tensor], g2: float, x: Tensor, t: float
) -> Tensor:
    """Return d(log p)/dt + div f + f . grad log p - g2/2 (Laplace log p + |grad log p|^2) at x, as `[b]`.

    It is (dp/dt + div(f p) - g2/2 Laplace p) / p, so it vanishes where log_p(x, t) solves the Fokker-Planck equation.
    """
    function(log_p, "log_p", "a function log_p(x, t) -> [b]"), function(drift, "drift", "a function drift(x)")
    number(t, "t"), number(g2, "g2", 0)
    x, time = as_batch(x).detach(), torch.full((len(x),), t, dtype=x.dtype, requires_grad=True)

    def slope(x: Tensor) -> Tensor:
        return torch.autograd.grad(log_p(x, time).sum(), x, create_graph=True)[0]

    rate = torch.autograd.grad(log_p(x, time).sum(), time)[0]
    score = slope(x.clone().requires_grad_()).detach()
    diffusion = fields.divergence(slope, x) + (score**2).sum(1)  # Laplace p / p
    return rate + fields.divergence(drift, x) + (drift(x) * score).sum(1) - g2 / 2 * diffusion


def cells(n: int = 100, extent: float = 3.0) -> Tensor:
    """Return the centres of n x n square cells on [-extent, extent]^2, `[n, n, 2]`, rows from below."""
    line = above(extent, "extent") * ((2 * torch.arange(positive(n), dtype=torch.float64) + 1) / n - 1)
    return torch.stack(torch.meshgrid(line, line, indexing="xy"), -1)


def histogram(x: Tensor, n: int = 100, extent: float = 3.0) -> Tensor:
    """Return the density of particles on the same cells, `[n, n]`: their share per cell over the cell's area."""
    as_batch(x, dim=2), positive(n), above(extent, "extent")
    place = ((x.double() / extent + 1) * n / 2).floor().long()
    inside = ((place >= 0) & (place < n)).all(1)
    count = (place[:, 1] * n + place[:, 0])[inside].bincount(minlength=n * n).reshape(n, n)
    return count / len(x) / (2 * extent / n) ** 2


def fokker_planck(p: Tensor, drift: Drift, g2: float, times: Tensor, extent: float = 3.0) -> Iterator[Tensor]:
    """Evolve p `[n, n]` on `cells` by finite volumes and yield it at each of the increasing times after the first.

    The flux through a face is F = f (p + p')/2 - D (p' - p)/h with D = max(g2, |f| h)/2: central, and upwind where the
    drift outruns the diffusion. What leaves a cell enters its neighbour and nothing crosses the border, so the mass is
    kept to rounding. Explicit Euler steps with D dt/h^2 <= 1/5; f(x, t) is read once per interval, at its middle.
    """
    n = len(_on_cells(p, "p"))
    function(drift, "drift", "a function drift(x, t) -> [b, 2]"), number(g2, "g2", 0), above(extent, "extent")
    times = listed(times, "times", "a list of two or more finite times that increase", dtype=torch.float64)
    for start, end in pairwise(times.tolist()):
        if not end > start:
            raise ValueError(f"times must increase; {start:.4g} is followed by {end:.4g}; try .flip(0)")
    return _evolve(p, drift, g2, times, 2 * extent / n, _faces(n, extent))


def _on_cells(p: Tensor, what: str) -> Tensor:
    if as_batch(p, what).ndim != 2 or p.shape[0] != p.shape[1]:
        raise ValueError(f"{what} has shape {tuple(p.shape)}; it must be [n, n], a density on cells(n, extent)")
    return p


def _evolve(
    p: Tensor, drift: Drift, g2: float, times: Tensor, h: float, faces: list[tuple[int, Tensor]]
) -> Iterator[Tensor]:
    for start, end in pairwise(times.tolist()):
        across, up = (drift(face.reshape(-1, 2), (start + end) / 2).reshape(face.shape)[..., i] for i, face in faces)
        spread = torch.stack([f.abs().max() for f in (across, up)]).max().mul(h).clamp(min=g2) / 2
        steps = math.ceil(5 * float(spread) * (end - start) / h**2)
        for _ in range(max(1, steps)):
            p = p - (end - start) / max(1, steps) * _outflow(p, across, up, g2, h)
        yield p


def _faces(n: int, extent: float) -> list[tuple[int, Tensor]]:
    """Return the inner faces: (0, centres of those crossed along x), (1, centres of those crossed along y)."""
    x = cells(n, extent)
    return [(0, (x[:, 1:] + x[:, :-1]) / 2), (1, (x[1:] + x[:-1]) / 2)]


def _outflow(p: Tensor, across: Tensor, up: Tensor, g2: float, h: float) -> Tensor:
    """Return div F of each cell."""

    def flux(f: Tensor, low: Tensor, high: Tensor) -> Tensor:
        return f * (low + high) / 2 - (f.abs() * h).clamp(min=g2) / 2 * (high - low) / h

    right, top = flux(across, p[:, :-1], p[:, 1:]), flux(up, p[:-1], p[1:])
    pad = torch.nn.functional.pad
    return (pad(right, (0, 1)) - pad(right, (1, 0)) + pad(top, (0, 0, 0, 1)) - pad(top, (0, 0, 1, 0))) / h


def total_variation(p: Tensor, q: Tensor, extent: float = 3.0) -> float:
    """Return half of the integral of |p - q| over the cells: 0 for equal densities, 1 for disjoint ones."""
    alike("p and q", _on_cells(p, "p"), _on_cells(q, "q"), "compare densities on the same cells")
    above(extent, "extent")
    return float((p - q).abs().sum() * (2 * extent / len(p)) ** 2 / 2)


def with_divergence(
    D: Denoiser, label: Label = None, divergence: Callable[..., Tensor] = fields.divergence
) -> Callable[[Tensor | float, tuple[Tensor, Tensor]], tuple[Tensor, Tensor]]:
    """Return the right-hand side (sigma, (x, l)) -> (eps_hat, div eps_hat) of the flow with its log-density's change.

    Along dx/dsigma = eps_hat(x, sigma) the density changes by d(log p)/dsigma = -div eps_hat (Chen et al. 2018, eq. 8).
    Any ODE solver can integrate it, such as torchdiffeq's adaptive ones.
    """
    D = denoiser(D)
    function(divergence, "divergence", "fields.divergence, or an estimate like fields.hutchinson")

    def rates(sigma: Tensor | float, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        def eps(x: Tensor) -> Tensor:
            return fields.noise(D, x, sigma, label)

        return eps(state[0]).detach(), divergence(eps, state[0])

    return rates


def log_likelihood(
    D: Denoiser, x: Tensor, sigmas: Tensor, label: Label = None, divergence: Callable[..., Tensor] = fields.divergence
) -> Tensor:
    """Return log p(x) in nats at the grid's lowest level, `[b]`, by Heun's method up the probability-flow ODE.

        log p_low(x) = log N(x_high; 0, sigma_high^2 I) + integral of div eps_hat dsigma along the path

    The grid must end above 0 and start far above the data's spread. Song et al. 2020 (2011.13456), eq. 39.
    """
    levels, rates = upwards(sigmas), with_divergence(D, label, divergence)
    total = as_batch(x).new_zeros(len(x))
    for sigma, sigma_up in pairwise(levels):
        h = sigma_up - sigma
        d, change = rates(sigma, (x, total))
        d_next, change_next = rates(sigma_up, (x + h * d, total))
        x, total = x + h * (d + d_next) / 2, total + h * (change + change_next) / 2
    return total + gaussians.log_density(x.flatten(1), 0.0, levels[-1] ** 2)
