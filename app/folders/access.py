"""The one `authorize`: pages, JSON and file routes ask here whether an actor may see or touch a folder."""

from collections.abc import Iterable

import sqlalchemy as sa

from app.core.db import Db
from app.core.refusals import Refusal
from app.core.tenancy import OURS_ALREADY
from app.folders.models import Folder, StepRun
from app.people.actor import Actor
from workflows.circuit import Phase, StepKind
from workflows.family import restricted_families
from workflows.rights import Right, right_for

# Built once, and naming its collectivity itself: this statement is in every verb.
_locked = (
    sa.select(Folder)
    .where(Folder.id == sa.bindparam("folder"), Folder.collectivity_id == sa.bindparam("here"))
    .with_for_update()
    .execution_options(populate_existing=True, **{OURS_ALREADY: True})
)


def may_read(db: Db, actor: Actor, folder: Folder) -> bool:
    """A folder is read by the desk that deposits it, and by the desks and persons it has reached; by nobody else.

    A draft is seen by its own desk alone. An administrator who holds none of these desks reads nothing. At each of these
    desks a restricted family is read by those alone who may act: deposit it, or do what the step that came there asks.
    """
    if folder.collectivity_id != actor.collectivity_id:
        return False
    restricted = folder.family in restricted_families()
    if folder.emitter_desk_id in (actor.desks_with(Right.CREATE) if restricted else actor.desk_ids):
        return True
    if folder.round == 0:
        return False
    desks = _able(actor) if restricted else [StepRun.desk_id.in_(actor.desk_ids)] if actor.desk_ids else []
    reached = [*desks, *_in_person(actor)]
    if not reached:
        return False
    query = sa.select(sa.literal(1)).where(StepRun.folder_id == folder.id, sa.or_(*reached)).limit(1)
    return db.scalar(query) is not None


def readable_by(actor: Actor) -> sa.ColumnElement[bool]:
    """The condition on `Folder` of what an actor may read, for lists; the same law as `may_read`."""
    closed = restricted_families()
    deposited = sa.or_(
        Folder.emitter_desk_id.in_(actor.desks_with(Right.CREATE)),
        sa.and_(Folder.emitter_desk_id.in_(actor.desk_ids), Folder.family.not_in(closed)),
    )
    opened = sa.and_(StepRun.desk_id.in_(actor.desk_ids), StepRun.family.not_in(closed))
    steps = sa.select(StepRun.id).where(
        StepRun.folder_id == Folder.id, sa.or_(opened, *_able(actor), *_in_person(actor))
    )
    return sa.and_(
        Folder.collectivity_id == actor.collectivity_id,
        sa.or_(deposited, sa.and_(Folder.round > 0, steps.exists())),
    )


def kinds_with(rights: Iterable[Right]) -> tuple[StepKind, ...]:
    """The kinds of steps that whoever holds these rights at a desk may act on there."""
    held = frozenset(rights)
    return tuple(kind for kind in StepKind if right_for(kind) in held)


def _able(actor: Actor) -> list[sa.ColumnElement[bool]]:
    """The conditions on `StepRun` of the steps that reached a desk where the actor holds the right they ask."""
    return [
        sa.and_(StepRun.desk_id == seat.desk_id, StepRun.kind.in_(kinds))
        for seat in actor.seats
        if (kinds := kinds_with(seat.rights))
    ]


def _in_person(actor: Actor) -> list[sa.ColumnElement[bool]]:
    """The conditions on `StepRun` of the steps that named the actor, or on which he acted."""
    if actor.user_id is None:
        return []
    return [StepRun.named_user_id == actor.user_id, StepRun.user_id == actor.user_id]


def authorize(db: Db, actor: Actor, folder_id: int) -> Folder:
    """The folder, if the actor may read it.

    Another collectivity's folder does not exist here (`not-found`, as for a number never given); a folder of other
    desks is refused (`not-yours`).
    """
    folder = db.scalar(
        sa.select(Folder).where(Folder.id == folder_id, Folder.collectivity_id == actor.collectivity_id)
    )
    if folder is None:
        raise Refusal("not-found")
    if not may_read(db, actor, folder):
        raise Refusal("not-yours")
    return folder


def lock(db: Db, actor: Actor, folder_id: int, version: int | None) -> Folder:
    """The folder, locked until the verb ends; refuses a page that shows an older state (`moved-on`).

    Whether the actor may do the verb is asked by the verb itself; strangers are told by `refuse_stranger`.
    """
    folder = db.scalar(_locked, {"folder": folder_id, "here": actor.collectivity_id})
    if folder is None:
        raise Refusal("not-found")
    if version is not None and folder.version != version:
        refuse_stranger(db, actor, folder)
        raise Refusal("moved-on", folder_id=folder_id, title="Ce dossier a avancé")
    return folder


def refuse_stranger(db: Db, actor: Actor, folder: Folder) -> None:
    """Say `not-yours` to whoever may not even read the folder, before anything else is said of it."""
    if actor.kind != "system" and not may_read(db, actor, folder):
        raise Refusal("not-yours")


def lock_editable(db: Db, actor: Actor, folder_id: int, version: int | None = None) -> Folder:
    """The folder, locked, if it is a draft (or came back) and the actor's desk deposits it."""
    folder = lock(db, actor, folder_id, version)
    if folder.emitter_desk_id not in actor.desks_with(Right.CREATE):
        refuse_stranger(db, actor, folder)
        raise Refusal("not-emitter")
    if folder.phase not in {Phase.DRAFT, Phase.REJECTED}:
        raise Refusal("not-editable")
    return folder
