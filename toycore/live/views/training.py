"""The training view: snapshots of a network's field while it learns, sent as they come."""

import warnings
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, cast

import numpy as np
import torch
import traitlets as t

from toycore import fields, samplers
from toycore import training as trainer
from toycore.checks import named
from toycore.live import formula, lattice, payload, stills
from toycore.live.controls import ARROWS, LAYERS, SIGMA, slider
from toycore.live.engine import View
from toycore.live.payload import Payload
from toycore.mixtures import Source
from toycore.sigmas import log_uniform
from toycore.style import LIGHT
from toycore.types import Denoiser, seeded

NODES, KNOTS = 20_000, 14  # the lattice of one snapshot: 80 kB
KEPT = 1, 3, 10, 20, 40, 70, 110, 160, 230, 320, 450, 600, 800  # the steps that are kept, and every 500th
SNAPSHOT = slider("snapshot", "training step", 0, "last", 1, 0.0, digits=0, names="step")
PLAY = {"role": "snapshot", "from": 0, "to": "last", "by": 1, "seconds": 6}


class Learning(View):
    """A live view of a training: `follow` a walk of `training.Progress` and the picture moves while it runs."""

    news = t.Dict().tag(sync=True)  # the latest snapshot alone: {"index": ..., "buffer": bytes}

    def __init__(self, shown: Payload, start: dict[str, Any]) -> None:
        self._steps: list[int] = []
        self._losses: list[float] = []
        self.D: Denoiser | None = None  # the averaged model, as it stands
        self.floor: float | None = None  # the loss of the exact posterior mean
        controls = [SNAPSHOT, SIGMA.at(0.2), ARROWS, *LAYERS]
        meta = {"play": PLAY, "layout": "below", "aspect": 1.6, "rule": formula.rule(samplers.ddim)}
        super().__init__("training", "A network learns the field", shown, controls, still, start, **meta)

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
            for progress in trained(walk):
                losses.append(progress.loss)
                yield progress
                if progress.step in KEPT or progress.step % 500 == 0:
                    self._keep(progress, losses)
        finally:
            if progress and losses:
                self._keep(progress, losses)
            self._send_all()

    def _keep(self, progress: trainer.Progress, losses: list[float]) -> None:
        """Store a snapshot and send it alone: the page adds it to what it has."""
        name = f"T/{len(self._steps)}"
        if self.floor is None:
            self.floor = floor(progress.D, self.payload)
        self.D = progress.D
        self._steps.append(progress.step)
        self._losses.append(float(np.mean(losses)))
        losses.clear()
        self.payload.arrays[name] = self.payload.lattice(progress.D)
        index, buffer = lattice.pack(self._curve() | {name: self.payload.arrays[name]})
        self.news = {"index": index, "buffer": buffer}
        self.snapshot = len(self._steps) - 1

    def _curve(self) -> dict[str, np.ndarray]:
        curve = {"loss": np.array(self._losses, np.float32), "step": np.array(self._steps, np.int32)}
        return curve | ({} if self.floor is None else {"floor": np.array([self.floor], np.float32)})

    def _send_all(self) -> None:
        index, buffer = lattice.pack(self.payload.arrays | self._curve())
        with self.hold_sync():  # one message: the page must not read new bytes by an old index
            self.meta = self.meta | {"index": index}
            self.buffer = buffer


def training(data: Source | None = None, walk: Iterable[trainer.Progress] | None = None, **start: Any) -> Learning:
    """Show field, error and loss of a network as they evolve; scrub over snapshots.

    walk: an iterator of `training.Progress`, followed at once; default trains a good model for 1,000 steps
    (seconds). With walk=() nothing is followed yet: show the view, then `D = view.follow(training.train(...))`
    in the next cell, and the picture moves while that cell runs. Values: snapshot, sigma, arrows, density,
    points, seed.
    """
    shown = payload.of(data=data, checkpoint="").with_geometry(NODES, KNOTS)
    shown.arrays["F/exact/-1"] = shown.lattice(shown.fields["exact"])
    view = Learning(shown, start)
    view.follow(usual(shown.mixture if data is None else data) if walk is None else walk)
    return view


def floor(D: Any, shown: Payload, n: int = 20_000) -> float:
    """Return the loss of `training.train` that the exact posterior mean has, weighted as D's: none is lower.

    Drawn from n noised points, on which a standard error is about 1 % of it.
    """
    rng, best = seeded(1), cast(Any, partial(shown.fields["exact"]))  # with a weight it is what a loss asks for
    if hasattr(D, "weight"):
        best.weight = D.weight
    x0, label = shown.mixture.sample(n, rng)
    known = trainer.drop(label, 0.1, rng) if getattr(getattr(D, "net", D), "classes", 0) else None
    with torch.no_grad():
        return float(trainer.loss(best, x0.float(), log_uniform(n, trainer.LOW, trainer.HIGH, rng), known, rng))


def trained(walk: Any) -> Iterator[trainer.Progress]:
    """Yield each Progress of a training; refuse what is none."""
    need = "a training yields Progress: training.train(D, data)"
    if not isinstance(walk, Iterable):
        raise TypeError(f"walk is {named(walk)}; {need}")
    for progress in walk:
        if not isinstance(progress, trainer.Progress):
            raise TypeError(f"walk yields {named(progress)}; {need}")
        yield progress


def usual(source: Source) -> Iterator[trainer.Progress]:
    """Return the training of a good model, with numbers that repeat."""
    rng = seeded()
    return trainer.train(trainer.model(source, rng=rng), source, rng=rng)


def still(view: Learning) -> Any:
    """Draw the field that is learned by now, and the loss of every snapshot."""
    from toycore import plots

    steps, losses = view.history
    fig, (left, right) = plots.figure(1, 2)
    x, _ = stills.plane(
        left, view, view.sigma, f"learned after {steps[-1] if steps else 0} steps, \u03c3 = {view.sigma:.3g}"
    )
    if view.D and view.arrows:
        with torch.no_grad():
            plots.field(left, x, -fields.noise(view.D, x, view.sigma), scale=1.0)
    plots.curve(right, torch.tensor(steps), torch.tensor(losses), color=LIGHT.learned)
    if view.floor is not None:
        right.axhline(view.floor, color=LIGHT.exact, lw=1, label=f"floor: the exact posterior's {view.floor:.2f}")
        plots.legend(right)
    right.set(title="training loss", xlabel="step", xscale="log")
    return fig
