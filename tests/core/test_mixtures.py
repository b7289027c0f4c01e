"""Densities, samples and class posteriors of Gaussian mixtures, against scipy and by integration."""

import math

import numpy as np
import pytest
import scipy.stats
import torch
from scipy.special import logsumexp

from tests.support.problems import close, uneven, within
from toycore import data, mixtures


def _scipy_log_density(m, x, sigma, keep=None):
    """log sum_k w_k N(x; m_k, (std_k^2 + sigma^2) I), one component after the other."""
    rows = range(len(m.means)) if keep is None else keep
    w = m.weights[list(rows)] / m.weights[list(rows)].sum()
    terms = [
        float(w[i].log()) + scipy.stats.multivariate_normal(m.means[k], float(m.std[k]) ** 2 + sigma**2).logpdf(x)
        for i, k in enumerate(rows)
    ]
    return torch.from_numpy(logsumexp(terms, axis=0))


@pytest.mark.parametrize("sigma", [0.0, 0.2, 3.0])
def test_log_density_is_scipys(rng, sigma):
    m, x = uneven(), torch.randn(40, 2, generator=rng, dtype=torch.float64)
    close(m.log_density(x, sigma), _scipy_log_density(m, x, sigma))
    for label, keep in enumerate(([0, 3], [1, 4], [2])):
        close(m.log_density(x, sigma, label), _scipy_log_density(m, x, sigma, keep))
        close(m.given(label).log_density(x, sigma), m.log_density(x, sigma, label))


def test_labels_mix_within_a_batch(rng):
    m, x = uneven(), torch.randn(8, 2, generator=rng, dtype=torch.float64)
    label = torch.tensor([0, 1, 2, -1, 0, 1, 2, -1])
    rows = [m.log_density(x[i : i + 1], 0.3, None if c < 0 else int(c)) for i, c in enumerate(label)]
    close(m.log_density(x, 0.3, label), torch.cat(rows))


@pytest.mark.parametrize("sigma", [0.02, 0.3])
def test_density_integrates_to_one(sigma):
    m = mixtures.spiral(components=100).to(torch.float64)
    side = torch.linspace(-3, 3, 301, dtype=torch.float64)
    p = m.log_density(torch.cartesian_prod(side, side), sigma).exp()
    close(p.sum() * 0.02**2, 1.0, rtol=1e-6)


def test_sigma_may_differ_per_row(rng):
    m, x = uneven(), torch.randn(5, 2, generator=rng, dtype=torch.float64)
    sigma = torch.tensor([0.1, 0.2, 0.5, 1.0, 5.0], dtype=torch.float64)
    close(m.log_density(x, sigma), torch.cat([m.log_density(x[i : i + 1], sigma[i]) for i in range(5)]))


def test_sample_has_the_mixtures_moments(rng):
    m, n = uneven(), 40_000
    x, label = m.sample(n, rng)
    w, second = m.weights, m.means**2 + m.std[:, None] ** 2
    variance = w @ second - (w @ m.means) ** 2
    within(x.mean(0), w @ m.means, (variance / n).sqrt())
    within(x.var(0), variance, ((x - x.mean(0)) ** 2).std(0) / math.sqrt(n))
    share = torch.stack([w[m.label == c].sum() for c in range(3)])
    within(label.bincount() / n, share, (share * (1 - share) / n).sqrt())
    for c in range(3):
        mine = x[label == c]
        within(mine.mean(0), m.given(c).mean, mine.std(0) / math.sqrt(len(mine)))


def test_noised_samples_follow_the_noised_density(rng):
    """x0 + sigma eps has density p_sigma; Kolmogorov-Smirnov on a projection."""
    m, sigma, n = uneven(), 0.4, 4000
    x = m.sample(n, rng)[0] + sigma * torch.randn(n, 2, generator=rng, dtype=torch.float64)
    w = torch.tensor([0.6, 0.8], dtype=torch.float64)
    std = (m.std**2 + sigma**2).sqrt().numpy()

    def cdf(u):
        return scipy.stats.norm.cdf((np.asarray(u)[:, None] - (m.means @ w).numpy()) / std) @ m.weights.numpy()

    assert scipy.stats.kstest((x @ w).numpy(), cdf).pvalue > 1e-4


@pytest.mark.parametrize("sigma", [0.05, 1.0])
def test_class_posterior_is_bayes(rng, sigma):
    m, x = uneven(), torch.randn(50, 2, generator=rng, dtype=torch.float64)
    log_prior = torch.stack([m.weights[m.label == c].sum() for c in range(3)]).log()
    likelihood = torch.stack([m.log_density(x, sigma, c) for c in range(3)], 1)
    posterior = m.class_log_posterior(x, sigma)
    close(posterior, log_prior + likelihood - m.log_density(x, sigma)[:, None], atol=1e-9)
    close(posterior.exp().sum(1), 1.0)


def test_weights_need_no_normaliser(rng):
    """Any constant before the weights drops out."""
    m, x = uneven(), torch.randn(9, 2, generator=rng, dtype=torch.float64)
    heavy = mixtures.GaussianMixture(m.means, m.std, 1234.5 * m.weights, m.label)
    close(heavy.log_density(x, 0.1), m.log_density(x, 0.1), rtol=1e-12, atol=1e-12)


def test_spiral_is_smoothed_points():
    m, points = mixtures.spiral(classes=3), data.spiral(400, 3)
    assert torch.equal(m.means, points.x) and torch.equal(m.label, points.label) and m.classes == 3
    close(m.std, 0.02, rtol=0, atol=1e-8)
    close(m.weights, 1 / 400, rtol=1e-6)


def test_of_sees_points_as_components_without_width():
    m = mixtures.of(data.spiral(30, classes=3))
    assert (m.std == 0).all() and m.classes == 3 and mixtures.of(m) is m
    assert mixtures.of(torch.zeros(4, 3, 2, 2)).means.shape == (4, 12)


def test_far_points_have_a_finite_density():
    m = mixtures.spiral()
    far = m.log_density(torch.tensor([[1e4, 0.0]]), 0.0)
    assert torch.isfinite(far).all() and far < -1e10
