"""A folder's page asks the base at most fifteen questions, whatever its family, its state, and who looks."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from app.core.db import engine
from app.folders import decide, sending
from tests.builders.house import INVOICE, House
from tests.builders.mandates import a_mayor_and_a_deputy
from tests.folders.test_reject import A, reject

pytestmark = pytest.mark.in_turn

MOST = 15
G, K, N, R = "g.trehorel", "k.morizur", "n.abgrallec", "r.pellenec"


@contextmanager
def heard() -> Iterator[list[str]]:
    """What reaches the database, but what opens a transaction."""
    statements: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.upper().startswith(("BEGIN", "PRAGMA")):
            statements.append(" ".join(statement.split()))

    sa.event.listen(engine(), "before_cursor_execute", hear)
    try:
        yield statements
    finally:
        sa.event.remove(engine(), "before_cursor_execute", hear)


def too_long(house: House, pages: dict[str, tuple[int, tuple[str, ...]]]) -> dict[str, list[str]]:
    """The pages that ask more than they may: each read once before, as whoever works there has."""
    clients = {login: house.client(login) for _, logins in pages.values() for login in logins}
    found = {}
    for name, (folder_id, logins) in pages.items():
        for login in logins:
            address = f"/dossiers/{folder_id}"
            assert clients[login].get(address).status_code == 200, (name, login)
            with heard() as statements:
                assert clients[login].get(address).status_code == 200
            if len(statements) > MOST:
                found[f"{name}, {login}: {len(statements)}"] = statements
    return found


def test_the_page_of_an_invoice_asks_fifteen_questions_at_most(house: House) -> None:
    pages: dict[str, tuple[int, tuple[str, ...]]] = {
        "awaits a visa": (house.an_invoice(), (R, G)),
        "awaits the signature": (house.an_invoice(at="bon_a_payer"), (A, G, N)),
        "is over": (house.an_invoice(at="done"), (A, G)),
    }
    returned = house.an_invoice(at="bon_a_payer")
    reject(house, returned, A)
    pages["came back"] = (returned, (G, A))
    assert too_long(house, pages) == {}


def test_that_of_one_that_was_deposited_twice_as_well(house: House) -> None:
    house.an_invoice()
    second = house.deposit(G, "invoice", INVOICE)
    house.save(second, G, {"received_on": "2026-11-20", "proof_of_service": "technique"})
    sending.send(house.actor(G), second, version=house.folder(second).version)
    assert "Facture déjà reçue" in house.client(R).get(f"/dossiers/{second}").get_data(as_text=True)
    assert too_long(house, {"is there twice": (second, (R, G))}) == {}


def test_the_page_of_a_deliberation_asks_fifteen_questions_at_most(house: House) -> None:
    pages = {
        f"at {place}": (house.a_deliberation(at=place), logins)
        for place, logins in (
            ("direction", ("s.rivoal", K)),
            ("signatures", (A, "b.cadiou", K)),
            ("prefecture", (K, A)),
            ("publication", (K, A)),
            ("done", (K, A)),
        )
    }
    assert too_long(house, pages) == {}


def test_the_page_of_a_flow_asks_fifteen_questions_at_most(house: House) -> None:
    flow, pay = house.a_flow(), house.a_pay_flow()
    assert too_long(house, {"to sign": (flow, (A, G, N)), "of pay, to sign": (pay, (A, "m.kerzerho"))}) == {}
    house.sign(flow, A)
    house.drain()
    assert too_long(house, {"is over": (flow, (A, G))}) == {}


def test_the_page_of_another_document_asks_fifteen_questions_at_most(house: House) -> None:
    document = house.a_document(INVOICE.read_bytes(), "plan.pdf")
    assert too_long(house, {"to sign": (document, (A, K))}) == {}
    decide.reject(house.actor(A), document, version=house.folder(document).version, reason="À compléter.")
    assert too_long(house, {"came back": (document, (K,))}) == {}


def test_recorded_mandates_cost_no_question_for_each_signatory(house: House) -> None:
    a_mayor_and_a_deputy(house)
    pages = {
        "act": (house.a_deliberation(at="signatures"), (A, K)),
        "invoice": (house.an_invoice(at="bon_a_payer"), (A, N)),
    }
    assert too_long(house, pages) == {}
