"""What the tests of guidance share: the exact Denoiser of a mixture with nothing equal, and points to ask it about."""

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
