"""Runs of notebooks that the export keeps: what has not changed is not run again."""

import shutil

import nbformat as nf
import pytest

from tools import record
from toycore.programs import export, notebook
from toycore.programs.export import runs


@pytest.fixture
def ran(monkeypatch) -> list[str]:
    """The names of the notebooks that are run from now on; their runs are the notebooks as they stand."""
    names: list[str] = []

    def execute(path, after, first):
        names.append(path.name)
        return nf.read(path, as_version=4)

    monkeypatch.setattr(notebook, "execute", execute)
    return names


def written(folder, **sources: str) -> list:
    """Write notebooks of one cell each."""
    for name, source in sources.items():
        book = nf.v4.new_notebook(cells=[nf.v4.new_code_cell(source, id="a")])
        nf.write(book, folder / f"{name}.ipynb")
    return [folder / f"{name}.ipynb" for name in sources]


def test_only_what_has_changed_is_run(tmp_path, ran, capsys) -> None:
    export.site(written(tmp_path, a="1", b="2"), tmp_path / "site")
    assert sorted(ran) == ["a.ipynb", "b.ipynb"] and "[2/2]" in capsys.readouterr().out
    ran.clear()
    export.site(written(tmp_path, a="1", b="2"), tmp_path / "site")
    assert ran == [] and "[2/2] b.ipynb: unchanged" in capsys.readouterr().out
    export.site(written(tmp_path, a="1", b="3"), tmp_path / "site")
    assert ran == ["b.ipynb"]
    assert sorted(path.name[:2] for path in (tmp_path / "runs").iterdir()) == ["a-", "b-"], "old runs are not kept"


def test_recorded_outputs_do_not_count_and_the_package_does(tmp_path, ran, monkeypatch) -> None:
    [path] = written(tmp_path, a="1")
    first = runs.key(path)
    book = nf.read(path, as_version=4)
    book.cells[0].outputs = [nf.v4.new_output("stream", text="1")]
    nf.write(book, path)
    assert runs.key(path) == first
    monkeypatch.setattr(runs, "package", lambda: "another package")
    assert runs.key(path) != first


def test_the_package_is_known_by_its_files(tmp_path, monkeypatch) -> None:
    (tmp_path / "room").mkdir()
    file = tmp_path / "room" / "a.py"
    file.write_text("a = 1")
    monkeypatch.setattr(runs, "PACKAGE", tmp_path)
    first = runs.package.__wrapped__()
    assert runs.package.__wrapped__() == first
    file.write_text("a = 2")
    assert runs.package.__wrapped__() != first


def test_a_notebook_that_fails_stops_the_others(tmp_path) -> None:
    paths = written(tmp_path, a="1 / 0", b="import time; time.sleep(600)")
    with pytest.raises(Exception, match="ZeroDivisionError"):
        export.site(paths, tmp_path / "site")
    assert not (tmp_path / "site").exists() and not notebook.running


# ---- what recorded outputs spare -------------------------------------------------------------------------

CODE = "1 + 1", "from tqdm.auto import tqdm; list(tqdm([1], 'busy'))", "from toycore import live; live.field()", "2 + 2"


@pytest.fixture(scope="module")
def once_recorded(tmp_path_factory):
    """A notebook as it was recorded: a number, a bar, a view, a number."""
    path = tmp_path_factory.mktemp("recorded") / "a.ipynb"
    nf.write(nf.v4.new_notebook(cells=[nf.v4.new_code_cell(code, id=f"c{i}") for i, code in enumerate(CODE)]), path)
    record.record(path)
    return path


@pytest.fixture
def recorded(once_recorded, tmp_path):
    """A copy of it, to be changed."""
    return shutil.copy(once_recorded, tmp_path / "a.ipynb")


def changed(path, number: int, code: str) -> None:
    book = nf.read(path, as_version=4)
    book.cells[number].source = code
    nf.write(book, path)


def test_a_recorded_notebook_is_run_down_to_its_last_view(recorded, tmp_path) -> None:
    assert runs.needed(nf.read(recorded, as_version=4)) == 3
    page = export.site([recorded], tmp_path / "site").with_name("a.html").read_text(encoding="utf-8")
    assert page.count('<div class="view"') == 1 and page.count("<img") > 0, "the view has its state and its still"
    assert "<pre>2</pre>" in page and "<pre>4</pre>" in page, "the last cell keeps the output it had"
    assert "%|" not in page, "a bar is nothing for a page"


def test_without_a_view_nothing_is_run(recorded, tmp_path, ran) -> None:
    changed(recorded, 2, "3 + 3")
    assert runs.needed(nf.read(recorded, as_version=4)) == 4, "its code is not the recorded one"
    record.record(recorded)
    page = export.site([recorded], tmp_path / "site").with_name("a.html").read_text(encoding="utf-8")
    assert ran == [] and "<pre>6</pre>" in page and "%|" not in page
