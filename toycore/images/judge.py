"""Judges: small classifiers whose 64 features and verdicts the metrics of pictures rest on.

FID takes Inception's features; for digits and shapes a network of our own, trained on real pictures with blur and noise
so that it does not stumble over either, is a better eye and needs no download.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from toycore import metrics
from toycore.checks import as_batch, at_least, named, positive, stream
from toycore.images.loop import descend, then
from toycore.images.nets import pictures
from toycore.images.sets import Pictures, labelled, to_unit
from toycore.networks import initialise
from toycore.types import Rng

FEATURES = 64


class Judge(nn.Module):
    """Three convolutions, 64 features, one verdict per question: kinds = (10,) for digits, one entry per caption part.

    `spread` scales the features so that they have unit variance on average over the real pictures: FD is then in units
    of which the real pictures have 64 in all.
    """

    spread: Tensor

    def __init__(
        self, channels: int = 1, side: int = 8, kinds: tuple[int, ...] = (10,), width: int = 32, rng: Rng = None
    ) -> None:
        super().__init__()
        positive(channels, "channels"), at_least(4, side, "side"), positive(width, "width")
        if not isinstance(kinds, (tuple, list)) or not kinds:
            raise TypeError(f"kinds are {kinds!r}; they must be a tuple with the number of answers per question, (10,)")
        for kind in kinds:
            at_least(2, kind, "a kind")
        self.config: dict[str, Any] = dict(channels=channels, side=side, kinds=tuple(kinds), width=width)
        self.kinds, self.halve = tuple(kinds), side > 16
        self.register_buffer("spread", torch.ones(()))
        end = -(-(side // 2 if self.halve else side) // 4)  # the side after two strides of 2
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.hidden = nn.Linear(2 * width * end**2, FEATURES)
        self.verdict = nn.Linear(FEATURES, sum(kinds))
        initialise(self, rng)

    def features(self, x: Tensor) -> Tensor:
        """Return the features `[b, 64]` of pictures in [-1, 1]."""
        pictures(x, self, self.config["channels"], self.config["side"])
        h = nn.functional.silu(self.conv1(x))
        h = nn.functional.max_pool2d(h, 2) if self.halve else h
        h = nn.functional.silu(self.conv2(h))
        h = nn.functional.silu(self.conv3(h))
        return nn.functional.silu(self.hidden(h.flatten(1))) / self.spread

    def forward(self, x: Tensor) -> list[Tensor]:
        """Return one tensor of logits `[b, kind]` per question."""
        return list(self.verdict(self.features(x) * self.spread).split(self.kinds, 1))

    def answers(self, x: Tensor) -> Tensor:
        """Return the most likely answer to each question, `[b, questions]`."""
        return torch.stack([logits.argmax(1) for logits in self(x)], 1)


def train(
    judge: Judge, data: Pictures, answers: Tensor, steps: int = 400, batch: int = 128, lr: float = 2e-3, rng: Rng = None
) -> Iterator[float]:
    """Train a judge on pictures and the right answers `[n, questions]`, spoilt at random; yield the loss."""
    labelled(data, "data")
    answers = checked(answers, len(data.images), judge.kinds)
    positive(batch, "batch"), positive(steps, "steps"), stream(rng)

    def objective() -> Tensor:
        rows = torch.randint(len(answers), (batch,), generator=rng)
        parts = zip(judge(spoil(to_unit(data.images[rows]), rng)), answers[rows].T)
        return torch.stack([nn.functional.cross_entropy(logits, right) for logits, right in parts]).sum()

    def rates(step: int) -> float:
        return min(1, (step + 1) / 30, 2 * (1 - step / steps))

    walk = descend(judge.parameters(), objective, rates, steps, lr, weight_decay=0.05)
    return then(walk, lambda: measure_spread(judge, to_unit(data.images[:2000])))


@torch.no_grad()
def measure_spread(judge: Judge, x: Tensor) -> None:
    """Scale the features so that their variance is 1 on average over pictures x."""
    judge.spread.copy_(judge.features(x).var(0).mean().sqrt() * judge.spread)


def checked(answers: Tensor, n: int, kinds: tuple[int, ...]) -> Tensor:
    """Return answers `[n, questions]`, one row per picture, each from 0 to its kind; otherwise say what is wrong."""
    if not isinstance(answers, Tensor):
        raise TypeError(f"answers are {named(answers)}; they must be integers [{n}, {len(kinds)}]: a tensor")
    if answers.shape != (n, len(kinds)) or answers.is_floating_point():
        hint = "; use labels[:, None]" if answers.shape == (n,) and len(kinds) == 1 else ""
        raise ValueError(
            f"answers have dtype {answers.dtype} and shape {tuple(answers.shape)}; for {n} pictures and {len(kinds)}"
            f" questions they must be integers [{n}, {len(kinds)}]{hint}"
        )
    if (answers < 0).any() or (answers >= torch.tensor(kinds)).any():
        raise ValueError(f"answers run from {int(answers.min())} to {int(answers.max())}; the kinds are {kinds}")
    return answers


def spoil(x: Tensor, rng: Rng) -> Tensor:
    """Blend each picture with its blurred self by a random share, and add noise of a random size up to 0.3."""
    b = len(x)
    share, size = torch.rand(2, b, 1, 1, 1, generator=rng)
    blurred = nn.functional.avg_pool2d(nn.functional.pad(x, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    return x + 0.7 * share * (blurred - x) + 0.3 * size**2 * torch.randn(x.shape, generator=rng)


class Scores(NamedTuple):
    """How good samples are: the share whose answers are right, per question, and the four metrics."""

    accuracy: tuple[float, ...]
    frechet: float
    precision: float
    recall: float
    inception: float


@torch.no_grad()
def score(judge: Judge, x: Tensor, answers: Tensor, real: Tensor) -> Scores:
    """Judge samples x, drawn to be `answers` `[n, questions]`, against real pictures in [-1, 1]; x is clipped to that.

    FD shrinks with both numbers of pictures: compare only equal ones, and with `score` of other real pictures.
    """
    x, answers = as_batch(x).clamp(-1, 1), checked(answers, len(x), judge.kinds)
    accuracy = (judge.answers(x) == answers).double().mean(0).tolist()
    seen, known = judge.features(x), judge.features(real)
    sharp = metrics.inception_score(judge(x)[0].softmax(1))
    return Scores(tuple(accuracy), metrics.frechet(seen, known), *metrics.precision_recall(seen, known), sharp)


def sharpness(x: Tensor) -> Tensor:
    """Return the mean square of the Laplacian (four neighbours minus four times the middle); blur lowers it."""
    if as_batch(x).ndim != 4 or min(x.shape[2:]) < 3:
        raise ValueError(f"x has shape {tuple(x.shape)}; it must be pictures [b, c, h, w] of 3 x 3 pixels or more")
    middle = x[:, :, 1:-1, 1:-1]
    around = x[:, :, :-2, 1:-1] + x[:, :, 2:, 1:-1] + x[:, :, 1:-1, :-2] + x[:, :, 1:-1, 2:]
    return ((around - 4 * middle) ** 2).mean()
