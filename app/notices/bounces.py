"""A letter that an address refused for good: kept once, attached to whom it was for, and counted against that address."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.core.outbox import Outbox
from app.core.transaction import use_case
from app.folders.notices import RETURNED
from app.notices.models import Bounce
from app.notices.returns.marks import of_address
from app.notices.together import TELLS, TOLD
from app.people import reaching
from app.people.actor import system
from app.people.desks import write_down
from app.people.models import Collectivity, User
from app.people.own_settings.registry import Kind, Setting
from app.people.reaching import REFUSALS, STOPPED, is_dead

_ADDRESS = re.compile(r"<?[^\s<>,;:()]+@[^\s<>,;:()]+>?")
_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
LONGEST = 200
NO_MAILBOX = frozenset({"550", "551", "553"})
"""Replies that are about the address where no more is said (RFC 5321 §4.2.3)."""
BY_ITSELF = "Paraphe"
Taken = Callable[[Db, Outbox, "Answer", str], bool]
"""Keeps that a letter of some kind came back, by its row, what the server said and the mark of its address; False where it was
kept already, or went to another address."""
_takers: dict[str, Taken] = {}


def coming_back(kind: str, take: Taken) -> None:
    """Have letters of this kind of the outbox, which go to no account, kept in this way once they come back."""
    _takers[kind] = take


def setting(group: str) -> Setting:
    """After how many refusals reminders to an address stop."""
    return Setting(
        REFUSALS,
        group,
        "Refus avant d’arrêter les rappels",
        "Après ce nombre de courriels refusés pour de bon, les rappels à cette adresse s’arrêtent jusqu’à ce qu’elle change ou "
        "soit confirmée. La personne et les administrateurs le lisent dès le premier refus.",
        "courriels qui disent à chacun ce qui l’attend",
        Kind.NUMBER,
        lambda: 3,
        least=1,
        most=20,
        unit="refus",
    )


@dataclass(frozen=True)
class Answer:
    """What a server said of an address: its code (« 550 », or « 5.1.1 »), and its reply."""

    code: str
    reply: str

    @property
    def of_the_address(self) -> bool:
        """Whether the address itself fails, and no rule, size or route, nor a mailbox that is full (RFC 3463 §3.2, §3.3)."""
        enhanced = _ENHANCED.search(f"{self.code} {self.reply}")
        if enhanced is not None:
            mailbox = enhanced[2] == "2" and enhanced[3] in {"0", "1"}
            return enhanced[1] == "5" and (enhanced[2] == "1" or mailbox)
        return self.code in NO_MAILBOX

    @property
    def shown(self) -> str:
        """Its reply on one line, without the addresses that they name."""
        text = f"{self.code} {self.reply}"[
            : 4 * LONGEST
        ]  # before what looks for addresses: a reply may be long
        plain = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
        return _ADDRESS.sub("…", plain)[:LONGEST]


@use_case
def record(db: Db, row_id: int, answer: Answer, *, mark: str, returned: bool = False) -> bool:
    """Keep that a letter of the outbox did not reach an address, by its `mark` (`of_address`).

    False where it was kept already, or is nobody's.

    What a letter told of several folders came back for each of them: each has it, and it counts once.

    It counts against the account's present address alone. Once too many do, a line of the journal says that reminders stop.
    """
    letter = db.scalar(sa.select(Outbox).where(Outbox.id == row_id))
    if letter is None:
        return False
    db.info["collectivity_id"] = letter.collectivity_id
    if returned and letter.kind in _takers:
        return _takers[letter.kind](db, letter, answer, mark)
    query = sa.select(User).where(User.id == letter.payload.get("user_id")).with_for_update()
    user = db.scalar(query.execution_options(populate_existing=True))
    # By the key of its letter: a report that is read again after a kill is the same fact.
    key = f"{'returned' if returned else 'refused'}-{letter.key}"
    if user is None or db.scalar(sa.select(Bounce.id).where(Bounce.key == key)) is not None:
        return False
    # What is said of an address that he has left counts for nothing against the one that he has.
    present = of_address(user.email) == mark
    db.add(_bounce(letter, user, answer, key, returned=returned))
    if returned:  # the letter that was taken did not arrive after all
        letter.last_error = f"{RETURNED}{answer.shown}"
        _attach_others(db, letter, user, answer)
    if present and answer.of_the_address:
        own = db.get_one(Collectivity, letter.collectivity_id).settings
        before = is_dead(user, own)
        user.mail_refusals += 1
        if is_dead(user, own) and not before:
            by = system(letter.collectivity_id, BY_ITSELF)
            write_down(db, letter.collectivity_id, STOPPED, by, whose=user.id, reason=answer.shown)
    return True


def _bounce(letter: Outbox, user: User, answer: Answer, key: str, *, returned: bool) -> Bounce:
    return Bounce(
        collectivity_id=letter.collectivity_id,
        user_id=user.id,
        folder_id=letter.folder_id,
        key=key,
        at=now(),
        returned=returned,
        permanent=answer.of_the_address,
        reply=answer.shown,
    )


def _attach_others(db: Db, letter: Outbox, user: User, answer: Answer) -> None:
    """Attach a letter that came back to the other folders that it told, and say so of the rows that ended by it."""
    others = sa.select(Outbox).where(Outbox.id.in_(letter.payload.get(TELLS, ())), Outbox.id != letter.id)
    for row in db.scalars(others.order_by(Outbox.id)).all():
        if row.state != "done" or row.last_error != TOLD:
            continue  # it looks by itself, and is told by its own
        row.last_error = letter.last_error
        db.add(_bounce(row, user, answer, f"returned-{row.key}", returned=True))


@use_case
def accept(db: Db, row_id: int, *, mark: str) -> None:
    """Count nothing more against an address, by its `mark`, whose server takes letters again that it refused at the door.

    Where letters were taken, and came back later, one that is taken proves nothing: they count on.
    """
    letter = db.get_one(Outbox, row_id)
    db.info["collectivity_id"] = letter.collectivity_id
    query = sa.select(User).where(User.id == letter.payload.get("user_id")).with_for_update()
    user = db.scalar(query.execution_options(populate_existing=True))
    if user is None or not user.active or not user.mail_refusals or of_address(user.email) != mark:
        return
    last = _against(user).limit(user.mail_refusals).subquery()
    if not db.scalar(sa.select(sa.func.count()).select_from(last).where(last.c.returned)):
        reaching.serves(db, system(user.collectivity_id, BY_ITSELF), user)


def _against(user: User) -> Any:
    """What counted against an address, the newest first."""
    query = sa.select(Bounce).where(Bounce.user_id == user.id, Bounce.permanent.is_(True))
    return query.order_by(Bounce.id.desc())


@dataclass(frozen=True)
class Unreached:
    """That letters do not reach somebody: how many were refused, what the last server said and when, whether reminders stop.

    `taken`: how many the server has taken since, which may come back too; `parked`: how many letters wait for the address to
    serve.
    """

    refusals: int
    reply: str
    at: datetime | None
    stopped: bool
    taken: int
    parked: int


def unreached(db: Db, user: User) -> Unreached | None:
    """What is to be told of the present address of an account; None where nothing was refused there."""
    if not user.mail_refusals or not user.active:
        return None
    last = db.scalar(_against(user).limit(1))
    own = db.get_one(Collectivity, user.collectivity_id).settings
    reply, at = (last.reply, last.at) if last is not None else ("", None)
    taken = _taken_since(db, user, at) if at is not None else 0
    return Unreached(user.mail_refusals, reply, at, is_dead(user, own), taken, reaching.stopped(db, user))


def _taken_since(db: Db, user: User, moment: datetime) -> int:
    letters = sa.select(sa.func.count(Outbox.id)).where(
        Outbox.collectivity_id == user.collectivity_id,
        Outbox.kind == "mail",
        sa.text("state = 'done' AND last_error IS NULL"),
        Outbox.done_at > moment,
        Outbox.payload["user_id"].as_integer() == user.id,
    )
    return db.scalar(letters) or 0
