"""Kernel limits of the process that reads files of unknown origin; without effect anywhere else."""

import resource
import signal
from pathlib import Path

from app.files import confined

MEGABYTE = 1 << 20
_state = {"bounded": False, "first": 0.0, "most": 0.0}


def impose(*, cpu_seconds: float, megabytes: int, most_megabytes: int, most_seconds: float) -> None:
    """From here the kernel kills this process when it has computed too long, and gives it no more memory than said.

    Computing only: the time that an authority takes to answer is not counted. Nothing can be written to a file.
    `cpu_seconds` run from `begin`; memory is counted beside what the process holds now; `most_megabytes`,
    `most_seconds`: what `allow` may give later.
    """
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    own = _own()
    resource.setrlimit(resource.RLIMIT_DATA, (own + megabytes * MEGABYTE, own + most_megabytes * MEGABYTE))
    _state.update(bounded=True, first=cpu_seconds, most=most_seconds)


def _own() -> int:
    """Bytes of data of this process, as RLIMIT_DATA counts them (proc(5), `statm`: data and stack, in pages)."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5]) * resource.getpagesize()


def begin() -> None:
    """The file is read from here: the seconds of computing that were imposed run.

    They are those of a machine at its usual pace. A slower or busier one, where an honest file costs more too, gets more
    of them in proportion (`confined.pace`), five times at most.
    """
    if _state["bounded"]:
        signal.setitimer(signal.ITIMER_PROF, _state["first"] * confined.pace())


def allow(cpu_seconds: float, *, beyond: float = 0.0) -> None:
    """So many seconds of computing from now, and all the memory: the structure of the file has proved to be sane.

    What a file asks for is what an honest one of its size needs; what it gets is never more than was imposed, and
    `beyond`, for what costs an honest file as much for each of its parts.
    """
    if _state["bounded"]:
        seconds = min(cpu_seconds, _state["most"]) + beyond
        signal.setitimer(signal.ITIMER_PROF, seconds * confined.pace())
        most = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
