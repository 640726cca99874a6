"""The files that a PDF carries inside, told to whoever decides on it: they are signed with it, and no page shows them."""

from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import pikepdf

from app.core.texts import cleaned
from app.files.faces import dictionary, direct_parts
from app.files.naming import clean_filename
from app.files.pdf import Enclosed
from app.files.sniffing import in_words, sniff

MOST = 50
"""Files that are described one by one; the others are counted."""
INVOICE_DATA = frozenset(
    {"factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml", "order-x.xml", "cii.xml", "ubl.xml"}
)
"""Names under which an invoice carries its own data (Factur-X 1.0 §6.2, ZUGFeRD, Order-X)."""


class Collector:
    """Meets the file specifications of one PDF, each once: by its list of files, a page's note or a mere mention."""

    def __init__(self) -> None:
        self._streams: dict[tuple[int, int], tuple[str, Any]] = {}

    def look(self, top: Any, written: bytes) -> None:
        """Look for embedded files in the direct parts of one object; `written`: its syntax."""
        if b"/EF" not in written:
            return
        for part in direct_parts(top):
            files = dictionary(part.get("/EF"))
            for key in ("/UF", "/F", "/Unix", "/Mac", "/DOS"):
                stream = files.get(key)
                if isinstance(stream, pikepdf.Stream):
                    name = next((str(part.get(entry)) for entry in ("/UF", "/F") if entry in part), "")
                    self._streams.setdefault(stream.objgen, (name, stream))

    def listing(self, workdir: Path) -> tuple[list[Enclosed], int]:
        """The first `MOST` files, in the order of their objects, and how many there are."""
        return [
            _described(*named_stream, workdir) for named_stream in list(self._streams.values())[:MOST]
        ], len(self._streams)


def _described(declared: str, stream: Any, workdir: Path) -> Enclosed:
    name = clean_filename(cleaned(declared))
    try:
        content = stream.read_bytes()
    except (pikepdf.PdfError, NotImplementedError):
        return Enclosed(
            name, len(stream.read_raw_bytes()), "d’un type inconnu", expected=False, program=False
        )
    with NamedTemporaryFile(dir=workdir, prefix="enclosed-") as file:
        file.write(content)
        file.flush()
        path = Path(file.name)
        content_kind = sniff(path)
        kind = in_words(content_kind, path)
    expected = name.lower() in INVOICE_DATA and content_kind == "xml"
    program = content_kind == "exe" or name.lower().endswith(RUN)
    return Enclosed(name, len(content), kind, expected, program)


RUN = (
    ".exe", ".com", ".bat", ".cmd", ".msi", ".scr", ".pif", ".cpl", ".js", ".jse", ".vbs", ".vbe", ".wsf", ".hta", ".ps1",
    ".jar", ".lnk", ".sh", ".app", ".dll", ".docm", ".xlsm", ".pptm", ".iso", ".img",
)  # fmt: skip
"""Ends of names that a computer runs, or opens with what they hold."""
