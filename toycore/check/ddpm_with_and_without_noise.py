"""Exercises of notebook 04, DDPM, with and without noise."""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from toycore import data, exact, mixtures, samplers, sigmas
from toycore.check import Verdicts, ask, ask_number, close, exercise, unlike

Step = Callable[[Tensor, Tensor, float, float, Tensor], Tensor]


def _step(power: float = 2, noise: Callable[[float, float], float] | None = None) -> Step:
    """x0_hat + (sigma'/sigma)^power (x - x0_hat) + noise(sigma, sigma') z, by default the posterior's own."""

    def step(x: Tensor, x0_hat: Tensor, sigma: float, sigma_next: float, z: Tensor) -> Tensor:
        fresh = noise(sigma, sigma_next) if noise else sigma_next * (1 - (sigma_next / sigma) ** 2) ** 0.5
        return x0_hat + (sigma_next / sigma) ** power * (x - x0_hat) + fresh * z

    return step


NOISES = {  # what students multiply z by, with what to ask them
    "the fresh noise is subtracted; that is as probable, but here it is to be added: which sign?": lambda s, t: (
        -t * (1 - (t / s) ** 2) ** 0.5
    ),
    "z is multiplied by a variance where a standard deviation belongs: which root is missing?": lambda s, t: (
        t**2 * (1 - (t / s) ** 2)
    ),
    "the noise that is left is measured in sigma', and yours in 1: which level must it make?": lambda s, t: (
        (1 - (t / s) ** 2) ** 0.5
    ),
    "variances add up; did you take a root too few of 1 - keep?": lambda s, t: t * (1 - (t / s) ** 2),
    "is keep the share sigma'/sigma, or its square?": lambda s, t: t * (1 - t / s) ** 0.5,
    "you add the whole noise of level sigma'; a part is in the kept noise already: how much?": lambda s, t: t,
    "that much noise leads from sigma' up to sigma, forward; how much is fresh on the way down?": lambda s, t: (
        (s**2 - t**2) ** 0.5
    ),
}


@exercise(
    answer=_step(),
    mistakes={
        "the step of DDIM": _step(power=1),
        "what stays": lambda x, x0_hat, s, t, z: x + (t / s) ** 2 * (x0_hat - x) + t * (1 - (t / s) ** 2) ** 0.5 * z,
        "no noise at all": lambda x, x0_hat, s, t, z: x0_hat + (t / s) ** 2 * (x - x0_hat),
        "forgets": lambda x, x0_hat, s, t, z: x0_hat + t * z,
        "stays where it is": lambda x, x0_hat, s, t, z: x + t * z,
        "upside down": lambda x, x0_hat, s, t, z: x0_hat + (s / max(t, 1e-3)) ** 2 * (x - x0_hat) + t * z,
        "z is given": lambda x, x0_hat, s, t, z: x0_hat + torch.randn_like(x),
        "last step": _step(noise=lambda s, t: t + 0.1),
        **{message: _step(noise=wrong) for message, wrong in NOISES.items()},
        "the squares sum": _step(noise=lambda s, t: 0.7 * t),
        "for other levels": _step(noise=lambda s, t: t * 0.75**0.5),
    },
)
def step(attempt: Step) -> Verdicts:
    """Write one DDPM step: (x, x0_hat, sigma, sigma_next, z) -> x', with z ~ N(0, I) given. x' is drawn from
    q(x' | x, x0_hat): keep = (sigma'/sigma)^2 of the old noise stays, fresh noise makes up the rest.
    """
    rng = torch.Generator().manual_seed(0)
    x, x0_hat, z = (torch.randn(8, 2, generator=rng, dtype=torch.float64) for _ in range(3))
    mean, new = (ask(attempt, x, x0_hat, 0.5, 0.25, noise, shape=x.shape) for noise in (0 * z, z))
    again = ask(attempt, x, x0_hat, 0.5, 0.25, z)
    yield close(new, again), "two steps with the same z differ: do you draw noise yourself? z is given"
    yield from _keeps(mean, x, x0_hat, 0.5, 0.25)
    b = new - mean
    yield not close(b, 0 * z), "z changes nothing: there is no noise at all in your step; where does it enter?"
    yield from unlike(b, {message: wrong(0.5, 0.25) * z for message, wrong in NOISES.items()})
    yield (
        close(ask(attempt, x, x0_hat, 0.5, 0.0, z), x0_hat),
        "the last step, to sigma' = 0, must land on x0_hat without noise; which factor makes the noise vanish there?",
    )
    total = 0.125**2 + (b / z).mean() ** 2
    short = (
        f"kept and fresh noise must make level sigma' = 0.25: the squares sum to {total:.4f}, not 0.0625; what is left?"
    )
    yield close(b, 0.25 * 0.75**0.5 * z), short
    right = _step()(x, x0_hat, 1.5, 1.0, z)
    yield (
        close(ask(attempt, x, x0_hat, 1.5, 1.0, z), right),
        "right from 0.5 to 0.25, wrong for other levels: where are they?",
    )


def _keeps(mean: Tensor, x: Tensor, x0_hat: Tensor, s: float, t: float) -> Verdicts:
    """Judge where the step ends with z = 0."""
    keep = (t / s) ** 2
    [state] = samplers.ddpm(lambda *_: x0_hat, x, torch.tensor([s, t]).double(), noise=0.0)
    stays = "you go the share keep from x to x0_hat; but keep is what stays: measured from x0_hat, where must you end?"
    yield from unlike(mean, {
        "with z = 0 that is the step of DDIM: it keeps sigma'/sigma of the old noise; how much does DDPM keep?": (
            x0_hat + t / s * (x - x0_hat)
        ),
        stays: x + keep * (x0_hat - x),
        "with z = 0 your step forgets x; which share of the old noise stays?": x0_hat,
        "with z = 0 your step stays where it is; how far towards x0_hat must it go?": x,
        "with z = 0 yours goes away from x0_hat: is the ratio of the levels upside down?": x0_hat + (x - x0_hat) / keep,
    })  # fmt: skip
    yield (
        close(mean, state.mean),
        "with z = 0, where between x0_hat and x must the step end, if keep of x - x0_hat stays?",
    )


def _final_std(v: float, high: float) -> float:
    D = exact.posterior_mean(mixtures.GaussianMixture(torch.zeros(1, 1, dtype=torch.float64), v**0.5))
    start = torch.full((1, 1), high, dtype=torch.float64)
    return float(samplers.final(samplers.ddpm(D, start, sigmas.log_linear(5, high / 100, high), noise=0.0)))


STDS = {  # what students give for the standard deviation at the end, by what to ask them
    "sqrt(v) is what you get with noise; what is left when it is left out?": lambda v, high: v**0.5,
    "that is what DDIM reaches in many small steps: a small step of DDPM shrinks twice as much, so which power?": (
        lambda v, high: high * (v / (v + high**2)) ** 0.5
    ),
    "v / (v + high^2) is the factor by which the cloud shrinks; how wide was it at the start?": lambda v, high: (
        v / (v + high**2)
    ),
    "variances add: v is a variance, is it squared or under a root in yours?": lambda v, high: (
        v**0.5 * high / (v**0.5 + high**2)
    ),
    "v is a variance already: why square it?": lambda v, high: v**2 * high / (v**2 + high**2),
    "variances add, but high is no variance: what is?": lambda v, high: v * high / (v + high),
    "the factor shrinks a width; have you multiplied a variance by it?": lambda v, high: v * high**2 / (v + high**2),
    "that is a variance; the standard deviation is asked for: which root?": lambda v, high: (
        (v * high / (v + high**2)) ** 2
    ),
    "that is its root; is the factor one of widths or of variances?": lambda v, high: (v * high / (v + high**2)) ** 0.5,
    "v / high is near, where high is far above sqrt(v); what is exact?": lambda v, high: v / high,
    "the start is that wide; by how much has the walk shrunk it?": lambda v, high: high,
    "your cloud grows; is the factor upside down?": lambda v, high: high * (v + high**2) / v,
}


@exercise(
    answer=_final_std,
    mistakes={
        **STDS,
        "a sample": lambda v, high: 1.01 * _final_std(v, high),
        "what is the product": lambda v, high: 1 / high,
        "but not for others": lambda v, high: _final_std(0.25, 10.0),
    },
)
def final_std(attempt: Callable[[float, float], float]) -> Verdicts:
    """Data ~ N(0, v I), start ~ N(0, high^2 I), DDPM steps with the noise left out, down to sigma = 0. Give the
    standard deviation (per coordinate) at the end, as a formula in v and high.
    """
    v, high = 0.25, 10.0
    said, right = ask_number(attempt, v, high), _final_std(v, high)
    yield from unlike(said / right, {message: wrong(v, high) / right for message, wrong in STDS.items()}, 1e-4)
    near = abs(said / right - 1) < 0.04 and not close(said / right, 1.0, 1e-4)
    yield not near, f"within 4 % of {right:.5f}, but not equal: did you draw a sample, or leave something small out?"
    yield (
        close(said / right, 1.0, 1e-4),
        (
            f"for v = {v}, high = {high:g} the walk ends with {right:.4f}, you say {said:.4f}: one step multiplies by"
            " (v + sigma'^2) / (v + sigma^2), where v is a variance; what is the product of all of them?"
        ),
    )
    for v, high in (0.04, 3.0), (2.0, 5.0):
        said = ask_number(attempt, v, high) / _final_std(v, high)
        yield close(said, 1.0, 1e-4), "right for one v and high, but not for others: do both stand in your formula?"


def _end(x: Tensor) -> Tensor:
    return x[(x - x.mean(0)).norm(dim=1).argmin()]


@cache
def _where_walks_end() -> Tensor:
    """Where DDPM without noise ends for the spiral at its own place, started at sigma = 80."""
    D = exact.posterior_mean(mixtures.GaussianMixture(data.spiral(400).x, 0.02))
    start = 80 * torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    return samplers.final(samplers.ddpm(D, start, sigmas.log_linear(100, 0.01, 80.0), noise=0.0)).mean(0)


@exercise(
    answer=_end,
    mistakes={
        "the origin": lambda x: torch.zeros(2),
        "off the curve": lambda x: x.mean(0),
        "one point": lambda x: x,
        "nearest to the mean": lambda x: x[0],
        "the centre of mass": lambda x: x[-1],
        "its number": lambda x: (x - x.mean(0)).norm(dim=1).argmin(),
        "turn the data": lambda x: x.mean(0) + _end(data.spiral(400).x) - data.spiral(400).x.mean(0),
    },
)
def end_point(attempt: Callable[[Tensor], Tensor]) -> Verdicts:
    """Given the points x [n, 2] of a spiral that was moved somewhere, say where DDPM without noise ends (started at
    sigma = 80), to within 0.06. Do not sample: point at one place.
    """
    spiral, shift = data.spiral(400).x, torch.tensor([2.0, -1.0])
    said, end = ask(attempt, spiral + shift), _where_walks_end() + shift
    yield said.numel() != 1, "that is one number; is it the place that is asked for, or its number in the list?"
    yield said.numel() == 2, f"one point [2] is asked for; yours has shape {list(said.shape)}: which one?"
    yield from _near(said.reshape(2), (spiral + shift).mean(0), end)
    moved = ask(attempt, spiral - 3 * shift).reshape(2)
    yield (
        close(moved - said.reshape(2), -4 * shift, 1e-2),
        "move the data and the end must move along; why does yours not?",
    )
    turn = torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
    turned = ask(attempt, (spiral + shift).flip(0) @ turn).reshape(2)
    yield (
        (turned - end.double() @ turn.double()).norm() < 0.06,
        "turn the data and the end must turn along; why does yours not?",
    )


def _near(said: Tensor, centre: Tensor, end: Tensor) -> Verdicts:
    """Judge the place that was pointed at."""
    yield said.norm() > 0.1, "that is the origin, but does anything in the formulas know where the origin is?"
    yield (
        not close(said, centre, 1e-3),
        "the mean is where the walk goes first, but it lies off the curve; where does it go when sigma gets small?",
    )
    yield (
        (said - centre).norm() < 0.4,
        "too far out: what pulls at high noise is the centre of mass of the data; where is it?",
    )
    off = (said - end).norm()
    yield off < 0.06, f"{off:.2f} away from the end: which data point is nearest to the mean?"
