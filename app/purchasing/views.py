"""What the pages of orders show: the orders that one may read, and one of them line by line."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import sqlalchemy as sa

from app.core.clock import PARIS
from app.core.db import Db
from app.core.french import euros, instant, jour, spaces
from app.core.spreadsheet import Cell
from app.display import following
from app.folders.access import readable_among
from app.folders.models import Folder, StepRun
from app.people.actor import Actor
from app.people.models import Collectivity
from app.people.own_settings.registry import value_in
from app.purchasing.balance import ZERO, Balance, Bill, LineBalance, OrderLine, balance_of
from app.purchasing.deliveries import deliveries_of, every_delivery, said, sums
from app.purchasing.linking import FAMILY, invoices_of
from app.purchasing.matching import TOTAL, bills_of, counted, part_of, price, tolerated
from app.purchasing.models import OrderDelivery, OrderMail
from workflows.circuit import DONE, StepKind

SHOWN, MOST = 50, 1_000
"""Orders of a page of the list, and of the file that is taken away."""
LOOKED = 300
"""Orders that are counted to find those of a state."""
HEAD = (
    *("Numéro", "Objet", "Fournisseur", "SIRET", "Engagement", "Imputation", "Signé le", "Commandé TTC"),
    *("Livré TTC", "Facturé TTC", "Reste à facturer TTC", "Livraison"),
)


@dataclass(frozen=True)
class State:
    """Which orders are shown: how that is said, and whether an order is of them, with the part by which a total may be above."""

    label: str
    of: Callable[[Balance, Decimal], bool]


def _over(one: Balance, part: Decimal) -> bool:
    return -one.left > tolerated(one.ordered, part)


STATES: Mapping[str, State] = {
    "": State("Toutes", lambda _one, _part: True),
    "a-livrer": State("À livrer, en tout ou partie", lambda one, _part: not one.complete),
    "livrees": State("Livrées, reste à facturer", lambda one, _part: one.complete and one.left > 0),
    "facturees": State(
        "Facturées en entier", lambda one, part: bool(one.bills) and one.left <= 0 and not _over(one, part)
    ),
    "depassees": State("Facturées au-delà", _over),
}


@dataclass(frozen=True)
class LineShown:
    """A line of an order in words: `tone` and `said` tell whether the three agree."""

    designation: str
    tone: str
    said: str
    ordered: str
    delivered: str
    billed: str
    price: str
    billed_price: str


@dataclass(frozen=True)
class DeliveryShown:
    """A delivery in words; `corrected`: another one took its place."""

    id: int
    day: str
    words: str
    who: str
    note: str
    reason: str
    corrected: bool
    document: int | None


@dataclass(frozen=True)
class InvoiceShown:
    """An invoice of an order: its number and amount, for who may read it; `counted`: whether it is owed."""

    id: int | None
    number: str
    amount: str
    counted: bool


@dataclass(frozen=True)
class OrderShown:
    """An order, its lines, what came and what was billed of it."""

    balance: Balance
    lines: Sequence[LineShown]
    deliveries: Sequence[DeliveryShown]
    invoices: Sequence[InvoiceShown]
    signed: str
    may_attest: bool

    @property
    def over(self) -> Decimal:
        """By how much it is billed above what was ordered."""
        return max(-self.balance.left, ZERO)


def balances(db: Db, here: int, orders: Sequence[Folder]) -> list[Balance]:
    """Each of these orders counted with all that is owed of it, in four statements whatever their number."""
    delivered = deliveries_of(db, [order.id for order in orders])
    found = invoices_of(db, here, orders)
    bills = {
        bill.folder.id: bill
        for bill in bills_of(db, counted([one for each in found.values() for one in each]))
    }
    return [
        balance_of(
            order,
            sums(delivered.get(order.id, ())),
            [bills[one.id] for one in found.get(order.id, ()) if one.id in bills],
        )
        for order in orders
    ]


def orders_shown(
    db: Db, actor: Actor, *, state: str = "", before: int | None = None, size: int = SHOWN
) -> tuple[list[Balance], int | None]:
    """The signed orders that the actor may read, of a state of `STATES`, the last first; and before which one there are more.

    A state is counted, and not kept: so many orders are looked through at once, and the rest follows.
    """
    looked = size if not state else max(size, LOOKED)
    signed = f"f.place = '{DONE}'"
    numbers = following.numbers(db, actor, FAMILY, signed, {}, most=looked + 1, before=before) or []
    query = sa.select(Folder).where(Folder.id.in_(numbers)).order_by(Folder.id.desc())
    orders = db.scalars(query).all() if numbers else []
    of = STATES.get(state, STATES[""]).of
    total = _tolerance(db, actor)
    kept = [one for one in balances(db, actor.collectivity_id, orders[:looked]) if of(one, total)]
    if len(kept) > size:
        return kept[:size], kept[size - 1].order.id
    return kept, orders[looked - 1].id if len(orders) > looked else None


def _tolerance(db: Db, actor: Actor) -> Decimal:
    chosen = db.get_one(Collectivity, actor.collectivity_id).settings
    return part_of(str(value_in(chosen, TOTAL).value)) or ZERO


def rows_of(every: Sequence[Balance]) -> list[tuple[Cell, ...]]:
    """Orders as lines of a file, under `HEAD`."""
    return [
        (
            one.order.number,
            str(one.order.fields.get("object") or ""),
            *(
                str(one.order.fields.get(key) or "")
                for key in ("seller", "seller_siret", "engagement", "budget_line")
            ),
            one.order.done_at.date() if one.order.done_at else None,
            one.ordered,
            one.delivered,
            one.billed,
            one.left,
            one.state[1],
        )
        for one in every
    ]


def order_shown(db: Db, order: Folder, *, may_attest: bool, tolerance: Decimal | None) -> OrderShown:
    """One order as its page shows it."""
    invoices = invoices_of(db, order.collectivity_id, [order]).get(order.id, [])
    owed = {one.id for one in counted(invoices)}
    bills = bills_of(db, [one for one in invoices if one.id in owed])
    every = every_delivery(db, [order.id])
    corrected = {one.corrects_id for one in every}
    standing = [one for one in every if one.id not in corrected]
    balance = balance_of(order, sums(standing), bills)
    readable = readable_among(db, [one.id for one in invoices])
    lines = [one.line for one in balance.lines]
    return OrderShown(
        balance,
        [_line(one, balance, tolerance) for one in balance.lines],
        [_delivery(one, lines, corrected) for one in every],
        [_invoice(one, one.id in readable, one.id in owed) for one in invoices],
        _signed(db, order),
        may_attest,
    )


def _line(one: LineBalance, balance: Balance, tolerance: Decimal | None) -> LineShown:
    tone, words = _said(one, balance, tolerance)
    return LineShown(
        one.line.designation,
        tone,
        spaces(words),
        one.line.of(one.line.quantity),
        one.line.of(one.delivered),
        "autre unité"
        if one.units
        else one.line.of(one.billed)
        if one.price is not None or one.billed
        else "",
        price(one.line.price),
        price(one.price) if one.price is not None else "",
    )


def _said(one: LineBalance, balance: Balance, tolerance: Decimal | None) -> tuple[str, str]:
    """Whether the three agree about a line, in few words."""
    if one.units:
        return "warn", "Facturé dans une autre unité"
    if one.unseen:
        return "danger", f"Facturé, pas livré : {one.line.of(one.unseen)}"
    if more := one.dearer(tolerance):
        return "danger", f"{price(more)} de plus par unité"
    if one.left:
        return "quiet", f"Reste {one.line.of(one.left)} à livrer"
    return ("ok", "D’accord") if one.billed == one.delivered else ("quiet", "Livré" + _unbilled(balance))


def _unbilled(balance: Balance) -> str:
    return "" if any(not bill.lines for bill in balance.bills) else ", pas tout facturé"


def _delivery(
    one: OrderDelivery, lines: Sequence[OrderLine], corrected: Collection[int | None]
) -> DeliveryShown:
    quantities = {int(rank): Decimal(quantity) for rank, quantity in one.quantities.items()}
    return DeliveryShown(
        one.id,
        jour(one.day),
        said(lines, quantities),
        one.who,
        one.note,
        one.reason,
        one.id in corrected,
        one.document_id,
    )


def _invoice(one: Folder, readable: bool, owed: bool) -> InvoiceShown:
    if not readable:
        return InvoiceShown(None, "Une facture que vous ne pouvez pas lire", "", owed)
    return InvoiceShown(one.id, f"Facture {one.number}", euros(Bill(one, ()).amount), owed)


def _signed(db: Db, order: Folder) -> str:
    """« Signé par Armel Kervadec, jeu. 5 nov. »."""
    query = (
        sa.select(StepRun)
        .where(StepRun.folder_id == order.id, StepRun.kind == StepKind.SIGN.value, StepRun.state == "done")
        .order_by(StepRun.id.desc())
        .limit(1)
    )
    run = db.scalar(query)
    return (
        f"Signé par {run.by}, {jour(run.ended_at.astimezone(PARIS).date())}" if run and run.ended_at else ""
    )


STOPPED = (
    "Pas envoyé : l’envoi s’est arrêté avant de partir. Renvoyez le bon, ou demandez à qui administre, qui en voit la cause "
    "dans « Envois »."
)
"""What is said of a first sending whose work was given up."""


def mails_shown(sendings: Sequence[OrderMail], standing: Mapping[str, str]) -> list[tuple[str, str]]:
    """What became of each sending, that of the signature before its letter was begun too (`mailing.standing_of`)."""
    shown = [mail_shown(one, stopped=standing.get(one.key) == "stopped") for one in sendings]
    for key in set(standing) - {one.key for one in sendings}:
        first = (
            ("danger", STOPPED) if standing[key] == "stopped" else ("quiet", "L’envoi est en préparation.")
        )
        shown.insert(0, first)
    return shown


def mail_shown(one: OrderMail, *, stopped: bool) -> tuple[str, str]:
    """What became of a sending: a tone, and a sentence."""
    when = instant((one.ended_at or one.asked_at).astimezone(PARIS))
    asked = f" (demandé par {one.who})" if one.user_id is not None else ""
    if stopped:
        said = f"Envoi arrêté, à {one.address}{asked}" + (f" : « {one.answer} »" if one.answer else "")
        return "danger", spaces(f"{said}. Renvoyez le bon, ou demandez à qui administre d’en voir la cause.")
    if one.returned_at is not None:
        back = instant(one.returned_at.astimezone(PARIS))
        return "danger", spaces(
            f"Envoyé à {one.address}, {when}{asked}, et revenu {back} : « {one.returned} ». Renvoyez-le à une autre adresse."
        )
    tone, words = {
        "sent": (
            "ok",
            f"Envoyé à {one.address}, {when}{asked} : le serveur de courriel l’a pris, « {one.answer} ».",
        ),
        "refused": ("danger", f"Pas envoyé à {one.address}, {when}{asked} : « {one.answer} »."),
        "unsure": (
            "warn",
            f"Peut-être envoyé à {one.address}, {when}{asked} : la connexion a été coupée. Demandez-lui.",
        ),
    }.get(
        one.state,
        (
            "quiet",
            f"En cours d’envoi à {one.address}{asked}" + (f" : « {one.answer} »." if one.answer else "."),
        ),
    )
    return tone, spaces(words)
