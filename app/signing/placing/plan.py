"""Where each signature of a folder stands: as its signatory put it, else its depositor, else a tag, else the family.

Without any of them, side by side at the foot of the last page. A place is chosen on given bytes and holds for them alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import sqlalchemy as sa

from app.circuits.library import family_of
from app.core.db import Db, reading
from app.core.questions import keep, kept
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.display.timeline import planned_circuit
from app.files import vault
from app.folders.access import lock_editable
from app.folders.documents import last_version
from app.folders.facts import touch
from app.folders.models import ASKED, Document, DocumentVersion, Folder, StepRun
from app.folders.move import Present, pass_number
from app.folders.seats import slots_of
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.signing.models import SignaturePlace
from app.signing.ports import Box, FieldPlan
from workflows.circuit import Circuit, Step, StepKind

if TYPE_CHECKING:  # it loads a heavy library, which the pages do without
    from app.signing.formats.geometry import Look, PageShape

PDF = "application/pdf"
MOST = 20
"""More signatures than any circuit asks of one document."""
Chosen = Mapping[tuple[str, str], Box]
"""The boxes that the depositor chose, by step and part."""
_chosen = sa.select(SignaturePlace).where(
    SignaturePlace.folder_id == sa.bindparam("folder"), SignaturePlace.sha256 == sa.bindparam("sha256")
)
_every_chosen = sa.select(SignaturePlace).where(
    SignaturePlace.folder_id.in_(sa.bindparam("folders", expanding=True))
)
PLACES = "places chosen"


@dataclass(frozen=True)
class Part:
    """One signature of a folder's way: its field in the document, the step and part that make it, and whose it is."""

    field: str
    step: str
    slot: str
    label: str
    seal: bool = False


@dataclass(frozen=True)
class Sheet:
    """The page on which a depositor places signatures: the folder's version, the document's bytes, parts, and boxes."""

    version: int
    sha256: str
    parts: tuple[Part, ...]
    boxes: Chosen
    stale: bool


def field_name(step: str, rank: int, mark: str = "") -> str:
    """The signature field of the n-th part of a step; made before the first signature of the round.

    `mark`: what makes the names of a round free in a document that already had fields of these names.
    """
    return f"Signature_{step}_{rank + 1}{mark}"


def parts_of(
    db: Db, folder: Folder, circuit: Circuit, mark: str = "", position: Present | None = None
) -> tuple[Part, ...]:
    """Every signature of the folder's way, in order, seals included; refuses `desk-missing`.

    `position`: where a folder on its way stands. A desk that was moved since changes nothing there; and once somebody has signed,
    who has left since, or whose desk was closed, keeps nobody else from it: the places were made with the first signature.
    """
    parts: list[Part] = []
    begun = position is not None and bool(position.standing.acted)
    for step in circuit.applicable(folder.facts):
        if step.kind is StepKind.SIGN:
            own = (
                position.step
                if position is not None and position.step and position.step.key == step.key
                else step
            )
            for rank, (slot, label) in enumerate(_signers(db, folder, circuit, own, begun=begun)):
                parts.append(Part(field_name(step.key, rank, mark), step.key, slot, label))
        elif step.kind is StepKind.SEAL:
            parts.append(Part(field_name(step.key, 0, mark), step.key, "", "Cachet", seal=True))
    return tuple(parts)


def _signers(
    db: Db, folder: Folder, circuit: Circuit, step: Step, *, begun: bool
) -> Sequence[tuple[str, str]]:
    """The parts of a step, each with whose it is; of one that is not to be found whole any more, those that it had."""
    try:
        return [
            (slot.key, slot.people[0].name if len(slot.people) == 1 else slot.label)
            for slot in slots_of(db, folder, step)
        ]
    except Refusal:
        passed = step.key != folder.place
        query = sa.select(StepRun.slot).where(
            StepRun.folder_id == folder.id,
            StepRun.pass_number == pass_number(circuit, folder, step.key),
            StepRun.kind == step.kind.value,
            ~StepRun.slot.startswith(ASKED),
        )
        slots = db.scalars(query.order_by(StepRun.id)).all() if passed or begun else ()
        if not slots:  # nobody has come there yet
            raise
        return [(slot, slot) for slot in slots]


def chosen(db: Db, folder_id: int, sha256: str) -> dict[tuple[str, str], Box]:
    """The places that the depositor chose on exactly these bytes."""
    rows: Sequence[SignaturePlace] | None = kept(db, (PLACES, folder_id))
    if rows is None:
        rows = db.scalars(_chosen, {"folder": folder_id, "sha256": sha256}).all()
    rows = [row for row in rows if row.sha256 == sha256]
    return {(row.step, row.slot): Box(row.page, row.x1, row.y1, row.x2, row.y2) for row in rows}


def read_chosen(db: Db, folders: Sequence[int]) -> None:
    """Read at one go the places that depositors chose on several folders, in a session that keeps them (`gather`)."""
    rows = db.scalars(_every_chosen, {"folders": list(folders)}).all()
    for number in folders:
        keep(db, (PLACES, number), [row for row in rows if row.folder_id == number])


def fields(
    source: Path, parts: Sequence[Part], family: str, boxes: Chosen, own: Mapping[str, Box]
) -> list[FieldPlan]:
    """The signature fields of a document and their boxes; `own`: by field, where whoever signs now puts his.

    In this order: the signatory, the depositor, the tag in the text (`#signature#` for one signature alone,
    `#signature1#`, `#signature2#`… for several), the family's place, the foot of the last page. A seal is drawn only
    where the tag `#cachet#` (`#cachet1#`…) asks for it.
    """
    from app.signing.formats import geometry

    people = [part for part in parts if not part.seal]
    seals = [part for part in parts if part.seal]
    tags = _tags(people, "signature") | _tags(seals, "cachet")
    plans, locks = [], _locks(parts, family)
    with geometry.looking(source) as look:
        marked = geometry.tag_boxes(look, [tag for several in tags.values() for tag in several])
        there = {
            field: next((marked[tag] for tag in several if tag in marked), None)
            for field, several in tags.items()
        }
        for part in parts:
            box = own.get(part.field) or boxes.get((part.step, part.slot)) or there[part.field]
            if box is None and not part.seal:
                box = _usual(look, family, people.index(part), len(people))
            plans.append(FieldPlan(part.field, box, locks.get(part.field)))
    return plans


def _locks(parts: Sequence[Part], family: str) -> dict[str, tuple[str, ...]]:
    """The fields that may still be signed after each: those of the other parts of its step, and of later steps.

    Parts of one step sign in any order, and the fields are made before the first of them. A family whose documents are
    signed elsewhere too has none: a lock makes a signature that others add later invalid.
    """
    if family_of(family).signed_elsewhere:
        return {}
    steps = list(dict.fromkeys(part.step for part in parts))
    return {
        part.field: tuple(
            other.field
            for other in parts
            if other is not part and steps.index(other.step) >= steps.index(part.step)
        )
        for part in parts
    }


def _tags(parts: Sequence[Part], word: str) -> dict[str, list[str]]:
    """The tags that mark each part, the numbered one first."""
    alone = [f"#{word}#"] if len(parts) == 1 else []
    return {part.field: [f"#{word}{rank}#", *alone] for rank, part in enumerate(parts, start=1)}


def _usual(look: "Look", family: str, rank: int, count: int) -> Box:
    from app.signing.formats import geometry

    place = family_of(family).signature_place
    if place is None:
        return geometry.default_box(look, rank, count)
    return geometry.corner_box(look, place.page, place.corner, rank, count)


def main_version(db: Db, folder: Folder) -> DocumentVersion:
    """The PDF in which signatures will stand; refuses `nothing-to-sign` where it is none, or they stand beside it."""
    query = sa.select(Document).where(
        Document.folder_id == folder.id, Document.role == "main", Document.removed_at.is_(None)
    )
    document = db.scalar(query)
    version = last_version(db, document.id) if document is not None else None
    beside = family_of(folder.in_force).signature_format is not None
    if version is None or version.media_type != PDF or beside:
        raise Refusal("nothing-to-sign")
    return version


def sheet(db: Db, folder: Folder) -> Sheet:
    """What the depositor places, and where it stands already; refuses `nothing-to-sign` and `desk-missing`."""
    version = _unsigned(db, main_version(db, folder))
    parts = tuple(part for part in parts_of(db, folder, planned_circuit(db, folder)) if not part.seal)
    boxes = chosen(db, folder.id, version.sha256)
    older = sa.select(sa.literal(1)).where(
        SignaturePlace.folder_id == folder.id, SignaturePlace.sha256 != version.sha256
    )
    return Sheet(folder.version, version.sha256, parts, boxes, db.scalar(older.limit(1)) is not None)


def _unsigned(db: Db, version: DocumentVersion) -> DocumentVersion:
    """A folder that came back starts again from the bytes before its signatures (`app/folders/deposit.py`)."""
    if version.origin != "signed":
        return version
    query = sa.select(DocumentVersion).where(
        DocumentVersion.document_id == version.document_id, DocumentVersion.origin != "signed"
    )
    return db.scalars(query.order_by(DocumentVersion.number.desc()).limit(1)).one()


def place(actor: Actor, folder_id: int, *, version: int, boxes: Chosen) -> int:
    """Keep where the depositor wants each signature, in place of what was chosen before; returns the folder's version.

    An empty choice gives the place back to tags and family. Refuses `place-unknown` for a part that the folder does not
    have, `place-outside-page`, `place-too-large`, `place-overlap` when two signatures would cover one another, and
    whoever may not edit.
    """
    from app.signing.formats import geometry

    with reading(actor.collectivity_id) as db:
        page = sheet(db, lock_editable(db, actor, folder_id, version))
    if len(boxes) > MOST or not set(boxes) <= {(part.step, part.slot) for part in page.parts}:
        raise Refusal("place-unknown")
    with TemporaryDirectory(prefix="paraphe-place-") as room:
        source = Path(room) / "source.pdf"
        vault.store().fetch(vault.scope(actor.collectivity_id), page.sha256, source)
        _fit(geometry.pages(source), list(boxes.values()))
    return write(actor, folder_id, version=version, sha256=page.sha256, boxes=boxes)


def _fit(pages: Sequence["PageShape"], boxes: Sequence[Box]) -> None:
    for rank, box in enumerate(boxes):
        if not 0 <= box.page < len(pages) or not pages[box.page].holds(box):
            raise Refusal("place-outside-page", page=box.page + 1)
        if not pages[box.page].bears(box):
            raise Refusal("place-too-large", page=box.page + 1)
        for other in boxes[:rank]:
            apart = box.x2 <= other.x1 or other.x2 <= box.x1 or box.y2 <= other.y1 or other.y2 <= box.y1
            if box.page == other.page and not apart:
                raise Refusal("place-overlap", page=box.page + 1)


@use_case
def write(db: Db, actor: Actor, folder_id: int, *, version: int, sha256: str, boxes: Chosen) -> int:
    """Write the chosen places of a folder, for the bytes on which they were chosen."""
    folder = lock_editable(db, actor, folder_id, version)
    db.execute(sa.delete(SignaturePlace).where(SignaturePlace.folder_id == folder.id))
    for (step, slot), box in boxes.items():
        db.add(
            SignaturePlace(
                collectivity_id=folder.collectivity_id,
                folder_id=folder.id,
                sha256=sha256,
                step=step,
                slot=slot,
                page=box.page,
                x1=box.x1,
                y1=box.y1,
                x2=box.x2,
                y2=box.y2,
            )
        )
    touch(folder)
    placed = [{"step": step, "part": slot, "page": box.page + 1} for (step, slot), box in boxes.items()]
    facts = {"round": folder.round, "sha256": sha256, "places": placed}
    append(
        db,
        actor.collectivity_id,
        Event("signature.placed", actor.name, actor.user_id, folder.id, facts),
    )
    return folder.version
