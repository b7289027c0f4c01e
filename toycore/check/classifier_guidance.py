"""Exercises of notebook 10, Classifier guidance."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from toycore import exact, fields, guidance, mixtures
from toycore.check import Verdicts, call, close, exercise


def _slope_of(
    what: Callable[[Tensor, Tensor], Tensor],
) -> Callable[[guidance.LogPosterior, Tensor, float, Tensor], Tensor]:
    """The gradient in x of what(log p `[b, classes]`, label `[b]`)."""

    def slope(log_posterior: guidance.LogPosterior, x: Tensor, sigma: float, label: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        return torch.autograd.grad(what(log_posterior(x, sigma), label), x)[0]

    return slope


@exercise(
    answer=guidance.class_gradient,
    mistakes={
        "times too small": _slope_of(lambda log_p, label: log_p.gather(1, label[:, None]).mean()),
        "of p, not of log p": _slope_of(lambda log_p, label: log_p.exp().gather(1, label[:, None]).sum()),
        "every class": _slope_of(lambda log_p, label: log_p.sum()),
        "the first row": _slope_of(lambda log_p, label: log_p[:, label[0]].sum()),
        "away from the class": _slope_of(lambda log_p, label: -log_p.gather(1, label[:, None]).sum()),
    },
)
def gradient(attempt: Callable[..., Tensor]) -> Verdicts:
    """Write gradient(log_posterior, x, sigma, label): grad_x log p(label | x), [b, 2], by torch.autograd.

    log_posterior(x, sigma) gives log p of all classes, [b, classes]; label is [b], one class per row.
    """
    mixture = mixtures.spiral(60, classes=3)
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    label, sigma, log_posterior = torch.tensor([2, 0, 1, 1, 0]), 0.3, mixture.class_log_posterior
    slope = call(attempt, log_posterior, x, sigma, label)
    right = guidance.class_gradient(log_posterior, x, sigma, label)
    yield slope.shape == x.shape, f"one gradient per row: {list(x.shape)} is needed, yours is {list(slope.shape)}"
    yield not close(slope, -right), "your gradient leads away from the class: check the sign"
    yield not close(slope, right / len(x)), "5 times too small for a batch of 5: a mean where a sum belongs?"
    p = log_posterior(x, sigma).exp().gather(1, label[:, None])
    yield not close(slope, right * p), "this is the gradient of p, not of log p"
    first = guidance.class_gradient(log_posterior, x, sigma, int(label[0]))
    yield not close(slope, first), "all rows got the class of the first row; each row has its own label"
    every = sum(guidance.class_gradient(log_posterior, x, sigma, c) for c in range(3))
    yield not close(slope, every), "you summed over every class; only the row's own label counts"
    yield close(slope, right), "by Bayes, your gradient plus the score must be the score given the class; it is not"


def _noise(sign: float, factor: Callable[[float], float]) -> Callable[[Tensor, Tensor, float, float], Tensor]:
    return lambda eps, slope, alpha_bar, s: eps + sign * s * factor(alpha_bar) * slope


@exercise(
    answer=lambda eps, slope, alpha_bar, s: eps - s * (1 - alpha_bar) ** 0.5 * slope,
    mistakes={
        "repels": _noise(1, lambda a: (1 - a) ** 0.5),
        "as strong at every level": _noise(-1, lambda a: 1.0),
        "variance": _noise(-1, lambda a: 1 - a),
        "signal": _noise(-1, lambda a: a**0.5),
    },
)
def mended(attempt: Callable[[Tensor, Tensor, float, float], Tensor]) -> Verdicts:
    """Mend the pseudo-code: write mended(eps, slope, alpha_bar, s), the noise prediction guided with scale s.

    eps, slope: [b, 2], the predicted noise and grad log p(c | x_t) in the VP frame of DDPM.
    """
    mixture, alpha_bar = mixtures.spiral(60, classes=3), 0.9
    sigma = (1 / alpha_bar - 1) ** 0.5
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    D = exact.posterior_mean(mixture)
    slope = guidance.class_gradient(mixture.class_log_posterior, x, sigma, 1) / alpha_bar**0.5  # in x_t
    free, told = fields.noise(D, x, sigma), fields.noise(D, x, sigma, 1)
    mine = call(attempt, free, slope, alpha_bar, 1.0)
    yield close(call(attempt, free, slope, alpha_bar, 0.0), free), "at s = 0 the noise must stay as it was"
    toward = float(((mine - free) * (told - free)).sum())
    yield toward > 0, "your step repels from the class: noise points away from the data, eps = -sqrt(1-a) score"
    yield not close(mine, free - slope), "your step is as strong at every level; which factor belongs to eps = ? score"
    yield not close(mine, free - (1 - alpha_bar) * slope), "1 - alpha_bar is a variance; eps is made of std deviations"
    yield (
        not close(mine, free - alpha_bar**0.5 * slope),
        "sqrt(alpha_bar) scales the signal; you need the noise's factor",
    )
    yield close(mine, told, 1e-6), "with s = 1 and the exact classifier you must get the exact conditional noise"


def _posterior(
    scale: Callable[[float, float], float], sign: float = 1
) -> Callable[[Tensor, float, float, float], Tensor]:
    return lambda x, m, v, sigma: torch.sigmoid(sign * 2 * x * m / scale(v, sigma))


@exercise(
    answer=_posterior(lambda v, sigma: v + sigma**2),
    mistakes={
        "clean points": _posterior(lambda v, sigma: v),
        "other class": _posterior(lambda v, sigma: v + sigma**2, -1),
        "variances add": _posterior(lambda v, sigma: v + sigma),
        "factor of 2": _posterior(lambda v, sigma: 2 * (v + sigma**2)),
        "half-way": lambda x, m, v, sigma: torch.exp(-((x - m) ** 2) / (2 * (v + sigma**2))),
    },
)
def posterior(attempt: Callable[[Tensor, float, float, float], Tensor]) -> Verdicts:
    """Two equally likely classes on a line, N(-m, v) and N(+m, v). Give p(class + | x) for noisy x = x0 + sigma eps."""
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)
    p, right = call(attempt, x, 0.7, 0.2, 0.6), _posterior(lambda v, sigma: v + sigma**2)(x, 0.7, 0.2, 0.6)
    yield p.shape == x.shape, "one probability per point is needed"
    yield close(p[4], 0.5), "half-way, at x = 0, the classes are equally likely: 1/2; did you divide by both classes?"
    yield p[-1] > p[0], "this is the probability of the other class"
    yield (
        not close(p, torch.sigmoid(2 * x * 0.7 / 0.2)),
        "that holds for clean points; what does noise do to a variance?",
    )
    yield not close(p, torch.sigmoid(2 * x * 0.7 / 0.8)), "variances add, so which of v and sigma must be squared?"
    yield not close(p, torch.sigmoid(x * 0.7 / 0.56)), "a factor of 2 is missing: (x+m)^2 - (x-m)^2 = ?"
    yield close(p, right), "at m = 0.7, v = 0.2, sigma = 0.6 a value is off: write out Bayes' rule and cancel"
    yield math.isclose(float(call(attempt, x, 0.7, 0.2, 100.0)[-1]), 0.5, abs_tol=1e-3), "far up nothing can be told"
