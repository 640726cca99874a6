"""Pages of the types of folders: the list, a new one, what one says, and its next version."""

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.circuits import own_types, set_up
from app.circuits.library import family_of
from app.circuits.reserved import asked_at, losses
from app.core.db import key_in, reading
from app.core.http import guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.operations.folder_types import forms, views
from app.people.office.web import tries, who_is_there
from app.trust.assurance import LABELS
from workflows.family import families
from workflows.own_types import (
    COLUMN_KINDS,
    ICONS,
    KINDS,
    LONGEST_FIELD,
    LONGEST_HELP,
    LONGEST_LABEL,
    MOST_FIELDS,
    PLACES,
    VISIBILITIES,
    Definition,
    signed_as,
)

pages = Blueprint("types", __name__)
HERE = "operations.types.index"
"""Where who gives up proving who he is goes."""
BLANKS = 8
"""How many own fields a page adds at once."""


@pages.get("/administration/types")
@guard("administer")
def index() -> str:
    """Every type of the collectivity, with the folders that are in hand."""
    with reading(g.actor.collectivity_id) as db:
        set_up.read_ahead(db, g.actor.collectivity_id)
        lines = views.listing(db, g.actor.collectivity_id)
    return render_template("operations/types.html", types=lines)


@pages.route("/administration/types/nouveau", methods=["GET", "POST"])
@guard("administer")
@who_is_there(HERE, again=True, doing="Commencer un type de dossier")
def new() -> Response | tuple[str, int]:
    """Begin a type: the family that it is made from, and its name."""
    error, status, fields = None, 200, {}
    family, label = request.form.get("family", ""), request.form.get("label", "")
    if tries():
        try:
            number = own_types.open_type(g.actor, family, label)
        except Refusal as refusal:
            status, error = sentences.say(refusal.key, refusal.facts)
            fields = _by_field(refusal, error)
        else:
            flash("Le type est commencé. Personne ne le dépose tant qu’il n’est pas publié.", "ok")
            return redirect(url_for("operations.types.show", type_id=number))
    offered = [law for law in families().values() if not law.begun_elsewhere]
    page = render_template(
        "operations/type_new.html",
        families=offered,
        family=family,
        label=label,
        error=error,
        fields=fields,
        longest=LONGEST_LABEL,
    )
    return page, status


def _by_field(refusal: Refusal, sentence: str) -> dict[str, str]:
    """The sentence of each field that is wrong."""
    if refusal.key == "type-twice":
        return {"label": sentence}
    if refusal.key == "family-unknown":
        return {"family": "Choisissez une famille dans la liste."}
    return {problem["field"]: problem["sentence"] for problem in refusal.facts.get("problems", ())}


@pages.route("/administration/types/<int:type_id>", methods=["GET", "POST"])
@guard("administer")
@who_is_there(HERE, doing="Enregistrer un type de dossiers")
def show(type_id: int) -> Response | tuple[str, int]:
    """What a type says, and from where; what is typed is drawn up, and changes nothing before it is published."""
    if request.method != "POST":
        return _page(type_id, None, {}, "", 200)
    with reading(g.actor.collectivity_id) as db:
        row = own_types.type_of(db, g.actor.collectivity_id, type_id)
        before = Definition.from_data(row.draft)
    typed = forms.typed(request.form, before)
    if typed.problems:
        wrong = {problem.field: problem.sentence for problem in typed.problems}
        return _page(type_id, typed, wrong, "", 422, _shown())
    shown = _shown()
    try:
        shown = own_types.draw_up(g.actor, type_id, typed.definition, shown=shown)
        if request.form.get("action") == "merge":
            both = own_types.bring_up(g.actor, type_id, shown=shown)
            flash(views.brought_up(both, typed.definition), "ok")
            return redirect(url_for("operations.types.show", type_id=type_id))
    except Refusal as refusal:
        if refusal.key not in {"type-refused", "type-twice", "type-moved"}:
            raise
        status, sentence = sentences.say(refusal.key, refusal.facts)
        fields = _by_field(refusal, sentence)
        return _page(type_id, typed, fields, "" if fields else sentence, status, shown)
    if request.form.get("action") == "publish":
        return redirect(url_for("operations.types.publish", type_id=type_id))
    flash("Le brouillon du type est enregistré. Rien ne change avant sa publication.", "ok")
    return redirect(url_for("operations.types.show", type_id=type_id))


def _shown() -> int:
    """The revision that the page showed; 0, which is none, of who posts without a page."""
    return key_in(request.form.get("revision", "")) or 0


def _page(
    type_id: int,
    typed: forms.Typed | None,
    errors: dict[str, str],
    error: str,
    status: int,
    shown: int | None = None,
) -> tuple[str, int]:
    """The page of a type; what was `typed` was so over its draft of the revision `shown`, which is posted again."""
    collectivity_id = g.actor.collectivity_id
    with reading(collectivity_id) as db:
        set_up.read_ahead(db, collectivity_id)
        row = own_types.type_of(db, collectivity_id, type_id)
        law, last = family_of(row.family), own_types.current(db, row)
        drawn = own_types.drawn_up(row)
        every, counts = (
            views.open_desks(db, collectivity_id),
            views.in_hand(db, collectivity_id).get(row.id, {}),
        )
        behind = last if own_types.behind(row, last) else None
        where = asked_at(db, collectivity_id, row.key)
        inherited = views.inherited(db, collectivity_id, law)
        news = (
            views.changes(law, own_types.base_of(db, row, last), behind.definition, dict(every))
            if behind
            else []
        )
    page = render_template(
        "operations/type.html",
        type=row,
        law=law,
        title=last.definition.label if last else drawn.label,
        last=last.number if last else 0,
        unchanged=last is not None and last.definition == drawn,
        kept=views.kept_words(counts),
        typed=typed or forms.as_typed(drawn),
        news=news,
        errors=errors,
        error=error,
        asked_at=where,
        inherited=inherited,
        blanks=max(1, min(BLANKS, MOST_FIELDS - len((typed.definition if typed else drawn).fields))),
        kinds=KINDS,
        column_kinds={kind: KINDS[kind] for kind in COLUMN_KINDS},
        imposed=views.imposed(law),
        of_family_fields=views.natures(law.fields),
        assurances=views.assurances(law),
        assurance=LABELS[law.minimum_signature],
        levels=views.levels(law),
        signature_formats=views.signature_formats(law),
        usual_format=signed_as(law),
        desks=views.depositors(every, law),
        readers=every,
        registers=law.register is None,
        icons=ICONS,
        places=PLACES if law.signature == "page" else {},
        usual_place=views.usual_place(law),
        visibilities={} if law.restricted else VISIBILITIES,
        formats=[(name, views.FORMATS[name]) for name in law.formats],
        longest={"label": LONGEST_LABEL, "help": LONGEST_HELP, "field": LONGEST_FIELD},
        revision=row.revision if shown is None else shown,
    )
    return page, status


@pages.route("/administration/types/<int:type_id>/publier", methods=["GET", "POST"])
@guard("administer")
@who_is_there(HERE, doing="Publier un type de dossiers")
def publish(type_id: int) -> Response | tuple[str, int]:
    """Read what the next version changes, then publish it."""
    error, status, collectivity_id = None, 200, g.actor.collectivity_id
    if request.method == "POST":
        try:
            number = own_types.publish_type(g.actor, type_id, shown=_shown())
        except Refusal as refusal:
            if refusal.key == "type-absent":
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            flash(f"La version {number} est publiée. Les dossiers déposés avant gardent la leur.", "ok")
            return redirect(url_for("operations.types.index"))
    with reading(collectivity_id) as db:
        set_up.read_ahead(db, collectivity_id)
        row = own_types.type_of(db, collectivity_id, type_id)
        law, last, drawn = family_of(row.family), own_types.current(db, row), Definition.from_data(row.draft)
        named = dict(views.open_desks(db, collectivity_id))
        hindrance = own_types.hindrance(db, g.actor, row)
        if hindrance is not None and not error:
            error = sentences.say(hindrance.key, hindrance.facts)[1]
        page = render_template(
            "operations/type_publish.html",
            type=row,
            hindered=hindrance is not None,
            losses=losses(db, collectivity_id, row.key, last.definition, drawn)
            if last is not None and hindrance is not None and hindrance.key == "type-ruled"
            else (),
            label=drawn.label,
            number=(last.number if last else 0) + 1,
            same=last is not None and last.definition == drawn,
            changes=views.changes(law, last.definition if last else None, drawn, named),
            reading=views.reading_words(db, row, last.definition if last else None, drawn),
            kept=views.kept_words(views.in_hand(db, collectivity_id).get(row.id, {})),
            nobody=views.nobody_deposits(
                row, drawn, views.rights_at(db, collectivity_id, drawn.deposited_by)
            ),
            error=error,
        )
    return page, status


@pages.post("/administration/types/<int:type_id>/fermer")
@guard("administer")
@who_is_there(HERE, doing="Fermer ou rouvrir un type de dossiers")
def close(type_id: int) -> Response:
    """Deposit a type no more, or again."""
    closed = request.form.get("closed") == "1"
    own_types.close_type(g.actor, type_id, closed=closed, shown=_shown())
    sentence = (
        "Le type est fermé : ses dossiers en cours vont à leur terme." if closed else "Le type est rouvert."
    )
    flash(sentence, "ok")
    return redirect(url_for("operations.types.index"))
