"""What the pages of legality control show: letters with their clocks, and an act with its dates."""

from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa

from app.channels.actes.exchanges import ACKNOWLEDGEMENTS, REPLIES
from app.core.clock import today
from app.core.db import Db
from app.core.french import instant, jour, jour_long, taille
from app.core.questions import OF, Question, ask
from app.folders.access import emitted_with, readable_by
from app.folders.dated import STATES, state_rule
from app.folders.effect import SUSPENSION, Suspension, effect_of
from app.folders.models import Folder
from app.folders.sockets import Tag
from app.legality import acts
from app.legality.acts import Life
from app.legality.clocks import REFERRAL, UNREAD, counter, kind_of
from app.legality.models import StateLetter
from app.legality.replies import FAMILY as REPLY
from app.legality.replies import LABELS, answers_for, may_reply, replies_of
from app.legality.suspension import RULED
from app.people.actor import Actor
from app.people.models import Desk
from workflows.vocabulary import Right

PAGE = 100


@dataclass(frozen=True)
class LetterLine:
    """A letter in a list."""

    id: int
    label: str
    icon: str
    urgent: bool
    act: str
    folder_id: int | None
    arrived: str
    counter: Tag
    simulated: bool


def lines(db: Db, actor: Actor, *, open_only: bool, folder_id: int | None = None) -> list[LetterLine]:
    """The letters about the acts that an actor may read; those that wait first, the soonest deadline before the others."""
    query = (
        sa.select(StateLetter, Folder.title)
        .outerjoin(Folder, Folder.id == StateLetter.folder_id)
        .where(StateLetter.collectivity_id == actor.collectivity_id, _mine(actor))
    )
    if open_only:
        query = query.where(StateLetter.closed_at.is_(None))
    if folder_id is not None:
        query = query.where(StateLetter.folder_id == folder_id)
    return [_line(row, title) for row, title in db.execute(query.order_by(*_ORDER).limit(PAGE))]


_ORDER = (
    StateLetter.closed_at.is_not(None),
    sa.case((sa.and_(StateLetter.code == REFERRAL, StateLetter.closed_at.is_(None)), 0), else_=1),
    StateLetter.due_on.is_(None),
    StateLetter.due_on,
    StateLetter.id.desc(),
)


MOST_CALLED = 5
"""How many letters are named above what awaits somebody; the page of the letters has them all."""


@dataclass(frozen=True)
class Call:
    """A letter that waits for the actor: why (its clock, its urgency), who deals with it, and the reply that is on its way."""

    line: LetterLine
    why: str
    who: str
    reply_id: int | None
    reply: str


def any_waiting(actor: Actor) -> sa.ColumnElement[bool]:
    """Whether a letter of the collectivity is open, whoever may read it."""
    return sa.exists().where(_open(actor))


def _open(actor: Actor) -> sa.ColumnElement[bool]:
    return sa.and_(StateLetter.collectivity_id == actor.collectivity_id, StateLetter.closed_at.is_(None))


def calls(db: Db, actor: Actor) -> tuple[int, list[Call]]:
    """How many letters wait for this actor, and the first of them: only what he may deal with.

    The desk of the act answers: who deposits replies there prepares one, who deposits acts of this type puts aside what asks
    for none and writes what the court ruled; an administrator, the letters whose act is unknown here. Who reads the act
    at another desk finds them on the page of the letters, and is not called.
    """
    replying = Folder.emitter_desk_id.in_(actor.desks_with(Right.CREATE, (REPLY, "")))
    known = sa.and_(readable_by(actor, opened=False), sa.or_(emitted_with(actor, Right.CREATE), replying))
    whose = sa.or_(known, StateLetter.folder_id.is_(None)) if actor.administrator else known
    query = (
        sa.select(StateLetter, Folder.title, Desk.name)
        .outerjoin(Folder, Folder.id == StateLetter.folder_id)
        .outerjoin(Desk, Desk.id == Folder.emitter_desk_id)
        .where(_open(actor), whose)
    )
    rows = db.execute(query.order_by(*_ORDER).limit(PAGE)).all()
    return len(rows), [_call(db, row, title, desk) for row, title, desk in rows[:MOST_CALLED]]


def _call(db: Db, letter: StateLetter, title: str | None, desk: str | None) -> Call:
    line, kind = _line(letter, title), kind_of(letter.code)
    reply = next((candidate for candidate in replies_of(db, letter) if candidate.place != "withdrawn"), None)
    state = {"draft": "réponse en brouillon", "rejected": "réponse à corriger"}
    return Call(
        line=line,
        why=f"{line.counter.words}." if letter.due_on else kind.clock,
        who=desk or "acte inconnu, à un administrateur",
        reply_id=reply.id if reply else None,
        reply=state.get(reply.phase, "réponse dans son circuit") if reply else "",
    )


LETTERS = Question((StateLetter,), StateLetter.folder_id == OF)


def digests(db: Db, folder_id: int) -> frozenset[str]:
    """The SHA-256 of the letters about an act, and of the files that came with them."""
    letters = [row for (row,) in ask(db, LETTERS, folder_id)]
    return frozenset(
        {row.sha256 for row in letters} | {file["sha256"] for row in letters for file in row.files}
    )


def open_letters(db: Db, folder_id: int) -> list[tuple[int, str, bool]]:
    """The letters about an act that wait, the urgent first: number, name, whether the court is seized."""
    letters = [row for (row,) in ask(db, LETTERS, folder_id) if row.closed_at is None]
    rows = [(row.id, kind_of(row.code).label, row.code == REFERRAL) for row in letters]
    return sorted(rows, key=lambda row: (not row[2], row[0]))


def open_words(db: Db, folder_ids: Collection[int]) -> dict[int, str]:
    """« courrier à traiter : lettre d’observations », for each of these acts that has one; a referral has its own words."""
    if len(folder_ids) == 1:
        (alone,) = folder_ids
        letters = [row for (row,) in ask(db, LETTERS, alone)]
    else:
        query = sa.select(StateLetter).where(
            StateLetter.folder_id.in_(list(folder_ids)), StateLetter.closed_at.is_(None)
        )
        letters = list(db.scalars(query.order_by(StateLetter.id)))
    sentences: dict[int, list[str]] = {}
    for row in letters:
        if row.closed_at is None and row.code != REFERRAL:
            label = kind_of(row.code).label
            sentences.setdefault(row.folder_id or 0, []).append(
                f"courrier à traiter : {label[:1].lower()}{label[1:]}"
            )
    return {folder_id: ", ".join(dict.fromkeys(parts)) for folder_id, parts in sentences.items()}


def _mine(actor: Actor) -> sa.ColumnElement[bool]:
    # A letter of the State is not what a type opens to everybody
    known = sa.and_(StateLetter.folder_id.is_not(None), readable_by(actor, opened=False))
    return sa.or_(known, StateLetter.folder_id.is_(None)) if actor.administrator else known


def _line(row: StateLetter, title: str | None) -> LetterLine:
    kind = kind_of(row.code)
    tone, sentence = counter(row.due_on, row.closed_at is not None, today(), urgent=kind.urgent)
    icon = {"ok": "check-circle", "danger": "exclamation-circle", "": ""}.get(tone, "clock")
    return LetterLine(
        id=row.id,
        label=kind.label if row.trouble is None or kind is UNREAD else f"{kind.label} (lecture incomplète)",
        icon=kind.icon,
        urgent=kind.urgent or row.trouble is not None,
        act=title or row.identifier or "Acte inconnu de Paraphe",
        folder_id=row.folder_id,
        arrived=jour(row.received_on),
        counter=Tag(tone, icon, sentence),
        simulated=row.simulated,
    )


@dataclass(frozen=True)
class SuspensionView:
    """What the page of a referral says and asks of a suspension; the days as the form writes them (ISO 8601)."""

    asked_on: str
    ruled: str
    ruled_on: str
    choices: tuple[tuple[str, str], ...]
    sentence: str
    today: str


@dataclass(frozen=True)
class LetterView:
    """A letter on its page."""

    line: LetterLine
    facts: tuple[tuple[str, str], ...]
    text: str
    clock: str
    files: tuple[tuple[int, str, str], ...]
    choices: tuple[tuple[str, str], ...]
    replies: tuple[tuple[int, str], ...]
    closable: bool
    elsewhere: bool
    conforming: bool
    trouble: str
    version: int
    answerable: bool
    barred: bool = False
    """A reply is asked, and whoever reads the page has no right to prepare it, though the act is of his desk."""
    suspension: SuspensionView | None = None


def letter_view(db: Db, actor: Actor, letter: StateLetter) -> LetterView:
    """All that the page of a letter says to an actor, and what he may do with it."""
    folder = db.get(Folder, letter.folder_id) if letter.folder_id is not None else None
    title = folder.title if folder is not None else None
    answerable = answers_for(actor, folder)
    desk = db.scalar(sa.select(Desk.name).where(Desk.id == folder.emitter_desk_id)) if folder else None
    closed = letter.closed_at is not None
    replies = replies_of(db, letter)
    free = (
        not closed
        and letter.dated_on is not None
        and all(reply.place == "withdrawn" for reply in replies)
        and folder is not None
    )
    able = folder is not None and may_reply(actor, folder)
    codes = REPLIES.get(letter.code or "", ()) if free else ()
    listed = [(letter.filename, letter.size), *((file["name"], file["size"]) for file in letter.files)]
    return LetterView(
        line=_line(letter, title),
        facts=tuple(_facts(letter, desk)),
        text=letter.text or "",
        clock=kind_of(letter.code).clock,
        files=tuple((rank, name, taille(size)) for rank, (name, size) in enumerate(listed)),
        choices=tuple((code, LABELS[code]) for code in codes) if able else (),
        replies=tuple((reply.id, reply.title) for reply in replies),
        closable=not closed and answerable and (letter.due_on is None or letter.dated_on is None),
        elsewhere=not closed and letter.dated_on is None and bool(REPLIES.get(letter.code or "")),
        conforming=letter.conforming,
        trouble=letter.trouble or "",
        version=folder.version if folder is not None else 0,
        answerable=answerable,
        barred=bool(codes) and answerable and not able,
        suspension=_suspension(db, letter),
    )


def _suspension(db: Db, letter: StateLetter) -> SuspensionView | None:
    if letter.code != REFERRAL or letter.folder_id is None:
        return None
    folder = db.get_one(Folder, letter.folder_id)
    suspension = Suspension.read(folder.fields[SUSPENSION]) if folder.fields.get(SUSPENSION) else None
    sentence, now = "", effect_of(db, folder)
    if now is not None and now.key == "suspended":
        sentence = f"{now.words}."
    elif suspension is not None and suspension.until is None and not suspension.ruled:
        sentence = "Cette demande ne suspend pas l’acte par elle-même : le juge en décide."
    return SuspensionView(
        asked_on=suspension.asked_on.isoformat() if suspension else "",
        ruled=suspension.ruled if suspension else "",
        ruled_on=suspension.ruled_on.isoformat() if suspension and suspension.ruled_on else "",
        choices=tuple(RULED.items()),
        sentence=sentence,
        today=today().isoformat(),
    )


def _facts(letter: StateLetter, desk: str | None) -> list[tuple[str, str]]:
    rows = [
        ("Acte", letter.identifier or "inconnu"),
        ("Daté du", jour_long(letter.dated_on) if letter.dated_on else "date illisible"),
        ("Reçu le", instant(letter.received_at)),
        ("Suivi par", desk or "un administrateur : acte inconnu de Paraphe"),
    ]
    if letter.due_on:
        rows.append(("Répondre avant le", jour_long(letter.due_on)))
    if letter.code in ACKNOWLEDGEMENTS:
        done = (
            f"envoyé le {instant(letter.acknowledged_at)}" if letter.acknowledged_at else "en cours d’envoi"
        )
        rows.append(("Accusé automatique", done))
    if letter.closed_at:
        rows.append(("Traité", f"le {instant(letter.closed_at)}, par {letter.closed_by}"))
    return rows


def dates_of(life: Life) -> list[tuple[str, str, str]]:
    """What the page of an act says of its dates, and what the act is worth, each with its rule."""
    rows = [(entry.label, entry.words, entry.rule) for entry in acts.dates_of(life)]
    rows.insert(0, ("Identifiant", life.standing.act.identifier or "aucun : transmis sur papier", ""))
    worth = life.effect
    if worth is not None and (worth.key in STATES or worth.beside):
        rank = next(n for n, (label, _, _) in enumerate(rows) if label == life.means.done) + 1
        rows.insert(rank, ("État de l’acte", worth.inside, state_rule(worth.key, worth.beside)))
    return rows
