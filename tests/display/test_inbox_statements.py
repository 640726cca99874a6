"""« À traiter » asks the base at most six questions, and a move twelve, whoever looks and whatever is to be said of the rows."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from app.chorus.models import ChorusInvoice
from app.core.clock import now, today
from app.core.db import engine
from app.folders import decide, saved_views, sending
from app.folders.models import StepRun
from app.people.models import Absence
from tests.builders.house import INVOICE, House
from tests.builders.mandates import a_mayor_and_a_deputy
from tests.display.test_folder_page import heard
from tests.folders.test_reject import A, G, R, reject

PAGE, MOVE = 6, 12
K, N, T, DEPUTY = "k.morizur", "n.abgrallec", "t.lescoat", "b.cadiou"
EVERYBODY = (A, DEPUTY, R, G, K, N, T)
HOLD = " FROM hold "
"""A process asks every few seconds whether what leaves is held, for whichever page is made then (`app/core/hold.py`)."""
IBAN = "FR7630001007941234567890185"


def known_at_chorus(house: House, folders: Iterable[int]) -> None:
    """These folders, as if Chorus Pro had given them."""
    common: dict[str, Any] = {
        **dict.fromkeys(("service", "service_name", "trouble"), ""),
        "history": [],
        "completions": [],
        "structure": 1,
        "kind": "FACTURE",
        "number": "F",
        "seller": "90000000500014",
        "total": "10.00",
        "frame": "A1",
        "buyer_siret": "21290999800010",
        "status": "MISE_A_DISPOSITION",
        "since": "2026-11-20 10:00:00.000",
        "state": "fetched",
        "available_on": today(),
        "turn": 0,
        "simulated": True,
        "folder_version": 1,
        "first_at": now(),
        "fetched_at": now(),
    }
    here = house.actor(A).collectivity_id
    rows = [
        {**common, "cpro_id": n, "folder_id": folder_id, "collectivity_id": here}
        for n, folder_id in enumerate(folders, start=1)
    ]
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(sa.insert(ChorusInvoice), rows)


def away(house: House, login: str, by: str) -> None:
    """Somebody who is away for three days, and who stands in."""
    row: dict[str, Any] = {
        "collectivity_id": house.actor(A).collectivity_id,
        "user_id": house.actor(login).user_id,
        "cover_id": house.actor(by).user_id,
        "types": [],
        "acts": True,
        "letters": False,
        "revision": 1,
        "set_by": "Essai",
        "set_at": now(),
        "starts_at": now() - timedelta(days=1),
        "ends_at": now() + timedelta(days=3),
    }
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(sa.insert(Absence), [row])


def late(folders: Iterable[int]) -> None:
    """These folders, two days late where they wait."""
    steps = sa.update(StepRun).where(StepRun.folder_id.in_(list(folders)), StepRun.state == "active")
    with engine().execution_options(writes=True).begin() as connection:
        connection.execute(steps.values(due_on=today() - timedelta(days=2)))


def busy(house: House) -> dict[str, int]:
    """A commune where each room has something to say on « À traiter »; the folders on which the tests decide."""
    house.an_invoice(at="done", number="FA-0", iban=IBAN)
    house.an_invoice(at="bon_a_payer", number="FA-1", iban=IBAN)
    twin = house.deposit(G, "invoice", INVOICE)
    house.save(twin, G, {"received_on": "2026-11-20", "proof_of_service": "technique"})
    sending.send(house.actor(G), twin, version=house.folder(twin).version)
    folders = {
        "service": house.an_invoice(number="FA-3"),
        "finance": house.an_invoice(at="finance", number="FA-4", iban=IBAN),
        "late": house.an_invoice(number="FA-7"),
    }
    house.a_deliberation(at="signatures")
    house.an_invoice(at="draft", number="FA-5")
    returned = house.an_invoice(at="bon_a_payer", number="FA-6")
    reject(house, returned, A)
    known_at_chorus(house, (twin, *folders.values()))
    late((folders["late"], house.an_invoice(at="finance", number="FA-8")))
    for name, desk_id in (("Mes factures", None), ("Celles du bureau", min(house.actor(G).desk_ids))):
        saved_views.save(house.actor(G), "inbox", {"famille": "invoice"}, name, desk_id)
    finance = house.actor(N)
    saved_views.save(finance, "inbox", {"famille": "invoice"}, "Des finances", min(finance.desk_ids))
    away(house, R, by=DEPUTY)
    return folders


def too_long(house: House, logins: Iterable[str]) -> dict[str, list[str]]:
    """The pages that ask more than they may: each read once before, as whoever works there has."""
    beyond = {}
    for login in logins:
        client = house.client(login)
        assert client.get("/a-traiter").status_code == 200
        with heard() as statements:
            assert client.get("/a-traiter").status_code == 200
        asked = [statement for statement in statements if HOLD not in statement]
        if len(asked) > PAGE:
            beyond[f"{login}: {len(asked)}"] = asked
    return beyond


def questions_of_a_visa(house: House, folder_id: int, login: str) -> list[str]:
    actor, version = house.actor(login), house.folder(folder_id).version
    with heard() as statements:
        decide.approve(actor, folder_id, version=version)
    return statements


def test_the_list_asks_six_questions_at_most_whoever_looks(house: House) -> None:
    assert too_long(house, EVERYBODY) == {}  # nothing waits for anybody
    busy(house)
    assert too_long(house, EVERYBODY) == {}
    page = house.client(R).get("/a-traiter").get_data(as_text=True)
    assert "Facture déjà reçue" in page
    page = house.client(G).get("/a-traiter").get_data(as_text=True)
    for words in ("Retourné, à corriger", "Vos dépôts en retard", "Mes factures", "Celles du bureau"):
        assert words in page
    assert "En l’absence de Ronan Pellenec" in house.client(DEPUTY).get("/a-traiter").get_data(as_text=True)


def test_it_asks_no_more_where_mandates_are_recorded(house: House) -> None:
    a_mayor_and_a_deputy(house)
    busy(house)
    assert too_long(house, (*EVERYBODY, "g.lebras")) == {}


def test_a_visa_asks_twelve_questions_at_most(house: House) -> None:
    folders = busy(house)
    asked = {
        name: questions_of_a_visa(house, folders[name], login)
        for name, login in (
            ("service", R),
            ("finance", N),
            ("late", DEPUTY),
        )  # the last in the absence of Pellenec
    }
    assert {name: statements for name, statements in asked.items() if len(statements) > MOVE} == {}


def test_a_visa_before_which_nothing_stands_reads_for_no_gate(house: House) -> None:
    """The folder, its step with what says that nothing else is there, who signs next with his mandates, the head of the journal.

    Who gives a visa next is read with the step.
    """
    twin = house.an_invoice(at="finance", number="FA-1")
    house.an_invoice(at="finance", number="FA-2")
    alone = house.an_invoice(at="finance", number="FA-3")
    questions_of_a_visa(house, house.an_invoice(at="finance", number="FA-4"), N)  # circuits are read once
    asked = questions_of_a_visa(house, alone, N)
    assert len([statement for statement in asked if statement.startswith("SELECT")]) == 4, asked
    asked = questions_of_a_visa(house, house.an_invoice(at="service_done", number="FA-5"), R)
    assert len([statement for statement in asked if statement.startswith("SELECT")]) == 3, asked
    known_at_chorus(house, [twin])
    asked = questions_of_a_visa(house, twin, N)
    assert any(" FROM chorus_invoice " in one and "together" in one for one in asked), asked
