"""A transformer that fills in hidden symbols: words, or binary pixels as tokens; and how it is trained."""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from toycore.checks import named, positive, stream
from toycore.images.loop import descend, move_average
from toycore.images.nets import divides, labelling, sizes
from toycore.images.nets.dit import Block
from toycore.networks import class_vector, initialise
from toycore.training import Progress
from toycore.types import Label, Rng

HIDDEN = -1


class Filler(nn.Module):
    """D(tokens, time, label) -> p `[b, places, K]`: symbol and place as vectors, transformer blocks, a softmax.

    It sees no time, as the exact answer for masked noise does not depend on it. A label enters by adaLN-zero.
    """

    def __init__(
        self,
        symbols: int = 2,
        places: int = 64,
        width: int = 48,
        depth: int = 3,
        heads: int = 4,
        classes: int = 0,
        rng: Rng = None,
    ) -> None:
        super().__init__()
        sizes(symbols=symbols, places=places, width=width, depth=depth, heads=heads)
        divides(heads, width, "width", "one part per head")
        labelling(classes)
        self.config = dict(symbols=symbols, places=places, width=width, depth=depth, heads=heads, classes=classes)
        self.classes = classes
        self.symbol, self.place = nn.Embedding(symbols + 1, width), nn.Embedding(places, width)  # the last: hidden
        self.label = nn.Embedding(classes + 1, width) if classes else None
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(depth))
        self.norm, self.last = nn.LayerNorm(width, elementwise_affine=False), nn.Linear(width, symbols)
        initialise(self, rng)
        nn.init.zeros_(self.last.weight)

    def forward(self, tokens: Tensor, time: Tensor | float | None = None, label: Label = None) -> Tensor:
        """Return the probability of every symbol at every place; the time is not used."""
        return self.logits(tokens, label).softmax(2)

    def logits(self, tokens: Tensor, label: Label = None) -> Tensor:
        """Return p up to normalisation, in logarithms, `[b, places, K]`."""
        K, places = self.config["symbols"], self.config["places"]
        h = self.symbol(readable(tokens, K, places) % (K + 1)) + self.place.weight
        condition = torch.zeros(1, 1, h.shape[2]) + class_vector(self.label, label, len(h), self.classes)
        condition = nn.functional.silu(condition.reshape(-1, 1, h.shape[2]))
        for block in self.blocks:
            h = block(h, condition)
        return self.last(self.norm(h))


def hide(tokens: Tensor, rng: Rng = None) -> Tensor:
    """Return which places to hide, `[b, places]`: m of them at random, m uniform from 1 to all.

    As many as masked noise hides when its time is drawn with the density dt / t of the ELBO: see `loss`.
    """
    b, places = tokens.shape
    m = torch.randint(1, places + 1, (b, 1), generator=stream(rng))
    return torch.rand(b, places, generator=rng).argsort(1).argsort(1) < m


def loss(net: Filler, tokens: Tensor, label: Label = None, rng: Rng = None) -> Tensor:
    """Return an unbiased estimate of the negative ELBO of masked diffusion, in nats.

    Its integral of dt / t is the mean over m = 1..L of L times the mean of -ln p(x_i | x_visible) over m hidden places.
    Hoogeboom et al. 2022 (2110.02037), section 3.
    """
    hidden = hide(tokens, rng)
    logits = net.logits(tokens.masked_fill(hidden, HIDDEN), label)
    error = nn.functional.cross_entropy(logits.flatten(0, 1), tokens.flatten(), reduction="none").reshape(tokens.shape)
    return ((error * hidden).sum(1) / hidden.sum(1)).mean() * tokens.shape[1]


def train(
    net: Filler,
    tokens: Tensor,
    labels: Tensor | None = None,
    steps: int = 1000,
    batch: int = 128,
    lr: float = 3e-3,
    average: float = 0.99,
    rng: Rng = None,
) -> Iterator[Progress]:
    """Train net in place on clean tokens `[n, places]` and yield a Progress per step; a tenth of labels is dropped."""
    readable(tokens, net.config["symbols"], net.config["places"], least=0)
    positive(steps, "steps"), positive(batch, "batch"), stream(rng)
    mean = copy.deepcopy(net).requires_grad_(False)

    def objective() -> Tensor:
        rows = torch.randint(len(tokens), (batch,), generator=rng)
        dropped = torch.rand(batch, generator=rng) < 0.1
        return loss(net, tokens[rows], None if labels is None else labels[rows].masked_fill(dropped, -1), rng)

    def rates(step: int) -> float:
        return min(1, (step + 1) / 100, 2 * (1 - step / steps))

    for step, value in enumerate(descend(net.parameters(), objective, rates, steps, lr, clip=1.0)):
        move_average(mean, net, min(average, (1 + step) / (10 + step)))
        yield Progress(step + 1, value, mean)


def readable(tokens: Tensor, symbols: int, places: int, least: int = HIDDEN) -> Tensor:
    """Return tokens if this network can read them: whole numbers `[b, places]` from -1 (hidden) to K - 1."""
    need = f"whole numbers [b, {places}] from {least} to {symbols - 1}"
    if not isinstance(tokens, Tensor):
        raise TypeError(f"tokens are {named(tokens)}; this network takes {need}: a tensor")
    if tokens.dtype != torch.int64 or tokens.ndim != 2 or tokens.shape[1] != places or not len(tokens):
        raise ValueError(f"tokens have dtype {tokens.dtype} and shape {tuple(tokens.shape)}; this network takes {need}")
    low, high = tokens.aminmax()
    if int(low) < least or int(high) >= symbols:
        raise ValueError(f"tokens run from {int(low)} to {int(high)}; this network takes {need}")
    return tokens


def binary(images: Tensor) -> Tensor:
    """Return pictures of bytes `[n, 1, h, w]` as tokens `[n, h w]`: 1 where a pixel is brighter than half."""
    if not isinstance(images, Tensor) or images.dtype != torch.uint8 or images.ndim != 4:
        raise TypeError(
            f"images are {named(images)}; they must be pictures of bytes [n, 1, h, w], as sets.load has them"
        )
    return (images > 127).long().flatten(1)


def to_pictures(tokens: Tensor, side: int = 8) -> Tensor:
    """Return tokens `[b, side side]` as pictures in [-1, 1] `[b, 1, side, side]`; a hidden place is grey, 0."""
    readable(tokens, 2, side * side)
    return torch.where(tokens == HIDDEN, 0.0, 2.0 * tokens - 1).reshape(-1, 1, side, side)
