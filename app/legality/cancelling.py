"""Cancel the transmission of an act: a reason, the approvals of a circuit, one message 6-1, and a number that stays consumed."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.circuits.library import circuit_of, family_of
from app.core.clock import now, today
from app.core.db import Db, reading
from app.core.french import jour_long
from app.core.questions import OF, Question, ask
from app.core.refusals import Refusal
from app.files import vault
from app.folders import deposit
from app.folders.access import authorize
from app.folders.documents import add_receipt
from app.folders.keep import Kept
from app.folders.models import Document, DocumentVersion, Folder, Publication
from app.journal.chain import Event, append
from app.legality.models import ActCancellation
from app.pdf.printed import sheet
from app.people.actor import Actor
from app.publication import record
from app.transmission.models import ON_PAPER, Transmission, sendings_of
from workflows.circuit import Phase, StepKind
from workflows.family import Problem

FAMILY = "act_cancellation"
LONGEST = 500
PDF = "application/pdf"
UNAGREED = (
    "Le circuit que suit cette annulation ne demande la signature de personne qui ait mandat. Le bureau déposant la reprend, "
    "puis la renvoie : elle suivra le circuit en vigueur."
)


CANCELLED = Question((ActCancellation,), ActCancellation.folder_id == OF, order=lambda row: row[0].folder_id)


@dataclass(frozen=True)
class Standing:
    """An act at the Préfecture: its transmission, and what became of it since."""

    act: Transmission
    request: int | None
    cancelled: ActCancellation | None


def act_at_the_prefecture(db: Db, folder: Folder) -> Transmission | None:
    """The acknowledged transmission of an act in its present round; None for what is no act or has no receipt."""
    if folder.family in {FAMILY, "prefecture_reply"}:
        return None
    received = (
        sending
        for sending in sendings_of(db, folder.id)
        if sending.round == folder.round and sending.channel == "actes" and sending.state == "acknowledged"
    )
    return next(received, None)


def standing(db: Db, folder: Folder) -> Standing | None:
    """Where an act stands with the Préfecture: the folder that asks its cancellation, and the cancellation itself."""
    act = act_at_the_prefecture(db, folder)
    if act is None:
        return None
    cancelled = next((row for (row,) in ask(db, CANCELLED, folder.id)), None)
    return Standing(act, next(iter(_requests(db, folder)), None), cancelled)


def _requests(db: Db, folder: Folder) -> list[int]:
    """The folders that ask the cancellation of an act, but those given up."""
    query = sa.select(Folder).where(
        Folder.collectivity_id == folder.collectivity_id,
        Folder.family == FAMILY,
        Folder.number == folder.number,
        Folder.place != "withdrawn",
    )
    return [
        request.id for request in db.scalars(query) if request.fields["followup"]["act_folder"] == folder.id
    ]


def ready(db: Db, actor: Actor, folder: Folder) -> Standing:
    """Where the act stands, if its cancellation may be asked by this actor.

    Refuses whoever does not deposit at the act's desk (`not-emitter`), or no cancellation there (`type-not-granted-there`),
    and an act that has no electronic receipt or whose cancellation is asked already (`not-cancellable`).
    """
    deposit.emitter_from(actor, family_of(FAMILY), folder)
    position = standing(db, folder)
    if position is None or not _open(position):
        raise Refusal("not-cancellable")
    return position


def may_ask(actor: Actor, folder: Folder, position: Standing) -> bool:
    """Whether this actor may ask the cancellation of an act that stands so: `ready` refuses nothing."""
    return bool(deposit.emitters_from(actor, family_of(FAMILY), folder)) and _open(position)


def _open(position: Standing) -> bool:
    return position.request is None and position.cancelled is None and position.act.reference != ON_PAPER


def prepare_cancellation(actor: Actor, folder_id: int, motive: str) -> int:
    """Make the draft that asks for the cancellation of an act, with its request as a page; returns its folder.

    Refuses what `ready` refuses, and a missing or endless reason (`motive-needed`). Of two asked at once one is made.
    """
    motive = " ".join(motive.split())
    with reading(actor.collectivity_id) as db:
        folder = authorize(db, actor, folder_id)
        position = ready(db, actor, folder)
        if not motive or len(motive) > LONGEST:
            raise Refusal("motive-needed")
        desk_id, facts = folder.emitter_desk_id, _facts(folder, position.act, motive)
        lines = _lines(folder, position.act, motive, actor)
    with tempfile.TemporaryDirectory(prefix="paraphe-") as room:
        path = sheet(Path(room) / "demande.pdf", "Demande d’annulation d’un acte transmis", lines)
        stored = vault.store().put_file(vault.scope(actor.collectivity_id), path)
    note = {"facts": ["Page établie par Paraphe."], "text": True, "signatures": []}
    document = Kept(
        "main",
        "Demande d’annulation",
        "demande-annulation.pdf",
        stored.sha256,
        stored.size,
        PDF,
        1,
        "deposited",
        note,
    )
    return deposit.create(actor, FAMILY, desk_id, [document], facts, content=folder_id, origin=folder_id)


def take(db: Db, folder: Folder, version: DocumentVersion, act_id: int) -> None:
    """Let a request be written if its act has no other: what was read before the page was made may have changed since."""
    del version
    act = db.get_one(Folder, act_id, with_for_update=True)  # one request after the other
    if set(_requests(db, act)) - {folder.id} or db.get(ActCancellation, act.id) is not None:
        raise Refusal("not-cancellable")


def unagreed(db: Db, folder: Folder) -> list[Problem]:
    """Why a cancellation whose circuit asks no signature goes no further: a visa says nothing of who may agree to it."""
    if folder.circuit_version_id is None or folder.phase != Phase.RUNNING:
        return []
    if any(step.kind is StepKind.SIGN for step in circuit_of(db, folder.circuit_version_id).steps):
        return []
    return [Problem("cancellation-unagreed", "motive", UNAGREED)]


def _facts(folder: Folder, act: Transmission, motive: str) -> dict[str, Any]:
    about = {
        "code": "6-1",
        "identifier": act.identifier,
        "deposit": act.reference,
        "act_folder": folder.id,
    }
    return {"motive": motive, "act_number": folder.number, "followup": about}


def _lines(folder: Folder, act: Transmission, motive: str, actor: Actor) -> list[tuple[str, str]]:
    return [
        ("Acte", folder.title),
        ("Numéro", folder.number),
        ("Identifiant", act.identifier or ""),
        ("Accusé reçu le", jour_long(act.received_on)),
        ("Motif", motive),
        ("Demandée par", f"{actor.name}, le {jour_long(today())}"),
        ("Effet", "L’acte n’est plus transmis. Son numéro reste consommé ; son accusé est gardé."),
    ]


def answered(db: Db, actor: Actor, folder: Folder, row: Transmission, receipt: str | None) -> None:
    """The Préfecture cancelled (6-2): write it beside the act, which keeps its receipt; in the caller's transaction."""
    about = folder.fields["followup"]
    act = db.get_one(Folder, about["act_folder"], with_for_update=True)
    if db.get(ActCancellation, act.id) is not None:
        return
    cancelled_on = row.received_on or today()
    db.add(
        ActCancellation(
            collectivity_id=actor.collectivity_id,
            folder_id=act.id,
            request_folder_id=folder.id,
            identifier=about["identifier"],
            number=act.number,
            motive=str(folder.fields.get("motive", "")),
            cancelled_on=cancelled_on,
            recorded_at=now(),
        )
    )
    act.fields = {**act.fields, "cancelled_on": cancelled_on.isoformat()}
    published = db.get(Publication, act.id)
    if published is not None:
        published.enforceable_on = (
            None  # nothing was transmitted any more (CGCT L2131-1); the journal keeps the former day
        )
    record.question(db, act.id, cancelled_on)
    _copy_receipt(db, actor, folder, act, receipt)
    facts = {
        "identifier": about["identifier"],
        "number": act.number,
        "number_consumed": True,
        "cancelled_on": cancelled_on.isoformat(),
        "request": folder.id,
        "receipt": receipt,
        "simulated": row.simulated,
    }
    append(db, actor.collectivity_id, Event("act.cancelled", actor.name, None, act.id, facts))


def _copy_receipt(db: Db, actor: Actor, folder: Folder, act: Folder, receipt: str | None) -> None:
    """The receipt 6-2 stands among the act's documents too, beside its 1-2."""
    query = (
        sa.select(DocumentVersion)
        .join(Document, Document.id == DocumentVersion.document_id)
        .where(Document.folder_id == folder.id, Document.role == "receipt", DocumentVersion.sha256 == receipt)
    )
    version = db.scalar(query) if receipt else None
    if version is None:
        return
    document = Kept(
        "receipt",
        "Accusé d’annulation",
        version.filename,
        version.sha256,
        version.size,
        version.media_type,
        None,
        "received",
        version.note,
    )
    add_receipt(db, act, actor, document)
