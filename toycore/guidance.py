"""Denoisers in, Denoiser out. One convention everywhere: s = 0 is the weak model, s = 1 the strong one, s > 1
extrapolates.

Every rule here is an affine combination of predictions (or adds a gradient), so it reads the same on x0_hat, eps_hat,
the score or the velocity.
"""

from torch import Tensor

from toycore.types import Denoiser, Label


def guided(strong: Denoiser, weak: Denoiser, s: float) -> Denoiser:
    """Return weak + s (strong - weak); with strong = D and weak = unlabelled(D) this is classifier-free guidance.

    Ho & Salimans 2022 (2207.12598), eq. 6, with their w = s - 1.
    """

    def D(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        low = weak(x, sigma, label)
        return low + s * (strong(x, sigma, label) - low)

    return D


def unlabelled(D: Denoiser) -> Denoiser:
    """Return D without its condition: whatever label is asked for, none is passed on."""
    return lambda x, sigma, label=None: D(x, sigma, None)


def labelled(D: Denoiser, label: Label) -> Denoiser:
    """Return D with its condition fixed: whatever label is asked for, this one is passed on."""
    fixed = label
    return lambda x, sigma, label=None: D(x, sigma, fixed)
