"""What a signature is made on: the document as it is shown, the part that the signer takes, and what his stamp says."""

import dataclasses
import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.circuits.library import circuit_of, family_of
from app.core.db import Db
from app.core.french import instant_preuve
from app.core.grammar import de
from app.core.questions import keep, once
from app.core.refusals import Refusal
from app.folders.access import authorize
from app.folders.documents import last_version, read_last
from app.folders.models import Document, DocumentVersion, Folder
from app.folders.move import Present, not_your_turn, part_of, present
from app.folders.required import refuse_unfilled
from app.folders.seats import read_ahead_of
from app.folders.seen import refuse_unseen
from app.people.actor import Actor
from app.people.models import Collectivity
from app.signing import setting
from app.signing.authority import Authority
from app.signing.authority import chosen as chosen_capacity
from app.signing.formats.own_fields import boxes_of, left_free
from app.signing.handwriting import own as handwriting
from app.signing.models import SignatureProof
from app.signing.paper.sheet import read_papers, refuse_mixed, refuse_obstacles
from app.signing.placing.plan import Chosen, Part, chosen, field_name, fields, parts_of, read_chosen
from app.signing.ports import Box, FieldPlan, Prepared
from app.signing.writers import PADES, Writer, writer_of
from app.trust.certificates import facts as named
from workflows.circuit import Step, StepKind
from workflows.engine import choices
from workflows.vocabulary import Action

_MARKED = re.compile(r"^.*?(-\d+)?$", re.DOTALL)
ADDRESS_WIDTH = 44  # an address is typed: it is cut only where it would make all the others small
STAMP_WIDTH = 34
"""Characters in a line of the stamp: those of « Pour le maire et par délégation, » and a little more."""
MAIN = "main document"
_of_folders = sa.select(Document).where(Document.role == "main", Document.removed_at.is_(None))
_main = _of_folders.where(Document.folder_id == sa.bindparam("folder"))
_mains = _of_folders.where(Document.folder_id.in_(sa.bindparam("folders", expanding=True)))


@dataclass(frozen=True)
class SigningContext:
    """The folder as it is signed: its main document, the bytes that were shown, and the part the actor takes.

    `parts`: every signature of the folder's way. `places`: where its depositor wants them.
    `settings`: those of the collectivity. `picture`: the signer's own image of his signature, None where he has none.
    `own`: the field that the author of a certified document left for it, None when we make our own. `first`: no field of
    the round is made yet, and their names are still to be chosen on the bytes (`app/signing/formats/revision.py`).
    """

    family: str
    folder_version: int
    document_id: int
    version_id: int
    sha256: str
    filename: str
    media_type: str
    step_run_id: int
    field: str
    parts: tuple[Part, ...]
    places: Chosen
    settings: Mapping[str, Any] = dataclasses.field(repr=False)
    first: bool
    own: FieldPlan | None = None
    picture: bytes | None = dataclasses.field(default=None, repr=False)

    @property
    def city(self) -> str:
        """Where the collectivity signs, empty while nobody said."""
        return str(self.settings.get("city", ""))

    @property
    def postal_code(self) -> str:
        """The postal code of that place."""
        return str(self.settings.get("postal_code", ""))

    @property
    def writer(self) -> Writer:
        """The format that the document is signed in."""
        return writer_of(family_of(self.family), self.media_type)


def context_for(
    db: Db, actor: Actor, folder_id: int, version: int, mandate: int | None
) -> tuple[SigningContext, Authority]:
    """The context of this person's signature, and as what he or she signs.

    Refuses `moved-on`, `not-your-turn`, `facts-awaited`, `would-be-refused`, no mandate.
    """
    folder = authorize(db, actor, folder_id)
    if folder.version != version:
        raise Refusal("moved-on", folder_id=folder_id, title="Ce dossier a avancé")
    position = present(db, folder) if folder.circuit_version_id else None
    asker = position.asker(actor, folder) if position else None
    if (
        position is None
        or asker is None
        or Action.SIGN not in choices(position.circuit, position.standing, asker)
    ):
        raise not_your_turn(db, actor, folder, position)
    if position.step is not None:
        refuse_unfilled(folder, position.step)  # before anything is prepared, and a key asked
        refuse_unseen(db, folder, position.step, actor)
    refuse_mixed(db, folder)
    refuse_obstacles(db, folder)
    rank = [run.slot for run in position.runs].index(part_of(db, folder, position, actor) or "")
    context = context_of(db, folder, position, rank)
    if context.writer is PADES:
        context = replace(context, picture=handwriting.read(db, actor))
    return context, chosen_capacity(db, actor, folder, position.runs[rank], mandate)


def context_of(db: Db, folder: Folder, position: Present, rank: int) -> SigningContext:
    """The context of the n-th part of the step where the folder stands."""
    document = main_document(db, folder.id)
    last = last_version(db, document.id)
    collectivity = db.get_one(Collectivity, folder.collectivity_id)
    mark = _mark(db, last)
    return SigningContext(
        folder.in_force,
        folder.version,
        document.id,
        last.id,
        last.sha256,
        last.filename,
        last.media_type,
        position.runs[rank].id,
        field_name(folder.place, rank, mark or ""),
        parts_of(db, folder, position.circuit, mark or "", position),
        chosen(db, folder.id, last.sha256),
        dict(collectivity.settings),
        mark is None,
    )


def _mark(db: Db, last: DocumentVersion) -> str | None:
    """What the first signature of the round added to the names of its fields; None when these bytes bear none of ours."""
    if last.origin != "signed":
        return None
    query = (
        sa.select(SignatureProof.field)
        .join(DocumentVersion, DocumentVersion.id == SignatureProof.version_id)
        .where(DocumentVersion.document_id == last.document_id, DocumentVersion.round == last.round)
    )
    field = db.scalar(query.order_by(SignatureProof.id).limit(1))
    return None if field is None else _MARKED.sub(r"\1", field)


def as_certified(context: SigningContext, source: Path) -> SigningContext:
    """The same on the first field that the author of a certified document left free: any other breaks his certification.

    Refuses `document-certified` when none is left (ISO 32000-2 §12.8.2.2).
    """
    free = left_free(source) if context.writer is PADES else None
    if free is None:
        return context
    if not free:
        raise Refusal("document-certified")
    return replace(context, field=free[0].name, own=free[0], first=False)


def as_written(context: SigningContext, prepared: Sequence[Prepared]) -> SigningContext:
    """The same under the name that its field was given: another than ours had it in the document."""
    return replace(context, field=prepared[0].field) if context.writer is PADES else context


def main_document(db: Db, folder_id: int) -> Document:
    """The document that is signed."""
    return once(db, (MAIN, folder_id), lambda: db.scalars(_main, {"folder": folder_id}).one())


def read_ahead(db: Db, folders: Sequence[Folder]) -> None:
    """Read at one go what `context_of` asks about each of several folders, in a session that keeps it (`gather`)."""
    numbers = [folder.id for folder in folders]
    documents = db.scalars(_mains, {"folders": numbers}).all()
    for document in documents:
        keep(db, (MAIN, document.folder_id), document)
    read_last(db, [document.id for document in documents])
    read_papers(db, numbers)
    read_chosen(db, numbers)
    read_ahead_of(db, [(folder, step) for folder in folders for step in _signing(db, folder)])


def _signing(db: Db, folder: Folder) -> list[Step]:
    """The steps of a folder's way at which people sign: the places of all are made with the first signature."""
    if folder.circuit_version_id is None:
        return []
    circuit = circuit_of(db, folder.circuit_version_id)
    return [step for step in circuit.applicable(folder.facts) if step.kind is StepKind.SIGN]


def stamp_lines(actor: Actor, capacity: str, moment: datetime, holder: str = "") -> tuple[str, ...]:
    """First name, name, capacity and date, legibly (CRPA L212-1): one long line would make all the others small.

    `holder`: the name on the certificate when it is not the account's; whoever reads the stamp reads both.
    """
    who = f"{actor.first_name} {actor.last_name.upper()}".strip() or actor.name
    as_what = textwrap.wrap(capacity, STAMP_WIDTH)
    other = textwrap.wrap(f"certificat au nom {de(holder)}", STAMP_WIDTH) if holder else []
    return ("Signé électroniquement par", who, *other, *as_what, f"le {instant_preuve(moment)}")


def seal_lines(certificate: bytes, moment: datetime) -> tuple[str, ...]:
    """What a visible seal says: whose it is, by its certificate, and when."""
    return "Cachet électronique", named(certificate).common_name, f"le {instant_preuve(moment)}"


def where_to_verify() -> tuple[str, ...]:
    """The address where anybody may have the file verified, by setting; it knows no document, and names none."""
    address = setting.stamped_address()
    return (
        ("Vérifier ce fichier :", *textwrap.wrap(address, ADDRESS_WIDTH, break_on_hyphens=False))
        if address
        else ()
    )


def fields_of(source: Path, context: SigningContext, box: Box | None) -> list[FieldPlan]:
    """The fields of a PDF and their places (`app/signing/placing/plan.py`); none in another format.

    Refuses `place-certified`: the place of a field that the author left cannot be chosen; and `place-made`: nor can that
    of a field which the first signature of the round made.
    """
    if context.writer is not PADES:
        return []
    if context.own is not None:
        if box is not None:
            raise Refusal("place-certified")
        return [context.own]
    if not context.first:
        there = boxes_of(source, {part.field for part in context.parts})
        if box is not None and context.field in there:
            raise Refusal("place-made")
        if there.keys() >= {part.field for part in context.parts}:
            return [FieldPlan(part.field, there[part.field]) for part in context.parts]
    own = {context.field: box} if box is not None else {}
    return fields(source, context.parts, context.family, context.places, own)
