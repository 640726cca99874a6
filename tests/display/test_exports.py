"""What one takes away of folders: the slip as a PDF, a folder or a list as a ZIP, a list as a table; never what one may not read."""

import csv
import hashlib
import io
import json
import re
import zipfile
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pypdfium2
import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from lxml import etree

from app.core import spreadsheet
from app.core.clock import PARIS, today
from app.core.db import reading
from app.display import queues
from app.display.exports import bundle, slip_pdf
from app.display.exports import web as exports
from app.display.exports.slip import slip
from app.folders import decide, marks, sending
from app.folders.models import Folder
from app.journal.models import JournalEntry
from app.operations.absences import planning
from tests.api.software import Software
from tests.assets import make_signed
from tests.batches.town import Hand
from tests.builders.house import ASSETS, House
from tests.circuits.test_editor import words as shown
from tests.display.test_home import made_late
from tests.notices.test_digests import at
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn
G, R, N, A = "g.trehorel", "r.pellenec", "n.abgrallec", "a.kervadec"


def text_of(data: bytes) -> str:
    """What a reader of PDF reads on all pages."""
    document = pypdfium2.PdfDocument(data)
    every = " ".join(page.get_textpage().get_text_range() for page in document)
    return " ".join(every.replace("\xa0", " ").replace("\u202f", " ").split())


def opened(data: bytes) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    assert archive.testzip() is None
    return {name: archive.read(name) for name in archive.namelist()}


def typed_cells(data: bytes) -> list[list[tuple[str, str]]]:
    """The type and the words of each cell of an ODS file, as a reader of its XML finds them; no formula anywhere."""
    content = etree.fromstring(opened(data)["content.xml"])
    office, table = (f"{{urn:oasis:names:tc:opendocument:xmlns:{one}:1.0}}" for one in ("office", "table"))
    cells = [list(row.iter(f"{table}table-cell")) for row in content.iter(f"{table}table-row")]
    assert not any(f"{table}formula" in cell.attrib for row in cells for cell in row)
    return [
        [(cell.get(f"{office}value-type", ""), "".join(map(str, cell.itertext()))) for cell in row]
        for row in cells
    ]


def test_the_slip_tells_each_decision_of_each_round_on_paper_as_on_the_screen(house: House) -> None:
    folder_id = house.an_invoice(at="finance")
    decide.reject(house.actor(N), folder_id, version=house.folder(folder_id).version, reason="Bon absent")
    house.client(G).get(f"/dossiers/{folder_id}/brouillon")
    sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
    house.approve(folder_id, R, comment="Le bon est joint")
    client = house.client(N)
    page = " ".join(
        client.get(f"/dossiers/{folder_id}/bordereau").get_data(as_text=True).replace("\xa0", " ").split()
    )
    answer = client.get(f"/dossiers/{folder_id}/bordereau.pdf")
    assert answer.mimetype == "application/pdf"
    printed = text_of(answer.data)
    ronan, nolwenn = house.actor(R).name, house.actor(N).name
    for words in (
        f"Rejeté par {nolwenn}, Direction des finances, {house.actor(N).capacity}. « Bon absent »",
        f"Visé par {ronan}, Services techniques. « Le bon est joint »",
        f"Envoi, envoi n° 2 : Envoyé dans le circuit par {house.actor(G).name}",
        "envoi n° 1",
        "envoi n° 2",
        f"par {nolwenn}",
    ):
        assert words in printed, words
    for words in (ronan, "Bon absent", "Le bon est joint", "envoi n° 2"):
        assert words in page, words
    for words in (printed, page):  # nobody has signed it
        assert "xaminées" not in words
        assert "porte des signatures" not in words
    version = house.versions(folder_id)[0]
    assert version.sha256 in printed.replace(" ", "")
    assert "+01:00" in printed or "+02:00" in printed
    assert "Reste à faire" in printed
    # A step that was renamed since keeps in a former round the name that it had
    with reading() as db:
        line = db.scalars(sa.select(JournalEntry).where(JournalEntry.event == "folder.reject")).one()
    assert json.loads(line.facts)["label"] == "Contrôle des finances"
    assert "font foi" in printed
    with house.app.test_request_context(), reading() as db:
        told = slip(db, db.get_one(Folder, folder_id))
    step = replace(told.steps[-1], filled="« Code » rempli par X", told="Pour information : Cabinet")
    drawn = text_of(slip_pdf.draw(replace(told, steps=[step]), nolwenn))
    assert "« Code » rempli par X. Pour information : Cabinet" in drawn


def test_no_sheet_of_the_slip_ends_with_a_heading_and_each_moment_stands_on_one_line(house: House) -> None:
    folder_id = house.an_invoice(at="done")
    printed = text_of(house.client(G).get(f"/dossiers/{folder_id}/bordereau.pdf").data)
    assert "Remise au logiciel de finances, envoi n° 1 : Fichiers remis" in printed, "the step has one name"
    with house.app.test_request_context(), reading() as db:
        told = slip(db, db.get_one(Folder, folder_id))
    title = f"{told.documents[0].title}, document principal"
    for count in range(12, 45):
        decisions = [told.decisions[-1]] * count
        drawn = pypdfium2.PdfDocument(slip_pdf.draw(replace(told, decisions=decisions, notes=[]), "X"))
        sheets = [sheet.get_textpage().get_text_range().replace("\xa0", " ") for sheet in drawn]
        (own,) = (sheet for sheet in sheets if title in sheet)
        assert "SHA-256" in own.partition(title)[2], count
        assert told.decisions[-1].at in sheets[0].replace("\xa0", " "), "the offset on the line of its hour"
        for heading in ("Décisions", "Documents"):
            (own,) = (sheet for sheet in sheets if f"{heading}\r\n" in sheet)
            after = own.partition(f"{heading}\r\n")[2]
            assert len(after.split("Dossier ")[0].splitlines()) > 2, (heading, count)


def test_a_signed_folder_is_taken_away_whole_and_proves_itself(house: House) -> None:
    folder_id = house.an_invoice(at="done")
    answer = house.client(G).get(f"/dossiers/{folder_id}/dossier.zip")
    assert answer.mimetype == "application/zip"
    names = opened(answer.data)
    listed = dict(reversed(line.split("  ", 1)) for line in names[bundle.DIGESTS].decode().splitlines())
    assert set(listed) == set(names) - {bundle.DIGESTS}
    assert all(hashlib.sha256(names[path]).hexdigest() == digest for path, digest in listed.items())
    every = {hashlib.sha256(data).hexdigest() for data in names.values()}
    assert {one.sha256 for one in house.versions(folder_id)} <= every
    assert {house.bytes_of(one) for one in house.versions(folder_id)} <= set(names.values())
    slip = text_of(names[bundle.SLIP])
    assert house.actor(A).name in slip
    assert "Certificat émis par" in slip
    assert "Terminé le" in slip
    journal = list(csv.reader(io.StringIO(names[bundle.JOURNAL].decode("utf-8-sig")), delimiter=";"))
    assert len(journal) == 1 + len(house.journal(folder_id))
    assert any("Signé par" in line[2] for line in journal)


def test_who_may_not_read_a_folder_takes_nothing_of_it_away(house: House) -> None:
    folder_id = house.an_invoice(at="draft")
    stranger, unknown = house.client("t.lescoat"), folder_id + 1000
    for path in ("bordereau.pdf", "dossier.zip"):
        refused = stranger.get(f"/dossiers/{folder_id}/{path}")
        absent = stranger.get(f"/dossiers/{unknown}/{path}")
        assert (refused.status_code, absent.status_code) == (404, 404)
    for path in ("/suivi.zip", "/suivi.csv"):
        answer = stranger.get(f"{path}?etat=draft")
        assert answer.status_code == 404
        assert "Aucun dossier que vous pouvez lire ne correspond" in answer.get_data(as_text=True)
    software = Software(house, "conseil", [Right.CREATE])
    for path in ("slip", "archive"):
        assert software.get(f"/folders/{folder_id}/{path}").status_code == 404


def test_software_takes_away_what_it_deposited(house: House) -> None:
    software = Software(house, "comptabilite", [Right.CREATE, Right.ACT])
    folder_id = software.deposit().get_json()["id"]
    assert "Bordereau de circulation" in text_of(software.get(f"/folders/{folder_id}/slip").data)
    names = opened(software.get(f"/folders/{folder_id}/archive").data)
    assert {bundle.SLIP, bundle.JOURNAL, bundle.DIGESTS} < set(names)


def test_a_list_is_taken_away_as_it_is_found_and_no_cell_of_it_runs(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (
        house.an_invoice(at="draft"),
        house.an_invoice(at="draft", path=ASSETS / "invoices" / "fx-basicwl-fr-facture.pdf"),
    )
    house.save(first, G, {}, title="=HYPERLINK(1)")
    client = house.client(G)
    answer = client.get("/suivi.csv?etat=draft")
    lines = list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig")), delimiter=";"))
    titles = {line[0]: line[1] for line in lines[1:]}
    assert titles[str(first)] == "'=HYPERLINK(1)"
    assert str(second) in titles
    sheet = client.get("/suivi.ods?etat=draft")
    assert sheet.mimetype == "application/vnd.oasis.opendocument.spreadsheet"
    assert 'filename="suivi-' in sheet.headers["Content-Disposition"]
    rows = typed_cells(sheet.data)
    assert rows[0] == [("string", name) for name in lines[0]]
    (trap,) = (row for row in rows if row[0] == ("string", str(first)))
    assert trap[1] == ("string", "=HYPERLINK(1)")
    assert {row[4][0] for row in rows[1:]} == {"float"}
    names = opened(client.get("/suivi.zip?etat=draft").data)
    rooms = {name.partition("/")[0] for name in names}
    assert any(room.startswith(f"{first}-") for room in rooms)
    assert any(room.startswith(f"{second}-") for room in rooms)
    assert not any(name.startswith("/") or ".." in name for name in names)
    pages = ("/suivi?etat=draft", f"/recherche?q={house.folder(second).number}&etat=draft")
    assert all("Ces dossiers (ZIP)" in client.get(page).get_data(as_text=True) for page in pages)
    monkeypatch.setattr(bundle, "MOST_FOLDERS", 1)
    # No button for what would be refused
    assert "Ces dossiers (ZIP)" not in client.get(pages[0]).get_data(as_text=True)
    answer = client.get("/suivi.zip?etat=draft")
    assert answer.status_code == 422
    assert "plus de 1 dossiers" in answer.get_data(as_text=True).replace("\xa0", " ")
    monkeypatch.setattr(exports, "MOST_ROWS", 1)
    assert client.get("/suivi.csv?etat=draft").status_code == 422


def test_every_list_is_taken_away_as_a_spreadsheet_with_its_numbers_and_its_instants(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.an_invoice(at="finance")
    administrator, director = house.client("k.morizur"), house.client("r.pellenec")
    journal = typed_cells(administrator.get("/administration/journal.ods").data)
    assert [kind for kind, _ in journal[1]] == ["float", "date", "string", "string", "string"]
    people = typed_cells(administrator.get("/administration/personnes/liste.ods").data)
    assert "Morizur" in {row[1][1] for row in people}
    figures = typed_cells(director.get("/suivi/chiffres.ods").data)
    assert {row[2][0] for row in figures[1:]} == {"float"}
    crossed = typed_cells(house.client(G).get("/suivi/chiffres/types-par-mois.ods").data)
    assert [kind for kind, _ in crossed[1]] == ["string", *["float"] * 7]
    running = typed_cells(director.get("/suivi.ods?etat=running").data)
    assert [running[1][column][0] for column in (0, 4, 8, 9)] == ["string", "float", "date", "date"]
    assert director.get("/suivi.xlsx").status_code == 404
    monkeypatch.setattr(spreadsheet, "MOST_ODS", 1)
    refused = administrator.get("/administration/journal.ods")
    assert refused.status_code == 422
    assert "prenez le CSV" in refused.get_data(as_text=True)


def rows_of(client: FlaskClient, path: str) -> list[dict[str, str]]:
    """The lines of a table in CSV, by their heads, which the same in ODS has with as many lines."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.mimetype == "text/csv"
    head, *lines = csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig")), delimiter=";")
    sheet = typed_cells(client.get(path.replace(".csv", ".ods")).data)
    assert [words for _, words in sheet[0]] == head
    assert len(sheet) == 1 + len(lines)
    return [dict(zip(head, line, strict=True)) for line in lines]


@pytest.mark.both_databases
def test_each_tray_is_taken_away_whole_as_it_is_shown(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = [house.an_invoice(at="service_done", number=f"FA-TRAY-{n}") for n in range(3)]
    draft, back = house.an_invoice(at="draft"), house.an_invoice(at="finance", number="FA-TRAY-BACK")
    house.save(draft, G, {}, title="=HYPERLINK(1)")
    decide.reject(house.actor(N), back, version=house.folder(back).version, reason="Bon absent")
    client, service = house.client(G), house.client(R)
    monkeypatch.setattr(queues, "PAGE", 2)  # a page is not all
    page = service.get("/a-traiter?tri=arrivee").get_data(as_text=True)
    (path,) = re.findall(r'href="(/a-traiter\.csv[^"]*)"', page)
    assert [int(one["Dossier"]) for one in rows_of(service, path)] == waiting[::-1]
    todo = rows_of(service, "/a-traiter.csv")
    assert {int(one["Dossier"]) for one in todo} == set(waiting)
    assert {one["À faire"] for one in todo} == {"À viser"}
    assert all(re.fullmatch(r"\d\d/\d\d/\d{4}", one["Échéance"]) for one in todo)
    assert not rows_of(service, "/a-traiter.csv?famille=deliberation")
    running = rows_of(client, "/a-traiter.csv?bannette=running")
    assert {int(one["Dossier"]) for one in running} == set(waiting)
    (one,) = rows_of(client, "/a-traiter.csv?bannette=returned")
    assert one["Motif"] == "Bon absent"
    assert re.fullmatch(rf"Rejeté par {house.actor(N).name}, \d\d/\d\d/\d{{4}}", one["Dernier geste"])
    assert (one["À faire"], one["État"]) == ("À corriger", "Rejeté")
    # No step waits there: the day of a step is none, whatever the folder's own
    assert (one["Échéance"] != "", one["Échéance de l’étape"]) == (True, "")
    answer = client.get("/a-traiter.csv?bannette=returned")
    assert "filename=retournes-" in answer.headers["Content-Disposition"].replace('"', "")
    # What the page of « À traiter » groups beside its list is in its table too
    (one,) = rows_of(client, "/a-traiter.csv")
    assert (int(one["Dossier"]), one["À faire"]) == (back, "À corriger")
    assert all((one["À faire"], one["État"]) == ("", "En cours") for one in running)
    assert all(one["Échéance de l’étape"] for one in running)
    (one,) = rows_of(client, "/a-traiter.csv?bannette=drafts")
    assert one["Titre"] == "'=HYPERLINK(1)"
    # What was never sent was deposited by nobody
    assert ("Déposé par" in one, one["Commencé par"]) == (False, house.actor(G).name)
    assert "Commencé par" not in running[0]
    made_late(waiting[0])
    (one,) = rows_of(client, "/a-traiter.csv?bannette=late")  # sent by her desk, late elsewhere
    assert int(one["Dossier"]) == waiting[0]
    assert {int(one["Dossier"]) for one in rows_of(client, "/a-traiter.csv")} == {back, waiting[0]}
    service.get(f"/dossiers/{waiting[1]}")
    morning = datetime.combine(today() + timedelta(days=1), time(8), PARIS)
    marks.hide(house.actor(R), waiting[1], until=morning)
    (one,) = rows_of(service, "/a-traiter.csv?voir=masques")
    assert int(one["Dossier"]) == waiting[1]
    assert one["Masqué jusqu’au"].endswith("8 h 00".replace(" ", "\xa0"))
    assert not rows_of(house.client("t.lescoat"), "/a-traiter.csv")
    monkeypatch.setattr(exports, "MOST_ROWS", 1)
    assert service.get("/a-traiter.csv").status_code == 422


@pytest.mark.both_databases
def test_the_absences_that_the_page_lists_are_taken_away_by_names_and_hours_of_paris(house: House) -> None:
    first = today() + timedelta(days=3)
    last = first + timedelta(days=4)
    planning.plan(
        house.actor(N),
        planning.Wanted(
            house.actor(N).user_id or 0, house.actor(R).user_id, f"{first}T08:00", f"{last}T17:59"
        ),
    )
    for login in (N, R, G):
        assert "/absences.csv" in house.client(login).get("/absences").get_data(as_text=True)
        assert rows_of(house.client(login), "/absences.csv") == [
            {
                "Qui est absent": house.actor(N).name,
                "Du": f"{first:%d/%m/%Y}",
                "Heure du début": "08:00",
                "Au": f"{last:%d/%m/%Y}",
                "Heure de la fin": "17:59",
                "Intérim": house.actor(R).name,
                "Ce qui est confié": "Tout",
                "Pour": "Agir",
                "État": "À venir",
            }
        ]


def test_what_is_lent_to_be_read_alone_and_what_nobody_stands_in_for_is_told_in_the_table(
    house: House,
) -> None:
    first = today() + timedelta(days=3)
    away, cover = house.actor(N).user_id or 0, house.actor(R).user_id
    for begins, who, acts in ((first, cover, False), (first + timedelta(days=9), None, True)):
        last = begins + timedelta(days=4)
        wanted = planning.Wanted(away, who, f"{begins}T08:00", f"{last}T17:59", acts=acts)
        planning.plan(house.actor(N), wanted)
    lines = rows_of(house.client(N), "/absences.csv")
    assert [(line["Ce qui est confié"], line["Pour"]) for line in lines] == [
        ("Tout", "Lire seulement"),
        ("", ""),
    ]


def test_a_minute_is_told_in_days_by_three_decimals_and_amounts_keep_two() -> None:
    numbers = [(Decimal("0.001"),), (Decimal("4.000"),), (Decimal("12.5"),), (Decimal(7),)]
    lines = spreadsheet.as_csv(("Nombre",), numbers).decode().split()
    assert lines == ["\ufeffNombre", "0,001", "4,000", "12,50", "7,00"]


@pytest.mark.both_databases
def test_batches_are_taken_away_by_who_began_them_alone_with_what_became_of_each_folder(house: House) -> None:
    folders = [house.a_quick_invoice() for _ in range(2)]
    finances = Hand(house, N)
    number = finances.propose("approve", folders)
    assert not rows_of(finances.client, "/lots.csv")
    finances.post(f"/lots/{number}/commencer")
    house.drain()
    (one,) = rows_of(finances.client, "/lots.csv")
    told = [one[head] for head in ("Lot", "Geste", "Dossiers", "Faits", "Non faits", "Restants")]
    assert told == [str(number), "Visa", "2", "2", "0", "0"]
    assert "/lots.ods" in finances.text("/lots")
    lines = rows_of(finances.client, f"/lots/{number}.csv")
    assert [int(line["Dossier"]) for line in lines] == folders
    assert all(line["Résultat"].startswith("Visé à") for line in lines)
    assert f"/lots/{number}.csv" in finances.text(f"/lots/{number}")
    assert not rows_of(house.client(R), "/lots.csv")
    assert house.client(R).get(f"/lots/{number}.csv").status_code == 404


def test_altered_bytes_leave_a_file_that_nothing_opens_and_absent_ones_none(house: House) -> None:
    folder_id = house.an_invoice(at="draft")
    version = house.versions(folder_id)[0]
    (kept,) = house.settings.data_dir.rglob(version.sha256)
    data = kept.read_bytes()
    kept.chmod(0o600)
    kept.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    client = house.client(G)
    with pytest.raises(Exception, match="file-altered"):
        opened(client.get(f"/dossiers/{folder_id}/dossier.zip").data)
    kept.unlink()
    answer = client.get(f"/dossiers/{folder_id}/dossier.zip")
    assert answer.status_code == 500
    assert version.sha256 in answer.get_data(as_text=True)


def test_words_as_long_as_one_may_write_them_are_printed_and_an_abandoned_folder_is_not_said_done(
    house: House,
) -> None:
    folder_id, long = house.an_invoice(at="finance"), "Motif " * 333
    decide.reject(
        house.actor(N),
        folder_id,
        version=house.folder(folder_id).version,
        reason=long[:1880] + "x\n" * 50,
    )
    client = house.client(G)
    assert "Motif Motif" in text_of(client.get(f"/dossiers/{folder_id}/bordereau.pdf").data)
    decide.withdraw(house.actor(G), folder_id, version=house.folder(folder_id).version)
    slip = text_of(client.get(f"/dossiers/{folder_id}/bordereau.pdf").data)
    assert "Terminé" not in slip
    assert "Abandonné" in slip
    assert "(passé)" not in client.get(f"/dossiers/{folder_id}/bordereau").get_data(as_text=True)


def test_the_names_in_a_folder_taken_away_are_those_that_every_system_takes(house: House) -> None:
    folder_id = house.an_invoice(at="draft")
    house.save(folder_id, G, {}, title='Travaux : quai "nord" ?.')
    answer = house.client(G).get(f"/dossiers/{folder_id}/dossier.zip")
    assert "Travaux - quai -nord- -.zip" in answer.headers["Content-Disposition"]
    assert not [name for name in opened(answer.data) if set(name) & set('<>:"|?*')]


def test_what_was_signed_here_is_told_by_its_issuer_s_name_and_not_as_never_examined(house: House) -> None:
    folder_id = house.an_invoice(at="bon_a_payer")
    house.sign(folder_id, A)
    client = house.client(G)
    page = " ".join(client.get(f"/dossiers/{folder_id}/bordereau").get_data(as_text=True).split())
    for words in (page, text_of(client.get(f"/dossiers/{folder_id}/bordereau.pdf").data)):
        assert "Fichier rouvert et vérifié après signature" in words
        assert "Common Name" not in words
        assert "on examinées" not in words
        assert re.search("Pas examinées? de nouveau depuis|Pas examiné de nouveau depuis", words)


def test_signatures_that_nobody_has_examined_are_told_as_such_until_they_are(house: House) -> None:
    folder_id = house.a_document(make_signed.signed(), "convention.pdf")
    client = house.client(A)
    whole = f"/dossiers/{folder_id}/bordereau"
    assert "Signatures Non examinées" in text_of(client.get(f"{whole}.pdf").data)
    assert "Signatures non examinées" in client.get(whole).get_data(as_text=True)
    house.drain()
    printed = text_of(client.get(f"{whole}.pdf").data)
    assert "xaminées" not in printed
    assert "aucune autorité ne garantit le nom" in printed
    assert "xaminées" not in client.get(whole).get_data(as_text=True)


def test_the_day_of_deposit_is_that_of_the_sending_and_what_came_before_is_begun(house: House) -> None:
    with at(date(2027, 1, 4), 10):
        folder_id = house.an_invoice("draft")
        for path in ("", "?onglet=circuit", "?onglet=journal", "/bordereau"):
            page = shown(house.client(G).get(f"/dossiers/{folder_id}{path}"))
            assert "éposé par Gwenola" not in page
            assert "Dépôt" not in page
        slip = shown(house.client(G).get(f"/dossiers/{folder_id}/bordereau"))
        assert "commencé par Gwenola Tréhorel" in slip
        assert "Commencé par Gwenola Tréhorel" in shown(
            house.client(G).get(f"/dossiers/{folder_id}?onglet=circuit")
        )
        drafts = shown(house.client(G).get("/a-traiter?bannette=drafts"))
        assert "commencé par Gwenola" in drafts
        assert "déposé par Gwenola" not in drafts
    with at(date(2027, 1, 7), 9):
        sending.send(house.actor(G), folder_id, version=house.folder(folder_id).version)
        circuit = shown(house.client(G).get(f"/dossiers/{folder_id}?onglet=circuit"))
        assert re.search(r"Déposé par Gwenola Tréhorel .{0,20}jeu. 7 janv., 9 h", circuit)
        journal = shown(house.client(G).get(f"/dossiers/{folder_id}?onglet=journal"))
        assert "Commencé par Gwenola Tréhorel, empreintes calculées" in journal
        slip = shown(house.client(G).get(f"/dossiers/{folder_id}/bordereau"))
        assert re.search(r"04/01/2027 10:00.{0,20} Début .{0,5}Commencé par Gwenola Tréhorel", slip)
        assert "Dépôt" not in slip
