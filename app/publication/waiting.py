"""« À publier »: acts that wait for this actor's desk to publish them, those that are signed and not there yet, those online."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.circuits.library import catalogue
from app.core.clock import PARIS, today
from app.core.db import Db, key_in
from app.display.views import Due, family_words, step_due
from app.folders.access import readable_by, with_right
from app.folders.effect import Effect, effects_of
from app.folders.models import STEPS_PER_ROUND, Folder, Publication, StepRun
from app.people.actor import Actor
from app.publication import record
from app.publication.models import PublicAct, PublicFile, PublicSite, PublicVersion
from workflows.circuit import StepKind
from workflows.vocabulary import Right

PAGE = 50
"""Acts of each list on a page; the others are on the next ones."""
FEW = 1_000
"""Whose desks have published this many acts at most has them all looked at."""
NOW, SOON, ABSENT = "À publier", "Signé, pas encore à publier", "Publié, absent de la page publique"


@dataclass(frozen=True)
class Waiting:
    """An act that the public does not have: where it stands, since when it is signed, when it is due."""

    folder_id: int
    title: str
    label: str
    number: str
    state: str
    signed_on: date | None
    days: int | None
    received_on: str
    due: Due


@dataclass(frozen=True)
class Online:
    """An act that the public has, or had."""

    folder_id: int
    title: str
    number: str
    key: str
    online_since: datetime
    withdrawn_at: datetime | None
    altered: bool
    effect: Effect | None
    questioned: bool


def waiting(db: Db, actor: Actor, after: str = "") -> tuple[list[Waiting], str | None]:
    """What is signed and not online, of the folders that this actor publishes or follows; then where the next page begins.

    Not of those that their type alone opens to him: they are other desks' to publish.

    By their deadline; on a page, the most pressing first. `after`: a number of folder, as the page before gave it.
    """
    families = [family.name for family in catalogue().values() if family.publication != "none"]
    if not families or not actor.holds(Right.PUBLISH):
        return [], None
    wanted = [
        Folder.family.in_(families),
        *_unknown(),
        _of(actor),
        *_signed_in_round(),
        readable_by(actor, opened=False),
    ]
    last = db.get(Folder, key_in(after) or 0)
    if last is not None:
        there = sa.tuple_(sa.literal(last.due_on), sa.literal(last.id))
        wanted.append(sa.tuple_(Folder.due_on, Folder.id) > there)
    folders = [
        folder
        for begun in _begun(actor)
        for folder in db.scalars(begun.where(*wanted).order_by(Folder.due_on, Folder.id).limit(PAGE + 1))
    ]
    folders = sorted(folders, key=lambda folder: (folder.due_on, folder.id))
    more = str(folders[PAGE - 1].id) if len(folders) > PAGE else None
    folders = folders[:PAGE]
    steps = _publication_steps(db, [folder.id for folder in folders])
    signed = _signed_at(db, [folder.id for folder in folders])
    rows = [_row(folder, steps.get(folder.id), signed.get(folder.id)) for folder in folders]
    order = (NOW, ABSENT, SOON)
    return sorted(rows, key=lambda row: (order.index(row.state), -(row.days or 0))), more


def _begun(actor: Actor) -> tuple[Any, Any]:
    """The folders in hand, and those that were published before there was a public page: never the past."""
    own = Folder.collectivity_id == actor.collectivity_id
    # The condition of the index beside what is asked: SQLite does not see that it follows
    in_hand = sa.select(Folder).where(own, sa.text("phase = 'running' AND phase <> 'done'"))
    # Named one by one: joined, SQLite reads every folder of the collectivity to look whether it is among them
    absent = sa.select(Publication.folder_id).where(
        Publication.collectivity_id == actor.collectivity_id, sa.text("publication.absent")
    )
    return in_hand, sa.select(Folder).where(own, Folder.id.in_(absent))


def _exists(*where: sa.ColumnElement[bool]) -> Any:
    """1 for a folder of which something is so, else nothing: a value, of which PostgreSQL makes no set read whole."""
    return sa.select(sa.literal_column("1")).where(*where).limit(1).correlate(Folder).scalar_subquery()


def _unknown() -> tuple[sa.ColumnElement[bool], ...]:
    """The public has it neither online nor otherwise."""
    publication = aliased(Publication)
    otherwise = publication.folder_id == Folder.id, publication.means.not_in(record.ONLINE_AT_LAST)
    return _exists(PublicAct.folder_id == Folder.id).is_(None), _exists(*otherwise).is_(None)


def _of(actor: Actor) -> sa.ColumnElement[bool]:
    """A desk of the actor publishes it, or nobody is asked to yet: one that ended without a publication was given up, or left."""
    last: Any = (
        sa.select(sa.func.coalesce(StepRun.desk_id, 0))
        .where(StepRun.folder_id == Folder.id, StepRun.kind == StepKind.PUBLISH.value)
        .where(StepRun.state.in_(("active", "done")))
        .order_by(StepRun.id.desc())
        .limit(1)
        .correlate(Folder)
        .scalar_subquery()
    )
    mine = with_right(actor, Right.PUBLISH, last, Folder)
    return sa.or_(mine, sa.and_(last.is_(None), Folder.phase == "running"))


def online(db: Db, actor: Actor, after: str = "") -> tuple[list[Online], str | None]:
    """What this actor's desks have put online, last changed first, and where the next page begins.

    What is to be decided comes before, however old. `after`: the key of an act, as the page before gave it.
    """
    if not actor.holds(Right.PUBLISH):
        return [], None
    mine_to_publish = with_right(actor, Right.PUBLISH, StepRun.desk_id, StepRun)
    steps = sa.select(StepRun.folder_id).where(sa.text("kind = 'publish'"), mine_to_publish)
    few = list(db.scalars(steps.limit(FEW + 1)))
    if len(few) > FEW:  # the last of all are soon those of who publishes that many
        mine: Any = steps.where(StepRun.folder_id == PublicAct.folder_id).limit(1).correlate(PublicAct)
        conditions = PublicAct.collectivity_id == actor.collectivity_id, mine.scalar_subquery().is_not(None)
    else:
        conditions = PublicAct.collectivity_id == actor.collectivity_id, PublicAct.folder_id.in_(few)
    last = db.scalar(sa.select(PublicAct).where(PublicAct.key == after)) if after else None
    acts: list[PublicAct] = []
    for pressing in ("IS NOT NULL", "IS NULL"):
        beyond: list[sa.ColumnElement[bool]] = []
        if last is not None and (last.questioned_on is None) == (pressing == "IS NULL"):
            there = sa.tuple_(sa.literal(last.changed_at, PublicAct.changed_at.type), sa.literal(last.id))
            beyond = [sa.tuple_(PublicAct.changed_at, PublicAct.id) < there]
        elif last is not None and pressing == "IS NOT NULL":
            continue  # they were all on the pages before
        query = sa.select(PublicAct).where(*conditions, sa.text(f"questioned_on {pressing}"), *beyond)
        query = query.order_by(PublicAct.changed_at.desc(), PublicAct.id.desc())
        acts += db.scalars(query.limit(PAGE + 1 - len(acts)))
    more = acts[PAGE - 1].key if len(acts) > PAGE else None
    acts = acts[:PAGE]
    broken = set(
        db.scalars(
            sa.select(PublicVersion.act_id)
            .join(PublicFile, PublicFile.version_id == PublicVersion.id)
            .where(
                PublicVersion.act_id.in_([act.id for act in acts]),
                PublicVersion.ended_at.is_(None),
                PublicFile.altered_at.is_not(None),
            )
        )
    )
    worth = effects_of(db, [act.folder_id for act in acts], inside=True)
    return [
        Online(
            act.folder_id,
            act.title,
            act.number,
            act.key,
            act.online_since,
            act.withdrawn_at,
            act.id in broken,
            worth.get(act.folder_id),
            act.questioned_on is not None,
        )
        for act in acts
    ], more


def any_questioned(actor: Actor) -> sa.ColumnElement[bool]:
    """Whether somebody of the collectivity must decide on an act that is online though its transmission was cancelled."""
    return sa.exists().where(_questioned(actor))


def _questioned(actor: Actor) -> sa.ColumnElement[bool]:
    return sa.and_(PublicAct.collectivity_id == actor.collectivity_id, PublicAct.questioned_on.is_not(None))


def questioned(db: Db, actor: Actor) -> list[int]:
    """The folders whose act is online though its transmission was cancelled, and that this actor's desks published."""
    query = sa.select(PublicAct.folder_id).where(_questioned(actor))
    folder_ids = list(db.scalars(query.order_by(PublicAct.questioned_on, PublicAct.id)))
    if not folder_ids:
        return []
    steps = _publication_steps(db, folder_ids)
    return [
        folder_id
        for folder_id in folder_ids
        if folder_id in steps
        and steps[folder_id].desk_id
        in actor.desks_with(Right.PUBLISH, (steps[folder_id].family, steps[folder_id].own_type))
    ]


def slug_here(db: Db, actor: Actor) -> str | None:
    """The address of the collectivity's public page, once it has one."""
    site = db.get(PublicSite, actor.collectivity_id)
    return site.slug if site is not None else None


def _signed_in_round() -> tuple[sa.ColumnElement[bool], ...]:
    """Somebody has signed in the present round, and no signature is awaited any more."""
    in_round = (
        StepRun.folder_id == Folder.id,
        StepRun.pass_number >= Folder.round * STEPS_PER_ROUND,
        StepRun.kind.in_((StepKind.SIGN.value, StepKind.SEAL.value)),
    )
    return _exists(*in_round, StepRun.state == "done").is_not(None), _exists(
        *in_round, StepRun.state == "active"
    ).is_(None)


def _publication_steps(db: Db, folders: list[int]) -> dict[int, StepRun]:
    query = sa.select(StepRun).where(
        StepRun.folder_id.in_(folders),
        StepRun.kind == StepKind.PUBLISH.value,
        StepRun.state.in_(("active", "done")),
    )
    return {run.folder_id: run for run in db.scalars(query.order_by(StepRun.id))}


def _signed_at(db: Db, folders: list[int]) -> dict[int, datetime]:
    query = sa.select(StepRun.folder_id, StepRun.ended_at).where(
        StepRun.folder_id.in_(folders),
        StepRun.kind.in_((StepKind.SIGN.value, StepKind.SEAL.value)),
        StepRun.state == "done",
    )
    return {row.folder_id: row.ended_at for row in db.execute(query.order_by(StepRun.id)) if row.ended_at}


def _row(folder: Folder, run: StepRun | None, signed_at: datetime | None) -> Waiting:
    signed_on = signed_at.astimezone(PARIS).date() if signed_at else None
    state = SOON if run is None else NOW if run.state == "active" else ABSENT
    return Waiting(
        folder.id,
        folder.title,
        family_words(folder.in_force)[0],
        folder.number,
        state,
        signed_on,
        (today() - signed_on).days if signed_on else None,
        str(folder.fields.get("received_on_by_state") or ""),
        step_due(run.due_on, run.kind, since=run.entered_at)
        if run is not None and run.state == "active"
        else Due("none", ""),
    )
