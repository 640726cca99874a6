"""What is no PDF is signed too: a payment flow inside it, anything else beside it, and its bytes never change."""

import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa
from PIL import Image

from app.core.db import reading
from app.core.refusals import Refusal
from app.files import vault, xml
from app.folders import decide, sending
from app.folders.documents import current_versions
from app.folders.models import Document, DocumentVersion
from app.people import desks
from app.signing.models import SignatureProof
from app.trust import authorities
from app.verification.readers.pes.proof import read_pes
from tests.builders import circuits
from tests.builders.house import ASSETS, FLOW, House

pytestmark = pytest.mark.in_turn

SIREN = "212909998"
TWO = """
key: other
label: Deux signatures
steps:
  - { key: premiere, label: Première signature, kind: sign, who: { desk: maire } }
  - { key: seconde, label: Seconde signature, kind: sign, who: { desk: conseil } }
"""


def kept(house: House, folder_id: int, room: Path) -> dict[str, list[Path]]:
    """The current files of a folder on disk under their own names, by role."""
    found: dict[str, list[Path]] = {}
    here = house.folder(folder_id).collectivity_id
    with reading() as db:
        roles = dict(
            db.execute(sa.select(Document.id, Document.role).where(Document.folder_id == folder_id)).all()
        )
        for document_id, version in current_versions(db, folder_id).items():
            path = room / version.filename
            vault.store().fetch(vault.scope(here), version.sha256, path)
            found.setdefault(roles[document_id], []).append(path)
    return found


def proofs(folder_id: int) -> list[SignatureProof]:
    with reading() as db:
        query = sa.select(SignatureProof).where(SignatureProof.folder_id == folder_id)
        return list(db.scalars(query.order_by(SignatureProof.id)))


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "Plan du port.png"
    Image.new("RGB", (80, 40), "white").save(path)
    return path


def test_each_slip_of_a_flow_is_signed_in_one_gesture_and_the_rest_of_the_flow_is_as_it_came(
    house: House, tmp_path: Path
) -> None:
    folder_id = house.a_flow()
    house.sign(folder_id, "a.kervadec")
    (signed,) = kept(house, folder_id, tmp_path)["main"]
    (proof,) = proofs(folder_id)
    assert (proof.format, proof.level, proof.count) == ("XAdES", "EPES", 2)
    found = read_pes(signed, authorities.trust(), proof.signed_at, chain=[])
    assert [one.target for one in found] == ["BD2026-000001", "BD2026-000002"]
    assert [one.declared for one in found] == [("Maire", "Kerlann-sur-Mer", "29990", "France")] * 2
    whole, rest, at = signed.read_bytes(), b"", 0
    for one in found:
        rest += whole[at : one.start]
        at = one.end
    assert rest + whole[at:] == FLOW.read_bytes()


def test_the_form_of_a_flow_is_filled_from_the_flow(house: House) -> None:
    folder = house.folder(house.deposit("g.trehorel", "pes", FLOW))
    assert folder.title == "Flux dépenses, COMMUNE DE KERLANN-SUR-MER (123, budget 00)"
    assert (folder.fields["slips"], folder.fields["pieces"], folder.amount_cents) == (2, 4, 650505)


def test_the_signatory_reads_every_line_of_the_flow_that_he_signs(house: House) -> None:
    folder_id = house.a_flow()
    page = house.client("a.kervadec").get(f"/dossiers/{folder_id}").get_data(as_text=True)
    assert "4 mandats, " in page
    line = page[page.index("ÉLECTRICITÉ BRO LEON") :]
    line = line[: line.index("</tr>")]
    assert "Éclairage du gymnase" in line
    assert "1\u202f870,00" in line
    assert "virement, FR76 •••• 0143" in line


def test_a_flow_that_could_not_be_signed_is_refused_on_the_day_of_its_deposit(
    house: House, tmp_path: Path
) -> None:
    with pytest.raises(Refusal) as refused:
        house.deposit("g.trehorel", "pes", ASSETS / "pes" / "signe_global.xml")
    assert refused.value.key == "pes-already-signed"
    other = tmp_path / "autre.xml"
    other.write_text('<?xml version="1.0" encoding="ISO-8859-1"?>\n<facture/>')
    with pytest.raises(Refusal) as refused:
        house.deposit("g.trehorel", "pes", other)
    assert refused.value.key == "pes-not-a-flow"


def test_an_elliptic_curve_signs_no_flow_and_the_folder_still_waits(house: House) -> None:
    folder_id = house.a_flow()
    house.enrol("a.kervadec", "ec")
    with pytest.raises(Refusal) as refused:
        house.prepare(folder_id, "a.kervadec", "ec")
    assert refused.value.key == "pes-key-not-rsa"
    assert house.folder(folder_id).place == "ordonnateur"


def test_a_collectivity_without_a_place_is_told_what_to_complete(house: House) -> None:
    folder_id = house.a_flow()
    with pytest.raises(Refusal, match="place-invalid"):
        desks.place(SIREN, " ", "29990")
    forget_place()
    with pytest.raises(Refusal) as refused:
        house.prepare(folder_id, "a.kervadec")
    assert refused.value.key == "pes-signatory-incomplete"
    desks.place(SIREN, "Kerlann-sur-Mer", "29990")
    house.sign(folder_id, "a.kervadec")


def forget_place() -> None:
    from app.core.db import engine
    from app.people.models import Collectivity

    with engine().begin() as connection:
        connection.execute(sa.update(Collectivity).values(settings={}))


def test_signatures_that_miss_one_slip_sign_nothing(house: House) -> None:
    from app.signing import sign

    folder_id = house.a_flow()
    ready, key = house.prepare(folder_id, "a.kervadec")
    first, second = (key.sign(one.attributes) for one in ready.prepared)
    for wrong in ([first], [second, first], [first, second, second]):
        with pytest.raises(Refusal) as refused:
            sign.complete(house.actor("a.kervadec"), ready.session, wrong)
        assert refused.value.key == "signature-not-yours"
        ready, key = house.prepare(folder_id, "a.kervadec")
        first, second = (key.sign(one.attributes) for one in ready.prepared)
    assert not proofs(folder_id)
    sign.complete(house.actor("a.kervadec"), ready.session, [first, second])


def test_an_image_is_signed_beside_it_and_openssl_agrees(house: House, plan: Path, tmp_path: Path) -> None:
    folder_id = house.a_document(plan.read_bytes(), plan.name)
    house.sign(folder_id, "a.kervadec")
    (tmp_path / "out").mkdir()
    files = kept(house, folder_id, tmp_path / "out")
    (shown,), (beside,) = files["main"], files["signature"]
    assert shown.read_bytes() == plan.read_bytes()
    assert beside.name == "Plan-du-port-png-1-Armel-Kervadec.p7s"
    command = ["openssl", "cms", "-verify", "-binary", "-cades", "-inform", "DER", "-in", str(beside)]
    command += [
        "-content",
        str(shown),
        "-CAfile",
        str(house.pki.root_pem),
        "-purpose",
        "any",
        "-out",
        "/dev/null",
    ]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    shown.write_bytes(shown.read_bytes() + b" ")
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
    (proof,) = proofs(folder_id)
    assert (proof.format, proof.level) == ("CAdES", "B-T")


def test_data_are_signed_in_xml_and_a_pdf_inside_it(house: House, tmp_path: Path) -> None:
    data = tmp_path / "marche.xml"
    data.write_text('<?xml version="1.0" encoding="UTF-8"?>\n<marche><montant>12</montant></marche>')
    for path, form, roles in (
        (data, "XAdES", {"main", "signature"}),
        (ASSETS / "acts" / "convention-2026-018-cercle-nautique.pdf", "PAdES", {"main"}),
    ):
        folder_id = house.a_document(path.read_bytes(), path.name)
        if form == "XAdES":
            page = house.client("a.kervadec").get(f"/dossiers/{folder_id}").get_data(as_text=True)
            assert "&lt;montant&gt;12&lt;/montant&gt;" in page  # what is signed is what is shown
        house.sign(folder_id, "a.kervadec")
        (proof,) = proofs(folder_id)
        (tmp_path / form).mkdir()
        files = kept(house, folder_id, tmp_path / form)
        assert (proof.format, set(files)) == (form, roles)
        if form == "XAdES":
            assert files["main"][0].read_bytes() == data.read_bytes()


def test_nobody_signs_an_xml_that_no_page_can_show_whole(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = b"<plan>" + b"<point/>" * 125_000 + b"</plan>"
    with pytest.raises(Refusal) as refused:
        house.a_document(long, "plan.xml")
    assert refused.value.key == "xml-not-shown"
    # One that came before this limit keeps its place, and is not signed either.
    folder_id = house.a_document(long[: 6 + 8 * 100_000] + b"</plan>", "plan.xml")
    version = house.folder(folder_id).version
    monkeypatch.setattr(xml, "LONGEST_SHOWN", 100_000)
    with pytest.raises(Refusal) as refused:
        house.sign(folder_id, "a.kervadec")
    assert (refused.value.key, proofs(folder_id)) == ("xml-not-shown", [])
    assert house.folder(folder_id).version == version
    reader, url = house.client("a.kervadec"), f"/dossiers/{folder_id}"
    assert "ne s’affiche pas dans la page" in reader.get(url).get_data(as_text=True)
    assert "Lu par" not in reader.get(f"{url}?onglet=pieces").get_data(as_text=True)
    (main,) = house.versions(folder_id)
    reader.get(f"{url}/documents/{main.document_id}/1?telecharger")
    assert "Lu par Armel Kervadec" in reader.get(f"{url}?onglet=pieces").get_data(as_text=True)


def test_what_is_signed_as_a_file_is_shown_to_its_last_character(house: House) -> None:
    hidden = "<note>payer 1\u202e00\u202c 000 \u200beuros</note>".encode()
    folder_id = house.a_document(hidden, "note.xml")
    page = house.client("a.kervadec").get(f"/dossiers/{folder_id}").get_data(as_text=True)
    assert "payer 1[U+202E]00[U+202C] 000 [U+200B]euros" in page
    # A table of what a known file says leaves things out: the text stands below it.
    known = (ASSETS / "invoices" / "ubl-en16931-fr.xml").read_bytes()
    folder_id = house.a_document(known, "facture.xml")
    page = house.client("a.kervadec").get(f"/dossiers/{folder_id}").get_data(as_text=True)
    assert "Données lues dans le fichier" in page
    assert page.rindex("&lt;/cac:InvoiceLine&gt;") < page.rindex("&lt;/Invoice&gt;")


def test_two_signatories_leave_two_files_that_both_hold(house: House, plan: Path, tmp_path: Path) -> None:
    circuits.publish(house.actor("k.morizur"), "other", TWO)
    folder_id = house.a_document(plan.read_bytes(), plan.name)
    house.sign(folder_id, "a.kervadec")
    house.sign(folder_id, "b.cadiou")
    names = sorted(one.name for one in kept(house, folder_id, tmp_path)["signature"])
    assert names == ["Plan-du-port-png-1-Armel-Kervadec.p7s", "Plan-du-port-png-2-Bleuenn-Cadiou.p7s"]


def test_a_folder_that_comes_back_starts_again_without_the_signatures_of_the_former_round(
    house: House, plan: Path, tmp_path: Path
) -> None:
    circuits.publish(house.actor("k.morizur"), "other", TWO)
    folder_id = house.a_document(plan.read_bytes(), plan.name)
    house.sign(folder_id, "a.kervadec")
    decide.reject(
        house.actor("b.cadiou"), folder_id, version=house.folder(folder_id).version, reason="Plan ancien"
    )
    sending.send(house.actor("k.morizur"), folder_id, version=house.folder(folder_id).version)
    assert set(kept(house, folder_id, tmp_path)) == {"main"}
    house.sign(folder_id, "a.kervadec")
    (beside,) = kept(house, folder_id, tmp_path)["signature"]
    assert beside.name == "Plan-du-port-png-1-Armel-Kervadec.p7s"
    with reading() as db:
        made = db.scalars(
            sa.select(DocumentVersion.filename).join(Document).where(Document.role == "signature")
        )
        assert len(list(made)) == 2


def test_the_page_says_in_which_format_each_was_signed_and_offers_the_signature(
    house: House, plan: Path
) -> None:
    folder_id = house.a_document(plan.read_bytes(), plan.name)
    client = house.client("a.kervadec")
    dialog = client.get(f"/dossiers/{folder_id}/signer").get_data(as_text=True)
    assert "Choisir l’emplacement" not in dialog
    house.sign(folder_id, "a.kervadec")
    page = client.get(f"/dossiers/{folder_id}?onglet=pieces").get_data(as_text=True)
    assert "Signature séparée" in page
    assert "Plan-du-port-png-1-Armel-Kervadec.p7s" in page
