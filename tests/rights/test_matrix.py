"""Every route, every role, every state, two communes: what the table does not grant is refused, alike, and changes nothing.

The routes are read from the application, so a new one is in the matrix the day it is written; the table (table.py) is
short on purpose: it says who reads a folder where it stands, and who may do what there. Everything else must be refused.
"""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from app.core.db import reading
from tests.rights.looking import plain, snapshot, twin
from tests.rights.scene import ABSENT, FOREIGN, LOGINS, OUTSIDE, Scene, routes
from tests.rights.table import (
    CELLS,
    CREATORS,
    DRAFT,
    READ,
    SHOWN,
    TABLE,
    A,
    B,
    G,
    K,
    R,
    asked_of,
    forms,
    granted,
)


def refused(scene: Scene, family: str, state: str, login: str) -> Iterator[tuple[str, str]]:
    """Every route that the table does not give."""
    given = granted(family, state, login)
    return (one for one in routes(scene.house, api=False) if one not in given)


def test_the_scene_is_the_table_and_the_table_names_only_routes_that_exist(scene: Scene) -> None:
    assert set(scene.folders) == set(TABLE)
    existing = set(routes(scene.house, api=False))
    assert {one for _, verbs in TABLE.values() for _, what in verbs for one in what} <= existing
    for (family, state), folder_id in scene.folders.items():
        place = "signatures" if state == "half_signed" else state
        assert (scene.house.folder(folder_id).family, scene.house.folder(folder_id).place) == (family, place)


@CELLS
def test_people_of_the_commune_are_refused_what_is_not_granted(scene: Scene, family: str, state: str) -> None:
    folder_id = scene.folders[family, state]
    readers = TABLE[family, state][0]
    before = snapshot()
    for login in asked_of(family, state):
        for endpoint, method in refused(scene, family, state, login):
            for json in forms(family, state):
                answer, asked = (
                    scene.call(login, endpoint, method, folder_id, json=json),
                    (login, method, endpoint),
                )
                if login not in readers:
                    assert answer.status_code == 403, asked
                elif (endpoint, method) in DRAFT and login in CREATORS:
                    assert answer.location == f"/dossiers/{folder_id}", (
                        asked
                    )  # who reads without correcting is shown the folder
                else:
                    assert answer.status_code in {403, 409}, (*asked, answer.status_code)
                if answer.status_code >= 400 and method != "HEAD":
                    spoken = json or (
                        method == "POST" and endpoint.startswith("signing.")
                    )  # the page's own script reads JSON
                    assert answer.mimetype == ("application/problem+json" if spoken else "text/html"), asked
        assert snapshot() == before, login


@CELLS
def test_another_commune_cannot_tell_a_folder_from_a_number_never_given(
    scene: Scene, family: str, state: str
) -> None:
    folder_id = scene.folders[family, state]
    where = {"document_id": scene.house.versions(folder_id)[0].document_id}
    before = snapshot()
    for endpoint, method in routes(scene.house, api=False):
        for json in forms(family, state):
            real = scene.call(FOREIGN, endpoint, method, folder_id, json=json)
            absent = scene.call(FOREIGN, endpoint, method, ABSENT, json=json, **where)
            asked = (method, endpoint)
            assert real.status_code == absent.status_code == 404, (
                *asked,
                real.status_code,
                absent.status_code,
            )
            assert plain(real) == plain(absent), asked
            differing = {"Date", "Content-Length", "Set-Cookie"}
            assert {k: v for k, v in real.headers.items() if k not in differing} == {
                k: v for k, v in absent.headers.items() if k not in differing
            }
    assert snapshot() == before


@CELLS
def test_whoever_is_not_logged_in_is_led_to_the_door(scene: Scene, family: str, state: str) -> None:
    folder_id = scene.folders[family, state]
    before = snapshot()
    for role in OUTSIDE:
        for endpoint, method in routes(scene.house, api=False):
            asked = (role, method, endpoint)
            assert scene.call(role, endpoint, method, folder_id, json=True).status_code == 401, asked
            if (family, state) not in SHOWN:
                continue
            page = scene.call(role, endpoint, method, folder_id)
            if endpoint in {"signing.prepare", "signing.complete"} and method == "POST":
                assert page.status_code == 401, asked  # the page's own script reads JSON
            else:
                assert page.status_code == 302, asked
                assert page.location.startswith("/login"), asked
        assert snapshot() == before, role


@CELLS
def test_what_is_granted_is_possible(scene: Scene, family: str, state: str) -> None:
    readers, verbs = TABLE[family, state]
    for login in readers:
        for endpoint, method in sorted(READ):
            assert scene.call(login, endpoint, method, scene.folders[family, state]).status_code == 200, (
                login,
                endpoint,
            )
    for who, what in verbs:
        for login in who:
            for endpoint, method in sorted(what - {("signing.complete", "POST")}):
                folder_id = twin(scene.folders[family, state])
                answer, version = (
                    scene.call(login, endpoint, method, folder_id),
                    scene.house.folder(folder_id).version,
                )
                asked = (login, method, endpoint, answer.status_code)
                if method in {"GET", "HEAD"} or endpoint == "signing.prepare":
                    assert answer.status_code == 200, asked
                elif endpoint == "folders.remove_document":
                    assert answer.status_code == 422, asked  # the main document is replaced, never removed
                elif endpoint == "folders.accept_repair":
                    assert answer.status_code == 409, asked  # this one needs no repair
                else:
                    assert answer.status_code == 302, asked
                    assert version > scene.house.folder(scene.folders[family, state]).version, asked


def test_a_wrong_method_is_refused_before_anything_is_said_of_the_folder(scene: Scene) -> None:
    folder_id, before = scene.folders["invoice", "finance"], snapshot()
    allowed: dict[str, set[str]] = {}
    for endpoint, method in routes(scene.house, api=False):
        allowed.setdefault(scene.url(endpoint, folder_id), set()).add(method)
    for role in (G, R, B, FOREIGN, "anonymous"):
        scene.clients[role].get("/suivi")  # what was to be said of earlier acts is said
        for url, methods in allowed.items():
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - methods:
                answers = [
                    scene.clients[role].open(one, method=method, headers={"X-CSRFToken": scene.tokens[role]})
                    for one in (url, url.replace(f"/dossiers/{folder_id}", f"/dossiers/{ABSENT}"))
                ]
                assert {one.status_code for one in answers} == {405}, (role, method, url)
                assert plain(answers[0]) == plain(answers[1])
    assert snapshot() == before


def test_the_same_form_without_its_token_is_refused_to_everybody(scene: Scene) -> None:
    before = snapshot()
    for (family, state), folder_id in scene.folders.items():
        for login in LOGINS:
            for endpoint, method in granted(family, state, login):
                if method == "POST":
                    answer = scene.clients[login].post(scene.url(endpoint, folder_id), data={"version": "1"})
                    assert answer.status_code == 400, (login, endpoint)
                    assert "trop longtemps" in answer.get_data(as_text=True)
    assert snapshot() == before


def test_a_document_is_reached_only_through_its_own_folder_and_by_its_own_versions(scene: Scene) -> None:
    mine, other = scene.folders["deliberation", "done"], scene.folders["deliberation", "direction"]
    documents = {role: scene.house.versions(mine, role) for role in ("main", "receipt")}
    strange = scene.house.versions(scene.folders["invoice", "draft"])[0].document_id
    before = snapshot()
    for versions in documents.values():
        for version in versions:
            answer = scene.call(
                K, "folders.document", "GET", mine, document_id=version.document_id, number=version.number
            )
            assert answer.get_data() == scene.house.bytes_of(version)
            assert answer.headers["Content-Length"] == str(version.size)
            head = scene.call(
                K, "folders.document", "HEAD", mine, document_id=version.document_id, number=version.number
            )
            assert (head.status_code, head.get_data()) == (200, b"")
            through_another = scene.call(
                K, "folders.document", "GET", other, document_id=version.document_id, number=version.number
            )
            assert through_another.status_code == 404
        for number in (0, len(versions) + 1, 2**31 - 1, 2**31, 10**30):
            url = f"/dossiers/{mine}/documents/{versions[0].document_id}/{number}"
            assert scene.clients[K].get(url).status_code == 404, number
    for endpoint in (
        "folders.document",
        "folders.remove_document",
        "folders.replace_document",
        "folders.accept_repair",
    ):
        method = "GET" if endpoint == "folders.document" else "POST"
        answer = scene.call(G, endpoint, method, scene.folders["invoice", "rejected"], document_id=strange)
        assert answer.status_code == 404, endpoint
        never = scene.call(G, endpoint, method, scene.folders["invoice", "rejected"], document_id=ABSENT)
        assert plain(never) == plain(answer)
    assert snapshot() == before


@pytest.mark.parametrize(
    "number", ["0", "987654", "2147483647", "2147483648", "9" * 18, "9" * 40, "-1", "1.0", "²", "%00", "x"]
)
def test_a_number_that_no_folder_can_have_is_a_page_that_does_not_exist(scene: Scene, number: str) -> None:
    for login in (G, K, FOREIGN):
        for address in (
            f"/dossiers/{number}",
            f"/dossiers/{number}/rejeter",
            f"/dossiers/{number}/documents/1/1",
        ):
            answer = scene.clients[login].get(address)
            assert answer.status_code == 404, address
            assert "n’existe pas" in answer.get_data(as_text=True)


def test_a_signature_prepared_on_one_folder_never_serves_another(scene: Scene) -> None:
    mine, other = (
        twin(scene.folders["deliberation", "signatures"]),
        twin(scene.folders["invoice", "bon_a_payer"]),
    )
    session = scene.call(A, "signing.prepare", "POST", mine).get_json()["session"]
    stranger = scene.folders["invoice", "draft"]
    before = snapshot()
    for folder_id, expected in ((other, 409), (stranger, 403), (ABSENT, 404)):
        url = scene.url("signing.complete", folder_id)
        body = {"session": session, "signatures": [{"signature": "AAAA"}]}
        answer = scene.clients[A].post(url, json=body, headers={"X-CSRFToken": scene.tokens[A]})
        assert answer.status_code == expected
    assert (
        scene.clients[B]
        .get(scene.url("signing.complete", mine), query_string={"session": session})
        .get_json()["state"]
        == "nothing"
    )
    assert snapshot() == before
    with reading() as db:
        states = (
            db.execute(sa.text("SELECT state FROM signature_session WHERE id = :id"), {"id": session})
            .scalars()
            .all()
        )
    assert states == ["prepared"]
