"""What a row of the routing may ask of an arrival: each clue, how it is compared, and the usual form of what is asked."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.arrivals.models import Way
from app.core.refusals import Refusal
from app.core.texts import line_of
from app.invoices.frames import WORKS

LONGEST: Final = 200
ALL_WORKS: Final = "TRAVAUX"
"""In place of a frame: any frame of a contract of works."""
ANY: Final = "*"
"""At the end of what is asked: whatever begins so."""


@dataclass(frozen=True)
class Criterion:
    """A clue: its label, what its field says, and the clues that tell it, the surest first. `plain`: its comparable form."""

    label: str
    help: str
    told_by: tuple[str, ...]
    plain: Callable[[str], str]


def _signs(text: str) -> str:
    """Letters and digits alone: « EJ 2026-12 » is « EJ202612 »."""
    folded = unicodedata.normalize("NFKD", text)
    return re.sub(r"[^A-Z0-9]", "", "".join(c for c in folded if not unicodedata.combining(c)).upper())


def _address(text: str) -> str:
    return text.strip().casefold()


CRITERIA: Final[Mapping[str, Criterion]] = {
    "service_code": Criterion(
        "Code service",
        "Celui de Chorus Pro, ou la référence de l’acheteur.",
        ("service_code", "buyer_reference"),
        _signs,
    ),
    "order_ref": Criterion(
        "Engagement ou bon de commande", "VOI* : tout ce qui commence par VOI.", ("order_ref",), _signs
    ),
    "contract_ref": Criterion("Marché", "Le numéro du marché.", ("contract_ref",), _signs),
    "buyer_reference": Criterion(
        "Référence de l’acheteur", "Telle qu’elle est sur la facture.", ("buyer_reference",), _signs
    ),
    "seller": Criterion(
        "Fournisseur",
        "Son SIRET, ou son SIREN pour tous ses établissements.",
        ("seller_siret", "seller_siren"),
        _signs,
    ),
    "frame": Criterion(
        "Cadre de facturation", "A1, A4… ; TRAVAUX : tous ceux d’un marché de travaux.", ("frame",), _signs
    ),
    "sender": Criterion("Expéditeur", "Une adresse, ou @domaine.fr.", ("sender",), _address),
    "scanner": Criterion("Numériseur", "Son nom, sous « Numériseurs ».", ("scanner",), _signs),
    "way": Criterion("Arrivée par", "", ("way",), _address),
}


def answers(clues: Mapping[str, Any]) -> dict[str, str]:
    """What an arrival says of each criterion, in its comparable form; empty for what it does not say."""
    return {
        name: next((plain for key in one.told_by if (plain := one.plain(str(clues.get(key) or "")))), "")
        for name, one in CRITERIA.items()
    }


def hold(when: Mapping[str, str], told: Mapping[str, str]) -> bool:
    """Whether all that a row asks is so; one value of several (« ; ») is enough for each."""
    return all(
        any(_fits(name, wanted, told.get(name, "")) for wanted in values(text)) for name, text in when.items()
    )


def values(text: str) -> list[str]:
    """The values that are asked, of which one is enough."""
    return [part for one in text.split(";") if (part := one.strip())]


def _fits(name: str, wanted: str, value: str) -> bool:
    criterion = CRITERIA.get(name)
    if criterion is None or not value:
        return False
    begins, plain = wanted.endswith(ANY), criterion.plain(wanted.removesuffix(ANY))
    if name == "sender" and plain.startswith("@"):
        return value.endswith(plain)
    if name == "frame" and plain == ALL_WORKS:
        return value == ALL_WORKS or value in WORKS
    if name == "seller" and len(plain) == 9:
        return value.startswith(plain)
    return value.startswith(plain) if begins else value == plain


def usual(when: Mapping[str, str]) -> dict[str, str]:
    """What a row asks, in its usual form, in the order of the criteria, without what is empty.

    Refuses `routing-empty` of nothing at all, `routing-seller` of no SIRET nor SIREN, `routing-clue` of what is no criterion
    or has no value, `routing-long`.
    """
    if unknown := sorted(when.keys() - CRITERIA.keys()):
        raise Refusal("routing-clue", what=unknown[0][:60])
    criteria = {}
    for name, criterion in CRITERIA.items():
        text = " ; ".join(line_of(one) for one in values(str(when.get(name) or "")))
        if not text:
            continue
        if len(text) > LONGEST:
            raise Refusal("routing-long", what=criterion.label, longest=LONGEST)
        if any(not criterion.plain(one.removesuffix(ANY)) for one in values(text)):
            raise Refusal("routing-clue", what=criterion.label)
        if name == "seller" and not all(map(_names_seller, values(text))):
            raise Refusal("routing-seller")
        if name == "way" and any(one not in set(Way) for one in values(text)):
            raise Refusal("routing-clue", what=criterion.label)
        criteria[name] = text
    if not criteria:
        raise Refusal("routing-empty")
    return criteria


def _names_seller(text: str) -> bool:
    """Whether a text is a SIRET, a SIREN, or their first digits."""
    digits = _signs(text.removesuffix(ANY))
    return digits.isdigit() and (len(digits) in (9, 14) or (text.endswith(ANY) and len(digits) < 14))


def in_words(when: Mapping[str, str]) -> str:
    """What a row asks, as it is read: « Code service : VOIRIE, fournisseur : 212909998 »."""
    told = []
    for name, text in when.items():
        label = CRITERIA[name].label if name in CRITERIA else name
        shown = " ou ".join(Way.words(one, one) if name == "way" else one for one in values(text))
        told.append(f"{label} : {shown}")
    return ", ".join(told)
