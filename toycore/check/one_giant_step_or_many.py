"""Exercises of notebook 05, One giant step or many."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore import gaussians
from toycore.check import Verdicts, call, close, exercise


def _kl(mean: Tensor, var: Tensor) -> Tensor:
    return 0.5 * (var + mean**2 - 1 - var.log()).sum(-1)


@exercise(
    answer=_kl,
    mistakes={
        "one number per row": lambda mean, var: 0.5 * (var + mean**2 - 1 - var.log()),
        "nothing to pay": lambda mean, var: 0.5 * (var + mean**2 - var.log()).sum(-1),
        "negative": lambda mean, var: 0.5 * (var + mean**2 - 1 + var.log()).sum(-1),
        "standard deviation": lambda mean, var: 0.5 * (var + mean**2 - 1 - var.sqrt().log()).sum(-1),
        "mean is squared": lambda mean, var: 0.5 * (var + mean.abs() - 1 - var.log()).sum(-1),
        "is half": lambda mean, var: 2 * _kl(mean, var),
    },
)
def kl(attempt: Callable[[Tensor, Tensor], Tensor]) -> Verdicts:
    """Write kl(mean, var): KL(N(mean, diag var) || N(0, I)) in nats, for mean and var of shape [b, d]; one per row."""
    zero, one = torch.zeros(4, 3), torch.ones(4, 3)
    value = call(attempt, zero, one)
    yield torch.as_tensor(value).shape == (4,), "there must be one number per row, shape [b]: which axis is to sum?"
    yield close(value, torch.zeros(4)), "a Gaussian equal to N(0, I) has nothing to pay, KL = 0; yours pays something"
    narrow = call(attempt, zero, one / 4)
    right = _kl(zero, one / 4)
    yield (
        not close(narrow, 0.5 * (one / 4 - 1 - (one / 4).sqrt().log()).sum(-1)),
        "did you take the log of the standard deviation? The formula asks for the variance's",
    )
    yield (
        bool((torch.as_tensor(narrow) >= 0).all()),
        "a KL is never negative; for var < 1 yours is: which sign has the log?",
    )
    moved = call(attempt, 2 * one, one)
    yield not close(moved, torch.full((4,), 3.0)), "the mean is squared in the formula; look at how yours enters"
    yield not close(narrow, 2 * right), "every term of it is half of what you give"
    yield close(narrow, right) and close(moved, _kl(2 * one, one)), "the value is off; compare with gaussians.kl"


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
        "invert the decoder": lambda x, w, s: (x / w, s**2 / (w**2 + s**2)),
        "code of x = 0": lambda x, w, s: (1 + w * x / (w**2 + s**2), s**2 / (w**2 + s**2)),
        "too sure": lambda x, w, s: (w * x / (w**2 + s**2), s**2 / (w**2 + s**2) / 2),
        "prior's variance": lambda x, w, s: (w * x / (w**2 + s**2), 1.0),
    },
)
def encoder(attempt: Callable[[Tensor, float, float], tuple[Tensor, float]]) -> Verdicts:
    """Write encoder(x, w, s): mean [b] and variance of the best q(z|x) for p(z) = N(0, 1), p(x|z) = N(w z, s^2), on the
    line. It closes the gap between ELBO and log p(x) for every x.
    """
    x, w, s = torch.linspace(-2, 2, 9, dtype=torch.float64), 0.8, 0.5
    answer = call(attempt, x, w, s)
    yield isinstance(answer, tuple) and len(answer) == 2, "two things are asked for: return mean, variance"
    mean, var = answer
    yield torch.as_tensor(var).numel() == 1, "the variance is one number for all x: does it depend on x?"
    right, right_var = _posterior(x, w, s)
    yield (
        not close(mean, x / w),
        "you invert the decoder as if it had no noise; what does the prior N(0, 1) say to a large code?",
    )
    yield close(mean[4], 0.0), "by symmetry the code of x = 0 must be 0; yours is not"
    yield close(mean, right), "the mean is off: combine prior and likelihood, weights by precision"
    yield float(var) < 1.0 - 1e-9, "you return the prior's variance; seeing x must make z more certain"
    yield float(var) > right_var * 0.999, "your variance is smaller than the posterior's: too sure"
    gap = gaussians.log_density(x[:, None], 0.0, w**2 + s**2) - _elbo(x, mean, float(var), w, s)
    yield float(gap.abs().max()) < 1e-6, f"the ELBO still lies {float(gap.max()):.3g} nats below log p(x)"


def _sharp(x: Tensor, v: float, sigma: float) -> Tensor:
    return (v / (v + sigma**2)) ** 0.5 * x


@exercise(
    answer=_sharp,
    mistakes={
        "posterior mean": lambda x, v, sigma: v / (v + sigma**2) * x,
        "too wide": lambda x, v, sigma: x,
        "order": lambda x, v, sigma: -_sharp(x, v, sigma),
        "too narrow": lambda x, v, sigma: 0.5 * _sharp(x, v, sigma),
    },
)
def sharp_map(attempt: Callable[[Tensor, float, float], Tensor]) -> Verdicts:
    """Write sharp_map(x, v, sigma): one step that turns samples x of N(0, v + sigma^2) into samples of N(0, v), keeps
    their order, and is not blurred.
    """
    v, sigma, z = 0.25, 2.0, torch.linspace(-3, 3, 601, dtype=torch.float64)
    x = (v + sigma**2) ** 0.5 * z
    made = call(attempt, x, v, sigma)
    scale = float(torch.as_tensor(made).std() / z.std())
    yield (
        not close(made, v / (v + sigma**2) * x),
        f"this is the posterior mean, the blurred answer: its spread is {scale:.3f}, and {v**0.5} is right",
    )
    yield scale < 1.01 * v**0.5, f"the result is too wide: spread {scale:.3f}, and {v**0.5} is right"
    yield scale > 0.99 * v**0.5, f"the result is too narrow: spread {scale:.3f}, and {v**0.5} is right"
    yield bool((made.diff() > 0).all()), "the order is lost: neighbours must stay neighbours, left must stay left"
    yield close(made, _sharp(x, v, sigma)), "the spread is right, but single points are not where they should be"
