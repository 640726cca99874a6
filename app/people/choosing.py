"""Whom, and which desk, a page offers to choose: all of a short list, of a long one its beginning and what words find."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core.db import Db
from app.core.texts import key_of
from app.people.models import Desk, Person, User
from app.people.places import Places

INDENT = "\u2003"
"""Before the name of a desk under another: a space, which typing the first letters of the name does not stop at."""

SHOWN, BEGINNING = 40, 20
"""How many choices a page holds at most, or what words find; and how many of a longer list, before others are looked for."""
UNOPENED: sa.ColumnElement[bool] = sa.not_(
    sa.exists().where(Person.id == User.person_id, Person.password_hash.is_not(None))
)
"""Of a `User`: whether nobody has ever entered by the account, whose link waits."""
UNOPENED_WORDS = " (compte jamais ouvert)"
Option = tuple[str, str]
"""What is posted, and what is read."""


def never_opened(db: Db, people: Collection[int]) -> frozenset[int]:
    """Those of these people whose account nobody has ever opened: what is given to them alone waits for their first login."""
    return (
        frozenset(db.scalars(sa.select(User.id).where(User.id.in_(people), UNOPENED)))
        if people
        else frozenset()
    )


@dataclass(frozen=True)
class Offer:
    """The choices that a page shows; `more` where there are others, which words find."""

    options: tuple[Option, ...]
    more: bool = False


def people(
    db: Db,
    collectivity_id: int,
    *,
    chosen: int | None = None,
    search: str = "",
    whole: bool = False,
    within: sa.ColumnElement[bool] | None = None,
    but: Collection[int] = (),
    by_login: bool = True,
) -> Offer:
    """The open accounts by name, posted by number, the one that is chosen always among them; one statement.

    `within`: those alone of whom this is true; `but`: left out. `by_login`: words find a login too, which colleagues do not read.
    """
    query = asking_people(collectivity_id, chosen=chosen, search=search, whole=whole, within=within, but=but)
    return people_in(db.execute(query), chosen=chosen, search=search, whole=whole, by_login=by_login)


def asking_people(
    collectivity_id: int,
    *,
    chosen: int | None = None,
    search: str = "",
    whole: bool = False,
    within: sa.ColumnElement[bool] | None = None,
    but: Collection[int] = (),
) -> sa.Select[Any]:
    """The question of `people`, for who reads it with others; `people_in` makes the choices of its rows."""
    columns = (
        User.id,
        User.first_name,
        User.last_name,
        User.capacity,
        User.login,
        User.search_key,
        UNOPENED.label("unopened"),
    )
    query = sa.select(*columns).where(User.collectivity_id == collectivity_id, User.active.is_(True))
    if within is not None:
        query = query.where(within)
    if but:
        query = query.where(User.id.not_in(but))
    if search:
        query = query.where(matching(search))
    beginning: sa.Select[Any] = _beginning(
        query, (User.search_key, User.id), User.id, chosen, every=bool(search) or whole
    )
    return beginning


def people_in(
    rows: Iterable[Any],
    *,
    chosen: int | None = None,
    search: str = "",
    whole: bool = False,
    by_login: bool = True,
) -> Offer:
    """The choices that these rows of `asking_people` are, in whatever order they come."""
    first = chosen if not (search or whole) else None
    options = [
        (
            str(row.id),
            _named(f"{row.first_name} {row.last_name}", row.capacity)
            + (UNOPENED_WORDS if row.unopened else ""),
            f"{row.first_name} {row.last_name} {row.capacity} {row.login if by_login else ''}",
            row.search_key,
        )
        for row in sorted(rows, key=lambda row: (row.id != first, row.search_key, row.id))
    ]
    return _offer(options, None if chosen is None else str(chosen), search, whole)


def desks(
    db: Db,
    collectivity_id: int,
    *,
    chosen: int | None = None,
    search: str = "",
    whole: bool = False,
    keys: bool = False,
) -> Offer:
    """The open desks, posted by number, or by key where `keys`; each is named with the one above it.

    A list that is short, or `whole`, is in the order of the tree; of a long one, the beginning by name. One statement.
    """
    above = aliased(Desk)
    columns = (Desk.id, Desk.key, Desk.name, Desk.parent_id, above.name)
    query = sa.select(*columns).outerjoin(above, above.id == Desk.parent_id)
    query = query.where(Desk.collectivity_id == collectivity_id, Desk.closed_at.is_(None))
    order = (sa.func.lower(Desk.name), Desk.id)
    rows = _rows(db, query, order, Desk.id, chosen, every=bool(search) or whole)
    if not search and (whole or len(rows) <= SHOWN):
        tree = in_order([(number, parent, name) for number, _, name, parent, _ in rows])
        posted = {number: key if keys else str(number) for number, key, *_ in rows}
        names = {number: name for number, _, name, *_ in rows}
        return Offer(tuple((posted[number], f"{INDENT * depth}{names[number]}") for number, depth in tree))
    options = [
        (key if keys else str(number), _under(name, parent), f"{name} {key}", key_of(name))
        for number, key, name, _, parent in rows
    ]
    own = next((key if keys else str(number) for number, key, *_ in rows if number == chosen), None)
    return _offer(options, own, search, whole)


def among(every: Places, *, chosen: int | None = None) -> Offer:
    """The beginning by name of the open desks, as `desks` gives a long list, of places that are read already."""
    opened = [one for one in every.values() if one.closed_at is None]
    opened.sort(key=lambda one: (one.id != chosen, one.name.lower(), one.id))
    first = [(one, every.get(one.parent_id or 0)) for one in opened[: SHOWN + 1]]
    options = [
        (str(one.id), _under(one.name, above and above.name), one.name, key_of(one.name))
        for one, above in first
    ]
    return _offer(options, None if chosen is None else str(chosen), "", whole=False)


def begun(options: Sequence[Option], *, whole: bool = False) -> Offer:
    """All of these, which are in their order, where they are few or asked `whole`; else their beginning."""
    if whole or len(options) <= SHOWN:
        return Offer(tuple(options))
    return Offer(tuple(options[:BEGINNING]), more=True)


def matching(search: str) -> sa.ColumnElement[bool]:
    """The condition on `User` of those in whom each word is found, accents and capitals apart."""
    terms = key_of(search).split()
    return sa.and_(sa.true(), *(User.search_key.contains(term, autoescape=True) for term in terms))


def in_order(rows: Iterable[tuple[int, int | None, str]]) -> list[tuple[int, int]]:
    """The numbers of desks, each below its superior and by name among its equals, with its depth, from 0.

    `rows`: number, number of the superior, name. A superior that is not among them, or that a circle leads back to, counts
    for none: nobody is left out.
    """
    below: dict[int | None, list[tuple[str, int]]] = {}
    rows = list(rows)
    known = {number for number, _, _ in rows}
    for number, parent, name in rows:
        below.setdefault(parent if parent in known else None, []).append((key_of(name), number))
    placed: list[tuple[int, int]] = []
    listed: set[int] = set()

    def place(parent: int | None, depth: int) -> None:
        for _, number in sorted(below.get(parent, ())):
            if number not in listed:
                listed.add(number)
                placed.append((number, depth))
                place(number, depth + 1)

    place(None, 0)
    return placed + [(number, 0) for number in sorted(known - listed)]


def _under(name: str, above: str | None) -> str:
    return f"{name}, sous {above}" if above else name


def _named(name: str, capacity: str) -> str:
    return f"{name}, {capacity[:1].lower()}{capacity[1:]}" if capacity else name


def _rows(
    db: Db, query: Any, order: Sequence[Any], number: Any, chosen: int | None, *, every: bool
) -> list[Any]:
    return list(db.execute(_beginning(query, order, number, chosen, every=every)))


def _beginning(query: Any, order: Sequence[Any], number: Any, chosen: int | None, *, every: bool) -> Any:
    """The beginning in this order, the chosen one before all others; `every`: all of them, in this order alone."""
    first = () if every or chosen is None else (number != chosen,)
    query = query.order_by(*first, *order)
    return query if every else query.limit(SHOWN + 1)


def _offer(rows: Sequence[tuple[str, str, str, str]], chosen: str | None, search: str, whole: bool) -> Offer:
    """The choices of rows (what is posted, what is read, what words are looked for in, by what the list is in order).

    The one that is chosen comes first among the rows, to be there whatever the length; it is shown at its place.
    """
    terms = key_of(search).split()
    fit = [row for row in rows if all(term in key_of(row[2]) for term in terms)]
    first = fit if whole else fit[: SHOWN if search or len(fit) <= SHOWN else BEGINNING]
    if chosen is not None and not (search or whole):
        first.sort(key=lambda row: row[3])
    more = not whole and len(fit) > SHOWN
    return Offer(tuple((value, label) for value, label, *_ in first), more)
