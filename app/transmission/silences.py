"""A way to the State that does not answer: noted at its first failure, told to administrators, and over at the first answer.

An account that is refused is told at once; a silence once it has lasted `operator_silence_hours`; both again every three
days as long as they last, and once more when the way answers again. What waits behind it stays where it is, and is tried
again by itself.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db, reading
from app.core.french import instant
from app.core.outbox import Later, News, post
from app.core.texts import cleaned
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.people.models import Collectivity, User
from app.transmission.models import RelaySilence
from app.transmission.ports import AccountRefused, Unreachable
from app.transmission.traits import traits_of
from config import Settings

SILENT, REFUSED, BACK = "operator_silent", "operator_refuses", "operator_back"
AGAIN: Final = timedelta(days=3)
LETTERS: Final = "letters"
"""Not a way, but a letter that the operator lists and does not give: the others come."""
RETURNS: Final = "returns"
"""The same of what the Treasury sends of itself (PES_Retour)."""
CHORUS: Final = "chorus"
"""Not a way either, but where invoices come from: nobody relays it."""
WITHHELD: Final = {LETTERS: "letter_withheld", RETURNS: "return_withheld"}
_WHOSE: Final = {
    LETTERS: "la préfecture",
    RETURNS: "le comptable public",
    CHORUS: "Chorus Pro",
}
"""Whom these lead to."""


@dataclass(frozen=True)
class Silence:
    """One that lasts, as it is shown to people."""

    collectivity: str
    channel: str
    notified: bool
    heading: str
    sentence: str


def note(actor: Actor, channel: str, fault: Unreachable, settings: Settings) -> None:
    """Write that the way did not answer, and tell administrators if it is time."""
    _note(actor, channel, str(fault), isinstance(fault, AccountRefused), settings.operator_silence_hours)


def answered(actor: Actor, channel: str) -> None:
    """Write that it answers; nothing is written when it was not known to be silent."""
    with reading(actor.collectivity_id) as db:
        silent = db.scalar(_open(actor.collectivity_id, channel).with_only_columns(RelaySilence.id))
    if silent is not None:
        _end(actor, channel)


@use_case
def _note(db: Db, actor: Actor, channel: str, why: str, refused: bool, hours: float) -> None:
    row = db.scalar(_open(actor.collectivity_id, channel).with_for_update())
    moment, worse = now(), False
    if row is None:
        row = RelaySilence(
            collectivity_id=actor.collectivity_id,
            channel=channel,
            since=moment,
            last_at=moment,
            why=cleaned(why)[:500],
            refused=refused,
            alerts=0,
        )
        db.add(row)
        db.flush()  # its number names its news
    else:
        worse = refused and not row.refused
        # A line that falls while the account is refused proves nothing about the account
        row.refused = row.refused or refused
        if refused or not row.refused:
            row.why = cleaned(why)[:500]
        row.last_at = moment
    if _due(row, worse, moment, hours):
        _tell(db, actor, row, moment)


def _due(row: RelaySilence, worse: bool, moment: datetime, hours: float) -> bool:
    if row.told_at is not None:
        return worse or moment - row.told_at >= AGAIN
    return row.refused or moment - row.since >= timedelta(hours=hours)


def _tell(db: Db, actor: Actor, row: RelaySilence, moment: datetime) -> None:
    row.told_at, row.alerts = moment, row.alerts + 1
    facts = {"channel": row.channel, "since": row.since.isoformat(), "why": row.why, "refused": row.refused}
    append(db, actor.collectivity_id, Event("operator.silent", actor.name, None, None, facts))
    event = WITHHELD.get(row.channel) or _named(row.channel, REFUSED if row.refused else SILENT)
    _mail(db, row, event, f"{row.id}-{row.alerts}")


@use_case
def _end(db: Db, actor: Actor, channel: str) -> None:
    row = db.scalar(_open(actor.collectivity_id, channel).with_for_update())
    if row is None:
        return
    row.ended_at = now()
    if not row.alerts or channel in WITHHELD:
        return  # a letter that comes at last is told by itself, a return is on its page
    facts = {"channel": channel, "since": row.since.isoformat()}
    append(db, actor.collectivity_id, Event("operator.back", actor.name, None, None, facts))
    _mail(db, row, _named(channel, BACK), f"{row.id}")


def _named(channel: str, event: str) -> str:
    """The letter of an event: of Chorus Pro, which no operator relays, one of its own."""
    return event.replace("operator", CHORUS, 1) if channel == CHORUS else event


def _mail(db: Db, row: RelaySilence, event: str, key: str) -> None:
    chosen = sa.select(User).where(
        User.collectivity_id == row.collectivity_id, User.administrator.is_(True), User.active.is_(True)
    )
    payload = {
        "event": event,
        "page": "/administration/chorus" if row.channel == CHORUS else "/administration",
        "whose": _whose(row.channel),
        "what": instant(row.since),
        "why": row.why,
    }
    news = [
        News("mail", f"{event}-{key}-{user.id}", {**payload, "user_id": user.id}, None, user.email)
        for user in db.scalars(chosen.order_by(User.id))
    ]
    post(db, row.collectivity_id, news)


def lasting(db: Db, collectivity_id: int | None = None) -> Sequence[Silence]:
    """The silences that last, in one collectivity or in all, the oldest first."""
    query = sa.select(RelaySilence, Collectivity.name).join(
        Collectivity, Collectivity.id == RelaySilence.collectivity_id
    )
    query = query.where(RelaySilence.ended_at.is_(None)).order_by(RelaySilence.since, RelaySilence.id)
    if collectivity_id is not None:
        query = query.where(RelaySilence.collectivity_id == collectivity_id)
    return [_shown(row, name) for row, name in db.execute(query)]


def sentence(db: Db, collectivity_id: int, channel: str) -> str | None:
    """What is said, where something waits behind a silence, to people who can do nothing about it."""
    row = db.scalar(_open(collectivity_id, channel))
    if row is None:
        return None
    return f"L’opérateur ne répond pas depuis le {instant(row.since)} : rien n’est à refaire, l’envoi reprendra seul"


def deaf(db: Db, collectivity_id: int, channel: str) -> str | None:
    """What whoever waits for something from over there must know while nothing can come, or not all of it."""
    row = db.scalar(_open(collectivity_id, channel))
    if row is None and (kept_back := db.scalar(_open(collectivity_id, LETTERS))) is not None:
        return f"{_withheld(kept_back)}. Lisez-le sur le site de l’opérateur : son délai court."
    if row is None:
        return None
    return (
        f"L’opérateur ne répond pas depuis le {instant(row.since)} : un courrier peut attendre chez lui, et son délai court. "
        "Paraphe essaie encore ; en cas d’urgence, lisez vos courriers sur le site de l’opérateur."
    )


def _whose(channel: str) -> str:
    """Whom it leads to; empty for a channel without an operator, which nobody watches."""
    return _WHOSE.get(channel) or traits_of(channel).relayed_to


def _shown(row: RelaySilence, name: str) -> Silence:
    recipient = _whose(row.channel)
    if row.channel == LETTERS:
        heading = _withheld(row)
        remedy = "Lisez-le sur son site, et appelez-le : le délai du courrier court. Les autres courriers arrivent."
    elif row.channel == RETURNS:
        heading = f"L’opérateur annonce un retour de la trésorerie et ne le donne pas depuis le {instant(row.since)}"
        remedy = "Signalez-le-lui. Les autres retours arrivent."
    elif row.channel == CHORUS:
        refused = "refuse le compte technique" if row.refused else "ne répond pas"
        heading = f"Chorus Pro {refused} depuis le {instant(row.since)}"
        remedy = (
            "Donnez ce qui manque sous « Réglages » : attendre n’y changera rien."
            if row.refused
            else "Paraphe essaie encore, sans perdre une facture. Leur délai de paiement court pourtant."
        )
    elif row.refused:
        heading = f"Le compte de télétransmission vers {recipient} est refusé depuis le {instant(row.since)}"
        remedy = (
            "Vérifiez le certificat et le compte technique avec l’opérateur : attendre n’y changera rien."
        )
    else:
        heading = (
            f"L’opérateur de télétransmission vers {recipient} ne répond pas depuis le {instant(row.since)}"
        )
        remedy = "Paraphe essaie encore, sans rien perdre. Si cela dure, appelez l’opérateur."
    last_letter = f"Dernier courriel le {instant(row.told_at)}." if row.told_at else "Aucun courriel encore."
    return Silence(
        name, row.channel, row.alerts > 0, heading, f"{row.why.rstrip('.')}. {remedy} {last_letter}"
    )


def _withheld(row: RelaySilence) -> str:
    return (
        f"L’opérateur annonce un courrier de la préfecture et ne le donne pas depuis le {instant(row.since)}"
    )


def _open(collectivity_id: int, channel: str) -> Any:
    return sa.select(RelaySilence).where(
        RelaySilence.collectivity_id == collectivity_id,
        RelaySilence.channel == channel,
        RelaySilence.ended_at.is_(None),
    )


@contextmanager
def watching(actor: Actor, channel: str, settings: Settings) -> Iterator[None]:
    """Ask the way of a channel under it: a silence is noted and waited for, an answer ends it."""
    if not _whose(channel):
        yield
        return
    try:
        yield
    except Unreachable as silence:
        note(actor, channel, silence, settings)
        # Waiting for the other side is not failing: whatever its length, the sending goes on by itself afterwards
        raise Later(settings.actes_poll_seconds, str(silence)) from silence
    answered(actor, channel)
