"""Exercises of notebook 07, SDE, ODE, Fokker-Planck."""

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from toycore import density, exact, fields, mixtures
from toycore.check import Verdicts, ask, call, close, exercise, numbers, unlike
from toycore.frames import VP

Field = Callable[[Tensor, float], Tensor]


def _heun(f: Field, x: Tensor, t: float, t_next: float) -> Tensor:
    d, h = f(x, t), t_next - t
    return x + h / 2 * (d + f(x + h * d, t_next))


def _spiral(x: Tensor, t: float) -> Tensor:
    """A growing spiral, dx/dt = (0.2 t x - y, 0.2 t y + x)."""
    return 0.2 * t * x + torch.stack([-x[:, 1], x[:, 0]], 1)


def _error(step: Callable[..., Tensor], n: int) -> float:
    """Three units of time along the spiral, against its closed form."""
    x, times = torch.tensor([[1.0, 0.0]], dtype=torch.float64), torch.linspace(0, 3, n + 1).tolist()
    for t, t_next in pairwise(times):
        x = ask(step, _spiral, x, t, t_next, shape=x.shape)
    right = math.exp(0.9) * torch.tensor([[math.cos(3.0), math.sin(3.0)]], dtype=torch.float64)
    return float((x - right).norm())


SLOPES = {  # steps that students take for Heun's, by what to ask them
    "nothing happens: x comes back as it went in; what moves it?": lambda f, x, t, u: x,
    "that is a slope, not a place: from where, and how far along it?": lambda f, x, t, u: f(x, t),
    "that is the way of the step; from where does it lead?": lambda f, x, t, u: _heun(f, x, t, u) - x,
    "this is Euler's step, so order 1; where could you ask for a second slope?": lambda f, x, t, u: (
        x + (u - t) * f(x, t)
    ),
    "the second slope alone is of order 1, too; what does Heun do with both?": lambda f, x, t, u: (
        x + (u - t) * f(x + (u - t) * f(x, t), u)
    ),
    "both slopes are added; should their mean not carry the step?": lambda f, x, t, u: 2 * _heun(f, x, t, u) - x,
    "the second slope is asked at the new time, but at the old place, so order 1; where does Euler's step end?": (
        lambda f, x, t, u: x + (u - t) / 2 * (f(x, t) + f(x, u))
    ),
    "the second slope is asked at the new place, but at the old time: which time is it there?": lambda f, x, t, u: (
        x + (u - t) / 2 * (f(x, t) + f(x + (u - t) * f(x, t), t))
    ),
    "the second slope is asked half-way, at the time of the end: which of the two do you mean?": lambda f, x, t, u: (
        x + (u - t) / 2 * (f(x, t) + f(x + (u - t) / 2 * f(x, t), u))
    ),
    "to find the second place you go one whole slope far; how long is the step?": lambda f, x, t, u: (
        x + (u - t) / 2 * (f(x, t) + f(x + f(x, t), u))
    ),
    "the mean slope is multiplied by no time; how long is the step?": lambda f, x, t, u: (
        x + (f(x, t) + f(x + (u - t) * f(x, t), u)) / 2
    ),
    "you take t_next for the length of the step; when did it begin?": lambda f, x, t, u: (
        x + u / 2 * (f(x, t) + f(x + u * f(x, t), u))
    ),
    "your step goes back in time: t_next minus t, or the other way round?": lambda f, x, t, u: (
        x - (u - t) / 2 * (f(x, t) + f(x - (u - t) * f(x, t), u))
    ),
}


@exercise(
    answer=_heun,
    mistakes={
        **SLOPES,
        "shape": lambda f, x, t, t_next: _heun(f, x, t, t_next)[0],
        "does not arrive": lambda f, x, t, t_next: _heun(f, x, t, t_next) + 0.1,
        "how do the slopes weigh": lambda f, x, t, u: (
            x + (u - t) * (0.4 * f(x, t) + 0.6 * f(x + (u - t) * f(x, t), u) + 1e-3)
        ),
        "more than Heun's": lambda f, x, t, u: (
            (_heun(f, _heun(f, x, t, (t + u) / 2), (t + u) / 2, u) * 4 - _heun(f, x, t, u)) / 3
        ),
    },
)
def heun(attempt: Callable[..., Tensor]) -> Verdicts:
    """Write heun(f, x, t, t_next): one step of Heun's method for dx/dt = f(x, t). The check measures its order."""
    x = torch.tensor([[1.0, 2.0], [-0.5, 0.3], [0.4, -1.0]], dtype=torch.float64)
    value = ask(attempt, _spiral, x, 0.5, 0.8, shape=x.shape)
    yield from unlike(value, {message: wrong(_spiral, x, 0.5, 0.8) for message, wrong in SLOPES.items()})
    few, many = _error(attempt, 50), _error(attempt, 100)
    yield many < 0.2, f"the walk does not arrive: 100 steps end {many:.2g} off; what moves x beside the mean slope?"
    order = math.log2(few / max(many, 1e-15))
    low = f"the measured order is {order:.2f}, and Heun has 2; how do the slopes weigh, and where are they?"
    yield order > 1.7, low
    high = f"the measured order is {order:.2f}, more than Heun's 2; which method is it? Here two slopes are enough"
    yield order < 2.3, high


def _drifts() -> dict[str, Field]:
    return {"VP": lambda x, t: -x / 2, "VE": lambda x, t: 0 * x}


@exercise(
    answer=_drifts(),
    mistakes={
        "two functions": [lambda x, t: -x / 2],
        "outwards": {"VP": lambda x, t: x / 2, "VE": lambda x, t: 0 * x},
        "mode": {"VP": lambda x, t: (torch.tensor([1.0, 0.0]).to(x) - x) / 2, "VE": lambda x, t: 0 * x},
        "VE adds noise and nothing else": {"VP": lambda x, t: -x / 2, "VE": lambda x, t: -x / 2},
        "too fast": {"VP": lambda x, t: -x, "VE": lambda x, t: 0 * x},
        "too slow": {"VP": lambda x, t: -x / 4, "VE": lambda x, t: 0 * x},
        "exchanged": {"VP": lambda x, t: 0 * x, "VE": lambda x, t: -x / 2},
        "depends on the time": {"VP": lambda x, t: -t * x / 2, "VE": lambda x, t: 0 * x},
        "argument but 2 were given": {"VP": lambda x: -x / 2, "VE": lambda x: 0 * x},
        "no drift": {"VP": lambda x, t: 0 * x, "VE": lambda x, t: 0 * x},
    },
)
def drifts(attempt: dict[str, Field]) -> Verdicts:
    """Give {"VP": f, "VE": f}: the forward drifts f(x, t) in the clocks in which the noise has g = 1 (VP: s = -ln
    alpha_bar; VE: sigma^2). The check solves the Fokker-Planck residual with them.
    """
    good = isinstance(attempt, dict) and {"VP", "VE"} <= set(attempt)
    yield good, 'two functions are asked for, as a dictionary with the keys "VP" and "VE"; what is yours?'
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    vp, ve = (_drift(attempt[name], x, 0.3) for name in ("VP", "VE"))
    yield not (close(vp, 0 * x) and close(ve, -x / 2)), "are the two exchanged? Which of them keeps the variance?"
    yield close(ve, 0 * x), "VE adds noise and nothing else: what moves a point on average?"
    yield close(_drift(attempt["VE"], x, 1.1), 0 * x), "your VE drift is 0 at one time alone; what does VE add later?"
    yield not close(vp, 0 * x), "with no drift VP's points would spread for ever; what keeps their variance?"
    at_zero = _drift(attempt["VP"], 0 * x, 0.3)
    yield (
        close(at_zero, 0 * x),
        "at the origin the VP drift is 0, whatever the data: does it know about a mode or a mean?",
    )
    yield bool(((vp * x).sum(1) <= 1e-9).sum() > 40), "your VP drift points outwards; must alpha_bar not fall?"
    yield (
        close(_drift(attempt["VP"], x, 1.1), vp),
        "your VP drift depends on the time; in the clock with g = 1, does it?",
    )
    off, pace = _residual(attempt["VP"], x), "fast" if (vp**2).sum() > (x**2 / 4).sum() else "slow"
    yield (
        off < 1e-5,
        f"with this VP drift the density does not solve the equation (residual {off:.2g}): is it too {pace}?",
    )


def _drift(f: Field, x: Tensor, t: float) -> Tensor:
    """The drift at x, where a plain 0 is as good as 0 x."""
    value = ask(f, x, t)
    return value.expand_as(x) if value.numel() == 1 else numbers(value, x.shape)


def _residual(f: Field, x: Tensor) -> float:
    """The largest Fokker-Planck residual of the spiral's noised density with this drift."""
    m = mixtures.spiral(40, std=0.1).to(torch.float64)
    off = density.residual(
        lambda x, s: density.log_density(m, x, (s.exp() - 1).sqrt(), VP), lambda x: call(f, x, 0.3), 1.0, x, 0.3
    )
    return float(off.detach().abs().max())


def _change(divergences: Tensor, steps: Tensor) -> Tensor:
    return (divergences * steps[:, None]).sum(0)


CHANGES = {  # what students give for the change of log p, by what to ask them
    "the sign is wrong: paths spread out on the way up; where is the density larger?": lambda d, h: -_change(d, h),
    "the length of the steps is missing: how long does each divergence act?": lambda d, h: d.sum(0),
    "a mean is not an integral: sum over the steps, or not?": lambda d, h: _change(d, h) / len(h),
    "the plain mean times the whole way: are all steps of one length?": lambda d, h: d.mean(0) * h.sum(),
    "half of what it should be: eps_hat is the whole velocity in sigma; whence the half?": lambda d, h: (
        _change(d, h) / 2
    ),
    "that is the factor by which the density changes; what is the change of its log?": lambda d, h: _change(d, h).exp(),
    "the steps are turned round; does the first divergence belong to the first step?": lambda d, h: _change(
        d, h.flip(0)
    ),
    "only the last step is counted; what did the others do?": lambda d, h: d[-1] * h[-1],
}


@exercise(
    answer=_change,
    mistakes={
        "one number per point": lambda divergences, steps: (divergences * steps[:, None]).sum(),
        **CHANGES,
        "become a column": lambda divergences, steps: (divergences * steps).sum(0),
        "for any path": lambda divergences, steps: torch.full((2,), math.log(100.25 / 0.2501)),
    },
)
def log_change(attempt: Callable[[Tensor, Tensor], Tensor]) -> Verdicts:
    """Write change(divergences, steps): log p(x at the data) - log p(x at the noise), for paths followed upwards in
    sigma; divergences [n, b] of eps_hat at the middle of each step, steps [n] are the lengths d sigma > 0.
    """
    divergences, steps = _paths()
    value = ask(attempt, divergences, steps)
    right = torch.full((2,), math.log(100.25 / 0.2501), dtype=torch.float64)  # a Gaussian grows by this
    yield (
        value.shape == (2,),
        f"one number per point is needed, [2]; yours is {list(value.shape)}: over which axis do you sum?",
    )
    wrong = {message: guess(divergences, steps) for message, guess in CHANGES.items()}
    yield from unlike(value, wrong, 1e-3)
    yield (
        close(value, right, 1e-3),
        f"for a Gaussian it should be {float(right[0]):.4f}; yours is {float(value[0]):.4f}: what do you add up?",
    )
    other = torch.tensor([[1.0, -2.0, 0.5], [3.0, 0.0, 1.0]]), torch.tensor([0.5, 2.0])
    yield (
        close(ask(attempt, *other), _change(*other), 1e-4),
        "right for two paths of a Gaussian; is it so for any path?",
    )


def _paths() -> tuple[Tensor, Tensor]:
    """Two points of N(0, 1/4), followed from sigma 0.01 to 10: the divergences [2000, 2] and the steps [2000]."""
    v, levels = 0.25, torch.logspace(-2, 1, 2001, dtype=torch.float64)
    D = exact.posterior_mean(mixtures.GaussianMixture(torch.zeros(1, 2, dtype=torch.float64), v**0.5))
    middle, steps = (levels[1:] + levels[:-1]) / 2, levels.diff()
    x0 = torch.tensor([[0.1, 0.2], [0.4, -0.6]], dtype=torch.float64)
    scale = ((v + middle**2) / (v + levels[0] ** 2)).sqrt()
    x, sigma = (scale[:, None, None] * x0).reshape(-1, 2), middle.repeat_interleave(2)
    return fields.divergence(lambda x: fields.noise(D, x, sigma), x).reshape(-1, 2), steps
