"""Recording a notebook: the same text twice, alt texts kept, a failing notebook left alone."""

from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError

from tools import record

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
    data = {record.WIDGET_VIEW: {"model_id": "5f"}, "text/plain": ["<View object at 0x7f1234567890>"]}
    output = {"data": data, "metadata": {record.WIDGET_VIEW: {}}}
    record.forget_widget(output)
    assert output == {"data": {"text/plain": "<View object at ADDRESS>"}, "metadata": {}}
