"""A warm process whose copies each answer one question on an untrusted file, under the kernel's limits, and are gone.

To load the libraries that read and sign takes a second of computing; to copy a process that has them, a few milliseconds.
The process that waits never opens a file: whatever a file does to the copy that reads it, the next copy is as new.
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
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

from app.core.refusals import Refusal

# The child reads what it is given only: a bare « app » package spares it the web's own start, and the law stands beside it.
_CHILD = (
    "import sys, types; app = types.ModuleType('app'); app.__path__ = [sys.argv.pop(1)]; "
    "law = types.ModuleType('workflows'); law.__path__ = [app.__path__[0].removesuffix('app') + 'workflows']; "
    "sys.modules |= {'app': app, 'workflows': law}; "
    "from app.files.confined import wait; wait(sys.argv[1:])"
)
IDLE_SECONDS = 900
"""After so long without a question the process that waits gives its memory back."""
MOST_IDLE = 1
LARGEST_ANSWER = 8 << 20
USUAL_START, SLOWEST = 1.7, 5.0
_TOO_LONG = {signal.SIGPROF, signal.SIGXCPU}
_state = {"pace": 1.0}


@dataclass(frozen=True)
class Limits:
    """What one answer may take: seconds of computing and in all, bytes of memory and of each file that it writes."""

    cpu_seconds: int
    seconds: float
    memory: int
    written: int


class Ended(Exception):  # noqa: N818 (it says what happened to a file, not that we failed)
    """The copy was ended before its answer: by its time (`late`), or by its memory, what it wrote, or the file itself.

    What it cost is as for an `Answer`.
    """

    def __init__(self, *, late: bool, cpu_seconds: float, megabytes: float) -> None:
        super().__init__("late" if late else "ended")
        self.late, self.cpu_seconds, self.megabytes = late, cpu_seconds, megabytes


@dataclass(frozen=True)
class Answer:
    """What the module answered, and what it cost: seconds of computing, and the most memory in megabytes."""

    content: dict[str, Any]
    cpu_seconds: float
    megabytes: float


class Pool:
    """The processes that wait: one that is free serves again, one at most waits, and all load the same modules."""

    def __init__(self, child: str = _CHILD) -> None:
        self.child, self.modules = child, dict[str, None]()
        self.idle: list[subprocess.Popen[bytes]] = []
        self._owner, self._lock = os.getpid(), Lock()
        atexit.register(self.close)

    def take(self) -> "subprocess.Popen[bytes]":
        """One that waits, or a new one."""
        with self._lock:
            if self._owner != os.getpid():  # a copy of the web server: what its model started is not its own
                self._owner, self.idle = os.getpid(), []
            while self.idle:
                process = self.idle.pop()
                if process.poll() is None:
                    return process
                end(process)
        return self.start()

    def give_back(self, process: "subprocess.Popen[bytes]") -> None:
        """Let it wait for the next question, or end it when another already does."""
        with self._lock:
            if len(self.idle) < MOST_IDLE and process.poll() is None:
                self.idle.append(process)
                return
        end(process)

    def start(self) -> "subprocess.Popen[bytes]":
        """A new one, with everything that was ever asked here."""
        home = Path(__file__).resolve().parent.parent
        return subprocess.Popen(  # noqa: S603 - our own interpreter and our own program
            [sys.executable, "-I", "-c", self.child, str(home), *self.modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"LC_ALL": "C.UTF-8"},
        )

    def close(self) -> None:
        """End the processes that wait."""
        with self._lock:
            idle, self.idle = self.idle, []
        if self._owner == os.getpid():
            for process in idle:
                end(process)


_shared = Pool()


class Confined:
    """Asks `answer` of a module, in a copy of a process that has loaded it with those of all other `Confined`."""

    def __init__(self, module: str, pool: Pool = _shared) -> None:
        self._module, self.pool = module, pool
        pool.modules[module] = None

    def ask(self, question: dict[str, Any], limits: Limits) -> Answer:
        """What the module answers.

        Raises `Ended` when the limits, or the file, ended the copy; refuses `confined-silent` when no process starts.
        """
        request = {"module": self._module, "question": question, "limits": asdict(limits)}
        line = json.dumps(request).encode() + b"\n"
        process = self.pool.take()
        try:
            reply = _exchange(process, line)
        except OSError:  # it had waited too long, and has just gone: another is there at once
            end(process)
            process = self.pool.start()
            try:
                reply = _exchange(process, line)
            except OSError as error:
                end(process)
                raise Refusal("confined-silent") from error
        except BaseException:
            end(process)
            raise
        self.pool.give_back(process)
        answer = json.loads(reply)
        if "late" in answer:
            raise Ended(**answer)
        return Answer(**answer)


def pace() -> float:
    """How many times longer than usual this machine took to load the program; 1 at least, 5 at most."""
    return _state["pace"]


def _exchange(process: "subprocess.Popen[bytes]", line: bytes) -> bytes:
    assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - both were asked for
    process.stdin.write(line)
    process.stdin.flush()
    reply = process.stdout.readline()
    if not reply:
        raise BrokenPipeError
    return reply


def end(process: "subprocess.Popen[bytes]") -> None:
    """End a process that waits."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()
    process.kill()
    process.wait()


def wait(modules: list[str]) -> None:
    """Be the process that waits: one line asked, one copy made, one line answered, until nobody asks any more."""
    out = os.dup(1)  # what a library prints is no answer
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for name in modules:
        with suppress(ImportError):  # told when it is asked
            import_module(name)
    _state["pace"] = min(max(time.process_time() / USUAL_START, 1.0), SLOWEST)
    _share()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: whoever asks ends it
    while select.select([sys.stdin], [], [], IDLE_SECONDS)[0]:
        line = sys.stdin.buffer.readline()
        if not line:
            return
        request = json.loads(line)
        if request["module"] not in sys.modules:
            import_module(request["module"])
            _share()
        answer: Callable[[dict[str, Any]], dict[str, Any]] = sys.modules[request["module"]].answer
        reply = _copied(answer, request["question"], Limits(**request["limits"]), out) + b"\n"
        while reply:
            reply = reply[os.write(out, reply) :]


def _share() -> None:
    gc.collect()
    gc.freeze()  # else each copy would write to all the memory that it shares


def _copied(
    answer: Callable[[dict[str, Any]], dict[str, Any]], question: Any, limits: Limits, out: int
) -> bytes:
    """The answer of a copy of this process and what it cost, or how it was ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            for end_of_ours in (reading, out, 0):
                os.close(end_of_ours)
            _impose(limits)
            content = json.dumps(answer(question)).encode()
            while content:
                content = content[os.write(writing, content) :]
        finally:
            os._exit(0)
    os.close(writing)
    content, until, late = b"", time.monotonic() + limits.seconds, False
    while select.select([reading], [], [], max(0.0, until - time.monotonic()))[0]:
        piece = os.read(reading, 65536)
        if not piece or len(content) > LARGEST_ANSWER:
            break
        content += piece
    else:
        late = True
    os.close(reading)
    os.kill(child, signal.SIGKILL)
    _, status, cost = os.wait4(child, 0)
    late = late or (os.WIFSIGNALED(status) and os.WTERMSIG(status) in _TOO_LONG)
    spent = {"cpu_seconds": cost.ru_utime + cost.ru_stime, "megabytes": cost.ru_maxrss / 1024}
    if late or not _whole(content):
        return json.dumps({"late": late, **spent}).encode()
    return b'{"content": ' + content + b", " + json.dumps(spent).encode()[1:]


def _whole(content: bytes) -> bool:
    try:
        json.loads(content)
    except ValueError:
        return False
    return True


def _impose(limits: Limits) -> None:
    for limit, value in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, limits.written),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    # One second later the kernel would no longer say why
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))
