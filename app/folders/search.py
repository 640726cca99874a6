"""What a folder is searched by: one key, without accents nor capitals, and how each database finds it by its words.

The key is written by the application, never by a query. Both databases keep an index of each three signs that follow one
another in it (`pg_trgm` on PostgreSQL, FTS5 on SQLite): a word of three letters or figures is found without reading folders.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from app.core.texts import key_of
from workflows.own_types import OWN

FACTS = (
    "seller",
    "seller_siret",
    "siret",
    "other_party",
    "addressee",
    "issue_date",
    "due_date",
    "received_on",
    "decision_date",
    "written_on",
    "dated_on",
)
"""The facts of a folder that it is searched by, beside its title, its number, its amount and the own fields of its type."""
INDEXED = "fts_folder"
"""The index of SQLite (`migrations/versions/0058_reach_and_words.py`); triggers of the base keep it beside the key."""
_NUMBERED = re.compile(r"\bn[°º]\s*")
_BETWEEN = re.compile(r"(?<=\w)[-_/.,‐‑–—](?=[^\W_])")
_THOUSANDS = re.compile(
    r"(?<!\d)\d{1,3}(?:\s\d{3})+(?=,\d\d(?!\d)|\s*(?:€|euros?\b))|(?<!\d)\d{3}\s\d{3}\s\d{3}\s\d{5}(?!\d)"
)
"""« 1 234,56 », « 12 000 € », and a SIRET by groups: one word, whatever its spaces."""
_EURO = re.compile(r"(?<=\d)\s*(?:€|euros?\b)")
_ANY = "\0"  # no key holds it
ESCAPE = "!"
"""The sign that escapes another in a pattern of `patterns`."""
_LITERAL = str.maketrans({one: ESCAPE + one for one in (ESCAPE, "%", "_")})
_RUN = re.compile(r"[a-z0-9]{3,}")
_SIGNS = 3


def key_of_folder(title: str, number: str, facts: Mapping[str, Any], cents: int | None) -> str:
    """The search key of a folder: its title and number, who it is about, its SIRET, its amount in euros, its dates.

    A date is there as it is kept and as it is written in French.

    >>> key_of_folder("Élagage", "F1", {"seller": "Roué", "issue_date": "2026-03-12"}, -123456)
    'elagage f1 1234.56 roue 2026-03-12 12/03/2026'
    """
    parts = [title, number]
    if cents is not None:
        parts.append(f"{abs(cents) // 100}.{abs(cents) % 100:02d}")
    for name in (*FACTS, *(one for one in facts if one.startswith(OWN))):
        for value in _texts(facts.get(name)):
            parts += [value, _in_french(value)]
    return key_of(" ".join(one for one in parts if one))


def _texts(value: object) -> Iterator[str]:
    """A fact as texts: its own, or those of the cells of a table."""
    if isinstance(value, list):
        for line in value:
            if isinstance(line, Mapping):
                yield from (str(cell).strip() for cell in line.values())
    else:
        yield str(value or "").strip()


def _in_french(value: str) -> str:
    try:
        return date.fromisoformat(value).strftime("%d/%m/%Y") if len(value) == len("2026-03-12") else ""
    except ValueError:
        return ""


def patterns(text: str, most: int) -> list[str]:
    """What a key must be LIKE (ESCAPE `!`), one pattern for each word, `most` of them: all must match.

    A number, a date or an amount is found as it is printed: « n° 2026-057 » finds 2026_057, whatever separates its parts.

    >>> patterns("N° 2026-057 Élie 1 234,56 €", 6)
    ['%2026_057%', '%elie%', '%1234_56%']
    """
    joined = _THOUSANDS.sub(lambda found: re.sub(r"\s", "", found[0]), _NUMBERED.sub("", text.lower()))
    words = key_of(_EURO.sub("", joined)).split()
    return [f"%{_BETWEEN.sub(_ANY, word).translate(_LITERAL).replace(_ANY, '_')}%" for word in words[:most]]


def indexable(asked: Sequence[str]) -> bool:
    """Whether an index answers one of these patterns: three letters or figures that follow one another."""
    return next(_trigrams(asked), None) is not None


def matching(asked: Sequence[str], dialect: str, index: str = INDEXED) -> tuple[str, str, dict[str, str]]:
    """A table to read before `f` (`folder`) where there is one, the condition on both, and its binds: the port of the search.

    The conditions on the key are in it: what the index gives is looked at again. `index` is SQLite's, of the table that
    is called `f`.
    """
    binds = {f"word{rank}": pattern for rank, pattern in enumerate(asked)}
    condition = " AND ".join(f"f.title_key LIKE :{name} ESCAPE '{ESCAPE}'" for name in binds)
    if dialect != "sqlite":
        return "", condition, binds
    binds["signs"] = " AND ".join(f'"{one}"' for one in dict.fromkeys(_trigrams(asked)))
    return (
        f"{index} CROSS JOIN",
        f"{index} MATCH :signs AND f.id = {index}.rowid AND {condition}",
        binds,
    )


def _trigrams(asked: Sequence[str]) -> Iterator[str]:
    for pattern in asked:
        for run in _RUN.findall(pattern):
            yield from (run[at : at + _SIGNS] for at in range(len(run) - _SIGNS + 1))
