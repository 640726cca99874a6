"""The codes of a PES_Retour in words: why a piece is rejected or held (ObsEtat), what settled a line (OrgEma).

Codes are those of CommunDepense_Retour.xsd and CommunRecette_Retour.xsd (5.17), by domain.
"""

import re
from collections.abc import Mapping
from typing import Final

MOTIVES: Final[Mapping[str, Mapping[str, str]]] = {
    "dépenses": {
        "01": "pièces justificatives absentes ou non valables",
        "02": "pièces justificatives insuffisantes",
        "03": "crédits budgétaires insuffisants",
        "04": "liquidation erronée",
        "05": "service fait non certifié ou caractère exécutoire absent",
        "06": "autre motif",
        "07": "double paiement",
        "09": "coordonnées bancaires absentes ou erronées",
        "10": "avance non récupérée",
        "11": "donneur d’ordre incompétent",
        "13": "prescription ou déchéance",
        "16": "mandat qui n’est pas au nom du vrai créancier",
        "23": "imputation erronée",
        "24": "rejet technique",
    },
    "recettes": {
        "01": "caractère exécutoire absent",
        "02": "créance non indiquée",
        "03": "débiteur non indiqué",
        "04": "imputation budgétaire erronée",
        "05": "prescription",
        "06": "autre motif",
        "07": "pièce d’origine non citée",
        "11": "montant du bordereau incohérent",
        "12": "bordereau non signé",
        "13": "TVA absente",
        "14": "donneur d’ordre incompétent",
        "15": "pièces justificatives insuffisantes",
        "16": "pièces justificatives absentes ou non valables",
        "17": "coordonnées bancaires absentes ou erronées",
        "18": "numéro de bordereau en doublon",
        "19": "complément d’information nécessaire",
        "21": "titre incomplet",
    },
}
ORIGINS: Final[Mapping[str, Mapping[str, str]]] = {
    "dépenses": {
        "02": "pénalités de retard",
        "03": "retenue de garantie",
        "04": "paiement à un tiers opposant",
        "05": "ordre de paiement comptable",
        "06": "ordre de reversement",
        "07": "mandat correctif",
        "08": "autre mandat",
        "09": "titre correctif",
        "10": "titre",
        "11": "liste de non-valeurs",
        "12": "encaissement",
        "13": "avance sur marché d’investissement",
        "14": "avance sur marché de fonctionnement",
    },
    "recettes": {
        "04": "mandat correctif",
        "05": "mandat",
        "06": "liste de non-valeurs",
        "07": "titre correctif",
        "08": "autre titre",
        "09": "annulation de frais de poursuite",
        "11": "reversement à un budget bénéficiaire",
    },
}
_CODES: Final = re.compile(r"\d{2}(?:\s*-\s*\d{2})*")


def motive(domain: str, code: str, comment: str) -> str:
    """Why, in words: the codes one after the other (« 02-09 »), then what the accountant wrote; empty for nothing.

    >>> motive("dépenses", "02-99", "Il manque le devis.")
    'pièces justificatives insuffisantes, motif 99. Il manque le devis'
    """
    reason = code.strip()
    if _CODES.fullmatch(reason):
        reason = ", ".join(
            MOTIVES[domain].get(digits, f"motif {digits}") for digits in re.findall(r"\d{2}", reason)
        )
    return ". ".join(sentence for text in (reason, comment) if (sentence := text.strip().rstrip(".")))
