"""What @CTES brings to a folder: the matters of the classification in force, and what a budgetary document says."""

from pathlib import Path
from typing import Any

from jinja2 import Environment

from app.folders import sockets
from app.folders.sockets import ReadFacts
from app.transmission.channels import open_channel


def plug(settings: Any, templates: Environment) -> None:
    """Register, once for the process."""
    del settings, templates  # the channel has its own
    sockets.options("matter", _matters)
    sockets.reader("budget", _read_budget)
    sockets.table(_table)


def _matters() -> list[tuple[str, str]]:
    classification = open_channel("actes").classification  # type: ignore[attr-defined]
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
