"""Exercises of notebook 08, Flow matching."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore.check import Exercise, Verdicts, close, normal
from toycore.types import column

X0, EPS, T = normal(50, 2), normal(50, 2, seed=1), 0.05 + 0.9 * normal(50, seed=2).sigmoid()

def _any_velocity(x: Tensor, t: Tensor | float) -> Tensor:
    return x.sin() * (1 + column(t, x))

def _loss(v: Callable[..., Tensor], x0: Tensor, eps: Tensor, t: Tensor) -> Tensor:
    x_t = (1 - t[:, None]) * x0 + t[:, None] * eps
    return ((v(x_t, t) - (eps - x0)) ** 2).sum(1).mean()

def _not_the_loss(v: Callable[..., Tensor], x0: Tensor, eps: Tensor, t: Tensor) -> list[tuple[Tensor, str]]:
    s, way = t[:, None], eps - x0
    here = v((1 - s) * x0 + s * eps, t)

    def mean(error: Tensor) -> Tensor:
        return (error**2).sum(1).mean()

    return [
        (mean(way), "the network was never asked: what is its velocity compared with?"),
        (mean(v((1 - s) * eps + s * x0, t) - way),
         "time runs the other way round here: t = 0 is data; where is your point at t = 0?"),
        (mean(v((1 - s) * eps + s * x0, t) + way), "data and noise are exchanged: which of them is at t = 0?"),
        (mean(v(x0 + s * eps, t) - way),
         "you add noise to the whole clean point, which never fades; where are you at t = 1?"),
        (mean(v((1 - s**2).sqrt() * x0 + s * eps, t) - way),
         "that path keeps the variance, but is curved; what is a straight line?"),
        (mean(v((1 - s) * x0 + s * eps, 1 - t) - way),
         "the network needs the time of its point; which t did you give it?"),
        (mean(here + way), "the velocity leads from data to noise; which of eps and x0 comes with the plus?"),
        (mean(here - eps), "your target is a noise, where one arrives; which way is from x0 to there?"),
        (mean(here - x0), "your target is no velocity, it is the clean point; which way leads on from there?"),
        (mean(here - way) / 2,
         "half of what it should be: |.|^2 is a sum; have you averaged over the two coordinates?"),
        (50 * mean(here - way), "50 times too large, for 50 pairs: is there no mean over the batch?"),
        (((here - way) ** 2).sum(1), "a loss is one number, and yours is one per row, [50]: which mean is missing?"),
        ((here - way).norm(dim=1).mean(), "|.|^2 is a square; is there a root in yours?"),
        ((here - way).abs().sum(1).mean(), "|.|^2 is a sum of squares; are yours absolute values?")]

loss = Exercise(
    "Write loss(v, x0, eps, t): conditional flow matching on the linear path, the mean over the batch of |v(x_t, t) -"
    " velocity|^2; x0 and eps are [b, 2], t is [b], t = 0 is data.",
    answer=_loss,
    more="The line from x0 (t = 0) to eps (t = 1) is x_t = (1 - t) x0 + t eps, t a column; differentiate it in t.",
    why="The velocity of that line is eps - x0, the same at every t.",
    asks=[(_any_velocity, X0, EPS, T), (lambda x, t: 0 * x, X0, EPS, T)],
    mistakes=_not_the_loss,
    caught=[
        (lambda v, x0, eps, t: ((v((1 - t) * x0 + t * eps, t) - (eps - x0)) ** 2).sum(1).mean(), "a column"),
        (lambda v, x0, eps, t: _loss(v, x0, torch.randn_like(eps), t), "eps is given")],
    again="eps is given, but your loss changes from call to call: do you draw other noise?",
    otherwise="what must the network see, between x0 at t = 0 and eps at t = 1, and what is its target?",
    elsewhere="for a v that is always 0, what is the mean of |0 - velocity|^2? Yours differs",
    tolerance=1e-4)

def _velocity(score: Tensor, x: Tensor, t: Tensor) -> Tensor:
    t = t[:, None]
    eps_hat = -t * score
    x0_hat = (x - t * eps_hat) / (1 - t)
    return eps_hat - x0_hat

def _not_the_velocity(s: Tensor, x: Tensor, t: Tensor) -> list[tuple[Tensor, str]]:
    t = t[:, None]
    return [
        ((x + t * s) / (1 - t), "the sign is wrong: with the score 0 and t near 1, should x grow or shrink?"),
        (-x / (1 - t), "without a score there is no data in it; where does the score enter?"),
        (-(x + t**2 * s) / (1 - t), "the noise has size t, so eps_hat = -t score, and x0_hat = (x - t eps_hat)/(1 - t);"
                                    " how many factors t are left in eps_hat - x0_hat?"),
        (-(x + t / (1 - t) * s) / (1 - t),
         "did you use the VE frame's sigma, t / (1 - t)? The score is that of x_t's own density"),
        (-t * s, "that is eps_hat; a velocity is a difference: of what?"),
        (s, "that is the score; how do eps_hat and x0_hat follow from it?"),
        (-(x - t * s) / (1 - t), "the score points away from the noise: which sign has eps_hat?"),
        (-(x + t * s), "that is eps_hat minus the noisy point; where is x0_hat, of which x_t holds 1 - t?"),
        (-(x + (1 - t) * s) / t, "is t turned round? t = 0 is data, and the noise has size t"),
        (-(x + s) / (1 - t), "the score is minus eps_hat divided by what? There is a t too few"),
        (-(x + t * s) / t, "you divide by t; which of the two factors has the data in x_t?")]

velocity = Exercise(
    "Write velocity(score, x, t): the marginal velocity of the linear path from the score of x_t's own density; score"
    " and x are [b, 2], t is [b].",
    answer=_velocity,
    more="x_t is (1 - t) x0 plus noise of size t, so eps_hat = -t score; x0_hat follows; take their difference.",
    why="v = eps_hat - x0_hat = -(x + t score) / (1 - t).",
    asks=[(normal(50, 2, seed=3), X0, T)],
    mistakes=_not_the_velocity,
    caught=[
        (lambda score, x, t: -(x + t * score) / (1 - t), "column"),
        (lambda score, x, t: _velocity(score, x, t) + 1, "eps_hat - x0_hat?")],
    otherwise="write eps_hat and x0_hat with the score of x_t's own density: is yours eps_hat - x0_hat?",
    tolerance=1e-4)

START = normal(5, 2)

def _bend(x: Tensor, t: Tensor | float) -> Tensor:
    return x * (1 + column(t, x))

def _euler(v: Callable[[Tensor, float], Tensor], x: Tensor, n: int) -> Tensor:
    for i in range(n, 0, -1):
        x = x - v(x, i / n) / n
    return x

def _path(v: Callable[[Tensor, float], Tensor], x: Tensor, n: int) -> list[Tensor]:
    return [x, *(x := x - v(x, i / n) / n for i in range(n, 0, -1))]

def _times(euler) -> Verdicts:
    times: list[float] = []

    def straight(y: Tensor, t: float) -> Tensor:
        times.append(float(torch.as_tensor(t).reshape(-1)[0]))
        return START - 3.0

    end = euler(straight, START, 7)
    yield end.shape == START.shape, f"the end must have the shape [5, 2] of x; yours has {list(end.shape)}: why?"
    yield bool(times), "v was never asked: what says where to go?"
    why = "one too many; is 7 times 1/7 exactly 1 in a computer?" if len(times) == 8 else "how often do n steps ask?"
    yield len(times) == 7, f"v was asked {len(times)} times for n = 7: {why}"
    yield (abs(times[0] - 1) < 1e-4,
           f"the walk must start at t = 1, at the noise; v was first asked at t = {times[0]:.3g}: why?")
    yield not close(end, 2 * START - 3.0), "you walk away from the data: t falls, so which sign has dt?"
    yield close(end, 0 * end + 3.0), "a straight path must end at its data point; is the step's length 1/n?"
    mine = [round(t, 3) for t in times]
    yield (close(times, [i / 7 for i in range(7, 0, -1)], 1e-4),
           f"the times in between are {mine}; how far apart are 7 equal steps?")
    yield (close(euler(_bend, START, 5), _euler(_bend, START, 5)),
           "v must be asked where the walk is now; where do you ask it?")

euler = Exercise(
    "Write euler(v, x, n): n equal Euler steps of dx/dt = v(x, t) from noise x at t = 1 to data at t = 0; v takes x"
    " [b, 2] and a number t.",
    answer=_euler,
    more="Count i = n, n - 1, ..., 1: at t = i / n go from x to x - v(x, t) / n.",
    why="dt = -1/n in every step, since t falls from 1 to 0.",
    asks=[(_bend, START, 5)],
    mistakes=lambda v, x, n: [
        (torch.stack(_path(v, x, n)),
         "yours has shape [6, 5, 2], the whole path; only its end is asked for: which is it?"),
    ],
    properties=_times,
    caught=[
        (lambda v, x, n: _euler(lambda y, t: -v(y, t), x, n), "away from the data"),
        (lambda v, x, n: _euler(lambda y, t: v(y, t - 1 / n), x, n), "start at t = 1"),
        (lambda v, x, n: _euler(v, x, n + 1), "one too many"),
        (lambda v, x, n: x, "never asked"),
        (lambda v, x, n: _euler(lambda y, t: n * v(y, t), x, n), "step's length"),
        (lambda v, x, n: _euler(lambda y, t: v(y, 1 - (1 - t) * n / (n - 1)), x, n), "in between"),
        (lambda v, x, n: _euler(lambda y, t: v(x, t), x, n), "where the walk is")])
