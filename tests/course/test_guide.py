"""The lecturer's guide: whole, in step with the checks, and with plans that fit into 50 minutes."""

import json
import re

import pytest

from tools.coverage import PAGE as COVERAGE
from tools.guide import PAGE, answers, page, table
from toycore.check import adding_noise, exercise, myth_clinic

TABLE = table()
TABLE.pop("head")
NOTEBOOKS = [path.stem for path in sorted(COVERAGE.parent.glob("[0-9]*.ipynb"))]
every = pytest.mark.parametrize("name", TABLE)


def test_every_notebook_has_its_guide() -> None:
    assert set(NOTEBOOKS) <= set(TABLE)


@every
def test_the_plan_fills_fifty_minutes(name: str) -> None:
    assert sum(minutes for minutes, _ in TABLE[name]["plan"]) == 50


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_plan_names_sections_that_exist(name: str) -> None:
    cells = json.loads((PAGE.parent / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    known = set(re.findall(r"^## (\d+\.\d+)", text, re.MULTILINE))
    named = set(re.findall(rf"\b({int(name[:2])}\.\d)\b", " ".join(what for _, what in TABLE[name]["plan"])))
    assert named <= known, f"guide.yaml names {sorted(named - known)}, but {name} has {sorted(known)}"


@every
def test_every_entry_is_whole(name: str) -> None:
    entry = TABLE[name]
    assert all(len(entry[part]) > 15 for part in ("aim", "keys", "wrong", "mistaken"))
    assert len(entry["ask"]) >= 2


def test_answers_are_the_checks_own() -> None:
    assert answers(myth_clinic)["metric"] == "metrics.energy_distance"
    assert answers(myth_clinic)["solver"].startswith("def _midpoint(")
    assert answers(adding_noise).keys() == {k for k, v in vars(adding_noise).items() if hasattr(v, "verdict")}
    assert exercise(answer=1, mistakes={})(lambda attempt: iter(())).answer == 1


def test_no_answer_holds_a_check() -> None:
    """A lambda's argument may bear the name of another exercise of the module, as that of `level` does."""
    assert answers(adding_noise)["level"] == "lambda alpha_bar: (1 / alpha_bar - 1) ** 0.5"
    assert "Verdicts" not in page()


def test_the_page_is_in_step() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make it again: python -m tools.guide"
