"""The daily look at timestamps that come to their end; light, because every worker has it from its first minute."""

from datetime import date, timedelta

import sqlalchemy as sa

from app.core.clock import now, today
from app.core.db import Db, reading
from app.core.outbox import Outbox, post, retry
from app.core.transaction import use_case
from app.folders.models import DocumentVersion
from app.signing import levels, setting
from app.signing.models import Augmentation

_looked: dict[str, date] = {}


def daily() -> None:
    """Once a day in this process: renew the timestamps that come to their end, and try again what had stopped."""
    if _looked.get("day") == today():
        return
    renew_due()
    _looked["day"] = today()


def renew_due() -> int:
    """Ask for a new timestamp over every document whose last one ends soon; returns for how many.

    A renewal already asked for is not asked twice: the version names it. Rows that stopped after their last try,
    because an authority was silent for hours, start again.
    """
    limit = now() + timedelta(days=setting.renewal_days())
    newer = sa.orm.aliased(DocumentVersion)
    query = (
        sa.select(Augmentation.collectivity_id, Augmentation.folder_id, DocumentVersion)
        .join(DocumentVersion, DocumentVersion.id == Augmentation.version_id)
        .where(
            Augmentation.ends_at < limit,
            ~sa.exists().where(
                newer.document_id == DocumentVersion.document_id, newer.number > DocumentVersion.number
            ),
        )
    )
    with reading() as db:
        due = list(db.execute(query))
        stopped = sa.select(Outbox.collectivity_id, Outbox.id)
        rows = db.execute(stopped.where(Outbox.kind == levels.AUGMENT, Outbox.state == "parked")).all()
    for collectivity_id, folder_id, version in due:
        ask(collectivity_id, folder_id, version)
    for collectivity_id, row_id in rows:
        retry(collectivity_id, row_id)
    return len(due)


@use_case
def ask(db: Db, collectivity_id: int, folder_id: int, version: DocumentVersion) -> None:
    """Write the row that renews this version, unless it is there."""
    news = levels.news_of(folder_id, version, "B-LTA", delay=0.0)
    if db.scalar(sa.select(Outbox.id).where(Outbox.key == news.key)) is None:
        post(db, collectivity_id, [news])
