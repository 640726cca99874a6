"""Why an invoice is rejected on Chorus Pro, by the codes that go to the platform of its supplier."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Final

REASONS: Final = Path(__file__).parent / "reasons.json"


TWICE: Final = "DOUBLE_FACT"
"""That of what is billed twice: its supplier sends no other invoice."""
USUAL: Final = (
    TWICE,
    "FACT_NON_CONFORME",
    "MONTANT_ERR",
    "TX_TVA_ERR",
    "COORD_BANC_ERR",
    "EJ_ERR",
    "LIVR_INCOMP",
    "SE_ERR",
)
"""Those for which a commune rejects most, first in the list."""
ELSEWHERE: Final = "SE_ERR"
"""That of an invoice for another body, or another service, than the one that received it."""
_PLAINER: Final = {
    "SE_ERR": "SE incorrect (facture d’un autre organisme ou d’un autre service)",
    "EJ_ERR": "EJ incorrect ou inexistant (numéro d’engagement)",
}
"""What the list adds to words that only those who wrote them read at once."""


@lru_cache(maxsize=1)
def reasons() -> dict[str, str]:
    """The reasons for which an invoice is rejected there (AIFE, external specifications 3.2), each with its words."""
    rows = json.loads(REASONS.read_bytes())["reasons"]
    return {row["code"]: row["label"] for row in rows}


def in_order(elsewhere: bool) -> list[tuple[str, list[tuple[str, str]]]]:
    """The reasons as a list offers them, the usual ones first, led by that of another body where the invoice is for one."""
    every = {code: _PLAINER.get(code, label) for code, label in reasons().items()}
    usual = sorted(USUAL, key=lambda code: not (elsewhere and code == ELSEWHERE))
    return [
        ("Les plus courants", [(code, every[code]) for code in usual]),
        ("Les autres", [(code, label) for code, label in every.items() if code not in USUAL]),
    ]


def in_words(comment: str) -> str:
    """What goes with a status, a code of the list of reasons in its words."""
    code, colon, sentence = comment.partition(" : ")
    return f"{reasons()[code]} : {sentence}" if colon and code in reasons() else comment
