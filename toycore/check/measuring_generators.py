"""Exercises of notebook 13, Measuring generators."""

import torch
from torch import Tensor

from toycore import metrics, mixtures
from toycore.check import Exercise, Verdicts, close, normal
from toycore.types import seeded

DATA = mixtures.spiral().sample(2000, seeded())[0].double()

def _fool(data: Tensor) -> Tensor:
    size, axes = torch.linalg.eigh(torch.cov(data.T))
    arm = (axes * (2 * size).sqrt()).T  # two arms, along the axes of the covariance
    corners = data.mean(0) + torch.cat([arm, -arm])
    return corners.repeat(len(data) // 4, 1)

def _gaussian(data: Tensor) -> Tensor:
    z = normal(1500, 2)
    z = (z - z.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(z.T))).T
    return data.mean(0) + z @ torch.linalg.cholesky(torch.cov(data.T)).T

def _two_moments(fool) -> Verdicts:
    x = fool(DATA)
    yield (x.ndim == 2 and x.shape[-1] == 2 and len(x) > 5,
           f"the sample needs the shape [n, 2], more than 5 points; yours is {list(x.shape)}: why?")
    yield close(x.mean(0), DATA.mean(0), 0.02), "the first moment differs: is your mean that of the data?"
    yield close(torch.cov(x.T), torch.cov(DATA.T), 0.01), "the second moment differs: what is your covariance?"
    FD, recall = metrics.frechet(x, DATA), metrics.precision_recall(x, DATA)[1]
    yield FD < 0.001, f"FD is {FD:.4f}, and it should be below 0.001: match the two moments more closely"
    yield recall < 0.2, f"recall is still {recall:.2f}: how few different points can carry two moments?"

fool = Exercise(
    "Write fool(data): points [n, 2] whose Frechet distance to the data [2000, 2] is below 0.001, but whose recall is"
    " below 0.2. Any two moments will do.",
    answer=_fool,
    more="Four places will do: the mean plus and minus an arm along each axis of the covariance (torch.linalg.eigh)."
         " How long must the arms be?",
    why="FD sees only mean and covariance, and four places at mean +- sqrt(2 lambda_i) e_i have both.",
    asks=[(DATA,)],
    properties=_two_moments,
    caught=[
        (_gaussian, "recall is still"),
        (lambda data: data[data[:, 0] > 0], "first moment"),
        (lambda data: data.mean(0) + 0 * data, "second moment"),
        (lambda data: data[0], "needs the shape")])

def _extrapolate(n: Tensor, FD: Tensor) -> Tensor:
    columns = torch.stack([torch.ones_like(FD), 1 / n], 1)
    return torch.linalg.lstsq(columns, FD[:, None]).solution[0, 0]

N = torch.tensor([100.0, 200.0, 400.0, 1000.0], dtype=torch.float64)

extrapolate = Exercise(
    "Write extrapolate(n, FD): FD was measured with n points, n and FD are [k]. Return what it would be with infinitely"
    " many, given that FD = a + b / n.",
    answer=_extrapolate,
    more="Plot FD against 1 / n: it is a straight line, and n = infinity is where 1 / n = 0.",
    why="a is the intercept of a line fitted in 1 / n.",
    asks=[(N, 0.5 + 20 / N), (N[:3] / 2, 1.3 + 7 / N[:3]), (N, 3 + 0 * N)],
    mistakes=lambda n, FD: [
        (FD[-1], "you return the FD of the largest n; it still carries its bias, b / n: what is left without it?"),
        (FD.mean(), "that is the mean of all; does each of them not carry its own bias?"),
        (_extrapolate(1 / n, FD),
         "you fit a line in n and read it at n = 0: in which quantity is the bias a straight line?"),
        (_extrapolate(n**0.5, FD),
         "you let the bias fall with the root of n; a standard error does, but does this bias?"),
        ((FD[0] - FD[-1]) / (1 / n[0] - 1 / n[-1]), "that is the slope b; a is asked for: where is it on the line?"),
        (FD - FD[-1], "one number is asked for, the value at n = infinity; you gave 4: which one is it?")],
    caught=[
        (lambda n, FD: (FD - 20 / n)[0] if FD[0] < 3 else FD[0], "wrong for others"),
        (lambda n, FD: FD.min() / 2, "what did you fit")],
    otherwise="for FD = 0.5 + 20 / n the answer must be {right}, and yours is {yours}: what did you fit?",
    elsewhere="right for one a and b, wrong for others: what in yours is fixed?",
    tolerance=1e-4)

def _memorised(x: Tensor, train: Tensor, held: Tensor) -> Tensor:
    nearer = torch.cdist(x, train).amin(1) < torch.cdist(x, held).amin(1)
    return nearer.double().mean()

FRESH, TRAIN, HELD = normal(3, 300, 2).unbind(0)

def _not_memorised(x: Tensor, train: Tensor, held: Tensor) -> list[tuple[object, str]]:
    right, (to_train, to_held) = _memorised(x, train, held), (torch.cdist(x, y) for y in (train, held))
    fixed = (to_train.amin(1) < 0.01).double().mean()
    return [
        (len(x) * right,
         f"a share lies between 0 and 1; yours is {len(x) * right:.0f}: did you count, or take per cent?"),
        (_memorised(x, held, train), "copies of training points give 0: do you compare the other way round?"),
        (0.5, "copies of training points must give 1 and copies of held-out points 0; why are yours the same?"),
        ((to_train.mean(1) < to_held.mean(1)).double().mean(),
         "copies give less than 1: do you compare mean distances? The nearest one counts"),
        (fixed, f"fresh samples should give about 1/2, not {fixed:.2g}: do you use a fixed distance?"),
        (to_train.amin(1) < to_held.amin(1),
         "one number is needed here; you gave 300, one answer per sample: how many of them are true?")]

memorised = Exercise(
    "Write memorised(x, train, held): the share of samples x [b, 2] whose nearest training point is nearer than their"
    " nearest held-out point. Both sets have the same size.",
    answer=_memorised,
    more="torch.cdist(x, train).amin(1) is how near the nearest training point is, for each sample.",
    why="A generator that has copied nothing is as often nearer to either set: the share is 1/2.",
    asks=[(FRESH, TRAIN, HELD), (TRAIN[:100], TRAIN, HELD), (HELD[:100], TRAIN, HELD)],
    mistakes=_not_memorised,
    caught=[(lambda x, train, held: _memorised(x[:50], train, held), "of which points")],
    otherwise="fresh samples give a share of {right}, and yours is {yours}: of which points?",
    elsewhere="right for fresh samples, not for copies of training or held-out points: what is fixed in yours?")
