"""Which documents of a folder each person has seen whole, and what a step that asks for it refuses until then.

A page of a PDF is seen once the folder's page has shown it, a flow once each of its pages was shown, another XML once the
page gave all of it, and the whole of a document once its file was given whole to the person. It is known of the very version;
what a signature adds to a version that was read is not to be read again.
"""

from collections.abc import Sequence

from app.core.clock import now
from app.core.db import Db
from app.core.questions import ask
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.access import authorize, looks_on
from app.folders.models import Document, DocumentSeen, DocumentVersion, Folder
from app.folders.rows import SEEN, every_version
from app.people.actor import Actor
from workflows.circuit import Step
from workflows.vocabulary import Origin, Role

TO_READ = frozenset({Role.MAIN.value, Role.ATTACHMENT.value})
"""The documents that a reading is about: what is decided on, and what comes with it."""


def unseen(db: Db, folder: Folder, actor: Actor) -> tuple[Document, ...]:
    """The documents to read that the actor has not seen, in their order; all of them for software, which sees nothing."""
    known = {row.version_id for (row,) in ask(db, SEEN, folder.id) if row.user_id == actor.user_id}
    return tuple(
        document
        for document, versions in every_version(db, folder.id)
        if document.role in TO_READ and known.isdisjoint(version.id for version in _same(versions))
    )


def _same(versions: Sequence[DocumentVersion]) -> Sequence[DocumentVersion]:
    """The last versions of a document that show the same: signed ones, and the one that was signed."""
    first = next((n for n, one in enumerate(versions) if one.origin != Origin.SIGNED), len(versions) - 1)
    return versions[: first + 1]


def refuse_unseen(db: Db, folder: Folder, step: Step, actor: Actor) -> None:
    """Refuse `reading-awaited` at a step that asks for reading, as long as the actor has not seen a document."""
    if not step.reading or actor.kind == "system":
        return
    if actor.user_id is None:
        raise Refusal("reading-person", step=step.label)
    if left := unseen(db, folder, actor):
        raise Refusal("reading-awaited", step=step.label, documents=names(left), verb=step.kind.infinitive)


def reminder(db: Db, folder: Folder, step: Step, actor: Actor) -> str:
    """« Lecture exigée : il vous reste à voir « A » et « B » en entier »; empty when nothing is left, or none is asked."""
    left = unseen(db, folder, actor) if step.reading else ()
    return (
        f"Lecture exigée avant de {step.kind.infinitive} : il vous reste à voir en entier {names(left)}"
        if left
        else ""
    )


def names(documents: Sequence[Document]) -> str:
    """« A », « B »."""
    return ", ".join(f"« {document.title} »" for document in documents)


def marks(db: Db, folder: Folder) -> dict[int, list[DocumentSeen]]:
    """Who has seen each version whole, by its number in the base, the first to the last."""
    found: dict[int, list[DocumentSeen]] = {}
    for (row,) in ask(db, SEEN, folder.id):
        found.setdefault(row.version_id, []).append(row)
    return found


@use_case
def note(db: Db, actor: Actor, folder_id: int, document_id: int, number: int) -> int:
    """Note that a person has seen a version of a document whole; returns how many documents he has still to read.

    Refuses who may not read the folder, and `document-unknown`. A second time changes nothing, and nothing is noted of whoever
    reads the folder for its type alone: he leaves nothing in it.
    """
    folder = authorize(db, actor, folder_id)
    found = (one for row, every in every_version(db, folder.id) if row.id == document_id for one in every)
    version = next((one for one in found if one.number == number), None)
    if version is None or actor.user_id is None:
        raise Refusal("document-unknown")
    if looks_on(db, actor, folder):
        return len(unseen(db, folder, actor))
    if all(row.user_id != actor.user_id for row in marks(db, folder).get(version.id, ())):
        seen = DocumentSeen(
            collectivity_id=folder.collectivity_id,
            version_id=version.id,
            user_id=actor.user_id,
            folder_id=folder.id,
            who=actor.name,
            seen_at=now(),
        )
        db.add(seen)
        db.flush()
        ask(db, SEEN, folder.id).append((seen,))  # type: ignore[attr-defined]
    return len(unseen(db, folder, actor))
