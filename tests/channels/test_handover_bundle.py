"""The ZIP is whole, reproducible, verifiable by its manifest, and safe to unpack."""

import hashlib
import json
import zipfile
from datetime import date
from decimal import Decimal

import pytest

from app.channels.handover.bundle import SCHEMA, write_bundle
from app.transmission.ports import Rejected
from tests.channels.parcels import PDF, XML, a_file, a_parcel


def an_invoice(folder, **changes):
    files = (
        a_file(folder, "main", "facture.pdf", PDF + b"signed"),
        a_file(folder, "original", "facture.pdf", PDF),
        a_file(folder, "data", "factur-x.xml", XML, media_type="application/xml"),
        a_file(folder, "attachment", "bon de commande.pdf", PDF + b"1"),
        a_file(folder, "attachment", "Bon de commande.pdf", PDF + b"2"),
    )
    facts = {"amount": Decimal("3186.00"), "issued_on": date(2026, 11, 20)}
    return a_parcel(folder, family="invoice", files=files, facts=facts, **changes)


def test_the_manifest_lets_every_file_be_verified(tmp_path):
    parcel = an_invoice(tmp_path)
    target = tmp_path / "out.zip"
    assert write_bundle(parcel, target) == hashlib.sha256(target.read_bytes()).hexdigest()
    with zipfile.ZipFile(target) as bundle:
        assert bundle.testzip() is None
        names = bundle.namelist()
        manifest = json.loads(bundle.read("manifest.json"))
        for file in manifest["files"]:
            content = bundle.read(file["name"])
            assert (len(content), hashlib.sha256(content).hexdigest()) == (file["size"], file["sha256"])
    assert names == [
        "manifest.json",
        "signe/facture.pdf",
        "original/facture.pdf",
        "donnees/factur-x.xml",
        "annexes/bon de commande.pdf",
        "annexes/Bon de commande-2.pdf",
    ]
    assert manifest["schema"] == SCHEMA
    assert manifest["folder"]["facts"]["amount"] == "3186.00"
    assert manifest["folder"]["facts"]["issued_on"] == "2026-11-20"
    assert manifest["folder"]["link"] == "https://paraphe.example.org/folders/57"
    assert manifest["sender"] == {"siren": "212909998", "name": "Commune de Kerlann-sur-Mer"}
    assert manifest["signatures"][0]["name"] == "Armel Kervadec"
    assert [file["role"] for file in manifest["files"]] == [
        "main",
        "original",
        "data",
        "attachment",
        "attachment",
    ]


def test_the_same_parcel_gives_the_same_bytes(tmp_path):
    first, second = tmp_path / "a.zip", tmp_path / "b.zip"
    write_bundle(an_invoice(tmp_path / "store"), first)
    write_bundle(an_invoice(tmp_path / "other"), second)
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as bundle:
        assert {entry.date_time for entry in bundle.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.compress_type for entry in bundle.infolist()} == {zipfile.ZIP_STORED}


@pytest.mark.parametrize(
    ("given", "inside"),
    [
        ("../../etc/passwd", "signe/passwd"),
        ("C:\\Users\\mairie\\acte.pdf", "signe/acte.pdf"),
        ("a\x00b\n.pdf", "signe/a_b_.pdf"),
        ("con.pdf", "signe/_con.pdf"),
        ("..", "signe/document-"),
        ("é" * 300 + ".pdf", "signe/" + "é" * 116 + ".pdf"),
        ("Quel prix ? *final*.pdf", "signe/Quel prix _ _final_.pdf"),
    ],
)
def test_no_name_escapes_from_the_zip(tmp_path, given, inside):
    parcel = a_parcel(tmp_path, files=(a_file(tmp_path, "main", given, PDF),))
    target = tmp_path / "out.zip"
    write_bundle(parcel, target)
    with zipfile.ZipFile(target) as bundle:
        assert bundle.namelist()[1].startswith(inside)


def test_a_file_whose_bytes_changed_is_not_handed_over(tmp_path):
    parcel = an_invoice(tmp_path / "store")
    parcel.files[0].path.write_bytes(b"altered")
    with pytest.raises(Rejected, match="empreinte"):
        write_bundle(parcel, tmp_path / "out.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
