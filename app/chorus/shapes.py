"""What the API of what becomes of an invoice gives."""

from app.core.shapes import Given, attribute
from app.display.shapes import Problem

__all__ = ["MandateGiven", "Problem"]

PATHS = {"folder_id": "Numéro du dossier."}
"""What the parts of an address are."""


class MandateGiven(Given):
    """The mandate that is noted of an invoice."""

    folder: int = attribute("Numéro du dossier.", 12)
    version: int = attribute("Sa version, après la réponse.", 9)
    number: str = attribute("Le numéro du mandat.", "2026-0471")
    chorus: str | None = attribute(
        "Où en est « mandatée » sur Chorus Pro : `waiting`, `sent`, `refused` ou `dropped` (gardé ici) ; nul si la facture n’en "
        "vient pas.",
        "waiting",
    )
