"""The register of invoices and their delays: what each reader reads, no more, at a cost that does not follow the count."""

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import time_machine

from app.core.db import engine
from app.display import following
from app.folders import decide
from app.folders.models import Folder
from app.invoices import interrupting
from app.invoices.register import choosing, delays, lines
from tests.batches.town import Hand
from tests.builders.house import House
from tests.display.test_folder_page import heard
from tests.invoices.test_history import CLERK, FINANCE, MAYOR, SERVICE, Office

REGISTER = "/factures"


def table(hand: Hand, path: str) -> list[dict[str, str]]:
    text = hand.ask(path).get_data().decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text), delimiter=";"))


def changed(folder_id: int, **values: Any) -> None:
    folder: Any = Folder.__table__
    with engine().begin() as connection:
        connection.execute(sa.update(folder).where(folder.c.id == folder_id).values(**values))


@time_machine.travel(datetime(2026, 11, 30, 9, tzinfo=UTC), tick=True)
def test_the_register_says_the_dates_the_delay_and_the_decisions_of_each_invoice(
    house: House, tmp_path: Path
) -> None:
    office = Office(house, tmp_path)
    first = office.send(office.draft(signed=True, number="F-1"))
    house.approve(first, SERVICE)
    office.draft(number="AV-1", type_code="381", preceding="F 1")
    rejected = office.send(
        office.draft(signed=True, number="F-3", seller="Forge Kermeur", seller_siret="90010020700019")
    )
    decide.reject(
        house.actor(SERVICE), rejected, version=house.folder(rejected).version, reason="Non livré en entier."
    )
    stopped = office.send(office.draft(signed=True, number="F-4"))
    version = house.folder(stopped).version
    day = datetime(2026, 11, 25, tzinfo=UTC).date()
    interrupting.interrupt(
        house.actor(SERVICE), stopped, version=version, notified=day, reason="Il manque le bon."
    )
    clerk, mayor = Hand(house, CLERK), Hand(house, MAYOR)
    page = clerk.text(REGISTER)
    for words in (
        # Of four: one comes back, the credit note is a draft, and F-4 has the very file of F-1
        "1 facture, 3 042,00 € en tout, avoirs déduits",
        "Non comptées : 1 brouillon, 1 rejetée, 1 doublon possible, à trancher",
        "Service fait : Ronan Pellenec, lun. 30 nov.",
        "dim. 20 déc.",  # thirty days from the twentieth of November
        "Avoir : pas de délai",
        "Rejet : Ronan Pellenec, lun. 30 nov., « Non livré en entier. »",
        "Interrompu le mer. 25 nov.",
        "« Il manque le bon. »",
        f'/dossiers/{first}"',
    ):
        assert words in page, words
    assert page.count(f'href="/dossiers/{first}"') == 2  # its own line, and the credit note's
    # Nobody reads here what he does not read elsewhere
    assert "Aucune facture que vous pouvez lire" in mayor.text(REGISTER)
    assert table(mayor, f"{REGISTER}/registre.csv") == []
    for state, numbers in (
        ("en-cours", {"F-1", "F-4"}),
        ("en-retard", set()),
        ("interrompues", {"F-4"}),
        ("rejetees", {"F-3"}),
        ("avoirs", {"AV-1"}),
        ("terminees", set()),
        ("n'importe quoi", {"F-1", "AV-1", "F-3", "F-4"}),
        ("mandatees", set()),
        ("a-mandater", set()),
    ):
        rows = table(clerk, f"{REGISTER}/registre.csv?etat={state}")
        assert {row["Numéro"] for row in rows} == numbers, state
    # By words, by amount; and what is in another currency is neither written nor added as euros
    abroad = office.draft(number="NOK-1", currency="NOK", total_ht="2535.00", total_ttc="9042.00")
    assert [row["Numéro"] for row in table(clerk, f"{REGISTER}/registre.csv?q=kermeur")] == ["F-3"]
    assert [row["Numéro"] for row in table(clerk, f"{REGISTER}/registre.csv?q=F-4&etat=en-cours")] == ["F-4"]
    assert table(clerk, f"{REGISTER}/registre.csv?tri=montant")[0]["Numéro"] == "NOK-1"
    assert table(clerk, f"{REGISTER}/registre.csv?tri=montant")[-1]["Numéro"] == "AV-1"
    page = clerk.text(f"{REGISTER}?tri=recue")
    for words in ("1 facture, 3 042,00 €", "1 dans une autre monnaie", "9 042,00 NOK"):
        assert words in page, words
    for address in ("/a-traiter?bannette=drafts", "/suivi?etat=draft", "/recherche?q=NOK-1"):
        page = clerk.text(address)
        assert "9 042,00 €" not in page, address
        assert "9 042,00 NOK" in page, address
    assert "Facture en NOK, pas en euros" in clerk.text("/a-traiter?bannette=drafts")
    assert "Puis abandonnez ce dossier" in clerk.text(f"/dossiers/{abroad}/brouillon")
    assert '"9042.00"' not in clerk.ask("/suivi.csv").get_data(as_text=True)
    decide.withdraw(house.actor(CLERK), abroad, version=house.folder(abroad).version)
    assert "1 abandonnée" in clerk.text(REGISTER)
    rows = {row["Numéro"]: row for row in table(clerk, f"{REGISTER}/registre.csv")}
    assert (rows.pop("NOK-1")["Monnaie"], rows["F-1"]["Monnaie"]) == ("NOK", "EUR")
    assert len(table(clerk, f"{REGISTER}/registre.csv?du=2026-11-20&au=2026-11-20")) == 5
    for bounds in ("du=2026-11-21", "au=2026-11-19"):
        assert table(clerk, f"{REGISTER}/registre.csv?{bounds}") == [], bounds
    assert "Une des dates n’existe pas" in clerk.text(f"{REGISTER}?du=2026-02-31")
    rows = {row["Numéro"]: row for row in table(clerk, f"{REGISTER}/registre.csv")}
    assert rows["AV-1"]["Montant TTC"] == "-3042,00"
    assert (rows["AV-1"]["Nature"], rows["AV-1"]["Facture d’origine"]) == ("Avoir", "F 1")
    assert (rows["F-3"]["Rejetée par"], rows["F-3"]["Motif du rejet"]) == (
        "Ronan Pellenec",
        "Non livré en entier.",
    )
    assert rows["F-1"]["À payer avant le"] == "20/12/2026"
    assert (rows["F-4"]["Délai interrompu le"], rows["F-4"]["À payer avant le"]) == ("25/11/2026", "")
    # What was decided before a rejection is decided anew; what began the delay is named
    office.send(rejected)
    changed(first, sources={**house.folder(first).sources, "chorus": {"available_on": "2026-11-20"}})
    rows = {row["Numéro"]: row for row in table(clerk, f"{REGISTER}/registre.csv")}
    assert (rows["F-3"]["Rejetée par"], rows["F-3"]["Service fait par"]) == ("", "")
    assert rows["F-1"]["Règle du départ"] == "Mise à disposition sur Chorus Pro"
    assert rows["F-3"]["Règle du départ"] == "Reçue"
    changed(first, due_on=day - timedelta(days=1))
    assert {row["Numéro"] for row in table(clerk, f"{REGISTER}/registre.csv?etat=en-retard")} == {"F-1"}
    assert clerk.ask(f"{REGISTER}/registre.ods").status_code == 200


def test_a_page_of_fifty_costs_what_a_page_of_two_does_and_the_next_one_follows(
    house: House, tmp_path: Path, monkeypatch: Any
) -> None:
    office = Office(house, tmp_path)
    every = [office.draft(number=f"F-{rank}") for rank in range(2)]
    clerk = Hand(house, CLERK)
    clerk.text(REGISTER)
    with heard() as few:
        clerk.text(REGISTER)
    every += [office.draft(number=f"F-{rank}") for rank in range(2, 12)]
    with heard() as many:
        clerk.text(REGISTER)
    assert len(many) == len(few)
    monkeypatch.setattr(lines.page, "__defaults__", (None, 5))
    monkeypatch.setattr(choosing, "SUMMED", 5)
    page = clerk.text(REGISTER)
    assert f"avant={every[-5]}" in page
    assert "choisissez une période" in page
    assert "Trop de factures à trier" in clerk.text(f"{REGISTER}?tri=montant")
    older = clerk.text(f"{REGISTER}?avant={every[-5]}")
    assert f'/dossiers/{every[-6]}"' in older
    assert f'/dossiers/{every[-5]}"' not in older
    monkeypatch.setattr(following, "FEW", 0)  # for who reads many, the indexes give the same
    for asked in ("q=F-11", "q=F-11&tri=montant", "q=berthier+F-11&du=2026-11-20", "q=F-11&etat=rejetees"):
        rows = table(clerk, f"{REGISTER}/registre.csv?{asked}")
        assert [row["Numéro"] for row in rows] == ([] if "rejetees" in asked else ["F-11"]), asked
    assert table(clerk, f"{REGISTER}/registre.csv?etat=mandatees") == []
    monkeypatch.setattr(choosing, "MOST", 5)
    answer = clerk.ask(f"{REGISTER}/registre.csv")
    assert (answer.status_code, "une période plus courte" in answer.get_data(as_text=True)) == (413, True)


@time_machine.travel(datetime(2026, 11, 30, 9, tzinfo=UTC), tick=True)
def test_the_delays_of_each_month_leave_out_what_was_interrupted_and_credit_notes(
    house: House, tmp_path: Path, monkeypatch: Any
) -> None:
    office = Office(house, tmp_path)
    for received, left, more in (
        ("2026-09-01", datetime(2026, 9, 11, 9, tzinfo=UTC), {}),
        ("2026-09-01", datetime(2026, 9, 29, 9, tzinfo=UTC), {}),  # twenty-eight days: late
        (
            "2026-10-01",
            datetime(2026, 10, 31, 9, tzinfo=UTC),
            {"notified": "2026-10-06", "complete": "2026-10-26"},
        ),
        ("2024-10-01", datetime(2024, 10, 31, 9, tzinfo=UTC), {}),  # more than a year ago
    ):
        folder_id = office.draft(number=f"F-{office.made}")
        folder = house.folder(folder_id)
        sources = (
            {**folder.sources, "interruption": {**more, "reason": "x", "who": "y"}}
            if more
            else folder.sources
        )
        changed(
            folder_id,
            phase="done",
            place="done",
            done_at=left,
            sources=sources,
            fields={**folder.fields, "received_on": received},
        )
    note = office.draft(number="AV-1", type_code="381")
    changed(note, phase="done", place="done", done_at=datetime(2026, 9, 2, tzinfo=UTC))
    finance = Hand(house, CLERK)
    page = finance.text(f"{REGISTER}/delais")
    for words in ("Septembre 2026", "19,0 jours", "1 (50 %)", "Octobre 2026", "10,0 jours", "0 (0 %)"):
        assert words in page, words
    assert "2024" not in page
    rows = table(finance, f"{REGISTER}/delais.csv")
    assert [tuple(row.values()) for row in rows] == [
        ("2026-09", "2", "190", "1", "50"),
        ("2026-10", "1", "100", "0", "0"),
    ]
    monkeypatch.setattr(delays, "MOST", 2)  # of the rest, no month is sure to be whole
    assert "Aucun délai à montrer" in finance.text(f"{REGISTER}/delais")
    assert "Aucun délai à montrer" in Hand(house, FINANCE).text(f"{REGISTER}/delais")
