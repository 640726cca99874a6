"""The rows beside the journal: where each folder is, what was sent with it, its documents to the byte, who holds a desk.

The journal is not altered by who changes a row; what people are shown then is no longer what it tells.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from app.core.db import Db
from app.core.refusals import Refusal
from app.files import vault
from app.folders.corrections import FACT
from app.folders.facts import count_amount
from app.folders.models import Document, DocumentVersion, Folder
from app.journal.models import JournalEntry
from app.legality.models import StateLetter
from app.people.models import Desk, Holder
from workflows.family import family
from workflows.vocabulary import Action, Phase, Right

_ENDS = {"done", "withdrawn"}
RULED = "folder.ruled"
MOVES = {f"folder.{action.value}": action for action in Action}
_DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_entry: Any = JournalEntry.__table__
_version: Any = DocumentVersion.__table__
_document: Any = Document.__table__
_letter: Any = StateLetter.__table__


@dataclass(frozen=True)
class Stands:
    """The value of a fact as the journal tells it last: sent, or « retenu » by who ruled; the line that says so."""

    value: Any
    verb: str
    seq: int


@dataclass
class Account:
    """What the lines of one folder say together."""

    place: str = "draft"
    version: int = 0
    stands: dict[str, Stands] = field(default_factory=dict)
    acted: dict[str, int] = field(default_factory=dict)
    digests: set[str] = field(default_factory=set)

    def read(self, row: Any) -> None:
        """Take one line in."""
        self.digests.update(_DIGEST.findall(row.facts))
        action = MOVES.get(row.event)
        if row.event == RULED:
            self._ruled(json.loads(row.facts), row.seq)
        if action is None:
            return
        facts = json.loads(row.facts)
        self.place, self.version = facts.get("entered", self.place), facts.get("version", self.version)
        if action is Action.SUBMIT:
            sent = facts.get("fields", {})
            self.stands = {key: Stands(value, "envoyé", row.seq) for key, value in sent.items()}
            self.acted.update((document["sha256"], row.seq) for document in facts.get("documents", ()))
        elif action is Action.SIGN and "sha256" in facts:
            self.acted[facts["sha256"]] = row.seq

    def _ruled(self, facts: Mapping[str, Any], seq: int) -> None:
        """Somebody kept one of two values; a value read that older lines do not write is left out."""
        for key, value in facts.get("kept", {}).items():
            self.stands[key] = Stands(value, "retenu", seq)
        about = str(facts.get("about", ""))
        if "kept" not in facts and facts.get("keep") and about.startswith(FACT):
            self.stands.pop(about.removeprefix(FACT), None)


def folders(db: Db, collectivity_id: int) -> Iterator[str]:
    """Each folder whose row, facts, documents or files are not as the journal tells them.

    Read in the order of the folders, three tables side by side: the length of the journal costs no memory.
    """
    lines = _by_folder(
        db,
        sa.select(_entry.c.folder_id, _entry.c.seq, _entry.c.event, _entry.c.facts)
        .where(_entry.c.collectivity_id == collectivity_id, _entry.c.folder_id.is_not(None))
        .order_by(_entry.c.folder_id, _entry.c.seq),
    )
    versions = _by_folder(
        db,
        sa.select(_document.c.folder_id, _document.c.title, _version.c.number, _version.c.sha256)
        .join_from(_version, _document, _document.c.id == _version.c.document_id)
        .where(_version.c.collectivity_id == collectivity_id)
        .order_by(_document.c.folder_id, _version.c.id),
    )
    known = sa.select(Folder).where(Folder.collectivity_id == collectivity_id).order_by(Folder.id)
    telling, holding = _Side(lines), _Side(versions)
    for folder in db.scalars(known.execution_options(yield_per=500)):
        for number, _ in telling.before(folder.id):
            yield _gone(number)
        account = Account()
        rows = telling.at(folder.id)
        for row in rows:
            account.read(row)
        documents = holding.at(folder.id)
        if rows:
            yield from _folder(folder, account)
            yield from _documents(db, folder, account, documents)
        else:
            yield f"dossier n° {folder.id} : aucune écriture ne parle de lui"
        yield from _files(collectivity_id, folder.id, documents)
    for number, _ in telling.before(None):
        yield _gone(number)


def _gone(number: int) -> str:
    return f"dossier n° {number} : le journal en parle, la base ne l’a plus"


def _by_folder(db: Db, query: Any) -> Iterator[tuple[int, list[Any]]]:
    cursor = db.execute(query.execution_options(yield_per=1000))
    for number, rows in groupby(cursor, key=lambda row: row.folder_id):
        yield number, list(rows)


class _Side:
    """One table read beside the folders, in their order."""

    def __init__(self, groups: Iterator[tuple[int, list[Any]]]) -> None:
        self._groups, self._next = groups, next(groups, None)

    def before(self, number: int | None) -> Iterator[tuple[int, list[Any]]]:
        """The groups of folders below this number, which the base does not have; all that are left for None."""
        while self._next is not None and (number is None or self._next[0] < number):
            yield self._next
            self._next = next(self._groups, None)

    def at(self, number: int) -> Sequence[Any]:
        """The rows of this folder."""
        for _ in self.before(number):
            pass
        if self._next is None or self._next[0] != number:
            return ()
        rows = self._next[1]
        self._next = next(self._groups, None)
        return rows


def _folder(folder: Folder, account: Account) -> Iterator[str]:
    """Its place, its facts and the amount of lists."""
    name = f"dossier n° {folder.id}"
    if folder.place != account.place:
        yield f"{name} : la base le dit à « {folder.place} », le journal à « {account.place} »"
    if (folder.phase == Phase.DONE.value) != (folder.place in _ENDS):
        yield f"{name} : sa phase « {folder.phase} » n’est pas celle de sa place « {folder.place} »"
    if folder.version < account.version:
        yield f"{name} : la base a moins avancé ({folder.version}) que le journal ({account.version})"
    if folder.phase in {Phase.RUNNING.value, Phase.DONE.value}:
        for key, last in account.stands.items():
            if folder.fields.get(key) != last.value:
                yield (
                    f"{name} : « {key} » n’est pas ce qui a été {last.verb} à l’écriture n° {last.seq} "
                    f"({_short(folder.fields.get(key))} au lieu de {_short(last.value)})"
                )
        counted = Folder(fields=folder.fields, sources=folder.sources)
        count_amount(counted, family(folder.family))
        if counted.amount_cents != folder.amount_cents:
            yield f"{name} : le montant des listes n’est pas celui de ses données"


def _short(value: Any) -> str:
    return "rien" if value is None else f"« {str(value)[:60]} »"


def _documents(db: Db, folder: Folder, account: Account, documents: Sequence[Any]) -> Iterator[str]:
    """Each version that no line names, and each that a line names and that is no longer there."""
    digests = {row.sha256 for row in documents}
    for row in documents:
        # A letter of the Préfecture is told by the line of its act, not of the folder that answers it
        if row.sha256 not in account.digests and not _told_elsewhere(db, folder.collectivity_id, row.sha256):
            yield (
                f"dossier n° {folder.id} : la version {row.number} de « {row.title} » n’est nommée par aucune écriture"
            )
    for digest, seq in account.acted.items():
        if digest not in digests:
            yield f"dossier n° {folder.id} : le document de l’écriture n° {seq} ({digest[:12]}…) n’est plus dans la base"


def _told_elsewhere(db: Db, collectivity_id: int, digest: str) -> bool:
    named = sa.select(_entry.c.seq).where(
        _entry.c.collectivity_id == collectivity_id, _entry.c.facts.contains(digest)
    )
    if db.execute(named.limit(1)).first() is not None:
        return True
    # The files that came with a letter were not in its line at first: the letter alone was
    letter = db.execute(
        sa.select(_letter.c.sha256)
        .where(
            _letter.c.collectivity_id == collectivity_id, sa.cast(_letter.c.files, sa.Text).contains(digest)
        )
        .limit(1)
    ).scalar()
    line = (
        letter
        and db.execute(
            sa.select(_entry.c.facts).where(
                _entry.c.collectivity_id == collectivity_id,
                _entry.c.event == "legality.letter",
                _entry.c.facts.contains(letter),
            )
        ).scalar()
    )
    return bool(line) and "files" not in json.loads(str(line))


def _files(collectivity_id: int, number: int, documents: Sequence[Any]) -> Iterator[str]:
    """Each file that the store lost or altered, read to its last byte."""
    for row in documents:
        try:
            for _ in vault.store().stream(vault.scope(collectivity_id), row.sha256):
                pass
        except Refusal as refusal:
            if refusal.key not in {"file-altered", "file-missing"}:
                raise
            what = "est altéré" if refusal.key == "file-altered" else "manque au dépôt"
            yield f"dossier n° {number} : le fichier de la version {row.number} de « {row.title} » {what}"


def seats(db: Db, collectivity_id: int) -> Iterator[str]:
    """Each person whose rights at a desk are not the last that the journal tells; what no line tells is of before it did."""
    latest: dict[tuple[int, str], tuple[int, list[str]]] = {}
    query = sa.select(_entry.c.seq, _entry.c.facts).where(
        _entry.c.collectivity_id == collectivity_id, _entry.c.event == "desk.rights"
    )
    for row in db.execute(query.order_by(_entry.c.seq)):
        facts = json.loads(row.facts)
        latest[facts["whose"], facts["desk"]] = row.seq, sorted(_told_rights(facts))
    holders = sa.select(Holder.user_id, Desk.key, Holder.rights).join(Desk, Desk.id == Holder.desk_id)
    rights = {
        (row.user_id, row.key): sorted(row.rights)
        for row in db.execute(holders.where(Desk.collectivity_id == collectivity_id))
    }
    for (user, desk), (seq, wanted) in latest.items():
        if rights.get((user, desk), []) != wanted:
            yield f"compte n° {user} : ses droits au bureau « {desk} » ne sont pas ceux de l’écriture n° {seq}"


def _told_rights(facts: Mapping[str, Any]) -> list[str]:
    """The rights that a line tells; of before publication was told apart from the visa, that of both."""
    rights: list[str] = facts["rights"]
    both = Right.ACT in rights and not facts.get("apart")
    return [*rights, Right.PUBLISH.value] if both else rights
