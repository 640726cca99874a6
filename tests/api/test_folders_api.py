"""Another software deposits, follows and decides by the API, with the rights of its desk and no more."""

import json

import pytest

from app.people import desks
from tests.builders.house import ACT, INVOICE, House
from workflows.rights import Right

FACTS = {"received_on": "2026-11-20", "proof_of_service": "technique"}


class Software:
    def __init__(self, house: House, desk: str, rights: list[Right]) -> None:
        here = house.actor("a.kervadec").collectivity_id
        token = desks.create_application(here, f"Logiciel {desk}", desk, rights)
        self.client, self.headers = house.app.test_client(), {"Authorization": f"Bearer {token}"}

    def get(self, path: str):
        return self.client.get(f"/api/v1{path}", headers=self.headers)

    def post(self, path: str, **body):
        return self.client.post(f"/api/v1{path}", headers=self.headers, json=body)

    def deposit(self, family="invoice", path=INVOICE, facts=FACTS, **headers):
        with path.open("rb") as file:
            form = {"family": family, "facts": json.dumps(facts), "files": (file, path.name)}
            return self.client.post(
                "/api/v1/folders",
                headers={**self.headers, **headers},
                data=form,
                content_type="multipart/form-data",
            )


@pytest.fixture
def accounting(house: House) -> Software:
    return Software(house, "comptabilite", [Right.CREATE, Right.ACT])


@pytest.fixture
def technique(house: House) -> Software:
    return Software(house, "technique", [Right.ACT])


def test_a_software_deposits_starts_and_follows_an_invoice(
    house: House, accounting: Software, technique: Software
) -> None:
    made = accounting.deposit()
    assert made.status_code == 201, made.json
    folder = made.json
    assert folder["problems"] == []
    assert folder["facts"]["number"] == "FA-2026-0001"
    started = accounting.post(f"/folders/{folder['id']}/start", version=folder["version"])
    assert started.status_code == 200, started.json
    waiting = technique.get("/folders?tray=todo").json
    assert [one["id"] for one in waiting["folders"]] == [folder["id"]]
    seen = technique.post(
        f"/folders/{folder['id']}/approve", version=started.json["version"], comment="Livré"
    )
    assert seen.json["place"] == "finance"
    main = next(one for one in seen.json["documents"] if one["role"] == "main")
    bytes_ = technique.client.get(main["href"], headers=technique.headers).data
    assert bytes_ == INVOICE.read_bytes()
    assert house.journal(folder["id"])[-1] == "folder.approve"


def test_a_rejection_by_api_needs_its_reason(accounting: Software, technique: Software) -> None:
    folder = accounting.deposit().json
    version = accounting.post(f"/folders/{folder['id']}/start", version=folder["version"]).json["version"]
    refused = technique.post(f"/folders/{folder['id']}/reject", version=version)
    assert refused.status_code == 422
    assert refused.content_type == "application/problem+json"
    assert "reason" in refused.json["detail"]
    done = technique.post(f"/folders/{folder['id']}/reject", version=version, reason="Non livré")
    assert done.json["phase"] == "rejected"


def test_an_older_version_is_refused_and_changes_nothing(accounting: Software, technique: Software) -> None:
    folder = accounting.deposit().json
    version = accounting.post(f"/folders/{folder['id']}/start", version=folder["version"]).json["version"]
    assert technique.post(f"/folders/{folder['id']}/approve", version=version - 1).status_code == 409
    assert technique.get(f"/folders/{folder['id']}").json["place"] == "service_done"


def test_everything_that_is_missing_is_said_at_once(accounting: Software) -> None:
    folder = accounting.deposit("deliberation", ACT, {}).json
    fields = {one["field"] for one in folder["problems"]}
    assert {"number", "decision_date", "subject", "matter", "sitting_secretary"} <= fields
    refused = accounting.post(f"/folders/{folder['id']}/start", version=folder["version"])
    assert refused.status_code == 422
    assert len(refused.json["problems"]) == len(folder["problems"])


def test_the_same_key_makes_one_folder(accounting: Software) -> None:
    first, second = (accounting.deposit(**{"Idempotency-Key": "commande-17"}).json["id"] for _ in range(2))
    assert first == second


def test_a_folder_of_other_desks_is_refused_and_an_unknown_one_does_not_exist(
    house: House, technique: Software
) -> None:
    act = house.a_deliberation(at="direction")
    assert technique.get(f"/folders/{act}").status_code == 403
    assert technique.get("/folders/999999").status_code == 404


def test_without_a_token_with_a_cookie_or_with_a_closed_token_nobody_enters(
    house: House, accounting: Software
) -> None:
    assert house.app.test_client().get("/api/v1/me").status_code == 401
    assert house.client("g.trehorel").get("/api/v1/me").status_code == 401
    here = house.actor("a.kervadec").collectivity_id
    desks.close_application(here, "Logiciel comptabilite")
    closed = accounting.get("/me")
    assert closed.status_code == 401
    assert closed.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_software_never_signs(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    mayor = Software(house, "maire", [Right.ACT, Right.SIGN])
    version = house.folder(folder_id).version
    assert mayor.post(f"/folders/{folder_id}/approve", version=version).status_code in {403, 409}
    assert house.folder(folder_id).place == "bon_a_payer"


def test_the_description_is_public_and_names_every_verb(house: House) -> None:
    found = house.app.test_client().get("/api/v1/openapi.json")
    assert found.status_code == 200
    assert found.json["openapi"].startswith("3.1")
    assert {
        "/api/v1/folders",
        "/api/v1/folders/{folder_id}/approve",
        "/api/v1/folders/{folder_id}/reject",
    } <= set(found.json["paths"])
