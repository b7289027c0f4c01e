"""The small VAE: its bound against closed forms, its samples, its training."""

import math

import pytest
import torch

from tests.support.problems import within
from toycore import gaussians, metrics, mixtures
from toycore.lessons import vae
from toycore.types import seeded


def _linear(a, w, var, s):
    """A VAE of dimension 1 with q(z|x) = N(a x, var) and p(x|z) = N(w z, s^2): its layers, seen as linear maps."""
    model = vae.VAE(dim=1, latent=1, width=4, noise=s)
    model.encoder = torch.nn.Linear(1, 2)
    model.decoder = torch.nn.Linear(1, 1)
    with torch.no_grad():
        model.encoder.weight.copy_(torch.tensor([[a], [0.0]]))
        model.encoder.bias.copy_(torch.tensor([0.0, math.log(var)]))
        model.decoder.weight.fill_(w), model.decoder.bias.zero_()
    return model.requires_grad_(False)


@pytest.mark.parametrize("a", [0.2, 0.8 / 0.89, -1.0])
def test_elbo_of_a_linear_model(a, rng):
    """The mean of the sampled ELBO is the closed form, which is at most log p(x) = log N(x; 0, w^2 + s^2)."""
    w, s, var, n = 0.8, 0.5, 0.3, 100_000
    x = torch.tensor([[1.2]])
    draws = _linear(a, w, var, s).elbo(x.expand(n, 1), rng)
    code = a * x
    right = gaussians.expected_log_density(w * code, w**2 * var, x, s**2) - gaussians.kl(code, var)
    within(draws.mean(), right[0], draws.std() / math.sqrt(n))
    assert float(right) <= float(gaussians.log_density(x, 0.0, w**2 + s**2)) + 1e-6


def test_gap_is_zero_at_the_true_posterior(rng):
    """Then log p(x|z) + log p(z) - log q(z|x) is the same for every z: the ELBO on average, and log p(x)."""
    w, s = 0.8, 0.5
    total = w**2 + s**2
    x = torch.linspace(-2, 2, 9)[:, None]
    draws = _linear(w / total, w, s**2 / total, s).elbo(x.repeat(4000, 1), rng).reshape(4000, 9)
    within(draws.mean(0), gaussians.log_density(x, 0.0, total), draws.std(0) / math.sqrt(4000))


def test_gradients_pass_through_the_sampling(rng):
    """Reparametrisation: the encoder's gradient is that of the closed form, on average."""
    w, s, a = 0.8, 0.5, torch.tensor(0.4, requires_grad=True)
    x = torch.tensor([[1.2]])
    model = _linear(0.4, w, 0.3, s).requires_grad_(True)
    model.elbo(x.expand(200_000, 1), rng).mean().backward()
    (gaussians.expected_log_density(w * a * x, w**2 * 0.3, x, s**2) - gaussians.kl(a * x, 0.3)).sum().backward()
    assert abs(float(model.encoder.weight.grad[0]) - float(a.grad)) < 0.02


def test_samples_have_the_models_moments(rng):
    """x = w z + s eps has variance w^2 + s^2; without the decoder's noise w^2."""
    model, n = _linear(0.5, 0.8, 0.3, 0.5), 50_000
    for noise, var in (1.0, 0.89), (0.0, 0.64):
        x = model.sample(n, rng, noise)
        within(x.var(), var, var * math.sqrt(2 / n))


def test_a_short_fit_learns_and_repeats():
    spiral, held = mixtures.spiral(), mixtures.spiral().sample(2000, seeded(5))[0]
    models = [vae.fit(spiral, steps=300, rng=seeded()) for _ in range(2)]
    scores = [float(m.elbo(held, seeded(1)).mean()) for m in models]
    assert scores[0] == pytest.approx(scores[1], abs=0.01)  # 300 steps carry rounding on
    before = vae.VAE(rng=seeded()).elbo(held, seeded(1)).mean()
    assert float(before.detach()) + 1 < scores[0] < float(spiral.log_density(held).mean())
    assert metrics.coverage(models[0].sample(2000, seeded(2)), held) > 0.9


def test_an_unsure_decoder_collapses():
    """Started at s = .4, the code carries nearly nothing: the KL stays below half a nat."""
    spiral = mixtures.spiral()
    lazy = vae.fit(spiral, steps=300, noise=0.4, rng=seeded())
    assert float(gaussians.kl(*lazy.encode(spiral.means)).mean()) < 0.5
    assert 0.35 < float(lazy.noise) < 0.55
