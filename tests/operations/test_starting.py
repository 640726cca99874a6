"""A collectivity that begins chooses a kit, edits what it proposes, and has it created at once, whole, and one time only."""

import re
import threading
from typing import Any

import pytest
import sqlalchemy as sa

from app.circuits.library import in_force
from app.circuits.models import CircuitVersion
from app.core import db
from app.core.refusals import Refusal
from app.journal.chain import verify
from app.operations.desks import views
from app.operations.starting import kits, start
from app.people.models import Desk, Holder
from app.people.places import places
from tests.builders.house import House, token_in
from tests.operations.test_commune import a_new_commune
from workflows.circuit import WhoKind
from workflows.family import check_circuit, families
from workflows.rights import Rights
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

PAGE = "/administration/demarrage"
ADMIN = "y.ledantec"


@pytest.fixture
def new(house: House) -> House:
    """A commune of one person, beside Kerlann."""
    a_new_commune()
    return house


def form(page: str) -> dict[str, Any]:
    """What a browser would post of the page as it is shown."""
    data: dict[str, Any] = {
        "csrf_token": token_in(page),
        "modele": re.findall(r'name="modele"\s+value="(\w+)"', page)[0],
    }
    for tag in re.findall(r"<input\b[^>]*>", page):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name is None or value is None or name[1] in data:
            continue
        if 'type="checkbox"' in tag:
            continue
        data[name[1]] = value[1]
    for box in ("desk", "circuit", "own"):
        data[box] = re.findall(rf'name="{box}"\s+value="(\w+)"\s+checked', page)
    for name, options in re.findall(r'<select[^>]*name="(parent-\w+)">(.*?)</select>', page, re.DOTALL):
        chosen = re.findall(r'value="(\w*)"\s+selected', options)
        data[name] = chosen[0] if chosen else ""
    return data


def shown(house: House, kit: str) -> tuple[Any, dict[str, Any]]:
    client = house.client(ADMIN)
    page = client.get(f"{PAGE}?modele={kit}").get_data(as_text=True)
    return client, form(page)


def text_of(answer: Any) -> str:
    return " ".join(answer.get_data(as_text=True).replace("\u00a0", " ").replace("\u202f", " ").split())


@pytest.mark.parametrize("kit", kits.KITS.values(), ids=lambda kit: kit.key)
def test_every_desk_that_a_circuit_asks_is_among_those_proposed(kit: kits.Kit) -> None:
    there = {one.key for one in kit.desks}
    for name, family in families().items():
        circuit = kit.circuit(family)
        check_circuit(family, circuit)
        assert kits.needed_desks(family, circuit) <= there, name
        # Nothing of what a step asks of a desk is missing from the rights of who is to hold it
        for step in circuit.steps:
            for who in step.who:
                if who.kind is WhoKind.DESK:
                    assert step.kind.right in kit.rights(who.value)
    heights = set[str]()
    for one in kit.desks:
        assert one.parent in heights | {""}
        heights.add(one.key)
    assert any(Right.CREATE in kit.rights(one.key) for one in kit.desks)


def test_the_kit_that_is_shown_first_is_of_the_nature_and_of_the_size_that_were_said() -> None:
    sizes = (None, 3_000, 3_500)
    assert [kits.first_shown(kits.COMMUNE, size) for size in sizes] == [
        kits.TOWN.key,
        kits.SMALL.key,
        kits.TOWN.key,
    ]
    assert {kits.first_shown("32", size) for size in sizes} == {kits.UNION.key}


def test_no_step_of_a_union_speaks_of_a_mayor() -> None:
    for circuit in kits.UNION.circuits().values():
        assert not [one.label for one in circuit.steps if "maire" in one.label.lower()]


@pytest.mark.parametrize("kit", list(kits.KITS))
def test_what_is_shown_is_created_whole_and_nothing_lacks(new: House, kit: str) -> None:
    client, data = shown(new, kit)
    assert set(data["desk"]) == {one.key for one in kits.KITS[kit].desks}
    data["own"] = ["secretariat"]
    done = client.post(PAGE, data=data, follow_redirects=True)
    assert "sont ouverts" in text_of(done)
    here = new.actor(ADMIN).collectivity_id
    with db.reading(here) as base:
        there = places(base, here)
        assert {one.key for one in there.values()} == {one.key for one in kits.KITS[kit].desks}
        assert views.absent(base, here, there) == {}
        names = {number: one.key for number, one in there.items()}
        assert {one.key: names.get(one.parent_id or 0, "") for one in there.values()} == {
            one.key: one.parent for one in kits.KITS[kit].desks
        }
        assert in_force(base, here) == kits.KITS[kit].circuits()
        (seat,) = base.scalars(sa.select(Holder).where(Holder.user_id == new.actor(ADMIN).user_id)).all()
        assert Rights.read(seat.rights) == kits.KITS[kit].rights("secretariat")
        assert names[seat.desk_id] == "secretariat"
    with db.reading() as base:
        assert verify(base, here)[1] is None
    assert "Démarrage avec un modèle" in text_of(client.get("/administration/journal"))
    # Kerlann has what it had
    other = new.actor("k.morizur").collectivity_id
    with db.reading(other) as base:
        assert base.scalars(sa.select(CircuitVersion)).all() == []


def test_what_was_edited_is_what_is_created(new: House) -> None:
    client, data = shown(new, "mairie")
    data["desk"].remove("technique")
    data["name-finances"] = "Finances et achats"
    data["parent-paye"] = "finances"
    data["circuit"].remove("pes_payroll")
    # Judged as any page judges what it publishes, but for desks where nobody sits yet
    wrong = client.post(PAGE, data={**data, "label-other": "\u0421ourriers"})
    assert (wrong.status_code, "n’est pas une lettre de l’alphabet latin" in text_of(wrong)) == (422, True)
    data["label-other"] = "Courriers"
    assert client.post(PAGE, data=data).status_code == 302
    here = new.actor(ADMIN).collectivity_id
    with db.reading(here) as base:
        desks = {one.key: one for one in base.scalars(sa.select(Desk))}
        assert "technique" not in desks
        assert desks["finances"].name == "Finances et achats"
        assert desks["paye"].parent_id == desks["finances"].id
        written = {one.family: one.label for one in base.scalars(sa.select(CircuitVersion))}
        chosen = {name: one.label for name, one in kits.KITS["mairie"].circuits().items()}
        del chosen["pes_payroll"]
        assert written == {**chosen, "other": "Courriers"}
    page = text_of(client.get("/circuits"))
    assert page.count('data-th="Version">D’origine') == 1, page  # the one that was not chosen


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"drop": "finances"}, "demande le bureau « Direction des finances », qui n’est pas coché"),
        ({"desk": []}, "Aucun bureau n’est coché"),
        ({"name-maire": ""}, "nom"),
        ({"name-maire": "Direction générale"}, "Direction générale"),
        ({"parent-maire": "finances"}, "dépendrait de lui-même"),
        ({"label-invoice": " "}, "Le nom du circuit de « Facture » manque"),
        ({"label-invoice": "x" * 200}, "Le nom du circuit de « Facture » manque, ou dépasse 120 signes"),
    ],
)
def test_what_is_wrong_is_said_on_the_page_and_nothing_is_created(
    new: House, change: dict[str, Any], sentence: str
) -> None:
    client, data = shown(new, "mairie")
    data["name-secretariat"] = "Secrétariat <b>des</b> actes"
    if "drop" in change:
        data["desk"].remove(change["drop"])
    else:
        data |= change
    refused = client.post(PAGE, data=data)
    assert 400 <= refused.status_code < 500
    assert sentence in text_of(refused)
    assert "Secrétariat &lt;b&gt;des&lt;/b&gt; actes" in refused.get_data(as_text=True) or "desk" in change
    with db.reading(new.actor(ADMIN).collectivity_id) as base:
        assert base.scalars(sa.select(Desk)).all() == []
        assert base.scalars(sa.select(CircuitVersion)).all() == []


def test_a_second_click_and_a_second_administrator_create_nothing(new: House) -> None:
    client, data = shown(new, "petite")
    assert client.post(PAGE, data=data).status_code == 302
    second = client.post(PAGE, data=data)
    assert (second.status_code, "a déjà des bureaux" in text_of(second)) == (409, True)
    assert client.get(PAGE).status_code == 409
    with db.reading(new.actor(ADMIN).collectivity_id) as base:
        assert len(base.scalars(sa.select(Desk)).all()) == len(kits.SMALL.desks)


@pytest.mark.both_databases
def test_of_two_who_start_at_once_one_does(new: House) -> None:
    actor, outcomes, begin = new.actor(ADMIN), list[str](), threading.Barrier(2)
    chosen = {
        kit.key: start.Chosen({one.key: start.ChosenDesk(one.name, one.parent) for one in kit.desks}, {})
        for kit in (kits.SMALL, kits.TOWN)
    }

    def run(kit: kits.Kit) -> None:
        begin.wait()
        try:
            start.start(actor, kit, chosen[kit.key])
            outcomes.append(kit.key)
        except Refusal as refusal:
            outcomes.append(refusal.key)

    both = [threading.Thread(target=run, args=(kit,)) for kit in (kits.SMALL, kits.TOWN)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert "start-done" in outcomes
    (won,) = [one for one in outcomes if one in kits.KITS]
    with db.reading(actor.collectivity_id) as base:
        assert len(base.scalars(sa.select(Desk)).all()) == len(kits.KITS[won].desks)


def test_the_page_is_offered_while_there_is_no_desk_and_the_empty_kit_creates_none(new: House) -> None:
    client = new.client(ADMIN)
    assert PAGE in client.get("/administration/mise-en-service").get_data(as_text=True)
    assert PAGE in client.get("/administration/bureaux").get_data(as_text=True)
    empty = text_of(client.get(f"{PAGE}?modele=vide"))
    assert "aucun bureau, vous les ouvrez un à un" in empty
    assert client.get(f"{PAGE}?modele=autre").status_code == 404
    assert "Mairie</a>" in text_of(client.get(PAGE))
    assert PAGE not in new.client("k.morizur").get("/administration/mise-en-service").get_data(as_text=True)
    assert new.client("k.morizur").get(PAGE).status_code == 409
    assert new.client("a.kervadec").get(PAGE).status_code == 403
