"""A day on a GPU in one command: `python -m tools.gpu_day [--out runs/gpu_day] [--minutes 10]`.

Writes OUT/table.md: MNIST from nothing to the quality that ships; images per second, memory and share of the card's
peak of U-Nets of 10M and 35M on CIFAR-shaped pictures; how closely a run begun on the CPU goes on on the GPU; and
`course.py train cifar10` left to itself. Real MNIST and CIFAR-10 are used where TOYCORE_DATA (or the
download cache) has them, and drawn stand-ins elsewhere. Without a GPU everything is rehearsed with tiny numbers.
"""

import argparse
import copy
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from toycore import checkpoints, guidance, precondition, samplers, sigmas
from toycore.images import devices, judge, loop, recipes, runs, sets
from toycore.images.nets.unet import UNet
from toycore.images.plan import Plan
from toycore.types import seeded

GPU = torch.cuda.is_available()
DEVICE = torch.device("cuda" if GPU else "cpu")
PEAKS = {
    "H100": 990e12,
    "H200": 990e12,
    "A100": 312e12,
    "L40S": 362e12,
    "L4": 121e12,
    "T4": 65e12,
}  # dense bf16 (T4: fp16)
ROOT = Path(__file__).resolve().parents[1]


def peak() -> float:
    """The card's operations per second by its data sheet; not a number for others."""
    name = torch.cuda.get_device_name() if GPU else ""
    return next((value for card, value in PEAKS.items() if card in name), float("nan"))


def stand_in(name: str, other: str) -> list[str]:
    """Options of the trainer: none where the set is here (or comes by the network), else a set that is drawn."""
    try:
        sets.load(name)
    except (ConnectionError, OSError):
        return ["--data", other]
    return []


def trained(name: str, out: Path, seconds: float, options: list[str]) -> dict[str, float]:
    """Run `course.py train` as a student would, stop it as one would (Ctrl-C), and return its card."""
    command = [sys.executable, str(ROOT / "tools/run.py"), "toycore.images.train", name, "--out", str(out), *options]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        process.wait(300)
    return json.loads((out / "card.json").read_text())


# ---- MNIST ---------------------------------------------------------------------------------------


def mnist(out: Path, minutes: float) -> Iterator[str]:
    """Train for some minutes, then judge 1,000 samples beside the 1,000 real digits that ship."""
    options = stand_in("mnist", "strokes")
    small = ["--steps", "2", "--batch", "4"]
    name = "mnist-10M" if GPU else "mnist"
    steps = ["--steps", str(int(1500 * minutes)), "--every", "1000"]  # a guess of what the time allows
    card = trained(name, out / "mnist", 60 * minutes + 120, options + (steps if GPU else small))
    D = checkpoints.load(out / "mnist" / "model.safetensors").to(DEVICE)
    taken = f"{card['steps']} steps, {card['images per second']} images/s, {card['peak memory, GB']} GB"
    for s in (1.0, 1.25):
        found = verdict(D, s, 1000 if GPU else 20)
        text = f"accuracy {found.accuracy[0]:.3f}, FD {found.frechet:.2f}, recall {found.recall:.2f}"
        yield f"| MNIST{' (strokes)' if options else ''}, s = {s} | {taken} | {text} |"


def verdict(D: nn.Module, s: float, n: int) -> judge.Scores:
    """Judge n samples, drawn by 20 steps of DDIM, against the shipped real digits."""
    real, label = sets.load("mnist-test"), torch.arange(n) % 10
    G = D if s == 1 else guidance.guided(D, guidance.unlabelled(D), s)
    start = 80 * torch.randn(n, 1, 28, 28, generator=seeded(5))
    with torch.no_grad():
        x = samplers.final(samplers.ddim(G, start.to(DEVICE), sigmas.karras(20, 0.02, 80.0), label.to(DEVICE)))
    return judge.score(checkpoints.load("mnist-judge"), x.cpu(), label[:, None], sets.to_unit(real.images))


# ---- throughput ----------------------------------------------------------------------------------


def throughput() -> Iterator[str]:
    """Images per second, peak memory and share of the peak (MFU): three times the forward operations, by count."""
    goals = {"10M": (UNet(3, 160, (1, 2), 2), 10_000), "35M": (UNet(3, 192, (1, 2, 3)), 3_000)}
    for title, (net, goal) in goals.items():
        speed, operations = pace(net.to(DEVICE), 512 if GPU else 2, 60 if GPU else 2)
        memory, used = devices.peak_memory(DEVICE) / 1e9, 3 * operations * speed / peak()
        text = f"{speed:,.0f} images/s (goal {goal:,}), {memory:.1f} GB"
        share = f"{used:.0%} of {peak() / 1e12:.0f} TFLOP/s" if used == used else "the peak of this device is not known"
        yield f"| 32x32 RGB, U-Net of {title} | {text} | {share} |"


def pace(net: nn.Module, batch: int, steps: int) -> tuple[float, int]:
    """Return images per second of the training loop after a warm-up, and the operations of one forward pass."""
    from torch.utils.flop_counter import FlopCounterMode

    if GPU:
        torch.cuda.reset_peak_memory_stats()
        net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    D = precondition.from_velocity(net)
    x = torch.randint(0, 256, (4 * batch, 3, 32, 32), dtype=torch.uint8, device=DEVICE)
    with FlopCounterMode(display=False) as count, torch.no_grad():
        D(sets.to_unit(x[:1]), 1.0)
    walk = loop.train(D, x, torch.full((len(x),), -1, device=DEVICE), Plan(2 * steps, batch))
    for _ in range(steps):  # compiles, warms up
        next(walk)
    begun = time.perf_counter()  # `loss` is read at every step, so the device has finished
    for _ in range(steps):
        next(walk)
    return steps * batch / (time.perf_counter() - begun), count.get_total_flops()


# ---- resuming elsewhere --------------------------------------------------------------------------


def resumed(out: Path) -> Iterator[str]:
    """Ten steps on the CPU; five, saved, and five more on the GPU from the same batches: how far are they apart?

    Both in float32. The tolerance, a hundredth of what the second half moves, is what other kernels may cost.
    """
    pictures, plan = sets.load("strokes", n=256), Plan(10, 32, precision="float32")
    fresh = precondition.from_velocity(recipes.unet(16, 2)((1, 28, 28), pictures.names, seeded()))
    whole, path = runs.begin(copy.deepcopy(fresh), plan), out / "half.safetensors"
    for progress in walk(whole, pictures, plan, torch.device("cpu")):
        if progress.step == 5:
            runs.save(whole, plan, path)
            middle = flat(whole.D)
    half = runs.begin(copy.deepcopy(fresh).to(DEVICE), plan)
    runs.resume(half, plan, path)
    list(walk(half, pictures, plan, DEVICE))
    moved, apart = float((flat(whole.D) - middle).norm()), float((flat(half.D) - flat(whole.D)).norm())
    verdict = "agrees" if apart < moved / 100 else "DIFFERS"
    text = f"apart by {apart / moved:.1e} of what five steps move"
    losses = f"last losses {whole.losses[-1]:.4f} and {half.losses[-1]:.4f}"
    yield f"| resumed, CPU to {DEVICE.type} | {text} | {verdict} (tolerance 1e-2), {losses} |"


def flat(D: nn.Module) -> Tensor:
    return torch.cat([p.detach().cpu().flatten() for p in D.parameters()])


def walk(run: runs.Run, pictures: sets.Pictures, plan: Plan, device: torch.device) -> Iterator[loop.Progress]:
    """Train with batches drawn on the CPU, whose random numbers are not the GPU's."""
    draw = loop.batch_of

    def batch_of(step: int, x: Tensor, labels: Tensor, plan: Plan) -> loop.Batch:
        return loop.Batch(*(part.to(device) for part in draw(step, x.cpu(), labels.cpu(), plan)))

    loop.batch_of = batch_of
    try:
        yield from loop.train(run.D, pictures.images.to(device), pictures.labels.to(device), plan, run)
    finally:
        loop.batch_of = draw


# ---- unattended ----------------------------------------------------------------------------------


def unattended(out: Path, minutes: float) -> Iterator[str]:
    """Leave `course.py train cifar10` to itself."""
    options = stand_in("cifar10", "shapes")
    small = [] if GPU else ["--steps", "2", "--batch", "4"]
    card = trained("cifar10", out / "cifar10", 60 * minutes, options + small)
    images = card["steps"] * card["plan"]["batch"]  # type: ignore[index]
    text = f"{card['steps']} steps, {card['images per second']} images/s, {card['peak memory, GB']} GB"
    yield (
        f"| train cifar10{' (shapes)' if options else ''}, {minutes:g} min | {text} | loss {card['loss']:.3f},"
        f" {images / card['pictures']:.1f} epochs |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.gpu_day", description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("runs/gpu_day"))
    parser.add_argument("--minutes", type=float, default=10, help="of each long run (default: 10)")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    where = (
        torch.cuda.get_device_name() if GPU else "no GPU here: a rehearsal with tiny numbers, which measures nothing"
    )
    lines = [f"{where}, torch {torch.__version__}", "", "| what | measured | result |", "|---|---|---|"]
    parts = resumed(asked.out), throughput(), mnist(asked.out, asked.minutes), unattended(asked.out, asked.minutes)
    for row in (row for part in parts for row in part):
        lines.append(row)
        checkpoints.write_whole(asked.out / "table.md", lambda beside: Path(beside).write_text("\n".join(lines) + "\n"))
        print(row, flush=True)


if __name__ == "__main__":
    main()
