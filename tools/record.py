"""Run notebooks from start to end and store their outputs, twice with the same result."""

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbclient.exceptions import CellExecutionError

from toycore.checkpoints import write_whole
from toycore.programs.export.cells import WIDGET, states, views
from toycore.programs.export.runs import STILLS, stored
from toycore.programs.notebook import code_of, execute

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {"file_extension": ".py", "mimetype": "text/x-python", "name": "python"}


def with_stills(notebook: dict[str, Any]) -> dict[str, Any]:
    """Put beside each live view its still, for readers without a kernel."""
    stills, known = notebook["metadata"].get("stills", {}), states(notebook)
    for output in (output for cell in notebook["cells"] for output in cell.get("outputs", [])):
        shown = views(output.get("data", {}).get(WIDGET, {}).get("model_id", ""), known)
        for key in list(shown)[:1] if shown.keys() <= stills.keys() else []:
            output["data"]["image/png"] = stills[key]
            output["metadata"]["image/png"] = {"alt": f"A still of a live view: {shown[key]['meta']['title']}"}
    return notebook


def with_hidden_answers(notebook: dict[str, Any]) -> dict[str, Any]:
    """Collapse the outputs below a *Predict*, up to the next text: a click, or running the cell, shows them."""
    asked = False
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            asked = "**Predict" in cell["source"].split("\n## ")[-1]
        elif asked:
            cell["metadata"]["jupyter"] = {"outputs_hidden": True}
        else:
            cell["metadata"].pop("jupyter", None)
    return notebook


def normalise(notebook: dict[str, Any]) -> dict[str, Any]:
    """Drop what differs between two runs: times, widget state, the Python patch version.

    What is left of an output is its text, its pictures and their metadata (alt texts). "recorded" names the code that
    the outputs belong to.
    """
    notebook["metadata"] = {
        "kernelspec": dict(KERNEL),
        "language_info": dict(LANGUAGE),
    }
    if any(cell["cell_type"] == "code" for cell in notebook["cells"]):
        notebook["metadata"]["recorded"] = code_of(notebook)
    for cell in notebook["cells"]:
        for volatile in ("execution", "collapsed", "scrolled"):
            cell["metadata"].pop(volatile, None)
        for output in cell.get("outputs", []):
            forget_widget(output)
    return notebook


def forget_widget(output: dict[str, Any]) -> None:
    """Keep of a widget only its text, without the address in it."""
    if WIDGET in output.get("data", {}):
        del output["data"][WIDGET]
        output["metadata"].pop(WIDGET, None)
        text = "".join(output["data"].get("text/plain", ""))
        output["data"]["text/plain"] = re.sub(r"0x[0-9a-fA-F]+", "ADDRESS", text)


def record(path: Path) -> None:
    """Run one notebook in its folder and replace the file; after an error or Ctrl-C it stays as it was."""
    run = with_hidden_answers(normalise(with_stills(stored(execute(path, after=STILLS)))))
    text = nbformat.writes(nbformat.from_dict(run)).rstrip("\n") + "\n"
    write_whole(path, lambda beside: Path(beside).write_text(text, encoding="utf-8", newline="\n"))


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="tools.record", description=__doc__.split("\n")[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all of them")
    named = [path.resolve() for path in parser.parse_args(arguments).notebooks]
    if missing := [path for path in named if not path.is_file()]:
        parser.error(f"there is no notebook {missing[0]}")
    folder = Path(__file__).resolve().parent.parent / "notebooks"
    for path in named or sorted(folder.glob("*.ipynb")):
        print(path.name, flush=True)
        try:
            record(path)
        except CellExecutionError as error:
            sys.exit(f"{path.name} stops with an error, so its file stays as it was.\n{error}")
        except (OSError, RuntimeError) as error:  # a file that cannot be written, a kernel that dies
            sys.exit(f"{path.name}: {error}")


if __name__ == "__main__":
    main(sys.argv[1:])
