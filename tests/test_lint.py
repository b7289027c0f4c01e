"""The linter, the formatter and the type checker agree with everything in the repository."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = [("ruff", "check", "--no-cache"), ("ruff", "format", "--check", "--no-cache"), ("mypy",)]


@pytest.mark.parametrize("tool", TOOLS, ids=" ".join)
def test_tool_has_nothing_to_say(tool: tuple[str, ...]) -> None:
    words = [sys.executable, "-m", *tool]
    run = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
