"""What an administrator does to accounts in the browser: invite somebody, change what is written of him, give a link again."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.core.clock import now, today
from app.core.db import Db
from app.core.outbox import News, post
from app.core.refusals import Refusal
from app.core.security import derived_token, new_token, token_hash
from app.core.texts import line_of, looks_of, refuse_foreign
from app.core.transaction import use_case
from app.journal.models import JournalEntry
from app.people import identity, persons
from app.people.actor import Actor
from app.people.branches import Branch, is_reached, own_branch
from app.people.desks import FIRST_LINK_LIFE, INVITATION_LIFE, address_of, write_down, write_reopened
from app.people.login import revoke_all
from app.people.models import Collectivity, Desk, LoginSession, MandateRow, PasswordReset, User
from workflows.vocabulary import Right

LONGEST = 100
LOGIN_LONGEST = 60
LOGIN = re.compile(r"[!-~]{1,60}")
GONE = re.compile(r"parti-\d+")
"""How a reduced account is called: nobody else may have it."""
INVITED, CHANGED, ADMINISTERS = "account_invited", "account_changed", "account_administers"


@dataclass(frozen=True)
class Particulars:
    """What is written of a person: names, address of mail, capacity printed on signatures, whether he administers."""

    first_name: str
    last_name: str
    email: str
    capacity: str
    administrator: bool


@dataclass(frozen=True)
class Link:
    """A link by which somebody chooses his password: its secret, and until when it serves once."""

    token: str
    ends: datetime


def open_account(
    db: Db, actor: Actor, login: str, particulars: Particulars, *, by_mail: bool, branch: Branch | None = None
) -> tuple[User, Link | None]:
    """An account without a password, and the link by which its holder chooses one, when it is not mailed.

    Nothing is looked for beyond the collectivity: whoever is invited says himself, by the link, that he enters here already.
    By mail the person is sent a link that serves once, for seven days (`INVITATION_LIFE`). Otherwise the link is returned,
    shown once, and serves for three. The caller has refused who may not (`refuse_outside`, which gives the branch).
    Refuses `right-missing` of who would make more of him than he is, `login-invalid`,
    `login-taken`, `name-missing`, `particulars-long`, `capacity-missing`, `email-missing`, `email-invalid`, `email-taken`.
    """
    _refuse_more(particulars, branch)
    clean = _clean(db, actor.collectivity_id, particulars, None, branch)
    login = login_of(login)
    same = (User.collectivity_id == actor.collectivity_id, User.login == login)
    if db.scalar(sa.select(User.id).where(*same)):
        raise Refusal("login-taken", login=login)
    user = User(
        collectivity_id=actor.collectivity_id,
        login=login,
        email=clean.email,
        first_name=clean.first_name,
        last_name=clean.last_name,
        capacity=clean.capacity,
        administrator=clean.administrator,
        created_at=now(),
    )
    db.add(user)
    db.flush()
    facts = {"login": login, "administrator": clean.administrator}
    write_down(db, actor.collectivity_id, "account.opened", actor, whose=user.id, **facts)
    if clean.administrator:
        _tell_administrators(db, actor, user)
    if by_mail:
        _mailed_link(db, actor, user)
        return user, None
    return user, _shown_link(db, actor, user)


@use_case
def send_link(db: Db, actor: Actor, user_id: int) -> str:
    """Mail somebody a new link to choose his password; those given before serve no more. The person's name.

    Refuses `identity-needed`, `person-unknown`, `person-closed`, what `refuse_trusted` refuses, and `person-shared` of whoever
    enters another collectivity by the same password: he alone asks for another.
    """
    branch = refuse_outside(db, actor)
    user = open_user(db, actor, user_id, branch)
    refuse_trusted(db, actor, user, branch)
    persons.refuse_shared(db, user)
    _mailed_link(db, actor, user)
    return user.name


@use_case
def show_link(db: Db, actor: Actor, user_id: int) -> Link:
    """A new link, shown once to the administrator, for an account that never served, and whom no mail reaches.

    Whoever reads it enters as another: of an account that served once, the link is mailed and never shown here, a
    reopened one too (`link-not-shown`). Refuses `identity-needed`, `person-unknown`, `person-closed` and what `refuse_trusted`
    refuses too.
    """
    branch = refuse_outside(db, actor)
    user = open_user(db, actor, user_id, branch)
    refuse_trusted(db, actor, user, branch)
    if was_used(db, user):
        raise Refusal("link-not-shown", name=user.name)
    return _shown_link(db, actor, user)


@use_case
def reopen(db: Db, actor: Actor, user_id: int) -> str:
    """Open a closed account again, and mail its holder a link to choose a password; the person's name.

    The link goes to him alone: whoever reads it enters as him, with the desks and mandates that the account has kept.
    Refuses `person-unknown`, `email-taken` where another open account has his address by now, and what `refuse_former` and
    `write_reopened` refuse.
    """
    refuse_former(db, actor)
    query = sa.select(User).where(User.collectivity_id == actor.collectivity_id, User.id == user_id)
    user = db.scalar(query.with_for_update().execution_options(populate_existing=True))
    if user is None:
        raise Refusal("person-unknown")
    same = sa.func.lower(User.email) == user.email.lower()
    mine = (User.collectivity_id == actor.collectivity_id, User.active.is_(True), User.id != user.id)
    if user.email and (other := db.scalar(sa.select(User).where(same, *mine).limit(1))) is not None:
        raise Refusal("email-taken", email=user.email, name=other.name)
    write_reopened(db, user, actor)
    _mailed_link(db, actor, user)
    return user.name


@use_case
def change(db: Db, actor: Actor, user_id: int, particulars: Particulars, *, shown: str | None = None) -> bool:
    """Write other particulars of a person; False when they are the same, and nothing is written then.

    `shown`: the `mark_of` the person on the page; when somebody changed him since, nothing is written (`person-moved`).
    What was signed keeps the name and the capacity of its day. The person is told. Of another address: at the former one
    too, his sessions here and the links sent there end, and the administrators are told; a forgotten password is answered at
    the new one, unless he works for another collectivity too. They are told who has become one of
    them, or is one no longer. Refuses `identity-needed`, `person-unknown`, `person-closed`, `name-missing`,
    `capacity-missing`, `email-missing`, `email-invalid`, `email-taken`, `administrator-emergency`, of who administers a
    branch `particulars-own`, `name-taken` and, of another address, what `refuse_trusted` refuses, and
    `administrator-own`: one never takes away one's own right, so one is left.
    """
    in_turn(db, actor)
    branch = refuse_outside(db, actor)
    user = open_user(db, actor, user_id, branch)
    _refuse_more(particulars, branch)
    if shown is not None and shown != mark_of(user):
        # What is wrong with the entry is said first: it stays wrong after the page is read again
        _clean(db, actor.collectivity_id, particulars, user, branch)
        raise Refusal("person-moved", name=user.name)
    return write_particulars(db, actor, user, particulars, branch)


def write_particulars(
    db: Db, actor: Actor, user: User, particulars: Particulars, branch: Branch | None = None
) -> bool:
    """What `change` writes of an open account that the caller has locked; False when nothing differs."""
    clean = _clean(db, actor.collectivity_id, particulars, user, branch)
    if user.emergency and not clean.administrator:
        raise Refusal("administrator-emergency", name=user.name)
    if user.id == actor.user_id and user.administrator and not clean.administrator:
        raise Refusal("administrator-own")
    was = Particulars(user.first_name, user.last_name, user.email, user.capacity, user.administrator)
    if clean == was:
        return False
    if clean.email != was.email:
        refuse_trusted(db, actor, user, branch)
    _refuse_own(actor, user, was, clean, branch)
    user.first_name, user.last_name, user.email = clean.first_name, clean.last_name, clean.email
    user.capacity, user.administrator = clean.capacity, clean.administrator
    if clean.administrator and not was.administrator:
        user.branch_id = None  # the whole of it is his
        persons.void_shown(db, actor, user.id)
    facts: dict[str, object] = {
        name: {"was": former, "now": present}
        for name, former, present in (
            ("called", f"{was.first_name} {was.last_name}", user.name),
            ("capacity", was.capacity, clean.capacity),
            ("administers", was.administrator, clean.administrator),
        )
        if former != present
    }
    if clean.email != was.email:
        facts["mail"] = True  # that it changed, and not which: the journal is kept for ever
        _void_links(db, user)
        person = persons.person_of(db, user, lock=True)
        if person is not None and not persons.works_elsewhere(db, user):
            person.email = clean.email
        revoke_all(db, user.id, but=actor.session_id if user.id == actor.user_id else None)
    write_down(db, actor.collectivity_id, "account.changed", actor, whose=user.id, **facts)
    _tell_of_change(db, actor, user, was)
    if clean.administrator != was.administrator:
        _tell_administrators(db, actor, user)
    if clean.email != was.email:
        _tell_administrators(db, actor, user, moved=True)
    _tell_of_names(db, actor, user, was, clean, branch)
    return True


def in_turn(db: Db, actor: Actor) -> None:
    """Let one verb at a time write who people of a collectivity are: of two, each would find an address or a name free."""
    db.get_one(Collectivity, actor.collectivity_id, with_for_update={"key_share": True})


def login_of(text: str) -> str:
    """A login as it is kept; refuses `login-invalid`: no letter with an accent, and none that a reduced account has."""
    login = text.strip().lower()
    if not LOGIN.fullmatch(login) or GONE.fullmatch(login):
        raise Refusal("login-invalid", most=LOGIN_LONGEST)
    return login


def mark_of(user: User) -> str:
    """What a page shows of a person, in short: posted back, it tells a page that is out of date."""
    texts = (user.first_name, user.last_name, user.email, user.capacity, str(user.administrator))
    return token_hash("\n".join(texts))[:32]


def was_used(db: Db, user: User) -> bool:
    """Whether somebody has ever entered by this account, or acted in its name: it may hold desks, mandates and keys."""
    if user.person_id is not None:
        return True
    entered = sa.exists().where(LoginSession.user_id == user.id)
    acted = sa.exists().where(JournalEntry.user_id == user.id)
    return bool(db.scalar(sa.select(sa.or_(entered, acted))))


def lacks_link(db: Db, user_id: int) -> bool:
    """Whether nobody enters by an account yet, and no link lets anybody: its holder is to be given one."""
    query = sa.select(User.person_id.is_(None)).where(User.id == user_id, User.active.is_(True))
    live = sa.select(PasswordReset.id).where(
        PasswordReset.user_id == user_id, PasswordReset.used_at.is_(None), PasswordReset.expires_at > now()
    )
    return bool(db.scalar(query)) and db.scalar(live.limit(1)) is None


def refuse_former(db: Db, actor: Actor, *, patience: int = 0) -> None:
    """Refuse who has not just proven who he is (`identity-needed`), or administers no more since his page.

    Refuses `account-closed`, or `administrator-lost` of an account that is open.

    The administrators are locked in their order: two of them never take the right away from one another. `patience`: as
    `identity.refuse_stale`.
    """
    identity.refuse_stale_in(db, actor, patience=patience)
    ours = sa.select(User).where(User.collectivity_id == actor.collectivity_id, User.administrator.is_(True))
    locked = ours.order_by(User.id).with_for_update().execution_options(populate_existing=True)
    if not any(user.id == actor.user_id and user.active for user in db.scalars(locked)):
        still = db.scalar(sa.select(User.active).where(User.id == actor.user_id))
        raise Refusal("administrator-lost" if still else "account-closed")


def refuse_outside(db: Db, actor: Actor, *desk_ids: int | None) -> Branch | None:
    """Refuse what `refuse_former` does, and to a delegated administrator the desks that are not of his branch.

    His branch, its desks locked; None of who administers the whole collectivity. Such a desk is refused as one that is not
    there (`desk-absent`), and so is no desk at all (None).
    """
    if not actor.delegated:
        refuse_former(db, actor)
        return None
    branch = own_branch(db, actor)
    if not branch.issuperset(desk_ids):
        raise Refusal("desk-absent")
    return branch


def refuse_trusted(db: Db, actor: Actor, user: User, branch: Branch | None) -> None:
    """Refuse that who administers a branch alone has a hand on how somebody enters who is trusted with more (`person-trusted`).

    Whoever reads his letters, or his link, would sign in his place. Of oneself it is one's own.
    """
    if branch is not None and user.id != actor.user_id and is_trusted(db, user):
        raise Refusal("person-trusted", name=user.name)


def is_trusted(db: Db, user: User) -> bool:
    """Whether the collectivity has given somebody a mandate, a certificate of his is known, or he administers something."""
    if user.administrator or user.branch_id is not None:
        return True
    live = sa.exists().where(
        MandateRow.user_id == user.id,
        MandateRow.ended_at.is_(None),
        sa.or_(MandateRow.ends_on.is_(None), MandateRow.ends_on >= today()),
    )
    return bool(db.scalar(sa.select(live))) or any(has(db, user.id) for has in _certified)


_certified: list[Callable[[Db, int], bool]] = []


def certificates_from(has: Callable[[Db, int], bool]) -> None:
    """Let a higher floor say whether a certificate of somebody is known here, that he may sign with."""
    _certified[:] = [has]


def _refuse_more(particulars: Particulars, branch: Branch | None) -> None:
    """Refuse that who administers a branch makes somebody administer the collectivity (`right-missing`)."""
    if branch is not None and particulars.administrator:
        raise Refusal("right-missing", right=Right.ADMINISTER.value)


@use_case
def delegate(db: Db, actor: Actor, user_id: int, desk_id: int | None) -> bool:
    """Let somebody administer a desk, those below it and the people who sit only there, or nothing more (None).

    False when it was so already. He is told, and the other administrators. Refuses what `refuse_former` refuses,
    `person-unknown`, `person-closed`, `desk-absent`, `desk-closed`, and `delegated-whole` of who administers it all.
    """
    refuse_former(db, actor)
    user = open_user(db, actor, user_id)
    return write_branch(db, actor, user, desk_id)


@use_case
def hand_branch(db: Db, actor: Actor, user_id: int, desk_id: int, heir_id: int | None) -> None:
    """Give the branch that somebody administers to another, or take it back from him alone (None): both, or neither.

    `desk_id`: the branch that the page showed. Refuses what `delegate` refuses, `branch-moved` where it is his no more, and
    `branch-heir` of an heir who has a branch, himself included.
    """
    refuse_former(db, actor)
    numbers = {user_id} if heir_id is None else {user_id, heir_id}
    people = {number: open_user(db, actor, number) for number in sorted(numbers)}  # locked in their order
    user, heir = people[user_id], people[heir_id] if heir_id is not None else None
    if user.branch_id is None or user.branch_id != desk_id:
        raise Refusal("branch-moved", name=user.name)
    if heir is not None:
        if heir.branch_id is not None:
            raise Refusal("branch-heir", name=heir.name)
        write_branch(db, actor, heir, desk_id)
    write_branch(db, actor, user, None)


def write_branch(db: Db, actor: Actor, user: User, desk_id: int | None) -> bool:
    """What `delegate` writes of an open account, in the transaction of who has refused who may not."""
    if user.branch_id == desk_id:
        return False
    ours = sa.select(Desk).where(Desk.collectivity_id == actor.collectivity_id)
    desk = db.scalar(ours.where(Desk.id == desk_id).with_for_update()) if desk_id is not None else None
    if desk_id is not None and desk is None:
        raise Refusal("desk-absent")
    if desk is not None and desk.closed_at is not None:
        raise Refusal("desk-closed", name=desk.name)
    if desk is not None and user.administrator:
        raise Refusal("delegated-whole", name=user.name)
    former = db.scalar(ours.where(Desk.id == user.branch_id)) if user.branch_id is not None else None
    user.branch_id = desk_id
    names = [branch.name if branch is not None else "" for branch in (former, desk)]
    facts = {"branch": {"was": names[0], "now": names[1]}}
    write_down(db, actor.collectivity_id, "account.delegated", actor, whose=user.id, **facts)
    if desk_id is not None:
        persons.void_shown(db, actor, user.id)
    letter = {"event": CHANGED, "user_id": user.id, "by": actor.name, "page": "/compte"}
    letter["about"] = f"le droit d’administrer la branche « {names[1] or names[0]} »"
    key = f"{CHANGED}-{user.id}-{new_token()[:16]}"
    post(db, actor.collectivity_id, [News("mail", key, letter, None, user.email)])
    _tell_administrators(db, actor, user, branch=names[1] or names[0])
    return True


def open_user(db: Db, actor: Actor, user_id: int, branch: Branch | None = None) -> User:
    """Somebody of the collectivity whose account is open, locked; refuses `person-unknown`, `person-closed`.

    `branch`: of who administers it alone: whoever sits elsewhere, or administers more, is unknown to him.
    """
    user = db.scalar(
        sa.select(User)
        .where(User.collectivity_id == actor.collectivity_id, User.id == user_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if user is None or not is_reached(db, branch, user.id):
        raise Refusal("person-unknown")
    if not user.active:
        raise Refusal("person-closed", name=user.name)
    return user


def checked(particulars: Particulars) -> Particulars:
    """The same, each text on one line.

    Refuses `text-hidden`, `name-missing`, `particulars-long`, `capacity-missing`, `text-alphabet`, `email-missing` and
    `email-invalid`.
    """
    first, last, capacity = (
        line_of(text) for text in (particulars.first_name, particulars.last_name, particulars.capacity)
    )
    if not first or not last:
        raise Refusal("name-missing")
    if not capacity:
        raise Refusal("capacity-missing")
    if max(len(first), len(last), len(capacity)) > LONGEST:
        raise Refusal("particulars-long", most=LONGEST)
    refuse_foreign(first, last, capacity)
    if not particulars.email.strip():
        raise Refusal("email-missing")
    return Particulars(
        first, last, address_of(particulars.email.strip()), capacity, particulars.administrator
    )


def _clean(
    db: Db, collectivity_id: int, particulars: Particulars, user: User | None, branch: Branch | None = None
) -> Particulars:
    """The same, checked; refuses an address that another open account has too, and names him to who may know him.

    Of who administers a branch, a name that another open account bears is refused too (`name-taken`).
    """
    clean = checked(particulars)
    if branch is not None:
        _refuse_borne(db, collectivity_id, clean, user)
    taken = sa.select(User).where(
        User.collectivity_id == collectivity_id,
        User.active.is_(True),
        sa.func.lower(User.email) == clean.email.lower(),
    )
    if user is not None:
        taken = taken.where(User.id != user.id)
    # An account that already shares an address with another keeps it: what the command line opened stays as it is
    if (user is None or clean.email != user.email) and (other := db.scalar(taken.limit(1))) is not None:
        if not is_reached(db, branch, other.id):
            raise Refusal("email-taken-elsewhere", email=clean.email)
        raise Refusal("email-taken", email=clean.email, name=other.name)
    return clean


def _printed(particulars: Particulars) -> tuple[str, str, str]:
    """What a visa and a signature print of a person."""
    return particulars.first_name, particulars.last_name, particulars.capacity


def _refuse_own(
    actor: Actor, user: User, was: Particulars, clean: Particulars, branch: Branch | None
) -> None:
    """Refuse that who administers a branch changes what is printed of himself (`particulars-own`)."""
    if branch is not None and user.id == actor.user_id and _printed(clean) != _printed(was):
        raise Refusal("particulars-own")


def _tell_of_names(
    db: Db, actor: Actor, user: User, was: Particulars, clean: Particulars, branch: Branch | None
) -> None:
    """Tell the administrators what one who administers a branch changed of what is printed of somebody."""
    if branch is not None and _printed(clean) != _printed(was):
        _tell_administrators(db, actor, user, former=was)


def _refuse_borne(db: Db, collectivity_id: int, clean: Particulars, user: User | None) -> None:
    """Refuse the name of another open account, whatever its accents, capitals, spaces, hyphens and look-alikes (`name-taken`).

    A visa is read by its name: one person under another's would decide as him. Who keeps his name is asked nothing.
    """
    wanted = looks_of(clean.first_name + clean.last_name)
    if user is not None and wanted == looks_of(user.first_name + user.last_name):
        return
    names = sa.select(User.id, User.first_name, User.last_name).where(
        User.collectivity_id == collectivity_id, User.active.is_(True)
    )
    if any(wanted & looks_of(row.first_name + row.last_name) for row in db.execute(names)):
        raise Refusal("name-taken", name=f"{clean.first_name} {clean.last_name}")


def _void_links(db: Db, user: User) -> None:
    links = sa.update(PasswordReset).where(PasswordReset.user_id == user.id, PasswordReset.used_at.is_(None))
    db.execute(links.values(used_at=now()).execution_options(synchronize_session=False))


def _mailed_link(db: Db, actor: Actor, user: User) -> None:
    """A link in place of those given before, that its reader alone knows."""
    nonce = new_token()
    token = derived_token(nonce)
    _keep(db, actor, user, Link(token, now() + INVITATION_LIFE), mailed=True)
    facts = {"event": INVITED, "user_id": user.id, "nonce": nonce, "by": actor.name}
    facts["own"] = not was_used(db, user)
    key = f"invited-{user.id}-{token_hash(token)[:32]}"
    post(db, actor.collectivity_id, [News("mail", key, facts, None, user.email)])


def _shown_link(db: Db, actor: Actor, user: User) -> Link:
    """The same, known to whoever asked for it."""
    link = Link(new_token(), now() + FIRST_LINK_LIFE)
    _keep(db, actor, user, link, mailed=False)
    return link


def _keep(db: Db, actor: Actor, user: User, link: Link, *, mailed: bool) -> None:
    _void_links(db, user)
    row = PasswordReset(
        token_hash=token_hash(link.token), user_id=user.id, expires_at=link.ends, shown=not mailed
    )
    db.add(row)
    write_down(db, actor.collectivity_id, "password.asked", actor, whose=user.id, mailed=mailed)


def _tell_of_change(db: Db, actor: Actor, user: User, was: Particulars) -> None:
    """One letter to the person where he is reached now, and one where he was."""
    changes = {
        "l’adresse de courriel": user.email != was.email,
        "le nom": (user.first_name, user.last_name) != (was.first_name, was.last_name),
        "la qualité imprimée sur les signatures": user.capacity != was.capacity,
        "le droit d’administrer": user.administrator != was.administrator,
    }
    facts = {"event": CHANGED, "user_id": user.id, "by": actor.name, "page": "/compte"}
    facts["about"] = _listed(label for label, changed in changes.items() if changed)
    key = f"{CHANGED}-{user.id}-{new_token()[:16]}"
    post(db, actor.collectivity_id, [News("mail", key, facts, None, user.email)])
    if user.email != was.email:
        there = facts | {"former": True}
        post(db, actor.collectivity_id, [News("mail", f"{key}-former", there, None, was.email)])


def _listed(labels: Iterable[str]) -> str:
    *first, last = labels
    return f"{', '.join(first)} et {last}" if first else last


def _tell_administrators(
    db: Db,
    actor: Actor,
    user: User,
    *,
    moved: bool = False,
    branch: str | None = None,
    former: Particulars | None = None,
) -> None:
    """Those who administer, but who did it and whom it is about: who may give rights is never changed in silence.

    `moved`: what changed is the address, by which whoever reads it may choose a password. `branch`: the name of the one
    that he administers now, or administered. `former`: what he was called before who administers his branch changed it.
    """
    others = db.scalars(
        sa.select(User)
        .where(
            User.collectivity_id == actor.collectivity_id,
            User.administrator.is_(True),
            User.active.is_(True),
            User.id != user.id,
            User.id.is_distinct_from(actor.user_id),
        )
        .order_by(User.id)
    )
    mark = new_token()[:16]
    for other in others:
        facts = {"event": ADMINISTERS, "user_id": other.id, "whose": user.name, "by": actor.name}
        facts |= {"own": user.administrator, "page": f"/administration/personnes/{user.id}"}
        facts |= {"what": "moved"} if moved else {}
        if branch is not None:
            facts |= {"what": "branch", "own": user.branch_id is not None, "desk": branch}
        if former is not None:
            facts |= {
                "what": "named",
                "whose": f"{former.first_name} {former.last_name}, {former.capacity}",
                "about": f"{user.name}, {user.capacity}",
            }
        key = f"{ADMINISTERS}-{user.id}-{other.id}-{mark}"  # a mark of its own for each change
        post(db, actor.collectivity_id, [News("mail", key, facts, None, other.email)])
