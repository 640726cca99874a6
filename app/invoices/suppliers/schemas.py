"""What the API of suppliers takes; imported at the first call."""

from typing import Literal

from app.core.db import LARGEST_KEY
from app.core.shapes import Rank, Taken, attribute


class SuppliersQuery(Taken):
    """Which suppliers."""

    q: str = attribute("Des mots du nom, un SIREN, un SIRET ou un n° de TVA.", default="", max_length=200)
    sort: Literal["name", "latest"] = attribute("name : par nom ; latest : les derniers vus.", default="name")
    after: Rank | None = attribute(
        "La page suivante : la valeur `next` de la page lue.", default=None, ge=1, le=LARGEST_KEY
    )
