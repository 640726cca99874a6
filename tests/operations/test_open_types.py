"""A type whose folders every person of the collectivity reads: once sent, without acting, and nobody else."""

import re
from dataclasses import replace

import pytest
import sqlalchemy as sa

from app.core import schema
from app.core.clock import today
from app.core.db import reading, writing
from app.core.losses import losses
from app.core.refusals import Refusal
from app.display import following, queues
from app.folders import continuing, decide, notes
from app.folders.access import authorize
from app.folders.models import Folder
from app.folders.notes import Draft, Reach
from app.invoices import account_file, accounts, calls
from app.legality.appeals import KINDS, Entry, record_appeal
from app.people import desks
from tests.api.software import Software
from tests.builders.house import INVOICE, House
from tests.display.test_queues import _scans
from tests.legality.test_born_from import an_order
from tests.legality.town import letters
from tests.operations.test_folder_types import RECEIVED, begin, draw, made, publish, reads, send, words
from workflows.own_types import Definition
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

K, G, A, B, R = "k.morizur", "g.trehorel", "a.kervadec", "b.cadiou", "r.pellenec"
ELSEWHERE = "z.ailleurs"


def a_note(house: House) -> int:
    """A folder of an open type, as it is deposited."""
    made(house, visibility="all")
    folder_id = house.deposit(G, "facture-d-energie", INVOICE)
    house.save(folder_id, G, RECEIVED)
    return folder_id


def test_everybody_reads_what_was_sent_and_nobody_may_do_more(house: House) -> None:
    assert not reads(house, B, house.a_quick_invoice())
    known, other = "FR1420041010050500013M02606", "LT121000011101001000"
    account_file.bring_in(
        house.actor(K), f"Fournisseur;SIRET;IBAN\nAtelier Berthier;39280913700012;{known}\n".encode()
    )
    folder_id = a_note(house)
    house.save(folder_id, G, {"iban": other})
    details = f"/dossiers/{folder_id}?onglet=details"
    assert "Accès Toute la collectivité, une fois envoyé" in words(house.client(G).get(details))
    assert not reads(house, B, folder_id)  # a draft is its desk's
    send(house, folder_id)
    for login in (A, B, K, "s.rivoal"):
        assert reads(house, login, folder_id), login
    client = house.client(B)
    page = words(client.get(details))
    assert "Accès Toute la collectivité" in page
    assert "une fois envoyé" not in page
    shown = client.get(f"/dossiers/{folder_id}").get_data(as_text=True)
    assert not re.search(rf'action="/dossiers/{folder_id}/(viser|rejeter|signer)', shown)
    with reading(house.actor(B).collectivity_id) as db:
        assert queues.counters(db, house.actor(B)).todo == 0
    before = house.folder(folder_id)
    for verb in ("viser", "rejeter"):
        answer = client.post(
            f"/dossiers/{folder_id}/{verb}",
            data={"csrf_token": house.csrf(client), "version": str(before.version), "comment": "Non."},
        )
        assert answer.status_code in {403, 404, 409, 422}, answer.status_code
    assert house.folder(folder_id).version == before.version
    document = house.versions(folder_id)[0].document_id
    assert client.get(f"/dossiers/{folder_id}/documents/{document}/1").status_code == 200
    assert f"/dossiers/{folder_id}" in client.get("/recherche?q=berthier").get_data(as_text=True)
    assert f"/dossiers/{folder_id}" not in client.get("/a-traiter").get_data(as_text=True)
    # Nor does he leave anything there, but a note that he alone reads
    written = notes.write(house.actor(G), folder_id, Draft("Relu avec le fournisseur."))
    tab = client.get(f"/dossiers/{folder_id}?onglet=notes").get_data(as_text=True)
    assert "Relu avec le fournisseur." in tab
    assert "/reglee" not in tab
    assert 'value="all"' not in tab
    for leave in (
        lambda: notes.write(house.actor(B), folder_id, Draft("Et moi.")),
        lambda: notes.write(house.actor(B), folder_id, Draft("Et moi.", answers=written)),
        lambda: notes.settle(house.actor(B), folder_id, written),
        lambda: calls.note_call(
            house.actor(B), folder_id, mark="0", number="02 98 00 00 17", origin="x", word="x"
        ),
    ):
        with pytest.raises(Refusal, match="looks-on"):
            leave()
    with reading(house.actor(B).collectivity_id) as db:
        mark = next(one.mark for one in accounts.doubts(db, house.folder(folder_id)) if one.iban == other)
    account = words(client.get(f"/dossiers/{folder_id}/compte/{mark}"))
    assert (
        "FR14…2606" in account
    )  # the accounts of a supplier, as other folders tell them, are not his to read
    assert "Noter mon appel" not in account
    own = notes.write(house.actor(B), folder_id, Draft("Pour mémoire.", Reach.ALONE))
    notes.settle(house.actor(B), folder_id, own)
    finances = Software(house, "conseil", [Right.CREATE])
    assert finances.get(f"/folders/{folder_id}").status_code == 404  # software reads what its desk reads


def test_what_came_back_is_its_desk_s_until_it_is_sent_again_and_what_was_given_up_stays_so(
    house: House,
) -> None:
    folder_id = a_note(house)
    send(house, folder_id)
    notes.write(house.actor(G), folder_id, Draft("Reprise."))
    decide.recall(house.actor(G), folder_id, version=house.folder(folder_id).version)
    house.save(folder_id, G, {"number": "ZZ-99"})
    details = f"/dossiers/{folder_id}?onglet=details"
    for again in (True, False):
        assert not reads(house, B, folder_id)
        assert f"/dossiers/{folder_id}" not in house.client(B).get("/recherche?q=ZZ-99").get_data(
            as_text=True
        )
        if again:
            assert "Toute la collectivité, une fois envoyé" in words(house.client(G).get(details))
            send(house, folder_id)
            assert reads(house, B, folder_id)
            decide.recall(house.actor(G), folder_id, version=house.folder(folder_id).version)
            decide.withdraw(house.actor(G), folder_id, version=house.folder(folder_id).version)
    assert "Accès Toute" not in words(house.client(G).get(details))


def test_another_collectivity_reads_nothing_of_it(house: House) -> None:
    folder_id = a_note(house)
    send(house, folder_id)
    here = house.actor(K).collectivity_id
    other = desks.create_collectivity(
        "219909997", "Autre-Ville", department="029", district="1", nature="31", settings={}
    )
    assert other != here
    stranger = replace(house.actor(K), collectivity_id=other, user_id=9_999, seats=())
    with reading(other) as db, pytest.raises(Refusal, match="not-found"):
        authorize(db, stranger, folder_id)
    with reading(other) as db:
        assert following.follow(db, stranger) == []


def test_a_version_that_opens_does_not_open_what_was_deposited_before(house: House) -> None:
    number = made(house)
    before = house.deposit(G, "facture-d-energie", INVOICE)
    house.save(before, G, RECEIVED)
    send(house, before)
    assert draw(house, number, label="Facture d’énergie", visibility="all").status_code == 302
    told = words(house.client(K).get(f"/administration/types/{number}/publier"))
    assert "Qui lit ses dossiers : Toute la collectivité : chaque personne qui y a un compte" in told
    assert publish(house, number).status_code == 302
    assert not reads(house, B, before)
    after = house.deposit(G, "facture-d-energie", INVOICE)
    house.another(after)
    house.save(after, G, RECEIVED)
    send(house, after)
    assert reads(house, B, after)
    software = Software(house, "comptabilite", [Right.CREATE])
    listed = {one["name"]: one for one in software.get("/families").get_json()["families"]}
    told = listed["facture-d-energie"]
    assert (told["restricted"], told["open_to_all"]) == (False, True)


def test_a_restricted_family_is_never_opened(house: House) -> None:
    number = begin(house, "pes_payroll", "Paye ouverte")
    page = words(draw(house, number, label="Paye ouverte", visibility="all"))
    assert "est déjà lu par ceux qui peuvent y agir" in page


def test_what_is_opened_out_of_a_closed_folder_stays_closed(house: House) -> None:
    """An open type does not give the documents of a closed act away."""
    act = an_order(house, Definition("Arrêté nominatif", visibility="restricted"))
    made(house, "other", label="Note ouverte", visibility="all")
    with reading() as db:
        source = continuing.sources_of(db, house.folder(act))[0]
    chosen = {source.document.id: source.unsigned.number}
    born = continuing.open_from(house.actor(K), act, "note-ouverte", chosen, main=source.document.id)
    assert not house.folder(born).read_by_all
    send(house, born, K)
    assert not reads(house, B, born)


def test_what_a_type_opened_stays_so_once_its_base_came_down_and_went_up_again(house: House) -> None:
    folder_id = a_note(house)
    send(house, folder_id)
    assert "dossiers lus par toute la collectivité, que leurs bureaux seuls liraient (1)" in losses(
        "0079_logo"
    )
    schema.downgrade("0079_logo")
    schema.upgrade()
    assert reads(house, B, folder_id)


def test_an_index_of_its_own_answers_what_everybody_reads(house: House) -> None:
    """Among many folders that are not open, the few that are do not have all of them looked through."""
    folder_id = a_note(house)
    send(house, folder_id)
    table = sa.inspect(Folder).local_table
    others = [one for one in table.c if one.name not in {"id", "read_by_all"}]
    with writing() as db, db.begin():
        for _ in range(11):
            copied = sa.select(*others, sa.false()).where(table.c.phase != "draft")
            db.execute(sa.insert(table).from_select([*others, table.c.read_by_all], copied))
        db.execute(sa.text("ANALYZE"))
    actor = house.actor(B)
    with reading(actor.collectivity_id) as db:
        assert [one.id for one in following.follow(db, actor)] == [folder_id]
        postgresql = db.get_bind().dialect.name == "postgresql"
        explain = "EXPLAIN (COSTS OFF, FORMAT JSON) " if postgresql else "EXPLAIN QUERY PLAN "
        scans = [
            one for one in following._branches(following._asked(db, actor), limit=51) if "read_by_all" in one
        ]
        plan = db.execute(sa.text(explain + scans[0]), {"here": actor.collectivity_id}).all()
        steps = list(_scans(plan[0][0][0]["Plan"])) if postgresql else [row.detail for row in plan]
    assert any("ix_folder_read_by_all" in step for step in steps), steps


def test_letters_and_appeals_about_an_open_act_stay_with_who_deals_with_it(house: House) -> None:
    act = an_order(house, Definition("Arrêté nominatif", visibility="all"))
    seen = house.folder(act)
    entry = Entry(next(iter(KINDS)), today(), "Madame Le Goff")
    record_appeal(house.actor(K), act, entry, version=seen.version)
    for login, shown in ((K, True), (R, False)):
        assert reads(house, login, act)
        client = house.client(login)
        page = words(client.get(f"/dossiers/{act}/prefecture"))
        assert ("Le Goff" in page, "Courriers" in page) == (shown, shown), page
        letter = f"/prefecture/{letters()[-1].id}"
        assert (letter in client.get("/prefecture").get_data(as_text=True)) is shown
        assert client.get(letter).status_code == (200 if shown else 404)
        assert (letter in client.get(f"/dossiers/{act}").get_data(as_text=True)) is shown
