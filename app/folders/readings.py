"""What the files of a folder said of its facts, what a person typed in their place, and what another person ruled.

Kept in `Folder.sources`: `files`, what each main document said, the first to the last, before them what the way by which
the folder came told (`told`); `corrections`, by field, who typed another value and why; `rulings`, what somebody decided
between them; `doubts`, what the reading of the last file left to be looked at. Everything here is plain values: no row, no
clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workflows.condition import Disputed
from workflows.family import Family, normalised

Values = Mapping[str, Any]
TOLD_BY = "dit par "
"""What begins the place of a value that no file gives: the way by which the folder came told it."""


@dataclass(frozen=True)
class Ruling:
    """What a person decided, and the word that goes with it; `keeps` is « read » or « typed » for a fact, else empty."""

    who: str
    at: str
    word: str
    keeps: str = ""


@dataclass(frozen=True)
class Said:
    """A value that a file gives, and where: « lu dans la facture (CII), facture.xml »."""

    value: Any
    where: str


@dataclass(frozen=True)
class Correction:
    """A fact of which the files say something else than what stands, or said so until somebody ruled (`ruling`).

    `value` is what a person typed, None where he emptied it; `typists` are all those who typed one, as the law counts
    persons (`move.person_of`). `replaced`: an earlier document said it; the one that stands says what stands, or nothing.
    """

    key: str
    value: Any
    read: tuple[Said, ...]
    reason: str
    who: str
    at: str
    typists: frozenset[int]
    ruling: Ruling | None = None
    replaced: bool = False


def said_by(family: Family, fields: Values, offered: frozenset[str]) -> dict[str, Any]:
    """The values that a file gives, in the form in which they are kept; not those that it only makes one think of."""
    kept = normalised(family, fields)
    return {key: kept[key] for key in fields if key in kept and key not in offered and family.field(key)}


def files_of(fields: Values, sources: Values) -> list[dict[str, Any]]:
    """What each main document said, the first to the last.

    A folder deposited before this was kept knows only the facts that nobody had changed.
    """
    if "files" in sources:
        return list(sources["files"])
    read = {key: fields[key] for key in sources.get("read", ()) if key in fields}
    return [{"said": str(sources.get("said") or ""), "name": "", "values": read}] if read else []


def documents_of(files: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the documents said, without what the way by which the folder came told of it."""
    return [one for one in files if not one.get("told")]


def others(fields: Values, sources: Values) -> dict[str, tuple[Any, ...]]:
    """The other values of each fact that nobody has ruled out, by field."""
    found: dict[str, tuple[Any, ...]] = {}
    if "files" not in sources:
        return found
    for key in {key: None for one in sources["files"] for key in one["values"]}:
        stands = fields.get(key)
        values = dict.fromkeys(one["values"][key] for one in sources["files"] if key in one["values"])
        left = tuple(one for one in values if one != stands and not _ruled_out(sources, key, stands, one))
        if left:
            found[key] = left
    return found


def disputed(fields: Values, sources: Values) -> Values:
    """The facts as the law tries them: with the other values of those that are disputed."""
    found = others(fields, sources)
    return Disputed(fields, found) if found else fields


def _ruled_out(sources: Values, key: str, stands: Any, value: Any) -> bool:
    return any(
        one["about"] == key and one["kept"] == stands and value in one["over"]
        for one in sources.get("rulings", ())
    )


def open_corrections(fields: Values, sources: Values) -> list[Correction]:
    """The corrections on which nobody has ruled, in the order of the files."""
    found = []
    stands = documents_of(sources["files"])[-1:] if "files" in sources else []
    said = stands[0]["values"] if stands else {}
    for key, left in others(fields, sources).items():
        told = any(one["values"].get(key) in left for one in sources["files"] if one.get("told"))
        known = sources.get("corrections", {}).get(key, {})
        found.append(
            Correction(
                key,
                fields.get(key),
                tuple(Said(value, _where(sources["files"], key, value)) for value in left),
                str(known.get("reason", "")),
                str(known.get("who", "")),
                str(known.get("at", "")),
                frozenset(known.get("typists", ())),
                replaced=not told and (key not in said or said[key] == fields.get(key)),
            )
        )
    return found


def ruled_corrections(sources: Values) -> list[Correction]:
    """The corrections on which somebody ruled, the first to the last, as they were when he did."""
    return [
        Correction(
            one["about"],
            one["typed"],
            tuple(Said(**said) for said in one["read"]),
            one["reason"],
            one["typist"],
            one["typed_at"],
            frozenset(one["typists"]),
            Ruling(one["who"], one["at"], one["word"], one["keeps"]),
        )
        for one in sources.get("rulings", ())
        if one["keeps"]
    ]


def rulings_on_cautions(sources: Values) -> dict[str, Ruling]:
    """What somebody said of each caution, by its key."""
    return {
        one["about"]: Ruling(one["who"], one["at"], one["word"])
        for one in sources.get("rulings", ())
        if not one["keeps"]
    }


def _where(files: Sequence[Mapping[str, Any]], key: str, value: Any) -> str:
    one = next(one for one in reversed(files) if one["values"].get(key) == value)
    return ", ".join(filter(None, (one["said"], one["name"])))
