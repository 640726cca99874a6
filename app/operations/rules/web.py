"""Pages of rules: the types, the rows of one, publishing, versions."""

from collections.abc import Sequence

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.circuits import rules, set_up, tables
from app.circuits.checking import desks_of, named_in
from app.circuits.gestures import Gesture
from app.circuits.rules import ROWS, RulesDraft, draft_of, problems, takeable
from app.core import stale
from app.core.db import reading
from app.core.http import guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.operations.circuits import forms
from app.operations.circuits.views import compared, saved, words_of
from app.operations.rules import views
from app.people.office.web import who_is_there
from workflows.rule_table import sketched

pages = Blueprint("rules", __name__)
HERE = "operations.rules.index"
KEPT = {"draft-moved", "draft-gone", "rules-long", "row-gone"}
"""What is refused and shown in the page itself, what was typed still in it."""
UNPUBLISHED = {"publish-moved", "publish-gone", "circuit-moved", "rules-unready", "rules-same"}
"""The same in the pages that publish, where nothing is typed."""


@pages.get("/administration/regles")
@guard("administer")
def index() -> str:
    """The types, each with its rules."""
    with reading(g.actor.collectivity_id) as db:
        set_up.read_ahead(db, g.actor.collectivity_id)
        lines = views.listing(db, g.actor.collectivity_id)
    return render_template("operations/rules/index.html", lines=lines)


@pages.route("/administration/regles/<kind>", methods=["GET", "POST"])
@guard("administer")
def edit(kind: str) -> Response | tuple[str, int]:
    """The rows of a type in their order; what is posted is a gesture, and the draft is kept at each."""
    if request.method != "POST":
        return _editor(kind, request.args.get("regle", ""))
    based_on, done = forms.number(request.form, "version"), request.form.get("gesture", "")
    with reading(g.actor.collectivity_id) as db:
        draft = draft_of(db, g.actor.collectivity_id, kind)
    form = forms.Form(request.form.to_dict(flat=False))
    otherwise = request.form.get("otherwise")
    otherwise = otherwise[: forms.LONGEST_NAME] if otherwise is not None else None
    played: Sequence[Gesture] = ()
    try:
        played = forms.gestures(
            form, draft.definition["rows"], lambda before: forms.row_in(draft.kind.family, form, before), ROWS
        )
        if done == "discard":
            rules.give_up(g.actor, kind, based_on)
            flash("Le brouillon est abandonné : les règles en vigueur n’ont pas changé.", "ok")
            return redirect(url_for("operations.rules.edit", kind=kind))
        rules.change(g.actor, kind, based_on, played, otherwise)
    except Refusal as refusal:
        if refusal.key not in KEPT:
            raise
        status, sentence = sentences.say(refusal.key, refusal.facts)
        typed = [gesture for gesture in played if gesture.kind == "write"]
        return _editor(
            kind, request.form.get("open", "")[:40], typed, sentence, status, refusal.key in forms.TOLD
        )
    key = forms.opened_after(form, lambda: _keys(kind))
    return redirect(url_for("operations.rules.edit", kind=kind, regle=key or None), code=303)


def _keys(name: str) -> list[str]:
    """The keys of the rows of a draft, in their order."""
    with reading(g.actor.collectivity_id) as db:
        return [row["key"] for row in draft_of(db, g.actor.collectivity_id, name).definition["rows"]]


def _editor(
    kind: str,
    key: str,
    typed: Sequence[Gesture] = (),
    error: str = "",
    status: int = 200,
    moved: bool = False,
) -> tuple[str, int]:
    collectivity_id = g.actor.collectivity_id
    with reading(collectivity_id) as db:
        set_up.read_ahead(db, collectivity_id)
        draft = draft_of(db, collectivity_id, kind)
        definition = draft.after(typed)
        desks = desks_of(
            db, collectivity_id, named_in(definition, draft.definition, draft.followed.to_data())
        )
        table, ways = sketched(definition), takeable(db, collectivity_id, draft.kind)
        obstacles = problems(draft.kind, definition, desks, ways)
        wording = words_of(draft.kind.family, desks)
        count = views.counted(db, g.actor, draft.kind, table)
        cards = views.cards(
            draft,
            definition,
            table,
            wording,
            ways,
            obstacles,
            count.by_rank,
            tables.paths(db, collectivity_id),
        )
        opened = views.opened(db, draft.kind, definition, key, obstacles)
    return render_template(
        "operations/rules/edit.html",
        kind=draft.kind,
        draft=draft,
        version=stale.mark("version", draft.version, fresh=moved),
        saved=saved(draft),
        cards=cards,
        otherwise=definition["otherwise"],
        others=count.by_rank.get(len(cards), 0),
        total=count.total,
        problems=obstacles,
        wrong={obstacle.field: obstacle.sentence for obstacle in obstacles if obstacle.step is None},
        opened=opened,
        ways=ways,
        compared=compared(draft.kind.family),
        changes=_changes(draft, views.changes(draft, wording, ways)),
        error=error,
    ), status


def _changes(draft: RulesDraft, sentences: list[str]) -> list[str]:
    """What would be published; of a type that has no rules of its own yet, that it has some."""
    if draft.same:
        return []
    return sentences or ["Ce type a ses propres règles, les mêmes que celles de sa famille."]


@pages.route("/administration/regles/<kind>/publier", methods=["GET", "POST"])
@guard("administer")
@who_is_there(HERE, doing="Publier des règles")
def publish(kind: str) -> Response | tuple[str, int]:
    """What the draft changes, in words, before it is published."""
    error, status = "", 200
    if request.method == "POST":
        try:
            number = rules.publish_rules(
                g.actor, kind, forms.number(request.form, "version"), forms.number(request.form, "over")
            )
        except Refusal as refusal:
            if refusal.key not in UNPUBLISHED:
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            flash(
                f"La version {number} des règles est publiée. Les dossiers en cours gardent leur circuit.",
                "ok",
            )
            return redirect(url_for("operations.rules.edit", kind=kind))
    collectivity_id = g.actor.collectivity_id
    with reading(collectivity_id) as db:
        set_up.read_ahead(db, collectivity_id)
        draft = draft_of(db, collectivity_id, kind)
        desks = desks_of(db, collectivity_id, named_in(draft.definition, draft.followed.to_data()))
        ways, wording = takeable(db, collectivity_id, draft.kind), words_of(draft.kind.family, desks)
        obstacles = problems(draft.kind, draft.definition, desks, ways)
        table, branches = draft.table, tables.paths(db, collectivity_id)
        count = views.counted(db, g.actor, draft.kind, table)
        cards = views.cards(draft, draft.definition, table, wording, ways, obstacles, count.by_rank, branches)
    page = render_template(
        "operations/rules/publish.html",
        kind=draft.kind,
        draft=draft,
        changes=_changes(draft, views.changes(draft, wording, ways)),
        problems=obstacles,
        cards=cards,
        saved=saved(draft),
        error=error,
    )
    return page, status


@pages.route("/administration/regles/<kind>/versions", methods=["GET", "POST"])
@guard("administer")
@who_is_there(HERE, doing="Remettre en vigueur des règles d’avant")
def versions(kind: str) -> Response | tuple[str, int]:
    """Every version with what it changed; one of before may be published again."""
    error, status = "", 200
    if request.method == "POST":
        number = forms.number(request.form, "number")
        try:
            version = rules.restore(g.actor, kind, number, forms.number(request.form, "over"))
        except Refusal as refusal:
            if refusal.key not in UNPUBLISHED:
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            flash(f"La version {version} est publiée : ce sont les règles de la version {number}.", "ok")
            return redirect(url_for("operations.rules.versions", kind=kind))
    collectivity_id = g.actor.collectivity_id
    with reading(collectivity_id) as db:
        set_up.read_ahead(db, collectivity_id)
        draft = draft_of(db, collectivity_id, kind)
        former = (row.definition for row in rules.versions(db, collectivity_id, draft.kind.name))
        named = named_in(draft.definition, draft.followed.to_data(), *former)
        wording = words_of(draft.kind.family, desks_of(db, collectivity_id, named))
        listed = views.history(
            db, collectivity_id, draft.kind, wording, takeable(db, collectivity_id, draft.kind)
        )
    page = render_template(
        "operations/rules/versions.html", kind=draft.kind, draft=draft, versions=listed, error=error
    )
    return page, status
