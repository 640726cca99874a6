"""A folder is made once of what may come twice: who brings it keeps its mark in the transaction of the folder it made.

A deposit by API is known by the key of the caller, that of a page by the mark of its form; other ways in bring a mark of
their own (`MadeOnce`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.db import Base, Db, Tenanted, reading
from app.core.refusals import Refusal
from app.folders.models import Document, DocumentVersion, Folder
from app.people.actor import Actor
from workflows.circuit import WITHDRAWN


class MadeOnce(Protocol):
    """What tells whether a folder was made of this already."""

    def made_by(self, db: Db, actor: Actor) -> int | None:
        """The folder that it made, or None."""

    def remember(self, db: Db, actor: Actor, folder: Folder) -> None:
        """Keep that it made this folder; a rival that kept it first makes this fail, and the verb, tried again, finds it."""


class DepositKey(Base, Tenanted):
    """The key of what software writes once (a folder, its documents, a note), unique for its application.

    `digest` is the SHA-256 of what was sent with it. It is empty for a key older than the digests: such a key still answers
    with its folder.
    """

    __tablename__ = "deposit_key"

    application_id: Mapped[int] = mapped_column(sa.ForeignKey("application.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    created_at: Mapped[datetime]


class PostedForm(Base, Tenanted):
    """What the form of a page has made of the files that were posted with it: its answer may have been lost.

    `mark` is that of the form, unique for its person; `digest` the SHA-256 of what was posted. `part` is empty where the form
    makes one thing, else that digest: of a form that makes a folder of each file.
    """

    __tablename__ = "posted_form"

    user_id: Mapped[int] = mapped_column(sa.ForeignKey("user_account.id"), primary_key=True)
    mark: Mapped[str] = mapped_column(primary_key=True)
    part: Mapped[str] = mapped_column(primary_key=True)
    digest: Mapped[str]
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    created_at: Mapped[datetime]


def folder_of(actor: Actor, once: MadeOnce | None) -> int | None:
    """The folder that this made before, so that its files are not examined again; None where it made none."""
    if once is None:
        return None
    with reading(actor.collectivity_id) as db:
        return once.made_by(db, actor)


def folders_of(db: Db, actor: Actor, mark: str) -> frozenset[int]:
    """The folders that the form of this mark has made, but those that were abandoned since."""
    query = sa.select(PostedForm.folder_id).join(Folder, Folder.id == PostedForm.folder_id)
    mine = query.where(PostedForm.user_id == actor.user_id, PostedForm.mark == mark)
    return frozenset(db.scalars(mine.where(Folder.place != WITHDRAWN)))


@dataclass(frozen=True)
class FormOnce:
    """The mark of a form that a person posts, and the SHA-256, in hexadecimal, of what is posted with it.

    `part`: the form makes a folder of each of its files, and this is one of them. `adds`: it adds attachments to a folder.
    `replaces`: the number of the document that it gives a new file, if it does.
    """

    mark: str
    digest: str
    part: bool = False
    adds: bool = False
    replaces: int | None = None

    def made_by(self, db: Db, actor: Actor) -> int | None:
        """The folder that this form made of the same bytes, or None; one that was abandoned since is as if it had not been made.

        Refuses a form that made another thing before (`form-spent`): who posts it again does not know of that one. Refuses
        one that adds, where an attachment was removed since (`form-undone`): its files may be there no more; and one that
        replaces a document, where that one was given another file since, or taken out (`form-overtaken`).
        """
        query = sa.select(PostedForm.part, PostedForm.digest, PostedForm.folder_id, PostedForm.created_at)
        made = query.join(Folder, Folder.id == PostedForm.folder_id).where(
            PostedForm.user_id == actor.user_id, PostedForm.mark == self.mark, Folder.place != WITHDRAWN
        )
        rows = db.execute(made).all()
        for row in rows:
            if row.digest == self.digest and bool(row.part) is self.part:
                if self.adds:
                    _refuse_removed(db, row.folder_id, row.created_at)
                if self.replaces is not None:
                    _refuse_overtaken(db, self.replaces, row.created_at)
                return int(row.folder_id)
        if any(not (self.part and row.part) for row in rows):
            raise Refusal("form-spent", folder=rows[0].folder_id)
        return None

    def remember(self, db: Db, actor: Actor, folder: Folder) -> None:
        """Keep the mark, in place of that of a folder abandoned since."""
        part = self.digest if self.part else ""
        abandoned = sa.select(Folder.id).where(Folder.id == PostedForm.folder_id, Folder.place == WITHDRAWN)
        former = sa.delete(PostedForm).where(
            PostedForm.user_id == actor.user_id,
            PostedForm.mark == self.mark,
            PostedForm.part == part,
            abandoned.exists(),
        )
        db.execute(former, execution_options={"synchronize_session": False})
        row = PostedForm(
            user_id=actor.user_id or 0,
            mark=self.mark,
            part=part,
            digest=self.digest,
            folder_id=folder.id,
            collectivity_id=actor.collectivity_id,
            created_at=now(),
        )
        db.add(row)
        db.flush()  # the rival is met here, before the journal


def _refuse_removed(db: Db, folder_id: int, since: datetime) -> None:
    removed = sa.select(Document.id).where(
        Document.folder_id == folder_id, Document.role == "attachment", Document.removed_at > since
    )
    if db.scalar(removed.limit(1)) is not None:
        raise Refusal("form-undone")


def _refuse_overtaken(db: Db, document_id: int, since: datetime) -> None:
    # Its own version is written before the mark is kept
    later = sa.select(DocumentVersion.id).where(
        DocumentVersion.document_id == document_id, DocumentVersion.created_at > since
    )
    removed = sa.select(Document.id).where(Document.id == document_id, Document.removed_at.is_not(None))
    if db.scalar(later.limit(1)) is not None or db.scalar(removed) is not None:
        raise Refusal("form-overtaken")


@dataclass(frozen=True)
class Once:
    """The caller's key and the SHA-256, in hexadecimal, of what is sent with it; `adds`: to a folder that is there."""

    key: str
    digest: str
    adds: bool = False

    def made_by(self, db: Db, actor: Actor) -> int | None:
        """The folder that this key made, or None; one that was abandoned since is as if it had not been made (`FormOnce`).

        What was added to one that was abandoned since is there all the same. Refuses a key that came with something else
        (`key-reused`).
        """
        query = (
            sa.select(DepositKey.folder_id, DepositKey.digest)
            .join(Folder, Folder.id == DepositKey.folder_id)
            .where(DepositKey.application_id == actor.application_id, DepositKey.key == self.key)
        )
        row = db.execute(query if self.adds else query.where(Folder.place != WITHDRAWN)).one_or_none()
        if row is not None and row.digest not in {self.digest, ""}:
            raise Refusal("key-reused")
        return row.folder_id if row is not None else None

    def remember(self, db: Db, actor: Actor, folder: Folder) -> None:
        """Keep the key, in place of that of a folder abandoned since."""
        if not self.adds:
            abandoned = sa.select(Folder.id).where(
                Folder.id == DepositKey.folder_id, Folder.place == WITHDRAWN
            )
            former = sa.delete(DepositKey).where(
                DepositKey.application_id == actor.application_id,
                DepositKey.key == self.key,
                abandoned.exists(),
            )
            db.execute(former, execution_options={"synchronize_session": False})
        row = DepositKey(
            application_id=actor.application_id or 0,
            key=self.key,
            digest=self.digest,
            folder_id=folder.id,
            collectivity_id=actor.collectivity_id,
            created_at=now(),
        )
        db.add(row)
        db.flush()  # the rival is met here, before the journal
