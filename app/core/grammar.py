"""Small French grammar for sentences that take a name or a number; no library behind it, for the confined children too."""

import re
from collections.abc import Mapping

THIN = "\u202f"
# A mute h is the rule before these letters (Hélène, Henri, Hortense); before a and u it is mostly not (Hamid, Hugo)
_ELIDED = re.compile(r"[aeiouàâäæéèêëîïôöœùûü]|h[eéèêioô]|y(?![aeiouàâéèêîôû])", re.IGNORECASE)


def de(name: str) -> str:
    """« de Solenn », « d’Armel », « du comptable »; the « Le » of a name stays (« de Le Bras »).

    >>> de("Armel KERVADEC"), de("Solenn"), de("Hélène"), de("Hugo"), de("Yves"), de("Yann"), de("Œuvre")
    ('d’Armel KERVADEC', 'de Solenn', 'd’Hélène', 'de Hugo', 'd’Yves', 'de Yann', 'd’Œuvre')
    >>> de("le comptable public"), de("les élus"), de("la préfecture"), de("Le Bras")
    ('du comptable public', 'des élus', 'de la préfecture', 'de Le Bras')
    """
    for article, merged in (("le ", "du "), ("les ", "des ")):
        if name.startswith(article):
            return merged + name.removeprefix(article)
    return f"d’{name}" if _ELIDED.match(name) else f"de {name}"


def plural(count: int, word: str, plural_word: str | None = None) -> str:
    """« 1 dossier », « 3 dossiers », « 1 767 appels »."""
    return f"{milliers(count)} {word if count < 2 else plural_word or word + 's'}"


def et_autres(count: int) -> str:
    """What ends a list that is cut, with the space before: « et 1 autre », « et 2 autres », nothing when none is left.

    >>> et_autres(0), et_autres(1), et_autres(2)
    ('', ' et 1 autre', ' et 2 autres')
    """
    return f" et {plural(count, 'autre')}" if count > 0 else ""


def milliers(number: int) -> str:
    """A whole number with thin spaces between its thousands.

    >>> milliers(1234567).split("\u202f"), milliers(800)
    (['1', '234', '567'], '800')
    """
    return f"{number:,}".replace(",", THIN)


_ARTICLES: Mapping[str, str] = {
    "accueil": "l’",
    "agence": "l’",
    "assemblée": "l’",
    "atelier": "l’",
    "ateliers": "les",
    "bureau": "le",
    "cabinet": "le",
    "cellule": "la",
    "centre": "le",
    "commission": "la",
    "comptabilité": "la",
    "conseil": "le",
    "coordination": "la",
    "département": "le",
    "direction": "la",
    "directions": "les",
    "économat": "l’",
    "école": "l’",
    "espace": "l’",
    "état": "l’",
    "finances": "les",
    "guichet": "le",
    "mairie": "la",
    "mission": "la",
    "police": "la",
    "pôle": "le",
    "présidence": "la",
    "régie": "la",
    "ressources": "les",
    "secrétariat": "le",
    "service": "le",
    "services": "les",
    "trésorerie": "la",
    "unité": "l’",
}
"""The article of what a desk is called by its first word, where there is no doubt."""


def the_desk(name: str) -> str:
    """A desk with its article: « la Direction générale »; « le bureau « X » » where its name has none for sure.

    >>> the_desk("Direction générale"), the_desk("Secrétariat général"), the_desk("Services techniques")
    ('la Direction générale', 'le Secrétariat général', 'les Services techniques')
    >>> the_desk("Unité routes"), the_desk("DGS")
    ('l’Unité routes', 'le bureau « DGS »')
    >>> the_desk("la Mairie annexe"), the_desk("Le Quai")
    ('la Mairie annexe', 'le bureau « Le Quai »')
    """
    if name.startswith(("le ", "la ", "les ", "l’")):
        return name
    first, _, _ = name.partition(" ")
    article = _ARTICLES.get(first.lower())
    if article is None:
        return f"le bureau « {name} »"
    return f"{article}{name}" if article.endswith("’") else f"{article} {name}"


def to_desk(name: str) -> str:
    """« à la Direction générale », « au Secrétariat général », « aux Services techniques », « au bureau « DGS » ».

    >>> [to_desk(one) for one in ("Direction générale", "Secrétariat général", "Services techniques", "DGS")]
    ['à la Direction générale', 'au Secrétariat général', 'aux Services techniques', 'au bureau « DGS »']
    """
    known = the_desk(name)
    for article, merged in (("le ", "au "), ("les ", "aux ")):
        if known.startswith(article):
            return merged + known.removeprefix(article)
    return f"à {known}"


def of_giver(name: str) -> str:
    """What follows « à la place »: a desk with its article where it has one for sure, a person or any other name as it is.

    >>> of_giver("Direction générale"), of_giver("DGS"), of_giver("Armel Kervadec")
    ('de la Direction générale', 'de DGS', 'd’Armel Kervadec')
    """
    known = the_desk(name)
    return de(name) if known.startswith("le bureau « ") else from_desk(name)


def from_desk(name: str) -> str:
    """« de la Direction générale », « du Secrétariat général », « des Services techniques », « de l’Unité routes ».

    >>> [from_desk(one) for one in ("Direction générale", "Secrétariat général", "Services techniques", "Unité routes")]
    ['de la Direction générale', 'du Secrétariat général', 'des Services techniques', 'de l’Unité routes']
    """
    known = the_desk(name)
    return f"de {known}" if known.startswith("l’") else de(known)
