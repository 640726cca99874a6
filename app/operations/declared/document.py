"""The file of a collectivity: what it may say, and its reading, which refuses all that it may not, in French and at once.

    schema: paraphe-collectivity/1
    settings: {mail_name: Mairie de Kerlann}
    desks:    {finances: {name: Direction des finances, above: direction, closed: false}}
    people:   {k.morizur: {first_name: …, last_name: …, email: …, capacity: …,
                          administrator: true, desks: {finances: [create, act]}}}
    types:    {facture-d-energie: {family: invoice, label: Facture d’énergie, days: 20,
                                    fields: [{key: …, label: …, kind: …}]}}
    circuits: {invoice: {key: invoice, label: …, steps: […]}}
    rules:    {invoice: {rows: [{key: row_1, when: {field: total_ttc, op: ">=", value: 4000}, circuit: invoice}],
                         otherwise: invoice.voirie-courte}}
    mailboxes: {imap.kerlann.example/factures@kerlann.example/INBOX: {address: factures@kerlann.example, kind: invoice}}
    arrivals: {rows: [{when: {service_code: VOIRIE}, to: {desk: technique, service: technique, send: true}}],
               otherwise: {desk: finances}}

A section that is not there says nothing. Texts are texts: 29 is to be written "29".
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, unquote

import yaml

from app.arrivals.criteria import CRITERIA
from app.circuits.library import parted
from app.core.refusals import Refusal
from app.core.texts import strange, texts_in
from app.people.hierarchy import GRANTED
from app.people.own_settings.registry import written
from workflows.condition import read as read_condition
from workflows.family import families
from workflows.loader import load, read_yaml
from workflows.own_types import Definition, faults
from workflows.rights import ONLY, Rights
from workflows.rule_table import MAX_ROWS

SCHEMA: Final = "paraphe-collectivity/1"
MOST_BYTES: Final = 2_000_000
MOST: Final = {
    "settings": 100,
    "desks": 1_000,
    "people": 5_000,
    "types": 200,
    "circuits": 200,
    "rules": 300,
    "arrivals": 2,
    "mailboxes": 20,
}
"""How many each section may hold, in the order of the file."""
MOST_FAULTS: Final = 20
_PERSON: Final = ("first_name", "last_name", "email", "capacity")
_EMPTY: Final = Definition("").to_data()
_NUMBERS: Final = ("days", "retention_years", "escalation", "attachments_least", "attachments_most")
_WORDS: Final = (
    "label",
    "help",
    "minimum_signature",
    "signature_level",
    "visibility",
    "icon",
    "signature_place",
    "signature_format",
    "register",
)
_LISTS: Final = ("deposited_by", "formats", "seen_at")
_ROW: Final = re.compile(r"[A-Za-z0-9_-]{1,60}", re.ASCII)
_COLUMN: Final = {"required": False, "choices": []}
_FIELD: Final = {**_COLUMN, "help": "", "listed": False, "columns": []}

LONGEST_KEY: Final = 120
LONGEST_PLACE: Final = 800
"""Of the key of a mailbox: its server, login and folder."""
USUAL_MAILBOX: Final = {"scheme": "imaps", "port": 993, "senders": [], "removes": False, "active": True}
Section = Mapping[str, Any]
Document = Mapping[str, Section]
"""Each section of a file by its name: what it says of each of its own, by key, in full."""
Tell = Callable[[str, str], None]


def read(text: bytes) -> dict[str, dict[str, Any]]:
    """What a file says, every value in its full form.

    Refuses `declared-large`, and `declared-invalid`: no YAML of ours (alias, tag, key given twice, lists in lists without
    end), or all that is not as the schema says.
    """
    if len(text) > MOST_BYTES:
        raise Refusal("declared-large", most=MOST_BYTES // 1_000_000)
    try:
        data = read_yaml(text.decode("utf-8-sig"))
    except Refusal as refusal:
        raise Refusal("declared-invalid", details=refusal.facts["details"]) from refusal
    except UnicodeDecodeError:
        raise Refusal("declared-invalid", details="Le fichier n’est pas un texte UTF-8.") from None
    sentences: list[str] = []
    document = _document(data, lambda where, why: sentences.append(f"{where} : {why}"))
    if sentences:
        more = f" Et {len(sentences) - MOST_FAULTS} autres." if len(sentences) > MOST_FAULTS else ""
        raise Refusal("declared-invalid", details=" ".join(sentences[:MOST_FAULTS]) + more)
    return document


def write(document: Document) -> str:
    """The file of a document, the same for the same document: sections in their order, keys sorted, what is usual left out."""
    short = {
        "settings": dict(document["settings"]),
        "desks": {
            key: _without(entry, {"above": None, "closed": False}) for key, entry in document["desks"].items()
        },
        "people": {
            key: _without(entry, {"administrator": False, "desks": {}})
            for key, entry in document["people"].items()
        },
        "types": {key: _short_type(entry) for key, entry in document["types"].items()},
        "circuits": {key: _without(entry, {"closed": False}) for key, entry in document["circuits"].items()},
        "rules": dict(document["rules"]),
        "arrivals": _short_arrivals(document["arrivals"]),
        "mailboxes": {key: _without(entry, USUAL_MAILBOX) for key, entry in document["mailboxes"].items()},
    }
    ordered = {name: dict(sorted(entries.items())) for name, entries in short.items()}
    return yaml.safe_dump({"schema": SCHEMA, **ordered}, allow_unicode=True, sort_keys=False, width=100)


def _without(entry: Mapping[str, Any], usual: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name not in usual or value != usual[name]}


def _short_arrivals(section: Section) -> dict[str, Any]:
    """The routing of what comes by itself, without what is usual; nothing where none was chosen."""
    if not section:
        return {}
    usual = {"kind": "", "service": "", "send": False}
    # By name: a base may give the keys of an object back in another order than it was given
    rows = [
        {"when": dict(sorted(row["when"].items())), "to": _without(row["to"], usual)}
        for row in section["rows"]
    ]
    return {"rows": rows, "otherwise": _without(section["otherwise"], usual)}


def _short_type(entry: Mapping[str, Any]) -> dict[str, Any]:
    short = _without(entry, {**_EMPTY, "closed": False, "label": None})
    if "fields" in short:
        short["fields"] = [
            _without({**field, "columns": [_without(column, _COLUMN) for column in field["columns"]]}, _FIELD)
            for field in entry["fields"]
        ]
    return short


def _document(data: object, tell: Tell) -> dict[str, dict[str, Any]]:
    if not isinstance(data, Mapping) or data.get("schema") != SCHEMA:
        tell("schema", f"il faut « schema: {SCHEMA} » en tête du fichier.")
        return {}
    _only(data, {"schema", *MOST}, "", tell)
    readers: dict[str, Callable[[str, Any, Tell], Any]] = {
        "settings": _setting,
        "desks": _desk,
        "people": _person,
        "types": _type,
        "circuits": _circuit,
        "rules": _rules,
        "arrivals": _arrivals,
        "mailboxes": _mailbox,
    }
    read_in = {}
    for name in (name for name in MOST if name in data):
        section = data[name]
        if not isinstance(section, Mapping):
            tell(name, "il faut une clé pour chacun.")
            continue
        if len(section) > MOST[name]:
            tell(name, f"{len(section)} en tout, {MOST[name]} au plus.")
            continue
        entries = {}
        for key, value in section.items():
            if (
                not isinstance(key, str)
                or not key
                or len(key) > (LONGEST_PLACE if name == "mailboxes" else LONGEST_KEY)
            ):
                tell(name, f"« {str(key)[:40]} » n’est pas une clé : écrivez-la entre guillemets.")
            elif sign := next((sign for text in texts_in([key, value]) if (sign := strange(text))), None):
                tell(f"{name}.{key[:40]}", f"un caractère ne se garde pas ({sign}).")
            else:
                entries[key] = readers[name](key, value, tell)
        read_in[name] = entries
    return read_in


def _only(entry: Mapping[Any, Any], names: set[str], where: str, tell: Tell) -> None:
    for name in entry:
        if name not in names:
            tell(f"{where}.{name}".lstrip(".")[:80], f"clé inconnue ; il y a : {', '.join(sorted(names))}.")


def _text(entry: Mapping[str, Any], name: str, where: str, tell: Tell) -> str:
    value = entry.get(name)
    if not isinstance(value, str):
        tell(f"{where}.{name}", "il faut un texte, entre guillemets s’il ressemble à un nombre.")
        return ""
    return value


def _setting(key: str, value: Any, tell: Tell) -> Any:
    if key not in {setting.name for setting in written()}:
        tell(f"settings.{key[:60]}", "ce n’est pas un réglage d’une collectivité, ou c’est un secret.")
    elif isinstance(value, bool) or not isinstance(value, str | int):
        tell(f"settings.{key}", "il faut un texte ou un nombre entier.")
    return value


def _desk(key: str, value: Any, tell: Tell) -> Any:
    where = f"desks.{key}"
    if not isinstance(value, Mapping):
        tell(where, "il faut « name », et « above » s’il a un bureau au-dessus.")
        return {}
    _only(value, {"name", "above", "closed"}, where, tell)
    above, closed = value.get("above"), value.get("closed", False)
    if above is not None:
        above = _text(value, "above", where, tell)
    if not isinstance(closed, bool):
        tell(f"{where}.closed", "il faut true ou false.")
    return {"name": _text(value, "name", where, tell), "above": above, "closed": closed}


def _person(key: str, value: Any, tell: Tell) -> Any:
    where = f"people.{key}"
    if not isinstance(value, Mapping):
        tell(where, "il faut prénom, nom, courriel et qualité (first_name, last_name, email, capacity).")
        return {}
    if key != key.strip().lower():
        tell(where, f"un identifiant s’écrit en minuscules : « {key.strip().lower()} ».")
    _only(value, {*_PERSON, "administrator", "branch", "desks"}, where, tell)
    administrator, seats = value.get("administrator", False), value.get("desks", {})
    branch = _text(value, "branch", where, tell) if value.get("branch") is not None else None
    if not isinstance(administrator, bool):
        tell(f"{where}.administrator", "il faut true ou false.")
    known = ", ".join(right.value for right in GRANTED)
    if not isinstance(seats, Mapping):
        tell(f"{where}.desks", "il faut une liste de droits pour chaque bureau.")
        seats = {}
    rights = {}
    for desk, grants in seats.items():
        read = _rights(grants)
        if not read:
            sentence = f"il faut une liste parmi {known}, chacun pour tous les types, ou pour un : sign{ONLY}invoice."
            tell(f"{where}.desks.{str(desk)[:40]}", sentence)
        else:
            rights[str(desk)] = list(read.grants)
    return {
        **{name: _text(value, name, where, tell) for name in _PERSON},
        "administrator": administrator,
        "branch": branch,
        "desks": dict(sorted(rights.items())),
    }


def _rights(grants: Any) -> Rights:
    """The rights of a list; none at all where it is no list of them."""
    try:
        rights = Rights.read(grants) if isinstance(grants, list) else Rights()
    except (ValueError, AttributeError):
        return Rights()
    return rights if all(right in GRANTED for right in rights) else Rights()


def _type(key: str, value: Any, tell: Tell) -> Any:
    where = f"types.{key}"
    if not isinstance(value, Mapping):
        tell(where, "il faut « family » et « label ».")
        return {}
    _only(value, {"family", "closed", *_EMPTY}, where, tell)
    family, closed = _text(value, "family", where, tell), value.get("closed", False)
    if not isinstance(closed, bool):
        tell(f"{where}.closed", "il faut true ou false.")
    if family not in families() or families()[family].begun_elsewhere:
        tell(f"{where}.family", "ce n’est pas une famille dont on fait un type.")
        return {}
    definition = {**_EMPTY, **{name: value[name] for name in _EMPTY if name in value}}
    definition["fields"] = list(_fields(definition["fields"], where, tell))
    wrong = list(_wrong(definition))
    for name, why in wrong:
        tell(f"{where}.{name}", why)
    if not wrong:
        for fault in faults(families()[family], Definition.from_data(definition)):
            tell(f"{where}.{fault.field}", fault.sentence)
    return {"family": family, "closed": closed, **definition}


def _wrong(definition: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What of a definition is not even of its kind."""
    for name in _NUMBERS:
        if definition[name] is not None and (
            isinstance(definition[name], bool) or not isinstance(definition[name], int)
        ):
            yield name, "il faut un nombre entier."
    for name in _WORDS:
        if definition[name] is not None and not isinstance(definition[name], str):
            yield name, "il faut un texte."
    for name in _LISTS:
        if not isinstance(definition[name], list) or any(
            not isinstance(part, str) for part in definition[name]
        ):
            yield name, "il faut une liste de textes."
    if definition["help"] is None or definition["label"] is None:
        yield "label", "il faut un texte."


def _fields(fields: Any, where: str, tell: Tell) -> Iterator[dict[str, Any]]:
    for field, at in _named(fields, f"{where}.fields", "une liste de champs", tell):
        _only(field, {"key", "label", "kind", *_FIELD}, at, tell)
        plain = _plain_field(field, at, tell)
        if plain is None:
            continue
        listed = field.get("listed", False)
        if not isinstance(listed, bool):
            tell(f"{at}.listed", "il faut true ou false.")
            continue
        help_text = _text(field, "help", at, tell) if "help" in field else ""
        columns = []
        for column, inside in _named(
            field.get("columns", []), f"{at}.columns", "une liste de colonnes", tell
        ):
            _only(column, {"key", "label", "kind", *_COLUMN}, inside, tell)
            read_in = _plain_field(column, inside, tell)
            columns += [read_in] if read_in is not None else []
        yield {**plain, "help": help_text, "listed": listed, "columns": columns}


def _named(entries: Any, where: str, wanted: str, tell: Tell) -> Iterator[tuple[Mapping[str, Any], str]]:
    """The mappings of a list, each with its place in the file."""
    if not isinstance(entries, list):
        tell(where, f"il faut {wanted}.")
        return
    for rank, entry in enumerate(entries):
        if isinstance(entry, Mapping):
            yield entry, f"{where}.{rank}"
        else:
            tell(f"{where}.{rank}", "il faut « key », « label » et « kind ».")


def _plain_field(field: Mapping[str, Any], at: str, tell: Tell) -> dict[str, Any] | None:
    """What a field and a column both say; None of one that cannot be read."""
    required, choices = field.get("required", False), field.get("choices", [])
    pairs = isinstance(choices, list) and all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(word, str) for word in pair)
        for pair in choices
    )
    if not isinstance(required, bool) or not pairs:
        tell(at, "« required » est true ou false, « choices » une liste de couples de textes.")
        return None
    texts = {name: _text(field, name, at, tell) for name in ("key", "label", "kind")}
    return {**texts, "required": required, "choices": choices}


def _circuit(key: str, value: Any, tell: Tell) -> Any:
    where = f"circuits.{key}"
    if parted(key)[0] not in families():
        tell(where[:80], "ce n’est pas une famille, ni une famille suivie d’un point et d’un nom.")
        return {}
    if not isinstance(value, Mapping):
        tell(where, "il faut « key », « label » et « steps ».")
        return {}
    closed = value.get("closed", False)
    if not isinstance(closed, bool):
        tell(f"{where}.closed", "il faut true ou false.")
    try:
        return {
            "closed": closed,
            **load({name: part for name, part in value.items() if name != "closed"}).to_data(),
        }
    except Refusal as refusal:
        tell(where, str(refusal.facts.get("details", "")))
        return {}


def _rules(key: str, value: Any, tell: Tell) -> Any:
    where = f"rules.{key}"
    if not isinstance(value, Mapping) or not isinstance(value.get("rows"), list):
        tell(where, "il faut « rows », la liste des règles, et « otherwise », le circuit des autres cas.")
        return {}
    _only(value, {"rows", "otherwise"}, where, tell)
    if len(value["rows"]) > MAX_ROWS:
        tell(f"{where}.rows", f"{len(value['rows'])} en tout, {MAX_ROWS} au plus.")
        return {}
    rows = list(_rows(value["rows"], where, tell))
    if len({row["key"] for row in rows}) < len(rows):
        tell(f"{where}.rows", "deux règles ont la même clé.")
    return {"rows": rows, "otherwise": _text(value, "otherwise", where, tell)}


def _rows(rows: list[Any], where: str, tell: Tell) -> Iterator[dict[str, Any]]:
    for rank, row in enumerate(rows):
        at = f"{where}.rows.{rank}"
        if not isinstance(row, Mapping):
            tell(at, "il faut « key », « when » et « circuit ».")
            continue
        _only(row, {"key", "when", "circuit"}, at, tell)
        name = _text(row, "key", at, tell)
        if name and not _ROW.fullmatch(name):
            tell(f"{at}.key", "il faut des lettres sans accent, des chiffres, des tirets, 60 signes au plus.")
        when = read_condition(row.get("when"), lambda fault, at=at: tell(f"{at}.when", fault))  # type: ignore[misc]
        yield {
            "key": name,
            "when": when.to_data() if when is not None else {},
            "circuit": _text(row, "circuit", at, tell),
        }


def _arrivals(key: str, value: Any, tell: Tell) -> Any:
    """« rows », in order, or « otherwise », the sorting desk."""
    if key == "otherwise":
        return _destination(value, "arrivals.otherwise", tell)
    if key != "rows" or not isinstance(value, list):
        tell(
            f"arrivals.{key[:40]}",
            "il y a « rows », une liste de règles, et « otherwise », le bureau de tri.",
        )
        return []
    rows = []
    for rank, row in enumerate(value):
        at = f"arrivals.rows.{rank}"
        if not isinstance(row, Mapping) or not isinstance(row.get("when"), Mapping):
            tell(at, "il faut « when », ce que la règle demande, et « to », où elle mène.")
            continue
        _only(row, {"when", "to"}, at, tell)
        _only(row["when"], set(CRITERIA), f"{at}.when", tell)
        when = {
            name: _text(row["when"], name, f"{at}.when", tell) for name in row["when"] if name in CRITERIA
        }
        rows.append({"when": when, "to": _destination(row.get("to"), f"{at}.to", tell)})
    return rows


def _destination(value: Any, at: str, tell: Tell) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        tell(at, "il faut « desk », et au besoin « kind », « service » et « send ».")
        return {}
    _only(value, {"desk", "kind", "service", "send"}, at, tell)
    if not isinstance(value.get("send", False), bool):
        tell(f"{at}.send", "il faut true ou false.")
    return {
        "desk": _text(value, "desk", at, tell),
        **{name: _text(value, name, at, tell) if name in value else "" for name in ("kind", "service")},
        "send": value.get("send", False),
    }


def place_of(key: str) -> tuple[str, str, str] | None:
    """Server, login and folder of a mailbox, as `place_key` wrote them; None for what is no such key."""
    parts = key.split("/", 2)
    if len(parts) != 3 or not all(parts):
        return None
    return parts[0], unquote(parts[1]), parts[2]


def place_key(host: str, login: str, folder: str) -> str:
    """The key of a mailbox: what no two of a collectivity have in common, « imap.kerlann.example/factures/INBOX »."""
    return f"{host}/{quote(login, safe='@+ ')}/{folder}"


def _mailbox(key: str, value: Any, tell: Tell) -> dict[str, Any]:
    where = f"mailboxes.{key[:80]}"
    host, login, folder = place_of(key) or ("", "", "")
    if not host or place_key(host.lower(), login, folder) != key:
        form = "« serveur/identifiant/dossier », par exemple imap.commune.fr/factures@commune.fr/INBOX"
        tell(where, f"la clé d’une boîte est {form}, le serveur en minuscules.")
        return {}
    if not isinstance(value, Mapping):
        tell(where, "il faut « address » et « kind ».")
        return {}
    _only(value, {"address", "kind", *USUAL_MAILBOX}, where, tell)
    entry = {**USUAL_MAILBOX, **value}
    for name in ("removes", "active"):
        if not isinstance(entry[name], bool):
            tell(f"{where}.{name}", "il faut true ou false.")
    if isinstance(entry["port"], bool) or not isinstance(entry["port"], int):
        tell(f"{where}.port", "il faut un nombre entier.")
    senders = entry["senders"]
    if not isinstance(senders, list) or any(not isinstance(sender, str) for sender in senders):
        tell(f"{where}.senders", "il faut une liste d’adresses ou de @domaine.fr.")
        senders = []
    texts = {name: _text(entry, name, where, tell) for name in ("address", "kind", "scheme")}
    return {
        **texts,
        "port": entry["port"],
        "senders": senders,
        "removes": entry["removes"],
        "active": entry["active"],
    }
