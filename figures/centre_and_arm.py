"""High noise: the field points to the data mean; low noise: to the nearest arm. The turn is near sigma = 0.142."""

import torch
from matplotlib.figure import Figure

from figures._scene import SPIRAL, D
from toycore import data, plots
from toycore.style import LIGHT
from toycore.types import seeded

SIZE = (7.2, 3.6)
CAPTION = (
    "Mean or arm? The cosine between the exact field and the way to the "
    "data mean (blue) or to the nearest arm (orange)."
)
ALT = "Two curves over the noise level: one rises from 0 to 1, the other falls; they cross near sigma 0.14."


def draw(fig: Figure) -> None:
    levels = torch.logspace(-2, 0.5, 40)
    arm = data.spiral(2000).x
    x0 = SPIRAL.sample(1000, seeded())[0]
    z = torch.randn(x0.shape, generator=seeded(1))

    def cosines(sigma: float) -> tuple[float, float]:
        x = x0 + sigma * z
        step = D(x, sigma) - x
        near = arm[torch.cdist(x, arm).argmin(1)]
        both = (torch.nn.functional.cosine_similarity(step, to - x).mean() for to in (SPIRAL.mean.expand_as(x), near))
        return tuple(float(c) for c in both)  # type: ignore[return-value]

    mean, near = zip(*(cosines(float(s)) for s in levels), strict=True)
    ax = fig.subplots()
    plots.curve(ax, levels, torch.tensor(mean), "to the data mean", LIGHT.exact)
    plots.curve(ax, levels, torch.tensor(near), "to the nearest arm", LIGHT.sample)
    ax.axvline(0.142, color=LIGHT.faint, linestyle="--")
    ax.set(xscale="log", xlabel="noise level σ", ylabel="mean cosine", ylim=(-0.1, 1.05))
    plots.legend(ax)
