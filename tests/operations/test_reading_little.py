"""A page of administration reads the desks and the people that it shows: it says what it would have said, reading them all."""

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import sqlalchemy as sa

from app.circuits import named
from app.circuits.checking import able_desks, desks_of, named_in, problems
from app.core.db import reading, writing
from app.core.questions import gather
from app.operations.circuits.views import words_of
from app.operations.desks import closing, views
from app.people import applications, choosing, desks, hierarchy
from app.people.models import Desk, User
from app.people.places import Place, Places, places, places_beside
from app.transmission.settings import names as channels
from tests.builders.house import House
from tests.builders.mandates import a_mayor_and_a_deputy
from tests.circuits.test_rules import ABOVE, a_circuit, publish, write
from tests.display.test_folder_page import heard
from tests.operations.test_folder_types import made
from tests.people.test_choosing import many, options
from workflows.family import families
from workflows.rights import Rights
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
K = "k.morizur"
CHANNELS = channels()


def here(house: House) -> int:
    return house.actor(K).collectivity_id


def shuffled(
    dice: random.Random, data: Mapping[str, Any], keys: list[str], logins: list[str]
) -> Mapping[str, Any]:
    """The circuit, asking others: desks that are there or not, people, superiors, in conditions too."""
    for step in data["steps"]:
        if not step.get("who"):
            continue
        step["who"] = [
            dice.choice(
                [
                    {"desk": dice.choice(keys)},
                    {"person": dice.choice(logins)},
                    {"superior": dice.randint(1, 3)},
                ]
            )
            for _ in range(dice.randint(1, 3))
        ]
        step["quorum"] = dice.choice(["any", "all", dice.randint(1, 4)])
        step["told"] = dice.sample(keys, dice.randint(0, 2))
    return data


def drawn(house: House, dice: random.Random) -> Iterator[None]:
    """Rights given and taken at random, one after the other."""
    types = ["", "", *dice.sample(sorted(families()), 3)]
    with reading(here(house)) as db:
        seats = [(key, login) for key, one in desks_of(db, here(house)).items() for login in one.logins]
    keys = sorted({key for key, _ in seats})
    logins = ["k.morizur", "a.kervadec", "g.trehorel", "s.rivoal", "n.abgrallec"]
    for _ in range(12):
        held = [
            f"{right}{f':{kind}' if kind else ''}"
            for right in dice.sample([Right.CREATE, Right.ACT, Right.SIGN], dice.randint(0, 3))
            for kind in [dice.choice(types)]
        ]
        desks.seat(here(house), dice.choice(keys), dice.choice(logins), Rights.read(held))
        for key, login in dice.sample(seats, 2):
            desks.seat(here(house), key, login, [])
        yield


def test_a_circuit_is_judged_by_the_desks_it_names_as_by_all_of_them(house: House) -> None:
    dice = random.Random(7)
    logins = ["k.morizur", "a.kervadec", "g.trehorel", "personne"]
    judged = set()
    for _ in drawn(house, dice):
        with reading(here(house)) as db:
            every = desks_of(db, here(house))
            keys = [*every, "absent"]
            for family in families().values():
                data = shuffled(dice, family.circuit.to_data(), keys, logins)
                named = desks_of(db, here(house), named_in(data))
                told = problems(family, data, named, CHANNELS)
                assert told == problems(family, data, every, CHANNELS)
                for right in (Right.CREATE, Right.ACT):
                    able = {one.id for one in every.values() if one.may(right, family)}
                    assert able_desks(db, here(house), right, family) == able
                judged.update(one.sentence for one in told)
                all_words = words_of(family, every).names
                assert words_of(family, named).names.items() <= all_words.items()
    assert len(judged) > 20, "the circuits of this test are all alike"


def test_who_holds_a_desk_that_was_not_read_is_never_taken_for_nobody(house: House) -> None:
    with reading(here(house)) as db:
        named = desks_of(db, here(house), named_in({"steps": [{"who": [{"person": "a.kervadec"}]}]}))
    with pytest.raises(LookupError, match="was not read"):
        named["finances"].may(Right.ACT)


def test_nothing_is_wrong_with_a_desk_that_neither_a_circuit_nor_a_folder_asks(house: House) -> None:
    found = set()
    for _ in drawn(house, random.Random(11)):
        with reading(here(house)) as db:
            there, asked = views.asked_for(db, here(house))
            every = views.whole(db, here(house), there, list(there.depths))
        assert [number for number in every if number in asked] == list(asked), "not in the order of the tree"
        assert {number: one for number, one in every.items() if number in asked} == asked
        assert not any(one.faults or one.uses or one.waiting for n, one in every.items() if n not in asked)
        found.update(fault for one in asked.values() for fault in one.faults)
    assert found


def test_of_many_desks_and_people_a_step_offers_the_beginning_and_words_find_the_others(house: House) -> None:
    client, step = house.client(K), "/circuits/invoice?etape=finance"
    page = client.get(step).get_data(as_text=True)
    assert "data-from" not in page
    assert {"desk:finances", "person:a.kervadec"} & set(options(page, "who_add"))
    many(here(house), choosing.SHOWN, choosing.SHOWN)
    desks.seat(here(house), "service-35", f"agent{here(house)}_35", [Right.ACT])
    page = client.get(step).get_data(as_text=True)
    assert len([one for one in options(page, "who_add") if one.startswith("desk:")]) <= choosing.BEGINNING
    assert len(options(page, "told_add")) == choosing.BEGINNING
    assert "desk:service-35" not in page
    whole = client.get(f"{step}&liste=entiere").get_data(as_text=True)
    assert "desk:service-35" in options(whole, "who_add")
    found = client.get("/circuits/acteurs?q=service 035").json
    assert found == {"options": [["desk:service-35", "Service 035"]], "more": False}
    people = client.get("/circuits/acteurs?q=zimmer035").json["options"]
    assert people == [[f"person:agent{here(house)}_35", "Ana Zimmer035"]]
    assert client.get("/circuits/acteurs?q=zimmer035&signature=1").json["options"] == []
    assert client.get("/circuits/acteurs?q=zimmer036").json["options"] == [], "he holds no desk"
    assert house.client("g.trehorel").get("/circuits/acteurs?q=a").status_code == 403


def test_where_desks_stand_is_read_beside_something_else_as_it_is_alone(house: House) -> None:
    """Also a desk that is closed, and in a verb one that is not written yet."""
    town = here(house)
    several = sa.select(User.id, User.login, User.active, User.first_name, User.last_name, User.created_at)
    several = several.where(User.collectivity_id == town)
    one = sa.select(sa.func.count().label("open")).where(Desk.closed_at.is_(None))
    one = one.where(Desk.collectivity_id == town)
    closing.close(house.actor(K), hierarchy.open_desk(house.actor(K), "Régies", None), "Fin des régies")
    with reading(town) as db:
        alone = places(db, town)
        people, counts = db.execute(several).all(), db.execute(one).all()
    assert any(place.closed_at for place in alone.values())
    with reading(town) as db:
        gather(db)
        with heard() as statements:
            every, (persons, number) = places_beside(db, town, several, one)
            assert places(db, town) is every
            assert places_beside(db, town, one) == (every, [number])
    assert dict(every) == dict(alone)
    assert [place.name for place in every.values()] == sorted(place.name for place in alone.values())
    assert sorted(persons) == sorted(map(tuple, people))
    assert {(person.id, person.login) for person in persons} == {(row.id, row.login) for row in people}
    assert (number[0].open, len(number)) == (counts[0].open, 1)
    assert len(statements) == 2, "the desks were read again"
    with writing() as db:
        db.add(Desk(collectivity_id=town, key="accueil", name="Accueil"))
        assert "Accueil" in {place.name for place in places_beside(db, town, one)[0].values()}
        db.rollback()


def test_places_lose_no_desk_in_a_circle_and_a_branch_says_nothing_of_what_is_above() -> None:
    rows = [
        (1, None, "Maire"),
        (2, 1, "Finances"),
        (3, 1, "Direction"),
        (4, 3, "Voirie"),
        (5, 6, "A"),
        (6, 5, "B"),
    ]
    there = Places({n: Place(n, f"desk-{n}", name, above, None) for n, above, name in rows})
    assert list(there.depths.items())[:4] == [(1, 0), (3, 1), (4, 2), (2, 1)]
    assert set(there.depths) == {1, 2, 3, 4, 5, 6}
    assert list(there.above(4)) == [3, 1]
    assert list(there.above(5)) == [6]
    assert there.under(3) == {3, 4}
    branch = there.branch(3)
    assert dict(branch.depths) == {3: 0, 4: 1}
    assert list(branch.above(4)) == [3]
    assert list(branch.above(3)) == []
    assert not there.branch(99)


MOST = 6
PAGES = (
    "/administration/applications",
    "/administration/bureaux",
    "/administration/bureaux/{desk}",
    "/administration/bureaux/{desk}/fermer",
    "/administration/bureaux/nouveau",
    "/administration/connexions",
    "/administration/journal",
    "/administration/mandats",
    "/administration/mise-en-service",
    "/administration/personnes",
    "/administration/personnes/{person}",
    "/administration/personnes/{person}/fermer",
    "/administration/personnes/inviter",
    "/administration/personnes?q=a",
    "/administration/regles",
    "/administration/regles/facture-d-energie",
    "/administration/regles/invoice",
    "/administration/types",
    "/administration/types/{type}",
    "/circuits",
    "/circuits/invoice",
    "/circuits/invoice/publier",
    "/circuits/invoice/versions",
    "/circuits/invoice.voirie-courte",
)


def test_each_page_of_administration_asks_the_base_six_questions_at_most_and_names_nothing_twice(
    house: House,
) -> None:
    """In a town that has types, circuits, rules, drafts, mandates and software of its own, and folders on their way."""
    kind = made(house, deposited_by=["comptabilite"])
    made(house, "contract", label="Bail")
    short = a_circuit(house, "Voirie courte", "direction", "finance")
    named.open_circuit(house.actor(K), "invoice", "Voirie longue", short)
    write(house, "invoice", (ABOVE, short))
    publish(house, "invoice")
    write(house, "invoice", (ABOVE, short), otherwise=short)
    a_mayor_and_a_deputy(house)
    applications.create_application(here(house), "Comptabilité", "comptabilite", [Right.CREATE])
    house.an_invoice(at="finance")
    with reading(here(house)) as db:
        desk = next(one.id for one in places(db, here(house)).values() if one.key == "finances")
    person, client = house.actor("r.pellenec").user_id, house.client(K)
    asked, twice = {}, {}
    for address in PAGES:
        page = address.format(desk=desk, person=person, type=kind)
        answer = client.get(page)  # circuits are read once by a process
        assert answer.status_code == 200, page
        # What a label, a link or the help leads to is the first of that name
        names = Counter(re.findall(r'\sid="([^"]*)"', answer.get_data(as_text=True)))
        if found := [one for one, times in names.items() if times > 1]:
            twice[page] = found
        with heard() as statements:
            client.get(page)
        # Whether a restoration holds is read by a process every five seconds, on whichever page comes then
        own = [one for one in statements if " FROM hold " not in one]
        if len(own) > MOST:
            asked[page] = [re.sub(r"SELECT .*? FROM", "SELECT … FROM", one) for one in own]
    assert not asked
    assert not twice
