"""The playground: draw the data, see the exact field at once, train a network in the page, see the truth beside it."""

import math
from base64 import urlsafe_b64encode
from functools import cache
from typing import Any

import numpy as np
import torch
import traitlets as t
from torch import Tensor
from torch.nn.utils import vector_to_parameters

from toycore import data as sets
from toycore import exact, fields, metrics, mixtures, networks, samplers
from toycore.checks import finite
from toycore.live import engine, formula, lattice, payload
from toycore.live.controls import ARROWS, LAYERS, SIGMA, Control, choice, slider, toggle
from toycore.live.engine import View
from toycore.live.payload import Payload
from toycore.precondition import Preconditioned
from toycore.types import Denoiser, seeded

HALF, MOST = 1.2, 2000  # half a side of the box that is drawn in; points at most
STD = 0.02  # of the Gaussians along a smooth curve
COLOURS = "blue", "green", "purple"  # the classes by the pens they are drawn with
ABOUT = (
    "Draw with the mouse or a finger. With the keyboard: shift and arrows move the pen, Enter puts it down and lifts "
    "it, T trains, Ctrl+Z takes back. The exact field is a formula of your points; the network has only seen noise "
    "added to them."
)


def controls() -> list[Control]:
    """Return the values of the playground: the level first, then what one draws and how the network is trained."""
    net = [
        choice("network", "network", {"small": "32 \u00d7 2, at once", "full": "64 \u00d7 3, the course's"}),
        slider("width", "width", 4, 128, 4, 32, digits=0, whole=True),
        slider("depth", "depth", 1, 4, 1, 2, digits=0, whole=True),
        slider("features", "Fourier features", 0, 96, 4, 48, digits=0, whole=True),
        slider("fineness", "fineness of the features", 0.5, 10, 0.5, 6.0, digits=1),
        slider("steps", "training steps", 50, 4000, 50, 600, digits=0, whole=True),
        slider("rate", "learning rate", 0.001, 3.0, 0.05, 0.02, log=True),
    ]
    labelled = [
        slider("dropout", "label dropout", 0.0, 0.5, 0.05, 0.1),
        choice("label", "class of the samples", {-1: "all", **dict(enumerate(COLOURS))}),
        slider("guidance", "guidance s", 0.0, 5.0, 0.1, 1.0, digits=1),
    ]
    kind = choice("smooth", "strokes are", {False: "points", True: "a smooth curve"})
    beside = choice("beside", "beside it", {"error": "its error", "kept": "a network that was kept"})
    layers = [ARROWS, LAYERS[0], toggle("copies", "copies: nearest drawn points", False)]
    return [SIGMA.at(0.1), kind, *net, *(each.shown_if(classes=[2, 3]) for each in labelled), beside, *layers]


class Drawn(t.TraitType[Any, Any]):
    """Points of the plane to 1/1000 of the box's side: a tensor `[n, 2]` here, pairs of numbers in the page."""

    def validate(self, view: Any, value: Any) -> Tensor:
        x = torch.as_tensor(value, dtype=torch.float32) if len(value) else torch.zeros(0, 2)
        if x.ndim != 2 or x.shape[1] != 2 or len(x) > MOST:
            raise ValueError(f"points has shape {tuple(x.shape)}; give at most {MOST} points of the plane, [n, 2]")
        finite(x, "points")
        if len(x) and x.abs().max() > HALF + 1e-6:
            far = float(x.abs().max())
            raise ValueError(
                f"a point lies {far:.3g} from the middle; the box ends at {HALF}: data.into_box(x) scales x"
            )
        return snapped(x)


def snapped(x: Tensor) -> Tensor:
    """Return points on the grid of 1/1000 of the box's side, as a link holds them and the page trains on them."""
    return (2 * HALF * (x.double() / (2 * HALF) * 1000).round() / 1000).float()


class Playground(View):
    """A live playground: `points` `[n, 2]` is what is drawn, synced both ways; `labels` `[n]` are its classes."""

    points = Drawn(torch.zeros(0, 2)).tag(sync=True, to_json=lambda x, _: x.tolist(), from_json=lambda x, _: x)
    labels = t.List(t.Int()).tag(sync=True)
    strokes = t.List(t.Int()).tag(sync=True)  # how many points each stroke has
    learned = t.Dict().tag(sync=True)  # the page's network: its shape, frequencies and averaged weights
    loaded = t.Dict().tag(sync=True)  # a Denoiser of Python's, as a lattice

    def __init__(self, points: sets.Points, start: dict[str, Any]) -> None:
        box = {"centre": [0.0, 0.0], "half": HALF}
        shown = Payload(meta={"box": box, "narrow": STD, "classes": 1, "fields": ["exact"], "own": []})
        rule = formula.rule(samplers.ddim)
        look = {
            "rule": rule,
            "experiments": experiments(),
            "layout": "below",
            "aspect": 2.0,
            "about": ABOUT,
            "hint": "Draw anything, then train",
        }
        drawn = {"points": points.x, "labels": points.label.tolist(), "strokes": runs(points)}
        super().__init__("playground", "Draw your own data", shown, controls(), still, start, **look)
        with self.hold_sync():
            for name, value in drawn.items():
                setattr(self, name, value)

    def plain(self) -> dict[str, Any]:
        """Return the state that the page needs as JSON-ready values."""
        own = {name: getattr(self, name) for name in ("labels", "strokes")}
        return super().plain() | own | {"points": self.points.tolist()}

    @property
    def source(self) -> Any:
        """What a training learns from: the points, or small Gaussians at them where they stand for a smooth curve."""
        label = torch.tensor(self.labels if len(self.labels) == len(self.points) else [0] * len(self.points))
        used, own = label.unique(return_inverse=True)
        if self.smooth:
            return mixtures.GaussianMixture(self.points, STD, label=own)
        return sets.Points(self.points, own, tuple(COLOURS[int(c)] for c in used) if len(used) > 1 else ("all",))

    def trained(self) -> Preconditioned:
        """Return the page's network, averaged as `training.fit` averages, as a Denoiser of toycore."""
        if not self.learned:
            raise ValueError("no network is trained in the page yet; press Train, wait for its end, then ask again")
        shape = self.learned["shape"]
        width, depth, classes, features = (int(shape[name]) for name in ("width", "depth", "classes", "features"))
        net = networks.MLP(2, width, depth, classes, features, float(shape["scale"]))
        net.frequencies.copy_(numbers(self.learned["frequencies"]).reshape(2, -1))
        D = Preconditioned(net, float(shape["s"]), torch.tensor(shape["mean"], dtype=torch.float32))
        vector_to_parameters(numbers(self.learned["weights"]), D.parameters())
        return D.eval().requires_grad_(False)

    def load(self, D: Denoiser, name: str = "trained by torch") -> None:
        """Show a Denoiser beside the page's network, with its samples and its field error on the drawn points."""
        payload.denoiser(D, name)
        if len(self.points) < 2:
            raise ValueError(f"{len(self.points)} points are drawn; a Denoiser is measured against two or more")
        source = self.source
        shown = Payload(mixtures.of(source), {"F": D}).with_geometry(60_000, 20)
        index, buffer = lattice.pack({"F": shown.lattice(D)})
        error = float(metrics.field_error(D, source, rng=seeded(1)).mean())
        geometry = shown.meta["geometry"]
        self.loaded = {"name": name, "geometry": geometry, "error": error, "index": index, "buffer": buffer}


def numbers(raw: Any) -> Tensor:
    """Return the float32 numbers of some bytes."""
    return torch.from_numpy(np.frombuffer(bytes(raw), np.float32).copy())


def runs(points: sets.Points) -> list[int]:
    """Return how many points each stroke has: one stroke per class, as its points stand in a row."""
    label = points.label.tolist()
    ends = [i for i in range(1, len(label)) if label[i] != label[i - 1]]
    return [b - a for a, b in zip([0, *ends], [*ends, len(label)])] if label else []


def packed(points: Tensor) -> str:
    """Return points `[n, 2]` as a link holds them (page/address.js): n, then differences in thousandths of the box's
    side, as variable-length integers in base64url.
    """
    q = (points.double() / (2 * HALF) * 1000).round().long()
    steps = torch.cat([q[:1], q.diff(dim=0)]).flatten().tolist()
    raw = b"".join(varint(n) for n in [len(points), *(2 * d if d >= 0 else -2 * d - 1 for d in steps)])
    return urlsafe_b64encode(raw).decode().rstrip("=")


def varint(n: int) -> bytes:
    """Return a whole number, seven bits a byte, the lowest first."""
    return bytes([n]) if n < 128 else bytes([n % 128 + 128]) + varint(n // 128)


def link(points: sets.Points, **values: Any) -> str:
    """Return what stands after the # of the address that trains on these points, with these values of the view."""
    sizes = runs(points)
    firsts = [sum(sizes[:i]) for i in range(len(sizes))]
    strokes = [len(sizes), *(n for size, i in zip(sizes, firsts) for n in (size, int(points.label[i])))]
    state = values | {"strokes": ",".join(map(str, strokes)), "trained": True}
    text = "&".join(f"{name}={'on' if value is True else value}" for name, value in state.items())
    return f"{text}&drawn=~{packed(points.x)}"


@cache
def experiments() -> list[tuple[str, str]]:
    """Return five experiments to begin with: what each is called, and its link."""
    spiral, few = sets.spiral(100), sets.spiral(12)
    large = {"network": "full", "width": 64, "depth": 3, "rate": 0.02}
    tiny = {"width": 8, "depth": 1, "features": 24, "fineness": 1.0}
    return [
        ("Memorise: 12 points, 64 \u00d7 3", link(few, **large, steps=2000, sigma=0.05)),
        ("Generalise: a smooth curve", link(spiral, smooth=True, **large, features=24, fineness=2.5, steps=1000)),
        ("Too small: 8 \u00d7 1", link(spiral, **tiny)),
        ("Too fast: rate 1", link(spiral, rate=1.0)),
        ("Two classes, guided", link(sets.Points(two_moons(), torch.arange(2).repeat_interleave(50), ("blue", "green")),
                                     **large, steps=1000, label=1, guidance=2)),
    ]  # fmt: skip


def two_moons(n: int = 50) -> Tensor:
    """Return two half circles in a row, `[2 n, 2]`, in order along each."""
    angle = torch.linspace(0, math.pi, n)
    upper = torch.stack([0.62 * angle.cos() - 0.31, 0.62 * angle.sin() - 0.16], 1)
    return torch.cat([upper, -upper])


def playground(data: Any = None, **start: Any) -> Playground:
    """Show a place to draw data, with the exact field of what is drawn and a network that trains in the page.

    data: Points or a tensor [n, 2] to begin with, in the box |x|, |y| <= 1.2; default the spiral. `view.points` is
    what is drawn, `view.source` what a training learns from, `view.trained()` the page's network as a Denoiser,
    `view.load(D)` shows another one beside it. Values: sigma, smooth (False: points), network ("small", "full"),
    width, depth, features, fineness, steps, rate, dropout, label, guidance, beside, arrows, density, copies, seed.
    """
    points = sets.spiral(100) if data is None else data
    if isinstance(points, Tensor):
        points = sets.Points(points, torch.zeros(len(points), dtype=torch.long), ("all",))
    if not isinstance(points, sets.Points):
        raise TypeError(f"data is a {type(data).__name__}; give Points or a tensor [n, 2], such as data.moons().x")
    if len(points.names) > len(COLOURS):
        raise ValueError(f"the data have {len(points.names)} classes; the playground has {len(COLOURS)} pens")
    return Playground(points, start)


def room() -> str:
    """Return the page to which links are pasted: all their experiments, trained one by one, as small multiples."""
    title = "A room of experiments"
    return engine.page(title, [{"kind": "room", "meta": playground().meta | {"title": title}, "buffer": ""}])


def still(view: Playground) -> Any:
    """Draw the exact field of what is drawn, and beside it the learned one where a network is trained."""
    from toycore import plots

    drawn, x = len(view.points) > 1, plots.grid(21, 0.96 * HALF)
    shown: dict[str, Denoiser | None] = {"exact": exact.posterior_mean(view.source) if drawn else None}
    if drawn and view.learned:
        shown["learned in the page"] = view.trained()
    fig, axes = plots.figure(1, len(shown), squeeze=False)
    for ax, (name, D) in zip(axes[0], shown.items(), strict=True):
        plots.plane(ax, HALF, f"{name}, \u03c3 = {view.sigma:.3g}")
        if D and view.arrows:
            plots.field(ax, x, -fields.noise(D, x, view.sigma), scale=1.0)
        plots.points(ax, view.points, size=5)
    return fig
