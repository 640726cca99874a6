"""Pages of the desks: the tree, a desk with its holders, a new one."""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField

from app.circuits import own_types, set_up
from app.core import stale
from app.core.db import Db, key_in, reading
from app.core.grammar import plural
from app.core.http import BRANCH, guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.operations import trace
from app.operations.desks import closing, foreseen, tree, views
from app.people import choosing, guessing, hierarchy
from app.people.branches import branch_of, only_in
from app.people.office.web import choosing_whole, tries, who_is_there
from app.people.places import Places, places
from workflows.family import families
from workflows.rights import NONE as NO_RIGHTS
from workflows.rights import ONLY, Rights
from workflows.vocabulary import Right

pages = Blueprint("desks", __name__)
HERE = "operations.desks.index"
NONE = "Aucun : il est au sommet"
USUAL = {
    "maire": "Bureau du maire",
    "direction": "Direction générale",
    "finances": "Direction des finances",
    "secretariat": "Secrétariat général",
    "paye": "Service de la paye",
    "conseil": "Conseil municipal",
}
"""How the desks that the circuits of origin name are mostly called."""


class DeskForm(FlaskForm):  # type: ignore[misc]
    """The name of a desk, and the one above it."""

    name = StringField("Nom", render_kw={"maxlength": str(hierarchy.LONGEST), "autocomplete": "off"})
    parent = SelectField(
        "Rattaché à",
        description="Son supérieur : une étape de circuit peut le demander sans le nommer.",
        validate_choice=False,
    )

    def above(self) -> int | None:
        """The number of the superior; None for none. Refuses `desk-absent` of what is no number."""
        if not self.parent.data:
            return None
        number = key_in(str(self.parent.data))
        if number is None:
            raise Refusal("desk-absent")
        return number


class NewDeskForm(DeskForm):
    """The same, and which of the desks that the circuits name it is."""

    key = SelectField(
        "Dans les circuits",
        description="Un circuit appelle chaque bureau par un mot : choisissez celui que ce bureau tient, s’il en manque un.",
        validate_choice=False,
    )


@pages.get("/administration/bureaux")
@guard(BRANCH)
def index() -> str:
    """The desks in their tree, with who holds each and what nobody at it could do; the branches of a long one are folded."""
    words = request.args.get("q", "").strip()[:100]
    asked = tree.Search(words, key_in(request.args.get("ouvert")), key_in(request.args.get("page")))
    with reading(g.actor.collectivity_id) as db:
        set_up.read_ahead(db, g.actor.collectivity_id)
        ours = views.of_actor(db, g.actor)
        shown = tree.choose(ours, asked)
        closed = [number for number in ours.depths if ours[number].closed_at is not None]
        desks = views.whole(db, g.actor.collectivity_id, ours, [*sorted(shown.listed), *closed])
        absent = _absent(db, ours)
    return render_template(
        "operations/desks.html",
        nodes=tree.nested(ours, shown),
        desks=desks,
        shown=shown,
        opened=len(ours) - len(closed),
        several=len(ours) - len(closed) > tree.LISTED,
        words=words,
        unfolded=asked.opened,
        closed=[desks[number] for number in closed],
        faulty=sum(1 for one in desks.values() if one.faults),
        absent=absent,
        usual=USUAL,
        root=ours.head,
    )


def _desk_of(db: Db, desk_id: int) -> views.DeskView:
    """The desk of that number, among those that whoever asks administers; refuses `desk-absent`."""
    return views.desk_of(db, g.actor.collectivity_id, views.of_actor(db, g.actor), desk_id)


def _absent(db: Db, every: Places) -> dict[str, str]:
    """The desks that circuits name and that lack; who has a branch opens none of them."""
    return {} if g.actor.delegated else _in_order(views.absent(db, g.actor.collectivity_id, every))


def _in_order(absent: Mapping[str, str]) -> dict[str, str]:
    """The mayor's first, who is above the others."""
    ranks = {key: rank for rank, key in enumerate(USUAL)}
    return dict(sorted(absent.items(), key=lambda one: ranks.get(one[0], len(ranks))))


@pages.route("/administration/bureaux/nouveau", methods=["GET", "POST"])
@guard(BRANCH)
@who_is_there(HERE, again=True, doing="Ouvrir un bureau")
def new() -> Response | tuple[str, int]:
    """Open a desk: one that the circuits name and that lacks, or one more."""
    form, error, status = NewDeskForm(), None, 200
    with reading(g.actor.collectivity_id) as db:
        set_up.read_ahead(db, g.actor.collectivity_id)
        every = views.of_actor(db, g.actor)
        absent = _absent(db, every)
        _offer_superiors(form, every, frozenset())
    form.key.choices = [
        ("", "Aucun : c’est un bureau de plus"),
        *((key, f"{USUAL.get(key, key)} : {named}") for key, named in absent.items()),
    ]
    if not form.is_submitted():
        form.key.data = request.args.get("cle", "")
        form.name.data = USUAL.get(form.key.data, "")
    elif tries():
        try:
            key = (form.key.data or "")[: hierarchy.KEY_LONGEST + 1] or _usual(form.name.data or "", absent)
            with guessing.counted(g.actor):
                number = hierarchy.open_desk(g.actor, form.name.data or "", form.above(), key)
        except Refusal as refusal:
            status, error = _refused(form, refusal)
        else:
            flash("Le bureau est ouvert. Donnez-lui un titulaire.", "ok")
            return redirect(url_for("operations.desks.show", desk_id=number))
    page = render_template("operations/desk_new.html", form=form, error=error, absent=absent)
    return page, status


def _usual(name: str, absent: Mapping[str, str]) -> str:
    """The word of the circuits for a desk of this usual name, where it lacks; empty for another."""
    plain = " ".join(name.split()).casefold()
    return next((key for key in absent if USUAL.get(key, "").casefold() == plain), "")


def _refused(form: DeskForm, refusal: Refusal) -> tuple[int, str]:
    """The status and the sentence, said beside the field that it is about too."""
    status, sentence = sentences.say(refusal.key, refusal.facts)
    if refusal.key in {"desk-name", "desk-name-taken", "desk-name-not-free"}:
        form.name.errors = [sentence]
    elif refusal.key == "desk-below-itself":
        form.parent.errors = [sentence]
    return status, sentence


@pages.route("/administration/bureaux/<int:desk_id>", methods=["GET", "POST"])
@guard(BRANCH)
@who_is_there(HERE, doing="Modifier un bureau")
def show(desk_id: int) -> Response | tuple[str, int]:
    """One desk: its name, its superior, who holds it, what uses it; what nobody could do any more is asked about first."""
    if request.method != "POST":
        return _desk(desk_id, None, 200)
    form, ticked = DeskForm(), _ticks()
    with reading(g.actor.collectivity_id) as db:
        told = _foreseen(db, desk_id, ticked.wanted)
    if ticked.fault:
        status, error = sentences.say(ticked.fault, {})
        return _desk(desk_id, form, status, seats_error=error, ticks=ticked)
    if _asked_first(told):
        return _desk(desk_id, form, 409, ticks=ticked, told=told)
    named = False
    try:
        if "name" in request.form:
            with guessing.counted(g.actor):
                named = hierarchy.change_desk(
                    g.actor, desk_id, form.name.data or "", form.above(), shown=_shown()
                )
    except Refusal as refusal:
        if refusal.key == "desk-absent":
            raise
        status, error = _refused(form, refusal)
        return _desk(desk_id, form, status, error=error, ticks=ticked, told_of=refusal.key)
    try:
        changed = hierarchy.seat_all(g.actor, desk_id, ticked.wanted, _seen()) if ticked.wanted else 0
    except Refusal as refusal:
        if refusal.key not in {
            "seats-moved",
            "person-unknown",
            "person-closed",
            "follow-alone",
            "right-type-unknown",
            "seat-last",
        }:
            raise
        status, error = sentences.say(refusal.key, refusal.facts)
        if named:
            error = f"{error} Le nom et la place du bureau, eux, sont enregistrés."
        return _desk(desk_id, None, status, ticks=ticked, seats_error=error, told_of=refusal.key)
    flash(_done(changed, named=named), "ok" if changed or named else "info")
    return redirect(url_for("operations.desks.show", desk_id=desk_id))


@pages.route("/administration/bureaux/<int:desk_id>/deplacer", methods=["GET", "POST"])
@guard(BRANCH)
@who_is_there(HERE, doing="Déplacer un bureau")
def move(desk_id: int) -> Response | tuple[str, int]:
    """Place a desk under another: the verb of its form, asked by this page or by who draws it in the tree."""
    form, error, status, told, moved = DeskForm(), "", 200, Told(), False
    with reading(g.actor.collectivity_id) as db:
        set_up.read_ahead(db, g.actor.collectivity_id)
        every = views.of_actor(db, g.actor)
        desk = _desk_of(db, desk_id)
        if request.method == "POST":
            told = _foreseen(db, desk_id, {})
    if desk.closed_at is not None or (g.actor.delegated and desk_id == g.actor.branch_id):
        return redirect(url_for("operations.desks.show", desk_id=desk_id))
    if request.method == "POST" and _asked_first(told):
        status = 409
    elif request.method == "POST":
        shown = _shown() or (desk.name, desk.parent_id)
        try:
            changed = hierarchy.change_desk(g.actor, desk_id, shown[0], form.above(), shown=shown)
        except Refusal as refusal:
            if refusal.key not in {"desk-moved", "desk-below-itself", "desk-closed"}:
                raise
            status, error = _refused(form, refusal)
            moved = refusal.key == "desk-moved"
        else:
            flash(
                _place(desk_id) if changed else "Rien à enregistrer : c’était déjà ainsi.",
                "ok" if changed else "info",
            )
            return redirect(url_for(HERE, ouvert=desk_id))
    with reading(g.actor.collectivity_id) as db:
        if request.method != "POST":
            there = request.args.get("vers", str(desk.parent_id or ""))
            form = DeskForm(formdata=None, name=desk.name, parent=there)
            if "vers" in request.args:
                told = _foreseen(db, desk_id, {}, form)
        _offer_superiors(form, every, every.under(desk_id), desk.parent_id)
    page = render_template(
        "operations/desk_move.html",
        desk=desk,
        **_place_shown(desk, fresh=moved),
        path=[every[one] for one in reversed([*every.above(desk_id)])],
        form=form,
        told=told,
        error=error,
    )
    return page, status


def _place(desk_id: int) -> str:
    """« « Régies » est maintenant sous « Direction des finances ». », read once it is written."""
    with reading(g.actor.collectivity_id) as db:
        every = views.of_actor(db, g.actor)
    above = next((every[one].name for one in every.above(desk_id)), "")
    where = f"sous « {above} »" if above else "au sommet"
    return f"« {every[desk_id].name} » est maintenant {where}."


@dataclass(frozen=True)
class Told:
    """What saving a page would stop, be refused for, and leave to one person, and who would hold the desk no more; in words."""

    stops: Sequence[str] = ()
    refused: Sequence[str] = ()
    alone: Sequence[str] = ()
    leaving: Sequence[str] = ()

    @property
    def asks(self) -> bool:
        """Whether it is written only once it is confirmed; what would be refused is not offered."""
        return bool(self.stops or self.leaving) and not self.refused

    @property
    def mark(self) -> str:
        """What is confirmed of it, in short: posted back, it tells a list that has changed."""
        return hashlib.sha256(repr((*self.stops, "", *self.leaving)).encode()).hexdigest()[:32]

    @property
    def moved(self) -> bool:
        """Whether what is posted confirms another list than this one."""
        return request.form.get("sure", self.mark) != self.mark


def _asked_first(told: Told) -> bool:
    """Whether what is posted would stop something or take somebody off, and this very list is not confirmed."""
    return bool(told.stops or told.leaving) and request.form.get("sure") != told.mark


@pages.post("/administration/bureaux/<int:desk_id>/avant")
@guard(BRANCH)
def foresee(desk_id: int) -> str:
    """What saving these boxes and this superior would stop, as the page shows it beside its button at each of them."""
    by_type = key_in(request.form.get("by_type", ""))
    wanted = _ticks().wanted if by_type is None else {by_type: _by_type()}
    with reading(g.actor.collectivity_id) as db:
        told = _foreseen(db, desk_id, wanted)
    return render_template("operations/_stops.html", told=told, asked=False)


def _foreseen(db: Db, desk_id: int, wanted: Mapping[int, Rights], form: DeskForm | None = None) -> Told:
    """The same for the page and for what it posts: of the desk's rights, and of the superior where the form has one.

    Refuses `desk-absent` of a desk, or a superior, that whoever asks does not administer.

    `form`: one that the page fills, in place of what is posted.
    """
    here, known = g.actor.collectivity_id, views.of_actor(db, g.actor)
    if desk_id not in known:
        raise Refusal("desk-absent")
    every = places(db, here)
    desk = views.desk_of(db, here, every, desk_id)
    root = g.actor.delegated and desk_id == g.actor.branch_id
    moved = (form is not None or "parent" in request.form) and not root
    parent_id = (form or DeskForm()).above() if moved else desk.parent_id
    if moved and parent_id not in ({*known} if g.actor.delegated else {*known, None}):
        raise Refusal("desk-absent")  # as the save refuses it, and before anything is said of it
    change = foreseen.Change(wanted, parent_id)
    left = hierarchy.left_out(db, branch_of(db, g.actor), desk_id, wanted)
    return Told(
        foreseen.stops(db, here, every, desk, change, known),
        [sentences.say("seat-last", {"name": one})[1] for one in left],
        foreseen.alone(db, here, desk, wanted),
        foreseen.leaving(desk, wanted),
    )


@pages.route("/administration/bureaux/<int:desk_id>/fermer", methods=["GET", "POST"])
@guard(BRANCH)
@who_is_there(HERE, doing="Fermer un bureau")
def close(desk_id: int) -> Response | tuple[str, int]:
    """What the closing of a desk would stop, each thing with what solves it; then the closing."""
    error, status = "", 200
    if request.method == "POST":
        try:
            name = closing.close(g.actor, desk_id, request.form.get("reason", ""))
        except Refusal as refusal:
            if refusal.key not in {"desk-folders", "desk-reason"}:
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            flash(f"Le bureau « {name} » est fermé. Ce qui y est passé reste lu par ses titulaires.", "ok")
            return redirect(url_for("operations.desks.show", desk_id=desk_id))
    with reading(g.actor.collectivity_id) as db:
        set_up.read_ahead(db, g.actor.collectivity_id)
        ours = views.of_actor(db, g.actor)
        if desk_id not in ours:
            raise Refusal("desk-absent")
        desk, effects = ours[desk_id], closing.effects_of(db, g.actor.collectivity_id, desk_id)
    if desk.closed_at is not None or (g.actor.delegated and desk_id == g.actor.branch_id):
        return redirect(url_for("operations.desks.show", desk_id=desk_id))
    page = render_template(
        "operations/desk_close.html",
        desk=desk,
        effects=effects,
        reserved={one.plural for one in families().values() if one.restricted},
        most=closing.MOST_SHOWN,
        counted=closing.MOST,
        shortest=closing.SHORTEST,
        longest=closing.LONGEST,
        reason=request.form.get("reason", ""),
        error=error,
    )
    return page, status


@pages.post("/administration/bureaux/<int:desk_id>/rouvrir")
@guard(BRANCH)
@who_is_there(HERE, doing="Rouvrir un bureau")
def reopen(desk_id: int) -> Response:
    """Open a closed desk again, as it was."""
    name = closing.reopen(g.actor, desk_id)
    flash(f"Le bureau « {name} » est rouvert, avec les titulaires qu’il avait.", "ok")
    return redirect(url_for("operations.desks.show", desk_id=desk_id))


def _branch(ours: Places) -> frozenset[int] | None:
    """The numbers of the desks that a delegated administrator has; None of who administers all of them."""
    return frozenset(ours) if g.actor.delegated else None


def _others(
    db: Db, ours: Places, desk: views.DeskView, chosen: int | None
) -> tuple[choosing.Offer, set[int]]:
    """Whom one may add to a desk, and those of its holders whose account is open and whom whoever asks administers."""
    holding, here = {one.id for one in desk.holders}, g.actor.collectivity_id
    branch = _branch(ours)
    if branch is None:
        others = choosing.people(db, here, chosen=chosen, whole=choosing_whole(), but=holding)
        return others, {one.id for one in desk.holders if one.active}
    mine = choosing.people(db, here, whole=True, within=only_in(branch)).options
    others = choosing.Offer(tuple(one for one in mine if int(one[0]) not in holding))
    return others, {int(number) for number, _ in mine} & holding


def _shown() -> tuple[str, int | None] | None:
    """The name and the superior that the page showed; None of who posts without a page."""
    if "shown_name" not in request.form:
        return None
    return request.form["shown_name"], key_in(request.form.get("shown_parent", ""))


def _done(changed: int, *, named: bool) -> str:
    """What was written, and whether those whom it is about read it in a letter."""
    if not changed:
        return "Le bureau est enregistré." if named else "Rien à enregistrer : c’était déjà ainsi."
    told = f"Le bureau est enregistré : {plural(changed, 'titulaire')} {'modifiés' if changed > 1 else 'modifié'}."
    if not current_app.config["PARAPHE"].mail_url:
        return f"{told} Aucun serveur de courriel n’est réglé : dites-le vous-même."
    return told


@dataclass(frozen=True)
class Ticks:
    """The rights ticked on a page, by person; those of the line that adds somebody, and what is wrong with it."""

    wanted: Mapping[int, Rights]
    added: int | None = None
    added_rights: Rights = NO_RIGHTS
    fault: str = ""


def _ticks() -> Ticks:
    people = [key_in(one) for one in request.form.getlist("person")]
    wanted = {one: _ticked(str(one)) for one in people if one is not None}
    added, rights = key_in(request.form.get("added", "")), _ticked("added")
    if added is not None and not rights:
        return Ticks(wanted, added, rights, "seat-empty")
    if added is None and rights:
        return Ticks(wanted, None, rights, "seat-nobody")
    return Ticks(wanted | ({added: rights} if added is not None else {}), added, rights)


def _ticked(name: str) -> Rights:
    """The rights ticked on one line; refuses what is none (`bad-request`)."""
    return _read(word for one in request.form.getlist(f"rights-{name}") for word in one.split())


def _read(words: Iterable[str]) -> Rights:
    try:
        return Rights.read(words)
    except ValueError:
        raise Refusal("bad-request", detail="droit inconnu") from None


def _seen() -> dict[int, Rights]:
    """What the page showed of each holder: « 12:act,sign:invoice »."""
    seen = {}
    for one in request.form.getlist("seen"):
        number, _, rights = one.partition(":")
        if (person := key_in(number)) is None:
            continue
        seen[person] = _read(right for right in rights.split(",") if right)
    return seen


def _choices(every: Places, but: frozenset[int], kept: int | None = None) -> list[tuple[str, str]]:
    """The open desks under which one may be placed, and `kept`, each after as many dashes as it is deep."""
    return [("", NONE)] + [
        (str(number), f"{choosing.INDENT * depth}{every[number].name}")
        for number, depth in every.depths.items()
        if number not in but and (every[number].closed_at is None or number == kept)
    ]


def _form(form: DeskForm | None, every: Places, desk: views.DeskView) -> DeskForm:
    """The form of the name and the place: what was typed, or what is; the superiors that may be chosen."""
    if form is None or "name" not in request.form:
        form = DeskForm(formdata=None, name=desk.name, parent=str(desk.parent_id or ""))
    _offer_superiors(form, every, every.under(desk.id), desk.parent_id)
    return form


def _offer_superiors(form: DeskForm, every: Places, but: frozenset[int], kept: int | None = None) -> None:
    """All of them in the order of the tree; of a long list, the beginning by name, and the others by words."""
    few = sum(one.closed_at is None for one in every.values()) < 2 * choosing.SHOWN
    if few or g.actor.delegated or choosing_whole():
        form.parent.choices = _choices(every, but, kept)[g.actor.delegated :]
        return
    chosen = key_in(str(form.parent.data or "")) or kept
    offer = choosing.among(every, chosen=chosen)
    form.parent.choices = [("", NONE), *offer.options]
    address = url_for("people.office.choices", what="bureaux")
    form.parent.render_kw = {"data-searched": "", "data-from": address}


def _desk(
    desk_id: int,
    form: DeskForm | None,
    status: int,
    *,
    error: str | None = None,
    seats_error: str | None = None,
    ticks: Ticks | None = None,
    told: Told | None = None,
    told_of: str = "",
) -> tuple[str, int]:
    """The page of a desk; `ticks` is what was ticked and is not written yet, `told` what it would stop.

    `told_of`: what was refused; a form of the name that was typed over another desk than it is now posts what it was over.
    """
    with reading(g.actor.collectivity_id) as db:
        set_up.read_ahead(db, g.actor.collectivity_id)
        every, desk, coming = closing.with_coming(db, g.actor, desk_id)
        called = own_types.called(db, g.actor.collectivity_id)
        others, known = _others(db, every, desk, ticks.added if ticks else None)
        shown = _place_shown(desk, fresh=form is None or told_of == "desk-moved")
        form = _form(form, every, desk)
        if told_of == "desk-moved":
            stale.tell(form, _place_in_force(form, every, desk))
        reopens = desk.closed_at is not None and closing.may_reopen(
            db, g.actor, _branch(every), desk_id, desk.key
        )
        why = views.why_closed(db, g.actor.collectivity_id, desk_id) if desk.closed_at else ("", "")
        ruled = views.ruled(db, g.actor.collectivity_id, desk.key)
    wanted = ticks.wanted if ticks else {}
    page = render_template(
        "operations/desk.html",
        desk=desk,
        **shown,
        standing=_standing(desk, wanted, called) if told_of == "seats-moved" else {},
        coming=len(coming),
        most=closing.MOST,
        path=[every[number] for number in every.above(desk_id)],
        closed_by=why[0],
        closed_reason=why[1],
        form=form,
        error=error,
        seats_error=seats_error,
        told=told or Told(),
        ruled=ruled,
        rights=hierarchy.GRANTED,
        boxes={one.id: _boxes(one.rights, wanted.get(one.id, one.rights), called) for one in desk.holders},
        seen=stale.marks("seen", _marks(desk), fresh=told_of == "seats-moved"),
        others=others,
        known=known,
        root=g.actor.delegated and desk_id == g.actor.branch_id,
        reopens=reopens,
        added=ticks.added if ticks else None,
        added_boxes=_boxes(NO_RIGHTS, ticks.added_rights if ticks else NO_RIGHTS, called),
    )
    return page, status


@dataclass(frozen=True)
class Box:
    """A right of somebody on the page of a desk: what its box posts, and the types that it is for, None for all."""

    right: Right
    value: str
    ticked: bool
    types: str | None


def _boxes(present: Rights, chosen: Rights, called: Mapping[str, str]) -> list[Box]:
    """A box for each right; one that is held for some types posts them, so that saving the desk changes nothing of it."""
    found = []
    for right in hierarchy.GRANTED:
        types = (chosen if right in chosen else present).types(right) or None
        words = [f"{right.value}{ONLY}{one}" for one in types or ()]
        said = ", ".join(called.get(one, one) for one in types) if types else None
        found.append(Box(right, " ".join(words) or right.value, right in chosen, said))
    return found


def _place_shown(desk: views.DeskView, *, fresh: bool) -> dict[str, str]:
    """The name and the superior that the page posts back (`_shown`)."""
    return {
        "shown_name": stale.mark("shown_name", desk.name, fresh=fresh),
        "shown_parent": stale.mark("shown_parent", desk.parent_id or "", fresh=fresh),
    }


def _place_in_force(form: DeskForm, every: Places, desk: views.DeskView) -> dict[str, str]:
    """The name and the superior where others were typed, in words by field."""
    found = {"name": desk.name} if " ".join((form.name.data or "").split()) != desk.name else {}
    if key_in(str(form.parent.data or "")) != desk.parent_id and not (
        g.actor.delegated and every.head == desk.id
    ):
        found["parent"] = next((every[one].name for one in every.above(desk.id)), NONE)
    return found


def _standing(
    desk: views.DeskView, wanted: Mapping[int, Rights], called: Mapping[str, str]
) -> dict[int, str]:
    """The rights in force, in words, of those for whom others were ticked."""
    return {
        one.id: one.rights.in_words(called)
        for one in desk.holders
        if one.id in wanted and one.rights != wanted[one.id]
    }


def _marks(desk: views.DeskView) -> list[str]:
    """What the page shows of each holder, to be posted back (`_seen`)."""
    return [f"{one.id}:{','.join(one.rights.grants)}" for one in desk.holders]


@pages.route("/administration/bureaux/<int:desk_id>/titulaires/<int:user_id>", methods=["GET", "POST"])
@guard(BRANCH)
@who_is_there(HERE, doing="Changer les droits d’une personne à un bureau")
def by_type(desk_id: int, user_id: int) -> Response | tuple[str, int]:
    """What one person may do at a desk, for every type of folders or for some; what nobody could do any more is asked first."""
    with reading(g.actor.collectivity_id) as db:
        set_up.read_ahead(db, g.actor.collectivity_id)
        desk, called = _desk_of(db, desk_id), own_types.called(db, g.actor.collectivity_id)
    holder = next((one for one in desk.holders if one.id == user_id), None)
    if holder is None or desk.closed_at is not None:
        return redirect(url_for("operations.desks.show", desk_id=desk_id))
    error, status, told, chosen, moved = "", 200, Told(), holder.rights, False
    if request.method == "POST":
        chosen = _by_type()
        try:
            _refuse_twice(_words(), called)
            wanted = {user_id: chosen}
            with reading(g.actor.collectivity_id) as db:
                told = _foreseen(db, desk_id, wanted)
            if not _asked_first(told):
                changed = hierarchy.seat_all(g.actor, desk_id, wanted, _seen())
                flash(_done(changed, named=False), "ok" if changed else "info")
                return redirect(url_for("operations.desks.show", desk_id=desk_id))
            status = 409
        except Refusal as refusal:
            if refusal.key not in {
                "right-twice",
                "right-type-unknown",
                "follow-alone",
                "seats-moved",
                "person-closed",
                "seat-last",
            }:
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
            moved = refusal.key == "seats-moved"
    limits = [one for right in hierarchy.LIMITED for one in chosen.types(right) or ()]
    page = render_template(
        "operations/desk_types.html",
        desk=desk,
        holder=holder,
        chosen=chosen,
        rights=hierarchy.GRANTED,
        limited=hierarchy.LIMITED,
        types=[
            *called.items(),
            *((one, f"« {one} », qui n’existe plus") for one in dict.fromkeys(limits) if one not in called),
        ],
        opened=bool(limits),
        standing=_standing(desk, {user_id: chosen}, called).get(user_id, "") if moved else "",
        seen=stale.marks("seen", _marks(desk), fresh=moved),
        told=told,
        error=error,
    )
    return page, status


def _by_type() -> Rights:
    """What is ticked on the page of one person's rights."""
    return _read(_words())


def _words() -> list[str]:
    return request.form.getlist("all") + request.form.getlist("types")


def _refuse_twice(words: Collection[str], called: Mapping[str, str]) -> None:
    """Refuse a right that is ticked for every type and for some, and one for a type that is not of here."""
    for right in hierarchy.LIMITED:
        named = [one.partition(ONLY)[2] for one in words if one.startswith(f"{right.value}{ONLY}")]
        if named and right.value in words:
            raise Refusal("right-twice", right=right.label)
        if unknown := next((one for one in named if one not in called), None):
            raise Refusal("right-type-unknown", type=unknown)


@pages.get("/administration/bureaux/<int:desk_id>/historique")
@guard(BRANCH)
def history(desk_id: int) -> str:
    """What was done to a desk, the latest first: opened, named, moved, rights given and taken back, closed."""
    here = g.actor.collectivity_id
    with reading(here) as db:
        set_up.read_ahead(db, g.actor.collectivity_id)
        every = views.of_actor(db, g.actor)
        desk = views.desk_of(db, here, every, desk_id)
        asked = trace.Search(desks=(desk.key,), before=key_in(request.args.get("avant")), named=_named(every))
        shown = trace.lines(db, here, asked)
    more = shown[trace.PAGE - 1].seq if len(shown) > trace.PAGE else None
    return render_template("operations/desk_history.html", desk=desk, lines=shown[: trace.PAGE], more=more)


@pages.get("/administration/bureaux/historique")
@guard(BRANCH)
def histories() -> str:
    """What was done to the desks that whoever asks administers, the latest first."""
    with reading(g.actor.collectivity_id) as db:
        every = views.of_actor(db, g.actor)
        keys = tuple(one.key for one in every.values())
        asked = trace.Search(desks=keys, before=key_in(request.args.get("avant")), named=_named(every))
        shown = trace.lines(db, g.actor.collectivity_id, asked)
    more = shown[trace.PAGE - 1].seq if len(shown) > trace.PAGE else None
    return render_template("operations/desk_history.html", desk=None, lines=shown[: trace.PAGE], more=more)


def _named(every: Places) -> frozenset[str] | None:
    """The desks that a history may name to whoever asks: those of his branch; None for all of them."""
    return frozenset(one.name for one in every.values()) if g.actor.delegated else None
