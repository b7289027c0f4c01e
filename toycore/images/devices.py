"""Where a training runs: on a CPU, a GPU or several, in one process or under torchrun, in which precision."""

import gc
import importlib
import math
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


def place() -> tuple[int, int]:
    """Return (number of this process, number of processes): (0, 1) without torchrun."""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def parallel(loss: nn.Module, device: torch.device, world: int) -> nn.Module:
    """Let the processes average their gradients (DistributedDataParallel); compile where there is a GPU."""
    if device.type == "cuda":
        loss = torch.compile(loss)  # type: ignore[assignment]
    return nn.parallel.DistributedDataParallel(loss) if world > 1 else loss


def mean_over_processes(value: Tensor, world: int) -> float:
    """Return the mean of a number over all processes."""
    if world > 1:
        dist.all_reduce(value)
    return float(value) / world


def precision(D: nn.Module, device: torch.device, choice: str = "auto") -> str:
    """Return what a forward pass runs in, "float32" or "bfloat16"; "auto" chooses what is faster here."""
    if choice == "auto":
        return "bfloat16" if bfloat16_pays(D, device) else "float32"
    return choice


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """Return the context of a forward pass in this precision."""
    return torch.autocast(device.type, torch.bfloat16) if precision == "bfloat16" else nullcontext()


def bfloat16_pays(D: nn.Module, device: torch.device) -> bool:
    """Whether bfloat16 is faster here: on a GPU that has it; on a CPU that has it, for networks of convolutions.

    Measured on a CPU with AVX512-BF16: a step of a U-Net takes .50 to .70 of float32's time, wide ones gain most.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    able: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(isinstance(m, nn.Conv2d) for m in D.modules()) and any(
        able.get(name) for name in ("avx512_bf16", "amx_bf16")
    )


def peak_memory(device: torch.device) -> float:
    """Return the most memory held so far, in bytes: of the GPU, or of this process where the system says so."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return math.nan
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most  # macOS counts bytes, Linux kB


@contextmanager
def processes() -> Iterator[torch.device]:
    """Join the other processes if torchrun started this one, yield the device to work on, and leave them at the end.

    The group must be gone before Python begins to end, or its threads, which then still look at Python objects, abort.
    Functions of torch.distributed.nn keep the group that is there when they are defined, so they are defined first.
    """
    gpu = torch.cuda.is_available()
    device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0))) if gpu else torch.device("cpu")
    if gpu:
        torch.cuda.set_device(device)
    if "WORLD_SIZE" not in os.environ:
        yield device
        return
    importlib.import_module("torch.distributed.nn.functional")
    dist.init_process_group("nccl" if gpu else "gloo")
    try:
        yield device
    finally:
        gc.collect()  # DistributedDataParallel holds the group too, and is part of a cycle
        dist.destroy_process_group()
