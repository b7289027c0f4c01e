"""Autoencoders: pictures to a few numbers and back. With beta > 0 a VAE, with beta = 0 a plain one for latents.

A latent diffusion model is then any Denoiser on z = encode(x); its samples are pictures after decode(z).
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from toycore.checks import named, number, positive, stream
from toycore.images.loop import descend, then
from toycore.images.nets import divides, labelling, pictures, sizes
from toycore.images.nets.unet import Block, start_as_identity
from toycore.images.sets import Pictures, labelled, to_unit
from toycore.networks import class_vector, initialise
from toycore.types import Label, Rng, randn_like


class Autoencoder(nn.Module):
    """x `[b, c, side, side]` -> z `[b, *latent]` -> x_hat. latent is (n,), a vector, or (c, side / 4, side / 4), a map.

    `mean` and `std` (one per latent number or channel, measured after training by `standardise`) make z what a
    diffusion model expects: centred, of unit spread. With classes, encoder and decoder are conditioned on the label
    (Sohn et al. 2015, eq. 4), so that z need not hold it.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        channels: int = 1,
        side: int = 28,
        latent: tuple[int, ...] = (16,),
        width: int = 32,
        classes: int = 0,
        rng: Rng = None,
    ) -> None:
        super().__init__()
        sizes(channels=channels, side=side, width=width)
        divides(4, side, "side", "since it is halved twice")
        divides(8, width, "width", "since channels are normalised in 8 groups")
        labelling(classes)
        self.latent = checked_latent(latent, side // 4)
        self.config: dict[str, Any] = dict(
            channels=channels, side=side, latent=self.latent, width=width, classes=classes
        )
        self.classes, self.small = classes, side // 4
        flat, dim = len(latent) == 1, 2 * width
        self.register_buffer("mean", torch.zeros(latent[0], *[1] * (len(latent) - 1)))
        self.register_buffer("std", torch.ones(latent[0], *[1] * (len(latent) - 1)))
        self.label = nn.Embedding(classes + 1, dim) if classes else None
        self.no_label = nn.Parameter(torch.zeros(dim))
        self.fold, self.unfold = nn.PixelUnshuffle(2), nn.PixelShuffle(2)
        self.first = nn.Conv2d(4 * channels, width, 3, padding=1)
        self.down = nn.ModuleList([Block(width, width, dim), Block(width, dim, dim)])
        self.to_latent = nn.Linear(dim * self.small**2, 2 * latent[0]) if flat else nn.Conv2d(dim, 2 * latent[0], 1)
        self.from_latent = nn.Linear(latent[0], dim * self.small**2) if flat else nn.Conv2d(latent[0], dim, 1)
        self.up = nn.ModuleList([Block(dim, dim, dim), Block(dim, width, dim)])
        self.norm, self.last = nn.GroupNorm(8, width), nn.Conv2d(width, 4 * channels, 3, padding=1)
        initialise(self, rng)
        start_as_identity(self)

    def condition(self, label: Label, b: int) -> Tensor:
        """Return the vector that conditions the blocks, `[b, 2 width]`: one of the label, or of no label."""
        return (self.no_label + class_vector(self.label, label, b, self.classes)).expand(b, -1)

    def posterior(self, x: Tensor, label: Label = None) -> tuple[Tensor, Tensor]:
        """Return mean and log variance of z given x and its label, before standardising."""
        pictures(x, self, self.config["channels"], self.config["side"])
        condition = self.condition(label, len(x))
        h = self.down[0](self.first(self.fold(x)), condition)
        h = self.down[1](nn.functional.avg_pool2d(h, 2), condition)
        h = self.to_latent(h.flatten(1) if len(self.latent) == 1 else h)
        mean, log_var = h.chunk(2, 1)
        return mean, log_var.clamp(-12, 8)

    def generate(self, z: Tensor, label: Label = None) -> Tensor:
        """Return x_hat from z before standardising."""
        condition, h = self.condition(label, len(z)), self.from_latent(z)
        h = h.unflatten(1, (-1, self.small, self.small)) if len(self.latent) == 1 else h
        h = self.up[1](nn.functional.interpolate(self.up[0](h, condition), scale_factor=2.0), condition)
        return self.unfold(self.last(nn.functional.silu(self.norm(h))))

    def encode(self, x: Tensor, label: Label = None) -> Tensor:
        """Return z = (posterior mean - mean) / std, standardised."""
        return (self.posterior(x, label)[0] - self.mean) / self.std

    def decode(self, z: Tensor, label: Label = None) -> Tensor:
        """Return the picture of a standardised z; values may leave [-1, 1] a little."""
        if not isinstance(z, Tensor) or z.shape[1:] != self.latent or not z.is_floating_point():
            given = f"{z.dtype} {tuple(z.shape)}" if isinstance(z, Tensor) else named(z)
            need = ", ".join(map(str, self.latent))
            raise ValueError(f"z is {given}; this autoencoder decodes float latents [b, {need}]")
        return self.generate(z * self.std + self.mean, label)

    def forward(self, x: Tensor, label: Label = None) -> Tensor:
        """Return the reconstruction of x."""
        return self.generate(self.posterior(x, label)[0], label)


def checked_latent(latent: tuple[int, ...], small: int) -> tuple[int, ...]:
    """Return the latent's shape, a vector (n,) or a map (c, small, small); otherwise say what is possible."""
    shape = tuple(latent) if isinstance(latent, (tuple, list)) else ()
    if len(shape) not in (1, 3) or shape[1:] not in ((), (small, small)):
        raise ValueError(f"latent is {latent!r}; it must be (n,), a vector, or (c, {small}, {small}), a map")
    positive(shape[0], "latent[0]")
    return shape


def loss(A: Autoencoder, x: Tensor, beta: float, label: Label = None, edges: float = 0.0, rng: Rng = None) -> Tensor:
    """Return |x - x_hat|^2 + edges |grad (x - x_hat)|^2 + beta KL(q(z|x) | N(0, I)), averaged over pixels.

    For a Gaussian q: KL = (mean^2 + var - log var - 1) / 2, summed over z (Kingma & Welling 2013, appendix B). beta is
    twice the decoder's variance. beta = 0 drops the randomness too.
    """
    mean, log_var = A.posterior(x, label)
    z = mean + (0.5 * log_var).exp() * randn_like(mean, rng) if beta else mean
    error = A.generate(z, label) - x
    value = (error**2).mean()
    if edges:
        value = value + edges * ((error.diff(dim=2) ** 2).mean() + (error.diff(dim=3) ** 2).mean())
    kl = 0.5 * (mean**2 + log_var.exp() - log_var - 1).sum() if beta else 0.0
    return value + beta * kl / x.numel()


def train(
    A: Autoencoder,
    data: Pictures,
    steps: int = 600,
    batch: int = 128,
    lr: float = 2e-3,
    beta: float = 0.0,
    edges: float = 0.0,
    rng: Rng = None,
) -> Iterator[float]:
    """Train A in place and yield the loss of each step; afterwards z is standardised on 2,000 pictures."""
    labelled(data, "data")
    n = len(data.images)
    number(beta, "beta", 0), number(edges, "edges", 0), positive(batch, "batch"), positive(steps, "steps"), stream(rng)

    def objective() -> Tensor:
        rows = torch.randint(n, (batch,), generator=rng)
        label = data.labels[rows] if A.classes else None
        return loss(A, to_unit(data.images[rows]), beta, label, edges, rng)

    def rates(step: int) -> float:
        return min(1, (step + 1) / 50, 1.5 * (1 - step / steps))

    walk = descend(A.parameters(), objective, rates, steps, lr, clip=1.0, betas=(0.9, 0.99))
    return then(walk, lambda: standardise(A, to_unit(data.images[:2000]), data.labels[:2000] if A.classes else None))


def standardise(A: Autoencoder, x: Tensor, label: Tensor | None = None) -> None:
    """Measure mean and spread of z, per number or channel: Stable Diffusion's "scale factor", done in full."""
    with torch.no_grad():
        parts = [None] * len(x) if label is None else label.split(500)
        z = torch.cat([A.posterior(*pair)[0] for pair in zip(x.split(500), parts)])
        z = z.transpose(0, 1).flatten(1)  # [latent, all]
        A.mean.copy_(z.mean(1).reshape(A.mean.shape))
        A.std.copy_(z.std(1).reshape(A.std.shape))
