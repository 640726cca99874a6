"""Prepared copies: capped by person, address and house, gone once they serve no more, never a byte that a row needs."""

import os
from base64 import b64encode
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core import outbox
from app.core.clock import now
from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.files import vault
from app.operations.sweep import sweep
from app.signing import copies, sign
from app.signing import session as sessions
from app.signing.models import SignatureSession
from tests.batches.test_signatures import Page, to_sign
from tests.batches.town import Hand, items
from tests.builders.house import House

pytestmark = pytest.mark.in_turn

A = "a.kervadec"


def waiting(house: House) -> dict[str, Path]:
    """The copies on the disk, by digest."""
    return {one.name: one for one in (house.settings.data_dir / "documents").glob("p*/??/*")}


def change(**values) -> None:
    with engine().begin() as connection:
        connection.execute(sa.update(SignatureSession.__table__).values(**values))


def rows() -> list[SignatureSession]:
    with reading() as db:
        return list(db.scalars(sa.select(SignatureSession).order_by(SignatureSession.created_at)))


def aged(house: House) -> None:
    """As if they had been put ten minutes ago."""
    then = (now() - timedelta(minutes=10)).timestamp()
    for one in waiting(house).values():
        os.utime(one, (then, then))


def test_a_copy_waits_apart_and_goes_once_it_is_signed(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    house.prepare(folder_id, A)
    (copy,) = waiting(house)
    (row,) = rows()
    assert (row.prepared_sha256, row.prepared_size) == (copy, waiting(house)[copy].stat().st_size)
    change(expires_at=now() - timedelta(hours=1), state="failed")
    aged(house)
    house.sign(folder_id, A)
    assert len(waiting(house)) == 2
    aged(house)
    outbox.watch()  # the worker's minute
    assert waiting(house) == {}
    assert [one.prepared_sha256 for one in rows()] == ["", ""]
    signed = house.versions(folder_id)[-1]
    assert house.bytes_of(signed).startswith(b"%PDF")
    assert copies.let_go() == 0


def test_what_may_still_be_signed_keeps_its_copy(house: House) -> None:
    house.prepare(house.an_invoice(at="bon_a_payer"), A)
    aged(house)
    assert copies.let_go() == 0
    assert len(waiting(house)) == 1
    change(state="failed", batch_id=7)  # received in a batch: the worker takes it again
    assert copies.let_go() == 0
    assert len(waiting(house)) == 1


def test_an_abandoned_copy_goes_soon_after_its_session_has_ended(house: House) -> None:
    house.prepare(house.an_invoice(at="bon_a_payer"), A)
    aged(house)
    change(expires_at=now() - timedelta(minutes=1))
    assert copies.let_go() == 0
    change(expires_at=now() - timedelta(minutes=3))
    assert copies.let_go() == 1
    assert waiting(house) == {}


def test_bytes_on_which_another_session_waits_stay(house: House) -> None:
    house.prepare(house.an_invoice(at="bon_a_payer"), A)
    house.prepare(house.an_invoice(at="bon_a_payer"), A)
    first, second = rows()
    aged(house)
    with engine().begin() as connection:
        table = SignatureSession.__table__
        connection.execute(
            sa.update(table).where(table.c.id == second.id).values(prepared_sha256=first.prepared_sha256)
        )
        connection.execute(sa.update(table).where(table.c.id == first.id).values(state="failed"))
    assert copies.let_go() == 0
    assert first.prepared_sha256 in waiting(house)
    assert [one.prepared_sha256 for one in rows()] == ["", first.prepared_sha256]


def test_a_copy_that_no_session_names_goes_with_the_daily_sweep(house: House) -> None:
    house.prepare(house.an_invoice(at="bon_a_payer"), A)
    scope = vault.waiting(house.actor(A).collectivity_id)
    left = vault.store().put_bytes(scope, b"left by a kill").sha256
    sweep(0, 0)
    assert left in waiting(house)
    then = (now() - timedelta(days=2)).timestamp()
    for one in waiting(house).values():
        os.utime(one, (then, then))
    sweep(0, 0)
    assert left not in waiting(house)
    assert len(waiting(house)) == 1, "the one that a session names stays"


def test_a_folder_of_a_batch_that_is_refused_lets_its_copy_go(house: House) -> None:
    mayor = Hand(house, A)
    page = Page(mayor, mayor.propose("sign", to_sign(house, 2))).begin()
    page.ask()
    page.send()
    change(prepared=[])  # what was prepared is lost: these signatures can be embedded in nothing
    house.drain()
    assert {one.state for one in items(page.number)} == {"refused"}
    aged(house)
    assert copies.let_go() == 2
    assert waiting(house) == {}


@pytest.mark.parametrize(
    ("whose", "megabytes", "status"),
    [("person", 2048, 429), ("address", 4096, 429), ("house", 20480, 503)],
)
def test_no_more_is_prepared_where_too_much_waits(
    house: House, whose: str, megabytes: int, status: int
) -> None:
    first, second = (house.an_invoice(at="bon_a_payer") for _ in range(2))
    house.prepare(first, A)
    client, key = house.client(A), house.key("a_kervadec")
    other = house.actor("n.abgrallec").user_id
    nearer = {"address": {"user_id": other, "address": "127.0.0.1"}, "house": {"user_id": other}}
    change(prepared_size=megabytes << 20, **nearer.get(whose, {}))
    offer = {
        "provider": "browser",
        "certificate": b64encode(key.certificate).decode(),
        "chain": [b64encode(one).decode() for one in key.chain],
        "version": house.folder(second).version,
    }

    def ask():
        return client.post(
            f"/dossiers/{second}/signature/preparer", json=offer, headers={"X-CSRFToken": house.csrf(client)}
        )

    answer = ask()
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.get_json()["key"] == f"prepared-too-many-{whose}"
    assert "Rien n’a été signé" in str(answer.get_json())
    assert len(rows()) == len(waiting(house)) == 1
    change(prepared_size=(megabytes << 20) - 1)
    assert ask().status_code == 200, "the last one may exceed the cap, nobody waits behind an exact count"


def test_a_person_has_at_most_so_many_copies(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "MOST", 1)
    house.prepare(house.an_invoice(at="bon_a_payer"), A)
    second = house.an_invoice(at="bon_a_payer")
    with pytest.raises(Refusal) as caught:
        house.prepare(second, A)
    assert caught.value.key == "prepared-too-many-person"


def test_a_session_of_before_is_still_completed(house: House) -> None:
    """Upgraded between prepare and complete: its copy lies among the documents, and it has no size."""
    folder_id = house.an_invoice(at="bon_a_payer")
    ready, key = house.prepare(folder_id, A)
    (row,) = rows()
    number = house.actor(A).collectivity_id
    data = vault.store().read(vault.waiting(number), row.prepared_sha256)
    vault.store().put_bytes(vault.scope(number), data)
    waiting(house)[row.prepared_sha256].unlink()
    change(prepared_size=None)
    sign.complete(house.actor(A), row.id, [key.sign(one.attributes) for one in ready.prepared])
    assert sessions.state_of(house.actor(A), folder_id, row.id) == "done"
    copies.let_go()
    assert vault.store().exists(vault.scope(number), row.prepared_sha256), (
        "documents are left to the daily sweep"
    )
