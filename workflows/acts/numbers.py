"""The number that an act takes when its own has served: relay operators take one once, for ever (@ctes A02)."""

import re


def next_number(number: str) -> str:
    """The number to propose when `number` is taken: « 2026_057 », then « 2026_057_1 », « 2026_057_2 ».

    >>> next_number("2026_057"), next_number("2026_057_1")
    ('2026_057_1', '2026_057_2')
    """
    match = re.fullmatch(r"(.+_[0-9]{3,})_([0-9]{1,2})", number)
    return f"{match[1]}_{int(match[2]) + 1}" if match else f"{number}_1"
