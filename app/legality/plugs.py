"""What legality control brings: the fetching of letters, the receipts that leave alone, and its marks on the acts."""

from collections.abc import Callable
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from app.core.db import Db
from app.core.outbox import Row, each_round, handles
from app.folders import sockets
from app.folders.access import looks_on, reader_of
from app.folders.models import Folder
from app.legality import acts, cancelling, former, intake, on_paper, replies, reports, views
from app.people.actor import Actor
from app.transmission import answered
from config import Settings


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    handles(intake.FETCH, passing=True)(_With(settings, intake.fetch))
    handles(intake.ACKNOWLEDGE)(_With(settings, intake.acknowledge_letter))
    each_round("legality.letters", lambda: intake.look(settings))
    answered.watch(replies.FAMILY, replies.answered)
    answered.watch(cancelling.FAMILY, cancelling.answered)
    sockets.taker(cancelling.FAMILY, cancelling.take)
    sockets.check(replies.only_one, of=sockets.named(replies.FAMILY))
    sockets.obstacle(cancelling.unagreed, of=sockets.named(cancelling.FAMILY))
    sockets.caution(former.cautions, of=sockets.named(former.FAMILY))
    sockets.tray(_Tray(templates), views.any_waiting)
    sockets.question(cancelling.CANCELLED, views.LETTERS)
    sockets.band(_Band(templates))
    sockets.held(_suspended)
    sockets.waiting(views.open_words)
    sockets.letters(views.digests)
    sockets.share("dates", acts.dates_as_data)


class _With:
    """A handler that is given the settings; equal to another of its kind."""

    def __init__(self, settings: Settings, do: Callable[[Row, Any], None]) -> None:
        self._settings, self._do = settings, do

    def __call__(self, row: Row) -> None:
        self._do(row, self._settings)


class _Tray:
    """« 2 courriers de la préfecture attendent », each on its line, above what awaits whoever may deal with them."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, actor: Actor) -> Markup | None:
        count, calls = views.calls(db, actor)
        if not count:
            return None
        page = self._templates.get_template("legality/_tray.html").render(count=count, calls=calls)
        return Markup(page)  # noqa: S704 - the template escapes what it prints


class _Band:
    """Under the head of a folder: the way to the act's page at the Préfecture, or to its transmission on paper."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, folder: Folder) -> Markup | None:
        context = self._context(db, folder)
        if context is None:
            return None
        page = self._templates.get_template("legality/_band.html").render(context)
        return Markup(page)  # noqa: S704 - the template escapes what it prints

    def _context(self, db: Db, folder: Folder) -> dict[str, Any] | None:
        ways = self._ways(db, folder) or {}
        links = former.links(db, folder)
        report = reports.state(db, folder)
        return {**ways, "links": links, "report": report} if ways or links or report else None

    def _ways(self, db: Db, folder: Folder) -> dict[str, Any] | None:
        about = folder.fields.get("followup")
        if about and folder.family == replies.FAMILY:
            return {"url": f"/prefecture/{folder.number}", "kind": "letter"}
        if about:
            return {"url": f"/dossiers/{about['act_folder']}/prefecture", "kind": "cancelled-act"}
        position = cancelling.standing(db, folder)
        if position is not None:
            reader = reader_of(db)
            apart = reader is not None and looks_on(db, reader, folder)
            letters = [
                (f"/prefecture/{letter_id}", label, urgent)
                for letter_id, label, urgent in ([] if apart else views.open_letters(db, folder.id))
            ]
            return {"url": f"/dossiers/{folder.id}/prefecture", "kind": "act", "letters": letters}
        if folder.phase == "running" and _waits(db, folder):
            return {"url": f"/dossiers/{folder.id}/transmis-sur-papier", "kind": "paper"}
        return None


def _suspended(db: Db, folder: Folder) -> str:
    return "convention suspendue, quelqu’un doit transmettre l’acte sur papier" if _waits(db, folder) else ""


def _waits(db: Db, folder: Folder) -> bool:
    """Whether an act waits at its transmission while the convention is suspended."""
    if on_paper.suspension(db, folder.collectivity_id) is None:
        return False
    return on_paper.at_the_door(db, folder)
