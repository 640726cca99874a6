"""The process that reads untrusted files (`app/files/confined.py`), copied for each process of the product that a test starts.

It loads what reads and signs in more than a second of computing, and each server, worker or victim that a test starts had
to start its own. Here one has loaded it for all those of a process of the tests. The copy is a process of its own as
well: it serves whoever asked for it alone, forks one copy for each question, and is gone with whoever asked.
"""

import atexit
import gc
import os
import select
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

from app.files import confined

# As the product starts it, with neither the web's own start nor anything of the environment
_MODEL = (
    confined._CHILD.rpartition("from app")[0]
    + "import runpy; runpy.run_path(sys.argv[1], run_name='__main__')"
)


@lru_cache(maxsize=1)
def address() -> str:
    """Where copies are asked for; the model of them lives as long as this process."""
    model = subprocess.Popen(
        [
            sys.executable,
            "-I",
            "-c",
            _MODEL,
            str(Path(confined.__file__).parents[1]),
            __file__,
            *confined._shared.modules,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"LC_ALL": "C.UTF-8"},
    )
    atexit.register(model.kill)
    assert model.stdout
    return model.stdout.readline().decode().strip()


def copied_from(where: str) -> None:
    """From now on, this process and its forks ask for a copy instead of starting a process."""
    start = confined.Pool.start

    def copied(self: confined.Pool) -> "subprocess.Popen[bytes]":
        return Copy(where) if self.child == confined._CHILD else start(self)  # type: ignore[return-value]

    confined.Pool.start = copied  # type: ignore[method-assign]


class Copy:
    """What a `Popen` is to the pool: two streams, and a process that can be ended."""

    def __init__(self, where: str) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(f"\0{where}")
            self.stdin, self.stdout = connection.makefile("wb"), connection.makefile("rb")
        self._handle = os.pidfd_open(int(self.stdout.readline()))

    def poll(self) -> int | None:
        """`None` while it lives."""
        return 0 if select.select([self._handle], [], [], 0)[0] else None

    def kill(self) -> None:
        """End it where it stands (SIGKILL)."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def wait(self) -> int:
        """Until it has ended."""
        select.select([self._handle], [], [])
        os.close(self._handle)
        return 0


def main(modules: list[str]) -> None:
    """Be the model: one copy for each connection, until whoever started it is gone."""
    for name in modules:
        import_module(name)
    spent = time.process_time()
    # A copy has computed for nothing yet, but its machine is as slow as it was for its model
    confined.time = SimpleNamespace(  # type: ignore[assignment]
        process_time=lambda: spent, monotonic=time.monotonic, clock_gettime=time.clock_gettime
    )
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the copies
    where = f"paraphe-tests-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"\0{where}")
        listening.listen(64)
        os.write(1, f"{where}\n".encode())
        while 0 not in select.select([0, listening], [], [])[0]:
            connection, _ = listening.accept()
            if not os.fork():
                listening.close()
                become(connection, modules)
            connection.close()


def become(connection: socket.socket, modules: list[str]) -> None:
    """Serve this connection in this copy; never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.write(connection.fileno(), f"{os.getpid()}\n".encode())
    for stream in (0, 1):
        os.dup2(connection.fileno(), stream)
    connection.close()
    try:
        confined.wait(modules)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[2:])
