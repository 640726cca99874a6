"""Bytes that came by themselves are looked at by the antivirus before they are given: nobody may have looked at them yet."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from app.core.refusals import Refusal
from app.files import antivirus, vault

_SAID: Final = {
    "file-infected": "handed-infected",
    "antivirus-silent": "handed-unseen",
    "antivirus-too-large": "handed-too-large",
}


def look(
    collectivity_id: int,
    sha256: str,
    filename: str,
    inside: Callable[[bytes], Iterable[bytes]] | None = None,
) -> None:
    """Have kept bytes looked at now, and each thing that they hold (`inside`); nothing where no antivirus is set.

    Refuses `file-missing`, `handed-infected`, and unless the settings let files go on `handed-unseen`, `handed-too-large`.
    """
    if not antivirus.is_set():
        return
    with vault.local(collectivity_id, sha256) as path:
        _look(path, filename)
        for data in inside(path.read_bytes()) if inside else ():
            piece = path.with_name("piece")
            piece.write_bytes(data)
            _look(piece, filename)


def _look(path: Path, filename: str) -> None:
    try:
        antivirus.looked_at(path, filename)
    except Refusal as refusal:
        raise Refusal(_SAID[refusal.key], **refusal.facts) from refusal
