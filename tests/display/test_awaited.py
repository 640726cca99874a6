"""Who is awaited is told by name and as it is: those who are asked an opinion before those who decide, covers in the place of the absent."""

import re
from typing import Any

import pytest
import sqlalchemy as sa

from app.batches import selection
from app.core.db import engine, reading
from app.display import queues
from app.display.carried import parcel
from app.display.trays import Asked
from app.folders import decide, sending
from app.folders.models import Folder
from app.notices import waiting
from app.notices.agenda import events
from app.people import desks
from app.people.models import Holder
from tests.api.software import Software
from tests.builders import circuits
from tests.builders.house import House
from tests.circuits.test_editor import words
from tests.display.test_exports import text_of
from tests.display.test_folder_page import heard
from tests.display.test_inbox_statements import HOLD, PAGE
from tests.display.test_inbox_statements import away as is_away
from tests.folders.test_asking import ask, give
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
A, G, K, N, R, S, T = (
    "a.kervadec",
    "g.trehorel",
    "k.morizur",
    "n.abgrallec",
    "r.pellenec",
    "s.rivoal",
    "t.lescoat",
)
ASKED = "Avis demandé à Solenn Rivoal (Direction générale) depuis"
DECIDERS = "On attend Nolwenn Abgrallec"


def shown(house: House, login: str, address: str) -> str:
    return words(house.client(login).get(address))


def lists(house: House, login: str, folder_id: int) -> tuple[bool, bool, int, int]:
    """Whether a folder is among what one may do, and among what waits for an opinion; how many there are of each."""
    actor = house.actor(login)
    with reading(actor.collectivity_id) as db:
        todo, held = queues.todo(db, actor), queues.todo(db, actor, only=queues.HELD)
        page = queues.page(db, actor, held=True)
        assert [line.id for line in page.lines] == [line.id for line in todo]
        assert [line.id for line in page.held] == [line.id for line in held]
        counted, marked = queues.counters(db, actor), queues.marks(db, actor)
        assert (page.counted.todo, page.marked.held) == (counted.todo, marked.held)
        assert waiting.waiting(db, actor).folders == counted.todo, "letters count what the list does"
    of = [folder_id in [line.id for line in lines] for lines in (todo, held)]
    return of[0], of[1], counted.todo, marked.held


def test_what_waits_for_an_opinion_is_not_to_be_decided_and_stays_in_sight(house: House) -> None:
    folder_id, other = house.an_invoice("finance"), house.an_invoice("finance")
    assert lists(house, N, folder_id) == (True, False, 2, 0)
    number = ask(house, N, folder_id, "direction")
    for login in (N, T):
        assert lists(house, login, folder_id) == (False, True, 1, 1)
    assert lists(house, S, folder_id) == (True, False, 1, 0)
    tray = shown(house, N, "/a-traiter")
    group = tray[tray.index("Avis attendus, 1 dossier") :]
    assert ASKED in group
    assert "À viser" in tray.removesuffix(group)
    assert "À viser" not in group
    raw = house.client(N).get("/a-traiter").get_data(as_text=True)
    assert f'value="{other}-' in raw
    box = raw[raw.index(f'value="{folder_id}-') :]
    assert 'data-act="other"' in box[:80], "no decision is taken on it with others"
    marked = shown(house, N, "/a-traiter?voir=avis")
    assert ASKED in marked
    assert "À viser" not in marked
    assert "Avis à donner" in shown(house, S, "/a-traiter")
    actor = house.actor(N)
    with reading(actor.collectivity_id) as db:
        assert list(selection.everything(db, actor, Asked("todo"), "approve")) == [other]
    give(house, S, folder_id, number, "favourable")
    assert lists(house, N, folder_id) == (True, False, 2, 0)
    assert "Avis attendus" not in shown(house, N, "/a-traiter")


def test_every_place_names_who_is_asked_and_nobody_who_decides(house: House) -> None:
    folder_id = house.an_invoice("finance")
    ask(house, N, folder_id, "direction")
    for login in (N, G):
        page = shown(house, login, f"/dossiers/{folder_id}")
        assert page.count(ASKED.removesuffix(" depuis")) >= 2, "the bar and the circuit"
        assert ASKED in page
        assert "Avis attendu" in page
        assert DECIDERS not in page
        assert "À vous de viser" not in page
    page = shown(house, N, f"/dossiers/{folder_id}")
    assert "L’étape attend cet avis : vous pourrez viser ensuite." in page
    assert "Puis visa : Nolwenn Abgrallec ou Tifenn Lescoat (Direction des finances)" in page
    follow = shown(house, G, "/suivi")
    assert "Avis attendu Contrôle des finances Avis demandé à Solenn Rivoal Direction générale" in follow
    assert "Nolwenn Abgrallec" not in follow
    table = house.client(G).get("/suivi.csv").get_data(as_text=True)
    assert "Avis demandé à Solenn Rivoal, Direction générale" in table
    assert "Avis attendu" in table
    assert "Avis demandé à Solenn Rivoal" in shown(house, G, "/recherche?q=Berthier")
    for address in ("bordereau", "bordereau.pdf"):
        answer = house.client(G).get(f"/dossiers/{folder_id}/{address}")
        slip = words(answer) if address == "bordereau" else " ".join(text_of(answer.data).split())
        assert "Avis demandé à Solenn Rivoal (Direction générale)" in slip, address
        assert DECIDERS not in slip, address


def test_the_calendar_and_what_is_taken_along_say_the_same(house: House) -> None:
    folder_id = house.an_invoice("finance")
    ask(house, N, folder_id, "direction")
    told = {}
    for login in (N, S):
        actor = house.actor(login)
        with reading(actor.collectivity_id) as db:
            told[login] = events.calendar(db, actor, "https://paraphe.kerlann.example").decode()
    assert "Facture : avis attendu" in told[N]
    assert "Facture : avis à donner" in told[S]
    assert "viser" not in told[N] + told[S]
    drawn: list[str] = []

    def draw(template: str, **shown: Any) -> str:
        drawn.append(shown["decision"].ask if "decision" in shown else "")
        return ""

    actor = house.actor(N)
    with reading(actor.collectivity_id) as db, house.app.test_request_context():
        parcel.parcel(db, db.get_one(Folder, folder_id), actor, draw)
    assert any(ASKED in one for one in drawn)


def test_other_software_finds_it_apart(house: House) -> None:
    folder_id = house.an_invoice("finance")
    software = Software(house, "finances", [Right.ACT])
    ask(house, N, folder_id, "direction")
    assert software.get("/folders").json["folders"] == []
    (line,) = software.get("/folders?tray=held").json["folders"]
    assert (line["id"], line["state"]) == (folder_id, "Avis attendu")
    assert software.get(f"/folders/{folder_id}").json["state"] == "Avis attendu"
    other = Software(house, "direction", [Right.ACT])
    (line,) = other.get("/folders").json["folders"]
    assert line["state"] == "Avis à donner"


def test_who_decides_and_is_asked_too_finds_it_as_an_opinion_to_give(house: House) -> None:
    desks.seat(house.actor(T).collectivity_id, "direction", T, [Right.ACT])
    folder_id = house.an_invoice("finance")
    ask(house, N, folder_id, "direction")
    assert lists(house, T, folder_id)[0]
    assert "Avis à donner" in shown(house, T, "/a-traiter")
    assert "Solenn Rivoal ou Tifenn Lescoat (Direction générale)" in shown(house, G, f"/dossiers/{folder_id}")


def test_who_asked_a_desk_of_his_own_does_not_find_the_question_as_his_to_answer(house: House) -> None:
    desks.seat(house.actor(N).collectivity_id, "direction", N, [Right.ACT])
    folder_id = house.an_invoice("finance")
    ask(house, N, folder_id, "direction")
    assert lists(house, N, folder_id) == (False, True, 0, 1)
    assert ASKED in shown(house, N, f"/dossiers/{folder_id}"), "he is not named among those who are asked"
    assert "Avis demandé à Solenn Rivoal Direction générale" in shown(house, G, "/suivi")


def test_a_desk_where_nobody_may_answer_any_more_is_told_as_such(house: House) -> None:
    folder_id = house.an_invoice("finance")
    ask(house, N, folder_id, "direction")
    with engine().execution_options(writes=True).begin() as connection:
        seats = sa.delete(Holder).where(Holder.user_id == house.actor(S).user_id)
        connection.execute(seats)
    assert "Avis demandé à « Direction générale », où personne n’en a le droit" in shown(house, G, "/suivi")
    assert "Avis demandé à « Direction générale » depuis" in shown(house, G, f"/dossiers/{folder_id}")


def test_an_opinion_that_the_step_does_not_wait_for_changes_nothing(house: House) -> None:
    folder_id = house.an_invoice("finance")
    ask(house, N, folder_id, "direction", waits=False)
    assert lists(house, N, folder_id) == (True, False, 1, 0)
    assert "À vous de viser" in shown(house, N, f"/dossiers/{folder_id}")
    assert DECIDERS in shown(house, G, f"/dossiers/{folder_id}")


def test_two_that_are_asked_are_both_told(house: House) -> None:
    folder_id = house.an_invoice("finance")
    ask(house, N, folder_id, "direction", "technique")
    page = shown(house, G, f"/dossiers/{folder_id}")
    assert re.search(
        r"Avis demandé à (Solenn Rivoal \(Direction générale\)|Ronan Pellenec \(Services techniques\)) .{5,30} et à ",
        page,
    )
    assert "L’étape attend ces avis" in shown(house, N, f"/dossiers/{folder_id}")


def test_the_list_asks_no_more_than_six_questions_where_something_waits(house: House) -> None:
    for _ in range(2):
        ask(house, N, house.an_invoice("finance"), "direction")
    client = house.client(N)
    client.get("/a-traiter")
    with heard() as statements:
        assert client.get("/a-traiter").status_code == 200
    assert len([one for one in statements if HOLD not in one]) <= PAGE


def test_a_cover_is_told_once_in_the_place_of_who_is_away(house: House) -> None:
    folder_id = house.an_invoice()
    is_away(house, R, by=S)
    told = "Solenn Rivoal (en l’absence de Ronan Pellenec)"
    places: dict[str, Any] = {
        address: shown(house, G, address)
        for address in ("/suivi", "/recherche?q=Berthier", f"/dossiers/{folder_id}")
    }
    places["csv"] = house.client(G).get("/suivi.csv").get_data(as_text=True)
    for address, page in places.items():
        assert told in page, address
        assert "absence jusqu’au" not in page, address


def test_a_desk_is_told_by_its_people_and_nobody_twice(house: House) -> None:
    folder_id = house.an_invoice("finance")
    people = "Nolwenn Abgrallec ou Tifenn Lescoat (Direction des finances)"
    for address in ("", "/bordereau"):
        assert f"On attend {people}" in shown(house, G, f"/dossiers/{folder_id}{address}")
    is_away(house, T, by=S)
    page = shown(house, G, f"/dossiers/{folder_id}")
    assert "On attend Nolwenn Abgrallec ou Solenn Rivoal (en l’absence de Tifenn Lescoat)" in page


def test_who_has_acted_at_a_step_is_not_among_those_who_are_awaited_there(house: House) -> None:
    desks.seat(house.actor(R).collectivity_id, "finances", R, [Right.ACT])
    text = """
key: invoice
label: Essai
steps:
  - { key: visas, label: Deux visas, kind: visa, who: [{desk: technique}, {desk: finances}], quorum: all }
  - { key: bon_a_payer, label: Bon à payer, kind: sign, who: { desk: maire } }
  - { key: handover, label: Remise, kind: transmit, channel: handover }
"""
    circuits.publish(house.actor(K), "invoice", text)
    folder_id = house.an_invoice(at="draft")
    sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
    house.approve(folder_id, R)
    page = shown(house, G, f"/dossiers/{folder_id}")
    assert "On attend Nolwenn Abgrallec ou Tifenn Lescoat (Direction des finances) depuis" in page


def test_who_is_to_answer_and_to_decide_finds_a_folder_in_one_list_and_one_day_of_the_calendar(
    house: House,
) -> None:
    folder_id = house.an_invoice("finance")
    for desk in ("direction", "finances"):
        desks.seat(house.actor(T).collectivity_id, desk, T, [Right.ACT])
    desks.seat(house.actor(N).collectivity_id, "direction", N, [Right.ACT])
    number = ask(house, N, folder_id, "direction")
    assert lists(house, T, folder_id) == (True, False, 1, 0)
    assert lists(house, N, folder_id) == (False, True, 0, 1), "who asked does not answer"
    assert (feed(house, T).count("avis à donner"), feed(house, T).count("avis attendu")) == (1, 0)
    assert (feed(house, N).count("avis à donner"), feed(house, N).count("avis attendu")) == (0, 1)
    give(house, S, folder_id, number, "favourable")
    assert lists(house, T, folder_id) == (True, False, 1, 0)
    assert feed(house, N).count("à viser") == 1


def feed(house: House, login: str) -> str:
    """What the calendar of somebody tells."""
    actor = house.actor(login)
    with reading(actor.collectivity_id) as db:
        return events.calendar(db, actor, "https://paraphe.kerlann.example").decode()


@pytest.mark.parametrize(
    ("answer", "comment", "mark"),
    [
        ("favourable", "", "Avis favorable de Solenn Rivoal"),
        ("unfavourable", "Le marché est clos.", "Avis défavorable de Solenn Rivoal"),
        ("none", "", "Sans avis de Solenn Rivoal"),
    ],
)
def test_an_answer_is_on_the_row_of_who_decides_and_makes_it_unread(
    house: House, answer: str, comment: str, mark: str
) -> None:
    folder_id = house.an_invoice("finance")
    for login in (N, T):
        house.client(login).get(f"/dossiers/{folder_id}")
    number = ask(house, N, folder_id, "direction")
    assert mark not in shown(house, N, "/a-traiter")
    assert "Non lu" not in shown(house, N, "/a-traiter")
    give(house, S, folder_id, number, answer, comment)
    for login in (N, T):
        tray = shown(house, login, "/a-traiter")
        assert mark in tray
        assert "Non lu" in tray
    raw = house.client(N).get("/a-traiter").get_data(as_text=True)
    assert ("t-info" in raw.split('class="frow')[1]) is (answer != "unfavourable")
    house.client(N).get(f"/dossiers/{folder_id}")
    read = shown(house, N, "/a-traiter")
    assert mark in read
    assert "Non lu" not in read
    decide.approve(house.actor(N), folder_id, version=house.folder(folder_id).version)
    assert house.folder(folder_id).place == "bon_a_payer"
    assert mark not in shown(house, A, "/a-traiter"), "it was read by who decided then"
