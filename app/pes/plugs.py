"""What a payment flow brings to its folder: the facts of its form, and the lines that its signatory reads."""

import io
from pathlib import Path
from typing import Any

from jinja2 import Environment

from app.folders import sockets
from app.folders.sockets import ReadFacts


def plug(settings: Any, templates: Environment) -> None:
    """Register, once for the process."""
    del settings, templates  # nothing here is configured, and it prints nothing
    sockets.reader("pes", _read)
    sockets.table(_table)


def _read(path: Path, media_type: str) -> ReadFacts | None:
    """The facts of a flow, for its form; nothing is typed that the flow says."""
    from app.pes.reading import read_flow

    del media_type  # the family takes XML only
    with path.open("rb") as stream:
        flow = read_flow(stream)
    if flow is None:
        return None
    fields = {
        "file_name": flow.file_name,
        "domain": flow.domain,
        "written_on": flow.written_on,
        "siret": flow.siret,
        "budget": flow.budget,
        "slips": str(len(flow.slips)),
        "pieces": str(flow.pieces),
        "total": f"{flow.total:.2f}",
    }
    return ReadFacts({key: value for key, value in fields.items() if value}, "lu dans le flux PES")


def _table(data: bytes) -> tuple[tuple[str, str], ...] | None:
    from app.pes.reading import read_flow, rows_of

    flow = read_flow(io.BytesIO(data))
    return tuple(rows_of(flow)) if flow is not None else None
