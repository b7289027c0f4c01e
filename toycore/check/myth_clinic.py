"""Notebook 16: the statements of the myth clinic with their verdicts, and the exercises of the capstone projects."""

from functools import cache
from itertools import pairwise

import torch
from torch import Tensor

from toycore import data, exact, fields, guidance, metrics, mixtures, samplers, sigmas
from toycore.check import Exercise, Refused, Verdicts, ask_number, call, numbers
from toycore.types import Denoiser, Label, seeded

MYTHS = [  # (statement, verdict, one sentence why), numbered as in the notebook
    ("A diffusion model draws the most probable points.", "false",
     "It draws in proportion to probability: a dense spot with a tenth of all points gets a tenth of the samples."),
    ("A picture that stands ten times in the training set is drawn ten times as often.", "true",
     "Ten copies weigh ten times as much in the posterior mean at every level; that is how private pictures leak."),
    ("Whatever noise you add, the best denoiser gives the score.", "false",
     "Tweedie's formula belongs to the Gaussian; with Laplace noise of the same variance it misses by more than 1."),
    ("The predicted noise looks like noise: its variance is 1.", "false",
     "It is a mean, and a mean varies less: at sigma = 0.2 its variance is 0.2."),
    ("A learned score is the gradient of something.", "false",
     "The true one is; some percent of a network's derivatives are antisymmetric, and no sampler minds."),
    ("A denoiser must be told how noisy its input is.", "half true",
     "In the plane, yes; in 64 dimensions the level can be read off a single point."),
    ("The walk must begin with Gaussian noise.", "half true",
     "A deterministic walk must; with fresh noise it forgets where it began."),
    ("To be safe, start at a larger sigma.", "half true",
     "Too low a start is wrong, too high a one spends its steps where nothing is decided."),
    ("Noises that are near give pictures that are near.", "half true",
     "Nearly always, since the map shrinks; but a few pairs lie on two sides of a watershed."),
    ("If a denoised point is still blurred, denoise it again.", "false",
     "At one level that climbs to the top of the blurred density: all points end in one."),
    ("Add the scores of two models, and the walk draws from the product of their densities.", "false",
     "The product of two noised densities is not the noised product; for two Gaussians the variance ends near 0."),
    ("DDPM (2020) was the first diffusion model.", "false",
     "Sohl-Dickstein et al. had the idea in 2015, Song & Ermon the many noise levels in 2019.")]

SPIRAL = mixtures.spiral(150)
POOR = mixtures.GaussianMixture(data.spiral(150, classes=3).x, 0.06, label=data.spiral(150, classes=3).label)
GAUSSIAN: Denoiser = exact.posterior_mean(mixtures.GaussianMixture(torch.zeros(1, 2).double(), 0.5))
ONES = torch.ones(3, 2).double()

def _midpoint(D: Denoiser, x: Tensor, sigma: float, sigma_next: float) -> Tensor:
    middle = (sigma + sigma_next) / 2
    x_middle = x + (middle - sigma) * fields.noise(D, x, sigma)
    return x + (sigma_next - sigma) * fields.noise(D, x_middle, middle)

def _heun_to_zero(D: Denoiser, x: Tensor, sigma: float, sigma_next: float) -> Tensor:
    d = fields.noise(D, x, sigma)
    d_next = (x + (sigma_next - sigma) * d - D(x + (sigma_next - sigma) * d, sigma_next)) / sigma_next
    return x + (sigma_next - sigma) * (d + d_next) / 2

def _second_order(step) -> Verdicts:
    asked: list[float] = []

    def D(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        asked.append(float(torch.as_tensor(sigma).max()))
        return GAUSSIAN(x, sigma, label)

    once = step(D, ONES, 2.0, 1.0)
    yield once.shape == (3, 2), f"a step must keep the shape of x, [3, 2]; yours gives {list(once.shape)}: why?"
    yield bool(asked), "your step never asks D; how can it know the field?"
    try:
        step(D, ONES, 0.5, 0.0)
    except Refused as refusal:
        raise Refused(f"in the last step, to sigma_next = 0: {refusal}") from None
    few, many = _error(step, 8), _error(step, 16)
    yield (many < 0.1,
           f"with 16 steps from 2 to 0.25 the error is {many:.2g}: it must become small; where do you ask the field?")
    yield (few > 2.9 * many,
           f"twice the steps divide the error by {few / many:.1f}, as in Euler's method; order 2 by 4: where else"
           " could you look at the field?")

def _error(step, n: int) -> float:
    """The flow ODE of N(0, 1/4) from sigma = 2 to 1/4, against its closed form."""
    x = ONES
    for sigma, sigma_next in pairwise(torch.linspace(2.0, 0.25, n + 1, dtype=torch.float64).tolist()):
        x = step(GAUSSIAN, x, sigma, sigma_next)
    return float((x - ONES * ((0.25 + 0.25**2) / (0.25 + 4.0)) ** 0.5).abs().max())

solver = Exercise(
    "Write step(D, x, sigma, sigma_next): one step of your own solver of the flow ODE, of second order or better. x is"
    " [b, 2]; the last step of a walk goes to sigma_next = 0.",
    answer=_midpoint,
    more="Go half of Euler's step, ask the field there, at the middle level, and take the whole step along that slope.",
    why="The slope in the middle is right to second order, and sigma = 0 is never asked.",
    asks=[(GAUSSIAN, ONES, 2.0, 1.0)],
    mistakes=lambda D, x, s, t: [
        (x, "your step stays where it is; what moves x when the noise falls from 2 to 1?"),
        (x - (t - s) * fields.noise(D, x, s),
         "your step goes the other way, up to more noise; which sign has sigma_next - sigma?"),
        (D(x, s), "your step jumps to x0_hat, whatever sigma_next is; how far should it go?"),
        (fields.noise(D, x, s), "that is the slope alone; from where, and how far along it?"),
        (x + (t - s) * fields.score(D, x, s), "that is the score; which of the fields is dx/dsigma?")],
    properties=_second_order,
    caught=[
        (lambda D, x, s, s_next: x + (s_next - s) * fields.noise(D, x, s), "as in Euler's method"),
        (_heun_to_zero, "in the last step"),
        (lambda D, x, s, s_next: x[:, 0], "shape"),
        (lambda D, x, s, s_next: x * ((0.25 + s_next**2) / (0.25 + s**2)) ** 0.5, "never asks D"),
        (lambda D, x, s, s_next: x + (s_next - s) * fields.noise(D, x, s_next + 1.0), "must become small"),
        (lambda D, x, s, s_next: _midpoint(D, x, s, s_next) + 0.1 * torch.randn_like(x), "chance")],
    again="the same step twice gives two answers: what does chance do in an ODE?")

def _walked(s) -> Tensor:
    D = exact.posterior_mean(POOR)

    def guided(x: Tensor, sigma: Tensor | float, label: object = None) -> Tensor:
        return guidance.free(D, ask_number(s, float(sigma)))(x, sigma, 1)

    x = 10 * torch.randn(300, 2, generator=seeded())
    return samplers.final(samplers.ddim(guided, x, sigmas.log_linear(30, 0.02)))

@cache
def _distance_without_guidance() -> float:
    return float(metrics.distance(_walked(lambda sigma: 1.0), POOR.given(1).means).mean())

def _nearer(schedule) -> Verdicts:
    scales = [ask_number(schedule, sigma) for sigma in (5.0, 2.0, 1.0, 0.5, 0.25, 0.12, 0.05, 0.02)]
    yield set(scales) != {1.0}, "s = 1 at every level is no guidance at all; what should be different, and where?"
    yield max(scales) >= 0, f"s = {max(scales):g} walks away from the class; which scale is the conditional answer?"
    x, curve = _walked(schedule), POOR.given(1).means
    share, cover = metrics.own_share(x, POOR, 1), metrics.coverage(x, curve)
    yield (share > 0.8,
           f"only {share:.0%} of your samples belong to the class: where is s so small that it ignores the label?")
    yield cover >= 0.9, f"your samples reach only part of the class, {cover:.0%}: where could you guide less?"
    off, before = float(metrics.distance(x, curve).mean()), _distance_without_guidance()
    yield (off < 0.93 * before,
           f"mean distance {off:.3f}, without guidance {before:.3f}: no nearer to the curve; which levels help?")
    yield (len(set(scales)) > 1,
           f"it works, but s = {scales[0]:g} at every level is no schedule yet: which levels need it?")

schedule = Exercise(
    "Write s(sigma): a guidance scale per noise level, not one for all, for a poor model (the exact one of a blurred"
    " spiral, class 1). Its samples must come nearer to the true curve than without guidance, and still cover nine"
    " tenths of the class.",
    answer=lambda sigma: 3.0 if 0.1 < sigma < 1.0 else 1.0,
    more="At high noise guidance drives the samples together, at low noise it changes little. Guide in between.",
    why="Between sigma 0.1 and 1 the arms of the spiral are kept apart, and there the push helps.",
    properties=_nearer,
    caught=[
        (lambda sigma: 3.0 if sigma > 1 else 1.0, "no nearer to the curve"),
        (lambda sigma: 6.0, "only part of the class"),
        (lambda sigma: 0.0, "ignores the label"),
        (lambda sigma: torch.ones(2), "one number"),
        (lambda sigma: 1.0, "no guidance at all"),
        (lambda sigma: 2.0, "no schedule"),
        (lambda sigma: -1.0, "away from the class"),
        (lambda sigma: 3.0 if sigma < 1 else None, "is there a return")])

def _same_moments(x: Tensor, y: Tensor) -> Tensor:
    """Return x, stretched and moved to the mean and the covariance of y."""
    thin = 1e-6 * torch.eye(2, dtype=x.dtype)  # points on one line are data, too
    white = torch.linalg.solve_triangular(torch.linalg.cholesky(x.T.cov()), (x - x.mean(0)).T, upper=False)
    return y.mean(0) + (torch.linalg.cholesky(y.T.cov() + thin) @ white).T

def _tells_apart(metric) -> Verdicts:
    y, again, half = (SPIRAL.sample(n, seeded(seed))[0] for seed, n in ((1, 1500), (2, 1500), (3, 3000)))
    half = half[half[:, 0].argsort()[:1500]]
    cloud = _same_moments(torch.randn(1500, 2, generator=seeded(4)), y)
    fair, shifted, lost, moments = (ask_number(metric, x, y) for x in (again, again + 0.5, half, cloud))
    yield (len({fair, shifted, lost, moments}) > 1,
           f"every pair of samples is {fair:g} apart in yours: what should it look at?")
    yield shifted >= 0, f"a shift gives {shifted:.3g}; can a distance be less than 0, or did you turn it round?"
    yield (2 * fair < shifted, f"two fair draws give {fair:.3g}, a shift {shifted:.3g}: the first must be small beside"
                               " it; what makes it so?")
    yield 2 * fair < lost, "it does not see the part that is missing: did you look from y to x, too?"
    yield 2 * fair < moments, "it takes a Gaussian cloud for the spiral: does it see more than two moments?"

metric = Exercise(
    "Write metric(x, y): a distance of two samples [n, 2] that is small for two draws of one law, and notices a shift,"
    " a missing half, and a Gaussian cloud with the same mean and covariance: at least twice that of two fair draws.",
    answer=metrics.energy_distance,
    more="Compare mean distances between points: twice those from x to y, minus those within x, minus those within y.",
    why="The energy distance is 0 for two draws of one law alone, and has no setting.",
    properties=_tells_apart,
    caught=[
        (metrics.frechet, "two moments"),
        (lambda x, y: float(metrics.distance(x, y).mean()), "part that is missing"),
        (lambda x, y: 1 + metrics.energy_distance(x, y), "must be small"),
        (lambda x, y: (x.mean(0) - y.mean(0)).abs(), "one number"),
        (lambda x, y: -metrics.energy_distance(x, y), "less than 0"),
        (lambda x, y: 0.0, "every pair")])

def _a_shape(points) -> Verdicts:
    value = call(points)
    x = numbers(value.x if isinstance(value, data.Points) else value).float()
    turned = x.ndim == 2 and len(x) == 2 < x.shape[1]
    yield not turned, f"one row per point; yours have shape {list(x.shape)}: is it the other way round?"
    yield (x.ndim == 2 and x.shape[1] == 2,
           f"points of the plane have two columns; yours have shape {list(x.shape)}: why?")
    yield len(x) >= 200, f"{len(x)} points are too few to sample from, 200 are enough; where could more come from?"
    spread, middle = float(x.std(0).mean()), x.mean(0)
    yield spread > 0, "all of your points are in one place; what shape should they have?"
    is_off = f"the spread is {spread:.2g}, too {'small' if spread < 0.2 else 'large'} for our noise levels"
    yield spread >= 0.2, f"{is_off}: what would you multiply the points by?"
    yield spread <= 1, f"{is_off}: what would you divide the points by?"
    yield (middle.norm() < 0.3, f"the centre of your data is ({middle[0]:.1f}, {middle[1]:.1f}), and a walk starts"
                                " around 0: what moves it?")
    few = x[torch.randperm(len(x), generator=seeded())[:2000]]
    cloud, other = (_same_moments(torch.randn(len(few), 2, generator=seeded(i)), few) for i in (1, 2))
    yield (metrics.energy_distance(few, cloud) > 3 * metrics.energy_distance(other, cloud),
           f"this is one Gaussian cloud, as far as {len(few)} points can tell; what would be left to learn from it?")

data_set = Exercise(
    "Write points(): your own data set [n, 2], n at least 200, centred, of a spread between 0.2 and 1, with a shape"
    " that a single Gaussian does not have.",
    answer=lambda: data.moons(400).x,
    more="Take any curve, or your own drawing by data.from_image; then subtract its mean and divide by its spread.",
    why="The two moons are centred, of spread 0.5, and bent as no Gaussian is.",
    properties=_a_shape,
    caught=[
        (lambda: data.moons(400).x + 3, "centre"),
        (lambda: 20 * data.moons(400).x, "too large"),
        (lambda: data.moons(400).x / 20, "too small"),
        (lambda: torch.zeros(400, 3), "columns"),
        (lambda: data.moons(400).x.T, "the other way round"),
        (lambda: data.moons(40).x, "few"),
        (lambda: torch.randn(1000, 2, generator=seeded()) / 2, "one Gaussian"),
        (lambda: data.moons(400).x / 0, "NaN"),
        (lambda: torch.zeros(400, 2), "one place")])
