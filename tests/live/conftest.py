"""The views of every kind, saved as pages."""

from pathlib import Path

import pytest

from tests.support.views import MAKE


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    return Pages(tmp_path_factory.mktemp("pages"))


class Pages(dict[str, Path]):
    """Pages by their kinds, each made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def __missing__(self, kind: str) -> Path:
        return self.setdefault(kind, MAKE[kind]().save(self.folder / f"{kind}.html"))
