"""The dialogs of whoever would rather not decide alone: an opinion asked of other desks, a step handed to one of them."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.clock import today
from app.core.db import Db, reading
from app.core.french import instant
from app.core.grammar import plural
from app.core.http import PERSON, guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.display import page, undone
from app.display.blueprint import pages, version_shown
from app.display.portrait import current_present
from app.folders import asking, handing
from app.folders.access import authorize
from app.folders.models import Folder
from app.folders.move import not_your_turn
from app.folders.seats import Person
from app.people.covers import in_absence
from workflows.vocabulary import Answer

WAITS = {"yes": True, "no": False}
FIELDS = {
    "opinion-desks": "desks",
    "opinion-question": "question",
    "words-long": "question",
    "opinion-date": "wanted_on",
    "opinion-taking-part": "desks",
    "opinion-asked-already": "desks",
    "opinion-nobody": "desks",
    "opinion-outside": "desks",
    "opinion-many": "desks",
    "opinion-waits": "waits",
}
"""The refusals that are told in the dialog, with what was typed, each by the field that it is about."""


HANDING = {
    "handing-reason": "reason",
    "words-long": "reason",
    "handing-desk": "desk",
    "handing-refused": "desk",
    "handing-outside": "desk",
    "handing-taking-part": "desk",
    "handing-asked": "desk",
    "handing-many": "desk",
    "handing-back": "desk",
    "handing-own-deposit": "desk",
    "handing-nobody": "desk",
}
"""The same, of a step that is handed on."""


@pages.route("/dossiers/<int:folder_id>/avis", methods=["GET", "POST"])
@guard(PERSON)
def ask_opinion(folder_id: int) -> Response | tuple[str, int]:
    """Ask other desks what they think of the folder."""
    refused: Refusal | None = None
    if request.method == "POST":
        try:
            names = _ask(folder_id)
        except Refusal as refusal:
            if refusal.key not in FIELDS:
                raise
            refused = refusal
        else:
            what = "L’avis est demandé" if len(names) == 1 else "Les avis sont demandés"
            flash(f"{what} à {', '.join(names)}.", "ok")
            return redirect(url_for("folders.show", folder_id=folder_id))
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        context = _dialog(db, folder)
    status, sentence = sentences.say(refused.key, refused.facts) if refused else (200, "")
    wrong = FIELDS[refused.key] if refused else ""
    return render_template("folders/ask.html", error=sentence, wrong=wrong, **context), status


def _ask(folder_id: int) -> tuple[str, ...]:
    form = request.form
    waits = form.get("waits", "")
    if waits not in WAITS:
        raise Refusal("opinion-waits")
    return asking.ask(
        g.actor,
        folder_id,
        version=version_shown(),
        desks=form.getlist("desks"),
        question=form.get("question", ""),
        waits=WAITS[waits],
        wanted_on=_day(form.get("wanted_on", "").strip()),
    )


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed) if typed else None
    except ValueError:
        raise Refusal("opinion-date") from None


def _dialog(db: Db, folder: Folder) -> Mapping[str, Any]:
    here = current_present(db, folder)
    if here is None or not asking.may_ask(folder, g.actor, here):
        raise not_your_turn(db, g.actor, folder, here)
    desks = asking.desks_for(db, folder, g.actor, here)
    return {
        "folder": page.head(db, folder, here),
        "desks": [
            (desk.key, desk.slot.label, ", ".join(map(person_told, desk.slot.people)))
            for desk in desks
            if desk.refusal is None
        ],
        "most": plural(asking.MOST_DESKS, "bureau", "bureaux"),
        "typed": {
            "desks": request.form.getlist("desks"),
            "question": request.form.get("question", ""),
            "waits": request.form.get("waits", ""),
            "wanted_on": request.form.get("wanted_on", ""),
        },
        "today": today().isoformat(),
    }


def person_told(person: Person) -> str:
    """Somebody of a desk that is offered, in whose absence, or until when he is away himself and whether nobody stands in."""
    name = in_absence(person.name, person.absent)
    if person.away is None:
        return name
    alone = "" if person.covered else ", sans intérim"
    return f"{name} (absence jusqu’au {instant(person.away)}{alone})"


@pages.post("/dossiers/<int:folder_id>/avis/<int:number>/rendre")
@guard(PERSON)
def give_opinion(folder_id: int, number: int) -> Response:
    """Answer for the desk that was asked."""
    answer = request.form.get("opinion", "")
    asking.answer(
        g.actor,
        folder_id,
        number,
        version=version_shown(),
        answer=answer,
        comment=request.form.get("comment", ""),
    )
    words = (
        "Vous avez répondu que vous n’avez pas d’avis" if answer == Answer.NONE else "Votre avis est rendu"
    )
    flash(f"{words} : il se lit avant la décision, et reste au dossier.", "ok")
    return redirect(url_for("folders.show", folder_id=folder_id))


@pages.post("/dossiers/<int:folder_id>/avis/<int:number>/retirer")
@guard(PERSON)
def withdraw_opinion(folder_id: int, number: int) -> Response:
    """Take back what was asked."""
    desk = asking.withdraw(
        g.actor, folder_id, number, version=version_shown(), reason=request.form.get("reason", "")
    )
    flash(f"La demande d’avis à {desk} est retirée.", "ok")
    return redirect(url_for("folders.show", folder_id=folder_id))


@pages.route("/dossiers/<int:folder_id>/confier", methods=["GET", "POST"])
@guard("act")
def hand(folder_id: int) -> Response | tuple[str, int]:
    """Hand one's part of the step to another desk."""
    refused: Refusal | None = None
    typed = {"desk": request.form.get("desk", ""), "reason": request.form.get("reason", "")}
    if request.method == "POST":
        try:
            name = handing.hand(g.actor, folder_id, version=version_shown(), **typed)
        except Refusal as refusal:
            if refusal.key not in HANDING:
                raise
            refused = refusal
        else:
            undone.tell(f"Le dossier est confié à {name}, qui décide à cette étape.", folder_id)
            return redirect(url_for("folders.show", folder_id=folder_id))
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        here = current_present(db, folder)
        if here is None or here.step is None or not here.in_turn(g.actor, folder):
            raise not_your_turn(db, g.actor, folder, here)
        if not handing.may_hand(folder, g.actor, here):
            raise Refusal("handing-fixed", step=here.step.label)
        giver = handing.giver_of(db, folder, here, handing.part_to_hand(db, folder, g.actor, here))
        desks = [one for one in handing.receivers(db, folder, g.actor, here) if one.refusal is None]
        context = {
            "folder": page.head(db, folder, here),
            "desks": [
                (desk.key, desk.slot.label, ", ".join(map(person_told, desk.slot.people))) for desk in desks
            ],
            "giver": giver,
            "typed": typed,
        }
    status, sentence = sentences.say(refused.key, refused.facts) if refused else (200, "")
    wrong = HANDING[refused.key] if refused else ""
    return render_template("folders/hand.html", error=sentence, wrong=wrong, **context), status
