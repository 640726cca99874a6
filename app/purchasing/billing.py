"""What a supplier must know of the commune to bill an order: on Chorus Pro a SIRET, a service where it has some, an engagement.

An order says nothing that is not sure: where several establishments are listed and none is chosen, it says the SIREN alone.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.core.refusals import Refusal
from app.core.sirene import good_siret
from app.invoices.establishments import listed
from app.people.models import Collectivity
from app.people.own_settings.registry import Kind, Setting, value_in
from app.purchasing.matching import GROUP

BILLED_TO, SERVICE, ADDRESS = "order_siret", "order_service", "order_address"
MOST_LINES = 6


def settings() -> tuple[Setting, ...]:
    """The SIRET, the service and the address that orders give to suppliers."""
    drawn = "bons de commande que Paraphe dessine, et leur courriel"
    siret = Setting(
        BILLED_TO,
        GROUP,
        "SIRET à facturer",
        "Celui que le fournisseur donne à Chorus Pro, quatorze chiffres. Vide, celui de votre seul établissement ; de plusieurs, "
        "les bons ne disent que le SIREN.",
        drawn,
        Kind.TEXT,
        lambda: "",
        most=20,
        default="celui du seul établissement déclaré, sinon le SIREN",
        usual=_siret,
    )
    service = Setting(
        SERVICE,
        GROUP,
        "Code service à facturer",
        "Celui que Chorus Pro demande au fournisseur, là où votre structure en a rendu un obligatoire.",
        drawn,
        Kind.TEXT,
        lambda: "",
        most=100,
    )
    address = Setting(
        ADDRESS,
        GROUP,
        "Adresse sur les bons de commande",
        "Celle de la commune, telle qu’elle s’écrit sur une enveloppe.",
        drawn,
        Kind.LINES,
        lambda: "",
        most=400,
        default="le code postal et la commune, là où ils sont donnés",
    )
    return siret, service, address


def _siret(text: str) -> str:
    """A SIRET without its spaces; refuses `order-siret` for what is none."""
    siret = re.sub(r"\s", "", text)
    if siret and not good_siret(siret):
        raise Refusal("order-siret", siret=text[:20])
    return siret


@dataclass(frozen=True)
class Buyer:
    """The commune as its suppliers bill it: `siret`, `service` and `address` are empty where they are not known."""

    name: str
    siren: str
    siret: str
    service: str
    address: str

    @property
    def number(self) -> tuple[str, str]:
        """« SIRET » and its figures, else « SIREN » and its own."""
        return ("SIRET", self.siret) if self.siret else ("SIREN", self.siren)


def buyer_of(town: Collectivity) -> Buyer:
    """The commune of an order, from its settings."""
    own = town.settings
    establishments = list(listed(own))
    sole = establishments[0] if len(establishments) == 1 else ""
    place = " ".join(str(own.get(key) or "") for key in ("postal_code", "city")).strip()
    return Buyer(
        town.name,
        town.siren,
        str(value_in(own, BILLED_TO).value or sole),
        str(value_in(own, SERVICE).value or ""),
        str(value_in(own, ADDRESS).value or place),
    )


def asked_of_supplier(buyer: Buyer, facts: Mapping[str, Any]) -> str:
    """What the supplier writes on his invoice, and gives to Chorus Pro, in a sentence."""
    given = ", ".join(_given(buyer, facts))
    number = facts.get("number")
    recalled = (
        f"Rappelez le numéro de ce bon, {number}, sur la facture"
        if number
        else "Rappelez ce bon sur la facture"
    )
    return f"{recalled}, à déposer sur Chorus Pro (chorus-pro.gouv.fr) avec : {given}."


def _given(buyer: Buyer, facts: Mapping[str, Any]) -> Iterator[str]:
    yield " ".join(buyer.number)
    if buyer.service:
        yield f"code service {buyer.service}"
    if engagement := facts.get("engagement"):
        yield f"numéro d’engagement {engagement}"
