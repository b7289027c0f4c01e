"""Live views: pictures that answer at once, also while Python is busy, also with no Python at all.

    from toycore import live
    live.field()                                the spiral's field, exact and learned: drag sigma, press play, click
    live.field({"exact": D1, "trained": D2})    linked panes
    live.field(sigma=1.0, presets=[dict(sigma=5), dict(sigma=0.1)])     keys 1 and 2 glide there

Every view is an ordinary widget with synced values (`view.sigma`, `view.steps`, ...); `view.save("name.html")`
writes one file that works offline, `view.still()` draws it with matplotlib. Keys are shown by "?" in the view.

Each function takes as its first argument nothing (the spiral), a mixture, Points, a tensor [n, 2], a Denoiser,
or a dictionary of those; `data` names the distribution that a Denoiser was made for, where it is not the
spiral. What else is given by name sets the values at the start: `live.walk(steps=20, noise=0.0)`.
"""

from toycore.live import lattice
from toycore.live.engine import View
from toycore.live.views.attention import attention
from toycore.live.views.bridge import bridge
from toycore.live.views.damage import damage
from toycore.live.views.density import density
from toycore.live.views.field import field
from toycore.live.views.forward import forward
from toycore.live.views.frames import frames
from toycore.live.views.guidance import guidance
from toycore.live.views.inverse import inverse
from toycore.live.views.latent import latent
from toycore.live.views.playground import playground
from toycore.live.views.sentence import sentence
from toycore.live.views.spacetime import spacetime
from toycore.live.views.training import training
from toycore.live.views.walk import walk

__all__ = [
    "View",
    "attention",
    "bridge",
    "damage",
    "density",
    "field",
    "forward",
    "frames",
    "guidance",
    "inverse",
    "latent",
    "lattice",
    "playground",
    "sentence",
    "spacetime",
    "training",
    "walk",
]
