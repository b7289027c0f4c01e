"""Before a lecture: python3 course.py preflight. Does everything that will be shown work on this machine?

Each check either passes or says in one line what to do. Where a Chromium is installed every kind of view is opened in
it, without a window and without a network; elsewhere it is built and saved.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import torch
from PIL import Image

from toycore import checkpoints, data, exact, live, metrics, mixtures, samplers, sigmas, training

BROWSERS = "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge"
FLAGS = (
    "--headless", "--disable-gpu", "--no-sandbox", "--hide-scrollbars", "--enable-logging=stderr",
    "--run-all-compositor-stages-before-draw", "--virtual-time-budget=3000", "--window-size=1100,800",
)  # fmt: skip
INSIDE = 60, 80, 360, 380  # a part of the window that lies inside the canvas of every view
PACKAGES = "torch", "numpy", "matplotlib", "scikit-learn", "anywidget", "ipywidgets", "jupyterlab"


def _small_training() -> live.View:
    points, rng = data.spiral(60), torch.Generator().manual_seed(0)
    D = training.model(points, width=8, depth=1, rng=rng)
    return live.training(points, training.train(D, points, 10, batch=32, rng=rng))


VIEWS: dict[str, Callable[[], live.View]] = {
    "field": live.field,
    "linked fields": lambda: live.field({"exact": mixtures.spiral(100), "moons": data.moons(100)}),
    "forward": live.forward,
    "walk": lambda: live.walk(steps=20),
    "three walks": lambda: live.walk(samplers=["ddpm", "no noise", "ddim"], steps=20),
    "guidance": live.guidance,
    "density": live.density,
    "training": _small_training,
    "frames": lambda: live.frames(torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(0)), list("abc")),
}

Found = Iterator[tuple[str, str]]  # (what was looked at, what is wrong: "" where nothing is)


def packages() -> Found:
    """Look for the packages of a lecture and name their versions."""
    for name in PACKAGES:
        try:
            yield f"{name} {version(name)}", ""
        except ModuleNotFoundError:
            yield name, "not installed: run python3 course.py setup"


def models() -> Found:
    """Load every shipped checkpoint of plane data and walk the exact field once."""
    for name in ("spiral", "spiral3", "moons"):
        D = checkpoints.load(name)
        yield (
            f"checkpoint {name}",
            "" if torch.isfinite(D(torch.zeros(1, 2), 1.0)).all() else "answers NaN: clone again",
        )
    spiral = mixtures.spiral()
    x = 10 * torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
    end = samplers.final(samplers.ddim(exact.posterior_mean(spiral), x, sigmas.log_linear(40)))
    far = float(metrics.distance(end, spiral.means).mean())
    yield "a walk to the spiral", "" if far < 0.05 else f"it ends {far:.2f} away: run python3 course.py test"


def browser() -> str | None:
    """Return the path of a Chromium, if there is one."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def views(folder: Path, chromium: str | None) -> Found:
    """Build every kind of view and save it as a page; open the page if there is a Chromium."""
    for name, make in VIEWS.items():
        page = make().save(folder / f"{name}.html")
        yield f"view: {name} ({page.stat().st_size // 1000} kB)", opened(page, chromium) if chromium else ""


def opened(page: Path, chromium: str) -> str:
    """Open a page without a window and photograph it; return what is wrong with it, "" where it has drawn."""
    photo = page.with_suffix(".png")
    where = f"--user-data-dir={page.parent / 'profile'}", f"--screenshot={photo}", page.as_uri()
    run = subprocess.run([chromium, *FLAGS, *where], capture_output=True, text=True, timeout=120, check=False)
    if said := re.search(r'CONSOLE[^"]*"(Uncaught[^"]*)"', run.stderr):
        return f"the browser says: {said[1]}"
    if not photo.exists():
        return f"the browser gave no picture (it ended with {run.returncode}); open the page by hand"
    with Image.open(photo) as picture:
        colours = picture.convert("RGB").crop(INSIDE).getcolors(1000)
    return "nothing is drawn: open the page by hand to see why" if colours and len(colours) < 3 else ""


def main() -> int:
    """Check all, print a line each, and say ready or not."""
    chromium = browser()
    with tempfile.TemporaryDirectory() as folder:
        wrong = 0
        for found in (packages(), models(), views(Path(folder), chromium)):
            for what, trouble in found:
                print(f"{'NO ' if trouble else 'ok '} {what}{': ' + trouble if trouble else ''}", flush=True)
                wrong += bool(trouble)
    where = f"opened in {Path(chromium).name}" if chromium else "built and saved; no Chromium here to open them"
    print(f"\n{f'NOT READY: {wrong} to mend' if wrong else 'READY'}. The views were {where}.")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
