"""Exercises of notebook 03, Learning the field."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore import exact, fields, frames, mixtures, sigmas
from toycore.check import Verdicts, ask, ask_number, close, exercise, unlike
from toycore.types import Denoiser, Label


def _loss(D: Denoiser, x0: Tensor, sigma: Tensor, eps: Tensor, target: Tensor | None = None) -> Tensor:
    eps_hat = fields.noise(D, x0 + sigma[:, None] * eps, sigma)
    return ((eps_hat - (eps if target is None else target)) ** 2).sum(1).mean()


def _with(error: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """The loss with another measure of the error than the squared length; error(eps_hat, eps)."""
    return lambda D, x0, sigma, eps: error(fields.noise(D, x0 + sigma[:, None] * eps, sigma), eps)


@exercise(
    answer=_loss,
    mistakes={
        "a column": lambda D, x0, sigma, eps: ((x0 + sigma * eps) ** 2).sum(1).mean(),
        "never asked": lambda D, x0, sigma, eps: (eps**2).sum(1).mean(),
        "knows x0": lambda D, x0, sigma, eps: _loss(lambda x, s, label=None: D(x0, s, label), x0, sigma, eps),
        "which level": lambda D, x0, sigma, eps: _loss(lambda x, s, label=None: D(x, 1.0), x0, sigma, eps),
        "drawn new noise": lambda D, x0, sigma, eps: _loss(D, x0, sigma, eps, torch.randn_like(eps)),
        "compare clean points": lambda D, x0, sigma, eps: (
            ((D(x0 + sigma[:, None] * eps, sigma) - x0) ** 2).sum(1).mean()
        ),
        "averaged over the two coordinates": lambda D, x0, sigma, eps: _loss(D, x0, sigma, eps) / 2,
        "with a clean point": lambda D, x0, sigma, eps: _loss(D, x0, sigma, eps, x0),
        "points to x0_hat": _with(lambda eps_hat, eps: ((-eps_hat - eps) ** 2).sum(1).mean()),
        "over the batch": _with(lambda eps_hat, eps: ((eps_hat - eps) ** 2).sum()),
        "one number": _with(lambda eps_hat, eps: ((eps_hat - eps) ** 2).sum(1)),
        "a root": _with(lambda eps_hat, eps: (eps_hat - eps).norm(dim=1).mean()),
        "absolute values": _with(lambda eps_hat, eps: (eps_hat - eps).abs().sum(1).mean()),
        "cancel": _with(lambda eps_hat, eps: (eps_hat - eps).sum(1).mean()),
    },
)
def loss(attempt: Callable[..., Tensor]) -> Verdicts:
    """Write loss(D, x0, sigma, eps): the mean over the batch of |eps_hat - eps|^2, where eps_hat is read off
    x0_hat = D(x, sigma) at x = x0 + sigma eps. x0 and eps are [b, 2], sigma is [b].
    """
    rng = torch.Generator().manual_seed(0)
    x0, eps = (torch.randn(50, 2, generator=rng) for _ in range(2))
    sigma = 0.1 + torch.rand(50, generator=rng)
    yield from _knows_the_noise(attempt, x0, sigma, eps)
    yield from _knows_nothing(attempt, x0, sigma, eps)
    D = exact.posterior_mean(mixtures.spiral(40))
    right = _loss(D, x0, sigma, eps)
    yield (
        close(ask_number(attempt, D, x0, sigma, eps), right, 1e-4),
        "off for the exact D: what do you ask it, and where?",
    )


def _knows_the_noise(attempt: Callable[..., Tensor], x0: Tensor, sigma: Tensor, eps: Tensor) -> Verdicts:
    """Ask with a D that knows the answer: what does it see, and is the loss zero?"""
    seen, noisy = [], x0 + sigma[:, None] * eps

    def D(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        """Return the clean point of the nearest noisy one."""
        seen.append(torch.cat([x, torch.as_tensor(sigma).reshape(-1, 1).expand(len(x), 1)], 1))
        return x0[torch.cdist(x, noisy).argmin(1)]

    perfect = ask(attempt, D, x0, sigma, eps)
    yield bool(seen), "D was never asked: where should eps_hat come from?"
    rows = torch.cat(seen)
    yield not close(rows[:50, :2], x0), "D was asked about the clean points: then it knows x0; what should it see?"
    yield torch.cdist(noisy, rows[:, :2]).amin(1).max() < 1e-3, "D must see x = x0 + sigma eps; what did you give it?"
    told = sigma[torch.cdist(rows[:, :2], noisy).argmin(1)]
    yield close(rows[:, 2], told, 1e-4), "D must be told sigma beside x, one per row: which level did you give it?"
    yield perfect.numel() == 1, f"a loss is one number, yours has shape {list(perfect.shape)}: which mean is missing?"
    yield from unlike(perfect.reshape(()), {message: _loss(lambda *_: x0, x0, sigma, eps, wrong) for message, wrong in {
        "eps_hat has the wrong sign: the noise points to x, and yours points to x0_hat; which minus which?": -eps,
        "x - x0_hat is sigma times eps_hat: divide by what?": (2 - sigma[:, None]) * eps,
        "you divide by sigma once too often: which power of it is a length?": (2 - 1 / sigma[:, None]) * eps,
        "you compare a noise with a clean point: what does D give, and what is in x beside x0?": x0,
    }.items()}, 1e-4)  # fmt: skip
    lost = (
        "a D that knows the noise must have loss 0: is your target the eps that is in x, or have you drawn new noise?"
    )
    yield close(perfect.reshape(()), 0.0, 1e-4), lost


def _knows_nothing(attempt: Callable[..., Tensor], x0: Tensor, sigma: Tensor, eps: Tensor) -> Verdicts:
    """Ask with D(x) = x, which says eps_hat = 0: the loss is the mean of |eps|^2."""
    lazy, target = ask_number(attempt, lambda x, sigma, label=None: x, x0, sigma, eps), (eps**2).sum(1).mean()
    clean = ((sigma[:, None] * eps) ** 2).sum(1).mean()
    yield from unlike(lazy, {
        "half of what it should be: |.|^2 is a sum; have you averaged over the two coordinates?": target / 2,
        "50 times too large, for 50 points: is there no mean over the batch?": 50 * target,
        "you compare clean points (x0_hat with x0); what must you divide by to compare noises?": clean,
        "|.|^2 is a square; is there a root in yours?": eps.norm(dim=1).mean(),
        "|.|^2 is a sum of squares; are yours absolute values?": eps.abs().sum(1).mean(),
        "errors of both signs cancel in your loss: what keeps |.|^2 from that?": -eps.sum(1).mean(),
        "a loss of less than 0 can grow without end; which sign belongs in front?": -target,
    }, 1e-4)  # fmt: skip
    yield close(lazy, target, 1e-4), "for D(x) = x, which finds no noise at all, what should |eps_hat - eps|^2 be?"


def _irreducible(v: float, sigma: float) -> float:
    return 2 * v / (v + sigma**2)


@exercise(
    answer=_irreducible,
    mistakes={
        "far above the data": lambda v, sigma: 2 * sigma**2 / (v + sigma**2),
        "two coordinates": lambda v, sigma: v / (v + sigma**2),
        "not standard deviations": lambda v, sigma: 2 * v**0.5 / (v**0.5 + sigma),
        "units of the noise": lambda v, sigma: 2 * v * sigma**2 / (v + sigma**2),
        "sigma is no variance": lambda v, sigma: 2 * v / (v + sigma),
        "is a variance already": lambda v, sigma: 2 * v**2 / (v**2 + sigma**2),
        "a root": lambda v, sigma: 2 * (v / (v + sigma**2)) ** 0.5,
        "far below the data": lambda v, sigma: 4 * v / (v + sigma**2),
        "measures 1.51": lambda v, sigma: 2 * v / (v + 2 * sigma**2),
        "where it was measured": lambda v, sigma: {1e-6: 2.0, 1e6: 0.0, 2.0: 0.1}.get(sigma, 1.51),
    },
)
def irreducible(attempt: Callable[[float, float], float]) -> Verdicts:
    """Data ~ N(0, v I) in the plane. Give the least possible loss E|eps_hat - eps|^2 at level sigma, summed over the
    two coordinates, as a formula in v and sigma.
    """
    low, high, wide = (ask_number(attempt, 0.36, sigma) for sigma in (1e-6, 1e6, 2.0))
    yield from unlike(wide, {
        "you gave the error of x0_hat; asked is that of eps_hat, in units of the noise: divide by what?": 2.88 / 4.36,
        "there are two coordinates: what is the loss when nothing at all can be told?": 0.36 / 4.36,
        "variances add, not standard deviations: so which of v and sigma must be squared?": 1.2 / 2.6,
        "variances add, but sigma is no variance: what is?": 0.72 / 2.36,
        "v is a variance already: why square it?": 2 * 0.36**2 / (0.36**2 + 4),
        "a squared error is asked for; is there a root too many?": 2 * (0.36 / 4.36) ** 0.5,
    })  # fmt: skip
    yield (
        high < 1e-3,
        "far above the data (sigma >> sqrt(v)) the noise is plain to see: should the loss be large or small?",
    )
    yield (
        close(low, 2.0),
        "far below the data (sigma << sqrt(v)) nothing can be told: how large is E|eps|^2 in the plane?",
    )
    yield from _measured(attempt)


def _measured(attempt: Callable[[float, float], float]) -> Verdicts:
    rng = torch.Generator().manual_seed(0)
    x0, eps = (torch.randn(20000, 2, generator=rng, dtype=torch.float64) for _ in range(2))
    D = exact.posterior_mean(mixtures.GaussianMixture(torch.zeros(1, 2, dtype=torch.float64), 0.7))
    measured = _loss(D, 0.7 * x0, torch.full((20000,), 0.4), eps)
    told = f"at v = 0.49, sigma = 0.4 the loss measures {measured:.2f}; what variance of eps is left once x is known?"
    yield close(ask_number(attempt, 0.49, 0.4), measured, 0.02), told
    for v, sigma in (0.1, 0.2), (2.0, 0.5), (0.5, 3.0):
        right = close(ask_number(attempt, v, sigma), _irreducible(v, sigma), 1e-4)
        yield right, f"near where it was measured, but not at v = {v}, sigma = {sigma}: do both stand in your formula?"


def _v(x_t: Tensor, eps_hat: Tensor, alpha_bar: Tensor) -> Tensor:
    sigma = frames.VP.sigma(alpha_bar)[:, None]
    x0_hat = x_t / frames.VP.scale(sigma) - sigma * eps_hat
    return frames.VP.scale(sigma) * (eps_hat - sigma * x0_hat)


def _v_with(
    a: Callable[[Tensor], Tensor], b: Callable[[Tensor], Tensor], x0: Callable[..., Tensor] | None = None
) -> Callable[..., Tensor]:
    """v = a eps_hat - b x0_hat with a wrong a, b or x0(x_t, eps_hat, alpha_bar)."""

    def v(x_t: Tensor, eps_hat: Tensor, alpha_bar: Tensor) -> Tensor:
        A = alpha_bar[:, None]
        x0_hat = x0(x_t, eps_hat, A) if x0 else (x_t - (1 - A).sqrt() * eps_hat) / A.sqrt()
        return a(A) * eps_hat - b(A) * x0_hat

    return v


def _v_from(x0: Callable[..., Tensor]) -> Callable[..., Tensor]:
    return _v_with(torch.sqrt, lambda A: (1 - A).sqrt(), x0)


V = {  # what students take for v, by what to ask them
    "x_t is not x0_hat: how do you undo x_t = sqrt(a) x0 + sqrt(1-a) eps?": _v_from(lambda x_t, n, A: x_t),
    "right up to the sign: which of eps and x0 comes with the plus?": _v_with(
        lambda A: -A.sqrt(), lambda A: -(1 - A).sqrt()
    ),
    "the two factors are the wrong way round: which goes with eps?": _v_with(lambda A: (1 - A).sqrt(), torch.sqrt),
    "alpha_bar is a variance; which square root is missing?": _v_with(lambda A: A, lambda A: 1 - A),
    "a difference is asked for; did you add sqrt(1 - alpha_bar) x0_hat?": _v_with(
        torch.sqrt, lambda A: -(1 - A).sqrt()
    ),
    "in your x0_hat the signal is still shrunk: divide by what?": _v_from(lambda x_t, n, A: x_t - (1 - A).sqrt() * n),
    "your x0_hat is divided by alpha_bar, a variance: by how much did the signal shrink?": _v_from(
        lambda x_t, n, A: (x_t - (1 - A).sqrt() * n) / A
    ),
    "in your x0_hat the noise comes with a variance: which factor has eps in x_t?": _v_from(
        lambda x_t, n, A: (x_t - (1 - A) * n) / A.sqrt()
    ),
    "your x0_hat adds the noise to x_t; was it not added already?": _v_from(
        lambda x_t, n, A: (x_t + (1 - A).sqrt() * n) / A.sqrt()
    ),
    "your x0_hat is that of the VE frame, x - sigma eps: what has the VP frame done to the signal?": _v_from(
        lambda x_t, n, A: x_t - (1 / A - 1).sqrt() * n
    ),
    "this is x0_hat; what else does v hold?": _v_with(lambda A: 0 * A, lambda A: 0 * A - 1),
    "eps - x0 is the velocity of a straight path; which factors has v?": _v_with(torch.ones_like, torch.ones_like),
}


@exercise(
    answer=_v,
    mistakes={**V, "[b, 2] like x_t": lambda x_t, eps_hat, a: _v(x_t, eps_hat, a).sum(1)},
)
def velocity(attempt: Callable[..., Tensor]) -> Verdicts:
    """Write v(x_t, eps_hat, alpha_bar): turn a noise prediction into the v-prediction
    v = sqrt(alpha_bar) eps_hat - sqrt(1 - alpha_bar) x0_hat. x_t, eps_hat: [b, 2] (VP frame), alpha_bar: [b].
    """
    rng = torch.Generator().manual_seed(0)
    x0, eps = (torch.randn(50, 2, generator=rng, dtype=torch.float64) for _ in range(2))
    a = 0.05 + 0.9 * torch.rand(50, generator=rng, dtype=torch.float64)
    A = a[:, None]
    x_t = A.sqrt() * x0 + (1 - A).sqrt() * eps
    v = ask(attempt, x_t, eps, a)
    yield v.shape == x_t.shape, f"v must be [b, 2] like x_t; yours is {list(v.shape)}: did you make alpha_bar a column?"
    yield from unlike(v, {message: wrong(x_t, eps, a) for message, wrong in V.items()})
    right = A.sqrt() * eps - (1 - A).sqrt() * x0
    yield close(v, right, 1e-4), "with the true noise, x0_hat must be x0: is yours? Then put both into v's formula"


def _unit(w: Tensor) -> Tensor:
    return w / w.norm()


def _left(betas: Tensor) -> Tensor:
    """The share of the variance after step i that the steps after it leave."""
    return (1 - betas).prod() / (1 - betas).cumprod(0)


WEIGHTS = {  # what students take for the weights, by what to ask them
    "that is a plain mean; what variance does the mean of T noises have?": lambda betas: torch.full_like(
        betas, 1 / len(betas)
    ),
    "all weights are alike; is early noise not shrunk by the later steps?": lambda betas: torch.full_like(
        betas, len(betas) ** -0.5
    ),
    "early noise shrinks with every later step, by which factor?": lambda betas: (betas / betas.sum()).sqrt(),
    "these are the squares of the weights: which are variances, which standard deviations?": lambda betas: (
        sigmas.step_weights(betas) ** 2
    ),
    "the weights need not sum to 1, but their squares must: why?": lambda betas: (
        sigmas.step_weights(betas) / sigmas.step_weights(betas).sum()
    ),
    "Which way does it go: whose noise has been shrunk the longest?": lambda betas: sigmas.step_weights(betas).flip(0),
    "does a step shrink its own noise, or only what was there before?": lambda betas: _unit(
        (betas * (1 - betas) * _left(betas)).sqrt()
    ),
    "you shrink z_i by the steps before it; it was not there yet: which steps meet it?": lambda betas: _unit(
        (betas * (1 - betas).cumprod(0)).sqrt()
    ),
    "a later step shrinks the variance by 1 - beta; by how much the noise itself?": lambda betas: _unit(
        betas.sqrt() * _left(betas)
    ),
    "right up to the sign: with which sign does z_i enter?": lambda betas: -sigmas.step_weights(betas),
}


@exercise(
    answer=sigmas.step_weights,
    mistakes={
        **WEIGHTS,
        "one per step": lambda betas: betas.sqrt()[:-1],
        "standard deviation of the whole": lambda betas: sigmas.step_weights(betas) * (1 - (1 - betas).prod()).sqrt(),
        "for other betas": lambda betas: sigmas.step_weights(torch.linspace(0.01, 0.4, 20, dtype=torch.float64)),
    },
)
def step_weights(attempt: Callable[[Tensor], Tensor]) -> Verdicts:
    """Write w(betas) [T]: the weights with which the noises z_i of the T small steps
    x_i = sqrt(1 - beta_i) x_(i-1) + sqrt(beta_i) z_i add up to the one noise eps = sum_i w_i z_i of the whole jump.
    """
    betas = torch.linspace(0.01, 0.4, 20, dtype=torch.float64)
    w, right = ask(attempt, betas), sigmas.step_weights(betas)
    yield (
        w.shape == betas.shape,
        f"one per step is needed: {len(betas)} weights; yours are {list(w.shape)}: who is missing?",
    )
    yield from unlike(w, {message: wrong(betas) for message, wrong in WEIGHTS.items()})
    yield (
        close((w**2).sum(), 1.0),
        "eps has variance 1, so the squares sum to 1: by which standard deviation of the whole jump must you divide?",
    )
    yield close(w, right), "the squares sum to 1, but a weight differs: follow one z_i through the steps after it"
    betas = torch.tensor([0.3, 0.1, 0.2], dtype=torch.float64)
    yield (
        close(ask(attempt, betas), sigmas.step_weights(betas)),
        "right for these betas, wrong for other betas: where are they?",
    )
