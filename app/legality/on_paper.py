"""An act whose convention is suspended leaves on paper: the day it was received, and the scan that proves it (CGCT R2131-4)."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from app.core.clock import now, today
from app.core.db import Db, reading
from app.core.french import jour_long
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders import decide
from app.folders.access import lock, refuse_stranger
from app.folders.documents import add_receipt, current_versions
from app.folders.keep import Incoming, Kept, keep_paper
from app.folders.models import Folder
from app.folders.move import present
from app.folders.publicity import signed_on
from app.journal.chain import Event, append
from app.people.actor import Actor, system
from app.people.models import Collectivity
from app.transmission.models import ON_PAPER, Receipt, Transmission
from workflows.circuit import StepKind
from workflows.vocabulary import Right

SETTING = "actes_suspended"
"""The setting of a collectivity whose convention the prefect suspended: `since` (ISO date) and `order` (its reference)."""
_LEFT = frozenset({"sending", "sent", "uncertain", "acknowledged"})


def suspension(db: Db, collectivity_id: int) -> dict[str, str] | None:
    """Since when, and by which order, the convention is suspended; None while it is in force."""
    setting: dict[str, str] | None = db.get_one(Collectivity, collectivity_id).settings.get(SETTING)
    return setting


@use_case
def suspend(db: Db, actor: Actor, since: date, order: str) -> None:
    """Write that the convention is suspended: from now on no act leaves by itself. Refuses without an order (`order-needed`)."""
    if not order.strip():
        raise Refusal("order-needed")
    _set(db, actor, {"since": since.isoformat(), "order": order.strip()}, "convention.suspended")


@use_case
def resume(db: Db, actor: Actor) -> None:
    """Write that the convention is in force again: what waited leaves."""
    _set(db, actor, None, "convention.resumed")


def _set(db: Db, actor: Actor, value: dict[str, str] | None, event: str) -> None:
    row = db.get_one(Collectivity, actor.collectivity_id, with_for_update=True)
    others = {key: entry for key, entry in row.settings.items() if key != SETTING}
    row.settings = {**others, SETTING: value} if value else others
    append(db, actor.collectivity_id, Event(event, actor.name, actor.user_id, None, dict(value or {})))


def at_the_door(db: Db, folder: Folder) -> bool:
    """True when an act, not a message about one, waits at its transmission to the Préfecture."""
    step = present(db, folder).step
    sending = step is not None and step.kind is StepKind.TRANSMIT and step.channel == "actes"
    return sending and not folder.fields.get("followup")


def ready(db: Db, actor: Actor, folder: Folder) -> None:
    """Refuse what cannot leave on paper now.

    `not-emitter` to another desk, `paper-not-there` elsewhere than at the transmission of an act, `convention-in-force`,
    and `paper-left-already` once the act may have left by itself.
    """
    if folder.emitter_desk_id not in actor.desks_with(Right.CREATE, folder.of_type):
        refuse_stranger(db, actor, folder)
        raise Refusal("not-emitter")
    if not at_the_door(db, folder):
        raise Refusal("paper-not-there")
    if suspension(db, folder.collectivity_id) is None:
        raise Refusal("convention-in-force")
    row = _transmission(db, folder)
    if row is not None and row.state in _LEFT:
        raise Refusal("paper-left-already")


def send(
    actor: Actor, folder_id: int, *, version: int, received_on: date | None, proof: Incoming | None
) -> None:
    """Record that the act was received on paper; refuses a missing or impossible date, and a missing or damaged scan."""
    with reading(actor.collectivity_id) as db:
        ready(db, actor, lock(db, actor, folder_id, version))
    if received_on is None:
        raise Refusal("paper-received-when")
    if proof is None:
        raise Refusal("paper-no-proof")
    with TemporaryDirectory(prefix="paraphe-") as room:
        scan = keep_paper(actor.collectivity_id, proof, Path(room))
    record_paper(actor, folder_id, version=version, received_on=received_on, scan=scan)


@use_case
def record_paper(
    db: Db, actor: Actor, folder_id: int, *, version: int, received_on: date, scan: Kept
) -> None:
    """Write the reception on paper, its proof and who states it, and pass the act on; all together or not at all."""
    folder = lock(db, actor, folder_id, version)
    ready(db, actor, folder)
    decided = str(folder.fields.get("decision_date") or "")
    if received_on > today():
        raise Refusal("date-future")
    if decided and received_on.isoformat() < decided:
        raise Refusal("date-before-act")
    signed = signed_on(db, folder)
    if signed is not None and received_on < signed:
        raise Refusal("date-before-signature", signed_on=jour_long(signed))
    row = _transmission(db, folder) or _opened(db, folder)
    row.state, row.reference, row.simulated = "acknowledged", ON_PAPER, False
    row.received_on, row.sent_at, row.ended_at = received_on, now(), now()
    db.flush()  # its number is in the receipt
    db.add(
        Receipt(
            collectivity_id=folder.collectivity_id,
            transmission_id=row.id,
            kind="paper",
            sha256=scan.sha256,
            filename=scan.filename,
            identifier=None,
            received_on=received_on,
            created_at=now(),
        )
    )
    note = {**scan.note, "facts": [f"Preuve numérisée, déposée par {actor.name}."]}
    proof = replace(
        scan, role="receipt", title="Preuve de réception sur papier", origin="received", note=note
    )
    add_receipt(db, folder, actor, proof)
    setting = suspension(db, folder.collectivity_id) or {}
    facts: dict[str, Any] = {
        "channel": "actes",
        "paper": {
            "received_on": received_on.isoformat(),
            "proof": scan.sha256,
            "order": setting.get("order"),
        },
        "stated_by": actor.user_id,
    }
    # The step is the machine's: the person states what happened outside, under his or her name.
    machine = system(actor.collectivity_id, actor.name)
    decide.acknowledged(db, folder, machine, received_on=received_on, facts=facts)


def _transmission(db: Db, folder: Folder) -> Transmission | None:
    query = sa.select(Transmission).where(
        Transmission.folder_id == folder.id,
        Transmission.round == folder.round,
        Transmission.step == folder.place,
    )
    return db.scalar(query.with_for_update())


def _opened(db: Db, folder: Folder) -> Transmission:
    row = Transmission(
        collectivity_id=folder.collectivity_id,
        folder_id=folder.id,
        round=folder.round,
        step=folder.place,
        channel="actes",
        simulated=False,
        state="ready",
        versions=[version.id for version in current_versions(db, folder.id).values()],
        prepared_at=now(),
    )
    db.add(row)
    return row
