"""The verbs of those who publish: give the masked version, put online, withdraw; each leaves its line in the journal."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sqlalchemy as sa

from app.circuits.library import family_of
from app.core.clock import now, today
from app.core.db import Db, reading
from app.core.french import jour_long
from app.core.outbox import News, post
from app.core.refusals import Refusal
from app.core.texts import plain
from app.core.transaction import use_case
from app.folders.access import authorize, lock, refuse_stranger
from app.folders.documents import add_beside
from app.folders.effect import CANCELLED
from app.folders.facts import touch
from app.folders.keep import Incoming, Kept, keep_masked
from app.folders.models import Document, Folder, StepRun
from app.journal.chain import Event, append
from app.people.actor import Actor, Cover
from app.people.covers import facts_of, in_absence, refuse_over
from app.publication import record
from app.publication.masking import refuse_readable
from app.publication.models import PublicAct
from workflows.circuit import StepKind
from workflows.deadlines import online_until
from workflows.vocabulary import Right

TERM = "term"
REASONS = {
    TERM: "fin de la durée de publication",
    "personal_data": "données personnelles",
    "court": "décision de justice",
    "void": "acte retiré ou annulé",
}
"""Why an act leaves the public page, in the words that the public reads; only the first waits for the two months."""

SHORTEST, LONGEST, TITLE = 10, 500, 300


@dataclass(frozen=True)
class Masked:
    """A masked version as it was sent: its file, the title that the public will read, and why it replaces another."""

    file: Incoming
    title: str
    reason: str = ""


def mask(actor: Actor, folder_id: int, *, version: int, sent: Masked) -> None:
    """Keep a version whose personal data are masked (CRPA L312-1-2); if the act is online, it takes its place at once.

    Refuses `not-publisher`, `cover-own-deposit`, `cover-over`, `publication-forbidden`, `public-title-missing`,
    `replacement-reason-missing`, `masked-still-readable` (what it should hide is still in the file), `masked-damaged`, an
    older page (`moved-on`), and what intake refuses.
    """
    with reading(actor.collectivity_id) as db:
        folder = authorize(db, actor, folder_id)
        refuse_other(db, actor, folder)
        if folder.version != version:
            raise Refusal("moved-on", folder_id=folder_id, title="Ce dossier a avancé")
        sent = _checked(db, folder, sent)
        refuse_readable(db, folder, sent.file.path)
    with TemporaryDirectory(prefix="paraphe-masked-") as room:
        document = replace(keep_masked(actor.collectivity_id, sent.file, Path(room)), title=sent.title)
    write_masked(actor, folder_id, version=version, document=document, reason=sent.reason)


@use_case
def write_masked(db: Db, actor: Actor, folder_id: int, *, version: int, document: Kept, reason: str) -> None:
    """Write the masked version beside the original, and put it online in its place where the act already is."""
    folder, under = _locked(db, actor, folder_id, version)
    masked = add_beside(db, folder, actor, document)
    db.get_one(Document, masked.document_id).title = document.title
    touch(folder)
    facts = {"sha256": document.sha256, "title": document.title}
    append(db, folder.collectivity_id, _line("publication.masked", actor, folder, facts, under))
    act = record.act_of(db, folder.id)
    if act is not None and act.withdrawn_at is None:
        record.replace(db, folder, actor, act, reason, under.absent if under is not None else None)


@use_case
def put_online(db: Db, actor: Actor, folder_id: int, *, version: int) -> None:
    """Put online an act that was published and is not there: published before this page, or withdrawn since.

    Refuses `not-publisher`, `publication-forbidden`, `not-published` (its step comes first), `masked-missing`,
    `already-online`, and one whose transmission was cancelled (`act-cancelled`).
    """
    folder, under = _locked(db, actor, folder_id, version)
    if folder.fields.get(CANCELLED):
        raise Refusal("act-cancelled")
    if not published(db, folder):
        raise Refusal("not-published")
    absent = under.absent if under is not None else None
    record.put(db, folder, actor, record.published_on_of(db, folder) or today(), absent)
    touch(folder)


@use_case
def withdraw_act(db: Db, actor: Actor, folder_id: int, *, version: int, kind: str, reason: str) -> None:
    """Take an act off the public page, which goes on saying when and why; the reason in full is in the journal.

    Before the end of its two months (CGCT R2131-1), only for a reason of law that is written down. Refuses
    `not-publisher`, `not-online`, `online-too-short`, `withdrawal-reason-missing`.
    """
    folder, under = _locked(db, actor, folder_id, version)
    act = record.act_of(db, folder.id)
    if act is None or act.withdrawn_at is not None:
        raise Refusal("not-online")
    last = online_until(record.first_day(act))
    early = today() <= last
    if kind not in REASONS or (early and kind == TERM):
        raise Refusal("online-too-short", last_day=jour_long(last))
    reason = plain(reason)
    if kind != TERM and not SHORTEST <= len(reason) <= LONGEST:
        raise Refusal("withdrawal-reason-missing", shortest=SHORTEST, longest=LONGEST)
    moment = now()
    shown = record.online_version(db, act)
    who = in_absence(actor.name, under.absent if under is not None else None)
    shown.ended_at, shown.ended, shown.ended_by, shown.reason = moment, "withdrawn", who, reason
    act.withdrawn_at, act.withdrawal, act.changed_at, act.questioned_on = moment, kind, moment, None
    if kind == "personal_data":
        act.title_key = act.number.lower()  # what the title says is no longer found by its words either
    touch(folder)
    sha256 = [file.sha256 for file in record.files_of(db, shown)]
    facts = {
        "kind": kind,
        "reason": reason,
        "online_until": last.isoformat(),
        "early": early,
        "sha256": sha256,
    }
    append(db, folder.collectivity_id, _line("publication.withdrawn", actor, folder, facts, under))
    _tell_depositor(db, actor, folder, act)


@use_case
def keep_online(db: Db, actor: Actor, folder_id: int, *, version: int, reason: str) -> None:
    """Keep online an act whose transmission was cancelled, which its public page goes on saying; why is in the journal.

    Refuses `not-publisher`, `not-online`, an act of which that is not asked (`nothing-to-keep`), and no reason or an endless
    one (`keeping-reason-missing`).
    """
    folder, under = _locked(db, actor, folder_id, version)
    act = record.act_of(db, folder.id)
    if act is None or act.withdrawn_at is not None:
        raise Refusal("not-online")
    if act.questioned_on is None:
        raise Refusal("nothing-to-keep")
    reason = plain(reason)
    if not SHORTEST <= len(reason) <= LONGEST:
        raise Refusal("keeping-reason-missing", shortest=SHORTEST, longest=LONGEST)
    act.questioned_on = None
    touch(folder)
    append(db, folder.collectivity_id, _line("publication.kept", actor, folder, {"reason": reason}, under))


def may_publish(db: Db, actor: Actor, folder: Folder) -> bool:
    """Whether the actor is of those whom the circuit names at the folder's step of publication, now or once.

    In somebody's absence: now alone, and not of what he deposited (`refuse_other` says so).
    """
    return _named(db, actor, folder) or (
        _cover(db, actor, folder) is not None and actor.user_id not in folder.writers
    )


def _named(db: Db, actor: Actor, folder: Folder) -> bool:
    """Whether the actor is of them by a desk of his own, or by name."""
    desks = actor.desks_with(Right.PUBLISH, folder.of_type)
    who: list[sa.ColumnElement[bool]] = [StepRun.desk_id.in_(desks)] if desks else []
    if actor.user_id is not None and actor.holds(Right.PUBLISH, folder.of_type):
        who.append(StepRun.named_user_id == actor.user_id)
    if not who:
        return False
    states = ("active", "done", "passed")
    query = sa.select(sa.literal(1)).where(*_of_publication(folder, *states), sa.or_(*who))
    return db.scalar(query.limit(1)) is not None


def _cover(db: Db, actor: Actor, folder: Folder) -> Cover | None:
    """The cover by which the actor is awaited at the folder's step of publication; None where there is none."""
    covered = actor.covered_with(Right.PUBLISH, folder.of_type)
    if not covered:
        return None
    query = sa.select(StepRun.desk_id).where(*_of_publication(folder, "active"), StepRun.desk_id.in_(covered))
    return actor.cover_at(db.scalar(query.order_by(StepRun.id).limit(1)), Right.PUBLISH, folder.of_type)


def _locked(db: Db, actor: Actor, folder_id: int, version: int) -> tuple[Folder, Cover | None]:
    """The folder, locked, and the cover under which the actor publishes it, which nobody ends meanwhile; None for himself."""
    folder = lock(db, actor, folder_id, version)
    under = refuse_other(db, actor, folder)
    if under is not None:
        refuse_over(db, actor, under, Right.PUBLISH, folder.of_type)
    return folder, under


def refuse_other(db: Db, actor: Actor, folder: Folder) -> Cover | None:
    """Refuse whoever does not publish this folder, and a family that is never put online; the cover under which he does.

    Refuses `not-publisher`, `publication-forbidden`, and in somebody's absence what he deposited (`cover-own-deposit`).
    """
    refuse_stranger(db, actor, folder)
    under = None
    if not _named(db, actor, folder):
        under = _cover(db, actor, folder)
        if under is None:
            raise Refusal("not-publisher")
        if actor.user_id in folder.writers:
            raise Refusal("cover-own-deposit", absent=under.absent)
    if family_of(folder.in_force).publication == "none":
        raise Refusal("publication-forbidden", family=family_of(folder.in_force).label)
    return under


def published(db: Db, folder: Folder) -> bool:
    """Whether the step of publication has been done."""
    query = sa.select(sa.literal(1)).where(*_of_publication(folder, "done"))
    return db.scalar(query.limit(1)) is not None


def _of_publication(folder: Folder, *states: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        StepRun.folder_id == folder.id,
        StepRun.kind == StepKind.PUBLISH.value,
        StepRun.state.in_(states),
    )


def _checked(db: Db, folder: Folder, sent: Masked) -> Masked:
    title, reason = " ".join(plain(sent.title).split()), plain(sent.reason)
    if not title or len(title) > TITLE:
        raise Refusal("public-title-missing", longest=TITLE)
    act = record.act_of(db, folder.id)
    replaces = act is not None and act.withdrawn_at is None
    if replaces and not SHORTEST <= len(reason) <= LONGEST:
        raise Refusal("replacement-reason-missing", shortest=SHORTEST, longest=LONGEST)
    return replace(sent, title=title, reason=reason)


def _tell_depositor(db: Db, actor: Actor, folder: Folder, act: PublicAct) -> None:
    reader = folder.depositor_user_id
    if reader is None or reader == actor.user_id:
        return
    payload = {"event": "act_withdrawn", "user_id": reader, "folder_id": folder.id, "by": actor.name}
    payload["what"] = REASONS[act.withdrawal or TERM]
    post(
        db,
        folder.collectivity_id,
        [News("mail", f"act_withdrawn-{folder.id}-{folder.version}", payload, folder.id)],
    )


def _line(
    name: str, actor: Actor, folder: Folder, facts: Mapping[str, Any], under: Cover | None = None
) -> Event:
    return Event(name, actor.name, actor.user_id, folder.id, {**facts, **facts_of(under)})
