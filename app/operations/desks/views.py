"""What an administrator reads of desks: the tree, who holds each with which rights, what uses it, and what nobody could do."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from app.circuits import own_types, rules
from app.circuits.library import in_force, parted
from app.core.db import Db
from app.core.french import spaces
from app.core.grammar import plural
from app.core.questions import Query, once, read_together
from app.core.refusals import Refusal
from app.folders.models import StepRun
from app.people.actor import Actor
from app.people.hierarchy import GRANTED
from app.people.models import Application, Desk, Holder, User
from app.people.places import Places, places, places_beside
from workflows.circuit import Step
from workflows.condition import Condition, tests_of
from workflows.emitting import BRANCH, EMITTER
from workflows.family import families
from workflows.rights import Rights
from workflows.vocabulary import Right, StepKind, WhoKind


@dataclass(frozen=True)
class HolderView:
    """Somebody at a desk: his number, name, capacity and rights; whether his account is open, and whether he has ever entered."""

    id: int
    name: str
    capacity: str
    rights: Rights
    active: bool = True
    entered: bool = True


@dataclass(frozen=True)
class Use:
    """A step of a circuit that names a desk, and the right that it asks there; None where the desk only reads, or deposits.

    `deposits`: the step is taken, or not, as this desk deposits, or with `below` one of its branch.

    `family` names the circuit, `at` its step by key; `own_type` is the key of the type whose folders alone are concerned. With
    `type_id`, its number, it is the type that names the desk, among those where it is deposited, or that read its folders.
    """

    family: str
    label: str
    step: str
    right: Right | None
    own_type: str = ""
    type_id: int | None = None
    at: str = ""
    deposits: bool = False
    below: bool = False

    def served(self, rights: Rights) -> bool:
        """Whether these rights let some at least of its folders pass the step."""
        law = parted(self.family)[0]
        if self.right is None:
            return True
        if self.own_type:
            return rights.covers(self.right, law, self.own_type)
        return rights.touches(self.right, law)

    def wholly_served(self, rights: Rights) -> bool:
        """Whether they let all of its folders pass."""
        return self.right is None or rights.covers(self.right, parted(self.family)[0], self.own_type)


@dataclass(frozen=True)
class Ruled:
    """A row of rules that looks at the desk which deposits, and names this one: whose rules, its rank from 1, its key.

    `below`: it looks at the desks of its branch too.
    """

    kind: str
    label: str
    rank: int
    row: str
    below: bool = False


Waiting = tuple[Right, str, str]
"""What folders wait for: the right that their step asks, their family, the key of their own type (empty for none)."""


@dataclass(frozen=True)
class DeskView:
    """A desk: who holds it, the circuits that name it, and what is wrong in words.

    `applications`: those in service there, by number and name.
    """

    id: int
    key: str
    name: str
    parent_id: int | None
    holders: tuple[HolderView, ...] = ()
    uses: tuple[Use, ...] = ()
    waiting: Mapping[Waiting, int] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    applications: tuple[tuple[int, str], ...] = ()
    closed_at: datetime | None = None

    @property
    def asks(self) -> tuple[Use, ...]:
        """The steps that ask this desk: of circuits that name it, and those where folders wait, also where it was chosen."""
        waits = (Use(family, "", "", right, own_type) for right, family, own_type in self.waiting)
        return (*self.uses, *waits)

    @property
    def lone(self) -> Mapping[Right, HolderView]:
        """The rights that a circuit or a folder asks here and one person alone serves, each with that person."""
        served: dict[Right, HolderView] = {}
        for use in self.asks:
            able = [one for one in self.holders if one.active and use.served(one.rights)]
            if use.right is not None and len(able) == 1:
                served[use.right] = able[0]
        return served

    @property
    def lone_words(self) -> str:
        """Who alone may do what is asked here; empty where two people may, or nobody."""
        verbs: dict[str, list[str]] = {}
        for right, person in self.lone.items():
            others = any(one.active and one.id != person.id and right in one.rights for one in self.holders)
            words = f"{verb(right)} (pour certains types)" if others else verb(right)
            verbs.setdefault(person.name, []).append(words)
        told = [
            f"{name} y est la seule personne à pouvoir {', '.join(each)}." for name, each in verbs.items()
        ]
        return (
            spaces(" ".join([*told, "En son absence et sans intérim, les dossiers attendent."]))
            if told
            else ""
        )


Rows = Sequence[Any]
"""What a query gave, as `read_together` gives it."""


def whole(db: Db, collectivity_id: int, desks: Places, only: Collection[int]) -> dict[int, DeskView]:
    """These desks, in their order, with who holds them, what uses them and what is wrong, by number; one statement."""
    if not only:
        return {}
    return viewed(db, collectivity_id, desks, only, read_together(db, *parts(db, collectivity_id, only)))


def asked_for(db: Db, collectivity_id: int) -> tuple[Places, dict[int, DeskView]]:
    """The desks, and the same of those that a circuit or a folder asks, in the order of the tree; two statements."""
    desks, asking, _ = asking_beside(db, collectivity_id)
    return desks, viewed_beside(db, collectivity_id, desks, asking)[0]


Asking = tuple[Rows, Rows]
"""The desks from which somebody deposits, and what waits at each, as they were read."""


def asking_beside(db: Db, collectivity_id: int, *beside: Query) -> tuple[Places, Asking, Sequence[Rows]]:
    """The desks, what asks them, and the rows of the queries `beside`: one statement."""
    desks, (depositing, waiting, *others) = places_beside(
        db, collectivity_id, _depositing(db, collectivity_id), _waiting(collectivity_id, None), *beside
    )
    return desks, (depositing, waiting), others


def viewed_beside(
    db: Db, collectivity_id: int, desks: Places, asking: Asking, *beside: Query
) -> tuple[dict[int, DeskView], Sequence[Rows]]:
    """The desks that a circuit or a folder asks (of any other, nothing can be wrong), and the rows of the queries `beside`.

    One statement.
    """
    depositing, waiting = asking
    asked = _asked(_uses(db, collectivity_id), desks, depositing, waiting)
    software, people, *others = read_together(
        db, _software(collectivity_id, asked), _people(collectivity_id, asked), *beside
    )
    return viewed(db, collectivity_id, desks, asked, (depositing, waiting, software, people)), others


def parts(db: Db, collectivity_id: int, only: Collection[int]) -> tuple[Query, ...]:
    """What `viewed` makes these desks of, to be read by one statement."""
    return (
        _depositing(db, collectivity_id),
        _waiting(collectivity_id, only),
        _software(collectivity_id, only),
        _people(collectivity_id, only),
    )


def viewed(
    db: Db, collectivity_id: int, desks: Places, only: Collection[int], rows: Sequence[Rows]
) -> dict[int, DeskView]:
    """These desks by number, made of the rows of `parts`; one that is not among `desks` is left out."""
    depositing, waiting, software, people = rows
    looked_at = _conditions(db, collectivity_id)
    uses, above = _uses(db, collectivity_id), _heights([number for (number,) in depositing], desks)
    waits, programs, holders = (
        _waits(waiting),
        defaultdict[int, list[tuple[int, str]]](list),
        _holders(people),
    )
    for desk_id, number, name in sorted(software, key=lambda row: row[2]):
        programs[desk_id].append((number, name))
    return {
        number: _judged(
            DeskView(
                number,
                desks[number].key,
                desks[number].name,
                desks[number].parent_id if number != desks.head else None,
                holders=tuple(holders[number]),
                uses=(
                    *uses.get(desks[number].key, ()),
                    *(use for height in sorted(above.get(number, ())) for use in uses.get(height, ())),
                    *looked_at.get(desks[number].key, ()),
                ),
                waiting=waits.get(number, {}),
                applications=tuple(programs[number]),
                closed_at=desks[number].closed_at,
            )
        )
        for number in only
        if number in desks
    }


def _asked(uses: Mapping[str | int, list[Use]], desks: Places, depositing: Rows, waiting: Rows) -> list[int]:
    """The desks that a circuit or a folder asks, in the order of the tree."""
    above, waits = _heights([number for (number,) in depositing], desks), {row[0] for row in waiting}
    return [
        number
        for number in desks.depths
        if uses.get(desks[number].key) or number in waits or not uses.keys().isdisjoint(above.get(number, ()))
    ]


def absent(db: Db, collectivity_id: int, desks: Places) -> dict[str, str]:
    """The keys that a circuit in force names and no desk has, with the families whose folders could not be sent."""
    uses, known = _uses(db, collectivity_id), {one.key for one in desks.values()}
    return {
        key: ", ".join(dict.fromkeys(one.label for one in uses[key]))
        for key in sorted(key for key in uses if isinstance(key, str))
        if key not in known
    }


def desk_of(db: Db, collectivity_id: int, desks: Places, desk_id: int) -> DeskView:
    """The one of that number, or `desk-absent`."""
    if desk_id not in desks:
        raise Refusal("desk-absent")
    return whole(db, collectivity_id, desks, (desk_id,))[desk_id]


def why_closed(db: Db, collectivity_id: int, desk_id: int) -> tuple[str, str]:
    """Who closed a desk, and the reason that was given; empty of one that is open."""
    query = sa.select(Desk.closed_by, Desk.closed_reason).where(
        Desk.collectivity_id == collectivity_id, Desk.id == desk_id
    )
    row = db.execute(query).one()
    return row.closed_by or "", row.closed_reason or ""


def of_actor(db: Db, actor: Actor) -> Places:
    """The desks that somebody administers: all of them, or his branch; refuses `desk-absent` where that is gone."""
    return administered(actor, places(db, actor.collectivity_id))


def administered(actor: Actor, every: Places) -> Places:
    """The same, of all the desks, which are read already."""
    if not actor.delegated or actor.branch_id is None:
        return every
    if actor.branch_id not in every:
        raise Refusal("desk-absent")
    return every.branch(actor.branch_id)


def after(desk: DeskView, wanted: Mapping[int, Rights]) -> list[str]:
    """What would be wrong with the desk once these people have these rights, that is not wrong today; in words."""
    return [one for one in _would(desk, wanted).faults if one not in desk.faults]


def left_alone(desk: DeskView, wanted: Mapping[int, Rights]) -> Mapping[Right, HolderView]:
    """The rights that are asked at the desk and that one person alone would serve then, while several do today."""
    return {right: one for right, one in _would(desk, wanted).lone.items() if right not in desk.lone}


def _would(desk: DeskView, wanted: Mapping[int, Rights]) -> DeskView:
    """The desk once these people have these rights; one whom it did not have before has no name."""
    others, names = (
        [one for one in desk.holders if one.id not in wanted],
        {one.id: one.name for one in desk.holders},
    )
    closed = {one.id for one in desk.holders if not one.active}  # on the page, and who acts no more
    changed = [
        HolderView(number, names.get(number, ""), "", rights, number not in closed)
        for number, rights in wanted.items()
        if rights
    ]
    return _judged(replace(desk, holders=(*others, *changed), faults=()))


def holders_of(db: Db, collectivity_id: int, only: Collection[int]) -> Mapping[int, list[HolderView]]:
    """Who holds each of these desks; whoever has a closed account holds it in the base alone, and acts no more."""
    return _holders(db.execute(_people(collectivity_id, only)).all())


def _people(collectivity_id: int, only: Collection[int]) -> Query:
    columns = (Holder.desk_id, Holder.rights, User.id, User.first_name, User.last_name, User.capacity)
    # Outer, or SQLite would begin with all the people of the collectivity
    return (
        sa.select(*columns, User.active, User.person_id)
        .outerjoin(User, sa.and_(User.id == Holder.user_id, User.collectivity_id == collectivity_id))
        .where(Holder.desk_id.in_(only))
    )


def _holders(people: Rows) -> Mapping[int, list[HolderView]]:
    """The holders of each desk, those whose account is open first, by name."""
    holders: dict[int, list[HolderView]] = defaultdict(list)
    known = (row for row in people if row[2] is not None)
    for desk_id, rights, number, first, last, capacity, active, enters in sorted(
        known, key=lambda row: (not row[6], row[4].lower(), row[2])
    ):
        person = HolderView(
            number, f"{first} {last}", capacity, Rights.read(rights), active, enters is not None
        )
        holders[desk_id].append(person)
    return holders


def _software(collectivity_id: int, only: Collection[int]) -> Query:
    """The applications in service at these desks: desk, number, name."""
    return sa.select(Application.desk_id, Application.id, Application.name).where(
        Application.collectivity_id == collectivity_id,
        Application.desk_id.in_(only),
        Application.active.is_(True),
    )


def _depositors(collectivity_id: int, *columns: Any) -> Query:
    """The seats from which somebody deposits, for every type (« create ») or for some (« create:… »)."""
    return (
        sa.select(*columns)
        .join(User, User.id == Holder.user_id)
        .where(
            User.collectivity_id == collectivity_id,
            User.active.is_(True),
            # No other right begins so
            sa.cast(Holder.rights, sa.Text).contains(f'"{Right.CREATE.value}'),
        )
    )


def depositors(db: Db, collectivity_id: int) -> Mapping[int, list[Rights]]:
    """The desks where somebody deposits, with what each of those may do there."""
    found: dict[int, list[Rights]] = defaultdict(list)
    for number, rights in db.execute(_depositors(collectivity_id, Holder.desk_id, Holder.rights)):
        found[number].append(Rights.read(rights))
    return found


def _depositing(db: Db, collectivity_id: int) -> Query:
    """The numbers of the desks where somebody deposits; of none where no circuit asks the superior of the one that does."""
    by_height = any(isinstance(one, int) for one in _uses(db, collectivity_id))
    query = _depositors(collectivity_id, Holder.desk_id).distinct()
    return query if by_height else query.where(sa.false())


def _heights(able: Collection[int], desks: Places) -> Mapping[int, set[int]]:
    """At which heights each desk is the superior of a desk where folders are deposited: 1 of its own, 2 of those below."""
    above: dict[int, set[int]] = defaultdict(set)
    for number in able:
        if number in desks and desks[number].closed_at is None:
            for height, superior in enumerate(desks.above(number), 1):
                above[superior].add(height)
    return above


def _uses(db: Db, collectivity_id: int) -> Mapping[str | int, list[Use]]:
    """The steps that ask each desk, in the circuits that a folder sent now would follow.

    By the desk's key where a step names it, by the height of the superior where it asks the emitter's.
    """
    return once(db, ("uses", collectivity_id), lambda: _found_uses(db, collectivity_id))


def _found_uses(db: Db, collectivity_id: int) -> Mapping[str | int, list[Use]]:
    known = families()
    uses: dict[str | int, list[Use]] = defaultdict(list)
    for name, circuit in in_force(db, collectivity_id).items():
        family_name, beside = parted(name)
        law = known[family_name]
        label = f"{law.plural}, {circuit.label}" if beside else law.plural
        for step in circuit.steps:
            for key in _asked_at(step):
                asked = step.kind.right
                uses[key].append(Use(name, label, step.label, asked, circuit.only_for, at=step.key))
            for key in circuit.told_at(step, first=step is circuit.steps[0]):
                uses[key].append(Use(name, label, step.label, None, at=step.key))
        if not beside:
            for key in law.restricted_to:
                uses[key].append(Use(name, label, "Dépôt", Right.CREATE))
    for own in own_types.currents(db, collectivity_id, opened=True):
        of_type = own.row.family, own.definition.label
        for key in own.definition.deposited_by:
            uses[key].append(Use(*of_type, "Dépôt", Right.CREATE, own.row.key, own.row.id))
        for key in own.definition.seen_at if own.definition.visibility == "desks" else ():
            uses[key].append(Use(*of_type, "Lecture", None, own.row.key, own.row.id))
    return uses


def superiors(db: Db, collectivity_id: int) -> Mapping[int, list[Use]]:
    """The steps that ask the superior of the desk which deposits, by its height."""
    return {key: uses for key, uses in _uses(db, collectivity_id).items() if isinstance(key, int)}


def ruled(db: Db, collectivity_id: int, key: str) -> list[Ruled]:
    """The rules in force that look at whether this desk, or one below it, deposits."""
    labels = {one.name: one.label for one in rules.kinds(db, collectivity_id)}
    return [
        Ruled(kind, labels.get(kind, kind), rank, row.key, below=looked_at[key])
        for kind, found in sorted(rules.in_force(db, collectivity_id).items())
        for rank, row in enumerate(found.table.rows, start=1)
        if key in (looked_at := _looked_at(row.when))
    ]


def _conditions(db: Db, collectivity_id: int) -> Mapping[str, list[Use]]:
    """The steps of circuits in force that are taken, or not, as a desk or one below it deposits, by its key."""
    uses: dict[str, list[Use]] = defaultdict(list)
    for name, circuit in in_force(db, collectivity_id).items():
        family_name, beside = parted(name)
        plural = families()[family_name].plural
        label = f"{plural}, {circuit.label}" if beside else plural
        for step in circuit.steps:
            for key, below in sorted(_looked_at(step.when).items()):
                uses[key].append(Use(name, label, step.label, None, at=step.key, deposits=True, below=below))
    return uses


def _looked_at(condition: Condition | None) -> Mapping[str, bool]:
    """The desks of which a condition asks whether they deposit, by key; true where it asks so of their branch too."""
    looked_at: dict[str, bool] = {}
    for test in tests_of(condition) if condition is not None else ():
        if test.field not in {EMITTER, BRANCH}:
            continue
        for value in test.value if isinstance(test.value, tuple) else (test.value,):
            if value is not None:
                looked_at[str(value)] = looked_at.get(str(value), False) or test.field == BRANCH
    return looked_at


def _asked_at(step: Step) -> Iterator[str | int]:
    """The desks that a step asks, by key, or by the height of the superior."""
    for who in step.who:
        if who.kind is WhoKind.DESK:
            yield who.value
        elif who.kind is WhoKind.SUPERIOR:
            yield int(who.value)


def _waiting(collectivity_id: int, only: Collection[int] | None) -> Query:
    """How many folders wait at each desk, or at these, by the sort of their step and by their type."""
    apart = (StepRun.desk_id, StepRun.kind, StepRun.family, StepRun.own_type)
    return (
        sa.select(*apart, sa.func.count(StepRun.folder_id.distinct()).label("folders"))
        .where(
            # By the index of what waits, which begins by desks and days: SQLite would read all that they have reached
            StepRun.desk_id.in_(
                sa.select(Desk.id).where(Desk.collectivity_id == collectivity_id) if only is None else only
            ),
            StepRun.due_on >= date.min,
            StepRun.collectivity_id == collectivity_id,
            sa.text("step_run.state = 'active'"),
        )
        .group_by(*apart)
    )


def _waits(waiting: Rows) -> Mapping[int, Mapping[Waiting, int]]:
    """The same by desk, and by the right that their step asks."""
    waits: dict[int, dict[Waiting, int]] = defaultdict(dict)
    for desk_id, kind, family, own_type, count in waiting:
        asked = StepKind(kind).right, family, own_type
        waits[desk_id][asked] = waits[desk_id].get(asked, 0) + count
    return waits


def _judged(desk: DeskView) -> DeskView:
    """The same with what nobody at it could do, though a circuit or a folder asks it."""
    if desk.closed_at is not None:
        return replace(desk, faults=tuple(_asked_though_closed(desk)))
    people = [one.rights for one in desk.holders if one.active]
    faults = [fault for right in GRANTED for fault in _faults_of(desk, right, people)]
    return replace(desk, faults=tuple(spaces(one) for one in faults))


def _faults_of(desk: DeskView, right: Right, people: Sequence[Rights]) -> Iterator[str]:
    """What asks a right at a desk that nobody has there, or that nobody has for the type of these folders."""
    count = sum(
        number
        for (asked, *of_type), number in desk.waiting.items()
        if asked is right and not any(one.covers(right, *of_type) for one in people)
    )
    uses = [one for one in desk.uses if one.right is right]
    idle = [one for one in uses if not any(one.served(rights) for rights in people)]
    for_type = " pour ce type" if any(right in one for one in people) else ""
    if count:
        yield (
            f"{plural(count, 'dossier')} {'y attendent' if count > 1 else 'y attend'}, et personne n’a le droit de "
            f"{verb(right)}{for_type}."
        )
    elif idle:
        yield f"Personne n’a le droit de {verb(right)}{for_type}, que demande le circuit de {labels(idle)}."
    partly = [one for one in uses if one not in idle and not any(one.wholly_served(each) for each in people)]
    if partly:
        yield (
            f"Le droit de {verb(right)} n’y est donné que pour certains types propres : pour {labels(partly)}, les autres "
            "dossiers ne passeraient pas."
        )


def labels(uses: Sequence[Use]) -> str:
    """« « Factures », « Conventions » »: the circuits of these steps, each once."""
    return ", ".join(dict.fromkeys(f"« {one.label} »" for one in uses))


def _asked_though_closed(desk: DeskView) -> Iterator[str]:
    """What still asks a closed desk: the folders stop there, or do not leave."""
    if count := sum(desk.waiting.values()):
        yield spaces(
            f"{plural(count, 'dossier')} {'y attendent' if count > 1 else 'y attend'}, et il est fermé."
        )
    if asked := labels([one for one in desk.uses if one.right is not None]):
        yield spaces(f"Il est fermé, et {asked} le demande encore : ces dossiers ne partent pas.")


def verb(right: Right) -> str:
    """« déposer des dossiers »."""
    return f"{right.label[:1].lower()}{right.label[1:]}"
