"""What an invoice resembles without being surely the same: it may replace a rejected one, or be another's second coming.

None of it stops anybody: it is told to all who decide until one of them rules (INV-20).
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from app.core.clock import PARIS
from app.core.db import Db
from app.core.french import jour, spaces
from app.core.questions import once
from app.folders.access import readable_by, reader_of
from app.folders.models import Folder
from app.folders.sockets import Caution, mark_of
from app.invoices.days import dates_of
from app.invoices.history import MOST, having, seen_before, totals_of
from app.invoices.keys import ACCOUNT, SELLER, keys_of, sellers_of
from app.invoices.rows import total_of
from workflows.circuit import REJECTED, WITHDRAWN, Phase
from workflows.condition import values

CLOSE_DAYS = 24
"""The same total again within so many days is told; a rent or a subscription comes every month."""
SAME_ORDER_DAYS = 45
REPLACED_DAYS = 60
LOWEST, HIGHEST = 0.9, 1.1
"""How far the total of an invoice may be from that of the rejected one that it replaces."""

_folder: Any = Folder.__table__
# A paper of the year before is compared too: what counts is when it came here
_AGE = timedelta(days=120)


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """The invoices that resemble this one, told on the later of the two."""
    if folder.phase == Phase.DONE:
        return []
    return once(db, ("invoices resembling", folder.id), lambda: _cautions(db, folder))


def _cautions(db: Db, folder: Folder) -> list[Caution]:
    totals = totals_of(folder)
    order = str(folder.fields.get("order_ref") or "").strip()
    if not totals and not order:
        return []
    keys = [key for key, kind in keys_of(folder.facts).items() if kind in {SELLER, ACCOUNT}]
    if not keys:
        return []
    # Whether each may be named comes with it: a seller of many invoices asks no more of the base than one of a single one
    reader = reader_of(db)
    readable = sa.false() if reader is None else readable_by(reader, _folder)
    near = _near(folder, keys, totals, order)
    query = sa.select(Folder, readable).where(_folder.c.id.in_(near)).order_by(_folder.c.id.desc())
    rows = db.execute(query).all()
    twins = {twin.folder.id for twin in seen_before(db, folder)} if rows else set()
    by = frozenset(folder.sources.get("depositors", ()))
    return [
        _told(other, kind, bool(named), by)
        for other, named in rows
        if other.id < folder.id and other.id not in twins and (kind := _kind(folder, other))
    ]


def _near(folder: Folder, keys: Sequence[str], totals: Collection[int], order: str) -> Any:
    """Of the latest of its seller, or payable to its account, those of about its total, or of its order."""
    alike = [_folder.c.fields["order_ref"].as_string() == order] if order else []
    if amounts := sorted(int(cents * part) for cents in totals for part in (LOWEST, HIGHEST)):
        # « + 0 »: SQLite would else read all that the commune has of about this amount
        alike.append((_folder.c.amount_cents + 0).between(amounts[0], amounts[-1]))
    return (
        sa.select(_folder.c.id)
        .where(
            _folder.c.id.in_(having(folder, keys)),
            _folder.c.collectivity_id == folder.collectivity_id,
            _folder.c.created_at >= folder.created_at - _AGE,
            sa.or_(*alike),
        )
        .order_by(_folder.c.id.desc())
        .limit(MOST)
    )


def _kind(folder: Folder, other: Folder) -> str:
    """How another invoice of the same seller, or payable to the same account, resembles this one; empty where it does not."""
    same_seller = bool(set(sellers_of(folder.facts)) & set(sellers_of(other.facts)))
    totals, others = totals_of(folder), totals_of(other)
    apart = _days_apart(folder, other)
    same_order = bool(_orders(folder) & _orders(other))
    if not same_seller:
        return "shared-account" if totals & others and apart == 0 and other.place != WITHDRAWN else ""
    if other.place in {REJECTED, WITHDRAWN}:
        recent = folder.created_at - other.updated_at <= timedelta(days=REPLACED_DAYS)
        return "replaces" if recent and other.round and (same_order or _within(totals, others)) else ""
    if not totals & others or apart is None:
        return ""
    return "nearby" if apart <= (SAME_ORDER_DAYS if same_order else CLOSE_DAYS) else ""


def _within(totals: set[int], others: set[int]) -> bool:
    return any(
        LOWEST * abs(other) <= abs(total) <= HIGHEST * abs(other) for total in totals for other in others
    )


def _orders(folder: Folder) -> set[str]:
    return {str(order).strip() for order in values(folder.facts, "order_ref") if str(order or "").strip()}


def _days_apart(folder: Folder, other: Folder) -> int | None:
    spans = [
        abs((own - its).days)
        for own in dates_of(folder, "issue_date")
        for its in dates_of(other, "issue_date")
    ]
    return min(spans, default=None)


def _told(other: Folder, kind: str, named: bool, by: frozenset[int]) -> Caution:
    where = f"Le dossier n° {other.id}" if named else "Un autre dossier, que vous ne pouvez pas lire,"
    amount = total_of(other.fields)
    what = f", datée du {_dated(other)}, n° {other.number}, de {amount}" if named else ""
    title, sentence = {
        "nearby": (
            "Même montant, à quelques jours",
            f"{where} porte une facture du même fournisseur et du même montant{what}. Vérifiez que ce n’est pas la même.",
        ),
        "replaces": (
            "Remplace sans doute une facture rejetée",
            f"{where} porte une facture du même fournisseur qui a été rejetée{what}. Si celle-ci la remplace, vérifiez "
            "que l’autre ne sera pas payée.",
        ),
        "shared-account": (
            "Même compte, autre fournisseur",
            f"{where} porte une facture d’un autre fournisseur, du même jour, du même montant et payable au même compte{what}. "
            "Demandez à qui ce compte appartient.",
        ),
    }[kind]
    return Caution(kind, title, spaces(sentence), about=f"{kind}:{mark_of(other)}", by=by)


def _dated(other: Folder) -> str:
    issued: Iterator[date] = dates_of(other, "issue_date")
    return jour(next(issued, other.created_at.astimezone(PARIS).date()))
