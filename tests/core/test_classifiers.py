"""Classifier guidance, exact and trained: the gradient, its sign, and the classifier that learns it."""

import pytest
import torch

from tests.support.problems import alike, close, twins, uneven
from toycore import checkpoints, data, exact, fields, guidance, metrics, mixtures, samplers, sigmas
from toycore.lessons import classifiers
from toycore.types import seeded

SIGMA = 0.4


# ---- classifier guidance ----------------------------------------------------------------------------


@pytest.mark.parametrize("s", [-1.0, 0.0, 1.0, 4.0])
@pytest.mark.parametrize("label", [0, 1, 2])
def test_exact_classifier_guidance_is_classifier_free_guidance(D, x, s, label):
    """Score + s grad log p(c|x) = u + s (c - u), at every point, level and scale, when both are exact."""
    for sigma in (0.05, SIGMA, 5.0):
        by_gradient = guidance.classifier(D, uneven().class_log_posterior, label, s)
        close(by_gradient(x, sigma), guidance.free(D, s)(x, sigma, label), atol=1e-9)


def test_class_gradient_is_a_finite_difference(x):
    slope = guidance.class_gradient(uneven().class_log_posterior, x, SIGMA, 1)
    h = 1e-6 * torch.eye(2, dtype=torch.float64)
    for i in (0, 1):
        up, down = (uneven().class_log_posterior(x + sign * h[i], SIGMA)[:, 1] for sign in (1, -1))
        close(slope[:, i], (up - down) / 2e-6, rtol=1e-6, atol=1e-7)


def test_as_noise_the_gradient_enters_with_a_minus(D, x):
    """Dhariwal & Nichol 2021, algorithm 2, in the VP frame: eps - sqrt(1 - alpha_bar) grad, grad in VP's x."""
    slope = guidance.class_gradient(uneven().class_log_posterior, x, SIGMA, 1)
    alpha_bar = 1 / (1 + SIGMA**2)
    vp_slope = slope / alpha_bar**0.5  # x_VE = x_VP / sqrt(alpha_bar)
    by_paper = fields.noise(D, x, SIGMA) - 2.0 * (1 - alpha_bar) ** 0.5 * vp_slope
    close(fields.noise(guidance.classifier(D, uneven().class_log_posterior, 1, 2.0), x, SIGMA), by_paper)


def test_rows_without_a_label_are_not_guided_and_calls_pass_theirs_on(D, x):
    label = torch.tensor([0, -1, 1, -1, 2, -1, 0, 1, 2])
    mixed = guidance.classifier(D, uneven().class_log_posterior, label, 3.0)
    close(mixed(x, SIGMA)[label < 0], D(x, SIGMA)[label < 0])
    close(mixed(x, SIGMA)[label == 2], guidance.free(D, 3.0)(x, SIGMA, 2)[label == 2], atol=1e-9)
    close(guidance.classifier(D, uneven().class_log_posterior, None, 3.0)(x, SIGMA), D(x, SIGMA))
    close(guidance.classifier(D, uneven().class_log_posterior, 1, 0.0)(x, SIGMA, 2), D(x, SIGMA, 2))


def test_the_gradient_needs_no_grad_mode_and_leaves_none_behind(D, x):
    guided = guidance.classifier(D, uneven().class_log_posterior, 1, 2.0)
    with torch.no_grad():
        y = guided(x, SIGMA)
    assert not y.requires_grad and not x.requires_grad and not guided(x, SIGMA).requires_grad


@pytest.mark.parametrize(("sign", "low", "high"), [(1, 0.97, 1.0), (-1, 0.0, 0.12)])
def test_the_wrong_sign_drives_away(sign, low, high):
    mixture = mixtures.spiral(components=200, classes=3)
    D = guidance.classifier(exact.posterior_mean(mixture), mixture.class_log_posterior, 1, float(sign))
    start = 40 * torch.randn(500, 2, generator=seeded())
    x = samplers.final(samplers.ddim(D, start, sigmas.karras(40, 0.005, 40)))
    share = float((mixture.class_log_posterior(x, 0.0).argmax(1) == 1).double().mean())
    assert low <= share <= high


# ---- trained classifiers ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained() -> torch.nn.Module:
    return classifiers.fit(mixtures.spiral(classes=3), steps=300, rng=seeded())


def cross_entropy(judge, sigma: float) -> float:
    x0, label = mixtures.spiral(classes=3).sample(3000, seeded(5))
    return float(classifiers.loss(judge, x0, torch.tensor(sigma), label, seeded(6)))


@pytest.mark.parametrize("sigma", [0.02, 0.1, 0.2, 1.0, 5.0])
def test_a_trained_classifier_comes_near_the_exact_one(trained, sigma):
    """The exact posterior has the least cross-entropy; the network comes within 0.1 nats of it, level by level."""
    least = cross_entropy(mixtures.spiral(classes=3).class_log_posterior, sigma)
    assert least - 0.01 < cross_entropy(trained, sigma) < least + 0.1


def test_a_classifier_gives_log_probabilities_and_keeps_levels_apart(trained, x):
    sigma = torch.linspace(0.01, 5, 9)
    log_p = trained(x.float(), sigma)
    close(log_p.exp().sum(1), 1.0, atol=1e-5)
    close(log_p[4:5], trained(x[4:5].float(), float(sigma[4])), rtol=1e-4, atol=1e-5)


def test_a_classifier_is_its_docstring(x):
    """The point as x / n, its fine features and its logits damped by s / n, n = sqrt(sigma^2 + s^2)."""
    net, sigma = (
        classifiers.Classifier(3, sigma_data=0.4, rng=seeded()),
        torch.logspace(-2, 1, 9),
    )
    n = (sigma**2 + 0.4**2).sqrt()[:, None]
    phase, k = (x.float() / n) @ net.frequencies, 0.3 * sigma.log()[:, None] * torch.arange(1, 9)
    fine = torch.cat([phase.sin(), phase.cos()], 1) * 0.4 / n
    logits = net.layers(torch.cat([x.float() / n, fine, k.sin(), k.cos()], 1)) * 0.4 / n
    close(net(x.float(), sigma), logits - logits.logsumexp(1, keepdim=True), rtol=1e-5, atol=1e-5)


def test_a_class_too_rare_to_be_drawn_has_its_logit_all_the_same():
    rare = mixtures.GaussianMixture(torch.eye(3, 2), 0.1, torch.tensor([1.0, 1.0, 1e-9]), torch.arange(3))
    assert classifiers.fit(rare, steps=1, batch=16).classes == 3


def test_guided_by_a_trained_classifier(trained):
    mixture = mixtures.spiral(components=200, classes=3)
    D = guidance.classifier(exact.posterior_mean(mixture), trained, 1, 1.0)
    start = 40 * torch.randn(300, 2, generator=seeded())
    end = samplers.final(samplers.ddim(D, start, sigmas.karras(30, 0.005, 40)))
    assert metrics.own_share(end, mixture, 1) > 0.85


def test_a_classifier_of_clean_points_is_worse_on_noisy_ones():
    clean = classifiers.fit(mixtures.spiral(classes=3), steps=200, levels=None, rng=seeded())
    assert cross_entropy(clean, 0.005) < 0.5 and cross_entropy(clean, 1.0) > 2


def test_classifiers_are_seeded_saved_and_need_labels(trained, tmp_path, x):
    short = [classifiers.fit(data.spiral(90, 3), steps=3, batch=16, rng=seeded(1)) for _ in (0, 1)]
    assert twins(*short)
    again = checkpoints.load(checkpoints.save(trained, tmp_path / "judge.safetensors"))
    alike(again(x.float(), 0.3), trained(x.float(), 0.3))
    with pytest.raises(ValueError, match="labels of at least two classes"):
        classifiers.fit(data.spiral(90))
