"""What a view shows, in one object: a distribution, the fields beside it, and what the page gets of both."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from toycore import checkpoints, checks, exact, mixtures
from toycore.checks import denoise, finite
from toycore.live import lattice
from toycore.mixtures import GaussianMixture, Source
from toycore.types import Denoiser, seeded

COMPONENTS, DATA = 2000, 600  # at most so many Gaussians and data points go to the page


@dataclass
class Payload:
    """A distribution and the named Denoisers shown with it; `meta` goes to the page as JSON, `arrays` as bytes.

    mixture is None where a view shows pictures, geometry where it shows no field; own holds the distribution of a field
    that was made for another one than `mixture`.
    """

    mixture: Any = None
    fields: dict[str, Denoiser] = field(default_factory=dict)
    own: dict[str, GaussianMixture] = field(default_factory=dict)
    meta: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, Any] = field(default_factory=dict)
    geometry: Any = None

    def with_data(self) -> "Payload":
        """Add the Gaussians and a sample of every distribution, and the box that shows them all."""
        xs = [self._add_data(m, name) for name, m in (self.own | {"": self.mixture}).items()]
        narrow = min(float(m.std.min()) for m in (self.mixture, *self.own.values()))
        facts = {"narrow": max(0.01, narrow), "classes": self.mixture.classes, "own": list(self.own)}
        self.meta |= {"box": box(torch.cat(xs))} | facts
        return self

    def _add_data(self, m: GaussianMixture, name: str) -> Tensor:
        """Add the arrays "means", "std", ..., with "/name" for the distribution of one field; return the sample."""
        keep, x, label = sample(m)
        gaussians = {"means": m.means[keep], "std": m.std[keep], "weight": m.weights[keep], "data": x}
        labels = {"label": m.label[keep].int(), "dataLabel": label.int()}
        arrays = {key: values.float() for key, values in gaussians.items()} | labels
        self.arrays |= {f"{key}/{name}" if name else key: values for key, values in arrays.items()}
        return x.float()

    def with_fields(self) -> "Payload":
        """Add the lattices "F/name/label" of every field, unconditional (-1) and per class."""
        labels = [-1, *range(self.mixture.classes)] if self.mixture.classes > 1 else [-1]
        count = len(labels) * len(self.fields)
        self.with_geometry(*((100_000, 22) if count <= 4 else (54_000, 20) if count <= 8 else (24_000, 18)))
        for name, D in self.fields.items():
            self.arrays |= {f"F/{name}/{label}": self.lattice(D, label) for label in labels if knows(D, label)}
        return self

    def with_geometry(self, nodes: int, k: int) -> "Payload":
        """Choose the places of all lattices: `nodes` in all, at k levels."""
        whole = union([self.mixture, *self.own.values()]) if self.own else self.mixture
        g = self.geometry = lattice.geometry(whole, self.fields.values(), nodes, k)
        places = {"sizes": g.sizes, "size": max(g.sizes), "reach": g.reach, "warp": lattice.WARP}
        units = {"mean": g.mean.tolist(), "s": g.s, "levels": g.levels.tolist()}
        self.meta |= {"geometry": places | units, "fields": list(self.fields)}
        return self

    def lattice(self, D: Denoiser, label: int = -1) -> np.ndarray:
        """Return a field on the places of this payload's lattices."""
        return lattice.lattice(D, self.geometry, None if label < 0 else label)


def of(D: Any = None, data: Source | None = None, classes: int = 1, checkpoint: str = "spiral") -> Payload:
    """Return what a view is asked to show: a plane distribution and Denoisers by name.

    D may be nothing (the spiral, exact and, where shipped, learned), a source of data (its exact posterior mean), a
    Denoiser (shown beside the exact one of `data`), or a dictionary {name: Denoiser or source}.
    """
    given = D.values() if isinstance(D, dict) else [D]
    source = data if data is not None else next((value for value in given if isinstance(value, Source)), None)
    mixture = plane(source, getattr(getattr(D, "net", None), "classes", 0) or classes)
    items = D.items() if isinstance(D, dict) else []
    own = {str(name): plane(value, classes) for name, value in items if other(value, source)}
    return Payload(mixture, named(D, mixture, checkpoint if D is None and data is None else ""), own).with_data()


def other(value: Any, source: Source | None) -> bool:
    """Return whether a field was given as a source of data, and as another one than the view's."""
    return isinstance(value, Source) and value is not source


def union(parts: list[GaussianMixture]) -> GaussianMixture:
    """Return the mixture of these distributions in equal shares, without classes."""
    means, std, weights = (torch.cat([getattr(m, name).float() for m in parts]) for name in ("means", "std", "weights"))
    return GaussianMixture(means, std, weights)


def plane(source: Source | None, classes: int) -> GaussianMixture:
    """Return a source of data as a mixture, by default the spiral; refuse what does not lie in the plane."""
    mixture = mixtures.spiral(classes=classes) if source is None else mixtures.of(source)
    if mixture.means.shape[1] != 2:
        raise ValueError(
            f"a live view shows the plane, but these data have {mixture.means.shape[1]} dimensions; give [n, 2] points"
        )
    return mixture


def named(D: Any, mixture: GaussianMixture, checkpoint: str) -> dict[str, Denoiser]:
    """Return the Denoisers to show by their names."""
    if isinstance(D, dict):
        if not D:
            raise ValueError("there is no Denoiser in {}; give {name: Denoiser, ...}")
        return {str(name): denoiser(value, str(name)) for name, value in D.items()}
    fields = {"exact": exact.posterior_mean(mixture)}
    if checkpoint in checkpoints.available():
        return fields | {"learned": checkpoints.load(checkpoint)}
    return fields if D is None or isinstance(D, Source) else fields | {"learned": denoiser(D, "learned")}


def denoiser(D: Any, name: str) -> Denoiser:
    """Return D, or the posterior mean of a source; refuse what does not answer with finite points shaped like x."""
    if isinstance(D, Source):
        return exact.posterior_mean(D)
    if not callable(D):
        raise TypeError(
            f"cannot show {checks.named(D)}; give a Denoiser D(x, sigma, label), a mixture, Points, a"
            " tensor [n, 2], or a dictionary of those"
        )
    finite(denoise(D, torch.zeros(3, 2), 1.0), f"the answer of {name!r} at sigma = 1")
    return D


def knows(D: Denoiser, label: int) -> bool:
    """Return whether a Denoiser takes this label (-1: none); one without classes is shown unconditionally instead."""
    try:
        D(torch.zeros(1, 2), 1.0, None if label < 0 else label)
    except ValueError:
        if label < 0:
            raise
        return False
    return True


def sample(mixture: GaussianMixture) -> tuple[Tensor, Tensor, Tensor]:
    """Return the components that go to the page, data points and their labels; bare points are their own data."""
    k, rng = len(mixture.means), seeded()
    keep = torch.arange(k) if k <= COMPONENTS else torch.randperm(k, generator=rng)[:COMPONENTS]
    bare = float(mixture.std.max()) == 0
    x, label = (mixture.means[keep], mixture.label[keep]) if bare else mixture.sample(DATA, rng)
    return keep, x[:DATA], label[:DATA]


def box(x: Tensor) -> dict[str, Any]:
    """Return the square that shows the points x `[n, 2]` with a margin: its centre and half its side."""
    low, high = x.min(0).values, x.max(0).values
    return {"centre": ((low + high) / 2).tolist(), "half": 1.3 * float((high - low).max()) / 2 or 1.0}
