"""The people of a collectivity as an administrator reads them: their desks, whether their account is open, what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from app.circuits.own_types import called
from app.core.clock import PARIS, now
from app.core.db import Db
from app.core.french import instant, jour
from app.core.questions import Query, read_together
from app.operations.persons.reducing import is_reduced
from app.people import choosing
from app.people.branches import Branch, only_in
from app.people.covers import away, last_end
from app.people.models import Desk, Holder, PasswordReset, Person, User
from app.signing.models import Certificate
from workflows.absences import MINUTE
from workflows.rights import ONLY, Rights
from workflows.vocabulary import Right

PAGE = 25


class Which(StrEnum):
    """Whom the list shows."""

    ALL = ""
    INCOMPLETE = "a-completer"
    INVITED = "invitees"
    AWAY = "absentes"
    CLOSED = "fermes"

    @property
    def label(self) -> str:
        """What its link says."""
        return {
            Which.ALL: "Toutes",
            Which.INCOMPLETE: "À compléter",
            Which.INVITED: "Invitées",
            Which.AWAY: "Absentes",
            Which.CLOSED: "Fermées",
        }[self]


@dataclass(frozen=True)
class Seat:
    """A desk that somebody holds, and what he may do there, in words."""

    desk_id: int
    desk: str
    rights: str


@dataclass(frozen=True)
class PersonView:
    """A person: the account's state in words with its tone and icon, the desks, what an administrator should complete.

    `note`: until when who may sign has a certificate, or that he has none; of a closed account, what stays.
    """

    id: int
    name: str
    login: str
    capacity: str
    administrator: bool
    state: str
    tone: str
    icon: str
    seats: tuple[Seat, ...]
    missing: str = ""
    branch: str = ""
    note: str = ""
    has_password: bool = False


@dataclass(frozen=True)
class Listing:
    """One page of people: where it begins among `total`, and how many each choice has."""

    people: tuple[PersonView, ...]
    counts: Mapping[Which, int]
    total: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are, one at least."""
        return max(1, -(-self.total // PAGE))


def listing(
    db: Db, collectivity_id: int, which: Which, search: str, page: int, branch: Branch | None = None
) -> Listing:
    """Twenty-five people, the open accounts first, by name; `search`: those whose name, login, address or capacity has them all.

    `branch`: those alone who sit in it. Three statements, however many there are.
    """
    scope = _of(collectivity_id, branch)
    wanted = _of_whom(now())[which]
    matching = choosing.matching(search)
    row = db.execute(counting(collectivity_id, branch, sa.and_(wanted, matching))).one()
    counts, total = counts_of(row), int(row.shown)
    page = min(max(1, page), max(1, -(-total // PAGE)))
    order = (User.active.desc(), User.search_key, User.id)
    # The numbers alone are put in order: with whole rows SQLite sorts all that is written of 2,000 people
    shown = sa.select(User.id).where(scope, wanted, matching).order_by(*order)
    shown = shown.limit(PAGE).offset((page - 1) * PAGE)
    query = sa.select(User).where(User.id.in_(shown)).order_by(*order)
    return Listing(views(db, db.scalars(query).all()), counts, total, page)


def _of(collectivity_id: int, branch: Branch | None) -> sa.ColumnElement[bool]:
    ours = only_in(branch) if branch is not None else sa.true()
    return sa.and_(User.collectivity_id == collectivity_id, ours)


def counting(
    collectivity_id: int, branch: Branch | None = None, shown: sa.ColumnElement[bool] | None = None
) -> Query:
    """How many people each choice has, by its name, and of how many `shown` is true."""
    counts = [
        sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0).label(which.name)
        for which, condition in _of_whom(now()).items()
    ]
    total = sa.func.coalesce(sa.func.sum(sa.case((shown if shown is not None else sa.true(), 1), else_=0)), 0)
    return sa.select(*counts, total.label("shown")).where(_of(collectivity_id, branch))


def counts_of(row: Any) -> dict[Which, int]:
    """What `counting` gives, by choice."""
    return {which: int(getattr(row, which.name)) for which in Which}


def _live_link(moment: datetime) -> sa.ColumnElement[bool]:
    """Whether somebody has a link that would still serve."""
    # No index leads from an account to its links: those that live are read once, and not for each account
    return User.id.in_(
        sa.select(PasswordReset.user_id).where(
            PasswordReset.used_at.is_(None), PasswordReset.expires_at > moment
        )
    )


def _of_whom(moment: datetime) -> dict[Which, sa.ColumnElement[bool]]:
    """The condition of each choice, in their order."""
    return {
        Which.ALL: sa.true(),
        Which.INCOMPLETE: _incomplete(moment),
        Which.INVITED: sa.and_(User.active.is_(True), ~_enters(), _live_link(moment)),
        Which.AWAY: sa.and_(User.active.is_(True), _enters(), away(User.id, moment)),
        Which.CLOSED: User.active.is_(False),
    }


def _enters() -> sa.ColumnElement[bool]:
    """Whether somebody has a password."""
    return sa.exists().where(Person.id == User.person_id, Person.password_hash.is_not(None))


def _incomplete(moment: datetime) -> sa.ColumnElement[bool]:
    """Open, and without a desk though he does not administer, or without a password though no link serves any more."""
    seated = sa.exists().where(Holder.user_id == User.id)
    return sa.and_(
        User.active.is_(True),
        sa.or_(
            sa.and_(~seated, User.administrator.is_(False)),
            sa.and_(~_enters(), ~_live_link(moment)),
        ),
    )


def views(db: Db, people: Sequence[User]) -> tuple[PersonView, ...]:
    """Each of them with his desks; one statement, and one for the names of types where a right is for some of them alone."""
    if not people:
        return ()
    numbers, moment = [user.id for user in people], now()
    # Outer, or SQLite would begin with all the desks of the collectivity
    held_desks = (
        sa.select(Holder.user_id, Holder.rights, Desk.id, Desk.name)
        .outerjoin(Desk, sa.and_(Desk.id == Holder.desk_id, Desk.closed_at.is_(None)))
        .where(Holder.user_id.in_(numbers))
    )
    waits = sa.and_(PasswordReset.user_id == User.id, PasswordReset.used_at.is_(None))
    serving = (
        sa.select(sa.func.max(Certificate.not_after))
        .where(
            Certificate.user_id == User.id,
            Certificate.withdrawn_at.is_(None),
            Certificate.to_confirm.is_(False),
        )
        .correlate(User)
        .scalar_subquery()
    )
    ways = (
        sa.select(
            User.id,
            sa.func.max(Person.password_hash),
            sa.func.max(PasswordReset.expires_at),
            last_end(User.id, moment).correlate(User),
            serving,
        )
        .outerjoin(Person, Person.id == User.person_id)
        .outerjoin(PasswordReset, waits)
        .where(User.id.in_(numbers))
        .group_by(User.id)
    )
    delegated = {user.branch_id for user in people if user.branch_id is not None}
    branches = sa.select(Desk.id, Desk.name).where(Desk.id.in_(delegated))
    held_rows, way_rows, branch_rows = read_together(db, held_desks, ways, branches)
    rights: dict[int, list[tuple[int, str, Rights]]] = {}
    there = (row for row in held_rows if row[2] is not None)
    for user_id, grants, desk_id, name in sorted(there, key=lambda row: (row[3], row[2])):
        rights.setdefault(user_id, []).append((desk_id, name, Rights.read(grants)))
    limited = any(
        ONLY in word for several in rights.values() for *_, granted in several for word in granted.grants
    )
    types = called(db, people[0].collectivity_id) if limited else {}
    seats = {
        user_id: tuple(
            Seat(number, name, rights.in_words(types) or "aucun droit") for number, name, rights in several
        )
        for user_id, several in rights.items()
    }
    enter = {number: way for number, *way in way_rows}
    names = {row[0]: row[1] for row in branch_rows}
    signing = {
        user_id
        for user_id, several in rights.items()
        if any(Right.SIGN in rights_there for *_, rights_there in several)
    }
    return tuple(
        replace(
            _view(user, seats.get(user.id, ()), bool(enter[user.id][0]), *enter[user.id][1:3]),
            note=_note(user, enter[user.id][3], signs=user.id in signing),
            branch=names.get(user.branch_id or 0, ""),
        )
        for user in people
    )


def _note(user: User, not_after: datetime | None, *, signs: bool) -> str:
    if not user.active:
        return "" if is_reduced(user) else "Son nom reste dans ce qui a été visé et signé."
    if not_after is None:
        return "Sans certificat" if signs else ""
    day = jour(not_after.astimezone(PARIS).date())
    return f"Certificat jusqu’au {day}" if not_after > now() else f"Certificat expiré le {day}"


def _view(
    user: User, seats: tuple[Seat, ...], has_password: bool, link: datetime | None, gone: datetime | None
) -> PersonView:
    """`link`: until when his last one serves; `gone`: the end of the last of his absences that are under way."""
    missing = ""
    if not user.active:
        state, tone, icon = ("Réduit" if is_reduced(user) else "Fermé"), "", "slash-circle"
    elif has_password and gone is not None:
        state, tone, icon = f"Absence jusqu’au {instant(gone - MINUTE)}", "info", "calendar3"
    elif has_password:
        state, tone, icon = "Actif", "ok", "check-lg"
    elif link is not None and link > now():
        state, tone, icon = (
            f"Invitation valable jusqu’au {jour(link.astimezone(PARIS).date())}",
            "info",
            "envelope",
        )
    else:
        state, tone, icon = "Sans mot de passe", "warn", "exclamation-triangle"
        missing = "Aucun lien ne sert plus : envoyez-en un autre."
    if user.active and not seats and not user.administrator and user.branch_id is None and not missing:
        missing = "Aucun bureau : donnez-lui-en un."
    return PersonView(
        user.id,
        user.name,
        user.login,
        user.capacity,
        user.administrator,
        state,
        tone,
        icon,
        seats,
        missing,
        has_password=has_password,
    )
