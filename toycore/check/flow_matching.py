"""Exercises of notebook 08, Flow matching."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from toycore import exact, fields, flow, mixtures
from toycore.check import Verdicts, call, close, exercise


def _loss(v: Callable[..., Tensor], x0: Tensor, eps: Tensor, t: Tensor) -> Tensor:
    x_t = (1 - t[:, None]) * x0 + t[:, None] * eps
    return ((v(x_t, t) - (eps - x0)) ** 2).sum(1).mean()


@exercise(
    answer=_loss,
    mistakes={
        "a column": lambda v, x0, eps, t: ((v((1 - t) * x0 + t * eps, t) - (eps - x0)) ** 2).sum(1).mean(),
        "other way round": lambda v, x0, eps, t: _loss(lambda x, s: v(x, t), eps, x0, t),
        "from data to noise": lambda v, x0, eps, t: (
            ((v((1 - t[:, None]) * x0 + t[:, None] * eps, t) - (x0 - eps)) ** 2).sum(1).mean()
        ),
        "sum over the two coordinates": lambda v, x0, eps, t: _loss(v, x0, eps, t) / 2,
        "target": lambda v, x0, eps, t: ((v((1 - t[:, None]) * x0 + t[:, None] * eps, t) - eps) ** 2).sum(1).mean(),
    },
)
def loss(attempt: Callable[..., Tensor]) -> Verdicts:
    """Write loss(v, x0, eps, t): conditional flow matching on the linear path, the mean over the batch of |v(x_t, t) -
    velocity|^2; x0 and eps are [b, 2], t is [b], t = 0 is data.
    """
    rng = torch.Generator().manual_seed(0)
    x0, eps = (torch.randn(50, 2, generator=rng) for _ in range(2))
    t, seen = torch.rand(50, generator=rng), []

    def oracle(x: Tensor, t: Tensor) -> Tensor:
        seen.append(x)
        return eps - x0

    try:
        perfect = call(attempt, oracle, x0, eps, t)
    except RuntimeError:
        perfect = None
    yield perfect is not None and bool(seen), "t is [b] and eps is [b, 2]: did you make t a column, t[:, None]?"
    x_t = (1 - t[:, None]) * x0 + t[:, None] * eps
    yield (
        not close(seen[-1], (1 - t[:, None]) * eps + t[:, None] * x0),
        "time runs the other way round here: t = 0 is data",
    )
    yield close(seen[-1], x_t), "the network must see x_t = (1 - t) x0 + t eps; what did you give it?"
    still = torch.as_tensor(call(attempt, lambda x, t: 0 * x, x0, eps, t))
    reverse = call(attempt, lambda x, t: x0 - eps, x0, eps, t)
    yield not (close(reverse, 0.0) and not close(perfect, 0.0)), "the velocity leads from data to noise: eps - x0"
    yield close(perfect, 0.0), "a v that knows eps - x0 must have loss 0: what is your target?"
    right = _loss(lambda x, t: 0 * x, x0, eps, t)
    yield not close(still, right / 2), "half of what it should be: |.|^2 is a sum over the two coordinates"
    yield close(still, right), "the value is off for a v that is always 0"


def _convert(score: Tensor, x: Tensor, t: Tensor) -> Tensor:
    t = t[:, None]
    return -(x + t * score) / (1 - t)


@exercise(
    answer=_convert,
    mistakes={
        "sign": lambda score, x, t: -_convert(score, x, t),
        "without a score": lambda score, x, t: -x / (1 - t[:, None]),
        "noise has size t": lambda score, x, t: -(x + t[:, None] ** 2 * score) / (1 - t[:, None]),
        "VE frame": lambda score, x, t: -(x + t[:, None] / (1 - t[:, None]) * score) / (1 - t[:, None]),
    },
)
def velocity(attempt: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Verdicts:
    """Write velocity(score, x, t): the marginal velocity of the linear path from the score of x_t's own density; score
    and x are [b, 2], t is [b].
    """
    rng = torch.Generator().manual_seed(0)
    x, t = torch.randn(40, 2, generator=rng).double(), (0.1 + 0.8 * torch.rand(40, generator=rng)).double()
    D = exact.posterior_mean(mixtures.spiral(40))
    score = fields.score(D, x / (1 - t[:, None]), t / (1 - t)) / (1 - t[:, None])
    right, value = flow.velocity(D, x, t), torch.as_tensor(call(attempt, score, x, t))
    yield not close(value, -right), "the sign is wrong: with the score 0 and t near 1, should x grow or shrink?"
    yield not close(value, -x / (1 - t[:, None])), "without a score there is no data in it; where does the score enter?"
    yield (
        not close(value, -(x + t[:, None] ** 2 * score) / (1 - t[:, None])),
        "the noise has size t, so eps_hat = -t score, and x0_hat = (x - t eps_hat)/(1 - t); how many factors t are left"
        " in eps_hat - x0_hat?",
    )
    yield (
        close(value, right, 1e-8),
        "it differs from eps_hat - x0_hat. The score is that of x_t's own density: did you use the VE frame's sigma?",
    )


class _Line(nn.Module):
    """Any smooth velocity of a pair, for counting."""

    def forward(self, x: Tensor, t: float) -> Tensor:
        return x * (1 + t)


def _euler(v: Callable[[Tensor, float], Tensor], x: Tensor, n: int) -> Tensor:
    for i in range(n, 0, -1):
        x = x - v(x, i / n) / n
    return x


@exercise(
    answer=_euler,
    mistakes={
        "away from the data": lambda v, x, n: _euler(lambda y, t: -v(y, t), x, n),
        "start at t = 1": lambda v, x, n: _euler(lambda y, t: v(y, t - 1 / n), x, n),
        "n steps": lambda v, x, n: _euler(v, x, n + 1),
        "step's length": lambda v, x, n: _euler(lambda y, t: n * v(y, t), x, n),
    },
)
def euler(attempt: Callable[..., Tensor]) -> Verdicts:
    """Write euler(v, x, n): n equal Euler steps of dx/dt = v(x, t) from noise x at t = 1 to data at t = 0; v takes x
    [b, 2] and a number t.
    """
    x, times = torch.randn(5, 2, generator=torch.Generator().manual_seed(0)), []

    def straight(y: Tensor, t: float) -> Tensor:
        times.append(round(float(t), 6))
        return x - 3.0

    end = torch.as_tensor(call(attempt, straight, x, 4))
    yield len(times) == 4, f"v was asked {len(times)} times for n = 4: n steps ask n times"
    yield times[0] == 1.0, f"the walk must start at t = 1, at the noise; v was first asked at t = {times[0]}"
    yield not close(end, 2 * x - 3.0), "you walk away from the data: t falls, so dt is negative"
    yield close(end, torch.full_like(end, 3.0)), "a straight path must end at its data point; is the step's length 1/n?"
    yield (
        close(call(attempt, _Line(), x, 7), _euler(_Line(), x, 7)),
        "the times in between are not 1, 1 - 1/n, ..., 1/n",
    )
