"""What a family declares: its fields, its formats, the stages no circuit may skip, and the rules of law."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from dataclasses import field as attribute
from datetime import date, timedelta
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from string import Formatter
from types import ModuleType
from typing import Any, get_args

from workflows import deadlines
from workflows.bases import with_base
from workflows.circuit import Circuit, Step, StepKind, WhoKind
from workflows.condition import OWN, Condition, Facts, Not, read, surely_holds, values
from workflows.covering import covers
from workflows.emitting import FIELDS as OF_DEPOSIT
from workflows.errors import Refusal
from workflows.fields import UNCOMPARED, Field, FieldType, Moment, parse
from workflows.loader import invalid, load, read_yaml

__all__ = [
    "ASSURANCES",
    "CORNERS",
    "PUBLICATIONS",
    "PURPOSES",
    "SIGNATURES",
    "SIGNATURE_FORMATS",
    "SIGNATURE_LEVELS",
    "DueRule",
    "Facts",
    "Family",
    "Fault",
    "Field",
    "Problem",
    "SignaturePlace",
    "check_circuit",
    "duties",
    "families",
    "family",
    "faults_of",
    "imposed",
    "normalised",
    "problems",
    "restricted_families",
    "typed_name",
    "types_come_from",
]

HOME = Path(__file__).parent / "families"

LAST = 1_000
"""The rank of a family that declares none."""
TYPED = "~"
"""Between a family's name and the number of a version of a type that is made from it: « invoice~12 »."""

SIGNATURES = ("page", "file", "pes")
"""What is signed of a main document: the page that is shown, always a PDF; the file as it came; a payment flow (PES)."""

SIGNATURE_FORMATS = ("cades",)
"""The formats that a family may leave to its types, for whatever file is signed: CAdES beside it (decision (EU) 2015/1506)."""

SIGNATURE_LEVELS = ("B-B", "B-T", "B-LT", "B-LTA")
"""The levels that a family may ask of its signatures, each with all that the one before has (ETSI EN 319 142-1 §6.1)."""

ASSURANCES = ("simple", "advanced", "advanced_qualified", "qualified")
"""How far a signature can be relied on, each more than the one before (eIDAS 910/2014 art. 3, 25 and 26)."""

PURPOSES = ("acts", "pes")
"""What a family's signatures are for: acts, or accounting flows, which the DGFiP's own certificates may sign."""

PUBLICATIONS = ("online", "masked", "none")
"""What of an act may be put online: the act itself; only a version whose personal data are masked; nothing.

CGCT L2131-1 III has acts published whole; CRPA L312-1-2 has personal data masked first; an invoice or a payment flow is
no act that is published.
"""

CLOCKS: Mapping[str, Callable[[date], date]] = {
    "payment_due": deadlines.payment_due,
    "authorising_officer_due": deadlines.authorising_officer_due,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a folder may not go on: a key for programs, the field, a sentence for people."""

    key: str
    field: str
    sentence: str


FAR_AHEAD = 9000
"""A year from which no delay is counted: its end would be no date. The form refuses such a day when the folder is sent."""
Rule = Callable[[Facts, date], Problem | None]
CircuitRule = Callable[[Circuit], str | None]


@dataclass(frozen=True, slots=True)
class DueRule:
    """The folder is due when `clock`, started on the date in field `start`, has run; `unless` stops it."""

    clock: str
    start: str
    unless: Condition | None = None


@dataclass(frozen=True, slots=True)
class TransmissionLimit:
    """An act is transmitted within `days` calendar days of its last signature, by the article named as `source`."""

    days: int
    source: str

    def after(self, signed_on: date) -> date:
        """The last day, included, to transmit what was signed on that day."""
        return signed_on + timedelta(days=self.days)


CORNERS = ("bottom-right", "bottom-left", "top-right", "top-left")


@dataclass(frozen=True, slots=True)
class SignaturePlace:
    """Where a family's signatures stand unless somebody places them: a corner (`CORNERS`) of the `first` or `last` page."""

    page: str
    corner: str


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """One family of documents, as its folder declares it; `circuit` is the default one.

    `rank`: where lists have it, the least first, as a town hall deposits most; `LAST` where its folder says nothing.
    `signature`, one of `SIGNATURES`, says what is signed.
    `signature_formats`, of `SIGNATURE_FORMATS`: those that a type may choose in the place of the one that goes with each file.
    `signature_level` is one of `SIGNATURE_LEVELS`, or None for the best that the installation gives at the click;
    `signature_place`: None for the foot of the last page, where nothing is written.
    `minimum_signature` one of `ASSURANCES`, `certificate_purpose` one of `PURPOSES`.
    `register`: how the family's own register writes a number, « {year}_{rank:03} », in `number_field`; None when it has none.
    `signed_elsewhere`: others may sign the same file later, somewhere else: signatures made here lock no field.
    `paper_signature`: an act of this family may be signed by hand, its scan then leaving in place of the document.
    `publication`, one of `PUBLICATIONS`: what may be put online; « online » where the law has a stage of publication and
    the family says nothing else, « none » elsewhere.
    `computed`: what its computed fields hold, from the others; empty while these do not say it.
    `begun_elsewhere`: its folders begin from another page than the deposit, which does not offer it.
    `sign_when`: the facts with which there is something to sign; None where there always is. A step of signature with
    this very condition keeps its stage.
    `restricted_to`: the keys of the only desks that deposit it; its folders are then read by those alone who may act on
    them, and letters say nothing of them. Empty for a family that any desk deposits.
    `named_substitution`: who stands in for the mayor signs it only by a mandate that names this family.
    `credit_when`: the facts with which it is money that comes back; it then bears `credit_title`, and lists count its
    amount below zero, unless that is disputed.
    `transmit_within`: the delay that the law sets to its transmission; None where it sets none.
    `legal_sentence`: what signing it means in law, read before the signature; empty when nothing more is said.

    What only a type of a collectivity gives (`workflows/own_types.py`): `type_key` and `type_version`, the key of the type
    and the number of its version's row; `deposited_by`, the keys of the only desks that deposit it, whoever may read its
    folders; `days`, calendar days from the start of the family's clock, or from the sending where it has none, in which its
    folders are to end; `retention_years`, whole years for which they are kept at least, once ended; `attachments_least`
    and `attachments_most`, how many annexes its folders have when they are sent; `closed`: its folders are read by those
    alone who may act on them, but at the desks of `seen_at` (their keys), where whoever holds the desk reads them;
    `open_to_all`: once sent, its folders are read by every person of the collectivity; never of a restricted family;
    `signature_format`: the one of `signature_formats` that the type chose;
    `own_register`: how the type writes the number that its folders are given when they are first sent, « COUR-{year}-{rank} ».
    """

    name: str
    label: str
    plural: str
    icon: str
    help: str
    title: tuple[str, ...]
    number_field: str | None
    amount_field: str | None
    due_rule: DueRule | None
    fields: tuple[Field, ...]
    formats: tuple[str, ...]
    signature: str
    stages: tuple[StepKind, ...]
    circuit: Circuit
    rules: tuple[Rule, ...]
    circuit_rules: tuple[CircuitRule, ...] = ()
    normalise: Mapping[str, Callable[[object], object]] | None = None
    computed: Callable[[Facts], Mapping[str, object]] | None = None
    signature_formats: tuple[str, ...] = ()
    signature_format: str | None = None
    signature_level: str | None = None
    signature_place: SignaturePlace | None = None
    minimum_signature: str = "simple"
    certificate_purpose: str = "acts"
    paper_signature: bool = False
    signed_elsewhere: bool = False
    publication: str = "none"
    register: str | None = None
    begun_elsewhere: bool = False
    sign_when: Condition | None = None
    rank: int = LAST
    restricted_to: tuple[str, ...] = ()
    named_substitution: bool = False
    credit_when: Condition | None = None
    credit_title: tuple[str, ...] = ()
    transmit_within: TransmissionLimit | None = None
    legal_sentence: str = ""
    stage_sources: Mapping[str, str] = attribute(default_factory=dict)
    type_key: str = ""
    type_version: int | None = None
    deposited_by: tuple[str, ...] = ()
    days: int | None = None
    retention_years: int | None = None
    attachments_least: int = 0
    attachments_most: int | None = None
    closed: bool = False
    open_to_all: bool = False
    seen_at: tuple[str, ...] = ()
    own_register: str = ""

    @property
    def in_force(self) -> str:
        """The name under which `family` gives this very one: its own, or « invoice~12 » for a version of a type."""
        return typed_name(self.name, self.type_version)

    @property
    def carriers(self) -> frozenset[str]:
        """The channels by which its own circuit transmits: none but these keeps a stage of transmission."""
        return frozenset(step.channel for step in self.circuit.steps if step.channel)

    @property
    def restricted(self) -> bool:
        """Whether its folders are hidden from whoever may not act on them, colleagues of the same desk included."""
        return bool(self.restricted_to)

    @property
    def discreet(self) -> bool:
        """Whether letters say nothing of its folders: of a restricted family, and of a type that closes their reading."""
        return self.restricted or self.closed

    def closed_at(self, desk: str | None) -> bool:
        """Whether its type has its folders read by those alone who may act, at the desk of this key (None: in person)."""
        return self.closed and desk not in self.seen_at

    @property
    def own_amounts(self) -> tuple[str, ...]:
        """The amounts that its type asks for besides the family's own: a ceiling holds these too."""
        return tuple(
            field.key for field in self.fields if field.type == "amount" and field.key.startswith(OWN)
        )

    def field(self, key: str) -> Field | None:
        """The field of this key, if the family asks for it."""
        return next((field for field in self.fields if field.key == key), None)

    @property
    def compared(self) -> tuple[Field, ...]:
        """What conditions may look at: its own fields, then what is known of every deposit (`workflows.emitting`)."""
        own = {field.key for field in self.fields}
        return (*self.fields, *(field for field in OF_DEPOSIT if field.key not in own))

    def comparable(self, key: str) -> Field | None:
        """The field of this key among those that conditions may look at."""
        return next((field for field in self.compared if field.key == key), None)

    def title_for(self, facts: Facts) -> str:
        """The title of a folder with these facts: the first pattern whose facts are all known.

        By the last one when none is: what is not known yet is then left out.
        """
        patterns = self.title
        if self.credit_when is not None and self.credit_title and self.credit_when.holds(facts):
            patterns = self.credit_title
        known = {key: str(value) for key, value in facts.items() if value not in (None, "")}
        full = (
            pattern
            for pattern in patterns
            if all(name in known for _, name, *_ in Formatter().parse(pattern) if name)
        )
        title = next(full, patterns[-1]).format_map(defaultdict(str, known))
        title = title.strip(" ,")
        return title[:1].upper() + title[1:]

    @property
    def titled_by(self) -> frozenset[str]:
        """The keys of the facts that a title is made of."""
        patterns = (*self.title, *self.credit_title)
        return frozenset(name for pattern in patterns for _, name, *_ in Formatter().parse(pattern) if name)

    def credits(self, facts: Facts) -> bool:
        """Whether a folder with these facts gives money back, whatever is disputed of it."""
        return self.credit_when is not None and surely_holds(self.credit_when, facts)

    def due(self, facts: Facts, sent_on: date | None = None) -> date | None:
        """The day a folder with these facts is due, or None when no clock runs; of disputed facts, the earlier end.

        `sent_on`: when it was sent, from which the days of a type run where its family has no clock. Where it has one, they
        run from the same start, and the law's day stays the last.
        """
        rule = self.due_rule
        if rule is None:
            return (
                sent_on + timedelta(days=self.days) if self.days is not None and sent_on is not None else None
            )
        if rule.unless is not None and surely_holds(rule.unless, facts):
            return None
        starts = [day for value in values(facts, rule.start) if (day := _day(value)) is not None]
        ends = [*map(CLOCKS[rule.clock], starts)]
        ends += [start + timedelta(days=self.days) for start in starts] if self.days is not None else []
        return min(ends, default=None)


def _day(value: object) -> date | None:
    try:
        day = date.fromisoformat(str(value))
    except ValueError:  # a draft keeps what was typed, and it may not be a date
        return None
    return day if day.year < FAR_AHEAD else None


def families() -> dict[str, Family]:
    """Every family by name, found by walking `workflows/families/`: in the order in which all lists have them (`rank`)."""
    return dict(_discovered())


def place_of(name: str) -> int:
    """Where lists have a family among the others; after all of them one that is known no more."""
    return next((place for place, known in enumerate(_discovered()) if known == name), len(_discovered()))


def family(name: str) -> Family:
    """The family in force under this name: one of the law, or a version of a type made from it; refuses `family-unknown`."""
    family_in_force = _discovered().get(name)
    if family_in_force is None and TYPED in name:
        family_in_force = next((typed for find in _type_sources if (typed := find(name)) is not None), None)
    if family_in_force is None:
        raise Refusal("family-unknown", name=name)
    return family_in_force


def typed_name(name: str, version: int | None) -> str:
    """The name in force of a family, or of the version of a type that is made from it.

    >>> typed_name("invoice", None), typed_name("invoice", 12)
    ('invoice', 'invoice~12')
    """
    return name if version is None else f"{name}{TYPED}{version}"


_type_sources: list[Callable[[str], Family | None]] = []


def types_come_from(find: Callable[[str], Family | None]) -> None:
    """Let `find` answer the names of versions of types (`typed_name`): None for one that it does not know."""
    _type_sources[:] = [find]


@lru_cache(maxsize=1)
def restricted_families() -> tuple[str, ...]:
    """The names of the families whose folders are read by those alone who may act on them (`Family.restricted`)."""
    return tuple(name for name, family in _discovered().items() if family.restricted)


def normalised(family: Family, facts: Facts) -> dict[str, object]:
    """The facts as they are kept: blanks dropped, defaults filled in, each answer in the form of its type.

    What is computed follows from the others, whatever was typed in its place. What is not of its type stays as typed, for
    `problems` to name it; keys that are no field pass through.
    """
    answers = {key: value for key, value in facts.items() if family.field(key) is None}
    for field in family.fields:
        value = facts.get(field.key)
        if value is None or (isinstance(value, str) and not value.strip()):
            value = field.default
        if value is None:
            continue
        try:
            answers[field.key] = parse(field, value)
        except ValueError:
            answers[field.key] = value
            continue
        if answers[field.key] == []:
            del answers[field.key]  # a table without a line says nothing
            continue
        rewrite = (family.normalise or {}).get(field.key)
        if rewrite is not None:
            answers[field.key] = rewrite(answers[field.key])
    if family.computed is not None:
        for field in family.fields:
            if field.computed:
                answers.pop(field.key, None)
        answers.update(family.computed(answers))
    return answers


def problems(family: Family, facts: Facts, *, at: Moment = "submit", today: date) -> list[Problem]:
    """All that prevents a folder with these facts from being submitted, or published."""
    answers = normalised(family, facts)
    faults: list[Problem] = []
    sound = dict(answers)
    for field in family.fields:
        if field.key not in answers:
            if field.computed:
                continue  # what it is made of lacks, and says so
            if field.required_from == "submit" or (field.required_from == "publish" and at == "publish"):
                sentence = f"« {field.label} » reste à renseigner."
                faults.append(Problem("required", field.key, sentence))
            continue
        try:
            parse(field, answers[field.key])
        except ValueError as error:
            faults.append(Problem(f"{field.type}-invalid", field.key, str(error)))
            del sound[field.key]  # a rule reads only what is of its type
    faults.extend(problem for rule in family.rules if (problem := rule(sound, today)) is not None)
    return faults


@dataclass(frozen=True, slots=True)
class Fault:
    """What a circuit does against its family: the step where it is mended (None: the whole), and a sentence.

    `duty` names what is broken, the same whatever the words of the steps: a stage, a rule of the family; empty where no
    law is broken and a field merely lacks. `field` names the part of the step at fault, as the schema does; empty for all
    of it.
    """

    sentence: str
    step: str | None = None
    duty: str = ""
    field: str = ""


def check_circuit(family: Family, circuit: Circuit) -> None:
    """Refuse `circuit-unlawful` for a circuit that could skip a stage of the law, or reads an absent field (`faults_of`)."""
    faults = [fault.sentence for fault in faults_of(family, circuit)]
    if faults:
        raise invalid(faults, key="circuit-unlawful")


def faults_of(family: Family, circuit: Circuit) -> tuple[Fault, ...]:
    """All that the family does not let a circuit do; none for a lawful one.

    A stage is kept by a step without condition: a conditional one can be skipped, but for a signature that the family
    itself asks under that condition (`Family.sign_when`). It is kept as well by several steps whose conditions leave no
    case out (two signatories by amount), as `covering.covers` proves. Stages keep their order. A stage of transmission is
    kept by the channels of the family's own circuit alone (`Family.carriers`): files that are handed to a software of the
    commune are not transmitted to the State's representative (CGCT L2131-1).
    """
    rules = (
        Fault(sentence, None, rule.__name__)
        for rule in family.circuit_rules
        if (sentence := rule(circuit)) is not None
    )
    return (
        *_missing_stages(family, circuit),
        *_missing_fields(family, circuit),
        *_required_fields(family, circuit),
        *_told_of_restricted(family, circuit),
        *rules,
    )


def imposed(family: Family, circuit: Circuit) -> dict[str, str]:
    """By key, the steps that the circuit cannot do without, each with the article that asks for it.

    The article is empty where the family asks for the step and no law is named (`Family.stage_sources`).
    """
    present = duties(family, circuit)
    return {
        step.key: family.stage_sources.get(step.kind.value, "")
        for step in circuit.steps
        if duties(family, _without(circuit, step)) - present
    }


def duties(family: Family, circuit: Circuit) -> frozenset[str]:
    """What of its law a circuit breaks (`Fault.duty`)."""
    return frozenset(fault.duty for fault in faults_of(family, circuit) if fault.duty)


def _without(circuit: Circuit, gone: Step) -> Circuit:
    return replace(circuit, steps=tuple(step for step in circuit.steps if step is not gone))


def _missing_stages(family: Family, circuit: Circuit) -> Iterator[Fault]:
    rest = circuit.steps
    for stage in family.stages:
        skippable = [step for step in rest if _is_of(family, stage, step)]
        astray = next((step for step in rest if step.kind is stage), None)
        conditions = (None, family.sign_when) if stage is StepKind.SIGN else (None,)
        rank = next(
            (n for n, step in enumerate(rest) if _is_of(family, stage, step) and step.when in conditions),
            None,
        )
        if rank is None:
            rank = _together(family, stage, rest)
        if rank is not None:
            yield from _too_early(family, stage, rest[:rank])
            rest = rest[rank + 1 :]
        elif skippable:
            yield Fault(
                f"L’étape « {skippable[0].label} » est obligatoire : retirez sa condition, ou ajoutez l’étape qui prend "
                "tous les autres cas (sur un montant, un nombre, une date ou un choix obligatoire dès l’envoi).",
                skippable[0].key,
                stage.value,
            )
        elif astray is not None:
            yield Fault(
                f"L’étape « {astray.label} » est obligatoire et part vers un autre destinataire que celui de ce type de "
                "dossier : rendez-lui celui du circuit d’origine.",
                astray.key,
                stage.value,
                "channel",
            )
        else:
            yield Fault(
                f"Il manque l’étape obligatoire « {stage.label} », à sa place dans l’ordre de la loi.",
                None,
                stage.value,
            )


def _is_of(family: Family, stage: StepKind, step: Step) -> bool:
    return step.kind is stage and (stage is not StepKind.TRANSMIT or step.channel in family.carriers)


def _together(family: Family, stage: StepKind, steps: tuple[Step, ...]) -> int | None:
    """The rank of the step with which those of this stage, taken in their order, leave no case out; None when never."""
    # A folder made with an earlier version of its type lacks an own field: no stage of the law rests on one
    fields = {field.key: field for field in family.fields if not field.key.startswith(OWN)}
    left = [Not(family.sign_when)] if stage is StepKind.SIGN and family.sign_when is not None else []
    shared: list[Condition] = []
    for rank, step in enumerate(steps):
        if _is_of(family, stage, step) and step.when is not None:
            shared.append(step.when)
            if len(shared) > 1 and covers([*left, *shared], fields):
                return rank
    return None


def _too_early(family: Family, stage: StepKind, before: tuple[Step, ...]) -> Iterator[Fault]:
    later = family.stages[family.stages.index(stage) + 1 :]
    for step in before:
        if step.kind in later:
            yield Fault(
                f"L’étape « {step.label} » ne peut pas précéder l’étape obligatoire « {stage.label} ».",
                step.key,
                f"{step.key} before {stage.value}",
            )


def _told_of_restricted(family: Family, circuit: Circuit) -> Iterator[Fault]:
    """Nobody reads a folder of a restricted family but to act on it."""
    if not family.restricted:
        return
    sentence = f"« {family.label} » est à accès restreint : seuls ceux qui y agissent le lisent, retirez les bureaux informés."
    if circuit.told:
        yield Fault(sentence, None, "told", "all_told_add")
    for step in circuit.steps:
        if step.told:
            yield Fault(sentence, step.key, "told", "told_add")


def _missing_fields(family: Family, circuit: Circuit) -> Iterator[Fault]:
    """What a circuit reads and the family has not; the fields of a type are told of that type alone, in force."""
    typed = bool(circuit.only_for) and circuit.only_for != family.type_key
    for step in circuit.steps:
        for name in sorted(step.when.fields if step.when else ()):
            read = family.comparable(name)
            if (read is None or read.type in UNCOMPARED) and not (typed and name.startswith(OWN)):
                yield Fault(
                    f"L’étape « {step.label} » dépend du champ « {name} », que ce type de dossier n’a pas.",
                    step.key,
                )
        for who in step.who:
            wanted = {WhoKind.CHOSEN: ("desk",), WhoKind.ROLE: ("desk", "person")}.get(who.kind)
            field = family.field(who.value)
            if typed and who.value.startswith(OWN):
                continue
            if wanted and (field is None or field.type not in wanted):
                yield Fault(
                    f"L’étape « {step.label} » attend qui est désigné dans « {who.value} », champ absent.",
                    step.key,
                )


def _required_fields(family: Family, circuit: Circuit) -> Iterator[Fault]:
    """What steps require and the type has not; and what would be decided on a fact that is only asked later."""
    if circuit.only_for and circuit.only_for != family.type_key:
        return  # judged against the type that it is kept for
    for step in circuit.steps:
        for key in step.requires:
            if family.field(key) is None:
                remedy = (
                    "que ce type de dossier n’a pas : retirez-le, ou ajoutez-le au type."
                    if circuit.only_for
                    else "propre à un type : réservez d’abord le circuit à ce type."
                )
                yield Fault(
                    f"L’étape « {step.label} » exige le champ « {key} », {remedy}",
                    step.key,
                    field="requires_add",
                )
    mandatory = {field.key for field in family.fields if field.required_from == "submit"}
    for step, key, asking in circuit.late_reads(mandatory):
        field = family.field(key)
        name = f"« {field.label if field is not None else key} »"
        if (
            circuit.steps.index(asking) < circuit.steps.index(step)
            and step.when is not None
            and key in step.when.fields
        ):
            yield Fault(
                f"L’étape « {step.label} » dépend de {name}, demandé à l’étape « {asking.label} », que tous les dossiers ne "
                "passent pas : elle serait décidée sur rien. Ôtez la condition de cette étape, écrivez-la aussi sur celle qui "
                "en dépend, ou rendez ce champ obligatoire à l’envoi.",
                step.key,
                field="cond_field_0",
            )
        elif step.when is not None and key in step.when.fields:
            yield Fault(
                f"L’étape « {step.label} » dépend de {name}, qui n’est demandé qu’à l’étape « {asking.label} » : elle serait "
                "décidée sur rien. Placez-la après, ou rendez ce champ obligatoire à l’envoi.",
                step.key,
                field="cond_field_0",
            )
        else:
            yield Fault(
                f"L’étape « {step.label} » attend qui est désigné dans {name}, qui n’est demandé qu’à l’étape "
                f"« {asking.label} » : rendez ce champ obligatoire à l’envoi, ou retirez-le de ce qui y est exigé.",
                step.key,
                field="who_add",
            )


@lru_cache(maxsize=1)
def _discovered() -> dict[str, Family]:
    every = [_read(home) for home in HOME.iterdir() if (home / "family.yaml").is_file()]
    return {law.name: law for law in sorted(every, key=lambda law: (law.rank, law.name))}


def _read(home: Path) -> Family:
    """The family declared in this folder; ValueError when the folder contradicts itself."""
    data, shared = with_base(read_yaml((home / "family.yaml").read_text(encoding="utf-8")))
    modules = [import_module(f"workflows.families.{home.name}.rules"), *filter(None, (shared,))]
    stages = tuple(map(StepKind, data.pop("stages")))
    family = Family(
        name=data.pop("name"),
        label=data.pop("label"),
        plural=data.pop("plural"),
        icon=data.pop("icon"),
        rank=int(data.pop("rank", LAST)),
        help=data.pop("help"),
        title=_patterns(data.pop("title")),
        number_field=data.pop("number_field", None),
        amount_field=data.pop("amount_field", None),
        due_rule=_due_rule(data.pop("due_rule", None)),
        fields=tuple(_field(written) for written in data.pop("fields")),
        formats=tuple(data.pop("formats")),
        signature=_among(SIGNATURES, data.pop("signature"), "signature"),
        stages=stages,
        circuit=load(data.pop("circuit")),
        rules=_named(modules, data.pop("rules", ())),
        circuit_rules=_named(modules, data.pop("circuit_rules", ())),
        normalise={
            key: rewrite for module in reversed(modules) for key, rewrite in _rewrites(module).items()
        },
        computed=next(iter(_named(modules, filter(None, (data.pop("computed", None),)))), None),
        signature_place=_signature_place(data.pop("signature_place", None)),
        signature_formats=tuple(
            _among(SIGNATURE_FORMATS, written, "signature_formats")
            for written in data.pop("signature_formats", ())
        ),
        signature_level=_one_of(SIGNATURE_LEVELS, data.pop("signature_level", None), "signature_level"),
        minimum_signature=_one_of(ASSURANCES, data.pop("minimum_signature", None), "minimum_signature")
        or "simple",
        certificate_purpose=_one_of(PURPOSES, data.pop("certificate_purpose", None), "certificate_purpose")
        or "acts",
        paper_signature=data.pop("paper_signature", False) is True,
        signed_elsewhere=data.pop("signed_elsewhere", False) is True,
        publication=_one_of(PUBLICATIONS, data.pop("publication", None), "publication")
        or ("online" if StepKind.PUBLISH in stages else "none"),
        register=_register(data.pop("register", None)),
        begun_elsewhere=data.pop("begun_elsewhere", False) is True,
        sign_when=_condition(data.pop("sign_when", None), "sign_when"),
        restricted_to=tuple(data.pop("restricted_to", ())),
        named_substitution=data.pop("named_substitution", False) is True,
        credit_when=_condition(data.pop("credit_when", None), "credit_when"),
        credit_title=_patterns(data.pop("credit_title", [])),
        transmit_within=_limit(data.pop("transmit_within", None)),
        legal_sentence=str(data.pop("legal_sentence", "")),
        stage_sources={
            str(StepKind(key)): str(source) for key, source in data.pop("stage_sources", {}).items()
        },
    )
    if data or family.name != home.name:
        raise ValueError(
            f"family {home.name}: unknown keys {sorted(data)} or a name that is not the folder's"
        )
    if family.register is not None and family.field(family.number_field or "") is None:
        raise ValueError(
            f"family {home.name}: a register writes its numbers in number_field, which is none of its fields"
        )
    check_circuit(family, family.circuit)
    return family


def _field(written: Mapping[str, Any]) -> Field:
    choices = {str(value): label for value, label in written.get("choices", {}).items()}
    columns = tuple(_field(column) for column in written.get("columns", ()))
    field = Field(**{**written, "choices": choices, "columns": columns})
    if field.type not in get_args(FieldType) or field.required_from not in (None, *get_args(Moment)):
        raise ValueError(f"field {field.key}: unknown type or moment")
    return field


def _due_rule(written: Mapping[str, Any] | None) -> DueRule | None:
    if written is None:
        return None
    unless = _condition(written.get("unless"), "due_rule")
    if written["clock"] not in CLOCKS:
        raise ValueError(f"due_rule: {written['clock']}")
    return DueRule(written["clock"], written["start"], unless)


def _patterns(written: str | Sequence[str]) -> tuple[str, ...]:
    return (written,) if isinstance(written, str) else tuple(written)


def _limit(written: Mapping[str, Any] | None) -> TransmissionLimit | None:
    return None if written is None else TransmissionLimit(int(written["days"]), str(written["source"]))


def _condition(written: Any, key: str) -> Condition | None:
    if written is None:
        return None
    faults: list[str] = []
    condition = read(written, faults.append)
    if faults:
        raise ValueError(f"{key}: {faults}")
    return condition


def _one_of(known: tuple[str, ...], written: str | None, key: str) -> str | None:
    return None if written is None else _among(known, written, key)


def _register(written: str | None) -> str | None:
    """A pattern that gives two numbers for two ranks and two years; ValueError otherwise."""
    if written is not None:
        numbers = {written.format(year=year, rank=rank) for year in (2026, 2027) for rank in (1, 2)}
        if len(numbers) != 4:
            raise ValueError(f"register: {written} does not tell years and ranks apart")
    return written


def _among(known: tuple[str, ...], written: str, key: str) -> str:
    if written not in known:
        raise ValueError(f"{key}: {written} is none of {', '.join(known)}")
    return written


def _signature_place(written: Mapping[str, str] | None) -> SignaturePlace | None:
    if written is None:
        return None
    place = SignaturePlace(**written)
    if place.page not in ("first", "last") or place.corner not in CORNERS:
        raise ValueError(
            f"signature_place: {dict(written)} is no page (first, last) and corner ({', '.join(CORNERS)})"
        )
    return place


def _named(modules: Sequence[ModuleType], names: Iterable[str]) -> tuple[Any, ...]:
    """The functions of these names, a family's own before its base's; AttributeError for a name that neither has."""
    return tuple(
        getattr(next((module for module in modules if hasattr(module, name)), modules[0]), name)
        for name in names
    )


def _rewrites(rules: ModuleType) -> Mapping[str, Callable[[object], object]]:
    rewrites: Mapping[str, Callable[[object], object]] = getattr(rules, "NORMALISE", {})
    return rewrites
