"""The lecturer's tools in a real browser: links to a state."""

import json

import pytest

from tests.support import browser as b
from tests.support.views import KINDS, MAKE, middle, opened
from toycore.live import engine


def address(page) -> str:
    """What "Copy link" puts into the address."""
    if not page.is_visible("[data-role=link]"):
        page.keyboard.press("m")
    page.click("[data-role=link]")
    page.wait_for_function("() => document.querySelector('.tc-note').textContent")
    return page.url


POINTS = "() => JSON.stringify(document.querySelector('.tc-view').tcPoints())"


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_opens_the_same_picture(browser, pages, kind):
    """Other values, other noise, a click on the picture: a page opened by the link shows it, pixel by pixel."""
    with b.page_of(browser) as page:
        opened(page, pages[kind])
        before = b.picture(page)
        for key in ("n", "ArrowLeft", "ArrowRight", "ArrowRight", "ArrowRight"):
            page.keyboard.press(key)
        page.mouse.click(*middle(page))
        b.settle(page)
        link = address(page)
        b.settle(page)
        shown, points = b.picture(page), page.evaluate(POINTS)
        assert shown != before and link.startswith(pages[kind].as_uri() + "#") and page.errors == []
    with b.page_of(browser) as page:
        page.goto(link)
        page.wait_for_function("() => document.querySelector('.tc-view')?.tcStats.frames > 0")
        page.keyboard.press("m")  # the drawer was open
        b.settle(page, 3)
        assert page.evaluate(POINTS) == points and b.picture(page) == shown
        assert page.inner_text(".tc-note") == ""


def test_a_broken_link_is_refused_in_words(browser, pages):
    with b.page_of(browser) as page:
        page.goto(pages["field"].as_uri() + "#sigma=400&frame=VP&moon=1&seed&hide=density,moon,help")
        page.wait_for_function("() => document.querySelector('.tc-view')?.tcStats.frames > 0")
        said = page.inner_text(".tc-note")
        for part in ("sigma = 400 is not between 0.01 and 10", "no moon here", "“seed” is not name=value", "to hide"):
            assert part in said
        assert page.is_checked("input[data-role=frame][value=VP]") and "σ = 0.1" not in said
        page.keyboard.press("m")
        assert page.is_visible("[data-role=points]") and not page.is_visible("[data-role=density]")
        page.keyboard.press("?")
        assert not page.is_visible(".tc-help") and page.errors == []


def test_views_of_one_page_have_their_own_keys(browser, tmp_path):
    path = tmp_path / "two.html"
    path.write_text(engine.page("Two", [MAKE["field"]().plain(), MAKE["walk"]().plain()]), encoding="utf-8")
    with b.page_of(browser) as page:
        page.goto(path.as_uri() + "#v1.sigma=2&v2.step=7")
        page.wait_for_function("() => document.querySelectorAll('.tc-view').length === 2")
        shown = page.evaluate("() => [...document.querySelectorAll('.tc-value')].map((n) => n.textContent)")
        assert shown[0] == "2.00" and "7" in shown
        page.evaluate("() => { location.hash = '#v1.sigma=0.5'; }")
        page.wait_for_function("() => document.querySelector('.tc-value').textContent === '0.500'")


def test_in_a_notebook_the_link_leads_to_the_saved_page(tmp_path):
    view = MAKE["field"]()
    assert view.saved == ""
    path = view.save(tmp_path / "a page.html")
    assert view.saved == path.resolve().as_uri() and "saved" not in json.loads(json.dumps(view.plain()))
