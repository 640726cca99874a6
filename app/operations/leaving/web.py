"""The page by which an account is closed: what would stop, the gesture that solves each point, the closing, now or at a date."""

import time
from collections.abc import Callable, Sequence

import sqlalchemy as sa
from flask import Blueprint, flash, g, redirect, render_template, request, session, url_for
from sqlalchemy.orm import aliased
from werkzeug.wrappers import Response as Answer

from app.circuits import set_up
from app.core.clock import PARIS
from app.core.db import Db, key_in, reading
from app.core.grammar import de, plural
from app.core.http import BRANCH, guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.folders import handing, rerouting
from app.folders.access import reads_all
from app.operations.absences import planning
from app.operations.leaving import effects as leaving
from app.operations.leaving import planned
from app.people import accounts, choosing, desks, hierarchy
from app.people.branches import TAKES_BRANCH, branch_of, is_reached, only_in
from app.people.given import rights_of
from app.people.mandates import OF_COLLECTIVITY
from app.people.models import Absence, Desk, Holder, PlannedClosing, User
from app.people.office.web import choosing_whole, ending, who_is_there
from app.people.places import Places, places
from workflows.rights import NONE as NO_RIGHTS
from workflows.rights import Rights
from workflows.vocabulary import Right

pages = Blueprint("leaving", __name__)
LIST, HERE = "operations.persons.index", "operations.leaving.show"
BEGUN = "closing"  # a name of its own: a process of the version before, which serves beside, reads two values under its own
LASTS = 1800
"""Seconds during which the other pages of the administrator lead back to a closing that was begun."""
_FOLLOWING = Rights.of(Right.FOLLOW)
ELSEWHERE = frozenset(
    {
        "not-found",
        "identity-needed",
        "account-closed",
        "administrator-lost",
        "person-unknown",
        "right-missing",
    }
)
"""Refusals that are of the whole page."""
TYPED = frozenset({"handing-reason", "handing-desk", "coming-reason", "coming-heir", "words-long"})
"""Those of what is typed once for all of the folders of one gesture."""
AT_ONCE = 50
"""Folders handed on, or changed, in one request."""


@pages.app_template_global()
def closing_begun() -> tuple[int, str] | None:
    """The account whose closing was begun in this session, and whose it is, to come back to it; None of none, and on its page."""
    number, since, *name = session.get(BEGUN, (None, 0))
    if (
        number is None
        or not name
        or time.time() - since > LASTS
        or (request.endpoint or "").startswith("operations.leaving.")
    ):
        return None
    return int(number), de(str(name[0]))


def give_up(user_id: int) -> None:
    """Lead back no more to the closing of this account, whose page is read again."""
    if session.get(BEGUN, (None, 0))[0] == user_id:
        session.pop(BEGUN)


@pages.route("/administration/personnes/<int:user_id>/fermer", methods=["GET", "POST"])
@guard(BRANCH)
@who_is_there(LIST, doing="Fermer un compte")
def show(user_id: int) -> Answer | tuple[str, int]:
    """What the closing of an account would leave, each thing with what solves it; then the closing, with a reason if some is."""
    if request.method != "POST" and user_id == g.actor.user_id:
        flash(sentences.say("account-own", {})[1], "info")
        return redirect(url_for("operations.persons.show", user_id=user_id))
    if request.method != "POST":
        return _page(user_id)
    with reading(g.actor.collectivity_id) as db:
        user = _user(db, user_id)
        login, name = user.login, user.name
    try:
        told = leaving.confirmed(request.form.get("reason", ""), request.form.get("shown"))
        closed = desks.close_account(g.actor.collectivity_id, login, by=g.actor, leaving=told)
    except Refusal as refusal:
        if refusal.key not in {"leaving-moved", "leaving-reason"}:
            raise
        return _page(user_id, refusal, at_once=True)
    if not closed:
        return _closed(name)
    session.pop(BEGUN, None)
    flash(f"Le compte {de(name)} est fermé, et ses sessions avec lui.", "ok")
    return redirect(url_for(LIST))


@pages.post("/administration/personnes/<int:user_id>/fermer/prevoir")
@guard(BRANCH)
@who_is_there(LIST, doing="Prévoir la fermeture d’un compte")
def plan(user_id: int) -> Answer | tuple[str, int]:
    """Plan the closing for a moment to come."""
    form = request.form

    def do() -> str:
        moment = planned.plan(
            g.actor,
            user_id,
            form.get("at", "")[:40],
            reason=form.get("reason", ""),
            shown=form.get("shown"),
        )
        return f"La fermeture est prévue {planned.words_of(moment)}."

    return _done(user_id, do)


@pages.post("/administration/personnes/<int:user_id>/fermer/annuler")
@guard(BRANCH)
@who_is_there(LIST, doing="Renoncer à une fermeture prévue")
def cancel(user_id: int) -> Answer | tuple[str, int]:
    """Give up the closing that was planned."""

    def do() -> str:
        planned.cancel(g.actor, user_id)
        return "La fermeture prévue est annulée : le compte reste ouvert."

    return _done(user_id, do)


@pages.post("/administration/personnes/<int:user_id>/fermer/bureau")
@guard(BRANCH)
@who_is_there(LIST, doing="Donner à une autre personne les droits de qui part")
def hand_desk(user_id: int) -> Answer | tuple[str, int]:
    """Give somebody the rights of who leaves at one of his desks, beside those that he has there."""

    def do() -> str:
        desk_id, heir = key_in(request.form.get("desk")) or 0, _heir()
        with reading(g.actor.collectivity_id) as db:
            _user(db, user_id)
            rows = db.scalars(
                sa.select(Holder).join(Desk).where(Holder.desk_id == desk_id, _ours(Desk))
            ).all()
        seen = {row.user_id: rights_of(row) for row in rows}
        if not seen.get(user_id):
            raise Refusal("desk-absent")
        both = seen.get(heir, NO_RIGHTS) | seen[user_id]
        # Whoever acts follows: the two are not written together
        wanted = {heir: both.without(_FOLLOWING) if len(both) > 1 else both}
        changed = hierarchy.seat_all(g.actor, desk_id, wanted, seen)
        return "C’est donné." if changed else "Cette personne avait déjà ces droits : rien n’a changé."

    return _done(user_id, do)


@pages.post("/administration/personnes/<int:user_id>/fermer/dossiers")
@guard("administer")
@who_is_there(LIST, doing="Confier à un autre bureau les dossiers de qui part")
def hand_folders(user_id: int) -> Answer | tuple[str, int]:
    """Hand the folders that wait for who leaves to another desk, at once; those that may not be are told by their number."""

    def do() -> str:
        reason = request.form.get("why", "")
        with reading(g.actor.collectivity_id) as db:
            effects = leaving.effects_of(db, _user(db, user_id))
            numbers = (effects.named_handed if request.form.get("named") else effects.handed)[:AT_ONCE]
            desk = db.scalar(
                sa.select(Desk).where(Desk.id == (key_in(request.form.get("to")) or 0), _ours(Desk))
            )
            key, name = (desk.key, desk.name) if desk is not None else ("", "")
        if not numbers:
            raise Refusal("leaving-folders")

        def give(number: int) -> None:
            handing.hand_for(g.actor, number, user_id, desk=key, reason=reason)

        done, whys = _each(numbers, give)
        told = f"{plural(done, 'dossier')} {'sont confiés' if done > 1 else 'est confié'} à « {name} »."
        return f"{told}{whys}"

    return _done(user_id, do)


@pages.post("/administration/personnes/<int:user_id>/fermer/etapes")
@guard("administer")
@who_is_there(LIST, doing="Nommer une autre personne aux étapes de qui part")
def replace_named(user_id: int) -> Answer | tuple[str, int]:
    """Name another person, or a desk, at the coming steps of folders that name who leaves, at once."""

    def do() -> str:
        form = request.form
        with reading(g.actor.collectivity_id) as db:
            numbers = leaving.effects_of(db, _user(db, user_id)).coming_named[:AT_ONCE]
            desk = db.scalar(
                sa.select(Desk).where(Desk.id == (key_in(form.get("named_to")) or 0), _ours(Desk))
            )
            heir = db.scalar(
                sa.select(User).where(User.id == (key_in(form.get("named_person")) or 0), _ours(User))
            )
            key, login = desk.key if desk is not None else "", heir.login if heir is not None else ""
            name = f"« {desk.name} »" if desk is not None else heir.name if heir is not None else ""
        if not numbers:
            raise Refusal("leaving-folders")

        def give(number: int) -> None:
            reason = form.get("named_why", "")
            rerouting.replace_named(g.actor, number, user_id, person=login, desk=key, reason=reason)

        done, whys = _each(numbers, give)
        return f"{name} prend sa place dans {plural(done, 'dossier')}.{whys}"

    return _done(user_id, do)


def _each(numbers: Sequence[int], give: Callable[[int], None]) -> tuple[int, str]:
    """Do the same to each folder: how many were done, and why the others were not, each by its number.

    What is refused of the page, of what was typed or of all of them is raised.
    """
    left: list[tuple[int, Refusal]] = []
    for number in numbers:
        try:
            give(number)
        except Refusal as refusal:
            if refusal.key in ELSEWHERE | TYPED or len(left) == len(numbers) - 1:
                raise
            left.append((number, refusal))
    whys = (f" N° {number} : {sentences.say(why.key, why.facts)[1]}" for number, why in left)
    return len(numbers) - len(left), "".join(whys)


@pages.post("/administration/personnes/<int:user_id>/fermer/interim")
@guard(BRANCH)
@who_is_there(LIST, doing="Confier à une autre personne les intérims de qui part")
def hand_cover(user_id: int) -> Answer | tuple[str, int]:
    """Have somebody else stand in where who leaves does, for the same days and the same acts."""

    def do() -> str:
        number, heir = key_in(request.form.get("absence")) or 0, _heir()
        with reading(g.actor.collectivity_id) as db:
            _user(db, user_id)
            row = db.scalar(sa.select(Absence).where(Absence.id == number, _ours(Absence)))
            if row is None or row.cover_id != user_id:
                raise Refusal("absence-unknown")
            wanted = planning.as_written(row, heir)
        planning.change(g.actor, number, wanted, revision=key_in(request.form.get("revision")) or 0)
        return "L’intérim est confié."

    return _done(user_id, do)


@pages.route(
    "/administration/personnes/<int:user_id>/fermer/mandat/<int:mandate_id>", methods=["GET", "POST"]
)
@guard("administer")
@who_is_there(LIST, doing="Mettre fin à un mandat de signature")
def end(user_id: int, mandate_id: int) -> Answer | tuple[str, int]:
    """Put an end to a mandate of who leaves, at once or after a day to come, once what stops with it is shown."""
    with reading(g.actor.collectivity_id) as db:
        user, row, _ = _planned(db, user_id)
        effects = leaving.effects_of(db, user)
        words = f"Avant de fermer le compte {de(user.name)}"
        coming = row.closes_at if row is not None and row.refused_at is None else None
    if mandate_id not in {mandate for mandate, _ in effects.mandates}:
        raise Refusal("mandate-unknown")
    last_day = coming.astimezone(PARIS).date() if coming is not None else None
    return ending(mandate_id, (words, url_for(HERE, user_id=user_id)), last_day)


@pages.post("/administration/personnes/<int:user_id>/fermer/branche")
@guard("administer")
@who_is_there(LIST, doing="Confier à une autre personne la branche de qui part")
def hand_branch(user_id: int) -> Answer | tuple[str, int]:
    """Give the branch of who leaves to somebody else, or take it back from him alone."""

    def do() -> str:
        with reading(g.actor.collectivity_id) as db:
            _user(db, user_id)
        heir = _heir() if request.form.get("person") else None
        accounts.hand_branch(g.actor, user_id, key_in(request.form.get("branch")) or 0, heir)
        return "C’est enregistré."

    return _done(user_id, do)


def _done(user_id: int, do: Callable[[], str]) -> Answer | tuple[str, int]:
    """Do what solves a point, and show what is left; a refusal is told above the list."""
    try:
        sentence = do()
    except Refusal as refusal:
        if refusal.key in ELSEWHERE:
            raise
        return _page(user_id, refusal)
    flash(sentence, "ok")
    return redirect(url_for(HERE, user_id=user_id))


def _heir() -> int:
    """The person who is chosen; refuses `leaving-heir` of none."""
    number = key_in(request.form.get("person"))
    if number is None:
        raise Refusal("leaving-heir")
    return number


def _closed(name: str) -> Answer:
    session.pop(BEGUN, None)
    flash(f"Le compte {de(name)} est déjà fermé.", "info")
    return redirect(url_for(LIST))


def _page(user_id: int, refusal: Refusal | None = None, *, at_once: bool = False) -> Answer | tuple[str, int]:
    """The list at the moment that is planned, or as it is now, also `at_once`; after a refusal, with what was typed."""
    status, error = sentences.say(refusal.key, refusal.facts) if refusal is not None else (200, "")
    here = g.actor.collectivity_id
    with reading(here) as db:
        within = branch_of(db, g.actor)
        user, row, planner = _planned(db, user_id)
        if not is_reached(db, within, user.id):
            raise Refusal("not-found")
        if not user.active:
            return _closed(user.name)
        set_up.read_ahead(db, here, OF_COLLECTIVITY)
        coming = row if row is not None and row.refused_at is None else None
        later = coming is not None and not at_once
        chosen, whole = (_chosen(), choosing_whole()) if within is None else (None, True)
        beside = [
            choosing.asking_people(here, chosen=chosen, whole=whole, within=those, but=(user.id,))
            for those in (only_in(within) if within is not None else None, TAKES_BRANCH)
        ]
        moment = coming.closes_at if coming is not None and later else None
        effects, (heirs, takers) = leaving.read(db, user, moment, *beside)
        to = key_in(request.form.get("to"))
        named_to, named_person = (
            key_in(request.form.get("named_to")),
            key_in(request.form.get("named_person")),
        )
        own = {number for number, _ in effects.seats}
        others = Places({number: place for number, place in places(db, here).items() if number not in own})
        # Who administers gives himself nothing that he does not read (`heir-own`)
        mine = g.actor.desk_ids | {cover.seat.desk_id for cover in g.actor.covers}
        strangers = Places({number: place for number, place in others.items() if number not in mine})
        handed, named = (*effects.handed, *effects.named_handed), effects.coming_named
        givers = others if reads_all(db, g.actor, handed) else strangers
        own_coming = reads_all(db, g.actor, named)
    begun, since, *_ = session.get(BEGUN, (None, 0))
    if coming is not None:
        give_up(user_id)
    elif begun != user_id or time.time() - since > LASTS / 3:
        # Rarely: a session that is written is looked at again
        session[BEGUN] = (user_id, int(time.time()), user.name)
    day = coming.closes_at.astimezone(PARIS) if coming is not None else None
    page = render_template(
        "operations/leaving.html",
        person=user,
        effects=effects,
        planned=row,
        coming=coming,
        later=later,
        planner=planner,
        when=planned.words_of(row.closes_at) if row is not None else "",
        typed=request.form.get("at", day.strftime("%Y-%m-%dT%H:%M") if day is not None else ""),
        heirs=choosing.people_in(heirs, chosen=chosen, whole=whole),
        takers=choosing.people_in(takers, chosen=chosen, whole=whole),
        chosen=key_in(request.form.get("person")) or "",
        desks=choosing.among(givers, chosen=to) if handed else None,
        to=to or "",
        replacing=choosing.among(others if own_coming else strangers, chosen=named_to) if named else None,
        replacers=choosing.people_in(
            (row for row in heirs if own_coming or row.id != g.actor.user_id),
            chosen=named_person,
            whole=whole,
        ),
        named_to=named_to or "",
        named_person=named_person or "",
        named_why=request.form.get("named_why", ""),
        why=request.form.get("why", ""),
        at_once=AT_ONCE,
        most=leaving.MOST_SHOWN,
        shortest=leaving.SHORTEST,
        longest=leaving.LONGEST,
        reason=request.form.get("reason", coming.reason if coming is not None else ""),
        error=error,
        refused=refusal.key if refusal is not None else "",
    )
    return page, status


def _planned(db: Db, user_id: int) -> tuple[User, PlannedClosing | None, str]:
    """Somebody of the collectivity, the closing that is planned of his account, and who planned it; refuses `not-found`."""
    planner = aliased(User)
    query = sa.select(User, PlannedClosing, planner.first_name, planner.last_name)
    query = query.outerjoin(PlannedClosing, PlannedClosing.user_id == User.id)
    query = query.outerjoin(planner, planner.id == PlannedClosing.planned_by_id)
    found = db.execute(query.where(User.id == user_id, _ours(User))).first()
    if found is None:
        raise Refusal("not-found")
    return found[0], found[1], f"{found[2]} {found[3]}" if found[1] is not None else ""


def _chosen() -> int | None:
    return key_in(request.form.get("person") or request.form.get("named_person"))


def _ours(table: type[Desk | Absence | User]) -> sa.ColumnElement[bool]:
    condition: sa.ColumnElement[bool] = table.collectivity_id == g.actor.collectivity_id
    return condition


def _user(db: Db, user_id: int) -> User:
    user = db.scalar(sa.select(User).where(User.id == user_id, _ours(User)))
    if user is None or not is_reached(db, branch_of(db, g.actor), user.id):
        raise Refusal("not-found")
    return user
