"""The JSON API of the directory of suppliers: those of the folders that a software reads, as the pages show them."""

from typing import TYPE_CHECKING, Any

from flask import g

from app.core.api import describe, door
from app.core.db import reading
from app.core.http import PERSON, guard
from app.invoices.suppliers import directory

if TYPE_CHECKING:
    from app.invoices.suppliers.schemas import SuppliersQuery

Json = dict[str, Any]
routes = door("suppliers_api", __name__)


@routes.get("/suppliers")
@guard(PERSON)
@describe(
    "Lire l’annuaire des fournisseurs, une page de 50 après l’autre\nCeux des factures et des commandes que ce jeton peut lire.",
    gives="SuppliersPage",
    query="SuppliersQuery",
)
def suppliers(query: "SuppliersQuery") -> Json:
    """Some suppliers."""
    sort = {"name": "nom", "latest": "recents"}[query.sort]
    with reading(g.actor.collectivity_id) as db:
        lines, following = directory.page(db, g.actor, directory.Asked(query.q.strip(), sort, query.after))
    return {"suppliers": [_line(line) for line in lines], "next": following}


@routes.get("/suppliers/<int(max=2147483647):supplier_id>")
@guard(PERSON)
@describe(
    "Lire un fournisseur\nSes noms et ses SIRET dans le temps, ce qui est noté de ses comptes bancaires (par leur fin, comme à "
    "l’écran) et ses derniers dossiers, parmi ceux que ce jeton peut lire.",
    gives="SupplierGiven",
    refuses=(404,),
)
def supplier(supplier_id: int) -> Json:
    """A supplier."""
    with reading(g.actor.collectivity_id) as db:
        entry = directory.entry(db, g.actor, supplier_id)
    return {
        **_line(entry.line),
        **{name: [_span(span) for span in getattr(entry, name)] for name in ("names", "sirets")},
        "addresses": [_span(span) for span in entry.contacts],
        "accounts": [{"ends": row.ends, "known": row.known, "how": row.how} for row in entry.accounts],
        "folders": [
            {
                "id": row.id,
                "kind": row.label,
                "number": row.number,
                "day": row.day.isoformat(),
                "state": row.state,
            }
            for row in entry.folders
        ],
        "joined": [{"id": row.id, "name": row.name, "reason": row.reason} for row in entry.joined],
    }


def _line(line: directory.Line) -> Json:
    return {
        "id": line.id,
        "name": line.name,
        "siren": line.siren,
        "vat": line.vat,
        "count": min(line.count, directory.COUNTED),
        "more": line.count > directory.COUNTED,
        "last_folder": line.last_id,
        "last_day": line.last_day.isoformat() if line.last_day else None,
    }


def _span(span: directory.Span) -> Json:
    return {
        "text": span.text,
        "count": span.count,
        "first": span.first.isoformat(),
        "last": span.last.isoformat(),
    }
