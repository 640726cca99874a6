"""What came by itself and waits to be sent: told to who deposits at its desk, at the rhythm that each chose for its type.

Who is told at once has one letter an hour at most, that of the end of the hour; whom another rhythm suits, with the rest.
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.core.clock import PARIS, now
from app.core.db import Db
from app.core.outbox import Needless, News, Outbox, Row, post
from app.folders.access import FOLDER, with_right
from app.folders.models import ARRIVED, Folder
from app.folders.notices import MISSED
from app.notices.back import type_of
from app.notices.choices import GROUPED, choices_of
from app.notices.hours import DRAFTS_ARRIVED, wait
from app.people.actor import Actor
from app.people.models import Collectivity, Holder, User
from app.people.own_settings.registry import Own
from app.people.reaching import is_dead
from app.people.working_days import calendar_in
from workflows.rhythms import Rhythm, quiet_until
from workflows.rights import allows
from workflows.vocabulary import Right

PAGE = "/a-traiter?bannette=drafts"
_FOLDERS: Any = sa.inspect(Folder).local_table.alias("arrived")
_HOLDERS: Any = sa.inspect(Holder).local_table.alias("sends")


def _came(folders: Any) -> sa.ColumnElement[bool]:
    came: sa.ColumnElement[bool] = folders.c.sources[ARRIVED]["at"].as_string().is_not(None)
    return came


def any_for(person: Any) -> sa.ColumnElement[bool]:
    """Whether something that arrived may wait for somebody, as a column of a statement about people.

    What he may send there is asked when his letter is written (`drafts`).
    """
    return sa.exists().where(
        _HOLDERS.c.user_id == person,
        _FOLDERS.c.emitter_desk_id == _HOLDERS.c.desk_id,
        sa.text("arrived.phase = 'draft'"),
        _came(_FOLDERS),
    )


def drafts(db: Db, actor: Actor, most: int) -> list[tuple[tuple[str, str], datetime]]:
    """The type of each arrival that the actor may send, and when it became a draft, so many at most."""
    query = (
        sa.select(FOLDER.c["family", "type_version_id", "created_at"])
        .where(
            sa.text("f.phase = 'draft'"),
            FOLDER.c.collectivity_id == actor.collectivity_id,
            with_right(actor, Right.CREATE, FOLDER.c.emitter_desk_id, FOLDER),
            _came(FOLDER),
        )
        .limit(most)
    )
    return [(type_of(row), row.created_at) for row in db.execute(query)]


def announce(db: Db, folder: Folder) -> None:
    """Have whoever deposits this type at the folder's desk told of it, at the end of this hour; by day, as what is reminded."""
    moment = now()
    end = (moment + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    own = db.get_one(Collectivity, folder.collectivity_id).settings
    end = quiet_until(calendar_in(own), end, PARIS) or end
    end += wait(own, DRAFTS_ARRIVED, end)
    query = (
        sa.select(User, Holder.rights)
        .join(Holder, Holder.user_id == User.id)
        .where(Holder.desk_id == folder.emitter_desk_id, User.active.is_(True), User.email != "")
    )
    letters = {
        f"{DRAFTS_ARRIVED}-{end:%Y%m%d%H}-{user.id}": user
        for user, rights in db.execute(query)
        if allows(rights, Right.CREATE, *folder.of_type)
    }
    posted = set(db.scalars(sa.select(Outbox.key).where(Outbox.key.in_(letters))))
    facts = {"event": DRAFTS_ARRIVED, "page": PAGE}
    delay = (end - moment).total_seconds()
    post(
        db,
        folder.collectivity_id,
        [
            News("mail", key, {**facts, "user_id": user.id}, None, user.email, delay=delay)
            for key, user in letters.items()
            if key not in posted
        ],
    )


def words_of(db: Db, row: Row, user: User, actor: Actor, own: Own, most: int) -> dict[str, Any]:
    """How many arrivals of the types that are told at once wait for the actor.

    Raises `Needless` where none does, and where another such letter left since this one was written.
    """
    left = sa.select(Outbox.id).where(
        Outbox.key.startswith(f"{DRAFTS_ARRIVED}-"),
        Outbox.key.endswith(f"-{user.id}"),
        Outbox.state == "done",
        Outbox.last_error.is_(None),
        Outbox.done_at > row.created_at,
        Outbox.collectivity_id == row.collectivity_id,
    )
    if db.scalar(left.limit(1)) is not None:
        raise Needless("un courriel parti depuis l’a dit : celui-ci n’est pas parti")
    if is_dead(user, own):
        raise Needless(MISSED)
    choices = choices_of(user, own)
    rhythms = [choices.of(of_type).rhythm for of_type, _ in drafts(db, actor, most)]
    count = rhythms.count(Rhythm.NOW)
    if not count:
        raise Needless(GROUPED if rhythms else "rien de ce qui est arrivé n’attend plus cette personne")
    return {"arrived": count, "many": count >= most}
