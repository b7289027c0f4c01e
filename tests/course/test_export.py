"""The static site: pages that open from a disk, with figures, mathematics, search and views alive, and no request."""

import json
import re

import nbformat as nf
import pytest

from tests.support import browser as b
from toycore.programs import export

TEXT = r"""# 2 A small notebook

It says $D(x,\sigma) = \mathbb E[x_0 \mid x]$, and [the next](03_other.ipynb#part) says more.

> **Myth.** A word & another <b>bold</b>.

## The part on guidance

$$\hat\epsilon = (x - \hat x_0)/\sigma$$

**Predict.** Which way do the arrows point?
"""
CODE = """from toycore import data, live, plots
fig, ax = plots.figure()
_ = plots.points(ax, data.spiral(30).x)
plots.show(fig, caption="Thirty points.", alt="A spiral of 30 points")
"""
STUB = "from toycore.check import start_here\nstart_here.noisy(lambda x0, sigma, eps: ...)"
VIEWS = "import ipywidgets\nview = live.field(data.spiral(20))\nipywidgets.VBox([view])"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reading site é")
    cells = [
        nf.v4.new_markdown_cell(TEXT),
        nf.v4.new_code_cell(CODE),
        nf.v4.new_code_cell(VIEWS),
        nf.v4.new_code_cell(STUB),
    ]
    words = nf.v4.new_markdown_cell("# 3 Another\n\nNothing but words about schedules.")
    for name, content in ("02_small", cells), ("03_other", [words]):
        book = nf.v4.new_notebook(cells=content)
        book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nf.write(book, folder / f"{name}.ipynb")
    return export.site(sorted(folder.glob("*.ipynb")), folder / "site")


def test_pages_hold_what_the_notebooks_hold(site):
    page = (site.parent / "02_small.html").read_text(encoding="utf-8")
    assert 'alt="A spiral of 30 points"' in page and "Thirty points." in page
    assert 'href="03_other.html#part"' in page and 'href="03_other.html">3 Another →' in page
    state = json.loads(re.search(r'id="widgets">(.*?)</script>', page, re.S)[1])
    view = re.search(r'data-model="(\w+)"', page)[1]
    assert state[view]["state"]["children"], "the box and the view in it are stored"
    assert len(list((site.parent / "assets").glob("????????????????.js"))) == 2, "one module and one style, once each"


def test_an_exercise_has_its_hint_and_its_solution_folded(site):
    page = (site.parent / "02_small.html").read_text(encoding="utf-8")
    cell = page[page.index("not yet: your function returns nothing") :]
    folds = re.findall(r"<details><summary>(.*?)</summary>(.*?)</details>", cell, re.S)
    assert [title for title, _ in folds] == ["Another hint", "A solution"]
    assert "sigma times the arrow eps" in folds[0][1] and "noisy" in folds[1][1]


def test_sections_are_found_by_heading_and_word(site):
    index = (site.parent / "assets" / "search-index.js").read_text(encoding="utf-8")
    sections = json.loads(index.removeprefix("window.tcSections = ").removesuffix(";"))
    assert [(s["page"][:2], s["id"]) for s in sections] == [
        ("02", "2-a-small-notebook"),
        ("02", "the-part-on-guidance"),
        ("03", "3-another"),
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_site_lives_without_network_and_kernel(site, browser, scheme):
    with b.page_of(browser, offline=True, scheme=scheme) as page:
        page.goto(site.as_uri())
        page.click("main a:has-text('A small notebook')")
        page.locator(".tc-view").scroll_into_view_if_needed()
        page.wait_for_function("() => document.querySelector('.tc-view')?.tcStats.frames > 0")
        assert b.drawn(page) > 20
        before = b.picture(page)
        b.slide(page, "sigma", float(page.input_value(".tc-view input[data-role=sigma]")) - 1)
        assert b.picture(page) != before
        assert page.locator(".katex").count() == 2 and page.locator(".katex-error").count() == 0
        assert page.evaluate("document.documentElement.dataset.theme") == scheme
        page.fill("#search", "schedules")
        assert page.locator("#found a").all_inner_texts() == ["3 Another"]
        page.click("#theme")
        assert page.evaluate("document.documentElement.dataset.theme") != scheme
        page.click("#code")
        assert not page.locator(".input").first.is_visible()
        assert page.errors == []
        assert not [url for url in page.requests if not url.startswith(("file:", "data:", "blob:"))]


def test_sections_are_slides_that_arrow_keys_turn(site, browser):
    with b.page_of(browser, offline=True) as page:
        page.goto((site.parent / "02_small.html").as_uri())
        page.wait_for_selector(".tc-view")
        page.click("#slides")
        assert page.is_visible("h1") and not page.is_visible("h2") and not page.is_visible("nav")
        assert page.inner_text("#place") == "1 / 2"
        page.keyboard.press("ArrowLeft")
        assert page.is_visible("h1"), "there is nothing before the first slide"
        page.keyboard.press("ArrowRight")
        assert not page.is_visible("h1") and page.is_visible("h2")
        page.locator(".tc-view").scroll_into_view_if_needed()
        page.wait_for_function("() => document.querySelector('.tc-view').tcStats.frames > 0")
        assert b.drawn(page) > 20, "the view is alive on its slide"
        page.locator(".tc-canvas").focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowLeft")
        assert page.is_visible("h2"), "keys pressed in a view are the view's"
        page.locator("h2").click()
        page.keyboard.press("Escape")
        assert page.is_visible("h1") and page.is_visible("nav")
        assert page.errors == []


def test_paper_has_the_text_in_light_colours_and_no_views(site, browser):
    with b.page_of(browser, offline=True, scheme="dark") as page:
        page.goto((site.parent / "02_small.html").as_uri())
        page.wait_for_selector(".tc-view")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 26)"
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.is_visible("h2") and not page.is_visible("nav") and not page.is_visible(".tc-view")
        assert "live view" in page.eval_on_selector(".view", "(e) => getComputedStyle(e, '::before').content")


def test_a_handout_has_words_and_lines_to_write_on_in_place_of_code(site, browser):
    with b.page_of(browser, offline=True) as page:
        page.goto((site.parent / "02_small.html").as_uri())
        page.wait_for_selector(".tc-view")
        page.evaluate("window.print = () => { window.printed = document.body.className; }")
        page.click("#handout")
        assert page.evaluate("window.printed") == "handout"
        page.emulate_media(media="print")
        assert page.is_visible("h2") and page.locator(".cell:not(.stub) .input").count() > 0
        assert not any(part.is_visible() for part in page.locator(".cell:not(.stub) .input").all())
        assert page.locator(".stub .input").is_visible() and not page.locator(".stub .output").is_visible()
        for place in (".predict", ".stub"):
            assert page.eval_on_selector(place, "(e) => getComputedStyle(e, '::after').borderTopWidth") == "1px"
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.evaluate("document.body.className") == ""


def test_readers_get_every_page_but_the_answers(tmp_path):
    for name in ("10_b", "notation", "00_a", "lecturer_guide", "for_classes", "coverage"):
        (tmp_path / f"{name}.ipynb").touch()
    assert [path.stem for path in export.for_readers(tmp_path)] == ["00_a", "10_b", "coverage", "notation"]


def test_the_contents_lead_to_headings_with_code_and_formulas():
    text = "# One\n\n## Out of here: `diffusers`\n\n## The bound, $T$ layers deep\n\n### *A* Fréchet & a question?"
    book = nf.v4.new_notebook(cells=[nf.v4.new_markdown_cell(text)])
    found = list(export.sections("p.html", book))
    assert [s["id"] for s in found] == re.findall(r'<h\d id="([^"]*)"', export.markdown(text))
    assert found[1]["heading"] == "Out of here: diffusers"
