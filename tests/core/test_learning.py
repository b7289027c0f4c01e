"""What training can and cannot reach, in closed form: the loss's floor, its weights, its targets, its clock."""

import torch

from tests.support.problems import close
from toycore import exact, fields, frames, mixtures, networks, precondition, samplers, sigmas, training
from toycore.lessons import ablation
from toycore.metrics import coverage, spread, standard_error
from toycore.types import seeded

BETAS = torch.linspace(1e-4, 0.02, 100, dtype=torch.float64)


def test_many_small_noises_make_one():
    """Feed one unit of noise into each step of the chain and see what is left of it."""
    left = torch.zeros(100, dtype=torch.float64)
    for i, beta in enumerate(BETAS):
        left = (1 - beta).sqrt() * left
        left[i] = beta.sqrt()
    w = sigmas.step_weights(BETAS)
    close(w, left / (1 - (1 - BETAS).prod()).sqrt(), rtol=1e-12)
    close((w**2).sum(), 1.0, rtol=1e-12)
    close(w[-1] ** 2, BETAS[-1] / (1 - (1 - BETAS).prod()), rtol=1e-12)  # nothing shrinks the last


def test_elbo_weight_is_the_kl_of_two_gaussians_per_noise_error():
    """|mu_q - mu_theta|^2 / (2 s^2), with the means as printed in Ho et al. 2020, eq. 7 and 11."""
    alpha_bar = (1 - BETAS).cumprod(0)
    i = 60
    a, a_prev, beta, x0, eps, eps_hat = alpha_bar[i], alpha_bar[i - 1], BETAS[i], 0.3, 0.7, -0.4
    x_t = a.sqrt() * x0 + (1 - a).sqrt() * eps
    mean = a_prev.sqrt() * beta / (1 - a) * x0 + (1 - beta).sqrt() * (1 - a_prev) / (1 - a) * x_t
    guess = (x_t - beta / (1 - a).sqrt() * eps_hat) / (1 - beta).sqrt()
    variance = (1 - a_prev) / (1 - a) * beta
    kl = (mean - guess) ** 2 / (2 * variance)
    close(sigmas.elbo_weight(BETAS)[i - 1] * (eps - eps_hat) ** 2, kl, rtol=1e-10)


def test_elbo_weights_of_ddpm_span_a_factor_59_from_the_second_step_to_the_last():
    weight = sigmas.elbo_weight(torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64))
    close(weight[0] / weight[-1], 58.77, rtol=1e-3)


def test_floor_of_a_gaussian():
    """A29b: data N(0, v I) leave the loss 2 v / (v + sigma^2), which the exact field attains."""
    v, sigma = 0.49, 0.4
    D = exact.posterior_mean(mixtures.GaussianMixture(torch.zeros(1, 2, dtype=torch.float64), v**0.5))
    x0, eps = (
        v**0.5 * torch.randn(40000, 2, generator=seeded()).double(),
        torch.randn(40000, 2, generator=seeded(1)).double(),
    )
    loss = ((fields.noise(D, x0 + sigma * eps, sigma) - eps) ** 2).sum(1)
    assert abs(loss.mean() - 2 * v / (v + sigma**2)) < 4 * standard_error(loss)


def test_loss_is_floor_plus_gap():
    """Pythagoras: the mixed term averages to zero for any denoiser, here a wrong one."""
    m = mixtures.spiral(100)
    D = exact.posterior_mean(m)
    x0, eps = m.sample(20000, seeded())[0], torch.randn(20000, 2, generator=seeded(1))
    x = x0 + 0.2 * eps
    best, other = fields.noise(D, x, 0.2), fields.noise(lambda x, sigma, label: 0.5 * x, x, 0.2)
    mixed = ((other - eps) ** 2 - (best - eps) ** 2 - (other - best) ** 2).sum(1)
    assert abs(mixed.mean()) < 4 * standard_error(mixed) and mixed.std() > 0.1


def test_all_targets_teach_the_same_field():
    """The mean of each target over p(x0 | x), converted to x0_hat, is D(x)."""
    m, sigma = mixtures.spiral(100).to(torch.float64), torch.tensor(0.3, dtype=torch.float64)
    x = torch.tensor([[0.35, 0.25]], dtype=torch.float64)
    x0 = exact.posterior_sample(m, x.expand(20000, 2), float(sigma), seeded())
    eps, a, t = (x - x0) / sigma, frames.VP.scale(sigma), frames.FLOW.time(sigma)
    v = a * eps - sigma * a * x0
    back = [x - sigma * eps.mean(0), a * (a * x) - sigma * a * v.mean(0), (1 - t) * x - t * (eps - x0).mean(0)]
    for answer in back:
        close(answer[0], x0.mean(0), rtol=1e-9)
    off = (x0.mean(0) - exact.posterior_mean(m)(x, float(sigma))[0]) / (x0.std(0) / 20000**0.5)
    assert off.abs().max() < 4


def test_blind_noise_weighs_the_levels_by_their_densities():
    """p(level | x_t) from mixtures written down in the VP frame, k m_j with std k sqrt(std^2 + sigma^2)."""
    m, levels = mixtures.spiral(60), torch.tensor([0.1, 0.5, 3.0])
    x_t = torch.randn(50, 2, generator=seeded())
    D, total, weights = exact.posterior_mean(m), torch.zeros(50, 2), torch.zeros(50, 1)
    for sigma in levels.tolist():
        k = (1 + sigma**2) ** -0.5
        p = mixtures.GaussianMixture(k * m.means, k * (0.02**2 + sigma**2) ** 0.5).log_density(x_t).exp()[:, None]
        total, weights = total + p * fields.noise(D, x_t / k, sigma), weights + p
    close(ablation.blind_noise(m, x_t, levels), total / weights, rtol=1e-3, atol=1e-4)


def test_no_blend_of_the_levels_answers_beats_blind_noise():
    m, levels, n = mixtures.spiral(60), torch.tensor([0.1, 0.5]), 20000
    sigma, eps = levels[torch.arange(n) % 2, None], torch.randn(n, 2, generator=seeded(1))
    x_t = frames.VP.scale(sigma) * (m.sample(n, seeded(2))[0] + sigma * eps)
    blind = ablation.blind_noise(m, x_t, levels)
    loss = ((blind - eps) ** 2).sum(1)
    for other in (0.9 * blind, 1.1 * blind, blind + 0.05):
        worse = ((other - eps) ** 2).sum(1) - loss
        assert worse.mean() > 2 * standard_error(worse)


def test_one_network_for_any_number_of_steps():
    """The schedule is no part of the parameters."""
    nets = [precondition.from_noise(networks.NoiseMLP(), sigmas.ddpm(T=T)) for T in (10, 1000)]
    assert networks.count_params(nets[0]) == networks.count_params(nets[1]) > 0


def test_loss_of_a_bare_network_is_l_simple():
    x0, eps = torch.randn(20, 2, generator=seeded()), torch.randn(20, 2, generator=seeded(1))
    sigma = 0.1 + torch.rand(20, generator=seeded(2))
    net = torch.nn.Linear(2, 2)

    def D(x, sigma, label=None):
        return net(x)

    eps_hat = fields.noise(D, x0 + sigma[:, None] * eps, sigma)
    close(training.weighted_error(D, x0, eps, sigma), ((eps_hat - eps) ** 2).mean(), rtol=1e-5)


def test_a_circle_is_filled_without_any_noise():
    """The cloud shrinks towards the mean, but a ring that is equally near all round hands it back."""
    angle = torch.arange(200) * torch.pi / 100
    circle = torch.stack([angle.cos(), angle.sin()], 1)
    D = exact.posterior_mean(mixtures.GaussianMixture(circle, 0.02))
    start = 10 * torch.randn(500, 2, generator=seeded())
    xs = samplers.stack(samplers.ddpm(D, start, sigmas.log_linear(100), noise=0.0))
    assert xs.var(1).mean(1).min() < 0.2**2
    assert spread(xs[-1], circle) > 0.9 and coverage(xs[-1], circle) > 0.9


def test_variance_that_one_ddpm_step_misses():
    """The true q(x'|x) has the mean of DDPM's step and 1 + (1 - k) Var(x0|x) / sigma'^2 times its variance."""
    m, sigma, sigma_next, n = mixtures.spiral(100), 0.2, 0.1, 50000
    x = torch.tensor([[-0.45, 0.3]])
    x0 = exact.posterior_sample(m, x.expand(n, 2), sigma, seeded())
    levels = torch.tensor([sigma, sigma_next])
    [true] = samplers.ddpm(lambda *_: x0, x.expand(n, 2), levels, rng=seeded(1))
    [step] = samplers.ddpm(exact.posterior_mean(m), x, levels, noise=0.0)
    assert ((true.x.mean(0) - step.mean[0]) / true.x.std(0) * n**0.5).abs().max() < 4
    k = (sigma_next / sigma) ** 2
    missed = sigma**2 * fields.divergence(lambda x: exact.posterior_mean(m)(x, sigma), x)[0] / 2
    foretold = sigma_next**2 * (1 - k) * (1 + (1 - k) * missed / sigma_next**2)
    close(true.x.var(0).mean(), foretold, rtol=0.03)
