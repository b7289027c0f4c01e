"""From raw networks to Denoisers: the contract, EDM's factors, and exact networks read back exactly."""

import pytest
import torch

from tests.support import contracts
from tests.support.problems import close, uneven
from toycore import exact, fields, frames, mixtures, networks, precondition, sigmas

LEVELS = [0.01, 0.2, 1.0, 10.0, 80.0]


@pytest.mark.parametrize("check", contracts.DENOISER, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", contracts.LEARNED)
def test_contract(name, check):
    check(contracts.LEARNED[name]())


@pytest.mark.parametrize("sigma", LEVELS)
def test_preconditioned_is_edms_table_1(rng, sigma):
    """D = c_skip x + c_out F(c_in x, sigma), every factor as printed, about the mean."""
    s, mean = 0.47, torch.tensor([0.3, -0.1])
    heard = []

    def net(u, level, label):
        heard.append((u, level, label))
        return torch.sin(u)

    x = sigma * torch.randn(6, 2, generator=rng)
    out = precondition.Preconditioned(torch.nn.Module(), s, mean)
    out.net.forward = net
    c_skip, c_out, c_in = s**2 / (sigma**2 + s**2), sigma * s / (s**2 + sigma**2) ** 0.5, (s**2 + sigma**2) ** -0.5
    truth = mean + c_skip * (x - mean) + c_out * torch.sin(c_in * (x - mean))
    close(out(x, sigma, 1), truth, rtol=1e-5, atol=1e-6)
    u, level, label = heard[0]
    close(u, c_in * (x - mean), rtol=1e-5, atol=1e-6)
    assert level.shape == (1,) and float(level) == pytest.approx(sigma) and label == 1


@pytest.mark.parametrize("sigma", LEVELS)
def test_input_and_target_have_unit_variance(rng, sigma):
    """The point of c_in and c_out: for data of std sigma_data, F sees and gives numbers of size 1."""
    s, n = 0.47, 50_000
    x0 = s * torch.randn(n, 1, generator=rng, dtype=torch.float64)
    x = x0 + sigma * torch.randn(n, 1, generator=rng, dtype=torch.float64)
    norm = (sigma**2 + s**2) ** 0.5
    target = (x0 - (s / norm) ** 2 * x) / (sigma * s / norm)
    for u in (x / norm, target):
        assert abs(float(u.var()) - 1) < 4 * (2 / n) ** 0.5


def test_untrained_model_is_the_best_linear_guess(rng):
    """With F = 0, D shrinks x towards the mean as the posterior of N(mean, sigma_data^2) does."""
    D = precondition.Preconditioned(networks.MLP(rng=rng), 0.25, torch.tensor([0.3, -0.2]))
    gauss = exact.posterior_mean(mixtures.GaussianMixture(torch.tensor([[0.3, -0.2]]), 0.25))
    x = torch.randn(8, 2, generator=rng)
    for sigma in LEVELS:
        close(D(x, sigma), gauss(x, sigma), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("sigma", LEVELS)
def test_exact_noise_network_is_the_exact_denoiser(rng, sigma):
    """eps*(x_t, t) in DDPM's letters, read by from_noise, is E[x0 | x]; the step it hears is sigma's."""
    D, grid = exact.posterior_mean(uneven()), sigmas.ddpm()

    class Net(torch.nn.Module):
        def forward(self, x_t, step, label):
            close(step, frames.ddpm_step(sigma, grid).reshape(1), rtol=1e-6)
            alpha_bar = 1 / (1 + sigma**2)
            return fields.noise(D, x_t / alpha_bar**0.5, sigma, label)

    x = torch.randn(5, 2, generator=rng, dtype=torch.float64)
    for label in (None, 1, torch.tensor([0, 1, 2, -1, 0])):
        close(precondition.from_noise(Net())(x, sigma, label), D(x, sigma, label), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("sigma", LEVELS)
def test_exact_velocity_network_is_the_exact_denoiser(rng, sigma):
    D = exact.posterior_mean(uneven())

    class Net(torch.nn.Module):
        def forward(self, x_t, t, label):
            close(t, sigma / (1 + sigma), rtol=1e-6)
            return fields.velocity(D, x_t / (1 - t), float(t / (1 - t)), label)

    x = torch.randn(5, 2, generator=rng, dtype=torch.float64)
    close(precondition.from_velocity(Net())(x, sigma, 2), D(x, sigma, 2), rtol=1e-5, atol=1e-5)


def test_from_noise_keeps_its_own_grid(rng):
    steps = []

    class Net(torch.nn.Module):
        def forward(self, x, step, label):
            steps.append(float(step))
            return x

    grid = sigmas.cosine(T=50)
    precondition.from_noise(Net(), grid)(torch.zeros(1, 2), float(grid[10]))
    assert steps == [pytest.approx(40, abs=1e-4)]
