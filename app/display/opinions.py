"""The opinions asked beside the steps of a folder, in words: on its page, its slip and in the API."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from app.core.db import NO_DATE, Db
from app.core.french import depuis, instant, jour, spaces
from app.core.grammar import de, from_desk, to_desk
from app.folders.access import looks_on
from app.folders.asking import law_of, seat_at
from app.folders.models import AskedOpinion, Folder, StepRun
from app.folders.move import Present, person_of
from app.folders.rows import opinions_of_round
from app.people.actor import Actor
from workflows.asking import withdrawn_with_reason
from workflows.vocabulary import Answer


@dataclass(frozen=True)
class AskedView:
    """What was asked of a desk, and its answer; `state`: open, answered, withdrawn or closed.

    `may_answer`: by this reader, in whose absence (`absent`, empty for a seat of his own), and `due`: by when he is awaited, as
    his list says; `may_withdraw`, with a reason or not.
    """

    number: int
    state: str
    title: str
    question: str
    meta: str
    reply: str = ""
    may_answer: bool = False
    absent: str = ""
    may_withdraw: bool = False
    reason_needed: bool = False
    due: date = NO_DATE
    asked_by: str = ""


def asked_of(db: Db, folder: Folder, actor: Actor, here: Present | None) -> list[AskedView]:
    """What the page shows of the round in hand: what is open, and what was answered.

    An unfavourable answer is told among the cautions (`app/folders/opinions.py`), what came to nothing in the circuit alone.
    """
    told = [
        (question, run)
        for question, run in opinions_of_round(db, folder)
        if run.state == "active" or (run.state == "done" and run.opinion != Answer.UNFAVOURABLE)
    ]
    apart = bool(told) and looks_on(db, actor, folder)
    return [_view(folder, actor, here, question, run, apart=apart) for question, run in told]


def _view(
    folder: Folder, actor: Actor, here: Present | None, question: AskedOpinion, run: StepRun, *, apart: bool
) -> AskedView:
    if run.state != "active":
        title = f"{_opinion(run)} {de(run.by)}"
        meta = f"{question.desk}, {instant(run.ended_at)}. Demandé par {question.asked_by}"
        return AskedView(
            run.id, "answered", spaces(title), question.question, spaces(meta), run.comment or ""
        )
    able, under = seat_at(actor, folder, run)
    own_deposit = under is not None and actor.user_id in folder.writers
    own_question = question.asked_by_id is not None and question.asked_by_id == person_of(actor)
    slots = here.asker(actor, folder).slots if here is not None else frozenset[str]()
    needed = withdrawn_with_reason(
        law_of(question, run),
        person_of(actor),
        slots,
        in_turn=here is not None and here.in_turn(actor, folder),
        administrator=actor.administrator,
    )
    return AskedView(
        run.id,
        "open",
        spaces(f"Avis demandé {to_desk(question.desk)} {depuis(run.entered_at)}"),
        question.question,
        spaces(f"Par {question.asked_by}. {_terms(question)}"),
        may_answer=able and not own_deposit and not own_question,
        absent=under.absent if under is not None else "",
        may_withdraw=needed is not None and not apart,
        reason_needed=bool(needed),
        due=run.due_on,
        asked_by=question.asked_by,
    )


def _terms(question: AskedOpinion) -> str:
    """« L’étape attend la réponse, souhaitée pour le lun. 30 nov. »."""
    waits = "L’étape attend la réponse" if question.waits else "L’étape n’attend pas la réponse"
    return f"{waits}, souhaitée pour le {jour(question.wanted_on)}." if question.wanted_on else f"{waits}."


def _opinion(run: StepRun) -> str:
    return Answer.words(run.opinion or "", "Avis")


def lines(db: Db, folder: Folder) -> Mapping[str, Sequence[tuple[datetime, str]]]:
    """By key of step, what was asked at it, when, and what became of it, each in a line of the circuit and of the slip."""
    told: dict[str, list[tuple[datetime, str]]] = {}
    for question, run in opinions_of_round(db, folder):
        told.setdefault(run.step, []).append((run.entered_at, spaces(" ".join(_line(question, run)))))
    return told


def awaited(db: Db, folder: Folder) -> list[str]:
    """The lines of what was asked and is open, for who reads what was answered among the decisions."""
    open_ones = [one for one in opinions_of_round(db, folder) if one[1].state == "active"]
    return [spaces(" ".join(_line(question, run))) for question, run in open_ones]


def waited_for(db: Db, folder: Folder) -> list[tuple[int, str]]:
    """The opinions without which the step does not end, whoever sits there: the number of each, « de la Direction générale »."""
    return [
        (run.id, from_desk(question.desk))
        for question, run in opinions_of_round(db, folder)
        if run.state == "active" and question.waits
    ]


def _line(question: AskedOpinion, run: StepRun) -> Iterator[str]:
    asked_at = instant(run.entered_at)
    yield f"Avis demandé {to_desk(question.desk)} par {question.asked_by}, {asked_at} : « {question.question} »"
    if run.state == "active":
        yield _terms(question)
    elif run.state == "done":
        words = f" : « {run.comment} »" if run.comment else "."
        yield f"{_opinion(run)} {de(run.by)}, {instant(run.ended_at)}{words}"
    elif question.withdrawn_by:
        why = f" : « {question.withdrawn_why} »" if question.withdrawn_why else "."
        yield f"Demande retirée par {question.withdrawn_by}, {instant(run.ended_at)}{why}"
    else:
        yield f"Close sans réponse, {instant(run.ended_at)} : le dossier avait quitté l’étape."


def blocked(here: Present) -> str:
    """Why the step does not end yet, beside who is asked (`timeline.waiting_for`); empty where nothing is awaited."""
    if not here.standing.awaited or here.step is None:
        return ""
    several = len(here.standing.awaited) > 1
    return f"L’étape attend {'ces avis' if several else 'cet avis'} : vous pourrez {here.step.kind.infinitive} ensuite."


def shown(db: Db, folder: Folder) -> list[dict[str, Any]]:
    """The same as other software reads it, in order."""
    states = {"active": "open", "done": "answered"}
    return [
        {
            "id": run.id,
            "step": run.step,
            "desk": run.slot.partition(":")[2],
            "question": question.question,
            "waits": question.waits,
            "wanted_on": question.wanted_on,
            "asked_by": question.asked_by,
            "asked_at": run.entered_at,
            "state": states.get(run.state) or ("withdrawn" if question.withdrawn_by else "closed"),
            "opinion": run.opinion,
            "who": run.who,
            "absent": run.absent,
            "comment": run.comment,
            "ended_at": run.ended_at,
            "reason": question.withdrawn_why,
        }
        for question, run in opinions_of_round(db, folder)
    ]
