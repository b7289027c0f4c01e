"""The latent view: the page's decoder is torch's, its walks the sampler's, and a hand can hold a latent."""

import pytest
import torch

from tests.support import browser as b
from tests.support.page import answers
from tests.support.views import opened
from toycore import checkpoints, data, exact, live, samplers, sigmas
from toycore.images.nets.autoencoder import Autoencoder
from toycore.images.sets import load
from toycore.live.views import latent
from toycore.mixtures import GaussianMixture


@pytest.fixture(scope="module")
def view():
    return live.latent(pictures=load("strokes", n=100, seed=7))


@pytest.fixture(scope="module")
def coder():
    return checkpoints.load("strokes-autoencoder")


def decoded(coder, z: torch.Tensor) -> torch.Tensor:
    """The page's pictures of latents `[n, d]`."""
    sent = {k: {"data": v.float().flatten().tolist()} for k, v in latent.weights(coder).items()}
    side, rows = coder.config["side"], z.tolist()
    code = "rows.map((z) => Array.from(m.decode(Object.fromEntries(Object.entries(arrays).map(([k, v]) => [k, { data:"
    code += " Float32Array.from(v.data) }])), z, side)))"
    return torch.tensor(answers("maths/decoder.js", code, arrays=sent, rows=rows, side=side)).reshape(-1, 1, side, side)


def test_the_pages_decoder_is_torchs(coder):
    """Pictures in [-1, 1] from weights of 11 significant bits: they agree to 0.02 in every pixel."""
    z = torch.randn(4, 16, generator=torch.Generator().manual_seed(0)) * torch.tensor([[0.0], [1.0], [2.0], [5.0]])
    with torch.no_grad():
        want = coder.decode(z)
    assert want.std() > 0.3
    torch.testing.assert_close(decoded(coder, z), want, rtol=0, atol=0.02)


def test_any_size_and_spread_of_latents():
    """Mean, spread and condition are folded into the weights that are sent."""
    rng = torch.Generator().manual_seed(1)
    small = Autoencoder(1, 8, (3,), width=8, rng=rng).requires_grad_(False)
    for part in small.parameters():
        part.add_(0.3 * torch.randn(part.shape, generator=rng))
    small.mean += torch.tensor([1.0, -2.0, 0.5])
    small.std *= torch.tensor([0.5, 2.0, 3.0])
    z = torch.randn(3, 3, generator=rng)
    torch.testing.assert_close(decoded(small, z), small.decode(z), rtol=0.02, atol=0.02)


def test_walks_are_the_samplers(view):
    """Heun's method, one noise for all classes; the mean of the exact latents beside the learned one."""
    D, z, label = checkpoints.load("strokes-latent"), view.payload.arrays["z"].float(), torch.arange(10)
    own = view.payload.arrays["dataLabel"].long()
    paths = latent.walks(D, exact.posterior_mean(GaussianMixture(z, 0.0, label=own)), 16, 10)
    grid = sigmas.karras(latent.STEPS, latent.LOW, latent.HIGH)
    start = paths["walk"][:, 0].float()
    assert (start == start[0]).all() and abs(start.std() / 80 - 1) < 0.4
    ends = samplers.final(samplers.heun(D, start, grid, label))
    last = D(paths["walk"][:, -1].float(), float(grid[-2]), label)
    torch.testing.assert_close(ends, last, rtol=0, atol=0.05)
    nearest = torch.cdist(paths["exact"][:, -1].float(), z).min(1)
    assert nearest.values.max() < 0.05 and (own[nearest.indices] == label).all(), "at the end it is a real latent"


def test_what_cannot_be_decoded_in_the_page_is_refused():
    with pytest.raises(ValueError, match="latent vector into one channel"):
        live.latent(checkpoints.load("shapes-autoencoder"))
    with pytest.raises(ValueError, match="latent vector into one channel"):
        live.latent(data.spiral(10))


def test_a_hand_holds_a_latent_until_a_control_moves(browser, tmp_path, view):
    with b.page_of(browser, 1280, 720) as page:
        opened(page, view.save(tmp_path / "view.html"))
        box = page.locator(".tc-canvas").bounding_box()
        page.mouse.click(box["x"] + 0.2 * box["width"], box["y"] + 0.5 * box["height"])
        b.settle(page)
        one = b.picture(page)
        assert "held by hand" in page.inner_text(".tc-status")
        page.mouse.click(box["x"] + 0.25 * box["width"], box["y"] + 0.7 * box["height"])
        b.settle(page)
        assert b.picture(page) != one
        b.slide(page, "sigma", 0.0)
        assert "The walk to a 3 at sigma 1" in page.inner_text(".tc-status") and page.errors == []
