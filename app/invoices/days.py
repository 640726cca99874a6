"""What the days of an invoice tell to whoever decides: dated to come, received before it was written, of another year."""

from collections.abc import Iterator
from datetime import date

from app.core.clock import PARIS
from app.core.db import Db
from app.core.french import jour, spaces
from app.folders.models import Folder
from app.folders.points import deposited_in
from app.folders.sockets import Caution
from workflows.circuit import Phase
from workflows.condition import values
from workflows.family import FAR_AHEAD

BARRED = 4
"""Whole years after that of the debt in which it may still be paid."""


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """Days that cannot be: the payment clock starts on one of them (CCP R2192-12), and the accountant reads the other.

    Each value that is disputed counts. Whoever deposited the invoice does not rule on them.
    """
    if folder.phase == Phase.DONE:
        return []
    by = frozenset(folder.sources.get("depositors", ()))
    return [
        Caution(key, title, spaces(sentence), about=about, by=by)
        for key, title, sentence, about in (*_to_come(db, folder), *_before(folder), *_long_ago(folder))
    ]


def _to_come(db: Db, folder: Folder) -> Iterator[tuple[str, str, str, str]]:
    """Compared with the day of the file's deposit, not with today: what was wrong then does not right itself."""
    for issued in dates_of(folder, "issue_date"):
        if issued <= folder.created_at.astimezone(PARIS).date():
            continue
        main = next(iter(deposited_in(db, folder.id)), None)
        if main is not None and issued > (deposited_on := main.created_at.astimezone(PARIS).date()):
            yield (
                "dated-to-come",
                "Facture datée d’après son dépôt",
                f"La facture est datée du {jour(issued)} et a été déposée le {jour(deposited_on)} : vérifiez sa date, sinon "
                "demandez au fournisseur de la corriger.",
                f"dated-to-come:{issued}",
            )


def _before(folder: Folder) -> Iterator[tuple[str, str, str, str]]:
    for received in dates_of(folder, "received_on"):
        for issued in dates_of(folder, "issue_date"):
            if received < issued:
                yield (
                    "received-before",
                    "Facture reçue avant sa date",
                    f"Reçue le {jour(received)} et datée du {jour(issued)} : l’une des deux est fausse, et le délai de paiement "
                    "part de la réception. Vérifiez les deux.",
                    f"received-before:{received}:{issued}",
                )


def _long_ago(folder: Folder) -> Iterator[tuple[str, str, str, str]]:
    """Of another year: it belongs to a closed budget, then, after four whole years, the debt is barred (loi 68-1250, art. 1)."""
    for received in dates_of(folder, "received_on"):
        for issued in dates_of(folder, "issue_date"):
            if received.year > issued.year + BARRED:
                yield (
                    "long-ago",
                    "Facture très ancienne",
                    f"La facture est datée du {jour(issued)} : après quatre années entières, une dette de la commune est en "
                    "principe prescrite. Vérifiez sa date, puis demandez au comptable.",
                    f"long-ago:{issued}",
                )
            elif received.year > issued.year and received > date(received.year, 1, 31):
                yield (
                    "closed-year",
                    "Facture d’un exercice clos",
                    f"Datée du {jour(issued)} et reçue le {jour(received)} : la journée complémentaire est passée. Voyez "
                    "avec les finances si la dépense est rattachée à l’exercice clos.",
                    f"closed-year:{issued}:{received}",
                )


def received_days(folder: Folder) -> list[date]:
    """The days on which an invoice may have been received: of those that are disputed, the delay begins at the first."""
    return list(dates_of(folder, "received_on"))


def dates_of(folder: Folder, key: str) -> Iterator[date]:
    """Each day that a date of an invoice may be, where somebody typed another than its file says."""
    for value in values(folder.facts, key):
        try:
            day = date.fromisoformat(str(value))
        except ValueError:
            continue  # the form says it when the folder is sent
        if day.year < FAR_AHEAD:
            yield day
