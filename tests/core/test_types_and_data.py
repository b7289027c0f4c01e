"""Shapes, broadcasting, and the point sets."""

import math

import numpy as np
import pytest
import torch

from tests.support.problems import alike, close
from toycore import checks, data, types
from toycore.types import seeded

# ---- types ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 2), (5, 3, 4, 4)])
def test_column_multiplies_rows(shape):
    x = torch.ones(shape)
    out = types.column(torch.arange(5), x) * x
    assert out.shape == shape and [float(row.mean()) for row in out] == [0, 1, 2, 3, 4]
    assert torch.equal(types.column(2.0, x) * x, 2 * x)


def test_column_refuses_another_number_of_levels():
    with pytest.raises(ValueError, match="3"):
        types.column(torch.ones(3), torch.ones(5, 2))


def test_squared_distance_has_no_cancellation():
    x = 1e4 + torch.randn(50, 2, generator=seeded())
    y = 1e4 + torch.randn(30, 2, generator=seeded(1))
    direct = ((x.double()[:, None] - y.double()) ** 2).sum(2)
    close(types.squared_distance(x, y).double(), direct, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("rows", [1, 3, 10, 11])
def test_in_chunks_is_the_whole(rows):
    x, y, one = torch.randn(10, 2), torch.randn(10), torch.randn(1)
    seen = []

    def f(x, y, one, none):
        seen.append(len(x))
        return x.sum(1) * y + one

    alike(types.in_chunks(f, rows, x, y, one, None), f(x, y, one, None))
    assert max(seen[:-1]) <= rows and sum(seen[:-1]) == 10


def test_counts_may_be_numpys():
    assert checks.positive(np.int64(5)) == 5


def test_one_of_lists_the_near_names():
    assert checks.one_of("spiral", ["spiral", "moons"], "data set") == "spiral"
    with pytest.raises(ValueError, match=r"no data set named 'spirl'; did you mean 'spiral'\? known: moons, spiral"):
        checks.one_of("spirl", ["spiral", "moons"], "data set")


def test_a_label_is_spread_over_the_rows():
    assert checks.label_rows(None, 3, 2).tolist() == [-1, -1, -1]
    assert checks.label_rows(1, 3, 2).tolist() == [1, 1, 1]
    assert checks.label_rows(torch.tensor([1, -1, 0]), 3, 2).tolist() == [1, -1, 0]
    with pytest.raises(ValueError, match=r"label runs from -2 to 1, but a class is 0 or more"):
        checks.label_rows(torch.tensor([1, -2]), 2)
    assert checks.label_rows(None, 3).tolist() == [-1, -1, -1]
    assert checks.label_rows(torch.tensor([1, 0], dtype=torch.uint8), 2).dtype == torch.int64


# ---- data ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(data.SHAPES))
def test_every_shape_is_points_in_the_box(name):
    points = data.load(name, n=300)
    assert points.x.shape == (300, 2) and points.x.dtype == torch.float32
    assert points.label.shape == (300,) and points.label.dtype == torch.int64
    assert set(points.label.tolist()) == set(range(len(points.names)))
    assert points.x.abs().max() <= 1.2 and torch.isfinite(points.x).all()
    alike(points.x, data.load(name, n=300).x)
    assert len(data.load(name, n=7).x) == 7


def test_spiral_is_the_spiral():
    """r = theta / (5 pi) at angle theta."""
    x = data.spiral(200).x.double()
    theta = torch.linspace(0.5 * math.pi, 5.5 * math.pi, 200, dtype=torch.float64)
    close(x.norm(dim=1), theta / (5 * math.pi), atol=1e-6)
    close(torch.cos(torch.atan2(x[:, 1], x[:, 0]) - theta), 1.0, atol=1e-6)


def test_spiral_has_the_curves_moments():
    """Integrals over theta: mean -(6/25 pi, 2/25 pi^2), E|x|^2 = (5.5^3 - .5^3) / 375."""
    x = data.spiral(20_000).x.double()
    close(x.mean(0), torch.tensor([-6 / (25 * math.pi), -2 / (25 * math.pi**2)]), rtol=0, atol=1e-4)
    close((x**2).sum(1).mean(), (5.5**3 - 0.5**3) / 375, rtol=1e-4)


def test_spiral_arms_are_04_apart():
    theta = torch.tensor([2.0, 5.0], dtype=torch.float64)
    gap = data.spiral_curve(theta + 2 * math.pi).norm(dim=1) - data.spiral_curve(theta).norm(dim=1)
    close(gap, 0.4)


@pytest.mark.parametrize("n, classes", [(99, 3), (100, 3), (10, 10), (7, 2)])
def test_spiral_classes_are_even_arcs_from_inside_out(n, classes):
    points = data.spiral(n, classes)
    counts = points.label.bincount()
    assert len(counts) == classes == len(points.names) and counts.max() - counts.min() <= 1
    assert (points.label.diff() >= 0).all() and points.x[0].norm() < points.x[-1].norm()


def test_rings_eight_and_board_satisfy_their_equations():
    rings = data.rings(400, noise=0.0)
    close(rings.x.norm(dim=1), torch.where(rings.label == 0, 1.0, 0.5), atol=1e-6)
    x, y = data.eight(400).x.T
    close(y**2, x**2 * (1 - x**2), atol=1e-6)
    column, row = ((data.checkerboard(2000).x + 1) * 2).floor().long().T
    assert ((column + row) % 2 == 0).all() and len(set(zip(column.tolist(), row.tolist()))) == 8


def test_tree_points_are_even_along_its_branches():
    """2^5 - 1 branches whose lengths shrink by .72: n points lie about total/n apart on each."""
    points = data.tree(4000, depth=5)
    total = sum(2**level * 0.55 * 0.72**level for level in range(5))
    gap = (points.x[1:] - points.x[:-1]).norm(dim=1).median()
    close(gap, total / 4000, rtol=0.01)
    trunk = (points.x[:, 0].abs() < 1e-6) & (points.x[:, 1] < -0.34)
    assert abs(int(trunk.sum()) - 4000 * 0.55 / total) <= 2


FIRST = {  # the name of class 0 and what is larger for it
    "moons": ("upper", lambda x: x[:, 1]),
    "rings": ("outer", lambda x: x.norm(dim=1)),
    "eight": ("right", lambda x: x[:, 0]),
    "tree": ("left", lambda x: -x[:, 0]),
    "checkerboard": ("left", lambda x: -x[:, 0]),
}


@pytest.mark.parametrize("name", FIRST)
def test_names_say_which_class_is_which(name):
    points, (word, size) = data.load(name, n=400), FIRST[name]
    assert points.names[0] == word
    assert size(points.x[points.label == 0]).mean() > size(points.x[points.label == 1]).mean() + 0.2


def test_a_twig_belongs_to_its_limb():
    """The inmost twig of each limb bends over the middle, to x = .033 by the branches' lengths and turns."""
    points = data.tree(4000)
    reach = 0.55 * (-0.72 * math.sin(0.45) + 0.72**3 * math.sin(0.45) + 0.72**4 * math.sin(0.9))
    for label, sign in ((0, 1), (1, -1)):
        assert (sign * points.x[points.label == label, 0]).max() == pytest.approx(reach, abs=2e-3)


def test_spirals_thirds_are_named_from_inside():
    assert data.spiral(9, classes=3).names == ("inner", "middle", "outer")


def test_into_box():
    x = data.into_box(torch.tensor([[10.0, 0.0], [14.0, 1.0], [12.0, 2.0]]))
    close(x.mean(0), 0.0, atol=1e-6)
    close(x, torch.tensor([[-1.0, -0.5], [1.0, 0.0], [0.0, 0.5]]), atol=1e-6)


@pytest.mark.parametrize("head", ["", "x,y,class\n", "\ufeffx,y,class\n"])
def test_csv(tmp_path, head):
    path = tmp_path / "points.csv"
    path.write_text(head + "10,0,left\n14, 1 ,right\n\n12,2,left\n", encoding="utf-8")
    points = data.from_csv(path)
    close(points.x, torch.tensor([[-1.0, -0.5], [1.0, 0.0], [0.0, 0.5]]), atol=1e-6)
    assert points.label.tolist() == [0, 1, 0] and points.names == ("left", "right")


def test_image_with_16_bits_is_as_dark_as_it_looks(tmp_path):
    """A quarter is ink of grey .03, the paper .9: both above 255 of 65535."""
    from PIL import Image

    pixels = np.full((20, 20), 60_000, "uint16")
    pixels[15:] = 2_000
    Image.fromarray(pixels).save(tmp_path / "deep.png")
    x, y = data.from_image(tmp_path / "deep.png", n=500).x.T
    assert x.max() - x.min() == pytest.approx(4 * float(y.max() - y.min()), rel=0.1)


def test_jitter_fills_the_pixels(tmp_path):
    """One row of four dark pixels: the points are even along it, not four piles."""
    from PIL import Image

    Image.new("L", (4, 1), 0).save(tmp_path / "row.png")
    x = data.from_image(tmp_path / "row.png", n=4000).x[:, 0]
    assert x.diff().abs().min() < 1e-2 and len(x.unique()) > 3000
    close(x.var(), 4 / 12 * float(x.max() - x.min()) ** 2 / 4, rtol=0.05)


def _picture(path, mode="RGB", ink=(0, 0, 0), paper=(255, 255, 255)):
    """An L: a long stroke on the left, a foot at the bottom right."""
    from PIL import Image

    image = Image.new(mode, (20, 30), paper)
    for y in range(30):
        for x in range(4 if y < 26 else 20):
            image.putpixel((x, y), ink)
    image.save(path)
    return path


@pytest.mark.parametrize(
    "mode, ink, paper",
    [("RGB", (0, 0, 0), (255,) * 3), ("RGBA", (40, 0, 0, 255), (0, 0, 0, 0)), ("L", 90, 250)],
    ids=["black on white", "on transparent", "grey"],
)
def test_image_up_is_up(tmp_path, mode, ink, paper):
    points = data.from_image(_picture(tmp_path / "l.png", mode, ink, paper), n=4000)
    x, y = points.x.T
    assert points.x.abs().max() == pytest.approx(1) and points.x.shape == (4000, 2)
    assert x[y < y.min() + 0.1].max() > x.min() + 1  # the foot is at the bottom and long
    assert x[y > y.max() - 0.1].max() < x.min() + 0.4  # the top is narrow
    area = ((y < y.min() + (y.max() - y.min()) * 4 / 30).float().mean()) * (26 * 4 + 80)
    close(area, 80.0, rtol=0.05)  # ink drawn evenly: 80 of its 184 pixels are the foot
