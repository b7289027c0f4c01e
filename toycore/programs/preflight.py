"""Before a lecture: python3 course.py preflight. Does everything that will be shown work on this machine?

Each check either passes or says in one line what to do. Where there is a Chromium, Chrome or Edge, every kind of view
is opened in it, without a window and without a network; elsewhere it is built and saved.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from toycore import (
    checkpoints,
    data,
    embeddings,
    exact,
    live,
    metrics,
    mixtures,
    precondition,
    samplers,
    sigmas,
    training,
)
from toycore.lessons.conditioning import Captioned
from toycore.live import vote
from toycore.types import seeded

BROWSERS = "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge"
CHANNELS = "chrome", "msedge"  # where they are installed but not on the path: Windows, macOS
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND"  # no name is looked up, not even by the browser for itself
NO_POPUP = "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup"  # two hidden pages, dearer than a view
FLAGS = "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage", OFFLINE, NO_POPUP
PACKAGES = "torch", "numpy", "matplotlib", "scikit-learn", "anywidget", "ipywidgets", "jupyterlab"
READY = """() => document.querySelector(".tc-ballot fieldset")
  || [...document.querySelectorAll(".tc-view")].some((view) => view.tcStats?.frames > 0)"""
COLOURS = """() => {
  const canvas = document.querySelector(".tc-canvas"), size = 200;
  const copy = Object.assign(document.createElement("canvas"), { width: size, height: size });
  const pen = copy.getContext("2d", { willReadFrequently: true });
  pen.drawImage(canvas, 0, 0, size, size);
  return new Set(new Uint32Array(pen.getImageData(0, 0, size, size).data.buffer)).size;
}"""  # of the canvas as it is now: 1 where nothing is drawn


def _small_training() -> live.View:
    points, rng = data.spiral(60), seeded()
    D = training.model(points, width=8, depth=1, rng=rng)
    return live.training(points, training.train(D, points, 10, batch=32, rng=rng))


def _attention() -> live.View:
    net = Captioned(embeddings.TOKENS.tolist(), seeded(), how="attend", width=8)
    return live.attention(precondition.Preconditioned(net.requires_grad_(False), sigma_data=0.47))


VIEWS: dict[str, Callable[[], live.View]] = {
    **{name: getattr(live, name) for name in live.__all__ if name not in ("View", "lattice")},
    "linked fields": lambda: live.field({"exact": mixtures.spiral(100), "moons": data.moons(100)}),
    "walk": lambda: live.walk(steps=20),
    "three walks": lambda: live.walk(samplers=["ddpm", "no noise", "ddim"], steps=20),
    "training": _small_training,
    "attention": _attention,
    "frames": lambda: live.frames(torch.rand(3, 8, 8, generator=seeded()), list("abc")),
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
    x = 10 * torch.randn(200, 2, generator=seeded())
    end = samplers.final(samplers.ddim(exact.posterior_mean(spiral), x, sigmas.log_linear(40)))
    far = float(metrics.distance(end, spiral.means).mean())
    yield "a walk to the spiral", "" if far < 0.05 else f"it ends {far:.2f} away: run python3 course.py test"


def ballot(folder: Path) -> Path:
    """Write a ballot as a page of the reading site."""
    import nbformat
    from ipywidgets.embed import dependency_state

    from toycore.programs import export

    widget = vote.ballot([("Noise is good.", "half true", "It depends on the noise.")])
    shown = nbformat.v4.new_output("display_data", {export.WIDGET: {"model_id": widget.model_id}})
    state = {export.STATE: {"state": dependency_state([widget])}}
    cell = nbformat.v4.new_code_cell("ballot()", outputs=[shown])
    return export.write({"ballot.html": nbformat.v4.new_notebook(cells=[cell], metadata={"widgets": state})}, folder)


def pages(folder: Path) -> Iterator[tuple[str, Path]]:
    """Build every kind of view and save it as a page that needs no kernel."""
    for name, make in VIEWS.items():
        yield name, make().save(folder / f"{name}.html")
    yield "ballot", ballot(folder).with_name("ballot.html")


def views(folder: Path, browser: Any = None) -> Found:
    """Save every kind of view; open it if there is a browser."""
    for name, page in pages(folder):
        yield f"view: {name} ({page.stat().st_size // 1000} kB)", opened(page, browser) if browser else ""


@contextmanager
def launched() -> Iterator[Any]:
    """Give a browser without a window, or None where there is none, or no playwright to drive it."""
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        yield None
        return
    with sync_playwright() as playwright:
        browser = start(playwright.chromium)
        yield browser
        if browser:
            browser.close()


def start(chromium: Any) -> Any:
    """Start the first Chromium, Chrome or Edge that there is; return None where none starts."""
    from playwright.sync_api import Error

    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    for place in [{"executable_path": path}] if path else [{"channel": name} for name in CHANNELS]:
        try:
            return chromium.launch(args=list(FLAGS), **place)
        except Error:
            continue
    return None


def opened(path: Path, browser: Any, patience: float = 60) -> str:
    """Open a page without network and wait until it has drawn; return what is wrong with it, "" where nothing is."""
    page, errors = browser.new_page(offline=True, viewport={"width": 1100, "height": 800}), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri())
    until = time.monotonic() + patience
    while not errors and not page.evaluate(READY) and time.monotonic() < until:
        page.wait_for_timeout(20)
    page.wait_for_timeout(100)  # some frames more: what they throw, too, is heard
    drawn = page.locator(".tc-ballot").count() or (page.locator(".tc-canvas").count() and page.evaluate(COLOURS) > 2)
    page.close()
    if errors:
        return f"the browser reports: {errors[0]}"
    return "" if drawn else "nothing is drawn: open the page by hand to see why"


def report(found: Found) -> int:
    """Print a line for each check; return how many found something wrong."""
    wrong = 0
    for what, trouble in found:
        print(f"{'NO ' if trouble else 'ok '} {what}{': ' + trouble if trouble else ''}", flush=True)
        wrong += bool(trouble)
    return wrong


def main(arguments: list[str]) -> int:
    """Check all, print a line each, and say ready or not."""
    argparse.ArgumentParser(
        prog="toycore.programs.preflight", description="does what a lecture shows work here?"
    ).parse_args(arguments)
    wrong = report(packages()) + report(models())
    with tempfile.TemporaryDirectory() as folder, launched() as browser:
        wrong += report(views(Path(folder), browser))
    where = "opened in a browser" if browser else "built and saved; no Chromium, Chrome or Edge was found to open them"
    print(f"\n{f'NOT READY: {wrong} to mend' if wrong else 'READY'}. The views were {where}.")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
