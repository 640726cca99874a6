"""What the pages of orders show: the orders that one may read, and one of them line by line."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import quote

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
from app.purchasing.answers import in_french
from app.purchasing.balance import ZERO, Balance, Bill, LineBalance, OrderLine, balance_of
from app.purchasing.deliveries import deliveries_of, every_delivery, said, sums
from app.purchasing.linking import FAMILY, invoices_of
from app.purchasing.matching import (
    ROUNDED,
    TOTAL,
    bills_of,
    counted,
    part_of,
    price,
    tolerances_said,
    tolerated,
)
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
class TotalShown:
    """A total of an order, of what came and of what was billed; `tone` and `said`: by how much the last is above."""

    label: str
    tone: str
    said: str
    ordered: str
    delivered: str
    billed: str


@dataclass(frozen=True)
class InvoiceShown:
    """An invoice of an order: how it is called and its amount, for who may read it; `counted`: whether it is owed."""

    id: int | None
    called: str
    amount: str
    counted: bool

    @property
    def subject(self) -> str:
        """As a sentence begins with it: « La facture F26-11-019 »."""
        return {"F": "La f", "A": "L’a"}.get(self.called[0], self.called[0]) + self.called[1:]


@dataclass(frozen=True)
class OrderShown:
    """An order, its lines, what came and what was billed of it."""

    balance: Balance
    lines: Sequence[LineShown]
    totals: Sequence[TotalShown]
    points: Sequence[str]
    """What whoever pays must look at: the lines and the totals that are billed beyond what was ordered or came."""
    tolerances: str
    deliveries: Sequence[DeliveryShown]
    invoices: Sequence[InvoiceShown]
    signed: str
    may_attest: bool

    @property
    def over(self) -> Decimal:
        """By how much it is billed above what was ordered."""
        return max(-self.balance.left, ZERO)

    @property
    def billing(self) -> Sequence[InvoiceShown]:
        """The invoices that are owed."""
        return [one for one in self.invoices if one.counted]

    @property
    def asks(self) -> str:
        """The address by which a letter to the supplier opens, that asks for a credit note; empty where none is known."""
        to = str(self.balance.order.fields.get("seller_email") or "")
        named = [one for one in self.billing if one.id is not None]
        if not self.points or not to or len(named) != 1 or len(self.billing) > 1:
            return ""
        number, called = self.balance.order.number, named[0].called
        body = (
            f"Bonjour,\n\nVotre {called[0].lower()}{called[1:]} ne correspond pas à notre bon de commande {number} :\n"
            + "".join(f"- {one}\n" for one in self.points)
            + "\nMerci de nous adresser un avoir, en rappelant ces deux numéros.\n"
        )
        subject = f"{called}, bon de commande {number} : demande d’avoir"
        return f"mailto:{quote(to, safe='@')}?subject={quote(subject, safe='')}&body={quote(body, safe='')}"


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


def order_shown(
    db: Db, order: Folder, *, may_attest: bool, total: Decimal, tolerance: Decimal | None
) -> OrderShown:
    """One order as its page shows it; `total` and `tolerance`: the parts by which a total and a price may be above."""
    invoices = invoices_of(db, order.collectivity_id, [order]).get(order.id, [])
    owed = {one.id for one in counted(invoices)}
    bills = bills_of(db, [one for one in invoices if one.id in owed])
    every = every_delivery(db, [order.id])
    corrected = {one.corrects_id for one in every}
    standing = [one for one in every if one.id not in corrected]
    balance = balance_of(order, sums(standing), bills)
    readable = readable_among(db, [one.id for one in invoices])
    lines = [one.line for one in balance.lines]
    shown = [_line(one, balance, tolerance, total) for one in balance.lines]
    return OrderShown(
        balance,
        shown,
        [_total(balance, key, label, total) for key, label in TOTALS.items()],
        _points(shown, balance, total),
        tolerances_said(total, tolerance),
        [_delivery(one, lines, corrected) for one in every],
        [_invoice(one, one.id in readable, one.id in owed) for one in invoices],
        _signed(db, order),
        may_attest,
    )


def bills_owed(db: Db, order: Folder) -> list[Bill]:
    """The invoices of an order that are owed."""
    return bills_of(db, counted(invoices_of(db, order.collectivity_id, [order]).get(order.id, [])))


def waiting(db: Db, balance: Balance) -> list[tuple[str, str]]:
    """Which invoice on its way bills more of an order than came, as a title and a sentence; none where all came."""
    running = [bill.folder for bill in balance.bills if bill.folder.place != DONE and not bill.credit]
    missing = [
        f"{one.line.designation} : facturé {one.line.of(one.billed)}, livré {one.line.of(one.delivered)}"
        for one in balance.lines
        if one.unseen
    ]
    if not missing and not balance.detailed and balance.billed > balance.delivered:
        missing = [f"facturé {euros(balance.billed)} TTC, livré {euros(balance.delivered)} TTC"]
    if not running or not missing:
        return []
    readable = readable_among(db, [one.id for one in running])
    named = _invoice(running[0], running[0].id in readable, True).subject
    subject = f"{named} attend" if len(running) == 1 else f"{len(running)} factures attendent"
    told = " ; ".join(missing)
    return [
        (
            spaces(f"{subject} cette livraison"),
            spaces(f"{told[0].upper()}{told[1:]}. Ce qui manquera encore sera signalé à qui décide."),
        )
    ]


def _line(one: LineBalance, balance: Balance, tolerance: Decimal | None, total: Decimal) -> LineShown:
    tone, words = _said(one, balance, tolerance, total)
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
        else "sans détail"
        if any(not bill.lines for bill in balance.bills)
        else "",
        price(one.line.price),
        price(one.price) if one.price is not None else "",
    )


def _said(one: LineBalance, balance: Balance, tolerance: Decimal | None, total: Decimal) -> tuple[str, str]:
    """Whether the three agree about a line, in few words; the only line of an order bears what its total says."""
    if one.units:
        return "warn", "Facturé dans une autre unité"
    for words, more in (("pas livré", one.unseen), ("pas commandé", one.beyond)):
        if more:
            return "danger", f"Facturé, {words} : {one.line.of(more)}"
    if more := one.dearer(tolerance):
        return "danger", f"{price(more)} de plus par unité"
    if len(balance.lines) == 1 and (gaps := _gaps(balance, total)):
        return "danger", gaps[0][0].upper() + gaps[0][1:]
    if one.left:
        return "quiet", f"Reste {one.line.of(one.left)} à livrer"
    return ("ok", "D’accord") if one.billed == one.delivered else ("quiet", "Livré" + _unbilled(balance))


def _unbilled(balance: Balance) -> str:
    return "" if any(not bill.lines for bill in balance.bills) else ", pas tout facturé"


def _gaps(balance: Balance, part: Decimal) -> list[str]:
    """What the totals say beyond the tolerance: more than was ordered, more than came where lines do not tell it."""
    admitted = tolerated(balance.ordered, part)
    gaps = [f"facturé {euros(-balance.left)} TTC de plus que commandé"] if _over(balance, part) else []
    if balance.bills and not balance.detailed and balance.billed - balance.delivered > admitted:
        gaps.append(f"facturé {euros(balance.billed)} TTC, livré {euros(balance.delivered)} TTC")
    elif _unexplained(balance, admitted) and not gaps:
        more = balance.billed - balance.explained
        gaps.append(f"facturé {euros(more)} TTC que les lignes livrées n’expliquent pas")
    return gaps


def _unexplained(balance: Balance, admitted: Decimal) -> bool:
    """Whether the total is above what came though no line is."""
    lines = any(one.unseen or one.beyond for one in balance.lines)
    return balance.detailed and not lines and balance.billed - balance.explained > max(admitted, ROUNDED)


def _points(lines: Sequence[LineShown], balance: Balance, part: Decimal) -> list[str]:
    """What is billed beyond what was ordered or came, line by line and in all, each once."""
    grave = [one for one in lines if one.tone == "danger"]
    said = {one.said for one in grave}
    gaps = [spaces(gap) for gap in _gaps(balance, part)]
    return [f"{one.designation}, {one.said[0].lower()}{one.said[1:]}" for one in grave] + [
        gap for gap in gaps if gap[0].upper() + gap[1:] not in said
    ]


TOTALS = {"total_ht": "Total HT", "total_vat": "TVA", "total_ttc": "Total TTC"}


def _total(balance: Balance, key: str, label: str, part: Decimal) -> TotalShown:
    """A total of the three; the last one tells by how much it is billed above what was ordered."""
    ordered, delivered, billed = balance.total(key)
    tone, words = "", ""
    if key == "total_ttc" and balance.left < 0:
        over = _over(balance, part)
        tone = "danger" if over else "quiet"
        words = f"{euros(-balance.left)} de plus" + ("" if over else ", admis")
    return TotalShown(
        label, tone, words, euros(ordered), euros(delivered), euros(billed) if billed is not None else ""
    )


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
    bill = Bill(one, ())
    called = f"{'Avoir' if bill.credit else 'Facture'} {one.number or 'sans numéro'}"
    return InvoiceShown(one.id, called, euros(bill.amount), owed)


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
    answered = in_french(one.answer)
    if stopped:
        said = f"Envoi arrêté, à {one.address}{asked}" + (f" : {answered}" if answered else "")
        return "danger", spaces(f"{said}. Renvoyez le bon, ou demandez à qui administre d’en voir la cause.")
    if one.returned_at is not None:
        back = instant(one.returned_at.astimezone(PARIS))
        return "danger", spaces(
            f"Envoyé à {one.address}, {when}{asked}, et revenu {back} : {in_french(one.returned)}. Renvoyez-le à une autre "
            "adresse."
        )
    tone, words = {
        "sent": (
            "ok",
            f"Envoyé à {one.address}, {when}{asked} : le serveur de courriel l’a pris {answered}".rstrip()
            + ".",
        ),
        "refused": ("danger", f"Pas envoyé à {one.address}, {when}{asked} : {answered}."),
        "unsure": (
            "warn",
            f"Peut-être envoyé à {one.address}, {when}{asked} : la connexion a été coupée. Demandez-lui.",
        ),
    }.get(
        one.state,
        (
            "quiet",
            f"En cours d’envoi à {one.address}{asked}" + (f" : {answered}." if answered else "."),
        ),
    )
    return tone, spaces(words)
