"""Before a flow is sent on its way: its form says what the flow says, and its bordereaux, if it has any, will be signed."""

from decimal import Decimal
from typing import Any

from app.circuits.library import family_of
from app.core.db import Db
from app.core.french import euros, jour
from app.display.timeline import planned_circuit
from app.folders.models import Folder
from app.pes.models import FlowIndex
from workflows.circuit import StepKind
from workflows.family import Problem, normalised

SHOWN = {"amount": euros, "date": jour}


def check(db: Db, folder: Folder) -> list[Problem]:
    """What the reading of a flow says against its way, or against its form."""
    index = db.get(FlowIndex, folder.id)
    problems = _signed_when_due(db, folder, index)
    fields = {problem.field for problem in problems}
    if index is not None and not sum(index.summary["slips"].values()) and folder.amount_cents:
        sentence = "Ce flux n’a pas de bordereau, donc pas de total. Videz ce champ, ou remplacez le flux."
        problems.append(Problem("flow-says-otherwise", "total", sentence))
    return problems + [problem for problem in _typed_over(folder, index) if problem.field not in fields]


def _typed_over(folder: Folder, index: FlowIndex | None) -> list[Problem]:
    """The facts that somebody changed after they were read: mandates have ceilings on the total, the Treasury reads the flow."""
    family = family_of(folder.in_force)
    values = normalised(family, _facts_of(index.summary)) if index else {}
    return [
        Problem(
            "flow-says-otherwise",
            key,
            f"« {field.label} » est lu dans le flux, qui dit « {SHOWN.get(field.type, str)(values[key])} ». Remettez cette "
            "valeur, ou remplacez le flux.",
        )
        for key in values
        if (field := family.field(key)) and folder.fields.get(key) != values[key]
    ]


def _facts_of(summary: dict[str, Any]) -> dict[str, str]:
    counts = {"slips": str(to_sign(summary)), "pieces": str(sum(summary["pieces"].values()))}
    # a flow read before this was kept does not tell its domain and SIRET
    texts = {key: summary.get(key) for key in ("file_name", "domain", "siret", "budget", "written_on")}
    sums = {"total": f"{Decimal(summary['total']):.2f}"} if sum(summary["slips"].values()) else {}
    return {**{key: text for key, text in texts.items() if text}, **counts, **sums}


def to_sign(summary: dict[str, Any]) -> int:
    """How many bordereaux are signed here; of a flow read before paper was told, all of them."""
    return int(summary.get("to_sign", sum(summary["slips"].values())))


def _signed_when_due(db: Db, folder: Folder, index: FlowIndex | None) -> list[Problem]:
    """What a flow's own bordereaux say against its way: they are signed, and attachments alone are not.

    The reading decides, and not the form, where somebody may have typed another number of bordereaux.
    """
    slips = to_sign(index.summary) if index else None
    steps = planned_circuit(db, folder).applicable(folder.facts)
    signed = any(step.kind in {StepKind.SIGN, StepKind.SEAL} for step in steps)
    if signed and slips == 0:
        sentence = (
            "Ce flux n’a pas de bordereau à signer : il ne se signe pas, et son circuit demande une signature. Demandez à "
            "l’administrateur de ne la demander qu’à partir d’un bordereau (slips >= 1)."
        )
        return [Problem("flow-not-to-sign", "", sentence)]
    if not signed and slips != 0:
        sentence = (
            "Les bordereaux d’un flux se signent, et celui-ci partirait sans signature. Indiquez le nombre de bordereaux "
            "qu’il contient."
        )
        return [Problem("flow-to-sign", "slips", sentence)]
    if (
        index is not None
        and index.summary.get("paper")
        and all(step.kind is not StepKind.VISA for step in steps)
    ):
        sentence = (
            "Les bordereaux de ce flux sont signés sur papier (InfoDematerialisee = 0), et personne ne le verrait avant son "
            "départ. Demandez à l’administrateur un circuit avec un visa."
        )
        return [Problem("flow-unseen", "", sentence)]
    return []
