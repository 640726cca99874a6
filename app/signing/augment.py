"""The job that brings a signed document to its archive level.

It adds a version and moves nothing: what was sent, what is shown and what is awaited stay as they are. Killed at any
moment it leaves at most a file that no row names; run again it finds the version that it has already added.
"""

import threading
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.french import instant_preuve
from app.core.outbox import Needless, Row
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.files import vault
from app.folders.access import lock
from app.folders.documents import add_version, last_version
from app.folders.keep import Kept
from app.folders.models import Document, DocumentVersion, Folder
from app.journal.chain import Event, append
from app.people.actor import Actor, system
from app.signing import levels, timestamping
from app.signing.formats import augmentation, preservation
from app.signing.formats.augmentation import Answers
from app.signing.formats.preservation import Preserved
from app.signing.models import Augmentation, SignatureProof
from app.trust import authorities

FRESH = timedelta(minutes=10)
_batch = threading.local()


def augment(row: Row) -> None:
    """Bring the version that the row names to its level, outside any transaction; then tell it in one.

    Nothing is done (`Needless`) for a version that is no longer the last of its document: it was augmented already, or
    a new round began. The collectivity's authority dates it. Refuses as `formats.augmentation` and
    `formats.preservation` do; the row then tries again.
    """
    actor, level = system(row.collectivity_id), str(row.payload["level"])
    with reading(row.collectivity_id) as db:
        version = _still_last(db, row.payload["version_id"])
        if levels.awaits_signature(db, db.get_one(Folder, row.payload["folder_id"])):
            raise Needless("une autre signature est attendue : les preuves seront ajoutées après elle")
        signed_at, ours = _our_signatures(db, version)
        of_before = sa.select(Augmentation.level).where(Augmentation.version_id == version.id)
        renews = db.scalar(of_before) == "B-LTA"
    timestamper = timestamping.of_collectivity(row.collectivity_id) if level == "B-LTA" else None
    if timestamper is None and level == "B-LTA":
        raise Refusal("level-needs-timestamp", level=level)
    scope = vault.scope(row.collectivity_id)
    with TemporaryDirectory(prefix="paraphe-augment-") as room:
        source, target = Path(room) / "source.pdf", Path(room) / "augmented.pdf"
        vault.store().fetch(scope, version.sha256, source)
        try:
            augmentation.augment(
                source,
                target,
                answers=answers(signed_at),
                timestamper=timestamper,
                fields=ours,
                renews=renews,
            )
        except BaseException:
            forget()  # a silence is remembered too, and must not be taken for an answer by the next row
            raise
        preserved = preservation.check(
            target,
            source=source,
            level=level,
            trust=authorities.trust(),
            moment=now(),
            fields=ours,
            renews=renews,
        )
        stored = vault.store().put_file(scope, target)
    note = {**version.note, "facts": [*version.note.get("facts", ()), _sentence(preserved)]}
    file = Kept(
        "main",
        "",
        version.filename,
        stored.sha256,
        stored.size,
        version.media_type,
        version.pages,
        "signed",
        note,
    )
    keep(actor, row.payload["folder_id"], version.id, file, preserved)


def answers(signed_at: datetime) -> Answers:
    """What authorities answered after `signed_at`, shared by the rows that this thread does in the next ten minutes."""
    known: Answers | None = getattr(_batch, "answers", None)
    fits = known is not None and known.trust is authorities.trust() and known.moment > now() - FRESH
    if known is None or not fits or known.moment < signed_at:
        known = _batch.answers = Answers(authorities.trust(), now())
    return known


def forget() -> None:
    """Forget what authorities answered to this thread."""
    _batch.answers = None


def _sentence(preserved: Preserved) -> str:
    if preserved.ends_at is None or preserved.timestamped_at is None:
        return f"Preuves d’archivage {preserved.level} ajoutées"
    return f"Preuves d’archivage {preserved.level} ajoutées, horodatées du {instant_preuve(preserved.timestamped_at)}"


def _still_last(db: Db, version_id: int) -> DocumentVersion:
    version = db.get_one(DocumentVersion, version_id)
    if last_version(db, version.document_id).id != version.id:
        raise Needless("une version plus récente existe : les preuves y sont, ou un nouveau tour a commencé")
    return version


def _our_signatures(db: Db, version: DocumentVersion) -> tuple[datetime, frozenset[str]]:
    """When the last signature of this round was told, by our own clock as `Answers.moment` is; and the fields of all."""
    query = (
        sa.select(DocumentVersion.created_at, SignatureProof.field)
        .join(SignatureProof, SignatureProof.version_id == DocumentVersion.id)
        .where(DocumentVersion.document_id == version.document_id, DocumentVersion.round == version.round)
    )
    rows = db.execute(query).all()
    return max((row.created_at for row in rows), default=version.created_at), frozenset(
        row.field for row in rows
    )


@use_case
def keep(db: Db, actor: Actor, folder_id: int, base_id: int, file: Kept, preserved: Preserved) -> None:
    """Write the augmented version, what it reached and the journal line, together; nothing if another came first."""
    folder = lock(db, actor, folder_id, None)
    # Asked again under the lock: another worker may have added one meanwhile.
    base = _still_last(db, base_id)
    document = db.get_one(Document, base.document_id)
    version = add_version(db, document.id, folder, actor, file)
    db.add(
        Augmentation(
            collectivity_id=actor.collectivity_id,
            folder_id=folder.id,
            document_id=document.id,
            version_id=version.id,
            level=preserved.level,
            timestamped_at=preserved.timestamped_at,
            ends_at=preserved.ends_at,
            made_at=now(),
        )
    )
    facts = {
        "document": document.id,
        "number": version.number,
        "sha256": version.sha256,
        "from": base.sha256,
        "level": preserved.level,
        "signatures": preserved.signatures,
        "timestamp": preserved.timestamped_at.isoformat() if preserved.timestamped_at else None,
        "ends": preserved.ends_at.isoformat() if preserved.ends_at else None,
    }
    event = Event("document.augmented", actor.name, None, folder.id, {"round": folder.round, **facts})
    append(db, actor.collectivity_id, event)
