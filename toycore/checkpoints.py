"""Models in a file: safetensors for the numbers, a card in its header for what they are.

The card says how to build the network, on which data and with which recipe and seed it was trained, and which field
error was measured. Nothing is unpickled; a sha256 guards card and numbers; a file is written beside its place and
renamed, so it is whole or absent.
"""

import errno
import hashlib
import importlib
import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from toycore.checks import named, one_of
from toycore.precondition import FromNoise, FromVelocity, Preconditioned

SHIPPED = Path(__file__).parent / "weights"
FORMAT, OLD_FORMAT = "toycore 2", "toycore 1"
NETWORKS = {  # the name on a card: where the class lives today
    "mlp": "toycore.networks.MLP",
    "noise-mlp": "toycore.networks.NoiseMLP",
    "conditional-mlp": "toycore.lessons.conditioning.ConditionalMLP",
    "captioned-mlp": "toycore.lessons.conditioning.Captioned",
    "classifier": "toycore.lessons.classifiers.Classifier",
    "vae": "toycore.lessons.vae.VAE",
    "plane-clip": "toycore.embeddings.Clip",
    "unet": "toycore.images.nets.unet.UNet",
    "dit": "toycore.images.nets.dit.DiT",
    "autoencoder": "toycore.images.nets.autoencoder.Autoencoder",
    "judge": "toycore.images.judge.Judge",
    "clip": "toycore.images.nets.clip.Clip",
    "filler": "toycore.images.nets.tokens.Filler",
}
OLD_HOMES = {  # cards of the last release hold a module and a class; this table goes with the next release
    "toycore.networks.MLP": "mlp",
    "toycore.networks.NoiseMLP": "noise-mlp",
    "toycore.networks.ConditionalMLP": "conditional-mlp",
    "toycore.networks.Captioned": "captioned-mlp",
    "toycore.classifiers.Classifier": "classifier",
    "toycore.vae.VAE": "vae",
    "toycore.embeddings.Clip": "plane-clip",
    "toycore.images.unet.UNet": "unet",
    "toycore.images.dit.DiT": "dit",
    "toycore.images.autoencoder.Autoencoder": "autoencoder",
    "toycore.images.judge.Judge": "judge",
    "toycore.images.clip.Clip": "clip",
}
OLD_KEYS = {  # the old names of layers, and below of options
    r"\.words\.ask\b": ".cross.query",
    r"\.words\.answer\b": ".cross.key_value",
    r"\.words\b": ".cross",
    r"^words\b": "encoder",
    r"\btold\b": "modulate",
    r"\bask\b": "qkv",
    r"\bpass_on\b": "skip",
    r"\bnone\b": "no_label",
    r"\benter\b": "first",
    r"\benter_z\b": "from_latent",
    r"\bleave\b": "to_latent",
    r"\btell\b": "conditions",
}
OLD_OPTIONS = {"told": "embedding"}


def save(D: nn.Module, path: str | Path, card: dict[str, Any] | None = None) -> Path:
    """Write a Denoiser or a bare network of toycore and its card to path, whole or not at all."""
    if not isinstance(path, (str, Path)) or Path(path).suffix != ".safetensors":
        name = Path(path).name if isinstance(path, (str, Path)) else "model"
        raise ValueError(f"a checkpoint's name must end in .safetensors; got {path}, try {name}.safetensors")
    if not isinstance(card, dict | None):
        raise TypeError(f"the card is a {type(card).__name__}; give a dict, such as {{'title': 'my model'}}")
    text = _written({**(card or {}), "build": _plan(D)})
    return write_tensors(Path(path), D.state_dict(), text, FORMAT)


def _written(card: dict[str, Any]) -> str:
    try:
        return json.dumps(card)
    except TypeError as error:
        raise TypeError(f"the card cannot be written: {error}; use numbers, strings, lists and dicts") from None


def load(name: str | Path) -> nn.Module:
    """Return the Denoiser of a shipped checkpoint ("spiral") or of a .safetensors file; its card is `D.card`.

    The model is frozen and in evaluation mode. An unknown name is an error, and so is a file that
    was cut short or changed, or that holds another model.
    """
    if not isinstance(name, (str, Path)):
        raise TypeError(f"name is {name!r}; give the name of a shipped checkpoint or the path of a .safetensors file")
    path = Path(name)
    if path.suffix != ".safetensors":
        path = SHIPPED / f"{one_of(str(name), _shipped(), 'checkpoint')}.safetensors"
    weights, card = _read(path)
    weights = {key: value.float() if value.dtype == torch.float16 else value for key, value in weights.items()}
    if "module" in card.get("build", {}):
        weights = {new_key(key): value for key, value in weights.items()}
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


def new_key(key: str) -> str:
    """Return today's name of a weight saved by the last release."""
    for old, new in OLD_KEYS.items():
        key = re.sub(old, new, key)
    return key


def available() -> dict[str, str]:
    """Return the names of the shipped checkpoints with one line each: what it is, and its measured field error."""
    return {name: card_of(name).get("title", "") for name in sorted(_shipped())}


def card_of(name: str) -> dict[str, Any]:
    """Return the card of a shipped checkpoint."""
    return _read(SHIPPED / f"{one_of(name, _shipped(), 'checkpoint')}.safetensors")[1]


def _shipped() -> dict[str, Path]:
    return {path.stem: path for path in SHIPPED.glob("*.safetensors")}


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    weights, text = read_tensors(path, FORMAT)
    try:
        return weights, json.loads(text)
    except json.JSONDecodeError:
        raise ValueError(f"{path} has no card that can be read; copy or download it again") from None


# ---- how the network is built --------------------------------------------------------------------


def _plan(D: nn.Module) -> dict[str, Any]:
    """Say how to build D: the wrapper (none for a bare network), its numbers, the network's name and its config."""
    wrapped = isinstance(D, (Preconditioned, FromNoise, FromVelocity))
    net = D.net if wrapped else D
    home = f"{type(net).__module__}.{type(net).__name__}"
    name = next((name for name, known in NETWORKS.items() if known == home), None)
    if name is None:
        given = f"a {type(D).__name__} of a {type(net).__name__}" if wrapped else named(D)
        raise TypeError(
            f"cannot save {given}; save a network of toycore"
            f" ({', '.join(NETWORKS)}), bare or as a Preconditioned, FromNoise or FromVelocity Denoiser"
        )
    plan = {"wrapper": type(D).__name__ if wrapped else "", "net": name, "config": net.config}  # type: ignore[union-attr]
    return plan | ({"sigma_data": D.sigma_data} if isinstance(D, Preconditioned) else {})


def build(plan: dict[str, Any], weights: dict[str, Tensor]) -> nn.Module:
    """Build the model that a card describes, its net still untrained; only registered networks are built."""
    asked = f"{plan['module']}.{plan['net']}" if "module" in plan else plan["net"]
    name = OLD_HOMES.get(asked) if "module" in plan else asked
    if name not in NETWORKS:
        raise ValueError(f"the card asks for {asked}; only networks of toycore are built: {', '.join(NETWORKS)}")
    module, kind = NETWORKS[name].rsplit(".", 1)
    options = {OLD_OPTIONS.get(key, key): value for key, value in plan["config"].items()}
    net = getattr(importlib.import_module(module), kind)(**options)
    if plan["wrapper"] == "FromNoise":
        return FromNoise(net, weights.get("grid"))
    if plan["wrapper"] == "Preconditioned":
        return Preconditioned(net, plan["sigma_data"], weights.get("mean", 0.0))
    return {"FromVelocity": FromVelocity, "": lambda bare: bare}[plan["wrapper"]](net)


# ---- files ---------------------------------------------------------------------------------------


def write_tensors(path: Path, tensors: dict[str, Tensor], card: str, format: str) -> Path:
    """Write tensors and a text about them to path, with the sha256 of both, whole or not at all."""
    tensors = {key: value.detach().cpu().clone().contiguous() for key, value in tensors.items()}
    header = {"format": format, "card": card, "sha256": _digest(tensors, card)}
    return write_whole(path, lambda beside: save_file(tensors, beside, header))


def read_tensors(path: Path, format: str) -> tuple[dict[str, Tensor], str]:
    """Return the tensors and the text that `write_tensors` wrote. Errors: a file cut short, changed, or of others."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}; shipped checkpoints are: {', '.join(sorted(_shipped()))}")
    try:
        with safe_open(path, framework="pt") as file:
            header = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} is not a whole safetensors file ({error}); copy or download it again") from None
    found, card = header.get("format"), header.get("card", "")
    if found != format and (found, format) != (OLD_FORMAT, FORMAT):  # checkpoints of the last release: no sha256
        raise ValueError(f"{path} was not written by toycore as {format!r}; its format is {found!r}")
    if found == format and header.get("sha256") != _digest(tensors, card):
        raise ValueError(f"{path} has changed since it was saved (its sha256 differs); copy or download it again")
    return tensors, card


def _digest(tensors: dict[str, Tensor], card: str) -> str:
    """Return the sha256 of a text, and of the names, types, shapes and bytes of tensors."""
    made = hashlib.sha256(card.encode())
    for name, value in sorted(tensors.items()):
        made.update(f"\n{name} {value.dtype} {tuple(value.shape)}\n".encode())
        made.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return made.hexdigest()


def write_whole(path: Path, write: Callable[[str], object]) -> Path:
    """Call write(name) on a file beside path, then rename it to path; on failure leave nothing behind.

    The file gets the rights of the one it replaces, or what the umask leaves; a symlink stays, its target is written.
    """
    target = Path(os.path.realpath(path))
    beside = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        beside.touch()
        rights = (target if target.exists() else beside).stat().st_mode
        write(str(beside))
        beside.chmod(stat.S_IMODE(rights))  # a writer may have put a new file there
        os.replace(beside, target)
    except (OSError, SafetensorError) as error:
        kept = "the file that was there is unchanged" if target.is_file() else "nothing was left behind"
        raise OSError(f"cannot write {path}: {_reason(error)}; {kept}") from error
    finally:
        if beside.is_file():
            beside.unlink()
    return path


def _reason(error: Exception) -> str:
    """Repeat what the system said, and say what to do about it."""
    said = getattr(error, "strerror", None) or str(error)
    if "No space" in said or "quota" in said:
        return f"{said}; make room on this disk and try again"
    if isinstance(error, IsADirectoryError):
        return f"{said}; choose another name"
    return f"{said}; choose a folder where you may write"


def _sweep(target: Path) -> None:
    """Remove what a killed process has left of this file: parts whose process number is gone."""
    for part in target.parent.glob(f"{target.name}.*.part"):
        number = part.name.split(".")[-2]
        if os.name == "posix" and number.isdecimal() and not _runs(int(number)):
            part.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        pass
    return True
