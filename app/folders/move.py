"""The one door through which a folder moves: its place, its steps, the news and the journal line, together or not at all."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from app.circuits.library import circuit_of, family_of
from app.core.clock import PARIS, now, today
from app.core.db import LARGEST_KEY, NO_DATE, Db
from app.core.french import moment_of_day
from app.core.outbox import Letters, News
from app.core.questions import gathering
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.texts import plain
from app.folders import models, pause
from app.folders.access import refuse_stranger
from app.folders.facts import act_of, due_of, sent_on
from app.folders.models import STEPS_PER_ROUND, Folder, Run, StepRun
from app.folders.notices import news_of
from app.folders.publicity import published_word, signed_on
from app.folders.required import refuse_unfilled
from app.folders.rows import opinions_of_round, signatures_of_round
from app.folders.seats import (
    People,
    Slot,
    as_given,
    best_part,
    people_asked,
    serves_as_well,
    slots_of,
    stuck_at,
)
from app.folders.seen import refuse_unseen
from app.folders.sockets import Visa, gated, looks_before_visa, obstacles, plugged, read_for_gates
from app.folders.telling import to_tell
from app.journal.chain import Event, append
from app.people.actor import Actor, Cover
from app.people.covers import ANYBODY_AWAY, facts_of, in_absence, refuse_over
from app.people.models import Desk
from app.people.working_days import calendar_of
from workflows.circuit import DONE, Circuit, Phase, Step, StepKind
from workflows.deadlines import due_on
from workflows.engine import Asker, Moved, Standing, advance, in_turn, opinion_awaited
from workflows.mandates import fitting
from workflows.passing import pass_over
from workflows.returning import send_back
from workflows.undoing import leaves_time
from workflows.vocabulary import Action, Outcome, Right

_run: Any = StepRun.__table__
MACHINE = "system"
HANDOVER = "handover"
_SIGNING = frozenset({StepKind.SIGN, StepKind.SEAL})
SOMEBODY = LARGEST_KEY
"""An application has one desk, so its part, once done, names it enough: by a number that no other application can have."""


@dataclass(frozen=True)
class Present:
    """Where the folder stands, with the rows behind it; what the page shows and what the verb uses are the same.

    `step`: with the desks that have its parts, for the superiors that its circuit asks; `runs`: its parts; `asked`: the
    opinions that are asked beside it and open; `looked`: what was looked at by the statement that read them; `people`: who
    sits at the desk of the step to which the act leads, where it has read that too.
    """

    circuit: Circuit
    standing: Standing
    step: Step | None
    runs: tuple[Run, ...] = ()
    asked: tuple[Run, ...] = ()
    looked: models.Answers = field(default_factory=dict)
    people: People | None = None

    def in_turn(self, actor: Actor, folder: Folder) -> bool:
        """Whether it is for the actor to do what the step asks, though it may still wait for an opinion."""
        return in_turn(self.circuit, self.standing, self.asker(actor, folder))

    def asker(self, actor: Actor, folder: Folder) -> Asker:
        """The actor as the law sees it here: the slots of this step that he or she holds with the right it asks."""
        seated = self.seated(actor, folder)
        # Without a mandate the parts of desks are not his; one that names him is: he signs it in his own
        # capacity.
        if any(run.named_user_id is None for run in seated) and self.lacking(actor, folder) is not None:
            seated = tuple(run for run in seated if run.named_user_id is not None)
        held = frozenset(run.slot for run in seated)
        if actor.covers and self.lacking_under(actor, folder) is None:
            held |= frozenset(
                run.slot for run in self.runs if self.under(actor, folder, run.slot) is not None
            )
        emits = folder.emitter_desk_id in actor.desks_with(Right.CREATE, folder.of_type)
        return Asker(person_of(actor), held, emits, actor.kind)  # type: ignore[arg-type]

    def seated(self, actor: Actor, folder: Folder) -> tuple[Run, ...]:
        """The parts of this step that are the actor's by his desks and the rights held there, mandates apart."""
        if self.step is None or self.step.kind.automatic:
            return ()
        desks = actor.desks_with(self.step.kind.right, folder.of_type)
        able = actor.holds(self.step.kind.right, folder.of_type)
        return tuple(
            run
            for run in self.runs
            if run.desk_id in desks
            or (able and run.named_user_id is not None and run.named_user_id == actor.user_id)
        )

    def under(self, actor: Actor, folder: Folder, slot: str | None) -> Cover | None:
        """The cover under which the actor would take a part of this step; None for a part of his own, or of others."""
        if not actor.covers or self.step is None or self.step.kind.automatic:
            return None
        run = next((one for one in self.runs if one.slot == slot), None)
        return actor.cover_at(run.desk_id, self.step.kind.right, folder.of_type) if run is not None else None

    def lacking_under(self, actor: Actor, folder: Folder) -> Refusal | None:
        """Why the actor may not act here in somebody's absence: he deposited it, or signs by no mandate of his own.

        None where nothing keeps him from it, or where he stands in for nobody.
        """
        covers = [one for run in self.runs if (one := self.under(actor, folder, run.slot)) is not None]
        if not covers or self.step is None:
            return None
        absent = covers[0].absent
        if actor.user_id in folder.writers:
            return Refusal("cover-own-deposit", absent=absent)
        if self.step.kind is not StepKind.SIGN:
            return None
        try:
            fitting(actor.mandates, act_of(folder), today())
        except Refusal as refusal:
            return Refusal("cover-mandate", absent=absent, details=lacking_words(refusal))
        return None

    def lacking(self, actor: Actor, folder: Folder) -> Refusal | None:
        """Why no mandate of the actor covers this folder where a desk signs it; None where one does, or none is asked."""
        if self.step is None or self.step.kind is not StepKind.SIGN or not actor.by_mandate:
            return None
        try:
            fitting(actor.mandates, act_of(folder), today())
        except Refusal as refusal:
            return refusal
        return None


MOST_WORDS = 2000
"""Characters of a comment or a reason, as the page and the API say."""


def typed(words: str) -> str:
    """What a person wrote, as others read it (`plain`), whatever the door; refuses `words-long`: nobody would read its end."""
    words = plain(words)
    if len(words) > MOST_WORDS:
        raise Refusal("words-long", most=MOST_WORDS, got=len(words))
    return words


@dataclass(frozen=True)
class Said:
    """What comes with a decision: the words, and the facts that the journal keeps of it.

    What the State answers may be as long as it likes; a person's words are bounded where they come in (`typed`).
    """

    comment: str = ""
    capacity: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    who: str = ""  # whose act it is, when another person states it
    signed_on: date | None = None  # the day that was stated of a signature by hand; else it is made now
    absent: str | None = None  # in whose absence it is done, where it is under a cover


def person_of(actor: Actor) -> int | None:
    """The number that the law counts: a person's, or an application's below zero; the system is nobody."""
    if actor.user_id is not None:
        return actor.user_id
    return -actor.application_id if actor.application_id is not None else None


def present(
    db: Db,
    folder: Folder,
    *,
    signed: bool = False,
    round_: Sequence[StepRun] | None = None,
    looks: models.Looks = (),
    onward: bool = False,
) -> Present:
    """Read where a folder stands; one statement while it runs, none where the parts of its round are given (`round_`).

    Those of `round_` are read with the page, and so are the opinions asked beside them. `looks`: what is looked at beside;
    `onward`: with who sits at the next step, to which the act would lead.
    """
    if folder.circuit_version_id is None:
        # A first draft: it may be given up, and that is the same in every circuit.
        return Present(family_of(folder.in_force).circuit, Standing(folder.place, folder.facts), None)
    circuit = circuit_of(db, folder.circuit_version_id)
    if folder.phase != Phase.RUNNING:
        return Present(circuit, Standing(folder.place, folder.facts), None)
    passage = pass_number(circuit, folder)
    after = _one_after(circuit, folder) if onward else None
    beside = people_asked(folder, after) if after is not None else None
    rows, looked, seats = (
        models.runs_of(db, folder, passage, looks, beside)
        if round_ is None
        else (_shown(db, folder, passage, round_), {}, None)
    )
    runs = tuple(run for run in rows if run.waits is None)
    asked = tuple(run for run in rows if run.waits is not None)
    step = as_given(circuit.step(folder.place), [run.slot for run in runs])
    acted = {run.slot: run.user_id or -SOMEBODY - run.id for run in runs if run.state == "done"}
    awaited = tuple(run.desk or "" for run in asked if run.waits)
    standing = Standing(folder.place, folder.facts, tuple(run.slot for run in runs), acted, signed, awaited)
    people = People(beside.values["key"], seats) if beside is not None and seats is not None else None
    return Present(circuit, standing, step, runs, asked, looked, people)


def read_present(db: Db, folders: Iterable[Folder]) -> None:
    """Read at one go what `present` reads of several folders, in a session that keeps it (`gather`)."""
    running = {
        folder.id: pass_number(circuit_of(db, folder.circuit_version_id), folder)
        for folder in folders
        if folder.circuit_version_id is not None and folder.phase == Phase.RUNNING
    }
    models.read_runs(db, running)


def _one_after(circuit: Circuit, folder: Folder) -> Step | None:
    """The step after the one where a folder stands, where that has one part: what is read beside its parts is read once."""
    if len(circuit.step(folder.place).who) > 1:
        return None
    return next(iter(circuit.applicable(folder.facts, folder.place)), None)


def _shown(db: Db, folder: Folder, passage: int, round_: Sequence[StepRun]) -> tuple[Run, ...]:
    parts = [Run.of(one) for one in round_ if one.pass_number == passage]
    opinions = opinions_of_round(db, folder)
    return (*parts, *(Run.of(run, question) for question, run in opinions if run.state == "active"))


def pass_number(circuit: Circuit, folder: Folder, place: str | None = None) -> int:
    """The number of a passage at a step, unique in the folder: what was decided there before it was sent back has another."""
    # Among all steps, not those that apply: a fact that changes on the way must not renumber what was passed.
    return folder.round * STEPS_PER_ROUND + circuit.rank(place or folder.place)


@dataclass(frozen=True)
class Back:
    """To which step a folder is sent back, by key, and the keys of those of the way that led where it stands."""

    to: str
    entered: Collection[str]


def move(
    db: Db,
    folder: Folder,
    action: Action,
    actor: Actor,
    said: Said = Said(),
    here: Present | None = None,
    back: Back | None = None,
    part: str | None = None,
) -> Moved:
    """Play an action on a locked folder. Everything it changes is in the caller's transaction.

    `here`: where it stands, as the caller has just read it under the lock, for any action but a recall; `back`: of a folder that
    is sent back to a step, which, what was decided from there on being put aside; `part`: the one for which the act was
    prepared (`part_of`). A step is passed for nobody: its caller has asked whether it may be, and by whom. Refuses what the
    law refuses (`workflows.errors`), `not-your-turn`, `not-found` to whoever may not read it, `facts-awaited` to end a step
    whose fields are not all filled in, and `visa-gated` and `visa-held` as `not_given` says.
    """
    # Only a recall asks whether something was signed: other actions are spared the statement.
    here = here or present(
        db,
        folder,
        signed=action is Action.RECALL and was_signed(db, folder),
        looks=_looks(folder, action),
        onward=action is Action.APPROVE,
    )
    slot = _slot(db, here, folder, action, actor, part)
    if action is Action.APPROVE and here.step is not None:
        _refuse_unsaid(here.step, said)
    taken: dict[str, Any] = {"person": person_of(actor), "slot": slot}
    if back is not None:
        moved = send_back(here.circuit, here.standing, back.to, back.entered, **taken)
    elif action is Action.WAIVE:
        moved = pass_over(here.circuit, here.standing)
    else:
        moved = advance(here.circuit, here.standing, action, **taken)
    if here.step is not None and action.outcome is Outcome.DONE:
        _refuse_unready(db, folder, here, here.step, action, actor, said)
    moment = now()
    under = here.under(actor, folder, slot) if action is not Action.WAIVE else None
    # Asked again here, under the lock: the absence may have ended since the page was shown.
    if under is not None and here.step is not None:
        refuse_over(db, actor, under, here.step.kind.right, folder.of_type, moment)
        said = replace(said, absent=under.absent, facts={**said.facts, **facts_of(under)})
    own = next((run for run in here.runs if run.slot == slot and run.state == "active"), None)
    # Where nothing else is open, the statement that closes the others is spared.
    left_open = any(run.state == "active" and run is not own for run in (*here.runs, *here.asked))
    if moved.entered != moved.left and left_open:
        models.close_runs(db, folder, "passed" if moved.closed else "cancelled", moment)
    if back is not None:
        models.put_aside(db, folder, here.circuit.steps.index(here.circuit.step(moved.entered)))
    entered, awaited = _enter(db, folder, here, moved, moment, said)
    informed, told = _tell(db, folder, here, moved, moment)
    final_at = pause.ends(actor, moment) if leaves_time(here.circuit, moved) else None
    place = models.placed(folder, _placed(folder, moved, moment, final_at))
    end = models.ended(
        own, _ended(action, actor, said, moment) | ({"sent_to": moved.entered} if back is not None else {})
    )
    told_by = replace(actor, name=in_absence(actor.name, said.absent))
    news = _news(db, folder, here, moved, entered, informed, told_by, partial="partial" in said.facts)
    # What may be taken back is told to nobody before it is final: a letter cannot be taken back (decision
    # 0037).
    if final_at is not None:
        news = [replace(one, not_before=final_at) for one in news]
    letters = Letters(folder.collectivity_id, news)
    line = _line(folder, here, moved, actor, slot, said, informed)
    # Written in one go once the head of the chain is locked: others wait for these writes, and for nothing
    # before.
    along = (place, end, models.opened(awaited), models.opened(told), letters.write)
    append(db, folder.collectivity_id, line, along=along)
    return moved


def _looks(folder: Folder, action: Action) -> models.Looks:
    """What a move looks at beside the parts of the step, so that what is not there is not read for."""
    return (ANYBODY_AWAY, *(looks_before_visa(folder) if action is Action.APPROVE else ()))


def _refuse_unready(
    db: Db, folder: Folder, here: Present, step: Step, action: Action, actor: Actor, said: Said
) -> None:
    """Refuse to end a step whose fields lack, that somebody has not read, or before which something is to be settled."""
    refuse_unfilled(folder, step)
    if action is Action.APPROVE and step.kind is StepKind.VISA:
        with gathering(db):  # several rooms look at the same rows, and nothing is written yet
            read_for_gates(db, folder, here.looked)
            why = not_given(db, folder, step, actor)
        if why:
            raise why
    if not said.who:  # who states what another did on paper, or elsewhere, has not to read for him
        refuse_unseen(db, folder, step, actor)


def not_given(db: Db, folder: Folder, step: Step, actor: Actor) -> Refusal | None:
    """Why a visa is not put at this step, whatever the door; None where nothing is known against it.

    `visa-gated` where something is to be settled first, and `visa-held` where nobody will sign and something stands before
    what would leave: a visa is the last look then.
    """
    if why := gated(db, folder, Visa(step, actor)):
        return Refusal("visa-gated", details=why)
    if _signed_on_its_way(db, folder):
        return None
    why = f"{obstacles(db, folder)} {gated(db, folder)}".strip()
    return Refusal("visa-held", details=why) if why else None


def _signed_on_its_way(db: Db, folder: Folder) -> bool:
    """Whether a person, or the seal of the commune, is sure to sign the folder on its way."""
    if folder.circuit_version_id is None:
        return True
    circuit = circuit_of(db, folder.circuit_version_id)
    if all(step.kind not in _SIGNING for step in circuit.steps):
        return False
    way, unsure = circuit.applicable(folder.facts), circuit.unsure(folder.facts)
    return any(step.kind in _SIGNING and step.key not in unsure for step in way)


def place_back(
    db: Db, folder: Folder, here: Present, moved: Moved, actor: Actor, said: Said, slot: str
) -> None:
    """Write where the folder stands once an act is taken back, and the line that says so; its caller puts the rows back."""
    place = models.placed(folder, _placed(folder, moved, now()))
    line = _line(folder, here, moved, actor, slot, said, ())
    append(db, folder.collectivity_id, line, along=(place,))


def cover_of(db: Db, actor: Actor, folder: Folder, here: Present) -> Cover | None:
    """The cover under which the actor takes the part that is his where the folder stands; None of a part of his own, or none."""
    return here.under(actor, folder, part_of(db, folder, here, actor)) if actor.covers else None


def cover_in_force(db: Db, actor: Actor, folder: Folder, here: Present) -> Cover | None:
    """The same for an act that ends no part of the step, under the lock of the folder: refuses `cover-over`, as a move does."""
    under = cover_of(db, actor, folder, here)
    if under is not None and here.step is not None:
        refuse_over(db, actor, under, here.step.kind.right, folder.of_type)
    return under


def _refuse_unsaid(step: Step, said: Said) -> None:
    """Refuse an opinion that says neither that it is favourable nor that it is not, and one where a visa is asked."""
    if (step.kind is StepKind.OPINION) is not ("opinion" in said.facts):
        raise Refusal("opinion-asked" if step.kind is StepKind.OPINION else "opinion-not-asked")


def _slot(
    db: Db, here: Present, folder: Folder, action: Action, actor: Actor, prepared: str | None
) -> str | None:
    """The part of the step that the actor takes, or None for what is not acted at a step."""
    if action.outcome is None:
        if folder.emitter_desk_id not in actor.desks_with(Right.CREATE, folder.of_type):
            refuse_stranger(db, actor, folder)
            raise Refusal("not-emitter")
        return None
    if here.step is None:
        refuse_stranger(db, actor, folder)
        return None
    if action is Action.WAIVE:
        return next(run.slot for run in here.runs if run.state == "active")
    if here.step.kind.automatic:
        if actor.kind != "system":
            refuse_stranger(db, actor, folder)
            raise not_your_turn(db, actor, folder, here)
        return MACHINE
    part = part_of(db, folder, here, actor, prepared)
    if part is not None:
        return part
    refuse_stranger(db, actor, folder)
    raise not_your_turn(db, actor, folder, here)


def lacking_words(refusal: Refusal) -> str:
    """What a mandate lacks, as a sentence for who has not tried to sign."""
    words = sentences.say(refusal.key, refusal.facts)[1]
    for nothing in ("Rien n’a été signé", "Rien n’a été fait"):
        words = words.removeprefix(nothing)
    words = words.lstrip("\u00a0 :")
    return f"{words[:1].upper()}{words[1:]}"


def not_your_turn(db: Db, actor: Actor, folder: Folder, here: Present | None) -> Refusal:
    """Why it is not for this reader to act where the folder stands, to be raised.

    It is, and the step waits for an opinion that was asked (`opinion-awaited`); he was the last to decide, or his part of the
    step is taken, by him or for his desk (`acted-already`); no mandate of his covers it (as the law says it); what keeps him
    from it in somebody's absence (`Present.lacking_under`); else `not-your-turn`.
    """
    if here is not None and here.step is not None and here.standing.awaited and here.in_turn(actor, folder):
        return opinion_awaited(here.step, here.standing.awaited)
    last = _last_decision(db, folder)
    if last is not None and actor.user_id is not None and last.user_id == actor.user_id and last.ended_at:
        return _acted(folder, last, own=True)
    if here is None:
        return Refusal("not-your-turn")
    if taken := _taken(db, folder, here, actor):
        # An application is nobody: what its desk decided was decided by it or beside it
        return _acted(folder, taken, own=actor.user_id is not None and taken.user_id == actor.user_id)
    lacking = here.lacking(actor, folder) if here.seated(actor, folder) else None
    return lacking or here.lacking_under(actor, folder) or Refusal("not-your-turn")


def _taken(db: Db, folder: Folder, here: Present, actor: Actor) -> StepRun | None:
    """The part of the step that was taken where it was the actor's, his own first; None where one is left to him, or none was."""
    slots = here.asker(actor, folder).slots
    done = [run for run in here.runs if run.slot in slots and run.slot in here.standing.acted]
    if not done or len(done) < len(slots):
        return None
    return db.get(StepRun, next((run for run in done if run.user_id == actor.user_id), done[0]).id)


def _acted(folder: Folder, run: Any, *, own: bool) -> Refusal:
    """The refusal of who decides again, or after his desk did; who decided there is named on the page."""
    who, title = ("Vous avez", "Vous avez déjà décidé") if own else ("Votre bureau a", "Déjà décidé")
    when = moment_of_day(run.ended_at)
    return Refusal("acted-already", who=who, act=decided(folder, run), when=when, title=title)


def decided(folder: Folder, run: Any) -> str:
    """« visé », « notifié », « rejeté »: what was decided at a part of a step."""
    if run.sent_to is not None:
        return "renvoyé à une étape"
    if run.kind == StepKind.OPINION:
        return "donné un avis sur"
    if run.kind == StepKind.PUBLISH and run.state != "rejected":
        return published_word(folder.family)
    return "rejeté" if run.state == "rejected" else StepKind(run.kind).participle


def _last_decision(db: Db, folder: Folder) -> Any:
    """The last decision of a person in the folder's present round, or None."""
    query = sa.select(_run.c.user_id, _run.c.kind, _run.c.state, _run.c.sent_to, _run.c.ended_at).where(
        _run.c.folder_id == folder.id,
        _run.c.pass_number >= folder.round * STEPS_PER_ROUND,
        _run.c.state.in_(["done", "rejected"]),
        _run.c.user_id.is_not(None),
        ~_run.c.slot.startswith(models.ASKED),
    )
    return db.execute(query.order_by(_run.c.ended_at.desc(), _run.c.id.desc()).limit(1)).first()


def part_of(db: Db, folder: Folder, here: Present, actor: Actor, prepared: str | None = None) -> str | None:
    """The part of a step that somebody who acts now takes, or None; who holds several never takes the one that others need.

    `prepared`: the one for which his act was prepared, which he takes as long as it is his and the others can still end the step
    after him: a colleague who came or left since makes it no other one.
    """
    # Sorted: what the page says and what the verb does must come upon the same part.
    free = sorted(here.asker(actor, folder).slots.difference(here.standing.acted))
    if len(free) < 2 or here.step is None:
        return free[0] if free else None
    try:
        slots = slots_of(db, folder, here.step)
    except Refusal:
        # Somebody whom the step names has no account any more, it may be of a part that is done: that keeps nobody from his own
        return prepared if prepared in free else free[0]
    part = best_part(slots, free, here.standing.acted, person_of(actor))
    needed = here.step.quorum.needed(len(here.standing.slots))
    if prepared in free and serves_as_well(
        slots, (prepared, part), here.standing.acted, person_of(actor), needed
    ):
        return prepared
    return part


def was_signed(db: Db, folder: Folder) -> bool:
    """Whether a signature was made since the folder was last sent."""
    return bool(signatures_of_round(db, folder))


def engaged(db: Db, folders: Iterable[Folder]) -> frozenset[int]:
    """Those of these folders that were signed or left since they were last sent, and did not come back."""
    under_way = [one for one in folders if one.phase in {Phase.RUNNING, Phase.DONE}]
    if not under_way:
        return frozenset()
    return still_engaged(under_way, db.execute(acts_of([one.id for one in under_way])))


def acts_of(numbers: Any) -> sa.Select[Any]:
    """The query of what was signed or left, by folder and passage, of the folders of these numbers, or of a query of them."""
    # In the words of the statement: by values that are bound SQLite would choose its indexes again at each execution
    made = sa.text(
        f"{_run.name}.kind IN ('{StepKind.SIGN}', '{StepKind.SEAL}') AND {_run.name}.state = 'done'"
    )
    left = sa.text(f"{_run.name}.kind = '{StepKind.TRANSMIT}' AND {_run.name}.state IN ('active', 'done')")
    return sa.select(_run.c.folder_id, _run.c.pass_number).where(
        _run.c.folder_id.in_(numbers), sa.or_(made, left)
    )


def still_engaged(folders: Iterable[Folder], acts: Iterable[Any]) -> frozenset[int]:
    """The same as `engaged`, from the rows of `acts_of`."""
    rounds = {one.id: one.round for one in folders if one.phase in {Phase.RUNNING, Phase.DONE}}
    return frozenset(
        row.folder_id
        for row in acts
        if row.folder_id in rounds and row.pass_number >= rounds[row.folder_id] * STEPS_PER_ROUND
    )


def _ended(action: Action, actor: Actor, said: Said, moment: datetime) -> dict[str, Any]:
    """How the part of whoever acts ends; who passes it is told by name alone: by his account he would read the folder."""
    own = action is not Action.WAIVE
    return {
        "state": action.outcome,
        "ended_at": moment,
        "user_id": actor.user_id if own else None,
        "who": said.who or actor.name,
        "capacity": (said.capacity or actor.capacity) if own else None,
        "comment": said.comment or None,
        "opinion": said.facts.get("opinion"),
        "absent": said.absent,
    }


def _enter(
    db: Db, folder: Folder, here: Present, moved: Moved, moment: datetime, said: Said
) -> tuple[tuple[Slot, ...], list[dict[str, Any]]]:
    """Who is awaited at the step that is entered, and its rows: one for each desk or person, or one for the machine."""
    # Before the rows are made: their passage is numbered by the round.
    if moved.action is Action.SUBMIT:
        folder.round += 1
    if moved.entered == moved.left or moved.phase is not Phase.RUNNING:
        return (), []
    step = here.circuit.step(moved.entered)
    # Days are those of Paris: after midnight there it is still yesterday in UTC.
    day = moment.astimezone(PARIS).date()
    all_there = not here.looked.get(ANYBODY_AWAY, True)
    signed = _signing_day(here, said, day)
    slots, due = entering(db, folder, step, day, signed, all_there=all_there, people=here.people)
    act = act_of(folder)
    common = {
        "collectivity_id": folder.collectivity_id,
        "folder_id": folder.id,
        # What rights and mandates look at is kept with the part: a tray stays one scan of one table (decision
        # 0008).
        "family": folder.family,
        "own_type": folder.of_type[1],
        "matter": act.matter,
        "amount_cents": act.weight_cents,
        "step": step.key,
        "kind": step.kind.value,
        "pass_number": pass_number(here.circuit, folder, moved.entered),
        "state": "active",
        "due_on": due,
        "entered_at": moment,
    }
    awaited: Iterable[Slot] = slots or (Slot(MACHINE, step.label, None, None, ()),)
    closed = _closed(db, folder, awaited)
    return slots, [
        {
            **common,
            "slot": one.key,
            "desk_id": one.desk_id,
            "named_user_id": one.named_user_id,
            "restricted": one.key in closed,
        }
        for one in awaited
    ]


def _tell(
    db: Db, folder: Folder, here: Present, moved: Moved, moment: datetime
) -> tuple[tuple[Slot, ...], list[dict[str, Any]]]:
    """The desks that are told at the step that is entered, and the rows by which they read the folder."""
    if moved.entered == moved.left or moved.phase is not Phase.RUNNING:
        return (), []
    step = here.circuit.step(moved.entered)
    desks = to_tell(db, folder, here.circuit.told_at(step, first=moved.action is Action.SUBMIT))
    common = {
        "collectivity_id": folder.collectivity_id,
        "folder_id": folder.id,
        "family": folder.family,
        "own_type": folder.of_type[1],
        "restricted": False,
        "step": step.key,
        "kind": models.TOLD,
        "pass_number": pass_number(here.circuit, folder, step.key),
        "state": "passed",
        "due_on": NO_DATE,
        "entered_at": moment,
        "ended_at": moment,
    }
    return desks, [{**common, "slot": one.key, "desk_id": one.desk_id} for one in desks]


def _closed(db: Db, folder: Folder, awaited: Iterable[Slot]) -> frozenset[str]:
    """The keys of the slots where the reading of the folder is closed (`Family.closed_at`)."""
    family = folder.read_as
    if not family.closed:
        return frozenset()
    numbers = [one.desk_id for one in awaited if one.desk_id is not None]
    keys: dict[int | None, str] = {
        row.id: row.key for row in db.execute(sa.select(Desk.id, Desk.key).where(Desk.id.in_(numbers)))
    }
    return frozenset(one.key for one in awaited if family.closed_at(keys.get(one.desk_id)))


def entering(
    db: Db,
    folder: Folder,
    step: Step,
    day: date,
    signed: date | None = None,
    *,
    all_there: bool = False,
    people: People | None = None,
) -> tuple[tuple[Slot, ...], date]:
    """Who is awaited at a step that is entered on this day, and the last day on time; refuses as `slots_of`.

    What a move writes, and what a rehearsal tells. `signed`: the day of a signature that no row tells yet; `all_there` and
    `people`: as `slots_of`.
    """
    slots = slots_of(db, folder, step, on=day, all_there=all_there, people=people)
    return slots, _due(db, folder, step, day, signed)


def _signing_day(here: Present, said: Said, day: date) -> date | None:
    """The day of the signature that is being made by this move; None when it makes none."""
    signs = here.step is not None and here.step.kind in {StepKind.SIGN, StepKind.SEAL}
    return (said.signed_on or day) if signs else None


def _due(db: Db, folder: Folder, step: Step, entered: date, signed: date | None = None) -> date:
    """The soonest of the folder's legal deadline, the step's own working days, and the law's delay to transmit an act.

    `signed`: the day of a signature that is made at this very moment, and that no row tells yet.
    """
    days = [folder.due_on]
    if step.days:
        days.append(due_on(entered, step.days, calendar_of(db, folder.collectivity_id)))
    limit = family_of(folder.in_force).transmit_within
    if limit is not None and step.kind is StepKind.TRANSMIT:
        days += [limit.after(last) for last in [_latest(signed, signed_on(db, folder))] if last]
    return min(days)


def _latest(*days: date | None) -> date | None:
    return max((day for day in days if day is not None), default=None)


def due_at(db: Db, folder: Folder, run: StepRun) -> date:
    """The last day on time of a step that was entered, from the folder's facts as they are now."""
    step = present(db, folder).circuit.step(run.step)
    return _due(db, folder, step, run.entered_at.astimezone(PARIS).date())


def count_days_again(db: Db, folder: Folder) -> None:
    """Set the last days of the folder and of what is awaited, from what its facts say now.

    An opinion that the step waits for is never due after the step (`asking.ask`); another has the folder's day.
    """
    folder.due_on = due_of(folder, sent_on(folder))
    active = sa.select(StepRun).where(
        StepRun.folder_id == folder.id, StepRun.state == "active", ~StepRun.slot.startswith(models.ASKED)
    )
    days = [folder.due_on]
    for run in db.scalars(active):
        run.due_on = due_at(db, folder, run)
        days.append(run.due_on)
    for question, run in opinions_of_round(db, folder):
        if run.state == "active":
            run.due_on = min(days) if question.waits else folder.due_on


def _placed(
    folder: Folder, moved: Moved, moment: datetime, final_at: datetime | None = None
) -> dict[str, Any]:
    """What the folder's own row says after the move; `final_at`: until when that may be taken back."""
    return {
        "place": moved.entered,
        "phase": moved.phase.value,
        "version": folder.version + 1,
        "updated_at": moment,
        "final_at": final_at,
        "submitted_at": moment if moved.action is Action.SUBMIT else folder.submitted_at,
        "done_at": moment if moved.phase is Phase.DONE else None,
    }


def _news(
    db: Db,
    folder: Folder,
    here: Present,
    moved: Moved,
    entered: tuple[Slot, ...],
    informed: tuple[Slot, ...],
    actor: Actor,
    *,
    partial: bool,
) -> list[News]:
    """What must happen outside because of this move: letters to people, and the automatic step that starts alone."""
    opened = moved.entered != moved.left and moved.phase is Phase.RUNNING
    stuck = opened and stuck_at(db, folder, here.circuit.step(moved.entered), entered)
    ending = moved.action is Action.SIGN and _ends_by_itself(folder, here, moved)
    news = news_of(
        db, folder, moved, entered, actor, informed=informed, stuck=stuck, ending=ending, partial=partial
    )
    if opened:
        step = here.circuit.step(moved.entered)
        if step.kind.automatic:
            # The round is of the payload: the job does nothing for a folder that came back and left again.
            payload = {
                "folder_id": folder.id,
                "round": folder.round,
                "step": step.key,
                "channel": step.channel,
            }
            # Unique for ever: what this step does outside is asked for once in a round.
            key = f"{step.kind.value}-{folder.id}-{folder.round}-{step.key}"
            news.append(News(f"step.{step.kind.value}", key, payload, folder.id))
    if moved.entered == DONE:
        news += [row for find in plugged.endings.of(folder) for row in find(db, folder)]
    return news


def _ends_by_itself(folder: Folder, here: Present, moved: Moved) -> bool:
    """Whether all that is left is done here, at once and by nobody: « terminé » follows, and « signé » would say it twice.

    An act or a flow is not of those: its office answers when it will.
    """
    route = here.circuit.applicable(folder.facts)
    rank = next((n for n, step in enumerate(route) if step.key == moved.entered), len(route))
    return all(step.kind.automatic and step.channel in {None, HANDOVER} for step in route[rank:])


def _line(
    folder: Folder,
    here: Present,
    moved: Moved,
    actor: Actor,
    slot: str | None,
    said: Said,
    informed: Sequence[Slot],
) -> Event:
    """The journal line of a move: who, as what, from where to where, on which version, why, and which desks were told."""
    facts: dict[str, Any] = {
        "left": moved.left,
        "entered": moved.entered,
        "round": folder.round,
        "version": folder.version,
        **said.facts,
    }
    if moved.action is Action.SUBMIT:
        facts["circuit"] = here.circuit.digest
    if here.step is not None:
        facts["label"] = here.step.label
    if slot is not None:
        facts["slot"] = slot
    if here.step is not None and not moved.closed and moved.entered == moved.left:
        facts["counted"], facts["needed"] = moved.counted, moved.needed
    if here.asked and moved.entered != moved.left:
        facts["unanswered"] = [one.desk for one in here.asked]
    if informed:
        facts["told"] = {one.key.partition(":")[2]: one.label for one in informed}
    if said.comment:
        facts["comment"] = said.comment
    if capacity := said.capacity or actor.capacity:
        facts["capacity"] = capacity
    if actor.session_id:
        facts["session"] = actor.session_id
    return Event(f"folder.{moved.action.value}", actor.name, actor.user_id, folder.id, facts)


def no_deadline(value: date) -> bool:
    """Whether this is the date that stands for « sans échéance »."""
    return value >= NO_DATE
