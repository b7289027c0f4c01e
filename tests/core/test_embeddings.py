"""Captioned pictures, the toy CLIP and its losses."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

from tests.support.problems import alike, close, within
from toycore import checkpoints, embeddings, training
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
        with pytest.raises(ValueError, match=r"label (is|runs from)|captions are numbers \[b\] in 0\.\.31|has dtype"):
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

    made = training.run(training.descend(clip, objective, steps, 5e-3), steps, clip, False)
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
    model = training.run(images_clip.train(start, known, 80, 32, 5e-3, seeded(1)), 80, start, False)
    found = embeddings.retrieval(model.image(sets.to_unit(held.images)), model.text(torch.arange(8)), held.labels)
    assert found > 0.85
