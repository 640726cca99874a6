"""An opinion asked of a desk while a step waits: who is asked, who answers, who takes the question back; nothing else.

An opinion asked decides nothing, and no part of the step is taken by who answers. What it keeps from ending, while the one
who asked wants it so, is the step (`engine.Standing.awaited`). Pure: it reads no clock and no database.
"""

from collections.abc import Collection
from dataclasses import dataclass

from workflows.errors import Refusal

__all__ = [
    "Candidate",
    "Question",
    "awaited",
    "refuse_answer",
    "refuse_candidate",
    "refuse_withdrawal",
    "withdrawn_with_reason",
]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A desk that may be asked: its name, and who could answer there.

    `in_circle`: whether it may read the folder at all; of a restricted type those alone that could act on it.
    """

    desk: str
    people: frozenset[int]
    in_circle: bool = True
    takes_part: bool = False
    asked_already: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """An opinion that was asked of a desk: by whom, from which part of the step, whether the step waits, whether it is open."""

    desk: str
    asker: int | None
    asker_name: str
    slot: str
    waits: bool
    open: bool = True


def awaited(questions: Collection[Question]) -> tuple[str, ...]:
    """The names of the desks that keep the step from ending, in order."""
    return tuple(question.desk for question in questions if question.open and question.waits)


def refuse_candidate(candidate: Candidate, asker: int | None) -> None:
    """Refuse a desk that is not to be asked, by whoever asks.

    `opinion-outside`: it may not read the folder; `opinion-taking-part`: it decides here; `opinion-asked-already`: it was
    asked and has not answered; `opinion-nobody`: nobody, or nobody but the asker, could answer.
    """
    if not candidate.in_circle:
        raise Refusal("opinion-outside", desk=candidate.desk)
    if candidate.takes_part:
        raise Refusal("opinion-taking-part", desk=candidate.desk)
    if candidate.asked_already:
        raise Refusal("opinion-asked-already", desk=candidate.desk)
    if not candidate.people - {asker}:
        raise Refusal("opinion-nobody", desk=candidate.desk)


def refuse_answer(question: Question, person: int | None) -> None:
    """Refuse `opinion-own-question` to who asked, whatever the desk or the cover from which he would answer."""
    if person is not None and person == question.asker:
        raise Refusal("opinion-own-question", desk=question.desk)


def withdrawn_with_reason(
    question: Question, person: int | None, slots: Collection[str], *, in_turn: bool, administrator: bool
) -> bool | None:
    """Whether this person takes the question back with a reason (True) or without one (False); None where not at all.

    Who asked needs none. Whoever holds the part of the step from which it was asked (`slots`: his own), whoever may act at
    the step now (`in_turn`), and an administrator, do it with a reason: no folder waits for ever for somebody who has left.
    """
    if person is not None and person == question.asker:
        return False
    return True if administrator or in_turn or question.slot in slots else None


def refuse_withdrawal(
    question: Question,
    person: int | None,
    slots: Collection[str],
    *,
    in_turn: bool,
    administrator: bool,
    reason: str,
) -> None:
    """Refuse `opinion-answered` of what is open no more, `opinion-not-yours`, and `opinion-reason`."""
    if not question.open:
        raise Refusal("opinion-answered", desk=question.desk)
    needed = withdrawn_with_reason(question, person, slots, in_turn=in_turn, administrator=administrator)
    if needed is None:
        raise Refusal("opinion-not-yours", asker=question.asker_name)
    if needed and not reason.strip():
        raise Refusal("opinion-reason")
