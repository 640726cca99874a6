"""With what one signs: a certificate enrolled for this use, of the level that the family asks for."""

import html
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core.clock import now
from app.core.db import engine, reading
from app.core.french import jour_long
from app.core.refusals import Refusal
from app.people import desks
from app.people.actor import Actor
from app.signing import enrol, sign
from app.signing.models import Certificate, SignatureProof, SignatureSession
from app.trust.certificates import facts
from app.trust.purpose import Purpose
from tests.builders.house import House
from tests.builders.levels import declare

pytestmark = pytest.mark.in_turn

A, K = "a.kervadec", "k.morizur"


def enrolled(house, label, purpose=Purpose.ACTS, by=A):
    der, actor = house.pki.certificate(label), house.actor(A)
    enrol.enrol(house.actor(by), actor.user_id or 0, facts(der), der, purpose)


def refused(house, folder_id, label="a_kervadec"):
    with pytest.raises(Refusal) as caught:
        house.prepare(folder_id, A, label)
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(SignatureSession)) == 0
    return caught.value.key


def proof(house, folder_id):
    with reading() as db:
        return db.scalars(sa.select(SignatureProof).where(SignatureProof.folder_id == folder_id)).one()


def text(answer):
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


def test_who_has_no_certificate_that_signs_today_is_told_what_lacks_and_where(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    client, at = house.client(A), f"/dossiers/{folder_id}/signer"
    button = "data-sign-go"
    assert button in client.get(at).get_data(as_text=True)

    def told(**columns: object) -> str:
        with engine().begin() as connection:
            connection.execute(sa.update(Certificate.__table__).values(**columns))
        shown = client.get(at).get_data(as_text=True)
        assert button not in shown
        assert 'href="/compte/certificats"' in shown
        return text(client.get(at))

    assert "Votre certificat attend l’accord d’un administrateur" in told(to_confirm=True)
    past = now() - timedelta(days=1)
    assert f"ne signe plus depuis le {jour_long(past)}" in told(to_confirm=False, not_after=past)
    assert "Il vous manque un certificat pour signer" in told(withdrawn_at=now())


@pytest.mark.parametrize(
    ("purpose", "asked", "signs"),
    [
        (Purpose.ACTS, "acts", True),
        (Purpose.ACTS, "pes", True),
        (Purpose.PES, "pes", True),
        (Purpose.PES, "acts", False),
        (Purpose.SEAL, "acts", False),
        (Purpose.SEAL, "pes", False),
    ],
)
def test_a_certificate_signs_only_what_it_was_enrolled_for(
    house: House, monkeypatch: pytest.MonkeyPatch, purpose, asked, signs
) -> None:
    declare(monkeypatch, "invoice", certificate_purpose=asked)
    folder_id = house.an_invoice(at="bon_a_payer")
    enrolled(house, "a_kervadec", purpose, by=K)
    if signs:
        house.sign(folder_id, A)
        assert house.folder(folder_id).place == "handover"
    else:
        assert refused(house, folder_id) == "certificate-wrong-purpose"
        assert [one.origin for one in house.versions(folder_id)] == ["deposited"]


@pytest.mark.law("SIG-08")
def test_a_purpose_changed_between_the_two_phases_signs_nothing(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    ready, key = house.prepare(folder_id, A)
    enrolled(house, "a_kervadec", Purpose.PES, by=K)
    with pytest.raises(Refusal, match="certificate-wrong-purpose"):
        sign.complete(house.actor(A), ready.session, [key.sign(one.attributes) for one in ready.prepared])
    assert house.folder(folder_id).place == "bon_a_payer"


def test_the_owner_does_not_lift_the_use_that_was_written_even_by_enrolling_again(house: House) -> None:
    enrolled(house, "a_kervadec", Purpose.PES, by=K)
    with pytest.raises(Refusal, match="certificate-purpose-set"):
        enrolled(house, "a_kervadec", Purpose.ACTS)
    with reading() as db:
        (row,) = enrol.certificates_of(db, house.actor(A).user_id or 0)
    enrol.withdraw(house.actor(A), row.id)
    with pytest.raises(Refusal, match="certificate-purpose-set"):
        enrolled(house, "a_kervadec", Purpose.ACTS)
    enrolled(house, "a_kervadec", Purpose.ACTS, by=K)
    house.sign(house.an_invoice(at="bon_a_payer"), A)


def test_a_certificate_made_for_seals_is_enrolled_as_such_or_not_at_all(house: House) -> None:
    with pytest.raises(Refusal, match="certificate-is-seal"):
        enrolled(house, "eseal")
    enrolled(house, "eseal", Purpose.SEAL)


def test_nobody_enrols_for_a_person_of_another_commune_nor_withdraws_there(house: House) -> None:
    other = desks.create_collectivity(
        "212900018", "Ailleurs", department="029", district="1", nature="31", settings={}
    )
    foreign = Actor(kind="person", collectivity_id=other, name="X", user_id=None, administrator=True)
    der, owner = house.pki.certificate("qualified"), house.actor(A).user_id or 0
    with pytest.raises(Refusal, match="certificate-owner-unknown"):
        enrol.enrol(foreign, owner, facts(der), der)
    with reading() as db:
        row = enrol.certificates_of(db, owner)[0]
    with pytest.raises(Refusal, match="certificate-unknown"):
        enrol.withdraw(foreign, row.id)
    with pytest.raises(Refusal, match="certificate-unknown"):  # an agent does not withdraw the mayor's
        enrol.withdraw(house.actor("n.abgrallec"), row.id)


def test_below_the_minimum_of_the_family_nothing_is_even_prepared(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(monkeypatch, "invoice", minimum_signature="advanced_qualified")
    folder_id = house.an_invoice(at="bon_a_payer")
    assert refused(house, folder_id) == "assurance-too-low"
    for label in ("qualified", "qualified_soft"):
        enrolled(house, label)
    house.sign(folder_id, A, "qualified_soft")
    assert proof(house, folder_id).assurance == "advanced_qualified"
    page = text(house.client(A).get(f"/dossiers/{folder_id}?onglet=pieces"))
    assert "ignature avancée sur certificat qualifié" in page
    second = house.an_invoice(at="bon_a_payer")
    # What was enough when it was prepared is judged again by who tells it
    declare(monkeypatch, "invoice", minimum_signature="simple")
    ready, key = house.prepare(second, A)
    declare(monkeypatch, "invoice", minimum_signature="advanced_qualified")
    with pytest.raises(Refusal, match="assurance-too-low"):
        sign.complete(house.actor(A), ready.session, [key.sign(one.attributes) for one in ready.prepared])
    assert "folder.sign" not in house.journal(second)
    house.sign(second, A, "qualified")
    assert proof(house, second).assurance == "qualified"


@pytest.mark.law("SIG-03")
def test_the_level_reached_is_kept_whatever_the_family_asks_for(house: House) -> None:
    folder_id = house.an_invoice(at="handover")
    assert proof(house, folder_id).assurance == "advanced"
