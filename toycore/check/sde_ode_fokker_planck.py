"""Exercises of notebook 07, SDE, ODE, Fokker-Planck."""

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from toycore import density, exact, fields, mixtures
from toycore.check import Verdicts, call, close, exercise
from toycore.frames import VP

Field = Callable[[Tensor, float], Tensor]


def _heun(f: Field, x: Tensor, t: float, t_next: float) -> Tensor:
    d, h = f(x, t), t_next - t
    return x + h / 2 * (d + f(x + h * d, t_next))


def _error(step: Callable[..., Tensor], n: int) -> float:
    """One turn of a growing spiral, dx/dt = (0.2 t x - y, 0.2 t y + x), against its closed form."""
    x, times = torch.tensor([[1.0, 0.0]], dtype=torch.float64), torch.linspace(0, 3, n + 1).tolist()

    def f(x: Tensor, t: float) -> Tensor:
        return 0.2 * t * x + torch.stack([-x[:, 1], x[:, 0]], 1)

    for t, t_next in pairwise(times):
        x = torch.as_tensor(call(step, f, x, t, t_next))
    right = math.exp(0.9) * torch.tensor([[math.cos(3.0), math.sin(3.0)]], dtype=torch.float64)
    return float((x - right).norm())


@exercise(
    answer=_heun,
    mistakes={
        "order 1": lambda f, x, t, t_next: x + (t_next - t) * f(x, t),
        "shape": lambda f, x, t, t_next: _heun(f, x, t, t_next)[0],
        "does not arrive": lambda f, x, t, t_next: x + (t_next - t) * (f(x, t) + f(x, t_next)),
        "order 1, ": lambda f, x, t, t_next: x + (t_next - t) / 2 * (f(x, t) + f(x, t_next)),
        "nothing happens": lambda f, x, t, t_next: x,
    },
)
def heun(attempt: Callable[..., Tensor]) -> Verdicts:
    """Write heun(f, x, t, t_next): one step of Heun's method for dx/dt = f(x, t). The check measures its order."""
    x = torch.ones(3, 2, dtype=torch.float64)
    value = call(attempt, lambda x, t: x, x, 0.0, 0.1)
    yield torch.as_tensor(value).shape == x.shape, "the result must have the shape of x"
    yield not close(value, x), "nothing happens: x comes back as it went in"
    few, many = _error(attempt, 50), _error(attempt, 100)
    yield many < 0.2, f"the walk does not arrive: 100 steps end {many:.2g} off; is the slope counted once?"
    order = math.log2(few / max(many, 1e-15))
    yield (
        order > 1.7,
        f"the measured order is {order:.2f}, so order 1, and Heun has 2; at which point is the second slope?",
    )
    yield order < 2.3, f"the measured order is {order:.2f}; Heun has 2"


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
    },
)
def drifts(attempt: dict[str, Field]) -> Verdicts:
    """Give {"VP": f, "VE": f}: the forward drifts f(x, t) in the clocks in which the noise has g = 1 (VP: s = -ln
    alpha_bar; VE: sigma^2). The check solves the Fokker-Planck residual with them.
    """
    good = isinstance(attempt, dict) and set(attempt) == {"VP", "VE"}
    yield good, 'two functions are asked for, as a dictionary with the keys "VP" and "VE"'
    x = torch.randn(50, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    vp, ve = (torch.as_tensor(call(attempt[name], x, 0.3), dtype=x.dtype) for name in ("VP", "VE"))
    yield close(ve, 0 * x), "VE adds noise and nothing else: what moves a point on average?"
    yield bool(((vp * x).sum(1) <= 1e-9).sum() > 40), "your VP drift points outwards; alpha_bar must fall"
    at_zero = torch.as_tensor(call(attempt["VP"], 0 * x, 0.3))
    yield (
        close(at_zero, 0 * x),
        "at the origin the VP drift is 0, whatever the data: does it know about a mode or a mean?",
    )
    m = mixtures.spiral(40, std=0.1).to(torch.float64)
    off = density.residual(
        lambda x, s: density.log_density(m, x, (s.exp() - 1).sqrt(), VP),
        lambda x: attempt["VP"](x, 0.3), 1.0, x, 0.3,
    )  # fmt: skip
    yield (
        float(off.abs().max()) < 1e-8,
        (
            f"with this VP drift the density does not solve the equation (residual {float(off.abs().max()):.2g}):"
            " too fast, or too slow?"
        ),
    )


def _change(divergences: Tensor, steps: Tensor) -> Tensor:
    return (divergences * steps[:, None]).sum(0)


@exercise(
    answer=_change,
    mistakes={
        "one number per point": lambda divergences, steps: (divergences * steps[:, None]).sum(),
        "the sign": lambda divergences, steps: -_change(divergences, steps),
        "length of the steps": lambda divergences, steps: divergences.sum(0),
        "sum over the steps": lambda divergences, steps: (divergences * steps[:, None]).mean(0),
    },
)
def log_change(attempt: Callable[[Tensor, Tensor], Tensor]) -> Verdicts:
    """Write change(divergences, steps): log p(x at the data) - log p(x at the noise), for paths followed upwards in
    sigma; divergences [n, b] of eps_hat at the middle of each step, steps [n] are the lengths d sigma > 0.
    """
    v, levels = 0.25, torch.logspace(-2, 1, 2001, dtype=torch.float64)
    D = exact.posterior_mean(mixtures.GaussianMixture(torch.zeros(1, 2, dtype=torch.float64), v**0.5))
    middle, steps = (levels[1:] + levels[:-1]) / 2, levels.diff()
    x0 = torch.tensor([[0.1, 0.2], [0.4, -0.6]], dtype=torch.float64)
    scale = ((v + middle**2) / (v + levels[0] ** 2)).sqrt()
    x, sigma = (scale[:, None, None] * x0).reshape(-1, 2), middle.repeat_interleave(2)
    divergences = fields.divergence(lambda x: fields.noise(D, x, sigma), x).reshape(-1, 2)
    value = torch.as_tensor(call(attempt, divergences, steps))
    right = torch.full((2,), math.log((v + 100) / (v + 1e-4)), dtype=torch.float64)  # a Gaussian grows by this
    yield value.shape == (2,), "one number per point is needed: over which axis do you sum?"
    yield (
        not close(value, -right, 1e-3),
        "the sign is wrong: paths spread out on the way up; where is the density larger?",
    )
    yield not close(value, divergences.sum(0)), "the length of the steps is missing"
    yield not close(value * len(steps), right, 1e-3), "a mean is not an integral: sum over the steps"
    yield (
        close(value, right, 1e-4),
        f"for a Gaussian it should be {float(right[0]):.4f}; yours is {float(value[0]):.4f}",
    )
