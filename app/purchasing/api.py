"""The JSON API of orders: their balance and their deliveries, by the verbs of the pages."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flask import g

from app.core.api import describe, door, open_doors
from app.core.db import reading
from app.core.http import PERSON, guard
from app.core.refusals import Refusal
from app.core.texts import whole
from app.display.blueprint import received
from app.folders.access import authorize
from app.folders.keep import Incoming
from app.purchasing import views
from app.purchasing.deliveries import Arrived, day_of, deliver, every_delivery
from app.purchasing.linking import FAMILY
from workflows.circuit import DONE

if TYPE_CHECKING:
    from app.purchasing.schemas import NewDelivery, PictureOfDelivery

Json = dict[str, Any]
routes = door("purchasing_api", __name__)
FOLDER = "/folders/<int(max=2147483647):folder_id>"


def mount(app: Any, csrf: Any) -> None:
    """Serve the API."""
    open_doors(app, csrf, routes)


@routes.get(f"{FOLDER}/order")
@guard(PERSON)
@describe(
    "Lire le solde d’un bon de commande signé\nCommandé, livré, facturé et ce qui reste, ligne par ligne, avec ses livraisons.",
    gives="OrderGiven",
    refuses=(409,),
)
def order(folder_id: int) -> Json:
    """The balance of an order."""
    return _order(folder_id)


@routes.post(f"{FOLDER}/deliveries")
@guard(PERSON)
@describe(
    "Noter ce qui est livré d’un bon de commande\nPar le bureau qui a commandé : c’est le service fait. Une livraison notée "
    "entre-temps rend la version trop ancienne (409). Avec `corrects` et `reason`, celle-ci prend la place d’une autre.",
    gives="OrderGiven",
    json="NewDelivery",
    refuses=(409,),
    example={"version": 7, "day": "2026-11-27", "quantities": {"1": "2.5"}},
)
def add_delivery(folder_id: int, json: "NewDelivery") -> Json:
    """A delivery."""
    return _delivered(folder_id, json, ())


@routes.post(f"{FOLDER}/deliveries/photo")
@guard(PERSON)
@describe(
    "Noter ce qui est livré, avec une photo ou le bon de livraison\nLa même chose que sans fichier ; celui-ci est examiné comme "
    "toute pièce, et devient une pièce du dossier du bon.",
    gives="OrderGiven",
    files="PictureOfDelivery",
    refuses=(409,),
)
def add_pictured_delivery(folder_id: int, files: "PictureOfDelivery") -> Json:
    """A delivery, and the file that shows it."""
    with received("file") as sent:
        if not sent:
            raise Refusal("bad-request", detail="le fichier n’a pas de nom")
        return _delivered(folder_id, files.delivery, sent)


def _delivered(folder_id: int, told: "NewDelivery", files: Sequence[Incoming]) -> Json:
    quantities = {rank: text for key, text in told.quantities.items() if (rank := whole(key)) is not None}
    if len(quantities) < len(told.quantities):
        raise Refusal("bad-request", detail="une ligne se désigne par son rang, à partir de 0")
    deliver(
        g.actor,
        folder_id,
        version=told.version,
        arrived=Arrived(day_of(told.day), quantities, told.note),
        files=files,
        corrects=told.corrects,
        reason=told.reason,
    )
    return _order(folder_id)


def _order(folder_id: int) -> Json:
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        if folder.family != FAMILY:
            raise Refusal("not-an-order")
        if folder.place != DONE:
            raise Refusal("order-not-signed")
        (balance,) = views.balances(db, g.actor.collectivity_id, [folder])
        deliveries = every_delivery(db, [folder.id])
    corrected = {one.corrects_id for one in deliveries}
    return {
        "folder": folder.id,
        "version": folder.version,
        "number": folder.number,
        **{name: f"{getattr(balance, name):.2f}" for name in ("ordered", "delivered", "billed", "left")},
        "complete": balance.complete,
        "lines": [
            {
                "rank": one.line.rank,
                "designation": one.line.designation,
                "unit": one.line.unit,
                "ordered": str(one.line.quantity),
                "delivered": str(one.delivered),
                "billed": str(one.billed),
                "price": str(one.line.price),
                "billed_price": None if one.price is None else str(one.price),
            }
            for one in balance.lines
        ],
        "deliveries": [
            {
                **{name: getattr(one, name) for name in ("id", "quantities", "who", "note", "reason")},
                "document": one.document_id,
                "day": one.day.isoformat(),
                "corrects": one.corrects_id,
                "standing": one.id not in corrected,
            }
            for one in deliveries
        ],
    }
