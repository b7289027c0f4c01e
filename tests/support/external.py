"""What the tests compare with or look through, and what an installed wheel lacks: a browser, node, other libraries.

Where one is missing, its tests are skipped from here, so that pytest's summary has one line for all of them.
"""

import importlib
import os
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ROOT / "node_modules"
PROGRAMS = {  # name: (what it may be called, what is looked at with it, how to get it)
    "chromium": (
        ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
        "the views in a browser",
        "sudo apt install chromium, or install Chrome",
    ),
    "node": (("node",), "the JavaScript of the views", "sudo apt install nodejs, or install it from nodejs.org"),
}


def program(name: str) -> str:
    """The path of a program; where it is missing, fail in CI and skip elsewhere."""
    names, looked_at, how = PROGRAMS[name]
    found = next(filter(None, map(shutil.which, names)), None)
    return found or missing(name, looked_at, how, bool(os.environ.get("CI")))


def checkout(path: str, looked_at: str) -> Path:
    """A part of the checkout; where the tests lie beside an installed wheel, skip."""
    found = ROOT / path
    return found if found.exists() else missing(path, looked_at, "run the tests in a checkout", False)


def node() -> str:
    """The path of node, for the page's own modules, which the tests in JavaScript import from the checkout."""
    checkout("toycore/live/page", PROGRAMS["node"][1])
    return program("node")


def package(file: str, looked_at: str) -> Path:
    """A file of an npm package in the checkout, such as axe-core/axe.min.js; where it is missing, skip."""
    name, found = file.split("/")[0], PACKAGES / file
    return found if found.is_file() else missing(name, looked_at, f"npm install --no-save {name}", False)


def library(name: str, looked_at: str) -> ModuleType:
    """A library that only tests need, such as diffusers; where it is missing, skip the test or the whole module."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return missing(name, looked_at, f"pip install {name.split('.')[0]}", False)


def missing(name: str, looked_at: str, how: str, failure: bool):
    """Say what is not looked at, and how that can be changed."""
    message = f"{name} is missing, so {looked_at}: not looked at. To change that: {how}"
    if failure:
        pytest.fail(message, pytrace=False)
    pytest.skip(message, allow_module_level=True)
