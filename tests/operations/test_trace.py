"""The administrator reads who entered and who gave whom what, in French, from the chain that nobody rewrites."""

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa
import time_machine

from app.arrivals import routing
from app.arrivals.routing import Destination, Routing
from app.circuits import named
from app.circuits.library import as_yaml
from app.core import heartbeat
from app.core.db import reading
from app.invoices import account_file
from app.invoices.models import SupplierAccount
from app.journal.chain import verify
from app.journal.models import ChainHead
from app.operations import marks
from app.operations.trace import ACTS
from app.people import accounts, desks, hierarchy
from app.people.models import Desk
from demo.cast import PASSWORD
from tests.builders import circuits
from tests.builders.house import House
from workflows.family import families
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

K, G = "k.morizur", "g.trehorel"
PAGE = "/administration/journal"
ACCOUNTS = b"Fournisseur;SIRET;IBAN\r\nBerthier;39280913700012;FR7630001007941234567890185\r\n"


def plain(house: House, address: str = PAGE) -> str:
    return house.client(K).get(address).get_data(as_text=True).replace("\xa0", " ").replace("\u202f", " ")


def test_a_line_names_who_it_was_then_and_is_found_by_the_name_of_then(house: House) -> None:
    here = house.actor(K).collectivity_id
    desks.seat(here, "finances", G, [Right.ACT])
    number = house.actor(G).user_id or 0
    successor = accounts.Particulars("Jean", "Successeur", f"{G}@kerlann-sur-mer.example", "Agent", False)
    accounts.change(house.actor(K), number, successor)
    desks.seat(here, "finances", G, [Right.ACT, Right.SIGN])
    rights = plain(house, f"{PAGE}?acte=desk.rights")
    assert (
        rights.count(
            "Gwenola Tréhorel, bureau Direction des finances, viser et rejeter (avant : aucun droit)"
        )
        == 1
    )
    assert rights.count("Jean Successeur, bureau Direction des finances") == 1
    for name in ("TREHOREL", "successeur"):
        assert "bureau Direction des finances" in plain(house, f"{PAGE}?acte=desk.rights&qui={name}")


def test_desks_and_circuits_are_named_as_they_were_then_and_found_by_any_of_their_names(house: House) -> None:
    actor = house.actor(K)
    here = actor.collectivity_id
    desks.seat(here, "finances", G, [Right.ACT])
    with reading(here) as db:
        desk_id = db.scalars(sa.select(Desk.id).where(Desk.key == "finances")).one()
    hierarchy.change_desk(actor, desk_id, "Pôle Ressources", None)
    desks.seat(here, "finances", G, [])
    name = named.open_circuit(actor, "invoice", "Voirie courte", "invoice")
    source = as_yaml(families()["invoice"].circuit.to_data() | {"label": "Voirie brève"})
    circuits.publish(actor, name, source)
    circuits.publish(actor, name, source.replace("Voirie brève", "Petite voirie"))
    rights = plain(house, f"{PAGE}?acte=desk.rights&qui=trehorel")
    assert "bureau Pôle Ressources, aucun droit (avant : viser et rejeter)" in rights
    assert "bureau Direction des finances, viser et rejeter (avant : aucun droit)" in rights
    assert "bureau Direction des finances, nom : Pôle Ressources" in plain(house, f"{PAGE}?acte=desk.changed")
    published = plain(house, f"{PAGE}?acte=circuit.published")
    for words in ("« Voirie brève », version 1, Facture", "« Petite voirie », version 2, Facture"):
        assert words in published
    assert "Voirie courte, Facture" in plain(house, f"{PAGE}?acte=circuit.opened")
    assert "invoice" not in re.sub(r"<[^>]*>", "", plain(house, f"{PAGE}?objet=voirie"))
    for thing in ("POLE ressources", "direction des FINANCES"):
        told = plain(house, f"{PAGE}?objet={thing}")
        assert "aucun droit (avant : viser et rejeter)" in told
        assert "viser et rejeter (avant : aucun droit)" in told
        assert "bureau Services techniques" not in told
    for thing in ("petite", "facture"):
        assert plain(house, f"{PAGE}?objet={thing}").count("Voirie brève") == 1
    assert "Circuit ouvert" in plain(house, f"{PAGE}?objet=voirie+courte")
    assert "Aucune écriture" in plain(house, f"{PAGE}?objet=piscine")
    export = house.client(K).get(f"{PAGE}.csv?objet=petite").get_data(as_text=True)
    assert export.count("Circuit") == 3


def test_who_entered_and_who_was_given_what_is_told_with_who_did_it(house: House) -> None:
    here = house.actor(K).collectivity_id
    client = house.client(G)
    desks.seat(here, "finances", G, [Right.ACT])
    desks.seat(here, "finances", G, [Right.ACT])  # nothing changes: nothing is told
    desks.ask_reset(G)
    desks.close_account(here, G)
    desks.close_account(here, G)
    page = plain(house)
    for words in (
        "Connexion",
        "mot de passe",
        "Lien de mot de passe demandé",
        "Compte fermé",
        "adresse 127.0.0.1",
    ):
        assert words in page, words
    rights = plain(house, f"{PAGE}?acte=desk.rights")
    assert (
        rights.count(
            "Gwenola Tréhorel, bureau Direction des finances, viser et rejeter (avant : aucun droit)"
        )
        == 1
    )
    assert "Ligne de commande" in rights
    # Whoever asks for a new password is nobody yet: the line is not in the name of the account
    lost = plain(house, f"{PAGE}?acte=password.asked")
    assert "Quelqu’un, sans être connecté" in lost
    assert lost.count("Gwenola Tréhorel") == 1
    assert "mot de passe" in plain(house, f"{PAGE}?acte=login.opened&qui=TREHOREL")
    assert client.get("/compte").status_code == 302
    with reading() as db:
        assert verify(db, here)[1] is None


def test_the_head_of_the_chain_is_told_with_the_last_dated_mark(house: House) -> None:
    here = house.actor(K).collectivity_id
    page = plain(house)
    assert "Aucun repère daté n’a encore été pris" in page
    heartbeat.beat(marks.BEAT, datetime(2026, 11, 27, 9, 0, tzinfo=UTC))
    page = plain(house)
    with reading() as db:
        head = db.get(ChainHead, here)
    assert head is not None
    assert head.hash in page
    assert f"{head.seq} écritures dans la chaîne" in page
    assert "Dernier repère daté" in page
    assert "27 nov." in page


def test_only_administrators_read_it_and_of_their_own_collectivity(house: House) -> None:
    for address in (PAGE, f"{PAGE}.csv"):
        assert house.client(G).get(address).status_code == 403
    other = desks.create_collectivity(
        "213502388", "Ailleurs", department="035", district="1", nature="31", settings={}
    )
    desks.create_user(
        other,
        "ailleurs",
        email="a@ailleurs.example",
        first_name="Ada",
        last_name="Ailleurs",
        capacity="",
        password=PASSWORD,
        administrator=True,
    )
    page = house.client("ailleurs").get(PAGE).get_data(as_text=True)
    assert "Ada Ailleurs" in page
    assert "Katell" not in page
    assert "Ailleurs" not in plain(house)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_it_is_searched_paged_and_taken_away_without_formulas(house: House) -> None:
    here = house.actor(K).collectivity_id
    desks.create_desk(here, "piege", '=HYPERLINK("http://evil.example")')
    for number in range(60):
        desks.create_desk(here, f"b{number}", f"Bureau {number}")
    page = plain(house, f"{PAGE}?acte=desk.opened")
    assert "Bureau 59" in page
    assert "Bureau 9<" not in page
    older = page.split("avant=")[1].split('"')[0]
    assert "Bureau 9<" in plain(house, f"{PAGE}?acte=desk.opened&avant={older}")
    assert "Aucune écriture" in plain(house, f"{PAGE}?qui=personne")
    assert house.client(K).get(f"{PAGE}?acte=rien&avant=x&qui=%25").status_code == 200
    answer = house.client(K).get(f"{PAGE}.csv?acte=desk.opened")
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff")), delimiter=";"))
    assert len(rows) >= 62
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_it_finds_who_was_given_what_between_two_days_to_the_second(house: House) -> None:
    here = house.actor(K).collectivity_id
    with time_machine.travel(datetime(2026, 11, 20, 22, 30, 15, tzinfo=UTC), tick=False):
        desks.seat(here, "finances", G, [Right.ACT])
    with time_machine.travel(datetime(2026, 11, 20, 23, 30, tzinfo=UTC), tick=False):
        desks.seat(here, "finances", G, [])
    found = plain(house, f"{PAGE}?qui=trehorel&acte=desk.rights")
    assert found.count("bureau Direction des finances") == 2  # the line is by the command line, and about her
    assert "20/11/2026 23:30:15 +01:00" in found
    assert "bureau Direction des finances" not in plain(house, f"{PAGE}?qui=morizur&acte=desk.rights")
    first = plain(house, f"{PAGE}?acte=desk.rights&du=2026-11-20&au=2026-11-20")
    assert first.count("bureau Direction des finances") == 1
    assert "viser et rejeter" in first
    assert "aucun droit (avant" in plain(house, f"{PAGE}?acte=desk.rights&du=2026-11-21&qui=tréhorel")
    export = house.client(K).get(f"{PAGE}.csv?acte=desk.rights&du=2026-11-21&au=2026-11-21")
    assert export.get_data(as_text=True).count("bureau Direction des finances") == 1
    for wrong in ("du=hier", "du=2026-11-21&au=2026-11-20"):
        refused = house.client(K).get(f"{PAGE}?{wrong}")
        assert (refused.status_code, "Cette période ne se lit pas" in refused.text) == (422, True), wrong
        assert house.client(K).get(f"{PAGE}.csv?{wrong}").status_code == 422
    # The page stays, with all that was looked for; it does not tell that nothing answers
    mistaken = f"{PAGE}?qui=tréhorel&acte=desk.rights&objet=finances&du=2026-11-21&au=2026-11-20"
    page = house.client(K).get(mistaken).get_data(as_text=True)
    assert "Journal de la collectivité" in page
    for typed in ("tréhorel", "finances", "2026-11-21", "2026-11-20"):
        assert f'value="{typed}"' in page, typed
    assert 'value="desk.rights" selected' in page
    assert "Aucune écriture" not in page
    assert "Rien n’est cherché tant que la période est à corriger." in page
    assert house.client(K).get(f"{PAGE}?du=0001-01-01&au=9999-12-31").status_code == 200


def test_no_line_is_shown_by_its_key() -> None:
    assert all(words[0].isupper() and "." not in words for words in ACTS.values())


def test_everybody_reads_what_was_done_in_his_name_and_names_no_folder_that_is_closed_to_him(
    house: House,
) -> None:
    house.an_invoice()
    client = house.client(G)

    def mine(more: str = "") -> str:
        page = client.get(f"/compte/activite{more}").get_data(as_text=True)
        return page.replace("\xa0", " ").replace("\u202f", " ")

    page = mine()
    assert "Envoyé dans le circuit par Gwenola Tréhorel" in page
    assert "mot de passe, " in page
    assert "Katell Morizur" not in page
    (title,) = {*re.findall(r'href="/dossiers/\d+">([^<]+)<', page)}
    linked = page.count(title)
    assert linked > 1
    for desk in house.actor(G).seats:
        desks.seat(house.actor(K).collectivity_id, desk.key, G, [])
    page = mine()
    assert page.count("Acte sur un dossier que vous ne lisez plus") == linked
    assert title not in page
    assert 'href="/dossiers/' not in page
    assert "Aucune écriture" in mine("?avant=1")
    assert "Fait en mon nom" in client.get("/compte").get_data(as_text=True)


def test_where_arrivals_go_is_told_by_the_names_of_desks_and_accounts_of_suppliers_by_their_number(
    house: House,
) -> None:
    actor = house.actor(K)
    first = Destination("comptabilite", "", service="technique")
    routing.choose(actor, Routing(otherwise=first))
    with reading(actor.collectivity_id) as db:
        present = routing.routing_of(db, actor.collectivity_id)
        desk = db.scalars(sa.select(Desk).where(Desk.key == "comptabilite")).one()
    hierarchy.change_desk(actor, desk.id, "Pôle Comptes", None)
    routing.choose(actor, replace(present, otherwise=replace(first, service="finances")))
    account_file.bring_in(actor, ACCOUNTS)
    with reading(actor.collectivity_id) as db:
        number = db.scalars(sa.select(SupplierAccount.id).where(SupplierAccount.name == "Berthier")).one()
    account_file.put_aside(actor, number, "Compte fermé")
    routed = plain(house, f"{PAGE}?acte=arrival.routing")
    assert re.search(rf">aucune règle, bureau de tri : {desk.name}<", routed)
    # each line by the name of its day
    assert (
        "aucune règle, bureau de tri : Pôle Comptes (avant : aucune règle, bureau de tri : Pôle Comptes)"
        in routed
    )
    page = plain(house)
    for code in ("bureau de tri : comptabilite", "avant : pour", "flask"):
        assert code not in page
    assert "1 compte ajouté : 392809137 FR76…0185" in page
    assert "mis de côté : 392809137 FR76…0185, Compte fermé" in page
