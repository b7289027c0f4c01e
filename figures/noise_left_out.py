"""The no-noise lesson: DDPM's mean step alone collapses, DDIM needs no noise."""

from matplotlib.figure import Figure

from figures._scene import SPIRAL, D, planes, start
from toycore import metrics, plots, samplers, sigmas
from toycore.style import LIGHT
from toycore.types import seeded

SIZE = (9.6, 3.6)
CAPTION = (
    "600 samples from the same noise. DDPM covers the spiral; its mean step "
    "alone collapses; DDIM, built without noise, does not."
)
ALT = (
    "Three panels: orange samples all along the spiral, then only in a few "
    "spots near the middle, then along the spiral again."
)


def draw(fig: Figure) -> None:
    grid, x = sigmas.log_linear(100), start(600)
    ends = [samplers.final(samplers.ddpm(D, x, grid, rng=seeded(1), noise=n)) for n in (1.0, 0.0)]
    ends.append(samplers.final(samplers.ddim(D, x, grid)))
    data = SPIRAL.sample(4000, seeded(2))[0]
    names = "DDPM", "DDPM, noise left out", "DDIM"
    titles = [f"{name}: spread {metrics.spread(end, data):.2f}" for name, end in zip(names, ends, strict=True)]
    for ax, end in zip(planes(fig, titles), ends, strict=True):
        plots.points(ax, end, color=LIGHT.sample, size=7)
