"""What the API of what becomes of an invoice takes; imported at the first call."""

from app.core.shapes import Taken, attribute


class NewMandate(Taken):
    """The mandate of an invoice."""

    number: str = attribute(
        "Le numéro du mandat, tel que le logiciel de finances l’écrit.", "2026-0471", max_length=40
    )
