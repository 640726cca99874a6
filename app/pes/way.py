"""Before a flow is sent on its way: its bordereaux will be signed, and attachments that follow alone will not."""

from app.core.db import Db
from app.folders.models import Folder
from app.folders.timeline import planned_circuit
from app.pes.index import is_flow
from app.pes.models import FlowIndex
from workflows.circuit import StepKind
from workflows.family import Problem


def signed_when_due(db: Db, folder: Folder) -> list[Problem]:
    """What a flow's own bordereaux say against its way: they are signed, and attachments alone are not.

    The reading decides, and not the form, where somebody may have typed another number of bordereaux.
    """
    if not is_flow(folder):
        return []
    index = db.get(FlowIndex, folder.id)
    slips = sum(index.summary["slips"].values()) if index else None
    steps = planned_circuit(db, folder).applicable(folder.fields)
    signed = any(step.kind in {StepKind.SIGN, StepKind.SEAL} for step in steps)
    if signed and slips == 0:
        words = (
            "Ce flux de pièces jointes seules ne se signe pas, et son circuit demande une signature. Demandez à "
            "l’administrateur de ne la demander qu’à partir d’un bordereau (slips >= 1)."
        )
        return [Problem("flow-not-to-sign", "", words)]
    if not signed and slips != 0:
        words = (
            "Les bordereaux d’un flux se signent, et celui-ci partirait sans signature. Indiquez le nombre de bordereaux "
            "qu’il contient."
        )
        return [Problem("flow-to-sign", "slips", words)]
    return []
