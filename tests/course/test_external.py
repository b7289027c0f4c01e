"""A machine without a browser, node or axe: one line names what was not looked at; in CI that is a failure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import external

ROOT = Path(__file__).resolve().parents[2]
MISSING = "is missing, so .*: not looked at. To change that: .*install"


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine with nothing on its path and nothing from npm."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(external, "PACKAGES", tmp_path)
    monkeypatch.delenv("CI", raising=False)


@pytest.mark.parametrize("name", external.PROGRAMS)
def test_a_missing_program_is_skipped_here_and_fails_in_ci(bare, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with pytest.raises(pytest.skip.Exception, match=f"{name} {MISSING}"):
        external.program(name)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=f"{name} {MISSING}"):
        external.program(name)


def test_a_missing_package_is_skipped(bare, tmp_path: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match=f"axe-core {MISSING}"):
        external.package("axe-core/axe.min.js", "the views as a screen reader meets them")
    (tmp_path / "axe-core").mkdir()
    (tmp_path / "axe-core" / "axe.min.js").touch()
    assert external.package("axe-core/axe.min.js", "").is_file()


def test_the_summary_has_one_line_for_all_tests_of_a_program(bare, tmp_path: Path) -> None:
    """Two browser tests and two of node: two lines."""
    code = "from tests.support.external import program\n"
    code += "\n".join(f"def test_{i}(): program({name!r})" for i, name in enumerate(["chromium", "node"] * 2))
    (tmp_path / "test_views.py").write_text(code)
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "-p", "no:cacheprovider", "-n", "0"]
    env = {**os.environ, "PATH": str(tmp_path)}
    shown = subprocess.run([*command, str(tmp_path)], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    lines = [line for line in shown.stdout.splitlines() if line.startswith("SKIPPED")]
    assert len(lines) == 2 and all(line.startswith("SKIPPED [2] tests/support/external.py") for line in lines), lines
