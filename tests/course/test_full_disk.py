"""A disk without room: demo, record and export say so, and what was there is unchanged.

A limit on the size of files stands in for the disk: the system refuses a write in the same place.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

from tools import record
from toycore.programs import demo, export, notebook

resource = pytest.importorskip("resource", reason="Windows has no limit on the size of files")


@contextmanager
def no_room() -> Iterator[None]:
    """No file above 1,000 bytes can be written; no longer than the block, since pytest, too, may write to a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a notebook; every notebook has run already, with one long output."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", id="a")])
    nbformat.write(book, tmp_path / "n.ipynb")
    long = nbformat.v4.new_output("stream", text="much\n" * 10_000)
    ran = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", id="a", outputs=[long])])
    monkeypatch.setattr(record, "execute", lambda path, after: ran)
    monkeypatch.setattr(notebook, "execute", lambda path, after, first: ran)
    return tmp_path


def test_a_notebook_that_cannot_be_stored_stays_as_it_was(folder: Path) -> None:
    path = folder / "n.ipynb"
    before = path.read_bytes()
    with no_room(), pytest.raises(SystemExit, match=r"File too large.*the file that was there is unchanged"):
        record.main([str(path)])
    assert path.read_bytes() == before and list(folder.iterdir()) == [path]


def test_a_site_is_written_whole_or_not_at_all(folder: Path) -> None:
    site = folder / "site"
    site.mkdir()
    (site / "n.html").write_text("yesterday's")
    with (
        no_room(),
        pytest.raises(SystemExit, match=r"cannot write the site .*File too large; what was there is unchanged"),
    ):
        export.main([str(folder / "n.ipynb"), "--out", str(site)])
    assert [(file.name, file.read_text()) for file in site.iterdir()] == [("n.html", "yesterday's")]


def test_the_demo_finds_out_before_it_trains(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with no_room(), pytest.raises(SystemExit):
        demo.folder([str(folder)])
    assert "File too large; name another folder: course.py demo FOLDER" in capsys.readouterr().err
    assert [file.name for file in folder.iterdir()] == ["n.ipynb"]
