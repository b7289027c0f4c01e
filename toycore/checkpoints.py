"""Models in a file: safetensors for the numbers, a card in its header for what they are.

The card says how to build the network, on which data and with which recipe and seed it was trained, and which field
error was measured. Nothing is unpickled; a file is written beside its place and renamed, so it is whole or absent.
"""

import importlib
import json
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from toycore.checks import one_of
from toycore.precondition import FromNoise, FromVelocity, Preconditioned

SHIPPED = Path(__file__).parent / "weights"
FORMAT = "toycore 1"


def save(D: nn.Module, path: str | Path, card: dict[str, Any] | None = None) -> Path:
    """Write a Denoiser or a bare network (it must carry a `config`) and its card to path, whole or not at all."""
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"a checkpoint's name must end in .safetensors; got {path}, try {path.name}.safetensors")
    header = {"format": FORMAT, "card": _written({**(card or {}), "build": _plan(D)})}
    weights = {name: value.detach().clone().contiguous() for name, value in D.state_dict().items()}
    return write_whole(path, lambda beside: save_file(weights, beside, header))


def _written(card: dict[str, Any]) -> str:
    try:
        return json.dumps(card)
    except TypeError as error:
        raise TypeError(f"the card cannot be written: {error}; use numbers, strings, lists and dicts") from None


def write_whole(path: Path, write: Callable[[str], object]) -> Path:
    """Call write(name) on a file beside path, then rename it to path; on failure leave nothing behind."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=path.parent, suffix=".part")
    except OSError as error:
        raise OSError(f"cannot write {path}: {error.strerror}; choose a folder where you may write") from None
    os.close(handle)
    try:
        write(beside)
        os.chmod(beside, 0o644)
        os.replace(beside, path)
    finally:
        Path(beside).unlink(missing_ok=True)
    return path


def load(name: str | Path) -> nn.Module:
    """Return the Denoiser of a shipped checkpoint ("spiral") or of a .safetensors file; its card is `D.card`.

    The model is frozen and in evaluation mode. Errors: an unknown name, a file cut short, a checkpoint of another
    model.
    """
    path = Path(name)
    if path.suffix != ".safetensors":
        path = SHIPPED / f"{one_of(str(name), _shipped(), 'checkpoint')}.safetensors"
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}; shipped checkpoints are: {', '.join(sorted(_shipped()))}")
    weights, card = _read(path)
    try:
        D = build(card["build"], weights)
        D.load_state_dict(weights)
    except (RuntimeError, KeyError, AttributeError, TypeError, ImportError) as error:
        raise ValueError(
            f"{path} does not fit the model its card describes: {(str(error) or repr(error)).splitlines()[-1].strip()};"
            " is it of another version of toycore?"
        ) from None
    D.card = card  # type: ignore[assignment]
    return D.eval().requires_grad_(False)


def available() -> dict[str, str]:
    """Return the names of the shipped checkpoints with one line each: what it is, and its measured field error."""
    return {name: _read(path)[1].get("title", "") for name, path in sorted(_shipped().items())}


def _shipped() -> dict[str, Path]:
    return {path.stem: path for path in SHIPPED.glob("*.safetensors")}


def _read(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            weights = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} is not a whole safetensors file ({error}); copy or download it again") from None
    if header.get("format") != FORMAT:
        raise ValueError(f"{path} was not written by toycore.checkpoints.save (format: {header.get('format')})")
    try:
        card = json.loads(header["card"])
    except (KeyError, json.JSONDecodeError):
        raise ValueError(f"{path} has no card that can be read; copy or download it again") from None
    return {key: value.float() if value.dtype == torch.float16 else value for key, value in weights.items()}, card


def _plan(D: nn.Module) -> dict[str, Any]:
    """Say how to build D: the wrapper (none for a bare network), its numbers, the network's class and its config."""
    wrapped = isinstance(D, (Preconditioned, FromNoise, FromVelocity))
    net = D.net if wrapped else D
    if not hasattr(net, "config"):
        raise TypeError(
            f"cannot save a {type(D).__name__} of a {type(net).__name__}; save a network of toycore, bare or as a"
            " Preconditioned, FromNoise or FromVelocity Denoiser"
        )
    plan = {
        "wrapper": type(D).__name__ if wrapped else "",
        "module": type(net).__module__,
        "net": type(net).__name__,
        "config": net.config,
    }
    return plan | ({"sigma_data": D.sigma_data} if isinstance(D, Preconditioned) else {})


def build(plan: dict[str, Any], weights: dict[str, torch.Tensor]) -> nn.Module:
    """Build the model that a card describes, its net still untrained; only classes of this package are built."""
    module, name = plan["module"], plan["net"]
    kind = getattr(importlib.import_module(module), name) if re.fullmatch(r"toycore(\.[a-z]\w*)+", module) else None
    if not (isinstance(kind, type) and issubclass(kind, nn.Module) and kind.__module__ == module):
        raise ValueError(f"the card asks for {module}.{name}; only classes of toycore that are networks are built")
    net = kind(**plan["config"])
    if plan["wrapper"] == "FromNoise":
        return FromNoise(net, weights.get("grid"))
    if plan["wrapper"] == "Preconditioned":
        return Preconditioned(net, plan["sigma_data"], weights.get("mean", 0.0))
    return {"FromVelocity": FromVelocity, "": lambda bare: bare}[plan["wrapper"]](net)
