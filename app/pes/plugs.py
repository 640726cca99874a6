"""What a payment flow brings to its folder: the facts of its form, what it must satisfy, and the sheet of its signatory."""

from pathlib import Path

from jinja2 import Environment

from app.circuits.library import catalogue
from app.core.outbox import Row, each_round, handles
from app.core.refusals import Refusal
from app.folders import sockets
from app.folders.sockets import ReadFacts
from app.pes import accredited, intake, payments, way
from app.pes.answered import CHANNEL, keep
from app.pes.flow import Finding, Flow, is_flow
from app.pes.index import FLOW, take
from app.pes.meaning import meaning
from app.pes.sheet import Sheet, cautions, repeated, to_rule
from app.transmission import answered
from config import Settings
from workflows.family import Family

NAMED = {"NomFic": "NomFic (Enveloppe/Parametres)", "CodCol": "CodCol (EnTetePES)"}
PAYSLIPS = "004"
"""The TypePJ of a payslip file (Class_PJ.xsd 5.17)."""
PAYSLIPS_SEEN = (
    "Ce flux porte des bulletins de paye, que chaque bureau de son circuit lira. Abandonnez-le, puis faites-le déposer par "
    "le service de la paye comme « Flux de paye », à accès restreint."
)
TOLD = 5
"""How many faults of the schema a refusal tells."""


def plug(settings: Settings, templates: Environment) -> None:
    """Register, once for the process."""
    sheet = Sheet(templates)
    for family in catalogue().values():
        if is_flow(family):
            sockets.reader(family.name, _Reader(family, strict=settings.pes_schema == "refuse"), binding=True)
            sockets.taker(family.name, take)
    sockets.question(FLOW)
    sockets.sheet(sheet)
    sockets.band(sheet.band, of=is_flow)
    sockets.caution(cautions, of=is_flow, on_page=True, on_draft=True)
    sockets.obstacle(to_rule, of=is_flow)
    sockets.caution(repeated, of=is_flow)  # ruled on in the decision, beside the sheet that shows it
    sockets.meaning(meaning, of=is_flow)
    sockets.check(way.check, of=is_flow)
    answered.listen(CHANNEL, keep)
    sockets.tray(accredited.Tray(templates), accredited.any_unknown)
    sockets.share("payments", payments.shared)
    handles(intake.FETCH, passing=True)(_Fetch(settings))
    each_round("pes.returns", lambda: intake.look(settings))


class _Fetch:
    """The handler that fetches what the Treasury sends of itself, given the settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(self, row: Row) -> None:
        intake.fetch(row, self._settings)


class _Reader:
    """Reads a flow at deposit, for its form; nothing is typed that the flow says."""

    def __init__(self, family: Family, *, strict: bool) -> None:
        self._family, self._strict = family, strict

    def __call__(self, path: Path, media_type: str) -> ReadFacts:
        """The facts of a flow; refuses `flow-unreadable`, `flow-empty`, `flow-name-missing`, `flow-schema`.

        And `flow-schema-unfinished`, where what leaves the schema is refused: what was not compared may leave it.
        """
        del media_type  # the family takes XML only
        from app.pes.coherence import read

        flow = read(path)
        for key, name in NAMED.items():
            if not flow.header.get(key):
                raise Refusal("flow-name-missing", what=name)
        if not flow.pieces and (flow.slips or not (flow.attachments or flow.contracts)):
            raise Refusal("flow-empty")
        self._judge_schema(flow, path)
        if not self._family.restricted and any(
            attachment.kind == PAYSLIPS for attachment in flow.attachments
        ):
            flow.findings.insert(0, Finding("payslips", "Bulletins de paye", PAYSLIPS_SEEN))
        fields = {
            "file_name": flow.file_name,
            "domain": flow.domain,
            "written_on": flow.header.get("DteStr", ""),
            "siret": flow.header.get("IdColl", ""),
            "budget": flow.budget,
            "slips": str(flow.to_sign),
            "pieces": str(flow.pieces),
            "total": f"{flow.total:.2f}" if flow.slips else "",
        }
        return ReadFacts(
            {key: value for key, value in fields.items() if value}, "lu dans le flux comptable", content=flow
        )

    def _judge_schema(self, flow: Flow, path: Path) -> None:
        from app.pes.schema import VERSIONS, compare

        compared = compare(path)
        if compared.faults and self._strict:
            faults = " ".join(f"Ligne {fault.line} : {fault.text}." for fault in compared.faults[:TOLD])
            raise Refusal("flow-schema", version=" ni ".join(VERSIONS), faults=faults)
        if compared.unfinished and self._strict:
            raise Refusal("flow-schema-unfinished")
        flow.schema, flow.newer = compared.version, compared.newer
        if compared.unfinished:
            flow.findings.append(
                Finding(
                    "schema",
                    "Comparaison au schéma PES arrêtée",
                    "Trop d’écarts : la fin du flux n’a pas été comparée. Demandez à l’éditeur du logiciel de finances.",
                )
            )
        flow.findings += [
            Finding(
                "schema", f"Hors des schémas PES connus, ligne {fault.line}", f"À cette ligne, {fault.text}."
            )
            for fault in compared.faults
        ]
