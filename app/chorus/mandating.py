"""The invoices that are signed and that nobody said mandated on Chorus Pro yet: told to whoever deposits, one by one."""

from typing import Any, Final

import sqlalchemy as sa
from jinja2 import Environment
from markupsafe import Markup

from app.chorus import own
from app.chorus.answering import OURS
from app.chorus.models import OF_WORKS, PAID_BY_CARD, ChorusInvoice, ChorusStatus
from app.chorus.statuses import COMPLETED, MANDATED, SERVICE_DONE
from app.core.db import Db
from app.folders.access import depositing_at
from app.folders.models import Folder
from app.invoices import mandates
from app.people.actor import Actor
from app.people.models import Collectivity
from workflows.circuit import DONE
from workflows.vocabulary import Right

BEFORE: Final = ("MISE_A_DISPOSITION", "PRISE_EN_COMPTE_DESTINATAIRE", SERVICE_DONE, COMPLETED)
"""What stands there of an invoice that is neither mandated nor out of the commune's hands, as it was last listed."""
MOST: Final = 100
"""So many are counted."""
_folder: Any = Folder.__table__


def unsaid(place: int) -> tuple[sa.ColumnElement[bool], ...]:
    """The conditions on an invoice and its folder: signed, of no contract of works, not paid by card, not said mandated."""
    mandate_status = sa.exists().where(
        ChorusStatus.invoice_id == ChorusInvoice.id,
        ChorusStatus.status == MANDATED,
        ChorusStatus.state.in_(OURS),
    )
    return (
        ChorusInvoice.collectivity_id == place,
        ChorusInvoice.status.in_(BEFORE),
        ChorusInvoice.folder_id == _folder.c.id,
        ChorusInvoice.kind != OF_WORKS,
        ChorusInvoice.frame != PAID_BY_CARD,
        _folder.c.place == sa.literal_column(f"'{DONE}'"),
        ~mandate_status,
    )


def any_unsaid(actor: Actor) -> sa.ColumnElement[bool]:
    """Whether some of them were deposited by a desk where the actor deposits."""
    return sa.exists().where(*_mine(actor))


def following(db: Db, actor: Actor, but: int = 0) -> int | None:
    """The first folder of them that the actor may say mandated, this one left out; None where there is no more."""
    query = sa.select(sa.func.min(_folder.c.id)).where(*_mine(actor), _folder.c.id != but)
    return db.scalar(query)


def count(db: Db, actor: Actor) -> int:
    """How many of them the actor may say mandated, up to `MOST`."""
    rows = sa.select(_folder.c.id).where(*_mine(actor)).limit(MOST).subquery()
    return db.scalar(sa.select(sa.func.count()).select_from(rows)) or 0


def _mine(actor: Actor) -> tuple[sa.ColumnElement[bool], ...]:
    desks = [
        sa.and_(_folder.c.emitter_desk_id == seat.desk_id, depositing_at(seat, _folder))
        for seat in actor.seats
        if Right.CREATE in seat.rights
    ]
    return (*unsaid(actor.collectivity_id), sa.or_(sa.false(), *desks))


class Waiting:
    """« 8 factures signées », above what awaits whoever deposits them, where a person says the numbers of the mandates.

    Nothing where the statuses stay here, nor where the finance software gave the last number.
    """

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, actor: Actor) -> Markup | None:
        """The band for an actor."""
        place = actor.collectivity_id
        if not own.sends(db.get_one(Collectivity, place).settings) or mandates.by_software(db, place):
            return None
        page = self._templates.get_template("chorus/to_mandate.html").render(
            count=count(db, actor), most=MOST
        )
        return Markup(page.strip())  # noqa: S704 - the template escapes what it prints
