"""The views of every kind, saved as pages."""

import pytest

from tests.support.views import MAKE


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    return {kind: make().save(folder / f"{kind}.html") for kind, make in MAKE.items()}
