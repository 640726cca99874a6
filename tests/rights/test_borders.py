"""The same rights beside the pages of a folder: for software, in lists, and for rows that belong to somebody else."""

import re

import pytest
import sqlalchemy as sa

from app.core.db import reading
from app.core.outbox import Outbox, retry
from app.folders.access import may_read
from app.folders.models import Folder
from app.people.models import LoginSession, User
from app.signing.models import Certificate
from tests.rights.looking import plain, snapshot, twin
from tests.rights.scene import ABSENT, ALONE, FOREIGN, LOGINS, TAKEN_BACK, Scene, routes
from tests.rights.table import A, B, G

TOKENLESS = (None, "closed", "not-a-token", "")


def test_every_route_of_the_api_has_a_guard(scene: Scene) -> None:
    walked = routes(scene.house, api=True)
    assert len(walked) >= 7
    for endpoint, _ in walked:
        assert getattr(scene.house.app.view_functions[endpoint], "__guard__", None) not in {None, "public"}, (
            endpoint
        )


def test_without_a_token_in_service_nothing_is_answered_and_a_cookie_is_no_token(scene: Scene) -> None:
    before = snapshot()
    for folder_id in (*scene.folders.values(), ABSENT):
        for endpoint, method in routes(scene.house, api=True):
            for bearer in TOKENLESS:
                answer = scene.call_api(bearer, endpoint, method, folder_id)
                assert answer.status_code == 401, (bearer, method, endpoint)
                assert "Bearer" in answer.headers["WWW-Authenticate"]
            browser = scene.clients["g.trehorel"]
            assert scene.call_api(None, endpoint, method, folder_id, client=browser).status_code == 401
    assert snapshot() == before


def test_an_application_of_another_commune_cannot_tell_a_folder_from_a_number_never_given(
    scene: Scene,
) -> None:
    before = snapshot()
    for folder_id in scene.folders.values():
        where = {"document_id": scene.house.versions(folder_id)[0].document_id}
        for endpoint, method in routes(scene.house, api=True):
            real, absent = (
                scene.call_api("foreign", endpoint, method, folder_id),
                scene.call_api("foreign", endpoint, method, ABSENT, **where),
            )
            assert real.status_code == absent.status_code == 404, (
                method,
                endpoint,
                real.status_code,
                real.get_data(as_text=True)[:400],
            )
            assert plain(real) == plain(absent), (method, endpoint)
            assert snapshot() == before, (method, endpoint)


def test_an_application_of_a_desk_not_reached_is_refused_alike(scene: Scene) -> None:
    before = snapshot()
    for folder_id in scene.folders.values():
        for endpoint, method in routes(scene.house, api=True):
            answer = scene.call_api("elsewhere", endpoint, method, folder_id)
            assert answer.status_code == 403, (method, endpoint, answer.status_code)
            assert snapshot() == before, (method, endpoint)


@pytest.mark.parametrize(
    "state", ["draft", "service_done", "finance", "bon_a_payer", "handover", "done", "rejected"]
)
def test_an_application_of_the_desk_reads_what_it_reached_and_decides_in_its_turn_only(
    scene: Scene, state: str
) -> None:
    reads = {"depositor"} | ({"reached"} if state != "draft" else set())
    for name in ("depositor", "reached"):
        for endpoint, method in routes(scene.house, api=True):
            folder_id = twin(scene.folders["invoice", state])
            verb, version = (
                scene.url(endpoint, folder_id).rpartition("/")[2],
                scene.house.folder(folder_id).version,
            )
            edits = (
                name == "depositor"
                and state in {"draft", "rejected"}
                and verb not in {"approve", "reject", "recall", "sign", "publish", "archive"}
            )
            decides = name == "reached" and state == "service_done" and verb in {"approve", "reject"}
            takes_back = (
                name == "depositor"
                and verb == "recall"
                and state in {"service_done", "finance", "bon_a_payer"}
            )
            answer, asked = scene.call_api(name, endpoint, method, folder_id), (name, method, endpoint)
            if name not in reads:
                assert answer.status_code == 403, asked
            elif method in {"GET", "HEAD"} or edits or decides or takes_back:
                assert answer.status_code < 300, (
                    *asked,
                    answer.status_code,
                    answer.get_data(as_text=True)[:300],
                )
            else:
                assert answer.status_code in {403, 404, 409}, (*asked, answer.status_code)
                assert scene.house.folder(folder_id).version == version, asked


def test_lists_name_only_folders_that_their_reader_may_open(scene: Scene) -> None:
    for login in LOGINS:
        client, shown = scene.clients[login], set()
        for page in (
            "/suivi",
            *(
                f"/a-traiter?bannette={tray}"
                for tray in ("todo", "late", "returned", "running", "done", "drafts")
            ),
        ):
            text = client.get(page).get_data(as_text=True)
            shown |= {int(one) for one in re.findall(r'href="/dossiers/(\d+)[/"]', text)}
        actor = scene.house.actor(login)
        with reading(actor.collectivity_id) as db:
            assert not {one for one in shown if not may_read(db, actor, db.get_one(Folder, one))}, login
        assert login in {ALONE, FOREIGN, TAKEN_BACK} or shown, login


def test_pages_without_a_number_say_nothing_of_another_commune(scene: Scene) -> None:
    rules = [
        rule
        for rule in scene.house.app.url_map.iter_rules()
        if not rule.arguments and "GET" in (rule.methods or set()) and not rule.rule.startswith("/api/")
    ]
    words = ("Kerlann", "Tréhorel", "Pellenec", "Subvention exceptionnelle", "2026-057")
    titles = [scene.house.folder(one).title for one in scene.folders.values()]
    for rule in rules:
        page = scene.clients[FOREIGN].get(rule.rule).get_data(as_text=True)
        assert not [one for one in (*words, *titles) if one in page], rule.rule
    for family in ("invoice", "deliberation"):
        page = scene.clients[FOREIGN].get(f"/circuits/{family}").get_data(as_text=True)
        assert "version 1" not in page, family  # Kerlann froze its own; this commune has none yet


def test_numbers_of_what_belongs_to_somebody_else_are_numbers_never_given(scene: Scene) -> None:
    with reading() as db:
        mayor = db.scalars(sa.select(User.id).where(User.login == A)).one()
        session = db.scalars(sa.select(LoginSession.id).where(LoginSession.user_id == mayor)).first()
        certificate = db.scalars(sa.select(Certificate.id).where(Certificate.user_id == mayor)).first()
        row = db.scalars(sa.select(Outbox.id).order_by(Outbox.id)).first()
    before = snapshot()
    for login, url in (
        (G, "/compte/sessions/{}/fermer"),
        (FOREIGN, "/compte/sessions/{}/fermer"),
        (B, "/compte/certificats/{}/retirer"),
        (FOREIGN, "/compte/certificats/{}/retirer"),
        (FOREIGN, "/administration/envois/{}/relancer"),
    ):
        number = session if "sessions" in url else certificate if "certificats" in url else row
        form = {"csrf_token": scene.tokens[login]}
        theirs, never = (scene.clients[login].post(url.format(one), data=form) for one in (number, ABSENT))
        assert theirs.status_code == never.status_code == 404, (login, url)
        assert plain(theirs) == plain(never)
    assert not retry(scene.house.actor(FOREIGN).collectivity_id, row)
    assert snapshot() == before
    assert scene.clients[A].get("/a-traiter").status_code == 200
    with reading() as db:
        assert db.get_one(Certificate, certificate).withdrawn_at is None


@pytest.mark.parametrize(
    ("role", "status"), [("anonymous", 302), (G, 403), (ALONE, 200), (FOREIGN, 200), ("closed", 302)]
)
def test_only_an_administrator_administers(scene: Scene, role: str, status: int) -> None:
    for page in ("/administration", "/circuits", "/circuits/invoice"):
        assert scene.clients[role].get(page).status_code == status
