"""The pre-flight sees what works, and what does not."""

import sys
from contextlib import nullcontext

import pytest

from tests.support.external import library
from toycore import data, live
from toycore.programs import preflight


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return live.field(data.spiral(60)).save(tmp_path_factory.mktemp("flight") / "field.html")


def test_a_good_view_passes(page, browser) -> None:
    assert preflight.opened(page, browser) == ""


@pytest.mark.parametrize(
    ("whole", "broken", "message"),
    [
        ("function draw(ui) {", "function draw(ui) { throw new Error('on purpose');", "browser reports: on purpose"),
        ("function draw(ui) {", "function draw(ui) { ui = ;", "browser reports: Unexpected token"),
        (
            "function draw(ui) {",  # as on a slow machine
            "function draw(ui) { return setTimeout(() => { throw new Error('late, on purpose'); }, 1500);",
            "browser reports: late, on purpose",
        ),
        ("ui.scene.draw(g);", "", "nothing is drawn"),
    ],
)
def test_a_broken_view_is_seen(page, browser, whole: str, broken: str, message: str) -> None:
    text = page.read_text(encoding="utf-8")
    assert whole in text
    bad = page.with_name("bad.html")
    bad.write_text(text.replace(whole, broken), encoding="utf-8")
    assert message in preflight.opened(bad, browser)


def test_a_page_that_never_shows_a_view_is_given_up(tmp_path, browser) -> None:
    (tmp_path / "empty.html").write_text("<!doctype html><title>nothing</title>")
    assert "nothing is drawn" in preflight.opened(tmp_path / "empty.html", browser, patience=0.1)


def test_the_ballot_is_opened_as_a_view(tmp_path, browser) -> None:
    page = preflight.ballot(tmp_path).with_name("ballot.html")
    assert preflight.opened(page, browser) == ""
    [module] = (path for path in (tmp_path / "assets").glob("*.js") if "fieldset" in path.read_text(encoding="utf-8"))
    module.write_text(module.read_text(encoding="utf-8").replace("render({ model", "elsewhere({ model"))
    assert "browser reports: " in preflight.opened(page, browser, patience=5)


def test_every_kind_of_view_is_looked_at() -> None:
    kinds = {name for name in live.__all__ if name not in ("View", "lattice")}
    made = {kind for name in preflight.VIEWS for kind in (name, name.rstrip("s").split()[-1])}
    assert kinds <= made | {"frames"} and "frames" in preflight.VIEWS


def test_without_a_browser_the_views_are_saved(tmp_path, monkeypatch) -> None:
    library("nbclient", "the ballot that the pre-flight saves")
    monkeypatch.setattr(preflight, "VIEWS", {"field": lambda: live.field(data.spiral(30))})
    assert [what.split(" (")[0] for what, trouble in preflight.views(tmp_path) if not trouble] == [
        "view: field",
        "view: ballot",
    ]
    assert (tmp_path / "field.html").exists() and (tmp_path / "ballot.html").exists()


def test_no_browser_is_no_error(browser, monkeypatch) -> None:
    monkeypatch.setattr(preflight, "BROWSERS", ())
    monkeypatch.setattr(preflight, "CHANNELS", ("chrome-beta",))
    assert preflight.start(browser.browser_type) is None
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    with preflight.launched() as none:
        assert none is None


def test_a_browser_is_found(browser) -> None:
    preflight.start(browser.browser_type).close()


def test_the_browser_looks_no_name_up(browser) -> None:
    own = preflight.start(browser.browser_type)
    with pytest.raises(Exception, match="ERR_NAME_NOT_RESOLVED"):
        own.new_page().goto("http://localhost:45678/")
    own.close()


def test_the_verdict(monkeypatch, capsys) -> None:
    monkeypatch.setattr(preflight, "pages", lambda folder: [])
    monkeypatch.setattr(preflight, "launched", nullcontext)
    monkeypatch.setattr(preflight, "PACKAGES", ("torch", "no-such-package"))
    assert preflight.main([]) == 1
    output = capsys.readouterr().out
    assert "NO  no-such-package: not installed" in output and "NOT READY: 1 to mend" in output
    monkeypatch.setattr(preflight, "PACKAGES", ("torch",))
    assert preflight.main([]) == 0 and "\nREADY." in capsys.readouterr().out
