"""Files from the network: mirrors in turn, each file checked by its sha256, kept once it is whole."""

import errno
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

SLOWEST = 10_000  # bytes a second that a mirror must send on average, after the first seconds


class Remote(NamedTuple):
    """A file somewhere else: its name and its sha256."""

    name: str
    sha256: str


def default_folder() -> Path:
    """Return where downloads are kept: the cache folder of this system, or TOYCORE_DATA if that is set."""
    import pooch

    return Path(os.environ.get("TOYCORE_DATA") or pooch.os_cache("toycore"))


def fetch(
    file: Remote, mirrors: Sequence[str], folder: str | Path | None = None, timeout: float = 20, progress: bool = True
) -> Path:
    """Return the file's path in the folder; if it is not there, fetch it from the first mirror with the right bytes.

    A mirror is given up when it is silent for `timeout` seconds, sends less than 10 kB a second, breaks off, or sends
    other bytes than the sha256 fits; nothing half-written stays. Errors: no mirror helped, with the error of each and
    what to do; the folder cannot be written.
    """
    import pooch

    given, kept, reasons = folder, Path(folder or default_folder()), []
    pooch.get_logger().setLevel("WARNING")
    for mirror in mirrors:
        load = steadily(timeout, progress)
        try:
            return Path(pooch.retrieve(mirror + file.name, f"sha256:{file.sha256}", file.name, kept, downloader=load))
        except (OSError, ValueError) as error:
            if _is_local(error):
                raise OSError(f"cannot keep {file.name} in {kept}: {_advice(error, given)}") from None
            reasons.append(f"  {mirror}: {type(error).__name__}, {str(error).splitlines()[0][:120]}")
    raise ConnectionError(
        f"{file.name} could not be downloaded. Check the network and try again, or put the file (sha256"
        f" {file.sha256}) into {kept}. The sets digits, mnist-test, strokes, fonts and shapes need no network.\n"
        + "\n".join(reasons)
    )


def _is_local(error: Exception) -> bool:
    """Whether this machine's disk refused, not the network (whose errors come as URLError)."""
    if isinstance(error, urllib.error.URLError):
        return False
    refusals = errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.ENOTDIR, errno.EEXIST
    return isinstance(error, PermissionError) or getattr(error, "errno", None) in refusals


def _advice(error: Any, folder: str | Path | None) -> str:
    """Repeat what the system said, and say what to do about it."""
    other = "give another folder" if folder else "set the environment variable TOYCORE_DATA to another folder"
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    do = f"make room there, or {other}" if full else f"{other}, one you may write to"
    return f"{error.strerror or error}; {do}"


def steadily(timeout: float, progress: bool) -> Callable[[str, Any, Any], None]:
    """Return a downloader for pooch that follows the bytes as they come and gives up on a mirror that drips."""
    from tqdm.auto import tqdm

    def download(url: str, file: Any, _: Any) -> None:
        begun, received = time.monotonic(), 0
        with urllib.request.urlopen(url, timeout=timeout, context=_certificates()) as answer, open(file, "wb") as out:
            total = int(answer.headers.get("Content-Length") or 0)
            with tqdm(total=total, unit="B", unit_scale=True, disable=not progress, desc=url.split("/")[-1]) as bar:
                while part := answer.read1(1 << 16):
                    received += out.write(part)
                    bar.update(len(part))
                    if time.monotonic() - begun > timeout + received / SLOWEST:
                        raise TimeoutError(f"only {received:,} bytes in {time.monotonic() - begun:.0f} s")
        if received < total:
            raise ConnectionError(f"broke off after {received:,} of {total:,} bytes")

    return download


def _certificates() -> ssl.SSLContext:
    """Return the system's certificates and those of certifi, as some Pythons come with none."""
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context
