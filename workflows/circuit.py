"""What a circuit is: steps in order, who acts at each, how many are enough, and when a step applies."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from workflows.condition import OWN, AllOf, AnyOf, Condition, Facts, Not, Test, plainly_within, possible
from workflows.emitting import BRANCH, EMITTER
from workflows.errors import Refusal
from workflows.vocabulary import Phase, StepKind, WhoKind

__all__ = [
    "DONE",
    "DRAFT",
    "RECALLED",
    "REJECTED",
    "RESERVED",
    "WITHDRAWN",
    "AllOf",
    "AnyOf",
    "Circuit",
    "Condition",
    "Facts",
    "Not",
    "Phase",
    "Quorum",
    "Step",
    "StepKind",
    "Test",
    "Who",
    "WhoKind",
    "phase_of",
]

DRAFT, REJECTED, RECALLED, WITHDRAWN, DONE = "draft", "rejected", "recalled", "withdrawn", "done"
RESERVED = frozenset({DRAFT, REJECTED, RECALLED, WITHDRAWN, DONE})

_OF_A_FIELD = frozenset({WhoKind.CHOSEN, WhoKind.ROLE})

_PHASES = {
    DRAFT: Phase.DRAFT,
    RECALLED: Phase.DRAFT,
    REJECTED: Phase.REJECTED,
    DONE: Phase.DONE,
    WITHDRAWN: Phase.DONE,
}


def phase_of(place: str) -> Phase:
    """The phase of a folder that stands at `place`; a place that is not reserved is a step, hence running."""
    return _PHASES.get(place, Phase.RUNNING)


@dataclass(frozen=True, slots=True)
class Who:
    """One expected actor, whose `value` says which one.

    A desk by key; the desk chosen at deposit under that field key; the emitter's n-th superior (n, as text);
    whoever holds a sitting role, that is the person or desk designated in that field of the folder; or somebody, by login.
    """

    kind: WhoKind
    value: str

    def to_data(self) -> dict[str, object]:
        """The same thing as the schema writes it."""
        return {self.kind.value: int(self.value) if self.kind is WhoKind.SUPERIOR else self.value}


@dataclass(frozen=True, slots=True)
class Quorum:
    """How many distinct persons complete a step: `any`, `all`, or a number."""

    rule: str | int = "any"

    def needed(self, slots: int) -> int:
        """Persons needed when `slots` can act; never fewer than one, for nobody completes nothing."""
        if isinstance(self.rule, int):
            return max(1, self.rule)
        return max(1, slots) if self.rule == "all" else 1


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `days` are working days before it is late; `channel` names the carrier of a transmission.

    `told`: the keys of the desks that read the folder from this step on, and act on nothing. `requires`: the keys of the own
    fields (`OWN`) that whoever acts at the step fills in before it is left. `reading`: whoever does what it asks has read
    the documents before.
    """

    key: str
    label: str
    kind: StepKind
    who: tuple[Who, ...] = ()
    quorum: Quorum = Quorum()
    when: Condition | None = None
    days: int | None = None
    channel: str | None = None
    told: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    reading: bool = False

    def applies(self, facts: Facts, unknown: frozenset[str] = frozenset()) -> bool:
        """True when a folder with these facts goes through the step: where they are disputed, when either asks for it.

        `unknown`: the keys of facts that are still to be given, when any value of them asks for it.
        """
        return self.when is None or possible(self.when, facts, unknown)

    def awaits(self, facts: Facts) -> frozenset[str]:
        """The keys of the facts that it requires and that nobody has given."""
        return frozenset(key for key in self.requires if facts.get(key) in (None, ""))

    def to_data(self) -> dict[str, object]:
        """The step as the schema writes it, without what is left unsaid."""
        written: dict[str, object] = {"key": self.key, "label": self.label, "kind": self.kind.value}
        if self.who:
            written["who"] = [who.to_data() for who in self.who]
            written["quorum"] = self.quorum.rule
        if self.when is not None:
            written["when"] = self.when.to_data()
        if self.days is not None:
            written["days"] = self.days
        if self.channel is not None:
            written["channel"] = self.channel
        if self.told:
            written["told"] = list(self.told)
        if self.requires:
            written["requires"] = list(self.requires)
        if self.reading:
            written["reading"] = True
        return written


@dataclass(frozen=True, eq=False)
class Circuit:
    """An ordered set of steps, frozen: two circuits are the same when they are written the same.

    `only_for`: the key of the one type of the collectivity whose folders follow it, and whose own fields its conditions may
    read; empty for a circuit of all the folders of its family. `told`: the keys of the desks that read its folders as soon as
    they leave, and act on nothing.
    """

    key: str
    label: str
    steps: tuple[Step, ...]
    only_for: str = ""
    told: tuple[str, ...] = ()

    @cached_property
    def digest(self) -> str:
        """SHA-256, in hexadecimal, of the canonical JSON (sorted keys, no space, UTF-8)."""
        written = json.dumps(self.to_data(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(written.encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Circuit) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    @cached_property
    def _by_key(self) -> dict[str, Step]:
        return {step.key: step for step in self.steps}

    @cached_property
    def _ranks(self) -> dict[str, int]:
        return {step.key: rank for rank, step in enumerate(self.steps)}

    def rank(self, key: str) -> int:
        """The place of the step of this key among all of them, from 0; refuses `step-unknown`."""
        try:
            return self._ranks[key]
        except KeyError:
            raise Refusal("step-unknown", step=key) from None

    def step(self, key: str) -> Step:
        """The step of this key; refuses `step-unknown`."""
        try:
            return self._by_key[key]
        except KeyError:
            raise Refusal("step-unknown", step=key) from None

    def told_at(self, step: Step, *, first: bool) -> tuple[str, ...]:
        """The desks that a folder is told to when it enters a step; `first`: the one that it enters by when it leaves."""
        return tuple(dict.fromkeys((*(self.told if first else ()), *step.told)))

    def applicable(self, facts: Facts, after: str | None = None) -> tuple[Step, ...]:
        """The steps a folder with these facts goes through, in order; `after`, those that follow the step of this key.

        One that depends on a fact which a step before it requires, and which nobody has given yet, is among them as long as
        some value of that fact asks for it.
        """
        start = 0 if after is None else self.rank(after)
        unknown: frozenset[str] = frozenset()
        way: list[Step] = []
        for step in self.steps[start:]:
            if step.key == after:
                unknown |= step.awaits(facts)
            elif step.applies(facts, unknown):
                way.append(step)
                unknown |= step.awaits(facts)
        return tuple(way)

    def unsure(self, facts: Facts) -> frozenset[str]:
        """The keys of the steps that depend on a fact which a step requires and which nobody has given yet."""
        open_now = frozenset[str]().union(*(step.awaits(facts) for step in self.steps))
        return frozenset(
            step.key for step in self.steps if step.when is not None and step.when.fields & open_now
        )

    def late_reads(self, mandatory: Collection[str]) -> list[tuple[Step, str, Step]]:
        """What would be decided on a fact that is only asked later: the step that reads it, its key, a step that requires it.

        A condition reads it too early when no step before requires it, or one that this folder may not have passed; who is
        chosen at the deposit, whatever requires it.
        `mandatory`: the keys of the fields that no folder leaves without.
        """
        asking: dict[str, Step] = {}
        for step in self.steps:
            for key in step.requires:
                asking.setdefault(key, step)
        reads: list[tuple[Step, str, Step]] = []
        before: list[tuple[Condition | None, tuple[str, ...]]] = []
        for step in self.steps:
            known = {key for when, keys in before if plainly_within(step.when, when) for key in keys}
            read = (step.when.fields if step.when is not None else frozenset()) - known
            chosen = {who.value for who in step.who if who.kind in _OF_A_FIELD}
            late = sorted((read | chosen) & asking.keys() - set(mandatory))
            reads += [(step, key, asking[key]) for key in late]
            before.append((step.when, step.requires))
        return reads

    def following(self, place: str) -> tuple[Step | None, ...]:
        """The steps tried in order on leaving `place`; a last `None` means that the folder may end there."""
        start = 0 if place in RESERVED else self.rank(place) + 1
        steps: list[Step | None] = []
        for step in self.steps[start:]:
            steps.append(step)
            if step.when is None:
                return tuple(steps)
        return (*steps, None)

    @cached_property
    def by_emitter(self) -> bool:
        """Whether one of its steps depends on the desk that deposits."""
        return any(step.when is not None and step.when.fields & {EMITTER, BRANCH} for step in self.steps)

    @property
    def own_fields(self) -> frozenset[str]:
        """The keys of the fields of a type (`OWN`) that its steps name."""
        named = {who.value for step in self.steps for who in step.who if who.kind in _OF_A_FIELD}
        read = (step.when.fields for step in self.steps if step.when is not None)
        required = (step.requires for step in self.steps)
        return frozenset(key for key in named.union(*read, *required) if key.startswith(OWN))

    def to_data(self) -> dict[str, Any]:
        """The circuit as the schema writes it; `load(circuit.to_data()) == circuit`."""
        more: dict[str, object] = {"type": self.only_for} if self.only_for else {}
        if self.told:
            more["told"] = list(self.told)
        return {
            "key": self.key,
            "label": self.label,
            **more,
            "steps": [step.to_data() for step in self.steps],
        }
