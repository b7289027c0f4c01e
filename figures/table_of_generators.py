"""One step or many, as a table: what differs is which noise must answer for which point."""

from functools import cache

from matplotlib.figure import Figure
from torch import Tensor

from figures._scene import DATA, SPIRAL, D, start, table
from toycore import flow, load, metrics, samplers, sigmas
from toycore.lessons import vae
from toycore.types import seeded

SIZE = (9.6, 5.6)
CAPTION = (
    "Five generators of the same spiral. Blur is no matter of the number of steps: a one-step network whose noise and "
    "data are paired is sharp, a one-step mean is a dot. (VAE and paired network: 1000 training steps each.)"
)
ALT = (
    "A table with small pictures. One best step: a dot, coverage 0. VAE: a disc. One step, paired: a spiral. DDIM and "
    "DDPM: spirals. Columns: network calls, median distance to the data, coverage, spread."
)


@cache
def generators() -> dict[str, tuple[Tensor, int]]:
    """Return each generator's samples with the number of calls of its network."""
    x, net = start(1000, 80.0), load("spiral")
    paired = flow.fit(flow.coupled(D, 5000, sigmas.karras(12, 0.01, 80.0), seeded(1)), steps=1000, rng=seeded())
    grid = sigmas.log_linear(100, 0.01, 80.0)
    return {
        "one step,\nbest under squared error": (D(x, 80.0), 1),
        "one step, VAE": (vae.fit(SPIRAL, steps=1000, rng=seeded()).sample(1000, seeded(2), noise=1.0), 1),
        "one step,\npaired by the flow": (samplers.final(samplers.ddim(paired, x, sigmas.flow(1))), 1),
        "DDIM": (samplers.final(samplers.ddim(net, x, sigmas.log_linear(20, 0.01, 80.0))), 20),
        "DDPM": (samplers.final(samplers.ddpm(net, x, grid, rng=seeded(1))), 100),
    }


def measures(x: Tensor, data: Tensor) -> list[str]:
    distance, share = metrics.distance(x, data).median(), metrics.coverage(x, DATA.x)
    return [f"{distance:.3f}", f"{share:.2f}", f"{metrics.spread(x, data):.2f}"]


def draw(fig: Figure) -> None:
    data = SPIRAL.sample(4000, seeded(3))[0]
    rows = {name: (x, [f"{calls}", *measures(x, data)]) for name, (x, calls) in generators().items()}
    table(fig, ["network calls", "distance to the data", "coverage", "spread"], rows)
