"""Processes that the worker starts, each with the application of its settings: helpers (`app.batches.crew`), one work apart."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from functools import partial
from multiprocessing.process import BaseProcess

from app.batches import crew
from app.operations.processes import end_with
from config import Settings

_at_work: list[BaseProcess] = []
MOST = 4
"""Helpers that a worker calls unless the installation says: beyond, the database is what all of them wait for."""


def crew_of(settings: Settings) -> None:
    """Let this worker call as many helpers as the installation allows: one for each core beyond two, unless it says."""
    most = settings.batch_processes
    if most is None:
        most = max(0, min(MOST, (os.cpu_count() or 1) - 2))
    crew.ready(partial(start, settings), most)


def start(settings: Settings) -> BaseProcess:
    """A new helper; it ends when it has nothing to do, or when whoever called it has died."""
    process = multiprocessing.get_context("spawn").Process(
        target=_help, args=(settings, os.getpid()), name="paraphe-lot"
    )
    process.start()
    return process


def apart(settings: Settings, work: Callable[[Settings], None], name: str) -> BaseProcess:
    """A process that does one work and ends, at the latest with its caller, killed or not: what it loads goes with it.

    One at a time (`busy`): each is as large as the worker.
    """
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_apart, args=(settings, work, os.getpid()), name=name, daemon=True)
    process.start()
    _at_work[:] = [process]
    return process


def busy() -> bool:
    """Whether a process that this one started apart is still at its work."""
    return any(thread.is_alive() for thread in _at_work)


def _apart(settings: Settings, work: Callable[[Settings], None], caller: int) -> None:
    end_with(caller, signal.SIGKILL)  # `daemon` is for a caller that ends in order; a killed one tells nobody
    from app import create_app

    with create_app(settings).app_context():
        work(settings)


def _help(settings: Settings, caller: int) -> None:
    from app import create_app

    app = create_app(settings)
    from app.batches import signatures  # noqa: F401 - loaded now, not at the first row

    with app.app_context():
        crew.serve(lambda: os.getppid() != caller)
