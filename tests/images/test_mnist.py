"""MNIST's files in their real layout, plain and gzipped; and the thousand real digits that ship."""

import gzip
import hashlib
import struct
from pathlib import Path

import pytest
import torch

from toycore.images import sets
from toycore.images.sets import mnist, mnist_test

SUM = "46f18f56b2c10ce0387dc21dfe69803fa9b568bb4c970d7e2b189f35cf1f1c5c"  # of the shipped digits, then their labels
PIXELS = bytes(i % 256 for i in range(2 * 28 * 28))
CONTENTS = {  # two pictures and their labels, as the IDX format lays them out
    "t10k-images-idx3-ubyte": b"\0\0\x08\x03" + struct.pack(">3i", 2, 28, 28) + PIXELS,
    "t10k-labels-idx1-ubyte": b"\0\0\x08\x01" + struct.pack(">i", 2) + bytes([7, 3]),
}


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sums of two small files stand in for MNIST's own; no mirror answers."""
    files = [mnist.File(name, hashlib.sha256(held).hexdigest(), "0" * 64) for name, held in CONTENTS.items()]
    monkeypatch.setattr(mnist, "FILES", {"test": tuple(files)})
    monkeypatch.setattr(mnist, "MIRRORS", ("http://127.0.0.1:9/",))


def lay(folder: Path, packed: bool) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / (f"{name}.gz" if packed else name) for name in CONTENTS]
    for path, held in zip(paths, CONTENTS.values()):
        path.write_bytes(gzip.compress(held) if packed else held)
    return paths


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("place", mnist.PLACES)
def test_mnist_is_read_plain_and_gzipped(known: None, tmp_path: Path, place: str, packed: bool) -> None:
    lay(tmp_path / place, packed)
    x, label, names = sets.load("mnist", folder=tmp_path, part="test")
    assert x.shape == (2, 1, 28, 28) and label.tolist() == [7, 3] and names[7] == "7"
    assert bytes(x.flatten().tolist()) == PIXELS


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("row", [0, 1])
def test_a_wrong_byte_is_refused(known: None, tmp_path: Path, packed: bool, row: int) -> None:
    path, held = lay(tmp_path, packed)[row], bytearray(list(CONTENTS.values())[row])
    held[-1] ^= 1
    path.write_bytes(gzip.compress(bytes(held)) if packed else bytes(held))
    with pytest.raises(ValueError, match=rf"{path.name} is not MNIST's .* sha256 .*; remove it, and it is downloaded"):
        sets.load("mnist", folder=tmp_path, part="test")


@pytest.mark.parametrize("spoil", [lambda held: held[:-9], lambda held: b"<html>" + held, lambda held: b""])
def test_a_gz_that_is_cut_short_or_none_is_refused(known: None, tmp_path: Path, spoil) -> None:
    path = lay(tmp_path, packed=True)[0]
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ValueError, match=f"{path.name} is not MNIST's"):
        sets.load("mnist", folder=tmp_path, part="test")


def test_a_missing_file_is_asked_of_the_mirrors(known: None, tmp_path: Path) -> None:
    lay(tmp_path, packed=False)[1].unlink()
    with pytest.raises(ConnectionError, match=r"t10k-labels-idx1-ubyte\.gz could not be downloaded"):
        sets.load("mnist", folder=tmp_path, part="test")


def test_idx_is_its_own_inverse() -> None:
    values = torch.arange(24, dtype=torch.uint8).reshape(2, 3, 4)
    assert torch.equal(mnist.idx(mnist.as_idx(values)), values)
    assert mnist.as_idx(values)[:16] == b"\0\0\x08\x03" + struct.pack(">3i", 2, 3, 4)


def test_a_thousand_real_digits_ship() -> None:
    """The right bytes, a hundred of each digit, in no more than 250 kB."""
    images, labels, names = sets.load("mnist-test")
    assert images.shape == (1000, 1, 28, 28) and labels.bincount().tolist() == [100] * 10 and names == sets.DIGITS
    assert hashlib.sha256(images.numpy().tobytes() + labels.byte().numpy().tobytes()).hexdigest() == SUM
    assert sum(file.stat().st_size for file in mnist_test.FILES) < 250_000


def test_the_thousand_are_of_the_test_set() -> None:
    """Where MNIST itself is at hand: choosing again gives what ships."""
    folder = mnist.default_folder()
    if not any(any((folder / place).glob("t10k-images*")) for place in mnist.PLACES):
        pytest.skip(f"MNIST's test digits are not in {folder}; sets.load('mnist', part='test') fetches them")
    chosen, shipped = mnist_test.choose(sets.load("mnist", part="test")), sets.load("mnist-test")
    assert torch.equal(chosen.images, shipped.images) and torch.equal(chosen.labels, shipped.labels)
