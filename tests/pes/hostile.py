"""Run in a process of its own: take a flow in as a deposit does, with 100 MB and two seconds of processor more than at rest.

Whoever goes beyond gets no memory (RLIMIT_AS) or is killed (RLIMIT_CPU): nothing is timed. It writes the key of the refusal, or
how many pieces and attachments were read.
"""

import resource
import sys
import tempfile
from pathlib import Path

from app.core.refusals import Refusal
from app.files.intake import examine
from app.pes import coherence, schema
from app.pes.attachment import content
from app.pes.payslips import payslips
from app.signing.formats.pes_before import foreseen

MEMORY, SECONDS = 100 << 20, 2


def deposit(path: Path) -> str:
    """All that reads a flow between its upload and its page, in the order of the deposit, then its first attachment."""
    with tempfile.TemporaryDirectory() as room:
        examine(
            path,
            "flux.xml",
            role="main",
            to_be_signed=True,
            formats=("xml",),
            office=None,
            workdir=Path(room),
            as_it_is=True,
        )
    foreseen(path)
    flow = coherence.read(path)
    faults = schema.compare(path).faults
    if flow.attachments:
        first = flow.attachments[0]
        with path.open("rb") as stream:
            payslips(content(iter(lambda: stream.read(1 << 20), b""), first.start, first.end))
    return f"{flow.pieces} pieces, {len(flow.attachments)} attachments, {len(faults)} faults"


def limited() -> None:
    """What the process has now is what it needs at rest: libraries loaded, the schema compiled."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    most = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (soft, soft))


if __name__ == "__main__":
    deposit(Path(sys.argv[1]))  # a sound flow, so that everything is loaded
    limited()
    try:
        sys.stdout.write(deposit(Path(sys.argv[2])))
    except Refusal as refusal:
        sys.stdout.write(refusal.key)
