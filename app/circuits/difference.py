"""What changes from one version of a circuit, or of a table of rules, to another, in plain words."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from workflows.circuit import Circuit, Step
from workflows.drawing import channel_text, condition_text, field_name, quorum_text, value_key, who_text
from workflows.rule_table import Row, Table

Names = Mapping[str, str]


def difference(before: Circuit, after: Circuit, names: Names, money: Collection[str] = ()) -> list[str]:
    """One sentence for each change; none when both say the same.

    `names`: how desks, facts, their values and channels are called, by key (`drawing.Names`); `money`: the facts that are
    amounts in euros. A step is the same one as long as its key is, whatever it is called.
    """
    if before == after:
        return []
    old, new = {step.key: step for step in before.steps}, {step.key: step for step in after.steps}
    sentences: list[str] = []
    if before.label != after.label:
        sentences.append(f"Le circuit « {before.label} » s’appelle « {after.label} ».")
    if before.only_for != after.only_for:
        sentences.append(only_words(after, names))
    sentences += _informed("Dès l’envoi", before.told, after.told, names)
    sentences += [_removed(step, after, names) for key, step in old.items() if key not in new]
    for rank, step in enumerate(after.steps):
        if step.key not in old:
            sentences.append(
                f"L’étape « {step.label} » est ajoutée ({step.kind.label.lower()}), {_place(after, rank)}."
            )
            sentences += _set(step, names, money)
            sentences += _required(f"« {step.label} »", (), step.requires, names)
            sentences += _reading(f"« {step.label} »", False, step.reading)
            sentences += _informed(f"« {step.label} »", (), step.told, names)
    sentences += _moved(before, after, old, new)
    for key, step in new.items():
        if key in old:
            sentences += _changed(old[key], step, names, money)
    return sentences


def only_words(circuit: Circuit, names: Names) -> str:
    """Whose folders a circuit is for, in a sentence."""
    if not circuit.only_for:
        return "Le circuit n’est plus réservé à un type."
    label = names.get(value_key("type", circuit.only_for), circuit.only_for)
    return f"Le circuit est réservé au type « {label} »."


def _set(step: Step, names: Names, money: Collection[str]) -> Iterator[str]:
    """The conditions of an added step, a sentence each: its quorum, its condition, its delay; none where it has none of them."""
    name = f"« {step.label} »"
    if count := quorum_text(step):
        yield f"{name} : {', '.join(who_text(who, names) for who in step.who)} ({count})."
    if step.when is not None:
        yield f"{name} : n’a lieu que si {condition_text(step.when, names, money)}."
    if step.days is not None:
        yield f"{name} : {_days(step.days)}."


def _removed(step: Step, after: Circuit, names: Names) -> str:
    """That a step goes, with what no step requires any more."""
    lost = [key for key in step.requires if not any(key in other.requires for other in after.steps)]
    if not lost:
        return f"L’étape « {step.label} » est retirée."
    fields = ", ".join(f"« {field_name(key, names)} »" for key in lost)
    return f"L’étape « {step.label} » est retirée : {fields} {'ne sont' if len(lost) > 1 else 'n’est'} plus à remplir."


def _required(where: str, was: Sequence[str], requires: Sequence[str], names: Names) -> Iterator[str]:
    """Which fields come to be required at a step, or are no more."""
    come = [f"« {field_name(key, names)} »" for key in requires if key not in was]
    gone = [f"« {field_name(key, names)} »" for key in was if key not in requires]
    if come:
        yield f"{where} : {', '.join(come)} {'y sont' if len(come) > 1 else 'y est'} à remplir."
    if gone:
        yield f"{where} : {', '.join(gone)} {'n’y sont' if len(gone) > 1 else 'n’y est'} plus à remplir."


def _reading(where: str, was: bool, reading: bool) -> Iterator[str]:
    """Whether the documents come to be read before a step is decided, or need no more."""
    if was != reading:
        yield f"{where} : la lecture des documents {'y est' if reading else 'n’y est plus'} exigée."


def _place(circuit: Circuit, rank: int) -> str:
    return f"après « {circuit.steps[rank - 1].label} »" if rank else "au début"


def _moved(
    before: Circuit, after: Circuit, old: Mapping[str, Step], new: Mapping[str, Step]
) -> Iterator[str]:
    """The fewest steps whose move gives the new order; what is added or removed moves nobody."""
    still = _still(
        [step.key for step in before.steps if step.key in new],
        [step.key for step in after.steps if step.key in old],
    )
    for rank, step in enumerate(after.steps):
        if step.key in old and step.key not in still:
            yield f"L’étape « {step.label} » se place maintenant {_place(after, rank)}."


def _still(first: Sequence[str], second: Sequence[str]) -> set[str]:
    """Those that keep their place, when the fewest others move."""
    return {
        first[at]
        for block in SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
        for at in range(block.a, block.a + block.size)
    }


def rules_difference(
    before: Table, after: Table, names: Names, money: Collection[str], circuits: Names
) -> list[str]:
    """One sentence for each change of a table of rules; none when both say the same. `circuits`: their labels by name."""
    old, new = {row.key: row for row in before.rows}, {row.key: row for row in after.rows}
    places = {row.key: rank for rank, row in enumerate(before.rows, start=1)}

    def when(row: Row) -> str:
        return condition_text(row.when, names, money) if row.when.fields else "rien encore"

    def way(name: str) -> str:
        return f"« {circuits.get(name, name)} »" if name else "aucun circuit encore"

    sentences = [
        f"La règle {places[key]} ({when(row)}) est retirée." for key, row in old.items() if key not in new
    ]
    still = _still([key for key in old if key in new], [key for key in new if key in old])
    for rank, (key, row) in enumerate(new.items(), start=1):
        if key not in old:
            says = f" : si {when(row)}, {way(row.circuit)}" if row.when.fields else ", sans condition encore"
            sentences.append(f"La règle {rank} est ajoutée{says}.")
            continue
        was = old[key]
        if key not in still:
            sentences.append(f"La règle {places[key]} ({when(was)}) passe en place {rank}.")
        if was.when != row.when:
            sentences.append(
                f"La règle {rank} prend les dossiers si {when(row)}, et non plus si {when(was)}."
            )
        if was.circuit != row.circuit:
            sentences.append(
                f"La règle {rank} ({when(row)}) donne {way(row.circuit)}, et non plus {way(was.circuit)}."
            )
    if before.otherwise != after.otherwise:
        sentences.append(
            f"Les autres cas suivent {way(after.otherwise)}, et non plus {way(before.otherwise)}."
        )
    return sentences


def _changed(was: Step, step: Step, names: Names, money: Collection[str]) -> Iterator[str]:
    name = f"« {step.label or was.label} »"
    if was.label != step.label and step.label:  # a draft may have a name that is none yet
        yield f"« {was.label} » s’appelle {name}."
    if was.kind is not step.kind:
        yield f"{name} : {was.kind.label} devient {step.kind.label}."
    gone = [who_text(who, names) for who in was.who if who not in step.who]
    come = [who_text(who, names) for who in step.who if who not in was.who]
    if come:
        yield f"{name} : {', '.join(come)} {'s’ajoutent' if len(come) > 1 else 's’ajoute'}."
    if gone:
        yield f"{name} : {', '.join(gone)} n’y {'sont' if len(gone) > 1 else 'est'} plus."
    counts = (quorum_text(was) or "un seul acteur", quorum_text(step) or "un seul acteur")
    if counts[0] != counts[1]:
        yield f"{name} : {counts[0]} devient {counts[1]}."
    if was.when != step.when:
        yield f"{name} : {_when(was, step, names, money)}"
    if was.days != step.days:
        yield f"{name} : {_days(was.days)} devient {_days(step.days)}."
    if was.channel != step.channel and step.channel is not None:
        before = f", et non plus {channel_text(was.channel, names)}" if was.channel else ""
        yield f"{name} : part {channel_text(step.channel, names)}{before}."
    yield from _required(name, was.requires, step.requires, names)
    yield from _reading(name, was.reading, step.reading)
    yield from _informed(name, was.told, step.told, names)


def _informed(where: str, was: Sequence[str], desks: Sequence[str], names: Names) -> Iterator[str]:
    """Which desks come to be told at a step, or are told no more."""
    come = [names.get(key, key) for key in desks if key not in was]
    gone = [names.get(key, key) for key in was if key not in desks]
    if come:
        yield f"{where} : {', '.join(come)} {'sont informés' if len(come) > 1 else 'est informé'} sans agir."
    if gone:
        yield f"{where} : {', '.join(gone)} n’y {'sont' if len(gone) > 1 else 'est'} plus informé{'s' if len(gone) > 1 else ''}."


def _when(was: Step, step: Step, names: Names, money: Collection[str]) -> str:
    if step.when is None:
        return "a lieu dans tous les cas."
    condition = condition_text(step.when, names, money)
    if was.when is None:
        return f"n’a plus lieu que si {condition}."
    return f"a lieu si {condition}, et non plus si {condition_text(was.when, names, money)}."


def _days(days: int | None) -> str:
    if days is None:
        return "aucun délai"
    return f"un délai de {days} jour{'s' if days > 1 else ''} ouvré{'s' if days > 1 else ''}"
