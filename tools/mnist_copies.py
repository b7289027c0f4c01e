"""Does the shipped model of MNIST copy? `python -m tools.mnist_copies` needs MNIST itself (sets.load fetches it).

For 300 samples: the distance to the nearest of the 60,000 training digits, beside the same distance of 300 real test
digits; and the share that lies nearer to 10,000 training digits than to the 10,000 test digits, which is one half where
nothing is copied. The digits nearest to the first twenty samples are written where `mnist_test.nearest` reads them.
"""

import gzip
from pathlib import Path

import torch
from torch import Tensor

import toycore
from toycore import checkpoints, guidance, metrics, samplers, sigmas
from toycore.images import sets
from toycore.images.sets import mnist, mnist_test
from toycore.types import seeded


def samples(n: int, s: float = 1.25) -> Tensor:
    """The first twenty are those that notebook 14 shows."""
    parts = []
    for i in range(n // 20):
        start = 80 * torch.randn(20, 1, 28, 28, generator=seeded(5 + i))
        D = guidance.free(toycore.load("mnist"), s)
        parts.append(samplers.final(samplers.dpmpp_2m(D, start, sigmas.karras(15, 0.02, 80.0), torch.arange(20) % 10)))
    return torch.cat(parts).clamp(-1, 1)


def nearest(x: Tensor, train: Tensor) -> tuple[Tensor, Tensor]:
    """Distances in pixels, whose range is 2, and row numbers."""
    found = [torch.cdist(x.flatten(1), part.flatten(1)).min(1) for part in train.split(10_000)]
    distance, part = torch.stack([f.values for f in found]).min(0)
    row = torch.stack([f.indices for f in found]).gather(0, part[None])[0]
    return distance, row + 10_000 * part


def main() -> None:
    train, test = sets.load("mnist"), sets.load("mnist", part="test")
    T, H = sets.to_unit(train.images), sets.to_unit(test.images)
    x = samples(300)
    made, row = nearest(x, T)
    real, _ = nearest(sets.to_unit(sets.load("mnist-test").images[:300]), T)
    for title, d in (("samples", made), ("real test digits", real)):
        quarter, median, three = torch.quantile(d, torch.tensor([0.25, 0.5, 0.75])).tolist()
        print(
            f"{title}: distance to the nearest of 60,000: {quarter:.1f}, {median:.1f}, {three:.1f}; least {d.min():.1f}"
        )
    order = torch.randperm(60_000, generator=seeded())[:10_000]
    print(f"nearer to 10,000 training digits than to 10,000 others: {metrics.memorised(x, T[order], H):.2f}")
    content = gzip.compress(mnist.as_idx(train.images[row[:20], 0]), 9, mtime=0)
    checkpoints.write_whole(mnist_test.NEAREST, lambda beside: Path(beside).write_bytes(content))


if __name__ == "__main__":
    main()
