"""Noise-aware classifiers: log p(c | x, sigma) of a noisy point, the helper of classifier guidance."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from toycore import mixtures, networks, training
from toycore.checks import above, as_batch, at_least, batched, function, label_rows, level, number, positive, stream
from toycore.sigmas import level_range, log_uniform
from toycore.types import Rng, column, randn_like

Levels = tuple[float, float]  # the lowest and the highest


class Classifier(nn.Module):
    """log p(c | x, sigma) `[b, classes]`: an MLP on Fourier features of the point and of ln sigma.

    With n = sqrt(sigma^2 + s^2), s = sigma_data: the point enters as x / n, of unit size at every level; fine features
    and logits are damped by s / n, since far above the data nothing fine is left and the logits shrink like 1 / sigma.
    """

    frequencies: Tensor

    def __init__(
        self,
        classes: int,
        width: int = 64,
        features: int = 16,
        scale: float = 1.5,
        sigma_data: float = 0.5,
        rng: Rng = None,
    ) -> None:
        super().__init__()
        self.config = dict(classes=classes, width=width, features=features, scale=scale, sigma_data=sigma_data)
        self.classes, self.sigma_data = at_least(2, classes, "classes"), above(sigma_data, "sigma_data")
        positive(width, "width"), at_least(0, features, "features"), number(scale, "scale", 0)
        self.register_buffer("frequencies", scale * torch.randn(2, features, generator=stream(rng)))
        self.layers = networks.mlp(2 + 2 * features + 16, width, classes)
        networks.initialise(self, rng)

    def forward(self, x: Tensor, sigma: Tensor | float) -> Tensor:
        """Return log p(c | x, sigma) as `[b, classes]`; sigma is a number or `[b]`."""
        sigma = level(sigma, as_batch(x, dim=2))
        norm = (sigma**2 + self.sigma_data**2).sqrt()
        u, clear = x / norm, self.sigma_data / norm
        phase, waves = u @ self.frequencies, networks.waves(sigma.flatten()).expand(len(x), -1)
        logits = self.layers(torch.cat([u, clear * phase.sin(), clear * phase.cos(), waves], 1))
        return (clear * logits).log_softmax(1)


def loss(model: Callable[..., Tensor], x0: Tensor, sigma: Tensor, label: Tensor, rng: Rng = None) -> Tensor:
    """Return the mean of -log p(label | x0 + sigma eps, sigma): cross-entropy at noisy points, in nats."""
    function(model, "model", "a classifier (x, sigma) -> log p [b, classes]")
    log_p = model(batched(x0, "x0") + column(sigma, x0) * randn_like(x0, stream(rng)), sigma)
    return nn.functional.nll_loss(log_p, label_rows(label, len(x0), log_p.shape[1]))


def fit(
    data: mixtures.Source,
    steps: int = 1000,
    batch: int = 1024,
    levels: Levels | None = (0.01, 10.0),
    rng: Rng = None,
    progress: bool = False,
) -> nn.Module:
    """Train a classifier of 2-D data on points noised to log-uniform levels; levels = None: on clean points only.

    Its best answer at level sigma is the exact class posterior of the noised data. progress shows a bar.
    """
    draw, classes = training.sampler_of(data), mixtures.of(data).classes
    if classes < 2:
        raise ValueError("a classifier needs labels of at least two classes; give Points or a mixture with labels")
    model = Classifier(classes, sigma_data=float(draw(4096, rng)[0].std()), rng=rng)
    positive(batch, "batch")
    if levels is not None and not (isinstance(levels, tuple) and len(levels) == 2):
        raise TypeError(f"levels is {levels!r}; give the lowest and the highest, (0.01, 10.0), or None: clean points")
    if levels is not None:
        level_range(*levels)

    def objective() -> Tensor:
        x0, label = draw(batch, rng)
        sigma = torch.zeros(batch) if levels is None else log_uniform(batch, *levels, rng)
        assert label is not None
        return loss(model, x0, sigma, label, rng)

    return training.run(training.descend(model, objective, steps, 2e-2), steps, model, progress)
