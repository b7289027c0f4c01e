"""Measure pictures: `python -m tests.bench_images [quality] [steps] [gpu] [--names ...] [--seeds 3] [--quick]`.

quality: train each small recipe and judge 500 samples. steps: one training step beside those of other packages, of
equal size, in one process. gpu: throughput, memory and use of the arithmetic of U-Nets of 10M and 35M, then runs of ten
minutes; on a machine without one it rehearses all that with tiny numbers. CPU time; nothing passes or fails. Of the
peers, smalldiffusion and denoising_diffusion_pytorch are left out where they are not installed (pip, --no-deps).
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
import types
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from toycore import checkpoints, networks, precondition, samplers, sigmas, training
from toycore.images import data, judge, loop, recipes
from toycore.images.unet import UNet

QUALITY = {  # recipe: (steps, walk)
    "digits-mlp": (2000, samplers.ddim), "digits": (300, samplers.ddim), "digits-dit": (400, samplers.ddim),
    "strokes": (300, samplers.ddim), "strokes-latent": (3000, samplers.ddim), "shapes": (1500, samplers.ddim),
}  # fmt: skip


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def cpu(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


# ---- quality -------------------------------------------------------------------------------------


def references(name: str) -> tuple[nn.Module, Tensor, Tensor, Tensor]:
    """The judge of a set, 1,297 real pictures, 500 others and what these show."""
    if name == "digits":
        known, other = data.split(data.digits(), recipes.HELD)
    else:
        known, other = data.load(name, n=1297, seed=7), data.load(name, n=500, seed=8)
    asked = recipes.questions(name, other.labels)
    return checkpoints.load(f"{name}-judge"), data.to_unit(known.images), data.to_unit(other.images), asked


def labels_for(name: str) -> Tensor:
    return torch.randint(len(data.CAPTIONS), (500,), generator=rng(3)) if name == "shapes" else torch.arange(500) % 10


def row(title: str, scores: judge.Scores, floor: float, *more: str) -> None:
    told = " ".join(f"{a:.3f}" for a in scores.accuracy)
    line = f"{title:28} {told:>24} {scores.frechet:7.3f} {scores.frechet / floor:8.2f}"
    print(line, f"{scores.precision:9.3f} {scores.recall:7.3f} {scores.inception:6.2f} ", *more, flush=True)


def quality(names: list[str], seeds: int, quick: bool) -> None:
    """Train, sample, judge; FD has the distance of 500 held-out pictures beside it, the floor."""
    print(f"{'':28} {'accuracy':>24} {'FD':>7} {'FD/floor':>8} {'precision':>9} {'recall':>7} {'IS':>6}   CPU s")
    for name in names:
        steps, walk = QUALITY[name]
        recipe = recipes.find(name)
        J, real, other, asked = references(recipe.data)
        floor = judge.score(J, other, asked, real)
        row(f"real {recipe.data}, held out", floor, floor.frechet)
        for seed in range(seeds):
            plan = recipe.plan._replace(steps=20 if quick else steps, seed=seed)
            x, labels, names = recipes.source(recipe)
            D = precondition.from_velocity(recipe.net(tuple(x.shape[1:]), names, rng(seed)))
            (*_, last), spent = cpu(lambda D=D, x=x, labels=labels, plan=plan: list(loop.train(D, x, labels, plan)))
            want = labels_for(recipe.data)
            start = 80 * torch.randn(500, *x.shape[1:], generator=rng(5 + seed))
            made = recipes.decoder(recipe)(samplers.final(walk(last.D, start, sigmas.karras(20, 0.02, 80.0), want)))
            scores = judge.score(J, made, recipes.questions(recipe.data, want), real)
            size = networks.count_params(D) / 1e6
            row(f"{name}, seed {seed}", scores, floor.frechet, f"{spent:.0f} ({plan.steps} steps, {size:.2f}M)")


# ---- step time -----------------------------------------------------------------------------------


class StandIn(types.ModuleType):
    """A module of which everything can be asked and nothing matters: what peers import for their own training loops."""

    __path__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        nothing = lambda *args, **words: None  # noqa: E731
        parts = ("__init__", "Compose", "RandomHorizontalFlip", "ToTensor", "Lambda")
        return type(name, (), dict.fromkeys(parts, nothing))


def with_stand_ins(work: Callable[[], nn.Module]) -> nn.Module | None:
    names = ["torchvision", "torchvision.transforms", "torchvision.utils", "ema_pytorch", "accelerate", "pytorch_fid"]
    missing = [name for name in names if name.split(".")[0] not in sys.modules and not find_spec(name.split(".")[0])]
    sys.modules.update({name: StandIn(name) for name in missing})
    try:
        return work()
    except ImportError as error:
        print(f"left out: {error}")
        return None
    finally:
        for name in missing:
            del sys.modules[name]


def diffusers() -> nn.Module:
    from diffusers import UNet2DModel

    kinds = [("DownBlock2D", "AttnDownBlock2D", "DownBlock2D"), ("UpBlock2D", "AttnUpBlock2D", "UpBlock2D")]
    words = dict(zip(("down_block_types", "up_block_types"), kinds), layers_per_block=1, norm_num_groups=8)
    net = UNet2DModel(sample_size=32, block_out_channels=(48, 96, 96), **words)
    return Called(net, lambda net, x, t: net(x, t).sample)


def smalldiffusion() -> nn.Module:
    from smalldiffusion import Unet

    net = Unet(32, 3, 3, ch=32, ch_mult=(1, 2, 4), num_res_blocks=1, attn_resolutions=(16,), dropout=0.0)
    return Called(net, lambda net, x, t: net(x, t))


def lucidrains() -> nn.Module:
    from denoising_diffusion_pytorch.denoising_diffusion_pytorch import Unet

    return Called(Unet(dim=32, dim_mults=(1, 2, 4)), lambda net, x, t: net(x, t))


class Called(nn.Module):
    """A peer's network with the call of ours, (u, level)."""

    def __init__(self, net: nn.Module, call: Callable[..., Tensor]) -> None:
        super().__init__()
        self.net, self.call = net, call

    def forward(self, u: Tensor, level: Tensor, label: None = None) -> Tensor:
        return self.call(self.net, u, level)


def step_times(rounds: int, batch: int = 16) -> None:
    """One step: loss, gradients, AdamW; 32x32 RGB; interleaved, median of CPU seconds."""
    nets: dict[str, nn.Module] = {"ours, behind a 2x2 fold": UNet(3, 80, (1, 2), 2)}
    nets["diffusers"] = diffusers()  # first: it asks who else is installed
    for peer in (smalldiffusion, lucidrains):
        if net := with_stand_ins(peer):
            nets[peer.__name__] = net
    x0, sigma, eps = torch.randn(batch, 3, 32, 32), torch.ones(batch), torch.randn(batch, 3, 32, 32)
    steps = {}
    for name, net in nets.items():
        for low in (False, True):
            steps[name, low] = one_step(precondition.from_velocity(net), x0, sigma, eps, low)
    seconds: dict[tuple[str, bool], list[float]] = {key: [] for key in steps}
    for _ in range(rounds + 1):  # the first warms up
        for key, step in steps.items():
            seconds[key].append(cpu(step)[1])
    print(f"\n{f'step of {batch}, 32x32 RGB':28} {'params':>8} {'ms fp32':>9} {'ms bf16':>9} {'ratio':>7} {'ratio':>7}")
    first = {low: statistics.median(seconds["ours, behind a 2x2 fold", low][1:]) for low in (False, True)}
    for name, net in nets.items():
        a, b = (statistics.median(seconds[name, low][1:]) for low in (False, True))
        size = networks.count_params(net) / 1e6
        print(f"{name:28} {size:7.2f}M {a * 1e3:9.0f} {b * 1e3:9.0f} {first[False] / a:7.2f} {first[True] / b:7.2f}")
    print("ratio: our time over theirs, fp32 and bf16")


def one_step(D: nn.Module, x0: Tensor, sigma: Tensor, eps: Tensor, low: bool) -> Callable[[], None]:
    optimizer = torch.optim.AdamW(D.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        with torch.autocast(x0.device.type, torch.bfloat16, enabled=low):
            value = training.weighted_error(D, x0, eps, sigma)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()

    return step


# ---- a GPU ---------------------------------------------------------------------------------------

PEAK = 990e12  # dense bf16 operations per second of an H100 or H200, by its data sheet


def gpu(out: Path) -> None:
    """Throughput, memory, share of the peak at 10M and 35M; then ten minutes each of strokes and shapes."""
    real = torch.cuda.is_available()
    device = torch.device("cuda" if real else "cpu")
    print(f"\n{torch.cuda.get_device_name() if real else 'no GPU here: a rehearsal with tiny numbers'}")
    for title, net in {"10M": UNet(3, 160, (1, 2), 2), "35M": UNet(3, 192, (1, 2, 3))}.items():
        throughput(title, net.to(device), 512 if real else 2, 60 if real else 2)
    for name in ("strokes", "shapes"):
        words = ["--steps", "20000" if real else "2", "--batch", "1024" if real else "4", "--every", "2000"]
        ten_minutes(name, out / name, words, 600 if real else 60)


def throughput(title: str, net: nn.Module, batch: int, steps: int) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    device = next(net.parameters()).device
    if device.type == "cuda":
        net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    D, x = (
        precondition.from_velocity(net),
        torch.randint(0, 256, (4 * batch, 3, 32, 32), dtype=torch.uint8, device=device),
    )
    with FlopCounterMode(display=False) as count, torch.no_grad():
        D(data.to_unit(x[:1]), 1.0)
    walk = loop.train(D, x, torch.full((len(x),), -1, device=device), loop.Plan(2 * steps, batch))
    for _ in range(steps):  # compiles, warms up
        next(walk)
    begun = time.perf_counter()  # `loss` is read at every step, so the device has finished
    for _ in range(steps):
        next(walk)
    speed = steps * batch / (time.perf_counter() - begun)
    memory = torch.cuda.max_memory_allocated() / 2**30 if device.type == "cuda" else float("nan")
    used = 3 * count.get_total_flops() * speed / PEAK  # backward costs twice forward
    print(f"{title}: {speed:,.0f} images/s, {memory:.1f} GiB, {used:.1%} of {PEAK / 1e12:.0f} TFLOP/s", flush=True)


def ten_minutes(name: str, out: Path, words: list[str], seconds: float) -> None:
    """Run the trainer as a student would, stop it as one would, judge what it left."""
    process = subprocess.Popen([sys.executable, "-m", "toycore.images.train", name, "--out", str(out), *words])
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(2)  # Ctrl-C: the trainer keeps what it has learned
        process.wait(120)
    D, card = checkpoints.load(out / "model.safetensors"), json.loads((out / "card.json").read_text())
    recipe = recipes.find(name)
    J, real, other, asked = references(recipe.data)
    floor, want = judge.score(J, other, asked, real).frechet, labels_for(recipe.data)
    shape = recipes.source(recipe)[0].shape[1:]
    start = 80 * torch.randn(500, *shape, generator=rng(5))
    made = recipes.decoder(recipe)(samplers.final(samplers.heun(D, start, sigmas.karras(20, 0.02, 80.0), want)))
    row(f"{name}, {card['steps']} steps", judge.score(J, made, recipes.questions(recipe.data, want), real), floor)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", nargs="*", help="quality, steps, gpu (default: quality and steps)")
    parser.add_argument("--names", nargs="*", choices=QUALITY, default=list(QUALITY), help="of quality: which recipes")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="a rehearsal: few steps, one round")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"), help="folder of the runs of ten minutes")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    what = asked.what or ["quality", "steps"]
    if "quality" in what:
        quality(asked.names, asked.seeds, asked.quick)
    if "steps" in what:
        step_times(1 if asked.quick else 7)
    if "gpu" in what:
        gpu(asked.out)


if __name__ == "__main__":
    main()
