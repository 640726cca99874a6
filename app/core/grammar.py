"""Small French grammar for sentences that take a name or a number; no library behind it, for the confined children too."""

import re

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
