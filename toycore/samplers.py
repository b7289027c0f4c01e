"""Samplers walk down a list of noise levels and yield a State per step.

    walk = samplers.ddim(D, x, sigmas.karras(40))
    x0 = samplers.final(walk)           # or: for state in walk: ...

x starts at level sigmas[0] in the VE frame: `sigmas[0] * randn`. A sampler is the formula of one step; the loop stands
once, in `_steps`. sigma' is the next level and eps_hat = (x - x0_hat) / sigma. D may be any Denoiser:
exact, learned, guided, for points or for pictures. A walk is lazy and draws from rng as it is read: two walks that are
read in turns need two generators.
"""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, MutableSequence, Sequence
from itertools import pairwise

import torch
from torch import Tensor

from toycore.checks import above, as_batch, denoiser, listed, named, number, share, stream
from toycore.sigmas import decreasing, upwards
from toycore.types import Denoiser, Label, Rng, State, randn_like

Walk = Iterator[State]
Parts = tuple[Tensor, Tensor, Tensor]  # of a step: x0_hat, mean, fresh
Step = Callable[[Tensor, float, float], Parts]  # of x from level sigma to level sigma'


def _walk(step: Step, x: Tensor, levels: Iterable[tuple[float, float]]) -> Walk:
    """Check the start when the walk is asked for, not at its first step."""
    return _steps(step, as_batch(x), levels)


def _steps(step: Step, x: Tensor, levels: Iterable[tuple[float, float]]) -> Walk:
    """Take one step per pair of levels (sigma, sigma'): x' = mean + fresh."""
    for sigma, sigma_next in levels:
        with torch.no_grad():
            x0_hat, mean, fresh = step(x, sigma, sigma_next)
        x = mean + fresh
        yield State(x, sigma_next, x0_hat, mean, fresh)


def _down(sigmas: Tensor) -> Iterator[tuple[float, float]]:
    return pairwise(decreasing(sigmas).tolist())


def ddpm(D: Denoiser, x: Tensor, sigmas: Tensor, label: Label = None, rng: Rng = None, noise: float = 1.0) -> Walk:
    """Walk down by forgetting a little of the noise and adding fresh noise at every step.

    The next point is drawn from the Gaussian q(x' | x, x0_hat) that the noising itself would pass through,

        x' = x0_hat + keep (x - x0_hat) + noise sigma' sqrt(1 - keep) z,    keep = (sigma'/sigma)^2,  z ~ N(0, I).

    noise = 1 is DDPM; noise = 0 keeps the mean and drops the random part (the "no noise" lesson).
    Ho et al. 2020, eq. 6-7 and algorithm 2 with posterior variance, in the VE frame.
    """
    D, rng, noise = denoiser(D), stream(rng), number(noise, "noise", 0)

    def step(x: Tensor, sigma: float, sigma_next: float) -> Parts:
        x0_hat = D(x, sigma, label)
        keep = (sigma_next / sigma) ** 2
        mean = x0_hat + keep * (x - x0_hat)
        return x0_hat, mean, noise * sigma_next * (1 - keep) ** 0.5 * randn_like(x, rng)

    return _walk(step, x, _down(sigmas))


def ddim(D: Denoiser, x: Tensor, sigmas: Tensor, label: Label = None, rng: Rng = None, eta: float = 0.0) -> Walk:
    """Walk down along the predicted noise; eta mixes fresh noise in (0: none, deterministic; 1: the law of DDPM).

        x' = x0_hat + sqrt(sigma'^2 - b^2) eps_hat + b z,    b = eta sigma' sqrt(1 - sigma'^2/sigma^2).

    eta = 0 is Euler's method on dx/dsigma = eps_hat. Song, Meng & Ermon 2020 (2010.02502), eq. 12 and 16.
    """
    D, rng, eta = denoiser(D), stream(rng), share(eta, "eta")

    def step(x: Tensor, sigma: float, sigma_next: float) -> Parts:
        x0_hat = D(x, sigma, label)
        b = eta * sigma_next * (1 - (sigma_next / sigma) ** 2) ** 0.5
        mean = x0_hat + (sigma_next**2 - b**2) ** 0.5 * (x - x0_hat) / sigma
        return x0_hat, mean, b * randn_like(x, rng) if eta else torch.zeros_like(x)

    return _walk(step, x, _down(sigmas))


def heun(D: Denoiser, x: Tensor, sigmas: Tensor, label: Label = None) -> Walk:
    """Walk down the probability-flow ODE dx/dsigma = eps_hat(x, sigma) with Heun's method, of second order.

        x_e = x + (sigma' - sigma) d               d  = eps_hat(x, sigma)
        x'  = x + (sigma' - sigma) (d + d') / 2    d' = eps_hat(x_e, sigma')

    Two evaluations per step, one in a last step to 0, where x' = x_e. Karras et al. 2022, algorithm 1.
    """
    return _walk(_heun(denoiser(D), label), x, _down(sigmas))


def _euler(D: Denoiser, label: Label) -> Step:
    def step(x: Tensor, sigma: float, sigma_next: float) -> Parts:
        x0_hat = D(x, sigma, label)
        return x0_hat, x + (sigma_next - sigma) * (x - x0_hat) / sigma, torch.zeros_like(x)

    return step


def _heun(D: Denoiser, label: Label) -> Step:
    def step(x: Tensor, sigma: float, sigma_next: float) -> Parts:
        x0_hat = D(x, sigma, label)
        d = (x - x0_hat) / sigma
        x_e = x + (sigma_next - sigma) * d
        if sigma_next == 0:
            return x0_hat, x_e, torch.zeros_like(x)
        d_next = (x_e - D(x_e, sigma_next, label)) / sigma_next
        return x0_hat, x + (sigma_next - sigma) * (d + d_next) / 2, torch.zeros_like(x)

    return step


def sde(
    D: Denoiser, x: Tensor, sigmas: Tensor, label: Label = None, rng: Rng = None, churn: float = 1.0, noise: float = 1.0
) -> Walk:
    """Walk down the reverse SDE by Euler-Maruyama; churn is the share of noise that is stirred in.

        dx = (1 + churn) eps_hat dsigma + sqrt(2 churn sigma |dsigma|) z
        x' = x + (1 + churn sigma'/sigma) (sigma' - sigma) eps_hat + noise sqrt(2 churn sigma' (sigma - sigma')) z

    The noise is that of the step's end, so that none is left over at 0. churn = 0 is the flow ODE (`ddim`); at 1, the
    reverse SDE, the mean is DDPM's. noise = 0 drops the random part, as in `ddpm`. Song et al. 2020 (2011.13456),
    eq. 6; Karras et al. 2022, eq. 6.
    """
    D, rng, churn, noise = denoiser(D), stream(rng), number(churn, "churn", 0), number(noise, "noise", 0)

    def step(x: Tensor, sigma: float, sigma_next: float) -> Parts:
        x0_hat = D(x, sigma, label)
        mean = x + (1 + churn * sigma_next / sigma) * (sigma_next - sigma) * (x - x0_hat) / sigma
        return x0_hat, mean, noise * (2 * churn * sigma_next * (sigma - sigma_next)) ** 0.5 * randn_like(x, rng)

    return _walk(step, x, _down(sigmas))


def dpmpp_2m(D: Denoiser, x: Tensor, sigmas: Tensor, label: Label = None) -> Walk:
    """Walk down the flow ODE by DPM-Solver++(2M): second order with one evaluation per step, using the step before.

        x' = (sigma'/sigma) x + (1 - sigma'/sigma) d,    d = x0_hat + (h'/2h) (x0_hat - last x0_hat)

    with h' = ln sigma/sigma' of this step and h of the last one. The first step, and one to 0, take d = x0_hat.
    Lu et al. 2022 (2211.01095), algorithm 2.
    """
    D, before, h = denoiser(D), x, math.inf

    def step(x: Tensor, sigma: float, sigma_next: float) -> Parts:
        nonlocal before, h
        x0_hat = D(x, sigma, label)
        h_next = math.log(sigma / sigma_next) if sigma_next else 0.0
        d = x0_hat + h_next / (2 * h) * (x0_hat - before)
        before, h = x0_hat, h_next
        return x0_hat, sigma_next / sigma * x + (1 - sigma_next / sigma) * d, torch.zeros_like(x)

    return _walk(step, x, _down(sigmas))


def invert(D: Denoiser, x: Tensor, sigmas: Tensor, label: Label = None, walk: Callable[..., Walk] = heun) -> Walk:
    """Walk the flow ODE upwards, from data x at the lowest level of the grid to the noise it comes from at the highest.

    walk: `ddim` (Euler, order 1) or `heun` (order 2); the same formulas, the levels in reverse. The grid must end
    above 0, where eps_hat is 0/0: `sigmas.log_linear(n)[:-1]`.
    """
    if walk not in (ddim, heun):
        raise ValueError("walk must be samplers.ddim or samplers.heun; the other walks cannot be reversed")
    step = _heun if walk is heun else _euler
    return _walk(step(denoiser(D), label), x, pairwise(upwards(sigmas)))


def langevin(D: Denoiser, x: Tensor, levels: Tensor, label: Label = None, rng: Rng = None, rate: float = 0.1) -> Walk:
    """Take one Langevin step at each of the levels, all above 0; repeat a level to stay there.

        x' = x + (h/2) score(x, sigma) + sqrt(h) z,    h = rate sigma^2

    At one level for long: samples of p_sigma from any start, but slowly from valley to valley. With levels that fall
    slowly, `grid.repeat_interleave(k)`: annealed Langevin dynamics (Song & Ermon 2019, 1907.05600, algorithm 1).
    """
    at = listed(levels, "levels", "a list of finite numbers above 0, one per step", least=1).tolist()
    if min(at) <= 0:
        raise ValueError(f"levels has {min(at)} in it; every level must lie above 0: leave a last 0 out")
    D, rng, rate = denoiser(D), stream(rng), number(above(rate, "rate"), "rate", 0, 1)

    def step(x: Tensor, sigma: float, _: float) -> Parts:
        x0_hat = D(x, sigma, label)
        mean = x + rate / 2 * (x0_hat - x)  # (h/2) score = (rate/2) (x0_hat - x)
        return x0_hat, mean, rate**0.5 * sigma * randn_like(x, rng)

    return _walk(step, x, zip(at, at))


MENU: dict[str, Callable[..., Walk]] = {  # the samplers that a live view offers, by their labels
    "DDPM": ddpm,
    "DDIM": ddim,
    "Heun (ODE)": heun,
    "reverse SDE": sde,
}


def final(walk: Iterable[State]) -> Tensor:
    """Return where a walk ends: x of its last State."""
    return _not_empty(deque(_read(walk), maxlen=1))[0].x


def stack(walk: Iterable[State]) -> Tensor:
    """Return the x of every State as `[steps, b, ...]`."""
    return torch.stack([state.x for state in _not_empty(list(_read(walk)))])


def _read(walk: Iterable[State]) -> Iterator[State]:
    if not isinstance(walk, Iterable):
        raise TypeError(f"walk is {named(walk)}; a walk yields States: samplers.ddim(D, x, sigmas)")
    for state in walk:
        if not isinstance(state, State):
            raise TypeError(f"walk yields {named(state)}; a walk yields States: samplers.ddim(D, x, sigmas)")
        yield state


def _not_empty(states: MutableSequence[State]) -> Sequence[State]:
    if not states:
        raise ValueError("the walk is empty: it was used up already; walks can be read once, so start a new one")
    return states
