"""Claims that are measured, and exercises that answer back.

    claim("without noise the spread stays below 0.06", spread, below=0.06)
    adding_noise.alpha_bar(my_alpha_bar)          # prints "well done", or a question about the first thing that fails
    adding_noise.alpha_bar.hint()                 # a second hint
    adding_noise.alpha_bar.solution()             # the answer as Python, and why

A module of this package is the table of the exercises of the notebook of the same name. `exercise.judged` is the one
loop over a table's entry: it serves the notebooks, the tests, the lecturer's guide and the site.
"""

from pkgutil import iter_modules

from toycore.check.ask import Refused, ask, ask_number, call, close, normal, number, numbers
from toycore.check.claim import ClaimError, claim
from toycore.check.exercise import Exercise, Verdicts, asking, exercises_of
from toycore.check.source import source

TABLES = sorted({module.name for module in iter_modules(__path__)} - {"ask", "claim", "exercise", "source"})

__all__ = [
    "TABLES",
    "ClaimError", "Exercise", "Refused", "Verdicts", "ask", "ask_number", "asking", "call", "claim", "close",
    "exercises_of", "normal", "number", "numbers", "source",
]
