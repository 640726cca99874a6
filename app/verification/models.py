"""The verdicts that are remembered."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base, Tenanted


class VerdictRecord(Base, Tenanted):
    """The verdicts on the signatures of kept bytes, as they were judged once (docs/decisions/0014).

    `sha256`: of these bytes, or of both hashes for a signature beside its content (`app.verification.records.key_of`).
    `epoch`: what our trust was made of then; in another one they are judged again.
    """

    __tablename__ = "verdict_record"
    __table_args__ = (sa.UniqueConstraint("collectivity_id", "sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str]
    epoch: Mapped[str]
    kind: Mapped[str]
    verdicts: Mapped[list[Any]]
    judged_at: Mapped[datetime]
