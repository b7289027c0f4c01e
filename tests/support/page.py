"""The page's ES modules, asked from Python: their answers as values."""

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.support.external import node

PAGE = Path(__file__).resolve().parents[2] / "toycore" / "live" / "page"


def answers(module: str, code: str, **given: Any) -> Any:
    """Return what the JavaScript expression `code` gives, with the module's exports as `m` and the values given."""
    names = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in given.items())
    script = f"const m = await import({(PAGE / module).as_uri()!r});\n{names}console.log(JSON.stringify({code}));"
    run = subprocess.run(
        [node(), "--input-type=module", "-"],
        input=script,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout)
