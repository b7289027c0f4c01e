"""The pictures that the tests train on."""

import pytest
import torch

from toycore.images import sets


@pytest.fixture(scope="module")
def digits() -> sets.Pictures:
    return sets.take(sets.load("digits"), torch.arange(200))
