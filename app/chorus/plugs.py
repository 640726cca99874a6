"""Chorus Pro plugs in: its settings and their trial, its rounds, what it tells of a folder, and what is said of it there."""

from collections.abc import Iterator

from jinja2 import Environment
from markupsafe import Markup

from app.chorus import answering, fetching, own, rounds, statuses
from app.chorus.answering import invoice_of
from app.chorus.expiry import remind
from app.core.db import Db
from app.core.outbox import each_round, handles
from app.folders import sockets
from app.folders.models import Folder
from app.folders.sockets import Caution
from app.invoices.history import FAMILY
from app.people.actor import system
from app.people.own_settings.registry import Trial, declare, offer
from config import Settings


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    declare(*own.settings_of(settings))
    attempt = own.Attempt(settings)
    offer(Trial("chorus", own.GROUP, "Essayer la connexion", attempt.missing, attempt))
    handles(rounds.KIND, passing=True)(rounds.Round(settings))
    handles(rounds.INVOICE, passing=True)(fetching.Fetch(settings))
    handles(statuses.KIND)(statuses.Say(settings))
    each_round("chorus", _look)
    invoices = sockets.named(FAMILY)
    sockets.band(_Band(templates), of=invoices)
    sockets.caution(_cautions, of=invoices)
    sockets.check(answering.rejected_there, of=invoices)
    sockets.question(answering.INVOICE)


def _look() -> None:
    """Each minute: ask for rounds, see which folders invoices became, and draw the statuses that they ask for."""
    rounds.look()
    for place, number in fetching.to_link():
        fetching.link(system(place, rounds.WHO), number)
    for place, number in statuses.to_draw():
        statuses.draw(system(place, rounds.WHO), number)
    remind()


def _cautions(db: Db, folder: Folder) -> list[Caution]:
    """What Chorus Pro alone tells of an invoice: paid already, of works, for somebody else to be paid."""
    invoice = invoice_of(db, folder)
    if invoice is None:
        return []
    by = frozenset(folder.sources.get("depositors", ()))
    return list(_told(invoice.frame, invoice.works, by))


def _told(frame: str, works: bool, by: frozenset[int]) -> Iterator[Caution]:
    if frame == "A2":
        yield Caution(
            "chorus-paid",
            "Facture déjà payée par carte d’achat",
            "Chorus Pro la dit déjà payée (cadre A2) : elle justifie une dépense faite, et ne se mandate pas une seconde fois.",
            about="chorus-paid",
            by=by,
            grave=True,
        )
    if works:
        yield Caution(
            "chorus-works",
            "Facture d’un marché de travaux",
            f"Cadre {frame or 'non dit'} : elle suit la voie des marchés de travaux (maître d’œuvre, maître d’ouvrage), et ses "
            "états se donnent sur Chorus Pro.",
            about="chorus-works",
            by=by,
        )


class _Band:
    """Where the invoice stands on Chorus Pro, and the page that tells more."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, folder: Folder) -> Markup | None:
        invoice = invoice_of(db, folder)
        if invoice is None:
            return None
        page = self._templates.get_template("chorus/band.html").render(
            folder=folder,
            invoice=invoice,
            status=statuses.in_words(invoice.status),
        )
        return Markup(page)  # noqa: S704 - the template escapes what it prints
