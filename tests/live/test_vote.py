"""The ballot: its state in Python, and its life on a page without kernel and network."""

import re

import pytest
from ipywidgets.embed import dependency_state

from tests.support import browser as b
from tests.support.external import library
from toycore.live import vote

STATEMENTS = [
    ("Noise is good.", "half true", "It depends on the noise."),
    ("Two is <b>two</b>.", "true", "Count."),
    ("Pigs fly.", "false", "They <i>walk</i>."),
]


def test_the_state_a_page_needs() -> None:
    view = vote.ballot(STATEMENTS, title="Vote")
    assert view.votes == [-1, -1, -1] and view.verdicts == [1, 0, 2] and not view.compared
    assert view.statements[0] == "Noise is good." and view.reasons[1] == "Count."
    assert {"background", "ink", "accent"} <= set(view.palette["dark"])
    state = view.get_state()
    assert state["_esm"] == vote.module() and ".tc-statement" in state["_css"]


def test_the_module_is_plain() -> None:
    text = vote.module() + vote.LOOK
    assert not re.search(
        r"^\s*import\b|\bimport\(|\brequire\(|\bfetch\(|innerHTML|https?:|#[0-9a-fA-F]{3,8}\b", text, re.M
    )


@pytest.mark.parametrize(
    ("statements", "message"), [([], "at least one"), ([("Noise.", "half-true", "?")], "did you mean 'half true'")]
)
def test_a_wrong_ballot_is_refused(statements, message) -> None:
    with pytest.raises(ValueError, match=message):
        vote.ballot(statements)


@pytest.fixture(scope="module")
def page_of_votes(tmp_path_factory):
    """A page of the reading site with a ballot, its state stored without a kernel."""
    nf, _ = (library(name, "the ballot on a page of the site") for name in ("nbformat.v4", "nbclient"))
    from toycore.programs import export

    ballot = vote.ballot(STATEMENTS)
    shown = nf.new_output("display_data", {export.WIDGET: {"model_id": ballot.model_id}})
    cells = [nf.new_markdown_cell("# A vote"), nf.new_code_cell("ballot()", outputs=[shown])]
    state = {export.STATE: {"state": dependency_state([ballot])}}
    book = nf.new_notebook(cells=cells, metadata={"widgets": state})
    return export.write({"vote.html": book}, tmp_path_factory.mktemp("ballot")).with_name("vote.html")


def test_no_statement_breaks_the_page(page_of_votes) -> None:
    """JSON inside a script holds no "<": "<!--<script>" would hide the script's own end."""
    text = page_of_votes.read_text(encoding="utf-8")
    [state] = re.findall(r'<script type="application/json" id="widgets">(.*?)</script>', text, re.S)
    assert "<" not in state and r"\u003cb>two" in state


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_votes_are_cast_and_compared_without_a_kernel(page_of_votes, browser, scheme: str) -> None:
    with b.page_of(browser, offline=True, scheme=scheme) as page:
        page.goto(page_of_votes.as_uri())
        page.wait_for_selector(".tc-ballot fieldset")
        assert page.locator(".tc-statement legend").all_inner_texts()[1] == "2. Two is <b>two</b>."
        assert not page.locator(".tc-verdict").first.is_visible(), "no verdict before one asks"
        for number, verdict in (1, "half true"), (3, "true"):
            page.locator(".tc-statement").nth(number - 1).get_by_text(verdict, exact=True).click()
        assert page.inner_text(".tc-foot [role=status]") == "2 of 3 voted"
        page.locator("input[data-role=vote-3]:checked").press("ArrowRight")
        assert page.locator("input[data-role=vote-3]:checked").get_attribute("value") == "1"
        page.click("button[data-role=compare]")
        assert page.inner_text(".tc-foot [role=status]") == "2 of 3 voted, 1 as measured"
        shown = page.locator(".tc-verdict").all_inner_texts()
        assert shown == ["✓ half true. It depends on the noise.", "→ true. Count.", "→ false. They <i>walk</i>."]
        background = page.eval_on_selector(".tc-ballot", "(e) => getComputedStyle(e).backgroundColor")
        assert (background == "rgb(255, 255, 255)") == (scheme == "light")
        page.click("#theme")
        assert page.eval_on_selector(".tc-ballot", "(e) => getComputedStyle(e).backgroundColor") != background
        assert page.errors == []
        page.emulate_media(media="print")
        assert page.is_visible(".tc-statement >> nth=0") and not page.is_visible(".tc-foot"), "on paper, too, one votes"
