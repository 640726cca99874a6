"""The message 1-1, « transmission d’un acte »: written strictly, in ISO-8859-1, and read back."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import TYPE_CHECKING, Final

from app.channels.actes.act import Act

if TYPE_CHECKING:
    from pathlib import Path

    from lxml.etree import _Element

MAX_LEVELS: Final = 5
_LAST_LATIN: Final = 0xFF
_PLAIN: Final = str.maketrans(
    {
        "œ": "oe", "Œ": "OE", "€": "EUR", "…": "...", "Ÿ": "Y", "™": "(TM)", "‰": " pour mille", "ﬁ": "fi", "ﬂ": "fl",
        "’": "'", "‘": "'", "‚": "'", "ʼ": "'", "′": "'", "“": '"', "”": '"', "„": '"', "″": '"', "‹": "<", "›": ">",
        "–": "-", "—": "-", "‑": "-", "‐": "-", "−": "-", "―": "-", "•": "-", "·": "·", "→": "->", "≤": "<=", "≥": ">=",
        "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2007": " ", "\u200b": "", "\ufeff": "", "\u00ad": "",
    }
)  # fmt: skip


def transliterate(text: str) -> str:
    """The text as it will travel, in letters of ISO-8859-1: « œ » becomes « oe », « ’ » becomes « ' ».

    To be shown to the agent before sending. A letter without any equivalent stays as it is, for the rule A04 to
    name it: nothing is ever replaced by a question mark.
    """
    plain = unicodedata.normalize("NFC", text).translate(_PLAIN)
    return "".join(letter if ord(letter) <= _LAST_LATIN else _nearest(letter) for letter in plain)


def untranslatable(text: str) -> tuple[str, ...]:
    """The letters of a text that ISO-8859-1 cannot carry even after transliteration, each once."""
    return tuple(dict.fromkeys(letter for letter in transliterate(text) if ord(letter) > _LAST_LATIN))


def write_message(
    act: Act, document: str, annexes: tuple[str, ...], classified_on: date, schema_folder: Path | None = None
) -> bytes:
    """The bytes of the message 1-1 of a judged act; refuses with ValueError what the schema refuses.

    `document` and `annexes` are the names of the files in the archive, `classified_on` the date of the
    classification in force. Source: actesv1_1.xsd, type DonneesActe.
    """
    from app.channels.actes.xmltree import child, code, root, tag, write

    if act.decided_on is None or act.nature is None:
        raise ValueError("an act without date or nature has no message")
    top = root("Acte")
    top.set(tag("Date"), act.decided_on.isoformat())
    top.set(tag("NumeroInterne"), act.number)
    top.set(tag("CodeNatureActe"), str(act.nature))
    for level, matter in enumerate(act.matters[:MAX_LEVELS], 1):
        code(top, f"CodeMatiere{level}", "CodeMatiere", str(matter))
    child(top, "Objet", transliterate(act.subject))
    if act.previous:
        code(top, "PrecedentIdentifiantActe", "IDActe", act.previous)
    child(top, "ClassificationDateVersion", classified_on.isoformat())
    child(child(top, "Document"), "NomFichier", document)
    listed = code(top, "Annexes", "Nombre", str(len(annexes)))
    for name in annexes:
        child(child(listed, "Annexe"), "NomFichier", name)
    child(top, "DocumentPapier", "O" if act.paper else "N")
    return write(top, schema_folder)


def read_message(element: _Element) -> tuple[Act, str, tuple[str, ...], int]:
    """The act of an element Acte or ActeRecu, the names of its document and annexes, and the declared count."""
    from app.channels.actes.xmltree import tag

    matters: list[int] = []
    for level in range(1, MAX_LEVELS + 1):
        code_element = element.find(tag(f"CodeMatiere{level}"))
        if code_element is None:
            break
        matters.append(int(code_element.get(tag("CodeMatiere"), "0")))
    previous = element.find(tag("PrecedentIdentifiantActe"))
    listed = element.find(tag("Annexes"))
    act = Act(
        number=element.get(tag("NumeroInterne"), ""),
        decided_on=_day(element.get(tag("Date"))),
        nature=int(element.get(tag("CodeNatureActe"), "0")),
        matters=tuple(matters),
        subject=element.findtext(tag("Objet")) or "",
        classified_on=_day(element.findtext(tag("ClassificationDateVersion"))),
        # « O » and « N », or 1 and 0 in messages of other senders.
        paper=(element.findtext(tag("DocumentPapier")) or "").strip() in {"O", "1"},
        previous=None if previous is None else previous.get(tag("IDActe")),
    )
    document = element.findtext(f"{tag('Document')}/{tag('NomFichier')}") or ""
    annexes = tuple(name.text or "" for name in element.iterfind(f".//{tag('Annexe')}/{tag('NomFichier')}"))
    count = 0 if listed is None else int(listed.get(tag("Nombre"), "0"))
    return act, document, annexes, count


def _nearest(letter: str) -> str:
    base = "".join(part for part in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(part))
    return base if base and all(ord(part) <= _LAST_LATIN for part in base) else letter


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "").strip())
    except ValueError:
        return None
