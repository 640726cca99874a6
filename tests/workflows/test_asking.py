"""An opinion asked beside a step: it keeps the step from ending while it is awaited, and decides nothing."""

from dataclasses import replace
from typing import Any

import pytest

from tests.workflows.test_engine import CIRCUIT, at
from workflows.asking import (
    Candidate,
    Question,
    awaited,
    refuse_answer,
    refuse_candidate,
    refuse_withdrawal,
)
from workflows.engine import Action, Asker, advance, choices, in_turn
from workflows.errors import Refusal

ASKER, COLLEAGUE = 1, 2
OPEN = Question("Urbanisme", ASKER, "Gaud Le Bras", "d", waits=True)
WAITING = replace(at("review", "d"), awaited=awaited([OPEN]))


def test_a_step_that_waits_for_an_opinion_ends_for_nobody_and_is_rejected_or_taken_back_as_ever() -> None:
    with pytest.raises(Refusal) as refused:
        advance(CIRCUIT, WAITING, Action.APPROVE, person=ASKER, slot="d")
    assert (refused.value.key, refused.value.facts["awaited"]) == ("opinion-awaited", "« Urbanisme »")
    holder = Asker(ASKER, frozenset({"d"}), is_emitter=True)
    assert choices(CIRCUIT, WAITING, holder) == (Action.REJECT, Action.RECALL)
    assert in_turn(CIRCUIT, WAITING, holder)
    assert not in_turn(CIRCUIT, WAITING, Asker(COLLEAGUE, frozenset({"urbanisme"})))


def test_a_part_of_a_step_that_several_decide_is_not_taken_either_while_it_waits() -> None:
    standing = replace(at("signatures", "maire", "secretary"), awaited=("Urbanisme", "Juridique"))
    with pytest.raises(Refusal, match="opinion-awaited") as refused:
        advance(CIRCUIT, standing, Action.SIGN, person=ASKER, slot="maire")
    assert refused.value.facts["awaited"] == "« Urbanisme » et « Juridique »"


@pytest.mark.parametrize(
    ("question", "waits"),
    [(OPEN, True), (replace(OPEN, waits=False), False), (replace(OPEN, open=False), False)],
)
def test_the_step_waits_for_what_is_open_and_was_asked_so(question: Question, waits: bool) -> None:
    assert bool(awaited([question])) is waits


@pytest.mark.parametrize(
    ("candidate", "key"),
    [
        (Candidate("Urbanisme", frozenset({COLLEAGUE}), in_circle=False), "opinion-outside"),
        (Candidate("Urbanisme", frozenset({COLLEAGUE}), takes_part=True), "opinion-taking-part"),
        (Candidate("Urbanisme", frozenset({COLLEAGUE}), asked_already=True), "opinion-asked-already"),
        (Candidate("Urbanisme", frozenset()), "opinion-nobody"),
        (Candidate("Urbanisme", frozenset({ASKER})), "opinion-nobody"),
    ],
)
def test_a_desk_is_not_asked_in_vain_nor_what_it_may_not_read(candidate: Candidate, key: str) -> None:
    with pytest.raises(Refusal, match=key):
        refuse_candidate(candidate, ASKER)
    refuse_candidate(Candidate("Urbanisme", frozenset({ASKER, COLLEAGUE})), ASKER)


def take_back(question: Question, person: int | None, reason: str = "Sans réponse.", **who: Any) -> None:
    slots, in_turn, administrator = (who.get(name, False) for name in ("slots", "in_turn", "administrator"))
    refuse_withdrawal(
        question, person, slots or (), in_turn=in_turn, administrator=administrator, reason=reason
    )


@pytest.mark.parametrize("who", [{"slots": ("d",)}, {"in_turn": True}, {"administrator": True}])
def test_whoever_is_concerned_takes_it_back_with_a_reason(who: dict[str, Any]) -> None:
    with pytest.raises(Refusal, match="opinion-reason"):
        take_back(OPEN, COLLEAGUE, " ", **who)
    take_back(OPEN, COLLEAGUE, **who)


def test_who_asked_takes_it_back_without_a_reason_and_others_not_at_all() -> None:
    take_back(OPEN, ASKER, "")
    with pytest.raises(Refusal, match="opinion-not-yours"):
        take_back(OPEN, COLLEAGUE, slots=("e",))
    with pytest.raises(Refusal, match="opinion-answered"):
        take_back(replace(OPEN, open=False), ASKER, "")
    with pytest.raises(Refusal, match="opinion-not-yours"):  # an act of nobody is of nobody's question
        take_back(replace(OPEN, asker=None), None, "")


def test_nobody_answers_his_own_question() -> None:
    with pytest.raises(Refusal, match="opinion-own-question"):
        refuse_answer(OPEN, ASKER)
    refuse_answer(OPEN, COLLEAGUE)
    refuse_answer(replace(OPEN, asker=None), None)
