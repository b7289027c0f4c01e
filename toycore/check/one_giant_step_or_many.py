"""Exercises of notebook 05, One giant step or many."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore import gaussians
from toycore.check import Verdicts, ask, call, close, exercise, numbers, unlike


def _kl(mean: Tensor, var: Tensor) -> Tensor:
    return 0.5 * (var + mean**2 - 1 - var.log()).sum(-1)


KLS = {  # what students take for the KL, by what to ask them
    "did you take the log of the standard deviation? The formula asks for the variance's": lambda m, v: (
        0.5 * (v + m**2 - 1 - v.sqrt().log()).sum(-1)
    ),
    "a KL is never negative; yours is: did you turn the whole of it round?": lambda m, v: -_kl(m, v),
    "the log pulls the other way: which sign makes a narrow Gaussian expensive?": lambda m, v: (
        0.5 * (v + m**2 - 1 + v.log()).sum(-1)
    ),
    "the mean is squared in the formula; how does yours enter?": lambda m, v: 0.5 * (v + m.abs() - 1 - v.log()).sum(-1),
    "the mean comes with its sign; can it make a distance smaller?": lambda m, v: 0.5 * (v + m - 1 - v.log()).sum(-1),
    "every term of it is half of what you give: which factor stands in front?": lambda m, v: 2 * _kl(m, v),
    "the half belongs to every term; does it stand before the mean's?": lambda m, v: _kl(m, v) + 0.5 * (m**2).sum(-1),
    "a KL adds up over the coordinates; is yours a mean?": lambda m, v: _kl(m, v) / m.shape[-1],
    "a Gaussian away from 0 costs more than one at 0; where is the mean?": lambda m, v: _kl(0 * m, v),
    "the log is missing: what keeps the variance from shrinking to 0?": lambda m, v: 0.5 * (v + m**2 - 1).sum(-1),
    "a KL has a direction; is yours from N(0, I) to q?": lambda m, v: 0.5 * ((1 + m**2) / v - 1 + v.log()).sum(-1),
    "nats come from the natural log; is yours of base 2?": lambda m, v: 0.5 * (v + m**2 - 1 - v.log2()).sum(-1),
    "you give bits; how many nats are in one?": lambda m, v: _kl(m, v) / 0.6931471805599453,
    "var is a variance already: why square it?": lambda m, v: _kl(m, v**2),
    "var is the variance itself, not its log: why the exponential?": lambda m, v: _kl(m, v.exp()),
    "the variance enters as it is; is yours under a root?": lambda m, v: 0.5 * (v.sqrt() + m**2 - 1 - v.log()).sum(-1),
}


@exercise(
    answer=_kl,
    mistakes={
        **KLS,
        "one number per row": lambda mean, var: 0.5 * (var + mean**2 - 1 - var.log()),
        "nothing to pay": lambda mean, var: 0.5 * (var + mean**2 - var.log()).sum(-1),
        "alone": lambda mean, var: _kl(mean, var)[:1].repeat(len(mean)),
    },
)
def kl(attempt: Callable[[Tensor, Tensor], Tensor]) -> Verdicts:
    """Write kl(mean, var): KL(N(mean, diag var) || N(0, I)) in nats, for mean and var of shape [b, d]; one per row."""
    rng = torch.Generator().manual_seed(0)
    mean, var = torch.randn(4, 3, generator=rng), 0.2 + torch.rand(4, 3, generator=rng)
    value = ask(attempt, mean, var)
    yield (
        value.shape == (4,),
        f"there must be one number per row, shape [4]; yours is {list(value.shape)}: which axis is to sum?",
    )
    yield from unlike(value, {message: wrong(mean, var) for message, wrong in KLS.items()})
    equal = ask(attempt, 0 * mean, 0 * var + 1)
    yield (
        close(equal, torch.zeros(4)),
        "a Gaussian equal to N(0, I) has nothing to pay, KL = 0; what does yours pay for?",
    )
    right = _kl(mean, var)
    yield (
        close(value, right) or not close(value[0], right[0]),
        "each row is judged alone; is yours the first row's for all?",
    )
    yield close(value, right), "for a mean of 0 and variances of 1 yours is right; which term is off elsewhere?"


def _posterior(x: Tensor, w: float, s: float) -> tuple[Tensor, float]:
    return w * x / (w**2 + s**2), s**2 / (w**2 + s**2)


def _elbo(x: Tensor, mean: Tensor, var: float, w: float, s: float) -> Tensor:
    column = torch.as_tensor(mean, dtype=x.dtype).reshape(-1, 1)
    fit = gaussians.expected_log_density(w * column, w**2 * var, x[:, None], s**2)
    return fit - gaussians.kl(column, var)


@exercise(
    answer=_posterior,
    mistakes={
        "two things": lambda x, w, s: w * x / (w**2 + s**2),
        "one number for all x": lambda x, w, s: (w * x / (w**2 + s**2), s**2 / (w**2 + s**2) + 0 * x),
        "first the mean": lambda x, w, s: (s**2 / (w**2 + s**2), w * x / (w**2 + s**2)),
        "invert the decoder": lambda x, w, s: (x / w, s**2 / (w**2 + s**2)),
        "run the decoder": lambda x, w, s: (w * x, s**2 / (w**2 + s**2)),
        "a copy of x": lambda x, w, s: (x, s**2 / (w**2 + s**2)),
        "code of x = 0": lambda x, w, s: (1 + w * x / (w**2 + s**2), s**2 / (w**2 + s**2)),
        "weights by precision": lambda x, w, s: (w * x / (w + s), s**2 / (w**2 + s**2)),
        "too sure": lambda x, w, s: (w * x / (w**2 + s**2), s**2 / (w**2 + s**2) / 2),
        "prior's variance": lambda x, w, s: (w * x / (w**2 + s**2), 1.0),
        "is a standard deviation": lambda x, w, s: (w * x / (w**2 + s**2), s / (w**2 + s**2) ** 0.5),
        "the decoder's own": lambda x, w, s: (w * x / (w**2 + s**2), s**2),
        "nats below": lambda x, w, s: (w * x / (w**2 + s**2), 0.5),
        "another decoder": lambda x, w, s: (0.8 * x / 0.89, 0.25 / 0.89),
    },
)
def encoder(attempt: Callable[[Tensor, float, float], tuple[Tensor, float]]) -> Verdicts:
    """Write encoder(x, w, s): mean [b] and variance of the best q(z|x) for p(z) = N(0, 1), p(x|z) = N(w z, s^2), on the
    line. It closes the gap between ELBO and log p(x) for every x.
    """
    x, w, s = torch.linspace(-2, 2, 9, dtype=torch.float64), 0.8, 0.5
    answer = call(attempt, x, w, s)
    pair = isinstance(answer, list | tuple) and len(answer) == 2
    yield pair, "two things are asked for, return mean, variance; how many does yours return?"
    mean, var = map(numbers, answer)
    yield (
        not (mean.numel() == 1 and var.shape == x.shape),
        "first the mean, one per x, then the variance: is yours turned?",
    )
    yield var.numel() == 1, "the variance is one number for all x: does it depend on x?"
    yield mean.shape == x.shape, f"one mean per x is needed, [9]; yours is {list(mean.shape)}: which axis is too many?"
    yield from _mean(mean, x, w, s)
    yield from _variance(float(var), w, s)
    gap = gaussians.log_density(x[:, None], 0.0, w**2 + s**2) - _elbo(x, mean, float(var), w, s)
    yield (
        float(gap.abs().max()) < 1e-5,
        f"the ELBO still lies {float(gap.max()):.3g} nats below log p(x): is q too wide?",
    )
    other = [numbers(part).reshape(-1) for part in call(attempt, x, 2.0, 0.3)]
    right = [torch.as_tensor(part).reshape(-1) for part in _posterior(x, 2.0, 0.3)]
    yield all(map(close, other, right)), "right for this w and s, wrong for another decoder: do both stand in yours?"


def _mean(mean: Tensor, x: Tensor, w: float, s: float) -> Verdicts:
    yield from unlike(mean, {
        "you invert the decoder as if it had no noise; what does the prior N(0, 1) say to a large code?": x / w,
        "you run the decoder, which leads from z to x; what leads back?": w * x,
        "your code is a copy of x; on which scale is z?": x,
        "the decoder's noise shrinks the code; which variance stands below the fraction?": w * x / (1 + s**2),
    })  # fmt: skip
    yield close(mean[4], 0.0), "by symmetry the code of x = 0 must be 0; yours is not: what moves it?"
    yield (
        close(mean, _posterior(x, w, s)[0]),
        "the mean is off: prior and likelihood combine with weights by precision; which?",
    )


def _variance(var: float, w: float, s: float) -> Verdicts:
    right = _posterior(torch.zeros(1), w, s)[1]
    yield from unlike(var, {
        "you return the prior's variance; should seeing x not make z more certain?": 1.0,
        "that is a standard deviation; which is its variance?": right**0.5,
        "that is the decoder's own noise, on the scale of x; how much is it on the scale of z?": s**2,
        "that is the spread of x; how uncertain is z once x is seen?": w**2 + s**2,
        "that is what x has told; which share is left untold?": 1 - right,
    })  # fmt: skip
    yield (
        var > right * 0.999,
        "your variance is smaller than the posterior's: too sure; what does the decoder's noise hide?",
    )


def _sharp(x: Tensor, v: float, sigma: float) -> Tensor:
    return (v / (v + sigma**2)) ** 0.5 * x


@exercise(
    answer=_sharp,
    mistakes={
        "posterior mean": lambda x, v, sigma: v / (v + sigma**2) * x,
        "too wide": lambda x, v, sigma: x,
        "order": lambda x, v, sigma: -_sharp(x, v, sigma),
        "too narrow": lambda x, v, sigma: 0.5 * _sharp(x, v, sigma),
        "is no map": lambda x, v, sigma: v**0.5 * torch.randn_like(x),
        "this one sample": lambda x, v, sigma: v**0.5 * x / x.std(),
        "its middle": lambda x, v, sigma: _sharp(x, v, sigma) + 1,
        "other widths": lambda x, v, sigma: _sharp(x, 0.25, 2.0),
        "only some": lambda x, v, sigma: _sharp(x, v, sigma)[:10],
    },
)
def sharp_map(attempt: Callable[[Tensor, float, float], Tensor]) -> Verdicts:
    """Write sharp_map(x, v, sigma): one step that turns samples x of N(0, v + sigma^2) into samples of N(0, v), keeps
    their order, and is not blurred.
    """
    v, sigma = 0.25, 2.0
    z = torch.special.ndtri((torch.arange(600, dtype=torch.float64) + 0.5) / 600)  # as normal as 600 points can be
    x = (v + sigma**2) ** 0.5 * z
    made = ask(attempt, x, v, sigma)
    yield made.shape == x.shape, f"600 points went in, {list(made.shape)} came out: do you treat only some?"
    yield (
        close(made, ask(attempt, x, v, sigma)),
        "twice the same x, two answers: a step with chance in it is no map; why draw?",
    )
    yield from _width(made, x, v, sigma)
    yield (
        close(made, _sharp(x, v, sigma), 1e-4),
        "the spread is right, but single points are off: is it one factor for all?",
    )
    other = ask(attempt, x, 1.5, 0.4)
    yield (
        close(other, _sharp(x, 1.5, 0.4), 1e-4),
        "right for v = 0.25 and sigma = 2, wrong for other widths: where are they?",
    )


def _width(made: Tensor, x: Tensor, v: float, sigma: float) -> Verdicts:
    """Judge order, middle and spread of what was made of x."""
    scale = float(made.std() / x.std()) * (v + sigma**2) ** 0.5
    right = f"spread {scale:.3f}, and {v**0.5} is right"
    blurred = f"this is the posterior mean, the blurred answer: {right}; whose mean is it?"
    measured = "you measure the spread of this one sample; what do v and sigma say of every sample?"
    yield from unlike(made, {blurred: v / (v + sigma**2) * x, measured: v**0.5 * x / x.std()})
    yield made[0] <= made[-1], "the order is lost: what was left must stay left; which sign has your factor?"
    yield (
        abs(float(made.mean())) < 0.05,
        f"its middle has moved to {float(made.mean()):.2f}; where is that of the data?",
    )
    yield scale < 1.01 * v**0.5, f"the result is too wide: {right}; which factor narrows it?"
    yield scale > 0.99 * v**0.5, f"the result is too narrow: {right}; which power is too many?"
