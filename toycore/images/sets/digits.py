"""Handwritten digits, 8x8: those that ship with scikit-learn."""

import torch

from toycore.images.sets import DIGITS, Pictures


def load() -> Pictures:
    """Return 1,797 handwritten digits, 8x8, grey: those that ship with scikit-learn."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images = torch.from_numpy(found.images).mul(255 / 16).round().to(torch.uint8)[:, None]
    return Pictures(images, torch.from_numpy(found.target).long(), DIGITS)
