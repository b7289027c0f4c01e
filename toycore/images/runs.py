"""Run files: all that changes during a training, so that it can be saved, resumed exactly, and held by one process."""

import copy
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import torch
from torch import Tensor, nn

from toycore import checkpoints
from toycore.images.plan import Plan

FORMAT = "toycore run 2"


class Run(NamedTuple):
    """All that changes during training; a run file holds exactly this."""

    D: nn.Module
    average: nn.Module
    optimizer: torch.optim.Optimizer
    losses: list[float]  # one per step done


def begin(D: nn.Module, plan: Plan) -> Run:
    """Return a run of no step yet: AdamW with betas .9 and .99."""
    D.train()
    optimizer = torch.optim.AdamW(D.parameters(), lr=plan.lr, betas=(0.9, 0.99), fused=True)
    return Run(D, copy.deepcopy(D).requires_grad_(False).eval(), optimizer, [])


def save(run: Run, plan: Plan, path: Path) -> None:
    """Write the run to path, whole or not at all."""
    tensors = {f"model.{k}": v for k, v in run.D.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in run.average.state_dict().items()}
    state = run.optimizer.state_dict()["state"]
    tensors |= {f"optimizer.{i}.{k}": v for i, entry in state.items() for k, v in entry.items()}
    tensors["losses"] = torch.tensor(run.losses, dtype=torch.float64)
    checkpoints.write_tensors(path, tensors, json.dumps(plan._asdict()), FORMAT)


def resume(run: Run, plan: Plan, path: Path) -> None:
    """Bring a fresh run to where the one in path stood. Errors: a spoilt file, another plan, another network."""
    tensors, text = checkpoints.read_tensors(path, FORMAT)
    kept = json.loads(text)
    if kept != plan._asdict():
        raise ValueError(
            f"{path} belongs to another plan, {kept}; this one is {plan._asdict()}. Resume with the same options, or"
            " start anew with another --out"
        )
    try:
        run.D.load_state_dict(_part(tensors, "model."))
        run.average.load_state_dict(_part(tensors, "average."))
    except RuntimeError as error:
        raise ValueError(f"{path} is of another network: {str(error).splitlines()[-1].strip()}") from None
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in _part(tensors, "optimizer.").items():
        i, name = key.split(".")
        state.setdefault(int(i), {})[name] = value
    run.optimizer.load_state_dict({"state": state, "param_groups": run.optimizer.state_dict()["param_groups"]})
    for p, entry in run.optimizer.state.items():  # in the parameter's memory layout, as before
        entry.update({k: torch.empty_like(p).copy_(v) for k, v in entry.items() if v.shape == p.shape})
    run.losses[:] = tensors["losses"].tolist()


def _part(tensors: dict[str, Tensor], start: str) -> dict[str, Tensor]:
    """Return the entries whose name begins so, without that beginning."""
    return {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold a run's folder: a second training that wants to write there is refused. The hold ends with the process."""
    with _lock_file(folder) as file:
        try:
            _lock(file)
        except (BlockingIOError, PermissionError):
            raise BlockingIOError(
                f"another training writes to {folder} now; wait until it ends, or name another --out"
            ) from None
        except OSError as error:  # some network drives know no locks
            raise OSError(f"{folder} cannot be held ({error.strerror}); name an --out on a local disk") from None
        yield


def _lock_file(folder: Path) -> IO[Any]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return open(folder / ".lock", "a")
    except OSError as error:
        raise OSError(f"cannot write in {folder}: {error.strerror}; name another --out") from None


def _lock(file: IO[Any]) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
