"""What the closing of an account would leave: said to the administrator before he closes it."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.circuits.library import in_force
from app.circuits.own_types import called
from app.core.clock import PARIS, now
from app.core.db import Db
from app.core.questions import Query
from app.core.refusals import Refusal
from app.folders.models import StepRun
from app.folders.seats import parts_awaited
from app.operations.desks import closing, stranded
from app.operations.desks.stranded import Lost, Touched, Way
from app.people.choosing import UNOPENED, UNOPENED_WORDS
from app.people.desks import Left
from app.people.mandates import mandates
from app.people.models import Absence, Desk, Holder, User
from app.people.places import places_beside
from app.signing.enrol import common_name
from app.signing.models import Certificate
from workflows.absences import MINUTE
from workflows.mandates import over, words
from workflows.rights import Rights
from workflows.vocabulary import Right, WhoKind

BY_SOFTWARE = "un logiciel en service"
MOST_SHOWN = stranded.MOST_SHOWN
"""Folders named by their number, of those that nobody could take over; the others are counted."""
SHORTEST, LONGEST = closing.SHORTEST, closing.LONGEST
"""Characters of the reason for which an account is closed though something stops."""


@dataclass(frozen=True)
class Covering:
    """An absence in which somebody stands in: its number and state, whose it is, from when and until when, that excluded."""

    number: int
    revision: int
    whose: str
    starts_at: datetime
    ends_at: datetime

    @property
    def last(self) -> datetime:
        """Its last minute, as it was typed."""
        return self.ends_at - MINUTE


@dataclass(frozen=True)
class Leaving:
    """What waits for a person, and what becomes of it once he is gone.

    `taken_over`: folders whose part others may take, and their names; `stuck`: numbers of those that nobody but he could let
    leave their step, at a desk that may be given to another; `named`: of those whose step names him, which no desk gives to
    anybody. `coming`: of those that would stop at a later step, and `coming_named` where that step names him; `ways`: the
    steps of circuits, each after its circuit, that nobody could end. `alone`: desks, by number and name, where no other open
    account holds a right that he holds, with these rights in words.
    `covering`: the absences in which he stands in, now or later. `opinions`: numbers of the folders whose step waits for an
    opinion that nobody but he could give. `mandates`: those to sign that are not over, by number and in words.
    `certificates`: those enrolled in his name, by number and name. `circuits`: the steps that name him, each after its
    circuit, and by what the circuit is kept under. `branch`: the desk whose branch he administers.
    `seats`: his desks, by number and name. `handed`: of the `stuck`, those whose step may be handed to another desk;
    `named_handed`, the same of the `named`. `blocked`: numbers of those that nobody can move already, he no more than others.
    """

    taken_over: int
    others: tuple[str, ...]
    stuck: tuple[int, ...]
    named: tuple[int, ...]
    alone: tuple[tuple[int, str, str], ...]
    mandates: tuple[tuple[int, str], ...]
    circuits: tuple[Way, ...]
    covering: tuple[Covering, ...] = ()
    opinions: tuple[int, ...] = ()
    coming: tuple[int, ...] = ()
    coming_named: tuple[int, ...] = ()
    ways: tuple[Way, ...] = ()
    certificates: tuple[tuple[int, str], ...] = ()
    branch: str = ""
    seats: tuple[tuple[int, str], ...] = ()
    handed: tuple[int, ...] = ()
    named_handed: tuple[int, ...] = ()
    blocked: tuple[int, ...] = ()

    @property
    def points(self) -> frozenset[str]:
        """What would stop, or be left to nobody, each by its number: what was confirmed is told from what came since.

        A folder is one point wherever it would stop: it goes on its way between the plan and its day.
        """
        folders = {*self.stuck, *self.named, *self.coming, *self.coming_named}
        return frozenset(
            (
                *(f"folder {number}" for number in folders),
                *(f"opinion {number}" for number in self.opinions),
                *(f"desk {number} {rights}" for number, _, rights in self.alone),
                *(f"mandate {number}" for number, _ in self.mandates),
                *(f"certificate {number}" for number, _ in self.certificates),
                *(f"absence {absence.number}" for absence in self.covering),
                *(f"way {way.name} {way.step}" for way in self.ways),
                *(f"names {way.name} {way.step}" for way in self.circuits),
                *((f"branch {self.branch}",) if self.branch else ()),
            )
        )

    @property
    def stops(self) -> bool:
        """Whether something would stop, or be left to nobody: it is then confirmed, with a reason."""
        return bool(self.points)

    @property
    def left(self) -> int:
        """How many lines of the list are still to be solved."""
        folders = (self.stuck or self.coming, self.named, self.coming_named, self.opinions)
        several = (self.alone, self.circuits, self.covering, self.mandates, self.certificates)
        return sum(map(bool, (*folders, self.ways, self.branch))) + sum(map(len, several))

    @property
    def settled(self) -> int:
        """How many sorts of things have nothing to solve: folders, desks, circuits, stand-ins, mandates, certificates."""
        folders = self.stuck or self.coming or self.named or self.coming_named or self.opinions
        sorts = (
            folders,
            self.alone,
            self.ways or self.circuits,
            self.covering,
            self.mandates,
            self.certificates,
        )
        return sum(not sort for sort in sorts)

    @property
    def mark(self) -> str:
        """What a page shows of it, in short: posted back, it tells a list that has changed."""
        return hashlib.sha256("\n".join(sorted(self.points)).encode()).hexdigest()[:32]


def effects_of(db: Db, user: User, at: datetime | None = None) -> Leaving:
    """The steps where folders stand now and those to come, by desk or by name, and who else may take them.

    `at`: when the account would be closed, None for now: what is over by then, or on that day, is not left to anybody.
    """
    return read(db, user, at)[0]


def read(db: Db, user: User, at: datetime | None, *beside: Query) -> tuple[Leaving, Sequence[Sequence[Any]]]:
    """The same, and what the queries `beside` give, read by one statement with the rest."""
    moment = now() if at is None else at
    after = moment.astimezone(PARIS).date() + timedelta(days=1)
    taken_over, others = 0, dict[str, None]()
    there = stranded.standing_at(user.collectivity_id, _waiting(user))
    every, (waiting, seats, absent, cards, followed, *others_read) = places_beside(
        db,
        user.collectivity_id,
        _waiting(user),
        _seats(user),
        _covered(user, moment),
        _certificates(user, moment),
        closing.versions_followed(user.collectivity_id),
        *there,
        *beside,
    )
    standing, others_read = others_read[: len(there)], others_read[len(there) :]
    touched = Touched({row.desk_id for row in seats}, {user.id: user.login})
    lost = stranded.lost(
        db,
        user.collectivity_id,
        every,
        touched,
        [number for (number,) in followed],
        lambda there: [one for one in there if one.user_id != user.id],
        standing,
    )
    stopped = {one.folder_id for one in lost.folders if one.now and not one.advice}
    unopened = {row.user_id for row in seats if row.unopened}
    folders = [row.folder_id for row in waiting]
    for number, parts in parts_awaited(db, user.collectivity_id, folders).items():
        his = [part for part in parts if user.id in part.persons]
        if not his or number in stopped or number in lost.blocked:
            continue
        taken_over += 1
        names = [
            *(
                name + (UNOPENED_WORDS if whose in unopened else "")
                for part in parts
                for whose, name in part.persons.items()
                if whose != user.id
            ),
            *(name for part in parts for name in part.covers if name != user.name),
        ]
        others |= dict.fromkeys(names or [BY_SOFTWARE])
    branch = every.get(user.branch_id or 0)
    leaving = Leaving(
        taken_over,
        tuple(sorted(others)),
        _numbers(lost, now=True, named=False),
        _numbers(lost, now=True, named=True),
        _alone(db, user, seats),
        tuple(
            (mandate.id, words(mandate))
            for mandate in mandates(db, user.id)
            if mandate.person == user.id and not over(mandate, after)
        ),
        _naming(db, user),
        tuple(
            Covering(one.id, one.revision, f"{one.first_name} {one.last_name}", one.starts_at, one.ends_at)
            for one in sorted(absent, key=lambda one: (one.starts_at, one.id))
        ),
        tuple(sorted({one.folder_id for one in lost.folders if one.advice})),
        _numbers(lost, now=False, named=False),
        _numbers(lost, now=False, named=True),
        lost.steps,
        tuple(sorted((one.id, common_name(one.subject)) for one in cards)),
        branch.name if branch is not None else "",
        tuple(sorted({(row.desk_id, row.name) for row in seats}, key=lambda seat: seat[1])),
        _handed(lost, named=False),
        _handed(lost, named=True),
        tuple(sorted(lost.blocked.intersection(folders))),
    )
    return leaving, others_read


def refuse_unsure(effects: Leaving, reason: str, shown: str | None) -> str:
    """The reason on one line, as it is written; refuses `leaving-moved` and `leaving-reason`.

    `shown`: the mark of the list that the page showed, None of who posts without a page. A reason is asked where something
    stops, and never written where nothing does.
    """
    reason = " ".join(reason.split())
    if shown is not None and shown != effects.mark and effects.stops:
        raise Refusal("leaving-moved")
    if effects.stops and not (SHORTEST <= len(reason) <= LONGEST and reason.isprintable()):
        raise Refusal("leaving-reason", shortest=SHORTEST, most=LONGEST)
    return reason if effects.stops else ""


def confirmed(reason: str, shown: str | None) -> Callable[[Db, User], Left]:
    """What `close_account` asks of what is left, in its own transaction; refuses as `refuse_unsure`."""

    def left(db: Db, user: User) -> Left:
        effects = effects_of(db, user)
        return left_of(effects, refuse_unsure(effects, reason, shown))

    return left


def left_of(effects: Leaving, reason: str) -> Left:
    """What is written of it once the account is closed; `reason`: where something stops, for which it is closed."""
    stuck, named = {*effects.stuck, *effects.coming}, {*effects.named, *effects.coming_named}
    return Left(len(stuck), len(named), reason)


def _numbers(lost: Lost, *, now: bool, named: bool) -> tuple[int, ...]:
    steps = (one for one in lost.folders if not one.advice)
    return tuple(sorted({one.folder_id for one in steps if (one.now, one.named) == (now, named)}))


def _handed(lost: Lost, *, named: bool) -> tuple[int, ...]:
    there = (one for one in lost.folders if one.now and one.handed)
    return tuple(sorted({one.folder_id for one in there if one.named is named}))


def _certificates(user: User, moment: datetime) -> Query:
    """The certificates enrolled in his name that are neither withdrawn nor over at that moment."""
    return sa.select(Certificate.id, Certificate.subject).where(
        Certificate.collectivity_id == user.collectivity_id,
        Certificate.user_id == user.id,
        Certificate.withdrawn_at.is_(None),
        Certificate.not_after > moment,
    )


def _covered(user: User, moment: datetime) -> Query:
    """The absences in which somebody stands in, at that moment or later: nobody would."""
    columns = (Absence.id, Absence.revision, Absence.starts_at, Absence.ends_at)
    query = sa.select(*columns, User.first_name, User.last_name).join(User, Absence.user_id == User.id)
    return query.where(
        User.collectivity_id == user.collectivity_id,
        Absence.cover_id == user.id,
        Absence.ends_at > moment,
        Absence.ends_at > Absence.starts_at,
    )


def _naming(db: Db, user: User) -> tuple[Way, ...]:
    return tuple(
        Way(circuit.label, step.label, name)
        for name, circuit in in_force(db, user.collectivity_id).items()
        for step in circuit.steps
        if any(who.kind is WhoKind.PERSON and who.value == user.login for who in step.who)
    )


def _waiting(user: User) -> Query:
    """The folders where his desks, or he himself, have a part that is open."""
    desks = sa.select(Holder.desk_id).where(Holder.user_id == user.id)
    his = sa.or_(StepRun.desk_id.in_(desks), StepRun.named_user_id == user.id)
    query = sa.select(StepRun.folder_id).where(sa.text("step_run.state = 'active'"), his).distinct()
    return query.where(StepRun.collectivity_id == user.collectivity_id)


def _seats(user: User) -> Query:
    """Who sits at his desks, with which rights, and whether nobody has ever entered by that account; he too."""
    his = sa.select(Holder.desk_id).where(Holder.user_id == user.id)
    return (
        sa.select(Desk.name, Holder.desk_id, Holder.user_id, Holder.rights, UNOPENED.label("unopened"))
        .join(Holder, Holder.desk_id == Desk.id)
        .join(User, User.id == Holder.user_id)
        .where(
            Desk.collectivity_id == user.collectivity_id,
            User.active.is_(True),
            Desk.closed_at.is_(None),
            Desk.id.in_(his),
        )
    )


def _alone(db: Db, user: User, seats: Sequence[Any]) -> tuple[tuple[int, str, str], ...]:
    """The desks that would have nobody for a right; who deposits from one keeps its drafts with him. `seats`: of `_seats`."""
    losses = []
    for name, desk_id in sorted({(row.name, row.desk_id) for row in seats}):
        holders = [row for row in seats if row.desk_id == desk_id]
        his = Rights.read(word for row in holders if row.user_id == user.id for word in row.rights)
        theirs = Rights.read(word for row in holders if row.user_id != user.id for word in row.rights)
        if lost := gone_with(his, theirs):
            losses.append((desk_id, name, lost.in_words(called(db, user.collectivity_id))))
    return tuple(losses)


def gone_with(his: Rights, theirs: Rights) -> Rights:
    """What nobody could do at a desk any more once `his` rights there are gone and `theirs` are left."""
    # Nothing stops where somebody who only followed is gone
    return Rights(tuple(word for word in his.without(theirs).grants if word != Right.FOLLOW))
