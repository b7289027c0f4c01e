"""One class, five guidance scales: adherence is complete at s = 1, diversity falls beyond."""

import torch
from matplotlib.figure import Figure

from figures._scene import D3, THREE, planes, start
from toycore import guidance, plots, samplers, sigmas
from toycore.style import LIGHT

SIZE = (10.8, 2.6)
SCALES = 0.0, 1.0, 2.0, 4.0, 8.0
CAPTION = (
    "Classifier-free guidance with exact fields, class 2: s = 0 ignores the "
    "class, s = 1 is the true conditional, more overshoots."
)
ALT = (
    "Five small panels of samples on a three-coloured spiral: everywhere, on "
    "the outer arc, then more and more bunched beyond it."
)


def draw(fig: Figure) -> None:
    x, grid = start(400), sigmas.log_linear(40)
    for ax, s in zip(planes(fig, [f"s = {s:g}" for s in SCALES], three=True), SCALES, strict=True):
        D = guidance.guided(D3, guidance.unlabelled(D3), s)
        end = samplers.final(samplers.ddim(D, x, grid, 2))
        plots.points(ax, end, color=LIGHT.ink, size=4)
        share = THREE.class_log_posterior(end, torch.tensor(0.0)).exp()[:, 2].mean()
        ax.set_xlabel(f"own class {share:.0%}")
