"""Who has several mandates chooses in the dialog by which one he signs, and the act bears those words."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from app.core.clock import today
from app.core.db import reading
from app.signing.models import SignatureProof
from tests.browser.person import Person, apart
from tests.builders.house import House
from tests.builders.mandates import BY_DELEGATION, DEPUTY, a_mayor_and_a_deputy, of_deputy, record
from workflows.mandates import Kind

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]


def a_standin(house: House) -> int:
    """The deputy stands in for the mayor as well, this week."""
    week = {"starts_on": today(), "ends_on": today() + timedelta(days=7), "reason": "Maire hospitalisé"}
    return record(house, of_deputy(house, kind=Kind.SUBSTITUTE, title="la première adjointe", **week))


def test_the_capacity_chosen_in_the_dialog_is_the_one_that_is_signed(house: House, person) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    _, delegation = apart(lambda: a_mayor_and_a_deputy(house))
    standin = a_standin(house)
    deputy: Person = person(DEPUTY)
    deputy.folder(folder_id)
    deputy.open_key(house.pki.p12("rsa3072"), house.pki.passphrase.decode())
    chooser = deputy.page.get_by_label("En quelle qualité signez-vous")
    expect(chooser).to_have_value(str(standin))
    chooser.select_option(label=BY_DELEGATION)
    deputy.button("Signer 1 document").click()
    deputy.sees("est signé.")
    with reading() as db:
        proof = db.scalars(sa.select(SignatureProof)).one()
    assert (proof.mandate_id, proof.capacity) == (delegation, BY_DELEGATION)
