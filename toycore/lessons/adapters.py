"""Two doors to diffusers: its UNets become Denoisers, and Denoisers become models for its schedulers.

    D = adapters.from_unet(unet, scheduler)            # any of our samplers walks it
    model = adapters.as_model(D, scheduler)            # in diffusers' own loop:
    for t in scheduler.timesteps:
        x_t = scheduler.step(model(scheduler.scale_model_input(x_t, t), t), t, x_t).prev_sample

Both read the scheduler's `alphas_cumprod` (alpha_bar_i = 1 / (1 + sigma_i^2), i = 0..T-1) and its `prediction_type`.
diffusers' models see x in the VP frame, x_t = sqrt(alpha_bar) x; here x is in the VE frame. diffusers need not be
installed: nothing of it is imported.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from toycore.checks import label_rows, level, one_of
from toycore.frames import VP, ddpm_step
from toycore.types import Denoiser, Label, column

Model = Callable[..., Tensor]

# prediction_type: (x0_hat from the model's output, the model's output from x0_hat), both at x in the VE frame
READ: dict[str, tuple[Callable[..., Tensor], Callable[..., Tensor]]] = {
    "epsilon": (lambda out, x, sigma: x - sigma * out, lambda x0_hat, x, sigma: (x - x0_hat) / sigma),
    "sample": (lambda out, x, sigma: out, lambda x0_hat, x, sigma: x0_hat),
    "v_prediction": (  # v = sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) x0
        lambda out, x, sigma: (x - sigma * (1 + sigma**2).sqrt() * out) / (1 + sigma**2),
        lambda x0_hat, x, sigma: (x / (1 + sigma**2) - x0_hat) * (1 + sigma**2).sqrt() / sigma,
    ),
}


def levels(scheduler: Any) -> Tensor:
    """Return the T levels a diffusers scheduler trains with, largest first, then 0: a grid as of `sigmas.ddpm`."""
    if not hasattr(scheduler, "alphas_cumprod"):
        raise ValueError(
            f"{type(scheduler).__name__} has no alphas_cumprod, so its levels cannot be read; give the scheduler the"
            " model was trained with, such as DDPMScheduler (a flow model is read by precondition.from_velocity)"
        )
    sigma = VP.sigma(scheduler.alphas_cumprod.double())
    return torch.cat([sigma.flip(0), sigma.new_zeros(1)])


def from_unet(unet: Any, scheduler: Any, nothing: int | None = None) -> Denoiser:
    """Read a diffusers UNet2DModel, trained with this scheduler, as a Denoiser.

    sigma may lie between the trained levels: the step is then a real number (see `frames.ddpm_step`). nothing: the
    class that the UNet learned to read as "no label", if there is one.
    """
    grid, read = levels(scheduler), _rule(scheduler)[0]

    def D(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        sigma = level(sigma, x)
        step = (ddpm_step(sigma.flatten(), grid) - 1).clamp(min=0).to(x)  # diffusers counts from 0
        condition = {"class_labels": _classes(label, x, nothing)} if unet.config.get("num_class_embeds") else {}
        return read(unet(VP.scale(sigma) * x, step.expand(len(x)), **condition).sample, x, sigma)

    return D


def as_model(D: Denoiser, scheduler: Any) -> Model:
    """Return model(x_t, t, label=None): what this scheduler's `step` takes, computed from a Denoiser.

    x_t: in the VP frame, as `scheduler.scale_model_input` hands it on; t: a timestep of the scheduler. Between whole
    steps sigma is interpolated in log sigma (schedulers that interpolate sigma itself differ there by 1e-5).
    """
    log_sigma, write = levels(scheduler)[:-1].flip(0).log(), _rule(scheduler)[1]

    def model(x_t: Tensor, t: Tensor | float, label: Label = None) -> Tensor:
        t = torch.as_tensor(t, dtype=torch.float64).reshape(-1)
        low = t.floor().long().clamp(0, len(log_sigma) - 1)
        high = (low + 1).clamp(max=len(log_sigma) - 1)
        sigma = column(torch.lerp(log_sigma[low], log_sigma[high], t - low).exp(), x_t)
        x = x_t / VP.scale(sigma)
        return write(D(x, sigma.flatten(), label), x, sigma)

    return model


def _rule(scheduler: Any) -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
    return READ[one_of(scheduler.config.prediction_type, READ, "prediction_type")]


def _classes(label: Label, x: Tensor, nothing: int | None) -> Tensor:
    """Return the label as `[b]`, with the class "nothing" in rows without one."""
    rows = label_rows(label, len(x)).to(x.device)
    if nothing is None and bool((rows < 0).any()):
        raise ValueError(
            "this UNet needs a class and none is given; give a label, or the class that means none: nothing=..."
        )
    return torch.where(rows < 0, -1 if nothing is None else nothing, rows)
