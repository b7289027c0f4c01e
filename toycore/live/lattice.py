"""A Denoiser as a lattice of numbers, sent once: what the browser needs to show and walk a field
without Python.

Stored is the raw output F of Karras et al. 2022, eq. 7, at u = (x - m) / sqrt(sigma^2 + s^2): of size 1 at
every noise level, where eps_hat diverges between the arms and x0_hat hides its detail. The browser's half is
`page/maths/lattice.js`.
"""

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from toycore import exact
from toycore.mixtures import GaussianMixture
from toycore.types import Denoiser, Label, seeded

LOW, HIGH = 0.005, 80.0  # the noise levels a lattice covers; F is constant beyond
REACH, WARP = 3.6, 0.5  # |u| at its edge (few normal starts lie further out), and how its places crowd in the middle
SMALLEST = 12  # no level has fewer places along a side


class Geometry(NamedTuple):
    """Where the lattices of a view lie: `sizes[i]`^2 places, |u| <= reach, about the mean, at level i of `[k]`."""

    reach: float
    mean: Tensor
    s: float
    levels: Tensor
    sizes: list[int]

    def places(self, size: int) -> Tensor:
        """Return size^2 places u = sinh(q) / WARP, q even, row by row, y upwards: finer in the middle."""
        edge = math.asinh(WARP * self.reach)
        line = torch.linspace(-edge, edge, size).sinh() / WARP
        v, u = torch.meshgrid(line, line, indexing="ij")
        return torch.stack([u, v], -1).reshape(-1, 2)


def raw(D: Denoiser, u: Tensor, sigma: float, g: Geometry, label: Label = None) -> Tensor:
    """Return F = (x0_hat - m - c_skip (x - m)) / c_out at x = m + u sqrt(sigma^2 + s^2), u `[b, 2]`."""
    norm = math.hypot(sigma, g.s)
    x0_hat = D(g.mean + u * norm, sigma, label)
    return (x0_hat - g.mean - g.s**2 / norm * u) * norm / (sigma * g.s)


def geometry(mixture: GaussianMixture, fields: Iterable[Denoiser], nodes: int, k: int) -> Geometry:
    """Choose the lattice that suits a distribution: about its mean, in units of its spread, with k levels where
    the exact field turns and about `nodes` places in all, most at the levels where the fields bend.
    """
    centred = mixture.means - mixture.mean
    s = float(((centred**2).mean(1) @ mixture.weights + (mixture.std**2 @ mixture.weights)).sqrt()) or 1.0
    reach = max(REACH, 1.15 * float(centred.abs().max()) / s)
    g = Geometry(reach, mixture.mean.float(), s, torch.empty(0), [])
    g = g._replace(levels=knots(mixture, g, k))
    return g._replace(sizes=sizes(mixture, fields, g, nodes))


def noised(mixture: GaussianMixture, n: int = 128) -> Callable[[float, Geometry], Tensor]:
    """Return the function (sigma, g) -> u `[n, 2]` of data points with noise of that level, the same ones always."""
    rng = seeded()
    x0 = mixture.sample(n, rng)[0].float()
    z = torch.randn(n, 2, generator=rng)
    return lambda sigma, g: (x0 + sigma * z - g.mean) / math.hypot(sigma, g.s)


def knots(mixture: GaussianMixture, g: Geometry, k: int) -> Tensor:
    """Return k levels from LOW to HIGH, crowded where the exact field turns with ln sigma.

    Knots lie as densely as the root of |F''|, measured at noised data points: between any two, a straight line would
    err by the same h^2 |F''| / 8; the cubic of the page errs less.
    """
    D, at = exact.posterior_mean(mixture), noised(mixture)
    ln = torch.linspace(math.log(LOW), math.log(HIGH), 61)

    def bend(i: int) -> Tensor:
        u = at(math.exp(ln[i]), g)
        below, here, above = (raw(D, u, math.exp(ln[j]), g) for j in (i - 1, i, i + 1))
        return (below - 2 * here + above).square().sum(1).mean() ** 0.25

    density = torch.stack([bend(i) for i in range(1, 60)])
    density = torch.cat([density[:1], density, density[-1:]]) + 0.1 * density.mean()
    share = torch.cat([torch.zeros(1), (density[1:] + density[:-1]).cumsum(0)])
    places = np.interp(np.linspace(0, 1, k), (share / share[-1]).numpy(), ln.numpy())
    return torch.from_numpy(np.exp(places)).float()


def sizes(mixture: GaussianMixture, fields: Iterable[Denoiser], g: Geometry, nodes: int) -> list[int]:
    """Return the size of every level's lattice, `nodes` places in all, for the least error of where walks end.

    Cubic interpolation errs by h^3 |F'''|. At level sigma that moves x by c_out, and the end by c_in s of this:
    sum_i w_i |F_i'''| / size_i^3 with w = sigma s^2 / (sigma^2 + s^2) is least where size_i^5 ~ w_i |F_i'''|.
    """
    at, w = noised(mixture), g.levels * g.s**2 / (g.levels**2 + g.s**2)
    jerks = [[jerk(D, at(sigma, g), sigma, g) for sigma in g.levels.tolist()] for D in fields]
    wanted = (w * torch.tensor(jerks).square().mean(0).sqrt()) ** 0.2
    even = (wanted / wanted.square().sum().sqrt() * nodes**0.5).round()
    return [max(SMALLEST, int(size)) for size in even]


@torch.no_grad()
def jerk(D: Denoiser, u: Tensor, sigma: float, g: Geometry, h: float = 0.05) -> float:
    """Return the mean square of F's third derivative along both axes of q = asinh(WARP u), from steps of h, rooted."""
    q = (WARP * u).asinh()

    def along(axis: Tensor) -> Tensor:
        a, b, c, d = (raw(D, (q + i * h * axis).sinh() / WARP, sigma, g) for i in (-1.5, -0.5, 0.5, 1.5))
        return ((d - 3 * c + 3 * b - a) / h**3).square().sum(1)

    return float(torch.stack([along(axis) for axis in torch.eye(2)]).sum(0).mean().sqrt())


@torch.no_grad()
def lattice(D: Denoiser, g: Geometry, label: Label = None) -> np.ndarray:
    """Return F at all places of all levels, one level after the other, as float16 `[sum of sizes^2, 2]`."""
    pages = [raw(D, g.places(n), sigma, g, label) for n, sigma in zip(g.sizes, g.levels.tolist())]
    return torch.cat(pages).clamp(-6e4, 6e4).half().numpy()


# ---- the noise that Python and the browser share ------------------------------------------------


def mix(h: np.ndarray) -> np.ndarray:
    """Mix 32 bits well: the finaliser of MurmurHash3 (Appleby 2011), on uint32 held in uint64."""
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h = ((h ^ (h >> np.uint64(shift))) * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    return h ^ (h >> np.uint64(16))


def normals(seed: int, step: int, n: int) -> Tensor:
    """Return the n standard normal points `[n, 2]` that a view draws for (seed, step); step 0 is a walk's start.

    Counter-based (Box & Muller 1958 on hashed counters), so any step's noise is known without the steps before.
    """
    uniform = uniforms(seed, step, 2 * n)
    r, angle = np.sqrt(-2 * np.log(uniform[::2])), 2 * np.pi * uniform[1::2]
    return torch.from_numpy(np.stack([r * np.cos(angle), r * np.sin(angle)], 1)).float()


def uniforms(seed: int, step: int, n: int) -> np.ndarray:
    """Return the n numbers in (0, 1) that a view draws for (seed, step), as `uniforms` of noise.js does."""
    bits = np.uint64(0xFFFFFFFF)
    key = mix((mix(np.array(seed + 0x9E3779B9, np.uint64) & bits) + np.uint64(step)) & bits)
    return (mix((key + np.arange(n, dtype=np.uint64)) & bits) + 0.5) / 4294967296


# ---- bytes --------------------------------------------------------------------------------------


def pack(arrays: dict[str, np.ndarray | Tensor]) -> tuple[list[dict], bytes]:
    """Lay arrays end to end, each on a multiple of 8 bytes; return the index that `bytes.js` reads, and the bytes."""
    index: list[dict] = []
    parts: list[bytes] = []
    offset = 0
    for name, array in arrays.items():
        array = np.ascontiguousarray(array)
        index.append({"name": name, "dtype": str(array.dtype), "shape": list(array.shape), "offset": offset})
        parts.append(array.tobytes().ljust(-(-array.nbytes // 8) * 8, b"\0"))
        offset += len(parts[-1])
    return index, b"".join(parts)
