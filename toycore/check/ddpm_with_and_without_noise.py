"""Exercises of notebook 04, DDPM, with and without noise."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore import data, exact, mixtures, samplers, sigmas
from toycore.check import Verdicts, call, close, exercise

Step = Callable[[Tensor, Tensor, float, float, Tensor], Tensor]


def _step(power: float = 2, noise: Callable[[float, float], float] | None = None) -> Step:
    """x0_hat + (sigma'/sigma)^power (x - x0_hat) + noise(sigma, sigma') z, by default the posterior's own."""

    def step(x: Tensor, x0_hat: Tensor, sigma: float, sigma_next: float, z: Tensor) -> Tensor:
        fresh = noise(sigma, sigma_next) if noise else sigma_next * (1 - (sigma_next / sigma) ** 2) ** 0.5
        return x0_hat + (sigma_next / sigma) ** power * (x - x0_hat) + fresh * z

    return step


@exercise(
    answer=_step(),
    mistakes={
        "the step of DDIM": _step(power=1),
        "what stays": lambda x, x0_hat, s, t, z: x + (t / s) ** 2 * (x0_hat - x) + t * (1 - (t / s) ** 2) ** 0.5 * z,
        "no noise at all": lambda x, x0_hat, s, t, z: x0_hat + (t / s) ** 2 * (x - x0_hat),
        "last step": _step(noise=lambda s, t: (s**2 - t**2) ** 0.5),
        "variance where": _step(noise=lambda s, t: t**2 * (1 - (t / s) ** 2)),
        "the whole noise": _step(noise=lambda s, t: t),
    },
)
def step(attempt: Step) -> Verdicts:
    """Write one DDPM step: (x, x0_hat, sigma, sigma_next, z) -> x', with z ~ N(0, I) given. x' is drawn from
    q(x' | x, x0_hat): keep = (sigma'/sigma)^2 of the old noise stays, fresh noise makes up the rest.
    """
    rng = torch.Generator().manual_seed(0)
    x, x0_hat, z = (torch.randn(8, 2, generator=rng, dtype=torch.float64) for _ in range(3))
    s, t = 1.5, 1.0
    yield from _keeps(call(attempt, x, x0_hat, s, t, torch.zeros_like(z)), x, x0_hat, s, t)
    b = _fresh(attempt, x, x0_hat, s, t, z)
    yield not close(b, torch.zeros_like(b)), "z changes nothing: there is no noise at all in your step"
    yield (
        close(call(attempt, x, x0_hat, s, 0.0, z), x0_hat),
        "the last step, to sigma' = 0, must land on x0_hat without noise; which factor makes the noise vanish there?",
    )
    yield (
        not close(b, torch.full_like(b, t)),
        "you add the whole noise of level sigma'; a part is in the kept noise already",
    )
    s, t = 0.5, 0.25  # variance and standard deviation differ here
    yield from _adds(_fresh(attempt, x, x0_hat, s, t, z), s, t)


def _keeps(mean: Tensor, x: Tensor, x0_hat: Tensor, s: float, t: float) -> Verdicts:
    """Judge where the step ends with z = 0."""
    keep = (t / s) ** 2
    [state] = samplers.ddpm(lambda *_: x0_hat, x, torch.tensor([s, t]).double(), noise=0.0)
    yield (
        not close(mean, x0_hat + t / s * (x - x0_hat)),
        "with z = 0 that is the step of DDIM: it keeps sigma'/sigma of the old noise; DDPM keeps less, how much?",
    )
    yield (
        not close(mean, x + keep * (x0_hat - x)),
        "you go the share keep from x to x0_hat; but keep is what stays: measured from x0_hat, where must you end?",
    )
    yield close(mean, state.mean), "with z = 0 the step must end at x0_hat + keep (x - x0_hat), keep = (sigma'/sigma)^2"


def _fresh(attempt: Step, x: Tensor, x0_hat: Tensor, s: float, t: float, z: Tensor) -> Tensor:
    """Return what a step multiplies z by."""
    return (call(attempt, x, x0_hat, s, t, z) - call(attempt, x, x0_hat, s, t, torch.zeros_like(z))) / z


def _adds(b: Tensor, s: float, t: float) -> Verdicts:
    """Judge the size of the fresh noise."""
    right = t * (1 - (t / s) ** 2) ** 0.5
    yield not close(b, torch.full_like(b, right**2)), "z is multiplied by a variance where a standard deviation belongs"
    total = (t**2 / s) ** 2 + b[0, 0] ** 2
    yield (
        close(b, torch.full_like(b, right)),
        f"kept and fresh noise must make level sigma' = {t}: the squares sum to {total:.3f}, not {t**2}",
    )


def _final_std(v: float, high: float) -> float:
    D = exact.posterior_mean(mixtures.GaussianMixture(torch.zeros(1, 1, dtype=torch.float64), v**0.5))
    start = torch.full((1, 1), high, dtype=torch.float64)
    return float(samplers.final(samplers.ddpm(D, start, sigmas.log_linear(5, high / 100, high), noise=0.0)))


@exercise(
    answer=_final_std,
    mistakes={
        "with noise": lambda v, high: v**0.5,
        "DDIM": lambda v, high: high * (v / (v + high**2)) ** 0.5,
        "the factor": lambda v, high: v / (v + high**2),
        "is a variance": lambda v, high: v**0.5 * high / (v**0.5 + high**2),
    },
)
def final_std(attempt: Callable[[float, float], float]) -> Verdicts:
    """Data ~ N(0, v I), start ~ N(0, high^2 I), DDPM steps with the noise left out, down to sigma = 0. Give the
    standard deviation (per coordinate) at the end, as a formula in v and high.
    """
    v, high = 0.25, 10.0
    said, right = float(call(attempt, v, high)), _final_std(v, high)
    yield not close(said, v**0.5), "sqrt(v) is what you get with noise; what is left when it is left out?"
    yield (
        not close(said, high * (v / (v + high**2)) ** 0.5),
        "that is what DDIM reaches in many small steps: a small step of DDPM shrinks twice as much, so which power?",
    )
    yield (
        not close(said, v / (v + high**2)),
        "v / (v + high^2) is the factor by which the cloud shrinks; how wide was it at the start?",
    )
    yield (
        close(said, right),
        (
            f"for v = {v}, high = {high:g} the walk ends with {right:.4f}, you say {said:.4f}: one step multiplies by"
            " (v + sigma'^2) / (v + sigma^2), where v is a variance; what is the product of all of them?"
        ),
    )
    yield close(call(attempt, 0.04, 3.0), _final_std(0.04, 3.0)), "right for one v and high, but not for others"


def _end(x: Tensor) -> Tensor:
    return x[(x - x.mean(0)).norm(dim=1).argmin()]


@exercise(
    answer=_end,
    mistakes={
        "the origin": lambda x: torch.zeros(2),
        "off the curve": lambda x: x.mean(0),
        "one point": lambda x: x,
        "nearest to the mean": lambda x: x[0],
        "the centre of mass": lambda x: x[-1],
    },
)
def end_point(attempt: Callable[[Tensor], Tensor]) -> Verdicts:
    """Given the points x [n, 2] of a spiral that was moved somewhere, say where DDPM without noise ends (started at
    sigma = 80), to within 0.06. Do not sample: point at one place.
    """
    spiral, shift = data.spiral(400).x, torch.tensor([2.0, -1.0])
    D = exact.posterior_mean(mixtures.GaussianMixture(spiral + shift, 0.02))
    start = 80 * torch.randn(50, 2, generator=torch.Generator().manual_seed(0))
    end = samplers.final(samplers.ddpm(D, start, sigmas.log_linear(100, 0.01, 80.0), noise=0.0)).mean(0)
    said = torch.as_tensor(call(attempt, spiral + shift))
    yield said.shape == (2,), f"one point [2] is asked for; you gave {list(said.shape)}"
    yield said.norm() > 0.1, "that is the origin, but nothing in the formulas knows where the origin is"
    centre = (spiral + shift).mean(0)
    yield (
        not close(said, centre, 1e-3),
        "the mean is where the walk goes first, but it lies off the curve; where does it go when sigma gets small?",
    )
    yield (
        (said - centre).norm() < 0.4,
        "too far out: what pulls at high noise is the centre of mass of the data; where is it?",
    )
    yield (
        (said - end).norm() < 0.06,
        f"{(said - end).norm():.2f} away from the end: which data point is nearest to the mean?",
    )
    moved = torch.as_tensor(call(attempt, spiral - 3 * shift))
    yield close(moved - said, -4 * shift, 1e-3), "move the data and the end must move along; yours does not"
