"""The form of a signing mandate, and what it says once it is read."""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from flask_wtf import FlaskForm
from wtforms import DateField, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.widgets import CheckboxInput

from app.core.db import Db, key_in
from app.core.french import jour
from app.core.refusals import Refusal
from app.people.mandates import LONGEST_REASON, Wanted, orders
from workflows.family import families
from workflows.mandates import Kind

KINDS = [
    (Kind.MAYOR.value, "Maire", "La commune l’a élu ; ses délégations finissent avec lui."),
    (Kind.FUNCTION.value, "Délégation de fonction", "À un adjoint ou à un conseiller, par arrêté."),
    (Kind.SIGNATURE.value, "Délégation de signature", "À un agent : directeur, responsable de service."),
    (Kind.SUBSTITUTE.value, "Suppléance", "Le maire est empêché ; un adjoint le remplace."),
]
WHO = [("yes", "Élu"), ("no", "Agent")]
_LONGEST = {"maxlength": "200"}


class MandateForm(FlaskForm):  # type: ignore[misc]
    """Who signs, as what, from when, and for what; what the law asks is checked by the verb."""

    person = StringField("Personne")
    kind = RadioField(
        "Mandat", choices=[SelectChoice(value, label) for value, label, _ in KINDS], validate_choice=False
    )
    title = StringField(
        "Qualité",
        description="Imprimée sur l’acte : « le maire », « l’adjointe aux finances », « le premier adjoint ».",
        render_kw=_LONGEST,
    )
    elected = RadioField(
        "Élu ou agent", choices=[SelectChoice(value, label) for value, label in WHO], validate_choice=False
    )
    order_folder = SelectField(
        "Arrêté signé ici",
        description="Son numéro et ses dates sont alors lus dans son dossier : la délégation commence quand il est exécutoire.",
        validate_choice=False,
    )
    order_number = StringField(
        "Numéro de l’arrêté", description="Pour une délégation : celui de l’arrêté.", render_kw=_LONGEST
    )
    order_date = DateField(
        "Date de l’arrêté", description="Pour une délégation : le jour où le maire l’a signé."
    )
    starts_on = DateField(
        "Premier jour",
        description="Pour une délégation : le jour où l’arrêté, publié et transmis, est exécutoire.",
        default=None,
    )
    ends_on = DateField("Dernier jour", description="Vide : jusqu’à son retrait.")
    families = SelectMultipleField("Types de dossiers", option_widget=CheckboxInput(), validate_choice=False)
    matters = StringField(
        "Matières",
        description="Pour les actes qui en ont une : 7.5 comprend 7.5.2. Séparées par des virgules ; vide : toutes.",
        render_kw=_LONGEST,
    )
    ceiling = StringField(
        "Plafond en euros",
        description="Pour les dossiers qui ont un montant ; de plusieurs, le plus grand compte. Vide : sans plafond.",
        render_kw={"inputmode": "decimal", **_LONGEST},
    )
    rank = StringField(
        "Ordre de priorité",
        description="Quand plusieurs adjoints ont la même délégation : 1, puis 2.",
        render_kw={"inputmode": "numeric", **_LONGEST},
    )
    reason = StringField(
        "Motif",
        description="Pour une suppléance : l’empêchement du maire. Pour un agent qui signe des décisions du maire : la "
        "délibération qui le permet.",
        render_kw=_LONGEST,
    )

    def wanted(self) -> Wanted:
        """What was written, as the verb takes it; refuses what is no kind, no amount and no number."""
        answers = self.data
        try:
            kind = Kind(str(answers["kind"]))
        except ValueError:
            raise Refusal("mandate-incomplete", details="le genre de mandat") from None
        person = key_in(str(answers["person"] or ""))
        if person is None:
            raise Refusal("mandate-incomplete", details="la personne")
        return Wanted(
            user_id=person,
            kind=kind,
            title=_text(answers["title"]),
            starts_on=_day(self.starts_on),
            ends_on=_day(self.ends_on),
            order_number=_text(answers["order_number"]),
            order_date=_day(self.order_date),
            families=tuple(answers["families"] or ()),
            matters=tuple(filter(None, (matter.strip() for matter in _text(answers["matters"]).split(",")))),
            ceiling_cents=_cents(_text(answers["ceiling"])),
            rank=_rank(_text(answers["rank"])),
            reason=_text(answers["reason"]),
            elected={"yes": True, "no": False}.get(str(answers["elected"])),
            order_folder_id=key_in(str(answers["order_folder"] or "")),
        )


class EndForm(FlaskForm):  # type: ignore[misc]
    """When a mandate ends."""

    last_day = DateField("Dernier jour", description="Vide : le mandat prend fin tout de suite.")
    reason = StringField(
        "Motif",
        description="Lu par qui perd ce mandat, par qui l’a donné et par les administrateurs ; il reste dans le journal.",
        render_kw={"maxlength": str(LONGEST_REASON), "required": True},
    )

    def day(self) -> date | None:
        """The last day, or None for at once; refuses what is no date."""
        return _day(self.last_day)


def mandate_form(db: Db) -> MandateForm:
    """The form, with the orders and the families that may be chosen."""
    form = MandateForm()
    form.order_folder.choices = [("", "Aucun : je donne ses dates plus bas")] + [
        (
            str(order.folder_id),
            f"{order.title}, {f'exécutoire le {jour(order.executory_on)}' if order.executory_on else 'pas encore exécutoire'}",
        )
        for order in orders(db)
    ]
    form.families.choices = [SelectChoice(name, family.plural) for name, family in families().items()]
    return form


def _text(value: Any) -> str:
    return str(value or "").strip()


def _day(field: Any) -> date | None:
    """The date of a field: nothing when it is empty, refused when it is none (`mandate-date-unreadable`)."""
    if field.data is None and any(_text(text) for text in field.raw_data or ()):
        raise Refusal("mandate-date-unreadable", label=field.label.text)
    day: date | None = field.data
    return day


def _cents(text: str) -> int | None:
    if not text:
        return None
    plain = "".join(text.split()).replace("\u202f", "").replace("€", "").replace(",", ".")
    try:
        amount = Decimal(plain)
        if not amount.is_finite() or amount != amount.quantize(Decimal("0.01")) or amount > Decimal("1e12"):
            raise Refusal("mandate-ceiling")
    except InvalidOperation:
        raise Refusal("mandate-ceiling") from None
    return int(amount * 100)


def _rank(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 3:
        raise Refusal("mandate-rank")
    return int(text)
