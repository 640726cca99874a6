"""A file is what its bytes say, whatever its name says."""

import re
import zipfile
from pathlib import Path

PDF, XML, IMAGE, OFFICE = "pdf", "xml", "image", "office"

# extension -> kind, media type
TYPES: dict[str, tuple[str, str]] = {
    "pdf": (PDF, "application/pdf"),
    "xml": (XML, "application/xml"),
    "jpg": (IMAGE, "image/jpeg"),
    "jpeg": (IMAGE, "image/jpeg"),
    "png": (IMAGE, "image/png"),
    "odt": (OFFICE, "application/vnd.oasis.opendocument.text"),
    "ods": (OFFICE, "application/vnd.oasis.opendocument.spreadsheet"),
    "odp": (OFFICE, "application/vnd.oasis.opendocument.presentation"),
    "docx": (OFFICE, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "xlsx": (OFFICE, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "pptx": (OFFICE, "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    "doc": (OFFICE, "application/msword"),
    "xls": (OFFICE, "application/vnd.ms-excel"),
    "ppt": (OFFICE, "application/vnd.ms-powerpoint"),
    "rtf": (OFFICE, "application/rtf"),
}
_OLE = frozenset({"doc", "xls", "ppt"})
_OOXML = {"word/": "docx", "xl/": "xlsx", "ppt/": "pptx"}
_ZIP_GROWN = 1 << 30
_ZIP_FILES = 5_000
_NAMES = {
    "pdf": "un PDF",
    "xml": "un fichier XML",
    "jpg": "une image JPEG",
    "png": "une image PNG",
    "html": "une page HTML",
    "zip": "une archive ZIP",
    "exe": "un programme",
    "ole": "un ancien document Office",
    "rtf": "un document RTF",
    "docx": "un document Word",
    "xlsx": "un classeur Excel",
    "pptx": "une présentation",
    "odt": "un document OpenDocument",
    "ods": "un classeur OpenDocument",
    "odp": "une présentation OpenDocument",
}


def sniff(path: Path) -> str:
    """The extension that fits the content; html, zip, exe or ole for the rest; empty if unknown."""
    with path.open("rb") as file:
        head = file.read(4096)
    for magic, extension in (
        (b"\xff\xd8\xff", "jpg"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"),
        (b"{\\rtf", "rtf"),
        (b"MZ", "exe"),
        (b"\x7fELF", "exe"),
    ):
        if head.startswith(magic):
            return extension
    if head.startswith(b"PK\x03\x04"):
        return _inside_zip(path)
    if b"%PDF-" in head[:1029]:
        return "pdf"
    text = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")
    if re.match(rb"<(?:!doctype\s+html|html|head|body|script)\b", text, re.IGNORECASE):
        return "html"
    return "xml" if text.startswith(b"<") else ""


def fits(extension: str, content_kind: str) -> bool:
    """Whether a content may bear this extension."""
    return (
        content_kind == extension
        or (content_kind == "jpg" and extension == "jpeg")
        or (content_kind == "ole" and extension in _OLE)
        or (content_kind == "rtf" and extension == "doc")  # Word itself writes these
    )


def in_words(content_kind: str, path: Path) -> str:
    """What the content is, in French, for the sentence of a refusal."""
    if content_kind in _NAMES:
        return _NAMES[content_kind]
    import puremagic

    try:
        known = puremagic.from_file(str(path)).lstrip(".")
    except (puremagic.PureError, ValueError):
        return "d’un type inconnu"
    return f"de type {known.upper()}" if known else "d’un type inconnu"


def _inside_zip(path: Path) -> str:
    """OpenDocument, OOXML or a plain archive; what would grow beyond 1 GiB or 5,000 files is never opened as office."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = {entry.filename for entry in entries}
            if len(entries) > _ZIP_FILES or sum(entry.file_size for entry in entries) > _ZIP_GROWN:
                return "zip"
            if "[Content_Types].xml" in names:
                return next(
                    (ext for start, ext in _OOXML.items() if any(n.startswith(start) for n in names)), "zip"
                )
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 200:
                media = archive.read("mimetype").decode("ascii", "replace").strip()
                return next((ext for ext, (_, known_media) in TYPES.items() if known_media == media), "zip")
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, ValueError):
        return "zip"
    return "zip"
