"""What may enter is described for the page: pages, text, earlier signatures, repaired or converted copy."""

import io
import subprocess
import unicodedata
from pathlib import Path

import pytest

from app.files.intake import REPAIR_NOTE, Examined, accepted_names, examine
from app.files.pdf import read_text
from tests.assets import make_hostile, make_signed

ASSETS = Path(__file__).parent.parent / "assets"


def look(path: Path, name: str, workdir: Path, *, sign: bool = True, role: str = "main") -> Examined:
    return examine(path, name, role=role, to_be_signed=sign, formats=(), office=None, workdir=workdir)


def made(data: bytes, workdir: Path, name: str = "document.pdf", **how: bool) -> Examined:
    path = workdir / "upload"
    path.write_bytes(data)
    return look(path, name, workdir, **how)


@pytest.mark.parametrize(
    "path",
    sorted(one for one in ASSETS.glob("*/*.pdf") if one.parent.name != "pdf"),
    ids=lambda path: path.name,
)
def test_every_sample_pdf_is_accepted_as_it_is(path: Path, tmp_path: Path) -> None:
    seen = look(path, path.name, tmp_path)
    assert (seen.kind, seen.media_type, seen.repaired, seen.signatures) == (
        "pdf",
        "application/pdf",
        None,
        (),
    )
    assert seen.has_text is ("scannee" not in path.name)
    assert list(tmp_path.iterdir()) == []


def test_a_deliberation_is_summed_up_for_the_page(tmp_path: Path) -> None:
    seen = look(make_hostile.GOOD, "délibération.pdf", tmp_path)
    assert seen.pages == 2
    assert seen.notes == ("2 pages, 29\u00a0Ko, lisible, non chiffré, sans signature",)


@pytest.mark.law("PES-06")
def test_a_scan_says_that_its_facts_must_be_typed(tmp_path: Path) -> None:
    seen = look(ASSETS / "acts" / "facture-scannee-FA-2026-1187.pdf", "scan.pdf", tmp_path)
    assert not seen.has_text
    assert "image sans texte" in seen.notes[0]
    assert "gardez l’original, sauf si la copie est fiable" in seen.notes[3]
    assert (
        seen.notes[1]
        == "Aucun texte à lire dans ce PDF : les informations sont à saisir, ou à confirmer si l’image se lit."
    )
    assert seen.notes[2] == "Numérisé à 150 points par pouce."


def test_an_invoice_with_attached_files_is_accepted(tmp_path: Path) -> None:
    seen = look(ASSETS / "invoices" / "fx-en16931-fr-avec-piece-jointe.pdf", "facture.pdf", tmp_path)
    assert seen.kind == "pdf"


@pytest.mark.parametrize("name", make_hostile.REPAIRABLE)
def test_a_badly_built_pdf_is_offered_repaired_and_its_original_is_untouched(
    name: str, tmp_path: Path
) -> None:
    data = make_hostile.REPAIRABLE[name]()
    seen = made(data, tmp_path, name)
    assert seen.repaired is not None
    assert seen.pages == 2
    assert seen.offer == REPAIR_NOTE
    assert "à accepter avant toute signature" in REPAIR_NOTE
    assert (tmp_path / "upload").read_bytes() == data
    assert (
        subprocess.run(["qpdf", "--check", str(seen.repaired)], capture_output=True, check=False).returncode
        == 0
    )
    again = look(seen.repaired, name, tmp_path)
    assert (again.repaired, again.pages) == (None, 2)
    assert "subvention" in read_text(seen.repaired)


def test_the_same_damage_is_repaired_into_the_same_bytes(tmp_path: Path) -> None:
    first = made(make_hostile.broken_xref(), tmp_path).repaired
    second = made(make_hostile.broken_xref(), tmp_path).repaired
    assert first
    assert second
    assert first != second
    assert first.read_bytes() == second.read_bytes()


def test_an_accepted_repaired_copy_can_be_signed(tmp_path: Path) -> None:
    for make in make_hostile.REPAIRABLE.values():
        seen = made(make(), tmp_path)
        assert seen.repaired is not None
        data = seen.repaired.read_bytes()
        assert made(make_signed.signed(data=data), tmp_path).signatures[0].valid_structure


def test_an_earlier_signature_is_listed_and_kept(tmp_path: Path) -> None:
    data = make_signed.signed()
    seen = made(data, tmp_path)
    (one,) = seen.signatures
    assert (one.name, one.valid_structure, one.docmdp, one.timestamped) == (
        "Armel Kervadec",
        True,
        None,
        False,
    )
    assert one.when is not None
    assert ", 1 signature" in seen.notes[0]
    assert seen.notes[1].startswith("Porte déjà une signature au nom de « Armel Kervadec », datée du ")
    assert seen.notes[1].endswith(" : elle sera conservée.")
    assert seen.repaired is None
    assert (tmp_path / "upload").read_bytes() == data


def test_a_timestamp_is_the_time_that_is_shown(tmp_path: Path) -> None:
    (one,) = made(make_signed.signed(stamped=True), tmp_path).signatures
    assert (one.timestamped, one.when) == (True, "2026-11-25T12:00:00+00:00")


def test_two_earlier_signatures_are_listed_in_their_order(tmp_path: Path) -> None:
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import signers

    writer = IncrementalPdfFileWriter(io.BytesIO(make_signed.signed(free_field=True)))
    meta = signers.PdfSignatureMetadata(field_name="Signature2")
    twice = signers.PdfSigner(meta, signer=make_signed.signer()).sign_pdf(writer).getvalue()
    seen = made(twice, tmp_path)
    assert [one.valid_structure for one in seen.signatures] == [True, True]
    assert ", 2 signatures" in seen.notes[0]


def test_a_signature_broken_by_a_later_change_is_shown_as_such(tmp_path: Path) -> None:
    seen = made(make_signed.tampered(), tmp_path)
    assert [one.valid_structure for one in seen.signatures] == [False]
    assert any(note.startswith("Signature de « Armel Kervadec » non valable") for note in seen.notes)


def test_a_certified_document_with_a_free_field_may_be_signed(tmp_path: Path) -> None:
    seen = made(make_signed.signed(certify=2, free_field=True), tmp_path)
    assert [one.docmdp for one in seen.signatures] == [2]
    assert "Document certifié par Armel Kervadec." in seen.notes


def test_a_certified_document_may_be_an_annex_that_nobody_signs(tmp_path: Path) -> None:
    seen = made(make_signed.signed(certify=1), tmp_path, sign=False)
    assert [one.docmdp for one in seen.signatures] == [1]


def test_spaces_and_zeros_after_the_end_are_no_damage(tmp_path: Path) -> None:
    assert made(make_hostile.good_pdf() + b"\r\n\0\0\n", tmp_path).repaired is None


def test_the_word_javascript_in_a_text_is_no_program(tmp_path: Path) -> None:
    def title(pdf: object) -> None:
        pdf.docinfo["/Title"] = "Formation /JavaScript /Launch"  # type: ignore[attr-defined]

    assert made(make_hostile.changed(title), tmp_path).kind == "pdf"


@pytest.mark.parametrize("path", sorted(ASSETS.glob("*/*.xml")), ids=lambda path: path.name)
def test_every_sample_xml_is_accepted(path: Path, tmp_path: Path) -> None:
    seen = look(path, path.name, tmp_path)
    assert (seen.kind, seen.media_type, seen.pages) == ("xml", "application/xml", None)
    assert seen.notes[0].startswith("Données XML, ")


def test_names_are_kept_without_path_and_in_one_form(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "Délibération.pdf")
    assert look(make_hostile.GOOD, f"C:\\séances\\{decomposed}", tmp_path).filename == "Délibération.pdf"


def test_the_page_announces_what_a_family_accepts() -> None:
    assert accepted_names(("pdf", "xml")) == ("pdf", "xml")
    assert accepted_names(("image",)) == ("jpg", "jpeg", "png")
    assert "odt" in accepted_names(())
