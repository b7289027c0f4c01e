"""The playground without a browser: what is drawn, what is trained on it, and what comes back from the page."""

import json

import pytest
import torch
from torch.nn.utils import parameters_to_vector

from toycore import data, exact, live, metrics, mixtures, training
from toycore.live import engine
from toycore.live.views import playground as play
from toycore.types import seeded


def from_page(view, D) -> None:
    """What a page sends when its training has ended, with the weights of D."""
    net, floats = D.net, lambda x: memoryview(x.detach().contiguous().numpy().tobytes())
    shape = {name: net.config[name] for name in ("width", "depth", "classes", "features", "scale")}
    view.learned = {
        "shape": shape | {"mean": D.mean.tolist(), "s": D.sigma_data},
        "frequencies": floats(net.frequencies),
        "weights": floats(parameters_to_vector(D.parameters())),
    }


def test_the_drawn_points_are_a_tensor_that_python_goes_on_with():
    view = live.playground(data.moons(40))
    assert view.points.shape == (40, 2) and view.points.dtype == torch.float32
    assert mixtures.of(view.points).means.shape == (40, 2)
    state = view.get_state(["points", "labels", "strokes"])
    json.dumps(state)
    assert torch.equal(torch.tensor(state["points"]), view.points) and sum(state["strokes"]) == 40
    view.set_state({"points": [[0.48, -0.24], [0.0, 0.96], [0.24, 0.481]], "labels": [0, 0, 2]})  # as a page does
    want = torch.tensor([[0.48, -0.24], [0.0, 0.96], [0.24, 0.4800]])  # to a thousandth of the box: 0.0024
    torch.testing.assert_close(view.points, want, rtol=0, atol=1e-7)
    assert view.source.names == ("blue", "purple") and view.source.label.tolist() == [0, 0, 1]


def test_points_or_a_smooth_curve():
    view = live.playground(data.spiral(50), smooth=True)
    assert isinstance(view.source, mixtures.GaussianMixture) and float(view.source.std[0]) == pytest.approx(play.STD)
    view.smooth = False
    assert isinstance(view.source, data.Points)


@pytest.mark.parametrize(
    ("points", "why"),
    [
        ([[5.0, 0.0]], "a point lies 5 from the middle; the box ends at 1.2"),
        ([[float("nan"), 0.0]], "points holds NaN"),
        ([[0.0, 0.0, 0.0]], "points of the plane"),
        (torch.zeros(2001, 2), "at most 2000 points"),
    ],
)
def test_what_cannot_be_drawn_is_refused(points, why):
    with pytest.raises(ValueError, match=why):
        live.playground().points = points


def test_a_source_that_has_no_pens_is_refused():
    with pytest.raises(ValueError, match="5 classes; the playground has 3 pens"):
        live.playground(data.spiral(50, classes=5))
    with pytest.raises(TypeError, match="give Points or a tensor"):
        live.playground("spiral")


@pytest.mark.parametrize("classes", [1, 2])
def test_the_network_of_the_page_comes_back_as_a_denoiser(classes):
    points = data.spiral(40, classes=classes)
    D = training.fit(points, 5, batch=32, width=12, depth=2, rng=seeded())
    view = live.playground(points)
    with pytest.raises(ValueError, match="press Train"):
        view.trained()
    from_page(view, D)
    got, x = view.trained(), torch.randn(20, 2, generator=seeded(1))
    label = torch.arange(20) % classes if classes > 1 else None
    for sigma in (0.05, 1.0):
        torch.testing.assert_close(got(x, sigma, label), D(x, sigma, label), rtol=0, atol=1e-6)


def test_a_denoiser_of_python_goes_to_the_page_with_its_error():
    points = data.spiral(40)
    view, D = live.playground(points), exact.posterior_mean(points.x + 0.05)
    view.load(D, "shifted")
    want = float(metrics.field_error(D, view.source, rng=seeded(1)).mean())
    assert view.loaded["name"] == "shifted" and view.loaded["error"] == pytest.approx(want) and want > 0.1
    assert len(view.loaded["buffer"]) > 100_000
    with pytest.raises(TypeError, match="cannot show "):
        view.load("spiral")
    view.points = torch.zeros(0, 2)
    with pytest.raises(ValueError, match="two or more"):
        view.load(D)


def test_only_a_page_that_trains_may_start_workers_and_compile():
    for view, allowed in ((live.playground(), True), (live.field(data.spiral(20)), False)):
        policy = view.html().split("Content-Security-Policy")[1].split(">")[0]
        assert "default-src 'none'" in policy and "'unsafe-eval'" not in policy
        assert ("'wasm-unsafe-eval'" in policy) == ("worker-src blob:" in policy) == allowed


def test_the_page_is_small():
    """A friend gets it by mail: 1.2 MB at most, the kernel of the training at most 15 kB."""
    assert len(live.playground(data.spiral(2000)).html()) < 1_200_000
    page = engine.modules.ROOT
    assert sum(len((page / "train" / f"{name}.js").read_bytes()) for name in ("kernel", "wasm")) < 15_500


def test_still_draws_the_learned_field_beside_the_exact_one():
    view = live.playground(data.spiral(30))
    assert len(view.still().axes) == 1
    from_page(view, training.fit(data.spiral(30), 2, batch=16, width=8, depth=1, rng=seeded()))
    assert len(view.still().axes) == 2
