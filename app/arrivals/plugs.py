"""What arrivals bring: the work of opening them, and a band above what awaits whoever deals with them."""

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from jinja2 import Environment
from markupsafe import Markup

from app.arrivals import opening, settling, telling
from app.arrivals.mail import fetching
from app.arrivals.mail.boxes import in_part
from app.arrivals.models import Arrival, Mailbox, Scanner, State, Way
from app.arrivals.scans import watching
from app.core.db import Db
from app.core.french import instant
from app.core.outbox import each_round, handles
from app.folders import sockets
from app.folders.access import depositing_at
from app.folders.models import ARRIVED, Folder
from app.people.actor import Actor
from config import Settings
from workflows.vocabulary import Right

FROM: Final = {Way.CHORUS: "de Chorus Pro", Way.MAIL: "par courriel", Way.SCAN: "du numériseur"}
_folder: Any = Folder.__table__


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    handles(telling.OPEN, indoors=True, passing=True)(opening.work)
    handles(fetching.KIND, passing=True)(fetching.Round(settings))
    each_round("arrivals.mail", fetching.look)
    handles(watching.KIND, passing=True)(watching.Round(settings))
    each_round("arrivals.scans", lambda: watching.look(settings))
    sockets.tray(_Unsent(templates), any_unsent)
    sockets.tray(_Unsettled(templates), any_unsettled)
    sockets.tray(_Unread(templates), any_unread)
    sockets.band(_Arrived(templates))


def any_unsent(actor: Actor) -> sa.ColumnElement[bool]:
    """Whether some arrival became a draft of a desk where the actor deposits."""
    at_each = _depositing(actor)
    return sa.exists().where(*_unsent(actor), sa.or_(*at_each)) if at_each else sa.false()


def _depositing(actor: Actor) -> list[sa.ColumnElement[bool]]:
    """The condition on folders of each desk where the actor deposits, as he reads them there."""
    return [
        sa.and_(_folder.c.emitter_desk_id == seat.desk_id, depositing_at(seat, _folder))
        for seat in actor.seats
        if Right.CREATE in seat.rights
    ]


def _unsent(actor: Actor) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        Arrival.collectivity_id == actor.collectivity_id,
        Arrival.folder_id == _folder.c.id,
        _folder.c.phase == sa.literal_column("'draft'"),
    )


class _Unsent:
    """« 8 factures sont arrivées », as long as nobody has sent them: whose desk they came to reads each, then sends it."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, actor: Actor) -> Markup | None:
        query = sa.select(Arrival.way, sa.func.count(_folder.c.id.distinct())).where(
            *_unsent(actor), sa.or_(*_depositing(actor))
        )
        ways = {Way(way): count for way, count in db.execute(query.group_by(Arrival.way))}
        each = (f"{count} {FROM[way]}" if len(ways) > 1 else FROM[way] for way, count in sorted(ways.items()))
        words = ", ".join(each)
        page = self._templates.get_template("arrivals/_unsent.html").render(
            count=sum(ways.values()), words=words[:1].upper() + words[1:]
        )
        return Markup(page.strip())  # noqa: S704 - the template escapes what it prints


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


def any_unread(actor: Actor) -> sa.ColumnElement[bool]:
    """Whether a mailbox, or the folder of a scanner, could not be read, for who administers."""
    if not actor.administrator:
        return sa.false()
    return sa.or_(*(sa.exists().where(_unread(table, actor)) for table in (Mailbox, Scanner)))


def _unread(table: type[Mailbox | Scanner], actor: Actor) -> sa.ColumnElement[bool]:
    return sa.and_(table.collectivity_id == actor.collectivity_id, table.active, table.fault != "")


class _Unread:
    """« Une boîte de courriel ne se relève pas », on the home of administrators until it does; a scanner’s folder too."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, actor: Actor) -> Markup | None:
        shut, unwatched = (
            [tuple(row) for row in db.execute(query.where(_unread(table, actor)).order_by(table.id))]
            for table, query in (
                (Mailbox, sa.select(Mailbox.address, Mailbox.fault)),
                (Scanner, sa.select(Scanner.name, Scanner.fault)),
            )
        )
        if not shut and not unwatched:
            return None
        mailboxes = [(address, fault, in_part(fault)) for address, fault in shut]
        page = self._templates.get_template("arrivals/_unread.html").render(
            shut=mailboxes, unwatched=unwatched
        )
        return Markup(page)  # noqa: S704 - the template escapes what it prints


class _Arrived:
    """By which way a folder came, and where what came is read: what its `sources` hold, asked of nobody."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, _db: Db, folder: Folder) -> Markup | None:
        arrived = folder.sources.get(ARRIVED)
        if not arrived:
            return None
        page = self._templates.get_template("arrivals/_arrived.html").render(
            folder=folder, origin=arrived["origin"], at=instant(datetime.fromisoformat(arrived["at"]))
        )
        return Markup(page)  # noqa: S704 - the template escapes what it prints
