"""Each figure draws, has a caption and a text for readers who cannot see it, and comes out the same twice."""

import re

import numpy as np
import pytest
from PIL import Image

from figures.__main__ import HERE, INDEX, index, keep, names, save, script
from tests.support.problems import close, pictures_alike
from toycore import data, exact, plots
from toycore.programs import demo


def numbers(svg: str) -> list[float]:
    """Every coordinate and size of a drawing; ids (hashes of what they name) and pixels are left out."""
    drawn = re.sub(r"""(id="|#|base64,)[^")]*""", "", svg)
    return [float(number) for number in re.findall(r"-?\d+(?:\.\d+)?", drawn)]


@pytest.mark.parametrize("name", names())
def test_draws_the_same_picture_twice_and_says_what_it_shows(name, tmp_path):
    module = script(name)
    assert len(module.CAPTION) > 30 and len(module.ALT) > 30, f"figures/{name}.py needs a CAPTION and an ALT"
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        place = save(name, tmp_path / run)
    assert module.CAPTION[:20] in place and "alt=" in place
    assert np.asarray(Image.open(tmp_path / "first" / f"{name}.png").convert("L")).std() > 5, "the picture is empty"
    pictures_alike(*((tmp_path / run / f"{name}.png").read_bytes() for run in ("first", "second")))
    first, second = ((tmp_path / run / f"{name}.svg").read_text(encoding="utf-8") for run in ("first", "second"))
    assert "<dc:date>" not in first
    np.testing.assert_allclose(numbers(first), numbers(second), atol=0.01)  # of a point


@pytest.mark.parametrize("name", names())
def test_the_picture_beside_the_script_is_what_it_draws(name, tmp_path):
    """Up to what another processor does to random points and to the edges of lines: 4 of 255 levels on average."""
    kept = HERE / f"{name}.png"
    assert kept.is_file(), f"figures/{name}.png is missing: python3 course.py figures {name}"
    assert kept.stat().st_size < 150_000, f"figures/{name}.png is large; draw fewer points"
    old, new = (np.asarray(Image.open(path).convert("L")).astype(float) for path in (kept, keep(name, tmp_path)))
    again = f"python3 course.py figures {name}"
    assert old.shape == new.shape and np.abs(old - new).mean() < 4, f"figures/{name}.png is an old picture: {again}"


def test_the_index_page_is_in_step():
    assert INDEX.read_text(encoding="utf-8") == index(), "python3 course.py figures writes it again"


def test_the_demos_arrows_lead_from_the_vp_frame_to_the_prediction():
    D, at = exact.posterior_mean(data.spiral(30)), plots.grid(5, 1.0)
    close(at + demo.towards(D, at, 0.5), D(at * 1.25**0.5, 0.5), atol=1e-6)
