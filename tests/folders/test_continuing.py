"""A folder opened from another one, with its documents: a copy, or what follows it; each names the other to who reads both."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.folders import continuing
from app.folders.models import Document, DocumentVersion, Folder
from app.journal.models import JournalEntry
from tests.api.software import Software
from tests.builders.house import ACT, PAY, House
from tests.circuits.test_editor import words
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
CONVENTION = ACT.with_name("convention-2026-018-cercle-nautique.pdf")
G, K, P, A = "g.trehorel", "k.morizur", "m.kerzerho", "a.kervadec"


def files(folder_id: int) -> dict[str, list[tuple[int, int, str, str]]]:
    """By role: document, version, origin and digest of each file of a folder, the last version first."""
    with reading() as db:
        query = (
            sa.select(Document.role, Document.id, DocumentVersion)
            .join(DocumentVersion, DocumentVersion.document_id == Document.id)
            .where(Document.folder_id == folder_id)
            .order_by(DocumentVersion.number.desc())
        )
        rows: dict[str, list[tuple[int, int, str, str]]] = {}
        for role, document, version in db.execute(query):
            rows.setdefault(role, []).append((document, version.number, version.origin, version.sha256))
    return rows


def post(house: House, login: str, folder_id: int, **form: Any) -> TestResponse:
    client = house.client(login)
    return client.post(f"/dossiers/{folder_id}/suite", data={"csrf_token": house.csrf(client), **form})


def born(answer: TestResponse) -> int:
    assert answer.status_code == 302, words(answer)
    return int(answer.headers["Location"].split("/dossiers/")[1].split("/")[0])


def events(folder_id: int) -> list[tuple[str, dict[str, Any]]]:
    with reading() as db:
        query = sa.select(JournalEntry).where(JournalEntry.folder_id == folder_id).order_by(JournalEntry.seq)
        return [(one.event, json.loads(one.facts)) for one in db.scalars(query)]


def test_what_was_signed_goes_on_under_another_type_and_each_names_the_other(house: House) -> None:
    act = house.a_deliberation("done")
    client = house.client(K)
    shown = client.get(f"/dossiers/{act}").get_data(as_text=True)
    assert f"/dossiers/{act}/suite" in shown
    page = client.get(f"/dossiers/{act}/suite")
    assert "Contrat" in words(page)
    assert "Accusé reçu" in words(page) or "accusé reçu" in words(page)
    (main, number, origin, digest), *before = files(act)["main"]
    assert origin == "signed"
    assert before, "the one that was deposited is kept too"
    # What this one signs for good is not signed again: it goes on as an attachment of what follows it, and the page says so
    again = post(house, K, act, family="contract", **{f"document-{main}": number})
    assert again.status_code == 422
    assert "porte déjà une signature" in words(again)
    assert "romprait. Rien n’a été créé. Choisissez une version d’avant la signature" in words(again)
    assert "ou déposez-le en annexe" not in words(again), "the remedy of a deposit is none here"
    form = {f"document-{main}": number, "fresh": (CONVENTION.open("rb"), CONVENTION.name)}
    made = born(post(house, K, act, family="contract", **form))
    folder = house.folder(made)
    assert (folder.family, folder.phase, folder.title) == ("contract", "draft", house.folder(act).title)
    assert files(made)["attachment"][0][3] == digest, "the very bytes that were signed"
    assert files(made)["main"][0][2] == "deposited"
    assert folder.number == ""
    assert "decision_date" not in folder.fields
    assert folder.fields["matter"] == "7.5.2"
    assert house.folder(act).phase == "done"
    told = words(client.get(f"/dossiers/{act}"))
    assert f"A donné {folder.title} (contrat ou convention, brouillon)" in told
    assert "Ouvert à partir de" in words(client.get(f"/dossiers/{made}"))
    assert "(délibération, terminé)" in words(client.get(f"/dossiers/{made}/brouillon"))
    journal = words(client.get(f"/dossiers/{act}?onglet=journal"))
    assert "Nouveau dossier ouvert à partir de celui-ci par Katell Morizur" in journal
    (told,) = [facts for name, facts in events(act) if name == "folder.continued"]
    assert told["words"] == ", de type « Contrat ou convention »"
    assert str(made) not in json.dumps(told), "a number is for who reads that folder"
    # Who reads the act and not the draft of another desk is told that there is one, and neither its name nor where it is
    mayor = house.client(A)
    assert f"/dossiers/{made}" not in mayor.get(f"/dossiers/{act}").get_data(as_text=True)
    assert mayor.get(f"/dossiers/{made}").status_code == 404


def test_what_follows_a_signed_folder_is_made_from_the_form_as_it_opens(house: House) -> None:
    act = house.a_deliberation("done")
    client = house.client(K)
    page = client.get(f"/dossiers/{act}/suite").text
    types = re.findall(r'type="radio"\s+name="family"\s+value="([^"]+)"', page)
    chosen = {
        name: number
        for name, options in re.findall(r'<select[^>]*name="(document-\d+)">(.*?)</select>', page, re.DOTALL)
        for number in re.findall(r'<option value="([^"]*)"\s+selected', options)
    }
    (main,) = {one for one, *_ in files(act)["main"]}
    before = next(row for row in files(act)["main"] if row[2] != "signed")
    assert "Signée en annexe, d’avant la signature en document principal" in words(
        client.get(f"/dossiers/{act}/suite")
    )
    assert {"contract", "deliberation"} <= set(types)
    for family in ("contract", "deliberation"):
        form = {"family": family, "main": str(main), "once": family, **chosen}
        made = born(post(house, K, act, **form))
        assert files(made)["main"][-1][3] == before[3]
    # Beside another main document, one of the folder or a new one, what was signed goes along as it was signed
    signed = files(act)["main"][0]
    (receipt,) = {one for one, *_ in files(act)["receipt"]}
    number = files(act)["receipt"][0][1]
    others = (
        {"family": "other", "main": str(receipt), f"document-{receipt}": str(number)},
        {"family": "contract", "fresh": (CONVENTION.open("rb"), CONVENTION.name)},
    )
    for other in others:
        made = born(post(house, K, act, **{**chosen, "once": other["family"], **other}))
        assert [row[3] for row in files(made)["attachment"]] == [signed[3]]


def test_a_copy_takes_the_files_of_before_the_signature_and_all_facts_but_dates_and_number(
    house: House,
) -> None:
    act = house.a_deliberation("prefecture")
    page = house.client(K).get(f"/dossiers/{act}/suite?comme=copie").get_data(as_text=True)
    assert re.findall(r'type="radio"\s+name="family"\s+value="([^"]+)"', page) == ["deliberation"]
    main, number, origin, digest = files(act)["main"][-1]
    assert origin == "deposited"
    assert f'value="{number}" selected' in page.replace("\n", " ")
    made = born(post(house, K, act, family="deliberation", **{f"document-{main}": number}))
    folder, was = house.folder(made), house.folder(act)
    assert files(made)["main"][0][3] == digest
    assert folder.fields["subject"] == was.fields["subject"]
    assert not folder.fields.get("number")
    assert not folder.fields.get("decision_date")
    assert house.client(K).get(f"/dossiers/{made}/brouillon").status_code == 200
    # Posted again, the same page opens no other draft; another page, or another choice, does
    (once,) = re.findall(r'name="once" value="([^"]+)"', page)
    clients = [house.client(K) for _ in range(3)]
    form = {"family": "deliberation", f"document-{main}": number, "once": once}

    def opened(client: FlaskClient, **more: str) -> int:
        data = {"csrf_token": house.csrf(client), **form, **more}
        return born(client.post(f"/dossiers/{act}/suite", data=data))

    with ThreadPoolExecutor(3) as threads:
        (copy,) = set(threads.map(opened, clients))
    (again,) = re.findall(r'name="once" value="([^"]+)"', clients[0].get(f"/dossiers/{act}/suite").text)
    others = [opened(clients[0], once=again), opened(clients[0], family="contract")]
    assert len({made, copy, *others}) == 4
    assert [event for event, _ in events(act)].count("folder.continued") == 4


def test_a_copy_is_offered_nothing_that_was_answered_to_the_first_folder(house: House) -> None:
    invoice = house.an_invoice("done")
    client = house.client(G)
    for way, offered in (("?comme=copie", False), ("", True)):
        page = words(client.get(f"/dossiers/{invoice}/suite{way}"))
        assert ("Trace de la remise" in page) is offered, way
        assert "facture" in page, way


def test_what_is_wrong_is_said_and_leaves_nothing(house: House) -> None:
    act = house.a_deliberation("direction")
    main, number = files(act)["main"][0][:2]
    with reading() as db:
        before = db.scalar(sa.select(sa.func.count(Folder.id)))
    for form, sentence in (
        ({"family": "contract"}, "fichier"),
        ({"family": "contract", f"document-{main}": "9"}, "n’est plus au dossier"),
        ({"family": "contract", "document-999": "1"}, "n’est plus au dossier"),
        ({"family": "contract", f"document-{'9' * 5000}": "1"}, "fichier"),
        ({"family": "contract", f"document-{main}": "9" * 5000, "main": "9" * 5000}, "fichier"),
        ({"family": "contract", f"document-{main}": number, "main": "999"}, "parmi les pièces reprises"),
        ({"family": "act_cancellation", f"document-{main}": number}, ""),
        ({"family": "nothing", f"document-{main}": number}, ""),
        ({"family": "pes", f"document-{main}": number}, ""),
    ):
        answer = post(house, K, act, **form)
        assert 400 <= answer.status_code < 500, form
        assert sentence in words(answer)
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count(Folder.id))) == before
    assert [name for name, _ in events(act)].count("folder.continued") == 0
    # Neither a stranger to the folder, nor who deposits nothing
    assert post(house, G, act, family="contract", **{f"document-{main}": number}).status_code == 404
    with pytest.raises(Refusal):
        continuing.open_from(house.actor(A), act, "contract", {main: number})
    assert f"/dossiers/{act}/suite" not in house.client(A).get(f"/dossiers/{act}").get_data(as_text=True)


def test_what_is_closed_stays_closed_in_what_follows_it(house: House) -> None:
    folder_id = house.deposit(P, "pes_payroll", PAY)
    main, number = files(folder_id)["main"][0][:2]
    offered = words(house.client(P).get(f"/dossiers/{folder_id}/suite"))
    assert "Flux de paye" in offered
    assert "Autre document" not in offered
    for family, sentence in (
        ("other", "n’est lu que par ceux qui y agissent"),
        ("pes_payroll", "porte déjà le flux"),
    ):
        refused = post(house, P, folder_id, family=family, **{f"document-{main}": number})
        assert 400 <= refused.status_code < 500
        assert sentence in words(refused)
    assert not [name for name, _ in events(folder_id) if name == "folder.continued"]


def test_another_file_is_not_said_to_have_what_the_first_one_said(house: House) -> None:
    invoice = house.an_invoice("finance")
    blank = ACT.with_name("convention-2026-018-cercle-nautique.pdf")
    made = born(post(house, G, invoice, family="invoice", fresh=(blank.open("rb"), blank.name)))
    folder, was = house.folder(made), house.folder(invoice)
    assert folder.amount_cents is None
    assert folder.title != was.title
    assert not {"total_ttc", "seller", "seller_siret", "iban"} & {
        key for key, value in folder.fields.items() if value
    }
    assert files(made).keys() == {"main"}, "no document of the first one need be taken along"


def test_software_does_it_once_with_its_key(house: House) -> None:
    software = Software(house, "secretariat", [Right.CREATE])
    act = house.a_deliberation("direction")
    main, number = files(act)["main"][0][:2]
    body = {"family": "contract", "documents": {str(main): number}}
    headers = {**software.headers, "Idempotency-Key": "suite-1"}
    answers = [
        software.client.post(f"/api/v1/folders/{act}/continuations", headers=headers, json=body)
        for _ in range(2)
    ]
    assert [one.status_code for one in answers] == [201, 201], answers[0].get_data(as_text=True)
    (made,) = {one.json["id"] for one in answers if one.json}
    assert software.get(f"/folders/{made}").json["origin"] == act  # type: ignore[index]
    assert software.get(f"/folders/{act}").json["continuations"] == [made]  # type: ignore[index]
    other = software.client.post(
        f"/api/v1/folders/{act}/continuations", headers=headers, json={**body, "family": "deliberation"}
    )
    assert (other.status_code, other.json["type"].rpartition(":")[2]) == (422, "key-reused")  # type: ignore[index]
    assert software.post(f"/folders/{act}/continuations", family="contract", documents={}).status_code == 422


def test_the_same_bytes_are_kept_once(house: House) -> None:
    act = house.a_deliberation("direction", path=ACT)
    main, number, _, digest = files(act)["main"][0]
    continuing.open_from(house.actor(K), act, "deliberation", {main: number})
    with engine().connect() as connection:
        rows = connection.execute(
            sa.select(DocumentVersion.sha256).where(DocumentVersion.sha256 == digest)
        ).all()
    assert len(rows) == 2, "two folders name the same bytes"
