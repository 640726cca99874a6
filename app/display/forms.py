"""The deposit form, drawn from what a family declares: one input for each field, of the kind that fits."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from flask_wtf import FlaskForm
from wtforms import Field, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice

from app.core.db import Db
from app.core.french import montant, spaces
from app.folders.favourites import favourites_of
from app.folders.models import Folder
from app.folders.sockets import plugged
from app.people.models import Desk, Holder, User
from workflows.family import Family
from workflows.family import Field as FamilyField
from workflows.vocabulary import Right

CHOOSE = ("", "À choisir")
SEARCHED_FROM = 40  # a longer list is searched by words
LATELY, OFTEN = 300, 6
_INPUTS: Mapping[str, Mapping[str, str]] = {
    "date": {"type": "date"},
    "amount": {"inputmode": "decimal"},
    "integer": {"inputmode": "numeric"},
    "siret": {"inputmode": "numeric"},
}


class DraftForm(FlaskForm):  # type: ignore[misc]
    """A title and the family's fields; `facts` and `choosers` are set for the template."""

    facts: Sequence[Field] = ()
    choosers: Sequence[Field] = ()


def draft_form(
    db: Db, family: Family, folder: Folder, found: Mapping[str, str], user_id: int | None
) -> DraftForm:
    """The form of a draft, holding its facts; `found` puts a problem's sentence under its field.

    `user_id`: whose favourites come first in long lists.
    """
    made = type(
        "FamilyForm", (DraftForm,), {"title": StringField("Titre du dossier", render_kw={"maxlength": "300"})}
    )
    for one in family.fields:
        if one.required_from != "publish":
            setattr(made, one.key, _input(db, one, folder, user_id))
    money = [one.key for one in family.fields if one.type == "amount" and one.key in folder.fields]
    amounts = {key: montant(folder.fields[key]) for key in money}
    form: DraftForm = made(
        data={"title": folder.title, **{key: str(value) for key, value in folder.fields.items()}, **amounts}
    )
    fields = [form[one.key] for one in family.fields if one.required_from != "publish"]
    desks = {one.key for one in family.fields if one.type == "desk"}
    form.facts = [field for field in fields if field.short_name not in desks]
    form.choosers = [field for field in fields if field.short_name in desks]
    for field in fields:
        if field.short_name in found:
            field.errors = [found[field.short_name]]
    return form


def _input(db: Db, one: FamilyField, folder: Folder, user_id: int | None) -> Any:
    options: dict[str, Any] = {
        "description": spaces(one.help or ""),
        "render_kw": dict(_INPUTS.get(one.type, {})),
    }
    if one.required_from == "submit":
        options["render_kw"]["aria-required"] = "true"
    label = spaces(one.label)
    offered = choices_of(db, folder.collectivity_id, one)
    if offered is not None:
        choices = [SelectChoice(*CHOOSE), *_grouped(db, folder, one, offered, user_id)]
        if len(offered) > SEARCHED_FROM:
            options["render_kw"]["data-searched"] = ""
        return SelectField(label, choices=choices, validate_choice=False, **options)
    return TextAreaField(label, **options) if one.type == "longtext" else StringField(label, **options)


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
    return _people(db, collectivity_id) if one.type == "person" else None


def _desks(db: Db, collectivity_id: int) -> list[tuple[str, str]]:
    query = sa.select(Desk.key, Desk.name).where(
        Desk.collectivity_id == collectivity_id, Desk.closed_at.is_(None)
    )
    return [(key, name) for key, name in db.execute(query.order_by(Desk.name))]


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
        if Right.SIGN in rights
    }
    return [(str(user_id), words) for user_id, words in able.items()]
