"""What makes a bordereau unique for the Treasury (ERREUR_DOUBLON_BORDEREAU, ERREUR_DOUBLON_PIECE), written in one way."""


def series(body: str, budget: str, domain: str, year: str, kind: str) -> str:
    """The series in which bordereaux are numbered, and their mandats or titres: one of each number.

    `body` and `budget` are CodCol and CodBud, `domain` is « dépenses » or « recettes », `kind` is TypBord.

    >>> series("123", "00", "dépenses", "2026", "01")
    '123 00 dépenses 2026 01'
    """
    return " ".join(part.strip() for part in (body, budget, domain, year, kind))


def same_number(left: str, right: str) -> bool:
    """Whether two numbers are the same one: the Treasury's answers may write « 22 » for « 0022 »."""
    return left.strip().lstrip("0") == right.strip().lstrip("0")
