"""What the pages of types show: each type with its folders in hand, where each value comes from, what a version changes."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.circuits.models import FolderType, FolderTypeVersion
from app.circuits.own_types import currents
from app.circuits.set_up import TYPES
from app.core.clock import today
from app.core.db import Db
from app.core.grammar import plural
from app.core.questions import ask
from app.core.texts import key_of
from app.folders.models import Folder
from app.notices.escalation import NEVER, delays_of
from app.people.models import Collectivity, Desk, Holder, User
from app.trust.assurance import LABELS
from workflows.family import ASSURANCES, SIGNATURE_LEVELS, Family, families
from workflows.fields import Field
from workflows.own_types import (
    ARTICLES,
    EVERYBODY,
    ICONS,
    KINDS,
    PLACES,
    SIGNATURE_FORMATS,
    VISIBILITIES,
    Column,
    Definition,
    OwnField,
    law_days,
    numbered,
    signed_as,
)
from workflows.rights import allows
from workflows.vocabulary import Right, StepKind

FORMATS = {"pdf": "PDF", "xml": "XML", "image": "Image", "office": "Bureautique"}
NATURES = {
    **KINDS,
    "member": KINDS["person"],
    "longtext": "Texte long",
    "decimal": "Nombre",
    "desk": "Bureau",
    "person": "Personne qui peut signer",
    "matter": "Matière de la nomenclature",
    "nature": "Nature de l’acte",
}
NAMES = {
    "label": "Nom",
    "help": "Aide au dépôt",
    "icon": "Pictogramme",
    "deposited_by": "Bureaux qui déposent",
    "visibility": "Qui lit ses dossiers",
    "seen_at": "Bureaux dont les titulaires lisent",
    "minimum_signature": "Signature demandée",
    "signature_format": "Format de signature",
    "signature_level": "Preuves gardées",
    "signature_place": "Place de la signature",
    "register": "Registre",
    "days": "Délai",
    "retention_years": "Conservation",
    "escalation": "Retard dit au bureau supérieur, dossiers en cours compris",
    "formats": "Formats du document principal",
    "attachments_least": "Annexes au moins",
    "attachments_most": "Annexes au plus",
}


@dataclass(frozen=True)
class TypeLine:
    """A type in the list: `number` is 0 as long as no version is published; `changed`, what is drawn up is not published.

    `nobody`: it is open and published, and nobody has the right to deposit it.
    """

    id: int
    label: str
    family: str
    number: int
    in_hand: int
    closed: bool
    changed: bool
    nobody: bool = False


@dataclass(frozen=True)
class Imposed:
    """What a type may not touch: the value, and where it comes from; `article` where the law says it."""

    label: str
    value: str
    origin: str
    article: str = ""


def listing(db: Db, collectivity_id: int) -> list[TypeLine]:
    """Every type, those that are deposited first, each by its label; three statements, however many there are."""
    published = {version.row.id: version for version in currents(db, collectivity_id)}
    counts = in_hand(db, collectivity_id)
    named = {key for one in published.values() for key in one.definition.deposited_by}
    seated = rights_at(db, collectivity_id, named)
    lines = []
    for row, _ in ask(db, TYPES, collectivity_id):
        last, drawn = published.get(row.id), Definition.from_data(row.draft)
        lines.append(
            TypeLine(
                row.id,
                last.definition.label if last else drawn.label,
                family_label(row.family),
                last.number if last else 0,
                sum(counts[row.id].values()),
                row.closed_at is not None,
                last is None or last.definition != drawn,
                last is not None and nobody_deposits(row, last.definition, seated),
            )
        )
    return sorted(lines, key=lambda line: (line.closed, line.label.casefold(), line.id))


def family_label(name: str) -> str:
    """The words of a family; of one that is known no more, that it is."""
    law = families().get(name)
    return law.label if law is not None else "Famille qui n’existe plus"


def in_hand(db: Db, collectivity_id: int) -> Mapping[int, Mapping[int, int]]:
    """How many folders are not ended, drafts included, by type and by the number of the version that they keep."""
    query = (
        sa.select(FolderTypeVersion.type_id, FolderTypeVersion.number, sa.func.count(Folder.id))
        .join(Folder, Folder.type_version_id == FolderTypeVersion.id)
        .where(Folder.collectivity_id == collectivity_id, sa.text("folder.phase <> 'done'"))
        .group_by(FolderTypeVersion.type_id, FolderTypeVersion.number)
    )
    counts: dict[int, dict[int, int]] = defaultdict(dict)
    for type_id, number, count in db.execute(query):
        counts[type_id][number] = count
    return counts


def kept_words(counts: Mapping[int, int]) -> str:
    """« 5 dossiers en cours gardent la version 1, 2 la version 2. »; empty where there is none."""
    if not counts:
        return ""
    (first, many), *others = sorted(counts.items())
    begun = f"{plural(many, 'dossier')} en cours {'gardent' if many > 1 else 'garde'} la version {first}"
    return ", ".join([begun, *(f"{count} la version {number}" for number, count in others)]) + "."


def imposed(law: Family) -> list[Imposed]:
    """What stands whatever a type says: stages, clocks, and those who alone may read."""
    source = f"La famille « {law.label} »"
    stages = ", ".join(stage.label for stage in law.stages)
    imposed = [Imposed("Étapes qu’aucun circuit ne saute", stages, source)]
    if law.due_rule is not None and (start := law.field(law.due_rule.start)) is not None:
        value = f"{law_days(law)} jours à partir de « {start.label} »"
        imposed.append(Imposed("Délai le plus long", value, "La loi", ARTICLES[law.due_rule.clock]))
    if law.transmit_within is not None:
        value = f"{law.transmit_within.days} jours après la dernière signature"
        imposed.append(Imposed("Transmission", value, "La loi", law.transmit_within.source))
    if law.register is not None:
        value = (
            f"Le suivant du registre, {law.register.format(year=today().year, rank=1)} au début de l’année"
        )
        imposed.append(Imposed("Numéro", value, source))
    if not law.signature_formats:
        policy = law.stage_sources.get(StepKind.SIGN.value, "") if law.signature == "pes" else ""
        origin = "La loi" if policy else source
        imposed.append(Imposed("Format de signature", signed_as(law), origin, policy))
    if law.restricted:
        imposed.append(Imposed("Accès", "Restreint à ceux qui peuvent y agir", source))
    return imposed


def natures(fields: Sequence[Field]) -> list[tuple[str, str, str]]:
    """The fields of a family: the label, the nature and the moment of each, in words."""
    moments = {"submit": "À l’envoi", "publish": "À la publication", None: "Jamais"}
    return [(field.label, NATURES[field.type], moments[field.required_from]) for field in fields]


def usual_place(law: Family) -> str:
    """Where the signatures of a family stand, in words."""
    place = law.signature_place
    return (
        PLACES[f"{place.page}:{place.corner}"].lower()
        if place
        else "au pied de la dernière page, où rien n’est écrit"
    )


def signature_formats(law: Family) -> list[tuple[str, str]]:
    """The formats of signature that a type may choose; none where the family leaves none."""
    return [(name, SIGNATURE_FORMATS[name]) for name in law.signature_formats]


def assurances(law: Family) -> list[tuple[str, str]]:
    """The signatures that a type may ask: more than the family's alone."""
    rank = ASSURANCES.index(law.minimum_signature)
    return [(level, LABELS[level]) for level in ASSURANCES[rank + 1 :]]


def levels(law: Family) -> list[tuple[str, str]]:
    """The levels that a type may ask; none where the family leaves none."""
    if law.signature != "page":
        return []
    rank = SIGNATURE_LEVELS.index(law.signature_level) if law.signature_level else 0
    return [(level, level) for level in SIGNATURE_LEVELS[rank + 1 :]]


def depositors(every: Sequence[tuple[str, str]], law: Family) -> list[tuple[str, str]]:
    """Of the open desks (key, name), those that may be named to deposit; of a restricted family, its own alone."""
    return [desk for desk in every if not law.restricted or desk[0] in law.restricted_to]


def open_desks(db: Db, collectivity_id: int) -> list[tuple[str, str]]:
    """Every open desk, by name."""
    query = sa.select(Desk.key, Desk.name).where(
        Desk.collectivity_id == collectivity_id, Desk.closed_at.is_(None)
    )
    return sorted(((row.key, row.name) for row in db.execute(query)), key=lambda desk: key_of(desk[1]))


def rights_at(db: Db, collectivity_id: int, keys: Collection[str]) -> Mapping[str, list[list[Any]]]:
    """The rights of those whose account is open at each of these desks, by its key; of a closed one, none."""
    query = (
        sa.select(Desk.key, Holder.rights)
        .join(Holder, Holder.desk_id == Desk.id)
        .join(User, User.id == Holder.user_id)
        .where(
            Desk.collectivity_id == collectivity_id,
            Desk.closed_at.is_(None),
            Desk.key.in_(keys),
            User.active.is_(True),
        )
    )
    rights: dict[str, list[list[Any]]] = defaultdict(list)
    for key, words in db.execute(query) if keys else ():
        rights[key].append(words)
    return rights


def nobody_deposits(
    row: FolderType, definition: Definition, seated: Mapping[str, Sequence[Sequence[Any]]]
) -> bool:
    """Whether nobody who is there has the right to deposit the type at any desk that it names; `seated`: of `rights_at`."""
    able = (words for key in definition.deposited_by for words in seated.get(key, ()))
    return bool(definition.deposited_by) and not any(
        allows(words, Right.CREATE, row.family, row.key) for words in able
    )


def brought_up(both: Sequence[str], drawn: Definition) -> str:
    """What is said once a draft was brought up: what the published version changed too, and where the draft stands."""
    labels = {field.key: f"champ « {field.label} »" for field in drawn.fields}
    names = ", ".join(NAMES.get(name) or labels.get(name, "un champ retiré") for name in both)
    sentence = "Le brouillon a repris les changements de la version publiée."
    return (
        f"{sentence} Changés des deux côtés, gardés tels que le brouillon les dit : {names}."
        if names
        else sentence
    )


def changes(law: Family, before: Definition | None, after: Definition, named: Mapping[str, str]) -> list[str]:
    """What publishing changes, in words; of a first version, all that the type says. `named`: desks by their keys."""
    was = before or Definition(after.label)
    changes = []
    for name, label in NAMES.items():
        old, new = (_value(law, name, getattr(definition, name), named) for definition in (was, after))
        if old != new:
            changes.append(f"{label} : {new} (avant : {old})" if before else f"{label} : {new}")
    return [*changes, *_field_changes(was.fields, after.fields)]


def reading_words(db: Db, row: FolderType, before: Definition | None, after: Definition) -> list[str]:
    """What opening the type to everybody, or closing it again, does and does not do, in sentences; none where neither is done."""
    was, will = before is not None and before.visibility == EVERYBODY, after.visibility == EVERYBODY
    if was == will:
        return []
    if will:
        return [
            "Seuls les dossiers commencés après la publication seront lus par toute la collectivité, une fois envoyés, et ils le "
            "resteront pour toujours : refermer le type ne les refermerait pas. Les brouillons déjà commencés et les dossiers "
            "d’avant gardent leur lecture.",
            "Si des actes de ce type nomment une personne (sanction, aide, congé), chacun les lira.",
        ]
    query = (
        sa.select(sa.func.count(Folder.id))
        .join(FolderTypeVersion, FolderTypeVersion.id == Folder.type_version_id)
        .where(FolderTypeVersion.type_id == row.id, Folder.read_by_all)
    )
    count = db.scalar(query) or 0
    if not count:
        return ["Aucun dossier n’a été commencé tant que le type était ouvert à toute la collectivité."]
    s, stay, they = ("s", "restent", "ils le resteront") if count > 1 else ("", "reste", "il le restera")
    return [
        f"{plural(count, 'dossier')} commencé{s} tant que le type était ouvert {stay} à la lecture de toute la collectivité, "
        f"terminés et brouillons une fois envoyés compris, et {they} pour toujours : seuls les suivants seront fermés."
    ]


def inherited(db: Db, collectivity_id: int, law: Family) -> str:
    """The delay of who says none of its own (`escalation`), and where it comes from: « 3 jours ouvrés, de la famille »."""
    delays = delays_of(db, collectivity_id, db.get_one(Collectivity, collectivity_id).settings)
    days = delays.of((law.name, ""))
    source = "de la famille" if law.name in delays.types else "de la collectivité"
    return f"{plural(days, 'jour ouvré', 'jours ouvrés') if days else NEVER}, {source}"


def _value(law: Family, name: str, value: object, named: Mapping[str, str]) -> str:
    if value in (None, (), ""):
        empty = {
            "help": "comme la famille" if law.help else "sans aide",
            "seen_at": "aucun",
            "escalation": "comme la famille ou la collectivité",
        }
        return empty.get(name, "comme la famille")
    if isinstance(value, tuple):
        labels = FORMATS if name == "formats" else named
        return ", ".join(labels.get(entry, entry) for entry in value)
    worded: Mapping[str, Mapping[str, str]] = {
        "minimum_signature": LABELS,
        "visibility": VISIBILITIES,
        "icon": ICONS,
        "signature_place": PLACES,
        "signature_format": SIGNATURE_FORMATS,
    }
    if name == "escalation":
        return (
            f"après {plural(int(str(value)), 'jour ouvré', 'jours ouvrés')} de retard" if value else "jamais"
        )
    if name == "register":
        return f"à partir de {numbered(str(value), today().year, 1)}"
    if name in worded:
        return worded[name][str(value)]
    unit = {"days": "jour", "retention_years": "an"}.get(name)
    return plural(int(str(value)), unit) if unit else str(value)


def _field_changes(before: Sequence[OwnField], after: Sequence[OwnField]) -> Iterator[str]:
    old, new = ({field.key: field for field in fields} for fields in (before, after))
    for key, field in new.items():
        if key not in old:
            yield f"Champ ajouté : {_field_words(field)}"
        elif old[key] != field:
            yield f"Champ changé : {_field_words(field)} (avant : {_field_words(old[key])})"
    for key, field in old.items():
        if key not in new:
            yield f"Champ retiré des nouveaux dossiers : « {field.label} »"
    both = [key for key in new if key in old]
    if both != [key for key in old if key in new]:
        yield "Ordre des champs changé"


def _field_words(field: OwnField) -> str:
    wording = _column_words(field, "obligatoire à l’envoi")
    if field.columns:
        columns = " ; ".join(_column_words(column, "obligatoire") for column in field.columns)
        wording = f"{wording} : {columns}"
    wording = f"{wording}, montré dans les listes" if field.listed else wording
    return f"{wording}, aide « {field.help} »" if field.help else wording


def _column_words(column: Column, required: str) -> str:
    kind = KINDS[column.kind][:1].lower() + KINDS[column.kind][1:]
    if column.kind in {"siret", "iban"}:
        kind = KINDS[column.kind]
    wording = f"« {column.label} », {kind}, {required if column.required else 'facultatif'}"
    return (
        f"{wording} ({', '.join(definition for _, definition in column.choices)})"
        if column.choices
        else wording
    )
