"""What the post room brings to a folder: its automatic step, its words in the circuit, its checks before departure."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from jinja2 import Environment
from markupsafe import Markup

from app.circuits.library import family_of
from app.core.clock import now
from app.core.db import Db, reading
from app.core.french import instant, jour
from app.core.outbox import Row, each_round, handles
from app.folders import sockets
from app.folders.effect import effect_of
from app.folders.models import Folder
from app.folders.route import route_of
from app.folders.rows import by_onlooker, posted
from app.folders.sockets import Tag
from app.journal import beside
from app.people.models import Collectivity
from app.people.own_settings.registry import Asker, Kind, Result, Setting, Trial, declare, offer
from app.transmission import afterwards, channels, lateness, lightening, sent, silences
from app.transmission.dispatch import ENDED, transmit
from app.transmission.models import ON_PAPER, SENDINGS, Receipt, Transmission, sendings_of
from app.transmission.parcel import EMAIL, parcel_of
from app.transmission.rehearsal import rehearse, to_leave
from app.transmission.s2low import expiry, own
from app.transmission.s2low.settings import given_by
from app.transmission.traits import having, traits_of
from config import Settings
from workflows.circuit import DONE, StepKind
from workflows.family import Problem

BACK = {"partial": "warn", "refused": "danger"}
"""The states in which a folder came back, each with its tone."""
GROUP = "Télétransmission"
STOPPED = "Envoi arrêté après le dernier essai"


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    channels.configure(settings)
    handles("step.transmit")(_Handler(settings, transmit))
    handles(afterwards.KIND)(_Handler(settings, afterwards.ask))
    each_round(afterwards.KIND, afterwards.Watch())
    each_round("s2low.expiry", expiry.Watch(settings))
    each_round("parcels", lightening.Watch(settings.parcel_days))
    beside.compares("parcels", sent.differences)
    sockets.question(SENDINGS)
    sockets.note("transmit", _Display(settings).note)
    sockets.tag(_Display(settings).tag)
    sockets.band(_Others(templates))
    sockets.returned(_returned)
    sockets.share("transmissions", _shared)
    sockets.check(_Check(settings))
    sockets.obstacle(_Obstacle(settings))
    declare(_email(settings), own.setting(settings))
    given_by(own.account)
    missing = "" if settings.s2low_url else "l’installation n’a pas d’opérateur de télétransmission"
    offer(Trial("s2low", GROUP, "Appel d’essai à l’opérateur", lambda _own: missing, _Probe(settings)))


def _email(settings: Settings) -> Setting:
    return Setting(
        "actes_email",
        GROUP,
        "Adresse donnée à la préfecture",
        "Où l’État et l’opérateur écrivent au sujet des actes ; elle est dans l’enveloppe de chaque envoi.",
        "enveloppe de chaque acte transmis",
        Kind.ADDRESS,
        lambda: settings.actes_email,
        most=254,
        default="aucune",
        stored=EMAIL,
    )


class _Probe:
    """Whether the operator knows the collectivity: a question that changes nothing there."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, asker: Asker) -> Result:
        from app.transmission.s2low.probe import fault

        with reading(asker.collectivity_id) as db:
            siren = db.get_one(Collectivity, asker.collectivity_id).siren
        why = fault(self._settings, siren, files=False)
        return Result(True, "L’opérateur reconnaît la collectivité.") if why is None else Result(False, why)


class _Handler:
    """A handler of rows that is given the settings; a second application of the process registers its own."""

    def __init__(self, settings: Settings, do: Callable[[Row, Any], None]) -> None:
        self._settings, self._do = settings, do

    def __call__(self, row: Row) -> None:
        self._do(row, self._settings)


class _Others:
    """Under the header: the answers that came after the first one and say otherwise, or cannot be read."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, folder: Folder) -> Markup | None:
        others = [_other(other) for other in afterwards.others(db, folder)]
        if not others:
            return None
        page = self._templates.get_template("transmission/others.html").render(others=others)
        return Markup(page)  # noqa: S704 - the template escapes what it prints


def _other(other: afterwards.Other) -> dict[str, Any]:
    """A later answer beside the first one, in words."""
    row, receipt = other.sending, other.receipt
    return {
        "readable": receipt.after == afterwards.CONTRADICTS,
        "sent": instant(row.sent_at) if row.sent_at else "",
        "first": word(row),
        "first_at": jour(row.received_on) if row.received_on else instant(row.ended_at),
        "other": traits_of(row.channel).state(receipt.kind),
        "other_at": jour(receipt.received_on) if receipt.received_on else instant(receipt.created_at),
        "reason": receipt.reason or "",
    }


def _returned(db: Db, folders: Collection[int]) -> Mapping[int, str]:
    """Of a folder of which a part was taken, « Acquit partiel »: it was not rejected.

    Of one that is over and whose acquits say the contrary of each other, « Acquits contradictoires »: nobody knows it to be.
    """
    said_again = sa.exists().where(
        Receipt.transmission_id == Transmission.id, Receipt.after == afterwards.CONTRADICTS
    )
    contrary = sa.and_(Folder.place == DONE, said_again)
    query = (
        sa.select(Transmission, contrary)
        .join(Folder, Folder.id == Transmission.folder_id)
        .where(
            Folder.id.in_(folders),
            Folder.round == Transmission.round,
            sa.or_(Transmission.state == "partial", contrary),
        )
    )
    called: dict[int, str] = {}
    for row, contradicted in db.execute(query):
        if contradicted or row.folder_id not in called:
            called[row.folder_id] = "Acquits contradictoires" if contradicted else word(row)
    return called


class _Check:
    """Before departure: every rule that the carrier would apply, while the sender can still correct."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, db: Db, folder: Folder) -> list[Problem]:
        obstacles: list[Problem] = []
        for step in route_of(db, folder).circuit.applicable(folder.facts):
            if step.kind is StepKind.TRANSMIT and step.channel:
                with parcel_of(
                    db,
                    folder,
                    round_number=folder.round + 1,
                    step=step.key,
                    prepared_at=now(),
                    settings=self._settings,
                ) as parcel:
                    problems = channels.open_channel(step.channel).check(parcel)
                obstacles += [replace(problem, key=f"channel-{problem.key}") for problem in problems]
        return obstacles


class _Obstacle:
    """Before a signature: what the carrier would refuse, since the folder was sent into its circuit."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, db: Db, folder: Folder) -> list[Problem]:
        step = to_leave(db, folder)
        problems = rehearse(db, folder, step, self._settings) if step else ()
        return [replace(problem, key=f"channel-{problem.key}") for problem in problems]


class _Display:
    """What the folder's page says of a sending."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def note(self, db: Db, folder: Folder, step: str) -> Mapping[str, Any] | None:
        """The line of a transmission's step in the circuit."""
        row = next((sending for sending in _sent(db, folder) if sending.step == step), None)
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
        line = {
            "title": channels.open_channel(row.channel).label,
            "meta": meta,
            "mono": row.identifier if traits_of(row.channel).state_date else "",
            "back": word(row) if row.state in BACK else "",
        }
        if row.state == "sent" and row.stage_address:
            line |= {
                "link_label": "Confirmer chez l’opérateur, avec votre certificat",
                "link_url": row.stage_address,
            }
        elif row.state in ENDED and row.package_sha256 and not by_onlooker(db, folder.id):
            # Not « what left »: of an act the operator makes his own archive, and a rejected sending may have gone nowhere
            line |= {
                "link_label": "Télécharger l’envoi tel qu’il a été préparé, à l’octet",
                "link_url": f"/dossiers/{folder.id}/envois/{row.id}",
            }
        return line

    def tag(self, db: Db, folder: Folder) -> Tag | None:
        """Where an act or a flow stands; of an act that was published, or touched since its receipt, what it is worth."""
        worth = effect_of(db, folder)
        if worth is not None:
            return Tag(worth.tone, worth.icon, worth.inside)
        if any(other.receipt.after == afterwards.CONTRADICTS for other in afterwards.others(db, folder)):
            return Tag("danger", "exclamation-circle", "Acquits qui se contredisent")
        tagged = having("tagged")
        row = next((sending for sending in _sent(db, folder) if sending.channel in tagged), None)
        return self._stands(db, folder, row) if row is not None else None

    def _stands(self, db: Db, folder: Folder, row: Transmission) -> Tag:
        """Where a sending of the present round stands."""
        if row.state == "acknowledged":
            return _received(folder, row)
        if _stopped(db, folder):
            return Tag("danger", "exclamation-circle", STOPPED)
        waiting = row.state == "sent" and row.stage_address is not None
        if waiting or lateness.late(row, self._settings):
            return Tag("warn", "hourglass-split", word(row) if waiting else "Réponse en retard")
        return Tag(BACK.get(row.state, "info"), "send", word(row))


def _received(folder: Folder, row: Transmission) -> Tag:
    if traits_of(row.channel).state_date and StepKind.PUBLISH in family_of(folder.in_force).stages:
        verb = "notifier" if family_of(folder.in_force).publication == "none" else "publier"
        return Tag("warn", "hourglass-split", f"Pas encore exécutoire : à {verb}")
    return Tag("ok", "check-circle", word(row))


def word(row: Transmission) -> str:
    """The state of a sending in French, in the words of those who follow it; that of the operator while it holds it."""
    if row.state == "sent" and row.stage:
        return row.stage
    return traits_of(row.channel).state(row.state)


def _sent(db: Db, folder: Folder) -> list[Transmission]:
    """The sendings of the folder's present round."""
    return [sending for sending in sendings_of(db, folder.id) if sending.round == folder.round]


def _stopped(db: Db, folder: Folder) -> bool:
    """Whether the folder's sending was parked after its last try."""
    rows = posted(db, folder.id, "step.transmit")
    return bool(rows) and rows[-1].state == "parked"


def _shared(db: Db, folder: Folder) -> list[dict[str, Any]]:
    """What left, oldest first; `identifier` is the one that the other side gave when it acknowledged."""
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
    later: dict[int, list[dict[str, Any]]] = {}
    for other in afterwards.others(db, folder):
        later.setdefault(other.sending.id, []).append(_shared_other(other))
    return [
        {**{name: getattr(row, name) for name in names}, "label": word(row), "later": later.get(row.id, [])}
        for row in sendings_of(db, folder.id)
    ]


def _shared_other(other: afterwards.Other) -> dict[str, Any]:
    readable = other.receipt.after == afterwards.CONTRADICTS
    return {
        "state": other.receipt.kind if readable else "unread",
        "label": _other(other)["other"] if readable else afterwards.TITLES[afterwards.UNREAD],
        "reason": other.receipt.reason,
        "received_on": other.receipt.received_on,
        "sha256": other.receipt.sha256,
    }
