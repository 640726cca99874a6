"""Setting up a collectivity: its people, its desks, and who holds them."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr

from app.core.clock import PARIS, now
from app.core.db import Db, reading
from app.core.french import heure, jour_long
from app.core.outbox import News, post
from app.core.refusals import Refusal
from app.core.security import derived_token, new_token, token_hash
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.people import identity, passwords, persons
from app.people.actor import LONGER, Actor
from app.people.applications import by_command
from app.people.branches import is_reached, own_branch
from app.people.given import refuse_odd, refuse_unknown, rights_of, seat_facts
from app.people.login import account_of, revoke_all
from app.people.models import (
    Collectivity,
    Desk,
    Holder,
    LoginSession,
    PasswordReset,
    Person,
    PlannedClosing,
    User,
)
from workflows.rights import Rights
from workflows.vocabulary import Right

RESET_LIFE = timedelta(hours=1)
INVITATION_LIFE = timedelta(days=7)
"""How long the link of an invitation serves: whoever is invited may be away for a few days."""
FIRST_LINK_LIFE = timedelta(days=3)
STRANGER = "Quelqu’un, sans être connecté"
SIREN_LENGTH = 9
POSTAL_CODE_LENGTH = 5


@use_case
def create_collectivity(
    db: Db, siren: str, name: str, *, department: str, district: str, nature: str, settings: dict[str, Any]
) -> int:
    """Open a collectivity; refuses what is not a SIREN (`siren-invalid`), and one that is here (`collectivity-there`)."""
    if len(siren) != SIREN_LENGTH or not (siren.isascii() and siren.isdigit()):
        raise Refusal("siren-invalid", siren=siren)
    there = db.scalar(sa.select(Collectivity.name).where(Collectivity.siren == siren))
    if there is not None:
        raise Refusal("collectivity-there", siren=siren, name=there)
    row = Collectivity(
        siren=siren,
        name=name,
        department=department,
        district=district,
        nature=nature,
        settings=settings,
        created_at=now(),
    )
    db.add(row)
    db.flush()
    write_down(db, row.id, "collectivity.opened", None, name=name, siren=siren)
    return row.id


@use_case
def place(db: Db, siren: str, city: str, postal_code: str) -> None:
    """Say where a collectivity signs: payment flows name the place (PES signature policy §4.3). Refuses `place-invalid`."""
    city, postal_code = " ".join(city.split()), postal_code.strip()
    if (
        not city
        or len(postal_code) != POSTAL_CODE_LENGTH
        or not (postal_code.isascii() and postal_code.isdigit())
    ):
        raise Refusal("place-invalid")
    number = collectivity_of(db, siren).id
    # Locked: the settings of a collectivity are one value, which others write too
    row = db.get_one(Collectivity, number, with_for_update=True, populate_existing=True)
    row.settings = {**row.settings, "city": city, "postal_code": postal_code}
    write_down(db, row.id, "collectivity.place", None, city=city, postal_code=postal_code)


def write_down(db: Db, collectivity_id: int, event: str, by: Actor | None, **facts: object) -> None:
    """A line of the journal: who did it, and to whom; None of a person for the command line."""
    who = by or by_command(collectivity_id)
    append(db, collectivity_id, Event(event, who.name, who.user_id, None, facts))


def create_user(
    collectivity_id: int,
    login: str,
    *,
    email: str,
    first_name: str,
    last_name: str,
    capacity: str,
    password: str | None = None,
    administrator: bool = False,
) -> int:
    """Open an account; without a password it waits for its holder to choose one by mail, or to join with the one he has.

    Refuses `login-taken`: in the collectivity, or with a password where somebody enters by that login already.
    """
    return _create_user(
        collectivity_id,
        login.strip().lower(),
        email=email,
        first_name=first_name,
        last_name=last_name,
        capacity=capacity,
        password_hash=passwords.hashed(password) if password else None,
        administrator=administrator,
    )


@use_case
def _create_user(
    db: Db,
    collectivity_id: int,
    login: str,
    *,
    email: str,
    first_name: str,
    last_name: str,
    capacity: str,
    password_hash: str | None,
    administrator: bool,
) -> int:
    same = (User.collectivity_id == collectivity_id, User.login == login)
    if db.scalar(sa.select(User.id).where(*same)):
        raise Refusal("login-taken", login=login)
    row = User(
        collectivity_id=collectivity_id,
        login=login,
        email=address_of(email),
        first_name=first_name,
        last_name=last_name,
        capacity=capacity,
        administrator=administrator,
        created_at=now(),
    )
    db.add(row)
    db.flush()
    if password_hash is not None:
        persons.opened(db, row, password_hash, login=login)
    write_down(
        db,
        collectivity_id,
        "account.opened",
        None,
        whose=row.id,
        login=login,
        administrator=administrator,
    )
    return row.id


@use_case
def create_desk(db: Db, collectivity_id: int, key: str, name: str, *, parent: str | None = None) -> int:
    """Open a desk under its superior; refuses a key already taken or an unknown superior."""
    if db.scalar(sa.select(Desk.id).where(Desk.collectivity_id == collectivity_id, Desk.key == key)):
        raise Refusal("desk-taken", desk=key)
    parent_id = desk_of(db, collectivity_id, parent).id if parent else None
    row = Desk(collectivity_id=collectivity_id, key=key, name=name, parent_id=parent_id)
    db.add(row)
    db.flush()
    write_down(db, collectivity_id, "desk.opened", None, desk=key, name=name)
    return row.id


@use_case
def seat(db: Db, collectivity_id: int, desk: str, login: str, rights: Collection[Right]) -> None:
    """Give a person a desk with these rights, or change them; no right at all takes the desk back.

    Refuses `user-unknown`, `desk-unknown`, `desk-closed`, and what `refuse_odd` and `refuse_unknown` refuse.
    """
    wanted = rights if isinstance(rights, Rights) else Rights.of(*rights)
    refuse_odd(wanted)
    user = db.scalar(sa.select(User).where(User.collectivity_id == collectivity_id, User.login == login))
    if user is None:
        raise Refusal("user-unknown", login=login)
    place = desk_of(db, collectivity_id, desk)
    if place.closed_at is not None:
        raise Refusal("desk-closed", name=place.name)
    desk_id = place.id
    row = db.get(Holder, (user.id, desk_id))
    was = rights_of(row)
    refuse_unknown(db, collectivity_id, wanted.without(was))
    if was != wanted:
        write_down(db, collectivity_id, "desk.rights", None, whose=user.id, **seat_facts(desk, was, wanted))
    if row is not None and not wanted:
        db.delete(row)
    elif row is not None:
        row.rights = list(wanted.grants)
    elif wanted:
        db.add(Holder(user_id=user.id, desk_id=desk_id, rights=list(wanted.grants)))


@use_case
def ask_reset(db: Db, login: str, address: str = "") -> None:
    """Send a link to choose a new password; says nothing of whether the account exists.

    To whoever enters by that login, where he said that he is reached; and to who was invited under it and has not come yet,
    in each collectivity, at the address of that account. Whoever asks is not logged in: the line of the journal is not in
    the name of the account, which may know nothing of it.
    """
    login = login.strip().lower()
    person = db.scalar(sa.select(Person).where(Person.login == login))
    user = account_of(db, person.id) if person is not None else None
    if person is not None and user is not None:
        _mail_reset(db, user, address, recovery=person.email)
    invited = (User.login == login, User.person_id.is_(None), User.active.is_(True))
    for account in db.scalars(sa.select(User).where(*invited).order_by(User.collectivity_id)).all():
        _mail_reset(db, account, address)


def _mail_reset(db: Db, user: User, address: str, *, recovery: str | None = None) -> None:
    """A link for this account; `recovery`: the address of whoever enters by it, which no collectivity changes for him."""
    nonce = new_token()
    row = PasswordReset(
        token_hash=token_hash(derived_token(nonce)), user_id=user.id, expires_at=now() + RESET_LIFE
    )
    db.add(row)
    db.flush()
    mail = News(
        kind="mail",
        key=f"reset-{row.token_hash[:32]}",  # old links are swept, and SQLite gives their numbers again
        recipient=recovery or user.email,
        payload={
            "event": "password_reset",
            "user_id": user.id,
            "nonce": nonce,
            "recovery": recovery is not None,
        },
    )
    post(db, user.collectivity_id, [mail])
    append(
        db,
        user.collectivity_id,
        Event("password.asked", STRANGER, None, None, {"user": user.id, "address": address}),
    )


def reset(token: str, password: str, address: str = "") -> str:
    """Choose a new password with a link that serves once; closes every open session of the person, whose login it returns.

    Refuses `link-expired`, and says the same of a link whose account was closed since; `password-weak`,
    `password-guessable`, `password-breached`, `passwords-busy`. Nothing is hashed for who has no link, and the link is
    looked at again once it is. Of an account that was never entered, it begins: whoever holds the link is a person of his
    own from then on.
    """
    with reading() as db:
        _, user = persons.by_link(db, token)
        collectivity = db.get_one(Collectivity, user.collectivity_id)
        particulars = (user.first_name, user.last_name, user.login, user.email, collectivity.name)
    return _reset(token, passwords.hashed(password, chosen_by=particulars), address)


def change_password(actor: Actor, present: SecretStr, chosen: SecretStr) -> str:
    """Change one's own password, from an open session, and return the token that opens it from then on.

    The other sessions of the person are closed, and he is told.

    `present`: the password of now; whoever has none (a key opened the door) is asked nothing more than who he is.
    Refuses `identity-needed`, `identity-refused` (counted as every wrong answer: `identity-closed` after five),
    `password-weak`, `password-guessable`, `password-breached`, `passwords-busy`.
    """
    identity.refuse_stale(actor)
    with reading() as db:
        user, collectivity = db.get_one(User, actor.user_id), db.get_one(Collectivity, actor.collectivity_id)
        person = db.get_one(Person, actor.person_id)
        former = person.password_hash
        particulars = (
            user.first_name,
            user.last_name,
            user.login,
            person.login,
            user.email,
            collectivity.name,
        )
    if former and not passwords.matches(former, present.get_secret_value()):
        left = identity.answered(actor, None, None)
        raise Refusal("identity-refused", left=left) if left else Refusal("identity-closed")
    token = new_token()
    _change_password(actor, former, passwords.hashed(chosen.get_secret_value(), chosen_by=particulars), token)
    return token


@use_case
def _change_password(db: Db, actor: Actor, former: str | None, password_hash: str, token: str) -> None:
    user = db.scalar(sa.select(User).where(User.id == actor.user_id, User.active.is_(True)).with_for_update())
    person = persons.person_of(db, user, lock=True) if user is not None else None
    if user is None or person is None or person.password_hash != former:
        raise Refusal("password-moved")
    _chosen(db, user, person, password_hash, actor.address, but=actor.session_id)
    row = db.get(LoginSession, actor.session_id) if actor.session_id is not None else None
    if row is not None:
        identity.renew(row, token)
        row.password_at = now()


def _chosen(
    db: Db, user: User, person: Person, password_hash: str, address: str, *, but: int | None = None
) -> None:
    """Write a new password: links that wait and sessions open end with the former one, and its owner is told.

    The links and the sessions of all his accounts; told where he is reached here, and where he recovers his password.
    """
    person.password_hash = password_hash
    db.flush()
    persons.void_links(db, person.id)
    persons.revoke_sessions(db, person.id, but=but)
    facts = {"event": "password_changed", "user_id": user.id, "address": address, "page": "/compte"}
    key = f"password-{user.id}-{new_token()[:16]}"
    news = [News("mail", key, facts, None, user.email)]
    if person.email.lower() != user.email.lower():
        news.append(News("mail", f"{key}-recovery", {**facts, "recovery": True}, None, person.email))
    post(db, user.collectivity_id, news)
    append(
        db, user.collectivity_id, Event("password.changed", user.name, user.id, None, {"address": address})
    )


@use_case
def _reset(db: Db, token: str, password_hash: str, address: str) -> str:
    row, user = persons.by_link(db, token)
    row.used_at = now()
    person = persons.person_of(db, user, lock=True) or persons.opened(db, user, None)
    _chosen(db, user, person, password_hash, address)
    return person.login


@use_case
def first_link(db: Db, collectivity_id: int, login: str) -> tuple[str, datetime]:
    """The secret of a link by which somebody chooses his password, once, and until when; for who sends no mail yet.

    Links given before serve no more. Refuses `user-unknown`.
    """
    return _first_link(db, user_of(db, collectivity_id, login))


def _first_link(db: Db, user: User) -> tuple[str, datetime]:
    token, ends = new_token(), now() + FIRST_LINK_LIFE
    links = sa.update(PasswordReset).where(PasswordReset.user_id == user.id, PasswordReset.used_at.is_(None))
    db.execute(links.values(used_at=now()).execution_options(synchronize_session=False))
    db.add(PasswordReset(token_hash=token_hash(token), user_id=user.id, expires_at=ends))
    write_down(db, user.collectivity_id, "password.asked", None, whose=user.id)
    return token, ends


@use_case
def close_sessions(db: Db, actor: Actor, user_id: int) -> str:
    """Close every session of somebody in the collectivity, by an administrator or the command line; the person's name.

    Those that he has open in another one stay.

    Refuses `user-unknown`.
    """
    user = db.scalar(sa.select(User).where(User.collectivity_id == actor.collectivity_id, User.id == user_id))
    if user is None:
        raise Refusal("user-unknown", login=str(user_id))
    revoke_all(db, user.id)
    facts = {"whose": user.id, "address": actor.address}
    append(db, actor.collectivity_id, Event("login.closed", actor.name, actor.user_id, None, facts))
    return user.name


@dataclass(frozen=True)
class Left:
    """What the closing of an account leaves: how many folders stop, now or later, and for which reason it is closed all the same.

    `stuck`: for want of somebody else at a desk; `named`: by name. `reason` is kept in the journal.
    """

    stuck: int = 0
    named: int = 0
    reason: str = ""


def hold_seats(db: Db, user: User) -> None:
    """Lock the desks where somebody sits before what he leaves is read: what is being given to one of them, or to him, waits."""
    his = sa.select(Holder.desk_id).where(Holder.user_id == user.id)
    db.execute(sa.select(Desk.id).where(Desk.id.in_(his)).order_by(Desk.id).with_for_update()).all()


@use_case
def close_account(
    db: Db,
    collectivity_id: int,
    login: str,
    *,
    by: Actor | None = None,
    leaving: Callable[[Db, User], Left] | None = None,
) -> bool:
    """Close an account and its sessions; the name stays in what was signed. False of one that is closed: nothing changes.

    `by`: the administrator who does it, else the command line; the person and the other administrators are told by mail.
    `leaving`: what it leaves, read here under the lock of his desks: what came there since a page told it is seen, and what
    comes meanwhile waits, and then meets a closed account. It may refuse. Refuses `user-unknown`, and to an administrator
    `identity-needed`, `account-own`, `person-unknown` outside of his branch, and `account-closed` when his own was closed
    meanwhile: two never close one another.
    """
    ours = administrators_locked(db, collectivity_id)
    user = db.scalar(sa.select(User).where(User.collectivity_id == collectivity_id, User.login == login))
    if user is None:
        raise Refusal("user-unknown", login=login)
    if by is not None:
        branch = own_branch(db, by) if by.delegated else None
        identity.refuse_stale_in(db, by)
        if not is_reached(db, branch, user.id):
            raise Refusal("person-unknown")
        if user.id == by.user_id:
            raise Refusal("account-own")
        if branch is None and not any(account.id == by.user_id and account.active for account in ours):
            raise Refusal("account-closed")
    if not user.active:
        return False
    hold_seats(db, user)
    write_closed(db, user, ours, by, leaving(db, user) if leaving is not None else Left())
    return True


def administrators_locked(db: Db, collectivity_id: int) -> list[User]:
    """Who administers the whole collectivity, locked in the order of their accounts, closed ones too.

    Not against who only writes that one of them acted: he may hold a desk that a closing waits for.
    """
    admins = sa.select(User).where(User.collectivity_id == collectivity_id, User.administrator.is_(True))
    locked = admins.order_by(User.id).with_for_update(key_share=True)
    locked = locked.execution_options(populate_existing=True)
    return list(db.scalars(locked))


def write_closed(
    db: Db,
    user: User,
    ours: Sequence[User],
    by: Actor | None,
    left: Left,
    *,
    planned: datetime | None = None,
) -> None:
    """What `close_account` writes of an open account, in the transaction of who has refused who may not, and holds his seats.

    `ours`: those of `administrators_locked`. `planned`: when it was to be done, None at once; who had planned it is told too.
    """
    user.active = False
    user.agenda_hash = user.agenda_since = user.agenda_read_at = None
    revoke_all(db, user.id)
    db.execute(sa.delete(PlannedClosing).where(PlannedClosing.user_id == user.id))
    why: dict[str, object] = {"reason": left.reason} if left.reason else {}
    when = {"closes_at": planned.isoformat()} if planned is not None else {}
    write_down(db, user.collectivity_id, "account.closed", by, whose=user.id, login=user.login, **why, **when)
    if by is None:
        return
    told = {account.id: account for account in ours if account.active and account.id != user.id}
    if planned is None:
        told.pop(by.user_id or 0, None)
    elif (planner := db.get(User, by.user_id)) is not None:
        told[planner.id] = planner
    facts = {"by": by.name, "left": left.stuck, "named": left.named, **why}
    if planned is not None:
        facts["about"] = f"{jour_long(planned.astimezone(PARIS).date())} à {heure(planned)}"
    news = [_of_account("closed", user, account, **facts) for account in (user, *told.values())]
    post(db, user.collectivity_id, news)


@use_case
def reopen_account(db: Db, collectivity_id: int, login: str) -> tuple[str, datetime]:
    """Open a closed account again, by the command line; the secret of a link to choose a password, and its end.

    What it writes is `write_reopened`'s. Refuses `user-unknown`, and what that refuses.
    """
    query = sa.select(User).where(
        User.collectivity_id == collectivity_id, User.login == login.strip().lower()
    )
    user = db.scalar(query.with_for_update())
    if user is None:
        raise Refusal("user-unknown", login=login)
    write_reopened(db, user, None)
    return _first_link(db, user)


def write_reopened(db: Db, user: User, by: Actor | None) -> None:
    """Open an account again, which the caller has locked; `by`: the administrator who does it, else the command line.

    The former password serves no more, nor any session; desks, rights, mandates and factors are those that the account
    has kept. Of somebody who has another account open meanwhile, nothing of what he enters by is touched: the link that
    the caller gives is an invitation, by which he joins again. The person and the administrators are told by mail.
    Refuses `account-open-already`, and `account-reduced`: its login and its address are gone.
    """
    if user.active:
        raise Refusal("account-open-already", name=user.name)
    if not user.email:
        raise Refusal("account-reduced", login=user.login)
    if persons.works_elsewhere(db, user):
        user.person_id = None
    elif (person := persons.person_of(db, user, lock=True)) is not None:
        person.password_hash, person.email = None, user.email
    user.active = True
    revoke_all(db, user.id)
    here = user.collectivity_id
    write_down(db, here, "account.reopened", by, whose=user.id, login=user.login)
    admins = sa.select(User).where(User.collectivity_id == here, User.administrator.is_(True))
    told = {user.id, by.user_id if by is not None else None}
    others = db.scalars(admins.where(User.active.is_(True)).order_by(User.id))
    readers = [user, *(account for account in others if account.id not in told)]
    facts = {"by": by.name} if by is not None else {}
    post(db, here, [_of_account("reopened", user, account, **facts) for account in readers])


@use_case
def keep_for_emergency(db: Db, collectivity_id: int, login: str, *, reserved: bool) -> str:
    """Say whether an account is the one in the safe, by the command line alone; the person's name.

    Whoever opens it is told to every administrator. Refuses `user-unknown`, and `emergency-useless` of an account that
    administers nothing: it could give nobody his access back.
    """
    user = user_of(db, collectivity_id, login)
    if reserved and not user.administrator:
        raise Refusal("emergency-useless", name=user.name)
    if user.emergency != reserved:
        user.emergency = reserved
        write_down(db, collectivity_id, "account.emergency", None, whose=user.id, kept=reserved)
    return user.name


def _of_account(what: str, user: User, reader: User, **more: object) -> News:
    """The letter that says what became of an account, to its owner or to an administrator."""
    event, own = f"account_{what}", reader.id == user.id
    facts = {"event": event, "user_id": reader.id, "account": user.id, "whose": user.name, "own": own}
    facts |= {**more, "page": "/login" if own else "/administration"}
    return News("mail", f"{event}-{user.id}-{reader.id}-{new_token()[:16]}", facts, None, reader.email)


@use_case
def choose_display(
    db: Db, user_id: int, *, theme: str, shortcuts: bool, take_back: str | None = None
) -> None:
    """Keep a person's display: `light`, `dark` or `auto`, and whether single keys act (WCAG 2.1.4).

    `take_back`: one of `LONGER`, in seconds, or empty for as long as the installation says; None keeps what was chosen.
    """
    if theme not in {"light", "dark", "auto"}:
        raise Refusal("bad-request", detail="thème inconnu")
    if take_back and take_back not in map(str, LONGER):
        raise Refusal("bad-request", detail="temps pour annuler inconnu")
    user = db.get_one(User, user_id)
    user.theme, user.shortcuts = theme, shortcuts
    if take_back is not None:
        user.take_back_seconds = int(take_back) if take_back else None


@use_case
def choose_lists(db: Db, user_id: int, *, compact: bool, columns_off: Collection[str]) -> None:
    """Keep how a person's lists are shown: rows that stand close or not, and what is left out of them."""
    user = db.get_one(User, user_id)
    user.compact, user.columns_off = compact, " ".join(sorted(columns_off))


@use_case
def show_guide(db: Db, user_id: int, *, shown: bool) -> None:
    """Show a person the first signature step by step, or put it away for good."""
    db.get_one(User, user_id).signing_guide = shown


@use_case
def note_arrival(db: Db, user_id: int) -> None:
    """Write that a person has read what to do first here."""
    db.get_one(User, user_id).arrived = True


def user_of(db: Db, collectivity_id: int, login: str) -> User:
    """The open account of that login, or `user-unknown`."""
    query = sa.select(User).where(User.login == login.strip().lower(), User.active.is_(True))
    user = db.scalar(query.where(User.collectivity_id == collectivity_id))
    if user is None:
        raise Refusal("user-unknown", login=login)
    return user


def administrators(db: Db, collectivity_id: int) -> list[str]:
    """The names of those who give desks and rights in a collectivity, in the order of their accounts."""
    chosen = sa.select(User).where(
        User.collectivity_id == collectivity_id, User.administrator.is_(True), User.active.is_(True)
    )
    return [user.name for user in db.scalars(chosen.order_by(User.id))]


def desk_of(db: Db, collectivity_id: int, key: str) -> Desk:
    """The desk of that key, or `desk-unknown`."""
    desk = db.scalar(sa.select(Desk).where(Desk.collectivity_id == collectivity_id, Desk.key == key))
    if desk is None:
        raise Refusal("desk-unknown", desk=key)
    return desk


def collectivity_of(db: Db, siren: str) -> Collectivity:
    """The collectivity of that SIREN, or `collectivity-unknown`."""
    row = db.scalar(sa.select(Collectivity).where(Collectivity.siren == siren))
    if row is None:
        raise Refusal("collectivity-unknown", siren=siren)
    return row


def has_password(db: Db, person_id: int | None) -> bool:
    """Whether a person has a password yet."""
    return bool(db.scalar(sa.select(Person.password_hash).where(Person.id == person_id)))


def only_name(db: Db) -> str:
    """The name of the one collectivity of the installation; empty where there are several, or none yet."""
    names = db.scalars(sa.select(Collectivity.name).limit(2)).all()
    return names[0] if len(names) == 1 else ""


def address_of(email: str) -> str:
    """An address of mail as it is kept; refuses `email-invalid`, of an accent too, which few servers take (RFC 6531)."""
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(
            email, allow_smtputf8=False, check_deliverability=False, test_environment=True
        ).normalized
    except EmailNotValidError:
        raise Refusal("email-invalid", email=email) from None
