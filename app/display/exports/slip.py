"""The slip of a folder: what it is, says and went through, for a meeting, a paper file, or whoever asks years later."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.core.clock import now
from app.core.db import Db
from app.core.french import instant_preuve, spaces
from app.core.questions import ask
from app.display import events, opinions, page, timeline
from app.display.listed import Table
from app.display.noting.views import NoteView, threads
from app.display.portrait import Portrait, portrait
from app.display.views import DocView, FolderView, StepView, state_label
from app.folders import notes
from app.folders.corrections import ruled_in_words, told
from app.folders.models import STEPS_PER_ROUND, Folder, StepRun
from app.folders.rows import ASKED, RUNS
from app.folders.seats import desk_names
from app.folders.sockets import told_by_page, untold
from app.journal.models import JournalEntry
from app.people.models import Collectivity, Desk
from workflows.circuit import DONE

DONE_THERE = (
    "folder.created", "folder.continued", "folder.submit", "folder.approve", "folder.sign", "folder.seal", "folder.acknowledge",
    "folder.refuse", "folder.publish", "folder.archive", "folder.reject", "folder.send_back", "folder.take_back", "folder.recall",
    "folder.withdraw", "invoice.account_called", "invoice.interrupted", "invoice.performed", "invoice.resumed",
    "order.delivered", "order.delivery_corrected", "order.mailed",
    "folder.rerouted", "folder.ruled", "folder.handed", "folder.replaced", "folder.waive",
    "opinion.asked", "opinion.given", "opinion.withdrawn",
    "publication.posted", "transmission.sent", "transmission.relayed",
)  # fmt: skip
"""The lines of the journal that say what was decided or sent."""
EMITTED = {
    "folder.created": "Début", "folder.submit": "Envoi", "folder.recall": "Reprise", "folder.withdraw": "Abandon",
}  # fmt: skip
"""Those that the desk which deposits wrote, at no step of the circuit."""
OPINIONS = frozenset({"opinion.asked", "opinion.given", "opinion.withdrawn"})
"""Those of an opinion, asked beside a step of the circuit."""
ADMINISTERED = frozenset({"folder.replaced", "folder.waive"})
"""Those of who administers: the part was a desk's, in whose name they are not done; his own capacity is told."""
TAKEN_BACK, BEFORE = ", annulé ensuite", ", avant le renvoi"
"""What a decision says that counts no more: its author took it back, or the folder was sent back to its step or behind."""
SUMS_UP = (
    "Ce bordereau résume le dossier au moment où il est édité ; le fichier signé et le journal font foi."
)


@dataclass(frozen=True)
class Decision:
    """What was done and by whom, at which step, for which desk or in what capacity, when (to the second), in which round.

    `round` counts from 1 the times that the folder was sent; 0 before.
    """

    step: str
    place: str
    at: str
    what: str
    quote: str
    round: int


@dataclass(frozen=True)
class Slip:
    """All that the slip says, as of `now`: each value with the one that the file says otherwise.

    `decisions` are those of every round, the first to the last. `steps` is the circuit of the round in hand, `to_come` what of
    it is still to be done, `awaited` the opinions that were asked and are open. `last_line`: the number and the digest of the
    last line of the journal about the folder.
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
    awaited: Sequence[str]
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
        awaited=opinions.awaited(db, folder),
        circuit_line=timeline.circuit_line(db, folder),
        rerouted=timeline.rerouted(db, folder),
        documents=page.documents(db, folder, None),
        notes=threads(db, folder, notes.for_all(db, folder), None),
        last_line=_last_line(db, folder),
        now=now(),
    )


def _state(folder: Folder, head: FolderView) -> str:
    """« Terminé le 02/12/2026 09:14:33 +01:00 » of what went to its end; else the state in words, where no tag says it."""
    ended = folder.place == DONE and head.state_label in {"", state_label(DONE, None)}
    return f"Terminé le {instant_preuve(folder.done_at)}" if ended else head.state_label


def _decisions(db: Db, folder: Folder, seen: Portrait) -> list[Decision]:
    """What the journal says was done, the first to the last: the only place that remembers every round as it was."""
    query = (
        sa.select(JournalEntry)
        .where(JournalEntry.folder_id == folder.id, JournalEntry.event.in_(DONE_THERE))
        .order_by(JournalEntry.id)
    )
    lines = [(line, json.loads(line.facts)) for line in db.scalars(query)]
    lines = [(line, {**facts, **_of_opinion(db, folder, line.event, facts)}) for line, facts in lines]
    keys = {_desk_key(facts) for _, facts in lines} - {""}
    named = sa.select(Desk.key, Desk.name).where(
        Desk.collectivity_id == folder.collectivity_id, Desk.key.in_(keys)
    )
    desks = {row.key: row.name for row in db.execute(named)} if keys else {}
    emitter = desk_names(db, folder.collectivity_id, [folder.emitter_desk_id]).get(folder.emitter_desk_id)
    circuit = seen.here.circuit if seen.here is not None else None
    labels = {step.key: step.label for step in circuit.steps} if circuit is not None else {}
    back = _taken_back([line.event for line, _ in lines])
    after = dict.fromkeys(back, TAKEN_BACK)
    after |= dict.fromkeys(_put_aside(db, folder, lines, back), BEFORE)
    return [
        _decision(line, facts, desks, emitter.name if emitter else "", labels, folder.round, after.get(n, ""))
        for n, (line, facts) in enumerate(lines)
    ]


def _of_opinion(db: Db, folder: Folder, event: str, facts: Mapping[str, Any]) -> dict[str, str]:
    """The step beside which an opinion was asked, and for which desk, or in what capacity, it was asked or given.

    The journal names it by its part alone, which says the rest.
    """
    if event not in OPINIONS:
        return {}
    asked = facts.get("asked")
    number = asked[0] if isinstance(asked, list) and asked else asked
    run = next((run for (run,) in ask(db, RUNS, folder.id) if run.id == number), None)
    if run is None:
        return {}
    if event == "opinion.given":
        return {"left": run.step, "desk_name": str(facts.get("desk", "")), "capacity": run.capacity or ""}
    slot = next((row.slot for (row,) in ask(db, ASKED, folder.id) if row.run_id == number), "")
    return {"left": run.step, "slot": slot if event == "opinion.asked" else ""}


def _taken_back(events_there: Sequence[str]) -> frozenset[int]:
    """Which of these lines, in order, a later one takes back: the last act before it, for nothing changed the folder since."""
    back, last = set[int](), None
    for n, event in enumerate(events_there):
        if event in {"folder.approve", "folder.handed"}:
            last = n
        elif event == "folder.take_back" and last is not None:
            back.add(last)
    return frozenset(back)


def _put_aside(
    db: Db, folder: Folder, lines: Sequence[tuple[JournalEntry, Mapping[str, Any]]], back: Collection[int]
) -> Iterator[int]:
    """Which of these lines say a visa or an opinion that counts no more, because the folder was sent back to its step or behind.

    The parts of a step are done in the order of their lines, but those that were taken back (`back`).
    """
    parts: dict[tuple[int, str, str], list[StepRun]] = {}
    for (run,) in ask(db, RUNS, folder.id):
        if run.state == "done" and not run.asked:
            parts.setdefault((run.pass_number // STEPS_PER_ROUND, run.step, run.slot), []).append(run)
    for n, (line, facts) in enumerate(lines):
        if line.event == "folder.approve" and n not in back:
            place = (int(facts.get("round", 0)), str(facts.get("left", "")), str(facts.get("slot", "")))
            if (several := parts.get(place)) and several.pop(0).former:
                yield n


def _desk_key(facts: Mapping[str, Any]) -> str:
    """The key of the desk whose part it was, as the slot of the step names it; empty for a person's or a machine's."""
    kind, _, key = str(facts.get("slot", "")).partition(":")
    return key if kind == "desk" else ""


def _decision(
    line: JournalEntry,
    facts: Mapping[str, Any],
    desks: Mapping[str, str],
    emitter: str,
    labels: Mapping[str, str],
    now_in: int,
    after: str,
) -> Decision:
    """A line of the journal as the slip tells it; `labels`: the names of the steps of the round `now_in`.

    `after`: what became of it, which it says; the words of a decision that was taken back are not there, as on the folder's
    page.

    A line of a former round that was written before the journal kept the name of its step has none.
    """
    round_ = int(facts.get("round", 0))
    label = str(facts.get("label", ""))
    if not label and round_ == now_in:
        label = labels.get(str(facts.get("left", "")), "")
    place = desks.get(_desk_key(facts), "") or str(facts.get("desk_name", ""))
    if line.event in EMITTED:
        label, place = EMITTED[line.event], emitter
    elif line.event in ADMINISTERED:
        place = str(facts.get("capacity") or "")
    elif line.event == "folder.sign":
        place = str(facts.get("capacity") or place)
    elif capacity := str(facts.get("capacity") or ""):
        place = ", ".join(dict.fromkeys(filter(None, (place, capacity))))
    what = spaces(events.told(line.event, line.who, facts)[1])
    quote = "" if after == TAKEN_BACK else str(facts.get("comment") or facts.get("reason") or "")
    what += after
    # Some lines of the journal quote the words themselves: an opinion that was given or taken back
    quoted = spaces(f"« {quote} »") in what
    at = instant_preuve(datetime.fromisoformat(line.at))
    return Decision(label, place, at, what, "" if quoted else quote, round_)


def _last_line(db: Db, folder: Folder) -> tuple[int, str] | None:
    query = (
        sa.select(JournalEntry.seq, JournalEntry.hash)
        .where(JournalEntry.folder_id == folder.id)
        .order_by(JournalEntry.id.desc())
        .limit(1)
    )
    row = db.execute(query).first()
    return (row.seq, row.hash) if row is not None else None
