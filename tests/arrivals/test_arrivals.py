"""What comes by itself: kept before the outside is told, opened once at its desk, told where it could not be."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.arrivals import criteria, opening, receiving, routing
from app.arrivals.models import Arrival, ArrivalFile, Way
from app.arrivals.routing import Destination, Row
from app.circuits import own_types
from app.circuits.models import FolderType
from app.core.db import reading, writing
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.folders.keep import Incoming
from app.folders.models import Document, Folder
from app.invoices import history
from app.journal.models import JournalEntry
from app.people import desks
from app.people.actor import system
from app.people.models import Desk
from tests.assets.make_hostile import encrypted
from tests.builders.house import INVOICE, House
from workflows.own_types import Definition
from workflows.rights import Rights

pytestmark = pytest.mark.in_turn

SAMPLES = INVOICE.parent
LATER = datetime(2026, 11, 27, 23, 30, tzinfo=UTC)


def here(house: House) -> int:
    return house.actor("a.kervadec").collectivity_id


def sorted_at(house: House, desk: str = "technique", **more) -> None:
    """Choose a sorting desk."""
    change(house, otherwise=Destination(desk, "", **more))


def change(house: House, **what) -> int:
    """Change the routing as it is now."""
    with reading(here(house)) as db:
        present = routing.routing_of(db, here(house))
    return routing.choose(house.actor("k.morizur"), replace(present, **what))


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
    called = page(house, "r.pellenec", "/a-traiter")
    assert "1 facture est arrivée" in called
    assert "De Chorus Pro : relisez-la, puis envoyez-la." in called
    assert "facture est arrivée" not in page(house, "g.trehorel", "/a-traiter")
    assert "Chorus Pro, facture 12" in page(house, "r.pellenec", "/arrivees?etat=ouvertes")
    # Nor is it read with a folder that its type opens to everybody
    with writing() as db, db.begin():
        db.execute(sa.update(Folder).values(read_by_all=True, phase="running", round=1))
    assert house.client("g.trehorel").get(f"/dossiers/{folder.id}").status_code == 200
    assert "Chorus Pro, facture 12" not in page(house, "g.trehorel", "/arrivees?etat=ouvertes")
    with reading() as db:
        number = db.scalar(sa.select(ArrivalFile.id))
    assert house.client("g.trehorel").get(f"/arrivees/{arrival.id}/fichiers/{number}").status_code == 404


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
    # another that a person parts from it goes where it says itself, not where the first one does
    assert first.clues["seller"]
    with writing() as db, db.begin():
        file = db.scalars(sa.select(ArrivalFile).where(ArrivalFile.filename == "notice.pdf")).one()
        whole = db.get_one(Arrival, first.id)
        opening.part_from(db, system(whole.collectivity_id), whole, file)
    assert arrivals()[2].clues == {}


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
    assert "Réessayer" not in listed  # the same bytes would be refused again
    # Who administers reads none of them, and is not told that nothing waits
    for url in ("/arrivees", "/administration/arrivees"):
        shown = page(house, "k.morizur", url)
        assert "2 au bureau « Services techniques »" in shown, url
        assert "chiffré" not in shown
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
    put_aside = page(house, "r.pellenec", "/arrivees?etat=de-cote")
    assert "Redemandée sans mot de passe" in put_aside
    assert "Reprendre" in put_aside
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
    desks.seat(here(house), "technique", "g.trehorel", Rights.read(["create:contract"]))
    # who deposits something else there, and who administers without sitting there, reads nothing of it
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


@pytest.mark.parametrize("change", ["closed to be read", "deposited no more"])
def test_what_came_of_a_type_stays_with_who_deposits_it_whatever_the_type_becomes(
    house: House, tmp_path: Path, change: str
) -> None:
    sorted_at(house)
    admin = house.actor("k.morizur")
    number = own_types.open_type(admin, "invoice", "Facture d’énergie")
    shown = own_types.draw_up(admin, number, Definition("Facture d’énergie"), shown=1)
    own_types.publish_type(admin, number, shown=shown)
    desks.seat(here(house), "technique", "g.trehorel", Rights.read(["create:invoice.facture-d-energie"]))
    locked = tmp_path / "facture.pdf"
    locked.write_bytes(encrypted("secret", "secret"))
    bring(house, "31", locked, kind="facture-d-energie")
    house.drain()
    assert "facture 31" in page(house, "g.trehorel")
    with reading(here(house)) as db:
        revision = db.get_one(FolderType, number).revision
    if change == "closed to be read":
        closed = Definition("Facture d’énergie", visibility="restricted")
        shown = own_types.draw_up(admin, number, closed, shown=revision)
        own_types.publish_type(admin, number, shown=shown)
    else:
        own_types.close_type(admin, number, closed=True, shown=revision)
    assert "facture 31" in page(house, "g.trehorel")
    desks.seat(here(house), "technique", "g.trehorel", Rights.read(["create:contract"]))
    assert "facture 31" not in page(house, "g.trehorel")


def test_a_desk_where_nobody_deposits_is_no_sorting_desk(house: House) -> None:
    for to, key in (
        (Destination("maire", ""), "routing-desk"),
        (Destination("nulle-part", ""), "routing-closed"),
        (Destination("technique", "pes_payroll"), "routing-kind"),
    ):
        with pytest.raises(Refusal) as refused:
            change(house, otherwise=to)
        assert refused.value.key == key
    with pytest.raises(Refusal) as refused:
        change(house, rows=(Row({"service_code": "VOIRIE"}, Destination("technique", "")),))
    assert refused.value.key == "routing-no-desk"
    client = house.client("k.morizur")
    form = {"csrf_token": house.csrf(client), "desk": "maire", "revision": "0", "gesture": "otherwise"}
    answer = client.post("/administration/arrivees", data=form)
    assert answer.status_code == 422
    assert "personne ne peut déposer ce type à ce bureau" in plain(answer.get_data(as_text=True))
    assert client.post("/administration/arrivees", data={**form, "desk": "technique"}).status_code == 302
    answer = client.post("/administration/arrivees", data={**form, "desk": "finances"})
    assert answer.status_code == 409
    assert 'name="revision" value="1"' in " ".join(answer.get_data(as_text=True).split())


@pytest.mark.parametrize(
    ("when", "clues", "holds"),
    [
        ({"service_code": "voirie"}, {"service_code": "VOIRIE"}, True),
        ({"service_code": "VOI*"}, {"buyer_reference": "VOIRIE-2"}, True),
        ({"service_code": "VOIRIE"}, {"service_code": "VOIRIE2"}, False),
        ({"service_code": "ECOLE ; VOIRIE"}, {"service_code": "VOIRIE"}, True),
        ({"order_ref": "EJ 2026-12"}, {"order_ref": "ej2026_12"}, True),
        ({"seller": "212 909 998"}, {"seller_siret": "21290999800016"}, True),
        ({"seller": "21290999800024"}, {"seller_siret": "21290999800016"}, False),
        ({"sender": "@roz-avel.example"}, {"sender": "Compta@Roz-Avel.example"}, True),
        ({"sender": "@roz-avel.example"}, {"sender": "a@faux-roz-avel.example"}, False),
        ({"sender": "a@roz-avel.example"}, {"sender": "a@roz-avel.example.org"}, False),
        ({"way": "mail"}, {"way": "scan"}, False),
        ({"way": "mail", "service_code": "A"}, {"way": "mail"}, False),
        ({"contract_ref": "M1"}, {}, False),
    ],
)
def test_what_a_row_asks_of_an_arrival(when: dict, clues: dict, holds: bool) -> None:
    assert criteria.hold(criteria.usual(when), criteria.answers(clues)) is holds


def test_rows_lead_each_arrival_to_its_desk_in_their_order(house: House) -> None:
    sorted_at(house, "comptabilite")
    client = house.client("k.morizur")
    form = {"csrf_token": house.csrf(client), "revision": "1", "gesture": "add"}
    answer = client.post("/administration/arrivees", data={**form, "desk": "technique"})
    assert answer.status_code == 422
    assert "demandez au moins une chose à chaque règle" in plain(answer.get_data(as_text=True))
    typed = {"when-service_code": "VOIRIE", "desk": "technique", "service": "technique"}
    assert client.post("/administration/arrivees", data={**form, **typed}).status_code == 302
    typed = {"when-way": "chorus", "when-service_code": "VOI*", "desk": "direction"}
    assert client.post("/administration/arrivees", data={**form, **typed, "revision": "2"}).status_code == 302
    listed = page(house, "k.morizur", "/administration/arrivees")
    assert "1. Code service : VOIRIE" in listed
    bring(house, "50", INVOICE, clues={"service_code": "VOIRIE"})
    bring(house, "51", SAMPLES / "cii-extended-fr.xml", clues={"service_code": "ECOLE"})
    house.drain()
    assert (
        client.post("/administration/arrivees", data={**form, "gesture": "up:2", "revision": "3"}).status_code
        == 302
    )
    bring(house, "52", SAMPLES / "fx-basicwl-fr-facture.pdf", clues={"service_code": "VOIRIE"})
    house.drain()
    first, second, third = (house.folder(one.folder_id) for one in arrivals())
    assert [desk(one) for one in (first, second, third)] == ["technique", "comptabilite", "direction"]
    assert first.fields["proof_of_service"] == "technique"
    assert "proof_of_service" not in third.fields
    assert "Menée à « Services techniques » par la règle 1." in page(
        house, "r.pellenec", "/arrivees?etat=ouvertes"
    )
    # A desk that closes, or that nobody deposits at any more, leaves its arrivals to the sorting desk, which is told
    with writing() as db, db.begin():
        db.scalars(sa.select(Desk).where(Desk.key == "direction")).one().closed_at = LATER
    bring(house, "53", SAMPLES / "fx-extended-de-marchandises.pdf", clues={"service_code": "VOIRIE"})
    house.drain()
    assert desk(house.folder(arrivals()[3].folder_id)) == "comptabilite"
    assert "La règle 1 mène à un bureau fermé" in page(house, "g.trehorel", "/arrivees?etat=ouvertes")
    assert "Ce bureau est fermé" in page(house, "k.morizur", "/administration/arrivees")
    # and no other row is kept from being written meanwhile
    assert (
        client.post(
            "/administration/arrivees", data={**form, "gesture": "remove:2", "revision": "4"}
        ).status_code
        == 302
    )


def test_a_row_is_offered_for_a_seller_whose_last_three_invoices_were_at_one_desk(house: House) -> None:
    sorted_at(house, "direction")
    for _ in range(2):
        house.an_invoice()
    bring(house, "60", INVOICE)
    house.drain()
    assert "trois dernières factures" not in page(house, "k.morizur", "/administration/arrivees")
    house.an_invoice()
    for folder in (1, 2, 4):  # `another` takes keys away, so that the three stand beside one another
        with writing() as db, db.begin():
            history.index(db, db.get_one(Folder, folder))
    listed = page(house, "k.morizur", "/administration/arrivees")
    assert "ses trois dernières factures étaient à « Comptabilité »" in listed
    (siren,) = re.findall(r'name="when-seller" value="(\d{9})"', listed)
    client = house.client("k.morizur")
    form = {
        "csrf_token": house.csrf(client),
        "revision": "1",
        "gesture": "add",
        "when-seller": siren,
        "desk": "comptabilite",
    }
    assert client.post("/administration/arrivees", data=form).status_code == 302
    assert "trois dernières factures" not in page(house, "k.morizur", "/administration/arrivees")


def desk(folder: Folder) -> str:
    with reading() as db:
        return db.get_one(Desk, folder.emitter_desk_id).key


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
