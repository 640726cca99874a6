"""Keep what the other side answers, byte for byte and once: among its receipts, and among the folder's documents."""

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.core.outbox import News, Outbox, post
from app.folders.documents import add_receipt
from app.folders.keep import Kept
from app.folders.models import Folder
from app.folders.notices import correctors
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.people.models import User
from app.transmission.models import Receipt, Transmission
from app.transmission.ports import Answer
from app.transmission.traits import traits_of

LATE = "late"
"""The kind of an anomaly that came after the receipt: it is kept, and decides nothing."""
LATE_ANOMALY = "late_anomaly"
UNREAD_ANSWER = "unread_answer"


def is_kept(db: Db, row: Transmission, sha256: str) -> bool:
    """Whether these very bytes were already received as an answer to this transmission."""
    query = sa.select(Receipt.id).where(Receipt.transmission_id == row.id, Receipt.sha256 == sha256)
    return db.scalar(query) is not None


def keep_answer(
    db: Db,
    actor: Actor,
    row: Transmission,
    folder: Folder,
    answer: Answer,
    sha256: str | None,
    *,
    kind: str | None = None,
    title: str | None = None,
    after: str | None = None,
) -> bool:
    """Keep an answer whose bytes are in the store, in the caller's transaction; False when it was there already."""
    if sha256 is None or answer.raw is None:
        return False
    name = answer.filename or f"reponse-{row.id}.xml"
    known = is_kept(db, row, sha256)
    if not known:
        db.add(
            Receipt(
                collectivity_id=actor.collectivity_id,
                transmission_id=row.id,
                kind=kind or answer.kind.value,
                sha256=sha256,
                filename=name,
                identifier=answer.identifier,
                received_on=answer.received_on,
                after=after,
                reason=answer.reason if after else None,
                created_at=now(),
            )
        )
    media = "application/json" if name.endswith(".json") else "application/xml"
    facts = ["Réponse FACTICE, sans valeur : mode simulation."] if answer.simulated else []
    document = Kept(
        "receipt",
        title or traits_of(row.channel).answer(answer.kind),
        name,
        sha256,
        len(answer.raw),
        media,
        None,
        "received",
        {"facts": facts, "signatures": []},
    )
    add_receipt(db, folder, actor, document)
    return not known


def tell_unread(db: Db, actor: Actor, row: Transmission, folder: Folder) -> None:
    """Tell of the first answer to a sending that could not be read: who deposits the folder, and administrators.

    An administrator reads no folder for that: his letter leads to what waits. Once for a sending, whatever bytes follow.
    """
    chiefs = sa.select(User.id).where(
        User.collectivity_id == folder.collectivity_id, User.administrator.is_(True), User.active.is_(True)
    )
    near = correctors(db, folder)
    payload = {"event": UNREAD_ANSWER, "by": actor.name}
    news = {
        key: News("mail", key, {**payload, "user_id": user_id, **more}, folder.id if near_it else None)
        for user_id in sorted(near | set(db.scalars(chiefs)))
        for near_it in [user_id in near]
        for more in [{"folder_id": folder.id} if near_it else {"page": "/administration"}]
        for key in [f"{UNREAD_ANSWER}-{row.id}-{user_id}"]
    }
    known = set(db.scalars(sa.select(Outbox.key).where(Outbox.key.in_(news))))
    post(db, folder.collectivity_id, [mail for key, mail in news.items() if key not in known])


def note_late_anomaly(
    db: Db, actor: Actor, row: Transmission, folder: Folder, answer: Answer, sha256: str
) -> bool:
    """Keep an anomaly that came after the receipt, and warn the desk that deposits; the act's state does not change (W02).

    The same anomaly a second time changes nothing. In the caller's transaction; False when it was known.
    """
    title = "Anomalie reçue après l’accusé, sans effet sur lui"
    if not keep_answer(db, actor, row, folder, answer, sha256, kind=LATE, title=title):
        return False
    facts = {
        "channel": row.channel,
        "receipt": sha256,
        "reason": answer.reason,
        "simulated": answer.simulated,
    }
    append(
        db,
        actor.collectivity_id,
        Event("transmission.anomaly_after_receipt", actor.name, None, folder.id, facts),
    )
    news = [
        News(
            "mail",
            f"{LATE_ANOMALY}-{row.id}-{sha256[:16]}-{user_id}",
            {"event": LATE_ANOMALY, "user_id": user_id, "folder_id": folder.id, "by": actor.name},
            folder.id,
        )
        for user_id in sorted(correctors(db, folder))
    ]
    post(db, actor.collectivity_id, news)
    return True
