"""What must happen outside happens: once if nothing dies, at least once if something does, and never in silence."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core import outbox
from app.core.clock import now
from app.core.db import engine, reading
from app.core.outbox import Hopeless, Later, News
from app.core.transaction import use_case
from tests.builders.house import House
from tests.mailserver import MailServer


@use_case
def write(db, collectivity_id: int, *news: News) -> None:
    outbox.post(db, collectivity_id, news)


@use_case
def write_and_fail(db, collectivity_id: int, news: News) -> None:
    outbox.post(db, collectivity_id, [news])
    raise RuntimeError("the verb failed")


def row(key: str) -> outbox.Outbox:
    with reading() as db:
        return db.scalars(sa.select(outbox.Outbox).where(outbox.Outbox.key == key)).one()


@pytest.fixture
def here(house: House) -> int:
    return house.actor("a.kervadec").collectivity_id


def test_a_verb_that_fails_leaves_no_row(house: House, here: int) -> None:
    with pytest.raises(RuntimeError):
        write_and_fail(here, News("essai", "perdu", {}))
    assert house.pending() == 0


def test_a_row_is_claimed_by_one_worker_only(house: House, here: int) -> None:
    write(here, News("essai", "un", {}))
    key = row("un").id
    assert outbox.claim(key) is not None
    assert outbox.claim(key) is None


def test_a_row_of_a_dead_worker_is_taken_again_whatever_its_age(house: House, here: int) -> None:
    done = []
    outbox.handles("essai")(done.append)
    write(here, News("essai", "vieux", {}))
    first = outbox.claim(row("vieux").id)
    with engine().begin() as connection:
        old = now() - timedelta(days=400)
        connection.execute(sa.update(outbox.Outbox).values(lease_until=old, available_at=old, created_at=old))
    outbox.drain()
    assert [one.attempt for one in done] == [2]
    assert outbox.settle(first, "pending", "trop tard") is False
    assert row("vieux").state == "done"


def test_a_failure_is_tried_again_then_parked_and_shown_with_a_retry(house: House, here: int) -> None:
    tries = []

    def fails(one):
        tries.append(one.attempt)
        if len(tries) < 5:
            raise OSError("le serveur ne répond pas")

    outbox.handles("essai")(fails)
    write(here, News("essai", "tenace", {}))
    house.drain()
    assert tries == [1, 2, 3, 4]
    assert row("tenace").state == "parked"
    client = house.client("k.morizur")
    page = client.get("/administration").get_data(as_text=True)
    assert "le serveur ne répond pas" in page
    client.post(
        f"/administration/envois/{row('tenace').id}/relancer", data={"csrf_token": house.csrf(client)}
    )
    house.drain()
    assert row("tenace").state == "done"


def test_waiting_is_not_failing_and_hopeless_parks_at_once(house: House, here: int) -> None:
    asked = []

    def patient(one):
        asked.append(one.attempt)
        if len(asked) < 9:
            raise Later(0.0)

    def hopeless(_one):
        raise Hopeless("inutile d’insister")

    outbox.handles("patient")(patient)
    outbox.handles("vain")(hopeless)
    write(here, News("patient", "patient", {}), News("vain", "vain", {}))
    house.drain()
    assert row("patient").state == "done"
    assert set(asked) == {1}
    assert (row("vain").state, row("vain").attempts) == ("parked", 1)


def test_one_bad_address_blocks_nobody_and_is_shown_as_failed(house: House, mail: MailServer) -> None:
    mail.refuse["n.abgrallec@kerlann-sur-mer.example"] = "550 inconnu"
    folder_id = house.an_invoice(at="finance")
    house.drain()
    assert len(mail.to("t.lescoat@kerlann-sur-mer.example")) == 1
    assert mail.to("n.abgrallec@kerlann-sur-mer.example") == []
    page = house.client("g.trehorel").get(f"/dossiers/{folder_id}?onglet=journal").get_data(as_text=True)
    assert "adresse refusée par le serveur" in page


def test_a_letter_holds_nothing_of_the_folder_and_keeps_its_message_id(
    house: House, mail: MailServer
) -> None:
    folder_id = house.an_invoice(at="service_done")
    house.drain()
    (letter,) = mail.to("r.pellenec@kerlann-sur-mer.example")
    parts = [part.get_content() for part in letter.walk() if not part.is_multipart()]
    assert len(parts) == 2
    folder = house.folder(folder_id)
    for secret in (folder.title, folder.fields["seller"], folder.fields["total_ttc"], folder.number):
        assert all(str(secret) not in one for one in (*parts, letter["Subject"]))
    assert all(f"/dossiers/{folder_id}" in one for one in parts)
    with engine().begin() as connection:
        connection.execute(sa.text("UPDATE outbox SET state = 'pending', attempts = 0"))
    house.drain()
    first, second = mail.to("r.pellenec@kerlann-sur-mer.example")
    assert first["Message-ID"] == second["Message-ID"]


def test_a_rejection_tells_the_depositor_and_those_who_had_approved_who_refused(
    house: House, mail: MailServer
) -> None:
    from app.folders import decide

    folder_id = house.an_invoice(at="finance")
    house.drain()
    mail.clear()
    decide.reject(
        house.actor("n.abgrallec"),
        folder_id,
        version=house.folder(folder_id).version,
        reason="Il manque le bon de livraison.",
    )
    house.drain()
    readers = {str(one["To"]).split("<")[1].split("@")[0] for one in mail.letters}
    assert readers == {"g.trehorel", "r.pellenec"}
    assert all("Nolwenn Abgrallec" in one.get_body(("plain",)).get_content() for one in mail.letters)
    page = house.client("g.trehorel").get(f"/dossiers/{folder_id}").get_data(as_text=True)
    assert "Il manque le bon de livraison." in page
