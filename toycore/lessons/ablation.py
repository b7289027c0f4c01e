"""What makes a network good, taken apart: preconditioning, Fourier features, the clock (notebook 3)."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from toycore import exact, fields, mixtures, networks, precondition, training
from toycore.checks import batched, numbers
from toycore.frames import VP
from toycore.types import randn_like, seeded


def network(
    source: mixtures.GaussianMixture, preconditioned: bool, fourier: bool, clock: bool = True, steps: int = 1000
) -> nn.Module:
    """Train one of several Denoisers that differ only in these options, and return it.

    Preconditioned (Karras et al. 2022, eq. 7), or a prediction of the noise (Ho et al. 2020); 24 Fourier features of
    the point, or none; without a clock the network reads the same noise level whatever it is.
    """
    rng = seeded(1)
    net = networks.MLP(source.means.shape[1], features=24 if fourier else 0, scale=2.5, rng=rng)
    if not clock:
        net.register_forward_pre_hook(lambda net, given: (given[0], 0 * given[1], *given[2:]))
    s = training.model(source).sigma_data
    D = precondition.Preconditioned(net, s, source.mean) if preconditioned else precondition.from_noise(net)
    return training.run(training.train(D, source, steps=steps, rng=rng), steps, D, progress=False)


def blind_noise(source: mixtures.GaussianMixture, x_t: Tensor, levels: Tensor) -> Tensor:
    """Return E[eps | x_t] for a model that does not see the level: the best answer of a network without a clock.

    x_t `[b, d]` is in the VP frame and its level is one of `levels` with equal chance; the exact answers of all levels
    are averaged with weights p(level | x_t).
    """
    mixture = mixtures.of(source)
    d, levels = mixture.means.shape[1], numbers(levels, "levels", "a list of noise levels above 0").reshape(-1)
    zoom = VP.scale(levels)
    log_p = torch.stack(
        [mixture.log_density(batched(x_t, "x_t", d) / k, s) - d * k.log() for k, s in zip(zoom, levels)]
    )
    eps = torch.stack([fields.noise(exact.posterior_mean(mixture), x_t / k, s) for k, s in zip(zoom, levels)])
    return (log_p.softmax(0)[..., None] * eps).sum(0)


def inner_target(source: mixtures.GaussianMixture, s: float) -> Callable[[Tensor, float], Tensor]:
    """Return F*(u, sigma), what the network inside the best preconditioned Denoiser answers; u = x - the data's mean.

    F* = sigma u / (s sqrt(sigma^2 + s^2)) - sqrt(1 + sigma^2 / s^2) eps*(x, sigma), from Karras et al. 2022, eq. 7.
    """
    D = exact.posterior_mean(source)

    def F(u: Tensor, sigma: float) -> Tensor:
        norm = (sigma**2 + s**2) ** 0.5
        return sigma / (s * norm) * u - norm / s * fields.noise(D, u + source.mean.to(u), sigma)

    return F


def steepness(source: mixtures.GaussianMixture, s: float, sigma: float, n: int = 500) -> tuple[float, float]:
    """Return the median norms of the derivatives by x of eps* and of F*, over n noisy points, in float64."""
    rng, D, F = seeded(), exact.posterior_mean(source), inner_target(source, s)
    x = source.sample(n, rng)[0].double()
    u = (x + sigma * randn_like(x, rng) - source.mean).requires_grad_()

    def slope(field: Tensor) -> float:
        rows = [torch.autograd.grad(column.sum(), u, retain_graph=True)[0] for column in field.T]
        return float(torch.linalg.matrix_norm(torch.stack(rows, 1), 2).median())

    return slope(fields.noise(D, u + source.mean.to(u), sigma)), slope(F(u, sigma))


def chain(source: mixtures.GaussianMixture, betas: Tensor, n: int, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Walk up x_i = sqrt(1 - beta_i) x_{i-1} + sqrt(beta_i) z_i from n clean points; return x_T and all z `[T, n, d]`.

    Ho et al. 2020, eq. 2.
    """
    x = source.sample(n, rng)[0]
    z = torch.randn(len(betas), *x.shape, generator=rng, dtype=x.dtype)
    for beta, z_i in zip(betas.to(x), z, strict=True):
        x = (1 - beta).sqrt() * x + beta.sqrt() * z_i
    return x, z
