"""Exercises of notebook 12, Negatives, intervals, autoguidance."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore import exact, guidance, metrics, mixtures, samplers, sigmas
from toycore.check import Verdicts, call, close, exercise
from toycore.types import Denoiser, Label, column


@exercise(
    answer=lambda s_pos: s_pos - 1,
    mistakes={
        "one unit": lambda s_pos: s_pos,
        "from u": lambda s_pos: s_pos + 1,
        "minus sign": lambda s_pos: 1 - s_pos,
        "depends on s_pos": lambda s_pos: 1.0,
    },
)
def agree(attempt: Callable[[float], float]) -> Verdicts:
    """Give agree(s_pos): the s_neg for which u + s_pos (p - u) - s_neg (n - u) equals n + s_pos (p - n)."""
    at_1, at_2, at_5 = (float(call(attempt, s)) for s in (1.0, 2.0, 5.0))
    yield not (close(at_2, -1.0) and close(at_5, -4.0)), "right but for a minus sign: s_neg is subtracted already"
    yield not close(at_5, 6.0), "u must drop out: count the shares of u in the first formula, one comes from u itself"
    yield not close(at_5, 5.0), "close, but one unit off: how many u stand in u + s_pos (p - u) - s_neg (n - u)?"
    yield not close(at_2, at_5), "the answer depends on s_pos; compare the shares of u in both formulas"
    yield close(at_1, 0.0), "at s_pos = 1 the second formula is p alone; so the first needs no negative"
    D, x = exact.posterior_mean(mixtures.spiral(30, classes=3)), torch.randn(8, 2, dtype=torch.float64)
    two_term = guidance.negative(D, 1, 0, 5.0, at_5)(x, 0.3)
    yield close(two_term, guidance.negative(D, 1, 0, 5.0, form="replace")(x, 0.3)), "at s_pos = 5 they still differ"


def _within(
    closed: bool = True, swap: bool = False, first: bool = False
) -> Callable[[float, float, Denoiser, Denoiser], Denoiser]:
    """guidance.within, or one with a fault."""

    def within(low: float, high: float, inside: Denoiser, outside: Denoiser) -> Denoiser:
        def D(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
            level = column(sigma, x)[:1] if first else column(sigma, x)
            chosen = (low <= level) & (level <= high) if closed else level <= high
            a, b = (outside, inside) if swap else (inside, outside)
            return torch.where(chosen, a(x, sigma, label), b(x, sigma, label))

        return D

    return within


@exercise(
    answer=guidance.within,
    mistakes={
        "the wrong way round": _within(swap=True),
        "below low": _within(closed=False),
        "row by row": _within(first=True),
        "Denoiser": lambda low, high, inside, outside: inside(torch.zeros(1, 2), low),
    },
)
def within(attempt: Callable[..., Denoiser]) -> Verdicts:
    """Write within(low, high, inside, outside): a Denoiser that is inside(...) at low <= sigma <= high, else
    outside(...). sigma may be a number or one level per row.
    """

    def one(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        return torch.ones_like(x)

    def zero(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        return torch.zeros_like(x)

    D, x = call(attempt, 0.2, 1.0, one, zero), torch.randn(3, 2)
    yield callable(D), "a Denoiser is asked for: a function D(x, sigma, label) that your function defines and returns"
    middle, above, below = (call(D, x, sigma, None) for sigma in (0.5, 2.0, 0.1))
    yield not close(middle, zero(x, 0.5)), "at sigma = 0.5 you used `outside`: the wrong way round?"
    yield close(middle, one(x, 0.5)), "at sigma = 0.5 the answer must be that of `inside`"
    yield close(above, zero(x, 2.0)), "above high the answer must be that of `outside`"
    yield close(below, zero(x, 0.1)), "below low the answer must be that of `outside`; did you check one end only?"
    mixed = call(D, x, torch.tensor([0.1, 0.5, 2.0]), None)
    yield close(mixed[:, 0], [0.0, 1.0, 0.0]), "sigma may differ per row: choose row by row, with torch.where"


@exercise(
    answer=lambda D: guidance.within(0.2, 1.0, guidance.negative(D, None, 0, 0.0, 1.0), D),
    mistakes={
        "still holds": lambda D: guidance.negative(D, None, 0, 0.0, 0.1),
        "off the curve": lambda D: guidance.negative(D, None, 0, 0.0, 1.0),
        "more of it": lambda D: guidance.negative(D, None, 0, 0.0, -1.0),
        "only one class": lambda D: guidance.labelled(D, 2),
    },
)
def avoid(attempt: Callable[[Denoiser], Denoiser]) -> Verdicts:
    """Write avoid(D): a Denoiser made of D that brings the inner class (0) below 20 percent of the samples, with at
    most 2 percent of the samples farther than 0.1 from the curve. Classes 1 and 2 must both remain.
    """
    mixture = mixtures.spiral(300, classes=3)
    guided = call(attempt, exact.posterior_mean(mixture))
    noise = 40 * torch.randn(300, 2, generator=torch.Generator().manual_seed(0))
    x = samplers.final(samplers.ddim(guided, noise, sigmas.karras(30, 0.005, 40)))
    share = [metrics.own_share(x, mixture, c) for c in range(3)]
    off = float((metrics.distance(x, mixture.means) > 0.1).double().mean())
    yield share[0] < 0.4, f"class 0 has {share[0]:.0%} of the samples, more of it than without guidance: which sign?"
    yield share[0] < 0.2, f"class 0 still holds {share[0]:.0%} of the samples: push harder"
    yield off <= 0.02, f"{off:.0%} of the samples lie off the curve: at which noise levels does the push do harm?"
    yield min(share[1:]) > 0.1, "only one class is left; avoid class 0 without choosing among the others"
