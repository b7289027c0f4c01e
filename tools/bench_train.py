"""Measure the training inside a page (under node) against torch: `python -m tools.bench_train [--quick]`.

CPU time on one thread, medians of interleaved runs in one minute, printed as ratios, so that a loaded machine and a
slow one print about the same. Not a test: nothing here passes or fails.
"""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch.nn.utils import vector_to_parameters

from toycore import data, metrics, networks, precondition, training
from toycore.types import seeded

POINTS, STEPS = data.spiral(), 1000
KERNELS = {"fma": STEPS, "simd": STEPS, "js": 150}  # how many steps of each are taken


def node(kernels: str, seed: int = 0, **order) -> dict:
    order |= {"x": POINTS.x.flatten().tolist(), "seed": seed, "kernels": kernels}
    command = ["node", str(Path(__file__).with_suffix(".mjs")), json.dumps(order)]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert said["kernels"] == kernels
    return said


def torch_fit(seed: int = 0) -> tuple[float, torch.nn.Module]:
    """CPU milliseconds a step of `training.fit`, and its network."""
    start = time.process_time()
    D = training.fit(POINTS, STEPS, rng=seeded(seed))
    return 1e3 * (time.process_time() - start) / STEPS, D


def field_error(D) -> float:
    return float(metrics.field_error(D, POINTS, rng=seeded(1)).mean())


def network_of(said: dict, width: int = 64, depth: int = 3) -> precondition.Preconditioned:
    """The page's network in torch."""
    like, frequencies = training.model(POINTS), torch.tensor(said["frequencies"]).reshape(2, -1)
    net = networks.MLP(2, width, depth, 0, frequencies.shape[1])
    net.frequencies.copy_(frequencies)
    D = precondition.Preconditioned(net, like.sigma_data, like.mean)
    vector_to_parameters(torch.tensor(said["average"]), D.parameters())
    return D.requires_grad_(False)


def speed(rounds: int) -> None:
    print(f"CPU time a step, batch 512, default network, {rounds} rounds after one to warm up")
    rows: list[dict[str, float]] = []
    for k in range(rounds + 1):
        row = {"torch": torch_fit()[0]}
        row |= {name: node(name, steps=steps)["msPerStep"] for name, steps in KERNELS.items()}
        rows += [row] if k else []
    for name in rows[0]:
        ratio = statistics.median(row[name] / row["torch"] for row in rows)
        print(
            f"  {name:6} {statistics.median(row[name] for row in rows):7.2f} ms   {ratio:5.2f} of torch's", flush=True
        )


def errors(seeds: range) -> None:
    theirs = [field_error(torch_fit(seed)[1]) for seed in seeds]
    ours = [field_error(network_of(node("simd", seed))) for seed in seeds]
    ratio = statistics.mean(ours) / statistics.mean(theirs)
    print(f"field error after {STEPS} steps, seeds {list(seeds)}: torch", *(f"{e:.4f}" for e in theirs), end=", page ")
    print(*(f"{e:.4f}" for e in ours), f"  ratio of means {ratio:.2f}", flush=True)


def first_look(seeds: range) -> None:
    for name in ("fma", "simd", "js"):
        runs = [node(name, seed, small=True, until=0.1) for seed in seeds]
        ends = [field_error(network_of(run, 32, 2)) for run in runs]
        reached = [f"{run['reached']:.2f}" if run["reached"] else "never" for run in runs]
        print(f"small network, {name}: error <= .1 after", *reached, "CPU s; ends at", *(f"{e:.3f}" for e in ends))


FIRST = """() => new Promise((done) => {
  const root = document.querySelector(".tc-view"), from = performance.now();
  root.querySelector("[data-role=train]").click();
  const look = () => {
    const { error, step, running } = root.tcTrain;
    if (error <= 0.1 || (step && !running)) done([performance.now() - from, error]);
    else setTimeout(look, 5);
  };
  look();
})"""
FRAMES = """(ms) => new Promise((done) => {
  const root = document.querySelector(".tc-view"), from = performance.now(), first = root.tcStats.frames, draws = [];
  let frames = 0;
  const next = () => {
    frames += 1;
    draws.push(root.tcStats.drawMs);
    if (performance.now() - from < ms) requestAnimationFrame(next);
    else done({ frames, drawn: root.tcStats.frames - first, ms: performance.now() - from,
      draw: draws.sort((a, b) => a - b)[draws.length >> 1], running: root.tcTrain.running });
  };
  requestAnimationFrame(next);
})"""


def in_the_page(rounds: int) -> None:
    """The playground in headless Chromium: its first useful field, frames while it trains, what the page's own thread
    spends on a frame (thread time, which other programs do not lengthen).
    """
    from tests.support import browser as b
    from toycore import live

    rows: list[dict[str, float]] = []
    with b.launched() as browser, b.page_of(browser, 1280, 720) as page:
        page.set_content("")
        for _ in range(rounds + 1):
            page.goto("about:blank")
            page.set_content(live.playground(POINTS).html())
            page.wait_for_function("() => document.querySelector('.tc-view')?.tcStats.frames > 0")
            ms, error = page.evaluate(FIRST)
            page.click("[data-role=more]")
            page.check("input[data-role=network][value=full]", force=True)
            b.slide(page, "steps", 4000)
            page.click("[data-role=more]")
            cdp = page.context.new_cdp_session(page)
            cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
            page.click("[data-role=train]")
            page.wait_for_function("() => document.querySelector('.tc-view').tcTrain.step > 10")
            before = spent(cdp)
            row = page.evaluate(FRAMES, 2000)
            row |= {"first": ms, "error": error, "cpu": 1e3 * (spent(cdp) - before) / max(1, row["drawn"])}
            rows += [row]
    rows = rows[1:]
    median = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    print(
        f"in the page, medians of {rounds}: first field error of {median['error']:.3f} after {median['first']:.0f} ms;"
    )
    print(
        f"  while training, 25 x 25 arrows and 300 particles: {1e3 * median['frames'] / median['ms']:.0f} frames/s,"
        f" {median['cpu']:.1f} ms of the page's thread a frame, {median['draw']:.1f} ms to draw it", flush=True
    )  # fmt: skip


def spent(cdp) -> float:
    """Seconds of CPU that the page's thread has spent so far."""
    metrics_ = {m["name"]: m["value"] for m in cdp.send("Performance.getMetrics")["metrics"]}
    return metrics_["TaskDuration"]


if __name__ == "__main__":
    torch.set_num_threads(1)
    quick = "--quick" in sys.argv
    speed(1 if quick else 5)
    errors(range(1 if quick else 3))
    first_look(range(1 if quick else 3))
    in_the_page(1 if quick else 5)
