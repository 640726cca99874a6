"""Administration acts in any order while folders run: nothing stops that was not announced, nobody gains what no act gave him."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from app.circuits import drafting, named, own_types, rules
from app.circuits.gestures import Gesture
from app.circuits.library import in_force, parted
from app.circuits.models import FolderType
from app.circuits.whole import write_circuit
from app.core.db import reading
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders.access import readable_by
from app.folders.models import Folder
from app.folders.move import present
from app.folders.seats import lacks_people, slots_of
from app.operations.desks import closing, foreseen, views
from app.operations.leaving import effects as leaving
from app.people import accounts, arrivals, desks, hierarchy
from app.people.accounts import Particulars
from app.people.branches import desks_below
from app.people.models import Desk, Holder, User
from app.people.own_settings.changing import change_setting
from app.people.places import places
from app.transmission.settings import names
from tests.builders.house import House
from tests.operations.test_foreseen import asks_the_superior
from workflows.circuit import Circuit
from workflows.family import ASSURANCES, SIGNATURE_LEVELS, check_circuit, families
from workflows.loader import load
from workflows.own_types import Definition
from workflows.rights import Rights

K, N = "k.morizur", "n.abgrallec"
WORDS = ["create", "act", "sign", "publish", "act:invoice", "sign:contract", "create:invoice", "follow"]
TURNS = count()
PLACE, BY = st.integers(0, 19), st.sampled_from([K, K, N])
GIVEN = st.lists(st.sampled_from(WORDS), max_size=3, unique=True).map(Rights.read)
KEYS = ["comptabilite", "finances", "secretariat"]
DEFINED = st.builds(
    Definition,
    label=st.sampled_from(["Facture d’eau", "Marché de voirie", "Arrêté de voirie"]),
    deposited_by=st.lists(st.sampled_from(KEYS), max_size=2, unique=True).map(tuple),
    minimum_signature=st.sampled_from([None, *ASSURANCES]),
    signature_level=st.sampled_from([None, *SIGNATURE_LEVELS]),
    signature_format=st.sampled_from([None, None, "cades"]),
    days=st.sampled_from([None, 1, 20, 400]),
    visibility=st.sampled_from([None, "restricted"]),
)
"""Types that are stricter than their family, and some that would be weaker: those are refused."""
VALUES = {
    "population": ["1200", "3500", "-1"],
    "shown_name": ["Mairie de Kerlann", ""],
    "reauth_minutes": ["1", "5", "9999"],
    "mail_reply_to": ["mairie@kerlann.example", "personne"],
}
WALKS = os.environ.get("WALKS", "")
"""How many walks; eight, always the same, where nobody asks for another number."""
BOUNDED = settings(
    max_examples=int(WALKS or "8"),
    stateful_step_count=16,
    deadline=None,
    database=None,
    derandomize=not WALKS,
    suppress_health_check=list(HealthCheck),
)
publish = use_case(write_circuit)


@dataclass(frozen=True)
class Powers:
    """What everybody may do: rights by person and desk, who administers what, whose account is open."""

    rights: Mapping[tuple[int, int], Rights]
    administers: Mapping[int, tuple[bool, int | None]]
    open: frozenset[int]

    def gained(self, before: "Powers") -> set[tuple[str, int]]:
        """By whom more is had than before, and of what sort."""
        found = {
            ("right", user_id)
            for (user_id, desk_id), rights in self.rights.items()
            if rights.without(before.rights.get((user_id, desk_id), Rights()))
        }
        found |= {
            ("administers", user_id)
            for user_id, what in self.administers.items()
            if what != before.administers.get(user_id, (False, None)) and what != (False, None)
        }
        return found | {("open", user_id) for user_id in self.open - before.open}


def powers() -> Powers:
    with reading() as db:
        people = list(db.scalars(sa.select(User)))
        rows = list(db.scalars(sa.select(Holder)))
    return Powers(
        {(one.user_id, one.desk_id): Rights.read(one.rights) for one in rows},
        {one.id: (one.administrator, one.branch_id) for one in people},
        frozenset(one.id for one in people if one.active),
    )


def stopped(here: int) -> set[tuple[int, str]]:
    """Each running folder, with each step from where it stands on that too few could end."""
    found = set()
    with reading(here) as db:
        for folder in db.scalars(sa.select(Folder).where(Folder.phase == "running")):
            at = present(db, folder)
            keys = [one.key for one in at.circuit.steps]
            for step in [at.step, *at.circuit.steps[keys.index(folder.place) + 1 :]]:
                acted = at.standing.acted if step.key == folder.place else {}
                if step.applies(folder.facts) and not step.kind.automatic:
                    try:
                        slots = slots_of(db, folder, step, seats_alone=True)
                    except Refusal:
                        found.add((folder.id, step.key))
                    else:
                        if lacks_people(step, slots, acted):
                            found.add((folder.id, step.key))
    return found


def lawful(here: int) -> Iterator[str]:
    """The circuits in force that the law of their family refuses."""
    with reading(here) as db:
        circuits = in_force(db, here)
    for name, circuit in circuits.items():
        try:
            check_circuit(families()[parted(name)[0]], circuit)
        except Refusal as refusal:
            yield f"{name}: {refusal}"


def weakened(here: int) -> Iterator[str]:
    """The types in force that ask less than the family they are made from."""
    with reading(here) as db:
        offered = own_types.offered(db, here)
    for kind in offered:
        law = families()[kind.name]
        for ranks, own, asked in (
            (ASSURANCES, kind.minimum_signature, law.minimum_signature),
            (SIGNATURE_LEVELS, kind.signature_level, law.signature_level),
        ):
            if asked is not None and (own is None or ranks.index(own) < ranks.index(asked)):
                yield f"{kind.label}: {own} < {asked}"
        if kind.signature_format is not None and kind.signature_format not in law.signature_formats:
            yield f"{kind.label}: {kind.signature_format}"
        if kind.restricted_to != law.restricted_to or not set(kind.formats) <= set(law.formats):
            yield kind.label


def readers(house: House, people: Mapping[int, str]) -> dict[str, set[int]]:
    """The folders that each open account reads."""
    read = {}
    for login in sorted(people.values()):
        with contextlib.suppress(Refusal), reading() as db:
            actor = house.actor(login)
            read[login] = set(db.scalars(sa.select(Folder.id).where(readable_by(actor))))
    return read


class Walk(RuleBasedStateMachine):
    """Each act says whom it gives what (`gives`) and whether it announced that folders would stop (`told`)."""

    house: ClassVar[House]
    here: ClassVar[int]
    desks: ClassVar[list[int]]
    people: ClassVar[dict[int, str]]
    done: ClassVar[Iterator[int]]
    made: ClassVar[set[str]]
    short: ClassVar[str]
    """A second circuit of invoices, that rules may take."""

    def __init__(self) -> None:
        super().__init__()
        self.powers, self.stopped = powers(), stopped(self.here)
        self.gives: set[tuple[str, int]] = set()
        self.told, self.branch = False, frozenset[int]()

    def _desk(self, place: int) -> int:
        return self.desks[place % len(self.desks)]

    def _person(self, place: int) -> int:
        return sorted(self.people)[place % len(self.people)]

    @contextlib.contextmanager
    def act(
        self, who: str, *, told: bool = False, gives: set[tuple[str, int]] | None = None
    ) -> Iterator[Any]:
        """An act of somebody, which may be refused and then changes nothing."""
        self.powers, self.stopped = powers(), stopped(self.here)
        self.gives, self.told = gives or set(), told
        actor = self.house.actor(who)
        with reading(self.here) as db:
            self.branch = (
                desks_below(db, self.here, actor.branch_id)
                if actor.delegated and actor.branch_id
                else frozenset()
            )
        try:
            yield actor
        except Refusal:
            assert powers() == self.powers
            assert stopped(self.here) == self.stopped
        else:
            next(self.done)
            if actor.delegated:
                now = powers().rights
                changed = {
                    key
                    for key in now.keys() | self.powers.rights.keys()
                    if now.get(key) != self.powers.rights.get(key)
                }
                assert {desk_id for _, desk_id in changed} <= self.branch, (who, changed)

    @rule(who=BY, place=PLACE, person=PLACE, rights=GIVEN)
    def seat(self, who: str, place: int, person: int, rights: Rights) -> None:
        desk_id, user_id = self._desk(place), self._person(person)
        with reading(self.here) as db:
            desk = views.desk_of(db, self.here, places(db, self.here), desk_id)
        held = {one.id: one.rights for one in desk.holders}
        told = bool(views.after(desk, {user_id: rights})) or bool(desk.faults)
        with self.act(who, told=told, gives={("right", user_id)}) as actor:
            hierarchy.seat_all(actor, desk_id, {user_id: rights}, held)

    @rule(who=BY, place=PLACE, rights=GIVEN)
    def invite(self, who: str, place: int, rights: Rights) -> None:
        desk_id = self._desk(place)
        login = f"x{next(TURNS)}"
        particulars = Particulars(
            "X", login.title(), f"{login}@kerlann.example", "Agent", administrator=False
        )
        with self.act(who) as actor:
            number, _ = arrivals.invite(
                actor, arrivals.Arrival(login, particulars, {desk_id: rights}), by_mail=True
            )
            self.gives |= {("right", number), ("open", number)}

    @rule(who=BY, person=PLACE, place=st.none() | PLACE)
    def delegate(self, who: str, person: int, place: int | None) -> None:
        user_id, desk_id = self._person(person), self._desk(place) if place is not None else None
        with self.act(who, gives={("administers", user_id)}) as actor:
            accounts.delegate(actor, user_id, desk_id)

    @rule(who=BY, place=PLACE, above=st.none() | PLACE)
    def move_a_desk(self, who: str, place: int, above: int | None) -> None:
        desk_id, parent_id = self._desk(place), self._desk(above) if above is not None else None
        with reading(self.here) as db:
            every = places(db, self.here)
            desk = views.desk_of(db, self.here, every, desk_id)
            change = foreseen.Change({}, parent_id)
            told = bool(foreseen.stops(db, self.here, every, desk, change, ()))
        with self.act(who, told=told) as actor:
            hierarchy.change_desk(actor, desk_id, desk.name, parent_id)

    @rule(who=BY, place=PLACE, shut=st.booleans())
    def close_or_open_a_desk(self, who: str, place: int, shut: bool) -> None:
        desk_id = self._desk(place)
        with self.act(who) as actor:
            if shut:
                closing.close(actor, desk_id, "Réorganisation")
            else:
                closing.reopen(actor, desk_id)

    @rule(who=BY, person=PLACE)
    def close_a_person(self, who: str, person: int) -> None:
        user_id = self._person(person)
        if self.people[user_id] in {K, N}:
            return
        with reading(self.here) as db:
            effects = leaving.effects_of(db, db.get_one(User, user_id))
        told = bool(effects.stuck or effects.named or effects.alone)
        with self.act(who, told=told) as actor:
            desks.close_account(self.here, self.people[user_id], by=actor)

    @rule(name=st.sampled_from(["invoice", "deliberation", "contract"]), left_out=st.integers(0, 5))
    def publish_a_circuit_without_a_step(self, name: str, left_out: int) -> None:
        data = families()[name].circuit.to_data()
        steps = [one for rank, one in enumerate(data["steps"]) if rank != left_out]
        with self.act(K) as actor:
            circuit: Circuit = load({**data, "steps": steps})
            publish(actor, name, circuit, names(), closed=False)

    @contextlib.contextmanager
    def alike(self, who: str, what: str) -> Iterator[Any]:
        """An act that leaves to each what he reads."""
        before = readers(self.house, self.people)
        with self.act(who) as actor:
            yield actor
            self.made.add(what)
        assert readers(self.house, self.people) == before

    @rule(who=BY, above=st.integers(0, 9000), short=st.booleans(), other=st.booleans())
    def publish_rules(self, who: str, above: int, short: bool, other: bool) -> None:
        ways = ["invoice", self.short]
        when = {"field": "total_ttc", "op": ">=", "value": above}
        with self.alike(who, "rules") as actor:
            with reading(self.here) as db:
                draft = rules.draft_of(db, self.here, "invoice")
            gone = [Gesture("remove", row["key"]) for row in draft.definition["rows"]]
            row = Gesture("write", f"r{above}", step={"when": when, "circuit": ways[short]})
            rules.change(actor, "invoice", draft.version, [*gone, row], ways[other])
            with reading(self.here) as db:
                draft = rules.draft_of(db, self.here, "invoice")
            rules.publish_rules(actor, "invoice", draft.version, draft.in_force)

    @rule(who=BY, made_from=st.sampled_from(["invoice", "contract", "individual_decree"]), wanted=DEFINED)
    def publish_a_type(self, who: str, made_from: str, wanted: Definition) -> None:
        with self.alike(who, "type") as actor:
            with reading(self.here) as db:
                mine = sa.select(FolderType).where(FolderType.family == made_from)
                row = db.scalars(mine.order_by(FolderType.id)).first()
            if row is None:
                number, revision = own_types.open_type(actor, made_from, wanted.label), 1
            else:
                number, revision = row.id, row.revision
            revision = own_types.draw_up(actor, number, wanted, shown=revision)
            own_types.publish_type(actor, number, shown=revision)

    @rule(who=BY, place=PLACE, closed=st.booleans())
    def close_or_open_a_type(self, who: str, place: int, closed: bool) -> None:
        with reading(self.here) as db:
            every = list(db.scalars(sa.select(FolderType).order_by(FolderType.id)))
        if every:
            row = every[place % len(every)]
            with self.alike(who, "closed type") as actor:
                own_types.close_type(actor, row.id, closed=closed, shown=row.revision)

    @rule(who=BY, value=st.sampled_from([(one, text) for one, texts in VALUES.items() for text in texts]))
    def change_a_setting(self, who: str, value: tuple[str, str]) -> None:
        with self.alike(who, "setting") as actor:
            change_setting(actor, value[0], dict([value]))

    @invariant()
    def nothing_stops_unannounced(self) -> None:
        assert self.told or stopped(self.here) <= self.stopped

    @invariant()
    def nobody_gains_what_no_act_gives(self) -> None:
        assert powers().gained(self.powers) <= self.gives

    @invariant()
    def the_law_is_as_strong(self) -> None:
        assert [*lawful(self.here), *weakened(self.here)] == []


@pytest.mark.in_turn
def test_no_act_stops_a_folder_unannounced_gives_what_it_does_not_say_or_weakens_the_law(
    house: House,
) -> None:
    here = house.actor(K).collectivity_id
    house.an_invoice(at="service_done")
    house.a_deliberation(at="visa")
    with reading(here) as db:
        Walk.desks = sorted(db.scalars(sa.select(Desk.id).where(Desk.collectivity_id == here)))
        every = db.scalars(sa.select(User).where(User.collectivity_id == here))
        Walk.people = {one.id: one.login for one in every}
    asks_the_superior(house)
    house.an_invoice(at="chef")
    Walk.short = named.open_circuit(house.actor(K), "invoice", "Circuit court", "invoice")
    with reading(here) as db:
        draft = drafting.draft_of(db, here, Walk.short)
    drafting.publish_draft(house.actor(K), Walk.short, draft.version, 0, names())
    Walk.house, Walk.here, Walk.done, Walk.made = house, here, count(), set()
    run_state_machine_as_test(Walk, settings=BOUNDED)
    assert next(Walk.done) > 20
    assert Walk.made == {"rules", "type", "closed type", "setting"}
