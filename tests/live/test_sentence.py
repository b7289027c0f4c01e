"""The sentence view: the page's denoiser and sampler are the library's, and what it measures is true."""

import pytest
import torch

from tests.support import browser as b
from tests.support.page import answers
from tests.support.views import opened
from toycore import live
from toycore.lessons import discrete
from toycore.live.views import sentence

WORDS = discrete.sentences()
TABLE = {
    "words": WORDS.words.flatten().tolist(),
    "p": WORDS.p.tolist(),
    "places": WORDS.words.shape[1],
    "symbols": len(WORDS.symbols),
}


def test_the_sentences_agree():
    assert len(WORDS.p) == 52 and len(set(WORDS.text(WORDS.words))) == 52
    for text in WORDS.text(WORDS.words):
        number, _, animal, verb, _ = text.split()
        assert (number == "two") == animal.endswith("s") == (not verb.endswith("s"))
    assert "two small dogs bark loudly" in WORDS.text(WORDS.words)


@pytest.mark.parametrize("text", ["_ _ _ _ _", "two _ _ _ softly", "a big bird _ _", "a small cats _ long"])
def test_the_pages_posterior_is_the_librarys(text):
    """Sums of the same numbers in float64; the last sentence fits none."""
    x = WORDS.tokens([text])
    got = answers("maths/words.js", "m.posterior(table, x).map((row) => [...row])", table=TABLE, x=x[0].tolist())
    torch.testing.assert_close(torch.tensor(got).double(), WORDS.posterior(x)[0], rtol=0, atol=1e-6)


@pytest.mark.parametrize("together", [1, 2, 5])
def test_the_page_fills_in_the_same_places_with_the_same_words(together):
    code = "[0, 1, 2, 3, 4, 5, 6, 7].map((seed) => m.states(table, seed, k).map((x) => [...x]))"
    for seed, got in enumerate(answers("maths/words.js", code, table=TABLE, k=together)):
        want = sentence.states(WORDS, seed, together)
        assert got == [x.tolist() for x in want] and len(want) == -(-5 // together) + 1


def test_the_share_of_right_sentences():
    """One at a time all are right; all at once as many as the product of the marginals says, within 4 errors."""
    code = "[1, 2, 3, 4, 5].map((k) => m.right(table, k, 1000))"
    share = answers("maths/words.js", code, table=TABLE)
    D = WORDS.posterior(discrete.masked.noise((1, 5)))[0]
    at_once = float(D[torch.arange(5), WORDS.words].prod(1).sum())
    assert share[0] == 1 and abs(share[-1] - at_once) <= 4 * (at_once * (1 - at_once) / 1000) ** 0.5
    assert share == sorted(share, reverse=True)


def test_what_is_no_joint_is_refused():
    with pytest.raises(TypeError, match="words is a list; give a joint"):
        live.sentence(["a cat"])


def test_a_click_on_a_place_shows_its_probabilities(browser, tmp_path):
    with b.page_of(browser, 1280, 720) as page:
        opened(page, live.sentence(step=0).save(tmp_path / "view.html"))
        box = page.locator(".tc-canvas").bounding_box()
        page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.1 * box["height"])
        b.settle(page)
        said = page.inner_text(".tc-status")
        assert "Place 3: bird 0.19" in said and "52 right sentences fit" in said and page.errors == []
        b.slide(page, "step", 5)
        assert "; a right sentence." in page.inner_text(".tc-status")
