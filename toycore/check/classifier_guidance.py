"""Exercises of notebook 10, Classifier guidance."""

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, normalize

from toycore import exact, fields, guidance, mixtures
from toycore.check import Exercise, close, normal

MIXTURE = mixtures.spiral(60, classes=3)
LOG_P, X, LABEL = MIXTURE.class_log_posterior, normal(5, 2), torch.tensor([2, 0, 1, 2, 0])

def _gradient(log_posterior: guidance.LogPosterior, x: Tensor, sigma: float, label: Tensor) -> Tensor:
    x = x.detach().requires_grad_()
    log_p = log_posterior(x, sigma)  # [b, classes]
    own = log_p[torch.arange(len(x)), label]
    return torch.autograd.grad(own.sum(), x)[0]

def _not_the_gradient(log_posterior: guidance.LogPosterior, x: Tensor, s: float, c: Tensor) -> list[tuple[Tensor, str]]:
    x = x.detach().requires_grad_()
    p, right = log_posterior(x, s), _gradient(log_posterior, x, s, c)
    own = p.gather(1, c[:, None])

    def slope(of: Tensor) -> Tensor:
        return torch.autograd.grad(of, x, retain_graph=True)[0]

    return [
        (-right, "your gradient leads away from the class: which sign does log p carry?"),
        (right / 5, "5 times too small for a batch of 5: is there a mean where a sum belongs?"),
        (slope(own.exp().sum()), "this is the gradient of p, not of log p: what did the exponential do?"),
        (slope(p[:, c[0]].sum()), "all rows got the class of the first row; which label has each row?"),
        (slope(p.sum()), "you summed over every class; which of them is the row's own?"),
        (slope(p[:, c].sum()), "log_p[:, label] is [b, b], every row with every label; how do you pick one per row?"),
        (slope(p[c].sum()), "log_p[label] picks rows, and a row is a point; which axis holds the classes?"),
        (slope((-own).log().sum()), "log_posterior gives logs already; did you take a second one?"),
        (slope(p.max(1).values.sum()), "you climb to the most probable class; which one is asked for?"),
        (slope(p[:, 1].sum()), "all rows got class 1; which label has each row?"),
        (s * right, "that is the gradient times sigma, a change of the noise; which is asked?"),
        (normalize(right), "your arrows have length 1; is the slope of log p the same everywhere?"),
        (p, "one gradient per row, [5, 2], is needed; yours is [5, 3], log p itself: what is its slope in x?")]

gradient = Exercise(
    "Write gradient(log_posterior, x, sigma, label): grad_x log p(label | x), [b, 2], by torch.autograd."
    " log_posterior(x, sigma) gives log p of all classes, [b, classes]; label is [b], one class per row.",
    answer=_gradient,
    more="Detach x and let it require a gradient; pick one entry per row, log_p[torch.arange(b), label]; sum them, and"
         " ask torch.autograd.grad for the gradient in x.",
    why="Rows do not meet, so the gradient of the sum holds the gradient of every row.",
    asks=[(LOG_P, X, 0.3, LABEL), (LOG_P, X.flip(0), 0.8, LABEL)],
    mistakes=_not_the_gradient,
    caught=[
        (lambda log_posterior, x, s, c: torch.autograd.grad(log_posterior(x, s).gather(1, c[:, None]).sum(), x)[0],
         "that you want its gradient"),
        (lambda log_posterior, x, s, c: torch.autograd.grad(log_posterior(y := x.clone().requires_grad_(), s)[:, 0], y),
         "which sum makes one"),
        (lambda log_posterior, x, s, c: 0 * x, "by Bayes"),
        (lambda log_posterior, x, s, c: _gradient(log_posterior, x, 0.3, c), "other levels")],
    otherwise="by Bayes, gradient plus score must be the score given the class; is yours that of log p?",
    elsewhere="right at sigma = 0.3, wrong at other levels: which sigma do you hand to log_posterior?",
    tolerance=1e-3)

def _in_the_vp_frame(alpha_bar: float) -> tuple[Tensor, Tensor, Tensor]:
    """The exact noise, the slope of class 1 in x_t, and the exact noise given class 1."""
    sigma, x, D = (1 / alpha_bar - 1) ** 0.5, normal(50, 2), exact.posterior_mean(MIXTURE)
    slope = guidance.class_gradient(LOG_P, x, sigma, 1) / alpha_bar**0.5
    return fields.noise(D, x, sigma), slope, fields.noise(D, x, sigma, 1)

FREE, SLOPE, GIVEN = _in_the_vp_frame(0.9)
FREE_4, SLOPE_4, _ = _in_the_vp_frame(0.4)

def _not_mended(n: Tensor, g: Tensor, a: float, s: float) -> list[tuple[Tensor, str]]:
    level = (1 - a) ** 0.5
    return [
        (n + s * level * g,
         "your step repels from the class: if noise points away from the data, which sign has the slope?"),
        (n + s * g, "the slope is added as it is, and it repels; which sign, and which factor?"),
        (n - s * g, "your step is as strong at every level; which factor belongs to eps = ? score"),
        (n - s * (1 - a) * g, "1 - alpha_bar is a variance; which power of it is the noise made of?"),
        (n - s * a**0.5 * g, "sqrt(alpha_bar) scales the signal; which factor scales the noise?"),
        (n - s * a * g, "alpha_bar is the signal's share; which factor scales the noise?"),
        (n - s / level * g, "you divide by the noise's factor; score = -eps / ?, so which way round is it?"),
        (n - s * (1 / a - 1) ** 0.5 * g, "that is sigma, of the VE frame; which factor has the noise in VP?"),
        (-s * level * g, "that is the change alone; what does it change?"),
        ((1 + s) * n - s * level * g, "the predicted noise itself is scaled; should s not scale the slope alone?"),
        ((1 - s) * n - s * level * g, "the predicted noise fades as s grows; should s not scale the slope alone?"),
        (n - s**2 * level * g, "s squared is another strength; how does the exponent of p(c|x)^s come down?"),
        (n - s**0.5 * level * g, "the root belongs to 1 - alpha_bar; does it reach over s in yours?"),
        (n, "nothing is guided: where is the slope?"),
        (n - s * normalize(g), "your slope has length 1; with s = 1 you must get the exact conditional noise: do you?")]

mended = Exercise(
    "Mend the pseudo-code: write mended(eps, slope, alpha_bar, s), the noise prediction guided with scale s."
    " eps, slope: [b, 2], the predicted noise and grad log p(c | x_t) in the VP frame of DDPM.",
    answer=lambda eps, slope, alpha_bar, s: eps - s * (1 - alpha_bar) ** 0.5 * slope,
    more="In the VP frame score = -eps / sqrt(1 - alpha_bar). Add s times the slope to the score and solve for eps.",
    why="The guided score is score + s slope; times -sqrt(1 - alpha_bar) it is the guided noise.",
    asks=[(FREE, SLOPE, 0.9, 2.5), (FREE_4, SLOPE_4, 0.4, 1.0)],
    mistakes=_not_mended,
    properties=lambda mended: [
        (close(mended(FREE, SLOPE, 0.9, 0.0), FREE), "at s = 0 the noise must stay as it was; what changes it?"),
        (close(mended(FREE, SLOPE, 0.9, 1.0), GIVEN, 1e-4),
         "with s = 1 and the exact classifier you must get the exact conditional noise; what is off?")],
    caught=[
        (lambda eps, slope, alpha_bar, s: eps - (1 - alpha_bar) ** 0.5 * slope, "at s = 0"),
        (lambda eps, slope, alpha_bar, s: eps - s * slope.abs(), "conditional noise"),
        (lambda eps, slope, alpha_bar, s: eps - s * 0.1**0.5 * slope, "other levels"),
        (lambda eps, slope, alpha_bar, s: eps - s**3 * (1 - alpha_bar) ** 0.5 * slope, "twice the change")],
    otherwise="right at s = 1; is twice the scale twice the change?",
    elsewhere="right at alpha_bar = 0.9, wrong at other levels: where does alpha_bar stand?",
    tolerance=1e-4)

def _not_the_posterior(x: Tensor, m: float, v: float, s: float) -> list[tuple[Tensor, str]]:
    wide = v + s**2
    odds = 2 * x * m / wide
    density = (-((x - m) ** 2) / (2 * wide)).exp() / (2 * torch.pi * wide) ** 0.5
    return [
        (torch.sigmoid(2 * x * m / v), "that holds for clean points; what does noise do to a variance?"),
        (torch.sigmoid(-odds), "this is the probability of the other class; which sign has x where + is more likely?"),
        (torch.sigmoid(2 * x * m / (v + s)), "variances add, so which of v and sigma must be squared?"),
        (torch.sigmoid(2 * x * m / (v**2 + s**2)), "v is a variance already: why square it?"),
        (torch.sigmoid(odds / 2), "a factor of 2 is missing: (x+m)^2 - (x-m)^2 = ?"),
        (torch.sigmoid(2 * odds), "a factor of 2 is left: what halves (x+m)^2 - (x-m)^2 in the exponents?"),
        (torch.sigmoid(2 * x * m / s**2), "the points have a spread of their own, before any noise: where is v?"),
        (torch.sigmoid(2 * x * m / wide**0.5), "the exponent holds a variance; is there a root in yours?"),
        (torch.sigmoid(2 * x / wide), "how far are the classes apart? m is missing in yours"),
        (torch.sigmoid(m * odds), "where is m squared? Bayes cancels m^2 and leaves a product with x: which?"),
        (odds, "that is the log of the odds; which function makes a probability of it?"),
        (logsigmoid(odds), "that is the log of the probability; what undoes it?"),
        (density, "that is the density of + at x; half-way both classes are alike: divide by what?"),
        (density / 2, "that is the density of + times 1/2, the numerator of Bayes' rule; what stands below it?"),
        ((x > 0).double(), "you say yes or no; how sure can one be near the middle?"),
        (0 * x + 0.5, "you always say 1/2; what does x tell?"),
        (torch.stack([torch.sigmoid(odds), torch.sigmoid(-odds)]),
         "one probability per point is needed, [9]; yours is [2, 9], both classes: which one is asked for?")]

LINE = torch.linspace(-2, 2, 9, dtype=torch.float64)

posterior = Exercise(
    "Two equally likely classes on a line, N(-m, v) and N(+m, v). Give p(class + | x) for noisy x = x0 + sigma eps, as"
    " posterior(x, m, v, sigma).",
    answer=lambda x, m, v, sigma: torch.sigmoid(2 * x * m / (v + sigma**2)),
    more="Both noisy classes have variance v + sigma^2. Divide numerator and denominator of Bayes' rule by the density"
         " of +, and only a difference of squares is left in the exponent.",
    why="(x + m)^2 - (x - m)^2 = 4 x m, halved and divided by v + sigma^2, is the log of the odds.",
    asks=[(LINE, 0.9, 0.2, 0.6), (LINE, 1.5, 0.3, 0.1), (LINE, 0.7, 0.2, 100.0)],
    mistakes=_not_the_posterior,
    properties=lambda p: [
        (close(p(LINE, 0.9, 0.2, 0.6)[4], 0.5, 1e-4),
         "half-way, at x = 0, the classes are equally likely: 1/2; did you divide by both classes?")],
    caught=[
        (lambda x, m, v, sigma: torch.exp(-((x - m) ** 2) / (2 * (v + sigma**2))), "at x = 0"),
        (lambda x, m, v, sigma: (1 + torch.erf(x / (2 * (v + sigma**2)) ** 0.5)) / 2, "write out Bayes"),
        (lambda x, m, v, sigma: torch.sigmoid(1.8 / 0.56 * x), "for other numbers")],
    otherwise="right at x = 0 only: write out Bayes' rule and cancel; what is left?",
    elsewhere="right for m = 0.9, v = 0.2, sigma = 0.6, wrong for other numbers: do all three stand in yours?",
    tolerance=1e-4)
