"""A type whose folders every person of the collectivity reads: once sent, without acting, and nobody else."""

import re
import shutil
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
import sqlalchemy as sa

from app.core import schema
from app.core.clock import today
from app.core.db import Base, reading, writing
from app.core.losses import losses
from app.core.outbox import Outbox
from app.core.refusals import Refusal
from app.display import following, queues
from app.folders import continuing, decide, deposit, notes, undoing
from app.folders.access import authorize
from app.folders.keep import Incoming
from app.folders.models import Document, DocumentVersion, Folder, FolderLink
from app.folders.notes import Draft, Reach
from app.invoices import account_file, accounts, calls
from app.legality.appeals import KINDS, Entry, record_appeal
from app.people import desks
from app.people.models import Holder
from app.publication import waiting
from tests.api.software import Software
from tests.builders.house import ACT, INVOICE, House
from tests.display.test_queues import _scans
from tests.legality.test_born_from import an_order
from tests.legality.town import letters
from tests.operations.test_folder_types import RECEIVED, begin, draw, made, publish, reads, send, words
from tests.operations.test_trials import with_settings
from workflows.own_types import Definition
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

K, G, A, B, R, S = "k.morizur", "g.trehorel", "a.kervadec", "b.cadiou", "r.pellenec", "s.rivoal"
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


def test_letters_among_the_documents_of_an_open_act_are_not_for_onlookers(house: House) -> None:
    """Neither on the page, nor by their bytes, nor in the file, nor taken along; the line of the act says nothing of them."""
    act = an_order(house, Definition("Arrêté nominatif", visibility="all"))
    version = house.folder(act).version
    record_appeal(house.actor(K), act, Entry(next(iter(KINDS)), today(), "Madame Le Goff"), version=version)
    with reading() as db:
        query = sa.select(Document.id, DocumentVersion.number, DocumentVersion.sha256, Document.role)
        rows = db.execute(query.join(DocumentVersion).where(Document.folder_id == act)).all()
        letter = letters()[-1]
    apart = {letter.sha256, *(file["sha256"] for file in letter.files)}
    assert len(apart) == 2
    assert apart <= {row.sha256 for row in rows}
    assert any(row.role == "receipt" and row.sha256 not in apart for row in rows)  # the receipt of the act
    for login, whole in ((K, True), (R, False)):
        client = house.client(login)
        for row in rows:
            address = f"/dossiers/{act}/documents/{row.id}/{row.number}"
            expected = 200 if whole or row.sha256 not in apart else 404
            assert client.get(address).status_code == expected, (login, row)
            if expected == 404:
                assert client.get(f"{address}/signatures").status_code == 404, (login, row)
        pieces = client.get(f"/dossiers/{act}?onglet=pieces").text
        assert ("Lettre d’observations" in pieces) is whole
        with ZipFile(BytesIO(client.get(f"/dossiers/{act}/dossier.zip").data)) as bundle:
            digests = bundle.read("empreintes-sha256.txt").decode()
        assert all((one in digests) is whole for one in apart)
        details = words(client.get(f"/dossiers/{act}?onglet=details"))
        slip = words(client.get(f"/dossiers/{act}/bordereau"))
        for told in (details, slip):
            assert ("courrier à traiter" in told.lower(), "recours contentieux" in told.lower()) == (
                whole,
                whole,
            ), told
        journal = words(client.get(f"/dossiers/{act}?onglet=journal"))
        with ZipFile(BytesIO(client.get(f"/dossiers/{act}/dossier.zip").data)) as bundle:
            kept = bundle.read("journal.csv").decode()
        assert all(("Recours enregistré" in told) is whole for told in (journal, kept))
        assert all(("Courrier de la préfecture" in told) is whole for told in (journal, kept))
        with reading(house.actor(login).collectivity_id) as db:
            folder = authorize(db, house.actor(login), act)
            taken = {one.sha256 for source in continuing.sources_of(db, folder) for one in source.versions}
        assert (apart <= taken) is whole
        assert whole or apart.isdisjoint(taken)


def test_what_was_replaced_before_the_sending_is_given_to_no_onlooker(house: House, tmp_path: Path) -> None:
    made(house, "other", label="Note ouverte", visibility="all")
    folder_id = house.deposit(S, "note-ouverte", ACT)
    house.save(folder_id, S, {"subject": "Note"})
    document = house.versions(folder_id)[0].document_id
    right = tmp_path / "la-bonne.pdf"
    shutil.copy(INVOICE, right)
    deposit.replace_main(house.actor(S), folder_id, document, Incoming(right, right.name))
    send(house, folder_id, S)
    numbers = [one.number for one in house.versions(folder_id)]
    assert len(numbers) > 1
    for login, whole in ((S, True), (B, False)):
        client = house.client(login)
        pieces = client.get(f"/dossiers/{folder_id}?onglet=pieces").text
        assert (f"/documents/{document}/1" in pieces) is whole
        with ZipFile(BytesIO(client.get(f"/dossiers/{folder_id}/dossier.zip").data)) as bundle:
            assert any(one.startswith("versions-anterieures/") for one in bundle.namelist()) is whole
        address = f"/dossiers/{folder_id}/documents/{document}"
        assert client.get(f"{address}/1").status_code == (200 if whole else 404)
        assert client.get(f"{address}/{max(numbers)}").status_code == 200


def rows_about(folder_id: int) -> dict[str, list[str]]:
    with reading() as db:
        found = {
            table.name: sorted(
                map(repr, db.execute(sa.select(table).where(table.c.folder_id == folder_id)).all())
            )
            for table in Base.metadata.sorted_tables
            if "folder_id" in table.c
        }
        links = db.execute(sa.select(FolderLink).where(FolderLink.origin_id == folder_id)).all()
    return {**found, "origins": list(map(repr, links))}


def test_an_onlooker_s_reading_and_copying_leave_nothing_and_close_no_taking_back(house: House) -> None:
    with_settings(house, take_back_seconds=120)
    folder_id = a_note(house)
    send(house, folder_id)
    house.approve(folder_id, R)
    before = rows_about(folder_id)
    client = house.client(S)
    page = client.get(f"/dossiers/{folder_id}")
    assert page.status_code == 200
    version = house.versions(folder_id)[0]
    address = f"/dossiers/{folder_id}/documents/{version.document_id}/{version.number}"
    assert f"{address}/vu" not in page.text
    assert client.get(address).status_code == 200
    assert client.get(f"/dossiers/{folder_id}/dossier.zip").status_code == 200
    token = {"csrf_token": house.csrf(client)}
    assert client.post(f"{address}/vu", data=token).status_code == 200
    with reading() as db:
        source = continuing.sources_of(db, house.folder(folder_id))[0]
    chosen = {source.document.id: source.unsigned.number}
    actor = house.actor(S)
    born = [
        continuing.open_from(actor, folder_id, "other", chosen, main=source.document.id, form="page-1")
        for _ in range(2)
    ]
    assert born[0] == born[1]  # the same form opens one folder
    other = continuing.open_from(actor, folder_id, "other", chosen, main=source.document.id, form="page-2")
    assert other != born[0]
    assert rows_about(folder_id) == before
    assert house.folder(born[0]).emitter_desk_id in actor.desk_ids
    assert undoing.undo(house.actor(R), folder_id, version=house.folder(folder_id).version) == "visa"


def test_who_has_a_part_still_closes_a_taking_back_by_opening(house: House) -> None:
    with_settings(house, take_back_seconds=120)
    folder_id = a_note(house)
    send(house, folder_id)
    house.approve(folder_id, R)
    assert house.client("n.abgrallec").get(f"/dossiers/{folder_id}").status_code == 200
    with pytest.raises(Refusal, match="take-back-opened"):
        undoing.undo(house.actor(R), folder_id, version=house.folder(folder_id).version)


@pytest.mark.parametrize("visibility", ["all", ""])
def test_acts_of_other_desks_are_not_among_those_to_publish(house: House, visibility: str) -> None:
    here = house.actor(K).collectivity_id
    desks.seat(here, "technique", R, [Right.ACT, Right.PUBLISH])
    family = "deliberation"
    if visibility:
        made(house, family, label="Délibération ouverte", visibility=visibility)
        family = "deliberation-ouverte"
    folder_id = house.a_deliberation(at="prefecture", family=family)
    assert reads(house, R, folder_id) is bool(visibility)
    for login, listed in ((K, True), (R, False)):
        with reading(here) as db:
            waits = [one.folder_id for one in waiting.waiting(db, house.actor(login))[0]]
        assert (folder_id in waits) is listed, login


def test_no_letter_tells_of_a_note_that_its_reader_reads_no_more(house: House) -> None:
    folder_id = a_note(house)
    send(house, folder_id)
    house.approve(folder_id, R)
    house.drain()
    told = house.actor("t.lescoat").user_id or 0
    finances = house.actor("n.abgrallec").seats[0].desk_id
    draft = Draft("Entre nous.", Reach.DESK, desk_id=finances, told=(told,))
    notes.write(house.actor("n.abgrallec"), folder_id, draft)
    with writing() as db, db.begin():
        db.execute(sa.delete(Holder).where(Holder.user_id == told, Holder.desk_id == finances))
    assert reads(house, "t.lescoat", folder_id)
    house.drain()
    with reading() as db:
        row = db.scalars(sa.select(Outbox).where(Outbox.key.startswith(f"{notes.MENTIONED}-"))).one()
    assert (row.state, row.last_error) == ("done", "ne lit plus cette note : aucun courriel n’est parti")


def test_the_page_says_what_opening_and_closing_again_do_not_change(house: House) -> None:
    number = made(house)
    client = house.client(K)
    shown = words(client.get(f"/administration/types/{number}"))
    assert "ouvrir n’ouvre ni les brouillons déjà commencés, ni les dossiers d’avant" in shown
    assert "un type dont les actes nomment une personne (sanction, aide, congé)" in shown
    address = f"/administration/types/{number}/publier"
    assert "Seuls les dossiers commencés" not in words(client.get(address))
    assert draw(house, number, label="Facture d’énergie", visibility="all").status_code == 302
    opening = words(client.get(address))
    assert "Seuls les dossiers commencés après la publication seront lus par toute la collectivité" in opening
    assert "chacun les lira" in opening
    assert publish(house, number).status_code == 302
    folder_id = house.deposit(G, "facture-d-energie", INVOICE)
    house.save(folder_id, G, RECEIVED)
    assert draw(house, number, label="Facture d’énergie", visibility="restricted").status_code == 302
    closing = words(client.get(address))
    assert "1 dossier commencé tant que le type était ouvert reste à la lecture de toute" in closing
    assert publish(house, number).status_code == 302
    send(house, folder_id)
    assert reads(house, B, folder_id)  # as the page said
