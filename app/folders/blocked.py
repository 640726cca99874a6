"""The folders on their way that stand where nobody may act and nothing is to be sent: who administers is told of each."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from app.circuits.library import circuits_of
from app.core.db import Db
from app.core.grammar import plural
from app.core.outbox import Outbox
from app.core.questions import Query, read_together
from app.folders.models import ASKED, AskedOpinion, Folder, StepRun
from app.folders.seats import Awaited, Seated, Sitting, able_words, parts_awaited, software_at
from app.people.mandates import mandates
from app.people.models import Desk, Holder, User
from workflows.circuit import StepKind
from workflows.engine import filled
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
class Found:
    """The blocked folders, the first deposited first; `whole`: whether every folder on its way was looked at."""

    folders: Sequence[Blocked]
    whole: bool

    @property
    def numbers(self) -> list[int]:
        """Their numbers."""
        return [one.folder_id for one in self.folders]


@dataclass(frozen=True)
class _Step:
    """The parts of one passage of a folder at a step that are awaited, who has done others, and how many it needs.

    `reading`: whoever acts has to have read the documents.
    """

    folder_id: int
    parts: Sequence[Any]
    acted: frozenset[int] = frozenset()
    needed: int = 1
    reading: bool = False


def queries(collectivity_id: int) -> tuple[Query, ...]:
    """What `judged` looks at: parts that are awaited, those done beside them, machines that nothing sends, who sits there.

    And the software that acts for these desks.
    """
    here = collectivity_id
    parts = [find(here, named=named) for find in (_awaited, _done) for named in (False, True)]
    return (*parts, _unsent(here), _sitting(here), _software(here))


def blocked(db: Db, collectivity_id: int) -> Found:
    """The folders of a collectivity that wait for nobody. One statement, and three of mandates where one is to be signed.

    However many folders there are: another where a circuit was not read yet, and a few where somebody stands in.
    """
    return judged(db, collectivity_id, read_together(db, *queries(collectivity_id)))


def judged(db: Db, collectivity_id: int, rows: Sequence[Sequence[Any]]) -> Found:
    """The same, of the rows that `queries` gave."""
    by_desk, by_name, *done, unsent, sitting, software = rows
    awaited = sorted([*by_desk, *by_name], key=lambda run: run.id)
    seats = _Seats(db, sitting, software, signing=any(run.kind == StepKind.SIGN for run in awaited))
    acted = {run.id: run for several in done for run in several}
    served = {row.desk_id for row in software}
    steps = _steps(db, awaited, list(acted.values()), served)
    stuck = [step for step in steps if seats.able(step) < step.needed]
    seats.standing_in = _standing_in(db, collectivity_id, stuck) if stuck else {}
    why = {step.folder_id: seats.why(step) for step in stuck if seats.able(step) < step.needed}
    for row in unsent:
        why.setdefault(row.folder_id, "aucun envoi n’est en attente pour son étape automatique")
    return Found(
        [Blocked(number, why[number]) for number in sorted(why)], max(len(by_desk), len(by_name)) < MOST
    )


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
            _run.c.id,
            _run.c.folder_id,
            _run.c.pass_number,
            _run.c.step,
            _run.c.slot,
            _run.c.kind,
            _run.c.desk_id,
            _run.c.named_user_id,
            _run.c.family,
            _run.c.own_type,
            _run.c.matter,
            _run.c.amount_cents,
            _folder.c.circuit_version_id,
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


def _steps(db: Db, awaited: Sequence[Any], done: Sequence[Any], served: Collection[int]) -> Iterator[_Step]:
    """The steps that await these parts; `served`: the desks that software serves, whose circuits say where one has to read."""
    acted = defaultdict[tuple[int, int], list[int]](list)
    for run in done:
        # What no account did (a software's part) is somebody's each time
        acted[run.folder_id, run.pass_number].append(-run.id if run.user_id is None else run.user_id)
    steps = defaultdict[tuple[int, int], list[Any]](list)
    for run in awaited:
        steps[run.folder_id, run.pass_number].append(run)
    followed = {
        at
        for at, parts in steps.items()
        if len(parts) + len(acted[at]) > 1 or any(run.desk_id in served for run in parts)
    }
    circuits = circuits_of(db, {steps[at][0].circuit_version_id for at in followed} - {None})
    for at, parts in steps.items():
        circuit = circuits.get(parts[0].circuit_version_id) if at in followed else None
        step = next((step for step in circuit.steps if step.key == parts[0].step), None) if circuit else None
        needed = step.quorum.needed(len(parts) + len(acted[at])) if step is not None else 1
        yield _Step(at[0], parts, frozenset(acted[at]), needed, step is not None and step.reading)


class _Seats:
    """Who may take a part, by the seats of this moment, and which software."""

    def __init__(self, db: Db, sitting: Sequence[Any], software: Sequence[Any], *, signing: bool) -> None:
        recorded = mandates(db) if signing else []
        held = defaultdict[int, list[Mandate]](list)
        for mandate in recorded:
            held[mandate.person].append(mandate)
        self._sitting = Sitting(
            (
                Seated(row.desk_id, row.user_id, "", row.rights, held[row.user_id] if recorded else None)
                for row in sitting
            ),
            ((row.desk_id, row.rights) for row in software),
        )
        self.standing_in: Mapping[int, frozenset[int]] = {}

    def able(self, step: _Step) -> int:
        """How many parts of a step can be done in all, each by somebody else, those that were done among them."""
        return filled([self._may(step, run) for run in step.parts]) + len(step.acted)

    def _may(self, step: _Step, run: Any) -> frozenset[int]:
        part = Awaited.of(run)
        able = (self._sitting.may(part) | self.standing_in.get(run.id, frozenset())) - step.acted
        if run.slot.startswith(ASKED):  # who asked does not answer himself, nor does software
            return able - {run.asked_by_id}
        # What software does is no account's: it is somebody's at each part
        return able | {-run.id} if self._sitting.by_software(part, reading=step.reading) else able

    def why(self, step: _Step) -> str:
        """Why nobody ends a step, from its first part that nobody may take."""
        run = next((run for run in step.parts if not self._may(step, run)), None)
        if run is None:
            people = plural(step.needed, "personne différente", "personnes différentes")
            return f"il y faut {people}, et {able_words(self.able(step))}"
        if run.named_user_id is not None:
            name = f"{run.first_name} {run.last_name}"
            lacks = "n’a plus le droit d’y agir" if run.active else "a son compte fermé"
            return f"son étape nomme {name}, qui {lacks}"
        if not self._sitting.at.get(run.desk_id):
            return f"plus personne ne tient le bureau « {run.desk} »"
        if self._sitting.may(Awaited.of(run)):
            asked = run.slot.startswith(ASKED)
            did = "est qui a demandé cet avis" if asked else "a déjà pris une autre part de cette étape"
            return f"qui pouvait agir au bureau « {run.desk} » {did}"
        if run.kind == StepKind.SIGN and any(seat.sits(run) for seat in self._sitting.at[run.desk_id]):
            return f"personne, au bureau « {run.desk} », n’a à la fois le droit de signer et un mandat pour ce dossier"
        return f"personne, au bureau « {run.desk} », n’a le droit de {StepKind(run.kind).infinitive}"


def _standing_in(db: Db, collectivity_id: int, steps: Sequence[_Step]) -> Mapping[int, frozenset[int]]:
    """Who stands in for somebody at each part of these steps, by the row of the part: he signs by his own mandate."""
    folders = {step.folder_id for step in steps}
    beside = {step.folder_id for step in steps if step.parts[0].slot.startswith(ASKED)}
    parts = [parts_awaited(db, collectivity_id, folders)] if folders != beside else []
    parts += [parts_awaited(db, collectivity_id, beside, asked=True)] if beside else []
    return {
        part.run_id: part.standing_in for every in parts for several in every.values() for part in several
    }
