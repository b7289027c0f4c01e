"""The attention view: the page's network is torch's, word by word and point by point."""

import pytest
import torch

from tests.support import browser as b
from tests.support.page import answers
from tests.support.views import attending, opened
from toycore import data, embeddings, exact, live
from toycore.lessons.conditioning import Captioned, attention_weights
from toycore.live.views import attention
from toycore.precondition import Preconditioned


@pytest.fixture(scope="module")
def D():
    return attending(width=20)


def test_the_pages_network_is_torchs(D):
    """float32 weights in both, sums in another order: x0_hat and attention agree to 1e-4."""
    rng = torch.Generator().manual_seed(2)
    sent = {k: {"data": v.flatten().tolist(), "shape": list(v.shape)} for k, v in attention.weights(D).items()}
    entries = "Object.entries(sent).map(([k, v]) => [k, { data: Float32Array.from(v.data), shape: v.shape }])"
    answer = f"m.attend(Object.fromEntries({entries}), scale, tokens, sigma, x)"
    code = f"[{answer}].map((a) => [[...a.x0], a.reads.map((r) => [...r])])[0]"
    for sigma, label in ((0.05, 9), (1.0, 31), (8.0, 0)):
        x = (0.7 + sigma) * torch.randn(6, 2, generator=rng)
        scale, tokens = {"s": D.sigma_data, "mean": D.mean.expand(2).tolist()}, embeddings.TOKENS[label].tolist()
        x0, reads = answers(
            "maths/attention.js", code, sent=sent, scale=scale, tokens=tokens, sigma=sigma, x=x.flatten().tolist()
        )
        with torch.no_grad():
            want = D(x, sigma, label)
        torch.testing.assert_close(torch.tensor(x0).reshape(-1, 2), want, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(
            torch.tensor(reads).reshape(-1, 6, 3), attention_weights(D, x, sigma, label), rtol=0, atol=1e-4
        )


def test_attention_is_a_share_for_each_word(D):
    read = attention_weights(D, torch.randn(5, 2), 0.3, 4)
    assert read.shape == (3, 5, 3) and (read > 0).all()
    torch.testing.assert_close(read.sum(2), torch.ones(3, 5))
    assert read.std() > 0.02, "the words are not read evenly"


def test_curves_are_means_over_noised_data(D):
    """At one level of one caption, against a sample of its own; 60 and 2,000 points, so within 4 standard errors."""
    curves, i = attention.curves(D, 3), 9
    s, mixture = float(attention.LEVELS[i]), embeddings.mixture().given(20)
    x = mixture.sample(2000, torch.Generator().manual_seed(5))[0]
    x = x + s * torch.randn(x.shape, generator=torch.Generator().manual_seed(6))
    read = attention_weights(D, x, s, 20)
    error = read.std(1) * (1 / 60 + 1 / 2000) ** 0.5
    assert ((curves[20, :, i] - read.mean(1)).abs() <= 4 * error + 1e-4).all()


def test_other_denoisers_are_refused():
    film = Preconditioned(Captioned(embeddings.TOKENS.tolist(), how="film", width=8))
    for other in (film, exact.posterior_mean(data.spiral(10)), None):
        with pytest.raises(ValueError, match="cross-attention"):
            live.attention(other)
    with pytest.raises(ValueError, match="no layer of cross-attention"):
        attention_weights(film, torch.zeros(1, 2), 1.0, 0)


def test_a_click_on_a_word_takes_the_next_one(browser, tmp_path, D):
    with b.page_of(browser, 1280, 720) as page:
        opened(page, live.attention(D).save(tmp_path / "view.html"))
        box = page.locator(".tc-canvas").bounding_box()
        said = []
        for place in (0.53, 0.7, 0.87):
            page.mouse.click(box["x"] + place * box["width"], box["y"] + 32)
            b.settle(page)
            said.append(page.inner_text(".tc-status"))
        assert "large" in said[0] and "square" in said[1] and "right" in said[2] and page.errors == []
        before = said[-1]
        page.mouse.click(box["x"] + 0.2 * box["width"], box["y"] + 0.4 * box["height"])
        b.settle(page)
        assert page.inner_text(".tc-status") != before
