"""The transformer that fills in tokens: what it returns, its loss against the exact bound, and that it learns."""

import pytest
import torch

from toycore.images import sets
from toycore.images.nets import tokens
from toycore.lessons import discrete
from toycore.lessons import discrete_laws as laws
from toycore.types import seeded

WORDS = discrete.joint()


def stirred(**options: int) -> tokens.Filler:
    """A network of words whose answers differ from place to place and symbol to symbol."""
    net = tokens.Filler(5, 3, 16, 1, 2, rng=seeded(), **options)
    rng = seeded(1)
    for part in net.parameters():
        part.data += 0.3 * torch.randn(part.shape, generator=rng)
    return net.requires_grad_(False)


def test_it_is_a_model_of_tokens() -> None:
    """Rows sum to 1; every visible place and every label matters, the time does not; untrained, all are alike."""
    net, x = stirred(classes=2), WORDS.tokens(["t_a", "_e_"])
    p = net(x, 0.3, 1)
    assert p.shape == (2, 3, 5) and torch.equal(p, net(x, 0.9, 1))
    torch.testing.assert_close(p.sum(2), torch.ones(2, 3))
    for other in (net(WORDS.tokens(["s_a", "_e_"]), None, 1), net(WORDS.tokens(["t_e", "_e_"]), None, 1), net(x)):
        assert (other - p)[0].abs().max() > 1e-3
    torch.testing.assert_close(tokens.Filler(rng=seeded())(torch.full((1, 64), -1)), torch.full((1, 64, 2), 0.5))


def test_the_loss_is_the_exact_bound_on_average() -> None:
    """20,000 words and sets of hidden places, within 4 standard errors of the sum over all words and all sets."""
    net = stirred()
    losses = torch.stack([tokens.loss(net, WORDS.sample(200, seeded(i)), rng=seeded(1000 + i)) for i in range(100)])
    assert abs(float(losses.mean()) - laws.bound(net, WORDS)) <= 4 * float(losses.std()) / 10


def test_every_number_of_places_is_hidden_as_often() -> None:
    hidden = tokens.hide(torch.zeros(8000, 4, dtype=torch.int64), seeded())
    share = torch.bincount(hidden.sum(1), minlength=5) / 8000
    assert share[0] == 0 and ((share[1:] - 0.25).abs() < 4 * (0.25 * 0.75 / 8000) ** 0.5).all()
    assert ((hidden.double().mean(0) - 0.625).abs() < 0.03).all()


def test_it_learns_two_words() -> None:
    """ant and tea, equally likely: the bound falls from 3 ln 5 = 4.8 to nearly ln 2 = 0.69."""
    two, rng = discrete.joint(["ant", "tea"], "aenst"), seeded()
    net = tokens.Filler(5, 3, 32, 2, 2, rng=rng)
    *_, last = tokens.train(net, two.sample(500, rng), steps=150, batch=64, lr=1e-2, average=0.9, rng=rng)
    with torch.no_grad():
        assert two.entropy <= laws.bound(last.D, two) < two.entropy + 0.1


def test_pictures_as_tokens_and_back() -> None:
    images = sets.load("digits").images[:5]
    x = tokens.binary(images)
    assert x.shape == (5, 64) and torch.equal(tokens.to_pictures(x)[:, 0] > 0, images[:, 0] > 127)
    x[0, 0] = -1
    assert tokens.to_pictures(x)[0, 0, 0, 0] == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net: net(torch.zeros(2, 3)), "torch.float32"),
        (lambda net: net([[0, 1, 2]]), "a list"),
        (lambda net: net(torch.zeros(2, 4).long()), r"whole numbers \[b, 3\]"),
        (lambda net: net(torch.full((2, 3), 5)), "from -1 to 4"),
        (lambda net: next(tokens.train(net, WORDS.words - 1)), "from 0 to 4"),
        (lambda net: next(tokens.train(net, WORDS.words, steps=0)), "steps is 0"),
        (lambda net: tokens.binary(torch.zeros(2, 1, 8, 8)), "bytes"),
        (lambda net: tokens.to_pictures(torch.zeros(2, 60).long()), r"\[b, 64\]"),
        (lambda net: tokens.Filler(width=30, heads=4), "multiple of 4"),
        (lambda net: tokens.Filler(symbols=0), "symbols is 0"),
    ],
)
def test_a_bad_call_is_refused(call, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        call(stirred())
