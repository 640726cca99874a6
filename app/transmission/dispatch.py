"""Send a folder once, whatever dies on the way, and act on what comes back.

Each stage is written before the next begins: ready → sending → sent → acknowledged or refused. Before any sending the
other side is asked whether it already has the parcel; a lost answer is looked up, never sent blindly again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa
import structlog

from app.core.clock import now
from app.core.db import Db, reading
from app.core.outbox import Hopeless, Later, Row
from app.core.transaction import use_case
from app.files import vault
from app.folders import decide, numbering
from app.folders.documents import current_versions
from app.folders.models import Folder
from app.journal.chain import Event, append
from app.people.actor import Actor, system
from app.transmission import answered, lateness, silences, stages
from app.transmission.channels import open_channel
from app.transmission.keeping import keep_answer, note_late_anomaly, tell_unread
from app.transmission.models import Transmission
from app.transmission.parcel import parcel_of
from app.transmission.ports import Answer, AnswerKind, Channel, Package, Parcel, Rejected, Uncertain
from app.transmission.traits import traits_of
from config import Settings

log = structlog.get_logger()
HELD_SECONDS = 600.0
"""How long what a carrier holds back waits before it is looked at again."""
ENDED = frozenset({"acknowledged", "partial", "refused"})


@dataclass(frozen=True)
class Sending:
    """A transmission as a worker sees it, outside any transaction."""

    id: int
    folder_id: int
    round: int
    step: str
    channel: str
    simulated: bool
    state: str
    reference: str | None
    prepared_at: datetime
    versions: Sequence[int] | None


SIMULATOR_GONE = (
    "Cet envoi a commencé en simulation, et le simulateur n’est plus là : rien n’a été transmis, et il attend."
    " Demandez à qui tient l’installation de remettre le simulateur, ou de régler un opérateur :"
    " le dossier revient alors à qui l’a déposé, qui le renvoie."
)


def transmit(row: Row, settings: Settings) -> None:
    """Bring one transmission as far as it can go now; called again until the other side has answered."""
    actor = system(row.collectivity_id)
    sending = open_transmission(
        actor, row.payload["folder_id"], row.payload["round"], row.payload["step"], row.payload["channel"]
    )
    if sending is None or sending.state in ENDED:
        return
    channel = open_channel(sending.channel)
    if sending.simulated and channel.unset is not None:
        # Nobody took over from the simulator: what began before it waits, and goes on if it is set again
        raise Later(HELD_SECONDS, SIMULATOR_GONE)
    if sending.simulated != channel.simulated:
        _stay_apart(actor, sending)
        return
    with reading(row.collectivity_id) as db:
        folder = db.get_one(Folder, sending.folder_id)
        with parcel_of(
            db,
            folder,
            round_number=sending.round,
            step=sending.step,
            prepared_at=sending.prepared_at,
            settings=settings,
            versions=sending.versions,
        ) as parcel:
            db.close()  # what follows may wait for the network: no connection is held meanwhile
            with silences.watching(actor, sending.channel, settings):
                try:
                    reference = _deliver(actor, sending, channel, parcel)
                except Rejected as rejected:
                    refuse(actor, sending.id, str(rejected.reason), None, None)
                    return
                answer = channel.poll(parcel, reference)
    _act_on(actor, sending, answer, settings)


def _stay_apart(actor: Actor, sending: Sending) -> None:
    """What began before a simulator never goes on before the State, nor the reverse: their references are not the same."""
    if not sending.simulated:
        raise Hopeless(
            "Cet envoi a commencé avec l’opérateur réel et le canal est réglé sur le simulateur. Rétablissez le réglage."
        )
    reason = "Cet envoi avait commencé en simulation (FACTICE). Renvoyez le dossier : il partira pour de bon."
    refuse(actor, sending.id, reason, None, None)


def _deliver(actor: Actor, sending: Sending, channel: Channel, parcel: Parcel) -> str:
    """The reference of the delivery: the known one, the one found over there, or the one of a first sending."""
    if sending.reference is not None:
        return sending.reference
    # Asked the first time too: a worker may have died between the sending and its word here.
    known_reference = channel.find(parcel)
    if known_reference is not None:
        mark_sent(actor, sending.id, known_reference, None, relayed=channel.relayed)
        return known_reference
    if why := channel.hold_reason(parcel):
        raise Later(HELD_SECONDS, why)
    with TemporaryDirectory(prefix="paraphe-package-") as room:
        package = channel.package(parcel, Path(room))
        # Kept before it leaves: what was sent can be shown, whatever dies meanwhile.
        vault.store().put_file(vault.scope(actor.collectivity_id), package.path)
        mark_sending(actor, sending.id, package)
        try:
            reference = channel.send(parcel, package)
        except Uncertain:
            mark_uncertain(actor, sending.id)
            # The row is tried again, and begins by looking for it over there.
            raise
    mark_sent(actor, sending.id, reference, package.sha256, relayed=channel.relayed)
    return reference


def _act_on(actor: Actor, sending: Sending, answer: Answer, settings: Settings) -> None:
    sha256 = None
    if answer.raw is not None:
        sha256 = vault.store().put_bytes(vault.scope(actor.collectivity_id), answer.raw).sha256
    if answer.kind is AnswerKind.PENDING:
        if sha256 is not None:
            keep_doubtful(actor, sending.id, answer, sha256)
        if answer.reason is None:  # else nothing is known of where it is: what was known stays
            stages.keep(actor, sending.id, answer.stage)
        late = lateness.tell(actor, sending.id, settings)
        raise Later(settings.actes_poll_seconds, answer.reason or late)
    if answer.kind is AnswerKind.ACKNOWLEDGED:
        acknowledge(actor, sending.id, answer, sha256)
    else:
        refuse(actor, sending.id, answer.reason or "Refusé sans motif.", answer, sha256)


@use_case
def open_transmission(
    db: Db, actor: Actor, folder_id: int, round_number: int, step: str, channel: str
) -> Sending | None:
    """The transmission of this folder, round and step, made the first time; None when the folder is elsewhere."""
    folder = db.get(Folder, folder_id, with_for_update=True)
    if folder is None or (folder.round, folder.place) != (round_number, step):
        return None
    row = db.scalar(_sending_query(folder_id, round_number, step))
    if row is None:
        row = Transmission(
            collectivity_id=actor.collectivity_id,
            folder_id=folder_id,
            round=round_number,
            step=step,
            channel=channel,
            simulated=open_channel(channel).simulated,
            state="ready",
            # Named once for all tries: no later one sends other bytes (decision 0012).
            versions=[version.id for version in current_versions(db, folder_id).values()],
            # The same moment at each try gives the same archive, under the same name, by which it is found
            # again.
            prepared_at=now(),
        )
        db.add(row)
        db.flush()  # its number is returned
    elif row.state == "ready" and not row.simulated:
        # It may have waited where no operator was set: nothing left, so it goes by whoever carries now.
        row.simulated = open_channel(channel).simulated
    return Sending(
        row.id,
        folder_id,
        round_number,
        step,
        row.channel,
        row.simulated,
        row.state,
        row.reference,
        row.prepared_at,
        row.versions,
    )


def _sending_query(folder_id: int, round_number: int, step: str) -> Any:
    return sa.select(Transmission).where(
        Transmission.folder_id == folder_id, Transmission.round == round_number, Transmission.step == step
    )


@use_case
def mark_sending(db: Db, actor: Actor, transmission_id: int, package: Package) -> None:
    """Write that the parcel is about to leave: whoever comes after a kill will look it up before sending.

    A worker that comes back late, its lease lost, changes nothing of what another has sent meanwhile.
    """
    row = db.get_one(Transmission, transmission_id, with_for_update=True)
    if row.reference is not None or row.state in ENDED:
        return
    # From here on the number may be known over there: it is never given again.
    numbering.mark_sent(db, db.get_one(Folder, row.folder_id))
    row.state, row.package_sha256, row.package_name = "sending", package.sha256, package.filename
    facts = {
        "channel": row.channel,
        "package": package.filename,
        "sha256": package.sha256,
        "simulated": row.simulated,
    }
    append(db, actor.collectivity_id, Event("transmission.sending", actor.name, None, row.folder_id, facts))


@use_case
def mark_uncertain(db: Db, actor: Actor, transmission_id: int) -> None:
    """Write that nobody knows whether the parcel was accepted, unless another worker knows."""
    row = db.get_one(Transmission, transmission_id, with_for_update=True)
    if row.reference is not None or row.state in ENDED:
        return
    row.state = "uncertain"
    append(
        db,
        actor.collectivity_id,
        Event("transmission.uncertain", actor.name, None, row.folder_id, {"channel": row.channel}),
    )


@use_case
def mark_sent(
    db: Db,
    actor: Actor,
    transmission_id: int,
    reference: str,
    sha256: str | None,
    *,
    relayed: bool = False,
) -> None:
    """Write that the other side has the parcel; a second time changes nothing.

    `relayed`: it is an operator that has it, and nothing is transmitted as long as he does not say so (`stages`).
    """
    row = db.get_one(Transmission, transmission_id, with_for_update=True)
    if row.reference is not None or row.state in ENDED:
        return
    row.state, row.reference, row.sent_at = "sent", reference, now()
    facts = {
        "channel": row.channel,
        "reference": reference,
        "sha256": sha256 or row.package_sha256,
        "simulated": row.simulated,
        "left": row.step,
        "round": row.round,
    }
    if relayed:
        row.stage, facts["relayed"] = stages.HANDED, True
    append(db, actor.collectivity_id, Event("transmission.sent", actor.name, None, row.folder_id, facts))


@use_case
def acknowledge(db: Db, actor: Actor, transmission_id: int, answer: Answer, sha256: str | None) -> bool:
    """Keep the receipt byte for byte and pass the folder on; the same receipt a second time changes nothing (W04)."""
    row = db.get_one(Transmission, transmission_id, with_for_update=True)
    folder = db.get_one(Folder, row.folder_id, with_for_update=True)
    if row.state in ENDED or (folder.round, folder.place) != (row.round, row.step):
        return False
    keep_answer(db, actor, row, folder, answer, sha256)
    row.state, row.ended_at, row.identifier, row.received_on = (
        "acknowledged",
        now(),
        answer.identifier,
        answer.received_on,
    )
    facts = {
        "channel": row.channel,
        "identifier": answer.identifier,
        "receipt": sha256,
        "simulated": answer.simulated,
    }
    facts["received_on"] = answer.received_on.isoformat() if answer.received_on else None
    decide.acknowledged(db, folder, actor, received_on=_state_date(row, answer), facts=facts)
    answered.tell(db, actor, folder, row, sha256)
    answered.heard(db, folder, row, answer)
    return True


@use_case
def keep_doubtful(db: Db, actor: Actor, transmission_id: int, answer: Answer, sha256: str) -> None:
    """Keep, once, an answer that decides nothing (unreadable, or about another act), where people can read it, and tell them.

    A sending that was answered has nothing to wait for: what comes after is told by `afterwards`.
    """
    row = db.get_one(Transmission, transmission_id, with_for_update=True)
    folder = db.get_one(Folder, row.folder_id, with_for_update=True)
    if keep_answer(db, actor, row, folder, answer, sha256) and row.state not in ENDED:
        tell_unread(db, actor, row, folder)


@use_case
def refuse(
    db: Db, actor: Actor, transmission_id: int, reason: str, answer: Answer | None, sha256: str | None
) -> bool:
    """Keep the anomaly and bring the folder back to who deposited it, with the reason; what was taken is remembered.

    One that comes after the receipt undoes nothing (W02): it is kept, and whoever deposits the act is warned.
    """
    row = db.get_one(Transmission, transmission_id, with_for_update=True)
    folder = db.get_one(Folder, row.folder_id, with_for_update=True)
    if row.state == "acknowledged" and answer is not None and sha256 is not None:
        note_late_anomaly(db, actor, row, folder, answer, sha256)
        return False
    if row.state in ENDED or (folder.round, folder.place) != (row.round, row.step):
        return False
    partial = answer is not None and answer.kind is AnswerKind.PARTIAL
    if answer is not None:
        keep_answer(db, actor, row, folder, answer, sha256)
        answered.heard(db, folder, row, answer)
    row.state, row.ended_at, row.reason = "partial" if partial else "refused", now(), reason
    facts = {"channel": row.channel, "receipt": sha256, **({"partial": True} if partial else {})}
    decide.refused(db, folder, actor, reason=reason, facts=facts)
    return True


def _state_date(row: Transmission, answer: Answer) -> date | None:
    """The day of reception by the State counts for an act alone (CGCT L2131-1)."""
    return answer.received_on if traits_of(row.channel).state_date else None
