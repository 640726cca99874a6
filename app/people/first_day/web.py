"""The page behind the set-up link: the collectivity, unless it is there, and who administers it, once."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired

from app.core.db import reading
from app.core.http import PUBLIC, guard
from app.core.limits import address_rate, know, limiter
from app.core.refusals import Refusal, catalogue
from app.people.first_day import links

pages = Blueprint("first_day", __name__)
NOW = "À remplir."
ABOUT = {
    "setup-link": "code",
    "siren-key": "siren",
    "department-invalid": "department",
    "place-invalid": "postal_code",
    "population-invalid": "population",
    "email-invalid": "email",
    "email-taken": "email",
    "login-invalid": "login",
    "login-taken": "login",
    "password-weak": "password",
    "password-guessable": "password",
    "password-breached": "password",
}
"""The field that a refusal is about: it is said beside it, and the keyboard starts there."""
_LINE = {"maxlength": str(links.LONGEST), "autocomplete": "off"}


def link_field(help_words: str) -> StringField:
    """The field of a link's code, which no address carries (ASVS 14.2.1): a script fills it from what follows « # »."""
    never = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
    return StringField(
        "Lien reçu", [DataRequired(NOW)], description=help_words, render_kw={**never, "data-of-address": ""}
    )


class AdministratorForm(FlaskForm):  # type: ignore[misc]
    """The code of the link, and who administers."""

    code = link_field("Copiez ici l’adresse entière du lien, telle que la commande l’a affichée.")
    first_name = StringField("Prénom", [DataRequired(NOW)], render_kw={**_LINE, "autocomplete": "given-name"})
    last_name = StringField(
        "Nom de famille", [DataRequired(NOW)], render_kw={**_LINE, "autocomplete": "family-name"}
    )
    email = StringField(
        "Courriel",
        [DataRequired(NOW)],
        render_kw={"type": "email", "maxlength": "254", "autocomplete": "email"},
    )
    capacity = StringField(
        "Qualité", [DataRequired(NOW)], description="« Secrétaire générale ».", render_kw=_LINE
    )
    login = StringField(
        "Identifiant",
        [DataRequired(NOW)],
        description="Pour vous connecter, comme « p.nom ».",
        render_kw={**_LINE, "autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"},
    )
    password = PasswordField(
        "Mot de passe",
        [DataRequired(NOW)],
        description="Au moins 12 caractères. Une phrase convient bien.",
        render_kw={"autocomplete": "new-password"},
    )

    def beginning(self) -> links.Beginning:
        """As the verb takes it."""
        names = links.Beginning.__dataclass_fields__
        return links.Beginning(**{name: str(self[name].data or "") for name in names if name in self})


class BeginningForm(AdministratorForm):
    """The same, and the collectivity."""

    siren = StringField(
        "SIREN",
        [DataRequired(NOW)],
        description="Neuf chiffres.",
        render_kw={"inputmode": "numeric", **_LINE},
    )
    name = StringField(
        "Nom", [DataRequired(NOW)], description="Tel qu’il s’imprime : « Kerlann-sur-Mer ».", render_kw=_LINE
    )
    nature = SelectField(
        "Nature",
        choices=[SelectChoice(code, label) for code, label in links.NATURES.items()],
        validate_choice=False,
    )
    department = StringField(
        "Département",
        [DataRequired(NOW)],
        description="Son code : 29, 2A, 974.",
        render_kw={"maxlength": "3", "autocomplete": "off"},
    )
    city = StringField(
        "Commune du siège",
        [DataRequired(NOW)],
        description="Où elle signe : imprimée sur les flux.",
        render_kw=_LINE,
    )
    postal_code = StringField(
        "Code postal",
        [DataRequired(NOW)],
        render_kw={"maxlength": "5", "inputmode": "numeric", "autocomplete": "off"},
    )
    population = StringField(
        "Nombre d’habitants",
        description="Facultatif. À partir de 3 500, la loi demande davantage : publication en ligne, note de synthèse.",
        render_kw={"inputmode": "numeric", **_LINE},
    )


@pages.route("/premier-jour", methods=["GET", "POST"])
@guard(PUBLIC)
@limiter.limit(address_rate, methods=["POST"])
def begin() -> Response | str | tuple[str, int]:
    """Open the installation, or give its collectivity an administrator; a page that says so where somebody administers."""
    with reading() as db:
        there, waiting = links.opened(db), [collectivity.name for collectivity in links.awaiting(db)]
    if there and not waiting:
        raise Refusal("setup-done")
    form = AdministratorForm() if there else BeginningForm()
    shown = {"form": form, "opening": not there, "place": waiting[0] if len(waiting) == 1 else ""}
    if not form.validate_on_submit():
        return render_template("people/first_day.html", error=None, **shown), 422 if form.errors else 200
    try:
        code = form.code.data.rpartition("#")[2].strip()
        login = links.set_up(code, form.beginning(), form.password.data)
    except Refusal as refusal:
        status, sentence = catalogue.say(refusal.key, refusal.facts)
        if ABOUT.get(refusal.key) in form:
            form[ABOUT[refusal.key]].errors = [sentence]
        return render_template("people/first_day.html", error=sentence, **shown), status
    know(login)
    done = "Votre compte est ouvert" if there else "La collectivité est ouverte"
    flash(f"{done}. Connectez-vous avec votre identifiant : {login}", "ok")
    return redirect(url_for("people.login"))
