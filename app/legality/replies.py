"""Answer a letter of the Préfecture: a folder with its own circuit, whose documents leave typed."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.channels.actes.classification import AttachmentType
from app.channels.actes.exchanges import REPLIES
from app.channels.actes.followups import DOCUMENTS
from app.channels.actes.naming import IDENTIFIER, nature_of
from app.circuits.library import family_of
from app.core.clock import now
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders import deposit
from app.folders.access import authorize, lock, looks_on
from app.folders.facts import touch
from app.folders.keep import Incoming, Kept, keep_attachment, keep_main, typed
from app.folders.models import Folder
from app.folders.once import MadeOnce, folder_of
from app.journal.chain import Event, append
from app.legality.clocks import REFERRAL
from app.legality.intake import the_channel
from app.legality.models import StateLetter
from app.people.actor import Actor
from app.transmission.models import Transmission
from workflows.circuit import Phase
from workflows.family import Problem
from workflows.vocabulary import Right

FAMILY = "prefecture_reply"
LABELS = {
    "2-2": "Répondre au courrier",
    "3-4": "Envoyer les pièces demandées",
    "3-3": "Refuser d’envoyer les pièces, avec une lettre qui dit pourquoi",
    "4-4": "Répondre aux observations",
    "4-3": "Rejeter les observations, avec une lettre qui dit pourquoi",
}
SUBJECTS = {
    "2-2": "Réponse au courrier de la préfecture, acte {number}",
    "3-4": "Pièces complémentaires de l’acte {number}",
    "3-3": "Refus de pièces complémentaires, acte {number}",
    "4-4": "Réponse aux observations sur l’acte {number}",
    "4-3": "Rejet des observations sur l’acte {number}",
}
SHORTEST, LONGEST = 10, 500
"""How much is written of what was done of a referral."""
SEVERAL = frozenset({DOCUMENTS})
"""The replies that carry more than one document: the letter, and at least one of those asked for."""


@dataclass(frozen=True)
class Typed:
    """A file of a reply and its type in the classification (« 99_DE »)."""

    file: Incoming
    type_code: str


def letter_for(db: Db, actor: Actor, letter_id: int) -> StateLetter:
    """The letter, if the actor reads its act, and not for its type alone; one whose act is unknown is an administrator's.

    Else `not-found`.
    """
    letter = db.scalar(
        sa.select(StateLetter).where(
            StateLetter.id == letter_id, StateLetter.collectivity_id == actor.collectivity_id
        )
    )
    if letter is None:
        raise Refusal("not-found")
    if letter.folder_id is not None:
        if looks_on(db, actor, authorize(db, actor, letter.folder_id)):
            raise Refusal("not-found")
    elif not actor.administrator:
        raise Refusal("not-found")
    return letter


def answers_for(actor: Actor, folder: Folder | None) -> bool:
    """Whether an actor may act on the letters about an act: who deposits at its desk; an administrator where it is unknown."""
    if folder is None:
        return actor.administrator
    return folder.emitter_desk_id in actor.desks_with(Right.CREATE, folder.of_type)


def may_reply(actor: Actor, act: Folder) -> bool:
    """Whether some desk lets an actor who reads an act answer the letters about it: `prepare_reply` refuses him for no right."""
    return bool(deposit.emitters_from(actor, family_of(FAMILY), act, elsewhere=True))


def types_of(identifier: str | None) -> tuple[AttachmentType, ...]:
    """The types that a document about this act may have, in the order of the classification."""
    read = IDENTIFIER.fullmatch(identifier or "")
    if read is None:
        return ()
    nature = the_channel().classification_of(read["siren"]).nature(nature_of(identifier))
    return nature.types if nature else ()


def replies_of(db: Db, letter: StateLetter) -> list[Folder]:
    """The folders that answer a letter, oldest first."""
    query = sa.select(Folder).where(
        Folder.collectivity_id == letter.collectivity_id,
        Folder.family == FAMILY,
        Folder.number == str(letter.id),
    )
    return list(db.scalars(query.order_by(Folder.id)))


def prepare_reply(
    actor: Actor, letter_id: int, code: str, files: Sequence[Typed], *, once: MadeOnce | None = None
) -> int:
    """Make the draft of a reply from its documents, at the desk of the act where the actor may; returns its folder.

    The same `once` gives the same draft. Refuses whoever deposits no replies (`type-not-granted-there`, `not-emitter`:
    `deposit.emitter_from`), a code that does not answer this letter (`reply-wrong`), a letter whose date could not be read
    (`letter-undated`), one more reply while another is on its way or was accepted (`reply-open`), no document or one too
    many, a letter that sends none of the documents asked for (`reply-without-documents`), and a type that the act's nature
    does not know.
    """
    if (before := folder_of(actor, once)) is not None:
        return before
    with reading(actor.collectivity_id) as db:
        letter = letter_for(db, actor, letter_id)
        desk_id, facts = _facts(db, actor, letter, code)
    if not files:
        raise Refusal("no-file")
    if len(files) > 1 and code not in SEVERAL:
        raise Refusal("reply-one-document")
    if code in SEVERAL and len(files) == 1:
        raise Refusal("reply-without-documents")
    known = {entry.code for entry in types_of(letter.identifier)}
    if any(file.type_code not in known for file in files):
        raise Refusal("reply-untyped")
    with tempfile.TemporaryDirectory(prefix="paraphe-") as room:
        documents = _documents(actor, files, Path(room))
    return deposit.create(actor, FAMILY, desk_id, documents, facts, origin=letter.folder_id, once=once)


def _facts(db: Db, actor: Actor, letter: StateLetter, code: str) -> tuple[int, dict[str, Any]]:
    """The desk that deposits a reply, and its facts."""
    if letter.folder_id is None or code not in REPLIES.get(letter.code or "", ()):
        raise Refusal("reply-wrong")
    act = db.get_one(Folder, letter.folder_id)
    desk_id = deposit.emitter_from(actor, family_of(FAMILY), act, elsewhere=True)
    if letter.dated_on is None:
        raise Refusal("letter-undated")  # a reply names the date of its letter, which nobody could read
    if any(reply.place != "withdrawn" for reply in replies_of(db, letter)):
        raise Refusal("reply-open")
    return desk_id, {
        "subject": SUBJECTS[code].format(number=act.number or letter.identifier),
        "letter": str(letter.id),
        "followup": {
            "code": code,
            "identifier": letter.identifier,
            "letter": letter.reference,
            "letter_date": letter.dated_on.isoformat() if letter.dated_on else None,
            "act_folder": act.id,
        },
    }


def _documents(actor: Actor, files: Sequence[Typed], room: Path) -> list[Kept]:
    """Everything examined and stored; a converted file leaves as the PDF that was made of it."""
    main, _ = keep_main(actor.collectivity_id, family_of(FAMILY), files[0].file, room)
    documents = typed(main, files[0].type_code)
    for file in files[1:]:
        documents += typed(keep_attachment(actor.collectivity_id, file.file, room), file.type_code)
    return documents


def only_one(db: Db, folder: Folder) -> list[Problem]:
    """Before a reply leaves: no other one answers the same letter already."""
    query = sa.select(Folder.id).where(
        Folder.collectivity_id == folder.collectivity_id,
        Folder.family == FAMILY,
        Folder.number == folder.number,
        Folder.id != folder.id,
        Folder.phase.in_([Phase.RUNNING.value, Phase.DONE.value]),
        Folder.place != "withdrawn",
    )
    if db.scalar(query.limit(1)) is None:
        return []
    return [
        Problem(
            "reply-open", "subject", "Une autre réponse à ce courrier est déjà en route. Abandonnez celle-ci."
        )
    ]


def answered(db: Db, actor: Actor, folder: Folder, row: Transmission, receipt: str | None) -> None:
    """A reply arrived at the Préfecture: its letter is dealt with, in the caller's transaction."""
    letter = db.get_one(StateLetter, int(folder.number), with_for_update=True)
    if letter.closed_at is None:
        letter.closed_at, letter.closed_by = now(), actor.name
    facts = {
        "code": folder.fields["followup"]["code"],
        "letter": letter.reference,
        "reply": folder.id,
        "receipt": receipt,
        "simulated": row.simulated,
    }
    append(
        db,
        actor.collectivity_id,
        Event("legality.answered", actor.name, None, letter.folder_id, facts),
    )


@use_case
def close(db: Db, actor: Actor, letter_id: int, done: str = "", *, version: int | None = None) -> None:
    """Put aside a letter that asks for no reply; `version` is that of its act, as the page showed it.

    Refuses whoever may not deposit at the desk of the act (`not-emitter`), a page older than the act (`moved-on`): a ruling
    may have come meanwhile; a letter whose silence would count (`letter-needs-reply`), and a referral without what was done
    of it (`referral-needs-words`). One whose date could not be read is answered elsewhere, and may be put aside.
    """
    folder_id = letter_for(db, actor, letter_id).folder_id
    folder = lock(db, actor, folder_id, version) if folder_id is not None else None
    if not answers_for(actor, folder):
        raise Refusal("not-emitter")
    letter = db.get_one(StateLetter, letter_id, with_for_update=True)
    if letter.due_on is not None and letter.dated_on is not None:
        raise Refusal("letter-needs-reply")
    if letter.closed_at is not None:
        return
    done = " ".join(done.split())
    if letter.code == REFERRAL and not SHORTEST <= len(done) <= LONGEST:
        raise Refusal("referral-needs-words")
    letter.closed_at, letter.closed_by = now(), actor.name
    if folder is not None and letter.code == REFERRAL:
        touch(folder)  # who reads it open, and would file it with other words, reads it again
    facts = {"letter": letter.reference, "code": letter.code, **({"done": done} if done else {})}
    append(
        db,
        actor.collectivity_id,
        Event("legality.closed", actor.name, actor.user_id, letter.folder_id, facts),
    )
