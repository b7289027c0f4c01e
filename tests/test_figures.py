"""Each figure draws, has a caption and a text for readers who cannot see it, and comes out the same twice."""

import numpy as np
import pytest
from PIL import Image

from figures.__main__ import make, names, save, script


@pytest.mark.parametrize("name", names())
def test_draws_the_same_picture_twice_and_says_what_it_shows(name, tmp_path):
    module = script(name)
    assert len(module.CAPTION) > 30 and len(module.ALT) > 30, f"figures/{name}.py needs a CAPTION and an ALT"
    place = save(name, tmp_path)
    assert module.CAPTION[:20] in place and "alt=" in place
    assert (tmp_path / f"{name}.svg").stat().st_size > 5000
    first, second = (
        np.asarray(picture.convert("RGB")) for picture in (Image.open(tmp_path / f"{name}.png"), again(name))
    )
    assert first.std() > 5, "the picture is empty"
    assert (first == second).all()


def again(name):
    return Image.frombuffer("RGBA", (canvas := make(name).canvas).get_width_height(), canvas.buffer_rgba())
