"""What the JSON API takes: each name, its type, its limits, and in French what it is for.

This module is imported at the first call of the API: marshmallow has no part in showing a page.
"""

from typing import Any

from flask_smorest.fields import Upload
from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields, validate

from app.core.bodies import parsed
from app.core.refusals import Refusal
from app.core.texts import strange

TRAYS = ("todo", "late", "returned", "running", "done", "drafts")
WORDS: dict[str, Any] = {
    "required": "Ce champ est obligatoire.",
    "null": "Ce champ ne peut pas être nul.",
    "invalid": "Ce champ n’est pas du type attendu.",
    "too_large": "Ce nombre est trop grand.",
    "invalid_utf8": "Ce texte n’est pas de l’UTF-8.",
    "validator_failed": "Cette valeur n’est pas admise.",
}


class Readable(validate.Validator):
    """Refuses, in a text inside a text, the signs that the door refuses elsewhere (`app/core/texts.py`)."""

    def __call__(self, value: str) -> str:
        """Give the text back, or refuse it."""
        if strange(value):
            raise ValidationError("Ce texte contient un signe illisible.")
        return value


def _said(words: str, example: Any = None, **more: Any) -> dict[str, Any]:
    return {"description": words, **({"examples": [example]} if example is not None else {}), **more}


def _text(words: str, example: str | None = None, *, longest: int, shortest: int = 0, **more: Any) -> Any:
    """A text that is read, of so many signs at most."""
    length = validate.Length(shortest, longest, error="Entre {min} et {max} signes sont attendus.")
    return fields.String(
        validate=[length, Readable()], metadata=_said(words, example), error_messages=WORDS, **more
    )


class Number(fields.Integer):
    """A whole number that the database can keep."""

    def __init__(self, words: str, example: int = 1, **more: Any) -> None:
        limits = validate.Range(0, 2**31 - 1, error="Un nombre entre {min} et {max} est attendu.")
        super().__init__(
            strict=True, validate=limits, metadata=_said(words, example), error_messages=WORDS, **more
        )

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if isinstance(value, bool | str):  # JSON has numbers: « true » and « "1" » are mistakes
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **more)


class Fact(fields.Field[Any]):
    """One fact of a family: a text or a number; null takes it back."""

    LONGEST = 20_000

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> str | int | float:
        del attr, data, more
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValidationError("Un texte ou un nombre est attendu.")
        if len(str(value)) > self.LONGEST:
            raise ValidationError(f"{self.LONGEST} signes au plus sont attendus.")
        return Readable()(value) if isinstance(value, str) else value


class Rank(fields.Integer):
    """A whole number of a query, in plain digits: `int` also reads spaces, underscores and the digits of other scripts."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if isinstance(value, str) and not (value.isascii() and value.isdigit()):
            raise ValidationError("Un nombre entier est attendu.")
        return super()._deserialize(value, attr, data, **more)


class Facts(fields.Dict):
    """The facts of a folder by key of field; which ones exist depends on its family (`GET /families`)."""

    def __init__(self, **more: Any) -> None:
        words = "Les informations du dossier, par clé de champ (voir `GET /families`)."
        example = {"received_on": "2026-11-20", "proof_of_service": "technique"}
        one = Fact(allow_none=True, metadata={"type": ["string", "number"]})
        super().__init__(
            keys=fields.String(validate=Readable(), error_messages=WORDS),
            values=one,
            metadata=_said(words, example),
            error_messages=WORDS,
            **more,
        )


class FactsText(Facts):
    """The same, written as JSON inside a form."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        try:
            found = parsed(value) if isinstance(value, str) else value
        except Refusal:
            raise ValidationError("Un objet JSON est attendu.") from None
        return super()._deserialize(found, attr, data, **more)  # type: ignore[no-untyped-call]


class Body(Schema):
    """What is sent; a name that is not known is refused, so that a typing fault is never silent."""

    error_messages = {"unknown": "Ce champ n’existe pas.", "type": "Un objet JSON est attendu."}  # noqa: RUF012

    class Meta:
        """Unknown names are refused."""

        unknown = RAISE


def _file(words: str, **more: Any) -> Any:
    return Upload(
        metadata=_said(words),
        error_messages=WORDS,
        validate=lambda one: hasattr(one, "stream") or _no_file(),
        **more,
    )


def _no_file() -> bool:
    raise ValidationError("Un seul fichier est attendu, avec son nom.")


def _type(words: str) -> Any:
    return _text(words, "99_DE", longest=60, load_default="")


def _attachment_types() -> Any:
    words = (
        "Le type de chaque annexe, dans l’ordre des annexes (actes) ; vide, il reste à choisir avant l’envoi."
    )
    return fields.List(
        _text("Un type.", "21_RP", longest=60),
        load_default=list,
        metadata=_said(words),
        error_messages=WORDS,
    )


def _annexes_said() -> Any:
    words = "Vrai : les annexes en sont, même une autre facture ou un autre flux, refusés sinon (`annex-is-subject`)."
    return fields.Boolean(load_default=False, metadata=_said(words), error_messages=WORDS)


def _reason() -> Any:
    return _text(
        "Pourquoi ce qui est donné n’est pas ce que dit le fichier : demandé à l’envoi, lu par tous ceux qui décident.",
        "Le fournisseur a facturé deux fois le port.",
        longest=2000,
        load_default="",
    )


class Deposit(Body):
    """A folder and its files."""

    family = _text(
        "Type de dossier (voir `GET /families`).", "invoice", longest=60, shortest=1, required=True
    )
    title = _text("Titre ; composé des informations s’il n’est pas donné.", longest=300)
    facts = FactsText(load_default=dict)
    reason = _reason()
    main = _file("Le document principal : celui qui est lu, visé et signé.", required=True)
    main_type = _type("Le type du document principal (actes) ; sans lui, le type habituel de la nature.")
    attachments = fields.List(
        _file("Une annexe."), load_default=list, metadata=_said("Les annexes."), error_messages=WORDS
    )
    attachment_types = _attachment_types()
    annexes_said = _annexes_said()


class Attachments(Body):
    """More files for a draft."""

    attachments = fields.List(
        _file("Une annexe."),
        required=True,
        validate=validate.Length(1, error="Une annexe au moins est attendue."),
        metadata=_said("Les annexes."),
        error_messages=WORDS,
    )
    attachment_types = _attachment_types()
    annexes_said = _annexes_said()


class Key(Body):
    """The header that makes a deposit happen once."""

    class Meta:
        """Other headers are not ours."""

        unknown = EXCLUDE

    key = fields.String(
        data_key="Idempotency-Key",
        validate=validate.Regexp(r"^[!-~]{1,200}$", error="De 1 à 200 signes ASCII sans espace."),
        metadata=_said(
            "La clé du dépôt, choisie par l’appelant. La même clé avec le même envoi rend le même dossier.",
            "commande-2026-1187",
            maxLength=200,
        ),
    )


class Version(Body):
    """The version of the folder that was read."""

    version = Number("Version du dossier telle qu’elle a été lue.", required=True)


class Approve(Version):
    """A visa."""

    comment = _text(
        "Commentaire, lu par tous ceux qui lisent le dossier.", "Livré.", longest=2000, load_default=""
    )


class Reject(Version):
    """A refusal."""

    reason = _text(
        "Motif, lu par le déposant.", "Commande incomplète.", longest=2000, shortest=1, required=True
    )


class Change(Version):
    """What is typed in a draft; what is not named stays."""

    title = _text("Titre du dossier.", longest=300, allow_none=True)
    facts = Facts(load_default=dict)
    reason = _reason()
    types = fields.Dict(
        keys=fields.String(
            validate=validate.Regexp(r"^[0-9]{1,10}\Z", error="Le numéro d’une pièce est attendu.")
        ),
        values=_text("Un type.", "21_RP", longest=60, shortest=1),
        load_default=dict,
        metadata=_said(
            "Le type de pièces, par numéro de pièce (actes) ; voir `types` du dossier.", {"30": "99_DE"}
        ),
        error_messages=WORDS,
    )


class TrayQuery(Body):
    """Which folders."""

    tray = fields.String(
        load_default="todo",
        validate=validate.OneOf(TRAYS, error="Une bannette parmi {choices} est attendue."),
        metadata=_said(
            "todo : à traiter par le bureau ; late : en retard ; returned : revenus ; running : déposés et en circuit ; "
            "done : terminés ; drafts : brouillons."
        ),
    )
    family = _text("Un seul type de dossiers.", longest=60)
    after = _text("La page suivante : la valeur `next` de la page lue.", longest=120)


class JournalQuery(Body):
    """Where the journal goes on from."""

    after = Rank(
        load_default=0,
        validate=validate.Range(0, 2**31 - 1, error="Un nombre entre {min} et {max} est attendu."),
        metadata=_said("Les écritures après ce numéro.", 0),
        error_messages=WORDS,
    )
