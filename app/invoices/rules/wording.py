"""Says in French what a broken rule asks: a sentence of ours for each, or for its family, and the term that it is about.

A rule for which we have no sentence still has its identifier, the terms of the norm that it names, and its own text as its sheet
gives it, in the language of the sheet.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from app.core.french import spaces

_TERM = re.compile(r"\bBT-\d+\b")
_CATEGORY = re.compile(r"BR-(?:FXEXT-|FREXT-)?(S|Z|E|AE|IC|G|O|AF|AG)-?(\d\d)")
_WIDER = re.compile(r"(BR|CII|UBL)-(?:FXEXT|FREXT|EXT)-(?:(?:BR|CII|UBL)-)?")
"""A rule that a wider profile has in place of one of the norm, of which it keeps the number."""
_SECOND = re.compile(r"^((?:BR|CII|UBL)-(?:[A-Z]+-)?\d+)-\d+$")
_VALUE = re.compile(r"Value of '(?P<what>[^']+)'? is not allowed")
_NEEDED = re.compile(r"(?:Element(?: variant)?|Attribute) '(?P<what>[^']+?)'? ?(?:must occur|is required)")
_MANY = re.compile(r"Element(?: variant)? '(?P<what>.+?)' may occur at maximum")
_TERMS_TOLD = 3
_PARTS = {
    "ram:CountryID": "le pays",
    "ram:TypeCode": "le type",
    "ram:CategoryCode": "la catégorie de TVA",
    "ram:InvoiceCurrencyCode": "la devise",
    "@unitCode": "l’unité d’une quantité",
    "@currencyID": "la devise d’un montant",
    "@schemeID": "le répertoire d’un identifiant",
    "@mimeCode": "le genre d’une pièce jointe",
    "ram:SubjectCode": "le genre d’une mention",
    "ram:ReasonCode": "le motif d’une remise ou d’une charge",
    "ram:ExemptionReasonCode": "le motif d’exonération",
}


@cache
def _words() -> Mapping[str, Any]:
    content: Mapping[str, Any] = yaml.safe_load(
        Path(__file__).with_name("wording.yaml").read_text(encoding="utf-8")
    )
    return content


def same_as(rule: str) -> str:
    """The rule that asks the same by the name under which it is told; of most, the rule itself."""
    return str(_words()["same"].get(_plain(rule), rule))


def core(rule: str) -> str:
    """The rule of the norm in whose place a wider profile has this one: « BR-CO-10 » of « BR-FXEXT-CO-10 »."""
    plain = _plain(same_as(rule))
    return plain if plain in _words()["rules"] or _CATEGORY.fullmatch(plain) else rule


def _plain(rule: str) -> str:
    """A rule by the number that it has in the norm: « BR-54 » of « BR-FXEXT-BR-54-1 »."""
    plain = _WIDER.sub(r"\1-", rule)
    return _SECOND.sub(r"\1", plain) if plain != rule else rule


def sentence(rule: str, text: str, times: int) -> str:
    """What is wrong, in French, then the rule: « Ni échéance ni conditions de paiement (règle BR-CO-25). »."""
    often = f", {times} fois" if times > 1 else ""
    return spaces(f"{_what(rule, text)} (règle {rule}{often}).")


def known(rule: str, text: str) -> bool:
    """Whether a sentence of ours says what is wrong, so that nobody needs the text of the rule."""
    return _own(rule) is not None or _of_shape(text) is not None


def _what(rule: str, text: str) -> str:
    return _own(rule) or _of_shape(text) or _of_family(rule, text)


def _own(rule: str) -> str | None:
    book, plain = _words(), core(rule)
    if phrase := book["exceptions"].get(plain) or book["rules"].get(plain):
        return str(phrase)
    if match := _CATEGORY.fullmatch(plain):
        category, number = match.groups()
        if number in book["of_category"]:
            return f"{book['of_category'][number]} : {book['categories'][category]}"
    return None


def _of_shape(text: str) -> str | None:
    """What the sheets of Factur-X say of the build of the data, which they all say in the same words."""
    for pattern, fault in (
        (_VALUE, "n’est pas un code que le profil admet"),
        (_NEEDED, "manque, ou n’est pas à sa place"),
        (_MANY, "est donné plus souvent que le profil ne l’admet"),
    ):
        if match := pattern.search(text):
            part = match["what"].partition("[")[0]
            named = _PARTS.get(part) or f"l’élément « {part} »"
            return f"{named[0].upper()}{named[1:]} {fault}"
    return None


def _of_family(rule: str, text: str) -> str:
    book = _words()
    family = next((phrase for start, phrase in book["families"].items() if rule.startswith(start)), None)
    named = list(_terms(text))
    about = f" : {', '.join(named)}" if named else ""
    return f"{family or 'Une règle de la facture électronique n’est pas respectée'}{about}"


def _terms(text: str) -> Iterable[str]:
    codes = [code for code in dict.fromkeys(_TERM.findall(text)) if code in _words()["terms"]]
    return [f"{_words()['terms'][code]} ({code})" for code in codes[:_TERMS_TOLD]]
