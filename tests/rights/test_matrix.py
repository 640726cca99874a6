"""Every route, every role, every state, two communes: what the table does not grant is refused, alike, and changes nothing.

The routes are read from the application, so a new one is in the matrix the day it is written; the table (table.py) is
short on purpose: it says who reads a folder where it stands, and who may do what there. Everything else must be refused.
"""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from werkzeug.routing import Rule

from app.core.db import reading
from tests.rights.looking import Answer, plain, twin
from tests.rights.scene import (
    ABSENT,
    ALONE,
    FOREIGN,
    FOREIGNERS,
    LOGINS,
    OUTSIDE,
    PASSER_BY,
    TAKEN_BACK,
    Scene,
    routes,
)
from tests.rights.table import (
    ADMINISTRATORS,
    CELLS,
    CONTINUE,
    CREATORS,
    DOORS,
    DRAFT,
    MARKS,
    READ,
    REFUSALS,
    ROUTES,
    SHOWN,
    TABLE,
    TAKEN,
    A,
    B,
    G,
    K,
    N,
    R,
    asked_of,
    forms,
    granted,
)

pytestmark = pytest.mark.in_turn

PLACES = {"half_signed": "signatures"}


def refused(scene: Scene, family: str, state: str, login: str) -> Iterator[tuple[str, str]]:
    """Every route that the table does not give."""
    given = granted(family, state, login)
    return (one for one in asked_for(scene, family, state) if one not in given)


def asked_for(scene: Scene, family: str, state: str) -> list[tuple[str, str]]:
    """The routes of a cell: all of them where it is shown; elsewhere without HEAD, which is GET without its body."""
    every = routes(scene.house, api=False)
    return every if (family, state) in SHOWN else [one for one in every if one[1] != "HEAD"]


def guards(scene: Scene, *more: Rule) -> dict[str, str | None]:
    """Every route of the application by name, and the guard that stands above it."""
    views = scene.house.app.view_functions
    names = {rule.endpoint for rule in (*scene.house.app.url_map.iter_rules(), *more)}
    return {one: getattr(views.get(one), "__guard__", None) for one in names} | {"static": "public"}


def strangers_to_the_table(found: dict[str, str | None]) -> list[str]:
    """The routes that the table does not know as they are, and the entries that are the route of nothing."""
    return sorted({one for one, _ in found.items() ^ ROUTES.items()})


def test_every_route_is_in_the_table_and_a_new_one_is_told_by_its_name(scene: Scene) -> None:
    assert strangers_to_the_table(guards(scene)) == []
    new = Rule("/dossiers/<int:folder_id>/copie", endpoint="folders.copy")
    assert strangers_to_the_table(guards(scene, new)) == ["folders.copy"]
    granted_somewhere = {one for _, verbs in TABLE.values() for _, what in verbs for one, _ in what}
    granted_somewhere |= {one for one, _ in READ | TAKEN | CONTINUE | MARKS | {("folders.add_note", "POST")}}
    # No circuit of the two families has an archiving step: nobody may archive anything. And a report is there only once
    # the signatures were judged (tests/verification/test_pages.py). No trust service is set here: who signs there, and who
    # does not, is in tests/remote/. Nor does either family carry what a payment flow does (tests/pes/test_attachment.py).
    never = {one for one, _ in routes(scene.house, api=False)} - granted_somewhere
    remote = {f"signing.remote.{one}" for one in ("prepare", "authorise", "complete")}
    carried = {"pes.attachment", "pes.attachment_bytes"}
    # And no convention is suspended: nothing leaves on paper (tests/legality/test_paper.py); no operator stamps copies
    # here (tests/legality/test_operator_copy.py).
    # And nothing is doubted in these folders: there is nothing to rule on (tests/folders/test_corrections.py).
    # None came by Chorus Pro: nothing is said of it there (tests/chorus/test_fetching.py).
    # Nor is an account: there is none to verify (tests/invoices/test_accounts.py), and no duplicate (test_history.py).
    # None was asked an opinion: there is none to give or to take back (tests/folders/test_asking.py).
    # None is an order: there is none to deliver (tests/purchasing/).
    # The collectivity lets no folder be taken along (tests/folders/test_carried.py).
    # None has a note: there is none to settle or to take away (tests/folders/test_notes.py).
    # Who administers reads no other deposit than his own here: none is his to pass (tests/folders/test_relieving.py).
    # Nobody has just done anything: there is nothing to take back (tests/folders/test_undoing.py).
    # No step requires a field: there is nothing to fill in (tests/circuits/test_required.py).
    # None is questioned: there is nothing to keep online (tests/legality/test_effect.py).
    # Nothing left of most of them: who is given what was prepared is in tests/transmission/test_lightening.py.
    # Nothing is public here: no copy on paper of what is (tests/legality/test_reports.py).
    # No appeal was made against these acts: none comes to anything (tests/legality/test_effect.py).
    # An act leaves the public page after two months, or for a reason of law (tests/publication/test_withdrawn.py).
    # Somebody deposited these folders: none came by itself (tests/arrivals/test_mail.py).
    assert never == {
        "arrivals.apart",
        "arrivals.brought",
        "arrivals.brought_file",
        "folders.archive",
        "folders.carry",
        "folders.fill",
        "folders.give_opinion",
        "folders.withdraw_opinion",
        "folders.rule",
        "folders.pass_step",
        "chorus.show",
        "chorus.piece",
        "transmission.parcel",
        "chorus.reject",
        "chorus.mandate",
        "invoices.account",
        "invoices.same",
        "invoices.account_call",
        "invoices.account_decision",
        "purchasing.order",
        "purchasing.delivery",
        "purchasing.send",
        "purchasing.draw",
        "folders.settle_note",
        "folders.remove_note",
        "folders.take_note_back",
        "folders.reopen_note",
        "folders.take_back",
        "signing.documents.report",
        "signing.documents.attest",
        "signing.documents.before_after",
        "signing.documents.apart",
        "publication.withdraw",
        "publication.keep",
        "publication.paper_copy",
        "legality.appeal_over",
        "legality.appeal_corrected",
        "legality.paper",
        "legality.operator_copy",
        "legality.operator_slip",
        *remote,
        *carried,
    }


def test_the_scene_is_the_table_and_the_table_names_only_routes_that_exist(scene: Scene) -> None:
    assert set(scene.folders) == set(TABLE)
    existing = set(routes(scene.house, api=False))
    assert {one for _, verbs in TABLE.values() for _, what in verbs for one in what} <= existing
    for (family, state), folder_id in scene.folders.items():
        place = PLACES.get(state, state)
        assert (scene.house.folder(folder_id).family, scene.house.folder(folder_id).place) == (family, place)


@REFUSALS
def test_people_of_the_commune_are_refused_what_is_not_granted(scene: Scene, family: str, state: str) -> None:
    folder_id = scene.folders[family, state]
    readers = TABLE[family, state][0]
    where = {"document_id": scene.house.versions(folder_id)[0].document_id}
    before = scene.kept()
    for login in asked_of(family, state):
        scene.clients[login].get("/compte")  # what his last verb left to be told is told
        for endpoint, method in refused(scene, family, state, login):
            for json in forms(family, state):
                answer, asked = (
                    scene.call(login, endpoint, method, folder_id, json=json),
                    (login, method, endpoint),
                )
                if login not in readers:
                    assert answer.status_code in {403, 404}, asked
                    if (family, state) in SHOWN:
                        # He cannot tell a folder of other desks from a number never given (decision 0008)
                        absent = scene.absent(login, endpoint, method, json=json, **where)
                        assert Answer.of(answer) == absent, asked
                elif (endpoint, method) in DRAFT and login in CREATORS:
                    assert answer.location == f"/dossiers/{folder_id}", (
                        asked
                    )  # who reads without correcting is shown the folder
                else:
                    assert answer.status_code in {403, 409}, (*asked, answer.status_code)
                if answer.status_code >= 400 and method != "HEAD":
                    spoken = json or (
                        method == "POST" and endpoint in {"signing.prepare", "signing.complete"}
                    )  # the page's own script reads JSON
                    assert answer.mimetype == ("application/problem+json" if spoken else "text/html"), asked
        assert scene.kept() == before, login


@REFUSALS
def test_another_commune_cannot_tell_a_folder_from_a_number_never_given(
    scene: Scene, family: str, state: str
) -> None:
    folder_id = scene.folders[family, state]
    where = {"document_id": scene.house.versions(folder_id)[0].document_id}
    before = scene.kept()
    for login in FOREIGNERS:
        for endpoint, method in asked_for(scene, family, state):
            for json in forms(family, state):
                real = Answer.of(scene.call(login, endpoint, method, folder_id, json=json))
                absent = scene.absent(login, endpoint, method, json=json, **where)
                asked = (login, method, endpoint, real.status, absent.status)
                # Whoever lacks the right is told so before the number is read.
                closed = login == PASSER_BY and ROUTES[endpoint] != "person"
                assert real.status == (403 if closed else 404), asked
                assert real == absent, asked
        assert scene.kept() == before, login


@DOORS
def test_whoever_is_not_logged_in_is_led_to_the_door(scene: Scene, family: str, state: str) -> None:
    folder_id = scene.folders[family, state]
    before = scene.kept()
    for role in OUTSIDE:
        for endpoint, method in routes(scene.house, api=False):
            asked = (role, method, endpoint)
            answer = scene.call(role, endpoint, method, folder_id, json=True)
            assert answer.status_code == 401, asked
            assert Answer.of(answer) == scene.absent(role, endpoint, method, json=True), asked
            page = scene.call(role, endpoint, method, folder_id)
            if endpoint in {"signing.prepare", "signing.complete"} and method == "POST":
                assert page.status_code == 401, asked  # the page's own script reads JSON
            else:
                assert page.status_code == 302, asked
                assert page.location.startswith("/login"), asked
        assert scene.kept() == before, role


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
                folder_id = scene.folders[family, state]
                # A twin has no transmission: what the Préfecture knows is asked of the folder itself
                folder_id = folder_id if endpoint.startswith("legality.") else twin(folder_id)
                answer, version = (
                    scene.call(login, endpoint, method, folder_id),
                    scene.house.folder(folder_id).version,
                )
                asked = (login, method, endpoint, answer.status_code)
                if method in {"GET", "HEAD"} or endpoint == "signing.prepare":
                    assert answer.status_code == 200, asked
                elif endpoint == "folders.remove_document":
                    assert answer.status_code == 422, asked  # the main document is replaced, never removed
                elif endpoint in {"legality.cancel", "legality.appeal"}:
                    # One prepares another folder; the other is asked of the act itself, which has no twin
                    assert answer.status_code == 302, asked
                elif endpoint == "folders.accept_repair":
                    assert answer.status_code == 409, asked  # this one needs no repair
                else:
                    assert answer.status_code == 302, asked
                    assert version > scene.house.folder(scene.folders[family, state]).version, asked


@pytest.mark.parametrize(("family", "state"), sorted(SHOWN), ids=lambda one: one)
def test_who_reads_a_folder_takes_it_away_and_writes_beside_it(scene: Scene, family: str, state: str) -> None:
    folder_id = twin(scene.folders[family, state])
    for login in TABLE[family, state][0]:
        assert scene.call(login, "folders.add_note", "POST", folder_id).status_code == 302, login
        for endpoint, method in sorted(TAKEN):
            assert scene.call(login, endpoint, method, folder_id).status_code == 200, (login, endpoint)


def test_a_page_that_is_out_of_date_tells_a_stranger_nothing(scene: Scene) -> None:
    """Neither « it has moved » nor « not your turn » nor « a reason is needed » may describe a folder to him."""
    # What he is told of a number never given is asked once for both folders
    never: dict[tuple[str, ...], str] = {}
    for family, state in SHOWN:
        folder_id, readers = scene.folders[family, state], TABLE[family, state][0]
        title, before = scene.house.folder(folder_id).title, scene.kept()
        for login in (*sorted({*LOGINS} - readers), *FOREIGNERS):
            scene.clients[login].get("/compte")  # what his last verb left to be told is told
            for endpoint, method in routes(scene.house, api=False):
                if method != "POST" or endpoint.startswith("signing."):
                    continue
                early = {"version": "1", "means": "online", "published_on": "2020-01-01"}
                for form in (
                    {"version": "1"},
                    {"version": "99"},
                    *([early] if endpoint.startswith("publication.") or "publish" in endpoint else []),
                ):
                    # One as a page, which a person sees; the others as JSON, the same refusals faster.
                    spoken = {} if form == {"version": "1"} else {"Accept": "application/json"}
                    sent = {"X-CSRFToken": scene.tokens[login], **spoken}
                    same, there = (login, endpoint, *form.values()), scene.url(endpoint, folder_id)
                    answer = scene.clients[login].post(there, data=form, headers=sent)
                    if same not in never:
                        nowhere = scene.url(endpoint, ABSENT)
                        never[same] = plain(scene.clients[login].post(nowhere, data=form, headers=sent))
                    asked = (login, endpoint, form, answer.status_code)
                    assert answer.status_code in {403, 404, 422}, asked
                    assert title not in answer.get_data(as_text=True), asked
                    assert plain(answer) == never[same], asked
        assert scene.kept() == before


def test_routes_that_name_no_folder_open_to_whoever_the_table_says(scene: Scene) -> None:
    """The lists, the account, the deposit, the administration: by role, each method of each route."""
    holds = {
        G: {"create"},
        ALONE: {"administer", "branch"},
        TAKEN_BACK: set(),
        K: {"create", "administer", "branch"},
        B: {"sign"},
        FOREIGN: {"create", "administer", "branch", "sign"},
        PASSER_BY: set(),
    }
    assert {one for one, rights in holds.items() if "administer" in rights} == ADMINISTRATORS
    values = {
        "family": "invoice",
        "kind": "invoice",
        "row_id": ABSENT,
        "session_id": ABSENT,
        "certificate_id": ABSENT,
        "batch_id": ABSENT,
        "mandate_id": ABSENT,
        "application_id": ABSENT,
        "letter_id": ABSENT,
        "return_id": ABSENT,
        "invoice_id": ABSENT,
        "status_id": ABSENT,
        "arrival_id": ABSENT,
        "mailbox_id": ABSENT,
        "scanner_id": ABSENT,
        "supplier_id": ABSENT,
        "file_id": ABSENT,
        "factor_id": ABSENT,
        "reset_id": ABSENT,
        "user_id": ABSENT,
        "desk_id": ABSENT,
        "type_id": ABSENT,
        "absence_id": ABSENT,
        "view_id": ABSENT,
        "carried_id": ABSENT,
        "rank": 0,
        "name": "shown_name",
        "mark": "0" * 16,
        "what": "personnes",
        "key": "bureaux",
        "form": "csv",
        "chart": "mois",
    }
    answers = {
        "folders.home": 302,
        "folders.list_file": 404,  # a search that finds nothing for anybody
        "folders.list_table": 404,
        "invoices.suppliers.show": 404,
        "folders.new_view": 422,  # of no list
        "people.office.mandate": 404,
        "people.office.letter": 404,
        "people.office.rotate": 404,
        "people.office.close": 404,
        "people.factors.begun_totp": 302,  # nothing was begun, nothing was drawn: led back to the list
        "people.factors.codes": 302,
        "people.factors.remove": 404,
        "notices.agenda.change": 302,  # there is no address: led back to its page
        "notices.agenda.take_away": 302,
        "operations.absences.choices": 404,  # of no list of that page
        "operations.absences.show": 404,
        "operations.leaving.end": 404,
        "operations.leaving.show": 404,
        "operations.persons.show": 404,
        "operations.persons.reduce": 404,
        "operations.desks.show": 404,
        "operations.desks.close": 404,
        "operations.desks.by_type": 404,
        "operations.desks.move": 404,
        "operations.desks.history": 404,
        "operations.starting.index": 409,  # there are desks already
        "operations.types.show": 404,
        "operations.types.publish": 404,
        "signing.office.certificate": 404,
        "legality.letter": 404,
        "operations.settings.logo": 404,  # there is none
        "legality.file": 404,
        "pes.treasury_return": 404,
        "pes.return_bytes": 404,
        "arrivals.file": 404,
    }  # else 200
    before = scene.kept()
    for rule in scene.house.app.url_map.iter_rules():
        who = ROUTES[rule.endpoint]
        if who == "public" or "folder_id" in rule.arguments or rule.rule.startswith("/api/"):
            continue
        built = rule.build({name: values[name] for name in rule.arguments})
        assert built is not None
        address = built[1] + ("?q=introuvable" if rule.endpoint.startswith("folders.list_") else "")
        for method in (rule.methods or set()) - {"OPTIONS"}:
            # HEAD is GET without its body: it is asked by who may and by who may not, not by each
            for role in (K, TAKEN_BACK, "anonymous") if method == "HEAD" else (*OUTSIDE, *holds):
                given = role in holds and (who == "person" or who in holds[role])
                if given and method == "POST":
                    continue  # what each of them may change has its own tests
                answer = scene.clients[role].open(
                    address, method=method, headers={"X-CSRFToken": scene.tokens[role]}
                )
                asked = (role, method, rule.endpoint, answer.status_code)
                if role in OUTSIDE:
                    assert (answer.status_code, answer.location.partition("?")[0]) == (302, "/login"), asked
                elif given:
                    # A batch is one person's (tests/batches); no trust service is set here, and its pages say so to
                    # whoever may open them (tests/remote/ sets one)
                    there = 404 if "batch_id" in rule.arguments else 200
                    there = 409 if rule.endpoint.startswith("signing.remote.") else there
                    assert answer.status_code == answers.get(rule.endpoint, there), asked
                else:
                    assert answer.status_code == 403, asked
    assert scene.kept() == before


def test_a_wrong_method_is_refused_before_anything_is_said_of_the_folder(scene: Scene) -> None:
    folder_id, before = scene.folders["invoice", "finance"], scene.kept()
    allowed: dict[str, set[str]] = {}
    for endpoint, method in routes(scene.house, api=False):
        allowed.setdefault(scene.url(endpoint, folder_id), set()).add(method)
    for role in (G, R, FOREIGN, "anonymous"):
        scene.clients[role].get(
            "/suivi", follow_redirects=True
        )  # what was to be said of earlier acts is said
        # One sees a page; the others are answered as JSON, the same refusals faster
        spoken = {} if role == R else {"Accept": "application/json"}
        for url, methods in allowed.items():
            for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND", "TRACE"} - methods:
                sent = {"X-CSRFToken": scene.tokens[role], **spoken}
                answers = [
                    scene.clients[role].open(one, method=method, headers=sent)
                    for one in (url, url.replace(f"/dossiers/{folder_id}", f"/dossiers/{ABSENT}"))
                ]
                assert {one.status_code for one in answers} == {405}, (role, method, url)
                assert plain(answers[0]) == plain(answers[1])
    assert scene.kept() == before


def test_the_same_form_without_its_token_is_refused_to_everybody(scene: Scene) -> None:
    before = scene.kept()
    for (family, state), folder_id in scene.folders.items():
        for login in LOGINS:
            for endpoint, method in granted(family, state, login):
                if method == "POST":
                    answer = scene.clients[login].post(scene.url(endpoint, folder_id), data={"version": "1"})
                    assert answer.status_code == 400, (login, endpoint)
                    assert "trop longtemps" in answer.get_data(as_text=True)
    assert scene.kept() == before


def test_a_document_is_reached_only_through_its_own_folder_and_by_its_own_versions(scene: Scene) -> None:
    mine, other = scene.folders["deliberation", "done"], scene.folders["deliberation", "direction"]
    documents = {role: scene.house.versions(mine, role) for role in ("main", "receipt")}
    strange = scene.house.versions(scene.folders["invoice", "draft"])[0].document_id
    before = scene.kept()
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
            for login, status in ((N, 404), (FOREIGN, 404)):
                refused_it = scene.call(
                    login,
                    "folders.document",
                    "GET",
                    mine,
                    document_id=version.document_id,
                    number=version.number,
                )
                assert refused_it.status_code == status
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
    # Who may read it has read it, and that is kept
    assert scene.kept() | {"document_seen": ""} == before | {"document_seen": ""}


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
    before = scene.kept()
    for folder_id, expected in ((other, 409), (stranger, 404), (ABSENT, 404)):
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
    assert scene.kept() == before
    with reading() as db:
        states = (
            db.execute(sa.text("SELECT state FROM signature_session WHERE id = :id"), {"id": session})
            .scalars()
            .all()
        )
    assert states == ["prepared"]
