"""The law as a table: from each place, what each asker may do, where it leads, and why the rest is refused."""

import pytest

from workflows.circuit import DONE, DRAFT, RECALLED, REJECTED, WITHDRAWN, Phase
from workflows.engine import Action, Asker, Standing, advance, check_slots, choices
from workflows.errors import SENTENCES, Refusal
from workflows.loader import load
from workflows.vocabulary import Outcome, StepKind

CIRCUIT = load(
    {
        "key": "demo",
        "label": "Démonstration",
        "steps": [
            {"key": "review", "label": "Relecture", "kind": "visa", "who": {"desk": "direction"}},
            {
                "key": "finance",
                "label": "Finances",
                "kind": "visa",
                "who": {"desk": "finances"},
                "when": {"field": "amount", "op": ">=", "value": 4000},
            },
            {
                "key": "signatures",
                "label": "Signatures",
                "kind": "sign",
                "who": [{"desk": "maire"}, {"role": "secretary"}, {"superior": 1}],
                "quorum": 2,
            },
            {"key": "stamp", "label": "Cachet", "kind": "seal"},
            {"key": "sending", "label": "Envoi", "kind": "transmit", "channel": "actes"},
            {"key": "online", "label": "Mise en ligne", "kind": "publish", "who": {"desk": "secretariat"}},
            {"key": "archive", "label": "Archives", "kind": "archive", "who": {"desk": "secretariat"}},
        ],
    }
)
SMALL, LARGE = {"amount": "120.00"}, {"amount": "4000.00"}
TWO = ("maire", "secretary")


def at(place, *slots, acted=None, signed=False, facts=SMALL):
    return Standing(place, facts, slots, acted or {}, signed)


def refused(standing, action, **who):
    with pytest.raises(Refusal) as caught:
        advance(CIRCUIT, standing, action, **who)
    return caught.value.key


@pytest.mark.parametrize(
    ("standing", "action", "who", "entered", "phase"),
    [
        (at(DRAFT), Action.SUBMIT, {}, "review", Phase.RUNNING),
        (at(DRAFT), Action.WITHDRAW, {}, WITHDRAWN, Phase.DONE),
        (at(REJECTED), Action.SUBMIT, {}, "review", Phase.RUNNING),
        (at(REJECTED), Action.WITHDRAW, {}, WITHDRAWN, Phase.DONE),
        (at(RECALLED), Action.SUBMIT, {}, "review", Phase.RUNNING),
        (at(RECALLED), Action.WITHDRAW, {}, WITHDRAWN, Phase.DONE),
        (at("review", "d"), Action.APPROVE, {"person": 1, "slot": "d"}, "signatures", Phase.RUNNING),
        (
            at("review", "d", facts=LARGE),
            Action.APPROVE,
            {"person": 1, "slot": "d"},
            "finance",
            Phase.RUNNING,
        ),
        (at("review", "d"), Action.REJECT, {"person": 1, "slot": "d"}, REJECTED, Phase.REJECTED),
        (at("review", "d"), Action.RECALL, {}, RECALLED, Phase.DRAFT),
        (at("stamp"), Action.SEAL, {}, "sending", Phase.RUNNING),
        (at("stamp"), Action.REJECT, {}, REJECTED, Phase.REJECTED),
        (at("stamp"), Action.RECALL, {}, RECALLED, Phase.DRAFT),
        (at("sending"), Action.ACKNOWLEDGE, {}, "online", Phase.RUNNING),
        (at("sending"), Action.REFUSE, {}, REJECTED, Phase.REJECTED),
        (at("online", "s"), Action.PUBLISH, {"person": 1, "slot": "s"}, "archive", Phase.RUNNING),
        (at("archive", "s"), Action.ARCHIVE, {"person": 1, "slot": "s"}, DONE, Phase.DONE),
    ],
)
def test_each_action_leads_where_the_circuit_says(standing, action, who, entered, phase):
    moved = advance(CIRCUIT, standing, action, **who)
    assert (moved.left, moved.entered, moved.phase) == (standing.place, entered, phase)


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("place", [DONE, WITHDRAWN])
def test_nothing_moves_a_folder_that_has_ended(place, action):
    assert refused(at(place), action, person=1) == "action-impossible-here"


@pytest.mark.parametrize(
    ("place", "action"),
    [
        (DRAFT, Action.APPROVE),
        (DRAFT, Action.RECALL),
        (REJECTED, Action.REJECT),
        ("review", Action.SIGN),
        ("review", Action.SUBMIT),
        ("review", Action.WITHDRAW),
        ("signatures", Action.APPROVE),
        ("sending", Action.REJECT),
        ("sending", Action.RECALL),
        ("online", Action.REJECT),
        ("online", Action.RECALL),
        ("archive", Action.RECALL),
        ("elsewhere", Action.APPROVE),
    ],
)
def test_an_action_out_of_place_is_refused(place, action):
    assert refused(at(place, "x"), action, person=1, slot="x") == "action-impossible-here"


def test_a_step_of_two_stays_open_at_the_first_signature_and_closes_at_the_second():
    first = advance(CIRCUIT, at("signatures", *TWO), Action.SIGN, person=1, slot="maire")
    assert (first.entered, first.closed, first.step_left) == ("signatures", False, None)
    assert (first.counted, first.needed) == (1, 2)
    second = advance(
        CIRCUIT, at("signatures", *TWO, acted={"maire": 1}), Action.SIGN, person=2, slot="secretary"
    )
    assert (second.entered, second.closed, second.step_left) == ("stamp", True, "signatures")
    assert (second.counted, second.needed) == (2, 2)


def test_a_rejected_step_is_left_without_being_closed():
    moved = advance(
        CIRCUIT, at("signatures", *TWO, acted={"maire": 1}), Action.REJECT, person=2, slot="secretary"
    )
    assert (moved.entered, moved.step_left, moved.closed, moved.counted) == (REJECTED, "signatures", False, 1)


def test_persons_are_counted_and_not_desks():
    three = at("signatures", "maire", "secretary", "superior", acted={"maire": 1, "secretary": 1})
    assert advance(CIRCUIT, three, Action.SIGN, person=2, slot="superior").counted == 2


@pytest.mark.parametrize(
    ("who", "key"),
    [
        ({"slot": "secretary"}, "person-required"),
        ({"person": 1, "slot": "secretary"}, "already-acted"),
        ({"person": 2, "slot": "finances"}, "slot-unknown"),
        ({"person": 2}, "slot-unknown"),
        ({"person": 2, "slot": "maire"}, "slot-taken"),
    ],
)
@pytest.mark.parametrize("action", [Action.SIGN, Action.REJECT])
def test_who_may_not_act_is_told_why(action, who, key):
    assert refused(at("signatures", *TWO, acted={"maire": 1}), action, **who) == key


def test_an_action_written_as_text_does_not_slip_past_the_quorum():
    assert advance(CIRCUIT, at("signatures", *TWO), "sign", person=1, slot="maire").entered == "signatures"


def test_an_act_ends_a_part_as_its_step_asks_or_against_it_and_the_emitters_acts_end_none():
    done = {one for one in Action if one.outcome is Outcome.DONE}
    assert done == {kind.action for kind in StepKind}
    assert {one for one in Action if one.outcome is Outcome.REJECTED} == {
        Action.REJECT,
        Action.SEND_BACK,
        Action.REFUSE,
    }
    # Nor does what is taken back: the part of whoever did it is open again
    emitted = {Action.SUBMIT, Action.RECALL, Action.WITHDRAW}
    assert {one for one in Action if one.outcome is None} == emitted | {Action.TAKE_BACK}


def test_a_word_that_is_no_action_is_refused():
    assert refused(at(DRAFT), "burn") == "action-unknown"


def test_a_signed_folder_is_not_taken_back():
    assert refused(at("signatures", *TWO, acted={"maire": 1}, signed=True), Action.RECALL) == "already-signed"
    assert advance(CIRCUIT, at("signatures", *TWO), Action.RECALL).entered == RECALLED


def test_a_folder_that_left_by_a_conditional_transmission_is_not_taken_back_and_one_that_did_not_is():
    when = {"field": "amount", "op": ">=", "value": 4000}
    circuit = load(
        {
            "key": "c",
            "label": "C",
            "steps": [
                {"key": "sending", "label": "Envoi", "kind": "transmit", "channel": "actes", "when": when},
                {"key": "review", "label": "Relecture", "kind": "visa", "who": {"desk": "direction"}},
            ],
        }
    )
    assert advance(circuit, at("review", "d", facts=SMALL), Action.RECALL).entered == RECALLED
    with pytest.raises(Refusal, match="action-impossible-here"):
        advance(circuit, at("review", "d", facts=LARGE), Action.RECALL)


def test_a_folder_that_no_step_concerns_does_not_leave_and_is_not_said_done():
    when = {"field": "amount", "op": ">=", "value": 4000}
    only = {"key": "v", "label": "V", "kind": "visa", "who": {"desk": "direction"}, "when": when}
    circuit = load({"key": "c", "label": "C", "steps": [only]})
    with pytest.raises(Refusal, match="no-step-applies"):
        advance(circuit, at(DRAFT), Action.SUBMIT)
    assert choices(circuit, at(DRAFT), Asker(1, is_emitter=True)) == (Action.WITHDRAW,)
    assert advance(circuit, at(DRAFT, facts=LARGE), Action.SUBMIT).entered == "v"
    assert advance(circuit, at("v", "d", facts=LARGE), Action.APPROVE, person=1, slot="d").entered == DONE


def test_a_step_with_too_few_slots_is_refused_at_entering_and_at_acting():
    step = CIRCUIT.step("signatures")
    check_slots(step, 2)
    with pytest.raises(Refusal, match="quorum-impossible") as caught:
        check_slots(step, 1)
    assert caught.value.facts == {"step": "Signatures", "needed": 2, "slots": 1}
    assert refused(at("signatures", "maire"), Action.SIGN, person=1, slot="maire") == "quorum-impossible"
    check_slots(CIRCUIT.step("sending"), 0)


def test_a_step_that_cannot_be_completed_can_still_be_rejected():
    asker = Asker(1, frozenset({"maire"}))
    assert choices(CIRCUIT, at("signatures", "maire"), asker) == (Action.REJECT,)


HOLDER = Asker(1, frozenset({"x"}))
EMITTER = Asker(9, is_emitter=True)
SYSTEM = Asker(None, kind="system")
APPLICATION = Asker(-1, frozenset({"x"}), kind="application")


@pytest.mark.parametrize(
    ("standing", "asker", "offered"),
    [
        (at(DRAFT), EMITTER, (Action.SUBMIT, Action.WITHDRAW)),
        (at(DRAFT), HOLDER, ()),
        (at(DRAFT), SYSTEM, ()),
        (at(REJECTED), EMITTER, (Action.SUBMIT, Action.WITHDRAW)),
        (at("review", "x"), HOLDER, (Action.APPROVE, Action.REJECT)),
        (at("review", "y"), HOLDER, ()),
        (at("review", "x"), EMITTER, (Action.RECALL,)),
        (at("review", "x"), SYSTEM, ()),
        (at("review", "x"), APPLICATION, (Action.APPROVE, Action.REJECT)),
        (at("signatures", "x", "y"), HOLDER, (Action.SIGN, Action.REJECT)),
        (at("signatures", "x", "y"), APPLICATION, (Action.REJECT,)),
        (at("signatures", "x", "y", acted={"y": 1}), HOLDER, ()),
        (at("signatures", "x", "y", acted={"x": 2}), HOLDER, ()),
        (at("signatures", "x", "y", acted={"x": 2}, signed=True), EMITTER, ()),
        (at("stamp"), SYSTEM, (Action.SEAL, Action.REJECT)),
        (at("stamp"), HOLDER, ()),
        (at("sending"), SYSTEM, (Action.ACKNOWLEDGE, Action.REFUSE)),
        (at("sending"), EMITTER, ()),
        (at("online", "x"), HOLDER, (Action.PUBLISH,)),
        (at("archive", "x"), HOLDER, (Action.ARCHIVE,)),
        (at(DONE), EMITTER, ()),
        (at(WITHDRAWN), EMITTER, ()),
    ],
)
def test_choices_depend_on_the_place_and_on_who_asks(standing, asker, offered):
    assert choices(CIRCUIT, standing, asker) == offered


def test_every_refusal_of_the_law_has_its_sentence():
    assert {"already-acted", "slot-unknown", "quorum-impossible", "circuit-invalid"} <= SENTENCES.keys()
    for status, sentence in SENTENCES.values():
        assert 400 <= status < 500
        assert sentence[0].isupper()
        assert sentence.endswith(".")
        assert "'" not in sentence
        assert "!" not in sentence
