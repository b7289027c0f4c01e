"""Judge the shipped model of MNIST: `python -m tools.bench_mnist [--n 500] [quality] [samplers]`.

quality: accuracy, FD and recall at some scales of guidance, against the 1,000 real digits that ship; beside them stands
what as many digits of MNIST's own training set get, where MNIST is at hand. samplers: FD against evaluations of the
network for DDIM, Heun and DPM-Solver++(2M), without guidance. CPU seconds of one thread.
"""

import argparse
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from toycore import checkpoints, guidance, samplers, sigmas
from toycore.images import judge, sets
from toycore.types import Denoiser, seeded

REAL = sets.load("mnist-test")
HEAD = f"{'':26} {'accuracy':>8} {'FD':>6} {'prec':>5} {'recall':>6} {'CPU s':>6}"


def draw(D: Denoiser, n: int, step=samplers.ddim, steps: int = 20) -> Tensor:
    """Draw n digits, 0 to 9 in turn, a hundred at a time."""
    grid, label = sigmas.karras(steps, 0.02, 80.0), torch.arange(100) % 10
    starts = (80 * torch.randn(100, 1, 28, 28, generator=seeded(5 + i)) for i in range(n // 100))
    return torch.cat([samplers.final(step(D, start, grid, label)) for start in starts])


def row(title: str, J: judge.Judge, x: Tensor, labels: Tensor, seconds: float = float("nan")) -> None:
    found = judge.score(J, x, labels[:, None], sets.to_unit(REAL.images))
    numbers = f"{found.accuracy[0]:8.3f} {found.frechet:6.2f} {found.precision:5.2f} {found.recall:6.2f} {seconds:6.1f}"
    print(f"{title:26} {numbers}", flush=True)


def quality(D: nn.Module, J: judge.Judge, n: int) -> None:
    print(f"\n{n} digits against 1,000 real ones\n{HEAD}")
    try:
        others = sets.split(sets.load("mnist"), n, seed=1)[1]
        row("of the training set", J, sets.to_unit(others.images), others.labels)
    except ConnectionError as error:
        print(str(error).splitlines()[0])
    for s in (1.0, 1.1, 1.25):
        begun = time.process_time()
        x = draw(D if s == 1 else guidance.free(D, s), n)
        row(f"made, s = {s}", J, x, torch.arange(n) % 10, time.process_time() - begun)


def compare_samplers(D: nn.Module, J: judge.Judge, n: int) -> None:
    print(f"\n{n} digits, s = 1\n{HEAD}")
    for evaluations in (6, 10, 20, 40):
        for name, step, steps in (
            ("DDIM", samplers.ddim, evaluations),
            ("Heun", samplers.heun, evaluations // 2),
            ("DPM++ 2M", samplers.dpmpp_2m, evaluations),
        ):
            begun = time.process_time()
            x = draw(D, n, step, steps)
            row(f"{name}, {evaluations} evaluations", J, x, torch.arange(n) % 10, time.process_time() - begun)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.bench_mnist", description=__doc__.split("\n")[0])
    parser.add_argument("what", nargs="*", help="quality, samplers (default: both)")
    parser.add_argument("--n", type=int, default=500, help="samples, in hundreds")
    parser.add_argument("--model", default="mnist", help="a checkpoint's name or path")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    D, J = checkpoints.load(Path(asked.model) if "." in asked.model else asked.model), checkpoints.load("mnist-judge")
    if not asked.what or "quality" in asked.what:
        quality(D, J, asked.n)
    if not asked.what or "samplers" in asked.what:
        compare_samplers(D, J, asked.n)


if __name__ == "__main__":
    main()
