"""The ZIP of a folder: its files, whole, and a manifest that lets any software verify them.

    manifest.json           schema « paraphe-handover/1 »
    signe/…                 the document as signed, and the signatures that lie beside it
    original/…              the document as deposited, before it was converted or signed
    donnees/…               the structured data (XML of an invoice)
    annexes/…               the attachments, in the order of the folder

The same parcel gives the same bytes: fixed dates, stored without compression, manifest first, sorted keys.
"""

import hashlib
import json
import unicodedata
import zipfile
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Final

from app.channels import replacing
from app.transmission.ports import Parcel, ParcelFile, Rejected

SCHEMA: Final = "paraphe-handover/1"
MANIFEST: Final = "manifest.json"
_ROOMS: Final = {
    "main": "signe",
    "signature": "signe",
    "original": "original",
    "data": "donnees",
    "attachment": "annexes",
}
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_CHUNK: Final = 1024 * 1024
_MAX_NAME: Final = 120
_FORBIDDEN: Final = frozenset('<>:"/\\|?*')
_RESERVED: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{name}{digit}" for name in ("com", "lpt") for digit in range(10))}
)


def write_bundle(parcel: Parcel, target: Path) -> str:
    """Write the ZIP and return its SHA-256; refuses with `Rejected` a file whose bytes have changed."""
    names = file_names(parcel)
    with replacing(target) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as bundle:
        bundle.writestr(_entry(MANIFEST), manifest(parcel))
        for file, name in zip(parcel.files, names, strict=True):
            with bundle.open(_entry(name), "w", force_zip64=True) as out:
                copied_digest = _copy(file.path, out)
            if copied_digest != file.sha256:
                raise Rejected(
                    f"« {file.title} » n’est plus le fichier du dossier : son empreinte a changé. Rien n’est parti."
                )
    with target.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def manifest(parcel: Parcel) -> bytes:
    """The bytes of the manifest: what the folder is, who signed it, and the name, size and hash of each file."""
    files = [
        {
            "role": file.role,
            "title": file.title,
            "name": name,
            "media_type": file.media_type,
            "size": file.path.stat().st_size,
            "sha256": file.sha256,
            "document_id": file.document_id,
            "type_code": file.type_code,
        }
        for file, name in zip(parcel.files, file_names(parcel), strict=True)
    ]
    sender = parcel.sender
    content = {
        "schema": SCHEMA,
        "key": parcel.key,
        "folder": {
            "id": parcel.folder_id,
            "family": parcel.family,
            **parcel.kind,
            "title": parcel.title,
            "facts": parcel.facts,
            "corrections": list(parcel.corrections),
            "cautions": list(parcel.cautions),
            "link": parcel.link,
        },
        "sender": {"siren": sender.siren, "name": sender.name},
        "files": files,
        "signatures": parcel.signatures,
        "prepared_at": parcel.prepared_at,
    }
    text = json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True, default=_plain)
    return text.encode() + b"\n"


def file_names(parcel: Parcel) -> list[str]:
    """The name of each file inside the ZIP: safe on every system, and never twice the same."""
    taken: set[str] = set()
    names = []
    for file in parcel.files:
        name = _free(f"{_ROOMS[file.role]}/", _safe(file), taken)
        taken.add(name.casefold())
        names.append(name)
    return names


def _safe(file: ParcelFile) -> str:
    text = unicodedata.normalize("NFC", file.filename.replace("\\", "/").rsplit("/", 1)[-1])
    name = "".join("_" if letter in _FORBIDDEN or not letter.isprintable() else letter for letter in text)
    name = name.strip(" .") or f"document-{file.document_id}"
    stem, dot, extension = name.rpartition(".")
    if (stem or name).casefold() in _RESERVED:
        name = f"_{name}"
    if len(name) > _MAX_NAME:
        name = f"{stem[: _MAX_NAME - len(extension) - 1]}{dot}{extension}" if stem else name[:_MAX_NAME]
    return name


def _free(room: str, name: str, taken: set[str]) -> str:
    stem, dot, extension = name.rpartition(".")
    stem, extension = (stem, dot + extension) if stem else (name, "")
    tried, count = f"{room}{name}", 1
    while tried.casefold() in taken:
        count += 1
        tried = f"{room}{stem}-{count}{extension}"
    return tried


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry


def _copy(source: Path, out: IO[bytes]) -> str:
    counted = hashlib.sha256()
    with source.open("rb") as read:
        while chunk := read.read(_CHUNK):
            counted.update(chunk)
            out.write(chunk)
    return counted.hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"a fact of type {type(value).__name__} has no place in a manifest")
