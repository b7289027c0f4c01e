"""The lecturer's guide: whole, in step with the checks, and with plans that fit into 50 minutes."""

import json
import re

import pytest

from tools.coverage import PAGE as COVERAGE
from tools.guide import NOTES, PAGE, notes, page, table
from toycore.check import adding_noise, exercises_of, myth_clinic, source

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
    known = set(re.findall(r"^## (\d+[a-z]?\.\d+)", text, re.MULTILINE))
    number = name.split("_")[0].removeprefix("0")  # 05b_... has the sections 5b.1, 5b.2, ...
    named = set(re.findall(rf"\b({number}\.\d)\b", " ".join(what for _, what in TABLE[name]["plan"])))
    assert named <= known, f"guide.yaml names {sorted(named - known)}, but {name} has {sorted(known)}"


@every
def test_every_entry_is_whole(name: str) -> None:
    entry = TABLE[name]
    assert all(len(entry[part]) > 15 for part in ("aim", "keys", "wrong", "mistaken"))
    assert len(entry["ask"]) >= 2


def test_answers_are_the_tables_own() -> None:
    assert source(myth_clinic.metric) == "metric = metrics.energy_distance"
    assert source(myth_clinic.solver).startswith("def midpoint(")
    assert source(adding_noise.level) == "level = lambda alpha_bar: (1 / alpha_bar - 1) ** 0.5"
    whole = page()
    for exercise in exercises_of(adding_noise).values():
        shown = json.dumps(f"{source(exercise)}\n")[1:-3]  # as it stands in the notebook's file, line by line
        assert all(line in whole for line in (exercise.more, exercise.why, *shown.split("\\n")))


def test_no_answer_holds_a_check() -> None:
    assert "Verdicts" not in page() and "Exercise(" not in page()


def test_the_page_is_in_step() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make it again: python -m tools.guide"


def test_the_notes_of_pages_are_the_guide_without_its_answers() -> None:
    text = NOTES.read_text(encoding="utf-8")
    assert text == notes(), "run python -m tools.guide"
    assert all(set(entry) == {"title", *TABLE[name]} for name, entry in json.loads(text).items())
