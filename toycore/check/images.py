"""Exercises of notebook 14, Images."""

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pixel_unshuffle

from toycore.check import Exercise, Verdicts

BYTES, DIM = torch.tensor([[0, 100, 128, 200, 255]]).byte(), torch.tensor([[60, 200], [90, 130]]).byte()

def _greys(unit) -> Verdicts:
    x = unit(BYTES)
    inverted = bool((x.diff() < 0).all())
    yield inverted or (x.diff() >= 0).all(), "bytes wrap around at 256: did you compute before .float()?"
    yield (x.diff() != 0).all(), "different greys become the same: did you round, or ask only for the sign?"
    black, white = float(x[0, 0]), float(x[0, -1])
    yield abs(black + 1) < 1e-5, f"black must become -1, and darker must be smaller; black becomes {black:.3f}: why?"
    yield abs(white - 1) < 1e-5, f"white must become 1; yours becomes {white:.3f}: divide by what?"

unit = Exercise(
    "Write unit(images): bytes 0..255 of any shape become floats in [-1, 1], black -1 and white 1.",
    answer=lambda images: images.float() / 127.5 - 1,
    more="First .float(), so that nothing wraps around; then one straight line that leads 0 to -1 and 255 to 1.",
    why="The range 0..255 has its middle at 127.5 and reaches as far on both sides.",
    asks=[(BYTES,), (DIM,)],
    mistakes=lambda images: [
        (images.float() / 128 - 1, "white becomes 0.992: by 127.5 or by 128? 255 must land on 1"),
        (2 * (images.float() / 255) ** 2.2 - 1,
         "black and white are right, the greys between them are not: is it a straight line?")],
    properties=_greys,
    caught=[
        (lambda images: images.float() / 255, "black becomes 0.000"),
        (lambda images: (2 * images) / 255 - 1, "wrap around"),
        (lambda images: 2 * (images.float() - images.min()) / (images.max() - images.min()) - 1, "should 90 not stay"),
        (lambda images: (images.float() - 127.5).sign(), "the same: did you round"),
        (lambda images: 1 - images.float() / 127.5, "black must become -1")],
    otherwise="black and white are right; are all greys between them on a straight line?",
    elsewhere="a picture without black and white is stretched: should 90 not stay 90?")

PICTURES = torch.arange(2 * 3 * 8 * 8.0).reshape(2, 3, 8, 8)

def _quarters(x: Tensor) -> Tensor:
    return torch.cat([x[:, :, :4, :4], x[:, :, :4, 4:], x[:, :, 4:, :4], x[:, :, 4:, 4:]], 1)

def _squares(fold) -> Verdicts:
    y, x = fold(PICTURES), PICTURES.double()
    yield (y.shape == (2, 12, 4, 4),
           f"the shape must be [b, 4c, h/2, w/2] = [2, 12, 4, 4]; yours is {list(y.shape)}: which axes change?")
    yield (torch.equal(y.flatten().sort().values, x.flatten()),
           "nothing may be lost or doubled: every pixel must turn up exactly once; does it?")
    got, want = (part.flatten(2).sort(1).values for part in (y, pixel_unshuffle(x, 2)))  # [b, 12, place]
    yield (not torch.equal(got, _quarters(x).flatten(2).sort(1).values),
           "each of your channels shows half of the picture's width; which slice shows every second pixel?")
    mine, squares = ({tuple(place) for place in part.movedim(1, 2).flatten(0, 1).tolist()} for part in (got, want))
    yield (torch.equal(got, want) or mine != squares,
           "each place holds a 2x2 square, but not its own: is the picture turned, or the batch?")
    yield torch.equal(got, want), "the four channels of a place must be neighbours in a 2x2 square: which are yours?"

fold = Exercise(
    "Write fold(x): [b, c, h, w] becomes [b, 4c, h/2, w/2], the four pixels of each 2x2 square as four channels. Any"
    " order of the channels will do.",
    answer=lambda x: torch.cat([x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)], 1),
    more="x[:, :, ::2, ::2] holds the upper left pixel of every square. Which three slices hold the others?",
    why="Four slices of stride 2 share out the pixels; nothing is lost, it only lies elsewhere.",
    asks=[(PICTURES,)],
    properties=_squares,
    caught=[
        (lambda x: avg_pool2d(x, 2).repeat(1, 4, 1, 1), "nothing may be lost"),
        (lambda x: x.reshape(len(x), 4 * x.shape[1], x.shape[2] // 2, x.shape[3] // 2), "neighbours"),
        (lambda x: pixel_unshuffle(x, 2).flip(3), "not its own"),
        (lambda x: x.unflatten(2, (-1, 2)).unflatten(4, (-1, 2)), "[b, 4c, h/2, w/2]"),
        (_quarters, "half of the picture")])

AVERAGE, NEW = torch.tensor([0.5, -1.0, 3.0]), torch.tensor([1.0, 2.0, -4.0])

average = Exercise(
    "Write average(a, p, decay): one step of an exponential moving average. a is the average so far, p the new weights;"
    " with decay .99 a keeps 99 % of itself.",
    answer=lambda a, p, decay: decay * a + (1 - decay) * p,
    more="Two shares that add up to 1: a keeps decay of itself. What is left for p?",
    why="The shares sum to 1, so where a and p agree nothing changes.",
    asks=[(AVERAGE, NEW, 0.9), (AVERAGE, NEW, 0.3)],
    mistakes=lambda a, p, d: [
        ((1 - d) * a + d * p, "with decay 0.9 yours forgets 90 % in one step; how much should it keep?"),
        (a, "your average does not move: where does p come in?"),
        (p, "your average is p: what does it remember?"),
        (d * a + p, "p comes in whole, so it grows without end; what share of p comes in?"),
        (a + (1 - d) * p, "a is kept whole, so it grows without end; what share of a is kept?"),
        ((a + p) / 2, "this is the plain mean of the two; what should decay decide?"),
        ((1 - d) * (a + p), "both shares are 1 - decay; what must they add up to?"),
        (d * a - (1 - d) * p, "p is subtracted; on which side of a should the average come to lie?"),
        (d**0.5 * a + (1 - d) ** 0.5 * p, "noise is mixed with roots, as variances add; what adds up in an average?"),
        ((d * a + (1 - d) * p).mean(),
         "the result must have the shape of the weights, [3]; yours is []: what is lost?")],
    caught=[(lambda a, p, decay: 0.9 * a + 0.1 * p, "for another decay")],
    otherwise="for decay 0.9, which share of a and which share of p make the new average?",
    elsewhere="right for decay 0.9, wrong for another decay: where is it?")
