"""A variational autoencoder of plane data: one step from a code z to a point, and its bound (notebook 5b)."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from toycore import gaussians, networks, training
from toycore.checks import above, as_batch, named, number, positive, stream
from toycore.mixtures import Source
from toycore.types import Rng, randn_like


class VAE(nn.Module):
    """q(z|x) = N(m(x), diag v(x)), p(z) = N(0, I), p(x|z) = N(decode(z), s^2 I) with one learned spread s = noise.

    Encoder and decoder are networks of two hidden layers of `width`; `noise` is the value at which s starts.
    Kingma & Welling 2013 (1312.6114).
    """

    def __init__(self, dim: int = 2, latent: int = 2, width: int = 76, noise: float = 0.1, rng: Rng = None) -> None:
        super().__init__()
        above(noise, "noise"), positive(dim, "dim"), positive(latent, "latent"), positive(width, "width")
        self.config = dict(dim=dim, latent=latent, width=width)
        self.encoder, self.decoder = networks.mlp(dim, width, 2 * latent), networks.mlp(latent, width, dim)
        self.log_noise = nn.Parameter(torch.tensor(noise).log())
        networks.initialise(self, rng)

    @property
    def noise(self) -> Tensor:
        """The decoder's spread s."""
        return self.log_noise.exp()

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean and the variance of q(z|x), both `[b, latent]`."""
        mean, log_var = self.encoder(as_batch(x, dim=self.config["dim"])).chunk(2, 1)
        return mean, log_var.exp()

    def decode(self, z: Tensor) -> Tensor:
        """Return the mean of p(x|z) `[b, dim]`: the average of all the points that share this code."""
        return self.decoder(as_batch(z, "z", self.config["latent"]))

    def elbo(self, x: Tensor, rng: Rng = None) -> Tensor:
        """Return log p(x|z) - KL(q(z|x) || N(0, I)) with one z = m + sqrt(v) eps per row, `[b]` in nats.

        Its mean is at most log p(x). Kingma & Welling 2013, eq. 10, which calls z = m + sqrt(v) eps reparametrisation.
        """
        mean, var = self.encode(x)
        z = mean + var.sqrt() * randn_like(mean, stream(rng))
        return gaussians.log_density(x, self.decode(z), self.noise**2) - gaussians.kl(mean, var)

    @torch.no_grad()
    def sample(self, n: int, rng: Rng = None, noise: float = 1.0) -> Tensor:
        """Draw n points: decode(z) + noise s eps. noise = 1 is the model; 0 shows the decoder's means alone."""
        number(noise, "noise", 0)
        mean = self.decode(torch.randn(positive(n), self.config["latent"], generator=stream(rng)))
        return mean + noise * self.noise * randn_like(mean, rng)


def train(
    vae: VAE, data: Source, steps: int = 1000, batch: int = 512, lr: float = 1e-2, rng: Rng = None
) -> Iterator[training.Progress]:
    """Raise the ELBO in place, and yield a Progress per step; its D is the averaged VAE, its loss the mean -ELBO."""
    draw = training.sampler_of(data)
    positive(batch, "batch"), stream(rng)
    if not isinstance(vae, VAE):
        raise TypeError(f"vae is {named(vae)}; the ELBO is that of a VAE: vae.VAE()")
    return training.descend(vae, lambda: -vae.elbo(draw(batch, rng)[0], rng).mean(), steps, lr)


def fit(
    data: Source, steps: int = 1000, latent: int = 2, noise: float = 0.1, rng: Rng = None, progress: bool = False
) -> VAE:
    """Train a VAE of 2-D data and return it, in evaluation mode; noise is its decoder's spread at the start.

    progress shows a bar with the time left.
    """
    start = VAE(2, latent, noise=noise, rng=rng)
    return training.run(train(start, data, steps, rng=rng), steps, start, progress)
