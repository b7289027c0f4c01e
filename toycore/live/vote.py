"""A ballot for the reader: statements without verdicts, a vote on each, and the verdicts when asked for.

    from toycore.live.vote import ballot
    ballot([("Noise is good.", "half true", "It depends on the noise.")])

It works without a kernel: votes stay in the page, verdicts travel with it. With one, `.votes` holds them.
"""

from collections.abc import Sequence
from functools import cache

import anywidget
import traitlets as t

from toycore import style
from toycore.checks import one_of
from toycore.live import engine

CHOICES = ["true", "half true", "false"]
LOOK = """
.tc-ballot { --tc-unit: 14px; display: grid; gap: 0.6em; }
.slides .tc-ballot { --tc-unit: 20px; }
.tc-statement { margin: 0; padding: 0.5em 0; border: 0; border-top: 1px solid var(--tc-faint); min-width: 0; }
.tc-statement legend { float: left; width: 100%; padding: 0 0 0.4em; }
.tc-statement .tc-choice { clear: both; position: relative; }
.tc-verdict { margin: 0.5em 0 0; padding-left: 0.7em; border-left: 3px solid var(--tc-accent); }
.tc-foot { display: flex; flex-wrap: wrap; align-items: center; gap: 1em; }
.tc-foot button { max-width: none !important; flex: 0 0 auto !important; padding: 0 0.8em !important; }
"""


class Ballot(anywidget.AnyWidget):
    """Statements and the votes on them: `votes[i]` is a place in `choices`, -1 where none was cast."""

    _css = t.Unicode("").tag(sync=True)
    title = t.Unicode("What do you think?").tag(sync=True)
    statements = t.List(t.Unicode()).tag(sync=True)
    choices = t.List(t.Unicode(), CHOICES).tag(sync=True)
    verdicts = t.List(t.Int()).tag(sync=True)
    reasons = t.List(t.Unicode()).tag(sync=True)
    votes = t.List(t.Int()).tag(sync=True)
    compared = t.Bool(False).tag(sync=True)
    palette = t.Dict().tag(sync=True)

    def __repr__(self) -> str:
        return f"<live.ballot: {self.title}>"


@cache
def module() -> str:
    """Return the ES module of the ballot."""
    return engine.module("ballot")


def ballot(statements: Sequence[tuple[str, str, str]], title: str = "What do you think?") -> Ballot:
    """Show statements to vote on, each given as (statement, verdict, one sentence why); a verdict is one of CHOICES."""
    if not statements:
        raise ValueError("a ballot needs at least one statement: (statement, verdict, one sentence why)")
    verdicts = [CHOICES.index(one_of(verdict, CHOICES, "verdict")) for _, verdict, _ in statements]
    colours = {"light": style.LIGHT, "dark": style.DARK}
    return Ballot(
        _esm=module(),
        _css=engine.css() + LOOK,
        title=title,
        statements=[said for said, _, _ in statements],
        verdicts=verdicts,
        reasons=[why for _, _, why in statements],
        votes=[-1] * len(statements),
        palette={k: {n: v for n, v in c._asdict().items() if isinstance(v, str)} for k, c in colours.items()},
    )
