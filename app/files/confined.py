"""A warm process whose copies each answer what is asked of one untrusted file, under the kernel's limits, and are gone.

To load the libraries that read and sign takes a second of computing; to copy a process that has them, ten milliseconds.
The process that waits never opens a file: whatever a file does to the copy that reads it, the next copy is as new.
"""

import atexit
import gc
import json
import os
import re
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
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
LIGHT_SECONDS, LIGHT_MEGABYTES = 5, 400.0
"""A copy that has cost more answers nothing more: what is asked next has all its limits, as in a new one."""
COLLECTED = 20_000
"""Objects made before a copy looks for those that serve no more: it lasts too little to look often."""
# Seconds of processor that loading takes where the limits were chosen: a slower machine is given more.
USUAL_START, SLOWEST = 1.7, 5.0
_HEAVY = (float("inf"), float("inf"))
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
            # -I: neither the environment nor a user's folders choose what is imported.
            [sys.executable, "-I", "-c", self.child, str(home), *self.modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # No setting, and so no secret, is in the environment of what reads untrusted files.
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


class _Hand:
    """The process whose copy has read a file, while more may be asked of it."""

    def __init__(self) -> None:
        self.pool: Pool | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def let_go(self) -> None:
        """End the copy, and let the process wait for another file."""
        pool, process = self.pool, self.process
        if pool is None or process is None:
            return
        try:
            # An empty request ends the copy; its answer says that it is gone.
            _exchange(process, b"{}\n")
        except OSError:
            end(process)
        else:
            pool.give_back(process)


_hand: ContextVar[_Hand | None] = ContextVar("hand", default=None)


@contextmanager
def of_one_file() -> Iterator[None]:
    """Within, all that is asked is of one file: the copy that has read it answers what is asked next, and ends with the block.

    One that has cost much, or was ended, is not asked again: a new one is, as without this.
    """
    if _hand.get() is not None:
        yield
        return
    hand = _Hand()
    before = _hand.set(hand)
    try:
        yield
    finally:
        _hand.reset(before)
        hand.let_go()


class Confined:
    """Asks `answer` of a module, in a copy of a process that has loaded it with those of all other `Confined`."""

    def __init__(self, module: str, pool: Pool = _shared) -> None:
        self._module, self.pool = module, pool
        pool.modules[module] = None

    def ask(self, question: dict[str, Any], limits: Limits) -> Answer:
        """What the module answers.

        Raises `Ended` when the limits, or the file, ended the copy; refuses `confined-silent` when no process starts.
        """
        hand = _hand.get()
        if hand is not None and hand.pool not in {None, self.pool}:
            hand = None
        request = {
            "module": self._module,
            "question": question,
            "limits": asdict(limits),
            "more": hand is not None,
        }
        answer = json.loads(self._answered(json.dumps(request).encode() + b"\n", hand))
        if "late" in answer:
            raise Ended(**answer)
        return Answer(**answer)

    def _answered(self, line: bytes, hand: _Hand | None) -> bytes:
        process = hand.process if hand is not None and hand.process is not None else self.pool.take()
        if hand is not None:
            # Not in the hand while it answers: after a fault `let_go` has nothing to give back.
            hand.pool, hand.process = self.pool, None
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
        if hand is not None:
            hand.process = process
        else:
            self.pool.give_back(process)
        return reply


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
    """Be the process that waits: one line asked, one line answered by a copy, until nobody asks any more."""
    out = os.dup(1)  # what a library prints is no answer
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for name in modules:
        with suppress(ImportError):  # told when it is asked
            import_module(name)
    _state["pace"] = min(max(time.process_time() / USUAL_START, 1.0), SLOWEST)
    _share()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: whoever asks ends it
    copy: _Copy | None = None
    try:
        while select.select([sys.stdin], [], [], IDLE_SECONDS)[0]:
            line = sys.stdin.buffer.readline()
            if not line:
                return
            request, reply = json.loads(line), dict[str, Any]()
            if copy is not None and not copy.serves(request.get("limits")):  # of another file, or at its end
                copy.end()
                copy = None
            if request:
                if request["module"] not in sys.modules:
                    # In the process that waits, not in the copy: the next ones have it too.
                    import_module(request["module"])
                    _share()
                reply, copy = _replied(line, request, copy, out)
            content = json.dumps(reply).encode() + b"\n"
            while content:
                content = content[os.write(out, content) :]
    finally:
        if copy is not None:
            copy.end()


def _replied(
    line: bytes, request: dict[str, Any], copy: "_Copy | None", out: int
) -> tuple[dict[str, Any], "_Copy | None"]:
    """The answer, and the copy that waits for more; one that ended once it had answered before leaves its place to a new one."""
    for former in (copy, None):
        reader = former or _Copy(request["limits"], out)
        reply, waits = reader.reply(line, request["limits"], more=request["more"])
        if former is None or "late" not in reply or reply["late"]:
            break
    return reply, reader if waits else None


def _share() -> None:
    gc.collect()
    gc.freeze()  # else each copy would write to all the memory that it shares


class _Copy:
    """A copy of this process that reads one file, and answers what is asked of it, one line after the other."""

    def __init__(self, limits: dict[str, Any], out: int) -> None:
        self.limits, self._counted = limits, 0.0
        questions, self._asking = os.pipe()
        self._answer, answering = os.pipe()
        self.pid = os.fork()
        if not self.pid:
            try:
                # It must neither answer in its parent's place nor read what is asked of it.
                for end_of_ours in (self._asking, self._answer, out, 0):
                    os.close(end_of_ours)
                _serve(questions, answering)
            finally:
                # Never back into the loop of its parent, whatever was raised.
                os._exit(0)
        os.close(questions)
        os.close(answering)

    def serves(self, limits: dict[str, Any] | None) -> bool:
        """Whether it may answer within these limits: none is wider than those it has, which the kernel does not give back."""
        return limits is not None and all(limits[name] <= most for name, most in self.limits.items())

    def reply(self, line: bytes, limits: dict[str, Any], *, more: bool) -> tuple[dict[str, Any], bool]:
        """What it answers and what that cost, or how it was ended; and whether it waits for more."""
        self.limits = limits
        content, late = self._said(line, limits["seconds"])
        answer = _read(content)
        spent = self._spent() if more and answer else _HEAVY
        waits = spent[0] < LIGHT_SECONDS and spent[1] < LIGHT_MEGABYTES
        if not waits:
            status, cost = self.end()
            spent = cost.ru_utime + cost.ru_stime, cost.ru_maxrss / 1024
            late = late or (os.WIFSIGNALED(status) and os.WTERMSIG(status) in _TOO_LONG)
        costs = {"cpu_seconds": spent[0] - self._counted, "megabytes": spent[1]}
        self._counted = spent[0]
        return {**(answer if answer and not late else {"late": late}), **costs}, waits

    def _said(self, line: bytes, seconds: float) -> tuple[bytes, bool]:
        """One line, or what there is of it; and whether it came late."""
        content, until = b"", time.monotonic() + seconds
        with suppress(BrokenPipeError):  # it has ended: its answer says so
            while line:
                line = line[os.write(self._asking, line) :]
        if seconds <= 0:  # no time is no time, however soon an answer is there
            return content, True
        while select.select([self._answer], [], [], max(0.0, until - time.monotonic()))[0]:
            piece = os.read(self._answer, 65536)
            content += piece
            if not piece or piece.endswith(b"\n") or len(content) > LARGEST_ANSWER:
                return content, False
        return content, True

    def _spent(self) -> tuple[float, float]:
        """Seconds of computing, and the most megabytes, while it lives."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii", errors="replace")
        peak = re.search(r"VmHWM:\s+(\d+)", status)
        clock = ~self.pid << 3 | 2  # as clock_getcpuclockid(3) makes it of a process
        return (time.clock_gettime(clock), int(peak[1]) / 1024) if peak else _HEAVY

    def end(self) -> tuple[int, resource.struct_rusage]:
        """Kill it where it stands, and bury it: how it had ended, and what it has cost."""
        os.close(self._asking)
        os.close(self._answer)
        os.kill(self.pid, signal.SIGKILL)
        _, status, cost = os.wait4(self.pid, 0)
        return status, cost


def _serve(asking: int, answering: int) -> None:
    """Be the copy: answer each line, until it is killed."""
    gc.set_threshold(COLLECTED)
    with open(asking, "rb") as questions:
        for line in questions:
            request = json.loads(line)
            _impose(Limits(**request["limits"]))
            answer: Callable[[dict[str, Any]], dict[str, Any]] = import_module(request["module"]).answer
            content = json.dumps(answer(request["question"])).encode() + b"\n"
            while content:
                content = content[os.write(answering, content) :]
            if not request["more"]:
                return


def _read(content: bytes) -> dict[str, Any] | None:
    """A whole answer; None of a part of one, or of none."""
    try:
        return {"content": json.loads(content)} if content.endswith(b"\n") else None
    except ValueError:
        return None


def _impose(limits: Limits) -> None:
    for limit, value in (
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, limits.written),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    # One second later the kernel would no longer say why
    seconds, most = int(time.process_time()) + limits.cpu_seconds, LIGHT_SECONDS + limits.cpu_seconds + 1
    # A copy's clock goes on from one question to the next: each is given its seconds anew.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, most))
