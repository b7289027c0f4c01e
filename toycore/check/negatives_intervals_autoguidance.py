"""Exercises of notebook 12, Negatives, intervals, autoguidance."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore import exact, guidance, metrics, mixtures, samplers, sigmas
from toycore.check import Refused, Verdicts, ask, ask_number, call, close, exercise, unlike
from toycore.types import Denoiser, Label, column

SCALES = {  # what students give for s_neg, by what to ask them
    "right but for a minus sign: is s_neg not subtracted already?": lambda s: 1 - s,
    "u must drop out: how many u stand in the first formula? One comes from u itself": lambda s: s + 1,
    "close, but one unit off: how many u stand in u + s_pos (p - u) - s_neg (n - u)?": lambda s: s,
    "one unit too far: how many u stand in u + s_pos (p - u) - s_neg (n - u)?": lambda s: s - 2,
    "half of it; which share of n has each formula?": lambda s: (s - 1) / 2,
    "twice as much; which share of n has each formula?": lambda s: 2 * (s - 1),
    "at s_pos = 1 the second formula is p alone; which negative does the first need there?": lambda s: s / 2,
    "that is no straight line in s_pos; are the shares of n and u in the formulas?": lambda s: s**2 - 1,
}


@exercise(
    answer=lambda s_pos: s_pos - 1,
    mistakes={
        **SCALES,
        "depends on s_pos": lambda s_pos: 1.0,
        "below 1": lambda s_pos: abs(s_pos - 1),
        "still differ": lambda s_pos: 1 - 1 / s_pos,
    },
)
def agree(attempt: Callable[[float], float]) -> Verdicts:
    """Give agree(s_pos): the s_neg for which u + s_pos (p - u) - s_neg (n - u) equals n + s_pos (p - n)."""
    probes = (1.0, 2.0, 5.0, 3.7)
    mine = [ask_number(attempt, s) for s in probes]
    depends = "the answer depends on s_pos; which share of u has each formula at s_pos = 2, and at 5?"
    yield mine[0] != mine[2] or mine[1] != mine[2], depends
    yield from unlike(mine, {message: [wrong(s) for s in probes] for message, wrong in SCALES.items()})
    D = exact.posterior_mean(mixtures.spiral(30, classes=3))
    x = torch.randn(8, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for s_pos, s_neg in zip(probes, mine, strict=True):
        two_term = guidance.negative(D, 1, 0, s_pos, s_neg)(x, 0.3)
        replaced = guidance.negative(D, 1, 0, s_pos, form="replace")(x, 0.3)
        yield (
            close(two_term, replaced, 1e-4),
            f"at s_pos = {s_pos:g} they still differ; which shares of p, n and u has each?",
        )
    yield close(ask_number(attempt, 0.3), -0.7), "right above 1, wrong below 1: is anything in the formulas positive?"


def _within(
    closed: bool = True, swap: bool = False, first: bool = False, ends: bool = True, told: bool = True
) -> Callable[[float, float, Denoiser, Denoiser], Denoiser]:
    """guidance.within, or one with a fault."""

    def within(low: float, high: float, inside: Denoiser, outside: Denoiser) -> Denoiser:
        def D(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
            level = column(sigma, x)[:1] if first else column(sigma, x)
            chosen = (low <= level) & (level <= high) if ends else (low < level) & (level < high)
            chosen = chosen if closed else level <= high
            a, b = (outside, inside) if swap else (inside, outside)
            return torch.where(chosen, a(x, sigma, label if told else None), b(x, sigma, label if told else None))

        return D

    return within


def _ones_and_zeros(low: float, high: float, inside: Denoiser, outside: Denoiser) -> Denoiser:
    """A Denoiser that asks neither of the two."""
    return _within()(low, high, lambda x, *_: 1 + 0 * x, lambda x, *_: 0 * x)


@exercise(
    answer=guidance.within,
    mistakes={
        "the wrong way round": _within(swap=True),
        "check one end only": _within(closed=False),
        "what chooses row by row": _within(first=True),
        "Denoiser": lambda low, high, inside, outside: inside(torch.zeros(1, 2), low),
        "belong to it": _within(ends=False),
        "the label": _within(told=False),
        "what `inside` says": _ones_and_zeros,
        "above high": lambda low, high, inside, outside: inside,
        "an if asks once": lambda low, high, inside, outside: (
            lambda x, sigma, label=None: inside(x, sigma, label) if low <= sigma <= high else outside(x, sigma, label)
        ),
        "D(x, sigma, label)": lambda low, high, inside, outside: (
            lambda x, sigma: inside(x, sigma) if low <= sigma <= high else outside(x, sigma)
        ),
    },
)
def within(attempt: Callable[..., Denoiser]) -> Verdicts:
    """Write within(low, high, inside, outside): a Denoiser that is inside(...) at low <= sigma <= high, else
    outside(...). sigma may be a number or one level per row.
    """
    D, x = call(attempt, 0.2, 1.0, _inner, _outer), torch.tensor([[1.0, 2.0], [-1.0, 0.5], [0.3, -2.0]])
    yield callable(D), "a Denoiser is asked for, a function D(x, sigma, label); does yours return one?"
    label = torch.tensor([0, 2, 1])
    middle, above, below, edge = (_told(D, x, sigma, label) for sigma in (0.5, 2.0, 0.1, 0.2))
    yield not close(middle, _outer(x, 0.5, label)), "at sigma = 0.5 you used `outside`: is it the wrong way round?"
    yield from unlike(middle, {"`inside` was asked without the label; which one was your D given?": _inner(x, 0.5)})
    yield close(middle, _inner(x, 0.5, label)), "at sigma = 0.5 the answer must be what `inside` says; do you ask it?"
    outer = "the answer must be that of `outside`; "
    yield close(above, _outer(x, 2.0, label)), f"above high {outer}what does yours ask there?"
    yield close(below, _outer(x, 0.1, label)), f"below low {outer}did you check one end only?"
    yield close(edge, _inner(x, 0.2, label)), "at sigma = low, `inside` must answer: do both ends belong to it?"
    levels, inner = torch.tensor([0.1, 0.5, 2.0]), torch.tensor([[False], [True], [False]])
    rows = torch.where(inner, _inner(x, levels, label), _outer(x, levels, label))
    yield (
        close(_told(D, x, levels, label), rows),
        "sigma may differ per row, as 0.1, 0.5, 2 here: what chooses row by row?",
    )


def _inner(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
    """Any Denoiser that depends on all it is told."""
    own = torch.zeros(len(x)) if label is None else torch.as_tensor(label).expand(len(x))
    return x / (1 + column(sigma, x)) + own[:, None]


def _outer(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
    return 3 - 2 * _inner(x, sigma, label)


def _told(D: Denoiser, x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
    """Ask the student's Denoiser."""
    try:
        return ask(D, x, sigma, label, shape=x.shape)
    except Refused as refusal:
        raise Refused(f"{refusal} (your Denoiser was asked as D(x, sigma, label), sigma {_kind(sigma)})") from None


def _kind(sigma: Tensor | float) -> str:
    return "one per row" if isinstance(sigma, Tensor) and sigma.ndim else "a number"


_UPRIGHT: Denoiser = exact.posterior_mean(mixtures.spiral(300, classes=3))


@exercise(
    answer=lambda D: guidance.within(0.2, 1.0, guidance.negative(D, None, 0, 0.0, 1.0), D),
    mistakes={
        "still holds": lambda D: guidance.negative(D, None, 0, 0.0, 0.1),
        "off the curve": lambda D: guidance.negative(D, None, 0, 0.0, 1.0),
        "more of it": lambda D: guidance.negative(D, None, 0, 0.0, -1.0),
        "only one class": lambda D: guidance.labelled(D, 2),
        "changes nothing": lambda D: D,
        "your Denoiser": lambda D: torch.zeros(300, 2),
        "did you ask the D": lambda D: guidance.within(
            0.2, 1.0, guidance.negative(_UPRIGHT, None, 0, 0.0, 1.0), _UPRIGHT
        ),
    },
)
def avoid(attempt: Callable[[Denoiser], Denoiser]) -> Verdicts:
    """Write avoid(D): a Denoiser made of D that brings the inner class (0) below 20 percent of the samples, with at
    most 2 percent of the samples farther than 0.1 from the curve. Classes 1 and 2 must both remain.
    """
    upright = mixtures.spiral(300, classes=3)
    mixture = mixtures.GaussianMixture(-upright.means, 0.02, label=upright.label)  # turned by 180 degrees
    D = exact.posterior_mean(mixture)
    guided = call(attempt, D)
    yield callable(guided), "your Denoiser must be a function D(x, sigma, label), made of D; what does yours return?"
    noise = 40 * torch.randn(300, 2, generator=torch.Generator().manual_seed(0))
    yield (
        not close(_told(guided, noise, 0.5), D(noise, 0.5)) or not close(_told(guided, noise, 5.0), D(noise, 5.0)),
        ("at sigma = 0.5 and at 5 your Denoiser changes nothing: what do you push away from, and where?"),
    )
    x = samplers.final(samplers.ddim(lambda *words: _told(guided, *words).float(), noise, sigmas.karras(30, 0.005, 40)))
    yield from _judged(x, mixture)


def _judged(x: Tensor, mixture: mixtures.GaussianMixture) -> Verdicts:
    """Judge 300 samples by their classes and their distance from the curve."""
    share = [metrics.own_share(x, mixture, c) for c in range(3)]
    off = float((metrics.distance(x, mixture.means) > 0.1).double().mean())
    elsewhere = float((metrics.distance(x, -mixture.means) < 0.1).double().mean())
    yield (
        elsewhere < 0.8,
        "your samples lie on the spiral of the course, but here it is turned: did you ask the D you were given?",
    )
    yield share[0] < 0.4, f"class 0 has {share[0]:.0%} of the samples, more of it than without guidance: which sign?"
    yield share[0] < 0.2, f"class 0 still holds {share[0]:.0%} of the samples: where, and how hard, should you push?"
    yield off <= 0.02, f"{off:.0%} of the samples lie off the curve: at which noise levels does the push do harm?"
    yield min(share[1:]) > 0.1, "only one class is left; how do you avoid class 0 without choosing among the others?"
