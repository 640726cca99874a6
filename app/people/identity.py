"""Who one is, asked again before what engages: how fresh the last proof of this login session is, and the ways to give one.

A session that stays open proves that somebody logged in, not who is in front of it now. The ways are a port: the password is
one, a second factor or the town's own login are others (`Way`), and what asks for a proof knows none of them.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Protocol

import sqlalchemy as sa
from pydantic import SecretStr

from app.core import security_log
from app.core.clock import now
from app.core.db import Db, reading
from app.core.french import heure, jour
from app.core.outbox import News, post
from app.core.refusals import Refusal
from app.core.security import new_token, token_hash
from app.core.transaction import after_commit, use_case
from app.journal.chain import Event, append
from app.people import passwords, rules
from app.people.actor import Actor
from app.people.models import Factor, LoginSession, Person, User
from app.people.own_settings.registry import setting

REAUTH = "reauth_minutes"
"""The setting by which a collectivity has a proof count for less time than the installation does."""
MOST_WRONG = 5
"""Wrong answers that a session survives: whoever guesses logs in anew, where logins are counted."""
_chosen = {"minutes": 5}


@dataclass(frozen=True)
class Proof:
    """A right answer: the way it was given, what of it is kept as evidence, and for which documents it was asked.

    `spend`: writes in the transaction that it served, and says whether it had not yet; `trusted_from`: since when this way
    may stand before a signature that asks for a factor, None for never.
    """

    way: str
    facts: Mapping[str, Any]
    documents: Sequence[str] | None
    spend: Callable[[Db], bool]
    trusted_from: datetime | None


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

    @property
    def typed(self) -> bool:
        """Whether its answer is typed in a field, rather than given by the browser."""

    def serves(self, db: Db, person: Person) -> bool:
        """Whether this person can prove himself so."""

    def proof(self, person: Person, answer: SecretStr, session_id: int | None) -> Proof | None:
        """Of an answer that is this person's; it takes as long when it is not, and is then None."""


@dataclass(frozen=True)
class Password:
    """The password of the account, for whoever has no second factor."""

    key: str = "password"
    label: str = "Mot de passe de votre compte Paraphe"
    hint: str = "Celui avec lequel vous vous connectez, et non celui du certificat."
    autocomplete: str = "current-password"
    typed: bool = True

    def serves(self, db: Db, person: Person) -> bool:
        """Whoever has one."""
        del db
        return bool(person.password_hash)

    def proof(self, person: Person, answer: SecretStr, session_id: int | None) -> Proof | None:
        """Verified as at the door (RFC 9106)."""
        del session_id
        right = passwords.matches(person.password_hash, answer.get_secret_value())
        return Proof(self.key, {}, None, lambda _db: True, trusted_from=None) if right else None


WAYS: list[Way] = [Password()]
"""In the order in which they are tried: those of a second factor come before, and then the password proves no more."""


@dataclass(frozen=True)
class Question:
    """What a page asks whoever proves who he is: a field to type in (`typed`), the button of a key (`passkey`), or both.

    `named`: the collectivity asks it for the very documents that are signed; `signs_from`: when his first factor may stand
    before a signature, where that is still to come.
    """

    label: str
    hint: str
    autocomplete: str
    typed: bool
    passkey: bool
    named: bool = False
    signs_from: datetime | None = None


def configure(minutes: int) -> None:
    """Say how long a proof is fresh, in minutes."""
    _chosen["minutes"] = minutes


def minutes() -> int:
    """How long a proof of who one is counts before a signature, as the installation says."""
    return _chosen["minutes"]


def minutes_in(db: Db, collectivity_id: int) -> int:
    """How long it counts in a collectivity, which may have chosen less."""
    return int(setting(db, collectivity_id, REAUTH).value)


def ways_of(db: Db, person: Person) -> list[Way]:
    """The ways by which a person proves himself: those of his second factor, else his password."""
    factors = [way for way in WAYS if way.key != "password" and way.serves(db, person)]
    return factors or [way for way in WAYS if way.key == "password"]


def who_enters(db: Db, actor: Actor) -> Person | None:
    """Who enters by the account that acts; None of what acts without one."""
    return db.get(Person, actor.person_id) if actor.person_id is not None else None


def question_for(db: Db, actor: Actor) -> Question:
    """What this person is asked, here; a password when nothing is known of him."""
    person = who_enters(db, actor)
    ways = ways_of(db, person) if person is not None else [Password()]
    field = next((way for way in ways if way.typed), None)
    shown = field or ways[0]
    keys = any(not way.typed for way in ways)
    named = person is not None and rules.of(db, actor.collectivity_id).before_signing
    first = sa.select(sa.func.min(Factor.trusted_from)).where(
        Factor.person_id == actor.person_id, Factor.removed_at.is_(None)
    )
    opens = db.scalar(first) if named else None
    waits = opens if opens is not None and opens > now() else None
    return Question(shown.label, shown.hint, shown.autocomplete, field is not None, keys, named, waits)


def factor_asked(actor: Actor) -> bool:
    """Whether a second factor is asked before each signature: then `refuse_stale` is told which documents are signed."""
    if actor.session_id is None:
        return False
    with reading() as db:
        return rules.of(db, actor.collectivity_id).before_signing


def refuse_stale(actor: Actor, documents: Collection[str] = (), *, patience: int = 0) -> None:
    """Refuse what engages when the last proof of this login session is too old (`identity-needed`).

    `documents`: the SHA-256 of what is about to be signed; where the collectivity asks for a second factor before each
    signature, the last proof must be one of these very documents. Only a login session can be stolen: what the house does
    without one (its demonstration, its worker) is let go.
    `patience`: minutes that a form of its own may take between the proof and its sending, where they are more.
    """
    if actor.session_id is None:
        return
    with reading() as db:
        refuse_stale_in(db, actor, documents, patience=patience)


def refuse_stale_in(db: Db, actor: Actor, documents: Collection[str] = (), *, patience: int = 0) -> None:
    """The same in the session of whoever asks."""
    if actor.session_id is None:
        return
    row = db.get(LoginSession, actor.session_id, populate_existing=True)
    counts = minutes_in(db, actor.collectivity_id)
    fresh = timedelta(minutes=max(counts, patience))
    if row is None or actor.former or now() - (row.proven_at or row.created_at) > fresh:
        raise _needed(documents, counts)
    if not factor_named(db, actor, documents):
        raise _needed(documents, counts, "identity-factor")


def refuse_partial(actor: Actor) -> None:
    """`refuse_partial_in`, in a session of its own."""
    if actor.session_id is None:
        return
    with reading() as db:
        refuse_partial_in(db, actor)


def refuse_partial_in(db: Db, actor: Actor) -> None:
    """Refuse what touches one's factors when the last minutes saw no proof, or a code without the password (`identity-whole`).

    A key that knows its holder is two factors; a code is one (ASVS 7.5.1).
    """
    refuse_stale_in(db, actor)
    row = db.get(LoginSession, actor.session_id, populate_existing=True) if actor.session_id else None
    person = who_enters(db, actor)
    if (
        row is None
        or person is None
        or not person.password_hash
        or (row.proven_by or row.opened_by) == "passkey"
    ):
        return
    fresh = timedelta(minutes=minutes_in(db, actor.collectivity_id))
    if row.password_at is None or now() - row.password_at > fresh:
        raise Refusal("identity-whole", title="Confirmez que c’est vous")


def factor_named(db: Db, actor: Actor, documents: Collection[str]) -> bool:
    """Whether the last second factor of this login session, however old, was given for these documents, or none is asked.

    What goes on after a proof asks it again: the rule may begin while a batch is under way.
    """
    if actor.session_id is None or not documents or not rules.of(db, actor.collectivity_id).before_signing:
        return True
    row = db.get(LoginSession, actor.session_id, populate_existing=True)
    proven = row is not None and row.proven_at is not None and row.proven_by in rules.FACTORS
    return row is not None and proven and set(documents) <= set(row.proven_for or ())


def _needed(documents: Collection[str], counts: int, key: str = "identity-needed") -> Refusal:
    about = {"documents": sorted(documents)} if documents else {}
    return Refusal(key, minutes=counts, title="Confirmez que c’est vous", **about)


def prove(
    actor: Actor,
    answer: SecretStr,
    documents: Sequence[str] | None = None,
    *,
    password: SecretStr | None = None,
) -> str:
    """Take a proof of who one is, for this login session alone, and return the token that opens it from now on.

    The former token is of no use for what engages from then on: whoever had copied it has not proven himself with its owner.

    `password`: asked beside a code before one touches one's factors; both are right or neither is.
    `documents`: what was shown, for a way whose question does not name them itself. Refuses `identity-refused`, and closes
    the session after `MOST_WRONG` wrong answers (`identity-closed`): its owner and the administrators are told; and
    `factor-too-new`, a factor enrolled by a recovery code less than a day ago before a signature that asks for one.
    Nothing of a password or a code is kept or logged. It is verified before the transaction opens, and counts only if the
    session is still open then: a password that was changed meanwhile has closed it.
    """
    proof = _proof(actor, answer, documents)
    if proof is not None and proof.documents and proof.way in rules.FACTORS and not _trusted(proof):
        raise Refusal("factor-too-new", when=_when(proof.trusted_from))
    beside = proof is not None and password is not None and proof.way == "totp"
    if beside and password is not None and not _has_password(actor, password):
        proof, beside = None, False
    token = new_token()
    left = answered(actor, proof, token, beside=beside)
    if left is None:
        return token
    raise Refusal("identity-refused", left=left) if left else Refusal("identity-closed")


def _has_password(actor: Actor, password: SecretStr) -> bool:
    with reading() as db:
        person = who_enters(db, actor)
        stored = person.password_hash if person is not None else None
    return passwords.matches(stored, password.get_secret_value())


def _trusted(proof: Proof) -> bool:
    return proof.trusted_from is not None and proof.trusted_from <= now()


def _when(moment: datetime | None) -> str:
    return f"{jour(moment)} à {heure(moment)}" if moment is not None else ""


def _proof(actor: Actor, answer: SecretStr, documents: Sequence[str] | None) -> Proof | None:
    with reading() as db:
        person = who_enters(db, actor)
        ways = ways_of(db, person) if person is not None else [Password()]
    if person is None:
        return None
    for way in ways:
        proof = way.proof(person, answer, actor.session_id)
        if proof is not None:
            # A key's answer is of what its own question named, whatever the page says beside it
            return replace(proof, documents=sorted(documents)) if way.typed and documents else proof
    return None


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
def answered(
    db: Db, actor: Actor, proof: Proof | None, token: str | None, *, beside: bool = False
) -> int | None:
    """Write what became of an answer: None when it was right, else how many wrong ones the session still survives.

    `token`: what opens the session after a right one; None where no answer can be right. `beside`: the password was given too.

    A proof that has served is none. That of a second factor is a line of the journal, with what verifies it again.
    """
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
    if proof is not None and token and proof.spend(db):
        row.proven_at, row.wrong, row.proven_by = now(), 0, proof.way
        renew(row, token)
        if beside or proof.way == "password":
            row.password_at = row.proven_at
        row.proven_for = None if proof.documents is None else list(proof.documents)
        _log("proven", actor, {**facts, "way": proof.way})
        if proof.way in rules.FACTORS:
            entry = {**facts, "way": proof.way, "documents": row.proven_for, **proof.facts}
            append(
                db, actor.collectivity_id, Event("identity.proven", actor.name, actor.user_id, None, entry)
            )
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


def renew(row: LoginSession, token: str) -> None:
    """Let this token open a session from now on (ASVS 7.2.4); what is under way with the former one is still answered."""
    row.former_hash, row.renewed_at, row.token_hash = row.token_hash, now(), token_hash(token)


def _log(what: str, actor: Actor, facts: Mapping[str, object]) -> None:
    entry = {"collectivity": actor.collectivity_id, **facts, "what": what}
    security_log.log.warning("identity.asked", **entry)


def _write(db: Db, actor: Actor, user: User, session_id: int) -> None:
    """A session was closed because somebody guessed: its owner reads it, and the administrators."""
    people = sa.select(User).where(User.active.is_(True), User.collectivity_id == actor.collectivity_id)
    people = people.where(sa.or_(User.administrator.is_(True), User.id == user.id)).order_by(User.id)
    news = [
        News(
            "mail",
            f"session_closed-{session_id}-{account.id}",
            {
                "event": "session_closed",
                "user_id": account.id,
                "whose": user.name,
                "own": account.id == user.id,
                "page": "/compte" if account.id == user.id else "/administration",
            },
            None,
            account.email,
        )
        for account in db.scalars(people)
    ]
    post(db, actor.collectivity_id, news)
