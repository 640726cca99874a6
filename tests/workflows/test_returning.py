"""A folder sent back to an earlier step: never behind what was signed or has left, by nobody who could not reject it."""

from dataclasses import replace

import pytest

from workflows.circuit import DRAFT, Phase
from workflows.engine import Action, Standing, advance
from workflows.errors import Refusal
from workflows.loader import load
from workflows.returning import behind, send_back

WHO = {"who": [{"desk": "a"}, {"desk": "b"}], "quorum": "all"}
STEPS = [
    {"key": "control", "label": "Contrôle", "kind": "visa", **WHO},
    {
        "key": "advice",
        "label": "Avis",
        "kind": "opinion",
        **WHO,
        "when": {"field": "price", "op": ">", "value": 10},
    },
    {"key": "director", "label": "Direction", "kind": "visa", **WHO},
    {"key": "signatures", "label": "Signature", "kind": "sign", **WHO},
    {"key": "last", "label": "Dernier visa", "kind": "visa", **WHO},
    {"key": "end", "label": "Fin", "kind": "visa", **WHO},
]
CIRCUIT = load({"key": "back", "label": "Retour", "steps": STEPS})
WAY = ["control", "advice", "director", "signatures", "last", "end"]
BOTH = ("desk:a", "desk:b")


def at(place: str, **more) -> Standing:
    return replace(Standing(place, {"price": 20}, BOTH), **more)


@pytest.mark.parametrize(
    ("standing", "keys"),
    [
        (at("control"), []),
        (at("advice"), ["control"]),
        (at("signatures"), ["control", "advice", "director"]),
        (at("signatures", acted={"desk:a": 1}), []),
        (at("director", acted={"desk:a": 1}), ["control", "advice"]),
        (at("director", facts={"price": 5}), ["control"]),
        (at("last"), []),
        (at("end"), ["last"]),
        (at(DRAFT), []),
    ],
)
def test_it_goes_back_to_what_was_thought_of_it_and_never_behind_a_signature(standing, keys):
    entered = WAY[: WAY.index(standing.place) + 1] if standing.place != DRAFT else []
    assert [step.key for step in behind(CIRCUIT, standing, entered)] == keys


def test_a_step_that_it_did_not_go_through_is_none_to_go_back_to():
    assert [step.key for step in behind(CIRCUIT, at("director"), ["control", "director"])] == ["control"]


def test_who_may_reject_sends_it_back_and_the_step_begins_anew():
    moved = send_back(CIRCUIT, at("director", acted={"desk:a": 1}), "control", WAY, person=2, slot="desk:b")
    assert (moved.action, moved.left, moved.entered) == (Action.SEND_BACK, "director", "control")
    assert (moved.phase, moved.closed) == (Phase.RUNNING, False)
    # Whoever decided there before decides again: his first visa counts no more
    assert advance(CIRCUIT, at("control"), Action.APPROVE, person=1, slot="desk:a").counted == 1


@pytest.mark.parametrize(
    ("standing", "to", "taken", "key"),
    [
        (at("director"), "director", {"person": 1, "slot": "desk:a"}, "not-behind"),
        (at("director"), "end", {"person": 1, "slot": "desk:a"}, "not-behind"),
        (at("director"), "nowhere", {"person": 1, "slot": "desk:a"}, "not-behind"),
        (at("end"), "director", {"person": 1, "slot": "desk:a"}, "not-behind"),
        (at("director"), "control", {"person": 1, "slot": "desk:c"}, "slot-unknown"),
        (at("director", acted={"desk:a": 1}), "control", {"person": 1, "slot": "desk:b"}, "already-acted"),
        (at("director"), "control", {}, "person-required"),
        (at("advice"), "control", {"person": 1, "slot": "desk:a"}, "action-impossible-here"),
    ],
)
def test_what_is_not_to_be_sent_back_is_refused(standing, to, taken, key):
    with pytest.raises(Refusal, match=key):
        send_back(CIRCUIT, standing, to, WAY, **taken)
