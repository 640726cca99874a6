"""The answers of Chorus Pro as far as they are read: numbers as numbers or text, values that are null or absent, and more.

Sources: AIFE, Swagger of « Factures » (names and types), and what the wire was seen to give where it differs.
"""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.core.clock import PARIS
from app.core.texts import cleaned

LONGEST = 400


def _text(value: Any) -> str:
    return "" if value is None else " ".join(cleaned(str(value)).split())[:LONGEST]


def _list(value: Any) -> Any:
    return [] if value is None else value


def moment_of(text: str) -> datetime | None:
    """A moment as Chorus Pro writes it: with its offset, else at the hour of Paris; None for what is no moment.

    >>> moment_of("2026-11-16 09:12").isoformat(), moment_of("2019-07-11T15:45:39.674+02:00").utcoffset().seconds
    ('2026-11-16T09:12:00+01:00', 7200)
    """
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=PARIS)


def day_of(text: str) -> date | None:
    """The day of a moment, at the town hall."""
    moment = moment_of(text)
    return None if moment is None else moment.astimezone(PARIS).date()


Text = Annotated[str, BeforeValidator(_text)]
Number = Annotated[int, Field(ge=0, lt=2**62)]


class Shape(BaseModel):
    """What is read of an answer; the rest is left aside."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)


class Answer(Shape):
    """What each answer says of itself."""

    code: int = Field(alias="codeRetour")
    label: Text = Field("", alias="libelle")


class Pages(Shape):
    """Where a page of a list stands; null in an empty list."""

    current: int | None = Field(None, alias="pageCourante")
    pages: int | None = None
    total: int | None = None


class Structure(Shape):
    """A structure for which the account receives."""

    id: Number = Field(alias="idStructureCPP")
    siret: Text = Field("", alias="identifiant")
    name: Text = Field("", alias="designationStructure")


class Structures(Answer):
    """`recuperer/structures/actives/destinataire`."""

    structures: Annotated[list[Structure], BeforeValidator(_list)] = Field(
        default_factory=list, alias="listeStructures"
    )


class Service(Shape):
    """A service of a structure, to which a supplier may address an invoice."""

    id: Number = Field(alias="idService")
    code: Text = Field("", alias="codeService")
    name: Text = Field("", alias="libelleService")
    active: bool | None = Field(None, alias="estActif")


class Services(Answer):
    """`structures/v1/rechercher/services`."""

    services: Annotated[list[Service], BeforeValidator(_list)] = Field(
        default_factory=list, alias="listeServices"
    )
    inside: Pages | None = Field(None, alias="parametresRetour")


class General(Shape):
    """What a structure says of its technical account."""

    password_ends: Text = Field("", alias="dateExpirationMotPasseCompteTech")


class Consulted(Answer):
    """`structures/v1/consulter`."""

    general: General | None = Field(None, alias="informationGenerales")


class Rates(Answer):
    """`recuperer/tauxtva`, which changes nothing and asks only to be let in."""


class Listed(Shape):
    """An invoice in a list: what tells it from another, where it stands, and since when."""

    id: Number = Field(alias="idFacture")
    kind: Text = Field("", alias="typeDemandePaiement")
    number: Text = Field("", alias="numeroFacture")
    seller: Text = Field("", alias="designationFournisseur")
    seller_code: Text = Field("", alias="codeFournisseur")
    structure: Annotated[int | None, Field(alias="idDestinataire")] = None
    service: Text = Field("", alias="codeServiceExecutant")
    service_name: Text = Field("", alias="nomServiceExecutant")
    issued: Text = Field("", alias="dateFacture")
    total: Text = Field("", alias="montantTTC")
    status: Text = Field("", alias="statut")
    since: Text = Field("", alias="dateHeureEtatCourant")


class Found(Answer):
    """`rechercher/recipiendaire`: the page fields stand at its top, or in `parametresRetour`."""

    invoices: Annotated[list[Listed], BeforeValidator(_list)] = Field(
        default_factory=list, alias="listeFactures"
    )
    current: int | None = Field(None, alias="pageCourante")
    pages: int | None = None
    inside: Pages | None = Field(None, alias="parametresRetour")

    @property
    def place(self) -> tuple[int | None, int | None]:
        """The number of the page, and how many there are."""
        return (self.current, self.pages) if self.inside is None else (self.inside.current, self.inside.pages)


class Passed(Shape):
    """A status of the history."""

    id: Annotated[int | None, Field(alias="histoStatutId")] = None
    status: Text = Field("", alias="histoStatutCode")
    at: Text = Field("", alias="histoStatutDatePassage")
    comment: Text = Field("", alias="histoStatutCommentaire")


class Statuses(Shape):
    """The statuses of the history, the newest first."""

    passed: Annotated[list[Passed], BeforeValidator(_list)] = Field(default_factory=list, alias="histoStatut")


class History(Answer):
    """`consulter/historique`."""

    status: Text = Field("", alias="statutCourantCode")
    statuses: Statuses | None = Field(None, alias="historiquesDesStatuts")

    @property
    def passed(self) -> list[Passed]:
        """Each status that it had, the oldest first."""
        rows = self.statuses.passed if self.statuses is not None else []
        return list(reversed(rows))


class Download(Answer):
    """`telecharger/groupe`: base64, without a type or a name."""

    data: str | None = Field(None, alias="fichierResultat")


class Target(Shape):
    """A status that may be given from another."""

    status: Text = Field("", alias="statutPossiblePourTraitement")


class Targets(Answer):
    """`recuperer/etats/traitement`."""

    targets: Annotated[list[Target], BeforeValidator(_list)] = Field(
        default_factory=list, alias="listeStatutsPossiblesPourTraitement"
    )


class Treated(Answer):
    """`traiter/recue`."""

    status: Text = Field("", alias="nouveauStatut")
    on: Text = Field("", alias="dateTraitement")


class Token(Shape):
    """What PISTE gives."""

    value: str = Field(alias="access_token", min_length=1)
    seconds: int = Field(alias="expires_in", gt=0)
