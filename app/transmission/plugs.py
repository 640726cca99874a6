"""What the post room brings to a folder: its automatic step, its words in the circuit, its checks before departure."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from jinja2 import Environment

from app.circuits.library import current, family_of
from app.core.clock import now
from app.core.db import Db
from app.core.french import instant, jour
from app.core.outbox import Outbox, each_round, handles
from app.folders import sockets
from app.folders.effect import effect_of
from app.folders.models import Folder
from app.folders.views import Tag
from app.transmission import channels, lateness, silences
from app.transmission.dispatch import ENDED, transmit
from app.transmission.models import ON_PAPER, Transmission
from app.transmission.parcel import parcel_of
from app.transmission.rehearsal import rehearse, to_leave
from app.transmission.s2low import expiry
from workflows.circuit import StepKind
from workflows.family import Problem
from workflows.loader import load

STATES = {
    "ready": "Préparation de l’envoi",
    "sending": "Envoi en cours",
    "sent": "Transmis, accusé attendu",
    "uncertain": "Réponse perdue : vérification en cours",
    "acknowledged": "Accusé de réception reçu",
    "partial": "Accepté en partie par le destinataire",
    "refused": "Refusé par le destinataire",
}
# The public accountant answers by an acquit, and the flow is then « acquitté »: the words of finance desks.
FLOW_STATES = STATES | {
    "sent": "Transmis, acquit attendu",
    "acknowledged": "Acquitté",
    "partial": "Acquit partiel",
    "refused": "Refusé par le comptable public",
}
# Nobody answers a hand-over: what is known is that the file was put where the other software takes it.
HANDOVER_STATES = STATES | {
    "sent": "Remise en cours",
    "acknowledged": "Fichier remis",
    "refused": "Remise refusée",
}
WORDS = {"helios": FLOW_STATES, "handover": HANDOVER_STATES}
BACK = {"partial": "warn", "refused": "danger"}
"""The states in which a folder came back, each with its tone."""
STOPPED = "Envoi arrêté après le dernier essai"


def plug(settings: Any, templates: Environment) -> None:
    """Register, once for the process."""
    del templates  # it prints nothing
    channels.configure(settings)
    handles("step.transmit")(_Handler(settings))
    each_round("s2low.expiry", expiry.Watch(settings))
    sockets.note("transmit", _Words(settings).note)
    sockets.tag(_Words(settings).tag)
    sockets.share("transmissions", _shared)
    sockets.check(_Check(settings))
    sockets.obstacle(_Obstacle(settings))


class _Handler:
    """The handler of rows `step.transmit`; equal to another of its kind, so that a second application may register it."""

    def __init__(self, settings: Any) -> None:
        self._settings = settings

    def __call__(self, row: Any) -> None:
        transmit(row, self._settings)


class _Check:
    """Before departure: every rule that the carrier would apply, while the sender can still correct."""

    def __init__(self, settings: Any) -> None:
        self._settings = settings

    def __call__(self, db: Db, folder: Folder) -> list[Problem]:
        version = current(db, folder.collectivity_id, folder.family)
        circuit = load(version.definition) if version else family_of(folder.family).circuit
        found: list[Problem] = []
        for step in circuit.applicable(folder.facts):
            if step.kind is StepKind.TRANSMIT and step.channel:
                moment = {
                    "round_number": folder.round + 1,
                    "step": step.key,
                    "prepared_at": now(),
                    "settings": self._settings,
                }
                with parcel_of(db, folder, **moment) as parcel:
                    problems = channels.open_channel(step.channel).check(parcel)
                found += [Problem(f"channel-{one.rule}", one.field or "", one.sentence) for one in problems]
        return found


class _Obstacle:
    """Before a signature: what the carrier would refuse, since the folder was sent into its circuit."""

    def __init__(self, settings: Any) -> None:
        self._settings = settings

    def __call__(self, db: Db, folder: Folder) -> list[Problem]:
        step = to_leave(db, folder)
        found = rehearse(db, folder, step, self._settings) if step else ()
        return [Problem(f"channel-{one.rule}", one.field or "", one.sentence) for one in found]


class _Words:
    """What the folder's page says of a sending."""

    def __init__(self, settings: Any) -> None:
        self._settings = settings

    def note(self, db: Db, folder: Folder, step: str) -> Mapping[str, Any] | None:
        """The line of a transmission's step in the circuit."""
        row = _row(db, folder, Transmission.step == step)
        if folder.place == step and _stopped(db, folder):
            return {"title": STOPPED, "meta": "L’administrateur voit pourquoi et peut le relancer."}
        if row is None:
            return None
        if row.reference == ON_PAPER:
            received = f"Convention suspendue, reçu le {jour(row.received_on)}"
            return {"title": "Transmis sur papier", "meta": received}
        meta = word(row) + (" (FACTICE)" if row.simulated else "")
        if row.state == "acknowledged":
            meta += f", {jour(row.received_on)}" if row.received_on else f", {instant(row.ended_at)}"
        elif row.sent_at:
            meta += f", {instant(row.sent_at)}"
        silence = None if row.state in ENDED else silences.sentence(db, folder.collectivity_id, row.channel)
        if silence:
            meta += f". {silence}"
        elif lateness.late(row, self._settings):
            meta += f". {lateness.sentence(row)}"
        told = {
            "title": channels.open_channel(row.channel).label,
            "meta": meta,
            "mono": row.identifier if row.channel == "actes" else "",
            "back": word(row) if row.state in BACK else "",
        }
        if row.state == "sent" and row.stage_address:
            told |= {
                "link_label": "Confirmer chez l’opérateur, avec votre certificat",
                "link_url": row.stage_address,
            }
        return told

    def tag(self, db: Db, folder: Folder) -> Tag | None:
        """Where an act or a flow stands; of an act that was published, or touched since its receipt, what it is worth."""
        worth = effect_of(db, folder)
        if worth is not None:
            return Tag(worth.tone, worth.icon, worth.words)
        row = _row(db, folder, Transmission.channel.in_(["actes", "helios"]))
        if row is None:
            return None
        if row.state == "acknowledged":
            return _received(folder, row)
        if _stopped(db, folder):
            return Tag("danger", "exclamation-circle", STOPPED)
        held = row.state == "sent" and row.stage_address is not None
        if held or lateness.late(row, self._settings):
            return Tag("warn", "hourglass-split", word(row) if held else "Réponse en retard")
        return Tag(BACK.get(row.state, "info"), "send", word(row))


def _received(folder: Folder, row: Transmission) -> Tag:
    if row.channel == "actes" and StepKind.PUBLISH in family_of(folder.family).stages:
        return Tag("warn", "hourglass-split", "Pas encore exécutoire : à publier")
    return Tag("ok", "check-circle", word(row))


def word(row: Transmission) -> str:
    """The state of a sending in French, in the words of those who follow it; that of the operator while it holds it."""
    if row.state == "sent" and row.stage:
        return row.stage
    return WORDS.get(row.channel, STATES)[row.state]


def _row(db: Db, folder: Folder, which: sa.ColumnElement[bool]) -> Transmission | None:
    """One sending of the folder's present round."""
    return db.scalar(
        sa.select(Transmission).where(
            Transmission.folder_id == folder.id, Transmission.round == folder.round, which
        )
    )


def _stopped(db: Db, folder: Folder) -> bool:
    """Whether the folder's sending was parked after its last try."""
    query = sa.select(Outbox.state).where(Outbox.folder_id == folder.id, Outbox.kind == "step.transmit")
    return db.scalar(query.order_by(Outbox.id.desc()).limit(1)) == "parked"


def _shared(db: Db, folder: Folder) -> list[dict[str, Any]]:
    """What left, oldest first; `identifier` is the one that the other side gave when it acknowledged."""
    query = sa.select(Transmission).where(Transmission.folder_id == folder.id).order_by(Transmission.id)
    names = (
        "channel",
        "round",
        "step",
        "state",
        "simulated",
        "reference",
        "identifier",
        "reason",
        "sent_at",
        "received_on",
        "ended_at",
    )
    return [{**{name: getattr(row, name) for name in names}, "label": word(row)} for row in db.scalars(query)]
