"""The picture of a circuit, in Mermaid for the docs and in SVG for the screen, with every word in French."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from html import escape
from textwrap import wrap

from workflows.circuit import DONE, DRAFT, REJECTED, Circuit, Step, StepKind, Who, WhoKind
from workflows.condition import AllOf, AnyOf, Condition, Not, Test

Names = Mapping[str, str]
"""French names by key of desk or of field; a key without a name is shown as it is.

What a field may be worth is named under « field=value » (`value_key`), a channel under « channel=name »: « la préfecture »,
somebody under « person=login », which may be the key of a desk too.
"""

WORDS = {
    "==": "vaut",
    "!=": "ne vaut pas",
    ">": "dépasse",
    ">=": "atteint",
    "<": "est inférieur à",
    "<=": "ne dépasse pas",
    "in": "est parmi",
    "starts_with": "commence par",
    "present": "est renseigné",
}
"""How each comparison is read, between the name of a fact and a value."""
_CENT = Decimal("0.01")
_ENDS = {DRAFT: "Brouillon", DONE: "Terminé", REJECTED: "Rejeté"}

WIDTH, MARGIN, LINE, GAP, COLUMNS = 480, 16, 20, 28, 54  # SVG user units, and characters on a line


def condition_text(condition: Condition, names: Names | None = None, money: Collection[str] = ()) -> str:
    r"""The rule in French, to be read after « si »; what is compared with a fact of `money` is in euros.

    >>> condition_text(Test("amount", ">=", Decimal(4000)), {"amount": "le montant"}, {"amount"})
    'le montant atteint 4\u202f000\xa0€'
    """
    names = names or {}
    if isinstance(condition, Test):
        name = names.get(condition.field, condition.field)
        values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
        inside = condition.field in money
        shown = ", ".join(
            f"« {names[key]} »"
            if (key := value_key(condition.field, value)) in names
            else _value(value, money=inside)
            for value in values
            if value is not None
        )
        return f"{name} {WORDS[condition.op]} {shown}".rstrip()
    if isinstance(condition, Not):
        return f"il est faux que {_grouped(condition.part, names, money)}"
    if isinstance(condition, AllOf | AnyOf):
        word = " et " if isinstance(condition, AllOf) else " ou "
        return word.join(_grouped(part, names, money) for part in condition.parts)
    raise TypeError(condition)


def value_key(field: str, value: object) -> str:
    """The key under which `Names` has the words for a value of a field."""
    return f"{field}={value}"


def channel_text(channel: str, names: Names | None = None) -> str:
    """Whom a transmission goes to, in French: « vers la préfecture »."""
    return f"vers {(names or {}).get(value_key('channel', channel), f'« {channel} »')}"


def who_text(who: Who, names: Names | None = None) -> str:
    """Who acts, in French."""
    key = value_key("person", who.value) if who.kind is WhoKind.PERSON else who.value
    name = (names or {}).get(key, who.value)
    if who.kind is WhoKind.CHOSEN:
        return f"bureau choisi au dépôt ({name})"
    if who.kind is WhoKind.SUPERIOR:
        return "supérieur de l’émetteur" if who.value == "1" else f"{who.value}e supérieur de l’émetteur"
    return name


def quorum_text(step: Step) -> str:
    """How many of those who act are enough, in French; empty when only one acts."""
    return count_text(len(step.who), step.quorum.needed(len(step.who)))


def count_text(total: int, needed: int) -> str:
    """How many of `total` parts are enough, in French; empty for one part.

    >>> count_text(3, 2), count_text(2, 1), count_text(1, 1)
    ('2 sur 3', 'un seul suffit', '')
    """
    if total < 2:
        return ""
    if needed >= total:
        return f"les {total}, dans n’importe quel ordre"
    return "un seul suffit" if needed <= 1 else f"{needed} sur {total}"


def parts_text(parts: Sequence[str], needed: int) -> str:
    """Who is awaited, in French, where `needed` of these parts are enough.

    >>> parts_text(["Voirie", "Urbanisme"], 1)
    'Voirie ou Urbanisme'
    >>> parts_text(["Voirie", "Bâtiments", "Urbanisme"], 2)
    '2 parmi Voirie, Bâtiments et Urbanisme'
    >>> parts_text(["Voirie", "Bâtiments", "Urbanisme"], 3)
    'Voirie, Bâtiments et Urbanisme'
    """
    *others, last = parts or [""]
    if not others:
        return last
    word = "ou" if needed <= 1 else "et"
    listed = f"{', '.join(others)} {word} {last}"
    return f"{needed} parmi {listed}" if 1 < needed < len(parts) else listed


def step_lines(step: Step, names: Names | None = None, money: Collection[str] = ()) -> list[str]:
    """What a picture says of a step: kind and actors, quorum, condition, days."""
    actors = ", ".join(who_text(who, names) for who in step.who)
    if step.channel:
        actors = f"automatique, {channel_text(step.channel, names)}"
    lines = [f"{step.kind.label} : {actors}" if actors else step.kind.label]
    if quorum := quorum_text(step):
        lines.append(f"Quorum : {quorum}")
    if step.when is not None:
        lines.append(f"Seulement si {condition_text(step.when, names, money)}")
    if step.days is not None:
        lines.append(f"{step.days} jour{'s' if step.days > 1 else ''} ouvré{'s' if step.days > 1 else ''}")
    if step.requires:
        lines.append(required_text(step.requires, names))
    if step.reading:
        lines.append(READING)
    if step.told:
        lines.append(told_text(step.told, names))
    return lines


READING = "Lecture exigée"


def required_text(keys: Collection[str], names: Names | None = None) -> str:
    """What is to be filled in before a step is left, in French: « À remplir : Numéro d’engagement »."""
    return f"À remplir : {', '.join(field_name(key, names) for key in keys)}"


def field_name(key: str, names: Names | None = None) -> str:
    """The name of a field where it stands alone, with its capital."""
    name = (names or {}).get(key, key)
    return f"{name[:1].upper()}{name[1:]}"


def told_text(desks: Collection[str], names: Names | None = None) -> str:
    """The desks that read a folder and act on nothing, in French."""
    return f"Pour information : {', '.join((names or {}).get(key, key) for key in desks)}"


def mermaid(circuit: Circuit, names: Names | None = None, money: Collection[str] = ()) -> str:
    """A Mermaid flowchart of every move: submit, close, skip, reject or refuse, and submit again."""
    begins = "<br/>".join(map(_entities, (_ENDS[DRAFT], *_told_first(circuit, names))))
    lines = ["flowchart TD", f'  p_draft(["{begins}"])']
    for step in circuit.steps:
        label = "<br/>".join(_entities(text) for text in (step.label, *step_lines(step, names, money)))
        lines.append(f'  p_{step.key}["{label}"]')
    lines += [f"  p_done([{_quoted(_ENDS[DONE])}])", f"  p_rejected([{_quoted(_ENDS[REJECTED])}])"]
    for place in (DRAFT, *(step.key for step in circuit.steps)):
        lines.extend(_mermaid_edges(circuit, place, names, money))
    for step in circuit.steps:
        if step.kind is StepKind.TRANSMIT:
            lines.append(f"  p_{step.key} -. refus .-> p_rejected")
        elif step.kind in {StepKind.VISA, StepKind.SIGN, StepKind.SEAL}:
            lines.append(f"  p_{step.key} -. rejet .-> p_rejected")
    lines.append("  p_rejected -. nouvel envoi .-> p_draft")
    return "\n".join(lines) + "\n"


def svg(
    circuit: Circuit,
    names: Names | None = None,
    money: Collection[str] = (),
    wrong: Mapping[str, Sequence[str]] | None = None,
    width: int = WIDTH,
) -> str:
    """A small vertical picture with a title and a description for screen readers; styled by classes only.

    `money`: the facts that are amounts in euros; `wrong`: by key of step, what is wrong with it, written in its box.
    `width`: in the units in which a letter is 15 high.
    """
    wrong, columns = wrong or {}, (width - 4 * MARGIN) * COLUMNS // (WIDTH - 4 * MARGIN)
    begins = [part for text in _told_first(circuit, names) for part in wrap(text, columns)]
    boxes: list[tuple[str, list[str], list[str]]] = [("circuit-end", [_ENDS[DRAFT], *begins], [])]
    for step in circuit.steps:
        optional = " circuit-conditional" if step.when is not None else ""
        texts = [
            *wrap(step.label, columns),
            *(part for text in step_lines(step, names, money) for part in wrap(text, columns)),
        ]
        faults = [part for text in wrong.get(step.key, ()) for part in wrap(text, columns - 3)]
        marked = " circuit-wrong" if faults else ""
        boxes.append((f"circuit-step circuit-{step.kind}{optional}{marked}", texts, faults))
    boxes.append(("circuit-end", [_ENDS[DONE]], []))
    drawn: list[str] = []
    top = MARGIN
    for rank, (classes, lines, faults) in enumerate(boxes):
        if rank:
            drawn.append(_arrow(width // 2, top, top + GAP))
            top += GAP
        drawn.append(_box(classes, lines, faults, top, width))
        top += _height([*lines, *faults])
    steps = (
        f"{n}. {s.label}. {'. '.join((*step_lines(s, names, money), *wrong.get(s.key, ())))}."
        for n, s in enumerate(circuit.steps, start=1)
    )
    begun = "".join(f"{text}. " for text in _told_first(circuit, names))
    title, desc = f"circuit-{circuit.key}-title", f"circuit-{circuit.key}-desc"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="circuit" role="img" '
        f'viewBox="0 0 {width} {top + MARGIN}" aria-labelledby="{title} {desc}">'
        f'<title id="{title}">Circuit « {escape(circuit.label)} »</title>'
        f'<desc id="{desc}">{escape(begun + " ".join(steps))}</desc>{"".join(drawn)}</svg>'
    )


def _told_first(circuit: Circuit, names: Names | None) -> tuple[str, ...]:
    return (told_text(circuit.told, names),) if circuit.told else ()


def _value(value: Decimal | str, *, money: bool) -> str:
    if isinstance(value, str):
        return f"« {value} »"
    whole = value == value.to_integral_value()
    figures = (
        f"{value:,.0f}"
        if whole
        else f"{value:,.2f}"
        if money and value.quantize(_CENT) == value
        else f"{value:,}"
    )
    return figures.replace(",", "\u202f").replace(".", ",") + ("\u00a0€" if money else "")


def _grouped(condition: Condition, names: Names, money: Collection[str]) -> str:
    text = condition_text(condition, names, money)
    return text if isinstance(condition, Test) else f"({text})"


def _mermaid_edges(
    circuit: Circuit, place: str, names: Names | None, money: Collection[str]
) -> Iterator[str]:
    skipped = False
    for step in circuit.following(place):
        if step is None and place == DRAFT:
            continue
        target = DONE if step is None else step.key
        when = step.when if step else None
        parts = [
            word
            for word in ("sinon" if skipped else "", when and f"si {condition_text(when, names, money)}")
            if word
        ]
        label = f'|"{_entities(", ".join(parts))}"|' if parts else ""
        yield f"  p_{place} -->{label} p_{target}"
        skipped = True


def _entities(text: str) -> str:
    """The text with every sign that Mermaid could read as syntax written as an entity code."""
    return re.sub(r'["#&<>;`\\|{}\[\]()]', lambda sign: f"#{ord(sign[0])};", text)


def _quoted(text: str) -> str:
    return f'"{_entities(text)}"'


def _height(lines: list[str]) -> int:
    return LINE * len(lines) + MARGIN


def _box(classes: str, lines: list[str], faults: list[str], top: int, width: int) -> str:
    kinds = ["circuit-label", *["circuit-detail"] * (len(lines) - 1), *["circuit-fault"] * len(faults)]
    texts = "".join(
        f'<text class="{kind}" x="{2 * MARGIN}" y="{top + MARGIN + 6 + LINE * rank}">{escape(line)}</text>'
        for rank, (kind, line) in enumerate(zip(kinds, [*lines, *faults], strict=True))
    )
    return (
        f'<g class="{classes}"><rect x="{MARGIN}" y="{top}" width="{width - 2 * MARGIN}" '
        f'height="{_height([*lines, *faults])}" rx="6"/>{texts}</g>'
    )


def _arrow(x: int, start: int, end: int) -> str:
    return (
        f'<g class="circuit-arrow"><line x1="{x}" y1="{start}" x2="{x}" y2="{end - 6}"/>'
        f'<polygon points="{x - 5},{end - 8} {x + 5},{end - 8} {x},{end}"/></g>'
    )
