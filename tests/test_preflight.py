"""The pre-flight sees what works, and what does not."""

import pytest

from tests.browser import chromium
from toycore import data, live, preflight


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    return live.field(data.spiral(60)).save(tmp_path_factory.mktemp("flight") / "field.html")


def test_a_good_view_passes(page) -> None:
    assert preflight.opened(page, chromium()) == ""


@pytest.mark.parametrize(
    ("whole", "broken", "told"),
    [
        ("function draw(ui) {", "function draw(ui) { throw new Error('on purpose');", "on purpose"),
        ("ui.scene.draw(g);", "", "nothing is drawn"),
    ],
)
def test_a_broken_view_is_seen(page, whole: str, broken: str, told: str) -> None:
    text = page.read_text(encoding="utf-8")
    assert whole in text
    bad = page.with_name("bad.html")
    bad.write_text(text.replace(whole, broken), encoding="utf-8")
    seen = preflight.opened(bad, chromium())
    assert told in seen or "nothing is drawn" in seen  # a slow Chromium may not pass the script's own words on


def test_every_kind_of_view_is_looked_at() -> None:
    kinds = {name for name in live.__all__ if name not in ("View", "lattice")}
    made = {word for name in preflight.VIEWS for word in (name, name.rstrip("s").split()[-1])}
    assert kinds <= made | {"frames"} and "frames" in preflight.VIEWS


def test_without_a_browser_the_views_are_saved(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(preflight, "VIEWS", {"field": lambda: live.field(data.spiral(30))})
    [(what, trouble)] = preflight.views(tmp_path, None)
    assert "field" in what and not trouble and (tmp_path / "field.html").exists()


def test_the_verdict(monkeypatch, capsys) -> None:
    monkeypatch.setattr(preflight, "VIEWS", {})
    monkeypatch.setattr(preflight, "PACKAGES", ("torch", "no-such-package"))
    assert preflight.main() == 1
    said = capsys.readouterr().out
    assert "NO  no-such-package: not installed" in said and "NOT READY: 1 to mend" in said
    monkeypatch.setattr(preflight, "PACKAGES", ("torch",))
    assert preflight.main() == 0 and "\nREADY." in capsys.readouterr().out
