"""What @CTES brings to a folder: the matters of the classification in force, and what a budgetary document says."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from app.channels.actes import budget_calendar, garbled
from app.channels.actes.budget import MAIN, Budget
from app.channels.actes.matters import in_force
from app.channels.actes.naming import nature_of
from app.circuits.library import family_of
from app.core import jobs
from app.core.clock import today
from app.core.db import Db
from app.core.refusals import Refusal
from app.folders import numbering, sockets
from app.folders.models import DocumentVersion, Folder
from app.folders.publicity import choice_of
from app.folders.sockets import Caution, FileTypes, ReadFacts
from app.people.models import Collectivity
from app.transmission.rehearsal import rehearse, to_leave
from config import Settings
from workflows.circuit import Phase
from workflows.family import Problem


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    sockets.options("matter", _matters)
    sockets.picker("matter", "actes.matters", "Chercher dans la classification, mes favoris…")
    sockets.reader("budget", _read_budget, binding=True)
    sockets.taker("budget", _taken)
    sockets.caution(_chair, of=sockets.named("budget"))
    sockets.caution(_year, of=sockets.named("budget"))
    sockets.tray(budget_calendar.Tray(templates), budget_calendar.in_season)
    sockets.table(_table)
    sockets.band(_Preflight(settings, templates))
    sockets.types(_types)
    sockets.caution(garbled.cautions, on_draft=True)
    sockets.derived(_classified, of=lambda family: family.field("matter") is not None)
    jobs.nightly("classification", _renew)


def _renew() -> None:
    from app.channels.actes.renewal import nightly

    nightly()


class _Preflight:
    """What the Préfecture would refuse of a folder, from the draft to the signature: each rule with its fix."""

    def __init__(self, settings: Settings, templates: Environment) -> None:
        self._settings = settings
        self._templates = templates

    def __call__(self, db: Db, folder: Folder) -> Markup | None:
        from app.channels.actes.preflight import lines, subject_sent

        step = to_leave(db, folder) if folder.phase != Phase.DONE else None
        if step is None or step.channel != "actes" or folder.place == step.key:
            return None
        about = folder.fields.get("followup")
        subject = "" if about else str(folder.fields.get("subject") or "")
        page = self._templates.get_template("actes/preflight.html").render(
            lines=lines(
                [*rehearse(db, folder, step, self._settings), *_number(db, folder)],
                about=about["code"] if about else "",
                budget=folder.family == "budget",
            ),
            subject=subject_sent(subject),
            typed=subject,
            spoilt=garbled.warning(subject),
            dated=f"{in_force(db, folder.collectivity_id).dated:%d/%m/%Y}",
            folder=folder if folder.phase != Phase.RUNNING else None,
            open=folder.phase != Phase.RUNNING,
        )
        return Markup(page)  # noqa: S704 - the template escapes what it prints


def _number(db: Db, folder: Folder) -> list[Problem]:
    """The rule A02, as our own register knows it."""
    taken = numbering.problem(db, folder)
    return [Problem("A02", taken.field, taken.sentence)] if taken else []


def _types(db: Db, folder: Folder) -> FileTypes | None:
    """The attachment types of the nature of the act, or of the act that a reply is about; None while it is not known.

    None too for a folder that is neither, and for a cancellation, which carries no document.
    """
    about = folder.fields.get("followup")
    if about and about["code"] != "6-1":
        named = nature_of(about["identifier"])
    elif family_of(folder.in_force).field("nature") is not None:
        named = folder.fields.get("nature")
    else:
        return None
    nature = in_force(db, folder.collectivity_id).nature_named(named)
    if nature is None or nature.default_type is None:
        return None
    return FileTypes(
        [(kind.code, f"{kind.label} ({kind.code})") for kind in nature.types], nature.default_type
    )


def _classified(db: Db, folder: Folder) -> Mapping[str, Any]:
    """The classification that a matter was chosen in: as long as the matter is in the one in force, that one."""
    written = str(folder.fields.get("matter") or "")
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)+", written):
        return {}
    classification = in_force(db, folder.collectivity_id)
    known = classification.matter(tuple(map(int, written.split("."))))
    return {"classification_date": classification.dated.isoformat()} if known else {}


def _matters(db: Db, collectivity_id: int) -> list[tuple[str, str]]:
    classification = in_force(db, collectivity_id)
    return [
        (matter.code, f"{matter.code} {matter.full_label}") for matter in classification.sendable_matters()
    ]


def _read_budget(path: Path, media_type: str) -> ReadFacts | None:
    """The facts of a budgetary document, for its form; a seal that does not hold is explained at once."""
    from app.channels.actes.budget import Seal, explain, read_budget

    del media_type  # the family takes XML only
    budget = read_budget(path.read_bytes())
    if budget is None:
        return None
    fields = {key: read for key, _, read in budget.facts()}
    fields["subject"] = " ".join(part for part in (budget.kind, budget.fiscal_year, budget.label) if part)
    broken = (
        ()
        if budget.seal is Seal.GENUINE
        else (Caution("budget-seal", "Scellement du budget", explain(budget)),)
    )
    facts = {key: value for key, value in fields.items() if value}
    return ReadFacts(facts, "lu dans le fichier budgétaire", doubts=broken, content=budget)


def _taken(db: Db, folder: Folder, version: DocumentVersion, budget: Budget) -> None:
    """Keep whether it is the main budget's; refuses `budget-other-body`, as the Préfecture would (BUD-03)."""
    del version
    siren = db.get_one(Collectivity, folder.collectivity_id).siren
    if budget.siret and budget.siret[:9] != siren:
        raise Refusal("budget-other-body", siret=budget.siret, siren=siren)
    folder.sources = {**folder.sources, MAIN: budget.main}


def _table(data: bytes) -> tuple[tuple[str, str], ...] | None:
    from app.channels.actes.budget import read_budget, rows_of
    from app.channels.actes.budget_schema import remark
    from app.channels.actes.xmltree import Malformed

    try:
        budget = read_budget(data)
    except Malformed:
        return None
    return None if budget is None else rows_of(budget, remark(data))


def _year(db: Db, folder: Folder) -> Sequence[Caution]:
    """BUD-01, BUD-02, BUD-04: the days of the debate, of the vote and of the transmission."""
    from app.channels.actes.budget_year import cautions

    chosen = choice_of(db.get_one(Collectivity, folder.collectivity_id).settings)
    by = frozenset(folder.sources.get("depositors", ()))
    return tuple(replace(caution, by=by) for caution in cautions(folder.facts, chosen.population, today()))


def _chair(db: Db, folder: Folder) -> Sequence[Caution]:
    """BUD-04: the mayor leaves the room for the vote of his accounts, and another presides and signs (CGCT L2121-14)."""
    from app.channels.actes.chair import cautions

    return cautions(db, folder)
