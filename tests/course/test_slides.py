"""The slides of the site: one idea each, nothing larger than the screen, answers after their questions."""

import base64
from pathlib import Path

import nbformat as nf
import pytest
from ipywidgets.embed import dependency_state

from tests.support import browser as b
from tools.slides import measured, opened
from toycore import data, live, plots
from toycore.live import vote
from toycore.programs import export

ROOT = Path(__file__).resolve().parents[2]
TEXT = r"""# 2 A small notebook

Words before. **Predict.** Which way do the arrows point?

- out
- in
"""
AFTER = "They point in.\n\n## The next part\n\n" + "\n\n".join(["One sentence after the other fills a page. " * 8] * 6)
LONG = "\n".join(f"ok: measured for the {i}th time (measured 1)" for i in range(60))
STATEMENTS = [("One.", "true", "Count."), ("Two.", "half true", "It depends.")]


def shown(widget):
    return nf.v4.new_output("display_data", {export.WIDGET: {"model_id": widget.model_id}})


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A page with all that a slide may hold: a question, a view, a wide figure, long outputs, a ballot."""
    view, ballot = live.field(data.spiral(20)), vote.ballot(STATEMENTS)
    figure, _ = plots.figure(1, 3)
    picture = nf.v4.new_output("display_data", {"image/png": base64.b64encode(plots.png(figure)).decode()})
    cells = [
        nf.v4.new_markdown_cell(TEXT),
        nf.v4.new_code_cell("view", outputs=[shown(view)]),
        nf.v4.new_markdown_cell(AFTER),
        nf.v4.new_code_cell("figure", outputs=[picture, nf.v4.new_output("stream", text=LONG)]),
        nf.v4.new_code_cell("ballot()", outputs=[shown(ballot)]),
    ]
    state = {export.STATE: {"state": dependency_state([view, ballot], drop_defaults=False)}}
    book = nf.v4.new_notebook(cells=cells, metadata={"widgets": state})
    return export.write({"02_small.html": book}, tmp_path_factory.mktemp("slides")).with_name("02_small.html")


@pytest.fixture
def page(pages, browser):
    """The slides of the page, at the first one."""
    with opened(browser, pages, 1280, 720) as page:
        yield page
        assert page.errors == []


def now(page, what: str = "") -> str:
    return page.inner_text(f"#deck > .now {what}")


@pytest.mark.parametrize("size", [(1280, 720), (1920, 1080), (844, 390)])
def test_nothing_is_larger_than_the_screen(pages, browser, size) -> None:
    with opened(browser, pages, *size) as page:
        found = list(measured(page))
        assert len(found) >= 10
        assert [slide for slide in found if slide["over"] > 1] == []


def test_a_real_notebook_has_many_small_slides(tmp_path, browser) -> None:
    """Notebook 4 with its recorded outputs; its live view has a slide in the page above."""
    book = nf.read(ROOT / "notebooks" / "04_ddpm_with_and_without_noise.ipynb", as_version=4)
    page_ = export.write({"04_ddpm.html": book}, tmp_path).with_name("04_ddpm.html")
    with opened(browser, page_, 1280, 720) as page:
        found = list(measured(page))
        assert [slide for slide in found if slide["over"] > 1] == []
        assert len(found) > 40 and min(slide["zoom"] for slide in found) > 0.6
        following = page.evaluate(
            "[...document.querySelectorAll('#deck > .with-predict')].map((e) => e.nextElementSibling.className)"
        )
        assert len(following) >= 5 and all("reveal" in name for name in following)


def test_a_question_stands_alone_and_its_answer_is_revealed(page) -> None:
    page.keyboard.press("PageDown")
    assert now(page, ".predict").startswith("Predict.") and "out" in now(page)
    assert page.locator("#deck > .now :is(.tc-view, .answer)").count() == 0
    page.keyboard.press("PageDown")
    assert page.is_visible("#deck > .reveal.now .tc-canvas")
    assert "Which way" in now(page, ".recall")
    assert page.locator("#deck > .now .predict").count() == 0


def test_page_keys_turn_after_a_click_into_a_view(page) -> None:
    page.keyboard.press("PageDown")
    page.keyboard.press("PageDown")
    page.wait_for_function("() => document.querySelector('.now .tc-view').tcStats.frames > 0")
    before = page.inner_text("#place")
    page.click("#deck > .now .tc-view [data-role=play]")
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#place") == before, "arrows are the view's while it has the focus"
    page.keyboard.press("PageDown")
    assert page.inner_text("#place") != before and page.locator("#deck > .now .tc-view").count() == 0
    page.keyboard.press("PageUp")
    assert page.is_visible("#deck > .now .tc-view")


def test_code_is_hidden_until_c(page) -> None:
    while not page.locator("#deck > .with-figure.now").count():
        page.keyboard.press("PageDown")
    assert "figure" not in now(page)
    page.keyboard.press("c")
    assert page.inner_text("#deck > .now .code").strip() == "figure"
    page.keyboard.press("c")
    assert page.locator(".code").count() == 0


def test_d_changes_the_theme(page) -> None:
    theme = "document.documentElement.dataset.theme"
    before = page.evaluate(theme)
    page.keyboard.press("d")
    assert page.evaluate(theme) != before


def test_a_ballot_is_one_statement_a_slide_with_hands_counted(page) -> None:
    page.keyboard.press("End")
    assert now(page, ".statement") == "Two." and not page.is_visible("#deck > .now .verdict")
    for key in ("1", "2", "2", "2", "Shift+Digit2"):
        page.keyboard.press(key)
    page.click("#deck > .now .hand:nth-of-type(3) button:has-text('+')")
    assert page.locator("#deck > .now .count").all_inner_texts() == ["1", "2", "1"]
    page.keyboard.press("PageDown")
    assert now(page, ".verdict") == "half true. It depends."
    page.keyboard.press("PageUp")
    assert now(page, ".statement") == "One."


def test_escape_puts_the_page_together_again(pages, browser) -> None:
    with b.page_of(browser, offline=True) as page:
        page.goto(pages.as_uri())
        page.click(".guess")
        page.wait_for_selector(".tc-canvas")
        whole = "[...document.querySelectorAll('#main > *, #main .output > *')].map((e) => e.tagName + e.className)"
        before = page.evaluate(whole)
        page.click("#slides")
        page.keyboard.press("End")
        assert not page.is_visible("nav")
        page.keyboard.press("Escape")
        assert page.evaluate(whole) == before and page.is_visible("nav") and page.locator("#deck").count() == 0
