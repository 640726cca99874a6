"""Start the processes of an installation together; when one falls, all stop, and the system starts them again.

Nobody outlives the one who watches: should it be killed, the kernel tells the others to stop.
"""

import ctypes
import multiprocessing
import os
import shlex
import signal
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FORKS = Path(__file__).with_name("forks.py")
STOP_SECONDS = 25
"""How long what is under way may still take once a stop is asked; after it, the processes are killed."""
READY_SECONDS = 60
"""How long a process waits for those that it needs before it starts all the same."""
_PDEATHSIG = 1  # prctl(2)


def run(
    *,
    listen: str,
    workers: int,
    more: Mapping[str, str] | None = None,
    needs: Sequence[int] = (),
) -> int:
    """Run the web server and the worker until one ends or a signal comes; returns the exit code.

    `listen`: an address and its port, or `unix:` and the path of a socket, which its owner and its group alone may enter.
    `more`: other commands to run beside them; `needs`: local ports that must answer before the worker starts.
    """
    from honcho import manager as honcho
    from honcho import printer

    honcho.KILL_WAIT = STOP_SECONDS
    # honcho forks one process for each command, and that one starts it: the first dies with us, the second stops with it.
    multiprocessing.set_start_method("fork", force=True)
    watcher = os.getpid()
    os.register_at_fork(after_in_child=lambda: end_with(watcher, signal.SIGKILL))
    web = (
        f"{sys.executable} -m gunicorn --workers {workers} --threads 4 --worker-class gthread "
        f"--bind {shlex.quote(listen)} --umask 0o007 "
        f"--timeout 120 --graceful-timeout {STOP_SECONDS - 5} --no-control-socket --config {FORKS} wsgi:app"
    )
    commands = {"web": web, "worker": f"{sys.executable} -m flask --app wsgi worker", **(more or {})}
    # Each line as it was written: a collector reads the JSON of the logs as it is
    manager = honcho.Manager(printer.Printer(sys.stderr, prefix=False))
    for name, command in commands.items():
        awaited = ",".join(map(str, needs if name == "worker" else ()))
        # $PPID is the shell's parent; the shell itself gives its place to what follows.
        tied = f'{sys.executable} -P {__file__} tied "$PPID" "{awaited}"'
        manager.add_process(name, f"exec {tied} {command}", cwd=str(ROOT))
    manager.loop()
    return int(manager.returncode or 0)


def tie(parent: int, needs: Sequence[int], command: Sequence[str]) -> None:
    """Become `command` once the ports it needs answer; it is asked to stop (SIGTERM) when its parent dies."""
    end_with(parent, signal.SIGTERM)
    late = time.monotonic() + READY_SECONDS
    while not all(map(_answers, needs)) and time.monotonic() < late:
        time.sleep(0.05)
    os.execv(command[0], [*command])  # noqa: S606


def end_with(parent: int, with_signal: int) -> None:
    """Have the kernel send this signal to this process when the thread that started it ends; only Linux knows how (prctl(2)).

    Where that thread has ended already, this process ends here.
    """
    ask = getattr(ctypes.CDLL(None), "prctl", None)
    if ask is not None:
        ask(_PDEATHSIG, int(with_signal), 0, 0, 0)
        if os.getppid() != parent:  # it died before it could be asked
            os._exit(1)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _main(verb: str, *arguments: str) -> None:
    """What `flask --app wsgi serve` becomes, without the application, and what each command goes through."""
    if verb == "tied":
        parent, needs, *command = arguments
        tie(int(parent), [int(number) for number in needs.split(",") if number], command)
    sys.exit(run(listen=verb, workers=int(arguments[0])))


if __name__ == "__main__":
    _main(*sys.argv[1:])
