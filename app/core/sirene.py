"""The numbers that INSEE gives to legal persons of France, and their key (code de commerce, R123-220 and R123-221)."""

LA_POSTE = "356000000"


def good_siren(siren: str) -> bool:
    """Whether this is nine digits, the last of which is the key of Luhn."""
    return len(siren) == 9 and siren.isascii() and siren.isdigit() and _luhn(siren)


def good_siret(siret: str) -> bool:
    """Whether the key of a SIRET is right; La Poste's may also have digits whose sum is a multiple of five."""
    return _luhn(siret) or (siret.startswith(LA_POSTE) and sum(map(int, siret)) % 5 == 0)


def _luhn(number: str) -> bool:
    """Each second digit from the right is doubled; the sum of all digits is a multiple of ten (ISO/IEC 7812-1)."""
    digits = [int(digit) * (1 + rank % 2) for rank, digit in enumerate(reversed(number))]
    return sum(digit - 9 if digit > 9 else digit for digit in digits) % 10 == 0
