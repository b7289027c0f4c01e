"""Metrics under damage: the page spoils the same points, and shows the library's own numbers."""

import numpy as np
import pytest
import torch

from tests.support import browser as b
from tests.support.page import answers
from tests.support.views import opened
from toycore import live, metrics, mixtures
from toycore.live.views import damage

N = 120


@pytest.fixture(scope="module")
def view():
    return live.damage(n=N)


@pytest.fixture(scope="module")
def judge():
    return damage.Judge(mixtures.spiral(classes=3), N)


def parts(view) -> dict:
    return {name: view.payload.arrays[name] for name in ("x", "z", "twin", "spot", "near", "rank", "pool", "mean")}


@pytest.mark.parametrize("kind", damage.DAMAGES)
def test_the_page_spoils_the_same_points(view, kind):
    """Both in the same float32 inputs; the page adds in float64, so they agree to a few units of 2^-24."""
    sent = {k: {"data": v.flatten().tolist(), "shape": list(v.shape)} for k, v in parts(view).items()}
    most = {name: view.meta[name] for name in ("fewest", "blur", "kept")}
    for s in (0.0, 0.37, 1.0):
        code = "Array.from(m.spoiled(parts, most, kind, s))"
        got = torch.tensor(answers("maths/damage.js", code, parts=sent, most=most, kind=kind, s=s)).reshape(-1, 2)
        want = damage.spoiled(parts(view), kind, s)
        assert len(got) == len(want) >= damage.FEWEST
        off = (got - want).abs().amax(1)
        assert (off < 1e-5).double().mean() > 0.98, "a rank at the edge of two points of the pool may round either way"


@pytest.mark.parametrize("kind", damage.DAMAGES)
def test_the_bars_show_the_librarys_numbers(view, judge, kind):
    """At a measured amount they are the metrics of the points on the screen, and stored as float32."""
    view.damage, view.amount = kind, 0.35
    got, _ = damage.reading(view)
    assert np.allclose(got, judge(damage.spoiled(parts(view), kind, 0.35)), rtol=1e-5, atol=1e-6)
    table, floor = view.payload.arrays["values"], view.payload.arrays["floor"]
    i = list(damage.DAMAGES).index(kind)
    code = "m.between(table, start, 21, 6, s)"
    start = i * 21 * 6
    page = answers("maths/damage.js", code, table=table.flatten().tolist(), start=start, s=0.35)
    assert np.allclose(page, got, atol=1e-6) and floor.shape == (22, 6, 2)


def test_without_damage_nothing_is_noticed(view):
    for kind in damage.DAMAGES:
        view.damage, view.amount = kind, 0.0
        values, ends = damage.reading(view)
        assert ((values >= ends[:, 0]) & (values <= ends[:, 1])).all(), kind


def test_each_damage_keeps_what_it_promises(view):
    x, real = parts(view)["x"], parts(view)["pool"]
    half = damage.spoiled(parts(view), "gaussian", 0.5)
    assert metrics.frechet(half, real) < 0.03, "moments stay"
    few = damage.spoiled(parts(view), "few", 1.0)
    assert len(few) == damage.FEWEST and torch.equal(few, x[: damage.FEWEST])
    copies = damage.spoiled(parts(view), "copies", 1.0)
    assert len(copies.unique(dim=0)) <= damage.KNOWN
    dropped = damage.spoiled(parts(view), "dropped", 1.0)
    centre = real.mean(0)
    assert (dropped - centre).norm(dim=1).max() < (real - centre).norm(dim=1).quantile(0.11)
    assert len(damage.spoiled(parts(view), "collapse", 1.0).unique(dim=0)) == 3


def test_what_notices_which_failure():
    """Moments stay on the way to a Gaussian; precision stays where part is dropped; fewer points are no failure."""
    view, seen = live.damage(), {}
    for view.damage in damage.DAMAGES:
        for view.amount in (0.0, 0.2, 0.4, 0.6, 0.8):
            values, ends = damage.reading(view)
            out = (values < ends[:, 0]) | (values > ends[:, 1])
            seen.setdefault(view.damage, set()).update(damage.METRICS[i][0] for i in np.flatnonzero(out))
    frechet = damage.METRICS[0][0]
    assert frechet not in seen["gaussian"] | seen["copies"] and "precision" in seen["gaussian"] & seen["blur"]
    assert "precision" not in seen["dropped"] and {frechet, "recall"} <= seen["dropped"]
    assert {"memorised", "recall"} <= seen["copies"] and not seen["few"]


def test_too_few_samples_are_refused():
    with pytest.raises(ValueError, match="n "):
        live.damage(n=10)


def test_the_bars_of_the_page_move_with_the_damage(browser, tmp_path, view):
    view.damage, view.amount = "gaussian", 0.0
    with b.page_of(browser, 1280, 720) as page:
        opened(page, view.save(tmp_path / "view.html"))
        said = []
        for amount in (0.0, 1.0):
            b.slide(page, "amount", amount)
            said.append(page.inner_text(".tc-status"))
        assert "precision" in said[0] and "notices" not in said[0]
        assert (
            "Fr\u00e9chet distance" in said[1] and "precision" in said[1] and "notices" in said[1].split("precision")[1]
        )
        assert "notices" not in said[1].split("sliced")[0], "the moments stay: the Fr\u00e9chet distance sees nothing"
