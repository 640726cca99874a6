"""Logging in, staying logged in, and the guard that stands before every view."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import Flask, abort, current_app, flash, g, redirect, request, session, url_for
from flask.sessions import SessionMixin
from flask_login import LoginManager, UserMixin, current_user, login_user
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import aliased
from werkzeug.wrappers import Response

from app.core import http, security, security_log
from app.core.bodies import SMALL
from app.core.clock import PARIS, now, today
from app.core.db import Db, reading
from app.core.french import jour_long
from app.core.limits import refuse_hurry
from app.core.outbox import News, Outbox, post
from app.core.refusals import Refusal
from app.core.security import new_token, token_hash
from app.core.transaction import after_commit, use_case
from app.journal.chain import Event, append
from app.people import calls, identity, logo, passwords, persons, rules
from app.people.actor import Actor, Cover, Seat, require
from app.people.covers import covering, lent_to
from app.people.factors.asking import ask, factors_of
from app.people.mandates import as_their_orders_stand, law_of
from app.people.models import (
    Application,
    Collectivity,
    Desk,
    Factor,
    Holder,
    LoginSession,
    MandateRow,
    Person,
    User,
)
from app.people.own_settings.registry import value_in
from workflows.mandates import Mandate
from workflows.rights import Rights
from workflows.vocabulary import Right

manager = LoginManager()
SEEN_EVERY = timedelta(minutes=5)
OVERLAP = timedelta(seconds=10)
"""How long the token before a proof still reads: pictures and other tabs are under way when it is replaced."""
CARRIED = "joining"
"""What a browser's session keeps over a login that leads back to it: the invitation that its holder comes to take up."""
IDLE, SHOWN_NAME = "idle_minutes", "shown_name"
"""Settings of a collectivity: after how long a session closes for want of use, and the name that pages show."""
_idle: dict[str, float] = {"minutes": 0, "hours": 12}


class Cookies(security.Cookies):
    """The cookie of a session, which no answer that was long in the making puts back to a token replaced meanwhile."""

    def should_set_cookie(self, app: Flask, session: SessionMixin) -> bool:
        """Not for a request whose token a proof has replaced before it began or while it lasted."""
        if not super().should_set_cookie(app, session):
            return False
        actor: Actor | None = g.get("actor")
        if g.get("renewed", False) or (actor is not None and actor.session_id is None):
            return True
        if actor is None:  # a page for everybody: only a token that was replaced is not put back
            return "_user_id" not in session or not _replaced(session["_user_id"])
        if actor.former or "_user_id" not in session:
            return not actor.former
        query = sa.select(LoginSession.id).where(LoginSession.token_hash == token_hash(session["_user_id"]))
        try:
            with reading() as db:
                return db.scalar(query) is not None
        except SQLAlchemyError:  # what was to be remembered is lost, and the page that says so is drawn
            return False


def _replaced(token: str) -> bool:
    try:
        with reading() as db:
            former = sa.select(LoginSession.id).where(LoginSession.former_hash == token_hash(token))
            return db.scalar(former.limit(1)) is not None
    except SQLAlchemyError:
        return True


class Known(UserMixin):  # type: ignore[misc]
    """What Flask-Login carries: the token of the session, and the actor it stands for."""

    def __init__(self, token: str, actor: Actor) -> None:
        self.id = token
        self.actor = actor


def _factors_of(owner: Any, number: Any) -> Any:
    """How many factors the person of a row has, as a column of its statement."""
    mine = sa.select(sa.func.count(Factor.id)).where(Factor.person_id == number, Factor.removed_at.is_(None))
    return mine.correlate(owner).scalar_subquery().label("factors")


_FACTORS = _factors_of(User, User.person_id)
_LOGIN = sa.select(Person.login).where(Person.id == User.person_id).correlate(User).scalar_subquery()
_other = aliased(User)
_SEVERAL = (
    sa.exists()
    .where(_other.person_id == User.person_id, _other.id != User.id, _other.active.is_(True))
    .correlate(User)
    .label("several")
)
_enters = sa.exists().where(User.person_id == Person.id, User.active.is_(True)).correlate(Person)


def open_session(
    login: str,
    password: str,
    *,
    hours: float,
    address: str,
    client: str,
    days: int | None = None,
    known: bool = True,
) -> str:
    """Check a password and open a session in the account where the person worked last; returns its token.

    Refuses `login-refused` without saying which part is wrong, and `passwords-busy`. Whoever has a second factor is asked
    for it: refused as `factor-needed`, whose `ticket` lets `factors.door.enter` go on, for so many `days`. `known`: the
    browser has met this account; it is told to its owner otherwise. The password is verified before the transaction
    opens; the account is read again in it.
    """
    query = sa.select(Person.id, Person.password_hash, _factors_of(Person, Person.id))
    with reading() as db:
        row = db.execute(query.where(Person.login == login.strip().lower(), _enters)).one_or_none()
    stored = row.password_hash if row else None
    if not passwords.matches(stored, password) or row is None or stored is None:
        raise Refusal("login-refused")
    if row.factors:
        raise Refusal("factor-needed", ticket=_awaiting(row.id, stored, days))
    fresh = passwords.renewed(stored, password)
    return _opened(row.id, stored, fresh, hours=hours, address=address, client=client, known=known)


@use_case
def _opened(
    db: Db,
    person_id: int,
    stored: str,
    fresh: str | None,
    *,
    hours: float,
    address: str,
    client: str,
    known: bool,
) -> str:
    """Open the session of whoever knew `stored`, unless it was changed or his last account closed since."""
    still = (Person.id == person_id, Person.password_hash == stored)
    person, user = db.scalar(sa.select(Person).where(*still)), account_of(db, person_id)
    if person is None or user is None or factors_of(db, person_id):  # one that began meanwhile is asked next
        raise Refusal("login-refused")
    person.password_hash = fresh or stored
    facts = {"user": user.id, "address": address, "client": client, "way": "password"}
    append(db, user.collectivity_id, Event("login.opened", user.name, user.id, None, facts))
    if not known:
        tell_new(db, user, client, address)
    return begin(db, user, hours=hours, address=address, client=client)


def account_of(db: Db, person_id: int) -> User | None:
    """The open account where a person worked last; None where he has none."""
    mine = persons.memberships(db, person_id)
    return db.get(User, mine[0].user_id) if mine else None


def account_at_door(db: Db, login: str) -> User | None:
    """The same of whoever enters by this login."""
    number = db.scalar(sa.select(Person.id).where(Person.login == login.strip().lower()))
    return account_of(db, number) if number is not None else None


@use_case
def _awaiting(db: Db, person_id: int, stored: str, days: int | None) -> str:
    """Note that the password was right and the factor is awaited: the ticket to go on with."""
    return ask(db, "login", person_id=person_id, password_seen=token_hash(stored), days=days)[0]


def note_refused(login: str, address: str) -> None:
    """Tell the security log of a wrong password, by the number of the account: what was typed may be a password too."""
    with reading() as db:
        user = account_at_door(db, login)
    facts = {"user": user.id, "collectivity": user.collectivity_id} if user else {"user": None}
    security_log.log.warning("login.refused", address=address, **facts)


@use_case
def tell_tried(db: Db, login: str) -> None:
    """Tell the owner of an account that somebody tries passwords on it: one letter a day, whatever the tries."""
    user = account_at_door(db, login)
    if user is None:
        return
    key = f"tried-{user.id}-{today().isoformat()}"
    if db.scalar(sa.select(Outbox.id).where(Outbox.kind == "mail", Outbox.key == key)) is None:
        facts = {"event": "login_tried", "user_id": user.id, "page": "/compte"}
        post(db, user.collectivity_id, [News("mail", key, facts, None, user.email)])


def begin(db: Db, user: User, *, hours: float, address: str, client: str, opened_by: str = "password") -> str:
    """Open a session of somebody whose proofs are complete, in the caller's transaction; its token.

    That of an emergency account is told at once to every administrator, and to the security log.
    """
    token, moment = new_token(), now()
    if user.emergency:
        tell_emergency(db, user, client, address)
    db.add(
        LoginSession(
            token_hash=token_hash(token),
            user_id=user.id,
            created_at=moment,
            seen_at=moment,
            expires_at=moment + timedelta(hours=hours),
            address=address,
            client=client,
            opened_by=opened_by,
            password_at=None if opened_by == "passkey" else moment,
        )
    )
    return token


def tell_new(db: Db, user: User, client: str, address: str) -> None:
    """Tell who enters by an account that it was opened from a browser that he had not used, unless he used none yet.

    A browser is known by its cookie (`limits.knows`): its name is that of many others.
    """
    his = LoginSession.user_id.in_(persons.numbers_of(user.person_id))
    if db.scalar(sa.select(LoginSession.id).where(his).limit(1)) is None:
        return
    facts = {"event": "new_device", "user_id": user.id, "client": client, "address": address}
    key = f"device-{user.id}-{new_token()[:16]}"
    post(db, user.collectivity_id, [News("mail", key, {**facts, "page": "/compte"}, None, user.email)])


def tell_emergency(db: Db, user: User, client: str, address: str) -> None:
    """Tell every administrator, the account's own address too, that the account in the safe was opened, at each time."""
    facts = {"event": "emergency_opened", "whose": user.name, "client": client, "address": address}
    admins = sa.select(User).where(User.collectivity_id == user.collectivity_id, User.active.is_(True))
    readers = db.scalars(
        admins.where(sa.or_(User.administrator.is_(True), User.id == user.id)).order_by(User.id)
    )
    mark = new_token()[:16]
    letters = [
        News(
            "mail",
            f"emergency-{reader.id}-{mark}",
            {**facts, "user_id": reader.id, "page": "/administration/journal"},
            None,
            reader.email,
        )
        for reader in readers
    ]
    post(db, user.collectivity_id, letters)
    entry = {"user": user.id, "collectivity": user.collectivity_id, "address": address}
    after_commit(db, lambda: security_log.log.warning("emergency.opened", **entry))


def opened_by(db: Db, token: str) -> str | None:
    """The way by which the session of this token was opened."""
    return db.scalar(sa.select(LoginSession.opened_by).where(LoginSession.token_hash == token_hash(token)))


@use_case
def touch(db: Db, session_id: int) -> None:
    """Note that a session still serves."""
    db.execute(sa.update(LoginSession).where(LoginSession.id == session_id).values(seen_at=now()))


@use_case
def revoke(db: Db, user_id: int, session_id: int) -> bool:
    """Close one session of a person, and say whether it could still serve; refuses another's (`session-unknown`).

    `user_id`: any of his accounts. The line is of the collectivity where the session was.
    """
    row = db.get(LoginSession, session_id)
    user = db.get_one(User, row.user_id) if row is not None else None
    if row is None or user is None or not _same(db, user, user_id):
        raise Refusal("session-unknown")
    if row.revoked_at is not None:
        return False
    row.revoked_at = now()
    facts = {"user": user.id, "address": row.address, "client": row.client}
    append(db, user.collectivity_id, Event("login.closed", user.name, user.id, None, facts))
    return row.expires_at > row.revoked_at


def _same(db: Db, user: User, user_id: int) -> bool:
    """Whether the same person enters by both accounts."""
    if user.id == user_id:
        return True
    person_id = db.scalar(sa.select(User.person_id).where(User.id == user_id))
    return person_id is not None and person_id == user.person_id


@use_case
def revoke_others(db: Db, actor: Actor, token: str) -> int:
    """Close one's sessions but this one, which this token alone opens from now on: a copy of it is closed too.

    How many others there were.
    """
    closed = persons.revoke_sessions(db, actor.person_id or 0, but=actor.session_id)
    query = sa.select(LoginSession).where(
        LoginSession.id == actor.session_id, LoginSession.revoked_at.is_(None)
    )
    row = db.scalar(query.with_for_update())
    if row is not None:
        identity.renew(row, token)
    facts = {"user": actor.user_id, "address": actor.address, "words": "toutes les autres"}
    append(db, actor.collectivity_id, Event("login.closed", actor.name, actor.user_id, None, facts))
    return closed


def revoke_all(db: Db, user_id: int, *, but: int | None = None) -> int:
    """Close every session that is in an account `but` one, inside the caller's transaction (the account was closed, moved).

    How many were open; one that ended of itself is closed too, as by `persons.revoke_sessions`, which closes those of the same
    person in another collectivity.
    """
    moment = now()
    query = sa.update(LoginSession).where(LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None))
    if but is not None:
        query = query.where(LoginSession.id != but)
    query = query.values(revoked_at=moment).execution_options(synchronize_session=False)
    closed = db.scalars(query.returning(LoginSession.expires_at)).all()
    return sum(end > moment for end in closed)


_SEAT = (Desk.id, Desk.key, Desk.name, Desk.closed_at, Holder.rights)
_recorded, _mandate, _giver = aliased(MandateRow), aliased(MandateRow), aliased(MandateRow)
# With the seats, in the one statement of every page: what somebody is asked and reads follows both. Of covers it says only
# whether there is one: who stands in for nobody, which is nearly everybody, pays one look in an index.
_MANDATED = (
    covering(User.id, sa.bindparam("moment")).correlate(User).label("covering"),
    sa.exists().where(_recorded.collectivity_id == User.collectivity_id).correlate(User).label("by_mandate"),
    _mandate,
    _giver,
)
_person = (
    sa.select(
        User,
        Collectivity.name,
        LoginSession.id,
        LoginSession.seen_at,
        Collectivity.settings,
        _FACTORS,
        _SEVERAL,
        _LOGIN.label("enters_by"),
        LoginSession.created_at,
        LoginSession.expires_at,
        *_MANDATED,
        *_SEAT,
    )
    .join(LoginSession, LoginSession.user_id == User.id)
    .join(Collectivity, Collectivity.id == User.collectivity_id)
    .outerjoin(Holder, Holder.user_id == User.id)
    .outerjoin(Desk, Desk.id == Holder.desk_id)
    .outerjoin(_mandate, _mandate.user_id == User.id)
    .outerjoin(_giver, _giver.id == _mandate.given_by_id)
    .order_by(Desk.name, _mandate.id)
    .where(
        LoginSession.token_hash == sa.bindparam("token"),
        LoginSession.revoked_at.is_(None),
        LoginSession.expires_at > sa.bindparam("moment"),
        User.active.is_(True),
    )
)
_person_again = (
    sa.select(User, Collectivity.name, LoginSession.id, *_MANDATED, *_SEAT)
    .join(Collectivity, Collectivity.id == User.collectivity_id)
    .outerjoin(Holder, Holder.user_id == User.id)
    .outerjoin(Desk, Desk.id == Holder.desk_id)
    .outerjoin(_mandate, _mandate.user_id == User.id)
    .outerjoin(_giver, _giver.id == _mandate.given_by_id)
    .order_by(Desk.name, _mandate.id)
    .outerjoin(
        LoginSession,
        sa.and_(
            LoginSession.user_id == User.id,
            LoginSession.id == sa.bindparam("session"),
            LoginSession.revoked_at.is_(None),
            LoginSession.expires_at > sa.bindparam("moment"),
        ),
    )
    .where(User.id == sa.bindparam("user"))
    .execution_options(populate_existing=True)
)
_standings = (
    sa.select(User.id.label("number"), *_MANDATED, *_SEAT)
    .select_from(User)
    .outerjoin(Holder, Holder.user_id == User.id)
    .outerjoin(Desk, Desk.id == Holder.desk_id)
    .outerjoin(_mandate, _mandate.user_id == User.id)
    .outerjoin(_giver, _giver.id == _mandate.given_by_id)
    .order_by(Desk.name, _mandate.id)
    .where(User.id.in_(sa.bindparam("users", expanding=True)))
)


@dataclass(frozen=True)
class Standing:
    """By what a person acts: the desks held, by name, the mandates, and the desks where he stands in for somebody."""

    seats: tuple[Seat, ...]
    by_mandate: bool
    mandates: tuple[Mandate, ...]
    covers: tuple[Cover, ...] = ()


def _standing_in(db: Db, rows: Sequence[Any], user_id: int) -> Standing:
    """What these rows end with, each seat beside each mandate; a person without any has one row, without desk."""
    seats: dict[int, Seat] = {}
    mandates: dict[int, Mandate] = {}
    for *_, _recorded_any, mandate, giver, number, key, name, closed_at, rights in rows:
        if number is not None and number not in seats:
            seats[number] = _seat(number, key, name, Rights.read(rights), closed=closed_at is not None)
        if mandate is not None and mandate.id not in mandates:
            mandates[mandate.id] = law_of(mandate, giver)
    law = as_their_orders_stand(db, list(mandates.values()))
    covers = lent_to(db, user_id, now()) if rows and rows[0].covering else ()
    return Standing(tuple(seats.values()), bool(rows and rows[0].by_mandate), tuple(law), covers)


def _seat(number: int, key: str, name: str, rights: Rights, *, closed: bool) -> Seat:
    """The seat of these rights; at a closed desk they are past."""
    return (
        Seat(number, key, name, Rights(), rights, closed=True) if closed else Seat(number, key, name, rights)
    )


def configure(idle_minutes: int, session_hours: float) -> None:
    """Say after how many minutes without a page a session is over, 0 for never, and how long an ordinary one lasts."""
    _idle.update(minutes=idle_minutes, hours=session_hours)


def idle_minutes() -> int:
    """After how many minutes without a page a session is over, as the installation says; 0 for never."""
    return int(_idle["minutes"])


def left_alone(seen_at: datetime, created_at: datetime, expires_at: datetime, minutes: int) -> bool:
    """Whether a session ended because nobody used it; that of a device that is recognised waits for its own end.

    `minutes`: how long one waits in this collectivity, 0 for ever.
    """
    return _may_idle(created_at, expires_at, minutes) and now() > seen_at + timedelta(minutes=minutes)


def _may_idle(created_at: datetime, expires_at: datetime, minutes: int) -> bool:
    return bool(minutes) and expires_at - created_at <= timedelta(hours=_idle["hours"])


def idle_end(seen_at: datetime, created_at: datetime, expires_at: datetime, minutes: int) -> datetime | None:
    """When a session that was last used then closes for want of use; None where its own end comes first."""
    ends = seen_at + timedelta(minutes=minutes)
    return ends if _may_idle(created_at, expires_at, minutes) and ends < expires_at else None


def person(db: Db, token: str, address: str) -> Actor | None:
    """The actor of a session token, if the session is open; one statement, since every page begins with it."""
    return _whose(db, token_hash(token), address)


def _former(db: Db, token: str, address: str) -> Actor | None:
    """The actor of a token that a proof has replaced a moment ago: it counts as nobody's proof."""
    query = sa.select(LoginSession.token_hash).where(LoginSession.former_hash == token_hash(token))
    current = db.scalar(query.where(LoginSession.renewed_at > now() - OVERLAP))
    actor = _whose(db, current, address) if current is not None else None
    return replace(actor, former=True) if actor is not None else None


def _whose(db: Db, hashed: str, address: str) -> Actor | None:
    rows = db.execute(_person, {"token": hashed, "moment": now()}).all()
    if not rows:
        return None
    user, collectivity_name, session_id, seen_at, settings, *more = rows[0][:10]
    factors, several, enters_by, created_at, expires_at = more
    idle = int(value_in(settings, IDLE).value)
    if left_alone(seen_at, created_at, expires_at, idle):
        return None
    if now() - seen_at > SEEN_EVERY:
        g.touch = session_id
    actor = _actor(
        user, collectivity_name, _standing_in(db, rows, user.id), session_id=session_id, address=address
    )
    due = factors == 0 and rules.read(settings).binds(actor)
    ends = idle_end(seen_at, created_at, expires_at, idle)
    shown, picture = str(value_in(settings, SHOWN_NAME).value), logo.shown_in(settings)
    return replace(
        actor,
        login=enters_by or "",
        factors=factors,
        factor_due=due,
        several=several,
        ends_idle_at=ends,
        idle_minutes=idle,
        shown_name=shown,
        logo=picture,
    )


def returning(db: Db, user_id: int, session_id: int | None, address: str) -> Actor:
    """Who asked for what is done later without him, with the rights held now, not those of the click.

    Refuses `account-closed`, and `session-closed` once that session has ended: a stolen one, closed by its owner, stops
    whatever it had begun.
    """
    rows = db.execute(_person_again, {"user": user_id, "session": session_id, "moment": now()}).all()
    if not rows or not rows[0][0].active:
        raise Refusal("account-closed")
    user, collectivity_name, open_session_id = rows[0][:3]
    if open_session_id is None:
        raise Refusal("session-closed")
    return _actor(
        user,
        collectivity_name,
        _standing_in(db, rows, user.id),
        session_id=open_session_id,
        address=address,
    )


def of_user(db: Db, user: User, collectivity_name: str) -> Actor:
    """The actor that a person is, outside any session."""
    return of_users(db, [user], collectivity_name)[0]


def of_users(db: Db, users: Sequence[User], collectivity_name: str) -> list[Actor]:
    """The actors that these people of one collectivity are, outside any session.

    Seats and mandates in one statement; whether the orders of mandates signed here stand is asked for each who has one.
    """
    rows: dict[int, list[Any]] = {}
    for row in db.execute(_standings, {"users": [user.id for user in users], "moment": now()}):
        rows.setdefault(row.number, []).append(row)
    return [
        _actor(user, collectivity_name, _standing_in(db, rows.get(user.id, []), user.id)) for user in users
    ]


def _actor(
    user: User,
    collectivity_name: str,
    standing: Standing,
    *,
    session_id: int | None = None,
    address: str = "",
) -> Actor:
    return Actor(
        kind="person",
        collectivity_id=user.collectivity_id,
        name=user.name,
        capacity=user.capacity,
        user_id=user.id,
        person_id=user.person_id,
        administrator=user.administrator,
        branch_id=user.branch_id,
        seats=standing.seats,
        covers=standing.covers,
        by_mandate=standing.by_mandate,
        mandates=standing.mandates,
        first_name=user.first_name,
        last_name=user.last_name,
        collectivity_name=collectivity_name,
        theme=user.theme,
        shortcuts=user.shortcuts,
        compact=user.compact,
        columns_off=frozenset(user.columns_off.split()),
        arrived=user.arrived,
        guided=user.signing_guide,
        take_back_seconds=user.take_back_seconds,
        session_id=session_id,
        address=address,
    )


def application(db: Db, token: str, address: str) -> Actor | None:
    """The actor of an API token, with the one desk it works for; None of one that is not known, or is past its end."""
    mandated = sa.exists().where(MandateRow.collectivity_id == Application.collectivity_id)
    query = (
        sa.select(Application, Desk, Collectivity.name, mandated.correlate(Application))
        .join(Desk, Desk.id == Application.desk_id)
        .join(Collectivity, Collectivity.id == Application.collectivity_id)
        .where(Application.active.is_(True))
    )
    digest = token_hash(token)
    former = sa.and_(Application.former_hash == digest, Application.former_until > now())
    row = db.execute(query.where(sa.or_(Application.token_hash == digest, former))).one_or_none()
    if row is None:
        return None
    app, desk, collectivity_name, by_mandate = row
    ends_on = app.ends_on
    if app.token_hash != digest and app.former_until is not None:
        ends_on = app.former_until.astimezone(PARIS).date()
    elif ends_on is not None and ends_on < today():
        g.ended_token, g.application_id = (app.name, ends_on), app.id
        return None
    g.token_ends_on = ends_on
    g.application_id = app.id
    seat = _seat(desk.id, desk.key, desk.name, Rights.read(app.rights), closed=desk.closed_at is not None)
    return Actor(
        kind="application",
        collectivity_id=app.collectivity_id,
        name=app.name,
        application_id=app.id,
        seats=(seat,),
        by_mandate=by_mandate,
        collectivity_name=collectivity_name,
        address=address,
    )


@manager.user_loader  # type: ignore[untyped-decorator]
def _load(token: str) -> Known | None:
    with reading() as db:
        actor = person(db, token, http.address()) or _former(db, token, http.address())
    return Known(token, actor) if actor else None


def _refuse_stranger() -> Response:
    """Send a person to the login page and back, and software a problem that says what is missing."""
    if http.wants_json():
        status = 401
        if request.path.startswith("/api/"):
            sentence = "Donnez le jeton d’une application en service (Authorization: Bearer …). Les cookies ne sont pas lus ici."
            key = "token-needed"
            if ended := g.get("ended_token"):
                key, sentence = "token-ended", _ended(*ended)
            refused = http.problem(status, key, sentence)
            wrong = ', error="invalid_token"' if "Authorization" in request.headers else ""
            refused.headers["WWW-Authenticate"] = f'Bearer realm="Paraphe"{wrong}'
            return refused
        return http.problem(
            status, "login-needed", "Votre session s’est fermée. Reconnectez-vous : votre saisie est gardée."
        )
    target = request.full_path if request.method == "GET" else _page_of_form()
    if request.method == "GET" and "_user_id" in session:
        _say_once("Votre session s’est fermée. Reconnectez-vous : la page se rouvrira.")
    return redirect(url_for("people.login", suite=target.rstrip("?") if target else None))


def _ended(name: str, last: date) -> str:
    return (
        f"Le jeton de « {name} » a pris fin le {jour_long(last)}. Demandez-en un autre à un administrateur "
        "(Administration, Applications)."
    )


def _page_of_form() -> str | None:
    """The page that posted, to go back to it with what is kept in its tab; said on the login page, nothing being done."""
    _say_once("Votre session s’est fermée et rien n’a été fait. Reconnectez-vous : la page se rouvrira.")
    page = urlsplit(request.referrer or "")
    if page.netloc != request.host:
        return None
    return page.path + (f"?{page.query}" if page.query else "")


def _say_once(sentence: str) -> None:
    """On the next page, however often this one is asked for meanwhile."""
    if ["warn", sentence] not in [list(message) for message in session.get("_flashes", ())]:
        flash(sentence, "warn")


def _bearer() -> Actor | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        return None
    with reading() as db:
        return application(db, token.strip(), http.address())


def _visitor() -> Actor | None:
    actor: Actor | None = current_user.actor if current_user.is_authenticated else None
    return actor


def _note_use(response: Response) -> Response:
    """Note that a session still serves, and the call of a software, once the answer is made."""
    if "touch" in g:
        touch(g.touch)
    if "application_id" in g:
        calls.count(g.application_id, response.status_code, known="ended_token" not in g)
    return response


def _caller() -> Actor | None:
    """Who calls, asked once for a request."""
    if "caller" not in g:
        g.caller = _bearer() if request.path.startswith("/api/") else _visitor()
    caller: Actor | None = g.caller
    return caller


def _mark(name: str) -> Any:
    """What is written above the view: its guard, or the room of its body."""
    view: Callable[..., Any] | None = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, name, None) or getattr(getattr(view, "view_class", None), name, None)


def _admit(actor: Actor, who: str) -> None:
    g.actor = actor
    if who == http.BRANCH:
        if not actor.delegated:
            require(actor, Right.ADMINISTER)
    elif who != http.PERSON:
        require(actor, Right(who))


def _refuse_unprotected() -> Response:
    """Lead whoever must have a second factor, and has none, to the page where it is chosen; nothing else opens."""
    if request.method != "GET" or http.wants_json():
        raise Refusal("factor-due")
    return redirect(url_for("people.factors.mine"))


def hold_bodies(app: Flask) -> None:
    """Say how much of a body may be read, before anything looks at it: none of a question's, no file of a stranger.

    Comes before the checks of forms and of tries, which read the form.
    """

    @app.before_request
    def _hold() -> Response | None:
        room, who = _mark("__body__") or SMALL, _mark("__guard__")
        if request.method in {"GET", "HEAD", "OPTIONS"}:
            request.max_content_length = 0
            return None
        if request.mimetype != "multipart/form-data" or room > 0 or who is None:
            request.max_content_length = room if room > 0 else SMALL
            return None
        if room == http.OWN:
            return None
        actor = _caller()
        if actor is not None:
            _admit(actor, who)  # its own limit is the installation's
            return None
        request.max_content_length = SMALL
        if (request.content_length or SMALL + 1) <= SMALL:
            return None  # small enough to be read, and answered as every form of somebody who is gone
        known = session or request.path.startswith("/api/")
        return _refuse_stranger() if known else redirect(url_for("people.login"))


def stand_guard(app: Flask) -> None:
    """Enforce, before every view, the one guard written above it; a route without a guard answers nobody."""
    # Not by its own `init_app`, which reads the session of every answer, for a cookie that we do not use: even a style
    # sheet would be said to depend on who asks for it.
    app.login_manager = manager  # type: ignore[attr-defined]
    # Nor its mark of a session that is not fresh, which nothing of ours asks for: a stranger's would be written anew.
    manager.session_protection = None
    app.session_interface = Cookies()

    @app.before_request
    def _guard() -> Response | None:
        if request.endpoint == "static":
            return None
        if request.endpoint not in current_app.view_functions:
            g.actor = _visitor()  # an address that does not exist is refused in the page of whoever is known
            return None
        who = _mark("__guard__")
        if who is None:
            abort(404)
        if who == http.PUBLIC:
            http.refuse_strange()
            return None
        actor = _caller()
        if actor is None:
            return _refuse_stranger()
        g.actor = actor  # a page of refusal too leads him to his account
        if actor.person_id is not None and not _mark("__remedy__"):
            refuse_hurry(actor.person_id)
        _admit(actor, who)
        if actor.factor_due and not _mark("__before_factor__"):
            return _refuse_unprotected()
        http.refuse_strange()
        return None

    calls.forget()
    app.after_request(_note_use)


def renewed(token: str) -> None:
    """Put in the cookie the token that a proof has given the session of whoever asks; forms that are open stay good."""
    g.actor, g.renewed = replace(g.actor, former=False), True
    login_user(Known(token, g.actor))


def keep(token: str, actor_days: int | None) -> None:
    """Put the token in the cookie; for so many days on a tablet that is recognised, else until the browser closes.

    The session that this browser had before is closed: nobody would know that it is still open.
    """
    former = _visitor()
    with reading() as db:
        actor = person(db, token, http.address())
    if actor is None:
        raise Refusal("login-refused")
    if former is not None and former.user_id is not None and former.session_id is not None:
        revoke(former.user_id, former.session_id)
    joining = session.get(CARRIED) if request.args.get("suite") == url_for("people.invited") else None
    session.clear()
    if joining is not None:
        session[CARRIED] = joining
    session.permanent = actor_days is not None
    login_user(Known(token, actor))
    g.actor, g.renewed = actor, True


def move(actor: Actor, user_id: int, client: str) -> None:
    """Have this browser work in another account of the same person from now on, and in no other.

    The session of the former account is closed and another is opened, whose token the cookie gets: what was under way, asked
    or shown in the former one ends with it, and the forms of its pages are refused. Refuses as `move_session`.
    """
    token = move_session(actor, user_id, client)
    keep(token, 1 if session.permanent else None)  # the length of the session is that of the former one
    session[http.MOVED] = g.actor.collectivity_name


def move_session(actor: Actor, user_id: int, client: str) -> str:
    """Close the session of whoever is there, and open another in the account of this number; its token.

    It lasts no longer than the former one, and no proof is fresher by it. Refuses `membership-unknown`, an account that is
    not open or another's, and `session-closed`, of a session that ended meanwhile or whose token a proof has replaced.
    """
    if actor.session_id is None or actor.former:
        raise Refusal("session-closed")
    return _moved(actor.session_id, actor.user_id or 0, user_id, actor.address, client)


@use_case
def _moved(db: Db, session_id: int, from_id: int, to_id: int, address: str, client: str) -> str:
    live = sa.select(LoginSession).where(
        LoginSession.id == session_id,
        LoginSession.user_id == from_id,
        LoginSession.revoked_at.is_(None),
        LoginSession.expires_at > now(),
    )
    row, left = db.scalar(live.with_for_update()), db.get(User, from_id)
    if row is None or left is None:
        raise Refusal("session-closed")
    # Shared: it waits for whoever closes the account at this moment, and he for it
    chosen = sa.select(User).where(User.id == to_id, User.active.is_(True)).with_for_update(read=True)
    there = db.scalar(chosen)
    if there is None or there.id == left.id or not _same(db, there, left.id):
        raise Refusal("membership-unknown")
    row.revoked_at = now()
    token = new_token()
    if there.emergency:
        tell_emergency(db, there, client, address)
    db.add(
        LoginSession(
            token_hash=token_hash(token),
            user_id=there.id,
            created_at=row.created_at,
            seen_at=row.revoked_at,
            expires_at=row.expires_at,
            address=address,
            client=client,
            proven_at=row.proven_at,
            wrong=row.wrong,
            opened_by=row.opened_by,
            proven_by=row.proven_by,
            password_at=row.password_at,
        )
    )
    facts = {"address": address, "client": client}
    lines = [(left, "login.closed", {}), (there, "login.opened", {"way": "moved"})]
    for user, event, more in sorted(lines, key=lambda line: line[0].collectivity_id):
        append(
            db,
            user.collectivity_id,
            Event(event, user.name, user.id, None, {"user": user.id, **facts, **more}),
        )
    return token
