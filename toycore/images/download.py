"""MNIST and CIFAR-10 from the network: mirrors in turn, each file checked by its sha256, kept once it is whole."""

import gzip
import io
import os
import pickle
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor


class Remote(NamedTuple):
    """A file somewhere else: its name and its sha256."""

    name: str
    sha256: str


MNIST_MIRRORS = "https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"
MNIST = (
    Remote("train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
    Remote("train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    Remote("t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
    Remote("t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
)
CIFAR_MIRRORS = (
    "https://www.cs.toronto.edu/~kriz/",
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
)
CIFAR = Remote("cifar-10-python.tar.gz", "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce")
CIFAR_NAMES = "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"


def default_folder() -> Path:
    """Return where downloads are kept: the cache folder of this system, or TOYCORE_DATA if that is set."""
    import pooch

    return Path(os.environ.get("TOYCORE_DATA") or pooch.os_cache("toycore"))


def fetch(
    file: Remote, mirrors: Sequence[str], folder: str | Path | None = None, timeout: float = 20, progress: bool = True
) -> Path:
    """Return the file's path in the folder; if it is not there yet, load it from the first mirror that gives the truth.

    A mirror that is silent for `timeout` seconds, breaks off, or sends other bytes than the sha256 says is given up;
    nothing half-written stays. Error: no mirror helped, with what each said and what to do.
    """
    import pooch

    folder, reasons = Path(folder or default_folder()), []
    pooch.get_logger().setLevel("WARNING")
    for mirror in mirrors:
        load = pooch.HTTPDownloader(progressbar=progress, timeout=timeout)
        try:
            return Path(pooch.retrieve(mirror + file.name, f"sha256:{file.sha256}", file.name, folder, downloader=load))
        except (OSError, ValueError) as error:
            reasons.append(f"  {mirror}: {type(error).__name__}, {str(error).splitlines()[0][:120]}")
    raise ConnectionError(
        f"{file.name} could not be downloaded. Check the network and try again, or put the file (sha256"
        f" {file.sha256}) into {folder}. The sets digits, strokes, fonts and shapes need no network.\n"
        + "\n".join(reasons)
    )


def mnist(folder: str | Path | None = None, part: str = "train") -> tuple[Tensor, Tensor]:
    """Return MNIST's images uint8 `[n, 1, 28, 28]` and labels `[n]`: 60,000 (train) or 10,000 (test) digits."""
    files = MNIST[:2] if part == "train" else MNIST[2:]
    images, labels = (idx(gzip.decompress(fetch(file, MNIST_MIRRORS, folder).read_bytes())) for file in files)
    return images[:, None], labels.long()


def idx(content: bytes) -> Tensor:
    """Read an IDX file of bytes: 0, 0, type 8, number of axes, each axis's length (big-endian), then the values."""
    axes = content[3] if len(content) > 3 else 0
    shape = tuple(np.frombuffer(content, ">i4", axes, 4)) if len(content) >= 4 + 4 * axes else ()
    if content[:3] != b"\0\0\x08" or len(content) != 4 + 4 * axes + int(np.prod(shape)):
        raise ValueError(
            f"{len(content)} bytes that start with {content[:4]!r} are no IDX file of bytes; fetch it again"
        )
    return torch.frombuffer(bytearray(content[4 + 4 * axes :]), dtype=torch.uint8).reshape(shape)


def cifar10(folder: str | Path | None = None, part: str = "train") -> tuple[Tensor, Tensor, tuple[str, ...]]:
    """Return CIFAR-10's images uint8 `[n, 3, 32, 32]`, labels `[n]` and names: 50,000 (train) or 10,000 (test)."""
    with tarfile.open(fetch(CIFAR, CIFAR_MIRRORS, folder)) as archive:
        wanted = sorted(n for n in archive.getnames() if ("data_batch" if part == "train" else "test_batch") in n)
        batches = [plain(archive.extractfile(name).read()) for name in wanted]  # type: ignore[union-attr]
    images = torch.cat([torch.from_numpy(batch[b"data"].copy()).reshape(-1, 3, 32, 32) for batch in batches])
    labels = torch.tensor([label for batch in batches for label in batch[b"labels"]])
    return images, labels, CIFAR_NAMES


def plain(content: bytes) -> Any:
    """Read a pickle that holds nothing but numbers, strings, lists and NumPy arrays (CIFAR-10 comes as such).

    Any other class or function is refused before it is built; the file's sha256 was checked before.
    """
    return _Plain(io.BytesIO(content), encoding="bytes").load()


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        reconstruct = np.empty(0).__reduce__()[0]  # wherever this version of NumPy keeps what its pickles name
        arrays = {"_reconstruct": reconstruct, "ndarray": np.ndarray, "dtype": np.dtype}
        if module.split(".")[0] != "numpy" or name not in arrays:
            raise pickle.UnpicklingError(f"this file asks for {module}.{name}; only plain NumPy arrays are read")
        return arrays[name]
