"""The directory of suppliers: built by use, read by who reads what names them, joined by hand, flat whatever its size."""

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.core import schema
from app.core.clock import now
from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.invoices import account_file
from app.invoices.models import Supplier
from app.invoices.suppliers import directory, joining
from tests.api.software import Software
from tests.batches.town import Hand
from tests.builders.house import House
from tests.display.test_folder_page import heard
from tests.invoices.test_history import BEFORE, CLERK, FINANCE, MAYOR, SIRET, Office
from tests.invoices.test_register import changed
from tests.purchasing.world import an_order
from workflows.circuit import DONE, WITHDRAWN, Phase
from workflows.vocabulary import Right

DIRECTORY = "/fournisseurs"
OFFICE, SIREN, OTHER = "k.morizur", SIRET[:9], "90010020700019"
FORGE = {"seller_siret": OTHER, "seller_siren": OTHER[:9]}
NAMED = {"seller_siret": "", "seller_siren": "", "seller_vat": ""}
"""Of a seller that has a name alone."""


def ended(folder_id: int) -> int:
    changed(folder_id, place=DONE, phase=Phase.DONE.value, done_at=now())
    return folder_id


def number_of(key: str) -> int:
    with reading() as db:
        return db.scalars(sa.select(Supplier.id).where(Supplier.key == key)).one()


def test_a_supplier_is_there_by_use_for_who_reads_what_names_it(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, clerk, mayor = Office(house, tmp_path), Hand(house, CLERK), Hand(house, MAYOR)
    draft = office.draft(signed=True, number="F-1", seller="Forge Kermeur", **FORGE)
    assert "Aucun fournisseur" in clerk.text(DIRECTORY)  # a draft names nobody yet
    office.send(draft)
    office.send(office.draft(signed=True, number="F-2", seller="=Forge de Kermeur", **FORGE))
    office.send(
        office.draft(
            signed=True,
            number="F-3",
            seller="Verein Öl",
            seller_siret="",
            seller_siren="",
            seller_vat="DE 123",
        )
    )
    office.send(office.draft(signed=True, number="F-4", seller="Sans Numéro", **NAMED))
    gone = office.send(office.draft(signed=True, number="F-5", seller="Parti", **NAMED))
    changed(gone, place=WITHDRAWN, phase=Phase.DONE.value)
    page = clerk.text(DIRECTORY)
    for words in (f">{OTHER[:9]}<", ">DE123<", "Sans Numéro", "Verein Öl", "=Forge de Kermeur"):
        assert words in page, words
    assert "Parti" not in page
    assert "Aucun fournisseur" in mayor.text(DIRECTORY)  # nobody reads here what he does not read elsewhere
    number = number_of(f"siren {OTHER[:9]}")
    assert mayor.ask(f"{DIRECTORY}/{number}").status_code == 404
    for text, there in (
        ("kermeur forge", True),
        (f"{OTHER[:3]} {OTHER[3:]}", True),
        ("zzz", False),
        ("%", False),
    ):
        assert ("Kermeur" in clerk.text(f"{DIRECTORY}?q={text}")) is there, text
    # By its VAT number, and not by the letters that all of a country have
    for text, there in (("de123", True), ("123", True), ("öl", True), ("de", False)):
        assert ("Verein Öl" in clerk.text(f"{DIRECTORY}?q={text}")) is there, text
    assert clerk.text(f"{DIRECTORY}?tri=recents").index("Sans Numéro") < page.index("Verein Öl")
    rows = list(
        csv.DictReader(
            StringIO(clerk.ask(f"{DIRECTORY}/annuaire.csv").get_data().decode("utf-8-sig")), delimiter=";"
        )
    )
    assert {row["SIREN"]: row["Fournisseur"] for row in rows}[OTHER[:9]] == "'=Forge de Kermeur"  # no formula
    assert {row["SIREN"]: row["Factures et commandes"] for row in rows}[OTHER[:9]] == "2"
    # Its order gives its address; what was decided of its accounts stands beside
    an_order(house, seller="Forge Kermeur", seller_siret=OTHER, seller_email="contact@forge.example")
    account_file.bring_in(house.actor(OFFICE), f"Fournisseur;SIRET;IBAN\nForge;{OTHER};{BEFORE}".encode())
    buyer = Hand(house, "n.abgrallec").text(f"{DIRECTORY}/{number}")
    for words in ("contact@forge.example", "FR76…0185", "Commande BC-"):
        assert words in buyer, words
    page = clerk.text(f"{DIRECTORY}/{number}")
    assert "contact@forge.example" not in page  # the order is not the clerk's to read
    with monkeypatch.context() as patched:  # however many of the latest are not his
        patched.setattr(directory, "LATEST", 1)
        assert "Facture F-2" in clerk.text(f"{DIRECTORY}/{number}")
        assert "Forge de Kermeur" in clerk.text(DIRECTORY)
    for words in ("Facture F-2", "Forge Kermeur", OTHER, "2 factures et commandes"):
        assert words in page, words
    # Other software reads what its desk reads, and of an account its last signs alone
    software, stranger = (Software(house, desk, [Right.CREATE]) for desk in ("comptabilite", "paye"))
    listed = software.get("/suppliers?q=kermeur").json
    assert ([line["id"] for line in listed["suppliers"]], listed["next"]) == ([number], None)
    assert listed["suppliers"][0]["count"] == 2
    given = software.get(f"/suppliers/{number}").json
    assert ([row["number"] for row in given["folders"]], given["addresses"]) == (["F-2", "F-1"], [])
    assert (given["accounts"][0]["ends"], given["accounts"][0]["known"]) == ("FR76…0185", True)
    assert BEFORE not in str(given)
    assert software.get("/suppliers?sort=latest&after=x").status_code == 422
    assert stranger.get("/suppliers").json["suppliers"] == []
    assert stranger.get(f"/suppliers/{number}").status_code == 404
    # What is corrected in a draft leaves no name behind
    house.save(
        draft := office.draft(signed=True, number="F-6", seller="Faute", **FORGE),
        CLERK,
        {"seller": "Forge Kermeur"},
    )
    office.send(draft)
    assert "Faute" not in clerk.text(f"{DIRECTORY}/{number}")


@pytest.mark.law("INV-21")
def test_two_entries_are_joined_and_parted_by_who_administers_and_no_account_passes_from_one_to_the_other(
    house: House, tmp_path: Path
) -> None:
    office, boss = Office(house, tmp_path), Hand(house, OFFICE)
    ended(office.send(office.draft(signed=True, number="F-1", seller="Garage Le Fur")))
    office.send(office.draft(signed=True, number="F-2", seller="Le Fur Garage", seller_siret=OTHER))
    first, second = number_of(f"siren {SIREN}"), number_of(f"siren {OTHER[:9]}")
    page = boss.text(f"{DIRECTORY}/{first}?q=le+fur")
    assert f'value="{second}"' in page
    answer = Hand(house, FINANCE).ask(
        f"{DIRECTORY}/{first}/reunir", "POST", {"other": second, "reason": "Racheté"}
    )
    assert answer.status_code == 403
    for other, reason, words in ((second, "", "écrivez pourquoi"), (first, "x", "une autre fiche")):
        page = boss.post(
            f"{DIRECTORY}/{first}/reunir", {"other": other, "reason": reason, "q": "le fur"}, status=422
        )
        assert words in page
    assert (
        boss.ask(f"{DIRECTORY}/{first}/reunir", "POST", {"other": 999_999, "reason": "x"}).status_code == 404
    )
    boss.post(f"{DIRECTORY}/{first}/reunir", {"other": second, "reason": "Racheté en mai"})
    page = boss.text(f"{DIRECTORY}/{first}")
    for words in ("Le Fur Garage", f"SIREN {OTHER[:9]}", "« Racheté en mai »"):
        assert words in page, words
    assert "2 fiches réunies" in boss.text(DIRECTORY)
    led = boss.ask(f"{DIRECTORY}/{second}")  # an address that was kept leads to the entry it is part of
    assert (led.status_code, led.location) == (302, f"{DIRECTORY}/{first}")
    assert f"/{first}" in boss.text(f"{DIRECTORY}?q={OTHER}")  # found by the SIREN of either
    office.send(office.draft(signed=True, number="F-3", seller="Fur", **NAMED))
    with pytest.raises(Refusal, match="supplier-joined"):  # no chain: what was joined is parted as it was
        joining.join(house.actor(OFFICE), number_of("name FUR"), first, "Encore")
    # A new invoice of the joined one comes under the same entry; the account of the first is not known for it
    fourth = office.send(office.draft(signed=True, number="F-4", seller="Garage Le Fur", seller_siret=OTHER))
    assert "Facture F-4" in Hand(house, CLERK).text(f"{DIRECTORY}/{first}")
    assert "account" in office.told(fourth)
    assert "supplier-siren" not in office.told(fourth)
    boss.post(f"{DIRECTORY}/{first}/separer", {"other": second, "reason": ""}, status=422)
    boss.post(f"{DIRECTORY}/{first}/separer", {"other": second, "reason": "Deux garages"})
    assert "Facture F-4" in Hand(house, CLERK).text(f"{DIRECTORY}/{second}")
    assert "Facture F-4" not in Hand(house, CLERK).text(f"{DIRECTORY}/{first}")
    with pytest.raises(Refusal, match="supplier-apart"):
        joining.part(house.actor(OFFICE), first, second, "Encore")
    told = boss.text("/administration/journal")
    assert "Fiches de fournisseurs réunies" in told
    assert "Fiches de fournisseurs séparées" in told


def test_a_name_is_compared_with_the_names_and_the_sirens_that_ended_here(
    house: House, tmp_path: Path
) -> None:
    office = Office(house, tmp_path)
    ended(office.send(office.draft(signed=True, number="F-1", seller="Menuiserie Le Goff SARL", iban="")))

    def told(**said: str) -> str:
        folder_id = office.send(office.draft(signed=True, iban="", **said))
        keys = [key for key in office.told(folder_id) if key.startswith("supplier-")]
        page = Hand(house, "r.pellenec").text(f"/dossiers/{folder_id}")
        return " ".join(
            key + (" seen" if "Vérifiez que c’est bien le même fournisseur" in page else "") for key in keys
        )

    assert told(number="F-2", seller="Ets Menuiserie Le Goff") == ""  # the same, but for its legal form
    assert told(number="F-3", seller="Le Goff") == ""
    assert told(number="F-4", seller="Plomberie Cariou") == "supplier-name seen"
    assert told(number="F-5", seller="Le Goff Menuiserie", **FORGE) == "supplier-siren seen"
    assert (
        told(number="F-6", seller="Menuiserie Le Goff SARL", seller_siret=OTHER) == ""
    )  # « SIRET changé » says it
    assert told(number="F-7", seller="Menuiserie Abgrall", **FORGE) == ""
    # With an account, its verification says it, and once
    ended(office.send(office.draft(signed=True, number="F-8", seller="Menuiserie Le Goff SARL")))
    named = office.told(office.send(office.draft(signed=True, number="F-9", seller="Plomberie Cariou")))
    assert ("account" in named, "supplier-name" in named) == (True, False)


def test_a_page_costs_what_it_did_whatever_the_directory_holds(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, clerk = Office(house, tmp_path), Hand(house, CLERK)
    for rank in range(2):
        office.send(office.draft(signed=True, number=f"F-{rank}", seller=f"Atelier {rank}", **NAMED))
    clerk.text(DIRECTORY)
    with heard() as few:
        clerk.text(DIRECTORY)
    for rank in range(2, 9):
        office.send(office.draft(signed=True, number=f"F-{rank}", seller=f"Atelier {rank}", **NAMED))
    with heard() as many:
        clerk.text(DIRECTORY)
    # Whether the installation is held is asked again after some seconds, whatever the page
    few, many = ([one for one in heard_of if " hold " not in one] for heard_of in (few, many))
    assert len(many) == len(few)
    monkeypatch.setattr(directory.page, "__defaults__", (4,))
    for sort, first in (("nom", "Atelier 0"), ("recents", "Atelier 8")):
        names: list[str] = []
        after: Any = None
        while True:
            with reading(office.actor.collectivity_id) as db:
                lines, after = directory.page(db, office.actor, directory.Asked("", sort, after))
            names += [line.name for line in lines]
            if after is None:
                break
        assert (names[0], len(names), len(set(names))) == (first, 9, 9)
    page = clerk.text(DIRECTORY)
    assert "Atelier 4" not in page
    assert "Suite de la liste" in page
    monkeypatch.setattr(
        directory, "LOOKED", 3
    )  # fewer are looked through than are shown: it says that more follow
    assert "Suite de la liste" in clerk.text(DIRECTORY)
    for wrong in ("x", "[1]", "", "-1", "99999999999"):
        assert "Atelier 0" in clerk.text(f"{DIRECTORY}?apres={wrong}"), wrong
    # The last one that was looked through is not the clerk's to read, and its name is nowhere on the page
    an_order(house, seller="Atelier 0 bis, réservé", seller_siret=OTHER)
    monkeypatch.setattr(directory, "LOOKED", 2)
    page = clerk.text(DIRECTORY)
    assert "Suite de la liste" in page
    assert "réserv" not in page.replace("%C3%A9", "é").lower()
    assert "reserve" not in page
    monkeypatch.setattr(directory, "LOOKED", 300)
    office.send(office.draft(signed=True, number="F-10", seller="Atelier 0 ter", **FORGE))
    an_order(house, seller="Atelier 0 bis, réservé", seller_siret=OTHER)
    assert "Atelier 0 ter" in clerk.text(
        f"{DIRECTORY}?q=atelier"
    )  # nor is it found by a name that he does not read
    assert "Atelier 0 ter" not in clerk.text(f"{DIRECTORY}?q=reserve")
    monkeypatch.setattr(directory, "MOST", 5)
    assert clerk.ask(f"{DIRECTORY}/annuaire.csv").status_code == 413


def test_the_migration_gives_what_use_gave(house: House, tmp_path: Path) -> None:
    office = Office(house, tmp_path)
    office.send(office.draft(signed=True, number="F-1", seller="Sté Le Goff"))
    office.send(
        office.draft(
            signed=True,
            number="F-2",
            seller="Verein Œuf",
            seller_siret="",
            seller_siren="",
            seller_vat="DE 123",
        )
    )
    office.send(
        office.draft(
            signed=True, number="F-3", seller="Le Goff", seller_siret="", seller_vat="FR 55 212909998"
        )
    )
    query = sa.text(
        "SELECT s.key, s.siren, s.vat, s.name, s.sort, s.latest_id, v.folder_id, v.name, v.plain, v.siret FROM supplier_seen v "
        "JOIN supplier s ON s.id = v.own_id AND v.supplier_id = s.id ORDER BY v.folder_id"
    )

    def rows() -> list[Any]:
        with engine().connect() as connection:
            return list(connection.execute(query))

    before = rows()
    assert len(before) == 3
    schema.downgrade("0124_places_of_words")
    schema.upgrade()
    assert rows() == before
    office.send(
        office.draft(signed=True, number="F-4", seller="Nouveau", seller_siret=OTHER)
    )  # its number follows theirs
    assert len(rows()) == 4
