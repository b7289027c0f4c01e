"""What the plane does not show: how distances and posterior weights behave when the dimension d grows."""

import torch
from torch import Tensor

from toycore import exact
from toycore.checks import as_batch, numbers, positive, stream
from toycore.types import Rng


def shell(x: Tensor) -> float:
    """Return the spread of the norms |x| over their mean: for N(0, I_d) about 1/sqrt(2d)."""
    if len(as_batch(x)) < 2:
        raise ValueError(f"x holds {len(x)} point; a spread needs at least 2")
    norm = as_batch(x).norm(dim=1)
    return float(norm.std() / norm.mean())


def contrast(x: Tensor) -> float:
    """Return the median distance to the nearest other point over that to any other: 1 when no point is near any."""
    if len(as_batch(x)) < 3:
        raise ValueError(f"x holds {len(x)} points; a nearest and any other point need at least 3")
    far = torch.cdist(x, x).sort().values[:, 1:]  # [n, n - 1], without the point itself
    return float(far[:, 0].median() / far.median())


def certainty(points: Tensor, levels: Tensor, rng: Rng = None, n: int = 200) -> Tensor:
    """Return, per level, the median over noisy points of the largest posterior weight: 1 where one origin is sure.

    The noisy points are x0 + sigma eps with x0 drawn from the points `[k, d]`; the weights `exact.responsibilities`.
    """
    x0 = as_batch(points, "points")[torch.randint(len(points), (positive(n),), generator=stream(rng))]
    noise = torch.randn(x0.shape, generator=rng, dtype=x0.dtype)
    weights = (
        exact.responsibilities(points, x0 + s * noise, s)
        for s in numbers(levels, "levels", "a list of noise levels").reshape(-1).tolist()
    )
    return torch.stack([w.max(1).values.median() for w in weights])


def turning_level(n: int, d: int) -> float:
    """Return the sigma below which a noisy point of N(0, I_d) data has one sure origin among n: 1/sqrt(n^(2/d) - 1).

    There n N(x; 0, (1 + sigma^2) I), all other points together, equals N(x; x0, sigma^2 I) at a typical x. Tiny in the
    plane, it grows as sqrt(d / (2 ln n)). After Biroli et al. 2024 (2402.18491).
    """
    if positive(n) < 2:
        raise ValueError("n is 1: a single point is its own origin at every level; ask for two points or more")
    return float((n ** (2 / positive(d, "d")) - 1) ** -0.5)
