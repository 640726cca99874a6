"""What comes by itself: kept before the outside is told, opened once at its desk, told where it could not be."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.arrivals import receiving, routing
from app.arrivals.models import Arrival, ArrivalFile, Way
from app.arrivals.routing import Destination
from app.core.db import reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.folders.keep import Incoming
from app.folders.models import Document, Folder
from app.journal.models import JournalEntry
from app.people import desks
from tests.assets.make_hostile import encrypted
from tests.builders.house import INVOICE, House

pytestmark = pytest.mark.in_turn

SAMPLES = INVOICE.parent
LATER = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)


def here(house: House) -> int:
    return house.actor("a.kervadec").collectivity_id


def sorted_at(house: House, desk: str = "technique", **more) -> None:
    """Choose a sorting desk."""
    with reading(here(house)) as db:
        row = routing.routing_of(db, here(house))
    routing.choose(house.actor("k.morizur"), Destination(desk, "", **more), row.revision if row else 0)


def bring(house: House, identifier: str, *files: Path, way: Way = Way.CHORUS, **more):
    names = [Incoming(path, path.name) for path in files]
    return receiving.receive(
        here(house),
        way,
        identifier,
        names,
        origin=f"Chorus Pro, facture {identifier}",
        received_at=LATER,
        **more,
    )


def arrivals() -> list[Arrival]:
    with reading() as db:
        return list(db.scalars(sa.select(Arrival).order_by(Arrival.id)))


def plain(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").split())


def page(house: House, login: str, url: str = "/arrivees") -> str:
    return plain(house.client(login).get(url).get_data(as_text=True))


def test_an_invoice_that_arrives_is_a_draft_of_the_sorting_desk(house: House) -> None:
    brought = bring(house, "12", INVOICE)
    assert bring(house, "12", INVOICE) == receiving.Received(brought.id, False)
    house.drain()
    (waiting,) = arrivals()
    assert (waiting.state, waiting.reason, waiting.folder_id) == ("waiting", "arrival-no-desk", None)
    assert "1 arrivée attend un bureau de tri" in page(house, "k.morizur", "/administration/arrivees")
    sorted_at(house)
    house.drain()
    (arrival,) = arrivals()
    assert arrival.state == "opened"
    folder = house.folder(arrival.folder_id)
    assert (folder.phase, folder.depositor_user_id, folder.depositor_name) == ("draft", None, "Chorus Pro")
    assert folder.fields["received_on"] == "2026-11-28"  # the day in Paris
    with reading() as db:
        lines = list(db.scalars(sa.select(JournalEntry.event).where(JournalEntry.folder_id == folder.id)))
    assert sorted(lines) == ["folder.arrived", "folder.created"]
    assert f"/dossiers/{folder.id}" in house.client("r.pellenec").get("/a-traiter?bannette=drafts").get_data(
        as_text=True
    )
    assert "Chorus Pro, facture 12" in page(house, "r.pellenec", "/arrivees?etat=ouvertes")
    assert "Chorus Pro, facture 12" not in page(house, "g.trehorel", "/arrivees?etat=ouvertes")


def test_what_is_complete_leaves_at_once_where_that_was_said(house: House) -> None:
    sorted_at(house, service="technique", send=True)
    bring(house, "13", INVOICE)
    bring(house, "14", SAMPLES / "fx-basic-fr-sans-devise.pdf")
    house.drain()
    whole, lacking = arrivals()
    assert (house.folder(whole.folder_id).place, whole.to_send) == ("service_done", False)
    assert (house.folder(lacking.folder_id).phase, lacking.to_send) == ("draft", False)
    assert "n’a pas pu partir d’elle-même" in page(house, "r.pellenec", "/arrivees?etat=ouvertes")
    # Whoever sends it stands for it, as of what software deposits
    assert house.folder(whole.folder_id).sources["arrival"]["origin"] == "Chorus Pro, facture 13"


def test_invoices_of_one_mail_are_folders_apart_and_what_is_refused_is_told(
    house: House, tmp_path: Path
) -> None:
    sorted_at(house)
    hidden = tmp_path / "notice.pdf"
    hidden.write_bytes(encrypted("secret", "secret"))
    mail = tmp_path / "courriel.eml"
    mail.write_bytes(b"From: quelqu'un")
    files = (hidden, INVOICE, SAMPLES / "cii-extended-fr.xml")
    bring(house, "<a@b>", *files, way=Way.MAIL, evidence=[Incoming(mail, mail.name)])
    house.drain()
    first, second = arrivals()
    titles = [house.folder(one.folder_id).title for one in (first, second)]
    assert len(set(titles)) == 2
    assert all(one.state == "opened" for one in (first, second))
    with reading() as db:
        fates = list(
            db.execute(
                sa.select(ArrivalFile.arrival_id, ArrivalFile.filename, ArrivalFile.fate).order_by(
                    ArrivalFile.id
                )
            )
        )
        roles = set(db.scalars(sa.select(Document.role).where(Document.folder_id == first.folder_id)))
    assert [tuple(one) for one in fates] == [
        (first.id, "notice.pdf", "refused"),
        (first.id, INVOICE.name, ""),
        (first.id, "cii-extended-fr.xml", "apart"),
        (first.id, "courriel.eml", ""),
        (second.id, "cii-extended-fr.xml", ""),
        (second.id, "courriel.eml", ""),
    ]
    assert "main" in roles
    assert "notice.pdf" in str(house.folder(first.folder_id).sources["doubts"])
    listed = page(house, "r.pellenec", "/arrivees?etat=ouvertes")
    assert "notice.pdf" in listed
    assert "Ce PDF est chiffré" in listed


def test_what_cannot_be_a_folder_waits_for_a_person_who_tries_again_or_puts_it_aside(
    house: House, tmp_path: Path
) -> None:
    sorted_at(house)
    locked = tmp_path / "facture.pdf"
    locked.write_bytes(encrypted("secret", "secret"))
    bring(house, "20", locked)
    bring(house, "21")
    house.drain()
    refused, empty = arrivals()
    assert [(one.state, one.reason) for one in (refused, empty)] == [
        ("refused", "file-encrypted"),
        ("refused", "arrival-no-file"),
    ]
    with reading() as db:
        letters = sa.select(Outbox.recipient).where(Outbox.key.startswith("arrival_astray"))
        told = list(db.scalars(letters))
    assert told == ["r.pellenec@kerlann-sur-mer.example"]  # one letter of the hour, not one for each arrival
    client = house.client("r.pellenec")
    assert "2 arrivées ne sont pas encore des dossiers" in plain(
        client.get("/a-traiter").get_data(as_text=True)
    )
    listed = plain(client.get("/arrivees").get_data(as_text=True))
    assert "Ce PDF est chiffré" in listed
    assert "Rien de ce qui est arrivé n’est une pièce à déposer" in listed
    (address,) = re.findall(rf"/arrivees/{refused.id}/fichiers/\d+", listed)
    answer = client.get(address)
    assert answer.data == locked.read_bytes()
    assert answer.headers["Content-Disposition"].startswith("attachment")
    token = house.csrf(client)
    aside = {"csrf_token": token, "tries": refused.tries, "word": ""}
    answer = client.post(f"/arrivees/{refused.id}/de-cote", data=aside)
    assert answer.status_code == 422
    assert "écrivez pourquoi" in plain(answer.get_data(as_text=True))
    answer = client.post(
        f"/arrivees/{refused.id}/de-cote", data={**aside, "word": "Redemandée sans mot de passe"}
    )
    assert answer.status_code == 302
    assert "Redemandée sans mot de passe" in page(house, "r.pellenec", "/arrivees?etat=de-cote")
    # a page that is older than this is told, and changes nothing
    answer = client.post(
        f"/arrivees/{refused.id}/reprendre", data={"csrf_token": token, "tries": refused.tries}
    )
    assert answer.status_code == 409
    client.post(f"/arrivees/{refused.id}/reprendre", data={"csrf_token": token, "tries": refused.tries + 1})
    house.drain()
    assert arrivals()[0].state == "refused"
    with reading() as db:
        events = list(
            db.scalars(sa.select(JournalEntry.event).where(JournalEntry.event.startswith("arrival.")))
        )
    assert events[-3:] == ["arrival.aside", "arrival.again", "arrival.refused"]


def test_arrivals_are_known_to_their_desk_and_their_collectivity_alone(house: House, tmp_path: Path) -> None:
    sorted_at(house)
    locked = tmp_path / "facture.pdf"
    locked.write_bytes(encrypted("secret", "secret"))
    bring(house, "30", locked)
    house.drain()
    (refused,) = arrivals()
    with reading() as db:
        (file,) = db.scalars(sa.select(ArrivalFile.id))
    address = f"/arrivees/{refused.id}/fichiers/{file}"
    # who deposits elsewhere, and who administers without sitting there, reads nothing of it
    for login in ("g.trehorel", "k.morizur"):
        client = house.client(login)
        assert "facture 30" not in plain(client.get("/arrivees").get_data(as_text=True))
        assert client.get(address).status_code == 404
        form = {"csrf_token": house.csrf(client), "tries": refused.tries, "word": "Non"}
        for gesture in ("reprendre", "de-cote"):
            assert client.post(f"/arrivees/{refused.id}/{gesture}", data=form).status_code == 404
    other = desks.create_collectivity(
        "219909997", "Autre-Ville", department="029", district="1", nature="31", settings={}
    )
    brought = receiving.receive(other, Way.CHORUS, "30", [Incoming(INVOICE, INVOICE.name)], origin="Ailleurs")
    assert brought.new  # the same name over there is another arrival
    house.drain()
    assert [(one.collectivity_id, one.state) for one in arrivals()] == [
        (here(house), "refused"),
        (other, "waiting"),
    ]
    with reading() as db:
        (strange,) = db.scalars(sa.select(ArrivalFile.id).where(ArrivalFile.arrival_id == arrivals()[1].id))
    client = house.client("r.pellenec")
    assert client.get(f"/arrivees/{arrivals()[1].id}/fichiers/{strange}").status_code == 404
    assert "Ailleurs" not in plain(client.get("/arrivees").get_data(as_text=True))


def test_a_desk_where_nobody_deposits_is_no_sorting_desk(house: House) -> None:
    administrator = house.actor("k.morizur")
    for to, key in (
        (Destination("maire", ""), "routing-desk"),
        (Destination("nulle-part", ""), "desk-unknown"),
        (Destination("technique", "pes_payroll"), "routing-kind"),
    ):
        with pytest.raises(Refusal) as refused:
            routing.choose(administrator, to, 0)
        assert refused.value.key == key
    client = house.client("k.morizur")
    token = house.csrf(client)
    form = {"csrf_token": token, "desk": "maire", "kind": "", "service": "", "revision": "0"}
    answer = client.post("/administration/arrivees", data=form)
    assert answer.status_code == 422
    assert "personne ne peut déposer ce type à ce bureau" in plain(answer.get_data(as_text=True))
    assert client.post("/administration/arrivees", data={**form, "desk": "technique"}).status_code == 302
    answer = client.post("/administration/arrivees", data={**form, "desk": "finances"})
    assert answer.status_code == 409


@pytest.mark.both_databases
def test_the_same_arrival_brought_by_ten_at_once_is_one(house: House) -> None:
    sorted_at(house)
    with ThreadPoolExecutor(10) as crowd:
        brought = list(crowd.map(lambda _: bring(house, "40", INVOICE), range(10)))
    assert len({one.id for one in brought}) == 1
    assert sum(one.new for one in brought) == 1
    house.drain()
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count(Folder.id))) == 1
