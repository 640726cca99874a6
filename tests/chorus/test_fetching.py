"""Invoices of Chorus Pro arrive once each, whatever fails or dies in between, and what is said of them there is said once."""

import html
import re
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app import create_app
from app.arrivals import routing
from app.arrivals.models import Arrival
from app.arrivals.routing import Destination, Routing, Row
from app.chorus import client as asking
from app.chorus import plugs, rounds
from app.chorus.models import ChorusInvoice, ChorusPiece, ChorusRound, ChorusStatus
from app.chorus.wire import opened
from app.core import outbox
from app.core.clock import PARIS, now, today
from app.core.db import engine, reading
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.folders import ruling, sending, sockets
from app.folders.models import Folder
from app.invoices import accounts, calls, interrupting, mandates
from app.invoices.clock import delay_of
from app.invoices.models import SupplierAccount
from app.people import desks
from app.people.actor import system
from demo import papers
from demo.chorus import deposits
from demo.chorus.simulator import ACCOUNT, LARGE, LOST, PAGE, SILENCE, SimulatedChorus
from demo.chorus.state import CLIENT, LOGIN, PASSWORD, SECRET, invoice_of, pass_to
from tests.api.software import Software
from tests.builders.clamd import EICAR, clamd
from tests.builders.house import INVOICE, House
from workflows.rights import Rights
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

K, G, R, N = "k.morizur", "g.trehorel", "r.pellenec", "n.abgrallec"


@pytest.fixture(autouse=True)
def _no_token():
    asking.tokens.forget()


@pytest.fixture
def chorus(house: House) -> SimulatedChorus:
    """A commune that fetches its invoices, with a sorting desk."""
    given(house, CLIENT, SECRET, LOGIN, PASSWORD)
    routing.choose(house.actor(K), Routing(otherwise=Destination("comptabilite", "", service="technique")))
    return opened(house.settings)


def given(house: House, client: str, secret: str, login: str, password: str) -> None:
    browser = house.client(K)
    for name, value, key in (("chorus_application", client, secret), ("chorus_account", login, password)):
        token = house.csrf(browser)
        answer = browser.post(
            f"/administration/reglages/{name}", data={"value": value, "secret": key, "csrf_token": token}
        )
        assert answer.status_code == 302, answer.get_data(as_text=True)


def here(house: House) -> int:
    return house.actor(K).collectivity_id


def look(house: House) -> None:
    """A round asked by a person, all that follows, and what the watchdog does each minute."""
    rounds.ask(system(here(house)))
    for _ in range(3):
        soon()
        outbox.drain()
        plugs._look()
    outbox.drain()


def soon() -> None:
    """Let what waits for later be due now."""
    with engine().begin() as connection:
        table = Outbox.__table__
        connection.execute(sa.update(table).where(table.c.state == "pending").values(available_at=now()))


def known() -> list[ChorusInvoice]:
    with reading() as db:
        return list(db.scalars(sa.select(ChorusInvoice).order_by(ChorusInvoice.cpro_id)))


def folder_of(number: int) -> Folder:
    with reading() as db:
        query = sa.select(Folder).join(ChorusInvoice, ChorusInvoice.folder_id == Folder.id)
        return db.scalars(query.where(ChorusInvoice.cpro_id == number)).one()


def passed(chorus: SimulatedChorus, number: int) -> list[str]:
    """What was said of an invoice over there, the first to the last."""
    with chorus.state.written() as line:
        rows = line.execute(
            "SELECT status FROM passed WHERE invoice = ? AND who = 'PARAPHE' ORDER BY id", (number,)
        )
        return [row[0] for row in rows]


def words(answer) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


def test_a_piece_is_given_to_the_desks_of_its_folder_once_the_antivirus_has_looked_at_it(house) -> None:
    with clamd() as server:
        settings = house.settings.model_copy(update={"antivirus_url": server.url})
        town = House(create_app(settings), settings, house.pki, house.mail)
        given(town, CLIENT, SECRET, LOGIN, PASSWORD)
        routing.choose(town.actor(K), Routing(otherwise=Destination("comptabilite", "", service="technique")))
        chorus = opened(settings)
        number = deposits.deposit(chorus, deposits.PDF, now())
        virus = INVOICE.read_bytes() + b"\n%" + EICAR
        with chorus.state.written() as line:
            row = (number, 5, "annexe.pdf", "Autre", "02", 0, virus)
            line.execute("INSERT INTO piece VALUES (?,?,?,?,?,?,?)", row)
        look(town)
        folder = folder_of(number)
        with reading() as db:
            pieces = list(db.scalars(sa.select(ChorusPiece).order_by(ChorusPiece.id)))
        answers = {}
        for piece in pieces:
            answers[piece.filename] = town.client(G).get(f"/dossiers/{folder.id}/chorus/pieces/{piece.id}")
        refused = answers.pop("annexe.pdf")
        assert refused.status_code == 403
        assert "n’est donné à personne : l’antivirus y reconnaît" in words(refused)
        assert {one.status_code for one in answers.values()} == {200}
        # who reads the folder for its type alone reads nothing of what came with it
        sending.send(town.actor(G), folder.id, version=town.folder(folder.id).version)
        with engine().begin() as connection:
            connection.execute(sa.update(Folder).values(read_by_all=True))
        onlooker = town.client("t.lescoat")
        assert onlooker.get(f"/dossiers/{folder.id}").status_code == 200
        for path in ("", f"/pieces/{pieces[0].id}"):
            apart = onlooker.get(f"/dossiers/{folder.id}/chorus{path}")
            assert (apart.status_code, "n’est lu que de ses bureaux" in words(apart)) == (403, True)


def test_invoices_of_every_kind_arrive_once_each_with_the_day_that_starts_their_clock(house, chorus) -> None:
    day = now() - timedelta(days=4)
    numbers = {kind: deposits.deposit(chorus, kind, day) for kind in deposits.KINDS}
    look(house)
    look(house)  # again: nothing is twice there
    rows = {row.cpro_id: row for row in known()}
    assert set(rows) == set(numbers.values())
    assert {row.state for row in rows.values()} == {"fetched"}
    assert all(row.folder_id for row in rows.values())
    with reading() as db:
        assert db.scalar(sa.select(sa.func.count()).select_from(Folder)) == len(numbers)
        rounds_made = db.scalars(sa.select(ChorusRound)).all()
    assert [row.fresh for row in rounds_made][:2] == [len(numbers), 0]
    assert sum(row.fresh for row in rounds_made) == len(numbers)
    first = folder_of(numbers[deposits.PDF])
    assert first.fields["received_on"] == day.astimezone(PARIS).date().isoformat()
    assert first.fields["iban"] == deposits.iban_of(papers.JOINERY)
    assert "départ : mise à disposition sur Chorus Pro le" in delay_of(first).clock.source
    assert not first.sources.get("corrections")  # what Chorus Pro and the file both say is no correction
    assert rows[numbers[deposits.WORKS]].works
    page = words(house.client(G).get(f"/dossiers/{first.id}/chorus"))
    assert "Là-bas : mise à disposition" in page
    assert "FACTICE" in page
    for kind, told in (
        (deposits.PAID, "Facture déjà payée par carte d’achat"),
        (deposits.WORKS, "Marché de travaux : ce n’est pas encore une somme due"),
    ):
        assert told in words(house.client(G).get(f"/dossiers/{folder_of(numbers[kind]).id}"))
    office = words(house.client(K).get("/administration/chorus"))
    assert "COMMUNE DE KERLANN-SUR-MER (21290999800016)" in office
    assert "Complet" in office
    assert SECRET not in office
    assert PASSWORD not in office


@pytest.mark.law("INV-30")
def test_an_invoice_of_works_goes_its_own_way_and_a_draft_of_an_account_is_not_signed_as_owed(
    house, chorus
) -> None:
    mine = Row({"frame": "travaux"}, Destination("technique", "", service="technique"))
    routing.choose(house.actor(K), replace(routed(house), rows=(mine,)))
    assert "Cadre de facturation : travaux" in words(house.client(K).get("/administration/arrivees"))
    works = deposits.deposit(chorus, deposits.WORKS, now() - timedelta(days=2))
    other = deposits.deposit(chorus, deposits.PDF, now() - timedelta(days=2))
    look(house)
    led = folder_of(works)
    assert led.emitter_desk_id in house.actor(R).desk_ids
    assert folder_of(other).emitter_desk_id in house.actor(G).desk_ids
    assert (led.fields["frame"], folder_of(other).fields["frame"]) == ("A4", "A1")
    assert "Projet de décompte mensuel du fournisseur (A4)" in words(
        house.client(R).get(f"/dossiers/{led.id}/chorus")
    )
    sending.send(house.actor(R), led.id, version=led.version)
    for who in (R, N):
        house.approve(led.id, who)
    while house.folder(led.id).place != "bon_a_payer":
        house.approve(led.id, "s.rivoal")
    page = words(house.client("a.kervadec").get(f"/dossiers/{led.id}"))
    assert "avant qu’elle soit due" in page
    with pytest.raises(Refusal, match="sign-gated") as refused:
        house.sign(led.id, "a.kervadec")
    assert "dire ici ce qui a été validé" in refused.value.facts["details"]
    version = house.folder(led.id).version
    ruling.rule(
        house.actor("a.kervadec"),
        led.id,
        version=version,
        about="works-draft:A4",
        keep="",
        word="État d’acompte validé.",
    )
    house.sign(led.id, "a.kervadec")
    assert passed(chorus, works) == []  # its statuses are others', on Chorus Pro
    page = words(house.client(N).get("/factures?etat=travaux"))
    assert "Travaux Projet de décompte mensuel du fournisseur (A4)" in page
    assert f"/dossiers/{folder_of(other).id}" not in house.client(N).get("/factures?etat=travaux").get_data(
        as_text=True
    )
    assert "Projet de décompte mensuel du fournisseur (A4)" in words(
        house.client(N).get("/factures/registre.csv")
    )
    # Typed on what came by another way, the frame is told as what only Chorus Pro brings
    typed = house.an_invoice(at="service_done", frame="A8")
    assert "venue hors de Chorus Pro" in words(house.client(R).get(f"/dossiers/{typed}"))


def routed(house: House) -> Routing:
    with reading(here(house)) as db:
        return routing.routing_of(db, here(house))


def test_a_line_that_fails_is_told_and_loses_nothing(house, chorus) -> None:
    first = deposits.deposit(chorus, deposits.PDF, now())
    chorus.play(ACCOUNT, 2)
    rounds.ask(system(here(house)))
    outbox.drain()
    assert known() == []
    client = house.client(K)
    assert "Chorus Pro refuse le compte technique" in words(client.get("/administration/chorus"))
    assert "Chorus Pro refuse le compte technique" in words(client.get("/administration"))
    for play in (SILENCE, PAGE):
        chorus.play(play, 1)
    look(house)
    look(house)
    assert [row.cpro_id for row in known()] == [first]
    assert "refuse le compte technique" not in words(client.get("/administration"))
    # A file that Chorus Pro does not give, and one that cannot be read, wait for a person with what to do
    second = deposits.deposit(chorus, deposits.FACTURX, now())
    chorus.play(LARGE, 1)
    look(house)
    page = words(client.get("/administration/chorus"))
    assert "plus de 120 Mo (HTTP 413) : récupérez-la sur le portail de Chorus Pro, puis déposez-la" in page
    row = next(row for row in known() if row.cpro_id == second)
    assert (row.state, row.folder_id) == ("shut", None)
    client.post(
        f"/administration/chorus/factures/{row.id}/reprendre", data={"csrf_token": house.csrf(client)}
    )
    look(house)
    assert folder_of(second).phase == "draft"
    # What was answered before is not told as of now, and the next try is
    chorus.play(ACCOUNT, 2)
    rounds.ask(system(here(house)))
    outbox.drain()
    page = words(client.get("/administration/chorus"))
    for told in ("Pas relu au relevé de", "Auparavant : complet", "Nouvel essai"):
        assert told in page, told


def test_each_service_that_is_named_is_fetched_apart_and_one_that_is_refused_stops_no_other(
    house, chorus
) -> None:
    client = house.client(K)

    def name(codes: str):
        page = {"value": codes, "csrf_token": house.csrf(client)}
        return client.post("/administration/reglages/chorus_services", data=page)

    def office() -> str:
        look(house)
        return words(client.get("/administration/chorus"))

    assert "plus long qu’un code de service" in words(name("X" * 101))
    name("technique, ESPACES_VERTS, technique, PERDU")
    with chorus.state.written() as line:
        line.execute("UPDATE service SET barred = 1 WHERE code = 'ESPACES_VERTS'")
    led = deposits.deposit(chorus, deposits.PDF, now())
    apart = deposits.deposit(chorus, deposits.OTHER, now())  # of no service
    page = office()
    assert [row.cpro_id for row in known()] == [led]
    assert "service TECHNIQUE, SERVICES TECHNIQUES" in page
    assert "service ESPACES_VERTS, ESPACES VERTS : Chorus Pro refuse (20001" in page
    assert "Aucune structure relevée n’a de service « PERDU »" in page
    assert "ESPACES_VERTS" in words(client.get("/administration"))  # who administers is told
    # Once it is let in, it comes with what waited there
    with chorus.state.written() as line:
        line.execute("UPDATE service SET barred = 0")
        line.execute(
            "UPDATE invoice SET data = json_set(data, '$.service', 'ESPACES_VERTS') WHERE id = ?", (apart,)
        )
    name("TECHNIQUE, ESPACES_VERTS")
    page = office()
    assert [row.cpro_id for row in known()] == [led, apart]
    assert "n’habilite pas" not in page + words(client.get("/administration"))
    # None named: all of the structure, from its six months
    other = deposits.deposit(chorus, deposits.OTHER, now() - timedelta(days=3))
    client.post("/administration/reglages/chorus_services/revenir", data={"csrf_token": house.csrf(client)})
    office()
    assert {row.cpro_id for row in known()} == {led, apart, other}


def test_what_was_dealt_with_elsewhere_is_told_and_fetched_only_when_a_person_asks(house, chorus) -> None:
    number = deposits.deposit(chorus, deposits.PDF, now() - timedelta(days=3))
    deposits.move(chorus, number, "MISE_EN_PAIEMENT", now() - timedelta(days=1))
    look(house)
    (row,) = known()
    assert (row.state, row.folder_id) == ("past", None)
    client = house.client(K)
    assert "Traitée ailleurs" in words(client.get("/administration/chorus"))
    client.post(
        f"/administration/chorus/factures/{row.id}/reprendre", data={"csrf_token": house.csrf(client)}
    )
    look(house)
    assert folder_of(number).phase == "draft"


def sent(house: House, number: int) -> Folder:
    """The folder of an invoice, sent into its circuit by the desk that deposits."""
    folder = folder_of(number)
    house.save(folder.id, G, {"proof_of_service": "technique"})
    sending.send(house.actor(G), folder.id, version=folder_of(number).version)
    return folder_of(number)


def test_statuses_go_back_once_each_whatever_the_line_loses(house, chorus) -> None:
    numbers = [
        deposits.deposit(chorus, kind, now() - timedelta(days=3)) for kind in (deposits.DATA, deposits.PDF)
    ]
    look(house)
    paid, asked = (sent(house, number) for number in numbers)
    house.approve(paid.id, R)
    form = words(house.client(R).get(f"/dossiers/{asked.id}/delai"))
    assert "Ce texte part tel quel sur Chorus Pro" in form
    assert "Paraphe n’envoie pas" not in form
    interrupting.interrupt(
        house.actor(R),
        asked.id,
        version=asked.version,
        notified=today(),
        reason="Bon de livraison signé manquant",
    )
    chorus.play(LOST, 1)  # the first status is taken, and its answer is lost
    look(house)
    assert passed(chorus, numbers[0]) == ["SERVICE_FAIT"]
    assert passed(chorus, numbers[1]) == ["SUSPENDUE"]
    house.approve(paid.id, N)
    client = house.client(G)
    page = f"/dossiers/{paid.id}/chorus"
    early = client.post(
        f"{page}/mandater",
        data={"version": folder_of(numbers[0]).version, "number": "2026-1", "csrf_token": house.csrf(client)},
    )
    assert "pas encore signée" in words(early)
    house.sign(paid.id, "a.kervadec")
    outbox.drain()
    # Who deposits is told that a number is due, and gives one after the other
    assert "1 facture signée : numéro de mandat à donner" in words(client.get("/a-traiter"))
    assert "à donner" not in words(house.client(N).get("/a-traiter"))
    due = client.get("/factures?etat=a-mandater").get_data(as_text=True)
    assert f'href="{page}#mandatee"' in due
    chorus.play(LOST, 1)
    said = {"version": folder_of(numbers[0]).version, "csrf_token": house.csrf(client)}
    answer = client.post(f"{page}/mandater", data={**said, "number": "2026-A-0471", "then": "next"})
    assert (answer.status_code, answer.location) == (302, "/a-traiter")
    # In another tab, another number: what was typed and what stands are both told
    other_tab = client.post(f"{page}/mandater", data={**said, "number": "2026-0500"})
    assert other_tab.status_code == 409
    for told in ("le mandat « 2026-A-0471 » est déjà noté", "« 2026-0500 », que vous avez écrit"):
        assert told in words(other_tab), told
    assert "à donner" not in words(client.get("/a-traiter"))
    assert "Aucune facture" in words(client.get("/factures?etat=a-mandater"))
    assert "mandat 2026-A-0471" in words(client.get("/factures?etat=mandatees"))
    look(house)
    look(house)
    assert passed(chorus, numbers[0]) == ["SERVICE_FAIT", "MANDATEE"]
    # The finance software says it too: the same number changes nothing, another one is told and replaces nothing
    software, place = Software(house, "comptabilite", [Right.CREATE]), f"/folders/{paid.id}/mandate"
    version = folder_of(numbers[0]).version
    same = software.post(place, number="2026-A-0471")
    assert same.json == {"folder": paid.id, "version": version, "number": "2026-A-0471", "chorus": "sent"}
    for _ in range(2):
        other = software.post(place, number="2026-0999")
        assert (other.status_code, "2026-A-0471" in other.json["detail"]) == (409, True)
    assert folder_of(numbers[0]).version == version + 1  # told once
    assert "donne aussi le mandat « 2026-0999 »" in words(client.get(page))
    assert software.post(f"/folders/{asked.id}/mandate", number="2026-1").status_code == 409  # not signed
    assert software.post(place, number="sans chiffre").status_code == 422
    bought = house.an_invoice(at="done")
    assert software.post(f"/folders/{bought}/mandate", number="2026-0472").json["chorus"] is None
    with reading(here(house)) as db:  # the finance software gives the numbers now: nobody is asked for them
        assert mandates.by_software(db, here(house))
    register = house.client(N).get("/factures/registre.csv").get_data(as_text=True)
    assert "2026-A-0471, 2026-0999" in register
    assert "2026-0472" in register
    look(house)
    assert passed(chorus, numbers[0]) == ["SERVICE_FAIT", "MANDATEE"]
    with chorus.state.written() as line:
        assert invoice_of(line, numbers[0]).mandate == "2026-A-0471"
        (motive,) = line.execute("SELECT comment FROM passed WHERE status = 'SUSPENDUE'").fetchone()
    assert motive == "Bon de livraison signé manquant"
    shown = words(client.get(page))
    assert "Mandatée, mandat 2026-A-0471, par Gwenola Tréhorel : envoyé" in shown
    assert "Mandatée" in shown
    assert "mandat 2026-A-0471" in words(house.client(K).get("/administration/chorus"))
    with reading() as db:
        assert {row.state for row in db.scalars(sa.select(ChorusStatus))} == {"sent"}
    # What was asked of the supplier has come there: the delay says so
    assert "est attendu du fournisseur" in words(client.get(f"/dossiers/{asked.id}"))
    deposits.complete(chorus, numbers[1], now())
    look(house)
    delay = words(client.get(f"/dossiers/{asked.id}"))
    assert "Complétée par le fournisseur sur Chorus Pro FACTICE" in delay
    assert "est attendu du fournisseur" not in delay


def test_an_invoice_is_rejected_there_by_the_desk_that_deposits_with_its_reason(house, chorus) -> None:
    number = deposits.deposit(chorus, deposits.OTHER, now())
    look(house)
    folder = folder_of(number)
    client, page = house.client(G), f"/dossiers/{folder.id}/chorus"

    def post(browser, **typed):
        data = {"version": folder_of(number).version, "csrf_token": house.csrf(browser), **typed}
        return browser.post(f"{page}/rejeter", data=data)

    assert "choisissez le motif" in words(post(client, code="", sentence="Facture d’un autre organisme"))
    kept = post(client, code="SE_ERR", sentence="")
    assert (kept.status_code, "écrivez en une phrase" in words(kept)) == (422, True)
    assert post(house.client(R), code="SE_ERR", sentence="x").status_code == 404  # a draft is its desk's
    desks.seat(here(house), "comptabilite", N, Rights.read(["create:contract"]))
    assert (
        post(house.client(N), code="SE_ERR", sentence="x").status_code == 403
    )  # who deposits contracts alone
    assert "Rejeter sur Chorus Pro" not in words(house.client(N).get(page))
    draft = words(client.get(f"/dossiers/{folder.id}/brouillon"))
    assert "Historique, états, rejet…" in draft
    shown = client.get(page).get_data(as_text=True)
    assert shown.index('value="SE_ERR"') < shown.index('value="DOUBLE_FACT"'), "for another body"
    assert post(client, code="SE_ERR", sentence="Adressée à la communauté de communes").status_code == 302
    given_up = folder_of(number)
    assert (given_up.place, given_up.phase) == ("withdrawn", "done"), "in the same gesture"
    assert f"/dossiers/{folder.id}" not in words(client.get("/a-traiter?bannette=drafts"))
    look(house)
    assert passed(chorus, number) == ["REJETEE"]
    with chorus.state.written() as line:
        (motive,) = line.execute("SELECT comment FROM passed WHERE status = 'REJETEE'").fetchone()
    assert motive == "SE_ERR : Adressée à la communauté de communes"
    assert "déjà dit à Chorus Pro" in words(post(client, code="SE_ERR", sentence="encore"))
    elsewhere = deposits.deposit(chorus, deposits.PDF, now())
    look(house)
    with chorus.state.written() as line:
        pass_to(line, elsewhere, "REJETEE", now())  # by somebody on the portal
    look(house)
    with pytest.raises(Refusal) as refused:
        sent(house, elsewhere)
    assert "rejetée sur Chorus Pro" in str(refused.value.facts)
    # The register tells the one rejection that the supplier got
    told = "Rejet sur Chorus Pro FACTICE : Gwenola Tréhorel"
    for address in ("/factures", "/factures?etat=rejetees"):
        page = words(client.get(address))
        assert told in page, address
        assert "Adressée à la communauté de communes" in page
    table = client.get("/factures/registre.csv").get_data(as_text=True)
    assert "Gwenola Tréhorel;SE incorrect : Adressée à la communauté de communes;Chorus Pro FACTICE" in table


def test_an_invoice_that_came_twice_is_refused_from_the_page_of_both(house, chorus) -> None:
    first, again = (deposits.deposit(chorus, kind, now()) for kind in (deposits.PDF, deposits.TWICE))
    look(house)
    page = words(house.client(G).get(f"/dossiers/{folder_of(again).id}/doublon/{folder_of(first).id}"))
    for told in (
        str(first),
        str(again),
        "Identifiant sur Chorus Pro",
        "La même facture : rejeter sur Chorus Pro",
    ):
        assert told in page, told
    answer = house.client(G).get(f"/dossiers/{folder_of(again).id}/chorus?motif=DOUBLE_FACT")
    assert 'value="DOUBLE_FACT" selected' in answer.get_data(as_text=True)
    client, folder = house.client(G), folder_of(again)
    said = {
        "version": folder.version,
        "csrf_token": house.csrf(client),
        "code": "DOUBLE_FACT",
        "sentence": "Reçue deux fois",
    }
    client.post(f"/dossiers/{folder.id}/chorus/rejeter", data=said)
    page = words(client.get(f"/dossiers/{folder.id}/chorus"))
    assert "le dossier est abandonné." in page  # nobody is promised another invoice
    assert "Abandonné" in words(client.get("/factures?etat=rejetees"))


def test_a_rejection_that_is_not_taken_there_is_told_on_its_folder_and_given_again(house, chorus) -> None:
    number = deposits.deposit(chorus, deposits.PDF, now() - timedelta(days=3))
    look(house)
    deposits.move(chorus, number, "A_RECYCLER", now())  # from where nothing is rejected
    client, page = house.client(G), f"/dossiers/{folder_of(number).id}/chorus"

    def reject(code: str) -> int:
        data = {"version": folder_of(number).version, "csrf_token": house.csrf(client)}
        return client.post(f"{page}/rejeter", data={**data, "code": code, "sentence": "Vu."}).status_code

    assert reject("AUTRE") == 302
    look(house)
    assert (folder_of(number).place, passed(chorus, number)) == ("withdrawn", [])
    assert "n’a pas pris le rejet" in words(client.get(f"/dossiers/{folder_of(number).id}"))
    deposits.move(chorus, number, "MISE_A_DISPOSITION", now())
    assert reject("MONTANT_ERR") == 302
    look(house)
    assert passed(chorus, number) == ["REJETEE"]


def test_a_status_that_is_refused_waits_for_a_person_and_what_helios_has_is_said_no_more(
    house, chorus
) -> None:
    numbers = [deposits.deposit(chorus, deposits.PDF, now() - timedelta(days=2)) for _ in range(2)]
    look(house)
    for number, status in zip(numbers, ("A_RECYCLER", "MISE_EN_PAIEMENT"), strict=True):
        folder = sent(house, number)
        deposits.move(chorus, number, status, now())
        house.approve(folder.id, R)
    look(house)
    assert [passed(chorus, number) for number in numbers] == [[], []]
    with reading() as db:
        rows = db.scalars(sa.select(ChorusStatus).order_by(ChorusStatus.invoice_id)).all()
    assert [row.state for row in rows] == ["refused", "dropped"]
    client = house.client(K)
    page = words(client.get("/administration/chorus"))
    assert (
        "« Service fait » n’est pas pris : Chorus Pro n’admet pas « service fait » après « à recycler »"
        in page
    )
    deposits.move(chorus, numbers[0], "MISE_A_DISPOSITION", now())
    client.post(f"/administration/chorus/etats/{rows[0].id}/redire", data={"csrf_token": house.csrf(client)})
    look(house)
    assert passed(chorus, numbers[0]) == ["SERVICE_FAIT"]


def test_what_another_tool_said_is_not_told_as_said_by_us(house, chorus) -> None:
    number = deposits.deposit(chorus, deposits.PDF, now() - timedelta(days=2))
    look(house)
    folder = sent(house, number)
    deposits.move(chorus, number, "SERVICE_FAIT", now())
    house.approve(folder.id, R)
    look(house)
    assert passed(chorus, number) == []  # nothing of ours
    with reading() as db:
        (row,) = db.scalars(sa.select(ChorusStatus))
    assert row.state == "dropped"
    assert "par un autre que Paraphe" in words(house.client(G).get(f"/dossiers/{folder.id}/chorus"))
    assert "Non dit à Chorus Pro" in words(house.client(G).get(f"/dossiers/{folder.id}?onglet=journal"))


def test_statuses_stay_here_where_another_tool_says_them(house, chorus) -> None:
    client = house.client(K)
    client.post(
        "/administration/reglages/chorus_statuses", data={"value": "kept", "csrf_token": house.csrf(client)}
    )
    number, refused = (deposits.deposit(chorus, deposits.PDF, now()) for _ in range(2))
    look(house)
    draft, clerk = folder_of(refused), house.client(G)
    page = f"/dossiers/{draft.id}/chorus"
    assert "Rejeter sur Chorus Pro" not in words(clerk.get(page))
    typed = {"code": "AUTRE", "sentence": "x", "version": draft.version, "csrf_token": house.csrf(clerk)}
    answer = clerk.post(f"{page}/rejeter", data=typed)
    assert (answer.status_code, "sur le portail de Chorus Pro" in words(answer)) == (409, True)
    assert folder_of(refused).phase == "draft", "nothing would have told its supplier"
    house.approve(sent(house, number).id, R)
    look(house)
    assert passed(chorus, number) == []
    assert "gardés ici, rien n’est envoyé" in words(client.get("/administration/chorus"))


def test_a_completion_has_the_account_verified_by_two_persons(house, chorus) -> None:
    number = deposits.deposit(chorus, deposits.PDF, now() - timedelta(days=3))
    look(house)
    folder = sent(house, number)
    with reading(here(house)) as db:
        assert accounts.doubts(db, db.get_one(Folder, folder.id)) == []
    deposits.complete(chorus, number, now(), iban=deposits.iban_of(papers.HEATING, changed=True))
    look(house)
    with reading(here(house)) as db:
        (doubt,) = accounts.doubts(db, db.get_one(Folder, folder.id))
    own, added = (deposits.iban_of(papers.HEATING, changed=changed) for changed in (False, True))
    assert (doubt.iban, doubt.added) == (added, True), "what is added is doubted, not what the invoice bears"
    assert doubt.reasons[0][0] == "Autre compte dans une pièce ajoutée"
    assert "RIB nouveau.pdf" in doubt.reasons[0][1]
    assert accounts.ends(own) in doubt.reasons[0][1]
    house.approve(folder.id, R)
    with pytest.raises(Refusal):
        house.approve(folder.id, N)
    page = words(house.client(G).get(f"/dossiers/{folder.id}/chorus"))
    assert "RIB nouveau.pdf" in page
    assert "elle n’est pas au dossier" in page
    look(house)  # the same completion is told once
    with reading(here(house)) as db:
        assert len(accounts.doubts(db, db.get_one(Folder, folder.id))[0].reasons) == 1
        assert db.scalar(sa.select(sa.func.count()).select_from(Arrival)) == 1
    # One is paid on the account that it bears, the other on the one that was added
    other = deposits.deposit(chorus, deposits.PDF, now())
    look(house)
    second = sent(house, other)
    deposits.complete(chorus, other, now(), iban=added)
    look(house)
    house.approve(second.id, R)
    finance = house.client(N)
    place = finance.get(f"/dossiers/{folder.id}/compte/{doubt.mark}").get_data(as_text=True)
    assert " ".join(re.findall("....", added)) in html.unescape(place).replace("\u202f", " ").replace(
        "\u00a0", " "
    )
    for one, keep in ((folder, f"{accounts.FORMER}:{accounts.digest(own)}"), (second, accounts.ACCEPT)):
        with reading(here(house)) as db:
            (open_one,) = accounts.doubts(db, db.get_one(Folder, one.id))
        calls.note_call(
            house.actor(G), one.id, mark=open_one.mark, number="02 98 00 00 17", origin="marché", word="Vu."
        )
        answer = finance.post(
            f"/dossiers/{one.id}/compte/{open_one.mark}/decision",
            data={
                "csrf_token": house.csrf(finance),
                "version": house.folder(one.id).version,
                "keep": keep,
                "reason": "Vu au téléphone.",
            },
        )
        assert answer.status_code == 302, words(answer)
        with reading(here(house)) as db:
            assert accounts.to_verify(db, db.get_one(Folder, one.id)) == []
            keys = {caution.key for caution in sockets.cautions(db, db.get_one(Folder, one.id))}
        assert "chorus-completed" not in keys, "its account was read, and ruled on"
    assert [house.folder(one.id).fields["iban"] for one in (folder, second)] == [own, added]
    with reading() as db:
        rows = {row.iban: row.state for row in db.scalars(sa.select(SupplierAccount))}
    # What comes after the decision is looked at again, though it gives the account that was put aside
    deposits.complete(chorus, number, now(), iban=added)
    look(house)
    with reading(here(house)) as db:
        assert [one.iban for one in accounts.doubts(db, db.get_one(Folder, folder.id))] == [added]
    assert rows == {added: "confirmed"}, (
        "the last word on it; the account that an invoice bears is never put aside by this"
    )
