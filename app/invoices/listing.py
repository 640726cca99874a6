"""What lists show of the doubts of invoices, in the words of their pages, at a cost that does not follow their number.

Read ahead for all of a list, then asked of each as its page asks it. What would cost a statement for each invoice is on its
page alone: those that it resembles without being the same, the papers, its days.
"""

from collections.abc import Mapping, Sequence

from app.core.db import Db
from app.core.grammar import plural
from app.core.questions import gather
from app.folders.models import Folder
from app.folders.sockets import Caution
from app.invoices import abroad, accounts, history, known, proposals
from app.invoices.rules import telling
from app.people.models import Collectivity
from workflows.circuit import Phase

TOLD_APART = ("seller", "number", "total_ttc")
"""What of a page a list shows, read and not yet confirmed."""


def cautions(db: Db, folders: Sequence[Folder]) -> Mapping[int, Sequence[Caution]]:
    """An invoice that is there already, its account, its addressee, its seller, and the rules that it breaks."""
    gather(db)
    collectivity = db.get_one(Collectivity, folders[0].collectivity_id)  # in hand: each invoice asks for it
    history.read_ahead(db, folders)
    known.read_ahead(db, {folder: accounts.told(folder) for folder in folders})
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
