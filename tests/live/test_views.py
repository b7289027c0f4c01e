"""The live views as widgets: their values, what is refused, their stills, and a training as it happens."""

import base64
import json
import re

import ipywidgets
import numpy as np
import pytest
import torch

import toycore
from toycore import data, exact, frames, live, mixtures, samplers, sigmas, training
from toycore.live import lattice
from toycore.live.views import density as density_view
from toycore.live.views import guidance as guidance_view
from toycore.live.views import training as training_view
from toycore.live.views import walk as walk_view
from toycore.types import seeded

FEW = data.spiral(30, classes=3)
MAKE = {  # a view of each kind, made as cheaply as it goes
    **{kind: {"data": FEW} for kind in ("field", "forward", "walk", "guidance", "density", "playground")},
    "training": {"data": FEW, "walk": ()},
    "frames": {"images": torch.rand(4, 5, 6)},
    "damage": {"n": 40},
    "inverse": {},
    "spacetime": {},
    "latent": {},
    "sentence": {},
    "bridge": {"n": 40},
}
KINDS = tuple(MAKE)


@pytest.fixture(scope="module")
def views():
    return {kind: getattr(live, kind)(**options) for kind, options in MAKE.items()}


# ---- views as widgets


@pytest.mark.parametrize("kind", KINDS)
def test_view_is_a_widget(views, kind):
    view = views[kind]
    assert isinstance(view, ipywidgets.DOMWidget)
    assert view.meta["kind"] == kind == view.kind
    roles = [control["role"] for control in view.meta["controls"]]
    assert len(set(roles)) == len(roles) and set(roles) <= set(view.traits()) and set(roles) <= set(view.meta["traits"])
    assert view.meta["play"]["role"] in roles
    assert ipywidgets.VBox([view]).children == (view,)


@pytest.mark.parametrize("kind", KINDS)
def test_state_survives_json(views, kind):
    state = json.loads(json.dumps(views[kind].plain()))
    assert base64.b64decode(state["buffer"]) == views[kind].buffer
    assert set(state["meta"]["traits"]) < set(state)


@pytest.mark.parametrize("kind", KINDS)
def test_saved_page_is_whole_and_asks_for_nothing(views, kind, tmp_path):
    path = views[kind].save(tmp_path / "page.html")
    text = path.read_text(encoding="utf-8")
    assert list(tmp_path.iterdir()) == [path]
    assert text.startswith("<!doctype html>") and text.rstrip().endswith("</html>")
    assert not re.search(r"(src|href)=\"(?!data:)", text) and "@import" not in text and "url(" not in text
    assert "\nimport " not in text and all(name in text for name in ("$maths_bytes", f"$scenes_{kind}.default"))


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "training"])
def test_still_twin(views, kind):
    figure = views[kind].still()
    assert figure.axes and any(ax.has_data() for ax in figure.axes)


def test_sizes_of_saved_pages():
    """One field in 1 MB, several in 2.5 MB."""
    points = data.spiral(600, classes=3)  # as many as a page takes along
    cheap = mixtures.of(points.x[:12])  # a lattice is as long for a cheap field
    one = live.field(cheap)
    many = live.guidance(
        {"exact": exact.posterior_mean(data.spiral(12, classes=3)), "learned": data.spiral(12, classes=3)}, points
    )
    fields = [entry["name"] for entry in many.meta["index"] if entry["name"].startswith("F/")]
    assert len(one.meta["fields"]) == 1 and len(one.html()) <= 1_000_000
    assert len(fields) == 8 and len(many.html()) <= 2_500_000


def test_values_link_and_are_observed(views):
    view, seen = views["field"], []
    other = ipywidgets.FloatSlider(min=0.01, max=10)
    view.observe(lambda change: seen.append(change["new"]), "sigma")
    link = ipywidgets.link((other, "value"), (view, "sigma"))
    other.value = 2.5
    assert view.sigma == 2.5 and seen[-1] == 2.5
    link.unlink()


def test_start_values_and_presets():
    view = live.field(data.spiral(20), sigma=1.5, frame="VP", presets=[dict(sigma=5.0), dict(sigma=0.1)])
    assert (view.sigma, view.frame) == (1.5, "VP")
    assert view.meta["start"]["sigma"] == 1.5 and view.meta["presets"][1] == {"sigma": 0.1}


def test_denoisers_are_named():
    D = exact.posterior_mean(data.moons(20))
    assert live.field(D, data=data.moons(20)).meta["fields"] == ["exact", "learned"]
    linked = live.field({"a": D, "b": data.rings(20)}, data=data.moons(20))
    assert linked.meta["fields"] == ["a", "b"] and linked.meta["linked"]


def test_every_linked_source_brings_its_own_data_into_one_box():
    """A window that showed the first data set alone would cut the second off."""
    near, far = data.spiral(20), data.moons(20).x + torch.tensor([4.0, 0.0])
    view = live.field({"near": near, "far": far, "same": near})
    names = [entry["name"] for entry in view.meta["index"]]
    assert view.meta["own"] == ["far"] and {"data", "data/far", "means/far"} <= set(names)
    centre, half = torch.tensor(view.meta["box"]["centre"]), view.meta["box"]["half"]
    for x in (near.x, far):
        assert float((x - centre).abs().max()) <= half / 1.25
    D, g = exact.posterior_mean(far), view.payload.geometry
    assert float(((far - g.mean).abs() / g.s).max()) < g.reach, "the lattice holds both"
    assert live.field({"a": D, "b": exact.posterior_mean(far)}, data=far).meta["own"] == []
    assert len(view.still().axes) == 3


def test_labels_of_a_denoiser_reach_the_lattice():
    names = [entry["name"] for entry in live.field(FEW).meta["index"]]
    assert [f"F/exact/{c}" in names for c in (-1, 0, 1, 2, 3)] == [True] * 4 + [False]


NAN, SMALL = float("nan"), data.spiral(20)
REFUSED = {
    "an unknown name": (lambda: live.field(SMALL, sigmma=1.0), "did you mean 'sigma'"),
    "a value of another view": (lambda: live.frames(torch.rand(2, 3, 3), sigma=1.0), "no value of live.frames"),
    "an unknown name in a preset": (lambda: live.field(SMALL, presets=[dict(sgma=1.0)]), "did you mean 'sigma'"),
    "a preset out of range": (lambda: live.field(SMALL, presets=[dict(sigma=500)]), "sigma is 500"),
    "one preset, not a list": (lambda: live.field(SMALL, presets=dict(sigma=5)), "list of dictionaries"),
    "a level out of range": (lambda: live.field(SMALL, sigma=50), "between 0.01 and 10"),
    "NaN": (lambda: live.field(SMALL, sigma=NAN), "sigma is nan"),
    "text for a number": (lambda: live.field(SMALL, sigma="big"), "sigma is 'big'"),
    "a number for a switch": (lambda: live.field(SMALL, arrows=5), "arrows is 5; it must be True or False"),
    "a negative seed": (lambda: live.field(SMALL, seed=-1), "seed is -1"),
    "an unknown field": (lambda: live.field(SMALL, show="exactly"), "did you mean 'exact'"),
    "an unknown frame": (lambda: live.field(SMALL, frame="VPP"), "did you mean 'VP'"),
    "an unknown class": (lambda: live.field(FEW, label=9), "named '9'; known: -1, 0, 1, 2"),
    "no source and no Denoiser": (lambda: live.field("spiral"), "cannot show 'spiral'"),
    "data by name": (lambda: live.field(SMALL, "moons"), "data.load('moons').x"),
    "points in space": (lambda: live.field(torch.rand(10, 3)), "3 dimensions"),
    "an empty dictionary": (lambda: live.field({}), "give {name: Denoiser"),
    "a Denoiser of x alone": (lambda: live.field(lambda x: x), "D(x, sigma, label)"),
    "an answer [b, 1]": (lambda: live.field(lambda x, sigma, label: x[:, :1]), "shaped like x"),
    "an answer [2]": (lambda: live.field({"a": lambda x, sigma, label: x[0]}), "shaped like x"),
    "an answer that is a number": (lambda: live.walk(lambda x, sigma, label: 3.0), "shaped like x"),
    "an answer NaN": (lambda: live.field(lambda x, sigma, label: x * NAN), "'learned' at sigma = 1 holds NaN"),
    "a step after the last": (lambda: live.walk(SMALL, step=1000), "step is 1000"),
    "a step after the last of few": (lambda: live.walk(SMALL, step=40, steps=20), "between 0 and 20"),
    "too many steps": (lambda: live.walk(SMALL, steps=10**7), "between 1 and 200"),
    "half a step": (lambda: live.walk(SMALL, steps=2.5), "whole number"),
    "an unknown lane": (lambda: live.walk(SMALL, samplers=["ddmp"]), "did you mean 'ddpm'"),
    "an unknown sampler": (lambda: live.walk(SMALL, sampler="ddmp"), "did you mean 'ddpm'"),
    "unknown levels": (lambda: live.walk(SMALL, schedule="kerras"), "did you mean 'karras'"),
    "an eta above 1": (lambda: live.walk(SMALL, eta=2), "eta is 2"),
    "an unknown schedule": (lambda: live.forward(SMALL, schedule="cosin"), "did you mean 'cosine'"),
    "rising levels": (lambda: live.forward(schedules={"up": torch.tensor([1.0, 2.0])}), "must decrease"),
    "one class": (lambda: live.guidance(SMALL), "two classes"),
    "unknown vectors": (lambda: live.guidance(FEW, vectors="tree"), "did you mean 'three'"),
    "an unknown form": (lambda: live.guidance(FEW, form="two terms"), "did you mean 'two-term'"),
    "an unknown process": (lambda: live.density(SMALL, process="revers"), "did you mean 'reverse'"),
    "unknown arrows": (lambda: live.density(SMALL, show="scores"), "did you mean 'score'"),
    "a snapshot before the first": (lambda: live.training(SMALL, (), snapshot=-1), "snapshot is -1"),
    "one picture of one row": (lambda: live.frames(torch.rand(4, 5)), "images have shape"),
    "no picture": (lambda: live.frames(torch.rand(0, 4, 5)), "images have shape"),
    "pictures of NaN": (lambda: live.frames(torch.full((2, 3, 3), NAN)), "NaN"),
    "bytes as int64": (lambda: live.frames(torch.randint(255, (2, 3, 3))), "uint8"),
    "bytes as floats": (lambda: live.frames(255 * torch.ones(2, 3, 3)), "run from 255 to 255"),
    "a picture after the last": (lambda: live.frames(torch.rand(3, 4, 5), step=7), "between 0 and 2"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_view_can_show_is_refused(name):
    make, message = REFUSED[name]
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        make()


@pytest.mark.parametrize(
    ("kind", "role", "bad", "good"),
    [
        ("field", "sigma", NAN, 10.000000000000002),  # rounding of a page may pass the end of a slider
        ("field", "show", "exactly", "exact"),
        ("field", "label", 3, 2),
        ("walk", "sampler", "heum", "heun"),
        ("walk", "steps", 201, np.int64(7)),
        ("forward", "schedule", "cosin", "cosine"),
        ("guidance", "form", "two terms", "replace"),
        ("density", "process", "revers", "ode"),
        ("frames", "step", 4, 3),
        ("training", "snapshot", NAN, 0),
    ],
)
def test_values_are_checked_whenever_they_are_set(views, kind, role, bad, good):
    view = views[kind]
    before = getattr(view, role)
    with pytest.raises(ValueError, match=role):
        setattr(view, role, bad)
    assert getattr(view, role) == before
    view.set_state({role: good})  # as the page does
    assert getattr(view, role) == pytest.approx(good)
    setattr(view, role, before)


def test_a_view_has_the_values_of_its_controls_and_no_other(views):
    for kind, view in views.items():
        shown = [control["role"] for control in view.meta["controls"]]
        assert set(shown) < set(view.meta["traits"]) <= set(view.keys), kind
    assert not views["frames"].has_trait("sigma") and not views["field"].has_trait("steps")


# ---- vocabularies, written in Python alone


def test_frames_are_sent_as_the_power_of_their_scale(views):
    sigma = torch.logspace(-2, 2, 9, dtype=torch.float64)
    for frame in views["field"].meta["frames"]:
        p, want = frame["power"], getattr(frames, frame["name"].upper()).scale(sigma)
        assert torch.allclose((1 + sigma**p) ** (-1 / p) if p else torch.ones_like(sigma), want)


def test_samplers_and_levels_are_sent_with_what_they_take(views):
    meta = views["walk"].meta
    taken = {value for entry in meta["rules"] for value in entry["values"]}
    menu = [walk.__name__ for walk in samplers.MENU.values()]
    assert {entry["name"] for entry in meta["rules"]} == {"no noise", *menu}
    assert taken == {"noise", "eta"} == set(meta["symbols"]) and taken <= set(meta["traits"])
    assert all(value in entry["rule"]["values"] for entry in meta["rules"] for value in entry["values"])
    for grid in meta["levels"]:
        levels = getattr(sigmas, grid["name"].replace("-", "_"))(50)
        assert [grid["high"], grid["low"]] == pytest.approx([float(levels[0]), float(levels[-2])])


def test_one_sampler_alone_is_the_selector_at_its_values():
    view = live.walk(SMALL, samplers="no noise")
    assert (view.sampler, view.noise, view.meta["samplers"]) == ("ddpm", 0.0, [None])


# ---- stills are drawn by the library


@pytest.mark.parametrize(
    "values", [{}, dict(avoid=0), dict(avoid=0, form="replace"), dict(avoid=2), dict(low=5, high=1)]
)
def test_the_still_of_guidance_shows_what_the_formula_says(views, values):
    view = views["guidance"]
    start = dict(label=2, guidance=3.0, push=0.5, low=0.1, high=1.0)
    view.set_trait("avoid", -1), view.set_trait("form", "two-term")
    for name, value in {**start, **values}.items():
        setattr(view, name, value)
    D, x = view.payload.fields["exact"], torch.randn(20, 2, generator=toycore.seeded())
    for sigma in (0.05, 0.1, 0.5, 1.0, 2.0):
        u, p, n = D(x, sigma), D(x, sigma, 2), D(x, sigma, 0)
        inside = {"two-term": u + 3 * (p - u) - 0.5 * (n - u), "replace": n + 3 * (p - n)}[view.form]
        inside = inside if view.avoid == 0 else u + 3 * (p - u)
        want = inside if view.low <= sigma <= view.high else p
        assert torch.allclose(guidance_view.guided(view)(x, sigma), want, atol=1e-5)


@pytest.mark.parametrize("sigma", [0.05, 0.5, 10.0])
def test_the_three_processes_of_the_still_have_the_exact_spread(sigma):
    """Within 5 %: 3,000 coordinates, of which a standard deviation is known to 1.3 %, and the error of 80 steps."""
    view = live.density(SMALL, sigma=sigma)
    want = float((view.payload.mixture.means.var(0, correction=0).mean() + sigma**2) ** 0.5)
    for process in density_view.PROCESSES:
        levels, xs = density_view.run(view, process, n=1500)
        assert len(levels) == len(xs) and float(levels[-1]) == pytest.approx(min(sigma, 9.9))
        assert float(xs[-1].std(0).square().mean() ** 0.5) == pytest.approx(want, rel=0.05), process


def test_a_still_shows_what_the_view_is_about():
    """A walk that has not begun is drawn at its end, not as noise; pictures go by their values."""
    view = live.walk(SMALL, sampler="ddim", steps=5)
    assert [ax.get_title() for ax in view.still().axes] == ["DDIM, step 5 of 5"]
    view.step = 2
    assert [ax.get_title() for ax in view.still().axes] == ["DDIM, step 2 of 5"]
    frames_view = live.frames(torch.rand(3, 4, 4), names="s", values=[0, 2, 4])
    assert [ax.get_title() for ax in frames_view.still().axes] == ["0", "2", "4"]


def test_every_sampler_has_a_still():
    view = live.walk(SMALL, samplers=list(walk_view.SAMPLERS), steps=5, step=5)
    assert len(view.still().axes) == 5


# ---- what is written into a page


@pytest.mark.parametrize("trap", ["<!--<script>", "</script><b>", "\u2028 & <![CDATA["])
def test_no_caption_breaks_a_saved_page(trap):
    """In a script "<!--<script>" hides the script's own end; a page whose JSON holds no "<" cannot be broken by it."""
    view = live.frames(torch.rand(2, 3, 3), captions=[trap, "b"], names=(trap,))
    state = re.search(r"^\$standalone\.open\(.*?, (\[.*\])\);$", view.html(), re.M)[1]
    assert "<" not in state and json.loads(state)[0]["meta"]["captions"][0] == trap
    assert trap not in view.html() or "<" not in trap


def test_frames_take_two_axes_and_bytes():
    view = live.frames(torch.randint(255, (3, 2, 4, 5, 3), dtype=torch.uint8), names=("s", "seed"))
    assert view.meta["index"][0]["shape"] == [3, 2, 4, 5, 3]
    assert [control["label"] for control in view.meta["controls"]] == ["s", "seed"]


# ---- training, as it happens


def small_training(steps):
    points = data.spiral(30)
    D = training.model(points, width=8, depth=1, rng=seeded())
    return points, training.train(D, points, steps, batch=32, rng=seeded())


def test_training_is_followed_and_returns_the_model():
    points, walk = small_training(45)
    view, news = live.training(points, walk=()), []
    view.observe(lambda change: news.append(change["new"]["index"]), "news")
    D = view.follow(walk)
    assert view.history[0] == [1, 3, 10, 20, 40, 45] and len(news) == 6
    assert [e["name"] for e in news[-1]] == ["loss", "step", "floor", "T/5"]
    stored = {e["name"]: e for e in view.meta["index"]}
    g = lattice.geometry(mixtures.of(points), [exact.posterior_mean(points)], training_view.NODES, training_view.KNOTS)
    want = lattice.lattice(D, g)
    raw = np.frombuffer(view.buffer, np.float16, want.size, stored["T/5"]["offset"])
    np.testing.assert_allclose(raw.reshape(want.shape), want, rtol=2**-10, atol=1e-5)  # one float16 up or down
    assert not D.training and view.still().axes


def test_the_floor_of_the_loss_is_what_the_exact_posterior_has(views):
    """Of a Gaussian of width s every level has the weighted loss 2 (1 + sigma^2/s^2) s^2/(sigma^2 + s^2) / 2 = 1; of
    points far apart none is left where the noise is small.
    """
    gaussian = mixtures.GaussianMixture(torch.zeros(1, 2), 0.5)
    D = training.model(gaussian, width=8, depth=1, rng=seeded())
    shown = live.training(gaussian, walk=()).payload
    assert training_view.floor(D, shown) == pytest.approx(1.0, abs=0.03), "40,000 squares: 0.7 % each standard error"
    points, walk = small_training(3)
    view = live.training(points, walk)
    names = [entry["name"] for entry in view.meta["index"]]
    assert "floor" in names and 0 < view.floor < min(view.history[1])


def test_training_stopped_by_hand_keeps_the_model():
    points, walk = small_training(100)

    def stopped():
        for progress in walk:
            if progress.step == 12:
                raise KeyboardInterrupt
            yield progress

    view = live.training(points, walk=())
    with pytest.warns(UserWarning, match="stopped"):
        D = view.follow(stopped())
    assert view.history[0][-1] == 11 and D(torch.zeros(1, 2), 1.0).shape == (1, 2)


# ---- stacks of pictures


def test_frames_show_values_not_places():
    pictures = torch.zeros(3, 2, 4, 4)

    def texts(view):
        return [control.get("texts") for control in view.meta["controls"]]

    assert texts(live.frames(pictures, names=("step", "s"), values=(range(3), [0, 4]))) == [["0", "1", "2"], ["0", "4"]]
    assert texts(live.frames(pictures[:, 0], ["d = 1", "d = 2", "d = 8"], "dimension")) == [["d = 1", "d = 2", "d = 8"]]
    assert texts(live.frames(pictures[:, 0])) == [None]
    with pytest.raises(ValueError, match=r"\[2\] entries for \[3\] pictures; give one value per picture"):
        live.frames(pictures[:, 0], values=[1, 2])
