"""What the public JSON answers; imported at the first call."""

from datetime import date

from app.core.shapes import Given, Moment, attribute
from app.display.shapes import DAY, DateShown, Problem

__all__ = ["ActShown", "ActsPage", "Problem"]

PATHS = {
    "slug": "Adresse de la collectivité, celle de sa page publique.",
    "key": "Clé de l’acte, celle de sa page publique.",
}


class AuthorShown(Given):
    """Who signed an act."""

    name: str = attribute("Prénom et nom.", "Armel Kervadec")
    capacity: str = attribute("Qualité.", "Maire")


class FileShown(Given):
    """A file that may be downloaded."""

    title: str = attribute("Ce que c’est.")
    filename: str = attribute("Son nom.", "deliberation-2026-057.pdf")
    media_type: str = attribute("Son type.", "application/pdf")
    size: int = attribute("Sa taille en octets.", 84000)
    sha256: str = attribute("L’empreinte SHA-256 de ses octets.")
    href: str = attribute("Où le télécharger.")
    available: bool = attribute("Faux tant que ses octets ne sont plus ceux publiés.")


class PastShown(Given):
    """A version that was online."""

    rank: int = attribute("Son rang.", 1)
    masked: bool = attribute("Vrai pour une version occultée.")
    online_at: Moment = attribute("Mise en ligne.")
    ended_at: Moment = attribute("Fin.")
    ended: str = attribute("replaced ou withdrawn.", "replaced")
    sha256: list[str] = attribute("Les empreintes de ses fichiers.")


class ActShown(Given):
    """An act."""

    key: str = attribute("Sa clé.", "3f9c2a7be01d4c55")
    href: str = attribute("Son adresse ici.")
    page: str = attribute("Sa page publique.")
    number: str = attribute("Son numéro.", "2026_057")
    title: str = attribute("Son objet.")
    nature: str = attribute(
        "Ce qu’il est : délibération, décision du maire, arrêté… ; la nature d’un autre acte.",
        "Délibérations",
    )
    matter: str = attribute("Sa matière, vide s’il n’y en a pas.", "7.5.2")
    matter_label: str = attribute(
        "Les mots de sa matière, vides s’ils ne sont pas connus.", "7.5.2 Finances locales…"
    )
    decided_on: date | None = attribute("Jour de la décision.", DAY)
    published_on: date = attribute("Jour de la publication.", DAY)
    online_on: date = attribute("Jour de la mise en ligne.", DAY)
    online_until: date = attribute("Dernier jour où il doit être en ligne.", DAY)
    withdrawn_on: date | None = attribute("Jour du retrait, nul s’il est en ligne.", DAY)
    withdrawal: str = attribute("Motif du retrait, vide s’il est en ligne.")
    effect: str = attribute(
        "Ce que vaut l’acte aujourd’hui, en une ligne : exécutoire, déféré, suspendu, annulé, transmission annulée."
    )
    masked: bool = attribute("Vrai si la version en ligne est occultée.")
    authors: list[AuthorShown] = attribute("Qui l’a signé.")
    dates: list[DateShown] = attribute("Ses dates, chacune avec la règle qui la donne ; vide dans la liste.")
    files: list[FileShown] = attribute("Ses fichiers en ligne ; vide dans la liste.")
    history: list[PastShown] = attribute("Les versions qui ont été en ligne ; vide dans la liste.")


class ActsPage(Given):
    """A page of acts."""

    collectivity: str = attribute("La collectivité.", "Kerlann-sur-Mer")
    count: int = attribute("Combien d’actes répondent en tout ; 500 s’il y en a autant ou plus.", 1)
    acts: list[ActShown] = attribute("25 au plus, le dernier mis en ligne d’abord.")
    next: str | None = attribute("L’adresse de la page suivante, nulle à la fin.")
