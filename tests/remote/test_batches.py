"""Many folders signed at the trust service: as few accords as it allows, each folder once, taken up where it stood."""

import hashlib
from base64 import b64decode
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from app.core.clock import now, today
from app.core.db import engine, reading
from app.folders import decide
from app.signing.models import RemoteRequest, SignatureProof, SignatureSession
from tests.batches.test_signatures import long_ago, signed_once, to_sign
from tests.batches.town import Hand, became, items, marked, plain
from tests.builders.house import House
from tests.builders.mandates import of_mayor, record
from tests.builders.remote import At
from tests.builders.trust_service import PIN, TrustService
from workflows.mandates import Kind

pytestmark = pytest.mark.in_turn

ON_SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


class Accord:
    """The page of a batch whose key is at the service, as its script speaks to the server."""

    def __init__(self, hand: Hand, number: int, key: int, server: TrustService) -> None:
        self.hand, self.number, self.key, self.server = hand, number, key, server
        self.holder = ""

    def json(self, verb: str, body: dict[str, Any], status: int = 200) -> Any:
        answer = self.hand.client.post(
            marked(f"/lots/{self.number}/{verb}"), json=body, headers={"X-CSRFToken": self.hand.token}
        )
        assert answer.status_code == status, (answer.status_code, plain(answer.get_data(as_text=True)))
        return answer.get_json()

    def begin(self, status: int = 200) -> "Accord":
        said = self.json("cle", {"provider": "csc", "key": self.key}, status)
        self.holder = said.get("holder", "")
        return self

    def gather(self, status: int = 200) -> Any:
        """Have folders prepared until one accord covers all that it can; nothing when nothing is left."""
        while True:
            said = self.json("distance/preparer", {"holder": self.holder, "key": self.key}, status)
            if status != 200:
                return said
            assert not said["busy"]
            if said["over"] or said["items"]:
                return said["items"][0] if said["items"] else None

    def agree(self, asked: Any, status: int = 200, pin: str = PIN) -> Any:
        codes = {"session": asked["id"], "pin": pin, "otp": self.server.otps[-1]}
        said = self.json("distance/autoriser", codes, status)
        return said["items"][0] if status == 200 else said

    def go(self) -> None:
        """Until nothing is left to agree to."""
        while asked := self.gather():
            while asked["wants"]:
                asked = self.agree(asked)


@pytest.fixture
def mayor(house: House) -> Hand:
    """Armel Kervadec, who signs."""
    return Hand(house, "a.kervadec")


@pytest.fixture
def key(at) -> int:
    """The number of the mayor's certificate at the service."""
    return int(at("a.kervadec").link())


def authorised(server: TrustService) -> list[int]:
    """How many hashes each accord covered, the linking's own left out."""
    return [one["numSignatures"] for one in server.asked("credentials/authorize")][1:]


def pinned(server: TrustService) -> list[bytes]:
    """Every hash that was ever authorised for a batch, in order."""
    return [b64decode(one) for body in server.asked("credentials/authorize")[1:] for one in body["hash"]]


def waited_for() -> set[bytes]:
    """The hashes of every signature that was made here."""
    with engine().connect() as connection:
        rows = connection.execute(
            sa.select(SignatureSession.prepared).where(SignatureSession.state == "done")
        ).scalars()
        return {hashlib.sha256(bytes.fromhex(one["attributes"])).digest() for row in rows for one in row}


@pytest.mark.parametrize("most", [50])
def test_one_accord_signs_the_whole_list_and_covers_its_hashes_alone(
    house: House, mayor: Hand, key: int, server: TrustService
) -> None:
    folders = to_sign(house, 13)
    number = mayor.propose("sign", folders)
    assert "À distance" in mayor.page(number)
    page = Accord(mayor, number, key, server).begin()
    asked = page.gather()
    assert (asked["wants"], authorised(server)) == (["pin", "otp"], [])
    assert page.agree(asked)["wants"] == []
    assert page.gather() is None
    assert {house.folder(one).place for one in folders} == {"bon_a_payer"}, "the worker embeds"
    house.drain()
    for one in folders:
        signed_once(house, one)
    assert "13 dossiers signés sur 13" in mayor.page(number)
    assert authorised(server) == [13]
    assert len(server.asked("signHash")) == 2, "the linking, and the batch"
    assert set(pinned(server)) == waited_for()


def test_as_many_accords_as_the_service_needs_and_the_last_partial_one_completes(
    house: House, mayor: Hand, key: int, server: TrustService
) -> None:
    folders = to_sign(house, 7)
    number = mayor.propose("sign", folders)
    Accord(mayor, number, key, server).begin().go()
    house.drain()
    for one in folders:
        signed_once(house, one)
    assert authorised(server) == [3, 3, 1]
    assert len(set(pinned(server))) == 7
    assert "7 dossiers signés sur 7" in mayor.page(number)


def test_on_the_service_s_page_one_comes_back_to_the_batch_and_agrees_to_the_rest(
    house: House, mayor: Hand, key: int, server: TrustService, at
) -> None:
    server.mode = "oauth2code"
    folders = to_sign(house, 5)
    number = mayor.propose("sign", folders)
    person: At = at("a.kervadec")
    person.client, person.token = mayor.client, mayor.token
    asked = Accord(mayor, number, key, server).begin().gather()
    said = parse_qs(urlsplit(asked["page"]).query)
    assert (said["numSignatures"], len(said["hash"][0].split(","))) == (["3"], 3)
    back = mayor.client.get(person.accept(asked["page"]))
    assert back.location == f"/lots/{number}"
    # Meanwhile the worker is at it, the rest may be agreed to
    assert "Signer 2 dossiers" in mayor.page(number)
    house.drain()
    assert "3 signés, 2 restent" in mayor.page(number)
    asked = Accord(mayor, number, key, server).begin().gather()
    declined = mayor.client.get(f"/signature/retour?error=access_denied&state={said_state(asked)}")
    assert declined.location == f"/lots/{number}"
    assert "Le lot s’est arrêté. Rien n’a été signé : l’autorisation" in mayor.text(declined.location)
    asked = Accord(mayor, number, key, server).begin().gather()
    mayor.client.get(person.accept(asked["page"]))
    house.drain()
    for one in folders:
        signed_once(house, one)
    assert "5 dossiers signés sur 5" in mayor.page(number)


def said_state(asked: Any) -> str:
    return parse_qs(urlsplit(asked["page"]).query)["state"][0]


@pytest.mark.both_databases
def test_a_tab_that_dies_between_two_accords_is_taken_up_for_the_rest_alone(
    house: House, mayor: Hand, key: int, server: TrustService
) -> None:
    folders = to_sign(house, 5)
    number = mayor.propose("sign", folders)
    page = Accord(mayor, number, key, server).begin()
    page.agree(page.gather())
    page.gather()  # the codes of the second accord are asked, and the tab dies
    mayor.post("/logout")
    house.drain()  # in the session that was closed: its folders wait again
    back = Hand(house, "a.kervadec")
    long_ago(number)
    assert "Lot interrompu : 0 signé, 5 restent" in back.page(number)
    again = Accord(back, number, key, server).begin()
    again.agree(again.gather())
    house.drain()
    long_ago(number)
    assert "3 signés, 2 restent" in back.page(number)
    Accord(back, number, key, server).begin().go()
    house.drain()
    for one in folders:
        signed_once(house, one)
    assert authorised(server) == [3, 3, 2]


@pytest.mark.both_databases
def test_of_two_tabs_the_first_one_s_codes_never_reach_the_service(
    house: House, mayor: Hand, key: int, server: TrustService
) -> None:
    folders = to_sign(house, 2)
    number = mayor.propose("sign", folders)
    first = Accord(mayor, number, key, server).begin()
    asked = first.gather()
    second = Accord(mayor, number, key, server).begin()
    assert "a expiré, a déjà servi" in plain(first.agree(asked, 409)["detail"])
    assert "continue dans une autre page" in plain(first.gather(409)["detail"])
    second.go()
    house.drain()
    for one in folders:
        signed_once(house, one)
    assert authorised(server) == [2]


@pytest.mark.both_databases
def test_what_an_earlier_login_prepared_while_the_service_was_answering_is_prepared_anew(
    house: House, mayor: Hand, key: int, server: TrustService
) -> None:
    folders = to_sign(house, 3)
    number = mayor.propose("sign", folders)
    Accord(mayor, number, key, server).begin().gather()
    in_hand(now() + timedelta(seconds=60))  # the codes were passed on, and the process died before the answer
    mayor.post("/logout")
    back = Hand(house, "a.kervadec")
    page = Accord(back, number, key, server).begin()
    assert page.json("distance/preparer", {"holder": page.holder, "key": key})["busy"]
    in_hand(now())
    page.go()
    house.drain()
    for one in folders:
        signed_once(house, one)
    assert authorised(server) == [3]


def in_hand(until: datetime) -> None:
    """Until when whoever passes an answer on is believed to be at it."""
    with engine().begin() as connection:
        connection.execute(sa.update(RemoteRequest).values(busy_until=until))


def test_what_changes_before_or_after_the_accord_is_refused_with_its_reason_and_stops_nothing(
    house: House, mayor: Hand, key: int, server: TrustService
) -> None:
    early, late, good = to_sign(house, 3)
    number = mayor.propose("sign", [early, late, good])
    page = Accord(mayor, number, key, server).begin()
    decide.recall(house.actor("g.trehorel"), early, version=house.folder(early).version)
    asked = page.gather()
    decide.recall(house.actor("g.trehorel"), late, version=house.folder(late).version)
    page.agree(asked)
    assert page.gather() is None
    house.drain()
    became(
        number,
        {
            early: ("refused", "Gwenola Tréhorel a repris ce dossier"),
            late: ("refused", "Gwenola Tréhorel a repris ce dossier"),
            good: ("done", ""),
        },
    )
    signed_once(house, good)
    assert authorised(server) == [2]


def test_a_wrong_code_or_a_silent_service_signs_nothing_and_the_same_accord_is_asked_again(
    house: House, mayor: Hand, key: int, server: TrustService
) -> None:
    folders = to_sign(house, 4)
    number = mayor.propose("sign", folders)
    page = Accord(mayor, number, key, server).begin()
    asked = page.gather()
    assert page.agree(asked, 403, pin="0000")["key"] == "csc-code-wrong"
    page.agree(asked)
    house.drain()
    last = page.gather()
    server.odd = {"signatures/signHash": (503, b"", "application/json")}
    assert page.agree(last, 503)["key"] == "csc-silent"
    server.odd = {}
    assert [one.state for one in items(number)] == ["done"] * 3 + ["prepared"]
    page.go()
    house.drain()
    for one in folders:
        signed_once(house, one)


def test_every_signature_of_a_flow_is_in_the_accord_and_a_flow_larger_than_one_takes_several(
    house: House, mayor: Hand, key: int, server: TrustService
) -> None:
    flow, (first, second) = house.a_flow(), to_sign(house, 2)
    number = mayor.propose("sign", [first, second, flow])
    Accord(mayor, number, key, server).begin().go()
    house.drain()
    for one in (first, second):
        signed_once(house, one)
    with reading() as db:
        counts = db.scalars(sa.select(SignatureProof.count).order_by(SignatureProof.count)).all()
    assert counts == [1, 1, 2]
    assert sum(authorised(server)) == 4
    assert set(pinned(server)) == waited_for()


@ON_SQLITE
def test_nobody_agrees_in_another_s_batch_nor_to_a_single_folder_s_request_in_it(
    house: House, mayor: Hand, key: int, server: TrustService, at
) -> None:
    alone, *folders = to_sign(house, 3)
    number = mayor.propose("sign", folders)
    page = Accord(mayor, number, key, server).begin()
    asked = page.gather()
    stranger = Accord(Hand(house, "b.cadiou"), number, key, server)
    stranger.holder = page.holder
    stranger.gather(403)
    stranger.agree(asked, 404)
    person: At = at("a.kervadec")
    person.client, person.token = mayor.client, mayor.token
    page.agree({"id": person.asked(alone)}, 409)
    answer = person.authorise(alone, asked["id"])
    assert answer.status_code == 409
    assert authorised(server) == []


@ON_SQLITE
def test_a_credential_that_asks_nobody_is_not_used_and_one_withdrawn_stops_the_batch(
    house: House, mayor: Hand, key: int, server: TrustService
) -> None:
    number = mayor.propose("sign", to_sign(house, 1))
    page = Accord(mayor, number, key, server).begin()
    server.mode = "implicit"
    assert page.gather(403)["key"] == "csc-credential-unguarded"
    server.mode = "explicit"
    with reading() as db:
        certificate = db.scalar(sa.text("SELECT certificate_id FROM remote_key"))
    mayor.post(f"/compte/certificats/{certificate}/retirer")
    assert page.gather(403)["key"] == "csc-key-unknown"
    assert "À distance" not in mayor.page(number)
    assert server.asked("signHash")[1:] == []


@pytest.mark.both_databases
def test_what_an_earlier_page_prepared_is_not_signed_in_other_words_than_the_next_one_shows(
    house: House, mayor: Hand, key: int, server: TrustService
) -> None:
    standin = of_mayor(
        house,
        kind=Kind.SUBSTITUTE,
        title="le premier adjoint",
        rank=1,
        elected=True,
        reason="Absence du maire",
        ends_on=today() + timedelta(days=20),
    )
    record(house, standin)
    number = mayor.propose("sign", to_sign(house, 2))
    Accord(mayor, number, key, server).begin().gather()
    in_hand(now() + timedelta(seconds=60))  # the codes were passed on, and the process died before the answer
    record(house, of_mayor(house))
    long_ago(number)
    assert "Signé avec la mention « Le maire »" in mayor.text(f"/lots/{number}")
    page = Accord(mayor, number, key, server).begin()
    in_hand(now())
    page.go()
    house.drain()
    with reading() as db:
        made = db.scalars(sa.select(SignatureSession.capacity).where(SignatureSession.state == "done")).all()
    assert made == ["Le maire", "Le maire"]
