"""toycore: diffusion models that one can hold in one's hands.

A model is a function D(x, sigma, label) -> x0_hat; noise levels are a decreasing list; a sampler walks down the list.
"""

import importlib
from types import ModuleType

from toycore import (
    checks,
    data,
    exact,
    fields,
    frames,
    guidance,
    mixtures,
    networks,
    precondition,
    samplers,
    sigmas,
    training,
    types,
)
from toycore.checkpoints import available, load
from toycore.types import Denoiser, State, seeded

__version__ = "0.2.0"
__all__ = [
    "Denoiser", "State", "available", "check", "checkpoints", "checks", "data", "density", "embeddings", "exact",
    "fields", "flow", "frames", "gaussians", "guidance", "lessons", "live", "load", "metrics", "mixtures", "networks",
    "plots", "precondition", "samplers", "seeded", "sigmas", "style", "training", "types",
]  # fmt: skip


def __getattr__(name: str) -> ModuleType:
    """Import the modules that need matplotlib or ipywidgets when they are first used."""
    if name not in __all__:
        raise AttributeError(f"module 'toycore' has no attribute {name!r}")
    return importlib.import_module(f"toycore.{name}")
