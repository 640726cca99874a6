"""Ten invoices of Chorus Pro in a browser: each goes where it must, and what is said there is said once."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from app.arrivals import routing
from app.arrivals.routing import Destination, Routing
from app.chorus import plugs
from app.chorus.wire import opened
from app.core.clock import today
from app.invoices import account_file
from demo import papers
from demo.chorus import deposits
from demo.chorus.deposits import ACCOUNT, CREDIT, DATA, FACTURX, OTHER, PAID, PDF, TWICE, WORKS
from demo.chorus.state import CLIENT, LOGIN, PASSWORD, SECRET
from tests.browser.person import Person
from tests.browser.test_batches import give_key
from tests.builders.house import House
from tests.builders.process import until
from tests.chorus.test_fetching import folder_of, given, known, passed

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
ORDER = (FACTURX, PDF, DATA, CREDIT, WORKS, PAID, ACCOUNT, OTHER, FACTURX, TWICE)
"""What suppliers deposit, in this order: the last is the one before, under another identifier."""


MANDATED = (0, 1, 2, 3, 6, 8)
"""Those that are paid: neither works, nor paid by card already, nor somebody else's, nor twice the same."""
SUSPENDED, DOUBTED = 2, 6


def test_ten_invoices_go_from_chorus_pro_to_their_mandate(
    house: House, person: Callable[..., Person], demonstration: Path
) -> None:
    given(house, CLIENT, SECRET, LOGIN, PASSWORD)
    routing.choose(
        house.actor("k.morizur"), Routing(otherwise=Destination("comptabilite", "", service="technique"))
    )
    know_accounts(house)
    secretary, accountant = person("k.morizur"), person("g.trehorel")
    for kind in ORDER:
        secretary.open("/demo/chorus")
        secretary.page.get_by_role("button", name=deposits.KINDS[kind], exact=True).click()
    secretary.open("/administration/chorus")
    secretary.button("Relever maintenant").click()
    secretary.soon("/administration/chorus", "10 factures nouvelles")
    until(lambda: len([row for row in known() if row.folder_id]) == len(ORDER), 60, "a folder for each")
    numbers = [row.cpro_id for row in known()]
    folders = [folder_of(number).id for number in numbers]

    reject(
        accountant,
        folders[ORDER.index(OTHER)],
        "SE incorrect (facture d’un autre organisme ou d’un autre service)",
        "Adressée à un autre organisme.",
    )
    reject(accountant, folders[ORDER.index(TWICE)], "Double facturation", "Déjà reçue.")
    accountant.open(f"/dossiers/{folders[ORDER.index(PAID)]}")
    accountant.sees("ne se mandate pas une seconde fois")
    accountant.open(f"/dossiers/{folders[ORDER.index(WORKS)]}/chorus")
    accountant.sees("Les états d’une facture de travaux se donnent sur Chorus Pro")
    for rank in MANDATED:
        send(accountant, folders[rank])
    technician = person("r.pellenec")
    delay(technician, folders[SUSPENDED], "Le fournisseur a reçu la notification le", "Interrompre le délai")
    plugs._look()  # what the worker does each minute
    technician.soon(f"/dossiers/{folders[SUSPENDED]}/chorus", "Là-bas : suspendue")
    complete(secretary, number=f"FA-{today().year}-{4000 + SUSPENDED}")
    until(lambda: bool(known()[SUSPENDED].completions), 60, "the completion")
    delay(
        technician, folders[SUSPENDED], "Tout ce qui était demandé est arrivé le", "Faire repartir le délai"
    )
    approve_all(technician, len(MANDATED))
    plugs._look()
    finances = person("n.abgrallec")
    for rank in (DOUBTED, SUSPENDED):
        verify(accountant, finances, folders[rank])
    approve_all(finances, len(MANDATED))
    sign_all(person("a.kervadec"), house, len(MANDATED))
    for rank in MANDATED:
        accountant.open(f"/dossiers/{folders[rank]}/chorus")
        accountant.page.get_by_label("Numéro du mandat").fill(f"2026-{rank}")
        accountant.button("Dire « mandatée » à Chorus Pro").click()
        accountant.soon(f"/dossiers/{folders[rank]}/chorus", "Là-bas : mandatée")
        accountant.sees(f"mandat 2026-{rank}")

    line = opened(house.settings)
    paid = {numbers[rank]: ["SERVICE_FAIT", "MANDATEE"] for rank in MANDATED}
    paid[numbers[SUSPENDED]] = ["SUSPENDUE", *paid[numbers[SUSPENDED]]]
    rejected = {numbers[ORDER.index(kind)]: ["REJETEE"] for kind in (OTHER, TWICE)}
    assert {number: passed(line, number) for number in numbers} == (
        {number: [] for number in numbers} | paid | rejected
    )
    for folder in (folders[rank] for rank in MANDATED):
        accountant.comes(folder, "Terminé")


def know_accounts(house: House) -> None:
    """The accounts of both suppliers, as the finance software lists them."""
    rows = [f"{one.name};{one.siret};{deposits.iban_of(one)}" for one in (papers.HEATING, papers.JOINERY)]
    account_file.bring_in(
        house.actor("k.morizur"), "\r\n".join(["Fournisseur;SIRET;IBAN", *rows, ""]).encode()
    )


def reject(accountant: Person, folder_id: int, reason: str, sentence: str) -> None:
    accountant.open(f"/dossiers/{folder_id}/chorus")
    accountant.page.get_by_label("Motif").select_option(label=reason)
    accountant.page.get_by_label("Ce que le fournisseur doit corriger").fill(sentence)
    accountant.button("Rejeter sur Chorus Pro et abandonner le dossier").click()
    accountant.soon(f"/dossiers/{folder_id}/chorus", "Là-bas : rejetée")


def send(accountant: Person, folder_id: int) -> None:
    accountant.open(f"/dossiers/{folder_id}/brouillon")
    accountant.button("Envoyer dans le circuit").click()
    accountant.sees("Le dossier est envoyé dans le circuit.")


def delay(technician: Person, folder_id: int, label: str, button: str) -> None:
    technician.open(f"/dossiers/{folder_id}/delai")
    technician.page.get_by_label(label).fill(today().isoformat())
    technician.page.locator("#word").fill("Le bon de livraison.")
    technician.button(button).click()
    technician.page.wait_for_url(re.compile(rf"/dossiers/{folder_id}(\?|$)"))


def complete(secretary: Person, number: str) -> None:
    """What its supplier adds on Chorus Pro, and the round that sees it."""
    secretary.open("/demo/chorus")
    row = secretary.page.get_by_role("row").filter(has_text=number)
    row.get_by_role("combobox").select_option(label="Le fournisseur complète")
    row.get_by_role("button", name="Jouer").click()
    secretary.open("/administration/chorus")
    secretary.button("Relever maintenant").click()


def verify(accountant: Person, finances: Person, folder_id: int) -> None:
    """An account that is not the known one: one person calls, another decides."""
    accountant.open(f"/dossiers/{folder_id}")
    accountant.page.get_by_role("link", name=re.compile("^Vérifier…")).first.click()
    accountant.page.get_by_label("Numéro appelé").fill("02 98 00 00 00")
    accountant.page.get_by_label("D’où vient ce numéro").fill("le marché 2024-06")
    accountant.page.get_by_label("Qui a répondu").fill("Mme Le Goff confirme le changement.")
    accountant.button("Noter cet appel").click()
    finances.open(f"/dossiers/{folder_id}")
    finances.page.get_by_role("link", name=re.compile("^Vérifier…")).first.click()
    finances.page.get_by_role("radio", name="Accepter ce compte").check()
    finances.page.get_by_role("textbox", name="Motif").fill("Confirmé au téléphone.")
    finances.button("Enregistrer ma décision").click()


def approve_all(who: Person, count: int) -> None:
    who.open("/a-traiter")
    for box in who.page.locator(".fcheck input").all():
        box.check()
    who.button(f"Viser {count} dossiers…").click()
    who.button(f"Viser {count} dossiers").click()
    expect(who.heading(f"{count} dossiers visés sur {count}")).to_be_visible(timeout=60_000)


def sign_all(mayor: Person, house: House, count: int) -> None:
    mayor.open("/a-traiter")
    mayor.button("Signer en lot…").click()
    expect(mayor.heading(f"Signer {count} dossiers")).to_be_visible()
    give_key(mayor, house.pki.p12("a_kervadec"), house.pki.passphrase.decode())
    mayor.button(f"Signer {count} dossiers").click()
    expect(mayor.heading(f"{count} dossiers signés sur {count}")).to_be_visible(timeout=90_000)
