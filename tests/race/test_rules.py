"""Rules that are published, and circuits that are closed, at the very moment when folders are sent."""

import pytest

from app.circuits import rules
from app.circuits.closing import close_circuit
from app.circuits.gestures import Gesture
from app.circuits.library import named_of
from app.circuits.models import CircuitVersion, RuleTableVersion
from app.circuits.rules import draft_of
from app.circuits.tables import naming
from app.core.db import reading
from app.core.refusals import Refusal
from app.folders import sending
from app.people.actor import Actor
from tests.circuits.test_rules import a_circuit
from tests.race.test_writers import _a_draft_of
from tests.race.town import Town, at_once

pytestmark = pytest.mark.race
FOLDERS, TIMES = 6, 4


def give(actor: Actor, otherwise: str, *rows: Gesture) -> None:
    """Publish the rules of invoices, as they are with this circuit for all other cases."""
    with reading(actor.collectivity_id) as db:
        draft = draft_of(db, actor.collectivity_id, "invoice")
    seen = rules.change(actor, "invoice", draft.version, rows, otherwise)
    rules.publish_rules(actor, "invoice", seen, draft.in_force)


def test_each_folder_takes_the_circuit_of_the_version_of_the_rules_that_it_keeps(town: Town) -> None:
    actor, clerk = town.house.actor("k.morizur"), town.house.actor("g.trehorel")
    ways = [
        a_circuit(town.house, "Voirie courte", "direction"),
        a_circuit(town.house, "Sans finances", "finance"),
    ]
    give(actor, ways[0])
    folders = [_a_draft_of(town, clerk) for _ in range(FOLDERS)]

    def alternate() -> None:
        for rank in range(1, TIMES + 1):
            give(actor, ways[rank % 2])

    at_once(alternate, *(lambda one=one: sending.submit(clerk, one, version=1) for one in folders))
    with reading(actor.collectivity_id) as db:
        for one in folders:
            folder = town.house.folder(one)
            version = db.get_one(RuleTableVersion, folder.rule_version_id)
            circuit = db.get_one(CircuitVersion, folder.circuit_version_id)
            assert circuit.family == version.definition["otherwise"]
            assert folder.rule is not None
            assert folder.rule["table"] == version.number
        numbers = [one.number for one in rules.versions(db, actor.collectivity_id, "invoice")]
    assert numbers == list(range(TIMES + 1, 0, -1))
    town.chain_holds()


def test_a_circuit_is_never_closed_while_rules_in_force_name_it(town: Town) -> None:
    actor = town.house.actor("k.morizur")
    outcomes = set()
    for rank in range(TIMES):
        name = a_circuit(town.house, f"Pris ou fermé {rank}", "direction")

        def publish(name: str = name) -> str:
            try:
                give(actor, name)
            except Refusal as refusal:
                return refusal.key
            return "published"

        def close(name: str = name) -> str:
            try:
                close_circuit(actor, name, closed=True)
            except Refusal as refusal:
                return refusal.key
            return "closed"

        outcomes |= {tuple(at_once(publish, close))}
        with reading(actor.collectivity_id) as db:
            row = named_of(db, actor.collectivity_id, name)
            used = [one for one in naming(db, actor.collectivity_id).get(name, []) if not one.drafted]
            assert row is not None
            assert not (row.closed_at is not None and used), name
            left = draft_of(db, actor.collectivity_id, "invoice")
        if left.begun:
            rules.give_up(actor, "invoice", left.version)
    assert outcomes <= {
        ("published", "circuit-used"),
        ("rules-unready", "closed"),
        ("rules-unready", "circuit-used"),
    }
