"""Pages of « Réglages »: each value with where it comes from, its change, the way back, and the real trials."""

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.core import stale
from app.core.db import reading
from app.core.grammar import milliers
from app.core.http import FILES, guard
from app.core.limits import limiter, per_person_there
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.operations.own_settings import views
from app.people.logo import png_of
from app.people.models import Collectivity
from app.people.office.web import who_is_there
from app.people.own_settings import changing
from app.people.own_settings.registry import GIVEN, Kind, Setting, beside, known, opened

pages = Blueprint("settings", __name__)
HERE = "operations.settings.index"
TRIAL_RATE = "6 per minute"  # each is a letter, or a call to a server that the collectivity names
FIELD = "secret"
"""What the field of a secret is called; no page that asks who one is carries it."""
LONGEST = 1000
"""Signs of what is typed with a secret file."""
_AGAIN = {
    "secret": "C’est confirmé. Le secret n’a pas été gardé entre-temps : tapez-le, puis enregistrez.",
    "file": "C’est confirmé. Le fichier n’a pas été gardé entre-temps : choisissez-le de nouveau, puis enregistrez.",
}
_ELSEWHERE = {"setting-unknown", "identity-needed", "right-missing", "administrator-lost", "account-closed"}


@pages.get("/administration/reglages")
@guard("administer")
def index() -> str:
    """Every setting, with where its value comes from."""
    with reading(g.actor.collectivity_id) as db:
        groups = views.groups(db, g.actor.collectivity_id)
    return render_template("operations/settings.html", groups=groups)


def _patience(name: str) -> int:
    setting = known(name)
    return changing.patience_of(setting) if opened(setting) else 0


@pages.route("/administration/reglages/<name>", methods=["GET", "POST"])
@guard("administer", body=FILES)
@who_is_there(HERE, first=_patience, doing="Changer un réglage de la collectivité")
def show(name: str) -> Response | tuple[str, int]:
    """One setting, and the form that gives it a value of the collectivity's own; a secret is typed, and never shown."""
    setting = known(name)
    error, status, typed, moved = "", 200, None, False
    if request.method == "POST":
        typed = request.form.get("value", "")
        if changing.secret(setting) and "answer" in request.form:
            error = _AGAIN["file" if setting.kind in GIVEN else "secret"]
        else:
            try:
                sentence = _give(setting) if setting.kind in GIVEN else _changed(setting, typed)
            except Refusal as refusal:
                if refusal.key in _ELSEWHERE:
                    raise
                status, error = sentences.say(refusal.key, refusal.facts)
                moved = refusal.key == "setting-moved"
            else:
                flash(sentence, "ok")
                return redirect(url_for(HERE))
    with reading(g.actor.collectivity_id) as db:
        line = views.line_of(setting, db.get_one(Collectivity, g.actor.collectivity_id).settings)
    page = render_template(
        "operations/setting.html",
        line=line,
        shown=stale.mark("shown", line.mark, fresh=moved),
        one=setting,
        typed=line.text if typed is None else typed,
        given=setting.file or setting.picture,
        beside=setting.file.beside if setting.file else (),
        form=request.form,
        secret=next((part for part in beside(name) if part.kind is Kind.SEALED), None),
        bounds=[milliers(end) for end in setting.bounds()],
        error=error,
        refused=status != 200,
    )
    return page, status


def _changed(setting: Setting, typed: str) -> str:
    """Give the setting what was typed; what is to be said of it."""
    secrets = {
        part.name: request.form.get(FIELD, "") for part in beside(setting.name) if part.kind is Kind.SEALED
    }
    shown = request.form.get("shown")
    changed = changing.change_setting(g.actor, setting.name, {setting.name: typed, **secrets}, shown=shown)
    return "Le réglage est enregistré." if changed else "C’était déjà la valeur : rien n’a changé."


def _give(setting: Setting) -> str:
    """Try the secret file that was sent, and keep it; what is to be said of it."""
    sent = request.files.get("file")
    taken = setting.file or setting.picture
    data = sent.stream.read((taken.most if taken else 0) + 1) if sent else b""
    texts = {
        part.name: request.form.get(part.name, "")[:LONGEST]
        for part in (setting.file.beside if setting.file else ())
    }
    result = changing.give_file(g.actor, setting.name, data, texts, shown=request.form.get("shown"))
    return f"{result.sentence} Le réglage est enregistré."


@pages.post("/administration/reglages/<name>/revenir")
@guard("administer")
@who_is_there(HERE, doing="Revenir au réglage de l’installation")
def forget(name: str) -> Response:
    """Go back to the installation's value."""
    changed = changing.forget_setting(g.actor, name, shown=request.form.get("shown"))
    sentence = (
        "La valeur de l’installation sert de nouveau."
        if changed
        else "C’était déjà la valeur de l’installation."
    )
    flash(sentence, "ok")
    return redirect(url_for(HERE))


@pages.get("/logo/<mark>")
@guard("person", unprotected=True)
def logo(mark: str) -> Response:
    """The logo of one's own collectivity; its address changes with it, so that a browser asks once. Refuses `not-found`."""
    own = g.actor.logo
    if own is None or own.mark != mark:
        raise Refusal("not-found")
    with reading(g.actor.collectivity_id) as db:
        png = png_of(db, g.actor.collectivity_id)
    answer = Response(png or b"", mimetype="image/png")
    answer.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return answer


@pages.post("/administration/essais/<name>")
@guard("administer")
@limiter.limit(TRIAL_RATE, key_func=per_person_there)
@who_is_there(HERE, doing="Essayer un réglage")
def try_out(name: str) -> Response:
    """Try for real, and show what came back."""
    result = changing.try_out(g.actor, name)
    flash(result.sentence, "ok" if result.fine else "warn")
    return redirect(url_for(HERE))
