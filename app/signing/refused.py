"""Signatures that were refused or abandoned: a line in the journal and one in the security log, with the reason.

A refusal undoes the transaction that met it, or comes where there is none: its line has a transaction of its own. What one
person can have written in a minute is bounded, and what was left out is counted in the next line. Refusals that come one
after the other are told to the administrators and to the person, once in a while (`PARAPHE_REFUSALS_MINUTES`).
"""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core import security_log
from app.core.clock import now
from app.core.db import Db, reading
from app.core.outbox import News, post
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.texts import cleaned
from app.core.transaction import after_commit, use_case
from app.folders.models import Folder
from app.journal.chain import Event, append
from app.journal.models import JournalEntry
from app.people.actor import Actor
from app.people.models import User
from app.signing import setting
from app.signing.models import RefusalTally, SignatureSession

REFUSED, ABANDONED, COUNTED = "signature.refused", "signature.abandoned", "signature.refused_counted"
MOST_LINES = 20
"""Lines that one person's refusals may write in a minute; beyond, they are counted, but for a reason not written yet."""
MOST_REASONS = 2 * MOST_LINES
MINUTE = timedelta(minutes=1)
LONGEST = 300  # characters of the words that a line keeps
ASKED = {"identity-needed", "identity-factor"}
SILENT = {"busy", "batch-elsewhere", *ASKED}
"""What refuses no signature: the server's own haste, a question that the page asks next, a page that was left."""
MOST_LAPSED = 200  # abandoned signatures told at one round
_nothing = re.compile(r"^Rien n’a été signé[^:]{0,20}:\s*")


@dataclass(frozen=True)
class RefusedAttempt:
    """What was refused, as the lines tell it. `phase`: « prepare », « complete », « enrol »."""

    phase: str
    key: str
    sentence: str
    folder_id: int | None = None
    session: str | None = None
    certificate: str | None = None


@contextmanager
def watched(
    actor: Actor,
    phase: str,
    *,
    folder_id: int | None = None,
    session: str | None = None,
    certificate: bytes | None = None,
) -> Iterator[None]:
    """Within it, a refusal leaves its lines before it goes on to whoever answers the person; once, however deep it comes from.

    Not inside a transaction. The system's own seals are not watched: what stops them is shown in `/administration`.
    """
    try:
        yield
    except Refusal as refusal:
        if refusal.key in ASKED and not getattr(refusal, "noted", False):
            refusal.noted = True  # type: ignore[attr-defined]
            # A question is no refusal; whoever gives up there has left this trace.
            facts = {"collectivity": actor.collectivity_id, "user": actor.user_id, "folder": folder_id}
            security_log.log.info("identity.asked", **facts, address=actor.address, what="asked", phase=phase)
        if actor.kind != "system" and refusal.key not in SILENT and not getattr(refusal, "noted", False):
            refusal.noted = True  # type: ignore[attr-defined]
            sentence = reason(refusal)
            fingerprint = hashlib.sha256(certificate).hexdigest() if certificate else None
            note(actor, RefusedAttempt(phase, refusal.key, sentence, folder_id, session, fingerprint))
        raise


def reason(refusal: Refusal) -> str:
    """Why, as the person read it: the first sentence, without the words that say that nothing was signed.

    Nor those that a page is to have shown (`mandate-changed`): whoever posts them may have typed anything.
    """
    facts = {**refusal.facts, "words": ""} if refusal.key == "mandate-changed" else refusal.facts
    sentence = cleaned(sentences.say(refusal.key, facts)[1])
    first = re.split(r"(?<=[.!?])\s", _nothing.sub("", sentence), maxsplit=1)[0]
    return first[:LONGEST].rstrip(".")


@use_case
def note(db: Db, actor: Actor, attempt: RefusedAttempt) -> None:
    """Write the lines of one refusal, and the letters when it is one too many."""
    moment = now()
    folder_id = _folder(db, actor, attempt)
    tally = _tally(db, actor, moment)
    if tally is not None:
        tally.count += 1
        # Rubbish sent first must not hide the foreign certificate that is tried next
        if tally.written >= MOST_LINES and (
            tally.written >= MOST_REASONS or _written(db, actor, attempt, tally.minute_at)
        ):
            tally.unwritten += 1
            after_commit(db, lambda: _logged(actor, folder_id, attempt))
            return
        tally.written += 1
        _alert(db, actor, tally, moment)
    facts: dict[str, Any] = {
        "phase": attempt.phase,
        "reason": attempt.key,
        "words": attempt.sentence,
        "address": actor.address,
    }
    if attempt.certificate:
        facts["certificate"] = attempt.certificate
    if attempt.session:
        facts["session"] = _short(attempt.session)
    if tally is not None and tally.unwritten:
        facts["unwritten"], tally.unwritten = tally.unwritten, 0
    after_commit(db, lambda: _logged(actor, folder_id, attempt))
    append(db, actor.collectivity_id, Event(REFUSED, actor.name, actor.user_id, folder_id, facts))


def _logged(actor: Actor, folder_id: int | None, attempt: RefusedAttempt) -> None:
    """One line of the security log for each refusal: a collector counts by itself."""
    facts = {"certificate": attempt.certificate, "session": attempt.session and _short(attempt.session)}
    security_log.log.warning(
        "signature.refused",
        collectivity=actor.collectivity_id,
        user=actor.user_id,
        folder=folder_id,
        phase=attempt.phase,
        reason=attempt.key,
        address=actor.address,
        **{name: value for name, value in facts.items() if value},
    )


def _short(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()[:16]


def _written(db: Db, actor: Actor, attempt: RefusedAttempt, since: datetime) -> bool:
    """Whether this person's lines since then tell this reason already, of this certificate."""
    query = (
        sa.select(JournalEntry.at, JournalEntry.facts)
        .where(JournalEntry.collectivity_id == actor.collectivity_id, JournalEntry.event == REFUSED)
        .where(JournalEntry.user_id == actor.user_id)
        .order_by(JournalEntry.id.desc())
        .limit(MOST_REASONS)
    )
    lines = [json.loads(row.facts) for row in db.execute(query) if datetime.fromisoformat(row.at) >= since]
    return any(
        (facts["reason"], facts.get("certificate")) == (attempt.key, attempt.certificate) for facts in lines
    )


def _folder(db: Db, actor: Actor, attempt: RefusedAttempt) -> int | None:
    """The folder that it was about, if it is one of this collectivity: the session's own, whatever address was asked."""
    query = sa.select(Folder.id).where(Folder.collectivity_id == actor.collectivity_id)
    if attempt.session:
        own = sa.select(SignatureSession.folder_id).where(SignatureSession.id == attempt.session)
        folder_id = db.scalar(query.where(Folder.id.in_(own)))
        if folder_id is not None:
            return int(folder_id)
    return db.scalar(query.where(Folder.id == attempt.folder_id)) if attempt.folder_id is not None else None


def _tally(db: Db, actor: Actor, moment: datetime) -> RefusalTally | None:
    if actor.user_id is None:
        return None
    row = db.scalar(sa.select(RefusalTally).where(RefusalTally.user_id == actor.user_id).with_for_update())
    if row is None:
        row = RefusalTally(
            user_id=actor.user_id,
            collectivity_id=actor.collectivity_id,
            minute_at=moment,
            written=0,
            unwritten=0,
            window_at=moment,
            count=0,
        )
        db.add(row)
        db.flush()
    if moment - row.minute_at >= MINUTE:
        row.minute_at, row.written = moment, 0
    if moment - row.window_at >= setting.refusals_window():
        row.window_at, row.count = moment, 0
    return row


def _alert(db: Db, actor: Actor, tally: RefusalTally, moment: datetime) -> None:
    """Tell the administrators and the person, once in a window, that refusals come one after the other."""
    fresh = tally.alerted_at is not None and moment - tally.alerted_at < setting.refusals_window()
    if tally.count < setting.refusals_alert() or fresh:
        return
    tally.alerted_at = moment
    people = sa.select(User).where(User.active.is_(True), User.collectivity_id == actor.collectivity_id)
    people = people.where(sa.or_(User.administrator.is_(True), User.id == actor.user_id))
    news = [
        News(
            "mail",
            f"signatures_refused-{actor.user_id}-{moment.isoformat()}-{user.id}",
            {
                "event": "signatures_refused",
                "user_id": user.id,
                "what": str(tally.count),
                "whose": actor.name,
                "own": user.id == actor.user_id,
                "page": "/compte" if user.id == actor.user_id else "/administration/certificats",
            },
            None,
            user.email,
        )
        for user in db.scalars(people.order_by(User.id))
    ]
    post(db, actor.collectivity_id, news)
    line = {"collectivity": actor.collectivity_id, "user": actor.user_id, "count": tally.count}
    after_commit(
        db, lambda: security_log.log.warning("signature.refused_often", address=actor.address, **line)
    )


def lapsed() -> None:
    """At each round: what was prepared and never came back is abandoned, and says so in its folder's journal."""
    with reading() as db:
        query = sa.select(SignatureSession.collectivity_id).where(*_lapsed(now())).distinct()
        places = list(db.scalars(query))
        flooded = list(db.scalars(sa.select(RefusalTally.collectivity_id).where(*_over(now())).distinct()))
    for collectivity_id in places:
        lapse(collectivity_id)
    for collectivity_id in flooded:
        count_left(collectivity_id)


def _over(moment: datetime) -> tuple[Any, ...]:
    return RefusalTally.unwritten > 0, RefusalTally.minute_at <= moment - MINUTE


@use_case
def count_left(db: Db, collectivity_id: int) -> None:
    """Write how many refusals of a flood were only counted, where no other came after them to say so."""
    query = sa.select(RefusalTally, User.first_name, User.last_name).where(*_over(now()))
    events = []
    for row, name in _rows_of_people(db, collectivity_id, query.order_by(RefusalTally.user_id), RefusalTally):
        facts = {"unwritten": row.unwritten}
        row.unwritten = 0
        events.append(Event(COUNTED, name, row.user_id, None, facts))
        line = {"collectivity": collectivity_id, "user": row.user_id, **facts}
        after_commit(db, lambda line=line: security_log.log.warning("signature.refused_counted", **line))  # type: ignore[misc]
    if events:
        append(db, collectivity_id, *events)


def _rows_of_people(db: Db, collectivity_id: int, query: Any, table: Any) -> list[tuple[Any, str]]:
    """The first rows of a table that a query finds in a collectivity, locked, each with the name of its person."""
    db.info["collectivity_id"] = collectivity_id
    own = query.join(User, User.id == table.user_id).limit(MOST_LAPSED).with_for_update(of=table)
    return [(row, f"{first} {last}") for row, first, last in db.execute(own).all()]


def _lapsed(moment: datetime) -> tuple[Any, ...]:
    return (
        SignatureSession.state == "prepared",
        SignatureSession.expires_at < moment - MINUTE,
        SignatureSession.user_id.is_not(None),
    )


@use_case
def lapse(db: Db, collectivity_id: int) -> int:
    """Close the abandoned signatures of a collectivity, each with its lines; returns how many. They serve no more."""
    query = sa.select(SignatureSession, User.first_name, User.last_name).where(*_lapsed(now()))
    ordered = query.order_by(SignatureSession.expires_at)
    events = []
    for row, name in _rows_of_people(db, collectivity_id, ordered, SignatureSession):
        row.state = "lapsed"
        facts = {
            "phase": "complete",
            "reason": "abandoned",
            "certificate": hashlib.sha256(row.certificate).hexdigest(),
            "session": _short(row.id),
            "address": row.address,
        }
        events.append(Event(ABANDONED, name, row.user_id, row.folder_id, facts))
        line = {"collectivity": collectivity_id, "user": row.user_id, "folder": row.folder_id, **facts}
        after_commit(db, lambda line=line: security_log.log.info("signature.abandoned", **line))  # type: ignore[misc]
    if events:
        append(db, collectivity_id, *events)
    return len(events)
