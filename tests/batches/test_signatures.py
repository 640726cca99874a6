"""Signing together: one key, one result per folder, each signed once whatever the tab, the network or the worker do."""

from base64 import b64encode
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.batches import carry, signatures
from app.batches.gesture import SIGN
from app.core import outbox
from app.core.clock import now
from app.core.db import Db, engine, reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.files import vault
from app.folders import decide
from app.people.actor import Actor
from app.signing import deferred, sign
from app.signing import session as sessions
from app.signing.models import Certificate, SignatureProof, SignatureSession
from app.trust import authorities
from app.trust.certificates import FRESH, Trust, asking_once, check_certificate, shared
from app.trust.purpose import Purpose
from tests.batches.test_decisions import facts_of, reassign
from tests.batches.town import Hand, became, items, mark, plain
from tests.builders.house import House
from tests.display.test_folder_page import heard

pytestmark = pytest.mark.in_turn


@dataclass
class Page:
    """The page that signs a batch, as its script speaks to the server; `made` are answers not yet sent."""

    hand: Hand
    number: int
    label: str = "a_kervadec"
    holder: str = ""
    made: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.mark = mark(self.number)  # of what it shows

    def json(self, verb: str, body: dict[str, Any], status: int = 200) -> Any:
        answer = self.hand.client.post(
            f"/lots/{self.number}/{verb}", json=body, headers={"X-CSRFToken": self.hand.token}
        )
        assert answer.status_code == status, (answer.status_code, plain(answer.get_data(as_text=True)))
        return answer.get_json()

    @property
    def offer(self) -> dict[str, Any]:
        key = self.hand.house.key(self.label)
        return {
            "provider": "browser",
            "certificate": b64encode(key.certificate).decode(),
            "chain": [b64encode(one).decode() for one in key.chain],
        }

    def begin(self) -> "Page":
        self.holder = self.json(f"cle?marque={self.mark}", self.offer)["holder"]
        return self

    def ask(self, status: int = 200) -> Any:
        """Have the next folders prepared, and sign them here."""
        from base64 import b64decode

        said = self.json("preparer", {"holder": self.holder, **self.offer}, status)
        if status != 200:
            return said
        key = self.hand.house.key(self.label)
        self.made = [
            {
                "folder": one["folder"],
                "session": one["session"],
                "signatures": [
                    {"id": item["id"], "signature": b64encode(key.sign(b64decode(item["tbs"]))).decode()}
                    for item in one["items"]
                ],
            }
            for one in said["folders"]
        ]
        return said["folders"]

    def send(self, answers: list[dict[str, Any]] | None = None) -> int:
        return int(self.json("signatures", {"folders": self.made if answers is None else answers})["taken"])

    def go(self) -> None:
        """Until the server has nothing more to give."""
        while self.ask():
            self.send()


@pytest.fixture
def mayor(house: House) -> Hand:
    """Armel Kervadec, who signs."""
    return Hand(house, "a.kervadec")


def to_sign(house: House, count: int) -> list[int]:
    """Invoices that wait for the mayor."""
    found = [house.a_quick_invoice() for _ in range(count)]
    for one in found:
        house.approve(one, "n.abgrallec")
    return found


def signed_once(house: House, folder_id: int) -> None:
    assert [one.origin for one in house.versions(folder_id)] == ["deposited", "signed"]
    with reading() as db:
        assert (
            len(db.scalars(sa.select(SignatureProof).where(SignatureProof.folder_id == folder_id)).all()) == 1
        )
    assert house.journal(folder_id).count("folder.sign") == 1


@pytest.mark.both_databases
def test_one_key_signs_all_of_them_and_each_journal_names_the_batch(house: House, mayor: Hand) -> None:
    folders = to_sign(house, 14)
    number = mayor.propose("sign", folders)
    assert "Signer 14 dossiers" in mayor.page(number)
    page = Page(mayor, number).begin()
    # Few at first, so that the worker does not wait for the page
    assert len(page.ask()) == signatures.FIRST
    assert page.send() == signatures.FIRST
    assert len(page.ask()) == signatures.PART
    assert page.send() == signatures.PART
    assert {house.folder(one).place for one in folders} == {"bon_a_payer"}, (
        "the worker embeds, not the request"
    )
    page.go()
    house.drain()
    for one in folders:
        signed_once(house, one)
        assert facts_of(one, "folder.sign")["batch"] == number
    assert "14 dossiers signés sur 14" in mayor.page(number)
    page.json("cle", page.offer, 409)


def test_the_base_is_asked_of_folders_in_hand_together_and_not_of_each(house: House, mayor: Hand) -> None:
    asked: dict[str, list[int]] = {"page": [], "worker": []}
    to_sign(house, 1)
    for count in (1, 1, 3):  # the first one fills what a process keeps
        page = Page(mayor, mayor.propose("sign", to_sign(house, count))).begin()
        with heard() as prepared:
            assert len(page.ask()) == count
        page.send()
        with reading() as db:
            rows = db.scalars(
                sa.select(Outbox.id).where(Outbox.kind == SIGN, Outbox.state == "pending")
            ).all()
        with heard() as embedded:
            assert [outbox.run(row) for row in rows]
        asked["page"].append(len(prepared))
        asked["worker"].append(len(embedded))
    each = {name: (three - alone) / 2 for name, (_, alone, three) in asked.items()}
    assert each["page"] <= 0, asked
    assert each["worker"] <= 18, asked  # most of them write, in the transaction of each


def test_what_changed_meanwhile_is_refused_with_its_reason_and_stops_nothing(
    house: House, mayor: Hand
) -> None:
    damaged, taken_back, reassigned, late, good = to_sign(house, 5)
    number = mayor.propose("sign", [damaged, taken_back, reassigned, late, good])
    damage(house, damaged)
    decide.recall(house.actor("g.trehorel"), taken_back, version=house.folder(taken_back).version)
    page = Page(mayor, number).begin()
    reassign(reassigned, "conseil")
    page.ask()
    decide.recall(house.actor("g.trehorel"), late, version=house.folder(late).version)
    page.send()
    assert page.ask() == []
    house.drain()
    became(
        number,
        {
            damaged: ("refused", "Ce document a été altéré dans le coffre"),
            taken_back: ("refused", "Gwenola Tréhorel a repris ce dossier"),
            reassigned: ("refused", "Ce dossier ou cette page n’existe pas"),
            late: ("refused", "Gwenola Tréhorel a repris ce dossier"),
            good: ("done", ""),
        },
    )
    signed_once(house, good)
    for one in (damaged, taken_back, reassigned, late):
        assert [version.origin for version in house.versions(one)] == ["deposited"]


def test_a_certificate_that_may_not_sign_stops_the_batch_before_it_begins(house: House, mayor: Hand) -> None:
    number = mayor.propose("sign", to_sign(house, 2))
    page = Page(mayor, number, label="auth_only")
    assert "n’est pas enregistré à votre nom" in page.json("cle", page.offer, 403)["detail"]
    assert [one.state for one in items(number)] == ["waiting"] * 2
    assert "Signer 2 dossiers" in mayor.page(number)


def test_the_right_lost_between_the_two_phases_signs_nothing(house: House, mayor: Hand) -> None:
    from app.people import desks

    folders = to_sign(house, 2)
    number = mayor.propose("sign", folders)
    page = Page(mayor, number).begin()
    page.ask()
    page.send()
    for seat in house.actor("a.kervadec").seats:
        desks.seat(house.actor("a.kervadec").collectivity_id, seat.key, "a.kervadec", ())
    house.drain()
    assert {one.state for one in items(number)} == {"refused"}
    for one in folders:
        assert [version.origin for version in house.versions(one)] == ["deposited"]


def test_the_tab_that_dies_is_taken_up_in_another_session_where_it_stood(house: House, mayor: Hand) -> None:
    folders = to_sign(house, 13)
    number = mayor.propose("sign", folders)
    page = Page(mayor, number).begin()
    page.ask()
    page.send()
    house.drain()
    page.ask()  # and the tab dies with these signatures
    mayor.post("/logout")
    back = Hand(house, "a.kervadec")
    long_ago(number)
    assert f"Lot n° {number} interrompu : 3 signés, 10 restent" in back.text("/a-traiter")
    shown = back.page(number)
    assert "Lot interrompu : 3 signés, 10 restent" in shown
    assert "Signer 10 dossiers" in shown
    Page(back, number).begin().go()
    house.drain()
    for one in folders:
        signed_once(house, one)
    assert "13 dossiers signés sur 13" in back.page(number)


@pytest.mark.both_databases
def test_of_two_tabs_the_last_one_goes_on_and_nothing_is_signed_twice(house: House, mayor: Hand) -> None:
    folders = to_sign(house, 3)
    number = mayor.propose("sign", folders)
    first = Page(mayor, number).begin()
    first.ask()
    second = Page(mayor, number).begin()
    second.ask()
    assert first.send() == 0
    assert "continue dans une autre page" in plain(first.ask(409)["detail"])
    assert second.send() == 3
    assert second.send() == 0, "the same answer twice"
    assert signatures.receive(house.actor("a.kervadec"), number, []) == 0
    house.drain()
    for one in folders:
        signed_once(house, one)


@pytest.mark.both_databases
def test_a_page_that_loses_the_batch_while_it_prepares_leaves_no_session(
    house: House, mayor: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = mayor.propose("sign", to_sign(house, 1))
    first, together = Page(mayor, number).begin(), signatures._together

    def meanwhile(work: Any, entries: Any) -> Any:
        monkeypatch.setattr(signatures, "_together", together)
        Page(mayor, number).begin()
        return together(work, entries)

    monkeypatch.setattr(signatures, "_together", meanwhile)
    assert first.ask(409)["type"].endswith(":batch-elsewhere")
    with reading() as db:
        assert db.scalars(sa.select(SignatureSession)).all() == []


@pytest.mark.both_databases
def test_an_answer_that_was_lost_is_sent_again_and_one_that_expired_is_asked_again(
    house: House, mayor: Hand
) -> None:
    folders = to_sign(house, 2)
    number = mayor.propose("sign", folders)
    page = Page(mayor, number).begin()
    page.ask()
    page.ask()  # the first answer never came: prepared anew
    with engine().begin() as connection:
        connection.execute(sa.text("UPDATE signature_session SET expires_at = created_at"))
    assert page.send() == 0
    page.ask()
    assert page.send() == 2
    house.drain()
    for one in folders:
        signed_once(house, one)


def test_nobody_signs_in_the_batch_of_another_nor_with_sessions_of_another_folder(
    house: House, mayor: Hand
) -> None:
    folders = to_sign(house, 2)
    number = mayor.propose("sign", folders)
    page = Page(mayor, number).begin()
    page.ask()
    stranger = Page(Hand(house, "b.cadiou"), number, label="b_cadiou", holder=page.holder)
    for verb, body in (("cle", stranger.offer), ("preparer", {"holder": page.holder, **stranger.offer})):
        stranger.json(verb, body, 404)
    stranger.json("signatures", {"folders": page.made}, 409)
    first, second = page.made
    swapped = [
        {**first, "session": second["session"]},
        {**second, "session": first["session"]},
    ]
    assert page.send(swapped) == 0
    wrong = [{**first, "signatures": second["signatures"]}, second]
    assert page.send(wrong) == 2
    house.drain()
    assert [one.state for one in items(number)] == ["refused", "done"]
    signed_once(house, folders[1])
    assert [one.origin for one in house.versions(folders[0])] == ["deposited"]


@pytest.mark.both_databases
def test_a_worker_that_died_after_it_claimed_or_after_it_signed_repeats_nothing(
    house: House, mayor: Hand
) -> None:
    folders = to_sign(house, 3)
    number = mayor.propose("sign", folders)
    page = Page(mayor, number).begin()
    page.ask()
    page.send()
    claimed, made, _ = items(number)
    with reading() as db:
        session_id = db.scalar(sa.select(SignatureSession.login_session_id).limit(1))
    actor = replace(house.actor("a.kervadec"), session_id=session_id)
    sessions.claim(actor, claimed.signature_session)
    sign.complete(actor, made.signature_session, [bytes.fromhex(one) for one in made.signatures])
    several = [claimed.signature_session, made.signature_session, "never prepared"]
    assert actor.user_id is not None
    assert list(deferred.take(actor.collectivity_id, actor.user_id, number, several)) == several[:1]
    assert not deferred.take(actor.collectivity_id, actor.user_id, number + 1, several)
    assert not deferred.take(actor.collectivity_id, actor.user_id + 1, number, several)
    house.drain()
    for one in folders:
        signed_once(house, one)
    assert [one.state for one in items(number)] == ["done"] * 3
    told = [one.changed_at for one in items(number)]
    with reading() as db:
        order = carry.order_of(db, number)
    signatures.note_done(order, made.id)
    assert [one.changed_at for one in items(number)] == told


def test_a_session_closed_before_the_worker_came_lets_its_folders_wait_again(
    house: House, mayor: Hand
) -> None:
    folders = to_sign(house, 2)
    number = mayor.propose("sign", folders)
    page = Page(mayor, number).begin()
    page.ask()
    page.send()
    mayor.post("/logout")
    house.drain()
    assert [one.state for one in items(number)] == ["waiting"] * 2
    back = Hand(house, "a.kervadec")
    long_ago(number)
    assert "Lot interrompu : 0 signé, 2 restent" in back.page(number)
    Page(back, number).begin().go()
    house.drain()
    for one in folders:
        signed_once(house, one)


@pytest.mark.both_databases
def test_a_signature_of_a_single_folder_is_never_taken_again(house: House) -> None:
    (folder_id,) = to_sign(house, 1)
    ready, key = house.prepare(folder_id, "a.kervadec")
    actor = house.actor("a.kervadec")
    sessions.claim(actor, ready.session)
    assert actor.user_id is not None
    assert not deferred.take(actor.collectivity_id, actor.user_id, 1, [ready.session])
    with pytest.raises(Refusal, match="session-used"):
        sign.complete(actor, ready.session, [key.sign(one.attributes) for one in ready.prepared])


def test_everything_that_awaits_a_signature_is_one_click_away(house: House, mayor: Hand) -> None:
    folders = to_sign(house, 2)
    assert "Signer en lot…" in mayor.text("/a-traiter")
    number = mayor.number_of(mayor.ask("/lots", "POST", {"kind": "sign", "all": "yes"}))
    assert sorted(one.folder_id for one in items(number)) == sorted(folders)


def test_what_is_asked_together_is_asked_once_and_no_longer_afterwards(house: House) -> None:
    key = house.key("a_kervadec")
    known, moment = authorities.trust(), now()
    deaf = replace(known, allowed_hosts=())

    def ask(trust: Trust) -> None:
        check_certificate(key.certificate, key.chain, trust=trust, moment=moment, enrolled=None)

    with asking_once():
        ask(known)
        ask(deaf)  # nobody may be asked any more: the first answer serves
    with pytest.raises(Refusal, match="revocation-unknown"):
        ask(deaf)
    with asking_once():
        for _ in range(2):
            with pytest.raises(Refusal, match="revocation-unknown"):
                ask(deaf)
    with asking_once("batch", known):
        ask(known)
    with asking_once("batch", known):
        ask(deaf)  # the next part of the batch, seconds later
        answers = shared()
    others = (("another", known, 0), ("batch", deaf, 0), ("batch", known, FRESH))
    for name, trust, passed in others:  # another batch, another trust, later
        assert answers is not None
        answers.begun -= passed
        for _ in range(2):  # and a refusal is never kept for the next part
            with asking_once(name, trust), pytest.raises(Refusal, match="revocation-unknown"):
                ask(deaf)
        with asking_once(name, trust):
            ask(known)


def damage(house: House, folder_id: int) -> None:
    """Change the stored bytes of a folder's document, which is told from the others by its own bytes."""
    version = house.versions(folder_id)[0]
    data = bytearray(house.bytes_of(version)) + b"\n% of its own\n"
    stored = vault.store().put_bytes(vault.scope(version.collectivity_id), bytes(data))
    with engine().begin() as connection:
        query = sa.text("UPDATE document_version SET sha256 = :sha, size = :size WHERE id = :id")
        connection.execute(query, {"sha": stored.sha256, "size": stored.size, "id": version.id})
    found = [one for one in (house.settings.data_dir).rglob(f"*{stored.sha256[4:]}*") if one.is_file()]
    assert found, stored.sha256
    found[0].chmod(0o600)
    content = bytearray(found[0].read_bytes())
    content[len(content) // 2] ^= 1
    found[0].write_bytes(bytes(content))


def long_ago(number: int) -> None:
    """Let the moment pass during which the page that signs is believed to be still there."""
    with engine().begin() as connection:
        query = sa.text("UPDATE batch SET seen_at = :then WHERE id = :id")
        connection.execute(query, {"id": number, "then": "2026-01-01 00:00:00"})


def test_a_flow_takes_one_signature_for_each_slip_and_its_certificate_refuses_the_other_folders_alone(
    house: House, mayor: Hand
) -> None:
    with engine().begin() as connection:  # the free certificate of the DGFiP: flows, and nothing else
        connection.execute(sa.update(Certificate).values(purpose=Purpose.PES))
    flow, (invoice,) = house.a_flow(), to_sign(house, 1)
    number = mayor.propose("sign", [invoice, flow])
    page = Page(mayor, number).begin()
    (offered,) = page.ask()
    assert len(offered["items"]) == 2
    page.send()
    page.go()
    house.drain()
    became(number, {flow: ("done", ""), invoice: ("refused", "Rien n’a été signé")})
    assert house.folder(invoice).place == "bon_a_payer"
    with reading() as db:
        assert db.scalars(sa.select(SignatureProof.count)).all() == [2]


def test_a_token_larger_than_its_place_is_signed_again_by_the_open_page_and_then_fits(
    house: House, mayor: Hand
) -> None:
    (folder,) = to_sign(house, 1)
    url = house.settings.tsa_url
    jetons = house.settings.data_dir / "jetons"
    authorities.token_seen(jetons, url, 10)  # as if the authority had had very small tokens until today
    page = Page(mayor, mayor.propose("sign", [folder])).begin()
    page.ask()
    page.send()
    house.drain()
    assert items(page.number)[0].state == "waiting", "not signed, not refused: its key is asked once more"
    assert unsigned_yet(house, folder)
    assert page.ask()
    page.send()
    house.drain()
    signed_once(house, folder)
    assert items(page.number)[0].state == "done"


def unsigned_yet(house: House, folder: int) -> bool:
    return [one.origin for one in house.versions(folder)] == ["deposited"] and (
        house.folder(folder).place == "bon_a_payer"
    )


def test_a_folder_that_cannot_be_read_holds_back_no_other_signature(
    house: House, mayor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = to_sign(house, 3)
    page = Page(mayor, mayor.propose("sign", folders)).begin()
    page.ask()
    page.send()
    read = sign.terms_of

    def broken(db: Db, actor: Actor, session: SignatureSession) -> Any:
        if session.folder_id == folders[1]:
            raise RuntimeError("one row cannot be read")
        return read(db, actor, session)

    def work() -> None:
        with reading() as db:
            due = sa.select(Outbox.id).where(Outbox.kind == SIGN, Outbox.state == "pending")
            rows = db.scalars(due).all()
        for row in rows:
            with suppress(RuntimeError):
                outbox.run(row)

    with monkeypatch.context() as patched:
        patched.setattr(sign, "terms_of", broken)
        work()
    assert [house.versions(one)[-1].origin for one in folders] == ["signed", "deposited", "signed"]
    house.drain()
    assert house.versions(folders[1])[-1].origin == "signed"


@pytest.mark.both_databases
def test_the_key_signs_what_its_page_shows_and_no_other_proposal_of_that_number(
    house: House, mayor: Hand
) -> None:
    """A proposal gives way to the next one, and SQLite gives its number again: the former page is still open."""
    shown, others = (
        [house.an_invoice("bon_a_payer", number=f"F-{n}-{k}") for k in range(2)] for n in range(2)
    )
    page = Page(mayor, mayor.propose("sign", shown))
    second = mayor.propose("sign", others)
    gone = 409 if second == page.number else 404
    refused = page.json(f"cle?marque={page.mark}", page.offer, gone)
    assert refused["key"] == ("batch-changed" if gone == 409 else "batch-unknown")
    assert gone == 404 or "ce lot a changé depuis" in plain(refused["detail"])
    page.json("cle", page.offer, gone)  # who does not say what he was shown
    house.drain()
    assert {house.folder(one).place for one in shown + others} == {"bon_a_payer"}
    Page(mayor, second).begin().go()
    house.drain()
    assert {house.folder(one).place for one in shown} == {"bon_a_payer"}
    assert "bon_a_payer" not in {house.folder(one).place for one in others}
