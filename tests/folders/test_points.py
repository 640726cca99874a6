"""What the depositor and the mayor read of a file that shows one thing here and another there, or that carries what no page shows."""

import re
from pathlib import Path

import pytest

from app.core.db import reading
from app.core.refusals import Refusal
from app.folders import deposit, sending
from app.folders.keep import Incoming, keep_masked, keep_paper
from app.folders.sockets import cautions
from tests.api.software import Software
from tests.assets import make_signed, make_two_faced
from tests.assets.make_hostile import changed
from tests.assets.make_two_faced import FLATTENED
from tests.builders.house import INVOICE, House
from workflows.vocabulary import Right

pytestmark = pytest.mark.in_turn

K, MAYOR = "k.morizur", "a.kervadec"


def put(room: Path, name: str, data: bytes) -> Path:
    path = room / name
    path.write_bytes(data)
    return path


def read(house: House, login: str, address: str) -> str:
    answer = house.client(login).get(address)
    assert answer.status_code == 200
    return re.sub(
        r"\s+",
        " ",
        answer.get_data(as_text=True)
        .replace("\N{NO-BREAK SPACE}", " ")
        .replace("\N{NARROW NO-BREAK SPACE}", " "),
    )


def test_a_flattened_copy_is_looked_at_then_accepted_and_the_original_is_kept(
    house: House, tmp_path: Path
) -> None:
    data = FLATTENED["calques-ecran-papier"][0]()
    folder_id = house.deposit(K, "deliberation", put(tmp_path, "plan.pdf", data))
    draft = f"/dossiers/{folder_id}/brouillon"
    page = read(house, K, draft)
    assert "Ce PDF ne se montre pas partout de la même façon" in page
    assert "Il contient un calque qui n’est pas montré partout. Une copie aplatie est proposée" in page
    assert "Possible dès que" in page
    assert "la copie aplatie est acceptée ou le document remplacé" in page
    (original,) = house.versions(folder_id)
    where = f"/dossiers/{folder_id}/documents/{original.document_id}/1"
    copy = house.client(K).get(f"{where}?copie=1")
    assert (copy.status_code, copy.mimetype) == (200, "application/pdf")
    assert copy.get_data() not in {b"", data}
    with pytest.raises(Refusal) as refused:
        sending.send(house.actor(K), folder_id, version=house.folder(folder_id).version)
    said = next(one["sentence"] for one in refused.value.facts["problems"] if one["key"] == "repair-pending")
    assert (
        "un calque qui n’est pas montré partout. Acceptez la copie aplatie, ou remplacez le fichier." in said
    )
    deposit.accept_repair(house.actor(K), folder_id, original.document_id)
    kept, flattened = house.versions(folder_id)
    assert house.bytes_of(kept) == data
    assert (flattened.origin, flattened.number) == ("flattened", 2)
    assert house.bytes_of(flattened) == copy.get_data()
    assert "Copie aplatie, acceptée avant toute signature. L’original contient un calque" in read(
        house, K, draft
    )
    assert "document.flattened" in house.journal(folder_id)
    gone = house.client(K).get(f"{where[:-1]}2?copie=1")
    assert gone.status_code == 409


def test_a_stranger_does_not_look_at_the_copy_of_a_folder_that_he_may_not_read(
    house: House, tmp_path: Path
) -> None:
    folder_id = house.deposit(K, "deliberation", put(tmp_path, "plan.pdf", FLATTENED["calque-eteint"][0]()))
    (original,) = house.versions(folder_id)
    where = f"/dossiers/{folder_id}/documents/{original.document_id}/1"
    asked = [house.client("m.kerzerho").get(f"{where}{more}").status_code for more in ("", "?copie=1")]
    assert asked[0] == asked[1]
    assert asked[0] in {403, 404}


def test_the_files_inside_stand_before_every_button_that_decides(house: House) -> None:
    """Folder page, sign dialog, batch and API tell the program; the data of an invoice are listed, and are no warning."""
    folder_id = house.a_document(changed(make_two_faced.with_files), "marche.pdf")
    told = "Un programme est joint à l’intérieur"
    listed = "facture.exe (un programme, 604 octets)"
    for address in (f"/dossiers/{folder_id}", f"/dossiers/{folder_id}/signer"):
        page = read(house, MAYOR, address)
        assert told in page
        assert listed in page
        assert page.index(told) < page.index("data-sign-go" if address.endswith("signer") else "Signer…")
    assert "À l’intérieur : facture.exe, 604 octets, un programme" in read(
        house, MAYOR, f"/dossiers/{folder_id}?onglet=pieces"
    )
    client = house.client(MAYOR)
    version = house.folder(folder_id).version
    batch = client.post(
        "/lots", data={"csrf_token": house.csrf(client), "kind": "sign", "d": f"{folder_id}-{version}"}
    )
    assert batch.status_code == 302
    page = client.get(batch.location).get_data(as_text=True)
    assert told in page
    (warning,) = Software(house, "maire", [Right.ACT]).get(f"/folders/{folder_id}").json["warnings"]
    assert (warning["key"], warning["title"]) == ("files-inside", told)
    # Somebody who decides settles it with a word, for this very file
    rule = {"version": version, "about": of(house, folder_id), "keep": "", "word": "Vu avec le fournisseur."}
    client.post(f"/dossiers/{folder_id}/trancher", data={"csrf_token": house.csrf(client), **rule})
    page = read(house, MAYOR, f"/dossiers/{folder_id}")
    assert listed not in page
    assert "« Vu avec le fournisseur. »" in page


def of(house: House, folder_id: int) -> str:
    """The name of the one caution of a folder."""
    with reading(house.actor(MAYOR).collectivity_id) as db:
        (one,) = cautions(db, house.folder(folder_id))
    return one.about


def test_the_data_of_an_invoice_are_named_and_warn_nobody(house: House) -> None:
    folder_id = house.an_invoice(at="draft")
    assert INVOICE.suffix == ".pdf"
    page = read(house, "g.trehorel", f"/dossiers/{folder_id}/brouillon")
    assert "À l’intérieur : factur-x.xml" in page
    assert "les données de la facture, attendues à cette place" in page
    assert "joint à l’intérieur" not in page


def test_a_forged_signature_in_the_mayor_s_name_is_never_green(house: House, tmp_path: Path) -> None:
    """Self-signed: the depositor and the mayor read that no authority answers for the name."""
    forged = make_signed.signed()
    folder_id = house.deposit(K, "deliberation", put(tmp_path, "convention.pdf", forged))
    draft = read(house, K, f"/dossiers/{folder_id}/brouillon")
    assert "Porte déjà une signature au nom de « Armel Kervadec »" in draft
    assert "Déjà signé par" not in draft
    (version,) = house.versions(folder_id)
    asked = f"/dossiers/{folder_id}/documents/{version.document_id}/1/signatures"
    assert f'hx-post="{asked}"' in draft
    client = house.client(K)
    told = client.post(
        asked, data={"csrf_token": house.csrf(client)}, headers={"HX-Request": "true"}
    ).get_data(as_text=True)
    assert "t-warn" in told
    assert "t-ok" not in told
    assert "aucune autorité ne garantit le nom" in told
    assert "Au nom d’Armel Kervadec" in re.sub(r"\s+", " ", told)
    assert "Signé par" not in told
    again = read(house, K, f"/dossiers/{folder_id}/brouillon")
    assert "aucune autorité ne garantit le nom" in again


def test_the_mayor_is_told_of_an_earlier_signature_before_and_after_it_is_verified(house: House) -> None:
    folder_id = house.a_document(make_signed.signed(), "convention.pdf")
    dialog = read(house, MAYOR, f"/dossiers/{folder_id}/signer")
    assert "Signature antérieure pas encore vérifiée" in dialog
    (version,) = house.versions(folder_id)
    asked = f"/dossiers/{folder_id}/documents/{version.document_id}/1/signatures"
    assert f'hx-post="{asked}"' in read(house, MAYOR, f"/dossiers/{folder_id}")
    # Nobody has to open a page: the worker judges what was deposited, by the API too
    house.drain()
    (warning, *_) = Software(house, "maire", [Right.ACT]).get(f"/folders/{folder_id}").json["warnings"]
    assert warning["title"] == "Signature antérieure non reconnue"
    for address in (f"/dossiers/{folder_id}", f"/dossiers/{folder_id}/signer"):
        page = read(house, MAYOR, address)
        assert "Signature antérieure non reconnue" in page
        assert "aucune autorité ne garantit le nom" in page


def test_an_altered_signed_file_is_told_to_the_mayor(house: House) -> None:
    folder_id = house.a_document(make_signed.tampered(), "convention.pdf")
    (version,) = house.versions(folder_id)
    client = house.client(MAYOR)
    asked = f"/dossiers/{folder_id}/documents/{version.document_id}/1/signatures"
    client.post(asked, data={"csrf_token": house.csrf(client)})
    assert "Signature antérieure non valable" in read(house, MAYOR, f"/dossiers/{folder_id}/signer")


def test_a_signed_form_that_may_still_change_is_told_before_the_signature(house: House) -> None:
    folder_id = house.a_document(make_two_faced.signed_with(make_two_faced.text_field), "formulaire.pdf")
    (version,) = house.versions(folder_id)
    assert version.origin == "deposited"
    page = read(house, MAYOR, f"/dossiers/{folder_id}/signer")
    assert "Fichier signé qui peut encore changer" in page
    assert "contient un champ de formulaire à remplir" in page


@pytest.mark.parametrize("keep", [keep_paper, keep_masked])
def test_a_scan_or_a_masked_version_with_two_faces_is_refused(
    keep: object, house: House, tmp_path: Path
) -> None:
    """Under a masked version, a layer that is only turned off would publish what was to be hidden."""
    path = put(tmp_path, "copie.pdf", FLATTENED["calque-eteint"][0]())
    room = tmp_path / "room"
    room.mkdir()
    with house.app.app_context(), pytest.raises(Refusal, match="file-two-faced"):
        keep(1, Incoming(path, "copie.pdf"), room)  # type: ignore[operator]
