"""The bridge view: particles from one Gaussian to another, from optimal transport to independent ends."""

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from toycore.checks import at_least
from toycore.lessons import bridge as lesson
from toycore.lessons.bridge import Bridge
from toycore.live import lattice, stills
from toycore.live.controls import slider
from toycore.live.engine import View
from toycore.live.payload import Payload

LOW, HIGH = 0.001, 10.0  # of the entropy
ENTROPY = slider("entropy", "entropy", LOW, HIGH, 0.02, 0.1, log=True)
TIME = slider("time", "time t", 0.0, 1.0, 0.01, 0.5)
PLAY = {"role": "time", "from": 0.0, "to": 1.0, "by": 0.02, "seconds": 6}
MOMENTS = 100  # of a path, besides its start
LEFT = ((-1.3, 0.0), ((0.08, 0.0), (0.0, 0.5)))
RIGHT = ((1.3, 0.0), ((0.3, 0.25), (0.25, 0.45)))


def bridge(
    mean0: Any = LEFT[0], cov0: Any = LEFT[1], mean1: Any = RIGHT[0], cov1: Any = RIGHT[1], n: int = 300, **start: Any
) -> View:
    """Show the Schroedinger bridge between N(mean0, cov0) and N(mean1, cov1) in the plane: n particles on their way.

    The slider leads from optimal transport (no entropy: straight lines that never meet) to independent ends (much
    entropy: wild paths). Blue is the closed form of `lessons.bridge`: the law at time t as an ellipse of two standard
    deviations, that of the heights at both ends, and E|x1 - x0|^2; orange are the particles. A click follows one.
    Means `[2]`, covariances `[2, 2]`. Values: entropy, time (0 left .. 1 right).
    """
    ends = lesson.gaussian(mean0, cov0, mean1, cov1, 1.0)
    if len(ends.mean0) != 2:
        raise ValueError(
            f"live.bridge shows the plane, but these Gaussians have {len(ends.mean0)} dimension(s); give means [2] and"
            " covariances [2, 2]"
        )
    clouds = [
        {"mean": mean.tolist(), "cov": cov.flatten().tolist()}
        for mean, cov in ((ends.mean0, ends.cov0), (ends.mean1, ends.cov1))
    ]
    meta: dict[str, Any] = {"clouds": clouds, "box": box(ends), "n": at_least(2, n, "n")}
    meta |= {"range": [LOW, HIGH]}
    meta |= {"play": PLAY, "layout": "below", "aspect": 1.75, "hint": "Click a point: follow its path"}
    view = View("bridge", "From optimal to independent pairs", Payload(), [ENTROPY, TIME], still, start, **meta)
    view.ends = ends
    return view


def box(ends: Bridge) -> dict[str, Any]:
    """Return the square that shows three standard deviations of both clouds: its centre and half its side."""
    corners = [
        mean + side * 3 * cov.diagonal().sqrt()
        for mean, cov in ((ends.mean0, ends.cov0), (ends.mean1, ends.cov1))
        for side in (-1, 1)
    ]
    low, high = torch.stack(corners).amin(0), torch.stack(corners).amax(0)
    return {"centre": ((low + high) / 2).tolist(), "half": float((high - low).max()) / 2}


def pairs(B: Bridge, n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return n pairs (x0, x1) `[n, 2]` of the coupling, from the page's noises, which entropy leaves as they are."""
    z, w = (lattice.normals(seed, step, n).double() for step in (0, 1))
    z, w = z - z.mean(0), w - w.mean(0)  # then few particles measure the cost well
    gain = B.cross.T @ torch.linalg.inv(B.cov0)  # x1 = mean1 + gain (x0 - mean0) + what x0 does not say
    around = z @ lesson.root(B.cov0)
    return B.mean0 + around, B.mean1 + around @ gain.T + w @ lesson.root(B.cov1 - gain @ B.cross)


def paths(B: Bridge, n: int, seed: int = 0) -> Tensor:
    """Return the paths x_t = (1-t) x0 + t x1 + sqrt(entropy) (W_t - t W_1) that the page draws, `[101, n, 2]`."""
    x0, x1 = pairs(B, n, seed)
    steps = torch.stack([lattice.normals(seed, k + 2, n) for k in range(MOMENTS)]).double() / MOMENTS**0.5
    W, t = torch.cat([0 * steps[:1], steps.cumsum(0)]), torch.linspace(0, 1, MOMENTS + 1).double()[:, None, None]
    return (1 - t) * x0 + t * x1 + B.entropy**0.5 * (W - t * W[-1])


def cost(B: Bridge) -> float:
    """Return E|x1 - x0|^2 of the coupling."""
    return float((B.mean1 - B.mean0).square().sum() + torch.trace(B.cov0 + B.cov1 - 2 * B.cross))


def still(view: View) -> Any:
    """Draw the paths with the cloud at the view's time and its exact ellipse, and the cost against entropy."""
    from toycore import plots
    from toycore.style import LIGHT

    ends = view.ends
    at = partial(lesson.gaussian, ends.mean0, ends.cov0, ends.mean1, ends.cov1)
    B, entropies = at(view.entropy), np.geomspace(LOW, HIGH, 61)
    xs, (x, y) = paths(B, view.meta["n"], view.seed), view.meta["box"]["centre"]
    angle = torch.linspace(0, 2 * torch.pi, 65).double()
    ring = B.mean(view.time) + 2 * torch.stack([angle.cos(), angle.sin()], 1) @ lesson.root(B.cov(view.time))
    fig, (left, right) = plots.figure(1, 2, size=(4.2, 3.6))
    half = float(np.hypot(view.meta["box"]["half"], view.entropy**0.5))
    plots.plane(left, half, f"entropy {view.entropy:.2g}, t = {view.time:.2f}")
    left.set(xlim=(x - half, x + half), ylim=(y - half, y + half))
    plots.paths(left, xs[:, :24], color=LIGHT.arrow)
    stills.cloud(left, xs[round(view.time * MOMENTS)])
    left.plot(*ring.T, color=LIGHT.exact, lw=2)
    right.plot(entropies, [cost(at(float(e))) for e in entropies], color=LIGHT.exact, label="exact")
    right.plot(view.entropy, (xs[-1] - xs[0]).square().sum(1).mean(), "o", color=LIGHT.sample, label="these particles")
    plots.chart(right, xscale="log", xlabel="entropy", title="mean of $|x_1 - x_0|^2$")
    return fig
