"""Letters of who is away: they wait for his return, leave by day, and what several of them ask is told in one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.core.clock import PARIS, now
from app.core.db import Db
from app.core.outbox import Later, Needless, Outbox, Row, post
from app.core.transaction import use_case
from app.folders.access import STEP, asking
from app.folders.models import Folder
from app.folders.notices import WITH_THE_REST
from app.notices import outdone
from app.notices.choices import choices_of
from app.notices.digests import AFTER, digest_of
from app.notices.hours import ASKS, DIGEST, due_by_day
from app.notices.waiting import awaiting
from app.people.actor import Actor
from app.people.models import Absence, User
from app.people.own_settings.registry import Own
from workflows.rhythms import REST, Choices, Parts, Rhythm
from workflows.rights import parted_type

AWAY = "attend le retour de cette personne, absente"
"""What is written beside a letter whose reader is away: an absence that ends before its time lets it go."""
CHANGED = "cette absence a changé depuis : aucun courriel n’est parti"
TOGETHER = "sera dit avec le reste, dans le courriel du retour de cette personne"


class Gather(Exception):  # noqa: N818 - an answer to who writes the letter, not a fault
    """Several letters ask something at one return: one that tells all that waits is to be written (`gather`)."""

    def __init__(self, key: str, parts: Parts) -> None:
        super().__init__(key)
        self.key, self.parts = key, parts


@dataclass(frozen=True)
class Return:
    """The return for which a letter has waited: when the last of the absences that kept it was over, and when it was due."""

    ends_at: datetime
    due_at: datetime


def due_back(db: Db, user: User, own: Own) -> datetime | None:
    """When letters leave, by day, of who is away now and wants none meanwhile; None for who is there, or wants them.

    Then only what still asks something of him leaves. Where letters are wanted from a moment of the absence on: from then on.
    """
    absences = _absences(db, user, now())
    return leaving(absences, own, now())[0] if keeps(absences, now()) else None


def _absences(db: Db, user: User, since: datetime, *more: sa.ColumnElement[bool]) -> Sequence[Absence]:
    query = sa.select(Absence).where(
        Absence.user_id == user.id, Absence.ends_at > since, Absence.ends_at > Absence.starts_at, *more
    )
    return db.scalars(query).all()


def _back(absences: Sequence[Absence], moment: datetime) -> datetime | None:
    """The first moment after one at which letters are kept when none is: those that touch keep them to the last end."""
    if not keeps(absences, moment):
        return None
    moments = {at for absence in absences for at in (absence.starts_at, absence.ends_at) if at > moment}
    return next(at for at in sorted(moments) if not keeps(absences, at))


def keeps(absences: Sequence[Absence], moment: datetime) -> bool:
    """Whether letters are kept at a moment: somebody is away then, and none of his absences lets them come."""
    there = [absence for absence in absences if absence.starts_at <= moment < absence.ends_at]
    return bool(there) and not any(absence.letters for absence in there)


def leaves(
    db: Db, actor: Actor, user: User, own: Own, name: str, moment: datetime | None
) -> tuple[datetime | None, datetime | None]:
    """When a letter leaves that is due at a moment and tells all that waits, and the end of the absence whose return it awaits.

    `name`: of the rhythm that it follows (`rhythm_of`). `moment`: None of who is told at once: it is then the first of those
    that wait for the return; where none does, there is that end alone. One of all that waits that is written already leaves
    at the return too.
    """
    absences = _absences(db, user, now())
    first, kept_until = leaving(absences, own, now())
    away = keeps(absences, now())
    if moment is None:
        asks = away and _asks(db, actor, choices_of(user, own))
        return (first if asks else None), (_end(absences, kept_until) if away else None)
    at, return_at = leaving(absences, own, moment)
    if away and at > first and _waits(db, user, name):
        at, return_at = first, kept_until
    return at, _end(absences, return_at)


def _end(absences: Sequence[Absence], moment: datetime | None) -> datetime | None:
    """The moment, where somebody is back then; None where he is away still, and wants his letters from then on."""
    there = moment is None or any(absence.starts_at <= moment < absence.ends_at for absence in absences)
    return None if there else moment


def leaving(absences: Sequence[Absence], own: Own, at: datetime) -> tuple[datetime, datetime | None]:
    """When a letter that is due leaves, by day and by the hours of the collectivity, and until when absences keep it."""
    kept_until = None
    while True:
        if end := _back(absences, at):
            at = kept_until = end
        elif (by_day := due_by_day(own, DIGEST, at)) > at:
            at = by_day
        else:
            return at, kept_until


def _waits(db: Db, user: User, name: str) -> bool:
    """Whether a letter that tells all that waits of a rhythm was written already, and waits for the return."""
    waiting = sa.select(Outbox.payload).where(
        Outbox.key.startswith(f"{DIGEST}-{user.id}-2"), Outbox.state == "pending", Outbox.last_error == AWAY
    )
    parts = [outdone.parts_of(payload) for payload in db.scalars(waiting)]
    return any(name in part.told if name == REST else part.tells(parted_type(name)) for part in parts)


def _asks(db: Db, actor: Actor, choices: Choices) -> bool:
    """Whether a letter that has not left asks something that is still awaited of somebody, of a type that is told at once."""
    asking_of = sa.select(Outbox.folder_id).where(
        sa.text("outbox.state IN ('pending','running')"),
        Outbox.kind == "mail",
        Outbox.payload["user_id"].as_integer() == actor.user_id,
        Outbox.payload["event"].as_string().in_(ASKS),
    )
    steps = sa.select(*STEP.c["family", "own_type"]).where(
        STEP.c.state == "active", STEP.c.folder_id.in_(asking_of), asking(actor)
    )
    return any(choices.of((row.family, row.own_type)).rhythm is Rhythm.NOW for row in db.execute(steps))


def returned(db: Db, user: User, own: Own, since: datetime) -> Return | None:
    """The return for which a letter has waited that was due at a moment; None for one that has not waited for any.

    Absences of which the next begins before any letter could leave are one.
    """
    absences = _absences(db, user, since, Absence.starts_at <= now())
    if not keeps(absences, since):
        return None
    due_at, ends_at = leaving(absences, own, since)
    if ends_at is None or ends_at > now():
        return None
    return Return(ends_at, due_at if due_at <= now() else ends_at)


def refuse_apart(db: Db, actor: Actor, row: Row, waited: Return, choices: Choices, folder: Folder) -> None:
    """Raises `Needless` for a letter about one folder that waited for a return (`returned`), and was told there with the rest.

    `Later` where a letter that tells it has not left, and `Gather` where none was written and other folders waited too. Alone,
    it leaves as it is, and so does one whose gathered letter came to nothing: the words of a folder are never lost for that.
    """
    limit = now() - outdone.COUNTED
    if row.payload.get("back") or row.created_at > limit:
        return
    digests = sa.select(Outbox.key, Outbox.state, Outbox.payload, Outbox.done_at, Outbox.last_error).where(
        Outbox.key.startswith(f"{DIGEST}-{actor.user_id}-2")
    )
    letters = db.execute(digests.order_by(Outbox.id.desc()).limit(outdone.LATELY)).all()
    mine = [letter for letter in letters if outdone.parts_of(letter.payload).counts(folder.of_type)]
    if any(
        letter.state == "done"
        and letter.last_error is None
        and letter.done_at - outdone.COUNTED > row.created_at
        and outdone.has_counted(letter.payload, folder.id)
        for letter in mine
    ):
        raise Needless(WITH_THE_REST)
    if any(letter.state in {"pending", "running"} for letter in mine):
        raise Later(AFTER.total_seconds(), TOGETHER)
    # One key for one return, whichever of its letters comes first.
    key = f"{DIGEST}-{actor.user_id}-{waited.ends_at.astimezone(PARIS):%Y%m%dT%H%M}{outdone.OF_A_RETURN}"
    if all(letter.key != key for letter in letters) and _others(db, actor, row, waited, limit):
        names = frozenset({REST, *choices.types})
        silent = frozenset(name for name in names if choices.named(name).rhythm is Rhythm.NEVER)
        raise Gather(key, Parts(whole=names - silent, types=frozenset(choices.types)))


def _others(db: Db, actor: Actor, row: Row, waited: Return, limit: datetime) -> bool:
    """Whether letters from before the same return, that have not left, ask something about other folders that still wait."""
    asking = sa.select(Outbox.folder_id).where(
        sa.text("state IN ('pending','running')"),
        Outbox.kind == "mail",
        Outbox.id != row.id,
        Outbox.payload["user_id"].as_integer() == actor.user_id,
        Outbox.payload["event"].as_string().in_(ASKS),
        Outbox.created_at < min(waited.ends_at, limit),
    )
    others = set(db.scalars(asking)) - {row.folder_id}
    return bool(others) and any(folder.number in others for folder in awaiting(db, actor))


@use_case
def gather(db: Db, row: Row, gathering: Gather) -> None:
    """Write the letter of a return that tells all that waits, once, whoever asks; the letters about one folder wait for it."""
    db.info["collectivity_id"] = row.collectivity_id
    if db.scalar(sa.select(Outbox.id).where(Outbox.key == gathering.key)) is None:
        facts = outdone.facts_of(gathering.parts, None)
        post(db, row.collectivity_id, [digest_of(row.payload["user_id"], gathering.key, **facts)])
