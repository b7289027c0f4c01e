"""Pictures: what every set promises, and downloads from a server that lies, stalls, drips and breaks off."""

import ast
import functools
import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from toycore.images import download, sets
from toycore.images.sets import cifar10, folder, fonts, mnist, shapes, strokes

SIZES = {
    "digits": (1797, 1, 8, 8),
    "mnist-test": (1000, 1, 28, 28),
    "strokes": (40, 1, 28, 28),
    "fonts": (40, 1, 28, 28),
    "shapes": (40, 3, 32, 32),
}


@pytest.fixture(params=SIZES)
def pictures(request: pytest.FixtureRequest) -> sets.Pictures:
    return sets.load(request.param, **({"n": 40} if SIZES[request.param][0] == 40 else {}))


def test_every_set_has_one_interface(pictures: sets.Pictures) -> None:
    images, labels, names = pictures
    assert images.dtype == torch.uint8 and labels.dtype == torch.int64
    assert tuple(images.shape) in SIZES.values() and labels.shape == (len(images),)
    assert int(labels.min()) >= 0 and int(labels.max()) < len(names)
    assert int(images.max()) > 200 and int(images.min()) < 31


def test_bytes_and_unit_are_inverse(pictures: sets.Pictures) -> None:
    x = sets.to_unit(pictures.images)
    assert float(x.min()) >= -1 and float(x.max()) <= 1 and torch.equal(sets.to_bytes(x), pictures.images)


@pytest.mark.parametrize("make", [strokes.load, fonts.load, shapes.load])
def test_a_seed_is_a_set(make) -> None:
    a, b, c = make(30, seed=1), make(30, seed=1), make(30, seed=2)
    assert torch.equal(a.images, b.images) and not torch.equal(a.images, c.images)


def test_split_holds_out_the_same_number_per_class() -> None:
    whole = sets.load("digits")
    rest, held = sets.split(whole, 200)
    assert held.labels.bincount().tolist() == [20] * 10 and len(rest.labels) == 1597
    both = torch.cat([rest.images, held.images]).flatten(1).long()
    key = torch.arange(64) ** 2 + 1
    assert torch.equal((both @ key).sort().values, (whole.images.flatten(1).long() @ key).sort().values)


def test_catmull_rom_passes_through_its_points() -> None:
    control = torch.rand(3, 5, 2)
    curve = strokes.catmull_rom(control, 9)
    torch.testing.assert_close(curve[:, ::9], control[:, :-1])
    torch.testing.assert_close(curve[:, -1], control[:, -1])


def test_digits_of_the_pen_read_as_digits() -> None:
    """The nearest class mean of one seed reads most digits of another."""
    known, new = sets.load("strokes", n=2000, seed=0), sets.load("strokes", n=500, seed=1)
    means = torch.stack([known.images[known.labels == c].float().mean(0).flatten() for c in range(10)])
    guess = torch.cdist(new.images.float().flatten(1), means).argmin(1)
    assert float((guess == new.labels).float().mean()) > 0.7


def test_a_caption_says_what_is_seen() -> None:
    """The ink's colour, centre and area agree with the caption's words."""
    images, labels, names = sets.load("shapes", n=300)
    size, colour, shape, place = shapes.parts(labels).unbind(-1)
    words = [list(part) for part in shapes.PARTS]
    assert names[int(labels[0])] == "a " + " ".join(w[i] for w, i in zip(words, shapes.parts(labels)[0].tolist()))
    ink = images.amax(1).float() > 100
    line = torch.arange(32.0)
    down = (ink.float() * line[:, None]).sum((1, 2)) / ink.sum((1, 2)) - 15.5
    right = (ink.float() * line).sum((1, 2)) / ink.sum((1, 2)) - 15.5
    expected = torch.tensor(list(shapes.PLACES.values()))[place]
    assert float((torch.stack([right, down], 1) - expected).abs().max()) < 4
    paint = (images * ink[:, None]).flatten(2).sum(2) / ink.sum((1, 2))[:, None]
    known = torch.tensor(list(shapes.COLOURS.values())).float()
    cosine = torch.nn.functional.cosine_similarity(paint[:, None], known, dim=2)
    assert float((cosine.argmax(1) == colour).float().mean()) > 0.98
    area = ink.sum((1, 2)).float()
    for s in range(len(shapes.SHAPES)):
        assert area[(shape == s) & (size == 0)].max() < area[(shape == s) & (size == 1)].min()


def test_short_prompts_fit_the_picture() -> None:
    """Every added prompt is a part of its picture's whole caption, or two of its words."""
    pictures = sets.load("shapes", n=200)
    more = shapes.with_short_prompts(pictures, 1.0)
    rows = [int((pictures.images == image).flatten(1).all(1).nonzero()[0]) for image in more.images[200:]]
    pairs = [(more.names[c], shapes.CAPTIONS[pictures.labels[r]]) for c, r in zip(more.labels[200:].tolist(), rows)]
    assert all(f" {prompt} " in f" {caption} " for prompt, caption in pairs)
    assert len({prompt for prompt, _ in pairs}) > 40 and more.names == shapes.PROMPTS


@pytest.mark.parametrize(
    ("prompt", "fit"), [("red", 50), ("blue circle", 10), ("at the upper left", 80), ("large", 200)]
)
def test_short_prompts_are_completed(prompt: str, fit: int) -> None:
    """Every completion has the prompt's words, and all that have them occur."""
    numbers = shapes.complete(prompt, 4000)
    assert all(f" {prompt} " in f" {shapes.CAPTIONS[i]} " for i in numbers) and len(numbers.unique()) == fit
    assert float(numbers.bincount()[numbers.unique()].float().std()) < 3 * (4000 / fit) ** 0.5  # evenly


def test_a_prompt_of_other_words_is_not_completed() -> None:
    with pytest.raises(ValueError, match="did you mean 'red star'"):
        shapes.complete("red stars", 3)


@pytest.mark.parametrize("name", shapes.SHAPES)
def test_shapes_are_signed_distances(name: str) -> None:
    """Below 0 in the middle, above 0 outside, and the slope never exceeds 1."""
    f, line = shapes.SHAPES[name], torch.linspace(-2, 2, 101, dtype=torch.float64)
    y, x = torch.meshgrid(line, line, indexing="ij")
    d = f(x.float(), y.float())
    assert float(d[50, 50]) < 0 < float(d[0].min())
    assert float(d.diff(dim=0).abs().max()) < 0.0401 and float(d.diff(dim=1).abs().max()) < 0.0401


def test_own_folder(tmp_path) -> None:
    from PIL import Image

    for kind, grey in (("cats", 50), ("dogs", 200)):
        (tmp_path / kind).mkdir()
        Image.new("RGB", (40, 60), (grey,) * 3).save(tmp_path / kind / "a.png")
    images, labels, names = sets.load(tmp_path, size=16)
    assert images.shape == (2, 3, 16, 16) and names == ("cats", "dogs") and labels.tolist() == [0, 1]
    assert images[1].unique().tolist() == [200]
    (tmp_path / "dogs/b.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"b\.png cannot be read"):
        folder.load(tmp_path)


def test_a_sets_name_comes_before_a_folder(tmp_path, monkeypatch) -> None:
    """A folder ./digits is read as a path, never instead of the set."""
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    Path("digits").mkdir()
    Image.new("RGB", (9, 9)).save("digits/mine.png")
    assert len(sets.load("digits").images) == 1797
    for path in ("./digits", Path("digits"), tmp_path / "digits"):
        assert sets.load(path, size=8).images.shape == (1, 3, 8, 8)


def test_what_a_system_leaves_in_a_folder_is_no_class(tmp_path) -> None:
    from PIL import Image

    for kind in ("cats", ".ipynb_checkpoints", "__MACOSX", ".hidden", "cats/.ipynb_checkpoints"):
        (tmp_path / kind).mkdir()
        Image.new("L", (9, 9)).save(tmp_path / kind / "a.png")
    Image.new("L", (9, 9)).save(tmp_path / "cats" / "._a.png")
    assert sets.load(tmp_path, size=8).names == ("cats",) and len(sets.load(tmp_path).images) == 1


def test_every_file_of_the_folder_is_a_set() -> None:
    assert set(sets.NAMES) == {"digits", "strokes", "fonts", "shapes", "mnist", "mnist-test", "cifar10"}


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: sets.load("mnits"), "did you mean 'mnist'"),
        (lambda: folder.load("nowhere"), "there is no folder"),
        (lambda: sets.load("strokes", n=0), "at least 1"),
        (lambda: sets.split(sets.load("shapes", n=5), 5), "cannot be held out"),
        (lambda: mnist.idx(b"hello"), "no IDX file"),
        (lambda: mnist.idx(b"\0\0\x08\x01\0\0\0\x09abc"), "no IDX file"),
    ],
)
def test_bad_input_is_refused(ask, message: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        ask()


# ---- downloads -----------------------------------------------------------------------------------

TRUTH = bytes(range(256)) * 400
FILE = download.Remote("file.gz", hashlib.sha256(TRUTH).hexdigest())


class Mirror(http.server.BaseHTTPRequestHandler):
    """The first part of the path names how this mirror behaves."""

    stalled = threading.Event()

    def do_GET(self) -> None:
        how = self.path.split("/")[1]
        if how == "gone":
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Length", str(len(TRUTH)))
        self.end_headers()
        self.wfile.write({"good": TRUTH, "lies": TRUTH[::-1]}.get(how, TRUTH[:70_000]))
        if how == "drips":
            for byte in TRUTH[70_000:70_100]:
                if self.stalled.wait(0.1):
                    break
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
        if how == "stalls":
            self.stalled.wait(5)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}/"
        Mirror.stalled.set()
        running.shutdown()


@pytest.mark.parametrize("bad", ["lies", "stalls", "breaks", "gone", "drips"])
def test_a_bad_mirror_is_given_up_and_nothing_stays(server: str, bad: str, tmp_path) -> None:
    with pytest.raises(ConnectionError, match="could not be downloaded") as error:
        download.fetch(FILE, [f"{server}{bad}/"], tmp_path, timeout=0.3, progress=False)
    assert FILE.sha256 in str(error.value) and f"{server}{bad}/" in str(error.value)
    assert not list(tmp_path.iterdir())
    assert bad != "drips" or "TimeoutError, only" in str(error.value)  # not followed to its end


def test_the_next_mirror_helps_and_the_file_is_kept(server: str, tmp_path) -> None:
    mirrors = [f"{server}{how}/" for how in ("lies", "stalls", "breaks", "gone", "drips", "good")]
    path = download.fetch(FILE, mirrors, tmp_path, timeout=0.3, progress=False)
    assert path.read_bytes() == TRUTH and list(tmp_path.iterdir()) == [path]
    assert download.fetch(FILE, ["http://127.0.0.1:9/"], tmp_path, progress=False) == path  # no network now


def test_a_spoilt_file_is_fetched_again(server: str, tmp_path) -> None:
    (tmp_path / FILE.name).write_bytes(b"spoilt")
    assert download.fetch(FILE, [f"{server}good/"], tmp_path, progress=False).read_bytes() == TRUTH


def test_no_network_is_named_as_the_cause(tmp_path) -> None:
    with pytest.raises(ConnectionError, match="need no network"):
        download.fetch(FILE, ["http://127.0.0.1:9/"], tmp_path, timeout=1, progress=False)


def _kept(folder, name: str, content: bytes) -> download.Remote:
    (folder / name).write_bytes(content)
    return download.Remote(name, hashlib.sha256(content).hexdigest())


def archive(**batches: bytes) -> bytes:
    """CIFAR-10's binary archive as it is laid out: a folder, five batches, a test batch, names and a page."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as made:
        folder = tarfile.TarInfo("cifar-10-batches-bin")
        folder.type = tarfile.DIRTYPE
        made.addfile(folder)
        texts = {"readme.html": b"<html>", "batches.meta.txt": "\n".join(cifar10.NAMES).encode()}
        for name, batch in (texts | {f"{key}.bin": value for key, value in batches.items()}).items():
            entry = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            entry.size = len(batch)
            made.addfile(entry, io.BytesIO(batch))
    return content.getvalue()


def record(label: int, first: int) -> bytes:
    """One picture as published: its label, 1,024 red, 1,024 green and 1,024 blue bytes, row by row."""
    return bytes([label]) + bytes((first + i) % 256 for i in range(3072))


@functools.cache  # gzip writes the time: made twice, in two seconds, it has two sha256
def small_archive() -> bytes:
    batches = {f"data_batch_{i}": record(i, i) + record(9, 100 + i) for i in (3, 1, 2)}
    return archive(**batches, test_batch=record(6, 50))


class Shelf(http.server.BaseHTTPRequestHandler):
    """Serves one file under any name."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(small_archive())))
        self.end_headers()
        self.wfile.write(small_archive())

    def log_message(self, *args: object) -> None:
        pass


def test_cifar_is_fetched_and_read(tmp_path, monkeypatch) -> None:
    """Batches in the order of their numbers, pixels as [colour, row, column], from a server on this machine."""
    content = small_archive()
    remote = download.Remote("cifar-10-binary.tar.gz", hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(cifar10, "ARCHIVE", remote)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shelf) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setattr(cifar10, "MIRRORS", (f"http://127.0.0.1:{running.server_address[1]}/",))
        x, label, names = sets.load("cifar10", folder=tmp_path)
        running.shutdown()
    assert x.shape == (6, 3, 32, 32) and label.tolist() == [1, 9, 2, 9, 3, 9] and names[5] == "dog"
    assert x[2, 1, 3, 7] == (2 + 1024 + 3 * 32 + 7) % 256
    test = cifar10.load(tmp_path, "test")
    assert test.labels.tolist() == [6] and test.images[0, 0, 0, :3].tolist() == [50, 51, 52]


def test_cifar_is_the_binary_archive() -> None:
    name, digest = cifar10.ARCHIVE
    assert name == "cifar-10-binary.tar.gz" and digest.startswith("c4a38c50a1bc") and len(digest) == 64


@pytest.mark.parametrize(
    ("batch", "message"),
    [(b"", "0 bytes"), (record(1, 0)[:-1], "3072 bytes is not made of"), (record(10, 0), "the label 10")],
)
def test_a_batch_of_other_bytes_is_refused(batch: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=f"{message}.*again"):
        cifar10.records(batch)


def test_nothing_in_the_package_unpickles() -> None:
    """No import of pickle, marshal, shelve, dill or joblib, and no torch.load, anywhere."""
    root = Path(sets.__file__).parents[2]
    for file in root.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in getattr(node, "names", []) if isinstance(alias, ast.alias)]
            names.append(getattr(node, "module", None) or "")
            assert not {"pickle", "marshal", "shelve", "dill", "joblib"} & {name.split(".")[0] for name in names}, file
            assert not (isinstance(node, ast.Attribute) and ast.unparse(node) in ("torch.load", "np.load")), file


def test_a_folder_that_cannot_be_written_is_no_fault_of_the_network(server: str, tmp_path) -> None:
    (tmp_path / "file").write_text("text")
    with pytest.raises(
        OSError, match=r"cannot keep .* in .*file.*; give another folder, one you may write to$"
    ) as raised:
        download.fetch(FILE, [f"{server}good/"], tmp_path / "file" / "data", progress=False)
    assert "network" not in str(raised.value)


@pytest.mark.parametrize(
    ("refusal", "advice"),
    [
        (PermissionError(13, "Permission denied"), "set .* TOYCORE_DATA to another folder, one you may write to"),
        (OSError(28, "No space left on device"), "make room there, or set .* TOYCORE_DATA"),
    ],
)
def test_a_disk_that_refuses_is_named(server: str, tmp_path, monkeypatch, refusal: OSError, advice: str) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise refusal

    monkeypatch.setattr(download, "steadily", lambda timeout, progress: refuse)
    monkeypatch.setenv("TOYCORE_DATA", str(tmp_path))
    with pytest.raises(OSError, match=f"cannot keep .* in .*: {refusal.strerror}; {advice}") as raised:
        download.fetch(FILE, [f"{server}good/"], progress=False)
    assert "network" not in str(raised.value) and not list(tmp_path.iterdir())
