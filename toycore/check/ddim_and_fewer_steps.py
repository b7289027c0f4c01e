"""Exercises of notebook 06, DDIM and fewer steps."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore import exact, fields, metrics, mixtures, samplers
from toycore.check import Verdicts, call, close, exercise
from toycore.frames import VP


def _eq16(a: Tensor, a_prev: Tensor, eta: float) -> Tensor:
    return eta * ((1 - a_prev) / (1 - a) * (1 - a / a_prev)).sqrt()


@exercise(
    answer=_eq16,
    mistakes={
        "eta = 0 must give 0": lambda a, a_prev, eta: _eq16(a, a_prev, 1.0),
        "standard deviation": lambda a, a_prev, eta: _eq16(a, a_prev, eta) ** 2,
        "more noise than": lambda a, a_prev, eta: eta * (1 - a / a_prev).sqrt(),
        "at eta = 1": lambda a, a_prev, eta: eta * ((1 - a_prev) * (1 - a / a_prev)).sqrt(),
        "linear in eta": lambda a, a_prev, eta: eta**2 * _eq16(a, a_prev, 1.0),
    },
)
def eta_noise(attempt: Callable[[Tensor, Tensor, float], Tensor]) -> Verdicts:
    """Write noise(a, a_prev, eta): the standard deviation of equation 16, from alpha_bar = a at the step's start (less
    signal) and a_prev at its end (more signal), both [n].
    """
    a = torch.tensor([0.05, 0.3, 0.7, 0.95], dtype=torch.float64)
    a_prev = torch.tensor([0.3, 0.7, 0.95, 0.999], dtype=torch.float64)
    full = call(attempt, a, a_prev, 1.0)
    yield close(call(attempt, a, a_prev, 0.0), 0 * a), "eta = 0 must give 0: no noise at all is DDIM's name"
    yield not close(full, _eq16(a, a_prev, 1.0) ** 2), "this is the variance; the standard deviation is asked for"
    room = (1 - a_prev).sqrt()
    yield (
        bool((torch.as_tensor(full) <= room).all()),
        "that is more noise than the level at the step's end has",
    )
    end = call(attempt, a, torch.ones_like(a), 1.0)
    yield close(end, 0 * a), "in the last step a_prev = 1, and nothing may be left of the noise"
    half = call(attempt, a, a_prev, 0.5)
    yield close(half, torch.as_tensor(full) / 2), "the standard deviation is linear in eta; yours is not"
    yield (
        close(full, _eq16(a, a_prev, 1.0)),
        "at eta = 1 it must be DDPM's: sqrt of (1-a_prev)/(1-a) times (1 - a/a_prev)",
    )


def _step(x: Tensor, eps_hat: Tensor, a: float, a_prev: float) -> Tensor:
    x0_hat = (x - (1 - a) ** 0.5 * eps_hat) / a**0.5
    return a_prev**0.5 * x0_hat + (1 - a_prev) ** 0.5 * eps_hat


@exercise(
    answer=_step,
    mistakes={
        "same level": lambda x, eps_hat, a, a_prev: _step(x, eps_hat, a, a),
        "loses the noise": lambda x, eps_hat, a, a_prev: a_prev**0.5 * (x - (1 - a) ** 0.5 * eps_hat) / a**0.5,
        "square roots": lambda x, eps_hat, a, a_prev: a_prev * (x - (1 - a) * eps_hat) / a + (1 - a_prev) * eps_hat,
        "clean point": lambda x, eps_hat, a, a_prev: (
            a_prev**0.5 * (x - (1 - a) ** 0.5 * eps_hat) + (1 - a_prev) ** 0.5 * eps_hat
        ),
    },
)
def step(attempt: Callable[[Tensor, Tensor, float, float], Tensor]) -> Verdicts:
    """Write step(x, eps_hat, a, a_prev): one DDIM step with eta = 0 in the paper's letters (eq. 12); x is [b, 2] in the
    VP frame, a and a_prev are numbers.
    """
    rng = torch.Generator().manual_seed(0)
    x, eps = (torch.randn(7, 2, generator=rng, dtype=torch.float64) for _ in range(2))
    moved = call(attempt, x, eps, 0.2, 0.6)
    yield not close(moved, x), "x comes back at the same level: which part of the formula uses a_prev?"
    still = call(attempt, x, eps, 0.2, 0.2)
    lost = x - 0.8**0.5 * eps  # sqrt(a) x0_hat
    yield not close(still, lost, 1e-6), "a step of length zero loses the noise: where does yours carry it along?"
    yield close(still, x, 1e-6), "a step of length zero must change nothing: is the clean point divided by sqrt(a)?"
    D = exact.posterior_mean(mixtures.spiral(40))
    s, s_prev = (float(VP.sigma(torch.tensor(v, dtype=torch.float64))) for v in (0.2, 0.6))
    y = x * 0.2**-0.5  # the same point in the VE frame
    right = samplers.final(samplers.ddim(D, y, torch.tensor([s, s_prev], dtype=torch.float64))) * 0.6**0.5
    yield (
        close(call(attempt, x, fields.noise(D, y, s), 0.2, 0.6), right, 1e-9),
        ("the step differs from samplers.ddim: are all the square roots in place?"),
    )


def _mix(z1: Tensor, z2: Tensor, share: float) -> Tensor:
    return torch.cos(torch.tensor(share * torch.pi / 2)) * z1 + torch.sin(torch.tensor(share * torch.pi / 2)) * z2


@exercise(
    answer=_mix,
    mistakes={
        "share = 0": lambda z1, z2, share: _mix(z2, z1, share),
        "too small": lambda z1, z2, share: (1 - share) * z1 + share * z2,
        "too large": lambda z1, z2, share: (z1 + z2) if 0 < share < 1 else _mix(z1, z2, share),
        "both": lambda z1, z2, share: z1 if share < 0.75 else z2,
    },
)
def mix(attempt: Callable[[Tensor, Tensor, float], Tensor]) -> Verdicts:
    """Write mix(z1, z2, share): a path from noise z1 (share 0) to z2 (share 1) that is N(0, I) all the way, for
    independent z1, z2 ~ N(0, I), [b, d].
    """
    rng = torch.Generator().manual_seed(0)
    z1, z2 = (torch.randn(20_000, 2, generator=rng) for _ in range(2))
    yield close(call(attempt, z1, z2, 0.0), z1, 1e-4), "share = 0 must give z1 itself"
    yield close(call(attempt, z1, z2, 1.0), z2, 1e-4), "share = 1 must give z2 itself"
    spread = metrics.spread(call(attempt, z1, z2, 0.5), z1)
    yield (
        spread > 0.97,
        f"half-way the noise is too small: spread {spread:.2f} instead of 1; what happens to variances?",
    )
    yield (
        spread < 1.03,
        f"half-way the noise is too large: spread {spread:.2f} instead of 1; what happens to variances?",
    )
    middle = call(attempt, z1, z2, 0.5)
    shares = [float(torch.corrcoef(torch.stack([middle[:, 0], z[:, 0]]))[0, 1]) for z in (z1, z2)]
    yield min(shares) > 0.3, "half-way the noise must contain both, z1 and z2"
