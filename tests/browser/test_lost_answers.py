"""Files whose answer is lost: the page says what is known, the browser and the person send again, and all is there once."""

import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from app.core.db import reading
from app.folders.models import Document, DocumentVersion, Folder
from tests.browser.cutting import Cutting, cutting
from tests.builders.house import ACT, INVOICE, House

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database", ["sqlite"], indirect=True)]
G = "g.trehorel"
LOSES_EACH = 100


@pytest.fixture
def network(house: House) -> Iterator[Cutting]:
    with cutting(house.settings.public_url) as made:
        yield made


def _count(model: type) -> int:
    with reading() as db:
        return db.scalar(sa.select(sa.func.count()).select_from(model)) or 0


def test_a_deposit_whose_answers_are_lost_is_made_once_however_often_it_is_sent(
    house: House, network: Cutting, person
) -> None:
    depositor = person()
    depositor.url, page = network.url, depositor.page
    depositor.log_in(G)

    # One lost answer: the browser sends again by itself, or the person does
    depositor.open("/deposer")
    expect(page.locator(depositor.awake)).to_be_attached()
    page.locator("input[name=family][value=invoice]").check(force=True)
    page.locator("input[type=file]").set_input_files(INVOICE)
    network.lose("POST /deposer", LOSES_EACH)
    send = page.get_by_role("button", name="Déposer et vérifier")
    alert = page.locator("[data-refused]")
    for _ in range(2):
        send.click()
        expect(alert).to_contain_text("Aucune réponse n’est venue")
        expect(alert).to_contain_text("rien ne sera déposé deux fois")
        expect(alert).not_to_contain_text("Rien n’a été déposé")
    assert network.lost > 1
    assert _count(Folder) == 1  # and yet it was
    network.lose("", 0)

    # Other files in the same page: it leads to what was made, and makes nothing
    page.locator("input[type=file]").set_input_files(ACT)
    page.get_by_role("button", name=f"Retirer {INVOICE.name}").press("Enter")
    send.click()
    expect(alert).to_contain_text("Rien de plus n’a été déposé")
    expect(alert.get_by_role("link", name="Ouvrir ce dossier")).to_be_visible()
    assert _count(Folder) == 1
    page.locator("input[type=file]").set_input_files(INVOICE)
    page.get_by_role("button", name=f"Retirer {ACT.name}").press("Enter")
    send.click()
    expect(page).to_have_url(re.compile(r"/dossiers/\d+/brouillon$"))
    assert _count(Folder) == 1

    # Several folders of one drop
    depositor.open("/deposer")
    expect(page.locator(depositor.awake)).to_be_attached()
    page.locator("input[name=family][value=invoice]").check(force=True)
    page.locator("input[type=file]").set_input_files([INVOICE, ACT])
    page.locator("input[name=several][value=each]").check(force=True)
    network.lose("POST /deposer", LOSES_EACH)
    send.click()
    expect(alert).to_contain_text("Aucune réponse n’est venue")
    network.lose("", 0)
    send.click()
    expect(page.locator(".flash-ok")).to_contain_text("2 brouillons créés")
    assert _count(Folder) == 3
    depositor.said.clear()  # the browser tells each request that failed


def test_a_deposit_that_arrived_is_told_so_where_the_page_that_shows_it_does_not_come(
    house: House, network: Cutting, person
) -> None:
    depositor = person(service_workers="allow")
    depositor.url, page = network.url, depositor.page
    depositor.log_in(G)
    title = page.get_by_role("heading", level=1)
    for files, lost, said, lead in (
        (
            [INVOICE, ACT],
            "GET /a-traiter?bannette=drafts",
            "Vos brouillons sont créés",
            "Ouvrir vos brouillons",
        ),
        ([INVOICE], "GET /dossiers/", "Votre envoi est arrivé", "Ouvrir cette page"),
    ):
        before = _count(Folder)
        depositor.open("/deposer")
        assert page.evaluate("navigator.serviceWorker.ready.then((one) => Boolean(one.active))")
        page.reload()
        expect(page.locator(depositor.awake)).to_be_attached()
        page.locator("input[name=family][value=invoice]").check(force=True)
        page.locator("input[type=file]").set_input_files(files)
        if len(files) > 1:
            page.locator("input[name=several][value=each]").check(force=True)
        network.lose(lost, LOSES_EACH)
        page.get_by_role("button", name="Déposer et vérifier").click()
        expect(title).to_have_text(said)
        expect(page.get_by_role("main")).to_contain_text("il n’y a rien à renvoyer")
        assert _count(Folder) == before + len(files)
        network.lose("", 0)
        page.get_by_role("link", name=lead).click()
        expect(page).to_have_url(
            re.compile(r"bannette=drafts$" if len(files) > 1 else r"/dossiers/\d+/brouillon$")
        )
        expect(page.locator(depositor.awake)).to_be_attached()
        # What is asked after that, and does not come, is a page as any other
        network.lose("GET /suivi", LOSES_EACH)
        page.goto(f"{network.url}/suivi")
        expect(title).to_have_text("Pas de réponse du serveur")
        network.lose("", 0)
    depositor.said.clear()  # the browser tells each request that failed


def test_documents_of_a_draft_whose_answers_are_lost_are_there_once(
    house: House, network: Cutting, person
) -> None:
    folder_id = house.an_invoice(at="draft")
    depositor = person()
    depositor.url, page = network.url, depositor.page
    depositor.log_in(G)
    depositor.open(f"/dossiers/{folder_id}/brouillon")
    expect(page.locator(depositor.awake)).to_be_attached()
    before = _count(Document)
    form = page.locator(f'form[action="/dossiers/{folder_id}/documents"]')
    network.lose(f"POST /dossiers/{folder_id}/documents", LOSES_EACH)
    form.locator("input[type=file]").set_input_files(ACT)
    alert = form.locator("[data-refused]")
    expect(alert).to_contain_text("Aucune réponse n’est venue")
    again = form.get_by_role("button", name="Envoyer le fichier")
    again.click()
    expect(form.locator("[data-sending]")).to_be_hidden()
    expect(alert).to_contain_text("Aucune réponse n’est venue")
    assert _count(Document) == before + 1
    network.lose("", 0)
    again.click()
    expect(page.get_by_role("button", name=f"Retirer {ACT.stem}")).to_be_visible()
    assert _count(Document) == before + 1

    # A document replaced has one version more
    versions = _count(DocumentVersion)
    (document,) = re.findall(rf"/dossiers/{folder_id}/documents/(\d+)/remplacer", page.content())[-1:]
    put = page.locator(f'form[action="/dossiers/{folder_id}/documents/{document}/remplacer"]')
    page.locator("details", has=put).locator("summary").click()
    network.lose(f"POST /dossiers/{folder_id}/documents/{document}/remplacer", LOSES_EACH)
    put.locator("input[type=file]").set_input_files(ACT)
    expect(put.locator("[data-refused]")).to_contain_text("Aucune réponse n’est venue")
    network.lose("", 0)
    put.get_by_role("button", name="Envoyer le fichier").click()
    expect(page.locator(".flash-ok")).to_contain_text("Le document est remplacé")
    assert _count(DocumentVersion) == versions + 1
    depositor.said.clear()  # the browser tells each request that failed
