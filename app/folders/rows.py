"""The rows of a folder that several rooms of its page ask for: read together there, alone elsewhere."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.circuits.models import CircuitVersion
from app.core.db import Db
from app.core.outbox import Outbox
from app.core.questions import OF, Question, ask, once
from app.folders.access import looks_on, reader_of
from app.folders.models import (
    STEPS_PER_ROUND,
    TOLD,
    ActNumber,
    AskedOpinion,
    CircuitChange,
    Document,
    DocumentSeen,
    DocumentVersion,
    DocumentWords,
    Folder,
    FolderLink,
    FolderNote,
    Publication,
    Reading,
    StepRun,
)
from app.folders.sockets import plugged
from app.people.models import Collectivity, User
from workflows.circuit import StepKind
from workflows.vocabulary import Origin, Role


def _of_the_folder(column: Any) -> Any:
    return sa.select(column).where(Folder.id == OF).scalar_subquery()


OF_HERE = sa.select(Collectivity).where(Collectivity.id == sa.bindparam("here"))
"""The collectivity of what else is read (`read_beside`): whoever asks for it again finds it in the session."""
COLLECTIVITY = Question((Collectivity,), Collectivity.id == _of_the_folder(Folder.collectivity_id))
CIRCUIT = Question((CircuitVersion,), CircuitVersion.id == _of_the_folder(Folder.circuit_version_id))
CHANGES = Question((CircuitChange,), CircuitChange.folder_id == OF)
"""The changes made to its coming steps."""
RUNS = Question((StepRun,), StepRun.folder_id == OF)
ASKED = Question((AskedOpinion,), AskedOpinion.folder_id == OF, order=lambda row: row[0].run_id)
"""The opinions asked beside its steps."""
DOCUMENTS = Question(
    (Document, DocumentVersion),
    Document.folder_id == OF,
    ((DocumentVersion, DocumentVersion.document_id == Document.id),),
    order=lambda row: (row[0].position, row[0].id, -row[1].number if row[1] is not None else 0),
)
"""Each document beside each of its versions, the last version first; those that were removed as well."""
PUBLICATION = Question((Publication,), Publication.folder_id == OF, order=lambda row: row[0].folder_id)
READERS = Question((Reading,), Reading.folder_id == OF, order=lambda row: row[0].user_id)
SEEN = Question(
    (DocumentSeen,), DocumentSeen.folder_id == OF, order=lambda row: (row[0].seen_at, row[0].user_id)
)
"""Who has seen which version of its documents whole."""
NOTES = Question((FolderNote,), sa.and_(FolderNote.folder_id == OF, FolderNote.taken_back_at.is_(None)))
"""All that were not taken back, whoever they are for: `notes.readable` says which somebody reads."""
LINKS = Question(
    (FolderLink,),
    sa.or_(FolderLink.folder_id == OF, FolderLink.origin_id == OF),
    order=lambda row: row[0].folder_id,
)
"""That it was opened from another folder, and which ones were opened from it."""
UNREAD = Question(
    (DocumentWords,),
    sa.and_(DocumentWords.folder_id == OF, DocumentWords.state == "failed"),
    order=lambda row: row[0].document_id,
)
"""The documents whose words could not be read for the search."""
NUMBERS = Question((ActNumber,), ActNumber.folder_id == OF)
POSTED = Question((Outbox,), Outbox.folder_id == OF)
RECIPIENTS = Question(
    (User,),
    User.id.in_(
        sa.select(Outbox.payload["user_id"].as_integer()).where(Outbox.folder_id == OF, Outbox.kind == "mail")
    ),
)
"""Whom the letters about a folder are for."""
ENGAGED = frozenset({StepKind.SIGN.value, StepKind.SEAL.value})
EVERY = (
    COLLECTIVITY,
    CIRCUIT,
    CHANGES,
    RUNS,
    ASKED,
    DOCUMENTS,
    PUBLICATION,
    READERS,
    SEEN,
    NOTES,
    LINKS,
    UNREAD,
    NUMBERS,
    POSTED,
    RECIPIENTS,
)


def every_version(db: Db, folder_id: int) -> list[tuple[Document, list[DocumentVersion]]]:
    """The documents of a folder in their order, each with its versions, the current one first.

    As far as the reader of this session has them: whoever reads the folder for its type alone is given neither a version that
    no step ever had before it, nor a letter of the State about it (decision 0008).
    """
    found: dict[int, tuple[Document, list[DocumentVersion]]] = {}
    for document, version in ask(db, DOCUMENTS, folder_id):
        if document.removed_at is None and version is not None:
            found.setdefault(document.id, (document, []))[1].append(version)
    every = list(found.values())
    return _open_to_all(db, folder_id, every) if by_onlooker(db, folder_id) else every


def by_onlooker(db: Db, folder_id: int) -> bool:
    """Whether the reader of this session reads the folder for its type alone; nobody does where nobody reads."""
    reader = reader_of(db)
    folder = db.get(Folder, folder_id) if reader is not None and reader.user_id is not None else None
    if reader is None or folder is None or not folder.read_by_all:
        return False
    # The version is of the key: a move may give the reader a part, which an older answer would hide.
    key = ("onlooker", reader.user_id, folder_id, folder.version)
    return once(db, key, lambda: looks_on(db, reader, folder))


def _open_to_all(
    db: Db, folder_id: int, every: Sequence[tuple[Document, list[DocumentVersion]]]
) -> list[tuple[Document, list[DocumentVersion]]]:
    entered = [run.entered_at for (run,) in ask(db, RUNS, folder_id)]
    apart = {sha256 for find in plugged.letters for sha256 in find(db, folder_id)}
    return [
        (document, [one for n, one in enumerate(versions) if not n or _had(one, versions[n - 1], entered)])
        for document, versions in every
        if document.role != Role.RECEIPT or apart.isdisjoint(one.sha256 for one in versions)
    ]


def _had(version: DocumentVersion, after: DocumentVersion, entered: Sequence[datetime]) -> bool:
    """Whether some step began over a version, or it was signed here, before the next one stood."""
    signed = version.origin == Origin.SIGNED
    return signed or any(version.created_at <= at < after.created_at for at in entered)


def runs_of_round(db: Db, folder: Folder) -> list[StepRun]:
    """The parts of its steps that were opened since the folder was last sent, in order."""
    return [run for run in every_run_of_round(db, folder) if not run.asked]


def every_run_of_round(db: Db, folder: Folder) -> list[StepRun]:
    """The same, and the rows of the opinions that were asked beside them."""
    first = folder.round * STEPS_PER_ROUND
    return [
        run
        for (run,) in ask(db, RUNS, folder.id)
        if run.pass_number >= first and run.kind != TOLD and not _undone(run)
    ]


def _undone(run: StepRun) -> bool:
    """Whether it was opened by an act that was taken back: nobody was ever awaited, or told, by it."""
    return run.taken_back_at is not None and run.who is None


def opinions_of_round(db: Db, folder: Folder) -> list[tuple[AskedOpinion, StepRun]]:
    """The opinions that were asked since the folder was last sent, each with the row of its answer, in order."""
    rows = {run.id: run for run in every_run_of_round(db, folder) if run.asked}
    if not rows:
        return []
    return [(one, rows[one.run_id]) for (one,) in ask(db, ASKED, folder.id) if one.run_id in rows]


def told_runs(db: Db, folder: Folder) -> list[StepRun]:
    """The parts of the desks that were told of a folder, whichever round it was, in order."""
    return [run for (run,) in ask(db, RUNS, folder.id) if run.kind == TOLD and not _undone(run)]


def changes_of_round(db: Db, folder: Folder) -> list[CircuitChange]:
    """The changes made to its coming steps since the folder was last sent, in order."""
    return [one for (one,) in ask(db, CHANGES, folder.id) if one.round == folder.round]


def signatures_of_round(db: Db, folder: Folder) -> list[StepRun]:
    """Those of them at which a signature or a seal was made."""
    return [run for run in runs_of_round(db, folder) if run.state == "done" and run.kind in ENGAGED]


def links(db: Db, folder_id: int) -> list[FolderLink]:
    """What ties the folder to the one it was opened from, and to those that were opened from it, the oldest first."""
    return [row for (row,) in ask(db, LINKS, folder_id)]


def publication_of(db: Db, folder_id: int) -> Publication | None:
    """When and how the act of a folder was brought to the public's knowledge; None as long as it was not."""
    return next((row for (row,) in ask(db, PUBLICATION, folder_id)), None)


def opened_at(db: Db, folder_id: int, user_id: int | None) -> datetime | None:
    """When this person was last noted to have opened the folder: the first time, or within the seconds of a gesture."""
    rows = (row for (row,) in ask(db, READERS, folder_id) if row.user_id == user_id)
    return next((max(row.first_at, row.again_at or row.first_at) for row in rows), None)


def posted(db: Db, folder_id: int, kind: str) -> Sequence[Outbox]:
    """The rows of the outbox of this kind about a folder, the first to the last."""
    return [row for (row,) in ask(db, POSTED, folder_id) if row.kind == kind]
