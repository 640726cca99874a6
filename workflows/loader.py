"""Reads and checks a circuit, from YAML or from a JSON column: same schema, and every fault told at once."""

import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Protocol

import yaml
from yaml.composer import Composer
from yaml.reader import Reader

from workflows.circuit import RESERVED, Circuit, Quorum, Step, StepKind, Who, WhoKind
from workflows.condition import OWN, Condition, Tell, read
from workflows.emitting import BRANCH
from workflows.errors import Refusal

MAX_STEPS, MAX_WHO, MAX_DAYS, MAX_LABEL, MAX_REQUIRED = 40, 20, 365, 120, 20

_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)
_DESK = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
"""The key of a desk, as it is made of the name under which somebody opened it (app/people/hierarchy.py)."""
_TYPE = re.compile(r"[a-z0-9][a-z0-9-]{0,59}", re.ASCII)
"""The key of a type, as it is made of its name (app/circuits/own_types.py)."""
_OWN_FIELD = re.compile(rf"{OWN}[a-z0-9_]{{1,40}}", re.ASCII)
"""The key of a type's own field, as it is made of its name (workflows/own_types.py)."""
_LOGIN = re.compile(r"[!-~]{1,60}", re.ASCII)
"""A login as accounts have it (app/people/accounts.py)."""
_NAMED = {
    WhoKind.DESK.value: (_DESK, "la clé d’un bureau ou d’un champ, en minuscules sans accent"),
    WhoKind.PERSON.value: (_LOGIN, "l’identifiant de quelqu’un"),
}
_CIRCUIT_FIELDS = frozenset({"key", "label", "type", "told", "steps"})
_STEP_FIELDS = frozenset(
    {"key", "label", "kind", "who", "quorum", "when", "days", "channel", "told", "requires", "reading"}
)


def load(data: Mapping[str, Any]) -> Circuit:
    """The circuit written in `data`; refuses `circuit-invalid`, whose `faults` tell every fault in French."""
    faults: list[str] = []
    circuit = _circuit(data, faults.append)
    if faults:
        raise invalid(faults)
    return circuit


def sketch(data: Mapping[str, Any]) -> Circuit:
    """What can be read of a circuit that is still being written, its faults left out: to draw it, and to tell what lacks."""
    return _circuit(data, lambda _fault: None)


def is_step_key(text: str) -> bool:
    """Whether a step may have this key: small letters, figures and _, and no place that all circuits share."""
    return _KEY.fullmatch(text) is not None and text not in RESERVED


def load_yaml(text: str) -> Circuit:
    """The circuit written in this YAML text, under the same schema and the same refusals as `load`."""
    return load(read_yaml(text))


def read_yaml(text: str) -> Any:
    """The data of a YAML text; refuses `circuit-invalid`: key given twice, alias, tag, bad syntax, lists in lists without end."""
    try:
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506 (a SafeLoader made stricter)
    except yaml.MarkedYAMLError as error:
        raise unreadable(
            error.problem_mark, "vérifiez l’alignement, les guillemets et les balises"
        ) from error
    except (yaml.YAMLError, ValueError) as error:
        raise unreadable(None, "il contient un caractère ou une date impossible") from error
    except RecursionError as error:
        raise unreadable(None, "il contient trop de listes les unes dans les autres") from error


def invalid(faults: Sequence[str], key: str = "circuit-invalid") -> Refusal:
    """The refusal that tells these faults, one by one and as one text."""
    return Refusal(key, faults=list(faults), details=" ".join(faults))


class _Mark(Protocol):
    line: int


def unreadable(mark: _Mark | None, why: str) -> Refusal:
    """The refusal of a YAML text that cannot be read at this mark."""
    line = mark.line + 1 if mark else 1
    return invalid([f"Le texte YAML est illisible à la ligne {line} : {why}."])


class _StrictLoader(Composer, yaml.CSafeLoader):
    """YAML as data only: a safe loader keeps the last of two equal keys, and expands aliases without end.

    libyaml reads the text (in a fifth of the time: families are read at each start), and its nodes are composed here.
    """

    def __init__(self, stream: str) -> None:
        yaml.CSafeLoader.__init__(self, stream)
        Composer.__init__(self)

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise unreadable(event.start_mark if event else None, "les alias ne sont pas admis")
        node = super().compose_node(parent, index)
        # YAML refuses these characters as they are; written « \\0 » between quotes, they would come in all the same.
        if isinstance(node, yaml.ScalarNode) and Reader.NON_PRINTABLE.search(node.value):
            raise unreadable(node.start_mark, "il contient un caractère illisible")
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys: set[str] = set()
        for key, _ in node.value:
            if key.value in keys:
                raise unreadable(key.start_mark, f"la clé « {key.value} » est donnée deux fois")
            keys.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _circuit(data: object, tell: Tell) -> Circuit:
    if not isinstance(data, Mapping):
        tell("Le circuit doit être un ensemble de champs : key, label, steps.")
        return Circuit("", "", ())
    _unknown(data, _CIRCUIT_FIELDS, "Circuit", tell)
    key, label, only_for = _key(data, "Circuit", tell), _label(data, "Circuit", tell), _only_for(data, tell)
    informed = _informed(data.get("told"), "Circuit", tell)
    written = data.get("steps")
    if not isinstance(written, list | tuple) or not written:
        tell("Circuit : il faut au moins une étape dans « steps ».")
        return Circuit(key, label, (), only_for, informed)
    if len(written) > MAX_STEPS:
        tell(f"Circuit : {len(written)} étapes, {MAX_STEPS} au plus.")
    steps = tuple(_step(step, rank, tell) for rank, step in enumerate(written[:MAX_STEPS], start=1))
    _check_order(steps, tell)
    return Circuit(key, label, steps, only_for, informed)


def _only_for(data: Mapping[str, Any], tell: Tell) -> str:
    key = data.get("type")
    if key is None or key == "":
        return ""
    if isinstance(key, str) and _TYPE.fullmatch(key):
        return key
    tell("Circuit : « type » doit être la clé d’un type de dossiers, en minuscules, chiffres et tirets.")
    return ""


def _check_order(steps: Sequence[Step], tell: Tell) -> None:
    keys: set[str] = set()
    archived = False
    for step in steps:
        if step.key and step.key in keys:
            tell(f"La clé « {step.key} » est donnée à deux étapes.")
        keys.add(step.key)
        if archived:
            tell(f"L’étape « {step.label} » ne peut pas être atteinte : elle suit l’archivage.")
        elif step.kind is StepKind.ARCHIVE and step.when is None:
            archived = True


def _step(data: object, rank: int, tell: Tell) -> Step:
    if not isinstance(data, Mapping):
        tell(f"Étape {rank} : elle doit être un ensemble de champs.")
        return Step("", "", StepKind.VISA)
    name = data.get("label") or data.get("key")
    where = f"Étape {rank} (« {name} »)" if isinstance(name, str) else f"Étape {rank}"
    _unknown(data, _STEP_FIELDS, where, tell)
    key, label = _key(data, where, tell), _label(data, where, tell)
    if key in RESERVED:
        tell(f"{where} : la clé « {key} » est réservée aux lieux communs à tous les circuits.")
    try:
        kind = StepKind(str(data.get("kind")))
    except ValueError:
        kinds = ", ".join(StepKind)
        tell(f"{where} : la nature « {data.get('kind')} » est inconnue ; choisissez parmi {kinds}.")
        return Step(key, label, StepKind.VISA)
    who = _who(data.get("who"), kind, where, tell)
    return Step(
        key=key,
        label=label,
        kind=kind,
        who=who,
        quorum=_quorum(data.get("quorum"), len(who), kind, where, tell),
        when=_when(data, where, tell),
        days=_days(data.get("days"), where, tell),
        channel=_channel(data.get("channel"), kind, where, tell),
        told=_informed(data.get("told"), where, tell),
        requires=_requires(data.get("requires"), kind, where, tell),
        reading=_reading(data.get("reading"), kind, where, tell),
    )


def _unknown(data: Mapping[str, Any], known: frozenset[str], where: str, tell: Tell) -> None:
    for name in data:
        if name not in known:
            tell(f"{where} : le champ « {name} » est inconnu.")


def _key(data: Mapping[str, Any], where: str, tell: Tell) -> str:
    key = data.get("key")
    if isinstance(key, str) and _KEY.fullmatch(key):
        return key
    tell(f"{where} : « key » doit être un nom en minuscules sans accent (a-z, 0-9, _), de 40 signes au plus.")
    return ""


def _label(data: Mapping[str, Any], where: str, tell: Tell) -> str:
    label = data.get("label")
    if isinstance(label, str) and label.strip() and len(label) <= MAX_LABEL and label.isprintable():
        return label.strip()
    tell(f"{where} : « label » doit être un intitulé d’une ligne, de {MAX_LABEL} signes au plus.")
    return ""


def _who(data: object, kind: StepKind, where: str, tell: Tell) -> tuple[Who, ...]:
    entries = [data] if isinstance(data, Mapping) else data
    if kind.automatic:
        if entries:
            tell(f"{where} : une étape automatique n’a pas d’acteur, retirez « who ».")
        return ()
    if not isinstance(entries, list | tuple) or not entries:
        tell(f"{where} : il faut dire qui agit dans « who ».")
        return ()
    if len(entries) > MAX_WHO:
        tell(f"{where} : {len(entries)} acteurs, {MAX_WHO} au plus.")
    actors = [who for entry in entries[:MAX_WHO] if (who := _one_who(entry, where, tell)) is not None]
    if kind is StepKind.SIGN and any(who.kind is WhoKind.PERSON for who in actors):
        # Who signs at a desk does so by a mandate; who is named signs in his own capacity
        tell(f"{where} : une signature se demande à un bureau, où le mandat de qui signe est vérifié.")
    for who in dict.fromkeys(who for who in actors if actors.count(who) > 1):
        tell(f"{where} : l’acteur « {who.kind}: {who.value} » est donné plusieurs fois.")
    return tuple(actors)


def _one_who(data: object, where: str, tell: Tell) -> Who | None:
    if not isinstance(data, Mapping) or len(data) != 1:
        tell(f"{where} : un acteur s’écrit d’un seul mot parmi {', '.join(WhoKind)}, suivi de sa valeur.")
        return None
    ((kind, value),) = data.items()
    if kind not in frozenset(map(str, WhoKind)):
        tell(f"{where} : l’acteur « {kind} » est inconnu ; choisissez parmi {', '.join(WhoKind)}.")
        return None
    if kind == WhoKind.SUPERIOR:
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_WHO:
            return Who(WhoKind.SUPERIOR, str(value))
        tell(f"{where} : « superior » demande un rang entier, 1 pour le supérieur direct.")
        return None
    shape, wanted = _NAMED.get(
        str(kind), (_KEY, "la clé d’un bureau ou d’un champ, en minuscules sans accent")
    )
    if isinstance(value, str) and shape.fullmatch(value):
        return Who(WhoKind(kind), value)
    tell(f"{where} : « {kind} » demande {wanted}.")
    return None


def _quorum(data: object, actors: int, kind: StepKind, where: str, tell: Tell) -> Quorum:
    if kind.automatic:
        if data is not None:
            tell(f"{where} : une étape automatique n’a pas de quorum, retirez « quorum ».")
        return Quorum()
    if data is None:
        if actors > 1:  # left unsaid, « any » would let one signature stand for two
            tell(f"{where} : plusieurs acteurs, précisez « quorum » : any, all ou un nombre.")
        return Quorum()
    if data in ("any", "all"):
        return Quorum(str(data))
    if not isinstance(data, int) or isinstance(data, bool) or data < 1:
        tell(f"{where} : « quorum » doit valoir any, all ou un nombre entier positif.")
        return Quorum()
    if data > actors:
        tell(
            f"{where} : le quorum de {data} ne peut pas être atteint avec {actors} acteur{'s' if actors > 1 else ''}."
        )
    return Quorum(data)


def _days(data: object, where: str, tell: Tell) -> int | None:
    if data is None or (isinstance(data, int) and not isinstance(data, bool) and 1 <= data <= MAX_DAYS):
        return data
    tell(f"{where} : « days » doit être un nombre entier de jours ouvrés, de 1 à {MAX_DAYS}.")
    return None


def _informed(data: object, where: str, tell: Tell) -> tuple[str, ...]:
    if data is None:
        return ()
    if not isinstance(data, list | tuple) or not all(
        isinstance(desk, str) and _DESK.fullmatch(desk) for desk in data
    ):
        tell(f"{where} : « told » doit être une liste de clés de bureaux, en minuscules sans accent.")
        return ()
    if len(data) > MAX_WHO:
        tell(f"{where} : {len(data)} bureaux informés, {MAX_WHO} au plus.")
    return tuple(dict.fromkeys(data[:MAX_WHO]))


def _requires(data: object, kind: StepKind, where: str, tell: Tell) -> tuple[str, ...]:
    if data is None:
        return ()
    if not isinstance(data, list | tuple) or not all(
        isinstance(key, str) and _OWN_FIELD.fullmatch(key) for key in data
    ):
        tell(f"{where} : « requires » doit être une liste de champs propres à un type, « {OWN}… ».")
        return ()
    if kind.automatic and data:
        tell(f"{where} : personne n’agit à une étape automatique, retirez « requires ».")
        return ()
    if len(data) > MAX_REQUIRED:
        tell(f"{where} : {len(data)} champs exigés, {MAX_REQUIRED} au plus.")
    return tuple(dict.fromkeys(data[:MAX_REQUIRED]))


def _reading(data: object, kind: StepKind, where: str, tell: Tell) -> bool:
    if data is None or data is False:
        return False
    if data is not True:
        tell(f"{where} : « reading » doit être « true » ou « false ».")
    elif kind.automatic:
        tell(f"{where} : personne n’agit à une étape automatique, retirez « reading ».")
        return False
    return data is True


def _channel(data: object, kind: StepKind, where: str, tell: Tell) -> str | None:
    if kind is not StepKind.TRANSMIT:
        if data is not None:
            tell(f"{where} : seule une transmission a un canal, retirez « channel ».")
        return None
    if isinstance(data, str) and _KEY.fullmatch(data):
        return data
    tell(f"{where} : une transmission doit nommer son canal dans « channel ».")
    return None


def _when(data: Mapping[str, Any], where: str, tell: Tell) -> Condition | None:
    if data.get("when") is None:
        return None
    faults: list[str] = []
    condition = read(data["when"], lambda fault: faults.append(f"{where}, condition : {fault}"))
    # Where a branch is looked at, the page of the circuit alone refuses: what it let through before is read as it is
    if not faults and condition is not None and condition.never and BRANCH not in condition.fields:
        tell(f"{where} : l’étape ne peut pas être atteinte, sa condition se contredit.")
    for fault in faults:
        tell(fault)
    return condition
