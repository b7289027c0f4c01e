"""Still figures: each function draws on Agg, returns its artist, shows its numbers, leaves rcParams alone."""

import base64

import matplotlib as mpl
import pytest
import torch
from matplotlib.artist import Artist
from matplotlib.colors import to_rgba

from tests.support.problems import close, pictures_alike
from toycore import plots, style


@pytest.fixture
def ax():
    mpl.use("agg")
    before = mpl.rcParams.copy()
    fig, ax = plots.figure()
    yield plots.plane(ax)
    plots.png(fig)
    assert mpl.rcParams == before


X, V = torch.tensor([[0.0, 0.0], [0.5, -0.5], [1.0, 1.0]]), torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 4.0]])
DRAW = {
    "points": lambda ax: plots.points(ax, X, torch.tensor([0, 1, -1])),
    "field": lambda ax: plots.field(ax, X, V),
    "arrows": lambda ax: plots.arrows(ax, X, V, "red"),
    "density": lambda ax: plots.density(ax, torch.arange(9.0)),
    "paths": lambda ax: plots.paths(ax, torch.stack([X, X + V, X])),
    "curve": lambda ax: plots.curve(ax, X[:, 0], X[:, 1], "a line"),
    "image": lambda ax: plots.image(ax, torch.zeros(1, 4, 4)),
    "legend": lambda ax: (plots.curve(ax, X[:, 0], X[:, 1], "a line"), plots.legend(ax))[1],
}


@pytest.mark.parametrize("name", DRAW)
def test_returns_an_artist_of_these_axes(ax, name):
    artist = DRAW[name](ax)
    assert isinstance(artist, Artist) and artist.axes is ax


def test_points_stand_where_they_are_in_their_class_colour(ax):
    dots = DRAW["points"](ax)
    close(torch.from_numpy(dots.get_offsets().data), X.double())
    theme = style.LIGHT
    assert [tuple(c) for c in dots.get_facecolors()] == [to_rgba(c) for c in (*theme.classes[:2], theme.data)]


def test_field_arrows_saturate_and_keep_their_direction(ax):
    """Length m / (m + scale) of .95 cell; direction that of v; colour m on a scale from 0 to 3 scale."""
    quiver, m = plots.field(ax, X, V, scale=2.0), V.double().norm(dim=1)
    arrow = torch.stack([torch.from_numpy(quiver.U), torch.from_numpy(quiver.V)], 1)
    cell = 1.5  # of a lattice with round(sqrt(3)) = 2 points on its longer side
    close(arrow, 0.95 * cell * V.double() / (m + 2)[:, None], rtol=1e-6)
    close(torch.from_numpy(quiver.get_array().data), m)
    assert quiver.get_clim() == (0, 6)


def test_zero_field_can_be_drawn(ax):
    assert (plots.field(ax, X, 0 * V).U == 0).all()


def test_paths_are_one_line_per_point(ax):
    segments = DRAW["paths"](ax).get_segments()
    assert len(segments) == 3 and segments[1].shape == (3, 2)
    close(torch.from_numpy(segments[1]), torch.stack([X[1], X[1] + V[1], X[1]]).double(), atol=1e-6)


def test_density_rows_run_from_below(ax):
    shown = DRAW["density"](ax)
    assert shown.origin == "lower" and list(shown.get_extent()) == [-1.35, 1.35] * 2
    assert shown.get_array().shape == (3, 3) and shown.get_array()[0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("shape", [(12,), (2, 8)])
def test_density_needs_a_square_lattice(ax, shape):
    with pytest.raises(ValueError, match=r"values have shape \(.*\); a square lattice is"):
        plots.density(ax, torch.zeros(shape))


def test_curves_are_all_drawn_and_marked_where_points_are_few():
    """Ten curves have more names than the theme has colours; each is there, with a legend if it has company."""
    x = torch.arange(3.0)
    fig = plots.curves(x, {str(i): i * x for i in range(10)}, xlabel="x")
    lines = fig.axes[0].lines
    assert [line.get_ydata()[1] for line in lines] == list(range(10)) and {line.get_marker() for line in lines} == {"o"}
    assert len(fig.axes[0].get_legend().get_texts()) == 10
    (alone,) = plots.curves(torch.arange(30.0), {"one": torch.zeros(30, requires_grad=True)}).axes
    assert alone.get_legend() is None and alone.lines[0].get_marker() in ("", "None")


@pytest.mark.parametrize("theme", [style.LIGHT, style.DARK])
def test_curves_take_no_colour_that_means_something(theme):
    ys = {str(i): torch.arange(3.0) for i in range(9)}
    drawn = [plots.curves(torch.arange(3.0), ys, theme=theme), plots.charts(torch.arange(3.0), {"a": ys}, theme=theme)]
    colors = {line.get_color() for fig in drawn for line in fig.axes[0].lines}
    assert len(colors) >= 5 and not colors & {theme.exact, theme.learned, theme.sample, theme.data, theme.predicted}


def test_field_takes_the_median_for_its_scale(ax):
    assert plots.field(ax, X, V).get_clim() == (0, 3 * 2.0)


def test_image_is_upright_and_spans_low_to_high(ax):
    pixels = torch.tensor([[[0.0, 5.0, 10.0], [10.0, 10.0, 20.0]]])  # [1, 2, 3]; 20 is above the range
    shown = plots.image(ax, pixels, 0.0, 10.0).get_array()
    assert shown.tolist() == [[0, 0.5, 1], [1, 1, 1]]  # halves are exact
    colour = torch.arange(12.0).reshape(3, 2, 2) / 12
    close(torch.from_numpy(plots.image(ax, colour, 0, 1).get_array().data), colour.permute(1, 2, 0).double())


def test_clouds_may_stand_in_rows():
    fig = plots.clouds({"a": X, "b": X, "c": X}, columns=2)
    assert [ax.get_visible() for ax in fig.axes] == [True, True, True, False]
    assert [ax.get_title() for ax in fig.axes[:3]] == ["a", "b", "c"]
    with pytest.raises(ValueError, match="columns is 0"):
        plots.clouds({"a": X}, columns=0)


def test_clouds_lie_over_the_points_behind():
    fig = plots.clouds({"a": X, "b": 2 * X}, behind=V)
    for ax, x in zip(fig.axes, (X, 2 * X), strict=True):
        behind, cloud = ax.collections
        close(torch.from_numpy(behind.get_offsets().data), V.double())
        close(torch.from_numpy(cloud.get_offsets().data), x.double())


def test_data_are_grey_and_samples_orange():
    fig = plots.clouds({"data": None, "made": 2 * X}, behind=V)
    (data,), (behind, made) = (ax.collections for ax in fig.axes)
    close(torch.from_numpy(data.get_offsets().data), V.double())
    for artist, color in (data, style.LIGHT.data), (behind, style.LIGHT.faint), (made, style.LIGHT.sample):
        assert mpl.colors.same_color(artist.get_facecolor(), color)


def test_plane_shows_the_data(ax):
    (data,) = plots.plane(ax, data=V).collections
    assert mpl.colors.same_color(data.get_facecolor(), style.LIGHT.data)


def test_chart_has_a_legend_only_with_labels(ax):
    plots.curve(ax, X[:, 0], X[:, 1])
    assert plots.chart(ax, title="a", xscale="log").get_legend() is None
    plots.curve(ax, X[:, 0], X[:, 1], "learned")
    assert [name.get_text() for name in plots.chart(ax).get_legend().get_texts()] == ["learned"]
    assert ax.get_title() == "a" and ax.get_xscale() == "log"


def test_colormap_is_cut_to_its_part():
    whole, part = mpl.colormaps["viridis"], style.colormap(("viridis", 0.2, 0.7))
    close(torch.tensor([part(0.0), part(1.0)]), torch.tensor([whole(0.2), whole(0.7)]), atol=0.01)


def test_grid_is_a_lattice_from_below():
    x = plots.grid(3, 1.0)
    assert x.tolist()[:4] == [[-1, -1], [0, -1], [1, -1], [-1, 0]] and x.shape == (9, 2)


def test_bars_put_the_first_on_top_with_its_number(ax):
    bar = plots.bars(ax, ["a", "b"], [0.5, 0.25])
    assert [b.get_width() for b in bar] == [0.5, 0.25] and ax.yaxis_inverted()
    assert {"0.5", "0.25"} <= {t.get_text() for t in ax.texts}


def test_figure_is_of_its_theme():
    for theme in (style.LIGHT, style.DARK):
        fig, axes = plots.figure(1, 2, theme=theme)
        assert fig.get_facecolor() == to_rgba(theme.background) and len(axes) == 2
        assert fig.get_size_inches().tolist() == pytest.approx([6.6, 3.55])


def test_charts_share_one_legend():
    x, ys = torch.tensor([1.0, 2.0]), {"one": torch.tensor([0.0, 1.0]), "two": torch.tensor([1.0, 0.0])}
    fig = plots.charts(x, {"up": ys, "down": {name: -y for name, y in ys.items()}}, xlabel="s")
    up, down = fig.axes
    assert (up.get_title(), down.get_title(), down.get_xlabel()) == ("up", "down", "s")
    close(torch.tensor(down.lines[1].get_ydata()), -ys["two"])
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["one", "two"]
    assert up.lines[0].get_color() == down.lines[0].get_color() != up.lines[1].get_color()


def test_a_matrix_has_its_names_and_its_pictures():
    values, columns = torch.tensor([[1.0, -1.0], [0.0, 1.0], [-1.0, 0.0]]), torch.zeros(2, 3, 4, 4)
    (ax,) = plots.matrix(values, ["a", "b", "c"], columns).axes
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["a", "b", "c"]
    strip, cells = ax.images
    close(torch.tensor(cells.get_array().tolist()), (values + 1) / 2)
    assert strip.get_array().shape == (4, 9, 3) and strip.get_extent()[:2] == cells.get_extent()[:2] == [0, 2]
    assert list(ax.get_yticks()) == [0.5, 1.5, 2.5] and ax.yaxis_inverted()  # the first row on top


def test_only_the_plane_is_drawn(ax):
    with pytest.raises(ValueError, match=r"\(3, 3\), need \[n, 2\]"):
        plots.points(ax, torch.zeros(3, 3))


def test_show_carries_caption_and_alt(monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", lambda *a, **k: shown.append((a, k)))
    fig, _ = plots.figure()
    plots.show(fig, "What it tells.", "What it shows.")
    (bundle,), options = shown[0]
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert options["metadata"]["image/png"]["alt"] == "What it shows." in bundle["text/plain"]
    assert shown[1][0][0].data == "*What it tells.*"
    for caption, alt in ((" ", "alt"), ("caption", "")):
        with pytest.raises(ValueError, match=r"caption .* alt text .*; give both"):
            plots.show(fig, caption, alt)


def test_png_is_the_same_twice():
    fig, ax = plots.figure()
    plots.points(ax, X)
    first, second = plots.png(fig), plots.png(fig)
    pictures_alike(first, second)
    assert not {b"tEXt", b"tIME"} & {first[i : i + 4] for i in range(len(first))}, "no version, no date"


# ---- colours -------------------------------------------------------------------------------------


def _luminance(color):
    """Relative luminance of WCAG 2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgba(color)[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [style.LIGHT, style.DARK], ids=["light", "dark"])
def test_contrast_on_the_background(theme):
    """WCAG 2: 4.5 for text, 3 for graphics."""

    def contrast(color):
        a, b = sorted([_luminance(color), _luminance(theme.background)])
        return (b + 0.05) / (a + 0.05)

    assert contrast(theme.ink) >= 4.5
    colors = theme.data, theme.sample, theme.exact, theme.learned, theme.predicted, theme.accent
    for color in (*colors, *theme.classes):
        assert contrast(color) >= 3, color


def test_pixels_are_the_figure() -> None:
    fig, ax = plots.figure(size=(2, 1))
    ax.set_axis_off()
    empty = plots.pixels(fig)
    assert empty.shape == (plots.DPI, 2 * plots.DPI, 3) and empty.dtype == torch.uint8
    plots.points(plots.plane(ax), torch.zeros(1, 2), color="#ff0000", size=400)
    red = (plots.pixels(fig) == torch.tensor([255, 0, 0])).all(2)
    assert 0 < red.double().mean() < 0.2
