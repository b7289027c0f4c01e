"""The attention view: which word of its caption a network reads, at every place and noise level."""

from typing import Any

import torch
from torch import Tensor

from toycore import embeddings, exact, fields
from toycore.lessons.conditioning import Attend, Captioned, attention_weights
from toycore.live import payload
from toycore.live.controls import BUTTONS, LAYERS, SIGMA, SWEEP, choice
from toycore.live.engine import View
from toycore.precondition import Preconditioned
from toycore.types import seeded

LEVELS = torch.logspace(-1.5, 0.6, 22)  # at which attention is averaged over noised data
PARTS = {"size": embeddings.SIZES, "shape": embeddings.SHAPES, "place": embeddings.PLACES}
PLAY = {**SWEEP, "from": 4.0, "to": 0.03}


def attention(D: Preconditioned, **start: Any) -> View:
    """Show what a network reads of its caption, word by word: at the place under the pointer, on maps of the plane,
    and averaged over noised data at every level.

    D: a Preconditioned Captioned(how="attend") of the captions of `embeddings`, as notebook 9 trains it; the page runs
    it. Values: sigma, size, shape, place (the words), layer (1, 2, ...), show ("learned", "exact", "error": the
    arrows). A click on a word takes the next one, a click on the plane looks at a place.
    """
    layers = attending(D)
    shown = payload.of(data=embeddings.mixture(), checkpoint="")
    shown.fields = {"learned": D, "exact": exact.posterior_mean(shown.mixture)}
    shown.arrays |= weights(D) | {"curves": curves(D, layers), "curveLevels": LEVELS}
    mean = D.mean.expand(2).tolist()
    meta: dict[str, Any] = {"s": D.sigma_data, "mean": mean, "parts": [[k, *words] for k, words in PARTS.items()]}
    meta |= {"tokens": embeddings.TOKENS.tolist(), "play": PLAY, "layout": "below", "aspect": 1.8, "front": 2}
    meta |= {"hint": "Click a word to change it, a place to look there"}
    meta["buttons"] = [button for button in BUTTONS if button != "renew"]  # there is no noise to renew
    which = choice("layer", "layer", {layer + 1: str(layer + 1) for layer in range(layers)})
    words = [choice(name, name, list(options)) for name, options in PARTS.items()]
    arrows = choice("show", "arrows", ["learned", "exact", "error"])
    controls = [SIGMA.at(0.5), which, *words, arrows, *LAYERS]
    return View("attention", "Which word is read, and where", shown, controls, still, start, **meta)


def attending(D: Any) -> int:
    """Return the number of layers of a Preconditioned network that reads captions; otherwise say what is needed."""
    net: Any = getattr(D, "net", None)
    ours = isinstance(D, Preconditioned) and isinstance(net, Captioned) and net.classes == len(embeddings.CAPTIONS)
    if ours and all(isinstance(layer, Attend) for layer in net.net.conditions):
        return len(net.net.conditions)
    raise ValueError(
        "live.attention shows what cross-attention reads; give a precondition.Preconditioned of"
        ' Captioned(embeddings.TOKENS.tolist(), how="attend"), as in notebook 9'
    )


def weights(D: Any) -> dict[str, Tensor]:
    """Return the network's weights for the page, float32: names as in `page/maths/attention.js`."""
    net = D.net.net
    parts = {"first/w": net.first.weight, "first/b": net.first.bias, "frequencies": net.frequencies}
    parts["word"] = D.net.word.weight
    for i, (own, after) in enumerate(zip(net.conditions, [*net.hidden, net.last], strict=True)):
        for name, layer in {"Q": own.Q, "KV": own.KV, "O": own.O, "next": after}.items():
            parts |= {f"{i}/{name}/w": layer.weight, f"{i}/{name}/b": layer.bias}
    return {f"net/{name}": part.detach().float().contiguous() for name, part in parts.items()}


def curves(D: Preconditioned, layers: int, n: int = 60) -> Tensor:
    """Return the mean attention over noised data of every caption at LEVELS, `[captions, layers, levels, words]`."""
    mixture, rng, rows = embeddings.mixture(), seeded(), []
    for caption in range(len(embeddings.CAPTIONS)):
        x0 = mixture.given(caption).sample(n, rng)[0]
        z = torch.randn(n, 2, generator=rng)
        rows.append(torch.stack([attention_weights(D, x0 + s * z, float(s), caption).mean(1) for s in LEVELS], 1))
    return torch.stack(rows)


def caption_of(view: View) -> int:
    """Return the number of the caption that the view's words make."""
    return embeddings.CAPTIONS.index(f"{view.size} {view.shape} {view.place}")


def still(view: View) -> Any:
    """Draw the arrows for the caption, and for each word how much it is read at every place."""
    from toycore import plots

    label, layer = caption_of(view), view.layer - 1
    D: Any = view.payload.fields["learned"]
    truth = view.payload.fields["exact"]
    fig, axes = plots.figure(1, 4, size=(2.3, 2.6))
    x = plots.grid(17, 1.3)
    plots.plane(axes[0], 1.4, f"\u03c3 = {view.sigma:.2g}", view.payload.mixture.given(label).means)
    F = truth if view.show == "exact" else D
    with torch.no_grad():
        plots.field(axes[0], x, -fields.noise(F, x, view.sigma, label), scale=1.0)
    read = attention_weights(D, plots.grid(40, 1.4), view.sigma, label)[layer]
    for ax, word, map_ in zip(axes[1:], (view.size, view.shape, view.place), read.T, strict=True):
        plots.image(ax, map_.reshape(40, 40).flip(0), 0.0, 1.0)
        ax.set_title(f"reads \u201c{word}\u201d: {float(map_.mean()):.2f}")
    return fig
