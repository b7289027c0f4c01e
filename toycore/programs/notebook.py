"""Run a notebook from start to end: quietly, in its own folder, and stopped by Ctrl-C at once."""

import asyncio
import contextlib
import hashlib
import signal
from pathlib import Path
from typing import Any

import nbformat
import zmq
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from traitlets.config import Config

SIGNALS = signal.SIGINT, signal.SIGTERM


class Client(NotebookClient):
    """nbclient's, but Ctrl-C kills the kernel: to interrupt it is not enough, since a cell may catch that and go on."""

    stopped = False

    async def async_start_new_kernel(self, **options: Any) -> None:
        """Start the kernel, with our own answer to the signals."""
        self.loop, self.task = asyncio.get_running_loop(), asyncio.current_task()
        running.add(self)
        with contextlib.suppress(RuntimeError):  # not on Windows, nor in a thread: there KeyboardInterrupt is raised
            for number in SIGNALS:
                self.loop.add_signal_handler(number, self.stop)
        await super().async_start_new_kernel(**options)

    def stop(self) -> None:
        """Kill the kernel and end the run."""
        self.stopped, self.shutdown_kernel = True, "immediate"
        self.task.cancel()  # type: ignore[union-attr]


running: set[Client] = set()


def stop_all() -> None:
    """Stop the notebooks that run in other threads."""
    for client in list(running):
        client.loop.call_soon_threadsafe(client.stop)


def code_of(book: Any) -> str:
    """Return a name for the code of a notebook, which `course.py record` stores beside the outputs of that code."""
    code = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    return hashlib.sha256(repr(code).encode()).hexdigest()[:16]


def execute(path: Path, timeout: int = 600, after: str = "", first: int | None = None, **options: Any) -> Any:
    """Return the notebook with the outputs of a run, of one more cell `after` it too; the file stays as it is.

    first: run, and return, only so many of its cells.
    Errors: CellExecutionError where a cell fails, RuntimeError where the kernel dies, KeyboardInterrupt on Ctrl-C or
    SIGTERM (within a second or two, and without a kernel left).
    """
    book = nbformat.read(path, as_version=4)
    book.cells = book.cells[:first]
    book.cells += [nbformat.v4.new_code_cell(after)] if after else []
    encryption = Config(KernelManager={"transport_encryption": "auto"} if zmq.has("curve") else {})  # or kernels warn
    client = Client(
        book,
        timeout=timeout,
        kernel_name="python3",
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
        config=encryption,
    )
    try:
        return asyncio.run(client.async_execute(**options))
    except (asyncio.CancelledError, DeadKernelError):
        if client.stopped:
            raise KeyboardInterrupt from None
        raise
    finally:
        running.discard(client)
