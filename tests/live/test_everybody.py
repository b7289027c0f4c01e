"""Views for everybody: contrast, keyboard, screen readers; and in a JupyterLab, with a kernel."""

import json
import math

import pytest

from tests.support import browser as b
from tests.support.external import package
from tests.support.views import KINDS, LAYOUT, STAGE, contrast, middle, opened
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


@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing(browser, pages, kind):
    script = package("axe-core/axe.min.js", "the views as a screen reader meets them").read_text(encoding="utf-8")
    with b.page_of(browser, bypass_csp=True) as page:
        opened(page, pages[kind])
        page.evaluate(script)
        found = page.evaluate(
            """async () => (await axe.run(".tc-view")).violations
              .map((v) => [v.id, v.nodes.map((n) => n.html.slice(0, 150))])"""
        )
        assert found == []


# ---- JupyterLab

CELLS = [
    "from toycore import data, live, training\nimport torch\npoints = data.spiral(40)",
    "view = live.field(points)\nview",
    "view.sigma",
    "learn = live.training(points, walk=())\nlearn",
    "rng = torch.Generator().manual_seed(0)\n"
    "model = training.model(points, width=8, depth=1, rng=rng)\n"
    "D = learn.follow(training.train(model, points, 40, batch=32, rng=rng))",
]


def test_views_live_in_jupyterlab(browser, tmp_path):
    b.notebook(tmp_path / "views.ipynb", CELLS)
    with b.jupyterlab(tmp_path) as address, b.page_of(browser, 1200, 1000) as page:
        b.open_notebook(page, address, "views.ipynb")
        for number in (0, 1):
            b.run_cell(page, number)
        page.wait_for_function("() => document.querySelector('.tc-view')?.tcStats.frames > 0", timeout=30_000)
        assert b.drawn(page) > 8

        b.slide(page, "sigma", math.log10(2))  # released: Python has it
        b.run_cell(page, 2)
        shown = page.locator(".jp-CodeCell").nth(2).locator(".jp-OutputArea-output").inner_text()
        assert float(shown) == pytest.approx(2, abs=0.02)

        page.evaluate("() => { document.body.dataset.jpThemeLight = 'false'; }")
        b.settle(page)
        assert page.get_attribute(".tc-view", "data-theme") == "dark"

        b.run_cell(page, 3)
        page.wait_for_function("() => document.querySelectorAll('.tc-view').length === 2", timeout=30_000)
        b.run_cell(page, 4)
        page.wait_for_function(
            "() => document.querySelectorAll('.tc-view')[1].innerText.includes('40')", timeout=30_000
        )

        b.run_cell(page, 1)  # run again: one view, alive
        page.wait_for_function("() => document.querySelectorAll('.tc-view').length === 2")
        page.locator(".tc-view").first.scroll_into_view_if_needed()
        before = b.picture(page)
        b.slide(page, "sigma", -1.5)
        assert b.picture(page) != before

        page.keyboard.press("Escape")  # restart the kernel: the picture goes on without it
        page.keyboard.press("0")
        page.keyboard.press("0")
        page.locator(".jp-Dialog button.jp-mod-accept").click()
        page.wait_for_timeout(1500)
        before = b.picture(page)
        b.slide(page, "sigma", -0.5)
        assert b.picture(page) != before
        ours = [e for e in page.errors if "tc" in e.lower() or "anywidget" in e.lower() or "Uncaught" in e]
        assert ours == [], json.dumps(page.errors)[:2000]
