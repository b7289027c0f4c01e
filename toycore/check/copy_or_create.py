"""Exercises of notebook 03b, Copy or create."""

import torch
from torch import Tensor

from toycore.check import Exercise, Verdicts, normal

X, POINTS = normal(30, 2), normal(7, 2, seed=1)
ONE, OTHER = normal(40, 2, seed=2), normal(40, 2, seed=3)

def _nearest(x: Tensor, points: Tensor) -> Tensor:
    return points[torch.cdist(x, points).argmin(1)]

def _not_nearest(x: Tensor, points: Tensor) -> list[tuple[object, str]]:
    away = torch.cdist(x, points)
    return [
        (points[away.argmax(1)], "that is the farthest point: which weight is left when sigma goes to 0?"),
        (points.mean(0).expand_as(x), "that is the answer at very high noise, the mean; what is left at low noise?"),
        (away.argmin(1), "that says which point is nearest; a denoiser returns the point: how do you look it up?"),
        (away.amin(1), "that is how far away the nearest point is; the point itself is asked for, [30, 2]"),
        (x, "you leave x where it is; D never returns a place where it knows no point: which point is left?"),
        (x + points[away.argmin(1)], "you add x to the nearest point; is the answer not a place?"),
        (points[away.argmin(1)] - x, "that is the way to the nearest point; D returns the point: where does it start?"),
        (points[(x[:, None, 0] - points[:, 0]).abs().argmin(1)],
         "you compare one coordinate only: how far apart are two points of the plane?")]

low_noise = Exercise(
    "Write D(x, points) in the limit sigma -> 0: the perfect denoiser of `points` [n, 2] at each row of x.",
    answer=_nearest,
    more="The weights are softmax(-|x - x_k|^2 / (2 sigma^2)). Which of them is 1 when sigma is tiny?",
    why="As sigma falls, the softmax of the squared distances becomes a choice of the nearest point.",
    asks=[(X, POINTS), (X, POINTS + 5), (X[:4], POINTS[:2])],
    mistakes=_not_nearest,
    caught=[(lambda x, points: _nearest(x, POINTS), "wrong for others")],
    otherwise="at sigma near 0 one point has all the weight: the one that is nearest to x; which do you return?",
    elsewhere="right for one set of points, wrong for others: which points do you search?")

shown = Exercise(
    "A generator copies a training point with probability c, and else draws a fresh point of the curve. Which share of"
    " its samples lies nearer to the training set than to as many held-out points, as a formula in c?",
    answer=lambda c: c + (1 - c) / 2,
    more="A copy counts for certain. How often is a fresh point nearer to one of two sets of the same kind and size?",
    why="Every copy counts, and half of what is fresh: c + (1 - c)/2, which is 1/2 for c = 0 and 1 for c = 1.",
    asks=[(0.4,), (0.0,), (1.0,), (0.7,)],
    mistakes=lambda c: [
        (c, "those are the copies; and the fresh points, are they never nearer to the training set?"),
        (0.5, "that holds for c = 0: what do the copies add?"),
        (1 - c / 2, "more copies must give a larger share; yours falls as c grows: which part is halved?"),
        (c / 2, "half of the copies? A copy lies on a training point: how often is it nearer to that set?"),
        (c + 0.5, "for c = 1 yours is 1.5; which part of the samples is fresh?"),
        (c + (1 - c), "all of them? A fresh point knows nothing of which set was trained on: how often is it nearer?")],
    otherwise="for c = 0.4 the share is {right}, and yours is {yours}: count copies and fresh points apart",
    elsewhere="right for c = 0.4, but not at c = {where}: does c stand in yours?",
    tolerance=1e-4)

def _gap(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).norm(dim=1).median()

def _moved(gap) -> Verdicts:
    return [(abs(float(gap(ONE, ONE + torch.tensor([3.0, 4.0]))) - 5) < 1e-4,
             "every end moved by (3, 4) lies 5 apart from where it was; what do you measure?")]

gap = Exercise(
    "Repair gap(one, other): how far apart two networks typically end (the median) when they start at the same noise;"
    " row i of both [b, 2] began at the same point.",
    answer=_gap,
    more="First a distance per row, then the median: (one - other).norm(dim=1).median().",
    why="The rows belong together, since they share their noise; a mean of each cloud first would forget that.",
    asks=[(ONE, OTHER), (ONE[:9], OTHER[:9])],
    mistakes=lambda one, other: [
        ((one.mean(0) - other.mean(0)).norm(),
         "you compare the means of the clouds; two clouds of other points may share a mean: where are the pairs?"),
        (torch.cdist(one, other).amin(1).median(),
         "you look for the nearest end of any walk; row i began at the same noise as row i: which pair is meant?"),
        ((one - other).norm(dim=1), "one number is needed, and yours is one per pair: which is the typical one?"),
        ((one - other).norm(dim=1).mean(), "the mean lets a few walks to another arm decide; which number is typical?"),
        ((one - other).norm(), "that is the length of all differences together: first a length per row, then?"),
        ((one - other).abs().median(), "you take single coordinates; how far apart are two points of the plane?"),
        ((one - other).pow(2).sum(1).median(), "those are squared distances: which root is missing?")],
    properties=_moved,
    caught=[(lambda one, other: _gap(ONE, OTHER), "moved by (3, 4)")],
    otherwise="a length per pair, then the median: which of the two is missing?",
    elsewhere="right for these ends, wrong for others: which rows do you use?")
