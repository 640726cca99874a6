"""What the public JSON takes; imported at the first call."""

from app.core.shapes import Rank, Taken, attribute


class ActsQuery(Taken):
    """Which acts."""

    q: str = attribute("Mots de l’objet, ou numéro.", default="", max_length=200)
    year: Rank | None = attribute("Année de l’acte.", default=None, ge=1900, le=2999)
    nature: str = attribute("Nature, dans les mots que la liste donne.", default="", max_length=200)
    after: str = attribute(
        "Clé de l’acte qui précède la page : l’adresse `next` la donne.", default="", max_length=200
    )
    page: Rank = attribute(
        "Numéro de la page, 25 actes chacune, les 40 premières seulement : suivez plutôt `next`.",
        default=1,
        ge=1,
        le=40,
    )
