"""The linter, the formatter, the type checker and the spelling agree with everything in the repository."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPELT = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "course.py",
    "pyproject.toml",
    "toycore",
    "figures",
    "tests",
    "tools",
    "notebooks",
)
TOOLS = [
    ("ruff", "check", "--no-cache"),
    ("ruff", "format", "--check", "--no-cache"),
    ("mypy",),
    ("codespell_lib", *SPELT),
]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: " ".join(tool[:2]))
def test_tool_finds_nothing(tool: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", *tool]
    run = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_a_misspelling_is_seen(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("No two words are diffrent.")  # codespell:ignore
    command = [sys.executable, "-m", "codespell_lib", "page.md"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert run.returncode and "diffrent ==> different" in run.stdout  # codespell:ignore
