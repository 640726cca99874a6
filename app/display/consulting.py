"""The dialogs of whoever would rather not decide alone: an opinion asked of other desks, a step handed to one of them."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

from flask import flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.clock import today
from app.core.db import Db
from app.core.french import instant, spaces
from app.core.grammar import de, to_desk
from app.core.http import PERSON, guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.display import onward, page
from app.display.blueprint import pages, version_shown
from app.display.opening import shown_to
from app.display.portrait import current_present
from app.folders import asking, handing
from app.folders.models import Folder
from app.folders.move import not_your_turn
from app.folders.seats import Person, Slot
from app.people.choosing import never_opened
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


ANSWERED = {
    Answer.FAVOURABLE: "a votre avis favorable",
    Answer.UNFAVOURABLE: "a votre avis défavorable",
    Answer.NONE: "a votre réponse, sans avis",
}
"""What is told of a folder once its opinion is given, after its title."""


OPINION = frozenset({"opinion-word", "words-long"})
"""The same, of the words of an opinion."""


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
            asked = ", ".join(map(to_desk, names))
            if WAITS[request.form["waits"]]:  # nothing is left to do here until it is given
                what = "l’avis demandé" if len(names) == 1 else "les avis demandés"
                return onward.go(folder_id, f"attend {what} {asked}")
            what = "L’avis est demandé" if len(names) == 1 else "Les avis sont demandés"
            flash(spaces(f"{what} {asked}."), "ok")
            return redirect(url_for("folders.show", folder_id=folder_id))
    context = shown_to(g.actor, folder_id, _dialog)
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
        "desks": offered(db, desks),
        "most": asking.MOST_DESKS,
        "typed": {
            "desks": request.form.getlist("desks"),
            "question": request.form.get("question", ""),
            "waits": request.form.get("waits", ""),
            "wanted_on": request.form.get("wanted_on", ""),
        },
        "today": today().isoformat(),
    }


def offered(db: Db, desks: Iterable[asking.Desk]) -> list[tuple[str, str, str]]:
    """The desks that may be chosen: their keys, their names, and their people."""
    open_to = [one for one in desks if one.refusal is None]
    unopened = unopened_at(db, (one.slot for one in open_to))
    return [(one.key, one.slot.label, people_told(one.slot.people, unopened)) for one in open_to]


def unopened_at(db: Db, slots: Iterable[Slot]) -> frozenset[int]:
    """Who sits at these desks by an account that nobody has opened yet."""
    return never_opened(db, {person.user_id for slot in slots for person in slot.people})


def people_told(people: Iterable[Person], unopened: Collection[int] = ()) -> str:
    """Those of a desk that is offered; who is away and whose cover is there too is named once, beside the cover.

    The same words as in « On attend »: « Solenn Rivoal (en l’absence de Ronan Pellenec) ». `unopened`: whose account nobody has
    opened, which is said of each: what is given to them alone waits until they first log in.
    """
    everybody = list(people)
    stood_in_for = {one.absent for one in everybody if one.absent}
    told = [
        person_told(one, unopened=one.user_id in unopened)
        for one in everybody
        if one.away is None or one.name not in stood_in_for
    ]
    return spaces(", ".join(told))


def person_told(person: Person, *, unopened: bool = False) -> str:
    """Somebody of a desk that is offered, in whose absence, or until when he is away himself and whether nobody stands in."""
    told = [f"en l’absence {de(person.absent)}"] if person.absent else []
    if person.away is not None and not person.absent:
        told.append(f"absence jusqu’au {instant(person.away)}")
        told += [] if person.covered else ["sans intérim"]
    told += ["compte jamais ouvert"] if unopened else []
    return f"{person.name} ({', '.join(told)})" if told else person.name


@pages.post("/dossiers/<int:folder_id>/avis/<int:number>/rendre")
@guard(PERSON)
def give_opinion(folder_id: int, number: int) -> Response | tuple[str, int]:
    """Answer for the desk that was asked."""
    answer, comment = request.form.get("opinion", ""), request.form.get("comment", "")
    try:
        asking.answer(g.actor, folder_id, number, version=version_shown(), answer=answer, comment=comment)
    except Refusal as refusal:
        return opinion_again(folder_id, refusal, number)
    return onward.go(folder_id, ANSWERED[Answer(answer)])


def opinion_again(folder_id: int, refusal: Refusal, number: int | None = None) -> tuple[str, int]:
    """The folder's page with the opinion that was typed and is not kept, and why beside it; raises what is not of its words.

    `number`: of the opinion that was asked beside the step; None of the one that the step asks.
    """
    if refusal.key not in OPINION:
        raise refusal
    status, sentence = sentences.say(refusal.key, refusal.facts)

    def made(db: Db, folder: Folder) -> dict[str, Any]:
        return page.context(db, folder, g.actor, "circuit", None, {})

    context = shown_to(g.actor, folder_id, made)
    g.todo_count = context.pop("todo_count")
    typed = {
        "number": number,
        "opinion": request.form.get("opinion", ""),
        "comment": request.form.get("comment", ""),
        "version": version_shown(),
        "error": sentence,
    }
    return render_template("folders/show.html", opinion_typed=typed, **context), status


@pages.post("/dossiers/<int:folder_id>/avis/<int:number>/retirer")
@guard(PERSON)
def withdraw_opinion(folder_id: int, number: int) -> Response:
    """Take back what was asked."""
    desk = asking.withdraw(
        g.actor, folder_id, number, version=version_shown(), reason=request.form.get("reason", "")
    )
    flash(spaces(f"La demande d’avis {to_desk(desk)} est retirée."), "ok")
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
            return onward.go(folder_id, f"est confié {to_desk(name)}, à qui revient cette étape")
    context = {**shown_to(g.actor, folder_id, _handing), "typed": typed}
    status, sentence = sentences.say(refused.key, refused.facts) if refused else (200, "")
    wrong = HANDING[refused.key] if refused else ""
    return render_template("folders/hand.html", error=sentence, wrong=wrong, **context), status


def _handing(db: Db, folder: Folder) -> Mapping[str, Any]:
    """What the dialog tells of the part that one may hand on."""
    here = current_present(db, folder)
    if here is None or here.step is None or not here.in_turn(g.actor, folder):
        raise not_your_turn(db, g.actor, folder, here)
    if not handing.may_hand(folder, g.actor, here):
        raise Refusal("handing-fixed", step=here.step.label)
    giver = handing.giver_of(db, folder, here, handing.part_to_hand(db, folder, g.actor, here))
    desks = handing.receivers(db, folder, g.actor, here)
    return {
        "folder": page.head(db, folder, here),
        "desks": offered(db, desks),
        "giver": giver,
    }
