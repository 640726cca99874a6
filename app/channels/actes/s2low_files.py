"""The files of a transaction of S2LOW: the names that they are posted under, and those that the operator tells."""

import json
from typing import Final

from app.channels.actes.act import Piece
from app.channels.actes.naming import serial_of
from app.transmission.ports import AccountRefused
from app.transmission.s2low.answers import unexpected
from app.transmission.s2low.client import Client, Upload

ACTES: Final = "/modules/actes"
_MEDIA: Final = {"pdf": "application/pdf", "png": "image/png", "jpg": "image/jpeg", "xml": "text/xml"}


def filename(archive_name: str, piece: Piece, rank: int) -> str:
    """Drawn from the archive's serial, which is the parcel's own: what was posted is recognised by it."""
    return f"{serial_of(archive_name)}-{rank}.{piece.kind}"


def upload(archive_name: str, piece: Piece, field: str, rank: int) -> Upload:
    """A piece as it is posted."""
    if piece.path is None:
        raise LookupError(piece.title)
    return Upload(field, filename(archive_name, piece, rank), _MEDIA[piece.kind], piece.path)


def posted(client: Client, number: str) -> list[str]:
    """The names under which the documents of a transaction were posted; empty while S2LOW does not tell them yet."""
    listed = files(client.get(f"{ACTES}/actes_transac_get_files_list.php", transaction=number))
    return [str(file.get("posted_filename", "")) for file in listed[1:]]


def files(raw: bytes) -> list[dict[str, object]]:
    """The list of files of a transaction, its message first; empty while S2LOW does not tell it yet."""
    try:
        listed = json.loads(raw)
    except ValueError:
        fault = unexpected(raw)
        if raw.startswith(b"KO") and not isinstance(fault, AccountRefused):
            return []  # « Pas d'acquittement recu »
        raise fault from None
    return [file for file in listed if isinstance(file, dict)] if isinstance(listed, list) else []
