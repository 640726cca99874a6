"""What an act became at the Préfecture: its dates, its clocks, its stamped copy and its certificate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from app.circuits.library import family_of
from app.core.clock import PARIS, today
from app.core.db import Db, reading
from app.core.french import for_years, jour_long
from app.core.grammar import de
from app.core.refusals import Refusal
from app.files import vault
from app.folders import dated
from app.folders.access import authorize
from app.folders.dated import RULES, Dated, article, state_rule
from app.folders.documents import current_versions
from app.folders.effect import ANNULLED, PARTLY, REFERRED, Effect, effect_of
from app.folders.models import Document, DocumentVersion, Folder, Publication
from app.folders.publicity import Means, means_of, signed_on
from app.legality import former
from app.legality.cancelling import Standing, act_at_the_prefecture, standing
from app.legality.intake import the_channel
from app.legality.models import StateLetter
from app.pdf.printed import sheet, stamp
from app.people.actor import Actor
from app.people.models import Collectivity
from app.publication import record
from app.transmission.models import ON_PAPER, Receipt, Transmission
from app.transmission.ports import Rejected, Uncertain, Unreachable
from workflows.deadlines import referral_until

PDF = "application/pdf"
NOT_BINDING = {
    "": "pas encore : il faut la réception, et la publication ou la notification",
    "suspended": "suspendu",
    ANNULLED: "annulé par le juge",
}
"""Why an act is not executory, by the key of its state."""
MADE_KNOWN = {
    Means.URGENT: "son affichage en urgence",
    Means.POSTED: "son affichage",
    Means.NOTIFIED: "sa notification",
}
"""What brought an act to the knowledge of those concerned, as its certificate says it; else « sa publication »."""


@dataclass(frozen=True)
class Life:
    """The dates of an act, each None as long as it is not known; `enforceable_on` only once both conditions are met."""

    standing: Standing
    sent_on: date | None
    received_on: date | None
    published_on: date | None
    enforceable_on: date | None
    online_since: date | None
    first_online: date | None
    referral_until: date | None
    transmit_by: date | None
    transmit_rule: str
    on_paper: bool
    means: Means
    cancelled_on: date | None
    withdrawn_on: date | None
    effect: Effect | None
    referred: bool


def life_of(db: Db, folder: Folder) -> Life:
    """The dates of an act that the Préfecture has; refuses `not-at-prefecture`."""
    position = standing(db, folder)
    if position is None:
        raise Refusal("not-at-prefecture")
    act, publication = position.act, db.get(Publication, folder.id)
    published = publication.published_on if publication else None
    online = record.act_of(
        db, folder.id
    )  # whatever the way: what is online stays there two months from that day
    limit, signed = family_of(folder.in_force).transmit_within, signed_on(db, folder)
    cancelled, worth = position.cancelled is not None, effect_of(db, folder)
    return Life(
        standing=position,
        sent_on=act.sent_at.astimezone(PARIS).date() if act.sent_at else None,
        received_on=act.received_on,
        published_on=published,
        enforceable_on=worth.enforceable_on if worth else None,
        online_since=record.first_day(online) if online and not online.withdrawn_at else None,
        first_online=record.first_online(db, online) if online else None,
        transmit_by=limit.after(signed) if limit and signed else None,
        transmit_rule=limit.source if limit else "",
        referral_until=None if cancelled else _referral(db, folder, act),
        on_paper=act.reference == ON_PAPER,
        means=means_of(db, folder),
        cancelled_on=position.cancelled.cancelled_on if position.cancelled else None,
        withdrawn_on=(
            online.withdrawn_at.astimezone(PARIS).date() if online and online.withdrawn_at else None
        ),
        effect=worth,
        referred=bool(folder.fields.get(REFERRED)),
    )


def _referral(db: Db, folder: Folder, act: Transmission) -> date | None:
    """Two months from reception, or from that of the documents that the prefect asked for (CGCT L2131-6).

    None while documents are asked for and not received: the delay has then no end yet.
    """
    requests = list(
        db.scalars(
            sa.select(StateLetter.id).where(StateLetter.folder_id == folder.id, StateLetter.code == "3-1")
        )
    )
    if not requests:
        return referral_until(act.received_on) if act.received_on else None
    sent = (
        sa.select(Folder.number, Transmission.received_on)
        .join(Transmission, Transmission.folder_id == Folder.id)
        .where(
            Folder.collectivity_id == folder.collectivity_id,
            Folder.family == "prefecture_reply",
            Folder.number.in_([str(letter_id) for letter_id in requests]),
            Transmission.state == "acknowledged",
        )
    )
    receptions = {number: received for number, received in db.execute(sent) if received}
    return referral_until(max(receptions.values())) if len(receptions) == len(requests) else None


def received(life: Life) -> Dated:
    """The day of reception by the State, by its receipt or by the proof of a reception on paper."""
    rule = RULES["received" if life.standing.act.identifier else "on_paper"]
    return Dated("received_on", "Reçu par la préfecture le", life.received_on, rule, missing="inconnu")


def dates_of(life: Life) -> list[Dated]:
    """The dates of an act, in the order of its life, each with the rule that gives it."""
    rows = [received(life), *_in_time(life), dated.made_known(life.means, life.published_on)]
    if life.cancelled_on:
        cancelled = Dated("cancelled_on", "Transmission annulée le", life.cancelled_on, RULES["cancelled"])
        return [*rows, cancelled]
    missing = NOT_BINDING.get(life.effect.key if life.effect else "", NOT_BINDING[""])
    rows.append(dated.executory(life.enforceable_on, missing))
    if life.online_since:
        rows.append(dated.stays_online(life.online_since))
    if life.effect and life.effect.key == ANNULLED:  # nothing is left to be asked of a judge
        return rows
    if life.published_on:
        rows.append(dated.appeal(life.means, life.published_on, life.first_online))
    if not life.referred:
        waits = "délai arrêté par la demande de pièces, il repart à leur réception"
        rows.append(
            Dated(
                "referral_until", "Déféré du préfet jusqu’au", life.referral_until, RULES["referral"], waits
            )
        )
    return rows


def _in_time(life: Life) -> list[Dated]:
    """The last day that the law gave to transmit the act, and whether it was held; nothing where the law gives none."""
    if life.transmit_by is None:
        return []
    late = life.received_on is not None and life.received_on > life.transmit_by
    rule = f"quinze jours de la signature ({life.transmit_rule})"
    return [
        Dated(
            "transmit_by",
            "À transmettre au plus tard le",
            life.transmit_by,
            rule,
            after=", dépassé" if late else "",
        )
    ]


def dates_as_data(db: Db, folder: Folder) -> list[dict[str, Any]]:
    """The same dates for other software; empty for what the Préfecture does not have."""
    if act_at_the_prefecture(db, folder) is None:
        return []
    return [entry.told for entry in dates_of(life_of(db, folder))]


def rows_of(life: Life, since: Sequence[str] = ()) -> list[str]:
    """The rows of the stamp: its days, what the act is worth today by the line that every page reads, what came after it.

    The article of its rule stands behind each day that the law counts; the page of the act has the rule whole.
    """
    identifier = life.standing.act.identifier
    worth = life.effect if life.effect and life.effect.words else None
    rule = (RULES.get(worth.key, "") or state_rule(worth.key, "")) if worth else ""
    return [
        f"Envoyé en préfecture le {_short(life.sent_on)}"
        if not life.on_paper
        else "Transmis en préfecture sur papier",
        f"Reçu en préfecture le {_short(life.received_on)} {article(received(life).rule)}",
        _known(life),
        *_put_online(life),
        *([f"{worth.words} {article(rule)}".rstrip()] if worth else []),
        *([f"Retiré du site le {_short(life.withdrawn_on)}"] if life.withdrawn_on else []),
        *since,
        *([f"ID : {identifier}"] if identifier else []),
    ]


def _known(life: Life) -> str:
    """The day of publication or of notification, or that it waits."""
    if life.published_on:
        return f"{life.means.done} {_short(life.published_on)} {article(RULES[life.means])}"
    return f"{'Notification' if life.means is Means.NOTIFIED else 'Publication'} : en attente"


def _put_online(life: Life) -> list[str]:
    """The other day of an act that was posted in urgency."""
    if life.means is not Means.URGENT:
        return []
    return [
        f"Mis en ligne le {_short(life.first_online)} {article(RULES[Means.ONLINE])}"
        if life.first_online
        else "Mise en ligne : en attente"
    ]


def main_of(db: Db, folder: Folder, act: Transmission) -> DocumentVersion:
    """The very version that left: the signed original, or the scan of what was signed by hand; refuses `nothing-to-stamp`."""
    roles = {
        row.id: row.role for row in db.scalars(sa.select(Document).where(Document.folder_id == folder.id))
    }
    left = set(act.versions or ())
    versions = [
        version
        for version in current_versions(db, folder.id).values()
        if (version.id in left or not left) and roles[version.document_id] in {"main", "paper"}
    ]
    versions = [
        version
        for version in versions
        if version.round == folder.round or roles[version.document_id] == "main"
    ]
    scans = [version for version in versions if roles[version.document_id] == "paper"]
    chosen = (scans or versions)[:1]
    if not chosen or chosen[0].media_type != PDF:
        raise Refusal("nothing-to-stamp")
    return chosen[0]


def stamped_copy(db: Db, folder: Folder) -> bytes:
    """A copy of the act with its stamp on each page, made anew from its receipt; the original is only read."""
    with for_years():
        life = life_of(db, folder)
        rows = rows_of(life, former.since(db, folder))
    version = main_of(db, folder, life.standing.act)
    with TemporaryDirectory(prefix="paraphe-stamp-") as room:
        source, target = Path(room) / "act.pdf", Path(room) / "copy.pdf"
        vault.store().fetch(vault.scope(folder.collectivity_id), version.sha256, source)
        return stamp(source, target, rows, simulated=life.standing.act.simulated).read_bytes()


def copy_offered(act: Transmission) -> bool:
    """Whether the operator that carried the act stamps copies of it."""
    channel = the_channel()
    return channel.stamps and act.reference != ON_PAPER and act.simulated == channel.simulated


def operator_copy(actor: Actor, folder_id: int) -> tuple[bytes, Folder]:
    """The copy that the operator stamps, as it hands it out, asked outside any transaction.

    Refuses `no-operator-copy` when it has none, or hands the bare original back, and `operator-silent`.
    """
    with reading(actor.collectivity_id) as db:
        folder = authorize(db, actor, folder_id)
        act = life_of(db, folder).standing.act
        sha256 = main_of(db, folder, act).sha256
    copy = _from_operator(act, lambda reference: the_channel().stamped(reference, sha256))
    if copy is None:
        raise Refusal("no-operator-copy")
    return copy, folder


def operator_slip(actor: Actor, folder_id: int) -> tuple[bytes, Folder]:
    """The acknowledgement slip that the operator writes, as it hands it out; refuses `no-operator-slip`, `operator-silent`."""
    with reading(actor.collectivity_id) as db:
        folder = authorize(db, actor, folder_id)
        act = life_of(db, folder).standing.act
    slip = _from_operator(act, lambda reference: the_channel().slip(reference))
    if slip is None:
        raise Refusal("no-operator-slip")
    return slip, folder


def _from_operator(act: Transmission, ask: Callable[[str], bytes | None]) -> bytes | None:
    try:
        return ask(act.reference or "") if copy_offered(act) else None
    except (Unreachable, Uncertain, Rejected) as silence:
        raise Refusal("operator-silent", why=str(silence).rstrip(".")) from silence


def certificate(db: Db, folder: Folder) -> bytes:
    """The certificate that the mayor may sign: both dates and the day from which the act is enforceable (CGCT L2131-1).

    Of an act that a judge annulled in part, what is left binds: the certificate says so, as it says that one is referred to
    the court (L2131-6). Refuses `not-enforceable` before both conditions are met, for an act whose transmission was cancelled
    or that a judge annulled, and while one is suspended.
    """
    life = life_of(db, folder)
    if life.enforceable_on is None or life.received_on is None or life.published_on is None:
        raise Refusal("not-enforceable")
    place = db.get_one(Collectivity, folder.collectivity_id).name
    act = life.standing.act
    certified = [
        entry for entry in dates_of(life) if entry.name in {"received_on", "published_on", "enforceable_on"}
    ]
    known = MADE_KNOWN.get(life.means, "sa publication")
    proof = db.scalar(sa.select(Receipt.sha256).where(Receipt.transmission_id == act.id).order_by(Receipt.id))
    lines = [
        ("Commune", place),
        ("Acte", folder.title),
        ("Numéro", folder.number),
        ("Identifiant", act.identifier or "transmis sur papier"),
        *((entry.label, f"{entry.words} ({entry.rule})") for entry in certified),
        ("Preuve de réception", f"empreinte SHA-256 {proof}" if proof else ""),
    ]
    limit = ""
    if life.effect is not None and life.effect.key != "enforceable":
        lines.append(("État de l’acte", f"{life.effect.words} ({state_rule(life.effect.key, '')})"))
        limit = ", sauf en ce que le juge en a annulé" if life.effect.key == PARTLY else ""
    below = [
        f"Le maire {de(place)} certifie que cet acte est exécutoire à compter du {jour_long(life.enforceable_on)}{limit}, "
        f"par sa réception par le représentant de l’État et par {known} (CGCT, article L2131-1).",
        f"Établi le {jour_long(today())}.",
        "Le maire,",
    ]
    with TemporaryDirectory(prefix="paraphe-certificate-") as room:
        title = "Certificat du caractère exécutoire"
        certificate = sheet(Path(room) / "certificat.pdf", title, lines, below, simulated=act.simulated)
        return certificate.read_bytes()


def is_act(db: Db, folder: Folder) -> bool:
    """True when the Préfecture has this act."""
    return act_at_the_prefecture(db, folder) is not None


def _short(day: date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else "?"
