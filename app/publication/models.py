"""Acts put online: what the public reads of each, which bytes it was given and when, and how that ended."""

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Tenanted, keep_by


class PublicSite(Base):
    """The address of a collectivity's public page; it opens with its first act, and never changes."""

    __tablename__ = "public_site"

    collectivity_id: Mapped[int] = mapped_column(sa.ForeignKey("collectivity.id"), primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    opened_at: Mapped[datetime]


class PublicAct(Base, Tenanted):
    """What the public reads of an act, as it was on the day it was put online; `key` is drawn at random.

    `authors`: name and capacity of whoever signed. `online_since`: start of the present, or last, unbroken time online.
    `withdrawn_at` and `withdrawal` (one of `REASONS`): no longer online; the act keeps its page, which says so.
    `questioned_on`: the day from which whoever publishes is asked to withdraw it or to keep it, its transmission being
    cancelled; None once that is decided.
    """

    __tablename__ = "public_act"
    __table_args__ = (
        sa.UniqueConstraint("folder_id"),
        sa.UniqueConstraint("key"),
        sa.Index("ix_public_act_collectivity_id_online_since", "collectivity_id", "online_since", "id"),
        sa.Index("ix_public_act_collectivity_id_changed_at", "collectivity_id", "changed_at", "id"),
        # Those of a year, and those of a nature, the last first; by them the years and natures that there are
        sa.Index("ix_public_act_year", "collectivity_id", "year", "online_since", "id"),
        sa.Index("ix_public_act_nature", "collectivity_id", "family", "nature", "online_since", "id"),
        sa.Index(
            "ix_public_act_nature_year", "collectivity_id", "family", "nature", "year", "online_since", "id"
        ),
        # What a search finds by any three signs (SQLite has FTS5 beside: app/folders/search.py)
        sa.Index(
            "ix_public_act_words",
            "collectivity_id",
            "title_key",
            postgresql_using="gin",
            postgresql_ops={"title_key": "gin_trgm_ops"},
        ).ddl_if(dialect="postgresql"),
        # Its day too: SQLite prefers the index of a collectivity's acts to one that says nothing more than that they are few
        sa.Index(
            "ix_public_act_questioned",
            "collectivity_id",
            "questioned_on",
            sqlite_where=sa.text("questioned_on IS NOT NULL"),
            postgresql_where=sa.text("questioned_on IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folder_id: Mapped[int] = mapped_column(sa.ForeignKey("folder.id"))
    key: Mapped[str]
    family: Mapped[str]
    label: Mapped[str]
    number: Mapped[str]
    title: Mapped[str]
    title_key: Mapped[str]
    nature: Mapped[str]
    matter: Mapped[str]
    year: Mapped[int]
    decided_on: Mapped[date | None]
    published_on: Mapped[date]
    authors: Mapped[list[Any]]
    online_since: Mapped[datetime]
    changed_at: Mapped[datetime]
    withdrawn_at: Mapped[datetime | None]
    withdrawal: Mapped[str | None]
    questioned_on: Mapped[date | None]


keep_by("fts_public_act_come", "fts_public_act_changed", "fts_public_act_gone")


class PublicVersion(Base, Tenanted):
    """One state of an act online: whole, or masked; what replaced it or took it away, and why, is written when it ends."""

    __tablename__ = "public_version"
    __table_args__ = (
        sa.UniqueConstraint("act_id", "rank"),
        sa.CheckConstraint("ended IN ('replaced','withdrawn')", name="ended_known"),
        # An act has one version online, whatever the race.
        sa.Index(
            "uq_public_version_online",
            "act_id",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    act_id: Mapped[int] = mapped_column(sa.ForeignKey("public_act.id"))
    rank: Mapped[int]
    masked: Mapped[bool]
    online_at: Mapped[datetime]
    put_by: Mapped[str]
    ended_at: Mapped[datetime | None]
    ended: Mapped[str | None]
    ended_by: Mapped[str | None]
    reason: Mapped[str] = mapped_column(default="")


class PublicFile(Base, Tenanted):
    """One file of a version: the document version whose bytes, known by their SHA-256, are served and no others.

    `altered_at`: since when the store no longer gives these bytes; nothing is served meanwhile.
    """

    __tablename__ = "public_file"
    __table_args__ = (sa.UniqueConstraint("version_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(sa.ForeignKey("public_version.id"))
    position: Mapped[int]
    role: Mapped[str]
    title: Mapped[str]
    filename: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    sha256: Mapped[str]
    document_version_id: Mapped[int] = mapped_column(sa.ForeignKey("document_version.id"))
    altered_at: Mapped[datetime | None]
