"""What is told of an invoice of a contract of works: whose way it goes, what is not owed yet, and what came by another way."""

from collections.abc import Iterator
from typing import Final

from app.chorus.models import ChorusInvoice
from app.folders.models import Folder
from app.folders.sockets import Caution
from app.invoices import frames
from workflows.condition import values

DRAFT: Final = "works-draft"
"""A draft of an account, or a subcontractor's request: nobody signs it as owed before a person says what was validated."""
SAY_FIRST: Final = (
    "une personne qui décide, et qui n’a pas déposé la facture, doit dire ici ce qui a été validé sur Chorus Pro, ou la "
    "rejeter."
)


def elsewhere(folder: Folder) -> Iterator[Caution]:
    """A frame of works on what did not come by Chorus Pro, which alone brings them (INV-30)."""
    if stated := sorted(_typed(folder) & frames.WORKS):
        yield Caution(
            "works-elsewhere",
            "Facture de travaux venue hors de Chorus Pro",
            f"{frames.in_words(stated[0])} : les pièces d’un marché de travaux n’arrivent que par Chorus Pro, où le maître "
            "d’œuvre et le maître d’ouvrage les valident. Demandez au fournisseur de l’y déposer, ou corrigez le cadre.",
            about="works-elsewhere",
            by=frozenset(folder.sources.get("depositors", ())),
            grave=True,
        )


def of_works(folder: Folder, invoice: ChorusInvoice) -> Iterator[Caution]:
    """What came from Chorus Pro as works, whatever frame was typed over its own."""
    by = frozenset(folder.sources.get("depositors", ()))
    if draft := sorted((_typed(folder) | {invoice.frame}) & frames.DRAFTS):
        yield Caution(
            DRAFT,
            "Marché de travaux : ce n’est pas encore une somme due",
            f"{frames.in_words(draft[0])} : d’autres la valident sur Chorus Pro (maître d’œuvre, maître d’ouvrage) avant qu’elle "
            "soit due. Personne ne signe le bon à payer avant que quelqu’un qui décide ait dit ici ce qui a été validé.",
            about=f"{DRAFT}:{draft[0]}",
            by=by,
            grave=True,
        )
    elif invoice.works:
        yield Caution(
            "chorus-works",
            "Facture d’un marché de travaux",
            f"Cadre : {frames.in_words(invoice.frame) or 'non dit'}. Elle suit la voie des marchés de travaux (maître d’œuvre, "
            "maître d’ouvrage), et ses états se donnent sur Chorus Pro.",
            about="chorus-works",
            by=by,
        )


def _typed(folder: Folder) -> set[str]:
    return {str(frame) for frame in values(folder.facts, frames.FIELD) if frame}
