"""Collectivities, people, desks and who holds them."""

from collections.abc import Callable
from datetime import date, datetime
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, QueryContext, mapped_column

from app.core.clock import now
from app.core.db import Base, Tenanted
from app.core.texts import key_of


class Collectivity(Base):
    """A commune or another body; several live on one instance, sealed from one another.

    `logo`: a PNG, read only where it is asked for; `settings` say whether there is one.
    """

    __tablename__ = "collectivity"

    id: Mapped[int] = mapped_column(primary_key=True)
    siren: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    department: Mapped[str]
    district: Mapped[str]
    nature: Mapped[str]
    settings: Mapped[dict[str, Any]]
    logo: Mapped[bytes | None] = mapped_column(deferred=True)
    created_at: Mapped[datetime]


@sa.event.listens_for(Collectivity, "load")
def _remember(row: Collectivity, context: QueryContext) -> None:
    """Keep the row as long as its session lives: several rooms ask for its settings within one move.

    A session forgets what nobody holds, and each of them asked the database again.
    """
    context.session.info[Collectivity, row.id] = row


class Person(Base):
    """Who enters: one login and one set of proofs for all the accounts of somebody, each in its collectivity.

    `login` is what is typed at the door, `email` where a forgotten password is answered: no administrator of a collectivity
    changes either for whoever has an account in another one too (`app/people/persons.py`).
    """

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(unique=True)
    email: Mapped[str]
    password_hash: Mapped[str | None]
    created_at: Mapped[datetime]


SEARCHED = ("last_name", "first_name", "login", "email", "capacity")


def _searched_by(value_of: Callable[[str], str]) -> str:
    """What an account is looked for by, accents and capitals apart: its names first, by which lists are in order."""
    return key_of(" ".join(map(value_of, SEARCHED)))


class User(Base, Tenanted):
    """An account: what somebody is in one collectivity; closing it keeps the name in what was signed.

    `login` names the account in its collectivity, in files and commands. `person_id`: who enters by it, None until its
    invitation was taken up. `branch_id`: the desk that he administers, with those below it and the people who sit only there;
    None for none, and for who administers the whole collectivity.
    `arrived`: has read what to do first here; `signing_guide`: is shown the first signature step by step; of an account from
    before these, neither is shown. `search_key` follows the row, whoever writes it (`_searched_by`).
    `rhythm`: how often what waits is told (`workflows/rhythms.py`), None for as the collectivity says; `rhythm_minute` of the
    day, None for the usual one; `rhythm_types`: the same for some types, by the names that rights give them, each with its
    `rhythm` and `minute`, and `since` when, before which nothing is told by it; `rhythm_since`: the same of the general choice,
    and of types that were chosen before theirs was kept.
    `take_back_seconds`: for how long what one has just done may be taken back, None for as long as the installation says.
    `compact`, `columns_off`: whether the rows of one's lists stand close, and what is left out of them (`app/display/columns`).
    `mail_refusals`: how many letters the present address refused for good since it was written, or confirmed.
    `agenda_hash`: of the secret address at which a calendar reads what waits (`app/notices/agenda`), None where there is none;
    since when, and when it was last read.
    """

    __tablename__ = "user_account"
    __table_args__ = (
        sa.UniqueConstraint("collectivity_id", "login"),
        sa.Index("ix_user_account_person_id", "person_id"),
        sa.Index("ix_user_account_by_name", "collectivity_id", "active", "search_key"),
        sa.Index("ix_user_account_agenda_hash", "agenda_hash", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    login: Mapped[str]
    email: Mapped[str] = mapped_column(active_history=True)
    # The name of before is read wherever one is written over it (`FormerName`)
    first_name: Mapped[str] = mapped_column(active_history=True)
    last_name: Mapped[str] = mapped_column(active_history=True)
    capacity: Mapped[str]
    administrator: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    theme: Mapped[str] = mapped_column(default="auto")
    shortcuts: Mapped[bool] = mapped_column(default=True)
    take_back_seconds: Mapped[int | None]
    compact: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    columns_off: Mapped[str] = mapped_column(default="", server_default="")
    arrived: Mapped[bool] = mapped_column(default=False, server_default=sa.true())
    signing_guide: Mapped[bool] = mapped_column(default=True, server_default=sa.false())
    created_at: Mapped[datetime]
    emergency: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    branch_id: Mapped[int | None] = mapped_column(sa.ForeignKey("desk.id"))
    search_key: Mapped[str] = mapped_column(
        default=lambda row: _searched_by(row.get_current_parameters().__getitem__), server_default=""
    )
    rhythm: Mapped[str | None]
    rhythm_minute: Mapped[int | None]
    rhythm_since: Mapped[datetime | None]
    rhythm_types: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    mail_refusals: Mapped[int] = mapped_column(default=0, server_default="0")
    agenda_hash: Mapped[str | None]
    agenda_since: Mapped[datetime | None]
    agenda_read_at: Mapped[datetime | None]

    @property
    def name(self) -> str:
        """First name and name."""
        return f"{self.first_name} {self.last_name}"


class FormerName(Base, Tenanted):
    """The names that an account had until a moment: a line of the journal that bears its number names who it was then."""

    __tablename__ = "former_name"
    __table_args__ = (sa.Index("ix_former_name_user_id", "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"))
    first_name: Mapped[str]
    last_name: Mapped[str]
    until: Mapped[datetime]


class PlannedClosing(Base, Tenanted):
    """The closing of an account at a moment to come, one at most; gone once it is done, or given up.

    `points`: what would stop and was confirmed, for this `reason` (`Leaving.points`); none where nothing was. `refused_at`:
    when its moment came and it was not done, for what `refused` says; it is not tried again.
    """

    __tablename__ = "planned_closing"
    __table_args__ = (sa.Index("ix_planned_closing_planned_by_id", "planned_by_id"),)

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"), primary_key=True)
    closes_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(default="")
    points: Mapped[list[Any]] = mapped_column(default=list)
    planned_by_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"))
    planned_at: Mapped[datetime]
    refused_at: Mapped[datetime | None]
    refused: Mapped[str] = mapped_column(default="")


@sa.event.listens_for(User, "before_update")
def _look_again(_mapper: object, connection: sa.Connection, row: User) -> None:
    row.search_key = _searched_by(partial(getattr, row))
    state = sa.inspect(row)
    if state.attrs.email.history.deleted:
        row.mail_refusals = 0  # they were another's
    first, last = (state.attrs[name].history.deleted for name in ("first_name", "last_name"))
    if first or last:
        former = {"first_name": [*first, row.first_name][0], "last_name": [*last, row.last_name][0]}
        facts = {"collectivity_id": row.collectivity_id, "user_id": row.id, "until": now()}
        connection.execute(sa.insert(FormerName), {**former, **facts})


class Desk(Base, Tenanted):
    """A desk: the place where folders wait; `parent_id` is its superior in the hierarchy.

    `closed_at`: since when nobody acts there; its holders read on what came to it. `closed_by` and `closed_reason`: who
    closed it, and why where something still named it.
    """

    __tablename__ = "desk"
    __table_args__ = (sa.UniqueConstraint("collectivity_id", "key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    name: Mapped[str]
    parent_id: Mapped[int | None] = mapped_column(sa.ForeignKey("desk.id"))
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    closed_reason: Mapped[str | None]


class Holder(Base):
    """A person at a desk, and what he or she may do there."""

    __tablename__ = "holder"
    __table_args__ = (sa.Index("ix_holder_desk_id", "desk_id"),)

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"), primary_key=True)
    desk_id: Mapped[int] = mapped_column(sa.ForeignKey("desk.id"), primary_key=True)
    rights: Mapped[list[Any]]


class MandateRow(Base, Tenanted):
    """One right of a person to sign in the commune's name (`workflows/mandates.py`); ended, it stays for what was signed.

    `starts_on`: first day, for a delegation the day its order is executory; `ends_on`: last day, None when open.
    `ended_at`: put to an end at once, by `ended_by`. `given_by_id`: the mayor's mandate that a delegation comes from.
    `elected`: whether the person is a councillor or an officer, None where nobody said it. `order_folder_id`: the folder of
    the order that delegates, when it was signed here. `accredited_on`: since when the public accountant knows the person.
    """

    __tablename__ = "mandate"
    __table_args__ = (sa.Index("ix_mandate_user_id", "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"))
    kind: Mapped[str]
    title: Mapped[str]
    given_by_id: Mapped[int | None] = mapped_column(sa.ForeignKey("mandate.id"))
    order_number: Mapped[str]
    order_date: Mapped[date | None]
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    families: Mapped[list[Any]]
    matters: Mapped[list[Any]]
    ceiling_cents: Mapped[int | None] = mapped_column(sa.BigInteger)
    rank: Mapped[int | None]
    reason: Mapped[str]
    elected: Mapped[bool | None]
    order_folder_id: Mapped[int | None] = mapped_column(sa.ForeignKey("folder.id"))
    accredited_on: Mapped[date | None]
    created_at: Mapped[datetime]
    created_by: Mapped[str]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]


class Absence(Base, Tenanted):
    """Somebody is away, from `starts_at` to `ends_at`, the last excluded; `cover_id` stands in, None for nobody.

    `desk_id`: at this desk alone, None at all his desks. `types`: for these types of folders, as a right names them; empty for
    all. `acts`: who stands in acts, or else reads. `letters`: his own letters leave all the same. `revision` grows at each
    change: a page posts the one it showed, and a letter about a former one does not leave. `set_by`: who wrote it last. One
    that was cancelled before it began ends when it begins. What it means is said in `workflows/absences.py`.
    """

    __tablename__ = "absence"
    __table_args__ = (
        sa.CheckConstraint("starts_at <= ends_at", name="in_order"),
        # Who is away in a collectivity at a moment, and for whom somebody stands in: what is over is never read
        sa.Index("ix_absence_collectivity_id_ends_at", "collectivity_id", "ends_at"),
        sa.Index("ix_absence_cover_id_ends_at", "cover_id", "ends_at"),
        sa.Index("ix_absence_user_id_ends_at", "user_id", "ends_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"))
    cover_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    desk_id: Mapped[int | None] = mapped_column(sa.ForeignKey("desk.id"))
    types: Mapped[list[Any]]
    acts: Mapped[bool]
    letters: Mapped[bool]
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    revision: Mapped[int]
    set_by: Mapped[str]
    set_at: Mapped[datetime]


class Secretary(Base, Tenanted):
    """Whom somebody has named to write down his absences; one for each person, None for nobody any more."""

    __tablename__ = "secretary"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"), primary_key=True)
    secretary_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))


class SetupLink(Base):
    """A link that serves once: it opens a new installation in the browser, or gives a collectivity an administrator.

    `administers_id`: the collectivity that nobody administers; None where there was none yet.
    """

    __tablename__ = "setup_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    administers_id: Mapped[int | None] = mapped_column(sa.ForeignKey("collectivity.id"))


class LoginSession(Base):
    """One open session of a person in one of his accounts, revocable; the cookie holds the token, this row its hash.

    `proven_at`: when whoever is there last proved who he is, None since it was opened; `wrong`: answers that did not, since.
    `opened_by`, `proven_by`: the way that it was (`password`, `totp`, `passkey`, `recovery`); `proven_for`: the SHA-256 of
    the documents that were shown then, None when the question was about none. `former_hash`: the token before the last proof,
    which reads on for a moment after `renewed_at` and proves nothing. `password_at`: when the password was last given.
    """

    __tablename__ = "login_session"
    __table_args__ = (
        sa.Index("ix_login_session_user_id", "user_id"),
        sa.Index("ix_login_session_former_hash", "former_hash"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    address: Mapped[str]
    client: Mapped[str]
    proven_at: Mapped[datetime | None]
    wrong: Mapped[int] = mapped_column(server_default="0")
    opened_by: Mapped[str] = mapped_column(server_default="password")
    proven_by: Mapped[str | None]
    proven_for: Mapped[list[Any] | None]
    former_hash: Mapped[str | None]
    renewed_at: Mapped[datetime | None]
    password_at: Mapped[datetime | None]


class PasswordReset(Base):
    """A link by which a password is chosen, good once and for a time.

    `shown`: to an administrator, for want of mail: somebody else than its account's holder knows it.
    """

    __tablename__ = "password_reset"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
    shown: Mapped[bool] = mapped_column(default=False, server_default=sa.false())


class Application(Base, Tenanted):
    """Another software that deposits and decides through the API, in the name of one desk.

    `rotated_at`: when it was given its present token, None for the first; `used_at`: when it last served;
    `calls_on`: the last day when it called, with how many `calls` it made on that day and how many of them were `refused`
    (all three to a minute); `refused_since`: since when its token, which has ended, is refused, None while it serves;
    `closed_at`: shut out for good, by `closed_by`; `ends_on`: the last day of its present token, None where it was
    given before tokens had one. `former_hash`: of the token before, which serves until `former_until`; None for none.
    """

    __tablename__ = "application"
    __table_args__ = (sa.Index("uq_application_former_hash", "former_hash", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    desk_id: Mapped[int] = mapped_column(sa.ForeignKey("desk.id"))
    token_hash: Mapped[str] = mapped_column(unique=True)
    rights: Mapped[list[Any]]
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    rotated_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    ends_on: Mapped[date | None]
    former_hash: Mapped[str | None]
    former_until: Mapped[datetime | None]
    calls_on: Mapped[date | None]
    calls: Mapped[int] = mapped_column(default=0, server_default="0")
    refused: Mapped[int] = mapped_column(default=0, server_default="0")
    refused_since: Mapped[datetime | None]


class Factor(Base):
    """A second factor of a person: a passkey (WebAuthn Level 3) or an application of codes (RFC 6238).

    `secret`: the sealed secret of a `totp`, `last_step` the last step of 30 s that served. `credential_id`, `public_key`
    (base64url), `sign_count`, `transports` and `synced` (in the cloud of its maker): those of a `passkey`. `trusted_from`:
    since when it may stand before a signature, a day after one enrolled by a recovery code. Removed ones stay, as proof.
    """

    __tablename__ = "factor"
    __table_args__ = (sa.Index("ix_factor_person_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    kind: Mapped[str]
    name: Mapped[str]
    secret: Mapped[str | None]
    last_step: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    credential_id: Mapped[str | None] = mapped_column(unique=True)
    public_key: Mapped[str | None]
    sign_count: Mapped[int] = mapped_column(sa.BigInteger, server_default="0")
    transports: Mapped[list[Any]]
    synced: Mapped[bool] = mapped_column(server_default=sa.false())
    created_at: Mapped[datetime]
    trusted_from: Mapped[datetime]
    used_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
    removed_by: Mapped[str | None]


class RecoveryCode(Base):
    """The keyed hash of a code that opens the door once when every factor is lost.

    `salt`: of the drawing, where the codes are of before migration 0050, shorter, and their hash was stretched by Argon2id.
    """

    __tablename__ = "recovery_code"
    __table_args__ = (sa.Index("ix_recovery_code_person_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    code_hash: Mapped[str] = mapped_column(unique=True)
    salt: Mapped[str | None]
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Challenge(Base):
    """A question put to one browser, for five minutes and once: what a key has to sign, or the door between two factors.

    `purpose`: `login` (the password was right, the factor is awaited), `door` (a passkey alone, of whoever it is), `enrol`,
    `prove`. `documents`: the SHA-256 of what is shown, bound to `value`. `password_seen`: the digest of the password's hash.
    """

    __tablename__ = "identity_challenge"
    __table_args__ = (sa.Index("ix_identity_challenge_expires_at", "expires_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    purpose: Mapped[str]
    value: Mapped[str]
    nonce: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    session_id: Mapped[int | None] = mapped_column(sa.ForeignKey("login_session.id"))
    documents: Mapped[list[Any] | None]
    secret: Mapped[str | None]
    password_seen: Mapped[str | None]
    days: Mapped[int | None]
    wrong: Mapped[int] = mapped_column(server_default="0")
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class FactorReset(Base, Tenanted):
    """The factors of somebody who lost them all, taken off by two administrators: one asks, another confirms."""

    __tablename__ = "factor_reset"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"))
    reason: Mapped[str]
    asked_by_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"))
    asked_at: Mapped[datetime]
    settled_by: Mapped[str | None]
    settled_at: Mapped[datetime | None]
    done: Mapped[bool] = mapped_column(server_default=sa.false())
