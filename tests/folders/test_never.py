"""Faults that were found once and must not come back: a wrong circuit, a wrong page, a lost letter, a late worker."""

import pytest

from app.circuits import library
from app.core.db import reading
from app.core.outbox import Outbox, Row
from app.core.refusals import Refusal
from app.core.transaction import use_case
from app.folders import stranded
from app.folders.move import present
from app.folders.notices import news_of
from app.folders.seats import Slot
from app.notices import letter
from app.signing import payload
from app.transmission import dispatch
from app.transmission.models import Transmission
from tests.builders.house import House
from tests.mailserver import MailServer, read
from workflows.circuit import Phase
from workflows.engine import Moved
from workflows.vocabulary import Action

pytestmark = pytest.mark.in_turn


@use_case
def write_and_fail(db, collectivity_id: int) -> None:
    version = library.freeze(db, collectivity_id, "invoice")
    library.circuit_of(db, version.id)
    raise RuntimeError("the verb failed")


def test_a_circuit_that_was_rolled_back_is_not_kept_for_another(house: House) -> None:
    with pytest.raises(RuntimeError):
        write_and_fail(house.actor("k.morizur").collectivity_id)
    folder_id = house.a_deliberation(at="direction")
    with reading() as db:
        assert present(db, house.folder(folder_id)).circuit.key == "deliberation"


def test_the_page_that_a_person_chooses_is_the_page_that_is_signed() -> None:
    corners = {"x1": 10, "y1": 20, "x2": 200, "y2": 80}
    assert payload.box({"box": {"page": 1, **corners}}).page == 0
    assert payload.box({"box": {"page": 3, **corners}}).page == 2
    for wrong in (0, -1, "deux"):
        with pytest.raises(Refusal, match="bad-request"):
            payload.box({"box": {"page": wrong, **corners}})


def test_the_depositor_who_publishes_is_told_of_the_receipt_and_of_his_turn_in_one_letter(
    house: House, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_id = house.a_deliberation(at="publication")
    house.drain()
    subjects = [str(one["Subject"]) for one in mail.to("k.morizur@kerlann-sur-mer.example")]
    (both,) = [one for one in subjects if "accusé de réception" in one or "vous attend" in one]
    assert both.endswith("un accusé de réception est arrivé, 1 dossier vous attend")
    page = house.client("k.morizur").get(f"/dossiers/{folder_id}?onglet=journal").get_data(as_text=True)
    assert "Accusé reçu, à traiter" in page
    # Late, once the act is published, the receipt is still news; nobody is asked what is done.
    house.publish(folder_id)
    with reading() as db:
        (row,) = [one for one in db.query(Outbox).filter_by(kind="mail") if one.payload.get("turn")]
    late = read(letter.write(row, house.settings, house.app.jinja_env).message)
    assert str(late["Subject"]).endswith("un accusé de réception est arrivé")
    assert "votre décision" not in late.as_string()
    # A receipt that leaves a folder where nobody may act is told in the letter that says so.
    invoice = house.folder(house.a_quick_invoice())
    moved = Moved(
        Action.ACKNOWLEDGE, "handover", "archive", "handover", 1, 1, closed=True, phase=Phase.RUNNING
    )
    with reading(invoice.collectivity_id) as db:
        nobody = (Slot("desk:archives", "Archives", None, None, ()),)
        told = news_of(db, invoice, moved, nobody, house.actor("n.abgrallec"), stuck=True)
    depositor = [one.payload for one in told if one.payload["user_id"] == invoice.depositor_user_id]
    assert [(one["event"], one["after"]) for one in depositor] == [("nobody_may_act", "receipt_arrived")]
    # Who deposited and administers too is told both in one letter, which leads to the mandates
    act = house.folder(folder_id)
    with reading(act.collectivity_id) as db:
        told = news_of(db, act, moved, nobody, house.actor("n.abgrallec"), stuck=True)
    (one,) = [one for one in told if one.payload["user_id"] == act.depositor_user_id]
    assert (one.payload["page"], one.payload["after"]) == ("/administration/mandats", "receipt_arrived")
    monkeypatch.setattr(stranded, "lacking_since", lambda *_: "Archives")
    letter_of = Row(
        row.id, "mail", row.key, act.collectivity_id, act.id, None, one.payload, 1, row.created_at, None, ""
    )
    told_of = read(letter.write(letter_of, house.settings, house.app.jinja_env).message)
    words = told_of.get_body(("plain",)).get_content()
    assert ("L’accusé de réception" in words, "/administration/mandats" in words) == (True, True)


def test_a_worker_that_comes_back_late_changes_nothing_of_what_was_acknowledged(house: House) -> None:
    folder_id = house.a_deliberation(at="publication")
    before = house.journal(folder_id)
    with reading() as db:
        (row,) = db.query(Transmission).filter_by(folder_id=folder_id)
    system = dispatch.system(row.collectivity_id)
    package = dispatch.Package(house.settings.data_dir, "tard.tar.gz", "0" * 64)
    dispatch.mark_sending(system, row.id, package)
    dispatch.mark_uncertain(system, row.id)
    dispatch.mark_sent(system, row.id, "autre", None)
    with reading() as db:
        after = db.get_one(Transmission, row.id)
    assert (after.state, after.reference) == ("acknowledged", row.reference)
    assert house.journal(folder_id) == before
