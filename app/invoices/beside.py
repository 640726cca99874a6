"""The page of two invoices that may be the same: both documents, what each says, and the decision of whoever rules on it.

Distinct, a point is ruled on; the same, this one is rejected, or refused to its supplier where it is still at the desk.
"""

from collections.abc import Mapping
from typing import Any, Final

from app.core.clock import PARIS
from app.core.db import Db, reading
from app.core.french import jour, spaces
from app.core.refusals import Refusal
from app.core.texts import plain
from app.display import page, timeline
from app.display.views import state_label
from app.folders import decide, ruling
from app.folders.access import authorize
from app.folders.models import Folder
from app.folders.move import engaged, person_of, present
from app.folders.sockets import Caution, is_open
from app.invoices import history, outside
from app.invoices.history import Row
from app.invoices.mandates import mandate_of
from app.invoices.rows import total_of
from app.people.actor import Actor
from workflows.circuit import WITHDRAWN, Phase
from workflows.vocabulary import Action

SAME, DISTINCT = "same", "distinct"
AT_DESK: Final = frozenset({Phase.DRAFT, Phase.REJECTED})


def _pair(db: Db, actor: Actor, folder_id: int, other_id: int) -> tuple[Folder, Folder, Caution]:
    """An invoice, another one that is like it, and what is to be ruled on between them."""
    folder = authorize(db, actor, folder_id)
    alike = (twin for twin in history.seen_before(db, folder) if twin.named)
    twin = next((twin for twin in alike if twin.folder.id == other_id), None)
    if twin is None:
        raise Refusal("invoice-unlike")
    return folder, twin.folder, history.point_of(folder, twin)


def decision(actor: Actor, folder_id: int, other_id: int, *, version: int, answer: str, word: str) -> str:
    """Rule that two invoices are distinct, or reject this one as the same; what was done, in French.

    Refuses `not-found` and `invoice-unlike` as the page does, `twin-choice` for what is neither, and what ruling or rejecting
    refuses.
    """
    with reading(actor.collectivity_id) as db:
        about = _pair(db, actor, folder_id, other_id)[2].about
    if answer == DISTINCT:
        return ruling.rule(actor, folder_id, version=version, about=about, keep="", word=word)
    if answer != SAME:
        raise Refusal("twin-choice")
    decide.reject(actor, folder_id, version=version, reason=f"{same_as(other_id)} {plain(word)}".strip())
    return "Le dossier est rejeté : c’est la même facture"


def same_as(other_id: int) -> str:
    """The reason for which an invoice is rejected that is there already."""
    return f"Même facture que le dossier n° {other_id}."


def context(
    db: Db, actor: Actor, folder_id: int, other_id: int, entered: Mapping[str, str], error: str
) -> dict[str, Any]:
    """An invoice and another one that is like it, the earlier folder first, with what was typed and why it was refused.

    Refuses `not-found`, and `invoice-unlike` alike for another one that the actor does not read, and for one that is not like
    it (any more).
    """
    folder, other, point = _pair(db, actor, folder_id, other_id)
    waits = folder.phase != Phase.DONE and is_open(folder, point)
    took_part = person_of(actor) in point.by
    pair = sorted((folder, other), key=lambda invoice: invoice.id)
    current = present(db, folder)
    offered = (
        {action.name for action in page.decision(db, folder, actor, current).actions} if waits else set()
    )
    at_desk = waits and folder.phase in AT_DESK
    return {
        "folder": folder,
        "other_id": other_id,
        "point": point,
        "entered": entered,
        "error": error,
        "may_reject": Action.REJECT in offered,
        "reason": same_as(other_id),
        "back": timeline.returns_to_whom(db, folder),
        "desk": at_desk,
        "refusal": outside.refusal(db, actor, folder) if at_desk else {},
        "may_give_up": at_desk and Action.WITHDRAW in offered,
        "amount": total_of(folder.fields),
        "waits": waits,
        "took_part": waits and took_part,
        "may_rule": waits and not took_part and ruling.may_rule(folder, actor, current),
        "sides": [
            _side(db, invoice, name) for invoice, name in zip(pair, ("première", "seconde"), strict=True)
        ],
        "rows": [*history.beside(*pair), *_standing(db, *pair)],
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


def _standing(db: Db, first: Folder, second: Folder) -> list[Row]:
    """When and by whom each came, its number and status over there, and how far it is here."""
    pair = (first, second)
    came = [
        spaces(f"{jour(invoice.created_at.astimezone(PARIS).date())}, par {invoice.depositor_name}")
        for invoice in pair
    ]
    there = outside.standings(db, [invoice.id for invoice in pair])
    standings = [there.get(invoice.id) for invoice in pair]
    place = next((standing.place for standing in standings if standing is not None), "")
    over_there = [
        Row(
            spaces(f"Identifiant sur {place}"),
            *(standing.number if standing else "" for standing in standings),
        ),
        Row(spaces(f"Sur {place}"), *(standing.status if standing else "" for standing in standings)),
    ]
    signed = engaged(db, pair)
    far = [_how_far(db, invoice, invoice.id in signed) for invoice in pair]
    return [Row("Arrivée", *came), *(over_there if place else ()), Row("Où elle en est", *far)]


def _how_far(db: Db, folder: Folder, signed: bool) -> str:
    """« Terminé, signée, mandat 2026-0471 » ; « À viser »."""
    current = present(db, folder) if folder.phase == Phase.RUNNING else None
    kind = current.step.kind.value if current is not None and current.step is not None else None
    parts = [state_label(folder.place, kind)]
    parts += ["signée"] if signed and folder.place != WITHDRAWN else []
    mandate = mandate_of(folder)
    return ", ".join([*parts, *([f"mandat {mandate}"] if mandate else ())])
