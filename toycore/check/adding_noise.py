"""Exercises of notebook 01, Adding noise."""

from bisect import bisect_left
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from toycore import frames, sigmas
from toycore.check import Verdicts, ask, ask_number, close, exercise, number, unlike


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
        "share of the noise": lambda betas: 1 - _alpha_bar(betas),
        "before any step": lambda betas: torch.cat([torch.ones(1), _alpha_bar(betas)[:-1]]),
        "noise level": lambda betas: (1 / _alpha_bar(betas) - 1).sqrt(),
        "ratio": lambda betas: _alpha_bar(betas) / (1 - _alpha_bar(betas)),
        "has its own beta": lambda betas: (1 - betas) ** torch.arange(1, len(betas) + 1),
        "nearly": lambda betas: (-betas.cumsum(0)).exp(),
        "other betas": lambda betas: _alpha_bar(torch.linspace(1e-4, 0.02, 1000)),
    },
)
def alpha_bar(attempt: Callable[[Tensor], Tensor]) -> Verdicts:
    """Write alpha_bar(betas): the share of signal variance after each step, `[T]`, from the T step variances."""
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    got, right = ask(attempt, betas), _alpha_bar(betas)
    yield (
        got.shape == betas.shape,
        f"one number per step is needed, [T]; yours is {list(got.shape)}: how much is left after 1, 2, 3, ... steps?",
    )
    yield from unlike(
        got / right, {message: wrong / right for message, wrong in _taken_for(betas, right).items()}, 1e-3
    )
    yield (
        got.min() > 0,
        "a share of variance fell to 0 or below: were the losses added, where shares must be multiplied?",
    )
    yield (got.diff() < 0).all(), "each step loses signal, so the list must fall strictly; yours does not: what grows?"
    yield close(got[0], right[0]), "after step 1 the share must be 1 - betas[0]; yours is not: what does that step do?"
    yield (
        close(got / right, torch.ones(1000), 1e-3),
        "the beginning is right; which beta do the later steps multiply by?",
    )
    few = torch.tensor([0.3, 0.1, 0.2, 0.05], dtype=torch.float64)
    yield (
        close(ask(attempt, few), _alpha_bar(few)),
        "right for these betas, wrong for four other betas: where do they enter?",
    )


def _taken_for(betas: Tensor, right: Tensor) -> dict[str, Tensor]:
    """What students give for alpha_bar, by what to ask them."""
    return {
        "this is what only the last step leaves; what have the steps before it left?": 1 - betas,
        "this is a product of the betas; each step keeps which share of the variance?": betas.cumprod(0),
        "this is the factor on the signal, its square is the share of variance: which is asked?": right.sqrt(),
        "this is the share of the noise; which share is left to the signal?": 1 - right,
        "this is the noise level, sigma; which share of the variance is signal?": (1 / right - 1).sqrt(),
        "this is the ratio of signal to noise; which share of the whole is signal?": right / (1 - right),
        "your list starts before any step, with 1: what is left after the first?": torch.cat(
            [right.new_ones(1), right[:-1]]
        ),
        "is the order reversed? Which beta comes first?": right[-1]
        / torch.cat([right.new_ones(1), right[:-1]]).flip(0),
        "every step has its own beta; why do you use the last one for all?": (1 - betas) ** torch.arange(1, 1001),
        "exp(-beta) is nearly 1 - beta, but the difference adds up: what does one step leave?": (
            -betas.cumsum(0)
        ).exp(),
    }


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
        "any T above 1000": 10**6,
    },
)
def shortest(attempt: Any) -> Verdicts:
    """Give the smallest T for which linear betas from 1e-4 to 0.02 in T steps leave alpha_bar_T < 1e-3."""
    n, right = number(attempt), _shortest()
    yield n == int(n) and n > 0, f"T counts steps, so it is a whole number above 0; what would {n:g} steps be?"
    yield (
        n != _within(),
        "that is the step where the chain of 1000 crosses 1e-3; where must the betas be after T steps?",
    )
    yield n != _shortest(1e-6), "alpha_bar is a variance; is it its root that you brought below 1e-3?"
    yield n <= 1000, "the chain of 1000 is long enough already, so why any T above 1000?"
    left = float(frames.alpha_bar(sigmas.ddpm(T=int(n))[0]))
    yield right <= n, f"too few: T = {n:g} leaves alpha_bar_T = {left:.2e}; how much signal do more steps take?"
    yield right >= n, f"too many: T = {n:g} leaves alpha_bar_T = {left:.2e}; is a shorter chain enough?"


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
        "both are variances": lambda x, beta, z: (1 - beta) * x + beta * z,
        "as probable": lambda x, beta, z: (1 - beta) ** 0.5 * x - beta**0.5 * z,
        "other noise": lambda x, beta, z: (1 - beta) ** 0.5 * x + beta**0.5 * torch.randn_like(x),
        "for every beta": lambda x, beta, z: 0.9 * x + 0.19**0.5 * z,
        "make it grow": lambda x, beta, z: (1 + beta) ** 0.5 * x + beta**0.5 * z,
    },
)
def step(attempt: Callable[[Tensor, float, Tensor], Tensor]) -> Verdicts:
    """Repair step(x, beta, z): one step of DDPM's chain, which keeps points of variance 1 at variance 1."""
    x, z = torch.tensor([[1.0, -2.0], [0.5, 1.0]]), torch.tensor([[-0.5, 1.5], [1.0, -2.0]])
    new, signal = (ask(attempt, x, 0.19, noise, shape=x.shape) for noise in (z, 0 * z))
    yield close(new, ask(attempt, x, 0.19, z)), "two steps with the same z differ: do you draw other noise? z is given"
    noise = new - signal
    yield not close(noise, 0 * z), "your step adds no noise: where does z enter?"
    variances = close(signal, 0.81 * x) and close(noise, 0.19 * z)
    yield not variances, "1 - beta and beta add up, but both are variances: what multiplies a point?"
    yield from unlike(noise, {
        "signal and noise are the wrong way round: beta is small, and which part is small?": 0.9 * z,
        "beta is a variance, but you multiply z by it: what is its standard deviation?": 0.19 * z,
        "minus z is as probable as z, so no harm is done; but z is to be added here: which sign?": -(0.19**0.5) * z,
    })  # fmt: skip
    yield from unlike(signal, {
        "where has the point itself gone? A step keeps most of it": 0 * x,
        "the step keeps all of the signal, so the cloud grows with every step: what makes room for the noise?": x,
        "the signal shrinks too much: its variance, not its size, must fall to 1 - beta; so its size to?": 0.81 * x,
        "your factors make it grow: which must be less than 1?": 1.19**0.5 * x,
    })  # fmt: skip
    yield (
        close(signal, 0.9 * x),
        "at beta = 0.19 the signal must be multiplied by 0.9: which power of 1 - beta is that?",
    )
    yield close(noise, 0.19**0.5 * z), "the squares of both factors must add up to 1: what is left for z beside 0.9?"
    yield (
        close(ask(attempt, x, 0.36, z), 0.8 * x + 0.6 * z),
        "right at beta = 0.19, but not for every beta: where is it?",
    )


def _levels(a: float) -> dict[str, float]:
    """What students give for sigma at alpha_bar = a, by what to ask them."""
    return {
        "that is the noise in the VP frame, where the signal has shrunk too: divide by what?": (1 - a) ** 0.5,
        "that is a variance, sigma^2 = 1/SNR; what is sigma?": 1 / a - 1,
        "it is upside down: should less signal give a larger or a smaller sigma?": (a / (1 - a)) ** 0.5,
        "that is the share of the noise variance; in which units is sigma?": 1 - a,
        "that is the signal-to-noise ratio itself; how does sigma follow from it?": a / (1 - a),
        "that factor scales the signal back up; how large is the noise then?": a**-0.5,
        "you divide by alpha_bar, a variance; by how much has the signal's size shrunk?": (1 - a) ** 0.5 / a,
        "you divide a variance by a size; which root is missing?": (1 - a) / a**0.5,
        "a noise level is a length: can it be negative?": -((1 / a - 1) ** 0.5),
    }


@exercise(
    answer=lambda alpha_bar: (1 / alpha_bar - 1) ** 0.5,
    mistakes={
        "in the VP frame": lambda alpha_bar: (1 - alpha_bar) ** 0.5,
        "a variance, sigma^2": lambda alpha_bar: 1 / alpha_bar - 1,
        "upside down": lambda alpha_bar: (alpha_bar / (1 - alpha_bar)) ** 0.5,
        "share of the noise": lambda alpha_bar: 1 - alpha_bar,
        "ratio itself": lambda alpha_bar: alpha_bar / (1 - alpha_bar),
        "size shrunk": lambda alpha_bar: (1 - alpha_bar) ** 0.5 / alpha_bar,
        "scales the signal": lambda alpha_bar: alpha_bar**-0.5,
        "complex": lambda alpha_bar: (1 - 1 / alpha_bar) ** 0.5,
        "wrong at": lambda alpha_bar: 2.0,
    },
)
def level(attempt: Callable[[float], float]) -> Verdicts:
    """Write level(alpha_bar): the noise level sigma of x0 + sigma eps that has the same signal-to-noise ratio."""
    got = ask_number(attempt, 0.2)
    yield from unlike(got, _levels(0.2))
    yield close(got, 2.0), "at alpha_bar = 0.2 the variances of signal and noise are 1 to 4: so how wide is the noise?"
    for a in (0.9, 0.5, 0.04, 0.7):
        right = float(frames.VP.sigma(a))
        yield (
            close(ask_number(attempt, a), right),
            f"right at alpha_bar = 0.2, wrong at {a}: does your formula hold for both?",
        )
