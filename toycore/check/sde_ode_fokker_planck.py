"""Exercises of notebook 07, SDE, ODE, Fokker-Planck."""

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from toycore import density, exact, fields, mixtures
from toycore.check import Exercise, Verdicts, ask, call, close, normal, numbers
from toycore.frames import VP

Field = Callable[[Tensor, float], Tensor]

def _heun(f: Field, x: Tensor, t: float, t_next: float) -> Tensor:
    h, d = t_next - t, f(x, t)
    return x + h / 2 * (d + f(x + h * d, t_next))

def _spiral(x: Tensor, t: float) -> Tensor:
    """A growing spiral, dx/dt = (0.2 t x - y, 0.2 t y + x)."""
    return 0.2 * t * x + torch.stack([-x[:, 1], x[:, 0]], 1)

def _error(step, n: int) -> float:
    """Three units of time along the spiral, against its closed form."""
    x = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    for t, t_next in pairwise(torch.linspace(0, 3, n + 1).tolist()):
        x = step(_spiral, x, t, t_next)
    return float((x - math.exp(0.9) * torch.tensor([[math.cos(3.0), math.sin(3.0)]], dtype=torch.float64)).norm())

def _order(step) -> Verdicts:
    few, many = _error(step, 50), _error(step, 100)
    order = math.log2(few / max(many, 1e-15))
    yield many < 0.2, f"the walk does not arrive: 100 steps end {many:.2g} off; what moves x beside the mean slope?"
    yield (order > 1.7,
           f"the measured order is {order:.2f}, and Heun has 2; how do your slopes weigh, and where are they?")
    yield order < 2.3, f"the measured order is {order:.2f}, more than Heun's 2; which method is it? Two slopes will do"

def _not_heun(f: Field, x: Tensor, t: float, u: float) -> list[tuple[Tensor, str]]:
    h, d, right = u - t, f(x, t), _heun(f, x, t, u)
    euler = x + h * d
    return [
        (x, "nothing happens: x comes back as it went in; what moves it?"),
        (d, "that is a slope, not a place: from where, and how far along it?"),
        (right - x, "that is the way of the step; from where does it lead?"),
        (euler, "this is Euler's step, so order 1; where could you ask for a second slope?"),
        (x + h * f(euler, u), "the second slope alone is of order 1, too; what does Heun do with both?"),
        (2 * right - x, "both slopes are added; should their mean not carry the step?"),
        (x + h / 2 * (d + f(x, u)), "the second slope is asked at the new time, but at the old place, so order 1; where"
                                    " does Euler's step end?"),
        (x + h / 2 * (d + f(euler, t)),
         "the second slope is asked at the new place, but at the old time: which time is it there?"),
        (x + h / 2 * (d + f(x + h / 2 * d, u)),
         "the second slope is asked half-way, at the time of the end: which of the two do you mean?"),
        (x + h / 2 * (d + f(x + d, u)), "to find the second place you go one whole slope far; how long is the step?"),
        (x + (d + f(euler, u)) / 2, "the mean slope is multiplied by no time; how long is the step?"),
        (x + u / 2 * (d + f(x + u * d, u)), "you take t_next for the length of the step; when did it begin?"),
        (x - h / 2 * (d + f(x - h * d, u)), "your step goes back in time: t_next minus t, or the other way round?"),
        (right[0], "a step gives one place per row, [3, 2]; yours is [2]: where do the other rows go?")]

def _richardson(f: Field, x: Tensor, t: float, u: float) -> Tensor:
    middle = (t + u) / 2
    return (4 * _heun(f, _heun(f, x, t, middle), middle, u) - _heun(f, x, t, u)) / 3

PLACES = torch.tensor([[1.0, 2.0], [-0.5, 0.3], [0.4, -1.0]], dtype=torch.float64)

heun = Exercise(
    "Write heun(f, x, t, t_next): one step of Heun's method for dx/dt = f(x, t). The check measures its order.",
    answer=_heun,
    more="Take Euler's step, ask f once more where it ends (new place, new time), and go with the mean of both slopes.",
    why="The mean of the slopes at both ends is the trapezoid rule, which is of order 2.",
    asks=[(_spiral, PLACES, 0.5, 0.8)],
    mistakes=_not_heun,
    properties=_order,
    caught=[
        (lambda f, x, t, t_next: _heun(f, x, t, t_next) + 0.1, "does not arrive"),
        (lambda f, x, t, u: x + (u - t) * (0.4 * f(x, t) + 0.6 * f(x + (u - t) * f(x, t), u) + 1e-3), "slopes weigh"),
        (_richardson, "more than Heun's")])

X = normal(50, 2)

def _drift(f: Field, x: Tensor, t: float) -> Tensor:
    """The drift at x, where a plain 0, or one 0 per coordinate, is as good as 0 x."""
    value = ask(f, x, t)
    return value.expand_as(x) if value.shape in {(), (1,), x.shape[1:]} else numbers(value, x.shape)

def _residual(f: Field, x: Tensor) -> float:
    """The largest Fokker-Planck residual of the spiral's noised density with this drift."""
    m = mixtures.spiral(40, std=0.1).to(torch.float64)
    off = density.residual(
        lambda x, s: density.log_density(m, x, (s.exp() - 1).sqrt(), VP), lambda x: call(f, x, 0.3), 1.0, x, 0.3
    )
    return float(off.detach().abs().max())

def _two_drifts(drifts) -> Verdicts:
    good = isinstance(drifts, dict) and {"VP", "VE"} <= set(drifts)
    yield good, 'two functions are asked for, as a dictionary with the keys "VP" and "VE"; what is yours?'
    vp, ve = (_drift(drifts[name], X, 0.3) for name in ("VP", "VE"))
    yield not (close(vp, 0 * X) and close(ve, -X / 2)), "are the two exchanged? Which of them keeps the variance?"
    yield close(ve, 0 * X), "VE adds noise and nothing else: what moves a point on average?"
    yield close(_drift(drifts["VE"], X, 1.1), 0 * X), "your VE drift is 0 at one time alone; what does VE add later?"
    yield not close(vp, 0 * X), "with no drift VP's points would spread for ever; what keeps their variance?"
    yield (close(_drift(drifts["VP"], 0 * X, 0.3), 0 * X),
           "at the origin the VP drift is 0, whatever the data: does yours know about a mode or a mean?")
    yield ((vp * X).sum(1) <= 1e-9).sum() > 40, "your VP drift points outwards; must alpha_bar not fall?"
    yield (close(_drift(drifts["VP"], X, 1.1), vp),
           "your VP drift depends on the time; in the clock with g = 1, must it?")
    off, pace = _residual(drifts["VP"], X), "fast" if (vp**2).sum() > (X**2 / 4).sum() else "slow"
    yield (off < 1e-5,
           f"with this VP drift the density does not solve the equation (residual {off:.2g}): is it too {pace}?")

def _half(x: Tensor, t: float) -> Tensor:
    return -x / 2

def _none(x: Tensor, t: float) -> Tensor:
    return 0 * x

drifts = Exercise(
    'Give {"VP": f, "VE": f}: the forward drifts f(x, t) in the clocks in which the noise has g = 1 (VP: s = -ln'
    " alpha_bar; VE: sigma^2). The check solves the Fokker-Planck residual with them.",
    answer={"VP": lambda x, t: -x / 2, "VE": lambda x, t: 0 * x},
    more="In VP the signal is exp(-s/2) x0: differentiate it in s. In VE the signal never changes.",
    why="d/ds exp(-s/2) = -1/2 exp(-s/2), which is why a variance of 1 stays 1; VE only adds noise.",
    properties=_two_drifts,
    caught=[
        ([_half], "two functions"),
        ({"VP": lambda x, t: x / 2, "VE": _none}, "outwards"),
        ({"VP": lambda x, t: (torch.tensor([1.0, 0.0]).to(x) - x) / 2, "VE": _none}, "mode"),
        ({"VP": _half, "VE": _half}, "VE adds noise and nothing else"),
        ({"VP": lambda x, t: -x, "VE": _none}, "too fast"),
        ({"VP": lambda x, t: -x / 4, "VE": _none}, "too slow"),
        ({"VP": _none, "VE": _half}, "exchanged"),
        ({"VP": lambda x, t: -t * x / 2, "VE": _none}, "depends on the time"),
        ({"VP": lambda x: -x / 2, "VE": lambda x: 0 * x}, "argument but 2 were given"),
        ({"VP": _none, "VE": _none}, "no drift")])

def _paths() -> tuple[Tensor, Tensor]:
    """Two points of N(0, 1/4), followed from sigma 0.01 to 10: the divergences [2000, 2] and the steps [2000]."""
    v, levels = 0.25, torch.logspace(-2, 1, 2001, dtype=torch.float64)
    D = exact.posterior_mean(mixtures.GaussianMixture(torch.zeros(1, 2, dtype=torch.float64), v**0.5))
    middle, steps = (levels[1:] + levels[:-1]) / 2, levels.diff()
    scale = ((v + middle**2) / (v + levels[0] ** 2)).sqrt()[:, None, None]
    x0 = torch.tensor([[0.1, 0.2], [0.4, -0.6]], dtype=torch.float64)
    x, sigma = (scale * x0).reshape(-1, 2), middle.repeat_interleave(2)
    return fields.divergence(lambda x: fields.noise(D, x, sigma), x).reshape(-1, 2), steps

OTHER = torch.tensor([[1.0, -2.0, 0.5], [3.0, 0.0, 1.0]]), torch.tensor([0.5, 2.0])

log_change = Exercise(
    "Write change(divergences, steps): log p(x at the data) - log p(x at the noise), for paths followed upwards in"
    " sigma; divergences [n, b] of eps_hat at the middle of each step, steps [n] are the lengths d sigma > 0.",
    answer=lambda divergences, steps: (divergences * steps[:, None]).sum(0),
    more="d log p along a path is minus the divergence times d sigma, and the way up leads from the data to the noise.",
    why="The continuity equation: where paths spread out the density falls, by the integral of the divergence.",
    asks=[_paths(), OTHER],
    mistakes=lambda d, h: [
        ((d * h[:, None]).sum(), "one number per point is needed, [2]; yours is []: over which axis do you sum?"),
        (-(d * h[:, None]).sum(0), "the sign is wrong: paths spread out on the way up; where is the density larger?"),
        (d.sum(0), "the length of the steps is missing: how long does each divergence act?"),
        ((d * h[:, None]).mean(0), "a mean is not an integral: sum over the steps, or not?"),
        (d.mean(0) * h.sum(), "the plain mean times the whole way: are all steps of one length?"),
        ((d * h[:, None]).sum(0) / 2,
         "half of what it should be: eps_hat is the whole velocity in sigma; why halve it?"),
        ((d * h[:, None]).sum(0).exp(),
         "that is the factor by which the density changes; what is the change of its log?"),
        ((d * h.flip(0)[:, None]).sum(0), "the steps are turned round; which divergence belongs to the first one?"),
        (d[-1] * h[-1], "only the last step is counted; what did the others do?")],
    caught=[
        (lambda divergences, steps: (divergences * steps).sum(0), "become a column"),
        (lambda divergences, steps: 0 * divergences[0] + (math.log(100.25 / 0.2501)), "for any path")],
    otherwise="for a Gaussian it should be log(100.25 / 0.2501) = 5.99; what do you add up?",
    elsewhere="right for two paths of a Gaussian; is it so for any path?",
    tolerance=1e-3)
