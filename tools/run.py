"""Run a module as `python -m` would: python tools/run.py MODULE ...; Ctrl-C and SIGTERM end it with one line.

course.py starts every command so. It holds Ctrl-C back until this file can answer it.
"""

import importlib
import runpy
import signal
import sys
from pathlib import Path

USES_TORCH = "toycore", "tools", "figures", "pytest"  # its C++ parts abort if they are interrupted while they load


def run(name: str) -> None:
    """Run a module, and let Ctrl-C through.

    jupyter's jsonschema compiles a grammar of IRIs when it is imported, for 2 s, to check what we never send: not here.
    """
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    if name.split(".")[0] in USES_TORCH:
        importlib.import_module("torch")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def was_interrupted(error: BaseException | None) -> bool:
    """Say whether an error is Ctrl-C, or arose while Ctrl-C was being handled."""
    while error and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parent.parent)
    sys.argv = sys.argv[1:]
    try:
        run(sys.argv[0])
    except BaseException as error:
        if not was_interrupted(error):
            raise
        print("\ncourse.py: stopped.", file=sys.stderr)
        sys.exit(128 + signal.SIGINT)
