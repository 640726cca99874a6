"""What was thought of a folder at a step that binds nobody: whoever decides after it reads it before he does."""

from app.core.db import Db
from app.core.french import spaces
from app.folders.models import Folder, StepRun
from app.folders.rows import every_run_of_round
from app.folders.sockets import Caution
from workflows.vocabulary import Answer, Opinion


def words_of(run: StepRun) -> str:
    """« Avis défavorable de Gwenola Tréhorel »."""
    return f"{Answer.words(run.opinion or '', 'Avis')} de {run.by}"


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """Each unfavourable opinion of the round in hand, of a step or asked beside one, with its words; nobody rules on it."""
    return [
        Caution("opinion", spaces(words_of(run)), spaces(f"« {run.comment or ''} »"))
        for run in every_run_of_round(db, folder)
        if run.state == "done" and not run.former and run.opinion == Opinion.UNFAVOURABLE
    ]
