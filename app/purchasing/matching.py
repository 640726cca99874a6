"""An invoice beside its order and what was delivered: what agrees is one line, what differs stands before whoever decides.

Two ways (invoice and order) always; three ways (what was delivered too), by line where every invoice of the order tells its
lines, in all elsewhere. Nothing is rejected by itself: a person rules with a word, and an invoice above its order waits for
that (`app/folders/ruling.py`). Tolerances are settings of the collectivity.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from app.core.db import Db
from app.core.french import euros, nombre, spaces
from app.core.questions import Asked, Rows, gather, keep, once
from app.folders import points
from app.folders.access import readable_among
from app.folders.models import Folder
from app.folders.move import engaged
from app.folders.rows import OF_HERE
from app.folders.sockets import Caution, Visa, is_open, mark_of
from app.invoices import settling
from app.invoices.keys import strict
from app.people.models import Collectivity
from app.people.own_settings.registry import Kind, Setting, value_in
from app.purchasing.balance import ZERO, Balance, Bill, balance_of
from app.purchasing.deliveries import deliveries_of, sums
from app.purchasing.linking import (
    asked_of_orders,
    invoices_of,
    keep_orders_of,
    lines_of,
    orders_among,
    orders_of,
    same_seller,
)
from workflows.circuit import DONE, WITHDRAWN, Phase
from workflows.condition import values
from workflows.family import Problem, family

OVER: Final = "order-over"
TOTAL, PRICE = "order_total_percent", "order_price_percent"
GROUP: Final = "Commandes"
UNASKED = "off"
LEAST, MOST = Decimal(5), Decimal(50)
"""Euros by which an invoice may always be above its order, and never more than."""
ROUNDED = Decimal("0.05")
"""Euros by which two totals of the same lines may differ, each rounded in its own way."""
OUR_NUMBER = "BC20"
"""How the numbers of our own register begin, once their signs are left out."""


def settings() -> tuple[Setting, Setting]:
    """The tolerances of a collectivity."""
    parts = (("0", "aucun"), ("0.5", "0,5 %"), ("1", "1 %"), ("2", "2 %"), ("5", "5 %"))
    total = Setting(
        TOTAL,
        GROUP,
        "Écart admis sur le total d’une commande",
        "Une facture qui porte le total facturé au-delà de la commande, plus cet écart, attend que quelqu’un tranche. Cinq euros "
        "sont toujours admis, plus de cinquante ne le sont jamais ; « aucun » n’admet rien.",
        "rapprochement des factures avec leur commande",
        Kind.CHOICE,
        lambda: "1",
        choices=parts,
    )
    price = Setting(
        PRICE,
        GROUP,
        "Écart admis sur un prix unitaire",
        "Un prix facturé au-dessus de celui du bon, plus cet écart, est signalé à qui décide. « Ne pas comparer » pour des "
        "marchés à prix révisables.",
        "rapprochement des factures avec leur commande",
        Kind.CHOICE,
        lambda: "0.5",
        choices=(*parts, (UNASKED, "ne pas comparer")),
    )
    return total, price


@dataclass(frozen=True)
class Match:
    """An invoice and the order that it names, if it is one: the order counted with this invoice and those before it.

    `own`: the same with this invoice alone. `readable`: whether who reads may read the order, and so its figures.
    """

    invoice: Folder
    orders: Sequence[Folder]
    balance: Balance | None
    own: Balance | None
    readable: bool
    total: Decimal
    price: Decimal | None


def match_of(db: Db, invoice: Folder) -> Match | None:
    """What an invoice and its order say together; None where it names none that is known here."""
    return once(
        db, ("match", invoice.id), lambda: _matches(db, {invoice: orders_of(db, invoice)}).get(invoice.id)
    )


def _matches(db: Db, orders: Mapping[Folder, Sequence[Folder]]) -> dict[int, Match]:
    """What each of these invoices and the orders that it names say together, in as many statements for fifty as for one."""
    named = {order.id: order for each in orders.values() for order in each}
    if not named:
        return {}
    chosen = db.get_one(Collectivity, next(iter(named.values())).collectivity_id).settings
    total = part_of(str(value_in(chosen, TOTAL).value)) or ZERO
    price_part = part_of(str(value_in(chosen, PRICE).value))
    readable = readable_among(db, list(named))
    sole = {invoice: each[0] for invoice, each in orders.items() if len(each) == 1}
    compared = list({order.id: order for order in sole.values()}.values())
    every = invoices_of(db, compared[0].collectivity_id, compared) if compared else {}
    others = [one for each in every.values() for one in each]
    first = min(invoice.id for invoice in orders)
    later = [one for one in counted(others) if one.place != DONE and (one.id >= first or _credits(one))]
    signed = engaged(db, later)
    lines = lines_of(db, list({one.id for one in (*others, *sole)})) if sole else {}
    arrived = deliveries_of(db, [order.id for order in compared]) if compared else {}
    matches = {}
    for invoice, each in orders.items():
        balance = own = None
        if order := sole.get(invoice):
            before = [one for one in every[order.id] if one.id != invoice.id]
            bills = [
                Bill(one, lines.get(one.id, ()))
                for one in (*_counted_before(before, invoice, signed), invoice)
            ]
            delivered = sums(arrived.get(order.id, ()))
            balance = balance_of(order, delivered, bills)
            own = balance_of(order, delivered, bills[-1:])
        if each:
            known = all(order.id in readable for order in each)
            matches[invoice.id] = Match(invoice, each, balance, own, known, total, price_part)
    return matches


def part_of(percent: str) -> Decimal | None:
    """A tolerance as it is set, « 0.5 », as a part of one; None where nothing is compared."""
    return None if percent == UNASKED else Decimal(percent) / 100


def counted(others: Sequence[Folder]) -> list[Folder]:
    """Those of these invoices that are owed: ended, or on their way; not those that were rejected or given up."""
    return [
        one for one in others if one.place == DONE or (one.phase == Phase.RUNNING and one.place != WITHDRAWN)
    ]


def _counted_before(others: Sequence[Folder], invoice: Folder, signed: Collection[int]) -> list[Folder]:
    """Those of them that count for an invoice: of those on their way, the ones deposited before it, or signed.

    Of two that race, the later one always counts the other. A credit note counts for it once it is signed: until then it may be
    rejected.
    """
    return [
        one
        for one in counted(others)
        if one.place == DONE or (one.id < invoice.id and not _credits(one)) or one.id in signed
    ]


def _credits(invoice: Folder) -> bool:
    """Whether it gives money back: a credit note, or an invoice below zero."""
    return family(invoice.family).credits(invoice.facts) or Bill(invoice, ()).amount < 0


def bills_of(db: Db, invoices: Sequence[Folder]) -> list[Bill]:
    """Invoices with their lines."""
    lines = lines_of(db, [one.id for one in invoices])
    return [Bill(one, lines.get(one.id, ())) for one in invoices]


@dataclass(frozen=True)
class Difference:
    """One thing by which an invoice and its order differ: a key, a title without figures, a sentence with them."""

    key: str
    title: str
    sentence: str
    grave: bool = False


def differences(match: Match) -> Iterator[Difference]:
    """What differs, the gravest first; an invoice that gives money back is not compared, but taken off."""
    invoice, balance, own = match.invoice, match.balance, match.own
    if balance is None or own is None:
        numbers = ", ".join(order.number for order in match.orders)
        yield Difference(
            "order-several",
            "Plusieurs commandes possibles",
            f"« {invoice.fields.get('order_ref')} » est sur plusieurs bons ({numbers}) : rien n’est comparé. Demandez au "
            "fournisseur lequel, et corrigez la référence.",
        )
        return
    order = balance.order
    if order.place != DONE:
        given_up = order.place == WITHDRAWN or order.phase == Phase.REJECTED
        yield Difference(
            "order-not-standing",
            "Commande abandonnée ou rejetée" if given_up else "Commande pas encore signée",
            f"Le bon {order.number} {'a été rejeté ou abandonné' if given_up else 'n’est pas signé'} : demandez au service "
            "qui commande pourquoi il est facturé.",
            grave=True,
        )
    if not same_seller(invoice, order):
        yield Difference(
            "order-seller",
            "Fournisseur différent de celui de la commande",
            f"Le bon {order.number} est passé à {order.fields.get('seller')} (SIRET {order.fields.get('seller_siret')}).",
            grave=True,
        )
    if gives_back(match):
        if balance.billed < 0:
            yield Difference(
                "order-credit",
                "Avoir au-delà de ce qui est facturé",
                f"Bon {order.number} : {euros(balance.billed - own.billed)} facturés avant cet avoir de {euros(-own.billed)}. "
                "Demandez au fournisseur quelle facture il corrige.",
            )
        return
    if own.billed == 0:
        return
    yield from _over(match, balance, own)
    yield from _undelivered(balance, match)
    dearer = [(one, more) for one in own.lines if (more := one.dearer(match.price)) and one.price is not None]
    if dearer:
        said = " ; ".join(
            f"{one.line.designation}, {price(one.line.price)} sur le bon, {price(one.price)} facturés"
            for one, _ in dearer
        )
        yield Difference("order-price", "Prix au-dessus de la commande", f"Bon {order.number} : {said}.")
    if own.strangers:
        names = " ; ".join(f"« {name} »" for name in own.strangers[:5])
        yield Difference(
            "order-lines",
            "Lignes qui ne sont pas sur la commande",
            f"Le bon {order.number} n’a pas ces lignes, que rien ne compare : {names}"
            + (f", et {len(own.strangers) - 5} autres." if len(own.strangers) > 5 else "."),
        )


def gives_back(match: Match) -> bool:
    """Whether an invoice takes off what is billed: a credit note, or one below zero."""
    own = match.own
    return family(match.invoice.family).credits(match.invoice.facts) or (own is not None and own.billed < 0)


def agrees(match: Match) -> bool:
    """Whether an invoice was compared with its order, in euros, and nothing differs; a credit note never is."""
    own = match.own
    euro = str(match.invoice.facts.get("currency") or "EUR") == "EUR"
    compared = own is not None and own.billed > 0 and own.ordered > 0 and euro and not gives_back(match)
    return compared and not list(differences(match))


def _over(match: Match, balance: Balance, own: Balance) -> Iterator[Difference]:
    """Billed above what was ordered: with the other invoices, or alone, whatever was credited since."""
    admitted = tolerated(balance.ordered, match.total)
    over, alone = -balance.left, -own.left
    if max(over, alone) <= admitted:
        return
    billed, others = balance.billed, balance.billed - own.billed
    told = f", dont {euros(others)} par d’autres factures" if others > 0 else ""
    if over <= admitted:  # what was credited hides it
        over, billed, told = alone, own.billed, " par cette facture seule"
    yield Difference(
        OVER,
        "Facturé au-delà de la commande",
        f"Bon {balance.order.number} : {euros(balance.ordered)} commandés, {euros(billed)} facturés{told}, soit "
        f"{euros(over)} de trop. Demandez un avoir ou un bon complémentaire, ou rejetez la facture.",
        grave=True,
    )


def _undelivered(balance: Balance, match: Match) -> Iterator[Difference]:
    order = balance.order
    admitted = tolerated(balance.ordered, match.total)
    if balance.detailed:
        unseen = [one for one in balance.lines if one.unseen]
        said = " ; ".join(
            f"{one.line.designation}, facturé {one.line.of(one.billed)}, livré {one.line.of(one.delivered)}"
            for one in unseen
        )
        differs = bool(unseen)
    else:
        differs = balance.billed - balance.delivered > admitted
        said = f"{euros(balance.billed)} facturés, {euros(balance.delivered)} livrés"
    if differs:
        yield Difference(
            "order-undelivered",
            "Facturé, et pas livré",
            f"Bon {order.number} : {said}. Si tout est arrivé, le service qui a commandé note la livraison.",
            grave=True,
        )
    elif (more := balance.billed - balance.explained) > max(admitted, ROUNDED):
        yield Difference(
            "order-undelivered",
            "Facturé au-delà de ce qui est livré",
            f"Bon {order.number} : {euros(balance.billed)} facturés, {euros(balance.explained)} pour ce qui est livré, soit "
            f"{euros(more)} que ses lignes n’expliquent pas. Demandez ce que sont ces frais, ou ce qui reste à livrer.",
            grave=True,
        )
    units = [one.line.designation for one in balance.lines if one.units]
    if units:
        yield Difference(
            "order-units",
            "Autre unité que la commande",
            f"Bon {order.number} : {' ; '.join(units)}. Les quantités sont à comparer à l’œil.",
        )


def tolerated(ordered: Decimal, part: Decimal) -> Decimal:
    """By how much a total may be above an order: a part of it, five euros at least and fifty at most; nothing where none is."""
    return min(max(ordered * part, LEAST), MOST) if part else Decimal(0)


def tolerances_said(total: Decimal, price_part: Decimal | None) -> str:
    """« Tolérance : 1 % du total (de 5 à 50 €), 0,5 % d’un prix »."""
    said = f"{nombre(total * 100)} % du total (de {LEAST} à {MOST} €)" if total else "aucune sur le total"
    prices = "prix non comparés" if price_part is None else f"{nombre(price_part * 100)} % d’un prix"
    return spaces(f"Tolérance : {said}, {'aucune sur un prix' if price_part == 0 else prices}")


def price(amount: Decimal | None) -> str:
    """A unit price, with as many decimals as it has."""
    if amount is None or amount == amount.quantize(Decimal("0.01")):
        return euros(amount)
    return f"{f'{amount.normalize():f}'.replace('.', ',')}\u00a0€"


def cautions(db: Db, invoice: Folder) -> list[Caution]:
    """What to look at in an invoice beside its order; figures for who may read the order, else that there is one."""
    if invoice.phase == Phase.DONE:
        return []
    match = match_of(db, invoice)
    by = frozenset(invoice.sources.get("depositors", ()))
    if match is None:
        return list(_unknown(invoice, by))
    marks = [mark_of(order) for order in match.orders]
    return [
        Caution(
            one.key,
            spaces(one.title),
            spaces(one.sentence if match.readable else _hidden(match)),
            about=points.name(one.key, *marks, one.sentence),
            by=by,
            grave=one.grave,
        )
        for one in differences(match)
    ]


def asked_by_lists(invoices: Sequence[Folder]) -> Sequence[Asked]:
    """What is read for the invoices of a list: their orders, and the collectivity."""
    return [*asked_of_orders(invoices), (OF_HERE, {"here": invoices[0].collectivity_id})]


def in_lists(db: Db, invoices: Sequence[Folder], rows: Sequence[Rows]) -> Mapping[int, Sequence[Caution]]:
    """The same for the invoices of a list."""
    gather(db)
    keep_together(db, invoices, rows)
    return {invoice.id: cautions(db, invoice) for invoice in invoices}


def keep_together(db: Db, invoices: Sequence[Folder], rows: Sequence[Rows]) -> None:
    """Keep the orders of several invoices, and what they say together, from what `asked_by_lists` has read."""
    orders = dict(zip(invoices, orders_among(invoices, rows[:-1]).values(), strict=True))
    told = _matches(db, orders)
    for invoice, named in orders.items():
        keep_orders_of(db, invoice, named)
        keep(db, ("match", invoice.id), told.get(invoice.id))


def _hidden(match: Match) -> str:
    words = (
        "La commande existe, et vous ne pouvez pas la lire"
        if len(match.orders) == 1
        else "Plusieurs commandes existent"
    )
    return f"{words} : demandez au service qui l’a passée."


def _unknown(invoice: Folder, by: frozenset[int]) -> Iterator[Caution]:
    """An invoice that names a number of our register, which no order has."""
    for text in dict.fromkeys(str(text or "") for text in values(invoice.facts, "order_ref")):
        if strict(text).startswith(OUR_NUMBER):
            yield Caution(
                "order-unknown",
                "Bon de commande inconnu",
                spaces(
                    f"Aucun bon de commande n’a le numéro « {text[:100]} ». Demandez au fournisseur lequel il facture."
                ),
                about=points.name("order-unknown", text),
                by=by,
            )


def asked_ahead(db: Db, invoice: Folder) -> Sequence[Asked]:
    """What `to_rule` reads before a visa: the orders that the invoice names, but where the service is attested."""
    return () if settling.by_its_circuit(db, invoice) else asked_of_orders([invoice])


def to_rule(db: Db, invoice: Folder, visa: Visa | None) -> list[Problem]:
    """What stands before the finances and the signature: an invoice above its order, until who did not deposit it rules."""
    if visa is not None and settling.at_service(db, invoice):
        return []
    return [
        Problem(
            "order-over-unruled",
            "order_ref",
            spaces(
                f"« {caution.title} » : une personne qui décide, et qui n’a pas déposé la facture, doit d’abord trancher ce "
                "point, ou la rejeter."
            ),
        )
        for caution in once(db, ("order cautions", invoice.id), lambda: cautions(db, invoice))
        if caution.key == OVER and is_open(invoice, caution)
    ]
