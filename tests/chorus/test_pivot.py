"""The pivot of an invoice: what it says is read as written, its files are unpacked, and what is hostile is refused."""

import io
import zipfile
from base64 import b64decode, b64encode

import pytest

from app.chorus import pivot
from app.chorus.client import Client
from app.chorus.pivot import Unreadable, in_order, read
from app.core.clock import now
from demo.chorus import deposits
from demo.chorus.simulator import SimulatedChorus
from tests.chorus.test_client import SAMPLES, WHO, Recorded

SAMPLE = (SAMPLES / "pivot-9100001.xml").read_bytes()
CONTENT = SAMPLE.decode().partition("<Contenu>")[2].partition("</Contenu>")[0]


def packed(**files: bytes) -> bytes:
    """A zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def with_content(data: bytes) -> bytes:
    """The sample, its first file being these bytes."""
    return SAMPLE.replace(CONTENT.encode(), b64encode(data))


def broken_lzma() -> bytes:
    """A zip by LZMA, whose bytes are broken inside."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("a.pdf", b"abc" * 4000)
    data = bytearray(out.getvalue())
    data[50:60] = bytes(one ^ 0xFF for one in data[50:60])
    return bytes(data)


def test_the_sample_is_read_as_written() -> None:
    one = read(Client(Recorded("telecharger-groupe-pivot.json"), WHO).pivot(9100001), 9100001)
    assert one == read(SAMPLE, 9100001)
    assert one.facts == {
        "number": "FA-2026-0113",
        "type_code": "380",
        "issue_date": "2026-11-13",
        "seller": "MENUISERIE LE GOFF",
        "seller_siret": "90010020700019",
        "currency": "EUR",
        "total_ht": "1200.00",
        "total_vat": "240.00",
        "total_ttc": "1440.00",
        "order_ref": "2026-BC-00412",
        "frame": "A1",
        "iban": "FR3299999000010123456789A09",
    }
    assert (one.buyer_siret, one.service, one.frame, one.again) == (
        "21290999800016",
        "TECHNIQUE",
        "A1",
        "Non",
    )
    first, second = in_order(one)
    assert (first.main, first.data[:5], second.name) == (True, b"%PDF-", "BL-4471.pdf")


@pytest.mark.parametrize("kind", [kind for kind in deposits.KINDS if kind != deposits.TWICE])
def test_each_kind_of_invoice_has_what_is_signed_in_front(kind, tmp_path) -> None:
    chorus = SimulatedChorus(tmp_path, now)
    number = deposits.deposit(chorus, kind, now())
    one = read(Client(chorus, WHO).pivot(number), number)
    first = in_order(one)[0]
    assert first.main
    assert first.data.startswith(b"%PDF-") != (kind == deposits.DATA)
    assert one.paid_already == (kind == deposits.PAID)
    assert one.facts["type_code"] == ("381" if kind == deposits.CREDIT else "380")
    assert len(one.pieces) == (1 if kind in {deposits.FACTURX, deposits.CREDIT, deposits.ACCOUNT} else 2)


def test_data_that_nobody_reads_stay_behind_their_page() -> None:
    other = b"<?xml version='1.0'?><Ancien/>"
    moved = SAMPLE.replace(b"<TypePJ>02</TypePJ>", b"<TypePJ>02</TypePJ><!-- -->").replace(
        CONTENT.encode(), b64encode(other)
    )
    first, second = in_order(read(moved, 9100001))
    assert first.name == "BL-4471.pdf"
    assert second.data == other


def test_a_file_is_taken_out_of_its_zip_and_an_archive_stays_one() -> None:
    pdf = b64decode(CONTENT)
    for sent, kept in (
        (pdf, pdf[pdf.index(b"%PDF") : pdf.index(b"%%EOF") + 6]),
        (b"%PDF-1.4 as it is", b"%PDF-1.4 as it is"),
        (packed(a=b"1", b=b"2"), packed(a=b"1", b=b"2")),  # an office document, or an archive of the supplier
    ):
        first = read(with_content(sent), 9100001).pieces[0]
        assert first.data == kept


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><CPPFacturePivot/>", "DOCTYPE"),
        (SAMPLE[:-40], "pivot.xml"),
        (b"<html/>", "« html »"),
        (SAMPLE.replace(b"9100001", b"9100002"), "9100001 n’est pas"),
        (with_content(b"x").replace(b"<Contenu>eA==", b"<Contenu>&#233;"), "base64"),
        (with_content(b"PK\x03\x04 and nothing more"), "zip illisible"),
        (with_content(broken_lzma()), "zip illisible"),
        (with_content(packed(bomb=b"0" * (pivot.MOST_BYTES + 1))), "100 Mo"),
        (SAMPLE.replace(b"</PJ>", b"</PJ>" + b"<PJ><NomPJ>a</NomPJ></PJ>" * 300), "plus de 200 pièces"),
    ],
)
def test_what_is_hostile_or_broken_is_refused_in_a_sentence(data, words) -> None:
    if words.startswith("plus de 200"):
        data = data.replace(b"<PJ><NomPJ>a", b"<PJ><Contenu>eA==</Contenu><NomPJ>a")
    with pytest.raises(Unreadable, match=words):
        read(data, 9100001)
