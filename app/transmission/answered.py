"""Who wants to know what the other side answered: higher floors say so here, nothing imports upwards."""

from collections.abc import Callable

from app.core.db import Db
from app.folders.models import Folder
from app.people.actor import Actor
from app.transmission.models import Transmission
from app.transmission.ports import Answer

Hook = Callable[[Db, Actor, Folder, Transmission, str | None], None]
Listener = Callable[[Db, Folder, Transmission, Answer, bool], None]
_hooks: dict[str, Hook] = {}
_listeners: dict[str, Listener] = {}


def watch(family: str, hook: Hook) -> None:
    """Call `hook` in the transaction that acknowledges a folder of this family; the last one said counts.

    It is given the folder, its transmission, and the SHA-256 of the receipt or None.
    """
    _hooks[family] = hook


def listen(channel: str, listener: Listener) -> None:
    """Call `listener` with each answer of this channel that ends a sending, in its transaction; the last one said counts.

    Its last argument is true for an answer that came after another had ended the sending.
    """
    _listeners[channel] = listener


def heard(db: Db, folder: Folder, row: Transmission, answer: Answer, *, later: bool = False) -> None:
    """Tell whoever listens to the channel what was answered of each part."""
    listener = _listeners.get(row.channel)
    if listener is not None:
        listener(db, folder, row, answer, later)


def tell(db: Db, actor: Actor, folder: Folder, row: Transmission, receipt: str | None) -> None:
    """Tell whoever watches the folder's family."""
    hook = _hooks.get(folder.family)
    if hook is not None:
        hook(db, actor, folder, row, receipt)
