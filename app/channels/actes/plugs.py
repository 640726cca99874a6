"""What @CTES brings to a folder: the matters of the classification in force, and what a budgetary document says."""

from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from app.circuits.library import family_of
from app.core.db import Db
from app.core.french import jour
from app.folders import sockets
from app.folders.models import Folder
from app.folders.sockets import FileTypes, ReadFacts
from app.transmission.channels import open_channel
from app.transmission.rehearsal import rehearse, to_leave
from workflows.circuit import Phase


def plug(settings: Any, templates: Environment) -> None:
    """Register, once for the process."""
    sockets.options("matter", _matters)
    sockets.reader("budget", _read_budget)
    sockets.table(_table)
    sockets.band(_Preflight(settings, templates))
    sockets.types(_types)


class _Preflight:
    """What the Préfecture would refuse of a folder, from the draft to the signature: each rule with its fix."""

    def __init__(self, settings: Any, templates: Environment) -> None:
        self._settings = settings
        self._templates = templates

    def __call__(self, db: Db, folder: Folder) -> Markup | None:
        from app.channels.actes.preflight import lines, subject_sent

        step = to_leave(db, folder) if folder.phase != Phase.DONE else None
        if step is None or step.channel != "actes" or folder.place == step.key:
            return None
        subject = str(folder.fields.get("subject") or "")
        page = self._templates.get_template("actes/preflight.html").render(
            lines=lines(rehearse(db, folder, step, self._settings), budget=folder.family == "budget"),
            subject=subject_sent(subject),
            typed=subject,
            dated=jour(_channel().classification.dated),
            open=folder.phase != Phase.RUNNING,
        )
        return Markup(page)  # noqa: S704 - the template escapes what it prints


def _types(folder: Folder) -> FileTypes | None:
    """The attachment types of the act's nature; None for a folder that is no act, or whose nature is not known yet."""
    if family_of(folder.family).field("nature") is None:
        return None
    nature = _channel().classification.nature_named(folder.fields.get("nature"))
    if nature is None or nature.default_type is None:
        return None
    return FileTypes(
        [(kind.code, f"{kind.label} ({kind.code})") for kind in nature.types], nature.default_type
    )


def _channel() -> Any:
    return open_channel("actes")


def _matters() -> list[tuple[str, str]]:
    classification = _channel().classification
    return [
        (matter.code, f"{matter.code} {matter.full_label}") for matter in classification.sendable_matters()
    ]


def _read_budget(path: Path, media_type: str) -> ReadFacts | None:
    """The facts of a budgetary document, for its form; a seal that does not hold is explained at once."""
    from app.channels.actes.budget import Seal, explain, read_budget

    del media_type  # the family takes XML only
    found = read_budget(path.read_bytes())
    if found is None:
        return None
    fields = {
        "budget_kind": found.kind,
        "fiscal_year": found.fiscal_year,
        "decision_date": found.decided_on,
        "siret": found.siret,
        "subject": " ".join(part for part in (found.kind, found.fiscal_year, found.label) if part),
    }
    broken = () if found.seal is Seal.GENUINE else (explain(found),)
    kept = {key: value for key, value in fields.items() if value}
    return ReadFacts(kept, "lu dans le fichier budgétaire", problems=broken)


def _table(data: bytes) -> tuple[tuple[str, str], ...] | None:
    from app.channels.actes.budget import read_budget, rows_of
    from app.channels.actes.xmltree import Malformed

    try:
        found = read_budget(data)
    except Malformed:
        return None
    return None if found is None else rows_of(found)
