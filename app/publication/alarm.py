"""A public file whose bytes are no longer those published: nobody is served, administrators are told, once."""

import sqlalchemy as sa
import structlog

from app.core.clock import now
from app.core.db import Db
from app.core.outbox import News, post
from app.core.transaction import use_case
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.people.models import User
from app.publication.models import PublicAct, PublicFile, PublicVersion

log = structlog.get_logger()


@use_case
def report_altered(db: Db, actor: Actor, file_id: int) -> None:
    """Write that the store no longer gives the file's bytes, and tell the administrators; known already, nothing more."""
    file, act = _file_and_act(db, file_id)
    if file.altered_at is not None:
        return
    file.altered_at = now()
    log.error("publication.altered", sha256=file.sha256, folder=act.folder_id)
    people = db.scalars(sa.select(User).where(User.administrator.is_(True), User.active.is_(True)))
    stamp = int(file.altered_at.timestamp())
    news = [
        News(
            "mail",
            f"act_unavailable-{file.id}-{stamp}-{person.id}",
            {"event": "act_unavailable", "user_id": person.id, "what": act.number, "page": "/a-publier"},
            None,
            person.email,
        )
        for person in people.all()
    ]
    post(db, act.collectivity_id, news)
    facts = {"sha256": file.sha256}
    append(db, act.collectivity_id, Event("publication.altered", actor.name, None, act.folder_id, facts))


@use_case
def report_restored(db: Db, actor: Actor, file_id: int) -> None:
    """Write that the file's bytes are there again."""
    file, act = _file_and_act(db, file_id)
    if file.altered_at is None:
        return
    file.altered_at = None
    facts = {"sha256": file.sha256}
    append(db, act.collectivity_id, Event("publication.restored", actor.name, None, act.folder_id, facts))


def _file_and_act(db: Db, file_id: int) -> tuple[PublicFile, PublicAct]:
    file = db.scalars(sa.select(PublicFile).where(PublicFile.id == file_id).with_for_update()).one()
    version = db.get_one(PublicVersion, file.version_id)
    return file, db.get_one(PublicAct, version.act_id)
