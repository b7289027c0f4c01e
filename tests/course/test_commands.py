"""Every command line says what is wrong with an argument before it works, and takes no argument for all."""

import pytest

import figures.__main__ as gallery
from tools import record, twice
from toycore.programs import demo, export, preflight, recipes

MISTAKES = [
    (demo.folder, "nowhere", "there is no folder nowhere"),
    (recipes.main, "spirl", "there is no recipe spirl; there are spiral,"),
    (gallery.main, "spirl", "there is no figure spirl; there are a_blur"),
    (export.main, "nothing.ipynb", "there is no notebook nothing.ipynb"),
    (record.main, "nothing.ipynb", "nothing.ipynb"),
    (twice.main, "nothing.ipynb", "nothing.ipynb"),
    (preflight.main, "spirl", "unrecognized arguments: spirl"),
]
every = pytest.mark.parametrize(("main", "wrong", "error"), MISTAKES, ids=[main.__module__ for main, *_ in MISTAKES])


@every
def test_a_wrong_argument_is_refused_at_once(main, wrong: str, error: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([wrong])
    assert stopped.value.code == 2 and error in capsys.readouterr().err


@every
def test_help_is_given(main, wrong: str, error: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert not stopped.value.code and "usage: " in capsys.readouterr().out


def test_no_argument_means_all(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    made: list[str] = []
    monkeypatch.setattr(gallery, "save", lambda name, out: made.append(name) or "")
    gallery.main(["--out", str(tmp_path)])
    assert made == gallery.names()
    monkeypatch.setattr(recipes, "make", lambda name, progress: (made.append(name), {"title": name}))
    monkeypatch.setattr(recipes.checkpoints, "save", lambda D, path, card: tmp_path / "index.html")
    recipes.main([])
    assert made == [*gallery.names(), *recipes.NAMES]
    assert demo.folder([]).samefile(".")
