"""Put a copy back where nothing is yet, prove that it is the same, and let nothing leave until somebody says so.

The copy is read through before anything is written. Documents come first and the rows last, in one transaction: a
restoration that is killed leaves an empty base, and is begun again with the same copy.
"""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.channels import create_only, replacing
from app.channels.handover.channel import RECEIPTS
from app.core import schema
from app.core.clock import now
from app.core.db import Db, engine, reading
from app.core.hold import Hold, last_since
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.files import vault
from app.journal import anchors
from app.journal.chain import Event, append, canonical, verify
from app.journal.models import JournalEntry
from app.operations.keeping import archive, rows
from app.operations.keeping.backup import ASIDE, CHOSEN, HANDOVERS, folders
from app.people.models import LoginSession, PasswordReset, SetupLink
from config import Settings

BY = "ligne de commande"
MARK = "restauration-commencee.json"
"""In the data folder: which copy is being put back, so that the same one, and no other, may go on."""
SET_ASIDE = "mis de côté à la reprise, après une restauration : à relancer si cela n’est pas déjà parti"


@dataclass(frozen=True)
class Outline:
    """What a copy says of itself, once all of it was read: of when, of which schema, and what it holds."""

    id: str
    at: datetime
    version: str
    revision: str
    tables: dict[str, Any]
    forms: dict[str, rows.Form]
    numbers: dict[str, int]
    documents: dict[str, Any]
    files: int
    lost: list[str]
    heads: list[str]

    @property
    def rows(self) -> int:
        """How many rows it holds."""
        return sum(int(table["rows"]) for table in self.tables.values())


@dataclass(frozen=True)
class Chain:
    """What the journal of a collectivity says once it is back."""

    siren: str
    count: int
    fault: str | None


@dataclass(frozen=True)
class Restored:
    """What came back, what the journal says of itself, whether its heads are those of the copy, and what was laid aside.

    `aside`: hand-overs that the commune's software may have taken already, under `aside_folder` and not where it takes them.
    """

    outline: Outline
    chains: list[Chain]
    heads_fault: str | None
    aside: int
    aside_folder: Path

    @property
    def sound(self) -> bool:
        """Whether nothing was lost before the copy and every chain holds."""
        return (
            not self.outline.lost and not self.heads_fault and not any(chain.fault for chain in self.chains)
        )


def survey(source: Path, command: Sequence[str] = ()) -> Outline:
    """Read a whole copy and compare every digest; nothing is written.

    Refuses `copy-broken`, `copy-newer` (its schema is not known here) and what `archive.members` refuses.
    """
    opening: dict[str, Any] = {}
    manifest: dict[str, Any] = {}
    contents = _Contents()
    for member in archive.members(source, command):
        if manifest or bool(opening) == (member.kind == archive.OPENING):
            raise archive.broken("ses parties ne sont pas dans leur ordre")
        if member.kind == archive.MANIFEST:
            manifest = archive.object_in(member.data())
        elif member.kind == archive.OPENING:
            data = member.data()
            opening = archive.object_in(data)
            _known(opening)
            contents.note(member, data)
        else:
            contents.look(member)
    if not manifest:
        raise archive.broken(archive.CUT)
    wanted = (manifest.get("id"), manifest.get("members"), manifest.get("tables"), manifest.get("documents"))
    if wanted != (opening.get("id"), contents.members, contents.tallied(), contents.documents()):
        raise archive.broken("ses empreintes ne sont pas celles de ce qu’elle contient")
    return Outline(
        opening["id"],
        datetime.fromisoformat(opening["at"]),
        opening["version"],
        opening["revision"],
        manifest["tables"],
        contents.forms,
        contents.numbers,
        manifest["documents"],
        sum(name.startswith("folders/") for name in contents.members),
        manifest["lost"],
        manifest["heads"],
    )


def _known(opening: dict[str, Any]) -> None:
    if opening.get("format") != archive.FORMAT:
        raise archive.broken("ce n’est pas une sauvegarde de Paraphe")
    if not schema.knows(str(opening.get("revision"))):
        raise Refusal("copy-newer", version=opening.get("version"), revision=opening.get("revision"))


class _Contents:
    """What a first reading has seen: the digest of each member, the lines of each table, the documents."""

    def __init__(self) -> None:
        self.members: dict[str, list[Any]] = {}
        self.forms: dict[str, rows.Form] = {}
        self.numbers: dict[str, int] = {}
        self._tallies: dict[str, rows.Tally] = {}
        self._count = self._size = 0
        self._every = sha256()

    def note(self, member: archive.Member, data: bytes) -> None:
        self.members[member.name] = [len(data), sha256(data).hexdigest()]

    def look(self, member: archive.Member) -> None:
        if member.kind == "table":
            data = member.data()
            self.note(member, data)
            self._table(member, data)
            return
        digest, size = sha256(), 0
        for piece in member.pieces():
            digest.update(piece)
            size += len(piece)
        if member.kind == "folder":
            self.members[member.name] = [size, digest.hexdigest()]
            return
        if digest.hexdigest() != member.facts["sha256"]:
            raise archive.broken(f"le document {member.facts['sha256']} est abîmé")
        self._count, self._size = self._count + 1, self._size + size
        self._every.update(f"{member.facts['scope']}/{member.facts['sha256']}\n".encode())

    def _table(self, member: archive.Member, data: bytes) -> None:
        name = member.facts["table"]
        if member.name.endswith(".json"):
            self.forms[name], number = _form(name, data)
            self._tallies[name] = rows.Tally()
            if number is not None:
                self.numbers[name] = number
            return
        if name not in self._tallies:
            raise archive.broken("ses parties ne sont pas dans leur ordre")
        for line in archive.inflate(data):
            self._tallies[name].add(line)

    def tallied(self) -> dict[str, Any]:
        return {name: tally.as_facts() for name, tally in self._tallies.items()}

    def documents(self) -> dict[str, Any]:
        return {"count": self._count, "size": self._size, "digest": self._every.hexdigest()}


def _form(name: str, data: bytes) -> tuple[rows.Form, int | None]:
    facts = archive.object_in(data)
    columns = tuple((str(column), str(kind)) for column, kind in facts["columns"])
    return rows.Form(name, columns, tuple(facts["order"])), facts.get("given")


def restore(settings: Settings, source: Path, command: Sequence[str] = ()) -> Restored:
    """Put a copy back into the empty place of these settings; nothing leaves it until `resume`.

    Refuses what `survey` refuses, then a place that holds anything (`restore-base-filled`, `restore-store-filled`,
    `restore-folder-filled`) or that cannot be written (`restore-unwritten`). Only the same copy goes on with what a killed
    restoration left.
    """
    outline = survey(source, command)
    mark = settings.data_dir / MARK
    begun = mark.is_file() and archive.object_in(mark.read_bytes()).get("id") == outline.id
    if not (begun and _loaded(outline)):
        empty_base(outline.revision, "restore-base-filled")
        if not begun:
            _empty_place(settings)
        with _writing(mark):
            mark.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            mark.write_text(json.dumps({"id": outline.id}), encoding="utf-8")
        _files(settings, source, command)
        schema.upgrade(outline.revision)
        _rows(outline, source, command)
    schema.upgrade()
    verified, fault = chains(outline.heads)
    _say_restored(outline)
    mark.unlink()
    aside = folders(settings)[ASIDE]
    return Restored(outline, verified, fault, sum(path.is_file() for path in aside.rglob("*")), aside)


def _loaded(outline: Outline) -> bool:
    """Whether the rows of this copy are here already: it was killed after them."""
    with engine().connect() as connection:
        if Hold.__tablename__ not in rows.filled(connection):
            return False
    with reading() as db:
        lasts = sa.select(Hold.id).where(Hold.copied_at == outline.at, Hold.resumed_at.is_(None))
        return db.scalar(lasts) is not None


def empty_base(wanted: str, key: str) -> None:
    """Refuse `key` unless there is no table, or those of this schema without a row: what a killed attempt leaves."""
    revision = schema.revisions()[0]
    with engine().connect() as connection:
        filled = rows.filled(connection)
        tables = rows.forms(connection)
    if filled:
        raise Refusal(key, tables=", ".join(filled[:5]))
    if tables and revision != wanted:
        raise Refusal(key, tables=", ".join(table.name for table in tables[:5]))


def _empty_place(settings: Settings) -> None:
    if next(vault.store().objects(), None) is not None:
        raise Refusal("restore-store-filled", url=settings.store_url.split("?")[0])
    for place in folders(settings).values():
        if place.is_dir() and any(path.is_file() for path in place.rglob("*")):
            raise Refusal("restore-folder-filled", folder=str(place))


def _files(settings: Settings, source: Path, command: Sequence[str]) -> None:
    """The documents into the store and the files into their folders; what is there already is the same."""
    places = folders(settings)
    with tempfile.TemporaryDirectory(prefix=".restauration-", dir=settings.data_dir) as room:
        local = Path(room) / "document"
        for member in archive.members(source, command):
            if member.kind == "document":
                _write(member, local)
                with _writing(local):
                    put = vault.store().put_file(member.facts["scope"], local)
                if put.sha256 != member.facts["sha256"]:
                    raise archive.broken(f"le document {member.facts['sha256']} est abîmé")
            elif member.kind == "folder" and member.facts["folder"] in places:
                _put_back(member, places, local)


def _put_back(member: archive.Member, places: dict[str, Path], local: Path) -> None:
    """One file into its folder; a hand-over goes aside, where nobody takes it, and only its receipt into its place."""
    name, path = member.facts["folder"], member.facts["path"]
    aside = name in {ASIDE, CHOSEN} or (name == HANDOVERS and not path.startswith(f"{RECEIPTS}/"))
    target = places[ASIDE if aside else name] / path
    with _writing(target):
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not aside:
            with replacing(target) as part:  # beside it: its folder may be on another disk than the data
                _write(member, part)
            return
        _write(member, local)
        if not create_only(target, local) and _digest(target) != (digest := _digest(local)):
            create_only(target.with_name(f"{digest[:16]}-{target.name}"), local)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


@contextmanager
def _writing(target: Path) -> Iterator[None]:
    """Refuse `restore-unwritten` where the disk, its rights or its room do not let `target` be written."""
    try:
        yield
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise Refusal("restore-unwritten", name=str(target), why=why) from error


def _write(member: archive.Member, target: Path) -> None:
    with _writing(target), target.open("wb") as file:
        for piece in member.pieces():
            file.write(piece)


@use_case
def _rows(db: Db, outline: Outline, source: Path, command: Sequence[str]) -> None:
    """All rows in one transaction, read again from the base before it stands; the hold stands with them."""
    connection = db.connection()
    if rows.filled(connection):
        raise Refusal("restore-base-filled", tables=", ".join(rows.filled(connection)[:5]))
    if set(outline.forms) != {form.name for form in rows.forms(connection)}:
        raise archive.broken("ses tables ne sont pas celles de son schéma")
    with rows.loose(connection):
        for member in archive.members(source, command):
            if member.kind == "document":
                break
            if member.kind == "table" and not member.name.endswith(".json"):
                form = outline.forms[member.facts["table"]]
                rows.load(connection, form, archive.inflate(member.data()))
    rows.set_numbers(connection, outline.numbers)
    rows.same(outline.tables, rows.tallies(connection))
    _close_doors(db)
    db.add(Hold(since=now(), copied_at=outline.at))


def _close_doors(db: Db) -> None:
    """End the sessions and the links of a copy: since it was made, they may have been closed, or have served."""
    moment = now()
    for doors in (
        sa.update(LoginSession).where(LoginSession.revoked_at.is_(None)).values(revoked_at=moment),
        sa.update(PasswordReset).where(PasswordReset.used_at.is_(None)).values(used_at=moment),
        sa.update(SetupLink).where(SetupLink.used_at.is_(None)).values(used_at=moment),
    ):
        db.execute(doors.execution_options(synchronize_session=False))


def chains(heads: Sequence[str]) -> tuple[list[Chain], str | None]:
    """Each journal recomputed, and the first of these heads that it does not carry."""
    with reading() as db:
        places = list(db.execute(sa.select(anchors.place.c.id, anchors.place.c.siren).order_by("siren")))
    verified = []
    for number, siren in places:
        with reading() as db:
            count, broken = verify(db, number)
        fault = f"écriture n° {broken.seq} : {broken.sentence}" if broken else None
        verified.append(Chain(siren, count, fault))
    with reading() as db:
        return verified, anchors.compare(db, heads)[1]


def collectivities(db: Db) -> Iterator[int]:
    """The number of each collectivity."""
    yield from db.scalars(sa.select(anchors.place.c.id).order_by(anchors.place.c.id))


@use_case
def _say_restored(db: Db, outline: Outline) -> None:
    facts = {"copy": outline.id, "copied_at": outline.at.isoformat(), "revision": outline.revision}
    recorded = sa.select(JournalEntry.collectivity_id).where(
        JournalEntry.event == "collectivity.restored", JournalEntry.facts == canonical(facts)
    )
    for number in sorted(set(collectivities(db)) - set(db.scalars(recorded))):
        append(db, number, Event("collectivity.restored", BY, None, None, facts))


@use_case
def resume(db: Db, text: str, *, aside: bool) -> int:
    """Let everything leave again, for the reason in `text`, written in each journal; how many things were set aside.

    With `aside`, what waited when the last copy was put back is stopped, to be looked at and put back to work one by one: the
    place that was copied may have sent it since. Refuses `resume-words` and `resume-nothing`.
    """
    reason = " ".join(text.split())
    if not reason:
        raise Refusal("resume-words")
    began = last_since(db)
    if began is None:
        raise Refusal("resume-nothing")
    count = 0
    if aside:
        waited = sa.update(Outbox).where(Outbox.state.in_(["pending", "running"]), Outbox.created_at < began)
        parked = waited.values(state="parked", lease_until=None, owner=None, last_error=SET_ASIDE).returning(
            Outbox.id
        )
        count = len(db.scalars(parked.execution_options(synchronize_session=False)).all())
    ended = sa.update(Hold).where(Hold.resumed_at.is_(None))
    db.execute(
        ended.values(resumed_at=now(), resumed_words=reason).execution_options(synchronize_session=False)
    )
    for number in list(collectivities(db)):
        append(
            db, number, Event("collectivity.resumed", BY, None, None, {"words": reason, "set_aside": count})
        )
    return count
