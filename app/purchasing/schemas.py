"""What the API of orders takes; imported at the first call."""

from typing import Annotated

from pydantic import BeforeValidator

from app.core.db import LARGEST_KEY
from app.core.shapes import Taken, attribute
from app.display.schemas import File, from_text


class NewDelivery(Taken):
    """What came of an order."""

    version: int = attribute("La version du dossier que l’appelant a lue.", 7, ge=1, le=LARGEST_KEY)
    day: str = attribute("Le jour où c’est arrivé.", "2026-11-27", pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
    quantities: dict[str, str] = attribute(
        "Les quantités, par rang de ligne à partir de 0 ; une ligne absente n’est pas arrivée.", {"1": "2.5"}
    )
    note: str = attribute("Un mot, demandé si plus est arrivé que commandé.", default="", max_length=500)
    corrects: int | None = attribute(
        "La livraison dont celle-ci prend la place.", default=None, ge=1, le=LARGEST_KEY
    )
    reason: str = attribute("Pourquoi elle est corrigée.", default="", max_length=500)


class PictureOfDelivery(Taken):
    """What came of an order, and the file that shows it."""

    delivery: Annotated[NewDelivery, BeforeValidator(from_text)] = attribute(
        "La livraison, en JSON : ce que demande `POST /folders/{folder_id}/deliveries`."
    )
    file: File = attribute("La photo de la livraison, ou le bon signé : image ou PDF.")
