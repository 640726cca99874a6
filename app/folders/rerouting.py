"""The coming steps of a running folder, changed for it alone and with a reason by whoever has that right.

What was passed and the step where it stands never change. The checker of published circuits (`app/circuits/checking.py`) and
the rehearsal judge the result: there is no second law.
"""

import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from app.circuits.checking import Desks, desks_of, hold_desks, named_in, people_of, problems, words_of_people
from app.circuits.difference import difference
from app.circuits.gestures import Definition, Gesture, played
from app.circuits.library import circuit_of, family_of, of_folder
from app.core.clock import now, today
from app.core.db import Db, key_in
from app.core.outbox import News, post
from app.core.refusals import Refusal
from app.core.refusals import catalogue as sentences
from app.core.transaction import use_case
from app.folders.access import lock, refuse_own, refuse_stranger
from app.folders.facts import touch
from app.folders.models import CircuitChange, Folder
from app.folders.move import typed
from app.folders.notices import correctors
from app.folders.rehearsal import Rehearsal, Stage, coming
from app.folders.rows import runs_of_round
from app.journal.chain import Event, append
from app.people.accounts import refuse_former
from app.people.actor import Actor
from app.people.models import User
from workflows.adding import ADDED, refuse_added
from workflows.circuit import Circuit, Phase, Step, StepKind, WhoKind
from workflows.family import imposed
from workflows.loader import MAX_LABEL, load, sketch
from workflows.passing import locked_by
from workflows.vocabulary import Right

ADD, REPLACE, REMOVE = "add", "replace", "remove"
KINDS = (ADD, REPLACE, REMOVE)
MOST = 30
"""Changes that are made at once."""
CHANGED = "steps_changed"
"""The letter to whoever would correct the folder."""


@dataclass(frozen=True)
class Change:
    """One change: an opinion or a visa (`asks`) added after a step, a desk in the place of somebody at a step, a step removed.

    `step` is the key of the step, drawn for one that is added; `after`, the key of the step that an added one follows;
    `instead`, who leaves (« desk:finances »), as `part_key` writes it; `desk`, the key of the desk that comes, or `person`, the
    login of somebody, in the place of one who was named alone. `label` and `days` (working days) are those of an added step;
    an empty label is made of the desk's name.
    """

    kind: str
    step: str = ""
    desk: str = ""
    after: str = ""
    instead: str = ""
    label: str = ""
    days: int | None = None
    asks: str = StepKind.OPINION.value
    person: str = ""


@dataclass(frozen=True)
class Line:
    """A coming step as it would be: its state (same, added, changed, removed), what it was, what imposes it.

    `lock`: None where nothing does, else the article, empty where the family asks and no law is named. `stage`: who would be
    asked and by when; None for what is removed.
    """

    step: Step
    state: str
    was: Step | None
    lock: str | None
    stage: Stage | None


@dataclass(frozen=True)
class Plan:
    """What the changes make of a folder's way: its circuit before and after, with the days of each (`rehearsal.coming`).

    `faults`: why it is not to be, in sentences; `gone`: the changes that bear on nothing that is still to come; `words`: each
    difference, in plain words.
    """

    before: Circuit
    after: Circuit
    changes: tuple[Change, ...]
    gone: tuple[Change, ...]
    lines: tuple[Line, ...]
    faults: tuple[str, ...]
    words: tuple[str, ...]
    now: Rehearsal
    then: Rehearsal
    desks: Desks = field(default_factory=dict)


def part_key(written: Mapping[str, Any]) -> str:
    """Who acts, as a change names it: « desk:finances », « chosen:proof_of_service »."""
    ((kind, value),) = written.items()
    return f"{kind}:{value}"


def may_reroute(actor: Actor, folder: Folder) -> bool:
    """Whether the coming steps are the actor's to change, of a folder that he may read.

    An administrator, or whoever holds the right at the desk that deposited it.
    """
    return actor.administrator or folder.emitter_desk_id in actor.desks_with(Right.REROUTE, folder.of_type)


def refuse_idle(actor: Actor, folder: Folder) -> None:
    """Refuse whoever has not the right (`coming-forbidden`), then a folder that is not on its way (`coming-over`)."""
    if not may_reroute(actor, folder):
        raise Refusal("coming-forbidden")
    if folder.phase != Phase.RUNNING or folder.circuit_version_id is None:
        raise Refusal("coming-over")


@use_case
def reroute(
    db: Db, actor: Actor, folder_id: int, *, version: int, changes: Sequence[Change], reason: str
) -> tuple[str, ...]:
    """Give a running folder other coming steps; returns what changed, in words.

    Refuses `coming-forbidden`, `coming-over`, `moved-on` where anything happened since the page was shown,
    `coming-reason`, `words-long`, `coming-none`, `coming-gone` (a step that is passed, or is not there), `coming-locked` (what
    the law has it do), and `coming-refused` with all that the checker and the rehearsal find. The folder follows a version of
    its own; the collectivity's circuit is not touched.
    """
    folder = lock(db, actor, folder_id, version)
    refuse_stranger(db, actor, folder)
    refuse_idle(actor, folder)
    reason = typed(reason)
    if not reason:
        raise Refusal("coming-reason")
    return _apply(db, actor, folder, changes, reason)


@use_case
def replace_named(
    db: Db, actor: Actor, folder_id: int, leaver: int, *, person: str = "", desk: str = "", reason: str
) -> tuple[str, ...]:
    """Name another person, by login, or a desk, by key, wherever a coming step names somebody who leaves; by who administers.

    Whoever administers comes to read nothing by it. Returns what changed, in words, which tell of the folder. Refuses
    `identity-needed` and who administers no more, `coming-over`, `coming-unnamed` where no coming step names him,
    `coming-reason`, `words-long`, `coming-heir` of neither or both, `heir-own` of himself or of a desk where he sits, unless
    he reads the folder already, and `coming-refused` as `reroute` does.
    """
    refuse_former(db, actor)
    folder = lock(db, actor, folder_id, None, onlookers=True)
    refuse_idle(actor, folder)
    reason = typed(reason)
    if not reason:
        raise Refusal("coming-reason")
    if bool(person) == bool(desk):
        raise Refusal("coming-heir")
    refuse_own(db, actor, folder, person=person, desk=desk)
    before = circuit_of(db, folder.circuit_version_id or 0)
    login = db.scalar(
        sa.select(User.login).where(User.id == leaver, User.collectivity_id == folder.collectivity_id)
    )
    changes = [
        Change(REPLACE, step.key, desk, instead=f"{who.kind.value}:{who.value}", person=person)
        for step in _coming(folder, before, before)
        for who in step.who
        if (who.kind is WhoKind.PERSON and who.value == login)
        or (who.kind is WhoKind.ROLE and key_in(str(folder.fields.get(who.value) or "")) == leaver)
    ]
    if not changes:
        raise Refusal("coming-unnamed")
    return _apply(db, actor, folder, changes, reason, leaver)


def _apply(
    db: Db, actor: Actor, folder: Folder, changes: Sequence[Change], reason: str, leaver: int | None = None
) -> tuple[str, ...]:
    hold_desks(db, folder.collectivity_id, [change.desk for change in changes if change.desk])
    plan = planned(db, folder, changes)
    if plan.gone:
        raise Refusal("coming-gone", what=_named(plan, plan.gone[0]))
    if not plan.words:
        raise Refusal("coming-none")
    if plan.faults:
        raise Refusal("coming-refused", details=" ".join(plan.faults))
    _write(db, actor, folder, plan, reason, leaver)
    return plan.words


def _write(db: Db, actor: Actor, folder: Folder, plan: Plan, reason: str, leaver: int | None) -> None:
    """The folder's own version, the change with its reason, the line of the journal and the letters; in one transaction.

    `leaver`: whose part it was, where he leaves.
    """
    moment, before_id = now(), folder.circuit_version_id or 0
    last = last_change(db, folder)
    base_id = last.base_id if last is not None else before_id
    row = CircuitChange(
        collectivity_id=folder.collectivity_id,
        folder_id=folder.id,
        round=folder.round,
        place=folder.place,
        base_id=base_id,
        before_id=before_id,
        words=list(plan.words),
        reason=reason,
        changed_at=moment,
        changed_by=actor.name,
        changed_by_id=actor.user_id,
    )
    db.add(row)
    db.flush()
    row.after_id = of_folder(db, base_id, row.id, plan.after, actor.name)
    folder.circuit_version_id = row.after_id
    touch(folder)
    facts = {
        "place": folder.place,
        "round": folder.round,
        "version": folder.version,
        "before": plan.before.digest,
        "circuit": plan.after.digest,
        "changes": list(plan.words),
        "comment": reason,
        **({"whose": leaver} if leaver is not None else {}),
    }
    append(db, folder.collectivity_id, Event("folder.rerouted", actor.name, actor.user_id, folder.id, facts))
    post(db, folder.collectivity_id, _letters(db, folder, actor))


def _letters(db: Db, folder: Folder, actor: Actor) -> list[News]:
    """Whoever would correct the folder is told once; who is newly awaited is told when his turn comes, as anybody is."""
    return [
        News(
            "mail",
            f"{CHANGED}-{folder.id}-{folder.version}-{user_id}",
            {"event": CHANGED, "user_id": user_id, "folder_id": folder.id, "by": actor.name},
            folder.id,
        )
        for user_id in sorted(correctors(db, folder))
        if user_id != actor.user_id
    ]


def last_change(db: Db, folder: Folder) -> CircuitChange | None:
    """The change that made the version which the folder follows; None where it follows one of the collectivity."""
    query = sa.select(CircuitChange).where(
        CircuitChange.folder_id == folder.id, CircuitChange.after_id == folder.circuit_version_id
    )
    return db.scalar(query)


def planned(db: Db, folder: Folder, changes: Sequence[Change]) -> Plan:
    """What these changes would make of the folder's way; nothing is written. Refuses `coming-locked`, `bad-request`.

    The folder stands at a step. A change that bears on nothing to come is set apart (`Plan.gone`).
    """
    before = circuit_of(db, folder.circuit_version_id or 0)
    named = named_in(before.to_data())
    put = {change.desk for change in changes if change.desk}
    people = {change.person for change in changes if change.person}
    known = replace(named, desks=named.desks | put, logins=named.logins | people)
    desks = desks_of(db, folder.collectivity_id, known)
    decided = {run.step for run in runs_of_round(db, folder) if run.former}
    definition, done, gone = before.to_data(), list[Change](), list[Change]()
    if len(changes) > MOST:
        raise Refusal("bad-request", detail=f"{MOST} changements au plus")
    for change in changes:
        if change.kind == REMOVE and change.step in decided:
            label = next((step.label for step in before.steps if step.key == change.step), change.step)
            raise Refusal("coming-locked", step=label, by="ce qui s’y est décidé avant le renvoi du dossier")
        made = _played(folder, before, definition, change, desks)
        if made is None:
            gone.append(change)
        else:
            definition = made[0]
            done.append(made[1])
    day = today()
    current = coming(db, folder, before, day)
    drawn = sketch(definition)
    found = list(_faults(folder, before, definition, done, desks))
    then = current if drawn == before else coming(db, folder, drawn, day)
    at = {step for step, _ in found}
    found += [one for one in _stuck(then, before) if one[0] not in at]
    faults = tuple(dict.fromkeys(sentence for _, sentence in found))
    names = {**words_of_people(desks), **{key: desk.name for key, desk in desks.items()}}
    names |= {one.key: one.label for one in family_of(folder.in_force).compared}
    words = difference(before, drawn, names) if done else []
    after = drawn if faults else load(definition)
    lines = tuple(_lines(folder, before, after, then))
    return Plan(
        before,
        after,
        tuple(done),
        tuple(gone),
        lines,
        faults,
        tuple(words),
        current,
        then,
        desks,
    )


def _coming(folder: Folder, before: Circuit, after: Circuit) -> list[Step]:
    """The steps that this folder goes through after the one where it stands, in order.

    One that it went through before, and that rests on a field which no step would require any more, is still to be looked at.
    """
    keys = {step.key for circuit in (before, after) for step in _ahead(folder, circuit)}
    rank = after.steps.index(after.step(folder.place))
    return [step for step in after.steps[rank + 1 :] if step.key in keys]


def _played(
    folder: Folder, before: Circuit, definition: Definition, change: Change, desks: Desks
) -> tuple[Definition, Change] | None:
    """The definition after a change, and the change as it was taken; None where it bears on nothing to come."""
    if change.kind not in KINDS or change.asks not in {kind.value for kind in ADDED}:
        raise Refusal("bad-request", detail="changement inconnu")
    ahead = [step.key for step in _coming(folder, before, sketch(definition))]
    if change.kind == ADD:
        if change.after not in {folder.place, *ahead}:
            return None
        return _added(definition, change, desks)
    if change.step not in ahead:
        return None
    data = next(one for one in definition["steps"] if one["key"] == change.step)
    if change.kind == REMOVE:
        law = imposed(family_of(folder.in_force), sketch(definition))
        if change.step in law:
            raise Refusal("coming-locked", step=str(data["label"]), by=locked_by(law[change.step]))
        return played(definition, Gesture("remove", change.step)), change
    here = [part_key(one) for one in data.get("who", ())]
    if change.instead not in here:
        return None
    put = {WhoKind.PERSON.value: change.person} if change.person else {WhoKind.DESK.value: change.desk}
    who = [put if part_key(one) == change.instead else one for one in data["who"]]
    return played(definition, Gesture("write", change.step, step={**data, "who": who})), change


def _added(definition: Definition, change: Change, desks: Desks) -> tuple[Definition, Change]:
    desk = desks.get(change.desk)
    kind = StepKind(change.asks)
    label = (
        " ".join(change.label.split()) or f"{kind.label}, {desk.name if desk else change.desk}"[:MAX_LABEL]
    )
    keys = [str(one["key"]) for one in definition["steps"]]
    key = change.step if _own(change.step) and change.step not in keys else f"added_{secrets.token_hex(4)}"
    step: dict[str, Any] = {
        "key": key,
        "label": label,
        "kind": kind.value,
        "who": [{WhoKind.DESK.value: change.desk}],
        "quorum": "any",
    }
    if change.days is not None:
        step["days"] = change.days
    made = played(definition, Gesture("write", key, step=step))
    made = played(made, Gesture("move", key, place=keys.index(change.after) + 1))
    return made, replace(change, step=key, label=label)


def _own(key: str) -> bool:
    """Whether a key is one that was drawn here for an added step."""
    return key.startswith("added_") and len(key) == 14 and set(key[6:]) <= set("0123456789abcdef")


def _faults(
    folder: Folder, before: Circuit, definition: Definition, changes: Sequence[Change], desks: Desks
) -> Iterator[tuple[str | None, str]]:
    """What the checker of circuits finds that it did not find before, and what this very folder does not let be.

    Each with the key of its step; None for the whole.
    """
    family = family_of(folder.in_force)
    # No change sends anything elsewhere: the channels are those of the circuit that the folder follows
    channels = {step.channel for step in before.steps if step.channel}
    known = set(problems(family, before.to_data(), desks, channels))
    found = [one for one in problems(family, definition, desks, channels) if one not in known]
    yield from ((one.step, one.sentence) for one in found)
    told = {one.step for one in found}
    steps = {str(one["key"]): one for one in definition["steps"]}
    law = folder.read_as
    inside = circle(folder, before)
    yield from _unasked(folder, before, definition)
    for change in changes:
        desk, step = desks.get(change.desk), steps.get(change.step)
        if change.kind != REMOVE and change.person and step is not None:
            yield from _unfit(folder, step, change.person, desks, inside)
        if change.kind == REMOVE or desk is None or step is None:
            continue
        kind = StepKind(step["kind"])
        if change.kind == ADD:
            yield from ((change.step, sentence) for sentence in _too_late(definition, change.step, kind))
        if law.discreet and change.desk not in inside:
            yield (
                change.step,
                f"« {desk.name} » ne lit pas ce dossier, dont l’accès est restreint : choisissez un bureau de son circuit.",
            )
        elif not desk.may(kind.right, family) and change.step not in told:
            yield (
                change.step,
                f"Personne n’a le droit de {kind.infinitive} à « {desk.name} » : choisissez un autre bureau.",
            )
        if [part_key(who) for who in step["who"]].count(f"desk:{change.desk}") > 1:
            yield (
                change.step,
                f"« {desk.name} » est déjà à l’étape « {step['label']} » : choisissez un autre bureau.",
            )


def _unfit(
    folder: Folder, step: Mapping[str, Any], login: str, desks: Desks, inside: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Why somebody may not be named at a coming step of this folder, beside what the checker finds."""
    family, right = family_of(folder.in_force), StepKind(step["kind"]).right
    held = {key: desk.logins[login] for key, desk in desks.items() if login in desk.logins}
    name = people_of(desks).get(login, login)
    if folder.writers & set(held.values()):
        yield (
            str(step["key"]),
            f"« {name} » a déposé ce dossier et n’y décide pas : choisissez quelqu’un d’autre.",
        )
    if folder.read_as.discreet and not any(
        key in inside and desks[key].gives(number, right, family) for key, number in held.items()
    ):
        yield (
            str(step["key"]),
            f"« {name} » ne lit pas ce dossier, dont l’accès est restreint : choisissez quelqu’un d’un bureau de son circuit.",
        )
    if [part_key(who) for who in step["who"]].count(f"{WhoKind.PERSON.value}:{login}") > 1:
        yield (
            str(step["key"]),
            f"« {name} » est déjà à l’étape « {step['label']} » : choisissez quelqu’un d’autre.",
        )


def _too_late(definition: Definition, key: str, kind: StepKind) -> Iterator[str]:
    """Why an added step may not stand where it is (`workflows.adding`)."""
    drawn = sketch(definition)
    try:
        refuse_added(kind, drawn.steps[: drawn.steps.index(drawn.step(key))])
    except Refusal as refusal:
        yield sentences.say(refusal.key, refusal.facts)[1]


def _unasked(folder: Folder, before: Circuit, definition: Definition) -> Iterator[tuple[str, str]]:
    """The coming steps that depend on what is not given yet, and that no step would ask for any more."""
    after = sketch(definition)
    asked = {key for step in after.steps for key in step.requires}
    for gone in before.steps:
        lost = gone.awaits(folder.facts) - asked
        for step in _coming(folder, before, after):
            for key in sorted(lost & step.when.fields if step.when is not None else ()):
                field = family_of(folder.in_force).field(key)
                yield (
                    step.key,
                    f"L’étape « {step.label} » dépend de « {field.label if field else key} », que plus aucune étape ne "
                    f"demanderait : retirez-la aussi, ou gardez « {gone.label} ».",
                )


def circle(folder: Folder, circuit: Circuit) -> frozenset[str]:
    """The desks, by key, to which a folder whose reading is restricted may come at all: those of its type and of its circuit."""
    law = folder.read_as
    desks = (who.value for step in circuit.steps for who in step.who if who.kind is WhoKind.DESK)
    return frozenset((*law.restricted_to, *law.seen_at, *desks))


def _stuck(then: Rehearsal, before: Circuit) -> Iterator[tuple[str, str]]:
    """The coming steps that would not end, each with why: nobody there, or no mandate at a desk that is put there to sign."""
    old = {step.key: step for step in before.steps}
    for stage in then.stages:
        step = stage.step
        if stage.refusal is not None:
            missing = stage.refusal.facts.get("what", "")
            yield step.key, f"L’étape « {step.label} » n’a personne ({missing}) : remplacez-en le bureau."
        elif stage.unsendable:
            yield (
                step.key,
                f"Personne ne pourrait {step.kind.infinitive} à l’étape « {step.label} », et le dossier y resterait : "
                "remplacez-en le bureau.",
            )
        elif step.kind is StepKind.SIGN and step.key in old:
            placed = {f"desk:{who.value}" for who in step.who if who not in old[step.key].who}
            for slot in stage.slots:
                if slot.key in placed and not slot.people:
                    yield (
                        step.key,
                        f"Personne à « {slot.label} » n’aurait de mandat pour signer ce dossier ce jour-là : choisissez un "
                        "autre bureau.",
                    )


def _lines(folder: Folder, before: Circuit, after: Circuit, then: Rehearsal) -> Iterator[Line]:
    """The coming steps that this folder goes through, those that are removed in the place where they were."""
    law = imposed(family_of(folder.in_force), after)
    stages = {stage.step.key: stage for stage in then.stages}
    old = _ahead(folder, before)
    kept = {step.key for step in after.steps}
    removed: dict[str, list[Step]] = {}
    previous = folder.place
    for step in old:
        if step.key in kept:
            previous = step.key
        else:
            removed.setdefault(previous, []).append(step)
    was = {step.key: step for step in old}
    yield from (Line(step, "removed", step, None, None) for step in removed.get(folder.place, ()))
    for step in _coming(folder, before, after):
        state = "added" if step.key not in was else "same" if was[step.key] == step else "changed"
        yield Line(step, state, was.get(step.key), law.get(step.key), stages.get(step.key))
        yield from (Line(one, "removed", one, None, None) for one in removed.get(step.key, ()))


def _ahead(folder: Folder, circuit: Circuit) -> list[Step]:
    return list(circuit.applicable(folder.facts, folder.place))


def _named(plan: Plan, change: Change) -> str:
    """« l’étape « Contrôle des finances » », as a change that bears on nothing named it."""
    key = change.after if change.kind == ADD else change.step
    label = next((step.label for step in plan.before.steps if step.key == key), "")
    return f"l’étape « {label} »" if label else "une étape"
