"""The page of two invoices that may be the same: both documents, what each says, and the word of whoever rules on it."""

from typing import Any

from app.core.clock import PARIS
from app.core.db import Db
from app.core.french import euros, jour, spaces
from app.core.refusals import Refusal
from app.display import page
from app.display.views import state_label
from app.folders import ruling
from app.folders.access import authorize
from app.folders.models import Folder
from app.folders.move import person_of, present
from app.folders.sockets import is_open
from app.invoices import history
from app.invoices.history import Row
from app.people.actor import Actor
from workflows.circuit import Phase


def context(db: Db, actor: Actor, folder_id: int, other_id: int) -> dict[str, Any]:
    """An invoice and another one that is like it, the earlier folder first.

    Refuses `not-found`, and `invoice-unlike` alike for another one that the actor does not read, and for one that is not like
    it (any more).
    """
    folder = authorize(db, actor, folder_id)
    alike = (twin for twin in history.seen_before(db, folder) if twin.named)
    twin = next((twin for twin in alike if twin.folder.id == other_id), None)
    if twin is None:
        raise Refusal("invoice-unlike")
    other = twin.folder
    point = history.point_of(folder, twin)
    waits = folder.phase != Phase.DONE and is_open(folder, point)
    took_part = person_of(actor) in point.by
    pair = sorted((folder, other), key=lambda invoice: invoice.id)
    return {
        "folder": folder,
        "point": point,
        "amount": euros(folder.fields.get("total_ttc") or ""),
        "waits": waits,
        "took_part": waits and took_part,
        "may_rule": waits and not took_part and ruling.may_rule(folder, actor, present(db, folder)),
        "sides": [
            _side(db, invoice, name) for invoice, name in zip(pair, ("première", "seconde"), strict=True)
        ],
        "rows": [*history.beside(*pair), *_standing(*pair)],
    }


def _side(db: Db, folder: Folder, name: str) -> dict[str, Any]:
    documents = page.documents(db, folder, None)
    shown = next((view for view in documents if view.current), None)
    leaf, rows, text = page.content(db, folder, shown, {})
    return {
        "name": name,
        "id": folder.id,
        "number": folder.number,
        "documents": [shown] if shown else [],
        "shown": shown,
        "sheet": leaf.drawn if leaf else None,
        "rows": rows,
        "text": text,
    }


def _standing(first: Folder, second: Folder) -> list[Row]:
    """When and by whom each came, and how far it is."""
    came = [
        spaces(f"{jour(invoice.created_at.astimezone(PARIS).date())}, par {invoice.depositor_name}")
        for invoice in (first, second)
    ]
    far = [state_label(invoice.place, None) for invoice in (first, second)]
    return [Row("Arrivée", *came), Row("Où elle en est", *far)]
