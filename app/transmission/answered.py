"""Who wants to know that a folder of some family was acknowledged: higher floors say so here, nothing imports upwards."""

from collections.abc import Callable

from app.core.db import Db
from app.folders.models import Folder
from app.people.actor import Actor
from app.transmission.models import Transmission

Hook = Callable[[Db, Actor, Folder, Transmission, str | None], None]
_hooks: dict[str, Hook] = {}


def watch(family: str, hook: Hook) -> None:
    """Call `hook` in the transaction that acknowledges a folder of this family; the last one said counts.

    It is given the folder, its transmission, and the SHA-256 of the receipt or None.
    """
    _hooks[family] = hook


def tell(db: Db, actor: Actor, folder: Folder, row: Transmission, receipt: str | None) -> None:
    """Tell whoever watches the folder's family."""
    hook = _hooks.get(folder.family)
    if hook is not None:
        hook(db, actor, folder, row, receipt)
