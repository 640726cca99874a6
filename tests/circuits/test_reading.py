"""A step asks that the documents be read: nobody decides there before he has seen them whole, and who saw what is told."""

import pytest

from app.circuits import library
from app.circuits.library import family
from app.core.db import reading
from app.core.refusals import Refusal
from app.folders import decide, seen
from app.folders.models import Folder
from tests.api.software import Software
from tests.builders import circuits
from tests.builders.house import House
from tests.circuits.test_editor import words
from tests.folders.test_asking import G, K, N, page, post
from workflows.circuit import Circuit
from workflows.joining import contains
from workflows.loader import load
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn


def asked(step: str = "finance") -> Circuit:
    """The circuit of invoices, whose step asks for reading."""
    data = family("invoice").circuit.to_data()
    next(one for one in data["steps"] if one["key"] == step)["reading"] = True
    return load(data)


def publish(house: House, step: str = "finance") -> None:
    circuits.publish(house.actor(K), "invoice", library.as_yaml(asked(step).to_data()))


def left(house: House, login: str, folder_id: int) -> list[str]:
    actor = house.actor(login)
    with reading(actor.collectivity_id) as db:
        return [one.title for one in seen.unseen(db, db.get_one(Folder, folder_id), actor)]


def test_a_decision_waits_for_its_reading_at_each_door_and_says_what_is_left(house: House) -> None:
    publish(house)
    folder_id = house.an_invoice("finance")
    (main,) = house.versions(folder_id)
    version = house.folder(folder_id).version
    (title,) = left(house, N, folder_id)
    shown = page(house, N, folder_id)
    assert f"Lecture exigée avant de viser : il vous reste à voir en entier « {title} »." in shown
    assert 'aria-describedby="why"' in house.client(N).get(f"/dossiers/{folder_id}").get_data(as_text=True)
    before = house.journal(folder_id)
    with pytest.raises(Refusal, match="reading-awaited"):
        decide.approve(house.actor(N), folder_id, version=version)
    refused = post(house, N, folder_id, "viser")
    assert refused.status_code == 422
    assert "jusqu’à sa dernière page" in words(refused)
    software = Software(house, "finances", [Right.ACT])
    assert software.post(f"/folders/{folder_id}/approve", version=version).json["key"] == "reading-person"
    assert [one for one in house.journal(folder_id) if one != "folder.opened"] == [
        one for one in before if one != "folder.opened"
    ]
    url = f"/dossiers/{folder_id}/documents/{main.document_id}/{main.number}"
    assert house.client(N).get(url, headers={"Range": "bytes=0-99"}).status_code == 206
    assert left(house, N, folder_id) == [title], "a part of the file is not the whole"
    told = post(house, N, folder_id, f"documents/{main.document_id}/{main.number}/vu")
    assert told.json == {"left": 0}
    assert seen.note(house.actor(N), folder_id, main.document_id, main.number) == 0
    with pytest.raises(Refusal, match="document-unknown"):
        seen.note(house.actor(N), folder_id, main.document_id, 9)
    with pytest.raises(Refusal, match="not-found"):
        seen.note(house.actor(K), folder_id, main.document_id, main.number)
    assert "Lecture exigée" not in page(house, N, folder_id).split("Votre décision")[-1].split("Circuit")[0]
    assert "Lu par Nolwenn Abgrallec" in page(house, G, folder_id, "pieces")
    (document, *_) = software.get(f"/folders/{folder_id}").json["documents"]
    assert [one["who"] for one in document["seen"]] == ["Nolwenn Abgrallec"]
    house.approve(folder_id, N)
    assert house.folder(folder_id).place == "bon_a_payer"


def test_the_whole_file_given_to_a_person_is_seen_and_to_reject_asks_for_none(house: House) -> None:
    publish(house)
    folder_id = house.an_invoice("finance")
    (main,) = house.versions(folder_id)
    url = f"/dossiers/{folder_id}/documents/{main.document_id}/1"
    (kept,) = house.settings.data_dir.rglob(main.sha256)
    reader, away = house.client(N), kept.rename(kept.with_suffix(".away"))
    assert reader.get(url).status_code == 500
    assert left(house, N, folder_id), "what is missing was not seen"
    away.rename(kept)
    assert reader.get(url).status_code == 200
    assert left(house, N, folder_id) == []
    decide.reject(house.actor(N), folder_id, version=house.folder(folder_id).version, reason="À revoir")


def test_a_signature_waits_for_it_before_a_key_is_asked_and_what_was_signed_is_not_read_again(
    house: House,
) -> None:
    publish(house, "bon_a_payer")
    folder_id = house.an_invoice("bon_a_payer")
    (main,) = house.versions(folder_id)
    with pytest.raises(Refusal, match="reading-awaited"):
        house.sign(folder_id, "a.kervadec")
    seen.note(house.actor("a.kervadec"), folder_id, main.document_id, main.number)
    house.sign(folder_id, "a.kervadec")
    assert left(house, "a.kervadec", folder_id) == []


def test_the_law_of_circuits_knows_it() -> None:
    plain, strict = family("invoice").circuit, asked()
    assert strict.digest != plain.digest
    assert load(strict.to_data()) == strict
    assert contains(strict, plain, {})
    assert not contains(plain, strict, {})
