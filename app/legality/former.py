"""An individual order that withdraws or repeals another: linked to it both ways, and told when four months are over."""

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa

from app.core.clock import today
from app.core.db import Db
from app.core.french import jour_long
from app.folders.access import readable_among
from app.folders.models import Folder
from app.folders.publicity import signed_on
from app.folders.sockets import Caution
from workflows.acts.rules import act_number
from workflows.deadlines import months_after

FAMILY = "individual_decree"
HOW = {"withdraws": ("Retire", "Retiré"), "repeals": ("Abroge", "Abrogé")}
MONTHS = 4
TITLE = "Retrait ou abrogation"


def former_of(db: Db, folder: Folder) -> Folder | None:
    """The order that this one says to withdraw or repeal, by its number, the last of that number; None when it is not here."""
    number = act_number(folder.fields.get("former_number"))
    if folder.family != FAMILY or not number or not folder.fields.get("former_how"):
        return None
    query = (
        sa.select(Folder)
        .where(Folder.collectivity_id == folder.collectivity_id, Folder.family == FAMILY)
        .where(Folder.number == number, Folder.id != folder.id, Folder.place != "withdrawn")
    )
    return db.scalars(query.order_by(Folder.id.desc()).limit(1)).first()


def cautions(db: Db, folder: Folder) -> Sequence[Caution]:
    """ACT-07: within four months a right-creating decision is withdrawn or repealed if it is unlawful (CRPA L242-1).

    Later, or when the former is not known here, it is told: the law has exceptions (the beneficiary's request, fraud), so
    whoever decides rules on it, and did not deposit the order.
    """
    if not folder.fields.get("former_how"):
        return ()
    by = frozenset(folder.sources.get("depositors", ()))
    former, number = former_of(db, folder), folder.fields.get("former_number") or "?"
    signed = signed_on(db, former) if former is not None else None
    if signed is None:
        sentence = (
            f"L’arrêté {number} que ce dossier retire ou abroge n’a pas été signé ici : comptez vous-même les quatre mois depuis "
            "sa date (CRPA L242-1)."
        )
        return [Caution("former-unknown", TITLE, sentence, about=f"former:{number}", by=by)]
    last = months_after(signed, MONTHS)
    done = signed_on(db, folder) or today()
    if done <= last:
        return ()
    sentence = (
        f"L’arrêté {number} a été signé le {jour_long(signed)} : s’il a créé des droits, il ne pouvait être retiré ou abrogé "
        f"pour illégalité que jusqu’au {jour_long(last)} (CRPA L242-1). Vérifiez qu’un autre cas le permet, comme la demande de "
        "son bénéficiaire ou une fraude."
    )
    return [Caution("former-late", TITLE, sentence, about=f"former:{number}:{last}", by=by)]


def links(db: Db, folder: Folder) -> list[tuple[str, int | None]]:
    """The words of each link of an individual order, and the folder that it leads to, where who reads may read it."""
    if folder.family != FAMILY:
        return []
    rows: list[tuple[str, int | None]] = []
    how = HOW.get(str(folder.fields.get("former_how") or ""))
    if how:
        former = former_of(db, folder)
        sentence = f"{how[0]} l’arrêté {folder.fields.get('former_number') or '?'}."
        rows.append((sentence, former.id if former is not None else None))
    if folder.number and _signed(folder):
        rows += [(f"{_by(db, order)}.", order.id) for order in _later(db, folder)]
    open_to = readable_among(db, [key for _, key in rows if key is not None])
    return [(sentence, key if key in open_to else None) for sentence, key in rows]


def since(db: Db, folder: Folder) -> list[str]:
    """What later signed orders did of this one: « Retiré par l’arrêté 2026_061, signé le mardi 3 novembre 2026 »."""
    if folder.family != FAMILY or not folder.number:
        return []
    return [_by(db, order) for order in _later(db, folder)]


def _by(db: Db, order: Folder) -> str:
    return f"{HOW[str(order.fields['former_how'])][1]} par l’arrêté {order.number}{_since(db, order)}"


def _later(db: Db, folder: Folder) -> list[Folder]:
    """The signed orders that withdraw or repeal this one."""
    query = (
        sa.select(Folder)
        .where(Folder.collectivity_id == folder.collectivity_id, Folder.family == FAMILY)
        .where(Folder.id > folder.id, Folder.phase.in_(("running", "done")), Folder.place != "withdrawn")
        .where(Folder.fields["former_number"].as_string() == folder.number)
    )
    return [
        order
        for order in db.scalars(query.order_by(Folder.id))
        if order.fields.get("former_how") in HOW and signed_on(db, order) is not None
    ]


def _signed(folder: Folder) -> bool:
    return folder.phase in {"running", "done"}


def _since(db: Db, order: Folder) -> str:
    signed: date | None = signed_on(db, order)
    return f", signé le {jour_long(signed)}" if signed else ""
