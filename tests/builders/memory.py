"""Where the tests write: in memory, where the machine has enough of it, for a disk is waited for at each commit."""

import os
import re
import tempfile
from functools import cache
from pathlib import Path

DISK = Path(tempfile.gettempdir())
MEMORY = Path("/dev/shm")
ROOM, LEFT = 2 << 30, 4 << 30
"""Bytes that a whole run may write there at one time, and that the machine has left for the programs of the tests."""


@cache
def memory() -> Path | None:
    """The folder that lies in memory; None where it is small (64 MB in many containers) or runs no program."""
    if not os.access(MEMORY, os.W_OK):
        return None
    there = os.statvfs(MEMORY)
    left = re.search(r"^MemAvailable:\s*(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    roomy = there.f_bavail * there.f_frsize >= ROOM and left is not None and int(left[1]) << 10 >= LEFT
    return MEMORY if roomy and not there.f_flag & os.ST_NOEXEC else None
