"""What is shown once: recovery codes, the token of a software, the secret of an application of codes.

The page that shows it is asked by GET, so that loading it again does nothing twice. Meanwhile it is in no table: the
person's own browser keeps it, sealed, in the cookie of the session, until it is said to be noted and for ten minutes at most.
"""

import json
from collections.abc import MutableMapping
from datetime import timedelta
from typing import Any

from app.core.clock import now
from app.core.compression import keep_whole
from app.core.refusals import Refusal
from app.core.sealed import seal, unseal
from app.people.actor import Actor

LASTS = timedelta(minutes=10)


Cookie = MutableMapping[str, Any]
"""What a browser keeps of a session."""


def show(cookie: Cookie, actor: Actor, what: str, **values: object) -> None:
    """Keep this for the page that shows it, in this session alone."""
    until = (now() + LASTS).timestamp()
    cookie[_name(what)] = seal(json.dumps([actor.session_id, until, values]))


def shown(cookie: Cookie, actor: Actor, what: str) -> dict[str, object] | None:
    """What the page shows; None once it is noted, after its ten minutes, and in another session."""
    try:
        owner, until, values = json.loads(unseal(cookie[_name(what)]))
    except (KeyError, Refusal):
        return None
    current: dict[str, object] | None = (
        values if owner == actor.session_id and until > now().timestamp() else None
    )
    if current is None:
        forget(cookie, what)
    else:
        keep_whole()
    return current


def forget(cookie: Cookie, what: str) -> None:
    """It is noted: the browser keeps nothing of it."""
    cookie.pop(_name(what), None)


def _name(what: str) -> str:
    return f"shown-{what}"
