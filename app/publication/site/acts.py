"""What the public page shows: acts found by words, year and nature; one act with its files and its history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from app.core.clock import PARIS
from app.core.db import Db, reading
from app.core.refusals import Refusal
from app.folders import dated
from app.folders.dated import Dated
from app.folders.effect import ANNULLED, Effect, effects_of
from app.folders.models import Publication
from app.folders.publicity import Means
from app.folders.search import ESCAPE, indexable, matching, patterns
from app.folders.sockets import plugged
from app.people.models import Collectivity
from app.publication import record
from app.publication.models import PublicAct, PublicFile, PublicSite, PublicVersion
from app.publication.publishing import REASONS
from workflows.deadlines import online_until

PAGE, WORDS = 25, 8
NUMBERED = 40
"""The pages that a number still reaches, for links of when pages were numbered; others are reached from one to the next."""
MANY = 500
"""Where there are more acts than this, no more are counted."""
MATCHES, SAMPLE, COMMON = 1_000, 300, 15
"""As in `app/display/following.py`: what an index gives at most; words that many of the last acts have are read in order."""
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
    """What was asked of the list; an empty answer asks nothing. `after`, `before`: the act, by its key, beside the page."""

    text: str = ""
    year: str = ""
    nature: str = ""
    after: str = ""
    before: str = ""


@dataclass(frozen=True)
class Listing:
    """A page of acts, the newest online first; how many there are in all, `MANY` where they are as many or more.

    `previous`, `next`: the keys of the acts between which the page stands, None where nothing is beyond.
    """

    acts: Sequence["ActView"]
    count: int
    previous: str | None
    next: str | None

    @property
    def many(self) -> bool:
        """Whether they were not all counted."""
        return self.count >= MANY


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


def listing(db: Db, search: Search) -> Listing:
    """A page of acts that answer, read in order from the act beside it; of one that is no longer known, the first page."""
    branches = _branches(db, search)
    beside = search.after or search.before
    at = db.scalar(sa.select(PublicAct).where(PublicAct.key == beside)) if beside else None
    rows: list[PublicAct] = []
    backwards = at is not None and not search.after
    if backwards:
        rows = _in_order(db, branches, at, backwards=True)[::-1]
    if not backwards or len(rows) <= PAGE:
        at = None if backwards else at
        rows = _in_order(db, branches, at)
        previous, following = at is not None and bool(rows), len(rows) > PAGE
        rows = rows[:PAGE]
    else:
        previous, following = True, True
        rows = rows[1:]
    return Listing(
        _views(db, rows),
        _count(db, branches),
        rows[0].key if previous else None,
        rows[-1].key if following else None,
    )


def before_page(db: Db, search: Search, number: int) -> str | None:
    """The key of the act after which a numbered page begins; None where the list does not reach it."""
    place = (min(number, NUMBERED) - 1) * PAGE - 1
    rows = _in_order(db, _branches(db, search), None, first=place, size=2)
    return rows[0].key if len(rows) > 1 else None


Branches = Sequence[Sequence[sa.ColumnElement[bool]]]


def _in_order(
    db: Db,
    branches: Branches,
    at: PublicAct | None,
    *,
    backwards: bool = False,
    first: int = 0,
    size: int = PAGE + 1,
) -> list[PublicAct]:
    """The acts of the branches, each read by its index from `at` on, and stopped."""
    place = sa.tuple_(PublicAct.online_since, PublicAct.id)
    order = (
        (PublicAct.online_since, PublicAct.id)
        if backwards
        else (PublicAct.online_since.desc(), PublicAct.id.desc())
    )
    beyond: tuple[sa.ColumnElement[bool], ...] = ()
    if at is not None:
        there = sa.tuple_(sa.literal(at.online_since, PublicAct.online_since.type), sa.literal(at.id))
        beyond = (place > there if backwards else place < there,)
    queries = [
        sa.select(PublicAct).where(*branch, *beyond).order_by(*order).limit(first + size)
        for branch in branches
    ]
    if not queries:
        return []
    # Whole rows, not their numbers: to find those again, SQLite would read every act of the collectivity in this order
    acts = aliased(PublicAct, sa.union_all(*(sa.select(query.subquery()) for query in queries)).subquery())
    ends = (acts.online_since, acts.id) if backwards else (acts.online_since.desc(), acts.id.desc())
    return list(db.scalars(sa.select(acts).order_by(*ends).offset(first).limit(size)))


def _count(db: Db, branches: Branches) -> int:
    """How many there are, `MANY` at most."""
    if not branches:
        return 0
    parts = (sa.select(PublicAct.id).where(*branch).limit(MANY).subquery() for branch in branches)
    every = sa.union_all(*(sa.select(part) for part in parts)).limit(MANY).subquery()
    return db.scalar(sa.select(sa.func.count()).select_from(every)) or 0


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


_YEARS = sa.text("""
WITH RECURSIVE y(year) AS (
  SELECT MAX(a.year) FROM public_act a WHERE a.collectivity_id = :here
  UNION ALL
  SELECT (SELECT MAX(a.year) FROM public_act a WHERE a.collectivity_id = :here AND a.year < y.year)
  FROM y WHERE y.year IS NOT NULL
) SELECT year FROM y WHERE year IS NOT NULL
""")
_KINDS = sa.text("""
WITH RECURSIVE k(family, nature) AS (
  SELECT family, nature FROM (
    SELECT a.family, a.nature FROM public_act a WHERE a.collectivity_id = :here ORDER BY a.family, a.nature LIMIT 1
  ) AS first_one
  UNION ALL
  SELECT a.family, a.nature FROM k JOIN public_act a ON a.id = (
    SELECT b.id FROM public_act b WHERE b.collectivity_id = :here AND (b.family, b.nature) > (k.family, k.nature)
    ORDER BY b.family, b.nature LIMIT 1
  )
) SELECT family, nature FROM k
""")
# Each jumps from one value of an index to the next: what a page costs does not follow how many acts have it


def choices(db: Db) -> tuple[list[str], list[str]]:
    """The years, the last first, and the natures that there are to choose from."""
    years = db.scalars(_YEARS, {"here": _collectivity(db)})
    return [str(year) for year in years], sorted({record.kind_named(*kind) for kind in _kinds(db)})


def _kinds(db: Db) -> list[tuple[str, str]]:
    """Each family and nature that there is."""
    return [(row.family, row.nature) for row in db.execute(_KINDS, {"here": _collectivity(db)})]


def _collectivity(db: Db) -> int:
    return int(db.info["collectivity_id"])


def act_at(db: Db, key: str) -> PublicAct:
    """The act of this address, of the session's collectivity; refuses `not-found`."""
    row = db.scalar(sa.select(PublicAct).where(PublicAct.key == key))
    if row is None:
        raise Refusal("not-found")
    return row


def whole(db: Db, act: PublicAct) -> ActView:
    """An act with its files, when it is online, and every version that was."""
    versions = record.versions_of(db, act)
    shown = next((version for version in versions if version.ended_at is None), None)
    files = tuple(_file(file) for file in record.files_of(db, shown)) if shown is not None else ()
    past = tuple(_past(db, version, version.ended_at) for version in versions if version.ended_at is not None)
    worth = effects_of(db, [act.folder_id]).get(act.folder_id)
    masked, matters = bool(shown and shown.masked), _matters(db, [act])
    dates = _dates(db, act, worth)
    return view(act, worth, masked=masked, matters=matters, files=files, history=past, dates=dates)


def _dates(db: Db, act: PublicAct, worth: Effect | None) -> tuple[Dated, ...]:
    """The dates of an act that concern the public, by the rules of its page inside."""
    publication = db.get(Publication, act.folder_id)
    means = Means(publication.means) if publication is not None else Means.ONLINE
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
        authors=tuple((author["name"], author["capacity"]) for author in act.authors),
        withdrawn_on=gone,
        withdrawal=REASONS.get(act.withdrawal or "", ""),
        effect=worth.words if worth else "",
        binding=worth is not None and worth.enforceable_on is not None,
        masked=masked,
        **more,
    )


def _branches(db: Db, search: Search) -> Branches:
    """The conditions of what is asked, by parts of which each is read in order by one index; no part where nothing can be."""
    wanted: list[sa.ColumnElement[bool]] = []
    terms = patterns(search.text, WORDS)
    matches = _matches(db, terms) if indexable(terms) else None
    if matches is None:
        wanted += [PublicAct.title_key.like(term, escape=ESCAPE) for term in terms]
    elif matches:
        wanted.append(PublicAct.id.in_(matches))
    else:
        return []
    if search.year:
        year = search.year
        if not (year.isascii() and year.isdigit() and len(year) == 4):
            return []
        wanted.append(PublicAct.year == int(year))
    if not search.nature:
        return [wanted]
    return [
        [PublicAct.family == family, PublicAct.nature == nature, *wanted]
        for family, nature in _kinds(db)
        if record.kind_named(family, nature) == search.nature
    ]


def _matches(db: Db, terms: Sequence[str]) -> list[int] | None:
    """The acts that have these words, as their index gives them; None where they are many, and soon found in order."""
    collectivity_id = _collectivity(db)
    # The titles beside the numbers: to find those again, SQLite would read every act of the collectivity
    titles = sa.select(PublicAct.title_key).order_by(PublicAct.online_since.desc(), PublicAct.id.desc())
    last = titles.limit(SAMPLE).subquery()
    conditions = [last.c.title_key.like(term, escape=ESCAPE) for term in terms]
    common = sa.select(sa.func.count()).select_from(last).where(*conditions)
    if (db.scalar(common) or 0) >= COMMON:
        return None
    beside, condition, binds = matching(terms, db.get_bind().dialect.name, "fts_public_act")
    ours = "+f.collectivity_id" if beside else "f.collectivity_id"
    sql = f"SELECT f.id FROM {beside} public_act f WHERE {condition} AND {ours} = :here LIMIT {MATCHES + 1}"
    matches = list(db.scalars(sa.text(sql), {**binds, "here": collectivity_id}))
    return matches if len(matches) <= MATCHES else None


def _masked(db: Db, rows: list[PublicAct]) -> dict[int, bool]:
    """Which of these acts are online in a masked version."""
    query = sa.select(PublicVersion.act_id, PublicVersion.masked).where(
        PublicVersion.act_id.in_([row.id for row in rows]), PublicVersion.ended_at.is_(None)
    )
    return {row.act_id: row.masked for row in db.execute(query)}


def _file(file: PublicFile) -> FileView:
    names = ("position", "title", "filename", "media_type", "size", "sha256")
    return FileView(**{name: getattr(file, name) for name in names}, altered=file.altered_at is not None)


def _past(db: Db, version: PublicVersion, ended_at: datetime) -> PastView:
    digests = tuple(file.sha256 for file in record.files_of(db, version))
    return PastView(version.rank, version.masked, version.online_at, ended_at, version.ended or "", digests)
