"""A receipt that does not come: shown on the folder's page and told once to who can call; nothing is ever sent again for it."""

from datetime import timedelta

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.core.french import instant
from app.core.outbox import News, Outbox, post
from app.core.transaction import use_case
from app.folders.models import Folder
from app.folders.notices import correctors
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.transmission.models import Transmission
from app.transmission.traits import traits_of
from config import Settings

LATE = "receipt_late"


def late(row: Transmission, settings: Settings) -> bool:
    """Whether the answer should have come: `<channel>_late_hours` after the sending; a channel without it is never late."""
    hours = getattr(settings, f"{row.channel}_late_hours", None)
    if hours is None or row.sent_at is None or row.state != "sent":
        return False
    return now() - row.sent_at >= timedelta(hours=hours)


def sentence(row: Transmission) -> str:
    """What to do about it."""
    if row.stage_address:
        return f"Sans confirmation depuis le {instant(row.sent_at)} : rien n’est transmis tant qu’elle manque"
    contact = traits_of(row.channel).to_call
    return f"Sans réponse depuis le {instant(row.sent_at)} : appelez {contact}. Ne renvoyez rien."


@use_case
def tell(db: Db, actor: Actor, transmission_id: int, settings: Settings) -> str | None:
    """Journal and letters the first time that it is seen late; returns the sentence as long as it is."""
    row = db.get_one(Transmission, transmission_id, with_for_update=True)
    if not late(row, settings):
        return None
    folder = db.get_one(Folder, row.folder_id)
    users = correctors(db, folder)  # an administrator, who may not read the folder, sees it on his own page
    payload = {"event": LATE, "folder_id": folder.id, "by": actor.name}
    news = {
        key: News("mail", key, {**payload, "user_id": user_id}, folder.id, None)
        for user_id in sorted(users)
        for key in [f"{LATE}-{row.id}-{user_id}"]
    }
    known = set(db.scalars(sa.select(Outbox.key).where(Outbox.key.in_(news))))
    if not known:
        facts = {"channel": row.channel, "reference": row.reference}
        append(db, actor.collectivity_id, Event("transmission.late", actor.name, None, folder.id, facts))
        post(db, actor.collectivity_id, list(news.values()))
    return sentence(row)
