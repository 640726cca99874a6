"""What a batch has asked of the trust service and is not answered yet; light, because every page of a batch may look."""

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.signing.models import RemoteRequest


def withdraw(db: Db, batch_id: int) -> bool:
    """Ask no more what a batch asked, in the caller's transaction; False when the service is answering just now."""
    if in_hand(db, batch_id):
        return False
    query = sa.update(RemoteRequest).where(
        RemoteRequest.batch_id == batch_id, RemoteRequest.status == "waiting"
    )
    db.execute(query.values(status="failed", state=None).execution_options(synchronize_session=False))
    return True


def in_hand(db: Db, batch_id: int) -> bool:
    """Whether the service is answering a request of this batch just now."""
    query = sa.select(RemoteRequest.id).where(
        RemoteRequest.batch_id == batch_id,
        RemoteRequest.status == "waiting",
        RemoteRequest.busy_until > now(),
    )
    return db.scalar(query) is not None
