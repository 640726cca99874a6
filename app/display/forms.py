"""The deposit form, drawn from what a family declares: one input for each field, of the kind that fits."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from flask_wtf import FlaskForm
from wtforms import Field, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from app.core.db import Db, key_in
from app.core.french import montant, spaces
from app.core.texts import key_of
from app.display.listed import untitled
from app.folders.favourites import favourites_of
from app.folders.filled import beside
from app.folders.models import Folder
from app.folders.seats import desk_name, person_name
from app.folders.sending import TITLE
from app.folders.sockets import plugged
from app.people.models import Desk, Holder, User
from workflows.family import Family
from workflows.family import Field as FamilyField
from workflows.fields import MAX_LINES, filled, line_faults
from workflows.own_types import OWN
from workflows.rights import Rights
from workflows.vocabulary import Right

CHOOSE = ("", "À choisir")
SEARCHED_FROM = 40  # a longer list is searched by words
LATELY, OFTEN = 300, 6
BLANK = 2
"""So many blank lines begin a table."""
_INPUTS: Mapping[str, Mapping[str, str]] = {
    "date": {"type": "date"},
    "amount": {"inputmode": "decimal"},
    "decimal": {"inputmode": "decimal"},
    "integer": {"inputmode": "numeric"},
    "siret": {"inputmode": "numeric"},
}

_ASKED: Mapping[str, str] = {"aria-required": "true"}
"""What the input of a mandatory field bears; the page writes « obligatoire » beside its name."""


@dataclass(frozen=True)
class ColumnInput:
    """A column of a table as it is typed: its choices (value, words) or None, and what its inputs bear."""

    label: str
    choices: Sequence[tuple[str, str]] | None
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class CellInput:
    """A cell: the name of its input, « own_lots.0.quantite », what is typed there, whether it is wrong."""

    name: str
    value: str
    wrong: bool = False


@dataclass(frozen=True)
class LineInput:
    """A line of a table, in the order of its columns; `filled`: it says something, and may be taken off."""

    cells: Sequence[CellInput]
    filled: bool


@dataclass(frozen=True)
class LinesInput:
    """A table as it is typed: its lines, then blank ones; `full` says why none may be added, `required` that one is asked."""

    short_name: str
    label: str
    description: str
    columns: Sequence[ColumnInput]
    lines: Sequence[LineInput]
    errors: Sequence[str] = ()
    full: str = ""
    required: bool = False
    type: str = "Lines"


class DraftForm(FlaskForm):  # type: ignore[misc]
    """A title and the family's fields; `facts` and `choosers` are set for the template."""

    facts: Sequence[Field | LinesInput] = ()
    choosers: Sequence[Field] = ()


def draft_form(
    db: Db, family: Family, folder: Folder, found: Mapping[str, str], user_id: int | None
) -> DraftForm:
    """The form of a draft, holding its facts; `found` puts a problem's sentence under its field.

    `user_id`: whose favourites come first in long lists.
    """
    title = StringField(TITLE, render_kw={"maxlength": "300"})
    made = type("FamilyForm", (DraftForm,), {"title": title})
    asked = [one for one in family.fields if one.required_from != "publish" and not one.computed]
    _give(db, made, asked, folder, user_id)
    # A title that says nothing is none that somebody wrote: the page says below it how it is made
    written = "" if untitled(folder.phase, folder.title, folder.in_force) else folder.title
    form: DraftForm = made(data={"title": written, **_as_typed(family.fields, folder.fields)})
    fields = _bound(form, asked, folder.fields, found, _origins(db, folder, asked))
    # A desk of a type's own is what is written of the folder, and no circuit awaits it
    desks = {one.key for one in asked if one.type == "desk" and not one.key.startswith(OWN)}
    form.facts = [field for field in fields if field.short_name not in desks]
    form.choosers = [field for field in fields if field.short_name in desks]
    if "title" in found:
        form.title.errors = [found["title"]]
    return form


def inputs(
    db: Db,
    asked: Sequence[FamilyField],
    folder: Folder,
    values: Mapping[str, Any],
    found: Mapping[str, str],
    user_id: int | None,
) -> list[Field | LinesInput]:
    """The inputs of these fields, all of them mandatory, holding these values; `found` as in `draft_form`."""
    every = [replace(one, required_from="submit") for one in asked]
    made = type("StepForm", (DraftForm,), {})
    _give(db, made, every, folder, user_id)
    form = made(formdata=None, data=_as_typed(every, values))
    return _bound(form, every, values, found, _origins(db, folder, every))


def _give(
    db: Db, made: type[DraftForm], asked: Sequence[FamilyField], folder: Folder, user_id: int | None
) -> None:
    """Give a form an input for each field that is not a table."""
    for one in asked:
        if one.type != "lines":
            setattr(made, one.key, _input(db, one, folder, user_id))


def _as_typed(fields: Sequence[FamilyField], values: Mapping[str, Any]) -> dict[str, str]:
    """The values as one types them."""
    money = {one.key for one in fields if one.type == "amount"}
    filled_in = {key: value for key, value in values.items() if value not in (None, "")}
    return {key: montant(value) if key in money else str(value) for key, value in filled_in.items()}


def _bound(
    form: DraftForm,
    asked: Sequence[FamilyField],
    values: Mapping[str, Any],
    found: Mapping[str, str],
    origins: Mapping[str, str],
) -> list[Field | LinesInput]:
    """The inputs of a form in the order of its fields, each with whose value it holds and what is wrong with it."""
    fields = [
        _lines(one, values.get(one.key), marked=one.key in found) if one.type == "lines" else form[one.key]
        for one in asked
    ]
    for field in fields:
        if field.short_name in found and not isinstance(field, LinesInput):
            field.errors = [found[field.short_name]]
        if origin := origins.get(field.short_name):
            words = f"{field.description} {origin}".strip()
            if isinstance(field, LinesInput):
                fields[fields.index(field)] = replace(field, description=words)
            else:
                field.description = words
    return fields


def _origins(db: Db, folder: Folder, asked: Sequence[FamilyField]) -> dict[str, str]:
    """By field, who filled in at a step the value that it holds, or the one whose place that took, as a sentence."""
    words = {one.key: beside(db, folder, one) for one in asked}
    return {key: f"{origin[:1].upper()}{origin[1:]}." for key, origin in words.items() if origin}


def _lines(one: FamilyField, value: object, *, marked: bool) -> LinesInput:
    """The input of a table; `marked`: what is wrong in it is told, cell by cell."""
    kept = [line for line in value if isinstance(line, Mapping)] if isinstance(value, list) else []
    faults = line_faults(one, kept) if marked else []
    wrong = {(rank, key) for rank, key, _ in faults}
    if marked and not kept:
        wrong = {(0, column.key) for column in one.columns[:1]}  # where its first line begins
    blank = min(BLANK if not kept else 1, max(MAX_LINES - len(kept), 0))
    lines = [
        LineInput(
            [
                CellInput(
                    f"{one.key}.{rank}.{column.key}",
                    _typed(column, line.get(column.key, "" if line else column.default or "")),
                    (rank, column.key) in wrong,
                )
                for column in one.columns
            ],
            bool(line),
        )
        for rank, line in enumerate([*kept, *({} for _ in range(blank))])
    ]
    missing = [f"« {one.label} » reste à renseigner."] if marked and not kept else []
    return LinesInput(
        one.key,
        spaces(one.label),
        spaces(one.help),
        [
            ColumnInput(
                spaces(column.label),
                list(column.choices.items()) if column.type == "choice" else None,
                _INPUTS.get(column.type, {}),
            )
            for column in one.columns
        ],
        lines,
        [*missing, *(spaces(sentence) for _, _, sentence in faults)],
        "" if len(kept) < MAX_LINES else f"Un tableau a {MAX_LINES} lignes au plus.",
        required=one.required_from == "submit",
    )


def _typed(column: FamilyField, value: object) -> str:
    """A cell as one types it."""
    if column.type == "decimal":
        return str(value).replace(".", ",")
    return montant(value) if column.type == "amount" and value != "" else str(value)


def facts_typed(
    family: Family, form: Mapping[str, str], without: tuple[str, str] = ("", "")
) -> dict[str, Any]:
    """The facts that a form sends, by field; of a table its lines in order, those left out that are as a blank one began.

    `without`: the key of a table and the rank of the line that is taken off it.
    """
    facts: dict[str, Any] = {}
    for one in family.fields:
        if one.type != "lines":
            if one.key in form:
                facts[one.key] = form[one.key]
            continue
        cells: dict[int, dict[str, object]] = {}
        for name, value in form.items():
            key, _, place = name.partition(".")
            rank, _, column = place.partition(".")
            if key == one.key and rank.isascii() and rank.isdigit() and len(rank) <= 3:
                cells.setdefault(int(rank), {})[column] = value
        if cells:
            facts[one.key] = filled(
                line
                for rank, line in sorted(cells.items())
                if without != (one.key, str(rank)) and not _as_begun(one, line)
            )
    return facts


def _as_begun(table: FamilyField, line: Mapping[str, object]) -> bool:
    """Whether a line of a table says no more than a blank one, which has the defaults of its columns."""
    return all(line.get(one.key, "") in ("", one.default) for one in table.columns)


def _input(db: Db, one: FamilyField, folder: Folder, user_id: int | None) -> Any:
    options: dict[str, Any] = {
        "description": spaces(one.help or ""),
        "render_kw": dict(_INPUTS.get(one.type, {})),
    }
    if one.required_from == "submit":
        options["render_kw"] |= _ASKED
    label = spaces(one.label)
    offered = choices_of(db, folder.collectivity_id, one)
    if offered is not None:
        choices = [SelectChoice(*CHOOSE), *_grouped(db, folder, one, offered, user_id)]
        known = str(folder.fields.get(one.key) or "")
        if one.key.startswith(OWN) and known and known not in dict(offered):
            choices.append(SelectChoice(known, f"{_former(db, folder, one, known)} (n’est plus proposé)"))
        if len(offered) > SEARCHED_FROM:
            options["render_kw"]["data-searched"] = ""
        return SelectField(label, choices=choices, validate_choice=False, **options)
    return TextAreaField(label, **options) if one.type == "longtext" else StringField(label, **options)


def _former(db: Db, folder: Folder, one: FamilyField, value: str) -> str:
    """The name of a desk or of a person that is offered no more; what was written where there is none."""
    if one.type == "desk":
        return desk_name(db, folder.collectivity_id, value) or value
    number = key_in(value) if one.type == "member" else None
    return (person_name(db, folder.collectivity_id, number) if number is not None else None) or value


def _grouped(
    db: Db, folder: Folder, one: FamilyField, offered: Sequence[tuple[str, str]], user_id: int | None
) -> list[SelectChoice]:
    """The values of a list; of a long one, first the person's favourites, then what the collectivity chose most of late."""
    if len(offered) <= SEARCHED_FROM:
        return [SelectChoice(*each) for each in offered]
    mine, often = favourites_of(db, user_id, one.type), _often(db, folder, one.key)
    words = dict(offered)
    groups = {
        "Mes favoris": [each for each in offered if each[0] in mine],
        "Souvent choisies": [(key, words[key]) for key in often if key in words and key not in mine],
    }
    first = [each for group in groups.values() for each in group]
    if not first:
        return [SelectChoice(*each) for each in offered]
    groups["Toutes"] = [each for each in offered if each not in first]
    return [SelectChoice(*each, optgroup=label) for label, group in groups.items() for each in group]


def _often(db: Db, folder: Folder, key: str) -> list[str]:
    """What this collectivity's last folders answered most to a field, the most frequent first."""
    query = (
        sa.select(Folder.fields[key].as_string())
        .where(Folder.collectivity_id == folder.collectivity_id, Folder.id != folder.id)
        .order_by(Folder.id.desc())
        .limit(LATELY)
    )
    return [value for value, _ in Counter(filter(None, db.scalars(query))).most_common(OFTEN)]


def choices_of(db: Db, collectivity_id: int, one: FamilyField) -> list[tuple[str, str]] | None:
    """The values (value, words) that may be given to a field, or None when it is written freely."""
    if one.type in {"choice", "nature"}:
        return [(str(key), words) for key, words in (one.choices or {}).items()]
    offered = plugged.options.get(one.type)
    if offered is not None:
        return offered(db, collectivity_id)
    if one.type == "desk":
        return _desks(db, collectivity_id)
    if one.type == "member":
        return _members(db, collectivity_id)
    return _people(db, collectivity_id) if one.type == "person" else None


def _desks(db: Db, collectivity_id: int) -> list[tuple[str, str]]:
    query = sa.select(Desk.key, Desk.name).where(
        Desk.collectivity_id == collectivity_id, Desk.closed_at.is_(None)
    )
    return sorted(((key, name) for key, name in db.execute(query)), key=lambda desk: key_of(desk[1]))


def _members(db: Db, collectivity_id: int) -> list[tuple[str, str]]:
    """Everybody whose account is open."""
    query = sa.select(User).where(User.collectivity_id == collectivity_id, User.active.is_(True))
    return [
        (str(one.id), f"{one.name}, {one.capacity[:1].lower()}{one.capacity[1:]}".rstrip(", "))
        for one in db.scalars(query.order_by(User.last_name, User.first_name, User.id))
    ]


def _people(db: Db, collectivity_id: int) -> list[tuple[str, str]]:
    """The people who may sign somewhere in the collectivity: a sitting role is given to one of them."""
    query = (
        sa.select(User, Holder.rights)
        .join(Holder, Holder.user_id == User.id)
        .where(User.collectivity_id == collectivity_id, User.active.is_(True))
        .order_by(User.last_name)
    )
    able = {
        user.id: f"{user.name}, {user.capacity[:1].lower()}{user.capacity[1:]}"
        for user, rights in db.execute(query)
        if Right.SIGN in Rights.read(rights)
    }
    return [(str(user_id), words) for user_id, words in able.items()]
