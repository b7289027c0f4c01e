"""One training step of our U-Net beside those of other packages, of equal size, in one process.

Part of `python -m tools.bench_images`. Of the peers, smalldiffusion and denoising_diffusion_pytorch are left out where
they are not installed (pip, --no-deps).
"""

import statistics
import sys
import time
import types
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn

from toycore import networks, precondition, training
from toycore.images.nets.unet import UNet


def cpu(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.process_time()
    result = work()
    return result, time.process_time() - start


class StandIn(types.ModuleType):
    """A module of which everything can be asked and nothing matters: what peers import for their own training loops."""

    __path__ = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        parts = ("__init__", "Compose", "RandomHorizontalFlip", "ToTensor", "Lambda")
        return type(name, (), dict.fromkeys(parts, lambda *args, **options: None))


def with_stand_ins(work: Callable[[], nn.Module]) -> nn.Module | None:
    names = ["torchvision", "torchvision.transforms", "torchvision.utils", "ema_pytorch", "accelerate", "pytorch_fid"]
    missing = [name for name in names if name.split(".")[0] not in sys.modules and not find_spec(name.split(".")[0])]
    sys.modules.update({name: StandIn(name) for name in missing})
    try:
        return work()
    except ImportError as error:
        print(f"left out: {error}")
        return None
    finally:
        for name in missing:
            del sys.modules[name]


def diffusers() -> nn.Module:
    from diffusers import UNet2DModel

    kinds = [("DownBlock2D", "AttnDownBlock2D", "DownBlock2D"), ("UpBlock2D", "AttnUpBlock2D", "UpBlock2D")]
    options = dict(zip(("down_block_types", "up_block_types"), kinds), layers_per_block=1, norm_num_groups=8)
    net = UNet2DModel(sample_size=32, block_out_channels=(48, 96, 96), **options)
    return Called(net, lambda net, x, t: net(x, t).sample)


def smalldiffusion() -> nn.Module:
    from smalldiffusion import Unet

    net = Unet(32, 3, 3, ch=32, ch_mult=(1, 2, 4), num_res_blocks=1, attn_resolutions=(16,), dropout=0.0)
    return Called(net, lambda net, x, t: net(x, t))


def lucidrains() -> nn.Module:
    from denoising_diffusion_pytorch.denoising_diffusion_pytorch import Unet

    return Called(Unet(dim=32, dim_mults=(1, 2, 4)), lambda net, x, t: net(x, t))


class Called(nn.Module):
    """A peer's network with the call of ours, (u, level)."""

    def __init__(self, net: nn.Module, call: Callable[..., Tensor]) -> None:
        super().__init__()
        self.net, self.call = net, call

    def forward(self, u: Tensor, level: Tensor, label: None = None) -> Tensor:
        return self.call(self.net, u, level)


def step_times(rounds: int, batch: int = 16) -> None:
    """One step: loss, gradients, AdamW; 32x32 RGB; interleaved, median of CPU seconds."""
    nets: dict[str, nn.Module] = {"ours, behind a 2x2 fold": UNet(3, 80, (1, 2), 2)}
    nets["diffusers"] = diffusers()  # first: it asks who else is installed
    for peer in (smalldiffusion, lucidrains):
        if net := with_stand_ins(peer):
            nets[peer.__name__] = net
    x0, sigma, eps = torch.randn(batch, 3, 32, 32), torch.ones(batch), torch.randn(batch, 3, 32, 32)
    steps = {}
    for name, net in nets.items():
        for low in (False, True):
            steps[name, low] = one_step(precondition.from_velocity(net), x0, sigma, eps, low)
    seconds: dict[tuple[str, bool], list[float]] = {key: [] for key in steps}
    for _ in range(rounds + 1):  # the first warms up
        for key, step in steps.items():
            seconds[key].append(cpu(step)[1])
    print(f"\n{f'step of {batch}, 32x32 RGB':28} {'params':>8} {'ms fp32':>9} {'ms bf16':>9} {'ratio':>7} {'ratio':>7}")
    first = {low: statistics.median(seconds["ours, behind a 2x2 fold", low][1:]) for low in (False, True)}
    for name, net in nets.items():
        a, b = (statistics.median(seconds[name, low][1:]) for low in (False, True))
        size = networks.count_params(net) / 1e6
        print(f"{name:28} {size:7.2f}M {a * 1e3:9.0f} {b * 1e3:9.0f} {first[False] / a:7.2f} {first[True] / b:7.2f}")
    print("ratio: our time over theirs, fp32 and bf16")


def one_step(D: nn.Module, x0: Tensor, sigma: Tensor, eps: Tensor, low: bool) -> Callable[[], None]:
    optimizer = torch.optim.AdamW(D.parameters(), lr=1e-4, fused=True)

    def step() -> None:
        with torch.autocast(x0.device.type, torch.bfloat16, enabled=low):
            value = training.weighted_error(D, x0, eps, sigma)
        optimizer.zero_grad()
        value.backward()
        optimizer.step()

    return step
