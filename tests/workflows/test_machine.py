"""One machine per circuit version, shared by every folder, which remembers none of them."""

import pytest

from workflows.circuit import DONE, DRAFT, Phase, StepKind, phase_of
from workflows.errors import Refusal
from workflows.family import family
from workflows.loader import load
from workflows.machine import compiled, play
from workflows.vocabulary import Action, Right


def test_the_same_circuit_read_twice_has_one_machine():
    circuit = family("invoice").circuit
    assert compiled(load(circuit.to_data())) is compiled(circuit)


def test_another_version_has_another_machine():
    data = family("invoice").circuit.to_data()
    data["steps"][0]["days"] = 9
    assert compiled(load(data)) is not compiled(family("invoice").circuit)


def test_playing_leaves_nothing_behind():
    circuit = family("invoice").circuit
    before = (
        compiled(circuit).state if hasattr(compiled(circuit), "state") else None,
        list(compiled(circuit).models),
    )
    for _ in range(50):
        assert play(circuit, DRAFT, Action.SUBMIT, {}) == "service_done"
    assert (before[0], list(compiled(circuit).models)) == before
    assert compiled(circuit).models == []


def test_no_transition_goes_to_any_place_from_any_place():
    machine = compiled(family("invoice").circuit)
    assert not [name for name in machine.events if name.startswith("to_")]


def test_an_amount_at_the_threshold_passes_by_the_direction():
    circuit = family("invoice").circuit
    assert play(circuit, "finance", Action.APPROVE, {"total_ttc": "4000.00"}) == "direction"
    assert play(circuit, "finance", Action.APPROVE, {"total_ttc": "3999.99"}) == "bon_a_payer"
    assert play(circuit, "finance", Action.APPROVE, {}) == "bon_a_payer"


def test_the_last_step_ends_the_folder():
    assert play(family("invoice").circuit, "handover", Action.ACKNOWLEDGE, {}) == DONE


@pytest.mark.parametrize(
    ("event", "key"), [("explode", "action-unknown"), (Action.SEAL, "action-impossible-here")]
)
def test_what_the_circuit_does_not_know_is_refused(event, key):
    with pytest.raises(Refusal, match=key):
        play(family("invoice").circuit, "finance", event, {})


@pytest.mark.parametrize(
    ("place", "phase"),
    [
        ("draft", Phase.DRAFT),
        ("recalled", Phase.DRAFT),
        ("rejected", Phase.REJECTED),
        ("done", Phase.DONE),
        ("withdrawn", Phase.DONE),
        ("bon_a_payer", Phase.RUNNING),
    ],
)
def test_every_place_has_its_phase(place, phase):
    assert phase_of(place) is phase


def test_each_kind_of_step_asks_one_right_and_has_a_french_name():
    asked = {kind: kind.right for kind in StepKind}
    assert asked[StepKind.VISA] is Right.ACT
    assert asked[StepKind.SIGN] is Right.SIGN
    assert asked[StepKind.PUBLISH] is Right.PUBLISH
    assert asked[StepKind.ARCHIVE] is Right.ARCHIVE
    assert len({kind.label for kind in StepKind}) == len(StepKind)
    assert len({right.label for right in Right}) == len(Right)
    assert {kind for kind in StepKind if kind.automatic} == {StepKind.SEAL, StepKind.TRANSMIT}
