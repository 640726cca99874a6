"""What a payment flow brings to its folder: the facts of its form, what it must satisfy, and the sheet of its signatory."""

from pathlib import Path
from typing import Any

from jinja2 import Environment

from app.core.refusals import Refusal
from app.folders import sockets
from app.folders.sockets import ReadFacts
from app.pes.flow import Finding, Flow
from app.pes.index import take
from app.pes.sheet import Sheet

FAMILY = "pes"
NAMED = {"NomFic": "NomFic (Enveloppe/Parametres)", "CodCol": "CodCol (EnTetePES)"}
TOLD = 5
"""How many faults of the schema a refusal tells."""


def plug(settings: Any, templates: Environment) -> None:
    """Register, once for the process."""
    reader = _Reader(strict=settings.pes_schema == "refuse")
    sheet = Sheet(templates)
    sockets.reader(FAMILY, reader)
    sockets.taker(FAMILY, take)
    sockets.sheet(sheet)
    sockets.band(sheet.band)


class _Reader:
    """Reads a flow at deposit, for its form; nothing is typed that the flow says."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict

    def __call__(self, path: Path, media_type: str) -> ReadFacts:
        """The facts of a flow; refuses `flow-unreadable`, `flow-empty`, `flow-name-missing`, `flow-schema`."""
        del media_type  # the family takes XML only
        from app.pes.coherence import read

        flow = read(path)
        for key, words in NAMED.items():
            if not flow.header.get(key):
                raise Refusal("flow-name-missing", what=words)
        if not flow.pieces:
            raise Refusal("flow-empty")
        self._judge_schema(flow, path)
        fields = {
            "file_name": flow.file_name,
            "domain": flow.domain,
            "written_on": flow.header.get("DteStr", ""),
            "siret": flow.header.get("IdColl", ""),
            "budget": flow.budget,
            "slips": str(len(flow.slips)),
            "pieces": str(flow.pieces),
            "total": f"{flow.total:.2f}",
        }
        return ReadFacts(
            {key: value for key, value in fields.items() if value}, "lu dans le flux PES", content=flow
        )

    def _judge_schema(self, flow: Flow, path: Path) -> None:
        from app.pes.schema import VERSION, faults

        found = faults(path)
        if found and self._strict:
            told = " ".join(f"Ligne {one.line} : {one.words}." for one in found[:TOLD])
            raise Refusal("flow-schema", version=VERSION, faults=told)
        flow.findings += [
            Finding(
                "schema", f"Hors du schéma PES {VERSION}, ligne {one.line}", f"À cette ligne, {one.words}."
            )
            for one in found
        ]
