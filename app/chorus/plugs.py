"""Chorus Pro plugs in: its settings and their trial, its rounds, what it tells of a folder, and what is said of it there."""

from jinja2 import Environment
from markupsafe import Markup

from app.arrivals.opening import once_opened
from app.chorus import answering, cautions, fetching, mandating, mending, own, rounds, statuses
from app.chorus.answering import invoice_of
from app.chorus.expiry import remind
from app.chorus.outside import Told
from app.core.db import Db
from app.core.outbox import each_round, handles
from app.folders import sockets
from app.folders.models import Folder
from app.invoices import outside
from app.invoices.history import FAMILY
from app.invoices.interrupting import also_read
from app.people.actor import system
from app.people.own_settings.registry import Trial, declare, offer
from config import Settings
from workflows.circuit import WITHDRAWN


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    declare(*own.settings_of(settings))
    attempt = own.Attempt(settings)
    offer(Trial("chorus", own.GROUP, "Essayer la connexion", attempt.missing, attempt))
    handles(rounds.KIND, passing=True)(rounds.Round(settings, mending.mend))
    handles(rounds.INVOICE, passing=True)(fetching.Fetch(settings))
    handles(statuses.KIND)(statuses.Say(settings))
    each_round("chorus", _look)
    invoices = sockets.named(FAMILY)
    sockets.band(_Band(templates), of=invoices)
    sockets.caution(cautions.cautions, of=invoices)
    sockets.listing(cautions.in_lists, asks=cautions.asked_by_lists, of=invoices)
    ahead = sockets.Ahead(
        cautions.asked_ahead, cautions.keep_ahead, there=cautions.ANY_THERE, none=cautions.keep_none
    )
    together = sockets.Together(cautions.asked_together, cautions.keep_together)
    sockets.gate(cautions.gate, ahead=ahead, together=together, of=invoices)
    sockets.check(answering.rejected_there, of=invoices)
    sockets.question(answering.INVOICE)
    also_read(answering.told_there)
    once_opened(fetching.linked)
    outside.plug(Told())
    sockets.tray(mandating.Waiting(templates), mandating.any_unsaid)


def _look() -> None:
    """Each minute: ask for rounds, and draw the statuses that the folders of invoices ask for."""
    rounds.look()
    for place, number in statuses.to_draw():
        statuses.draw(system(place, rounds.WHO), number)
    remind()


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
            status=statuses.in_words(invoice.standing[0]),
            may_reject=(may_reject := answering.offers_rejection(db, folder, invoice)),
            untaken=may_reject and folder.place == WITHDRAWN,
        )
        return Markup(page)  # noqa: S704 - the template escapes what it prints
