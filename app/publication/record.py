"""What is written when an act is put online: its portrait for the public, the version, its files; in the verb's transaction."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

import sqlalchemy as sa

from app.circuits.library import catalogue, family_of
from app.core.clock import PARIS, now
from app.core.db import Db
from app.core.questions import OF, Question, ask
from app.core.refusals import Refusal
from app.core.texts import key_of
from app.folders.documents import current_versions
from app.folders.models import STEPS_PER_ROUND, Document, DocumentVersion, Folder, Publication, StepRun
from app.folders.publicity import Means, means_of
from app.folders.rows import every_version, publication_of
from app.journal.chain import Event, append
from app.people.actor import Actor
from app.people.covers import in_absence
from app.people.models import Collectivity
from app.publication.models import PublicAct, PublicFile, PublicSite, PublicVersion
from workflows.circuit import StepKind

MASKED = "masked"
OF_ANY_NATURE = "other_act"
WHOLE = ("main", "signature", "attachment")
"""What an act published whole is made of: the act as it was signed, a signature kept beside it, its annexes."""

ONLINE_AT_LAST = (Means.ONLINE, Means.URGENT)
"""The ways by which an act ends online: put there, or posted in urgency first."""
_PLAIN = re.compile(r"[^a-z0-9]+")


def follow(db: Db, folder: Folder, actor: Actor, published_on: date) -> None:
    """The act has just been published: put it online too, unless its family never is, or the council chose another way."""
    publication = db.get_one(Publication, folder.id)
    if family_of(folder.in_force).publication != "none" and publication.means in ONLINE_AT_LAST:
        put(db, folder, actor, published_on, _absent(db, folder, actor))


def _absent(db: Db, folder: Folder, actor: Actor) -> str | None:
    """In whose absence the actor has just published the act; None for a part of his own."""
    query = sa.select(StepRun.absent).where(
        StepRun.folder_id == folder.id,
        StepRun.kind == StepKind.PUBLISH.value,
        StepRun.state == "done",
        StepRun.user_id == actor.user_id,
    )
    return db.scalar(query.order_by(StepRun.ended_at.desc(), StepRun.id.desc()).limit(1))


def put(db: Db, folder: Folder, actor: Actor, published_on: date, absent: str | None = None) -> PublicAct:
    """Put the act online as it now is: its masked version if there is one, else whole; `absent`: in whose absence.

    Refuses `masked-missing` (its family is never put online otherwise) and `already-online`.
    """
    act, publication = act_of(db, folder.id), db.get(Publication, folder.id)
    if act is not None and act.withdrawn_at is None:
        raise Refusal("already-online")
    files = _chosen(db, folder)
    moment = now()
    if act is None:
        act = _portrait(db, folder, published_on, moment)
        db.add(act)
    if publication is not None:
        publication.absent = False
    act.online_since, act.changed_at, act.withdrawn_at, act.withdrawal = moment, moment, None, None
    _name(act, folder, files)
    db.flush()
    _open_site(db, folder.collectivity_id, moment)
    _write(db, act, in_absence(actor.name, absent), files, moment)
    facts = {"published_on": act.published_on.isoformat(), **_proof(files), **_in_absence(absent)}
    append(db, folder.collectivity_id, _event("publication.online", actor, folder, facts))
    return act


def replace(
    db: Db, folder: Folder, actor: Actor, act: PublicAct, reason: str, absent: str | None = None
) -> None:
    """Put another version in the place of the one online; that one stays in the history, with the reason.

    `absent`: in whose absence.
    """
    who = in_absence(actor.name, absent)
    files = _chosen(db, folder)
    moment = now()
    former = online_version(db, act)
    former_files = [file.sha256 for file in files_of(db, former)]
    former.ended_at, former.ended, former.ended_by, former.reason = moment, "replaced", who, reason
    db.flush()  # one version is online at a time: the former ends first
    act.changed_at = moment
    _name(act, folder, files)
    _write(db, act, who, files, moment)
    facts = {"former": former_files, "reason": reason, **_proof(files), **_in_absence(absent)}
    append(db, folder.collectivity_id, _event("publication.replaced", actor, folder, facts))


def changed(db: Db, folder_id: int) -> PublicAct | None:
    """What the public page says of an act has changed: feeds tell it again; the act, if it is online."""
    act = act_of(db, folder_id)
    if act is None or act.withdrawn_at is not None:
        return None
    act.changed_at = now()
    return act


def question(db: Db, folder_id: int, day: date) -> None:
    """The transmission of an act was cancelled: if it is online, whoever publishes has to withdraw it or to keep it."""
    act = changed(db, folder_id)
    if act is not None:
        act.questioned_on = day


def otherwise(db: Db, folder: Folder) -> tuple[Publication | None, Means | None]:
    """The publication of the act, if it was made, and the means by which it is or will be, None when that is online."""
    publication = publication_of(db, folder.id)
    means = means_of(db, folder)
    return publication, None if means is Means.ONLINE else means


ACT = Question((PublicAct,), PublicAct.folder_id == OF)
SITE = Question(
    (PublicSite,),
    PublicSite.collectivity_id == sa.select(Folder.collectivity_id).where(Folder.id == OF).scalar_subquery(),
    order=lambda row: row[0].collectivity_id,
)


def act_of(db: Db, folder_id: int) -> PublicAct | None:
    """The act that a folder has put online, whether it is still there or not."""
    return next((act for (act,) in ask(db, ACT, folder_id)), None)


def online_version(db: Db, act: PublicAct) -> PublicVersion:
    """The version that the public has now."""
    query = sa.select(PublicVersion).where(PublicVersion.act_id == act.id, PublicVersion.ended_at.is_(None))
    return db.scalars(query).one()


def versions_of(db: Db, act: PublicAct) -> list[PublicVersion]:
    """Every version that was online, newest first."""
    query = sa.select(PublicVersion).where(PublicVersion.act_id == act.id)
    return list(db.scalars(query.order_by(PublicVersion.rank.desc())))


def files_of(db: Db, version: PublicVersion) -> list[PublicFile]:
    """The files of a version, in their order."""
    query = sa.select(PublicFile).where(PublicFile.version_id == version.id)
    return list(db.scalars(query.order_by(PublicFile.position)))


def masked_of(db: Db, folder: Folder) -> tuple[Document, DocumentVersion] | None:
    """The folder's masked document and its current version."""
    masked = (
        (document, every[0]) for document, every in every_version(db, folder.id) if document.role == MASKED
    )
    return next(masked, None)


def subject_of(folder: Folder) -> str:
    """What the public would read as the act's title, if nobody writes another one."""
    return str(folder.fields.get("subject") or folder.title)


def kind_of(act: PublicAct) -> str:
    """What an act is for the public: « Décisions du maire », whatever the nature under which the State is sent it.

    An act of no family of its own is what its nature says.
    """
    return kind_named(act.family, act.nature)


def kind_named(family: str, nature: str) -> str:
    """The same, of a family and a nature."""
    known = catalogue().get(family)
    return nature if known is None or family == OF_ANY_NATURE else known.plural


def first_day(act: PublicAct) -> date:
    """The day, at the town hall, from which the act is online without a break."""
    return act.online_since.astimezone(PARIS).date()


def first_online(db: Db, act: PublicAct) -> date:
    """The day, at the town hall, on which the public had the act for the first time: taken off since or not."""
    query = sa.select(sa.func.min(PublicVersion.online_at)).where(PublicVersion.act_id == act.id)
    first: datetime = db.scalar(query) or act.online_since
    return first.astimezone(PARIS).date()


def slug_of(text: str) -> str:
    """A name as an address says it.

    >>> slug_of("Saint-Élie sur l’Œuvre")
    'saint-elie-sur-l-oeuvre'
    """
    return _PLAIN.sub("-", key_of(text)).strip("-")


def _chosen(db: Db, folder: Folder) -> list[tuple[Document, DocumentVersion]]:
    """The masked version alone, whatever else the folder holds; else the signed act and its annexes."""
    masked = masked_of(db, folder)
    if masked is not None:
        return [masked]
    if family_of(folder.in_force).publication == "masked":
        raise Refusal("masked-missing")
    rows = {row.id: row for row in db.scalars(sa.select(Document).where(Document.folder_id == folder.id))}
    current = [(rows[number], version) for number, version in current_versions(db, folder.id).items()]
    scans = [pair for pair in current if pair[0].role == "paper" and pair[1].round == folder.round]
    whole = [pair for pair in current if pair[0].role in WHOLE]
    if not scans:
        return whole
    # Signed by hand: the act is what the scan shows.
    return scans + [pair for pair in whole if pair[0].role == "attachment"]


def _portrait(db: Db, folder: Folder, published_on: date, moment: datetime) -> PublicAct:
    family = family_of(folder.in_force)
    decided = folder.fields.get("decision_date")
    nature = family.field("nature")
    code = str(folder.fields.get("nature") or "")
    decided_on = date.fromisoformat(str(decided)) if decided else None
    natures = dict(nature.choices or {}) if nature is not None else {}
    return PublicAct(
        collectivity_id=folder.collectivity_id,
        folder_id=folder.id,
        key=token_hex(8),
        family=folder.family,
        label=family.label,
        number=folder.number,
        nature=natures.get(code, family.label),
        matter=str(folder.fields.get("matter") or ""),
        year=(decided_on or published_on).year,
        decided_on=decided_on,
        published_on=published_on,
        authors=_authors(db, folder),
        online_since=moment,
        changed_at=moment,
    )


def _authors(db: Db, folder: Folder) -> list[dict[str, str]]:
    """Who signed, first name, name and capacity (CRPA L212-1, CGCT R2131-1)."""
    query = sa.select(StepRun.who, StepRun.capacity).where(
        StepRun.folder_id == folder.id,
        StepRun.pass_number >= folder.round * STEPS_PER_ROUND,
        StepRun.state == "done",
        StepRun.kind == StepKind.SIGN.value,
    )
    rows = db.execute(query.order_by(StepRun.ended_at, StepRun.id))
    return [{"name": row.who or "", "capacity": row.capacity or ""} for row in rows]


def _name(act: PublicAct, folder: Folder, files: list[tuple[Document, DocumentVersion]]) -> None:
    """The title that the public reads: of a masked version, the one that was written for it."""
    document = files[0][0]
    act.title = document.title if document.role == MASKED else subject_of(folder)
    act.title_key = key_of(f"{act.title} {act.number}")


def _write(
    db: Db, act: PublicAct, who: str, files: list[tuple[Document, DocumentVersion]], moment: datetime
) -> None:
    rank = len(versions_of(db, act)) + 1
    masked = files[0][0].role == MASKED
    version = PublicVersion(
        collectivity_id=act.collectivity_id,
        act_id=act.id,
        rank=rank,
        masked=masked,
        online_at=moment,
        put_by=who,
    )
    db.add(version)
    db.flush()
    names = _filenames(act, files)
    for position, (document, document_version) in enumerate(files, start=1):
        db.add(
            PublicFile(
                collectivity_id=act.collectivity_id,
                version_id=version.id,
                position=position,
                role=document.role,
                title=document.title if document.role == "attachment" else act.title,
                filename=next(names),
                media_type=document_version.media_type,
                size=document_version.size,
                sha256=document_version.sha256,
                document_version_id=document_version.id,
            )
        )
    db.flush()


def _filenames(act: PublicAct, files: list[tuple[Document, DocumentVersion]]) -> Iterator[str]:
    """Names that we make: what a deposited file was called may say more than the act does."""
    stem = slug_of(f"{act.label} {act.number or act.key}")
    ends = {"masked": "-version-occultee", "signature": "-signature"}
    for position, (document, version) in enumerate(files):
        end = f"-annexe-{position}" if document.role == "attachment" else ends.get(document.role, "")
        suffix = _PLAIN.sub("", Path(version.filename).suffix.lower())
        yield f"{stem}{end}.{suffix}" if suffix else f"{stem}{end}"


def _open_site(db: Db, collectivity_id: int, moment: datetime) -> None:
    """Give the collectivity its public address, once; a name that another one bears is told apart by the SIREN."""
    if db.get(PublicSite, collectivity_id) is not None:
        return
    place = db.get_one(Collectivity, collectivity_id)
    slug = slug_of(place.name) or place.siren
    if db.scalar(sa.select(PublicSite.slug).where(PublicSite.slug == slug)) is not None:
        slug = f"{slug}-{place.siren}"
    db.add(PublicSite(collectivity_id=collectivity_id, slug=slug, opened_at=moment))
    db.flush()


def _proof(files: list[tuple[Document, DocumentVersion]]) -> dict[str, Any]:
    return {"masked": files[0][0].role == MASKED, "sha256": [version.sha256 for _, version in files]}


def _in_absence(absent: str | None) -> dict[str, str]:
    return {"absent": absent} if absent else {}


def _event(name: str, actor: Actor, folder: Folder, facts: dict[str, Any]) -> Event:
    return Event(name, actor.name, actor.user_id, folder.id, facts)


def published_on_of(db: Db, folder: Folder) -> date | None:
    """The day that was stated when the act was published, or None."""
    row = db.get(Publication, folder.id)
    return row.published_on if row is not None else None
