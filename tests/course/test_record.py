"""Recording a notebook: the same text twice, alt texts kept, a failing notebook left alone."""

from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tools import record
from toycore.programs.export.stills import invitation

CELLS = """
import sys, time; print(1, flush=True); print(2); print("warned", file=sys.stderr)
---
import ipywidgets; ipywidgets.IntSlider(3)
---
from IPython.display import display
png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
display({"image/png": png}, raw=True, metadata={"image/png": {"alt": "one dot"}})
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A notebook in a folder with a space and an accent, never run."""
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_code_cell(cell.strip()) for cell in CELLS.split("---")]
    path = tmp_path / "kurs é test" / "n.ipynb"
    path.parent.mkdir()
    nbformat.write(notebook, path)
    return path


def test_recording_twice_changes_nothing(path: Path) -> None:
    record.record(path)
    first = path.read_bytes()
    record.record(path)
    assert path.read_bytes() == first
    assert list(path.parent.iterdir()) == [path]


def test_what_is_kept_and_what_is_dropped(path: Path) -> None:
    record.record(path)
    notebook = nbformat.read(path, as_version=4)
    streams, widget, picture = [cell.outputs for cell in notebook.cells]
    assert [cell.execution_count for cell in notebook.cells] == [1, 2, 3]
    assert sorted((s.name, s.text) for s in streams) == [("stderr", "warned\n"), ("stdout", "1\n2\n")]
    assert list(widget[0].data) == ["text/plain"] and widget[0].data["text/plain"].startswith("IntSlider")
    assert picture[0].metadata["image/png"]["alt"] == "one dot"
    stored = path.read_text(encoding="utf-8")
    assert "widget-view" not in stored and "iopub" not in stored and '"version"' not in stored
    nbformat.validate(notebook)


def test_a_notebook_that_fails_stays_as_it_was(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("1 / 0"))
    nbformat.write(notebook, path)
    before = path.read_bytes()
    with pytest.raises(CellExecutionError):
        record.record(path)
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]
    with pytest.raises(SystemExit, match=r"n\.ipynb stops with an error"):
        record.main([str(path)])


def test_a_widget_keeps_its_text_without_its_address() -> None:
    data = {record.WIDGET: {"model_id": "5f"}, "text/plain": ["<View object at 0x7f1234567890>"]}
    output = {"data": data, "metadata": {record.WIDGET: {}}}
    record.forget_widget(output)
    assert output == {"data": {"text/plain": "<View object at ADDRESS>"}, "metadata": {}}


def test_answers_are_collapsed_until_somebody_asks() -> None:
    text, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell
    book = nbformat.v4.new_notebook(cells=[text("## 1\n\n**Predict.** Red or blue?"), code("a"), code("b")])
    book.cells += [text("Red.\n\n**Predict.** And now?\n\n## 2"), code("c")]
    hidden = [cell.metadata.get("jupyter") for cell in record.with_hidden_answers(book).cells]
    assert hidden == [None, {"outputs_hidden": True}, {"outputs_hidden": True}, None, None]


def test_a_live_view_leaves_a_still_and_says_how_to_move_it(path: Path) -> None:
    book = nbformat.read(path, as_version=4)
    book.cells = [nbformat.v4.new_code_cell("from toycore import live\nlive.field()")]
    nbformat.write(book, path)
    record.record(path)
    [output] = nbformat.read(path, as_version=4).cells[0].outputs
    assert set(output.data) == {"image/png", "text/plain"}
    assert output.metadata["image/png"]["alt"] == "A still of a live view: The field at one noise level"
    from toycore import live

    assert invitation(live.field().meta).endswith("Click a point: where did it come from?")
