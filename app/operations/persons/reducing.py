"""An account of somebody who is gone, reduced to what the proofs need (RGPD 5.1 c and e, 17.3 b and d)."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.batches.models import Batch
from app.core.clock import now
from app.core.db import Db
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.models import CarriedFolder, DocumentSeen, Favourite, FolderNote, Reading, SavedView, StepRun
from app.folders.notes import Reach
from app.journal.chain import Event, append
from app.journal.models import JournalEntry
from app.notices.models import Bounce
from app.operations.persons import holdings
from app.people.actor import Actor
from app.people.applications import by_command
from app.people.models import (
    Challenge,
    Factor,
    FactorReset,
    FormerName,
    LoginSession,
    MandateRow,
    PasswordReset,
    Person,
    RecoveryCode,
    User,
)
from app.people.persons import person_of, works_elsewhere
from app.signing.models import (
    Certificate,
    HandwrittenImage,
    PossessionChallenge,
    RefusalTally,
    RemoteKey,
    RemoteRequest,
    SignatureSession,
)

GONE = "compte réduit"


@dataclass(frozen=True)
class Reduced:
    """What is left: the name, kept where a proof names it, and the login that nobody types any more."""

    name: str
    login: str
    named: bool


def is_reduced(user: User) -> bool:
    """Whether it was done already."""
    return not user.active and not user.email and user.login == _left(user)


def _left(user: User) -> str:
    return f"parti-{user.id}"


@use_case
def reduce_account(db: Db, collectivity_id: int, login: str, *, by: Actor | None = None) -> Reduced:
    """Take away what no proof needs of a closed account; a line of the journal says it, and a second time changes nothing.

    What stays: the name and the capacity where a line of the journal, a step, a mandate or a certificate names them;
    mandates and certificates; the public halves of passkeys, by which anybody checks again the answers that the journal
    keeps; the lines of the journal, whole; and, of somebody who works for another collectivity, what he enters by.
    Refuses `user-unknown`, `account-open` before the account is closed, and
    `account-letter` while the letter that tells its owner of the closing may still leave.
    """
    user = holdings.account_of(db, collectivity_id, login)
    user = db.scalars(
        sa.select(User).where(User.id == user.id).with_for_update().execution_options(populate_existing=True)
    ).one()
    if user.active:
        raise Refusal("account-open", name=user.name)
    named = _named(db, user)
    if is_reduced(user):
        return Reduced(user.name, user.login, named)
    if _letter_waits(db, user):
        raise Refusal("account-letter", name=user.name)
    user.login, user.email = _left(user), ""
    user.branch_id = None
    user.administrator, user.theme, user.shortcuts = False, "auto", True
    user.take_back_seconds = None
    user.compact, user.columns_off = False, ""
    user.rhythm = user.rhythm_minute = user.rhythm_since = None
    user.rhythm_types = {}
    user.mail_refusals = 0
    user.agenda_hash = user.agenda_since = user.agenda_read_at = None
    person = person_of(db, user, lock=True)
    if person is not None and not works_elsewhere(db, user):
        person.login, person.email, person.password_hash = f"parti-{person.id}", "", None
        _forget_person(db, person)
    if not named:
        user.first_name, user.last_name, user.capacity = "Ancien compte", f"n° {user.id}", ""
        db.flush()  # what it was called until now is kept by that, and goes with the rest
        _run(db, sa.delete(FormerName).where(FormerName.user_id == user.id))
    _forget_rows(db, user.id)
    _forget_columns(db, user)
    who = by or by_command(collectivity_id)
    facts = {"whose": user.id, "named": named}
    append(db, collectivity_id, Event("account.reduced", who.name, who.user_id, None, facts))
    return Reduced(user.name, user.login, named)


def _letter_waits(db: Db, user: User) -> bool:
    """Whether the letter of the closing has not left yet; one that was given up (parked) waits no more."""
    waiting = sa.select(Outbox.id).where(
        Outbox.collectivity_id == user.collectivity_id,
        Outbox.kind == "mail",
        Outbox.key.startswith(f"account_closed-{user.id}-{user.id}-", autoescape=True),
        sa.text("state IN ('pending','running')"),
    )
    return db.scalar(waiting.limit(1)) is not None


def _named(db: Db, user: User) -> bool:
    """Whether a proof of the house names the person."""
    columns = (
        JournalEntry.user_id,
        StepRun.user_id,
        MandateRow.user_id,
        Certificate.user_id,
        FolderNote.user_id,
        DocumentSeen.user_id,
    )
    return any(db.scalar(sa.select(sa.literal(1)).where(column == user.id).limit(1)) for column in columns)


def _forget_rows(db: Db, user_id: int) -> None:
    """Rows that served the person alone, and prove nothing once he is gone."""
    sessions = sa.select(LoginSession.id).where(LoginSession.user_id == user_id)
    certificates = sa.select(Certificate.id).where(Certificate.user_id == user_id)
    for gone in (
        sa.delete(Challenge).where(Challenge.session_id.in_(sessions)),
        sa.delete(CarriedFolder).where(CarriedFolder.user_id == user_id),
        sa.delete(LoginSession).where(LoginSession.user_id == user_id),
        sa.delete(PasswordReset).where(PasswordReset.user_id == user_id),
        sa.delete(PossessionChallenge).where(PossessionChallenge.user_id == user_id),
        sa.delete(RemoteRequest).where(RemoteRequest.user_id == user_id),
        sa.delete(RemoteKey).where(RemoteKey.certificate_id.in_(certificates)),
        sa.delete(RefusalTally).where(RefusalTally.user_id == user_id),
        sa.delete(HandwrittenImage).where(HandwrittenImage.user_id == user_id),
        sa.delete(Favourite).where(Favourite.user_id == user_id),
        sa.delete(Reading).where(Reading.user_id == user_id),
        sa.delete(SavedView).where(SavedView.user_id == user_id, SavedView.desk_id.is_(None)),
        sa.update(SavedView).where(SavedView.user_id == user_id).values(user_id=None),
        sa.delete(Bounce).where(Bounce.user_id == user_id),
        sa.delete(FolderNote).where(FolderNote.user_id == user_id, FolderNote.reach == Reach.ALONE.value),
    ):
        _run(db, gone)


def _forget_person(db: Db, person: Person) -> None:
    """By what he entered; the public halves of his keys stay, for what they proved."""
    _run(db, sa.delete(Challenge).where(Challenge.person_id == person.id))
    _run(db, sa.delete(RecoveryCode).where(RecoveryCode.person_id == person.id))
    mine = Factor.person_id == person.id
    _run(db, sa.update(Factor).where(mine).values(name="", secret=None, transports=[]))
    _run(
        db,
        sa.update(Factor).where(mine, Factor.removed_at.is_(None)).values(removed_at=now(), removed_by=GONE),
    )


def _forget_columns(db: Db, user: User) -> None:
    """What is personal in rows that stay."""
    _run(db, sa.update(FactorReset).where(FactorReset.user_id == user.id).values(reason=""))
    _run(db, sa.update(SignatureSession).where(SignatureSession.user_id == user.id).values(address=""))
    _run(db, sa.update(Batch).where(Batch.user_id == user.id).values(address=""))
    letters = sa.and_(
        Outbox.collectivity_id == user.collectivity_id,
        Outbox.kind == "mail",
        Outbox.payload["user_id"].as_integer() == user.id,
    )
    _run(db, sa.update(Outbox).where(letters).values(recipient=GONE))


def _run(db: Db, statement: Any) -> None:
    db.execute(statement.execution_options(synchronize_session=False))


def in_words(left: Reduced) -> str:
    """What became of the name, and why, as a sentence."""
    if left.named:
        return (
            f"{left.name} reste nommé, parce que le journal, des étapes, des mandats ou des certificats le nomment ; ce dont "
            "aucune preuve n’a besoin est ôté."
        )
    return f"il s’appelle désormais « {left.name} » ; le journal, qui ne change jamais, garde son ancien identifiant."
