"""A Denoiser as a lattice of numbers, sent once: what the browser needs to show and walk a field
without Python.

Stored is the raw output F of Karras et al. 2022, eq. 7, at u = (x - m) / sqrt(sigma^2 + s^2): of size 1 at
every noise level, where eps_hat diverges between the arms and x0_hat hides its detail. The browser's half is
`maths.js`.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from toycore.mixtures import GaussianMixture
from toycore.types import Denoiser, Label, column

LOW, HIGH = 0.005, 80.0  # the noise levels a lattice covers; F is constant beyond
REACH, WARP = 3.6, 0.5  # |u| at its edge (few normal starts lie further out), and how its places crowd in the middle


class Geometry(NamedTuple):
    """Where the lattices of a view lie: `size`^2 places, |u| <= reach, about the mean, at each of the
    levels `[k]`.
    """

    size: int
    reach: float
    mean: Tensor
    s: float
    levels: Tensor

    def places(self) -> Tensor:
        """Return the places u = sinh(q) / WARP, q even, as `[size^2, 2]`, row by row, y upwards: finer in the
        middle.
        """
        edge = math.asinh(WARP * self.reach)
        line = torch.linspace(-edge, edge, self.size).sinh() / WARP
        v, u = torch.meshgrid(line, line, indexing="ij")
        return torch.stack([u, v], -1).reshape(-1, 2)


def raw(D: Denoiser, u: Tensor, sigma: Tensor, g: Geometry, label: Label = None) -> Tensor:
    """Return F = (x0_hat - m - c_skip (x - m)) / c_out at x = m + u sqrt(sigma^2 + s^2), u `[b, 2]`, sigma `[b]`."""
    sigma = column(sigma, u)
    norm = (sigma**2 + g.s**2).sqrt()
    x0_hat = D(g.mean + u * norm, sigma.flatten(), label)
    return (x0_hat - g.mean - g.s**2 / norm * u) * norm / (sigma * g.s)


def geometry(mixture: GaussianMixture, D: Denoiser, size: int, k: int) -> Geometry:
    """Choose the lattice that suits a distribution: about its mean, in units of its spread, knots where D
    is sharp.
    """
    centred = mixture.means - mixture.mean
    s = float(((centred**2).mean(1) @ mixture.weights + (mixture.std**2 @ mixture.weights)).sqrt()) or 1.0
    reach = max(REACH, 1.15 * float(centred.abs().max()) / s)
    bare = Geometry(size, reach, mixture.mean.float(), s, torch.empty(0))
    return bare._replace(levels=knots(mixture, D, bare, k))


def knots(mixture: GaussianMixture, D: Denoiser, g: Geometry, k: int, n: int = 128) -> Tensor:
    """Return k levels from LOW to HIGH that share the error of linear interpolation in ln sigma evenly.

    That error is h^2 |F''| / 8, so knots lie as densely as the root of |F''|, measured on n noised data points.
    """
    ln = torch.linspace(math.log(LOW), math.log(HIGH), 61)
    rng = torch.Generator().manual_seed(0)
    x0 = mixture.sample(n, rng)[0].float()
    z = torch.randn(n, 2, generator=rng)

    def bend(i: int) -> Tensor:
        sigma = float(ln[i].exp())
        u = (x0 + sigma * z - g.mean) / math.hypot(sigma, g.s)
        below, here, above = (raw(D, u, ln[j].exp().expand(n), g) for j in (i - 1, i, i + 1))
        return (below - 2 * here + above).square().sum(1).mean() ** 0.25

    density = torch.stack([bend(i) for i in range(1, 60)])
    density = torch.cat([density[:1], density, density[-1:]]) + 0.1 * density.mean()
    share = torch.cat([torch.zeros(1), (density[1:] + density[:-1]).cumsum(0)])
    places = np.interp(np.linspace(0, 1, k), (share / share[-1]).numpy(), ln.numpy())
    return torch.from_numpy(np.exp(places)).float()


@torch.no_grad()
def lattice(D: Denoiser, g: Geometry, label: Label = None) -> np.ndarray:
    """Return F on the lattice as float16 `[k, size, size, 2]`."""
    u = g.places()
    pages = [raw(D, u, sigma.expand(len(u)), g, label) for sigma in g.levels]
    F = torch.stack(pages).clamp(-6e4, 6e4).half()
    return F.reshape(len(g.levels), g.size, g.size, 2).numpy()


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
    bits = np.uint64(0xFFFFFFFF)
    key = mix((mix(np.array(seed + 0x9E3779B9, np.uint64) & bits) + np.uint64(step)) & bits)
    uniform = (mix((key + np.arange(2 * n, dtype=np.uint64)) & bits) + 0.5) / 4294967296
    r, angle = np.sqrt(-2 * np.log(uniform[::2])), 2 * np.pi * uniform[1::2]
    return torch.from_numpy(np.stack([r * np.cos(angle), r * np.sin(angle)], 1)).float()


# ---- bytes --------------------------------------------------------------------------------------


def pack(arrays: dict[str, np.ndarray | Tensor]) -> tuple[list[dict], bytes]:
    """Lay arrays end to end, each on a multiple of 8 bytes; return the index that `maths.js` reads, and the bytes."""
    index: list[dict] = []
    parts: list[bytes] = []
    offset = 0
    for name, array in arrays.items():
        array = np.ascontiguousarray(array)
        index.append({"name": name, "dtype": str(array.dtype), "shape": list(array.shape), "offset": offset})
        parts.append(array.tobytes().ljust(-(-array.nbytes // 8) * 8, b"\0"))
        offset += len(parts[-1])
    return index, b"".join(parts)
