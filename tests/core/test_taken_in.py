"""Rows of an installation of release 0031, taken in by the migrations that came after it: they say what was true."""

from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.core import schema
from app.core.clock import now, today
from app.core.db import engine, reading
from app.folders import decide
from app.folders.models import Document, Folder, StepRun
from app.invoices.models import InvoiceKey
from app.legality.models import ActCancellation, StateLetter
from app.pes.models import FlowAnswer, FlowSlip
from app.publication.models import PublicAct
from app.transmission.models import Transmission
from tests.api.software import Software
from tests.builders.house import ACT, ASSETS, House
from tests.transmission.test_helios import a_copy, a_flow_named, page
from workflows.vocabulary import Right

BEFORE = "0031_certificate_ended"
CREDIT_NOTE = ASSETS / "invoices" / "fx-basic-fr-avoir-381.pdf"


def rows_of(query: sa.Select[Any]) -> set[tuple[Any, ...]]:
    with reading() as db:
        return {tuple(row) for row in db.execute(query)}


def change(statement: Any) -> None:
    with engine().begin() as connection:
        connection.execute(statement)


def cancelled_and_referred(act: Folder) -> None:
    """The cancellation of an act that is online, and two referrals about it."""
    common = {"collectivity_id": act.collectivity_id, "folder_id": act.id}
    cancelled = {"request_folder_id": act.id, "identifier": "029-1", "number": act.number, "motive": "Erreur"}
    cancelled |= {"cancelled_on": date(2026, 11, 3), "recorded_at": now()}
    change(sa.insert(ActCancellation).values(**common, **cancelled))
    letter = {"code": "5-1", "received_at": now(), "sha256": "0" * 64, "size": 1, "filename": "5-1.xml"}
    letter |= {"files": [], "conforming": True, "simulated": True}
    for rank, day in enumerate((date(2026, 11, 10), date(2026, 11, 20))):
        change(sa.insert(StateLetter).values(**common, **letter, reference=f"{rank}", received_on=day))


def test_the_rows_of_an_older_installation_are_taken_in_as_they_were_meant(
    house: House, tmp_path: Path
) -> None:
    house.play("helios", "partial")
    without = (rb"^", rb"<PJ>.*?</PJ>")
    former = (b'<Exer V="2026"/>', b'<Exer V="2025"/>')
    in_part = house.a_flow(a_copy(tmp_path, b"F_261120_001", former, without=without))
    house.sign(in_part, "a.kervadec")
    house.drain()
    acquitted = a_flow_named(house, "F_261120_002", tmp_path)
    house.drain()
    invoice, note = house.an_invoice(at="bon_a_payer"), house.an_invoice(at="draft", path=CREDIT_NOTE)
    online = house.a_deliberation(at="done")
    annexed = house.an_act("regulatory_decree", ACT, ACT)
    software = Software(house, "comptabilite", [Right.CREATE])
    cancelled_and_referred(house.folder(online))
    steps = sa.select(StepRun.id, StepRun.matter, StepRun.amount_cents).where(
        StepRun.kind.in_(["sign", "seal"])
    )
    keys = sa.select(InvoiceKey.folder_id, InvoiceKey.key, InvoiceKey.kind)
    answers = sa.select(
        FlowAnswer.folder_id,
        FlowAnswer.round,
        FlowAnswer.sha256,
        FlowAnswer.kind,
        FlowAnswer.series,
        FlowAnswer.number,
        FlowAnswer.accepted,
        FlowAnswer.simulated,
        FlowAnswer.later,
        FlowAnswer.answered_on,
    )
    known = [rows_of(one) for one in (steps, keys, answers)]
    amounts = [house.folder(one).amount_cents for one in (invoice, note)]

    schema.downgrade(BEFORE)
    # The older release let a credit note count above zero, and called a partial acquit a refusal.
    change(sa.text("UPDATE folder SET amount_cents = abs(amount_cents)"))
    change(sa.text("UPDATE transmission SET state = 'refused' WHERE state = 'partial'"))
    # Nobody chose the type of an annex: it left under the act's own.
    change(sa.update(Document).where(Document.folder_id == annexed).values(type_code=None))
    schema.upgrade()
    schema.check()

    taken_in = [rows_of(one) for one in (steps, keys, answers)]
    assert taken_in[:2] == known[:2]
    assert taken_in[2] == {row for row in known[2] if row[0] == acquitted}
    assert {(row[3], row[6], row[9]) for row in taken_in[2]} == {
        ("slip", True, today()),
        ("attachment", True, today()),
    }
    assert [house.folder(one).amount_cents for one in (invoice, note)] == amounts
    assert amounts[1] < 0 < amounts[0]
    assert rows_of(sa.select(PublicAct.folder_id, PublicAct.questioned_on)) == {(online, date(2026, 11, 3))}
    assert house.folder(online).fields["referred_on"] == "2026-11-10"
    assert rows_of(sa.select(FlowSlip.pieces).where(FlowSlip.folder_id == acquitted)) == {(None,)}
    assert rows_of(
        sa.select(Transmission.state, Transmission.stage).where(Transmission.channel == "helios")
    ) == {
        ("acknowledged", None),
        ("refused", None),
    }
    types = sa.select(Document.role, Document.type_code).where(Document.folder_id == annexed)
    assert rows_of(types) == {("main", None), ("attachment", "99_AR")}
    as_people_find_it(house, (in_part, acquitted), software, tmp_path)


def as_people_find_it(house: House, flows: tuple[int, ...], software: Software, room: Path) -> None:
    """The pages of what was there, and what they tell of a flow that repeats what was acquitted."""
    for folder_id in flows:
        assert page(house, "g.trehorel", folder_id)
    again = house.deposit("g.trehorel", "pes", a_copy(room, b"F_261120_003"))
    assert "Bordereau 1 déjà pris en charge" in page(house, "g.trehorel", again)
    assert software.get("/folders?tray=running").status_code == 200
    decide.withdraw(house.actor("g.trehorel"), again, version=house.folder(again).version)
