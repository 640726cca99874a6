"""What the public JSON answers; imported at the first call."""

from marshmallow import Schema, fields

from app.display.shapes import DateShown, Problem, _day, _list, _moment, _number, _said, _text

__all__ = ["ActShown", "ActsPage", "Problem"]

PATHS = {
    "slug": "Adresse de la collectivité, celle de sa page publique.",
    "key": "Clé de l’acte, celle de sa page publique.",
}


class AuthorShown(Schema):
    """Who signed an act."""

    name = _text("Prénom et nom.", "Armel Kervadec")
    capacity = _text("Qualité.", "Maire")


class FileShown(Schema):
    """A file that may be downloaded."""

    title = _text("Ce que c’est.")
    filename = _text("Son nom.", "deliberation-2026-057.pdf")
    media_type = _text("Son type.", "application/pdf")
    size = _number("Sa taille en octets.", 84_000)
    sha256 = _text("L’empreinte SHA-256 de ses octets.")
    href = _text("Où le télécharger.")
    available = fields.Boolean(
        required=True, metadata=_said("Faux tant que ses octets ne sont plus ceux publiés.")
    )


class PastShown(Schema):
    """A version that was online."""

    rank = _number("Son rang.", 1)
    masked = fields.Boolean(required=True, metadata=_said("Vrai pour une version occultée."))
    online_at = _moment("Mise en ligne.")
    ended_at = _moment("Fin.")
    ended = _text("replaced ou withdrawn.", "replaced")
    sha256 = _list(fields.String(), "Les empreintes de ses fichiers.")


class ActShown(Schema):
    """An act."""

    key = _text("Sa clé.", "3f9c2a7be01d4c55")
    href = _text("Son adresse ici.")
    page = _text("Sa page publique.")
    number = _text("Son numéro.", "2026_057")
    title = _text("Son objet.")
    nature = _text(
        "Ce qu’il est : délibération, décision du maire, arrêté… ; la nature d’un autre acte.",
        "Délibérations",
    )
    matter = _text("Sa matière, vide s’il n’y en a pas.", "7.5.2")
    matter_label = _text("Les mots de sa matière, vides s’ils ne sont pas connus.", "7.5.2 Finances locales…")
    decided_on = _day("Jour de la décision.")
    published_on = _day("Jour de la publication.", null=False)
    online_on = _day("Jour de la mise en ligne.", null=False)
    online_until = _day("Dernier jour où il doit être en ligne.", null=False)
    withdrawn_on = _day("Jour du retrait, nul s’il est en ligne.")
    withdrawal = _text("Motif du retrait, vide s’il est en ligne.")
    effect = _text(
        "Ce que vaut l’acte aujourd’hui, en une ligne : exécutoire, déféré, suspendu, annulé, transmission annulée."
    )
    masked = fields.Boolean(required=True, metadata=_said("Vrai si la version en ligne est occultée."))
    authors = _list(AuthorShown, "Qui l’a signé.")
    dates = _list(DateShown, "Ses dates, chacune avec la règle qui la donne ; vide dans la liste.")
    files = _list(FileShown, "Ses fichiers en ligne ; vide dans la liste.")
    history = _list(PastShown, "Les versions qui ont été en ligne ; vide dans la liste.")


class ActsPage(Schema):
    """A page of acts."""

    collectivity = _text("La collectivité.", "Kerlann-sur-Mer")
    count = _number("Combien d’actes répondent en tout.", 1)
    acts = _list(ActShown, "25 au plus, le dernier mis en ligne d’abord.")
    next = _text("L’adresse de la page suivante, nulle à la fin.", null=True)
