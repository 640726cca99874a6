"""An invoice in another currency than the euro: it is told where it arrives that it cannot be sent, and what to do of it."""

from app.core.db import Db
from app.core.french import EURO, spaces
from app.folders.models import Folder
from app.folders.sockets import Caution
from app.invoices import outside
from workflows.circuit import Phase

AT_DESK = frozenset({Phase.DRAFT, Phase.REJECTED})


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """That the family refuses to send it (`currency-not-euro`), from the day on which it comes."""
    if not told(folder):
        return []
    there = outside.standings(db, [folder.id]).get(folder.id)
    end = (
        f"Rejetez-la sur {there.place}, avec ce motif" if there is not None else "Puis abandonnez ce dossier"
    )
    sentence = (
        "Une facture ne part dans son circuit qu’en euros, et aucun montant n’est converti ici. Demandez au fournisseur une "
        f"facture en euros. {end}."
    )
    return [_caution(folder, sentence)]


def in_lists(folder: Folder) -> list[Caution]:
    """The same for a list, which reads nothing more."""
    return [_caution(folder, "")] if told(folder) else []


def told(folder: Folder) -> bool:
    """Whether an invoice is at its desk, and in another currency."""
    return folder.phase in AT_DESK and folder.currency not in ("", EURO)


def _caution(folder: Folder, sentence: str) -> Caution:
    title = f"Facture en {folder.currency}, pas en euros"
    about = f"currency:{folder.currency}"
    return Caution("currency", spaces(title), spaces(sentence), about=about, grave=True)
