"""Notebook 16: the statements of the myth clinic with their verdicts, and the checks of the capstone projects."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from toycore import data, exact, fields, guidance, metrics, mixtures, samplers, sigmas
from toycore.check import Verdicts, call, exercise
from toycore.types import Denoiser

MYTHS = [  # (statement, verdict, one sentence why), numbered as in the notebook
    ("At high noise, every noisy point is sent to the centre of the plane.", "half true",
     "To the mean of the data, wherever that lies; at low noise to the nearest arm."),
    ("DDPM without its fresh noise gives a blur.", "false",
     "It gives sharp points, all in one place on the curve; and DDIM needs no noise at all."),
    ("The noise after 100 steps is the average of the noises of the 100 steps.", "false",
     "It is a weighted sum whose squared weights add up to 1; an average would have a hundredth of the variance."),
    ("DDIM was derived from the diffusion SDE, at Google Brain.", "false",
     "It came from a non-Markovian chain, at Stanford; that it is Euler's method on the flow ODE was seen separately."),
    ("The drift of the forward process pulls points to where the data are dense.", "false",
     "It shrinks towards the origin (VP) or is zero (VE); the score seeks the data, in the reverse process."),
    ("DDPM's training loss counts the squared error in the noise equally at all steps.", "true",
     "L_simple has weight 1; it is the bound on the likelihood whose weights differ, by a factor of 59."),
    ("To guide with a classifier, add its gradient to the predicted noise.", "false",
     "Noise is minus the score, so the gradient is subtracted; added, it drives the samples out of the class."),
    ("The network learns the score of q(x_t given x_0).", "half true",
     "That is what it is shown; what it learns is the average over all x_0, the score of the noised data."),
    ("At a scale of 7.5, guidance interpolates between conditional and unconditional.", "false",
     "It extrapolates: the result lies 7.5 differences away from the unconditional answer."),
    ("Guidance at scale s draws from p(x) times p(class given x) to the power s.", "false",
     "No walk does in general; for two Gaussians the variance is 0.25 where that law says 0.5."),
    ("A guidance scale of 7.5 means the same in every program.", "false",
     "Conventions differ by 1, and diffusers reads every scale up to 1 as 1."),
    ("The two formulas for negative prompts agree if s_neg = s_pos - 1.", "true",
     "Then and only then; with other scales the common formula and the two-term formula part."),
    ("CLIP learns by making matched pairs of picture and text point the same way.", "half true",
     "Alone that is solved by one vector for everything; mismatched pairs must be told apart too."),
    ("A VAE's samples are blurred because it makes them in one step.", "false",
     "They are blurred because the best answer under squared error is a mean; other one-step models are sharp."),
]  # fmt: skip

SPIRAL = mixtures.spiral(150)
POOR = mixtures.GaussianMixture(data.spiral(150, classes=3).x, 0.06, label=data.spiral(150, classes=3).label)


def _seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# ---- own solver ------------------------------------------------------------------------------------------------------


def _midpoint(D: Denoiser, x: Tensor, sigma: float, sigma_next: float) -> Tensor:
    middle = (sigma + sigma_next) / 2
    x_middle = x + (middle - sigma) * fields.noise(D, x, sigma)
    return x + (sigma_next - sigma) * fields.noise(D, x_middle, middle)


def _heun_to_zero(D: Denoiser, x: Tensor, sigma: float, sigma_next: float) -> Tensor:
    d = fields.noise(D, x, sigma)
    d_next = (x + (sigma_next - sigma) * d - D(x + (sigma_next - sigma) * d, sigma_next)) / sigma_next
    return x + (sigma_next - sigma) * (d + d_next) / 2


@exercise(
    answer=_midpoint,
    mistakes={
        "as in Euler's method": lambda D, x, s, s_next: x + (s_next - s) * fields.noise(D, x, s),
        "other way": lambda D, x, s, s_next: x - (s_next - s) * fields.noise(D, x, s),
        "in the last step": _heun_to_zero,
        "stays where it is": lambda D, x, s, s_next: x + 0 * s,
        "shape": lambda D, x, s, s_next: x[:, 0],
    },
)
def solver(attempt: Callable[..., Tensor]) -> Verdicts:
    """Write step(D, x, sigma, sigma_next): one step of your own solver of the flow ODE, of second order or better.
    x is [b, 2]; the last step of a walk goes to sigma_next = 0.
    """
    D, x = exact.posterior_mean(mixtures.GaussianMixture(torch.zeros(1, 2).double(), 0.5)), torch.ones(3, 2).double()
    once = call(attempt, D, x, 2.0, 1.0)
    yield once.shape == x.shape, f"a step must keep the shape of x, {list(x.shape)}; yours gives {list(once.shape)}"
    yield not torch.equal(once, x), "your step stays where it is; what moves x when the noise falls from 2 to 1?"
    yield (once < x).all(), "this walk must shrink towards the data, but your step goes the other way: mind the sign"
    last = call(attempt, D, x, 0.5, 0.0)
    yield torch.isfinite(last).all(), "in the last step, to sigma_next = 0, yours gives NaN: where do you divide by 0?"
    true = x * ((0.25 + 0.25**2) / (0.25 + 4.0)) ** 0.5  # the ODE of N(0, 1/4), from sigma = 2 to 1/4
    errors = [_error(attempt, D, x, true, n) for n in (8, 16)]
    yield errors[1] < 0.1, f"with 16 steps from 2 to 0.25 the error is {errors[1]:.2g}: it must become small"
    yield (
        errors[0] > 2.9 * errors[1],
        (
            f"twice the steps divide the error by {errors[0] / errors[1]:.1f}, as in Euler's method; order 2 by 4:"
            " where else could you look at the field?"
        ),
    )


def _error(step: Callable[..., Tensor], D: Denoiser, x: Tensor, true: Tensor, n: int) -> float:
    levels = torch.linspace(2.0, 0.25, n + 1, dtype=torch.float64).tolist()
    for sigma, sigma_next in pairwise(levels):
        x = step(D, x, sigma, sigma_next)
    return float((x - true).abs().max())


# ---- own guidance schedule -------------------------------------------------------------------------------------------


def _walked(s: Callable[[float], float]) -> Tensor:
    D = exact.posterior_mean(POOR)

    def guided(x: Tensor, sigma: Tensor | float, label: object = None) -> Tensor:
        return guidance.free(D, float(s(float(sigma))))(x, sigma, 1)

    x = 10 * torch.randn(300, 2, generator=_seeded())
    return samplers.final(samplers.ddim(guided, x, sigmas.log_linear(30, 0.02)))


@exercise(
    answer=lambda sigma: 3.0 if 0.1 < sigma < 1.0 else 1.0,
    mistakes={
        "no nearer to the curve": lambda sigma: 1.0,
        "only part of the class": lambda sigma: 6.0,
        "ignores the label": lambda sigma: 0.0,
        "one number": lambda sigma: torch.ones(2),
    },
)
def schedule(attempt: Callable[[float], float]) -> Verdicts:
    """Write s(sigma): a guidance scale per noise level, for a poor model (the exact one of a blurred spiral, class 1).
    Its samples must come nearer to the true curve than without guidance, and still cover nine tenths of the class.
    """
    value = torch.as_tensor(call(attempt, 0.5))
    yield value.numel() == 1, f"s(sigma) must be one number; yours has {value.numel()}"
    mine, plain = _walked(attempt), _walked(lambda sigma: 1.0)
    share = metrics.own_share(mine, POOR, 1)
    yield share > 0.8, f"only {share:.0%} of your samples belong to the class: at too many levels s ignores the label"
    cover = metrics.coverage(mine, POOR.given(1).means)
    yield cover >= 0.9, f"your samples reach only part of the class, {cover:.0%}: where could you guide less?"
    off, before = (float(metrics.distance(x, POOR.given(1).means).mean()) for x in (mine, plain))
    yield (
        off < 0.93 * before,
        f"mean distance {off:.3f}, without guidance {before:.3f}: no nearer to the curve; which levels help?",
    )


# ---- own metric ------------------------------------------------------------------------------------------------------


def _same_moments(x: Tensor, y: Tensor) -> Tensor:
    """Return x, stretched and moved to the mean and the covariance of y."""
    white = torch.linalg.solve_triangular(torch.linalg.cholesky(x.T.cov()), (x - x.mean(0)).T, upper=False)
    return y.mean(0) + (torch.linalg.cholesky(y.T.cov()) @ white).T


def _one_way(x: Tensor, y: Tensor) -> float:
    return float(metrics.distance(x, y).mean())


@exercise(
    answer=metrics.energy_distance,
    mistakes={
        "two moments": metrics.frechet,
        "part that is missing": _one_way,
        "must be small": lambda x, y: 1 + metrics.energy_distance(x, y),
        "one number": lambda x, y: (x.mean(0) - y.mean(0)).abs(),
    },
)
def metric(attempt: Callable[[Tensor, Tensor], float]) -> Verdicts:
    """Write metric(x, y): a distance of two samples [n, 2] that is small for two draws of one law, and notices a shift,
    a missing half, and a Gaussian cloud with the same mean and covariance: at least twice that of two fair draws.
    """
    y, again = SPIRAL.sample(1500, _seeded(1))[0], SPIRAL.sample(1500, _seeded(2))[0]
    half = SPIRAL.sample(3000, _seeded(3))[0]
    half = half[half[:, 0] < half[:, 0].median()]
    cloud = _same_moments(torch.randn(1500, 2, generator=_seeded(4)), y)
    fair = torch.as_tensor(call(attempt, again, y), dtype=torch.float64)
    yield fair.numel() == 1, f"a metric gives one number; yours gives {fair.numel()}"
    shifted, lost, moments = (float(call(attempt, x, y)) for x in (again + 0.5, half, cloud))
    yield (
        2 * float(fair) < shifted,
        f"two fair draws give {float(fair):.3g}, a shift {shifted:.3g}: the first must be small",
    )
    yield 2 * float(fair) < lost, "it does not see the part that is missing: look from y to x, too"
    yield 2 * float(fair) < moments, "it takes a Gaussian cloud for the spiral: it sees two moments and no more"


# ---- own data --------------------------------------------------------------------------------------------------------


@exercise(
    answer=lambda: data.moons(400).x,
    mistakes={
        "centre": lambda: data.moons(400).x + 3,
        "large": lambda: 20 * data.moons(400).x,
        "columns": lambda: torch.zeros(400, 3),
        "few": lambda: data.moons(40).x,
        "one Gaussian": lambda: torch.randn(1000, 2, generator=_seeded()) / 2,
    },
)
def data_set(attempt: Callable[[], Tensor]) -> Verdicts:
    """Write points(): your own data set [n, 2], n at least 200, centred, of a spread between 0.2 and 1, with a shape
    that a single Gaussian does not have.
    """
    x = torch.as_tensor(call(attempt), dtype=torch.float32)
    yield x.ndim == 2 and x.shape[1] == 2, f"points of the plane have two columns; yours have shape {list(x.shape)}"
    yield torch.isfinite(x).all(), "some of your points are NaN or infinite"
    yield len(x) >= 200, f"{len(x)} points are too few to sample from: at least 200"
    spread = float(x.std(0).mean())
    yield (
        0.2 <= spread <= 1,
        f"the spread is {spread:.2g}: too small or too large for our noise levels; scale the points",
    )
    yield x.mean(0).norm() < 0.3, "move the centre of your data to the origin: a walk starts around it"
    cloud, other = (_same_moments(torch.randn(len(x), 2, generator=_seeded(i)), x) for i in (1, 2))
    yield (
        metrics.energy_distance(x, cloud) > 3 * metrics.energy_distance(other, cloud),
        "this is one Gaussian cloud, as far as 200 points can tell: a denoiser for it is a straight line",
    )
