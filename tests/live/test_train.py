"""The training inside a page, run under node, against torch: gradients, steps, averages, and where it ends."""

import copy
import json
import os
import subprocess
from pathlib import Path

import pytest
import torch
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from tests.support.external import node
from toycore import data, exact, metrics, precondition, training
from toycore.live import engine, lattice, modules
from toycore.sigmas import log_uniform
from toycore.types import seeded

TEST = Path(__file__).parent / "js" / "train.test.mjs"
TRAIN = modules.ROOT / "train"
POINTS = data.spiral()
STEPS, BATCH, LR, LONG = 20, 160, 2e-2, 300  # 160: a block and a part of one
ASKED = [(0.02, -1), (0.5, -1), (8.0, -1)]


def draws(source, dropout: float, rng) -> list[tuple]:
    """What the steps of a training draw: points, noise, levels, labels with some dropped."""

    def one():
        x0, label = training.sampler_of(source)(BATCH, rng)
        label = None if label is None else training.drop(label, dropout, rng)
        return x0, torch.randn(x0.shape, generator=rng), log_uniform(BATCH, 0.01, 10, rng), label

    return [one() for _ in range(STEPS)]


def case(name: str, source, arrays: dict) -> dict:
    """Train a network of torch's for some steps, and keep all that node needs to do the same."""
    rng = seeded(1)
    D = training.model(source, rng=rng)
    made = draws(source, 0.1, rng)
    labels, batches = bool(D.net.classes), iter(made)

    def keep(what: str, value: torch.Tensor) -> None:
        arrays[f"{name}/{what}"] = value.detach()

    def objective(draw=None, model=D):
        x0, eps, sigma, label = draw or next(batches)
        return training.weighted_error(model, x0, eps, sigma, label if labels else None)

    keep("frequencies", D.net.frequencies), keep("start", parameters_to_vector(D.parameters()))
    walk = list(training.descend(D, objective, STEPS, LR))
    keep("end", parameters_to_vector(D.parameters())), keep("average", parameters_to_vector(walk[-1].D.parameters()))
    for what, column in zip(("x0", "eps", "sigma"), zip(*made)):
        keep(what, torch.cat(column))
    if labels:
        keep("label", torch.cat([label for *_, label in made]).int())
    late = later(D, rng)
    keep("late", parameters_to_vector(late.parameters()))
    value, gradient = exact_gradient(late, objective, made[0])
    keep("gradient", gradient)
    asked, x = ASKED + [(0.3, c) for c in range(D.net.classes)], made[0][0] + 0.3 * made[0][1]
    keep("x", x)
    for k, (sigma, label) in enumerate(asked):
        keep(f"hat{k}", late(x, sigma, label))
    config, s = D.net.config, D.sigma_data
    shape = {k: config[k] for k in ("width", "depth", "classes", "features", "scale")} | {
        "s": s,
        "mean": D.mean.tolist(),
    }
    return dict(name=name, shape=shape, batch=BATCH, labels=labels, asked=asked, value=value,
                sizes=[p.numel() for p in D.parameters()], losses=[p.loss for p in walk])  # fmt: skip


def later(D, rng) -> precondition.Preconditioned:
    """A network whose layers all have a gradient: the last one starts at 0, so that at first the others have none."""
    late = copy.deepcopy(D)
    with torch.no_grad():
        for p in late.parameters():
            p += 0.1 * torch.randn(p.shape, generator=rng)
    return late


def exact_gradient(D, objective, draw) -> tuple[float, torch.Tensor]:
    """The loss and its gradient in float64."""
    double = copy.deepcopy(D).double()
    x0, eps, sigma, label = draw
    value = objective((x0.double(), eps.double(), sigma.double(), label), double)
    value.backward()
    return float(value.detach()), torch.cat([p.grad.flatten() for p in double.parameters()]).float()


@pytest.fixture(scope="module")
def golden(tmp_path_factory) -> Path:
    folder, arrays = tmp_path_factory.mktemp("train"), {"points": POINTS.x}
    cases = [case("points", POINTS, arrays), case("classes", data.spiral(classes=3), arrays)]
    index, raw = lattice.pack(arrays)
    said = dict(cases=cases, steps=LONG, index=index)
    (folder / "golden.bin").write_bytes(raw)
    (folder / "golden.json").write_text(json.dumps(said))
    return folder


@pytest.fixture(scope="module")
def reference() -> float:
    """The field error where torch's network ends from the same first weights: a mean of two, each to about 3 %."""

    def end(seed: int) -> float:
        walk = training.train(training.model(POINTS, rng=seeded(1)), POINTS, LONG, rng=seeded(seed))
        *_, last = walk
        return error_of(last.D)

    return (end(100) + end(101)) / 2


def error_of(D) -> float:
    return float(metrics.field_error(D, POINTS, rng=seeded(1)).mean())


@pytest.mark.parametrize("kernels", ["js", "simd", "fma"])
def test_training_in_the_page_is_torchs(golden, reference, kernels):
    environment = {**os.environ, "TOYCORE_GOLDEN": str(golden), "TOYCORE_KERNELS": kernels}
    done = subprocess.run([node(), "--test", str(TEST)], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    exam = json.loads((golden / "exam.json").read_text())
    judge(json.loads((golden / "trained.json").read_text()), exam, reference)


def judge(trained: dict, exam: dict, reference: float) -> None:
    """The page's exact answer is ours, its field error is that of its network in torch, and as small as torch's own."""
    x, x0, sigma = torch.tensor(exam["x"]).reshape(-1, 2), torch.tensor(exam["x0"]).reshape(-1, 2), exam["sigma"]
    assert sorted(set(sigma)) == pytest.approx(metrics.LEVELS.tolist())
    want = exact.posterior_mean(POINTS)(x, torch.tensor(sigma))
    assert float((x0 - want).norm() / want.norm()) < 1e-5
    D = training.model(POINTS, rng=seeded(1))
    vector_to_parameters(torch.tensor(trained["average"]), D.parameters())
    off, size = (D(x, torch.tensor(sigma)).detach() - want) ** 2, (x - want) ** 2
    levels = off.reshape(20, -1).sum(1) / size.reshape(20, -1).sum(1)
    assert trained["error"] == pytest.approx(float(levels.mean()), rel=1e-3)
    assert error_of(D) == pytest.approx(reference, rel=0.1)


def test_the_kernels_are_small_enough_to_travel():
    """What a page carries to write its WebAssembly is at most 15 kB, and pages without a training carry none of it."""
    parts = [modules.scoped(path, path.read_text("utf-8")) for path in (TRAIN / "wasm.js", TRAIN / "kernel.js")]
    assert sum(map(len, parts)) <= 15_000
    for scene in (modules.ROOT / "scenes").glob("*.js"):
        assert ("$train_" in engine.module(scene.stem)) == (scene.stem in ("playground", "room"))
