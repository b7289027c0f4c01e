"""Flow matching: the same field as a velocity. x_t = a(t) x0 + b(t) eps runs from data (t = 0) to noise (t = 1).

A path is a choice of a and b. At each t it is the noised data of level sigma = b/a, scaled by a; so a Denoiser is all
that is needed for its velocity, and one trained by flow matching is a Denoiser (`precondition.from_velocity`).
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from math import pi
from typing import NamedTuple

import torch
from torch import Tensor, nn

from toycore import mixtures, networks, samplers, sigmas, training
from toycore.checks import (
    alike,
    batched,
    denoise,
    finite,
    function,
    listed,
    named,
    numbers,
    positive,
    shaped_like,
    stream,
)
from toycore.frames import FLOW
from toycore.precondition import FromVelocity
from toycore.sigmas import decreasing
from toycore.types import Denoiser, Label, Rng, column, randn_like

Pairs = Callable[[int, Rng], tuple[Tensor, Tensor]]
Times = Callable[[int, Rng], Tensor]


class Path(NamedTuple):
    """x_t = a(t) x0 + b(t) eps with the derivatives da, db of a and b; a(0) = b(1) = 1, a(1) = b(0) = 0."""

    name: str
    a: Callable[[Tensor], Tensor]
    b: Callable[[Tensor], Tensor]
    da: Callable[[Tensor], Tensor]
    db: Callable[[Tensor], Tensor]


LINEAR = Path("linear", lambda t: 1 - t, lambda t: t, lambda t: 0 * t - 1, lambda t: 0 * t + 1)
VP = Path(
    "variance preserving",
    a=lambda t: (pi / 2 * t).cos(),
    b=lambda t: (pi / 2 * t).sin(),
    da=lambda t: -pi / 2 * (pi / 2 * t).sin(),
    db=lambda t: pi / 2 * (pi / 2 * t).cos(),
)


def point(x0: Tensor, eps: Tensor, t: Tensor | float, path: Path = LINEAR) -> Tensor:
    """Return x_t = a(t) x0 + b(t) eps."""
    t = _of_pair(x0, eps, t, path)
    return path.a(t) * x0 + path.b(t) * eps


def _of_pair(x0: Tensor, eps: Tensor, t: Tensor | float, path: Path) -> Tensor:
    """Return t as a column, after a look at what makes a point of a path."""
    alike("x0 and eps", batched(x0, "x0"), batched(eps, "eps"), "a pair is of one shape")
    t = column(t, x0, "t")
    if not ((t >= 0) & (t <= 1)).all():
        raise ValueError(f"t runs from {float(t.min()):g} to {float(t.max()):g}; flow time lies between 0 and 1")
    _known(path)
    return t


def _known(path: Path) -> Path:
    if not isinstance(path, Path):
        raise TypeError(f"path is {path!r}; it must be a flow.Path, such as flow.LINEAR or flow.VP")
    return path


def velocity(D: Denoiser, x: Tensor, t: Tensor | float, path: Path = LINEAR, label: Label = None) -> Tensor:
    """Return the marginal velocity u(x, t) = a' x0_hat + b' eps_hat, the mean of the conditional ones that pass x.

    x0_hat = D(x / a, b / a), eps_hat = (x - a x0_hat) / b, 0 < t < 1. Lipman et al. 2022 (2210.02747), eq. 8.
    """
    t, path = _inside(t, x), _known(path)
    a, b = path.a(t), path.b(t)
    x0_hat = denoise(D, x / a, (b / a).flatten(), label)
    return path.da(t) * x0_hat + path.db(t) * (x - a * x0_hat) / b


def velocity_of_score(score: Tensor, x: Tensor, t: Tensor | float, path: Path = LINEAR) -> Tensor:
    """Return u = (a'/a) x + b (a'/a b - b') score, the score that of x_t's own density, t < 1."""
    t = _of_pair(x, score, t, path)
    if (t == 1).any():
        raise ValueError("t is 1, where a(t) = 0 and the score does not determine the velocity; ask for t < 1")
    b, rate = path.b(t), path.da(t) / path.a(t)
    return rate * x + b * (rate * b - path.db(t)) * score


def score_of_velocity(u: Tensor, x: Tensor, t: Tensor | float, path: Path = LINEAR) -> Tensor:
    """Return the score of x_t's density from its velocity: `velocity_of_score` solved for the score, 0 < t < 1."""
    _of_pair(x, u, t, path)
    t = _inside(t, x)
    b, rate = path.b(t), path.da(t) / path.a(t)
    return (u - rate * x) / (b * (rate * b - path.db(t)))


def _inside(t: Tensor | float, x: Tensor) -> Tensor:
    shaped = column(t, batched(x), "t")
    if not ((shaped > 0) & (shaped < 1)).all():
        raise ValueError(
            f"t is {t}; x0_hat and eps_hat both make a velocity where 0 < t < 1 (t = 1 is sigma = infinity)"
        )
    return shaped


def loss(net: nn.Module, x0: Tensor, eps: Tensor, t: Tensor, label: Label = None) -> Tensor:
    """Return the mean of |v(x_t, t) - (eps - x0)|^2 on the linear path: conditional flow matching, any coupling.

    Lipman et al. 2022, eq. 14 and 23 (their t runs the other way).
    """
    v = shaped_like(
        net(point(x0, eps, t), t, label), x0, "net(x_t, t, label)", "the network gives a velocity per point"
    )
    return ((v - (eps - x0)) ** 2).mean()


def independent(data: mixtures.Source) -> Pairs:
    """Return draw(n, rng) -> (x0, eps): data and noise, independent of each other."""
    draw = training.sampler_of(data)

    def pairs(n: int, rng: Rng) -> tuple[Tensor, Tensor]:
        x0 = draw(n, rng)[0]
        return x0, randn_like(x0, stream(rng))

    return pairs


def coupled(D: Denoiser, n: int, grid: Tensor, rng: Rng = None, dim: int = 2) -> Pairs:
    """Return draw(n, rng) -> (x0, eps) from n pairs in which the flow of D carried the noise eps to x0.

    The coupling of reflow: straighten the paths that a flow takes (Liu et al. 2022, 2209.03003, section 2.1).
    """
    grid = decreasing(grid)
    eps = torch.randn(positive(n), positive(dim, "dim"), generator=stream(rng))
    x0 = samplers.final(samplers.heun(D, float(grid[0]) * eps, grid))

    def pairs(n: int, rng: Rng) -> tuple[Tensor, Tensor]:
        rows = torch.randint(len(x0), (positive(n),), generator=stream(rng))
        return x0[rows], eps[rows]

    return pairs


def uniform(n: int, rng: Rng = None) -> Tensor:
    """Draw n times uniform in (0, 1), 1e-4 away from both ends."""
    return torch.rand(positive(n), generator=stream(rng)).clamp(1e-4, 1 - 1e-4)


def log_uniform(n: int, rng: Rng = None) -> Tensor:
    """Draw n times whose noise levels are log-uniform in [0.01, 100]: more of them near both ends."""
    return FLOW.time(sigmas.log_uniform(n, 0.01, 100.0, rng))


def train(
    D: FromVelocity, pairs: Pairs, steps: int = 1000, batch: int = 512, times: Times = uniform, rng: Rng = None
) -> Iterator[training.Progress]:
    """Train D in place by flow matching at random times, and yield a Progress per step."""
    if not isinstance(D, FromVelocity):
        raise TypeError(f"D is {named(D)}; flow matching trains a velocity: precondition.from_velocity(net)")
    function(pairs, "pairs", "a function that draws pairs of data and noise, as flow.independent(data) does")
    positive(batch, "batch"), stream(rng)
    function(times, "times", "a function times(n, rng) -> [n], such as flow.uniform")

    def objective() -> Tensor:
        return loss(D.net, *pairs(batch, rng), times(batch, rng))

    return training.descend(D, objective, steps, lr=2e-2)


def fit(
    pairs: Pairs, steps: int = 1000, batch: int = 512, times: Times = uniform, rng: Rng = None, progress: bool = False
) -> FromVelocity:
    """Train a velocity network on pairs and return it as a Denoiser, in evaluation mode; Ctrl-C keeps it.

    progress shows a bar with the time left.
    """
    start = FromVelocity(networks.MLP(features=24, scale=2.5, rng=rng))
    return training.run(train(start, pairs, steps, batch, times, rng), steps, start, progress)


def euler(v: Callable[[Tensor, float], Tensor], x: Tensor, times: Tensor) -> Iterator[Tensor]:
    """Solve dx/dt = v(x, t) by Euler's method through the given times and yield every x after the first."""
    times = listed(times, "times", "a list of two or more finite times", dtype=torch.float64)
    return _euler(function(v, "v", "a function v(x, t), shaped like x"), batched(x), times.tolist())


def _euler(v: Callable[[Tensor, float], Tensor], x: Tensor, times: list[float]) -> Iterator[Tensor]:
    for t, t_next in pairwise(times):
        x = x + (t_next - t) * shaped_like(v(x, t), x, "v(x, t)", "give a velocity per point")
        yield x


def straightness(xs: Tensor) -> Tensor:
    """Return each path's end-to-end distance over its length, `[b]`, for paths `[steps, b, d]`: 1 is straight."""
    if numbers(xs, "xs", "places [steps, b, d]").ndim != 3 or len(xs) < 2:
        raise ValueError(
            f"xs has shape {tuple(numbers(xs, 'xs').shape)}; a path needs two or more places, [steps, b, d]"
        )
    steps = xs.diff(dim=0).norm(dim=-1).sum(0)
    return (xs[-1] - finite(xs, "xs")[0]).norm(dim=-1) / steps
