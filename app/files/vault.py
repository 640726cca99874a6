"""The process's own store and converter, opened at their first use (after the web server has forked)."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.files.office import OfficeConverter
from app.files.store import Store, open_store

_setting: dict[str, Any] = {"url": "", "office": True, "begins": None}


def configure(url: str, *, office: bool) -> None:
    """Say where bytes are kept, and whether office files may be converted."""
    if (url, office) != (_setting["url"], _setting["office"]):
        _setting.update(url=url, office=office)
        store.cache_clear()
        converter.cache_clear()


def asks_before(begins: Callable[[Path], None]) -> None:
    """Let `begins` refuse the folder of the store before it is opened: rooms above know where it was, and what it holds."""
    _setting["begins"] = begins


@lru_cache(maxsize=1)
def store() -> Store:
    """The store of this process; refuses `store-away` while its share is not mounted."""
    return open_store(str(_setting["url"]), _setting["begins"])


@lru_cache(maxsize=1)
def converter() -> OfficeConverter | None:
    """LibreOffice, where it is installed and allowed."""
    return OfficeConverter.find() if _setting["office"] else None


def scope(collectivity_id: int) -> str:
    """The sealed part of the store that belongs to a collectivity."""
    return f"c{collectivity_id}"


def waiting(collectivity_id: int) -> str:
    """The part of the store where its prepared copies wait for a key (`app.signing.copies`)."""
    return f"p{collectivity_id}"


def waits(part: str) -> bool:
    """Whether a part of the store is one of prepared copies."""
    return part.startswith("p")


@contextmanager
def local(collectivity_id: int, sha256: str, suffix: str = "") -> Iterator[Path]:
    """A verified local copy of kept bytes, gone when the block ends."""
    with tempfile.TemporaryDirectory(prefix="paraphe-") as folder:
        path = Path(folder) / f"document{suffix}"
        store().fetch(scope(collectivity_id), sha256, path)
        yield path
