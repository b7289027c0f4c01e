"""The static site: pages that open from a disk, with figures, mathematics, search and views alive, and no request."""

import json
import math
import re

import nbformat as nf
import pytest

from tests.support import browser as b
from tests.support.external import package
from toycore.programs import export
from toycore.programs.export import cells

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
    other = nf.v4.new_markdown_cell("# 3 Another\n\nNothing but words about schedules.")
    for name, content in ("02_small", cells), ("03_other", [other]):
        book = nf.v4.new_notebook(cells=content)
        book.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nf.write(book, folder / f"{name}.ipynb")
    return export.site(sorted(folder.glob("*.ipynb")), folder / "site")


def test_a_drawing_of_figures_travels_with_the_page():
    page = cells.markdown("![a U, drawn](../figures/unet.png)")
    assert 'src="data:image/png;base64,' in page and 'alt="a U, drawn"' in page and "figures/" not in page


def test_pages_hold_what_the_notebooks_hold(site):
    page = (site.parent / "02_small.html").read_text(encoding="utf-8")
    assert 'alt="A spiral of 30 points"' in page and "Thirty points." in page
    assert 'href="03_other.html#part"' in page and 'href="03_other.html">3 Another →' in page
    state = json.loads(re.search(r'id="widgets">(.*?)</script>', page, re.S)[1])
    view = re.search(r'data-model="(\w+)"', page)[1]
    assert state[view]["state"]["children"], "the box and the view in it are stored"
    assets = [path for path in (site.parent / "assets").glob("*.*") if re.fullmatch("[0-9a-f]{16}", path.stem)]
    modules = [path for path in assets if "tcModules" in path.read_text(encoding="utf-8")[:40]]
    assert len(modules) == 1, "one module, also for the front page"
    assert sum(path.suffix == ".css" for path in assets) == 1, "one style"
    shared = {
        part["shared"]
        for model in state.values()
        for buffer in model["buffers"]
        for part in buffer["parts"]
        if "shared" in part
    }
    assert shared and shared < {path.stem for path in assets}, "large arrays are files that pages share"


def test_an_exercise_has_its_hint_and_its_solution_folded(site):
    page = (site.parent / "02_small.html").read_text(encoding="utf-8")
    cell = page[page.index("not yet: your function returns nothing") :]
    folds = re.findall(r"<details class='(\w+)'><summary>(.*?)</summary>(.*?)</details>", cell, re.S)
    assert [fold[:2] for fold in folds] == [("hint", "Another hint"), ("solution", "A solution")]
    assert "sigma times the arrow eps" in folds[0][2] and "noisy" in folds[1][2]


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
        page.click(".cards a:has-text('A small notebook')")
        page.wait_for_selector("button.guess")
        assert not page.is_visible(".output img"), "the answer waits for a guess"
        page.click("button.guess")
        assert page.locator("button.guess").count() == 0 and page.is_visible(".output img")
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


def test_paper_has_the_text_in_light_colours_and_stills_for_views(site, browser):
    with b.page_of(browser, offline=True, scheme="dark") as page:
        page.goto((site.parent / "02_small.html").as_uri())
        page.click(".guess")
        page.wait_for_selector(".tc-view")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 22, 26)"
        assert not page.is_visible(".still img"), "on the screen the view itself"
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.is_visible("h2") and not page.is_visible("nav") and not page.is_visible(".tc-view")
        assert page.is_visible(".still img")
        assert page.eval_on_selector(".still img", "(e) => e.naturalWidth") > 200
        assert "kernel" not in page.inner_text("body") and "live view" not in page.inner_text("body")


def test_without_scripts_a_view_is_its_still(site, browser):
    with b.page_of(browser, offline=True, java_script_enabled=False) as page:
        page.goto((site.parent / "02_small.html").as_uri())
        assert page.is_visible(".still img") and page.locator(".tc-view").count() == 0


def test_a_handout_has_words_and_lines_to_write_on_and_its_answers_last(site, browser):
    with b.page_of(browser, offline=True) as page:
        page.goto((site.parent / "02_small.html").as_uri())
        page.wait_for_selector(".tc-view", state="attached")
        page.click(".guess")
        before = page.evaluate("[...document.querySelectorAll('main > *')].map((e) => e.outerHTML.slice(0, 60))")
        page.evaluate("window.print = () => { window.printed = document.body.className; }")
        page.click("#handout")
        assert "handout" in page.evaluate("window.printed")
        page.emulate_media(media="print")
        assert page.is_visible("h2") and page.locator(".cell:not(.stub) .input").count() > 0
        assert not any(part.is_visible() for part in page.locator(".cell:not(.stub) .input").all())
        assert page.locator(".stub .input").is_visible() and not page.locator(".stub .output").is_visible()
        for place in (".predict", ".stub"):
            assert page.eval_on_selector(place, "(e) => getComputedStyle(e, '::after').borderTopWidth") == "1px"
        after = page.eval_on_selector(".predict", "(e) => e.nextElementSibling.className")
        assert after in ("", "cell stub"), "the answer does not stand below the lines"
        assert page.locator("main > .answers:last-child img").count() > 0
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert "handout" not in page.evaluate("document.body.className")
        assert (
            page.evaluate("[...document.querySelectorAll('main > *')].map((e) => e.outerHTML.slice(0, 60))") == before
        )


def test_the_front_page_plays_by_itself_until_somebody_takes_over(site, browser):
    slider = ".hero input[data-role=sigma]"
    with b.page_of(browser, offline=True, width=390, height=844) as page:
        page.goto(site.as_uri())
        assert page.locator("nav").bounding_box()["height"] < 84, "the menu leaves nine tenths of a phone's screen"
        page.wait_for_function("() => /pause/i.test(document.querySelector('.hero [data-role=play]')?.ariaLabel)")
        assert page.locator(".hero canvas").bounding_box()["y"] < 600
        page.locator(".hero canvas").click()
        page.click(".hero [data-role=play]")
        value = page.input_value(slider)
        page.wait_for_timeout(600)
        assert page.input_value(slider) == value
        assert page.errors == []
    with b.page_of(browser, offline=True, reduced_motion="reduce") as page:
        page.goto(site.as_uri())
        page.wait_for_function("() => document.querySelector('.hero .tc-view')?.tcStats.frames > 0")
        page.wait_for_timeout(800)
        assert float(page.input_value(slider)) == pytest.approx(math.log10(0.15), abs=0.02), "nothing moves unasked"


@pytest.mark.parametrize("name", ["index.html", "02_small.html"])
def test_the_site_is_accessible(site, browser, name: str) -> None:
    axe = package("axe-core/axe.min.js", "the accessibility of the site")
    for scheme in ("light", "dark"):
        with b.page_of(browser, offline=True, scheme=scheme) as page:
            page.goto((site.parent / name).as_uri())
            page.wait_for_selector(".tc-view", state="attached")
            page.add_script_tag(path=str(axe))
            found = page.evaluate(
                "axe.run().then((r) => r.violations.map((v) => [v.id, v.nodes[0].html.slice(0, 120)]))"
            )
            assert found == [], scheme


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
