"""Gaussian mixtures: the distributions for which everything is known in closed form.

Adding noise to a mixture gives a mixture, p_sigma(x) = sum_k w_k N(x; m_k, (std_k^2 + sigma^2) I), so the density, the
score, the posterior mean and the class posterior are known at every noise level.
"""

import math
from collections.abc import Callable
from numbers import Integral

import torch
from torch import Tensor

from toycore import data
from toycore.checks import FLOATS, as_batch, batched, finite, label_rows, level, named, numbers, positive, stream
from toycore.types import Label, Rng, in_chunks, randn_like, squared_distance

CHUNK = 500_000  # entries of a [b, k] matrix held at a time: 2 MB in float32, which stay in the cache


class GaussianMixture:
    """p(x) = sum_k weights_k N(x; means_k, std_k^2 I) with means `[k, d]` and the class `label[k]` of each component.

    std is a number or `[k]`; weights default to equal, label to one class. A std of 0 is a bare set of points.
    """

    def __init__(
        self, means: Tensor, std: Tensor | float, weights: Tensor | None = None, label: Tensor | None = None
    ) -> None:
        self.means = as_batch(means, "means")
        if means.ndim != 2:
            raise ValueError(f"means has shape {tuple(means.shape)}; it must be [k, d]: use means.flatten(1)")
        self.std = _per_component(std, means, "std")
        weights = _per_component(1.0 if weights is None else weights, means, "weights")
        if not weights.sum() > 0:
            raise ValueError(f"the weights have a sum of {float(weights.sum())}; they need a positive sum")
        self.weights = weights / weights.sum()
        self.label = _class_of_each(torch.zeros(len(means), dtype=torch.int64) if label is None else label, means)
        self.classes = int(self.label.max()) + 1
        if (self.label.bincount(self.weights) == 0).any():
            raise ValueError(f"every class from 0 to {self.classes - 1} needs a component with a weight above 0")

    @property
    def mean(self) -> Tensor:
        """The mean of the distribution, sum_k w_k m_k, `[d]`."""
        return self.weights @ self.means

    def to(self, dtype: torch.dtype) -> "GaussianMixture":
        """Return the same mixture in another floating dtype."""
        if dtype == self.means.dtype:
            return self
        if dtype not in FLOATS:
            raise TypeError(f"dtype is {dtype!r}; a mixture is torch.float32 or torch.float64")
        return GaussianMixture(self.means.to(dtype), self.std.to(dtype), self.weights.to(dtype), self.label)

    def given(self, label: int) -> "GaussianMixture":
        """Return p(x | label): the components of one class, as a mixture of a single class."""
        if not isinstance(label, Integral) or isinstance(label, bool) or not 0 <= label < self.classes:
            raise ValueError(f"label is {label!r}; this mixture has the classes 0..{self.classes - 1}")
        mine = self.label == label
        return GaussianMixture(self.means[mine], self.std[mine], self.weights[mine])

    def sample(self, n: int, rng: Rng = None) -> tuple[Tensor, Tensor]:
        """Draw x `[n, d]` and label `[n]`: a component k with probability w_k, then x = m_k + std_k z."""
        k = torch.multinomial(self.weights.cpu(), positive(n), replacement=True, generator=stream(rng)).to(
            self.means.device
        )
        return self.means[k] + self.std[k, None] * randn_like(self.means[k], rng), self.label[k]

    def log_density(self, x: Tensor, sigma: Tensor | float = 0.0, label: Label = None) -> Tensor:
        """Return log p_sigma(x), or log p_sigma(x | label), as `[b]`, in nats."""
        return self.by_rows(self._log_density, x, sigma, label)

    def _log_density(self, x: Tensor, sigma: Tensor, label: Tensor | None) -> Tensor:
        if self.std.min() == 0 and sigma.min() == 0:
            raise ValueError("bare points have no density at sigma = 0; ask for sigma > 0, or give the mixture a std")
        return self.log_joint(x, sigma, label).logsumexp(1)

    def class_log_posterior(self, x: Tensor, sigma: Tensor | float) -> Tensor:
        """Return log p(class | x) at level sigma as `[b, classes]`: Bayes' rule on the noised mixture."""
        return self.by_rows(self._class_posterior, x, sigma)

    def _class_posterior(self, x: Tensor, sigma: Tensor, label: None) -> Tensor:
        joint = self.log_joint(x, sigma)
        per_class = [joint[:, self.label == c].logsumexp(1) for c in range(self.classes)]
        return torch.stack(per_class, 1).log_softmax(1)

    def log_joint(self, x: Tensor, sigma: Tensor | float = 0.0, label: Tensor | None = None) -> Tensor:
        """Return log w_k + log N(x; m_k, (std_k^2 + sigma^2) I) as `[b, k]`.

        Given labels `[b]`, the weights are those of p(x | label): -inf outside the row's class, sum 1 within.
        """
        m = self.to(x.dtype)
        v = m.variance(sigma)
        norm = m.means.shape[1] / 2 * (2 * math.pi * v).log()
        return m.log_weights(label) - squared_distance(x, m.means) / (2 * v) - norm

    def variance(self, sigma: Tensor | float) -> Tensor:
        """Return std_k^2 + sigma^2 as `[1 or b, k]`."""
        return self.std**2 + self.squared(sigma)

    def squared(self, sigma: Tensor | float) -> Tensor:
        """Return sigma^2 as `[1 or b, 1]`, kept just above zero, so that bare points have their limit at sigma = 0."""
        sigma = torch.as_tensor(sigma).to(self.std).reshape(-1, 1)
        return (sigma**2).clamp(min=torch.finfo(sigma.dtype).tiny ** 0.5)

    def log_weights(self, label: Tensor | None) -> Tensor:
        """Return log w_k as `[1, k]`, or log w_k|label as `[b, k]` (a row labelled -1 keeps all components)."""
        log_w = self.weights.log()[None]
        if label is None:
            return log_w
        mine = (label[:, None] == self.label) | (label[:, None] < 0)
        return torch.where(mine, log_w, -torch.inf).log_softmax(1)

    def by_rows(self, f: Callable[..., Tensor], x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        """Check the shapes, then call f(x `[b, d]`, sigma, label) on so few rows that `[b, k]` matrices stay small."""
        d = self.means.shape[1]
        if batched(x).shape[1:].numel() != d:
            raise ValueError(
                f"x has shape {tuple(x.shape)}; this needs [b, {d}], or pictures [b, c, h, w] of {d} pixels"
            )
        if x.device.type == "cpu":
            finite(x)
        sigma = level(sigma, x).reshape(-1)
        rows = None if label is None else label_rows(label, len(x), self.classes).to(x.device)
        return in_chunks(f, max(1, CHUNK // len(self.means)), x.flatten(1), sigma, rows)


def _per_component(value: Tensor | float, means: Tensor, what: str) -> Tensor:
    value, k = numbers(value, what, "a number, or one per mean", means.dtype).to(means.device), len(means)
    if value.ndim > 1 or (value.ndim == 1 and len(value) != k):
        raise ValueError(f"{what} has shape {tuple(value.shape)}; {k} means need a number or shape ({k},)")
    if not (torch.isfinite(value) & (value >= 0)).all():
        raise ValueError(
            f"{what} must be finite and >= 0; got values from {float(value.min())} to {float(value.max())}"
        )
    return value.expand(k).clone()


def _class_of_each(label: Tensor, means: Tensor) -> Tensor:
    label, k = numbers(label, "label", "whole class labels, one per mean").to(means.device), len(means)
    if label.shape != (k,) or label.is_floating_point() or label.dtype == torch.bool or label.min() < 0:
        given = f"{label.dtype}, shape {tuple(label.shape)}, least value {label.min() if label.numel() else None}"
        raise ValueError(f"label has {given}; {k} means need {k} whole class labels from 0 on")
    return label.long()


def spiral(components: int = 400, std: float = 0.02, classes: int = 1) -> GaussianMixture:
    """Return the reference distribution of the course: `data.spiral` smoothed by N(0, std^2 I)."""
    points = data.spiral(components, classes)
    return GaussianMixture(points.x, std, label=points.label)


Source = GaussianMixture | data.Points | Tensor  # where data come from: a density, labelled points, bare points


def of(source: Source) -> GaussianMixture:
    """See a source of data as a mixture: bare points become components of std 0."""
    if isinstance(source, GaussianMixture):
        return source
    if isinstance(source, data.Points):
        return GaussianMixture(as_batch(source.x, "points.x").flatten(1), 0.0, label=source.label)
    if callable(source) or not hasattr(source, "__len__"):
        raise TypeError(
            f"points is {named(source)}; data are Points such as data.spiral(), a mixture, or a tensor [n, 2]"
        )
    return GaussianMixture(as_batch(source, "points").flatten(1), 0.0)
