"""Pictures: what every set promises, and downloads from a server that lies, stalls and breaks off."""

import gzip
import hashlib
import http.server
import io
import pickle
import struct
import tarfile
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from toycore.images import data, download

SIZES = {"digits": (1797, 1, 8, 8), "strokes": (40, 1, 28, 28), "fonts": (40, 1, 28, 28), "shapes": (40, 3, 32, 32)}


@pytest.fixture(params=SIZES)
def pictures(request: pytest.FixtureRequest) -> data.Pictures:
    return data.load(request.param, **({} if request.param == "digits" else {"n": 40}))


def test_every_set_has_one_interface(pictures: data.Pictures) -> None:
    images, labels, names = pictures
    assert images.dtype == torch.uint8 and labels.dtype == torch.int64
    assert tuple(images.shape) in SIZES.values() and labels.shape == (len(images),)
    assert int(labels.min()) >= 0 and int(labels.max()) < len(names)
    assert int(images.max()) > 200 and int(images.min()) < 31


def test_bytes_and_unit_are_inverse(pictures: data.Pictures) -> None:
    x = data.to_unit(pictures.images)
    assert float(x.min()) >= -1 and float(x.max()) <= 1 and torch.equal(data.to_bytes(x), pictures.images)


@pytest.mark.parametrize("make", [data.strokes, data.fonts, data.shapes])
def test_a_seed_is_a_set(make) -> None:
    a, b, c = make(30, seed=1), make(30, seed=1), make(30, seed=2)
    assert torch.equal(a.images, b.images) and not torch.equal(a.images, c.images)


def test_split_holds_out_the_same_number_per_class() -> None:
    whole = data.digits()
    rest, held = data.split(whole, 200)
    assert held.labels.bincount().tolist() == [20] * 10 and len(rest.labels) == 1597
    both = torch.cat([rest.images, held.images]).flatten(1).long()
    key = torch.arange(64) ** 2 + 1
    assert torch.equal((both @ key).sort().values, (whole.images.flatten(1).long() @ key).sort().values)


def test_catmull_rom_passes_through_its_points() -> None:
    control = torch.rand(3, 5, 2)
    curve = data.catmull_rom(control, 9)
    torch.testing.assert_close(curve[:, ::9], control[:, :-1])
    torch.testing.assert_close(curve[:, -1], control[:, -1])


def test_digits_of_the_pen_read_as_digits() -> None:
    """The nearest class mean of one seed reads most digits of another."""
    known, new = data.strokes(2000, seed=0), data.strokes(500, seed=1)
    means = torch.stack([known.images[known.labels == c].float().mean(0).flatten() for c in range(10)])
    guess = torch.cdist(new.images.float().flatten(1), means).argmin(1)
    assert float((guess == new.labels).float().mean()) > 0.7


def test_a_caption_says_what_is_seen() -> None:
    """The ink's colour, centre and area agree with the caption's words."""
    images, labels, names = data.shapes(300)
    size, colour, shape, place = data.parts(labels).unbind(-1)
    words = [list(part) for part in data.PARTS]
    assert names[int(labels[0])] == "a " + " ".join(w[i] for w, i in zip(words, data.parts(labels)[0].tolist()))
    ink = images.amax(1).float() > 100
    line = torch.arange(32.0)
    down = (ink.float() * line[:, None]).sum((1, 2)) / ink.sum((1, 2)) - 15.5
    right = (ink.float() * line).sum((1, 2)) / ink.sum((1, 2)) - 15.5
    expected = torch.tensor(list(data.PLACES.values()))[place]
    assert float((torch.stack([right, down], 1) - expected).abs().max()) < 4
    paint = (images * ink[:, None]).flatten(2).sum(2) / ink.sum((1, 2))[:, None]
    known = torch.tensor(list(data.COLOURS.values())).float()
    cosine = torch.nn.functional.cosine_similarity(paint[:, None], known, dim=2)
    assert float((cosine.argmax(1) == colour).float().mean()) > 0.98
    area = ink.sum((1, 2)).float()
    for s in range(len(data.SHAPES)):
        assert area[(shape == s) & (size == 0)].max() < area[(shape == s) & (size == 1)].min()


def test_short_prompts_fit_the_picture() -> None:
    """Every added prompt is a part of its picture's whole caption, or two of its words."""
    pictures = data.shapes(200)
    more = data.with_short_prompts(pictures, 1.0)
    rows = [int((pictures.images == image).flatten(1).all(1).nonzero()[0]) for image in more.images[200:]]
    pairs = [(more.names[c], data.CAPTIONS[pictures.labels[r]]) for c, r in zip(more.labels[200:].tolist(), rows)]
    assert all(f" {prompt} " in f" {caption} " for prompt, caption in pairs)
    assert len({prompt for prompt, _ in pairs}) > 40 and more.names == data.PROMPTS


@pytest.mark.parametrize("name", data.SHAPES)
def test_shapes_are_signed_distances(name: str) -> None:
    """Below 0 in the middle, above 0 outside, and the slope never exceeds 1."""
    f, line = data.SHAPES[name], torch.linspace(-2, 2, 101, dtype=torch.float64)
    y, x = torch.meshgrid(line, line, indexing="ij")
    d = f(x.float(), y.float())
    assert float(d[50, 50]) < 0 < float(d[0].min())
    assert float(d.diff(dim=0).abs().max()) < 0.0401 and float(d.diff(dim=1).abs().max()) < 0.0401


def test_own_folder(tmp_path) -> None:
    from PIL import Image

    for kind, grey in (("cats", 50), ("dogs", 200)):
        (tmp_path / kind).mkdir()
        Image.new("RGB", (40, 60), (grey,) * 3).save(tmp_path / kind / "a.png")
    images, labels, names = data.load(tmp_path, size=16)
    assert images.shape == (2, 3, 16, 16) and names == ("cats", "dogs") and labels.tolist() == [0, 1]
    assert images[1].unique().tolist() == [200]
    (tmp_path / "dogs/b.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"b\.png cannot be read"):
        data.from_folder(tmp_path)


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (lambda: data.load("mnits"), "did you mean 'mnist'"),
        (lambda: data.from_folder("nowhere"), "there is no folder"),
        (lambda: data.strokes(0), "at least 1"),
        (lambda: data.split(data.shapes(5), 5), "cannot be held out"),
        (lambda: download.idx(b"hello"), "no IDX file"),
        (lambda: download.idx(b"\0\0\x08\x01\0\0\0\x09abc"), "no IDX file"),
    ],
)
def test_bad_input_is_told(ask, told: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=told):
        ask()


# ---- downloads -----------------------------------------------------------------------------------

TRUTH = bytes(range(256)) * 400
FILE = download.Remote("file.gz", hashlib.sha256(TRUTH).hexdigest())


class Mirror(http.server.BaseHTTPRequestHandler):
    """The first part of the path says how this mirror behaves."""

    stalled = threading.Event()

    def do_GET(self) -> None:
        how = self.path.split("/")[1]
        if how == "gone":
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(len(TRUTH)))
        self.end_headers()
        self.wfile.write({"good": TRUTH, "lies": TRUTH[::-1]}.get(how, TRUTH[:70_000]))
        if how == "stalls":
            self.stalled.wait(5)

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}/"
        Mirror.stalled.set()
        running.shutdown()


@pytest.mark.parametrize("bad", ["lies", "stalls", "breaks", "gone"])
def test_a_bad_mirror_is_given_up_and_nothing_stays(server: str, bad: str, tmp_path) -> None:
    with pytest.raises(ConnectionError, match="could not be downloaded") as told:
        download.fetch(FILE, [f"{server}{bad}/"], tmp_path, timeout=0.3, progress=False)
    assert FILE.sha256 in str(told.value) and f"{server}{bad}/" in str(told.value)
    assert not list(tmp_path.iterdir())


def test_the_next_mirror_helps_and_the_file_is_kept(server: str, tmp_path) -> None:
    mirrors = [f"{server}{how}/" for how in ("lies", "stalls", "breaks", "gone", "good")]
    path = download.fetch(FILE, mirrors, tmp_path, timeout=0.3, progress=False)
    assert path.read_bytes() == TRUTH and list(tmp_path.iterdir()) == [path]
    assert download.fetch(FILE, ["http://127.0.0.1:9/"], tmp_path, progress=False) == path  # no network now


def test_a_spoilt_file_is_fetched_again(server: str, tmp_path) -> None:
    (tmp_path / FILE.name).write_bytes(b"spoilt")
    assert download.fetch(FILE, [f"{server}good/"], tmp_path, progress=False).read_bytes() == TRUTH


def test_no_network_is_told(tmp_path) -> None:
    with pytest.raises(ConnectionError, match="need no network"):
        download.fetch(FILE, ["http://127.0.0.1:9/"], tmp_path, timeout=1, progress=False)


def _kept(folder, name: str, content: bytes) -> download.Remote:
    (folder / name).write_bytes(content)
    return download.Remote(name, hashlib.sha256(content).hexdigest())


def test_mnist_is_read(tmp_path, monkeypatch) -> None:
    pixels = np.arange(2 * 28 * 28, dtype=np.uint8)
    images = gzip.compress(b"\0\0\x08\x03" + struct.pack(">3i", 2, 28, 28) + pixels.tobytes())
    labels = gzip.compress(b"\0\0\x08\x01" + struct.pack(">i", 2) + bytes([7, 3]))
    kept = _kept(tmp_path, "i.gz", images), _kept(tmp_path, "l.gz", labels)
    monkeypatch.setattr(download, "MNIST", kept + kept)
    x, label = download.mnist(tmp_path)
    assert x.shape == (2, 1, 28, 28) and label.tolist() == [7, 3] and np.array_equal(x.flatten().numpy(), pixels)


def _archive(batch: bytes) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for i in (1, 2):
            entry = tarfile.TarInfo(f"cifar-10-batches-py/data_batch_{i}")
            entry.size = len(batch)
            archive.addfile(entry, io.BytesIO(batch))
    return content.getvalue()


@pytest.mark.parametrize("place", [b"numpy._core.multiarray", b"numpy.core.multiarray"])  # NumPy 2 and 1
def test_cifar_is_read(place: bytes, tmp_path, monkeypatch) -> None:
    pixels = np.arange(2 * 3072).astype(np.uint8).reshape(2, 3072)
    batch = pickle.dumps({b"data": pixels, b"labels": [5, 1]}, protocol=3)
    here = np.empty(0).__reduce__()[0].__module__.encode()
    assert here in batch
    kept = _kept(tmp_path, "c.tar.gz", _archive(batch.replace(here, place)))
    monkeypatch.setattr(download, "CIFAR", kept)
    x, label, names = download.cifar10(tmp_path)
    assert x.shape == (4, 3, 32, 32) and label.tolist() == [5, 1, 5, 1] and names[5] == "dog"
    assert np.array_equal(x[0].flatten().numpy(), pixels[0])


class Wicked:
    def __reduce__(self):
        return eval, ("1 + 1",)


@pytest.mark.parametrize("thing", [Wicked(), np.float64, np.load])
def test_a_wicked_pickle_is_refused(thing) -> None:
    with pytest.raises(pickle.UnpicklingError, match="only plain NumPy arrays"):
        download.plain(pickle.dumps({b"data": thing}))
