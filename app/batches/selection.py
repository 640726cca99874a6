"""What a selection holds: the folders that may be acted on together, and why the others are left out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from app.batches import handing
from app.batches.reasons import AWAITS_NO_MORE, gone
from app.circuits.library import circuit_of
from app.core.db import Db
from app.core.grammar import to_desk
from app.core.questions import gathering
from app.display.ticking import all_of
from app.display.trays import Asked
from app.folders import seen
from app.folders.access import STEP, asking, may_read, read_by
from app.folders.models import ASKED, AskedOpinion, Folder, Reading
from app.folders.required import reminder
from app.folders.sockets import Visa, gated, read_for_gates_of
from app.people.actor import Actor
from workflows.circuit import Step, StepKind
from workflows.handing import HANDED

STEPS = {
    "approve": frozenset({StepKind.VISA}),
    "sign": frozenset({StepKind.SIGN}),
    "reject": frozenset({StepKind.VISA, StepKind.SIGN}),
    "hand": HANDED,
}
GATED = frozenset({"approve", "sign"})
"""The kinds that what is to be settled in a folder first, or read there, keeps it from."""
GONE = "Ce dossier n’attend plus votre décision."
CHANGED = "Ce dossier a changé depuis que la liste l’a montré : relisez-le avant de décider."
OTHER_ACT = {
    StepKind.VISA: "Ce dossier demande un visa, il n’est pas concerné.",
    StepKind.SIGN: "Ce dossier demande une signature, il n’est pas concerné.",
    StepKind.OPINION: "Ce dossier demande un avis, il n’est pas concerné : donnez-le depuis sa page.",
}
ALONE = "Ce dossier se traite seul, depuis sa page."
ASKED_BESIDE = "Un avis vous est demandé à côté de son étape : donnez-le depuis sa page."
SIGNED_HERE = "Ce dossier demande une signature : elle ne se confie pas."
OPINION_AWAITED = "Ce dossier attend l’avis demandé"
_OTHER_GESTURE = {
    "approve": OTHER_ACT[StepKind.SIGN],
    "sign": OTHER_ACT[StepKind.VISA],
}
"""Of each kind, what is said of the folders that the other button of the same bar decides."""
_SETTLED_NOWHERE = frozenset({GONE, CHANGED, ALONE, ASKED_BESIDE, SIGNED_HERE, *OTHER_ACT.values()})


def to_settle(why: str) -> bool:
    """Whether what keeps a folder out of a batch is something that its reader may settle in its page."""
    return not (why in _SETTLED_NOWHERE or why.startswith(OPINION_AWAITED) or why.endswith(AWAITS_NO_MORE))


@dataclass(frozen=True)
class Choice:
    """One folder of a selection as the list showed it; `why` says why it is left out, empty when it is not.

    `opened`: whether the person has ever opened it.
    """

    folder_id: int
    version: int
    family: str
    title: str
    number: str
    amount_cents: int | None
    opened: bool
    why: str
    currency: str = ""


def choose(db: Db, actor: Actor, kind: str, wanted: Mapping[int, int], desk: str = "") -> list[Choice]:
    """Judge a selection: versions by folder, in the order of the list. What the actor may not read is not even named.

    Nor is what the other button of the bar decides, where some go: a visa is not left out of signatures, nor they of visas.

    Five statements, however many folders, as many more for all the orders that invoices name, one for each version of a
    circuit that the process has not read yet, and a few for each folder that awaits the actor no more; whether each may truly
    be acted on is asked again at the moment of the act.
    `desk`: the one to which they would be handed, by its key, which is asked folder by folder; empty where none is chosen.
    """
    folders = {folder.id: folder for folder in db.scalars(sa.select(Folder).where(Folder.id.in_(wanted)))}
    awaited, beside = _awaited(db, actor, list(folders))
    read = set(
        db.scalars(
            sa.select(Reading.folder_id).where(
                Reading.folder_id.in_(folders), Reading.user_id == actor.user_id
            )
        )
    )
    opinions = _opinions_awaited(db, awaited)
    whys: dict[int, str] = {}
    for folder_id, version in wanted.items():
        folder = folders.get(folder_id)
        if folder is None or (folder_id not in awaited and not may_read(db, actor, folder)):
            continue
        why = _why(kind, awaited.get(folder_id), changed=folder.version != version)
        if why == GONE:
            why = ASKED_BESIDE if folder_id in beside else gone(db, folder, actor)
        if not why and kind in GATED:
            why = opinions.get(folder_id, "") or _unfilled(db, folder, actor)
        whys[folder_id] = why
    free = [folders[number] for number, why in whys.items() if not why]
    if kind in GATED:
        whys |= _held(db, actor, kind, free)
    elif kind == "hand":
        whys |= handing.reasons(db, actor, free, desk)
    choices = []
    goes = "" in whys.values()
    for folder_id, why in whys.items():
        if goes and why == _OTHER_GESTURE.get(kind):
            continue
        folder = folders[folder_id]
        choices.append(
            Choice(
                folder_id,
                wanted[folder_id],
                folder.family,
                folder.title or "Sans titre",
                folder.number,
                folder.amount_cents,
                folder_id in read,
                why,
                folder.currency,
            )
        )
    return choices


def _opinions_awaited(db: Db, folders: Collection[int]) -> dict[int, str]:
    """Of these folders, those whose step waits for an opinion that was asked, each with why it is left out, in a sentence."""
    query = (
        sa.select(AskedOpinion.folder_id, AskedOpinion.desk)
        .join(STEP, STEP.c.id == AskedOpinion.run_id)
        .where(AskedOpinion.folder_id.in_(folders), AskedOpinion.waits, STEP.c.state == "active")
        .order_by(AskedOpinion.run_id)
    )
    desks: dict[int, list[str]] = {}
    for folder_id, desk in db.execute(query):
        desks.setdefault(folder_id, []).append(to_desk(desk))
    return {number: f"{OPINION_AWAITED} {', '.join(names)}." for number, names in desks.items()}


def _unfilled(db: Db, folder: Folder, actor: Actor) -> str:
    """What is to be filled in, or read, before one acts on a folder, in a sentence; empty when nothing is."""
    step = _step_of(db, folder)
    lack = reminder(folder, step) or seen.reminder(db, folder, step, actor)
    return f"{lack}, depuis la page du dossier." if lack else ""


def _held(db: Db, actor: Actor, kind: str, folders: Sequence[Folder]) -> dict[int, str]:
    """Those of these folders in which something is to be settled before this visa, or this signature, each with what to do."""
    reasons: dict[int, str] = {}
    read_by(db, actor)
    with gathering(db):  # nothing is written before the selection is judged
        read_for_gates_of(db, folders)
        for folder in folders:
            visa = Visa(_step_of(db, folder), actor) if kind == "approve" else None
            if why := gated(db, folder, visa):
                reasons[folder.id] = f"{why[:1].upper()}{why[1:]}"
    return reasons


def _step_of(db: Db, folder: Folder) -> Step:
    assert folder.circuit_version_id is not None  # noqa: S101 - somebody is awaited at a step of it
    return circuit_of(db, folder.circuit_version_id).step(folder.place)


def everything(db: Db, actor: Actor, part: Asked, kind: str = "") -> dict[int, int]:
    """The folders that a filter of the tray finds, due first, as many as a batch may hold; those alone that await this act."""
    return {line.id: line.version for line in all_of(db, actor, part) if not kind or line.kind in STEPS[kind]}


def _awaited(db: Db, actor: Actor, folders: Sequence[int]) -> tuple[dict[int, StepKind], frozenset[int]]:
    """The step of each folder that the actor is asked to act at, by his seats and his mandates; who is asked beside his."""
    query = sa.select(STEP.c.folder_id, STEP.c.kind, STEP.c.slot).where(
        STEP.c.folder_id.in_(folders), STEP.c.state == "active", asking(actor)
    )
    rows = db.execute(query).all()
    kinds = {row.folder_id: StepKind(row.kind) for row in rows if not row.slot.startswith(ASKED)}
    beside = frozenset(row.folder_id for row in rows if row.slot.startswith(ASKED))
    return {folder_id: kind for folder_id, kind in kinds.items() if not kind.automatic}, beside


def _why(kind: str, step: StepKind | None, *, changed: bool) -> str:
    if step is None:
        return GONE
    if step not in STEPS[kind]:
        if kind == "hand":
            return SIGNED_HERE if step is StepKind.SIGN else ALONE
        return OTHER_ACT.get(step, ALONE)
    return CHANGED if changed else ""
