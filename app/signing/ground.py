"""The ground of a signature: the document as it is shown, the part that the signer takes, and what his stamp says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from app.circuits.library import family_of
from app.core.db import Db
from app.core.french import instant_preuve
from app.core.refusals import Refusal
from app.folders.access import authorize
from app.folders.documents import last_version
from app.folders.models import Document, Folder
from app.folders.move import Present, part_of, present
from app.folders.seats import slots_of
from app.people.actor import Actor
from app.people.models import Collectivity
from app.signing.formats import placement
from app.signing.ports import Box, FieldPlan
from app.signing.writers import Writer, writer_of
from workflows.circuit import StepKind
from workflows.engine import choices
from workflows.events import Action


@dataclass(frozen=True)
class Ground:
    """The folder as it is signed: its main document, the bytes that were shown, and the part the actor takes.

    `plan`: every signature field of the folder's way, with how it shows. `city`, `postal_code`: where the collectivity
    signs, empty while nobody said.
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
    plan: tuple[tuple[str, str | None], ...]
    city: str
    postal_code: str

    @property
    def writer(self) -> Writer:
        """The format that the document is signed in."""
        return writer_of(family_of(self.family).signature, self.media_type)


def field_name(step: str, rank: int) -> str:
    """The signature field of the n-th part of a step; made before the first signature of the round."""
    return f"Signature_{step}_{rank + 1}"


def ground_for(db: Db, actor: Actor, folder_id: int, version: int) -> Ground:
    """The ground of this person's signature; refuses `moved-on` and `not-your-turn`."""
    folder = authorize(db, actor, folder_id)
    if folder.version != version:
        raise Refusal("moved-on", folder_id=folder_id, title="Ce dossier a avancé")
    here = present(db, folder) if folder.circuit_version_id else None
    asker = here.asker(actor, folder) if here else None
    if here is None or asker is None or Action.SIGN not in choices(here.circuit, here.standing, asker):
        raise Refusal("not-your-turn")
    rank = [run.slot for run in here.runs].index(part_of(db, folder, here, actor) or "")
    return ground_of(db, folder, here, rank)


def ground_of(db: Db, folder: Folder, here: Present, rank: int) -> Ground:
    """The ground of the n-th part of the step where the folder stands."""
    document = main_document(db, folder.id)
    last = last_version(db, document.id)
    collectivity = db.get_one(Collectivity, folder.collectivity_id)
    return Ground(
        folder.family,
        folder.version,
        document.id,
        last.id,
        last.sha256,
        last.filename,
        last.media_type,
        here.runs[rank].id,
        field_name(folder.place, rank),
        tuple(_plan(db, folder, here)),
        str(collectivity.settings.get("city", "")),
        str(collectivity.settings.get("postal_code", "")),
    )


def main_document(db: Db, folder_id: int) -> Document:
    """The document that is signed."""
    query = sa.select(Document).where(
        Document.folder_id == folder_id, Document.role == "main", Document.removed_at.is_(None)
    )
    return db.scalars(query).one()


def _plan(db: Db, folder: Folder, here: Present) -> Sequence[tuple[str, str | None]]:
    """Every signature field of the folder's way, in order; a seal has no place on the page."""
    found: list[tuple[str, str | None]] = []
    for step in here.circuit.applicable(folder.fields):
        if step.kind is StepKind.SIGN:
            found += [
                (field_name(step.key, rank), "visible") for rank in range(len(slots_of(db, folder, step)))
            ]
        elif step.kind is StepKind.SEAL:
            found.append((field_name(step.key, 0), None))
    return found


def stamp_lines(actor: Actor, capacity: str, moment: datetime) -> tuple[str, ...]:
    """First name, name, capacity and date, legibly (CRPA L212-1)."""
    who = f"{actor.first_name} {actor.last_name.upper()}".strip() or actor.name
    return tuple(
        one for one in ("Signé électroniquement par", who, capacity, f"le {instant_preuve(moment)}") if one
    )


def fields_of(source: Path, ground: Ground, box: Box | None) -> list[FieldPlan]:
    """The fields and their places: by the person, by a tag in the text, or side by side at the foot of the last page."""
    visible = [name for name, how in ground.plan if how]
    tags = placement.tag_boxes(source, ["#signature#", *(f"#signature{n + 1}#" for n in range(len(visible)))])
    plans = []
    for name, how in ground.plan:
        if how is None:
            plans.append(FieldPlan(name, None))
            continue
        rank = visible.index(name)
        place = box if box is not None and name == ground.field else None
        place = place or tags.get(f"#signature{rank + 1}#")
        if place is None and len(visible) == 1:
            place = tags.get("#signature#")
        plans.append(FieldPlan(name, place or placement.default_box(source, rank, len(visible))))
    return plans
