"""The words of a kept file, read in a process of its own: bounded in time, memory, pages and signs.

In the child (`answer`) a PDF gives the text that its pages draw, an XML its texts and, of a payment flow, the values that its
elements carry. A picture, or the scan of a page, gives nothing: no OCR is made here.
"""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.files.confined import Confined, Ended, Limits

PAGES, SIGNS = 300, 200_000
"""So many pages of a PDF are read, and so many signs of any file: a long annex is found by its beginning."""
SECONDS = 12.0
"""Of processor, for the pages of a PDF: what was read by then is kept."""
LONGEST_VALUE, LONGEST_WORD = 2_000, 120
"""An XML text that is longer, or has no space for so long, is no sentence: a file inside, in base64."""
LIMITS = Limits(cpu_seconds=20, seconds=40.0, memory=1 << 30, written=0)
READ = ("application/pdf", "application/xml", "text/xml", "text/plain", "text/csv")
"""The kinds of files that have words."""
_room = Confined("app.files.words")
_SOFT = re.compile("[\N{SOFT HYPHEN}\ufffe\x02]\\s*")
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def read_words(path: Path, media_type: str) -> str | None:
    """The text of a file, empty where it has none; None where its limits, or the file itself, ended its reading."""
    if media_type not in READ:
        return ""
    try:
        content = _room.ask({"words": str(path.resolve()), "media_type": media_type}, LIMITS).content
    except Ended:
        return None
    return str(content["text"]) if "text" in content else None


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """In the child: the text of the file, or that it could not be read."""
    path, read = Path(question["words"]), _of_pdf if question["media_type"] == READ[0] else _of_text
    if question["media_type"].endswith("xml"):
        read = _of_xml
    pieces, length = [], 0
    try:
        for piece in read(path):
            pieces.append(_UNSEEN.sub(" ", _SOFT.sub("", piece)))
            length += len(pieces[-1])
            if length > SIGNS:
                break
    except Exception:  # noqa: BLE001 - whatever a hostile file raises, it has no words
        if not pieces:
            return {"unread": True}
    return {"text": "\n".join(pieces)[:SIGNS].strip()}


def _of_pdf(path: Path) -> Iterator[str]:
    import pypdfium2

    until = time.process_time() + SECONDS
    with pypdfium2.PdfDocument(path) as document:
        for number in range(min(len(document), PAGES)):
            page = document[number].get_textpage()
            # Asked for by parts: a page may hold more text than its file has bytes
            yield page.get_text_range(0, min(page.count_chars(), SIGNS)) if page.count_chars() else ""
            if time.process_time() > until:
                return


def _of_xml(path: Path) -> Iterator[str]:
    from lxml import etree

    safe: dict[str, Any] = {
        "resolve_entities": False,
        "no_network": True,
        "load_dtd": False,
        "huge_tree": False,
    }
    for _, element in etree.iterparse(str(path), events=("end",), **safe):
        for value in (element.get("V"), element.text):
            text = (value or "").strip()
            if text and len(text) <= (LONGEST_VALUE if " " in text else LONGEST_WORD):
                yield text
        element.clear()


def _of_text(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        data = file.read(SIGNS * 4)
    try:
        yield data.decode("utf-8", "strict" if len(data) < SIGNS * 4 else "ignore")
    except UnicodeDecodeError:
        yield data.decode("cp1252", "replace")
