"""Fixtures that every test may use, and what several workers must not share."""

from collections.abc import Iterator

import pytest
import torch
from jupyter_client.connect import LocalPortCache

from tests.browser import launched


def pytest_configure(config: pytest.Config) -> None:
    """Deal out the ports to the workers: two kernels that start at the same time must not choose the same one."""
    if worker := getattr(config, "workerinput", None):
        n = worker["workercount"]
        mine = int(worker["workerid"].removeprefix("gw")) % n
        LocalPortCache.instance().currently_used_ports |= {p for p in range(1 << 16) if p // 2 % n != mine}


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """One browser for all tests of a module."""
    with launched() as browser:
        yield browser
