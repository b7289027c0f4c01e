"""A headless Chromium and a JupyterLab for tests and measurements of the live views."""

import base64
import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from PIL import Image

from tests.support.external import library, program

ROOT = Path(__file__).resolve().parents[2]
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"),
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup",  # a hidden page each, dearer than a view
)


@contextmanager
def launched() -> Iterator:
    """A browser of playwright's; one per process."""
    path, api = program("chromium"), library("playwright.sync_api", "the views in a browser")

    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


@contextmanager
def page_of(browser, width=1100, height=800, scheme="light", offline=False, **options) -> Iterator:
    """A fresh page; `page.errors` and `page.requests` gather what the console says and what is asked for."""
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, **options)
    context.set_offline(offline)
    page = context.new_page()
    page.errors, page.requests = [], []
    page.on("console", lambda m: page.errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("request", lambda request: page.requests.append(request.url))
    yield page
    context.close()


@contextmanager
def jupyterlab(folder: Path) -> Iterator[str]:
    """A JupyterLab of its own on a free port, with settings of its own; yields its address with the token."""
    env = {
        **os.environ,
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
    }
    env |= {
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
        "OMP_NUM_THREADS": "1",
    }
    env |= {"PYTHONPATH": str(ROOT)}
    options = [
        "--no-browser",
        "--ip=127.0.0.1",
        "--port=0",
        "--allow-root",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    whole = folder / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    whole.parent.mkdir(parents=True)
    whole.write_text('{"windowingMode": "none"}')  # until 4.5, cells out of sight were taken out of the page
    log = (folder / "lab.log").open("w+")
    command = [sys.executable, str(ROOT / "tools" / "run.py"), "jupyterlab", *options]  # as course.py starts it
    server = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log)
    try:
        yield _address(folder, server)
    finally:
        stop(server)
        log.close()


def stop(server: subprocess.Popen, patience: float = 5) -> None:
    """End a server that we started, with force where it does not listen."""
    server.terminate()
    try:
        server.wait(patience)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _address(folder: Path, server: subprocess.Popen, patience: float = 90) -> str:
    """Wait until the server says where it listens."""
    until = time.monotonic() + patience
    while time.monotonic() < until and server.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:\d+/lab\?token=\w+", (folder / "lab.log").read_text())
        if found:
            return found[0]
        time.sleep(0.2)
    raise RuntimeError("JupyterLab did not start:\n" + (folder / "lab.log").read_text()[-2000:])


def notebook(path: Path, cells: list[str]) -> Path:
    """Write a notebook of code cells."""
    code = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "execution_count": None, "outputs": [], "source": c}
        for i, c in enumerate(cells)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"cells": code, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
    return path


def open_notebook(page, address: str, name: str) -> None:
    """Open a notebook in JupyterLab, in a workspace of its own, and wait for its kernel."""
    page.goto(address.replace("/lab?", f"/lab/workspaces/{Path(name).stem}/tree/{name}?"))
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=60_000)
    page.wait_for_selector(
        ".jp-NotebookPanel-toolbar .jp-Notebook-ExecutionIndicator[data-status='idle']", timeout=60_000
    )


def run_cell(page, number: int, patience: float = 60) -> None:
    """Run one cell and wait for its new number; ask again where JupyterLab dropped it, its kernel not yet there.

    What JupyterLab itself asks on a slow machine is accepted: its dialog would lie over the cell.
    """
    from playwright.sync_api import TimeoutError as Late

    prompt = page.locator(".jp-CodeCell .jp-InputArea-prompt").nth(number)
    before, until = prompt.inner_text(), time.monotonic() + patience
    while prompt.inner_text() == before or not re.search(r"\d", prompt.inner_text()):
        if time.monotonic() > until:
            raise TimeoutError(f"cell {number} was not run within {patience} s")
        for accept in page.locator(".jp-Dialog .jp-mod-accept").all():
            accept.click()
        with suppress(Late):  # a dialog came in between
            page.locator(".jp-CodeCell .cm-content").nth(number).click(timeout=5000)
        page.keyboard.press("Control+Enter")
        page.wait_for_timeout(300)
        while "*" in prompt.inner_text():
            page.wait_for_timeout(50)


def drawn(page, selector: str = ".tc-canvas") -> int:
    """How many colours the canvas shows: 1 where nothing is drawn."""
    return page.eval_on_selector(
        selector,
        """(canvas) => {
          const copy = Object.assign(document.createElement("canvas"), { width: 200, height: 200 });
          const pen = copy.getContext("2d", { willReadFrequently: true });
          pen.drawImage(canvas, 0, 0, 200, 200);
          return new Set(new Uint32Array(pen.getImageData(0, 0, 200, 200).data.buffer)).size;
        }""",
    )


def picture(page, selector: str = ".tc-canvas") -> str:
    """The canvas as a data address, to see whether it changed."""
    return page.eval_on_selector(selector, "(canvas) => canvas.toDataURL()")


def alike(one: str, other: str) -> bool:
    """Whether two pictures of a canvas show the same; Chromium smooths edges now so, now so."""
    a, z = (Image.open(io.BytesIO(base64.b64decode(text.split(",")[1]))).convert("RGB") for text in (one, other))
    return a.size == z.size and bool(np.mean(np.abs(np.asarray(a, int) - np.asarray(z, int)) > 40) < 1e-4)


def settle(page, frames: int = 2) -> None:
    """Wait for so many frames of the page."""
    page.evaluate(
        """(n) => new Promise((done) => {
          const next = () => (n-- > 0 ? requestAnimationFrame(next) : done());
          next();
        })""",
        frames,
    )


def slide(page, role: str, value: float, selector: str = ".tc-view") -> None:
    """Move a slider as a hand would: input, then change on release."""
    page.eval_on_selector(
        f"{selector} input[type=range][data-role={role}]",
        """(input, value) => { input.value = value;
          for (const name of ["input", "change"]) input.dispatchEvent(new Event(name, { bubbles: true })); }""",
        value,
    )
    settle(page)
