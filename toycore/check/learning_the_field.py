"""Exercises of notebook 03, Learning the field."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore import exact, fields, frames, mixtures, sigmas
from toycore.check import Verdicts, call, close, exercise
from toycore.types import Denoiser, Label


def _loss(D: Denoiser, x0: Tensor, sigma: Tensor, eps: Tensor, target: Tensor | None = None) -> Tensor:
    eps_hat = fields.noise(D, x0 + sigma[:, None] * eps, sigma)
    return ((eps_hat - (eps if target is None else target)) ** 2).sum(1).mean()


@exercise(
    answer=_loss,
    mistakes={
        "a column": lambda D, x0, sigma, eps: ((x0 + sigma * eps) ** 2).sum(1).mean(),
        "knows x0": lambda D, x0, sigma, eps: _loss(lambda x, s, label=None: D(x0, s, label), x0, sigma, eps),
        "drawn new noise": lambda D, x0, sigma, eps: _loss(D, x0, sigma, eps, torch.randn_like(eps)),
        "compare clean points": lambda D, x0, sigma, eps: (
            ((D(x0 + sigma[:, None] * eps, sigma) - x0) ** 2).sum(1).mean()
        ),
        "averaged over the two coordinates": lambda D, x0, sigma, eps: _loss(D, x0, sigma, eps) / 2,
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
    yield close(call(attempt, D, x0, sigma, eps), _loss(D, x0, sigma, eps)), "for the exact D the value is off"


def _knows_the_noise(attempt: Callable[..., Tensor], x0: Tensor, sigma: Tensor, eps: Tensor) -> Verdicts:
    """Ask with a D that knows the answer: what does it see, and is the loss zero?"""
    seen: list[Tensor] = []

    def oracle(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        seen.append(x)
        return x - torch.as_tensor(sigma).reshape(-1, 1) * eps

    try:
        perfect = call(attempt, oracle, x0, sigma, eps)
    except RuntimeError:
        perfect = None
    yield perfect is not None and seen, "sigma is [b] and eps is [b, 2]: did you make sigma a column, sigma[:, None]?"
    yield not close(seen[-1], x0), "D was asked about the clean points: then it knows x0; what should it see?"
    yield close(seen[-1], x0 + sigma[:, None] * eps), "D must see x = x0 + sigma eps; what did you give it?"
    yield torch.as_tensor(perfect).ndim == 0, "a loss is one number: which mean is missing?"
    yield (
        close(perfect, 0.0),
        "a D that knows the noise must have loss 0: is your target the eps that is in x, or have you drawn new noise?",
    )


def _knows_nothing(attempt: Callable[..., Tensor], x0: Tensor, sigma: Tensor, eps: Tensor) -> Verdicts:
    """Ask with D(x) = x, which says eps_hat = 0: the loss is the mean of |eps|^2."""
    lazy, target = call(attempt, lambda x, sigma, label=None: x, x0, sigma, eps), (eps**2).sum(1).mean()
    yield (
        not close(lazy, target / 2),
        "half of what it should be: you averaged over the two coordinates; |.|^2 is a sum",
    )
    yield (
        not close(lazy, ((sigma[:, None] * eps) ** 2).sum(1).mean()),
        "you compare clean points (x0_hat with x0); what must you divide by to compare noises?",
    )
    yield close(lazy, target), "D(x) = x says there is no noise, so the loss must be the mean of |eps|^2; yours is not"


def _irreducible(v: float, sigma: float) -> float:
    return 2 * v / (v + sigma**2)


@exercise(
    answer=_irreducible,
    mistakes={
        "far above the data": lambda v, sigma: 2 * sigma**2 / (v + sigma**2),
        "two coordinates": lambda v, sigma: v / (v + sigma**2),
        "variances add": lambda v, sigma: 2 * v**0.5 / (v**0.5 + sigma),
        "units of the noise": lambda v, sigma: 2 * v * sigma**2 / (v + sigma**2),
    },
)
def irreducible(attempt: Callable[[float, float], float]) -> Verdicts:
    """Data ~ N(0, v I) in the plane. Give the least possible loss E|eps_hat - eps|^2 at level sigma, summed over the
    two coordinates, as a formula in v and sigma.
    """
    low, high = float(call(attempt, 0.25, 1e-6)), float(call(attempt, 0.25, 1e6))
    yield (
        not close(high, 0.5),
        "what is asked is the error of eps_hat, in units of the noise; you gave that of x0_hat: divide by what?",
    )
    yield (
        high < 1e-3,
        "far above the data (sigma >> sqrt(v)) the noise is plain to see: the loss goes to 0; yours does not",
    )
    yield not close(low, 1.0), "there are two coordinates: what is the loss when nothing at all can be told?"
    yield close(low, 2.0), "far below the data (sigma << sqrt(v)) nothing can be told: the loss is E|eps|^2 = 2"
    wide = float(call(attempt, 0.25, 2.0))
    yield (
        not close(wide, 2 * 0.5 / 2.5),
        "variances add, not standard deviations: so which of v and sigma must be squared?",
    )
    m = mixtures.GaussianMixture(torch.zeros(1, 2, dtype=torch.float64), 0.7)
    rng = torch.Generator().manual_seed(0)
    x0, eps = 0.7 * torch.randn(20000, 2, generator=rng, dtype=torch.float64), torch.randn(20000, 2, generator=rng)
    measured = _loss(exact.posterior_mean(m), x0, torch.full((20000,), 0.4), eps)
    yield close(call(attempt, 0.49, 0.4), measured, 0.05), f"at v = 0.49, sigma = 0.4 the loss measures {measured:.2f}"


def _v(x_t: Tensor, eps_hat: Tensor, alpha_bar: Tensor) -> Tensor:
    sigma = frames.VP.sigma(alpha_bar)[:, None]
    x0_hat = x_t / frames.VP.scale(sigma) - sigma * eps_hat
    return frames.VP.scale(sigma) * (eps_hat - sigma * x0_hat)


def _v_with(a: Callable[[Tensor], Tensor], b: Callable[[Tensor], Tensor]) -> Callable[..., Tensor]:
    """v = a eps_hat - b x0_hat with the wrong a or b."""

    def v(x_t: Tensor, eps_hat: Tensor, alpha_bar: Tensor) -> Tensor:
        A = alpha_bar[:, None]
        return a(A) * eps_hat - b(A) * (x_t - (1 - A).sqrt() * eps_hat) / A.sqrt()

    return v


@exercise(
    answer=_v,
    mistakes={
        "x_t is not x0_hat": lambda x_t, eps_hat, a: a[:, None].sqrt() * eps_hat - (1 - a[:, None]).sqrt() * x_t,
        "sign": _v_with(lambda A: -A.sqrt(), lambda A: -(1 - A).sqrt()),
        "the wrong way round": _v_with(lambda A: (1 - A).sqrt(), lambda A: A.sqrt()),
        "square root": _v_with(lambda A: A, lambda A: 1 - A),
    },
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
    v, right = call(attempt, x_t, eps, a), A.sqrt() * eps - (1 - A).sqrt() * x0
    yield v.shape == x_t.shape, "v must be [b, 2] like x_t: did you make alpha_bar a column, alpha_bar[:, None]?"
    yield (
        not close(v, A.sqrt() * eps - (1 - A).sqrt() * x_t),
        "x_t is not x0_hat: first undo x_t = sqrt(a) x0 + sqrt(1-a) eps",
    )
    yield not close(v, -right), "right up to the sign: which of eps and x0 comes with the plus?"
    yield not close(v, (1 - A).sqrt() * eps - A.sqrt() * x0), "the two factors are the wrong way round"
    yield not close(v, A * eps - (1 - A) * x0), "alpha_bar is a variance; which square root is missing?"
    yield close(v, right), "with the true noise, v must be sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) x0; yours differs"


@exercise(
    answer=sigmas.step_weights,
    mistakes={
        "a plain mean": lambda betas: torch.full_like(betas, 1 / len(betas)),
        "one per step": lambda betas: betas.sqrt()[:-1],
        "shrinks": lambda betas: (betas / betas.sum()).sqrt(),
        "sum to 1, but": lambda betas: sigmas.step_weights(betas) / sigmas.step_weights(betas).sum(),
        "standard deviation of the whole": lambda betas: sigmas.step_weights(betas) * (1 - (1 - betas).prod()).sqrt(),
        "Which way": lambda betas: sigmas.step_weights(betas).flip(0),
    },
)
def step_weights(attempt: Callable[[Tensor], Tensor]) -> Verdicts:
    """Write w(betas) [T]: the weights with which the noises z_i of the T small steps
    x_i = sqrt(1 - beta_i) x_(i-1) + sqrt(beta_i) z_i add up to the one noise eps = sum_i w_i z_i of the whole jump.
    """
    betas = torch.linspace(0.01, 0.4, 20, dtype=torch.float64)
    w, right = call(attempt, betas), sigmas.step_weights(betas)
    yield w.shape == betas.shape, f"one per step is needed: {len(betas)} weights; you gave {list(w.shape)}"
    yield (
        not close(w, torch.full_like(w, 1 / len(w))),
        "that is a plain mean; what variance does the mean of T noises have?",
    )
    yield not close(w.sum(), 1.0), "the weights need not sum to 1, but their squares must: why?"
    yield not close(w, (betas / betas.sum()).sqrt()), "early noise shrinks with every later step, by which factor?"
    yield not close(w, right.flip(0)), "Which way does it go: whose noise has been shrunk the longest?"
    yield (
        close((w**2).sum(), 1.0),
        "eps has variance 1, so the squares sum to 1: by which standard deviation of the whole jump must you divide?",
    )
    yield close(w, right), "the squares sum to 1, but a weight differs: follow one z_i through the steps after it"
