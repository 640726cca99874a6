"""Where the relay operator holds a sending: kept when it changes, and told when somebody must act on it, or once it left."""

import json

import sqlalchemy as sa

from app.core.db import Db, reading
from app.core.outbox import News, Outbox, post
from app.core.transaction import use_case
from app.folders.models import Folder
from app.folders.notices import correctors
from app.journal.chain import Event, append
from app.journal.models import JournalEntry
from app.people.actor import Actor
from app.transmission.models import Transmission
from app.transmission.ports import Stage

HANDED = "Remis à l’opérateur, pas encore transmis"
"""Where a sending is from its deposit until the operator says more."""
LEFT = "transmission.relayed"
AWAITED = "confirmation_awaited"


def keep(actor: Actor, transmission_id: int, stage: Stage | None) -> None:
    """Keep it; nothing is written when it is the same as before. That it left the operator is a line of the journal."""
    wanted = (stage.sentence, stage.address) if stage else (None, None)
    with reading(actor.collectivity_id) as db:
        row = db.get_one(Transmission, transmission_id)
        if (row.stage, row.stage_address) == wanted:
            return
    _keep(actor, transmission_id, *wanted, left=stage is None or stage.left)


@use_case
def _keep(
    db: Db, actor: Actor, transmission_id: int, sentence: str | None, address: str | None, *, left: bool
) -> None:
    row = db.get_one(Transmission, transmission_id, with_for_update=True)
    row.stage, row.stage_address = sentence, address
    if left and not _known_to_have_left(db, row):
        departure = {"channel": row.channel, "reference": row.reference, "simulated": row.simulated}
        append(db, actor.collectivity_id, Event(LEFT, actor.name, None, row.folder_id, departure))
    if address is None:
        return
    folder = db.get_one(Folder, row.folder_id)
    payload = {"event": AWAITED, "folder_id": folder.id, "by": actor.name}
    news = {
        key: News("mail", key, {**payload, "user_id": user_id}, folder.id, None)
        for user_id in sorted(correctors(db, folder))
        for key in [f"{AWAITED}-{row.id}-{user_id}"]
    }
    known = set(db.scalars(sa.select(Outbox.key).where(Outbox.key.in_(news))))
    if known:
        return
    facts = {"channel": row.channel, "reference": row.reference}
    append(db, actor.collectivity_id, Event("transmission.to_confirm", actor.name, None, folder.id, facts))
    post(db, actor.collectivity_id, list(news.values()))


def _known_to_have_left(db: Db, row: Transmission) -> bool:
    lines = sa.select(JournalEntry.facts).where(
        JournalEntry.folder_id == row.folder_id, JournalEntry.event == LEFT
    )
    return any(json.loads(facts).get("reference") == row.reference for facts in db.scalars(lines))
