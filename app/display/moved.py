"""What happened to a folder while somebody was reading it: who did what, what was typed in vain, and where to go now."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from app.core.db import Db
from app.core.french import moment_of_day, spaces
from app.display import queues
from app.folders.access import authorize
from app.folders.models import Folder, StepRun
from app.folders.move import decided
from app.people.actor import Actor

_LOST = {
    "folders.approve": "Votre visa n’a pas été enregistré.",
    "folders.reject": "Votre rejet n’a pas été enregistré.",
    "folders.publish": "Ni publication ni notification n’ont été enregistrées.",
    "folders.recall": "Le dossier n’a pas été repris.",
    "folders.withdraw": "Le dossier n’a pas été abandonné.",
    "folders.coming": "Vos changements n’ont pas été appliqués.",
    "folders.fill": "Ce que vous avez rempli n’a pas été enregistré.",
    "folders.ask_opinion": "Rien n’a été demandé.",
    "folders.hand": "Rien n’a été confié.",
    "folders.give_opinion": "Votre avis n’a pas été enregistré.",
    "folders.withdraw_opinion": "La demande d’avis n’a pas été retirée.",
    "folders.draft": "Votre saisie n’a pas été enregistrée et rien n’est parti.",
}
_NOT_TYPED = frozenset(
    {
        "csrf_token",
        "version",
        "action",
        "then",
        "published_on",
        "means",
        "desk",
        "desks",
        "waits",
        "wanted_on",
        "opinion",
    }
)


def context(db: Db, actor: Actor, folder_id: int, endpoint: str, why: str = "") -> dict[str, Any]:
    """What the page says: what changed (`why`, else the last act on the folder), what was not done, the next that waits."""
    folder = authorize(db, actor, folder_id)
    others = [line.id for line in queues.todo(db, actor) if line.id != folder_id]
    return {
        "folder": folder,
        "heading": "Ce dossier a changé" if why else "Ce dossier a avancé",
        "sentence": spaces(
            f"{why or f'{told(db, folder)}, pendant que vous le lisiez.'} "
            f"{_LOST.get(endpoint, 'Votre décision n’a pas été enregistrée.')}"
        ),
        "next_id": others[0] if others else None,
    }


def typed(form: Mapping[str, str]) -> str:
    """What the person had written, to be shown and copied: the reason or the note alone, else every line of the form."""
    alone = form.get("reason", form.get("comment"))
    if alone is not None:
        return alone.strip()
    return "\n".join(value for name, value in form.items() if name not in _NOT_TYPED and value.strip())


def told(db: Db, folder: Folder) -> str:
    """« Tifenn Lescoat a visé « Gaz des bâtiments » à 22 h 51 »; a draft says only when it changed."""
    query = (
        sa.select(StepRun)
        .where(
            StepRun.folder_id == folder.id, StepRun.state.in_(["done", "rejected"]), StepRun.who.is_not(None)
        )
        .order_by(StepRun.ended_at.desc(), StepRun.id.desc())
        .limit(1)
    )
    run = db.scalar(query)
    title = f"« {folder.title or 'Sans titre'} »"
    if run is None or run.ended_at is None or run.ended_at < folder.updated_at:
        return f"{title} a changé {moment_of_day(folder.updated_at)}"
    who = f"{run.by}," if run.absent else run.who
    return f"{who} a {decided(folder, run)} {title} {moment_of_day(run.ended_at)}"
