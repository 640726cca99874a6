"""A folder taken along, to be read without a connection: who may, what a browser is given, and when it may show it no more."""

import html
import json
import re
from datetime import timedelta
from email import message_from_bytes
from email.policy import HTTP

import pytest
import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.clock import now
from app.core.db import reading, writing
from app.display.carried import parcel as carrying
from app.folders import carried, notes
from app.folders.models import CarriedFolder, DocumentSeen
from app.folders.notes import Draft, Reach
from app.operations.sweep import sweep
from app.people import login as door
from app.people import persons
from app.people.own_settings.changing import change_setting, forget_setting
from tests.builders.house import ASSETS, House

K, G, R, N, A = "k.morizur", "g.trehorel", "r.pellenec", "n.abgrallec", "a.kervadec"


@pytest.fixture
def allowing(house: House) -> House:
    """A collectivity that lets folders be taken along."""
    change_setting(house.actor(K), carried.OFFLINE, {carried.OFFLINE: carried.YES})
    return house


def take(house: House, client: FlaskClient, folder_id: int) -> TestResponse:
    return client.post(
        f"/dossiers/{folder_id}/emporter",
        data={"csrf_token": house.csrf(client)},
        headers={"Accept": "application/json"},
    )


def parcel(answer: TestResponse) -> tuple[dict, dict[str, bytes]]:
    """What a browser reads of the answer: the folder, and its files by part."""
    assert answer.status_code == 200, answer.get_data(as_text=True)
    head = f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode()
    parts = {
        one.get_param("name", header="content-disposition"): one.get_payload(decode=True)
        for one in message_from_bytes(head + answer.get_data(), policy=HTTP).iter_parts()
    }
    return json.loads(parts.pop("folder")), parts


def whole(house: House, client: FlaskClient, number: int, folder_id: int) -> int:
    """The browser says that a copy has come whole: the status of the answer."""
    form = {"csrf_token": house.csrf(client), "folder": folder_id}
    return client.post(f"/emportes/{number}/arrive", data=form).status_code


def words(answer: TestResponse) -> str:
    page = re.sub(r"<[^>]+>", " ", html.unescape(answer.get_data(as_text=True)))
    return " ".join(page.replace("\xa0", " ").replace("\u202f", " ").split())


def left(client: FlaskClient, *tokens: str) -> list[int]:
    answer = client.get("/emportes/etat", headers={"X-Carried": ",".join(tokens)})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return list(answer.get_json()["left"])


def test_nothing_is_taken_along_unless_the_collectivity_allows_it(house: House) -> None:
    folder_id = house.an_invoice()
    client = house.client(R)
    assert "data-carry" not in client.get(f"/dossiers/{folder_id}").get_data(as_text=True)
    assert (take(house, client, folder_id).status_code, take(house, client, folder_id).get_json()["key"]) == (
        403,
        "carry-off",
    )
    assert "Dossiers emportés" not in client.get("/compte").get_data(as_text=True)
    assert "folder.carried" not in house.journal(folder_id)
    setting = house.client(K).get("/administration/reglages").get_data(as_text=True)
    assert "Dossiers emportés" in setting
    change_setting(house.actor(K), carried.OFFLINE, {carried.OFFLINE: carried.YES})
    assert "data-carry" in client.get(f"/dossiers/{folder_id}").get_data(as_text=True)
    assert "Dossiers emportés" in client.get("/compte").get_data(as_text=True)


def test_two_documents_of_one_name_are_told_apart_without_a_network(allowing: House) -> None:
    folder_id = allowing.an_invoice(path=ASSETS / "invoices" / "ubl-en16931-fr.xml")
    folder, _ = parcel(take(allowing, allowing.client(R), folder_id))
    titles = [one["title"] for one in folder["documents"]]
    assert len(titles) == 2
    assert [one.rpartition(" ")[2] for one in titles] == ["(PDF)", "(XML)"]


def test_whoever_the_folder_waits_for_is_given_what_he_reads_of_it(allowing: House) -> None:
    house = allowing
    folder_id = house.an_invoice()
    notes.write(house.actor(G), folder_id, Draft("Livré mardi"))
    notes.write(house.actor(G), folder_id, Draft("À part moi", Reach.ALONE))
    client = house.client(R)
    folder, files = parcel(take(house, client, folder_id))
    assert folder["title"] == house.folder(folder_id).title
    assert folder["left"] in range(86_390, 86_401)
    assert "Livré mardi" in folder["drawn"]
    assert "À part moi" not in folder["drawn"]
    assert "Service fait" in folder["drawn"]
    assert not any(tag in folder["drawn"] for tag in ("<form", "<button", "<script"))
    (main,) = (one for one in folder["documents"] if one["main"])
    assert files[main["part"]].startswith(b"%PDF-")
    assert main["kind"] == "pdf"
    assert house.journal(folder_id).count("folder.carried") == 1
    page = client.get(f"/dossiers/{folder_id}?onglet=journal").get_data(as_text=True)
    assert "Emporté pour être lu hors connexion par" in page
    listing = client.get("/emportes").get_data(as_text=True)
    assert "lisible jusqu’au" in listing
    assert "Cette session" in listing
    # To give a document whole to a browser is no reading of it: a step that asks for it waits for the eyes
    with reading(house.actor(R).collectivity_id) as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(DocumentSeen)) == 0
    trace = words(house.client(K).get("/administration/journal"))
    assert f"Dossier emporté sur un appareil dossier n° {folder_id}, jusqu’au" in trace
    assert folder["title"] not in trace  # who administers reads no folder
    for login, status, key in ((G, 409, "carry-awaited"), (N, 404, "not-found")):
        refused = take(house, house.client(login), folder_id)
        assert (refused.status_code, refused.get_json()["key"]) == (status, key)


def test_a_folder_whose_reading_is_restricted_never_leaves(allowing: House) -> None:
    house = allowing
    folder_id = house.a_pay_flow()
    client = house.client(A)
    page = client.get(f"/dossiers/{folder_id}")
    assert page.status_code == 200
    assert "data-carry" not in page.get_data(as_text=True)
    refused = take(house, client, folder_id)
    assert (refused.status_code, refused.get_json()["key"]) == (403, "carry-restricted")
    assert "folder.carried" not in house.journal(folder_id)


def test_a_flow_is_taken_along_as_its_sheet(allowing: House) -> None:
    """Its file is what a machine reads: the pages of its sheet go, and nothing else."""
    house = allowing
    folder_id = house.a_flow()
    folder, files = parcel(take(house, house.client(A), folder_id))
    (main,) = (one for one in folder["documents"] if one["main"])
    assert main["kind"] == "page"
    assert "Bordereau" in main["drawn"]
    assert not any(data.startswith(b"<?xml") for data in files.values())


def test_what_is_too_heavy_stays_and_is_named(allowing: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrying, "MOST_BYTES", 1000)
    house = allowing
    folder, files = parcel(take(house, house.client(R), house.an_invoice()))
    assert files == {}
    assert all(
        "Trop lourd pour être emporté" in one["why"] for one in folder["documents"] if one["kind"] == ""
    )
    assert folder["documents"]


def test_a_copy_ends_with_its_day_its_session_its_turn_and_what_allowed_it(allowing: House) -> None:
    house = allowing
    folder_id, other_id = house.an_invoice(), house.an_invoice()
    client, stranger = house.client(R), house.client()
    tokens = [parcel(take(house, client, one))[0]["token"] for one in (folder_id, other_id)]
    day = range(86_300, 86_401)
    assert all(one in day for one in left(stranger, *tokens))  # the secret of the copy is what asks
    assert left(stranger, "inconnu", tokens[0])[0] == 0
    assert left(stranger) == []

    # A copy stands in the place of the former once it has come whole: a network that is cut takes nothing away
    cut, taken = (parcel(take(house, client, folder_id))[0] for _ in range(2))
    again = taken["token"]
    assert all(one in day for one in left(stranger, tokens[0], cut["token"], again))
    assert [whole(house, client, one["id"], folder_id) for one in (taken, cut)] == [204, 404]
    assert [one > 0 for one in left(stranger, tokens[0], cut["token"], again)] == [False, False, True]
    assert whole(house, house.client(N), taken["id"], folder_id) == 404

    house.approve(folder_id, R)  # decided elsewhere: it waits for him no more
    assert [one > 0 for one in left(stranger, again, tokens[1])] == [False, True]

    with time_machine.travel(now() + timedelta(hours=13), tick=False):
        assert house.client(R)  # the session ended of itself, twelve hours after: a train may be longer
        assert left(stranger, tokens[1])[0] > 0
    with time_machine.travel(now() + timedelta(hours=24, seconds=1), tick=False):
        assert left(stranger, tokens[1]) == [0]

    forget_setting(house.actor(K), carried.OFFLINE)
    assert left(stranger, tokens[1]) == [0]
    change_setting(house.actor(K), carried.OFFLINE, {carried.OFFLINE: carried.YES})
    assert left(stranger, tokens[1])[0] > 0
    client.post("/logout", data={"csrf_token": house.csrf(client)})
    assert left(stranger, tokens[1]) == [0]
    assert "Rien d’emporté" in house.client(R).get("/emportes").get_data(as_text=True)


def test_a_lost_device_is_ended_from_another_by_its_owner_alone(allowing: House) -> None:
    house = allowing
    folder_id = house.an_invoice(at="finance")
    lost, desk, colleague = house.client(N), house.client(N), house.client("t.lescoat")
    folder, _ = parcel(take(house, lost, folder_id))
    form = desk.get("/emportes").get_data(as_text=True)
    assert re.search(r'name="folder" value="(\d+)"', form)[1] == str(folder_id)
    # The page of a copy that is over, whose number is by now another folder's, ends nothing
    tries = ((colleague, folder_id, 404), (desk, folder_id + 1, 404), (desk, "", 404))
    for client, of, status in (*tries, (desk, folder_id, 302), (desk, folder_id, 404)):
        posted = {"csrf_token": house.csrf(client), "folder": of}
        answer = client.post(f"/emportes/{folder['id']}/rendre", data=posted)
        assert (answer.status_code, left(desk, folder["token"])[0] > 0) == (
            status,
            (client, of, status) in tries,
        )
    assert left(desk, folder["token"]) == [0]
    assert house.journal(folder_id).count("folder.carried_back") == 1

    folder, _ = parcel(take(house, lost, folder_id))
    desk.post("/compte/sessions/fermer", data={"csrf_token": house.csrf(desk)})
    assert left(desk, folder["token"]) == [0]


@pytest.mark.parametrize("by", ["others", "password", "account"])
def test_who_closes_his_sessions_ends_what_an_expired_one_took_along(allowing: House, by: str) -> None:
    house = allowing
    person, user_id = house.actor(N).person_id, house.actor(N).user_id
    token = parcel(take(house, house.client(N), house.an_invoice(at="finance")))[0]["token"]
    with time_machine.travel(now() + timedelta(hours=13), tick=False):
        desk = house.client(N)  # the other session is over since an hour, and listed nowhere
        assert left(desk, token)[0] > 0
        if by == "others":
            desk.post("/compte/sessions/fermer", data={"csrf_token": house.csrf(desk)})
        else:
            with writing() as db, db.begin():
                close = persons.revoke_sessions if by == "password" else door.revoke_all
                assert close(db, person if by == "password" else user_id) == 1  # only what was open counts
        assert left(desk, token) == [0]


def test_a_person_takes_so_many_along_and_what_is_over_is_swept(
    allowing: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carried, "MOST", 1)
    house = allowing
    client = house.client(R)
    first, second = house.an_invoice(), house.an_invoice()
    assert take(house, client, first).status_code == 200
    assert take(house, client, first).status_code == 200  # the same again is the same
    refused = take(house, client, second)
    assert (refused.status_code, refused.get_json()["key"]) == (409, "carry-many")
    with time_machine.travel(now() + timedelta(days=3), tick=False):
        sweep(0, 0, whole=False)
    with reading(house.actor(R).collectivity_id) as db:
        assert db.scalars(sa.select(CarriedFolder)).all() == []
