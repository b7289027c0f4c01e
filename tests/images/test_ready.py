"""One name gives pictures, denoiser and judge; notebook 14's opening runs with that one name changed."""

import functools
import gzip
import hashlib
import http.server
import json
import struct
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from tests.support.external import checkout
from toycore import plots
from toycore.images import ready, sets
from toycore.images.sets import mnist, strokes
from toycore.types import seeded

STROKES = strokes.load


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, tuple[mnist.File, ...]]]:
    """A server on this machine with 40 digits in MNIST's two files."""
    folder = tmp_path_factory.mktemp("mnist")
    pictures = sets.load("strokes", n=40, seed=3)
    images, labels = pictures.images.numpy().tobytes(), bytes(pictures.labels.tolist())
    whole = b"\0\0\x08\x03" + struct.pack(">3i", 40, 28, 28) + images, b"\0\0\x08\x01" + struct.pack(">i", 40) + labels
    files = []
    for name, content in zip(("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"), map(gzip.compress, whole)):
        (folder / name).write_bytes(content)
        sums = (hashlib.sha256(held).hexdigest() for held in (gzip.decompress(content), content))
        files.append(mnist.File(name.removesuffix(".gz"), *sums))
    serve = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}/", tuple(files)
        running.shutdown()


def cells() -> list[str]:
    book = json.loads(checkout("notebooks/14_images.ipynb", "its cell for MNIST").read_text("utf-8"))
    return ["".join(cell["source"]) for cell in book["cells"] if cell["source"]]


@pytest.fixture(autouse=True)
def unseen(monkeypatch) -> None:
    """No figures, and few strokes, as these take seconds."""
    monkeypatch.setattr(plots, "show", lambda fig, caption, alt: None)
    monkeypatch.setattr(strokes, "load", lambda n=60, seed=0: STROKES(n, seed))


def run_with(name: str) -> dict[str, Any]:
    """Run the notebook's imports and the cell of its opening with another name."""
    first, opening = (next(cell for cell in cells() if mark in cell) for mark in ("import torch", "ready.load("))
    assert '_, written, M, JM = ready.load("mnist-test")' in opening
    place: dict[str, Any] = {}
    for source in (first, opening.replace('ready.load("mnist-test")', f'ready.load("{name}")')):
        exec(source, place)
    return place


def test_the_notebook_runs_on_mnist_with_one_name_changed(mirror, monkeypatch, tmp_path) -> None:
    address, files = mirror
    monkeypatch.setattr(mnist, "FILES", {"train": files}), monkeypatch.setattr(mnist, "MIRRORS", (address,))
    monkeypatch.setenv("TOYCORE_DATA", str(tmp_path)), monkeypatch.setattr(ready, "STEPS", 2)
    monkeypatch.setattr(ready, "RUNS", tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        place = run_with("mnist")
    assert torch.equal(place["written"].images, sets.load("strokes", n=40, seed=3).images)
    assert place["drawn"].shape == (100, 1, 28, 28) and place["JM"].kinds == (10,)
    assert {path.name for path in tmp_path.iterdir()} == {f"{file.name}.gz" for file in files}


def test_without_a_network_mnist_is_skipped_with_a_sentence(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(mnist, "MIRRORS", ("http://127.0.0.1:9/",))
    monkeypatch.setenv("TOYCORE_DATA", str(tmp_path))
    with pytest.warns(
        UserWarning, match=r"mnist is skipped and mnist-test shown: .* Check the network and try again, or"
    ):
        place = run_with("mnist")
    assert torch.equal(place["written"].images, sets.load("mnist-test").images)
    assert place["drawn"].shape == (100, 1, 28, 28)


def test_a_run_of_ones_own_is_found(monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(ready, "RUNS", tmp_path), monkeypatch.setattr(ready, "STEPS", 1)
    pictures = sets.take(sets.load("fonts", n=20), torch.arange(20))
    fresh = ready.denoiser("fonts", pictures)
    ready.checkpoints.save(fresh, tmp_path / "fonts" / "model.safetensors", {"title": "mine"})
    assert ready.denoiser("fonts", pictures).card["title"] == "mine"


@pytest.mark.parametrize(("name", "learned"), [("digits",) * 2, ("strokes",) * 2, ("mnist-test", "mnist")])
def test_what_ships_is_not_trained_again(monkeypatch, name: str, learned: str) -> None:
    monkeypatch.setattr(ready, "trained", lambda *args, **options: pytest.fail("it trains"))
    pictures = sets.load(name, **({"n": 20} if name == "strokes" else {}))
    assert ready.denoiser(name, pictures).card["data"] == learned == ready.reader(name, pictures).card["data"]


def test_real_pictures_get_the_same_score_beside_themselves() -> None:
    """Samples that are the held-out pictures get their score; those of the wrong class get accuracy 0."""
    real = sets.load("mnist-test")
    held = sets.split(real, 100)[1]
    x, J = sets.to_unit(held.images), ready.reader("mnist", real)
    order = held.labels.argsort(stable=True).reshape(10, 10).T.flatten()  # 0 to 9 in turn
    ours, floor = ready.beside(real, J, x[order])
    assert ours.accuracy == pytest.approx(floor.accuracy) and ours.accuracy[0] > 0.9
    assert (ours.frechet, ours.recall) == pytest.approx((floor.frechet, floor.recall), rel=1e-3)
    assert ready.beside(real, J, x[order.roll(1)])[0].accuracy[0] < 0.1


def test_a_sheet_has_one_class_per_column() -> None:
    labels = torch.tensor([2, 0, 1, 0, 2, 2])
    pictures = sets.Pictures(torch.arange(6, dtype=torch.uint8)[:, None, None, None], labels, ("a", "b", "c"))
    sheet = sets.to_bytes(ready.by_class(pictures, 2, 4)).flatten()
    assert sheet.tolist() == [1, 2, 0, 1, 3, 2, 4, 3]  # class 1 has one picture, and the classes take turns
    assert labels[sheet.long()].tolist() == [0, 1, 2, 0, 0, 1, 2, 0]


def test_what_a_silent_network_amounts_to() -> None:
    """With F = 0 the preconditioned targets shrink towards the mean as the best linear denoiser does."""
    x = 0.5 * torch.randn(1000, 1, 8, 8, generator=seeded()) + 0.3
    silent = torch.nn.Module()
    silent.forward = lambda u, sigma, label=None: torch.zeros_like(u)  # type: ignore[method-assign]
    wrap = ready.targets(x)
    spread, mean = float(x.std()), float(x.mean())
    for name, variance, centre in (("v", 1.0, 0.0), ("EDM", spread**2, mean)):
        want = centre + variance / (variance + 4) * (x - centre)
        torch.testing.assert_close(wrap[name](silent)(x, 2.0), want, rtol=1e-4, atol=1e-4)
    assert list(wrap) == ["flow velocity", "noise", "v", "EDM"]
