"""What the closing of an account would leave: said to the administrator before he closes it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.circuits.library import in_force
from app.circuits.own_types import called
from app.core.clock import now, today
from app.core.db import Db
from app.core.questions import Query, read_together
from app.core.refusals import Refusal
from app.folders.models import StepRun
from app.folders.seats import parts_awaited
from app.operations.desks import closing, stranded
from app.operations.desks.stranded import Lost, Touched
from app.people.mandates import mandates
from app.people.models import Absence, Desk, Holder, User
from app.people.places import places
from app.signing.enrol import common_name
from app.signing.models import Certificate
from workflows.mandates import over, words
from workflows.rights import Rights
from workflows.vocabulary import Right, WhoKind

MOST_SHOWN = stranded.MOST_SHOWN
"""Folders named by their number, of those that nobody could take over; the others are counted."""
SHORTEST, LONGEST = closing.SHORTEST, closing.LONGEST
"""Characters of the reason for which an account is closed though something stops."""


@dataclass(frozen=True)
class Leaving:
    """What waits for a person, and what becomes of it once he is gone.

    `taken_over`: folders whose part others may take, and their names; `stuck`: numbers of those that nobody but he could let
    leave their step, at a desk that may be given to another; `named`: of those whose step names him, which no desk gives to
    anybody. `coming`: of those that would stop at a later step, and `coming_named` where that step names him; `ways`: the
    steps of circuits, each after its circuit, that nobody could end. `alone`: desks, by number and name, where no other open
    account holds a right that he holds, with these rights in words.
    `covering`: for whom he stands in, now or soon. `opinions`: numbers of the folders whose step waits for an opinion that
    nobody but he could give. `mandates`: those to sign that are not over. `certificates`: those enrolled in his name.
    `circuits`: the steps that name him, of circuits that folders may take. `branch`: the desk whose branch he administers.
    """

    taken_over: int
    others: tuple[str, ...]
    stuck: tuple[int, ...]
    named: tuple[int, ...]
    alone: tuple[tuple[int, str, str], ...]
    mandates: tuple[str, ...]
    circuits: tuple[str, ...]
    covering: tuple[str, ...] = ()
    opinions: tuple[int, ...] = ()
    coming: tuple[int, ...] = ()
    coming_named: tuple[int, ...] = ()
    ways: tuple[tuple[str, str], ...] = ()
    certificates: tuple[str, ...] = ()
    branch: str = ""

    @property
    def stops(self) -> bool:
        """Whether something would stop, or be left to nobody: it is then confirmed, with a reason."""
        folders = self.stuck or self.named or self.opinions or self.coming or self.coming_named
        desks = self.ways or self.alone or self.circuits or self.covering or self.branch
        return bool(folders or desks or self.mandates or self.certificates)

    @property
    def mark(self) -> str:
        """What a page shows of it, in short: posted back, it tells a list that has changed."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:32]


def effects_of(db: Db, user: User) -> Leaving:
    """Read as of now: the steps where folders stand and those to come, by desk or by name, and who else may take them."""
    taken_over, others = 0, dict[str, None]()
    every = places(db, user.collectivity_id)
    waiting, seats, absent, cards, followed = read_together(
        db,
        _waiting(user),
        _seats(user),
        _covered(user),
        _certificates(user),
        closing.versions_followed(user.collectivity_id),
    )
    touched = Touched({row.desk_id for row in seats}, {user.id: user.login})
    lost = stranded.lost(
        db,
        user.collectivity_id,
        every,
        touched,
        [number for (number,) in followed],
        lambda there: [one for one in there if one.user_id != user.id],
    )
    stopped = {*lost.numbers(now=True)}
    folders = [row.folder_id for row in waiting]
    asked = parts_awaited(db, user.collectivity_id, folders, asked=True)
    for number, parts in parts_awaited(db, user.collectivity_id, folders).items():
        his = [part for part in parts if user.id in part.persons]
        if not his or number in stopped:
            continue
        taken_over += 1
        others |= {name: None for part in parts for whose, name in part.persons.items() if whose != user.id}
    branch = every.get(user.branch_id or 0)
    return Leaving(
        taken_over,
        tuple(sorted(others)),
        _numbers(lost, now=True, named=False),
        _numbers(lost, now=True, named=True),
        _alone(db, user, seats),
        tuple(
            words(mandate)
            for mandate in mandates(db, user.id)
            if mandate.person == user.id and not over(mandate, today())
        ),
        _naming(db, user),
        tuple(sorted(f"{one.first_name} {one.last_name}" for one in absent)),
        tuple(
            number
            for number, parts in sorted(asked.items())
            if any(user.id in part.persons and len(part.persons) == 1 for part in parts)
        ),
        _numbers(lost, now=False, named=False),
        _numbers(lost, now=False, named=True),
        lost.steps,
        tuple(sorted(common_name(one.subject) for one in cards)),
        branch.name if branch is not None else "",
    )


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


def _numbers(lost: Lost, *, now: bool, named: bool) -> tuple[int, ...]:
    return tuple(sorted({one.folder_id for one in lost.folders if (one.now, one.named) == (now, named)}))


def _certificates(user: User) -> Query:
    """The certificates enrolled in his name that are neither withdrawn nor over."""
    return sa.select(Certificate.subject).where(
        Certificate.collectivity_id == user.collectivity_id,
        Certificate.user_id == user.id,
        Certificate.withdrawn_at.is_(None),
        Certificate.not_after > now(),
    )


def _covered(user: User) -> Query:
    """Those for whom somebody stands in, now or soon: they would have nobody."""
    query = sa.select(User.first_name, User.last_name).join(Absence, Absence.user_id == User.id).distinct()
    return query.where(
        User.collectivity_id == user.collectivity_id,
        Absence.cover_id == user.id,
        Absence.ends_at > now(),
        Absence.ends_at > Absence.starts_at,
    )


def _naming(db: Db, user: User) -> tuple[str, ...]:
    return tuple(
        f"étape « {step.label} » du circuit « {circuit.label} »"
        for circuit in in_force(db, user.collectivity_id).values()
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
    """Who sits at his desks, and with which rights; he too."""
    his = sa.select(Holder.desk_id).where(Holder.user_id == user.id)
    return (
        sa.select(Desk.name, Holder.desk_id, Holder.user_id, Holder.rights)
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
        # Nothing stops where somebody who only followed is gone
        lost = Rights(tuple(word for word in his.without(theirs).grants if word != Right.FOLLOW))
        if lost:
            losses.append((desk_id, name, lost.in_words(called(db, user.collectivity_id))))
    return tuple(losses)
