"""Windows' file locks, imitated, so that the code for them runs everywhere."""

import errno
import os
from types import ModuleType


def msvcrt() -> ModuleType:
    """A msvcrt whose `locking` knows one process: a byte that is locked through one file is refused to another."""
    held: dict[tuple[int, int], int] = {}  # (the file on the disk, the byte): who holds it
    module = ModuleType("msvcrt")
    module.LK_NBLCK = 2

    def locking(number: int, mode: int, count: int) -> None:
        assert mode == module.LK_NBLCK and count == 1
        place = os.fstat(number).st_ino, os.lseek(number, 0, os.SEEK_CUR)
        if held.setdefault(place, number) != number:
            raise PermissionError(errno.EACCES, "Permission denied")

    module.locking, module.held = locking, held
    return module
