"""A run that sends nothing tells what the real run does: the same steps, the same people, the same days; and what would block."""

import html
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import Phase as Phases
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from app.circuits import drafting, library, own_types
from app.circuits.gestures import Gesture
from app.core.clock import PARIS, now, today
from app.core.db import NO_DATE, Db, engine, reading
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders import deposit, filling, sending
from app.folders.access import lock
from app.folders.keep import Incoming, Kept, keep_main
from app.folders.models import TOLD, Folder, StepRun
from app.folders.move import MACHINE, Said, move, present
from app.folders.rehearsal import Rehearsal, again, coming, imagined, rehearse
from app.folders.required import missing
from app.folders.rerouting import ADD, REMOVE, REPLACE, Change, part_key, reroute
from app.folders.seats import slots_of
from app.folders.sockets import ReadFacts
from app.journal.models import JournalEntry
from app.operations.absences.planning import Wanted, plan
from app.operations.circuits.rehearsing import unanswered, view
from app.people import desks
from app.people.actor import Actor, system
from app.people.mandates import end_mandate
from app.people.models import Desk, User
from app.signing import setting
from app.signing.enrol import certificates_of, withdraw
from app.signing.models import Certificate
from tests.builders import circuits
from tests.builders.house import INVOICE, House
from tests.builders.mandates import a_mayor_and_a_deputy
from workflows.adding import DECIDED
from workflows.circuit import Circuit, Phase, StepKind
from workflows.family import check_circuit, family
from workflows.loader import load
from workflows.own_types import Definition, OwnField
from workflows.vocabulary import Action, Right

pytestmark = pytest.mark.in_turn
K, G = "k.morizur", "g.trehorel"
CASES = int(os.environ.get("REHEARSALS", "30"))
"""How many circuits are run twice; as many as one likes by `REHEARSALS`."""
KEYS = ("maire", "direction", "finances", "technique", "secretariat", "conseil")
MONDAY = date(2026, 11, 30)
KIND, SUM, CODE = "facture-au-hasard", "own_sum", "own_code"

_tests = st.sampled_from(
    [
        {"field": "total_ttc", "op": ">=", "value": 4000},
        {"field": "total_ttc", "op": "<", "value": 0},
        {"field": "type_code", "op": "in", "value": ["381", "386"]},
        {"field": "order_ref", "op": "present"},
        {"field": "proof_of_service", "op": "==", "value": "technique"},
    ]
)
_conditions = st.one_of(
    _tests,
    _tests.map(lambda one: {"not": one}),
    st.lists(_tests, min_size=2, max_size=3).map(lambda several: {"any": several}),
    st.lists(_tests, min_size=2, max_size=2, unique_by=lambda one: one["field"]).map(
        lambda two: {"all": two}
    ),
)
_who = st.one_of(
    st.sampled_from(KEYS).map(lambda key: {"desk": key}),
    st.just({"chosen": "proof_of_service"}),
    st.integers(1, 3).map(lambda level: {"superior": level}),
)
_facts = st.fixed_dictionaries(
    {
        "total_ttc": st.sampled_from(["-12.00", "120.00", "3999.99", "4000.00", "98000.10"]),
        "type_code": st.sampled_from(["380", "381", "386"]),
        "proof_of_service": st.sampled_from(KEYS),
        "received_on": st.integers(0, 25).map(lambda days: (MONDAY - timedelta(days=days)).isoformat()),
    },
    optional={"order_ref": st.just("BC-1")},
)


@st.composite
def _step(draw: Any, rank: int) -> dict[str, Any]:
    kind = draw(st.sampled_from(["visa", "visa", "opinion", "sign", "publish", "seal"]))
    step: dict[str, Any] = {"key": f"step_{rank}", "label": f"Étape {rank}", "kind": kind}
    if draw(st.integers(0, 2)) == 2:
        step["when"] = draw(_conditions)
    if draw(st.booleans()):
        step["days"] = draw(st.integers(1, 6))
    if draw(st.integers(0, 3)) == 3:
        step["told"] = draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=2, unique=True))
    if kind != "seal":
        step["who"] = draw(st.lists(_who, min_size=1, max_size=3, unique_by=str))
        step["quorum"] = draw(st.one_of(st.sampled_from(["any", "all"]), st.integers(1, len(step["who"]))))
    return step


@st.composite
def _circuits(draw: Any) -> Circuit:
    """A circuit that the law of invoices takes: whatever comes first, a signature, a hand-over."""
    first = [draw(_step(rank)) for rank in range(draw(st.integers(0, 5)))]
    ending = [
        {"key": "pay", "label": "Bon à payer", "kind": "sign", "who": [{"desk": "maire"}], "quorum": "any"},
        {"key": "handover", "label": "Remise", "kind": "transmit", "channel": "handover"},
    ]
    circuit = load({"key": "random", "label": "Circuit au hasard", "steps": [*first, *ending]})
    check_circuit(family("invoice"), circuit)
    return circuit


_own_tests = st.sampled_from(
    [{"field": SUM, "op": ">=", "value": 4000}, {"field": SUM, "op": "<", "value": 0}]
)
_own_conditions = st.one_of(
    _own_tests,
    _own_tests.map(lambda one: {"not": one}),
    st.tuples(_own_tests, _tests).map(lambda two: {"any": list(two)}),
    st.tuples(_own_tests, _tests).map(lambda two: {"all": list(two)}),
)
_filled = st.fixed_dictionaries(
    {SUM: st.sampled_from(["-3.00", "120.00", "4000.00"]), CODE: st.sampled_from(["E-1", "E-2"])}
)


@st.composite
def _asking_circuits(draw: Any) -> Circuit:
    """A circuit of the type whose steps may require its fields, and depend on what an earlier one requires."""
    data = draw(_circuits()).to_data()
    asked: set[str] = set()
    for step in data["steps"]:
        if SUM in asked and draw(st.integers(0, 2)) == 0 and step["key"] not in {"pay", "handover"}:
            step["when"] = draw(_own_conditions)
        if "who" in step and draw(st.integers(0, 1)):
            step["requires"] = draw(st.lists(st.sampled_from([SUM, CODE]), min_size=1, unique=True))
            asked |= set() if "when" in step else set(step["requires"])
    circuit = load({**data, "type": KIND})
    assert circuit.late_reads(()) == []
    return circuit


def _a_type(house: House) -> str:
    """The name in force of a type of invoices with two fields that steps may require."""
    number = own_types.open_type(house.actor(K), "invoice", "Facture au hasard")
    fields = (OwnField(SUM, "Montant engagé", "amount"), OwnField(CODE, "Numéro d’engagement", "text"))
    seen = own_types.draw_up(house.actor(K), number, Definition("Facture au hasard", fields=fields), shown=1)
    own_types.publish_type(house.actor(K), number, shown=seen)
    return own_types.asked(house.actor(K).collectivity_id, KIND).in_force


class Runs:
    """Invoices that are sent and decided for real, through the one door by which a folder moves; `kind`: of this type."""

    def __init__(self, house: House, kind: str = "invoice") -> None:
        self.house, self.clerk, self.kind = house, house.actor(G), kind
        self.here, self.desk_id = self.clerk.collectivity_id, min(self.clerk.desk_ids)
        with tempfile.TemporaryDirectory() as room:
            path = Path(shutil.copy(INVOICE, Path(room) / INVOICE.name))
            kept, self.read = keep_main(
                self.here, family("invoice"), Incoming(path, INVOICE.name), Path(room)
            )
        self.kept: list[Kept] = kept
        self.made = 0
        assert isinstance(self.read, ReadFacts)
        with reading(self.here) as db:
            logins = db.execute(sa.select(User.id, User.login).where(User.collectivity_id == self.here)).all()
        self.people: dict[int, Actor] = {row.id: house.actor(row.login) for row in logins}

    def deposit(self, facts: dict[str, str]) -> int:
        assert self.read is not None
        known = {**self.read.fields, **facts, "total_ht": facts["total_ttc"], "total_vat": "0.00"}
        # Each another invoice, of a file of its own: one that is there already waits until somebody rules (INV-20)
        self.made += 1
        known |= {"number": f"R-{self.made}", "issue_date": str(date(2020, 1, 1) + timedelta(days=self.made))}
        kept = [replace(one, sha256=f"{self.made:04x}{one.sha256[4:]}", words=None) for one in self.kept]
        return deposit.create(self.clerk, self.kind, self.desk_id, kept, known)

    def send(self, folder_id: int) -> None:
        sending.submit(self.clerk, folder_id, version=self.house.folder(folder_id).version)

    def waiting(self, folder_id: int) -> list[StepRun]:
        with reading(self.here) as db:
            query = sa.select(StepRun).where(StepRun.folder_id == folder_id, StepRun.state == "active")
            return list(db.scalars(query.order_by(StepRun.id)))

    def told(self, folder_id: int, step: str) -> list[str]:
        """The desks that were told as the folder came to a step."""
        with reading(self.here) as db:
            query = sa.select(StepRun.slot).where(
                StepRun.folder_id == folder_id, StepRun.step == step, StepRun.kind == TOLD
            )
            return list(db.scalars(query.order_by(StepRun.id)))

    def close(self, folder_id: int, later: Mapping[str, str] | None = None) -> None:
        """Have as many people as it takes act on the step where the folder stands, after they fill in what it requires."""
        folder = self.house.folder(folder_id)
        with reading(self.here) as db:
            step = library.circuit_of(db, folder.circuit_version_id or 0).step(folder.place)
            slots = slots_of(db, db.get_one(Folder, folder_id), step)
        actors = [system(self.here)] if step.kind.automatic else []
        actors += [
            self.people[number]
            for number in dict.fromkeys(one.user_id for slot in slots for one in slot.people)
        ]
        for actor in actors:
            try:
                _play(actor, folder_id, step.kind.action, later or {})
            except Refusal as refusal:
                if refusal.key != "acted-already":  # a colleague has taken the part of their desk
                    raise
            if self.house.folder(folder_id).place != folder.place:
                return
        raise AssertionError(f"{step.label} is not closed by {[one.name for one in actors]}")


@use_case
def _play(db: Db, actor: Actor, folder_id: int, action: Action, later: Mapping[str, str]) -> None:
    folder = lock(db, actor, folder_id, None)
    here = present(db, folder)
    if here.step is not None and (asked := missing(folder, here.step)):
        filling.write(db, actor, folder, {one.key: later[one.key] for one in asked}, whole=True)
    thought = {"opinion": "unfavourable"} if here.step and here.step.kind is StepKind.OPINION else {}
    move(db, folder, action, actor, Said(facts=thought))


@use_case
def _take(db: Db, actor: Actor, circuit: Circuit) -> None:
    library.write_version(db, actor, "invoice", circuit)


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), PARIS).astimezone(UTC)


def told(
    house: House, folder_id: int, circuit: Circuit, day: date, later: Mapping[str, str] | None = None
) -> Rehearsal:
    folder = house.folder(folder_id)
    with reading(folder.collectivity_id) as db:
        return rehearse(db, again(folder), circuit, day, later)


def test_what_is_rehearsed_is_what_is_run(house: House) -> None:
    """On random circuits and facts, some of them filled in on the way: the steps, the parts of each, the day it is entered on,
    its last day; or the refusal.
    """
    runs = Runs(house, _a_type(house))
    ended = {"sent": 0, "refused": 0, "steps": 0, "filled": 0}

    @settings(
        max_examples=CASES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=[Phases.generate],  # each case is a whole run: the first that differs is told as it is
    )
    @given(
        circuit=_asking_circuits(),
        facts=_facts,
        days=st.integers(0, 40),
        later=_filled,
        early=st.sets(st.sampled_from([SUM, CODE])),
    )
    def same(
        circuit: Circuit, facts: dict[str, str], days: int, later: dict[str, str], early: set[str]
    ) -> None:
        first = MONDAY + timedelta(days=days)
        with time_machine.travel(noon(first), tick=True):
            folder_id = runs.deposit({**facts, **{key: later[key] for key in early}})
            rehearsal = told(house, folder_id, circuit, first, later)
            _take(house.actor(K), circuit)
            places = [step.key for step in circuit.steps]
            looked_at = sorted(
                (*rehearsal.stages, *rehearsal.aside), key=lambda one: places.index(one.step.key)
            )
            unsendable = next((stage for stage in looked_at if stage.unsendable), None)
            if unsendable is not None:
                with pytest.raises(Refusal, match=r"desk-missing|nobody-there") as refusal:
                    runs.send(folder_id)
                assert refusal.value.facts["step"] == unsendable.step.label
                ended["refused"] += 1
                return
            runs.send(folder_id)
        assert not any(stage.stuck for stage in rehearsal.stages)
        assert house.folder(folder_id).due_on == rehearsal.due
        for stage in rehearsal.stages:
            active = runs.waiting(folder_id)
            assert {run.step for run in active} == {stage.step.key}
            assert [run.slot for run in active] == ([slot.key for slot in stage.slots] or [MACHINE])
            assert {run.due_on for run in active} == {stage.due}
            assert {run.entered_at.astimezone(PARIS).date() for run in active} == {stage.entered}
            assert runs.told(folder_id, stage.step.key) == [slot.key for slot in stage.told]
            ended["filled"] += bool(stage.asks)
            with time_machine.travel(noon(stage.leaves), tick=True):
                runs.close(folder_id, later)
            ended["steps"] += 1
        assert house.folder(folder_id).phase == Phase.DONE
        ended["sent"] += 1

    same()
    assert ended["sent"]
    assert ended["refused"]
    assert ended["filled"]
    if os.environ.get("REHEARSALS"):
        print(ended)  # noqa: T201 (read by who asks for a thousand)


def _changes(draw: Any, circuit: Circuit, folder: Folder) -> list[Change]:
    """What somebody could ask of the coming steps, lawful or not."""
    rank = circuit.steps.index(circuit.step(folder.place))
    ahead = circuit.steps[rank + 1 :]
    made = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from([ADD, ADD, REPLACE, REMOVE]))
        step = draw(st.sampled_from(ahead))
        desk = draw(st.sampled_from(KEYS))
        if kind == ADD:
            after = draw(st.sampled_from([folder.place, folder.place, *(one.key for one in ahead)]))
            days, asks = (
                draw(st.sampled_from([None, 1, 4])),
                draw(st.sampled_from(["visa", "visa", "opinion"])),
            )
            made.append(Change(ADD, after=after, desk=desk, days=days, asks=asks))
        elif kind == REPLACE and step.who:
            who = draw(st.sampled_from(step.who))
            made.append(Change(REPLACE, step=step.key, instead=part_key(who.to_data()), desk=desk))
        else:
            made.append(Change(REMOVE, step=step.key))
    return made


def test_whatever_is_changed_on_the_way_is_lawful_and_goes_to_its_end(house: House) -> None:
    """On random circuits, facts and changes: refused whole, or run to the end by the steps and days that were told."""
    desks.seat(here(house), "comptabilite", G, [Right.ACT, Right.CREATE, Right.REROUTE])
    # The council's own desk has nobody who puts a visa
    for key, login in product(KEYS[:-1], ("s.rivoal", "t.lescoat")):
        desks.seat(here(house), key, login, [Right.ACT, Right.CREATE, Right.SIGN])
    runs, clerk = Runs(house), house.actor(G)
    ended = {"changed": 0, "refused": 0, "visas": 0}

    @settings(
        max_examples=CASES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=[Phases.generate],
    )
    @given(circuit=_circuits(), facts=_facts, data=st.data())
    def holds(circuit: Circuit, facts: dict[str, str], data: Any) -> None:
        folder_id = runs.deposit(facts)
        _take(house.actor(K), circuit)
        try:
            runs.send(folder_id)
        except Refusal:
            return
        for _ in range(data.draw(st.integers(0, 2))):
            if house.folder(folder_id).place != "handover":
                runs.close(folder_id)
        folder = house.folder(folder_id)
        if folder.place == "handover":
            return
        changes = _changes(data.draw, circuit, folder)
        before = (folder.version, folder.circuit_version_id, house.journal(folder_id))
        refused = ""
        try:
            reroute(clerk, folder_id, version=folder.version, changes=changes, reason="Au hasard.")
        except Refusal as refusal:
            refused = refusal.key
        same = house.folder(folder_id)
        now = (same.version, same.circuit_version_id, house.journal(folder_id))
        assert (now == before) is bool(refused), refused
        assert refused in {"", "coming-refused", "coming-locked", "coming-gone", "coming-none"}
        ended["refused" if refused else "changed"] += 1
        with reading(runs.here) as db:
            standing = db.get_one(Folder, folder_id)
            followed = library.circuit_of(db, standing.circuit_version_id or 0)
            left = coming(db, standing, followed, today())
        check_circuit(family("invoice"), followed)
        at = circuit.steps.index(circuit.step(folder.place)) + 1
        assert followed.steps[:at] == circuit.steps[:at]
        added = [
            step for step in followed.steps if step not in circuit.steps and step.key.startswith("added_")
        ]
        assert not any(
            one.kind in DECIDED
            for step in added
            if step.kind is StepKind.VISA
            for one in followed.steps[: followed.steps.index(step)]
        )
        ended["visas"] += any(step.kind is StepKind.VISA for step in added)
        assert standing.place == folder.place
        runs.close(folder_id)
        for stage in left.stages:
            active = runs.waiting(folder_id)
            assert {run.step for run in active} == {stage.step.key}
            assert [run.slot for run in active] == ([slot.key for slot in stage.slots] or [MACHINE])
            runs.close(folder_id)
        assert house.folder(folder_id).phase == Phase.DONE

    with time_machine.travel(noon(MONDAY), tick=True):
        holds()
    assert ended["changed"]
    assert ended["visas"]
    assert ended["refused"]


def words(answer: TestResponse) -> str:
    """What a person reads of a page, each space a plain one."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


def here(house: House) -> int:
    return house.actor(K).collectivity_id


def desk_number(house: House, key: str) -> int:
    with reading(here(house)) as db:
        return db.scalars(
            sa.select(Desk.id).where(Desk.collectivity_id == here(house), Desk.key == key)
        ).one()


def ask(house: House, login: str = K, **asked: str) -> TestResponse:
    query = {
        "type": "invoice",
        "bureau": str(desk_number(house, "comptabilite")),
        "jour": "2026-11-27",
        "essayer": "1",
        "f_total_ttc": "12 704,18",
        "f_proof_of_service": "technique",
        "f_received_on": "2026-11-26",
        **asked,
    }
    return house.client(login).get("/circuits/essai", query_string=query)


def test_each_step_says_who_and_by_when_and_nothing_is_written(house: House) -> None:
    with reading(here(house)) as db:
        before = db.scalar(sa.select(sa.func.count()).select_from(JournalEntry))
    page = words(ask(house))
    assert "Ce dossier irait jusqu’au bout" in page
    assert "Service fait (Possible) Services techniques : Ronan Pellenec, avant ven. 4 déc." in page
    assert "Contrôle des finances (Possible) Direction des finances" in page
    assert "avant mer. 9 déc." in page
    assert "Direction générale (Possible)" in page  # above 4 000 €
    assert "Automatique, vers le logiciel métier" in page
    assert "Échéance du dossier : mer. 16 déc." in page
    assert "Direction générale (Possible)" not in words(ask(house, f_total_ttc="120"))
    with reading(here(house)) as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(Folder)) == 0
        assert library.current(db, here(house), "invoice") is None
        logged = db.scalars(sa.select(JournalEntry.event).order_by(JournalEntry.id)).all()
    assert [one for one in logged[before or 0 :] if not one.startswith("login.")] == []


def test_the_delays_together_are_compared_with_that_of_the_law(house: House) -> None:
    page = words(ask(house, f_received_on="2026-11-10"))
    assert "Échéance du dossier : lun. 30 nov." in page
    assert re.search(r"\d+ jours trop tard\.", page)


def test_a_desk_without_holder_blocks_and_says_where_it_is_mended(house: House) -> None:
    desks.seat(here(house), "technique", "r.pellenec", [])
    answer = ask(house)
    page = words(answer)
    assert "Ce dossier ne partirait pas : étape 1, Service fait (1 blocage" in page
    assert "Personne n’a le droit de viser à « Services techniques »." in page
    assert f"/administration/bureaux/{desk_number(house, 'technique')}" in answer.get_data(as_text=True)


def test_who_is_there_when_a_step_begins_and_away_before_it_ends_is_told(house: House) -> None:
    first, last = (f"{now() + timedelta(days=days):%Y-%m-%dT08:00}" for days in (1, 90))
    who = house.actor("r.pellenec")
    plan(who, Wanted(who.user_id or 0, None, first, last))
    page = words(ask(house))
    assert "dernier jour de cette étape : Ronan Pellenec, jusqu’au" in page
    assert "Absent ce jour-là" not in page


def test_a_step_that_waits_for_an_account_nobody_ever_opened_is_to_be_watched(house: House) -> None:
    who = {
        "email": "e.q@kerlann.example",
        "first_name": "Enora",
        "last_name": "Quéméner",
        "capacity": "agente",
    }
    desks.create_user(here(house), "e.quemener", **who)
    desks.seat(here(house), "technique", "e.quemener", [Right.ACT])
    waits = "Compte jamais ouvert : Enora Quéméner. Le dossier attendrait la première connexion de ce compte."
    assert waits not in words(ask(house))  # somebody else of the desk has entered
    desks.seat(here(house), "technique", "r.pellenec", [])
    page = words(ask(house))
    assert waits in page
    assert "Ce dossier irait jusqu’au bout (1 point à surveiller)" in page
    draft = house.an_invoice(at="draft")
    assert waits in words(house.client(G).get(f"/dossiers/{draft}/essai"))
    # Where another part is enough, nothing waits for that account
    who_acts = [{"desk": "technique"}, {"desk": "direction"}]
    step = {"key": "visa", "label": "Visa", "kind": "visa", "who": who_acts, "quorum": "any"}
    circuit = load({"key": "x", "label": "X", "steps": [step]})
    folder = imagined(here(house), family("invoice"), desk_number(house, "comptabilite"), {})
    with reading(here(house)) as db:
        rehearsed = view(db, folder, rehearse(db, folder, circuit, today()))
    assert rehearsed.stages[0].snags == []


def test_one_person_for_two_parts_is_told_as_a_quorum_that_cannot_be(house: House) -> None:
    desks.seat(here(house), "technique", "s.rivoal", [Right.ACT])
    desks.seat(here(house), "technique", "r.pellenec", [])
    step = {
        "label": "Visa des responsables",
        "kind": "visa",
        "who": [{"desk": "direction"}, {"desk": "technique"}],
        "quorum": "all",
    }
    drafting.change(house.actor(K), "invoice", 0, [Gesture("write", "finance", step=step)])
    page = words(ask(house, circuit="brouillon:invoice", f_proof_of_service="comptabilite"))
    assert "2 personnes différentes doivent viser, et 1 seulement en a le droit." in page
    assert "le droit.a" not in page
    assert "Ce brouillon ne peut pas encore être publié" in page
    assert "Ce dossier irait jusqu’au bout" in words(ask(house, f_proof_of_service="comptabilite"))


def test_nobody_above_and_nobody_chosen_are_told(house: House) -> None:
    data = family("invoice").circuit.to_data()
    data["steps"][1]["who"] = [{"superior": 3}]
    circuits.publish(house.actor(K), "invoice", library.as_yaml(data))
    page = words(ask(house, bureau=str(desk_number(house, "direction")), f_proof_of_service=""))
    assert "Il manque : bureau à choisir au dépôt." in page
    assert "Il manque : supérieur du bureau déposant." in page


def test_a_certificate_that_lacks_is_told_and_stops_the_folder(house: House) -> None:
    mayor = house.actor("a.kervadec")
    with reading(here(house)) as db:
        (certificate,) = certificates_of(db, mayor.user_id or 0)
    page = words(ask(house, jour=(certificate.not_after.date() + timedelta(days=30)).isoformat()))
    assert "Armel Kervadec n’aura qu’un certificat expiré ce jour-là." in page
    withdraw(house.actor(K), certificate.id, "Carte perdue")
    page = words(ask(house, jour=today().isoformat()))
    assert "Ce dossier partirait, puis s’arrêterait : étape 4, Bon à payer (1 blocage)" in page
    assert "Armel Kervadec n’aura pas de certificat inscrit ce jour-là." in page


CONTRACT = {"type": "contract", "f_matter": "1.1", "f_amount": "1000", "f_transmitted": "yes"}


def test_a_certificate_below_the_level_that_the_family_asks_leaves_paper_alone(house: House) -> None:
    page = words(ask(house, **CONTRACT))
    assert "Ce dossier irait jusqu’au bout, signé sur papier (1 point à surveiller)" in page
    assert "Armel Kervadec n’aura pas de certificat de ce niveau ce jour-là." in page
    assert (
        "Demandé : signature avancée sur certificat qualifié. La signature sur papier reste possible." in page
    )


def test_a_certificate_below_the_level_stops_what_is_not_signed_on_paper(house: House) -> None:
    with engine().begin() as connection:
        connection.execute(sa.update(Certificate).values(assurance="simple"))
    page = words(ask(house, type="pes", f_slips="3", f_total="12"))
    assert "Ce dossier partirait, puis s’arrêterait : étape 2, Signature de l’ordonnateur (1 blocage)" in page
    assert "Armel Kervadec n’aura pas de certificat de ce niveau ce jour-là." in page
    assert "Demandé : signature avancée." in page


def test_a_certificate_for_flows_alone_signs_no_invoice(house: House) -> None:
    mayor = house.actor("a.kervadec")
    with engine().begin() as connection:
        connection.execute(
            sa.update(Certificate).where(Certificate.user_id == mayor.user_id).values(purpose="pes")
        )
    page = words(ask(house))
    assert "Ce dossier partirait, puis s’arrêterait : étape 4, Bon à payer" in page
    assert "n’aura pas de certificat inscrit pour cet usage ce jour-là." in page


def two_signatures(house: House) -> None:
    """Both the mayor's desk and the direction sign, where somebody has no certificate."""
    desks.seat(here(house), "direction", "s.rivoal", [Right.ACT, Right.SIGN])
    who = [{"desk": "maire"}, {"desk": "direction"}]
    step = {"label": "Bon à payer", "kind": "sign", "who": who, "quorum": "all"}
    drafting.change(house.actor(K), "invoice", 0, [Gesture("write", "bon_a_payer", step=step)])


def test_a_certificate_that_lacks_to_a_quorum_stops_the_folder(house: House) -> None:
    two_signatures(house)
    page = words(ask(house, circuit="brouillon:invoice"))
    assert "Ce dossier partirait, puis s’arrêterait : étape 4, Bon à payer (1 blocage)" in page
    assert "Solenn Rivoal n’aura pas de certificat inscrit ce jour-là." in page


def test_a_fact_that_lacks_is_asked_and_the_condition_that_it_decides_is_told(house: House) -> None:
    page = words(ask(house, f_total_ttc="", f_received_on=""))
    assert "Ce dossier ne partirait pas (2 blocages, 1 point à surveiller)" in page
    assert "« Montant TTC » reste à renseigner." in page
    assert "« Date de réception » reste à renseigner." in page
    told = "L’étape « Direction générale » dépend de « Montant TTC », qui n’est pas renseigné"
    assert f"{told} : elle n’est pas dans cet essai." in page
    page = words(ask(house, type="pes"))
    assert "Ce dossier ne partirait pas" in page
    assert "L’étape « Signature de l’ordonnateur » dépend de « Bordereaux à signer »" in page


def test_an_empty_fact_that_decides_of_nothing_is_not_told(house: House) -> None:
    steps = family("invoice").circuit.to_data()["steps"]
    steps[2]["when"] = {
        "any": [{"field": "total_ttc", "op": ">", "value": 0}, {"field": "iban", "op": "==", "value": "FR"}]
    }
    steps[1]["when"] = {"not": {"field": "order_ref", "op": "present"}}
    circuit = load({"key": "x", "label": "X", "steps": steps})
    folder = imagined(here(house), family("invoice"), desk_number(house, "comptabilite"), {"total_ttc": "10"})
    assert unanswered(folder, circuit) == []
    folder.fields = {}
    assert len(unanswered(folder, circuit)) == 1


def test_a_restricted_type_is_tried_from_the_desks_that_deposit_it(house: House) -> None:
    page = words(ask(house, type="pes_payroll"))
    assert "Choisissez le bureau qui dépose, parmi ceux qui le peuvent pour ce type de dossier." in page
    assert "irait jusqu’au bout" not in page
    offered = (
        ask(house, type="pes_payroll").get_data(as_text=True).split('id="bureau"')[1].split("</select>")[0]
    )
    assert "Service de la paye" in offered
    assert "Comptabilité" not in offered


@pytest.mark.parametrize("desk", ["", "999999", "²", "9" * 30])
def test_a_desk_that_cannot_deposit_is_told_beside_it(house: House, desk: str) -> None:
    page = words(ask(house, bureau=desk))
    assert "Choisissez le bureau qui dépose" in page
    assert "(Possible)" not in page


def test_the_end_says_which_steps_it_does_not_count(house: House) -> None:
    page = words(ask(house))
    assert (
        "si chaque étape prend tout son délai ; « Remise au logiciel de finances » n’en a pas et n’est pas"
        in page
    )
    assert "au plus tard" not in page


@pytest.mark.parametrize(
    ("name", "day"), [("jour", "9999-12-31"), ("jour", "0001-01-01"), ("f_received_on", "9999-12-31")]
)
def test_a_day_out_of_the_calendar_is_refused_beside_it(house: House, name: str, day: str) -> None:
    answer = ask(house, **{name: day})
    assert answer.status_code == 200
    assert "L’essai compte de 2000 à 2100 : choisissez une date de ces années." in words(answer)
    assert "(Possible)" not in words(answer)


def test_a_draft_received_beyond_the_calendar_is_told_as_a_fact_to_correct(house: House) -> None:
    folder_id = house.an_invoice(at="draft", received_on="9999-12-31")
    answer = house.client(G).get(f"/dossiers/{folder_id}/essai")
    assert answer.status_code == 200
    assert "Ce dossier ne partirait pas (1 blocage)" in words(answer)
    assert "La date de réception est dans le futur." in words(answer)


def test_what_a_carrier_would_refuse_is_told_of_a_draft(house: House) -> None:
    folder_id = house.an_act("other_act", at="draft")
    assert "ne partirait pas" not in words(house.client(K).get(f"/dossiers/{folder_id}/essai"))
    with engine().begin() as connection:
        connection.execute(sa.text("UPDATE collectivity SET department = '29'"))
    page = words(house.client(K).get(f"/dossiers/{folder_id}/essai"))
    assert "Ce dossier ne partirait pas (1 blocage" in page
    with pytest.raises(Refusal, match="to-fix") as refused:
        sending.send(house.actor(K), folder_id, version=house.folder(folder_id).version)
    assert " ".join(str(refused.value.facts["details"]).split()) in page
    assert "Terminé le" not in page


def test_the_mayor_as_secretary_is_told_as_one_person_for_two_parts(house: House) -> None:
    a_mayor_and_a_deputy(house, families=("invoice",))
    mayor = str(house.actor("a.kervadec").user_id)
    page = words(ask(house, type="deliberation", f_sitting_secretary=mayor, f_matter="7.5"))
    assert "2 personnes différentes doivent signer, et 1 seulement en a le droit." in page
    assert (
        "Ce dossier partirait, puis s’arrêterait : étape 2, Maire et secrétaire de séance (1 blocage" in page
    )
    assert "Gaud Le Bras : " in page


def test_a_desk_that_is_named_twice_counts_for_one(house: House) -> None:
    steps = family("invoice").circuit.to_data()["steps"]
    steps[1] |= {"who": [{"desk": "finances"}, {"chosen": "proof_of_service"}], "quorum": "all"}
    circuits.publish(
        house.actor(K), "invoice", library.as_yaml({**family("invoice").circuit.to_data(), "steps": steps})
    )
    assert "les 2, dans n’importe quel ordre" in words(ask(house))
    assert "les 2" not in words(ask(house, f_proof_of_service="finances"))
    steps[1]["quorum"] = 2
    circuits.publish(
        house.actor(K), "invoice", library.as_yaml({**family("invoice").circuit.to_data(), "steps": steps})
    )
    page = words(ask(house, f_proof_of_service="finances"))
    assert "2 parts sont demandées, et l’étape n’en a que 1" in page


def of_circuit(house: House, *steps: dict[str, Any]) -> str:
    """What is read of an invoice that would follow these steps."""
    folder = imagined(here(house), family("invoice"), desk_number(house, "comptabilite"), {})
    with reading(here(house)) as db:
        rehearsal = rehearse(db, folder, load({"key": "x", "label": "X", "steps": list(steps)}), MONDAY)
        told = view(db, folder, rehearsal)
    return " ".join([told.verdict, *(snag.sentence for one in told.stages for snag in one.snags)])


def test_a_town_without_a_seal_waits_at_a_seal(house: House) -> None:
    seal = {"key": "a", "label": "Cachet", "kind": "seal"}
    assert "irait" in of_circuit(house, seal)
    setting.configure(house.settings.model_copy(update={"seal_p12": None}))
    try:
        page = of_circuit(house, seal)
    finally:
        setting.configure(house.settings)
    assert "s’arrêterait" in page
    assert "Aucun cachet n’est installé" in page


def test_a_channel_that_is_none_is_never_told_as_the_hand_over(house: House) -> None:
    page = of_circuit(house, {"key": "a", "label": "Envoi", "kind": "transmit", "channel": "zzz"})
    assert page.startswith("Ce dossier ne partirait pas")
    assert "n’existe pas. Corrigez le circuit." in page


def test_a_circuit_that_the_law_has_outgrown_sends_nothing(house: House) -> None:
    circuit = load({"key": "x", "label": "X", "steps": family("invoice").circuit.to_data()["steps"][:2]})
    _take(house.actor(K), circuit)
    page = words(ask(house))
    assert "Ce dossier ne partirait pas" in page
    assert "Le circuit en vigueur ne suit plus les règles de ce type." in page


def test_a_ceiling_and_a_mandate_that_ends_before_the_day_are_told(house: House) -> None:
    _, delegation = a_mayor_and_a_deputy(house)
    page = words(ask(house, jour=today().isoformat()))
    assert "Ce dossier irait jusqu’au bout (1 point à surveiller)" in page
    assert "Gaud Le Bras : le montant dépasse 10 000,00 €, plafond de son mandat" in page
    assert "Gaud Le Bras" in words(ask(house, jour=today().isoformat(), f_total_ttc="120"))
    assert "plafond" not in words(ask(house, jour=today().isoformat(), f_total_ttc="120"))
    end_mandate(house.actor(K), delegation, last_day=today(), reason="Fin de ses fonctions")
    later = today() + timedelta(days=60)
    page = words(ask(house, jour=later.isoformat(), f_total_ttc="120"))
    assert "Gaud Le Bras : son mandat" in page
    assert "a pris fin." in page
    desks.seat(here(house), "maire", "a.kervadec", [Right.ACT])
    page = words(ask(house, jour=later.isoformat(), f_total_ttc="120"))
    assert "Ce dossier partirait, puis s’arrêterait : étape 3, Bon à payer" in page


def test_a_fact_that_is_not_of_its_type_is_told_beside_it_and_nothing_is_rehearsed(house: House) -> None:
    page = words(ask(house, f_total_ttc="beaucoup", jour="demain"))
    assert "n’est pas un montant en euros et centimes" in page
    assert "Ce n’est pas une date" in page
    assert "(Possible)" not in page


def test_no_step_at_all_is_told(house: House) -> None:
    folder = imagined(here(house), family("invoice"), desk_number(house, "comptabilite"), {})
    circuit = load(
        {
            "key": "x",
            "label": "X",
            "steps": [
                {
                    "key": "a",
                    "label": "A",
                    "kind": "visa",
                    "who": [{"desk": "finances"}],
                    "when": {"field": "order_ref", "op": "present"},
                }
            ],
        }
    )
    with reading(here(house)) as db:
        rehearsal = rehearse(db, folder, circuit, MONDAY)
        assert rehearsal.refusal is not None
        assert "aucune étape du circuit ne s’applique" in view(db, folder, rehearsal).verdict
    assert rehearsal.due == NO_DATE


def test_a_draft_is_rehearsed_before_it_is_sent_and_stays_a_draft(house: House) -> None:
    folder_id = house.an_invoice(at="draft")
    client = house.client(G)
    before = house.folder(folder_id)
    page = words(client.get(f"/dossiers/{folder_id}/essai"))
    assert "Rien n’est envoyé" in page
    assert "Services techniques : Ronan Pellenec" in page
    after = house.folder(folder_id)
    assert (after.phase, after.version, after.round) == ("draft", before.version, 0)
    # Typed and not yet saved: the button keeps it first
    form = {
        "csrf_token": house.csrf(client),
        "version": str(after.version),
        "proof_of_service": "direction",
        "action": "operations.circuits.of_folder",
    }
    page = words(client.post(f"/dossiers/{folder_id}/brouillon", data=form, follow_redirects=True))
    assert "Direction générale : Solenn Rivoal" in page
    house.save(folder_id, G, {"received_on": ""})
    page = words(client.get(f"/dossiers/{folder_id}/essai"))
    assert "Ce dossier ne partirait pas (1 blocage)" in page
    assert "« Date de réception » reste à renseigner." in page
    assert "irait jusqu’au bout" not in page


def test_only_who_deposits_a_draft_rehearses_it(house: House) -> None:
    folder_id = house.an_invoice(at="draft")
    assert house.client("m.kerzerho").get(f"/dossiers/{folder_id}/essai").status_code == 404
    sent = house.an_invoice(at="finance")
    answer = house.client(G).get(f"/dossiers/{sent}/essai")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/dossiers/{sent}")
    assert house.client(G).get("/circuits/essai").status_code == 403


def test_a_folder_that_one_reads_is_taken_as_the_start_of_a_rehearsal_and_no_other(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    page = words(house.client(K).get(f"/circuits/essai?dossier={folder_id}"))
    assert "Aucun dossier de ce numéro n’est à vous lire" in page
    desks.seat(here(house), "comptabilite", K, [Right.CREATE])
    page = house.client(K).get(f"/circuits/essai?dossier={folder_id}").text
    assert "n’est à vous lire" not in page
    assert re.search(r'name="f_total_ttc"[^>]*value="[\d.]+"', page)
    assert re.search(r'<option value="invoice" selected>', page)
    for typed in ("999999", "²", "douze"):
        assert (
            "n’est à vous lire"
            in house.client(K).get("/circuits/essai", query_string={"dossier": typed}).text
        )


def test_what_comes_after_a_block_is_to_come_and_not_possible(house: House) -> None:
    desks.seat(here(house), "finances", "n.abgrallec", [])
    desks.seat(here(house), "finances", "t.lescoat", [])
    page = words(ask(house))
    assert "Service fait (Possible)" in page
    assert "Contrôle des finances (Bloqué)" in page
    assert "Direction générale (À venir)" in page
