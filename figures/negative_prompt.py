"""Two formulas for a negative prompt, from the same noise."""

from matplotlib.figure import Figure

from figures._scene import D3, THREE, planes, start
from toycore import guidance, metrics, plots, samplers, sigmas
from toycore.style import LIGHT

SIZE = (9.6, 3.7)
CAPTION = (
    "Wanted: the middle arc; not wanted: the outer one. Both formulas for a negative prompt push the samples away from "
    "the outer arc, and off the wanted one too. They agree only if s_neg = s_pos - 1."
)
ALT = "Three panels of samples on a spiral in three colours: on the middle arc; inside of it; bunched near the centre."


def draw(fig: Figure) -> None:
    x, grid = start(400), sigmas.log_linear(40)
    rules = {
        "positive only, s = 1.5": guidance.negative(D3, 1, 2, 1.5, 0.0),
        "replace, s = 1.5": guidance.negative(D3, 1, 2, 1.5, form="replace"),
        "two-term, s_neg = 1": guidance.negative(D3, 1, 2, 1.5, 1.0),
    }
    for ax, D in zip(planes(fig, list(rules), extent=1.6, three=True), rules.values(), strict=True):
        end = samplers.final(samplers.ddim(D, x, grid))
        plots.points(ax, end, color=LIGHT.ink, size=4)
        ax.set_xlabel(f"mean distance {metrics.distance(end, THREE.means).mean():.2f}")
