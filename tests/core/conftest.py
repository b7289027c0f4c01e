"""What tests of the core share: an exact Denoiser of a mixture with nothing equal, points for it, a file to write."""

import pytest
import torch
from torch import Tensor

from tests.support.problems import uneven
from toycore import exact
from toycore.types import Denoiser


@pytest.fixture
def D() -> Denoiser:
    return exact.posterior_mean(uneven())


@pytest.fixture
def x(rng) -> Tensor:
    return torch.randn(9, 2, generator=rng, dtype=torch.float64)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"
