"""Classifier guidance and classifier-free guidance side by side, asked for the middle third."""

from functools import cache

from matplotlib.figure import Figure
from torch import Tensor

from figures._scene import D3, THREE, start, table
from toycore import guidance, load, metrics, samplers, sigmas
from toycore.lessons import classifiers
from toycore.types import seeded

SIZE = (9.6, 4.6)
CAPTION = (
    "The middle third, s = 2. With exact fields the two ways are one field. Learned, they differ in what has to be "
    "trained and in the errors it makes, and cost: one more network and its gradient, or the same network twice."
)
ALT = (
    "A table with small pictures of samples on the middle arc. Both ways with exact fields have the same numbers; "
    "learned, nearly the same. Columns: second network, calls per step, own-class share, coverage."
)


@cache
def guided() -> dict[str, tuple[Tensor, str, str]]:
    """Return each way's samples, the size of its second network, and what is asked per step and sample."""
    x, grid, net = start(600, 40.0), sigmas.karras(30, 0.005, 40), load("spiral3")
    judge = classifiers.fit(THREE, steps=500, rng=seeded())
    by_class = {"exact": guidance.classifier(D3, THREE.class_log_posterior, 1, 2.0)}
    by_class["learned"] = guidance.classifier(net, judge, 1, 2.0)
    extra = {"exact": "a formula", "learned": f"{sum(p.numel() for p in judge.parameters()):,} parameters"}
    rows = {}
    for kind, D in (("exact", D3), ("learned", net)):
        drawn = [samplers.final(samplers.ddim(by_class[kind], x, grid))]
        drawn.append(samplers.final(samplers.ddim(guidance.free(D, 2.0), x, grid, 1)))
        rows[f"classifier guidance,\n{kind}"] = drawn[0], extra[kind], "1 denoiser,\n1 classifier, 1 gradient"
        rows[f"classifier-free,\n{kind}"] = drawn[1], "none", "2 denoiser"
    return rows


def measures(x: Tensor) -> list[str]:
    share, covered = metrics.own_share(x, THREE, 1), metrics.coverage(x, THREE.given(1).means)
    return [f"{share:.3f}", f"{covered:.2f}"]


def draw(fig: Figure) -> None:
    rows = {name: (x, [second, calls, *measures(x)]) for name, (x, second, calls) in guided().items()}
    table(fig, ["second network", "calls per step", "own-class share", "coverage"], rows)
