"""What batches bring to the list: rows that may be ticked, the batches that are not finished, and the worker's part."""

from jinja2 import Environment
from markupsafe import Markup
from pydantic import SecretStr

from app.batches.carry import carry_decisions
from app.batches.gesture import DECIDE, SIGN
from app.batches.progress import any_unfinished, unfinished
from app.core.db import Db
from app.core.outbox import Row, handles
from app.display.ticking import LIMIT
from app.folders import sockets
from app.people.actor import Actor
from app.signing.models import RemoteRequest
from app.signing.remote import sockets as at_distance
from config import Settings


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    del settings  # nothing here is configured
    sockets.selection("batches.propose", LIMIT)
    sockets.tray(_Unfinished(templates), any_unfinished)
    # In the name of a session, which would be over before a restoration that is held lets everything leave
    handles(DECIDE, indoors=True)(carry_decisions)
    handles(SIGN, indoors=True)(_sign)
    at_distance.batch(_come_back, "batches.show")


def _sign(row: Row) -> None:
    from app.batches.signatures import carry_signatures

    carry_signatures(row)


def _come_back(actor: Actor, row: RemoteRequest, code: SecretStr) -> None:
    from app.batches.remote import come_back

    come_back(actor, row, code)


class _Unfinished:
    """« Lots en cours »: what one began is found again after the tab was closed, or the session ended."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, actor: Actor) -> Markup | None:
        batches = unfinished(db, actor)
        if not batches:
            return None
        page = self._templates.get_template("batches/_unfinished.html").render(batches=batches)
        return Markup(page)  # noqa: S704 - the template escapes what it prints
