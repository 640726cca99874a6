"""Notes beside a folder: for oneself, for one's desk or for all who read it; answered, settled, and in no file that is signed.

A note for all is a line of the journal; one for oneself or for a desk is not, since the journal is read by all. It changes
nothing of where the folder stands, so that nobody's page goes stale by it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from json import dumps
from typing import Any

import sqlalchemy as sa

from app.core.clock import PARIS, now
from app.core.db import Db
from app.core.french import jour, spaces
from app.core.outbox import News, Outbox, post
from app.core.questions import ask
from app.core.refusals import Refusal
from app.core.stems import forms_in, joined
from app.core.transaction import use_case
from app.folders import pause
from app.folders.access import authorize, lock, may_read, refuse_onlooker, refuse_stranger
from app.folders.marks import bring_back, give_back, lock_mark
from app.folders.mentions import MENTIONED, mentioned
from app.folders.models import Folder, FolderNote, StepRun
from app.folders.move import typed
from app.folders.notices import RETURNED, followers
from app.folders.once import MadeOnce
from app.folders.pins import Pin, on_page, pinned
from app.folders.rows import NOTES, READERS, RUNS, posted
from app.folders.words import ask_once_final, rewrite
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.people.covers import away_at, letters_wait_until, standing_in, until
from app.people.login import of_users
from app.people.models import Collectivity, Desk, Holder, User
from workflows.absences import last_instant
from workflows.vocabulary import Right, StepKind, Worded

MOST_NOTES, MOST_TOLD = 100, 20
"""Of one author beside one folder; of the people whom one note names."""


class Reach(Worded):
    """Who reads a note."""

    ALL = "all", "Tout le circuit"
    DESK = "desk", "Mon bureau"
    ALONE = "alone", "Moi seulement"


@dataclass(frozen=True)
class Draft:
    """A note to be written: `answers` is the number of the one that it answers, whose reach it takes.

    `desk_id`: which of one's desks, where the note is for one. `told`: the numbers of the people who are written to.
    `pin`: on which page it is pinned, if it is; an answer stands under what it answers. `form`: the mark of the form that posts
    it, empty for none: the same note posted again by it is one. `mentions`: who is named after « @ » in its words is written to.
    """

    words: str
    reach: Reach = Reach.ALL
    desk_id: int | None = None
    answers: int | None = None
    told: tuple[int, ...] = ()
    pin: Pin | None = None
    form: str = ""
    mentions: bool = False


def readable(db: Db, folder: Folder, actor: Actor) -> list[FolderNote]:
    """The notes of a folder that this reader of it reads, the first to the last."""
    desks = desks_held(db, folder, actor)
    return [note for (note,) in ask(db, NOTES, folder.id) if _reads(actor, note, desks)]


def for_all(db: Db, folder: Folder) -> list[FolderNote]:
    """The notes that all who read the folder read, the first to the last."""
    return [note for (note,) in ask(db, NOTES, folder.id) if note.reach == Reach.ALL]


def _reads(actor: Actor, note: FolderNote, desks: Collection[int]) -> bool:
    if note.reach == Reach.ALL:
        return True
    if note.reach == Reach.DESK:
        return note.desk_id in desks
    return actor.user_id is not None and note.user_id == actor.user_id


def desks_held(db: Db, folder: Folder, actor: Actor) -> frozenset[int]:
    """The desks whose notes the actor reads: his own, and those where he may act on this folder now in somebody's absence."""
    desks = frozenset(actor.desk_ids)
    if not actor.covers:
        return desks
    active = (run for (run,) in ask(db, RUNS, folder.id) if run.state == "active" and run.desk_id is not None)
    return desks | {
        run.desk_id
        for run in active
        if actor.cover_at(run.desk_id, StepKind(run.kind).right, folder.of_type) is not None
    }


def lent(db: Db, actor: Actor, folders: Collection[int]) -> dict[int, frozenset[int]]:
    """Of these folders, the desks whose notes the actor reads because he may act there in somebody's absence (`desks_held`)."""
    if not (actor.covers and folders):
        return {}
    query = sa.select(
        StepRun.folder_id, StepRun.desk_id, StepRun.kind, StepRun.family, StepRun.own_type
    ).where(
        StepRun.folder_id.in_(folders),
        StepRun.state == "active",
        StepRun.desk_id.in_({cover.seat.desk_id for cover in actor.covers}),
    )
    desks: dict[int, frozenset[int]] = {}
    for folder_id, desk_id, kind, *of_type in db.execute(query):
        if desk_id and actor.cover_at(desk_id, StepKind(kind).right, (of_type[0], of_type[1])) is not None:
            desks[folder_id] = desks.get(folder_id, frozenset()) | {desk_id}
    return desks


def desks_for(db: Db, folder: Folder, actor: Actor) -> list[tuple[int, str]]:
    """The desks of the actor that the folder has reached, by number and name: those that he may write a note for."""
    reached = {folder.emitter_desk_id} | {run.desk_id for (run,) in ask(db, RUNS, folder.id) if run.desk_id}
    numbers = desks_held(db, folder, actor) & reached
    query = sa.select(Desk.id, Desk.name).where(
        Desk.id.in_(numbers), Desk.collectivity_id == folder.collectivity_id
    )
    return [(number, name) for number, name in db.execute(query.order_by(Desk.name))] if numbers else []


@dataclass(frozen=True)
class Addressee:
    """Somebody whom a note may name: the desks whose notes beside the folder he reads, and whether an address reaches him.

    `away_until`: he is away until that minute, and has his letters wait for his return.
    """

    number: int
    name: str
    desks: frozenset[int]
    reached: bool = True
    away_until: datetime | None = None


def to_tell(db: Db, folder: Folder, actor: Actor) -> list[Addressee]:
    """The people whom a note may name and a letter reaches, by their names."""
    return [one for one in around(db, folder, actor) if one.reached]


def around(db: Db, folder: Folder, actor: Actor) -> list[Addressee]:
    """The people who acted on the folder, deposited it or are awaited, and read it today, with or without an address."""
    numbers = followers(db, folder, folder.round) | _turned(db, folder) | _awaited(db, folder)
    numbers.discard(actor.user_id or 0)
    town = db.get_one(Collectivity, folder.collectivity_id)
    people = db.execute(
        sa.select(User, letters_wait_until(User.id, now()))
        .where(User.id.in_(numbers), User.active.is_(True))
        .order_by(User.last_name, User.first_name)
        .limit(MOST_TOLD * 5)
    ).all()
    actors = of_users(db, [user for user, _ in people], town.name)
    return [
        Addressee(
            user.id,
            user.name,
            desks_held(db, folder, reader),
            bool(user.email),
            away_until and last_instant(away_until),
        )
        for (user, away_until), reader in zip(people, actors, strict=True)
        if may_read(db, reader, folder)
    ]


def _turned(db: Db, folder: Folder) -> set[int]:
    """Who rejected it, sent it back or handed it on in this round."""
    first, last = folder.round * 1000, (folder.round + 1) * 1000
    return {
        run.user_id
        for (run,) in ask(db, RUNS, folder.id)
        if run.user_id is not None and first <= run.pass_number < last and run.state in {"rejected", "passed"}
    }


def _awaited(db: Db, folder: Folder) -> set[int]:
    """The people of the desks where the folder waits, and those who stand in there now."""
    active = [run for (run,) in ask(db, RUNS, folder.id) if run.state == "active"]
    named = {run.named_user_id for run in active if run.named_user_id is not None}
    desks = {run.desk_id for run in active if run.desk_id is not None}
    at_desks = sa.select(Holder.user_id).where(Holder.desk_id.in_(desks))
    return named | set(db.scalars(at_desks.union(standing_in(desks, now())))) if desks else named


def reads_note_of(db: Db, actor: Actor, folder: Folder, key: str) -> bool:
    """Whether the actor still reads the note of which a letter tells, by the key of the letter."""
    number = key.removeprefix(f"{MENTIONED}-").partition("-")[0]
    return any(str(note.id) == number for note in readable(db, folder, actor))


@use_case
def write_once(db: Db, actor: Actor, folder_id: int, draft: Draft, once: MadeOnce) -> None:
    """Write a note as `write` does, unless the same `once` has written it, be it taken back since."""
    folder = _writing(db, actor, folder_id)
    if once.made_by(db, actor) is None:
        once.remember(db, actor, folder)
        _write(db, actor, folder, draft)


@use_case
def write(db: Db, actor: Actor, folder_id: int, draft: Draft) -> int:
    """Write a note; returns its number, or that of the one which the same form has written.

    Refuses who may not read the folder (`not-found`), or reads it for its type alone and writes for others (`looks-on`),
    `note-follower`, `note-empty`, `words-long`, `note-many`,
    `note-settled`, `note-desk` where the desk is none of the writer's that the folder has reached, `note-alone` where
    software, or somebody who names others, writes for himself alone, `note-reader` for a person who may not be named,
    `note-told-many`, as `pins.on_page` where it is pinned, and `note-gone` where there is no such note to answer.
    """
    return _write(db, actor, _writing(db, actor, folder_id), draft)


def _write(db: Db, actor: Actor, folder: Folder, draft: Draft) -> int:
    form_key = _form_key(actor, folder.id, draft) if draft.form else None
    if form_key and (known := db.scalar(sa.select(FolderNote.id).where(FolderNote.form_key == form_key))):
        return known
    words = typed(draft.words)
    if not words:
        raise Refusal("note-empty")
    own = [note for (note,) in ask(db, NOTES, folder.id) if _by(actor, note)]
    if len(own) >= MOST_NOTES:
        raise Refusal("note-many", most=MOST_NOTES)
    parent = _note(db, folder, actor, draft.answers) if draft.answers is not None else None
    if parent is not None and parent.settled_at is not None:
        raise Refusal("note-settled", who=parent.settled_by)
    reach = _reach(db, folder, actor, draft, parent)
    desk_id = parent.desk_id if parent is not None else _desk(db, folder, actor, draft)
    told = _told(db, folder, actor, reach, desk_id, draft)
    pin = draft.pin if parent is None else None
    version = on_page(db, folder, pin) if pin is not None else None
    moment = now()
    note = FolderNote(
        collectivity_id=folder.collectivity_id,
        folder_id=folder.id,
        user_id=actor.user_id,
        who=actor.name,
        reach=reach.value,
        desk_id=desk_id,
        answers_id=(parent.answers_id or parent.id) if parent is not None else None,
        words=words,
        stems=joined(forms_in(words)),
        told=[{"user_id": number, "name": name} for number, name in told],
        version_id=version.id if version is not None else None,
        page=pin.page if pin is not None else None,
        box=list(pin.box) if pin is not None and pin.box is not None else None,
        written_at=moment,
        final_at=pause.ends(actor, moment) if reach is not Reach.ALONE else None,
        form_key=form_key,
    )
    db.add(note)
    db.flush()  # its letters name it
    if reach is Reach.ALL:
        if note.final_at is None:
            rewrite(db, folder)
        else:
            ask_once_final(db, note)
        facts: dict[str, Any] = {"round": folder.round, "note": note.id, "comment": words}
        if told:
            facts["named"] = [name for _, name in told]
        if version is not None and (place := pinned(db, folder, note)) is not None:
            facts["pin"] = {"sha256": version.sha256, "page": note.page, "box": note.box}
            facts["words"] = spaces(f", {place.words}")
        append(db, folder.collectivity_id, Event("note.added", actor.name, actor.user_id, folder.id, facts))
    former = bring_back(db, folder.id, [number for number, _ in told]) if told else {}
    letters = [_letter(folder, note, number, actor, former.get(number)) for number, _ in told]
    post(db, folder.collectivity_id, letters)
    return note.id


def _form_key(actor: Actor, folder_id: int, draft: Draft) -> str:
    """What a form posted, in short: who, beside which folder, by which form, and all that was typed in it."""
    return sha256(dumps([actor.user_id, folder_id, asdict(draft)], sort_keys=True).encode()).hexdigest()


def _writing(db: Db, actor: Actor, folder_id: int) -> Folder:
    """The folder beside which the actor writes: whoever reads it, but software that only follows (`note-follower`)."""
    folder = authorize(db, actor, folder_id)
    verbs = (Right.CREATE, Right.ACT, Right.PUBLISH, Right.ARCHIVE)
    if actor.application_id is not None and not any(actor.holds(right) for right in verbs):
        raise Refusal("note-follower")
    return folder


def _reach(db: Db, folder: Folder, actor: Actor, draft: Draft, parent: FolderNote | None) -> Reach:
    """Who will read the note: for whom it is written, or those who read what it answers."""
    reach = Reach(parent.reach) if parent is not None else draft.reach
    if reach is not Reach.ALONE:
        refuse_onlooker(db, actor, folder)
    elif actor.user_id is None or draft.told:
        raise Refusal("note-alone")
    return reach


def _by(actor: Actor, note: FolderNote) -> bool:
    """Whether the actor wrote it; software is known by its name."""
    return note.user_id == actor.user_id and (actor.user_id is not None or note.who == actor.name)


def _letter(
    folder: Folder, note: FolderNote, user_id: int, actor: Actor, former: Mapping[str, Any] | None
) -> News:
    """The letter to somebody who is named; `former`: the marks that the note took of him, for as long as it may be taken back."""
    facts = {
        "event": MENTIONED,
        "user_id": user_id,
        "folder_id": folder.id,
        "by": actor.name,
        "page": f"/dossiers/{folder.id}?onglet=notes",
        # All who read the folder read which letters it gave: not those of a note that is not for all
        **({"apart": True} if note.reach != Reach.ALL else {}),
        **({"marks": former} if former and note.final_at is not None else {}),
    }
    return News("mail", f"{MENTIONED}-{note.id}-{user_id}", facts, folder.id, not_before=note.final_at)


def _desk(db: Db, folder: Folder, actor: Actor, draft: Draft) -> int | None:
    """The desk that a note is for; none where it is for everybody or for oneself."""
    if draft.reach is not Reach.DESK:
        return None
    numbers = [number for number, _ in desks_for(db, folder, actor)]
    if draft.desk_id is None and len(numbers) == 1:
        return numbers[0]
    if draft.desk_id not in numbers:
        raise Refusal("note-desk")
    return draft.desk_id


def _told(
    db: Db, folder: Folder, actor: Actor, reach: Reach, desk_id: int | None, draft: Draft
) -> Sequence[tuple[int, str]]:
    """The people who are written to; each reads the note."""
    numbers, named = set(draft.told), draft.mentions and reach is not Reach.ALONE and "@" in draft.words
    if not numbers and not named:
        return ()
    known = {
        one.number: one.name
        for one in to_tell(db, folder, actor)
        if reach is not Reach.DESK or desk_id in one.desks
    }
    if named:
        numbers |= mentioned(draft.words, list(known.items()))[0]
    if len(numbers) > MOST_TOLD:
        raise Refusal("note-told-many", most=MOST_TOLD)
    if not numbers <= set(known):
        raise Refusal("note-reader")
    return [(number, known[number]) for number in sorted(numbers)]


def letters_of(db: Db, folder: Folder, written: Sequence[FolderNote]) -> dict[tuple[int, int], str]:
    """Of the people named beside these notes, by note and number, why the letter of each has not left; none of those that did."""
    rows = {row.key: row for row in posted(db, folder.id, "mail") if row.key.startswith(f"{MENTIONED}-")}
    named = [(note.id, one["user_id"]) for note in written for one in note.told]
    letters = {pair: row for pair in named if (row := rows.get(f"{MENTIONED}-{pair[0]}-{pair[1]}"))}
    waiting = {pair for pair, row in letters.items() if row.state in {"pending", "running"}}
    away = away_at(db, folder.collectivity_id, now()) if waiting else {}
    whys = {}
    for pair, row in letters.items():
        absences = away.get(pair[1], [])
        if pair in waiting and absences and not any(one.letters for one in absences):
            whys[pair] = absence_words(until(absences))
        elif row.state == "done" and (row.last_error or "").startswith(RETURNED):
            whys[pair] = "le courriel est revenu"
        elif row.state == "parked" or (row.state == "done" and row.last_error):
            whys[pair] = "le courriel n’est pas parti"
    return whys


def absence_words(away_until: datetime | None) -> str:
    """« absence jusqu’au lun. 21 déc. : le courriel attend »; empty of who is there."""
    if away_until is None:
        return ""
    return spaces(f"absence jusqu’au {jour(away_until.astimezone(PARIS).date())} : le courriel attend")


def missed(db: Db, actor: Actor, note_id: int, *, chosen: bool = False) -> tuple[str, ...]:
    """The names after « @ » in a note of nobody to whom it was written.

    `chosen`: its author saw who is written to as he typed, and those alone are given whom nobody bears who might be: the others
    he left out himself.
    """
    note = db.get_one(FolderNote, note_id)
    names = mentioned(note.words, [(one["user_id"], one["name"]) for one in note.told])[1]
    if not (chosen and names):
        return names
    people = to_tell(db, db.get_one(Folder, note.folder_id), actor)
    borne_by_nobody = mentioned(note.words, [(one.number, one.name) for one in people])[1]
    return tuple(name for name in names if name in borne_by_nobody)


@use_case
def settle(db: Db, actor: Actor, folder_id: int, note_id: int) -> None:
    """Say that what a note asks is settled; whoever reads it may, and the first who does is written.

    Refuses who may not read the folder, or has no part in it (`looks-on`), and `note-gone`.
    """
    _turn(db, actor, folder_id, note_id, settled=True)


@use_case
def reopen(db: Db, actor: Actor, folder_id: int, note_id: int) -> None:
    """Say that what a note asks is not settled after all; whoever reads it may.

    Refuses who may not read the folder, or has no part in it (`looks-on`), and `note-gone`.
    """
    _turn(db, actor, folder_id, note_id, settled=False)


def _turn(db: Db, actor: Actor, folder_id: int, note_id: int, *, settled: bool) -> None:
    folder = _writing(db, actor, folder_id)
    note = _note(db, folder, actor, note_id)
    if note.answers_id is not None:
        raise Refusal("note-gone")
    if note.reach != Reach.ALONE:
        refuse_onlooker(db, actor, folder)
    before = FolderNote.settled_at.is_(None) if settled else FolderNote.settled_at.is_not(None)
    by, at = (actor.name, now()) if settled else (None, None)
    turning = (
        sa.update(FolderNote)
        .where(FolderNote.id == note.id, FolderNote.collectivity_id == folder.collectivity_id, before)
        .values(settled_by=by, settled_at=at)
        .execution_options(synchronize_session=False)
    )
    turned = bool(db.execute(turning).rowcount)  # type: ignore[attr-defined]
    if turned and note.reach == Reach.ALL:
        name = "note.settled" if settled else "note.reopened"
        facts = {"round": folder.round, "note": note.id}
        append(db, folder.collectivity_id, Event(name, actor.name, actor.user_id, folder.id, facts))


def takeable(db: Db, folder: Folder, actor: Actor, note: FolderNote) -> bool:
    """Whether its author may take a note back now; asks nothing more on the folder's page."""
    return _stays(db, folder, actor, note) is None


def _stays(db: Db, folder: Folder, actor: Actor, note: FolderNote) -> str | None:
    """Why a note is not, or no more, to be taken back: a key of the refusals; None where it is."""
    if not _by(actor, note) or note.reach == Reach.ALONE:
        return "note-stays"
    if note.final_at is None or not pause.lasts(note.written_at, note.final_at):
        return "note-take-back-late" if note.final_at is not None else "note-stays"
    others = (row for (row,) in ask(db, READERS, folder.id) if row.user_id != actor.user_id)
    if any(max(row.first_at, row.again_at or row.first_at) >= note.written_at for row in others):
        return "note-take-back-read"
    answered = any(one.answers_id == note.id for (one,) in ask(db, NOTES, folder.id))
    letters = (row for row in posted(db, folder.id, "mail") if row.key.startswith(f"{MENTIONED}-{note.id}-"))
    gone = any(row.state != "pending" or row.attempts for row in letters)
    return "note-take-back-read" if answered or note.settled_at is not None or gone else None


def just_written(db: Db, folder: Folder, actor: Actor) -> datetime | None:
    """When somebody else last wrote a note that this reader reads and that may still be taken back, None where nobody did.

    He is to be known to have read it.
    """
    others = (note for note in readable(db, folder, actor) if not _by(actor, note))
    return max((one.written_at for one in others if pause.lasts(one.written_at, one.final_at)), default=None)


@use_case
def take_back(db: Db, actor: Actor, folder_id: int, note_id: int) -> None:
    """Take back a note that one has just written, and its letters, which waited; who was named has his marks again.

    A note for all leaves its two lines in the journal. Refuses who may not read the folder, `note-gone`, `note-stays` to
    anybody but its author and of a note for oneself, `note-take-back-late`, and `note-take-back-read` once somebody else
    has opened the folder, answered, or was written to.
    """
    folder = lock(db, actor, folder_id, None)
    refuse_stranger(db, actor, folder)
    letters = sa.and_(Outbox.folder_id == folder.id, Outbox.key.like(f"{MENTIONED}-{note_id}-%"))
    db.execute(sa.select(Outbox.id).where(letters).with_for_update())
    note = _note(db, folder, actor, note_id)
    if why := _stays(db, folder, actor, note):
        seconds = (note.final_at - note.written_at).total_seconds() if note.final_at is not None else 0
        raise Refusal(why, seconds=int(seconds))
    for payload in db.scalars(sa.select(Outbox.payload).where(letters)):
        if "marks" in payload:
            _give_back(db, note, payload["user_id"], payload["marks"])
    stopped = sa.update(Outbox).where(letters, Outbox.state == "pending")
    stopped = stopped.values(
        state="done", done_at=now(), last_error="note annulée : ce courriel n’est pas parti"
    )
    db.execute(stopped.execution_options(synchronize_session=False))
    seconds = int((now() - note.written_at).total_seconds())
    note.words, note.stems, note.taken_back_at, note.form_key = "", "", now(), None
    if note.reach == Reach.ALL:
        db.flush()
        rewrite(db, folder)
        facts = {"round": folder.round, "note": note_id, "words": spaces(f"{seconds} s après")}
        append(
            db, folder.collectivity_id, Event("note.taken_back", actor.name, actor.user_id, folder.id, facts)
        )


def _give_back(db: Db, note: FolderNote, user_id: int, former: Mapping[str, Any]) -> None:
    """Give somebody the marks that a note took of him, unless one written after it names him too, and stands.

    The letter of that one keeps them then, for as long as it may be taken back, where it took none itself.
    """
    lock_mark(db, note.folder_id, user_id)  # a note that is being written has brought the folder back first
    query = sa.select(FolderNote).where(
        FolderNote.folder_id == note.folder_id, FolderNote.id > note.id, FolderNote.taken_back_at.is_(None)
    )
    others = db.scalars(query.order_by(FolderNote.id))
    later = next((one for one in others if any(two["user_id"] == user_id for two in one.told)), None)
    if later is None:
        give_back(db, note.folder_id, user_id, former)
        return
    waiting = sa.select(Outbox).where(
        Outbox.key == f"{MENTIONED}-{later.id}-{user_id}", Outbox.state == "pending"
    )
    letter = db.scalar(waiting.with_for_update().execution_options(populate_existing=True))
    if letter is not None and later.final_at is not None and "marks" not in letter.payload:
        letter.payload = {**letter.payload, "marks": former}


@use_case
def remove(db: Db, actor: Actor, folder_id: int, note_id: int) -> None:
    """Take away a note that one wrote for oneself alone; refuses any other (`note-stays`), and `note-gone`."""
    folder = authorize(db, actor, folder_id)
    note = _note(db, folder, actor, note_id)
    if note.reach != Reach.ALONE:
        raise Refusal("note-stays")
    with_answers = sa.delete(FolderNote).where(
        sa.or_(FolderNote.id == note.id, FolderNote.answers_id == note.id),
        FolderNote.collectivity_id == folder.collectivity_id,
    )
    db.execute(with_answers.execution_options(synchronize_session=False))


def _note(db: Db, folder: Folder, actor: Actor, number: int) -> FolderNote:
    """The note of this number, as far as the actor reads it; refuses `note-gone` as it does of one that never was."""
    note = next((note for note in readable(db, folder, actor) if note.id == number), None)
    if note is None:
        raise Refusal("note-gone")
    return note
