"""What the workers of one run of the tests must not share."""

from types import SimpleNamespace

import pytest
from jupyter_client.connect import LocalPortCache

from tests.conftest import pytest_collection_modifyitems, pytest_configure


@pytest.mark.parametrize("workers", [2, 3])
def test_no_two_workers_choose_the_same_port(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = []
    for number in range(workers):
        cache = LocalPortCache()
        monkeypatch.setattr(LocalPortCache, "instance", lambda cache=cache: cache)
        pytest_configure(SimpleNamespace(workerinput={"workerid": f"gw{number}", "workercount": workers}))
        chosen.append({cache.find_available_port("127.0.0.1") // 2 % workers for _ in range(20)})
    assert chosen == [{number} for number in range(workers)]


def test_without_workers_every_port_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = LocalPortCache()
    monkeypatch.setattr(LocalPortCache, "instance", lambda: cache)
    pytest_configure(SimpleNamespace())
    assert not cache.currently_used_ports


def test_names_with_addresses_are_refused() -> None:
    pytest_collection_modifyitems([SimpleNamespace(nodeid="tests/test_x.py::test_y[a name-0x10]")])
    with pytest.raises(pytest.UsageError, match="an address in its name, 0x7f31897c7c40"):
        pytest_collection_modifyitems([SimpleNamespace(nodeid="tests/test_x.py::test_y[<lambda> at 0x7f31897c7c40>]")])
