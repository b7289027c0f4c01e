"""Each figure draws, has a caption and a text for readers who cannot see it, and comes out the same twice."""

import re

import numpy as np
import pytest
from PIL import Image

from figures.__main__ import names, save, script
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


def test_the_demos_arrows_lead_from_the_vp_frame_to_the_prediction():
    D, at = exact.posterior_mean(data.spiral(30)), plots.grid(5, 1.0)
    close(at + demo.towards(D, at, 0.5), D(at * 1.25**0.5, 0.5), atol=1e-6)
