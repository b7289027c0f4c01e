"""Guided Denoisers: the contract, the ends s = 0 and 1, and the papers' forms."""

import pytest
import torch

from tests.support import contracts
from tests.support.problems import close, uneven
from toycore import exact, fields, guidance


@pytest.mark.parametrize("check", contracts.DENOISER, ids=lambda f: f.__name__)
def test_contract(check):
    check(contracts.guided())


@pytest.fixture
def D():
    return exact.posterior_mean(uneven())


@pytest.fixture
def x(rng):
    return torch.randn(9, 2, generator=rng, dtype=torch.float64)


def test_ends(D, x):
    weak = guidance.unlabelled(D)
    close(guidance.guided(D, weak, 0.0)(x, 0.3, 1), D(x, 0.3), atol=1e-12)
    close(guidance.guided(D, weak, 1.0)(x, 0.3, 1), D(x, 0.3, 1), atol=1e-12)
    close(guidance.guided(D, weak, 5.0)(x, 0.3, None), D(x, 0.3), atol=1e-12)


@pytest.mark.parametrize("s", [-1.0, 0.5, 1.0, 3.0])
def test_is_ho_and_salimans_equation_6(D, x, s):
    """(1 + w) eps(x, c) - w eps(x) with w = s - 1."""
    w, sigma = s - 1, 0.4
    mixed = (1 + w) * fields.noise(D, x, sigma, 2) - w * fields.noise(D, x, sigma)
    close(fields.noise(guidance.guided(D, guidance.unlabelled(D), s), x, sigma, 2), mixed)


@pytest.mark.parametrize("s", [0.0, 1.0, 2.5])
def test_adds_the_gradient_of_the_class_posterior(D, x, s):
    """score + s grad log p(c | x): Bayes' rule on scores, the gradient by autograd."""
    sigma, label = 0.4, 1
    point = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(uneven().class_log_posterior(point, sigma)[:, label].sum(), point)
    guided = guidance.guided(D, guidance.unlabelled(D), s)
    close(fields.score(guided, x, sigma, label), fields.score(D, x, sigma) + s * slope, atol=1e-9)


def test_labelled_and_unlabelled_fix_the_condition(D, x):
    close(guidance.labelled(D, 2)(x, 0.3), D(x, 0.3, 2))
    close(guidance.labelled(D, 2)(x, 0.3, 0), D(x, 0.3, 2))
    close(guidance.unlabelled(D)(x, 0.3, 0), D(x, 0.3))
