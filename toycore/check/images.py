"""Exercises of notebook 14, Images."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore.check import Verdicts, call, close, exercise
from toycore.images import data


@exercise(
    answer=data.to_unit,
    mistakes={
        "black becomes 0.000": lambda images: images.float() / 255,
        "wrap around": lambda images: (2 * images) / 255 - 1,
        "127.5": lambda images: images.float() / 128 - 1,
        "black must become -1": lambda images: 1 - images.float() / 127.5,
    },
)
def unit(attempt: Callable[[Tensor], Tensor]) -> Verdicts:
    """Write unit(images): bytes 0..255 of any shape become floats in [-1, 1], black -1 and white 1."""
    images = torch.tensor([[0, 100, 128, 200, 255]], dtype=torch.uint8)
    x = torch.as_tensor(call(attempt, images))
    yield x.shape == images.shape, f"the shape must stay {tuple(images.shape)}; yours is {tuple(x.shape)}"
    yield (
        bool((x.diff() > 0).all()) or float(x[0, 0]) > 0.5,
        "bytes wrap around at 256: did you compute before .float()?",
    )
    yield close(x[0, 0], -1.0), f"black must become -1, and darker must be smaller; black becomes {float(x[0, 0]):.3f}"
    yield not close(x[0, -1], 255 / 128 - 1, 1e-4), "white becomes 0.992: by 127.5 or by 128? 255 must land on 1"
    yield close(x[0, -1], 1.0), f"white must become 1; yours becomes {float(x[0, -1]):.3f}"
    yield (
        close(x, data.to_unit(images)),
        "black and white are right, the greys between them are not: is it a straight line?",
    )


def _fold(x: Tensor) -> Tensor:
    return torch.nn.functional.pixel_unshuffle(x, 2)


@exercise(
    answer=_fold,
    mistakes={
        "nothing may be lost": lambda x: torch.nn.functional.avg_pool2d(x, 2).repeat(1, 4, 1, 1),
        "neighbours": lambda x: x.reshape(len(x), 4 * x.shape[1], x.shape[2] // 2, x.shape[3] // 2),
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
    y = torch.as_tensor(call(attempt, x))
    yield y.shape == (2, 12, 4, 4), f"the shape must be [b, 4c, h/2, w/2] = (2, 12, 4, 4); yours is {tuple(y.shape)}"
    kept = torch.equal(y.flatten().sort().values, x.flatten())
    yield kept, "nothing may be lost or doubled: every pixel must turn up exactly once"
    corners = torch.cat([x[:1, :, :4, :4], x[:1, :, :4, 4:], x[:1, :, 4:, :4], x[:1, :, 4:, 4:]], 1)
    whole = torch.equal(y[:1].flatten(2).sort(1).values, corners.flatten(2).sort(1).values)
    yield not whole, "each of your channels shows half of the picture's width; it should show every second pixel"
    want = _fold(x).flatten(2).sort(1).values
    yield (
        torch.equal(y.flatten(2).sort(1).values, want),
        "the four channels of a place must be neighbours in a 2x2 square",
    )


def _follow(a: Tensor, p: Tensor, decay: float) -> Tensor:
    return decay * a + (1 - decay) * p


@exercise(
    answer=_follow,
    mistakes={
        "forgets": lambda a, p, decay: (1 - decay) * a + decay * p,
        "does not move": lambda a, p, decay: a,
        "grows without end": lambda a, p, decay: decay * a + p,
        "plain mean": lambda a, p, decay: (a + p) / 2,
    },
)
def average(attempt: Callable[[Tensor, Tensor, float], Tensor]) -> Verdicts:
    """Write average(a, p, decay): one step of an exponential moving average. a is the average so far, p the new
    weights; with decay .99 a keeps 99 % of itself.
    """
    a, p = torch.zeros(3), torch.tensor([1.0, 2.0, -4.0])
    one = torch.as_tensor(call(attempt, a, p, 0.9))
    yield one.shape == (3,), "the result must have the shape of the weights"
    yield bool(one.any()), "your average does not move: where does p come in?"
    many = a
    for _ in range(200):
        many = torch.as_tensor(call(attempt, many, p, 0.9))
    yield (
        close(many, p, 1e-3),
        f"fed with the same p for ever, it must come to p; yours grows without end, to {many[0]:.1f}",
    )
    yield (
        not close(one, p / 2),
        "for decay 0.9 this is the plain mean of the two: decay must decide how fast it follows",
    )
    yield not close(one, 0.9 * p), "with decay 0.9 yours forgets 90 % in one step; it should keep 90 %"
    yield close(one, 0.1 * p), "for a = 0 and decay 0.9 the result must be 0.1 p"
