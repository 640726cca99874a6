"""The row of a mailbox or of a scanner that an administrator changes: locked, and the one that his page showed."""

from typing import TypeVar

import sqlalchemy as sa

from app.arrivals.models import Mailbox, Scanner
from app.core.db import Db
from app.core.refusals import Refusal

R = TypeVar("R", Mailbox, Scanner)


def locked(db: Db, model: type[R], number: int, collectivity_id: int, revision: int, refusal: str) -> R:
    """The row of this number as it was at this `revision`; refuses by `refusal` where somebody has changed it since."""
    query = sa.select(model).where(model.id == number, model.collectivity_id == collectivity_id)
    row = db.scalar(query.with_for_update())
    if row is None or row.revision != revision:
        raise Refusal(refusal)
    return row
