"""The space-time view: the crossing lines of flow matching beside the flow, which is their average."""

from typing import Any

import torch
from torch import Tensor

from toycore import mixtures
from toycore.live import lattice
from toycore.live.controls import Control, choice, real, slider, toggle
from toycore.live.engine import View
from toycore.live.payload import Payload
from toycore.mixtures import GaussianMixture, Source

TIME = slider("time", "time t", 0.0, 1.0, 0.005, 0.5)
STEPS = choice("steps", "Euler steps", {0: "none", 1: "1", 2: "2", 4: "4", 8: "8", 16: "16", 64: "64"})
FOLLOW = Control("follow", 0.55, lambda value: real("follow", -4.0, 4.0, value), {})
PLAY = {"role": "time", "from": 1.0, "to": 0.0, "by": 0.02, "seconds": 9}


def spacetime(data: Source | None = None, n: int = 40, **start: Any) -> View:
    """Show flow matching in one dimension, x against t: straight lines between n random pairs of data and noise,
    which cross, beside the paths of the flow, which do not.

    data: one-dimensional, [k, 1]; at the start two Gaussians. The flow's velocity at a place is the mean slope of all
    lines through it (Lipman et al. 2022, eq. 8): a click picks a place, draws these lines, and follows its path.
    Values: time (1 noise .. 0 data), steps (of Euler's method; 0 for none), follow (the noise where the path that is
    followed begins), density, seed. Play runs from noise to data.
    """
    mixture = two() if data is None else mixtures.of(data)
    if mixture.means.shape[1] != 1:
        raise ValueError(
            f"live.spacetime draws one dimension against time, but these data have {mixture.means.shape[1]}; give"
            " points [n, 1] or a mixture with means [k, 1]"
        )
    arrays = {"means": mixture.means[:, 0], "std": mixture.std.clamp(min=1e-3), "weight": mixture.weights}
    shown = Payload(mixture, arrays={name: values.float() for name, values in arrays.items()})
    hint = "Click a place: which lines run through it?"
    meta = {"play": PLAY, "layout": "below", "aspect": 1.9, "front": 2, "n": n, "hint": hint}
    controls = [TIME, STEPS, toggle("density", "density behind"), FOLLOW]
    return View("spacetime", "Lines that cross, and the flow", shown, controls, still, start, **meta)


def two() -> GaussianMixture:
    """Return two narrow Gaussians on a line, the data of notebook 8."""
    return GaussianMixture(torch.tensor([[-0.9], [0.9]]), 0.1)


def pairs(mixture: GaussianMixture, n: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return n data points and n noises `[n]`, those that the page draws for this seed."""
    eps, z = lattice.normals(seed, 0, n).double().T
    return carried(mixture, z, 0.0), eps


def carried(mixture: GaussianMixture, eps: Tensor, t: float) -> Tensor:
    """Return where the flow has carried the noises eps `[n]` at time t: F_t(x) = Phi(eps), for paths on a line never
    cross, so that each keeps its share of the points below it.
    """
    means, std = (1 - t) * mixture.means[:, 0].double(), torch.hypot((1 - t) * mixture.std, torch.tensor(t)).double()
    low, high = (torch.full_like(eps, float(end)) for end in (means.min() - 8 * std.max(), means.max() + 8 * std.max()))
    for _ in range(44):
        x = (low + high) / 2
        below = torch.special.ndtr((x[:, None] - means) / std) @ mixture.weights.double() < torch.special.ndtr(eps)
        low, high = torch.where(below, x, low), torch.where(below, high, x)
    return (low + high) / 2


def still(view: View) -> Any:
    """Draw the lines between pairs beside the paths of the flow, and both clouds at the view's time."""
    from toycore import plots
    from toycore.style import LIGHT

    times = torch.linspace(0, 1, 65)
    x0, eps = pairs(view.payload.mixture, view.meta["n"], view.seed)
    lines = torch.stack([(1 - t) * x0 + t * eps for t in times])
    paths = torch.stack([carried(view.payload.mixture, eps, float(t)) for t in times])
    fig, axes = plots.figure(1, 2, size=(4.2, 3.4))
    now = int(view.time * 64 + 0.5)
    for ax, xs, title in zip(axes, (lines, paths), ("lines between random pairs", "the flow: their average")):
        ax.plot(times, xs, color=LIGHT.arrow if xs is lines else LIGHT.exact, lw=0.9)
        ax.plot(times[[now] * len(eps)], xs[now], ".", color=LIGHT.sample)
        ax.set(title=title, xlabel="t: data at 0, noise at 1", ylabel="x", ylim=(-2.8, 2.8))
    return fig
