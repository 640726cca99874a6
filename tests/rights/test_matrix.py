"""Every route, every role, every state, two collectivities: what is not granted is refused, in the same way, and changes nothing.

The routes are read from the application itself, so a new one is in the matrix the day it is written.
"""

import pytest
import sqlalchemy as sa

from app.core.db import Base, reading
from app.people import desks
from tests.builders.house import House, token_in
from workflows.rights import Right

PUBLIC = {
    "people.login",
    "people.forgot",
    "people.reset",
    "operations.live",
    "operations.ready",
    "static",
    "api-docs.openapi_json",
}
OUTSIDE = "m.leroux"
UNREAD = {
    "reading",
    "login_session",
}  # opening a page for the first time is noted, and a session says it was seen


@pytest.fixture
def town(house: House) -> House:
    """A second commune, sealed from the first."""
    other = desks.create_collectivity(
        "219909997", "Autre-Ville", department="029", district="1", nature="31", settings={}
    )
    desks.create_desk(other, "finances", "Finances d’ailleurs")
    desks.create_user(
        other,
        OUTSIDE,
        email="m.leroux@autre-ville.example",
        first_name="Maël",
        last_name="Leroux",
        capacity="Agent",
        password="kerlann-demo-2026",
        administrator=True,
    )
    desks.seat(other, "finances", OUTSIDE, [Right.CREATE, Right.ACT, Right.SIGN, Right.ARCHIVE])
    return house


def snapshot(collectivity: int) -> dict[str, int]:
    del collectivity
    with reading() as db:
        return {
            table.name: db.scalar(sa.select(sa.func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
            if table.name not in UNREAD
        }


def folder_routes(house: House) -> list[tuple[str, str]]:
    """(method, address with {folder} and {document}) for every route that names a folder, pages only."""
    found = []
    for rule in house.app.url_map.iter_rules():
        if "folder_id" not in rule.arguments or rule.rule.startswith("/api/"):
            continue
        address = (
            rule.rule.replace("<int:folder_id>", "{folder}")
            .replace("<int:document_id>", "{document}")
            .replace("<int:number>", "1")
        )
        found += [(method, address) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})]
    return sorted(found)


def call(house: House, client, method: str, address: str, folder: int, document: int) -> int:
    path = address.format(folder=folder, document=document)
    if method == "GET":
        return client.get(path).status_code
    token = token_in(
        client.get("/login" if not hasattr(client, "known") else "/compte").get_data(as_text=True)
    )
    json = "/signature/" in path
    data = {"csrf_token": token, "version": "1", "reason": "x", "published_on": "2026-11-01"}
    if json:
        return client.post(
            path, json={"version": 1, "certificate": "AA==", "chain": []}, headers={"X-CSRFToken": token}
        ).status_code
    return client.post(path, data=data).status_code


def client_of(house: House, login: str):
    client = house.client(login)
    client.known = True
    return client


def test_every_route_has_exactly_one_guard_and_the_public_ones_are_named(house: House) -> None:
    for endpoint, view in house.app.view_functions.items():
        who = getattr(view, "__guard__", None)
        if endpoint == "static":
            continue
        assert who is not None, endpoint
        assert (who == "public") == (endpoint in PUBLIC), endpoint


def test_nobody_enters_without_a_session(house: House) -> None:
    folder = house.an_invoice(at="finance")
    client = house.app.test_client()
    before = snapshot(0)
    for method, address in folder_routes(house):
        status = call(house, client, method, address, folder, 1)
        assert status in {302, 401, 405}, (method, address, status)
    assert snapshot(0) == before


@pytest.mark.parametrize("state", ["draft", "service_done", "finance", "bon_a_payer", "done"])
def test_another_commune_sees_and_does_nothing_whatever_the_state(town: House, state: str) -> None:
    folder = town.an_invoice(at=state)
    client = client_of(town, OUTSIDE)
    document = town.versions(folder)[0].document_id
    before, version = snapshot(0), town.folder(folder).version
    for method, address in folder_routes(town):
        real = call(town, client, method, address, folder, document)
        absent = call(town, client, method, address, 987654, document)
        assert real == absent, (method, address, real, absent)
        assert real in {400, 404, 405, 422}, (method, address, real)
        assert real != 422 or "documents" in address, (method, address)
    assert snapshot(0) == before
    assert town.folder(folder).version == version


@pytest.mark.parametrize("state", ["draft", "service_done", "finance", "bon_a_payer", "done"])
@pytest.mark.parametrize("login", ["k.morizur", "b.cadiou"])
def test_desks_that_the_folder_has_not_reached_are_refused_alike(
    house: House, state: str, login: str
) -> None:
    folder = house.an_invoice(at=state)
    client = client_of(house, login)
    document = house.versions(folder)[0].document_id
    before, version = snapshot(0), house.folder(folder).version
    for method, address in folder_routes(house):
        status = call(house, client, method, address, folder, document)
        assert status in {400, 403, 405, 422}, (method, address, status)
        assert method != "GET" or status == 403 or "terminer" in address or status == 405, (
            method,
            address,
            status,
        )
    assert snapshot(0) == before
    assert house.folder(folder).version == version


@pytest.mark.parametrize(
    ("state", "login", "allowed"),
    [
        ("finance", "g.trehorel", set()),
        ("finance", "r.pellenec", set()),
        ("finance", "n.abgrallec", {"viser", "rejeter"}),
        ("finance", "t.lescoat", {"viser", "rejeter"}),
        ("bon_a_payer", "n.abgrallec", set()),
        ("bon_a_payer", "a.kervadec", {"rejeter"}),
        ("done", "a.kervadec", set()),
        ("done", "n.abgrallec", set()),
    ],
)
def test_readers_decide_only_when_it_is_their_turn(
    house: House, state: str, login: str, allowed: set[str]
) -> None:
    folder = house.an_invoice(at=state)
    client = client_of(house, login)
    assert client.get(f"/dossiers/{folder}").status_code == 200
    for verb in ("viser", "rejeter", "publier", "archiver"):
        if verb in allowed:
            continue
        place, token = house.folder(folder).place, house.csrf(client)
        form = {
            "csrf_token": token,
            "version": str(house.folder(folder).version),
            "reason": "Non",
            "published_on": "2026-11-01",
        }
        assert client.post(f"/dossiers/{folder}/{verb}", data=form).status_code in {403, 409}, verb
        assert house.folder(folder).place == place
    for verb in sorted(allowed):
        version = house.folder(folder).version
        if verb == "rejeter":
            form = {"csrf_token": house.csrf(client), "version": str(version), "reason": "Pièce manquante"}
            assert client.post(f"/dossiers/{folder}/rejeter", data=form).status_code == 302
            break


def test_bytes_follow_the_folder_and_never_another_folders_document(house: House) -> None:
    mine, theirs = house.an_invoice(at="service_done"), house.a_deliberation(at="direction")
    client = client_of(house, "r.pellenec")
    foreign = house.versions(theirs)[0]
    own = house.versions(mine)[0]
    assert client.get(f"/dossiers/{mine}/documents/{own.document_id}/1").status_code == 200
    assert client.get(f"/dossiers/{mine}/documents/{own.document_id}/99").status_code == 404
    assert client.get(f"/dossiers/{mine}/documents/{foreign.document_id}/1").status_code == 404
    assert client.get(f"/dossiers/{theirs}/documents/{foreign.document_id}/1").status_code == 403


def test_a_revoked_session_and_a_closed_account_stop_at_once(house: House) -> None:
    folder = house.an_invoice(at="finance")
    client = client_of(house, "n.abgrallec")
    assert client.get(f"/dossiers/{folder}").status_code == 200
    desks.close_account(house.actor("n.abgrallec").collectivity_id, "n.abgrallec")
    assert client.get(f"/dossiers/{folder}").status_code == 302


def test_an_administrator_without_a_desk_reads_no_folder(house: House) -> None:
    here = house.actor("a.kervadec").collectivity_id
    desks.create_user(
        here,
        "admin.seul",
        email="admin@kerlann-sur-mer.example",
        first_name="Yann",
        last_name="Kerbrat",
        capacity="Administrateur",
        password="kerlann-demo-2026",
        administrator=True,
    )
    folder = house.an_invoice(at="finance")
    client = client_of(house, "admin.seul")
    assert client.get(f"/dossiers/{folder}").status_code == 403
    assert client.get("/administration").status_code == 200
    assert house.folder(folder).title not in client.get("/administration").get_data(as_text=True)
    assert house.folder(folder).title not in client.get("/suivi").get_data(as_text=True)
