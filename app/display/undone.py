"""What was just done, told with the form that takes it back as long as that lasts, and its routes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask import flash, g, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from app.core.clock import PARIS, now
from app.core.db import Db, reading
from app.core.french import spaces
from app.core.http import PERSON, guard, wants_json
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.display import moved
from app.display.blueprint import pages, version_shown
from app.folders import pause, undoing
from app.folders.access import authorize
from app.folders.models import Folder, FolderNote
from app.people.actor import Actor

WORDS = {
    "visa": ("Annuler ce visa", "Votre visa est annulé"),
    "avis": ("Annuler cet avis", "Votre avis est annulé"),
    "étape confiée à un autre bureau": ("Ne plus le confier", "Ce que vous avez confié vous revient"),
}
"""Of each act that may be taken back, its button, and what is told once it was."""
_STAYS = frozenset({"take-back-none", "take-back-late", "take-back-opened", "take-back-left", "moved-on"})
"""The refusals that are told on the page where one is: the folder has gone on, one's reading has not."""
_NOTHING = "Rien n’a été annulé"
_PAGES = re.compile(r"/dossiers/\d+|/a-traiter")


@dataclass(frozen=True)
class UndoView:
    """An act that the reader may take back: its button, the address of its form, and until when."""

    label: str
    url: str
    version: int | None
    until: datetime

    @property
    def left(self) -> int:
        """How many whole seconds are left."""
        return _seconds_to(self.until.timestamp())

    @property
    def hour(self) -> str:
        """« 15 h 42 min 07 s »: it stays true as long as it is shown, and nothing has to be read out anew."""
        return f"{self.until.astimezone(PARIS):%-H h %M min %S s}"


def _seconds_to(until: float) -> int:
    return max(0, int(until - now().timestamp()))


@pages.app_context_processor
def _left() -> dict[str, Any]:
    """How many seconds a form of an act that is told has left."""
    return {"undo_left": _seconds_to}


def view(db: Db, folder: Folder, actor: Actor) -> UndoView | None:
    """What the reader of a folder's page may take back; None where there is nothing."""
    done = undoing.offered(db, folder, actor)
    if done is None or done.deed.until is None:
        return None
    url = url_for("folders.take_back", folder_id=folder.id)
    return UndoView(WORDS[done.noun][0], url, folder.version, done.deed.until)


def shown_again(folder_id: int) -> UndoView | None:
    """What puts a folder that the actor has just hidden back in his list, for as long as an act may be taken back."""
    until = pause.ends(g.actor, now())
    url = url_for("folders.show_again", folder_id=folder_id)
    return UndoView("Remettre dans ma liste", url, None, until) if until is not None else None


def tell(words: str | Markup, folder_id: int, undo: UndoView | None = None) -> None:
    """Tell what the actor has just done, and let him take it back; `undo`: what does, where it is no act of the circuit."""
    with reading(g.actor.collectivity_id) as db:
        found = undo or view(db, db.get_one(Folder, folder_id), g.actor)
    flash(_with(words, found) if found else words, "ok")


def tell_note(words: str, folder_id: int, note_id: int) -> None:
    """The same of a note that was written."""
    url = url_for("folders.take_note_back", folder_id=folder_id, note_id=note_id)
    with reading(g.actor.collectivity_id) as db:
        until = db.get_one(FolderNote, note_id).final_at
    flash(_with(words, UndoView("Annuler cette note", url, None, until)) if until else words, "ok")


def _with(words: str | Markup, found: UndoView) -> Any:
    undo: Mapping[str, Any] = {
        "label": found.label,
        "url": found.url,
        "version": found.version,
        "until": found.until.timestamp(),
        "hour": found.hour,
    }
    return {"words": words, "undo": undo}


@pages.post("/dossiers/<int:folder_id>/annuler-geste")
@guard(PERSON)
def take_back(folder_id: int) -> Response:
    """Take back what one has just done; refused, the page where one is says of which folder, and leads to it."""
    try:
        noun = undoing.undo(g.actor, folder_id, version=version_shown())
    except Refusal as refusal:
        if refusal.key not in _STAYS or wants_json():
            raise
        return _not_taken_back(folder_id, refusal)
    with reading(g.actor.collectivity_id) as db:
        title = authorize(db, g.actor, folder_id).title
    flash(
        spaces(
            f"« {title or 'Sans titre'} » : {WORDS[noun][1][0].lower()}{WORDS[noun][1][1:]}, aucun courriel n’est parti."
        ),
        "ok",
    )
    return redirect(url_for("folders.show", folder_id=folder_id))


def _of(title: str, sentence: str) -> str:
    """A refusal with the title of its folder: « Rien n’a été annulé pour « Gaz » : … », one colon alone."""
    if not sentence.startswith(_NOTHING):
        return f"« {title} ». {sentence}"
    return f"{_NOTHING} pour « {title} »{sentence.removeprefix(_NOTHING)}"


def _not_taken_back(folder_id: int, refusal: Refusal) -> Response:
    """Back to the page from which it was asked, which may be that of the next folder; to the folder from anywhere else."""
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        title = folder.title or "Sans titre"
        moved_on = f"{moved.told(db, folder)}. Rien n’a été annulé."
    own = url_for("folders.show", folder_id=folder_id)
    sentence = moved_on if refusal.key == "moved-on" else sentences.say(refusal.key, refusal.facts)[1]
    words = sentence if refusal.key == "moved-on" else _of(title, sentence)
    flash(Markup('{} <a href="{}">Revoir ce dossier</a>').format(spaces(words), own), "warn")
    came = urlsplit(request.referrer or "")
    here = came.netloc == urlsplit(request.host_url).netloc and _PAGES.fullmatch(came.path)
    return redirect(came.path if here else own)
