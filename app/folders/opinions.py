"""What was thought of a folder at a step that binds nobody: whoever decides after it reads it before he does."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core.db import Db
from app.core.french import instant, spaces
from app.core.grammar import de
from app.core.questions import Asked, Rows
from app.folders.models import ASKED, STEPS_PER_ROUND, AskedOpinion, Folder, StepRun
from app.folders.rows import every_run_of_round, opinions_of_round
from app.folders.seats import DeskName, desk_names
from app.folders.sockets import Caution
from workflows.vocabulary import Answer, Opinion

HELD = "attend qu’un avis demandé sur ce dossier soit rendu ou retiré"
"""What is written beside a letter about a step that waits for an opinion: it is looked at again once that is over."""


def held(number: str) -> str:
    """As SQL: 1 where the step of a folder waits for an opinion that was asked beside it, else nothing.

    `number`: the column of the folder. By what was asked of the folder, which is nothing mostly: each row of a list asks it.
    """
    state = "(SELECT o.state FROM step_run o WHERE o.id = q.run_id)"
    return f"(SELECT 1 FROM asked_opinion q WHERE q.folder_id = {number} AND q.waits AND {state} = 'active' LIMIT 1)"


def is_held(db: Db, folder: Folder) -> bool:
    """Whether the step of a folder waits for an opinion that was asked beside it."""
    return db.scalar(sa.text(f"SELECT {held(':folder')}"), {"folder": folder.id}) is not None


def released(db: Db, numbers: Collection[int]) -> dict[int, datetime]:
    """When the last opinion for which their step has waited was given or taken back, of the folders that waited for one."""
    query: Any = (
        sa.select(AskedOpinion.folder_id, sa.func.max(StepRun.ended_at))
        .join(StepRun, StepRun.id == AskedOpinion.run_id)
        .where(AskedOpinion.folder_id.in_(numbers), AskedOpinion.waits, StepRun.ended_at.is_not(None))
        .group_by(AskedOpinion.folder_id)
    )
    return dict(db.execute(query).all()) if numbers else {}


def at_hand(part: str) -> str:
    """As SQL: whether somebody may take a part of a step, or answer what was asked beside it, now (`part`: its row).

    Nobody takes a part of a step that waits for an opinion, and who asked one (`:me`) does not answer it himself.
    """
    asker = f"COALESCE((SELECT q.asked_by_id FROM asked_opinion q WHERE q.run_id = {part}.id), -1)"
    return (
        f"(CASE WHEN {part}.slot LIKE '{ASKED}%' THEN {asker} <> :me "
        f"ELSE {held(f'{part}.folder_id')} IS NULL END)"
    )


def words_of(run: StepRun) -> str:
    """« Avis défavorable de Gwenola Tréhorel »."""
    return f"{Answer.words(run.opinion or '', 'Avis')} {de(run.by)}"


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """Each unfavourable opinion of the round in hand, of a step or asked beside one, with its words; nobody rules on it."""
    against = [
        run
        for run in every_run_of_round(db, folder)
        if run.state == "done" and not run.former and run.opinion == Opinion.UNFAVOURABLE
    ]
    if not against:
        return []
    questions = {run.id: question for question, run in opinions_of_round(db, folder)}
    desks = desk_names(db, folder.collectivity_id, {run.desk_id for run in against if run.desk_id})
    return [
        Caution("opinion", spaces(words_of(run)), spaces(_told(run, questions.get(run.id), desks)))
        for run in against
    ]


_answered: Any = (
    sa.select(StepRun)
    .join(AskedOpinion, AskedOpinion.run_id == StepRun.id)
    .join(Folder, Folder.id == AskedOpinion.folder_id)
    .where(
        AskedOpinion.folder_id.in_(sa.bindparam("opinion_folders", expanding=True)),
        StepRun.state == "done",
        StepRun.step == Folder.place,
        StepRun.pass_number >= Folder.round * STEPS_PER_ROUND,
    )
)
"""What was answered at the step where each of these folders stands, in the round in hand."""


def asks(folders: Sequence[Folder]) -> Sequence[Asked]:
    """What is read of the opinions on the folders of a list."""
    return [(_answered, {"opinion_folders": [one.id for one in folders]})]


def in_lists(db: Db, folders: Sequence[Folder], rows: Sequence[Rows]) -> dict[int, list[Caution]]:
    """The last answer to what was asked at the step in hand of each folder: who decides there finds it on the row."""
    del db, folders
    runs = sorted((run for (run,) in rows[0]), key=lambda run: (run.ended_at, run.id))
    return {
        run.folder_id: [
            Caution(
                "opinion",
                spaces(words_of(run)),
                run.comment or "",
                advice=run.opinion != Opinion.UNFAVOURABLE,
            )
        ]
        for run in runs
    }


def _told(run: StepRun, question: AskedOpinion | None, desks: Mapping[int, DeskName]) -> str:
    """« « Le devis manque. » Bureau du maire, lun. 30 nov., 9 h 12. Demandé par Katell Morizur : « Peut-on payer ? » »."""
    at = desks.get(run.desk_id or 0)
    desk = question.desk if question is not None else at.name if at is not None else ""
    asked = f" Demandé par {question.asked_by} : « {question.question} »" if question is not None else ""
    where = ", ".join(filter(None, (desk, instant(run.ended_at))))
    return f"« {run.comment or ''} » {where}.{asked}"
