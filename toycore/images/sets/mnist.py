"""MNIST: 60,000 handwritten digits to learn from and 10,000 to test on, 28x28; yours, or downloaded once."""

import gzip
import hashlib
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from toycore.checks import one_of
from toycore.images.download import Remote, default_folder, fetch
from toycore.images.sets import DIGITS, Pictures

MIRRORS = "https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"
PLACES = "", "MNIST/raw"  # within a folder; the second is where torchvision keeps them


class File(NamedTuple):
    """One of the four files: its name, the sha256 of its content, and that of the published .gz around it.

    All eight sums were computed: gzip -6 with the header's old names and times gives the published .gz byte for byte,
    which also has the MD5 on torchvision's list.
    """

    name: str
    sha256: str
    packed: str


FILES = {
    "train": (
        File(
            "train-images-idx3-ubyte",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        ),
        File(
            "train-labels-idx1-ubyte",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        ),
    ),
    "test": (
        File(
            "t10k-images-idx3-ubyte",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        ),
        File(
            "t10k-labels-idx1-ubyte",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
    ),
}


def load(folder: str | Path | None = None, part: str = "train") -> Pictures:
    """Return MNIST's digits: 60,000 of part "train" or 10,000 of part "test".

    The files are those of the folder, plain or gzipped, also in its MNIST/raw; what is missing is downloaded into it.
    Errors: a file that is not MNIST's, byte for byte (sha256); no network.
    """
    files = FILES[one_of(part, FILES, "part of MNIST")]
    images, labels = (idx(content(file, Path(folder or default_folder()))) for file in files)
    return Pictures(images[:, None], labels.long(), DIGITS)


def content(file: File, folder: Path) -> bytes:
    """Return what a file holds, from the folder or from a mirror. Errors: a sha256 that is not the file's."""
    paths = [folder / place / name for place in PLACES for name in (file.name, f"{file.name}.gz")]
    found = next((path for path in paths if path.is_file()), None)
    path = found or fetch(Remote(f"{file.name}.gz", file.packed), MIRRORS, folder)
    held = unpacked(path) if path.suffix == ".gz" else path.read_bytes()
    if (given := hashlib.sha256(held).hexdigest()) != file.sha256:
        raise ValueError(
            f"{path} is not MNIST's {file.name}: its content has the sha256 {given}, not {file.sha256}; remove it, and"
            " it is downloaded again"
        )
    return held


def unpacked(path: Path) -> bytes:
    """Return the content of a .gz, or nothing where it is none or is cut short."""
    try:
        return gzip.decompress(path.read_bytes())
    except (gzip.BadGzipFile, EOFError, zlib.error):
        return b""


def idx(content: bytes) -> Tensor:
    """Read an IDX file of bytes: 0, 0, type 8, number of axes, each axis's length (big-endian), then the values."""
    axes = content[3] if len(content) > 3 else 0
    shape = tuple(np.frombuffer(content, ">i4", axes, 4)) if len(content) >= 4 + 4 * axes else ()
    if content[:3] != b"\0\0\x08" or len(content) != 4 + 4 * axes + int(np.prod(shape)):
        raise ValueError(
            f"{len(content)} bytes that start with {content[:4]!r} are no IDX file of bytes; fetch it again"
        )
    return torch.frombuffer(bytearray(content[4 + 4 * axes :]), dtype=torch.uint8).reshape(shape)


def as_idx(values: Tensor) -> bytes:
    """Return bytes `[...]` as an IDX file, which `idx` reads."""
    shape = np.array(values.shape, ">i4").tobytes()
    return b"\0\0\x08" + bytes([values.ndim]) + shape + values.contiguous().numpy().tobytes()
