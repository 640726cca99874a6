"""At deposit too, what was added after an earlier signature passes the gate of the verifier."""

import io
from pathlib import Path

from app.files import earlier_signatures
from tests.assets import make_signed
from tests.verification.corpus import changed
from tests.verification.test_shown import FOOT, OBJECT, PAGE, drawing, metadata, widget, without_end


def first(tmp_path: Path, data: bytes):
    path = tmp_path / "deposited.pdf"
    path.write_bytes(data)
    return earlier_signatures.read(path)[0]


def test_a_field_that_nobody_signed_and_that_covers_the_page_breaks_what_was_signed(tmp_path: Path) -> None:
    data = changed(make_signed.signed(), lambda w: widget(w, "Signature9", "/Sig", PAGE, drawing(w, PAGE)))
    one = first(tmp_path, data)
    assert not one.valid_structure
    assert "que personne n’a signé" in one.altered[0]
    assert one.since.startswith("Ce qui s’affiche n’est plus") or not one.since


def test_what_follows_the_end_breaks_what_was_signed(tmp_path: Path) -> None:
    signed = make_signed.signed()
    assert not first(tmp_path, without_end(signed)).valid_structure
    assert not first(tmp_path, signed + OBJECT).valid_structure


def test_a_stamp_of_whoever_issued_his_own_certificate_is_a_doubt_and_no_more(tmp_path: Path) -> None:
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import signers

    signed = make_signed.signed()
    with_field = changed(
        signed, lambda w: widget(w, "Signature2", "/Sig", FOOT, drawing(w, FOOT, b"0 0 20 20 re f"))
    )
    meta = signers.PdfSignatureMetadata(field_name="Signature2")
    writer = IncrementalPdfFileWriter(io.BytesIO(with_field))
    one = first(tmp_path, signers.PdfSigner(meta, signer=make_signed.signer()).sign_pdf(writer).getvalue())
    assert one.valid_structure
    assert "l’autorité n’est pas reconnue" in one.doubts[0]
    assert (one.issuer, one.self_issued) == ("Armel Kervadec", True)


def test_metadata_added_since_are_told_and_break_nothing(tmp_path: Path) -> None:
    one = first(tmp_path, changed(make_signed.signed(), metadata))
    assert (one.valid_structure, one.doubts) == (True, ())
    assert one.since == "Métadonnées modifiées depuis, sans effet sur ce qui s’affiche."
