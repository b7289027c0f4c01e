"""Exercises of notebook 14, Images."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore.check import Verdicts, ask, close, exercise, unlike
from toycore.images import sets


@exercise(
    answer=sets.to_unit,
    mistakes={
        "black becomes 0.000": lambda images: images.float() / 255,
        "wrap around": lambda images: (2 * images) / 255 - 1,
        "127.5": lambda images: images.float() / 128 - 1,
        "should 90 not stay": lambda images: 2 * (images.float() - images.min()) / (images.max() - images.min()) - 1,
        "a straight line": lambda images: 2 * (images.float() / 255) ** 2.2 - 1,
        "the same: did you round": lambda images: (images.float() - 127.5).sign(),
        "black must become -1": lambda images: 1 - images.float() / 127.5,
    },
)
def unit(attempt: Callable[[Tensor], Tensor]) -> Verdicts:
    """Write unit(images): bytes 0..255 of any shape become floats in [-1, 1], black -1 and white 1."""
    images = torch.tensor([[0, 100, 128, 200, 255]], dtype=torch.uint8)
    x = ask(attempt, images)
    yield x.shape == images.shape, f"the shape must stay {tuple(images.shape)}; yours is {tuple(x.shape)}"
    inverted = bool((x.diff() < 0).all())
    yield inverted or bool((x.diff() >= 0).all()), "bytes wrap around at 256: did you compute before .float()?"
    yield bool((x.diff() != 0).all()), "different greys become the same: did you round, or ask only for the sign?"
    yield (
        close(x[0, 0], -1.0),
        f"black must become -1, and darker must be smaller; black becomes {float(x[0, 0]):.3f}: why?",
    )
    yield not close(x[0, -1], 255 / 128 - 1, 1e-4), "white becomes 0.992: by 127.5 or by 128? 255 must land on 1"
    yield close(x[0, -1], 1.0), f"white must become 1; yours becomes {float(x[0, -1]):.3f}: divide by what?"
    line = "black and white are right, the greys between them are not: is it a straight line?"
    yield close(x, sets.to_unit(images)), line
    dim = torch.tensor([[60, 200], [90, 130]], dtype=torch.uint8)
    yield (
        close(ask(attempt, dim), sets.to_unit(dim)),
        "a picture without black and white is stretched: should 90 not stay 90?",
    )


def _fold(x: Tensor) -> Tensor:
    return torch.nn.functional.pixel_unshuffle(x, 2)


@exercise(
    answer=_fold,
    mistakes={
        "nothing may be lost": lambda x: torch.nn.functional.avg_pool2d(x, 2).repeat(1, 4, 1, 1),
        "neighbours": lambda x: x.reshape(len(x), 4 * x.shape[1], x.shape[2] // 2, x.shape[3] // 2),
        "not its own": lambda x: _fold(x).flip(3),
        "[b, 4c, h/2, w/2]": lambda x: x.unflatten(2, (-1, 2)).unflatten(4, (-1, 2)),
        "half of the picture": lambda x: torch.cat(
            [x[:, :, :4, :4], x[:, :, :4, 4:], x[:, :, 4:, :4], x[:, :, 4:, 4:]], 1
        ),
    },
)
def fold(attempt: Callable[[Tensor], Tensor]) -> Verdicts:
    """Write fold(x): [b, c, h, w] becomes [b, 4c, h/2, w/2], the four pixels of each 2x2 square as four channels. Any
    order of the channels will do.
    """
    x = torch.arange(2 * 3 * 8 * 8.0).reshape(2, 3, 8, 8)
    y = ask(attempt, x).float()
    yield (
        y.shape == (2, 12, 4, 4),
        f"the shape must be [b, 4c, h/2, w/2] = (2, 12, 4, 4); yours is {tuple(y.shape)}: which axes change?",
    )
    kept = torch.equal(y.flatten().sort().values, x.flatten())
    yield kept, "nothing may be lost or doubled: every pixel must turn up exactly once; does it?"
    corners = torch.cat([x[:1, :, :4, :4], x[:1, :, :4, 4:], x[:1, :, 4:, :4], x[:1, :, 4:, 4:]], 1)
    whole = torch.equal(y[:1].flatten(2).sort(1).values, corners.flatten(2).sort(1).values)
    yield not whole, "each of your channels shows half of the picture's width; which slice shows every second pixel?"
    want = _fold(x).flatten(2).sort(1).values
    got = y.flatten(2).sort(1).values
    places = got.transpose(1, 2).reshape(-1, 12)
    moved = torch.equal(
        places[places[:, 0].argsort()], want.transpose(1, 2).reshape(-1, 12)[want[:, 0].flatten().argsort()]
    )
    yield (
        torch.equal(got, want) or not moved,
        "each place holds a 2x2 square, but not its own: is the picture turned, or the batch?",
    )
    yield (
        torch.equal(got, want),
        "the four channels of a place must be neighbours in a 2x2 square: which ones are yours?",
    )


def _follow(a: Tensor, p: Tensor, decay: float) -> Tensor:
    return decay * a + (1 - decay) * p


FOLLOWS = {  # what students take for the average, by what to ask them
    "with decay 0.9 yours forgets 90 % in one step; how much should it keep?": lambda a, p, d: (1 - d) * a + d * p,
    "your average does not move: where does p come in?": lambda a, p, d: a,
    "your average is p: what does it remember?": lambda a, p, d: p,
    "p comes in whole, so it grows without end; what share of p comes in?": lambda a, p, d: d * a + p,
    "a is kept whole, so it grows without end; what share of a is kept?": lambda a, p, d: a + (1 - d) * p,
    "this is the plain mean of the two; what should decay decide?": lambda a, p, d: (a + p) / 2,
    "both shares are 1 - decay; what must they add up to?": lambda a, p, d: (1 - d) * (a + p),
    "p is subtracted; on which side of a should the average come to lie?": lambda a, p, d: d * a - (1 - d) * p,
    "noise is mixed with roots, since variances add; what adds up in an average?": lambda a, p, d: (
        d**0.5 * a + (1 - d) ** 0.5 * p
    ),
}


@exercise(
    answer=_follow,
    mistakes={
        **FOLLOWS,
        "the shape": lambda a, p, decay: _follow(a, p, decay).mean(),
        "for another decay": lambda a, p, decay: 0.9 * a + 0.1 * p,
    },
)
def average(attempt: Callable[[Tensor, Tensor, float], Tensor]) -> Verdicts:
    """Write average(a, p, decay): one step of an exponential moving average. a is the average so far, p the new
    weights; with decay .99 a keeps 99 % of itself.
    """
    a, p = torch.tensor([0.5, -1.0, 3.0]), torch.tensor([1.0, 2.0, -4.0])
    one = ask(attempt, a, p, 0.9)
    yield (
        one.shape == (3,),
        f"the result must have the shape of the weights, [3]; yours is {list(one.shape)}: what is lost?",
    )
    yield from unlike(one, {message: wrong(a, p, 0.9) for message, wrong in FOLLOWS.items()})
    yield close(one, _follow(a, p, 0.9)), "for decay 0.9, which share of a and which share of p make the new average?"
    yield (
        close(ask(attempt, a, p, 0.3), _follow(a, p, 0.3)),
        "right for decay 0.9, wrong for another decay: where is it?",
    )
