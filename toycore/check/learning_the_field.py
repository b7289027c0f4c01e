"""Exercises of notebook 03, Learning the field."""

import torch
from torch import Tensor

from toycore.check import Exercise, close, normal
from toycore.types import Denoiser, Label, column

X0, EPS, SIGMA = normal(50, 2), normal(50, 2, seed=1), 0.1 + normal(50, seed=2).sigmoid()

def _any_denoiser(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
    return x.sin() / (1 + column(sigma, x))

def _loss(D: Denoiser, x0: Tensor, sigma: Tensor, eps: Tensor) -> Tensor:
    x = x0 + sigma[:, None] * eps
    eps_hat = (x - D(x, sigma)) / sigma[:, None]
    return ((eps_hat - eps) ** 2).sum(1).mean()

def _not_the_loss(D: Denoiser, x0: Tensor, sigma: Tensor, eps: Tensor) -> list[tuple[Tensor, str]]:
    s = sigma[:, None]
    x = x0 + s * eps
    x0_hat = D(x, sigma)
    eps_hat = (x - x0_hat) / s

    def mean(error: Tensor) -> Tensor:
        return (error**2).sum(1).mean()

    return [
        (mean(eps), "D was never asked: where should eps_hat come from?"),
        (mean((x - D(x0, sigma)) / s - eps), "D was asked about the clean points, so it knows x0; what should it see?"),
        (mean((x - D(x0 + eps, sigma)) / s - eps), "D must see x = x0 + sigma eps; what did you give it?"),
        (mean((x - D(x, 1.0)) / s - eps), "D needs sigma beside x, one per row: which level did you give it?"),
        (mean(-eps_hat - eps),
         "eps_hat has the wrong sign: the noise points to x, and yours points to x0_hat; which minus which?"),
        (mean(x - x0_hat - eps), "x - x0_hat is sigma times eps_hat: divide by what?"),
        (mean(eps_hat / s - eps), "you divide by sigma once too often: which power of it is a length?"),
        (mean(eps_hat - x0), "you compare a noise with a clean point: what does D give, and what is in x beside x0?"),
        (mean(x0_hat - x0), "you compare clean points (x0_hat with x0); what must you divide by to compare noises?"),
        (mean(eps_hat - eps) / 2,
         "half of what it should be: |.|^2 is a sum; have you averaged over the two coordinates?"),
        (50 * mean(eps_hat - eps), "50 times too large, for 50 points: is there no mean over the batch?"),
        (((eps_hat - eps) ** 2).sum(1), "a loss is one number, and yours is one per row, [50]: which mean is missing?"),
        ((eps_hat - eps).norm(dim=1).mean(), "|.|^2 is a square; is there a root in yours?"),
        ((eps_hat - eps).abs().sum(1).mean(), "|.|^2 is a sum of squares; are yours absolute values?"),
        ((eps_hat - eps).sum(1).mean(), "errors of both signs cancel in your loss: what keeps |.|^2 from that?"),
        (-mean(eps_hat - eps), "a loss of less than 0 can fall without end; which sign belongs in front?")]

loss = Exercise(
    "Write loss(D, x0, sigma, eps): the mean over the batch of |eps_hat - eps|^2, where eps_hat is read off"
    " x0_hat = D(x, sigma) at x = x0 + sigma eps. x0 and eps are [b, 2], sigma is [b].",
    answer=_loss,
    more="Three lines: the noisy x, sigma as a column; eps_hat = (x - D(x, sigma)) / sigma; a mean of sums of squares.",
    why="This is the training loss of DDPM, with one level for each row.",
    asks=[(_any_denoiser, X0, SIGMA, EPS), (lambda x, sigma, label=None: x, X0, SIGMA, EPS)],
    mistakes=_not_the_loss,
    caught=[
        (lambda D, x0, sigma, eps: ((x0 + sigma * eps) ** 2).sum(1).mean(), "a column"),
        (lambda D, x0, sigma, eps: ((_any_denoiser(x0, sigma) - torch.randn_like(eps)) ** 2).sum(1).mean(),
         "eps is given")],
    again="eps is given, but your loss changes from call to call: do you draw other noise?",
    otherwise="off for the D of the check: what do you ask it, and where?",
    elsewhere="right for one D; for D(x, sigma) = x, which finds no noise at all, what should |eps_hat - eps|^2 be?",
    tolerance=1e-4)

irreducible = Exercise(
    "Data ~ N(0, v I) in the plane. Give the least possible loss E|eps_hat - eps|^2 at level sigma, summed over the two"
    " coordinates, as a formula in v and sigma.",
    answer=lambda v, sigma: 2 * v / (v + sigma**2),
    more="x = x0 + sigma eps has variance v + sigma^2. Which share of the variance of eps is left once x is known?",
    why="Given x, eps keeps the share v / (v + sigma^2) of its variance 1, in each of two coordinates.",
    asks=[(0.49, 0.4), (0.36, 2.0), (0.1, 0.2), (2.0, 0.5), (0.5, 3.0)],
    mistakes=lambda v, s: [
        (2 * s**2 / (v + s**2),
         "far above the data (sigma >> sqrt(v)) the noise is plain to see: should the loss be large or small?"),
        (v / (v + s**2), "there are two coordinates: what is the loss when nothing at all can be seen?"),
        (2 * v**0.5 / (v**0.5 + s), "variances add, not standard deviations: which of v and sigma must be squared?"),
        (2 * v * s**2 / (v + s**2),
         "that is the error of x0_hat; asked for is that of eps_hat, in units of the noise: divide by what?"),
        (2 * v / (v + s), "variances add, but sigma is no variance: what is?"),
        (2 * v**2 / (v**2 + s**2), "v is a variance already: why square it?"),
        (2 * (v / (v + s**2)) ** 0.5, "a squared error is asked for; is there a root too many?"),
        (4 * v / (v + s**2),
         "far below the data (sigma << sqrt(v)) nothing can be seen: how large is E|eps|^2 in the plane?")],
    caught=[
        (lambda v, s: 2 * v / (v + 2 * s**2), "the loss is 1.508, yours"),
        (lambda v, s: {3.0: 0.1, 2.0: 0.1}.get(s, 1.507692), "but not at v = 0.36, sigma = 2")],
    otherwise="at {where} the loss is {right}, yours {yours}: what variance of eps is left once x is known?",
    elsewhere="right at v = 0.49, sigma = 0.4, but not at {where}: do both stand in your formula?",
    tolerance=1e-4)

def _velocity(x_t: Tensor, eps_hat: Tensor, alpha_bar: Tensor) -> Tensor:
    a = alpha_bar[:, None]
    x0_hat = (x_t - (1 - a).sqrt() * eps_hat) / a.sqrt()
    return a.sqrt() * eps_hat - (1 - a).sqrt() * x0_hat

def _not_v(x_t: Tensor, n: Tensor, alpha_bar: Tensor) -> list[tuple[Tensor, str]]:
    a = alpha_bar[:, None]
    b = 1 - a
    x0_hat = (x_t - b.sqrt() * n) / a.sqrt()

    def v(x0_hat: Tensor) -> Tensor:
        return a.sqrt() * n - b.sqrt() * x0_hat

    return [
        (v(x_t), "x_t is not x0_hat: how do you undo x_t = sqrt(a) x0 + sqrt(1-a) eps?"),
        (-v(x0_hat), "right up to the sign: which of eps and x0 comes with the plus?"),
        (b.sqrt() * n - a.sqrt() * x0_hat, "the two factors are the wrong way round: which goes with eps?"),
        (a * n - b * x0_hat, "alpha_bar is a variance; which square root is missing?"),
        (v(-x0_hat), "a difference is asked for; did you add sqrt(1 - alpha_bar) x0_hat?"),
        (v(x_t - b.sqrt() * n), "in your x0_hat the signal is still shrunk: divide by what?"),
        (v(x0_hat / a.sqrt()), "your x0_hat is divided by alpha_bar, a variance: by how much did the signal shrink?"),
        (v((x_t - b * n) / a.sqrt()), "in your x0_hat the noise comes with a variance: which factor has eps in x_t?"),
        (v((x_t + b.sqrt() * n) / a.sqrt()), "your x0_hat adds the noise to x_t; was it not added already?"),
        (v(x_t - (1 / a - 1).sqrt() * n),
         "your x0_hat is that of the VE frame, x - sigma eps: what has the VP frame done to the signal?"),
        (x0_hat, "this is x0_hat; what else does v hold?"),
        (n - x0_hat, "eps - x0 is the velocity of a straight path; which factors has v?"),
        (v(x0_hat).sum(1), "v must be [50, 2] like x_t; yours is [50]: why the sum over the coordinates?")]

velocity = Exercise(
    "Write v(x_t, eps_hat, alpha_bar): turn a noise prediction into the v-prediction"
    " v = sqrt(alpha_bar) eps_hat - sqrt(1 - alpha_bar) x0_hat. x_t, eps_hat: [b, 2] (VP frame), alpha_bar: [b].",
    answer=_velocity,
    more="Make alpha_bar a column, then undo x_t = sqrt(a) x0 + sqrt(1 - a) eps for x0_hat, and put it into v.",
    why="x0_hat and eps_hat follow from each other, and v is one more mixture of the two.",
    asks=[(X0, EPS, 0.05 + 0.9 * normal(50, seed=3).sigmoid())],
    mistakes=_not_v,
    otherwise="with the true noise, x0_hat must be x0: is yours? Then put both into v's formula",
    tolerance=1e-4)

def _step_weights(betas: Tensor) -> Tensor:
    left = (1 - betas).prod() / (1 - betas).cumprod(0)  # what the later steps leave of a variance
    return (betas * left / (1 - (1 - betas).prod())).sqrt()

def _not_step_weights(betas: Tensor) -> list[tuple[Tensor, str]]:
    right, alpha_bar = _step_weights(betas), (1 - betas).cumprod(0)
    left = alpha_bar[-1] / alpha_bar

    def unit(w: Tensor) -> Tensor:
        return w / w.norm()

    return [
        (0 * betas + 1 / len(betas), "that is a plain mean; what variance does the mean of T noises have?"),
        (unit(0 * betas + 1), "all weights are alike; is early noise not shrunk by the later steps?"),
        (unit(betas.sqrt()), "early noise shrinks with every later step, by which factor?"),
        (right**2, "these are the squares of the weights: which are variances, which standard deviations?"),
        (right / right.sum(), "the weights need not sum to 1, but their squares must: why?"),
        (right.flip(0), "which way does it go: whose noise has been shrunk the longest?"),
        (unit((betas * (1 - betas) * left).sqrt()), "does a step shrink its own noise, or only what was there before?"),
        (unit((betas * alpha_bar).sqrt()),
         "you shrink z_i by the steps before it; it was not there yet: which steps meet it?"),
        (unit(betas.sqrt() * left), "a later step shrinks the variance by 1 - beta; by how much the noise itself?"),
        (-right, "right up to the sign: with which sign does z_i enter?"),
        (betas.sqrt()[:-1], "one weight per step is needed, 20; you gave 19: which noise has none?")]

step_weights = Exercise(
    "Write w(betas) [T]: the weights with which the noises z_i of the T small steps"
    " x_i = sqrt(1 - beta_i) x_(i-1) + sqrt(beta_i) z_i add up to the one noise eps = sum_i w_i z_i of the whole jump.",
    answer=_step_weights,
    more="z_i enters with sqrt(beta_i) and is multiplied by sqrt(1 - beta_j) in every later step j. Divide by the"
         " standard deviation of the whole, sqrt(1 - alpha_bar_T).",
    why="w_i^2 is the share of the jump's noise variance that comes from step i.",
    asks=[(torch.linspace(0.01, 0.4, 20, dtype=torch.float64),), (torch.tensor([0.3, 0.1, 0.2]).double(),)],
    mistakes=_not_step_weights,
    properties=lambda w: [
        (close((w(torch.linspace(0.01, 0.4, 20).double()) ** 2).sum(), 1.0),
         "eps has variance 1, so the squares sum to 1: by which standard deviation of the whole jump must you divide?"),
    ],
    caught=[
        (lambda betas: _step_weights(betas) * (1 - (1 - betas).prod()).sqrt(), "standard deviation of the whole"),
        (lambda betas: _step_weights(torch.linspace(0.01, 0.4, 20).double()), "for other betas")],
    otherwise="the squares sum to 1, but a weight differs: follow one z_i through the steps after it",
    elsewhere="right for these betas, wrong for other betas: where are they?")
