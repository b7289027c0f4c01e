"""The sentence view: hidden words fill themselves in, with the exact probabilities of every place."""

from typing import Any

import torch
from torch import Tensor

from toycore.lessons import discrete
from toycore.lessons.discrete import HIDDEN, Joint
from toycore.live import lattice, payload
from toycore.live.controls import choice, slider
from toycore.live.engine import View

MADE = 1000  # sentences by which the page measures how many are right


def sentence(words: Joint | None = None, **start: Any) -> View:
    """Show masked diffusion on sentences: places fill in from the exact denoiser, so many in one step.

    words: a joint from `lessons.discrete.joint`, at the start 52 sentences of five words that must agree. A click on a
    place shows its probabilities. Beside them stands how many of 1000 sentences made in this way are right, for every
    number of places at a time. Values: step, together (places that are filled in one step).
    """
    words = discrete.sentences() if words is None else words
    if not isinstance(words, Joint):
        raise TypeError(f"words is a {type(words).__name__}; give a joint, such as discrete.joint(['a cat', 'a dog'])")
    places = words.words.shape[1]
    controls = [
        slider("step", "step", 0, places, 1, 0, whole=True, digits=0),
        choice("together", "places at a time", {k: str(k) for k in range(1, places + 1)}),
    ]
    shown = payload.Payload(arrays={"words": words.words.int(), "p": words.p.float()})
    meta: dict[str, Any] = {"symbols": list(words.symbols), "made": MADE, "layout": "below", "aspect": 1.8, "front": 2}
    meta |= {"play": {"role": "step", "from": 0, "to": places, "by": 1, "seconds": 5}}
    meta |= {"hint": "Click a place: see its probabilities"}
    view = View("sentence", "A sentence that fills itself in", shown, controls, still, start, **meta)
    view.joint = words
    return view


def states(words: Joint, seed: int, together: int) -> list[Tensor]:
    """Return the sentence `[places]` before the first step and after every step, as the page makes it."""
    places = words.words.shape[1]
    order, x = lattice.uniforms(seed, 0, places).argsort(), torch.full((places,), HIDDEN)
    made = [x]
    for step, now in enumerate(torch.from_numpy(order).split(together)):
        D, u, x = words.posterior(x[None])[0], torch.from_numpy(lattice.uniforms(seed, step + 1, places)), x.clone()
        x[now] = torch.searchsorted(D[now].cumsum(1), u[now, None], right=True)[:, 0].clamp(max=D.shape[1] - 1)
        made.append(x)
    return made


def still(view: View) -> Any:
    """Draw the sentence as it stands, and under every place its probabilities."""
    from toycore import plots
    from toycore.style import LIGHT

    words, made = view.joint, states(view.joint, view.seed, view.together)
    x = made[min(view.step, len(made) - 1)]
    D, ever = words.posterior(x[None])[0], words.posterior(torch.full_like(x, HIDDEN)[None])[0] > 0
    fig, axes = plots.figure(1, len(x), size=(1.9, 3.0), squeeze=False)
    for i, ax in enumerate(axes[0]):
        possible = ever[i].nonzero()[:, 0]
        names = [words.symbols[k] for k in possible]
        ax.barh(names, D[i, possible].tolist(), color=LIGHT.exact, height=0.6)
        ax.set(xlim=(0, 1), xticks=[0, 1], title="_____" if x[i] == HIDDEN else words.symbols[x[i]])
        ax.set_ylim(int(ever.sum(1).max()) - 0.5, -0.5)
    return fig
