"""What a collectivity decides of a type of folders that it makes from a family: stricter than the family, never weaker."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from workflows.condition import OWN
from workflows.family import ASSURANCES, CLOCKS, SIGNATURE_LEVELS, Family, Problem, SignaturePlace
from workflows.fields import Field, FieldType
from workflows.letters import foreign

__all__ = ["ARTICLES", "KINDS", "OWN", "Definition", "OwnField", "faults", "joined", "law_days", "slug"]

KINDS: Mapping[str, str] = {
    "text": "Texte",
    "integer": "Nombre entier",
    "amount": "Montant",
    "date": "Date",
    "choice": "Choix dans une liste",
    "yesno": "Oui ou non",
    "siret": "SIRET",
    "iban": "IBAN",
    "person": "Personne de la collectivité",
    "desk": "Bureau",
    "lines": "Tableau de lignes",
}
ICONS: Mapping[str, str] = {
    "receipt": "Facture",
    "cart": "Achat",
    "cash-stack": "Argent",
    "tools": "Travaux",
    "signpost-split": "Voirie",
    "building": "Bâtiment",
    "house": "Logement",
    "bank": "Mairie",
    "sun": "Énergie",
    "heart-pulse": "Santé et social",
    "people": "Habitants",
    "person-badge": "Agents",
    "calendar-event": "Événement",
    "envelope": "Courrier",
    "megaphone": "Annonce",
    "flag": "Police",
    "pen": "Convention",
    "journal-text": "Registre",
    "file-earmark-text": "Document",
    "shield-lock": "Confidentiel",
}
"""The icons that a type may have, by their name in the set of the pages, and what each stands for."""
PLACES: Mapping[str, str] = {
    f"{page}:{corner}": f"{name}, {where}"
    for page, name in (("first", "Première page"), ("last", "Dernière page"))
    for corner, where in (
        ("top-left", "en haut à gauche"),
        ("top-right", "en haut à droite"),
        ("bottom-left", "en bas à gauche"),
        ("bottom-right", "en bas à droite"),
    )
}
"""Where the signatures of a type stand unless somebody places them: a page and a corner of it."""
SIGNATURE_FORMATS: Mapping[str, str] = {"cades": "CAdES, à côté de chaque fichier (.p7s)"}
"""How the documents of a type are signed, where its family leaves several formats (`Family.signature_formats`)."""
EVERYBODY = "all"
VISIBILITIES: Mapping[str, str] = {
    EVERYBODY: "Toute la collectivité : chaque personne qui y a un compte",
    "desks": "Aux bureaux cochés, leurs titulaires ; ailleurs, ceux qui peuvent y agir",
    "restricted": "Ceux qui peuvent y agir, et eux seuls",
}
"""Who reads the folders of a type, where it closes what its family leaves open, or opens it to everybody (`EVERYBODY`)."""
COLUMN_KINDS = ("text", "integer", "amount", "date", "choice")
"""What a cell of a table may be."""
RESERVED = ("Titre du dossier", "À conserver", "Numéros successifs", "Accès", "Numéro d’enregistrement")
"""Names of what the pages of every folder say by themselves: an own field of that name would be taken for it."""
YES_NO = {"oui": "Oui", "non": "Non"}
ARTICLES = {"payment_due": "CCP R2192-10", "authorising_officer_due": "décret 2013-269, art. 12"}
"""The article behind each clock of `workflows.family.CLOCKS`."""
LONGEST_LABEL, LONGEST_FIELD, LONGEST_HELP = 60, 80, 300
MOST_FIELDS, MOST_CHOICES, MOST_DAYS, MOST_YEARS, MOST_ATTACHMENTS = 30, 50, 365, 100, 50
MOST_COLUMNS, MOST_TABLES, MOST_LISTED = 8, 2, 3
MOST_ESCALATION = 60
_KEY = re.compile(rf"{OWN}[a-z0-9_]{{1,40}}", re.ASCII)
REGISTERED = f"{OWN}_number"
"""The fact that holds the number given by the register of a type: no name gives this key to an own field."""
REGISTER = re.compile(r"(?![A-Z0-9]*[0-9]{4}-)[A-Z][A-Z0-9]{0,11}-(?:\{year\}-)?\{rank\}", re.ASCII)
"""A letter first, and no year at the end: « 2026-001 » or « AR2026-001 » could be the number of an act."""
_COLUMN_KEY = re.compile(r"[a-z0-9_]{1,40}", re.ASCII)


_TYPES: Mapping[str, FieldType] = {"yesno": "choice", "person": "member"}
"""The type of a field where it has not the name of its kind."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: `kind` is one of `COLUMN_KINDS`, `choices` the words of a list by their keys."""

    key: str
    label: str
    kind: str
    required: bool = False
    choices: tuple[tuple[str, str], ...] = ()

    def as_field(self) -> Field:
        """The same as a family's fields are."""
        return Field(
            self.key,
            self.label,
            _TYPES.get(self.kind, self.kind),  # type: ignore[arg-type]
            "submit" if self.required else None,
            choices=YES_NO if self.kind == "yesno" else dict(self.choices),
        )

    def to_data(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return {
            "key": self.key,
            "label": self.label,
            "kind": self.kind,
            "required": self.required,
            "choices": [list(choice) for choice in self.choices],
        }


@dataclass(frozen=True, slots=True)
class OwnField(Column):
    """A field of a type's own: `kind` is one of `KINDS`.

    `listed`: lists of folders show it, and the search finds it; `columns`: those of a table (`lines`), none of another kind.
    """

    help: str = ""
    listed: bool = False
    columns: tuple[Column, ...] = ()

    def as_field(self) -> Field:
        """The same as a family's fields are."""
        columns = tuple(column.as_field() for column in self.columns)
        return replace(Column.as_field(self), help=self.help, listed=self.listed, columns=columns)

    def to_data(self) -> dict[str, Any]:
        """As JSON keeps it."""
        columns = [column.to_data() for column in self.columns]
        return {**Column.to_data(self), "help": self.help, "listed": self.listed, "columns": columns}


def _column(data: Mapping[str, Any]) -> dict[str, Any]:
    choices = tuple((key, label) for key, label in data.get("choices", ()))
    named = {name: data[name] for name in ("key", "label", "kind")}
    return {**named, "required": data.get("required", False), "choices": choices}


@dataclass(frozen=True, slots=True)
class Definition:
    """What one version of a type says; what it leaves empty, or None, is the family's.

    `deposited_by`: keys of desks; `days`: calendar days; `retention_years`: whole years; `formats`: among the family's.
    `escalation`: working days of lateness after which the desk above is told how many folders are late, 0 for never.
    `visibility` is one of `VISIBILITIES`; `seen_at`, the keys of the desks of « desks »; `icon` one of `ICONS`,
    `signature_place` one of `PLACES`, `signature_format` one of `SIGNATURE_FORMATS`; `register`: how it writes the numbers
    that it gives, « COUR-{year}-{rank} » or « COUR-{rank} ».
    """

    label: str
    help: str = ""
    fields: tuple[OwnField, ...] = ()
    deposited_by: tuple[str, ...] = ()
    minimum_signature: str | None = None
    signature_level: str | None = None
    days: int | None = None
    retention_years: int | None = None
    escalation: int | None = None
    formats: tuple[str, ...] = ()
    attachments_least: int | None = None
    attachments_most: int | None = None
    visibility: str | None = None
    seen_at: tuple[str, ...] = ()
    icon: str | None = None
    signature_place: str | None = None
    signature_format: str | None = None
    register: str | None = None

    def to_data(self) -> dict[str, Any]:
        """As JSON keeps it."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        lists = {name: list(getattr(self, name)) for name in _LISTS}
        return {**plain, **lists, "fields": [field.to_data() for field in self.fields]}

    @property
    def mandatory(self) -> frozenset[str]:
        """The keys of the own fields that no folder leaves without."""
        return frozenset(field.key for field in self.fields if field.required)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Definition":
        """The one that `to_data` kept, whatever has come since that a version may say."""
        fields = tuple(
            OwnField(
                **_column(field),
                help=field.get("help", ""),
                listed=field.get("listed", False),
                columns=tuple(Column(**_column(column)) for column in field.get("columns", ())),
            )
            for field in data["fields"]
        )
        values: dict[str, Any] = {name: data[name] for name in _PLAIN if name in data}
        values |= {name: tuple(data[name]) for name in _LISTS if name in data}
        return cls(**values, fields=fields)


_LISTS = ("deposited_by", "formats", "seen_at")
_PLAIN = (
    "label",
    "help",
    "minimum_signature",
    "signature_level",
    "days",
    "retention_years",
    "escalation",
    "attachments_least",
    "attachments_most",
    "visibility",
    "icon",
    "signature_place",
    "signature_format",
    "register",
)


def joined(law: Family, key: str, version: int, definition: Definition) -> Family:
    """The family in force for a version of a type: the family of law, and what the type adds to it.

    Whatever the family has come to ask since the version was published, the stricter of both stands.
    """
    formats = tuple(name for name in law.formats if name in definition.formats) or law.formats
    return replace(
        law,
        label=definition.label,
        plural=definition.label,
        help=definition.help or law.help,
        fields=(*law.fields, *(field.as_field() for field in definition.fields)),
        formats=formats,
        minimum_signature=_higher(ASSURANCES, law.minimum_signature, definition.minimum_signature),
        signature_format=definition.signature_format
        if definition.signature_format in law.signature_formats
        else None,
        signature_level=_higher(SIGNATURE_LEVELS, law.signature_level, definition.signature_level),
        type_key=key,
        type_version=version,
        deposited_by=definition.deposited_by,
        days=definition.days,
        retention_years=definition.retention_years,
        attachments_least=definition.attachments_least or 0,
        attachments_most=definition.attachments_most,
        closed=definition.visibility not in (None, EVERYBODY),
        open_to_all=definition.visibility == EVERYBODY and not law.restricted,
        seen_at=definition.seen_at if definition.visibility == "desks" else (),
        icon=definition.icon or law.icon,
        signature_place=_place(definition.signature_place) or law.signature_place,
        own_register="" if law.register else definition.register or "",
    )


def signed_as(law: Family) -> str:
    """How the documents of a family, or of a version of a type, are signed, in words."""
    if law.signature_format is not None and law.signature_format in SIGNATURE_FORMATS:
        return SIGNATURE_FORMATS[law.signature_format]
    if law.signature == "page":
        return "PAdES, dans le PDF : c’est la page montrée que l’on signe"
    if law.signature == "pes":
        return "XAdES, dans le flux"
    ways = {"pdf": "PAdES dans un PDF", "xml": "XAdES à côté d’un XML"}
    formats = [ways[kind] for kind in law.formats if kind in ways]
    others = "CAdES (.p7s) à côté d’un autre fichier"
    return ", ".join([*formats, others] if set(law.formats) - set(ways) else formats)


def _place(written: str | None) -> SignaturePlace | None:
    page, _, corner = (written or "").partition(":")
    return SignaturePlace(page, corner) if corner else None


def merged(base: Definition, drawn: Definition, published: Definition) -> tuple[Definition, tuple[str, ...]]:
    """What is drawn up from `base`, brought up to what was `published` since; and what both changed, by name.

    Each value that only one of them changed is that one's; where both did, the one that is drawn up stays and is named
    (« days », or the key of an own field). A field that was published since comes after those that are drawn up.
    """
    names = [*_PLAIN, *_LISTS]
    values, both = {}, []
    for name in names:
        before, mine, theirs = (getattr(definition, name) for definition in (base, drawn, published))
        values[name] = theirs if mine == before else mine
        if before not in (mine, theirs) and mine != theirs:
            both.append(name)
    old, mine, theirs = ({field.key: field for field in kind.fields} for kind in (base, drawn, published))
    fields = []
    # An order that nobody changed here is the published one
    order = [*theirs, *mine] if list(mine) == list(old) else [*mine, *theirs]
    for key in dict.fromkeys(order):
        before, own, other = old.get(key), mine.get(key), theirs.get(key)
        stands = other if own == before else own
        if before not in (own, other) and own != other:
            both.append(key)
            stands = own or other
        if stands is not None:
            fields.append(stands)
    return Definition(**values, fields=tuple(fields)), tuple(both)


def _higher(ranks: Sequence[str], *levels: Any) -> Any:
    return max((level for level in levels if level is not None), key=ranks.index, default=None)


def alike(text: str) -> str:
    """What two names have in common when a reader cannot tell them apart: capitals and ways of writing an accent aside."""
    return unicodedata.normalize("NFC", text).casefold()


def law_days(law: Family) -> int | None:
    """The days that the clock of a family gives, from its start; None where it has no clock."""
    if law.due_rule is None:
        return None
    start = date(2026, 1, 1)
    return (CLOCKS[law.due_rule.clock](start) - start).days


def slug(text: str, between: str) -> str:
    """Words as a key: « Point de livraison » is « point-de-livraison »; empty where no letter or digit is left."""
    parted = unicodedata.normalize("NFKD", text.lower())
    letters = "".join(character for character in parted if not unicodedata.combining(character))
    return re.sub(r"[^a-z0-9]+", between, letters).strip(between)[:40].strip(between)


def faults(law: Family, definition: Definition) -> list[Problem]:
    """All that keeps a definition from being a type of this family, each on its field, with its remedy.

    The fields are named as `Definition` names them; those of an own field « fields.0.label ».
    """
    return [
        *_texts(definition),
        *_fields(law, definition),
        *_signature(law, definition),
        *_bounds(law, definition),
        *_files(law, definition),
        *_readers(law, definition),
        *_looks(law, definition),
        *_register(law, definition),
    ]


def _texts(definition: Definition) -> Iterator[Problem]:
    if not 0 < len(definition.label) <= LONGEST_LABEL or not definition.label.isprintable():
        yield Problem(
            "type-label", "label", f"Donnez un nom, en {LONGEST_LABEL} signes au plus, sur une ligne."
        )
    if sign := foreign(definition.label):
        sentence = f"Le nom contient {sign}, qui n’est pas une lettre de l’alphabet latin : effacez-le, puis tapez la lettre."
        yield Problem("type-label", "label", sentence)
    if len(definition.help) > LONGEST_HELP or not definition.help.isprintable():
        yield Problem("type-help", "help", f"L’aide tient sur une ligne, en {LONGEST_HELP} signes au plus.")


def _fields(law: Family, definition: Definition) -> Iterator[Problem]:
    if len(definition.fields) > MOST_FIELDS:
        yield Problem("type-fields", "fields", f"Un type a {MOST_FIELDS} champs au plus.")
    tables = [rank for rank, field in enumerate(definition.fields) if field.kind == "lines"]
    if len(tables) > MOST_TABLES:
        yield Problem(
            "type-tables", f"fields.{tables[MOST_TABLES]}.kind", f"Un type a {MOST_TABLES} tableaux au plus."
        )
    shown = [rank for rank, field in enumerate(definition.fields) if field.listed]
    if len(shown) > MOST_LISTED:
        yield Problem(
            "type-listed",
            f"fields.{shown[MOST_LISTED]}.listed",
            f"Les listes montrent {MOST_LISTED} champs d’un type au plus.",
        )
    labels = {alike(field.label): f"la famille « {law.label} »" for field in law.fields}
    labels |= {alike(name): "tous les dossiers" for name in RESERVED}
    keys: set[str] = set()
    for rank, field in enumerate(definition.fields):
        at = f"fields.{rank}"
        if not 0 < len(field.label) <= LONGEST_FIELD or not field.label.isprintable():
            yield Problem(
                "field-label",
                f"{at}.label",
                f"Nommez ce champ, en {LONGEST_FIELD} signes au plus, sur une ligne.",
            )
        elif other := labels.get(alike(field.label)):
            yield Problem(
                "field-twice",
                f"{at}.label",
                f"« {field.label} » est déjà un champ de {other}. Donnez un autre nom.",
            )
        labels.setdefault(alike(field.label), "ce type")
        if not _KEY.fullmatch(field.key) or field.key in keys:
            yield Problem(
                "field-key", f"{at}.label", "Ce nom ne donne pas de clé. Écrivez-le avec des lettres."
            )
        keys.add(field.key)
        if field.kind not in KINDS:
            yield Problem("field-kind", f"{at}.kind", "Choisissez la nature du champ dans la liste.")
        if len(field.help) > LONGEST_HELP or not field.help.isprintable():
            yield Problem(
                "field-help", f"{at}.help", f"L’aide tient sur une ligne, en {LONGEST_HELP} signes au plus."
            )
        yield from _choices(field, at)
        yield from _columns(field, at)


def _columns(field: OwnField, at: str) -> Iterator[Problem]:
    """What is wrong of the columns of a table, each told at its rank, and of all of them together at the field.

    Of a field of another kind, that it has any.
    """
    if field.kind == "lines" and field.listed:
        yield Problem("field-listed", f"{at}.listed", "Un tableau ne se montre pas dans les listes.")
    sentences = [] if field.kind == "lines" else ["Seul un tableau a des colonnes."] if field.columns else []
    if field.kind == "lines":
        if not 0 < len(field.columns) <= MOST_COLUMNS:
            sentences.append(f"Un tableau a de 1 à {MOST_COLUMNS} colonnes.")
        if len({alike(column.label) for column in field.columns}) < len(field.columns):
            sentences.append("Deux colonnes ont le même nom : changez-en un.")
        elif len({column.key for column in field.columns}) < len(field.columns):
            sentences.append("Deux colonnes ont la même clé.")
        for rank, column in enumerate(field.columns):
            for sentence in _column_faults(column):
                yield Problem("field-columns", f"{at}.columns.{rank}", sentence)
    yield from (Problem("field-columns", f"{at}.columns", sentence) for sentence in sentences)


def _column_faults(column: Column) -> Iterator[str]:
    if not 0 < len(column.label) <= LONGEST_FIELD or not column.label.isprintable():
        yield f"Nommez chaque colonne, en {LONGEST_FIELD} signes au plus, sur une ligne."
    elif not _COLUMN_KEY.fullmatch(column.key):
        yield f"« {column.label} » ne donne pas de clé. Écrivez-le avec des lettres."
    if column.kind not in COLUMN_KINDS:
        yield f"« {column.label} » : choisissez la nature de la colonne dans la liste."
    yield from (f"« {column.label} » : {problem.sentence}" for problem in _choices(column, ""))


def _choices(column: Column, at: str) -> Iterator[Problem]:
    if column.kind != "choice":
        return
    labels = [label.casefold() for _, label in column.choices]
    if not 1 < len(labels) <= MOST_CHOICES:
        yield Problem("field-choices", f"{at}.choices", f"Écrivez de 2 à {MOST_CHOICES} choix, un par ligne.")
    if len(set(labels)) < len(labels) or len({key for key, _ in column.choices}) < len(labels):
        yield Problem("field-choices", f"{at}.choices", "Deux choix sont pareils : retirez-en un.")
    if any(not key or len(word) > LONGEST_FIELD or not word.isprintable() for key, word in column.choices):
        yield Problem(
            "field-choices",
            f"{at}.choices",
            f"Un choix a des lettres ou des chiffres, et {LONGEST_FIELD} signes au plus.",
        )


def _signature(law: Family, definition: Definition) -> Iterator[Problem]:
    minimum, level = definition.minimum_signature, definition.signature_level
    if definition.signature_format is not None and definition.signature_format not in law.signature_formats:
        yield Problem(
            "type-weaker",
            "signature_format",
            f"Le format de signature de « {law.label} » ne se règle pas : gardez le sien.",
        )
    if minimum is not None and (
        minimum not in ASSURANCES or ASSURANCES.index(minimum) < ASSURANCES.index(law.minimum_signature)
    ):
        yield Problem(
            "type-weaker",
            "minimum_signature",
            f"« {law.label} » demande une signature plus exigeante : gardez la sienne.",
        )
    if level is None:
        return
    if law.signature != "page":
        yield Problem(
            "type-weaker",
            "signature_level",
            f"Le niveau gardé de « {law.label} » ne se règle pas : gardez le sien.",
        )
    elif (
        level not in SIGNATURE_LEVELS
        or level == "B-B"
        or (
            law.signature_level is not None
            and SIGNATURE_LEVELS.index(level) < SIGNATURE_LEVELS.index(law.signature_level)
        )
    ):
        yield Problem(
            "type-weaker",
            "signature_level",
            f"« {law.label} » garde davantage de preuves : choisissez un niveau plus haut.",
        )


def _bounds(law: Family, definition: Definition) -> Iterator[Problem]:
    most = law_days(law)
    if (
        definition.days is not None
        and most is not None
        and definition.days > most
        and law.due_rule is not None
    ):
        article = ARTICLES[law.due_rule.clock]
        yield Problem("type-weaker", "days", f"La loi laisse {most} jours au plus ({article}).")
    elif definition.days is not None and not 1 <= definition.days <= MOST_DAYS:
        yield Problem("type-days", "days", f"Écrivez un nombre de jours, de 1 à {MOST_DAYS}.")
    if definition.retention_years is not None and not 1 <= definition.retention_years <= MOST_YEARS:
        yield Problem("type-years", "retention_years", f"Écrivez un nombre d’années, de 1 à {MOST_YEARS}.")
    if definition.escalation is not None and not 0 <= definition.escalation <= MOST_ESCALATION:
        sentence = f"Écrivez un nombre de jours ouvrés, de 1 à {MOST_ESCALATION}, ou « jamais »."
        yield Problem("type-escalation", "escalation", sentence)


def _looks(law: Family, definition: Definition) -> Iterator[Problem]:
    if definition.icon is not None and definition.icon not in ICONS:
        yield Problem("type-icon", "icon", "Choisissez un pictogramme dans la liste.")
    if definition.signature_place is None:
        return
    if law.signature != "page":
        yield Problem(
            "type-weaker", "signature_place", f"« {law.label} » ne montre pas de signature sur ses pages."
        )
    elif definition.signature_place not in PLACES:
        yield Problem("type-place", "signature_place", "Choisissez la page et le coin dans la liste.")


def _register(law: Family, definition: Definition) -> Iterator[Problem]:
    if definition.register is None:
        return
    if law.register is not None:
        yield Problem(
            "type-weaker",
            "register",
            f"« {law.label} » a son propre registre, que la loi demande : gardez le sien.",
        )
    elif not REGISTER.fullmatch(definition.register):
        yield Problem(
            "type-register",
            "register",
            "Un registre commence par une lettre, a 12 capitales sans accent ou chiffres au plus, et ne finit pas par "
            "une année.",
        )


def numbered(register: str, year: int, rank: int) -> str:
    """A number as a register writes it.

    >>> numbered("COUR-{year}-{rank}", 2026, 7)
    'COUR-2026-007'
    """
    return register.format(year=year, rank=f"{rank:03}")


def _readers(law: Family, definition: Definition) -> Iterator[Problem]:
    visibility = definition.visibility
    if visibility is not None and visibility not in VISIBILITIES:
        yield Problem("type-visibility", "visibility", "Choisissez dans la liste qui lit ces dossiers.")
    elif visibility is not None and law.restricted:
        yield Problem(
            "type-weaker",
            "visibility",
            f"« {law.label} » est déjà lu par ceux qui peuvent y agir, et eux seuls : gardez le sien.",
        )
    if visibility == "desks" and not definition.seen_at:
        yield Problem(
            "type-visibility", "seen_at", "Cochez un bureau au moins, ou choisissez l’accès restreint."
        )


def _files(law: Family, definition: Definition) -> Iterator[Problem]:
    if any(name not in law.formats for name in definition.formats):
        yield Problem("type-weaker", "formats", f"« {law.label} » n’accepte pas ce format.")
    if law.restricted and any(desk not in law.restricted_to for desk in definition.deposited_by):
        yield Problem(
            "type-weaker",
            "deposited_by",
            f"« {law.label} » est à accès restreint : d’autres bureaux ne le déposent pas.",
        )
    least, most = definition.attachments_least, definition.attachments_most
    for name, count in (("attachments_least", least), ("attachments_most", most)):
        if count is not None and not 0 <= count <= MOST_ATTACHMENTS:
            yield Problem(
                "type-attachments", name, f"Écrivez un nombre d’annexes, de 0 à {MOST_ATTACHMENTS}."
            )
    if least is not None and most is not None and least > most:
        yield Problem("type-attachments", "attachments_most", "Le plus grand nombre est sous le plus petit.")
