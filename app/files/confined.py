"""A warm process whose copies each answer one question on an untrusted file, under the kernel's limits, and are gone.

To load the libraries that sign takes half a second of computing; to copy a process that has them, a few milliseconds. The
process that waits never opens a file: whatever a file does to the copy that reads it, the next copy is as new.
"""

import atexit
import gc
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from app.core.refusals import Refusal

# The child reads what it is given only: a bare « app » package spares it the web's own start.
_CHILD = (
    "import sys, types; app = types.ModuleType('app'); app.__path__ = [sys.argv.pop(1)]; "
    "sys.modules['app'] = app; "
    "from app.files.confined import wait; wait(sys.argv[1])"
)
IDLE_SECONDS = 900
"""After so long without a question the process that waits gives its memory back."""
MOST_IDLE = 1
LARGEST_ANSWER = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What one answer may take: seconds of computing and in all, bytes of memory and of each file that it writes."""

    cpu_seconds: int
    seconds: float
    memory: int
    written: int


class Confined:
    """Asks `answer` of a module, in a process of its own; one that is free serves again, and at most one waits."""

    def __init__(self, module: str, limits: Limits) -> None:
        self._module, self._limits = module, limits
        self._idle: list[subprocess.Popen[bytes]] = []
        self._owner, self._lock = os.getpid(), Lock()
        atexit.register(self.close)

    def ask(self, question: dict[str, Any]) -> dict[str, Any] | None:
        """What the module answers; None when its limits, or the file, ended it. Refuses `confined-silent` when none starts."""
        asked = json.dumps({"question": question, "limits": asdict(self._limits)}).encode() + b"\n"
        process = self._take()
        try:
            told = _exchange(process, asked)
        except OSError:  # it had waited too long, and has just gone: another is there at once
            _end(process)
            process = self._start()
            try:
                told = _exchange(process, asked)
            except OSError as error:
                _end(process)
                raise Refusal("confined-silent") from error
        except BaseException:
            _end(process)
            raise
        self._give_back(process)
        return json.loads(told) if told.strip() else None

    def close(self) -> None:
        """End the processes that wait."""
        with self._lock:
            idle, self._idle = self._idle, []
        if self._owner == os.getpid():
            for process in idle:
                _end(process)

    def _take(self) -> "subprocess.Popen[bytes]":
        with self._lock:
            if self._owner != os.getpid():  # a copy of the web server: what its model started is not its own
                self._owner, self._idle = os.getpid(), []
            while self._idle:
                process = self._idle.pop()
                if process.poll() is None:
                    return process
                _end(process)
        return self._start()

    def _give_back(self, process: "subprocess.Popen[bytes]") -> None:
        with self._lock:
            if len(self._idle) < MOST_IDLE and process.poll() is None:
                self._idle.append(process)
                return
        _end(process)

    def _start(self) -> "subprocess.Popen[bytes]":
        home = Path(__file__).resolve().parent.parent
        return subprocess.Popen(  # noqa: S603 - our own interpreter and our own program
            [sys.executable, "-I", "-c", _CHILD, str(home), self._module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"LC_ALL": "C.UTF-8"},
        )


def _exchange(process: "subprocess.Popen[bytes]", asked: bytes) -> bytes:
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - both were asked for
    process.stdin.write(asked)
    process.stdin.flush()
    told = process.stdout.readline()
    if not told:
        raise BrokenPipeError
    return told


def _end(process: "subprocess.Popen[bytes]") -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()
    process.kill()
    process.wait()


def wait(module: str) -> None:
    """Be the process that waits: one line asked, one copy made, one line answered, until nobody asks any more."""
    from importlib import import_module

    said = os.dup(1)  # what a library prints is no answer
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    answer: Callable[[dict[str, Any]], dict[str, Any]] = import_module(module).answer
    gc.collect()
    gc.freeze()  # else each copy would write to all the memory that it shares
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: whoever asks ends it
    while select.select([sys.stdin], [], [], IDLE_SECONDS)[0]:
        line = sys.stdin.buffer.readline()
        if not line:
            return
        asked = json.loads(line)
        told = _copied(answer, asked["question"], Limits(**asked["limits"]))
        told += b"\n"
        while told:
            told = told[os.write(said, told) :]


def _copied(answer: Callable[[dict[str, Any]], dict[str, Any]], question: Any, limits: Limits) -> bytes:
    """The answer of a copy of this process, or nothing when it was ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(reading)
            _impose(limits)
            told = json.dumps(answer(question)).encode()
            while told:
                told = told[os.write(writing, told) :]
        finally:
            os._exit(0)
    os.close(writing)
    told, until = b"", time.monotonic() + limits.seconds
    while select.select([reading], [], [], max(0.0, until - time.monotonic()))[0]:
        piece = os.read(reading, 65536)
        if not piece or len(told) > LARGEST_ANSWER:
            break
        told += piece
    else:
        told = b""
    os.close(reading)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return told if _whole(told) else b""


def _whole(told: bytes) -> bool:
    try:
        json.loads(told)
    except ValueError:
        return False
    return True


def _impose(limits: Limits) -> None:
    for limit, value in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_FSIZE, limits.written),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
