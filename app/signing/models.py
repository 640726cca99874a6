"""Certificates enrolled to their owners, signatures under way, and the proof of each signature made."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Tenanted

_OWNED = "withdrawn_at IS NULL AND NOT doubled AND NOT carried"


class Certificate(Base, Tenanted):
    """A certificate that a person may sign with, for a `purpose`; matched by its fingerprint, never by a name.

    One that was not withdrawn has one owner in the whole installation; `doubled`: it had several before that was asked, and
    is told to the administrators. `proof`: how its owner showed that the key is his (`app.signing.enrol.Proof`).
    `to_confirm`: it is in another name, or an administrator had ended it, and signs nothing before an administrator's word.
    `ended_at`, `ended_by`, `ended_reason`: the last end that an administrator put to it, until one confirms it.
    `assurance`: the level that it reached when it was enrolled, None for those of before. `carried`: its owner enrolled it in
    another collectivity where he has an account, or enrols it there too (`app.signing.enrolling.carried`).
    """

    __tablename__ = "certificate"
    __table_args__ = (
        sa.UniqueConstraint("user_id", "fingerprint"),
        sa.Index(
            "uq_certificate_owner",
            "fingerprint",
            unique=True,
            sqlite_where=sa.text(_OWNED),
            postgresql_where=sa.text(_OWNED),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"))
    subject: Mapped[str]
    issuer: Mapped[str]
    serial: Mapped[str]
    fingerprint: Mapped[str]
    purpose: Mapped[str] = mapped_column(server_default="acts")
    not_after: Mapped[datetime]
    der: Mapped[bytes]
    enrolled_at: Mapped[datetime]
    enrolled_by: Mapped[str]
    proof: Mapped[str] = mapped_column(server_default="declared")
    proven_at: Mapped[datetime | None]
    assurance: Mapped[str | None]
    to_confirm: Mapped[bool] = mapped_column(server_default=sa.false())
    confirmed_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None]
    doubled: Mapped[bool] = mapped_column(server_default=sa.false())
    carried: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[str | None]
    withdrawn_reason: Mapped[str] = mapped_column(server_default="")
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None]
    ended_reason: Mapped[str] = mapped_column(server_default="")


class PossessionChallenge(Base, Tenanted):
    """What a key has to sign so that its certificate is enrolled: for one person in one login session, once, for minutes."""

    __tablename__ = "possession_challenge"

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"))
    login_session_id: Mapped[int | None]
    certificate: Mapped[bytes]
    chain: Mapped[list[Any]]
    purpose: Mapped[str]
    statement: Mapped[str]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class RemoteKey(Base, Tenanted):
    """A credential kept by the trust service, by which its owner signs; a credential has one owner at a time.

    `service` is the address where it is known: another service's credential of the same name is another one.
    """

    __tablename__ = "remote_key"
    __table_args__ = (sa.UniqueConstraint("collectivity_id", "service", "credential"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    certificate_id: Mapped[int] = mapped_column(sa.ForeignKey("certificate.id"), unique=True)
    service: Mapped[str]
    credential: Mapped[str]
    linked_at: Mapped[datetime]


class RemoteRequest(Base, Tenanted):
    """What a person is asked to authorise at the trust service: the hashes, what was already signed, until when; no secret.

    For a signature prepared on a folder (`session_id`), for folders of a batch (`batch_id`; `parts`: their sessions in
    order, each with how many hashes are its), or for the statement by which a credential is linked.
    `challenges` are those still to be authorised, in order; `state` is that of the return which is awaited, once; it
    counts for nothing outside the login session. Whoever answers takes it until `busy_until`. `status` goes from
    waiting to held, then done or failed.
    """

    __tablename__ = "remote_request"
    __table_args__ = (
        sa.Index("ix_remote_request_folder_id", "folder_id"),
        sa.Index("ix_remote_request_batch_id", "batch_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"))
    login_session_id: Mapped[int | None]
    credential: Mapped[str]
    certificate: Mapped[bytes]
    folder_id: Mapped[int | None] = mapped_column(sa.ForeignKey("folder.id"))
    session_id: Mapped[str | None]
    batch_id: Mapped[int | None]
    parts: Mapped[list[Any] | None]
    statement: Mapped[str | None]
    box: Mapped[list[Any] | None]
    challenges: Mapped[list[Any]]
    signatures: Mapped[list[Any]]
    state: Mapped[str | None] = mapped_column(unique=True)
    busy_until: Mapped[datetime]
    status: Mapped[str]
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime]


class SignatureSession(Base, Tenanted):
    """A signature prepared and not yet made: what will be signed, for whom, on which bytes, until when.

    `prepared`: one entry for each signature that the document takes (`app.signing.session.pack`).

    Claimed once (`state` prepared → claimed → done or failed, or lapsed when nobody came back). The prepared file is in
    the store by `prepared_sha256`, in the part of what waits (`vault.waiting`), or among the documents when it has no
    `prepared_size` (in bytes), as those of before that column; empty once the copy is gone. `address`: from where it was
    prepared. `absent`: in whose absence, empty for a part of one's own; None of one prepared before it was kept.
    One that was received in a batch has its number, and may be taken again after a kill (`app/signing/deferred.py`).
    """

    __tablename__ = "signature_session"
    __table_args__ = (
        sa.Index("ix_signature_session_folder_id", "folder_id"),
        sa.Index(
            "ix_signature_session_prepared",
            "expires_at",
            sqlite_where=sa.text("state = 'prepared'"),
            postgresql_where=sa.text("state = 'prepared'"),
        ),
        sa.Index(
            "ix_signature_session_copies",
            "expires_at",
            sqlite_where=sa.text("prepared_sha256 <> ''"),
            postgresql_where=sa.text("prepared_sha256 <> ''"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("document.id"))
    version_id: Mapped[int] = mapped_column(sa.ForeignKey("document_version.id"))
    folder_version: Mapped[int]
    step_run_id: Mapped[int] = mapped_column(sa.ForeignKey("step_run.id"))
    user_id: Mapped[int | None] = mapped_column(sa.ForeignKey("user_account.id"))
    login_session_id: Mapped[int | None]
    field: Mapped[str]
    capacity: Mapped[str]
    absent: Mapped[str | None]
    mandate_id: Mapped[int | None] = mapped_column(sa.ForeignKey("mandate.id"))
    certificate: Mapped[bytes]
    chain: Mapped[list[Any]]
    prepared: Mapped[list[Any]]
    prepared_sha256: Mapped[str]
    prepared_size: Mapped[int | None] = mapped_column(sa.BigInteger)
    address: Mapped[str] = mapped_column(server_default="")
    batch_id: Mapped[int | None]
    state: Mapped[str]
    expires_at: Mapped[datetime]
    created_at: Mapped[datetime]


class RefusalTally(Base, Tenanted):
    """How many of a person's signatures were refused lately: what bounds their lines, and tells when they are too many.

    `written`, `unwritten`: lines of the minute that began at `minute_at`, and those that were only counted since the last
    one written. `count`: refusals of the window that began at `window_at`.
    """

    __tablename__ = "refusal_tally"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"), primary_key=True)
    minute_at: Mapped[datetime]
    written: Mapped[int]
    unwritten: Mapped[int]
    window_at: Mapped[datetime]
    count: Mapped[int]
    alerted_at: Mapped[datetime | None]


class SignaturePlace(Base, Tenanted):
    """Where the depositor wants the signature of one part of a step: a box on a page as shown, in points.

    `page` counts from 0. It was chosen on the bytes `sha256`, and holds for them alone.
    """

    __tablename__ = "signature_place"
    __table_args__ = (sa.UniqueConstraint("folder_id", "step", "slot"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    sha256: Mapped[str]
    step: Mapped[str]
    slot: Mapped[str]
    page: Mapped[int]
    x1: Mapped[float]
    y1: Mapped[float]
    x2: Mapped[float]
    y2: Mapped[float]


class SignatureProof(Base, Tenanted):
    """A signature that was made and verified; one for each part of a step, by the database's own word.

    `version_id`: the signed version, or the file that lies beside the document. `count`: how many signatures the format
    needed for it, one for each bordereau of a payment flow.
    `capacity`: the exact words that the act bears; `mandate_id`: what gave the right, None in one's own capacity.
    `holder`: the name on the certificate where it is not the account's, else empty.
    `level`: B-B or B-T; `assurance`: one of `workflows.family.ASSURANCES`, None for what was signed before it was kept.
    """

    __tablename__ = "signature_proof"
    __table_args__ = (
        sa.UniqueConstraint("step_run_id"),
        sa.Index("ix_signature_proof_folder_id", "folder_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    version_id: Mapped[int] = mapped_column(sa.ForeignKey("document_version.id"))
    step_run_id: Mapped[int] = mapped_column(sa.ForeignKey("step_run.id"))
    session_id: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    capacity: Mapped[str]
    mandate_id: Mapped[int | None] = mapped_column(sa.ForeignKey("mandate.id"))
    holder: Mapped[str] = mapped_column(server_default="")
    subject: Mapped[str]
    issuer: Mapped[str]
    serial: Mapped[str]
    fingerprint: Mapped[str]
    field: Mapped[str]
    format: Mapped[str]
    count: Mapped[int]
    level: Mapped[str]
    assurance: Mapped[str | None]
    signed_at: Mapped[datetime]
    timestamped_at: Mapped[datetime | None]


class HandwrittenImage(Base, Tenanted):
    """The image of a person's handwritten signature, cleaned: it decorates a signature, and is none (SIG-01)."""

    __tablename__ = "handwritten_image"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"), primary_key=True)
    png: Mapped[bytes]
    kept_at: Mapped[datetime]


class PaperSignature(Base, Tenanted):
    """A signature made by hand, as it was stated: whose, when, where the original is kept; no electronic signature.

    `version_id` is the scan; `stated_by` the person who stated it, who may be another than whoever signed.
    """

    __tablename__ = "paper_signature"
    __table_args__ = (
        sa.UniqueConstraint("step_run_id"),
        sa.Index("ix_paper_signature_folder_id", "folder_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    step_run_id: Mapped[int] = mapped_column(sa.ForeignKey("step_run.id"))
    round: Mapped[int]
    version_id: Mapped[int] = mapped_column(sa.ForeignKey("document_version.id"))
    name: Mapped[str]
    capacity: Mapped[str]
    signed_on: Mapped[date]
    kept_at: Mapped[str]
    stated_by: Mapped[str]
    stated_at: Mapped[datetime]


class Augmentation(Base, Tenanted):
    """A version of a document that holds the proofs of its signatures: what it was checked to have reached, and until when.

    `level` is « B-LT » or « B-LTA »; `ends_at` is when the certificate of its last timestamp ends (None for B-LT).
    """

    __tablename__ = "augmentation"
    __table_args__ = (
        sa.Index("ix_augmentation_folder_id", "folder_id"),
        sa.Index("ix_augmentation_ends_at", "ends_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    document_id: Mapped[int] = mapped_column(sa.ForeignKey("document.id"))
    version_id: Mapped[int] = mapped_column(sa.ForeignKey("document_version.id"), unique=True)
    level: Mapped[str]
    timestamped_at: Mapped[datetime | None]
    ends_at: Mapped[datetime | None]
    made_at: Mapped[datetime]
