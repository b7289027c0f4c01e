"""The training view: snapshots of a network's field while it learns, sent as they come."""

import warnings
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
import traitlets as t

from toycore import training as trainer
from toycore.live import lattice, sources, stills
from toycore.live.engine import View, slider, toggle, view
from toycore.mixtures import Source

NODES, KNOTS = 20_000, 14  # the lattice of one snapshot: 80 kB
KEPT = 1, 3, 10, 20, 40, 70, 110, 160, 230, 320, 450, 600, 800  # the steps that are kept, and every 500th

CONTROLS = [
    slider("snapshot", "training step", 0, "last", 1, digits=0, names="step"),
    slider("sigma", "noise level \u03c3", 0.01, 10.0, 0.005, log=True),
    toggle("arrows", "arrows"),
    toggle("density", "density behind"),
    toggle("points", "data points"),
]


class Recorder(View):
    """A live view of a training: `follow` a walk of `training.Progress` and the picture moves while it runs."""

    news = t.Dict().tag(sync=True)  # the latest snapshot alone: {"index": ..., "buffer": bytes}

    def record(self, geometry: lattice.Geometry, arrays: dict[str, Any]) -> "Recorder":
        """Remember what snapshots are compared with; returns the view."""
        self._geometry, self._arrays = geometry, arrays
        self._steps: list[int] = []
        self._losses: list[float] = []
        return self

    @property
    def history(self) -> tuple[list[int], list[float]]:
        """The steps of the snapshots and the mean loss up to each since the one before."""
        return self._steps, self._losses

    def follow(self, walk: Iterable[trainer.Progress]) -> Any:
        """Run a training to its end, or to Ctrl-C, and return the averaged model, frozen; what is learned is kept."""
        D = None
        try:
            for progress in self.watch(walk):
                D = progress.D
        except KeyboardInterrupt:
            warnings.warn("the training was stopped; the model learned so far is kept", stacklevel=2)
        return D and D.eval().requires_grad_(False)

    def watch(self, walk: Iterable[trainer.Progress]) -> Iterator[trainer.Progress]:
        """Yield every Progress of a training unchanged and keep snapshots on the way: for a loop of your own."""
        losses: list[float] = []
        progress = None
        try:
            for progress in walk:
                losses.append(progress.loss)
                yield progress
                if progress.step in KEPT or progress.step % 500 == 0:
                    self._keep(progress, losses)
        finally:
            if progress and losses:
                self._keep(progress, losses)
            index, buffer = lattice.pack(self._arrays | self._history())
            with self.hold_sync():  # one message: the page must not read new bytes by an old index
                self.meta = self.meta | {"index": index}
                self.buffer = buffer

    def _keep(self, progress: trainer.Progress, losses: list[float]) -> None:
        """Store a snapshot and send it alone: the page adds it to what it has."""
        name = f"T/{len(self._steps)}"
        self._steps.append(progress.step)
        self._losses.append(float(np.mean(losses)))
        losses.clear()
        self._arrays[name] = lattice.lattice(progress.D, self._geometry)
        index, buffer = lattice.pack(self._history() | {name: self._arrays[name]})
        self.news = {"index": index, "buffer": buffer}
        self.snapshot = float(len(self._steps) - 1)

    def _history(self) -> dict[str, np.ndarray]:
        return {"loss": np.array(self._losses, np.float32), "step": np.array(self._steps, np.int32)}


def training(data: Source | None = None, walk: Iterable[trainer.Progress] | None = None, **start: Any) -> Recorder:
    """Show field and loss of a network as they evolve; scrub over snapshots.

    walk: an iterator of `training.Progress`, followed at once; default trains a good model for 1,000 steps
    (seconds). With walk=() nothing is followed yet: show the view, then `D = view.follow(training.train(...))`
    in the next cell, and the picture moves while that cell runs. Values: snapshot, sigma, arrows, density,
    points, seed.
    """
    mixture, fields = sources.resolve(data, data)
    g = lattice.geometry(mixture, [fields["exact"]], NODES, KNOTS)
    known, more = sources.about(mixture)
    arrays = more | {"F/exact/-1": lattice.lattice(fields["exact"], g)}
    made = view(
        "training",
        "A network learns the field",
        CONTROLS,
        lattice.pack(arrays),
        {"role": "snapshot", "from": 0, "to": "last", "by": 1, "seconds": 6},
        partial(stills.training, mixture),
        start,
        dict(sigma=0.2),
        layout="below",
        aspect=1.6,
        cls=Recorder,
        geometry=sources.plain(g),
        fields=["exact"],
        **known,
    ).record(g, arrays)
    made.follow(_usual(mixture if data is None else data) if walk is None else walk)
    return made


def _usual(source: Source) -> Iterator[trainer.Progress]:
    """Return the training of a good model, with numbers that repeat."""
    rng = torch.Generator().manual_seed(0)
    return trainer.train(trainer.model(source, rng=rng), source, rng=rng)
