"""« Mes courriels »: how often one is told what waits, and the letter that it makes now."""

from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.clock import PARIS, now
from app.core.db import Db, reading
from app.core.french import heure, instant, jour_long
from app.core.http import PERSON, guard
from app.core.limits import account_rate, limiter, per_account
from app.core.texts import whole
from app.notices import absent, bounces, choices, digests, outdone, waiting
from app.notices.agenda.web import pages as agenda
from app.notices.hours import HOURS
from app.people import reaching
from app.people.models import Collectivity, User
from app.people.own_settings.registry import Own, value_in
from app.people.persons import masked
from workflows.absences import MINUTE
from workflows.rhythms import CLOSES, MINUTES, OPENS, REST, Choice, Rhythm

pages = Blueprint("notices", __name__, template_folder="templates")
pages.register_blueprint(agenda)
HINTS = {
    Rhythm.NOW: "Un courriel par dossier, au matin pour ceux de la nuit, et chaque jour ouvré un rappel de ce qui est en retard.",
    Rhythm.HOURLY: f"Un seul courriel, de {OPENS} h à {CLOSES} h, s’il est arrivé quelque chose.",
    Rhythm.DAILY: "Un seul courriel par jour ouvré, tant qu’il y a quelque chose à faire.",
    Rhythm.WEEKLY: "Le premier jour ouvré de la semaine. Ce qui est en retard se rappelle quand même chaque jour.",
    Rhythm.NEVER: "Rien n’annonce ce qui vous attend : pensez à ouvrir « À traiter ».",
}


@dataclass(frozen=True)
class Next:
    """When the next letter leaves, in words, and what it would say now; nothing where the choice makes none.

    `away`: until when an absence is noted, for whose end it waits, in words; empty for none. `again`: another told this day
    what waits, so that it leaves only if something comes.
    """

    moment: str
    away: str
    again: bool
    folders: int
    late: int
    returned: int
    arrived: int


@dataclass(frozen=True)
class Apart:
    """A type that has a rhythm of its own, in words, and when its next letter leaves, empty where none does.

    `away`: as in `Next`.
    """

    name: str
    label: str
    rhythm: str
    moment: str
    away: str


@pages.get("/compte/courriels")
@guard(PERSON, unprotected=True)
def letters() -> str:
    """What one chose, and the next letter."""
    with reading(g.actor.collectivity_id) as db:
        user = db.get_one(User, g.actor.user_id)
        own = db.get_one(Collectivity, g.actor.collectivity_id).settings
        chosen = choices.choices_of(user, own)
        choice = chosen.general
        moment, away = _leaving(db, user, own, REST, choice, at_once=True)
        due = digests.next_letter(choice, own, now())
        again = due is not None and any(
            REST in left.parts.told for left in outdone.told_on(outdone.lately_left(db, user.id), due)
        )
        counts = waiting.waiting(db, g.actor)
        fault = bounces.unreached(db, user)
        hours = str(value_in(own, HOURS).value)
        types = choices.offered(db, g.actor)
        apart = [
            Apart(
                name,
                label if name in types else f"{label} (rien ne vous en attend plus)",
                _said(chosen.types[name]),
                *(_leaving(db, user, own, name, chosen.types[name]) if name in types else ("", "")),
            )
            for name, label in choices.apart(db, g.actor, chosen)
        ]
    return render_template(
        "notices/letters.html",
        rhythms=[(rhythm.value, rhythm.label, HINTS[rhythm]) for rhythm in Rhythm],
        chosen=choice.rhythm.value,
        minutes=[(minute, _hour(minute)) for minute in MINUTES],
        minute=choice.minute,
        since=jour_long(choice.since.astimezone(PARIS).date()) if choice.since else "",
        apart=apart,
        types=[(name, law.plural) for name, law in types.items()],
        following=Next(moment, away, again, counts.folders, counts.late, counts.returned, counts.arrived),
        fault=fault,
        address=masked(user.email),
        hours=hours,
    )


@pages.post("/compte/courriels")
@guard(PERSON, unprotected=True)
def choose() -> Response:
    """Keep how often one is told, and at which hour."""
    choices.choose(g.actor, request.form.get("rhythm", ""), _minute())
    flash("Le rythme de vos courriels est enregistré.", "ok")
    return redirect(url_for("notices.letters"))


@pages.post("/compte/courriels/types")
@guard(PERSON, unprotected=True)
def choose_for() -> Response:
    """Keep another rhythm for a type of folders."""
    choices.choose_for(g.actor, request.form.get("type", ""), request.form.get("rhythm", ""), _minute())
    flash("Le rythme de ce type de dossier est enregistré.", "ok")
    return redirect(url_for("notices.letters"))


@pages.post("/compte/courriels/types/retirer")
@guard(PERSON, unprotected=True)
def follow_general() -> Response:
    """Let a type of folders follow the general rhythm again."""
    choices.follow_general(g.actor, request.form.get("type", ""))
    flash("Ce type de dossier suit de nouveau votre rythme général.", "ok")
    return redirect(url_for("notices.letters"))


def _minute() -> int:
    minute = whole(request.form.get("minute"))
    return -1 if minute is None else minute


def _hour(minute: int) -> str:
    return f"{minute // 60} h{f' {minute % 60:02}' if minute % 60 else ''}"


def _said(choice: Choice) -> str:
    """« une fois par jour, à 8 h »."""
    at = f", à {_hour(choice.minute)}" if choice.rhythm in {Rhythm.DAILY, Rhythm.WEEKLY} else ""
    return f"{choice.rhythm.label[:1].lower()}{choice.rhythm.label[1:]}{at}"


def _leaving(
    db: Db, user: User, own: Own, name: str, choice: Choice, *, at_once: bool = False
) -> tuple[str, str]:
    """When the next letter of a choice leaves, and until when an absence keeps it, in words; nothing where none is due.

    `name`: of its rhythm. `at_once`: also where each folder is told at once, once the absence is over.
    """
    due = digests.next_letter(choice, own, now())
    if due is None and not (at_once and choice.rhythm is Rhythm.NOW):
        return "", ""
    moment, ends = absent.leaves(db, g.actor, user, own, name, due)
    return _moment(moment), instant(ends - MINUTE) if ends else ""


def _moment(moment: datetime | None) -> str:
    return f"{jour_long(moment.astimezone(PARIS).date())}, {heure(moment)}" if moment else ""


@pages.post("/compte/courriels/exemple")
@guard(PERSON, unprotected=True)
@limiter.limit(account_rate, key_func=per_account)
def example() -> Response:
    """Send oneself the letter that tells what waits now."""
    digests.send_example(g.actor)
    flash("L’exemple part : il arrive dans votre boîte d’ici quelques minutes.", "ok")
    return redirect(url_for("notices.letters"))


@pages.post("/compte/courriels/adresse")
@guard(PERSON, unprotected=True)
def confirm() -> Response:
    """Say that one's address serves after all."""
    count = reaching.confirm_own(g.actor)
    flash(
        f"C’est noté : les rappels vous sont envoyés de nouveau à cette adresse{reaching.also(count)}.", "ok"
    )
    return redirect(url_for("notices.letters"))
