"""What the API of suppliers gives."""

from app.core.shapes import Given, attribute
from app.display.shapes import Problem

__all__ = ["Problem", "SupplierGiven", "SuppliersPage"]

PATHS = {"supplier_id": "Numéro du fournisseur."}
"""What the parts of an address are."""


class SupplierLine(Given):
    """A supplier in a list."""

    id: int = attribute("Son numéro.", 8)
    name: str = attribute("Son nom, au dernier dossier.", "Menuiserie Arzel & Huon")
    siren: str = attribute("Son SIREN ; vide s’il n’est pas connu.", "732829320")
    vat: str = attribute("Son n° de TVA ; vide s’il n’est pas connu.", "FR44732829320")
    count: int = attribute("Ses factures et commandes que ce jeton peut lire, cent au plus.", 12)
    more: bool = attribute("Vrai s’il y en a davantage.")
    last_folder: int | None = attribute("Le dernier de ces dossiers ; nul si aucun.", 412)
    last_day: str | None = attribute("Son jour ; nul si aucun.", "2026-11-27")


class SuppliersPage(Given):
    """Some suppliers."""

    suppliers: list[SupplierLine] = attribute("Les fournisseurs, dans l’ordre demandé.")
    next: int | None = attribute("Ce qui demande la page suivante ; nul à la dernière.")


class SpanGiven(Given):
    """What folders told of a supplier: how often, from which day to which."""

    text: str = attribute("Ce qui est dit.", "73282932000074")
    count: int = attribute("Combien de fois.", 4)
    first: str = attribute("Le premier jour.", "2026-03-03")
    last: str = attribute("Le dernier jour.", "2026-11-27")


class AccountGiven(Given):
    """What is written of a bank account of a supplier."""

    ends: str = attribute("La fin du compte : le numéro entier n’est pas donné.", "…0189")
    known: bool = attribute(
        "Vrai s’il est accepté ou vient de la liste des finances ; faux s’il est écarté.", True
    )
    how: str = attribute("Qui l’a dit, quand, et pour quel SIREN.", "Gaëlle Tréhorel, 3 mars 2026")


class SupplierFolder(Given):
    """A folder of a supplier."""

    id: int = attribute("Numéro du dossier.", 412)
    kind: str = attribute("Facture, Avoir ou Commande.", "Facture")
    number: str = attribute("Son numéro.", "F-2026-118")
    day: str = attribute("Le jour de son dépôt.", "2026-11-27")
    state: str = attribute("Où il en est.", "Bon à payer")


class SupplierJoined(Given):
    """An entry that a person joined with this one."""

    id: int = attribute("Son numéro.", 9)
    name: str = attribute("Son nom.", "Arzel")
    reason: str = attribute("Pourquoi.", "Même entreprise")


class SupplierGiven(SupplierLine):
    """A supplier."""

    names: list[SpanGiven] = attribute("Ses noms dans le temps, le dernier en tête.")
    sirets: list[SpanGiven] = attribute("Ses SIRET dans le temps.")
    addresses: list[SpanGiven] = attribute("Les adresses électroniques de ses commandes.")
    accounts: list[AccountGiven] = attribute("Ce qui est noté de ses comptes bancaires.")
    folders: list[SupplierFolder] = attribute("Ses vingt derniers dossiers.")
    joined: list[SupplierJoined] = attribute("Les fiches réunies à celle-ci.")
