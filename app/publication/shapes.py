"""What the public JSON answers; imported at the first call."""

from datetime import date

from app.core.shapes import Given, Moment, told
from app.display.shapes import DAY, DateShown, Problem

__all__ = ["ActShown", "ActsPage", "Problem"]

PATHS = {
    "slug": "Adresse de la collectivité, celle de sa page publique.",
    "key": "Clé de l’acte, celle de sa page publique.",
}


class AuthorShown(Given):
    """Who signed an act."""

    name: str = told("Prénom et nom.", "Armel Kervadec")
    capacity: str = told("Qualité.", "Maire")


class FileShown(Given):
    """A file that may be downloaded."""

    title: str = told("Ce que c’est.")
    filename: str = told("Son nom.", "deliberation-2026-057.pdf")
    media_type: str = told("Son type.", "application/pdf")
    size: int = told("Sa taille en octets.", 84000)
    sha256: str = told("L’empreinte SHA-256 de ses octets.")
    href: str = told("Où le télécharger.")
    available: bool = told("Faux tant que ses octets ne sont plus ceux publiés.")


class PastShown(Given):
    """A version that was online."""

    rank: int = told("Son rang.", 1)
    masked: bool = told("Vrai pour une version occultée.")
    online_at: Moment = told("Mise en ligne.")
    ended_at: Moment = told("Fin.")
    ended: str = told("replaced ou withdrawn.", "replaced")
    sha256: list[str] = told("Les empreintes de ses fichiers.")


class ActShown(Given):
    """An act."""

    key: str = told("Sa clé.", "3f9c2a7be01d4c55")
    href: str = told("Son adresse ici.")
    page: str = told("Sa page publique.")
    number: str = told("Son numéro.", "2026_057")
    title: str = told("Son objet.")
    nature: str = told(
        "Ce qu’il est : délibération, décision du maire, arrêté… ; la nature d’un autre acte.",
        "Délibérations",
    )
    matter: str = told("Sa matière, vide s’il n’y en a pas.", "7.5.2")
    matter_label: str = told(
        "Les mots de sa matière, vides s’ils ne sont pas connus.", "7.5.2 Finances locales…"
    )
    decided_on: date | None = told("Jour de la décision.", DAY)
    published_on: date = told("Jour de la publication.", DAY)
    online_on: date = told("Jour de la mise en ligne.", DAY)
    online_until: date = told("Dernier jour où il doit être en ligne.", DAY)
    withdrawn_on: date | None = told("Jour du retrait, nul s’il est en ligne.", DAY)
    withdrawal: str = told("Motif du retrait, vide s’il est en ligne.")
    effect: str = told(
        "Ce que vaut l’acte aujourd’hui, en une ligne : exécutoire, déféré, suspendu, annulé, transmission annulée."
    )
    masked: bool = told("Vrai si la version en ligne est occultée.")
    authors: list[AuthorShown] = told("Qui l’a signé.")
    dates: list[DateShown] = told("Ses dates, chacune avec la règle qui la donne ; vide dans la liste.")
    files: list[FileShown] = told("Ses fichiers en ligne ; vide dans la liste.")
    history: list[PastShown] = told("Les versions qui ont été en ligne ; vide dans la liste.")


class ActsPage(Given):
    """A page of acts."""

    collectivity: str = told("La collectivité.", "Kerlann-sur-Mer")
    count: int = told("Combien d’actes répondent en tout ; 500 s’il y en a autant ou plus.", 1)
    acts: list[ActShown] = told("25 au plus, le dernier mis en ligne d’abord.")
    next: str | None = told("L’adresse de la page suivante, nulle à la fin.")
