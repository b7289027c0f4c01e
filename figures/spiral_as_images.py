"""An image of two pixels is a point of the plane; the data are a spiral of such images."""

from matplotlib.figure import Figure

from figures._scene import SPIRAL
from toycore import data, plots
from toycore.style import LIGHT
from toycore.types import seeded

SIZE = (9.6, 3.6)
CAPTION = "An image of two pixels is a point of the plane. Our data set is a spiral of such images."
ALT = "Left: five small pictures of two grey pixels each. Right: a spiral of points with those five marked."


def draw(fig: Figure) -> None:
    left, right = fig.subfigures(1, 2, width_ratios=[1, 1.4])
    images = data.spiral(5).x
    for i, (ax, pixels) in enumerate(zip(left.subplots(5, 1), images, strict=True)):
        plots.image(ax, pixels[None], -1, 1)
        ax.set_title(f"image {i}: ({pixels[0]:+.2f}, {pixels[1]:+.2f})", fontsize=9)
    ax = plots.plane(right.subplots(), 1.25, "the same images as points")
    plots.points(ax, SPIRAL.sample(1500, seeded())[0], size=3)
    plots.points(ax, images, color=LIGHT.sample, size=45)
    for i, (x, y) in enumerate(images.tolist()):
        ax.annotate(str(i), (x, y), xytext=(6, 5), textcoords="offset points")
    ax.set(xlabel="first pixel", ylabel="second pixel")
