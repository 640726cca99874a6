"""What lists show of the doubts of invoices, in the words of their pages, at a cost that does not follow their number.

Read ahead for all of a list, then asked of each as its page asks it. What would cost a statement for each invoice is on its
page alone: those that it resembles without being the same, the papers, its days.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from app.core.db import Db
from app.core.grammar import plural
from app.core.questions import Asked, Rows, answer_each, gather
from app.folders.models import CircuitChange, Folder
from app.folders.rows import CHANGES, OF_HERE
from app.folders.sockets import Caution
from app.invoices import abroad, accounts, history, known, proposals, texts
from app.invoices.rules import telling
from app.invoices.settling import by_its_circuit
from workflows.circuit import Phase

TOLD_APART = ("seller", "number", "total_ttc")
"""What of a page a list shows, read and not yet confirmed."""


def queries(folders: Sequence[Folder]) -> Sequence[Asked]:
    """What is read for all the invoices of a list: the collectivity, what may be the same, what tells of their accounts."""
    return _queries(folders, _accounts(folders))


def _queries(folders: Sequence[Folder], ahead: known.Ahead) -> Sequence[Asked]:
    others = _compared(history.TWINS.c.other, ahead.ended)
    of_history = [(query, {**binds, **ahead.binds}) for query, binds in history.asked_ahead(folders, others)]
    return [(OF_HERE, {"here": folders[0].collectivity_id}), *of_history, *ahead.asked(folders)]


def cautions(db: Db, folders: Sequence[Folder], rows: Sequence[Rows]) -> Mapping[int, Sequence[Caution]]:
    """An invoice that is there already, its account, its addressee, its seller, and the rules that it breaks."""
    gather(db)
    ((collectivity,),) = rows[0]
    _keep(db, folders, _accounts(folders), rows[1:])
    offered = _offered(db, folders, collectivity.siren)
    return {
        folder.id: [
            *history.cautions(db, folder),
            *abroad.in_lists(folder),
            *(accounts.cautions(db, folder) if accounts.told(folder) else ()),
            *telling.cautions(db, folder),
            *offered.get(folder.id, ()),
        ]
        for folder in folders
    }


def _keep(db: Db, folders: Sequence[Folder], ahead: known.Ahead, rows: Sequence[Rows]) -> None:
    history.keep_ahead(db, folders, rows[:HISTORY])
    others = {other.id: other for (other,) in rows[1]}
    ahead.keep(db, folders, others, rows[HISTORY:])


HISTORY = 3
"""So many queries does `history` ask, of a list and of one invoice."""


def _accounts(folders: Sequence[Folder]) -> known.Ahead:
    return known.Ahead.of({folder: accounts.told(folder) for folder in folders})


def _accounts_named(folders: Sequence[Folder]) -> known.Ahead:
    """The same, with the accounts that only a page or a paper names."""
    named = {folder: [*accounts.told(folder), *texts.mentioned(folder)] for folder in folders}
    return known.Ahead.of({folder: list(dict.fromkeys(ibans)) for folder, ibans in named.items()})


@lru_cache(maxsize=64)
def _compared(twins: Any, ended: Any) -> sa.Select[Any]:
    """All the invoices that others are compared with: what may be the same, and what ended, where that is asked."""
    numbers = sa.select(twins)
    return sa.select(Folder).where(
        Folder.id.in_(sa.union(numbers, sa.select(ended.c.folder_id)) if ended is not None else numbers),
        Folder.collectivity_id + 0
        == sa.bindparam("here"),  # or SQLite begins with all the folders that it has
    )


def asked_ahead(db: Db, folder: Folder) -> Sequence[Asked]:
    """What is read before a visa on an invoice: what may be the same, and what tells of the accounts that it names.

    Nothing where the service is attested: nobody decides there on whom to pay.
    """
    if by_its_circuit(db, folder):
        return ()
    if not accounts.told(folder):
        return history.asked_of_one(folder, _compared(history.PERHAPS_THIS.c.folder_id, None))
    ahead = _accounts([folder])
    others = _compared(history.PERHAPS_THIS.c.folder_id, ahead.ended)
    of_history = history.asked_of_one(folder, others)
    return [*((query, {**binds, **ahead.binds}) for query, binds in of_history), *ahead.asked([folder])]


def keep_ahead(db: Db, folder: Folder, rows: Sequence[Rows]) -> None:
    """Keep what was read, for whoever looks at it."""
    history.keep_of_one(db, folder, rows[:HISTORY])
    if rows[HISTORY:]:
        others = {other.id: other for (other,) in rows[1]}
        _accounts([folder]).keep(db, [folder], others, rows[HISTORY:])


_changes = sa.select(CircuitChange).where(
    CircuitChange.folder_id.in_(sa.bindparam("changed_folders", expanding=True)),
    CircuitChange.collectivity_id == sa.bindparam("here"),
)


def asked_together(_db: Db, folders: Sequence[Folder]) -> Sequence[Asked]:
    """What the gates of several invoices look at: as a list, with the accounts on papers and the changes of steps."""
    place = {"here": folders[0].collectivity_id}
    return [
        (_changes, {**place, "changed_folders": [folder.id for folder in folders]}),
        *accounts.asked_of_sent(folders),
        *_queries(folders, _accounts_named(folders)),
    ]


def keep_together(db: Db, folders: Sequence[Folder], rows: Sequence[Rows]) -> None:
    """Keep what was read, for whoever looks at it."""
    changes, *others = rows
    answer_each(db, CHANGES, [folder.id for folder in folders], changes, lambda row: int(row[0].folder_id))
    sent = len(accounts.asked_of_sent(folders))
    accounts.keep_sent(db, folders, others[:sent])
    _keep(db, folders, _accounts_named(folders), others[sent + 1 :])


def _offered(db: Db, folders: Sequence[Folder], siren: str) -> Mapping[int, Sequence[Caution]]:
    """How many fields each draft has that its page seems to say, and that nobody has entered: by two statements."""
    drafts = {
        folder.id: folder
        for folder in folders
        if folder.phase == Phase.DRAFT and not folder.sources.get("read")
    }
    pages = proposals.pages_of(db, list(drafts)) if drafts else {}
    texts = [page.text for page in pages.values()]
    every = proposals.offered(db, folders[0].collectivity_id, texts, buyer=siren)
    empty = {
        number: [value for value in values if drafts[number].fields.get(value.field) in (None, "")]
        for number, values in zip(pages, every, strict=True)
    }
    return {
        number: [Caution("to-confirm", _to_confirm(values), "")] for number, values in empty.items() if values
    }


def _to_confirm(values: Sequence[proposals.Said]) -> str:
    """« 7 champs à confirmer (Menuiserie Roz-Avel, RA-121, 2 118,00 €) », by which drafts of scans are told apart."""
    shown = {value.field: value.shown for value in values}
    values_read = ", ".join(shown[key] for key in TOLD_APART if key in shown)
    return f"{plural(len(values), 'champ')} à confirmer{f' ({values_read})' if values_read else ''}"
