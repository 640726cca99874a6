"""At deposit, a PDF is signed for nothing: what could not be signed is known that day, not at the mayor's click."""

from pathlib import Path
from tempfile import TemporaryDirectory

from app.files.confined import Confined, Ended, Limits
from app.folders.sockets import DryRun

LIMITS = Limits(cpu_seconds=25, seconds=40.0, memory=2 << 30, written=2 << 30)
_room = Confined("app.signing.dry_runner")


def dry_run(path: Path) -> DryRun:
    """What stands against our signature on a PDF that is to be signed (`app.signing.dry_runner`); nothing of it is kept."""
    with TemporaryDirectory(prefix="paraphe-dry-") as room:
        try:
            answer = _room.ask({"path": str(path.resolve()), "room": room}, LIMITS).content
        except Ended:
            return DryRun("too-heavy")
    return DryRun(str(answer["why"]), answer["free_fields"])
