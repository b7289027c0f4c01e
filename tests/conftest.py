"""Fixtures that every test may use, and what several workers must not share."""

import re
import signal
from collections.abc import Iterator

import pytest
import torch

from tests.support.browser import launched
from toycore.types import seeded


def pytest_report_header() -> str:
    """Say how this machine computes: kernels differ, and with them the last digits."""
    return f"torch {torch.__version__}: {torch.backends.cpu.get_cpu_capability()}, {torch.get_num_threads()} thread(s)"


def pytest_configure(config: pytest.Config) -> None:
    """Deal out the ports to the workers: two kernels that start at the same time must not choose the same one.

    A shell that starts the tests in the background has them ignore Ctrl-C; tests that send it need Python's own answer.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if worker := getattr(config, "workerinput", None):
        from jupyter_client.connect import LocalPortCache

        n = worker["workercount"]
        mine = int(worker["workerid"].removeprefix("gw")) % n
        LocalPortCache.instance().currently_used_ports |= {p for p in range(1 << 16) if p // 2 % n != mine}


# The mathematics, the messages of exercises, the rules for files: cheap, and most mistakes show there.
RULES = "commands", "coverage", "exercises", "floors", "guide", "links", "notebook_files"
QUICK = ("tests/core/", *(f"tests/course/test_{name}.py" for name in RULES))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what a committer's hook runs, and refuse names that differ from run to run.

    Workers must collect the same tests under the same names.
    """
    for item in items:
        if item.nodeid.startswith(QUICK):
            item.add_marker(pytest.mark.quick)
        if found := re.search(r"0x[0-9a-f]{6,}", item.nodeid):
            raise pytest.UsageError(f"{item.nodeid} has an address in its name, {found[0]}: give it another id")


@pytest.fixture
def rng() -> torch.Generator:
    return seeded()


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """One browser for all tests of a module."""
    with launched() as browser:
        yield browser
