"""Each figure draws, has a caption and a text for readers who cannot see it, and comes out the same twice."""

import numpy as np
import pytest
from PIL import Image

from figures.__main__ import names, save, script
from tests.support.problems import close
from toycore import data, exact, plots
from toycore.programs import demo


@pytest.mark.parametrize("name", names())
def test_draws_the_same_picture_twice_and_says_what_it_shows(name, tmp_path):
    module = script(name)
    assert len(module.CAPTION) > 30 and len(module.ALT) > 30, f"figures/{name}.py needs a CAPTION and an ALT"
    for run in ("first", "second"):
        (tmp_path / run).mkdir()
        place = save(name, tmp_path / run)
    assert module.CAPTION[:20] in place and "alt=" in place
    assert np.asarray(Image.open(tmp_path / "first" / f"{name}.png").convert("L")).std() > 5, "the picture is empty"
    for file in (f"{name}.png", f"{name}.svg"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()


def test_the_demos_arrows_lead_from_the_vp_frame_to_the_prediction():
    D, at = exact.posterior_mean(data.spiral(30)), plots.grid(5, 1.0)
    close(at + demo.towards(D, at, 0.5), D(at * 1.25**0.5, 0.5), atol=1e-6)
