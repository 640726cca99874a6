"""Write an absence, change it, end it before its time; name who writes one's own: the verbs, and what they refuse."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.circuits.library import catalogue
from app.circuits.own_types import called, currents, in_force
from app.core.clock import PARIS, now
from app.core.db import Db
from app.core.french import HARD, heure, jour_long
from app.core.outbox import News, Outbox, abandon, post
from app.core.refusals import Refusal
from app.core.security import new_token
from app.core.transaction import use_case
from app.folders.access import readable_by, wrote
from app.folders.models import Folder, StepRun
from app.journal.chain import Event, append
from app.notices.absent import AWAY, CHANGED
from app.notices.hours import CHARGE, due_by_day
from app.notices.hours import COVER_BEGINS as BEGINS
from app.notices.hours import COVER_OVER as OVER
from app.notices.hours import COVER_SET as SET
from app.people import identity
from app.people.actor import Actor
from app.people.branches import Branch, branch_of, is_reached
from app.people.covers import law_of
from app.people.models import Absence, Collectivity, Desk, Holder, Secretary, User
from workflows import absences
from workflows.absences import clash, lent, loops, meet, moment_of, refuse_disorder
from workflows.circuit import StepKind
from workflows.rights import Rights, type_name

PAGE = "/absences"
MINUTES = "%Y-%m-%dT%H:%M"
CHARGE_CHANGED = "ce choix a changé depuis : aucun courriel n’est parti"
FOLLOWED = "/suivi"
"""Where what is lent to be read is found: it enters no list of what waits."""
MOST_TYPES = 60
READS = "lecture seule"
"""What a cover that lends no act is limited to."""
NAMED = 3
"""Folders that a refusal names."""


@dataclass(frozen=True)
class Wanted:
    """An absence as it is asked for: `first` and `last` are the minutes typed in Paris, both of them inside.

    `user_id` is away, `cover_id` stands in, None for nobody; `desk_id`, `types`, `acts` and `letters` as in `Absence`.
    """

    user_id: int
    cover_id: int | None
    first: str
    last: str
    desk_id: int | None = None
    types: tuple[str, ...] = ()
    acts: bool = True
    letters: bool = False

    def law(self) -> absences.Absence:
        """The same as the law reads it; refuses `absence-dates` and `absence-hour`."""
        starts = moment_of(self.first, PARIS)
        ends = moment_of(self.last, PARIS, last=True) + absences.MINUTE
        return absences.Absence(
            self.user_id, self.cover_id, starts, ends, self.desk_id, tuple(sorted(set(self.types))), self.acts
        )


def as_written(row: Absence, cover_id: int | None) -> Wanted:
    """An absence as it stands, with this stand-in."""
    return Wanted(
        row.user_id,
        cover_id,
        row.starts_at.astimezone(PARIS).strftime(MINUTES),
        absences.last_instant(row.ends_at).astimezone(PARIS).strftime(MINUTES),
        row.desk_id,
        tuple(row.types),
        row.acts,
        row.letters,
    )


def words_of(moment: datetime) -> str:
    """« 21 décembre 2026 à 8 h 00 »."""
    return f"{jour_long(moment.astimezone(PARIS).date())} à {heure(moment)}"


def last_minute(ends: datetime) -> str:
    """The last minute of an absence that ends then, in words: an end is inclusive wherever it is read."""
    return words_of(absences.last_instant(ends))


def may_set(db: Db, actor: Actor, user_id: int) -> bool:
    """Whether the actor writes the absences of somebody: his own, those of who named him, those of whom he administers."""
    if actor.user_id is None:
        return False
    if actor.user_id == user_id:
        return True
    if actor.administrator:
        return True
    if actor.delegated and is_reached(db, branch_of(db, actor), user_id):
        return True
    return _is_secretary(db, actor, user_id)


@use_case
def plan(db: Db, actor: Actor, wanted: Wanted) -> int:
    """Write an absence; its number. Who stands in is told now, and again when it begins and when it ends.

    What is asked again as the actor wrote it (an answer that was lost, a double click) is that absence: nothing is written
    and nobody told. So is one without a stand-in, whoever wrote it.

    Refuses `identity-needed`, `absence-whose` to who may not write it, what `checked` refuses, and `absence-emitter` where
    who would stand in deposited a folder that waits there and that the actor reads; of others it says nothing (decision
    0008), and they are refused to who stands in.
    """
    identity.refuse_stale_in(db, actor)
    _alone(db, wanted)
    if may_set(db, actor, wanted.user_id) and (known := _written(db, actor, wanted)) is not None:
        return known
    law, absent, cover = checked(db, actor, wanted, lock=True)
    refuse_emitter(db, actor, law, cover)
    row = Absence(
        collectivity_id=actor.collectivity_id,
        **_columns(law),
        letters=wanted.letters,
        revision=1,
        set_by=actor.name,
        set_at=now(),
    )
    db.add(row)
    db.flush()
    _let_go(db, row)
    _tell(db, actor, row, absent, cover)
    _write_down(db, actor, "absence.planned", row, absent, cover)
    return row.id


@use_case
def change(db: Db, actor: Actor, number: int, wanted: Wanted, *, revision: int) -> None:
    """Write an absence otherwise: dates, who stands in, for what; whose it is never changes.

    What is sent again as it stands changes nothing and tells nobody. Where the absent person's own letters alone change,
    who has read the rest is not sent it twice.

    Refuses what `plan` refuses, `absence-unknown`, `absence-changed` where another wrote it since, and `absence-past` of one
    that is over.
    """
    identity.refuse_stale_in(db, actor)
    row = _locked(db, actor, number, revision)
    former, since, wanted = row.cover_id, row.starts_at, replace(wanted, user_id=row.user_id)
    law, absent, cover = checked(db, actor, wanted, lock=True, but=number)
    refuse_emitter(db, actor, law, cover)
    columns = _columns(law)
    same = all(getattr(row, name) == value for name, value in columns.items())
    if same and row.letters == wanted.letters:
        return
    for name, value in columns.items():
        setattr(row, name, value)
    row.letters, row.set_by, row.set_at, row.revision = wanted.letters, actor.name, now(), row.revision + 1
    db.flush()
    _abandon_former(db, row)
    if former is not None and former != row.cover_id:
        before = db.get_one(User, former)
        letter = _letter(OVER, row, absent, before, actor, ends=last_minute(now()), since=since, final=True)
        post(db, row.collectivity_id, [letter])
    _let_go(db, row)
    _tell(db, actor, row, absent, cover, same=same, former=former)
    _write_down(db, actor, "absence.changed", row, absent, cover)


@use_case
def end(db: Db, actor: Actor, number: int, *, revision: int) -> bool:
    """End an absence now, or delete one that has not begun; whether it had. Nothing more is lent from this minute on.

    Who stood in is told, and so is who was away where somebody else did it.

    Refuses `absence-whose`, `absence-unknown`, `absence-changed`, and `absence-past` of one that is over.
    """
    row = _locked(db, actor, number, revision)
    moment = now()
    begun = row.starts_at <= moment
    row.ends_at = moment if begun else row.starts_at
    row.revision, row.set_by, row.set_at = row.revision + 1, actor.name, moment
    db.flush()
    _abandon_former(db, row)
    _let_go(db, row)
    absent = db.get_one(User, row.user_id)
    cover = db.get(User, row.cover_id) if row.cover_id is not None else None
    if cover is not None and cover.active:
        letter = _letter(OVER, row, absent, cover, actor, ends=last_minute(moment), final=True)
        post(db, row.collectivity_id, [letter])
    if absent.id != actor.user_id:
        letter = _letter(OVER, row, absent, absent, actor, ends=last_minute(moment), cover=cover, final=True)
        post(db, row.collectivity_id, [letter])
    _write_down(db, actor, "absence.ended", row, absent, cover)
    return begun


@use_case
def name_secretary(db: Db, actor: Actor, secretary_id: int | None) -> None:
    """Say who may write one's absences beside oneself, None for nobody; refuses `identity-needed` and `absence-cover`.

    Who is named is told, and who was named before; the same name again changes nothing and tells nobody.
    """
    identity.refuse_stale_in(db, actor)
    named = _person(db, actor, secretary_id) if secretary_id is not None else None
    if named is not None and named.id == actor.user_id:
        raise Refusal("absence-cover")
    row = db.get(Secretary, actor.user_id, with_for_update=True)
    if row is None:
        row = Secretary(user_id=actor.user_id, collectivity_id=actor.collectivity_id)
        db.add(row)
    former = row.secretary_id
    if former == secretary_id:
        return
    row.secretary_id = named.id if named is not None else None
    before = db.get_one(User, former) if former is not None else None
    _tell_secretaries(db, actor, [(named, True), (before, False)])
    sentence = f"secrétariat : {named.name}" if named is not None else "personne"
    facts = {"whose": actor.user_id, "secretary": row.secretary_id, "words": sentence}
    event = Event("absence.secretary", actor.name, actor.user_id, None, facts)
    append(db, actor.collectivity_id, event)


def _tell_secretaries(db: Db, actor: Actor, changes: Iterable[tuple[User | None, bool]]) -> None:
    """Tell each of these people that he may write the actor's absences, or may no more.

    Whose last letter of it has not left knows of neither: that one does not leave, and no other is written.
    """
    for reader, named in changes:
        if reader is None or not reader.active:
            continue
        waiting = (
            Outbox.kind == "mail",
            Outbox.payload["event"].as_string() == CHARGE,
            Outbox.payload["user_id"].as_integer() == reader.id,
            Outbox.payload["of"].as_integer() == actor.user_id,
            Outbox.attempts == 0,  # what a mail server was given once may have reached him
        )
        if abandon(db, actor.collectivity_id, CHARGE_CHANGED, *waiting):
            continue
        facts = {
            "event": CHARGE,
            "user_id": reader.id,
            "of": actor.user_id,
            "by": actor.name,
            "own": named,
            "page": PAGE,
        }
        key = f"{CHARGE}-{reader.id}-{new_token()[:16]}"
        post(db, actor.collectivity_id, [News("mail", key, facts, None, reader.email)])


def secretary_of(db: Db, user_id: int) -> User | None:
    """Whom somebody has named to write his absences; None for nobody."""
    query = sa.select(User).join(Secretary, Secretary.secretary_id == User.id)
    return db.scalar(query.where(Secretary.user_id == user_id, User.active.is_(True)))


def checked(
    db: Db, actor: Actor, wanted: Wanted, *, lock: bool = False, but: int | None = None
) -> tuple[absences.Absence, User, User | None]:
    """An absence that may be written, as the law reads it, who is away and who stands in; `but`: the one that it changes.

    Refuses `absence-whose`, what `_refuse_overreach` refuses, `absence-dates`, `absence-hour`, `absence-order`,
    `absence-past`, `absence-long`; an account that
    is closed or elsewhere (`absence-cover`), oneself (`absence-self`); a desk that is not the person's (`absence-desk`), types
    that are none here (`absence-type`); who is away then (`absence-away`), or comes back to the person (`absence-loop`); a
    second absence of the same person, with the same stand-in, at the same time (`absence-twice`).

    One that would begin in the past begins now: nothing was lent before it is written. One that has begun keeps its start.

    `lock`: nobody plans another absence of these two people until the caller's transaction is over.
    """
    if not may_set(db, actor, wanted.user_id):
        raise Refusal("absence-whose")
    law, moment = wanted.law(), now()
    refuse_disorder(law, moment)
    changed = db.get(Absence, but) if but is not None else None
    since = changed.starts_at if changed is not None else None
    law = replace(law, starts=absences.beginning(law.starts, moment, since))
    _refuse_overreach(db, actor, law, changed)
    if lock:
        _alone(db, wanted)
    absent = _person(db, actor, wanted.user_id)
    cover = _person(db, actor, wanted.cover_id) if wanted.cover_id is not None else None
    if cover is not None and cover.id == absent.id:
        raise Refusal("absence-self")
    _refuse_place(db, law)
    others = [
        other for other in coming(db, actor.collectivity_id, max(law.starts, moment)) if other.id != but
    ]
    _refuse_clash(law, [law_of(other) for other in others], absent, cover)
    return law, absent, cover


def _alone(db: Db, wanted: Wanted) -> None:
    """From here on, nobody plans another absence of these two people until the transaction is over."""
    both = sa.select(User.id).where(User.id.in_([wanted.user_id, wanted.cover_id or 0]))
    db.execute(both.order_by(User.id).with_for_update()).all()


def _written(db: Db, actor: Actor, wanted: Wanted) -> int | None:
    """The absence that says already what is asked, as it was first written, and is not over; None where there is none."""
    law = wanted.law()
    for row in coming(db, actor.collectivity_id, now()):
        # One that was asked for from a minute that had passed began when it was written
        begins = row.starts_at == law.starts or law.starts <= row.starts_at <= row.set_at
        by_him = row.cover_id is None or row.set_by == actor.name
        same = row.revision == 1 and replace(law_of(row), starts=law.starts) == law
        if begins and by_him and same and row.letters == wanted.letters:
            return row.id
    return None


def _refuse_overreach(db: Db, actor: Actor, law: absences.Absence, changed: Absence | None) -> None:
    """Refuse to lend more than one's own place allows: to oneself, or outside the branch that one administers.

    To oneself (`absence-own-cover`) whoever administers neither, who would read by it what waits for somebody who is there; but
    what was lent by another may be made less. A secretary's or a branch's word ends with the charge; what it would lend to its
    writer, or at all desks of somebody, would not.
    """
    if actor.user_id == law.person:
        return
    if law.by == actor.user_id and not (changed is not None and _inside(law, law_of(changed))):
        raise Refusal("absence-own-cover")
    within = lendable(db, actor, law.person)
    if within is not None and law.desk not in within:
        raise Refusal("absence-branch")


def _inside(law: absences.Absence, former: absences.Absence) -> bool:
    """Whether an absence lends nothing that it did not lend before: to the same person, no longer, and no more."""
    return (
        law.by == former.by
        and former.starts <= law.starts
        and law.ends <= former.ends
        and former.desk in {None, law.desk}
        and (not former.types or (bool(law.types) and set(law.types) <= set(former.types)))
        and (former.acts or not law.acts)
    )


def lendable(db: Db, actor: Actor, user_id: int) -> Branch | None:
    """The desks of somebody at which alone the actor may have another stand in; None for all, those to come included."""
    if actor.administrator or actor.user_id == user_id or _is_secretary(db, actor, user_id):
        return None
    return branch_of(db, actor)


def _is_secretary(db: Db, actor: Actor, user_id: int) -> bool:
    named = sa.select(Secretary.user_id).where(
        Secretary.user_id == user_id, Secretary.secretary_id == actor.user_id
    )
    return db.scalar(named) is not None


def coming(db: Db, collectivity_id: int, since: datetime) -> Sequence[Absence]:
    """The absences of a collectivity that are not over at a moment, cancelled ones left out, in the order in which they begin."""
    query = sa.select(Absence).where(
        Absence.collectivity_id == collectivity_id,
        Absence.ends_at > since,
        Absence.ends_at > Absence.starts_at,
    )
    return db.scalars(query.order_by(Absence.starts_at, Absence.id)).all()


def _person(db: Db, actor: Actor, user_id: int) -> User:
    query = sa.select(User).where(User.id == user_id, User.collectivity_id == actor.collectivity_id)
    user = db.scalar(query.where(User.active.is_(True)))
    if user is None:
        raise Refusal("absence-cover")
    return user


def _refuse_place(db: Db, law: absences.Absence) -> None:
    if law.desk is not None:
        seat = sa.select(Holder.desk_id).join(Desk, Desk.id == Holder.desk_id)
        his = seat.where(Holder.user_id == law.person, Holder.desk_id == law.desk, Desk.closed_at.is_(None))
        if db.scalar(his) is None:
            raise Refusal("absence-desk")
    if law.types:
        collectivity_id = db.info.get("collectivity_id") or 0
        known = called(db, collectivity_id)
        if len(law.types) > MOST_TYPES or not set(law.types) <= known.keys():
            raise Refusal("absence-type")


def _refuse_clash(
    law: absences.Absence, others: Collection[absences.Absence], absent: User, cover: User | None
) -> None:
    if cover is None:
        return
    if loops(law, others):
        raise Refusal("absence-loop", cover=cover.name, absent=absent.name)
    away = clash(law, others)
    if away is not None:
        begins, ends = words_of(away.starts), last_minute(away.ends)
        raise Refusal("absence-away", cover=cover.name, begins=begins, ends=ends)
    same = (
        other for other in others if other.person == law.person and other.by == law.by and meet(other, law)
    )
    if any(other.desk in {None, law.desk} or law.desk is None for other in same):
        raise Refusal("absence-twice", cover=cover.name)


def called_of(title: str, number: str) -> str:
    """What a folder is called in lists: its title, and its number where the title does not say it."""
    shown = title or "Sans titre"
    return f"{shown}, n°{HARD}{number}" if number and number not in shown else shown


def deposited_by(db: Db, reader: Actor, law: absences.Absence, cover_id: int, most: int) -> list[str]:
    """The folders that somebody created, wrote or sent and that wait where he would stand in, `most` of them, by their names.

    Those alone that the reader may read.
    """
    seats = sa.select(Holder.desk_id, Holder.rights).where(Holder.user_id == law.person)
    lending = {
        row.desk_id: kinds
        for row in db.execute(seats)
        if law.desk in {None, row.desk_id} and (kinds := _kinds(lent(Rights.read(row.rights), law.types)))
    }
    if not lending or not law.acts:
        return []
    query = (
        sa.select(StepRun.folder_id, StepRun.family, StepRun.own_type, Folder.title, Folder.number)
        .join(Folder, Folder.id == StepRun.folder_id)
        .where(
            sa.text("step_run.state = 'active'"),
            wrote(cover_id, sa.inspect(Folder).local_table),
            readable_by(reader),
            sa.or_(
                *(
                    sa.and_(StepRun.desk_id == desk, StepRun.kind.in_(kinds))
                    for desk, kinds in lending.items()
                )
            ),
        )
        .distinct()
        .order_by(StepRun.folder_id)
    )
    rows = db.execute(query.limit(10 * most)).all()
    fit = {
        row.folder_id: called_of(row.title, row.number)
        for row in rows
        if absences.concerns(law.types, row.family, row.own_type)
    }
    return list(fit.values())[:most]


def _kinds(rights: Rights) -> list[str]:
    return [kind.value for kind in StepKind if not kind.automatic and kind.right in rights]


def refuse_emitter(db: Db, actor: Actor, law: absences.Absence, cover: User | None) -> None:
    """Refuse `absence-emitter`, who deposited a folder that waits there and that the actor reads: it would be his own."""
    if cover is None:
        return
    if deposits := deposited_by(db, actor, law, cover.id, NAMED + 1):
        several = "des dossiers qui attendent" if len(deposits) > 1 else "un dossier qui attend"
        folders = ", ".join(f"« {name} »" for name in deposits[:NAMED])
        raise Refusal(
            "absence-emitter",
            cover=cover.name,
            what=several,
            folders=folders + (" et d’autres" if len(deposits) > NAMED else ""),
        )


def _columns(law: absences.Absence) -> dict[str, Any]:
    return {
        "user_id": law.person,
        "cover_id": law.by,
        "desk_id": law.desk,
        "types": list(law.types),
        "acts": law.acts,
        "starts_at": law.starts,
        "ends_at": law.ends,
    }


def _locked(db: Db, actor: Actor, number: int, revision: int) -> Absence:
    """The absence, locked, as the page showed it; who may not write it is told that it does not exist."""
    query = sa.select(Absence).where(Absence.id == number, Absence.collectivity_id == actor.collectivity_id)
    row = db.scalar(query.with_for_update().execution_options(populate_existing=True))
    if row is None or not may_set(db, actor, row.user_id):
        raise Refusal("absence-unknown")
    if row.revision != revision:
        raise Refusal("absence-changed")
    if row.ends_at <= now() or row.ends_at <= row.starts_at:
        raise Refusal("absence-past")
    return row


def _tell(
    db: Db,
    actor: Actor,
    row: Absence,
    absent: User,
    cover: User | None,
    *,
    same: bool = False,
    former: int | None = None,
) -> None:
    """The letters of an absence as it stands now; those of a former revision do not leave.

    `same`: they would say what those of the former revision said, which is no news for whom it has reached. `former`: who stood
    in before this change.
    """
    news: list[News] = []
    limits = _limits_in_letters(db, row)
    if cover is not None:
        if cover.id != actor.user_id and not (same and _has_read(db, row, cover)):
            changed = cover.id == former and _knows(db, row, cover)
            news.append(_letter(SET, row, absent, cover, actor, limits=limits, changed=changed))
        own = db.get_one(Collectivity, row.collectivity_id).settings
        begins_at = due_by_day(own, BEGINS, row.starts_at)
        # One that has begun by night is told in the morning: the letter of the former revision does not leave any more
        if row.starts_at > now() or (same and begins_at > now()):
            news.append(_letter(BEGINS, row, absent, cover, actor, at=begins_at, limits=limits))
        over_at = due_by_day(own, OVER, row.ends_at)
        news.append(_letter(OVER, row, absent, cover, actor, at=over_at))
    if absent.id != actor.user_id and not (same and _has_read(db, row, absent)):
        changed = _knows(db, row, absent)
        news.append(_letter(SET, row, absent, absent, actor, cover=cover, limits=limits, changed=changed))
    post(db, row.collectivity_id, news)


def _has_read(db: Db, row: Absence, reader: User) -> bool:
    """Whether the last letter that said this absence to somebody has left, or none had to: he wrote it himself."""
    letters = _left(db, row, reader)
    return not letters or letters[-1]


def _knows(db: Db, row: Absence, reader: User) -> bool:
    """Whether somebody knows an absence as it stood before: by a letter of any revision, or as he wrote it himself."""
    letters = _left(db, row, reader)
    return row.revision > 1 and (not letters or any(letters))


def _left(db: Db, row: Absence, reader: User) -> list[bool]:
    """Whether each letter that said this absence to somebody has left, the first to the last."""
    letters = sa.select(Outbox.state, Outbox.last_error).where(
        Outbox.collectivity_id == row.collectivity_id,
        Outbox.kind == "mail",
        Outbox.payload["absence"].as_integer() == row.id,
        Outbox.payload["event"].as_string() == SET,
        Outbox.payload["user_id"].as_integer() == reader.id,
    )
    return [
        letter.state == "done" and letter.last_error is None
        for letter in db.execute(letters.order_by(Outbox.id))
    ]


def _abandon_former(db: Db, row: Absence) -> None:
    """End the waiting letters of a former revision: nobody reads of them as of letters that will leave.

    What tells somebody that he stands in no more stays as true, unless he stands in again.
    """
    of_it = Outbox.payload["absence"].as_integer() == row.id
    former = Outbox.payload["revision"].as_integer() < row.revision
    dated = sa.or_(
        Outbox.payload["final"].as_string().is_(None),
        Outbox.payload["user_id"].as_integer() == (row.cover_id or 0),
    )
    abandon(db, row.collectivity_id, CHANGED, Outbox.kind == "mail", of_it, former, dated)


def _let_go(db: Db, row: Absence) -> None:
    """Have the letters that wait for the person's return looked at now: it may have come nearer, or letters be wanted."""
    waiting = sa.update(Outbox).where(
        Outbox.collectivity_id == row.collectivity_id,
        Outbox.kind == "mail",
        sa.text("state = 'pending'"),
        Outbox.last_error == AWAY,
        Outbox.payload["user_id"].as_integer() == row.user_id,
    )
    db.execute(waiting.values(available_at=now()).execution_options(synchronize_session=False))


def _letter(
    event: str,
    row: Absence,
    absent: User,
    reader: User,
    actor: Actor,
    *,
    at: datetime | None = None,
    ends: str = "",
    cover: User | None = None,
    since: datetime | None = None,
    final: bool = False,
    limits: str = "",
    changed: bool = False,
) -> News:
    """A letter about an absence; `final`: it stays true whatever becomes of the absence, but for who stands in again.

    `limits`: to what its cover is limited. `changed`: its reader knows it as it stood before.
    `since`: when it was to begin before this change. One that had not begun is over for nobody: it is told as given up.
    """
    starts_at = since or row.starts_at
    page = "/" if event == BEGINS and row.acts else FOLLOWED if event == BEGINS else PAGE
    if event == SET and reader.id == absent.id:
        # Who wrote it was told of the folders that he reads: the person alone is told of all that it stops
        page = f"{PAGE}/{row.id}#bloquera"
    facts: dict[str, Any] = {
        "event": event,
        "user_id": reader.id,
        "absence": row.id,
        "revision": row.revision,
        "by": actor.name,
        "whose": absent.name,
        "own": reader.id != absent.id,
        "acts": row.acts,
        "limits": limits,
        "changed": changed,
        "what": cover.name if cover is not None else "",
        "begins": words_of(starts_at),
        "ends": ends or last_minute(row.ends_at),
        "page": page,
    }
    delay = max((at - now()).total_seconds(), 0.0) if at is not None else 0.0
    if at is not None:
        facts["at"] = at.isoformat()
    if final:
        facts |= {"final": True, "begun": starts_at <= now()}
    key = f"{event}-{row.id}-{row.revision}-{reader.id}"
    return News("mail", key, facts, None, reader.email, delay=delay)


def _write_down(db: Db, actor: Actor, event: str, row: Absence, absent: User, cover: User | None) -> None:
    facts: dict[str, Any] = {
        "absence": row.id,
        "whose": absent.id,
        "cover": cover.id if cover is not None else None,
        "desk": db.get_one(Desk, row.desk_id).key if row.desk_id is not None else None,
        "types": row.types,
        "acts": row.acts,
        "starts": row.starts_at.isoformat(),
        "ends": row.ends_at.isoformat(),
        "words": _period(row) + (f", intérim : {cover.name}" if cover is not None else ", sans intérim"),
    }
    append(db, row.collectivity_id, Event(event, actor.name, actor.user_id, None, facts))


def _period(row: Absence) -> str:
    """« du 21 décembre 2026 à 8 h 00 au 2 janvier 2027 à 17 h 59 »; of one that was cancelled before, when it was to begin."""
    if row.ends_at <= row.starts_at:
        return f"qui devait commencer le {words_of(row.starts_at)}, annulée"
    return f"du {words_of(row.starts_at)} au {last_minute(row.ends_at)}"


def limits_of(
    absence: Absence, desks: Mapping[int, str], types: Mapping[str, str], untold_types: Collection[str]
) -> str:
    """« lecture seule, bureau « Finances », Factures seulement »; empty for a cover of everything.

    `untold_types`: those that are not named to the reader.
    """
    parts = [] if absence.acts or absence.cover_id is None else [READS]
    if absence.desk_id is not None:
        parts.append(f"bureau « {desks.get(absence.desk_id, '')} »")
    if any(name in untold_types for name in absence.types):
        parts.append("certains types de dossiers seulement")
    elif absence.types:
        parts.append(f"{', '.join(types.get(name, name) for name in absence.types)} seulement")
    return ", ".join(parts)


def _limits_in_letters(db: Db, row: Absence) -> str:
    """`limits_of` as a letter may say it, which names no type of a closed reading."""
    desk = db.get(Desk, row.desk_id) if row.desk_id is not None else None
    desks = {desk.id: desk.name} if desk is not None else {}
    if not row.types:
        return limits_of(row, desks, {}, ())
    known = catalogue()
    closed = {name for name, law in known.items() if law.discreet} | {
        type_name(one.row.family, one.row.key)
        for one in currents(db, row.collectivity_id)
        if one.row.family in known and in_force(one).discreet
    }
    return limits_of(row, desks, called(db, row.collectivity_id), closed)


def names(db: Db, users: Iterable[int]) -> dict[int, str]:
    """The names of these people, by number."""
    rows = db.execute(sa.select(User.id, User.first_name, User.last_name).where(User.id.in_(set(users))))
    return {row.id: f"{row.first_name} {row.last_name}" for row in rows}
