"""One Denoiser, three fields: the conversions, and the divergence."""

import pytest
import torch

from tests.support.problems import POINT, STD, close, gaussian, uneven
from toycore import exact, fields, frames

LEVELS = [0.01, 0.3, 1.0, 20.0]


@pytest.mark.parametrize("sigma", LEVELS)
def test_views_convert_into_each_other(rng, sigma):
    """eps = -sigma score; x0, v and velocity from eps in DDPM's and in flow matching's letters."""
    x, D = torch.randn(9, 2, generator=rng, dtype=torch.float64), exact.posterior_mean(uneven())
    x0, eps = D(x, sigma), fields.noise(D, x, sigma)
    score, velocity = fields.score(D, x, sigma), fields.velocity(D, x, sigma)
    close(eps, -sigma * score)
    close(x0, x - sigma * eps, atol=1e-9)
    close(x0, x + sigma**2 * score, atol=1e-9)
    t, x_t = frames.FLOW.time(sigma), frames.FLOW.scale(sigma) * x
    close(velocity, eps - x0)
    close(x_t - t * velocity, x0)
    close(x_t + (1 - t) * velocity, eps)
    a = (1 / (1 + sigma**2)) ** 0.5  # v-prediction (Salimans & Ho 2022): v = a eps - b x0 at x_t = a x0 + b eps
    v, x_vp, b = a * eps - sigma * a * x0, a * x, sigma * a
    close(a * x_vp - b * v, x0, atol=1e-9)
    close(b * x_vp + a * v, eps, atol=1e-9)


def test_velocity_is_the_flows_time_derivative(rng):
    """Along x_t = (1 - t) x with x on the probability-flow ODE, d x_t / dt is the velocity (one Gaussian)."""
    x, sigma, h = torch.randn(9, 2, generator=rng, dtype=torch.float64), 0.7, 1e-5
    t = sigma / (1 + sigma)

    def x_t(t):
        s = t / (1 - t)
        growth = ((STD**2 + s**2) / (STD**2 + sigma**2)) ** 0.5
        return (1 - t) * (POINT + (x - POINT) * growth)

    slope = (x_t(t + h) - x_t(t - h)) / (2 * h)
    close(fields.velocity(exact.posterior_mean(gaussian().mixture), x, sigma), slope, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("view", [fields.noise, fields.score, fields.velocity])
def test_rows_may_have_their_own_level_and_label(rng, view):
    D = exact.posterior_mean(uneven())
    x = torch.randn(4, 2, generator=rng, dtype=torch.float64)
    sigma, label = torch.tensor([0.1, 0.5, 1.0, 7.0], dtype=torch.float64), torch.tensor([0, -1, 2, 1])
    rows = [view(D, x[i : i + 1], float(sigma[i]), label[i : i + 1]) for i in range(4)]
    close(view(D, x, sigma, label), torch.cat(rows))


def test_divergence_is_the_trace_of_the_jacobian(rng):
    D, x = exact.posterior_mean(uneven()), torch.randn(6, 2, generator=rng, dtype=torch.float64)
    traces = [torch.autograd.functional.jacobian(lambda y: D(y[None], 0.4)[0], row).trace() for row in x]
    close(fields.divergence(lambda x: D(x, 0.4), x), torch.stack(traces))
    with torch.no_grad():
        out = fields.divergence(lambda x: x**3, torch.tensor([[1.0, 2.0]]))
    close(out, 15.0, rtol=1e-6)
    assert not out.requires_grad


def test_divergence_of_pictures(rng):
    x = torch.randn(2, 1, 3, 3, generator=rng)
    close(fields.divergence(lambda x: 2 * x, x), 18.0, atol=1e-5)
