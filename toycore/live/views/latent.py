"""The latent view: a walk in the space of sixteen numbers, and what the decoder makes of every moment."""

from functools import partial
from typing import Any, cast

import torch
from torch import Tensor

from toycore import checkpoints, exact, samplers, sigmas
from toycore.images.nets.autoencoder import Autoencoder
from toycore.images.sets import Pictures, load, to_unit
from toycore.live import payload
from toycore.live.controls import BUTTONS, choice, slider, toggle
from toycore.live.engine import View
from toycore.mixtures import GaussianMixture
from toycore.types import Denoiser, seeded

LOW, HIGH, STEPS = 0.02, 80.0, 40  # of the walk
LEVEL = slider("sigma", "noise level \u03c3", LOW, HIGH, 0.005, 1.2, log=True)
PLAY = {"role": "sigma", "from": HIGH, "to": LOW, "by": 1.2, "seconds": 9}
MOMENTS = [20.0, 4.0, 2.0, 1.0, 0.5, 0.1]  # of the strip


def latent(
    coder: Autoencoder | None = None, D: Denoiser | None = None, pictures: Pictures | None = None, **start: Any
) -> View:
    """Show latent diffusion: a walk among the latents of real pictures, with the decoder running beside.

    coder: an autoencoder of one channel whose latent is a vector; D: a Denoiser of its latents, with labels; pictures:
    labelled, whose latents are shown. At the start the shipped pen-stroke digits. Three pictures are decoded at every
    moment: the walk's own z, the learned x0_hat, and the exact posterior mean of the latents shown. A drag in the plane
    holds a latent of one's own. Values: sigma, label (which class), points.
    """
    coder = cast(Autoencoder, checkpoints.load("strokes-autoencoder")) if coder is None else coder
    D = checkpoints.load("strokes-latent") if D is None else D
    if not isinstance(coder, Autoencoder) or len(coder.latent) != 1 or coder.config["channels"] != 1 or coder.classes:
        raise ValueError("the page decodes a latent vector into one channel, without a label; give such an Autoencoder")
    pictures = load("strokes", n=500, seed=7) if pictures is None else pictures
    with torch.no_grad():
        z, label = coder.encode(to_unit(pictures.images)), pictures.labels
        paths = walks(D, exact.posterior_mean(GaussianMixture(z, 0.0, label=label)), z.shape[1], int(label.max()) + 1)
    axes = plane(z, label)
    arrays = weights(coder) | paths | {"z": z.half(), "axes": axes.float(), "dataLabel": label.int()}
    meta: dict[str, Any] = {"side": coder.config["side"], "moments": MOMENTS, "classes": int(label.max()) + 1}
    meta |= payload.box(z @ axes.T) | {"play": PLAY, "layout": "below", "aspect": 1.8, "front": 2}
    meta |= {"hint": "Drag in the plane: hold a latent of your own", "high": HIGH, "low": LOW}
    meta["buttons"] = [button for button in BUTTONS if button != "renew"]  # the walks were made beforehand
    names = {c: str(c) for c in range(meta["classes"])}
    controls = [LEVEL, choice("label", "class", names).at(3), toggle("points", "latents of real pictures")]
    shown, title = payload.Payload(arrays=arrays), "A walk in the latent space"
    return View("latent", title, shown, controls, partial(still, coder), start, **meta)


def walks(D: Denoiser, truth: Denoiser, dim: int, classes: int) -> dict[str, Tensor]:
    """Return one walk by Heun's method per class, all from the same noise: levels `[STEPS]`, and the latents, the
    learned and the exact means there, `[classes, STEPS, dim]`.
    """
    grid, label = sigmas.karras(STEPS, LOW, HIGH), torch.arange(classes)
    x = HIGH * torch.randn(1, dim, generator=seeded(4)).expand(classes, dim)
    xs = [x, *(state.x for state in samplers.heun(D, x, grid, label))][:STEPS]
    means = [[F(x, float(sigma), label) for x, sigma in zip(xs, grid)] for F in (D, truth)]
    parts = dict(zip(("walk", "learned", "exact"), (torch.stack(part, 1).half() for part in (xs, *means))))
    return parts | {"levels": grid[:-1].float()}


def plane(z: Tensor, label: Tensor) -> Tensor:
    """Return the two directions `[2, dim]` in which the means of the classes differ most."""
    means = torch.stack([z[label == c].mean(0) for c in label.unique()])
    return torch.linalg.svd(means - means.mean(0)).Vh[:2].contiguous()


def weights(coder: Any) -> dict[str, Tensor]:
    """Return the decoder for the page, float16: mean and spread of the latents folded into its first layer, the
    condition (of no label) into the gains and offsets of its blocks.
    """
    W, condition = coder.from_latent.weight, torch.nn.functional.silu(coder.no_label)
    parts = {"from/w": W * coder.std, "from/b": coder.from_latent.bias + W @ coder.mean}
    for name, block in zip(("up0", "up1"), coder.up, strict=True):
        scale, shift = block.modulate(condition).chunk(2)
        gain, offset = block.norm2.weight * (1 + scale), block.norm2.bias * (1 + scale) + shift
        own = {"n1/w": block.norm1.weight, "n1/b": block.norm1.bias, "n2/w": gain, "n2/b": offset}
        own |= {"c1/w": block.conv1.weight, "c1/b": block.conv1.bias, "c2/w": block.conv2.weight}
        own |= {"c2/b": block.conv2.bias}
        if isinstance(block.skip, torch.nn.Conv2d):
            own |= {"s/w": block.skip.weight, "s/b": block.skip.bias}
        parts |= {f"{name}/{key}": value for key, value in own.items()}
    parts |= {"norm/w": coder.norm.weight, "norm/b": coder.norm.bias}
    parts |= {"last/w": coder.last.weight, "last/b": coder.last.bias}
    return {name: part.detach().half() for name, part in parts.items()}


def still(coder: Autoencoder, view: View) -> Any:
    """Draw the plane with the walk, and the learned mean decoded at seven moments."""
    from toycore import plots
    from toycore.style import LIGHT

    parts, c = view.payload.arrays, view.label
    levels = parts["levels"]
    rows = [int((levels.log() - torch.tensor(sigma).log()).abs().argmin()) for sigma in (*MOMENTS, LOW)]
    with torch.no_grad():
        drawn = coder.decode(parts["learned"][c, rows]).clamp(-1, 1)
    fig, axes = plots.figure(1, len(rows) + 1, size=(1.25, 1.7), width_ratios=[2, *[1] * len(rows)])
    y = parts["z"].float() @ parts["axes"].T
    plots.points(axes[0], y, color=LIGHT.data, size=1)
    path = (parts["walk"][c] / (1 + levels[:, None] ** 2).sqrt()) @ parts["axes"].T
    axes[0].plot(*path.T, color=LIGHT.sample)
    axes[0].set(title="the walk", xticks=[], yticks=[])
    for ax, picture, row in zip(axes[1:], drawn, rows, strict=True):
        plots.image(ax, picture)
        ax.set_title(f"\u03c3 = {float(levels[row]):.2g}", fontsize=9)
    return fig
