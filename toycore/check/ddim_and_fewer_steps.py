"""Exercises of notebook 06, DDIM and fewer steps."""

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from toycore import metrics
from toycore.check import Exercise, Verdicts, close, normal

A = torch.tensor([0.05, 0.3, 0.7, 0.95], dtype=torch.float64)
B = torch.tensor([0.3, 0.7, 0.95, 0.999], dtype=torch.float64)

def _eta_noise(a: Tensor, a_prev: Tensor, eta: float) -> Tensor:
    return eta * ((1 - a_prev) / (1 - a) * (1 - a / a_prev)).sqrt()

def _properties_of_noise(noise) -> Verdicts:
    full = noise(A, B, 1.0)
    yield close(noise(A, B, 0.0), 0 * A), "eta = 0 must give 0: no noise at all is DDIM's hallmark; where is eta?"
    yield (full <= (1 - B).sqrt() + 1e-6).all(), "that is more noise than the level at the step's end has: can that be?"
    yield (close(noise(A, 0 * A + 1, 1.0), 0 * A),
           "in the last step a_prev = 1, and no noise may be left: which factor sees to that?")
    yield (close(noise(A, B, 0.5), full / 2),
           "the standard deviation is linear in eta; yours is not: where does eta stand?")

eta_noise = Exercise(
    "Write noise(a, a_prev, eta): the standard deviation of equation 16, from alpha_bar = a at the step's start (less"
    " signal) and a_prev at its end (more signal), both [n].",
    answer=_eta_noise,
    more="DDPM's variance is (share of noise at the end / share of noise at the start) times what this step adds, "
         "1 - a / a_prev. Take one root over the whole product, then multiply by eta.",
    why="Equation 16 of DDIM: eta = 1 is the noise of DDPM's posterior, eta = 0 leaves none.",
    asks=[(A, B, 1.0)],
    mistakes=lambda a, b, eta: [
        (0 * a, "at eta = 1 there is no noise at all; how much has DDPM?"),
        (_eta_noise(b, a, eta), "is the step turned round? It starts at a, where there is less signal"),
        (_eta_noise(a, b, eta) ** 2, "this is the variance; the standard deviation is asked for: what is missing?"),
        (eta * (1 - a / b).sqrt(),
         "that is the noise of the forward step alone; which factor keeps it below the level at the end?"),
        (eta * (1 - b).sqrt(), "that is the whole level at the step's end; which part of it is fresh?"),
        (eta * (1 - a).sqrt(), "that is the level at the step's start; which part of it is fresh at the end?"),
        (eta * ((1 - b) / (1 - a)).sqrt(),
         "that is half of equation 16: which other factor says how much this step adds?"),
        (eta * ((1 - b) * (1 - a / b)).sqrt(),
         "the first fraction has no denominator: which level does the step come from?"),
        (eta * ((1 - b) / (1 - a)).sqrt() * (1 - a / b),
         "the root covers the whole product; does yours end too early?"),
        (eta * (1 - b) / (1 - a) * (1 - a / b).sqrt(), "the root covers both factors; does yours begin too late?"),
        (eta * ((1 - b) / (1 - a) * (b - a)).sqrt(), "1 - a / a_prev holds a ratio; is yours a difference?"),
        (eta * ((1 - a) / (1 - b) * (1 - a / b)).sqrt(),
         "the fraction is upside down: is there more noise at the start or at the end?")],
    properties=_properties_of_noise,
    caught=[
        (lambda a, b, eta: _eta_noise(a, b, 1.0), "eta = 0 must give 0"),
        (lambda a, b, eta: eta**2 * _eta_noise(a, b, 1.0), "linear in eta"),
        (lambda a, b, eta: eta + 0 * a, "at the step's end has")],
    otherwise="at eta = 1 it must be DDPM's noise: which two fractions stand under its root?")

def _step(x: Tensor, eps_hat: Tensor, a: float, a_prev: float) -> Tensor:
    x0_hat = (x - (1 - a) ** 0.5 * eps_hat) / a**0.5
    return a_prev**0.5 * x0_hat + (1 - a_prev) ** 0.5 * eps_hat

def _x0_hat(x: Tensor, n: Tensor, a: float) -> Tensor:
    return (x - (1 - a) ** 0.5 * n) / a**0.5

X, EPS = normal(7, 2), normal(7, 2, seed=1)

step = Exercise(
    "Write step(x, eps_hat, a, a_prev): one DDIM step with eta = 0 in the paper's letters (eq. 12); x is [b, 2] in the"
    " VP frame, a and a_prev are numbers.",
    answer=_step,
    more="Two lines: first the predicted clean point, by undoing x = sqrt(a) x0 + sqrt(1 - a) eps; then noise it again,"
         " with the same eps_hat, to the level of a_prev.",
    why="DDIM predicts the clean point and goes back to the new level along the same noise.",
    asks=[(X, EPS, 0.2, 0.6), (X, EPS, 0.5, 0.9)],
    mistakes=lambda x, n, a, b: [
        (_step(x, n, a, a), "x comes back at the same level: which part of the formula uses a_prev?"),
        (_x0_hat(x, n, a),
         "that is x0_hat, the predicted clean point; a step goes only part of the way: to which level?"),
        (b**0.5 * _x0_hat(x, n, a), "the clean point comes back without noise; what lifts it to the level of a_prev?"),
        (b * (x - (1 - a) * n) / a + (1 - b) * n, "are all of the square roots in place? alpha_bar is a variance"),
        (b**0.5 * (x - (1 - a) ** 0.5 * n) + (1 - b) ** 0.5 * n,
         "the clean point is not scaled back up: by what was the signal multiplied in x?"),
        (b**0.5 * (x - (1 - a) ** 0.5 * n) / a + (1 - b) ** 0.5 * n,
         "the clean point is divided by a variance; by what was the signal multiplied in x?"),
        (_x0_hat(x, n, a) + (1 - b) ** 0.5 * n,
         "the clean point is not scaled for the new level: which factor has the signal there?"),
        (b**0.5 * _x0_hat(x, n, a) + (1 - a) ** 0.5 * n, "the noise keeps its old level: which is the new one?"),
        (b**0.5 * _x0_hat(x, n, a) - (1 - b) ** 0.5 * n,
         "the new noise is subtracted; on which side of the clean point was it?"),
        (b**0.5 * _x0_hat(x, n, a) + (1 - b) * n,
         "1 - a_prev is the noise's variance; which factor has eps_hat itself?"),
        (b**0.5 * (x + (1 - a) ** 0.5 * n) / a**0.5 + (1 - b) ** 0.5 * n,
         "your clean point adds the noise to x; was it not added already?"),
        (_step(x, n, b, a), "is the step turned round? It starts at a, with less signal"),
        (x + ((1 / b - 1) ** 0.5 - (1 / a - 1) ** 0.5) * n,
         "that is the step in the VE frame; what scales x in the VP frame?"),
        (_step(x, n, a, b) / b**0.5, "this is the point in the VE frame; which factor brings it back to VP?"),
        ((b / a) ** 0.5 * (x - (1 - a / b) / (1 - a) ** 0.5 * n),
         "that is the mean of DDPM's step, which makes room for fresh noise; what does DDIM put there?")],
    properties=lambda step: [
        (close(step(X, EPS, 0.2, 0.2), X), "a step of length zero must change nothing; what does yours change?")],
    caught=[
        (lambda x, n, a, b: b**0.5 * _x0_hat(x, n, a) + (1 - b) ** 0.5 * torch.randn_like(n), "chance"),
        (lambda x, n, a, b: _step(x, n, a, b) + x, "length zero"),
        (lambda x, n, a, b: x if a == b else 3**0.5 * (x - 0.8**0.5 * n) + 0.4**0.5 * n, "wrong from 0.5")],
    again="the same step twice gives two answers: DDIM has no chance in it, so why draw?",
    otherwise="from a = 0.2 to 0.6 it differs from DDIM's step: which two parts has it, and at which level is each?",
    elsewhere="right from a = 0.2 to 0.6, wrong from 0.5 to 0.9: do both letters stand in your formula?")

def _mix(z1: Tensor, z2: Tensor, share: float) -> Tensor:
    angle = torch.tensor(share * torch.pi / 2)
    return angle.cos() * z1 + angle.sin() * z2

def _slerp(z1: Tensor, z2: Tensor, share: float) -> Tensor:
    """Every pair along its own circle: made for a thousand dimensions, where all lengths are alike."""
    angle = cosine_similarity(z1, z2)[:, None].clamp(-0.9999, 0.9999).acos()
    return (((1 - share) * angle).sin() * z1 + (share * angle).sin() * z2) / angle.sin()

Z1, Z2 = normal(10_000, 2).float(), normal(10_000, 2, seed=1).float()

def _a_path_of_noise(mix) -> Verdicts:
    middle = mix(Z1, Z2, 0.5)
    yield middle.shape == Z1.shape, f"the shape must stay {list(Z1.shape)}, and is {list(middle.shape)}: why?"
    yield close(mix(Z1, Z2, 0.0), Z1, 1e-3), "share = 0 must give z1 itself: what has yours beside it, or instead?"
    yield close(mix(Z1, Z2, 1.0), Z2, 1e-3), "share = 1 must give z2 itself: what has yours beside it, or instead?"
    for share, where in (0.5, "half-way"), (0.25, "after a quarter"), (0.8, "near the end"):
        spread = metrics.spread(mix(Z1, Z2, share), Z1)
        is_1 = f"spread {spread:.2f} instead of 1; what happens to variances?"
        yield spread > 0.97, f"{where} the noise is too small: {is_1}"
        yield spread < 1.03, f"{where} the noise is too large: {is_1}"
    both = torch.corrcoef(torch.stack([middle[:, 0], Z1[:, 0].double(), Z2[:, 0].double()]))[0, 1:]
    yield both.min() > 0.3, "half-way it holds one of z1 and z2 alone: it jumps; how can it hold both?"
    for at, before in (0.5, middle), (0.0, Z1.double()):
        far = (mix(Z1, Z2, at + 0.001) - before).abs().max()
        yield far < 0.3, f"after share = {at} a small change moves points by {far:.1f}: it jumps; how can it glide?"

mix = Exercise(
    "Write mix(z1, z2, share): a path without a jump from noise z1 (share 0) to z2 (share 1), N(0, I) all the way, for"
    " independent z1, z2 ~ N(0, I), [b, d].",
    answer=_mix,
    more="The variances of a z1 + b z2 add up to a^2 + b^2. The squares of which two functions of an angle do so to 1?",
    why="cos^2 + sin^2 = 1, so the variance stays 1 at every share.",
    asks=[(Z1, Z2, 0.5)],
    mistakes=lambda z1, z2, share: [
        (_slerp(z1, z2, share), "each pair on its own circle keeps lengths where all are alike, in a thousand"
                                " dimensions; here they differ: which one rule for all pairs keeps the variance?")],
    properties=_a_path_of_noise,
    caught=[
        (lambda z1, z2, share: _mix(z2, z1, share), "share = 0"),
        (lambda z1, z2, share: z1 + share * z2, "share = 1"),
        (lambda z1, z2, share: (1 - share) * z1 + share * z2, "half-way the noise is too small"),
        (lambda z1, z2, share: (z1 + z2) if 0 < share < 1 else _mix(z1, z2, share), "too large"),
        (lambda z1, z2, share: torch.where(torch.rand(z1.shape) < share, z2, z1), "with dice in it"),
        (lambda z1, z2, share: z1 if share < 0.75 else z2, "jumps"),
        (lambda z1, z2, share: _mix(z1, z2, share) if share in (0, 0.5, 1) else (1 - share) * z1 + share * z2,
         "a quarter")],
    again="asked twice, mix gives two answers: with dice in it, it is no path; why draw?")
