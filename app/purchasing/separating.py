"""Nobody alone attests the service of an invoice and signs it, and an expense above a threshold has an order.

The first is internal control (guides of the DGFiP), which a collectivity of few people may leave to its circuits by a setting.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import sqlalchemy as sa

from app.circuits.library import circuit_of
from app.core.db import Db
from app.core.french import euros, spaces
from app.core.questions import Asked, Rows, answer_each, keep, once
from app.folders import points
from app.folders.access import reader_of
from app.folders.models import Folder, StepRun
from app.folders.move import person_of
from app.folders.rows import RUNS, runs_of_round
from app.folders.sockets import Caution, Visa
from app.invoices.settling import attests
from app.people.models import Collectivity
from app.people.own_settings.registry import Kind, Setting, value_in
from app.purchasing import matching
from app.purchasing.deliveries import deliveries_of
from app.purchasing.linking import orders_of
from app.purchasing.matching import GROUP, UNASKED
from app.purchasing.models import OrderDelivery
from workflows.circuit import Phase, StepKind
from workflows.condition import values
from workflows.family import Problem, family

APART, NEEDED = "service_and_signature", "order_needed_from"
APART_SAID: Final = (
    "vous avez attesté le service fait de cette facture : une autre personne la signe. Le réglage « Service fait et signature » "
    "de la collectivité en décide."
)


def settings() -> tuple[Setting, Setting]:
    """Who may sign what he attested, and from which amount an order is expected."""
    apart = Setting(
        APART,
        GROUP,
        "Service fait et signature",
        "Qui a attesté le service fait d’une facture, ou la livraison de sa commande, ne la signe pas. « La même personne peut » "
        "laisse ce contrôle à vos circuits, là où une seule personne fait les deux.",
        "signature des factures",
        Kind.CHOICE,
        lambda: "apart",
        choices=(("apart", "deux personnes"), (UNASKED, "la même personne peut")),
    )
    needed = Setting(
        NEEDED,
        GROUP,
        "Montant à partir duquel une commande est attendue",
        "Une facture sans bon de commande ni engagement, de ce montant TTC ou plus, le dit à qui décide ; rien ne l’arrête.",
        "factures sans bon de commande",
        Kind.CHOICE,
        lambda: UNASKED,
        choices=(
            (UNASKED, "ne pas le dire"),
            *(
                (text, f"{int(text):,} €".replace(",", " "))
                for text in ("500", "1000", "2000", "4000", "10000")
            ),
        ),
    )
    return apart, needed


def same_hand(db: Db, invoice: Folder, visa: Visa | None) -> list[Problem]:
    """What stands before the signature of whoever attested the service of an invoice, or the delivery of its order (INV-02)."""
    reader = reader_of(db)
    person = person_of(reader) if reader is not None else None
    if visa is not None or person is None or not _signs(db, invoice):
        return []
    if _chosen(db, invoice, APART) == UNASKED or person not in _attested(db, invoice):
        return []
    return [Problem("service-and-signature", "proof_of_service", spaces(APART_SAID))]


def _signs(db: Db, invoice: Folder) -> bool:
    """Whether the invoice stands where it is signed."""
    if invoice.circuit_version_id is None or invoice.phase != Phase.RUNNING:
        return False
    return circuit_of(db, invoice.circuit_version_id).step(invoice.place).kind is StepKind.SIGN


def _attested(db: Db, invoice: Folder) -> frozenset[int]:
    """Who attested the service of an invoice in the round that stands, or what came of its order."""
    return once(db, ("attested", invoice.id), lambda: frozenset(_attesting(db, invoice)))


_runs = sa.select(StepRun).where(
    StepRun.folder_id.in_(sa.bindparam("attested_folders", expanding=True)),
    StepRun.collectivity_id == sa.bindparam("here"),
)


def asked_together(db: Db, invoices: Sequence[Folder]) -> Sequence[Asked]:
    """What `same_hand` reads of several invoices: their orders, the collectivity, and who acted on each."""
    binds = {
        "here": invoices[0].collectivity_id,
        "attested_folders": [one.id for one in invoices if _signs(db, one)],
    }
    return [*matching.asked_by_lists(invoices), (_runs, binds)]


def keep_together(db: Db, invoices: Sequence[Folder], rows: Sequence[Rows]) -> None:
    """Keep for the gates of several invoices what they and their orders say together, and who attested each."""
    matching.keep_together(db, invoices, rows[:-1])
    signed = [invoice for invoice in invoices if _signs(db, invoice)]
    answer_each(db, RUNS, [one.id for one in signed], rows[-1], lambda row: int(row[0].folder_id))
    orders = {order.id for invoice in signed for order in orders_of(db, invoice)}
    every = deliveries_of(db, orders) if orders else {}
    for invoice in signed:
        keep(db, ("attested", invoice.id), frozenset(_attesting(db, invoice, every)))


def _attesting(
    db: Db, invoice: Folder, every: Mapping[int, Sequence[OrderDelivery]] | None = None
) -> Iterator[int]:
    if invoice.circuit_version_id is None:
        return
    keys = [step.key for step in circuit_of(db, invoice.circuit_version_id).steps if attests(step)]
    yield from (
        run.user_id
        for run in runs_of_round(db, invoice)
        if run.step in keys and run.state == "done" and run.user_id is not None and not run.former
    )
    orders = [order.id for order in orders_of(db, invoice)]
    if every is None:
        every = deliveries_of(db, orders) if orders else {}
    for order in orders:
        yield from (one.user_id for one in every.get(order, ()) if one.user_id is not None)


def without_order(db: Db, invoice: Folder) -> list[Caution]:
    """That an invoice of some weight names no order: told, and no more."""
    if invoice.phase == Phase.DONE or any(str(text or "") for text in values(invoice.facts, "order_ref")):
        return []
    threshold = _chosen(db, invoice, NEEDED)
    if threshold == UNASKED or family(invoice.family).credits(invoice.facts):
        return []
    if (invoice.amount_cents or 0) < int(threshold) * 100:
        return []
    return [
        Caution(
            "order-none",
            "Dépense sans bon de commande",
            spaces(
                f"La facture ne nomme ni bon de commande ni engagement, et atteint {euros(threshold)} : demandez au service "
                "qui a commandé, et comment."
            ),
            about=points.name("order-none", str(invoice.amount_cents)),
            by=frozenset(invoice.sources.get("depositors", ())),
        )
    ]


def _chosen(db: Db, invoice: Folder, name: str) -> str:
    return str(value_in(db.get_one(Collectivity, invoice.collectivity_id).settings, name).value)
