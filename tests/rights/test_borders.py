"""The same rights beside the pages of a folder: for software, in lists, and for rows that belong to somebody else."""

import re
from dataclasses import replace

import pytest
import sqlalchemy as sa

from app.core.db import reading
from app.core.outbox import Outbox, retry
from app.display import queues
from app.folders.access import may_read, readable_by, reading_as_text
from app.folders.models import Folder
from app.people.models import LoginSession, User
from app.signing.models import Certificate
from tests.rights.looking import headers, plain, twin
from tests.rights.scene import (
    ABSENT,
    ALONE,
    CLOSED,
    FOREIGN,
    FOREIGNERS,
    LOGINS,
    PASSER_BY,
    TAKEN_BACK,
    Scene,
    routes,
)
from tests.rights.table import ROUTES, TABLE, A, B, G, R

pytestmark = pytest.mark.in_turn

TOKENLESS = (None, "closed", "not-a-token", "")


def test_every_route_of_the_api_has_a_guard(scene: Scene) -> None:
    walked = routes(scene.house, api=True)
    assert len(walked) >= 7
    for endpoint, _ in walked:
        assert getattr(scene.house.app.view_functions[endpoint], "__guard__", None) not in {None, "public"}, (
            endpoint
        )


def test_without_a_token_in_service_nothing_is_answered_and_a_cookie_is_no_token(scene: Scene) -> None:
    before = scene.kept()
    for folder_id in (*scene.folders.values(), ABSENT):
        for endpoint, method in routes(scene.house, api=True):
            for bearer in TOKENLESS:
                answer = scene.call_api(bearer, endpoint, method, folder_id)
                assert answer.status_code == 401, (bearer, method, endpoint)
                assert "Bearer" in answer.headers["WWW-Authenticate"]
            browser = scene.clients["g.trehorel"]
            assert scene.call_api(None, endpoint, method, folder_id, client=browser).status_code == 401
    assert scene.kept() == before


def test_an_application_of_another_commune_cannot_tell_a_folder_from_a_number_never_given(
    scene: Scene,
) -> None:
    before = scene.kept()
    for folder_id in scene.folders.values():
        where = {"document_id": scene.house.versions(folder_id)[0].document_id}
        for bearer in ("foreign", "foreign_reader"):
            for endpoint, method in routes(scene.house, api=True):
                real, absent = (
                    scene.call_api(bearer, endpoint, method, folder_id),
                    scene.call_api(bearer, endpoint, method, ABSENT, **where),
                )
                closed = bearer == "foreign_reader" and ROUTES[endpoint] != "person"
                asked = (bearer, method, endpoint, real.status_code, absent.status_code)
                assert real.status_code == absent.status_code == (403 if closed else 404), asked
                assert plain(real) == plain(absent), asked
                assert headers(real) == headers(absent), asked
        assert scene.kept() == before, folder_id


def test_an_application_of_a_desk_not_reached_is_refused_alike(scene: Scene) -> None:
    before = scene.kept()
    for folder_id in scene.folders.values():
        for endpoint, method in routes(scene.house, api=True):
            answer = scene.call_api("elsewhere", endpoint, method, folder_id)
            assert answer.status_code == 404, (method, endpoint, answer.status_code)
        assert scene.kept() == before, folder_id


def test_an_application_without_rights_reads_what_its_desk_reads_and_changes_nothing(scene: Scene) -> None:
    before = scene.kept()
    for (family, _), folder_id in scene.folders.items():
        for endpoint, method in routes(scene.house, api=True):
            answer = scene.call_api("reader", endpoint, method, folder_id)
            reads = family == "invoice" and method in {"GET", "HEAD"}
            reads &= endpoint != "purchasing_api.order"  # none of these is an order
            asked = (family, method, endpoint, answer.status_code)
            assert answer.status_code in ({200} if reads else {403, 404, 409}), asked
            if reads and endpoint == "folders_api.read" and method == "GET":
                assert answer.get_json()["actions"] == []
        assert scene.kept() == before, folder_id


@pytest.mark.parametrize("state", [one for family, one in TABLE if family == "invoice"])
def test_an_application_of_the_desk_reads_what_it_reached_and_decides_in_its_turn_only(
    scene: Scene, state: str
) -> None:
    reads = {"depositor"} | ({"reached"} if state not in {"draft", "withdrawn"} else set())
    # No mandate is a software's own: at the mayor's desk it reads what came there, and neither signs nor rejects it
    reads |= {"mayor"} if state in {"bon_a_payer", "handover", "done"} else set()
    for name in ("depositor", "reached", "mayor"):
        for endpoint, method in routes(scene.house, api=True):
            folder_id = twin(scene.folders["invoice", state])
            verb, version = (
                scene.url(endpoint, folder_id).rpartition("/")[2],
                scene.house.folder(folder_id).version,
            )
            edits = (
                name == "depositor"
                and state in {"draft", "rejected", "recalled"}
                and verb
                not in {"approve", "reject", "fill", "recall", "sign", "publish", "archive", "steps"}
                | {
                    "opinions",
                    "answer",
                    "withdraw",
                    "notes",
                    "settle",
                    "hand",
                    "continuations",
                    "take-back",
                    "reopen",
                    "mandate",
                }
            )
            decides = (
                name == "reached"
                and state == "service_done"
                and verb in {"approve", "reject", "opinions", "hand"}
            )
            takes_back = (
                name == "depositor"
                and verb == "recall"
                and state in {"service_done", "finance", "bon_a_payer"}
            )
            notes = verb in {"notes", "continuations"}
            # An invoice is no order: who reads it is told so (tests/purchasing/test_api.py)
            of_orders = endpoint.startswith("purchasing_api.")
            running = state in {"service_done", "finance", "bon_a_payer", "handover"}
            reroutes = name == "depositor" and verb == "steps" and running
            mandates = name == "depositor" and verb == "mandate" and state in {"handover", "done"}
            answer, asked = scene.call_api(name, endpoint, method, folder_id), (name, method, endpoint)
            if name not in reads:
                assert answer.status_code == 404, asked
            elif not of_orders and (
                method in {"GET", "HEAD"} or edits or decides or takes_back or reroutes or notes or mandates
            ):
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
            shown |= shown_in(text)
        actor = scene.house.actor(login)
        with reading(actor.collectivity_id) as db:
            assert not {one for one in shown if not may_read(db, actor, db.get_one(Folder, one))}, login
        assert login in {ALONE, FOREIGN, TAKEN_BACK} or shown, login


@pytest.mark.both_databases
def test_what_is_read_is_the_same_asked_of_one_folder_or_of_many(scene: Scene) -> None:
    """By the steps of each folder, or by what has reached each desk and person."""
    some = 0
    for login in LOGINS:
        person = scene.house.actor(login)
        for actor in (person, replace(person, user_id=None, covers=())):
            with reading(actor.collectivity_id) as db:
                alone = set(db.scalars(sa.select(Folder.id).where(readable_by(actor))))
                many = sa.text(f"SELECT f.id FROM folder f WHERE {reading_as_text(actor).readable}")
                assert set(db.execute(many).scalars()) == alone, login
            some += len(alone)
    assert some


def shown_in(page: str) -> set[int]:
    """The folders that a page leads to."""
    return {int(one) for one in re.findall(r'href="/dossiers/(\d+)[/"]', page)}


def test_a_search_finds_by_its_very_words_only_what_its_reader_may_open(scene: Scene) -> None:
    """By number, by title, by type and by state: neither a row nor a count tells of another folder."""
    readable = {
        login: {folder_id for cell, folder_id in scene.folders.items() if login in TABLE[cell][0]}
        for login in (*LOGINS, PASSER_BY)
    }
    every = set(scene.folders.values())
    asked = [{"q": scene.house.folder(one).number} for one in every]
    asked += [{"q": scene.house.folder(one).title} for one in every]
    asked += [{"famille": "invoice"}, {"famille": "deliberation"}, {"q": "%"}, {"q": "_"}, {}]
    asked += [{"etat": one} for one in ("draft", "running", "rejected", "done")]
    found: dict[str, set[int]] = {login: set() for login in readable}
    below = str(
        max(every) + 1
    )  # the page that begins with the scene's own folders, whatever was copied since
    for question in {tuple(sorted(one.items())) for one in asked}:
        for login, mine in readable.items():
            asking = {**dict(question), "apres": below}
            shown = shown_in(scene.clients[login].get("/suivi", query_string=asking).get_data(as_text=True))
            found[login] |= shown
            assert not (shown & every) - mine, (login, question)
            assert mine or not shown, (login, question)
    for login, mine in readable.items():
        assert found[login] & every == mine, login


def test_a_closed_page_says_as_whom_one_is_logged_in_and_who_gives_rights_here(scene: Scene) -> None:
    """Of a folder of other desks as of a number never given; somebody who is not logged in is told nobody's name."""
    closed = next(one for cell, one in scene.folders.items() if R not in TABLE[cell][0])
    for number in (closed, ABSENT):
        page = scene.clients[R].get(f"/dossiers/{number}").get_data(as_text=True).replace("\u00a0", " ")
        assert "Vous êtes connecté comme Ronan Pellenec (Services techniques)." in page
        (administrators,) = re.findall(r"Les bureaux et les droits sont donnés par ([^<]+)\.", page)
        assert "Katell Morizur" in administrators
        # Who gives them is not sent to herself: she is told what she can do, of either number alike
        own = scene.clients[ALONE].get(f"/dossiers/{number}").get_data(as_text=True)
        own = own.replace("\u00a0", " ").replace("\u202f", " ")
        assert "Administrer n’ouvre aucun dossier : si celui-ci existe, prenez place à un bureau" in own
        assert "sont donnés par" not in own
        stranger = scene.clients[FOREIGN].get(f"/dossiers/{number}").get_data(as_text=True)
        assert "Katell Morizur" not in stranger
    assert "connecté comme" not in scene.house.client().get("/rien").get_data(as_text=True)


def test_whoever_reads_nothing_is_counted_nothing(scene: Scene) -> None:
    for login in (ALONE, TAKEN_BACK, *FOREIGNERS):
        actor = scene.house.actor(login)
        with reading(actor.collectivity_id) as db:
            assert queues.counters(db, actor) == queues.Counters(0, 0, 0, 0, 0), login


def test_lists_of_the_api_name_only_what_the_token_s_desk_may_read(scene: Scene) -> None:
    client = scene.house.app.test_client()
    may = {
        "depositor": G,
        "reader": G,
        "reached": R,
        "elsewhere": None,
        "foreign": None,
        "foreign_reader": None,
    }
    for bearer, like in may.items():
        headed = {"Authorization": f"Bearer {scene.bearers[bearer]}"}
        mine = {one for cell, one in scene.folders.items() if like in TABLE[cell][0]}
        seen: set[int] = set()
        for tray in (*queues.TRAYS, "drafts"):
            answer = client.get("/api/v1/folders", query_string={"tray": tray}, headers=headed)
            assert answer.status_code == 200, (bearer, tray)
            seen |= {one["id"] for one in answer.get_json()["folders"]}
        strange = seen & set(scene.folders.values()) - mine
        assert not strange, (bearer, strange)
        assert bool(seen) is (like is not None), bearer
        if bearer.startswith("foreign"):
            for page in ("/api/v1/me", "/api/v1/families"):
                text = client.get(page, headers=headed).get_data(as_text=True)
                assert not [one for one in ("Kerlann", "Tréhorel", "Cadiou") if one in text], page
    assert (
        client.post(
            "/api/v1/folders", headers={"Authorization": f"Bearer {scene.bearers['reader']}"}
        ).status_code
        == 403
    )


def test_every_letter_went_to_somebody_who_may_read_the_folder_it_names(scene: Scene) -> None:
    with reading() as db:
        rows = db.scalars(sa.select(Outbox).where(Outbox.kind == "mail", Outbox.folder_id.is_not(None))).all()
        people = {one.id: (one.login, one.email) for one in db.scalars(sa.select(User))}
        assert len(rows) > 10
        for row in rows:
            login, email = people[row.payload["user_id"]]
            if login in {TAKEN_BACK, CLOSED} or "absent" in row.payload:
                continue  # they could read it when the letter left; who stands in, as long as it waited there
            assert may_read(db, scene.house.actor(login), db.get_one(Folder, row.folder_id)), (login, row.key)
            assert row.recipient in {None, email}
            # `tells`: numbers of rows to the same person, which it tells too
        assert set(row.payload) <= {"event", "user_id", "folder_id", "by", "turn", "tells"}, row.key


def test_pages_without_a_number_say_nothing_of_another_commune(scene: Scene) -> None:
    rules = [
        rule
        for rule in scene.house.app.url_map.iter_rules()
        if not rule.arguments and "GET" in (rule.methods or set()) and not rule.rule.startswith("/api/")
    ]
    words = ("Kerlann", "Tréhorel", "Pellenec", "Subvention exceptionnelle", "2026-057")
    titles = [scene.house.folder(one).title for one in scene.folders.values()]
    for rule in rules:
        page = scene.clients[FOREIGN].get(rule.rule).get_data().decode(errors="replace")  # one is a PDF
        # He has an account in Kerlann too, and reads its name where he chooses for whom he works, and nothing else of it
        own = rule.endpoint in {"people.account", "people.which"}
        assert [one for one in (*words, *titles) if one in page] == (["Kerlann"] if own else []), rule.rule
    for family in ("invoice", "deliberation"):
        page = scene.clients[FOREIGN].get(f"/circuits/{family}").get_data(as_text=True)
        assert "version 1" not in page, family  # Kerlann froze its own; this commune has none yet


def test_numbers_of_what_belongs_to_somebody_else_are_numbers_never_given(scene: Scene) -> None:
    with reading() as db:
        mayor = db.scalars(sa.select(User.id).where(User.login == A)).one()
        session = db.scalars(sa.select(LoginSession.id).where(LoginSession.user_id == mayor)).first()
        certificate = db.scalars(sa.select(Certificate.id).where(Certificate.user_id == mayor)).first()
        row = db.scalars(sa.select(Outbox.id).order_by(Outbox.id)).first()
    before = scene.kept()
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
    assert scene.kept() == before
    assert scene.clients[A].get("/a-traiter").status_code == 200
    with reading() as db:
        assert db.get_one(Certificate, certificate).withdrawn_at is None


@pytest.mark.parametrize(
    ("role", "status"), [("anonymous", 302), (G, 403), (ALONE, 200), (FOREIGN, 200), ("closed", 302)]
)
def test_only_an_administrator_administers(scene: Scene, role: str, status: int) -> None:
    for page in ("/administration", "/circuits", "/circuits/invoice"):
        assert scene.clients[role].get(page).status_code == status
