"""The package as strangers get it: a wheel that holds all it needs, versions and licences that agree."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

import toycore

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = dict(line.split("==") for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line)
LEFT_OUT = shutil.ignore_patterns("__pycache__", ".DS_Store", "*.part", "node_modules")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a copy of the package, so that the checkout stays as it is."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT / "toycore", source / "toycore", ignore=LEFT_OUT)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    alone = "--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--disable-pip-version-check"
    build = [sys.executable, "-m", "pip", "wheel", str(source), *alone, "--wheel-dir", str(out)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.glob("*.whl"))


def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    ours = {file for file in (ROOT / "toycore").rglob("*") if file.is_file()}
    hidden = {file for file in ours if {"__pycache__", "node_modules", ".DS_Store"} & set(file.parts)}
    assert held == {file.relative_to(ROOT).as_posix() for file in ours - hidden if file.suffix != ".part"}
    licences = {name.split("licenses/")[1] for name in zipfile.ZipFile(wheel).namelist() if "licenses/" in name}
    assert {"LICENSE", "toycore/NOTICES.md"} <= licences


def test_the_wheel_works_far_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    """Shipped weights, a live view as a page, and a recipe, with no file of the repository at hand."""
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        f"import sys; sys.path = [{str(tmp_path / 'site')!r}] + [p for p in sys.path if {str(ROOT)!r} != p];"
        "import toycore, torch; from toycore import live; assert 'site' in toycore.__file__, toycore.__file__;"
        "D = toycore.load('spiral'); assert D(torch.zeros(3, 2), 1.0).shape == (3, 2);"
        "live.field(D).save('field.html')"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"<canvas" in (tmp_path / "field.html").read_bytes() or b"tc-view" in (tmp_path / "field.html").read_bytes()


def test_versions_agree() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    newest = re.search(r"^## ([\d.]+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest
    assert toycore.__version__ == PROJECT["version"] == cited["version"] == newest[1]
    assert cited["license"] == PROJECT["license"] == "MIT"


def test_the_hooks_of_a_commit_are_the_pinned_tools() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    revisions = {repo["hooks"][0]["id"].split("-")[0]: repo.get("rev", "").lstrip("v") for repo in hooks}
    assert revisions["ruff"] == PINS["ruff"] and revisions["codespell"] == PINS["codespell"]


def test_the_workflow_calls_what_must_pass() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))["jobs"]
    commands = [step.get("run", "") for job in jobs.values() for step in job["steps"]]
    assert ".ci/run" in commands and "python course.py test" in commands
    assert os.name == "nt" or (ROOT / ".ci/run").stat().st_mode & 0o100


def test_every_pattern_of_the_package_data_matches() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["package-data"]
    files = [file for file in (ROOT / "toycore").rglob("*") if file.is_file()]
    idle = [pattern for patterns in data.values() for pattern in patterns if not any(f.match(pattern) for f in files)]
    assert not idle, f"these patterns of pyproject.toml match nothing: {idle}"
