"""A part of a step handed to another desk: a visa or an opinion that is left to a desk, never round, never to who decides already."""

import pytest

from tests.workflows.test_engine import CIRCUIT
from workflows.errors import Refusal
from workflows.handing import Receiver, may_be_handed, refuse_receiver

GIVER, COLLEAGUE, OTHER = 1, 2, 3


@pytest.mark.parametrize(
    ("step", "slot", "imposed", "left"),
    [
        ("review", "desk:direction", (), True),
        ("review", "person:4", (), False),
        ("review", "desk:direction", ("review",), False),
        ("signatures", "desk:maire", (), False),
        ("online", "desk:secretariat", (), False),
        ("archive", "desk:secretariat", (), False),
    ],
)
def test_what_the_law_or_the_circuit_gives_to_somebody_is_not_handed(step, slot, imposed, left):
    assert may_be_handed(CIRCUIT.step(step), slot, imposed) is left


@pytest.mark.parametrize(
    ("receiver", "key"),
    [
        (Receiver("Finances", frozenset({OTHER}), in_circle=False), "handing-outside"),
        (Receiver("Finances", frozenset({OTHER}), takes_part=True), "handing-taking-part"),
        (Receiver("Finances", frozenset({OTHER}), held_before=True), "handing-back"),
        (Receiver("Finances", frozenset({OTHER}), adviser=True), "handing-asked"),
        (Receiver("Finances", frozenset({OTHER}), emits=True), "handing-own-deposit"),
        (Receiver("Finances", frozenset({OTHER, 4}), depositors=frozenset({4})), "handing-own-deposit"),
        (Receiver("Finances", frozenset()), "handing-nobody"),
        (Receiver("Finances", frozenset({GIVER, COLLEAGUE})), "handing-nobody"),
    ],
)
def test_a_desk_that_could_not_decide_in_its_place_is_not_handed_it(receiver, key):
    with pytest.raises(Refusal, match=key):
        refuse_receiver(receiver, [COLLEAGUE], GIVER)
    refuse_receiver(Receiver("Finances", frozenset({GIVER, OTHER})), [COLLEAGUE], GIVER)
