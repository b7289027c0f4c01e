"""MNIST: 60,000 handwritten digits to learn from and 10,000 to test on, 28x28, downloaded once."""

import gzip
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from toycore.checks import one_of
from toycore.images.download import Remote, fetch
from toycore.images.sets import DIGITS, Pictures

MIRRORS = "https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"
FILES = {
    "train": (
        Remote("train-images-idx3-ubyte.gz", "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        Remote("train-labels-idx1-ubyte.gz", "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
    ),
    "test": (
        Remote("t10k-images-idx3-ubyte.gz", "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        Remote("t10k-labels-idx1-ubyte.gz", "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
    ),
}


def load(folder: str | Path | None = None, part: str = "train") -> Pictures:
    """Return MNIST's digits: 60,000 of part "train" or 10,000 of part "test"; downloads are kept in the folder."""
    files = FILES[one_of(part, FILES, "part of MNIST")]
    images, labels = (idx(gzip.decompress(fetch(file, MIRRORS, folder).read_bytes())) for file in files)
    return Pictures(images[:, None], labels.long(), DIGITS)


def idx(content: bytes) -> Tensor:
    """Read an IDX file of bytes: 0, 0, type 8, number of axes, each axis's length (big-endian), then the values."""
    axes = content[3] if len(content) > 3 else 0
    shape = tuple(np.frombuffer(content, ">i4", axes, 4)) if len(content) >= 4 + 4 * axes else ()
    if content[:3] != b"\0\0\x08" or len(content) != 4 + 4 * axes + int(np.prod(shape)):
        raise ValueError(
            f"{len(content)} bytes that start with {content[:4]!r} are no IDX file of bytes; fetch it again"
        )
    return torch.frombuffer(bytearray(content[4 + 4 * axes :]), dtype=torch.uint8).reshape(shape)
