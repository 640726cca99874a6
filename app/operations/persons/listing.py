"""The people of a collectivity as an administrator reads them: their desks, whether their account is open, what is missing."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.circuits.own_types import called
from app.core.clock import PARIS, now
from app.core.db import Db
from app.core.french import instant, jour
from app.core.questions import Query
from app.operations.persons.reducing import is_reduced
from app.people import choosing
from app.people.branches import Branch, only_in
from app.people.covers import Away, absence, away_at, away_in, last_end
from app.people.models import Desk, Holder, PasswordReset, Person, PlannedClosing, User
from app.signing.models import Certificate
from workflows.absences import MINUTE
from workflows.rights import ONLY, Rights
from workflows.vocabulary import Right

PAGE = 25
_branch = aliased(Desk)
_link: Any = PasswordReset.__table__.c


class Which(StrEnum):
    """Whom the list shows."""

    ALL = ""
    INCOMPLETE = "a-completer"
    INVITED = "invitees"
    AWAY = "absentes"
    UNREACHED = "courriel-refuse"
    CLOSED = "fermes"

    @property
    def label(self) -> str:
        """What its link says."""
        return {
            Which.ALL: "Toutes",
            Which.INCOMPLETE: "À compléter",
            Which.INVITED: "Invitées",
            Which.AWAY: "Absentes",
            Which.UNREACHED: "Courriel refusé",
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

    `note`: until when who may sign has a certificate, or that he has none; of a closed account, what stays. `closing`: when
    the account is planned to be closed, or that it was not. `cover`: who stands in for somebody who is away, or that nobody does.
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
    closing: str = ""
    has_link: bool = False
    cover: str = ""


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

    `branch`: those alone who sit in it. Two statements, however many there are.
    """
    scope = _of(collectivity_id, branch)
    wanted = _of_whom(collectivity_id, now())[which]
    matching = choosing.matching(search)
    row = db.execute(counting(collectivity_id, branch, sa.and_(wanted, matching))).one()
    counts, total = counts_of(row), int(row.shown)
    page = min(max(1, page), max(1, -(-total // PAGE)))
    if not total:
        return Listing((), counts, total, page)
    # Open and closed apart: each is in its order in the index, and its beginning alone is read
    both = sa.union_all(
        *(_beginning(page * PAGE, scope, wanted, matching, User.active.is_(open_)) for open_ in (True, False))
    )
    every = both.subquery()
    shown = sa.select(every.c.id).order_by(every.c.active.desc(), every.c.search_key, every.c.id)
    people = views(db, collectivity_id, shown.limit(PAGE).offset((page - 1) * PAGE))
    return Listing(people, counts, total, page)


def _beginning(most: int, *conditions: sa.ColumnElement[bool]) -> Query:
    """The first people by name of whom all of this is true."""
    query = sa.select(User.id, User.active, User.search_key).where(*conditions)
    first = query.order_by(User.search_key, User.id).limit(most).subquery()
    return sa.select(first)


def _of(collectivity_id: int, branch: Branch | None) -> sa.ColumnElement[bool]:
    ours = only_in(branch) if branch is not None else sa.true()
    return sa.and_(User.collectivity_id == collectivity_id, ours)


def counting(
    collectivity_id: int, branch: Branch | None = None, shown: sa.ColumnElement[bool] | None = None
) -> Query:
    """How many people each choice has, by its name, and of how many `shown` is true.

    Each account is looked at once; who is invited and who is away are few, and are reached from their links and absences.
    """
    moment, scope = now(), _of(collectivity_id, branch)
    whom = _of_whom(collectivity_id, moment)

    def of_all(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((condition, 1), else_=0)), 0)

    def of_few(whose: Any, few: sa.ColumnElement[bool], which: Which) -> Any:
        # Outer, or SQLite would begin with all the people of the collectivity
        query = sa.select(sa.func.count(User.id.distinct())).select_from(whose.table)
        query = query.outerjoin(User, sa.and_(User.id == whose, scope, whom[which])).where(few)
        return query.correlate(None).scalar_subquery()

    everybody = sa.func.count()
    return sa.select(
        everybody.label(Which.ALL.name),
        of_all(whom[Which.INCOMPLETE]).label(Which.INCOMPLETE.name),
        of_few(_link.user_id, _serves(moment), Which.INVITED).label(Which.INVITED.name),
        of_few(absence.user_id, away_in(collectivity_id, moment), Which.AWAY).label(Which.AWAY.name),
        of_all(whom[Which.UNREACHED]).label(Which.UNREACHED.name),
        of_all(whom[Which.CLOSED]).label(Which.CLOSED.name),
        (everybody if shown is None else of_all(shown)).label("shown"),
    ).where(scope)


def counts_of(row: Any) -> dict[Which, int]:
    """What `counting` gives, by choice."""
    return {which: int(getattr(row, which.name)) for which in Which}


def _live_link(moment: datetime) -> sa.ColumnElement[bool]:
    """Whether somebody has a link that would still serve."""
    # No index leads from an account to its links: those that live are read once, and not for each account
    return User.id.in_(sa.select(_link.user_id).where(_serves(moment)))


def _serves(moment: datetime) -> sa.ColumnElement[bool]:
    """Whether a link would still serve."""
    return sa.and_(_link.used_at.is_(None), _link.expires_at > moment)


def _of_whom(collectivity_id: int, moment: datetime) -> dict[Which, sa.ColumnElement[bool]]:
    """The condition of each choice, in their order; what few people meet is asked first."""
    return {
        Which.ALL: sa.true(),
        Which.INCOMPLETE: _incomplete(moment),
        Which.INVITED: sa.and_(_live_link(moment), User.active.is_(True), ~_enters()),
        Which.AWAY: sa.and_(
            User.id.in_(sa.select(absence.user_id).where(away_in(collectivity_id, moment))),
            User.active.is_(True),
            _enters(),
        ),
        Which.UNREACHED: sa.and_(User.active.is_(True), User.mail_refusals > 0),
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
            sa.and_(~_enters(), ~_live_link(moment)),
            sa.and_(User.administrator.is_(False), ~seated),
        ),
    )


def views(
    db: Db, collectivity_id: int, numbers: sa.Select[tuple[int]] | Collection[int]
) -> tuple[PersonView, ...]:
    """The people of these numbers with their desks, the open accounts first, by name.

    One statement, one for the names of types where a right is for some of them alone, and one where somebody is away.
    """
    moment = now()
    seats: dict[int, list[tuple[str, int, tuple[str, ...]]]] = defaultdict(list)
    people: dict[int, Any] = {}
    for row in db.execute(_read(numbers, moment)):
        people[row.id] = row
        if row.desk_id is not None:
            seats[row.id].append((row.desk, row.desk_id, tuple(row.rights)))
    # Most have the same rights as others: what they say is worked out once
    every = {grants for several in seats.values() for *_, grants in several}
    rights = {grants: Rights.read(grants) for grants in every}
    limited = any(ONLY in word for one in rights.values() for word in one.grants)
    types = called(db, collectivity_id) if limited else {}
    words = {grants: one.in_words(types) or "aucun droit" for grants, one in rights.items()}
    signing = {grants for grants, one in rights.items() if Right.SIGN in one}
    away = away_at(db, collectivity_id, moment) if any(row.gone for row in people.values()) else {}
    return tuple(
        _view(
            row,
            tuple(
                Seat(number, name, words[grants]) for name, number, grants in sorted(seats.get(row.id, ()))
            ),
            signs=any(grants in signing for *_, grants in seats.get(row.id, ())),
            cover=_cover(away.get(row.id, ())),
        )
        for row in people.values()
    )


def _read(numbers: sa.Select[tuple[int]] | Collection[int], moment: datetime) -> Query:
    """What is shown of these people, a row for each desk that they hold, one for who holds none.

    `link`: until when his link serves; `gone`: the end of the last of his absences under way; `not_after`: of the
    certificate that serves him the longest; `branch`: the name of the desk below which he administers.
    """
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
    links = (
        sa.select(PasswordReset.user_id, sa.func.max(PasswordReset.expires_at).label("until"))
        .where(PasswordReset.used_at.is_(None), PasswordReset.expires_at > moment)
        .group_by(PasswordReset.user_id)
        .subquery()
    )
    own = (
        User.first_name,
        User.last_name,
        User.login,
        User.email,
        User.capacity,
        User.administrator,
        User.active,
        User.mail_refusals,
    )
    # Outer, or SQLite would begin with all the desks of the collectivity
    return (
        sa.select(
            User.id,
            *own,
            User.branch_id,
            Person.password_hash.is_not(None).label("has_password"),
            links.c.until.label("link"),
            last_end(User.id, moment).correlate(User).label("gone"),
            serving.label("not_after"),
            _branch.name.label("branch"),
            PlannedClosing.closes_at,
            PlannedClosing.refused_at,
            Holder.rights,
            Desk.id.label("desk_id"),
            Desk.name.label("desk"),
        )
        .outerjoin(Person, Person.id == User.person_id)
        .outerjoin(links, links.c.user_id == User.id)
        .outerjoin(_branch, _branch.id == User.branch_id)
        .outerjoin(PlannedClosing, PlannedClosing.user_id == User.id)
        .outerjoin(Holder, Holder.user_id == User.id)
        .outerjoin(Desk, sa.and_(Desk.id == Holder.desk_id, Desk.closed_at.is_(None)))
        .where(User.id.in_(numbers))
        .order_by(User.active.desc(), User.search_key, User.id)
    )


def _note(person: Any, *, signs: bool) -> str:
    if not person.active:
        return "" if is_reduced(person) else "Son nom reste dans ce qui a été visé et signé."
    if person.not_after is None:
        return "Sans certificat" if signs else ""
    day = jour(person.not_after.astimezone(PARIS).date())
    return f"Certificat jusqu’au {day}" if person.not_after > now() else f"Certificat expiré le {day}"


def _closing(person: Any) -> str:
    if person.closes_at is None or not person.active:
        return ""
    if person.refused_at is not None:
        return f"Fermeture prévue {instant(person.closes_at)}, et pas faite"
    return f"Fermeture prévue {instant(person.closes_at)}"


def _cover(absences: Sequence[Away]) -> str:
    """« Intérim : Ronan Pellenec, en partie » of who is away; empty of who is there."""
    names = dict.fromkeys(
        away.cover_name
        if away.law.acts and away.law.desk is None and not away.law.types
        else f"{away.cover_name}, en partie"
        for away in absences
        if away.cover_name
    )
    return f"Intérim : {' ; '.join(names)}" if names else "Sans intérim" if absences else ""


def _view(person: Any, seats: tuple[Seat, ...], *, signs: bool, cover: str = "") -> PersonView:
    """`person`: a row of `_read`; `signs`: whether he has the right to, at some desk."""
    missing = ""
    if not person.active:
        state, tone, icon = ("Réduit" if is_reduced(person) else "Fermé"), "", "slash-circle"
    elif person.has_password and person.gone is not None:
        state, tone, icon = f"Absence jusqu’au {instant(person.gone - MINUTE)}", "info", "calendar3"
    elif person.has_password:
        state, tone, icon = "Actif", "ok", "check-lg"
    elif person.link is not None:
        state, tone, icon = (
            f"Invitation valable jusqu’au {jour(person.link.astimezone(PARIS).date())}",
            "info",
            "envelope",
        )
    else:
        state, tone, icon = "Sans mot de passe", "warn", "exclamation-triangle"
        missing = "Aucun lien ne sert plus : envoyez-en un autre."
    if person.active and not seats and not person.administrator and person.branch_id is None and not missing:
        missing = "Aucun bureau : donnez-lui-en un."
    if person.active and person.mail_refusals and not missing:
        missing = "Son adresse a refusé des courriels : corrigez-la, ou confirmez-la."
    return PersonView(
        person.id,
        f"{person.first_name} {person.last_name}",
        person.login,
        person.capacity,
        person.administrator,
        state,
        tone,
        icon,
        seats,
        missing,
        branch=person.branch or "",
        note=_note(person, signs=signs),
        has_password=bool(person.has_password),
        closing=_closing(person),
        has_link=person.link is not None,
        cover=cover if person.active and person.has_password else "",
    )
