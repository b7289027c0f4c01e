"""CLIP for pictures: notebook 9's loss and retrieval, with convolutions and a text encoder in place of the two MLPs."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from toycore import embeddings, training
from toycore.checks import positive, stream
from toycore.images.nets import divides, labelling, pictures, sizes
from toycore.images.nets.text import TextEncoder
from toycore.images.sets import Pictures, labelled, to_unit
from toycore.networks import initialise
from toycore.training import Progress
from toycore.types import Rng


class Clip(nn.Module):
    """Two encoders into one space, `[b, dim]` of length 1: of pictures `[b, c, side, side]` and of captions `[b]`.

    Pictures: three convolutions, each halving the side, then two layers. Captions: the words of `text.TextEncoder`,
    averaged. The temperature exp(-scale) is learned. Radford et al. 2021 (2103.00020), section 2.
    """

    def __init__(
        self, captions: tuple[str, ...], channels: int = 3, side: int = 32, dim: int = 32, rng: Rng = None
    ) -> None:
        super().__init__()
        labelling(0, captions)
        sizes(captions=len(captions), channels=channels, side=side, dim=dim)
        divides(8, side, "side", "since it is halved three times")
        self.config: dict[str, Any] = dict(captions=tuple(captions), channels=channels, side=side, dim=dim)
        self.picture = nn.Sequential(
            nn.Conv2d(channels, 32, 3, padding=1),
            nn.SiLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, stride=2, padding=1),
            nn.SiLU(),
            nn.Conv2d(64, 64, 3, stride=2, padding=1),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(side**2, 96),
            nn.SiLU(),
            nn.Linear(96, dim),
        )
        self.encoder, self.caption = TextEncoder(captions, 64), nn.Linear(64, dim)
        initialise(self, rng)
        self.scale = nn.Parameter(torch.tensor(1 / 0.07).log())

    def image(self, x: Tensor) -> Tensor:
        """Return the embeddings of pictures in [-1, 1]."""
        pictures(x, self, self.config["channels"], self.config["side"])
        return nn.functional.normalize(self.picture(x), dim=1)

    def text(self, label: Tensor) -> Tensor:
        """Return the embeddings of captions by their numbers `[b]`."""
        if not isinstance(label, Tensor) or label.ndim != 1:
            raise TypeError(f"label is {label!r}; it must be a tensor of captions' numbers, [b]")
        return nn.functional.normalize(self.caption(self.encoder(label, len(label)).mean(1)), dim=1)


def train(
    clip: Clip, data: Pictures, steps: int = 500, batch: int = 256, lr: float = 2e-3, rng: Rng = None
) -> Iterator[Progress]:
    """Train a CLIP in place on captioned pictures, and yield a Progress per step (`training.descend`)."""
    labelled(data, "data"), positive(batch, "batch"), stream(rng)

    def objective() -> Tensor:
        rows = torch.randint(len(data.labels), (batch,), generator=rng)
        image, text = clip.image(to_unit(data.images[rows])), clip.text(data.labels[rows])
        return embeddings.info_nce(image, text, clip.scale)

    return training.descend(clip, objective, steps, lr)
