"""Exercises of notebook 01, Adding noise."""

from bisect import bisect_left
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from toycore import frames, sigmas
from toycore.check import Verdicts, call, close, exercise


def _alpha_bar(betas: Tensor) -> Tensor:
    return frames.alpha_bar(sigmas.from_betas(betas)[:-1].flip(0))


@exercise(
    answer=_alpha_bar,
    mistakes={
        "only the last step": lambda betas: 1 - betas,
        "one number per step": lambda betas: (1 - betas).prod(),
        "product of the betas": lambda betas: betas.cumprod(0),
        "added": lambda betas: 1 - betas.cumsum(0),
        "factor on the signal": lambda betas: (1 - betas).sqrt().cumprod(0),
        "order": lambda betas: (1 - betas).flip(0).cumprod(0),
    },
)
def alpha_bar(attempt: Callable[[Tensor], Tensor]) -> Verdicts:
    """Write alpha_bar(betas): the share of signal variance after each step, `[T]`, from the T step variances."""
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    got = torch.as_tensor(call(attempt, betas))
    right = _alpha_bar(betas)
    yield (
        got.shape == betas.shape,
        "one number per step is needed, [T]: how much signal is left after 1, 2, 3, ... steps?",
    )
    yield not close(got, 1 - betas), "this is what only the last step leaves; what have the steps before it left?"
    yield (
        not close(got, betas.cumprod(0)),
        "this is a product of the betas; each step keeps which share of the variance?",
    )
    yield got.min() > 0, "a share of variance fell below 0: were the losses added, where shares must be multiplied?"
    yield (
        not close(got**2, right),
        "this is the factor on the signal, its square is the share of variance: which is asked?",
    )
    yield close(got[0], right[0]), "after step 1 the share must be 1 - betas[0]; yours is not: is the order reversed?"
    yield (got.diff() < 0).all(), "each step loses signal, so the list must fall strictly; yours does not"
    yield close(got, right, 1e-10), "the beginning is right, the rest is not: every step multiplies by its own 1 - beta"


def _shortest(limit: float = 1e-3) -> int:
    return bisect_left(range(5000), True, lo=1, key=lambda T: bool(frames.alpha_bar(sigmas.ddpm(T=T)[0]) < limit))


@exercise(
    answer=_shortest(),
    mistakes={
        "too few": 682,
        "too many": 1000,
        "chain of 1000": 826,
        "whole number": 0.5,
        "its root": 1366,
    },
)
def shortest(attempt: Any) -> Verdicts:
    """Give the smallest T for which linear betas from 1e-4 to 0.02 in T steps leave alpha_bar_T < 1e-3."""
    n, right = attempt, _shortest()
    yield isinstance(n, int) and 0 < n < 100_000, f"T counts steps, so it is a whole number above 0; you gave {n!r}"
    yield (
        n != _within(),
        "that is the step where the chain of 1000 crosses 1e-3; here the betas must reach 0.02 within T steps",
    )
    yield n != _shortest(1e-6), "alpha_bar is a variance; is it its root that you brought below 1e-3?"
    left = float(frames.alpha_bar(sigmas.ddpm(T=n)[0]))
    yield n >= right, f"too few: {n} steps leave alpha_bar_T = {left:.2e}"
    yield n <= right, f"too many: {n} steps leave alpha_bar_T = {left:.2e}, and a shorter chain is enough"


def _within() -> int:
    return int((_alpha_bar(torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)) >= 1e-3).sum()) + 1


@exercise(
    answer=lambda x, beta, z: (1 - beta) ** 0.5 * x + beta**0.5 * z,
    mistakes={
        "a variance": lambda x, beta, z: (1 - beta) ** 0.5 * x + beta * z,
        "keeps all of the signal": lambda x, beta, z: x + beta**0.5 * z,
        "shrinks too much": lambda x, beta, z: (1 - beta) * x + beta**0.5 * z,
        "adds no noise": lambda x, beta, z: (1 - beta) ** 0.5 * x,
        "the wrong way round": lambda x, beta, z: beta**0.5 * x + (1 - beta) ** 0.5 * z,
    },
)
def step(attempt: Callable[[Tensor, float, Tensor], Tensor]) -> Verdicts:
    """Repair step(x, beta, z): one step of DDPM's chain, which keeps points of variance 1 at variance 1."""
    one, zero = torch.ones(1, 2), torch.zeros(1, 2)
    signal, noise = (torch.as_tensor(call(attempt, *points)) for points in ((one, 0.19, zero), (zero, 0.19, one)))
    yield not close(noise, zero), "your step adds no noise: where does z enter?"
    yield (
        not close(signal, 0.19**0.5 * one),
        "signal and noise are the wrong way round: beta is small, and which part is small?",
    )
    yield not close(noise, 0.19 * one), "beta is a variance, but you multiply z by it: what is its standard deviation?"
    yield (
        not close(signal, one),
        "the step keeps all of the signal, so the cloud grows with every step: what makes room for the noise?",
    )
    yield (
        not close(signal, 0.81 * one),
        "the signal shrinks too much: its variance, not its size, must fall to 1 - beta",
    )
    yield (
        close(signal**2 + noise**2, one),
        "points of variance 1 must keep variance 1: the squares of both factors add up to 1",
    )
    yield close(signal, 0.9 * one), "at beta = 0.19 the signal must be multiplied by 0.9; yours is not"


@exercise(
    answer=lambda alpha_bar: (1 / alpha_bar - 1) ** 0.5,
    mistakes={
        "in the VP frame": lambda alpha_bar: (1 - alpha_bar) ** 0.5,
        "a variance": lambda alpha_bar: 1 / alpha_bar - 1,
        "upside down": lambda alpha_bar: (alpha_bar / (1 - alpha_bar)) ** 0.5,
    },
)
def level(attempt: Callable[[float], float]) -> Verdicts:
    """Write level(alpha_bar): the noise level sigma of x0 + sigma eps that has the same signal-to-noise ratio."""
    got = float(call(attempt, 0.2))
    yield (
        not close(got, 0.8**0.5),
        "that is the noise in the VP frame, where the signal has shrunk too: divide by what?",
    )
    yield not close(got, 4.0), "that is a variance, sigma^2 = 1/SNR; what is sigma?"
    yield not close(got, 0.5), "it is upside down: less signal must give a larger sigma"
    yield (
        close(got, float(frames.VP.sigma(0.2))),
        "at alpha_bar = 0.2 the noise is twice as large as the signal, so sigma = 2",
    )
    yield close(float(call(attempt, 0.9)), float(frames.VP.sigma(0.9))), "right at alpha_bar = 0.2, wrong at 0.9"
