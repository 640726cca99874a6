"""What is known of @CTES without opening it."""

from typing import Final

from app.transmission.traits import Traits

TRAITS: Final = Traits(
    relayed_to="la préfecture",
    to_call="l’opérateur puis la préfecture",
    state_date=True,
)
