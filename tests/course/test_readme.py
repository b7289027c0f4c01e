"""The README is true: links lead somewhere, notebooks are listed, commands come early, its code runs."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_links_lead_to_files() -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)]+)\)", README)
    assert links and not [link for link in links if not (ROOT / link).exists()]


def test_every_notebook_is_linked() -> None:
    missing = [p.name for p in (ROOT / "notebooks").glob("*.ipynb") if f"](notebooks/{p.name})" not in README]
    assert not missing, f"link these in the table of README.md: {missing}"


def test_the_two_commands_stand_on_the_first_screen() -> None:
    first = README.splitlines()[:15]
    assert {line.split("#")[0].strip() for line in first if line.startswith("    ")} == {
        "python3 course.py",
        "python3 course.py test",
    }


def test_ci_runs_the_command_of_the_readme() -> None:
    assert "python3 course.py test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_picture_is_small() -> None:
    assert (ROOT / "figures" / "spiral.png").stat().st_size < 150_000


def test_the_example_runs() -> None:
    """With a shorter training, so that it stays quick."""
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code
    names: dict = {}
    exec(code.group(1).replace("fit(spiral)", "fit(spiral, steps=20)"), names)
    assert names["points"].shape == (1000, 2) and names["points"].isfinite().all()
