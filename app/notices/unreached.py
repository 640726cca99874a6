"""Above what awaits somebody: that letters do not reach him, until his address changes or he says that it serves."""

import sqlalchemy as sa
from jinja2 import Environment
from markupsafe import Markup

from app.core.db import Db
from app.notices import bounces
from app.people.actor import Actor
from app.people.models import User


class Band:
    """What is told to whom letters do not reach, as soon as he comes in."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, actor: Actor) -> Markup | None:
        """The band; asked where `any_of` holds."""
        fault = bounces.unreached(db, db.get_one(User, actor.user_id))
        if fault is None:
            return None
        page = self._templates.get_template("notices/_unreached.html").render(fault=fault, leads=True)
        return Markup(page)  # noqa: S704 - the template escapes what it prints


def any_of(actor: Actor) -> sa.ColumnElement[bool]:
    """Whether an address refused letters: the condition under which `Band` is asked."""
    if actor.user_id is None:
        return sa.false()
    return sa.exists().where(User.id == actor.user_id, User.mail_refusals > 0)
