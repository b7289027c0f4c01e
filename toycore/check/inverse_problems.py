"""Exercises of notebook 12b, Inverse problems."""

import torch
from torch import Tensor

from toycore import metrics, mixtures
from toycore.check import Exercise, Refused, Verdicts, close
from toycore.lessons import inverse
from toycore.types import seeded

update = Exercise(
    "Give update(m, v, y, tau): the mean of x0 after y = x0 + tau n was measured, where x0 ~ N(m, v) and n ~ N(0, 1).",
    answer=lambda m, v, y, tau: m + v / (v + tau**2) * (y - m),
    more="The gain K = v / (v + tau^2) is the share of the gap y - m that is believed.",
    why="It is m_k + K_k (y - A m_k) for A = 1 and S = v + tau^2: sure data move little, a sure measurement much.",
    asks=[(1.0, 0.5, 3.0, 0.4), (0.0, 2.0, 1.0, 1.5), (-1.0, 0.1, 0.5, 2.0)],
    mistakes=lambda m, v, y, tau: [
        (m + tau**2 / (v + tau**2) * (y - m), "the wrong way round: should a very large tau not leave m as it was?"),
        (m + v / (v + tau) * (y - m), "a variance and a std are added: which of v and tau is which?"),
        (m + v**2 / (v**2 + tau**2) * (y - m), "v is a variance already: what is squared, and what is not?"),
        (v / (v + tau**2) * y, "right for m = 0 only: from where does the gap count?"),
        (m + v / (v + tau**2) * y, "what is believed is a share of the gap y - m, not of y: what if y = m?"),
        (m - v / (v + tau**2) * (y - m), "it moves away from y: which sign has the gap?"),
        (y, "that believes the measurement alone; what would a tau of 100 do?"),
        (m, "that ignores the measurement; what would a tau of 0.001 do?"),
        ((m + y) / 2, "half of each, whatever v and tau are; when is that right?"),
        (v * tau**2 / (v + tau**2), "that is the variance that is left; the mean is asked for"),
    ],
    otherwise="at {where} the answer lies between m and y: how much of the gap deserves belief?")

pull = Exercise(
    "Repair DPS in one dimension: give pull(x0_hat, slope, sigma, tau, y), the slope of log p(y | x), y = x0 + tau n,"
    " from x0_hat = D(x, sigma) and slope = dD/dx. It must be exact for Gaussian data.",
    answer=lambda x0_hat, slope, sigma, tau, y: slope * (y - x0_hat) / (sigma**2 * slope + tau**2),
    more="y given x is Gaussian with mean x0_hat; its variance is tau^2 and the variance of x0 given x, which is"
         " sigma^2 slope.",
    why="Given x, y is N(x0_hat, Var(x0 | x) + tau^2), and Var(x0 | x) = sigma^2 dD/dx: the doubt that DPS leaves out.",
    asks=[(0.4, 0.5, 1.0, 0.2, 1.0), (-0.3, 0.1, 2.0, 0.5, 0.2), (0.0, 0.9, 0.1, 0.05, -0.1)],
    mistakes=lambda x0_hat, slope, sigma, tau, y: [
        (slope * (y - x0_hat) / tau**2, "that is DPS: is x0 known, once x is? What is its variance?"),
        ((y - x0_hat) / (sigma**2 * slope + tau**2), "the slope is asked for by x, not by x0_hat: chain rule?"),
        (slope * (y - x0_hat) / (sigma**2 + tau**2), "sigma^2 is the doubt without any data; how much of it is left?"),
        (slope * (y - x0_hat) / (slope + tau**2), "close: a slope has no unit, a variance has; what multiplies it?"),
        (slope * (y - x0_hat) / (sigma * slope + tau**2), "a std where a variance belongs: sigma, or its square?"),
        (slope * (x0_hat - y) / (sigma**2 * slope + tau**2), "it pushes away from the measurement: which sign?"),
        (slope * (y - x0_hat) / (sigma**2 * slope + tau), "tau is a std: which variance does it add?"),
        (slope * (y - x0_hat) / (sigma**2 * slope), "that is an exact measurement; what is missing below?"),
    ],
    otherwise="at {where} the exact score is another: what are mean and variance of y, given x?")

SPIRAL, STD = mixtures.spiral(100, 0.04), 0.05


def _one_place(answer: tuple[Tensor, float]) -> Verdicts:
    A, y = _read(answer)
    yield close(A.norm(), 1.0, 1e-4), f"A has the length {float(A.norm()):.3g}, not 1: what do you divide it by?"
    x = SPIRAL.sample(20_000, seeded())[0]
    seen = float(((x @ A - y).abs() < STD).double().mean())
    yield seen > 0.01, f"A x0 runs from {(x @ A).min():.2f} to {(x @ A).max():.2f}; how many points give your y?"
    post = inverse.posterior(SPIRAL, A[None], torch.tensor([y]), STD).sample(2000, seeded())[0]
    far = metrics.distance(post, post.median(0).values[None])
    away = float((far > 0.4).double().mean())
    yield (away < 0.02, f"{away:.0%} of the posterior lie elsewhere: how often does the line A x = y cross the spiral,"
           " and where does it only touch it?")


def _read(answer: tuple[Tensor, float]) -> tuple[Tensor, float]:
    try:
        A, y = answer
        A, y = torch.as_tensor(A, dtype=torch.float32), float(y)
    except (TypeError, ValueError, RuntimeError):
        raise Refused("give two things, A and y: ([a1, a2], y), such as ([1.0, 0.0], 0.3)") from None
    if A.numel() != 2:
        raise Refused(f"A has {A.numel()} numbers; how many coordinates has a point of the plane?")
    return A.flatten(), y


measure = Exercise(
    "Choose what to measure: a direction A of length 1 and a value y, so that a measurement with tau = 0.05 leaves one"
    " place. At most 2 percent of the posterior may lie farther than 0.4 from its median; y must be a value that at"
    " least 1 percent of the spiral's points have.",
    answer=([0.0, -1.0], 1.1),
    more="The line A x = y must touch the spiral at one place only: where is it farthest out?",
    why="The outer end of the spiral is its lowest point; no other part reaches so far down.",
    properties=_one_place,
    caught=[
        (([1.0, 0.0], 0.3), "lie elsewhere"),
        (([0.0, -2.0], 2.16), "not 1"),
        (([0.0, -1.0], 3.0), "how many points give your y"),
        (([0.0, 1.0], 1.08), "how many points give your y"),
        (([0.6, 0.8], 0.5), "lie elsewhere"),
        (0.3, "give two things"),
        (([1.0, 0.0, 0.0], 0.3), "A has 3 numbers")])
