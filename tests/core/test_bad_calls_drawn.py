"""Bad calls of what draws: still figures and live views."""

import pytest

from tests.support.bad_calls import refused_in_words
from toycore import plots

AX = plots.figure()[1]
ROWS = [
    ("plots.points(AX, X[0])", "need [n, 2]"),
    ("plots.points(AX, torch.randn(5, 3))", "(5, 3), need [n, 2]"),
    ("plots.points(AX, None)", "x is None"),
    ("plots.points(AX, 'spiral')", "x is 'spiral'"),
    ("plots.points(AX, P)", "give x.x"),
    ("plots.points(AX, X, RIGHT[:3])", "integers [5]"),
    ("plots.points(AX, X, 'inner')", "names.index"),
    ("plots.field(AX, X, X[:3])", "one arrow per point"),
    ("plots.field(AX, X, None)", "v is None"),
    ("plots.field(AX, P, X)", "give x.x"),
    ("plots.arrows(AX, X, X[:2], 'red')", "one arrow per point"),
    ("plots.density(AX, X)", "a square lattice"),
    ("plots.density(AX, None)", "values is None"),
    ("plots.density(AX, torch.zeros(7))", "a square lattice"),
    ("plots.paths(AX, X)", "samplers.stack(walk)"),
    ("plots.paths(AX, None)", "xs is None"),
    ("plots.curve(AX, X[:, 0], X[:3, 0])", "one y [n] for each x [n]"),
    ("plots.curve(AX, None, X[:, 0])", "x is None"),
    ("plots.curves(X[:, 0], X[:, 0])", "give {title: values}"),
    ("plots.charts(X[:, 0], X)", "give {title: values}"),
    ("plots.clouds(X)", "give {title: values}"),
    ("plots.clouds({})", "panels is empty"),
    ("plots.fields({}, X, X)", "panels is empty"),
    ("plots.bars(AX, ['a'], [1.0, 2.0])", "one name per bar"),
    ("plots.image(AX, X[0])", "[h, w] or [c, h, w]"),
    ("plots.image(AX, None)", "pixels is None"),
    ("plots.pictures({})", "panels is empty"),
    ("plots.pictures({'a': X})", "[n, c, h, w]"),
    ("plots.matrix(X, ['a'], X)", "[n, c, h, w]"),
    ("plots.figure(0, 1)", "rows is 0"),
    ("plots.figure(1, 2.5)", "columns is 2.5"),
    ("plots.grid(0)", "n is 0"),
    ("plots.grid(extent=-1)", "extent is -1"),
    ("plots.show(plots.figure()[0], '', 'x')", "a caption"),
    ("live.field(lambda x: x)", "D(x, sigma, label)"),
    ("live.field(lambda x, sigma, label=None: x[:, :1])", "shaped like x"),
    ("live.field('spiral')", "cannot show"),
    ("live.field(3)", "cannot show"),
    ("live.field(D, data=torch.randn(5, 3))", "3 dimensions"),
    ("live.field(D, data='moons')", "data.load('moons').x"),
    ("live.field(D, label=9)", "label"),
    ("live.field(D, sigma=-1.0)", "sigma is -1.0"),
    ("live.field(D, nonsense=1)", "'nonsense'"),
    ("live.walk(D, steps=10**7)", "between 1 and"),
    ("live.walk(D, step=1000)", "step is 1000"),
    ("live.walk(D, samplers='euler')", "did you mean 'heun'"),
    ("live.walk(D, schedule='x')", "karras"),
    ("live.guidance(D, P, guidance='x')", "guidance is 'x'"),
    ("live.forward(X * math.nan)", "NaN or infinity"),
    ("live.forward(P, schedules={'a': GRID.flip(0)})", ".flip(0)"),
    ("live.density(D)", "points is a function"),
    ("live.density(3)", "points is 3"),
    ("live.frames(X)", "[a, h, w]"),
    ("live.frames(None)", "[a, h, w]"),
    ("live.frames(torch.zeros(3, 8, 8).long())", "int64"),
    ("live.training(3)", "points is 3"),
]


@pytest.mark.parametrize(("call", "part"), ROWS, ids=lambda text: str(text)[:100])
def test_a_bad_call_is_refused_in_words(call: str, part: str) -> None:
    refused_in_words(call, part, names={"AX": AX})
