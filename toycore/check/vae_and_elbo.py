"""Exercises of notebook 05b, VAE and ELBO."""

import math

import torch
from torch import Tensor

from toycore.check import Exercise, Verdicts, close, normal

MEAN, VAR = normal(4, 3), 0.2 + normal(4, 3, seed=1).sigmoid()

def _kl(mean: Tensor, var: Tensor) -> Tensor:
    return 0.5 * (var + mean**2 - 1 - var.log()).sum(-1)

kl = Exercise(
    "Write kl(mean, var): KL(N(mean, diag var) || N(0, I)) in nats, for mean and var of shape [b, d]; one per row.",
    answer=_kl,
    more="Per coordinate it is half of (var + mean^2 - 1 - log var); sum over the last axis.",
    why="The mean of log q - log p under q, where the expected squares are var + mean^2 and var.",
    asks=[(MEAN, VAR)],
    mistakes=lambda m, v: [
        (0.5 * (v + m**2 - 1 - v.log()),
         "there must be one number per row, [4]; yours is [4, 3]: which axis is summed?"),
        (0.5 * (v + m**2 - v.log()).sum(-1), "N(0, I) itself costs nothing, KL = 0; what does yours pay for?"),
        (_kl(m, v)[:1].repeat(4), "each row is judged alone; is yours the first row's for all?"),
        (0.5 * (v + m**2 - 1 - v.sqrt().log()).sum(-1),
         "did you take the log of the standard deviation? The formula asks for the variance's"),
        (-_kl(m, v), "a KL is never negative; yours is: did you turn the whole of it round?"),
        (0.5 * (v + m**2 - 1 + v.log()).sum(-1),
         "the log pulls the other way: which sign makes a narrow Gaussian expensive?"),
        (0.5 * (v + m.abs() - 1 - v.log()).sum(-1), "the mean is squared in the formula; how does yours enter?"),
        (0.5 * (v + m - 1 - 2 * v.log()).sum(-1), "that is the friend's line; can a variance of 2 earn a reward?"),
        (0.5 * (v + m**2 - 1 - 2 * v.log()).sum(-1), "the mean is mended; what about the factor of the log?"),
        (0.5 * (v + m - 1 - v.log()).sum(-1), "the mean comes with its sign; can it make a distance smaller?"),
        (2 * _kl(m, v), "every term of it is half of what you give: which factor stands in front?"),
        (_kl(m, v) + 0.5 * (m**2).sum(-1), "the half belongs to every term; does it stand before the mean's?"),
        (_kl(m, v) / m.shape[-1], "a KL adds up over the coordinates; is yours a mean?"),
        (_kl(0 * m, v), "a Gaussian away from 0 costs more than one at 0; where is the mean?"),
        (0.5 * (v + m**2 - 1).sum(-1), "the log is missing: what keeps the variance from shrinking to 0?"),
        (0.5 * ((1 + m**2) / v - 1 + v.log()).sum(-1), "a KL has a direction; is yours from N(0, I) to q?"),
        (0.5 * (v + m**2 - 1 - v.log2()).sum(-1), "nats come from the natural log; is yours of base 2?"),
        (_kl(m, v) / math.log(2), "you give bits; how many nats are in one?"),
        (_kl(m, v**2), "var is a variance already: why square it?"),
        (_kl(m, v.exp()), "var is the variance itself, not its log: why the exponential?"),
        (0.5 * (v.sqrt() + m**2 - 1 - v.log()).sum(-1), "the variance enters as it is; is yours under a root?")],
    properties=lambda kl: [
        (close(kl(0 * MEAN, 0 * VAR + 1), torch.zeros(4)),
         "for a mean of 0 and variances of 1 the KL is 0; which of your terms does not cancel?")],
    caught=[(lambda m, v: _kl(m, v) + 1, "does not cancel")],
    otherwise="for a mean of 0 and variances of 1 yours is right; which term is off elsewhere?")

X, W, S = torch.linspace(-2, 2, 9, dtype=torch.float64), 0.8, 0.5

def _encoder(x: Tensor, w: float, s: float) -> tuple[Tensor, float]:
    precision = 1 + w**2 / s**2  # of the prior N(0, 1) and of the decoder, added
    return (w / s**2) * x / precision, 1 / precision

def _posterior(encoder) -> Verdicts:
    mean, var = encoder(X, W, S)
    right, narrow = _encoder(X, W, S)
    for wrong, message in (
        (X / W, "you invert the decoder as if it had no noise; what does the prior N(0, 1) say to a large code?"),
        (W * X, "you run the decoder, which leads from z to x; what leads back?"),
        (X, "your code is a copy of x; on which scale is z?"),
        (W * X / (1 + S**2), "the decoder's noise shrinks the code; which variance stands below the fraction?"),
    ):
        yield not close(mean, wrong), message
    yield close(mean[4], 0.0), "by symmetry the code of x = 0 must be 0; yours is not: what moves it?"
    yield close(mean, right), "the mean is off: prior and likelihood combine with weights by precision; which?"
    for value, message in (
        (1.0, "you return the prior's variance; should seeing x not make z more certain?"),
        (narrow**0.5, "that is a standard deviation; which is its variance?"),
        (S**2, "that is the decoder's own noise, on the scale of x; how much is it on the scale of z?"),
        (W**2 + S**2, "that is the spread of x; how uncertain is z once x is seen?"),
        (1 - narrow, "that is the share that x explains; which share is left?"),
    ):
        yield not close(var, value), message
    yield var > narrow * 0.999, "your variance is below the posterior's: too sure; what does the decoder's noise hide?"
    gap = 0.5 * float(var / narrow - 1 - (var / narrow).log())  # KL(q || posterior), the mean being right
    yield gap < 1e-5, f"the ELBO still lies {gap:.3g} nats below log p(x): is q too wide?"

encoder = Exercise(
    "Write encoder(x, w, s): mean [b] and variance of the best q(z|x) for p(z) = N(0, 1), p(x|z) = N(w z, s^2), on the"
    " line. It closes the gap between ELBO and log p(x) for every x.",
    answer=_encoder,
    more="Precisions add: the prior has 1, the decoder w^2 / s^2 on z's scale. The variance is one over their sum.",
    why="The best q is the posterior itself: N(w x / (w^2 + s^2), s^2 / (w^2 + s^2)).",
    asks=[(X, W, S), (X, 2.0, 0.3)],
    mistakes=lambda x, w, s: [
        (_encoder(x, w, s)[::-1], "first the mean, one per x, then the variance: is yours turned?")],
    properties=_posterior,
    caught=[
        (lambda x, w, s: w * x / (w**2 + s**2), "2 values"),
        (lambda x, w, s: (w * x / (w**2 + s**2), s**2 / (w**2 + s**2) + 0.01 * x), "one number is needed"),
        (lambda x, w, s: (x / w, s**2 / (w**2 + s**2)), "invert the decoder"),
        (lambda x, w, s: (w * x, s**2 / (w**2 + s**2)), "run the decoder"),
        (lambda x, w, s: (x, s**2 / (w**2 + s**2)), "a copy of x"),
        (lambda x, w, s: (1 + w * x / (w**2 + s**2), s**2 / (w**2 + s**2)), "code of x = 0"),
        (lambda x, w, s: (w * x / (w + s), s**2 / (w**2 + s**2)), "weights by precision"),
        (lambda x, w, s: (w * x / (w**2 + s**2), s**2 / (w**2 + s**2) / 2), "too sure"),
        (lambda x, w, s: (w * x / (w**2 + s**2), 1.0), "prior's variance"),
        (lambda x, w, s: (w * x / (w**2 + s**2), s / (w**2 + s**2) ** 0.5), "is a standard deviation"),
        (lambda x, w, s: (w * x / (w**2 + s**2), s**2), "the decoder's own"),
        (lambda x, w, s: (w * x / (w**2 + s**2), 0.5), "nats below"),
        (lambda x, w, s: (0.8 * x / 0.89, 0.25 / 0.89), "another decoder")],
    otherwise="mean and variance must be the posterior's: which two precisions add up?",
    elsewhere="right for this w and s, wrong for another decoder: do both stand in yours?")


def _weight(sigma: float, below: float) -> float:
    return (1 - below**2 / sigma**2) / (2 * sigma**2)

weight = Exercise(
    "Write weight(sigma, below): the factor of |x0 - x0_hat|^2 in the KL of one step from sigma to below, if both"
    " Gaussians have the large variance, sigma^2 - below^2.",
    answer=_weight,
    more="The means are those of 5b.4, and their distance is (1 - below^2 / sigma^2) |x0 - x0_hat|. Square it, and"
         " divide by twice the variance.",
    why="(1 - below^2 / sigma^2)^2 over 2 (sigma^2 - below^2): smaller than with the small variance, by the factor"
        " below^2 / sigma^2, since wider Gaussians at the same distance overlap more.",
    asks=[(2.0, 0.5), (0.3, 0.2)],
    mistakes=lambda sigma, below: [
        (0.5 * (1 / below**2 - 1 / sigma**2), "that is the weight of the small variance; which variance is yours?"),
        ((1 - below**2 / sigma**2) / sigma**2, "a KL of two Gaussians has a half in front; where is it?"),
        (0.5 * (1 - below**2 / sigma**2), "that is the factor of the noise error; how much is x0's, given sigma?"),
        (0.5 * (1 - below**2 / sigma**2) ** 2, "the squared distance still has to be divided: by which variance?"),
        (1 / (2 * (sigma**2 - below**2)), "how far apart are the two means: as far as x0 and x0_hat?"),
        ((1 - below**2 / sigma**2) / (2 * (sigma**2 - below**2)), "the distance is squared; is its factor?"),
        (0.5 * (1 - below / sigma) ** 2 / (sigma**2 - below**2), "the means mix by variances, not by levels: which"
                                                                 " ratio is squared?")],
    caught=[
        (lambda sigma, below: 0.1171875, "other levels"),
        (lambda sigma, below: sigma + below, "distance of the two means")],
    otherwise="squared distance of the two means over twice the variance: which of the two differs in yours?",
    elsewhere="right from 2 to 0.5, wrong for other levels: do both stand in yours?")
