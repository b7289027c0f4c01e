"""The training loop of pictures: batches that know their step, several processes, checkpoints that resume exactly.

The batch of a step, noise included, is a function of the step's number alone. So a run that is killed and resumed goes
on exactly, and two processes, each with half of every batch, do what one does with the whole.
"""

import copy
import gc
import importlib
import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from toycore import checkpoints, training
from toycore.images import data
from toycore.training import Progress


class Plan(NamedTuple):
    """How to train: all that, with the data and the network, fixes the outcome."""

    steps: int = 1000
    batch: int = 128
    lr: float = 2e-3
    label_dropout: float = 0.1
    average: float = 0.99  # decay of the averaged weights
    seed: int = 0
    precision: str = "auto"  # float32, bfloat16, or what is faster here


class Batch(NamedTuple):
    """Clean pictures (or latents), noise, noise levels and labels, row by row."""

    x0: Tensor
    eps: Tensor
    sigma: Tensor
    label: Tensor


class Run(NamedTuple):
    """All that changes during training; a checkpoint holds exactly this."""

    D: nn.Module
    average: nn.Module
    optimizer: torch.optim.Optimizer
    losses: list[float]  # one per step done


def begin(D: nn.Module, plan: Plan) -> Run:
    """Return a run of no step yet: AdamW with betas .9 and .99."""
    optimizer = torch.optim.AdamW(D.parameters(), lr=plan.lr, betas=(0.9, 0.99), fused=True)
    return Run(D, copy.deepcopy(D).requires_grad_(False).eval(), optimizer, [])


def rate(step: int, plan: Plan) -> float:
    """Return the learning rate of a step: up during 100 steps, level, linearly down to 0 over the second half."""
    return plan.lr * min(1, (step + 1) / 100, 2 * (1 - step / plan.steps))


def batch_of(step: int, x: Tensor, labels: Tensor, plan: Plan) -> Batch:
    """Draw the whole batch of a step; log sigma ~ N(0, 1), so flow time t = sigma / (1 + sigma) is logit-normal.

    Esser et al. 2024 (2403.03206), eq. 19 with m = 0, s = 1.
    """
    rng = torch.Generator(x.device).manual_seed(1_000_003 * plan.seed + step)
    rows = torch.randint(len(x), (plan.batch,), generator=rng, device=x.device)
    x0 = data.to_unit(x[rows]) if x.dtype == torch.uint8 else x[rows]
    eps = torch.randn(x0.shape, generator=rng, device=x.device)
    sigma = torch.randn(plan.batch, generator=rng, device=x.device).exp()
    dropped = torch.rand(plan.batch, generator=rng, device=x.device) < plan.label_dropout
    return Batch(x0, eps, sigma, labels[rows].masked_fill(dropped, -1))


class Loss(nn.Module):
    """The loss as a module, so that DistributedDataParallel sees one forward pass per step."""

    def __init__(self, D: nn.Module) -> None:
        super().__init__()
        self.D = D

    def forward(self, batch: Batch) -> Tensor:
        """Return `training.weighted_error` on the batch."""
        return training.weighted_error(self.D, *batch)


def train(D: nn.Module, x: Tensor, labels: Tensor, plan: Plan, run: Run | None = None) -> Iterator[Progress]:
    """Train D in place on x (bytes or floats `[n, ...]`), from where the run stands, and yield a Progress per step.

    Under torchrun each process works on its share of every batch, and the gradients are averaged between them.
    """
    run = run or begin(D, plan)
    rank, world = place()
    share = slice(rank * plan.batch // world, (rank + 1) * plan.batch // world)
    loss = parallel(Loss(D), x.device, world)
    low = precision(D, x.device, plan)
    for step in range(len(run.losses), plan.steps):
        batch = Batch(*(part[share] for part in batch_of(step, x, labels, plan)))
        for group in run.optimizer.param_groups:
            group["lr"] = rate(step, plan)
        with low:
            value = loss(batch)
        run.optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(D.parameters(), 1.0)
        run.optimizer.step()
        follow(run.average, D, min(plan.average, (1 + step) / (10 + step)))
        run.losses.append(mean_over_processes(value.detach(), world))
        yield Progress(step + 1, run.losses[-1], run.average)


def follow(average: nn.Module, D: nn.Module, decay: float) -> None:
    """Move the averaged weights towards D's: a <- decay a + (1 - decay) p."""
    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(D.parameters()), 1 - decay)


# ---- where it runs -------------------------------------------------------------------------------


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


def precision(D: nn.Module, device: torch.device, plan: Plan) -> AbstractContextManager[Any]:
    """Return the context of a forward pass: bfloat16 where it is faster, on a GPU or for convolutions on some CPUs."""
    if plan.precision == "bfloat16" or (plan.precision == "auto" and bfloat16_pays(D, device)):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


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


# ---- checkpoints ---------------------------------------------------------------------------------


def save(run: Run, plan: Plan, path: Path) -> None:
    """Write the run to path, whole or not at all."""
    tensors = {f"model.{k}": v for k, v in run.D.state_dict().items()}
    tensors |= {f"average.{k}": v for k, v in run.average.state_dict().items()}
    state = run.optimizer.state_dict()["state"]
    tensors |= {f"optimizer.{i}.{k}": v for i, entry in state.items() for k, v in entry.items()}
    tensors["losses"] = torch.tensor(run.losses, dtype=torch.float64)
    whole = {k: v.detach().cpu().clone().contiguous() for k, v in tensors.items()}
    header = {"format": "toycore run 1", "plan": json.dumps(plan._asdict())}
    checkpoints.write_whole(path, lambda beside: save_file(whole, beside, header))


def resume(run: Run, plan: Plan, path: Path) -> None:
    """Bring a fresh run to where the one in path stood. Errors: a spoilt file, another plan, another network."""
    try:
        with safe_open(path, framework="pt") as file:
            header, tensors = file.metadata() or {}, {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path} is not a whole checkpoint ({error}); remove it and start again") from None
    told = json.loads(header.get("plan", "{}"))
    if told != json.loads(json.dumps(plan._asdict())):
        raise ValueError(
            f"{path} belongs to another plan, {told}; this one is {plan._asdict()}. Resume with the same words, or"
            " start anew with another --out"
        )
    try:
        run.D.load_state_dict(part_of(tensors, "model."))
        run.average.load_state_dict(part_of(tensors, "average."))
    except RuntimeError as error:
        raise ValueError(f"{path} is of another network: {str(error).splitlines()[-1].strip()}") from None
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in part_of(tensors, "optimizer.").items():
        i, name = key.split(".")
        state.setdefault(int(i), {})[name] = value
    run.optimizer.load_state_dict({"state": state, "param_groups": run.optimizer.state_dict()["param_groups"]})
    for p, entry in run.optimizer.state.items():  # in the parameter's memory layout, as before
        entry.update({k: torch.empty_like(p).copy_(v) for k, v in entry.items() if v.shape == p.shape})
    run.losses[:] = tensors["losses"].tolist()


def part_of(tensors: dict[str, Tensor], start: str) -> dict[str, Tensor]:
    """Return the entries whose name begins so, without that beginning."""
    return {key.removeprefix(start): value for key, value in tensors.items() if key.startswith(start)}
