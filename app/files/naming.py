"""A deposited file keeps its own name, without what a name could hide."""

import unicodedata

from app.core.texts import strange

MAX_BYTES = 200
_HIDDEN = frozenset({"Cc", "Cf", "Zl", "Zp"})


def clean_filename(name: str) -> str:
    r"""The last part of a name: NFC, no path, no control or direction character, at most 200 bytes of UTF-8.

    >>> clean_filename("C:\\temp\\Délibération.pdf")
    'Délibération.pdf'
    """
    text = name.encode("utf-8", "replace").decode("utf-8")  # a lone surrogate has no bytes
    text = unicodedata.normalize("NFC", text).replace("\\", "/").rsplit("/", 1)[-1]
    # Cf holds the marks that show « fdp.exe » as « exe.pdf »; Cc holds line ends that forge headers; what no XML can hold
    # would stop the envelope or the manifest that names the file, long after its deposit.
    text = "".join(
        " " if unicodedata.category(character) in _HIDDEN or strange(character) else character
        for character in text
    )
    text = " ".join(text.split()).lstrip(".").strip()
    if not text:
        return "document"
    if len(text.encode()) <= MAX_BYTES:
        return text
    stem, dot, extension = text.rpartition(".")
    if not dot or len(extension) > 10:
        stem, dot, extension = text, "", ""
    room = MAX_BYTES - len((dot + extension).encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip() + dot + extension


def extension_of(filename: str) -> str:
    """The extension in small letters, without its dot; empty when there is none."""
    _, dot, extension = filename.rpartition(".")
    return extension.lower() if dot else ""
