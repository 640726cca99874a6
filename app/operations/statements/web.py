"""The public pages on accessibility and personal data, of a collectivity or of none; and the page that completes them."""

from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import DateField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from app.core import stale
from app.core.db import reading
from app.core.http import PUBLIC, guard
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.operations.statements import record
from app.people.models import Collectivity

pages = Blueprint("statements", __name__)


class StatementsForm(FlaskForm):  # type: ignore[misc]
    """What the collectivity says; what no evaluation found is not claimed."""

    state = RadioField(
        "État de conformité au RGAA",
        choices=[SelectChoice(state.value, state.label.capitalize()) for state in record.State],
        validate_choice=False,
    )
    evaluated_on = DateField("Date de l’évaluation", description="Vide tant que personne n’a évalué.")
    evaluator = StringField("Évalué par", render_kw={"maxlength": str(record.LONGEST)})
    access_contact = StringField(
        "À qui signaler une difficulté d’accès",
        description="Un courriel, un téléphone ou une adresse.",
        render_kw={"maxlength": str(record.LONGEST)},
    )
    access_text = TextAreaField(
        "Texte sur l’accessibilité",
        description="Ce qui n’est pas accessible, pourquoi, et par quel autre moyen l’obtenir.",
        render_kw={"rows": "6", "maxlength": str(record.LONGEST_TEXT)},
    )
    privacy_contact = StringField(
        "Délégué à la protection des données",
        description="Un courriel, un téléphone ou une adresse.",
        render_kw={"maxlength": str(record.LONGEST)},
    )
    privacy_text = TextAreaField(
        "Texte sur les données personnelles",
        description="Le responsable, la base légale, les durées que la collectivité a choisies.",
        render_kw={"rows": "6", "maxlength": str(record.LONGEST_TEXT)},
    )

    def wanted(self) -> record.Statements:
        """As the verb takes it; a day that is none is told as missing."""
        data = {name: str(self[name].data or "") for name in record.Statements.__dataclass_fields__}
        return record.Statements(**data)


@pages.get("/accessibilite", defaults={"mark": None})
@pages.get("/accessibilite/<mark>")
@guard(PUBLIC)
def accessibility(mark: str | None) -> str:
    """How far the service is accessible, as the collectivity says it, and to whom to tell a difficulty."""
    return render_template("operations/accessibility.html", **_of(mark))


@pages.get("/donnees-personnelles", defaults={"mark": None})
@pages.get("/donnees-personnelles/<mark>")
@guard(PUBLIC)
def privacy(mark: str | None) -> str:
    """What is kept of a person and for how long, and to whom to ask for it (RGPD 13 to 22)."""
    days = current_app.config["PARAPHE"].journal_address_days
    return render_template("operations/privacy.html", days=days, **_of(mark))


def _of(mark: str | None) -> dict[str, Any]:
    """What one collectivity has written; without a mark that of the session, or the only one that is here.

    Refuses `not-found` of a mark that is nobody's: who shares an installation is told to nobody who tries numbers.
    """
    actor = current_user.actor if current_user.is_authenticated else None
    with reading() as db:
        numbers = list(db.scalars(sa.select(Collectivity.id).order_by(Collectivity.id)))
        if mark is not None:
            numbers = [number for number in numbers if record.is_mark(mark, number)]
            if not numbers:
                raise Refusal("not-found")
        elif actor is not None:
            numbers = [actor.collectivity_id]
        collectivity = db.get_one(Collectivity, numbers[0]) if len(numbers) == 1 else None
        return {
            "place": collectivity.name if collectivity else "",
            "shared": len(numbers) > 1,
            "said": record.read(collectivity.settings) if collectivity else record.Statements(),
            "unknown": record.State.UNKNOWN,
        }


@pages.app_template_global()
def statements_mark(collectivity_id: int) -> str:
    """What the addresses of both pages of a collectivity end with."""
    return record.mark_of(collectivity_id)


@pages.route("/administration/pages-publiques", methods=["GET", "POST"])
@guard("administer")
def office() -> Response | tuple[str, int]:
    """Complete both pages."""
    form, error, status, moved = StatementsForm(), "", 200, False
    with reading(g.actor.collectivity_id) as db:
        present = record.of(db, g.actor.collectivity_id)
    if request.method == "POST":
        try:
            changed = record.complete(g.actor, form.wanted(), shown=request.form.get("seen", ""))
        except Refusal as refusal:
            status, error = sentences.say(refusal.key, refusal.facts)
            moved = refusal.key == "statement-moved"
            if refusal.key == "statement-unproven":
                form.evaluated_on.errors = [error]
        else:
            sentence = (
                "Les deux pages publiques disent ce texte."
                if changed
                else "Rien à enregistrer : c’était déjà ainsi."
            )
            flash(sentence, "ok" if changed else "info")
            return redirect(url_for("operations.statements.office"))
    else:
        form = StatementsForm(
            formdata=None,
            **{
                name: getattr(present, name)
                for name in record.Statements.__dataclass_fields__
                if name != "evaluated_on"
            },
            evaluated_on=present.day,
        )
    if moved:
        with reading(g.actor.collectivity_id) as db:
            present = record.of(db, g.actor.collectivity_id)
        stale.tell(form, _in_force(present, form.wanted()))
    page = render_template(
        "operations/statements.html",
        form=form,
        error=error,
        seen=stale.mark("seen", present.mark, fresh=moved),
    )
    return page, status


def _in_force(present: record.Statements, typed: record.Statements) -> dict[str, str]:
    """What the pages tell where something else was typed, in words by field."""
    texts = asdict(present) | {
        "state": present.level.label.capitalize(),
        "evaluated_on": f"{present.day:%d/%m/%Y}" if present.day else "",
    }
    now, wanted = asdict(present), asdict(typed)
    return {name: texts[name] for name in now if now[name].split() != wanted[name].split()}
