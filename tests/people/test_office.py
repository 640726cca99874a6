"""« Administration › Mandats de signature » as an administrator uses it, and what the signatory is then shown."""

import html
import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.core.clock import today
from app.core.db import engine, reading
from app.core.refusals import Refusal
from app.journal.models import JournalEntry
from app.people import identity
from app.people.mandates import accredit, end_mandate
from app.people.models import MandateRow
from demo.cast import PASSWORD
from tests.builders.house import House
from tests.builders.mandates import (
    ADMINISTRATOR,
    BY_DELEGATION,
    DEPUTY,
    a_deputy,
    a_mayor_and_a_deputy,
    of_deputy,
    of_mayor,
    record,
)
from workflows.mandates import Kind

pytestmark = pytest.mark.in_turn

PAGE = "/administration/mandats"
DAY = timedelta(days=1)


def text(answer) -> str:
    """The words of a page, without marks, each space a plain one."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))).split())


def typed(house, **changes):
    return {
        "person": str(house.actor(DEPUTY).user_id),
        "kind": "function",
        "title": "l’adjointe aux finances",
        "order_number": "2026-041",
        "order_date": (today() - 210 * DAY).isoformat(),
        "starts_on": (today() - 200 * DAY).isoformat(),
        "families": ["invoice", "deliberation"],
        "matters": "7.5, 7.1",
        "ceiling": "10 000,50",
        "rank": "1",
        "elected": "yes",
        **changes,
    }


def rows(house):
    with reading() as db:
        return list(db.scalars(sa.select(MandateRow).order_by(MandateRow.id)))


def test_an_administrator_records_a_delegation_and_reads_it_in_the_list(house: House) -> None:
    a_deputy(house)
    record(house, of_mayor(house))
    client = house.client(ADMINISTRATOR)
    answer = client.post(PAGE, data={**typed(house), "csrf_token": house.csrf(client)})
    assert answer.status_code == 302
    row = rows(house)[-1]
    assert (row.ceiling_cents, row.rank, row.matters) == (1_000_050, 1, ["7.5", "7.1"])
    assert (row.families, row.order_number) == (["invoice", "deliberation"], "2026-041")
    said = text(client.get(PAGE))
    for words in (
        "Gaud Le Bras",
        BY_DELEGATION,
        "Factures, Délibérations ; matières 7.5, 7.1",
        "10 000,50 €",
    ):
        assert words in said
    assert BY_DELEGATION in text(house.client(DEPUTY).get("/compte"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": ""}, "il manque le genre de mandat"),
        ({"kind": "king"}, "il manque le genre de mandat"),
        ({"person": ""}, "il manque la personne"),
        ({"person": "99999999999"}, "il manque la personne"),
        ({"elected": ""}, "si la personne est élue ou agent"),
        ({"elected": "no"}, "ne se donne qu’à un élu"),
        (
            {"elected": "no", "kind": "signature", "families": ["decision"]},
            "délibération qui permet à un agent",
        ),
        ({"order_number": ""}, "il manque numéro de l’arrêté"),
        ({"starts_on": "hier"}, "« Premier jour » n’est pas une date"),
        ({"families": []}, "au moins un type de dossier"),
        ({"families": ["nothing"]}, "n’existe pas"),
        ({"ceiling": "beaucoup"}, "le plafond doit être un montant"),
        ({"ceiling": "NaN"}, "le plafond doit être un montant"),
        ({"ceiling": "1e400"}, "le plafond doit être un montant"),
        ({"ceiling": "-5"}, "le plafond doit être un montant"),
        ({"rank": "premier"}, "l’ordre de priorité doit être un nombre"),
        ({"matters": "sport"}, "n’est pas une matière"),
    ],
)
@pytest.mark.law("DLG-03")
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(house: House, changes, words) -> None:
    a_deputy(house)
    record(house, of_mayor(house))
    client = house.client(ADMINISTRATOR)
    data = {**typed(house, **changes), "csrf_token": house.csrf(client)}
    answer = client.post(PAGE, data=data)
    assert 400 <= answer.status_code < 500
    assert words in text(answer)
    assert 'value="l’adjointe aux finances"' in answer.get_data(as_text=True)
    assert len(rows(house)) == 1


def test_the_end_of_the_mayor_names_the_delegations_that_fall_before_it_is_recorded(house: House) -> None:
    mayor, delegation = a_mayor_and_a_deputy(house)
    client = house.client(ADMINISTRATOR)
    assert f"{BY_DELEGATION} (Gaud Le Bras)" in text(client.get(f"{PAGE}/{mayor}"))
    token = house.csrf(client)
    form = {"csrf_token": token, "reason": "Démission acceptée"}
    refused = client.post(f"{PAGE}/{mayor}", data={**form, "last_day": "bientôt"})
    assert (refused.status_code, 'value="Démission acceptée"' in refused.get_data(as_text=True)) == (
        422,
        True,
    )
    assert client.post(f"{PAGE}/{mayor}", data={**form, "reason": ""}).status_code == 422
    assert client.post(f"{PAGE}/{mayor}", data=form).status_code == 302
    said = text(client.get(PAGE))
    assert "Une délégation finit avec lui." in said
    assert "Tombé avec le mandat du maire" in said
    assert "Mettre fin" not in text(client.get(f"{PAGE}/{delegation}"))
    assert client.get(f"{PAGE}/999999").status_code == 404


def test_the_end_of_a_mandate_says_beforehand_which_folders_nobody_could_sign(house: House) -> None:
    mayor = record(house, of_mayor(house))
    page = f"{PAGE}/{mayor}"
    client = house.client(ADMINISTRATOR)
    assert "plus rien ne se signerait au nom de la collectivité" in text(client.get(page))
    house.an_invoice(at="bon_a_payer")
    assert "1 dossier attend une signature que plus personne ne pourrait faire" in text(client.get(page))
    a_deputy(house)
    deputy = record(house, of_deputy(house))
    # The delegation falls with the mayor; by itself, it stops nothing
    assert "1 dossier attend une signature" in text(client.get(page))
    assert "Ce qui s’arrêterait" not in text(client.get(f"{PAGE}/{deputy}"))


@pytest.mark.law("DLG-02")
def test_two_deputies_without_an_order_of_priority_are_a_warning(house: House) -> None:
    a_mayor_and_a_deputy(house)
    client = house.client(ADMINISTRATOR)
    assert "sans ordre de priorité" not in text(client.get(PAGE))
    record(house, of_deputy(house, user_id=house.actor("b.cadiou").user_id, title="l’adjoint au budget"))
    assert "Gaud Le Bras et Bleuenn Cadiou ont la même délégation" in text(client.get(PAGE))


def test_the_folder_says_as_what_one_signs_or_why_one_may_not(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    _, delegation = a_mayor_and_a_deputy(house)
    deputy = house.client(DEPUTY)
    assert f"À vous de signer, avec la mention « {BY_DELEGATION} »" in text(
        deputy.get(f"/dossiers/{folder_id}")
    )
    assert f"avec la mention « {BY_DELEGATION} »" in text(deputy.get(f"/dossiers/{folder_id}/signer"))
    end_mandate(house.actor(ADMINISTRATOR), delegation, reason="Fin de ses fonctions")
    page = deputy.get(f"/dossiers/{folder_id}")
    # He is told why, and asked nothing.
    assert "Votre mandat « Pour le maire et par délégation, l’adjointe aux finances » a pris fin" in text(
        page
    )
    assert "Signer…" not in page.get_data(as_text=True)
    assert "Rien n’a été signé" not in text(page)
    assert deputy.get(f"/dossiers/{folder_id}/signer").status_code == 403


def test_the_dialog_offers_every_capacity_that_fits_the_strongest_first(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    _, delegation = a_mayor_and_a_deputy(house)
    standin = record(
        house,
        of_deputy(
            house,
            kind=Kind.SUBSTITUTE,
            title="la première adjointe",
            starts_on=today(),
            ends_on=today() + DAY,
            reason="Maire hospitalisé",
        ),
    )
    page = house.client(DEPUTY).get(f"/dossiers/{folder_id}/signer").get_data(as_text=True)
    offered = re.findall(r'<option value="(\d+)"\s+data-words="[^"]+">', page)
    assert offered == [str(standin), str(delegation)]


@pytest.mark.law("PES-03")
def test_a_signatory_of_flows_is_to_be_made_known_to_the_accountant_until_the_day_is_written(
    house: House,
) -> None:
    mayor, hers = a_mayor_and_a_deputy(
        house
    )  # hers is for invoices and deliberations: the accountant reads none of her flows
    client = house.client(ADMINISTRATOR)
    shown = text(client.get(PAGE))
    assert "À faire connaître au comptable public Armel Kervadec, « Le maire »" in shown
    assert shown.count("À faire connaître au comptable public") == 1
    task = "1 mandat de signataire de flux est à faire connaître au comptable public"
    home = text(client.get("/a-traiter"))
    assert (task in home, "Armel Kervadec, « Le maire »" in home) == (True, True)
    assert task not in text(house.client("n.abgrallec").get("/a-traiter"))  # an administrator's task
    assert "Lettre au comptable" in text(client.get(f"{PAGE}/{mayor}"))
    letter = text(client.get(f"{PAGE}/{mayor}/lettre-au-comptable"))
    for told in (
        "Armel Kervadec",
        "« Le maire »",
        "SIREN 212909998",
        "Procès-verbal",
        "Spécimen de signature",
    ):
        assert told in letter, told
    assert "aucun flux comptable" in text(client.get(f"{PAGE}/{hers}/lettre-au-comptable"))
    assert client.get(f"{PAGE}/999999/lettre-au-comptable").status_code == 404
    where, token = f"{PAGE}/{mayor}/accreditation", house.csrf(client)
    for wrong in ("", "bientôt", (today() + DAY).isoformat(), (today() - 241 * DAY).isoformat()):
        refused = client.post(where, data={"csrf_token": token, "accredited_on": wrong})
        assert (refused.status_code, f'value="{wrong}"' in refused.text) == (422, True)
    stranger = house.client(DEPUTY)
    day = {"csrf_token": house.csrf(stranger), "accredited_on": today().isoformat()}
    assert stranger.post(where, data=day).status_code == 403
    assert client.post(where, data={**day, "csrf_token": token}).status_code == 302
    with pytest.raises(Refusal, match="mandate-unknown"):
        accredit(house.actor(ADMINISTRATOR), 999_999, today())
    assert "À faire connaître" not in text(client.get(PAGE))
    assert task not in text(client.get("/a-traiter"))
    assert "Connu du comptable depuis le" in text(client.get(f"{PAGE}/{mayor}"))
    assert rows(house)[0].accredited_on == today()
    with reading() as db:
        assert db.query(JournalEntry).filter_by(event="mandate.accredited").count() == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_each_page_that_asks_who_one_is_says_for_which_act(house: House) -> None:
    views = house.app.view_functions
    assert [name for name, view in views.items() if getattr(view, "__doing__", "none asked") == ""] == []
    client = house.client(ADMINISTRATOR)
    for address, act in (
        ("/administration/mandats/1", "Mettre fin à un mandat de signature"),
        ("/compte/mot-de-passe", "Changer votre mot de passe"),
        ("/compte/certificats/distance", "Relier un certificat à distance"),
        ("/dossiers/1/signer-sur-papier", "Dire une signature faite sur papier"),
    ):
        page = client.get("/compte/confirmer", query_string={"suite": address})
        assert f"Ce qui attend votre confirmation : {act}" in text(page)
        assert re.search(r'id="answer"[^>]*\sautofocus', page.get_data(as_text=True))
    for address in ("/nulle-part", "https://example.org/compte/mot-de-passe", "/compte"):
        page = client.get("/compte/confirmer", query_string={"suite": address})
        assert "Ce qui attend votre confirmation" not in text(page)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_an_old_session_gives_neither_a_mandate_nor_a_token_and_what_was_typed_waits(house: House) -> None:
    """ASVS 5.0, 7.5.1: a stolen session of the administrator is not enough for what gives the right to sign."""
    a_deputy(house)
    record(house, of_mayor(house))
    client = house.client(ADMINISTRATOR)
    identity.configure(5)
    with engine().begin() as connection:
        connection.execute(
            sa.text("UPDATE login_session SET created_at = '2026-01-01 00:00:00', proven_at = NULL")
        )
    try:
        form = {**typed(house), "csrf_token": house.csrf(client)}
        asked = client.post(PAGE, data=form)
        assert asked.status_code == 403
        assert "Confirmez que c’est vous" in text(asked)
        assert "Ce qui attend votre confirmation : Enregistrer un mandat de signature" in text(asked)
        kept = dict.fromkeys(
            re.findall(r'name="(families|person|ceiling)" value="([^"]+)"', asked.get_data(as_text=True))
        )
        assert {
            ("families", "invoice"),
            ("families", "deliberation"),
            ("ceiling", "10 000,50"),
        } <= kept.keys()
        assert len(rows(house)) == 1
        wrong = client.post(PAGE, data={**form, "answer": "faux"})
        assert "Ce n’est pas confirmé" in text(wrong)
        left = client.post(PAGE, data={**form, "given_up": "1"})
        assert left.status_code == 200
        assert "10 000,50" in text(left) or 'value="10 000,50"' in left.get_data(as_text=True), "as typed"
        assert len(rows(house)) == 1
        software = {
            "name": "Logiciel",
            "desk": "finances",
            "rights": ["act"],
            "csrf_token": form["csrf_token"],
        }
        assert "Confirmez que c’est vous" in text(client.post("/administration/applications", data=software))
        done = client.post(PAGE, data={**form, "answer": PASSWORD})
        assert (done.status_code, done.location) == (302, PAGE)
        assert rows(house)[-1].families == ["invoice", "deliberation"]
        given = client.post("/administration/applications", data=software)  # proven a moment ago
        assert "à copier maintenant" in text(client.get(given.location))
    finally:
        identity.configure(house.settings.reauth_minutes)
