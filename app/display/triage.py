"""The page of what several folders of « À traiter » may get together beside a decision, and a route for each mark."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core.clock import today
from app.core.db import reading
from app.core.french import instant, jour_long, spaces
from app.core.grammar import plural
from app.core.http import PERSON, guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.display.blueprint import pages
from app.display.later import MORNING
from app.display.marking import moment_typed
from app.display.ticking import LIMIT, all_of, ticked
from app.display.trays import asked_in
from app.folders import together
from app.folders.sockets import plugged
from app.folders.together import Item, Sorted
from workflows.vocabulary import Right

SOME = 3
"""So many last days are told one by one."""


@dataclass(frozen=True)
class Days:
    """What the form of « Plus tard… » offers and holds: `until` says in words when, once a day that some refuse was typed."""

    day: str
    hour: str
    first: str
    last: str
    last_words: str
    until: str = ""
    error: str = ""


@pages.post("/a-traiter/ensemble")
@guard(PERSON)
def together_page() -> str:
    """Show what is ticked, or all that the list shows, with how many of them each mark would change."""
    return _page(_wanted())


@pages.post("/a-traiter/lus")
@guard(PERSON)
def read_together() -> Response:
    """Mark them as read."""
    return _told(together.mark_read(g.actor, _wanted()), "marqué", "comme lu")


@pages.post("/a-traiter/non-lus")
@guard(PERSON)
def unread_together() -> Response:
    """Mark them as not read."""
    return _told(together.mark_unread(g.actor, _wanted()), "marqué", "comme non lu")


@pages.post("/a-traiter/remettre")
@guard(PERSON)
def shown_together() -> Response:
    """Put those that are hidden back in the list."""
    return _told(together.show_again(g.actor, _wanted()), "remis", "dans votre liste")


@pages.post("/a-traiter/masquer")
@guard(PERSON)
def hide_together() -> Response | tuple[str, int]:
    """Hide them until one moment, once those that are due before it were told."""
    wanted, day, hour, until = _wanted(), *moment_typed()
    with reading(g.actor.collectivity_id) as db:
        every = together.items(db, g.actor, wanted)
    # Whoever has not been told of those that stay, for this very moment, is told first
    at_first, now_known = together.to_hide(every), together.to_hide(every, until)
    untold = request.form.get("agreed") != f"{day}T{hour}" or not now_known.goes
    if until is not None and untold and len(now_known.stays) > len(at_first.stays):
        return _page(wanted, day=day, hour=hour, until=until), 200 if now_known.goes else 422
    try:
        found = together.hide(g.actor, wanted, until)
    except Refusal as refusal:
        if refusal.key != "hide-moment":
            raise
        status, sentence = sentences.say(refusal.key, refusal.facts)
        return _page(wanted, day=day, hour=hour, error=sentence), status
    return _told(found, "masqué", f"de votre liste jusqu’au {instant(until)}")


def _list() -> str:
    """The address of the list from which one came."""
    asked = asked_in(request.form)
    return url_for("folders.inbox", **asked.said(bannette=asked.tray if asked.tray != "todo" else None))


def _wanted() -> dict[int, int]:
    """The folders that the form names, or all that the list finds; refuses `ticked-none` and `ticked-many`."""
    if request.form.get("all"):
        with reading(g.actor.collectivity_id) as db:
            wanted = {line.id: line.version for line in all_of(db, g.actor, asked_in(request.form))}
    else:
        wanted = ticked(request.form.getlist("d"))
    if not wanted:
        raise Refusal("ticked-none")
    if len(wanted) > LIMIT:
        raise Refusal("ticked-many", limit=LIMIT)
    return wanted


def _page(
    wanted: Mapping[int, int],
    *,
    day: str = "",
    hour: str = MORNING,
    until: datetime | None = None,
    error: str = "",
) -> str:
    with reading(g.actor.collectivity_id) as db:
        every = together.items(db, g.actor, wanted)
    if not every:
        raise Refusal("ticked-gone")
    able = together.to_hide(every).goes
    return render_template(
        "folders/together.html",
        title=spaces(plural(len(every), "dossier choisi", "dossiers choisis")),
        ticked=[f"{one.folder_id}-{wanted[one.folder_id]}" for one in every],
        asked=asked_in(request.form).said(bannette=asked_in(request.form).tray),
        back=_list(),
        read=together.to_read(every),
        unread=together.to_unread(every),
        shown=together.to_show(every),
        hiding=together.to_hide(every, until),
        days=_days(able, day, hour, until, error) if able else None,
        hand_url=url_for(plugged.selection[0][0]) if plugged.selection and g.actor.may(Right.ACT) else None,
        handed=sum(one.handed for one in every),
    )


def _days(able: Sequence[Item], day: str, hour: str, until: datetime | None, error: str) -> Days:
    last = max(one.last for one in able)
    first = today() + timedelta(days=1)
    lasts = Counter(one.last for one in able)
    told = [f"{plural(count, 'dossier')} jusqu’au {jour_long(one)}" for one, count in sorted(lasts.items())]
    words = ", ".join(told[:SOME]) + (
        f" ; les autres, jusqu’au {jour_long(last)} au plus" if told[SOME:] else ""
    )
    return Days(
        day or first.isoformat(),
        hour,
        today().isoformat(),
        last.isoformat(),
        spaces(words),
        instant(until) if until is not None else "",
        error,
    )


def _told(found: Sorted, past: str, where: str) -> Response:
    """Back to the list, told how many were marked, and of those that were not why."""
    count = len(found.goes)
    if count:
        verb = f"sont {past.removesuffix('s')}s" if count > 1 else f"est {past}"
        adjective = where.replace("comme lu", "comme lus").replace("comme non lu", "comme non lus")
        words = f"{plural(count, 'dossier')} {verb} {adjective if count > 1 else where}, pour vous seulement."
        flash(spaces(words), "ok")
    elif not found.stays:
        flash("Rien n’a changé : ces dossiers l’étaient déjà.", "info")
    for several, why in found.reasons:
        flash(spaces(f"{plural(several, 'dossier')} de moins. {why}"), "warn")
    return redirect(_list())
