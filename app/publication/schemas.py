"""What the public JSON takes; imported at the first call."""

from typing import Any

from marshmallow import fields, validate

from app.display.schemas import WORDS, Body, _said, _text


def _between(least: int, most: int, words: str, default: int | None) -> Any:
    limits = validate.Range(least, most, error="Un nombre entre {min} et {max} est attendu.")
    return fields.Integer(load_default=default, validate=limits, metadata=_said(words), error_messages=WORDS)


class ActsQuery(Body):
    """Which acts."""

    q = _text("Mots de l’objet, ou numéro.", longest=200, load_default="")
    year = _between(1900, 2999, "Année de l’acte.", None)
    nature = _text("Nature, dans les mots que la liste donne.", longest=200, load_default="")
    page = _between(1, 10_000, "Numéro de la page, 25 actes chacune.", 1)
