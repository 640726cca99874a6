"""Who one is, asked again before what engages: how fresh the last proof of this login session is, and the ways to give one.

A session that stays open proves that somebody logged in, not who is in front of it now. The ways are a port: the password is
one, a second factor or the town's own login are others (`Way`), and what asks for a proof knows none of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import sqlalchemy as sa
from pydantic import SecretStr

from app.core import security_log
from app.core.clock import now
from app.core.db import Db, reading
from app.core.outbox import News, post
from app.core.refusals import Refusal
from app.core.transaction import after_commit, use_case
from app.journal.chain import Event, append
from app.people import passwords
from app.people.actor import Actor
from app.people.models import LoginSession, User

MOST_WRONG = 5
"""Wrong answers that a session survives: whoever guesses logs in anew, where logins are counted."""
_chosen = {"minutes": 5}


class Way(Protocol):
    """One way to prove who one is."""

    @property
    def key(self) -> str:
        """Its name in settings and rows."""

    @property
    def label(self) -> str:
        """What its field is called; nobody may take it for a key's password."""

    @property
    def hint(self) -> str:
        """What to type, in a sentence."""

    @property
    def autocomplete(self) -> str:
        """What a browser may fill in (HTML §4.10.18.7)."""

    def serves(self, user: User) -> bool:
        """Whether this person can prove himself so."""

    def holds(self, user: User, answer: SecretStr) -> bool:
        """Whether the answer is this person's; it takes as long when it is not."""


@dataclass(frozen=True)
class Password:
    """The password of the account."""

    key: str = "password"
    label: str = "Mot de passe de votre compte Paraphe"
    hint: str = "Celui avec lequel vous vous connectez, et non celui du certificat."
    autocomplete: str = "current-password"

    def serves(self, user: User) -> bool:
        """Whoever has one."""
        return bool(user.password_hash)

    def holds(self, user: User, answer: SecretStr) -> bool:
        """Verified as at the door (RFC 9106)."""
        return passwords.matches(user.password_hash, answer.get_secret_value())


WAYS: list[Way] = [Password()]
"""In the order in which they are offered; the first that serves the person is asked."""


def configure(minutes: int) -> None:
    """Say how long a proof is fresh, in minutes."""
    _chosen["minutes"] = minutes


def minutes() -> int:
    """How long a proof of who one is counts before a signature."""
    return _chosen["minutes"]


def way_of(db: Db, user_id: int | None) -> Way:
    """The way that a person is asked to prove himself; the first of all when nothing is known of him."""
    user = db.get(User, user_id) if user_id is not None else None
    return next((one for one in WAYS if user is not None and one.serves(user)), WAYS[0])


def refuse_stale(actor: Actor) -> None:
    """Refuse what engages when the last proof of this login session is too old (`identity-needed`).

    Only a login session can be stolen: what the house does without one (its demonstration, its worker) is let go.
    """
    if actor.session_id is None:
        return
    with reading() as db:
        refuse_stale_in(db, actor)


def refuse_stale_in(db: Db, actor: Actor) -> None:
    """The same in the session of whoever asks."""
    if actor.session_id is None:
        return
    query = sa.select(LoginSession.created_at, LoginSession.proven_at)
    row = db.execute(query.where(LoginSession.id == actor.session_id)).one_or_none()
    if row is None or now() - (row.proven_at or row.created_at) > timedelta(minutes=minutes()):
        raise Refusal("identity-needed", minutes=minutes(), title="Confirmez que c’est vous")


def prove(actor: Actor, answer: SecretStr) -> None:
    """Take a proof of who one is, for this login session alone.

    Refuses `identity-refused`, and closes the session after `MOST_WRONG` wrong answers (`identity-closed`): its owner and
    the administrators are told. Nothing of the answer is kept or logged. It is verified before the transaction opens, and
    counts only if the session is still open then: a password that was changed meanwhile has closed it.
    """
    with reading() as db:
        user = db.get(User, actor.user_id) if actor.user_id is not None else None
        way = way_of(db, actor.user_id)
    left = answered(actor, user is not None and way.holds(user, answer))
    if left is None:
        return
    raise Refusal("identity-refused", left=left) if left else Refusal("identity-closed")


@use_case
def given_up(db: Db, actor: Actor) -> None:
    """Write that a person who was asked who he is gave up: a line in the journal and one in the security log.

    Nothing is written where the proof of this session is fresh: nobody was asked.
    """
    try:
        refuse_stale_in(db, actor)
    except Refusal:
        facts = {"user": actor.user_id, "address": actor.address}
        after_commit(db, lambda: _log("given_up", actor, facts))
        append(db, actor.collectivity_id, Event("identity.given_up", actor.name, actor.user_id, None, facts))


@use_case
def answered(db: Db, actor: Actor, right: bool) -> int | None:
    """Write what became of an answer: None when it was `right`, else how many wrong ones the session still survives."""
    row = db.scalar(
        sa.select(LoginSession)
        .where(
            LoginSession.id == actor.session_id,
            LoginSession.user_id == actor.user_id,
            LoginSession.revoked_at.is_(None),
        )
        .with_for_update()
    )
    user = db.get(User, actor.user_id) if actor.user_id is not None else None
    if row is None or user is None:
        return 0
    facts = {"user": user.id, "address": actor.address}
    if right:
        row.proven_at, row.wrong = now(), 0
        _log("proven", actor, facts)
        return None
    row.wrong += 1
    left = max(0, MOST_WRONG - row.wrong)
    if not left:
        row.revoked_at = now()
        _write(db, actor, user, row.id)
    _log("closed" if not left else "refused", actor, facts)
    event = "identity.refused" if left else "identity.closed"
    append(db, actor.collectivity_id, Event(event, actor.name, actor.user_id, None, facts))
    return left


def _log(what: str, actor: Actor, facts: Mapping[str, object]) -> None:
    told = {"collectivity": actor.collectivity_id, **facts, "what": what}
    security_log.log.warning("identity.asked", **told)


def _write(db: Db, actor: Actor, user: User, session_id: int) -> None:
    """A session was closed because somebody guessed: its owner reads it, and the administrators."""
    people = sa.select(User).where(User.active.is_(True), User.collectivity_id == actor.collectivity_id)
    people = people.where(sa.or_(User.administrator.is_(True), User.id == user.id)).order_by(User.id)
    news = [
        News(
            "mail",
            f"session_closed-{session_id}-{one.id}",
            {
                "event": "session_closed",
                "user_id": one.id,
                "whose": user.name,
                "own": one.id == user.id,
                "page": "/compte" if one.id == user.id else "/administration",
            },
            None,
            one.email,
        )
        for one in db.scalars(people)
    ]
    post(db, actor.collectivity_id, news)
