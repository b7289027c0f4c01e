"""Captioned pictures, the toy CLIP and its losses, and the four ways of telling a network a condition."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

from tests.support import contracts
from tests.support.problems import alike, close, within
from toycore import checkpoints, embeddings, exact, fields, networks, precondition, training
from toycore.images import sets
from toycore.images.nets import clip as images_clip
from toycore.images.sets import shapes
from toycore.types import seeded

EVERY = torch.arange(32)


# ---- captions and pictures --------------------------------------------------------------------------


def test_captions_are_all_combinations_of_their_words():
    assert len(set(embeddings.CAPTIONS)) == 32
    for caption, row in zip(embeddings.CAPTIONS, embeddings.TOKENS.tolist(), strict=True):
        assert caption == " ".join(embeddings.WORDS[i] for i in row)
    sizes, shapes, places = embeddings.parts(EVERY)
    for i, caption in enumerate(embeddings.CAPTIONS):
        words = embeddings.SIZES[sizes[i]], embeddings.SHAPES[shapes[i]], embeddings.PLACES[places[i]]
        assert caption == " ".join(words)


@pytest.mark.parametrize("place", range(4))
def test_pictures_lie_where_their_caption_says(place):
    """Means of centres and their spread, in bands of four standard errors."""
    caption = torch.full((3000,), 16 + place)  # large rings
    centres = embeddings.draw(caption, 48, rng=seeded()).mean(1)
    spread = (0.07**2 + 0.3**2 / 2 / 48 * (1 + 0.08**2)) ** 0.5  # of the centre, and of the mean of 48 points
    within(centres.mean(0), embeddings.CENTRE[place], spread / 3000**0.5)
    within(centres.std(0), torch.full((2,), spread), spread / 6000**0.5)


def distance_to_outline(x: torch.Tensor, shape: int) -> torch.Tensor:
    start, end = embeddings.SEGMENTS[shape].unbind(1)
    along = (((x[:, None] - start) * (end - start)).sum(2) / (end - start).square().sum(1)).clamp(0, 1)
    return (x[:, None] - start - along[..., None] * (end - start)).norm(dim=2).amin(1)


@pytest.mark.parametrize("shape", range(4))
def test_pictures_without_variation_are_the_outline(shape):
    caption = torch.tensor([shape * 4 + 1, 16 + shape * 4 + 1])
    x = embeddings.draw(caption, 200, vary=0.0, rng=seeded())
    for size in (0, 1):
        unit = (x[size] - embeddings.CENTRE[1]) / embeddings.RADIUS[size]
        assert float(distance_to_outline(unit, shape).max()) < 1e-5
        assert float(unit.norm(dim=1).max()) > 0.9  # it reaches the corners, or the rim


def test_the_mixture_has_the_captions_outlines_and_may_leave_some_out():
    mixture = embeddings.mixture()
    assert mixture.classes == 32 and torch.equal(mixture.label.bincount(), torch.full((32,), 24))
    for label in range(32):
        size, shape, place = (int(part) for part in embeddings.parts(torch.tensor([label])))
        unit = (mixture.given(label).means - embeddings.CENTRE[place]) / embeddings.RADIUS[size]
        assert float(distance_to_outline(unit, shape).max()) < 1e-5
        assert len(unit.round(decimals=4).unique(dim=0)) >= 23  # spread out: the cross may meet itself once
    few = embeddings.mixture(captions=torch.tensor([3, 17])).sample(2000, seeded())[1]
    assert set(few.tolist()) == {3, 17}
    within(few.eq(3).double().mean(), 0.5, 0.5 / 2000**0.5)


@pytest.mark.parametrize("caption", [torch.tensor([32]), torch.tensor([0, -1]), torch.tensor(3), torch.tensor([0.5])])
def test_unknown_captions_are_told(caption):
    for use in (embeddings.draw, embeddings.Clip().text, lambda captions: embeddings.mixture(captions=captions)):
        with pytest.raises(ValueError, match=r"label runs from|captions are numbers \[b\] in 0\.\.31|has dtype"):
            use(caption)


# ---- the losses -------------------------------------------------------------------------------------


def test_info_nce_by_hand():
    """Two pairs at right angles: each choice is a softmax of (k, 0), so the loss is log(1 + exp(-k))."""
    eye, k = torch.eye(2, dtype=torch.float64), 3.0
    close(embeddings.info_nce(eye, eye, torch.tensor(k).double().log()), math.log1p(math.exp(-k)))


def test_info_nce_of_equal_vectors_is_log_n_and_it_is_symmetric():
    same = normalize(torch.ones(7, 3, dtype=torch.float64), dim=1)
    close(embeddings.info_nce(same, same, torch.tensor(2.0)), math.log(7))
    a, b = (normalize(torch.randn(5, 3, generator=seeded(i), dtype=torch.float64), dim=1) for i in (0, 1))
    scale = torch.tensor(1.2, dtype=torch.float64)
    close(embeddings.info_nce(a, b, scale), embeddings.info_nce(b, a, scale))
    rows = [cross_entropy(scale.exp() * x @ y.T, torch.arange(5)) for x, y in ((a, b), (b, a))]
    close(embeddings.info_nce(a, b, scale), sum(rows) / 2)
    close(embeddings.cosine_only(a, a), 0.0)


def test_info_nce_shares_the_weight_among_equal_captions():
    """A caption that occurs k times counts as k right partners, each with 1/k, in both directions."""
    label, scale = torch.tensor([0, 0, 1, 2, 0, 1]), torch.tensor(1.3).double()
    image = normalize(torch.randn(6, 4, generator=seeded(), dtype=torch.float64), dim=1)
    text = normalize(torch.randn(3, 4, generator=seeded(1), dtype=torch.float64), dim=1)[label]
    same = (label[:, None] == label).double()
    share, logits = same / same.sum(1, keepdim=True), scale.exp() * image @ text.T
    rows = [-(share * x.log_softmax(1)).sum(1).mean() for x in (logits, logits.T)]
    close(embeddings.info_nce(image, text, scale), sum(rows) / 2)


def trained(attract_only: bool, steps: int) -> tuple[embeddings.Clip, float]:
    clip, rng, losses = embeddings.Clip(rng=seeded()), seeded(1), []

    def objective():
        image, text = clip.image(embeddings.draw(EVERY, rng=rng)), clip.text(EVERY)
        value = embeddings.cosine_only(image, text) if attract_only else embeddings.info_nce(image, text, clip.scale)
        losses.append(value.item())
        return value

    made = training.follow(training.descend(clip, objective, steps, 5e-3), steps, clip, False)
    assert isinstance(made, embeddings.Clip)
    return made, losses[0]


def test_clip_starts_blind_and_learns_to_find_captions(tmp_path):
    clip, first = trained(False, 500)
    assert first == pytest.approx(math.log(32), rel=0.1)
    own = EVERY.repeat(20)
    x = embeddings.draw(own, rng=seeded(3))
    image, text = clip.image(x), clip.text(EVERY)
    close(image.norm(dim=1), 1.0, atol=1e-5)
    assert embeddings.retrieval(image, text, own) > 0.6  # of 1/32 by chance; the notebook trains on to 0.97
    assert float((-clip.scale).exp()) < 0.6
    again = checkpoints.load(checkpoints.save(clip, tmp_path / "clip.safetensors"))
    alike(again.image(x), image)


def test_attraction_alone_collapses():
    clip, _ = trained(True, 200)
    own = EVERY.repeat(5)
    image, text = clip.image(embeddings.draw(own, rng=seeded(3))), clip.text(EVERY)
    assert float((image @ text.T).mean()) > 0.85 and embeddings.retrieval(image, text, own) < 0.7


def test_a_picture_is_a_set():
    clip, x = embeddings.Clip(rng=seeded()), embeddings.draw(EVERY, rng=seeded())
    close(clip.image(x), clip.image(x[:, torch.randperm(48, generator=seeded())]), atol=1e-5)


# ---- the same for pictures of pixels ----------------------------------------------------------------


def test_the_shipped_clip_finds_captions_and_pictures():
    """One fresh picture of each of 400 captions: each finds its own among 400, and the other way round."""
    fresh, every, model = sets.load("shapes", n=4000, seed=5), torch.arange(400), checkpoints.load("shapes-clip")
    first = torch.stack([(fresh.labels == caption).nonzero()[0, 0] for caption in every])
    image, text = model.image(sets.to_unit(fresh.images[first])), model.text(every)
    close(image.norm(dim=1), 1.0, atol=1e-5)
    assert embeddings.retrieval(image, text, every) > 0.95 and embeddings.retrieval(text, image, every) > 0.96
    assert (checkpoints.SHIPPED / "shapes-clip.safetensors").stat().st_size < 450_000


def test_a_small_clip_learns_the_colours():
    """Captions of one word, the colour, each several times in a batch: 80 steps are enough; chance is 1/8."""
    known, held = (
        sets.Pictures(found.images, shapes.parts(found.labels)[:, 1], shapes.PARTS[1])
        for found in (sets.load("shapes", n=500, seed=0), sets.load("shapes", n=200, seed=1))
    )
    start = images_clip.Clip(known.names, dim=8, rng=seeded())
    model = training.follow(images_clip.train(start, known, 80, 32, 5e-3, seeded(1)), 80, start, False)
    found = embeddings.retrieval(model.image(sets.to_unit(held.images)), model.text(torch.arange(8)), held.labels)
    assert found > 0.85


# ---- four ways of telling ---------------------------------------------------------------------------


def captioned(how: str) -> precondition.Preconditioned:
    net = networks.Captioned(embeddings.TOKENS[:3].tolist(), rng=seeded(), how=how, width=20)
    torch.nn.init.normal_(net.net.last.weight, generator=seeded(1))  # or F would be 0
    return precondition.Preconditioned(net, 0.47)


@pytest.mark.parametrize("how", networks.TELL)
@pytest.mark.parametrize("check", contracts.DENOISER, ids=lambda f: f.__name__)
def test_contract(check, how):
    check(contracts.Case(captioned(how), 3))


def test_to_append_is_to_add():
    h, words = torch.randn(5, 8, generator=seeded()), torch.randn(5, 2, 3, generator=seeded(1))
    concat, add = networks.Concat(8, 3), networks.Add(8, 3)
    add.A.weight.data, add.A.bias.data = concat.B.weight.data[:, 8:], concat.B.bias.data
    close(add(h @ concat.B.weight[:, :8].T, words), concat(h, words), atol=1e-5)


def test_attention_is_torchs_attention_and_reads_a_sequence():
    attend = networks.Attend(8, 4)
    h, words = torch.randn(5, 8, generator=seeded()), torch.randn(5, 3, 4, generator=seeded(1))
    key, value = attend.KV(words).chunk(2, 2)
    read = torch.nn.functional.scaled_dot_product_attention(attend.Q(h)[:, None], key, value)[:, 0]
    close(attend(h, words), h + attend.O(read), atol=1e-5)
    weights = attend.weights(h, words)
    assert weights.shape == (5, 3)
    close(weights.sum(1), 1.0, atol=1e-5)
    close(attend(h, words), attend(h, words[:, [2, 0, 1]]), atol=1e-5)  # a set of words, without places


def test_film_is_gain_and_offset_of_the_normed_layer():
    film, h, words = networks.Film(8, 3), torch.randn(5, 8, generator=seeded()), torch.randn(1, 2, 3)
    S, T = (words.sum(1) @ film.ST.weight.T + film.ST.bias).chunk(2, 1)
    norm = (h - h.mean(1, keepdim=True)) / (h.var(1, keepdim=True, correction=0) + 1e-5).sqrt()
    close(film(h, words), (1 + S) * norm + T, atol=1e-5)


def test_conditions_may_be_vectors_or_nothing():
    net = networks.ConditionalMLP(3, width=12, told=4, rng=seeded())
    torch.nn.init.normal_(net.last.weight, generator=seeded(1))
    u, sigma, c = torch.randn(6, 3, generator=seeded()), torch.tensor([0.3]), torch.randn(6, 4, generator=seeded(2))
    close(net(u, sigma, c), net(u, sigma, c[:, None]), atol=1e-6)
    close(net(u, sigma), net(u, sigma, torch.zeros(6, 4)), atol=1e-6)  # the null vector starts at zero
    assert not torch.allclose(net(u, sigma, c), net(u, sigma))
    with pytest.raises(ValueError, match="did you mean 'attend'"):
        networks.ConditionalMLP(how="attention")


def test_the_four_ways_have_equal_size_at_the_notebooks_widths():
    counts = [
        networks.count_params(networks.Captioned(embeddings.TOKENS.tolist(), how=how, width=width))
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
        made = training.follow(walk, 300, D, False)
        return float((fields.noise(made, x, 0.3, label) - eps).square().sum() / eps.square().sum())

    words = networks.Captioned(embeddings.TOKENS.tolist(), seeded(), how="add", width=48)
    assert error(words) < 0.3 < 1 < error(networks.MLP(width=48, classes=32, rng=seeded()))


def test_captioned_networks_are_saved_whole(tmp_path):
    D, x = captioned("film"), torch.randn(4, 2, generator=seeded())
    again = checkpoints.load(checkpoints.save(D, tmp_path / "words.safetensors"))
    alike(again(x, 0.3, 2), D(x, 0.3, 2))
