"""What a view is given, made ready for the page: distributions, Denoisers, and the arrays that describe them."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from toycore import checkpoints, exact, mixtures, sigmas
from toycore.live import lattice
from toycore.mixtures import GaussianMixture, Source
from toycore.types import Denoiser

COMPONENTS, DATA = 2000, 600  # at most so many Gaussians and data points go to the page
LEVELS = sigmas.log_linear(60, 0.01, 10)[:-1].flip(0).float()  # where the crossover is measured


def resolve(
    D: Any, data: Source | None, classes: int = 1, checkpoint: str = "spiral"
) -> tuple[GaussianMixture, dict[str, Denoiser]]:
    """Return the distribution and the named Denoisers that a view is asked to show.

    D may be nothing (the spiral, exact and, where shipped, learned), a source of data (its exact posterior mean), a
    Denoiser (shown beside the exact one of `data`), or a dictionary {name: Denoiser or source}.
    """
    if isinstance(D, dict):
        mixture = _mixture(data if data is not None else _first_source(D), classes)
        return mixture, {str(name): _denoiser(value) for name, value in D.items()}
    if D is None or isinstance(D, Source):
        mixture = _mixture(D if data is None else data, classes)
        fields = {"exact": exact.posterior_mean(mixture)}
        if D is None and data is None and checkpoint in checkpoints.available():
            fields["learned"] = checkpoints.load(checkpoint)
        return mixture, fields
    classes = getattr(getattr(D, "net", None), "classes", 0) or classes
    mixture = _mixture(data, classes)
    return mixture, {"exact": exact.posterior_mean(mixture), "learned": _denoiser(D)}


def labelled(D: Any, data: Source | None) -> tuple[GaussianMixture, dict[str, Denoiser]]:
    """Return what `resolve` returns, for data of at least two classes; by default the spiral in three."""
    mixture, fields = resolve(D, data, classes=3, checkpoint="spiral3")
    if mixture.classes < 2:
        raise ValueError(
            "guidance needs labelled data of at least two classes; give data with labels, such as"
            " data.spiral(classes=3)"
        )
    return mixture, fields


def _first_source(fields: dict[str, Any]) -> Source | None:
    return next((value for value in fields.values() if isinstance(value, Source)), None)


def _mixture(data: Source | None, classes: int) -> GaussianMixture:
    mixture = mixtures.spiral(classes=classes) if data is None else mixtures.of(data)
    if mixture.means.shape[1] != 2:
        raise ValueError(
            f"a live view shows the plane, but these data have {mixture.means.shape[1]} dimensions; give [n, 2] points"
        )
    return mixture


def _denoiser(value: Any) -> Denoiser:
    if isinstance(value, Source):
        return exact.posterior_mean(value)
    if not callable(value):
        raise TypeError(
            f"cannot show a {type(value).__name__}; give a Denoiser D(x, sigma, label), a mixture, Points, a"
            " tensor [n, 2], or a dictionary of those"
        )
    return value


def described(mixture: GaussianMixture, fields: dict[str, Denoiser]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (meta, arrays) of a distribution and the fields shown with it."""
    (geometry, lattices_), (known, more) = lattices(mixture, fields), about(mixture)
    return {"geometry": geometry, "fields": list(fields)} | known, lattices_ | more


def lattices(mixture: GaussianMixture, fields: dict[str, Denoiser]) -> tuple[dict, dict]:
    """Return (geometry for the page, arrays "F/name/label"): every field, unconditional and per class."""
    labels = [-1, *range(mixture.classes)] if mixture.classes > 1 else [-1]
    count = len(labels) * len(fields)
    nodes, k = (100_000, 22) if count <= 4 else (54_000, 20) if count <= 8 else (24_000, 18)
    g = lattice.geometry(mixture, fields.values(), nodes, k)
    arrays = {
        f"F/{name}/{label}": lattice.lattice(D, g, None if label < 0 else label)
        for name, D in fields.items()
        for label in labels
        if knows(D, label)
    }
    return plain(g), arrays


def knows(D: Denoiser, label: int) -> bool:
    """Return whether a Denoiser takes this label (-1: none); one without classes is shown unconditionally instead."""
    try:
        D(torch.zeros(1, 2), 1.0, None if label < 0 else label)
    except ValueError:
        if label < 0:
            raise
        return False
    return True


def plain(g: lattice.Geometry) -> dict[str, Any]:
    """Return a geometry as the JSON that `maths.js` reads."""
    return {
        "sizes": g.sizes,
        "size": max(g.sizes),
        "reach": g.reach,
        "warp": lattice.WARP,
        "mean": g.mean.tolist(),
        "s": g.s,
        "levels": g.levels.tolist(),
    }


def about(mixture: GaussianMixture) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (meta, arrays) of a distribution: its Gaussians, a sample of it, and the box that shows it."""
    rng = torch.Generator().manual_seed(0)
    bare = float(mixture.std.max()) == 0
    keep = _thinned(mixture, rng)
    x, label = (mixture.means[keep], mixture.label[keep]) if bare else mixture.sample(DATA, rng)
    low, high = x.min(0).values, x.max(0).values
    half = 1.3 * float((high - low).max()) / 2 or 1.0
    arrays = {
        "means": mixture.means[keep].float(),
        "std": mixture.std[keep].float(),
        "weight": mixture.weights[keep].float(),
        "label": mixture.label[keep].int(),
        "data": x[:DATA].float(),
        "dataLabel": label[:DATA].int(),
    }
    box = {"centre": ((low + high) / 2).tolist(), "half": half}
    return {"box": box, "narrow": max(0.01, float(mixture.std.min())), "classes": mixture.classes}, arrays


def _thinned(mixture: GaussianMixture, rng: torch.Generator) -> Tensor:
    k = len(mixture.means)
    return torch.arange(k) if k <= COMPONENTS else torch.randperm(k, generator=rng)[:COMPONENTS]


@torch.no_grad()
def crossover(mixture: GaussianMixture, n: int = 400) -> np.ndarray:
    """Return, at 60 levels from .01 to 10, the mean cosine between the score and the way to the data's mean, float32.

    Near 1 the arrows aim at the mean of all data; where it falls below cos 45 degrees they aim at the data nearby.
    """
    D, rng = exact.posterior_mean(mixture), torch.Generator().manual_seed(1)
    x0 = mixture.sample(n, rng)[0].float()
    z = torch.randn(n, 2, generator=rng)

    def at(sigma: float) -> float:
        x = x0 + sigma * z
        return float(torch.cosine_similarity(D(x, sigma) - x, mixture.mean.float() - x).mean())

    return np.array([at(float(sigma)) for sigma in LEVELS], dtype=np.float32)


def switch(cosines: np.ndarray) -> float:
    """Return the level where the mean cosine crosses cos 45 degrees: below it the arrows aim at the data nearby."""
    i = max(1, int(np.argmax(cosines > math.sqrt(0.5))))
    part = (math.sqrt(0.5) - cosines[i - 1]) / (cosines[i] - cosines[i - 1])
    return float(LEVELS[i - 1] * (LEVELS[i] / LEVELS[i - 1]) ** part)


def increasing(grid: Any) -> np.ndarray:
    """Return a decreasing grid of levels as the page wants it: increasing, without the 0, float32."""
    levels = sigmas.decreasing(torch.as_tensor(grid, dtype=torch.float64)).flip(0)
    return levels[levels > 0].float().numpy()


def pictures(images: Any, axes: int) -> np.ndarray:
    """Return pictures as uint8 `[a, b, h, w, channels]` with one or three channels; floats are read in [0, 1]."""
    pixels = np.asarray(images.detach().cpu() if isinstance(images, Tensor) else images)
    if (
        axes not in (1, 2)
        or pixels.ndim not in (axes + 2, axes + 3)
        or (pixels.ndim == axes + 3 and pixels.shape[-1] not in (1, 3))
    ):
        raise ValueError(
            f"images have shape {pixels.shape} for {axes} slider(s); give [a, h, w] or [a, h, w, 3], with"
            " names=(first, second) and [a, b, ...] for two sliders"
        )
    if pixels.dtype != np.uint8:
        if not np.isfinite(pixels).all():
            raise ValueError("images hold NaN or infinity; give values in [0, 1]")
        pixels = (255 * pixels.clip(0, 1)).round().astype(np.uint8)
    pixels = pixels if pixels.ndim == axes + 3 else pixels[..., None]
    return pixels if axes == 2 else pixels[:, None]
