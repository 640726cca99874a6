"""What the API refuses, and how it says it: RFC 9457, a stable key, a French sentence, every fault at once."""

import pytest

from app.core.clock import today
from app.core.db import reading
from app.people import applications, desks
from app.people.applications import PROPOSED
from tests.api.software import FACTS, Software
from tests.builders.house import INVOICE, House
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

ROUTES = (
    ("GET", "/me"),
    ("GET", "/families"),
    ("GET", "/folders"),
    ("POST", "/folders"),
    ("GET", "/folders/1"),
    ("PATCH", "/folders/1"),
    ("POST", "/folders/1/documents"),
    ("POST", "/folders/1/start"),
    ("POST", "/folders/1/approve"),
    ("POST", "/folders/1/reject"),
    ("GET", "/folders/1/documents/1/versions/1"),
    ("GET", "/folders/1/journal"),
)


@pytest.fixture
def accounting(house: House) -> Software:
    return Software(house, "comptabilite", [Right.CREATE, Right.ACT])


def said(answer, status: int, key: str) -> dict:
    assert answer.content_type == "application/problem+json"
    found = answer.json
    assert (answer.status_code, found["status"], found["key"], found["type"]) == (
        status,
        status,
        key,
        f"urn:paraphe:{key}",
    )
    assert found["title"]
    assert found["detail"]
    return found


def test_without_a_token_with_a_cookie_or_with_a_closed_token_nobody_enters(
    house: House, accounting: Software
) -> None:
    person = house.client("g.trehorel")
    with reading(accounting.collectivity_id) as db:
        (number,) = applications.numbers_of(db, accounting.collectivity_id, accounting.name)
    applications.close_application(accounting.collectivity_id, number)
    for method, path in ROUTES:
        for client, headers in (
            (house.app.test_client(), {}),
            (person, {}),
            (accounting.client, accounting.headers),
        ):
            answer = client.open(f"/api/v1{path}", method=method, headers=headers)
            said(answer, 401, "token-needed")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert "Set-Cookie" not in answer.headers


def test_a_token_opens_no_page(accounting: Software) -> None:
    assert accounting.client.get("/a-traiter", headers=accounting.headers).status_code == 302


def test_a_right_that_the_desk_does_not_give_is_refused(house: House, accounting: Software) -> None:
    folder = accounting.started()
    reader = Software(house, "comptabilite", [Right.ARCHIVE])
    said(reader.deposit(), 403, "right-missing")
    said(reader.patch(f"/folders/{folder['id']}", version=folder["version"]), 403, "right-missing")
    said(reader.post(f"/folders/{folder['id']}/approve", version=folder["version"]), 403, "right-missing")
    said(
        reader.post(f"/folders/{folder['id']}/reject", version=folder["version"], reason="Non"),
        403,
        "not-your-turn",
    )
    said(accounting.post(f"/folders/{folder['id']}/approve", version=folder["version"]), 403, "not-your-turn")
    said(accounting.patch(f"/folders/{folder['id']}", version=folder["version"]), 409, "not-editable")
    assert reader.get(f"/folders/{folder['id']}").json["actions"] == []


def test_a_folder_of_other_desks_is_refused_by_every_route(house: House) -> None:
    act = house.a_deliberation(at="direction")
    stranger = Software(house, "technique", [Right.CREATE, Right.ACT, Right.ARCHIVE])
    document = house.versions(act)[0].document_id
    said(stranger.get(f"/folders/{act}"), 404, "not-found")
    said(stranger.get(f"/folders/{act}/journal"), 404, "not-found")
    said(stranger.get(f"/folders/{act}/documents/{document}/versions/1"), 404, "not-found")
    version = house.folder(act).version
    for verb, more in (("approve", {}), ("reject", {"reason": "Non"}), ("start", {})):
        said(stranger.post(f"/folders/{act}/{verb}", version=version, **more), 404, "not-found")
    said(stranger.patch(f"/folders/{act}", version=version), 404, "not-found")
    assert house.folder(act).version == version


def test_a_folder_of_another_collectivity_does_not_exist(house: House) -> None:
    act = house.a_deliberation(at="direction")
    document = house.versions(act)[0].document_id
    other = desks.create_collectivity(
        "219909997", "Autre-Ville", department="029", district="1", nature="31", settings={}
    )
    desks.create_desk(other, "direction", "Direction d’ailleurs")
    stranger = Software(house, "direction", [Right.CREATE, Right.ACT], other)
    version = house.folder(act).version
    for number in (act, 999_999, 2_147_483_647):
        said(stranger.get(f"/folders/{number}"), 404, "not-found")
        said(stranger.get(f"/folders/{number}/journal"), 404, "not-found")
        said(stranger.get(f"/folders/{number}/documents/{document}/versions/1"), 404, "not-found")
        said(stranger.patch(f"/folders/{number}", version=version), 404, "not-found")
        for verb, more in (("approve", {}), ("reject", {"reason": "Non"}), ("start", {})):
            said(stranger.post(f"/folders/{number}/{verb}", version=version, **more), 404, "not-found")
    assert stranger.get("/folders").json["folders"] == []
    said(stranger.get("/folders/99999999999999999999"), 404, "not-found")


def test_a_document_of_another_folder_is_not_in_this_one(house: House, accounting: Software) -> None:
    mine, other = accounting.deposit().json, accounting.deposit().json
    document = other["documents"][0]["id"]
    said(accounting.get(f"/folders/{mine['id']}/documents/{document}/versions/1"), 404, "document-unknown")
    said(accounting.get(f"/folders/{other['id']}/documents/{document}/versions/7"), 404, "document-unknown")


def test_an_older_version_is_refused_and_changes_nothing(house: House, accounting: Software) -> None:
    technique = Software(house, "technique", [Right.ACT])
    folder = accounting.started()
    stale = folder["version"] - 1
    said(technique.post(f"/folders/{folder['id']}/approve", version=stale), 409, "moved-on")
    said(technique.post(f"/folders/{folder['id']}/reject", version=stale, reason="Non"), 409, "moved-on")
    assert house.folder(folder["id"]).version == folder["version"]


def test_every_fault_of_a_request_is_listed_at_once(accounting: Software) -> None:
    folder = accounting.deposit().json
    wrong = {"version": "1", "title": 12, "facts": {"seller": True, "order_ref": [1]}, "colour": "bleu"}
    found = said(accounting.patch(f"/folders/{folder['id']}", **wrong), 422, "fields-invalid")
    assert {one["field"] for one in found["problems"]} == {
        "version",
        "title",
        "facts.seller",
        "facts.order_ref",
        "colour",
    }
    assert "Ce champ n’existe pas." in found["detail"]
    unknown = said(
        accounting.patch(f"/folders/{folder['id']}", version=1, facts={"a": "1", "b": "2"}),
        422,
        "fields-invalid",
    )
    assert [one["field"] for one in unknown["problems"]] == ["facts.a", "facts.b"]
    crowd = accounting.patch(
        f"/folders/{folder['id']}", version=1, facts={"x" * 300 + str(n): "1" for n in range(900)}
    )
    assert len(said(crowd, 422, "fields-invalid")["problems"]) == 50
    assert "Et 850 autres." in crowd.json["detail"]
    assert len(crowd.get_data()) < 60_000
    twice = said(accounting.get("/folders?tray=todo&tray=late"), 422, "fields-invalid")
    assert [(one["field"], one["sentence"]) for one in twice["problems"]] == [
        ("tray", "Ce champ n’est attendu qu’une fois.")
    ]
    query = said(accounting.get("/folders?tray=everything&family=&page=2"), 422, "fields-invalid")
    assert {one["field"] for one in query["problems"]} >= {"tray", "page"}


FAULTS = {
    "version": {
        -1: "Un nombre de 0 au moins est attendu.",
        2**31: "Un nombre de 2147483647 au plus est attendu.",
        1.0: "Ce champ n’est pas du type attendu.",
        None: "Ce champ ne peut pas être nul.",
    },
    "title": {"x" * 301: "300 signes au plus sont attendus.", 3: "Ce champ n’est pas du type attendu."},
    "facts": {"seller": "Ce champ n’est pas du type attendu.", None: "Ce champ ne peut pas être nul."},
    "types": {1: "Ce champ n’est pas du type attendu."},
    "colour": {"bleu": "Ce champ n’existe pas."},
}


def test_a_fault_says_in_french_what_is_expected(accounting: Software) -> None:
    path = f"/folders/{accounting.deposit().json['id']}"

    def told(answer) -> list[tuple[str, str]]:
        return [(one["field"], one["sentence"]) for one in said(answer, 422, "fields-invalid")["problems"]]

    for field, sentences in FAULTS.items():
        for sent, sentence in sentences.items():
            assert told(accounting.patch(path, **{"version": 1, field: sent})) == [(field, sentence)]
    inside = {"types": {"30": "", "page": "99_DE"}, "facts": {"seller": "x" * 20_001}}
    assert told(accounting.patch(path, version=1, **inside)) == [
        ("facts.seller", "20000 signes au plus sont attendus."),
        ("types.30", "Il faut au moins 1 signe."),
        ("types.page", "Le numéro d’une pièce est attendu."),
    ]
    assert told(accounting.patch(path)) == [("version", "Ce champ est obligatoire.")]
    whole = accounting.client.patch(f"/api/v1{path}", headers=accounting.headers, json=[1])
    assert told(whole) == [("demande", "Un objet JSON est attendu.")]
    for digits in ("１", "+1", "1_0", " 1", "1.0", "", "9" * 5000):
        answer = accounting.client.get(
            f"/api/v1{path}/journal", headers=accounting.headers, query_string={"after": digits}
        )
        assert told(answer) == [("after", "Un nombre entier est attendu.")]
    trays = "Une valeur parmi todo, late, held, returned, running, done, drafts est attendue."
    assert told(accounting.get("/folders?tray=all")) == [("tray", trays)]


def test_a_body_that_is_not_what_is_announced_is_refused(accounting: Software) -> None:
    folder = accounting.deposit().json
    path = f"/api/v1/folders/{folder['id']}"
    for text in ("{", '{"version": 01}', "\xff"):
        answer = accounting.client.patch(
            path, headers=accounting.headers, data=text, content_type="application/json"
        )
        said(answer, 400, "json-invalid")
    said(
        accounting.client.patch(
            path, headers=accounting.headers, data="version=1", content_type="text/plain"
        ),
        415,
        "http-415",
    )
    said(
        accounting.client.post("/api/v1/folders", headers=accounting.headers, json={"family": "invoice"}),
        415,
        "http-415",
    )
    wrong = accounting.client.delete(path, headers=accounting.headers)
    said(wrong, 405, "http-405")
    assert {"GET", "PATCH"} <= set(wrong.headers["Allow"].split(", "))


def test_a_deposit_that_is_refused_creates_nothing(house: House, accounting: Software) -> None:
    form = {"headers": accounting.headers, "content_type": "multipart/form-data"}
    found = said(
        accounting.client.post("/api/v1/folders", data={"title": "Sans rien"}, **form), 422, "fields-invalid"
    )
    assert {one["field"] for one in found["problems"]} == {"family", "main"}
    found = said(accounting.deposit(facts="[1]"), 422, "fields-invalid")
    assert [one["field"] for one in found["problems"]] == ["facts"]
    said(accounting.deposit(facts={**FACTS, "received_on_by_state": "2026-01-01"}), 422, "fields-invalid")
    said(accounting.deposit("poem"), 404, "family-unknown")
    said(accounting.deposit(key="deux mots"), 422, "fields-invalid")
    said(
        accounting.deposit(path=INVOICE.parents[1] / "invoices" / "manifest.json"),
        422,
        "file-type-unsupported",
    )
    assert accounting.get("/folders?tray=drafts").json["folders"] == []


def test_a_deposit_above_the_limit_is_refused_with_the_limit(house: House, accounting: Software) -> None:
    house.app.config["MAX_CONTENT_LENGTH"] = 10_000
    found = said(accounting.deposit(), 413, "too-large")
    assert found["limit"].split() == ["10", "Ko"]


def test_a_token_has_its_pace_and_another_token_its_own(house: House, accounting: Software) -> None:
    house.app.config["API_RATE"] = "3 per minute"
    assert [accounting.get("/me").status_code for _ in range(4)] == [200, 200, 200, 429]
    stopped = accounting.get("/families")
    said(stopped, 429, "too-many-tries")
    assert int(stopped.headers["Retry-After"]) <= 60
    assert Software(house, "finances", [Right.ACT]).get("/me").status_code == 200


def test_an_application_says_who_it_is(accounting: Software) -> None:
    assert accounting.get("/me").json == {
        "application": accounting.name,
        "collectivity": "Kerlann-sur-Mer",
        "desk": {"key": "comptabilite", "name": "Comptabilité"},
        "rights": ["act", "create"],
        "token_ends_on": (today() + PROPOSED).isoformat(),
    }
