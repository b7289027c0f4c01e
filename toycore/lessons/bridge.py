"""Bridges between two clouds: who is paired with whom, and the flow that each pairing leads to (notebook 8b).

    x_t = (1 - t) x0 + t x1 + sqrt(entropy t (1 - t)) z,    z ~ N(0, I),    0 <= t <= 1

A coupling is a joint law of (x0, x1). With entropy = 0 the paths of a pair are straight lines, as in `flow`; with
entropy > 0 they are Brownian bridges.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from toycore import flow, mixtures, training
from toycore.checks import alike, as_batch, batched, function, number, numbers, positive, stream
from toycore.types import Rng, in_chunks, randn_like, squared_distance


class Bridge(NamedTuple):
    """The Schroedinger bridge between N(mean0, cov0) and N(mean1, cov1); cross = Cov(x0, x1) is its coupling.

    The process dx = drift(x, t) dt + sqrt(entropy) dw, and also the flow dx/dt = velocity(x, t), carry the one Gaussian
    into the other. `gaussian` makes it.
    """

    mean0: Tensor
    cov0: Tensor
    mean1: Tensor
    cov1: Tensor
    cross: Tensor
    entropy: float

    def mean(self, t: float) -> Tensor:
        """Return the mean of x_t, (1 - t) mean0 + t mean1, `[d]`."""
        t = number(t, "t", 0, 1)
        return (1 - t) * self.mean0 + t * self.mean1

    def cov(self, t: float) -> Tensor:
        """Return the covariance of x_t, `[d, d]`: (1-t)^2 cov0 + t^2 cov1 + t (1-t) (cross + cross^T + entropy I)."""
        t, eye = number(t, "t", 0, 1), torch.eye(len(self.cov0), dtype=self.cov0.dtype)
        return (
            (1 - t) ** 2 * self.cov0 + t**2 * self.cov1 + t * (1 - t) * (self.cross + self.cross.T + self.entropy * eye)
        )

    def drift(self, x: Tensor, t: float) -> Tensor:
        """Return the mean of (x1 - x_t) / (1 - t) given x_t = x, the drift of the process, shaped like x.

            mean1 - mean0 + S (x - mean(t)),    S cov(t) = Cov(x1 - x0, (1 - t) x0 + t x1) - entropy t I

        Bunne et al. 2023 (2202.05722), theorem 3.
        """
        t, eye = number(t, "t", 0, 1), torch.eye(len(self.cov0), dtype=self.cov0.dtype)
        along = t * self.cov1 - (1 - t) * self.cov0 + (1 - t) * self.cross.T - t * self.cross - self.entropy * t * eye
        return self._linear(self.mean1 - self.mean0, along, x, t)

    def velocity(self, x: Tensor, t: float) -> Tensor:
        """Return drift - entropy/2 score, the flow with the same density at each t, shaped like x."""
        eye = torch.eye(len(self.cov0), dtype=self.cov0.dtype)
        return self.drift(x, t) + self.entropy / 2 * self._linear(0 * self.mean0, eye, x, t)

    def _linear(self, offset: Tensor, along: Tensor, x: Tensor, t: float) -> Tensor:
        """Return offset + along cov(t)^-1 (x - mean(t)) for each row of x."""
        centred = batched(x, dim=len(self.mean0)) - self.mean(t).to(x.dtype)
        return offset.to(x.dtype) + centred @ torch.linalg.solve(self.cov(t), along.T).to(x.dtype)

    def walk(self, x: Tensor, steps: int = 200, rng: Rng = None) -> Iterator[Tensor]:
        """Yield x at t = 0, 1/steps, ..., 1 along dx = drift dt + sqrt(entropy) dw, by Euler-Maruyama steps."""
        step = (self.entropy / positive(steps, "steps")) ** 0.5
        yield x
        for i in range(steps):
            x = x + self.drift(x, i / steps) / steps + step * randn_like(x, stream(rng))
            yield x

    def pairs(self, n: int, rng: Rng = None) -> tuple[Tensor, Tensor]:
        """Draw n pairs (x0, x1) of the coupling: what `flow.fit` takes."""
        joint = torch.cat([torch.cat([self.cov0, self.cross], 1), torch.cat([self.cross.T, self.cov1], 1)])
        z = torch.randn(positive(n), len(joint), generator=stream(rng), dtype=joint.dtype)
        x0, x1 = (torch.cat([self.mean0, self.mean1]) + z @ root(joint)).chunk(2, 1)
        return x0, x1

    def sample(self, n: int, t: float, rng: Rng = None) -> Tensor:
        """Draw n points x_t, `[n, d]`."""
        z = torch.randn(positive(n), len(self.mean0), generator=stream(rng), dtype=self.cov0.dtype)
        return self.mean(t) + z @ root(self.cov(t))


def gaussian(mean0: Tensor, cov0: Tensor, mean1: Tensor, cov1: Tensor, entropy: float) -> Bridge:
    """Return the Schroedinger bridge between two Gaussians, from N(mean0, cov0) at t = 0 to N(mean1, cov1) at t = 1.

    Of all couplings it has the least E|x0 - x1|^2 / 2 + entropy KL(coupling || independent), which gives

        cross = cov0^(1/2) g(M) cov0^(-1/2),    g(m) = 2m / (sqrt(4m + entropy^2) + entropy),

    M = cov0^(1/2) cov1 cov0^(1/2). entropy = 0 is optimal transport; as it grows, cross vanishes: independent ends.
    Means `[d]`, covariances `[d, d]`. Mallasto, Gerolin & Minh 2022 (2006.03416); Bunne et al. 2023 (2202.05722).
    """
    mean0, cov0, mean1, cov1 = (*_moments(mean0, cov0, "0"), *_moments(mean1, cov1, "1"))
    alike("mean0 and mean1", mean0, mean1, "a bridge joins two clouds of one dimension")
    entropy = number(entropy, "entropy", 0)
    half = root(cov0)
    m, axes = torch.linalg.eigh(half @ cov1 @ half)
    g = 2 * m / ((4 * m + entropy**2).sqrt() + entropy)
    cross = half @ (axes * g) @ axes.T @ torch.linalg.inv(half)
    return Bridge(mean0, cov0, mean1, cov1, cross, entropy)


def _moments(mean: Tensor, cov: Tensor, which: str) -> tuple[Tensor, Tensor]:
    mean = numbers(mean, f"mean{which}", "a mean [d]", torch.float64)
    cov = numbers(cov, f"cov{which}", "a covariance [d, d]", torch.float64)
    if mean.ndim != 1 or not len(mean) or cov.shape != (len(mean), len(mean)):
        raise ValueError(
            f"mean{which} has shape {tuple(mean.shape)} and cov{which} {tuple(cov.shape)}; a Gaussian needs a mean [d]"
            " and a covariance [d, d]"
        )
    if not torch.isfinite(mean).all() or not torch.isfinite(cov).all():
        raise ValueError(f"mean{which} or cov{which} holds NaN or infinity; give finite numbers")
    if not torch.allclose(cov, cov.T) or not torch.linalg.eigvalsh(cov)[0] > 0:
        raise ValueError(f"cov{which} is {cov.tolist()}; a covariance is symmetric, its eigenvalues above 0")
    return mean, cov


def root(cov: Tensor) -> Tensor:
    """Return the symmetric square root of a covariance `[d, d]`."""
    values, axes = torch.linalg.eigh(cov)
    return (axes * values.clamp(min=0).sqrt()) @ axes.T


def between(first: mixtures.Source, second: mixtures.Source) -> flow.Pairs:
    """Return draw(n, rng) -> (x0, x1): points of two sources, independent of each other."""
    draw0, draw1 = training.sampler_of(first), training.sampler_of(second)
    return lambda n, rng: (draw0(n, rng)[0], draw1(n, rng)[0])


def optimal(x0: Tensor, x1: Tensor) -> Tensor:
    """Return the permutation p `[b]` for which sum |x0_i - x1_p(i)|^2 is least: optimal transport of two point sets.

    The Hungarian method, of cost b^3: 500 points take some 10 ms.
    """
    from scipy.optimize import linear_sum_assignment

    alike("x0 and x1", as_batch(x0, "x0"), as_batch(x1, "x1"), "an assignment joins two sets of one size")
    cost = squared_distance(x0.detach().flatten(1), x1.detach().flatten(1))
    return torch.as_tensor(linear_sum_assignment(cost.cpu().numpy())[1])


def minibatch(pairs: flow.Pairs, size: int = 64) -> flow.Pairs:
    """Return draw(n, rng) -> (x0, x1) that pairs again, by `optimal`, within every group of `size` rows.

    size = 1 changes nothing. Tong et al. 2023 (2302.00482), section 3.2; Pooladian et al. 2023 (2304.14772).
    """
    function(pairs, "pairs", "a function that draws pairs, as flow.independent(data) does"), positive(size, "size")

    def draw(n: int, rng: Rng) -> tuple[Tensor, Tensor]:
        x0, x1 = pairs(n, rng)
        groups = zip(x0.split(size), x1.split(size), strict=True)
        return x0, torch.cat([b[optimal(a, b)] for a, b in groups])

    return draw


def interpolant(first: mixtures.Source, second: mixtures.Source) -> Callable[[Tensor, float], Tensor]:
    """Return the exact velocity v(x, t) = E[x1 - x0 | x_t = x] between two independent mixtures, on straight lines.

    x_t is a mixture with a component per pair (i, j): its mean is (1-t) m_i + t n_j, its variance V = (1-t)^2 s_i^2 +
    t^2 r_j^2, and within it E[x1 - x0 | x] = n_j - m_i + (t r_j^2 - (1-t) s_i^2) (x - mean) / V.
    Albergo & Vanden-Eijnden 2022 (2209.15571).
    """
    first, second = mixtures.of(first).to(torch.float64), mixtures.of(second).to(torch.float64)
    alike("the two sources", first.means[:1], second.means[:1], "an interpolant stays in one space")
    i, j = (
        k.flatten()
        for k in torch.meshgrid(torch.arange(len(first.means)), torch.arange(len(second.means)), indexing="ij")
    )
    m, n, s, r = first.means[i], second.means[j], first.std[i] ** 2, second.std[j] ** 2
    log_weights = (first.weights[i] * second.weights[j]).log()

    def v(x: Tensor, t: float) -> Tensor:
        t = number(t, "t", 0, 1)
        mean, V = (1 - t) * m + t * n, ((1 - t) ** 2 * s + t**2 * r).clamp(min=1e-12)
        slope = (t * r - (1 - t) * s) / V

        def rows(x: Tensor) -> Tensor:
            log_p = log_weights - squared_distance(x, mean) / (2 * V) - x.shape[1] / 2 * V.log()
            p = log_p.softmax(1)
            return p @ (n - m - slope[:, None] * mean) + (p @ slope)[:, None] * x

        return in_chunks(rows, max(1, mixtures.CHUNK // len(m)), as_batch(x, dim=m.shape[1]).double()).to(x.dtype)

    return v
