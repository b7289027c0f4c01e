"""A thousand of MNIST's 10,000 test digits, 28x28, a hundred of each: the real ones that ship, so need no network.

Y. LeCun, C. Cortes and C. Burges, The MNIST database of handwritten digits; CC BY-SA 3.0, unchanged but for the choice.
"""

import gzip
from pathlib import Path

from torch import Tensor

from toycore.images.sets import DIGITS, Pictures, split
from toycore.images.sets.mnist import as_idx, idx

FILES = tuple(Path(__file__).parent / "data" / f"mnist-test-{name}.gz" for name in ("images-idx3", "labels-idx1"))

NEAREST = FILES[0].with_name("mnist-nearest-idx3.gz")


def load() -> Pictures:
    """Return 1,000 real handwritten digits, 28x28, grey, a hundred of each, which no shipped model learned from."""
    images, labels = (idx(gzip.decompress(file.read_bytes())) for file in FILES)
    return Pictures(images[:, None], labels.long(), DIGITS)


def nearest() -> Tensor:
    """Return the 20 of MNIST's training digits, bytes `[20, 1, 28, 28]`, nearest to the samples of notebook 14."""
    return idx(gzip.decompress(NEAREST.read_bytes()))[:, None]


def choose(test: Pictures) -> Pictures:
    """Return the thousand that are shipped, out of all of MNIST's test digits: a hundred of each, by `split`."""
    return split(test, 1000)[1]


def write(test: Pictures) -> None:
    """Write the files that `load` reads."""
    chosen = choose(test)
    for file, values in zip(FILES, (chosen.images[:, 0], chosen.labels.byte())):
        file.write_bytes(gzip.compress(as_idx(values), 9, mtime=0))
