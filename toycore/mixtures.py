"""Gaussian mixtures: the distributions for which everything is known in closed form.

Adding noise to a mixture gives a mixture, p_sigma(x) = sum_k w_k N(x; m_k, (std_k^2 + sigma^2) I), so the density, the
score, the posterior mean and the class posterior are known at every noise level.
"""

import math
from collections.abc import Callable
from numbers import Integral
from typing import Any

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
        self._weigh(weights, label)

    def _weigh(self, weights: Tensor | None, label: Tensor | None) -> None:
        means = self.means
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
        mine = self._mine(label)
        return GaussianMixture(self.means[mine], self.std[mine], self.weights[mine])

    def _mine(self, label: int) -> Tensor:
        if not isinstance(label, Integral) or isinstance(label, bool) or not 0 <= label < self.classes:
            raise ValueError(f"label is {label!r}; this mixture has the classes 0..{self.classes - 1}")
        return self.label == label

    def sample(self, n: int, rng: Rng = None) -> tuple[Tensor, Tensor]:
        """Draw x `[n, d]` and label `[n]`: a component k with probability w_k, then x = m_k + std_k z."""
        k = self._draw(n, rng)
        return self.means[k] + self.std[k, None] * randn_like(self.means[k], rng), self.label[k]

    def _draw(self, n: int, rng: Rng) -> Tensor:
        """Draw the numbers of n components."""
        k = torch.multinomial(self.weights.cpu(), positive(n), replacement=True, generator=stream(rng))
        return k.to(self.means.device)

    def log_density(self, x: Tensor, sigma: Tensor | float = 0.0, label: Label = None) -> Tensor:
        """Return log p_sigma(x), or log p_sigma(x | label), as `[b]`, in nats."""
        return self.by_rows(self._log_density, x, sigma, label)

    def _log_density(self, x: Tensor, sigma: Tensor, label: Tensor | None) -> Tensor:
        if sigma.min() == 0 and self._flat():
            raise ValueError("bare points have no density at sigma = 0; ask for sigma > 0, or give the mixture a std")
        return self.log_joint(x, sigma, label).logsumexp(1)

    def _flat(self) -> bool:
        return bool(self.std.min() == 0)

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
        sigma = torch.as_tensor(sigma).to(self.means).reshape(-1, 1)
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


class FullMixture(GaussianMixture):
    """p(x) = sum_k weights_k N(x; means_k, C_k), each component with a covariance C_k of its own, `[k, d, d]`.

    C_k = U_k diag(v_k) U_k^T (`axes`, `along`). Noise adds sigma^2 to every v_k and leaves the axes as they are: along
    them a component is N(0, v_k + sigma^2), coordinate by coordinate. A v_k may be 0.
    """

    def __init__(
        self, means: Tensor, covariance: Tensor, weights: Tensor | None = None, label: Tensor | None = None
    ) -> None:
        self.means = as_batch(means, "means", dim=means.shape[-1] if isinstance(means, Tensor) else None)
        self.covariance = _covariances(covariance, means)
        v, axes = torch.linalg.eigh(self.covariance.double())
        if v.min() < -1e-5 * v.max():
            raise ValueError(f"a covariance has the eigenvalue {v.min():g}; a variance is 0 or more along every axis")
        v = torch.where(v > 1e-14 * v.amax(1, keepdim=True), v, 0.0)  # what rounding leaves of a variance of 0
        self.v, self.axes = v.to(means), axes.to(means)  # [k, d], [k, d, d]: an axis per column
        self._weigh(weights, label)

    def __getattr__(self, name: str) -> Any:
        if name == "std":
            raise TypeError(
                "this mixture has no std: its components have covariances of their own; where one std per component is"
                " needed, give points of it: .sample(2000)[0]"
            )
        raise AttributeError(f"a FullMixture has no attribute {name!r}")

    def to(self, dtype: torch.dtype) -> "FullMixture":
        """Return the same mixture in another floating dtype."""
        if dtype == self.means.dtype:
            return self
        if dtype not in FLOATS:
            raise TypeError(f"dtype is {dtype!r}; a mixture is torch.float32 or torch.float64")
        return FullMixture(self.means.to(dtype), self.covariance.to(dtype), self.weights.to(dtype), self.label)

    def given(self, label: int) -> "FullMixture":
        """Return p(x | label): the components of one class, as a mixture of a single class."""
        mine = self._mine(label)
        return FullMixture(self.means[mine], self.covariance[mine], self.weights[mine])

    def sample(self, n: int, rng: Rng = None) -> tuple[Tensor, Tensor]:
        """Draw x `[n, d]` and label `[n]`: a component k with probability w_k, then x = m_k + U_k sqrt(v_k) z."""
        k = self._draw(n, rng)
        z = self.v[k].sqrt() * randn_like(self.means[k], rng)
        return self.means[k] + torch.einsum("bij,bj->bi", self.axes[k], z), self.label[k]

    def _flat(self) -> bool:
        return bool(self.v.min() == 0)

    def along(self, x: Tensor) -> Tensor:
        """Return U_k^T (x - m_k), the coordinates of x `[b, d]` along each component's axes, as `[b, k, d]`."""
        turned = self.axes.transpose(0, 1).flatten(1)  # [d, k d]
        return (x @ turned).unflatten(1, self.means.shape) - torch.einsum("ki,kij->kj", self.means, self.axes)

    def back(self, r: Tensor, u: Tensor) -> Tensor:
        """Return sum_k r_k (m_k + U_k u_k), `[b, d]`, of weights r `[b, k]` and coordinates u `[b, k, d]`."""
        return r @ self.means + (r[:, :, None] * u).flatten(1) @ self.axes.mT.flatten(0, 1)

    def variance(self, sigma: Tensor | float) -> Tensor:
        """Return v_k + sigma^2, one per axis, as `[1 or b, k, d]`."""
        return self.v + self.squared(sigma)[:, :, None]

    def log_joint(self, x: Tensor, sigma: Tensor | float = 0.0, label: Tensor | None = None) -> Tensor:
        """Return log w_k + log N(x; m_k, C_k + sigma^2 I) as `[b, k]`, labels as in `GaussianMixture`."""
        m = self.to(x.dtype)
        v = m.variance(sigma)
        return m.log_weights(label) - (m.along(x) ** 2 / v + (2 * math.pi * v).log()).sum(2) / 2


def _covariances(value: Tensor, means: Tensor) -> Tensor:
    k, d = means.shape
    value = numbers(value, "covariance", f"a tensor [{k}, {d}, {d}]", means.dtype).to(means.device)
    if value.shape not in ((k, d, d), (d, d)):
        raise ValueError(
            f"covariance has shape {tuple(value.shape)}; {k} means of {d} numbers need [{k}, {d}, {d}], or [{d}, {d}]"
        )
    if not torch.allclose(finite(value, "covariance"), value.mT, atol=1e-6 * float(value.abs().max())):
        raise ValueError("a covariance is not symmetric; it must equal its transpose: use (C + C.mT) / 2")
    return value.expand(k, d, d).clone()


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
