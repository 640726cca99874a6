"""A process that has loaded the product and copies itself for each server that a test starts, as if it had just been typed.

To load the product takes two seconds of computing, and each test starts a web server and a worker: half of the minutes of
this room. The copy takes the environment, the log and the arguments of the command, then runs it from its first line.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import sys
from pathlib import Path

import pytest

from app.people import passwords
from tests.builders.hours import leave_at_any_hour
from tests.builders.light import LIGHT
from tests.builders.warm import copied_from

ROOT = Path(__file__).resolve().parents[2]


def main(where: str, modules: list[str]) -> None:
    """One line asked (`argv`, `env`, `log`), one copy made, one line answered: its number."""
    for name in modules:
        importlib.import_module(name)
    copied_from(where)
    # A server that hashed as an installation would at each first login hash again what the tests have kept lightly
    passwords.hasher = lambda: LIGHT
    leave_at_any_hour(pytest.MonkeyPatch())
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries the copies
    say("ready")
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if not child:
            become(**asked)
        say(child)


def say(what: object) -> None:
    """One line to whoever asks."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def become(argv: list[str], env: dict[str, str], log: str) -> None:
    """Run `python -m …` in this copy, with these variables; never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(out, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(ROOT)
    sys.argv = list(argv)
    status = 0
    try:
        runpy.run_module(argv[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        status = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
