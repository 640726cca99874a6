"""Another software deposits, follows and decides by the API, with the rights of its desk and no more."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from app.core.db import reading
from app.folders import decide, deposit
from app.folders.models import Folder
from app.people.models import Desk
from tests.api.software import FACTS, Software
from tests.builders import circuits
from tests.builders.house import ACT, INVOICE, House
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn


@pytest.fixture
def accounting(house: House) -> Software:
    return Software(house, "comptabilite", [Right.CREATE, Right.ACT])


@pytest.fixture
def technique(house: House) -> Software:
    return Software(house, "technique", [Right.ACT])


def test_an_invoice_goes_by_the_api_from_deposit_to_the_signature_and_its_receipt_is_read(
    house: House, accounting: Software, technique: Software
) -> None:
    made = accounting.deposit()
    assert made.status_code == 201, made.json
    folder = made.json
    assert made.headers["Location"] == folder["href"] == f"/api/v1/folders/{folder['id']}"
    assert folder["problems"] == []
    assert folder["facts"]["number"] == "FA-2026-0001"
    assert {"number", "seller", "total_ttc"} <= set(folder["read"])
    assert folder["actions"] == ["change", "start"]
    started = accounting.post(f"/folders/{folder['id']}/start", version=folder["version"]).json
    assert (started["phase"], started["place"], started["state"]) == ("running", "service_done", "À viser")
    waiting = technique.get("/folders?tray=todo").json
    assert [one["id"] for one in waiting["folders"]] == [folder["id"]]
    seen = technique.post(
        f"/folders/{folder['id']}/approve", version=started["version"], comment="Livré."
    ).json
    assert seen["place"] == "finance"
    assert seen["steps"][0]["parts"][0]["who"] == technique.name
    assert seen["steps"][0]["parts"][0]["comment"] == "Livré."
    house.approve(folder["id"], "n.abgrallec")
    mayor = Software(house, "maire", [Right.ACT, Right.SIGN])
    refused = mayor.post(f"/folders/{folder['id']}/approve", version=house.folder(folder["id"]).version)
    assert (refused.status_code, refused.json["key"]) == (403, "software-never-signs")
    house.sign(folder["id"], "a.kervadec")
    house.drain()
    done = accounting.get(folder["href"]).json
    assert done["phase"] == "done"
    assert [one["state"] for one in done["steps"]] == ["done"] * 4
    assert done["signatures"][0]["name"] == "Armel Kervadec"
    (sent,) = done["transmissions"]
    assert (sent["channel"], sent["state"]) == ("handover", "acknowledged")
    main = next(one for one in done["documents"] if one["role"] == "main")
    for version in main["versions"]:
        data = accounting.get(version["href"]).data
        assert hashlib.sha256(data).hexdigest() == version["sha256"]
    assert accounting.get(main["versions"][-1]["href"]).data == INVOICE.read_bytes()


def test_the_identifier_of_the_receipt_is_read_on_the_folder(house: House) -> None:
    folder_id = house.a_deliberation(at="publication")
    seen = Software(house, "secretariat", [Right.CREATE]).get(f"/folders/{folder_id}").json
    assert seen["transmissions"][0]["identifier"].startswith("029-")
    assert "receipt" in {one["role"] for one in seen["documents"]}
    assert seen["enforceable_on"] is None


def test_the_families_say_every_field_and_the_values_that_it_takes(accounting: Software) -> None:
    found = {one["name"]: one for one in accounting.get("/families").json["families"]}
    asked = {one["key"]: one for one in found["deliberation"]["fields"]}
    assert asked["subject"]["required_from"] == "submit"
    assert {"value": "1", "label": "Délibérations"} in asked["nature"]["choices"]
    assert any("Cadiou" in one["label"] for one in asked["sitting_secretary"]["choices"])
    assert [one["key"] for one in found["invoice"]["steps"]][:2] == ["service_done", "finance"]


def test_a_draft_is_completed_and_what_is_null_is_taken_back(accounting: Software) -> None:
    folder = accounting.deposit("deliberation", ACT, {}).json
    assert {"number", "decision_date", "subject", "matter", "sitting_secretary"} <= {
        one["field"] for one in folder["problems"]
    }
    path = f"/folders/{folder['id']}"
    changed = accounting.patch(
        path, version=folder["version"], title="Subvention", facts={"number": "2026-057", "votes_for": 19}
    ).json
    assert (changed["title"], changed["facts"]["votes_for"]) == ("Subvention", 19)
    again = accounting.patch(path, version=changed["version"], facts={"votes_for": None}).json
    assert "votes_for" not in again["facts"]
    assert again["facts"]["number"] == "2026_057"
    refused = accounting.post(f"{path}/start", version=again["version"])
    assert (refused.status_code, refused.json["key"]) == (422, "to-fix")
    assert len(refused.json["problems"]) == len(again["problems"])


def test_attachments_come_with_the_deposit_or_later(accounting: Software) -> None:
    folder = accounting.deposit("invoice", INVOICE, FACTS, ACT).json
    assert [one["role"] for one in folder["documents"]].count("attachment") == 1
    with ACT.open("rb") as file:
        data = {"attachments": (file, "annexe.pdf")}
        more = accounting.client.post(
            f"{folder['href']}/documents",
            headers=accounting.headers,
            data=data,
            content_type="multipart/form-data",
        )
    assert more.status_code == 201
    assert [one["role"] for one in more.json["documents"]].count("attachment") == 2
    other = INVOICE.parent / "fx-en16931-fr-avec-piece-jointe.pdf"
    refused = accounting.deposit("invoice", INVOICE, FACTS, other)
    assert (refused.status_code, refused.json["key"]) == (422, "annex-is-subject")
    assert accounting.deposit("invoice", INVOICE, FACTS, other, annexes_said="true").status_code == 201


def told_of_the_untyped(house: House, accounting: Software, deposit) -> None:
    """An act is not started while the type of an annex was not chosen: which one is said."""
    folder = deposit("", "21_RP").json
    clerk = {"sitting_secretary": str(house.actor("b.cadiou").user_id), "number": "2026-099"}
    facts = {**clerk, "decision_date": "2026-09-24", "subject": "Quai du port"}
    path = f"/folders/{folder['id']}"
    folder = accounting.patch(path, version=folder["version"], facts=facts).json
    assert folder["problems"] == []
    said = accounting.post(f"{path}/start", version=folder["version"]).json["problems"]
    assert [(one["key"], one["field"]) for one in said] == [
        ("channel-A10", f"attachment:{folder['documents'][1]['id']}")
    ]
    assert "Le type de l’annexe « " in said[0]["sentence"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_each_file_of_an_act_has_its_type_and_one_that_its_nature_does_not_allow_is_refused(
    house: House, accounting: Software
) -> None:
    facts = {"nature": "1", "matter": "7.5.2"}

    def refused(answer, field: str, words: str) -> None:
        assert (answer.status_code, answer.json["key"]) == (422, "fields-invalid")
        (one,) = answer.json["problems"]
        assert one["field"] == field
        assert words in one["sentence"]

    def types(folder: dict) -> list[str | None]:
        return [one["type"] for one in folder["documents"]]

    def deposit(*types: str, main: str = "", key: str | None = None):
        more = {"main_type": main, "attachment_types": list(types)}
        return accounting.deposit("deliberation", ACT, facts, ACT, ACT, key=key, **more)

    refused(deposit(main="11_AE"), "main_type", "« 11_AE » n’est pas permis")
    refused(deposit("21_RP", "ZZ_ZZ"), "attachment_types.1", "Types permis : 99_DE, 99_SE, 42_AC")
    refused(deposit("21_RP"), "attachment_types", "2 annexes et 1 type.")
    refused(accounting.deposit(main_type="99_DE"), "main_type", "n’ont pas de type")
    assert accounting.get("/folders?tray=drafts").json["folders"] == []

    folder = deposit("21_RP", "", key="acte-57").json
    assert types(folder) == ["99_DE", "21_RP", None]  # an annex has no type but the one that is chosen
    assert len(folder["types"]) == 18
    assert {"value": "21_RP", "label": "Rapport de présentation (21_RP)"} in folder["types"]
    assert house.folder(folder["id"]).fields["classification_date"] == "2019-04-18"  # kept without any change
    assert deposit("21_RP", "", key="acte-57").json["id"] == folder["id"]
    assert deposit("21_RP", "70_DE", key="acte-57").json["key"] == "key-reused"

    main, _, annex = (str(one["id"]) for one in folder["documents"])
    path = f"/folders/{folder['id']}"
    wrong = accounting.patch(path, version=folder["version"], types={annex: "11_AE"})
    refused(wrong, f"types.{annex}", "« 11_AE » n’est pas permis")
    refused(
        accounting.patch(path, version=folder["version"], types={"99": "99_DE"}),
        "types.99",
        "pas dans ce dossier",
    )
    changed = accounting.patch(
        path, version=folder["version"], facts={"nature": "6"}, types={main: "99_AU", annex: "99_SE"}
    ).json
    assert types(changed) == ["99_AU", "21_RP", "99_SE"]
    with ACT.open("rb") as file:
        data = {"attachments": (file, "annexe.pdf"), "attachment_types": "21_RP"}
        form = {"headers": accounting.headers, "content_type": "multipart/form-data"}
        refused(
            accounting.client.post(f"/api/v1{path}/documents", data=data, **form),
            "attachment_types.0",
            "99_AU",
        )
    assert types(accounting.get(path).json) == ["99_AU", "21_RP", "99_SE"]
    told_of_the_untyped(house, accounting, deposit)
    assert accounting.deposit().json["types"] is None


def test_a_rejection_by_api_needs_its_reason_and_goes_back_to_the_depositor(
    accounting: Software, technique: Software
) -> None:
    folder = accounting.started()
    path = f"/folders/{folder['id']}/reject"
    assert technique.post(path, version=folder["version"]).json["problems"][0]["field"] == "reason"
    assert technique.post(path, version=folder["version"], reason="  ").json["key"] == "reason-needed"
    done = technique.post(path, version=folder["version"], reason="Non livré.")
    assert done.json["phase"] == "rejected"
    assert [one["id"] for one in accounting.get("/folders?tray=returned").json["folders"]] == [folder["id"]]
    assert accounting.get(f"/folders/{folder['id']}").json["steps"][0]["parts"][0]["comment"] == "Non livré."


def test_each_tray_keeps_to_the_family_asked_and_goes_on_from_its_key(
    house: House, accounting: Software
) -> None:
    clerk = house.actor("g.trehorel")
    desk = clerk.seats[0].desk_id
    numbers = [deposit.create(clerk, "invoice", desk, [], {}) for _ in range(52)]
    deposit.create(clerk, "deliberation", desk, [], {})
    first = accounting.get("/folders?tray=drafts&family=invoice").json
    rest = accounting.get(f"/folders?tray=drafts&family=invoice&after={first['next']}").json
    assert [one["id"] for one in first["folders"] + rest["folders"]] == numbers[::-1]
    assert rest["next"] is None
    for tray in ("todo", "late", "returned", "running", "done"):
        assert accounting.get(f"/folders?tray={tray}&after=2026-01-01_x_9").status_code == 422
    assert accounting.get("/folders?family=unknown").json["key"] == "family-unknown"


def test_the_journal_of_a_folder_is_read_with_what_binds_its_lines(
    accounting: Software, technique: Software
) -> None:
    folder = accounting.started()
    lines = accounting.get(f"/folders/{folder['id']}/journal").json["entries"]
    assert [one["event"] for one in lines] == ["folder.created", "folder.submit"]
    assert lines[0]["who"] == accounting.name
    assert lines[1]["previous"] == lines[0]["hash"]
    after = technique.get(f"/folders/{folder['id']}/journal?after={lines[0]['seq']}").json["entries"]
    assert [one["event"] for one in after] == ["folder.submit"]


def test_the_same_key_makes_one_folder_and_never_serves_for_another(
    accounting: Software, house: House
) -> None:
    first, second = (accounting.deposit(key="commande-17") for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json["id"] == second.json["id"]
    other = accounting.deposit(facts={**FACTS, "order_ref": "BC-2"}, key="commande-17")
    assert (other.status_code, other.json["key"]) == (422, "key-reused")
    neighbour = Software(house, "finances", [Right.CREATE])
    assert neighbour.deposit(key="commande-17").json["id"] != first.json["id"]


@pytest.mark.both_databases
def test_two_deposits_at_once_with_the_same_key_make_one_folder(accounting: Software) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: accounting.deposit(key="commande-18"), range(4)))
    assert {one.status_code for one in answers} == {201}
    assert len({one.json["id"] for one in answers}) == 1
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(Folder)) == 1


OTHERWISE = """
key: other
label: Autrement
steps:
  - { key: premiere, label: Première signature, kind: sign, who: { desk: maire } }
  - { key: seconde, label: Seconde signature, kind: sign, who: { desk: conseil } }
"""


def test_a_folder_that_came_back_is_told_by_the_circuit_that_it_followed_as_its_page_is(house: House) -> None:
    folder_id = house.a_document(b"<plan/>", "plan.xml")
    decide.reject(
        house.actor("a.kervadec"), folder_id, version=house.folder(folder_id).version, reason="Plan ancien"
    )
    with reading() as db:
        desk = db.get_one(Desk, house.folder(folder_id).emitter_desk_id).key
    reader = Software(house, desk, [Right.CREATE])
    told = reader.get(f"/folders/{folder_id}").json["steps"]
    assert [(one["key"], one["state"]) for one in told] == [("direction", "done"), ("signature", "rejected")]
    circuits.publish(house.actor("k.morizur"), "other", OTHERWISE)
    assert reader.get(f"/folders/{folder_id}").json["steps"] == told
    slip = house.client("a.kervadec").get(f"/dossiers/{folder_id}/bordereau").get_data(as_text=True)
    assert "Rejeté par Armel Kervadec" in slip
    assert "Première signature" not in slip


def test_a_software_with_that_right_at_the_desk_that_deposited_changes_the_coming_steps(
    house: House, accounting: Software, technique: Software
) -> None:
    chief = Software(house, "comptabilite", [Right.CREATE, Right.ACT, Right.REROUTE])
    folder = accounting.started()
    path, asked = (
        f"/folders/{folder['id']}/steps",
        {"version": folder["version"], "reason": "Tonnage à vérifier."},
    )
    advice = {"kind": "add", "after": "service_done", "desk": "direction", "label": "Avis", "days": 2}
    assert "reroute" in chief.get(f"/folders/{folder['id']}").json["actions"]
    assert "reroute" not in folder["actions"]
    refused = accounting.post(path, **asked, changes=[advice])
    assert (refused.status_code, refused.json["key"]) == (403, "right-missing")
    elsewhere = Software(house, "technique", [Right.ACT, Right.REROUTE])
    refused = elsewhere.post(path, **asked, changes=[advice])
    assert (refused.status_code, refused.json["key"]) == (403, "coming-forbidden")
    locked = chief.post(path, **asked, changes=[{"kind": "remove", "step": "bon_a_payer"}])
    assert (locked.status_code, locked.json["key"]) == (422, "coming-locked")
    seen = chief.post(path, **asked, changes=[advice]).json
    assert [one["label"] for one in seen["steps"]][:3] == ["Service fait", "Avis", "Contrôle des finances"]
    (change,) = seen["step_changes"]
    assert (change["who"], change["reason"]) == (chief.name, "Tonnage à vérifier.")
    assert change["changes"] == [
        "L’étape « Avis » est ajoutée (avis), après « Service fait ».",
        "« Avis » : un délai de 2 jours ouvrés.",
    ]
    late = chief.post(path, **asked, changes=[advice])
    assert (late.status_code, late.json["key"]) == (409, "moved-on")
    assert technique.post(f"/folders/{folder['id']}/approve", version=seen["version"]).status_code == 200
    assert house.folder(folder["id"]).place == seen["steps"][1]["key"]
