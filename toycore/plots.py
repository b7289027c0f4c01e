"""Still figures: each function draws arrays on axes and returns the artist. Axes first, no computing of models here.

fig, (left, right) = plots.figure(1, 2)
plots.points(left, x)
plots.show(fig, caption="What one sees.", alt="What a screen reader says.")
"""

import base64
import io
from collections.abc import Sequence
from itertools import cycle
from typing import Any

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from torch import Tensor

from toycore import style
from toycore.checks import above, label_rows, numbers, positive
from toycore.images.pages import tile
from toycore.style import LIGHT, Theme

DPI = 90


def figure(
    rows: int = 1, columns: int = 1, size: tuple[float, float] = (3.3, 3.55), theme: Theme = LIGHT, **options: Any
) -> tuple[Figure, Any]:
    """Return a figure and its axes in the course's style, each panel of size (width, height) in inches."""
    positive(rows, "rows"), positive(columns, "columns")
    width, height = size
    with mpl.rc_context(style.rc(theme)):
        fig = Figure((columns * width, rows * height), dpi=DPI, layout="constrained")
        FigureCanvasAgg(fig)
        return fig, fig.subplots(rows, columns, **options)


def plane(
    ax: Axes, extent: float = 1.35, title: str = "", data: Tensor | None = None, theme: Theme = LIGHT
) -> Axes:  # fmt: skip
    """Prepare axes for the plane: equal scales on [-extent, extent]^2, few ticks, a title, the data as grey dots."""
    ax.set(xlim=(-extent, extent), ylim=(-extent, extent), aspect="equal", title=title)
    ax.set_xticks([-1, 0, 1]), ax.set_yticks([-1, 0, 1])
    if data is not None:
        points(ax, data, size=2, theme=theme)
    return ax


def points(
    ax: Axes,
    x: Tensor,
    label: Tensor | None = None,
    color: str | None = None,
    size: float = 6,
    theme: Theme = LIGHT,
    **more: Any,
) -> Artist:
    """Draw points `[n, 2]` as dots, coloured by label `[n]` if given."""
    colors, x = color or theme.data, _plane(x, "x")
    if label is not None:
        label = label_rows(label, len(x))
        colors = [theme.classes[int(c) % len(theme.classes)] if c >= 0 else theme.data for c in label]  # type: ignore[assignment]
    return ax.scatter(*_columns(x), s=size, c=colors, linewidths=0, **more)


def cloud(
    ax: Axes, x: Tensor, behind: Tensor | None = None, title: str = "", extent: float = 1.35, color: str | None = None,
    size: float = 2, theme: Theme = LIGHT,
) -> Artist:  # fmt: skip
    """Draw the samples x `[n, 2]` on a plane, over the faint points `behind`."""
    plane(ax, extent, title)
    if behind is not None:
        points(ax, behind, color=theme.faint, size=3, theme=theme)
    return points(ax, x, color=color or theme.sample, size=size, theme=theme)


def clouds(
    panels: dict[str, Tensor | None], behind: Tensor | None = None, color: str | None = None, extent: float = 1.35,
    size: float = 2, theme: Theme = LIGHT, columns: int | None = None,
) -> Figure:  # fmt: skip
    """Draw {title: samples `[n, 2]`} side by side over the same faint points `behind`, and return the figure.

    A panel of None shows the points `behind` themselves, in the grey of data. columns: how many in a row (all).
    """
    n = len(_panels(panels))
    across = n if columns is None else min(n, positive(columns, "columns"))
    fig, axes = figure(-(-n // across), across, theme=theme, squeeze=False)
    for ax in axes.flat[n:]:
        ax.set_visible(False)
    for ax, (title, x) in zip(axes.flat, panels.items(), strict=False):
        if x is None:
            cloud(ax, behind, None, title, extent, theme.data, size, theme)
        else:
            cloud(ax, x, behind, title, extent, color, size, theme)
    return fig


def grid(n: int = 25, extent: float = 1.3) -> Tensor:
    """Return the n^2 points of a square lattice on [-extent, extent]^2 as `[n * n, 2]`, row by row from below."""
    line = torch.linspace(-above(extent, "extent"), extent, positive(n))
    return torch.stack(torch.meshgrid(line, line, indexing="xy"), -1).reshape(-1, 2)


def field(ax: Axes, x: Tensor, v: Tensor, scale: float | None = None, theme: Theme = LIGHT, **more: Any) -> Artist:
    """Draw arrows v at x, both `[n, 2]`: the length saturates as m / (m + scale) of a cell, the colour shows m = |v|.

    scale: the magnitude drawn at half length (default: the median). The artist's colour scale runs from 0 to 3 scale.
    """
    x, v = _arrows(x, v)
    m = v.norm(dim=1)
    scale = float(m.median()) if scale is None else scale
    cell = float((x.max(0).values - x.min(0).values).max()) / max(1, round(len(x) ** 0.5) - 1)
    arrow = 0.95 * cell * v / (m + scale + 1e-12)[:, None]
    options = dict(angles="xy", scale_units="xy", scale=1, width=0.006, headwidth=3.5, headlength=4, pivot="mid")
    quiver = ax.quiver(*_columns(x), *_columns(arrow), m, cmap=style.colormap(theme.ramp), **{**options, **more})
    quiver.set_clim(0, 3 * scale)
    return quiver


def arrows(ax: Axes, x: Tensor, v: Tensor, color: str, **more: Any) -> Artist:
    """Draw arrows v `[n, 2]` from x `[n, 2]` at their true length, in one colour."""
    x, v = _arrows(x, v)
    options = dict(angles="xy", scale_units="xy", scale=1, color=color, width=0.006)
    return ax.quiver(*_columns(x), *_columns(v), **{**options, **more})


def density(ax: Axes, values: Tensor, extent: float = 1.35, theme: Theme = LIGHT, **more: Any) -> Artist:
    """Draw values on a lattice, `[n, n]` or `[n * n]` with rows from below, as a shaded background."""
    box, values = (-extent, extent, -extent, extent), numbers(values, "values").detach()
    n = round(values.numel() ** 0.5)
    if values.shape not in ((n, n), (n * n,)):
        raise ValueError(f"values have shape {tuple(values.shape)}; a square lattice is [n, n], or [n * n] row by row")
    options = dict(origin="lower", extent=box, cmap=style.colormap(theme.density), interpolation="bilinear", zorder=0)
    return ax.imshow(values.reshape(n, n).numpy(), **{**options, **more})


def paths(ax: Axes, xs: Tensor, color: str | None = None, theme: Theme = LIGHT, **more: Any) -> Artist:
    """Draw the walks xs `[steps, b, 2]` as b thin lines."""
    xs = numbers(xs, "xs", "walks, a tensor [steps, b, 2]")
    if xs.ndim != 3 or xs.shape[2] != 2:
        raise ValueError(f"xs has shape {tuple(xs.shape)}; walks are [steps, b, 2]: samplers.stack(walk)")
    lines = LineCollection(
        xs.detach().transpose(0, 1).tolist(), colors=color or theme.sample, **{"linewidths": 0.7, **more}
    )
    return ax.add_collection(lines)


def curve(ax: Axes, x: Tensor, y: Tensor, label: str = "", color: str | None = None, **more: Any) -> Artist:
    """Draw y against x as a line with a label."""
    x, y = numbers(x, "x").detach(), numbers(y, "y").detach()
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"x has shape {tuple(x.shape)} and y {tuple(y.shape)}; a curve is one y [n] for each x [n]")
    return ax.plot(x, y, label=label or None, color=color, **more)[0]


def curves(
    x: Tensor, ys: dict[str, Tensor], size: tuple[float, float] = (6.4, 3.4), theme: Theme = LIGHT, **axes: Any
) -> Figure:
    """Draw {name: y} against x as lines with a legend, marked where points are few, and return the figure.

    Their colours are `theme.lines`: none of them is that of the exact, the learned, or a sample.

    axes: what `Axes.set` takes, such as xscale="log", xlabel="steps", ylim=(0, 1).
    """
    _panels(ys, "ys")
    fig, ax = figure(size=size, theme=theme)
    for (name, y), color in zip(ys.items(), cycle(theme.lines)):
        curve(ax, x, y, name, color, marker="o" if len(x) <= 25 else "", markersize=4)
    ax.set(**axes)
    if "xticks" in axes:
        ax.tick_params(axis="x", which="minor", bottom=False, labelbottom=False)
    if len(ys) > 1:
        legend(ax, theme)
    return fig


def charts(
    x: Tensor, panels: dict[str, dict[str, Tensor]], size: tuple[float, float] = (3.2, 2.9), theme: Theme = LIGHT,
    **axes: Any,
) -> Figure:  # fmt: skip
    """Draw {title: {name: y}} against x as charts side by side with one legend; axes as in `curves`."""
    fig, row = figure(1, len(_panels(panels)), size=size, theme=theme, squeeze=False)
    for ax, (title, ys) in zip(row[0], panels.items(), strict=True):
        for (name, y), color in zip(ys.items(), cycle(theme.lines)):
            curve(ax, x, y, name, color, marker="o", markersize=4)
        ax.set(title=title, **axes)
    handles, names = row[0, 0].get_legend_handles_labels()
    fig.legend(handles, names, loc="outside lower center", ncols=4, frameon=False, labelcolor=theme.ink, fontsize=10)
    return fig


def fields(
    panels: dict[str, Tensor], x: Tensor, behind: Tensor, scale: float = 1.0, extent: float = 1.45, theme: Theme = LIGHT
) -> Figure:
    """Draw {title: arrows `[n, 2]`} at the points x side by side, over the points `behind`, and return the figure."""
    fig, axes = figure(1, len(_panels(panels)), theme=theme, squeeze=False)
    for ax, (title, v) in zip(axes[0], panels.items(), strict=True):
        field(plane(ax, extent, title, behind, theme), x, v, scale=scale, theme=theme)
    return fig


def bars(
    ax: Axes,
    names: Sequence[str],
    values: Sequence[float],
    color: str | Sequence[str] | None = None,
    theme: Theme = LIGHT,
) -> BarContainer:
    """Draw one horizontal bar per name, the first on top, each with its number."""
    if len(names) != len(values):
        raise ValueError(f"there are {len(names)} names for {len(values)} values; give one name per bar")
    bar = ax.barh(list(names), list(map(float, values)), color=color or theme.exact, height=0.7)
    ax.bar_label(bar, fmt="%.3g", padding=3, color=theme.ink)
    ax.invert_yaxis()
    ax.margins(x=0.18)
    return bar


def image(ax: Axes, pixels: Tensor, low: float = -1.0, high: float = 1.0) -> Artist:
    """Draw a picture `[h, w]` or `[c, h, w]` with values in [low, high], without axes."""
    pixels = numbers(pixels, "pixels", "a picture, a tensor [h, w] or [c, h, w]").detach().double()
    if pixels.ndim not in (2, 3):
        raise ValueError(f"pixels has shape {tuple(pixels.shape)}; a picture is [h, w] or [c, h, w]")
    pixels = pixels.permute(1, 2, 0).squeeze(-1) if pixels.ndim == 3 else pixels
    ax.set_axis_off()
    shown = ((pixels - low) / (high - low)).clamp(0, 1)
    return ax.imshow(shown.numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")


def pictures(
    panels: dict[str, Tensor], columns: int = 10, shape: tuple[int, int] | None = None,
    size: tuple[float, float] = (4.4, 2.6), theme: Theme = LIGHT,
) -> Figure:  # fmt: skip
    """Draw {title: pictures `[n, c, h, w]` in [-1, 1]} as sheets of so many columns and return the figure.

    shape: rows and columns of sheets (default: side by side).
    """
    for x in _panels(panels).values():
        _pictures(x)
    fig, axes = figure(*(shape or (1, len(panels))), size=size, theme=theme, squeeze=False)
    for ax, (title, x) in zip(axes.flat, panels.items(), strict=True):
        image(ax, tile(x.detach().clamp(-1, 1), columns))
        ax.set_title(title)
    return fig


def matrix(values: Tensor, names: Sequence[str], columns: Tensor, theme: Theme = LIGHT) -> Figure:
    """Draw values `[n, m]` in [-1, 1] as a grey map, a name left of each row, a picture over each column."""
    n, m = len(names), len(_pictures(columns, "columns"))
    if numbers(values, "values").shape != (n, m):
        raise ValueError(f"values has shape {tuple(values.shape)}; {n} names and {m} pictures need [{n}, {m}]")
    fig, ax = figure(size=(6.4, 3.6), theme=theme)
    image(ax, tile(columns.detach().clamp(-1, 1), m)).set(extent=(0, m, -0.1, -1.1))
    image(ax, values).set(extent=(0, m, n, 0))
    ax.set(xlim=(0, m), ylim=(n, -1.1), xticks=[], frame_on=False, anchor="E")
    ax.set_axis_on(), ax.set_yticks(torch.arange(n) + 0.5, names), ax.tick_params(length=0)
    return fig


def chart(ax: Axes, loc: Any = "best", theme: Theme = LIGHT, **axes: Any) -> Axes:
    """Finish axes with curves: what `Axes.set` takes, and a legend at `loc` if any curve has a label."""
    ax.set(**axes)
    if ax.get_legend_handles_labels()[0]:
        legend(ax, theme, loc=loc)
    return ax


def legend(ax: Axes, theme: Theme = LIGHT, **more: Any) -> Artist:
    """Add a legend without a frame, in the theme's ink."""
    return ax.legend(**{"frameon": False, "labelcolor": theme.ink, "fontsize": 10, **more})


def png(fig: Figure) -> bytes:
    """Return the figure as the bytes of a PNG file."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def pixels(fig: Figure) -> Tensor:
    """Return the figure as a picture `[h, w, 3]` of bytes, a frame for `live.frames`."""
    fig.canvas.draw()
    return torch.from_numpy(np.asarray(fig.canvas.buffer_rgba())[..., :3].copy())  # type: ignore[attr-defined]


def show(fig: Figure, caption: str, alt: str) -> None:
    """Display a figure in a notebook with a caption below it and a text for readers who cannot see it."""
    from IPython.display import Markdown, display

    if not caption.strip() or not alt.strip():
        raise ValueError("a figure needs a caption (what it tells) and an alt text (what it shows); give both")
    bundle = {"image/png": base64.b64encode(png(fig)).decode(), "text/plain": f"[figure: {alt}]"}
    display(bundle, raw=True, metadata={"image/png": {"alt": alt}})
    display(Markdown(f"*{caption}*"))


def _panels(panels: dict[str, Any], what: str = "panels") -> dict[str, Any]:
    if not isinstance(panels, dict) or not panels:
        raise TypeError(
            f"{what} is {'empty' if panels == {} else f'a {type(panels).__name__}'}; give {{title: values}}"
        )
    return panels


def _pictures(x: Tensor, what: str = "pictures") -> Tensor:
    if not isinstance(x, Tensor) or x.ndim != 4:
        given = f"shape {tuple(x.shape)}" if isinstance(x, Tensor) else f"the type {type(x).__name__}"
        raise ValueError(f"{what} has {given}; pictures are a tensor [n, c, h, w]")
    return x


def _arrows(x: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    x, v = _plane(x, "x"), _plane(v, "v")
    if len(x) != len(v):
        raise ValueError(f"there are {len(v)} arrows for {len(x)} points; give one arrow per point")
    return x, v


def _plane(x: Tensor, what: str = "x") -> Tensor:
    if hasattr(x, "label"):
        raise TypeError(f"{what} is a {type(x).__name__}; give {what}.x")
    x = numbers(x, what, "points, a tensor [n, 2]").detach().double()
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"only points of the plane can be drawn: {what} has shape {tuple(x.shape)}, need [n, 2]")
    return x


def _columns(x: Tensor) -> tuple[np.ndarray, np.ndarray]:
    x = _plane(x)
    return x[:, 0].numpy(), x[:, 1].numpy()
