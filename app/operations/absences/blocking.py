"""What a planned absence will stop, before it begins: by the functions of the real run, and nothing is written."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from app.circuits.library import circuit_of
from app.circuits.own_types import called
from app.core.clock import PARIS, now, today
from app.core.db import NO_DATE, Db
from app.core.french import jour, spaces
from app.core.grammar import de, et_autres, plural
from app.core.refusals import Refusal
from app.folders.access import readable_by
from app.folders.asking import ADVICE
from app.folders.facts import act_of
from app.folders.models import Folder, StepRun
from app.folders.move import Present, lacking_words, present
from app.folders.rehearsal import coming
from app.folders.rows import runs_of_round
from app.folders.seats import Sitting, Slot, every_desk, lacks_people, slots_of, software_at, stand_in
from app.operations.absences import planning
from app.operations.absences.views import lends_signing, standing
from app.people.actor import Actor
from app.people.covers import Away, away_at, moment_on
from app.people.mandates import mandates
from app.people.models import Desk, Holder, User
from app.signing.enrol import certificates_by_person
from workflows import absences
from workflows.absences import meet
from workflows.circuit import Circuit, Phase, Step, StepKind, WhoKind
from workflows.mandates import fitting, last_day
from workflows.rights import Rights, allows, parted_type
from workflows.vocabulary import Right

MOST = 150
"""Running folders that are looked at, those that wait for the person first."""
SHOWN = 8
"""Folders named in a line, the others counted."""


@dataclass(frozen=True)
class Block:
    """One line of what an absence does: `tone` is danger (it stops), warn (to be watched) or ok.

    `folders`: those that the reader may read, by number and in words; `rest`: what is said of the others, « et 2 autres ».
    """

    tone: str
    title: str
    sentence: str
    folders: tuple[tuple[int, str], ...] = ()
    rest: str = ""


@dataclass(frozen=True)
class Outlook:
    """What an absence will do; `unseen`: there were more running folders than could be looked at."""

    blocks: tuple[Block, ...]
    unseen: bool = False

    @property
    def told(self) -> str:
        """« 2 blocages, 1 risque »; empty when nothing stops."""
        stops = sum(block.tone == "danger" for block in self.blocks)
        risks = sum(block.tone == "warn" for block in self.blocks)
        counts = ((stops, "blocage", "blocages"), (risks, "risque", "risques"))
        return ", ".join(plural(count, word, several) for count, word, several in counts if count)


@dataclass(frozen=True)
class _Met:
    """A step that will wait for the person while he is away: from which day, until which day it is on time.

    `readable`: who asks reads the folder already. `comes`: it is not at this step yet. `asked_by_id`: who asked an opinion,
    and does not give it. `served`: the parts that software takes.
    """

    folder: Folder
    step: Step
    slots: tuple[Slot, ...]
    acted: Mapping[str, int]
    day: date
    due: date
    readable: bool = False
    comes: bool = False
    asked_by_id: int | None = None
    served: frozenset[str] = frozenset()


@dataclass
class _Group:
    tone: str
    kind: StepKind
    sentence: str
    due: date = NO_DATE
    folders: set[int] = field(default_factory=set)
    here: set[int] = field(default_factory=set)
    readable: dict[int, str] = field(default_factory=dict)


def outlook(
    db: Db,
    reader: Actor,
    law: absences.Absence,
    absent: User,
    cover: User | None,
    others: Sequence[absences.Absence] = (),
    *,
    but: int | None = None,
) -> Outlook:
    """What this absence will stop, and what goes on without the person.

    `reader`: who is told. He is told of the folders that he may read, and where he is who will be away, of those that will
    ask him meanwhile, without their numbers; of others nothing (decision 0008).
    `others`: the absences that are planned already; `but`: the number of the one that it changes, and that does not count.
    """
    rows = db.execute(software_at(reader.collectivity_id)).all()
    software = Sitting((), ((row.desk_id, row.rights) for row in rows))
    met, unseen = _met(db, reader, law, absent.id, software)
    groups: dict[tuple[str, StepKind, str], _Group] = {}
    for meeting in met:
        tone, sentence = _judged(db, law, absent, cover, meeting, but)
        group = groups.setdefault(
            (tone, meeting.step.kind, sentence), _Group(tone, meeting.step.kind, sentence)
        )
        group.due = min(group.due, meeting.due)
        group.folders.add(meeting.folder.id)
        if not meeting.comes:
            group.here.add(meeting.folder.id)
        if meeting.readable:
            group.readable[meeting.folder.id] = planning.called_of(
                meeting.folder.title, meeting.folder.number
            )
    order = {"danger": 0, "warn": 1, "ok": 2}
    blocks = sorted(map(_block, groups.values()), key=lambda block: order[block.tone])
    beside = _beside(
        db,
        law,
        absent,
        cover,
        others,
        any(meeting.step.kind is StepKind.SIGN for meeting in met),
        {row.desk_id for row in rows if Right.ACT in Rights.read(row.rights)},
    )
    back = _returned(db, reader, law, absent)
    return Outlook(tuple(sorted((*blocks, *back, *beside), key=lambda block: order[block.tone])), unseen)


def _block(group: _Group) -> Block:
    count = len(group.folders)
    named = {
        StepKind.SIGN: ("signature", "signatures"),
        StepKind.VISA: ("visa", "visas"),
        StepKind.OPINION: ("avis", "avis"),
        StepKind.PUBLISH: ("publication", "publications"),
        StepKind.ARCHIVE: ("archivage", "archivages"),
    }.get(group.kind, ("dossier", "dossiers"))
    due = _soonest(group.due) if group.tone != "ok" else ""
    comes = count - len(group.here)
    title = plural(count, *named) + (
        " à venir" if comes == count else f", dont {comes} à venir" if comes else ""
    )
    shown = tuple(sorted(group.readable.items())[:SHOWN])
    return Block(
        group.tone,
        title,
        spaces(group.sentence + due),
        shown,
        _rest(count - len(shown), count - len(group.readable)) if shown else "",
    )


def _soonest(due: date) -> str:
    """The first day by which some of several folders are due, and whether it is over; empty of none."""
    if due >= NO_DATE:
        return ""
    late = ", déjà passée" if due < today() else ""
    return f" Échéance la plus proche{late} : {jour(due).removesuffix('.')}."


def _rest(others: int, unread: int) -> str:
    """What is said of the folders that a line counts and does not name: « et 2 autres, dont 1 que vous ne lisez pas encore »."""
    if not unread:
        return et_autres(others)
    which = "" if unread == others else f" dont {unread}"
    return f"{et_autres(others)},{which} que vous ne lisez pas encore"


def _judged(
    db: Db, law: absences.Absence, absent: User, cover: User | None, meeting: _Met, but: int | None
) -> tuple[str, str]:
    """Whether a step ends without the person while he is away, and why not: the quorum counts who is there, each once."""
    away = away_at(db, meeting.folder.collectivity_id, moment_on(meeting.day))
    named = cover.name if cover is not None else ""
    planned = Away(0, law, False, named, cover.email if cover is not None else "")
    away[absent.id] = [*(former for former in away.get(absent.id, ()) if former.number != but), planned]
    bare = [
        replace(slot, people=tuple(replace(p, away=None) for p in slot.people if not p.absent))
        for slot in meeting.slots
    ]

    def on(day: date) -> tuple[Slot, ...]:
        """The parts with who is there, and may sign that day."""
        slots = stand_in(db, meeting.folder, meeting.step, bare, away, day)
        return tuple(
            replace(
                slot,
                people=tuple(p for p in slot.people if p.away is None and p.user_id != meeting.asked_by_id),
            )
            for slot in slots
        )

    there = on(meeting.day)
    stuck = lacks_people(meeting.step, there, meeting.acted, meeting.served)
    helped = any(p.user_id == law.by and p.absent for slot in there for p in slot.people)
    if not stuck and helped:
        sentence = f"Pour {named}, « en l’absence {de(absent.name)} »"
        last = _last(law)
        lacks = lacks_people(meeting.step, on(last), meeting.acted, meeting.served)
        if lacks and cover is not None and (until := _signs_until(db, cover, meeting, last)):
            return (
                "warn",
                f"{sentence}, jusqu’au {jour(until).removesuffix('.')} : plus aucun mandat ne le permet ensuite.",
            )
        return "ok", f"{sentence}."
    if not stuck and lacks_people(meeting.step, there, meeting.acted):
        return "ok", "Un logiciel en service à cette étape peut y agir."
    if not stuck:
        return "ok", "D’autres personnes peuvent agir à cette étape."
    tone = "danger" if meeting.due <= _last(law) else "warn"
    return _why(db, law, absent, cover, meeting, tone)


def _last(law: absences.Absence) -> date:
    """The last day of an absence."""
    return absences.last_instant(law.ends).astimezone(PARIS).date()


def _signs_until(db: Db, cover: User, meeting: _Met, last: date) -> date | None:
    """The last day on which who stands in may sign a folder, one mandate after the other; None where he may to the end."""
    day, owned = meeting.day, mandates(db, cover.id)
    while day <= last:
        try:
            ends = [last_day(one) for one in fitting(owned, act_of(meeting.folder), day)]
        except Refusal:
            return day - timedelta(days=1)
        if None in ends:
            return None
        day = max(one for one in ends if one is not None) + timedelta(days=1)
    return None


def _why(
    db: Db, law: absences.Absence, absent: User, cover: User | None, meeting: _Met, tone: str
) -> tuple[str, str]:
    """Why a step waits: what was not lent, or what keeps who stands in from it."""
    if unlent := _unlent(law, absent, cover, meeting):
        return tone, f"{unlent} : cela attendra {absent.name}."
    if cover is not None and cover.id == meeting.asked_by_id:
        return tone, f"{cover.name} a demandé cet avis, et ne le donne pas : cela attendra {absent.name}."
    if cover is not None and cover.id in meeting.folder.writers:
        return "danger", f"{cover.name} a déposé ce dossier, et ne décide pas de son propre dépôt."
    if cover is not None and meeting.step.kind is StepKind.SIGN:
        return "danger", _unsigned(db, cover, meeting)
    needed = meeting.step.quorum.needed(len(meeting.slots))
    people = plural(needed, "personne différente", "personnes différentes")
    return tone, f"Il faut {people} à cette étape, et il en manquera : nul n’y agit deux fois."


def _unlent(law: absences.Absence, absent: User, cover: User | None, meeting: _Met) -> str:
    """Why nobody stands in at a step; empty where somebody does."""
    own = next((slot for slot in meeting.slots if _is_his(slot, absent.id)), None)
    named = own is not None and own.named_user_id is not None
    desk = own.desk_id if own is not None else None
    reasons = (
        (named, f"L’étape nomme {absent.name}, et personne n’agit à sa place"),
        (cover is None, "Sans intérim"),
        (law.desk is not None and law.desk != desk, "Ce bureau n’est pas confié"),
        (not absences.concerns(law.types, *meeting.folder.of_type), "Ce type de dossiers n’est pas confié"),
        # Last: of what is not lent at all, nothing is read either
        (not law.acts, f"{cover.name if cover is not None else ''} lira sans agir"),
    )
    return next((reason for holds, reason in reasons if holds), "")


def _unsigned(db: Db, cover: User, meeting: _Met) -> str:
    """Why who stands in will not sign: which mandate lacks, in the words of the law."""
    try:
        fitting(mandates(db, cover.id), act_of(meeting.folder), meeting.day)
    except Refusal as refusal:
        if refusal.key == "mandate-missing":
            why = f"aucun arrêté de délégation au nom {de(cover.name)} (CGCT L2122-18, L2122-19)"
        else:
            why = lacking_words(refusal).split(". ")[0].removesuffix(".")
            why = _of_another(why, cover.name)
        return f"L’intérim ne signe pas à la place d’un autre : {why}."
    return f"{cover.name} ne peut pas signer ce dossier seul : une autre personne manquera."


def _of_another(sentence: str, name: str) -> str:
    """What is said to whom a mandate lacks, as it is said of somebody."""
    for own, whose in (
        ("de votre mandat", f"du mandat {de(name)}"),
        ("Votre mandat", f"le mandat {de(name)}"),
        ("votre mandat", f"le mandat {de(name)}"),
        ("Votre délégation", f"la délégation {de(name)}"),
        ("votre délégation", f"la délégation {de(name)}"),
        ("à votre nom", f"au nom {de(name)}"),
        ("vous délègue", f"délègue à {name}"),
    ):
        sentence = sentence.replace(own, whose)
    return f"{sentence[:1].lower()}{sentence[1:]}"


def _is_his(slot: Slot, user_id: int) -> bool:
    """Whether somebody himself may act for a part, in nobody's absence: a seat without the mandate that it takes asks nothing."""
    return any(person.user_id == user_id and not person.absent for person in slot.people)


def _is_asked(reader: Actor, meeting: _Met) -> bool:
    """Whether the reader himself may act at a step, in nobody's absence."""
    return reader.user_id is not None and any(_is_his(slot, reader.user_id) for slot in meeting.slots)


def _met(
    db: Db, reader: Actor, law: absences.Absence, user_id: int, software: Sitting
) -> tuple[list[_Met], bool]:
    """The steps, now and to come, where the person would be asked while he is away; and whether some were not looked at.

    Of the folders of which the reader may be told (`outlook`).
    """
    begins = max(law.starts.astimezone(PARIS).date(), today())
    last = _last(law)
    numbers, unseen = _running(db, reader, user_id)
    readable = set(db.scalars(sa.select(Folder.id).where(Folder.id.in_(numbers), readable_by(reader))))
    meetings: list[_Met] = []
    for folder in db.scalars(sa.select(Folder).where(Folder.id.in_(numbers)).order_by(Folder.id)):
        if folder.circuit_version_id is None or folder.phase != Phase.RUNNING:
            continue
        circuit = circuit_of(db, folder.circuit_version_id)
        meetings += (
            replace(
                meeting,
                readable=folder.id in readable,
                served=software.served(folder, meeting.step, meeting.slots)
                if meeting.step is not ADVICE
                else frozenset(),
            )
            for meeting in _of_folder(db, folder, circuit, user_id, begins, last)
            if folder.id in readable or _is_asked(reader, meeting)
        )
    return meetings, unseen


def _of_folder(
    db: Db, folder: Folder, circuit: Circuit, user_id: int, begins: date, last: date
) -> Iterator[_Met]:
    position = present(db, folder)
    if position.step is not None and not position.step.kind.automatic:
        try:
            slots = slots_of(db, folder, position.step, on=begins)
        except Refusal:
            slots = ()
        free = {run.slot for run in position.runs if run.state == "active"}
        if any(_is_his(slot, user_id) and slot.key in free for slot in slots):
            due = min(
                (run.due_on for run in runs_of_round(db, folder) if run.state == "active"), default=NO_DATE
            )
            yield _Met(folder, position.step, slots, position.standing.acted, begins, due)
    yield from _opinions(db, folder, position, user_id, begins)
    for stage in coming(db, folder, circuit, today()).stages:
        met = begins <= stage.leaves and stage.entered <= last
        if met and not stage.step.kind.automatic and any(_is_his(slot, user_id) for slot in stage.slots):
            yield _Met(folder, stage.step, stage.slots, {}, max(stage.entered, begins), stage.due, comes=True)


def _opinions(db: Db, folder: Folder, position: Present, user_id: int, begins: date) -> Iterator[_Met]:
    """The opinions asked of a desk of his beside the step, where the step waits for them."""
    asked = {run.desk_id: run.asked_by_id for run in position.asked if run.waits}
    for slot in every_desk(db, folder, ADVICE) if asked else ():
        if slot.desk_id in asked and _is_his(slot, user_id) and asked[slot.desk_id] != user_id:
            by = asked[slot.desk_id]
            yield _Met(folder, ADVICE, (slot,), {}, begins, folder.due_on, asked_by_id=by)


def _running(db: Db, reader: Actor, user_id: int) -> tuple[list[int], bool]:
    """The running folders where the person is or may be asked: those that wait for him, then those whose circuit may ask him.

    Where the reader is somebody else, those alone that he may read.
    """
    told = sa.true() if reader.user_id == user_id else readable_by(reader)
    desks = sa.select(Holder.desk_id).join(Desk, Desk.id == Holder.desk_id)
    his = desks.where(Holder.user_id == user_id, Desk.closed_at.is_(None))
    waiting = (
        sa.select(StepRun.folder_id)
        .join(Folder, Folder.id == StepRun.folder_id)
        .where(
            told,
            sa.text("step_run.state = 'active'"),
            sa.or_(StepRun.desk_id.in_(his), StepRun.named_user_id == user_id),
        )
        .distinct()
        .order_by(StepRun.folder_id)
    )
    numbers = list(db.scalars(waiting.limit(MOST + 1)))
    keys = set(db.scalars(sa.select(Desk.key).where(Desk.id.in_(his))))
    running = sa.select(Folder.id, Folder.circuit_version_id).where(
        told, sa.text("folder.phase <> 'done'"), Folder.phase == Phase.RUNNING.value
    )
    rows = db.execute(running.order_by(Folder.id.desc()).limit(10 * MOST)).all()
    for row in rows:
        if (
            row.id not in numbers
            and row.circuit_version_id
            and _may_ask(circuit_of(db, row.circuit_version_id), keys)
        ):
            numbers.append(row.id)
    return numbers[:MOST], len(numbers) > MOST or len(rows) == 10 * MOST


def _may_ask(circuit: Circuit, keys: set[str]) -> bool:
    """Whether some step of a circuit may ask one of these desks: by its name, or by what the folder says."""
    return any(
        who.kind is not WhoKind.DESK or who.value in keys for step in circuit.steps for who in step.who
    )


def _beside(
    db: Db,
    law: absences.Absence,
    absent: User,
    cover: User | None,
    others: Iterable[absences.Absence],
    signing: bool,
    served: Collection[int],
) -> Iterator[Block]:
    """What is to be watched beside the folders: those for whom the person stands in, and the certificate of who stands in.

    `served`: the desks where software acts.
    """
    yield from _twice(
        db, absent, [other for other in others if other.person == absent.id and meet(other, law)]
    )
    left = [other for other in others if other.by == absent.id and meet(other, law)]
    if left:
        people = db.execute(
            sa.select(User.first_name, User.last_name).where(User.id.in_({other.person for other in left}))
        ).all()
        whose = ", ".join(f"{row.first_name} {row.last_name}" for row in people)
        yield Block(
            "warn",
            f"Intérim {de(whose)}",
            spaces(
                f"{absent.name} l’assure sur cette période, et ce qui est confié ne se confie pas plus loin."
            ),
        )
    yield from _empty(db, law, absent, others, served)
    if cover is None or not law.acts:
        return
    if not signing:
        yield from _unsigning(db, law, absent, cover)
        return
    ends = [
        certificate.not_after.astimezone(PARIS).date()
        for certificate in certificates_by_person(db, {cover.id}).get(cover.id, [])
    ]
    if not ends and standing(mandates(db, cover.id), law):
        sentence = f"Aucun n’est inscrit à son nom : {cover.name} ne signera rien tant qu’il n’y en a pas."
        yield Block("warn", f"Certificat {de(cover.name)}", spaces(sentence))
    if ends and max(ends) < _last(law):
        sentence = f"Il expire le {jour(max(ends))} : {cover.name} ne signera plus ensuite, même par son propre mandat."
        yield Block("warn", f"Certificat {de(cover.name)}", spaces(sentence))


def _twice(db: Db, absent: User, others: Sequence[absences.Absence]) -> Iterator[Block]:
    """The other absences of the same person that meet this one: each lends what it says, and both stand."""
    names = planning.names(db, {other.by for other in others if other.by is not None}) if others else {}
    for other in others:
        cover = f"intérim {names.get(other.by, '')}" if other.by is not None else "sans intérim"
        yield Block(
            "warn",
            f"Une autre absence {de(absent.name)} au même moment",
            spaces(
                f"Du {planning.words_of(other.starts)} au {planning.last_minute(other.ends)}, {cover}. Les deux comptent : "
                "chacune confie ce qu’elle dit."
            ),
        )


def _unsigning(db: Db, law: absences.Absence, absent: User, cover: User) -> Iterator[Block]:
    """That what comes to be signed meanwhile will wait, where who stands in has no mandate of his own."""
    query = sa.select(Holder.desk_id, Holder.rights).join(Desk, Desk.id == Holder.desk_id)
    rows = db.execute(query.where(Holder.user_id == absent.id, Desk.closed_at.is_(None)))
    seats = [(row.desk_id, Rights.read(row.rights)) for row in rows]
    if lends_signing(law, seats) and not standing(mandates(db, cover.id), law):
        yield Block(
            "warn",
            f"{cover.name} n’a pas de mandat",
            spaces(
                f"Ce qui viendra à signer attendra {absent.name} : l’intérim ne signe pas à la place d’un autre (CGCT L2122-18, "
                "L2122-19)."
            ),
        )


def _empty(
    db: Db,
    law: absences.Absence,
    absent: User,
    others: Iterable[absences.Absence],
    served: Collection[int],
) -> Iterator[Block]:
    """The desks where nobody who acts will be there for a while: what comes meanwhile waits, unless software takes it."""
    planned = [law, *(other for other in others if meet(other, law))]
    period = replace(law, starts=max(law.starts, now()))
    seats = (
        sa.select(Desk.id, Desk.name, Holder.user_id, Holder.rights)
        .join(Holder, Holder.desk_id == Desk.id)
        .join(User, sa.and_(User.id == Holder.user_id, User.active.is_(True)))
        .where(Desk.collectivity_id == absent.collectivity_id, Desk.closed_at.is_(None))
        .order_by(Desk.name, Holder.user_id)
    )
    desks: dict[int, tuple[str, dict[int, Rights]]] = {}
    for row in db.execute(seats):
        if rights := absences.lent(Rights.read(row.rights), ()):
            desks.setdefault(row.id, (row.name, {}))[1][row.user_id] = rights
    named = {other.by for other in planned if other.by is not None}
    open_accounts = set(db.scalars(sa.select(User.id).where(User.id.in_(named), User.active.is_(True))))
    for number, (name, people) in desks.items():
        if absent.id not in people:
            continue
        gaps = absences.unattended(period, people, planned, number, open_accounts)
        some = not gaps
        if some and any(one.types for one in planned):
            gaps = _gaps_of_types(db, period, absent, people, planned, number, open_accounts)
        if not gaps:
            continue
        whole = gaps == [(period.starts, period.ends)]
        when = ", puis ".join(
            f"du {planning.words_of(begins)} au {planning.last_minute(ends)}" for begins, ends in gaps
        )
        what = "ce que le logiciel en service ne prend pas" if number in served else "ce qui y viendra"
        what = f"{what} de ces types" if some else what
        left = "les types de dossiers qui ne sont pas confiés" if law.types else "certains types de dossiers"
        which = f" pour {left}" if some else ""
        sentence = f"Personne n’y agira{which}{'' if whole else f' {when}'} : {what} {'' if whole else 'alors '}attendra"
        yield Block(
            "warn", f"Bureau « {name} »", spaces(f"{sentence} {absent.name}." if whole else f"{sentence}.")
        )


def _gaps_of_types(
    db: Db,
    period: absences.Absence,
    absent: User,
    people: Mapping[int, Rights],
    planned: Sequence[absences.Absence],
    desk: int,
    open_accounts: Collection[int],
) -> list[tuple[datetime, datetime]]:
    """When nobody acts at a desk on one or another type of folders on which the person acts there: intervals in order."""
    gaps: list[tuple[datetime, datetime]] = []
    for name in called(db, absent.collectivity_id):
        acting = [number for number, rights in people.items() if absences.lent(rights, [name])]
        of_type = parted_type(name)
        lending = [
            one if absences.concerns(one.types, *of_type) else replace(one, acts=False) for one in planned
        ]
        if absent.id in acting:
            gaps += absences.unattended(period, acting, lending, desk, open_accounts)
    merged: list[tuple[datetime, datetime]] = []
    for begins, ends in sorted(gaps):
        joins = bool(merged) and begins <= merged[-1][1]
        first, last = merged.pop() if joins else (begins, ends)
        merged.append((first, max(last, ends)))
    return merged


def _returned(db: Db, reader: Actor, law: absences.Absence, absent: User) -> Iterator[Block]:
    """The folders that came back to the person to be corrected: who stands in deposits nothing.

    Of those that the reader may read, where he is somebody else.
    """
    desks = sa.select(Desk.id).where(Desk.collectivity_id == absent.collectivity_id, Desk.closed_at.is_(None))
    query = (
        sa.select(Folder)
        .join(Holder, sa.and_(Holder.desk_id == Folder.emitter_desk_id, Holder.user_id == absent.id))
        .where(
            Folder.phase == Phase.REJECTED.value,
            Folder.depositor_user_id == absent.id,
            Folder.emitter_desk_id.in_(desks),
            sa.true() if reader.user_id == absent.id else readable_by(reader),
        )
        .order_by(Folder.id)
    )
    folders = db.scalars(query.limit(MOST)).all()
    seats = (
        sa.select(Holder.desk_id, Holder.rights)
        .join(User, sa.and_(User.id == Holder.user_id, User.active.is_(True)))
        .where(Holder.desk_id.in_({one.emitter_desk_id for one in folders}), Holder.user_id != absent.id)
    )
    rights = [(row.desk_id, row.rights) for row in db.execute(seats)] if folders else []
    helped: dict[bool, list[Folder]] = {}
    for one in folders:
        able = any(
            desk == one.emitter_desk_id and allows(grants, Right.CREATE, *one.of_type)
            for desk, grants in rights
        )
        helped.setdefault(able, []).append(one)
    for able, several in helped.items():
        soonest = min((one.due_on or NO_DATE for one in several), default=NO_DATE)
        others = (
            "D’autres personnes du bureau le peuvent ; aucun rappel ne le leur dit."
            if able
            else f"Personne d’autre ne dépose à ce bureau : cela attendra {absent.name}."
        )
        shown = tuple((one.id, planning.called_of(one.title, one.number)) for one in several[:SHOWN])
        yield Block(
            "warn" if able or soonest > _last(law) else "danger",
            f"{plural(len(several), 'dossier retourné', 'dossiers retournés')}, à corriger",
            spaces(f"Un intérim ne dépose pas. {others}{_soonest(soonest)}"),
            shown,
            _rest(len(several) - len(shown), 0),
        )


def soon(moment: datetime | None = None) -> tuple[datetime, datetime]:
    """What a form proposes: from tomorrow at midnight to the last minute of that day, in Paris."""
    day = (moment or now()).astimezone(PARIS).date() + timedelta(days=1)
    start = datetime(day.year, day.month, day.day, tzinfo=PARIS)
    return start, start + timedelta(hours=23, minutes=59)
