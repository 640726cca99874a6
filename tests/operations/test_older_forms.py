"""A form older than its row, refused for something else first, never undoes in silence what a colleague wrote meanwhile."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import lxml.html
import pytest
import sqlalchemy as sa

import app as product
from app.circuits import drafting, own_types, rules
from app.circuits.gestures import Gesture
from app.core.clock import today
from app.core.db import Base, engine, reading
from app.folders.publicity import Choice, Means
from app.operations.absences import planning
from app.operations.statements import record
from app.people import accounts, hierarchy
from app.people.actor import Actor
from app.people.own_settings import changing
from app.publication import office
from tests.builders.house import House
from tests.operations.test_absences import wanted as an_absence
from tests.operations.test_people_and_desks import a_second_administrator, desk, user, words
from workflows.own_types import Definition
from workflows.rights import Rights
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

K, G, R, N, OTHER = "k.morizur", "g.trehorel", "r.pellenec", "n.abgrallec", "adm.deux"
HERS = "Ce que dit la collègue"
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Edited:
    """A page that edits a row: its address, the fields that say which state of it was shown, and how two people write it.

    `hers`: what the colleague does meanwhile. `wrong`: what is refused of the first, whatever she did; `right`: the same,
    mended. `told`: what the page must then say of what she wrote; `at_once`, instead of what is wrong.
    """

    address: str
    marks: tuple[str, ...]
    hers: Callable[[Actor], object]
    wrong: Values
    right: Values
    told: str = HERS
    at_once: bool = False


def a_person(house: House) -> Edited:
    one = user(R)
    particulars = accounts.Particulars(one.first_name, one.last_name, one.email, HERS, administrator=False)
    return Edited(
        f"/administration/personnes/{one.id}",
        ("shown",),
        lambda her: accounts.change(her, one.id, particulars),
        {"email": "pas une adresse"},
        {"email": "nouveau@kerlann-sur-mer.example"},
    )


def public_pages(house: House) -> Edited:
    with reading() as db:
        before = record.of(db, house.actor(K).collectivity_id)
    written = record.Statements(access_text=HERS)
    return Edited(
        "/administration/pages-publiques",
        ("seen",),
        lambda her: record.complete(her, written, shown=before.mark),
        {"state": "partly", "evaluated_on": "2026-99-99", "evaluator": "Un bureau"},
        {"evaluated_on": today().isoformat()},
    )


def a_setting(house: House) -> Edited:
    return Edited(
        "/administration/reglages/mail_signature",
        ("shown",),
        lambda her: changing.change_setting(her, "mail_signature", {"mail_signature": HERS}),
        {"value": "une ligne\n" * 9},
        {"value": "La mairie"},
        at_once=True,
    )


def a_desk(house: House) -> Edited:
    one = desk("technique")
    return Edited(
        f"/administration/bureaux/{one.id}",
        ("shown_name", "shown_parent", "seen"),
        lambda her: hierarchy.change_desk(her, one.id, HERS, one.parent_id),
        {"added": str(user(G).id)},
        {"rights-added": "act"},
    )


def seats(house: House) -> Edited:
    one, rights = desk("technique"), Rights.read(["create", "act"])
    return Edited(
        f"/administration/bureaux/{one.id}",
        ("shown_name", "shown_parent", "seen"),
        lambda her: hierarchy.seat_all(
            her, one.id, {user(R).id: Rights.of(Right.ACT, Right.CREATE, Right.ARCHIVE)}, {user(R).id: rights}
        ),
        {"added": str(user(G).id)},
        {"rights-added": "act"},
        "En vigueur maintenant",
    )


def seats_by_type(house: House) -> Edited:
    one, rights = desk("technique"), Rights.read(["create", "act"])
    return Edited(
        f"/administration/bureaux/{one.id}/titulaires/{user(R).id}",
        ("seen",),
        lambda her: hierarchy.seat_all(
            her, one.id, {user(R).id: Rights.of(Right.ACT, Right.CREATE, Right.ARCHIVE)}, {user(R).id: rights}
        ),
        {"all": ["act", "create"], "types": ["act:invoice"]},
        {"types": []},
        "En vigueur maintenant",
    )


def a_place(house: House) -> Edited:
    one, below = desk("technique"), hierarchy.open_desk(house.actor(K), "Voirie", desk("technique").id)
    return Edited(
        f"/administration/bureaux/{one.id}/deplacer",
        ("shown_name", "shown_parent"),
        lambda her: hierarchy.change_desk(her, one.id, HERS, one.parent_id),
        {"parent": str(below), "sure": "1"},
        {"parent": str(desk("finances").id), "sure": "1"},
        at_once=True,
    )


def a_type(house: House) -> Edited:
    number = own_types.open_type(house.actor(K), "invoice", "Énergie")
    with reading(house.actor(K).collectivity_id) as db:
        revision = own_types.type_of(db, house.actor(K).collectivity_id, number).revision
    hers = Definition("Énergie", help=HERS)
    return Edited(
        f"/administration/types/{number}",
        ("revision",),
        lambda her: own_types.draw_up(her, number, hers, shown=revision),
        {"days": "zz"},
        {"days": "15"},
        "quelqu’un a changé ce type",
    )


def a_circuit(house: House) -> Edited:
    return Edited(
        "/circuits/invoice",
        ("version",),
        lambda her: drafting.change(her, "invoice", 0, [Gesture("add", place=1)], HERS),
        {"gesture": "up:step-99"},
        {"gesture": "save"},
        "Adm Deux a modifié ce brouillon",
    )


def some_rules(house: House) -> Edited:
    return Edited(
        "/administration/regles/invoice",
        ("version",),
        lambda her: rules.change(her, "invoice", 0, [Gesture("add", place=0)]),
        {"gesture": "up:row-99"},
        {"gesture": "save"},
        "Adm Deux a modifié ce brouillon",
    )


def publicity(house: House) -> Edited:
    day = today() - timedelta(days=90)
    return Edited(
        "/administration/publication",
        ("shown",),
        lambda her: office.choose(her, Choice(Means.PAPER, HERS, day, 1200)),
        {"means": "posted", "deliberation": "2026-031", "decided_on": "", "population": "1200"},
        {"decided_on": day.isoformat()},
    )


def an_away(house: House) -> Edited:
    number = planning.plan(house.actor(K), an_absence(house, K, None, since=2))
    hers = an_absence(house, K, N, since=3)
    return Edited(
        f"/absences/{number}",
        ("revision",),
        lambda her: planning.change(her, number, hers, revision=1),
        {"du": "hier"},
        {"du": an_absence(house, K, None, since=4).first},
        "",
    )


def form_at(page: str, marks: tuple[str, ...]) -> dict[str, list[str]]:
    """What a browser would post of the form that bears these fields."""
    form = next(one for one in lxml.html.fromstring(page).forms if set(marks[:1]) <= set(one.fields))
    posted: dict[str, list[str]] = {}
    for name, value in form.form_values():
        posted.setdefault(str(name), []).append(str(value))
    return posted


FORMS = (
    a_person,
    public_pages,
    a_setting,
    a_desk,
    seats,
    seats_by_type,
    a_place,
    a_type,
    a_circuit,
    some_rules,
    publicity,
    an_away,
)


@pytest.mark.parametrize("edited", FORMS)
def test_what_is_refused_first_keeps_its_age_and_is_then_told_what_changed(
    house: House, edited: Callable[[House], Edited]
) -> None:
    a_second_administrator(house.actor(K).collectivity_id)
    one, client = edited(house), house.client(K)
    posted = form_at(client.get(one.address).get_data(as_text=True), one.marks)
    shown = {name: posted.get(name) for name in one.marks}
    one.hers(house.actor(OTHER))
    refused = client.post(one.address, data={**posted, **one.wrong})
    assert refused.status_code in {409, 422}
    again = form_at(refused.get_data(as_text=True), one.marks)
    hers, told = state(), refused
    if not one.at_once:
        assert {name: again.get(name) for name in one.marks} == shown
        told = client.post(one.address, data={**again, **one.right})
    assert told.status_code == 409
    assert one.told in words(told)
    assert state() == hers


def state() -> list[str]:
    """All the rows that these pages may write."""
    names = ("user_account", "desk", "holder", "collectivity", "folder_type")
    tables = [Base.metadata.tables[one] for one in (*names, "circuit_draft", "rule_table_draft", "absence")]
    with engine().connect() as connection:
        return [str(sorted(map(str, connection.execute(sa.select(table))))) for table in tables]


UNTYPED = {
    "operations/type_publish.html",
    "operations/rules/publish.html",
    "operations/circuits/publish.html",
    "operations/_versions.html",
    "operations/people_import.html",
    "operations/settings.html",
    "operations/leaving.html",
}
"""Forms with a mark where nothing is typed: what they would write is shown again as it is now."""
TYPED = {
    "operations/person.html",
    "operations/statements.html",
    "operations/setting.html",
    "operations/desk.html",
    "operations/desk_types.html",
    "operations/desk_move.html",
    "operations/type.html",
    "operations/circuits/edit.html",
    "operations/circuits/text.html",
    "operations/rules/edit.html",
    "operations/absences.html",
    "publication/office.html",
}
"""Those of the forms above."""


def test_every_form_of_administration_with_a_mark_is_one_of_these() -> None:
    root = Path(product.__file__).parent
    named = re.compile(r'<input type="hidden" name="(?:shown\w*|seen|mark|revision|version|over)"')
    found = {
        str(path.relative_to(folder))
        for folder in (root / "operations/templates", root / "publication/templates")
        for path in folder.rglob("*.html")
        if named.search(path.read_text(encoding="utf-8"))
    }
    assert found - {"publication/sheet.html"} == TYPED | UNTYPED
