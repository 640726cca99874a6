"""The people of a collectivity as an administrator reads them: their desks, whether their account is open, what is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from app.circuits.own_types import called
from app.core.clock import PARIS, now
from app.core.db import Db
from app.core.french import instant, jour
from app.operations.persons.reducing import is_reduced
from app.people import choosing
from app.people.branches import Branch, only_in
from app.people.covers import away, away_at, until
from app.people.models import Desk, Holder, PasswordReset, Person, User
from app.signing.models import Certificate
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

    `branch`: those alone who sit in it. Five statements, however many there are.
    """
    scope, counts = _of(collectivity_id, branch), counted(db, collectivity_id, branch)
    wanted = _of_whom(now())[which]
    order = (User.active.desc(), sa.func.lower(User.last_name), User.id)
    query = sa.select(User).where(scope, wanted).order_by(*order)
    if search.strip():
        numbers = choosing.matching(db, sa.select(User).where(scope, wanted).order_by(*order), search)
        total = len(numbers)
        page = _within(page, total)
        query = query.where(User.id.in_(numbers[(page - 1) * PAGE : page * PAGE]))
    else:
        total = counts[which]
        page = _within(page, total)
        query = query.limit(PAGE).offset((page - 1) * PAGE)
    people = views(db, db.scalars(query).all())
    return Listing(people, counts, total, page)


def _of(collectivity_id: int, branch: Branch | None) -> sa.ColumnElement[bool]:
    ours = only_in(branch) if branch is not None else sa.true()
    return sa.and_(User.collectivity_id == collectivity_id, ours)


def counted(db: Db, collectivity_id: int, branch: Branch | None = None) -> dict[Which, int]:
    """How many people each choice has; one statement."""
    counts = sa.select(
        *(sa.func.sum(sa.case((condition, 1), else_=0)) for condition in _of_whom(now()).values())
    )
    row = db.execute(counts.where(_of(collectivity_id, branch))).one()
    return dict(zip(Which, (int(number or 0) for number in row), strict=True))


def _within(page: int, total: int) -> int:
    return min(max(1, page), max(1, -(-total // PAGE)))


def _live_link(moment: datetime) -> sa.ColumnElement[bool]:
    """Whether somebody has a link that would still serve."""
    return sa.exists().where(
        PasswordReset.user_id == User.id, PasswordReset.used_at.is_(None), PasswordReset.expires_at > moment
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
    """Each of them with his desks; three statements, one more for rights by type where there are, and one for branches."""
    numbers = [user.id for user in people]
    rights: dict[int, list[tuple[int, str, Rights]]] = {}
    # Outer, or SQLite would begin with all the desks of the collectivity
    held_desks = sa.select(Holder.user_id, Holder.rights, Desk.id, Desk.name).outerjoin(
        Desk, sa.and_(Desk.id == Holder.desk_id, Desk.closed_at.is_(None))
    )
    for row in db.execute(held_desks.where(Holder.user_id.in_(numbers)).order_by(Desk.name)):
        if row.id is None:
            continue
        rights.setdefault(row.user_id, []).append((row.id, row.name, Rights.read(row.rights)))
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
        sa.select(User.id, sa.func.max(Person.password_hash), sa.func.max(PasswordReset.expires_at), serving)
        .outerjoin(Person, Person.id == User.person_id)
        .outerjoin(PasswordReset, waits)
        .where(User.id.in_(numbers))
        .group_by(User.id)
    )
    enter, certificates = dict[int, tuple[bool, datetime | None]](), dict[int, datetime | None]()
    for number, password, link, not_after in db.execute(ways):
        enter[number], certificates[number] = (bool(password), link), not_after
    signing = {
        user_id
        for user_id, several in rights.items()
        if any(Right.SIGN in rights_there for *_, rights_there in several)
    }
    delegated = {user.branch_id for user in people if user.branch_id is not None}
    names = sa.select(Desk.id, Desk.name).where(Desk.id.in_(delegated))
    branches = {row.id: row.name for row in db.execute(names)} if delegated else {}
    absent = away_at(db, people[0].collectivity_id, now()) if people else {}
    return tuple(
        replace(
            _view(user, seats.get(user.id, ()), *enter[user.id], until(absent.get(user.id, ()))),
            note=_note(user, certificates[user.id], signs=user.id in signing),
            branch=branches.get(user.branch_id or 0, ""),
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
    missing = ""
    if not user.active:
        state, tone, icon = ("Réduit" if is_reduced(user) else "Fermé"), "", "slash-circle"
    elif has_password and gone is not None:
        state, tone, icon = f"Absence jusqu’au {instant(gone)}", "info", "calendar3"
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
        user.id, user.name, user.login, user.capacity, user.administrator, state, tone, icon, seats, missing
    )
