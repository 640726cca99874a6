"""A folder that opens another one with its documents: a copy of the same type, or what follows it under another type."""

import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from json import dumps
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.circuits import own_types
from app.circuits.library import family_of
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.files import vault
from app.folders import deposit
from app.folders.access import authorize, readable_among
from app.folders.keep import Incoming, Kept, keep_attachment, keep_main, typed
from app.folders.models import Document, DocumentVersion, Folder
from app.folders.once import Once
from app.folders.readings import documents_of
from app.folders.rows import every_version, links
from app.folders.sockets import ReadFacts
from app.people.actor import Actor
from workflows.family import Family
from workflows.fields import FieldType
from workflows.vocabulary import Origin, Role

TAKEN = frozenset({Role.MAIN, Role.ATTACHMENT, Role.RECEIPT, Role.PAPER, Role.MASKED})
"""What may be taken along: what was deposited, and what was answered. Originals and read data come back from the files."""
COMMON: frozenset[FieldType] = frozenset({"text", "longtext", "amount", "integer", "siret", "iban", "matter"})
"""The facts that mean the same under another type, where it asks one of the same name."""

OF_THE_FILE: frozenset[FieldType] = frozenset({"amount", "siret", "iban"})
"""The facts that are those of one document: another one is never said to have them."""


@dataclass(frozen=True)
class Source:
    """One document that may be taken along: its versions, the current one first, and the one that a copy would take."""

    document: Document
    versions: Sequence[DocumentVersion]

    @property
    def unsigned(self) -> DocumentVersion:
        """The last version that bears no signature made here; the current one where each does."""
        return next((one for one in self.versions if one.origin != Origin.SIGNED), self.versions[0])

    def suits(self, *, main: bool) -> DocumentVersion:
        """The version for a place: what is signed here is not signed again as a main document, and is itself as an annex."""
        return self.unsigned if main else self.versions[0]


def sources_of(db: Db, folder: Folder) -> list[Source]:
    """What may be taken along from a folder that the reader of this session may read, the main document first."""
    every = [Source(document, versions) for document, versions in every_version(db, folder.id)]
    return sorted(
        (one for one in every if one.document.role in TAKEN), key=lambda one: one.document.role != Role.MAIN
    )


def offered(actor: Actor, folder: Folder, families: Collection[Family]) -> list[Family]:
    """Of these families and types, those that the actor may open out of this folder."""
    closed = folder.read_as.restricted
    return [
        one
        for one in families
        if not one.begun_elsewhere
        and (one.restricted or not closed)
        and deposit.emitters_from(actor, one, folder, elsewhere=True)
    ]


def open_from(
    actor: Actor,
    folder_id: int,
    family_name: str,
    documents: Mapping[int, int | None],
    *,
    main: int | None = None,
    fresh: Incoming | None = None,
    once: Once | None = None,
    form: str = "",
) -> int:
    """Make the draft of a folder out of another that the actor reads, with copies of its documents; returns its number.

    `family_name`: a family, or the key of one of the collectivity's own types. `documents`: the version taken of each
    document, by their numbers, or None for the one that suits its place (`Source.suits`).
    `main`: the one that will be the main document, that of the folder where it is not said.
    `fresh`: a file of its own to be the main document in place of any of these, which are then its attachments.
    `form`: the mark of the page that asks it: the same choices of the same page open one folder, however often they come.

    Files pass all that a deposit asks of them. Facts come along under a type that asks the same, but for dates, for the
    number, and for what the file itself says: those are of one folder alone. Where the reading of the first one is closed,
    so is that of the new one (decision 0008), and what a restricted family hides goes to a restricted family alone.

    Refuses `not-found`, `no-file`, `continuation-document`, `continuation-main`, `continuation-closed`, `begun-elsewhere`,
    `type-closed`, the right to deposit (`deposit.emitter_from`), and every refusal of intake.
    """
    with reading(actor.collectivity_id) as db:
        folder = authorize(db, actor, folder_id)
        family = own_types.asked(actor.collectivity_id, family_name)
        if family.begun_elsewhere:
            raise Refusal("begun-elsewhere", family=family.label, help=family.help)
        desk_id = deposit.emitter_from(actor, family, folder, elsewhere=True)
        if folder.read_as.restricted and not family.restricted:
            raise Refusal("continuation-closed", type=folder.read_as.label)
        chosen = _chosen(db, folder, family, documents, main, fresh=fresh is not None)
        title: str | None = folder.title
        facts = carried(folder, family, fresh=fresh is not None)
        if fresh is not None and family.name == folder.family:
            title = None  # it is written from the facts of the new file
    with ExitStack() as stack:
        files = [
            Incoming(
                stack.enter_context(
                    vault.local(actor.collectivity_id, one.sha256, Path(one.filename).suffix)
                ),
                one.filename,
            )
            for one, _ in chosen
        ]
        codes = [code for _, code in chosen]
        if fresh is not None:
            files, codes = [fresh, *files], ["", *codes]
        room = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="paraphe-")))
        first, read = keep_main(actor.collectivity_id, family, files[0], room)
        made = [first, *(keep_attachment(actor.collectivity_id, one, room) for one in files[1:])]
    kept: list[Kept] = []
    for several, code in zip(made, codes, strict=True):
        kept += typed(several, code)
    return deposit.create(
        actor,
        family.in_force,
        desk_id,
        kept,
        _beside(facts, read),
        read=read,
        title=title,
        once=once,
        origin=folder_id,
        continues=True,
        form_key=_form_key(
            actor, folder_id, form, [family_name, sorted(documents.items()), main, files[0].filename], made
        )
        if form
        else None,
    )


def _form_key(
    actor: Actor, folder_id: int, form: str, choices: list[Any], made: Sequence[Sequence[Kept]]
) -> str:
    """What a page asked, in short: who, of which folder, by which form, and all that was chosen in it."""
    told = [actor.user_id, folder_id, form, choices, [one.sha256 for several in made for one in several]]
    return sha256(dumps(told).encode()).hexdigest()


def _chosen(
    db: Db,
    folder: Folder,
    family: Family,
    documents: Mapping[int, int | None],
    main: int | None,
    *,
    fresh: bool,
) -> list[tuple[DocumentVersion, str]]:
    """The version of each file that is taken, the main document first, with the type it keeps under the same family.

    `fresh`: another file is the main document, and these are beside it; there may be none.
    """
    sources = {one.document.id: one for one in sources_of(db, folder)}
    if not documents and not fresh:
        raise Refusal("no-file")
    first = None if fresh else main if main is not None else next(iter(sources), None)
    rows: dict[int, DocumentVersion] = {}
    for document, number in documents.items():
        if (source := sources.get(document)) is None:
            raise Refusal("continuation-document")
        suits = source.suits(main=document == first) if number is None else None
        version = suits or next((one for one in source.versions if one.number == number), None)
        if version is None:
            raise Refusal("continuation-document")
        rows[document] = version
    if first not in rows and not fresh:
        raise Refusal("continuation-main")
    same = family.name == folder.family
    codes = {number: (one.document.type_code or "") if same else "" for number, one in sources.items()}
    if same and first is not None and rows[first].origin == Origin.CONVERTED:
        rows[first] = _original(db, folder) or rows[first]
    return [
        (rows[one], codes[one])
        for one in sorted(rows, key=lambda one: (one != first, list(sources).index(one)))
    ]


def _original(db: Db, folder: Folder) -> DocumentVersion | None:
    """The file of which the page that people read was made: the same family reads it again."""
    documents = every_version(db, folder.id)
    place = next((rank for rank, (one, _) in enumerate(documents) if one.role == Role.MAIN), None)
    after = documents[place + 1] if place is not None and place + 1 < len(documents) else None
    return after[1][0] if after is not None and after[0].role == Role.ORIGINAL else None


def carried(folder: Folder, family: Family, *, fresh: bool = False) -> dict[str, Any]:
    """The facts of a folder that are still true of another one of this family.

    `fresh`: it is about another file. What the former one said stays with it, and so do amounts, accounts and companies.
    """
    files = documents_of(folder.sources.get("files", []))
    read = {*folder.sources.get("read", ()), *(files[-1]["values"] if files else ())} if fresh else set()
    same = family.name == folder.family
    before = family_of(folder.in_force)
    facts = {}
    for field in family.fields:
        if fresh and (field.key in read or field.type in OF_THE_FILE):
            continue
        former = before.field(field.key)
        if (
            former is None
            or former.type != field.type
            or field.type == "date"
            or field.key == family.number_field
        ):
            continue
        if (same or field.type in COMMON) and folder.fields.get(field.key) not in (None, "", []):
            facts[field.key] = folder.fields[field.key]
    return facts


def _beside(facts: Mapping[str, Any], read: ReadFacts | None) -> dict[str, Any]:
    return {key: value for key, value in facts.items() if read is None or key not in read.fields}


def linked(db: Db, folder: Folder) -> tuple[Folder | None, list[Folder]]:
    """The folder that this one was opened from, and those opened from it, as far as the reader of this session reads them."""
    rows = links(db, folder.id)
    numbers = {row.origin_id if row.folder_id == folder.id else row.folder_id for row in rows}
    seen = readable_among(db, numbers)
    found = {one.id: one for one in db.scalars(sa.select(Folder).where(Folder.id.in_(seen)))} if seen else {}
    origin = next((found.get(row.origin_id) for row in rows if row.folder_id == folder.id), None)
    after = (found.get(row.folder_id) for row in rows if row.origin_id == folder.id)
    return origin, [one for one in after if one is not None]
