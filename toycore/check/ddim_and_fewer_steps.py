"""Exercises of notebook 06, DDIM and fewer steps."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore import exact, fields, metrics, mixtures, samplers
from toycore.check import Refused, Verdicts, ask, close, exercise, unlike
from toycore.frames import VP


def _eq16(a: Tensor, a_prev: Tensor, eta: float) -> Tensor:
    return eta * ((1 - a_prev) / (1 - a) * (1 - a / a_prev)).sqrt()


NOISES = {  # what students take for equation 16 at eta = 1, by what to ask them
    "this is the variance; the standard deviation is asked for: what is missing?": lambda a, b: _eq16(a, b, 1.0) ** 2,
    "that is the noise of the forward step alone; which factor keeps it below the level at the end?": lambda a, b: (
        1 - a / b
    ).sqrt(),
    "that is the whole level at the step's end; which part of it is fresh?": lambda a, b: (1 - b).sqrt(),
    "that is the level at the step's start; which part of it is fresh at the end?": lambda a, b: (1 - a).sqrt(),
    "that is half of equation 16: which other factor says how much this step adds?": lambda a, b: (
        (1 - b) / (1 - a)
    ).sqrt(),
    "the first fraction has no denominator: which level does the step come from?": lambda a, b: (
        (1 - b) * (1 - a / b)
    ).sqrt(),
    "the root reaches over the whole product; does yours end too early?": lambda a, b: (
        ((1 - b) / (1 - a)).sqrt() * (1 - a / b)
    ),
    "the root reaches over both factors; does yours begin too late?": lambda a, b: (
        (1 - b) / (1 - a) * (1 - a / b).sqrt()
    ),
    "1 - a / a_prev is a ratio's rest; is yours a difference?": lambda a, b: ((1 - b) / (1 - a) * (b - a)).sqrt(),
    "the fraction is upside down: is there more noise at the start or at the end?": lambda a, b: (
        (1 - a) / (1 - b) * (1 - a / b)
    ).sqrt(),
}


@exercise(
    answer=_eq16,
    mistakes={
        "eta = 0 must give 0": lambda a, a_prev, eta: _eq16(a, a_prev, 1.0),
        "linear in eta": lambda a, a_prev, eta: eta**2 * _eq16(a, a_prev, 1.0),
        **{message: lambda a, b, eta, wrong=wrong: eta * wrong(a, b) for message, wrong in NOISES.items()},
        "no noise at all": lambda a, a_prev, eta: 0 * a,
        "is the step turned": lambda a, a_prev, eta: _eq16(a_prev, a, eta),
        "at the step's end has": lambda a, a_prev, eta: eta + 0 * a,
    },
)
def eta_noise(attempt: Callable[[Tensor, Tensor, float], Tensor]) -> Verdicts:
    """Write noise(a, a_prev, eta): the standard deviation of equation 16, from alpha_bar = a at the step's start (less
    signal) and a_prev at its end (more signal), both [n].
    """
    a = torch.tensor([0.05, 0.3, 0.7, 0.95], dtype=torch.float64)
    b = torch.tensor([0.3, 0.7, 0.95, 0.999], dtype=torch.float64)
    yield from _not_turned(attempt, a, b)
    full = ask(attempt, a, b, 1.0, shape=a.shape)
    yield close(ask(attempt, a, b, 0.0), 0 * a), "eta = 0 must give 0: no noise at all is DDIM's name; where is eta?"
    yield not close(full, 0 * a), "at eta = 1 there is no noise at all; how much has DDPM?"
    yield from unlike(full, {message: wrong(a, b) for message, wrong in NOISES.items()})
    yield (
        bool((full <= (1 - b).sqrt() + 1e-6).all()),
        "that is more noise than the level at the step's end has: can that be?",
    )
    end = ask(attempt, a, torch.ones_like(a), 1.0)
    yield (
        close(end, 0 * a),
        "in the last step a_prev = 1, and nothing may be left of the noise: which factor sees to it?",
    )
    half = ask(attempt, a, b, 0.5)
    yield close(half, full / 2), "the standard deviation is linear in eta; yours is not: where does eta stand?"
    yield close(full, _eq16(a, b, 1.0)), "at eta = 1 it must be DDPM's noise: which two fractions stand under its root?"


def _not_turned(attempt: Callable[[Tensor, Tensor, float], Tensor], a: Tensor, b: Tensor) -> Verdicts:
    """If there are no numbers for this step, are there for the other direction?"""
    try:
        ask(attempt, a, b, 1.0)
    except Refused:
        back = ask(attempt, b, a, 1.0)
        yield not close(back, _eq16(a, b, 1.0)), "is the step turned round? It starts at a, where there is less signal"
        raise


def _step(x: Tensor, eps_hat: Tensor, a: float, a_prev: float) -> Tensor:
    x0_hat = (x - (1 - a) ** 0.5 * eps_hat) / a**0.5
    return a_prev**0.5 * x0_hat + (1 - a_prev) ** 0.5 * eps_hat


def _x0_hat(x: Tensor, n: Tensor, a: float) -> Tensor:
    return (x - (1 - a) ** 0.5 * n) / a**0.5


STEPS = {  # what students take for equation 12, by what to ask them
    "x comes back at the same level: which part of the formula uses a_prev?": lambda x, n, a, b: _step(x, n, a, a),
    "that is x0_hat, the predicted clean point; a step goes only part of the way: to which level?": lambda x, n, a, b: (
        _x0_hat(x, n, a)
    ),
    "the clean point comes back without noise; what carries it to the level of a_prev?": lambda x, n, a, b: (
        b**0.5 * _x0_hat(x, n, a)
    ),
    "are all of the square roots in place? alpha_bar is a variance": lambda x, n, a, b: (
        b * (x - (1 - a) * n) / a + (1 - b) * n
    ),
    "the clean point is not scaled back up: by what was the signal multiplied in x?": lambda x, n, a, b: (
        b**0.5 * (x - (1 - a) ** 0.5 * n) + (1 - b) ** 0.5 * n
    ),
    "the clean point is divided by a variance; by what was the signal multiplied in x?": lambda x, n, a, b: (
        b**0.5 * (x - (1 - a) ** 0.5 * n) / a + (1 - b) ** 0.5 * n
    ),
    "the clean point is not scaled for the new level: which factor has the signal there?": lambda x, n, a, b: (
        _x0_hat(x, n, a) + (1 - b) ** 0.5 * n
    ),
    "the noise keeps its old level: which one has the step's end?": lambda x, n, a, b: (
        b**0.5 * _x0_hat(x, n, a) + (1 - a) ** 0.5 * n
    ),
    "the new noise is subtracted; on which side of the clean point was it?": lambda x, n, a, b: (
        b**0.5 * _x0_hat(x, n, a) - (1 - b) ** 0.5 * n
    ),
    "1 - a_prev is the noise's variance; which factor has eps_hat itself?": lambda x, n, a, b: (
        b**0.5 * _x0_hat(x, n, a) + (1 - b) * n
    ),
    "your clean point adds the noise to x; was it not added already?": lambda x, n, a, b: (
        b**0.5 * (x + (1 - a) ** 0.5 * n) / a**0.5 + (1 - b) ** 0.5 * n
    ),
    "is the step turned round? It starts at a, with less signal": lambda x, n, a, b: _step(x, n, b, a),
    "that is the step in the VE frame; what scales x in the VP frame?": lambda x, n, a, b: (
        x + ((1 / b - 1) ** 0.5 - (1 / a - 1) ** 0.5) * n
    ),
    "this is the point in the VE frame; which factor brings it back to VP?": lambda x, n, a, b: (
        _step(x, n, a, b) / b**0.5
    ),
    "that is the mean of DDPM's step, which makes room for fresh noise; what does DDIM put there?": lambda x, n, a, b: (
        (b / a) ** 0.5 * (x - (1 - a / b) / (1 - a) ** 0.5 * n)
    ),
}


@exercise(
    answer=_step,
    mistakes={
        **STEPS,
        "has no chance": lambda x, n, a, b: b**0.5 * _x0_hat(x, n, a) + (1 - b) ** 0.5 * torch.randn_like(n),
        "length zero": lambda x, n, a, b: _step(x, n, a, b) + x,
        "other levels": lambda x, n, a, b: x if a == b else 3**0.5 * (x - 0.8**0.5 * n) + 0.4**0.5 * n,
    },
)
def step(attempt: Callable[[Tensor, Tensor, float, float], Tensor]) -> Verdicts:
    """Write step(x, eps_hat, a, a_prev): one DDIM step with eta = 0 in the paper's letters (eq. 12); x is [b, 2] in the
    VP frame, a and a_prev are numbers.
    """
    rng = torch.Generator().manual_seed(0)
    x, eps = (torch.randn(7, 2, generator=rng, dtype=torch.float64) for _ in range(2))
    moved = ask(attempt, x, eps, 0.2, 0.6, shape=x.shape)
    yield (
        close(moved, ask(attempt, x, eps, 0.2, 0.6)),
        "twice the same step, two answers: DDIM has no chance in it; why draw?",
    )
    yield from unlike(moved, {message: wrong(x, eps, 0.2, 0.6) for message, wrong in STEPS.items()})
    yield close(ask(attempt, x, eps, 0.2, 0.2), x), "a step of length zero must change nothing; what does yours change?"
    D = exact.posterior_mean(mixtures.spiral(40))
    for a, b in (0.2, 0.6), (0.5, 0.9):
        s, s_prev = (float(VP.sigma(torch.tensor(v, dtype=torch.float64))) for v in (a, b))
        y = x * a**-0.5  # the same point in the VE frame
        right = samplers.final(samplers.ddim(D, y, torch.tensor([s, s_prev], dtype=torch.float64))) * b**0.5
        same = close(ask(attempt, x, fields.noise(D, y, s), a, b), right)
        where = "other levels" if a > 0.2 else "these"
        yield (
            same,
            f"from a = {a} to {b} it differs from samplers.ddim: does a formula hold for {where}, in which letters?",
        )


def _mix(z1: Tensor, z2: Tensor, share: float) -> Tensor:
    return torch.cos(torch.tensor(share * torch.pi / 2)) * z1 + torch.sin(torch.tensor(share * torch.pi / 2)) * z2


def _slerp(z1: Tensor, z2: Tensor, share: float) -> Tensor:
    """Every pair along its own circle: made for a thousand dimensions, where all lengths are alike."""
    angle = torch.nn.functional.cosine_similarity(z1, z2)[:, None].clamp(-0.9999, 0.9999).acos()
    return (((1 - share) * angle).sin() * z1 + (share * angle).sin() * z2) / angle.sin()


@exercise(
    answer=_mix,
    mistakes={
        "share = 0": lambda z1, z2, share: _mix(z2, z1, share),
        "share = 1": lambda z1, z2, share: z1 + share * z2,
        "too small": lambda z1, z2, share: (1 - share) * z1 + share * z2,
        "too large": lambda z1, z2, share: (z1 + z2) if 0 < share < 1 else _mix(z1, z2, share),
        "its own circle": _slerp,
        "no path": lambda z1, z2, share: torch.where(torch.rand(z1.shape) < share, z2, z1),
        "jumps": lambda z1, z2, share: z1 if share < 0.75 else z2,
        "a quarter": lambda z1, z2, share: (
            _mix(z1, z2, share) if share in (0, 0.5, 1) else (1 - share) * z1 + share * z2
        ),
    },
)
def mix(attempt: Callable[[Tensor, Tensor, float], Tensor]) -> Verdicts:
    """Write mix(z1, z2, share): a path without a jump from noise z1 (share 0) to z2 (share 1), N(0, I) all the way, for
    independent z1, z2 ~ N(0, I), [b, d].
    """
    rng = torch.Generator().manual_seed(0)
    z1, z2 = (torch.randn(10_000, 2, generator=rng) for _ in range(2))
    middle = ask(attempt, z1, z2, 0.5, shape=z1.shape)
    yield (
        close(middle, ask(attempt, z1, z2, 0.5)),
        "twice the same question, two answers: with dice in it, it is no path; why?",
    )
    yield (
        close(ask(attempt, z1, z2, 0.0), z1, 1e-3),
        "share = 0 must give z1 itself: what has yours beside it, or instead?",
    )
    yield (
        close(ask(attempt, z1, z2, 1.0), z2, 1e-3),
        "share = 1 must give z2 itself: what has yours beside it, or instead?",
    )
    yield from _keeps_the_variance(attempt, z1, z2)
    both = torch.corrcoef(torch.stack([middle[:, 0], z1[:, 0].double(), z2[:, 0].double()]))[0, 1:]
    yield both.min() > 0.3, "half-way it holds one of z1 and z2 alone: it jumps; how can it hold both?"
    for at, before in (0.5, middle), (0.0, z1.double()):
        far = (ask(attempt, z1, z2, at + 0.001) - before).abs().max()
        yield (
            far < 0.3,
            f"after share = {at} a small change moves some points by {far:.1f}: it jumps; how can it glide?",
        )


def _keeps_the_variance(attempt: Callable[[Tensor, Tensor, float], Tensor], z1: Tensor, z2: Tensor) -> Verdicts:
    middle = ask(attempt, z1, z2, 0.5)
    alike = ((middle - _slerp(z1, z2, 0.5)).abs() < 0.01).double().mean()
    circle = "each pair on its own circle keeps lengths where all are alike, in a thousand dimensions; here they differ"
    yield alike < 0.9, f"{circle}: which one rule for all pairs keeps the variance?"
    for share, where in (0.5, "half-way"), (0.25, "after a quarter"), (0.8, "near the end"):
        spread = metrics.spread(ask(attempt, z1, z2, share), z1)
        yield (
            spread > 0.97,
            f"{where} the noise is too small: spread {spread:.2f} instead of 1; what happens to variances?",
        )
        yield (
            spread < 1.03,
            f"{where} the noise is too large: spread {spread:.2f} instead of 1; what happens to variances?",
        )
