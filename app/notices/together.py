"""What became of several folders at one moment, told to somebody by one letter: sixty signatures of a batch are no sixty letters.

One of the letters that wait tells the others (`claim`): its row keeps their numbers before it leaves, those alone whose folders
its words count, and they end once it has left. Of one folder, one letter is told: another event of it is its own letter. What may
still be taken back, or is held for another reason, waits by itself, and a folder whose reading is closed is told apart, by the
letter that says nothing of it.

Whether a server took it is not always known: of a worker that was killed, or of an answer that was lost, it is the same letter
again, by its Message-ID, of the same folders, which a mailbox knows. Those that it told meanwhile are in it still.

None is lost; where that and « never twice » cannot both be had, a folder is told twice. That is so where such a letter may not be
repeated as it was: its reader reads one of the folders no more, or its reading was closed (what may not be said goes first), its
own is told no more, the server then refuses it for good, or its tries are over. The others are then told on their own, for
nobody knows whether the first letter had arrived.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
import structlog

from app.core.clock import now
from app.core.db import Db
from app.core.outbox import Later, Needless, Outbox, Row, abandon
from app.core.transaction import use_case
from app.folders import pause
from app.folders.access import readable_by
from app.folders.models import Folder
from app.folders.notices import DONE, RECEIPT, REFUSED, SIGNED, TELLER, WITH_OTHERS
from app.notices import hours
from app.people.actor import Actor
from app.people.login import of_user
from app.people.models import Collectivity, User

log = structlog.get_logger()
EVENTS = (DONE, SIGNED, RECEIPT, REFUSED)
SEVERAL = "several"
"""The letter that tells what became of several folders."""
TELLS = "tells"
"""The rows that the letter of a row tells, its own too, as the row keeps them."""
TOLD = WITH_OTHERS
WAITS = "sera dit avec d’autres dossiers, dans un seul courriel"
GATHERS = "attend ce qui arrive au même moment"
LONGEST = timedelta(minutes=2)
"""How long a letter waits at most for those that go on coming."""
SOON = 5.0
"""Seconds until one that another tells looks whether that has left."""
CLOCKS = timedelta(minutes=10)
"""By how much the clocks of two machines may differ: who writes a row is not who sends the letter that tells it."""
_APART = frozenset({"turn", "back", "after", "page", "former", "recovery"})
"""What a letter says besides, for its reader alone: it goes by itself."""


class Unclaimed(Exception):  # noqa: N818 - an answer to who writes the letter, not a fault
    """Other folders may be told by this letter: which ones is to be written first (`claim`)."""


@dataclass(frozen=True)
class Together:
    """What a letter tells of several folders: how many, how many of each event, and the rows of which it tells them."""

    folders: int
    events: Mapping[str, int]
    rows: tuple[int, ...]

    @property
    def page(self) -> str:
        """The list where they are."""
        states = {DONE: "done", REFUSED: "rejected"}
        (only, *others) = self.events
        return f"/suivi?etat={'' if others else states.get(only, '')}"


def may_join(payload: Mapping[str, Any]) -> bool:
    """Whether what a letter says may be told with what others say."""
    return payload["event"] in EVENTS and not any(payload.get(key) for key in _APART)


@use_case
def claim(db: Db, row: Row) -> Sequence[int]:
    """Write which rows the letter of a row tells, its own first, and return them.

    Raises `Needless` where another has told it, `Later` while another is about to, and while more may come: as long after the
    last one as what a person does may be taken back, and no longer than `LONGEST` in all.
    """
    db.info["collectivity_id"] = row.collectivity_id
    # Of one person, one letter at a time decides what it tells
    user = db.scalars(
        sa.select(User)
        .where(User.id == row.payload["user_id"])
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    letters = _of(user.id, row.collectivity_id)
    # These first: a letter that leaves between the two questions is in one of the answers, and in the other order in none
    alive = db.execute(
        letters.where(sa.text("outbox.state IN ('pending','running')")).order_by(Outbox.id)
    ).all()
    left = letters.where(
        sa.text("outbox.state = 'done' AND outbox.last_error IS NULL"),
        Outbox.done_at >= row.created_at - CLOCKS,
    )
    over = {number for letter in db.execute(left) for number in letter.payload.get(TELLS, ())}
    if row.id in over:
        raise Needless(TOLD)
    others = {
        number: letter for letter in alive if letter.id != row.id for number in letter.payload.get(TELLS, ())
    }
    if teller := others.get(row.id):
        raise Later(max(SOON, (teller.available_at - now()).total_seconds()), WAITS)
    mine = next((letter.payload.get(TELLS) for letter in alive if letter.id == row.id), None)
    if mine is None:
        town = db.get_one(Collectivity, user.collectivity_id)
        free = [
            letter
            for letter in alive
            if letter.id not in others and letter.folder_id != row.folder_id and _may_leave(letter, town)
        ]
        _wait_for_more(row, free)
        tells = [row.id, *_first_of_each(db, of_user(db, user, town.name), row, free)]
    else:
        # Once it was given to a server, the same letter tells nothing more: a mailbox that has it would take no other
        tells = [row.id, *_still_of(db, mine, {row.id, *others, *over})]
    _write(db, row, tells)
    return tells


def _first_of_each(db: Db, actor: Actor, row: Row, free: Sequence[Any]) -> Sequence[int]:
    """The first of the free rows of each folder that may be told with that of a row; none where that one tells its own alone."""
    ready = {folder.id for folder in _open(db, actor, [row, *free]) if not pause.undecided(folder.final_at)}
    return first_of_each(row, free, ready)


def first_of_each(row: Any, free: Sequence[Any], ready: Collection[int]) -> Sequence[int]:
    """The same, of the folders that letters may tell (`ready`)."""
    if row.folder_id not in ready:
        return ()
    first = dict[int, int]()
    for letter in free:
        if letter.folder_id in ready and letter.folder_id != row.folder_id:
            first.setdefault(letter.folder_id, letter.id)
    return tuple(first.values())


def _still_of(db: Db, mine: Sequence[int], others: Collection[int]) -> Sequence[int]:
    """The rows that a letter told when it was given before, but those that are told otherwise by now.

    Those too that it has ended (`close`), of which another letter tells nothing, and those that wait for it, whatever for.
    """
    same = sa.or_(Outbox.state != "done", Outbox.last_error == TOLD)
    alike = set(db.scalars(sa.select(Outbox.id).where(Outbox.id.in_(mine), same)))
    return [number for number in mine if number in alike and number not in others]


def _may_leave(letter: Any, town: Collectivity) -> bool:
    """Whether a letter waits for nothing but those that come with it: one that is held by itself is told by no other.

    What was done and may still be taken back holds the letters of its folder until then (`Outbox.available_at`, and `claim`).
    """
    ready = letter.available_at <= now() or letter.last_error in {GATHERS, WAITS}
    return (
        ready and may_join(letter.payload) and not hours.wait(town.settings, letter.payload["event"], now())
    )


def _write(db: Db, row: Row, tells: Sequence[int] | None) -> None:
    """Write what a letter tells, nothing where that is None.

    Raises `Later` where another worker has the row by now: it may tell other folders in the same letter, and this one must not
    leave beside it.
    """
    ours = sa.update(Outbox).where(Outbox.id == row.id, Outbox.owner == row.owner)
    payload = {key: value for key, value in row.payload.items() if key != TELLS}
    if tells is not None:
        payload[TELLS] = list(tells)
    written = db.execute(ours.values(payload=payload).execution_options(synchronize_session=False))
    if not written.rowcount:  # type: ignore[attr-defined]
        raise Later(SOON, WAITS)


@use_case
def keep(db: Db, row: Row, tells: Sequence[int]) -> None:
    """Keep which rows the words of a letter tell, where they are fewer than were claimed, before it is given to a server."""
    db.info["collectivity_id"] = row.collectivity_id
    _write(db, row, tells)


def _of(user_id: int, collectivity_id: int) -> Any:
    """The letters to somebody that say what became of a folder."""
    columns = (
        Outbox.id,
        Outbox.folder_id,
        Outbox.payload,
        Outbox.created_at,
        Outbox.available_at,
        Outbox.last_error,
    )
    return sa.select(*columns).where(
        Outbox.collectivity_id == collectivity_id,
        Outbox.kind == "mail",
        Outbox.payload["user_id"].as_integer() == user_id,
        Outbox.payload["event"].as_string().in_(EVENTS),
    )


def _wait_for_more(row: Row, free: Sequence[Any]) -> None:
    last = max([row.created_at, *(letter.created_at for letter in free)])
    until = min(last + timedelta(seconds=pause.seconds()), row.created_at + LONGEST)
    if until > now():
        raise Later((until - now()).total_seconds(), GATHERS)


def _open(db: Db, actor: Actor, rows: Sequence[Any]) -> Sequence[Folder]:
    """The folders of these rows that somebody reads, and that letters may tell."""
    numbers = {letter.folder_id for letter in rows if letter.folder_id is not None}
    if not numbers:
        return ()
    query = sa.select(Folder).where(Folder.id.in_(numbers), readable_by(actor))
    return [folder for folder in db.scalars(query) if not folder.read_as.discreet]


def told_by(db: Db, actor: Actor, tells: Sequence[int]) -> Together | None:
    """What a letter says of the rows that it tells, as far as its reader still reads their folders; None of a single letter.

    The first is its own; where that one may not be told with others, it is a single letter.
    """
    if len(tells) < 2:
        return None
    columns = (Outbox.id, Outbox.folder_id, Outbox.payload["event"].as_string().label("event"))
    rows = db.execute(sa.select(*columns).where(Outbox.id.in_(tells)).order_by(Outbox.id)).all()
    reads = {folder.id for folder in _open(db, actor, rows)}
    if not any(letter.id == tells[0] and letter.folder_id in reads for letter in rows):
        return None
    folders: dict[str, set[int]] = {event: set() for event in EVENTS}
    for letter in rows:
        folders[letter.event] |= {letter.folder_id} & reads
    events = {event: len(numbers) for event, numbers in folders.items() if numbers}
    count = len(set().union(*folders.values()))
    ids = {letter.id for letter in rows if letter.folder_id in reads}
    counted = tuple(number for number in tells if number in ids)
    return Together(count, events, counted) if count > 1 else None


def close(row: Row, tells: Sequence[int]) -> None:
    """End the rows that a letter has told, once it has left; a fault ends none, and each looks by itself later."""
    if len(tells) < 2:
        return
    try:
        _close(row, [number for number in tells if number != row.id])
    except Exception as fault:  # noqa: BLE001 - the letter has left: it must not leave again for that
        log.warning("notices.together", row=row.id, error=repr(fault))


@use_case
def _close(db: Db, row: Row, others: Sequence[int]) -> None:
    db.info["collectivity_id"] = row.collectivity_id
    # One that a worker has at this moment ends by itself, and is told all the same
    letters = sa.select(Outbox).where(Outbox.collectivity_id == row.collectivity_id, Outbox.id.in_(others))
    for letter in db.scalars(letters.order_by(Outbox.id).with_for_update()):
        letter.payload = {**letter.payload, TELLER: row.id}
    db.flush()
    # Those whose own tries were over as well: put back to work, this one has told them
    abandon(db, row.collectivity_id, TOLD, Outbox.id.in_(others), parked=True)


@use_case
def let_go(db: Db, row: Row) -> None:
    """Leave to themselves the others that the letter of a row tells, which a server has just refused for good.

    Where it was never given before, the row keeps nothing: put back to work, it may tell others. Else it tells its own alone
    from then on: a server may have taken it then, and a mailbox that has it would take no other. One that is parked by its last
    try keeps what it told: the others look by themselves, and put back to work it is the same letter, of those that they left.
    """
    db.info["collectivity_id"] = row.collectivity_id
    _write(db, row, (row.id,) if TELLS in row.payload else None)
