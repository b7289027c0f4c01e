"""Latent diffusion: where the autoencoder acts, and where the denoiser walks. All pictures come from our networks."""

import torch
from matplotlib.figure import Figure

from figures._machine import FIXED, LEARNED, arrow, box, lines, note, page, picture, strip
from toycore import load, samplers, sigmas
from toycore.images import sets
from toycore.style import LIGHT
from toycore.types import seeded

SIZE = (9.6, 4.5)
STEPS, LEVEL = 20, 1.0
CAPTION = (
    "Latent diffusion on pen strokes. Above, training: the encoder turns each picture into 16 numbers once, and the "
    "denoiser learns to clean those. Below, drawing: all steps happen among 16 numbers, and the decoder works once. "
    "The denoiser never sees a pixel."
)
ALT = (
    "Two rows. Above: a digit, an encoder, a strip of 16 greys, the same with noise, a denoiser, a strip. Below: a "
    "strip of noise, a denoiser applied 20 times, a clean strip, a decoder, a digit."
)


@torch.no_grad()
def draw(fig: Figure) -> None:
    coder, D, ax = load("strokes-autoencoder"), load("strokes-latent"), page(fig)
    strokes = sets.load("strokes", n=40, seed=8)
    x = sets.to_unit(strokes.images[strokes.labels == 2][:1])
    z = coder.encode(x)
    noisy = z + LEVEL * torch.randn(z.shape, generator=seeded(3))
    start = 80 * torch.randn(z.shape, generator=seeded(1))
    made = samplers.final(samplers.heun(D, start, sigmas.karras(STEPS, 0.02, 80.0), 2))
    top, low, pixels = 3.3, 1.1, x[0].numel()
    note(ax, (0.15, 4.3), "Training", ha="left", fontsize=11, weight="bold")
    picture(fig, (0.75, top), x[0], 1.1, f"x: {pixels} numbers")
    box(ax, (2.3, top), "encoder", LEARNED, (1.0, 0.6))
    strip(fig, (3.55, top), z[0], title=f"z: {z.numel()}")
    strip(fig, (5.2, top), noisy[0], title="noisy z")
    box(ax, (6.75, top), "denoiser", LEARNED, (1.0, 0.6))
    strip(fig, (8.3, top), D(noisy, LEVEL, 2)[0], title="z_hat")
    for a, b in ((1.35, 1.75), (2.85, 3.4), (3.7, 5.05), (5.35, 6.2), (7.3, 8.15)):
        arrow(ax, (a, top), (b, top))
    note(ax, (4.37, top + 0.14), "+ noise", FIXED)
    lines(ax, (3.55, top - 0.62), (3.55, 2.46), (8.3, 2.46), (8.3, top - 0.62), color=LIGHT.accent)
    note(ax, (6.0, 2.58), "squared error of z_hat against z: the loss", LIGHT.accent)
    ax.plot([0.15, 9.45], [2.18, 2.18], color=LIGHT.faint, lw=1)
    note(ax, (0.15, 1.98), "Drawing", ha="left", fontsize=11, weight="bold")
    strip(fig, (0.75, low), start[0], title=f"noise: {z.numel()}")
    box(ax, (2.9, low), f"denoiser, in each of\n{STEPS} steps of a sampler", LEARNED, (1.9, 0.6))
    strip(fig, (5.2, low), made[0], title="z")
    box(ax, (6.75, low), "decoder, once", LEARNED, (1.25, 0.6))
    picture(fig, (8.7, low), coder.decode(made)[0].clamp(-1, 1), 1.1, f"{pixels} numbers")
    for a, b in ((0.9, 1.92), (3.88, 5.05), (5.35, 6.1), (7.4, 8.1)):
        arrow(ax, (a, low), (b, low))
    lines(ax, (3.6, low + 0.31), (3.6, low + 0.52), (2.2, low + 0.52), (2.2, low + 0.32))
    note(ax, (6.75, 0.2), "the label, here 2, is given to the denoiser alone")
