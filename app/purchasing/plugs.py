"""What orders bring to folders: the keys by which invoices find them, the match before whoever decides, and the way to a page."""

from jinja2 import Environment
from markupsafe import Markup

from app.core.db import Db
from app.core.outbox import handles, lasts
from app.folders import sockets
from app.folders.access import readable_among, reader_of
from app.folders.models import Folder
from app.invoices.history import FAMILY as INVOICE
from app.invoices.suppliers import keeping
from app.notices.bounces import coming_back
from app.people.own_settings.registry import declare
from app.purchasing import billing, drawn, known, linking, mailing, matching, separating
from app.purchasing.balance import balance_of
from app.purchasing.deliveries import deliveries_of, may_attest, sums
from config import Settings
from workflows.circuit import DONE, Phase

DRAW = "purchasing.draw"


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    handles(mailing.KIND)(mailing.Post(settings))
    lasts(mailing.KIND, settings.mail_days)
    coming_back(mailing.KIND, mailing.came_back)
    for one in (*matching.settings(), *separating.settings(), *billing.settings()):
        declare(one)
    orders, invoices = sockets.named(linking.FAMILY), sockets.named(INVOICE)
    sockets.index(linking.index, of=orders)
    sockets.index(keeping.keep, of=orders)
    sockets.index(linking.index, of=invoices)
    sockets.taker(INVOICE, linking.take)
    sockets.caution(matching.cautions, of=invoices)
    sockets.listing(matching.in_lists, asks=matching.asked_by_lists, of=invoices)
    ahead = sockets.Ahead(matching.asked_ahead, linking.keep_orders)
    sockets.gate(matching.to_rule, ahead=ahead, of=invoices)
    together = sockets.Together(separating.asked_together, separating.keep_together)
    sockets.gate(separating.same_hand, together=together, of=invoices)
    sockets.caution(separating.without_order, of=invoices)
    sockets.band(_Order(templates), of=orders)
    sockets.renewal(drawn.renew, of=orders)
    sockets.proposal(known.proposals, of=orders)
    sockets.ending(mailing.once_signed, of=orders)
    sockets.preparation(DRAW, _Draw(templates))
    sockets.band(_Matched(templates), of=invoices)


class _Draw:
    """Beside the draft of an order: what its lines come to, and the way to have it drawn."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, folder: Folder) -> Markup | None:
        if folder.family != linking.FAMILY:
            return None
        here, current = drawn.is_drawn(db, folder)
        page = self._templates.get_template("purchasing/_draw.html").render(
            folder=folder, total=folder.fields.get("total_ttc"), drawn=here, current=current, endpoint=DRAW
        )
        return Markup(page)  # noqa: S704 - the template escapes what it prints


class _Order:
    """Under the header of a signed order: how far its delivery is, and the way to its page."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, folder: Folder) -> Markup | None:
        if folder.place != DONE:
            return None
        balance = balance_of(folder, sums(deliveries_of(db, [folder.id]).get(folder.id, ())), ())
        page = self._templates.get_template("purchasing/_order.html").render(
            folder=folder, state=balance.state
        )
        return Markup(page)  # noqa: S704 - the template escapes what it prints


class _Matched:
    """Under the header of an invoice: its order, in one line where they agree."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, folder: Folder) -> Markup | None:
        match = matching.match_of(db, folder)
        if match is None or match.balance is None:
            return None
        named = match.balance.order.id in readable_among(db, [match.balance.order.id])
        reader = reader_of(db)
        open_still = folder.phase not in {Phase.DONE, Phase.REJECTED}
        page = self._templates.get_template("purchasing/_matched.html").render(
            balance=match.balance,
            named=named,
            agrees=open_still and matching.agrees(match),
            credit=open_still and matching.gives_back(match),
            attests=open_still
            and reader is not None
            and any(line.left for line in match.balance.lines)
            and may_attest(reader, match.balance.order),
        )
        return Markup(page)  # noqa: S704 - the template escapes what it prints
