"""Which level a family's signatures must reach, what is reached at the click, and what is left to add afterwards."""

from typing import TYPE_CHECKING

from app.circuits.library import circuit_of, family_of
from app.core.db import Db
from app.core.outbox import News
from app.core.refusals import Refusal
from app.folders.models import DocumentVersion, Folder
from app.people.own_settings.registry import Own
from app.signing import setting, timestamping
from workflows.circuit import Phase, StepKind

if TYPE_CHECKING:
    from app.trust.timestamp import TimestampClient

PDF = "application/pdf"
AUGMENT = "signature.augment"
ADDED_LATER = frozenset({"B-LT", "B-LTA"})
SIGNATURES = frozenset({StepKind.SIGN, StepKind.SEAL})


def level_of(own: Own, family: str) -> str:
    """The level that this family asks for; without a word of its own, B-T where there is a timestamp authority, else B-B.

    `own`: the settings of the collectivity, which may have an authority of its own.
    """
    return family_of(family).signature_level or ("B-T" if timestamping.there(own) else "B-B")


def timestamper_for(own: Own, family: str) -> "TimestampClient | None":
    """Who gives the time of signatures in this family, by the settings of their collectivity; None at level B-B.

    Refuses `level-needs-timestamp` where the family asks for more than there is an authority for: a lower level is never
    given in its place. Refuses `timestamp-account-shut` as `timestamping.serving`.
    """
    level = level_of(own, family)
    if level == "B-B":
        return None
    timestamper = timestamping.serving(own)
    if timestamper is None:
        raise Refusal("level-needs-timestamp", level=level)
    return timestamper


def to_add(db: Db, folder: Folder, version: DocumentVersion, own: Own) -> list[News]:
    """What is left to do once this version is signed: nothing while the round awaits another signature.

    A signature put over the proofs would be lawful (ETSI EN 319 142-1 §5.4) and would leave its own without proofs.
    What is no PDF stays at the level of the click. `own`: the settings of the collectivity.
    """
    level = level_of(own, folder.in_force)
    if level not in ADDED_LATER or version.media_type != PDF or awaits_signature(db, folder):
        return []
    return [news_of(folder.id, version, level)]


def news_of(folder_id: int, version: DocumentVersion, level: str, *, delay: float | None = None) -> News:
    """The row that brings this version to this level; one for each version, whoever asks."""
    payload = {
        "folder_id": folder_id,
        "document_id": version.document_id,
        "version_id": version.id,
        "level": level,
    }
    wait = setting.archive_delay() if delay is None else delay
    return News(AUGMENT, f"{AUGMENT}-{version.id}", payload, folder_id, delay=wait)


def awaits_signature(db: Db, folder: Folder) -> bool:
    """Whether a signature or a seal is still to come before this round of the folder ends."""
    if folder.phase != Phase.RUNNING or folder.circuit_version_id is None:
        return False
    route = circuit_of(db, folder.circuit_version_id).applicable(folder.facts)
    position = next(rank for rank, step in enumerate(route) if step.key == folder.place)
    return any(step.kind in SIGNATURES for step in route[position:])
