"""What the public page shows: acts found by words, year and nature; one act with its files and its history."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from app.circuits.library import catalogue
from app.core.clock import PARIS
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.folders import dated
from app.folders.dated import Dated
from app.folders.effect import ANNULLED, Effect, effects_of
from app.folders.models import Publication
from app.folders.publicity import Means
from app.folders.search import ESCAPE, patterns
from app.folders.sockets import plugged
from app.people.models import Collectivity
from app.publication import record
from app.publication.models import PublicAct, PublicFile, PublicSite, PublicVersion
from app.publication.publishing import REASONS
from workflows.deadlines import online_until

PAGE, FARTHEST, WORDS = 25, 10_000, 8
HIDDEN = "Acte retiré de la publication"


@dataclass(frozen=True)
class Site:
    """A collectivity's public page: its address and the name that it bears."""

    collectivity_id: int
    slug: str
    name: str
    opened_at: datetime


@dataclass(frozen=True)
class Search:
    """What was asked of the list; an empty answer asks nothing."""

    words: str = ""
    year: str = ""
    nature: str = ""
    page: int = 1


@dataclass(frozen=True)
class FileView:
    """A file that may be downloaded, or, when `altered`, that is not served now."""

    position: int
    title: str
    filename: str
    media_type: str
    size: int
    sha256: str
    altered: bool


@dataclass(frozen=True)
class PastView:
    """A version that was online, and what became of it; its bytes are not served any more."""

    rank: int
    masked: bool
    online_at: datetime
    ended_at: datetime
    ended: str
    sha256: tuple[str, ...]


@dataclass(frozen=True)
class ActView:
    """An act as anybody reads it; `title` says nothing when it was withdrawn for what it said.

    `effect`: what it is worth today, in the words of the folder's own header; `binding`: whether it binds anybody today.
    """

    key: str
    label: str
    number: str
    title: str
    nature: str
    matter: str
    matter_label: str
    decided_on: date | None
    published_on: date
    online_since: datetime
    online_on: date
    online_until: date
    changed_at: datetime
    authors: tuple[tuple[str, str], ...]
    withdrawn_on: date | None
    withdrawal: str
    effect: str
    binding: bool
    masked: bool
    files: tuple[FileView, ...] = ()
    history: tuple[PastView, ...] = ()
    dates: tuple[Dated, ...] = ()


def site_of(slug: str) -> Site:
    """The public page of this address; one that never opened does not exist (`not-found`)."""
    query = (
        sa.select(PublicSite.collectivity_id, PublicSite.slug, Collectivity.name, PublicSite.opened_at)
        .join(Collectivity, Collectivity.id == PublicSite.collectivity_id)
        .where(PublicSite.slug == slug)
    )
    with reading() as db:
        row = db.execute(query).one_or_none()
    if row is None:
        raise Refusal("not-found")
    return Site(*row)


def found(db: Db, search: Search) -> tuple[list[ActView], int]:
    """A page of acts, newest online first, and how many there are in all."""
    asked = list(_asked(search))
    count = db.scalar(sa.select(sa.func.count()).select_from(PublicAct).where(*asked)) or 0
    page = min(max(search.page, 1), FARTHEST)
    query = sa.select(PublicAct).where(*asked).order_by(PublicAct.online_since.desc(), PublicAct.id.desc())
    rows = list(db.scalars(query.limit(PAGE).offset((page - 1) * PAGE)))
    return _views(db, rows), count


def latest(db: Db, limit: int) -> list[ActView]:
    """What is online now, last changed first: what a feed tells."""
    query = sa.select(PublicAct).where(PublicAct.withdrawn_at.is_(None))
    rows = list(db.scalars(query.order_by(PublicAct.changed_at.desc(), PublicAct.id.desc()).limit(limit)))
    return _views(db, rows)


def _views(db: Db, rows: list[PublicAct]) -> list[ActView]:
    masked, worth = _masked(db, rows), effects_of(db, [row.folder_id for row in rows])
    matters = _matters(db, rows)
    return [
        view(row, worth.get(row.folder_id), masked=masked.get(row.id, False), matters=matters) for row in rows
    ]


def _matters(db: Db, rows: Sequence[PublicAct]) -> Mapping[str, str]:
    """The words of the matters in the classification in force; none without one, or without an act."""
    offered = plugged.options.get("matter")
    return dict(offered(db, rows[0].collectivity_id)) if rows and offered is not None else {}


def choices(db: Db) -> tuple[list[str], list[str]]:
    """The years and natures that there are to choose from."""
    years = db.scalars(sa.select(PublicAct.year).distinct().order_by(PublicAct.year.desc()))
    kinds = {record.kind_of(one) for one in _one_of_each(db)}
    return [str(one) for one in years], sorted(kinds)


def _one_of_each(db: Db) -> list[PublicAct]:
    """One act of each family and nature that there is."""
    first = sa.select(sa.func.min(PublicAct.id)).group_by(PublicAct.family, PublicAct.nature)
    return list(db.scalars(sa.select(PublicAct).where(PublicAct.id.in_(first))))


def act_at(db: Db, key: str) -> PublicAct:
    """The act of this address, of the session's collectivity; refuses `not-found`."""
    row = db.scalar(sa.select(PublicAct).where(PublicAct.key == key))
    if row is None:
        raise Refusal("not-found")
    return row


def whole(db: Db, act: PublicAct) -> ActView:
    """An act with its files, when it is online, and every version that was."""
    versions = record.versions_of(db, act)
    shown = next((one for one in versions if one.ended_at is None), None)
    files = tuple(_file(one) for one in record.files_of(db, shown)) if shown is not None else ()
    past = tuple(_past(db, one, one.ended_at) for one in versions if one.ended_at is not None)
    worth = effects_of(db, [act.folder_id]).get(act.folder_id)
    masked, matters = bool(shown and shown.masked), _matters(db, [act])
    dates = _dates(db, act, worth)
    return view(act, worth, masked=masked, matters=matters, files=files, history=past, dates=dates)


def _dates(db: Db, act: PublicAct, worth: Effect | None) -> tuple[Dated, ...]:
    """The dates of an act that concern the public, by the rules of its page inside."""
    made = db.get(Publication, act.folder_id)
    means = Means(made.means) if made is not None else Means.ONLINE
    since = record.first_day(act)
    rows = [dated.decided(act.decided_on)] if act.decided_on else []
    rows += dated.put_online(means, act.published_on, since, withdrawn=act.withdrawn_at is not None)
    if worth is not None and worth.enforceable_on is not None:
        rows.append(dated.executory(worth.enforceable_on))
    if act.withdrawn_at is None:
        rows.append(dated.stays_online(since))
    if worth is None or worth.key not in {"cancelled", ANNULLED}:
        rows.append(dated.appeal(means, act.published_on, record.first_online(db, act)))
    return tuple(rows)


def file_at(db: Db, act: PublicAct, position: int) -> PublicFile:
    """A file of the version online; refuses `not-found` for any other, and for an act that was withdrawn."""
    query = (
        sa.select(PublicFile)
        .join(PublicVersion, PublicVersion.id == PublicFile.version_id)
        .where(
            PublicVersion.act_id == act.id, PublicVersion.ended_at.is_(None), PublicFile.position == position
        )
    )
    file = db.scalar(query)
    if file is None:
        raise Refusal("not-found")
    return file


def view(
    act: PublicAct,
    worth: Effect | None,
    *,
    masked: bool,
    matters: Mapping[str, str] | None = None,
    **more: Any,
) -> ActView:
    """What is told of an act; `matters`: the words of each matter, by its code."""
    gone = act.withdrawn_at.astimezone(PARIS).date() if act.withdrawn_at else None
    secret = act.withdrawal == "personal_data"
    return ActView(
        key=act.key,
        label=act.label,
        number=act.number,
        title=HIDDEN if secret else act.title,
        nature=record.kind_of(act),
        matter=act.matter,
        matter_label=(matters or {}).get(act.matter, ""),
        decided_on=act.decided_on,
        published_on=act.published_on,
        online_since=act.online_since,
        online_on=record.first_day(act),
        online_until=online_until(record.first_day(act)),
        changed_at=act.changed_at,
        authors=tuple((one["name"], one["capacity"]) for one in act.authors),
        withdrawn_on=gone,
        withdrawal=REASONS.get(act.withdrawal or "", ""),
        effect=worth.words if worth else "",
        binding=worth is not None and worth.enforceable_on is not None,
        masked=masked,
        **more,
    )


def _asked(search: Search) -> Iterator[sa.ColumnElement[bool]]:
    for pattern in patterns(search.words, WORDS):
        yield PublicAct.title_key.like(pattern, escape=ESCAPE)
    if search.year:
        year = search.year
        yield (
            PublicAct.year == int(year)
            if year.isascii() and year.isdigit() and len(year) == 4
            else sa.false()
        )
    if search.nature:
        families = [one.name for one in catalogue().values() if one.plural == search.nature]
        of_any = sa.and_(PublicAct.family == record.OF_ANY_NATURE, PublicAct.nature == search.nature)
        yield sa.or_(PublicAct.family.in_(families), of_any)


def _masked(db: Db, rows: list[PublicAct]) -> dict[int, bool]:
    """Which of these acts are online in a masked version."""
    query = sa.select(PublicVersion.act_id, PublicVersion.masked).where(
        PublicVersion.act_id.in_([row.id for row in rows]), PublicVersion.ended_at.is_(None)
    )
    return {row.act_id: row.masked for row in db.execute(query)}


def _file(one: PublicFile) -> FileView:
    names = ("position", "title", "filename", "media_type", "size", "sha256")
    return FileView(**{name: getattr(one, name) for name in names}, altered=one.altered_at is not None)


def _past(db: Db, one: PublicVersion, ended_at: datetime) -> PastView:
    digests = tuple(file.sha256 for file in record.files_of(db, one))
    return PastView(one.rank, one.masked, one.online_at, ended_at, one.ended or "", digests)
