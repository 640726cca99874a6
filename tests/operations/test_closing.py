"""A desk is closed once nothing is left behind: folders first, each other thing said with what solves it; its past stays read."""

import re
from typing import Any

import pytest
import sqlalchemy as sa

from app.circuits.library import as_yaml
from app.core import db
from app.core.refusals import Refusal
from app.folders import access
from app.folders.models import Folder
from app.journal.chain import verify
from app.operations.desks import closing
from app.people import applications, desks, hierarchy
from app.people.models import Desk, User
from tests.builders.circuits import publish
from tests.builders.house import House, token_in
from workflows.family import families
from workflows.rights import Rights
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

ADMIN = "k.morizur"


def number(house: House, key: str) -> int:
    with db.reading(house.actor(ADMIN).collectivity_id) as base:
        return base.scalars(sa.select(Desk.id).where(Desk.key == key)).one()


def effects(house: House, key: str) -> closing.Effects:
    here = house.actor(ADMIN).collectivity_id
    with db.reading(here) as base:
        return closing.effects_of(base, here, number(house, key))


def a_desk(house: House, name: str = "Cimetière", parent: str | None = None) -> int:
    above = number(house, parent) if parent else None
    return hierarchy.open_desk(house.actor(ADMIN), name, above)


def seat(house: House, desk_id: int, login: str, *rights: Right) -> None:
    who = house.actor(login).user_id
    assert who is not None
    hierarchy.seat_all(house.actor(ADMIN), desk_id, {who: Rights.of(*rights)}, {})


def page(client: Any, path: str) -> str:
    return " ".join(
        client.get(path).get_data(as_text=True).replace("\u00a0", " ").replace("\u202f", " ").split()
    )


def test_a_desk_that_nothing_names_is_closed_and_opened_again_as_it_was(house: House) -> None:
    desk_id = a_desk(house)
    seat(house, desk_id, "r.pellenec", Right.CREATE, Right.ACT)
    assert any(one.desk_id == desk_id for one in house.actor("r.pellenec").seats)
    client = house.client(ADMIN)
    here = f"/administration/bureaux/{desk_id}"
    asked = page(client, f"{here}/fermer")
    assert "Aucun dossier n’y attend" in asked
    assert "Motif" not in asked
    token = token_in(client.get(f"{here}/fermer").get_data(as_text=True))
    done = client.post(f"{here}/fermer", data={"csrf_token": token}, follow_redirects=True)
    assert "est fermé" in done.get_data(as_text=True)
    # Its holder has it still, and nothing to do there
    (place,) = [one for one in house.actor("r.pellenec").seats if one.desk_id == desk_id]
    assert (place.rights, place.past) == (Rights(), Rights.of(Right.CREATE, Right.ACT))
    assert desk_id not in house.actor("r.pellenec").desks_with(Right.CREATE)
    shown = page(client, here)
    assert "Fermé" in shown
    assert "par Katell Morizur" in shown
    assert 'name="added"' not in shown
    assert "Bureaux fermés" in page(client, "/administration/bureaux")
    assert "Bureau fermé" in page(client, "/administration/journal")
    second = client.post(f"{here}/fermer", data={"csrf_token": token})
    assert second.status_code == 409
    back = client.post(f"{here}/rouvrir", data={"csrf_token": token}, follow_redirects=True)
    assert "est rouvert" in back.get_data(as_text=True)
    assert desk_id in house.actor("r.pellenec").desks_with(Right.CREATE)
    assert client.post(f"{here}/rouvrir", data={"csrf_token": token}).status_code == 409
    with db.reading() as base:
        assert verify(base, house.actor(ADMIN).collectivity_id)[1] is None


def test_a_folder_that_waits_that_will_come_or_that_is_deposited_keeps_the_desk_open(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    assert effects(house, "finances").waiting == (folder_id,)
    assert folder_id in effects(house, "maire").coming
    assert folder_id not in effects(house, "maire").waiting
    with db.reading(house.actor(ADMIN).collectivity_id) as base:
        folder = base.get_one(Folder, folder_id)
        emitter = base.get_one(Desk, folder.emitter_desk_id).key
        passed = str(folder.fields["proof_of_service"])
    assert folder_id in effects(house, emitter).deposited
    assert folder_id not in effects(house, passed).coming  # it was there, and does not come back
    client = house.client(ADMIN)
    for key in ("finances", "maire", emitter):
        path = f"/administration/bureaux/{number(house, key)}/fermer"
        assert str(folder_id) in page(client, path)
        token = token_in(client.get(path).get_data(as_text=True))
        refused = client.post(path, data={"csrf_token": token, "reason": "Réorganisation des services"})
        assert (refused.status_code, "reste ouvert" in refused.get_data(as_text=True)) == (409, True)
        with pytest.raises(Refusal, match="desk-folders"):
            closing.close(house.actor(ADMIN), number(house, key), "Réorganisation des services")


def test_what_is_no_folder_is_said_with_what_solves_it_and_a_reason_is_asked(house: House) -> None:
    desk_id = number(house, "finances")
    a_desk(house, "Achats", "finances")
    applications.create_application(
        house.actor(ADMIN).collectivity_id, "Logiciel de paye", "finances", [Right.CREATE]
    )
    client = house.client(ADMIN)
    path = f"/administration/bureaux/{desk_id}/fermer"
    asked = page(client, path)
    for told in (
        "« Factures », étape « Contrôle des finances »",
        "publiez un circuit qui ne le nomme plus",
        "Le bureau « Achats » en dépend",
        "L’application « Logiciel de paye » y travaille",
        "Motif de fermer quand même",
    ):
        assert told in asked
    token = token_in(client.get(path).get_data(as_text=True))
    for reason in ("", "   ", "non", "x" * 301, "a\u202eb long motif"):
        refused = client.post(path, data={"csrf_token": token, "reason": reason})
        assert refused.status_code == 422
        assert "n’est pas fermé" in refused.get_data(as_text=True)
    why = "Réunies au secrétariat <le 1er>"
    assert client.post(path, data={"csrf_token": token, "reason": why}).status_code == 302
    shown = client.get(f"/administration/bureaux/{desk_id}").get_data(as_text=True)
    assert "Réunies au secrétariat &lt;le 1er&gt;" in shown
    assert "le demande encore" in page(client, f"/administration/bureaux/{desk_id}")
    assert "encore demandé" in page(client, "/administration/bureaux")
    assert "il est fermé" in page(client, "/administration/mise-en-service")
    assert "Réunies au secrétariat" in page(client, "/administration/journal?acte=desk.closed")


def test_nobody_is_seated_asked_or_let_in_at_a_closed_desk(house: House) -> None:
    desk_id = number(house, "finances")
    closing.close(house.actor(ADMIN), desk_id, "Réunies au secrétariat")
    admin, here = house.actor(ADMIN), house.actor(ADMIN).collectivity_id
    with pytest.raises(Refusal, match="desk-closed"):
        seat(house, desk_id, "n.abgrallec", Right.ACT)
    with pytest.raises(Refusal, match="desk-closed"):
        hierarchy.open_desk(admin, "Achats", desk_id)
    with pytest.raises(Refusal, match="desk-closed"):
        hierarchy.change_desk(admin, desk_id, "Finances", None)
    with pytest.raises(Refusal, match="desk-closed"):
        applications.create_application(here, "Logiciel", "finances", [Right.CREATE])
    with pytest.raises(Refusal, match="desk-closed"):
        desks.seat(here, "finances", "n.abgrallec", [Right.ACT])
    with pytest.raises(Refusal, match="circuit-unready"):
        publish(admin, "other", as_yaml(_named(families()["other"].circuit.to_data(), "finances")))
    # A folder whose circuit asks it does not leave, rather than wait there
    with pytest.raises(Refusal, match="nobody-there"):
        house.an_invoice(at="finance")
    client = house.client("g.trehorel")
    assert "Direction des finances" not in client.get("/deposer").get_data(as_text=True)
    # Who held it is not told to be there, neither above his list nor on a page that is closed to him
    holder = house.client("n.abgrallec")
    assert "Direction des finances" not in page(holder, "/a-traiter")
    assert "Vous êtes connecté comme Nolwenn Abgrallec (aucun bureau)." in page(holder, "/dossiers/999999")


def _named(definition: Any, key: str) -> Any:
    for step in definition["steps"]:
        if "who" in step:
            step["who"] = [{"desk": key}]
    return definition


def test_its_past_is_read_by_who_held_it_restricted_folders_too(house: House) -> None:
    folder_id = house.an_invoice(at="done")
    flow = house.a_pay_flow()
    with db.reading(house.actor(ADMIN).collectivity_id) as base:
        logins = list(base.scalars(sa.select(User.login).order_by(User.id)))
    holders = {
        key: [login for login in logins if any(one.key == key for one in house.actor(login).seats)]
        for key in ("finances", "paye")
    }
    assert all(holders.values())

    def read() -> dict[tuple[str, int], bool]:
        with db.reading(house.actor(ADMIN).collectivity_id) as base:
            return {
                (login, one): access.may_read(base, house.actor(login), base.get_one(Folder, one))
                for logins in holders.values()
                for login in logins
                for one in (folder_id, flow)
            }

    with db.engine().begin() as connection:  # the flow comes to its end
        connection.execute(
            sa.update(Folder.__table__)
            .where(Folder.id == flow)
            .values(phase="done", place="done", done_at=sa.func.now())
        )
    before = read()
    assert all(before[login, folder_id] for login in holders["finances"])
    assert all(before[login, flow] for login in holders["paye"])
    for key in holders:
        closing.close(house.actor(ADMIN), number(house, key), "Réunies au secrétariat")
    assert read() == before
    for login in holders["finances"]:
        assert number(house, "finances") not in house.actor(login).desks_with(Right.ACT)


def test_a_software_at_a_closed_desk_reads_and_deposits_nothing(house: House) -> None:
    here = house.actor(ADMIN).collectivity_id
    token = applications.create_application(here, "Logiciel", "finances", [Right.CREATE, Right.ACT])
    client = house.app.test_client()
    me = client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert me.status_code == 200
    assert "create" in me.get_data(as_text=True)
    closing.close(house.actor(ADMIN), number(house, "finances"), "Réunies au secrétariat")
    after = client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert not re.search(r'"rights":\s*\[[^]]*"create"', after.get_data(as_text=True))


def test_a_desk_of_another_collectivity_is_not_closed_from_here(house: House) -> None:
    other = desks.create_collectivity(
        "219909997", "Autre-Ville", department="029", district="1", nature="31", settings={}
    )
    theirs = desks.create_desk(other, "finances", "Finances d’ailleurs")
    client = house.client(ADMIN)
    path = f"/administration/bureaux/{theirs}"
    assert client.get(f"{path}/fermer").status_code == 404
    for end in ("fermer", "rouvrir"):
        assert client.post(f"{path}/{end}", data={"csrf_token": house.csrf(client)}).status_code == 404
    with db.reading(other) as base:
        assert base.get_one(Desk, theirs).closed_at is None
