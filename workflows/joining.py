"""Whether a circuit asks all that another does, and the one that asks what several ask, where none of them does."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from workflows.circuit import Circuit, Step, StepKind
from workflows.condition import Facts, versions
from workflows.engine import filled


def contains(circuit: Circuit, other: Circuit, facts: Facts) -> bool:
    """Whether a folder with these facts meets in a circuit each step of another: the same nature, the same people, as many.

    Of disputed facts, whichever value is the right one; of those that a step is still to ask, whatever they become. Two steps
    of the other are never the same step here. Days, words and desks that are told weigh nothing; what is required weighs.
    """
    tried, unknown = _values(facts, circuit, other), _awaited(facts, circuit, other)
    return tried is not None and all(_contains(circuit, other, version, unknown) for version in tried)


def _contains(circuit: Circuit, other: Circuit, facts: Facts, unknown: frozenset[str]) -> bool:
    steps = circuit.applicable(facts)
    matches = [
        [
            rank
            for rank, step in enumerate(steps)
            if asks_as_much(step, needed)
            and set(needed.requires) <= set(step.requires)
            and needed.reading <= step.reading
            and _wherever(step, needed, facts, unknown)
        ]
        for needed in other.applicable(facts)
    ]
    return filled(matches) == len(matches)


def _awaited(facts: Facts, *circuits: Circuit) -> frozenset[str]:
    """The keys of the facts that these circuits are still to ask."""
    return frozenset[str]().union(*(step.awaits(facts) for circuit in circuits for step in circuit.steps))


def _wherever(step: Step, other: Step, facts: Facts, unknown: frozenset[str]) -> bool:
    """Whether a step takes place wherever the other does, whatever the facts become that are still to be asked."""
    read = frozenset[str]().union(*(each.when.fields for each in (step, other) if each.when is not None))
    if not read & unknown:
        return step.applies(facts) or not other.applies(facts)
    return step.when is None or step.when == other.when


def asks_as_much(step: Step, other: Step) -> bool:
    """Whether a step is never done without the other being done: whoever ends it would have ended the other.

    Of `n` among its people, at least `n` less those who are not of the other are of the other.
    """
    if step.channel != other.channel:
        return False
    if step.kind is not other.kind and (step.kind, other.kind) != (StepKind.VISA, StepKind.OPINION):
        return False  # a visa says more than an opinion of the same people, never the contrary
    if step.kind.automatic:
        return True
    strangers = len([who for who in step.who if who not in other.who])
    return step.quorum.needed(len(step.who)) - strangers >= other.quorum.needed(len(other.who))


def maximal(circuits: Sequence[Circuit], facts: Facts) -> tuple[int, ...]:
    """The ranks of those that no other contains; of several that contain one another, the first."""
    ranks: list[int] = []
    for rank, circuit in enumerate(circuits):
        if any(contains(circuits[before], circuit, facts) for before in ranks):
            continue
        ranks = [before for before in ranks if not contains(circuit, circuits[before], facts)]
        ranks.append(rank)
    return tuple(ranks)


def joined(circuits: Sequence[Circuit], facts: Facts) -> Circuit:
    """A circuit that contains each of these for these facts: the steps of the first, and those of the others that it lacks.

    A step that is lacking stands where its own circuit has it, between those that both have; one that asks more of the same
    people takes the place of the other, and the desks that either tells are told, the fields that either requires required.
    The law is not asked here.
    """
    first, *others = circuits
    unknown = _awaited(facts, *circuits)
    for other in others:
        first = _with(first, other, facts, unknown)
    labels = " et ".join(dict.fromkeys(circuit.label for circuit in circuits))
    informed = tuple(dict.fromkeys(key for circuit in circuits for key in circuit.told))
    only = next((circuit.only_for for circuit in circuits if circuit.only_for), "")
    return replace(first, label=labels[:120].strip(), told=informed, only_for=only)


def _with(circuit: Circuit, other: Circuit, facts: Facts, unknown: frozenset[str]) -> Circuit:
    steps, place, met = list(circuit.steps), 0, set[str]()
    for theirs in other.steps:
        at = next(
            (
                n
                for n, step in enumerate(steps)
                if step.key not in met and _stands_for(step, theirs, facts, unknown)
            ),
            None,
        )
        if at is not None:
            steps[at] = _both(steps[at], steps[at], theirs)
        else:
            at = next(
                (
                    n
                    for n, step in enumerate(steps)
                    if step.key not in met and _stands_for(theirs, step, facts, unknown)
                ),
                None,
            )
            if at is not None:
                steps[at] = _both(replace(theirs, key=steps[at].key), steps[at], theirs)
        if at is None:
            at = place
            steps.insert(at, replace(theirs, key=_free(theirs.key, {step.key for step in steps})))
        met.add(steps[at].key)
        place = max(place, at + 1)
    return replace(circuit, steps=tuple(steps))


def _stands_for(step: Step, other: Step, facts: Facts, unknown: frozenset[str]) -> bool:
    """Whether a step does for the other: it asks as much, wherever the other takes place.

    One that would tell the desks of the other, or require its fields or its reading, where the other does not take place,
    does not.
    """
    tried = _values(facts, Circuit("", "", (step, other)))
    if tried is None or not asks_as_much(step, other):
        return False
    more = not set(other.told) <= set(step.told) or not set(other.requires) <= set(step.requires)
    more = more or other.reading > step.reading
    return all(
        _wherever(step, other, version, unknown) and (not more or _wherever(other, step, version, unknown))
        for version in tried
    )


def _both(stands: Step, *steps: Step) -> Step:
    """A step with all the desks that these tell, and all the fields and the reading that they require."""
    return replace(
        stands,
        told=tuple(dict.fromkeys(key for step in steps for key in step.told)),
        requires=tuple(dict.fromkeys(key for step in steps for key in step.requires)),
        reading=any(step.reading for step in steps),
    )


def _free(key: str, taken: set[str]) -> str:
    return next(
        name
        for rank in range(1, len(taken) + 2)
        if (name := key if rank == 1 else f"{key[:36]}_{rank}") not in taken
    )


def _values(facts: Facts, *circuits: Circuit) -> Iterator[Facts] | None:
    read = (step.when.fields for circuit in circuits for step in circuit.steps if step.when is not None)
    return versions(facts, frozenset().union(*read))
