"""Who signs payment flows and is not known to the public accountant yet: a task of the administrators (PES-03)."""

from typing import Any

import sqlalchemy as sa
from jinja2 import Environment
from markupsafe import Markup

from app.core.clock import today
from app.core.db import Db
from app.people.actor import Actor
from app.people.mandates import mandates, to_accredit
from app.people.models import MandateRow, User
from workflows.mandates import words


def any_unknown(actor: Actor) -> sa.ColumnElement[bool]:
    """Whether a mandate may have to be made known, for an administrator; which ones, `to_accredit` says."""
    if not actor.administrator:
        return sa.false()
    return sa.exists().where(
        MandateRow.collectivity_id == actor.collectivity_id,
        MandateRow.accredited_on.is_(None),
        MandateRow.ended_at.is_(None),
    )


class Tray:
    """« 2 mandats de signataires de flux sont à faire connaître… », on the home of administrators until the day is written."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, actor: Actor) -> Markup | None:
        """The band, None once each is known."""
        del actor  # the condition of the tray is that of an administrator
        unknown = to_accredit(mandates(db), today())
        if not unknown:
            return None
        people: dict[int, Any] = {
            user.id: user.name
            for user in db.scalars(
                sa.select(User).where(User.id.in_([mandate.person for mandate in unknown]))
            )
        }
        unwritten = [(mandate.id, people.get(mandate.person, ""), words(mandate)) for mandate in unknown]
        page = self._templates.get_template("pes/_accredit.html").render(unwritten=unwritten)
        return Markup(page)  # noqa: S704 - the template escapes what it prints
