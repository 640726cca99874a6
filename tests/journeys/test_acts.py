"""Every family of acts goes from the deposit to its end: signed, transmitted when it must be, published or notified."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine

from app.core.clock import now, today
from app.core.db import reading
from app.core.french import jour, jour_long
from app.core.refusals import Refusal
from app.folders.models import Publication, StepRun
from app.signing.models import SignatureProof
from tests.builders.house import ACT, BUDGET, House
from tests.builders.mandates import of_mayor, record
from tests.journeys.test_paper import incoming, state, statement
from tests.legality.test_acts import text_of

pytestmark = pytest.mark.in_turn

MAYOR = "a.kervadec"


@pytest.mark.parametrize("name", ["regulatory_decree", "individual_decree", "decision", "budget"])
@pytest.mark.law("TRA-01")
def test_an_act_is_signed_transmitted_published_and_enforceable(house: House, name: str) -> None:
    folder_id = house.an_act(name, *((BUDGET, ACT) if name == "budget" else ()))
    house.sign(folder_id, MAYOR)
    house.drain()
    assert b"ARActe" in house.bytes_of(house.versions(folder_id, "receipt")[0])
    house.publish(folder_id)
    assert house.folder(folder_id).place == "done"
    with reading() as db:
        assert db.get_one(Publication, folder_id).enforceable_on == today()


def test_an_act_of_no_other_family_ends_with_its_receipt(house: House) -> None:
    folder_id = house.an_act("other_act")
    house.sign(folder_id, MAYOR)
    house.drain()
    assert house.folder(folder_id).place == "done"


@pytest.mark.law("TRA-03", "REG-06")
def test_an_order_that_the_law_exempts_goes_to_nobody_and_is_enforceable_once_published(house: House) -> None:
    folder_id = house.an_act("regulatory_decree", transmitted="no")
    asked = house.client(MAYOR).get(f"/dossiers/{folder_id}/signer").get_data(as_text=True)
    assert (
        "faites-y classer un exemplaire signé à la main" in asked
    )  # the register is paper, and the law silent
    house.sign(folder_id, MAYOR)
    assert house.folder(folder_id).place == "publication"
    house.publish(folder_id)
    with reading() as db:
        assert db.get_one(Publication, folder_id).enforceable_on == today()
    assert "transmission.sent" not in house.journal(folder_id)


@pytest.mark.law("SIG-04", "TRA-06")
def test_a_contract_is_refused_to_a_certificate_that_is_not_qualified(house: House) -> None:
    folder_id = house.an_act("contract")
    with pytest.raises(Refusal, match="assurance-too-low"):
        house.sign(folder_id, MAYOR)
    house.enrol(MAYOR, "qualified_soft")
    house.sign(folder_id, MAYOR, "qualified_soft")
    # Transmitted within fifteen days of its signature, and the other party is notified of it only then.
    with pytest.raises(Refusal, match="not-your-turn|moved-on"):
        house.publish(folder_id)
    house.drain()
    assert house.folder(folder_id).place == "notification"
    shown = house.client("k.morizur").get(f"/dossiers/{folder_id}/prefecture").get_data(as_text=True)
    assert jour_long(today() + timedelta(days=15)) in shown
    assert "quinze jours de la signature (CGCT L2131-13)" in shown
    house.publish(folder_id)
    assert house.folder(folder_id).place == "done"
    with reading() as db:
        assert db.get_one(Publication, folder_id).enforceable_on == today()
        assert db.query(SignatureProof).filter_by(folder_id=folder_id).one().assurance == "advanced_qualified"


def test_a_decision_above_what_its_signer_may_engage_is_not_signed(house: House) -> None:
    record(house, of_mayor(house, ceiling_cents=1_000_000))
    folder_id = house.an_act("decision", amount="10000.01")
    with pytest.raises(Exception, match="mandate-above-ceiling"):
        house.sign(folder_id, MAYOR)
    house.sign(house.an_act("decision", amount="10000"), MAYOR)


@pytest.mark.law("ACT-03")
def test_a_decision_above_the_ceiling_of_the_council_does_not_leave(house: House) -> None:
    with pytest.raises(Refusal, match="to-fix") as refused:
        house.an_act("decision", amount="90000.01")
    assert "Soumettez l’affaire au conseil municipal" in str(refused.value.facts["details"])


@pytest.mark.law("ACT-06")
def test_TRA_01_an_order_is_notified_after_it_was_signed_and_says_so(house: House, tmp_path: Path) -> None:
    folder_id = house.an_act("individual_decree")
    house.sign(folder_id, MAYOR)
    house.drain()
    with pytest.raises(Refusal, match="date-before-signature"):
        house.publish(folder_id, today() - timedelta(days=1))
    client = house.client("k.morizur")
    page = client.get(f"/dossiers/{folder_id}").get_data(as_text=True)
    assert "À vous de notifier" in page
    assert "Enregistrer la notification" in page
    assert ": à notifier" in page.replace("\u00a0", " ")
    assert "À notifier" in client.get("/a-traiter").get_data(as_text=True)
    assert f'min="{today().isoformat()}"' in page
    stamp = text_of(client.get(f"/dossiers/{folder_id}/copie-tamponnee").data, tmp_path)
    assert "pas encore notifié" in client.get(f"/dossiers/{folder_id}/prefecture").get_data(as_text=True)
    assert ("Notification : en attente" in stamp, "Publication" in stamp) == (True, False)
    house.publish(folder_id)
    made = text_of(client.get(f"/dossiers/{folder_id}/certificat-executoire").data, tmp_path)
    assert ("par sa notification" in made, "sa publication" in made) == (True, False)
    for where in ("?onglet=details", "/prefecture"):
        shown = client.get(f"/dossiers/{folder_id}{where}").get_data(as_text=True)
        assert "Notifié le" in shown
        assert "En ligne au moins" not in shown
    circuit = client.get(f"/dossiers/{folder_id}").get_data(as_text=True)
    assert ("Notifié par" in circuit, "Publié par" in circuit) == (True, False)


@pytest.mark.law("TRA-05")
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_individual_decision_that_is_not_transmitted_in_fifteen_days_is_late_for_all(
    house: House, tmp_path
) -> None:
    """The fifteen days run from the signature: of one by hand, from the day that was stated."""
    by_key, by_hand = house.an_act("individual_decree"), house.an_act("individual_decree")
    house.sign(by_key, MAYOR)
    yesterday = statement(signed_on=today() - timedelta(days=1))
    state(house, by_hand, MAYOR, yesterday, incoming(tmp_path))
    with reading() as db:
        due = {
            run.folder_id: run.due_on
            for run in db.scalars(
                sa.select(StepRun).where(StepRun.kind == "transmit", StepRun.state == "active")
            )
        }
    assert due == {by_key: today() + timedelta(days=15), by_hand: today() + timedelta(days=14)}
    shown = house.client("k.morizur").get(f"/dossiers/{by_key}").get_data(as_text=True)
    words = f"À transmettre sous 15 jours, {jour(due[by_key])} (CGCT L2131-2, II)"
    assert words in shown.replace("\xa0", " ").replace("\u202f", " ")
    with time_machine.travel(now() + timedelta(days=15), tick=False):
        home = house.client("k.morizur").get("/a-traiter").get_data(as_text=True)
    assert f"/dossiers/{by_hand}" in home
    assert f"/dossiers/{by_key}" not in home
