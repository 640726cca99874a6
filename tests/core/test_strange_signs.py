"""A character that a database or an XML file cannot hold is refused at the door of every route, alike on both databases."""

import io
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from app.core import outbox
from app.core.db import engine, reading
from app.core.texts import cleaned
from app.files import earlier_signatures
from app.folders.models import DocumentVersion
from app.people.models import LoginSession
from app.trust import certificates
from demo.cast import PASSWORD
from tests.api.software import Software
from tests.builders.house import INVOICE, House, token_in
from tests.rights.looking import snapshot
from tests.rights.scene import EVERY, _user
from workflows.errors import Refusal
from workflows.loader import load_yaml
from workflows.vocabulary import Right

SIGNS = ("\0", "\x01", "\x1b", "\x1f", "\ufffe")
HALF = "\ud800"
BYTES = ("%ed%a0%80", "%ff", "%c0%80", "%f4%90%80%80")
DESKS = ("maire", "direction", "secretariat", "finances", "comptabilite", "technique", "conseil")


def two(number: int) -> tuple[str, str]:
    """The worst sign, and each of the others in turn: every route meets two of them, every sign a quarter of the routes."""
    return SIGNS[0], SIGNS[1 + number % (len(SIGNS) - 1)]


def in_turn(every: Sequence[Any], number: int) -> Sequence[Any]:
    """All of them to one route in eight, one to each of the others: the door is the same for all, and stands before each."""
    return every if number % 8 == 0 else [every[number // 5 % len(every)]]


class Everywhere:
    """One caller who may call every route, and the address of each."""

    def __init__(self, house: House) -> None:
        self.house = house
        here = house.actor("a.kervadec").collectivity_id
        _user(here, "p.tout", *((desk, EVERY) for desk in DESKS), administrator=True)
        self.client = house.client("p.tout")
        self.token = house.csrf(self.client)
        self.software = Software(house, "comptabilite", [Right.CREATE, Right.ACT, Right.REROUTE])
        self.folder_id = house.an_invoice(at="draft")

    def routes(self, text: str | None = None) -> Iterator[tuple[str, str]]:
        """(address, method) of every route; with a text, of those that take one in their path, with it there."""
        for rule in self.house.app.url_map.iter_rules():
            if rule.endpoint == "static":
                continue
            # A form is one of two words, a chart one of five: the address itself tells them
            numbers = {
                "number",
                "rank",
                "position",
                "form",
                "chart",
            }
            written = rule.arguments - {*(rule.defaults or ())}  # in its path
            free = {name for name in written if not name.endswith("_id") and name not in numbers}
            if text is not None and not free:
                continue
            values = dict.fromkeys(rule.arguments, 1) | {
                "folder_id": self.folder_id,
                "form": "csv",
                "chart": "mois",
            }
            address = rule.build(values | dict.fromkeys(free, "LETTERS"))[1]
            for method in sorted((rule.methods or set()) - {"OPTIONS"}):
                yield address.replace("LETTERS", "invoice" if text is None else text), method

    def kept(self) -> dict[str, str]:
        """All that the installation keeps."""
        return snapshot(self.house.settings.data_dir)

    def ask(self, address: str, method: str, **how):
        """Ask as whoever may."""
        if address.startswith("/api/"):
            return self.software.client.open(address, method=method, headers=self.software.headers, **how)
        return self.client.open(address, method=method, headers={"X-CSRFToken": self.token}, **how)


@pytest.fixture
def everywhere(house: House) -> Everywhere:
    return Everywhere(house)


def refused(answer, what: object) -> None:
    assert answer.status_code == 400, (what, answer.status_code, answer.get_data(as_text=True)[:300])
    if answer.request.method != "HEAD":
        assert "ne peut pas garder" in (
            answer.json["detail"] if answer.is_json else answer.get_data(as_text=True)
        ), what


@pytest.mark.in_turn
def test_every_route_refuses_it_in_its_address(everywhere: Everywhere) -> None:
    before = everywhere.kept()
    for number, (address, method) in enumerate(everywhere.routes()):
        queries = [ask for sign in two(number) for ask in (f"q=a{quote(sign)}b", f"a{quote(sign)}b=q")]
        for query in in_turn(queries, number):
            refused(everywhere.ask(f"{address}?{query}", method), (address, method, query))
    for sign in SIGNS:
        for address, method in everywhere.routes(text=f"a{quote(sign)}b"):
            refused(everywhere.ask(address, method), (address, method))
    assert everywhere.kept() == before


@pytest.mark.in_turn
def test_every_route_refuses_it_in_a_form_and_in_json(everywhere: Everywhere) -> None:
    before = everywhere.kept()
    written = [one for one in everywhere.routes() if one[1] not in {"GET", "HEAD"}]
    for number, (address, method) in enumerate(written):
        words = [f"a{sign}b" for sign in two(number)]
        for form in in_turn([form for word in words for form in ({"title": word}, {word: "x"})], number):
            refused(everywhere.ask(address, method, data=form), (address, form))
            parts = {**form, "files": (io.BytesIO(b"x"), "a.pdf")}
            refused(everywhere.ask(address, method, data=parts), (address, form, "parts"))
        bodies = [
            body
            for word in (*words, f"a{HALF}b")
            for body in ({"session": word}, {"deep": [{"x": [1, word]}]}, {word: 1}, word)
        ]
        for body in in_turn(bodies, number):
            refused(everywhere.ask(address, method, json=body), (address, body))
        wide = json.dumps({"reason": "a\0b"}).encode(
            "utf-16"
        )  # a reader of JSON finds out the encoding by itself
        refused(
            everywhere.ask(address, method, data=wide, content_type="application/json"), (address, "wide")
        )
    assert everywhere.kept() == before


@pytest.mark.in_turn
def test_bytes_that_are_no_text_crash_nothing(everywhere: Everywhere) -> None:
    for address, method in everywhere.routes():
        if address == "/logout":
            continue
        for raw in BYTES:
            assert everywhere.ask(f"{address}?q={raw}", method).status_code != 500, (address, method, raw)
    for raw in BYTES:
        for address, method in everywhere.routes(text=raw):
            assert everywhere.ask(address, method).status_code != 500, (address, method)


def test_a_text_that_only_looks_like_it_is_kept(everywhere: Everywhere) -> None:
    folder = everywhere.software.deposit().json
    path = f"/folders/{folder['id']}"
    kept = everywhere.software.patch(path, version=folder["version"], title="le signe \\u0000 et l’🙂")
    assert kept.status_code == 200, kept.json
    assert kept.json["title"] == "le signe \\u0000 et l’🙂"


def test_the_facts_of_a_deposit_are_a_text_inside_a_text(everywhere: Everywhere) -> None:
    before = everywhere.kept()
    for sign in (*SIGNS, HALF):
        answer = everywhere.software.deposit(facts=json.dumps({"order_ref": f"a{sign}b"}))
        assert (answer.status_code, answer.json["key"]) == (422, "fields-invalid")
    assert everywhere.kept() == before


@pytest.mark.parametrize("sign", [*SIGNS, "\u202e"])
def test_a_file_keeps_its_name_without_it(everywhere: Everywhere, sign: str) -> None:
    name = f"fac{sign}ture.pdf"
    with INVOICE.open("rb") as stream:
        sent = {"csrf_token": everywhere.token, "family": "invoice", "files": (stream, name)}
        answer = everywhere.client.post("/deposer", data=sent)
    assert answer.status_code == 302, answer.get_data(as_text=True)[:500]
    with reading() as db:
        kept = db.scalars(sa.select(DocumentVersion.filename).order_by(DocumentVersion.id.desc())).all()
    assert "fac ture.pdf" in kept[:2]


def test_what_a_browser_and_a_proxy_say_of_themselves_is_cleaned(house: House) -> None:
    client = house.client()
    form = {"login": "g.trehorel", "password": PASSWORD}
    form["csrf_token"] = token_in(client.get("/login").get_data(as_text=True))
    answer = client.post(
        "/login",
        data=form,
        headers={"User-Agent": "Navi\0gateur"},
        environ_overrides={"REMOTE_ADDR": "10.0.0.1\0"},
    )
    assert answer.status_code == 302
    with reading() as db:
        row = db.scalars(sa.select(LoginSession).order_by(LoginSession.id.desc())).first()
    assert (row.client, row.address) == ("Navi\ufffdgateur", "10.0.0.1\ufffd")


HEADERS = (
    "Accept",
    "Accept-Language",
    "Authorization",
    "Cookie",
    "Idempotency-Key",
    "Referer",
    "X-CSRFToken",
)


@pytest.mark.parametrize("name", [*HEADERS, "Range", "If-None-Match", "HX-Request", "Origin"])
def test_no_header_crashes_a_route(everywhere: Everywhere, name: str) -> None:
    for address in (
        "/login",
        "/a-traiter",
        "/api/v1/me",
        "/api/v1/folders",
        f"/dossiers/{everywhere.folder_id}",
    ):
        for method in ("GET", "POST"):
            for sign in SIGNS[:4]:
                answer = everywhere.ask(address, method, environ_overrides={environ(name): f"a{sign}b"})
                assert answer.status_code < 500, (address, method, name)


def environ(name: str) -> str:
    return f"HTTP_{name.upper().replace('-', '_')}"


@pytest.mark.parametrize("sign", ["\\0", "\\x01", "\\ud800", "\\ufffe"])
def test_a_circuit_cannot_bring_it_in_between_quotes(sign: str) -> None:
    for text in (f'key: a\nlabel: "x{sign}"\n', f'"a{sign}": 1\n', f'"a{sign}": 1\n"a{sign}": 2\n'):
        with pytest.raises(Refusal, match="circuit-invalid") as refusal:
            load_yaml(text)
        assert cleaned(refusal.value.facts["details"]) == refusal.value.facts["details"]


def test_a_row_whose_fault_holds_it_says_its_fault(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "_handlers", dict(outbox._handlers))  # forgotten after the test

    @outbox.handles("strange")
    def fail(row: outbox.Row) -> None:
        raise outbox.Hopeless("550 refus\0é")

    here = house.actor("a.kervadec").collectivity_id
    with engine().begin() as connection:
        connection.execute(
            sa.insert(outbox.Outbox.__table__).values(
                collectivity_id=here,
                kind="strange",
                key="strange",
                payload={},
                available_at=outbox.now(),
                created_at=outbox.now(),
            )
        )
    house.drain()
    with reading() as db:
        row = db.scalars(sa.select(outbox.Outbox).where(outbox.Outbox.kind == "strange")).one()
    assert (row.state, row.last_error) == ("parked", "550 refus\ufffdé")


def certificate(name: str) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    said = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder().subject_name(said).issuer_name(said).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(datetime(2026, 1, 1)).not_valid_after(datetime(2027, 1, 1))
    return made.sign(key, SHA256()).public_bytes(Encoding.DER)


def test_the_name_that_a_certificate_gives_itself_is_shown_without_it() -> None:
    der = certificate("Jean\0Martin")
    said = certificates.facts(der)
    assert (said.common_name, "\0" in said.subject + said.issuer) == ("Jean\ufffdMartin", False)
    signature = SimpleNamespace(signer_cert=certificates.certificates_in(der)[0])
    assert earlier_signatures._name(signature) == "Jean\ufffdMartin"
