"""CIFAR-10: 50,000 colour photographs of ten kinds to learn from and 10,000 to test on, 32x32, downloaded once."""

import tarfile
from pathlib import Path

import torch
from torch import Tensor

from toycore.checks import one_of
from toycore.images.download import Remote, fetch
from toycore.images.sets import Pictures

MIRRORS = ("https://www.cs.toronto.edu/~kriz/",)
ARCHIVE = Remote("cifar-10-binary.tar.gz", "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd")
PARTS = {"train": "data_batch_", "test": "test_batch"}
NAMES = "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"


def load(folder: str | Path | None = None, part: str = "train") -> Pictures:
    """Return CIFAR-10's pictures: 50,000 of part "train" or 10,000 of part "test"; the download stays in the folder.

    Krizhevsky 2009; the binary version of the archive, which needs no unpickling.
    """
    begin = PARTS[one_of(part, PARTS, "part of CIFAR-10")]
    with tarfile.open(fetch(ARCHIVE, MIRRORS, folder)) as archive:
        files = sorted((file for file in archive if Path(file.name).name.startswith(begin)), key=lambda file: file.name)
        rows = torch.cat([records(archive.extractfile(file).read()) for file in files])  # type: ignore[union-attr]
    return Pictures(rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0].long(), NAMES)


def records(content: bytes) -> Tensor:
    """Return the rows of a batch, `[n, 3073]` bytes: a label 0..9, then the red, green and blue pixels row by row."""
    if not content or len(content) % 3073:
        raise ValueError(f"a batch of {len(content)} bytes is not made of pictures of 3,073 bytes; fetch it again")
    rows = torch.frombuffer(bytearray(content), dtype=torch.uint8).reshape(-1, 3073)
    if int(rows[:, 0].max()) >= len(NAMES):
        raise ValueError(f"a batch holds the label {int(rows[:, 0].max())}; CIFAR-10 has 0..9; fetch it again")
    return rows
