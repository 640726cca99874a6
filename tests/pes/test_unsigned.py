"""Attachments that follow alone have no bordereau: nobody signs them, and they go to their acquit all the same."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core.db import reading
from app.core.refusals import Refusal
from app.folders import ruling, sending
from app.folders.models import Document
from app.folders.sockets import cautions
from app.signing.models import SignatureProof
from tests.batches.town import Hand, became
from tests.builders import circuits
from tests.builders.house import CONTRACT, FLOW, PAY, PAYSLIPS_ALONE, House

pytestmark = pytest.mark.in_turn

ACCOUNTANT, PAYER = "g.trehorel", "m.kerzerho"
SIGNED_WHERE_DUE = """
key: pes_payroll
label: Flux de paye
steps:
  - { key: ordonnateur, label: Signature, kind: sign, who: { desk: maire }, when: { field: slips, op: ">=", value: 1 } }
  - { key: comptable, label: Transmission, kind: transmit, channel: helios }
"""
ALWAYS_SIGNED = """
key: pes_payroll
label: Flux de paye
steps:
  - { key: ordonnateur, label: Signature, kind: sign, who: { desk: maire } }
  - { key: comptable, label: Transmission, kind: transmit, channel: helios }
"""


def send(house: House, folder_id: int, login: str) -> None:
    sending.send(house.actor(login), folder_id, version=house.folder(folder_id).version)


@pytest.mark.parametrize(("family", "login"), [("pes_payroll", PAYER), ("pes", ACCOUNTANT)])
def test_payslips_that_follow_alone_leave_unsigned_and_are_acquitted(
    house: House, family: str, login: str
) -> None:
    folder_id = house.deposit(login, family, PAYSLIPS_ALONE)
    page = house.client(login).get(f"/dossiers/{folder_id}").get_data(as_text=True)
    assert "Sans bordereau ni signature" in page
    assert "1 pièce jointe" in page
    assert "paye_202611.xhl" in page
    assert "0,00" not in page
    assert house.folder(folder_id).amount_cents is None
    send(house, folder_id, login)
    if family == "pes":
        house.approve(folder_id, "n.abgrallec")
    house.drain()
    assert house.folder(folder_id).place == "done"
    (version,) = house.versions(folder_id)
    assert house.bytes_of(version) == PAYSLIPS_ALONE.read_bytes()
    with reading() as db:
        assert db.scalar(sa.select(SignatureProof.id).where(SignatureProof.folder_id == folder_id)) is None
        receipts = sa.select(Document.title).where(
            Document.folder_id == folder_id, Document.role == "receipt"
        )
        assert db.scalars(receipts).all()
    assert "Acquitté" in house.client(login).get(f"/dossiers/{folder_id}").get_data(as_text=True)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_bordereaux_signed_on_paper_go_by_a_visa_and_are_acquitted_with_nothing_signed_here(
    house: House, tmp_path: Path
) -> None:
    """InfoDematerialisee = 0: of expenses and of pay; a circuit in which nobody would see them does not take them."""
    for family, login, source, viser, place in (
        ("pes", ACCOUNTANT, FLOW, "n.abgrallec", "finance"),
        ("pes_payroll", PAYER, PAY, "a.kervadec", "papier"),
    ):
        path = tmp_path / f"{family}.xml"
        path.write_bytes(
            source.read_bytes().replace(b'InfoDematerialisee V="1"', b'InfoDematerialisee V="0"')
        )
        folder_id = house.deposit(login, family, path)
        page = house.client(login).get(f"/dossiers/{folder_id}").get_data(as_text=True)
        assert "Bordereaux signés sur papier (InfoDematerialisee = 0)" in page
        assert house.folder(folder_id).fields["slips"] == 0
        assert (house.folder(folder_id).amount_cents or 0) > 0
        send(house, folder_id, login)
        assert house.folder(folder_id).place == place
        house.approve(folder_id, viser)
        house.drain()
        assert house.folder(folder_id).place == "done"
        assert house.bytes_of(house.versions(folder_id)[0]) == path.read_bytes()
    # The same bordereaux once more, under another name: a visa is the last look, and waits for who rules
    again = tmp_path / "resent.xml"
    again.write_bytes((tmp_path / "pes.xml").read_bytes().replace(b'<NomFic V="', b'<NomFic V="B'))
    resent = house.deposit(ACCOUNTANT, "pes", again)
    send(house, resent, ACCOUNTANT)
    with pytest.raises(Refusal, match="visa-held") as caught:
        house.approve(resent, "n.abgrallec")
    assert "déjà pris en charge" in str(caught.value.facts["details"])
    accountant = Hand(house, "n.abgrallec")
    lot = accountant.propose("approve", [resent])
    accountant.post(f"/lots/{lot}/commencer")
    house.drain()
    became(lot, {resent: ("refused", "Votre visa n’a pas été donné, et rien n’est parti.")})
    assert house.folder(resent).place == "finance"
    shown = accountant.text(f"/dossiers/{resent}")
    assert "déjà pris en charge" in shown.partition('id="why"')[2]  # the button is off, and says why
    with reading(house.actor(ACCOUNTANT).collectivity_id) as db:
        taken = [one.about for one in cautions(db, house.folder(resent)) if one.about]
    for about in taken:
        version = house.folder(resent).version
        ruling.rule(
            house.actor("n.abgrallec"), resent, version=version, about=about, keep="", word="Renvoi convenu."
        )
    house.approve(resent, "n.abgrallec")
    circuits.publish(house.actor("k.morizur"), "pes_payroll", SIGNED_WHERE_DUE)
    again = tmp_path / "again.xml"
    again.write_bytes(path.read_bytes().replace(b'<NomFic V="', b'<NomFic V="B'))
    unseen = house.deposit(PAYER, "pes_payroll", again)
    with pytest.raises(Refusal, match="to-fix") as caught:
        send(house, unseen, PAYER)
    assert [one["key"] for one in caught.value.facts["problems"]] == ["flow-unseen"]


def test_a_contract_alone_is_shown_leaves_unsigned_and_is_acquitted_by_its_own_number(house: House) -> None:
    folder_id = house.deposit(ACCOUNTANT, "pes", CONTRACT)
    client = house.client(ACCOUNTANT)
    page = client.get(f"/dossiers/{folder_id}").get_data(as_text=True)
    assert "1 marché" in page.replace("\xa0", " ")
    assert "pièce jointe" not in page.partition("Sans bordereau")[2].partition("</p>")[0]
    assert "182450.00" in page
    assert "Refection de la toiture du gymnase" in page
    assert "Le flux suit le schéma PES 5.30" in page.replace("\xa0", " ")
    send(house, folder_id, ACCOUNTANT)
    house.approve(folder_id, "n.abgrallec")
    house.drain()
    assert house.folder(folder_id).place == "done"
    (kept,) = house.versions(folder_id, "receipt")
    assert b'<DomaineAck V="11"/><EtatAck V="1"/><IdMarche V="2026MAR014-001"/>' in house.bytes_of(kept)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.law("PES-02")
def test_no_number_typed_and_no_circuit_take_the_signature_away_or_ask_it_of_nothing(house: House) -> None:
    flow = house.deposit(ACCOUNTANT, "pes", FLOW)
    house.save(flow, ACCOUNTANT, {"slips": "0"})
    with pytest.raises(Refusal, match="to-fix") as caught:
        send(house, flow, ACCOUNTANT)
    assert [one["key"] for one in caught.value.facts["problems"]] == ["flow-to-sign"]
    house.save(flow, ACCOUNTANT, {"slips": "2", "total": "10,00"})
    with pytest.raises(Refusal, match="to-fix") as caught:
        send(
            house, flow, ACCOUNTANT
        )  # a mandate with a ceiling would be judged on another sum than the one paid
    ((problem),) = caught.value.facts["problems"]
    assert (problem["key"], problem["field"]) == ("flow-says-otherwise", "total")
    assert "6\u202f505,05" in problem["sentence"]
    typed = {"total": "", "siret": "21290999800029", "domain": "recettes"}
    house.save(flow, ACCOUNTANT, typed)
    with pytest.raises(Refusal, match="to-fix") as caught:
        send(house, flow, ACCOUNTANT)
    assert {one["field"] for one in caught.value.facts["problems"]} == set(typed)
    house.save(flow, ACCOUNTANT, {"total": "6505,05", "siret": "21290999800017", "domain": "dépenses"})
    send(house, flow, ACCOUNTANT)

    contract = house.deposit(ACCOUNTANT, "pes", CONTRACT)
    house.save(contract, ACCOUNTANT, {"total": "500,00"})
    with pytest.raises(Refusal, match="to-fix") as caught:
        send(house, contract, ACCOUNTANT)
    ((problem),) = caught.value.facts["problems"]
    assert (problem["key"], problem["field"]) == ("flow-says-otherwise", "total")
    house.save(contract, ACCOUNTANT, {"total": ""})
    send(house, contract, ACCOUNTANT)

    circuits.publish(house.actor("k.morizur"), "pes_payroll", ALWAYS_SIGNED)
    house.a_pay_flow(PAY)
    alone = house.deposit(PAYER, "pes_payroll", PAYSLIPS_ALONE)
    with pytest.raises(Refusal, match="to-fix") as caught:
        send(house, alone, PAYER)
    assert [one["key"] for one in caught.value.facts["problems"]] == ["flow-not-to-sign"]
    assert house.folder(alone).place == "draft"
