"""Fetch the letters of the Préfecture, keep each once in its very bytes, tell those concerned, acknowledge what asks for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import sqlalchemy as sa
import structlog

from app.channels.actes.channel import ActesChannel
from app.channels.actes.exchanges import ACKNOWLEDGEMENTS, read_exchange
from app.channels.actes.receipt import Receipt as Read
from app.channels.actes.receipt import read_receipt
from app.channels.actes.transport import About, Interrupted, Letter
from app.core.clock import now, today
from app.core.db import Db, reading
from app.core.outbox import Later, News, Row, post
from app.core.transaction import use_case
from app.files import vault
from app.folders.documents import add_receipt
from app.folders.effect import REFERRED
from app.folders.facts import touch
from app.folders.keep import Kept
from app.folders.models import Folder, StepRun
from app.folders.notices import correctors
from app.journal.chain import Event, append
from app.legality.clocks import REFERRAL, answer_due, kind_of
from app.legality.models import StateLetter
from app.people.actor import Actor, system
from app.people.models import Collectivity, Desk, User
from app.publication import record
from app.transmission import rounds, silences
from app.transmission.channels import open_channel
from app.transmission.keeping import is_kept, note_late_anomaly
from app.transmission.models import Transmission
from app.transmission.parcel import sender_of
from app.transmission.ports import AccountRefused, Answer, AnswerKind, Parcel, Sender, Unreachable
from app.transmission.ports import Rejected as ChannelRejected
from config import Settings

log = structlog.get_logger()
FETCH, ACKNOWLEDGE, ARRIVED = "legality.fetch", "legality.acknowledge", "letter_arrived"
ASTRAY = "letter_astray"
_GARBLED = "Le message n’a pas pu être compris."
PDF, XML = "application/pdf", "application/xml"


@dataclass(frozen=True)
class Received:
    """A letter whose bytes are in the store; `unread` when they are an archive that could not be opened."""

    reference: str
    code: str | None
    identifier: str | None
    number: str | None
    dated_on: date | None
    text: str | None
    sha256: str
    size: int
    filename: str
    files: tuple[dict[str, Any], ...]
    conforming: bool
    simulated: bool
    raw: bytes
    trouble: str | None = None
    unread: bool = False


def the_channel() -> ActesChannel:
    """The channel that acts leave by."""
    return cast("ActesChannel", open_channel("actes"))


def look(settings: Settings) -> None:
    """Ask for a round of fetching, once for each period and each collectivity that has acts at the Préfecture (`rounds.due`)."""
    act = sa.select(sa.literal(1)).where(
        Transmission.collectivity_id == Collectivity.id,
        Transmission.identifier.is_not(None),
        Transmission.channel == "actes",
        Transmission.state == "acknowledged",
    )
    for key, collectivity_id in rounds.due(
        FETCH, "letters", settings.actes_letters_seconds, act.exists()
    ).items():
        ask(system(collectivity_id), key)


@use_case
def ask(db: Db, actor: Actor, key: str) -> None:
    """Fetch the letters of a collectivity (`rounds.request`)."""
    rounds.request(db, actor, FETCH, key)


def fetch(row: Row, settings: Settings) -> None:
    """Fetch and keep what is waiting; a letter is given back as taken only once it is written here.

    What was not answered is never done: the round waits, says why, and asks again; administrators are told (`silences`).
    Where no operator is set nobody is asked: the round waits, and neither begins nor ends a silence.
    """
    actor, channel = system(row.collectivity_id), the_channel()
    if channel.unset is not None:
        raise Later(settings.actes_letters_seconds, channel.unset)
    with reading(row.collectivity_id) as db:
        sender = sender_of(db, row.collectivity_id, settings)
    try:
        _keep_all(actor, channel, sender)
    except Unreachable as silence:
        # The list was given: the way is open, and it is a letter that does not come through it
        withheld = isinstance(silence, Interrupted) and not isinstance(silence.why, AccountRefused)
        if withheld:
            silences.answered(actor, channel.name)
        why = silence.why if isinstance(silence, Interrupted) else silence
        silences.note(actor, silences.LETTERS if withheld else channel.name, why, settings)
        raise Later(settings.actes_letters_seconds, f"Courriers non relevés : {silence}") from silence
    silences.answered(actor, channel.name)
    silences.answered(actor, silences.LETTERS)


def _keep_all(actor: Actor, channel: ActesChannel, sender: Sender) -> None:
    """Keep every letter that comes: one that fails keeps no other from being kept, and is told afterwards."""
    silence: Unreachable | None = None
    fault: Exception | None = None
    letters: Sequence[Letter]
    try:
        letters = channel.letters(sender)
    except Interrupted as interrupted:
        letters, silence = interrupted.letters, interrupted.why
    for letter in letters:
        try:
            keep_letter(actor, _stored(actor.collectivity_id, letter, simulated=channel.simulated))
            channel.taken(sender, letter.reference)
        except Unreachable as unreachable:
            silence = silence or unreachable
        except Exception as failure:  # noqa: BLE001 - raised again below, once the other letters are kept
            log.warning("legality.letter_failed", reference=letter.reference, error=repr(failure))
            fault = fault or failure
    if fault is not None:
        raise fault
    if silence is not None:
        raise Interrupted((), silence)


def _stored(collectivity_id: int, letter: Letter, *, simulated: bool) -> Received:
    store, scope = vault.store(), vault.scope(collectivity_id)
    about = letter.about or About(None, None)
    unread = letter.trouble is not None and not letter.files
    message = b"" if unread else letter.message
    read = read_exchange(message)
    anomaly: Read | None = read_receipt(message) if read.code is None and not unread else None
    code = read.code or (anomaly.code if anomaly else None) or about.code
    files = []
    for name, data in letter.files:
        media = PDF if data.startswith(b"%PDF-") else "application/octet-stream"
        stored = store.put_bytes(scope, data)
        files.append({"name": name, "sha256": stored.sha256, "size": len(data), "media_type": media})
    return Received(
        reference=letter.reference,
        code="1-3" if code in {"1-3", "ANO"} else code,
        identifier=read.identifier or (anomaly.identifier if anomaly else None) or about.identifier,
        number=anomaly.number if anomaly else None,
        dated_on=read.dated_on or (anomaly.received_on if anomaly else None),
        text=read.free_text or (anomaly.reason if anomaly else None),
        sha256=store.put_bytes(scope, letter.message).sha256,
        size=len(letter.message),
        filename=letter.message_name,
        files=tuple(files),
        conforming=read.conforming or bool(anomaly and anomaly.conforming),
        simulated=simulated,
        raw=letter.message,
        trouble=letter.trouble or (None if read.code or (anomaly and anomaly.code) else _GARBLED),
        unread=unread,
    )


@use_case
def keep_letter(db: Db, actor: Actor, received: Received) -> int | None:
    """Write a letter, its clock, its news and its journal line; None when it is here already.

    It is kept even when it is unreadable or when its act is unknown: administrators are then told. The receipt of an act,
    given once more in the same bytes, is here already too (W04).
    """
    ours = StateLetter.collectivity_id == actor.collectivity_id
    if db.scalar(sa.select(StateLetter.id).where(ours, StateLetter.reference == received.reference)):
        return None
    act = _act_of(db, actor, received)
    if act is not None and received.code == "1-2" and is_kept(db, act, received.sha256):
        return None
    folder = db.get_one(Folder, act.folder_id, with_for_update=True) if act else None
    row = StateLetter(
        collectivity_id=actor.collectivity_id,
        folder_id=folder.id if folder else None,
        reference=received.reference,
        code=received.code,
        identifier=received.identifier or (act.identifier if act else None),
        dated_on=received.dated_on,
        received_on=today(),
        received_at=now(),
        due_on=answer_due(received.code, today()),
        text=received.text,
        sha256=received.sha256,
        size=received.size,
        filename=received.filename,
        files=list(received.files),
        conforming=received.conforming,
        simulated=received.simulated,
        trouble=received.trouble,
    )
    db.add(row)
    db.flush()  # its number names its news
    facts: dict[str, Any] = {
        "code": received.code,
        "reference": received.reference,
        "identifier": row.identifier,
        "sha256": received.sha256,
        "due_on": row.due_on.isoformat() if row.due_on else None,
        "simulated": received.simulated,
    }
    if received.files:
        facts["files"] = [file["sha256"] for file in received.files]
    if received.trouble:
        facts["trouble"] = received.trouble
    append(
        db,
        actor.collectivity_id,
        Event("legality.letter", actor.name, None, folder.id if folder else None, facts),
    )
    if folder is not None and act is not None:
        _beside_the_act(db, actor, folder, act, row, received)
    if folder is None or row.trouble or row.code is None:
        _alert(db, row)
    if received.code in ACKNOWLEDGEMENTS and folder is not None:
        news = News(ACKNOWLEDGE, f"letter-ack-{row.id}", {"letter_id": row.id}, folder.id)
        post(db, actor.collectivity_id, [news])
    return row.id


def _act_of(db: Db, actor: Actor, received: Received) -> Transmission | None:
    """The act in question: by its identifier, else, for an anomaly that names none, by its number."""
    query = sa.select(Transmission).where(
        Transmission.collectivity_id == actor.collectivity_id,
        Transmission.channel == "actes",
        Transmission.state == "acknowledged",
    )
    if received.identifier:
        by_identifier = query.join(Folder, Folder.id == Transmission.folder_id).where(
            Transmission.identifier == received.identifier,
            Folder.family.not_in(("prefecture_reply", "act_cancellation")),
        )
        return db.scalar(by_identifier.order_by(Transmission.id.desc()).limit(1))
    if not received.number:
        return None
    numbered = query.join(Folder, Folder.id == Transmission.folder_id).where(
        Folder.number == received.number, Folder.family != "act_cancellation"
    )
    return db.scalar(numbered.order_by(Transmission.id.desc()).limit(1))


def _beside_the_act(
    db: Db, actor: Actor, folder: Folder, act: Transmission, row: StateLetter, received: Received
) -> None:
    """Put the letter among the act's documents and tell those concerned; the act itself does not move."""
    if received.code == "1-3":
        answer = Answer(
            AnswerKind.REFUSED,
            received.raw,
            received.filename,
            row.identifier,
            received.dated_on,
            received.text,
            received.simulated,
        )
        note_late_anomaly(db, actor, act, folder, answer, received.sha256)
        return
    if received.code == REFERRAL and not folder.fields.get(REFERRED):
        folder.fields = {**folder.fields, REFERRED: row.received_on.isoformat()}
        touch(folder)
        record.changed(db, folder.id)
    kind = kind_of(received.code)
    marks = ["Courrier FACTICE, sans valeur : mode simulation."] if received.simulated else []
    media = "application/octet-stream" if received.unread else XML
    listed = [(received.filename, received.sha256, received.size, media)]
    listed += [(file["name"], file["sha256"], file["size"], file["media_type"]) for file in received.files]
    for name, sha256, size, media in listed:
        note = {"facts": marks, "signatures": []}
        add_receipt(
            db, folder, actor, Kept("receipt", kind.label, name, sha256, size, media, None, "received", note)
        )
    post(db, actor.collectivity_id, _letters(db, folder, row, kind.label))


def _letters(db: Db, folder: Folder, row: StateLetter, label: str) -> Sequence[News]:
    signers = sa.select(StepRun.user_id).where(
        StepRun.folder_id == folder.id, StepRun.kind == "sign", StepRun.state == "done"
    )
    answering = correctors(db, folder)
    concerned = answering | {signer for signer in db.scalars(signers) if signer is not None}
    desk = db.scalar(sa.select(Desk.name).where(Desk.id == folder.emitter_desk_id))
    payload = {
        "event": ARRIVED,
        "folder_id": folder.id,
        "page": f"/prefecture/{row.id}",
        "what": f"{label[:1].lower()}{label[1:]}",
        "last_day": row.due_on.isoformat() if row.due_on else None,
        "court": row.code == REFERRAL,
    }
    return [
        News(
            "mail",
            f"{ARRIVED}-{row.id}-{user_id}",
            {**payload, "user_id": user_id, **({} if user_id in answering else {"desk": desk})},
            folder.id,
        )
        for user_id in sorted(concerned)
    ]


def _alert(db: Db, row: StateLetter) -> None:
    """Tell administrators of a letter that nobody may be concerned by, or that could not be read: its delay runs all the same."""
    chosen = sa.select(User).where(
        User.collectivity_id == row.collectivity_id, User.administrator.is_(True), User.active.is_(True)
    )
    payload = {"event": ASTRAY, "page": f"/prefecture/{row.id}", "waits": row.folder_id is not None}
    news = [
        News("mail", f"{ASTRAY}-{row.id}-{user.id}", {**payload, "user_id": user.id}, None, user.email)
        for user in db.scalars(chosen.order_by(User.id))
    ]
    post(db, row.collectivity_id, news)


def acknowledge_letter(row: Row, settings: Settings) -> None:
    """Send the receipt (3-2, 4-2) that a letter asks for, once: it is looked up before any sending."""
    actor, channel = system(row.collectivity_id), the_channel()
    with reading(row.collectivity_id) as db:
        letter = db.get_one(StateLetter, row.payload["letter_id"])
        sender = sender_of(db, row.collectivity_id, settings)
    if letter.acknowledged_at is not None:
        return
    parcel = _acknowledgement(letter, sender)
    reference = channel.find(parcel)
    if reference is None:
        with TemporaryDirectory(prefix="paraphe-package-") as room:
            try:
                reference = channel.send(parcel, channel.package(parcel, Path(room)))
            except ChannelRejected as rejected:
                raise RuntimeError(rejected.reason) from rejected
    mark_acknowledged(actor, letter.id, reference)


def _acknowledgement(letter: StateLetter, sender: Sender) -> Parcel:
    about = {
        "code": ACKNOWLEDGEMENTS[letter.code or ""],
        "identifier": letter.identifier,
        "letter": letter.reference,
        "letter_date": letter.dated_on.isoformat() if letter.dated_on else None,
    }
    return Parcel(
        key=f"letter-{letter.id}-{about['code']}",
        folder_id=letter.folder_id or 0,
        family="",
        title="",
        facts={"followup": about},
        files=(),
        sender=sender,
        signatures=(),
        link="",
        prepared_at=letter.received_at,
    )


@use_case
def mark_acknowledged(db: Db, actor: Actor, letter_id: int, reference: str) -> None:
    """Write that the Préfecture has our receipt of its letter; a second time changes nothing."""
    letter = db.get_one(StateLetter, letter_id, with_for_update=True)
    if letter.acknowledged_at is not None:
        return
    letter.acknowledged_at, letter.acknowledgement = now(), reference
    facts = {
        "code": ACKNOWLEDGEMENTS[letter.code or ""],
        "letter": letter.reference,
        "reference": reference,
        "simulated": letter.simulated,
    }
    append(
        db,
        actor.collectivity_id,
        Event("legality.acknowledged", actor.name, None, letter.folder_id, facts),
    )
