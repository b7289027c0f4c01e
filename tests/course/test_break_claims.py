"""The tool that breaks the code behind the claims finds the one that cannot fail."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
CELLS = """
import torch
from toycore import exact
from toycore.check import claim
two = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])
x0_hat = exact.posterior_mean(two)(torch.tensor([[0.5, 0.0]]), 1.0)
===
claim("the mean of the possible origins", x0_hat[0, 0], near=0.462117, within=1e-5)
claim("a spread is never negative", x0_hat.norm(), above=-1)
claim("Pythagoras, in the cell itself", 3**2 + 4**2, near=25, within=1e-9)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the time limit uses a Unix signal")
def test_a_claim_that_cannot_fail_is_named(tmp_path):
    cells = [nbformat.v4.new_code_cell(source.strip()) for source in CELLS.split("===")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "small.ipynb")
    command = [sys.executable, "-m", "tools.break_claims", str(tmp_path / "small.ipynb")]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    named = [line for line in done.stdout.splitlines() if "cell 1:" in line]
    assert any("BY NOTHING" in line and "never negative" in line for line in named)
    assert any("its own cell only" in line and "Pythagoras" in line for line in named)
    assert not any("possible origins" in line for line in named)
