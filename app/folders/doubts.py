"""What the reading of a file leaves to be looked at: kept on the folder, told to all who decide until one of them rules."""

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from typing import Any

from app.core.db import Db
from app.core.french import spaces
from app.folders.models import Folder
from app.folders.sockets import Caution


def kept(doubts: Iterable[Caution]) -> list[dict[str, Any]]:
    """Doubts as `Folder.sources` keeps them, each once."""
    return [
        {"key": key, "title": title, "sentence": sentence}
        for key, title, sentence in dict.fromkeys((one.key, one.title, one.sentence) for one in doubts)
    ]


def cautions(db: Db, folder: Folder) -> list[Caution]:
    """The doubts of a folder, whoever ruled on them or not; whoever deposited it does not rule on them."""
    del db
    by = frozenset(folder.sources.get("depositors", ()))
    return [
        replace(Caution(one["key"], spaces(one["title"]), spaces(one["sentence"])), about=_name(one), by=by)
        for one in folder.sources.get("doubts", ())
    ]


def _name(one: dict[str, Any]) -> str:
    digest = sha256(f"{one['title']}\n{one['sentence']}".encode()).hexdigest()
    return f"doubt:{one['key']}:{digest[:16]}"
