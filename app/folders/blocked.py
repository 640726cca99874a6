"""The folders on their way that stand where nobody may act and nothing is to be sent: who administers is told of each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.core.grammar import plural
from app.core.outbox import Outbox
from app.core.questions import Query, read_together
from app.folders.models import ASKED, AskedOpinion, Folder, StepRun
from app.folders.passages import FOLDER, PART, Passage, passages
from app.folders.seats import Seated, Sitting, able_words, software_at
from app.people.covers import Away, away_query, by_person
from app.people.mandates import mandates
from app.people.models import Desk, Holder, User
from workflows.circuit import StepKind
from workflows.mandates import Mandate

MOST = 10_000
"""Parts of steps that are looked at."""
_run, _folder, _desk, _user = StepRun.__table__, Folder.__table__, Desk.__table__, User.__table__
_holder, _asked = Holder.__table__, AskedOpinion.__table__
_AUTOMATIC = tuple(kind.value for kind in StepKind if kind.automatic)
_ACTIVE = "{}.state = 'active'"
"""In the words of the partial index of what waits: a bound value would have the past read too."""


@dataclass(frozen=True)
class Blocked:
    """A folder that nothing moves where it stands, and why, in a clause."""

    folder_id: int
    why: str


@dataclass(frozen=True)
class Kept:
    """A folder that waits for the return of people who are away, with the absence of each: nobody may act there meanwhile.

    `named`: its step names them, and so nobody could stand in for them. `asked`: what it waits for is an opinion that was asked,
    which whoever else is put at the step does not give.
    """

    folder_id: int
    absences: Sequence[Away]
    named: bool = False
    asked: bool = False


@dataclass(frozen=True)
class Found:
    """The blocked folders, the first deposited first; `whole`: whether every folder on its way was looked at.

    `kept`: those that are not blocked, and wait for a return.
    """

    folders: Sequence[Blocked]
    whole: bool
    kept: Sequence[Kept] = ()

    @property
    def numbers(self) -> list[int]:
        """Their numbers."""
        return [one.folder_id for one in self.folders]


def queries(collectivity_id: int) -> tuple[Query, ...]:
    """What `judged` looks at: parts that are awaited, those done beside them, machines that nothing sends, who sits there.

    And the software that acts for these desks, and who is away.
    """
    here = collectivity_id
    parts = [find(here, named=named) for find in (_awaited, _done) for named in (False, True)]
    return (*parts, _unsent(here), _sitting(here), _software(here), away_query(here, now()))


def blocked(db: Db, collectivity_id: int) -> Found:
    """The folders of a collectivity that wait for nobody. One statement, and three of mandates where one is to be signed.

    However many folders there are: another where a circuit was not read yet, and one of the mandates of each who would sign in
    somebody's absence.
    """
    return judged(db, read_together(db, *queries(collectivity_id)))


def judged(db: Db, rows: Sequence[Sequence[Any]]) -> Found:
    """The same, of the rows that `queries` gave."""
    by_desk, by_name, *done, unsent, sitting, software, away = rows
    awaited = sorted([*by_desk, *by_name], key=lambda run: run.id)
    acted = {run.id: run for several in done for run in several}
    served = {row.desk_id for row in software}
    gone = by_person(away)
    seats = _seats(db, sitting, software, gone, signing=any(run.kind == StepKind.SIGN for run in awaited))
    every = list(passages(db, awaited, list(acted.values()), served))
    why = {one.folder_id: _why(one, seats) for one in every if not one.passes(seats)}
    for row in unsent:
        why.setdefault(row.folder_id, "aucun envoi n’est en attente pour son étape automatique")
    kept = {
        one.folder_id: Kept(one.folder_id, *_absences(one, seats, gone), asked=one.advice)
        for one in every
        if gone and one.folder_id not in why and not one.passes(seats, but=gone.keys())
    }
    return Found(
        [Blocked(number, why[number]) for number in sorted(why)],
        max(len(by_desk), len(by_name)) < MOST,
        [kept[number] for number in sorted(kept)],
    )


def _absences(
    passage: Passage, sitting: Sitting, gone: Mapping[int, Sequence[Away]]
) -> tuple[list[Away], bool]:
    """The last absence of each of those who could end a step, and are away; whether it names them all."""
    able = {number for takers in sitting.takers(passage.parts, passage.acted) for number in takers}
    last = [max(gone[number], key=lambda away: away.law.ends) for number in sorted(able) if number in gone]
    return last, all(part.named_user_id is not None for part in passage.parts)


def _mine(run: Any, collectivity_id: int, *, named: bool) -> list[sa.ColumnElement[bool]]:
    """The parts that a collectivity awaits of its desks, or of people, found by the indexes of what waits."""
    desks = sa.select(_desk.c.id).where(_desk.c.collectivity_id == collectivity_id)
    people = sa.select(_user.c.id).where(_user.c.collectivity_id == collectivity_id)
    whose = run.c.named_user_id.in_(people) if named else run.c.desk_id.in_(desks)
    return [
        sa.text(_ACTIVE.format(run.name)),
        *([run.c.named_user_id.is_not(None)] if named else []),
        whose,
        run.c.due_on >= date.min,  # days begin the index, and without a word of them SQLite takes another
        run.c.collectivity_id == collectivity_id,
    ]


def _awaited(collectivity_id: int, *, named: bool) -> Query:
    """The parts that a desk, or somebody by name, is to do: those of the step, and the opinions for which it waits."""
    return (
        sa.select(
            *PART,
            *FOLDER,
            _desk.c.name.label("desk"),
            _user.c.first_name,
            _user.c.last_name,
            _user.c.active,
            _asked.c.asked_by_id,
        )
        .select_from(_run)
        .outerjoin(_folder, _folder.c.id == _run.c.folder_id)
        .outerjoin(_desk, _desk.c.id == _run.c.desk_id)
        .outerjoin(_user, _user.c.id == _run.c.named_user_id)
        .outerjoin(_asked, _asked.c.run_id == _run.c.id)
        .where(
            *_mine(_run, collectivity_id, named=named),
            *([] if named else [_run.c.named_user_id.is_(None)]),
            sa.or_(~_run.c.slot.startswith(ASKED), _asked.c.waits),
        )
        .limit(MOST)
    )


def _done(collectivity_id: int, *, named: bool) -> Query:
    """Who has acted at the steps where a part is awaited still, by passage."""
    waiting, beside = _run.alias("waiting"), _run.alias("beside")
    folders = sa.select(waiting.c.folder_id).where(*_mine(waiting, collectivity_id, named=named))
    awaited = sa.exists().where(
        beside.c.folder_id == _run.c.folder_id,
        beside.c.pass_number == _run.c.pass_number,
        sa.text(_ACTIVE.format("beside")),
    )
    return sa.select(_run.c.id, _run.c.folder_id, _run.c.pass_number, _run.c.user_id).where(
        _run.c.folder_id.in_(folders), _run.c.state == "done", awaited
    )


def _unsent(collectivity_id: int) -> Query:
    """The folders at an automatic step for which no row is left that would be tried, or could be put back to work."""
    live = sa.exists().where(
        Outbox.folder_id == _run.c.folder_id,
        Outbox.kind.in_([f"step.{kind}" for kind in _AUTOMATIC]),
        Outbox.state != "done",
    )
    return sa.select(_run.c.folder_id).where(
        sa.text(_ACTIVE.format("step_run")),
        _run.c.desk_id.is_(None),
        _run.c.due_on >= date.min,
        _run.c.collectivity_id == collectivity_id,
        _run.c.kind.in_(_AUTOMATIC),
        ~live,
    )


def _sitting(collectivity_id: int) -> Query:
    """Who sits at the open desks where a part is awaited, and at which those sit whom one names."""
    waits = (sa.text(_ACTIVE.format("step_run")), _run.c.due_on >= date.min)
    here = sa.exists().where(*waits, _run.c.desk_id == _holder.c.desk_id)
    named = sa.exists().where(
        *waits, _run.c.named_user_id.is_not(None), _run.c.named_user_id == _holder.c.user_id
    )
    return (
        sa.select(_holder.c.desk_id, _holder.c.user_id, _holder.c.rights)
        .join(_desk, _desk.c.id == _holder.c.desk_id)
        .join(_user, _user.c.id == _holder.c.user_id)
        .where(
            _desk.c.collectivity_id == collectivity_id,
            _desk.c.closed_at.is_(None),
            _user.c.active.is_(True),
            sa.or_(here, named),
        )
    )


def _software(collectivity_id: int) -> Query:
    """The software in service at the desks where a part is awaited."""
    waits = sa.select(_run.c.desk_id).where(
        sa.text(_ACTIVE.format("step_run")), _run.c.desk_id.is_not(None), _run.c.due_on >= date.min
    )
    return software_at(collectivity_id, waits.where(_run.c.collectivity_id == collectivity_id))


def _seats(
    db: Db,
    sitting: Sequence[Any],
    software: Sequence[Any],
    away: Mapping[int, Sequence[Away]],
    *,
    signing: bool,
) -> Sitting:
    """Who may take a part, by the seats of this moment, which software, and in whose absence."""
    recorded = mandates(db) if signing else []
    held = defaultdict[int, list[Mandate]](list)
    for mandate in recorded:
        held[mandate.person].append(mandate)
    return Sitting(
        (
            Seated(row.desk_id, row.user_id, "", row.rights, held[row.user_id] if recorded else None)
            for row in sitting
        ),
        ((row.desk_id, row.rights) for row in software),
        away,
        lambda number: held[number],
    )


def _why(passage: Passage, sitting: Sitting) -> str:
    """Why nobody ends a step, from its first part that nobody may take."""
    takers = sitting.takers(passage.parts, passage.acted)
    rank = next((rank for rank, able in enumerate(takers) if not able), None)
    if rank is None:
        people = plural(passage.needed, "personne différente", "personnes différentes")
        return f"il y faut {people}, et {able_words(passage.able(sitting))}"
    run, part = passage.runs[rank], passage.parts[rank]
    if run.named_user_id is not None:
        name = f"{run.first_name} {run.last_name}"
        lacks = "n’a plus le droit d’y agir" if run.active else "a son compte fermé"
        return f"son étape nomme {name}, qui {lacks}"
    if not sitting.at.get(run.desk_id):
        return f"plus personne ne tient le bureau « {run.desk} »"
    if sitting.may(replace(part, asked_by_id=None)):
        did = "est qui a demandé cet avis" if part.advice else "a déjà pris une autre part de cette étape"
        return f"qui pouvait agir au bureau « {run.desk} » {did}"
    if run.kind == StepKind.SIGN and any(seat.sits(part) for seat in sitting.at[run.desk_id]):
        return f"personne, au bureau « {run.desk} », n’a à la fois le droit de signer et un mandat pour ce dossier"
    return f"personne, au bureau « {run.desk} », n’a le droit de {StepKind(run.kind).infinitive}"
