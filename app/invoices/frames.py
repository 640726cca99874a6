"""The frame in which an invoice is given on Chorus Pro (« cadre de facturation »), and which frames are of a contract of works.

Source: CPPFacturePivot_V2_02.xsd (AIFE, 4 April 2022), `DonneesFacture/Cadre`.
"""

from typing import Final

from app.core.french import spaces
from workflows.family import family

FIELD: Final = "frame"
FAMILY: Final = "invoice"
DRAFTS: Final = frozenset({"A4", "A7", "A10", "A11", "A13", "A14", "A17", "A22"})
"""Drafts of an account, and requests of a subcontractor: others validate them on Chorus Pro before anything is owed."""
WORKS: Final = DRAFTS | {"A5", "A6", "A8", "A15", "A16", "A18", "A19", "A20", "A23", "A24", "A25"}
"""The frames of a contract of works: they come by Chorus Pro alone, and have their own actors there (INV-30)."""


def in_words(frame: str) -> str:
    """« Projet de décompte mensuel du fournisseur (A4) »; a frame that is not known, as it is written."""
    field = family(FAMILY).field(FIELD)
    label = field.choices.get(frame) if field is not None else None
    return spaces(f"{label} ({frame})") if label else frame
