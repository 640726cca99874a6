"""What arrivals bring: the work of opening them, and a band above what awaits whoever deals with them."""

import sqlalchemy as sa
from jinja2 import Environment
from markupsafe import Markup

from app.arrivals import opening, settling, telling
from app.arrivals.models import Arrival, State
from app.core.db import Db
from app.core.outbox import handles
from app.folders import sockets
from app.people.actor import Actor
from config import Settings
from workflows.vocabulary import Right


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    del settings  # nothing here is configured yet
    handles(telling.OPEN, indoors=True, passing=True)(opening.work)
    sockets.tray(_Unsettled(templates), any_unsettled)


def any_unsettled(actor: Actor) -> sa.ColumnElement[bool]:
    """Whether some arrival may wait for the actor: that of the collectivity, for who deposits somewhere."""
    if not actor.holds(Right.CREATE):
        return sa.false()
    return sa.exists().where(
        Arrival.collectivity_id == actor.collectivity_id, Arrival.state.in_((State.HELD, State.REFUSED))
    )


class _Unsettled:
    """« 2 arrivées ne sont pas des dossiers », as long as somebody must look at them."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, actor: Actor) -> Markup | None:
        query = sa.select(sa.func.count()).where(
            settling.dealing(db, actor), Arrival.state.in_((State.HELD, State.REFUSED))
        )
        count = db.scalar(query) or 0
        if not count:
            return None
        page = self._templates.get_template("arrivals/_band.html").render(count=count)
        return Markup(page)  # noqa: S704 - the template escapes what it prints
