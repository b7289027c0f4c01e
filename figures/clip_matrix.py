"""CLIP's matrix: every picture compared with every caption, before and after a short training."""

import torch
from matplotlib.figure import Figure

from toycore import embeddings, style, training
from toycore.style import LIGHT
from toycore.types import seeded

SIZE = (9.6, 4.6)
SHOWN = torch.tensor([0, 5, 10, 15, 16, 21, 26, 31])
CAPTION = (
    "Cosines of eight pictures (columns) with eight captions (rows). Untrained, no picture prefers its own; after 100 "
    "steps of the symmetric cross-entropy each picture finds its own caption, on the diagonal."
)
ALT = (
    "Two square matrices with eight captions as rows: the left one without order, the right one with a bright "
    "diagonal and a few bright neighbours that share words."
)


def trained(steps: int) -> embeddings.Clip:
    clip, seed = embeddings.Clip(dim=8, width=32, rng=seeded()), seeded(1)

    def loss() -> torch.Tensor:
        caption = torch.randperm(32, generator=seed)
        pictures = embeddings.draw(caption, 12, rng=seed)
        return embeddings.info_nce(clip.image(pictures), clip.text(caption), clip.scale)

    for _ in training.descend(clip, loss, steps, 1e-2):
        pass
    return clip


def draw(fig: Figure) -> None:
    pictures, axes = embeddings.draw(SHOWN, rng=seeded(2)), fig.subplots(1, 2, sharey=True)
    for ax, clip, title in zip(
        axes, (embeddings.Clip(dim=8, width=32, rng=seeded()), trained(100)), ("untrained", "trained")
    ):
        with torch.no_grad():
            cosines = clip.text(SHOWN) @ clip.image(pictures).T
        ax.imshow(cosines, vmin=-1, vmax=1, cmap=style.colormap(LIGHT.ramp))
        ax.set(title=title, xticks=[], xlabel="pictures")
    axes[0].set_yticks(range(8), [embeddings.CAPTIONS[i] for i in SHOWN.tolist()])
