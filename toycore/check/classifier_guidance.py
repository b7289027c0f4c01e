"""Exercises of notebook 10, Classifier guidance."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore import exact, fields, guidance, mixtures
from toycore.check import Verdicts, ask, close, exercise, unlike


def _slope_of(
    what: Callable[[Tensor, Tensor], Tensor],
) -> Callable[[guidance.LogPosterior, Tensor, float, Tensor], Tensor]:
    """The gradient in x of what(log p `[b, classes]`, label `[b]`)."""

    def slope(log_posterior: guidance.LogPosterior, x: Tensor, sigma: float, label: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        return torch.autograd.grad(what(log_posterior(x, sigma), label), x)[0]

    return slope


def _own(log_p: Tensor, label: Tensor) -> Tensor:
    return log_p.gather(1, label[:, None])


GRADIENTS = {  # what students take for the gradient, by what to ask them
    "your gradient leads away from the class: which sign does log p carry?": _slope_of(lambda p, c: -_own(p, c).sum()),
    "5 times too small for a batch of 5: is there a mean where a sum belongs?": _slope_of(
        lambda p, c: _own(p, c).mean()
    ),
    "this is the gradient of p, not of log p: what did the exponential do?": _slope_of(
        lambda p, c: _own(p.exp(), c).sum()
    ),
    "all rows got the class of the first row; which label has each row?": _slope_of(lambda p, c: p[:, c[0]].sum()),
    "you summed over every class; which of them is the row's own?": _slope_of(lambda p, c: p.sum()),
    "log_p[:, label] is [b, b], every row with every label; how do you pick one per row?": _slope_of(
        lambda p, c: p[:, c].sum()
    ),
    "log_p[label] picks rows, and a row is a point; which axis holds the classes?": _slope_of(lambda p, c: p[c].sum()),
    "log_posterior gives logs already; did you take a second one?": _slope_of(lambda p, c: _own((-p).log(), c).sum()),
    "you climb to the most probable class; which one is asked for?": _slope_of(lambda p, c: p.max(1).values.sum()),
    "all rows got class 1; which label has each row?": _slope_of(lambda p, c: p[:, 1].sum()),
}


@exercise(
    answer=guidance.class_gradient,
    mistakes={
        **GRADIENTS,
        "one gradient per row": lambda log_posterior, x, sigma, label: log_posterior(x, sigma),
        "that you want its gradient": lambda log_posterior, x, sigma, label: torch.autograd.grad(
            _own(log_posterior(x, sigma), label).sum(), x
        )[0],
        "which sum makes one": lambda log_posterior, x, sigma, label: torch.autograd.grad(
            _own(log_posterior(y := x.clone().requires_grad_(), sigma), label), y
        )[0],
        "times sigma": lambda log_posterior, x, sigma, label: (
            sigma * guidance.class_gradient(log_posterior, x, sigma, label)
        ),
        "length 1": lambda *words: torch.nn.functional.normalize(guidance.class_gradient(*words)),
        "by Bayes": lambda log_posterior, x, sigma, label: 0 * x,
        "other levels": lambda log_posterior, x, sigma, label: guidance.class_gradient(log_posterior, x, 0.3, label),
    },
)
def gradient(attempt: Callable[..., Tensor]) -> Verdicts:
    """Write gradient(log_posterior, x, sigma, label): grad_x log p(label | x), [b, 2], by torch.autograd.

    log_posterior(x, sigma) gives log p of all classes, [b, classes]; label is [b], one class per row.
    """
    mixture = mixtures.spiral(60, classes=3)
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    label, log_posterior = torch.tensor([2, 0, 1, 2, 0]), mixture.class_log_posterior
    words = log_posterior, x, 0.3, label
    slope, right = ask(attempt, *words), guidance.class_gradient(*words)
    yield (
        slope.shape == x.shape,
        f"one gradient per row, {list(x.shape)}, is needed; yours is {list(slope.shape)}: of what?",
    )
    yield from unlike(slope, {message: wrong(*words) for message, wrong in GRADIENTS.items()}, 1e-4)
    yield from unlike(slope, {
        "that is the gradient times sigma, a change of the noise; which is asked?": 0.3 * right,
        "your arrows have length 1; is the slope of log p the same everywhere?": torch.nn.functional.normalize(right),
    }, 1e-4)  # fmt: skip
    yield (
        close(slope, right, 1e-3),
        "by Bayes, gradient plus score must be the score given the class; is yours that of log p?",
    )
    other = log_posterior, x.flip(0), 0.8, label
    same = close(ask(attempt, *other), guidance.class_gradient(*other), 1e-3)
    yield same, "right at sigma = 0.3, wrong at other levels: which sigma do you hand to log_posterior?"


def _noise(sign: float, factor: Callable[[float], float]) -> Callable[[Tensor, Tensor, float, float], Tensor]:
    return lambda eps, slope, alpha_bar, s: eps + sign * s * factor(alpha_bar) * slope


NOISES = {  # what students take for the guided noise, by what to ask them
    "your step repels from the class: if noise points away from the data, which sign has the slope?": _noise(
        1, lambda a: (1 - a) ** 0.5
    ),
    "the slope is added as it is, and it repels; which sign, and which factor?": _noise(1, lambda a: 1.0),
    "your step is as strong at every level; which factor belongs to eps = ? score": _noise(-1, lambda a: 1.0),
    "1 - alpha_bar is a variance; which power of it is the noise made of?": _noise(-1, lambda a: 1 - a),
    "sqrt(alpha_bar) scales the signal; which factor scales the noise?": _noise(-1, lambda a: a**0.5),
    "alpha_bar is the signal's share; which factor scales the noise?": _noise(-1, lambda a: a),
    "you divide by the noise's factor; score = -eps / ?, so which way round is it?": _noise(
        -1, lambda a: (1 - a) ** -0.5
    ),
    "that is sigma, of the VE frame; which factor has the noise in VP?": _noise(-1, lambda a: (1 / a - 1) ** 0.5),
    "that is the change alone; what does it change?": lambda n, g, a, s: -s * (1 - a) ** 0.5 * g,
    "the predicted noise itself is scaled; should s not scale the slope alone?": lambda n, g, a, s: (
        (1 + s) * n - s * (1 - a) ** 0.5 * g
    ),
    "the predicted noise fades as s grows; should s not scale the slope alone?": lambda n, g, a, s: (
        (1 - s) * n - s * (1 - a) ** 0.5 * g
    ),
    "s squared is another strength; how does the exponent of p(c|x)^s come down?": lambda n, g, a, s: (
        n - s**2 * (1 - a) ** 0.5 * g
    ),
    "the root belongs to 1 - alpha_bar; does it reach over s in yours?": lambda n, g, a, s: (
        n - s**0.5 * (1 - a) ** 0.5 * g
    ),
    "nothing is guided: where is the slope?": lambda n, g, a, s: n,
}


@exercise(
    answer=lambda eps, slope, alpha_bar, s: eps - s * (1 - alpha_bar) ** 0.5 * slope,
    mistakes={
        **NOISES,
        "at s = 0": lambda eps, slope, alpha_bar, s: eps - (1 - alpha_bar) ** 0.5 * slope,
        "conditional noise": lambda eps, slope, alpha_bar, s: eps - s * torch.nn.functional.normalize(slope),
        "other levels": lambda eps, slope, alpha_bar, s: eps - s * 0.1**0.5 * slope,
    },
)
def mended(attempt: Callable[[Tensor, Tensor, float, float], Tensor]) -> Verdicts:
    """Mend the pseudo-code: write mended(eps, slope, alpha_bar, s), the noise prediction guided with scale s.

    eps, slope: [b, 2], the predicted noise and grad log p(c | x_t) in the VP frame of DDPM.
    """
    free, slope, told = _in_the_vp_frame(0.9)
    strong = ask(attempt, free, slope, 0.9, 2.5, shape=free.shape)
    yield from unlike(strong, {message: wrong(free, slope, 0.9, 2.5) for message, wrong in NOISES.items()}, 1e-4)
    yield close(ask(attempt, free, slope, 0.9, 0.0), free), "at s = 0 the noise must stay as it was; what changes it?"
    mine = ask(attempt, free, slope, 0.9, 1.0)
    yield (
        close(mine, told, 1e-4),
        "with s = 1 and the exact classifier you must get the exact conditional noise; what is off?",
    )
    yield close(strong - free, 2.5 * (mine - free), 1e-4), "right at s = 1; is twice the scale twice the change?"
    free, slope, told = _in_the_vp_frame(0.4)
    again = ask(attempt, free, slope, 0.4, 1.0)
    yield close(again, told, 1e-4), "right at alpha_bar = 0.9, wrong at other levels: where does alpha_bar stand?"


def _in_the_vp_frame(alpha_bar: float) -> tuple[Tensor, Tensor, Tensor]:
    """The exact noise, the slope of class 1 in x_t, and the exact noise given class 1."""
    mixture, sigma = mixtures.spiral(60, classes=3), (1 / alpha_bar - 1) ** 0.5
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    D = exact.posterior_mean(mixture)
    slope = guidance.class_gradient(mixture.class_log_posterior, x, sigma, 1) / alpha_bar**0.5
    return fields.noise(D, x, sigma), slope, fields.noise(D, x, sigma, 1)


def _posterior(
    scale: Callable[[float, float], float], sign: float = 1
) -> Callable[[Tensor, float, float, float], Tensor]:
    return lambda x, m, v, sigma: torch.sigmoid(sign * 2 * x * m / scale(v, sigma))


def _density(x: Tensor, v: float) -> Tensor:
    return (-(x**2) / (2 * v)).exp() / (2 * torch.pi * v) ** 0.5


CLASSES = {  # what students take for p(class + | x), by what to ask them
    "that holds for clean points; what does noise do to a variance?": _posterior(lambda v, sigma: v),
    "this is the probability of the other class; which sign has x where + is more likely?": _posterior(
        lambda v, sigma: v + sigma**2, -1
    ),
    "variances add, so which of v and sigma must be squared?": _posterior(lambda v, sigma: v + sigma),
    "v is a variance already: why square it?": _posterior(lambda v, sigma: v**2 + sigma**2),
    "a factor of 2 is missing: (x+m)^2 - (x-m)^2 = ?": _posterior(lambda v, sigma: 2 * (v + sigma**2)),
    "a factor of 2 is left: what halves (x+m)^2 - (x-m)^2 in the exponents?": _posterior(
        lambda v, sigma: (v + sigma**2) / 2
    ),
    "the points have a spread of their own, before any noise: where is v?": _posterior(lambda v, sigma: sigma**2),
    "the exponent holds a variance; is there a root in yours?": _posterior(lambda v, sigma: (v + sigma**2) ** 0.5),
    "how far are the classes apart? m is missing in yours": lambda x, m, v, s: torch.sigmoid(2 * x / (v + s**2)),
    "where is m squared? Bayes cancels m^2 and leaves a product with x: which?": lambda x, m, v, s: torch.sigmoid(
        2 * x * m**2 / (v + s**2)
    ),
    "that is the log of the odds; which function makes a probability of it?": lambda x, m, v, s: 2 * x * m / (v + s**2),
    "that is the log of the probability; what undoes it?": lambda x, m, v, s: torch.nn.functional.logsigmoid(
        2 * x * m / (v + s**2)
    ),
    "that is the density of + at x; half-way both classes are alike: divide by what?": lambda x, m, v, s: _density(
        x - m, v + s**2
    ),
    "that is the density of + times 1/2, the numerator of Bayes' rule; what stands below it?": lambda x, m, v, s: (
        _density(x - m, v + s**2) / 2
    ),
    "you say yes or no; how sure can one be near the middle?": lambda x, m, v, s: (x > 0).double(),
    "you always say 1/2; what does x tell?": lambda x, m, v, s: 0 * x + 0.5,
}


@exercise(
    answer=_posterior(lambda v, sigma: v + sigma**2),
    mistakes={
        **CLASSES,
        "at x = 0": lambda x, m, v, sigma: torch.exp(-((x - m) ** 2) / (2 * (v + sigma**2))),
        "one probability per point": lambda x, m, v, sigma: torch.stack(
            [_posterior(lambda v, sigma: v + sigma**2, sign)(x, m, v, sigma) for sign in (1, -1)]
        ),
        "write out Bayes": lambda x, m, v, sigma: (1 + torch.erf(x / (2 * (v + sigma**2)) ** 0.5)) / 2,
        "for other numbers": lambda x, m, v, sigma: torch.sigmoid(1.8 / 0.56 * x),
    },
)
def posterior(attempt: Callable[[Tensor, float, float, float], Tensor]) -> Verdicts:
    """Two equally likely classes on a line, N(-m, v) and N(+m, v). Give p(class + | x) for noisy x = x0 + sigma eps."""
    x, right = torch.linspace(-2, 2, 9, dtype=torch.float64), _posterior(lambda v, sigma: v + sigma**2)
    p = ask(attempt, x, 0.9, 0.2, 0.6)
    yield p.shape == x.shape, f"one probability per point is needed, [9]; yours is {list(p.shape)}: of which class?"
    yield from unlike(p, {message: wrong(x, 0.9, 0.2, 0.6) for message, wrong in CLASSES.items()}, 1e-4)
    yield (
        close(p[4], 0.5, 1e-4),
        "half-way, at x = 0, the classes are equally likely: 1/2; did you divide by both classes?",
    )
    yield (
        close(p, right(x, 0.9, 0.2, 0.6), 1e-4),
        "right at x = 0 only: write out Bayes' rule and cancel; what is left?",
    )
    for m, v, sigma in (1.5, 0.3, 0.1), (0.7, 0.2, 100.0):
        same = close(ask(attempt, x, m, v, sigma), right(x, m, v, sigma), 1e-4)
        yield same, "right for m = 0.9, v = 0.2, sigma = 0.6, wrong for other numbers: do all three stand in yours?"
