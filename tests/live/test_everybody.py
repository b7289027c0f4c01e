"""Views for everybody: contrast, keyboard, screen readers."""

import pytest

from tests.support import browser as b
from tests.support.views import LAYOUT, STAGE, contrast, middle, opened
from toycore import style


@pytest.mark.parametrize("theme", [style.LIGHT, style.DARK])
def test_text_and_marks_stand_out(theme):
    assert contrast(theme.ink, theme.background) >= 7
    for mark in (theme.data, theme.sample, theme.exact, theme.accent, theme.predicted, theme.random):
        assert contrast(mark, theme.background) >= 3


def test_every_control_is_reached_by_tab(browser, pages):
    with b.page_of(browser) as page:
        opened(page, pages["walk"])
        page.focus(".tc-canvas")
        seen = set()
        for _ in range(40):
            page.keyboard.press("Tab")
            seen.add(page.evaluate("() => document.activeElement.dataset?.role ?? ''"))
        wanted = page.evaluate(
            """() => [...document.querySelectorAll(".tc-view [data-role]")].filter((n) => n.offsetParent)
              .map((n) => n.dataset.role)"""
        )
        assert set(wanted) <= seen


@pytest.mark.parametrize("kind", ["field", "guidance"])
def test_a_finger_can_use_it(browser, pages, kind):
    """On a phone every control is at least 24 pixels wide and high (WCAG 2.2, 2.5.8), and a tap is a click."""
    with b.page_of(browser, 390, 800, has_touch=True, is_mobile=True) as page:
        opened(page, pages[kind])
        small = page.evaluate(
            """() => [...document.querySelectorAll(
                ".tc-view button, .tc-view label[for]:not(.tc-label), .tc-view input[type=range]")]
              .filter((n) => n.offsetParent && Math.min(n.offsetWidth, n.offsetHeight) < 24).map((n) => n.outerHTML)"""
        )
        assert small == [] and page.evaluate(LAYOUT) == []
        before = b.picture(page)
        page.touchscreen.tap(*middle(page))
        b.settle(page)
        assert b.picture(page) != before
        page.tap("[data-role=play]")
        b.settle(page, 3)
        assert page.evaluate(STAGE)[1] == "pause"
