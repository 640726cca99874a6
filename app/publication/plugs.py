"""What publication brings to a folder: the act goes online as it is published, and a band says where it stands."""

from jinja2 import Environment
from markupsafe import Markup

from app.core.db import Db
from app.core.questions import ask
from app.folders import sockets
from app.folders.models import Folder
from app.folders.publicity import choice_of
from app.folders.rows import RUNS
from app.people.actor import Actor
from app.people.models import Collectivity
from app.publication import record
from app.publication.waiting import any_questioned, questioned
from config import Settings
from workflows.circuit import StepKind


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    del settings  # nothing here is configured
    sockets.question(record.ACT, record.SITE)
    sockets.publishing(record.follow)
    sockets.band(_Band(templates), of=lambda family: family.publication != "none")
    sockets.tray(_Tray(templates), any_questioned)


class _Tray:
    """« 1 acte en ligne est à retirer ou à maintenir », above what awaits whoever publishes."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, actor: Actor) -> Markup | None:
        folder_ids = questioned(db, actor)
        if not folder_ids:
            return None
        page = self._templates.get_template("publication/_tray.html").render(folder_ids=folder_ids)
        return Markup(page)  # noqa: S704 - the template escapes what it prints


class _Band:
    """Under the header of a folder that is to be published, or was: what the public has, and the way to its page."""

    def __init__(self, templates: Environment) -> None:
        self._templates = templates

    def __call__(self, db: Db, folder: Folder) -> Markup | None:
        publishing = frozenset(
            run.desk_id
            for (run,) in ask(db, RUNS, folder.id)
            if run.kind == StepKind.PUBLISH and run.state in {"active", "done", "passed"}
        )
        if not publishing:
            return None
        act = record.act_of(db, folder.id)
        site = next((row for (row,) in ask(db, record.SITE, folder.id)), None) if act is not None else None
        published, otherwise = record.otherwise(db, folder)
        chosen = choice_of(db.get_one(Collectivity, folder.collectivity_id).settings)
        context = {
            "published": published,
            "otherwise": otherwise,
            "chosen": chosen,
            "act": act,
            "site": site,
            "folder": folder,
            "desks": publishing,
        }
        page = self._templates.get_template("publication/_band.html").render(
            masked=record.masked_of(db, folder) is not None, **context
        )
        return Markup(page)  # noqa: S704 - the template escapes what it prints
