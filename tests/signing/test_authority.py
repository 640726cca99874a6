"""As what one signs: by mandate once the commune has recorded one, in the exact words, and never outside of it."""

import html
import re
import subprocess
from base64 import b64encode
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from pyhanko.pdf_utils.reader import PdfFileReader

from app.core.clock import now, today
from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.display.queues import todo
from app.folders import sending
from app.folders.models import Folder
from app.journal.models import JournalEntry
from app.people.mandates import end_mandate
from app.people.models import MandateRow
from app.signing import sign
from app.signing.formats import pades
from app.signing.models import SignatureProof, SignatureSession
from app.trust import authorities
from tests.builders.house import INVOICE, House
from tests.builders.mandates import (
    ADMINISTRATOR,
    BY_DELEGATION,
    DEPUTY,
    a_deputy,
    a_mayor_and_a_deputy,
    of_deputy,
    of_mayor,
    record,
)
from tests.builders.verify import verify
from tests.circuits.test_rules import a_type
from workflows.mandates import Kind
from workflows.own_types import OwnField

pytestmark = pytest.mark.in_turn

A, B = "a.kervadec", "b.cadiou"
DAY = timedelta(days=1)


def refused(house, folder_id, who, **more):
    with pytest.raises(Refusal) as caught:
        prepare(house, folder_id, who, **more)
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(SignatureSession)) == 0
    return caught.value.key


def prepare(house, folder_id, who, **more):
    from app.signing.keys.browser import BrowserKey

    key = house.key("rsa3072" if who == DEPUTY else "a_kervadec" if who == A else "b_cadiou")
    public = BrowserKey(key.certificate, tuple(key.chain))
    version = house.folder(folder_id).version
    return sign.prepare(house.actor(who), folder_id, version=version, key=public, **more), key


def complete(house, who, prepared):
    ready, key = prepared
    return sign.complete(
        house.actor(who), ready.session, [key.sign(one.attributes) for one in ready.prepared]
    )


def proof(house, folder_id):
    with reading() as db:
        query = sa.select(SignatureProof).where(SignatureProof.folder_id == folder_id)
        return db.scalars(query.order_by(SignatureProof.id.desc())).first()


def signed_line(house, folder_id):
    with reading() as db:
        query = sa.select(JournalEntry.facts).where(
            JournalEntry.folder_id == folder_id, JournalEntry.event == "folder.sign"
        )
        return db.scalars(query.order_by(JournalEntry.id.desc())).first()


def said_by(house, folder_id, tmp_path):
    """What the signed file itself says: in its signature, on its page, and to whoever verifies it."""
    path = tmp_path / "signed.pdf"
    path.write_bytes(house.bytes_of(house.versions(folder_id)[-1]))
    with path.open("rb") as stream:
        reason = str(PdfFileReader(stream).embedded_signatures[-1].sig_object["/Reason"])
    drawn = subprocess.run(["pdftotext", "-raw", path, "-"], capture_output=True, check=True).stdout.decode()
    (verdict,) = verify(path, authorities.trust(), now())
    assert reason in verdict.report
    return reason, " ".join(drawn.split()), verdict.capacity


def test_without_any_mandate_recorded_everybody_signs_in_his_own_capacity_as_before(house: House) -> None:
    a_deputy(house)
    for who, capacity in ((A, "Maire"), (DEPUTY, "Adjointe aux finances")):
        folder_id = house.an_invoice(at="bon_a_payer")
        complete(house, who, prepare(house, folder_id, who))
        assert (proof(house, folder_id).capacity, proof(house, folder_id).mandate_id) == (capacity, None)


@pytest.mark.law("ACT-01")
def test_the_mayor_and_the_deputy_sign_in_the_exact_words_everywhere(house: House, tmp_path) -> None:
    mayor, delegation = a_mayor_and_a_deputy(house)
    for who, mandate_id, said in ((A, mayor, "Le maire"), (DEPUTY, delegation, BY_DELEGATION)):
        folder_id = house.an_invoice(at="bon_a_payer")
        complete(house, who, prepare(house, folder_id, who))
        row = proof(house, folder_id)
        assert (row.capacity, row.mandate_id) == (said, mandate_id)
        reason, printed, judged = said_by(house, folder_id, tmp_path)
        assert (reason, judged) == (said, said)
        assert said in printed
        facts = signed_line(house, folder_id)
        assert f'"capacity":"{said}"' in facts
        assert f'"mandate":{mandate_id}' in facts
        page = house.client(who).get(f"/dossiers/{folder_id}").get_data(as_text=True)
        assert said in page
    assert '"order":"2026-041"' in signed_line(house, folder_id)


def test_once_a_mandate_is_recorded_whoever_has_none_signs_nothing(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    a_deputy(house)
    mayor = record(house, of_mayor(house))
    assert refused(house, folder_id, DEPUTY) == "mandate-missing"
    end_mandate(
        house.actor(ADMINISTRATOR), mayor, reason="Fin de ses fonctions"
    )  # ending the last one does not open the door again
    assert refused(house, folder_id, DEPUTY) == "mandate-missing"
    assert refused(house, folder_id, A) == "mandate-ended"


def test_the_secretary_of_the_sitting_signs_in_his_own_capacity(house: House) -> None:
    record(house, of_mayor(house))
    folder_id = house.a_deliberation(at="signatures")
    complete(house, B, prepare(house, folder_id, B))
    assert (proof(house, folder_id).capacity, proof(house, folder_id).mandate_id) == (
        "Secrétaire de séance",
        None,
    )
    complete(house, A, prepare(house, folder_id, A))
    assert proof(house, folder_id).capacity == "Le maire"


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"starts_on": today() + 9 * DAY}, "mandate-not-executory"),  # midnight may pass meanwhile
        ({"ends_on": today() - DAY}, "mandate-ended"),
        ({"families": ("deliberation",)}, "mandate-outside-family"),
        ({"ceiling_cents": 100}, "mandate-above-ceiling"),
    ],
)
def test_a_deputy_signs_neither_too_early_nor_too_late_nor_outside_nor_above(
    house: House, changes, key
) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    a_mayor_and_a_deputy(house, **changes)
    assert refused(house, folder_id, DEPUTY) == key
    assert house.folder(folder_id).place == "bon_a_payer"


def test_a_ceiling_holds_the_amounts_that_a_type_asks_besides_the_family_s(house: House) -> None:
    """What the walk of a commune saw: 22 000 € signed by delegation up to 10 000 €, the amount being a field of the type."""
    kind = a_type(house, OwnField("own_estimate", "Montant estimé", "amount"))
    a_mayor_and_a_deputy(house, ceiling_cents=10_000_00)
    answers = {}
    for estimate in ("", "9999", "22000"):
        folder_id = house.deposit("g.trehorel", kind, INVOICE)
        typed = {
            "received_on": today().isoformat(),
            "proof_of_service": "technique",
            "own_estimate": estimate,
        }
        house.save(folder_id, "g.trehorel", typed)
        sending.send(house.actor("g.trehorel"), folder_id, version=house.folder(folder_id).version)
        house.another(folder_id)
        for who in ("r.pellenec", "n.abgrallec"):
            house.approve(folder_id, who)
        assert house.folder(folder_id).place == "bon_a_payer"
        with reading() as db:
            answers[estimate] = [line.id for line in todo(db, house.actor(DEPUTY))].count(folder_id)
    assert answers == {"": 1, "9999": 1, "22000": 0}
    assert refused(house, folder_id, DEPUTY) == "mandate-above-ceiling"
    complete(house, A, prepare(house, folder_id, A))


def test_a_deputy_signs_no_matter_that_is_not_his(house: House) -> None:
    folder_id = house.a_deliberation(at="signatures")
    a_mayor_and_a_deputy(house, matters=("3", "7.1"))
    assert refused(house, folder_id, DEPUTY) == "mandate-outside-matter"


@pytest.mark.law("DLG-01")
def test_a_delegation_begins_when_the_order_signed_here_is_executory_and_stops_when_it_is_no_more(
    house: House,
) -> None:
    a_deputy(house)
    record(house, of_mayor(house))
    order = house.an_act("regulatory_decree", number="2026-777", matter="5.5")
    typed = {"order_folder_id": order, "order_number": "faux", "starts_on": today() - timedelta(days=90)}
    for step in (lambda: house.sign(order, A), house.drain, lambda: None):
        # Chosen in the list, or its number typed by hand as each may write it
        for way in (typed, {"order_number": "2026-777"}, {"order_number": " 2026_777 "}):
            with pytest.raises(Refusal, match="mandate-order"):
                record(house, of_deputy(house, **way))
        step()
    to_come = {"order_number": "2027-001", "order_date": today() + DAY, "starts_on": today() + DAY}
    with pytest.raises(Refusal, match="mandate-order-to-come"):
        record(house, of_deputy(house, **to_come))
    house.publish(order)
    delegation = record(house, of_deputy(house, **typed))
    with reading() as db:
        row = db.get_one(MandateRow, delegation)
        assert (row.order_number, row.order_date, row.starts_on) == ("2026_777", today(), today())
    page = house.client(ADMINISTRATOR).get("/administration/mandats").get_data(as_text=True)
    assert "Quai du port, exécutoire le" in page
    folder_id = house.an_invoice(at="bon_a_payer")
    complete(house, DEPUTY, prepare(house, folder_id, DEPUTY))
    late = house.an_invoice(at="bon_a_payer")
    ready = prepare(house, late, DEPUTY)
    with engine().begin() as db:  # as the receipt of its cancellation does
        fields = db.scalar(sa.select(Folder.fields).where(Folder.id == order))
        cancelled = {**fields, "cancelled_on": today().isoformat()}
        db.execute(sa.update(Folder).where(Folder.id == order).values(fields=cancelled))
    with pytest.raises(Refusal, match="mandate-order-off"):
        complete(house, DEPUTY, ready)
    with pytest.raises(Refusal, match="mandate-order-off"):
        prepare(house, late, DEPUTY)
    deputy = house.client(DEPUTY)
    said = deputy.get(f"/dossiers/{late}").get_data(as_text=True)
    assert "n’est pas exécutoire aujourd’hui" in said
    assert "À vous de signer" not in said
    assert f"/dossiers/{late}" not in deputy.get("/a-traiter").get_data(as_text=True), "nor is he asked"
    house.drain()
    house.mail.clear()
    another = house.an_invoice(at="bon_a_payer")
    house.drain()
    told = {one["To"] for one in house.mail.letters}
    assert any("kervadec" in one for one in told)
    assert not any("lebras" in one for one in told), "nor told of one more"
    assert "Arrêté non exécutoire aujourd’hui" in house.client(ADMINISTRATOR).get(
        "/administration/mandats"
    ).get_data(as_text=True)
    assert f"/dossiers/{another}" in house.client(A).get("/a-traiter").get_data(as_text=True)


@pytest.mark.law("DLG-06")
def test_nobody_signs_by_the_mandate_of_somebody_else(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    mayor, _ = a_mayor_and_a_deputy(house)
    assert refused(house, folder_id, DEPUTY, mandate=mayor) == "mandate-not-offered"
    assert refused(house, folder_id, A, mandate=999_999) == "mandate-not-offered"


@pytest.mark.both_databases
@pytest.mark.law("DLG-06")
def test_a_folder_is_signed_in_no_words_that_its_page_did_not_show(house: House) -> None:
    """A mandate recorded while the page is open is the strongest capacity, where the page said another."""
    a_deputy(house)
    folder_id = house.an_invoice(at="bon_a_payer")
    browser = house.client(DEPUTY)
    page = browser.get(f"/dossiers/{folder_id}/signer").get_data(as_text=True)
    (capacity,), (absent,) = (
        re.findall('data-words="([^"]*)"', page),
        re.findall('data-absent="([^"]*)"', page),
    )
    (where,) = re.findall('data-prepare="([^"]*)"', page)
    key = house.key("rsa3072")
    asked = {
        "version": house.folder(folder_id).version,
        "box": None,
        "mandate": None,
        "shown": {"capacity": html.unescape(capacity), "absent": absent},
        "provider": "browser",
        "certificate": b64encode(key.certificate).decode(),
        "chain": [b64encode(one).decode() for one in key.chain],
    }
    headers = {"X-CSRFToken": house.csrf(browser)}
    record(house, of_mayor(house))
    record(house, of_deputy(house))
    answer = browser.post(where, json=asked, headers=headers)
    assert (answer.status_code, answer.get_json()["key"]) == (409, "mandate-changed")
    assert "Adjointe aux finances" in answer.get_json()["detail"]
    with reading() as db:
        assert db.scalars(sa.select(SignatureSession.id)).all() == []
    for strange in ("Adjointe aux finances", {"capacity": 3, "absent": ""}, {"capacity": ""}):
        answer = browser.post(where, json={**asked, "shown": strange}, headers=headers)
        assert (answer.status_code, answer.get_json()["key"]) == (400, "bad-request")
    # Read again, the page says the words in which it signs
    page = browser.get(f"/dossiers/{folder_id}/signer").get_data(as_text=True)
    again = {"capacity": html.unescape(re.findall('data-words="([^"]*)"', page)[0]), "absent": ""}
    assert again["capacity"] == BY_DELEGATION
    assert browser.post(where, json={**asked, "shown": again}, headers=headers).status_code == 200


def test_who_has_several_mandates_signs_by_the_one_he_chose(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    _, delegation = a_mayor_and_a_deputy(house)
    standin = of_deputy(
        house,
        kind=Kind.SUBSTITUTE,
        title="la première adjointe",
        starts_on=today(),
        ends_on=today() + 7 * DAY,
        reason="Maire hospitalisé",
    )
    record(house, standin)
    ready, key = prepare(house, folder_id, DEPUTY, mandate=delegation)
    complete(house, DEPUTY, (ready, key))
    assert proof(house, folder_id).mandate_id == delegation
    second = house.an_invoice(at="bon_a_payer")
    complete(house, DEPUTY, prepare(house, second, DEPUTY))
    assert proof(house, second).capacity == "La première adjointe, suppléante"


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.law("ACT-05")
def test_a_substitute_signs_a_decision_of_the_mayor_only_where_his_mandate_names_it(house: House) -> None:
    folder_id = house.an_act("decision")
    record(house, of_mayor(house))
    a_deputy(house)
    given = {
        "kind": Kind.SUBSTITUTE,
        "title": "la première adjointe",
        "starts_on": today(),
        "ends_on": today() + 7 * DAY,
        "reason": "Maire hospitalisé",
        "matters": (),
        "ceiling_cents": None,
    }
    silent = record(house, of_deputy(house, **given, families=()))
    assert refused(house, folder_id, DEPUTY) == "mandate-council-decides"
    end_mandate(house.actor(ADMINISTRATOR), silent, reason="Fin de ses fonctions")
    record(house, of_deputy(house, **given, families=("decision",)))
    complete(house, DEPUTY, prepare(house, folder_id, DEPUTY))
    assert proof(house, folder_id).capacity == "La première adjointe, suppléante"


def stored(house):
    """Every object of the store."""
    return {one.name for one in (Path(house.settings.data_dir) / "documents").rglob("*") if one.is_file()}


def untouched(house, folder_id):
    assert house.folder(folder_id).place == "bon_a_payer"
    assert [one.origin for one in house.versions(folder_id)] == ["deposited"]
    assert proof(house, folder_id) is None
    assert "folder.sign" not in house.journal(folder_id)


@pytest.mark.parametrize("whose", ["the delegation", "the mayor"])
def test_a_delegation_ended_between_the_two_phases_signs_nothing(house: House, whose) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    mayor, delegation = a_mayor_and_a_deputy(house)
    prepared = prepare(house, folder_id, DEPUTY)
    end_mandate(
        house.actor(ADMINISTRATOR),
        mayor if whose == "the mayor" else delegation,
        reason="Fin de ses fonctions",
    )
    before = stored(house)
    with pytest.raises(Refusal) as caught:
        complete(house, DEPUTY, prepared)
    assert caught.value.key == ("mandate-fell" if whose == "the mayor" else "mandate-ended")
    untouched(house, folder_id)
    assert stored(house) == before  # no signed file lies about


def test_a_delegation_ended_while_the_signature_is_being_proven_signs_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    _, delegation = a_mayor_and_a_deputy(house)
    prepared, read_again = prepare(house, folder_id, DEPUTY), pades.check

    def ends(*args, **kwargs):
        end_mandate(
            house.actor(ADMINISTRATOR), delegation, reason="Fin de ses fonctions"
        )  # after the last look without the lock
        return read_again(*args, **kwargs)

    monkeypatch.setattr(pades, "check", ends)
    with pytest.raises(Refusal, match="mandate-ended"):
        complete(house, DEPUTY, prepared)
    untouched(house, folder_id)


def test_words_that_no_longer_hold_are_not_written_though_another_mandate_would_do(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    _, delegation = a_mayor_and_a_deputy(house)
    prepared = prepare(house, folder_id, DEPUTY)
    record(house, of_deputy(house, title="l’adjointe à la commande publique"))
    end_mandate(house.actor(ADMINISTRATOR), delegation, reason="Fin de ses fonctions")
    with pytest.raises(Refusal, match="mandate-lost"):
        complete(house, DEPUTY, prepared)
    untouched(house, folder_id)


def test_the_first_mandate_recorded_stops_what_was_prepared_without_one(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    a_deputy(house)
    prepared = prepare(house, folder_id, DEPUTY)
    record(house, of_mayor(house))
    with pytest.raises(Refusal, match="mandate-missing"):
        complete(house, DEPUTY, prepared)
    untouched(house, folder_id)
