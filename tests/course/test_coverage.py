"""Every statement of the inventory is taught in a notebook and checked; coverage.yaml says where."""

import ast

import pytest

from tools.coverage import HERE, PAGE, notebook, page, table

TABLE = table()
PENDING = TABLE.pop("pending")
IDS = {f"A{i}" for i in range(1, 82)} | {"A29b"}  # the statements of the source notes
PRESENT = {id: entry for id, entry in TABLE.items() if entry["notebook"] not in PENDING}
every = pytest.mark.parametrize("id", TABLE)
present = pytest.mark.parametrize("id", PRESENT)


def tagged(id: str) -> list[str]:
    """The sources of the cells that carry the id as a tag."""
    cells = notebook(PRESENT[id]["notebook"])
    return ["".join(cell["source"]) for cell in cells if id in cell["metadata"].get("tags", [])]


def test_no_id_is_missing() -> None:
    """B1, B2, ... are what the course adds to the notes."""
    assert {id for id in TABLE if id[0] != "B"} == IDS
    added = [id for id in TABLE if id[0] == "B"]
    assert added == [f"B{i}" for i in range(1, len(added) + 1)]


def test_what_is_pending_is_still_to_come() -> None:
    landed = [name for name in PENDING if (PAGE.parent / f"{name}.ipynb").exists()]
    assert not landed, f"take {landed} out of `pending` in tools/coverage.yaml; then: python -m tools.coverage"
    assert set(PENDING) <= {entry["notebook"] for entry in TABLE.values()}


@present
def test_a_cell_is_tagged(id: str) -> None:
    name = PRESENT[id]["notebook"]
    assert tagged(id), f"no cell of {name}.ipynb has the tag {id}; it should hold: {PRESENT[id]['claim']}"


@present
def test_a_claim_or_a_test_holds_it(id: str) -> None:
    entry = PRESENT[id]
    claims = any("claim(" in source for source in tagged(id))
    assert entry.get("tests") or entry.get("history") or claims, f"nothing checks {id}: {entry['claim']}"


@every
def test_the_tests_exist(id: str) -> None:
    for test in TABLE[id].get("tests", []):
        file, name = test.split("::")
        tree = ast.parse((HERE.parent / "tests" / file).read_text(encoding="utf-8"))
        known = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        assert name in known, f"coverage.yaml names {test}, which does not exist"


def test_the_readers_page_is_in_step() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make it again: python -m tools.coverage"
