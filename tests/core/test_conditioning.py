"""The four ways of giving a network a condition, and captions made of words."""

import pytest
import torch

from tests.support import contracts
from tests.support.problems import alike, close
from toycore import checkpoints, embeddings, exact, fields, networks, precondition, training
from toycore.lessons import conditioning
from toycore.types import seeded

EVERY = torch.arange(32)


def captioned(how: str) -> precondition.Preconditioned:
    net = conditioning.Captioned(embeddings.TOKENS[:3].tolist(), rng=seeded(), how=how, width=20)
    torch.nn.init.normal_(net.net.last.weight, generator=seeded(1))  # or F would be 0
    return precondition.Preconditioned(net, 0.47)


@pytest.mark.parametrize("how", conditioning.WAYS)
@pytest.mark.parametrize("check", contracts.DENOISER, ids=lambda f: f.__name__)
def test_contract(check, how):
    check(contracts.Case(captioned(how), 3))


def test_to_append_is_to_add():
    h, tokens = torch.randn(5, 8, generator=seeded()), torch.randn(5, 2, 3, generator=seeded(1))
    concat, add = conditioning.Concat(8, 3), conditioning.Add(8, 3)
    add.A.weight.data, add.A.bias.data = concat.B.weight.data[:, 8:], concat.B.bias.data
    close(add(h @ concat.B.weight[:, :8].T, tokens), concat(h, tokens), atol=1e-5)


def test_attention_is_torchs_attention_and_reads_a_sequence():
    attend = conditioning.Attend(8, 4)
    h, tokens = torch.randn(5, 8, generator=seeded()), torch.randn(5, 3, 4, generator=seeded(1))
    key, value = attend.KV(tokens).chunk(2, 2)
    read = torch.nn.functional.scaled_dot_product_attention(attend.Q(h)[:, None], key, value)[:, 0]
    close(attend(h, tokens), h + attend.O(read), atol=1e-5)
    weights = attend.weights(h, tokens)
    assert weights.shape == (5, 3)
    close(weights.sum(1), 1.0, atol=1e-5)
    close(attend(h, tokens), attend(h, tokens[:, [2, 0, 1]]), atol=1e-5)  # a set of tokens, without places


def test_film_is_gain_and_offset_of_the_normed_layer():
    film, h, tokens = conditioning.Film(8, 3), torch.randn(5, 8, generator=seeded()), torch.randn(1, 2, 3)
    S, T = (tokens.sum(1) @ film.ST.weight.T + film.ST.bias).chunk(2, 1)
    norm = (h - h.mean(1, keepdim=True)) / (h.var(1, keepdim=True, correction=0) + 1e-5).sqrt()
    close(film(h, tokens), (1 + S) * norm + T, atol=1e-5)


def test_conditions_may_be_vectors_or_nothing():
    net = conditioning.ConditionalMLP(3, width=12, embedding=4, rng=seeded())
    torch.nn.init.normal_(net.last.weight, generator=seeded(1))
    u, sigma, c = torch.randn(6, 3, generator=seeded()), torch.tensor([0.3]), torch.randn(6, 4, generator=seeded(2))
    close(net(u, sigma, c), net(u, sigma, c[:, None]), atol=1e-6)
    close(net(u, sigma), net(u, sigma, torch.zeros(6, 4)), atol=1e-6)  # the null vector starts at zero
    assert not torch.allclose(net(u, sigma, c), net(u, sigma))
    with pytest.raises(ValueError, match="did you mean 'attend'"):
        conditioning.ConditionalMLP(how="attention")


def test_the_four_ways_have_equal_size_at_the_notebooks_widths():
    counts = [
        networks.count_params(conditioning.Captioned(embeddings.TOKENS.tolist(), how=how, width=width))
        for how, width in {"add": 72, "concat": 51, "film": 64, "attend": 60}.items()
    ]
    assert max(counts) / min(counts) < 1.05


def test_words_compose_to_captions_never_shown():
    """Trained on 24 of 32 captions; the exact conditional field judges the other 8."""
    hidden = torch.tensor([i for i in range(32) if (i // 16 + i // 4 + i) % 4 == 0])
    seen = EVERY[~torch.isin(EVERY, hidden)]
    assert all(torch.isin(torch.arange(10), embeddings.TOKENS[part]).all() for part in (seen, hidden))
    truth, lesson = exact.posterior_mean(embeddings.mixture()), embeddings.mixture(captions=seen)
    x0, label = embeddings.mixture(captions=hidden).sample(2000, seeded(3))
    x = x0 + 0.3 * torch.randn(x0.shape, generator=seeded(4))
    eps = fields.noise(truth, x, 0.3, label)

    def error(net) -> float:
        D = precondition.Preconditioned(net, 0.47)
        walk = training.train(D, lesson, 300, batch=256, lr=1e-2, rng=seeded(1))
        made = training.run(walk, 300, D, False)
        return float((fields.noise(made, x, 0.3, label) - eps).square().sum() / eps.square().sum())

    of_words = conditioning.Captioned(embeddings.TOKENS.tolist(), seeded(), how="add", width=48)
    assert error(of_words) < 0.3 < 1 < error(networks.MLP(width=48, classes=32, rng=seeded()))


def test_captioned_networks_are_saved_whole(tmp_path):
    D, x = captioned("film"), torch.randn(4, 2, generator=seeded())
    again = checkpoints.load(checkpoints.save(D, tmp_path / "captions.safetensors"))
    alike(again(x, 0.3, 2), D(x, 0.3, 2))
