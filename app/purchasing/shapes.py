"""What the API of orders gives."""

from app.core.shapes import Given, attribute
from app.display.shapes import Problem

__all__ = ["OrderGiven", "Problem"]

PATHS = {"folder_id": "Numéro du dossier."}
"""What the parts of an address are."""


class OrderLineGiven(Given):
    """A line of an order, with what came and what was billed of it."""

    rank: int = attribute("Son rang, à partir de 0.", 1)
    designation: str = attribute("Ce qui est commandé.", "Sel de déneigement")
    unit: str = attribute("L’unité, vide si elle n’est pas dite.", "t")
    ordered: str = attribute("La quantité commandée.", "12")
    delivered: str = attribute("La quantité livrée.", "9")
    billed: str = attribute("La quantité facturée, des factures qui donnent leurs lignes.", "12")
    price: str = attribute("Le prix unitaire hors taxes du bon.", "118")
    billed_price: str | None = attribute("Le plus haut prix unitaire facturé ; nul si aucun.", "118")


class DeliveryGiven(Given):
    """A delivery, as it was attested."""

    id: int = attribute("Son numéro.", 3)
    day: str = attribute("Le jour où c’est arrivé.", "2026-11-27")
    quantities: dict[str, str] = attribute("Les quantités, par rang de ligne.", {"1": "9"})
    who: str = attribute("Qui l’a attestée.", "Ronan Pellenec")
    note: str = attribute("Un mot.", "Palette 3")
    corrects: int | None = attribute("La livraison dont elle prend la place ; nul si aucune.")
    reason: str = attribute("Pourquoi elle corrige une autre.")
    document: int | None = attribute("La pièce qui la montre, dans le dossier du bon ; nul si aucune.")
    standing: bool = attribute("Faux si une autre a pris sa place : elle ne compte plus.", True)


class OrderGiven(Given):
    """A signed order: ordered, delivered, invoiced, and what is left, VAT included and credit notes taken off."""

    folder: int = attribute("Le dossier du bon.", 6)
    version: int = attribute("Sa version, à renvoyer pour noter une livraison.", 7)
    number: str = attribute("Le numéro du bon.", "BC-2026-0391")
    ordered: str = attribute("Le montant commandé, TTC.", "5023.20")
    delivered: str = attribute("Le montant livré, TTC.", "4598.40")
    billed: str = attribute("Le montant facturé, TTC, avoirs déduits.", "5047.20")
    left: str = attribute(
        "Ce qui reste à facturer, TTC ; négatif si plus est facturé que commandé.", "-24.00"
    )
    complete: bool = attribute("Vrai si tout est livré.", False)
    lines: list[OrderLineGiven] = attribute("Ses lignes.")
    deliveries: list[DeliveryGiven] = attribute("Ses livraisons, de la première à la dernière.")
