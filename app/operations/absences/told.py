"""Above what awaits somebody who is noted absent: until when, who stands in, and the way to end it."""

import sqlalchemy as sa
from jinja2 import Environment
from markupsafe import Markup

from app.core.clock import now
from app.core.db import Db
from app.people.actor import Actor
from app.people.covers import away_of, live
from app.people.models import Absence, Desk, User


class Band:
    """What is told of his absence to who is away, wherever he comes in."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, actor: Actor) -> Markup | None:
        """The band; asked where `is_away` holds."""
        query = (
            sa.select(
                *Absence.__table__.c,
                User.first_name,
                User.last_name,
                User.email,
                Desk.name.label("desk"),
            )
            .outerjoin(User, sa.and_(User.id == Absence.cover_id, User.active.is_(True)))
            .outerjoin(Desk, Desk.id == Absence.desk_id)
            .where(Absence.user_id == actor.user_id, live(now()))
            .order_by(Absence.ends_at, Absence.id)
        )
        absences = [(away_of(row), row.desk or "") for row in db.execute(query)]
        if not absences:  # it ended between the two questions
            return None
        page = self._templates.get_template("operations/_away.html").render(absences=absences)
        return Markup(page)  # noqa: S704 - the template escapes what it prints


def is_away(actor: Actor) -> sa.ColumnElement[bool]:
    """Whether somebody is noted absent now: the condition under which `Band` is asked."""
    if actor.user_id is None:
        return sa.false()
    return sa.exists().where(Absence.user_id == actor.user_id, live(now()))
