"""What the last round of the doctor found and when, what administrators tried of it, and where folders were."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class DoctorFinding(Base):
    """One check of the last round, as `Finding` says it.

    `scope` is the number of the collectivity that it is about, or 0 for the installation as a whole. A copy of the
    installation does not carry it (`app/operations/keeping/rows.py`): it was found of this machine.
    """

    __tablename__ = "doctor_finding"

    scope: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[str]
    words: Mapped[str]
    seen_at: Mapped[datetime]


class DoctorRound(Base):
    """The only row says when a round was last asked for (empty once it has begun), begun, and ended."""

    __tablename__ = "doctor_round"
    __table_args__ = (sa.CheckConstraint("id = 1", name="alone"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    asked_at: Mapped[datetime | None]
    begun_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class DoctorTrial(Base):
    """The last time that administrators of a collectivity tried one point of it or of the installation.

    `scope` is the number of their collectivity, `by` the name of who asked. `ended_at` is None while it lasts, and for one
    that was cut short. `words` are for who runs the installation, `general` for the others. `settings_mark` tells the
    settings of the installation and of the collectivity under which it was tried (`trials.mark_under`).
    """

    __tablename__ = "doctor_trial"

    scope: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(primary_key=True)
    begun_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    by: Mapped[str]
    level: Mapped[str]
    words: Mapped[str]
    general: Mapped[str]
    settings_mark: Mapped[str | None]


class JournalCheck(Base):
    """The last time that administrators had the chain of their collectivity checked.

    `ended_at` is None while it lasts. `upto` and `hash`: the last line that the last check to end read whole, 0 and empty
    before any has. `fault_seq` and `fault`: the first line that does not hold, and what is wrong with it; None and empty of
    a chain that holds. `remark`: what was seen beside, clocks that went back.
    """

    __tablename__ = "journal_check"

    collectivity_id: Mapped[int] = mapped_column(sa.ForeignKey("collectivity.id"), primary_key=True)
    asked_at: Mapped[datetime]
    asked_by: Mapped[str]
    ended_at: Mapped[datetime | None]
    upto: Mapped[int]
    hash: Mapped[str]
    fault_seq: Mapped[int | None]
    fault: Mapped[str]
    remark: Mapped[str]


class DoctorPlace(Base):
    """A folder where something is written (`kind`), the mount point on which it was, when it was noted and last used."""

    __tablename__ = "doctor_place"

    path: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    mount: Mapped[str]
    known_at: Mapped[datetime]
    used_at: Mapped[datetime]
