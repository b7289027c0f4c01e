"""What a blurred picture is: the mean of all the pictures that fit."""

import torch
from matplotlib.figure import Figure
from sklearn.datasets import load_digits

from toycore import exact, plots, samplers, sigmas
from toycore.types import seeded

SIZE = (9.6, 3.9)
LEVELS = 20.0, 5.0, 2.0, 1.0, 0.5
CAPTION = (
    "Above: a handwritten digit under less and less noise. Middle: the exact denoiser's one-step answer, the mean of "
    "all digits that fit: a blur while many fit. Below: a walk from the same noise, one sharp digit."
)
ALT = (
    "Three rows of five small pictures: noise that clears into a digit; a grey blur that sharpens into it; "
    "sharp digits everywhere."
)


def draw(fig: Figure) -> None:
    digits = torch.tensor(load_digits().images, dtype=torch.float32)[:, None] / 8 - 1  # [1797, 1, 8, 8]
    D, noise = exact.posterior_mean(digits), torch.randn(1, 1, 8, 8, generator=seeded(3))
    rows = fig.subplots(3, len(LEVELS))
    for i, sigma in enumerate(LEVELS):
        x = digits[7:8] + sigma * noise
        end = samplers.final(samplers.ddim(D, x, sigmas.log_linear(30, 0.02, sigma)))
        for ax, picture, bound in zip(rows[:, i], (x, D(x, sigma), end), (1 + 2 * sigma, 1, 1), strict=True):
            plots.image(ax, picture[0], -bound, bound)
        rows[0, i].set_title(f"σ = {sigma:g}")
    for ax, title in zip(rows[:, 0], ("noisy", "one step", "30 steps"), strict=True):
        ax.text(-1.2, 3.5, title, ha="right", va="center")
