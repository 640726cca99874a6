"""What every page and every JSON answer share: refusals in French, nothing told of a crash, nothing hostile that crashes."""

import pytest
from flask import Flask, g, request

from app import create_app
from app.core import http
from app.core.http import guard
from tests.builders.house import House

pytestmark = pytest.mark.in_turn

LISTS = ("/a-traiter", "/suivi", "/recherche", "/deposer", "/compte", "/circuits", "/administration")
WORDS = (
    "%00",
    "%ff%fe",
    "²",
    "-1",
    "9" * 30,
    "9" * 5000,
    "'",
    '"><script>',
    "%25",
    "_",
    "!",
    "a%0db",
    "٣",
    "2026-01-01",
    "../..",
    "{{7*7}}",
    "%F0%9F%92%A5",
)
KEYS = (
    "2026-01-01_2026-01-01T00:00:00_1",
    "2026-01-01_2026-01-01T00:00:00%2B00:00_" + "9" * 25,
    "0001-01-01_0001-01-01T00:00:00%2B14:00_1",
    "9999-12-31_9999-12-31T23:59:59-14:00_1",
    "__",
    "a_b_c",
    "2026-01-01_2026-01-01T00:00:00%2B00:00_²",
)


@pytest.mark.parametrize("name", ["q", "famille", "etat", "apres", "bannette"])
def test_no_question_put_to_a_list_makes_it_crash(house: House, name: str) -> None:
    house.an_invoice(at="service_done")
    client = house.client("k.morizur")
    for page in LISTS:
        for word in (*WORDS, *KEYS):
            for tray in (
                ("", "&bannette=running", "&bannette=done")
                if name == "apres" and page == "/a-traiter"
                else ("",)
            ):
                answer = client.get(f"{page}?{name}={word}{tray}")
                # Words asked of « Suivi » are asked of the search
                sought = page == "/suivi" and name == "q" and answer.status_code == 302
                assert sought or answer.status_code in {200, 400}, (page, name, word)
                assert "<script>" not in answer.get_data(as_text=True)


def test_a_page_key_that_was_tampered_with_starts_again_from_the_first_page(house: House) -> None:
    folder_id = house.an_invoice(at="service_done")
    client = house.client("r.pellenec")
    for key in KEYS[:1] + KEYS[3:]:
        page = client.get(f"/a-traiter?apres={key}").get_data(as_text=True)
        assert f"/dossiers/{folder_id}" in page or key.startswith("9999"), key


NONSENSE = (
    "²",
    "NaN",
    "Infinity",
    "-Infinity",
    "sNaN",
    "1e400",
    "9" * 13,
    "9" * 40,
    "0123456789",
    "2026-13-45",
    "<b>x</b>",
    "x" * 900,
    "٣",
    "\u202e",
    "-0",
    " ",
)


@pytest.mark.parametrize("family", ["invoice", "deliberation"])
def test_a_draft_full_of_nonsense_is_kept_shown_and_told_what_is_wrong(house: House, family: str) -> None:
    login = "g.trehorel" if family == "invoice" else "k.morizur"
    folder_id = house.an_invoice(at="draft") if family == "invoice" else house.a_deliberation(at="draft")
    client = house.client(login)
    token = house.csrf(client)
    fields = [
        *house.folder(folder_id).fields,
        "total_ht",
        "iban",
        "votes_for",
        "published_on",
        "due_date",
        "unheard_of",
    ]
    for word in NONSENSE:
        for action in ("save", "submit"):
            form = {
                "csrf_token": token,
                "version": house.folder(folder_id).version,
                "action": action,
                "title": "Un objet",
                **dict.fromkeys(fields, word),
            }
            answer = client.post(f"/dossiers/{folder_id}/brouillon", data=form)
            assert answer.status_code == (302 if action == "save" else 422), (word, action)
        for address in (
            f"/dossiers/{folder_id}/brouillon",
            f"/dossiers/{folder_id}?onglet=details",
            f"/dossiers/{folder_id}",
            "/suivi",
        ):
            page = client.get(address)
            assert page.status_code in {200, 302}, (word, address)
            assert "<b>x</b>" not in page.get_data(as_text=True)
    assert house.folder(folder_id).phase == "draft"


@pytest.mark.parametrize(
    ("status", "method", "address", "words"),
    [
        (404, "GET", "/nulle-part", "cherchez le dossier par son numéro dans «"),
        (405, "DELETE", "/suivi", "n’est pas possible ici"),
        (404, "GET", "/circuits/inconnu", "n’existe pas"),
        (404, "GET", "/dossiers/987654", "n’existe pas"),
        (400, "POST", "/logout", "rechargez-la"),
    ],
)
def test_a_refusal_is_a_french_page_a_fragment_or_a_problem(
    house: House, status: int, method: str, address: str, words: str
) -> None:
    client = house.client("k.morizur")
    page = client.open(address, method=method)
    assert page.status_code == status
    assert words in page.get_data(as_text=True)
    assert page.get_data(as_text=True).count("<h1") == 1
    fragment = client.open(
        address, method=method, headers={"HX-Request": "true", "HX-Target": "dialog"}
    ).get_data(as_text=True)
    assert words in fragment
    assert "<html" not in fragment
    problem = client.open(address, method=method, headers={"Accept": "application/json"})
    assert problem.mimetype == "application/problem+json"
    assert problem.get_json()["status"] == problem.status_code == status
    assert words in problem.get_json()["detail"]
    assert problem.get_json()["type"].startswith("urn:paraphe:")


def test_a_crash_gives_a_number_and_no_detail(house: House, capfd: pytest.CaptureFixture[str]) -> None:
    app = create_app(house.settings)

    @app.get("/casse")
    @guard("public")
    def crash() -> str:
        raise RuntimeError("le mot de passe de la base est tulipe")

    for headers in ({}, {"Accept": "application/json"}):
        answer = app.test_client().get("/casse", headers=headers)
        assert answer.status_code == 500
        text = answer.get_data(as_text=True)
        assert "Incident" in text
        for secret in ("tulipe", "RuntimeError", "Traceback", ".py"):
            assert secret not in text
        logged = "".join(capfd.readouterr())  # who keeps the machine reads the rest, by the same number
        assert "incident" in logged
        assert "RuntimeError" in logged


def test_a_route_without_a_guard_answers_nobody(house: House) -> None:
    app = create_app(house.settings)
    app.add_url_rule("/oubliee", "oubliee", lambda: "secret")
    house.app = app
    for client in (app.test_client(), house.client("k.morizur")):
        answer = client.get("/oubliee")
        assert answer.status_code == 404
        assert "secret" not in answer.get_data(as_text=True)


def test_two_guards_on_one_view_are_a_fault_of_the_program() -> None:
    with pytest.raises(ValueError, match="two guards"):
        guard("public")(guard("person")(lambda: "x"))


def test_too_big_a_deposit_is_refused_before_it_is_read_and_says_the_limit(house: House) -> None:
    house.app = create_app(house.settings.model_copy(update={"upload_limit_mb": 1}))
    client = house.client("g.trehorel")
    token = house.csrf(client)
    body = (
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.pdf"\r\n\r\n'
        + b"x" * 2_000_000
        + b"\r\n--x--\r\n"
    )
    kind = "multipart/form-data; boundary=x"
    answer = client.post("/deposer", data=body, content_type=kind, headers={"X-CSRFToken": token})
    assert answer.status_code == 413
    assert "1\u00a0Mo" in answer.get_data(as_text=True)
    assert "1\u00a0Mo" in client.get("/deposer").get_data(as_text=True)  # the limit is told before sending


def test_the_titles_of_refusals_are_french_and_complete() -> None:
    for status, title in http.TITLES.items():
        assert title[0].isupper(), status
        assert not title.endswith("."), status


@pytest.mark.parametrize(
    "path", ["//login", "/dossiers//1", "/static//paraphe.css", "//evil.example/login", "/login/"]
)
def test_no_answer_sends_to_the_server_that_its_caller_named(house: House, path: str) -> None:
    """Two slashes made the framework answer with a whole address, of whatever Host had been said."""
    client = house.app.test_client()
    for asked in (client, house.client("k.morizur")):
        answer = asked.get(path="/", base_url="http://evil.example", environ_overrides={"PATH_INFO": path})
        assert answer.status_code == (200 if path == "//login" else 404), (
            path
        )  # slashes before a path are none
        assert "evil" not in f"{answer.headers} {answer.get_data(as_text=True)}"


def test_words_come_back_with_a_refusal_and_a_body_that_breaks_hides_no_refusal() -> None:
    form = {"reason": " Vu au téléphone. ", "password": "a secret", "csrf_token": "x"}
    for limit, words in ((None, "Vu au téléphone."), (1, "")):
        with Flask(__name__).test_request_context("/", method="POST", data=form):
            g.actor, request.max_content_length = object(), limit
            assert [http._written(status) for status in (422, 409, 403, 401)] == [*[words] * 3, ""]
    with Flask(__name__).test_request_context("/", method="POST", data=form):
        assert http._written(422) == ""  # nothing of a stranger's


def test_a_name_has_its_letters_without_accents_for_who_reads_no_other() -> None:
    assert http.disposition("Fenêtres de la médiathèque.zip", download=True).startswith(
        'attachment; filename="Fenetres de la mediatheque.zip"; filename*=UTF-8'
    )
