"""How fast do the live views answer? Drives a real JupyterLab and compares with `interact` and inline
matplotlib.

    python tools/bench_live.py [drags]

The same view both times: 25 x 25 arrows and 1,000 points at 100 slider positions, a pointer move every 20 ms.
Latency is the time from a pointer event to the first frame with changed pixels, as the page itself sees it. Not
a test: it prints a table.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.support import browser as b

CELLS = [
    "import math, torch, ipywidgets\nimport matplotlib.pyplot as plt\n%matplotlib inline\n"
    "from toycore import exact, fields, live, mixtures, plots\n"
    "m = mixtures.spiral()\nD = exact.posterior_mean(m)\nx = plots.grid(25, 1.3)\npoints = m.sample(1000)[0]",
    "view = live.field(m)\nview",
    "def draw(log10):\n"
    "    eps = fields.noise(D, x, 10**log10)\n"
    "    plt.figure(figsize=(5, 5))\n"
    "    plt.quiver(x[:, 0], x[:, 1], -eps[:, 0], -eps[:, 1], eps.norm(dim=1))\n"
    "    plt.plot(points[:, 0], points[:, 1], '.', ms=2)\n"
    "    plt.show()\n"
    "wide = ipywidgets.Layout(width='500px')\n"
    "slider = ipywidgets.FloatSlider(min=-2, max=1, step=0.01, value=-0.5, layout=wide)\n"
    "ipywidgets.interact(draw, log10=slider);",
    "import time\nstop = time.time() + 8\nwhile time.time() < stop: pass",
]

# In the page: note when every pointer move was made and when the page heard of it (Chromium hands moves out once a
# frame, just before it draws), and look at the content when a frame's drawing is over, not before: a look from
# requestAnimationFrame would see what the frame before drew, beside the slider's new position.
WATCH = """(selector) => {
  const log = (window.log = { made: [], heard: [], shown: [], draws: [], positions: new Set() });
  const now = () => performance.now(), root = document.querySelector(".tc-view");
  const content = () => selector === ".tc-view" ? root.tcStats.frames
    : [...document.querySelectorAll(".jp-OutputArea img")]
      .map((i) => i.complete && i.src.length + i.src.slice(-200)).join();
  let last = content();
  document.addEventListener("pointermove", (e) => { log.made.push(e.timeStamp); log.heard.push(now()); }, true);
  const after = new MessageChannel();
  after.port1.onmessage = () => {
    const seen = content();
    if (seen === last || window.log !== log) return;
    last = seen;
    log.shown.push(now());
    log.draws.push(root.tcStats.drawMs);
    log.positions.add(selector === ".tc-view" ? root.querySelector("input[data-role=sigma]").value : seen);
  };
  const look = () => {
    after.port2.postMessage(0);
    if (window.log === log) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def drag(page, slider: str, handle: str, selector: str) -> dict:
    """Drag along the slider in 100 moves, one every 20 ms, and read what the page noted."""
    page.locator(slider).scroll_into_view_if_needed()
    page.wait_for_timeout(300)
    box, knob = page.locator(slider).bounding_box(), page.locator(handle).bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(knob["x"] + knob["width"] / 2, knob["y"] + knob["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 8, y)
    page.wait_for_timeout(1500)
    page.evaluate(WATCH, selector)
    start = time.perf_counter()
    for i in range(100):
        page.mouse.move(box["x"] + 8 + (box["width"] - 16) * i / 99, y)
        time.sleep(max(0.0, start + 0.02 * (i + 1) - time.perf_counter()))
    page.wait_for_timeout(2000)
    page.mouse.up()
    log = page.evaluate(
        "() => { const log = window.log; window.log = null; return { ...log, n: log.positions.size }; }"
    )
    return summary(log, log["draws"] if selector == ".tc-view" else [])


def summary(log: dict, draws: list[float]) -> dict:
    """Latency of every move, from when it was made to the first change after the page heard of it; frames during
    the drag; lag of the last change after the last move.
    """
    made, heard, shown = log["made"], log["heard"], log["shown"]
    waits = sorted(next((s - m for s in shown if s >= h), 1500.0) for m, h in zip(made, heard, strict=True))
    seconds = (made[-1] - made[0]) / 1000
    return {
        "p50 ms": waits[len(waits) // 2],
        "p95 ms": waits[int(0.95 * (len(waits) - 1))],
        "heard": len(made),
        "frames": sum(s <= made[-1] + 34 for s in shown),
        "frames/s": sum(s <= made[-1] + 34 for s in shown) / seconds,
        "lag ms": max(0.0, shown[-1] - made[-1]) if shown else float("inf"),
        "positions": log["n"],
        "script ms": statistics.median(draws) if draws else float("nan"),
    }


def median(rows: list[dict]) -> dict:
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def report(name: str, row: dict) -> None:
    print(f"{name:28s}" + "".join(f"{row[key]:11.1f}" for key in row), flush=True)


def main(drags: int = 3) -> None:
    with tempfile.TemporaryDirectory() as folder, b.launched() as browser, b.jupyterlab(Path(folder)) as address:
        b.notebook(Path(folder) / "bench.ipynb", CELLS)
        with b.page_of(browser, 1300, 1500) as page:
            b.open_notebook(page, address, "bench.ipynb")
            for number in range(3):
                b.run_cell(page, number)
            page.wait_for_selector(".widget-slider .noUi-handle")
            page.wait_for_timeout(2000)
            canvas, inline, busy = [], [], []
            print(
                f"{'':28s}"
                + "".join(
                    f"{key:>11s}"
                    for key in ("p50 ms", "p95 ms", "heard", "frames", "frames/s", "lag ms", "positions", "script ms")
                )
            )
            ours = "input[data-role=sigma]", "input[data-role=sigma]", ".tc-view"
            theirs = ".widget-slider .noUi-base", ".widget-slider .noUi-handle", "img"
            for _ in range(drags):
                canvas.append(drag(page, *ours))
                inline.append(drag(page, *theirs))
            for _ in range(drags):
                page.locator(".jp-CodeCell .cm-content").nth(3).click()
                page.keyboard.press("Control+Enter")
                page.wait_for_timeout(500)
                busy.append(drag(page, *ours))
                page.wait_for_timeout(6000)
            one, other = median(canvas), median(inline)
            report("canvas", one)
            report("interact + inline", other)
            report("canvas, kernel busy", median(busy))
            gain = {name: other[name] / one[name] for name in ("p50 ms", "p95 ms")}
            frames = one["frames"] / max(1, other["frames"])
            print(f"ratios: p50 1/{gain['p50 ms']:.1f}, p95 1/{gain['p95 ms']:.1f}, frames {frames:.1f}x")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
