"""Pages of circuits: the list, the steps of one, publishing, versions, text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from flask import Blueprint, flash, g, jsonify, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from app.circuits import drafting, named, rules, set_up
from app.circuits.checking import Desks, able_desks, desks_of, named_in, problems
from app.circuits.closing import close_circuit
from app.circuits.drafting import Draft, draft_of
from app.circuits.gestures import Gesture
from app.circuits.library import as_yaml, current, in_force, parted
from app.circuits.tables import InForce
from app.core import stale
from app.core.clock import today
from app.core.db import Db, key_in, reading
from app.core.french import spaces
from app.core.http import guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.display.forms import choices_of
from app.folders import rehearsal
from app.folders.access import authorize, may_read
from app.folders.models import Folder
from app.folders.route import rules_of
from app.operations.circuits import forms, rehearsing, views
from app.operations.circuits.views import AS_DRAFTED, AS_IT_IS
from app.people import choosing
from app.people.office.web import choosing_whole, who_is_there
from app.transmission.settings import names as channels
from workflows.circuit import Circuit, Phase, StepKind
from workflows.emitting import FIELDS
from workflows.family import Family, normalised
from workflows.fields import Field, parse
from workflows.loader import MAX_LABEL, sketch
from workflows.vocabulary import Right

pages = Blueprint("circuits", __name__)
HERE = "operations.circuits.index"
KEPT = {
    "draft-moved",
    "draft-gone",
    "circuit-locked",
    "circuit-long",
    "circuit-closed",
    "circuit-typed",
    "step-gone",
}
"""What is refused and shown in the page itself, what was typed still in it."""
UNPUBLISHED = {
    "publish-moved",
    "publish-gone",
    "circuit-moved",
    "circuit-unready",
    "circuit-same",
    "circuit-twice",
    "circuit-taken",
    "circuit-late",
    "circuit-closed",
}
"""The same in the pages that publish, where nothing is typed."""
OPENING = {
    "circuit-name": "label",
    "circuit-twice": "label",
    "circuit-many": "",
    "circuit-like": "comme",
    "circuit-unknown": "comme",
    "family-unknown": "comme",
}
"""What is refused of a circuit that one opens, each with the field where it is mended."""
FIRST, LAST = date(2000, 1, 1), date(2100, 12, 31)
"""The days on which a rehearsal reckons."""
TOO_FAR = f"L’essai compte de {FIRST.year} à {LAST.year} : choisissez une date de ces années."
BROKEN = "Le brouillon a des problèmes à régler : l’essai ne dit que ce qu’ils laissent voir."
NO_TYPE = "Le type de dossier demandé n’existe pas, ou n’est plus ouvert : choisissez-en un dans la liste."
NO_CIRCUIT = "Le circuit ou le brouillon demandé n’est pas de ce type de dossier, ou n’est plus là : choisissez dans la liste."
NO_FOLDER = "Aucun dossier de ce numéro n’est à vous lire : donnez le numéro d’un dossier que vous lisez."
NO_EMITTER = "Choisissez le bureau qui dépose, parmi ceux qui le peuvent pour ce type de dossier."


@pages.get("/circuits")
@guard("administer")
def index() -> str:
    """The circuits of each family: its default one, then those that the collectivity has named."""
    with reading(g.actor.collectivity_id) as db:
        set_up.read_ahead(db, g.actor.collectivity_id)
        rows = views.listing(db, g.actor.collectivity_id)
    return render_template("operations/circuits/index.html", rows=rows)


@pages.route("/circuits/nouveau", methods=["GET", "POST"])
@guard("administer")
def new() -> Response | tuple[str, int]:
    """Open a circuit beside those of a family: its name, and the circuit whose steps it begins with."""
    error, status, wrong = "", 200, ""
    label, like = request.form.get("label", ""), request.values.get("comme", "")
    if request.method == "POST":
        try:
            name = named.open_circuit(g.actor, parted(like)[0], label, like)
        except Refusal as refusal:
            if refusal.key not in OPENING:
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
            wrong = OPENING[refusal.key]
        else:
            flash(
                "Le circuit est ouvert, en brouillon. Aucun dossier ne le suit tant qu’il n’est pas publié, "
                "puis pris par une règle.",
                "ok",
            )
            return redirect(url_for("operations.circuits.edit", family=name))
    with reading(g.actor.collectivity_id) as db:
        set_up.read_ahead(db, g.actor.collectivity_id)
        groups = views.grouped(db, g.actor.collectivity_id)
    page = render_template(
        "operations/circuits/new.html",
        groups=groups,
        label=label,
        like=like,
        error=error,
        wrong=wrong,
        longest=MAX_LABEL,
    )
    return page, status


@pages.post("/circuits/<family>/fermer")
@guard("administer")
def close(family: str) -> Response:
    """Let no folder take a circuit any more, or let it again."""
    closed = request.form.get("closed") == "1"
    close_circuit(g.actor, family, closed=closed)
    flash(
        "Le circuit est fermé : ses dossiers en cours vont à leur terme."
        if closed
        else "Le circuit est rouvert.",
        "ok",
    )
    return redirect(url_for("operations.circuits.index"))


@pages.route("/circuits/<family>", methods=["GET", "POST"])
@guard("administer")
def edit(family: str) -> Response | tuple[str, int]:
    """The steps of a circuit beside its picture; what is posted is a gesture, and the draft is kept at each."""
    if request.method != "POST":
        return _editor(family, request.args.get("etape", ""))
    based_on, done = forms.number(request.form, "version"), request.form.get("gesture", "")
    with reading(g.actor.collectivity_id) as db:
        draft = draft_of(db, g.actor.collectivity_id, family)
    played: Sequence[Gesture] = ()
    form = forms.Form(request.form.to_dict(flat=False))
    try:
        played = forms.gestures(
            form, draft.definition["steps"], lambda before: forms.step_in(draft.family, form, before)
        )
        if done == "discard":
            drafting.give_up(g.actor, family, based_on)
            flash("Le brouillon est abandonné : le circuit en vigueur n’a pas changé.", "ok")
            return redirect(url_for("operations.circuits.edit", family=family))
        drafting.change(
            g.actor,
            family,
            based_on,
            played,
            request.form.get("circuit_label"),
            request.form.get("only_for"),
            forms.keys_in(form, "all_told") if "all_told_add" in form else None,
        )
    except Refusal as refusal:
        if refusal.key not in KEPT:
            raise
        return _refused(family, played, refusal)
    key = forms.opened_after(form, lambda: _keys(family))
    return redirect(url_for("operations.circuits.edit", family=family, etape=key or None), code=303)


def _keys(name: str) -> list[str]:
    """The keys of the steps of a draft, in their order."""
    with reading(g.actor.collectivity_id) as db:
        return [step["key"] for step in draft_of(db, g.actor.collectivity_id, name).definition["steps"]]


def _refused(family: str, played: Sequence[Gesture], refusal: Refusal) -> tuple[str, int]:
    """The page as it is now, with what was typed laid over it and written nowhere, and why."""
    status, sentence = sentences.say(refusal.key, refusal.facts)
    typed = [gesture for gesture in played if gesture.kind == "write"]
    return _editor(
        family, request.form.get("open", "")[:40], typed, sentence, status, refusal.key in forms.TOLD
    )


def _editor(
    family: str,
    key: str,
    typed: Sequence[Gesture] = (),
    error: str = "",
    status: int = 200,
    moved: bool = False,
) -> tuple[str, int]:
    collectivity_id = g.actor.collectivity_id
    with reading(collectivity_id) as db:
        set_up.read_ahead(db, collectivity_id)
        draft = draft_of(db, collectivity_id, family)
        definition = draft.after(typed)
        desks = desks_of(db, collectivity_id, views.named_by(db, draft, definition, most=2))
        cards, obstacles = views.cards(draft, definition, desks)
        kinds = views.kinds_of(db, draft, collectivity_id)
        wording = views.words_of_circuit(draft, kinds, desks)
        # Of a closed one no step is open, but one that was typed while it was closed
        shown = key if not draft.closed or typed else ""
        opened = views.opened(db, draft, definition, desks, shown, obstacles)
        context = {
            "keeping": views.keeping(db, draft, collectivity_id),
            "offered": views.offered(
                db, draft.family, desks, opened.actors, opened.kind, entire=choosing_whole()
            )
            if opened
            else None,
            "latest": views.history(db, draft, collectivity_id, wording, most=1),
            "use": rules.use_of(db, collectivity_id, family),
        }
    # Nobody is told of a folder that only its circuit may read
    tellable = [] if draft.family.restricted else [(key, desk.name) for key, desk in desks.items()]
    return render_template(
        "operations/circuits/edit.html",
        family=draft.family,
        draft=draft,
        version=stale.mark("version", draft.version, fresh=moved),
        label=definition["label"],
        saved=views.saved(draft),
        cards=cards,
        problems=obstacles,
        opened=opened,
        kinds=list(StepKind),
        types=[(key, kind.label) for key, kind in kinds.items()],
        only_for=str(definition.get("type") or ""),
        desks=choosing.begun(tellable, whole=choosing_whole()),
        all_told=views.told_of(definition, desks),
        askable=views.askable(draft.family),
        wrong={obstacle.field: obstacle.sentence for obstacle in obstacles if obstacle.step is None},
        quorums=views.QUORUMS,
        compared=views.compared(draft.family),
        channels=wording.channels,
        changes=views.changes(draft, sketch(definition), wording) if draft.begun else [],
        picture=Markup(views.picture(definition, wording, obstacles)),  # noqa: S704 (the drawing escapes what it prints)
        error=error,
        trial=f"{AS_DRAFTED if draft.begun else AS_IT_IS}{draft.name}",
        **context,
    ), status


@pages.get("/circuits/acteurs")
@guard("administer")
def acting() -> Response:
    """The desks and the people whom words find, for the list of a step that its page does not hold whole."""
    with reading(g.actor.collectivity_id) as db:
        offer = views.acting(db, request.args.get("q", "")[:100], signs="signature" in request.args)
    return jsonify(options=offer.options, more=offer.more)


@pages.route("/circuits/<family>/publier", methods=["GET", "POST"])
@guard("administer")
@who_is_there(HERE, doing="Publier un circuit")
def publish(family: str) -> Response | tuple[str, int]:
    """What the draft changes, in words, before it is published."""
    error, status, unready = "", 200, False
    if request.method == "POST":
        try:
            number = drafting.publish_draft(
                g.actor,
                family,
                forms.number(request.form, "version"),
                forms.number(request.form, "over"),
                channels(),
            )
        except Refusal as refusal:
            if refusal.key not in UNPUBLISHED:
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
            unready = refusal.key == "circuit-unready"
        else:
            with reading(g.actor.collectivity_id) as db:
                taken = rules.use_of(db, g.actor.collectivity_id, family).taken
            untaken = (
                ""
                if taken
                else " Aucune règle ne prend encore ce circuit : aucun nouveau dossier ne le suit."
            )
            flash(f"La version {number} est publiée. Les dossiers en cours gardent la leur.{untaken}", "ok")
            return redirect(url_for("operations.circuits.edit", family=family))
    collectivity_id = g.actor.collectivity_id
    with reading(collectivity_id) as db:
        set_up.read_ahead(db, collectivity_id)
        draft = draft_of(db, collectivity_id, family)
        desks = desks_of(db, collectivity_id, views.named_by(db, draft, draft.definition, most=2))
        wording = views.words_of_circuit(draft, views.kinds_of(db, draft, collectivity_id), desks)
        cards, obstacles = views.cards(draft, draft.definition, desks)
        page = render_template(
            "operations/circuits/publish.html",
            draft=draft,
            family=draft.family,
            cards=cards,
            problems=obstacles,
            changes=views.changes(draft, sketch(draft.definition), wording),
            copied=views.compared_to(db, draft, sketch(draft.definition), wording),
            keeping=views.keeping(db, draft, collectivity_id),
            use=rules.use_of(db, collectivity_id, family),
            saved=views.saved(draft),
            error="" if unready and obstacles else error,  # the list says it, each with its step
        )
    return page, status


@pages.route("/circuits/<family>/versions", methods=["GET", "POST"])
@guard("administer")
@who_is_there(HERE, doing="Remettre en vigueur un circuit d’avant")
def versions(family: str) -> Response | tuple[str, int]:
    """Every version with what it changed; one of before may be published again."""
    error, status = "", 200
    if request.method == "POST":
        number = forms.number(request.form, "number")
        try:
            version = drafting.restore(
                g.actor, family, number, forms.number(request.form, "over"), channels()
            )
        except Refusal as refusal:
            if refusal.key not in UNPUBLISHED:
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
        else:
            flash(f"La version {version} est publiée : ce sont les étapes de la version {number}.", "ok")
            return redirect(url_for("operations.circuits.versions", family=family))
    collectivity_id = g.actor.collectivity_id
    with reading(collectivity_id) as db:
        set_up.read_ahead(db, collectivity_id)
        draft = draft_of(db, collectivity_id, family)
        desks = desks_of(db, collectivity_id, views.named_by(db, draft, draft.definition))
        wording = views.words_of_circuit(draft, views.kinds_of(db, draft, collectivity_id), desks)
        listed = views.history(db, draft, collectivity_id, wording)
    page = render_template(
        "operations/circuits/versions.html", draft=draft, family=draft.family, versions=listed, error=error
    )
    return page, status


@pages.route("/circuits/<family>/texte", methods=["GET", "POST"])
@guard("administer")
def text(family: str) -> Response | tuple[str, int]:
    """The same circuit as a text: to be read, taken away, or taken in as a draft."""
    error, status, source, moved = "", 200, request.form.get("source"), False
    if source is not None:
        try:
            drafting.take_in(g.actor, family, forms.number(request.form, "version"), source)
        except Refusal as refusal:
            if refusal.key not in {"circuit-invalid", *KEPT}:
                raise
            status, error = sentences.say(refusal.key, refusal.facts)
            moved = refusal.key in forms.TOLD
        else:
            flash("Le texte est devenu le brouillon : relisez-le, puis publiez.", "ok")
            return redirect(url_for("operations.circuits.edit", family=family))
    with reading(g.actor.collectivity_id) as db:
        draft = draft_of(db, g.actor.collectivity_id, family)
    shown = source if source is not None else _yaml(draft)
    page = render_template(
        "operations/circuits/text.html",
        draft=draft,
        version=stale.mark("version", draft.version, fresh=moved),
        family=draft.family,
        source=shown,
        error=error,
    )
    return page, status


@pages.get("/circuits/<family>/texte.yaml")
@guard("administer")
def export(family: str) -> Response:
    """The text as a file."""
    with reading(g.actor.collectivity_id) as db:
        draft = draft_of(db, g.actor.collectivity_id, family)
    name = f"circuit-{draft.name}.yaml"
    return Response(
        _yaml(draft),
        content_type="application/yaml; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _yaml(draft: Draft) -> str:
    return as_yaml(draft.definition)


@dataclass(frozen=True)
class Question:
    """A fact that the rehearsal asks for: its key, label, kind, value, what is offered, and what is wrong with it."""

    key: str
    label: str
    kind: str
    value: str
    options: Sequence[tuple[str, str]] | None
    wrong: str


@pages.get("/circuits/essai")
@guard("administer")
def rehearse() -> str:
    """A rehearsal: a type, facts, a desk that deposits, a day; each step, who would be asked, by when, what would block."""
    collectivity_id = g.actor.collectivity_id
    with reading(collectivity_id) as db:
        set_up.read_ahead(db, collectivity_id)
        kinds = rules.kinds(db, collectivity_id)
        values, wrong_folder = _begun(db)
        name, by = values.get("type", ""), values.get("circuit", "")
        kind = next((kind for kind in kinds if kind.name == name), kinds[0])
        wrong_type = NO_TYPE if name and name != kind.name else ""
        family = replace(kind.family, fields=kind.family.fields[len(FIELDS) :])
        ways, drafts = rules.takeable(db, collectivity_id, kind), drafting.drafts(db, collectivity_id)
        tried = rules.draft_of(db, collectivity_id, kind.name)
        trials = views.trials(drafts, tried, ways)
        wrong_circuit = NO_CIRCUIT if by and not wrong_type and by not in dict(trials) else ""
        if wrong_type or wrong_circuit:
            by = ""
        drafted = (
            draft_of(db, collectivity_id, by.removeprefix(AS_DRAFTED)) if by.startswith(AS_DRAFTED) else None
        )
        alone = by.removeprefix(AS_IT_IS) if by.startswith(AS_IT_IS) else ""
        trial = InForce(0, kind.name, 0, tried.table) if by == "regles" else None
        table = None if drafted or alone else trial.table if trial else tried.followed
        judged = drafted.definition if drafted else tried.definition if trial else {}
        desks = desks_of(db, collectivity_id, named_in(judged))
        emitters = _emitters(db, family, desks)
        chosen, trying = values.get("bureau", ""), "essayer" in values
        desk_id = key_in(chosen) if chosen in dict(emitters) else None
        wrong_desk = NO_EMITTER if trying and emitters and desk_id is None else ""
        day, wrong_day = _day(values.get("jour", ""))
        names = [alone] if alone else table.circuits if table is not None else []
        circuits = [sketch(drafted.definition)] if drafted else _circuits(db, names)
        questions = rehearsing.questions(family, circuits, table)
        typed = {question.key: values.get(f"f_{question.key}", "").strip() for question in questions}
        fields = [_question(db, question, typed[question.key]) for question in questions]
        ready = trying and not any([wrong_type, wrong_circuit, wrong_day, *(field.wrong for field in fields)])
        result = broken = way = None
        faulty = (
            problems(drafted.family, drafted.definition, desks, channels())
            if drafted
            else trial and rules.problems(kind, tried.definition, desks, ways)
        )
        if ready and faulty:
            broken = BROKEN
        if ready and desk_id is not None:
            first, later = _split(family, circuits, typed)
            folder = rehearsal.imagined(collectivity_id, family, desk_id, first)
            if drafted:
                title = f"Circuit « {drafted.title} », brouillon"
                way = rehearsing.Taken(circuits[0], [], drafted.name, title)
            elif alone:
                version = current(db, collectivity_id, alone)
                way = rehearsing.taken_anyhow(kind.law, alone, version, circuits[0])
            else:
                way = rehearsing.taken(db, folder, trial)
            result = rehearsing.view(
                db,
                folder,
                rehearsal.rehearse(db, folder, way.circuit, day, later),
                [*way.lacking, *rehearsing.missing(folder, questions, day)],
                [*rehearsing.undecided(db, folder, table), *rehearsing.unanswered(folder, way.circuit)],
            )
        return render_template(
            "operations/circuits/rehearse.html",
            families=[(kind.name, kind.label) for kind in kinds],
            family=family,
            kind=kind,
            trials=trials,
            by=by,
            wrong_type=wrong_type,
            wrong_circuit=wrong_circuit,
            way=way,
            emitters=emitters,
            desk=chosen,
            wrong_desk=wrong_desk,
            day=day.isoformat() if not wrong_day else values.get("jour", ""),
            wrong_day=wrong_day,
            fields=fields,
            result=result,
            broken=broken,
            asked=trying,
            like=request.args.get("dossier", "")[:20],
            wrong_folder=wrong_folder,
        )


def _begun(db: Db) -> tuple[Mapping[str, str], str]:
    """What is typed, or to begin with what a folder that the reader reads says; and what is wrong with its number."""
    typed = request.args.get("dossier", "").strip()
    if not typed:
        return request.args, ""
    folder = db.get(Folder, key_in(typed) or 0)
    if folder is None or not may_read(db, g.actor, folder):
        return request.args, NO_FOLDER
    facts = {f"f_{key}": str(value) for key, value in folder.fields.items() if isinstance(value, str | int)}
    family, own_type = folder.of_type
    return {**facts, "type": own_type or family, "bureau": str(folder.emitter_desk_id)}, ""


def _emitters(db: Db, family: Family, desks: Desks) -> list[tuple[str, str]]:
    """The desks, by number, where somebody may deposit a folder of this type."""
    able = able_desks(db, g.actor.collectivity_id, Right.CREATE, family)
    return [
        (str(desk.id), desk.name)
        for key, desk in desks.items()
        if desk.id in able
        and all(key in only for only in filter(None, (family.restricted_to, family.deposited_by)))
    ]


def _split(
    family: Family, circuits: Iterable[Circuit], typed: Mapping[str, str]
) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    """What is given at the deposit, and what a step is to ask on the way: what no folder leaves without is of the first."""
    required = {key for circuit in circuits for step in circuit.steps for key in step.requires}
    required -= {field.key for field in family.fields if field.required_from == "submit"}
    first = {key: value for key, value in typed.items() if key not in required}
    return first, normalised(family, {key: value for key, value in typed.items() if key in required})


def _circuits(db: Db, names: Iterable[str]) -> list[Circuit]:
    """The circuits of these names that a folder may take."""
    written = in_force(db, g.actor.collectivity_id)
    return [written[name] for name in names if name in written]


def _day(typed: str) -> tuple[date, str]:
    """The day that was typed, today's when nothing was; else what is wrong with it."""
    if not typed:
        return today(), ""
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        return today(), "Ce n’est pas une date : choisissez-la dans le calendrier, ou écrivez-la AAAA-MM-JJ."
    return day, "" if FIRST <= day <= LAST else TOO_FAR


def _question(db: Db, field: Field, value: str) -> Question:
    wrong = ""
    if value:
        try:
            known = parse(field, value)
        except ValueError as error:
            wrong = str(error)
        else:
            far = field.type == "date" and not FIRST <= date.fromisoformat(str(known)) <= LAST
            wrong = TOO_FAR if far else ""
    options = choices_of(db, g.actor.collectivity_id, field)
    return Question(field.key, spaces(field.label), field.type, value, options, spaces(wrong))


@pages.get("/dossiers/<int:folder_id>/essai")
@guard("create")
def of_folder(folder_id: int) -> Response | str:
    """The rehearsal of a draft, as it would be sent now; nothing is sent."""
    with reading(g.actor.collectivity_id) as db:
        folder = authorize(db, g.actor, folder_id)
        mine = folder.emitter_desk_id in g.actor.desks_with(Right.CREATE, folder.of_type)
        if not mine or folder.phase not in {Phase.DRAFT, Phase.REJECTED}:
            return redirect(url_for("folders.show", folder_id=folder_id))
        sent = rehearsal.again(folder)
        way = rehearsing.taken(db, sent)
        lacking = [*way.lacking, *rehearsing.keeping(db, folder)]
        followed = rules_of(db, sent)
        table = followed.table if followed is not None else None
        return render_template(
            "operations/circuits/of_folder.html",
            folder=folder,
            way=way,
            result=rehearsing.view(
                db,
                sent,
                rehearsal.rehearse(db, sent, way.circuit, today()),
                lacking,
                [*rehearsing.undecided(db, sent, table), *rehearsing.unanswered(sent, way.circuit)],
            ),
        )
