"""Kernel limits of the process that reads files of unknown origin; without effect anywhere else."""

import resource
import signal

MEGABYTE = 1 << 20
_state = {"bounded": False, "most": 0.0}


def impose(*, cpu_seconds: float, megabytes: int, most_megabytes: int, most_seconds: float) -> None:
    """From here the kernel kills this process when it has computed too long, and gives it no more memory than said.

    Computing only: the time that an authority takes to answer is not counted. Nothing can be written to a file.
    `most_megabytes`, `most_seconds`: what `allow` may give later.
    """
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (megabytes * MEGABYTE, most_megabytes * MEGABYTE))
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
    _state.update(bounded=True, most=most_seconds)


def allow(cpu_seconds: float, *, beyond: float = 0.0) -> None:
    """So many seconds of computing from now, and all the memory: the structure of the file has proved to be sane.

    What a file asks for is what an honest one of its size needs; what it gets is never more than was imposed, and
    `beyond`, for what costs an honest file as much for each of its parts.
    """
    if _state["bounded"]:
        signal.setitimer(signal.ITIMER_PROF, min(cpu_seconds, _state["most"]) + beyond)
        most = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
