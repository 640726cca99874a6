"""The slip of a folder: what it is, says and went through, for a meeting, a paper file, or whoever asks years later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.core.french import instant_preuve, spaces
from app.display import page, timeline
from app.display.listed import Table
from app.display.noting.views import NoteView, threads
from app.display.portrait import Portrait, portrait
from app.display.views import DocView, FolderView, StepView
from app.folders import notes
from app.folders.corrections import ruled_in_words, told
from app.folders.models import STEPS_PER_ROUND, Folder, StepRun
from app.folders.move import decided
from app.folders.opinions import words_of
from app.folders.rows import earlier_runs, every_run_of_round
from app.folders.seats import DeskName, desk_names
from app.folders.sockets import plugged, told_by_page, untold
from app.journal.models import JournalEntry
from app.people.models import Collectivity
from workflows.circuit import Circuit, StepKind

SUMS_UP = (
    "Ce bordereau résume le dossier au moment où il est édité ; le fichier signé et le journal font foi."
)


@dataclass(frozen=True)
class Decision:
    """What was done at a step: by whom and in what capacity, when (to the second, with its offset), in which round."""

    step: str
    who: str
    at: str
    what: str
    quote: str
    round: int


@dataclass(frozen=True)
class Slip:
    """All that the slip says, as of `now`: each value with the one that the file says otherwise.

    `decisions` are those of every round, the first to the last. `steps` is the circuit of the round in hand, `to_come` what
    of it is still to be done. `last_line`: the number and the digest of the last line of the journal about the folder.
    """

    collectivity: str
    siren: str
    folder: FolderView
    state: str
    details: Sequence[tuple[str, str | Table]]
    corrections: Sequence[Mapping[str, Any]]
    points: Sequence[Any]
    ruled: Sequence[tuple[str, str]]
    decisions: Sequence[Decision]
    steps: Sequence[StepView]
    to_come: Sequence[StepView]
    circuit_line: str
    rerouted: Sequence[timeline.Rerouted]
    documents: Sequence[DocView]
    notes: Sequence[NoteView]
    last_line: tuple[int, str] | None
    now: datetime


def slip(db: Db, folder: Folder) -> Slip:
    """Read what the slip says. It sums up: the signed file and the journal are the evidence, and it says so."""
    seen = portrait(db, folder)
    every = [*untold(db, folder), *told_by_page(db, folder)]
    steps = timeline.steps(db, folder, seen.route, seen.runs, seen.desks, seen.told)
    head = page.head(db, folder, seen.here)
    town = db.get_one(Collectivity, folder.collectivity_id)
    return Slip(
        collectivity=town.name,
        siren=town.siren,
        folder=head,
        state=_state(folder, head),
        details=timeline.details(db, folder),
        corrections=told(folder, ruled=False),
        points=[one for one in every if one.key != "corrected"],
        ruled=ruled_in_words(folder),
        decisions=_decisions(db, folder, seen),
        steps=steps,
        to_come=[one for one in steps if one.state in {"now", "todo"} and one.n > 1],
        circuit_line=timeline.circuit_line(db, folder),
        rerouted=timeline.rerouted(db, folder),
        documents=page.documents(db, folder, None),
        notes=threads(db, folder, notes.for_all(db, folder), None),
        last_line=_last_line(db, folder),
        now=now(),
    )


def _state(folder: Folder, head: FolderView) -> str:
    """« Terminé le 02/12/2026 09:14:33 +01:00 », else the state in a few words where no tag says it."""
    return f"Terminé le {instant_preuve(folder.done_at)}" if folder.done_at else head.state_label


def _decisions(db: Db, folder: Folder, seen: Portrait) -> list[Decision]:
    """What was done, the deposit first, then each part that somebody ended and each opinion given, round after round."""
    every = [*earlier_runs(db, folder), *every_run_of_round(db, folder)]
    ended = sorted((one for one in every if one.ended_at and one.state in {"done", "rejected"}), key=_order)
    numbers = {one.desk_id for one in ended if one.desk_id is not None}
    desks = desk_names(db, folder.collectivity_id, {*numbers, folder.emitter_desk_id})
    emitter = desks.get(folder.emitter_desk_id)
    deposit = Decision(
        "Dépôt",
        ", ".join(filter(None, (folder.depositor_name, emitter.name if emitter else ""))),
        instant_preuve(folder.created_at),
        "Déposé",
        "",
        min(folder.round, 1),
    )
    circuit = seen.here.circuit if seen.here is not None else None
    acts = {run: words for find in plugged.acts for run, words in find(db, folder.id).items()}
    return [deposit, *(_decision(folder, one, desks, circuit, acts.get(one.id, "")) for one in ended)]


def _order(run: StepRun) -> tuple[datetime, int]:
    return run.ended_at or run.entered_at, run.id


def _decision(
    folder: Folder, run: StepRun, desks: Mapping[int, DeskName], circuit: Circuit | None, act: str
) -> Decision:
    """A part that ended; the name of its step is that of the circuit in hand, where it still has such a step.

    `act`: what a slice says of it where « signé » would not be true enough, as of a signature on paper.
    """
    kind = StepKind(run.kind)
    labels = {step.key: step.label for step in circuit.steps} if circuit is not None else {}
    desk = desks.get(run.desk_id or 0)
    place = run.capacity or (desk.name if desk else "")
    what = act or decided(folder, run)
    if run.state == "done" and run.opinion:
        what = words_of(run)
    label = labels.get(run.step, kind.label)
    return Decision(
        f"{label}, avis demandé" if run.asked else label,
        ", ".join(filter(None, (run.by or "Paraphe", place))),
        instant_preuve(run.ended_at),
        spaces(f"{what[:1].upper()}{what[1:]}"),
        run.comment or "",
        run.pass_number // STEPS_PER_ROUND,
    )


def _last_line(db: Db, folder: Folder) -> tuple[int, str] | None:
    query = (
        sa.select(JournalEntry.seq, JournalEntry.hash)
        .where(JournalEntry.folder_id == folder.id)
        .order_by(JournalEntry.id.desc())
        .limit(1)
    )
    row = db.execute(query).first()
    return (row.seq, row.hash) if row is not None else None
