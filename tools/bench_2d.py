"""Measure training and sampling in two dimensions against what else one would use: `course.py bench [--quick]`.

Ratios within one process on one thread, CPU time, medians of interleaved runs, so that a loaded machine
and a slow one print about the same. Not a test: nothing here passes or fails.
"""

import statistics
import sys
import time
import types
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from toycore import data, fields, metrics, mixtures, networks, plots, precondition, samplers, sigmas, training
from toycore.types import seeded

POINTS, SPIRAL = data.spiral(), mixtures.spiral()
FITS = {  # title: (source, options of training.fit)
    "toycore fit, 100 points, 1,000 steps": (POINTS, {}),
    "toycore fit, 100 points, 4,000 steps": (POINTS, dict(steps=4000, lr=1e-2)),
    "toycore fit, continuous spiral, 2,000 steps": (SPIRAL, dict(steps=2000, lr=1e-2)),
}
PEER_STEPS, HAND_STEPS = 15_000, 15_000


def cpu(work: Callable[[], object]) -> tuple[float, object]:
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def interleaved(works: dict[str, Callable[[], object]], rounds: int = 5) -> dict[str, float]:
    """Median CPU seconds of each, run in turn so that a busy spell hits all alike."""
    seconds = {name: [] for name in works}
    for _ in range(rounds + 1):  # the first round warms up
        for name, work in works.items():
            seconds[name].append(cpu(work)[0])
    return {name: statistics.median(s[1:]) for name, s in seconds.items()}


def field_error(D, source) -> float:
    return float(metrics.field_error(D, source, rng=seeded(1)).mean())


def table(title: str, head: tuple[str, ...], rows: list[tuple]) -> None:
    print(f"\n{title}\n" + "  ".join([f"{head[0]:50}", *(f"{h:>12}" for h in head[1:])]))
    for name, *cells in rows:
        shown = (c if isinstance(c, str) else f"{c:.3g}" for c in cells)
        print("  ".join([f"{name:50}", *(f"{c:>12}" for c in shown)]), flush=True)


# ---- peers ---------------------------------------------------------------------------------------


def smalldiffusion():
    """The package, or None. It imports torchvision for its pictures; for the toy a stand-in will do."""
    vision, names = types.ModuleType("torchvision"), ("Compose", "RandomHorizontalFlip", "ToTensor", "Lambda")
    vision.transforms = types.SimpleNamespace(**dict.fromkeys(names, lambda *parts: None))
    try:
        sys.modules["torchvision"] = vision
        import smalldiffusion
    except ImportError as error:
        print(f"left out: smalldiffusion ({error}); add it by pip install --no-deps smalldiffusion accelerate einops")
        return None
    finally:
        del sys.modules["torchvision"]
    return smalldiffusion


def peer_denoiser(net: nn.Module):
    """Its network predicts eps in the VE frame."""
    return lambda x, sigma, label=None: x - sigma * net(x, torch.as_tensor(sigma, dtype=x.dtype))


def peer_train(sd, steps: int) -> nn.Module:
    """The published spiral: TimeInputMLP, log-linear sigmas .005..10, full batches, AdamW 1e-3."""
    net = sd.TimeInputMLP(hidden_dims=(16, 128, 128, 128, 128, 16))
    loader = torch.utils.data.DataLoader(list(POINTS.x), batch_size=2048)
    schedule = sd.ScheduleLogLinear(N=200, sigma_min=0.005, sigma_max=10)
    sd.diffusion.tqdm = lambda steps: steps  # no bar
    for _ in sd.training_loop(loader, net, schedule, epochs=steps, lr=1e-3):
        pass
    return net


def hand_train(steps: int) -> precondition.FromNoise:
    """What one writes after reading the DDPM paper: NoiseMLP, diffusers' scheduler, batch 128, Adam 1e-3."""
    from diffusers import DDPMScheduler

    scheduler, net = DDPMScheduler(clip_sample=False), networks.NoiseMLP()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for _ in range(steps):
        x0 = POINTS.x[torch.randint(100, (128,))]
        t, eps = torch.randint(1000, (128,)), torch.randn(128, 2)
        loss = nn.functional.mse_loss(net(scheduler.add_noise(x0, eps, t), t + 1.0), eps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return precondition.from_noise(net).requires_grad_(False)


def hand_sample(D: precondition.FromNoise, n: int, steps: int) -> Tensor:
    """Its sampling loop, with diffusers' scheduler."""
    from diffusers import DDPMScheduler

    scheduler, x = DDPMScheduler(clip_sample=False), torch.randn(n, 2)
    for t in scheduler.timesteps[:steps]:
        x = scheduler.step(D.net(x, t.reshape(1) + 1.0), t, x).prev_sample
    return x


# ---- tables --------------------------------------------------------------------------------------


def bench_training(sd, quick: bool) -> None:
    """CPU seconds and field error FE of each recipe; with --quick the peers' times are extrapolated."""
    short = 1000 if quick else PEER_STEPS
    rows, base = [], None
    if sd:
        base, net = cpu(lambda: peer_train(sd, short))
        base *= PEER_STEPS / short
        FE = "(not run)" if quick else field_error(peer_denoiser(net.requires_grad_(False)), POINTS)
        rows.append(("smalldiffusion's recipe, 100 points", base, 1.0, FE))
    seconds, D = cpu(lambda: hand_train(short))
    seconds *= HAND_STEPS / short
    share, FE = seconds / base if base else "", "(not run)" if quick else field_error(D, POINTS)
    rows.append(("by hand: NoiseMLP + diffusers, 100 points", seconds, share, FE))
    for title, (source, options) in FITS.items():
        seeds = range(1 if quick else 3)
        runs = [cpu(partial(training.fit, source, **options, rng=seeded(seed))) for seed in seeds]
        seconds = statistics.median(s for s, _ in runs)
        FE = statistics.median(field_error(D, source) for _, D in runs)
        rows.append((title, seconds, f"1/{base / seconds:.0f}" if base else "", FE))
    note = f" ({PEER_STEPS} steps extrapolated from {short})" if quick else ""
    table("Training" + note, ("recipe", "CPU s", "of the peer", "FE"), rows)


def matrix_floor(net: nn.Module, rows: int, repeats: int) -> Callable[[], None]:
    """Nothing but the network's matrix products, forward, `repeats` times."""
    layers = [m.weight.detach().T.contiguous() for m in net.modules() if isinstance(m, nn.Linear)]
    inputs = [torch.randn(rows, len(w)) for w in layers]

    def work() -> None:
        for _ in range(repeats):
            for a, w in zip(inputs, layers):
                a @ w

    return work


def bench_sampling(sd, quick: bool) -> None:
    """1,000 points x DDPM steps, and the field on 25 x 25 x 50 levels; the same number of steps for all."""
    steps, rounds = (100, 3) if quick else (1000, 5)
    D = training.fit(SPIRAL, steps=20)
    hand = precondition.from_noise(networks.NoiseMLP()).requires_grad_(False)
    x, grid = torch.randn(1000, 2), sigmas.log_linear(steps)
    lattice, levels = plots.grid(25), sigmas.log_linear(50)[:-1]
    sample = {
        "toycore samplers.ddpm": lambda: samplers.final(samplers.ddpm(D, 10 * x, grid)),
        "by hand: NoiseMLP + diffusers": lambda: hand_sample(hand, 1000, steps),
        "its matrix products alone": matrix_floor(D, 1000, steps),
    }
    field = {
        "toycore fields.noise": lambda: [fields.noise(D, lattice, float(s)) for s in levels],
        "its matrix products alone": matrix_floor(D, 625, 50),
    }
    if sd:
        net = sd.TimeInputMLP(hidden_dims=(16, 128, 128, 128, 128, 16)).requires_grad_(False)
        low = grid.float()
        low[-1] = 1e-3  # its sampler divides by the last level
        sample["smalldiffusion samples"] = lambda: [None for _ in sd.samples(net, low, mu=0.5, xt=10 * x)]
        field["smalldiffusion predict_eps"] = lambda: [net.predict_eps(lattice, s.float()) for s in levels]
    for title, works in ((f"1,000 points x {steps} DDPM steps", sample), ("Field, 25 x 25 points x 50 levels", field)):
        with torch.no_grad():
            seconds = interleaved(works, rounds)
        ours = next(iter(seconds.values()))
        table(title, ("", "CPU s", "times ours"), [(name, s, s / ours) for name, s in seconds.items()])


def main(arguments: list[str]) -> None:
    torch.set_num_threads(1)
    torch.optim.Adam([torch.zeros(1)])  # loads a second's worth of modules, once
    quick, sd = "--quick" in arguments, smalldiffusion()
    bench_sampling(sd, quick)
    bench_training(sd, quick)


if __name__ == "__main__":
    main(sys.argv[1:])
