"""Exercises of notebook 08, Flow matching."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore import exact, fields, flow, mixtures
from toycore.check import Verdicts, ask, ask_number, close, exercise, unlike


def _loss(v: Callable[..., Tensor], x0: Tensor, eps: Tensor, t: Tensor) -> Tensor:
    x_t = (1 - t[:, None]) * x0 + t[:, None] * eps
    return ((v(x_t, t) - (eps - x0)) ** 2).sum(1).mean()


def _with(
    error: Callable[[Tensor, Tensor, Tensor], Tensor], path: Callable[..., Tensor] | None = None
) -> Callable[..., Tensor]:
    """A loss with another error(v, x0, eps), or on another path(x0, eps, t)."""

    def loss(v: Callable[..., Tensor], x0: Tensor, eps: Tensor, t: Tensor) -> Tensor:
        t_ = t[:, None]
        return error(v(path(x0, eps, t_) if path else (1 - t_) * x0 + t_ * eps, t), x0, eps)

    return loss


def _square(v: Tensor, x0: Tensor, eps: Tensor) -> Tensor:
    return ((v - (eps - x0)) ** 2).sum(1).mean()


@exercise(
    answer=_loss,
    mistakes={
        "a column": lambda v, x0, eps, t: ((v((1 - t) * x0 + t * eps, t) - (eps - x0)) ** 2).sum(1).mean(),
        "never asked": lambda v, x0, eps, t: ((eps - x0) ** 2).sum(1).mean(),
        "other way round": lambda v, x0, eps, t: _loss(lambda x, s: v(x, t), eps, x0, t),
        "from data to noise": _with(lambda v, x0, eps: ((v - (x0 - eps)) ** 2).sum(1).mean()),
        "the two coordinates": _with(lambda v, x0, eps: _square(v, x0, eps) / 2),
        "which way is from": _with(lambda v, x0, eps: ((v - eps) ** 2).sum(1).mean()),
        "no velocity, it is": _with(lambda v, x0, eps: ((v - x0) ** 2).sum(1).mean()),
        "the time of": lambda v, x0, eps, t: _loss(lambda x, s: v(x, 1 - s), x0, eps, t),
        "keeps the variance": _with(_square, lambda x0, eps, t: (1 - t**2).sqrt() * x0 + t * eps),
        "whole clean point": _with(_square, lambda x0, eps, t: x0 + t * eps),
        "over the batch": _with(lambda v, x0, eps: ((v - (eps - x0)) ** 2).sum()),
        "one number": _with(lambda v, x0, eps: ((v - (eps - x0)) ** 2).sum(1)),
        "a root": _with(lambda v, x0, eps: (v - (eps - x0)).norm(dim=1).mean()),
        "absolute values": _with(lambda v, x0, eps: (v - (eps - x0)).abs().sum(1).mean()),
        "must the network see": lambda v, x0, eps, t: _loss(v, x0, torch.randn_like(eps), t),
    },
)
def loss(attempt: Callable[..., Tensor]) -> Verdicts:
    """Write loss(v, x0, eps, t): conditional flow matching on the linear path, the mean over the batch of |v(x_t, t) -
    velocity|^2; x0 and eps are [b, 2], t is [b], t = 0 is data.
    """
    rng = torch.Generator().manual_seed(0)
    x0, eps = (torch.randn(50, 2, generator=rng) for _ in range(2))
    t = 0.05 + 0.9 * torch.rand(50, generator=rng)
    yield from _knows_the_pair(attempt, x0, eps, t)
    still, right = ask_number(attempt, lambda x, t: 0 * x, x0, eps, t), _square(0 * x0, x0, eps)
    yield from unlike(still, {
        "half of what it should be: |.|^2 is a sum; have you averaged over the two coordinates?": right / 2,
        "50 times too large, for 50 pairs: is there no mean over the batch?": 50 * right,
        "|.|^2 is a square; is there a root in yours?": (eps - x0).norm(dim=1).mean(),
        "|.|^2 is a sum of squares; are yours absolute values?": (eps - x0).abs().sum(1).mean(),
    }, 1e-4)  # fmt: skip
    yield close(still, right, 1e-4), "for a v that is always 0, what is the mean of |0 - velocity|^2? Yours differs"


def _knows_the_pair(attempt: Callable[..., Tensor], x0: Tensor, eps: Tensor, t: Tensor) -> Verdicts:
    """Ask with a v that knows the velocity of each pair: what does it see, and is the loss zero?"""
    seen, x_t = [], (1 - t[:, None]) * x0 + t[:, None] * eps

    def v(x: Tensor, t: Tensor | float) -> Tensor:
        """Return the velocity of the pair whose noisy point is nearest."""
        seen.append(torch.cat([x, torch.as_tensor(t).reshape(-1, 1).expand(len(x), 1)], 1))
        return (eps - x0)[torch.cdist(x, x_t).argmin(1)]

    perfect = ask(attempt, v, x0, eps, t)
    yield bool(seen), "the network was never asked: what is its velocity compared with?"
    rows = torch.cat(seen)
    yield from unlike(rows[:50, :2], _off_the_line(x0, eps, t[:, None]))
    here = torch.cdist(x_t, rows[:, :2]).amin(1).max() < 1e-3
    yield here, "what must the network see, between x0 at t = 0 and eps at t = 1? It is not what you gave it"
    told = t[torch.cdist(rows[:, :2], x_t).argmin(1)]
    yield close(rows[:, 2], told, 1e-4), "the network must be told the time of its point; which t did you give it?"
    yield perfect.numel() == 1, f"a loss is one number; yours has shape {list(perfect.shape)}: which mean is missing?"
    to_noise, to_data = (x0**2).sum(1).mean(), ((eps - 2 * x0) ** 2).sum(1).mean()
    yield from unlike(perfect.reshape(()), {
        "the velocity leads from data to noise; which of eps and x0 comes with the plus?": 4 * _square(0 * x0, x0, eps),
        "your target is a noise, where one arrives; which way is from x0 to there?": to_noise,
        "your target is no velocity, it is the clean point; which way leads on from there?": to_data,
    }, 1e-4)  # fmt: skip
    yield (
        close(perfect.reshape(()), 0.0, 1e-4),
        "a v that knows each pair's velocity must have loss 0: what is your target?",
    )


def _off_the_line(x0: Tensor, eps: Tensor, t: Tensor) -> dict[str, Tensor]:
    """What students take for x_t, by what to ask them."""
    return {
        "time runs the other way round here: t = 0 is data; where is your point at t = 0?": (1 - t) * eps + t * x0,
        "you add noise to the whole clean point, which never fades; where are you at t = 1?": x0 + t * eps,
        "that path keeps the variance, but is curved; what is a straight line?": (1 - t**2).sqrt() * x0 + t * eps,
    }


def _convert(score: Tensor, x: Tensor, t: Tensor) -> Tensor:
    t = t[:, None]
    return -(x + t * score) / (1 - t)


VELOCITIES = {  # what students take for the velocity, by what to ask them
    "the sign is wrong: with the score 0 and t near 1, should x grow or shrink?": lambda s, x, t: (x + t * s) / (1 - t),
    "without a score there is no data in it; where does the score enter?": lambda s, x, t: -x / (1 - t),
    "the noise has size t, so eps_hat = -t score, and x0_hat = (x - t eps_hat)/(1 - t); how many factors t are left"
    " in eps_hat - x0_hat?": lambda s, x, t: -(x + t**2 * s) / (1 - t),
    "did you use the VE frame's sigma, t / (1 - t)? The score is that of x_t's own density": lambda s, x, t: (
        -(x + t / (1 - t) * s) / (1 - t)
    ),
    "that is eps_hat; a velocity is a difference: of what?": lambda s, x, t: -t * s,
    "that is the score; how do eps_hat and x0_hat follow from it?": lambda s, x, t: s,
    "the score points away from the noise: which sign has eps_hat?": lambda s, x, t: -(x - t * s) / (1 - t),
    "that is eps_hat minus the noisy point; where is x0_hat, of which x_t holds 1 - t?": lambda s, x, t: -(x + t * s),
    "is t turned round? t = 0 is data, and the noise has size t": lambda s, x, t: -(x + (1 - t) * s) / t,
    "the score is minus eps_hat divided by what? There is a t too few": lambda s, x, t: -(x + s) / (1 - t),
    "you divide by t; which of the two factors has the data in x_t?": lambda s, x, t: -(x + t * s) / t,
}


@exercise(
    answer=_convert,
    mistakes={
        **{message: lambda s, x, t, wrong=wrong: wrong(s, x, t[:, None]) for message, wrong in VELOCITIES.items()},
        "column": lambda score, x, t: -(x + t * score) / (1 - t),
        "eps_hat - x0_hat?": lambda score, x, t: _convert(score, x, t) + 1,
    },
)
def velocity(attempt: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Verdicts:
    """Write velocity(score, x, t): the marginal velocity of the linear path from the score of x_t's own density; score
    and x are [b, 2], t is [b].
    """
    rng = torch.Generator().manual_seed(0)
    x, t = torch.randn(40, 2, generator=rng).double(), (0.1 + 0.8 * torch.rand(40, generator=rng)).double()
    D, t_ = exact.posterior_mean(mixtures.spiral(40)), t[:, None]
    score = fields.score(D, x / (1 - t_), t / (1 - t)) / (1 - t_)
    value = ask(attempt, score, x, t, shape=x.shape)
    yield from unlike(value, {message: wrong(score, x, t_) for message, wrong in VELOCITIES.items()}, 1e-4)
    yield (
        close(value, flow.velocity(D, x, t), 1e-4),
        "write eps_hat and x0_hat with the score of x_t's own density: is yours eps_hat - x0_hat?",
    )


def _bend(x: Tensor, t: float) -> Tensor:
    """Any velocity that depends on place and time."""
    return x * (1 + t)


def _euler(v: Callable[[Tensor, float], Tensor], x: Tensor, n: int) -> Tensor:
    for i in range(n, 0, -1):
        x = x - v(x, i / n) / n
    return x


def _path(v: Callable[[Tensor, float], Tensor], x: Tensor, n: int) -> list[Tensor]:
    return [x, *(x := x - v(x, i / n) / n for i in range(n, 0, -1))]


@exercise(
    answer=_euler,
    mistakes={
        "away from the data": lambda v, x, n: _euler(lambda y, t: -v(y, t), x, n),
        "start at t = 1": lambda v, x, n: _euler(lambda y, t: v(y, t - 1 / n), x, n),
        "one too many": lambda v, x, n: _euler(v, x, n + 1),
        "never asked": lambda v, x, n: x,
        "step's length": lambda v, x, n: _euler(lambda y, t: n * v(y, t), x, n),
        "whole path": _path,
        "in between": lambda v, x, n: _euler(lambda y, t: v(y, 1 - (1 - t) * n / (n - 1)), x, n),
        "where the walk is": lambda v, x, n: _euler(lambda y, t: v(x, t), x, n),
    },
)
def euler(attempt: Callable[..., Tensor]) -> Verdicts:
    """Write euler(v, x, n): n equal Euler steps of dx/dt = v(x, t) from noise x at t = 1 to data at t = 0; v takes x
    [b, 2] and a number t.
    """
    x, times = torch.randn(5, 2, generator=torch.Generator().manual_seed(0)), []

    def straight(y: Tensor, t: float) -> Tensor:
        times.append(float(torch.as_tensor(t).reshape(-1)[0]))
        return x - 3.0

    end = ask(attempt, straight, x, 7)
    yield end.ndim != 3, f"yours has shape {list(end.shape)}: is it the whole path? Only its end is asked for"
    yield end.shape == x.shape, f"the end must have the shape of x, [5, 2]; yours has {list(end.shape)}: what is lost?"
    yield from _asked(times)
    yield not close(end, 2 * x - 3.0), "you walk away from the data: t falls, so which sign has dt?"
    yield close(end, torch.full_like(end, 3.0)), "a straight path must end at its data point; is the step's length 1/n?"
    right, mine = [i / 7 for i in range(7, 0, -1)], [round(t, 3) for t in times]
    yield close(times, right, 1e-4), f"the times in between are {mine}; how far apart are 7 equal steps?"
    yield (
        close(ask(attempt, _bend, x, 5), _euler(_bend, x, 5)),
        "v must be asked where the walk is now; where do you ask it?",
    )


def _asked(times: list[float]) -> Verdicts:
    """Judge how often, and from where, v was asked by 7 steps."""
    yield bool(times), "v was never asked: what says where to go?"
    rounding = (
        "one too many; is 7 times 1/7 exactly 1 in a computer?" if len(times) == 8 else "how often do n steps ask?"
    )
    yield len(times) == 7, f"v was asked {len(times)} times for n = 7: {rounding}"
    yield (
        abs(times[0] - 1) < 1e-4,
        f"the walk must start at t = 1, at the noise; v was first asked at t = {times[0]:.3g}: why?",
    )
